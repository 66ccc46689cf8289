//! The same thing is said in the same way everywhere: numbers of any type, lists of tensors or of references, sizes, options.

use pullback::nn::{Layer, Linear, Module};
use pullback::{
    BackwardOptions, DType, ErrorKind, Result, Tensor, broadcast_tensors, cat, einsum, eye, hstack,
    one_hot, randperm, stack, tensor, vstack,
};

#[test]
fn numbers_of_any_type_stand_on_the_right() -> Result<()> {
    let x = tensor![2.0, 4.0];
    let n: usize = x.numel();
    assert_eq!((&x * 2f32).to_vec::<f32>()?, [4.0, 8.0]);
    assert_eq!((&x / n).to_vec::<f32>()?, [1.0, 2.0]);
    assert_eq!((x.clone() - 1u8).to_vec::<f32>()?, [1.0, 3.0]);
    assert_eq!((&x + true).to_vec::<f32>()?, [3.0, 5.0]);
    assert_eq!((&x % 3i16).to_vec::<f32>()?, [2.0, 1.0]);
    // No type is to be chosen where a method follows.
    assert_eq!((&x * 2.0).sum()?.item::<f32>()?, 12.0);
    assert_eq!((2.0 * &x).sum()?.item::<f32>()?, 12.0);
    let mut y = x.copy()?;
    y += 1usize;
    y /= 2f32;
    assert_eq!(y.to_vec::<f32>()?, [1.5, 2.5]);
    // Beyond int64 a number keeps its value.
    assert_eq!(
        Tensor::zeros([1], DType::F64)?
            .add(u64::MAX)?
            .item::<f64>()?,
        u64::MAX as f64
    );
    Ok(())
}

#[test]
fn one_end_may_be_open() -> Result<()> {
    let x = tensor![-1.0, 0.5, 2.0];
    assert_eq!(x.clamp(0.0, 1.0)?.to_vec::<f32>()?, [0.0, 0.5, 1.0]);
    assert_eq!(x.clamp(.., 1)?.to_vec::<f32>()?, [-1.0, 0.5, 1.0]);
    assert_eq!(x.clamp(0u8, ..)?.to_vec::<f32>()?, [0.0, 0.5, 2.0]);
    assert_eq!(
        x.clamp(&tensor![0.0, 1.0, 0.0], 1.5f32)?.to_vec::<f32>()?,
        [0.0, 1.0, 1.5]
    );
    x.clamp_(0.0, ..)?;
    assert_eq!(x.to_vec::<f32>()?, [0.0, 0.5, 2.0]);
    assert!(x.clamp(.., ..).is_err());
    Ok(())
}

#[test]
fn lists_are_of_tensors_or_of_references() -> Result<()> {
    let (a, b) = (tensor![1, 2], tensor![3, 4]);
    let list = vec![a.clone(), b.clone()];
    assert_eq!(cat(&list, 0)?.to_vec::<i64>()?, [1, 2, 3, 4]);
    assert!(cat(&list, 0)?.equal(&cat(&[&a, &b], 0)?)?);
    assert!(stack(&list, 0)?.equal(&stack(&[&a, &b], 0)?)?);
    assert!(hstack(&list)?.equal(&hstack(&[&a, &b])?)?);
    assert!(vstack(&list)?.equal(&vstack(&[&a, &b])?)?);
    assert_eq!(broadcast_tensors(&list)?.len(), 2);
    assert_eq!(einsum("i,i", &list)?.item::<i64>()?, 11);
    assert_eq!(
        cat::<Tensor>(&[], 0).unwrap_err().message(),
        "torch.cat(): expected a non-empty list of Tensors"
    );
    Ok(())
}

#[test]
fn numbers_come_out_exactly_or_not_at_all() -> Result<()> {
    let x = tensor![[1.5, 2.0], [3.0, 4.0]];
    assert_eq!(x.sum()?.item::<f32>()?, 10.5);
    assert_eq!(x.get::<f64>([1, 0])?, 3.0);
    let e = x.sum()?.item::<i64>().unwrap_err();
    assert_eq!(e.kind(), ErrorKind::DType);
    assert_eq!(e.message(), "the element is 10.5, which is no int64");
    assert_eq!(
        Vec::<Vec<f32>>::try_from(&x)?,
        [[1.5, 2.0], [3.0, 4.0]].map(Vec::from)
    );
    assert!(Vec::<Vec<f32>>::try_from(&x.flatten()?).is_err());
    let rows = x.rows()?;
    assert_eq!(rows.len(), 2);
    assert_eq!(rows[1].to_vec::<f32>()?, [3.0, 4.0]);
    assert_eq!(
        x.sum()?.rows().unwrap_err().message(),
        "iteration over a 0-d tensor"
    );
    Ok(())
}

#[test]
fn sizes_are_usize_and_negative_ones_errors() -> Result<()> {
    let x = Tensor::arange(6)?;
    let n: usize = 3;
    assert_eq!(x.split(n, 0)?.len(), 2);
    assert_eq!(x.topk(n, -1, true, true)?.1.to_vec::<i64>()?, [5, 4, 3]);
    assert_eq!(x.unfold(0, n, 2)?.shape()[..], [2, 3]);
    assert_eq!(eye(n, None, DType::F32)?.shape()[..], [3, 3]);
    assert_eq!(one_hot(&x, 2 * n)?.shape()[..], [6, 6]);
    assert_eq!(randperm(n, DType::I64)?.shape()[..], [3]);
    assert_eq!(
        eye(-2, None, DType::F32).unwrap_err().message(),
        "n must be greater or equal to 0, got -2"
    );
    Ok(())
}

#[test]
fn derivatives_have_names() -> Result<()> {
    let (x, y) = (Tensor::scalar(2.0f64), Tensor::scalar(3.0f64));
    let (x, y) = (x.requires_grad_(true)?, y.requires_grad_(true)?);
    let z = x.pow(2)?.mul(&y)?;
    let [dx, dy] = z.grads([&x, &y], BackwardOptions::NEW.create_graph(true))?;
    assert_eq!((dx.item::<f64>()?, dy.item::<f64>()?), (12.0, 4.0));
    let [dxy] = dx.grads([&y], Default::default())?;
    assert_eq!(dxy.item::<f64>()?, 4.0);
    let unused = Tensor::scalar(0.0f64).requires_grad_(true)?;
    let z = x.pow(2)?;
    assert!(
        z.grads(
            [&unused],
            BackwardOptions::NEW.retain_graph(true).allow_unused(true)
        )
        .is_err()
    );
    let [zero] = z.grads([&unused], BackwardOptions::NEW.materialize_grads(true))?;
    assert_eq!(zero.item::<f64>()?, 0.0);

    let layer = Linear::builder(2, 1).dtype(DType::F64).build()?;
    let input = Tensor::from([[1.0, 2.0]]);
    let (loss, grads) = layer.value_and_grad(|m| m.forward(&input)?.square()?.sum())?;
    layer.forward(&input)?.square()?.sum()?.backward()?;
    assert_eq!(
        loss.item::<f64>()?,
        layer.forward(&input)?.item::<f64>()?.powi(2)
    );
    for (name, parameter) in layer.named_parameters().iter() {
        assert!(grads[name].equal(&parameter.grad().unwrap())?, "{name}");
    }
    let h = layer.hessian(|m| m.forward(&input)?.square()?.sum())?;
    assert_eq!(h.names().collect::<Vec<_>>(), ["weight", "bias"]);
    assert_eq!(
        h[["weight", "weight"]].to_vec::<f64>()?,
        [2.0, 4.0, 4.0, 8.0]
    );
    assert_eq!(h[["bias", "weight"]].to_vec::<f64>()?, [2.0, 4.0]);
    assert!(h.get("bias", "wait").is_none());
    Ok(())
}
