//! Strides and offsets: integers about memory, never the memory itself.
//!
//! A [`Layout`] says where element `(i, j, …)` of an array lies in its storage. Views (transpose, slice, expand,
//! reshape without a copy) are functions from layout to layout. Row-major layouts carry no strides at all, so that
//! the common case costs nothing and "is it contiguous" is a length test.

pub(crate) mod dims;
pub(crate) mod order;
pub(crate) mod shape;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::dims::Dims;
pub use crate::layout::shape::{Shape, wrap_dim};
use crate::memory::pool::Shared;
use smallvec::SmallVec;

/// Distances in elements between neighbours along each dimension.
pub type Strides = Dims<isize>;

/// Where each element lies: sizes, strides and the first element's place, all counted in elements.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Layout {
    shape: Shape,
    /// `None` means row-major, which is what nearly every array is.
    strides: Option<Shared<Stepped>>,
    offset: usize,
}

/// Strides that are not those of a row-major array.
#[derive(Clone, PartialEq, Eq, Debug)]
struct Stepped {
    strides: Strides,
    /// Whether only strides of dimensions of size 1 are others, along which there is no second element: then all elements lie row by row.
    row_major: bool,
}

/// The strides of elements that lie row by row without gaps.
///
/// Those of up to four dimensions are made in registers and written once: a list that is filled in memory and then moved is read by wider
/// loads than the stores that wrote it, for which the processor waits.
#[inline]
fn row_major_strides(shape: &Shape) -> Strides {
    if shape.is_in_place() {
        let n = |k: usize| shape.get(k).map_or(1, |&n| n.max(1) as isize);
        let last = n(3);
        let second = last.wrapping_mul(n(2));
        return Strides::in_place(shape.len(), [second.wrapping_mul(n(1)), second, last, 1]);
    }
    let mut out = Strides::from_elem(1, shape.len());
    let mut step = 1isize;
    for (s, &n) in out.iter_mut().zip(shape.iter()).rev() {
        *s = step;
        step = step.wrapping_mul(n.max(1) as isize);
    }
    out
}

impl Layout {
    /// Row-major layout from the start of a storage. The caller has checked that the number of elements fits.
    #[inline]
    pub fn row_major(shape: Shape) -> Self {
        Layout {
            shape,
            strides: None,
            offset: 0,
        }
    }

    /// A layout from its parts; row-major strides are recognised, and kept where they are others along a dimension of size 1 only. One without elements is row-major and starts at 0, whatever
    /// was said: where it began, no storage need have a place, and kernels compute with it. Whether it fits a storage is checked where an array
    /// takes it ([`Array::view`](crate::Array::view)).
    ///
    /// # Panics
    /// Where the number of strides is not that of the sizes.
    pub fn new(shape: Shape, strides: &[isize], offset: usize) -> Self {
        assert_eq!(shape.len(), strides.len(), "one stride for each dimension");
        let (mut expected, mut exactly) = (1isize, true);
        let mut row_major = true;
        for (&n, &s) in shape.iter().zip(strides).rev() {
            if s != expected {
                exactly = false;
                if n != 1 {
                    row_major = false;
                    break;
                }
            }
            expected = expected.saturating_mul(n as isize);
        }
        if shape.contains(&0) {
            return Layout::row_major(shape);
        }
        let own = || Stepped {
            strides: Strides::from_slice(strides),
            row_major,
        };
        Layout {
            shape,
            strides: (!exactly).then(|| Shared::new(own())),
            offset,
        }
    }

    /// Sizes.
    #[inline]
    pub fn shape(&self) -> &Shape {
        &self.shape
    }

    /// Place of the first element in the storage.
    #[inline]
    pub fn offset(&self) -> usize {
        self.offset
    }

    /// Number of dimensions.
    #[inline]
    pub fn rank(&self) -> usize {
        self.shape.len()
    }

    /// Number of elements.
    #[inline]
    pub fn numel(&self) -> usize {
        self.shape.numel()
    }

    /// Whether elements lie in row-major order without gaps.
    #[inline]
    pub fn is_contiguous(&self) -> bool {
        self.strides.as_ref().is_none_or(|own| own.row_major)
    }

    /// Strides, one for each dimension, row-major ones included.
    pub fn strides(&self) -> Strides {
        match &self.strides {
            Some(own) => own.strides.clone(),
            None => row_major_strides(&self.shape),
        }
    }

    /// The stride of dimension `k`, without making the list of all.
    #[inline]
    pub(crate) fn stride(&self, k: usize) -> isize {
        match &self.strides {
            Some(own) => own.strides[k],
            None => (self.shape[k + 1..].iter())
                .fold(1, |step: isize, &n| step.wrapping_mul(n.max(1) as isize)),
        }
    }

    /// Smallest and largest element place touched, or `None` where there are no elements. A negative place (a layout
    /// that reaches outside every storage) is possible where strides are.
    pub fn extent(&self) -> Option<(isize, isize)> {
        if self.numel() == 0 {
            return None;
        }
        let start = isize::try_from(self.offset).unwrap_or(isize::MAX);
        let (mut low, mut high) = (start, start);
        for (&n, &s) in self.shape.iter().zip(self.strides().iter()) {
            let last = isize::try_from(n - 1).unwrap_or(isize::MAX);
            let reach = last.saturating_mul(s);
            if reach < 0 {
                low = low.saturating_add(reach)
            } else {
                high = high.saturating_add(reach)
            }
        }
        Some((low, high))
    }

    /// Whether two indices may name the same element (an expanded dimension, overlapping windows). Never false where two
    /// do; true also for some interleavings in which none do, such as sizes (2, 3) with strides (3, 2).
    pub fn overlaps_itself(&self) -> bool {
        let Some(Stepped { strides, .. }) = self.strides.as_deref() else {
            return false;
        };
        if self.numel() <= 1 {
            return false;
        }
        // Sorted by stride, each dimension must step over everything the smaller ones span.
        let mut dims: SmallVec<[(usize, usize); 4]> = (self.shape.iter().zip(strides.iter()))
            .filter(|&(&n, _)| n > 1)
            .map(|(&n, &s)| (s.unsigned_abs(), n))
            .collect();
        dims.sort_unstable();
        let mut span = 0usize;
        for (stride, n) in dims {
            if stride <= span {
                return true;
            }
            span = span.saturating_add(stride.saturating_mul(n - 1));
        }
        false
    }

    /// The same memory without what stretches it: dimensions of stride 0 keep one of their places.
    #[must_use]
    pub fn once(&self) -> Layout {
        let Some(Stepped { strides, .. }) = self.strides.as_deref() else {
            return self.clone();
        };
        let mut shape = self.shape.clone();
        for (n, &s) in shape.dims_mut().iter_mut().zip(strides.iter()) {
            if s == 0 {
                *n = (*n).min(1);
            }
        }
        Layout::new(shape, strides, self.offset)
    }

    /// Whether a dimension stands for one element many times, as [`Layout::expand`] makes it.
    pub fn is_stretched(&self) -> bool {
        (self.strides.as_ref()).is_some_and(|own| {
            (self.shape.iter().zip(own.strides.iter())).any(|(&n, &s)| n > 1 && s == 0)
        })
    }

    /// Exchanges two dimensions.
    #[must_use]
    pub fn transpose(&self, a: usize, b: usize) -> Layout {
        let (mut shape, mut strides) = (self.shape.clone(), self.strides());
        if a != b {
            shape.dims_mut().swap(a, b);
            strides.swap(a, b);
        }
        Layout::new(shape, &strides, self.offset)
    }

    /// Reorders dimensions: dimension `k` of the result is dimension `order[k]` of this one.
    #[must_use]
    pub fn permute(&self, order: &[usize]) -> Layout {
        let strides = self.strides();
        let shape: Shape = order.iter().map(|&k| self.shape[k]).collect();
        let strides: Strides = order.iter().map(|&k| strides[k]).collect();
        Layout::new(shape, &strides, self.offset)
    }

    /// Stretches to `shape`: size-1 and missing leading dimensions get stride 0.
    ///
    /// # Errors
    /// PyTorch's `expand` sentence where a size differs and is not 1; where the elements become too many to count.
    pub fn expand(&self, shape: &Shape) -> Result<Layout> {
        if self.shape == *shape {
            return Ok(self.clone());
        }
        if shape.len() < self.rank() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "expand(tensor of shape {}, size={shape}): the number of sizes provided ({}) must be greater or equal to the number of dimensions in the tensor ({})",
                    self.shape,
                    shape.len(),
                    self.rank()
                ),
            ));
        }
        let lead = shape.len() - self.rank();
        let own = self.strides();
        let mut strides = Strides::from_elem(0, shape.len());
        for k in (0..self.rank()).rev() {
            if self.shape[k] == shape[lead + k] {
                strides[lead + k] = own[k];
            } else if self.shape[k] != 1 {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!(
                        "The expanded size of the tensor ({}) must match the existing size ({}) at non-singleton dimension {}.  Target sizes: {shape}.  Tensor sizes: {}",
                        shape[lead + k],
                        self.shape[k],
                        lead + k,
                        self.shape
                    ),
                ));
            }
        }
        shape.checked_numel()?;
        Ok(Layout::new(shape.clone(), &strides, self.offset))
    }

    /// The place `index` steps of `stride` from the first element. What cannot be counted becomes a place that no storage has.
    #[inline]
    fn moved(&self, index: usize, stride: isize) -> usize {
        isize::try_from(index)
            .ok()
            .and_then(|index| index.checked_mul(stride))
            .and_then(|by| self.offset.checked_add_signed(by))
            .unwrap_or(usize::MAX)
    }

    /// Keeps `len` elements of `dim`, starting at `start`, each `step` apart. Bounds are the caller's.
    #[must_use]
    pub fn slice(&self, dim: usize, start: usize, len: usize, step: usize) -> Layout {
        let (mut shape, mut strides) = (self.shape.clone(), self.strides());
        let offset = self.moved(start, strides[dim]);
        shape.dims_mut()[dim] = len;
        strides[dim] = strides[dim].saturating_mul(isize::try_from(step).unwrap_or(isize::MAX));
        Layout::new(shape, &strides, offset)
    }

    /// Fixes `dim` at `index` and drops it. Bounds are the caller's.
    #[must_use]
    pub fn select(&self, dim: usize, index: usize) -> Layout {
        let (mut shape, mut strides) = (self.shape.clone(), self.strides());
        let offset = self.moved(index, strides[dim]);
        shape.remove(dim);
        strides.remove(dim);
        Layout::new(shape, &strides, offset)
    }

    /// The same elements in the same order under another shape, without a copy; `None` where strides do not allow it or
    /// the number of elements is another.
    pub fn reshape(&self, shape: &Shape) -> Option<Layout> {
        if shape.checked_numel().ok()? != self.numel() {
            return None;
        }
        if self.strides.is_none() {
            return Some(Layout {
                shape: shape.clone(),
                strides: None,
                offset: self.offset,
            });
        }
        // Walk both shapes from the right, matching runs of old dimensions that are contiguous among themselves
        // with runs of new ones of the same product (the rule of PyTorch's computeStride).
        let own = self.strides();
        let mut strides = Strides::from_elem(0, shape.len());
        let mut view = shape.len() as isize - 1;
        let (mut run_old, mut run_new) = (1usize, 1usize);
        let mut base = *own.last()?;
        for k in (0..self.rank()).rev() {
            run_old *= self.shape[k];
            let ends = k == 0 || (self.shape[k - 1] != 1 && own[k - 1] != run_old as isize * base);
            if !ends {
                continue;
            }
            while view >= 0 && (run_new < run_old || shape[view as usize] == 1) {
                strides[view as usize] = run_new as isize * base;
                run_new *= shape[view as usize];
                view -= 1;
            }
            if run_new != run_old {
                return None;
            }
            if k > 0 {
                base = own[k - 1];
                (run_old, run_new) = (1, 1);
            }
        }
        (view == -1).then(|| Layout::new(shape.clone(), &strides, self.offset))
    }

    /// Places of all elements in row-major order.
    pub fn places(&self) -> Places {
        Places::new(self)
    }
}

/// Iterator over element places in row-major order; what tests and rare kernels use, never a hot loop.
pub struct Places {
    shape: Shape,
    strides: Strides,
    index: Dims<usize>,
    place: isize,
    left: usize,
}

impl Places {
    fn new(layout: &Layout) -> Self {
        Places {
            shape: layout.shape.clone(),
            strides: layout.strides(),
            index: Dims::from_elem(0, layout.rank()),
            place: layout.offset as isize,
            left: layout.numel(),
        }
    }
}

impl Iterator for Places {
    type Item = usize;
    fn next(&mut self) -> Option<usize> {
        if self.left == 0 {
            return None;
        }
        self.left -= 1;
        let here = self.place as usize;
        for k in (0..self.shape.len()).rev() {
            self.index[k] += 1;
            // Wrapping: the stride of a dimension of size 1 may be any number.
            self.place = self.place.wrapping_add(self.strides[k]);
            if self.index[k] < self.shape[k] {
                break;
            }
            let back = self.strides[k].wrapping_mul(self.shape[k] as isize);
            self.place = self.place.wrapping_sub(back);
            self.index[k] = 0;
        }
        Some(here)
    }

    fn size_hint(&self) -> (usize, Option<usize>) {
        (self.left, Some(self.left))
    }
}

impl ExactSizeIterator for Places {}
