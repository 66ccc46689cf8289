//! PyTorch's values, gradients and errors on every sample and edge: `golden/functions/GROUP.json`, written by
//! `make_functions.py`. `golden GROUP` as a filter of the test runner runs one group.

use pullback::proof::Call;
use pullback::registry::{Entry, Value, dispatch, entries, overloads};
use pullback::{BackwardOptions, DType, ErrorKind, Number, Result, Tensor, bf16, f16, grad};
use serde_json::Value as Json;
use std::collections::BTreeSet;

fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).expect("hexadecimal digits"))
        .collect()
}

fn tensor(v: &Json) -> Result<Tensor> {
    let shape: Vec<usize> = (v[1].as_array().expect("a shape").iter())
        .map(|n| n.as_u64().expect("a size") as usize)
        .collect();
    let data = unhex(v[2].as_str().expect("bytes"));
    macro_rules! read {
        ($t:ty) => {{
            let list: Vec<$t> = (data.chunks_exact(size_of::<$t>()))
                .map(|b| <$t>::from_le_bytes(b.try_into().expect("enough bytes")))
                .collect();
            Tensor::from_slice(&list, shape.as_slice())
        }};
    }
    match v[0].as_str().expect("a dtype") {
        "float32" => read!(f32),
        "float64" => read!(f64),
        "float16" => (read!(u16)?.to_vec::<u16>()).and_then(|bits| {
            let list: Vec<f16> = bits.into_iter().map(f16::from_bits).collect();
            Tensor::from_slice(&list, shape.as_slice())
        }),
        "bfloat16" => (read!(u16)?.to_vec::<u16>()).and_then(|bits| {
            let list: Vec<bf16> = bits.into_iter().map(bf16::from_bits).collect();
            Tensor::from_slice(&list, shape.as_slice())
        }),
        "int64" => read!(i64),
        "uint64" => read!(u64),
        "int32" => read!(i32),
        "int16" => read!(i16),
        "int8" => read!(i8),
        "uint8" => read!(u8),
        "bool" => {
            let list: Vec<bool> = data.iter().map(|b| *b != 0).collect();
            Tensor::from_slice(&list, shape.as_slice())
        }
        other => panic!("the golden file has dtype {other}"),
    }
}

/// The cotangent that the script uses too.
pub(crate) fn cotangent(t: &Tensor) -> Result<Tensor> {
    let data: Vec<f64> = (0..t.numel())
        .map(|k| (((7919 * k + 13) % 64) as f64 - 31.5) / 32.0)
        .collect();
    Tensor::from_slice(&data, &t.shape()[..])?.to(t.dtype())
}

/// What is compared of results: their magnitudes where the signs of their columns are not defined.
pub(crate) fn compared(up_to_signs: bool, results: &[&Tensor]) -> Result<Vec<Tensor>> {
    (results.iter())
        .map(|t| match up_to_signs && t.dtype().is_float() {
            true => t.abs(),
            false => Ok((*t).clone()),
        })
        .collect()
}

/// Element by element, in units in the last place of the largest element.
fn compare(what: &str, got: &Tensor, want: &Tensor, units: f64) -> Result<(), String> {
    if got.dtype() != want.dtype() || got.shape() != want.shape() {
        return Err(format!(
            "{what}: {} {} where PyTorch has {} {}",
            got.dtype(),
            got.shape(),
            want.dtype(),
            want.shape()
        ));
    }
    let list = |t: &Tensor| t.to_f64_vec().map_err(|e| e.to_string());
    let (got_list, want_list) = (list(got)?, list(want)?);
    let tiny = match got.dtype() {
        DType::F32 => f64::from(f32::MIN_POSITIVE),
        _ => f64::MIN_POSITIVE,
    };
    let reach = (want_list.iter().map(|x| x.abs()))
        .filter(|x| x.is_finite())
        .fold(tiny, f64::max);
    let ulp = 2.0 * got.dtype().unit_roundoff() * reach;
    for (i, (g, w)) in got_list.iter().zip(&want_list).enumerate() {
        let same = g.to_bits() == w.to_bits() || g.is_nan() && w.is_nan();
        let off = (g - w).abs();
        if !same && (units == 0.0 || off.is_nan() || off > units * ulp) {
            return Err(format!(
                "{what}, element {i}: {g:e} where PyTorch has {w:e}, {:.2} units off, {units} allowed",
                (g - w) / ulp
            ));
        }
    }
    Ok(())
}

/// The Python exception of a kind of error: what the package raises.
fn exception(kind: ErrorKind) -> &'static str {
    match kind {
        ErrorKind::Type => "TypeError",
        ErrorKind::Index => "IndexError",
        ErrorKind::Value => "ValueError",
        ErrorKind::Unsupported => "NotImplementedError",
        ErrorKind::Factorisation => "_LinAlgError",
        _ => "RuntimeError",
    }
}

fn plain(v: &Value) -> Json {
    match v {
        Value::Bool(b) => (*b).into(),
        Value::Int(i) => (*i).into(),
        Value::Str(s) => s.as_str().into(),
        Value::DType(d) => format!("torch.{}", d.name()).into(),
        Value::List(list) => Json::Array(list.iter().map(plain).collect()),
        _ => Json::Null,
    }
}

/// Functions whose nodes bear other names than in PyTorch for some arguments: both are compositions, of other parts.
const OWN_NODES: &[&str] = &[
    "alpha_dropout",
    "atleast_1d",
    "atleast_3d",
    "bernoulli",    // with one probability: an error in PyTorch's backward
    "bincount",     // no gradient here; an error in PyTorch's backward
    "chain_matmul", // one operand: itself here, a copy there
    "combinations",
    "cosine_similarity",
    "cumulative_trapezoid",
    "detach_copy", // no gradient here; an error in PyTorch's backward
    "diag",        // a copy of a diagonal has an operation of its own there
    "diff",        // of order 0: another kind of copy there
    "dropout1d",
    "dropout3d",
    "einsum",
    "feature_alpha_dropout",
    "floor_divide", // zeros go back here; an error in PyTorch's backward
    "frexp",
    "geqrf", // no gradient here; an error in PyTorch's backward
    "gradient",
    "gru", // one operation here, those of every step there; so for its kin
    "gru_cell",
    "gumbel_softmax",
    "heaviside",  // likewise
    "histogram",  // likewise
    "ldl_factor", // no gradient here; an error in PyTorch's backward
    "ldl_factor_ex",
    "ldl_solve",
    "lstm",
    "lstm_cell",
    "lstsq", // empty residuals have no history here
    "matrix_power",
    "meshgrid",
    "mode",
    "movedim", // nothing to move: itself here
    "multi_dot",
    "native_channel_shuffle", // an error in PyTorch's backward
    "normal",
    "remainder", // of a number by a tensor: an error in PyTorch's backward
    "rms_norm",
    "rnn_relu",
    "rnn_relu_cell",
    "rnn_tanh",
    "rnn_tanh_cell",
    "scaled_dot_product_attention",
    "scatter", // with reduce=: an error in PyTorch's backward
    "squeeze_copy",
    "sum_to_size",
    "svd",       // the older one's V is turned under another name there
    "tensorinv", // another kind of reshape there
    "to",
    "trapezoid",
    "trapz",
    "unique", // PyTorch's values have a node, whose backward is an error
    "unique_consecutive",
    "vander",
    "vecdot",
];

fn check(entry: &Entry, call: &Call, golden: &Json, kind: &str) -> Result<(), String> {
    let f = entry.function;
    let said = |e: pullback::Error| format!("fails: {}", e.to_string().replace('\n', ";"));
    let all = call.tensors();
    let mut leaves = Vec::new();
    for (i, t) in all.iter().enumerate() {
        // What writes over its argument is asked about tensors without a gradient.
        let float = t.dtype().is_float() && !call.fixed.contains(&i) && !f.name().ends_with('_');
        leaves.push(t.detach().requires_grad_(float).map_err(said)?);
    }
    let call = call.with(&leaves);
    // The default generator is one for the process: tests that draw from it take turns.
    static TURN: std::sync::Mutex<()> = std::sync::Mutex::new(());
    let _turn = f.random.then(|| {
        TURN.lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner)
    });
    if f.random {
        pullback::random::manual_seed(0);
    }
    // Through all overloads, as a caller would.
    let (place, name) = f.found_at().next().expect("a place");
    let result = dispatch(name, &overloads(place, name), &call.args, &call.named());
    let sentence = |e: &Json| {
        (
            e[0].as_str().unwrap_or("").to_string(),
            e[1].as_str().unwrap_or("").to_string(),
        )
    };
    if let Some(error) = golden.get("error") {
        let (exc, text) = sentence(error);
        let Err(e) = result else {
            return Err(format!("does not fail where PyTorch says {exc}: {text}"));
        };
        if exception(e.kind()) != exc {
            return Err(format!(
                "{:?} ({}) where PyTorch raises {exc}: {text}",
                e.kind(),
                e.message()
            ));
        }
        if kind == "error" && exc != "TypeError" && e.message() != text {
            return Err(format!(
                "says {:?} where PyTorch says {text:?}",
                e.message()
            ));
        }
        return Ok(());
    }
    let y = result.map_err(said)?;
    if let Some(want) = golden.get("plain") {
        let close = match (y.number(), want.as_str()) {
            (Some(Number::Float(x)), Some(text)) => {
                hex_float(text).is_some_and(|w| (x - w).abs() <= 1e-6 * w.abs())
            }
            _ => plain(&y) == *want,
        };
        return if close {
            Ok(())
        } else {
            Err(format!("{y:?} where PyTorch has {want}"))
        };
    }
    let given = y.tensors();
    let wanted = golden["out"].as_array().expect("results");
    let result_nodes: Vec<Option<String>> = (given.iter())
        .map(|t| t.grad_fn().map(|g| g.name().to_string()))
        .collect();
    let outs = compared(f.up_to_signs, &given).map_err(said)?;
    if outs.len() != wanted.len() {
        return Err(format!(
            "{} results where PyTorch has {}",
            outs.len(),
            wanted.len()
        ));
    }
    for (i, (got, want)) in outs.iter().zip(wanted).enumerate() {
        let what = if outs.len() > 1 {
            format!("result {i}")
        } else {
            "value".to_string()
        };
        let units = if got.dtype().is_float() {
            f.units.0
        } else {
            0.0
        };
        compare(&what, got, &tensor(want).map_err(said)?, units)?;
    }
    if let Some(names) = golden.get("nodes").and_then(Json::as_array) {
        for (got, want) in result_nodes.iter().zip(names) {
            let want = want.as_str();
            if got.as_deref() != want && !OWN_NODES.contains(&f.name()) {
                return Err(format!("the node is {got:?} where PyTorch has {want:?}"));
            }
        }
    }
    if golden.get("backward_error").is_some() {
        return Ok(());
    }
    let rooted: Vec<&Tensor> = outs.iter().filter(|t| t.requires_grad()).collect();
    let Some(wanted) = golden.get("grads").and_then(Json::as_array) else {
        return match rooted.is_empty() || leaves.iter().all(|t| !t.requires_grad()) {
            true => Ok(()),
            false => Err("requires a gradient where PyTorch's result does not".into()),
        };
    };
    if rooted.is_empty() {
        return Err("requires no gradient where PyTorch's result does".into());
    }
    let cotangents = rooted
        .iter()
        .map(|t| cotangent(t))
        .collect::<Result<Vec<_>>>()
        .map_err(said)?;
    let roots: Vec<(&Tensor, Option<&Tensor>)> = (rooted.into_iter().zip(&cotangents))
        .map(|(t, g)| (t, Some(g)))
        .collect();
    let inputs: Vec<&Tensor> = leaves.iter().filter(|t| t.requires_grad()).collect();
    let found = grad(&roots, &inputs, BackwardOptions::NEW.allow_unused(true)).map_err(said)?;
    for (k, (got, want)) in found.iter().zip(wanted).enumerate() {
        let what = format!("gradient of input {k}");
        // None in PyTorch and zeros here, or the other way round, say the same.
        let zeros = |t: &Tensor| t.detach().zeros_like();
        let want = if want.is_null() {
            zeros(inputs[k])
        } else {
            tensor(want)
        }
        .map_err(said)?;
        let got = match got {
            Some(got) => got.clone(),
            None => zeros(inputs[k]).map_err(said)?,
        };
        compare(&what, &got, &want, f.units.1)?;
    }
    Ok(())
}

fn hex_float(text: &str) -> Option<f64> {
    let (sign, text) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    if text == "inf" || text == "nan" {
        return text.parse::<f64>().ok().map(|x| sign * x);
    }
    let (digits, power) = text.strip_prefix("0x")?.split_once('p')?;
    let (whole, part) = digits.split_once('.').unwrap_or((digits, ""));
    let mantissa = i64::from_str_radix(&format!("{whole}{part}"), 16).ok()? as f64;
    Some(sign * mantissa * 2f64.powi(power.parse::<i32>().ok()? - 4 * part.len() as i32))
}

fn group(name: &str) {
    let path = format!(
        "{}/tests/golden/functions/{name}.json",
        env!("CARGO_MANIFEST_DIR")
    );
    let text = std::fs::read_to_string(&path)
        .unwrap_or_else(|e| panic!("{path}: {e}; see tests/golden/make_functions.py"));
    let golden: Json = serde_json::from_str(&text).expect("the golden file");
    let (mut wrong, mut cases, mut known) = (Vec::new(), 0, BTreeSet::new());
    for entry in entries().iter().filter(|e| e.group == name) {
        let f = entry.function;
        for (kind, texts) in [
            ("sample", f.samples),
            ("edge", f.edges),
            ("error", f.errors),
        ] {
            for text in texts {
                let (kind, text) = match text.strip_prefix('~') {
                    Some(text) => ("loose error", text),
                    None => (kind, *text),
                };
                for (dtype, call) in Call::in_dtypes(text).expect("a sample that can be read") {
                    let key = format!("{}|{text}|{dtype}", f.name());
                    cases += 1;
                    let verdict = match golden["cases"].get(&key) {
                        Some(golden) => check(entry, &call, golden, kind),
                        None => {
                            Err("PyTorch was not asked; run tests/golden/make_functions.py".into())
                        }
                    };
                    if let Err(why) = verdict {
                        wrong.push(format!("{key}: {why}"));
                    }
                    known.insert(key);
                }
            }
        }
    }
    let stale = golden["cases"]
        .as_object()
        .expect("cases")
        .keys()
        .filter(|k| !known.contains(*k))
        .count();
    println!("{cases} cases of {name}, {stale} stale");
    assert!(
        wrong.is_empty(),
        "{} of {cases} cases differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert_eq!(stale, 0, "the golden file has cases that no entry has");
}

macro_rules! groups {
    ($($name:ident)*) => {$(
        #[test]
        fn $name() {
            group(stringify!($name));
        }
    )*

        /// A group without a test would not be compared.
        #[test]
        fn every_group_is_compared() {
            let tested: BTreeSet<&str> = [$(stringify!($name)),*].into();
            let there: BTreeSet<&str> = entries().iter().map(|e| e.group).collect();
            assert!(there.is_subset(&tested), "{there:?} against {tested:?}");
        }
    };
}
groups! { create random pointwise smooth logic activation loss margin sequence recurrent network convolve pool blocks image grid channels strided reduce order norm product diagonal solve factor spectrum determinant shape repeat index join sort copies parts lookup calculus slopes draw special }
