//! One thread gives the bits two give: every kernel, above the sizes at which it shares its work. The number of threads
//! belongs to the process, so these checks live in a file of their own and run one after the other.

mod support;

use pullback_array::{Array, DType, Layout, kernels, num_threads, set_num_threads};
use std::sync::Mutex;

static TURN: Mutex<()> = Mutex::new(());

fn floats(seed: u64, shape: &[usize], dtype: DType) -> Array {
    let n: usize = shape.iter().product();
    let a = Array::from_slice(&support::numbers(seed, n), shape).unwrap();
    kernels::cast(&a, dtype).unwrap()
}

/// The same bits from one thread, from two, and from as many as there are.
fn same_bits(name: &str, run: impl Fn() -> Array) {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    set_num_threads(1);
    let one = run();
    for threads in [2, 0] {
        set_num_threads(threads);
        let more = run();
        assert!(
            one.bits_equal(&more).unwrap(),
            "{name} on {threads} threads"
        );
    }
    set_num_threads(0);
}

#[test]
fn the_number_of_threads_can_be_set() {
    let _turn = TURN.lock().unwrap_or_else(|e| e.into_inner());
    set_num_threads(1);
    assert_eq!(num_threads(), 1);
    set_num_threads(0);
    let all = num_threads();
    assert!(all >= 1);
    set_num_threads(usize::MAX);
    assert_eq!(num_threads(), all);
    set_num_threads(0);
}

#[test]
fn elementwise() {
    let n = 100_001;
    for dtype in [DType::F32, DType::F64] {
        let (a, b) = (floats(1, &[n], dtype), floats(2, &[n], dtype));
        let (a, b) = (
            &kernels::cast(&a, DType::F64).unwrap(),
            &kernels::cast(&b, DType::F64).unwrap(),
        );
        let spaced = floats(3, &[n, 2], DType::F64).select(1, 1).unwrap();
        let one = floats(4, &[1], DType::F64);
        same_bits("map", || kernels::map(a, f64::sin).unwrap());
        same_bits("map, strided", || kernels::map(&spaced, f64::exp).unwrap());
        same_bits("zip", || {
            kernels::zip(a, b, |x: f64, y: f64| x * y + x).unwrap()
        });
        same_bits("zip, strided", || {
            kernels::zip(a, &spaced, |x: f64, y: f64| x * y + x).unwrap()
        });
        same_bits("zip with a number", || {
            kernels::zip(a, &one, |x: f64, y: f64| x / y).unwrap()
        });
        same_bits("a number with zip", || {
            kernels::zip(&one, b, |x: f64, y: f64| x / y).unwrap()
        });
        same_bits("zip3", || {
            kernels::zip3(a, b, &spaced, |x: f64, y: f64, z: f64| x * y + z).unwrap()
        });
        same_bits("cast", || kernels::cast(a, DType::F32).unwrap());
        same_bits("map_assign", || {
            let c = a.copy().unwrap();
            kernels::map_assign(&c, f64::cos).unwrap();
            c
        });
        same_bits("zip_assign", || {
            let c = a.copy().unwrap();
            kernels::zip_assign(&c, &spaced, |x: f64, y: f64| x - y).unwrap();
            kernels::zip_assign(&c, b, |x: f64, y: f64| x * y).unwrap();
            c
        });
    }
    let (column, row) = (
        floats(5, &[700, 1], DType::F32),
        floats(6, &[1, 900], DType::F32),
    );
    same_bits("outer zip", || {
        kernels::zip(&column, &row, |x: f32, y: f32| x * y).unwrap()
    });
    let square = floats(7, &[300, 300], DType::F32);
    let turned = square.transpose(0, 1).unwrap();
    same_bits("transposed", || {
        kernels::zip(&square, &turned, |x: f32, y: f32| x - y).unwrap()
    });
}

#[test]
fn sums_and_folds() {
    for dtype in [DType::F32, DType::F64, DType::Dd] {
        for (shape, dims) in [
            (&[100_000][..], &[0][..]),
            (&[400, 300], &[0]),
            (&[400, 300], &[1]),
            (&[400, 300], &[0, 1]),
            (&[3, 40_000], &[1]),
            (&[40_000, 3], &[0]),
            (&[40, 50, 60], &[1]),
            (&[40, 50, 60], &[0, 2]),
            (&[2, 3, 20_000], &[1]),
        ] {
            let a = floats(8, shape, dtype);
            let name = format!("sum {dtype} {shape:?} {dims:?}");
            same_bits(&name, || kernels::sum(&a, dims, false).unwrap());
            let last = shape.len() - 1;
            if last > 0 {
                let turned = a.transpose(0, last as i64).unwrap();
                same_bits(&name, || kernels::sum(&turned, dims, false).unwrap());
            }
        }
    }
    let spaced = floats(9, &[100_000, 2], DType::F32).select(1, 0).unwrap();
    same_bits("sum, strided", || {
        kernels::sum(&spaced, &[0], false).unwrap()
    });
    let a = floats(10, &[500, 200], DType::F64);
    for dims in [&[0][..], &[1], &[0, 1]] {
        same_bits("reduce", || {
            let fold = |run: kernels::Run<'_, f64>| run.fold(0.0, |x, y| 0.5 * x + y);
            kernels::reduce(&a, dims, false, fold).unwrap()
        });
    }
}

#[test]
fn products() {
    for dtype in [DType::F32, DType::F64, DType::Dd, DType::I64] {
        for (a, b) in [
            (&[120, 90][..], &[90, 110][..]),
            (&[4, 200], &[200, 1600]),
            (&[3000, 400], &[400]),
            (&[12, 50, 50], &[12, 50, 40]),
            (&[30, 20, 40], &[40, 50]),
        ] {
            let (a, b) = (floats(11, a, dtype), floats(12, b, dtype));
            let name = format!("matmul {dtype} {} {}", a.shape(), b.shape());
            same_bits(&name, || kernels::matmul(&a, &b).unwrap());
        }
        let a = floats(13, &[120, 90], dtype);
        let turned = a.view(Layout::new([90, 120].into(), &[1, 90], 0)).unwrap();
        same_bits("matmul, transposed", || {
            kernels::matmul(&turned, &a).unwrap()
        });
        let (x, y) = (floats(14, &[500], dtype), floats(15, &[500], dtype));
        same_bits("outer", || kernels::outer(&x, &y).unwrap());
    }
}

#[test]
fn indexing() {
    let a = floats(16, &[1000], DType::F64);
    let index: Vec<i64> = (0..100_000).map(|i| i * 7919 % 1000).collect();
    let index = Array::from_slice(&index, [index.len()]).unwrap();
    same_bits("take", || kernels::take(&a, &index).unwrap());
    let values = floats(17, &[100_000], DType::F64);
    same_bits("put_add", || {
        kernels::put_add(&values, &index, &[1000].into()).unwrap()
    });
}
