//! Every function of the list: complete entries, PyTorch's values, gradients and errors, proven gradients.

mod digits;
mod golden;
mod halves;
mod jacobian;
mod list;
mod modes;
mod rows;
mod second;
mod threads;

use pullback::proof::{DTYPES, prove_function};
use pullback::registry::entries;

/// `PULLBACK_ONLY=name` in the environment proves one function, or one group of them.
#[test]
fn every_function_is_proven() {
    let only = std::env::var("PULLBACK_ONLY").ok();
    let (mut checks, mut findings) = (0, Vec::new());
    for entry in entries() {
        if only
            .as_ref()
            .is_some_and(|n| n != entry.function.name() && n != entry.group)
        {
            continue;
        }
        let report = prove_function(entry, &DTYPES);
        checks += report.checks;
        findings.extend(report.findings);
    }
    println!("{checks} checks of {} functions", entries().len());
    assert!(
        findings.is_empty(),
        "{} of {checks} checks failed:\n{}",
        findings.len(),
        findings.join("\n")
    );
}
