//! Every operation and every function of a batch of rows gives what it gives row by row: over each operand alone and all together, rows
//! counted by the first dimension and the last, and a batch of batches.
#![cfg(feature = "proof")]

use pullback::func::{Randomness, Vmap, jvp, mapped, vjp};
use pullback::ops::OPS;
use pullback::proof::Call;
use pullback::registry::{Entry, entries};
use pullback::{DType, Result, Tensor, stack};
use std::collections::BTreeSet;

/// Operations without a rule.
const SLOW: &[&str] = &[
    "bincount",
    "ctc_loss",
    "embedding",
    "histogram",
    "median",
    "nanmedian",
    // With a weight for each row.
    "gru",
    "lstm",
    "rnn_tanh",
];

/// Functions that look at numbers to decide, or to say what was wrong: rows then run one after the other.
const LOOKED: &[&str] = &[
    "cholesky_ex",
    "cond",
    "cov",
    "ctc_loss",
    "det",
    "embedding_bag",
    // Of packed sequences: how many rows each step has.
    "gru",
    "lstm",
    "rnn_relu",
    "rnn_tanh",
    "inv_ex",
    "is_nonzero",
    "ldl_factor_ex",
    "lstsq",
    "lu",
    "masked_scatter",
    "nonzero_static",
    "one_hot",
    "solve_ex",
    "tensor_split",
];

/// What is refused: sizes of results that depend on numbers, and drawing numbers without saying which.
const REFUSED: &[&str] = &[
    "vmap: We do not support batching operators that can",
    "vmap: Attempted to vmap over `mask` in torch.masked_select(self, mask)",
    "vmap: called random operation while in randomness error mode.",
    "repeat_interleave: vmapping over the `repeats` tensor requires",
];

/// A tensor's numbers backwards: another row on which operations are defined where they are on the first.
fn turned(x: &Tensor) -> Result<Tensor> {
    let dims: Vec<i64> = (0..x.ndim() as i64).collect();
    match dims.is_empty() {
        true => x.copy(),
        false => x.flip(&dims),
    }
}

/// Rows of a tensor: itself, turned, and itself again.
fn rows(x: &Tensor) -> Result<Tensor> {
    stack(&[x, &turned(x)?, x], 0)
}

/// Whether two tensors are the same but for the rounding of sums in another order.
fn near(a: &Tensor, b: &Tensor) -> bool {
    if a.shape() != b.shape() || a.dtype() != b.dtype() {
        return false;
    }
    let (Ok(x), Ok(y)) = (a.to_f64_vec(), b.to_f64_vec()) else {
        return false;
    };
    x.iter().zip(&y).all(|(a, b)| {
        (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs())) || a == b || a.is_nan() && b.is_nan()
    })
}

/// What a function gives on each row of the tensors marked, stacked; `None` where it refuses a row.
fn looped(
    f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>,
    x: &[Tensor],
    marked: &[bool],
    dim: i64,
) -> Option<Vec<Tensor>> {
    let count = x.iter().zip(marked).find(|(_, m)| **m)?.0.size(dim).ok()?;
    let mut all = Vec::new();
    for i in 0..count {
        let own: Result<Vec<Tensor>> = (x.iter().zip(marked))
            .map(|(x, &m)| {
                if m {
                    x.select(dim, i as i64)?.copy()
                } else {
                    Ok(x.clone())
                }
            })
            .collect();
        all.push(f(&own.ok()?).ok()?);
    }
    (0..all.first()?.len())
        .map(|k| {
            let column: Vec<&Tensor> = all.iter().map(|row| &row[k]).collect();
            stack(&column, 0).ok()
        })
        .collect()
}

/// What was found of one call.
#[derive(Default)]
struct Found {
    /// Rows by the first dimension alone.
    brief: bool,
    tried: usize,
    wrong: Vec<String>,
    /// Names of operations and functions that ran row by row.
    slow: BTreeSet<String>,
    looked: BTreeSet<String>,
    refused: BTreeSet<String>,
}

impl Found {
    /// Holds a function against the loop, over the tensors marked.
    fn hold(
        &mut self,
        what: &str,
        f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>,
        x: &[Tensor],
        marked: &[bool],
    ) {
        let own: Result<Vec<Tensor>> = (x.iter().zip(marked))
            .map(|(x, &m)| if m { rows(x) } else { Ok(x.clone()) })
            .collect();
        let own = own.unwrap();
        let name = what.split(' ').next().unwrap_or(what).to_string();
        let Some(want) = looped(f, &own, marked, 0) else {
            return;
        };
        self.tried += 1;
        let some: Vec<Tensor> = own
            .iter()
            .zip(marked)
            .filter(|(_, m)| **m)
            .map(|(x, _)| x.clone())
            .collect();
        let whole = |row: &[Tensor]| {
            let mut row = row.iter();
            let all: Vec<Tensor> = (own.iter().zip(marked))
                .map(|(x, &m)| {
                    if m {
                        row.next().unwrap_or(x).clone()
                    } else {
                        x.clone()
                    }
                })
                .collect();
            f(&all)
        };
        match mapped(&some, 3, Randomness::Error, whole) {
            Err(e) => {
                self.refused.insert(e.message().to_string());
                return;
            }
            Ok(found) if found.looked => {
                self.looked.insert(name.clone());
            }
            Ok(found) => {
                self.slow
                    .extend(found.slow.iter().map(|n| (*n).to_string()));
                let got: Vec<Tensor> = (found.outputs.into_iter())
                    .map(|(t, batched)| match batched {
                        true => t,
                        false => t
                            .unsqueeze(0)
                            .and_then(|t| t.expand(&[&[3], &t.shape()[1..]].concat()[..]))
                            .unwrap(),
                    })
                    .collect();
                if got.len() != want.len() || !got.iter().zip(&want).all(|(a, b)| near(a, b)) {
                    self.wrong.push(format!(
                        "{what} over {marked:?}: {got:?} instead of {want:?}"
                    ));
                }
            }
        }
        if self.brief {
            return;
        }
        self.hold_turned(what, f, &own, marked, &want);
    }

    /// The same with rows counted by the last dimension, and as a batch of batches.
    fn hold_turned(
        &mut self,
        what: &str,
        f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>,
        own: &[Tensor],
        marked: &[bool],
        want: &[Tensor],
    ) {
        let dims = |dim: i64| marked.iter().map(|&m| m.then_some(dim)).collect::<Vec<_>>();
        let lastly: Vec<Tensor> = (own.iter().zip(marked))
            .map(|(x, &m)| {
                if m {
                    x.movedim(&[0], &[-1]).unwrap()
                } else {
                    x.clone()
                }
            })
            .collect();
        let how = Vmap::default().in_dims(dims(-1));
        let same = |got: &[Tensor], want: &[Tensor]| {
            got.len() == want.len() && got.iter().zip(want).all(|(a, b)| near(a, b))
        };
        match how.run(|x| f(x), &lastly) {
            Ok(got) if same(&got, want) => {}
            got => self
                .wrong
                .push(format!("{what} over {marked:?}, last dimension: {got:?}")),
        }
        let twice: Vec<Tensor> = (own.iter().zip(marked))
            .map(|(x, &m)| {
                if m {
                    stack(&[x, x], 0).unwrap()
                } else {
                    x.clone()
                }
            })
            .collect();
        let want: Vec<Tensor> = want.iter().map(|t| stack(&[t, t], 0).unwrap()).collect();
        let how = Vmap::default().in_dims(dims(0));
        let inner = |x: &Vec<Tensor>| how.run(|x| f(x), x);
        match how.run(inner, &twice) {
            Ok(got) if same(&got, &want) => {}
            got => self.wrong.push(format!(
                "{what} over {marked:?}, two levels: {got:?} instead of {want:?}"
            )),
        }
    }

    /// Each tensor alone, and all.
    fn hold_all(&mut self, what: &str, f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>, x: &[Tensor]) {
        for i in 0..x.len() {
            let marked: Vec<bool> = (0..x.len()).map(|k| k == i).collect();
            self.hold(what, f, x, &marked);
        }
        if x.len() > 1 {
            self.hold(what, f, x, &vec![true; x.len()]);
        }
    }

    fn report(&self, least: usize) {
        assert!(self.tried > least, "{}", self.tried);
        let wrong: Vec<String> = (self.wrong.iter())
            .map(|w| w.chars().take(400).collect())
            .collect();
        assert!(
            wrong.is_empty(),
            "{} wrong:\n{}",
            wrong.len(),
            wrong.join("\n")
        );
        let beyond = |found: &BTreeSet<String>, known: &[&str]| -> Vec<String> {
            (found
                .iter()
                .filter(|name| !known.iter().any(|k| name.starts_with(k))))
            .cloned()
            .collect()
        };
        assert_eq!(beyond(&self.slow, SLOW), [""; 0], "ran row by row");
        assert_eq!(beyond(&self.looked, LOOKED), [""; 0], "looked at numbers");
        assert_eq!(beyond(&self.refused, REFUSED), [""; 0], "were refused");
    }
}

#[test]
fn operations_over_rows_are_their_loops() {
    let mut found = Found::default();
    for def in OPS {
        for (number, sample) in (def.proof.samples)().iter().enumerate() {
            let x: Vec<Tensor> = (sample.inputs(DType::F64).unwrap().into_iter())
                .map(Tensor::from_array)
                .collect();
            let f = |x: &[Tensor]| Ok(vec![sample.run(x)?]);
            found.hold_all(&format!("{} {number}", def.name), &f, &x);
        }
    }
    found.report(1000);
}

fn call(entry: &Entry, call: &Call) -> Result<Vec<Tensor>> {
    let value = entry.call(&call.args, &call.named())?;
    Ok(value.tensors().into_iter().cloned().collect())
}

#[test]
fn functions_over_rows_are_their_loops() {
    let mut found = Found::default();
    for entry in entries() {
        for text in entry.function.samples {
            let Ok(sample) = Call::parse(text, DType::F64) else {
                continue;
            };
            let f = |x: &[Tensor]| call(entry, &sample.with(x));
            found.hold_all(
                &format!("{} {text}", entry.signature.name),
                &f,
                &sample.tensors(),
            );
        }
    }
    found.report(3000);
}

/// The gradients of a function's floating results by its floating arguments, along themselves, and their tangents along the
/// arguments.
fn derived(f: &dyn Fn(&[Tensor]) -> Result<Vec<Tensor>>, x: &[Tensor]) -> Result<Vec<Tensor>> {
    let smooth: Vec<usize> = (0..x.len()).filter(|&i| x[i].dtype().is_float()).collect();
    let own: Vec<&Tensor> = smooth.iter().map(|&i| &x[i]).collect();
    let part = |of: &Vec<Tensor>| {
        let mut all = x.to_vec();
        smooth.iter().zip(of).for_each(|(&i, t)| all[i] = t.clone());
        let y = f(&all)?;
        Ok(y.into_iter()
            .filter(|t| t.dtype().is_float())
            .collect::<Vec<_>>())
    };
    let (y, pull) = vjp(part, &own)?;
    let mut all = pull.call(&y)?;
    let (values, derivatives) = jvp(part, &own, &own)?;
    for (y, dy) in values.into_iter().zip(derivatives) {
        all.push(y);
        all.push(dy);
    }
    Ok(all)
}

#[test]
fn derivatives_over_rows_are_their_loops() {
    let mut found = Found {
        brief: true,
        ..Found::default()
    };
    for entry in entries() {
        for text in entry.function.samples {
            let Ok(sample) = Call::parse(text, DType::F64) else {
                continue;
            };
            let f = |x: &[Tensor]| call(entry, &sample.with(x));
            let f = |x: &[Tensor]| derived(&f, x);
            let x = sample.tensors();
            if x.iter().any(|t| t.dtype().is_float()) {
                found.hold(
                    &format!("{} {text}", entry.signature.name),
                    &f,
                    &x,
                    &vec![true; x.len()],
                );
            }
        }
    }
    found.report(1000);
}
