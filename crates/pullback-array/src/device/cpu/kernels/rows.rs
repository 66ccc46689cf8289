//! Rows picked, replaced and added by an index: what advanced indexing comes down to.
//!
//! Dimensions `at..at + count` of an array count as one, of size n; an index holds numbers below n, and the result has the
//! index's dimensions in their place. With `count` equal to the rank, rows are single elements in row-major order.
//! Moves do not care about dtypes: they copy bytes. Negative indices and bounds against the user's dimensions are the
//! caller's business.
#![allow(unsafe_code)]

use super::assign;
use super::narrow::{computing, through_same};
use super::wide::wide;
use crate::array::{Array, no_such_dim};
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{BLOCK, blocks};
use crate::dispatch;
use crate::dtype::{DType, Element};
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::guards::ReadGuard;
use crate::memory::ptr::Ptr;
use crate::scalar::arith::Arith;
use std::ops::Range;

/// An array seen as `outer` blocks of `n` rows of `inner` elements.
#[derive(Clone, Copy)]
struct Grid {
    outer: usize,
    n: usize,
    inner: usize,
}

impl Grid {
    fn of(shape: &Shape, at: usize, count: usize) -> Result<Grid> {
        if at.checked_add(count).is_none_or(|end| end > shape.len()) {
            return Err(Error::new(
                ErrorKind::Index,
                format!("too many indices for tensor of dimension {}", shape.len()),
            ));
        }
        let size = |dims: &[usize]| dims.iter().product();
        Ok(Grid {
            outer: size(&shape[..at]),
            n: size(&shape[at..at + count]),
            inner: size(&shape[at + count..]),
        })
    }

    /// An error where a number of the index is no row.
    fn checked(&self, rows: &Rows<'_>, index: &Array) -> Result<()> {
        let n = self.n as u64;
        let most = wide(
            #[inline(always)]
            move || (0..rows.len).fold(0, |most, k| rows.at(k).cast_unsigned().max(most)),
        );
        if rows.len == 0 || most < n {
            return Ok(());
        }
        let first = (index.to_vec::<i64>()?.into_iter()).find(|p| p.cast_unsigned() >= n);
        Err(Error::new(
            ErrorKind::Index,
            format!(
                "index {} is out of bounds for size {n}",
                first.unwrap_or_default()
            ),
        ))
    }

    /// Calls `f` with some places of (outer, rows) and the row of all blocks' rows that each names. What was checked may lie in memory that others
    /// write: a number that is no row any more is the first one.
    #[inline(always)]
    fn each(&self, rows: &Rows<'_>, places: Range<usize>, mut f: impl FnMut(usize, usize)) {
        let mut place = places.start;
        while place < places.end {
            let (block, first) = (place / rows.len, place % rows.len);
            let count = (rows.len - first).min(places.end - place);
            for k in 0..count {
                let row = rows.at(first + k).cast_unsigned() as usize;
                let row = if row < self.n { row } else { 0 };
                f(place + k, block * self.n + row);
            }
            place += count;
        }
    }
}

/// An index's numbers under a guard of their memory.
struct Rows<'a> {
    start: Ptr<i64>,
    len: usize,
    _guard: ReadGuard<'a>,
}

impl<'a> Rows<'a> {
    /// Those of a contiguous index.
    fn of(index: &'a Array) -> Result<Rows<'a>> {
        index.expect_dtype::<i64>()?;
        let guard = index.read()?;
        // SAFETY: a contiguous array has its elements from its offset on.
        let start = unsafe { guard.ptr::<i64>().add(index.layout().offset()) };
        Ok(Rows {
            start: Ptr(start.cast_mut()),
            len: index.numel(),
            _guard: guard,
        })
    }

    #[inline(always)]
    fn at(&self, k: usize) -> i64 {
        debug_assert!(k < self.len);
        // SAFETY: only places below the length are asked for, here in this file; the memory is guarded.
        unsafe { *self.start.get().add(k) }
    }
}

/// The shape of what an index of shape `index` picks.
pub fn index_shape(shape: &Shape, at: usize, count: usize, index: &Shape) -> Shape {
    let (before, after) = (&shape[..at], &shape[at + count..]);
    [before, index, after].concat().into()
}

/// `y[b…, j…, a…] = x[b…, index[j…], a…]`, where `index` counts dimensions `at..at + count` in row-major order.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let x = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// let i = Array::from_slice(&[1i64, 1, 0], [3])?;
/// assert_eq!(kernels::index(&x, 0, 1, &i)?.to_vec::<f32>()?, [3.0, 4.0, 3.0, 4.0, 1.0, 2.0]);
/// assert_eq!(kernels::index(&x, 0, 2, &i)?.to_vec::<f32>()?, [2.0, 2.0, 1.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where a number of the index is no row.
pub fn index(x: &Array, at: usize, count: usize, index: &Array) -> Result<Array> {
    let grid = Grid::of(x.shape(), at, count)?;
    let shape = index_shape(x.shape(), at, count, index.shape());
    if x.is_meta() || index.is_meta() {
        return Array::meta(Layout::row_major(shape), x.dtype());
    }
    let index = index.contiguous()?;
    let rows = Rows::of(&index)?;
    grid.checked(&rows, &index)?;
    if shape.contains(&0) || x.numel() == 0 {
        return Array::zeros(shape, x.dtype()); // the sizes beside the 0 may be any
    }
    let x = x.contiguous()?;
    let guard = x.read()?;
    dispatch!(stored x.dtype(), T => {
        let (storage, out) = fresh::<T>(&shape)?;
        // SAFETY: a contiguous array has outer·n·inner elements from its offset on; `out` has room for outer·rows·inner elements and is not shared.
        unsafe {
            let from = guard.ptr::<T>().add(x.layout().offset());
            pick(out.cast(), from.cast(), &rows, grid, size_of::<T>())?;
        }
        Ok(Array::from_fresh::<T>(storage, shape))
    })
}

/// # Safety
/// `from` holds the grid's elements of `size` bytes, which are some, `to` has room for a row for every entry of `rows` in each block, and the
/// two do not overlap.
unsafe fn pick(
    to: *mut u8,
    from: *const u8,
    rows: &Rows<'_>,
    grid: Grid,
    size: usize,
) -> Result<()> {
    let bytes = grid.inner * size;
    let (to, from) = (Ptr(to), Ptr(from.cast_mut()));
    let block = (BLOCK / grid.inner.max(1)).max(1);
    blocks(grid.outer * rows.len, block, &|start, end| {
        let (to, from) = (to.get(), from.get().cast_const());
        // SAFETY: the caller's promise, for the places `start..end`, which no other block has.
        unsafe {
            match bytes {
                1 => pick_words::<u8>(to, from, rows, grid, start..end),
                4 => pick_words::<u32>(to, from, rows, grid, start..end),
                8 => pick_words::<u64>(to, from, rows, grid, start..end),
                16 => pick_words::<[u64; 2]>(to, from, rows, grid, start..end),
                _ => grid.each(rows, start..end, |place, row| {
                    let from = from.add(row * bytes);
                    std::ptr::copy_nonoverlapping(from, to.add(place * bytes), bytes);
                }),
            }
        }
    })
}

/// [`pick`] for rows of one word, which may lie at any address.
///
/// # Safety
/// As [`pick`].
unsafe fn pick_words<W: Copy>(
    to: *mut u8,
    from: *const u8,
    rows: &Rows<'_>,
    grid: Grid,
    places: Range<usize>,
) {
    let (to, from) = (to.cast::<W>(), from.cast::<W>());
    grid.each(rows, places, |place, row| {
        // SAFETY: the caller's promise; words are read and written unaligned.
        unsafe {
            let word = from.add(row).read_unaligned();
            to.add(place).write_unaligned(word);
        }
    });
}

/// Writes rows in place: `x[b…, index[j…], a…] = src[b…, j…, a…]`, or `+=` with `accumulate` (for bool: or). Of rows named
/// twice the last one stays; sums are taken in the index's order.
///
/// # Errors
/// Where a number of the index is no row, `src` has another shape than [`index_shape`] or another dtype.
pub fn index_put(
    x: &Array,
    at: usize,
    count: usize,
    index: &Array,
    src: &Array,
    accumulate: bool,
) -> Result<()> {
    let grid = Grid::of(x.shape(), at, count)?;
    let index = index.contiguous()?;
    if !x.is_meta() {
        grid.checked(&Rows::of(&index)?, &index)?;
    }
    let want = index_shape(x.shape(), at, count, index.shape());
    if *src.shape() != want {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "shape mismatch: value tensor of shape {} cannot be broadcast to indexing result of shape {want}",
                src.shape()
            ),
        ));
    }
    if src.dtype() != x.dtype() {
        return Err(Error::new(
            ErrorKind::DType,
            format!(
                "Index put requires the source and destination dtypes match, got {} for the destination and {} for the source.",
                x.dtype().scalar_type_name(),
                src.dtype().scalar_type_name()
            ),
        ));
    }
    if x.is_meta() {
        x.storage().note_write();
        return Ok(());
    }
    if accumulate && x.dtype().is_narrow() {
        let whole = computing(x)?; // sums are rounded once
        index_put(&whole, at, count, &index, computing(src)?.as_ref(), true)?;
        return assign(x, &whole);
    }
    if !x.is_contiguous() {
        let whole = x.copy()?;
        index_put(&whole, at, count, &index, src, accumulate)?;
        return assign(x, &whole);
    }
    let src = if src.storage().shares_memory(x.storage()) {
        src.copy()?
    } else {
        src.contiguous()?
    };
    // An index that lies in what is written is read as it was.
    let index = match index.storage().shares_memory(x.storage()) {
        true => index.copy()?,
        false => index,
    };
    let (read, write, rows) = (src.read()?, x.write()?, Rows::of(&index)?);
    if src.numel() == 0 {
        return Ok(()); // the sizes beside the 0 may be any
    }
    if !accumulate {
        // SAFETY: contiguous arrays have their elements from their offsets on, in distinct guarded storages; `src` has a row for every entry of `rows` in each block.
        dispatch!(stored x.dtype(), T => unsafe {
            let from = read.ptr::<T>().add(src.layout().offset());
            place(write.ptr::<T>().add(x.layout().offset()), from, &rows, grid);
        });
        return Ok(());
    }
    x.expect(x.dtype().computing())?;
    dispatch!(x.dtype(), T => {
        // SAFETY: contiguous arrays have their elements from their offsets on, in distinct guarded storages; `src` has a row for every entry of `rows` in each block.
        unsafe {
            let from = read.ptr::<T>().add(src.layout().offset());
            let to = write.ptr::<T>().add(x.layout().offset());
            gather_up(to, from, &rows, grid);
        }
    });
    Ok(())
}

/// # Safety
/// As [`pick`], the other way round.
unsafe fn place<T: Copy>(to: *mut T, from: *const T, rows: &Rows<'_>, grid: Grid) {
    let inner = grid.inner;
    grid.each(rows, 0..grid.outer * rows.len, |place, row| {
        // SAFETY: the caller's promise.
        unsafe {
            let from = from.add(place * inner);
            std::ptr::copy_nonoverlapping(from, to.add(row * inner), inner);
        }
    });
}

/// # Safety
/// As [`place`].
unsafe fn gather_up<T: Gather>(to: *mut T, from: *const T, rows: &Rows<'_>, grid: Grid) {
    let inner = grid.inner;
    // SAFETY: the caller's promise, for a place of the source and a row of what is written.
    let add = |place: usize, row: usize| unsafe {
        let sum = to.add(row);
        sum.write(T::load(sum).gathered(T::load(from.add(place))));
    };
    grid.each(rows, 0..grid.outer * rows.len, |place, row| match inner {
        1 => add(place, row),
        _ => (0..inner).for_each(|k| add(place * inner + k, row * inner + k)),
    });
}

/// Sums of every dtype: PyTorch adds truth values by "or".
trait Gather: Element {
    fn gathered(self, other: Self) -> Self;
}

impl Gather for bool {
    fn gathered(self, other: Self) -> Self {
        self | other
    }
}

macro_rules! gather {
    ($($t:ty)*) => {$(
        impl Gather for $t {
            #[inline(always)]
            fn gathered(self, other: Self) -> Self {
                self.plus(other)
            }
        }
    )*};
}
gather!(u8 i32 i64 f32 f64 crate::dd::Dd);

/// Zeros of `shape` with rows added up: the transpose of [`index`].
///
/// # Errors
/// As [`index_put`].
pub fn index_add_up(
    src: &Array,
    shape: &Shape,
    at: usize,
    count: usize,
    index: &Array,
) -> Result<Array> {
    let sum = src.new_zeros(Layout::row_major(shape.clone()), src.dtype())?;
    index_put(&sum, at, count, index, src, true)?;
    Ok(sum)
}

/// `step` apart windows of `size` neighbours along `dim`, added up where they overlap into zeros of `shape`; windows are
/// the last dimension of `x`. The transpose of PyTorch's `unfold`.
///
/// # Errors
/// Where a window reaches outside.
pub fn fold(x: &Array, shape: &Shape, dim: usize, step: usize) -> Result<Array> {
    if let Some(result) = through_same([x], |[x]| fold(x, shape, dim, step)) {
        return result;
    }
    let sum = x.new_zeros(Layout::row_major(shape.clone()), x.dtype())?;
    if x.dtype() == DType::Bool {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "\"unfold_backward\" not implemented for 'Bool'",
        ));
    }
    if x.numel() == 0 {
        return Ok(sum); // whatever the windows' size
    }
    let Some(last) = x.rank().checked_sub(1) else {
        return Err(no_such_dim(dim, 0));
    };
    let windows = x.shape().get(dim).copied().unwrap_or(1);
    for k in 0..x.shape()[last] {
        let part = x.select(last, k)?;
        let to = match sum.rank() {
            0 => sum.clone(),
            _ => sum.slice(dim, k, windows, step)?,
        };
        dispatch!(number x.dtype(), T => super::zip_assign(&to, &part, |a: T, b: T| a.plus(b))?, else ());
    }
    Ok(sum)
}
