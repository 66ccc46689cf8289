//! Tensors print as PyTorch prints them: golden cases, names of nodes, and texts for everything that can be made.
//!
//! `golden/make_display.py` says how the cases are stored.

use proptest::prelude::*;
use pullback::{
    DType, Dd, Element, PrintOptions, Result, Tensor, cat, get_printoptions, set_printoptions,
};
use serde_json::Value;

fn golden() -> Value {
    serde_json::from_str(include_str!("golden/display.json")).expect("valid JSON")
}

fn usizes(list: &Value) -> Vec<usize> {
    list.as_array()
        .into_iter()
        .flatten()
        .map(|n| n.as_u64().expect("a size") as usize)
        .collect()
}

/// Elements from their bytes in hexadecimal.
fn elements<const N: usize, T>(hex: &str, from: impl Fn([u8; N]) -> T) -> Vec<T> {
    let digit = |b: u8| (b as char).to_digit(16).expect("a digit") as u8;
    let bytes: Vec<u8> = hex
        .as_bytes()
        .chunks(2)
        .map(|d| digit(d[0]) << 4 | digit(d[1]))
        .collect();
    bytes
        .chunks_exact(N)
        .map(|c| from(c.try_into().expect("N bytes")))
        .collect()
}

fn tensor(dtype: &str, shape: &[usize], values: &Value) -> Result<Tensor> {
    let Some(hex) = values.as_str() else {
        let unit = values["walk"].as_f64().expect("a unit");
        let walk: Vec<f64> = (0..shape.iter().product::<usize>() as i64)
            .map(|i| ((i * 7919 + 13) % 2003 - 1001) as f64 * unit)
            .collect();
        let dtype = DType::from_name(dtype).expect("a dtype");
        return Tensor::from_slice(&walk, shape)?.to(dtype);
    };
    match dtype {
        "bool" => Tensor::from_slice(&elements(hex, |[b]| b != 0), shape),
        "uint8" => Tensor::from_slice(&elements(hex, |[b]| b), shape),
        "int32" => Tensor::from_slice(&elements(hex, i32::from_le_bytes), shape),
        "int64" => Tensor::from_slice(&elements(hex, i64::from_le_bytes), shape),
        "float32" => Tensor::from_slice(&elements(hex, f32::from_le_bytes), shape),
        _ => Tensor::from_slice(&elements(hex, f64::from_le_bytes), shape),
    }
}

fn view(x: &Tensor, name: &str) -> Result<Tensor> {
    match name {
        "" => Ok(x.clone()),
        "t" => x.transpose(0, 1),
        "reversed dims" => x.permute(&(0..x.ndim() as i64).rev().collect::<Vec<_>>()),
        "every second" => x.slice(-1, None, None, 2),
        "repeated" => x.expand([&[3], &x.shape()[..]].concat()),
        "row 1" => x.select(0, 1),
        "column 1" => x.select(-1, 1),
        other => panic!("unknown view {other}"),
    }
}

fn options(given: &Value) -> PrintOptions {
    let mut options = match given["profile"].as_str() {
        Some("short") => PrintOptions::short(),
        Some("full") => PrintOptions::full(),
        _ => PrintOptions::default(),
    };
    let set = |field: &mut usize, name: &str| match &given[name] {
        Value::Number(n) => *field = n.as_u64().expect("a count") as usize,
        Value::String(_) => *field = usize::MAX,
        _ => {}
    };
    set(&mut options.precision, "precision");
    set(&mut options.threshold, "threshold");
    set(&mut options.edgeitems, "edgeitems");
    set(&mut options.linewidth, "linewidth");
    options.sci_mode = given["sci_mode"].as_bool();
    options
}

#[test]
fn tensors_print_as_in_pytorch() -> Result<()> {
    let golden = golden();
    let cases = golden["cases"].as_array().expect("a list");
    let mut wrong = Vec::new();
    for case in cases {
        let mut x = tensor(case[0].as_str().unwrap_or(""), &usizes(&case[1]), &case[2])?;
        x = view(&x, case[3].as_str().unwrap_or(""))?;
        if case[5] == true {
            x = x.requires_grad_(true)?;
        }
        let ours = x.display_with(options(&case[4])).to_string();
        let theirs = case[6].as_str().expect("a text");
        if ours != theirs {
            wrong.push(format!(
                "{} {} {}\nours:\n{ours}\nPyTorch's:\n{theirs}",
                case[0], case[1], case[4]
            ));
        }
    }
    assert!(cases.len() > 400, "only {} cases", cases.len());
    assert!(
        wrong.is_empty(),
        "{} of {} differ, first\n{}",
        wrong.len(),
        cases.len(),
        wrong[0]
    );
    Ok(())
}

fn node_name(t: &Tensor) -> Option<String> {
    t.grad_fn().map(|f| f.name().to_owned())
}

/// The expressions of `make_display.py`, in its order.
fn named() -> Result<Vec<Option<String>>> {
    let of = |shape: &[usize]| Tensor::ones(shape, DType::F32)?.requires_grad_(true);
    let (x, y) = (&of(&[2, 3])?, &of(&[2, 3])?);
    let (v, w, s) = (&of(&[3])?, &of(&[2])?, &of(&[])?);
    let stack = &of(&[4, 3, 2])?;
    let results = vec![
        x + y,
        x + 1,
        1 + x,
        x - y,
        x - 1,
        1 - x,
        1 - s,
        x * y,
        x * 2,
        2 * x,
        x / y,
        x / 2,
        2 / x,
        -x,
        x.pow(2.0)?,
        x.square()?,
        x.add_scaled(y, 2.0)?,
        x.exp()?,
        x.log()?,
        x.sqrt()?,
        x.sin()?,
        x.cos()?,
        x.tanh()?,
        x.sigmoid()?,
        x.relu()?,
        x.abs()?,
        x.maximum(y)?,
        x.floor()?,
        x.sign()?,
        x.sum()?,
        x.sum_dims(&[0], false)?,
        x.sum_dims(&[0, 1], true)?,
        s.sum()?,
        x.mean()?,
        x.mean_dims(&[1], false)?,
        x.amax(&[0], false)?,
        x.softmax(0)?,
        x.log_softmax(1)?,
        w.outer(v)?,
        v.matmul(v)?,
        x.matmul(v)?,
        w.matmul(x)?,
        x.matmul(&y.t()?)?,
        of(&[4, 2, 3])?.matmul(&x.t()?)?,
        x.matmul(stack)?,
        x.detach().matmul(stack)?,
        of(&[1, 3])?.matmul(stack)?,
        x.matmul(&of(&[4, 3, 1])?)?,
        v.matmul(stack)?,
        of(&[4, 2, 3])?.matmul(v)?,
        of(&[4, 2, 3])?.matmul(stack)?,
        of(&[4, 1, 2, 3])?.matmul(&of(&[5, 3, 2])?)?,
        x.reshape([6])?,
        x.reshape([3, 2])?,
        x.t()?.reshape([6])?,
        x.unsqueeze(1)?,
        x.unsqueeze(-1)?,
        of(&[2, 1])?.squeeze()?,
        of(&[1, 1])?.squeeze()?,
        of(&[2, 1, 3])?.reshape([3, 2])?,
        x.t()?,
        of(&[2, 3, 4])?.transpose(1, 2)?,
        of(&[2, 3, 4])?.permute(&[2, 0, 1])?,
        of(&[1, 3])?.expand([2, 3])?,
        x.select(0, 1)?,
        x.narrow(1, 0, 2)?,
        x.slice(1, None, None, 2)?,
        cat(&[x, y], 0)?,
        x.where_(&x.gt(0)?, y)?,
        x.where_(&x.gt(0)?, 0)?,
        x.copy()?,
        x.to(DType::F64)?,
        x.take(&Tensor::from_slice(&[0i64], [1])?)?,
    ];
    let mut names: Vec<_> = results.iter().map(node_name).collect();
    type Write<'a> = &'a dyn Fn(&Tensor) -> Result<()>;
    let writes: [Write<'_>; 7] = [
        &|b| b.add_(1),
        &|b| b.mul_(y),
        &|b| b.copy_(y),
        &|b| b.fill_(1),
        &|b| b.set(0, 1.0),
        &|b| b.set(1, v),
        &|b| b.select(0, 0)?.mul_(2),
    ];
    for write in writes {
        let b: Tensor = x * 2;
        let views = [b.select(0, 0)?, b.t()?, b.narrow(1, 1, 2)?];
        write(&b)?;
        names.push(node_name(&b));
        names.extend(views.iter().map(node_name));
        names.push(node_name(&b.select(0, 0)?));
    }
    Ok(names)
}

#[test]
fn results_name_pytorchs_nodes() -> Result<()> {
    let golden = golden();
    let theirs = golden["names"].as_object().expect("an object");
    let ours = named()?;
    assert_eq!(ours.len(), theirs.len());
    let wrong: Vec<_> = (theirs.iter().zip(&ours))
        .filter(|((_, theirs), ours)| {
            // The class is named here, the node with its namespace there.
            let ours = ours
                .as_deref()
                .map(|n| n.trim_start_matches("torch::autograd::"));
            theirs.as_str() != ours
        })
        .collect();
    assert!(wrong.is_empty(), "{wrong:#?}");
    Ok(())
}

#[test]
fn suffixes_follow_the_tensors_state() -> Result<()> {
    let x = Tensor::from_slice(&[1.0f32, 2.5], [2])?.requires_grad_(true)?;
    let y: Tensor = &x * 2.0;
    assert_eq!(
        format!("{x:?}"),
        "tensor([1.0000, 2.5000], requires_grad=True)"
    );
    assert_eq!(y.to_string(), "tensor([2., 5.], grad_fn=<MulBackward0>)");
    assert_eq!(y.detach().to_string(), "tensor([2., 5.])");
    assert_eq!(x.gt(2)?.to_string(), "tensor([False,  True])");
    x.sum()?.backward()?;
    assert_eq!(
        x.grad().map(|g| g.to_string()).as_deref(),
        Some("tensor([1., 1.])")
    );
    Ok(())
}

#[test]
fn double_double_prints_its_digits() -> Result<()> {
    let third = Tensor::from_slice(&[Dd::from(1.0) / Dd::from(3.0), Dd::from(-2.0)], [2])?;
    assert_eq!(
        third.to_string(),
        "tensor([ 0.3333, -2.0000], dtype=float64x2)"
    );
    let digits = "tensor([ 0.33333333333333333333333333333, -2.00000000000000000000000000000],\n       dtype=float64x2)";
    assert_eq!(format!("{third:.29}"), digits);
    // Whole in both parts, or not: 2^60 + 1/4 is no integer though its nearest double is one.
    let large = Dd::from_parts(2f64.powi(60), 0.25);
    let plain = PrintOptions::default().sci_mode(Some(false)).precision(2);
    let shown = |x: Dd| Tensor::scalar(x).display_with(plain.clone()).to_string();
    assert_eq!(
        shown(large),
        "tensor(1152921504606846976.25, dtype=float64x2)"
    );
    assert_eq!(
        shown(Dd::from_parts(2f64.powi(60), 1.0)),
        "tensor(1152921504606846977., dtype=float64x2)"
    );
    let odd = Tensor::from_slice(
        &[Dd::NAN, Dd::INFINITY, Dd::NEG_INFINITY, Dd::from(1e-9)],
        [4],
    )?;
    assert_eq!(
        odd.to_string(),
        "tensor([       nan,        inf,       -inf, 1.0000e-09], dtype=float64x2)"
    );
    Ok(())
}

/// Tests may run beside each other, so this one changes what no other one here looks at.
#[test]
fn options_of_the_process_hold_until_changed() -> Result<()> {
    let x = Tensor::arange(1000)?;
    assert!(!x.to_string().contains("..."));
    let before = set_printoptions(get_printoptions().threshold(999));
    assert_eq!(before, PrintOptions::default());
    assert_eq!(get_printoptions().threshold, 999);
    let shown = x.to_string();
    set_printoptions(before);
    assert_eq!(shown, "tensor([  0,   1,   2,  ..., 997, 998, 999])");
    assert!(!x.to_string().contains("..."));
    Ok(())
}

#[test]
fn a_huge_tensor_prints_by_its_edges_without_being_copied() -> Result<()> {
    let x = Tensor::scalar(0.5f32).expand([1usize << 40, 1 << 20])?;
    let text = x.to_string();
    assert!(text.starts_with("tensor([[0.5000, 0.5000, 0.5000,  ..., 0.5000, 0.5000, 0.5000],\n"));
    assert_eq!(text.lines().count(), 7);
    Ok(())
}

fn any_tensor<T: Element>(value: impl Strategy<Value = T> + 'static) -> BoxedStrategy<Tensor> {
    let value = value.boxed();
    proptest::collection::vec(0usize..4, 0..5)
        .prop_flat_map(move |shape| {
            let n = shape.iter().product::<usize>();
            (Just(shape), proptest::collection::vec(value.clone(), n))
        })
        .prop_map(|(shape, data)| Tensor::from_slice(&data, shape).expect("as many as asked for"))
        .boxed()
}

fn any_dtype() -> BoxedStrategy<Tensor> {
    prop_oneof![
        any_tensor(any::<bool>()),
        any_tensor(any::<i64>()),
        any_tensor(any::<u8>()),
        any_tensor(any::<u32>().prop_map(f32::from_bits)),
        any_tensor(any::<u64>().prop_map(f64::from_bits)),
        any_tensor(
            (any::<u64>(), any::<f64>()).prop_map(|(a, b)| Dd::from_parts(f64::from_bits(a), b))
        ),
    ]
    .boxed()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(400))]

    /// Whatever its shape, strides and numbers, a tensor prints: brackets match and lines are not empty at their ends.
    #[test]
    fn every_tensor_prints(
        x in any_dtype(),
        (flip, step, lead) in (any::<bool>(), 1i64..3, 0usize..3),
        (precision, threshold, edgeitems, linewidth) in (0usize..40, 0usize..50, 0usize..4, 0usize..200),
        sci_mode in any::<Option<bool>>(),
    ) {
        let mut x = x;
        if flip {
            x = x.permute(&(0..x.ndim() as i64).rev().collect::<Vec<_>>())?;
        }
        if x.ndim() > 0 {
            x = x.slice(0, None, None, step)?;
        }
        if lead > 0 {
            x = x.expand([&[lead], &x.shape()[..]].concat())?;
        }
        let options = PrintOptions::default().precision(precision).threshold(threshold).edgeitems(edgeitems).linewidth(linewidth).sci_mode(sci_mode);
        let text = x.display_with(options).to_string();
        prop_assert!(text.starts_with("tensor(") && text.ends_with(')'));
        let count = |c| text.chars().filter(|&d| d == c).count();
        prop_assert_eq!(count('['), count(']'));
        prop_assert!(text.lines().all(|line| line.trim_end() == line));
        prop_assert_eq!(format!("{x:?}"), x.to_string());
    }
}

#[test]
fn extreme_options_print() {
    let x = Tensor::from_slice(&[1e300f64, 1.5e-300, f64::NAN], [3]).expect("three numbers");
    for n in [0, 1, 70_000, usize::MAX] {
        let options = PrintOptions::default()
            .precision(n.min(70_000))
            .threshold(n)
            .edgeitems(n)
            .linewidth(n)
            .sci_mode(Some(n == 1));
        assert!(x.display_with(options).to_string().len() > 10);
    }
}
