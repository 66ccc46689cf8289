//! One thread equals two, bit for bit: every function on samples that are large enough to be shared, values and gradients.

use pullback::proof::Call;
use pullback::registry::{Entry, entries};
use pullback::{BackwardOptions, DType, Result, Tensor, grad, set_num_threads};

/// Elements from which loops are shared among threads, and some.
const MANY: usize = 70_000;

/// Functions whose results grow faster than their arguments, or that compare all with all.
const GROWING: [&str; 13] = [
    "kron",
    "cdist",
    "einsum",
    "tensordot",
    "outer",
    "ger",
    "meshgrid",
    "cartesian_prod",
    "bilinear",
    "combinations",
    "addr",
    "inner",
    "diagflat",
];

fn numel(t: &[Tensor]) -> usize {
    t.iter().map(Tensor::numel).max().unwrap_or(0)
}

/// The call with its tensors enlarged, as far as that stays cheap.
fn enlarged(entry: &Entry, text: &str) -> Option<Call> {
    let plain = Call::parse(text, DType::F32).ok()?.tensors();
    // The shape that all of them broadcast to: what an elementwise result would have.
    let rank = plain.iter().map(Tensor::ndim).max()?;
    let n: usize = (1..=rank)
        .map(|back| {
            (plain
                .iter()
                .filter_map(|t| t.shape().len().checked_sub(back).map(|d| t.shape()[d])))
            .max()
        })
        .map(|n| n.unwrap_or(1).max(1))
        .product();
    if n < 2 || rank == 0 || rank > 4 || GROWING.contains(&entry.function.name()) {
        return None;
    }
    // A vector may become a matrix of its square (diagonals); elementwise work and reductions have no such forms.
    let flat = [
        "pointwise",
        "smooth",
        "logic",
        "activation",
        "loss",
        "reduce",
        "order",
    ]
    .contains(&entry.group);
    let target = if rank == 1 && !flat { 1_000 } else { MANY };
    let scale = ((target as f64 / n as f64).powf(1.0 / rank as f64)).ceil() as usize;
    let call = Call::enlarged(text, DType::F32, scale).ok()?;
    (numel(&call.tensors()) < 20 * MANY).then_some(call)
}

/// Values and gradients, as bits; `None` where the enlarged call makes no sense.
fn bits(entry: &Entry, call: &Call) -> Option<Vec<Vec<u64>>> {
    let run = || -> Result<Vec<Tensor>> {
        pullback::random::manual_seed(0);
        let leaves = (call.tensors().iter())
            .map(|t| t.detach().requires_grad_(t.dtype().is_float()))
            .collect::<Result<Vec<_>>>()?;
        let call = call.with(&leaves);
        let y = entry.call(&call.args, &call.named())?;
        let mut all: Vec<Tensor> = y.tensors().into_iter().cloned().collect();
        let rooted: Vec<Tensor> = all.iter().filter(|t| t.requires_grad()).cloned().collect();
        if !rooted.is_empty() {
            let g = (rooted.iter().map(|t| t.detach().sin())).collect::<Result<Vec<_>>>()?;
            let seeds: Vec<_> = rooted.iter().zip(&g).map(|(t, g)| (t, Some(g))).collect();
            let inputs: Vec<&Tensor> = leaves.iter().filter(|t| t.requires_grad()).collect();
            let options = BackwardOptions::NEW.allow_unused(true);
            all.extend(grad(&seeds, &inputs, options)?.into_iter().flatten());
        }
        Ok(all)
    };
    let list = run().ok()?;
    list.iter()
        .map(|t| Some(t.to_f64_vec().ok()?.into_iter().map(f64::to_bits).collect()))
        .collect()
}

#[test]
fn one_thread_equals_two() {
    let (mut compared, mut large, mut wrong) = (0, 0, Vec::new());
    for entry in entries() {
        for text in entry.function.samples.iter().take(3) {
            let Some(call) = enlarged(entry, text) else {
                continue;
            };
            set_num_threads(1);
            let one = bits(entry, &call);
            set_num_threads(2);
            let two = bits(entry, &call);
            compared += usize::from(one.is_some());
            large += usize::from(one.is_some() && numel(&call.tensors()) >= MANY);
            if one != two {
                wrong.push(format!("{}({text})", entry.function.name()));
            }
        }
    }
    println!("{compared} calls, {large} of them on {MANY} numbers or more");
    assert!(
        wrong.is_empty(),
        "{} of {compared} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(
        large > 300,
        "only {large} calls were large enough to be shared"
    );
}
