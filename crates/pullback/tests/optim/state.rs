//! States by name: what they hold, a model made anew in another order, and states that do not fit.

use pullback::nn::{Linear, Module, NamedTensors};
use pullback::optim::*;
use pullback::{DType, ErrorKind, Tensor};

fn stepped(layer: &Linear, optim: &mut dyn Optimizer) {
    for p in layer.parameters() {
        p.set_grad(Some(Tensor::ones(p.shape().clone(), p.dtype()).unwrap()))
            .unwrap();
    }
    optim.step().unwrap();
}

#[test]
fn a_state_is_a_copy_by_names() {
    let layer = Linear::new(2, 3).unwrap();
    let mut optim = Adam::new(layer.named_parameters(), 0.1).unwrap();
    stepped(&layer, &mut optim);
    let state = optim.state().unwrap();
    let names: Vec<&str> = state.names().collect();
    assert_eq!(
        names,
        [
            "state.weight.step",
            "state.weight.exp_avg",
            "state.weight.exp_avg_sq",
            "state.bias.step",
            "state.bias.exp_avg",
            "state.bias.exp_avg_sq",
            "param_groups.0.lr",
            "param_groups.0.betas",
            "param_groups.0.eps",
            "param_groups.0.weight_decay",
            "param_groups.0.amsgrad",
            "param_groups.0.maximize",
            "param_groups.0.decoupled_weight_decay",
        ]
    );
    let before = state["state.bias.exp_avg"].to_vec::<f32>().unwrap();
    stepped(&layer, &mut optim);
    assert_eq!(state["state.bias.exp_avg"].to_vec::<f32>().unwrap(), before);
    assert_eq!(state["state.bias.step"].to_vec::<f32>().unwrap(), [1.0]);
    assert_eq!(
        state["param_groups.0.betas"].to_vec::<f64>().unwrap(),
        [0.9, 0.999]
    );
}

#[test]
fn names_decide_and_not_the_order() {
    let layer = Linear::new(2, 3).unwrap();
    let mut optim = Adam::new(layer.named_parameters(), 0.1).unwrap();
    stepped(&layer, &mut optim);
    let mut turned: Vec<_> = layer.named_parameters().into_iter().collect();
    turned.reverse();
    let mut other = Adam::new(turned.into_iter().collect(), 0.5).unwrap();
    other.load(&optim.state().unwrap()).unwrap();
    assert_eq!(other.lr(0), 0.1);
    let (a, b) = (optim.state().unwrap(), other.state().unwrap());
    for (name, t) in a.iter() {
        assert_eq!(
            t.to_f64_vec().unwrap(),
            b[name].to_f64_vec().unwrap(),
            "{name}"
        );
    }
}

#[test]
fn a_parameter_that_never_had_a_gradient_has_no_state() {
    let layer = Linear::new(2, 3).unwrap();
    let mut optim = Adam::new(layer.named_parameters(), 0.1).unwrap();
    layer.weight.set_grad(Some(layer.weight.detach())).unwrap();
    optim.step().unwrap();
    let state = optim.state().unwrap();
    assert!(state.names().all(|n| !n.starts_with("state.bias")));
    let mut other = Adam::new(layer.named_parameters(), 0.1).unwrap();
    other.load(&state).unwrap();
    assert_eq!(other.state().unwrap().len(), state.len());
}

#[test]
fn states_that_do_not_fit_change_nothing() {
    let layer = Linear::new(2, 3).unwrap();
    let mut optim = Adam::new(layer.named_parameters(), 0.1).unwrap();
    stepped(&layer, &mut optim);
    let good = optim.state().unwrap();
    let mut refused = |change: &dyn Fn(&mut NamedTensors), kind: ErrorKind, text: &str| {
        let mut state = good.clone();
        change(&mut state);
        let e = optim.load(&state).unwrap_err();
        assert!(e.to_string().contains(text), "{e}");
        assert_eq!(e.kind(), kind, "{e}");
        let now = optim.state().unwrap();
        for (name, t) in good.iter() {
            assert_eq!(t.to_f64_vec().unwrap(), now[name].to_f64_vec().unwrap());
        }
    };
    let of = |n: usize| Tensor::zeros([n], DType::F64).unwrap();
    refused(
        &|s| s.insert("state.bias.exp_avg", of(4)),
        ErrorKind::Shape,
        "size mismatch for state.bias.exp_avg: copying a param with shape [4] from checkpoint, the shape in current model is [3].",
    );
    refused(
        &|s| s.insert("state.head.step", of(1)),
        ErrorKind::Argument,
        "Unexpected key(s) in state_dict: \"state.head.step\". ",
    );
    refused(
        &|s| drop(s.remove("state.bias.step")),
        ErrorKind::Argument,
        "Missing key(s) in state_dict: \"state.bias.step\". ",
    );
    refused(
        &|s| drop(s.remove("param_groups.0.eps")),
        ErrorKind::Argument,
        "Missing key(s) in state_dict: \"param_groups.0.eps\". ",
    );
    refused(
        &|s| s.insert("param_groups.1.eps", of(1)),
        ErrorKind::Value,
        "different number of parameter groups",
    );
    refused(
        &|s| s.insert("param_groups.0.betas", of(3)),
        ErrorKind::Value,
        "no value of betas",
    );
    refused(
        &|s| {
            s.insert(
                "param_groups.0.lr",
                Tensor::from_slice(&[-1.0], [1]).unwrap(),
            )
        },
        ErrorKind::Value,
        "Invalid learning rate: -1.0",
    );
    refused(
        &|s| s.insert("state.bias.step", of(2)),
        ErrorKind::Value,
        "`state.bias.step`",
    );
}

#[test]
fn options_change_between_steps() {
    let layer = Linear::new(2, 3).unwrap();
    let mut optim = Adam::new(layer.named_parameters(), 0.1).unwrap();
    stepped(&layer, &mut optim);
    // An array more is made when it is first needed.
    optim.options_mut(0).amsgrad = true;
    stepped(&layer, &mut optim);
    let state = optim.state().unwrap();
    assert_eq!(state["state.bias.max_exp_avg_sq"].shape()[..], [3]);
    assert_eq!(state["state.bias.step"].to_vec::<f32>().unwrap(), [2.0]);
    assert_eq!(optim.momentum(0), Some(0.9));
    optim.set_momentum(0, 0.5).unwrap();
    assert_eq!(optim.options(0).betas, (0.5, 0.999));
    let mut plain = Adagrad::new(layer.named_parameters(), 0.1).unwrap();
    assert_eq!(
        (plain.momentum(0), plain.set_momentum(0, 0.5)),
        (None, None)
    );
}
