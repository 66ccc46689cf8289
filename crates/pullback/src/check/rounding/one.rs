//! One operation: how large its own rounding is, and what it makes of the rounding of its inputs.

use crate::check::custom;
use crate::core::op::Family;
use crate::program::Instruction;
use crate::{DType, Result, Tensor};

pub(super) fn add(a: Option<Tensor>, b: Option<Tensor>) -> Result<Option<Tensor>> {
    Ok(match (a, b) {
        (Some(a), Some(b)) => Some(a.add(&b)?),
        (a, b) => a.or(b),
    })
}

/// The size of the rounding an operation makes itself, in units of the unit roundoff.
pub(super) struct Own {
    pub(super) worst: Tensor,
    pub(super) typical: Tensor,
}

/// How PyTorch refuses the derivative by an argument.
const NO_DERIVATIVE: &str = "is not implemented";

/// Elementary functions err by a few units in the last place at most.
const FUNCTION: f64 = 4.0;

/// The deviation of what a stable algorithm makes, relative to its worst case: eight of them are it.
const STABLE: f64 = 1.0 / 8.0;

/// Squares of numbers within these are neither too small nor too large for a double.
const SQUARED: std::ops::RangeInclusive<f64> = 1e-140..=1e140;

pub(super) fn own_rounding(inst: &Instruction, x: &[Tensor], y: &Tensor) -> Result<Option<Own>> {
    let size = y.abs()?;
    let plain = |c: f64| -> Result<Option<Own>> {
        Ok(Some(Own {
            worst: size.mul(c)?,
            typical: size.mul(c / 3f64.sqrt())?,
        }))
    };
    let composed = |typical: f64| -> Result<Option<Own>> {
        let worst = as_composition(inst, x, y)?.mul(FUNCTION)?;
        // What is not finite is no bound: then the result's own size is.
        let worst = worst
            .nan_to_num(Some(0.0), Some(0.0), Some(0.0))?
            .maximum(&size.mul(FUNCTION)?)?;
        Ok(Some(Own {
            typical: (worst.mul(typical / FUNCTION)?)
                .maximum(&size.mul(FUNCTION / 3f64.sqrt())?)?,
            worst,
        }))
    };
    match inst.op.def().family {
        // A composition of the user's: as if its inputs were rounded once more.
        Family::General if inst.op.lenient() => {
            let worst = as_composition(inst, x, y)?.mul(FUNCTION)?;
            let typical = worst.mul(1.0 / 3f64.sqrt())?;
            Ok(Some(Own { worst, typical }))
        }
        Family::Pointwise if matches!(inst.op.def().name, "sinc" | "sinc_derivative") => {
            of_a_wave(inst, &x[0], y).map(Some)
        }
        // Below 0 by a reflection, whose phase is rounded as a number is.
        Family::Pointwise if matches!(inst.op.def().name, "digamma" | "polygamma") => {
            composed(1.0 / 3f64.sqrt())
        }
        Family::Pointwise => plain(FUNCTION),
        Family::General => composed(STABLE),
        Family::Zero | Family::Cut => Ok(None),
        Family::Gate => plain(1.0),
        Family::Multilinear => {
            let terms = if inst.op.def().name == "matmul" {
                x[0].shape().last().copied().unwrap_or(1)
            } else {
                1
            };
            sums(inst, x, y, terms)
        }
        // Its weights follow from places between the elements, which are rounded as they are.
        Family::Linear if inst.op.def().name == "resize" => {
            let (from, to) = (x[0].numel(), y.numel());
            let longest = x[0].shape().iter().chain(y.shape().iter()).copied().max();
            let terms = (8 + 2 * longest.unwrap_or(0)) * (from / to.max(1)).max(1);
            let largest = x[0]
                .to_f64_vec()?
                .into_iter()
                .map(f64::abs)
                .fold(0.0, f64::max);
            let worst = Tensor::full(y.shape().clone(), largest * terms as f64, DType::F64)?;
            Ok(Some(Own {
                typical: worst.mul(STABLE)?,
                worst,
            }))
        }
        Family::Linear => {
            let (from, to) = (x.iter().map(Tensor::numel).max().unwrap_or(0), y.numel());
            if x.len() == 1 && from <= to {
                return if matches!(inst.op.def().name, "to") {
                    plain(1.0)
                } else {
                    Ok(None)
                };
            }
            if matches!(
                inst.op.def().name,
                "where" | "take" | "cat" | "overlay" | "copy_" | "select" | "slice"
            ) {
                return Ok(None); // moves numbers and computes none
            }
            sums(inst, x, y, (from / to.max(1)).max(1))
        }
    }
}

/// Of sin(πx)/(πx) and its derivatives: the phase πx is rounded before its sine is taken, which moves the result by as much of the
/// wave's height.
fn of_a_wave(inst: &Instruction, x: &Tensor, y: &Tensor) -> Result<Own> {
    let op = inst.op.in_dtype(DType::F64);
    let at = |x: &Tensor| crate::core::apply::boxed(&*op, &[x], inst.site)?.abs();
    // The height of the wave, seen at a quarter of its length away and, where such a step is none, at numbers that are a little larger.
    let mut height = y.abs()?.maximum(&at(&x.add(0.5)?)?)?;
    for k in 1..=8 {
        height = height.maximum(&at(&x.mul(1.0 + 1e-3 * f64::from(k))?)?)?;
    }
    let (u, _) = super::units(inst.dtype);
    let phase = x
        .abs()?
        .mul(2.0 * std::f64::consts::PI)?
        .clamp(.., 2.0 / u)?;
    let worst = (height.mul(&phase)?)
        .maximum(&as_composition(inst, std::slice::from_ref(x), y)?.mul(FUNCTION)?)?;
    Ok(Own {
        typical: worst.mul(1.0 / 3f64.sqrt())?,
        worst,
    })
}

/// The worst case of what is composed of several steps: as if its inputs were rounded once more, and its result a few times. A stable
/// algorithm does no more (a matrix factorised, an image read at places between its elements), and what nearly cancels in it shows.
fn as_composition(inst: &Instruction, x: &[Tensor], y: &Tensor) -> Result<Tensor> {
    let inputs: Vec<Option<Tensor>> = (x.iter())
        .map(|t| t.dtype().is_float().then(|| t.abs()).transpose())
        .collect::<Result<_>>()?;
    let worst = add(
        passed_on(inst, x, y, &inputs)?,
        Some(y.abs()?.mul(FUNCTION)?),
    )?;
    worst.map_or_else(|| y.abs(), Ok)
}

/// Rounding of sums of `k` products or terms: at most (k+1)·Σ|terms|, and with random signs
/// √((1 + k/2)·Σ terms² + k·y²)/√3, after running-error analysis of a running sum.
fn sums(inst: &Instruction, x: &[Tensor], y: &Tensor, k: usize) -> Result<Option<Own>> {
    let k = k as f64;
    let of = |map: &dyn Fn(&Tensor) -> Result<Tensor>| -> Result<Tensor> {
        let mapped = x
            .iter()
            .map(|t| {
                if t.dtype().is_float() {
                    map(t)
                } else {
                    Ok(t.clone())
                }
            })
            .collect::<Result<Vec<_>>>()?;
        if inst.op.def().family == Family::Multilinear {
            return crate::core::apply::boxed(
                &*inst.op,
                &mapped.iter().collect::<Vec<_>>(),
                inst.site,
            );
        }
        // Each input alone, so that a difference of two sums their sizes.
        let mut total: Option<Tensor> = None;
        for i in 0..x.len() {
            let alone: Vec<Tensor> = mapped
                .iter()
                .enumerate()
                .map(|(j, t)| {
                    if j == i || !t.dtype().is_float() {
                        Ok(t.clone())
                    } else {
                        t.zeros_like()
                    }
                })
                .collect::<Result<_>>()?;
            let part =
                crate::core::apply::boxed(&*inst.op, &alone.iter().collect::<Vec<_>>(), inst.site)?
                    .abs()?;
            total = add(total, Some(part))?;
        }
        total.map_or_else(|| y.zeros_like(), Ok)
    };
    let worst = of(&|t| t.abs())?.mul(k + 1.0)?;
    if !fits_squared(x)? || !fits_squared(std::slice::from_ref(y))? {
        return Ok(Some(Own {
            typical: worst.mul(STABLE)?,
            worst,
        }));
    }
    let typical = of(&|t| t.square())?
        .mul(1.0 + k / 2.0)?
        .add(&y.square()?.mul(k)?)?
        .sqrt()?
        .mul(1.0 / 3f64.sqrt())?;
    // One addition of two numbers rounds once, however large they are.
    if k <= 1.0 {
        let size = y.abs()?;
        return Ok(Some(Own {
            worst: size.clone(),
            typical: size.mul(1.0 / 3f64.sqrt())?,
        }));
    }
    Ok(Some(Own { worst, typical }))
}

/// Whether all numbers have squares.
fn fits_squared(x: &[Tensor]) -> Result<bool> {
    for t in x.iter().filter(|t| t.dtype().is_float()) {
        if !(t.to_f64_vec()?.iter()).all(|v| *v == 0.0 || SQUARED.contains(&v.abs())) {
            return Ok(false);
        }
    }
    Ok(true)
}

/// The derivative of the operation along `d`.
pub(super) fn push(
    inst: &Instruction,
    x: &[Tensor],
    y: &Tensor,
    d: &[Option<Tensor>],
) -> Result<Tensor> {
    // What is cut off from gradients keeps its errors all the same.
    if inst.op.def().family == Family::Cut {
        return d[0].clone().map_or_else(|| y.zeros_like(), Ok);
    }
    let op = inst.op.in_dtype(DType::F64);
    match custom::push(&*op, x, y, d, inst.site) {
        // No gradient goes to such an argument (the exponent of a zeta function), but rounding comes from it.
        Err(e) if e.message().contains(NO_DERIVATIVE) => {
            custom::quotient(&*op, x, d, inst.site)?.map_or_else(|| y.zeros_like(), Ok)
        }
        done => done,
    }
}

/// |J|·e: what the inputs' worst cases become.
pub(super) fn passed_on(
    inst: &Instruction,
    x: &[Tensor],
    y: &Tensor,
    e: &[Option<Tensor>],
) -> Result<Option<Tensor>> {
    if e.iter().all(Option::is_none) {
        return Ok(None);
    }
    let positive = x
        .iter()
        .map(|t| {
            if t.dtype().is_float() {
                t.abs()
            } else {
                Ok(t.clone())
            }
        })
        .collect::<Result<Vec<_>>>()?;
    let at: &[Tensor] = if inst.op.def().family == Family::Multilinear {
        &positive
    } else {
        x
    };
    let mut total: Option<Tensor> = None;
    for i in 0..x.len() {
        if e[i].is_none() {
            continue;
        }
        let alone: Vec<Option<Tensor>> = (0..x.len())
            .map(|j| if j == i { e[i].clone() } else { None })
            .collect();
        let mut part = push(inst, at, y, &alone)?.abs()?;
        if inst.op.def().family == Family::General {
            // Signs are mixed inside the Jacobian: take the largest of several sign patterns, with a margin.
            let mut rng = pullback_random::numpy::default_rng(i as u64);
            for _ in 0..8 {
                let signs: Vec<f64> = rng
                    .random(x[i].numel())
                    .iter()
                    .map(|u| if *u < 0.5 { -1.0 } else { 1.0 })
                    .collect();
                let flipped: Vec<Option<Tensor>> = alone
                    .iter()
                    .map(|t| {
                        t.as_ref()
                            .map(|t| t.mul(&Tensor::from_slice(&signs, t.shape().clone())?))
                            .transpose()
                    })
                    .collect::<Result<_>>()?;
                part = part.maximum(&push(inst, at, y, &flipped)?.abs()?)?;
            }
            part = part.mul(3.0)?;
        }
        total = add(total, Some(part))?;
    }
    Ok(total)
}
