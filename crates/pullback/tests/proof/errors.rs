//! Failing inputs, through the methods people call: the definition's message, the operation's name, the caller's line.

use crate::methods::run;
use pullback::ops::OPS;
use pullback::{Array, DType, Tensor, kernels, set_num_threads};
use serde_json::Value;

/// `Slice { dim: 0, start: 2 }` as `{"dim": 0, "start": 2}`: what `Debug` says of an operation's attributes.
fn attributes(debug: &str) -> Value {
    let Some((_, body)) = debug.split_once(" {") else {
        return Value::Null;
    };
    let mut json = String::from("{");
    for word in body.split_inclusive([' ', ',', '}']) {
        match word.trim_end().strip_suffix(':') {
            Some(name) => json += &format!("\"{}\":", name.trim()),
            None => json += word,
        }
    }
    // Attributes that are words (`how: Floor`) are not needed to fail.
    serde_json::from_str(&json).unwrap_or_default()
}

#[test]
fn methods_fail_as_the_definitions_say() {
    let mut count = 0;
    for def in OPS {
        for failure in (def.proof.errors)() {
            let debug = format!("{:?}", failure.op);
            let x: Vec<Tensor> = (failure.shapes.iter())
                .map(|s| Tensor::zeros(s.as_slice(), DType::F32).unwrap())
                .collect();
            let e = match run(def.name, &attributes(&debug), &x) {
                Err(e) => e,
                Ok(y) => panic!("{debug} of {:?} gives {}", failure.shapes, y.shape()),
            };
            assert_eq!(e.message(), failure.message, "{debug}");
            assert!(e.op_name().is_some(), "{debug}: {e}");
            let file = e.site().map(|s| s.file());
            assert!(
                file.is_some_and(|f| f.ends_with("methods.rs")),
                "{debug}: {file:?} is not the caller's file"
            );
            count += 1;
        }
    }
    assert!(count > 15, "{count} failing inputs");
}

/// Samples are small, so this only shows that nothing depends on a thread's own state; large arrays have tests of their own.
#[test]
fn values_do_not_depend_on_the_number_of_threads() {
    for def in OPS {
        for sample in (def.proof.samples)() {
            let inputs = sample.inputs(DType::F32).unwrap();
            let lent: Vec<&Array> = inputs.iter().collect();
            let with = |threads| {
                set_num_threads(threads);
                kernels::cast(&sample.op.eval(&lent).unwrap(), DType::Dd).unwrap()
            };
            let (one, three) = (with(1), with(3));
            assert!(one.bits_equal(&three).unwrap(), "{:?}", sample.op);
        }
    }
}
