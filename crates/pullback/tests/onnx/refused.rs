//! What cannot be written: an error that names the operation and the layer, and no file.

use crate::{folder, held};
use pullback::io::onnx::{self, Options};
use pullback::nn::{Lambda, Linear, Module};
use pullback::{DType, ErrorKind, Result, Tensor, sequential};

fn refused(
    model: impl Fn(&Tensor) -> Result<Tensor> + Clone + 'static,
    x: &Tensor,
    how: Options,
    part: &str,
) {
    let model = Lambda(model);
    let e = onnx::export(&model, &[("x", x)], how, |m, x| Ok(vec![(m.0)(&x[0])?])).unwrap_err();
    assert!(e.to_string().contains(part), "{e}");
}

fn batch() -> Options {
    Options::default().batch(true)
}

#[test]
fn what_has_no_counterpart_is_named_with_its_layer() -> Result<()> {
    let x = Tensor::ones([2, 3, 3], DType::F32)?;
    let model = sequential![Linear::new(3, 3)?, Lambda(|x: &Tensor| x.cumprod(0))];
    let path = folder().join("none.onnx");
    let e = onnx::save(&path, &model, &x, Options::default()).unwrap_err();
    let text = e.to_string();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
    assert!(
        text.contains("cumprod has no counterpart in ONNX"),
        "{text}"
    );
    assert!(text.contains("in 1 (Lambda)"), "{text}");
    assert!(!path.exists());
    Ok(())
}

#[test]
fn a_file_that_was_there_stays() -> Result<()> {
    let path = folder().join("kept.bytes");
    std::fs::write(&path, b"before").unwrap();
    let x = Tensor::ones([2], DType::F32)?;
    let model = Lambda(|x: &Tensor| x.cumprod(0));
    assert!(onnx::save(&path, &model, &x, Options::default()).is_err());
    assert_eq!(std::fs::read(&path).unwrap(), b"before");
    Ok(())
}

#[test]
fn what_depends_on_the_batch_is_refused() -> Result<()> {
    let x = Tensor::ones([2, 3], DType::F32)?;
    let by_size = |x: &Tensor| x.div(x.shape()[0] as f64);
    refused(
        by_size,
        &x,
        batch(),
        "numbers that depend on the size of the batch",
    );
    let chosen = |x: &Tensor| if x.shape()[0] > 3 { x.exp() } else { x.sin() };
    refused(
        chosen,
        &x,
        batch(),
        "something else for inputs with other numbers",
    );
    refused(chosen, &Tensor::scalar(1f32), batch(), "has no batch");
    let halves = |x: &Tensor| x.narrow(0, 0, x.shape()[0] / 2);
    refused(halves, &x, batch(), "no multiple of the batch's");
    Ok(())
}

#[test]
fn what_is_taken_out_of_the_inputs_or_drawn_is_refused() -> Result<()> {
    let x = Tensor::from_slice(&[0.25f32, 0.5, 0.75], [3])?;
    let how = Options::default;
    let taken = |x: &Tensor| x.mul(x.sum()?.item_f64()?);
    refused(taken, &x, how(), "takes out of its inputs");
    let drawn = |x: &Tensor| x.add(&Tensor::randn([3], DType::F32)?);
    refused(
        drawn,
        &x,
        how(),
        "takes out of its inputs, or that it draws",
    );
    let chosen = |x: &Tensor| match x.sum()?.item_f64()? > 1.47 {
        true => x.exp(),
        false => x.sin(),
    };
    refused(
        chosen,
        &x,
        how(),
        "something else for inputs with other numbers",
    );
    Ok(())
}

#[test]
fn names_are_of_one_value() -> Result<()> {
    let x = Tensor::ones([2, 3], DType::F32)?;
    let model = Linear::new(3, 3)?;
    let export = |inputs: &[(&str, &Tensor)], how: Options| {
        onnx::export(&model, inputs, how, |_, x| Ok(vec![x[0].clone()])).map_err(|e| e.to_string())
    };
    let how = Options::default;
    assert!(
        export(&[("a", &x), ("a", &x)], how())
            .unwrap_err()
            .contains("a name of its own")
    );
    assert!(
        export(&[("", &x)], how())
            .unwrap_err()
            .contains("a name of its own")
    );
    let twice = how().outputs(vec!["a".into()]);
    assert!(
        export(&[("a", &x)], twice)
            .unwrap_err()
            .contains("cannot be called \"a\"")
    );
    let many = how().outputs(vec!["a".into(), "b".into()]);
    assert!(
        export(&[("x", &x)], many)
            .unwrap_err()
            .contains("2 names for 1 results")
    );
    let dims = how().batch(true).dims(vec![Some(0)]);
    assert!(
        export(&[("x", &x), ("m", &x)], dims)
            .unwrap_err()
            .contains("1 dimensions of the batch for 2 inputs")
    );
    let apart = [("x", &x), ("m", &Tensor::ones([4, 3], DType::F32)?)];
    assert!(
        export(&apart, how().batch(true))
            .unwrap_err()
            .contains("a batch of 4, others have one of 2")
    );
    Ok(())
}

/// Modules of this kind have one input with a batch and one without.
#[test]
fn an_input_may_have_no_batch() -> Result<()> {
    let (x, mask) = (
        Tensor::ones([2, 3], DType::F32)?,
        Tensor::from_slice(&[true, false, true], [3])?,
    );
    let model = Linear::new(3, 3)?;
    let how = Options::default().batch(true).dims(vec![Some(0), None]);
    let file = held("mask_batch", &model, &[&x, &mask], how, |m, x| {
        let y = pullback::nn::Layer::forward(m, &x[0])?;
        Ok(vec![y.masked_fill(&x[1], 0.0)?])
    })?;
    assert_eq!(file.inputs[1].sizes, ["3"]);
    assert_eq!(model.state().names().count(), 2);
    Ok(())
}
