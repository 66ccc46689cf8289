//! The checker on random programs made of every operation there is: no false alarm, no planted error missed.
//!
//! `CHECK_CASES` sets how many programs are tried (1,200 without it), `CHECK_SEED` which. All are tried, and whatever
//! is wrong with any of them is told.

mod drawn;

use drawn::{cases, runner};
use proptest::prelude::*;
use proptest::strategy::ValueTree;
use proptest::test_runner::TestCaseError;
use pullback::check::{Check, Report, Status, Verdict};
use pullback::ops::OPS;
use pullback::proof::Sample;
use pullback::{DType, ErrorKind, Family, OpDef, Result, Tensor};
use std::cell::Cell;

/// One operation of a program: which one, which of its samples, and what is done to its inputs.
#[derive(Clone, Debug)]
struct Step {
    op: prop::sample::Index,
    sample: prop::sample::Index,
    /// Its inputs depend on what came before.
    chained: bool,
    /// Gates get equal and zero inputs.
    tied: bool,
}

#[derive(Clone, Debug)]
struct Recipe {
    double: bool,
    steps: Vec<Step>,
    /// Decimal exponents of the inputs' and of the result's scale.
    inner: i32,
    outer: i32,
    plant: prop::sample::Index,
    sign: bool,
}

fn recipes() -> impl Strategy<Value = Recipe> {
    let step = (
        any::<prop::sample::Index>(),
        any::<prop::sample::Index>(),
        any::<bool>(),
        0..4,
    )
        .prop_map(|(op, sample, chained, tied)| Step {
            op,
            sample,
            chained,
            tied: tied == 0,
        });
    let scale =
        prop_oneof![6 => Just(0), 1 => -3..=3, 1 => -14..=14, 1 => Just(-30), 1 => Just(30)];
    (
        any::<bool>(),
        prop::collection::vec(step, 1..5),
        scale.clone(),
        scale,
        any::<prop::sample::Index>(),
        any::<bool>(),
    )
        .prop_map(|(double, steps, inner, outer, plant, sign)| Recipe {
            double,
            steps,
            inner,
            // Together they stay within what float32 can hold.
            outer: if inner == 0 { outer } else { 0 },
            plant,
            sign,
        })
}

/// A program with its inputs.
struct Built {
    steps: Vec<(Sample, bool)>,
    inputs: Vec<Tensor>,
    inner: f64,
    outer: f64,
}

fn build(r: &Recipe) -> Result<Built> {
    let dtype = if r.double { DType::F64 } else { DType::F32 };
    let ops: &[&OpDef] = OPS;
    let (inner, outer) = (10f64.powi(r.inner), 10f64.powi(r.outer));
    let (mut steps, mut inputs) = (Vec::new(), Vec::new());
    for s in &r.steps {
        let def = ops[s.op.index(ops.len())];
        let samples = (def.proof.samples)();
        if samples.is_empty() {
            continue;
        }
        let mut sample = samples[s.sample.index(samples.len())].clone();
        let arity = sample.inputs(dtype)?.len();
        // What cuts floating numbers off (detach, unique) hides a derivative on purpose.
        let own: Vec<Tensor> = (sample.inputs(dtype)?.into_iter())
            .map(Tensor::from_array)
            .collect();
        if def.family == Family::Cut && sample.run(&own)?.dtype().is_float() {
            continue;
        }
        if s.tied && def.family == Family::Gate {
            (0..arity).for_each(|i| sample.map_input(i, |x| if x > 0.5 { 0.75 } else { 0.0 }));
        }
        for x in sample.inputs(dtype)? {
            let t = Tensor::from_array(x);
            inputs.push(if t.dtype().is_float() {
                t.mul(inner)?
            } else {
                t
            });
        }
        steps.push((sample, s.chained));
    }
    Ok(Built {
        steps,
        inputs,
        inner,
        outer,
    })
}

impl Built {
    fn run(&self, x: &[Tensor]) -> Result<Tensor> {
        let dtype = x.iter().map(Tensor::dtype).find(|d| d.is_float());
        let mut total = Tensor::zeros(pullback::Shape::scalar(), dtype.unwrap_or(DType::F64))?;
        let mut next = x.iter();
        for (sample, chained) in &self.steps {
            let arity = sample.inputs(DType::F64)?.len();
            let mut own = Vec::new();
            for t in next.by_ref().take(arity) {
                if !t.dtype().is_float() {
                    own.push(t.clone());
                    continue;
                }
                let t = t.mul(1.0 / self.inner)?;
                own.push(match chained {
                    true => t.mul(&total.sin()?.mul(0.125)?.add(1.0)?.to(t.dtype())?)?,
                    false => t,
                });
            }
            let y = sample.run(&own)?;
            if y.numel() == 0 {
                continue;
            }
            let y = y.to(total.dtype())?;
            let n = y.numel();
            let w: Vec<f64> = (0..n)
                .map(|i| 0.5 + ((i * 7 + 3) % 11) as f64 / 8.0)
                .collect();
            let w = Tensor::from_slice(&w, y.shape().clone())?.to(y.dtype())?;
            total = total.add(&y.mul(&w)?.sum()?)?;
        }
        total.mul(self.outer)
    }

    fn check(&self, gradients: Option<&[f64]>) -> Result<Report> {
        let refs: Vec<&Tensor> = self.inputs.iter().collect();
        let check = Check::new(|x| self.run(x), &refs);
        let Some(flat) = gradients else {
            return check.run();
        };
        let (mut own, mut at) = (Vec::new(), 0);
        for x in self.inputs.iter().filter(|x| x.dtype().is_float()) {
            let data = &flat[at..at + x.numel()];
            own.push(Tensor::from_slice(data, x.shape().clone())?.to(x.dtype())?);
            at += x.numel();
        }
        check.gradients(&own.iter().collect::<Vec<_>>()).run()
    }
}

/// Counters: programs, coordinates, untied ones, those with enough power, unknown ones, plants, plants found.
#[derive(Default, Debug)]
struct Tally([[Cell<usize>; 7]; 2]);

impl Tally {
    fn add(&self, double: bool, k: usize, n: usize) {
        let cell = &self.0[usize::from(double)][k];
        cell.set(cell.get() + n);
    }
    fn get(&self, double: bool, k: usize) -> usize {
        self.0[usize::from(double)][k].get()
    }
}

fn trial(r: &Recipe, tally: &Tally) -> Result<(), TestCaseError> {
    let fail = |what: &str, e: String| TestCaseError::fail(format!("{what}: {e}"));
    let built = build(r).map_err(|e| fail("building", e.to_string()))?;
    if !built
        .inputs
        .iter()
        .any(|x| x.dtype().is_float() && x.numel() > 0)
    {
        return Ok(());
    }
    let names: Vec<String> = (built.steps.iter())
        .map(|s| format!("{:?}", s.0.op))
        .collect();
    // Arguments that one operation made and the next refuses (a probability above 1) make no program.
    if built.run(&built.inputs).is_err() {
        return Ok(());
    }
    let report = match built.check(None) {
        // A value or a sum that overflows has no gradient to check.
        Err(e) if e.kind() == ErrorKind::NonFinite => return Ok(()),
        // Nor has one whose neighbours are refused (a probability beside 1).
        Err(e) if e.message().contains("should be between 0 and 1") => return Ok(()),
        // Nor one whose matrix, of numbers far apart, is not decomposed in 32 digits.
        Err(e) if e.kind() == ErrorKind::Factorisation => return Ok(()),
        other => other.map_err(|e| fail("check", format!("{names:?} {e}")))?,
    };
    if report.coordinates.iter().any(|c| !c.claimed.is_finite()) {
        return Ok(());
    }
    prop_assert!(
        report.status != Status::Fail,
        "false alarm in {names:?}: {report}"
    );
    let tied = |c: &&pullback::check::Coordinate| c.verdict == Verdict::SubgradientChoice;
    let power = if r.double { 1e-9 } else { 1e-4 };
    let all = report.coordinates.len();
    let untied = all - report.coordinates.iter().filter(tied).count();
    let strong = (report.coordinates.iter()).filter(|c| !tied(c) && c.mde <= power);
    let unknown = report
        .coordinates
        .iter()
        .filter(|c| c.status == Status::Unknown);
    let unknown = unknown.count();
    // How much is certified of a decomposition depends on its matrix's condition, which random numbers leave open: it does not count.
    let decomposes = |s: &(Sample, bool)| s.0.op.def().name.starts_with("linalg_");
    let (untied, strong) = match built.steps.iter().any(decomposes) {
        true => (0, 0),
        false => (untied, strong.count()),
    };
    let counts = [1, all, untied, strong, unknown];
    counts
        .iter()
        .enumerate()
        .for_each(|(k, n)| tally.add(r.double, k, *n));

    // The same gradient given as numbers, then with one of them wrong by a little more than the MDE printed.
    let mut flat: Vec<f64> = report.coordinates.iter().map(|c| c.claimed).collect();
    let right = built
        .check(Some(&flat))
        .map_err(|e| fail("numbers", format!("{names:?} {e}")))?;
    prop_assert!(
        right.status != Status::Fail,
        "false alarm on numbers: {names:?} {right}"
    );
    let candidates: Vec<usize> = (0..all)
        .filter(|&k| flat[k] != 0.0 && right.coordinates[k].mde < 1e3)
        .filter(|&k| right.coordinates[k].oracle.abs() > 1e-36)
        .collect();
    if candidates.is_empty() {
        return Ok(());
    }
    let k = candidates[r.plant.index(candidates.len())];
    let c = &right.coordinates[k];
    let relative = c.mde * 1.001 + 2.0 * report.dtype.unit_roundoff();
    let off = relative * c.oracle.abs();
    flat[k] += if r.sign { off } else { -off };
    let wrong = built
        .check(Some(&flat))
        .map_err(|e| fail("plant", format!("{names:?} {e}")))?;
    let found = &wrong.coordinates[k];
    let seen = match found.verdict {
        Verdict::Bug => true,
        _ => tied(&c) && found.status != Status::Pass,
    };
    tally.add(r.double, 5, 1);
    tally.add(r.double, 6, usize::from(seen));
    prop_assert!(
        seen,
        "missed {relative:e} at {} of {names:?}:\n{right}\n{wrong}",
        c.name
    );
    Ok(())
}

#[test]
fn no_false_alarm_and_no_planted_error_missed() {
    let tally = Tally::default();
    let (programs, mut runner) = (cases(1200), runner(cases(1200), 7));
    let mut wrong = Vec::new();
    for _ in 0..programs {
        let recipe = recipes().new_tree(&mut runner).expect("a recipe").current();
        if let Err(e) = trial(&recipe, &tally) {
            println!("{e}\n{recipe:?}\n");
            wrong.push(e);
        }
    }
    for double in [false, true] {
        let n: Vec<usize> = (0..7).map(|k| tally.get(double, k)).collect();
        println!(
            "{}: {} programs, {} coordinates, {} untied, {} of them with power, {} unknown; {} errors planted, {} found",
            if double { "float64" } else { "float32" },
            n[0],
            n[1],
            n[2],
            n[3],
            n[4],
            n[5],
            n[6]
        );
        // Composed operations (norms, images read between their elements) are charged as stable algorithms, which costs some.
        assert!(n[3] as f64 >= 0.93 * n[2] as f64, "too little power: {n:?}");
    }
    assert!(
        wrong.is_empty(),
        "{} of {programs} programs, the first: {}",
        wrong.len(),
        wrong[0]
    );
}
