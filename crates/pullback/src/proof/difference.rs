//! The oracle: derivatives of any function of tensors by central differences in double-double.
//!
//! Steps are powers of two, so that x ± h is exact; three of them, each half the last, cancel the errors of orders h² and
//! h⁴. With h = 2⁻²⁰ relative, 2⁻⁸⁰ remains of truncation and about as much of rounding: 24 digits, through forward code
//! alone.

use super::case::{Finding, numbers};
use crate::{Array, DType, Dd, Result, Tensor};
use pullback_array::kernels;

/// A function of tensors.
pub(super) type Function<'a> = &'a dyn Fn(&[Tensor]) -> Result<Vec<Tensor>, Finding>;

/// A value and its derivatives by every element of every floating input.
pub(super) struct Differences {
    /// The outputs, one after the other.
    pub(super) value: Vec<Dd>,
    /// Which input's which element each column belongs to.
    pub(super) columns: Vec<(usize, usize)>,
    /// `slope[column][output]`.
    pub(super) slope: Vec<Vec<Dd>>,
    /// How far each slope may be off.
    pub(super) slack: Vec<Vec<f64>>,
    /// The floating inputs' elements, by column.
    pub(super) x: Vec<Dd>,
}

/// Differences of `f` at `x`, whose floats are converted (exactly) to double-double.
pub(super) fn differences(x: &[Tensor], f: Function<'_>) -> Result<Differences, Finding> {
    let x: Vec<Tensor> = (x.iter())
        .map(|t| match t.dtype().is_float() {
            true => kernels::cast(&t.array(), DType::Dd).map(Tensor::from_array),
            false => Ok(Tensor::from_array(t.array().clone())),
        })
        .collect::<Result<_>>()?;
    let values = |x: &[Tensor]| -> Result<Vec<Dd>, Finding> {
        let mut out = Vec::new();
        for t in f(x)? {
            out.extend(numbers(&t)?);
        }
        Ok(out)
    };
    let mut found = Differences {
        value: values(&x)?,
        columns: Vec::new(),
        slope: Vec::new(),
        slack: Vec::new(),
        x: Vec::new(),
    };
    for (k, input) in x.iter().enumerate().filter(|(_, t)| t.dtype().is_float()) {
        let data = input.to_vec::<Dd>()?;
        for j in 0..data.len() {
            let moved = |by: f64| -> Result<Vec<Dd>, Finding> {
                let mut data = data.clone();
                data[j] += Dd::from(by);
                let mut x = x.clone();
                x[k] = Tensor::from_array(Array::from_slice(&data, input.shape().clone())?);
                values(&x)
            };
            let size = data[j].to_f64().abs();
            let size = if size.is_normal() {
                2f64.powi(size.log2().floor() as i32)
            } else {
                1.0
            };
            let (slope, slack) = slopes(&moved, size * 2f64.powi(-20))?;
            found.columns.push((k, j));
            found.x.push(data[j]);
            found.slope.push(slope);
            found.slack.push(slack);
        }
    }
    Ok(found)
}

fn slopes(
    moved: &dyn Fn(f64) -> Result<Vec<Dd>, Finding>,
    h: f64,
) -> Result<(Vec<Dd>, Vec<f64>), Finding> {
    let mut central = Vec::new();
    let mut largest = Vec::new();
    for level in 0..3 {
        let step = h / f64::from(1 << level);
        let (up, down) = (moved(step)?, moved(-step)?);
        central.push(
            (up.iter().zip(&down))
                .map(|(&a, &b)| (a - b) / Dd::from(2.0 * step))
                .collect::<Vec<_>>(),
        );
        largest = (up.iter().zip(&down))
            .map(|(a, b)| a.to_f64().abs().max(b.to_f64().abs()))
            .collect();
    }
    let n = central[0].len();
    let mut out = (Vec::with_capacity(n), Vec::with_capacity(n));
    for i in 0..n {
        let (a, b, c) = (central[0][i], central[1][i], central[2][i]);
        let first = |coarse: Dd, fine: Dd| (fine * Dd::from(4.0) - coarse) / Dd::from(3.0);
        let (ab, bc) = (first(a, b), first(b, c));
        let best = (bc * Dd::from(16.0) - ab) / Dd::from(15.0);
        // Untouched outputs give exact zeros at every step; the others carry 2⁻⁹⁶ of rounding in each value.
        let noise = if a == Dd::ZERO && b == Dd::ZERO && c == Dd::ZERO {
            0.0
        } else {
            largest[i] * 2f64.powi(-96) * 4.0 / h
        };
        out.0.push(best);
        out.1.push((best - bc).abs().to_f64() + noise);
    }
    Ok(out)
}

impl Differences {
    /// Jᵀg and, beside it, the size of its terms and what the differences leave open.
    pub(super) fn transposed(&self, column: usize, g: &[Dd]) -> (Dd, f64, f64) {
        weigh(
            self.slope[column]
                .iter()
                .copied()
                .zip(self.slack[column].iter().copied()),
            g,
        )
    }

    /// The largest size of terms of any element of Jᵀg.
    pub(super) fn largest_transposed(&self, g: &[Dd]) -> f64 {
        let sizes = (0..self.columns.len()).map(|c| self.transposed(c, g).1);
        sizes.fold(0.0, f64::max)
    }

    /// The largest size of terms of any element of J v.
    pub(super) fn largest_along(&self, v: &[Dd]) -> f64 {
        let sizes = (0..self.value.len()).map(|i| self.along(i, v).1);
        sizes.fold(0.0, f64::max)
    }

    /// (J v)ᵢ, the size of its terms and what the differences leave open.
    pub(super) fn along(&self, output: usize, v: &[Dd]) -> (Dd, f64, f64) {
        let row = (0..self.columns.len()).map(|c| (self.slope[c][output], self.slack[c][output]));
        weigh(row, v)
    }

    /// How many elements of one input an output depends on, at most.
    pub(super) fn terms_of_output(&self, output: usize) -> usize {
        let mut counts = std::collections::HashMap::new();
        for (&(k, _), slope) in self.columns.iter().zip(&self.slope) {
            *counts.entry(k).or_insert(0) += usize::from(slope[output] != Dd::ZERO);
        }
        counts.into_values().max().unwrap_or(0)
    }

    /// How many outputs depend on an input's element.
    pub(super) fn terms_of_column(&self, column: usize) -> usize {
        self.slope[column]
            .iter()
            .filter(|d| **d != Dd::ZERO)
            .count()
    }
}

fn weigh(terms: impl Iterator<Item = (Dd, f64)>, weights: &[Dd]) -> (Dd, f64, f64) {
    let mut out = (Dd::ZERO, 0.0, 0.0);
    for ((d, slack), &w) in terms.zip(weights) {
        let size = w.to_f64().abs();
        if d != Dd::ZERO {
            out.0 += d * w;
        }
        out.1 += d.to_f64().abs() * size;
        out.2 += slack * size;
    }
    out
}
