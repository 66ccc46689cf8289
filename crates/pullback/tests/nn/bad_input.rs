//! Numbers that no training can go on with: the error says which, where, and what there is instead.

use pullback::nn::{Layer, Linear, Module, utils};
use pullback::optim::SGD;
use pullback::{
    CrossEntropy, DType, ErrorKind, Reduction, Result, Tensor, detect_anomaly, detect_nonfinite,
    random,
};

/// Classes that there are not: the sentence is PyTorch's, the row and the classes are named.
#[test]
fn labels_out_of_range() -> Result<()> {
    let logits = Tensor::zeros([3, 4], DType::F32)?.requires_grad_(true)?;
    for (labels, bad) in [([0i64, 3, 4], "4"), ([0, 1, -1], "-1")] {
        let labels = Tensor::from_slice(&labels, [3])?;
        let e = logits
            .cross_entropy(&labels, CrossEntropy::default())
            .unwrap_err();
        assert_eq!(
            (e.kind(), e.message()),
            (
                ErrorKind::Index,
                &*format!("Target {bad} is out of bounds.")
            )
        );
        assert!(
            e.to_string()
                .contains("in row 2; there are 4 classes, from 0"),
            "{e}"
        );
        assert_eq!(e.op_name(), Some("cross_entropy"));
    }
    // A class for each pixel: rows are samples.
    let pixels = Tensor::zeros([2, 4, 3], DType::F32)?;
    let labels = Tensor::from_slice(&[0i64, 1, 2, 3, 9, 1], [2, 3])?;
    let e = pixels
        .cross_entropy(&labels, CrossEntropy::default())
        .unwrap_err();
    assert!(e.to_string().contains("in row 1;"), "{e}");
    let labels = Tensor::from_slice(&[0i64, 7, 2], [3])?;
    let e = logits
        .multi_margin_loss(&labels, 1, 1.0, None, Reduction::Mean)
        .unwrap_err();
    assert_eq!(e.message(), "target out of range");
    assert!(
        e.to_string()
            .contains("7 in row 1; there are 4 classes, from 0"),
        "{e}"
    );
    Ok(())
}

/// A loss that is no number is found where it begins, by whoever asks; the parameters are what they were.
#[test]
fn losses_that_are_no_numbers() -> Result<()> {
    random::manual_seed(0);
    let layer = Linear::new(2, 1)?;
    let before = layer.deep_copy()?;
    let mut optim = SGD::new(layer.named_parameters(), 0.1)?;
    let x = Tensor::from_slice(&[1.0f32, f32::NAN], [1, 2])?;
    {
        let _watch = detect_nonfinite();
        let e = layer.forward(&x).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NonFinite);
        assert!(e.to_string().contains("nan"), "{e}");
    }
    let loss = layer.forward(&x)?.square()?.sum()?;
    assert!(loss.item::<f32>()?.is_nan());
    {
        let _watch = detect_anomaly();
        let e = loss.backward().unwrap_err();
        assert!(e.message().contains("returned nan values"), "{e}");
    }
    layer.zero_grad();
    layer.forward(&x)?.square()?.sum()?.backward()?;
    let e = utils::clip_grad_norm_with(&layer.parameters(), 1.0, 2.0, true).unwrap_err();
    assert!(e.message().contains("non-finite"), "{e}");
    assert!(layer.weight.equal(&before.weight)?);
    // Whoever goes on without asking does as in PyTorch.
    optim.step()?;
    assert!(layer.weight.to_vec::<f32>()?.iter().any(|w| w.is_nan()));
    Ok(())
}
