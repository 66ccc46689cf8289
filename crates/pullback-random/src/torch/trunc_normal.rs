//! `nn.init.trunc_normal_`, by rejection as PyTorch does it since 2.12: from the normal distribution where enough of it
//! lies between the bounds, from the uniform one elsewhere.
//!
//! Source: `_no_grad_trunc_normal_` in `torch/nn/init.py`. (Releases before drew one uniform number an element and inverted
//! the distribution function; their numbers differ.)

use super::generator::Generator;
use super::init::{normal, uniform};
use super::number::Float;
use crate::error::{Error, Result};

/// `nn.init.trunc_normal_(torch.empty(shape), mean, std, a, b)`.
///
/// ```
/// use pullback_random::torch::{manual_seed, trunc_normal};
///
/// // Python: torch.manual_seed(42); nn.init.trunc_normal_(torch.empty(3))    -> tensor([0.3367, 0.1288, 0.2345])
/// let weight: Vec<f32> = trunc_normal(&mut manual_seed(42), &[3], 0.0, 1.0, -2.0, 2.0)?;
/// assert_eq!(weight, [0.33669037, 0.1288094, 0.23446237]);
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn trunc_normal<T: Float>(
    g: &mut Generator,
    shape: &[usize],
    mean: f64,
    std: f64,
    a: f64,
    b: f64,
) -> Result<Vec<T>> {
    if std == 0.0 {
        return Err(Error::zero_division("float division by zero"));
    }
    let cdf = |x: f64| (1.0 + erf(x / 2f64.sqrt())) / 2.0;
    if cdf((b - mean) / std) - cdf((a - mean) / std) > 0.3 {
        // Bounds as the tensor can hold them, lest a value equal to one be drawn again forever.
        let (low, high) = (T::from_f64(a), T::from_f64(b));
        let mut out: Vec<T> = normal(g, shape, mean, std)?;
        let outside = |x: &T| *x < low || *x > high;
        while out.iter().any(outside) {
            // Everything is drawn anew and used only where it is needed.
            let fresh: Vec<T> = normal(g, shape, mean, std)?;
            out.iter_mut()
                .zip(fresh)
                .filter(|(x, _)| outside(x))
                .for_each(|(x, f)| *x = f);
        }
        return Ok(out);
    }
    let peak = -0.5 * ((python_max(a, python_min(mean, b)) - mean) / std).powi(2);
    let constants = [mean, std, -0.5, peak].map(T::from_f64);
    let mut out: Vec<T> = uniform(g, shape, a, b)?;
    let mut pending = rejected(g, &out, constants)?;
    while pending.contains(&true) {
        let fresh: Vec<T> = uniform(g, shape, a, b)?;
        let again = rejected(g, &fresh, constants)?;
        for (((x, f), p), r) in out.iter_mut().zip(fresh).zip(&mut pending).zip(again) {
            if *p {
                (*x, *p) = (f, r);
            }
        }
    }
    Ok(out)
}

/// Whether a candidate falls above the density: log(u) > −((x−mean)/std)²/2 − peak, step by step in the type.
fn rejected<T: Float>(
    g: &mut Generator,
    candidates: &[T],
    [mean, std, minus_half, peak]: [T; 4],
) -> Result<Vec<bool>> {
    let mut accept = vec![T::default(); candidates.len()];
    T::uniform(g, 0.0, 1.0, &mut accept)?;
    let minus_one = T::from_f64(-1.0);
    Ok(candidates
        .iter()
        .zip(accept)
        .map(|(&x, u)| {
            let t = x.add(mean.mul(minus_one)).div(std);
            let wide: f64 = u.into();
            T::from_f64(wide.ln()) > t.mul(t).mul(minus_half).add(peak.mul(minus_one))
        })
        .collect())
}

/// Python's `max(a, b)` keeps `a` unless `b` is larger, NaN or not.
fn python_max(a: f64, b: f64) -> f64 {
    if b > a { b } else { a }
}

/// Python's `min(a, b)`.
fn python_min(a: f64, b: f64) -> f64 {
    if b < a { b } else { a }
}

/// The error function, to some 15 digits: only compared with 0.3, so its last bit does not matter. All terms of the series
/// are positive: nothing cancels.
fn erf(x: f64) -> f64 {
    if x.is_nan() {
        return x;
    }
    if x.abs() >= 6.0 {
        return x.signum();
    }
    let (mut term, mut sum) = (x, x);
    for n in 1..200 {
        term *= 2.0 * x * x / f64::from(2 * n + 1);
        sum += term;
        if term.abs() < sum.abs() * 1e-17 {
            break;
        }
    }
    sum * std::f64::consts::FRAC_2_SQRT_PI * (-x * x).exp()
}

#[cfg(test)]
mod tests {
    use super::erf;

    #[test]
    fn erf_is_good_enough() {
        for (x, y) in [
            (0.0, 0.0),
            (0.1, 0.1124629160182849),
            (1.0, 0.8427007929497149),
            (3.0, 0.9999779095030014),
        ] {
            assert!(
                (erf(x) - y).abs() < 4e-16 && (erf(-x) + y).abs() < 4e-16,
                "{x}: {}",
                erf(x)
            );
        }
        assert_eq!(erf(7.0), 1.0);
        assert_eq!(erf(f64::NEG_INFINITY), -1.0);
    }
}
