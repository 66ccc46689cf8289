//! Matrix products: every rank combination, layout and dtype against the sum of products by index arithmetic; shapes and
//! error texts against PyTorch's.

mod support;

use proptest::prelude::*;
use pullback_array::{Array, DType, ErrorKind, Layout, kernels};
use support::{Strided, golden, indices, raw, sizes};

/// PyTorch's answer for a pair of shapes: a shape or the first line of an error.
fn same_answer(
    row: &serde_json::Value,
    answer: &serde_json::Value,
    got: &pullback_array::Result<Array>,
) -> Option<String> {
    let ours = match got {
        Ok(a) => format!("{:?}", a.shape()),
        Err(e) => e.message().to_owned(),
    };
    let theirs = match answer.get("error") {
        Some(error) => error.as_str().unwrap().to_owned(),
        None => format!("{:?}", sizes(&answer["shape"])),
    };
    (ours != theirs).then(|| format!("{row}\n    ours: {ours}"))
}

#[test]
fn shapes_and_errors_are_pytorchs() {
    let zeros = |list: &serde_json::Value| Array::zeros(sizes(list), DType::F32).unwrap();
    let mut wrong = Vec::new();
    for row in golden("shapes") {
        let (a, b) = (zeros(&row[1]), zeros(&row[2]));
        let got = match row[0].as_str().unwrap() {
            "matmul" => kernels::matmul(&a, &b),
            "outer" => kernels::outer(&a, &b),
            _ => continue,
        };
        wrong.extend(same_answer(&row, &row[3], &got));
        if row[0] == "matmul" {
            let shape = kernels::dot_shapes(a.shape(), b.shape());
            assert_eq!(shape.is_ok(), got.is_ok());
            assert!(shape.is_err() || shape.as_ref().ok() == got.as_ref().ok().map(Array::shape));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

#[test]
fn dtype_errors_are_pytorchs() {
    let mut wrong = Vec::new();
    for row in golden("matmul_dtypes") {
        let zeros = |shape: &serde_json::Value, name: &serde_json::Value| {
            let dtype = DType::from_name(name.as_str().unwrap()).unwrap();
            Array::zeros(sizes(shape), dtype).unwrap()
        };
        let got = kernels::matmul(&zeros(&row[0], &row[2]), &zeros(&row[1], &row[3]));
        wrong.extend(same_answer(&row, &row[4], &got));
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

/// Small whole numbers, whose products and sums every dtype but `u8` holds exactly (and `u8` modulo 256).
fn whole_numbers(n: usize) -> Vec<i64> {
    (0..n as i64).map(|i| (i * 7 + i * i) % 17 - 8).collect()
}

fn operand(view: &Strided, dtype: DType) -> Array {
    let flat = Array::from_slice(&whole_numbers(view.len), [view.len]).unwrap();
    let flat = kernels::cast(&flat, dtype).unwrap();
    flat.view(view.layout()).unwrap()
}

/// The product by the definition: index by index, whatever the ranks.
fn reference(a: &Strided, b: &Strided) -> Vec<i64> {
    let (da, db) = (whole_numbers(a.len), whole_numbers(b.len));
    let (ra, rb) = (a.shape.len(), b.shape.len());
    let k = a.shape[ra - 1];
    let (batch_a, batch_b) = (
        &a.shape[..ra.saturating_sub(2)],
        &b.shape[..rb.saturating_sub(2)],
    );
    let batch = pullback_array::Shape::new(batch_a)
        .broadcast(&batch_b.into())
        .unwrap();
    let rows = if ra > 1 { a.shape[ra - 2] } else { 1 };
    let cols = if rb > 1 { b.shape[rb - 1] } else { 1 };
    let own = |index: &[usize], sizes: &[usize]| -> Vec<usize> {
        let tail = &index[index.len() - sizes.len()..];
        tail.iter()
            .zip(sizes)
            .map(|(&i, &n)| if n == 1 { 0 } else { i })
            .collect()
    };
    let (step_a, step_b) = (a.strides[ra - 1], b.strides[rb.saturating_sub(2)]);
    let mut out = vec![];
    for index in indices(&batch) {
        for (i, j) in (0..rows).flat_map(|i| (0..cols).map(move |j| (i, j))) {
            if k == 0 {
                out.push(0);
                continue;
            }
            // Where row i and column j start.
            let start_a = match ra {
                1 => a.place(&[0]),
                _ => a.place(&[own(&index, batch_a), vec![i, 0]].concat()),
            };
            let start_b = match rb {
                1 => b.place(&[0]),
                _ => b.place(&[own(&index, batch_b), vec![0, j]].concat()),
            };
            let term = |l: isize| {
                let (pa, pb) = (start_a as isize + l * step_a, start_b as isize + l * step_b);
                da[pa as usize] * db[pb as usize]
            };
            out.push((0..k as isize).map(term).sum());
        }
    }
    out
}

/// The product has these values: compared as integers, in which -0 is 0.
fn check(a: &Strided, b: &Strided, dtypes: &[DType]) -> Result<(), TestCaseError> {
    let expected = reference(a, b);
    for &dtype in dtypes {
        let product = kernels::matmul(&operand(a, dtype), &operand(b, dtype))?;
        prop_assert_eq!(product.dtype(), dtype);
        let got = kernels::cast(&product, DType::I64)?.to_vec::<i64>()?;
        let fits = |x: i64| if dtype == DType::U8 { x & 255 } else { x };
        let same =
            got.len() == expected.len() && got.iter().zip(&expected).all(|(&x, &y)| x == fits(y));
        prop_assert!(same, "{dtype} {a:?} {b:?}\n{got:?}\n{expected:?}");
    }
    Ok(())
}

const NUMBERS: [DType; 6] = [
    DType::F32,
    DType::F64,
    DType::Dd,
    DType::I64,
    DType::I32,
    DType::U8,
];

proptest! {
    #[test]
    fn every_rank_layout_and_dtype(
        sides in [0..5usize, 0..5, 0..5],
        batch in proptest::collection::vec(0..4usize, 0..3),
        (rank_a, rank_b) in (1..5usize, 1..5usize),
        ones in any::<[u8; 2]>(),
        (raw_a, raw_b) in (raw(), raw()),
        dtype in 0..NUMBERS.len(),
    ) {
        let [m, k, n] = sides;
        let shape = |rank: usize, ones: u8, last: [usize; 2]| {
            let lead = batch.len().min(rank.saturating_sub(2));
            let batch = batch[batch.len() - lead..].iter().enumerate();
            let mut shape: Vec<usize> = batch.map(|(i, &n)| if ones >> i & 1 == 1 { 1 } else { n }).collect();
            shape.extend(last);
            shape
        };
        let a = if rank_a == 1 { vec![k] } else { shape(rank_a, ones[0], [m, k]) };
        let b = if rank_b == 1 { vec![k] } else { shape(rank_b, ones[1], [k, n]) };
        check(&raw_a.lay(&a, true), &raw_b.lay(&b, true), &[NUMBERS[dtype]])?;
    }

    #[test]
    fn outer(m in 0..6usize, n in 0..6usize, raw_a in raw(), raw_b in raw()) {
        let (a, b) = (raw_a.lay(&[m], true), raw_b.lay(&[n], true));
        let (da, db) = (whole_numbers(a.len), whole_numbers(b.len));
        let products: Vec<i64> = indices(&[m, n]).iter().map(|ij| da[a.place(&ij[..1])] * db[b.place(&ij[1..])]).collect();
        for dtype in NUMBERS {
            let outer = kernels::outer(&operand(&a, dtype), &operand(&b, dtype))?;
            let expected = kernels::cast(&Array::from_slice(&products, [m, n])?, dtype)?;
            prop_assert_eq!(outer.shape(), expected.shape());
            prop_assert_eq!(outer.to_f64_vec()?, expected.to_f64_vec()?);
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.div_ceil(16)))]

    /// Around the size where plain loops end, and where rows are shared among threads.
    #[test]
    fn large_ones(
        (m, k, n) in prop_oneof![
            (14..19usize, 14..19usize, 14..19usize),
            (1..3usize, 1000..3000usize, 1..4usize),
            (60..70usize, 1..4usize, 60..70usize),
            Just((250, 40, 130)),
            Just((3, 65, 6000)),
        ],
        (raw_a, raw_b) in (raw(), raw()),
        dtype in 0..NUMBERS.len(),
    ) {
        check(&raw_a.lay(&[m, k], true), &raw_b.lay(&[k, n], true), &[NUMBERS[dtype]])?;
    }
}

#[test]
fn many_large_batches() {
    let plain = |shape: &[usize]| Strided {
        shape: shape.to_vec(),
        strides: Layout::row_major(shape.into()).strides().to_vec(),
        offset: 0,
        len: shape.iter().product(),
    };
    for (a, b) in [
        (plain(&[60, 20, 30]), plain(&[60, 30, 30])),
        (plain(&[5, 1, 30, 30]), plain(&[3, 30, 20])),
        (plain(&[10, 40, 30]), plain(&[30, 20])),
        (plain(&[300, 5, 8]), plain(&[300, 8, 100])),
    ] {
        check(&a, &b, &NUMBERS).unwrap();
    }
}

/// A product of nothing is zero, not what the memory held before.
#[test]
fn sums_of_nothing_are_zero() {
    for dtype in NUMBERS {
        for (a, b) in [
            (vec![3, 0], vec![0, 4]),
            (vec![2, 3, 0], vec![0, 4]),
            (vec![2, 3, 0], vec![2, 0, 4]),
            (vec![0], vec![0]),
            (vec![5, 0], vec![0]),
        ] {
            drop(Array::full([24], 7.0, dtype).unwrap());
            let zeros = |shape| Array::zeros(shape, dtype).unwrap();
            let product = kernels::matmul(&zeros(a), &zeros(b)).unwrap();
            assert!(product.to_f64_vec().unwrap().iter().all(|&x| x == 0.0));
            assert!(product.numel() > 0);
        }
    }
}

/// Sizes whose product overflows, of operands that repeat one element.
#[test]
fn work_beyond_counting() {
    let one = Array::zeros([1, 1], DType::F32).unwrap();
    let tall = one.expand(&[1 << 31, 1 << 31].into()).unwrap();
    let e = kernels::matmul(&tall, &tall).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Alloc);
}

/// Each product rounded, first to last: what makes the small network's numbers equal to PyTorch's.
#[test]
fn small_sums_run_first_to_last() {
    for n in [1usize, 2, 3, 7, 20] {
        let (x, y) = (support::numbers(1, n), support::numbers(2, n));
        {
            type T = f32;
            let vector =
                |v: &[f64]| kernels::cast(&Array::from_slice(v, [n]).unwrap(), DType::F32).unwrap();
            let product = kernels::matmul(&vector(&x), &vector(&y)).unwrap();
            let mut terms = x.iter().zip(&y).map(|(&x, &y)| x as T * y as T);
            let first = terms.next().unwrap();
            let sum = terms.fold(first, |sum, term| sum + term);
            assert_eq!(product.to_vec::<T>().unwrap(), [sum]);
        }
    }
}
