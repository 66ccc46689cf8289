//! Matrix products of half precisions and narrow integers: what goes through converted copies, and what through blocks.
//!
//! Small operands, and those that repeat elements, are copied; all others are converted block by block (`gemm/stored.rs`).
#![allow(unsafe_code)]

use super::gemm::stored::{Stored, floats, integers};
use super::matmul::{self, Mat, batches, matrix, row_major};
use super::narrow::{computing, conversions, settled};
use crate::array::{Array, unread};
use crate::device::cpu::host::fresh_of;
use crate::dispatch;
use crate::dtype::DType;
use crate::error::Result;
use crate::layout::{Layout, Shape};
use crate::memory::ptr::Ptr;

/// Elements of both operands up to which copies are what a block would be.
const SMALL: usize = 1 << 16;

/// The product of two arrays of one narrow dtype that has products, and where there is a `bias` (of that dtype, one number for
/// each column) that added to every row.
pub(super) fn product(a: &Array, b: &Array, bias: Option<&Array>, shape: Shape) -> Result<Array> {
    let dtype = a.dtype();
    let plain = |x: &Array| {
        (x.layout().strides().iter().zip(x.shape().iter())).all(|(&s, &n)| s != 0 || n == 1)
    };
    let large = a.numel().saturating_add(b.numel()) > SMALL;
    let wide = dtype.computing();
    let known = wide == DType::F32 || wide == DType::I32 && bias.is_none();
    let how = conversions(dtype).filter(|_| large && known && plain(a) && plain(b));
    let Some((widen, narrow)) = how.filter(|_| !shape.contains(&0)) else {
        return copied(a, b, bias, shape);
    };
    // A leading batch of rows against one matrix is one tall product.
    if a.rank() > 2 && b.rank() == 2 && a.is_contiguous() {
        let rows = a.shape()[..a.rank() - 1].iter().product();
        let flat = a.reshape(&Shape::new(&[rows, a.shape()[a.rank() - 1]]))?;
        return product(&flat, b, bias, Shape::new(&[rows, b.shape()[1]]))?.reshape(&shape);
    }
    let size = dtype.size();
    let bias = match bias {
        Some(bias) => Some(computing(bias)?.contiguous()?),
        None => None,
    };
    let read = || {
        Ok((
            a.read()?,
            b.read()?,
            bias.as_ref().map(Array::read).transpose()?,
        ))
    };
    let (ga, gb, gc) = match read() {
        Ok(guards) => guards,
        Err(e) => return unread(&[a, b], || Ok(Layout::row_major(shape)), dtype, e),
    };
    let more = match (&bias, &gc) {
        // SAFETY: the layout lies inside its guarded storage.
        (Some(bias), Some(guard)) => unsafe { guard.ptr::<f32>().add(bias.layout().offset()) },
        _ => std::ptr::null(),
    };
    let (storage, out) = fresh_of(&shape, dtype)?;
    let (ma, mb) = (
        in_bytes(matrix(a, ga.ptr::<u8>(), true), size),
        in_bytes(matrix(b, gb.ptr::<u8>(), false), size),
    );
    let (m, n, how) = (
        ma.rows,
        mb.cols,
        Stored {
            widen,
            narrow,
            size,
        },
    );
    let (pa, pb, pc) = (Ptr(ma.ptr.cast_mut()), Ptr(mb.ptr.cast_mut()), Ptr(out));
    let (da, db, more) = (ma.at(()), mb.at(()), Ptr(more.cast_mut()));
    let one = |(i, (ia, ib)): (usize, (usize, usize))| {
        // SAFETY: the layouts lie inside their guarded storages, `out` has room for m·n elements for each batch, a bias has n, and
        // elements are stored as the dtype says.
        unsafe {
            let a = da.at(pa.get().cast_const().add(ia * size));
            let b = db.at(pb.get().cast_const().add(ib * size));
            let c = in_bytes(row_major(pc.get().add(i * m * n * size), m, n), size);
            match wide == DType::F32 {
                true => floats(a, b, c, more.get(), how),
                false => integers(a, b, c, how),
            }
        }
    };
    batches(
        a,
        b,
        &shape,
        m.saturating_mul(n).saturating_mul(ma.cols),
        &one,
    )?;
    drop((ga, gb, gc));
    Ok(Array::from_fresh_of(storage, shape, dtype))
}

/// A matrix whose steps are counted in bytes.
fn in_bytes<P>(m: Mat<P>, size: usize) -> Mat<P> {
    Mat {
        rs: m.rs * size as isize,
        cs: m.cs * size as isize,
        ..m
    }
}

/// By converted copies of both.
fn copied(a: &Array, b: &Array, bias: Option<&Array>, shape: Shape) -> Result<Array> {
    let (wide_a, wide_b) = (computing(a)?, computing(b)?);
    let wide_bias = bias.map(computing).transpose()?;
    let result = dispatch!(number a.dtype(), T => {
        matmul::product::<T>(&wide_a, &wide_b, wide_bias.as_deref(), shape)
    }, else Err(matmul::dtype_error(a, b)))?;
    settled(result, &[a.dtype()])
}
