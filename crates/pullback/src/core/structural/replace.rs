//! What gives a tensor another array, for every handle of it: PyTorch's `x.data = b`, `set_`, `resize_`, and what `t_` and its kin
//! are made of. How a tensor holds it, and what becomes of the old one, is in `core/replace.rs`.

use crate::core::apply::apply;
use crate::core::in_place::writable;
use crate::core::structural::Alias;
use crate::core::tensor::Tensor;
use crate::core::{mode, watch};
use crate::{Array, DType, Error, ErrorKind, Layout, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

#[pullback_macros::called]
impl Tensor {
    /// Gives this tensor, for every handle of it, the numbers, shape and dtype of `data`, whose memory it shares from now on. PyTorch's
    /// `x.data = data`.
    ///
    /// The history stays, and so does `.grad`: what was computed of the tensor keeps the old numbers, also those that its
    /// gradients will read (PyTorch reads the new ones). Views and detached handles keep the old memory. Writes through the one
    /// are not counted by the other's version.
    ///
    /// # Errors
    /// PyTorch's sentence where this tensor requires a gradient and `data` is not floating.
    ///
    /// ```
    /// use pullback::{DType, Tensor};
    /// let w = Tensor::from_slice(&[1.0f32, 2.0], [2])?.requires_grad_(true)?;
    /// let handle = w.clone();
    /// w.set_data(&w.detach().to(DType::F64)?.reshape([2, 1])?)?;
    /// assert_eq!((handle.dtype(), &handle.shape()[..]), (DType::F64, &[2, 1][..]));
    /// assert!(handle.requires_grad());
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn set_data(&self, data: &Tensor) -> Result<()> {
        let site = Location::caller();
        if self.requires_grad() && !data.dtype().is_differentiable() {
            return Err(Error::new(
                ErrorKind::DType,
                "data set to a tensor that requires gradients must be floating point or complex dtype",
            )
            .op("set_data")
            .at(site));
        }
        let array = data.array().clone();
        {
            let own = self.array();
            let same = own.storage().same(array.storage());
            if same && own.layout() == array.layout() && own.dtype() == array.dtype() {
                return Ok(());
            }
        }
        let version = self.version();
        self.given(data, array, version, site)
    }

    /// Shows the memory of `source`, from an offset and with strides where they are given; none of the numbers is copied. PyTorch's
    /// `set_`.
    ///
    /// # Errors
    /// PyTorch's sentences: another dtype, a leaf that requires a gradient outside `no_grad`, strides that reach below the memory; and
    /// where a gradient of `source` would be wanted, which `set_` has none of.
    #[track_caller]
    pub fn set_(&self, source: &Tensor, place: Option<(Shape, Vec<isize>, usize)>) -> Result<()> {
        let site = Location::caller();
        let context = |e: Error| e.op("set_").at(site);
        if source.dtype() != self.dtype() {
            return Err(context(Error::new(
                ErrorKind::DType,
                format!(
                    "Could not set tensor of type {} to a tensor of type {}",
                    cpp_name(source.dtype()),
                    cpp_name(self.dtype())
                ),
            )));
        }
        let flags = mode::flags();
        let tracked = mode::records(flags) && (self.has_edge() || source.has_edge());
        writable(self, tracked, flags).map_err(context)?;
        if tracked {
            return Err(context(
                Error::new(
                    ErrorKind::Autograd,
                    "derivative for set_ is not implemented",
                )
                .help_in(
                    "set a detached tensor: `source.detach()`",
                    "set a detached tensor: `source.detach()`",
                ),
            ));
        }
        let mut array = source.array().clone();
        if let Some((shape, strides, offset)) = place {
            unrecorded("set_").map_err(context)?;
            let layout = Layout::new(shape, &strides, offset);
            array = placed(&array, layout).map_err(context)?;
        }
        let version = self.version().wrapping_add(1);
        self.given(source, array, version, site)
    }

    /// Another shape, row by row, over the same memory, which grows where it is too small: numbers keep their places, and new ones are 0
    /// (PyTorch leaves them to chance). Memory that grew is this tensor's own: other handles of the old one keep that. PyTorch's
    /// `resize_`.
    ///
    /// # Errors
    /// PyTorch's sentence for tensors that require a gradient; [`ErrorKind::Alloc`].
    ///
    /// ```
    /// use pullback::Tensor;
    /// let x = Tensor::arange(6)?;
    /// x.resize_([2, 2])?;
    /// assert_eq!(x.to_vec::<i64>()?, [0, 1, 2, 3]);
    /// x.resize_([8])?;
    /// assert_eq!(x.to_vec::<i64>()?, [0, 1, 2, 3, 4, 5, 0, 0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn resize_(&self, shape: impl Into<Shape>) -> Result<()> {
        let (site, shape) = (Location::caller(), shape.into());
        let context = |e: Error| e.op("resize_").at(site);
        if self.requires_grad() {
            return Err(context(Error::new(
                ErrorKind::Autograd,
                "cannot resize variables that require grad",
            )));
        }
        if shape == *self.shape() {
            return Ok(());
        }
        writable(self, false, mode::flags()).map_err(context)?;
        unrecorded("resize_").map_err(context)?;
        let old = self.array().clone();
        let version = old.version().wrapping_add(1);
        shape.checked_numel().map_err(context)?;
        let strides = Layout::row_major(shape.clone()).strides();
        let layout = Layout::new(shape, &strides, old.layout().offset());
        let array = placed(&old, layout).map_err(context)?;
        match array.storage().same(old.storage()) {
            true => old.storage().note_write(),
            false => array.storage().count_from(version),
        }
        self.told(&Tensor::from_array(array.clone()), array, site)
    }

    /// [`Tensor::resize_`] to the shape of `other`. PyTorch's `resize_as_`.
    ///
    /// # Errors
    /// As [`Tensor::resize_`].
    #[track_caller]
    pub fn resize_as_(&self, other: &Tensor) -> Result<()> {
        self.resize_(other.shape())
    }

    /// Exchanges two leaves, for every handle of them: arrays, whether a gradient is wanted, gradients and hooks. PyTorch's
    /// `torch.utils.swap_tensors`.
    ///
    /// # Errors
    /// For views, and for results of operations.
    #[track_caller]
    pub fn swap(&self, other: &Tensor) -> Result<()> {
        let site = Location::caller();
        if let Some(bad) = [self, other]
            .into_iter()
            .find(|t| t.0.base.is_some() || !t.is_leaf())
        {
            let what = if bad.is_leaf() {
                "a view"
            } else {
                "a result of an operation"
            };
            return Err(Error::new(
                ErrorKind::Autograd,
                format!("Cannot swap {what}: its history and its base would be another's"),
            )
            .op("swap_tensors")
            .at(site));
        }
        if self.is(other) {
            return Ok(());
        }
        let (mine, theirs) = (self.array().clone(), other.array().clone());
        let (grads, edges) = ((self.grad(), other.grad()), (self.end(), other.end()));
        for (t, array, edge, grad) in [
            (self, &theirs, edges.1, grads.1),
            (other, &mine, edges.0, grads.0),
        ] {
            t.replace_array(array.clone());
            t.override_edge(edge);
            // Those of leaves that want a gradient came with the edge.
            if !t.has_edge() {
                t.set_grad(grad)?;
            }
        }
        let flags = mode::flags();
        if flags & watch::WATCHED != 0 {
            for (t, array) in [(self, theirs), (other, mine)] {
                watch::replaced(flags, t, &Tensor::from_array(array), false, site)?;
            }
        }
        Ok(())
    }

    /// Takes the place of a view that `view` makes of this tensor, with its history: what `t_` and its kin do.
    ///
    /// # Errors
    /// As writes in place; what `view` says.
    pub(crate) fn become_view(
        &self,
        name: &'static str,
        site: &'static Location<'static>,
        view: impl FnOnce(&Tensor) -> Result<Tensor>,
    ) -> Result<()> {
        let flags = mode::flags();
        let tracked = mode::records(flags) && self.has_edge();
        writable(self, tracked, flags).map_err(|e| e.op(name).at(site))?;
        // A result keeps its history in another shape whether or not writes are recorded: the old one would send gradients of the new shape
        // where the old one is expected.
        let follows = tracked || self.has_edge() && !self.is_leaf();
        let recording = follows.then(mode::enable_grad);
        let made = match view(self)? {
            same if same.is(self) => apply(Alias, &[self], site)?,
            made => made,
        };
        drop(recording);
        let array = made.array().clone();
        let storage = array.storage().clone();
        self.replace_array(array);
        storage.note_write();
        storage.set_writer(site);
        if follows && let Some(edge) = made.edge() {
            self.succeed(edge, site);
        }
        match flags & watch::WATCHED {
            0 => Ok(()),
            _ => watch::replaced(flags, self, &made, true, site),
        }
    }

    /// Gives this tensor an array over the memory of `source`, with a version of its own that goes on from `version`.
    fn given(
        &self,
        source: &Tensor,
        array: Array,
        version: u32,
        site: &'static Location<'static>,
    ) -> Result<()> {
        // A recorder tells values apart by their versions: there the two share one.
        let array = match mode::flags() & mode::RECORD {
            0 => array.uncounted_from(version)?,
            _ => array,
        };
        let source = source.detach();
        self.told(&source, array, site)
    }

    fn told(&self, by: &Tensor, array: Array, site: &'static Location<'static>) -> Result<()> {
        self.replace_array(array);
        let flags = mode::flags();
        match flags & watch::WATCHED {
            0 => Ok(()),
            _ => watch::replaced(flags, self, by, false, site),
        }
    }
}

/// An error while a recorder listens: a program has values and no memory in which they could be found again.
fn unrecorded(name: &str) -> Result<()> {
    match mode::flags() & mode::RECORD {
        0 => Ok(()),
        _ => Err(Error::new(
            ErrorKind::Unsupported,
            format!("{name} of memory cannot be recorded"),
        )
        .help("use reshape, narrow or cat in functions that are transformed")),
    }
}

/// The same memory under a layout, or where the layout reaches beyond it, a larger memory that begins with its numbers.
fn placed(old: &Array, layout: Layout) -> Result<Array> {
    let overflow = |layout: &Layout| {
        let strides = layout.strides();
        Error::new(
            ErrorKind::Value,
            format!(
                "Storage size calculation overflowed with sizes={:?} and strides={:?}",
                &layout.shape()[..],
                &strides[..]
            ),
        )
    };
    let needed = match layout.extent() {
        None => 0,
        Some((low, _)) if low < 0 => return Err(overflow(&layout)),
        Some((_, high)) => (high as usize)
            .checked_add(1)
            .ok_or_else(|| overflow(&layout))?,
    };
    let there = old.storage().bytes() / old.dtype().size();
    if needed <= there {
        return old.view(layout);
    }
    let grown = Array::zeros([needed], old.dtype())?;
    let all = old.view(Layout::row_major(Shape::new(&[there])))?;
    kernels::assign(&grown.slice(0, 0, there, 1)?, &all)?;
    // So far nobody has seen it.
    grown.storage().count_from(0);
    grown.view(layout)
}

/// What C++ calls the elements.
fn cpp_name(dtype: DType) -> String {
    match dtype.scalar_type_name() {
        "Byte" => "unsigned char".into(),
        "Char" => "signed char".into(),
        "Short" => "short int".into(),
        "Long" => "long int".into(),
        half @ ("Half" | "BFloat16") => format!("c10::{half}"),
        other => other.to_lowercase(),
    }
}
