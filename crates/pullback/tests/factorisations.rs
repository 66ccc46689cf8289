//! Factorisations of random matrices of many sizes: what each must be, whatever the numbers. In both dtypes, in batches, and wherever the
//! elements lie in memory.

#![cfg(feature = "linalg")]

use pullback::ops::{QrMode, cat, eye};
use pullback::{DType, Result, Tensor};

const SIZES: [usize; 6] = [0, 1, 2, 3, 5, 8];
const DTYPES: [DType; 2] = [DType::F32, DType::F64];

/// Numbers between -1 and 1, others for each seed.
struct Numbers(u64);

impl Numbers {
    fn next(&mut self) -> f64 {
        self.0 = (self.0)
            .wrapping_mul(0x5851_f42d_4c95_7f2d)
            .wrapping_add(0x1405_7b7e_f767_814f);
        ((self.0 >> 33) as f64) / f64::from(1u32 << 30) - 1.0
    }

    fn tensor(&mut self, sizes: &[usize], dtype: DType) -> Result<Tensor> {
        let count = sizes.iter().product();
        let list: Vec<f64> = (0..count).map(|_| self.next()).collect();
        Tensor::from_slice(&list, sizes)?.to(dtype)
    }

    /// Matrices whose singular values are not far from each other.
    fn matrices(&mut self, sizes: &[usize], dtype: DType) -> Result<Tensor> {
        let [.., m, n] = sizes else {
            panic!("a matrix has two sizes")
        };
        let one = eye(*m, Some((*n).into()), dtype)?;
        self.tensor(sizes, dtype)?
            .add(&one.mul(1.5 + (*m).max(*n) as f64)?)
    }

    /// Symmetric positive definite ones.
    fn definite(&mut self, sizes: &[usize], dtype: DType) -> Result<Tensor> {
        let a = self.tensor(sizes, dtype)?;
        let one = eye(sizes[sizes.len() - 1] as i64, None, dtype)?;
        a.matmul(&a.mt()?)?.add(&one)
    }
}

/// The same numbers, lying row by row, column by column, and spread over a larger array.
fn everywhere(a: &Tensor) -> Result<Vec<Tensor>> {
    let turned = a.mt()?.contiguous()?.mt()?;
    let strange = a.ones_like()?.mul(f64::NAN)?;
    let last = a.ndim() as i64;
    let pair = cat(&[&a.unsqueeze(last)?, &strange.unsqueeze(last)?], last)?;
    Ok(vec![a.clone(), turned, pair.select(last, 0)?])
}

/// Tries something on square matrices of every size, dtype and layout; `make` gives the matrices.
fn each_square(
    make: impl Fn(&mut Numbers, &[usize], DType) -> Result<Tensor>,
    f: impl Fn(&mut Numbers, &Tensor) -> Result<()>,
) {
    let mut tried = 0;
    for dtype in DTYPES {
        for n in SIZES {
            for front in [&[][..], &[2], &[3, 1], &[0]] {
                let mut numbers = Numbers(1 + n as u64 + 16 * front.len() as u64);
                let a = make(&mut numbers, &[front, &[n, n]].concat(), dtype).unwrap();
                for a in everywhere(&a).unwrap() {
                    f(&mut numbers, &a).unwrap_or_else(|e| panic!("{dtype} {}: {e}", a.shape()));
                    tried += 1;
                }
            }
        }
    }
    assert_eq!(tried, 2 * 6 * 4 * 3);
}

/// Tries something on matrices of every two sizes.
fn each_shape(f: impl Fn(&mut Numbers, &Tensor) -> Result<()>) {
    for dtype in DTYPES {
        for (m, n) in SIZES.iter().flat_map(|&m| SIZES.map(|n| (m, n))) {
            for front in [&[][..], &[2]] {
                let mut numbers = Numbers(3 + m as u64 + 64 * n as u64);
                let a = numbers.matrices(&[front, &[m, n]].concat(), dtype).unwrap();
                for a in everywhere(&a).unwrap() {
                    f(&mut numbers, &a).unwrap_or_else(|e| panic!("{dtype} {}: {e}", a.shape()));
                }
            }
        }
    }
}

/// Whether two tensors agree within some roundings of the largest element.
#[track_caller]
fn same(got: &Tensor, want: &Tensor) {
    assert_eq!(got.shape(), want.shape());
    assert_eq!(got.dtype(), want.dtype());
    let (got, list) = (got.to_f64_vec().unwrap(), want.to_f64_vec().unwrap());
    let most = list.iter().fold(1.0f64, |m, x| m.max(x.abs()));
    let allowed = 256.0 * want.dtype().unit_roundoff() * most;
    for (i, (g, w)) in got.iter().zip(&list).enumerate() {
        assert!((g - w).abs() <= allowed, "element {i}: {g} instead of {w}");
    }
}

fn one(n: usize, like: &Tensor) -> Result<Tensor> {
    let front = &like.shape()[..like.ndim() - 2];
    let sizes = [front, &[n, n]].concat();
    eye(n as i64, None, like.dtype())?.expand(sizes.as_slice())
}

#[track_caller]
fn orthonormal(q: &Tensor) {
    let k = q.shape()[q.ndim() - 1];
    same(&q.mt().unwrap().matmul(q).unwrap(), &one(k, q).unwrap());
}

fn sides(a: &Tensor) -> (usize, usize) {
    (a.shape()[a.ndim() - 2], a.shape()[a.ndim() - 1])
}

/// Right-hand sides for A.
fn beside(numbers: &mut Numbers, a: &Tensor, columns: usize) -> Result<Tensor> {
    let sizes = [&a.shape()[..a.ndim() - 1], &[columns]].concat();
    numbers.tensor(&sizes, a.dtype())
}

#[test]
fn inverses_and_solutions() {
    each_square(Numbers::matrices, |numbers, a| {
        let inverse = a.inv()?;
        same(&inverse.matmul(a)?, &one(sides(a).0, a)?);
        let b = beside(numbers, a, 3)?;
        same(&a.matmul(&a.solve(&b, true)?)?, &b);
        same(
            &b.mt()?.contiguous()?,
            &a.solve(&b.mt()?, false)?.matmul(a)?,
        );
        let (packed, pivots) = a.lu_factor()?;
        same(&a.matmul(&packed.lu_solve(&pivots, &b, true, false)?)?, &b);
        same(
            &a.mt()?.matmul(&packed.lu_solve(&pivots, &b, true, true)?)?,
            &b,
        );
        let right = packed.lu_solve(&pivots, &b.mt()?, false, false)?;
        same(&right.matmul(a)?, &b.mt()?);
        let (p, l, u) = packed.lu_unpack(&pivots)?;
        same(&p.matmul(&l)?.matmul(&u)?, a);
        orthonormal(&p);
        same(&a.pinv(0.0, None)?, &inverse);
        Ok(())
    });
}

#[test]
fn triangular_solutions() {
    each_square(Numbers::matrices, |numbers, a| {
        let n = sides(a).0;
        let b = beside(numbers, a, 2)?;
        for (upper, left, unit) in (0..8).map(|k| (k & 1 > 0, k & 2 > 0, k & 4 > 0)) {
            let half = if upper { a.triu(0)? } else { a.tril(0)? };
            let small = if upper { a.triu(1)? } else { a.tril(-1)? }.mul(0.125)?;
            // With ones on the diagonal the rest must be small.
            let (given, t) = match unit {
                true => (a.mul(0.125)?, small.add(&one(n, a)?)?),
                false => (a.clone(), half),
            };
            let b = if left { b.clone() } else { b.mt()? };
            let x = given.solve_triangular(&b, upper, left, unit)?;
            let product = if left { t.matmul(&x)? } else { x.matmul(&t)? };
            same(&product, &b.contiguous()?);
        }
        Ok(())
    });
}

#[test]
fn factors_of_symmetric_matrices() {
    each_square(Numbers::definite, |numbers, a| {
        let n = sides(a).0;
        let l = a.cholesky(false)?;
        same(&l.matmul(&l.mt()?)?, a);
        same(&l, &l.tril(0)?);
        same(&a.cholesky(true)?, &l.mt()?);
        let b = beside(numbers, a, 2)?;
        same(&a.matmul(&b.cholesky_solve(&l, false)?)?, &b);
        same(&a.matmul(&b.cholesky_solve(&l.mt()?, true)?)?, &b);
        same(&l.cholesky_inverse(false)?.matmul(a)?, &one(n, a)?);
        let root = a.matrix_sqrth()?;
        same(&root.matmul(&root)?, a);
        let (w, v) = a.eigh(false)?;
        orthonormal(&v);
        same(&v.mul(&w.unsqueeze(-2)?)?.matmul(&v.mt()?)?, a);
        same(&w, &w.sort(-1, false)?.0);
        same(&a.eigh(true)?.0, &w);
        same(&a.logdet()?, &w.log()?.sum_dims(&[-1], false)?);
        // Not definite.
        let shifted = a.sub(&one(n, a)?.mul(2.5)?)?;
        let (factors, pivots) = shifted.ldl_factor()?;
        let x = factors.ldl_solve(&pivots, &b)?;
        let least = shifted
            .svdvals()?
            .to_f64_vec()?
            .into_iter()
            .fold(1.0, f64::min);
        if least > 0.1 {
            same(&shifted.matmul(&x)?, &b);
        }
        Ok(())
    });
}

#[test]
fn factors_of_matrices_of_every_shape() {
    each_shape(|numbers, a| {
        let ((m, n), k) = (sides(a), sides(a).0.min(sides(a).1));
        for mode in [QrMode::Reduced, QrMode::Complete] {
            let (q, r) = a.qr(mode)?;
            orthonormal(&q);
            same(&q.matmul(&r)?, a);
            same(&r, &r.triu(0)?);
            assert_eq!(sides(&q), (m, if mode == QrMode::Reduced { k } else { m }));
        }
        for full in [false, true] {
            let (u, s, vh) = a.svd(full)?;
            orthonormal(&u);
            orthonormal(&vh.mt()?);
            let (left, right) = (u.narrow(-1, 0, k)?, vh.narrow(-2, 0, k)?);
            same(&left.mul(&s.unsqueeze(-2)?)?.matmul(&right)?, a);
            same(&s, &s.sort(-1, true)?.0);
            same(&a.svdvals()?, &s);
        }
        let (p, l, u) = a.lu()?;
        same(&p.matmul(&l)?.matmul(&u)?, a);
        let (made, tau) = a.geqrf()?;
        let (q, r) = a.qr(QrMode::Complete)?;
        same(&made.triu(0)?, &r);
        let b = beside(numbers, a, 2)?;
        same(&made.ormqr(&tau, &b, true, false)?, &q.matmul(&b)?);
        same(&made.ormqr(&tau, &b, true, true)?, &q.mt()?.matmul(&b)?);
        same(
            &made.ormqr(&tau, &b.mt()?, false, false)?,
            &b.mt()?.matmul(&q)?,
        );
        same(
            &made.ormqr(&tau, &b.mt()?, false, true)?,
            &b.mt()?.matmul(&q.mt()?)?,
        );
        if m >= n {
            same(&made.householder_product(&tau)?, &a.qr(QrMode::Reduced)?.0);
            let (u, h) = a.linalg_polar()?;
            orthonormal(&u);
            same(&u.matmul(&h)?, a);
            same(&h, &h.mt()?);
        }
        Ok(())
    });
}

#[test]
fn pseudoinverses_and_least_squares() {
    each_shape(|numbers, a| {
        let (m, n) = sides(a);
        let x = a.pinv(0.0, None)?;
        let (left, right) = (a.matmul(&x)?, x.matmul(a)?);
        same(&left.matmul(a)?, a);
        same(&right.matmul(&x)?, &x);
        same(&left, &left.mt()?);
        same(&right, &right.mt()?);
        let b = beside(numbers, a, 2)?;
        let found = a.lstsq(&b, None)?;
        let rest = a.matmul(&found.solution)?.sub(&b)?;
        same(&a.mt()?.matmul(&rest)?, &a.mt()?.matmul(&b)?.zeros_like()?);
        same(&found.solution, &x.matmul(&b)?);
        if m > n && n > 0 {
            same(&found.residuals, &rest.square()?.sum_dims(&[-2], false)?);
        }
        let k = m.min(n) as f64;
        assert!(
            a.matrix_rank(0.0, None)?
                .to_f64_vec()?
                .iter()
                .all(|&r| r == k)
        );
        Ok(())
    });
}

#[test]
fn determinants_and_exponentials() {
    each_square(Numbers::matrices, |_, a| {
        let n = sides(a).0;
        let scaled = a.mul(1.0 / (n as f64 + 1.0))?;
        let det = scaled.det()?;
        let (sign, logarithm) = scaled.slogdet()?;
        same(&sign.mul(&logarithm.exp()?)?, &det);
        same(&scaled.matmul(&scaled)?.det()?, &det.square()?);
        let product = scaled.svdvals()?.prod_dim(-1, false)?;
        same(&det.abs()?, &product);
        let half = scaled.mul(0.5)?;
        same(
            &half.matrix_exp()?.matmul(&half.neg()?.matrix_exp()?)?,
            &one(n, a)?,
        );
        // det exp A = exp tr A.
        let trace = half.diagonal(0, -2, -1)?.sum_dims(&[-1], false)?;
        same(&half.matrix_exp()?.det()?, &trace.exp()?);
        let s = scaled.svdvals()?;
        if n > 0 {
            let ends = s.select(-1, 0)?.div(&s.select(-1, n as i64 - 1)?)?;
            same(&scaled.cond()?, &ends);
        }
        Ok(())
    });
}

/// How far `a` is from `b`, of the largest number of `b`, in 32 digits.
fn apart(a: &Tensor, b: &Tensor) -> f64 {
    let largest = |x: &Tensor| -> f64 { x.abs().unwrap().max().unwrap().item_f64().unwrap() };
    largest(&a.sub(b).unwrap()) / largest(b)
}

#[test]
fn factors_of_32_digits_are_good_to_them_at_every_size() -> Result<()> {
    for n in [1, 3, 8, 17, 40, 70] {
        pullback::random::manual_seed(n as u64);
        let square = Tensor::randn([n, n], DType::F64)?.to(DType::Dd)?;
        let tall = Tensor::randn([n + 5, n], DType::F64)?.to(DType::Dd)?;
        let one = eye(n, None, DType::Dd)?;
        let good = |what: &str, a: &Tensor, b: &Tensor| {
            let far = apart(a, b);
            assert!(far < 1e-26, "{what} of {n} rows: {far:e}");
        };
        good("inv", &square.matmul(&square.inv()?)?, &one);
        let b = Tensor::randn([n, 2], DType::F64)?.to(DType::Dd)?;
        good("solve", &square.matmul(&square.solve(&b, true)?)?, &b);
        let gram = square.matmul(&square.mt()?)?.add(&one)?;
        let l = gram.cholesky(false)?;
        good("cholesky", &l.matmul(&l.mt()?)?, &gram);
        for x in [&square, &tall, &tall.mt()?.contiguous()?] {
            let (q, r) = x.qr(QrMode::Reduced)?;
            good("qr", &q.matmul(&r)?, x);
            let (u, s, vh) = x.svd(false)?;
            good("svd", &u.mul(&s.unsqueeze(-2)?)?.matmul(&vh)?, x);
        }
        let (w, v) = gram.eigh(false)?;
        good("eigh", &v.mul(&w.unsqueeze(-2)?)?.matmul(&v.mt()?)?, &gram);
        // Of the two signs that a vector may have, single, double and 32 digits have the same.
        let double = |x: &Tensor| x.to(DType::F64);
        for x in [&square, &tall] {
            let (wide, narrow) = (x.svd(false)?, double(x)?.svd(false)?);
            let (wide_q, narrow_q) = (x.qr(QrMode::Reduced)?.0, double(x)?.qr(QrMode::Reduced)?.0);
            for (a, b) in [(wide.0, narrow.0), (wide.2, narrow.2), (wide_q, narrow_q)] {
                assert!(apart(&double(&a)?, &b) < 1e-8, "signs of {n} rows");
            }
        }
        let vectors = double(&gram)?.eigh(false)?.1;
        assert!(apart(&double(&v)?, &vectors) < 1e-8, "signs of {n} rows");
        let (sign, logarithm) = square.slogdet()?;
        let det = sign.mul(&logarithm.exp()?)?;
        good("det", &square.det()?, &det);
    }
    Ok(())
}
