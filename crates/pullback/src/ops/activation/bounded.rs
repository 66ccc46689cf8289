//! The methods that apply hardtanh and threshold: activations that integers have too, whose numbers must suit the dtype. Formulas are
//! in `rectifier`.

use crate::core::apply::apply_dyn;
use crate::core::fail::bail;
use crate::core::history::in_place_dyn;
use crate::core::tensor::Tensor;
use crate::ops::math::clamp::bound;
use crate::ops::{Hardtanh, Threshold};
use crate::{DType, Error, Number, Result};
use std::panic::Location;

/// Bounds as the dtype has them: one that no element reaches becomes the end of the range.
fn hardtanh(x: &Tensor, min_val: f64, max_val: f64) -> Result<Hardtanh> {
    if min_val > max_val {
        bail!(Value, "min_val cannot be greater than max_val");
    }
    let ends = match x.dtype().integers() {
        Some((low, high)) => (low as f64, high as f64),
        None => (f64::NEG_INFINITY, f64::INFINITY),
    };
    let end = |n: f64, lower, beyond| {
        // Integers take the integer part of a bound.
        let n = match ends.0.is_finite() {
            true => {
                Number::Float(n).fit(DType::I64)?;
                n.trunc()
            }
            false => n,
        };
        let own = bound(n.into(), lower, x.dtype())?;
        Ok::<f64, Error>(own.map_or(beyond, |_| n))
    };
    Ok(Hardtanh {
        min_val: end(min_val, true, ends.0)?,
        max_val: end(max_val, false, ends.1)?,
    })
}

/// Integers hold the threshold and the value, in PyTorch's way: −1 is a byte's 255.
fn threshold(x: &Tensor, threshold: f64, value: f64) -> Result<Threshold> {
    let own = |n: f64| {
        let number = match n.fract() == 0.0 && n.abs() < 9e15 && !x.dtype().is_float() {
            true => Number::Int(n as i64),
            false => Number::Float(n),
        };
        number.fit(x.dtype())?;
        Ok::<f64, Error>(match n < 0.0 && x.dtype().is_unsigned() {
            true => n + 2f64.powi(x.dtype().size() as i32 * 8),
            false => n,
        })
    };
    Ok(Threshold {
        threshold: own(threshold)?,
        value: own(value)?,
    })
}

#[pullback_macros::called]
impl Tensor {
    /// `min(max(x, min_val), max_val)`; PyTorch's defaults are -1 and 1.
    ///
    /// # Errors
    /// Where the bounds are the wrong way round; for integers, where all of the dtype lies on the wrong side of one.
    #[track_caller]
    pub fn hardtanh(&self, min_val: f64, max_val: f64) -> Result<Tensor> {
        let site = Location::caller();
        apply_dyn(&hardtanh(self, min_val, max_val)?, &[self], site)
    }

    /// [`Tensor::hardtanh`] in place.
    ///
    /// # Errors
    /// As there; for a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn hardtanh_(&self, min_val: f64, max_val: f64) -> Result<()> {
        let site = Location::caller();
        let op = hardtanh(self, min_val, max_val)?;
        in_place_dyn(&op, self, &[], site, &mut |_| Ok(false))
    }

    /// `x` where above `threshold`, else `value`.
    ///
    /// # Errors
    /// Where the dtype cannot hold one of the numbers.
    #[track_caller]
    pub fn threshold(&self, threshold: f64, value: f64) -> Result<Tensor> {
        let site = Location::caller();
        apply_dyn(&self::threshold(self, threshold, value)?, &[self], site)
    }

    /// [`Tensor::threshold`] in place.
    ///
    /// # Errors
    /// As there; for a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn threshold_(&self, threshold: f64, value: f64) -> Result<()> {
        let site = Location::caller();
        let op = self::threshold(self, threshold, value)?;
        in_place_dyn(&op, self, &[], site, &mut |_| Ok(false))
    }
}
