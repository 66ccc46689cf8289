//! `pullback bench`: times named workloads and prints a table or JSON.
//!
//! Not for: what the workloads do (`workloads.rs`) or how time is taken (`measure.rs`). Numbers of other frameworks come
//! from their own programs in the same minutes; `bench/` holds them.

mod derivatives;
mod expressions;
mod gpt;
mod measure;
mod memory;
mod networks;
mod workloads;

use crate::output::{self, DIM, HEAD, STRONG};
use anyhow::Context;
use measure::Measurement;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use workloads::{WORKLOADS, Workload};

const EXAMPLES: &str = "\
Examples:
  pullback bench                        every workload
  pullback bench sample_grad            one of them
  pullback bench --json -               machine-readable: a list of
                                        {name, median_ns, min_ns, spread_ns, runs,
                                        throughput, peak_bytes}
  pullback bench --list                 what there is

median_ns, min_ns (the fastest run) and spread_ns (the middle half of all runs) are per step; throughput is steps per
second, or numbers per second for workloads that fill arrays. peak_bytes is the most memory of the process during a
step, less what it had before the workload was set up (Linux only, else null; name one workload, since earlier ones
leave memory behind).";

/// Times the workloads of the benchmark table.
#[derive(clap::Args, Debug)]
#[command(after_help = EXAMPLES)]
pub(crate) struct Args {
    /// Which workloads; all of them if none is named
    #[arg(value_name = "NAME", value_parser = known)]
    names: Vec<&'static str>,

    /// Write the measurements as JSON to FILE, or with `-` to stdout instead of the table
    #[arg(long, value_name = "FILE")]
    json: Option<PathBuf>,

    /// How long each workload is measured, in seconds, after warming up
    #[arg(long, value_name = "S", default_value = "1", value_parser = seconds, allow_negative_numbers = true)]
    seconds: f64,

    /// Threads that kernels may use; 0 means all cores
    #[arg(long, value_name = "N", default_value = "0")]
    threads: usize,

    /// List the workloads and stop
    #[arg(long)]
    list: bool,
}

fn known(name: &str) -> Result<&'static str, String> {
    WORKLOADS
        .iter()
        .map(|w| w.name)
        .find(|&n| n == name)
        .ok_or_else(|| {
            let names: Vec<&str> = WORKLOADS.iter().map(|w| w.name).collect();
            format!("there is no such workload; there are {}", names.join(", "))
        })
}

fn seconds(text: &str) -> Result<f64, String> {
    match text.parse::<f64>() {
        Ok(s) if s > 0.0 && s <= 600.0 => Ok(s),
        _ => Err("a number of seconds above 0, 600 at most".to_string()),
    }
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    if args.list {
        let lines: String = WORKLOADS
            .iter()
            .map(|w| format!("{STRONG}{:<19}{STRONG:#} {}\n", w.name, w.what))
            .collect();
        output::print(&lines)?;
        return Ok(ExitCode::SUCCESS);
    }
    pullback::set_num_threads(args.threads);
    let chosen: Vec<&Workload> = WORKLOADS
        .iter()
        .filter(|w| args.names.is_empty() || args.names.contains(&w.name))
        .collect();
    let to_stdout = args.json.as_deref() == Some(Path::new("-"));
    let say = |line: String| {
        if to_stdout {
            Ok(())
        } else {
            output::print(&line)
        }
    };
    say(format!(
        "{HEAD}{:<19} {:>12} {:>12} {:>8} {:>20} {:>10}{HEAD:#}\n",
        "workload", "median", "spread", "runs", "throughput", "peak"
    ))?;
    let mut done = Vec::new();
    for w in chosen {
        pullback::release_memory();
        let before = memory::resident();
        let mut step = (w.prepare)().with_context(|| format!("cannot prepare {}", w.name))?;
        let mut m = measure::measure(&mut step, args.seconds)
            .with_context(|| format!("{} failed", w.name))?;
        m.peak = m.peak.zip(before).map(|(most, b)| most.saturating_sub(b));
        say(format!(
            "{:<19} {:>12} {DIM}{:>12}{DIM:#} {:>8} {:>20} {:>10}\n",
            w.name,
            time(m.median_ns),
            time(m.spread_ns),
            m.runs,
            format!("{} {}/s", scaled(w.items / (m.median_ns * 1e-9)), w.unit),
            m.peak
                .map_or_else(String::new, |b| format!("{:.1} MB", b as f64 / 1e6)),
        ))?;
        done.push((w, m));
    }
    if let Some(path) = &args.json {
        let rows: Vec<_> = done.iter().map(|(w, m)| row(w, m)).collect();
        output::write(path, &(serde_json::to_string_pretty(&rows)? + "\n"))?;
    }
    Ok(ExitCode::SUCCESS)
}

fn row(w: &Workload, m: &Measurement) -> serde_json::Value {
    serde_json::json!({
        "name": w.name,
        "median_ns": m.median_ns,
        "min_ns": m.min_ns,
        "spread_ns": m.spread_ns,
        "runs": m.runs,
        "throughput": w.items / (m.median_ns * 1e-9),
        "peak_bytes": m.peak,
    })
}

fn time(ns: f64) -> String {
    match ns {
        ns if ns < 1e4 => format!("{ns:.0} ns"),
        ns if ns < 1e7 => format!("{:.1} µs", ns / 1e3),
        ns => format!("{:.1} ms", ns / 1e6),
    }
}

fn scaled(x: f64) -> String {
    match x {
        x if x < 1e3 => format!("{x:.1}"),
        x if x < 1e6 => format!("{:.1} k", x / 1e3),
        x if x < 1e9 => format!("{:.1} M", x / 1e6),
        x => format!("{:.1} G", x / 1e9),
    }
}
