//! PyTorch's files: those that PyTorch wrote (`golden/make_pt.py`), one that PyTorch reads, and such as nobody should.

use super::{Folder, pickles};
use pullback::io::pt::{self, Value};
use pullback::nn::NamedTensors;
use pullback::{DType, Result, Tensor};
use std::path::PathBuf;
use std::time::{Duration, Instant};

fn golden(name: &str) -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    folder.join("tests/golden/pt").join(name)
}

fn bytes(name: &str) -> Vec<u8> {
    std::fs::read(golden(name)).unwrap()
}

fn expected() -> serde_json::Value {
    serde_json::from_slice(&bytes("expected.json")).unwrap()
}

#[test]
fn tensors_of_pytorch_are_read() -> Result<()> {
    for (file, want) in expected().as_object().unwrap() {
        let all = pt::load_state(golden(&format!("{file}.pt")))?;
        let names: Vec<&str> = all.names().collect();
        let known: Vec<&String> = want.as_object().unwrap().keys().collect();
        assert_eq!(names, known, "{file}");
        for (name, t) in all.iter() {
            let want = &want[name];
            assert_eq!(t.dtype().name(), want["dtype"], "{file} {name}");
            let shape: Vec<usize> = serde_json::from_value(want["shape"].clone()).unwrap();
            assert_eq!(t.shape()[..], shape, "{file} {name}");
            let strides: Vec<isize> = serde_json::from_value(want["strides"].clone()).unwrap();
            assert_eq!(t.array().layout().strides()[..], strides, "{file} {name}");
            // Texts, which are read to the last bit.
            let texts: Vec<String> = serde_json::from_value(want["values"].clone()).unwrap();
            let values: Vec<f64> = texts.iter().map(|x| x.parse().unwrap()).collect();
            assert_eq!(t.to_f64_vec()?, values, "{file} {name}");
            assert_eq!(t.requires_grad(), want["grad"], "{file} {name}");
        }
    }
    Ok(())
}

/// What shared memory shares it, and what was one tensor is one.
#[test]
fn views_stay_views() -> Result<()> {
    for file in ["views.pt", "views_legacy.pt"] {
        let all = pt::load_state(golden(file))?;
        assert!(all["base"].is(&all["same"]), "{file}");
        let shares = |name: &str| {
            let (a, b) = (all["base"].array().clone(), all[name].array().clone());
            a.storage().shares_memory(b.storage())
        };
        assert!(shares("turned") && shares("row") && shares("column") && shares("wide"));
        assert!(!shares("scalar") && !shares("leaf"));
        all["row"].fill_(-1.0)?;
        assert_eq!(all["turned"].to_f64_vec()?[7], -1.0, "{file}");
    }
    Ok(())
}

#[test]
fn values_of_pytorch_are_read() -> Result<()> {
    for file in ["nested.pt", "nested_legacy.pt"] {
        let all = pt::load(golden(file))?;
        let get = |name: &str| all.get(name).unwrap_or_else(|| panic!("{file}: {name}"));
        assert_eq!(get("epoch").number(), Some(3.0));
        assert_eq!(get("loss").number(), Some(0.5));
        assert_eq!(get("name").text(), Some("é, λ"));
        assert!(matches!(get("nothing"), Value::None) && matches!(get("yes"), Value::Bool(true)));
        assert!(matches!(get("bytes"), Value::Bytes(b) if **b == *b"\x00\xffa"));
        assert!(matches!(get("large"), Value::Int(x) if *x == 1 << 70));
        assert!(matches!(get("small"), Value::Int(x) if *x == -(1 << 40)));
        assert!(matches!(get("dtype"), Value::DType(DType::F16)));
        assert_eq!(get("device").text(), Some("cpu"));
        assert!(matches!(get("size"), Value::Tuple(all) if all.len() == 2));
        assert!(matches!(get("set"), Value::Set(all) if all.len() == 1));
        let Value::List(list) = get("list") else {
            panic!("{file}");
        };
        assert_eq!(list[2].tensor().unwrap().to_vec::<f32>()?, [1.0]);
        let model = get("model").named()?;
        assert_eq!(model.names().collect::<Vec<_>>(), ["weight", "bias"]);
        let groups = get("optimizer").get("param_groups");
        assert!(
            matches!(groups, Some(Value::List(all)) if all[0].get("lr").and_then(Value::number) == Some(0.1))
        );
    }
    // A module is an object: its class is named, and nothing of it ran. This one has itself in a list.
    let e = pt::load(golden("module.pt")).unwrap_err();
    assert!(e.message().contains("contains itself"), "{e}");
    Ok(())
}

#[test]
fn what_is_not_read_says_why() {
    for (file, want) in [
        ("refused_big.pt", "big-endian"),
        ("refused_compressed.pt", "is compressed"),
        ("refused_script.pt", "a program of TorchScript"),
        ("expected.json", "none of torch.save's"),
    ] {
        let e = pt::load(golden(file)).unwrap_err().to_string();
        assert!(e.contains(want) && e.contains(file), "{file}: {e}");
    }
    let e = pt::load(golden("nowhere.pt")).unwrap_err().to_string();
    assert!(e.contains("cannot read") && e.contains("nowhere.pt"), "{e}");
}

/// What `golden/written.pt` holds, which `make_pt.py` reads with PyTorch.
fn written() -> Result<Value> {
    let base = Tensor::arange(12)?.to(DType::F32)?.reshape([3, 4])?;
    let mut tensors = vec![
        ("base".to_string(), base.clone()),
        ("turned".to_string(), base.t()?),
        ("row".to_string(), base.select(0, 1)?),
        ("same".to_string(), base),
    ];
    let leaf = Tensor::ones([2], DType::F32)?.requires_grad_(true)?;
    tensors.push(("leaf".to_string(), leaf));
    use DType::*;
    for dtype in [
        F32, F64, F16, BF16, I64, I32, I16, I8, U64, U32, U16, U8, Bool,
    ] {
        let x = Tensor::from_slice(&[0i64, 1, 3], [3])?.to(dtype)?;
        tensors.push((dtype.name().to_string(), x));
    }
    let tensors: NamedTensors = tensors.into_iter().collect();
    let inner = Value::Tuple(vec![1i64.into(), (-5i64).into()]);
    Ok(Value::Dict(vec![
        ("tensors".into(), Value::from(&tensors)),
        ("epoch".into(), 3i64.into()),
        ("lr".into(), 0.1.into()),
        ("name".into(), "é".into()),
        (
            "flags".into(),
            Value::List(vec![true.into(), Value::None, inner]),
        ),
        ("bytes".into(), Value::Bytes(b"\x00\xffa"[..].into())),
        ("large".into(), Value::Int(1 << 70)),
        ("dtype".into(), Value::DType(F16)),
    ]))
}

/// Byte for byte the file that PyTorch was given, and read again here.
#[test]
fn what_is_written_is_what_pytorch_reads() -> Result<()> {
    let own = pt::to_bytes(&written()?)?;
    if std::env::var_os("PULLBACK_WRITE").is_some() {
        std::fs::write(golden("written.pt"), &own).unwrap();
    }
    assert!(own == bytes("written.pt"), "other bytes than PyTorch read");
    let all = pt::parse(&own)?;
    let tensors = all.get("tensors").unwrap().named()?;
    assert!(tensors["base"].is(&tensors["same"]));
    let (a, b) = (
        tensors["base"].array().clone(),
        tensors["row"].array().clone(),
    );
    assert!(a.storage().shares_memory(b.storage()));
    assert!(tensors["leaf"].requires_grad());
    assert_eq!(tensors["turned"].array().layout().strides()[..], [1, 4]);
    Ok(())
}

#[test]
fn states_go_both_ways() -> Result<()> {
    let folder = Folder::new("pt");
    let path = folder.0.join("model.pt");
    let w = Tensor::ones([1000], DType::F32)?.requires_grad_(true)?;
    let all: NamedTensors = [
        ("a", w.clone()),
        ("b.c", w),
        ("d", Tensor::scalar(f64::NAN)),
    ]
    .into_iter()
    .collect();
    pt::save(&path, &all)?;
    assert!(std::fs::metadata(&path).unwrap().len() < 6000);
    let again = pt::load_state(&path)?;
    assert!(again["a"].is(&again["b.c"]) && !again["a"].requires_grad());
    for (name, t) in all.iter() {
        assert!(again[name].array().bits_equal(&t.array())?, "{name}");
    }
    let dd: NamedTensors = [("x", Tensor::zeros([2], DType::Dd)?)]
        .into_iter()
        .collect();
    assert!(pt::save(&path, &dd).is_err());
    assert_eq!(pt::load_state(&path)?.len(), 3);
    let object = pt::parse(&pickles::archive(
        b"\x80\x02cos\nsystem\nX\x04\0\0\0true\x85R.",
        &[],
    ))?;
    assert!(matches!(&object, Value::Object(o) if o.class == "os.system"));
    assert!(pt::to_bytes(&object).is_err());
    Ok(())
}

/// A file cut at any byte is an error.
#[test]
fn every_beginning_is_an_error() {
    for name in ["list.pt", "nested_legacy.pt", "views_legacy.pt"] {
        let file = bytes(name);
        assert!(pt::parse_state(&file).is_ok());
        for end in 0..file.len() {
            assert!(
                pt::parse_state(&file[..end]).is_err(),
                "{name}: {end} of {}",
                file.len()
            );
        }
    }
}

/// Files made by hand to break a reader: each is an error, soon, and says what is wrong.
#[test]
fn hostile_files_are_errors() {
    for (name, file, want) in pickles::hostile() {
        for read in [
            (|b| pt::parse(b).map(drop)) as fn(&[u8]) -> Result<()>,
            |b| pt::parse_state(b).map(drop),
        ] {
            let start = Instant::now();
            let got = read(&file);
            let took = start.elapsed();
            assert!(took < Duration::from_secs(2), "{name}: {took:?}");
            // Nothing of an object is walked for tensors, so its ring is nothing to them.
            match got {
                Ok(()) => assert!(name.contains("(values)"), "{name} was read"),
                Err(e) => assert!(e.to_string().contains(want), "{name}: {e}"),
            }
        }
    }
}
