//! Errors name the function that was called, on the caller's line, and never a primitive that nobody calls.
//!
//! Every function of the list is called with arguments that it was not made for: other shapes, dtypes, dimensions, indices.
//! Methods whose names the list does not have are called one by one below.

use pullback::ops::OPS;
use pullback::proof::Call;
use pullback::registry::{Args, Value, entries};
use pullback::{
    BackwardOptions, DType, Error, PadMode, Reduction, Result, Rounding, Tensor, cat, einsum,
    hstack, meshgrid, one_hot, randint, stack,
};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::Path;

fn ones(shape: &[usize]) -> Tensor {
    Tensor::ones(shape, DType::F32).unwrap()
}

fn ints(x: &[i64]) -> Tensor {
    Tensor::from_slice(x, [x.len()]).unwrap()
}

/// Names that a program in Rust can write: `pub fn NAME` of the sources, and what macros make of the list's names.
fn public() -> BTreeSet<String> {
    // Macros make these; and of this one PyTorch's own sentence speaks.
    let made = [
        "max_dim",
        "min_dim",
        "median_dim",
        "nanmedian_dim",
        "special_zeta",
    ];
    let mut names: BTreeSet<String> = made.map(String::from).into();
    for entry in entries() {
        names.insert(entry.signature.name.to_string());
        names.insert(format!("{}_", entry.signature.name));
        for (place, name) in entry.function.found_at() {
            names.insert(name.to_string());
            names.insert(format!("{place}_{name}")); // special_i1
        }
    }
    let mut folders = vec![Path::new(env!("CARGO_MANIFEST_DIR")).join("src")];
    while let Some(folder) = folders.pop() {
        for path in std::fs::read_dir(folder).unwrap().flatten() {
            if path.path().is_dir() {
                folders.push(path.path());
                continue;
            }
            let source = std::fs::read_to_string(path.path()).unwrap();
            for part in source.split("pub fn ").skip(1) {
                let end = part.find(|c: char| !c.is_alphanumeric() && c != '_');
                names.insert(part[..end.unwrap_or(0)].to_string());
            }
        }
    }
    names
}

/// In order, and by name.
type Arguments = (Vec<Value>, Vec<(String, Value)>);

/// Calls that are wrong in one argument each; some are right after all.
fn broken(call: &Call) -> Vec<Arguments> {
    let strange = |v: &Value| -> Vec<Value> {
        match v {
            Value::Tensor(t) => vec![
                Value::Tensor(ones(&[7, 5, 3]).to(t.dtype()).unwrap()),
                Value::Tensor(Tensor::zeros([0], t.dtype()).unwrap()),
                Value::Tensor(t.to(DType::Bool).unwrap()),
                Value::Tensor(t.detach().to(DType::I64).unwrap()),
                Value::Tensor(t.detach().to(DType::I32).unwrap()),
                Value::Tensor(t.to(DType::F64).unwrap()),
                Value::Tensor(t.detach().to(DType::I64).unwrap().add(1000).unwrap()),
                Value::Str("strange".into()),
            ],
            Value::Int(_) => [9, -9, -1].map(Value::Int).into(),
            Value::Float(_) => [-2.5, f64::NAN].map(Value::Float).into(),
            Value::Str(_) => vec![Value::Str("strange".into()), Value::Int(1)],
            Value::List(list) if list.iter().all(|v| matches!(v, Value::Int(_))) => vec![
                Value::List(vec![Value::Int(9), Value::Int(-9)]),
                Value::List(vec![Value::Int(0), Value::Int(0)]),
                Value::List(vec![]),
            ],
            Value::List(list) => vec![
                Value::List(vec![]),
                Value::List(
                    (list.iter().cloned())
                        .chain([Value::Tensor(ones(&[7, 5, 3]))])
                        .collect(),
                ),
            ],
            _ => Vec::new(),
        }
    };
    let mut all = vec![(call.args.clone(), call.kwargs.clone())];
    for (i, v) in call.args.iter().enumerate() {
        for other in strange(v) {
            let mut args = call.args.clone();
            args[i] = other;
            all.push((args, call.kwargs.clone()));
        }
    }
    for (i, (_, v)) in call.kwargs.iter().enumerate() {
        for other in strange(v) {
            let mut kwargs = call.kwargs.clone();
            kwargs[i].1 = other;
            all.push((call.args.clone(), kwargs));
        }
    }
    all.push((call.args[..call.args.len().min(1)].to_vec(), Vec::new()));
    all
}

#[test]
fn every_function_of_the_list_names_itself() {
    let public = public();
    // PyTorch's sentences have these words for what they mean in prose.
    const PROSE: &[&str] = &["alias", "columns"];
    let internal: Vec<&str> = (OPS.iter().map(|def| def.name))
        .filter(|name| !public.contains(*name) && !PROSE.contains(name))
        .collect();
    assert!(internal.contains(&"class_positions") && internal.contains(&"along_dim"));
    // What backward says of a primitive is a name that can be called too.
    let unknown: Vec<&str> = (OPS.iter().map(|def| def.known_as()))
        .filter(|name| !public.contains(*name))
        .collect();
    assert!(unknown.is_empty(), "{unknown:?}");
    let (mut errors, mut wrong) = (0, BTreeSet::new());
    for entry in entries() {
        let function = entry.function;
        let texts = (function.samples.iter().take(4)).chain(function.errors);
        for text in texts {
            let Ok(call) = Call::parse(text.trim_start_matches('~'), DType::F32) else {
                continue;
            };
            for (args, kwargs) in broken(&call) {
                let named: Vec<(&str, Value)> = kwargs
                    .iter()
                    .map(|(k, v)| (k.as_str(), v.clone()))
                    .collect();
                let name = entry.signature.name;
                let called = catch_unwind(AssertUnwindSafe(|| entry.call(&args, &named)));
                let Ok(called) = called else {
                    wrong.insert(format!("{name}({text}) panics"));
                    continue;
                };
                if let Err(e) = called {
                    errors += 1;
                    if e.op_name() != Some(name) {
                        wrong.insert(format!("{name} says {:?}: {e}", e.op_name()));
                    }
                    let text = e.to_string();
                    let words: Vec<&str> = text
                        .split(|c: char| !c.is_alphanumeric() && c != '_')
                        .collect();
                    for word in internal.iter().filter(|w| words.contains(*w)) {
                        wrong.insert(format!("{name} says {word}: {text}"));
                    }
                }
                // Without the list: the method, as a program in Rust calls it. Histograms have none.
                if function.name().starts_with("hist") {
                    continue;
                }
                let Ok(bound) = entry.signature.bind(&args, &named) else {
                    continue;
                };
                if let Err(e) = (function.call)(&Args::new(&entry.signature, &bound))
                    && let Some(op) = e.op_name()
                    && !public.contains(op)
                {
                    wrong.insert(format!("the method of {name} says {op}: {e}"));
                }
            }
        }
    }
    assert!(errors > 3000, "only {errors} errors");
    let wrong: Vec<_> = wrong.into_iter().collect();
    assert!(
        wrong.is_empty(),
        "{} of {errors}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
}

#[track_caller]
fn named<T>(result: Result<T>, line: u32, method: &str) -> Error {
    let Err(e) = result else {
        panic!("{method}: no error")
    };
    assert_eq!(e.op_name(), Some(method), "{e}");
    let site = e.site().unwrap_or_else(|| panic!("no line: {e}"));
    assert!(site.file().ends_with("errors_named.rs"), "{e}");
    assert_eq!(site.line(), line, "{e}");
    assert_eq!(format!("{e:?}"), e.to_string());
    e
}

macro_rules! each {
    ($($x:expr => $method:ident $args:tt;)*) => {
        $({ let x = $x; named(x.$method $args, line!(), stringify!($method)); })*
    };
}

#[test]
#[rustfmt::skip] // one call a line, so that the line is the caller's
fn every_method_names_itself() {
    let (a, m, i) = (|| ones(&[2]), || ones(&[2, 3]), || ints(&[1, 2]));
    let leaf = || ones(&[2]).requires_grad_(true).unwrap();
    each! {
        a() => add(&ones(&[3]));
        a() => add_(&ones(&[3]));
        a() => sub_(&ones(&[3]));
        a() => sub_scaled_(&ones(&[3]), 0.1);
        a() => add_scaled_(&ones(&[3]), 0.1);
        a() => rsub(&ones(&[3]), 1.0);
        a() => div_(&ones(&[3]));
        a() => pow(&ones(&[3]));
        a() => pow_(&ones(&[3]));
        a() => maximum(&ones(&[3]));
        a() => atan2(&ones(&[3]));
        a() => gt(&ones(&[3]));
        a() => logical_and(&ones(&[3]));
        a() => where_(&a().gt(0.0).unwrap(), &ones(&[3]));
        a() => masked_fill(&a(), 0.0);
        a() => masked_fill_(&a(), 0.0);
        a() => copy_(&ones(&[3]));
        leaf() => zero_();
        leaf() => fill_(1.0);
        leaf() => exp_();
        leaf() => relu_();
        leaf() => square_();
        leaf() => set(0, 1.0);
        a() => set(2, 1.0);
        a() => set(&ints(&[5]), 1.0);
        a() => index(2);
        a() => index(&ints(&[5]));
        a() => select(0, 2);
        a() => narrow(0, 1, 5);
        a() => take(&ints(&[2]));
        a() => gather(0, &ints(&[2]));
        a() => take_along_dim(&a(), Some(0));
        a() => index_select(0, &ints(&[2]));
        a() => scatter(0, &ints(&[2]), 1.0);
        a() => scatter_(0, &ints(&[2]), 1.0);
        a() => index_add(0, &ints(&[5]), &ones(&[1]), 1.0);
        a() => index_put(&[&ints(&[9])], &ones(&[1]), false);
        i() => div_rounded(0, Some(Rounding::Floor));
        i() => floor_divide(0);
        i() => remainder(0);
        i() => requires_grad_(true);
        m() => sum_dims(&[2], false);
        m() => mean_dims(&[2], false);
        i() => mean();
        m() => prod_dim(4, false);
        m() => amax(&[4], false);
        m() => var(&[4], 1.0, false);
        m() => softmax(2);
        m() => softmin(2);
        m() => logsumexp(&[4], false);
        m() => reshape([4]);
        m() => flatten_dims(1, 0);
        m() => squeeze_dims(&[5]);
        m() => expand([4, 3]);
        m() => expand_as(&ones(&[4, 3]));
        m() => tile([1i64 << 40, 1 << 40]);
        m() => matmul(&m());
        m() => mm(&m());
        m() => mv(&a());
        m() => linear(&m().t().unwrap(), None);
        m() => mse_loss(&a(), Reduction::Mean, None);
        m() => l1_loss(&a(), Reduction::Mean, None);
        m() => smooth_l1_loss(&a(), Reduction::Mean, 1.0);
        m() => huber_loss(&a(), Reduction::Mean, 1.0, None);
        m() => nll_loss(&ints(&[0, 3]), None, -100, Reduction::Mean);
        m() => cross_entropy(&ints(&[0, 7]), Default::default());
        m() => layer_norm(&[2], None, None, 1e-5);
        m() => pad(&[1], PadMode::Constant, None);
        a() => number();
        a() => item_f64();
        a() => size(3);
        a() => retain_grad();
    }
    named(a().get::<f32>(2), line!(), "get");
    named(a().to_vec::<f64>(), line!(), "to_vec");
    named(ones(&[1]).mul(1.7).unwrap().get::<i64>(0), line!(), "get");
    named(cat::<Tensor>(&[], 0), line!(), "cat");
    named(stack::<Tensor>(&[], 0), line!(), "stack");
    named(hstack::<Tensor>(&[]), line!(), "hstack");
    named(einsum("ij,jk->ik", &[&m(), &m()]), line!(), "einsum");
    named(meshgrid::<Tensor>(&[], "ij"), line!(), "meshgrid");
    named(one_hot(&ints(&[5]), 3), line!(), "one_hot");
    named(randint(5, 5, [2], DType::I64), line!(), "randint");
    named(Tensor::from_slice(&[1.0f32], [2]), line!(), "from_slice");
    named(Tensor::ones([1 << 50], DType::F32), line!(), "ones");
}

#[test]
fn values_that_were_wrong_are_said() {
    let text = |r: Result<Tensor>| r.unwrap_err().to_string();
    let m = ones(&[2, 3]);
    for (found, parts) in [
        (
            text(m.gather(0, &ints(&[5]).reshape([1, 1]).unwrap())),
            ["5", "2"],
        ),
        (text(m.index_select(1, &ints(&[7]))), ["7", "3"]),
        (text(m.take(&ints(&[9]))), ["9", "6"]),
        (text(m.index(ints(&[4]))), ["4", "2"]),
        (
            text(m.nll_loss(&ints(&[0, 3]), None, -100, Reduction::Mean)),
            ["3", "out of bounds"],
        ),
        (
            text(ints(&[5]).embedding(&m, Default::default())),
            ["5", "2"],
        ),
        (
            text(m.scatter(0, &ints(&[6]).reshape([1, 1]).unwrap(), 1.0)),
            ["6", "2"],
        ),
    ] {
        for part in parts {
            assert!(found.contains(part), "{part} is missing in\n{found}");
        }
    }
}

#[test]
fn a_number_that_an_element_is_not_is_an_error() -> Result<()> {
    let x = Tensor::from_slice(&[1.7f32, 2.0, -1.0, f32::NAN, 1e30], [5])?;
    assert!(x.get::<i64>(0).is_err() && x.get::<u8>(2).is_err());
    assert_eq!((x.get::<i64>(1)?, x.get::<u8>(1)?), (2, 2));
    assert!(x.get::<i64>(3).is_err() && x.get::<i64>(4).is_err() && x.get::<bool>(1).is_err());
    assert!(x.get::<f64>(3)?.is_nan());
    let big = Tensor::from_slice(
        &[9.3e18f64, 9_223_372_036_854_775_807_i64 as f64, 1e300],
        [3],
    )?;
    assert!((0..2).all(|k| big.get::<i64>(k).is_err()));
    assert!(big.get::<f32>(2).is_err());
    assert_eq!(Tensor::from_slice(&[0.1f64], [1])?.get::<f32>(0)?, 0.1f32);
    let e = x.get::<i64>(0).unwrap_err().to_string();
    assert!(e.starts_with("the element is 1.7"), "{e}");
    Ok(())
}

#[test]
fn doubles_among_floats_are_said_where_they_first_hurt() -> Result<()> {
    let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    // A literal: the tensor is float64, and so is the sum.
    let y = x.add(&Tensor::from_slice(&[0.5, 0.5], [2])?)?;
    assert_eq!(y.dtype(), DType::F64);
    let w = ones(&[3, 2]);
    for e in [
        w.matmul(&y).unwrap_err(),
        x.dot(&y).unwrap_err(),
        ones(&[1, 2]).linear(&w.to(DType::F64)?, None).unwrap_err(),
        y.to_vec::<f32>().unwrap_err(),
        x.clone()
            .requires_grad_(true)?
            .set_grad(Some(y.clone()))
            .unwrap_err(),
    ] {
        let text = e.to_string();
        assert!(text.contains("help: ") && text.contains("0.5f32"), "{text}");
        let python = e.notes_in_python().join("\n");
        assert!(
            !python.contains("f32`") && python.contains("x.float()"),
            "{python}"
        );
    }
    Ok(())
}

#[test]
fn errors_of_streams_become_errors_of_the_library() {
    fn draw() -> Result<Vec<f64>> {
        let mut rng = pullback::random::numpy::default_rng(0);
        Ok(rng.normal(0.0, -1.0, 3)?)
    }
    let e = draw().unwrap_err();
    assert_eq!(e.message(), "scale < 0");
    assert!(
        e.site()
            .is_some_and(|s| s.file().ends_with("errors_named.rs")),
        "{e}"
    );
}

/// What `fn main() -> pullback::Result<()>` prints when it ends in an error is what `Display` prints.
#[test]
fn debug_is_display() -> Result<()> {
    let x = ones(&[2]).requires_grad_(true)?;
    let loss = x.exp()?.sum()?;
    loss.backward_with(None, BackwardOptions::default())?;
    let e = loss.backward().unwrap_err();
    assert_eq!(format!("{e:?}"), format!("{e}"));
    assert!(format!("{e:?}").contains("BackwardOptions::NEW.retain_graph(true)"));
    Ok(())
}
