//! Anomaly detection names the operation and the line.

use super::*;
use pullback::{ErrorKind, Result, detect_anomaly, detect_nonfinite};

#[test]
fn backward_finds_the_first_nan() -> Result<()> {
    let _watch = detect_anomaly();
    let x = leaf(&[0.0, 1.0]);
    let y = x.sqrt()?.mul(0.0)?.sum()?;
    let e = y.backward().unwrap_err();
    assert_eq!(
        e.message(),
        "Function 'SqrtBackward0' returned nan values in its 0th output."
    );
    assert_eq!(e.kind(), ErrorKind::NonFinite);
    assert!(e.site().is_some_and(|s| s.file().ends_with("anomaly.rs")));
    assert!(x.grad().is_none());
    // Infinity is no anomaly.
    let x = leaf(&[0.0, 1.0]);
    x.sqrt()?.sum()?.backward()?;
    assert_eq!(grad_of(&x), [f64::INFINITY, 0.5]);
    let (x, z) = (leaf(&[0.0, 1.0]), leaf(&[2.0, 2.0]));
    let e = z.mul(&x.div(&x)?)?.sum()?.backward().unwrap_err();
    assert_eq!(
        e.message(),
        "Function 'MulBackward0' returned nan values in its 0th output."
    );
    Ok(())
}

#[test]
fn without_it_nan_passes() -> Result<()> {
    let x = leaf(&[0.0, 1.0]);
    drop(detect_anomaly());
    x.sqrt()?.mul(0.0)?.sum()?.backward()?;
    assert!(grad_of(&x)[0].is_nan());
    Ok(())
}

#[test]
fn the_strict_mode_looks_at_values_and_at_infinity() -> Result<()> {
    let x = leaf(&[0.0, 1.0]);
    let y = x.sqrt()?.sum()?;
    let _watch = detect_nonfinite();
    let e = y.backward().unwrap_err();
    assert_eq!(
        e.message(),
        "Function 'SqrtBackward0' returned inf values in its 0th output."
    );
    let e = x.log().unwrap_err();
    assert_eq!(
        (e.message(), e.op_name()),
        (
            "Function 'log' returned -inf values in its 0th output.",
            Some("log")
        )
    );
    assert!(
        e.to_string().contains("element 0 in row-major order"),
        "{e}"
    );
    x.exp()?.sum()?;
    Ok(())
}
