//! In which order dimensions lie in memory, and PyTorch's rule for that of a result.
//!
//! Elementwise results lie in memory as their operands do, so that a transposed operand costs no transposition and a
//! result can be viewed as its operand can. The rule is that of PyTorch's `TensorIterator`.

use crate::error::{Error, ErrorKind, Result};
use crate::layout::dims::Dims;
use crate::layout::{Layout, Shape, Stepped, Strides};
use smallvec::SmallVec;

/// How a copy lies in memory, by PyTorch's names.
///
/// ```
/// use pullback_array::{Layout, MemoryFormat, Shape};
/// let images = Layout::row_major(Shape::new(&[2, 3, 4, 5]));
/// let channels_last = MemoryFormat::ChannelsLast.of(&images)?;
/// assert_eq!(channels_last.strides()[..], [60, 1, 15, 3]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemoryFormat {
    /// As the original lies, without gaps ([`Layout::without_gaps`]).
    #[default]
    Preserve,
    /// Row after row.
    Contiguous,
    /// Of four dimensions the second innermost: an image's channels side by side.
    ChannelsLast,
    /// The same of five dimensions.
    ChannelsLast3d,
}

impl MemoryFormat {
    /// The layout of a copy of what lies so.
    ///
    /// # Errors
    /// PyTorch's sentence where the format is one of another number of dimensions.
    pub fn of(self, a: &Layout) -> Result<Layout> {
        let (rank, name) = match self {
            MemoryFormat::Preserve => return Ok(a.without_gaps()),
            MemoryFormat::Contiguous => return Ok(Layout::row_major(a.shape().clone())),
            MemoryFormat::ChannelsLast => (4, "channels_last"),
            MemoryFormat::ChannelsLast3d => (5, "channels_last_3d"),
        };
        if a.rank() != rank {
            return Err(Error::new(
                ErrorKind::Shape,
                format!("required rank {rank} tensor to use {name} format"),
            ));
        }
        let order: Order = [1].into_iter().chain((2..rank).rev()).chain([0]).collect();
        Ok(Layout::dense(a.shape().clone(), Some(&order)))
    }
}

/// Dimensions from the innermost to the outermost.
pub type Order = Dims<usize>;

/// The order in which the dimensions of an elementwise result of `shape` lie in memory, or `None` where it is row-major.
/// The operands' layouts broadcast to `shape`.
///
/// The first operand whose strides tell two dimensions apart decides about them; stretched dimensions tell nothing, and
/// equal strides put the shorter dimension inside. What no operand decides stays row-major. The comparison is no total
/// order, so the way of sorting is a part of the rule: an insertion sort that steps over pairs it cannot decide.
///
/// ```
/// use pullback_array::{Layout, Shape, memory_order};
/// let columns = Layout::row_major(Shape::new(&[3, 2])).transpose(0, 1);
/// let order = memory_order(&Shape::new(&[2, 3]), [&columns]).unwrap();
/// assert_eq!(order[..], [0, 1]);
/// ```
pub fn memory_order<const N: usize>(shape: &Shape, operands: [&Layout; N]) -> Option<Order> {
    // Strides of dimensions of size 1 tell something only where operands are stretched to others.
    let same = || {
        operands
            .iter()
            .all(|a| a.is_contiguous() && a.shape == *shape)
    };
    if shape.len() < 2 || operands.iter().all(|a| a.strides.is_none()) || same() {
        return None;
    }
    let strides = operands.map(|a| stretched(a, shape));
    let mut order: Order = (0..shape.len()).rev().collect();
    for i in 1..order.len() {
        let mut at = i;
        for k in (0..i).rev() {
            match lies_outside(shape, &strides, order[k], order[at]) {
                Some(true) => {
                    order.swap(k, at);
                    at = k;
                }
                Some(false) => break,
                None => {}
            }
        }
    }
    let row_major = order.iter().rev().enumerate().all(|(k, &d)| k == d);
    (!row_major).then_some(order)
}

/// The operand's strides along the dimensions of `shape`; 0 where it is stretched.
fn stretched(a: &Layout, shape: &Shape) -> Strides {
    let (own, lead) = (a.strides(), shape.len() - a.rank());
    (0..shape.len())
        .map(|d| match d.checked_sub(lead) {
            Some(k) if a.shape()[k] == shape[d] => own[k],
            _ => 0,
        })
        .collect()
}

/// Whether dimension `a` lies outside of `b`, as far as the operands tell.
fn lies_outside(shape: &Shape, operands: &[Strides], a: usize, b: usize) -> Option<bool> {
    for strides in operands {
        let (s, t) = (strides[a].unsigned_abs(), strides[b].unsigned_abs());
        if s == 0 || t == 0 {
            continue;
        }
        if s != t {
            return Some(s > t);
        }
        if shape[a] > shape[b] {
            return Some(true);
        }
    }
    None
}

impl Layout {
    /// A layout without gaps whose dimensions lie in the given order, which names each once; row-major without one.
    #[must_use]
    pub fn dense(shape: Shape, order: Option<&[usize]>) -> Layout {
        let Some(order) = order else {
            return Layout::row_major(shape);
        };
        let mut strides = Strides::from_elem(0, shape.len());
        let mut step = 1isize;
        for &d in order {
            strides[d] = step;
            step = step.wrapping_mul(shape[d].max(1) as isize);
        }
        Layout::new(shape, &strides, 0)
    }

    /// Whether the elements fill a stretch of memory, each once, in whatever order.
    pub fn is_dense(&self) -> bool {
        let Some(Stepped { strides, .. }) = self.strides.as_deref() else {
            return true;
        };
        let mut dims: SmallVec<[(isize, usize); 4]> = (strides.iter().zip(self.shape.iter()))
            .filter(|&(_, &n)| n > 1)
            .map(|(&s, &n)| (s, n))
            .collect();
        dims.sort_unstable();
        let mut step = 1isize;
        for (s, n) in dims {
            if s != step {
                return false;
            }
            step = step.saturating_mul(n as isize);
        }
        true
    }

    /// How a new array like one of this layout lies in memory: exactly so where there are no gaps, else without them in the
    /// same order. PyTorch's `preserve_format`.
    ///
    /// ```
    /// use pullback_array::{Layout, Shape};
    /// let every_second = Layout::row_major(Shape::new(&[3, 4])).transpose(0, 1).slice(0, 0, 2, 2);
    /// assert_eq!(every_second.strides()[..], [2, 4]);
    /// assert_eq!(every_second.without_gaps().strides()[..], [1, 2]);
    /// ```
    #[must_use]
    pub fn without_gaps(&self) -> Layout {
        if self.strides.is_none() {
            return Layout::row_major(self.shape.clone());
        }
        if self.is_dense() {
            return Layout {
                offset: 0,
                ..self.clone()
            };
        }
        let order = memory_order(&self.shape, [self]);
        Layout::dense(self.shape.clone(), order.as_deref())
    }
}
