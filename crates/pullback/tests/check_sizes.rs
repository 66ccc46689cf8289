//! The checker on functions of matrices, norms, sums and angles whose numbers are of every size that single and double precision have: what
//! underflows inside of an operation is unknown and no bug, and a wrong gradient is no pass.

use pullback::check::{Check, Status};
use pullback::ops::QrMode;
use pullback::{DType, ErrorKind, Result, Tensor};

type Of = fn(&Tensor) -> Result<Tensor>;

/// Functions of a matrix `[3, 3]`.
const MATRICES: &[(&str, Of)] = &[
    ("inv", |a| a.inv()),
    ("pinv", |a| a.pinv(0.0, None)),
    ("solve", |a| a.solve(&a.add(&a.mt()?)?, true)),
    ("lstsq", |a| Ok(a.lstsq(&a.mt()?, None)?.solution)),
    ("svdvals", |a| a.svdvals()),
    ("qr", |a| Ok(a.qr(QrMode::Reduced)?.1)),
    ("eigvalsh", |a| a.add(&a.mt()?)?.eigh(false).map(|e| e.0)),
    ("det", |a| a.det()),
    ("slogdet", |a| Ok(a.slogdet()?.1)),
    ("cond", |a| a.cond()),
    ("cholesky", |a| a.matmul(&a.mt()?)?.cholesky(false)),
    ("matrix_exp", |a| a.matrix_exp()),
    ("norm", |a| a.vector_norm(2.0, &[], false, None)),
    ("norm of order 3", |a| a.vector_norm(3.0, &[], false, None)),
    ("norms of rows", |a| a.vector_norm(2.0, &[1], false, None)),
    ("std", |a| a.std(&[], 1.0, false)),
    ("var", |a| a.var(&[], 1.0, false)),
    ("logsumexp", |a| a.logsumexp(&[1], false)),
    ("sin", |a| a.sin()),
    ("tan", |a| a.tan()),
    ("hypot", |a| a.hypot(&a.mt()?)),
    ("atan2", |a| a.atan2(&a.mt()?)),
    ("sinc", |a| a.sinc()),
    ("softplus", |a| a.softplus(1.0, 20.0)),
    ("tanh", |a| a.tanh()),
    ("logaddexp", |a| a.logaddexp(&a.mt()?)),
    ("rsqrt", |a| a.abs()?.rsqrt()),
    ("asinh", |a| a.asinh()),
    ("acosh", |a| a.acosh()),
    ("atan", |a| a.atan()),
    ("log1p", |a| a.log1p()),
    ("expm1", |a| a.expm1()),
    ("exp", |a| a.exp()),
    ("exp2", |a| a.exp2()),
    ("log", |a| a.log()),
    ("log2", |a| a.log2()),
    ("lgamma", |a| a.lgamma()),
    ("digamma", |a| a.digamma()),
    ("erf", |a| a.erf()),
    ("erfc", |a| a.erfc()),
    ("erfinv", |a| a.erfinv()),
    ("i0", |a| a.i0()),
    ("gelu", |a| a.gelu(pullback::ops::Approximate::None)),
    ("silu", |a| a.silu()),
    ("mish", |a| a.mish()),
    ("cos", |a| a.cos()),
    ("sinh", |a| a.sinh()),
    ("cosh", |a| a.cosh()),
    ("sigmoid", |a| a.sigmoid()),
    ("logit", |a| a.logit(None)),
    ("pow", |a| a.pow(2.5)),
    ("pow of", |a| a.abs()?.pow(&a.mt()?)),
    ("reciprocal", |a| a.reciprocal()),
    ("square", |a| a.square()),
    ("div", |a| a.div(&a.mt()?)),
    ("xlogy", |a| a.xlogy(&a.mt()?)),
    ("remainder", |a| a.remainder(&a.mt()?)),
    ("cdist", |a| a.cdist(&a.mt()?, 2.0)),
    ("layer_norm", |a| a.layer_norm(&[3], None, None, 1e-5)),
    ("normalize", |a| a.normalize(2.0, 1, 1e-12)),
    ("cross_entropy", |a| a.log_softmax(1)),
    ("softmax", |a| a.softmax(1)),
    ("cumprod", |a| a.cumprod(1)),
    ("prod", |a| a.prod()),
];

const SIZES: [f64; 7] = [1e-37, 1e-30, 1e-15, 1.0, 1e7, 1e19, 1e30];

fn numbers(dtype: DType, size: f64) -> Result<Tensor> {
    let x = [1.25, -0.5, 0.375, 0.25, 2.125, -0.75, -1.0, 0.625, 1.875];
    Tensor::from_slice(&x.map(|v| v * size), [3, 3])?.to(dtype)
}

#[test]
fn every_size_of_numbers_accuses_nobody() {
    let (mut tried, mut passed, mut planted, mut found) = (0, 0, 0, 0);
    let (mut accused, mut missed) = (Vec::new(), Vec::new());
    let only = std::env::var("CHECK_ONLY").ok();
    for (name, f) in MATRICES {
        if only.as_ref().is_some_and(|only| only != name) {
            continue;
        }
        for dtype in [DType::F32, DType::F64] {
            for size in SIZES.into_iter().flat_map(|s| match dtype {
                DType::F32 => vec![s],
                _ => vec![s.powi(3), s.powi(8)],
            }) {
                for outer in [1.0, 1e20] {
                    let x = numbers(dtype, size).expect("numbers");
                    let run = |x: &[Tensor]| f(&x[0])?.mul(outer);
                    let report = match Check::new(run, &[&x]).run() {
                        Ok(report) => report,
                        Err(e) if e.kind() == ErrorKind::NonFinite => continue,
                        Err(e) if e.kind() == ErrorKind::Factorisation => continue,
                        Err(e) => panic!("{name} at {size:e}: {e}"),
                    };
                    if report.coordinates.iter().any(|c| !c.claimed.is_finite()) {
                        continue;
                    }
                    tried += 1;
                    passed += usize::from(report.status == Status::Pass);
                    let about = format!("{name}, {dtype}, {size:e}, times {outer:e}");
                    if report.status == Status::Fail {
                        println!("accused: {about}\n{report}");
                        accused.push(about.clone());
                    }
                    // Off by a thousandth, where the report says that so much would be seen.
                    let wrong = |x: &[Tensor]| {
                        let y = f(&x[0])?.mul(outer)?;
                        y.add(&y.detach().sub(&y)?.mul(1e-3)?)
                    };
                    let sharp =
                        (report.coordinates.iter()).any(|c| c.mde < 1e-4 && c.oracle.abs() > 1e-36);
                    if !sharp {
                        continue;
                    }
                    let Ok(report) = Check::new(wrong, &[&x]).run() else {
                        continue;
                    };
                    planted += 1;
                    found += usize::from(report.status == Status::Fail);
                    if report.status == Status::Pass {
                        println!("missed: {about}\n{report}");
                        missed.push(about);
                    }
                }
            }
        }
    }
    println!(
        "{tried} right, {passed} passed, {} accused; {planted} wrong, {found} found, {} passed",
        accused.len(),
        missed.len()
    );
    assert!(tried > 200 && planted > 100, "{tried} {planted}");
    assert!(
        accused.is_empty() && missed.is_empty(),
        "{accused:?} {missed:?}"
    );
}
