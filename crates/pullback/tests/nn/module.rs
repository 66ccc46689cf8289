//! What is done with whole models: names, states, loading, exchanged parameters.

use pullback::nn::*;
use pullback::{DType, ErrorKind, Result, Tensor, func};
use std::collections::{BTreeMap, HashMap};

/// One of every kind of field.
#[derive(Clone)]
struct All {
    weight: Tensor,
    none: Option<Linear>,
    some: Option<Linear>,
    list: Vec<Linear>,
    array: [Tensor; 2],
    pair: (Linear, Tensor),
    map: BTreeMap<&'static str, Linear>,
    hashed: HashMap<u8, Tensor>,
    boxed: Box<dyn BoxedLayer>,
    scale: f64,
}
pullback::module!(All {
    weight,
    none,
    some,
    list,
    array,
    pair,
    map,
    hashed,
    boxed
});

fn parameter(n: usize) -> Tensor {
    Tensor::ones([n], DType::F32)
        .unwrap()
        .requires_grad_(true)
        .unwrap()
}

fn all() -> All {
    let linear = || Linear::builder(1, 1).bias(false).build().unwrap();
    All {
        weight: parameter(1),
        none: None,
        some: Some(linear()),
        list: vec![linear(), linear()],
        array: [parameter(2), Tensor::ones([3], DType::F32).unwrap()],
        pair: (linear(), parameter(4)),
        map: BTreeMap::from([("b", linear()), ("a", linear())]),
        hashed: (0..12).map(|k| (k, parameter(1))).collect(),
        boxed: Box::new(linear()),
        scale: 2.0,
    }
}

#[test]
fn names_follow_the_declaration() {
    let m = all();
    let want = "weight some.weight list.0.weight list.1.weight array.0 array.1 pair.0.weight pair.1 map.a.weight map.b.weight \
        hashed.0 hashed.1 hashed.10 hashed.11 hashed.2 hashed.3 hashed.4 hashed.5 hashed.6 hashed.7 hashed.8 hashed.9 boxed.weight";
    let names: Vec<String> = m.state().names().map(String::from).collect();
    assert_eq!(names.join(" "), want);
    assert_eq!(m.named_buffers().names().collect::<Vec<_>>(), ["array.1"]);
    assert_eq!(m.named_parameters().len(), names.len() - 1);
    // The walk that exchanges sees the same fields in the same order.
    let mut again = m.clone();
    let mut seen = Vec::new();
    let mut note = |name: &str, _: &mut Tensor| {
        seen.push(name.to_string());
        Ok(())
    };
    again.visit_mut(&mut VisitMut::tensors(&mut note)).unwrap();
    assert_eq!(seen, names);
    assert_eq!(m.scale, 2.0);
}

/// A tensor in two fields is one parameter, stays one tensor, and is in the state by both names.
#[test]
fn tied_weights_stay_tied() -> Result<()> {
    let w = parameter(3);
    let m = (w.clone(), vec![w.clone()]);
    assert_eq!(m.state().names().collect::<Vec<_>>(), ["0", "1.0"]);
    assert_eq!(m.named_parameters().names().collect::<Vec<_>>(), ["0"]);
    assert_eq!(m.num_parameters(), 3);
    for other in [m.deep_copy()?, m.to(DType::F64)?, m.with(&[parameter(3)])?] {
        assert!(other.0.is(&other.1[0]) && !other.0.is(&w));
        assert!(other.0.requires_grad());
    }
    Ok(())
}

#[test]
fn a_clone_is_the_same_model_and_a_deep_copy_is_not() -> Result<()> {
    let m = Linear::new(2, 2)?;
    let (shared, own) = (m.clone(), m.deep_copy()?);
    init::zeros_(&m.weight)?;
    assert_eq!(shared.weight.to_vec::<f32>()?, [0.0; 4]);
    assert_ne!(own.weight.to_vec::<f32>()?, [0.0; 4]);
    assert!(own.weight.is_leaf() && own.weight.requires_grad());
    Ok(())
}

/// The error has every name and both shapes, and nothing was written.
#[test]
fn what_does_not_fit_is_told_and_nothing_is_written() -> Result<()> {
    let m = (Linear::new(2, 3)?, Linear::new(3, 1)?);
    let before = m.deep_copy()?;
    let mut state = (Linear::new(2, 3)?, Linear::new(4, 1)?).state();
    state.remove("0.bias");
    state.insert("2.weight", parameter(1));
    let e = m.load(&state).unwrap_err();
    let want = "Error(s) in loading state_dict for ModuleList:\n\tMissing key(s) in state_dict: \"0.bias\". \n\t\
        Unexpected key(s) in state_dict: \"2.weight\". \n\t\
        size mismatch for 1.weight: copying a param with shape [1, 4] from checkpoint, the shape in current model is [1, 3].";
    assert_eq!(e.message(), want);
    for ((name, now), (_, then)) in m.state().iter().zip(before.state().iter()) {
        assert!(now.equal(then)?, "{name}");
    }
    let report = m.load_partial(&state)?;
    assert_eq!(report.missing, ["0.bias"]);
    assert_eq!(report.unexpected, ["2.weight"]);
    assert_eq!(report.mismatched[0].0, "1.weight");
    assert!(m.0.weight.equal(&state["0.weight"])?);
    assert!(m.1.weight.equal(&before.1.weight)?);
    Ok(())
}

#[test]
fn a_state_goes_through_and_converts() -> Result<()> {
    let (from, to) = (Linear::new(2, 3)?.to(DType::F64)?, Linear::new(2, 3)?);
    let weight = to.weight.clone();
    to.load(&from.state())?;
    assert!(weight.is(&to.weight) && weight.requires_grad() && weight.is_leaf());
    assert!(weight.equal(&from.weight.detach().to(DType::F32)?)?);
    // A model can be loaded from itself.
    to.load(&to.state())?;
    let twice: NamedTensors = [("a", parameter(1)), ("a", parameter(1))]
        .into_iter()
        .collect();
    let e = to.load(&twice).unwrap_err();
    assert_eq!(e.message(), "two tensors are called `a`");
    Ok(())
}

#[test]
fn with_wants_as_many_of_the_same_shapes() -> Result<()> {
    let m = Linear::new(2, 3)?;
    let e = m.with(&[]).unwrap_err();
    assert_eq!(
        e.message(),
        "the module has 2 parameters, but 0 tensors were given"
    );
    let e = m.with(&[parameter(2), parameter(3)]).unwrap_err();
    assert_eq!(
        (e.kind(), e.message()),
        (
            ErrorKind::Shape,
            "`weight` has shape [3, 2], but the tensor for it has [2]"
        )
    );
    Ok(())
}

/// A Hessian by the parameters of a model.
#[test]
fn a_model_is_a_function_of_its_parameters() -> Result<()> {
    let m = Linear::builder(2, 1)
        .bias(false)
        .dtype(DType::F64)
        .build()?;
    let x = Tensor::from_slice(&[1.0f64, 2.0], [1, 2])?;
    let h = func::hessian(|p| m.with(p)?.forward(&x)?.square()?.sum(), &[&m.weight])?;
    assert_eq!(h[0][0].to_f64_vec()?, [2.0, 4.0, 4.0, 8.0]);
    assert!(m.weight.grad().is_none());
    Ok(())
}

#[test]
fn frozen_parameters_come_back() -> Result<()> {
    let m = (Linear::new(2, 3)?, Linear::new(3, 1)?);
    let frozen = m.0.freeze()?;
    assert_eq!(
        m.named_parameters().names().collect::<Vec<_>>(),
        ["1.weight", "1.bias"]
    );
    assert_eq!(m.state().len(), 4);
    frozen.requires_grad_(true)?;
    assert_eq!(m.named_parameters().len(), 4);
    Ok(())
}

#[test]
fn gradients_are_forgotten() -> Result<()> {
    let m = Linear::new(2, 3)?;
    m.forward(&Tensor::ones([1, 2], DType::F32)?)?
        .sum()?
        .backward()?;
    assert!(m.weight.grad().is_some() && m.bias.as_ref().unwrap().grad().is_some());
    m.zero_grad();
    assert!(m.weight.grad().is_none() && m.bias.unwrap().grad().is_none());
    Ok(())
}

#[test]
fn only_floats_change_their_dtype() -> Result<()> {
    let m = (Linear::new(2, 3)?, Tensor::scalar(3i64));
    let m = m.to(DType::F64)?;
    assert_eq!((m.0.weight.dtype(), m.1.dtype()), (DType::F64, DType::I64));
    let e = m.to(DType::I64).err().unwrap();
    assert!(
        e.message()
            .starts_with("nn.Module.to only accepts floating point"),
        "{e}"
    );
    Ok(())
}

#[test]
fn named_tensors_are_taken_apart_and_put_together() -> Result<()> {
    let m = (Linear::new(2, 3)?, Linear::new(3, 1)?);
    let second = m.state().under("1");
    assert_eq!(second.names().collect::<Vec<_>>(), ["weight", "bias"]);
    let all = m.0.state().with_prefix("0").and(second.with_prefix("1"));
    m.load(&all)?;
    assert_eq!(all.numel(), m.num_parameters());
    assert!(m.state().under("weight").is_empty());
    Ok(())
}

/// The mode is the thread's, and each guard puts back what it found.
#[test]
fn training_is_of_the_thread() {
    assert!(is_training());
    let outer = eval();
    assert!(!is_training());
    {
        let _inner = train();
        assert!(is_training());
    }
    assert!(!is_training());
    assert!(std::thread::spawn(is_training).join().unwrap());
    drop(outer);
    assert!(is_training());
}

#[test]
fn dropout_drops_while_training() -> Result<()> {
    let x = Tensor::ones([4000], DType::F32)?;
    let y = Dropout::new(0.25)?.forward(&x)?.to_vec::<f32>()?;
    let zeros = y.iter().filter(|&&v| v == 0.0).count();
    assert!((800..1200).contains(&zeros), "{zeros}");
    assert!(y.iter().all(|&v| v == 0.0 || (v - 4.0 / 3.0).abs() < 1e-6));
    let e = Dropout::new(1.5).unwrap_err();
    assert_eq!(
        e.message(),
        "dropout probability has to be between 0 and 1, but got 1.5"
    );
    Ok(())
}

/// The trait's methods take nothing by value: a tensor's own `to` is what is meant where the trait is in scope.
#[test]
fn a_tensor_keeps_its_own_methods() -> Result<()> {
    let x = parameter(2);
    let y = x.mul(2.0)?.to(DType::F64)?;
    assert!(!y.is_leaf());
    y.sum()?.backward()?;
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [2.0, 2.0]);
    Ok(())
}
