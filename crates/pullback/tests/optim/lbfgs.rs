//! L-BFGS down Rosenbrock's valley, as PyTorch's, and resumed.

use crate::support::GOLDEN;
use pullback::nn::NamedTensors;
use pullback::optim::*;
use pullback::{ErrorKind, Result, Tensor, no_grad};
use serde_json::Value;

fn start() -> Tensor {
    Tensor::from_slice(&[-1.2, 1.0], [2])
        .unwrap()
        .requires_grad_(true)
        .unwrap()
}

fn named(x: &Tensor) -> NamedTensors {
    [("x", x.clone())].into_iter().collect()
}

fn loss(x: &Tensor) -> Result<Tensor> {
    x.zero_grad();
    let (a, b) = (x.select(0, 0)?, x.select(0, 1)?);
    let loss = (b - a.square()?).square()? * 10.0 + (1.0 - a).square()?;
    loss.backward()?;
    Ok(loss)
}

fn options(case: &Value) -> LBFGSOptions {
    let mut options = LBFGSOptions::default();
    for (name, value) in case["options"].as_object().unwrap() {
        let number = value.as_f64().unwrap_or(1.0);
        options.set(name, &[number]).expect(name);
    }
    options
}

#[test]
fn the_way_is_that_of_pytorch() {
    for case in GOLDEN["lbfgs"].as_array().unwrap() {
        let x = start();
        let mut optim = LBFGS::with(named(&x), options(case)).unwrap();
        for (k, want) in case["seen"].as_array().unwrap().iter().enumerate() {
            let want: Vec<f64> = serde_json::from_value(want.clone()).unwrap();
            let first = optim.step(|| loss(&x)).unwrap().item_f64().unwrap();
            let state = optim.state().unwrap();
            let of = |name: &str| state[name].item_f64().unwrap();
            let at = x.to_vec::<f64>().unwrap();
            let got = [
                first,
                at[0],
                at[1],
                of("state.func_evals"),
                of("state.n_iter"),
            ];
            // Rounding is amplified on the way to the minimum.
            for (a, b) in got.iter().zip(&want) {
                assert!(
                    (a - b).abs() <= 1e-6 * b.abs() + 1e-12,
                    "{k}: {got:?} {want:?}"
                );
            }
        }
    }
}

#[test]
fn a_state_goes_on_with_the_same_bits() {
    for case in GOLDEN["lbfgs"].as_array().unwrap() {
        let x = start();
        let mut optim = LBFGS::with(named(&x), options(case)).unwrap();
        (0..2).for_each(|_| drop(optim.step(|| loss(&x)).unwrap()));
        let y = start();
        {
            let _guard = no_grad();
            y.copy_(&x).unwrap();
        }
        let mut other = LBFGS::new(named(&y), 0.5).unwrap();
        other.load(&optim.state().unwrap()).unwrap();
        for _ in 0..2 {
            optim.step(|| loss(&x)).unwrap();
            other.step(|| loss(&y)).unwrap();
        }
        assert_eq!(x.to_vec::<f64>().unwrap(), y.to_vec::<f64>().unwrap());
    }
}

#[test]
fn what_it_refuses() {
    let x = start();
    assert_eq!(
        LBFGS::new(named(&x), -1.0).unwrap_err().message(),
        "Invalid learning rate: -1.0"
    );
    assert_eq!(
        LBFGS::new(NamedTensors::new(), 1.0).unwrap_err().message(),
        "optimizer got an empty parameter list"
    );
    let mut optim = LBFGS::new(named(&x), 1.0).unwrap();
    assert_eq!(
        Optimizer::step(&mut optim).unwrap_err().kind(),
        ErrorKind::Unsupported
    );
    let e = optim.step(|| Ok(Tensor::scalar(1.0))).unwrap_err();
    assert_eq!(e.message(), "no parameter has a gradient");
    // The closure's own error comes out.
    let e = optim.step(|| x.reshape([3])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Shape);
    // To go up is to go down the negative.
    let options = LBFGSOptions::default()
        .maximize(true)
        .line_search_fn(LineSearch::StrongWolfe);
    let mut up = LBFGS::with(named(&x), options).unwrap();
    up.step(|| {
        x.zero_grad();
        let f = -((&x - 2.0).square()?.sum()?);
        f.backward()?;
        Ok(f)
    })
    .unwrap();
    assert!(
        (x.detach() - 2.0)
            .abs()
            .unwrap()
            .max()
            .unwrap()
            .item_f64()
            .unwrap()
            < 1e-6
    );
}
