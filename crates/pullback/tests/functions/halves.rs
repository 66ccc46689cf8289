//! What half precision promises: numbers are widened, everything is computed in single precision, and the result is rounded once. So every
//! function of halves is held against itself in single precision at the same numbers, results and gradients, which must be equal but for the
//! last place.
//!
//! Not for: which dtypes a function takes and gives (golden files hold those), random functions.

use pullback::proof::Call;
use pullback::registry::{Entry, entries};
use pullback::{BackwardOptions, DType, Result, Tensor, grad};
use std::collections::BTreeMap;

/// Functions that round more than once, by the reason.
const KNOWN: &[(&str, &[&str])] = &[
    (
        "PyTorch's are put together of operations that round, too",
        &[
            "alpha_dropout",
            "corrcoef",
            "cov",
            "cumulative_trapezoid",
            "feature_alpha_dropout",
            "gaussian_nll_loss",
            "gradient",
            "gumbel_softmax",
            "index_add",
            "local_response_norm",
            "ndtr",
            "renorm",
            "tanhshrink",
            "trapezoid",
            "trapz",
            "vecdot",
        ],
    ),
    (
        "every product of matrices is rounded",
        &["chain_matmul", "einsum", "matrix_power", "multi_dot"],
    ),
    (
        "what one layer gives the next is rounded",
        &["gru", "lstm", "rnn_tanh"],
    ),
    (
        "there is none of halves in PyTorch",
        &["histc", "nanquantile", "quantile"],
    ),
    ("draws in other blocks", &["normal", "randn_like"]),
];

fn call(entry: &Entry, call: &Call) -> Result<Vec<Tensor>> {
    let value = entry.call(&call.args, &call.named())?;
    Ok(value.tensors().into_iter().cloned().collect())
}

fn numbers(x: &Tensor) -> Vec<f64> {
    x.detach().to(DType::F64).unwrap().to_vec().unwrap()
}

/// The largest distance of `a`, halves of so many binary digits, from `b`, in units of the last place of `b`.
fn units(a: &Tensor, b: &Tensor, half: DType) -> f64 {
    let (digits, largest) = match half {
        DType::F16 => (11, 65504.0),
        _ => (8, f64::from(f32::MAX)),
    };
    let one = |(a, b): (f64, f64)| match () {
        _ if a == b || a.is_nan() && b.is_nan() => 0.0,
        // Beyond what halves hold.
        _ if b.abs() > largest * 0.99 && a.abs() > largest * 0.98 => 0.0,
        _ if a.is_finite() && b.is_finite() => {
            (a - b).abs() / 2f64.powi(b.abs().max(6.2e-5).log2().floor() as i32 + 1 - digits)
        }
        _ => f64::INFINITY,
    };
    (numbers(a).into_iter().zip(numbers(b)))
        .map(one)
        .fold(0.0, f64::max)
}

/// The gradients of all results together, weighed unevenly.
fn gradients(y: &[Tensor], x: &[Tensor]) -> Result<Vec<Option<Tensor>>> {
    let y: Vec<&Tensor> = y.iter().filter(|y| y.requires_grad()).collect();
    let x: Vec<&Tensor> = x.iter().filter(|x| x.requires_grad()).collect();
    let weight = |i: usize| (i * 7 % 5) as f64 * 0.25 - 0.375;
    let seeds = (y.iter())
        .map(|y| {
            let list: Vec<f64> = (0..y.numel()).map(weight).collect();
            Tensor::from_slice(&list, &y.shape()[..])?.to(y.dtype())
        })
        .collect::<Result<Vec<_>>>()?;
    let roots: Vec<_> = y.iter().zip(&seeds).map(|(y, g)| (*y, Some(g))).collect();
    grad(&roots, &x, BackwardOptions::NEW.allow_unused(true))
}

/// One sample of a function in half precision against the same numbers in single precision: by how many units in the last place results
/// are apart, and gradients, of their largest number.
fn apart(entry: &Entry, sample: &Call, half: DType) -> Option<[f64; 2]> {
    let made = |to: DType| -> Result<Vec<Tensor>> {
        (sample.tensors().iter())
            .map(|x| match x.dtype() {
                DType::F64 => x.to(half)?.to(to)?.detach().requires_grad_(true),
                _ => Ok(x.clone()),
            })
            .collect()
    };
    let run = |x: &[Tensor]| {
        pullback::random::manual_seed(5);
        call(entry, &sample.with(x))
    };
    let (h, w) = (made(half).ok()?, made(DType::F32).ok()?);
    let (a, b) = (run(&h).ok()?, run(&w).ok()?);
    let alike = |(a, b): &(&Tensor, &Tensor)| a.dtype() == half && a.shape() == b.shape();
    let values = (a.iter().zip(&b))
        .filter(alike)
        .map(|(a, b)| units(a, b, half));
    let values = values.reduce(f64::max)?;
    let (Ok(g), Ok(k)) = (gradients(&a, &h), gradients(&b, &w)) else {
        return Some([values, 0.0]);
    };
    let far = |(g, k): (&Option<Tensor>, &Option<Tensor>)| {
        let (g, k) = (numbers(g.as_ref()?), numbers(k.as_ref()?));
        let largest = k.iter().fold(0.0, |m: f64, x| m.max(x.abs()));
        let far = g.iter().zip(&k).map(|(a, b)| (a - b).abs());
        Some(far.fold(0.0, f64::max) / (largest * half.unit_roundoff() * 2.0 + 1e-4))
    };
    let gradients = g.iter().zip(&k).filter_map(far).fold(0.0, f64::max);
    Some([values, gradients])
}

#[test]
fn functions_of_halves_round_once() {
    let mut worst: BTreeMap<&str, ([f64; 2], String)> = BTreeMap::new();
    let mut held = 0;
    for entry in entries() {
        for text in entry.function.samples {
            let Ok(sample) = Call::parse(text, DType::F64) else {
                continue;
            };
            for half in [DType::F16, DType::BF16] {
                let Some(found) = apart(entry, &sample, half) else {
                    continue;
                };
                held += 1;
                if found[0] > 1.25 || found[1] > 8.0 {
                    let before = worst.entry(entry.signature.name).or_default();
                    if found[0] + found[1] > before.0[0] + before.0[1] {
                        *before = (found, format!("{half} {text}"));
                    }
                }
            }
        }
    }
    assert!(held > 2000, "only {held} samples");
    let known: Vec<&str> = KNOWN.iter().flat_map(|k| k.1).copied().collect();
    let new: Vec<_> = (worst.iter())
        .filter(|(name, _)| !known.contains(name))
        .collect();
    assert!(
        new.is_empty(),
        "units in the last place of values, of gradients: {new:#?}"
    );
    let gone: Vec<_> = (known.iter())
        .filter(|name| !worst.contains_key(*name))
        .collect();
    assert!(
        gone.is_empty(),
        "round once: take them off the list: {gone:?}"
    );
}
