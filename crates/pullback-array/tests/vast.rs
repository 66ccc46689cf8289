//! Expanded arrays with more elements than any memory has: what needs only the elements that exist comes at once, what needs
//! all of them can be stopped, what would have to be written down is an error; and nothing is allocated in proportion.

use pullback_array::kernels::{self, Run, Running};
use pullback_array::{Array, DType, Error, ErrorKind, Layout, Result, Shape, set_interrupt_check};
use std::sync::atomic::{AtomicUsize, Ordering};

static ASKED: AtomicUsize = AtomicUsize::new(0);

/// Somebody stops everything that asks.
fn stop() {
    set_interrupt_check(|| {
        ASKED.fetch_add(1, Ordering::Relaxed);
        Err(Error::new(ErrorKind::Unsupported, "stopped"))
    });
}

/// One number or a few, repeated: `far` elements, and how each is laid out.
fn vast(dtype: DType, far: usize) -> Vec<(Array, Vec<usize>)> {
    let few = kernels::cast(&Array::from_slice(&[2.0f64, 7.0, 1.0], [3]).unwrap(), dtype).unwrap();
    let of = |shape: &[usize], strides: &[isize]| {
        few.view(Layout::new(shape.into(), strides, 0)).unwrap()
    };
    let half = 1 << (far.trailing_zeros() / 2);
    vec![
        (of(&[far], &[0]), vec![0]),
        (of(&[far, 3], &[0, 1]), vec![0, 1]),
        (of(&[3, far], &[1, 0]), vec![0, 1]),
        (of(&[far, 3], &[0, 1]), vec![0]),
        (of(&[3, far], &[1, 0]), vec![1]),
        (of(&[half, 3, far / half], &[0, 1, 0]), vec![0, 1, 2]),
        (of(&[half, 3, far / half], &[0, 1, 0]), vec![0, 2]),
        (of(&[3, half, far / half], &[1, 0, 0]), vec![2, 1]),
    ]
}

fn sizes() -> [usize; 3] {
    [1 << 40, 1 << 52, 1 << 60]
}

/// The array with three elements along each dimension that is repeated: what the answers must be.
fn small(a: &Array) -> Array {
    let mut a = a.clone();
    for d in 0..a.rank() {
        if a.shape()[d] > 3 {
            a = a.slice(d, 0, 3, 1).unwrap();
        }
    }
    a
}

#[test]
fn what_needs_only_the_elements_that_exist_comes_at_once() {
    for &dtype in DType::ALL {
        for far in sizes() {
            for (a, dims) in vast(dtype, far) {
                let few = small(&a);
                for largest in [true, false] {
                    let found = kernels::extreme(&a, &dims, false, largest).unwrap();
                    let expected = kernels::extreme(&few, &dims, false, largest).unwrap();
                    assert!(found.bits_equal(&expected).unwrap());
                    // The first of the largest: in the same place but for the sizes.
                    let found = kernels::arg_extreme(&a, &dims, false, largest)
                        .unwrap()
                        .to_vec::<i64>()
                        .unwrap();
                    let near = kernels::arg_extreme(&few, &dims, false, largest)
                        .unwrap()
                        .to_vec::<i64>()
                        .unwrap();
                    let mut ordered = dims.clone();
                    ordered.sort_unstable();
                    for (&place, &near) in found.iter().zip(&near) {
                        let (mut near, mut expected, mut step) = (near, 0, 1);
                        for &d in ordered.iter().rev() {
                            let n = few.shape()[d] as i64;
                            expected += near % n * step;
                            (near, step) = (near / n, step * a.shape()[d] as i64);
                        }
                        assert_eq!(place, expected, "{dtype} {:?} {dims:?}", a.shape());
                    }
                }
                let n = dims.iter().map(|&d| a.shape()[d] as i64).product::<i64>();
                let m = dims.iter().map(|&d| few.shape()[d] as i64).product::<i64>();
                let count = kernels::count_nonzero(&a, &dims, false)
                    .unwrap()
                    .to_vec::<i64>()
                    .unwrap();
                let expected = kernels::count_nonzero(&few, &dims, false)
                    .unwrap()
                    .to_vec::<i64>()
                    .unwrap();
                for (count, expected) in count.into_iter().zip(expected) {
                    assert_eq!(
                        i128::from(count) * i128::from(m),
                        i128::from(expected) * i128::from(n)
                    );
                }
            }
        }
    }
}

#[test]
fn what_needs_all_elements_can_be_stopped() {
    stop();
    type Long = fn(&Array, &[usize]) -> Result<Array>;
    let long: &[(&str, DType, Long)] = &[
        ("sum", DType::F32, |a, dims| kernels::sum(a, dims, false)),
        ("sum", DType::Bool, |a, dims| kernels::sum(a, dims, false)),
        ("prod", DType::F64, |a, dims| kernels::prod(a, dims, true)),
        ("prod", DType::I32, |a, dims| kernels::prod(a, dims, true)),
        ("variance", DType::Dd, |a, dims| {
            kernels::variance(a, dims, false, 1.0, false)
        }),
        ("reduce by next", DType::F64, |a, dims| {
            kernels::reduce(a, dims, false, |run: Run<'_, f64>| {
                let mut last = 0.0;
                for x in run {
                    last = x;
                }
                last
            })
        }),
    ];
    for &(name, dtype, run) in long {
        for (a, dims) in vast(dtype, 1 << 52) {
            let before = ASKED.load(Ordering::Relaxed);
            let e = run(&a, &dims).expect_err(name);
            assert_eq!(e.message(), "stopped", "{name} {dtype} {:?}", a.shape());
            assert!(ASKED.load(Ordering::Relaxed) > before);
        }
    }
    for dtype in [DType::F32, DType::I64] {
        let one = Array::full([1, 1], 1.0, dtype).unwrap();
        let row = one.expand(&[2, 1 << 40].into()).unwrap();
        let column = one.expand(&[1 << 40, 3].into()).unwrap();
        let line = row.select(0, 0).unwrap();
        for (a, b) in [
            (&row, &column),
            (&line, &line),
            (&row, &line),
            (&line, &column),
        ] {
            assert_eq!(kernels::matmul(a, b).unwrap_err().message(), "stopped");
        }
    }
}

/// What would be as large as the input is an error, not the end of the process.
#[test]
fn what_would_be_written_down_is_an_error() {
    for &dtype in DType::ALL {
        for far in sizes() {
            for (a, _) in vast(dtype, far) {
                let no = |name: &str, made: Result<Array>| {
                    assert_eq!(
                        made.map(drop).expect_err(name).kind(),
                        ErrorKind::Alloc,
                        "{name} {dtype}"
                    );
                };
                no("copy", a.copy());
                no(
                    "contiguous",
                    a.transpose(0, -1).and_then(|a| a.contiguous()),
                );
                no(
                    "cast",
                    kernels::cast(
                        &a,
                        if dtype == DType::U8 {
                            DType::F32
                        } else {
                            DType::U8
                        },
                    ),
                );
                no(
                    "median",
                    kernels::arg_median(&a, &(0..a.rank()).collect::<Vec<_>>(), false, false),
                );
                no("cumulate", kernels::cumulate(&a, 0, false, Running::Sum));
                no(
                    "reshape",
                    a.reshape(&Shape::new(&[a.numel()])).and_then(|a| a.copy()),
                );
                no(
                    "index",
                    kernels::index(
                        &a,
                        0,
                        a.rank(),
                        &Array::zeros([1], DType::I64)
                            .unwrap()
                            .expand(&[far].into())
                            .unwrap(),
                    ),
                );
                no("full", Array::full(a.shape().clone(), 1.0, dtype));
                no("zeros", Array::zeros(a.shape().clone(), dtype));
                assert_eq!(a.to_f64_vec().unwrap_err().kind(), ErrorKind::Alloc);
                assert_eq!(a.bits_equal(&a).unwrap_err().kind(), ErrorKind::Alloc);
                kernels::fill(&a, 1.into()).expect("one number fills an expanded array");
                let _ = format!("{a:?}");
            }
        }
    }
}
