//! One check, from the function to the report.

use super::oracle::{self, Oracle, U_HI};
use super::verdict::{Facts, decide};
use super::{
    Adjoint, Check, Claim, Coordinate, Ledger, NearestKink, Report, Status, Verdict, explain, fast,
    guilty, kinks, rounding,
};
use crate::program::{Program, Replay};
use crate::{DType, Dd, Error, ErrorKind, Result, Shape, Tensor, mode};

pub(super) fn run(check: &Check<'_>) -> Result<Report> {
    let _grad = mode::set(mode::GRAD, true);
    let dtype = working_dtype(check)?;
    let oracle = Oracle::new(check)?;
    let value = oracle.direct(&check.inputs)?;
    let mut report = Report {
        status: Status::Pass,
        coordinates: Vec::new(),
        nearest_kink: None,
        guilty: None,
        bug: None,
        evaluations: 0,
        step: check
            .step
            .unwrap_or(if dtype == DType::F32 { 1e-3 } else { 1e-6 }),
        power: check
            .power
            .unwrap_or(if dtype == DType::F32 { 1e-3 } else { 1e-6 }),
        dtype,
        value: value.item_f64()?,
        notes: Vec::new(),
        parameters: check
            .inputs
            .iter()
            .filter(|t| t.dtype().is_float())
            .map(Tensor::numel)
            .sum(),
        adjoint: None,
    };
    if !(report.step.is_finite() && report.step > 0.0) {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "the step must be a finite number above 0, not {}",
                report.step
            ),
        ));
    }
    let claimed = claimed(check, &oracle)?;
    if let Some(note) = differs_from_run_to_run(check, &oracle, &value)? {
        report.notes.push(note);
        report.coordinates = undecided(check, &claimed, Verdict::NonDeterministic)?;
    } else if !report.value.is_finite() {
        report.notes.push(format!(
            "the function's value at this point is {}",
            report.value
        ));
        report.coordinates = undecided(check, &claimed, Verdict::Inconclusive)?;
    } else {
        examine(check, &oracle, &claimed, &mut report)?;
    }
    let worst = report
        .coordinates
        .iter()
        .map(|c| c.status)
        .max()
        .unwrap_or(Status::Pass);
    report.status = report.status.max(worst);
    report.evaluations = oracle.evaluations.get();
    Ok(report)
}

/// The floating inputs' dtype; they must agree, since there is one working precision.
fn working_dtype(check: &Check<'_>) -> Result<DType> {
    let mut floats = check
        .inputs
        .iter()
        .map(Tensor::dtype)
        .filter(|d| d.is_float());
    let Some(first) = floats.next() else {
        return Err(Error::new(
            ErrorKind::DType,
            "no input is floating, so there is no gradient to check",
        ));
    };
    match floats.find(|d| *d != first) {
        Some(other) => Err(Error::new(
            ErrorKind::DType,
            format!("inputs of one dtype are needed: these are {first} and {other}"),
        )),
        None if first == DType::Dd => Err(Error::new(
            ErrorKind::DType,
            "double-double is the oracle's own arithmetic; check float32 or float64",
        )),
        None => Ok(first),
    }
}

/// The gradient under test, flattened, for each floating input.
type Gradient = Vec<Option<Vec<f64>>>;

fn claimed(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Gradient> {
    match &check.claim {
        Claim::Autograd => {
            let leaves = check
                .inputs
                .iter()
                .map(oracle::leaf)
                .collect::<Result<Vec<_>>>()?;
            let y = oracle.direct(&leaves)?;
            flatten(check, &autograd(&y, &leaves)?)
        }
        Claim::Numbers(numbers) => flatten(check, numbers),
        Claim::Formula(formula) => flatten(check, &formula(&check.inputs)?),
    }
}

fn autograd(y: &Tensor, leaves: &[Tensor]) -> Result<Vec<Tensor>> {
    let floats: Vec<&Tensor> = leaves.iter().filter(|t| t.dtype().is_float()).collect();
    if !y.requires_grad() {
        return floats.iter().map(|t| t.zeros_like()).collect();
    }
    let found = crate::grad(&[(y, None)], &floats, crate::BackwardOptions::default())?;
    found
        .into_iter()
        .zip(floats)
        .map(|(g, t)| g.map_or_else(|| t.zeros_like(), Ok))
        .collect()
}

/// Puts gradients beside their inputs, after checking that they fit.
fn flatten(check: &Check<'_>, gradients: &[Tensor]) -> Result<Gradient> {
    let floats = check.inputs.iter().filter(|t| t.dtype().is_float()).count();
    if gradients.len() != floats {
        return Err(Error::new(
            ErrorKind::Value,
            format!(
                "{floats} floating inputs need {floats} gradients, {} were given",
                gradients.len()
            ),
        ));
    }
    let mut next = gradients.iter();
    let mut out = Vec::new();
    for (x, name) in check.inputs.iter().zip(&check.names) {
        if !x.dtype().is_float() {
            out.push(None);
            continue;
        }
        let Some(g) = next.next() else { break };
        if g.shape() != x.shape() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "the gradient of {name} has shape {}, but {name} has {}",
                    g.shape(),
                    x.shape()
                ),
            ));
        }
        if g.dtype() != x.dtype() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "the gradient of {name} is {}, but {name} is {}",
                    g.dtype(),
                    x.dtype()
                ),
            ));
        }
        out.push(Some(g.to_f64_vec()?));
    }
    Ok(out)
}

fn differs_from_run_to_run(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    first: &Tensor,
) -> Result<Option<String>> {
    for _ in 0..2 {
        let again = oracle.direct(&check.inputs)?;
        if !again.array().bits_equal(first.array())? {
            return Ok(Some(format!(
                "three runs at one point gave different values ({} and {}): fix the random seed, or pass the random numbers as inputs",
                first.item()?,
                again.item()?
            )));
        }
    }
    Ok(None)
}

fn undecided(check: &Check<'_>, claimed: &Gradient, verdict: Verdict) -> Result<Vec<Coordinate>> {
    let mut out = Vec::new();
    for (input, g) in claimed.iter().enumerate() {
        for (flat, &claimed) in g.iter().flatten().enumerate() {
            let (name, index) = name_of(check, input, flat);
            out.push(Coordinate {
                name,
                input,
                index,
                claimed,
                numeric: f64::NAN,
                oracle: f64::NAN,
                gap: f64::NAN,
                ledger: Ledger::default(),
                budget: f64::INFINITY,
                mde: f64::INFINITY,
                verdict,
                status: Status::Unknown,
                remark: None,
            });
        }
    }
    Ok(out)
}

/// `W1[3,1]`, and the index.
pub(super) fn name_of(check: &Check<'_>, input: usize, flat: usize) -> (String, Vec<usize>) {
    let shape: &Shape = check.inputs[input].shape();
    let mut index = vec![0; shape.len()];
    let mut rest = flat;
    for k in (0..shape.len()).rev() {
        index[k] = rest % shape[k].max(1);
        rest /= shape[k].max(1);
    }
    let text: Vec<String> = index.iter().map(usize::to_string).collect();
    let name = &check.names[input];
    (
        if text.is_empty() {
            name.clone()
        } else {
            format!("{name}[{}]", text.join(","))
        },
        index,
    )
}

/// Error bounds of the value and of each gradient, from the recorded forward and backward.
fn bounds(check: &Check<'_>, oracle: &Oracle<'_>, u: f64) -> Result<rounding::Bounds> {
    let refs: Vec<&Tensor> = check.inputs.iter().collect();
    let (program, _) = Program::trace(&refs, |x| {
        let mut out = Vec::new();
        if let Claim::Formula(formula) = &check.claim {
            let _quiet = crate::no_grad();
            out.push(oracle.direct(x)?);
            out.extend(formula(x)?);
            return Ok(out);
        }
        let leaves = x
            .iter()
            .map(|t| {
                if t.dtype().is_float() {
                    t.clone().requires_grad_(true)
                } else {
                    Ok(t.clone())
                }
            })
            .collect::<Result<Vec<_>>>()?;
        let y = oracle.direct(&leaves)?;
        let gradients = autograd(&y, &leaves)?;
        out.push(y);
        out.extend(gradients);
        Ok(out)
    })?;
    rounding::read(&program, &refs, u, check.seed)
}

/// The claimed gradient in double-double: the engine's, or the formula's own.
fn claimed_wide(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Vec<Option<Vec<Dd>>>> {
    if let Claim::Formula(formula) = &check.claim {
        oracle.count(1);
        let found = formula(&oracle.wide)?;
        let mut found = found.into_iter();
        return (check.inputs.iter())
            .map(|x| match x.dtype().is_float() {
                false => Ok(None),
                true => found
                    .next()
                    .map(|g| g.to(DType::Dd)?.to_vec::<Dd>())
                    .transpose(),
            })
            .collect();
    }
    oracle.gradient().map(|g| g.0)
}

/// A scale for steps: the element's size, or its tensor's.
fn scale_of(x: &[f64], flat: usize) -> f64 {
    if x[flat] != 0.0 && x[flat].is_finite() {
        return x[flat].abs();
    }
    rms(x).filter(|r| *r > 0.0).unwrap_or(1.0)
}

pub(super) fn rms(x: &[f64]) -> Option<f64> {
    let n = x.len() as f64;
    (n > 0.0).then(|| (x.iter().map(|v| v * v).sum::<f64>() / n).sqrt())
}

fn examine(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    claimed: &Gradient,
    report: &mut Report,
) -> Result<()> {
    let u = report.dtype.unit_roundoff();
    let bounds = bounds(check, oracle, u)?;
    let (e_f, q_f) = (bounds.e[0][0], bounds.q[0][0]);
    let wide = claimed_wide(check, oracle)?;
    let autograd_wide = match &check.claim {
        Claim::Formula(_) => oracle.gradient()?.0,
        _ => wide.clone(),
    };
    let centre = oracle.values_at(&oracle.wide)?;
    let margins = kinks::Margins::of(&oracle.program, &centre)?;
    let size_f = report.value.abs();
    // What evaluating once in double-double may be off by.
    let hi_f = (8.0 * q_f * (U_HI / u)).max(U_HI * size_f);
    let tied_gate = margins.gates.iter().any(|(_, m)| {
        m.iter()
            .any(|d| *d <= 8.0 * u * f64::EPSILON.max(0.0) + tie_width(e_f, u))
    });
    report.adjoint = Some(adjoint(check, oracle, hi_f)?);
    let scales: Vec<Option<Vec<f64>>> = (check.inputs.iter().zip(claimed))
        .map(|(x, g)| match g {
            None => Ok(None),
            Some(g) => {
                let x = x.to_f64_vec()?;
                Ok(Some((0..g.len()).map(|flat| scale_of(&x, flat)).collect()))
            }
        })
        .collect::<Result<_>>()?;
    // Which output of the bounds belongs to which input: the value comes first, then the floating inputs.
    let mut row = 0;
    let rows: Vec<usize> = claimed
        .iter()
        .map(|g| {
            row += usize::from(g.is_some());
            row
        })
        .collect();
    let everything: Vec<(usize, usize)> = claimed
        .iter()
        .enumerate()
        .flat_map(|(i, g)| (0..g.as_ref().map_or(0, Vec::len)).map(move |flat| (i, flat)))
        .collect();
    let chosen = if everything.len() <= check.limit {
        everything
    } else {
        choose(
            check,
            oracle,
            report,
            &Wide {
                claimed,
                wide: &wide,
                scales: &scales,
                rows: &rows,
                bounds: &bounds,
                hi_f,
                u,
            },
            &everything,
        )?
    };
    let mut facts: Vec<Facts> = Vec::new();
    for (input, flat) in chosen {
        let (Some(g), Some(scale)) = (&claimed[input], &scales[input]) else {
            continue;
        };
        let step_scale = scale[flat];
        {
            let (e, q) = (bounds.e[rows[input]][flat], bounds.q[rows[input]][flat]);
            let good = 4.0 * 8.0 * q * (U_HI / u);
            let (d, e_d) = oracle.derivative(input, flat, step_scale, hi_f, good)?;
            let numeric = numeric(check, oracle, input, flat, report.step)?;
            let (n_fz, n_hi, n_rounded) = quotients(oracle, check, input, flat, report.step)?;
            let a_hi = wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
            let a_auto = autograd_wide[input].as_ref().map_or(Dd::NAN, |w| w[flat]);
            let crossing = oracle.first_crossing(&margins, input, flat, step_scale)?;
            let sides = if tied_gate || crossing.is_some_and(|c| c.2 <= 1e-9 * step_scale) {
                Some(oracle.one_sided(input, flat, step_scale)?)
            } else {
                None
            };
            let escaped = escaped(oracle, input, flat, step_scale, crossing.map(|c| c.2), hi_f)?;
            let (name, index) = name_of(check, input, flat);
            facts.push(Facts {
                name,
                input,
                index,
                flat,
                claimed: g[flat],
                numeric,
                a_hi,
                a_auto,
                d,
                e_d,
                n_fz,
                n_hi,
                n_rounded,
                e,
                q,
                u,
                step: report.step,
                power: report.power,
                crossing: crossing.map(|c| c.2),
                sides,
                escaped,
                jump: None,
                rms: 0.0,
                numbers: matches!(check.claim, Claim::Numbers(_)),
            });
            if let Some((k, unit, distance)) = crossing {
                let steps = distance / report.step;
                if report.nearest_kink.as_ref().is_none_or(|n| steps < n.steps) {
                    let inst = &oracle.program.instructions()[k];
                    let op = format!(
                        "{} at {}:{}",
                        inst.op.def().name,
                        inst.site.file(),
                        inst.site.line()
                    );
                    report.nearest_kink = Some(NearestKink {
                        name: name_of(check, input, flat).0,
                        op,
                        unit,
                        steps,
                    });
                }
            }
        }
    }
    for input in 0..claimed.len() {
        let exact: Vec<f64> = match &wide[input] {
            Some(w) => w.iter().map(|a| a.to_f64()).collect(),
            None => continue,
        };
        let scale = rms(&exact).unwrap_or(0.0);
        facts
            .iter_mut()
            .filter(|f| f.input == input)
            .for_each(|f| f.rms = scale);
    }
    for f in &mut facts {
        if f.n_fz.to_f64() != f.n_hi.to_f64() {
            f.jump = Some(jump(oracle, f)?);
        }
    }
    report.coordinates = facts.iter().map(decide).collect();
    self_test(&facts, report);
    if report.coordinates.iter().any(|c| c.verdict == Verdict::Bug) {
        report.bug = explain::explain(check, report);
        if matches!(check.claim, Claim::Autograd) {
            report.guilty = guilty::find(oracle)?;
            if report.guilty.is_none() && report.bug.is_none() {
                report.notes.push("every operation's own gradient is right: the fault is in how gradients are added up, or in numbers that left the graph (detach, item)".into());
            }
        }
    }
    Ok(())
}

/// What a choice among many coordinates rests on.
struct Wide<'a> {
    claimed: &'a Gradient,
    wide: &'a [Option<Vec<Dd>>],
    scales: &'a [Option<Vec<f64>>],
    rows: &'a [usize],
    bounds: &'a rounding::Bounds,
    hi_f: f64,
    u: f64,
}

/// Coordinates shown beside the suspects, as examples.
const EXAMPLES: usize = 16;
/// Suspects examined one by one.
const SUSPECTS: usize = 64;

/// With very many coordinates: certifies the gradient by projections, and picks those to examine one by one.
fn choose(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    report: &mut Report,
    w: &Wide<'_>,
    everything: &[(usize, usize)],
) -> Result<Vec<(usize, usize)>> {
    let certified = fast::certify(oracle, w.wide, w.scales, w.hi_f, check.seed)?;
    let mut suspects = certified.suspects;
    let (mut hidden, mut weakest) = (0, 0.0f64);
    for &(input, flat) in everything {
        let (Some(g), Some(a), Some(error)) =
            (&w.claimed[input], &w.wide[input], &certified.error[input])
        else {
            continue;
        };
        let (claimed, a) = (g[flat], a[flat]);
        let q8 = (8.0 * w.bounds.q[w.rows[input]][flat]).max(w.u * a.abs().to_f64());
        let back = (Dd::from(claimed) - a).abs().to_f64();
        if !(back <= q8) && suspects.len() < SUSPECTS {
            suspects.push((input, flat));
        }
        let size = a.abs().to_f64();
        if size > 0.0 {
            let mde = (error[flat] + q8) / size;
            weakest = weakest.max(mde);
            hidden += usize::from(mde > report.power);
        }
    }
    if hidden > 0 {
        report.status = report.status.max(Status::Unknown);
        report.notes.push(format!(
            "rounding hides errors of the power asked for in {hidden} of {} coordinates (largest MDE {weakest:.0e})",
            everything.len()
        ));
    }
    report.notes.push(format!(
        "{} coordinates certified by random projections; {} examined one by one",
        everything.len(),
        suspects.len() + EXAMPLES
    ));
    let stride = everything.len() / EXAMPLES;
    suspects.extend((0..EXAMPLES).map(|k| everything[k * stride]));
    suspects.sort_unstable();
    suspects.dedup();
    Ok(suspects)
}

/// The same direction by forward mode, by reverse mode and by differences.
fn adjoint(check: &Check<'_>, oracle: &Oracle<'_>, hi_f: f64) -> Result<Adjoint> {
    let (gradient, _) = oracle.gradient()?;
    let mut direction: Vec<Option<Vec<f64>>> = Vec::new();
    let mut tangents: Vec<Option<Tensor>> = Vec::new();
    let (mut reverse, mut size) = (Dd::ZERO, 0.0);
    for (k, (x, g)) in oracle.wide.iter().zip(&gradient).enumerate() {
        let Some(g) = g else {
            direction.push(None);
            tangents.push(None);
            continue;
        };
        let v = oracle::probe(x.shape(), check.seed.wrapping_add(1000 + k as u64))?.to_f64_vec()?;
        for (a, b) in g.iter().zip(&v) {
            reverse += *a * Dd::from(*b);
            size += (a.to_f64() * b).abs();
        }
        tangents.push(Some(
            Tensor::from_slice(&v, x.shape().clone())?.to(DType::Dd)?,
        ));
        direction.push(Some(v));
    }
    oracle.count(1);
    let refs: Vec<&Tensor> = oracle.wide.iter().collect();
    let seeds: Vec<Option<&Tensor>> = tangents.iter().map(Option::as_ref).collect();
    let (_, dot) = oracle
        .frozen
        .jvp(
            &refs,
            &seeds,
            Replay {
                float: Some(DType::Dd),
                frozen: false,
            },
        )?
        .remove(0);
    let forward = match dot {
        Some(dot) => oracle::number(&dot)?,
        None => Dd::ZERO,
    };
    let (differences, error) = oracle.directional(&direction, hi_f, 1e-20 * size)?;
    Ok(Adjoint {
        forward: forward.to_f64(),
        reverse: reverse.to_f64(),
        differences: differences.to_f64(),
        budget: error + 64.0 * U_HI * size + f64::EPSILON * reverse.abs().to_f64(),
    })
}

/// Plants an error of the promised size in a copy of each certified coordinate and demands that it is seen.
fn self_test(facts: &[Facts], report: &mut Report) {
    for (f, c) in facts.iter().zip(&mut report.coordinates) {
        if c.status != Status::Pass || c.verdict == Verdict::SubgradientChoice || c.oracle == 0.0 {
            continue;
        }
        let planted = decide(&f.with_claim(f.claimed * (1.0 + 2.0 * report.power.max(c.mde))));
        if planted.status == Status::Pass {
            c.status = Status::Unknown;
            c.remark = Some("an error planted on purpose was not noticed here".into());
        }
    }
}

/// A margin this small is a tie in the working precision.
fn tie_width(e_f: f64, u: f64) -> f64 {
    // Margins are in units of preactivations, whose own rounding is below that of the value's when both are of one size;
    // exact ties have margin 0, which is what matters.
    e_f.min(u) * 1e-3
}

/// The page's difference quotient: every operation in the working precision.
fn numeric(
    check: &Check<'_>,
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    h: f64,
) -> Result<f64> {
    let _quiet = crate::no_grad();
    let x = &check.inputs[input];
    let original = oracle::element(x.array(), flat)?;
    let at = |value: f64| -> Result<Tensor> {
        let mut moved = check.inputs.clone();
        moved[input] = oracle::with_element(x, flat, value)?;
        oracle.direct(&moved)
    };
    let (up, down) = (at(original + h)?, at(original - h)?);
    up.sub(&down)?.div(2.0 * h)?.item_f64()
}

/// Difference quotients in double-double: of the smooth program, of the real one, and of the real one at the points that
/// the working precision can store.
fn quotients(
    oracle: &Oracle<'_>,
    check: &Check<'_>,
    input: usize,
    flat: usize,
    h: f64,
) -> Result<(Dd, Dd, Dd)> {
    let smooth = oracle.central(&oracle.frozen, input, flat, h)?;
    let real = oracle.central(&oracle.program, input, flat, h)?;
    let x = &check.inputs[input];
    let original = oracle::element(x.array(), flat)?;
    let stored = |value: f64| -> Result<Dd> {
        let rounded = oracle::element(oracle::with_element(x, flat, value)?.array(), flat)?;
        oracle.value(
            &oracle.program,
            &oracle.moved(input, flat, Dd::from(rounded) - Dd::from(original))?,
        )
    };
    let rounded = (stored(original + h)? - stored(original - h)?) / Dd::from(2.0 * h);
    Ok((smooth, real, rounded))
}

/// Whether the real program moves where the smooth one, whose decisions and cut values are fixed, does not.
fn escaped(
    oracle: &Oracle<'_>,
    input: usize,
    flat: usize,
    scale: f64,
    crossing: Option<f64>,
    hi_f: f64,
) -> Result<bool> {
    if !oracle
        .program
        .instructions()
        .iter()
        .any(|i| i.op.def().name == "detach")
    {
        return Ok(false);
    }
    let h = (scale * 1e-9).min(crossing.unwrap_or(f64::INFINITY) / 4.0);
    if h <= 0.0 {
        return Ok(false);
    }
    let h = h.log2().floor().exp2();
    let (smooth, real) = (
        oracle.central(&oracle.frozen, input, flat, h)?,
        oracle.central(&oracle.program, input, flat, h)?,
    );
    let allowed = 16.0 * hi_f / h + 1e-12 * smooth.abs().to_f64();
    Ok((smooth - real).abs().to_f64() > allowed)
}

/// Whether the change over the step fails to shrink with the step: a jump and not a kink.
fn jump(oracle: &Oracle<'_>, f: &Facts) -> Result<bool> {
    let change = |h: f64| -> Result<f64> {
        Ok(
            (oracle.central(&oracle.program, f.input, f.flat, h)? * Dd::from(2.0 * h))
                .abs()
                .to_f64(),
        )
    };
    let (wide, narrow) = (change(f.step)?, change(f.step / 1024.0)?);
    Ok(narrow > 0.5 * wide && wide > 0.0)
}
