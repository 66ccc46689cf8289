//! The experiment as JSON. `pullback lab --help` lists the keys; they are stable.
//!
//! The values themselves come first, each under the page's own name as nested arrays of numbers: what a program reads
//! that wants to compare. The same with names, shapes and bits, and what was concluded, follow in sections.
//!
//! Not for: computing anything that the story does not have too.

use super::Told;
use super::experiment::Params;
use super::words;
use pullback::{DType, Tensor};
use serde::ser::{Serialize, SerializeMap, SerializeSeq, Serializer};
use serde_json::{Map, Value, json};

/// The text, and how many of the page's values are not finite and stand there as `null`.
pub(crate) struct Json {
    pub(crate) text: String,
    pub(crate) nulls: usize,
}

/// All values, with a newline at the end.
pub(crate) fn json(told: &Told<'_>) -> anyhow::Result<Json> {
    let page = page(told)?;
    let nulls = page.iter().map(|(_, nested)| nested.nulls()).sum();
    let whole = Whole {
        page,
        sections: sections(told)?,
    };
    let text = serde_json::to_string_pretty(&whole)? + "\n";
    Ok(Json { text, nulls })
}

/// Everything in one object, without a tree of values in between: there may be ten million rows.
struct Whole {
    page: Vec<(&'static str, Nested)>,
    sections: Map<String, Value>,
}

impl Serialize for Whole {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        let mut map = to.serialize_map(None)?;
        for (name, value) in &self.page {
            map.serialize_entry(name, value)?;
        }
        for (name, value) in &self.sections {
            map.serialize_entry(name, value)?;
        }
        map.end()
    }
}

/// A tensor as Python's `tolist()` gives it: a number, a list, or a list of lists.
struct Nested {
    values: Vec<f64>,
    shape: Vec<usize>,
}

impl Nested {
    fn of(t: &Tensor) -> anyhow::Result<Nested> {
        Ok(Nested {
            values: t.to_f64_vec()?,
            shape: t.shape().to_vec(),
        })
    }

    /// How many values JSON has no number for.
    fn nulls(&self) -> usize {
        self.values.iter().filter(|x| !x.is_finite()).count()
    }
}

impl Serialize for Nested {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self.shape[..] {
            [] => self.values[0].serialize(to),
            [rows, columns] => {
                let mut list = to.serialize_seq(Some(rows))?;
                for row in self.values.chunks(columns) {
                    list.serialize_element(row)?;
                }
                list.end()
            }
            _ => self.values.serialize(to),
        }
    }
}

/// Every value of the page under its name there.
fn page(told: &Told<'_>) -> anyhow::Result<Vec<(&'static str, Nested)>> {
    let (setup, c) = (told.setup, told.comparison);
    let (p, g) = (&setup.params, &c.autograd);
    let by_hand = c.manual.flatten()?;
    let (off_manual, off_numeric) = (c.manual_diff.max()?, c.numeric_diff.max()?);
    let named: [(&str, &Tensor); 18] = [
        ("X", &setup.x),
        ("y", &setup.y),
        ("W1", &p.w1),
        ("b1", &p.b1),
        ("W2", &p.w2),
        ("b2", &p.b2),
        ("a1", &c.a1),
        ("h", &c.h),
        ("f", &c.f),
        ("loss", &c.loss),
        ("grad_W1", &g.w1),
        ("grad_b1", &g.b1),
        ("grad_W2", &g.w2),
        ("grad_b2", &g.b2),
        ("grad_manual", &by_hand),
        ("grad_numeric", &c.g_num),
        ("max_abs_diff_manual", &off_manual),
        ("max_abs_diff_numeric", &off_numeric),
    ];
    (named.into_iter())
        .map(|(name, t)| Ok((name, Nested::of(t)?)))
        .collect()
}

/// What was concluded, and from what.
fn conclusion(told: &Told<'_>) -> anyhow::Result<Value> {
    let (setup, e) = (told.setup, told.explanation);
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
    Ok(conclusion)
}

/// The values in sections, with what was concluded from them.
fn sections(told: &Told<'_>) -> anyhow::Result<Map<String, Value>> {
    let (setup, c) = (told.setup, told.comparison);
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
        "forward": {
            "a1": tensor(&c.a1)?, "h": tensor(&c.h)?, "f": tensor(&c.f)?, "loss": tensor(&c.loss)?,
        },
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
        "conclusion": conclusion(told)?,
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
    let Value::Object(sections) = all else {
        anyhow::bail!("the sections are no object");
    };
    Ok(sections)
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
