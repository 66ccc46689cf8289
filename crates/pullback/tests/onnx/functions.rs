//! PyTorch's functions, called as their samples and edges say: in a file that is in order, or refused.

use crate::held;
use pullback::Result;
use pullback::io::onnx::Options;
use pullback::nn::Identity;
use pullback::proof::Call;
use pullback::registry::{Entry, dispatch, entries, overloads};
use pullback::{Error, Tensor};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};

/// How many functions have a file at least.
const WRITTEN: usize = 360;

/// Errors that nobody should ever see.
const INNER: &[&str] = &[
    "read before it is made",
    "another operation was expected",
    "that was not made",
];

fn run(entry: &Entry, call: &Call, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let call = call.with(x);
    let (place, name) = entry.function.found_at().next().expect("a place");
    let result = dispatch(name, &overloads(place, name), &call.args, &call.named())?;
    Ok(result.tensors().into_iter().cloned().collect())
}

/// The reason for which a call has no file, if it has none.
fn refused(entry: &Entry, name: &str, call: &Call) -> Option<Error> {
    let tensors = call.tensors();
    let x: Vec<&Tensor> = tensors.iter().collect();
    held(name, &Identity, &x, Options::default(), |_, x| {
        run(entry, call, x)
    })
    .err()
}

#[test]
fn every_function_is_written_or_refused() {
    let (mut written, mut wrong) = (BTreeSet::new(), vec![]);
    for entry in entries() {
        let f = entry.function;
        if f.random || f.name().ends_with('_') {
            continue;
        }
        for (k, text) in f.samples.iter().chain(f.edges).enumerate() {
            let (_, call) = &Call::in_dtypes(text).expect("a sample that can be read")[0];
            let tensors = call.tensors();
            // What fails, or gives no tensors, is no model.
            if tensors.is_empty() || run(entry, call, &tensors).map_or(0, |y| y.len()) == 0 {
                continue;
            }
            let name = format!("functions/{}_{}_{k}", entry.group, f.name());
            match catch_unwind(AssertUnwindSafe(|| refused(entry, &name, call))) {
                Ok(None) => {
                    written.insert(f.name());
                }
                Ok(Some(e)) if !INNER.iter().any(|part| e.message().contains(part)) => {}
                Ok(Some(_)) | Err(_) => wrong.push(format!("{name}: {text}")),
            }
        }
    }
    assert_eq!(wrong, [""; 0]);
    assert!(written.len() >= WRITTEN, "{} functions", written.len());
}
