//! What a runner of tests printed: the counts of its closing lines, and the names of what failed.
//!
//! Not for: running anything ([`crate::run`]) or saying how it went ([`crate::report`]).

use std::ops::Add;

use crate::checks::Runner;

/// Numbers of tests.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    /// Tests that passed, at the first try or a later one.
    pub(crate) passed: u64,
    /// Tests that failed, timed out or could not be started.
    pub(crate) failed: u64,
    /// Tests that were ignored.
    pub(crate) skipped: u64,
}

impl Add for Counts {
    type Output = Self;

    fn add(self, other: Self) -> Self {
        Self {
            passed: self.passed + other.passed,
            failed: self.failed + other.failed,
            skipped: self.skipped + other.skipped,
        }
    }
}

impl Runner {
    /// Reads the counts out of all that the runner printed.
    pub(crate) fn read(self, output: &str) -> Result<Counts, String> {
        let output = without_escapes(output);
        match self {
            Self::Nextest => nextest(&output),
            Self::Libtest => libtest(&output),
            Self::Pytest => pytest(&output),
        }
    }

    /// The names of the tests that failed, each once, out of all that the runner printed: the end of a long log may be
    /// all that is kept of it.
    pub(crate) fn failures(self, output: &str) -> Vec<String> {
        let mut names = Vec::new();
        for line in without_escapes(output).lines().map(str::trim) {
            let name = match self {
                // `        FAIL [   0.004s] (1/2) pullback::tests name`
                Self::Nextest => ["FAIL [", "TIMEOUT [", "SIGABRT [", "SIGSEGV [", "SIGKILL ["]
                    .iter()
                    .find_map(|head| line.strip_prefix(head)?.split_once(']'))
                    .map(|(_, rest)| without_parentheses(rest)),
                Self::Libtest => (line.strip_prefix("test "))
                    .and_then(|rest| rest.strip_suffix(" ... FAILED"))
                    .map(str::to_owned),
                // `FAILED tests/test_a.py::test_b - AssertionError: ...`
                Self::Pytest => ["FAILED ", "ERROR "]
                    .iter()
                    .find_map(|head| line.strip_prefix(head))
                    .map(|rest| rest.split(" - ").next().unwrap_or(rest).to_owned()),
            };
            if let Some(name) = name.map(|name| name.trim().to_owned())
                && !name.is_empty()
                && !names.contains(&name)
            {
                names.push(name);
            }
        }
        names
    }
}

/// Reads `Summary [   0.015s] 3 tests run: 2 passed (1 slow), 1 failed, 4 skipped`, the last of them if a test printed
/// one too.
fn nextest(output: &str) -> Result<Counts, String> {
    let line = output
        .lines()
        .rev()
        .map(str::trim)
        .find(|line| line.starts_with("Summary [") && line.contains("run:"))
        .ok_or("there is no line `Summary [...] N tests run: ...`")?;
    let unreadable = || format!("not understood: {line}");

    let (head, tail) = line.split_once("run:").ok_or_else(unreadable)?;
    let (_, run) = head.split_once(']').ok_or_else(unreadable)?;
    // After an interruption it reads `3/10 tests`.
    let run = run.trim().split([' ', '/']).next().unwrap_or_default();
    let run: u64 = run.parse().map_err(|_| unreadable())?;

    let mut counts = Counts::default();
    for part in without_parentheses(tail).split(',') {
        let (number, what) = part.trim().split_once(' ').ok_or_else(unreadable)?;
        let number: u64 = number.parse().map_err(|_| unreadable())?;
        match what.trim() {
            "passed" => counts.passed += number,
            "skipped" => counts.skipped += number,
            // "failed", "timed out", "exec failed" and what may come.
            _ => counts.failed += number,
        }
    }
    if counts.passed + counts.failed == run {
        Ok(counts)
    } else {
        Err(format!("it does not add up: {line}"))
    }
}

/// Adds up lines such as `test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.1s`.
fn libtest(output: &str) -> Result<Counts, String> {
    let mut counts = None;
    for line in output.lines() {
        let Some(rest) = line.trim().strip_prefix("test result: ") else {
            continue;
        };
        let number = |what: &str| {
            let words: Vec<_> = rest
                .split([' ', ';'])
                .filter(|word| !word.is_empty())
                .collect();
            let place = words
                .iter()
                .position(|word| *word == what)?
                .checked_sub(1)?;
            words[place].parse::<u64>().ok()
        };
        let (Some(passed), Some(failed), Some(skipped)) =
            (number("passed"), number("failed"), number("ignored"))
        else {
            return Err(format!("not understood: {line}"));
        };
        counts = Some(
            counts.unwrap_or_default()
                + Counts {
                    passed,
                    failed,
                    skipped,
                },
        );
    }
    counts.ok_or_else(|| "there is no line `test result: ...`".to_owned())
}

/// Reads `=== 1 failed, 160 passed, 2 skipped in 40.37s ===`, with or without the rules around it.
fn pytest(output: &str) -> Result<Counts, String> {
    let line = (output.lines().rev())
        .map(|line| line.trim().trim_matches('=').trim())
        .find(|line| {
            line.contains(" in ")
                && line.ends_with(['s', ')'])
                && line.starts_with(|c: char| c.is_ascii_digit())
        })
        .ok_or("there is no line `N passed, ... in ...s`")?;
    let unreadable = || format!("not understood: {line}");
    let (parts, _) = line.rsplit_once(" in ").ok_or_else(unreadable)?;
    let mut counts = Counts::default();
    for part in parts.split(',') {
        let (number, what) = part.trim().split_once(' ').ok_or_else(unreadable)?;
        let number: u64 = number.parse().map_err(|_| unreadable())?;
        match what {
            "passed" | "xfailed" => counts.passed += number,
            "skipped" => counts.skipped += number,
            "deselected" | "warning" | "warnings" | "rerun" => {}
            // "failed", "error", "errors", "xpassed" and what may come.
            _ => counts.failed += number,
        }
    }
    Ok(counts)
}

/// The text without terminal escapes such as colours.
fn without_escapes(text: &str) -> String {
    let mut plain = String::with_capacity(text.len());
    let mut characters = text.chars();
    while let Some(character) = characters.next() {
        if character != '\u{1b}' {
            plain.push(character);
        } else if characters.next() == Some('[') {
            // Up to the letter that ends the sequence.
            characters.by_ref().find(|c| ('@'..='~').contains(c));
        }
    }
    plain
}

/// The text without what stands in parentheses.
fn without_parentheses(text: &str) -> String {
    let mut depth = 0_usize;
    let mut plain = String::new();
    for character in text.chars() {
        match character {
            '(' => depth += 1,
            ')' => depth = depth.saturating_sub(1),
            other if depth == 0 => plain.push(other),
            _ => {}
        }
    }
    // `2 passed (1 slow), 1 failed` leaves a space before the comma.
    plain.replace(" ,", ",")
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

    #[test]
    fn failed_tests_are_named_once() {
        let nextest = "        FAIL [   0.004s] ( 1/20) pullback::a some::test\n  Summary [ 1s]\n \
                       FAIL [   0.004s] ( 1/20) pullback::a some::test\n     SIGABRT [ 1.0s] pullback::b other";
        assert_eq!(
            Runner::Nextest.failures(nextest),
            ["pullback::a some::test", "pullback::b other"]
        );
        let libtest = "test a ... ok\ntest b::c ... FAILED\n";
        assert_eq!(Runner::Libtest.failures(libtest), ["b::c"]);
        let pytest = "FAILED tests/test_a.py::test_b[1] - AssertionError: x - y\nERROR tests/test_c.py\n1 failed in 2s";
        assert_eq!(
            Runner::Pytest.failures(pytest),
            ["tests/test_a.py::test_b[1]", "tests/test_c.py"]
        );
    }

    #[test]
    fn nextest_summaries_are_read_in_all_their_forms() {
        for (line, expected) in [
            (
                "     Summary [   0.015s] 2 tests run: 2 passed, 0 skipped",
                counts(2, 0, 0),
            ),
            (
                "     Summary [   0.015s] 1 test run: 1 passed, 3 skipped",
                counts(1, 0, 3),
            ),
            (
                "     Summary [  61.002s] 5 tests run: 4 passed (1 slow, 2 leaky), 1 failed, 7 skipped",
                counts(4, 1, 7),
            ),
            (
                "     Summary [   1.500s] 5 tests run: 2 passed, 1 failed, 1 timed out, 1 exec failed, 0 skipped",
                counts(2, 3, 0),
            ),
            (
                "     Summary [   1.500s] 3/10 tests run: 2 passed (1 flaky), 1 failed (1 due to signal), 0 skipped",
                counts(2, 1, 0),
            ),
            (
                "\u{1b}[32;1m     Summary\u{1b}[0m [   0.1s] \u{1b}[1m2\u{1b}[0m tests run: \u{1b}[1m2\u{1b}[0m passed, 0 skipped",
                counts(2, 0, 0),
            ),
            (
                "Summary [ 0s] 1 test run: 0 passed, 1 failed, 0 skipped\n\nSummary [ 1s] 4 tests run: 4 passed, 0 skipped\n",
                counts(4, 0, 0),
            ),
        ] {
            assert_eq!(Runner::Nextest.read(line), Ok(expected), "{line}");
        }
    }

    #[test]
    fn a_nextest_summary_that_is_missing_or_does_not_add_up_is_an_error() {
        for line in [
            "",
            "error: could not compile `pullback`",
            "Summary of the test: all well",
            "     Summary [   0.015s] many tests run: 2 passed",
            "     Summary [   0.015s] 2 tests run: some passed",
            "     Summary [   0.015s] 3 tests run: 2 passed, 0 skipped",
        ] {
            assert!(Runner::Nextest.read(line).is_err(), "{line}");
        }
    }

    #[test]
    fn libtest_lines_are_added_up() {
        let output = "\
running 3 tests
test result: ok. 2 passed; 0 failed; 1 ignored; 0 measured; 0 filtered out; finished in 0.00s

   Doc-tests pullback
test result: \u{1b}[31mFAILED\u{1b}[0m. 4 passed; 2 failed; 0 ignored; 0 measured; 5 filtered out; finished in 1.25s
";
        assert_eq!(Runner::Libtest.read(output), Ok(counts(6, 2, 1)));
        let none = "test result: ok. 0 passed; 0 failed; 0 ignored; 0 measured; 0 filtered out; finished in 0.00s";
        assert_eq!(Runner::Libtest.read(none), Ok(Counts::default()));
    }

    #[test]
    fn output_without_a_libtest_line_is_an_error() {
        for output in [
            "",
            "test result",
            "test result: ok. no numbers today",
            "passed; failed; ignored",
        ] {
            assert!(Runner::Libtest.read(output).is_err(), "{output}");
        }
        assert!(
            Runner::Libtest
                .read("test result: passed failed ignored")
                .is_err()
        );
    }

    #[test]
    fn pytest_summaries_are_read_in_all_their_forms() {
        for (output, expected) in [
            ("160 passed in 4.1s", counts(160, 0, 0)),
            (
                "...F.\n1 failed, 133 passed, 2 skipped, 18 deselected, 1 warning in 40.37s\n",
                counts(133, 1, 2),
            ),
            (
                "\u{1b}[31m===== 2 errors, 3 passed, 1 xfailed in 61.20s (0:01:01) =====\u{1b}[0m",
                counts(4, 2, 0),
            ),
        ] {
            assert_eq!(Runner::Pytest.read(output), Ok(expected), "{output}");
        }
        for output in ["", "no tests ran in 0.01s", "some passed in 3s"] {
            assert!(Runner::Pytest.read(output).is_err(), "{output}");
        }
    }
}
