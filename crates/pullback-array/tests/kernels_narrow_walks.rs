//! Reductions, scans and outer products of half precisions and narrow integers: the bits of converted copies, without any. One test of
//! the whole process's memory, so they take turns.
//!
//! Not for: elementwise kernels and products of matrices (`kernels_narrow.rs`).

mod support;

use pullback_array::kernels::{self, Running};
use pullback_array::{Array, DType, Result, Shape};
use std::sync::Mutex;
use support::peak;

static ALONE: Mutex<()> = Mutex::new(());

/// Numbers that a half holds only rounded, in no order.
fn numbers(shape: &[usize], dtype: DType) -> Array {
    let n: usize = shape.iter().product();
    let mut state = n as u64 + 1;
    let mut next = || {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        ((state >> 33) as f64 / f64::from(1u32 << 31)) * 2.0 - 1.0
    };
    let scale = if dtype.is_float() { 1.0 } else { 100.0 };
    let data: Vec<f64> = (0..n).map(|_| next() * scale).collect();
    let wide = Array::from_slice(&data, Shape::new(shape)).unwrap();
    let wide = match dtype.is_float() {
        true => wide,
        false => kernels::cast(&wide, DType::I64).unwrap(),
    };
    kernels::cast(&wide, dtype).unwrap()
}

type Kernel = Box<dyn Fn(&Array) -> Result<Array>>;

/// Every kernel that walks an array, over `dims` or along the first of them.
fn kernels_over(dims: &[usize], dtype: DType) -> Vec<(&'static str, Kernel)> {
    let of = |f: fn(&Array, &[usize]) -> Result<Array>| -> Kernel {
        let dims = dims.to_vec();
        Box::new(move |a| f(a, &dims))
    };
    let mut all: Vec<(&str, Kernel)> = vec![
        ("sum", of(|a, d| kernels::sum(a, d, false))),
        ("sum, kept", of(|a, d| kernels::sum(a, d, true))),
        ("prod", of(|a, d| kernels::prod(a, d, false))),
        ("amax", of(|a, d| kernels::extreme(a, d, true, true))),
        (
            "argmin",
            of(|a, d| kernels::arg_extreme(a, d, false, false)),
        ),
        ("count", of(|a, d| kernels::count_nonzero(a, d, false))),
        ("median", of(|a, d| kernels::arg_median(a, d, false, false))),
    ];
    if dims.len() == 1 {
        let extreme: fn(&Array, &[usize]) -> _ = |a, d| kernels::cumulate_extreme(a, d[0], true);
        let sum: fn(&Array, &[usize]) -> _ = |a, d| kernels::cumulate(a, d[0], true, Running::Sum);
        let product: fn(&Array, &[usize]) -> _ =
            |a, d| kernels::cumulate(a, d[0], false, Running::Product);
        all.extend([
            ("cummax", of(extreme)),
            ("cumsum, reversed", of(sum)),
            ("cumprod", of(product)),
        ]);
    }
    if dtype.is_float() {
        all.push(("var", of(|a, d| kernels::variance(a, d, false, 1.0, false))));
    }
    if dtype.is_float() && dims.len() == 1 {
        let recurrence: fn(&Array, &[usize]) -> _ =
            |a, d| kernels::recurrence(a, &kernels::map(a, |x: f32| x * 0.5)?, d[0], true);
        all.push(("recurrence", of(recurrence)));
    }
    all
}

fn check(a: &Array, dims: &[usize]) {
    let wide = kernels::computing(a).unwrap().into_owned();
    for (name, kernel) in kernels_over(dims, a.dtype()) {
        // What stays in int64 is a place or a sum of integers, whatever it is of.
        let same = matches!(name, "amax");
        let got = kernel(a).unwrap();
        let wanted = match name {
            "recurrence" => {
                let half = kernels::map(a, |x: f32| x * 0.5).unwrap();
                kernels::recurrence(&wide, &kernels::computing(&half).unwrap(), dims[0], true)
            }
            _ => kernel(&wide),
        };
        let wanted = match wanted.unwrap() {
            w if w.dtype() == DType::I64 && !same => w,
            w if w.dtype() == DType::F64 => kernels::cast(&w, a.dtype()).unwrap(),
            w => kernels::settled(w, &[a.dtype()]).unwrap(),
        };
        assert!(
            got.bits_equal(&wanted).unwrap(),
            "{name} over {dims:?} of {} {} by {:?}: {} for {}",
            a.dtype(),
            a.shape(),
            a.layout().strides(),
            got.dtype(),
            wanted.dtype()
        );
    }
}

/// The array as it is, turned in memory, and with gaps.
fn laid_out(a: &Array) -> Vec<Array> {
    let mut all = vec![a.clone()];
    if a.rank() > 1 {
        let last = a.rank() as i64 - 1;
        let turned = a.transpose(0, last).unwrap().contiguous().unwrap();
        all.push(turned.transpose(0, last).unwrap());
        let turned = a.transpose(0, 1).unwrap().contiguous().unwrap();
        all.push(turned.transpose(0, 1).unwrap());
    }
    let n = a.shape()[0];
    all.push(a.slice(0, n % 2, n / 2, 2).unwrap());
    all
}

#[test]
fn walks_have_the_bits_of_converted_copies() {
    let _alone = ALONE.lock();
    for dtype in [DType::F16, DType::BF16, DType::I8, DType::I16, DType::U16] {
        // Runs shorter and longer than a piece; nothing; numbers.
        for (shape, dims) in [
            (&[3, 1300][..], &[1][..]),
            (&[1300, 3], &[0]),
            (&[7, 5, 9], &[1]),
            (&[7, 5, 9], &[0, 2]),
            (&[40, 5, 90], &[0, 1]),
            (&[2000], &[0]),
            (&[3, 4], &[]),
        ] {
            for a in laid_out(&numbers(shape, dtype)) {
                check(&a, dims);
            }
        }
    }
}

#[test]
fn large_sums_have_the_bits_of_converted_copies() {
    let _alone = ALONE.lock();
    for dtype in [DType::F16, DType::BF16] {
        for (shape, dims) in [
            (&[1_000_003][..], &[0][..]),
            (&[1001, 1013], &[0, 1]),
            (&[1001, 1013], &[0]),
            (&[1001, 1013], &[1]),
            (&[9, 70_001], &[0]),
            (&[70_001, 9], &[1]),
            (&[70_001, 9], &[0]),
            (&[61, 13, 1003], &[0, 2]),
            (&[61, 13, 1003], &[1]),
            (&[1003, 5, 131], &[1]),
            (&[131, 7, 33, 31], &[1, 3]),
            (&[131, 7, 33, 31], &[0, 2]),
            (&[131, 1, 33, 310], &[3]),
            (&[2, 350_001, 2], &[0]),
        ] {
            for a in laid_out(&numbers(shape, dtype)) {
                let wide = kernels::computing(&a).unwrap().into_owned();
                for keepdim in [false, true] {
                    let got = kernels::total(&a, dims, keepdim).unwrap();
                    let wanted = kernels::sum(&wide, dims, keepdim).unwrap();
                    assert!(
                        got.bits_equal(&wanted).unwrap(),
                        "{dtype} {} by {:?} over {dims:?}",
                        a.shape(),
                        a.layout().strides()
                    );
                }
            }
        }
    }
}

#[test]
fn outer_products_have_the_bits_of_converted_copies() {
    let _alone = ALONE.lock();
    for dtype in [DType::F16, DType::BF16, DType::I8, DType::U32, DType::U64] {
        for (m, n) in [(3, 1300), (1300, 3), (0, 5), (5, 0)] {
            let (a, b) = (numbers(&[m], dtype), numbers(&[2 * n], dtype));
            let b = b.slice(0, 0, n, 2).unwrap();
            let wide = |x: &Array| kernels::computing(x).unwrap().into_owned();
            let wanted = kernels::outer(&wide(&a), &wide(&b)).unwrap();
            let wanted = kernels::rounded(&wanted, dtype).unwrap();
            assert!(
                kernels::outer(&a, &b).unwrap().bits_equal(&wanted).unwrap(),
                "{dtype} {m} times {n}"
            );
        }
    }
}

#[test]
fn no_walk_converts_an_operand_as_a_whole() {
    if cfg!(pullback_no_pool) {
        return;
    }
    let _alone = ALONE.lock();
    let n = 1 << 11;
    for dtype in [DType::BF16, DType::F16, DType::I16] {
        let a = numbers(&[n, n], dtype);
        let flat = a.reshape(&Shape::new(&[n * n])).unwrap();
        let (size, line) = (n * n * dtype.size(), numbers(&[n], dtype));
        let hold = |name: &str, of: &Array, dims: &[usize], kernel: &Kernel| {
            // A reduction gives little, a scan as much as it reads: of integers in int64, which are what they add up in.
            let out = match name {
                "cummax" => n * n * 8,
                "recurrence" => 2 * size,
                _ if name.starts_with("cum") => size,
                _ => 0,
            };
            // The middle is looked for among all of a run.
            let skip = name == "median" && of.rank() == 1
                || name.starts_with("cum") && name != "cummax" && !dtype.is_float();
            let most = peak(|| kernel(of));
            assert!(
                skip || most < out + size / 2,
                "{dtype}: {name} over {dims:?} uses {most} bytes beside {size}"
            );
        };
        for dims in [&[0][..], &[1], &[0, 1]] {
            for (name, kernel) in kernels_over(dims, dtype) {
                if name == "median" && dims.len() == 2 {
                    continue;
                }
                hold(name, &a, dims, &kernel);
            }
        }
        for (name, kernel) in kernels_over(&[0], dtype) {
            hold(name, &flat, &[0], &kernel);
        }
        assert!(peak(|| kernels::outer(&line, &line)) < size + size / 2);
    }
}
