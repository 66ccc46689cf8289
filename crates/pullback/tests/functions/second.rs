//! Gradients of gradients exist where PyTorch's do: `golden/second_order.json`, written by `make_second_order.py`, says for every sample and
//! edge whether each is missing, zero, finite or not. Not for their numbers, which differences prove.

use crate::golden::{compared, cotangent};
use pullback::proof::Call;
use pullback::registry::{dispatch, entries, overloads};
use pullback::{BackwardOptions, Result, Tensor, grad};
use serde_json::Value as Json;
use std::collections::BTreeSet;

fn letter(g: Option<&Tensor>) -> Result<char> {
    let Some(g) = g else { return Ok('n') };
    let list = g.to_f64_vec()?;
    Ok(if list.iter().any(|x| !x.is_finite()) {
        'x'
    } else if list.iter().any(|x| x.abs() > 1e-9) {
        'f'
    } else {
        'z'
    })
}

/// The words of the golden file, for the library.
fn words(place: (&str, &str), call: &Call, up_to_signs: bool) -> Result<Vec<String>> {
    let mut leaves = Vec::new();
    for (i, t) in call.tensors().iter().enumerate() {
        let float = t.dtype().is_float() && !call.fixed.contains(&i);
        leaves.push(t.detach().requires_grad_(float)?);
    }
    let call = call.with(&leaves);
    let (space, name) = place;
    let y = dispatch(name, &overloads(space, name), &call.args, &call.named())?;
    let outs = compared(up_to_signs, &y.tensors())?;
    let rooted: Vec<&Tensor> = outs.iter().filter(|t| t.requires_grad()).collect();
    let inputs: Vec<&Tensor> = leaves.iter().filter(|t| t.requires_grad()).collect();
    let weights = (rooted.iter().map(|t| cotangent(t))).collect::<Result<Vec<_>>>()?;
    let roots: Vec<(&Tensor, Option<&Tensor>)> =
        (rooted.into_iter()).zip(weights.iter().map(Some)).collect();
    let how = |create_graph| {
        BackwardOptions::NEW
            .allow_unused(true)
            .retain_graph(true)
            .create_graph(create_graph)
    };
    let mut found = Vec::new();
    for g in grad(&roots, &inputs, how(true))? {
        let Some(g) = g else {
            found.push("-".to_string());
            continue;
        };
        found.push(
            match grad(&[(&g, Some(&cotangent(&g)?))], &inputs, how(false)) {
                Ok(list) => (list.iter().map(|s| letter(s.as_ref()))).collect::<Result<_>>()?,
                Err(_) => "raises".to_string(),
            },
        );
    }
    Ok(found)
}

/// Whether a word here says what PyTorch's says: zeros and None are the same, and more is allowed than there.
fn agrees(got: &str, want: &str) -> bool {
    let none = |word: &str| word == "-" || word.chars().all(|c| "nz".contains(c));
    if want == "raises" || none(want) && none(got) {
        return true;
    }
    got.len() == want.len()
        && got.chars().zip(want.chars()).all(|(g, w)| match w {
            'n' | 'z' => "nz".contains(g),
            'x' => true,
            _ => g == w,
        })
}

/// Nothing is picked from nothing here, and so the gradient has no history; all that PyTorch adds are empty zeros.
const EMPTY: &[&str] = &[
    "cummax|T(0,3), 0|float64",
    "cummax|T(3,0), 1|float64",
    "cummin|T(0,3), 0|float64",
    "cummin|T(3,0), 1|float64",
    "index_reduce|T(3), 0, I(0, 3), T(0), 'prod'|float64",
];

/// Where gradients that depend on no number of an input have no history yet, and asking for the second order is an error.
const LEFT: &[&str] = &[];

#[test]
fn gradients_of_gradients_exist_where_pytorch_has_them() {
    let path = concat!(
        env!("CARGO_MANIFEST_DIR"),
        "/tests/golden/second_order.json"
    );
    let text = std::fs::read_to_string(path).expect("the golden file");
    let golden: Json = serde_json::from_str(&text).expect("JSON");
    let (mut wrong, mut cases, mut left) = (Vec::new(), 0, BTreeSet::new());
    for entry in entries() {
        let f = entry.function;
        for text in f.samples.iter().chain(f.edges) {
            for (dtype, call) in Call::in_dtypes(text).expect("a sample that can be read") {
                let key = format!("{}|{text}|{dtype}", f.name());
                let Some(want) = golden["cases"][&key].as_str() else {
                    continue;
                };
                cases += 1;
                let got = match words(f.found_at().next().expect("a place"), &call, f.up_to_signs) {
                    Ok(got) => got.join(" "),
                    Err(e) => e.message().to_string(),
                };
                let both = || got.split(' ').zip(want.split(' '));
                let same = got.split(' ').count() == want.split(' ').count()
                    && both().all(|(g, w)| agrees(g, w));
                if !same && LEFT.contains(&f.name()) && got.contains("raises") {
                    left.insert(f.name());
                    continue;
                }
                if !same && !EMPTY.contains(&key.as_str()) {
                    wrong.push(format!("{key}: {got} where PyTorch has {want}"));
                }
            }
        }
    }
    println!("{cases} cases");
    let listed: BTreeSet<&str> = LEFT.iter().copied().collect();
    assert_eq!(left, listed, "the list of what is left");
    assert!(cases > 500, "only {cases} cases");
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}
