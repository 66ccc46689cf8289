//! The list of checks: what `cargo xtask test` runs, as data.
//!
//! A new check is one entry in [`CHECKS`]. For a tool that is not part of Rust, give a [`Tool`] with the command that
//! installs it, and its pinned version in `.ci/tools.txt`; a test below holds the two together.
//!
//! Not for: running anything (that is [`crate::run`]) and printing results ([`crate::report`]).

/// One thing that must hold, and the command lines that find out.
pub(crate) struct Check {
    /// The word on the command line.
    pub(crate) name: &'static str,
    /// What holds if it passes.
    pub(crate) about: &'static str,
    /// Ways to find out, best first; the first whose tool is installed is taken.
    pub(crate) ways: &'static [Way],
}

/// One way to carry out a check.
pub(crate) struct Way {
    /// What it is called where there are several.
    pub(crate) name: &'static str,
    /// What must be installed beside Rust, if anything.
    pub(crate) tool: Option<Tool>,
    /// What is run, in order; all of it, even if an early step fails.
    pub(crate) steps: &'static [Step],
}

/// A program that may be missing.
pub(crate) struct Tool {
    /// Its name.
    pub(crate) name: &'static str,
    /// A command that succeeds if it is there.
    pub(crate) probe: &'static str,
    /// The command that installs it.
    pub(crate) install: &'static str,
}

/// One command line.
pub(crate) struct Step {
    /// Variables set for it.
    pub(crate) env: &'static [(&'static str, &'static str)],
    /// The program and its arguments, with spaces between them and none within.
    pub(crate) command: &'static str,
    /// Whose summary it ends with, if its tests belong in the final count.
    pub(crate) counts: Option<Runner>,
}

/// Test runners whose closing lines can be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Runner {
    /// cargo-nextest: one summary for the whole workspace.
    Nextest,
    /// Rust's own: one `test result` line for each binary.
    Libtest,
    /// Python's: one line at the end.
    Pytest,
}

/// A check that needs nothing but Rust and runs one command without tests.
const fn plain(command: &'static str) -> Step {
    Step {
        env: &[],
        command,
        counts: None,
    }
}

/// Every check there is, the quickest first.
pub(crate) const CHECKS: &[Check] = &[
    Check {
        name: "format",
        about: "rustfmt would change nothing",
        ways: &[Way {
            name: "rustfmt",
            tool: None,
            steps: &[plain("cargo fmt --all --check")],
        }],
    },
    Check {
        name: "floors",
        about: "every folder imports only what stands below it",
        ways: &[Way {
            name: "xtask",
            tool: None,
            steps: &[plain("cargo xtask floors")],
        }],
    },
    Check {
        name: "typos",
        about: "no known misspelling in code or prose",
        ways: &[Way {
            name: "typos",
            tool: Some(Tool {
                name: "typos",
                probe: "typos --version",
                install: "cargo install --locked typos-cli@1.52.0",
            }),
            steps: &[plain("typos")],
        }],
    },
    Check {
        name: "licences",
        about: "dependencies come from crates.io under the licences that deny.toml allows",
        ways: &[Way {
            name: "cargo-deny",
            tool: Some(Tool {
                name: "cargo-deny",
                probe: "cargo deny --version",
                install: "cargo install --locked cargo-deny@0.20.2",
            }),
            steps: &[plain("cargo deny check bans licenses sources")],
        }],
    },
    Check {
        name: "clippy",
        about: "no warning in any target of any crate",
        ways: &[Way {
            name: "clippy",
            tool: None,
            steps: &[plain(
                "cargo clippy --workspace --all-targets --locked -- -D warnings",
            )],
        }],
    },
    Check {
        name: "features",
        about: "the library compiles as its users take it: alone, without features and with some of them",
        ways: &[Way {
            name: "clippy",
            tool: None,
            // In the workspace all features come together, since some member asks for each.
            steps: &[
                plain("cargo clippy --package pullback --lib --locked -- -D warnings"),
                plain(
                    "cargo clippy --package pullback --lib --locked --features functions -- -D warnings",
                ),
                plain(
                    "cargo clippy --package pullback --lib --locked --features linalg,csv,pt,onnx -- -D warnings",
                ),
                plain(
                    "cargo clippy --package pullback --lib --locked --features ndarray,serde,derive,extend -- -D warnings",
                ),
            ],
        }],
    },
    Check {
        name: "msrv",
        about: "the library and the program compile with the least Rust that Cargo.toml promises",
        ways: &[Way {
            name: "rustup",
            tool: Some(Tool {
                name: "Rust 1.95.0",
                probe: "rustup run 1.95.0 rustc --version",
                install: "rustup toolchain install 1.95.0 --profile minimal",
            }),
            // The library alone too: beside the program it has the program's features. What clippy's check compiled of others is there.
            steps: &[
                plain("rustup run 1.95.0 cargo check --package pullback --locked"),
                plain(
                    "rustup run 1.95.0 cargo check --package pullback --package pullback-cli --locked",
                ),
            ],
        }],
    },
    Check {
        name: "tests",
        about: "unit and integration tests of the whole workspace; integers that overflow fail them",
        ways: &[
            Way {
                name: "nextest",
                tool: Some(Tool {
                    name: "cargo-nextest",
                    probe: "cargo nextest --version",
                    install: "cargo install --locked cargo-nextest@0.9.143",
                }),
                steps: &[Step {
                    env: &[],
                    command: "cargo nextest run --cargo-profile checked --workspace --tests --locked --no-fail-fast",
                    counts: Some(Runner::Nextest),
                }],
            },
            Way {
                name: "libtest",
                tool: None,
                steps: &[Step {
                    env: &[],
                    command: "cargo test --workspace --tests --locked --no-fail-fast",
                    counts: Some(Runner::Libtest),
                }],
            },
        ],
    },
    Check {
        name: "doctests",
        about: "every example in the documentation runs",
        ways: &[Way {
            name: "rustdoc",
            tool: None,
            steps: &[Step {
                env: &[],
                command: "cargo test --doc --workspace --locked --no-fail-fast",
                counts: Some(Runner::Libtest),
            }],
        }],
    },
    Check {
        name: "docs",
        about: "rustdoc has no warning, for libraries and programs",
        ways: &[Way {
            name: "rustdoc",
            tool: None,
            // In two steps: the library and the program `pullback` want the same folder, and the library shall keep it.
            steps: &[
                Step {
                    env: &[("RUSTDOCFLAGS", "-D warnings")],
                    command: "cargo doc --workspace --no-deps --bins --locked",
                    counts: None,
                },
                Step {
                    env: &[("RUSTDOCFLAGS", "-D warnings")],
                    command: "cargo doc --workspace --no-deps --lib --locked",
                    counts: None,
                },
            ],
        }],
    },
    Check {
        name: "python",
        about: "the wheel builds, its type stubs are true, and the tests of the Python package pass",
        ways: &[Way {
            name: "venv",
            tool: Some(Tool {
                name: "Python 3.10 with venv, and the network (or target/python from an earlier run)",
                probe: "python3 crates/pullback-python/tests/run.py --probe",
                install: "apt-get install python3-venv",
            }),
            steps: &[Step {
                env: &[],
                command: "python3 crates/pullback-python/tests/run.py",
                counts: Some(Runner::Pytest),
            }],
        }],
    },
    Check {
        name: "memory",
        about: "no invalid access to memory in the tests of the crate with `unsafe`",
        ways: MEMORY,
    },
];

/// The memory checkers. The check `memory` takes the first that is there, `cargo xtask sanitize` all of them.
///
/// Doc tests stay out: they would be built once more, one by one, for no memory access that the tests lack.
pub(crate) const MEMORY: &[Way] = &[
    Way {
        name: "address",
        tool: Some(Tool {
            name: "nightly Rust",
            probe: "rustup run nightly rustc --version",
            install: "rustup toolchain install nightly --profile minimal",
        }),
        // Once with each block from the system, so that a use after free is seen, and once with the pool of blocks that
        // is in use otherwise, for the pool's own sake.
        steps: &[
            Step {
                env: &[
                    ("RUSTFLAGS", "-Zsanitizer=address --cfg pullback_no_pool"),
                    HUGE_IS_NULL,
                ],
                command: ADDRESS,
                counts: None,
            },
            Step {
                env: &[("RUSTFLAGS", "-Zsanitizer=address"), HUGE_IS_NULL],
                command: ADDRESS,
                counts: None,
            },
        ],
    },
    Way {
        name: "valgrind",
        tool: Some(Tool {
            name: "valgrind",
            probe: "valgrind --version",
            install: "apt-get install valgrind",
        }),
        steps: &[Step {
            // Some fifty times slower than the machine, so fewer random cases.
            env: &[
                ("RUSTFLAGS", "--cfg pullback_no_pool"),
                ("PROPTEST_CASES", "8"),
            ],
            command: "cargo test --package pullback-array --tests --locked --no-fail-fast \
                      --config target.'cfg(unix)'.runner=['valgrind','--quiet','--error-exitcode=9']",
            counts: None,
        }],
    },
    Way {
        name: "thread",
        tool: Some(Tool {
            name: "nightly Rust with its sources",
            probe: "rustup component add rust-src --toolchain nightly",
            install: "rustup toolchain install nightly --profile minimal --component rust-src",
        }),
        // The standard library is built with the sanitizer too: it does not see the ordering that an uninstrumented `Arc` makes.
        // The tests are those in which threads meet; without a meeting there is no race to see.
        steps: &[
            Step {
                env: &[("RUSTFLAGS", "-Zsanitizer=thread"), HUGE_IS_NULL_TOO],
                command: "rustup run nightly cargo test -Zbuild-std --target host-tuple --package pullback-array --locked --no-fail-fast \
                          --test threads --test storage --test pool --test large",
                counts: None,
            },
            Step {
                env: &[("RUSTFLAGS", "-Zsanitizer=thread")],
                command: "rustup run nightly cargo test -Zbuild-std --target host-tuple --package pullback-array --locked --lib -- team",
                counts: None,
            },
            Step {
                env: &[("RUSTFLAGS", "-Zsanitizer=thread")],
                command: "rustup run nightly cargo test -Zbuild-std --target host-tuple --package pullback --locked --test threads",
                counts: None,
            },
            Step {
                env: &[("RUSTFLAGS", "-Zsanitizer=thread")],
                command: "rustup run nightly cargo test -Zbuild-std --target host-tuple --package pullback --locked --test autograd -- threads",
                counts: None,
            },
        ],
    },
];

/// Tests ask for more memory than there is, to see the error; the allocator must say so, as the system's does.
const HUGE_IS_NULL: (&str, &str) = ("ASAN_OPTIONS", "allocator_may_return_null=1");
const HUGE_IS_NULL_TOO: (&str, &str) = ("TSAN_OPTIONS", "allocator_may_return_null=1");

/// With `--target`, the flags reach the tests and what they link, but no build script or macro.
///
/// The test that is left out forks while other threads free memory. The sanitizer's own list of freed blocks has a lock that it does not hold around
/// a fork, so that a child may find it locked for ever; what the test is about are our locks, and without the sanitizer it looks at them.
const ADDRESS: &str = "rustup run nightly cargo test --package pullback-array --tests --locked --no-fail-fast \
                       --target host-tuple -- --skip children_compute_while_their_parent_does";

impl Step {
    /// The line that a person can paste into a shell to repeat this step.
    pub(crate) fn shell_line(&self) -> String {
        let env = self
            .env
            .iter()
            .map(|(name, value)| format!("{name}={}", quoted(value)));
        let command = self.command.split_whitespace().map(quoted);
        env.chain(command).collect::<Vec<_>>().join(" ")
    }
}

/// The word as a shell would need it.
fn quoted(word: &str) -> String {
    let harmless = |c: char| c.is_ascii_alphanumeric() || "-_=./@:,+".contains(c);
    if !word.is_empty() && word.chars().all(harmless) {
        word.to_owned()
    } else if word.contains('\'') {
        format!("\"{word}\"")
    } else {
        format!("'{word}'")
    }
}

/// What `cargo xtask test --list` prints: each check with the commands of each of its ways.
pub(crate) fn list(checks: &[&Check]) -> String {
    let mut text = String::new();
    for check in checks {
        text += &format!("{:<10}{}\n", check.name, check.about);
        for way in check.ways {
            if check.ways.len() > 1 {
                text += &format!(
                    "  with {}\n",
                    way.tool.as_ref().map_or("Rust alone", |tool| tool.name)
                );
            }
            for step in way.steps {
                text += &format!("    {}\n", step.shell_line());
            }
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    fn ways() -> impl Iterator<Item = &'static Way> {
        CHECKS.iter().flat_map(|check| check.ways)
    }

    #[test]
    fn names_are_single_words_and_unique() {
        for (index, check) in CHECKS.iter().enumerate() {
            assert!(
                check.name.chars().all(|c| c.is_ascii_lowercase()),
                "{}",
                check.name
            );
            assert!(
                CHECKS[..index].iter().all(|other| other.name != check.name),
                "{} is there twice",
                check.name
            );
            assert!(!check.ways.is_empty(), "{} does nothing", check.name);
        }
        assert!(ways().all(|way| !way.steps.is_empty()));
    }

    #[test]
    fn a_way_that_needs_no_tool_is_the_last_one() {
        for check in CHECKS {
            let free = check.ways.iter().position(|way| way.tool.is_none());
            assert!(
                free.is_none_or(|index| index + 1 == check.ways.len()),
                "{}: a way is never taken",
                check.name
            );
        }
    }

    #[test]
    fn every_cargo_command_holds_to_the_lock_file() {
        for step in ways().flat_map(|way| way.steps) {
            let mut words = step.command.split_whitespace();
            let compiles = words.any(|word| ["clippy", "test", "nextest", "doc"].contains(&word));
            assert!(
                !compiles || step.command.contains(" --locked"),
                "{}",
                step.shell_line()
            );
        }
    }

    #[test]
    fn the_least_rust_is_the_one_that_is_tried() {
        let promised = include_str!("../../Cargo.toml")
            .lines()
            .find_map(|line| line.strip_prefix("rust-version = "))
            .expect("a rust-version");
        let tried = format!("rustup run {}.0 ", promised.trim_matches('"'));
        let check = CHECKS
            .iter()
            .find(|check| check.name == "msrv")
            .expect("it is there");
        for way in check.ways {
            assert!(
                way.steps
                    .iter()
                    .all(|step| step.command.starts_with(&tried)),
                "{tried}"
            );
            assert!(
                way.tool
                    .as_ref()
                    .is_some_and(|tool| tool.probe.starts_with(&tried))
            );
        }
    }

    #[test]
    fn pins_are_those_that_ci_installs() {
        let pins = include_str!("../../.ci/tools.txt");
        let tools: Vec<_> = ways()
            .filter_map(|way| way.tool.as_ref())
            .filter(|tool| tool.install.contains('@'))
            .collect();
        let pinned = pins.lines().filter(|line| line.contains("==")).count();
        assert_eq!(
            tools.len(),
            pinned,
            "as many tools here as in .ci/tools.txt"
        );
        for tool in tools {
            let (_, version) = tool.install.split_once('@').expect("a version");
            let pin = format!("{}=={version} ", tool.name);
            assert!(pins.contains(&pin), ".ci/tools.txt has no `{pin}`");
        }
    }

    #[test]
    fn a_printed_command_keeps_its_words_together() {
        assert_eq!(quoted("--all"), "--all");
        assert_eq!(quoted("-D warnings"), "'-D warnings'");
        assert_eq!(quoted("runner = 'valgrind'"), "\"runner = 'valgrind'\"");
        assert_eq!(quoted(""), "''");
        let step = Step {
            env: &[("FLAGS", "-D warnings")],
            command: "cargo doc",
            counts: None,
        };
        assert_eq!(step.shell_line(), "FLAGS='-D warnings' cargo doc");
    }

    #[test]
    fn the_list_shows_every_command() {
        let text = list(&CHECKS.iter().collect::<Vec<_>>());
        for step in ways().flat_map(|way| way.steps) {
            assert!(text.contains(&step.shell_line()), "{}", step.shell_line());
        }
    }
}
