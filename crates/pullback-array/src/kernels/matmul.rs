//! Matrix products: every rank combination of `torch.matmul`, and the outer product.
//!
//! Tiny products (the seed network's 4×2 by 2) run in plain loops here, in the order of additions that makes matrix
//! times vector equal to PyTorch's; large ones go to `gemm`.
#![allow(unsafe_code)]

use super::gemm;
use crate::arith::Arith;
use crate::array::{Array, fresh};
use crate::dispatch;

use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};

/// Largest m·n·k for which plain loops beat packing.
const TINY: usize = 4096;

/// One matrix: start, rows × columns, and the steps between them.
#[derive(Clone, Copy)]
pub(super) struct Mat<P> {
    pub(super) ptr: P,
    pub(super) rows: usize,
    pub(super) cols: usize,
    pub(super) rs: isize,
    pub(super) cs: isize,
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
        (2, 1) if a[1] != b[0] => mismatch(format!(
            "size mismatch, got input ({}), mat ({}x{}), vec ({})",
            a[0], a[0], a[1], b[0]
        )),
        (2, 1) => Ok(Shape::new(&[a[0]])),
        (2, 2) if a[1] == b[0] => Ok(Shape::new(&[a[0], b[1]])),
        (ra, rb) => {
            let (m, k) = (if ra == 1 { 1 } else { a[ra - 2] }, a[ra - 1]);
            let (k2, n) = if rb == 1 {
                (b[0], 1)
            } else {
                (b[rb - 2], b[rb - 1])
            };
            if k != k2 {
                let rows: usize = if rb <= 2 {
                    a[..ra - 1].iter().product()
                } else {
                    m
                };
                return if ra <= 2 || rb <= 2 {
                    mismatch(format!(
                        "mm: mat1 and mat2 shapes cannot be multiplied ({rows}x{k} and {k2}x{n})"
                    ))
                } else {
                    mismatch(format!(
                        "Expected size for first two dimensions of batch2 tensor to be: [{}, {k}] but got: [{}, {k2}].",
                        b[..rb - 2].iter().product::<usize>(),
                        b[..rb - 2].iter().product::<usize>()
                    ))
                };
            }
            let batch = |s: &Shape| Shape::new(&s[..s.len().saturating_sub(2)]);
            let mut out = batch(a).broadcast(&batch(b))?;
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
    if a.dtype() != b.dtype() {
        return Err(Error::new(
            ErrorKind::DType,
            format!(
                "expected m1 and m2 to have the same dtype, but got: {} != {}",
                c_name(a.dtype()),
                c_name(b.dtype())
            ),
        ));
    }
    dispatch!(number a.dtype(), T => product::<T>(a, b, shape), else
        Err(Error::new(ErrorKind::DType, "\"addmm_impl_cpu_\" not implemented for 'Bool'")))
}

fn c_name(dtype: crate::DType) -> &'static str {
    match dtype {
        crate::DType::F32 => "float",
        crate::DType::F64 => "double",
        crate::DType::I64 => "long long",
        crate::DType::I32 => "int",
        crate::DType::U8 => "unsigned char",
        other => other.name(),
    }
}

fn product<T: Arith + gemm::Gemm>(a: &Array, b: &Array, shape: Shape) -> Result<Array> {
    // A leading batch of rows against one matrix is one tall product.
    if a.rank() > 2 && b.rank() == 2 && a.is_contiguous() {
        let rows = a.shape()[..a.rank() - 1].iter().product();
        let flat = a.reshape(&Shape::new(&[rows, a.shape()[a.rank() - 1]]))?;
        return product::<T>(&flat, b, Shape::new(&[rows, b.shape()[1]]))?.reshape(&shape);
    }
    let (ga, gb) = (a.read()?, b.read()?);
    let (storage, out) = fresh::<T>(&shape)?;
    let (ma, mb) = (
        matrix(a, ga.ptr::<T>(), true),
        matrix(b, gb.ptr::<T>(), false),
    );
    let (m, n) = (ma.rows, mb.cols);
    let one = |ia: usize, ib: usize, i: usize| {
        let c = Mat {
            ptr: out.wrapping_add(i * m * n),
            rows: m,
            cols: n,
            rs: n as isize,
            cs: 1,
        };
        let (a, b) = (
            Mat {
                ptr: ma.ptr.wrapping_add(ia),
                ..ma
            },
            Mat {
                ptr: mb.ptr.wrapping_add(ib),
                ..mb
            },
        );
        // SAFETY: the layouts lie inside their guarded storages, and `out` has room for every batch's m·n elements.
        unsafe {
            if m * n * ma.cols <= TINY {
                tiny(a, b, c)
            } else {
                T::gemm(a, b, c)
            }
        }
    };
    if a.rank() <= 2 && b.rank() <= 2 {
        one(a.layout().offset(), b.layout().offset(), 0);
    } else {
        let batch = Shape::new(
            &shape[..shape.len() - usize::from(a.rank() > 1) - usize::from(b.rank() > 1)],
        );
        let (la, lb) = (batch_layout(a, &batch)?, batch_layout(b, &batch)?);
        for (i, (ia, ib)) in la.places().zip(lb.places()).enumerate() {
            one(ia, ib, i);
        }
    }
    drop((ga, gb));
    Ok(Array::from_fresh::<T>(storage, shape))
}

/// The last two dimensions as a matrix at the storage's start; a vector is a row on the left, a column on the right.
fn matrix<T>(a: &Array, ptr: *const T, left: bool) -> Mat<*const T> {
    let s = a.layout().strides();
    let r = a.rank();
    match (r, left) {
        (1, true) => Mat {
            ptr,
            rows: 1,
            cols: a.shape()[0],
            rs: 0,
            cs: s[0],
        },
        (1, false) => Mat {
            ptr,
            rows: a.shape()[0],
            cols: 1,
            rs: s[0],
            cs: 0,
        },
        _ => Mat {
            ptr,
            rows: a.shape()[r - 2],
            cols: a.shape()[r - 1],
            rs: s[r - 2],
            cs: s[r - 1],
        },
    }
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

/// Sum of products, first to last, each rounded: the order PyTorch's small products have.
///
/// # Safety
/// The matrices can be read, `c` can be written.
unsafe fn tiny<T: Arith>(a: Mat<*const T>, b: Mat<*const T>, c: Mat<*mut T>) {
    for i in 0..c.rows as isize {
        for j in 0..c.cols as isize {
            // SAFETY: the caller's promise.
            unsafe {
                let (mut pa, mut pb) = (a.ptr.offset(i * a.rs), b.ptr.offset(j * b.cs));
                let mut sum = T::default();
                if a.cols > 0 {
                    sum = (*pa).times(*pb);
                    for _ in 1..a.cols {
                        (pa, pb) = (pa.offset(a.cs), pb.offset(b.rs));
                        sum = sum.plus((*pa).times(*pb));
                    }
                }
                c.ptr.offset(i * c.rs + j * c.cs).write(sum);
            }
        }
    }
}

/// The matrix of all products `a[i]·b[j]` of two vectors.
///
/// # Errors
/// Where one of them is no vector, or the dtypes differ or are `bool`.
pub fn outer(a: &Array, b: &Array) -> Result<Array> {
    if a.rank() != 1 || b.rank() != 1 {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "outer: Expected 1-D argument self, but got {}-D",
                if a.rank() != 1 { a.rank() } else { b.rank() }
            ),
        ));
    }
    dispatch!(number a.dtype(), T => outer_of::<T>(a, b), else
        Err(Error::new(ErrorKind::DType, "\"outer\" not implemented for 'Bool'")))
}

fn outer_of<T: Arith>(a: &Array, b: &Array) -> Result<Array> {
    b.expect_dtype::<T>()?;
    let (ga, gb) = (a.read()?, b.read()?);
    let (m, n) = (a.shape()[0], b.shape()[0]);
    let shape = Shape::new(&[m, n]);
    let (storage, out) = fresh::<T>(&shape)?;
    let (sa, sb) = (a.layout().strides()[0], b.layout().strides()[0]);
    // SAFETY: the vectors' places lie inside their guarded storages, and `out` has room for m·n elements.
    unsafe {
        let (pa, pb) = (
            ga.ptr::<T>().add(a.layout().offset()),
            gb.ptr::<T>().add(b.layout().offset()),
        );
        for i in 0..m {
            let x = *pa.offset(i as isize * sa);
            for j in 0..n {
                out.add(i * n + j)
                    .write(x.times(*pb.offset(j as isize * sb)));
            }
        }
    }
    drop((ga, gb));
    Ok(Array::from_fresh::<T>(storage, shape))
}
