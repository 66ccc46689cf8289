//! The experiment everything starts from, on the library, equal to PyTorch's and NumPy's to the last bit: data, parameters,
//! forward, loss, gradients by autograd, by the chain rule and by central differences, per-sample gradients and their mean.
//!
//! Golden files: `golden/make_experiment.py`.

use pullback::{BackwardOptions, DType, Result, Tensor, cat, grad, no_grad};
use pullback_random::numpy::{Seed, default_rng};
use serde_json::Value;
use std::path::Path;

struct Network {
    x: Tensor,
    y: Tensor,
    /// W1, b1, W2, b2
    params: [Tensor; 4],
}

struct Forward {
    a1: Tensor,
    h: Tensor,
    f: Tensor,
    loss: Tensor,
}

fn setup(seed: &str, samples: usize, hidden: usize, dtype: DType) -> Network {
    let mut rng = default_rng(seed.parse::<Seed>().unwrap());
    let draws = rng.uniform(-1.0, 1.0, samples * 2).unwrap();
    let x = Tensor::from_slice(&draws, [samples, 2])
        .and_then(|x| x.to(DType::F32))
        .unwrap();
    let y = (&x.select(1, 0).unwrap() * &x.select(1, 1).unwrap())
        .lt(0.0)
        .unwrap();
    let mut weight = |rows: usize, columns: usize| {
        let draws = rng.normal(0.0, 0.1, rows * columns).unwrap();
        let w = Tensor::from_slice(&draws, [rows, columns]).unwrap();
        w.to(dtype).unwrap().requires_grad_(true).unwrap()
    };
    let bias = |n: usize| {
        let b = Tensor::zeros([n], dtype).unwrap();
        b.requires_grad_(true).unwrap()
    };
    let w1 = weight(hidden, 2);
    let w2 = weight(1, hidden);
    Network {
        x: x.to(dtype).unwrap(),
        y: y.to(dtype).unwrap(),
        params: [w1, bias(hidden), w2, bias(1)],
    }
}

fn forward([w1, b1, w2, b2]: &[Tensor; 4], x: &Tensor, y: &Tensor) -> Result<Forward> {
    let a1 = w1.matmul(x)?.add(b1)?;
    let h = a1.relu()?;
    let f = w2.matmul(&h)?.add(b2)?.squeeze()?;
    let loss = f.sub(y)?.pow(2.0)?.mul(0.5)?;
    Ok(Forward { a1, h, f, loss })
}

fn flatten(parts: &[Tensor]) -> Result<Tensor> {
    let flat: Vec<Tensor> = parts.iter().map(Tensor::flatten).collect::<Result<_>>()?;
    cat(&flat.iter().collect::<Vec<_>>(), 0)
}

fn unflatten(theta: &Tensor, like: &[Tensor; 4]) -> Result<[Tensor; 4]> {
    let mut start = 0;
    let mut next = |p: &Tensor| {
        start += p.numel();
        theta
            .narrow(0, start - p.numel(), p.numel())?
            .reshape(p.shape())
    };
    let [w1, b1, w2, b2] = like;
    Ok([next(w1)?, next(b1)?, next(w2)?, next(b2)?])
}

fn by_hand(n: &Network, x: &Tensor, y: &Tensor, out: &Forward) -> Result<Tensor> {
    let df = out.f.sub(y)?;
    let dh = n.params[2].select(0, 0)?.mul(&df)?;
    let da1 = dh.mul(&out.a1.gt(0.0)?.to(dh.dtype())?)?;
    let dw1 = da1.unsqueeze(1)?.matmul(&x.unsqueeze(0)?)?;
    let dw2 = df.mul(&out.h.unsqueeze(0)?)?;
    flatten(&[dw1, da1, dw2, df.reshape([1])?])
}

fn numeric(n: &Network, x: &Tensor, y: &Tensor, eps: f64) -> Result<Tensor> {
    let theta = flatten(&n.params)?.detach().copy()?;
    let loss = || -> Result<Tensor> { Ok(forward(&unflatten(&theta, &n.params)?, x, y)?.loss) };
    let num = theta.zeros_like()?;
    for i in 0..theta.numel() as i64 {
        let orig: f64 = theta.get(i)?;
        theta.set(i, orig + eps)?;
        let lp: Tensor = loss()?;
        theta.set(i, orig - eps)?;
        let lm: Tensor = loss()?;
        num.set(i, &((lp - lm) / (2.0 * eps)))?;
        theta.set(i, orig)?;
    }
    Ok(num)
}

/// Autograd twice: through `.grad`, and by asking for gradients; they must be the same.
fn autograd(n: &Network, x: &Tensor, y: &Tensor) -> Result<[Tensor; 4]> {
    let inputs = n.params.each_ref();
    let loss = forward(&n.params, x, y)?.loss;
    let asked = grad(&[(&loss, None)], &inputs, BackwardOptions::default())?;
    inputs.iter().for_each(|p| p.zero_grad());
    forward(&n.params, x, y)?.loss.backward()?;
    let gathered = inputs.map(|p| p.grad().unwrap());
    for (a, b) in asked.iter().zip(&gathered) {
        assert_eq!(bits(a.as_ref().unwrap()), bits(b));
    }
    Ok(gathered)
}

fn bits(t: &Tensor) -> Vec<String> {
    match t.dtype() {
        DType::F32 => (t.to_vec::<f32>().unwrap().iter())
            .map(|x| format!("{:08x}", x.to_bits()))
            .collect(),
        _ => (t.to_vec::<f64>().unwrap().iter())
            .map(|x| format!("{:016x}", x.to_bits()))
            .collect(),
    }
}

fn golden(name: &str) -> Value {
    let path = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name);
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

fn strings(value: &Value) -> Vec<String> {
    let list = value.as_array().expect("a list");
    list.iter()
        .map(|s| s.as_str().unwrap().to_string())
        .collect()
}

#[test]
fn every_intermediate_value() {
    for (file, dtype) in [
        ("experiment_f32.json", DType::F32),
        ("experiment_f64.json", DType::F64),
    ] {
        let golden = &golden(file)["data"];
        let mut checked = 0;
        let mut check = |name: &str, t: &Tensor| {
            let expected = &golden[name];
            assert_eq!(strings(&expected["data"]), bits(t), "{name} {dtype}");
            let shape: Vec<u64> = t.shape().iter().map(|&n| n as u64).collect();
            assert_eq!(expected["shape"], serde_json::json!(shape), "{name}");
            assert_eq!(expected["dtype"], dtype.name(), "{name}");
            checked += 1;
        };
        let n = setup("42", 500, 4, dtype);
        check("X", &n.x);
        check("y", &n.y);
        let names = ["W1", "b1", "W2", "b2"];
        names.iter().zip(&n.params).for_each(|(k, p)| check(k, p));

        let (x, y) = (n.x.select(0, 0).unwrap(), n.y.select(0, 0).unwrap());
        let out = forward(&n.params, &x, &y).unwrap();
        check("a1", &out.a1);
        check("h", &out.h);
        check("f", &out.f);
        check("loss", &out.loss);
        let gradients = autograd(&n, &x, &y).unwrap();
        for (name, g) in names.iter().zip(&gradients) {
            check(&format!("grad_{name}"), g);
        }
        {
            let _guard = no_grad();
            check("grad_manual", &by_hand(&n, &x, &y, &out).unwrap());
            check("grad_numeric", &numeric(&n, &x, &y, 1e-5).unwrap());
        }

        let each: Vec<Tensor> = (0..500)
            .map(|i| {
                let (x, y) = (n.x.select(0, i).unwrap(), n.y.select(0, i).unwrap());
                let loss = forward(&n.params, &x, &y).unwrap().loss;
                let inputs = n.params.each_ref();
                let found = grad(&[(&loss, None)], &inputs, BackwardOptions::default()).unwrap();
                let found: Vec<Tensor> = found.into_iter().map(Option::unwrap).collect();
                flatten(&found).unwrap().unsqueeze(0).unwrap()
            })
            .collect();
        let all = cat(&each.iter().collect::<Vec<_>>(), 0).unwrap();
        check("per_sample_grads_first_20", &all.narrow(0, 0, 20).unwrap());
        check("mean_grad", &all.mean_dims(&[0], false).unwrap());
        assert_eq!(checked, golden.as_object().unwrap().len());
    }
}

#[test]
fn other_seeds_sizes_samples_and_steps() {
    let golden = golden("experiment_more.json");
    for case in golden["data"].as_array().unwrap() {
        let number = |key: &str| case[key].as_u64().unwrap() as usize;
        let dtype = match case["dtype"].as_str().unwrap() {
            "float32" => DType::F32,
            _ => DType::F64,
        };
        let (hidden, sample) = (number("hidden"), number("sample") as i64);
        let n = setup(
            case["seed"].as_str().unwrap(),
            number("samples"),
            hidden,
            dtype,
        );
        let (x, y) = (
            n.x.select(0, sample).unwrap(),
            n.y.select(0, sample).unwrap(),
        );
        let out = forward(&n.params, &x, &y).unwrap();
        let gradients = autograd(&n, &x, &y).unwrap();
        let _guard = no_grad();
        let exact = [
            ("x", x.clone()),
            ("y", y.clone()),
            ("theta", flatten(&n.params).unwrap()),
            ("a1", out.a1.clone()),
            ("h", out.h.clone()),
        ];
        let summed = [
            ("f", out.f.clone()),
            ("loss", out.loss.clone()),
            ("autograd", flatten(&gradients).unwrap()),
            ("manual", by_hand(&n, &x, &y, &out).unwrap()),
            (
                "numeric",
                numeric(&n, &x, &y, case["eps"].as_f64().unwrap()).unwrap(),
            ),
        ];
        // From 12 products on, PyTorch leaves the sum to MKL, which adds in an order of its own that depends on the
        // processor. The promise of equal bits ends there.
        let summed = &summed[..if hidden < 12 { summed.len() } else { 0 }];
        for (name, t) in exact.iter().chain(summed) {
            assert_eq!(
                strings(&case[*name]),
                bits(t),
                "{name} of seed {} with {hidden} units, sample {sample}, {dtype}",
                case["seed"]
            );
        }
        assert_eq!(
            bits(&flatten(&gradients).unwrap().abs().unwrap()),
            bits(&by_hand(&n, &x, &y, &out).unwrap().abs().unwrap()),
            "autograd and the chain rule agree in every size"
        );
    }
}
