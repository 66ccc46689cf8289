//! Against mpmath.
//!
//! `golden/dd.json` comes from `golden/make_dd_golden.py`. To measure on more rows, write a larger
//! file with the script and name it in `DD_GOLDEN`; with `--nocapture` the largest error of every
//! function is printed.

use super::*;

pub(crate) fn unary(name: &str, x: Dd) -> Dd {
    match name {
        "sqrt" => x.sqrt(),
        "cbrt" => x.cbrt(),
        "exp" => x.exp(),
        "exp2" => x.exp2(),
        "expm1" => x.exp_m1(),
        "ln" => x.ln(),
        "log2" => x.log2(),
        "log10" => x.log10(),
        "ln_1p" => x.ln_1p(),
        "sin" => x.sin(),
        "cos" => x.cos(),
        "tan" => x.tan(),
        "asin" => x.asin(),
        "acos" => x.acos(),
        "atan" => x.atan(),
        "sinh" => x.sinh(),
        "cosh" => x.cosh(),
        "tanh" => x.tanh(),
        "asinh" => x.asinh(),
        "acosh" => x.acosh(),
        "atanh" => x.atanh(),
        "erf" => x.erf(),
        "erfc" => x.erfc(),
        "lgamma" => x.lgamma(),
        "digamma" => x.digamma(),
        _ => panic!("no function {name}"),
    }
}

fn binary(name: &str, a: Dd, b: Dd) -> Dd {
    match name {
        "add" => a + b,
        "sub" => a - b,
        "mul" => a * b,
        "div" => a / b,
        "rem" => a % b,
        "hypot" => a.hypot(b),
        "powf" => a.powf(b),
        "powi" => a.powi(b.to_f64() as i32),
        "atan2" => a.atan2(b),
        _ => panic!("no function {name}"),
    }
}

/// The bound on the relative error, as a power of two.
fn bound(name: &str) -> f64 {
    match name {
        "add" | "sub" | "mul" | "div" | "rem" | "sqrt" => 2f64.powi(-102),
        "erf" | "erfc" => 1e-30,
        "lgamma" | "digamma" => 2f64.powi(-94),
        _ => 2f64.powi(-98),
    }
}

#[test]
fn golden_values_within_their_bounds() {
    let text = match std::env::var("DD_GOLDEN") {
        Ok(path) => std::fs::read_to_string(path).expect("the file named in DD_GOLDEN"),
        Err(_) => include_str!("../golden/dd.json").to_owned(),
    };
    let table: serde_json::Value = serde_json::from_str(&text).expect("json");
    let mut failures = Vec::new();
    for (name, rows) in table.as_object().expect("an object") {
        let mut worst = (0.0, String::new());
        for row in rows.as_array().expect("rows") {
            let row = row.as_str().expect("a string");
            let parts: Vec<f64> = (0..row.len() / 16)
                .map(|i| u64::from_str_radix(&row[16 * i..16 * i + 16], 16).expect("hex"))
                .map(f64::from_bits)
                .collect();
            let numbers: Vec<Dd> = parts
                .chunks(2)
                .map(|p| Dd::from_parts(p[0], p[1]))
                .collect();
            let (got, want) = match numbers[..] {
                [x, want] => (unary(name, x), want),
                [a, b, want] => (binary(name, a, b), want),
                _ => panic!("row of {name}"),
            };
            assert!(is_canonical(got), "{name}: {got:?} for {row}");
            // A result whose low part is subnormal is right to two of the last bits there are.
            let gap = (got - want).abs().to_f64();
            let unit = 2f64.powi(-1074);
            let scale = match &name[..] {
                "lgamma" | "digamma" => want.to_f64().abs().max(1.0),
                _ => want.to_f64().abs(),
            };
            let floor = if scale < 2f64.powi(-960) {
                2.0 * unit
            } else {
                0.0
            };
            let error = (gap - floor).max(0.0) / scale;
            if error > worst.0 || error.is_nan() {
                worst = (error, format!("{numbers:?} got {got:?}"));
            }
        }
        let units = worst.0 / 2f64.powi(-104);
        println!(
            "{name:8} {units:8.3} x 2^-104  ({} rows)",
            rows.as_array().map_or(0, Vec::len)
        );
        if worst.0.is_nan() || worst.0 > bound(name) {
            failures.push(format!("{name}: {units} x 2^-104 at {}", worst.1));
        }
    }
    assert!(failures.is_empty(), "{failures:#?}");
}
