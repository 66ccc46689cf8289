//! `nn.init.orthogonal_`: a matrix of normal numbers, orthonormalised.
//!
//! Source: `orthogonal_` in `torch/nn/init.py`. PyTorch takes Q of LAPACK's QR factorisation and turns its columns so
//! that the diagonal of R is positive, which makes Q unique: any factorisation will do. Ours is Gram-Schmidt, twice, in
//! f64; MKL's runs in the type of the tensor, so the two agree to MKL's rounding and not to the bit: 2e-6 in f32, more
//! where the drawn matrix is all but singular (large square ones, rarely small ones).

use super::generator::Generator;
use super::init::{element_count, normal};
use super::number::Float;
use crate::error::{Error, Result};

/// `nn.init.orthogonal_(torch.empty(shape), gain)`.
///
/// ```
/// use pullback_random::torch::{manual_seed, orthogonal};
///
/// // Python: torch.manual_seed(42); nn.init.orthogonal_(torch.empty(2, 2))    -> [[0.8206, -0.5715], [0.5715, 0.8206]]
/// let q: Vec<f32> = orthogonal(&mut manual_seed(42), &[2, 2], 1.0)?;
/// let expected = [0.82062745, -0.5714635, 0.5714635, 0.82062745];
/// assert!(q.iter().zip(expected).all(|(a, b)| (a - b).abs() < 2e-6));
/// # Ok::<(), pullback_random::Error>(())
/// ```
pub fn orthogonal<T: Float>(g: &mut Generator, shape: &[usize], gain: f64) -> Result<Vec<T>> {
    if shape.len() < 2 {
        return Err(Error::value(
            "Only tensors with 2 or more dimensions are supported",
        ));
    }
    let count = element_count(shape)?;
    if count == 0 {
        return Ok(Vec::new());
    }
    let rows = shape[0];
    let cols = count / rows;
    let drawn: Vec<T> = normal(g, &[rows, cols], 0.0, 1.0)?;
    // A wide matrix is orthonormalised by rows, a tall one by columns: `vectors` of `len` elements either way.
    let wide = rows < cols;
    let (vectors, len) = if wide { (rows, cols) } else { (cols, rows) };
    let at = |vector: usize, i: usize| {
        if wide {
            vector * cols + i
        } else {
            i * cols + vector
        }
    };
    let mut q: Vec<f64> = (0..vectors * len)
        .map(|k| drawn[at(k / len, k % len)].into())
        .collect();
    orthonormalise(&mut q, len);
    let gain = T::from_f64(gain);
    let mut out = drawn;
    for (k, &x) in q.iter().enumerate() {
        out[at(k / len, k % len)] = T::from_f64(x).mul(gain);
    }
    Ok(out)
}

/// Each vector loses its components along those before it and gets length 1. Done once, rounding could leave the vectors
/// askew by the condition number; done twice, it cannot (Giraud et al. 2005).
fn orthonormalise(q: &mut [f64], len: usize) {
    for start in (0..q.len()).step_by(len) {
        let (done, rest) = q.split_at_mut(start);
        let vector = &mut rest[..len];
        for _ in 0..2 {
            for other in done.chunks_exact(len) {
                let along: f64 = other.iter().zip(&*vector).map(|(a, b)| a * b).sum();
                vector
                    .iter_mut()
                    .zip(other)
                    .for_each(|(v, o)| *v -= along * o);
            }
        }
        let norm = vector.iter().map(|v| v * v).sum::<f64>().sqrt();
        if norm > 0.0 {
            vector.iter_mut().for_each(|v| *v /= norm);
        }
    }
}
