//! `out=` computes in the memory that is given: no second block for the result. One test of the whole process's memory, so it is alone in its file.

use pullback::registry::{Into, Value, call, find};
use pullback::{DType, Result, Tensor, memory_use, release_memory};

const N: usize = 512;
const SIZE: usize = N * N * 4;

fn matrix(seed: f32) -> Result<Tensor> {
    let numbers: Vec<f32> = (0..N * N)
        .map(|i| (i as f32 * seed).sin().abs() + 0.25)
        .collect();
    Tensor::from_slice(&numbers, [N, N])
}

fn into(name: &str, args: &[Value], out: &Tensor) -> Result<Vec<String>> {
    Into {
        name,
        overloads: &find(name),
        args,
        kwargs: &[],
        outs: std::slice::from_ref(out),
        tuple: false,
    }
    .run()
}

/// Blocks of a result's size in use beyond those before, while `f` runs.
fn blocks<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, usize)> {
    release_memory();
    let before = memory_use().now;
    let result = f()?;
    Ok((result, memory_use().peak.saturating_sub(before) / SIZE))
}

#[test]
fn results_lie_where_they_shall() -> Result<()> {
    if cfg!(pullback_no_pool) {
        return Ok(());
    }
    let (a, b) = (matrix(0.37)?, matrix(0.73)?);
    let value = |t: &Tensor| Value::Tensor(t.clone());
    let cases = [
        ("add", vec![value(&a), value(&b)]),
        ("mul", vec![value(&a), value(&b.t()?)]),
        ("exp", vec![value(&a)]),
        ("matmul", vec![value(&a), value(&b)]),
        ("mm", vec![value(&a), value(&b)]),
        ("cumsum", vec![value(&a), Value::Int(1)]),
        ("softmax", vec![value(&a), Value::Int(1)]),
        ("maximum", vec![value(&a), value(&b)]),
    ];
    for (name, args) in cases {
        let expected = call(name, &args, &[])?;
        let expected = expected.tensors()[0].to_vec::<f32>()?;
        let out = Tensor::zeros([N, N], DType::F32)?;
        let version = out.version();
        let (warnings, more) = blocks(|| into(name, &args, &out))?;
        assert!(warnings.is_empty());
        assert_eq!(more, 0, "{name}: blocks besides the one that was given");
        assert_eq!(out.to_vec::<f32>()?, expected, "{name}");
        assert!(out.version() > version, "{name}: a write is counted");
    }
    Ok(())
}

#[test]
fn what_cannot_be_computed_there_is_as_before() -> Result<()> {
    let (a, b) = (matrix(0.37)?, matrix(0.73)?);
    let value = |t: &Tensor| Value::Tensor(t.clone());
    // Over an argument.
    let sum = a.add(&b)?.to_vec::<f32>()?;
    let both = a.copy()?;
    into("add", &[value(&both), value(&b)], &both)?;
    assert_eq!(both.to_vec::<f32>()?, sum);
    // Into every other column, into a transposed matrix, into another dtype, into another shape.
    let wide = Tensor::zeros([N, 2 * N], DType::F32)?;
    let columns = wide.slice(1, None, None, 2)?;
    into("add", &[value(&a), value(&b)], &columns)?;
    assert_eq!(columns.to_vec::<f32>()?, sum);
    let turned = Tensor::zeros([N, N], DType::F32)?;
    into("add", &[value(&a), value(&b)], &turned.t()?)?;
    assert_eq!(turned.t()?.to_vec::<f32>()?, sum);
    let double = Tensor::zeros([N, N], DType::F64)?;
    into("add", &[value(&a), value(&b)], &double)?;
    assert_eq!(double.to(DType::F32)?.to_vec::<f32>()?, sum);
    let small = Tensor::zeros([2, 3], DType::F32)?;
    assert_eq!(into("add", &[value(&a), value(&b)], &small)?.len(), 1);
    assert_eq!(small.to_vec::<f32>()?, sum);
    // An error leaves what was there.
    let kept = a.copy()?;
    let wrong = Tensor::zeros([3, 5], DType::F32)?;
    assert!(into("add", &[value(&b), value(&wrong)], &kept).is_err());
    assert!(into("addmm", &[value(&wrong), value(&a), value(&b)], &kept).is_err());
    assert_eq!(kept.to_vec::<f32>()?, a.to_vec::<f32>()?);
    Ok(())
}
