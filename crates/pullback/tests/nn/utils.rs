//! Clipping, averages, vectors of parameters: against PyTorch's numbers.

use pullback::nn::utils::*;
use pullback::nn::*;
use pullback::{DType, Result, Tensor, no_grad};

fn parameters() -> Result<Vec<Tensor>> {
    let make = |v: &[f64], shape: &[usize]| -> Result<Tensor> {
        let p = Tensor::from_slice(v, shape)?.requires_grad_(true)?;
        p.set_grad(Some(Tensor::from_slice(v, shape)?))?;
        Ok(p)
    };
    let unused = Tensor::ones([2], DType::F64)?.requires_grad_(true)?;
    Ok(vec![
        make(&[3.0, 4.0], &[2])?,
        unused,
        make(&[1.0, -2.0], &[1, 2])?,
    ])
}

fn grads(parameters: &[Tensor]) -> Vec<f64> {
    let all = parameters.iter().filter_map(Tensor::grad);
    all.flat_map(|g| g.to_vec::<f64>().unwrap()).collect()
}

fn near(got: &[f64], want: &[f64]) {
    assert_eq!(got.len(), want.len());
    assert!(
        got.iter().zip(want).all(|(a, b)| (a - b).abs() < 1e-14),
        "{got:?} for {want:?}"
    );
}

#[test]
fn norms_are_clipped_as_there() -> Result<()> {
    let cases = [
        (
            2.0,
            5.477225575051661,
            [
                0.8215836862577766,
                1.0954449150103687,
                0.27386122875259217,
                -0.5477224575051843,
            ],
        ),
        (
            1.0,
            10.0,
            [
                0.4499999550000045,
                0.599999940000006,
                0.1499999850000015,
                -0.299999970000003,
            ],
        ),
        (
            f64::INFINITY,
            4.0,
            [
                1.1249997187500704,
                1.4999996250000938,
                0.37499990625002344,
                -0.7499998125000469,
            ],
        ),
        (
            0.5,
            37.7765657052182,
            [
                0.11912146583131392,
                0.15882862110841856,
                0.03970715527710464,
                -0.07941431055420928,
            ],
        ),
    ];
    for (order, norm, want) in cases {
        let p = parameters()?;
        near(
            &[clip_grad_norm_with(&p, 1.5, order, true)?.item_f64()?],
            &[norm],
        );
        near(&grads(&p), &want);
    }
    // What is short enough stays to the bit.
    let p = parameters()?;
    clip_grad_norm_(&p, 100.0)?;
    assert_eq!(grads(&p), [3.0, 4.0, 1.0, -2.0]);
    clip_grad_value_(&p, 1.5)?;
    assert_eq!(grads(&p), [1.5, 1.5, 1.0, -1.5]);
    assert_eq!(clip_grad_norm_(&[], 1.0)?.item_f64()?, 0.0);
    p[0].set_grad(Some(Tensor::from_slice(&[f64::NAN, 0.0], [2])?))?;
    let e = clip_grad_norm_with(&p, 1.0, 2.0, true).unwrap_err();
    assert!(
        e.message()
            .starts_with("The total norm of order 2.0 for gradients"),
        "{e}"
    );
    Ok(())
}

#[test]
fn averages_are_those_of_there() -> Result<()> {
    for (how, want) in [
        (Averaging::Equal, 5.0),
        (Averaging::Exponential { decay: 0.9 }, 2.88),
    ] {
        let model = Linear::builder(1, 1)
            .bias(false)
            .dtype(DType::F64)
            .build()?;
        let mut average = AveragedModel::new(&model, how)?;
        for v in [2.0, 4.0, 9.0] {
            init::constant_(&model.weight, v)?;
            average.update_parameters(&model)?;
        }
        near(&average.module.weight.to_vec::<f64>()?, &[want]);
        assert_eq!(
            average.state().names().collect::<Vec<_>>(),
            ["n_averaged", "module.weight"]
        );
        assert_eq!(average.n_averaged.to_vec::<i64>()?, [3]);
        assert_eq!(model.weight.to_vec::<f64>()?, [9.0]);
    }
    let e = AveragedModel::new(&Identity, Averaging::Exponential { decay: 1.5 }).unwrap_err();
    assert!(e.message().starts_with("Invalid decay value 1.5"), "{e}");
    Ok(())
}

/// Buffers are those of the last model, or averaged too.
#[test]
fn buffers_follow_or_are_averaged() -> Result<()> {
    for (on, want) in [(false, 4.0), (true, 3.0)] {
        let model = BatchNorm1d::new(1)?;
        let mut average = AveragedModel::new(&model, Averaging::Equal)?.use_buffers(on);
        for v in [2.0, 4.0] {
            init::constant_(model.running().unwrap().0, v)?;
            average.update_parameters(&model)?;
        }
        assert_eq!(average.module.running().unwrap().0.to_f64_vec()?, [want]);
    }
    Ok(())
}

#[test]
fn a_vector_of_another_length_is_an_error() -> Result<()> {
    let layer = Linear::new(2, 3)?;
    let all = parameters_to_vector(&layer.parameters())?;
    all.square()?.sum()?.backward()?;
    assert!(layer.weight.grad().is_some());
    let longer = Tensor::zeros([10], DType::F32)?;
    let e = vector_to_parameters(&longer, &layer.parameters()).unwrap_err();
    assert_eq!(
        e.message(),
        "the parameters have 9 elements, but the vector has shape [10]"
    );
    Ok(())
}

/// A weight of norm 1 has norm 1, and its length is trained apart from its direction.
#[test]
fn weights_of_length_and_direction() -> Result<()> {
    let layer = WeightNorm::new(
        &Linear::builder(3, 2).bias(false).build()?,
        "weight",
        Some(0),
    )?;
    init::constant_(&layer.original0, 2.0)?;
    let w = layer.weight()?;
    let lengths = w.vector_norm(2.0, &[1], false, None)?.to_f64_vec()?;
    assert!(
        lengths.iter().all(|n| (n - 2.0).abs() < 1e-6),
        "{lengths:?}"
    );
    let e = WeightNorm::new(&Linear::new(1, 1)?, "wight", None).unwrap_err();
    assert_eq!(
        e.message(),
        "Module 'Linear' has no parameter or buffer with name 'wight'"
    );
    // Everything that can be done with models can be done with it.
    let other = layer.deep_copy()?;
    other.load(&layer.state())?;
    let _guard = no_grad();
    let x = Tensor::ones([1, 3], DType::F32)?;
    assert!(other.forward(&x)?.equal(&layer.forward(&x)?)?);
    Ok(())
}

#[test]
fn spectral_norms_are_one() -> Result<()> {
    let layer = SpectralNorm::new(&Linear::new(6, 4)?, "weight", 1, 0, 1e-12)?;
    for _ in 0..50 {
        layer.weight()?;
    }
    let before = layer.state().under("parametrizations.weight.0")["_u"].to_vec::<f32>()?;
    let w = layer.weight()?.to(DType::F64)?;
    // The largest singular value by the trace of a high power.
    let gram = w.matmul(&w.t()?)?;
    let mut power = gram.clone();
    for _ in 0..6 {
        power = power.matmul(&power)?;
    }
    let largest = power.trace()?.item_f64()?.powf(1.0 / 128.0);
    assert!((largest - 1.0).abs() < 1e-2, "{largest}");
    // In evaluation the vectors stay where they are.
    let _eval = eval();
    let here = layer.state().under("parametrizations.weight.0")["_u"].to_vec::<f32>()?;
    layer.weight()?;
    let after = layer.state().under("parametrizations.weight.0")["_u"].to_vec::<f32>()?;
    assert_eq!(here, after);
    assert_eq!(before.len(), 4);
    Ok(())
}
