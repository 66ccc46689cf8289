//! Why a difference quotient is not the gradient: the gap of every coordinate, split into terms that add up to it.
//!
//! The loss is recorded once and replayed in other arithmetic. "Wide" is double-double, 32 digits; "frozen" forces every
//! ReLU to the choice it made at the point itself, which makes the loss smooth and is what autograd differentiates.
//!
//! | term | is the difference between |
//! |---|---|
//! | back rounding | autograd, and autograd in wide arithmetic |
//! | formula | that, and the derivative by wide, frozen differences with a tiny step |
//! | truncation | that, and wide, frozen differences with the user's step |
//! | kinks | those, and the same unfrozen |
//! | step rounding | those, and the same at the points that the working precision can hold |
//! | forward rounding | those, and the quotients observed |
//!
//! Nothing is estimated, so nothing needs a tolerance; the prediction of the round-off stands beside it as a check that
//! the values alone would have told. Not for: words (`words.rs`), or where the numbers come from (`experiment.rs`).

use super::findings::{Certified, Crossing, Explanation, Kink, Ledger, Repeat};
use super::rounding::{Prediction, predict};
use pullback::{
    Array, DType, Dd, Family, Instruction, Number, Program, Replay, Result, Tensor, Values,
    enable_grad, grad, no_grad,
};

/// What is to be explained.
pub(crate) struct Problem<'a> {
    /// A number made of all parameters in one vector.
    pub(crate) loss: &'a dyn Fn(&Tensor) -> Result<Tensor>,
    pub(crate) theta: &'a Tensor,
    pub(crate) names: &'a [String],
    pub(crate) eps: f64,
    /// What autograd found, and what the differences found.
    pub(crate) gradient: &'a Tensor,
    pub(crate) numeric: &'a Tensor,
}

/// Splits every gap and looks for what else there is to know.
///
/// # Errors
/// Whatever the loss reports.
pub(crate) fn explain(problem: &Problem<'_>) -> Result<Explanation> {
    let (program, _) = Program::trace(&[problem.theta], |t| Ok(vec![(problem.loss)(&t[0])?]))?;
    let study = Study {
        problem,
        program: &program,
        theta: (problem.theta.to_f64_vec()?.into_iter())
            .map(Dd::from)
            .collect(),
    };
    let _guard = no_grad();
    study.run()
}

struct Study<'a> {
    problem: &'a Problem<'a>,
    program: &'a Program,
    theta: Vec<Dd>,
}

impl Study<'_> {
    fn run(&self) -> Result<Explanation> {
        let p = self.problem;
        let dtype = p.theta.dtype();
        let wide = self.gradient(DType::Dd, true)?;
        let gradient = p.gradient.to_f64_vec()?;
        let numeric = p.numeric.to_f64_vec()?;
        let gates = self.gates();
        let mut reach = vec![Vec::new(); gates.len()];
        let mut crossings = Vec::new();
        let mut coordinates = Vec::new();
        for i in 0..self.theta.len() {
            self.look_across(i, &gates, &mut crossings)?;
            let exact = self.quotient(i, tiny(), self.both(i, tiny()), true)?.0;
            let step = Dd::from(p.eps);
            let frozen = self.quotient(i, step, self.both(i, step), true)?.0;
            let (free, ends) = self.quotient(i, step, self.both(i, step), false)?;
            let (held, _) = self.quotient(i, step, self.representable(i)?, false)?;
            for (gate, reach) in gates.iter().zip(&mut reach) {
                let input = |v: &Values| v.get(gate.inputs[0]).to_vec::<Dd>();
                let moved = (input(&ends[0])?.iter().zip(&input(&ends[1])?))
                    .map(|(a, b)| f64::from((*a - *b).abs() / Dd::from(2.0)))
                    .collect::<Vec<_>>();
                reach.push(moved);
            }
            let [auto, seen] = [gradient[i], numeric[i]].map(Dd::from);
            let mut ledger = Ledger {
                name: p.names[i].clone(),
                index: i,
                autograd: gradient[i],
                numeric: numeric[i],
                exact: exact.into(),
                gap: (auto - seen).into(),
                back_rounding: (auto - wide[i]).into(),
                formula: (wide[i] - exact).into(),
                truncation: (exact - frozen).into(),
                kinks: (frozen - free).into(),
                step_rounding: (free - held).into(),
                forward_rounding: (held - seen).into(),
                ..Ledger::default()
            };
            ledger.cause = ledger.largest();
            coordinates.push(ledger);
        }
        let scale = rms(coordinates.iter().map(|c| c.exact));
        for c in &mut coordinates {
            let size = if c.exact == 0.0 { scale } else { c.exact.abs() };
            c.agrees = c.gap.abs() <= power(dtype) * size;
        }
        let worst = (coordinates.iter())
            .max_by(|a, b| a.gap.abs().total_cmp(&b.gap.abs()))
            .expect("there are parameters")
            .clone();
        let kinks = self.kinks(&gates, &reach)?;
        let radius = (kinks.iter().map(|k| k.steps)).fold(f64::INFINITY, f64::min) * p.eps;
        let half_radius = match radius / 2.0 {
            eps if eps.is_finite() && eps > 0.0 => Some(self.repeat(dtype, eps)?),
            _ => None,
        };
        let wider = match dtype {
            DType::F32 => DType::F64,
            _ => DType::Dd,
        };
        Ok(Explanation {
            dtype: dtype.name(),
            eps: p.eps,
            predicted_roundoff: self.predict(worst.index)?,
            worst,
            kinks,
            crossings,
            evaluations: 2 * self.theta.len(),
            wider: self.repeat(wider, p.eps)?,
            half_radius,
            certified: certify(&coordinates, scale, dtype),
            coordinates,
        })
    }

    /// The loss's gates that look at one thing: the ReLUs.
    fn gates(&self) -> Vec<&Instruction> {
        (self.program.instructions().iter())
            .filter(|i| i.op.def().family == Family::Gate && i.inputs.len() == 1)
            .collect()
    }

    fn replay(&self, theta: &Tensor, float: Option<DType>, frozen: bool) -> Result<Values> {
        self.program.replay_all(&[theta], Replay { float, frozen })
    }

    fn loss(&self, values: &Values) -> Tensor {
        values.get(self.program.outputs()[0])
    }

    /// A gradient by autograd, in another dtype.
    fn gradient(&self, dtype: DType, frozen: bool) -> Result<Vec<Dd>> {
        let _guard = enable_grad();
        let theta = self
            .problem
            .theta
            .detach()
            .to(dtype)?
            .requires_grad_(true)?;
        let loss = self.loss(&self.replay(&theta, Some(dtype), frozen)?);
        match grad(&[(&loss, None)], &[&theta], Default::default())?.remove(0) {
            Some(g) => g.to(DType::Dd)?.to_vec(),
            None => Ok(vec![Dd::from(0.0); self.theta.len()]),
        }
    }

    /// The coordinate one step up and one step down, exactly.
    fn both(&self, i: usize, step: Dd) -> [Dd; 2] {
        [self.theta[i] + step, self.theta[i] - step]
    }

    /// The same as far as the working precision can hold it: what the observed quotients were taken at.
    fn representable(&self, i: usize) -> Result<[Dd; 2]> {
        let (at, eps) = (f64::from(self.theta[i]), self.problem.eps);
        let dtype = self.problem.theta.dtype();
        let round = |x: f64| -> Result<Dd> {
            let held = Array::number(Number::Float(x), dtype)?.item()?;
            Ok(Dd::from(held.to_f64()))
        };
        Ok([round(at + eps)?, round(at - eps)?])
    }

    /// The round-off to expect in a coordinate's quotient.
    fn predict(&self, i: usize) -> Result<Prediction> {
        let p = self.problem;
        let ends = self.representable(i)?.map(|at| {
            let theta = p.theta.copy()?;
            theta.set(i as i64, f64::from(at)).map(|()| theta)
        });
        let [up, down] = ends;
        predict(
            self.program,
            &[up?, down?],
            &p.names[i],
            p.eps,
            p.theta.dtype(),
        )
    }

    /// A central difference in wide arithmetic, and the two runs it was taken from.
    fn quotient(
        &self,
        i: usize,
        step: Dd,
        points: [Dd; 2],
        frozen: bool,
    ) -> Result<(Dd, [Values; 2])> {
        let run = |at: Dd| -> Result<(Dd, Values)> {
            let mut theta = self.theta.clone();
            theta[i] = at;
            let theta = Tensor::from_slice(&theta, [theta.len()])?;
            let values = self.replay(&theta, Some(DType::Dd), frozen)?;
            Ok((self.loss(&values).item()?.cast(), values))
        };
        let ((up, a), (down, b)) = (run(points[0])?, run(points[1])?);
        Ok(((up - down) / (Dd::from(2.0) * step), [a, b]))
    }

    /// Notes the gates that choose otherwise at the points where the quotient was taken, in its own arithmetic.
    fn look_across(
        &self,
        i: usize,
        gates: &[&Instruction],
        crossings: &mut Vec<Crossing>,
    ) -> Result<()> {
        for (side, at) in ['+', '-'].into_iter().zip(self.representable(i)?) {
            let theta = self.problem.theta.copy()?;
            theta.set(i as i64, f64::from(at))?;
            let values = self.replay(&theta, None, false)?;
            for gate in gates {
                let now = gate.op.decide(&[values.get(gate.inputs[0]).array()])?;
                let (Some(now), Some(then)) = (now, &gate.decision) else {
                    continue;
                };
                let changed = now.to_f64_vec()?.into_iter().zip(then.to_f64_vec()?);
                for (unit, _) in changed.enumerate().filter(|(_, (a, b))| a != b) {
                    crossings.push(Crossing {
                        coordinate: self.problem.names[i].clone(),
                        unit,
                        side,
                    });
                }
            }
        }
        Ok(())
    }

    /// Every unit's margin, and how many steps it is: `reach[gate][coordinate][unit]` is how far one step moves it.
    fn kinks(&self, gates: &[&Instruction], reach: &[Vec<Vec<f64>>]) -> Result<Vec<Kink>> {
        let values = self.replay(self.problem.theta, None, false)?;
        let mut kinks = Vec::new();
        for (gate, reach) in gates.iter().zip(reach) {
            let Some(margin) = (gate.op).margin(&[values.get(gate.inputs[0]).array()])? else {
                continue;
            };
            for (unit, margin) in margin.to_f64_vec()?.into_iter().enumerate() {
                let fastest = (0..reach.len())
                    .max_by(|&a, &b| reach[a][unit].total_cmp(&reach[b][unit]).then(b.cmp(&a)));
                let Some(i) = fastest.filter(|&i| reach[i][unit] > 0.0) else {
                    continue; // nothing moves it
                };
                kinks.push(Kink {
                    unit,
                    margin,
                    steps: margin / reach[i][unit],
                    by: self.problem.names[i].clone(),
                });
            }
        }
        Ok(kinks)
    }

    /// The observed loop once more in another arithmetic or with another step.
    fn repeat(&self, dtype: DType, eps: f64) -> Result<Repeat> {
        let gradient = self.gradient(dtype, false)?;
        let theta = self.problem.theta.to(dtype)?.copy()?;
        let mut gap = 0.0f64;
        for (i, g) in gradient.into_iter().enumerate() {
            let at = |x: Dd| -> Result<Dd> {
                theta.set(i as i64, x)?;
                let loss = self.loss(&self.replay(&theta, Some(dtype), false)?);
                Ok(loss.item()?.cast())
            };
            let [up, down] = self.both(i, Dd::from(eps));
            let quotient = (at(up)? - at(down)?) / Dd::from(2.0 * eps);
            theta.set(i as i64, self.theta[i])?;
            let one = f64::from((g - quotient).abs());
            gap = if one.is_nan() { one } else { gap.max(one) };
        }
        Ok(Repeat {
            dtype: dtype.name(),
            eps,
            gap,
        })
    }
}

/// What a difference quotient is asked to agree to.
fn power(dtype: DType) -> f64 {
    if dtype == DType::F32 { 1e-3 } else { 1e-6 }
}

/// A step for 32 digits: truncation and rounding are both below 1e-18 of ordinary values.
fn tiny() -> Dd {
    Dd::from(1.0).scale2(-36)
}

fn rms(values: impl ExactSizeIterator<Item = f64>) -> f64 {
    let n = values.len().max(1) as f64;
    (values.map(|v| v * v).sum::<f64>() / n).sqrt()
}

/// Compares autograd with the exact derivative.
fn certify(coordinates: &[Ledger], scale: f64, dtype: DType) -> Certified {
    let mut certified = Certified {
        error: 0.0,
        relative: 0.0,
        right: true,
    };
    for c in coordinates {
        let error = (c.back_rounding + c.formula).abs();
        let size = if c.exact == 0.0 { scale } else { c.exact.abs() };
        certified.error = certified.error.max(error);
        if error > 0.0 {
            certified.relative = certified.relative.max(error / size);
        }
        certified.right &=
            c.formula.abs() <= 1e-12 * (size + scale) && error <= power(dtype) * (size + scale);
    }
    certified
}
