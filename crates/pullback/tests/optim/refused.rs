//! What optimisers refuse, in PyTorch's words, and that nothing has changed then.

use pullback::nn::NamedTensors;
use pullback::optim::*;
use pullback::{DType, ErrorKind, Tensor, func, no_grad};

fn parameter() -> Tensor {
    Tensor::from_slice(&[1.0f64, 2.0], [2])
        .unwrap()
        .requires_grad_(true)
        .unwrap()
}

fn named(name: &str, t: &Tensor) -> NamedTensors {
    [(name, t.clone())].into_iter().collect()
}

#[test]
fn options_out_of_range() {
    let p = || named("p", &parameter());
    macro_rules! refused {
        ($($options:expr => $text:literal;)*) => {$(
            let e = Optim::with(p(), $options).unwrap_err();
            assert_eq!((e.kind(), e.message()), (ErrorKind::Value, $text));
        )*};
    }
    refused! {
        SGDOptions::default().lr(-1.0) => "Invalid learning rate: -1.0";
        SGDOptions::default().momentum(-0.5) => "Invalid momentum value: -0.5";
        SGDOptions::default().nesterov(true) => "Nesterov momentum requires a momentum and zero dampening";
        AdamOptions::default().lr(f64::NAN) => "Invalid learning rate: NaN";
        AdamOptions::default().betas((1.0, 0.9)) => "Invalid beta parameter at index 0: 1.0";
        AdamWOptions::default().betas((0.9, -0.1)) => "Invalid beta parameter at index 1: -0.1";
        AdamOptions::default().eps(-1e-3) => "Invalid epsilon value: -0.001";
        AdamWOptions::default().weight_decay(-1.0) => "Invalid weight_decay value: -1.0";
        NAdamOptions::default().momentum_decay(-1.0) => "Invalid momentum_decay value: -1.0";
        AdadeltaOptions::default().rho(1.5) => "Invalid rho value: 1.5";
        RMSpropOptions::default().alpha(-1.0) => "Invalid alpha value: -1.0";
        RpropOptions::default().etas((1.5, 1.2)) => "Invalid eta values: 1.5, 1.2";
        AdafactorOptions::default().d(0.5) => "Clipping threshold d should be >= 1 but is: 0.5";
        AdafactorOptions::default().beta2_decay(1.0) => "beta2_decay should be <= 0 but is: 1.0";
        MuonOptions::default() => "Muon only supports 2D parameters whereas we found a parameter with size: torch.Size([2])";
    }
    // Changed later, they are refused at the next step.
    let p = parameter();
    let mut optim = SGD::new(named("p", &p), 0.1).unwrap();
    p.set_grad(Some(p.detach().copy().unwrap())).unwrap();
    optim.set_all_lr(-2.0);
    assert_eq!(
        optim.step().unwrap_err().message(),
        "Invalid learning rate: -2.0"
    );
    assert_eq!(p.to_vec::<f64>().unwrap(), [1.0, 2.0]);
}

#[test]
fn lists_of_parameters() {
    let e = Adam::new(NamedTensors::new(), 0.1).unwrap_err();
    assert_eq!(e.message(), "optimizer got an empty parameter list");
    let p = parameter();
    let e = Adam::new(named("twice", &p.mul(2.0).unwrap()), 0.1).unwrap_err();
    assert_eq!(e.message(), "can't optimize a non-leaf Tensor");
    assert!(e.to_string().contains("`twice`"), "{e}");
    let e = Adam::new(named("p", &p).and(named("q", &p)), 0.1).unwrap_err();
    assert!(
        e.message()
            .starts_with("some parameters appear in more than one parameter group"),
        "{e}"
    );
    let e = Adam::new(named("p", &p).and(named("p", &parameter())), 0.1).unwrap_err();
    assert_eq!(e.message(), "two parameters are called `p`");
    let mut optim = Adam::new(named("p", &p), 0.1).unwrap();
    let e = optim
        .add_group(named("q", &p), AdamOptions::default())
        .unwrap_err();
    assert!(e.message().starts_with("some parameters appear"), "{e}");
    assert_eq!(optim.num_groups(), 1);
}

#[test]
fn a_step_without_a_gradient_says_so() {
    let p = parameter();
    let mut optim = Adam::new(named("p", &p), 0.1).unwrap();
    let e = optim.step().unwrap_err();
    assert_eq!(
        (e.kind(), e.message()),
        (ErrorKind::Autograd, "no parameter has a gradient")
    );
    assert!(e.to_string().contains("backward()"), "{e}");
    assert_eq!(e.op_name(), Some("Adam"));
    // And with one in another group it is none.
    let q = parameter();
    optim
        .add_group(named("q", &q), AdamOptions::default().lr(0.5))
        .unwrap();
    q.square().unwrap().sum().unwrap().backward().unwrap();
    optim.step().unwrap();
    assert_eq!(
        (p.to_vec::<f64>().unwrap(), q.version()),
        (vec![1.0, 2.0], 1)
    );
}

#[test]
fn what_watches_and_what_cannot_be_written() {
    let p = parameter();
    let mut optim = SGD::new(named("p", &p), 0.1).unwrap();
    p.set_grad(Some(p.detach().copy().unwrap())).unwrap();
    let x = parameter();
    let step = |x: &[Tensor]| {
        optim.step()?;
        x[0].sum()
    };
    let step = std::cell::RefCell::new(step);
    let tangent = Tensor::ones([2], DType::F64).unwrap();
    let e = pullback::jvp(|x| (step.borrow_mut())(x), &[&x], &[&tangent]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported, "{e}");
    assert_eq!(p.to_vec::<f64>().unwrap(), [1.0, 2.0]);
    let _ = func::grad(|x| x.sum(), &x).unwrap();
}

#[test]
fn a_step_is_seen_by_everybody_and_stales_what_was_saved() {
    let p = parameter();
    let before = p.square().unwrap().sum().unwrap();
    let view = p.detach();
    p.set_grad(Some(Tensor::ones([2], DType::F64).unwrap()))
        .unwrap();
    let mut optim = SGD::new(named("p", &p), 1.0).unwrap();
    {
        let _guard = no_grad();
        optim.step().unwrap();
    }
    assert_eq!(view.to_vec::<f64>().unwrap(), [0.0, 1.0]);
    assert_eq!(before.backward().unwrap_err().kind(), ErrorKind::StaleSave);
    assert!(p.requires_grad() && p.is_leaf());
}
