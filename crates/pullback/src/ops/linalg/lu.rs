//! LU with partial pivoting: `lu_factor`, `lu`, `lu_solve`, `lu_unpack`.

use super::inverse::fitting;
use super::matrices::{
    batched, beside, common_batch, complaint, floating, info_of, ones_on_diagonal, precise,
    refused, sides, square,
};
use crate::core::apply::apply_many;
use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Ctx, Gradients, Op, Reads, Sent, Tangents};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::cat;
use crate::{Array, DType, Error, ErrorKind, Result, Shape};
use pullback_array::factor::{self, Factor};
use smallvec::{SmallVec, smallvec};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// L below the diagonal and U on and above it, in one matrix; and the rows that were exchanged, counted from one.
#[derive(Clone, Debug)]
pub struct LuFactor {
    /// The function in whose name a zero on U's diagonal is an error.
    pub checked: Option<&'static str>,
}
define! { LuFactor: General "linalg_lu_factor_ex", "torch.linalg.lu_factor";
    summary: "L below the diagonal and U on and above it, in one matrix, and the rows exchanged.";
    formula: "P A = L U";
    derivative: "Pᵀ L⁻ᵀ (tril(Lᵀ g_L, -1) + triu(g_U Uᵀ)) U⁻ᵀ; the exchanges are decided";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::result(LuFactor { checked: Some("torch.linalg.lu_factor") }, 0, &[(s, x)]);
        vec![
            of(&[2, 2], &[0.5, 2.0, -1.0, 1.5]),
            of(&[3, 3], &[0.5, 2.0, -0.5, 2.0, 0.5, 0.25, -0.25, 0.5, 3.0]),
            of(&[2, 3], &[0.5, 2.0, 0.75, -1.0, 1.5, 0.25]),
            of(&[3, 2], &[0.5, 2.0, 0.75, -1.0, 1.5, 0.25]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0]),
            of(&[0, 2, 2], &[]),
        ]
    }, spread: true }
}

/// What is wrong with a matrix whose factors cannot be solved with.
fn no_solution(info: i32) -> String {
    format!(
        "U[{info},{info}] is zero and using it on lu_solve would result in a division by zero. If you still want to perform the factorization, consider calling linalg.lu(A, pivot) or linalg.lu_factor_ex(A, pivot)"
    )
}

/// L `[…, m, k]` and U `[…, k, n]` of what was packed.
pub(super) fn unpacked(packed: &Tensor) -> Result<(Tensor, Tensor)> {
    let (m, n) = sides(packed);
    let k = m.min(n);
    let left = packed.narrow(-1, 0, k)?.tril(-1)?;
    let one = ones_on_diagonal(packed, m, k)?;
    Ok((left.add(&one)?, packed.narrow(-2, 0, k)?.triu(0)?))
}

fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

/// For each row of P A, which row of A it is: int64 `[…, m]`. The exchanges are applied one after the other.
fn order(pivots: &Tensor, m: usize, out_of_range: &str) -> Result<Array> {
    crate::core::watch::looked(pivots);
    let pivots = &*pivots.array();
    let front = Shape::new(&pivots.shape()[..pivots.rank() - 1]);
    let shape = Shape::new(&[&front[..], &[m]].concat());
    if pivots.is_meta() {
        return Array::meta(crate::Layout::row_major(shape), DType::I64);
    }
    let k = pivots.shape().last().copied().unwrap_or(0);
    let list = pivots.numbers::<i32>()?;
    let mut all = pullback_array::room(shape.numel())?;
    for number in 0..front.numel() {
        let mut rows: Vec<i64> = pullback_array::gathered(0..signed(m))?;
        for (i, &p) in list[number * k..][..k].iter().enumerate() {
            match usize::try_from(p).ok().and_then(|p| p.checked_sub(1)) {
                Some(p) if p < m => rows.swap(i, p),
                _ => {
                    return Err(refused(out_of_range.into()));
                }
            }
        }
        all.extend(rows);
    }
    Array::from_slice(&all, shape)
}

/// The rows of `x` in an order, one for each matrix.
fn rows_in(x: &Tensor, order: &Tensor) -> Result<Tensor> {
    let index = order.unsqueeze(-1)?.expand(x.shape().clone())?;
    x.gather(-2, &index)
}

impl LuFactor {
    /// Pᵀ X.
    fn back(x: &Tensor, pivots: &Tensor) -> Result<Tensor> {
        let order = beside(x, Tensor::from_array(order(pivots, sides(x).0, "")?))?;
        rows_in(x, &order.argsort(-1, false)?)
    }

    /// P X.
    fn forth(x: &Tensor, pivots: &Tensor) -> Result<Tensor> {
        rows_in(
            x,
            &beside(x, Tensor::from_array(order(pivots, sides(x).0, "")?))?,
        )
    }

    /// L⁻ᵀ X U⁻ᵀ of square factors.
    fn inner(l: &Tensor, u: &Tensor, x: &Tensor) -> Result<Tensor> {
        let half = l.mt()?.solve_triangular(x, true, true, true)?;
        u.mt()?.solve_triangular(&half, false, false, false)
    }

    fn pulled(packed: &Tensor, g: &Tensor) -> Result<Tensor> {
        let (m, n) = sides(packed);
        let k = m.min(n);
        let (l, u) = unpacked(packed)?;
        let (gl, gu) = (g.narrow(-1, 0, k)?.tril(-1)?, g.narrow(-2, 0, k)?.triu(0)?);
        let (l1, u1) = (l.narrow(-2, 0, k)?, u.narrow(-1, 0, k)?);
        if m == n {
            let inner = l.mt()?.matmul(&gl)?.tril(-1)?;
            return Self::inner(&l, &u, &inner.add(&gu.matmul(&u.mt()?)?.triu(0)?)?);
        }
        if m < n {
            let (u2, g2) = (u.narrow(-1, k, n - k)?, gu.narrow(-1, k, n - k)?);
            let lower = l.mt()?.matmul(&gl)?.sub(&g2.matmul(&u2.mt()?)?)?.tril(-1)?;
            let upper = gu.narrow(-1, 0, k)?.matmul(&u1.mt()?)?.triu(0)?;
            let first = Self::inner(&l, &u1, &lower.add(&upper)?)?;
            let second = l.mt()?.solve_triangular(&g2, true, true, true)?;
            return cat(&[&first, &second], -1);
        }
        let (l2, g2) = (l.narrow(-2, k, m - k)?, gl.narrow(-2, k, m - k)?);
        let lower = l1.mt()?.matmul(&gl.narrow(-2, 0, k)?)?.tril(-1)?;
        let upper = gu.matmul(&u.mt()?)?.sub(&l2.mt()?.matmul(&g2)?)?.triu(0)?;
        let first = Self::inner(&l1, &u, &lower.add(&upper)?)?;
        let second = u.mt()?.solve_triangular(&g2, false, false, false)?;
        cat(&[&first, &second], -2)
    }

    fn pushed(packed: &Tensor, t: &Tensor) -> Result<Tensor> {
        let (m, n) = sides(packed);
        let k = m.min(n);
        let (l, u) = unpacked(packed)?;
        let (l1, u1) = (l.narrow(-2, 0, k)?, u.narrow(-1, 0, k)?);
        let corner = t.narrow(-2, 0, k)?.narrow(-1, 0, k)?;
        let half = l1.solve_triangular(&corner, false, true, true)?;
        let inner = u1.solve_triangular(&half, true, false, false)?;
        let (dl, du) = (l1.matmul(&inner.tril(-1)?)?, inner.triu(0)?.matmul(&u1)?);
        let square = dl.tril(-1)?.add(&du.triu(0)?)?;
        if m < n {
            let rest = t
                .narrow(-1, k, n - k)?
                .sub(&dl.matmul(&u.narrow(-1, k, n - k)?)?)?;
            return cat(
                &[&square, &l1.solve_triangular(&rest, false, true, true)?],
                -1,
            );
        }
        if m > n {
            let rest = t
                .narrow(-2, k, m - k)?
                .sub(&l.narrow(-2, k, m - k)?.matmul(&du)?)?;
            return cat(
                &[&square, &u1.solve_triangular(&rest, true, false, false)?],
                -2,
            );
        }
        Ok(square)
    }
}

impl Op for LuFactor {
    common!(stacked, results 2);
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let found = factor::factor(x[0], Factor::Lu)?;
        if let Some(name) = self.checked
            && let Some(text) = complaint(name, x[0], &found.info, no_solution)
        {
            return Err(refused(text));
        }
        Ok(found.parts.into_iter().collect())
    }
    fn differentiable(&self, k: usize) -> bool {
        k == 0
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        if let Some(Some(g)) = g.first() {
            let (packed, pivots) = (cx.output_at(0)?, cx.output_at(1)?);
            out[0] = Some(LuFactor::back(&LuFactor::pulled(&packed, g)?, &pivots)?);
        }
        Ok(())
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        let (packed, pivots) = (cx.output_at(0)?, cx.output_at(1)?);
        let Some(t) = &t[0] else {
            return Ok(smallvec![None, None]);
        };
        let moved = LuFactor::pushed(&packed, &LuFactor::forth(t, &pivots)?)?;
        Ok(smallvec![Some(moved), None])
    }
}

rules::by_first!(LuFactor);

#[pullback_macros::called]
impl Tensor {
    /// P A = L U with partial pivoting, L (below the diagonal) and U in one matrix `[…, m, n]`; and the rows that were exchanged,
    /// counted from one: int32 `[…, min(m, n)]`. PyTorch's `linalg.lu_factor`.
    ///
    /// # Errors
    /// Where there is no matrix of a floating dtype or U has a zero on its diagonal; without the feature `linalg`.
    #[track_caller]
    pub fn lu_factor(&self) -> Result<(Tensor, Tensor)> {
        self.lu_factor_with(
            "torch.lu_factor",
            Some("torch.linalg.lu_factor"),
            Location::caller(),
        )
    }

    pub(crate) fn lu_factor_with(
        &self,
        name: &str,
        checked: Option<&'static str>,
        site: &'static Location<'static>,
    ) -> Result<(Tensor, Tensor)> {
        two_dimensions(self, name)?;
        precise(self, "lu_cpu")?;
        let mut both = apply_many(&LuFactor { checked }, &[self], site)?.into_iter();
        match (both.next(), both.next()) {
            (Some(packed), Some(pivots)) => Ok((packed, pivots)),
            _ => Err(Error::new(ErrorKind::Value, "two results were expected")),
        }
    }

    /// (P, L, U) with A = P L U: `[…, m, m]`, `[…, m, k]`, `[…, k, n]`, k = min(m, n). PyTorch's `linalg.lu`.
    ///
    /// # Errors
    /// As [`Tensor::lu_factor`], but U may have zeros on its diagonal.
    #[track_caller]
    pub fn lu(&self) -> Result<(Tensor, Tensor, Tensor)> {
        let (packed, pivots) = self.lu_factor_with("linalg.lu", None, Location::caller())?;
        packed.lu_unpack(&pivots)
    }

    /// (P, L, U) of what [`Tensor::lu_factor`] gives. PyTorch's `lu_unpack`.
    ///
    /// # Errors
    /// Where shapes do not fit, or exchanges are of another dtype or out of range.
    #[track_caller]
    pub fn lu_unpack(&self, pivots: &Tensor) -> Result<(Tensor, Tensor, Tensor)> {
        let (l, u) = unpacked(self)?;
        Ok((permutation(self, pivots)?, l, u))
    }

    /// The solution of A X = B, or with `left` false of X A = B, or with `adjoint` of Aᵀ X = B, where `self` and `pivots` are what
    /// [`Tensor::lu_factor`] gave for A. PyTorch's `linalg.lu_solve`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit; without the feature `linalg`.
    #[track_caller]
    pub fn lu_solve(
        &self,
        pivots: &Tensor,
        b: &Tensor,
        left: bool,
        adjoint: bool,
    ) -> Result<Tensor> {
        let name = "linalg.lu_solve";
        floating(self, "torch.linalg.lu_solve")?;
        square(self, "torch.linalg.lu_solve")?;
        fitting(self, b, name, ("LU", "B"), left)?;
        precise(self, "linalg.lu_solve_cpu")?;
        let n = sides(self).0;
        exchangeable(self, pivots)?;
        if !left {
            return self.lu_solve(pivots, &b.mt()?, true, !adjoint)?.mt();
        }
        let front = common_batch(self, b)?;
        let (packed, b) = (batched(self, &front)?, batched(b, &front)?);
        let order = beside(self, Tensor::from_array(order(pivots, n, "Pivots given to lu_solve must all be smaller or equal to LU.size(-2). Did you properly pass the result of lu_factor?")?))?
            .expand(Shape::new(&[&front[..], &[n]].concat()))?;
        if adjoint {
            let half = packed.mt()?.solve_triangular(&b, false, true, false)?;
            let x = packed.mt()?.solve_triangular(&half, true, true, true)?;
            return rows_in(&x, &order.argsort(-1, false)?);
        }
        let half = packed.solve_triangular(&rows_in(&b, &order)?, false, true, true)?;
        packed.solve_triangular(&half, true, true, false)
    }
}

/// Whether there are two dimensions, as functions of LU say it.
fn two_dimensions(a: &Tensor, name: &str) -> Result<()> {
    match a.ndim() {
        0 | 1 => {
            let sizes: Vec<String> = a.shape().iter().map(usize::to_string).collect();
            Err(refused(format!(
                "{name}: Expected tensor with 2 or more dimensions. Got size: [{}] instead",
                sizes.join(", ")
            )))
        }
        _ => Ok(()),
    }
}

/// Whether exchanges are those of such a matrix.
fn exchangeable(packed: &Tensor, pivots: &Tensor) -> Result<()> {
    if pivots.dtype() != DType::I32 {
        return Err(refused(
            "linalg.lu_solve: pivots should be a Tensor of scalar type torch.int32".into(),
        ));
    }
    if pivots.shape().last() != Some(&sides(packed).0) {
        return Err(refused("linalg.lu_solve: Number of pivots per batch should be same as the dimension of the matrix".into()));
    }
    if pivots.shape()[..] != packed.shape()[..packed.ndim() - 1] {
        return Err(refused(
            "linalg.lu_solve: Expected LU.shape[:-1] and pivots.shape to be the same, but got pivots with shape "
                .to_string()
                + &format!("{} instead", pivots.shape()),
        ));
    }
    Ok(())
}

/// P `[…, m, m]`.
pub(crate) fn permutation(packed: &Tensor, pivots: &Tensor) -> Result<Tensor> {
    if pivots.dtype() != DType::I32 {
        return Err(refused("torch.lu_unpack: LU_pivots is expected to be a contiguous tensor of torch.int32 dtype.".into()));
    }
    two_dimensions(packed, "torch.lu_unpack")?;
    let (m, n) = sides(packed);
    let expected = Shape::new(&[&packed.shape()[..packed.ndim() - 2], &[m.min(n)]].concat());
    if pivots.shape()[..] != expected[..] {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "Expected LU_pivots to have shape {expected} but got {} instead.",
                pivots.shape()
            ),
        ));
    }
    let order = order(
        pivots,
        m,
        "pivots passed to lu_unpack must be between 1 and LU.size(-2) inclusive.Did you properly pass the result of lu_factor?",
    )?;
    let order = beside(packed, Tensor::from_array(order))?;
    // Row i of P A is row order[i] of A, and A = Pᵀ(P A): the column of row order[i] is i.
    let one = ones_on_diagonal(packed, m, m)?;
    let front = order.shape()[..order.ndim() - 1].to_vec();
    rows_in(&batched(&one, &front)?, &order)?.mt()?.contiguous()
}

/// Zero where U has no zero on its diagonal, else the number of the first one: PyTorch's `info`, int32.
#[cfg_attr(not(all(feature = "linalg", feature = "functions")), allow(dead_code))]
pub(crate) fn zero_pivots(packed: &Tensor) -> Result<Tensor> {
    let (m, n) = sides(packed);
    let (k, count) = (
        m.min(n),
        packed.shape()[..packed.ndim() - 2].iter().product(),
    );
    if packed.array().is_meta() {
        return info_of(packed, &[]);
    }
    let zeros = packed
        .detach()
        .diagonal(0, -2, -1)?
        .eq(0.0)?
        .numbers::<bool>()?;
    let first = |number: usize| {
        let place = zeros[number * k..][..k].iter().position(|&zero| zero);
        place.map_or(0, |i| i32::try_from(i + 1).unwrap_or(i32::MAX))
    };
    info_of(packed, &pullback_array::gathered((0..count).map(first))?)
}
