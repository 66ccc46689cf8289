//! `pullback check --all`: proves the operations of the list, here and now, on this machine.
//!
//! Not for: what is claimed of an operation (`pullback::proof`), or the gradient of a program (`pullback check lab`).

use crate::output::{self, BAD, DIM, GOOD, HEAD, STRONG};
use anyhow::Context;
use clap::ValueEnum;
use indicatif::{ProgressBar, ProgressStyle};
use pullback::DType;
use pullback::ops::OPS;
use pullback::proof::{DTYPES, Report, prove_function, prove_in};
use pullback::registry::entries;
use serde_json::json;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Instant;

/// What is to be proven.
#[derive(clap::Args, Debug)]
#[group(skip)]
pub(crate) struct Args {
    /// Prove every operation: values against 32 digits, gradients against differences, forward against reverse, second order
    #[arg(long)]
    all: bool,

    /// Prove this operation or function only
    #[arg(long, value_name = "NAME")]
    op: Option<String>,

    /// In this dtype only
    #[arg(long, value_name = "DTYPE", value_enum)]
    dtype: Option<Width>,

    /// Write what was found as JSON to FILE, or with `-` to stdout instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,
}

/// The dtypes that proofs run in.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum Width {
    /// float32
    F32,
    /// float64
    F64,
    /// double-double, 32 digits
    Dd,
}

/// One line of the table.
struct Row {
    kind: &'static str,
    name: &'static str,
    what: String,
    report: Report,
    seconds: f64,
}

/// Something to prove.
struct Job {
    kind: &'static str,
    name: &'static str,
    what: String,
    prove: Prove,
}

/// Proves it in some dtypes.
type Prove = Box<dyn Fn(&[DType]) -> Report>;

fn jobs() -> Vec<Job> {
    let primitives = OPS.iter().map(|&def| Job {
        kind: "operation",
        name: def.name,
        what: def.family.name().to_string(),
        prove: Box::new(move |dtypes| prove_in(def, dtypes)),
    });
    let functions = entries().iter().map(|entry| Job {
        kind: "function",
        name: entry.function.name(),
        what: entry.group.to_string(),
        prove: Box::new(move |dtypes| prove_function(entry, dtypes)),
    });
    primitives.chain(functions).collect()
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let dtypes = match args.dtype {
        None => DTYPES.to_vec(),
        Some(Width::F32) => vec![DType::F32],
        Some(Width::F64) => vec![DType::F64],
        Some(Width::Dd) => vec![DType::Dd],
    };
    let mut jobs = jobs();
    if let Some(name) = &args.op {
        let names: Vec<&str> = jobs.iter().map(|j| j.name).collect();
        if !names.contains(&name.as_str()) {
            usage(format!(
                "there is no operation {name:?}{}; `pullback ops` lists them",
                crate::ops::nearest(name, &names)
            ));
        }
        jobs.retain(|j| j.name == name);
    } else if !args.all {
        usage("say `lab`, `--all` or `--op NAME`".to_string());
    }
    let bar = ProgressBar::new(jobs.len() as u64).with_style(
        ProgressStyle::with_template("{bar:30.cyan} {pos}/{len} {msg}")
            .unwrap_or_else(|_| ProgressStyle::default_bar()),
    );
    // A panic inside a check is one of its findings; the message would only tear the table.
    let hook = std::panic::take_hook();
    std::panic::set_hook(Box::new(|_| {}));
    let rows: Vec<Row> = (jobs.into_iter())
        .map(|job| {
            bar.set_message(job.name);
            let begin = Instant::now();
            let report = (job.prove)(&dtypes);
            bar.inc(1);
            Row {
                kind: job.kind,
                name: job.name,
                what: job.what,
                report,
                seconds: begin.elapsed().as_secs_f64(),
            }
        })
        .collect();
    std::panic::set_hook(hook);
    bar.finish_and_clear();
    let failed = rows
        .iter()
        .filter(|r| !r.report.findings.is_empty())
        .count();
    if args.json.as_deref() != Some(Path::new("-")) {
        output::print(&table(&rows, failed))?;
    }
    if let Some(path) = &args.json {
        let list: Vec<_> = (rows.iter())
            .map(|r| {
                json!({
                    "kind": r.kind,
                    "name": r.name,
                    "family": r.what,
                    "checks": r.report.checks,
                    "findings": r.report.findings,
                    "seconds": r.seconds,
                })
            })
            .collect();
        let whole = json!({
            "status": if failed == 0 { "pass" } else { "fail" },
            "checks": rows.iter().map(|r| r.report.checks).sum::<usize>(),
            "proven": list,
        });
        let text = serde_json::to_string_pretty(&whole).context("cannot write JSON")?;
        output::write(path, &(text + "\n"))?;
    }
    Ok(if failed == 0 {
        ExitCode::SUCCESS
    } else {
        ExitCode::FAILURE
    })
}

/// Ends the program with exit code 2.
fn usage(message: String) -> ! {
    use clap::CommandFactory;
    let mut command = crate::Cli::command();
    command.build();
    let check = (command.find_subcommand_mut("check")).expect("it is a command");
    check
        .error(clap::error::ErrorKind::ValueValidation, message)
        .exit()
}

fn table(rows: &[Row], failed: usize) -> String {
    let mut text = format!(
        "{HEAD}{:<10} {:<26} {:<12} {:>8} {:>8}{HEAD:#}\n",
        "kind", "name", "family", "checks", "failed"
    );
    for r in rows {
        let n = r.report.findings.len();
        let mark = if n == 0 { GOOD } else { BAD };
        text += &format!(
            "{DIM}{:<10}{DIM:#} {STRONG}{:<26}{STRONG:#} {:<12} {:>8} {mark}{n:>8}{mark:#}\n",
            r.kind, r.name, r.what, r.report.checks
        );
        for finding in r.report.findings.iter().take(5) {
            text += &format!("    {BAD}{finding}{BAD:#}\n");
        }
        if n > 5 {
            text += &format!("    and {} more; `--json -` has them all\n", n - 5);
        }
    }
    let checks: usize = rows.iter().map(|r| r.report.checks).sum();
    let seconds: f64 = rows.iter().map(|r| r.seconds).sum();
    text + &match failed {
        0 => format!(
            "{GOOD}PASS{GOOD:#}: {checks} checks of {} entries hold, in {seconds:.1} s\n",
            rows.len()
        ),
        n => format!(
            "{BAD}FAIL{BAD:#}: {n} of {} entries have findings ({checks} checks, {seconds:.1} s)\n",
            rows.len()
        ),
    }
}
