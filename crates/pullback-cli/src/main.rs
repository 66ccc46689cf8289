//! The program `pullback`: reads the command line, runs one command, and turns its outcome into an exit code.
//!
//! Not for: anything a command computes or prints. Each command is a module with `Args` and `run`; its options are in
//! `args.rs` or beside it. To add a command, write such a module and one line of [`Command`] and of `main`.
//!
//! Exit codes: 0 done, 1 failed, 2 wrong command line. Results go to stdout, messages to stderr.

#![forbid(unsafe_code)]

mod args;
mod bench;
mod check;
mod lab;
mod ops;
mod output;
mod prove;

use clap::Parser;
use std::process::ExitCode;

/// Automatic differentiation with PyTorch's semantics, exact random streams, and gradients that are checked.
#[derive(Parser)]
#[command(
    name = "pullback",
    version,
    max_term_width = 100,
    arg_required_else_help = true
)]
#[command(after_help = "\
Examples:
  pullback lab            the experiment it all starts from, told as a story
  pullback lab --help     its options, and the keys of its JSON
  pullback check lab      its gradient, certified and explained
  pullback check --all    every operation proven: values, gradients, higher orders
  pullback ops            the operations there are
  pullback bench          how fast the workloads of the README run")]
struct Cli {
    #[command(subcommand)]
    command: Command,
}

#[derive(clap::Subcommand)]
enum Command {
    Lab(args::Lab),
    Check(check::Args),
    Ops(ops::Args),
    Bench(bench::Args),
}

fn main() -> ExitCode {
    let outcome = match Cli::parse().command {
        Command::Lab(args) => lab::run(&args),
        Command::Check(args) => check::run(&args),
        Command::Ops(args) => ops::run(&args),
        Command::Bench(args) => bench::run(&args),
    };
    match outcome {
        Ok(code) => code,
        Err(e) if output::is_closed_pipe(&e) => ExitCode::SUCCESS,
        Err(e) => {
            output::error(&e);
            ExitCode::FAILURE
        }
    }
}
