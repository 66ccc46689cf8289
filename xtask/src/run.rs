//! Runs one check: finds a way whose tool is installed, prints each command before it starts, lets its output through
//! and, where tests are counted, reads the output along the way.
//!
//! Not for: deciding what is run ([`crate::checks`]) or what the numbers mean ([`crate::report`]).

use std::io::{IsTerminal, Read, Write};
use std::path::Path;
use std::process::{Command, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use crate::checks::{Check, Step, Tool, Way};
use crate::report::{Outcome, Status};
use crate::runners::Counts;

/// Runs a check from the root of the repository.
pub(crate) fn check(check: &Check, root: &Path) -> Outcome {
    first_way(check.name, check.ways, root)
}

/// Runs the first of the ways whose tool is installed; with none installed, the outcome is a skip that says what to
/// install.
pub(crate) fn first_way(name: &'static str, ways: &[Way], root: &Path) -> Outcome {
    println!("\n== {name}");
    let start = Instant::now();
    let Some(way) = ways
        .iter()
        .find(|way| way.tool.as_ref().is_none_or(|tool| installed(tool, root)))
    else {
        let note = missing(ways);
        println!("skipped: {note}");
        return Outcome {
            name,
            status: Status::Skipped,
            time: start.elapsed(),
            counts: None,
            notes: vec![note],
        };
    };
    let mut outcome = Outcome {
        name,
        status: Status::Ok,
        time: Duration::ZERO,
        counts: None,
        notes: Vec::new(),
    };
    for step in way.steps {
        println!("$ {}", step.shell_line());
        if let Err(note) = run_step(step, root, &mut outcome.counts) {
            println!("{note}");
            outcome.status = Status::Failed;
            outcome.notes.push(note);
        }
    }
    outcome.time = start.elapsed();
    outcome
}

/// Is the tool there?
fn installed(tool: &Tool, root: &Path) -> bool {
    command(tool.probe)
        .current_dir(root)
        .stdin(Stdio::null())
        .stdout(Stdio::null())
        .stderr(Stdio::null())
        .status()
        .is_ok_and(|status| status.success())
}

/// One line that says what is missing and how to install it.
fn missing(ways: &[Way]) -> String {
    let tools: Vec<_> = ways.iter().filter_map(|way| way.tool.as_ref()).collect();
    let names: Vec<_> = tools.iter().map(|tool| tool.name).collect();
    let installs: Vec<_> = tools
        .iter()
        .map(|tool| format!("`{}`", tool.install))
        .collect();
    format!("needs {}: {}", names.join(" or "), installs.join(" or "))
}

/// Runs one step and adds its tests to the counts. `Err` says in one line why it failed.
fn run_step(step: &Step, root: &Path, counts: &mut Option<Counts>) -> Result<(), String> {
    let mut process = command(step.command);
    process
        .current_dir(root)
        .envs(step.env.iter().copied())
        .stdin(Stdio::null());
    let program = step.command.split_whitespace().next().unwrap_or_default();
    let cannot = |error: std::io::Error| format!("{program} could not be run: {error}");

    let Some(runner) = step.counts else {
        let status = process.status().map_err(cannot)?;
        return if status.success() {
            Ok(())
        } else {
            Err(format!("{program}: {status}"))
        };
    };

    // Runners drop their colours when read by a program, unless told otherwise.
    if std::io::stdout().is_terminal() && std::env::var_os("NO_COLOR").is_none() {
        process.env("CARGO_TERM_COLOR", "always");
    }
    let mut child = process
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .map_err(cannot)?;
    let stderr = child.stderr.take();
    let reader = thread::spawn(move || pass_on(stderr, std::io::stderr()));
    let output = pass_on(child.stdout.take(), std::io::stdout());
    let errors = reader.join().unwrap_or_default();
    let status = child.wait().map_err(cannot)?;

    let all = format!("{output}\n{errors}");
    let (found, result) = judge(status.success(), runner.read(&all));
    *counts = Some(counts.unwrap_or_default() + found);
    result.map_err(|why| {
        format!(
            "{program}: {status}, {why}{}",
            named(&runner.failures(&all))
        )
    })
}

/// What a runner's end means: the tests to count, and in words what went wrong. A runner that failed without counting a
/// failed test (its program died, or did not compile) counts as one, so that the last line never looks well when it is
/// not.
fn judge(success: bool, read: Result<Counts, String>) -> (Counts, Result<(), String>) {
    let one = Counts {
        failed: 1,
        ..Counts::default()
    };
    match read {
        Ok(found) if success && found.failed == 0 => (found, Ok(())),
        Ok(found) if found.failed > 0 => (found, Err(format!("tests failed: {}", found.failed))),
        Ok(found) => (
            found + one,
            Err("a test program ended without a count".to_owned()),
        ),
        Err(_) if !success => (one, Err("before any count of tests".to_owned())),
        Err(why) => (
            one,
            Err(format!("yet the count of tests could not be read: {why}")),
        ),
    }
}

/// The names of what failed, the first ten of them, to be put after a reason.
fn named(failures: &[String]) -> String {
    const MOST: usize = 10;
    let more = match failures.len().saturating_sub(MOST) {
        0 => String::new(),
        more => format!(", and {more} more"),
    };
    match failures {
        [] => String::new(),
        some => format!(" ({}{more})", some[..some.len().min(MOST)].join(", ")),
    }
}

/// The command, without what `cargo run` tells its child about this package: the commands started here should see the
/// same environment as from a shell, or cargo would build some crates anew.
fn command(line: &str) -> Command {
    let mut words = line.split_whitespace();
    let mut command = Command::new(words.next().unwrap_or_default());
    command.args(words);
    for (name, _) in std::env::vars_os() {
        let name = name.to_string_lossy().into_owned();
        if name == "CARGO" || name.starts_with("CARGO_PKG_") || name.starts_with("CARGO_MANIFEST_")
        {
            command.env_remove(name);
        }
    }
    command
}

/// Copies a stream as it comes and returns all of it. Output that is no text is replaced, not refused.
fn pass_on(source: Option<impl Read>, mut sink: impl Write) -> String {
    let mut seen = Vec::new();
    let mut buffer = [0; 8192];
    if let Some(mut source) = source {
        while let Ok(length @ 1..) = source.read(&mut buffer) {
            // Nobody may be listening any more; the count is still wanted.
            let _ = sink
                .write_all(&buffer[..length])
                .and_then(|()| sink.flush());
            seen.extend_from_slice(&buffer[..length]);
        }
    }
    String::from_utf8_lossy(&seen).into_owned()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::checks::Runner;

    const ABSENT: Tool = Tool {
        name: "absent",
        probe: "pullback-no-such-program",
        install: "make absent",
    };

    fn here() -> &'static Path {
        Path::new(".")
    }

    fn step(command: &'static str, counts: Option<Runner>) -> Step {
        Step {
            env: &[],
            command,
            counts,
        }
    }

    #[test]
    fn a_missing_tool_is_a_skip_that_says_what_to_do() {
        let ways = [Way {
            name: "way",
            tool: Some(ABSENT),
            steps: &[],
        }];
        let outcome = first_way("name", &ways, here());
        assert_eq!(outcome.status, Status::Skipped);
        assert_eq!(outcome.notes, ["needs absent: `make absent`"]);
    }

    #[test]
    fn the_first_way_that_is_there_is_taken() {
        let steps: &[Step] = &[Step {
            env: &[],
            command: "cargo --version",
            counts: None,
        }];
        let ways = [
            Way {
                name: "best",
                tool: Some(ABSENT),
                steps: &[],
            },
            Way {
                name: "plain",
                tool: None,
                steps,
            },
        ];
        assert_eq!(first_way("name", &ways, here()).status, Status::Ok);
    }

    #[test]
    fn a_runner_that_succeeds_without_a_count_has_failed() {
        let mut counts = None;
        let problem = run_step(
            &step("cargo --version", Some(Runner::Libtest)),
            here(),
            &mut counts,
        );
        assert!(
            problem
                .expect_err("no summary")
                .contains("could not be read")
        );
        assert_eq!(counts.map(|counts| counts.failed), Some(1));
    }

    #[test]
    fn a_runner_passes_only_if_it_says_so_twice() {
        let counts = |passed, failed| Counts {
            passed,
            failed,
            skipped: 0,
        };
        let unreadable = || Err("no line".to_owned());
        for (success, read, counted, well) in [
            (true, Ok(counts(2, 0)), counts(2, 0), true),
            (true, Ok(counts(2, 3)), counts(2, 3), false),
            (false, Ok(counts(2, 3)), counts(2, 3), false),
            (false, Ok(counts(2, 0)), counts(2, 1), false),
            (false, unreadable(), counts(0, 1), false),
            (true, unreadable(), counts(0, 1), false),
        ] {
            let case = format!("{success} {read:?}");
            let (found, result) = judge(success, read);
            assert_eq!((found, result.is_ok()), (counted, well), "{case}");
        }
    }

    #[test]
    fn ten_names_are_enough() {
        let names = |n: usize| (0..n).map(|i| i.to_string()).collect::<Vec<_>>();
        assert_eq!(named(&names(0)), "");
        assert_eq!(named(&names(2)), " (0, 1)");
        assert!(named(&names(12)).ends_with("9, and 2 more)"));
    }

    #[test]
    fn a_failing_command_and_a_missing_one_are_told_apart() {
        let mut counts = None;
        let failed = run_step(&step("cargo --no-such-option", None), here(), &mut counts);
        assert!(failed.expect_err("it fails").starts_with("cargo: exit "));
        let missing = run_step(&step("pullback-no-such-program", None), here(), &mut counts);
        assert!(
            missing
                .expect_err("it is missing")
                .contains("could not be run")
        );
    }

    #[test]
    fn output_is_passed_on_as_it_is() {
        let mut sink = Vec::new();
        let seen = pass_on(Some(&b"one\ntwo \xff\n"[..]), &mut sink);
        assert_eq!(sink, b"one\ntwo \xff\n");
        assert_eq!(seen, "one\ntwo \u{fffd}\n");
    }
}
