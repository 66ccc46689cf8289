//! Tensors filled with random numbers from the default generator, in place. Numbers and their order are PyTorch's: elements are
//! drawn in the order in which they lie in memory. New tensors of random numbers are in `tensors`, dropout is in `dropout`.

use crate::core::Site;
use crate::core::device::HostRead;
use crate::core::fail::{bail, error};
use crate::core::tensor::Tensor;
use crate::core::{mode, watch};
use crate::ops::Count;
use crate::ops::common::methods::not_implemented;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::random::{self, torch::Generator, try_draw};
use crate::{Array, DType, Element, Error, ErrorKind, Result, bf16, f16};
use pullback_array::filled;
use std::panic::Location;

type Filled = random::Result<()>;

fn said(e: &random::Error) -> Error {
    // What PyTorch raises as a RuntimeError is no ValueError here.
    let kind = match e.kind() {
        random::ErrorKind::Value => ErrorKind::Value,
        _ => ErrorKind::Argument,
    };
    Error::new(kind, e.message())
}

/// Drawn numbers for the elements of `x`, in its memory's order.
fn drawn<T: Element + Default>(
    x: &Array,
    fill: impl Fn(&mut Generator, &mut [T]) -> Filled,
) -> Result<Array> {
    if x.is_meta() {
        return Array::meta(x.layout().without_gaps(), x.dtype()); // nothing is drawn
    }
    let numbers = watch::drawn(x.shape(), |shape| {
        let mut list = filled(shape.numel(), T::default())?;
        try_draw(|g| fill(g, &mut list))?.map_err(|e| said(&e))?;
        Array::from_slice(&list, shape)
    })?;
    match mode::batching() {
        true => Ok(numbers),
        false => numbers.view(x.layout().without_gaps()),
    }
}

/// The dtype that numbers are drawn in: halves are drawn in single precision and rounded, the narrow integers with a sign as int32.
fn drawn_as(dtype: DType) -> DType {
    match dtype.is_narrow() && !dtype.is_unsigned() {
        true => dtype.computing(),
        false => dtype,
    }
}

/// Writes one expression over a tensor, in each of the dtypes named; others have PyTorch's sentence. Double-double has no numbers of
/// its own, only those of double precision.
macro_rules! fill {
    ($x:expr, $name:literal, $site:expr, |$g:ident, $out:ident| $fill:expr, [$($dtype:ident $t:ty),*], $else:expr) => {{
        let (x, site): (&Tensor, Site) = ($x, $site);
        let numbers = match drawn_as(x.dtype()) {
            $(DType::$dtype => drawn::<$t>(&x.array(), |$g, $out| $fill),)*
            _ => Err($else(x.dtype())),
        };
        let numbers = numbers?;
        x.overwrite(&Tensor::from_array(numbers), "copy_", site)
    }};
}

/// 1 of a probability, else 0, drawn in the order of memory of `x`.
pub(in crate::ops) fn bernoulli_like(x: &Tensor, p: f64) -> Result<Tensor> {
    match x.dtype().computing() {
        DType::F32 => drawn::<f32>(&x.array(), |g, out| g.fill_bernoulli(p, out)),
        _ => drawn::<f64>(&x.array(), |g, out| g.fill_bernoulli(p, out)),
    }
    .and_then(|noise| Tensor::from_array(noise).to(x.dtype()))
}

/// Probabilities in the dtype they compute in.
fn widened(p: &Tensor) -> Result<Tensor> {
    match p.dtype().is_float() {
        true => p.to(p.dtype().computing()),
        false => Ok(p.clone()),
    }
}

/// Places with the largest p/q, q exponential: what PyTorch draws for probabilities whose rows do not lie one after the other.
fn races(x: &Tensor, n: usize) -> Result<Tensor> {
    let q = match x.dtype().computing() {
        DType::F32 => drawn::<f32>(&x.array(), |g, out| g.fill_exponential(1.0, out)),
        _ => drawn::<f64>(&x.array(), |g, out| g.fill_exponential(1.0, out)),
    }?;
    let race = x.div(&Tensor::from_array(q).to(x.dtype())?)?;
    match n {
        1 => race.argmax(-1, true),
        n => Ok(race.topk(n as i64, -1, true, true)?.1),
    }
}

/// How a number of single precision is rounded to a half, where `dtype` is one.
fn rounds_of(dtype: DType) -> Option<fn(f32) -> f32> {
    match dtype {
        DType::F16 => Some(|x| f16::from_f32(x).to_f32()),
        DType::BF16 => Some(|x| bf16::from_f32(x).to_f32()),
        _ => None,
    }
}

/// Uniform numbers that are the upper bound once they are rounded become the lower one, as in PyTorch: the bound is excluded.
fn below(out: &mut [f32], from: f32, to: f32, rounds: Option<fn(f32) -> f32>) {
    let Some(round) = rounds else { return };
    let bound = round(to);
    for x in out.iter_mut().filter(|x| round(**x) == bound) {
        *x = from;
    }
}

/// Whether PyTorch's vector kernel draws: enough numbers without gaps.
fn in_blocks(x: &Tensor) -> bool {
    x.numel() >= 16 && x.is_contiguous()
}

/// Bounds of `random_` as whole numbers.
fn no_bool(dtype: DType) -> Error {
    not_implemented("random_", dtype)
}

/// Random numbers written over a tensor. All draw from the default generator ([`crate::random::manual_seed`]).
#[pullback_macros::called]
impl Tensor {
    /// Uniform numbers in [from, to).
    ///
    /// # Errors
    /// Where the bounds are the wrong way round; for integers; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn uniform_(&self, from: f64, to: f64) -> Result<()> {
        let site = Location::caller();
        match self.dtype().computing() {
            DType::F32 => {
                let rounds = rounds_of(self.dtype());
                fill!(self, "uniform_", site, |g, out| {
                    g.fill_uniform_f32(from, to, out)?;
                    below(out, from as f32, to as f32, rounds);
                    Ok(())
                }, [F32 f32], |d| not_implemented("check_uniform_bounds", d))
            }
            _ => {
                fill!(self, "uniform_", site, |g, out| g.fill_uniform_f64(from, to, out), [F64 f64, Dd f64], |d| not_implemented("check_uniform_bounds", d))
            }
        }
    }

    /// Normal numbers.
    ///
    /// # Errors
    /// For a negative deviation; for integers; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn normal_(&self, mean: f64, std: f64) -> Result<()> {
        let site = Location::caller();
        let blocks = in_blocks(self);
        let other = |d| not_implemented("normal_kernel_cpu", d);
        match self.dtype().computing() {
            DType::F32 => fill!(self, "normal_", site, |g, out| match blocks {
                true if self.dtype().is_narrow() => g.fill_normal_half(mean, std, out),
                true => g.fill_normal_f32(mean, std, out),
                false => g.fill_normal_serial_f32(mean, std, out),
            }, [F32 f32], other),
            _ => fill!(self, "normal_", site, |g, out| match blocks {
                true => g.fill_normal_f64(mean, std, out),
                false => g.fill_normal_serial_f64(mean, std, out),
            }, [F64 f64, Dd f64], other),
        }
    }

    /// Numbers whose logarithm is normal.
    ///
    /// # Errors
    /// As [`Tensor::normal_`].
    #[track_caller]
    pub fn log_normal_(&self, mean: f64, std: f64) -> Result<()> {
        let site = Location::caller();
        let other = |d| not_implemented("log_normal_cpu", d);
        match self.dtype().computing() {
            DType::F32 => {
                fill!(self, "log_normal_", site, |g, out| g.fill_log_normal_f32(mean, std, out), [F32 f32], other)
            }
            _ => {
                fill!(self, "log_normal_", site, |g, out| g.fill_log_normal_f64(mean, std, out), [F64 f64, Dd f64], other)
            }
        }
    }

    /// Exponential numbers of a rate.
    ///
    /// # Errors
    /// For a rate that is not positive; for integers; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn exponential_(&self, lambd: f64) -> Result<()> {
        let site = Location::caller();
        fill!(self, "exponential_", site, |g, out| g.fill_exponential(lambd, out), [F32 f32, F64 f64, Dd f64], |d: DType| error!(Argument, "Exponential distribution is a continuous probability distribution. dtype must be a floating point but you specified {}",
                d.scalar_type_name()))
    }

    /// The number of tries until an event of probability `p` happens.
    ///
    /// # Errors
    /// For a probability outside of (0, 1); for bools; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn geometric_(&self, p: f64) -> Result<()> {
        let site = Location::caller();
        fill!(self, "geometric_", site, |g, out| g.fill_geometric(p, out), [F32 f32, F64 f64, Dd f64, I64 i64, I32 i32, U8 u8], |d| not_implemented("geometric_", d))
    }

    /// Numbers of a Cauchy distribution.
    ///
    /// # Errors
    /// For a width that is not positive; for integers; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn cauchy_(&self, median: f64, sigma: f64) -> Result<()> {
        let site = Location::caller();
        fill!(self, "cauchy_", site, |g, out| g.fill_cauchy(median, sigma, out), [F32 f32, F64 f64, Dd f64], |d: DType| error!(Argument, "Cauchy distribution is a continuous probability distribution. dtype must be a floating point but you specified {}",
                d.cpp_name()))
    }

    /// Whole numbers from `from` to below `to`; without bounds, those that the dtype holds exactly.
    ///
    /// # Errors
    /// Where the bounds are the wrong way round or outside of the dtype; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn random_(&self, from: Option<i64>, to: Option<i64>) -> Result<()> {
        let site = Location::caller();
        match (from, to) {
            // All that the dtype holds without a sign.
            (None, None) if matches!(self.dtype(), DType::I8 | DType::I16) => {
                self.random_(Some(0), Some(1 << (8 * self.dtype().size() - 1)))
            }
            (None, None) if self.dtype().is_float() && self.dtype().is_narrow() => {
                let digits = -self.dtype().unit_roundoff().log2() as i64;
                self.random_(Some(0), Some((1 << digits) + 1))
            }
            (None, None) => {
                fill!(self, "random_", site, |g, out| { g.fill_random(out); Ok(()) }, [F32 f32, F64 f64, Dd f64, I64 i64, I32 i32, U8 u8, Bool bool], no_bool)
            }
            _ => {
                fill!(self, "random_", site, |g, out| g.fill_random_from_to(from.unwrap_or(0), to, out), [F32 f32, F64 f64, Dd f64, I64 i64, I32 i32, U8 u8, Bool bool], no_bool)
            }
        }
    }

    /// 1 with probability `p`, else 0.
    ///
    /// # Errors
    /// For a probability outside of [0, 1]; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn bernoulli_(&self, p: f64) -> Result<()> {
        let site = Location::caller();
        fill!(self, "bernoulli_", site, |g, out| g.fill_bernoulli(p, out), [F32 f32, F64 f64, Dd f64, I64 i64, I32 i32, U8 u8, Bool bool], no_bool)
    }

    /// 1 with the probabilities of another tensor, broadcast, else 0.
    ///
    /// # Errors
    /// As [`Tensor::bernoulli_`]; for probabilities that are integers.
    #[track_caller]
    pub fn bernoulli_each_(&self, p: &Tensor) -> Result<()> {
        let site = Location::caller();
        let p = widened(&p.detach())?.expand_as(self)?.contiguous()?;
        if unnumbered(&[&p.array(), &self.array()]) && p.dtype().is_float() {
            let any = Tensor::from_array(inferred(self.shape(), self.dtype())?);
            return self.overwrite(&any, "copy_", site);
        }
        watch::looked(&p);
        let list = watch::drawn(self.shape(), |shape| {
            // Once for each row where all are drawn together.
            let p = p.array().expand(shape)?;
            let list = match p.dtype() {
                DType::F32 => {
                    let p = p.numbers::<f32>()?;
                    let mut out = filled(p.len(), 0f64)?;
                    try_draw(|g| g.fill_bernoulli_each(&p, &mut out))?.map(|()| out)
                }
                DType::F64 | DType::Dd => {
                    let p = p.numbers_f64()?;
                    let mut out = filled(p.len(), 0f64)?;
                    try_draw(|g| g.fill_bernoulli_each(&p, &mut out))?.map(|()| out)
                }
                other => {
                    return Err(not_implemented("bernoulli_tensor_cpu_p_", other));
                }
            };
            Array::from_slice(&list.map_err(|e| said(&e))?, shape)
        })?;
        let numbers = Tensor::from_array(list).to(self.dtype())?;
        self.overwrite(&numbers, "copy_", site)
    }

    /// Places drawn with the probabilities in each row.
    ///
    /// # Errors
    /// For rows that are no probabilities; for more places than there are without replacement.
    #[track_caller]
    pub fn multinomial(&self, num_samples: impl Into<Count>, replacement: bool) -> Result<Tensor> {
        let num_samples = num_samples.into().0;
        let x = widened(&self.detach())?;
        let shape = &x.shape()[..];
        if unnumbered(&[&x.array()])
            && x.dtype().is_float()
            && matches!(shape.len(), 1 | 2)
            && num_samples > 0
        {
            let shape = [&shape[..shape.len() - 1], &[num_samples as usize]].concat();
            return inferred(&shape[..], DType::I64).map(Tensor::from_array);
        }
        let in_order = shape.len() != 2 || x.is_contiguous() || num_samples > 1 && replacement;
        let found = match x.dtype() {
            DType::F32 => {
                let p = x.numbers::<f32>()?;
                try_draw(|g| match in_order {
                    true => g.multinomial(&p, shape, num_samples, replacement),
                    false => g.clone().multinomial(&p, shape, num_samples, replacement),
                })?
            }
            DType::F64 | DType::Dd => {
                let p = x.numbers_f64()?;
                try_draw(|g| match in_order {
                    true => g.multinomial(&p, shape, num_samples, replacement),
                    false => g.clone().multinomial(&p, shape, num_samples, replacement),
                })?
            }
            other => {
                bail!(
                    Argument,
                    "multinomial only supports floating-point dtypes for input, got: {}",
                    other.scalar_type_name()
                );
            }
        };
        let found = found.map_err(|e| said(&e))?;
        if !in_order {
            return races(&x, num_samples as usize);
        }
        let mut shape: Vec<usize> = shape[..shape.len() - 1].to_vec();
        shape.push(num_samples as usize);
        Tensor::from_slice(&found, shape)
    }
}
