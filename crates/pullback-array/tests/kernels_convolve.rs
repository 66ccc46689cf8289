//! Convolutions of enough channels for the direct way, against the same in 32 digits, which make columns; and on one thread and two.

use pullback_array::kernels::{self, Window};
use pullback_array::{Array, DType, set_num_threads};

/// Numbers in no order.
fn numbers(shape: &[usize], seed: u64) -> Array {
    let n: usize = shape.iter().product();
    let mut state = seed;
    let all: Vec<f64> = (0..n)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            (state >> 40) as f64 / (1u64 << 23) as f64 - 1.0
        })
        .collect();
    Array::from_slice(&all, shape.to_vec()).unwrap()
}

/// Sizes of one convolution: the input, the weight, and stride, padding, dilation and groups.
type Case = (&'static [usize], &'static [usize], [usize; 4]);

const CASES: &[Case] = &[
    (&[9, 1, 28, 28], &[16, 1, 5, 5], [1, 2, 1, 1]),
    (&[5, 16, 14, 14], &[32, 16, 5, 5], [1, 0, 1, 1]),
    (&[2, 64, 20, 20], &[64, 64, 3, 3], [1, 1, 1, 1]),
    (&[3, 24, 13, 11], &[40, 12, 3, 2], [2, 1, 1, 2]),
    (&[2, 20, 9, 9], &[18, 20, 3, 3], [1, 2, 2, 1]),
    (&[2, 18, 5, 5], &[17, 18, 2, 2], [1, 3, 1, 1]),
    (&[4, 16, 50], &[24, 16, 4], [1, 1, 3, 1]),
    (&[1, 16, 5, 6, 7], &[16, 16, 2, 3, 2], [1, 1, 1, 1]),
];

/// The convolution, and its gradients in input and weight.
fn all(
    &(x, w, [stride, padding, dilation, groups]): &Case,
    dtype: DType,
    turned: bool,
) -> [Array; 3] {
    let dims = x.len() - 2;
    let each = |n: usize| std::iter::repeat_n(n, dims).collect();
    let how = Window {
        stride: each(stride),
        padding: each(padding),
        dilation: each(dilation),
        groups,
    };
    // Dimensions that lie in another order in memory have the same numbers.
    let of = |shape: &[usize], seed| {
        let a = kernels::cast(&numbers(shape, seed), dtype).unwrap();
        match turned {
            true => a
                .transpose(0, 1)
                .unwrap()
                .copy()
                .unwrap()
                .transpose(0, 1)
                .unwrap(),
            false => a,
        }
    };
    let (a, b) = (of(x, 1), of(w, 2));
    let y = kernels::convolve(&a, &b, &how).unwrap();
    let g = of(y.shape(), 3);
    let dx = kernels::convolve_input(&g, &b, &how, &x[2..]).unwrap();
    let dw = kernels::convolve_weight(&a, &g, &how, &w[2..]).unwrap();
    [y, dx, dw]
}

fn doubles(a: &Array) -> Vec<f64> {
    kernels::cast(a, DType::F64)
        .unwrap()
        .to_vec::<f64>()
        .unwrap()
}

#[test]
fn direct_convolutions_are_those_of_columns() {
    for case in CASES {
        let want = all(case, DType::Dd, false);
        for (dtype, near) in [(DType::F64, 1e-12), (DType::F32, 1e-3)] {
            set_num_threads(1);
            let one = all(case, dtype, false);
            set_num_threads(2);
            let two = all(case, dtype, true);
            set_num_threads(0);
            for (k, ((a, b), want)) in one.iter().zip(&two).zip(&want).enumerate() {
                assert_eq!(a.shape(), want.shape());
                let (a, b, want) = (doubles(a), doubles(b), doubles(want));
                assert_eq!(
                    a, b,
                    "{case:?} {dtype:?} {k}: one thread and two, and other strides"
                );
                for (i, (a, want)) in a.iter().zip(&want).enumerate() {
                    assert!(
                        (a - want).abs() <= near,
                        "{case:?} {dtype:?} {k} [{i}]: {a} {want}"
                    );
                }
            }
        }
    }
}
