//! `cargo xtask`: the project's own chores, in Rust so that they run wherever the project builds.
//!
//! This file reads the command line and hands over. What is checked is the list in [`checks`], how a check runs is
//! [`run`], what is printed at the end is [`report`], and how golden files are made is told by [`mod@golden`].
//! A new chore is one entry in [`CHORES`].
//!
//! Not for: anything a user of the library needs. Nothing here is published, and it depends on nothing but the standard
//! library, since it is compiled before everything else.

#![forbid(unsafe_code)]

mod checks;
mod floors;
mod golden;
mod places;
mod report;
mod run;
mod runners;
mod weight;

use std::path::PathBuf;
use std::process::ExitCode;

use checks::{CHECKS, Check, MEMORY};
use report::Status;

/// A subcommand.
struct Chore {
    /// The word on the command line.
    name: &'static str,
    /// What may follow it.
    arguments: &'static str,
    /// One line for the list of commands.
    about: &'static str,
    /// More, with examples, for `--help` after the name.
    details: &'static str,
    /// Does it. An `Err` is a wrong command line.
    run: fn(&[String]) -> Result<ExitCode, String>,
}

/// Every subcommand.
const CHORES: &[Chore] = &[
    Chore {
        name: "test",
        arguments: "[CHECK...] [--list]",
        about: "run every check, or only the named ones",
        details: "\
All checks run, even after one has failed; a check whose tool is missing is skipped and says how to install it.
The last line is the count of tests: those of the test runner and the doc tests together.

  --list    name the checks and the commands behind them, and run nothing

Examples:
  cargo xtask test                    everything, as on every submission
  cargo xtask test format clippy      two of them
  cargo xtask test --list             what there is",
        run: test,
    },
    Chore {
        name: "sanitize",
        arguments: "[WAY...]",
        about: "run tests under every checker of memory and threads there is",
        details: "\
The check `memory` of `cargo xtask test` stops at the first checker that is installed; this runs them all, since they
see different things. `address` (nightly's AddressSanitizer) runs at nearly full speed, with the widest vector
instructions, and knows stack and globals too. `valgrind` also sees reads of memory that was never written, but hides
AVX-512 from the program and is slow. `thread` (nightly's ThreadSanitizer, with a standard library built for it) runs the tests
in which threads meet, of the arrays and of the engine, and sees accesses that nothing orders.

Examples:
  cargo xtask sanitize                all of them
  cargo xtask sanitize valgrind       one of them",
        run: sanitize,
    },
    Chore {
        name: "floors",
        arguments: "",
        about: "look whether every folder imports only what stands below it",
        details: "",
        run: floors,
    },
    Chore {
        name: "fuzz",
        arguments: "[--seconds N] [--seed N] [READER]",
        about: "read files that are broken at random, for so long each reader",
        details: "\
Every reader of files (safetensors, its JSON, npy, npz, zip, pt, its pickle, csv, idx, checkpoint) gets files that are changed at random, as in the
test `fuzz` of the library, but for a chosen time and from another seed each time. What ends in a panic, takes two seconds or 256 MiB is put under
`target/tmp/fuzz`, and the chore fails. Once mended, the file goes to `crates/pullback/tests/golden/fuzz/READER`, where it is tried ever after.

  --seconds N    for each reader; 30 unless told
  --seed N       the seed to begin with; the clock's unless told

Examples:
  cargo xtask fuzz                    all readers, five minutes
  cargo xtask fuzz --seconds 600 pt   one of them, for ten minutes",
        run: fuzz,
    },
    Chore {
        name: "weight",
        arguments: "[--release]",
        about: "measure what the library costs to compile, whole and without models",
        details: "\
Builds the library twice from nothing in a folder of its own: whole, and with `--cfg pullback_bare`, which leaves out `nn`, `optim`, `data`, `io` and
`checkpoint`. Prints seconds of CPU and seconds elapsed of both. The budget, for a build without optimisation on a machine that does nothing else: a
minute in all, and ten seconds of CPU for models. It is no part of `test`, since times are the machine's.

Examples:
  cargo xtask weight
  cargo xtask weight --release        with optimisation; printed, and held against nothing",
        run: weigh,
    },
    Chore {
        name: "golden",
        arguments: "",
        about: "tell how the golden files are made, and name the scripts that make them",
        details: "",
        run: golden,
    },
];

fn main() -> ExitCode {
    let arguments: Vec<String> = std::env::args().skip(1).collect();
    match dispatch(&arguments) {
        Ok(code) => code,
        Err(problem) => {
            eprintln!("error: {problem}");
            ExitCode::from(2)
        }
    }
}

/// Finds the chore that the first word names and runs it with the rest.
fn dispatch(arguments: &[String]) -> Result<ExitCode, String> {
    let Some((name, rest)) = arguments.split_first() else {
        return Err(format!("which chore?\n\n{}", overview()));
    };
    if is_help(name) || name == "help" {
        println!("{}", overview());
        return Ok(ExitCode::SUCCESS);
    }
    let Some(chore) = CHORES.iter().find(|chore| chore.name == name) else {
        return Err(format!("there is no chore `{name}`\n\n{}", overview()));
    };
    if rest.iter().any(|argument| is_help(argument)) {
        println!("{}", help(chore));
        return Ok(ExitCode::SUCCESS);
    }
    (chore.run)(rest)
}

/// Is this word a call for help?
fn is_help(argument: &str) -> bool {
    matches!(argument, "-h" | "--help")
}

/// The list of chores.
fn overview() -> String {
    let mut text =
        String::from("The project's own chores.\n\nUsage: cargo xtask CHORE [ARGUMENT...]\n\n");
    for chore in CHORES {
        text += &format!("  {:<10}{}\n", chore.name, chore.about);
    }
    text + "\n`cargo xtask CHORE --help` says more about one."
}

/// What `--help` prints for one chore.
fn help(chore: &Chore) -> String {
    let usage = format!("cargo xtask {} {}", chore.name, chore.arguments);
    let text = format!(
        "{}\n\nUsage: {}\n\n{}",
        chore.about,
        usage.trim_end(),
        chore.details
    );
    text.trim_end().to_owned()
}

/// The root of the repository.
fn root() -> PathBuf {
    // `cargo run` says where this package is; a binary started by hand goes by where it was compiled.
    let package =
        std::env::var_os("CARGO_MANIFEST_DIR").unwrap_or_else(|| env!("CARGO_MANIFEST_DIR").into());
    let package = PathBuf::from(package);
    package
        .parent()
        .map_or_else(|| package.clone(), PathBuf::from)
}

/// `cargo xtask test`.
fn test(arguments: &[String]) -> Result<ExitCode, String> {
    let mut named = Vec::new();
    let mut list = false;
    for argument in arguments {
        match argument.as_str() {
            "--list" => list = true,
            option if option.starts_with('-') => {
                return Err(format!("`test` has no option `{option}`"));
            }
            name => named.push(name),
        }
    }
    let chosen = choose(&named)?;
    if list {
        print!("{}", checks::list(&chosen));
        return Ok(ExitCode::SUCCESS);
    }
    let root = root();
    let outcomes: Vec<_> = chosen
        .iter()
        .map(|check| run::check(check, &root))
        .collect();
    print!("\n{}", report::summary(&outcomes));
    Ok(exit_code(report::verdict(&outcomes)))
}

/// The named checks in the list's order, or all of them if none is named.
fn choose(named: &[&str]) -> Result<Vec<&'static Check>, String> {
    if let Some(unknown) = named
        .iter()
        .find(|name| CHECKS.iter().all(|check| check.name != **name))
    {
        let names: Vec<_> = CHECKS.iter().map(|check| check.name).collect();
        return Err(format!(
            "there is no check `{unknown}`; there are: {}",
            names.join(", ")
        ));
    }
    Ok(CHECKS
        .iter()
        .filter(|check| named.is_empty() || named.contains(&check.name))
        .collect())
}

/// `cargo xtask floors`.
fn floors(arguments: &[String]) -> Result<ExitCode, String> {
    match arguments {
        [] => floors::run(&root()),
        _ => Err("`floors` takes no arguments".into()),
    }
}

/// `cargo xtask weight`.
fn weigh(arguments: &[String]) -> Result<ExitCode, String> {
    let release = match arguments {
        [] => false,
        [word] if word == "--release" => true,
        _ => return Err("`weight` takes `--release` or nothing".into()),
    };
    weight::run(&root(), release).map(|held| ExitCode::from(u8::from(!held)))
}

/// `cargo xtask sanitize`.
fn sanitize(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(unknown) = arguments
        .iter()
        .find(|name| MEMORY.iter().all(|way| way.name != **name))
    {
        let names: Vec<_> = MEMORY.iter().map(|way| way.name).collect();
        return Err(format!(
            "there is no memory checker `{unknown}`; there are: {}",
            names.join(", ")
        ));
    }
    let root = root();
    let chosen = MEMORY
        .iter()
        .filter(|way| arguments.is_empty() || arguments.iter().any(|name| name == way.name));
    let outcomes: Vec<_> = chosen
        .map(|way| run::first_way(way.name, std::slice::from_ref(way), &root))
        .collect();
    print!("\n{}", report::table(&outcomes));
    Ok(exit_code(report::verdict(&outcomes)))
}

/// `cargo xtask fuzz`.
fn fuzz(arguments: &[String]) -> Result<ExitCode, String> {
    let clock = std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH);
    let (mut seconds, mut seed) = (30, clock.map_or(1, |t| t.as_secs()));
    let mut reader = None;
    let mut words = arguments.iter();
    while let Some(word) = words.next() {
        let mut number = || -> Result<u64, String> {
            let text = words
                .next()
                .ok_or_else(|| format!("`{word}` wants a number"))?;
            text.parse().map_err(|_| format!("`{text}` is no number"))
        };
        match word.as_str() {
            "--seconds" => seconds = number()?,
            "--seed" => seed = number()?,
            option if option.starts_with('-') => {
                return Err(format!("`fuzz` has no option `{option}`"));
            }
            name => reader = Some(name),
        }
    }
    println!("from seed {seed}");
    let mut command = std::process::Command::new("cargo");
    command
        .args([
            "test",
            "--profile",
            "checked",
            "-p",
            "pullback",
            "--test",
            "fuzz",
            "--",
            "--nocapture",
        ])
        .env("PULLBACK_FUZZ_SECONDS", seconds.to_string())
        .env("PULLBACK_FUZZ_SEED", seed.to_string())
        .current_dir(root());
    if let Some(name) = reader {
        command.env("PULLBACK_FUZZ_READER", name);
    }
    let status = command
        .status()
        .map_err(|e| format!("cargo does not start: {e}"))?;
    Ok(ExitCode::from(u8::from(!status.success())))
}

/// `cargo xtask golden`.
fn golden(arguments: &[String]) -> Result<ExitCode, String> {
    if let Some(argument) = arguments.first() {
        return Err(format!("`golden` takes no arguments, but got `{argument}`"));
    }
    print!("{}", golden::instructions(&root()));
    Ok(ExitCode::SUCCESS)
}

/// 0 unless something failed.
fn exit_code(verdict: Status) -> ExitCode {
    ExitCode::from(u8::from(verdict == Status::Failed))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn words(line: &str) -> Vec<String> {
        line.split_whitespace().map(str::to_owned).collect()
    }

    #[test]
    fn every_chore_is_in_the_overview_and_has_help() {
        for chore in CHORES {
            assert!(
                overview().contains(chore.about),
                "{} is missing in the overview",
                chore.name
            );
            assert!(help(chore).contains(&format!("cargo xtask {}", chore.name)));
            assert!(dispatch(&words(&format!("{} --help", chore.name))).is_ok());
        }
    }

    #[test]
    fn every_wrong_command_line_is_an_error_that_names_the_way_out() {
        for (line, expected) in [
            ("", "which chore?"),
            ("tset", "there is no chore `tset`"),
            (
                "test clipy",
                "there is no check `clipy`; there are: format, ",
            ),
            ("test --fast", "no option `--fast`"),
            ("sanitize speed", "there are: address, valgrind, thread"),
            ("golden now", "takes no arguments"),
            ("fuzz --hours 2", "`fuzz` has no option `--hours`"),
            ("fuzz --seconds", "wants a number"),
        ] {
            let problem = dispatch(&words(line)).expect_err(line);
            assert!(problem.contains(expected), "`{line}` said: {problem}");
        }
    }

    #[test]
    fn checks_run_in_the_order_of_the_list_whatever_order_they_are_named_in() {
        let all = choose(&[]).expect("no name is wrong");
        assert_eq!(all.len(), CHECKS.len());
        let two = choose(&[CHECKS[1].name, CHECKS[0].name]).expect("both are in the list");
        assert_eq!(
            two.iter().map(|check| check.name).collect::<Vec<_>>(),
            [CHECKS[0].name, CHECKS[1].name]
        );
    }
}
