//! Writes every argument list that functions are tried on as JSON to standard output: the input of
//! `tests/golden/make_functions.py`, which has PyTorch answer them. Names of groups as arguments select those groups.

use pullback::proof::Call;
use pullback::registry::{Value, entries};
use pullback::{DType, Result, Tensor};
use serde_json::{Value as Json, json};

fn bytes(t: &Tensor) -> Result<String> {
    fn hex<const N: usize>(list: impl Iterator<Item = [u8; N]>) -> String {
        list.flatten().map(|b| format!("{b:02x}")).collect()
    }
    Ok(match t.dtype() {
        DType::F32 => hex(t.to_vec::<f32>()?.into_iter().map(f32::to_le_bytes)),
        DType::F64 => hex(t.to_vec::<f64>()?.into_iter().map(f64::to_le_bytes)),
        DType::I64 => hex(t.to_vec::<i64>()?.into_iter().map(i64::to_le_bytes)),
        DType::I32 => hex(t.to_vec::<i32>()?.into_iter().map(i32::to_le_bytes)),
        DType::U8 => hex(t.to_vec::<u8>()?.into_iter().map(u8::to_le_bytes)),
        _ => hex(t.to_vec::<bool>()?.into_iter().map(|b| [u8::from(b)])),
    })
}

fn json(v: &Value) -> Result<Json> {
    Ok(match v {
        Value::None => Json::Null,
        Value::Bool(b) => json!(b),
        Value::Int(i) => json!(i),
        Value::UInt(i) => json!(i),
        // JSON has no infinities, and 2.0 must stay a float.
        Value::Float(x) => json!({ "float": x.to_string() }),
        Value::Str(s) => json!(s),
        Value::DType(d) => json!({ "dtype": d.name() }),
        Value::List(list) => Json::Array(list.iter().map(json).collect::<Result<_>>()?),
        Value::Tensor(t) => json!({ "tensor": [
            t.dtype().name(),
            t.shape().to_vec(),
            bytes(t)?,
            !t.array().is_contiguous(),
        ] }),
    })
}

fn main() -> Result<()> {
    let groups: Vec<String> = std::env::args().skip(1).collect();
    let mut cases = Vec::new();
    for entry in entries() {
        if !groups.is_empty() && !groups.iter().any(|g| g == entry.group) {
            continue;
        }
        let f = entry.function;
        let lists = [
            ("sample", f.samples),
            ("edge", f.edges),
            ("error", f.errors),
        ];
        for (kind, texts) in lists {
            for text in texts {
                let text = text.trim_start_matches('~');
                for call in Call::in_dtypes(text)? {
                    let kwargs: serde_json::Map<String, Json> = (call.1.kwargs.iter())
                        .map(|(k, v)| Ok((k.clone(), json(v)?)))
                        .collect::<Result<_>>()?;
                    cases.push(json!({
                        "group": entry.group,
                        "key": format!("{}|{text}|{}", f.name(), call.0),
                        "places": f.found_at().map(|(p, n)| [p, n]).collect::<Vec<_>>(),
                        "random": f.random,
                        "signs": f.up_to_signs,
                        "fixed": call.1.fixed,
                        "units": [f.units.0, f.units.1],
                        "kind": kind,
                        "args": call.1.args.iter().map(json).collect::<Result<Vec<_>>>()?,
                        "kwargs": kwargs,
                    }));
                }
            }
        }
    }
    println!("{}", Json::Array(cases));
    Ok(())
}
