//! A layer held to what PyTorch's gives: `golden/nn.json`, written by `golden/make_nn.py`.

use pullback::nn::{self, Module, NamedTensors};
use pullback::{DType, Result, Tensor, random};
use serde_json::Value;

fn cases() -> &'static Value {
    static ALL: std::sync::LazyLock<Value> = std::sync::LazyLock::new(|| {
        serde_json::from_str(include_str!("../golden/nn.json")).expect("JSON")
    });
    &ALL
}

/// How many cases the file has.
pub(crate) fn count() -> usize {
    cases().as_object().expect("an object").len()
}

/// A tensor of the file.
pub(crate) fn tensor(v: &Value) -> Tensor {
    let shape: Vec<usize> = serde_json::from_value(v["shape"].clone()).expect("a shape");
    let values = v["values"].as_array().expect("values");
    // What is not finite is a text.
    let number = |x: &Value| x.as_f64().or_else(|| x.as_str()?.parse().ok());
    let floats = || values.iter().map(|x| number(x).unwrap_or(f64::NAN));
    match v["dtype"].as_str().expect("a dtype") {
        "float64" => Tensor::from_slice(&floats().collect::<Vec<_>>(), shape),
        "float32" => Tensor::from_slice(&floats().map(|x| x as f32).collect::<Vec<_>>(), shape),
        "int64" => {
            let all: Vec<i64> = values.iter().map(|x| x.as_i64().unwrap()).collect();
            Tensor::from_slice(&all, shape)
        }
        "bool" => {
            let all: Vec<bool> = values.iter().map(|x| x.as_bool().unwrap()).collect();
            Tensor::from_slice(&all, shape)
        }
        other => panic!("{other}"),
    }
    .expect("a tensor")
}

/// Two tensors of one shape, equal to rounding.
pub(crate) fn near(what: &str, got: &Tensor, want: &Tensor) {
    assert_eq!(got.shape(), want.shape(), "{what}");
    let (a, b) = (got.to_f64_vec().unwrap(), want.to_f64_vec().unwrap());
    let slack = match what {
        // PyTorch's own sixth is a float32.
        _ if what.starts_with("Hardsigmoid") => 1e-7,
        // What these begin with are sums in float32, added up in another order there.
        _ if what.starts_with("weight_norm")
            || what.starts_with("spectral_norm")
            || what.starts_with("orthogonal") =>
        {
            1e-5
        }
        _ => 1e-11,
    };
    let scale = b.iter().fold(1e-3f64, |m, x| m.max(x.abs()));
    for (i, (a, b)) in a.iter().zip(&b).enumerate() {
        let off = (a - b).abs() / scale;
        assert!(
            off < slack || a == b || a.is_nan() && b.is_nan(),
            "{what}[{i}]: {a} for {b}"
        );
    }
}

/// Makes a layer from the file's seed and holds it to the file: text, names, first values, and in float64 results, gradients and buffers.
pub(crate) fn hold<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl FnOnce(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) {
    let want = &cases()[name];
    assert!(want.is_object(), "no case `{name}`");
    random::manual_seed(7);
    let layer = make().unwrap_or_else(|e| panic!("{name}: {e}"));
    let text = format!("{}", &layer as &dyn Module);
    // PyTorch makes a class `ParametrizedLinear`; here it is a layer around a layer.
    if !name.contains("_norm") {
        assert_eq!(text, want["repr"].as_str().unwrap(), "{name}");
    }
    first_values(name, &layer.state(), want);
    let parameters: Vec<String> = layer.named_parameters().names().map(String::from).collect();
    let asked: Vec<String> = serde_json::from_value(want["parameters"].clone()).unwrap();
    assert_eq!(parameters, asked, "{name}: parameters in order");

    let layer = layer.to(DType::F64).unwrap();
    let inputs: Vec<Tensor> = (want["inputs"].as_array().unwrap().iter().map(tensor))
        .map(|t| {
            let on = t.dtype() == DType::F64;
            t.requires_grad_(on).unwrap()
        })
        .collect();
    let _mode = nn::set_training(want["training"].as_bool().unwrap());
    let results = forward(&layer, &inputs).unwrap_or_else(|e| panic!("{name}: {e}"));
    let asked = want["results"].as_array().unwrap();
    assert_eq!(results.len(), asked.len(), "{name}: results");
    let mut loss = Tensor::scalar(0.0f64);
    for (k, (got, want_result)) in results.iter().zip(asked).enumerate() {
        near(&format!("{name}: result {k}"), got, &tensor(want_result));
        loss = loss
            .add(
                &got.mul(&tensor(&want["weights"][k]))
                    .unwrap()
                    .sum()
                    .unwrap(),
            )
            .unwrap();
    }
    if loss.requires_grad() {
        loss.backward().unwrap_or_else(|e| panic!("{name}: {e}"));
    }
    gradients(name, &layer, &inputs, want);
}

fn first_values(name: &str, state: &NamedTensors, want: &Value) {
    let asked = want["state"].as_array().unwrap();
    let mut names: Vec<&str> = state.names().collect();
    let mut asked_names: Vec<&str> = asked.iter().map(|e| e[0].as_str().unwrap()).collect();
    names.sort_unstable();
    asked_names.sort_unstable();
    assert_eq!(names, asked_names, "{name}: names");
    for entry in asked {
        let (of, want) = (entry[0].as_str().unwrap(), tensor(&entry[1]));
        let got = &state[of];
        assert_eq!(
            (got.shape(), got.dtype()),
            (want.shape(), want.dtype()),
            "{name}.{of}"
        );
        let (got, want) = (got.to_f64_vec().unwrap(), want.to_f64_vec().unwrap());
        // These are sums, which are added up in another order there.
        let sums = ["original0", "_u", "_v", "base"]
            .iter()
            .any(|end| of.ends_with(end));
        let close = |a: &f64, b: &f64| sums && (a - b).abs() < 5e-6;
        let same = got
            .iter()
            .zip(&want)
            .all(|(a, b)| a.to_bits() == b.to_bits() || close(a, b));
        assert!(same, "{name}.{of}: {got:?} for {want:?}");
    }
}

fn gradients<M: Module>(name: &str, layer: &M, inputs: &[Tensor], want: &Value) {
    for (k, x) in inputs.iter().enumerate() {
        let asked = &want["input_grads"][k];
        assert_eq!(
            x.grad().is_some(),
            !asked.is_null(),
            "{name}: gradient of input {k}"
        );
        if let Some(g) = x.grad() {
            near(
                &format!("{name}: gradient of input {k}"),
                &g,
                &tensor(asked),
            );
        }
    }
    for (of, p) in layer.named_parameters().iter() {
        let asked = &want["grads"][of];
        assert_eq!(
            p.grad().is_some(),
            !asked.is_null(),
            "{name}: gradient of {of}"
        );
        if let Some(g) = p.grad() {
            near(&format!("{name}: gradient of {of}"), &g, &tensor(asked));
        }
    }
    for (of, b) in layer.named_buffers().iter() {
        near(&format!("{name}: {of}"), b, &tensor(&want["buffers"][of]));
    }
}
