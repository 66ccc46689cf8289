//! Arithmetic and functions of single numbers, which the kernels are made of.

pub(crate) mod arith;
pub(crate) mod bessel;
mod bessel_series;
pub(crate) mod erfcx;
pub(crate) mod expression;
pub(crate) mod formula;
pub(crate) mod incomplete;
pub(crate) mod math;
pub(crate) mod quick;
pub(crate) mod real;
pub(crate) mod series;
pub(crate) mod special;
