//! NumPy's files, against NumPy's bytes.

use super::{Folder, bytes, golden};
use pullback::nn::NamedTensors;
use pullback::{DType, Result, Tensor, io};

#[test]
fn files_of_numpy_are_read() -> Result<()> {
    for entry in golden()["npy"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let x = io::parse_npy(&bytes(entry["hex"].as_str().unwrap()))?;
        assert_eq!(x.dtype().name(), entry["dtype"].as_str().unwrap(), "{name}");
        let shape: Vec<usize> = serde_json::from_value(entry["shape"].clone()).unwrap();
        assert_eq!(x.shape()[..], shape, "{name}");
        let values: Vec<f64> = serde_json::from_value(entry["values"].clone()).unwrap();
        assert_eq!(x.to_f64_vec()?, values, "{name}");
    }
    Ok(())
}

/// What is written is, byte for byte, what NumPy writes of the same array.
#[test]
fn files_are_those_of_numpy() -> Result<()> {
    for entry in golden()["npy"].as_array().unwrap() {
        let name = entry["name"].as_str().unwrap();
        let file = bytes(entry["hex"].as_str().unwrap());
        let x = io::parse_npy(&file)?;
        let own = io::npy_bytes(&x)?;
        assert!(
            io::parse_npy(&own)?.array().bits_equal(&x.array())?,
            "{name}"
        );
        // Other orders of bytes and dimensions are written in ours.
        if !name.starts_with('>') && name != "fortran" {
            assert_eq!(own, file, "{name}");
        }
    }
    let e = io::npy_bytes(&Tensor::ones([2], DType::BF16)?).unwrap_err();
    assert_eq!(
        e.message(),
        "NumPy has no bfloat16: convert the tensor first"
    );
    Ok(())
}

#[test]
fn archives_go_both_ways() -> Result<()> {
    let golden = golden();
    for kind in ["plain", "compressed"] {
        let all = io::parse_npz(&bytes(golden["npz"][kind].as_str().unwrap()))?;
        assert_eq!(
            all.names().collect::<Vec<_>>(),
            ["w", "steps", "text"],
            "{kind}"
        );
        for (name, t) in all.iter() {
            let want: Vec<f64> = serde_json::from_value(golden["arrays"][name].clone()).unwrap();
            assert_eq!(t.to_f64_vec()?, want, "{kind} {name}");
        }
    }
    let noise = io::parse_npz(&bytes(golden["npz"]["noise"].as_str().unwrap()))?;
    let want: Vec<u8> = serde_json::from_value(golden["noise"].clone()).unwrap();
    assert_eq!(noise["noise"].to_vec::<u8>()?, want);
    let folder = Folder::new("npz");
    let path = folder.0.join("all.npz");
    let all: NamedTensors = [
        ("a/b", Tensor::from_slice(&[1.0f32, 2.0], [1, 2])?),
        ("c", Tensor::scalar(3i64)),
    ]
    .into_iter()
    .collect();
    io::save_npz(&path, &all)?;
    let again = io::load_npz(&path)?;
    assert_eq!(again.names().collect::<Vec<_>>(), ["a/b", "c"]);
    for (name, t) in all.iter() {
        assert!(again[name].array().bits_equal(&t.array())?, "{name}");
    }
    Ok(())
}

#[test]
fn what_has_no_tensor_is_refused_by_name() {
    let refused = &golden()["refused"];
    let say = |name: &str| io::parse_npy(&bytes(refused[name].as_str().unwrap())).unwrap_err();
    assert_eq!(
        say("objects").message(),
        "elements of NumPy's dtype \"|O\" have no tensor"
    );
    assert!(
        say("records")
            .message()
            .starts_with("arrays of records have no tensor")
    );
    assert_eq!(
        say("texts").message(),
        "elements of NumPy's dtype \"<U2\" have no tensor"
    );
    assert_eq!(
        say("complex").message(),
        "elements of NumPy's dtype \"<c16\" have no tensor"
    );
}
