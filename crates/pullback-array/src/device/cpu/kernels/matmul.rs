//! Matrix products: every rank combination of `torch.matmul`.
//!
//! Tiny products go to `matmul_tiny.rs`, large ones to `gemm`.
#![allow(unsafe_code)]

use super::gemm;
use super::matmul_tiny::tiny;
use super::wide::wide_for;
use crate::array::{Array, unread};
use crate::device::cpu::host::fresh;
use crate::device::cpu::threads::{LONG, blocks};
use crate::dispatch;
use crate::dtype::DType;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;
use crate::memory::room::gathered;
use crate::scalar::arith::Arith;
use std::sync::OnceLock;

/// Largest m·n·k for which plain loops beat packing.
pub(super) const TINY: usize = 4096;

/// One matrix: start, rows × columns, and the steps between them.
#[derive(Clone, Copy)]
pub(super) struct Mat<P> {
    pub(super) ptr: P,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) rs: isize,
    pub(super) cs: isize,
}

impl<P> Mat<P> {
    /// A matrix of this form that starts at `ptr`.
    #[inline]
    pub(super) fn at<Q>(&self, ptr: Q) -> Mat<Q> {
        Mat {
            ptr,
            rows: self.rows,
            cols: self.cols,
            rs: self.rs,
            cs: self.cs,
        }
    }
}

/// A pointer to elements.
pub(super) trait Address: Copy {
    /// The address `n` elements on.
    fn on(self, n: isize) -> Self;
}

impl<T> Address for *const T {
    #[inline(always)]
    fn on(self, n: isize) -> Self {
        self.wrapping_offset(n)
    }
}

impl<T> Address for *mut T {
    #[inline(always)]
    fn on(self, n: isize) -> Self {
        self.wrapping_offset(n)
    }
}

impl<P: Address> Mat<P> {
    /// Rows `top..top + n`, or as many as there are.
    #[inline(always)]
    pub(super) fn rows(mut self, top: usize, n: usize) -> Self {
        self.ptr = self.ptr.on(top as isize * self.rs);
        self.rows = n.min(self.rows - top);
        self
    }

    /// Columns `left..left + n`, or as many as there are.
    #[inline(always)]
    pub(super) fn cols(self, left: usize, n: usize) -> Self {
        self.transposed().rows(left, n).transposed()
    }

    /// Rows and columns exchanged.
    #[inline(always)]
    pub(super) fn transposed(mut self) -> Self {
        std::mem::swap(&mut self.rows, &mut self.cols);
        std::mem::swap(&mut self.rs, &mut self.cs);
        self
    }
}

/// The shape of `matmul(a, b)`.
///
/// # Errors
/// PyTorch's sentences, by rank.
pub fn dot_shapes(a: &Shape, b: &Shape) -> Result<Shape> {
    let mismatch =
        |text: String| Err(Error::new(ErrorKind::Shape, text).note(format!("shapes {a} and {b}")));
    match (a.len(), b.len()) {
        (0, _) | (_, 0) => mismatch(format!(
            "both arguments to matmul need to be at least 1D, but they are {}D and {}D",
            a.len(),
            b.len()
        )),
        (1, 1) if a[0] != b[0] => mismatch(format!(
            "inconsistent tensor size, expected tensor [{}] and src [{}] to have the same number of elements, but got {} and {} elements respectively",
            a[0], b[0], a[0], b[0]
        )),
        (1, 1) => Ok(Shape::scalar()),
        (2, 1) if a[1] == b[0] => Ok(Shape::new(&[a[0]])),
        (2, 2) if a[1] == b[0] => Ok(Shape::new(&[a[0], b[1]])),
        (ra, rb) => {
            let (m, k) = (if ra == 1 { 1 } else { a[ra - 2] }, a[ra - 1]);
            let (k2, n) = if rb == 1 {
                (b[0], 1)
            } else {
                (b[rb - 2], b[rb - 1])
            };
            let batch = |s: &Shape| Shape::new(&s[..s.len().saturating_sub(2)]);
            let mut out = batch(a).broadcast(&batch(b))?;
            if k != k2 {
                // PyTorch folds batches into rows where it can, and its sentence is that of the product it then makes.
                let folds = ra == 1 && (b.contains(&0) || out.numel() == 1);
                return mismatch(match (ra, rb) {
                    (_, 1) => mv_mismatch(a[..ra - 1].iter().product(), k, k2),
                    (1, 3..) if folds => mv_mismatch(out.numel().saturating_mul(n), k2, k),
                    (_, 2) => {
                        let rows: usize = a[..ra - 1].iter().product();
                        format!(
                            "mm: mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {k2}x{n})"
                        )
                    }
                    _ => format!(
                        "Expected size for first two dimensions of batch2 tensor to be: [{0}, {k}] but got: [{0}, {k2}].",
                        out.numel()
                    ),
                });
            }
            if ra > 1 {
                out.push(m);
            }
            if rb > 1 {
                out.push(n);
            }
            Ok(out)
        }
    }
}

fn mv_mismatch(rows: usize, cols: usize, len: usize) -> String {
    format!("size mismatch, got input ({rows}), mat ({rows}x{cols}), vec ({len})")
}

/// Matrix product with the ranks and broadcasting of `torch.matmul`; both operands have one dtype, any number type.
///
/// # Errors
/// As [`dot_shapes`]; [`ErrorKind::DType`] where the dtypes differ or are `bool`.
///
/// ```
/// use pullback_array::{Array, kernels};
/// let a = Array::from_slice(&[1.0f32, 2.0, 3.0, 4.0], [2, 2])?;
/// let x = Array::from_slice(&[1.0f32, -1.0], [2])?;
/// assert_eq!(kernels::matmul(&a, &x)?.to_vec::<f32>()?, [-1.0, -1.0]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
pub fn matmul(a: &Array, b: &Array) -> Result<Array> {
    let shape = dot_shapes(a.shape(), b.shape())?;
    if a.dtype() != b.dtype() || has_no_product(a.dtype()) {
        return Err(dtype_error(a, b));
    }
    if a.dtype().is_narrow() {
        return super::matmul_narrow::product(a, b, None, shape);
    }
    dispatch!(number a.dtype(), T => product::<T>(a, b, None, shape), else Err(dtype_error(a, b)))
}

/// Dtypes that PyTorch multiplies no matrices of.
fn has_no_product(dtype: DType) -> bool {
    dtype == DType::Bool || dtype.is_unsigned() && dtype.size() > 1
}

/// PyTorch's sentence for operands whose dtypes differ or have no products: that of the product it would make.
#[cold]
pub(super) fn dtype_error(a: &Array, b: &Array) -> Error {
    let (ta, tb) = (a.dtype(), b.dtype());
    let (na, nb) = (ta.scalar_type_name(), tb.scalar_type_name());
    let bool_kernel = match (a.rank(), b.rank()) {
        (1, 1) => "dot",
        (_, 1) => "addmv_impl_cpu",
        (_, 2) => "addmm_impl_cpu_",
        _ => "bmm",
    };
    if has_no_product(ta) && (tb == ta || bool_kernel == "bmm") {
        return Error::new(
            ErrorKind::Unsupported,
            format!("\"{bool_kernel}\" not implemented for '{na}'"),
        );
    }
    let text = match (a.rank(), b.rank()) {
        (1, 1) => {
            format!("dot : expected both vectors to have same dtype, but found {na} and {nb}")
        }
        (_, 1) => {
            format!("addmv input tensors must have the same dtype, but got {nb}, {na}, and {nb}")
        }
        (_, 2) => format!(
            "expected m1 and m2 to have the same dtype, but got: {} != {}",
            ta.cpp_name(),
            tb.cpp_name()
        ),
        _ => format!("expected scalar type {na} but found {nb}"),
    };
    Error::new(ErrorKind::DType, text)
}

/// The product, and where there is a `bias` (one number for each column) that added to every row.
pub(super) fn product<T: Arith + gemm::Gemm>(
    a: &Array,
    b: &Array,
    bias: Option<&Array>,
    shape: Shape,
) -> Result<Array> {
    // A leading batch of rows against one matrix is one tall product.
    if a.rank() > 2 && b.rank() == 2 && a.is_contiguous() {
        let rows = a.shape()[..a.rank() - 1].iter().product();
        let flat = a.reshape(&Shape::new(&[rows, a.shape()[a.rank() - 1]]))?;
        return product::<T>(&flat, b, bias, Shape::new(&[rows, b.shape()[1]]))?.reshape(&shape);
    }
    a.expect_dtype::<T>()?;
    b.expect_dtype::<T>()?;
    let bias = bias.map(Array::contiguous).transpose()?;
    bias.as_ref().map_or(Ok(()), Array::expect_dtype::<T>)?;
    let read = || {
        Ok((
            a.read()?,
            b.read()?,
            bias.as_ref().map(Array::read).transpose()?,
        ))
    };
    let (ga, gb, gc) = match read() {
        Ok(guards) => guards,
        Err(e) => {
            let inputs = [a, b, bias.as_ref().unwrap_or(a)];
            return unread(&inputs, || Ok(Layout::row_major(shape)), T::DTYPE, e);
        }
    };
    let more = match (&bias, &gc) {
        // SAFETY: the layout lies inside its guarded storage.
        (Some(bias), Some(guard)) => unsafe { guard.ptr::<T>().add(bias.layout().offset()) },
        _ => std::ptr::null(),
    };
    let (storage, out) = fresh::<T>(&shape)?;
    let (ma, mb) = (
        matrix(a, ga.ptr::<T>(), true),
        matrix(b, gb.ptr::<T>(), false),
    );
    let (m, k, n) = (ma.rows, ma.cols, mb.cols);
    let work = m.saturating_mul(n).saturating_mul(k);
    // One test for the common case: neither empty nor far beyond what memory holds.
    if work.wrapping_sub(1) >= LONG {
        if shape.contains(&0) {
            return Array::zeros(shape, T::DTYPE); // rows or columns without the other may be any number
        }
        if k > LONG {
            return super::matmul_long::product::<T>(a, b, bias.as_ref(), k);
        }
    }
    if a.rank() <= 2 && b.rank() <= 2 {
        let (ia, ib) = (a.layout().offset(), b.layout().offset());
        let c = row_major(out, m, n);
        // SAFETY: the layouts lie inside their guarded storages, `out` has room for m·n elements, and a bias has n.
        unsafe { multiply(ma.at(ma.ptr.add(ia)), mb.at(mb.ptr.add(ib)), c, more, work)? };
    } else {
        let (pa, pb, pc) = (Ptr(ma.ptr.cast_mut()), Ptr(mb.ptr.cast_mut()), Ptr(out));
        let (da, db, more) = (ma.at(()), mb.at(()), Ptr(more.cast_mut()));
        let one = |(i, (ia, ib)): (usize, (usize, usize))| {
            // SAFETY: as above, for every batch's place and m·n elements of its own.
            unsafe {
                let a = da.at(pa.get().cast_const().add(ia));
                let b = db.at(pb.get().cast_const().add(ib));
                let c = row_major(pc.get().add(i * m * n), m, n);
                multiply(a, b, c, more.get(), work)
            }
        };
        batches(a, b, &shape, work, &one)?;
    }
    drop((ga, gb, gc));
    Ok(Array::from_fresh::<T>(storage, shape))
}

pub(super) fn row_major<P>(ptr: P, rows: usize, cols: usize) -> Mat<P> {
    Mat {
        ptr,
        rows,
        cols,
        rs: cols as isize,
        cs: 1,
    }
}

/// The last two dimensions as a matrix at the storage's start; a vector is a row on the left, a column on the right.
/// The step over a dimension of size 1 is never taken, and 0 here: views may give any number.
pub(super) fn matrix<T>(a: &Array, ptr: *const T, left: bool) -> Mat<*const T> {
    let (layout, r) = (a.layout(), a.rank());
    let axis = |k: usize| match a.shape()[k] {
        1 => (1, 0),
        n => (n, layout.stride(k)),
    };
    let ((rows, rs), (cols, cs)) = match (r, left) {
        (1, true) => ((1, 0), axis(0)),
        (1, false) => (axis(0), (1, 0)),
        _ => (axis(r - 2), axis(r - 1)),
    };
    Mat {
        ptr,
        rows,
        cols,
        rs,
        cs,
    }
}

/// Runs `one` for each product of two stacks whose result has this shape: with its number, and where its operands start. `work` is
/// m·n·k of one.
pub(super) fn batches(
    a: &Array,
    b: &Array,
    shape: &Shape,
    work: usize,
    one: &(impl Fn((usize, (usize, usize))) -> Result<()> + Sync),
) -> Result<()> {
    let matrix = usize::from(a.rank() > 1) + usize::from(b.rank() > 1);
    let batch = Shape::new(&shape[..shape.len() - matrix]);
    let (la, lb) = (batch_layout(a, &batch)?, batch_layout(b, &batch)?);
    let mut starts = la.places().zip(lb.places()).enumerate();
    if work.saturating_mul(la.numel()) < gemm::PARALLEL {
        return starts.try_for_each(one);
    }
    let starts = gathered(starts)?;
    let failed = OnceLock::new();
    // Whole products to each thread; a single one is shared only if it is large (see `gemm`).
    let block = (gemm::PARALLEL / 4 / work.max(1)).max(1);
    blocks(starts.len(), block, &|start, end| {
        if let Err(e) = starts[start..end].iter().copied().try_for_each(one) {
            drop(failed.set(e));
        }
    })?;
    failed.into_inner().map_or(Ok(()), Err)
}

/// Where each batch's matrix starts.
fn batch_layout(a: &Array, batch: &Shape) -> Result<Layout> {
    let lead = a.rank().saturating_sub(2);
    Layout::new(
        Shape::new(&a.shape()[..lead]),
        &a.layout().strides()[..lead],
        a.layout().offset(),
    )
    .expand(batch)
}

/// C = A·B, where C is row-major, plus the row `bias` if that is not null; `work` is m·n·k.
///
/// # Safety
/// The matrices and the bias can be read, `c` can be written and is not shared.
#[inline]
pub(super) unsafe fn multiply<T: Arith + gemm::Gemm>(
    a: Mat<*const T>,
    b: Mat<*const T>,
    c: Mat<*mut T>,
    bias: *const T,
    work: usize,
) -> Result<()> {
    // SAFETY: the caller's promise.
    unsafe {
        if work <= TINY {
            tiny(a, b, c);
            plus_row(c, bias);
            Ok(())
        } else {
            T::gemm(a, b, c, bias)
        }
    }
}

/// Adds `row` to every row of C, unless it is null.
///
/// # Safety
/// The row can be read, C is row-major and can be written.
#[inline(always)]
pub(super) unsafe fn plus_row<T: Arith>(c: Mat<*mut T>, row: *const T) {
    if row.is_null() {
        return;
    }
    wide_for::<T, _>(
        #[inline(always)]
        move || {
            for i in 0..c.rows as isize {
                for j in 0..c.cols {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let to = c.ptr.offset(i * c.rs).add(j);
                        to.write((*to).plus(*row.add(j)));
                    }
                }
            }
        },
    );
}
