//! Every kernel this machine can run, against sums in double-double: sizes around all block edges, any strides, numbers that
//! are not finite.

use super::{Blocked, Gemm, KC, MC, NC, product};
use crate::dd::Dd;
use crate::device::cpu::kernels::matmul::Mat;
use crate::dtype::Element;
use proptest::prelude::*;
use std::ptr::null;

/// A matrix somewhere in a larger block of numbers.
#[derive(Clone)]
struct Sample<T> {
    data: Vec<T>,
    rows: usize,
    cols: usize,
    rs: usize,
    cs: usize,
}

impl<T: Element> Sample<T> {
    /// `gap` elements lie between neighbours; by columns if `turned`.
    fn new(rows: usize, cols: usize, gap: usize, turned: bool, seed: u64) -> Self {
        let (rs, cs) = match turned {
            true => (gap + 1, rows * (gap + 1) + gap),
            false => (cols * (gap + 1) + gap, gap + 1),
        };
        let mut state = seed.wrapping_mul(2) + 1;
        let mut next = || {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            T::from_f64((state >> 40) as f64 / (1u64 << 23) as f64 - 1.0)
        };
        let data = (0..rows * rs + cols * cs + 1).map(|_| next()).collect();
        Sample {
            data,
            rows,
            cols,
            rs,
            cs,
        }
    }

    fn at(&self, i: usize, j: usize) -> T {
        self.data[i * self.rs + j * self.cs]
    }

    fn mat(&self) -> Mat<*const T> {
        Mat {
            ptr: self.data.as_ptr(),
            rows: self.rows,
            cols: self.cols,
            rs: self.rs as isize,
            cs: self.cs as isize,
        }
    }
}

/// The result and its matrix, full of what must not stay.
fn room<T: Element>(rows: usize, cols: usize) -> Vec<T> {
    vec![T::from_f64(f64::NAN); rows * cols]
}

fn mat<T>(c: &mut [T], rows: usize, cols: usize) -> Mat<*mut T> {
    Mat {
        ptr: c.as_mut_ptr(),
        rows,
        cols,
        rs: cols as isize,
        cs: 1,
    }
}

fn bits<T: Element>(c: &[T]) -> Vec<u64> {
    c.iter().map(|x| x.to_f64().to_bits()).collect()
}

/// Every kernel's product, compared at some elements; all of them are compared among the kernels with fused steps.
#[allow(unsafe_code)]
fn check<T: Blocked + Gemm>(a: &Sample<T>, b: &Sample<T>) -> Result<(), TestCaseError> {
    let (m, k, n) = (a.rows, a.cols, b.cols);
    let mut fused: Option<Vec<u64>> = None;
    let mut all = Vec::new();
    for (which, tile) in T::tiles().into_iter().enumerate() {
        let Some(tile) = tile else { continue };
        let mut c = room::<T>(m, n);
        // SAFETY: the matrices lie inside their vectors.
        unsafe { product(&tile, a.mat(), b.mat(), mat(&mut c, m, n), null()).unwrap() };
        if which < 2 {
            let same = fused.get_or_insert_with(|| bits(&c));
            prop_assert!(*same == bits(&c), "AVX2 and AVX-512 differ: {m}x{k}x{n}");
        }
        all.push(c);
    }
    let mut c = room::<T>(m, n);
    // SAFETY: as above.
    unsafe { T::gemm(a.mat(), b.mat(), mat(&mut c, m, n), null()).unwrap() };
    all.push(c);
    // A bias is added to each element once it is complete.
    let bias = Sample::<T>::new(1, n, 0, false, 5);
    let mut with = room::<T>(m, n);
    // SAFETY: as above.
    unsafe {
        T::gemm(a.mat(), b.mat(), mat(&mut with, m, n), bias.data.as_ptr()).unwrap();
    };
    let plain = all.last().expect("there are some");
    for (i, (x, y)) in with.iter().zip(plain).enumerate() {
        let sum = *y + bias.data[i % n];
        prop_assert!(x.to_f64().to_bits() == sum.to_f64().to_bits());
    }
    let unit = T::DTYPE.unit_roundoff();
    let step = (m * n / 300).max(1);
    for at in (0..m * n)
        .step_by(step)
        .chain((m * n).saturating_sub(40)..m * n)
    {
        let (i, j) = (at / n, at % n);
        let (mut sum, mut size) = (Dd::ZERO, 0.0);
        for p in 0..k {
            let term = a.at(i, p).to_dd() * b.at(p, j).to_dd();
            sum += term;
            size += term.to_f64().abs();
        }
        for (which, c) in all.iter().enumerate() {
            let error = (c[at].to_dd() - sum).to_f64().abs();
            prop_assert!(
                error <= unit * (2.0 + k as f64) * size,
                "kernel {which}, {m}x{k}x{n} at ({i}, {j}): {:?} for {sum}",
                c[at]
            );
        }
    }
    Ok(())
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(ProptestConfig::default().cases.div_ceil(4)))]

    #[test]
    fn products_are_sums_of_products(
        (m, k, n) in prop_oneof![
            (1..30usize, 0..20usize, 1..70usize),
            (1..4usize, 250..520usize, 1..40usize),
            (230..250usize, 1..4usize, 1..40usize),
            (1..14usize, 1..4usize, 1020..1060usize),
            (40..60usize, KC - 1..KC + 2, 30..70usize),
        ],
        gaps in (0..3usize, 0..3usize),
        turned in any::<(bool, bool)>(),
        seed in any::<u32>(),
        double in any::<bool>(),
    ) {
        let seed = u64::from(seed);
        if double {
            check::<f64>(&Sample::new(m, k, gaps.0, turned.0, seed), &Sample::new(k, n, gaps.1, turned.1, seed + 1))?;
        } else {
            check::<f32>(&Sample::new(m, k, gaps.0, turned.0, seed), &Sample::new(k, n, gaps.1, turned.1, seed + 1))?;
        }
    }
}

/// More than one block along every side.
#[test]
fn blocks_meet_without_a_seam() {
    for turned in [false, true] {
        let (m, k, n) = (MC + 13, 2 * KC + 1, NC + 33);
        let (a, b) = (
            Sample::new(m, k, 0, turned, 1),
            Sample::new(k, n, 0, turned, 2),
        );
        check::<f32>(&a, &b).unwrap();
    }
}

/// What is not finite reaches its own row or column and nothing else: panels are padded, and padding is multiplied too.
#[test]
#[allow(unsafe_code)]
fn infinities_and_nans_stay_where_they_belong() {
    for (m, k, n) in [
        (13, 30, 33),
        (5, 300, 17),
        (1, 40, 50),
        (50, 40, 1),
        (25, 7, 40),
    ] {
        for special in [f64::NAN, f64::INFINITY] {
            let mut a = Sample::<f32>::new(m, k, 0, false, 3);
            let mut b = Sample::<f32>::new(k, n, 0, false, 4);
            a.data[(m - 1) * a.rs + k - 1] = special as f32;
            b.data[n - 1] = special as f32;
            let mut products = Vec::new();
            for tile in f32::tiles().iter().flatten() {
                let mut c = room::<f32>(m, n);
                // SAFETY: the matrices lie inside their vectors.
                unsafe { product(tile, a.mat(), b.mat(), mat(&mut c, m, n), null()).unwrap() };
                products.push(c);
            }
            let mut c = room::<f32>(m, n);
            // SAFETY: as above.
            unsafe { f32::gemm(a.mat(), b.mat(), mat(&mut c, m, n), null()).unwrap() };
            products.push(c);
            for c in products {
                for i in 0..m {
                    for j in 0..n {
                        let touched = i == m - 1 || j == n - 1;
                        assert_eq!(
                            !c[i * n + j].is_finite(),
                            touched,
                            "{m}x{k}x{n} at ({i}, {j})"
                        );
                    }
                }
            }
        }
    }
}
