//! Loops over floats by their formula, for operations that have no other form.

/// By the dtype of a float array: one text for `f32` (in which half precisions compute) and `f64`, another for double-double.
macro_rules! by_float {
    ($x:expr, $T:ident => $loop:expr, dd => $slow:expr) => {
        match $x.dtype() {
            crate::DType::F32 | crate::DType::F16 | crate::DType::BF16 => {
                type $T = f32;
                $loop
            }
            crate::DType::F64 => {
                type $T = f64;
                $loop
            }
            crate::DType::Dd => {
                type $T = crate::Dd;
                $slow
            }
            _ => Err(crate::ops::math::arith::needs_float($x)),
        }
    };
}
pub(in crate::ops) use by_float;

/// A loop over one float array. `fast` formulas are compiled into the loops of `f32` and `f64`, so that they may become vectors; `slow`
/// ones are called, and so are all in double-double: one loop for all of them. Sine and cosine have kernels of their own.
macro_rules! float_map {
    (sin $x:expr, |$a:ident: $T:ident| $value:expr) => {
        match $x.dtype().is_float() {
            true => pullback_array::kernels::sin($x),
            false => Err(crate::ops::math::arith::needs_float($x)),
        }
    };
    (cos $x:expr, |$a:ident: $T:ident| $value:expr) => {
        match $x.dtype().is_float() {
            true => pullback_array::kernels::cos($x),
            false => Err(crate::ops::math::arith::needs_float($x)),
        }
    };
    (fast $x:expr, |$a:ident: $T:ident| $value:expr) => {{
        let x: &crate::Array = $x;
        crate::ops::common::loops::by_float!(
            x,
            $T => pullback_array::kernels::map_wide(x, #[inline(always)] |$a: $T| $value),
            dd => crate::ops::common::loops::float_map!(@called x, |$a: $T| $value)
        )
    }};
    (slow $x:expr, |$a:ident: $T:ident| $value:expr) => {{
        let x: &crate::Array = $x;
        crate::ops::common::loops::by_float!(
            x,
            $T => crate::ops::common::loops::float_map!(@called x, |$a: $T| $value),
            dd => crate::ops::common::loops::float_map!(@called x, |$a: $T| $value)
        )
    }};
    (@called $x:expr, |$a:ident: $T:ident| $value:expr) => {{
        let f: fn($T) -> $T = |$a| $value;
        pullback_array::kernels::map($x, f)
    }};
}
pub(in crate::ops) use float_map;

/// As [`float_map`], for two operands of one dtype.
macro_rules! float_zip {
    (fast $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {{
        let (x, y): (&crate::Array, &crate::Array) = ($x, $y);
        crate::ops::common::loops::by_float!(
            x,
            $T => pullback_array::kernels::zip(x, y, |$a: $T, $b: $T| $value),
            dd => crate::ops::common::loops::float_zip!(@called x, y, |$a, $b: $T| $value)
        )
    }};
    (slow $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {{
        let (x, y): (&crate::Array, &crate::Array) = ($x, $y);
        crate::ops::common::loops::by_float!(
            x,
            $T => crate::ops::common::loops::float_zip!(@called x, y, |$a, $b: $T| $value),
            dd => crate::ops::common::loops::float_zip!(@called x, y, |$a, $b: $T| $value)
        )
    }};
    (@called $x:expr, $y:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {{
        let f: fn($T, $T) -> $T = |$a, $b| $value;
        pullback_array::kernels::zip($x, $y, f)
    }};
}
pub(in crate::ops) use float_zip;

/// A loop over a gradient and what a slope is made of: as [`float_map`], for two arrays.
macro_rules! float_slope {
    (cos $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        pullback_array::kernels::cos_times($v, $g)
    };
    (sin $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {
        pullback_array::kernels::minus_sin_times($v, $g)
    };
    (fast $g:expr, $v:expr, |$a:ident, $b:ident: $T:ident| $value:expr) => {{
        let (g, v): (&crate::Array, &crate::Array) = ($g, $v);
        crate::ops::common::loops::by_float!(
            v,
            $T => pullback_array::kernels::zip_wide(g, v, #[inline(always)] |$a: $T, $b: $T| -> $T { $value }),
            dd => crate::ops::common::loops::float_zip!(@called g, v, |$a, $b: $T| $value)
        )
    }};
}
pub(in crate::ops) use float_slope;
