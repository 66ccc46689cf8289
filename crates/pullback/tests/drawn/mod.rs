//! How cases are drawn at random: how many, and from which seed.

use proptest::test_runner::{Config, RngAlgorithm, TestRng, TestRunner};

/// How many: `CHECK_CASES`, or so many without it.
pub(crate) fn cases(otherwise: u32) -> u32 {
    (std::env::var("CHECK_CASES").ok())
        .and_then(|n| n.parse().ok())
        .unwrap_or(otherwise)
}

/// A runner whose cases are the same every time; `CHECK_SEED` draws others.
pub(crate) fn runner(cases: u32, seed: u8) -> TestRunner {
    let seed = (std::env::var("CHECK_SEED").ok())
        .and_then(|n| n.parse().ok())
        .unwrap_or(seed);
    let config = Config {
        cases,
        failure_persistence: None,
        max_shrink_iters: 40,
        ..Config::default()
    };
    TestRunner::new_with_rng(
        config,
        TestRng::from_seed(RngAlgorithm::ChaCha, &[seed; 32]),
    )
}
