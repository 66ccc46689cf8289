//! NumPy's own draws, demanded bit for bit: every call of both golden files. A call this file cannot read is a failure.

mod support;

use pullback_random::Result;
use pullback_random::numpy::{Choice, ExponentialMethod, Generator, Integer, Seed, default_rng};
use serde_json::Value;
use support::{Bytes, array_bytes, check, flag, float_hex, load, number, text};

fn seed(case: &Value) -> Seed {
    let parse = |v: &Value| v.as_str().unwrap().parse::<Seed>().unwrap();
    match &case["seed"] {
        Value::Array(parts) => Seed::sequence(parts.iter().map(parse)),
        one => parse(one),
    }
}

#[test]
fn every_line_of_numpy_generator_json() {
    let mut lines = 0;
    for case in load("numpy_generator")["data"].as_array().unwrap() {
        for draw in case["draws"].as_array().unwrap() {
            let call = draw["call"].as_str().unwrap();
            let got = line(default_rng(seed(case)), call).unwrap();
            assert_eq!(
                got,
                array_bytes(&draw["value"]),
                "seed {}: {call}",
                case["seed"]
            );
            lines += 1;
        }
    }
    assert_eq!(lines, 170);
}

fn line(mut g: Generator, call: &str) -> Result<Vec<u8>> {
    Ok(match call {
        "random_raw(8)" => g.random_raw(8).bytes(),
        "random(20)" => g.random(20).bytes(),
        "random(21, dtype=float32)" => g.random_f32(21).bytes(),
        "uniform(-1, 1, (10, 2))" => g.uniform(-1.0, 1.0, 20)?.bytes(),
        "normal(0.0, 0.1, (4, 2))" => g.normal(0.0, 0.1, 8)?.bytes(),
        "standard_normal(20000)[-8:]" => g.standard_normal(20000)[19992..].to_vec().bytes(),
        "standard_normal(20000, dtype=float32)[-8:]" => {
            g.standard_normal_f32(20000)[19992..].to_vec().bytes()
        }
        "standard_exponential(20000)[-8:]" => {
            g.standard_exponential(20000)[19992..].to_vec().bytes()
        }
        "integers(0, 10, 20)" => g.integers::<i64>(0, 10, 20)?.bytes(),
        "integers(0, 2**40, 8)" => g.integers::<i64>(0, 1 << 40, 8)?.bytes(),
        "integers(-5, 5, 9, endpoint=True)" => g.integers_endpoint::<i64>(-5, 5, 9)?.bytes(),
        "integers(0, 2**32, 8)" => g.integers::<i64>(0, 1 << 32, 8)?.bytes(),
        "permutation(50)" => g.permutation(50).bytes(),
        "choice(100, 10, replace=False)" => g
            .choice_with(
                100,
                10,
                &Choice {
                    replace: false,
                    ..Choice::default()
                },
            )?
            .bytes(),
        "choice(100, 10)" => g.choice(100, 10)?.bytes(),
        "shuffle(arange(30))" => {
            let mut x: Vec<i64> = (0..30).collect();
            g.shuffle(&mut x);
            x.bytes()
        }
        "mixed: random, standard_normal, integers(0,7), uniform(2,3), normal(1,2), random f32, random" => {
            vec![
                g.next_random(),
                g.next_standard_normal(),
                g.integers::<i64>(0, 7, 1)?[0] as f64,
                g.next_uniform(2.0, 3.0)?,
                g.next_normal(1.0, 2.0)?,
                g.next_random_f32().into(),
                g.next_random(),
            ]
            .bytes()
        }
        other => panic!("a call without a reading: {other}"),
    })
}

#[test]
fn every_call_of_golden_numpy_json() {
    for (i, case) in load("golden_numpy")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let mut g = default_rng(seed(case));
        for call in case["calls"].as_array().unwrap() {
            check(
                call,
                &format!("case {i}, seed {}", case["seed"]),
                draw(&mut g, call),
            );
        }
    }
}

fn integers<T: Integer>(g: &mut Generator, call: &Value, n: usize) -> Result<Vec<u8>>
where
    Vec<T>: Bytes,
{
    let (low, high) = (number(call, "low"), number(call, "high"));
    let values: Vec<T> = if flag(call, "endpoint") {
        g.integers_endpoint(low, high, n)?
    } else {
        g.integers(low, high, n)?
    };
    Ok(values.bytes())
}

fn draw(g: &mut Generator, call: &Value) -> Result<Vec<u8>> {
    let n = call["n"].as_u64().unwrap_or(0) as usize;
    Ok(match text(call, "fn") {
        "random" => g.random(n).bytes(),
        "random_f32" => g.random_f32(n).bytes(),
        "uniform" => g
            .uniform(number(call, "low"), number(call, "high"), n)?
            .bytes(),
        "normal" => g
            .normal(number(call, "loc"), number(call, "scale"), n)?
            .bytes(),
        "standard_normal" => g.standard_normal(n).bytes(),
        "standard_normal_f32" => g.standard_normal_f32(n).bytes(),
        "exponential" => g.standard_exponential(n).bytes(),
        "exponential_f32" => g.standard_exponential_f32(n).bytes(),
        "inv" => {
            let mut out = vec![0.0; n];
            g.fill_standard_exponential_f64(ExponentialMethod::Inverse, &mut out);
            out.bytes()
        }
        "inv_f32" => {
            let mut out = vec![0.0f32; n];
            g.fill_standard_exponential_f32(ExponentialMethod::Inverse, &mut out);
            out.bytes()
        }
        "scale" => g.exponential(number(call, "scale"), n)?.bytes(),
        "integers" => match text(call, "dtype") {
            "bool" => integers::<bool>(g, call, n)?,
            "int8" => integers::<i8>(g, call, n)?,
            "uint8" => integers::<u8>(g, call, n)?,
            "int16" => integers::<i16>(g, call, n)?,
            "uint16" => integers::<u16>(g, call, n)?,
            "int32" => integers::<i32>(g, call, n)?,
            "uint32" => integers::<u32>(g, call, n)?,
            "int64" => integers::<i64>(g, call, n)?,
            "uint64" => integers::<u64>(g, call, n)?,
            other => panic!("dtype {other}"),
        },
        "permutation" => g.permutation(n as i64).bytes(),
        "shuffle" => {
            let mut x: Vec<i64> = (0..n as i64).collect();
            g.shuffle(&mut x);
            x.bytes()
        }
        "rows" => {
            let mut x: Vec<i64> = (0..3 * n as i64).collect();
            g.shuffle_rows(&mut x, 3);
            x.bytes()
        }
        "permuted" => {
            let mut x: Vec<i64> = (0..5 * n as i64).collect();
            g.permuted_rows(&mut x, 5);
            x.bytes()
        }
        "choice" => g.choice(number(call, "pop"), n)?.bytes(),
        "choice_distinct" => {
            let options = Choice {
                replace: false,
                shuffle: flag(call, "shuffle"),
                ..Choice::default()
            };
            g.choice_with(number(call, "pop"), n, &options)?.bytes()
        }
        "choice_p" | "choice_p_distinct" => {
            let p: Vec<f64> = call["p"]
                .as_array()
                .unwrap()
                .iter()
                .map(|x| float_hex(x.as_str().unwrap()))
                .collect();
            let options = Choice {
                replace: !flag(call, "distinct"),
                p: Some(&p),
                ..Choice::default()
            };
            g.choice_with(p.len() as i64, n, &options)?.bytes()
        }
        "raw" => g.random_raw(n).bytes(),
        "advance" => {
            g.advance(number(call, "delta"));
            Vec::new()
        }
        "jumped" => g.jumped(number(call, "jumps")).random(5).bytes(),
        "spawn" => {
            let mut all = Vec::new();
            for mut child in g.spawn(number(call, "k")) {
                all.extend(child.random(2));
                for mut grandchild in child.spawn(2) {
                    all.extend(grandchild.random(1));
                }
            }
            all.bytes()
        }
        "bytes" => g.bytes(n),
        "state" => {
            let s = g.bit_generator().state();
            let wide = [
                s.state,
                s.inc,
                u128::from(s.has_uint32),
                u128::from(s.uinteger),
            ];
            wide.iter().flat_map(|w| w.to_le_bytes()).collect()
        }
        other => panic!("a call without a reading: {other}"),
    })
}
