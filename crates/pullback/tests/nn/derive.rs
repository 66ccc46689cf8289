//! `#[derive(Module)]` gives what `module!` gives.

use pullback::nn::{Layer, Linear, Module, ReLU, Sequential};
use pullback::{DType, Result, Tensor, module, sequential};
use std::collections::BTreeMap;

#[derive(Clone, Module)]
struct Derived<M> {
    inner: M,
    list: Vec<Linear>,
    maybe: Option<Tensor>,
    #[module(name = "by")]
    map: BTreeMap<String, Linear>,
    pair: (Linear, [Tensor; 2]),
    r#type: Tensor,
    #[module(skip)]
    scale: f64,
}

#[derive(Clone)]
struct Written<M> {
    inner: M,
    list: Vec<Linear>,
    maybe: Option<Tensor>,
    map: BTreeMap<String, Linear>,
    pair: (Linear, [Tensor; 2]),
    r#type: Tensor,
}
module!([M: Module] Written<M> { inner, list, maybe, map as "by", pair, r#type as "type" });

#[derive(Clone, Module)]
struct Pair(Linear, #[module(skip)] &'static str, Tensor);

#[derive(Clone, Module)]
struct Nothing;

fn both() -> Result<(Derived<Sequential>, Written<Sequential>)> {
    let tensor = || Tensor::zeros([2], DType::F32)?.requires_grad_(true);
    let derived = Derived {
        inner: sequential![Linear::new(2, 3)?, ReLU],
        list: vec![Linear::new(3, 1)?],
        maybe: Some(tensor()?),
        map: [("a".to_string(), Linear::new(1, 1)?)].into(),
        pair: (Linear::new(1, 2)?, [tensor()?, tensor()?]),
        r#type: tensor()?,
        scale: 0.5,
    };
    let written = Written {
        inner: derived.inner.clone(),
        list: derived.list.clone(),
        maybe: derived.maybe.clone(),
        map: derived.map.clone(),
        pair: derived.pair.clone(),
        r#type: derived.r#type.clone(),
    };
    Ok((derived, written))
}

#[test]
fn names_and_print_are_those_of_the_macro() -> Result<()> {
    let (derived, written) = both()?;
    let names = |m: &dyn Module| -> Vec<String> { m.state().names().map(String::from).collect() };
    assert_eq!(names(&derived), names(&written));
    assert!(names(&derived).contains(&"by.a.weight".to_string()));
    assert!(names(&derived).contains(&"type".to_string()));
    let text = derived.to_string().replace("Derived", "Written");
    assert_eq!(text, written.to_string());
    assert_eq!(derived.scale, 0.5);
    Ok(())
}

#[test]
fn places_of_a_tuple_and_of_nothing() -> Result<()> {
    let pair = Pair(Linear::new(1, 1)?, "no tensor", Tensor::scalar(1f32));
    let names: Vec<String> = pair.state().names().map(String::from).collect();
    assert_eq!(names, ["0.weight", "0.bias", "2"]);
    assert_eq!(pair.1, "no tensor");
    assert_eq!(Nothing.num_parameters(), 0);
    Ok(())
}

/// What walks may put in the fields' places is seen there.
#[test]
fn fields_are_exchanged() -> Result<()> {
    let (derived, _) = both()?;
    let doubled: Vec<Tensor> = (derived.parameters().iter())
        .map(|t| t.detach().add(1))
        .collect::<Result<_>>()?;
    let other = derived.with(&doubled)?;
    for (new, given) in other.state().tensors().iter().zip(&doubled) {
        assert!(new.equal(given)?);
    }
    let x = Tensor::ones([1, 2], DType::F32)?;
    assert!(
        !other
            .inner
            .forward(&x)?
            .equal(&derived.inner.forward(&x)?)?
    );
    assert_eq!(derived.to(DType::F64)?.r#type.dtype(), DType::F64);
    Ok(())
}
