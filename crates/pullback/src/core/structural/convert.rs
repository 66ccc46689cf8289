//! Copies and conversions: `to`, `clone`, `copy_`.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::device;
use crate::core::history::{in_place, in_place_number};
use crate::core::op::{Ctx, Narrow, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Device, Error, ErrorKind, MemoryFormat, Number, Result};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::{Sample, signed, unary};

/// Another dtype.
#[derive(Clone, Debug)]
pub struct To {
    /// The dtype of the result.
    pub dtype: DType,
}
define! { To: Linear "to", "torch.Tensor.to";
    summary: "The numbers in another dtype, rounded to nearest; floats become integers by truncation.";
    formula: "x";
    derivative: "g, in the input's dtype";
    node: "ToCopyBackward0";
    proof: { samples: || [DType::F64, DType::F32].map(|dtype| unary(To { dtype }, signed())).concat() }
}

impl Op for To {
    common!();
    fn elementwise(&self) -> bool {
        true
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        kernels::cast(x[0], self.dtype)
    }
    fn narrow(&self) -> Narrow {
        Narrow::Native
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        if self.dtype.is_float() {
            Box::new(To { dtype })
        } else {
            self.boxed()
        }
    }
}

impl rules::Linear for To {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        g.to(cx.dtype(0))
    }
}

/// A copy in memory of its own.
#[derive(Clone, Debug, Default)]
pub struct Clone {
    /// How the copy lies in memory.
    pub format: MemoryFormat,
}
define! { Clone: Linear "clone", "torch.clone";
    summary: "A copy in memory of its own; gradients flow through it.";
    formula: "x";
    derivative: "g";
    proof: { samples: || [MemoryFormat::Preserve, MemoryFormat::Contiguous].map(|format| unary(Clone { format }, signed())).concat() }
}

impl Op for Clone {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        // An order of dimensions is one of rows, and not of batches.
        let format = match self.format {
            MemoryFormat::Contiguous => MemoryFormat::Contiguous,
            _ => MemoryFormat::Preserve,
        };
        batch.elements(&Clone { format })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        x[0].copy_like(&self.format.of(x[0].layout())?)
    }
    fn narrow(&self) -> Narrow {
        Narrow::Native
    }
}

impl rules::Linear for Clone {
    fn vjp(&self, _: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        Ok(g.clone())
    }
}

/// The second operand in the first one's shape and dtype: what `copy_` writes.
#[derive(Clone, Debug)]
pub struct Copy;
define! { Copy: Linear "copy_", "torch.Tensor.copy_";
    summary: "The second operand in the shape and dtype of the first, which `copy_` overwrites with it.";
    formula: "b";
    derivative: "nothing to the old numbers, g to b";
    node by |made| if made.number_second() { "FillBackward2" } else { "CopyBackwards" };
    proof: { samples: || vec![
        Sample::new(Copy, &[(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[2, 2], &[0.5, -1.0, 2.0, 8.0])]),
        Sample::new(Copy, &[(&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[2], &[0.5, -1.0])]),
        Sample::new(Copy, &[(&[3], &[1.0, 2.0, 3.0]), (&[], &[0.5])]),
        Sample::new(Copy, &[(&[0], &[]), (&[], &[0.5])]),
    ] }
}

impl Op for Copy {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let to = batch.full(0)?;
        batch.apply(self, &[&to, &batch.aligned(1, batch.rank(0))?])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (to, from) = (x[0].shape(), x[1].shape());
        let common = to.broadcast(from)?;
        if common != *to {
            return Err(Error::new(
                ErrorKind::Shape,
                format!("output with shape {to} doesn't match the broadcast shape {common}"),
            ));
        }
        kernels::cast(x[1], x[0].dtype())?
            .expand(x[0].shape())?
            .copy()
    }
    fn narrow(&self) -> Narrow {
        Narrow::Native
    }
}

impl rules::Linear for Copy {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 0 {
            Tensor::zeros_of(cx.shape(0), cx.dtype(0))
        } else {
            g.to(cx.dtype(1))
        }
    }
}

#[pullback_macros::called]
impl Tensor {
    /// The numbers in another dtype; this very tensor where it has that dtype already.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let x = Tensor::from_slice(&[1.9f32, -1.9], [2])?;
    /// assert_eq!(x.to(DType::I64)?.to_vec::<i64>()?, [1, -1]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn to(&self, dtype: DType) -> Result<Tensor> {
        if self.dtype() == dtype {
            return Ok(self.clone());
        }
        apply(To { dtype }, &[self], Location::caller())
    }

    /// A copy in memory of its own through which gradients flow: PyTorch's `clone()`. (Rust's `clone()` shares.) It lies in
    /// memory as the original does, without gaps.
    #[track_caller]
    pub fn copy(&self) -> Result<Tensor> {
        apply(Clone::default(), &[self], Location::caller())
    }

    /// [`Tensor::copy`] that lies in memory as a format says. PyTorch's `clone(memory_format=…)`.
    ///
    /// # Errors
    /// Where the format is one of another number of dimensions.
    ///
    /// ```
    /// # use pullback::{DType, MemoryFormat, Tensor};
    /// let x = Tensor::zeros([2, 3, 4, 5], DType::F32)?;
    /// assert_eq!(x.copy_in(MemoryFormat::ChannelsLast)?.strides(), [60, 1, 15, 3]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn copy_in(&self, format: MemoryFormat) -> Result<Tensor> {
        apply(Clone { format }, &[self], Location::caller())
    }

    /// The same numbers in row-major memory without gaps: this very tensor where they lie so already.
    #[track_caller]
    pub fn contiguous(&self) -> Result<Tensor> {
        if self.is_contiguous() {
            return Ok(self.clone());
        }
        let format = MemoryFormat::Contiguous;
        apply(Clone { format }, &[self], Location::caller())
    }

    /// Where it lies.
    pub fn device(&self) -> Device {
        self.array().device()
    }

    /// The tensor on a device, without history: this very tensor where it lies there. On [`Device::Meta`] there are no numbers:
    /// operations infer shapes, dtypes and strides alone.
    ///
    /// # Errors
    /// Where it has no numbers to give.
    ///
    /// ```
    /// # use pullback::{DType, Device, Tensor};
    /// let x = Tensor::zeros([2, 3], DType::F32)?.to_device(Device::Meta)?;
    /// assert_eq!(x.matmul(&x.t()?)?.shape()[..], [2, 2]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn to_device(&self, place: Device) -> Result<Tensor> {
        if self.device() == place {
            return Ok(self.clone());
        }
        let site = Location::caller();
        (device::moved(&self.array(), place).map(Tensor::from_array))
            .map_err(|e| e.op("to").at(site))
    }

    /// A copy that shares nothing: a leaf again if this is one, with a copy of its gradient. PyTorch's `deepcopy`.
    ///
    /// # Errors
    /// As in PyTorch, only leaves can be copied deeply.
    #[track_caller]
    pub fn deep_copy(&self) -> Result<Tensor> {
        let site = Location::caller();
        if !self.is_leaf() {
            return Err(Error::new(
                ErrorKind::Autograd,
                "Only Tensors created explicitly by the user (graph leaves) support the deepcopy protocol at the moment.",
            )
            .op("deep_copy")
            .at(site));
        }
        let copy = Tensor::from_array(device::copied(&self.array())?);
        if !self.requires_grad() {
            return Ok(copy);
        }
        let copy = copy.requires_grad_(true)?;
        if let Some(g) = self.grad() {
            copy.set_grad(Some(Tensor::from_array(device::copied(&g.array())?)))?;
        }
        Ok(copy)
    }

    /// Overwrites the numbers with those of `src`, broadcast and converted. PyTorch's `copy_`.
    ///
    /// # Errors
    /// Where `src` does not broadcast to this shape; a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn copy_(&self, src: &Tensor) -> Result<()> {
        self.overwrite(src, "copy_", Location::caller())
    }

    /// Writes `f` of this tensor over it: what every in-place form of a function does. `tracked` says whether a gradient
    /// of the result will be wanted; then `f` gets the numbers in memory of their own, since its rule may read them
    /// later (PyTorch clones `self` there too).
    pub(crate) fn rewrite(
        &self,
        tracked: bool,
        name: &'static str,
        site: &'static Location<'static>,
        f: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        if self.array().layout().is_stretched() && crate::core::overlap::writes_one_number(name) {
            return self.rewrite_once(name, site, f);
        }
        let result = if tracked && crate::is_grad_enabled() {
            f(&self.copy()?)?
        } else {
            f(self)?
        };
        if result.shape() != self.shape() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "output with shape {} doesn't match the broadcast shape {}",
                    self.shape(),
                    result.shape()
                ),
            )
            .op(name)
            .at(site));
        }
        // The write's node is called as the function's own would be.
        let node = result.grad_fn();
        self.named_write(node.as_ref().map_or("", |n| n.name()), || {
            self.overwrite(&result, name, site)
        })
    }

    /// As [`Tensor::rewrite`], for functions that write one number (or the same one) to elements that share memory.
    pub(crate) fn rewrite_once(
        &self,
        name: &'static str,
        site: &'static Location<'static>,
        f: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        let result = f(&self.copy()?)?.to(self.dtype())?;
        let once = self.once()?;
        once.overwrite(&self.gathered_once(&result)?, name, site)
    }

    pub(crate) fn overwrite(
        &self,
        src: &Tensor,
        name: &'static str,
        site: &'static Location<'static>,
    ) -> Result<()> {
        let (from, to) = (src.dtype().category(), self.dtype().category());
        if name != "copy_" && from > to {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "result type {} can't be cast to the desired output type {}",
                    src.dtype().scalar_type_name(),
                    self.dtype().scalar_type_name()
                ),
            )
            .op(name)
            .at(site));
        }
        in_place(Copy, self, &[src], site, |x| {
            if src.is_elsewhere() {
                return Ok(false);
            }
            kernels::assign(x, &src.array()).map(|()| true)
        })
    }

    /// Sets every element to a number. PyTorch's `fill_`. Elements may share memory: all become the same.
    ///
    /// # Errors
    /// Where the dtype cannot hold the number ([`Number::fits`]); a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn fill_(&self, value: impl Into<Number>) -> Result<()> {
        self.filled(value.into(), Location::caller())
    }

    /// [`Tensor::fill_`], written on a line that is given: a closure has no caller.
    fn filled(&self, value: Number, site: &'static Location<'static>) -> Result<()> {
        value
            .fit(self.dtype())
            .map_err(|e| e.op("fill_").at(site))?;
        if self.look(|a| a.layout().is_stretched()) {
            return self.once()?.filled(value, site);
        }
        in_place_number(&Copy, self, value, site, &mut |x| {
            kernels::fill(x, value).map(|()| true)
        })
    }

    /// Sets every element to zero. PyTorch's `zero_`, as in `p.grad.zero_()`.
    ///
    /// # Errors
    /// A leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn zero_(&self) -> Result<()> {
        let site = Location::caller();
        if self.is_plain() {
            return self.filled(Number::Int(0), site); // no history, and none to come
        }
        self.named_write("ZeroBackward0", || self.filled(Number::Int(0), site))
    }
}
