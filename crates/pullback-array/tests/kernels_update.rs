//! Optimisers' steps in one pass: every layout, several dtypes, many parameters at once, memory that is shared, and what is refused.

mod support;

use proptest::prelude::*;
use pullback_array::kernels::{Update, UpdateRule, plus_product, update};
use pullback_array::{
    Arith, Array, DType, ErrorKind, Layout, Scalar, Shape, bf16, kernels, set_num_threads,
};
use support::{Sample, all_bits, indices, raw, samples, shape};

/// Everything that changes does so by all that is read.
#[derive(Clone, Copy)]
struct Mixed;

impl UpdateRule<3> for Mixed {
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v]: [T; 3], g: T) -> [T; 3] {
        let m = plus_product::<T, FUSED>(m * T::lit(0.9), T::lit(0.1), g);
        let v = v.abs() * T::lit(0.5) + g * g;
        [p - m / (v.sqrt() + T::lit(0.25)), m, v]
    }
}

/// A parameter alone.
#[derive(Clone, Copy)]
struct Down(f64);

impl UpdateRule<1> for Down {
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p]: [T; 1], g: T) -> [T; 1] {
        [plus_product::<T, FUSED>(p, T::lit(-self.0), g)]
    }
}

/// A whole storage.
fn storage<T: Sample>(a: &Array, len: usize) -> Vec<u128> {
    let flat = a.view(Layout::row_major([len].into())).unwrap();
    all_bits(&flat.to_vec::<T>().unwrap())
}

macro_rules! lies_anyhow {
    ($name:ident, $t:ty) => {
        proptest! {
            /// Exactly the places of the arrays change, by the formula's bits, however they and the gradient lie.
            #[test]
            fn $name(shape in shape(4, 5), raws in [raw(), raw(), raw(), raw()]) {
                let lie: Vec<_> = (raws.iter().enumerate()).map(|(k, r)| r.lay(&shape, k == 3)).collect();
                let arrays: Vec<Array> = lie.iter().map(|l| l.array::<$t>()).collect();
                let kept = [&arrays[0], &arrays[1], &arrays[2]];
                update(&[Update { rule: Mixed, kept, grad: &arrays[3] }])?;
                let mut want: Vec<Vec<$t>> = lie.iter().map(|l| samples::<$t>(l.len)).collect();
                for index in indices(&shape) {
                    let at: Vec<usize> = lie.iter().map(|l| l.place(&index)).collect();
                    let old = [want[0][at[0]], want[1][at[1]], want[2][at[2]]];
                    let new = Mixed.at::<$t, false>(old, want[3][at[3]]);
                    (0..3).for_each(|k| want[k][at[k]] = new[k]);
                }
                for k in 0..4 {
                    prop_assert_eq!(storage::<$t>(&arrays[k], lie[k].len), all_bits(&want[k]), "array {}", k);
                    prop_assert_eq!(arrays[k].version(), u32::from(k < 3));
                }
            }
        }
    };
}
lies_anyhow!(single_precision_lies_anyhow, f32);
lies_anyhow!(double_precision_lies_anyhow, f64);

proptest! {
    /// Half precisions are computed in float32 and rounded once.
    #[test]
    fn half_precisions(shape in shape(3, 5), raws in [raw(), raw()]) {
        let (p, g) = (raws[0].lay(&shape, false), raws[1].lay(&shape, true));
        let (a, b) = (p.array::<bf16>(), g.array::<bf16>());
        update(&[Update { rule: Down(0.3), kept: [&a], grad: &b }])?;
        let mut want = samples::<bf16>(p.len);
        for index in indices(&shape) {
            let (x, y) = (&mut want[p.place(&index)], bf16::sample(g.place(&index)));
            *x = bf16::from_f32(y.to_f32().mul_add(-0.3, x.to_f32()));
        }
        prop_assert_eq!(storage::<bf16>(&a, p.len), all_bits(&want));
    }
}

#[test]
fn many_parameters_are_one_piece_of_work() {
    // Sizes around the blocks, empty ones, and two dtypes in one list; on one thread and on several.
    let sizes = [
        0usize, 1, 3, 32768, 0, 32767, 5, 100_000, 1, 1, 65536, 2, 0, 40_000,
    ];
    let run = |threads: usize| -> Vec<Array> {
        set_num_threads(threads);
        let arrays: Vec<[Array; 4]> = (sizes.iter().enumerate())
            .map(|(i, &n)| {
                let dtype = if i % 3 == 2 { DType::F64 } else { DType::F32 };
                std::array::from_fn(|k| {
                    let all = support::numbers((10 * i + k + 1) as u64, n);
                    let a = Array::from_slice(&all, [n]).unwrap();
                    kernels::cast(&a, dtype).unwrap()
                })
            })
            .collect();
        let all: Vec<_> = (arrays.iter())
            .map(|a| Update {
                rule: Mixed,
                kept: [&a[0], &a[1], &a[2]],
                grad: &a[3],
            })
            .collect();
        update(&all).unwrap();
        for [p, .., g] in &arrays {
            // Each by itself gives the same.
            assert_eq!((p.version(), g.version()), (1, 0));
        }
        set_num_threads(0);
        arrays.into_iter().flatten().collect()
    };
    let (one, more) = (run(1), run(0));
    for (i, (a, b)) in one.iter().zip(&more).enumerate() {
        assert!(a.bits_equal(b).unwrap(), "array {i}");
    }
    let (p, g) = (&one[4 * 7], &one[4 * 7 + 3]);
    let single: Vec<Array> = (0..4)
        .map(|k| {
            let all = support::numbers(71 + k, 100_000);
            kernels::cast(&Array::from_slice(&all, [100_000]).unwrap(), DType::F32).unwrap()
        })
        .collect();
    update(&[Update {
        rule: Mixed,
        kept: [&single[0], &single[1], &single[2]],
        grad: &single[3],
    }])
    .unwrap();
    assert!(p.bits_equal(&single[0]).unwrap() && g.bits_equal(&single[3]).unwrap());
}

#[test]
fn parameters_may_be_views_of_one_memory_and_of_their_gradients() {
    let flat = Array::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [4]).unwrap();
    let (a, b) = (
        flat.slice(0, 0, 2, 1).unwrap(),
        flat.slice(0, 2, 2, 1).unwrap(),
    );
    let turned = b.view(Layout::new([2].into(), &[-1], 3)).unwrap();
    let all = [(&a, &b), (&b, &turned)].map(|(p, grad)| Update {
        rule: Down(1.0),
        kept: [p],
        grad,
    });
    update(&all).unwrap();
    // The first goes by the second as it was, the second by itself, backwards.
    assert_eq!(flat.to_vec::<f64>().unwrap(), [-2.0, -2.0, -1.0, 1.0]);
}

#[test]
fn what_does_not_go_together_is_refused_before_anything_changes() {
    let of = |n: usize, dtype| Array::zeros([n], dtype).unwrap();
    let refused = |p: &Array, m: &Array, g: &Array| {
        #[derive(Clone, Copy)]
        struct Two;
        impl UpdateRule<2> for Two {
            fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m]: [T; 2], g: T) -> [T; 2] {
                [p + g, m + g]
            }
        }
        let kept = [p, m];
        let before = (p.version(), m.version());
        let e = update(&[Update {
            rule: Two,
            kept,
            grad: g,
        }])
        .unwrap_err();
        assert_eq!((p.version(), m.version()), before);
        (e.kind(), e.message().to_string())
    };
    let (f, d) = (DType::F32, DType::F64);
    let a = of(3, f);
    assert_eq!(
        refused(&a, &of(3, f), &of(4, f)),
        (
            ErrorKind::Shape,
            "a parameter of shape [3] beside an array of shape [4]".into()
        )
    );
    assert_eq!(refused(&a, &of(3, d), &of(3, f)).0, ErrorKind::DType);
    assert_eq!(refused(&a, &of(3, f), &of(3, d)).0, ErrorKind::DType);
    let i = DType::I32;
    assert_eq!(
        refused(&of(3, i), &of(3, i), &of(3, i)),
        (
            ErrorKind::DType,
            "an update is of floats, and not of int32".into()
        )
    );
    assert_eq!(refused(&a, &a.clone(), &of(3, f)).0, ErrorKind::Argument);
    let stretched = of(1, f).expand(&[3].into()).unwrap();
    assert_eq!(
        refused(&stretched, &of(3, f), &of(3, f)).0,
        ErrorKind::Argument
    );
}

#[test]
fn without_memory_there_is_nothing_to_do() {
    let meta = Array::meta(Layout::row_major(Shape::new(&[1 << 40])), DType::F32).unwrap();
    let p = Array::from_slice(&[1.0f32], [1]).unwrap();
    let g = Array::from_slice(&[0.5f32], [1]).unwrap();
    let all = [(&meta, &meta), (&p, &g)].map(|(p, grad)| Update {
        rule: Down(2.0),
        kept: [p],
        grad,
    });
    update(&all).unwrap();
    assert_eq!((p.to_vec::<f32>().unwrap(), meta.version()), (vec![0.0], 1));
}
