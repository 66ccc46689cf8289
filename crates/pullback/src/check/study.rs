//! A check kept open: the same measurements at other steps and in another precision, decisions over the stencil, and the
//! round-off to expect of a quotient before it is taken.
//!
//! Everything comes from replays of the one recorded program. Not for: how it is drawn or said.

use super::examine::Findings;
use super::measure::{self, scale_of};
use super::numbers;
use super::oracle::Oracle;
use super::verdict::{Facts, decide};
use super::{Check, Claim, Coordinate, Formula, Graph, Report, graph, kinks, point, rounding, run};
use crate::program::{Program, Replay, Values};
use crate::{DType, Error, ErrorKind, Result, Tensor};
use std::cell::OnceCell;

/// A check that was run and can be asked more.
///
/// ```
/// use pullback::{DType, Tensor, check::Check};
/// let x = Tensor::from_slice(&[0.3f32, 1.1], [2])?;
/// let check = Check::new(|x| x[0].sin()?.sum(), &[&x]).step(1e-5);
/// let study = check.study()?;
/// // The same point with a longer step, and in another precision:
/// let longer = study.at_step(1e-3)?;
/// assert!(longer[0].ledger.forward.abs() < 1e-2 && longer[0].ledger.truncation > 0.0);
/// let wider = study.in_dtype(DType::F64)?;
/// assert!(wider.run()?.coordinates[0].gap.abs() < 1e-9);
/// # Ok::<(), pullback::Error>(())
/// ```
pub struct Study<'a> {
    check: &'a Check<'a>,
    oracle: Oracle<'a>,
    report: Report,
    findings: Findings,
}

/// A gate of the recorded program: what it decided at the point, and how near it is to deciding otherwise.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Its place in the recorded run.
    pub position: usize,
    /// Its operation.
    pub op: &'static str,
    /// The line that ran it.
    pub site: String,
    /// What was decided, element by element (a mask, a winner's place).
    pub decisions: Vec<f64>,
    /// The elements whose distance from deciding otherwise is known.
    pub units: Vec<Unit>,
}

/// One element of a gate.
#[derive(Clone, Debug)]
pub struct Unit {
    /// How far its input is from another decision; 0 at a tie.
    pub margin: f64,
    /// The coordinate that gets there with the shortest move, and the length of that move, to first order.
    pub nearest: Option<(String, f64)>,
}

/// A gate's element that decided otherwise at a point of the stencil, in the working precision.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Crossing {
    /// The coordinate, by its place in the report.
    pub coordinate: usize,
    /// Whether above the point (x + h) or below.
    pub up: bool,
    /// The gate, by its place in [`Study::gates`].
    pub gate: usize,
    /// The element of its decisions.
    pub unit: usize,
}

/// The rounding to expect in one difference quotient, from the values alone.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct RoundOff {
    /// The larger of the function's two values.
    pub value: f64,
    /// From it to the next number that the working precision can hold.
    pub ulp: f64,
    /// What one such step does to the quotient.
    pub per_ulp: f64,
    /// The standard deviation of the quotient's error.
    pub typical: f64,
    /// No error is larger, to first order.
    pub worst: f64,
}

impl<'a> Study<'a> {
    pub(super) fn new(check: &'a Check<'a>) -> Result<Study<'a>> {
        let oracle = run::prepare(check)?;
        let (report, findings) = run::run_on(check, &oracle)?;
        Ok(Study {
            check,
            oracle,
            report,
            findings,
        })
    }

    /// What the check found.
    pub fn report(&self) -> &Report {
        &self.report
    }

    /// The inputs: their names and shapes, and whether they are differentiated.
    pub fn inputs(&self) -> Vec<(&str, &crate::Shape, bool)> {
        (self.check.names.iter().zip(&self.check.inputs))
            .map(|(name, x)| (name.as_str(), x.shape(), x.dtype().is_float()))
            .collect()
    }

    /// The report's coordinates as they are with another step, one or all of them. Empty where nothing could be measured.
    ///
    /// # Errors
    /// Where the function fails at a point of the stencil.
    pub fn at_step(&self, step: f64) -> Result<Vec<Coordinate>> {
        (0..self.findings.facts.len())
            .map(|k| self.coordinate_at(k, step))
            .collect()
    }

    /// One of the report's coordinates as it is with another step.
    ///
    /// # Errors
    /// As [`Study::at_step`]; where there is no such coordinate, or the step is not a finite number above 0.
    pub fn coordinate_at(&self, coordinate: usize, step: f64) -> Result<Coordinate> {
        let f = self.facts(coordinate)?;
        if !(step.is_finite() && step > 0.0) {
            return Err(Error::new(
                ErrorKind::Value,
                format!("the step must be a finite number above 0, not {step}"),
            ));
        }
        let (check, oracle) = (self.check, &self.oracle);
        let numeric = measure::numeric(check, oracle, f.input, f.flat, step)?;
        let (n_fz, n_hi, n_rounded) = measure::quotients(oracle, check, f.input, f.flat, step)?;
        let mut moved = Facts {
            step,
            numeric,
            n_fz,
            n_hi,
            n_rounded,
            jump: None,
            ..f.clone()
        };
        if n_fz.to_f64() != n_hi.to_f64() {
            moved.jump = Some(measure::jump(oracle, &moved)?);
        }
        Ok(decide(&moved))
    }

    /// How far rounding can put the quotient of a coordinate with a step: eight standard deviations of both values and
    /// the worst rounding of both points.
    pub fn budget(&self, coordinate: usize, step: f64) -> f64 {
        let Ok(f) = self.facts(coordinate) else {
            return f64::NAN;
        };
        let size = self.position(f).abs() + step;
        (8.0 * self.findings.q_f + f.u * size * f.d.to_f64().abs()) / step
    }

    /// How far rounding can put the claimed gradient of a coordinate: eight standard deviations, and at least half a unit
    /// in the last place.
    pub fn floor(&self, coordinate: usize) -> f64 {
        self.facts(coordinate)
            .map_or(f64::NAN, |f| (8.0 * f.q).max(f.u * f.d.to_f64().abs()))
    }

    /// How far a coordinate is from the nearest kink, to first order.
    pub fn kink(&self, coordinate: usize) -> Option<f64> {
        self.findings.kinks.get(coordinate).copied().flatten()
    }

    /// What the quotient of a coordinate must be expected to be off by, from the rounding of every operation at the two
    /// points it is taken at.
    ///
    /// # Errors
    /// Where the program cannot be replayed there.
    pub fn round_off(&self, coordinate: usize, step: f64) -> Result<RoundOff> {
        let _quiet = crate::no_grad();
        let f = self.facts(coordinate)?;
        let x = self.position(f);
        let (mut value, mut variance, mut worst) = (0.0f64, 0.0, 0.0);
        let mut ends = Vec::new();
        for at in [x + step, x - step] {
            let moved = self.stored(f, at)?;
            let refs: Vec<&Tensor> = moved.iter().collect();
            let bounds = rounding::read(&self.oracle.program, &refs, self.check.seed)?;
            ends.push(bounds.values[0][0]);
            value = value.max(bounds.values[0][0].abs());
            variance += bounds.q[0][0].powi(2);
            worst += bounds.e[0][0];
        }
        let (h2, dtype) = (2.0 * step, self.report.dtype);
        let difference = ends[0] - ends[1];
        // The subtraction and the division are rounded too, and so is 2h.
        let own = spacing(difference, dtype) / 2.0 / h2 + spacing(difference / h2, dtype);
        let ulp = spacing(value, dtype);
        Ok(RoundOff {
            value,
            ulp,
            per_ulp: ulp / h2,
            typical: variance.sqrt() / h2,
            worst: worst / h2 + own,
        })
    }

    /// Every gate of the recorded program.
    ///
    /// # Errors
    /// Where the program cannot be replayed beside the point.
    pub fn gates(&self) -> Result<Vec<Gate>> {
        let _quiet = crate::no_grad();
        let oracle = &self.oracle;
        let at = kinks::Margins::of(&oracle.program, &oracle.values_at(&oracle.wide)?)?;
        let mut units: Vec<Vec<Unit>> = (at.gates.iter())
            .map(|(_, m)| {
                let unit = |&margin: &f64| Unit {
                    margin,
                    nearest: None,
                };
                m.iter().map(unit).collect()
            })
            .collect();
        for f in &self.findings.facts {
            let scale = scale_of(&self.check.inputs[f.input].to_f64_vec()?, f.flat);
            for (k, unit, distance) in oracle.crossings(&at, f.input, f.flat, scale)? {
                let found = &mut units[k][unit];
                if found.nearest.as_ref().is_none_or(|n| distance < n.1) {
                    found.nearest = Some((f.name.clone(), distance));
                }
            }
        }
        let mut gates = Vec::new();
        for ((position, _), units) in at.gates.iter().zip(units) {
            let inst = &oracle.program.instructions()[*position];
            gates.push(Gate {
                position: *position,
                op: inst.op.def().name,
                site: format!("{}:{}", inst.site.file(), inst.site.line()),
                decisions: match &inst.decision {
                    Some(d) => Tensor::from_array(d.clone()).to_f64_vec()?,
                    None => Vec::new(),
                },
                units,
            });
        }
        Ok(gates)
    }

    /// Which gates decide otherwise where the quotients with this step are taken, in the working precision.
    ///
    /// # Errors
    /// As [`Study::gates`].
    pub fn crossings(&self, step: f64) -> Result<Vec<Crossing>> {
        let _quiet = crate::no_grad();
        let program = &self.oracle.program;
        let centre = self.oracle.values_at(&self.oracle.wide)?;
        let margins = kinks::Margins::of(program, &centre)?;
        let mut out = Vec::new();
        for (coordinate, f) in self.findings.facts.iter().enumerate() {
            let x = self.position(f);
            for (up, at) in [(true, x + step), (false, x - step)] {
                let moved = self.stored(f, at)?;
                let refs: Vec<&Tensor> = moved.iter().collect();
                let Ok(values) = program.replay_all(&refs, Replay::default()) else {
                    continue; // beyond a jump of shapes there is nothing to compare
                };
                for (gate, (position, _)) in margins.gates.iter().enumerate() {
                    for unit in changed(program, *position, &values)? {
                        out.push(Crossing {
                            coordinate,
                            up,
                            gate,
                            unit,
                        });
                    }
                }
            }
        }
        Ok(out)
    }

    /// The recorded program as a graph, with values, gradients, and each operation's rule tested alone.
    ///
    /// # Errors
    /// Where an operation cannot be replayed.
    pub fn graph(&self) -> Result<Graph> {
        graph::of(self.check, &self.oracle)
    }

    /// The same recorded program at the same point (rounded, if `dtype` is narrower) as a check of its own in another
    /// precision. The claim goes along; the step stays.
    ///
    /// # Errors
    /// Where an input cannot be converted.
    pub fn in_dtype(&self, dtype: DType) -> Result<Check<'_>> {
        let convert = |t: &Tensor| -> Result<Tensor> {
            if t.dtype().is_float() {
                t.detach().to(dtype)
            } else {
                Ok(t.clone())
            }
        };
        let how = Replay {
            float: Some(dtype),
            frozen: false,
        };
        let inputs: Vec<Tensor> = self
            .check
            .inputs
            .iter()
            .map(convert)
            .collect::<Result<_>>()?;
        let claim = match &self.check.claim {
            Claim::Autograd => Claim::Autograd,
            Claim::Numbers(n) => Claim::Numbers(n.iter().map(convert).collect::<Result<_>>()?),
            Claim::Formula(formula) => {
                let own: Vec<&Tensor> = self.check.inputs.iter().collect();
                let (program, _) =
                    Program::snapshot(&own, |x| point::formula(self.check, formula, x))?;
                let run = move |x: &[Tensor], _: &Tensor| {
                    program.replay(&x.iter().collect::<Vec<_>>(), how)
                };
                Claim::Formula(Formula {
                    run: Box::new(run),
                    backward: false,
                })
            }
        };
        let program = &self.oracle.program;
        Ok(Check {
            f: Box::new(move |x| {
                let x: Vec<&Tensor> = x.iter().collect();
                Ok(program.replay(&x, how)?.remove(0))
            }),
            inputs,
            names: self.check.names.clone(),
            claim,
            step: Some(self.report.step),
            power: None,
            seed: self.check.seed,
            limit: self.check.limit,
            plain: point::Plain::default(),
            cotangent: None,
            incoming: OnceCell::new(),
            linear: self.check.linear,
        })
    }

    fn facts(&self, coordinate: usize) -> Result<&Facts> {
        self.findings.facts.get(coordinate).ok_or_else(|| {
            Error::new(
                ErrorKind::Index,
                format!("nothing was measured at a coordinate {coordinate}"),
            )
        })
    }

    /// Where a coordinate is.
    fn position(&self, f: &Facts) -> f64 {
        numbers::element(&self.check.inputs[f.input].array(), f.flat).unwrap_or(f64::NAN)
    }

    /// The inputs with one coordinate at the nearest number to `at` that can be stored.
    fn stored(&self, f: &Facts, at: f64) -> Result<Vec<Tensor>> {
        let mut moved = self.check.inputs.clone();
        moved[f.input] = numbers::with_element(&moved[f.input], f.flat, at)?;
        Ok(moved)
    }
}

/// The elements of a gate's decision that differ from the recorded ones.
fn changed(program: &Program, position: usize, values: &Values) -> Result<Vec<usize>> {
    let inst = &program.instructions()[position];
    let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
    let now = inst.decide(&x)?;
    let (Some(now), Some(then)) = (now, &inst.decision) else {
        return Ok(Vec::new());
    };
    let (now, then) = (Tensor::from_array(now), Tensor::from_array(then.clone()));
    Ok((now.to_f64_vec()?.iter().zip(then.to_f64_vec()?))
        .enumerate()
        .filter(|(_, (a, b))| **a != *b)
        .map(|(unit, _)| unit)
        .collect())
}

/// The distance from a number to the next larger one of its dtype.
fn spacing(x: f64, dtype: DType) -> f64 {
    let x = x.abs();
    match dtype {
        DType::F32 => f64::from((x as f32).next_up()) - f64::from(x as f32),
        _ => x.next_up() - x,
    }
}
