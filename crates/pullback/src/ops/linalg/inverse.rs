//! Inverses and what is solved with them: `inv`, `solve`, `solve_triangular`.

use super::matrices::{
    batched, common_batch, failed, floating, info_of, not_half, precise, refused, sides, square,
};
use crate::core::apply::{apply, apply_dyn};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::{Array, Result};
use pullback_array::factor::{self, Factor};
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The inverse of each matrix.
#[derive(Clone, Debug)]
pub struct Inverse {
    /// The function in whose name a singular matrix is an error; else its inverse is NaN.
    pub checked: Option<&'static str>,
}
define! { Inverse: General "linalg_inv_ex", "torch.linalg.inv";
    summary: "The inverse of each matrix.";
    formula: "A⁻¹";
    derivative: "-A⁻ᵀ g A⁻ᵀ";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64]| Sample::new(Inverse { checked: Some("linalg.inv") }, &[(s, x)]);
        vec![
            of(&[2, 2], &[2.0, 0.5, -1.0, 1.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0]),
            of(&[0, 2, 2], &[]),
            of(&[2, 0, 0], &[]),
            of(&[1, 1], &[-4.0]),
        ]
    }, spread: true }
}

/// What is wrong with a singular matrix.
pub(super) fn no_inverse(info: i32) -> String {
    format!(
        "The diagonal element {info} is zero, the inversion could not be completed because the input matrix is singular."
    )
}

impl Op for Inverse {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut found = factor::factor(x[0], Factor::Inverse)?;
        if let Some(name) = self.checked {
            failed(name, x[0], &found.info, no_inverse)?;
        }
        Ok(found.parts.remove(0))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::OUTPUT
    }
}

impl rules::General for Inverse {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let x = cx.output()?.mt()?;
        x.matmul(g)?.matmul(&x)?.neg()
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let x = cx.output()?;
        match &t[0] {
            Some(t) => x.matmul(t)?.matmul(&x)?.neg(),
            None => x.zeros_like(),
        }
    }
}

/// A⁻¹ B of batches of the same dimensions.
#[derive(Clone, Debug)]
pub struct Solve {
    /// The function in whose name a singular matrix is an error.
    pub checked: Option<&'static str>,
}
define! { Solve: General "linalg_solve_ex", "torch.linalg.solve";
    summary: "The solution of A X = B for each pair of matrices.";
    formula: "A⁻¹ B";
    derivative: "A⁻ᵀ g to B, -(A⁻ᵀ g) Xᵀ to A";
    proof: { samples: || {
        let of = |s: &[usize], x: &[f64], r: &[usize], y: &[f64]| Sample::new(Solve { checked: Some("torch.linalg.solve") }, &[(s, x), (r, y)]);
        vec![
            of(&[2, 2], &[2.0, 0.5, -1.0, 1.5], &[2, 1], &[1.0, -0.5]),
            of(&[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0], &[3, 2], &[1.0, 0.5, -1.0, 2.0, 0.25, 1.5]),
            of(&[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0], &[2, 2, 1], &[1.0, 0.5, -1.0, 2.0]),
            of(&[0, 2, 2], &[], &[0, 2, 3], &[]),
            of(&[2, 2], &[2.0, 0.5, -1.0, 1.5], &[2, 0], &[]),
        ]
    }, spread: true }
}

impl Op for Solve {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (solution, info) = factor::solve(x[0], x[1])?;
        if let Some(name) = self.checked {
            failed(name, x[0], &info, |_| {
                "The solver failed because the input matrix is singular.".into()
            })?;
        }
        Ok(solution)
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(0).and(Reads::OUTPUT),
            _ => Reads::input(0),
        }
    }
}

impl rules::General for Solve {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let solved = apply(self.clone(), &[&cx.input(0)?.mt()?, g], cx.site())?;
        match i {
            0 => solved.matmul(&cx.output()?.mt()?)?.neg(),
            _ => Ok(solved),
        }
    }
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        let solved = apply(self.clone(), &[&cx.input(0)?.mt()?, g], cx.site())?;
        if cx.needs(0) {
            out[0] = Some(solved.matmul(&cx.output()?.mt()?)?.neg()?);
        }
        if cx.needs(1) {
            out[1] = Some(solved);
        }
        Ok(())
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (a, x) = (cx.input(0)?, cx.output()?);
        let right = moved(&x, t, |t| t.matmul(&x))?;
        apply(self.clone(), &[&a, &right], cx.site())
    }
}

/// dB - part(dA), of tangents that may be missing.
fn moved(
    x: &Tensor,
    t: &[Option<Tensor>],
    part: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    match (&t[0], &t[1]) {
        (Some(a), Some(b)) => b.sub(&part(a)?),
        (Some(a), None) => part(a)?.neg(),
        (None, Some(b)) => Ok(b.clone()),
        (None, None) => x.zeros_like(),
    }
}

/// T⁻¹ B of batches of the same dimensions, T triangular: its other half is not read.
#[derive(Clone, Debug)]
pub struct SolveTriangular {
    /// The upper triangle.
    pub upper: bool,
    /// Whether the diagonal is one, whatever stands there.
    pub unit: bool,
    /// Whether the gradient has numbers in the half too that is not read: what PyTorch sends to Cholesky factors.
    pub whole: bool,
}
define! { SolveTriangular: General "linalg_solve_triangular", "torch.linalg.solve_triangular";
    summary: "The solution of T X = B for triangular matrices T, whose other half is not read.";
    formula: "T⁻¹ B";
    derivative: "T⁻ᵀ g to B, the triangle of -(T⁻ᵀ g) Xᵀ to T";
    proof: { samples: || {
        let of = |upper, unit, s: &[usize], x: &[f64], r: &[usize], y: &[f64]| Sample::new(SolveTriangular { upper, unit, whole: false }, &[(s, x), (r, y)]);
        vec![
            of(true, false, &[2, 2], &[2.0, 0.5, -1.0, 1.5], &[2, 1], &[1.0, -0.5]),
            of(false, false, &[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0], &[3, 2], &[1.0, 0.5, -1.0, 2.0, 0.25, 1.5]),
            of(true, true, &[3, 3], &[2.0, 0.25, -0.5, 0.5, 1.5, 0.25, -0.25, 0.5, 3.0], &[3, 2], &[1.0, 0.5, -1.0, 2.0, 0.25, 1.5]),
            of(false, true, &[2, 2, 2], &[2.0, 0.5, -1.0, 1.5, 1.0, 0.5, 0.25, -2.0], &[2, 2, 1], &[1.0, 0.5, -1.0, 2.0]),
            of(true, false, &[0, 2, 2], &[], &[0, 2, 3], &[]),
        ]
    }, spread: true }
}

impl SolveTriangular {
    /// The solution for batches that broadcast.
    #[track_caller]
    pub(super) fn of(&self, t: &Tensor, b: &Tensor) -> Result<Tensor> {
        let site = Location::caller();
        let front = common_batch(t, b)?;
        let (t, b) = (batched(t, &front)?, batched(b, &front)?);
        apply_dyn(self, &[&t, &b], site)
    }

    /// The half of a matrix that is read.
    fn half(&self, x: &Tensor) -> Result<Tensor> {
        if self.whole {
            return Ok(x.clone());
        }
        let off = i64::from(self.unit);
        if self.upper {
            x.triu(off)
        } else {
            x.tril(-off)
        }
    }
}

impl Op for SolveTriangular {
    common!(stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        factor::solve_triangular(x[0], x[1], self.upper, self.unit)
    }
    fn reads(&self, i: usize) -> Reads {
        match i {
            0 => Reads::input(0).and(Reads::OUTPUT),
            _ => Reads::input(0),
        }
    }
}

impl rules::General for SolveTriangular {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let turned = SolveTriangular {
            upper: !self.upper,
            ..self.clone()
        };
        let solved = apply(turned, &[&cx.input(0)?.mt()?, g], cx.site())?;
        match i {
            0 => self.half(&solved.matmul(&cx.output()?.mt()?)?.neg()?),
            _ => Ok(solved),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (a, x) = (cx.input(0)?, cx.output()?);
        let right = moved(&x, t, |t| self.half(t)?.matmul(&x))?;
        apply(self.clone(), &[&a, &right], cx.site())
    }
}

/// Whether `b` stands for vectors beside `a`, by PyTorch's rule.
pub(super) fn is_vector(a: &Tensor, b: &Tensor) -> bool {
    b.ndim() == 1
        || (a.ndim() >= 1 && a.ndim() - 1 == b.ndim() && b.shape()[..] == a.shape()[..a.ndim() - 1])
}

/// Whether square matrices A and what is solved with them fit together, in PyTorch's words.
pub(super) fn fitting(
    a: &Tensor,
    b: &Tensor,
    name: &str,
    (left, right): (&str, &str),
    on_the_left: bool,
) -> Result<()> {
    if a.dtype() != b.dtype() {
        let word = |t: &Tensor| t.dtype().scalar_type_name();
        return Err(refused(format!(
            "{name}: Expected {left} and {right} to have the same dtype, but found {left} of type {} and {right} of type {} instead",
            word(a),
            word(b)
        )));
    }
    square(a, name)?;
    if b.ndim() < 2 {
        return Err(refused(format!(
            "{name}: The input tensor B must have at least 2 dimensions."
        )));
    }
    let (n, (rows, columns)) = (sides(a).0, sides(b));
    let (equation, side) = match on_the_left {
        true => ("AX = B", rows),
        false => ("XA = B", columns),
    };
    match n == side {
        true => Ok(()),
        false => Err(refused(format!(
            "{name}: Incompatible shapes of A and B for the equation {equation} ({n}x{n} and {rows}x{columns})"
        ))),
    }
}

/// As [`fitting`] where older functions give B first.
pub(super) fn older(b: &Tensor, a: &Tensor, name: &str) -> Result<()> {
    let word = |t: &Tensor| t.dtype().scalar_type_name();
    let ((n, m), (rows, columns)) = (sides(a), sides(b));
    if a.dtype() != b.dtype() {
        return Err(refused(format!(
            "Expected b and A to have the same dtype, but found b of type {} and A of type {} instead.",
            word(b),
            word(a)
        )));
    }
    if n != m {
        return Err(refused(format!(
            "A must be batches of square matrices, but they are {n} by {m} matrices"
        )));
    }
    if n != rows {
        return Err(refused(format!(
            "Incompatible matrix sizes for {name}: each A matrix is {n} by {n} but each b matrix is {rows} by {columns}"
        )));
    }
    Ok(())
}

#[pullback_macros::called]
impl Tensor {
    /// The inverse of a square matrix, or of each matrix of a batch: `[…, n, n]`. PyTorch's `linalg.inv`.
    ///
    /// # Errors
    /// Where matrices are not square, of no floating dtype or singular; without the feature `linalg`.
    #[track_caller]
    pub fn inv(&self) -> Result<Tensor> {
        self.inverted(Some("linalg.inv"), Location::caller())
    }

    /// As [`Tensor::inv`], in the name of another function, or without an error: the inverse of a singular matrix is NaN.
    pub(crate) fn inverted(
        &self,
        checked: Option<&'static str>,
        site: &'static Location<'static>,
    ) -> Result<Tensor> {
        square(self, "linalg.inv")?;
        not_half(self, "linalg.inv")?;
        apply(Inverse { checked }, &[self], site)
    }

    /// The solution of A X = B for square matrices A (`self`, `[…, n, n]`): B `[…, n, k]`, or vectors `[…, n]`; batches broadcast. With
    /// `left` false, of X A = B. PyTorch's `linalg.solve`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit, or a matrix is singular; without the feature `linalg`.
    #[track_caller]
    pub fn solve(&self, b: &Tensor, left: bool) -> Result<Tensor> {
        self.solved(b, left, Some("torch.linalg.solve"), Location::caller())
    }

    pub(crate) fn solved(
        &self,
        b: &Tensor,
        left: bool,
        checked: Option<&'static str>,
        site: &'static Location<'static>,
    ) -> Result<Tensor> {
        let name = "linalg.solve";
        floating(self, name)?;
        precise(self, "lu_cpu")?;
        let vector = is_vector(self, b);
        let column = if vector { b.unsqueeze(-1)? } else { b.clone() };
        fitting(self, &column, name, ("A", "B"), left)?;
        if vector && !left {
            return Err(refused(format!(
                "{name}: Vector broadcasting of the left hand side is not supported for left=False. In this case linalg.solve is equivalent to B / A.squeeze(-1)"
            )));
        }
        let front = common_batch(self, &column)?;
        let (a, b) = (batched(self, &front)?, batched(&column, &front)?);
        let solve = Solve { checked };
        let x = match left {
            true => apply(solve, &[&a, &b], site)?,
            false => apply(solve, &[&a.mt()?, &b.mt()?], site)?.mt()?,
        };
        if vector { x.squeeze_dims(&[-1]) } else { Ok(x) }
    }

    /// The solution of T X = B, or with `left` false of X T = B, for triangular matrices T (`self`, `[…, n, n]`), whose other half is
    /// not read; with `unit` neither is the diagonal, which is one. Batches broadcast. PyTorch's `linalg.solve_triangular`.
    ///
    /// # Errors
    /// Where shapes or dtypes do not fit; without the feature `linalg`.
    #[track_caller]
    pub fn solve_triangular(
        &self,
        b: &Tensor,
        upper: bool,
        left: bool,
        unit: bool,
    ) -> Result<Tensor> {
        let name = "linalg.solve_triangular";
        fitting(self, b, name, ("A", "B"), left)?;
        precise(self, "triangular_solve_cpu")?;
        let solve = SolveTriangular {
            upper,
            unit,
            whole: false,
        };
        match left {
            true => solve.of(self, b),
            false => {
                let turned = SolveTriangular {
                    upper: !upper,
                    ..solve
                };
                turned.of(&self.mt()?, &b.mt()?)?.mt()
            }
        }
    }
}

/// Zero where each matrix has an inverse, else the number of the first pivot that is zero: PyTorch's `info`, int32.
#[cfg_attr(not(all(feature = "linalg", feature = "functions")), allow(dead_code))]
pub(crate) fn singularity(a: &Tensor) -> Result<Tensor> {
    info_of(a, &factor::factor(&a.array(), Factor::Lu)?.info)
}
