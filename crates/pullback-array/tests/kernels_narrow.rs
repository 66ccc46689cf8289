//! Half precisions and narrow integers: products by blocks have the bits of converted copies, and nothing that only moves or goes
//! element by element is converted as a whole.

mod support;

use pullback_array::{Array, DType, Layout, Result, Shape, kernels};
use std::sync::Mutex;
use support::peak;

/// One test at a time looks at the memory of the whole process.
static ALONE: Mutex<()> = Mutex::new(());

/// Numbers that a half holds only rounded.
fn numbers(shape: &[usize], dtype: DType, seed: u64) -> Array {
    let n: usize = shape.iter().product();
    let mut state = seed;
    let mut next = || {
        state = state
            .wrapping_mul(6364136223846793005)
            .wrapping_add(1442695040888963407);
        ((state >> 33) as f64 / f64::from(1u32 << 31)) * 2.0 - 1.0
    };
    let scale = if dtype.is_float() { 1.0 } else { 100.0 };
    let data: Vec<f64> = (0..n).map(|_| next() * scale).collect();
    kernels::cast(&Array::from_slice(&data, Shape::new(shape)).unwrap(), dtype).unwrap()
}

/// The product of converted copies, rounded once.
fn by_copies(a: &Array, b: &Array) -> Array {
    let dtype = a.dtype();
    let wide = |x: &Array| kernels::computing(x).unwrap().into_owned();
    kernels::rounded(&kernels::matmul(&wide(a), &wide(b)).unwrap(), dtype).unwrap()
}

fn check(a: &Array, b: &Array) {
    let (got, want) = (kernels::matmul(a, b).unwrap(), by_copies(a, b));
    assert_eq!(got.dtype(), a.dtype());
    assert!(
        got.bits_equal(&want).unwrap(),
        "{} {} times {} {}",
        a.dtype(),
        a.layout().shape(),
        b.layout().shape(),
        a.layout().is_contiguous()
    );
}

#[test]
fn products_have_the_bits_of_converted_copies() {
    let _alone = ALONE.lock();
    for dtype in [DType::F16, DType::BF16, DType::I8, DType::I16] {
        // Rows, terms and columns around the sizes of blocks, and products of one row or column.
        for (m, k, n) in [
            (300, 300, 70),
            (7, 700, 90),
            (1, 400, 300),
            (300, 400, 1),
            (1, 70_000, 1),
            (1000, 70, 35),
            (3, 3, 30_000),
            (270, 1, 300),
        ] {
            let (a, b) = (numbers(&[m, k], dtype, 1), numbers(&[k, n], dtype, 2));
            check(&a, &b);
            // Turned, and with gaps.
            let turned = |x: &Array| x.transpose(0, 1).unwrap().copy().unwrap();
            check(&turned(&a).transpose(0, 1).unwrap(), &b);
            check(&a, &turned(&b).transpose(0, 1).unwrap());
            let wide = numbers(&[m, 2 * k], dtype, 3);
            check(&wide.slice(1, 1, k, 1).unwrap(), &b);
            let far = numbers(&[2 * k, n], dtype, 4);
            check(&a, &far.slice(0, 0, k, 2).unwrap());
        }
        // Stacks: of tiny products, of larger ones, one matrix for all, a vector for all.
        let stack = numbers(&[5, 60, 300], dtype, 5);
        check(&stack, &numbers(&[5, 300, 40], dtype, 6));
        check(&stack, &numbers(&[300, 40], dtype, 7));
        check(&stack, &numbers(&[300], dtype, 8));
        check(&numbers(&[60], dtype, 8), &numbers(&[9, 60, 200], dtype, 9));
        check(
            &numbers(&[900, 4, 10], dtype, 9),
            &numbers(&[900, 10, 5], dtype, 10),
        );
    }
}

#[test]
fn layers_have_the_bits_of_converted_copies() {
    let _alone = ALONE.lock();
    for dtype in [DType::F16, DType::BF16] {
        for (rows, inner, outer) in [(300, 260, 40), (1, 300, 400), (400, 300, 1), (2, 2, 2)] {
            let (x, w) = (
                numbers(&[rows, inner], dtype, 1),
                numbers(&[outer, inner], dtype, 2),
            );
            let bias = numbers(&[outer], dtype, 3);
            let wide = |x: &Array| kernels::computing(x).unwrap().into_owned();
            for bias in [None, Some(&bias)] {
                let got = kernels::linear(&x, &w, bias).unwrap();
                let wide_bias = bias.map(wide);
                let want = kernels::linear(&wide(&x), &wide(&w), wide_bias.as_ref()).unwrap();
                assert!(
                    got.bits_equal(&kernels::rounded(&want, dtype).unwrap())
                        .unwrap()
                );
            }
        }
    }
}

#[test]
fn no_operand_is_converted_as_a_whole() {
    if cfg!(pullback_no_pool) {
        return;
    }
    let _alone = ALONE.lock();
    for dtype in [DType::BF16, DType::F16] {
        let n = 1 << 10;
        let (a, b) = (numbers(&[n, n], dtype, 1), numbers(&[n, n], dtype, 2));
        let size = n * n * 2;
        let mask = kernels::map(&kernels::computing(&a).unwrap(), |x: f32| x > 0.0).unwrap();
        let rows = Array::from_slice(&(0..n as i64).rev().collect::<Vec<_>>(), [n]).unwrap();
        let small = numbers(&[16, n], dtype, 3);
        // What comes out, and no copy of twice its size.
        type Made<'a> = (&'a str, Box<dyn Fn() -> Result<Array> + 'a>, usize);
        let made: [Made<'_>; 6] = [
            ("copy", Box::new(|| a.transpose(0, 1)?.copy()), size),
            ("index", Box::new(|| kernels::index(&a, 0, 1, &rows)), size),
            (
                "choose",
                Box::new(|| {
                    kernels::zip3(
                        &mask,
                        &a,
                        &b,
                        |m: bool, x: f32, y: f32| if m { x } else { y },
                    )
                }),
                size,
            ),
            ("map", Box::new(|| kernels::map(&a, |x: f32| x + 1.0)), size),
            (
                "product",
                Box::new(|| kernels::matmul(&small, &a)),
                16 * n * 2,
            ),
            (
                "layer",
                Box::new(|| kernels::linear(&small, &a, None)),
                16 * n * 2,
            ),
        ];
        for (name, f, out) in made {
            let most = peak(&f);
            assert!(
                most < out + size / 4,
                "{dtype}: {name} uses {most} bytes at once"
            );
        }
        let view = Layout::row_major(Shape::new(&[n, n]));
        assert!(peak(|| kernels::assign(&b.view(view.clone())?, &a)) < size / 4);
    }
}
