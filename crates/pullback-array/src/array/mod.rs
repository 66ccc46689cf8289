//! The array: shared storage, a layout and a dtype. No gradients here.
//!
//! An [`Array`] is a cheap handle; cloning it shares the memory. What computes lives in `device::cpu::kernels`,
//! what moves numbers in and out of arrays in `device::cpu`; this file makes arrays without numbers and takes views.

mod refuse;

use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::guards::{ReadGuard, WriteGuard};
use crate::memory::place::{Device, creating_on};
use crate::memory::storage::Storage;
pub(crate) use refuse::{
    check_bounds, no_such_dim, too_large, unaligned, unread, unwritten, wrong_dtype,
};
use std::any::Any;

/// An n-dimensional array of one dtype; cloning shares the data.
///
/// ```
/// use pullback_array::{Array, DType};
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// assert_eq!(a.transpose(0, 1)?.to_vec::<f32>()?, [1.0, 3.0, 2.0, 4.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
#[derive(Clone)]
pub struct Array {
    storage: Storage,
    layout: Layout,
    dtype: DType,
}

impl Array {
    /// From a storage all of whose elements have been written, row-major.
    #[inline]
    pub(crate) fn from_fresh<T: Element>(storage: Storage, shape: Shape) -> Array {
        Array::from_fresh_of(storage, shape, T::DTYPE)
    }

    /// As [`Array::from_fresh`], for a dtype known when the program runs.
    #[inline(always)]
    pub(crate) fn from_fresh_of(storage: Storage, shape: Shape, dtype: DType) -> Array {
        Array::from_parts(storage, Layout::row_major(shape), dtype)
    }

    /// From a storage of which every element that the layout names has been written.
    #[inline(always)]
    pub(crate) fn from_parts(storage: Storage, layout: Layout, dtype: DType) -> Array {
        Array {
            storage,
            layout,
            dtype,
        }
    }

    /// Zeros (or `false`) of the given shape.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where the memory is not to be had; never aborts.
    pub fn zeros(shape: impl Into<Shape>, dtype: DType) -> Result<Array> {
        let shape = shape.into();
        if creating_on() == Some(Device::Meta) {
            return Array::meta(Layout::row_major(shape), dtype);
        }
        let bytes = shape
            .checked_numel()?
            .checked_mul(dtype.size())
            .filter(|&b| b <= isize::MAX as usize)
            .ok_or_else(|| too_large(&shape))?;
        Ok(Array {
            storage: Storage::new(bytes, true)?,
            layout: Layout::row_major(shape),
            dtype,
        })
    }

    /// An array without memory: a shape, a dtype and where its elements would lie. Kernels check such inputs, compute nothing
    /// and give arrays of this kind; what needs a number is an error.
    ///
    /// ```
    /// use pullback_array::{Array, DType, Layout, Shape, kernels};
    /// let huge = Array::meta(Layout::row_major(Shape::new(&[1 << 20, 1 << 20])), DType::F32)?;
    /// let product = kernels::matmul(&huge, &huge)?;
    /// assert!(product.is_meta() && product.shape()[..] == [1 << 20, 1 << 20]);
    /// # Ok::<(), pullback_array::Error>(())
    /// ```
    ///
    /// # Errors
    /// Where the elements are too many to be counted.
    pub fn meta(layout: Layout, dtype: DType) -> Result<Array> {
        let bytes = layout
            .shape()
            .checked_numel()?
            .checked_mul(dtype.size())
            .filter(|&b| b <= isize::MAX as usize)
            .ok_or_else(|| too_large(layout.shape()))?;
        let storage = Storage::meta(bytes)?;
        Array::from_parts(storage, Layout::row_major(layout.shape().clone()), dtype).view(layout)
    }

    /// Whether this array has no memory: see [`Array::meta`].
    #[inline]
    pub fn is_meta(&self) -> bool {
        self.storage.is_meta()
    }

    /// Memory of another device, behind a handle that only who made it understands ([`Array::handle`]). Views of the array are
    /// taken as of any other; whoever reads or writes it by a kernel of the CPU gets an error.
    ///
    /// # Errors
    /// Where the layout reaches outside `bytes`, or `device` is none of the others.
    pub fn elsewhere(
        device: Device,
        handle: Box<dyn Any + Send + Sync>,
        bytes: usize,
        layout: Layout,
        dtype: DType,
    ) -> Result<Array> {
        check_bounds(&layout, bytes / dtype.size())?;
        if let Device::Cpu | Device::Meta = device {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("{device} is no other device"),
            ));
        }
        Ok(Array {
            storage: Storage::elsewhere(device, bytes, handle)?,
            layout,
            dtype,
        })
    }

    /// What [`Array::elsewhere`] was given; views have it too. `None` for arrays of the CPU and for those without memory.
    pub fn handle(&self) -> Option<&(dyn Any + Send + Sync)> {
        self.storage.handle()
    }

    /// Where it lies.
    #[inline]
    pub fn device(&self) -> Device {
        self.storage.device()
    }

    /// The array on a device; this very array where it lies there.
    ///
    /// # Errors
    /// [`ErrorKind::Unsupported`] where it has no numbers to give, and from and to other devices, whose numbers are moved by who knows
    /// them.
    pub fn to_device(&self, device: Device) -> Result<Array> {
        match device {
            to if self.device() == to => Ok(self.clone()),
            Device::Meta => Array::meta(self.layout.without_gaps(), self.dtype),
            Device::Cpu => self.read().map(|_| self.clone()),
            Device::Other(name) => Err(Error::new(
                ErrorKind::Unsupported,
                format!("there is no device {name:?} here"),
            )),
        }
    }

    /// Zeros as of [`Array::zeros_laid`] beside this array: without memory where it has none, unless [`on_device`](crate::on_device)
    /// says where. Beside memory of another device they are the CPU's.
    ///
    /// # Errors
    /// As there.
    pub fn new_zeros(&self, layout: Layout, dtype: DType) -> Result<Array> {
        match creating_on().unwrap_or(self.device()) {
            Device::Meta => Array::meta(layout, dtype),
            Device::Cpu | Device::Other(_) => Array::zeros_laid(layout, dtype),
        }
    }

    /// Zeros (or `false`) lying as `layout` says, which has no gaps.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`]; [`ErrorKind::Index`] where the layout has gaps.
    pub fn zeros_laid(layout: Layout, dtype: DType) -> Result<Array> {
        Array::zeros(layout.shape().clone(), dtype)?.view(layout)
    }

    /// Sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &Shape {
        self.layout.shape()
    }

    /// Element type.
    #[inline]
    pub fn dtype(&self) -> DType {
        self.dtype
    }

    /// Where elements lie.
    #[inline]
    pub fn layout(&self) -> &Layout {
        &self.layout
    }

    /// The shared memory.
    #[inline]
    pub fn storage(&self) -> &Storage {
        &self.storage
    }

    /// Number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.layout.rank()
    }

    /// Number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.layout.numel()
    }

    /// Whether elements lie in row-major order without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.layout.is_contiguous()
    }

    /// How often the memory was written in place.
    #[inline]
    pub fn version(&self) -> u32 {
        self.storage.version()
    }

    /// Whether nobody else can see a change of this array's memory.
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.storage.is_unique() && !self.storage.is_foreign()
    }

    /// The same memory under a version of its own: see [`Storage::uncounted`].
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`](crate::ErrorKind::Alloc) where the system has no block for a header.
    pub fn uncounted(&self) -> Result<Array> {
        Ok(Array {
            storage: self.storage.uncounted()?,
            layout: self.layout.clone(),
            dtype: self.dtype,
        })
    }

    /// As [`Array::uncounted`], counting from `version`.
    ///
    /// # Errors
    /// As [`Array::uncounted`].
    pub fn uncounted_from(&self, version: u32) -> Result<Array> {
        Ok(Array {
            storage: self.storage.uncounted_from(version)?,
            layout: self.layout.clone(),
            dtype: self.dtype,
        })
    }

    /// The same memory under another layout.
    ///
    /// # Errors
    /// Where the layout reaches outside the storage.
    pub fn view(&self, layout: Layout) -> Result<Array> {
        check_bounds(&layout, self.storage.bytes() / self.dtype.size())?;
        Ok(self.with_layout(layout))
    }

    /// The same memory as elements of another dtype, under a layout that counts those. Any bytes are elements of any dtype.
    ///
    /// # Errors
    /// Where the layout reaches outside the storage, and where the memory is somebody else's and not aligned for the dtype.
    pub fn reinterpret(&self, dtype: DType, layout: Layout) -> Result<Array> {
        check_bounds(&layout, self.storage.bytes() / dtype.size())?;
        if !self.storage.is_aligned(dtype.alignment()) {
            return Err(unaligned(dtype));
        }
        Ok(Array {
            storage: self.storage.clone(),
            layout,
            dtype,
        })
    }

    /// As [`Array::view`], for layouts derived from this array's own by operations that stay inside.
    #[inline]
    pub(crate) fn with_layout(&self, layout: Layout) -> Array {
        Array {
            storage: self.storage.clone(),
            layout,
            dtype: self.dtype,
        }
    }

    /// Exchanges two dimensions, without a copy. Negative dimensions count from the end.
    #[inline]
    pub fn transpose(&self, a: i64, b: i64) -> Result<Array> {
        let (a, b) = (self.shape().dim(a)?, self.shape().dim(b)?);
        if self.rank() == 0 {
            return Ok(self.clone());
        }
        Ok(self.with_layout(self.layout.transpose(a, b)))
    }

    /// Stretches size-1 dimensions to `shape`, without a copy.
    #[inline]
    pub fn expand(&self, shape: &Shape) -> Result<Array> {
        Ok(self.with_layout(self.layout.expand(shape)?))
    }

    /// The same elements under another shape; copies only where strides force it.
    pub fn reshape(&self, shape: &Shape) -> Result<Array> {
        if shape.checked_numel()? != self.numel() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "shape '{shape}' is invalid for input of size {}",
                    self.numel()
                ),
            ));
        }
        match self.layout.reshape(shape) {
            Some(layout) => Ok(self.with_layout(layout)),
            None => Ok(self
                .contiguous()?
                .with_layout(Layout::row_major(shape.clone()))),
        }
    }

    /// A slice of `dim`: `len` elements from `start`, `step` apart. Bounds are checked.
    pub fn slice(&self, dim: usize, start: usize, len: usize, step: usize) -> Result<Array> {
        let size = self.size(dim)?;
        if step == 0 {
            return Err(Error::new(ErrorKind::Value, "slice step must be positive"));
        }
        // The last index, or where it would lie past every size.
        let last =
            (len.saturating_sub(1).checked_mul(step)).and_then(|reach| reach.checked_add(start));
        if len > 0 && last.is_none_or(|last| last >= size) {
            return Err(Error::new(
                ErrorKind::Index,
                format!("start ({start}) + length ({len}) exceeds dimension size ({size})."),
            ));
        }
        Ok(self.with_layout(self.layout.slice(dim, start, len, step)))
    }

    /// Fixes `dim` at `index` and drops it. Bounds are checked.
    pub fn select(&self, dim: usize, index: usize) -> Result<Array> {
        let size = self.size(dim)?;
        if index >= size {
            return Err(Error::new(
                ErrorKind::Index,
                format!("index {index} is out of bounds for dimension {dim} with size {size}"),
            ));
        }
        Ok(self.with_layout(self.layout.select(dim, index)))
    }

    /// Size of `dim`, if it exists.
    fn size(&self, dim: usize) -> Result<usize> {
        match self.shape().get(dim) {
            Some(&size) => Ok(size),
            None => Err(no_such_dim(dim, self.rank())),
        }
    }

    /// Errors unless `T` is this array's dtype; every kernel's first line, on which its soundness rests.
    #[inline]
    pub(crate) fn expect_dtype<T: Element>(&self) -> Result<()> {
        self.expect(T::DTYPE)
    }

    /// As [`Array::expect_dtype`].
    #[inline]
    pub(crate) fn expect(&self, dtype: DType) -> Result<()> {
        if self.dtype == dtype {
            Ok(())
        } else {
            Err(wrong_dtype(dtype, self.dtype))
        }
    }

    #[inline]
    pub(crate) fn read(&self) -> Result<ReadGuard<'_>> {
        self.storage.read()
    }

    #[inline]
    pub(crate) fn write(&self) -> Result<WriteGuard<'_>> {
        if self.layout.overlaps_itself() {
            return Err(self.overlap());
        }
        self.storage.write()
    }

    /// PyTorch's sentence for an array that cannot be written, since two of its elements are one.
    #[cold]
    pub(crate) fn overlap(&self) -> Error {
        Error::new(
            ErrorKind::Argument,
            "unsupported operation: more than one element of the written-to tensor refers to a single memory location. Please clone() the tensor before performing the operation.",
        )
    }
}

impl std::fmt::Debug for Array {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Array")
            .field("dtype", &self.dtype)
            .field("shape", self.shape())
            .field("values", &self.to_f64_vec().unwrap_or_default())
            .finish()
    }
}
