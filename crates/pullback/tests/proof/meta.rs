//! Inference: on arrays without memory every operation and every function gives the shape, dtype and strides that it gives when it
//! computes; what needs numbers says so.

use pullback::ops::OPS;
use pullback::{Array, DType, Device, Tensor};
use pullback_array::kernels;

/// What a result looks like: shape, dtype, strides of dimensions that have several elements.
fn looks(a: &Array) -> (Vec<usize>, DType, Vec<isize>) {
    let several = (a.shape().iter().zip(a.layout().strides().iter()))
        .map(|(&n, &s)| if n > 1 { s } else { 0 })
        .collect();
    (a.shape().to_vec(), a.dtype(), several)
}

/// Operations whose results, or whose results' sizes, depend on numbers: they are errors on arrays without memory.
const BY_NUMBERS: &[&str] = &["nonzero", "unique", "repeat_interleave", "bincount"];

#[test]
fn every_operation_infers_what_it_computes() {
    let (mut tried, mut wrong, mut unused) = (0, Vec::new(), BY_NUMBERS.to_vec());
    for def in OPS {
        for (number, sample) in (def.proof.samples)().iter().enumerate() {
            let plain = sample.inputs(DType::F32).unwrap();
            let turned = |a: &Array| {
                let back: Vec<usize> = (0..a.rank()).rev().collect();
                let turned = a.view(a.layout().permute(&back))?.copy()?;
                turned.view(turned.layout().permute(&back))
            };
            let other: Vec<Array> = plain.iter().map(|a| turned(a).unwrap()).collect();
            for (how, inputs) in [("row by row", plain), ("turned", other)] {
                let metas: Vec<Array> = (inputs.iter())
                    .map(|a| a.to_device(Device::Meta).unwrap())
                    .collect();
                let refs: Vec<&Array> = inputs.iter().collect();
                let Ok(want) = sample.op.eval_many(&refs) else {
                    continue;
                };
                let refs: Vec<&Array> = metas.iter().collect();
                tried += 1;
                let what = format!("{} {number} {how}", def.name);
                match sample.op.eval_many(&refs) {
                    Err(e) if BY_NUMBERS.contains(&def.name) => {
                        let _ = e;
                        unused.retain(|name| name != &def.name);
                    }
                    Err(e) => wrong.push(format!("{what}: {}", e.message())),
                    Ok(got) => {
                        if !metas.is_empty() && !got.iter().all(Array::is_meta) {
                            wrong.push(format!("{what}: has memory"));
                        }
                        let got: Vec<_> = got.iter().map(looks).collect();
                        let want: Vec<_> = want.iter().map(looks).collect();
                        if got != want {
                            wrong.push(format!("{what}: {got:?} instead of {want:?}"));
                        }
                    }
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(unused.is_empty(), "infer by now: {unused:?}");
}

#[test]
fn gradients_are_inferred_too() {
    let meta = |shape: [usize; 2]| {
        let x = Tensor::from_array(Array::meta(
            pullback::Layout::row_major(shape.into()),
            DType::F32,
        )?);
        x.requires_grad_(true)
    };
    let run = || -> pullback::Result<()> {
        // Sizes that no memory has.
        let (x, w) = (meta([1 << 20, 1 << 20])?, meta([1 << 20, 1 << 10])?);
        let loss = x
            .matmul(&w)?
            .relu()?
            .add(1.0)?
            .softmax(1)?
            .mul(2.0)?
            .sum()?;
        loss.backward()?;
        let grad = w.grad().unwrap();
        assert!(grad.array().is_meta() && grad.shape() == w.shape());
        assert_eq!(x.grad().unwrap().shape(), x.shape());
        assert_eq!(
            loss.number().unwrap_err().message(),
            "Tensor.item() cannot be called on meta tensors"
        );
        assert_eq!(
            x.to_vec::<f32>().unwrap_err().message(),
            "Cannot copy out of meta tensor; no data!"
        );
        // Twice, and in place.
        x.matmul(&w)?.sum()?.backward()?;
        w.detach().mul_(2.0)?;
        assert_eq!(w.version(), 1);
        Ok(())
    };
    run().unwrap();
    let number = Array::meta(pullback::Layout::row_major([2].into()), DType::F32).unwrap();
    assert!(kernels::assign(&Array::zeros([2], DType::F32).unwrap(), &number).is_err());
    assert!(kernels::assign(&number, &Array::zeros([2], DType::F32).unwrap()).is_ok());
}
