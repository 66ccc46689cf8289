//! PyTorch's own draws, demanded bit for bit (orthogonal matrices to 2e-6): every call of the golden files. A call this file
//! cannot read is a failure.

mod support;

use pullback_random::Result;
use pullback_random::torch::{self, Float, Generator, Number, manual_seed};
use serde_json::Value;
use support::{
    Bytes, array_bytes, check, crc32, flag, list, load, number, same_bytes, text, unhex,
};

#[test]
fn every_line_of_torch_generator_json() {
    let mut lines = 0;
    for case in load("torch_generator")["data"].as_array().unwrap() {
        let seed: u64 = number(case, "seed");
        for draw in case["draws"].as_array().unwrap() {
            let call = draw["call"].as_str().unwrap();
            let got = line(manual_seed(seed), call).unwrap();
            let expected = array_bytes(&draw["value"]);
            if call.contains("orthogonal_") {
                let floats = |b: &[u8]| -> Vec<f32> {
                    b.chunks_exact(4)
                        .map(|c| f32::from_le_bytes(c.try_into().unwrap()))
                        .collect()
                };
                let worst = floats(&got)
                    .iter()
                    .zip(floats(&expected))
                    .map(|(a, b)| (a - b).abs())
                    .fold(0.0, f32::max);
                assert!(
                    got.len() == expected.len() && worst <= 2e-6,
                    "seed {seed}: {call}: {worst}"
                );
            } else {
                assert_eq!(got, expected, "seed {seed}: {call}");
            }
            lines += 1;
        }
    }
    assert_eq!(lines, 210);
}

fn line(mut g: Generator, call: &str) -> Result<Vec<u8>> {
    const SHAPE: &[usize] = &[6, 5];
    let argument =
        |name: &str| -> Option<usize> { call.strip_prefix(name)?.strip_suffix(')')?.parse().ok() };
    if let Some(n) = argument("rand(") {
        return Ok(g.rand(n).bytes());
    }
    if let Some(n) = argument("randn(") {
        return Ok(g.randn(n).bytes());
    }
    if let Some(n) = call
        .strip_prefix("randn(")
        .and_then(|c| c.strip_suffix(", dtype=float64)"))
    {
        return Ok(g.randn_f64(n.parse().unwrap()).bytes());
    }
    let (mode, non) = (torch::FanMode::FanIn, torch::Nonlinearity::LeakyRelu);
    Ok(match call {
        "rand(7, dtype=float64)" => g.rand_f64(7).bytes(),
        "randn(3) then randn(3) then rand(2)" => {
            [g.randn(3), g.randn(3), g.rand(2)].concat().bytes()
        }
        "randint(0, 10, (20,))" => g.randint::<i64>(0, 10, 20)?.bytes(),
        "randint(0, 2**40, (6,))" => g.randint::<i64>(0, 1 << 40, 6)?.bytes(),
        "randperm(50)" => g.randperm(50).bytes(),
        "bernoulli(full((20,), 0.3))" => g.bernoulli(&[0.3f32; 20])?.bytes(),
        "empty(9).uniform_(-2, 3)" => {
            let mut out = vec![0.0; 9];
            g.fill_uniform_f32(-2.0, 3.0, &mut out)?;
            out.bytes()
        }
        "empty(20).normal_(1, 2)" => {
            let mut out = vec![0.0; 20];
            g.fill_normal_f32(1.0, 2.0, &mut out)?;
            out.bytes()
        }
        "dropout(ones(20), 0.4)" => g.dropout_mask::<f32>(0.4, 20)?.bytes(),
        "nn.Linear(5, 3).weight" => torch::linear::<f32>(&mut g, 5, 3, true)?.0.bytes(),
        "nn.Linear(5, 3).bias" => torch::linear::<f32>(&mut g, 5, 3, true)?.1.unwrap().bytes(),
        "nn.Conv2d(2, 3, 3).weight" => torch::conv2d::<f32>(&mut g, 2, 3, (3, 3), 1, true)?
            .0
            .bytes(),
        "nn.Embedding(7, 4).weight" => torch::embedding::<f32>(&mut g, 7, 4, None)?.bytes(),
        "nn.init.xavier_uniform_(empty(6, 5))" => {
            torch::xavier_uniform::<f32>(&mut g, SHAPE, 1.0)?.bytes()
        }
        "nn.init.xavier_normal_(empty(6, 5))" => {
            torch::xavier_normal::<f32>(&mut g, SHAPE, 1.0)?.bytes()
        }
        "nn.init.kaiming_uniform_(empty(6, 5))" => {
            torch::kaiming_uniform::<f32>(&mut g, SHAPE, 0.0, mode, non)?.bytes()
        }
        "nn.init.kaiming_normal_(empty(6, 5))" => {
            torch::kaiming_normal::<f32>(&mut g, SHAPE, 0.0, mode, non)?.bytes()
        }
        "nn.init.trunc_normal_(empty(6, 5))" => {
            torch::trunc_normal::<f32>(&mut g, SHAPE, 0.0, 1.0, -2.0, 2.0)?.bytes()
        }
        "nn.init.orthogonal_(empty(6, 5))" => torch::orthogonal::<f32>(&mut g, SHAPE, 1.0)?.bytes(),
        "DataLoader(arange(37), batch_size=8, shuffle=True, generator=manual_seed(seed)), 2 epochs" => {
            [
                torch::shuffled_epoch(&mut g, 37)?,
                torch::shuffled_epoch(&mut g, 37)?,
            ]
            .concat()
            .bytes()
        }
        "DataLoader(arange(37), batch_size=8, shuffle=True) after manual_seed(seed), 2 epochs" => [
            torch::shuffled_epoch_global(&mut g, 37)?,
            torch::shuffled_epoch_global(&mut g, 37)?,
        ]
        .concat()
        .bytes(),
        other => panic!("a call without a reading: {other}"),
    })
}

#[test]
fn every_call_of_golden_torch_json() {
    for (i, case) in load("golden_torch")["cases"]
        .as_array()
        .unwrap()
        .iter()
        .enumerate()
    {
        let mut g = manual_seed(number(case, "seed"));
        for call in case["calls"].as_array().unwrap() {
            let place = format!("case {i}, seed {}", case["seed"]);
            let got = if call["dtype"] == "float64" {
                draw::<f64>(&mut g, call)
            } else {
                draw::<f32>(&mut g, call)
            };
            check(call, &place, got);
        }
        assert_eq!(
            u64::from(crc32(&g.get_state())),
            case["state_crc"].as_u64().unwrap(),
            "the state after case {i}"
        );
    }
}

#[test]
fn states_of_torch_are_read_and_written() {
    for case in load("golden_states")["cases"].as_array().unwrap() {
        let blob = unhex(text(case, "blob"));
        let mut g = Generator::new();
        g.set_state(&blob).unwrap();
        assert_eq!(g.get_state(), blob);
        assert!(same_bytes(&case["randn_3"], &g.randn(3).bytes()));
        assert!(same_bytes(&case["rand_700"], &g.rand(700).bytes()));
    }
}

fn filled<T: Number>(n: usize, fill: impl FnOnce(&mut [T]) -> Result<()>) -> Result<Vec<u8>>
where
    Vec<T>: Bytes,
{
    let mut out = vec![T::default(); n];
    fill(&mut out)?;
    Ok(out.bytes())
}

macro_rules! any_dtype {
    ($call:expr, $ty:ident => $body:expr) => {
        match text($call, "dtype") {
            "float32" => {
                type $ty = f32;
                $body
            }
            "float64" => {
                type $ty = f64;
                $body
            }
            "int8" => {
                type $ty = i8;
                $body
            }
            "int16" => {
                type $ty = i16;
                $body
            }
            "int32" => {
                type $ty = i32;
                $body
            }
            "int64" => {
                type $ty = i64;
                $body
            }
            "uint8" => {
                type $ty = u8;
                $body
            }
            "bool" => {
                type $ty = bool;
                $body
            }
            other => panic!("dtype {other}"),
        }
    };
}

trait Serial: Float {
    fn serial(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()>;
    fn log_normal(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()>;
    fn rand(g: &mut Generator, n: usize) -> Vec<Self>;
    fn randn(g: &mut Generator, n: usize) -> Vec<Self>;
    fn uniform_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()>;
    fn normal_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()>;
}

impl Serial for f32 {
    fn serial(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()> {
        g.fill_normal_serial_f32(mean, std, out)
    }
    fn log_normal(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()> {
        g.fill_log_normal_f32(mean, std, out)
    }
    fn rand(g: &mut Generator, n: usize) -> Vec<Self> {
        g.rand(n)
    }
    fn randn(g: &mut Generator, n: usize) -> Vec<Self> {
        g.randn(n)
    }
    fn uniform_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()> {
        g.fill_uniform_f32(a, b, out)
    }
    fn normal_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()> {
        g.fill_normal_f32(a, b, out)
    }
}

impl Serial for f64 {
    fn serial(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()> {
        g.fill_normal_serial_f64(mean, std, out)
    }
    fn log_normal(g: &mut Generator, mean: f64, std: f64, out: &mut [Self]) -> Result<()> {
        g.fill_log_normal_f64(mean, std, out)
    }
    fn rand(g: &mut Generator, n: usize) -> Vec<Self> {
        g.rand_f64(n)
    }
    fn randn(g: &mut Generator, n: usize) -> Vec<Self> {
        g.randn_f64(n)
    }
    fn uniform_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()> {
        g.fill_uniform_f64(a, b, out)
    }
    fn normal_fill(g: &mut Generator, a: f64, b: f64, out: &mut [Self]) -> Result<()> {
        g.fill_normal_f64(a, b, out)
    }
}

fn draw<T: Serial + Send>(g: &mut Generator, call: &Value) -> Result<Vec<u8>>
where
    Vec<T>: Bytes,
{
    let n = call["n"].as_u64().unwrap_or(0) as usize;
    let num = |key: &str| -> f64 { number(call, key) };
    let size = |key: &str| -> usize { number(call, key) };
    let shape = || list::<usize>(call, "shape");
    let both = |(weight, bias): (Vec<T>, Option<Vec<T>>)| {
        [weight, bias.unwrap_or_default()].concat().bytes()
    };
    Ok(match text(call, "fn") {
        "rand" => T::rand(g, n).bytes(),
        "randn" => T::randn(g, n).bytes(),
        "uniform" => filled::<T>(n, |out| T::uniform_fill(g, num("a"), num("b"), out))?,
        "normal" => filled::<T>(n, |out| T::normal_fill(g, num("a"), num("b"), out))?,
        "serial" => filled::<T>(n, |out| T::serial(g, num("a"), num("b"), out))?,
        "log_normal" => filled::<T>(n, |out| T::log_normal(g, num("a"), num("b"), out))?,
        "randint" => {
            any_dtype!(call, N => g.randint::<N>(number(call, "low"), number(call, "high"), n)?.bytes())
        }
        "random_from" => {
            any_dtype!(call, N => filled::<N>(n, |out| g.fill_random_from_to(number(call, "low"), None, out))?)
        }
        "random" => any_dtype!(call, N => filled::<N>(n, |out| { g.fill_random(out); Ok(()) })?),
        "randperm" => g.randperm(n).bytes(),
        "bernoulli" => {
            any_dtype!(call, N => filled::<N>(n, |out| g.fill_bernoulli(num("p"), out))?)
        }
        "bernoulli_each" => {
            let p: Vec<T> = list::<f64>(call, "p")
                .into_iter()
                .map(T::from_f64)
                .collect();
            g.bernoulli(&p)?.bytes()
        }
        "dropout" => g.dropout_mask::<T>(num("p"), n)?.bytes(),
        "exponential" => filled::<T>(n, |out| g.fill_exponential(num("p"), out))?,
        "geometric" => {
            any_dtype!(call, N => filled::<N>(n, |out| g.fill_geometric(num("p"), out))?)
        }
        "cauchy" => filled::<T>(n, |out| g.fill_cauchy(num("a"), num("b"), out))?,
        "multinomial" => {
            let shape = shape();
            let total: usize = shape.iter().product();
            // The probabilities come from NumPy's stream: the other half of this crate.
            let mut source = pullback_random::numpy::default_rng(number::<u64>(call, "p_seed"));
            let mut p = source.random(total);
            let zeros = num("zeros");
            source
                .random(total)
                .iter()
                .zip(&mut p)
                .filter(|(m, _)| **m < zeros)
                .for_each(|(_, p)| *p = 0.0);
            let p: Vec<T> = p.into_iter().map(T::from_f64).collect();
            g.multinomial(&p, &shape, number(call, "k"), flag(call, "replacement"))?
                .bytes()
        }
        "xavier_uniform" => torch::xavier_uniform::<T>(g, &shape(), num("gain"))?.bytes(),
        "xavier_normal" => torch::xavier_normal::<T>(g, &shape(), num("gain"))?.bytes(),
        "kaiming_uniform" => {
            let (mode, non) = (
                text(call, "mode").parse()?,
                text(call, "nonlinearity").parse()?,
            );
            torch::kaiming_uniform::<T>(g, &shape(), num("a"), mode, non)?.bytes()
        }
        "kaiming_normal" => {
            let (mode, non) = (
                text(call, "mode").parse()?,
                text(call, "nonlinearity").parse()?,
            );
            torch::kaiming_normal::<T>(g, &shape(), num("a"), mode, non)?.bytes()
        }
        "trunc_normal" => {
            let args = list::<f64>(call, "args");
            torch::trunc_normal::<T>(g, &shape(), args[0], args[1], args[2], args[3])?.bytes()
        }
        "linear" => both(torch::linear(
            g,
            size("in"),
            size("out"),
            flag(call, "bias"),
        )?),
        "conv2d" => {
            let kernel = list::<usize>(call, "kernel");
            let (groups, bias) = (size("groups"), flag(call, "bias"));
            both(torch::conv2d(
                g,
                size("in"),
                size("out"),
                (kernel[0], kernel[1]),
                groups,
                bias,
            )?)
        }
        "embedding" => {
            torch::embedding::<T>(g, size("in"), size("out"), call["padding"].as_i64())?.bytes()
        }
        "orthogonal" => {
            let got = torch::orthogonal::<T>(g, &shape(), num("gain"))?;
            let near = list::<f64>(call, "near");
            let worst = got
                .iter()
                .zip(&near)
                .map(|(&a, b)| (a.into() - b).abs())
                .fold(0.0, f64::max);
            assert!(
                got.len() == near.len() && worst <= 2e-6 * num("gain"),
                "{call}: {worst}"
            );
            Vec::new()
        }
        "epoch" => [torch::shuffled_epoch(g, n)?, torch::shuffled_epoch(g, n)?]
            .concat()
            .bytes(),
        "epoch_global" => [
            torch::shuffled_epoch_global(g, n)?,
            torch::shuffled_epoch_global(g, n)?,
        ]
        .concat()
        .bytes(),
        "sampler" => {
            torch::random_sampler(g, n, flag(call, "replacement"), number(call, "count"))?.bytes()
        }
        "state" => g.get_state(),
        "words" => filled::<i64>(n, |out| {
            g.fill_random(out);
            Ok(())
        })?,
        other => panic!("a call without a reading: {other}"),
    })
}
