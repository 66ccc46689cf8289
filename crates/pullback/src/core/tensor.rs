//! The tensor: a cheap, shareable handle to an array and its place in the graph.
//!
//! This file looks at tensors; what makes them from numbers is in `construct`, operations are in `ops`, in-place writes in
//! `in_place` and `history`, gradients in `backward`. Cloning a handle shares everything: the numbers, `.grad` and what later in-place writes do to the
//! history (PyTorch's `clone()`, a copy that gradients flow through, is [`Tensor::copy`]).

use crate::core::fail::error;
use crate::core::graph::Edge;
use crate::core::history::AutogradMeta;
use crate::core::{device, mode, watch};
use crate::{Array, DType, Element, Number, Result, Shared};
use pullback_array::OnceBox;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, Ordering};

/// An n-dimensional array that remembers how it was computed.
///
/// `Send + Sync`, and as cheap to clone as an `Arc`.
///
/// ```
/// use pullback::Tensor;
/// let w = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3])?.requires_grad_(true)?;
/// let loss = (&w * &w).sum()?;
/// loss.backward()?;
/// assert_eq!(w.grad().unwrap().to_vec::<f32>()?, [2.0, 4.0, 6.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone)]
pub struct Tensor(pub(crate) Shared<Inner>);

/// Set in [`Inner::flags`] when the history must be looked up the slow way.
pub(crate) const REBASED: u32 = 1;
/// Set in [`Inner::flags`] of views made under `no_grad`, and of their views.
pub(crate) const UNTRACKED_VIEW: u32 = 2;
/// Of views of ordinary tensors made in inference mode, and of their views.
pub(crate) const INFERENCE_VIEW: u32 = 4;
/// Of tensors made in inference mode, and of their views.
pub(crate) const INFERENCE: u32 = 8;
/// Of the results of operations that return several views, and of their views.
pub(crate) const MANY_VIEWS: u32 = 16;
/// Of views made inside a function of the user, and of their views.
pub(crate) const FUNCTION_VIEW: u32 = 32;
/// Views that PyTorch knows by the version their memory had when they were made: their histories follow no later write.
pub(crate) const VERSIONED: u32 = UNTRACKED_VIEW | INFERENCE_VIEW;
/// Views that must not be written where writes are recorded.
pub(crate) const UNWRITABLE: u32 = VERSIONED | MANY_VIEWS | FUNCTION_VIEW;
/// What a view takes over from the tensor it shows.
pub(crate) const INHERITED: u32 =
    UNTRACKED_VIEW | INFERENCE_VIEW | INFERENCE | MANY_VIEWS | FUNCTION_VIEW;

/// Operations that return several views, by PyTorch's names for them in errors.
const MANY_NAMES: [&str; 3] = ["Unbind", "Split", "SplitWithSizes"];
/// Above the flags: 1 + the place in [`MANY_NAMES`], then which of the views this is.
const CODE_SHIFT: u32 = 6;
const NUMBER_SHIFT: u32 = 8;
const NUMBER_BITS: u32 = 23;
/// Of tensors that were given another array: it stands in the metadata (see `replace`).
pub(crate) const REPLACED: u32 = 1 << (NUMBER_SHIFT + NUMBER_BITS);

pub(crate) struct Inner {
    /// The array that the tensor was made with. What it has now says [`Tensor::array`].
    pub(crate) first: Array,
    /// Where gradients went when the tensor was made. In-place writes and `requires_grad_` on a shared handle put a
    /// newer edge into `meta` and set [`REBASED`].
    pub(crate) edge: Option<Edge>,
    /// For a view, the tensor whose memory it shows.
    pub(crate) base: Option<Tensor>,
    pub(crate) flags: AtomicU32,
    /// The family's epoch (see `history`) when this tensor was made; of [`VERSIONED`] views the memory's version.
    pub(crate) epoch: u32,
    pub(crate) meta: OnceBox<AutogradMeta>,
    /// Where a language binding notes its object for this tensor.
    pub(crate) object: AtomicPtr<()>,
}

// With its count it fills two cache lines.
const _: () = assert!(size_of::<Inner>() <= 120);

#[pullback_macros::called]
impl Tensor {
    #[inline(always)]
    pub(crate) fn with_edge(array: Array, edge: Option<Edge>) -> Tensor {
        Tensor(Shared::new(Inner {
            first: array,
            edge,
            base: None,
            flags: AtomicU32::new(match mode::flags() & mode::INFERENCE {
                0 => 0,
                _ => INFERENCE,
            }),
            epoch: 0,
            meta: OnceBox::new(),
            object: AtomicPtr::new(std::ptr::null_mut()),
        }))
    }

    /// A tensor over an array, without history.
    #[inline]
    pub fn from_array(array: Array) -> Tensor {
        array.storage().renew();
        Tensor::with_edge(array, None)
    }

    /// Size of one dimension; negative ones count from the end.
    ///
    /// # Errors
    /// PyTorch's `Dimension out of range` sentence.
    #[track_caller]
    pub fn size(&self, dim: i64) -> Result<usize> {
        let site = Location::caller();
        let no_dims = || {
            let text = format!("Dimension specified as {dim} but tensor has no dimensions");
            crate::Error::new(crate::ErrorKind::Index, text)
        };
        let place = match self.shape().is_empty() {
            true => Err(no_dims()),
            false => self.shape().dim(dim),
        };
        Ok(self.shape()[place.map_err(|e| e.op("size").at(site))?])
    }

    /// Element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.look(Array::dtype)
    }

    /// Number of dimensions.
    #[inline]
    pub fn ndim(&self) -> usize {
        self.look(Array::rank)
    }

    /// Number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.look(Array::numel)
    }

    /// Whether elements lie in row-major order without gaps.
    pub fn is_contiguous(&self) -> bool {
        self.look(Array::is_contiguous)
    }

    /// The tensor whose memory this one shows, where it was made as a view. PyTorch's `_base`.
    pub fn base(&self) -> Option<&Tensor> {
        self.0.base.as_ref()
    }

    /// How often the memory was written in place. PyTorch's `_version`.
    pub fn version(&self) -> u32 {
        self.look(Array::version)
    }

    /// Whether two handles are the same tensor (not: hold equal numbers).
    pub fn is(&self, other: &Tensor) -> bool {
        Shared::ptr_eq(&self.0, &other.0)
    }

    /// An address that is this tensor's own while it lives: equal for handles that [`Tensor::is`] calls the same.
    pub fn address(&self) -> usize {
        Shared::address(&self.0)
    }

    /// All elements in row-major order.
    ///
    /// # Errors
    /// [`ErrorKind::DType`](crate::ErrorKind::DType) where `T` is not this tensor's dtype.
    #[track_caller]
    pub fn to_vec<T: Element>(&self) -> Result<Vec<T>> {
        let site = Location::caller();
        watch::looked(self);
        (device::on_host(&self.array()).and_then(|a| a.to_vec()))
            .map_err(|e| e.op("to_vec").at(site))
    }

    /// All elements as `f64`, whatever the dtype.
    #[track_caller]
    pub fn to_f64_vec(&self) -> Result<Vec<f64>> {
        let site = Location::caller();
        watch::looked(self);
        (device::on_host(&self.array()).and_then(|a| a.to_f64_vec()))
            .map_err(|e| e.op("to_f64_vec").at(site))
    }

    /// The one element of a tensor of one element. PyTorch's `item()`.
    ///
    /// # Errors
    /// PyTorch's sentence where there are more or none; an element that `T` cannot hold, as 2.5 where `T` is an integer.
    ///
    /// ```
    /// # use pullback::{Tensor, tensor};
    /// assert_eq!(tensor![2.5].item::<f32>()?, 2.5);
    /// assert!(tensor![2.5].item::<i64>().is_err());
    /// let e = Tensor::arange(3)?.item::<i64>().unwrap_err();
    /// assert_eq!(e.message(), "a Tensor with 3 elements cannot be converted to Scalar");
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn item<T: Element>(&self) -> Result<T> {
        let number = self.number()?;
        number.exactly().ok_or_else(|| {
            error!(DType, "the element is {number}, which is no {}", T::DTYPE)
                .note(format!("the tensor is {}", self.dtype()))
                .help("ask for the tensor's own dtype, or round it first: `x.round()?`")
        })
    }

    /// [`Tensor::item`] as a number of the tensor's own kind, whatever that is.
    ///
    /// # Errors
    /// PyTorch's sentence where there are more elements or none.
    #[track_caller]
    pub fn number(&self) -> Result<Number> {
        let site = Location::caller();
        watch::looked(self);
        (device::on_host(&self.array()).and_then(|a| a.item())).map_err(|e| e.op("item").at(site))
    }

    /// [`Tensor::number`] as `f64`: of a loss whose dtype is any.
    ///
    /// # Errors
    /// As [`Tensor::number`].
    #[track_caller]
    pub fn item_f64(&self) -> Result<f64> {
        Ok(self.number()?.to_f64())
    }

    /// Whether operations on this tensor are recorded: gradients are computed for it, or it is a view that was made while nothing was recorded, of
    /// a tensor for which they are. From such a view no gradient reaches that tensor, as in PyTorch.
    #[inline]
    pub fn requires_grad(&self) -> bool {
        self.is_tracked()
    }

    /// Whether this tensor was made by the user and not by a recorded operation.
    pub fn is_leaf(&self) -> bool {
        !matches!(self.edge(), Some(Edge::Node(..)))
    }

    /// Which result of its operation this tensor is, counted from 0. PyTorch's `output_nr`.
    pub fn output_nr(&self) -> usize {
        match self.edge() {
            Some(Edge::Node(_, nr)) => nr as usize,
            _ => 0,
        }
    }

    /// Whether this tensor was made in [`crate::inference_mode`].
    pub fn is_inference(&self) -> bool {
        self.0.flags.load(Ordering::Relaxed) & INFERENCE != 0
    }

    /// An inference tensor if `other` is one: for handles to the same memory that are no views.
    pub(crate) fn inference_like(self, other: &Tensor) -> Tensor {
        let flag = other.0.flags.load(Ordering::Relaxed) & INFERENCE;
        self.0.flags.fetch_or(flag, Ordering::Relaxed);
        self
    }

    /// Marks this tensor as view `nr` of several that one operation returned: PyTorch forbids writing those in place. `name`
    /// is PyTorch's name of the operation's node without `Backward0`.
    pub(crate) fn one_of_many_views(self, name: &'static str, nr: usize) -> Tensor {
        let code = MANY_NAMES.iter().position(|&n| n == name).unwrap_or(0) as u32 + 1;
        let nr = (nr as u32).min((1 << NUMBER_BITS) - 1);
        let mark = MANY_VIEWS | code << CODE_SHIFT | nr << NUMBER_SHIFT;
        self.0.flags.fetch_or(mark, Ordering::Relaxed);
        self
    }

    /// What PyTorch calls a view that must not be written: `Output 1 of Unbind`.
    pub(crate) fn view_name(&self) -> String {
        let flags = self.0.flags.load(Ordering::Relaxed);
        let code = (flags >> CODE_SHIFT & 3) as usize;
        if code > 0 {
            return format!(
                "Output {} of {}",
                flags >> NUMBER_SHIFT & ((1 << NUMBER_BITS) - 1),
                MANY_NAMES[code - 1]
            );
        }
        let name = self
            .grad_fn()
            .map(|f| f.name().to_owned())
            .unwrap_or_default();
        let name = name.trim_end_matches('0').trim_end_matches("Backward");
        format!("Output {} of {name}", self.output_nr())
    }

    /// A number of its own for this tensor, never reused.
    pub(crate) fn id(&self) -> u64 {
        static NEXT: AtomicU64 = AtomicU64::new(1);
        let fresh = || NEXT.fetch_add(1, Ordering::Relaxed);
        *self.0.meta().id.get_or_init(fresh)
    }
}

/// Whether a write to this tensor can be seen by nobody but its holder.
pub(crate) fn owned(t: &Tensor) -> bool {
    Shared::is_unique(&t.0) && t.array().is_unique()
}
