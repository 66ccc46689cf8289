//! `x[…]` and `x[…] = v` against PyTorch, case by case: values, views, gradients of what is read, of the rest and of what is
//! written, errors. `golden/make_indexing.py` says what the cases hold. Then what only Rust can write.

use pullback::{BackwardOptions, DType, ErrorKind, Index, Result, Shape, Tensor, grad, no_grad};
use serde_json::Value as Json;

fn index_array(text: &str) -> Tensor {
    let data: Json = serde_json::from_str(&text[1..]).expect("a list");
    let (mut shape, mut numbers) = (Vec::new(), Vec::new());
    let mut level = vec![&data];
    while let Some(list) = level[0].as_array() {
        shape.push(list.len());
        level = level
            .iter()
            .flat_map(|v| v.as_array().expect("a list"))
            .collect();
        if level.is_empty() {
            break;
        }
    }
    for v in level {
        numbers.push(
            v.as_i64()
                .unwrap_or_else(|| i64::from(v == &Json::Bool(true))),
        );
    }
    let dtype = match &text[..1] {
        "i" => DType::I64,
        "b" => DType::Bool,
        _ => DType::U8,
    };
    let t = Tensor::from_slice(&numbers, shape).expect("a full list");
    t.to(dtype).expect("a conversion")
}

fn parse(text: &str) -> Vec<Index> {
    let bound = |p: &str| p.parse::<i64>().ok();
    (text.split(';').map(str::trim))
        .filter(|t| !t.is_empty())
        .map(|t| match t {
            "None" => Index::NewAxis,
            "..." => Index::Ellipsis,
            "True" => Index::Bool(true),
            "False" => Index::Bool(false),
            _ if t[1..].starts_with('[') => Index::Tensor(index_array(t)),
            _ if t.contains(':') => {
                let parts: Vec<&str> = t.split(':').collect();
                Index::Slice {
                    start: bound(parts[0]),
                    stop: bound(parts[1]),
                    step: parts.get(2).and_then(|p| bound(p)),
                }
            }
            _ => Index::Int(t.parse().expect("an integer")),
        })
        .collect()
}

/// 1, 2, 3, … in a shape.
fn count(shape: &Shape) -> Result<Tensor> {
    let n = shape.numel();
    Tensor::from_slice(
        &(1..=n).map(|i| i as f64).collect::<Vec<_>>(),
        shape.clone(),
    )
}

fn shape_of(v: &Json) -> Shape {
    (v.as_array().expect("a shape").iter())
        .map(|n| n.as_u64().expect("a size") as usize)
        .collect()
}

fn same(what: &str, got: &Tensor, want: &Json) -> Result<(), String> {
    let numbers: Vec<f64> = (want[1].as_array().expect("numbers").iter())
        .map(|x| x.as_f64().expect("a number"))
        .collect();
    let got_numbers = got.to_f64_vec().map_err(|e| e.to_string())?;
    if *got.shape() != shape_of(&want[0]) || got_numbers != numbers {
        return Err(format!(
            "{what}: {} {got_numbers:?} where PyTorch has {} {numbers:?}",
            got.shape(),
            want[0]
        ));
    }
    Ok(())
}

fn pulled(y: &Tensor, by: &[&Tensor]) -> Result<Vec<Tensor>> {
    let weights = count(y.shape())?;
    let options = BackwardOptions::NEW.allow_unused(true);
    let found = grad(&[(y, Some(&weights))], by, options)?;
    (found.into_iter().zip(by))
        .map(|(g, x)| g.map_or_else(|| x.detach().zeros_like(), Ok))
        .collect()
}

/// Whether a result fails as PyTorch does.
fn fails<T>(result: &Result<T>, want: &Json) -> Option<Result<(), String>> {
    let error = want.get("error")?;
    let Err(e) = result else {
        return Some(Err(format!("does not fail where PyTorch says {error}")));
    };
    let kind = match e.kind() {
        ErrorKind::Index => "IndexError",
        ErrorKind::Value => "ValueError",
        _ => "RuntimeError",
    };
    let said = serde_json::json!([kind, e.message()]);
    Some(match said == *error {
        true => Ok(()),
        false => Err(format!("says {said} where PyTorch says {error}")),
    })
}

fn check(case: &Json) -> Result<(), String> {
    let said = |e: pullback::Error| format!("fails: {e}");
    let shape = shape_of(&case["shape"]);
    let index = parse(case["index"].as_str().expect("an index"));
    let x = (count(&shape).and_then(|x| x.requires_grad_(true))).map_err(said)?;

    let (read, want) = (x.index(&index[..]), &case["read"]);
    if let Some(verdict) = fails(&read, want) {
        verdict?;
    } else {
        let y = read.map_err(said)?;
        same("value", &y, &want["out"])?;
        let shares = y.array().storage().same(x.array().storage());
        if shares != want["view"].as_bool().unwrap_or(false) {
            return Err(format!("a view: {shares}"));
        }
        same(
            "gradient",
            &pulled(&y, &[&x]).map_err(said)?[0],
            &want["grad"],
        )?;
    }

    let want = &case["write"];
    let number = count(&shape).map_err(said)?;
    let written = number.set(&index[..], 0.5);
    if let Some(verdict) = fails(&written, want) {
        return verdict;
    }
    written.map_err(said)?;
    same("number written", &number, &want["number"])?;
    let v = (count(&shape_of(&want["gv"][0])).and_then(|v| v.neg()))
        .and_then(|v| v.requires_grad_(true))
        .map_err(said)?;
    let y = x.mul(1.0).map_err(said)?;
    y.set(&index[..], &v).map_err(said)?;
    same("tensor written", &y, &want["after"])?;
    let g = pulled(&y, &[&x, &v]).map_err(said)?;
    same("gradient of the rest", &g[0], &want["gx"])?;
    same("gradient of the value", &g[1], &want["gv"])
}

#[test]
fn reading_and_writing_are_pytorchs() {
    let golden: Json = serde_json::from_str(include_str!("golden/indexing.json")).expect("JSON");
    let cases = golden["cases"].as_array().expect("cases");
    let wrong: Vec<String> = (cases.iter())
        .filter_map(|case| {
            let why = check(case).err()?;
            Some(format!("{}[{}]: {why}", case["shape"], case["index"]))
        })
        .collect();
    assert!(
        wrong.is_empty(),
        "{} of {} cases differ:\n{}",
        wrong.len(),
        cases.len(),
        wrong.join("\n")
    );
}

#[test]
#[allow(clippy::reversed_empty_ranges)] // `2..=-1` runs to the last one, as in Python
fn rust_ranges_and_tuples_index() -> Result<()> {
    let x = Tensor::arange(12)?.reshape([3, 4])?;
    let list = |t: Tensor| t.to_vec::<i64>();
    assert_eq!(list(x.index((1, 2))?)?, [6]);
    assert_eq!(list(x.index((1usize, ..2i64))?)?, [4, 5]);
    assert_eq!(list(x.index((-1, 1..=2))?)?, [9, 10]);
    assert_eq!(list(x.index((0, 2..=-1))?)?, [2, 3]);
    assert_eq!(list(x.index(2..)?)?, [8, 9, 10, 11]);
    assert_eq!(
        list(x.index((.., Index::step(1.., 2)))?)?,
        [1, 3, 5, 7, 9, 11]
    );
    assert_eq!(
        x.index((Index::NewAxis, Index::Ellipsis))?.shape()[..],
        [1, 3, 4]
    );
    assert_eq!(x.index([Index::Int(1), Index::Int(-1)])?.item_f64()?, 7.0);
    assert_eq!(x.get::<i64>((2, 3))?, 11);
    Ok(())
}

#[test]
fn assignment_through_views_is_tracked() -> Result<()> {
    let x = Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [2, 2])?.requires_grad_(true)?;
    let y = x.mul(1.0)?;
    let v = Tensor::from_slice(&[5.0f64, 6.0], [2])?.requires_grad_(true)?;
    let rows = Tensor::from_slice(&[1i64, 0], [2])?;
    // A column of the transpose is a row: both views, and what they share, see the write.
    y.t()?.set((.., 1), &v)?;
    y.index(0)?.set(&rows, &v.mul(2.0)?)?;
    assert_eq!(y.to_vec::<f64>()?, [12.0, 10.0, 5.0, 6.0]);
    let weights = Tensor::from_slice(&[1.0f64, 10.0, 100.0, 1000.0], [2, 2])?;
    let g = grad(
        &[(&y, Some(&weights))],
        &[&x, &v],
        BackwardOptions::default(),
    )?;
    assert_eq!(g[0].as_ref().unwrap().to_vec::<f64>()?, [0.0; 4]);
    assert_eq!(
        g[1].as_ref().unwrap().to_vec::<f64>()?,
        [100.0 + 20.0, 1000.0 + 2.0]
    );
    Ok(())
}

#[test]
fn values_convert_or_not_as_in_pytorch() -> Result<()> {
    let long = Tensor::arange(3)?;
    let half = Tensor::scalar(1.5f32);
    let first = Tensor::from_slice(&[0i64], [1])?;
    long.set(&first, 1.5)?;
    long.set(1, &half)?;
    long.set(long.gt(1)?, &half)?;
    assert_eq!(long.to_vec::<i64>()?, [1, 1, 1]);
    let e = long.set(&first, &half).unwrap_err();
    assert_eq!(
        e.message(),
        "Index put requires the source and destination dtypes match, got Long for the destination and Float for the source."
    );
    let square = Tensor::zeros([2, 2], DType::F32)?;
    square.set(.., &Tensor::ones([1, 1, 2, 2], DType::F32)?)?;
    square.set(&first, &Tensor::full([1, 1, 2], 3.0, DType::F32)?)?;
    assert_eq!(square.to_vec::<f32>()?, [3.0, 3.0, 1.0, 1.0]);
    let leaf = square.requires_grad_(true)?;
    let e = leaf.set(&first, 1.0).unwrap_err();
    assert_eq!(
        e.message(),
        "a leaf Variable that requires grad is being used in an in-place operation."
    );
    let _guard = no_grad();
    leaf.set(&first, 1.0)
}

/// How many places a mask without numbers names nobody knows; what is written to them has a shape all the same.
#[test]
fn writes_by_masks_without_numbers_are_inferred() -> Result<()> {
    let meta = |t: Tensor| t.to_device(pullback::Device::Meta);
    let x = meta(Tensor::zeros([3, 4], DType::F64)?)?;
    let mask = |shape: &[usize]| meta(Tensor::ones(Shape::new(shape), DType::Bool)?);
    let place = meta(Tensor::zeros([2], DType::I64)?)?;
    for masks in [
        vec![mask(&[3, 4])?],
        vec![mask(&[3])?],
        vec![mask(&[3])?, place.clone()],
        vec![mask(&[])?],
        vec![mask(&[3])?, mask(&[4])?],
    ] {
        let lent: Vec<&Tensor> = masks.iter().collect();
        for values in [&[][..], &[4], &[9]] {
            let values = meta(Tensor::zeros(Shape::new(values), DType::F64)?)?;
            for accumulate in [false, true] {
                let y = x.index_put(&lent, &values, accumulate)?;
                assert_eq!((y.shape(), y.device()), (x.shape(), x.device()));
                x.index_put_(&lent, &values, accumulate)?;
            }
            if let [one] = &masks[..] {
                x.set(one, &values)?;
                x.set(one, 1.0)?;
                assert!(x.index(one).is_err(), "nobody knows the size");
            }
        }
    }
    // A gradient has the shape of what was given.
    let x = x.requires_grad_(true)?;
    let values = meta(Tensor::zeros([4], DType::F64)?)?.requires_grad_(true)?;
    x.index_put(&[&mask(&[3])?], &values, false)?
        .sum()?
        .backward()?;
    assert_eq!(x.grad().unwrap().shape(), x.shape());
    assert_eq!(values.grad().unwrap().shape(), values.shape());
    Ok(())
}
