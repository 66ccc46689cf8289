//! `pullback check`: runs the gradient checker on a subject and prints or writes what it found.
//!
//! Not for: deciding anything (`pullback::check` does), or the experiment itself (`lab`).

use crate::{args, lab, output};
use pullback::check::{Coordinate, Report, Status};
use serde_json::{Value, json};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// Certifies gradients, and explains where a difference quotient disagrees.
#[derive(clap::Args, Debug)]
#[command(args_conflicts_with_subcommands = true, arg_required_else_help = true)]
pub(crate) struct Args {
    #[command(subcommand)]
    subject: Option<Subject>,

    #[command(flatten)]
    proof: crate::prove::Args,
}

#[derive(clap::Subcommand, Debug)]
enum Subject {
    /// The experiment's gradients: autograd, by hand, by differences
    #[command(after_help = KEYS, after_long_help = KEYS)]
    Lab(LabCheck),
}

#[derive(clap::Args, Debug)]
struct LabCheck {
    #[command(flatten)]
    lab: args::Lab,

    /// Write a page to read: one HTML file with tables, curves and the graph, that needs nothing else
    #[arg(long, value_name = "FILE")]
    html: Option<PathBuf>,
}

const KEYS: &str = "\
Examples:
  pullback check lab                          PASS: the gradient is right, its differences are round-off
  pullback check lab --sample 415 --eps 1e-4 --dtype f64
  pullback check lab --json - | jq .status
  pullback check lab --html lab.html          the same as a page, with curves to play with

Exit code 0: certified. 1: wrong, undecided or failed. 2: wrong command line.

JSON:
  status          pass, fail or unknown
  coordinates     each: name, input, index, claimed, numeric, oracle, gap,
                  ledger {back, formula, truncation, kink, step, forward}, whose terms sum to the gap,
                  budget, mde (smallest relative error that would have been seen), verdict, status
  nearest_kink    name (the coordinate whose step gets there first), steps
  guilty          the operation to blame, or null
  evaluations     how often the function was evaluated, in any arithmetic
  manual          the gradient by hand, checked the same way: status, coordinates
  samples         with --all-samples: status and verdict counts for every sample

What is not finite is null.";

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let Some(Subject::Lab(LabCheck { lab: args, html })) = &args.subject else {
        return crate::prove::run(&args.proof);
    };
    args.check();
    let setup = lab::setup(args)?;
    let check = |sample: usize, by_hand: bool| lab::check(&setup, sample, by_hand);
    let autograd = check(args.sample, false)?.run()?;
    let manual = check(args.sample, true)?.run()?;
    let mut samples = Vec::new();
    if args.all_samples {
        for sample in 0..args.samples {
            samples.push(check(sample, false)?.run()?);
        }
    }
    if let Some(path) = html {
        let page = pullback_report::gather(&check(args.sample, false)?)?
            .titled("pullback check lab", &subtitle(args))
            .by_hand(&manual);
        output::write(path, &pullback_report::render(&page))?;
    }
    if let Some(path) = &args.json {
        let mut value = report(&autograd);
        value["manual"] =
            json!({ "status": manual.status.name(), "coordinates": coordinates(&manual) });
        if args.all_samples {
            value["samples"] = samples.iter().enumerate().map(|(i, r)| row(i, r)).collect();
        }
        output::write(path, &(serde_json::to_string_pretty(&value)? + "\n"))?;
    }
    if !args.quiet && args.json.as_deref() != Some(Path::new("-")) {
        output::print(&format!(
            "{autograd}{}{}",
            by_hand(&manual),
            survey(&samples)
        ))?;
    }
    let worst = samples
        .iter()
        .chain([&autograd, &manual])
        .map(|r| r.status)
        .max();
    Ok(ExitCode::from(u8::from(worst != Some(Status::Pass))))
}

/// What was checked, in a line.
fn subtitle(args: &args::Lab) -> String {
    format!(
        "the loss of sample {} of {} under a 2-{}-1 ReLU network, seed {}",
        args.sample, args.samples, args.hidden, args.seed.text
    )
}

fn by_hand(manual: &Report) -> String {
    format!(
        "  the chain rule by hand, checked the same way: {}\n",
        manual.status.name()
    )
}

/// What all samples together say.
fn survey(samples: &[Report]) -> String {
    if samples.is_empty() {
        return String::new();
    }
    let mut census: std::collections::BTreeMap<_, usize> = std::collections::BTreeMap::new();
    samples
        .iter()
        .flat_map(Report::census)
        .for_each(|(v, n)| *census.entry(v).or_default() += n);
    let counts: Vec<String> = census
        .iter()
        .map(|(v, n)| format!("{n} {}", v.name()))
        .collect();
    let passed = samples.iter().filter(|r| r.status == Status::Pass).count();
    let nearest = samples
        .iter()
        .enumerate()
        .filter_map(|(i, r)| r.nearest_kink.as_ref().map(|k| (i, k.steps)));
    let nearest = nearest.min_by(|a, b| a.1.total_cmp(&b.1));
    let kink = nearest.map_or(String::new(), |(i, steps)| {
        format!("; nearest kink {steps:.1} steps away, sample {i}")
    });
    format!(
        "  all {} samples: {passed} certified{kink}\n  their coordinates: {}\n",
        samples.len(),
        counts.join(" · ")
    )
}

fn row(sample: usize, r: &Report) -> Value {
    let census: serde_json::Map<String, Value> = r
        .census()
        .iter()
        .map(|(v, n)| (v.name().to_string(), json!(n)))
        .collect();
    json!({
        "sample": sample,
        "status": r.status.name(),
        "largest_gap": number(r.largest_gap().map_or(f64::NAN, |c| c.gap)),
        "nearest_kink": kink(r),
        "census": census,
    })
}

fn kink(r: &Report) -> Value {
    r.nearest_kink.as_ref().map_or(
        Value::Null,
        |k| json!({ "name": k.name, "steps": number(k.steps), "op": k.op, "unit": k.unit }),
    )
}

/// JSON has no infinities.
fn number(x: f64) -> Value {
    if x.is_finite() { json!(x) } else { Value::Null }
}

fn report(r: &Report) -> Value {
    json!({
        "status": r.status.name(),
        "coordinates": coordinates(r),
        "nearest_kink": kink(r),
        "guilty": r.guilty.as_ref().map(ToString::to_string),
        "bug": r.bug.as_ref().map(ToString::to_string),
        "evaluations": r.evaluations,
        "value": number(r.value),
        "dtype": r.dtype.name(),
        "step": r.step,
        "power": r.power,
        "notes": r.notes,
        "conclusion": r.sentences(),
    })
}

fn coordinates(r: &Report) -> Vec<Value> {
    r.coordinates.iter().map(coordinate).collect()
}

fn coordinate(c: &Coordinate) -> Value {
    let ledger: serde_json::Map<String, Value> = c
        .ledger
        .terms()
        .iter()
        .map(|(name, x)| ((*name).to_string(), number(*x)))
        .collect();
    json!({
        "name": c.name,
        "input": c.input,
        "index": c.index,
        "claimed": number(c.claimed),
        "numeric": number(c.numeric),
        "oracle": number(c.oracle),
        "gap": number(c.gap),
        "ledger": ledger,
        "budget": number(c.budget),
        "mde": number(c.mde),
        "verdict": c.verdict.name(),
        "status": c.status.name(),
        "remark": c.remark,
    })
}
