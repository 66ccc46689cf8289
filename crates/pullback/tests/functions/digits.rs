//! First and second derivatives of functions of one number, over all magnitudes, keep their digits: against the same rule in double-double.
//!
//! A rule that subtracts large terms agrees with differences near 1 and has no digit left at 10 or 1000. What an argument's own rounding
//! does to a derivative is allowed for: the derivative after it, times the argument.

use pullback::ops::OPS;
use pullback::proof::{Call, Case};
use pullback::registry::entries;
use pullback::{BackwardOptions, DType, Reduction, Result, Tensor, grad};

type Run<'a> = &'a dyn Fn(&Tensor) -> Result<Tensor>;

/// Functions whose derivative is PyTorch's formula to the bit, or made of such: exact to a rounding of 1 (of the largest slope), not of what is
/// left far from there.
const OF_ONE: &[&str] = &[
    "expm1",
    "sigmoid",
    "tanh",
    "special_i0e",
    "special_i1e",
    "softplus",
    "silu",
    "mish",
    "logsigmoid",
    "gelu_tanh",
    "logcumsumexp",
    "softsign",
    "tanhshrink",
];

/// Functions whose second derivative is that of PyTorch's formula for the first, with quotients by x whose errors grow towards 0.
const NEAR_ZERO: &[&str] = &[
    "special_i1",
    "special_i1e",
    "special_bessel_j1",
    "modified_bessel_i1",
];

/// Whether it has poles at negative numbers, beside which values pass through infinity early.
fn poles(name: &str) -> bool {
    ["lgamma", "digamma", "polygamma"].contains(&name)
}

/// Units of rounding, of the derivative and of what the argument's rounding does to it.
const UNITS: f64 = 4096.0;

/// Derivatives of order 1, 2 and 3 at every element, in the dtype of `x`.
fn derivatives(run: Run<'_>, x: &Tensor, orders: usize) -> Result<Vec<Vec<f64>>> {
    let x = x.detach().requires_grad_(true)?;
    let mut y = run(&x)?;
    let mut out = Vec::new();
    for _ in 0..orders {
        if !y.requires_grad() {
            out.push(vec![0.0; x.numel()]);
            continue;
        }
        let options = BackwardOptions::NEW
            .create_graph(true)
            .allow_unused(true)
            .materialize_grads(true);
        let g = grad(&[(&y, Some(&y.detach().ones_like()?))], &[&x], options)?;
        y = match g.into_iter().next().flatten() {
            Some(g) => g,
            None => x.detach().zeros_like()?,
        };
        out.push(y.detach().to_f64_vec()?);
    }
    Ok(out)
}

fn arguments(dtype: DType) -> Vec<f64> {
    let reach = if dtype == DType::F32 { 12 } else { 100 };
    let mut list = Vec::new();
    for e in (-reach..=reach).step_by(if dtype == DType::F32 { 2 } else { 9 }) {
        list.extend([1.37, -1.37].map(|m| m * 10f64.powi(e)));
    }
    for k in 0..48 {
        let m = 0.013 * 1.27f64.powi(k);
        list.extend([m, -m]);
    }
    match dtype {
        DType::F32 => list.iter().map(|v| f64::from(*v as f32)).collect(),
        _ => list,
    }
}

fn check(
    name: &str,
    label: &str,
    run: Run<'_>,
    dtype: DType,
    found: &mut Vec<String>,
) -> Result<()> {
    let floor = f64::from(u8::from(OF_ONE.contains(&name)));
    let list = arguments(dtype);
    let x = Tensor::from_slice(&list, [list.len()])?;
    let (Ok(wide), Ok(own)) = (
        derivatives(run, &x.to(DType::Dd)?, 3),
        derivatives(run, &x.to(dtype)?, 2),
    ) else {
        return Ok(());
    };
    let (u, tiny, huge) = match dtype {
        DType::F32 => (2f64.powi(-24), 1e-36, 1e36),
        _ => (2f64.powi(-53), 1e-200, 1e290),
    };
    for order in 0..2 {
        for (i, &v) in list.iter().enumerate() {
            let (got, want, next) = (own[order][i], wide[order][i], wide[order + 1][i]);
            if !want.is_finite() || !next.is_finite() || want.abs() > huge {
                continue;
            }
            if v.abs() < 0.1 && NEAR_ZERO.contains(&name)
                || poles(name) && v < 0.0
                || name.starts_with("sinc") && v.abs() > 1e4
            {
                continue;
            }
            let allowed = UNITS * u * (want.abs() + (v * next).abs()).max(floor) + tiny;
            let close = (got - want).abs() <= allowed; // not where either is NaN
            if !close {
                found.push(format!(
                    "{label}, {dtype}: derivative {} at {v:e}: {got:e}, in more digits {want:e}",
                    order + 1
                ));
                break;
            }
        }
    }
    Ok(())
}

#[test]
fn derivatives_keep_their_digits() {
    let only = std::env::var("PULLBACK_ONLY").ok();
    let wanted = |name: &str| only.as_ref().is_none_or(|n| n == name);
    let mut found = Vec::new();
    for def in OPS.iter().filter(|d| wanted(d.name)) {
        let mut met = Vec::new();
        for sample in (def.proof.samples)() {
            let case = Case::of(&sample, DType::F64).expect("a sample");
            if case.inputs.len() != 1 || case.inputs[0].ndim() != 1 || case.inputs[0].numel() < 2 {
                continue;
            }
            let text = format!("{:?}", case.op);
            if met.contains(&text)
                || case
                    .run(&case.inputs)
                    .is_ok_and(|y| y.shape() != case.inputs[0].shape())
            {
                continue;
            }
            met.push(text);
            let run = |x: &Tensor| case.run(std::slice::from_ref(x));
            for dtype in [DType::F64, DType::F32] {
                check(
                    def.name,
                    &format!("op {:?}", case.op),
                    &run,
                    dtype,
                    &mut found,
                )
                .expect("derivatives");
            }
        }
    }
    for entry in entries() {
        let f = entry.function;
        if f.op.is_some()
            || f.random
            || !f.checkable
            || f.name().ends_with('_')
            || !wanted(f.name())
        {
            continue;
        }
        for text in f.samples {
            let call = Call::parse(text, DType::F64).expect("a sample that can be read");
            if call.tensors().len() != 1 || !text.starts_with("T(2,3") {
                continue;
            }
            let run = |x: &Tensor| {
                let call = call.with(std::slice::from_ref(x));
                let y = entry.call(&call.args, &call.named())?;
                let first = y.tensors().first().map(|t| (*t).clone());
                first.ok_or_else(|| pullback::Error::new(pullback::ErrorKind::Type, "no tensor"))
            };
            // Element by element: a longer argument has a longer result.
            let long = Tensor::ones([7], DType::F64).expect("ones");
            if !run(&long).is_ok_and(|y| y.shape() == long.shape()) {
                continue;
            }
            for dtype in [DType::F64, DType::F32] {
                check(
                    f.name(),
                    &format!("{}({text})", f.name()),
                    &run,
                    dtype,
                    &mut found,
                )
                .expect("derivatives");
            }
            break;
        }
    }
    let soft_margin = |x: &Tensor| x.soft_margin_loss(&x.detach().ones_like()?, Reduction::None);
    for dtype in [DType::F64, DType::F32] {
        check(
            "softplus",
            "soft_margin_loss",
            &soft_margin,
            dtype,
            &mut found,
        )
        .expect("derivatives");
    }
    assert!(
        found.is_empty(),
        "{} lose digits:\n{}",
        found.len(),
        found.join("\n")
    );
}
