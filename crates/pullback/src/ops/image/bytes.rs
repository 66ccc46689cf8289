//! Resized bytes: weights of 16 bits, rows first, each direction rounded to bytes again, as PyTorch and Pillow compute them.

use crate::core::device::HostRead;
use crate::ops::image::resize::Resize;
use crate::ops::image::taps::{Axis, Taps};
use crate::{Array, Result, Shape};
use pullback_array::{kernels, room};

/// Tables in fixed point.
struct Fixed {
    start: Vec<usize>,
    index: Vec<usize>,
    weight: Vec<i32>,
    /// Binary digits behind the point.
    digits: u32,
}

impl Fixed {
    fn of(op: &Resize, axis: &Axis) -> Result<Fixed> {
        let axis = Axis {
            fused: false,
            ..axis.clone()
        };
        let taps = Taps::<f64>::of(op.filter, &axis)?;
        let mut all = Fixed {
            start: room(taps.start.len())?,
            index: room(taps.index.len())?,
            weight: room(taps.index.len())?,
            digits: 0,
        };
        // What lies beyond an edge counts as the edge, which is one element.
        let mut weights: Vec<f64> = room(taps.weight.len())?;
        all.start.push(0);
        for at in taps.start.windows(2) {
            let first = all.index.len();
            for k in at[0]..at[1] {
                match all.index[first..].last() {
                    Some(&last) if last == taps.index[k] => {
                        if let Some(w) = weights.last_mut() {
                            *w += taps.weight[k];
                        }
                    }
                    _ => {
                        all.index.push(taps.index[k]);
                        weights.push(taps.weight[k]);
                    }
                }
            }
            all.start.push(all.index.len());
        }
        let largest = weights.iter().fold(0.0f64, |m, &w| m.max(w));
        let fits = |digits: u32| (0.5 + largest * f64::from(1u32 << (digits + 1))) < 32768.0;
        all.digits = (0..22).find(|&d| !fits(d)).unwrap_or(22);
        let one = f64::from(1u32 << all.digits);
        let fixed = |w: f64| (w * one + if w < 0.0 { -0.5 } else { 0.5 }) as i32;
        all.weight.extend(weights.into_iter().map(fixed));
        Ok(all)
    }

    /// Element `i`, of elements that are found by number.
    fn at(&self, i: usize, x: impl Fn(usize) -> u8) -> u8 {
        let half = 1i32 << self.digits.saturating_sub(1);
        let sum = (self.start[i]..self.start[i + 1]).fold(half, |sum, k| {
            sum.wrapping_add(self.weight[k].wrapping_mul(i32::from(x(self.index[k]))))
        });
        u8::try_from((sum >> self.digits).clamp(0, 255)).unwrap_or(u8::MAX)
    }
}

/// An image of bytes in another size.
///
/// # Errors
/// Where memory is missing.
pub(super) fn resized(op: &Resize, x: &Array, shape: &Shape) -> Result<Array> {
    let [rows, columns] = &op.axes[..] else {
        return x.copy();
    };
    let dims = shape.len();
    let mut wide = x.clone();
    if columns.from != columns.to {
        let table = Fixed::of(op, columns)?;
        let data = x.numbers::<u8>()?;
        let flat = Shape::new(&[&x.shape()[..dims - 1], &[columns.to]].concat());
        wide = kernels::runs(&flat, columns.to, 1 << 5, |first, out: &mut [u8]| {
            for (n, line) in out.chunks_exact_mut(columns.to).enumerate() {
                let from = &data[(first + n) * columns.from..][..columns.from];
                for (i, o) in line.iter_mut().enumerate() {
                    *o = table.at(i, |k| from[k]);
                }
            }
        })?;
    }
    if rows.from == rows.to {
        return wide.copy();
    }
    let table = Fixed::of(op, rows)?;
    let data = wide.numbers::<u8>()?;
    kernels::runs(shape, columns.to, 1 << 5, |first, out: &mut [u8]| {
        for (n, line) in out.chunks_exact_mut(columns.to).enumerate() {
            let (plane, i) = ((first + n) / rows.to, (first + n) % rows.to);
            let from = &data[plane * rows.from * columns.to..];
            for (c, o) in line.iter_mut().enumerate() {
                *o = table.at(i, |k| from[k * columns.to + c]);
            }
        }
    })
}
