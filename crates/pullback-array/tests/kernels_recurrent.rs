//! Recurrences large enough to be taken through in bands of samples, against the same in 32 digits, which go the plain way; and on one thread and two.

use pullback_array::kernels::{self, Cell, Recurrence, RecurrenceInputs};
use pullback_array::{Array, DType, set_num_threads};

const SAMPLES: usize = 21;
const HIDDEN: usize = 32;

/// Numbers in no order, of size `scale`.
fn numbers(shape: &[usize], seed: u64, scale: f64) -> Array {
    let n: usize = shape.iter().product();
    let mut state = seed;
    let all: Vec<f64> = (0..n)
        .map(|_| {
            state = state.wrapping_mul(6364136223846793005).wrapping_add(1);
            ((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0) * scale
        })
        .collect();
    Array::from_slice(&all, shape.to_vec()).unwrap()
}

/// A recurrence and the gradients it sends back, all in one dtype: every array there is.
fn run(cell: Cell, project: bool, reverse: bool, dtype: DType) -> Vec<Array> {
    let sizes = [21, 21, 20, 13, 13, 9, 3, 1];
    let rows = sizes.iter().sum();
    let (gates, width) = (cell.gates() * HIDDEN, if project { 16 } else { HIDDEN });
    let of =
        |shape: &[usize], seed, scale| kernels::cast(&numbers(shape, seed, scale), dtype).unwrap();
    let (x, weight) = (of(&[rows, gates], 1, 1.0), of(&[gates, width], 2, 0.2));
    let (h, c) = (
        of(&[SAMPLES, width], 3, 0.7),
        of(&[SAMPLES, HIDDEN], 4, 0.7),
    );
    let (bias, projection) = (of(&[gates], 5, 0.3), of(&[width, HIDDEN], 6, 0.2));
    let two = cell == Cell::Lstm;
    let inputs = RecurrenceInputs {
        gates: &x,
        weight: &weight,
        h: &h,
        c: two.then_some(&c),
        bias: Some(&bias),
        projection: project.then_some(&projection),
    };
    let how = Recurrence {
        cell,
        sizes: &sizes,
        reverse,
    };
    let y = kernels::recurrence_over(how, &inputs, true).unwrap();
    let (gr, gh, gc) = (
        of(&[rows, width], 7, 1.0),
        of(&[SAMPLES, width], 8, 1.0),
        of(&[SAMPLES, HIDDEN], 9, 1.0),
    );
    let g = [Some(&gr), Some(&gh), two.then_some(&gc)];
    let back = kernels::recurrence_back(how, &inputs, &y.rows, &y.kept, g).unwrap();
    let mut all = vec![y.rows, y.h, back.gates, back.of_state, back.before, back.h];
    all.extend(y.c.into_iter().chain(back.c));
    if let Some((a, b)) = back.projected {
        all.extend([a, b]);
    }
    all
}

fn doubles(a: &Array) -> Vec<f64> {
    kernels::cast(a, DType::F64)
        .unwrap()
        .to_vec::<f64>()
        .unwrap()
}

#[test]
fn bands_of_samples_have_the_numbers_of_the_plain_way() {
    for (cell, project) in [
        (Cell::Lstm, false),
        (Cell::Lstm, true),
        (Cell::Gru, false),
        (Cell::Tanh, false),
    ] {
        for reverse in [false, true] {
            let want = run(cell, project, reverse, DType::Dd);
            for (dtype, near) in [(DType::F64, 1e-12), (DType::F32, 2e-5)] {
                set_num_threads(1);
                let one = run(cell, project, reverse, dtype);
                set_num_threads(2);
                let two = run(cell, project, reverse, dtype);
                set_num_threads(0);
                for (k, ((a, b), want)) in one.iter().zip(&two).zip(&want).enumerate() {
                    let (a, b, want) = (doubles(a), doubles(b), doubles(want));
                    assert_eq!(a, b, "{cell:?} {dtype:?} {k}: one thread and two");
                    assert_eq!(a.len(), want.len());
                    for (i, (a, want)) in a.iter().zip(&want).enumerate() {
                        let far = (a - want).abs();
                        assert!(
                            far <= near * (1.0 + want.abs()),
                            "{cell:?} {dtype:?} {k} [{i}]: {a} {want}"
                        );
                    }
                }
            }
        }
    }
}
