//! The experiment as JSON. `pullback lab --help` lists the keys; they are stable.
//!
//! Not for: computing anything that the story does not have too.

use super::Told;
use super::experiment::Params;
use super::words;
use pullback::{DType, Tensor};
use serde_json::{Map, Value, json};

/// All values, with a newline at the end.
pub(crate) fn json(told: &Told<'_>) -> anyhow::Result<String> {
    let (setup, c, e) = (told.setup, told.comparison, told.explanation);
    let names = setup.params.names();
    let first = setup.config.samples.min(5);
    let ones = setup.y.to_f64_vec()?.iter().filter(|&&y| y == 1.0).count();
    let (auto, num, diff) = (
        c.g_auto.to_f64_vec()?,
        c.g_num.to_f64_vec()?,
        c.numeric_diff.to_f64_vec()?,
    );
    let top5: Vec<Value> = (c.top.iter())
        .map(|&i| {
            json!({
                "name": names[i], "index": i,
                "autograd": auto[i], "numeric": num[i], "difference": diff[i],
            })
        })
        .collect();

    let mut conclusion = json!({
        "verdict": e.verdict(),
        "cause": e.worst.cause,
        "explanation": words::explanation(e),
        "worst": e.worst,
        "predicted_roundoff": e.predicted_roundoff,
        "kinks": e.kinks,
        "nearest_kink": e.nearest().map(|k| json!({
            "name": format!("unit {}", k.unit), "unit": k.unit, "steps": k.steps, "by": k.by,
        })),
        "crossings": e.crossings,
        "evaluations": e.evaluations,
        "wider": e.wider,
        "f64_gap": if setup.config.dtype == DType::F64 { e.worst.gap.abs() } else { e.wider.gap },
        "half_radius": e.half_radius,
        "census": e.census(),
        "certified": e.certified,
    });
    conclusion["coordinates"] = serde_json::to_value(&e.coordinates)?;

    let mut all = json!({
        "config": {
            "seed": told.seed, "samples": setup.config.samples, "hidden": setup.config.hidden,
            "sample": c.sample, "eps": setup.config.eps, "dtype": setup.config.dtype.name(),
        },
        "data": {
            "x_shape": &setup.x.shape()[..], "y_shape": &setup.y.shape()[..],
            "first_x": tensor(&setup.x.narrow(0, 0, first)?)?,
            "first_y": tensor(&setup.y.narrow(0, 0, first)?)?,
            "class_counts": { "zero": setup.config.samples - ones, "one": ones },
            "sample_x": tensor(&c.x)?, "sample_y": tensor(&c.y)?,
        },
        "parameters": params(&setup.params)?,
        "forward": { "a1": tensor(&c.a1)?, "h": tensor(&c.h)?, "f": tensor(&c.f)? },
        "loss": tensor(&c.loss)?,
        "gradients": {
            "autograd": params(&c.autograd)?,
            "manual": params(&c.manual)?,
            "numeric": { "theta": tensor(&c.g_num)? },
        },
        "differences": {
            "manual": { "max": c.manual_diff.max()?.item_f64()?, "values": tensor(&c.manual_diff)? },
            "numeric": { "max": c.numeric_diff.max()?.item_f64()?, "values": tensor(&c.numeric_diff)? },
        },
        "top5": top5,
        "conclusion": conclusion,
    });
    all["parameters"]["names"] = json!(names);
    if let Some(s) = told.survey {
        all["all_samples"] = json!({
            "by_label": s.classes,
            "nearest_kink": s.nearest().map(|(row, k)| json!({
                "sample": row.sample, "unit": k.unit, "steps": k.steps, "by": k.by,
            })),
            "crossed": s.crossed(),
            "manual_gap": s.manual_gap,
            "mean_gradient": tensor(&s.mean_gradient)?,
            "census": s.census(),
            "samples": s.rows,
        });
    }
    Ok(serde_json::to_string_pretty(&all)? + "\n")
}

fn params(p: &Params) -> anyhow::Result<Value> {
    let mut map = Map::new();
    for (name, t) in p.each() {
        map.insert(name.into(), tensor(t)?);
    }
    Ok(Value::Object(map))
}

/// A tensor with its values twice: to read, and to the bit.
fn tensor(t: &Tensor) -> anyhow::Result<Value> {
    let bits: Vec<String> = match t.dtype() {
        DType::F32 => (t.to_vec::<f32>()?.iter())
            .map(|x| format!("{:08x}", x.to_bits()))
            .collect(),
        _ => (t.to_f64_vec()?.iter())
            .map(|x| format!("{:016x}", x.to_bits()))
            .collect(),
    };
    Ok(json!({
        "dtype": t.dtype().name(),
        "shape": &t.shape()[..],
        "values": t.to_f64_vec()?,
        "bits": bits,
    }))
}
