//! What rounding in the working precision can do to a value and to a gradient: a reader of recorded programs.
//!
//! Two numbers follow every value of the recorded forward and backward run. The worst case `e` bounds the error to first
//! order, operation by operation. The statistical bound `q` is a standard deviation, from a few runs in which each operation
//! adds random rounding errors of the size it may make and passes on those of its inputs through its own derivative
//! (so that errors which cancel are seen to cancel). On real networks the worst case overstates errors a thousandfold;
//! the deviation is off by a small factor. One rule per family says how large an operation's own rounding is; no operation
//! needs a rule of its own.

mod one;

use crate::core::op::Family;
use crate::program::{Instruction, Program, Replay, Values};
use crate::{DType, Result, Tensor};
use one::{add, own_rounding, passed_on, push};

/// Random runs behind each standard deviation.
const RUNS: usize = 16;

/// Error bounds of a program's outputs, element by element.
pub(super) struct Bounds {
    /// Worst case, to first order.
    pub(super) e: Vec<Vec<f64>>,
    /// Standard deviation.
    pub(super) q: Vec<Vec<f64>>,
    /// The part of it that more digits help against: without underflow.
    pub(super) digits: Vec<Vec<f64>>,
    /// The outputs themselves, in the working precision.
    pub(super) values: Vec<Vec<f64>>,
    /// What underflow may do to them in double-double, whose numbers are no smaller than those of doubles.
    pub(super) under: Vec<Vec<f64>>,
    /// Unit roundoff of the finest dtype that the program computes in.
    pub(super) finest: f64,
}

/// What one evaluation of a function may be off by.
#[derive(Clone, Copy, Debug)]
pub(super) struct Inexact {
    /// In double-double, underflow included.
    pub(super) wide: f64,
    /// By underflow alone: more digits do not help against it.
    pub(super) under: f64,
    /// In the working precision.
    pub(super) own: f64,
}

/// Where all numbers of a run are of sizes between these, underflow is no concern.
fn ordinary(dtype: DType) -> std::ops::RangeInclusive<f64> {
    match dtype {
        DType::F32 => 1e-12..=1e12,
        _ => 1e-90..=1e90,
    }
}

/// What an operation in double-double may lose by underflow: a few of the smallest numbers.
const LOST: f64 = 3e-323;

/// Unit roundoff, and half the spacing of the smallest numbers, where products underflow.
fn units(dtype: DType) -> (f64, f64) {
    let smallest = match dtype {
        DType::F32 => 2f64.powi(-150),
        _ => f64::from_bits(1),
    };
    (dtype.unit_roundoff(), smallest)
}

/// Reads a program at its inputs: bounds for every output, each operation rounding as its result's dtype does.
pub(super) fn read(program: &Program, inputs: &[&Tensor], seed: u64) -> Result<Bounds> {
    // Values as the working precision has them, then held in double precision.
    let values = program.replay_all(inputs, Replay::default())?;
    let n = program.values();
    let mut reader = Reader {
        finest: 1.0,
        worst: vec![None; n],
        extreme: extreme(program, &values)?,
        under: [vec![None; n], vec![None; n]],
        runs: vec![vec![None; n]; RUNS],
        rng: pullback_random::numpy::default_rng(seed),
    };
    for inst in program.instructions() {
        let y = wide(&values, inst.output)?;
        let def = inst.op.def();
        let cut = def.family == Family::Cut && def.name != "detach";
        if y.dtype().is_float() && !cut {
            let x: Vec<Tensor> = (inst.inputs.iter())
                .map(|&i| wide(&values, i))
                .collect::<Result<_>>()?;
            reader.step(inst, &x, &y)?;
        }
    }
    reader.bounds(program, &values)
}

/// A value of the run, in double precision if it is floating.
fn wide(values: &Values, id: u32) -> Result<Tensor> {
    let t = values.get(id);
    match t.dtype().is_float() {
        true => t.to(DType::F64),
        false => Ok(t),
    }
}

/// For every value of a program its error, where it has one.
type Errors = Vec<Option<Tensor>>;

/// What is known of the values that have been computed so far.
struct Reader {
    /// Unit roundoff of the finest dtype.
    finest: f64,
    worst: Errors,
    /// Whether underflow is a concern.
    extreme: bool,
    /// By underflow: in double-double, and in the dtype that is computed in.
    under: [Errors; 2],
    /// Of each random run.
    runs: Vec<Errors>,
    rng: pullback_random::numpy::Generator,
}

impl Reader {
    /// One operation: what its inputs' errors do to its result, and what it adds.
    fn step(&mut self, inst: &Instruction, x: &[Tensor], y: &Tensor) -> Result<()> {
        let own = own_rounding(inst, x, y)?;
        let (u, smallest) = units(inst.dtype);
        self.finest = self.finest.min(u);
        let of_inputs = |errors: &Errors| -> Errors {
            (inst.inputs.iter())
                .map(|&i| errors[i as usize].clone())
                .collect()
        };
        let at = inst.output as usize;
        let fresh = match &own {
            Some(o) => Some(o.worst.mul(u)?.add(smallest)?),
            None => None,
        };
        self.worst[at] = add(passed_on(inst, x, y, &of_inputs(&self.worst))?, fresh)?;
        if self.extreme {
            for (under, lost) in self.under.iter_mut().zip([LOST, smallest]) {
                let lost = match own {
                    Some(_) => Some(Tensor::full(y.shape().clone(), lost, DType::F64)?),
                    None => None,
                };
                under[at] = add(passed_on(inst, x, y, &of_inputs(under))?, lost)?;
            }
        }
        for run in &mut self.runs {
            let d = of_inputs(run);
            let through = match d.iter().all(Option::is_none) {
                true => None,
                false => Some(push(inst, x, y, &d)?),
            };
            let fresh = match &own {
                None => None,
                Some(o) => {
                    // Uniform with standard deviation 1: a rounding error is, about.
                    let noise = (self.rng)
                        .uniform(-(3f64.sqrt()), 3f64.sqrt(), y.numel())
                        .unwrap_or_default();
                    let noise = Tensor::from_slice(&noise, y.shape().clone())?;
                    Some(o.typical.mul(u)?.mul(&noise)?)
                }
            };
            run[at] = add(through, fresh)?;
        }
        Ok(())
    }

    /// The program's outputs.
    fn bounds(self, program: &Program, values: &Values) -> Result<Bounds> {
        let mut bounds = Bounds {
            e: Vec::new(),
            q: Vec::new(),
            digits: Vec::new(),
            values: Vec::new(),
            under: Vec::new(),
            finest: self.finest,
        };
        for &out in program.outputs() {
            let value = values.get(out);
            let list = |errors: &Errors| -> Result<Vec<f64>> {
                match &errors[out as usize] {
                    Some(t) => t.expand(value.shape())?.to_f64_vec(),
                    None => Ok(vec![0.0; value.numel()]),
                }
            };
            bounds.values.push(value.to_f64_vec()?);
            bounds.e.push(list(&self.worst)?);
            bounds.under.push(list(&self.under[0])?);
            // Not by squares, which overflow and underflow where the numbers do not.
            let mut digits = vec![0.0f64; value.numel()];
            for run in &self.runs {
                (list(run)?.iter().zip(&mut digits)).for_each(|(d, s)| *s = s.hypot(*d));
            }
            digits.iter_mut().for_each(|s| *s /= (RUNS as f64).sqrt());
            let lost = list(&self.under[1])?;
            let both = digits.iter().zip(&lost);
            bounds
                .q
                .push(both.map(|(q, lost)| q.hypot(*lost)).collect());
            bounds.digits.push(digits);
        }
        Ok(bounds)
    }
}

/// Whether a run has numbers so small or so large that underflow may matter.
fn extreme(program: &Program, values: &Values) -> Result<bool> {
    let made = program.instructions().iter().map(|i| i.output);
    for id in program.inputs().iter().copied().chain(made) {
        let t = values.get(id);
        if t.dtype().is_float() && is_extreme(&t)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether any number of a value is of no ordinary size.
fn is_extreme(t: &Tensor) -> Result<bool> {
    Ok((t.to_f64_vec()?.iter())
        .any(|v| *v != 0.0 && v.is_finite() && !ordinary(t.dtype()).contains(&v.abs())))
}

/// What every operation of a recorded run did when it was given the very numbers it had.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Alone {
    pub(super) kernels: Kernels,
    /// The first whose result is too large or too small for the dtype it computes in, rightly so: what follows from it is not what follows
    /// from the number itself.
    pub(super) leaves_range: Option<&'static str>,
}

/// Whether the operations of a run are right.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kernels {
    /// What double-double says it should have, to within its own rounding: a gradient that is further off than the bounds (which are
    /// of first order) is rounding that was amplified, and no wrong kernel.
    Agree,
    /// All but this one, which is right for the same numbers brought to ordinary sizes: something inside of it underflows or overflows.
    OutOfRange(&'static str),
    /// One is wrong.
    Wrong,
}

/// Evaluates every operation of a recorded run again, alone.
pub(super) fn alone(program: &Program, inputs: &[&Tensor]) -> Result<Alone> {
    let values = program.replay_all(inputs, Replay::default())?;
    let mut found = Alone {
        kernels: Kernels::Agree,
        leaves_range: None,
    };
    for inst in program.instructions() {
        let y = values.get(inst.output);
        if !y.dtype().is_float() || inst.op.def().family == Family::Cut {
            continue;
        }
        let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
        let exact = in_32_digits(inst, &x)?;
        let name = inst.op.def().name;
        if found.leaves_range.is_none() && leaves_range(inst, &x, &y, &exact)? {
            found.leaves_range = Some(name);
        }
        if !strays(inst, &x, &y, &exact)? {
            continue;
        }
        match out_of_range(&x, &y)? && right_when_evened(inst, &x) {
            true => found.kernels = Kernels::OutOfRange(name),
            false => {
                found.kernels = Kernels::Wrong;
                return Ok(found);
            }
        }
    }
    Ok(found)
}

/// An operation's operands in another dtype, those that are numbers with a point.
fn operands(x: &[Tensor], dtype: DType) -> Result<Vec<Tensor>> {
    (x.iter())
        .map(|t| match t.dtype().is_float() {
            true => t.to(dtype),
            false => Ok(t.clone()),
        })
        .collect()
}

/// An operation's result in double-double.
fn in_32_digits(inst: &Instruction, x: &[Tensor]) -> Result<Vec<f64>> {
    let wide = operands(x, DType::Dd)?;
    crate::core::apply::boxed(
        &*inst.op.in_dtype(DType::Dd),
        &wide.iter().collect::<Vec<_>>(),
        inst.site,
    )?
    .to_f64_vec()
}

/// The smallest number of a dtype that has all its digits, and the largest there is.
fn range(dtype: DType) -> (f64, f64) {
    match dtype {
        DType::F32 => (f64::from(f32::MIN_POSITIVE), f64::from(f32::MAX)),
        _ => (f64::MIN_POSITIVE, f64::MAX),
    }
}

/// Whether any number of an operation's result overflows, or underflows so far that it loses digits that matter.
fn leaves_range(inst: &Instruction, x: &[Tensor], y: &Tensor, exact: &[f64]) -> Result<bool> {
    // Sums and products of finite numbers are finite; other operations may have poles, where infinity is the value.
    let of_sums = matches!(inst.op.def().family, Family::Linear | Family::Multilinear);
    let mut finite = of_sums;
    for t in x.iter().filter(|t| of_sums && t.dtype().is_float()) {
        finite &= t.to_f64_vec()?.iter().all(|v| v.is_finite());
    }
    let (smallest, _) = range(inst.dtype);
    Ok((y.to_f64_vec()?.iter().zip(exact)).any(|(y, exact)| {
        let overflows = y.is_infinite() && (finite || exact.is_finite());
        let underflows =
            *exact != 0.0 && exact.abs() < smallest && (y - exact).abs() > 1e-6 * exact.abs();
        overflows || underflows
    }))
}

/// Whether an operation's result `y` of `x` is further from that in double-double than its own rounding.
fn strays(inst: &Instruction, x: &[Tensor], y: &Tensor, exact: &[f64]) -> Result<bool> {
    let own = own_rounding(inst, &operands(x, DType::F64)?, &y.to(DType::F64)?)?;
    let (u, smallest) = units(inst.dtype);
    let (_, largest) = range(inst.dtype);
    let got = y.to_f64_vec()?;
    let worst = match &own {
        Some(own) => own.worst.expand(y.shape())?.to_f64_vec()?,
        None => vec![0.0; got.len()],
    };
    Ok((got.iter().zip(exact).zip(&worst)).any(|((a, b), w)| {
        match a.is_finite() {
            true => (a - b).abs() > 4.0 * (w * u + smallest) + u * b.abs(),
            // What is too large for the dtype is infinite, and nothing else.
            false => b.abs() < largest,
        }
    }))
}

/// Whether an operation has numbers so small or large that something inside of it may underflow or overflow.
fn out_of_range(x: &[Tensor], y: &Tensor) -> Result<bool> {
    for t in x.iter().chain([y]).filter(|t| t.dtype().is_float()) {
        if is_extreme(t)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether an operation is right for its numbers scaled by powers of two, so that the largest of each operand is about one.
fn right_when_evened(inst: &Instruction, x: &[Tensor]) -> bool {
    let evened = |t: &Tensor| -> Result<Tensor> {
        let largest = t
            .to_f64_vec()?
            .into_iter()
            .map(f64::abs)
            .fold(0.0, f64::max);
        match t.dtype().is_float() && largest > 0.0 && largest.is_finite() {
            true => {
                let half = -(largest.log2() / 2.0).round();
                t.mul(half.exp2())?.mul(half.exp2())
            }
            false => Ok(t.clone()),
        }
    };
    let tried = || -> Result<bool> {
        let x: Vec<Tensor> = x.iter().map(evened).collect::<Result<_>>()?;
        let y = crate::core::apply::boxed(&*inst.op, &x.iter().collect::<Vec<_>>(), inst.site)?;
        strays(inst, &x, &y, &in_32_digits(inst, &x)?)
    };
    // What refuses such numbers is not excused.
    tried().is_ok_and(|strays| !strays)
}
