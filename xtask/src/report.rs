//! What is said at the end: outcomes, the table, the last line.
//!
//! Not for: running anything ([`crate::run`]), reading what runners print ([`crate::runners`]).

use std::ops::Add;
use std::time::Duration;

use crate::runners::Counts;

/// How a check ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Status {
    /// It holds.
    Ok,
    /// It does not hold, or could not be decided.
    Failed,
    /// Its tool is not installed.
    Skipped,
}

/// A check that was run.
#[derive(Debug)]
pub(crate) struct Outcome {
    /// The check's name.
    pub(crate) name: &'static str,
    /// How it ended.
    pub(crate) status: Status,
    /// How long it took.
    pub(crate) time: Duration,
    /// The tests it ran, if it counts them.
    pub(crate) counts: Option<Counts>,
    /// Why it failed or was skipped.
    pub(crate) notes: Vec<String>,
}

/// Failed if anything failed. A skip is no failure: it has been said what to install.
pub(crate) fn verdict(outcomes: &[Outcome]) -> Status {
    let failed = outcomes
        .iter()
        .any(|outcome| outcome.status == Status::Failed);
    if failed { Status::Failed } else { Status::Ok }
}

/// One line for each check: name, result, seconds, and why if it is not well.
pub(crate) fn table(outcomes: &[Outcome]) -> String {
    let mut text = format!("{:<10}  {:<7}  {:>7}\n", "check", "result", "seconds");
    for outcome in outcomes {
        let result = match outcome.status {
            Status::Ok => "ok",
            Status::Failed => "FAILED",
            Status::Skipped => "skipped",
        };
        let notes = outcome.notes.join("; ");
        let line = format!(
            "{:<10}  {result:<7}  {:>7.1}  {notes}",
            outcome.name,
            outcome.time.as_secs_f64()
        );
        text += line.trim_end();
        text.push('\n');
    }
    text
}

/// The table, how to repeat what failed and, as the last line, the tests of all runners, if any ran.
pub(crate) fn summary(outcomes: &[Outcome]) -> String {
    let mut text = table(outcomes);
    let failed: Vec<_> = outcomes
        .iter()
        .filter(|outcome| outcome.status == Status::Failed)
        .map(|outcome| outcome.name)
        .collect();
    if !failed.is_empty() {
        text += &format!(
            "\nAgain, only what failed: cargo xtask test {}\n",
            failed.join(" ")
        );
    }
    if let Some(counts) = outcomes
        .iter()
        .filter_map(|outcome| outcome.counts)
        .reduce(Counts::add)
    {
        text += &format!(
            "\n{} passed, {} failed, {} skipped\n",
            counts.passed, counts.failed, counts.skipped
        );
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn counts(passed: u64, failed: u64, skipped: u64) -> Counts {
        Counts {
            passed,
            failed,
            skipped,
        }
    }

    fn outcome(name: &'static str, status: Status, counts: Option<Counts>, note: &str) -> Outcome {
        let notes = if note.is_empty() {
            vec![]
        } else {
            vec![note.to_owned()]
        };
        Outcome {
            name,
            status,
            time: Duration::from_millis(1250),
            counts,
            notes,
        }
    }

    #[test]
    fn the_last_line_adds_up_all_runners() {
        let outcomes = [
            outcome("format", Status::Ok, None, ""),
            outcome(
                "tests",
                Status::Failed,
                Some(counts(10, 1, 2)),
                "cargo: exit status: 100",
            ),
            outcome("doctests", Status::Ok, Some(counts(5, 0, 1)), ""),
            outcome("typos", Status::Skipped, None, "needs typos: `get typos`"),
        ];
        let expected = "\
check       result   seconds
format      ok           1.2
tests       FAILED       1.2  cargo: exit status: 100
doctests    ok           1.2
typos       skipped      1.2  needs typos: `get typos`

Again, only what failed: cargo xtask test tests

15 passed, 1 failed, 3 skipped
";
        assert_eq!(summary(&outcomes), expected);
        assert_eq!(verdict(&outcomes), Status::Failed);
    }

    #[test]
    fn without_a_runner_nothing_is_counted_and_a_skip_is_no_failure() {
        let outcomes = [outcome("typos", Status::Skipped, None, "")];
        assert!(!summary(&outcomes).contains("passed"));
        assert_eq!(verdict(&outcomes), Status::Ok);
    }
}
