//! Layers one after the other.

use pullback::nn::*;
use pullback::{DType, Result, Tensor, sequential};

#[test]
fn an_error_names_the_layer() -> Result<()> {
    let m = sequential![Linear::new(2, 3)?, ReLU, Linear::new(4, 1)?];
    let e = m.forward(&Tensor::ones([5, 2], DType::F32)?).unwrap_err();
    assert!(
        e.to_string()
            .contains("in layer `2` (Linear), given [5, 3]"),
        "{e}"
    );
    Ok(())
}

/// A clone shares the tensors, in boxes of its own.
#[test]
fn clones_share() -> Result<()> {
    let m = sequential![Linear::new(2, 2)?, Lambda(|x: &Tensor| x.mul(2.0))];
    let other = m.clone();
    assert!(m.parameters()[0].is(&other.parameters()[0]));
    let x = Tensor::ones([1, 2], DType::F32)?;
    let with = other.with(&[
        Tensor::ones([2, 2], DType::F32)?,
        Tensor::zeros([2], DType::F32)?,
    ])?;
    assert_eq!(with.forward(&x)?.to_vec::<f32>()?, [4.0, 4.0]);
    assert!(m.parameters()[0].is(&other.parameters()[0]));
    assert_eq!(Sequential::new().forward(&x)?.to_vec::<f32>()?, [1.0, 1.0]);
    Ok(())
}

#[test]
fn models_go_to_other_threads() -> Result<()> {
    let m = sequential![Linear::new(2, 2)?, Tanh];
    let x = Tensor::ones([1, 2], DType::F32)?;
    let here = m.forward(&x)?;
    let there = std::thread::spawn(move || m.forward(&x)).join().unwrap()?;
    assert!(here.equal(&there)?);
    Ok(())
}
