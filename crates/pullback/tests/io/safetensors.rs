//! The format of safetensors.

use super::Folder;
use pullback::io::safetensors::{self, parse, to_bytes};
use pullback::nn::{Linear, Module, NamedTensors};
use pullback::{DType, Result, Tensor, io};

/// As the format's description has it, written by hand.
fn by_hand(header: &str, data: &[u8]) -> Vec<u8> {
    [
        &(header.len() as u64).to_le_bytes()[..],
        header.as_bytes(),
        data,
    ]
    .concat()
}

#[test]
fn a_file_by_hand_is_read() -> Result<()> {
    let header = r#"{"__metadata__":{"format":"pt"},"b":{"dtype":"I64","shape":[],"data_offsets":[8,16]},"a":{"dtype":"F32","shape":[1,2],"data_offsets":[0,8]}}  "#;
    let data: Vec<u8> = [1.5f32.to_le_bytes(), (-2.0f32).to_le_bytes()].concat();
    let file = parse(&by_hand(header, &[&data[..], &7i64.to_le_bytes()].concat()))?;
    assert_eq!(file.tensors.names().collect::<Vec<_>>(), ["a", "b"]);
    assert_eq!(file.tensors["a"].shape()[..], [1, 2]);
    assert_eq!(file.tensors["a"].to_vec::<f32>()?, [1.5, -2.0]);
    assert_eq!(file.tensors["b"].to_vec::<i64>()?, [7]);
    assert_eq!(file.metadata, [("format".into(), "pt".into())]);
    Ok(())
}

#[test]
fn every_dtype_goes_through() -> Result<()> {
    use DType::*;
    let folder = Folder::new("dtypes");
    let path = folder.0.join("all.safetensors");
    let x = Tensor::from_slice(&[0.0f64, 1.0, 3.0, 100.0, 0.0, 2.0], [2, 3])?;
    let mut all = NamedTensors::new();
    for dtype in [
        Bool, U8, I8, I16, U16, I32, U32, I64, U64, F16, BF16, F32, F64,
    ] {
        all.insert(format!("{dtype} é\"\\"), x.to(dtype)?);
    }
    // Strides, no elements, no dimensions.
    all.insert("turned", x.t()?);
    all.insert("empty", Tensor::zeros([0, 4], F32)?);
    all.insert("scalar", Tensor::scalar(f64::NAN));
    io::save(&path, &all)?;
    let again = io::load(&path)?;
    assert_eq!(again.len(), all.len());
    for (name, want) in all.iter() {
        let got = &again[name];
        assert!(got.array().bits_equal(&want.array())?, "{name}");
        assert!(!got.requires_grad());
    }
    // The numbers begin at a multiple of eight bytes.
    let bytes = std::fs::read(&path).unwrap();
    assert_eq!(u64::from_le_bytes(bytes[..8].try_into().unwrap()) % 8, 0);
    assert_eq!(to_bytes(&all, &[])?, bytes);
    Ok(())
}

/// A tensor of two names is written once, and is one tensor again.
#[test]
fn tied_tensors_are_written_once() -> Result<()> {
    let w = Tensor::ones([1000], DType::F32)?;
    let all: NamedTensors = [("a", w.clone()), ("b.c", w.clone()), ("d", w.copy()?)]
        .into_iter()
        .collect();
    let bytes = to_bytes(&all, &[("note", "text")])?;
    assert!(bytes.len() < 2 * 4000 + 400, "{}", bytes.len());
    let file = parse(&bytes)?;
    assert_eq!(file.tensors.len(), 3);
    assert!(file.tensors["a"].is(&file.tensors["b.c"]));
    assert!(!file.tensors["a"].is(&file.tensors["d"]));
    assert_eq!(file.metadata, [("note".into(), "text".into())]);
    // A model whose weights are tied loads it by all names.
    let model = (w.clone(), vec![w]);
    model.load(&parse(&to_bytes(&model.state(), &[])?)?.tensors)?;
    Ok(())
}

#[test]
fn errors_name_the_file_and_the_tensor() -> Result<()> {
    let folder = Folder::new("named");
    let path = folder.0.join("model.safetensors");
    let e = io::load(&path).unwrap_err();
    assert!(e.to_string().contains("model.safetensors"), "{e}");
    io::save(&path, &Linear::new(2, 3)?.state())?;
    let whole = std::fs::read(&path).unwrap();
    std::fs::write(&path, &whole[..whole.len() - 4]).unwrap();
    let e = io::load(&path).unwrap_err();
    assert!(
        e.to_string()
            .contains("the tensors have 36 bytes, but the file has 32 for them"),
        "{e}"
    );
    assert!(e.to_string().contains("model.safetensors"), "{e}");
    let twice: NamedTensors = [("a", Tensor::scalar(1f32)), ("a", Tensor::scalar(2f32))]
        .into_iter()
        .collect();
    assert!(safetensors::save(&path, &twice, &[]).is_err());
    assert_eq!(std::fs::read(&path).unwrap().len(), whole.len() - 4);
    Ok(())
}

/// Headers that lie, each by one word.
#[test]
fn headers_that_lie_are_errors() {
    let good = r#"{"a":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#;
    assert!(parse(&by_hand(good, &[0; 8])).is_ok());
    let lies = [
        (r#""F32""#, r#""F33""#, "is of dtype \"F33\""),
        (r#""dtype":"F32","#, "", "has no dtype"),
        ("[2]", "[3]", "cannot lie in bytes 0 to 8"),
        ("[2]", "[18446744073709551615]", "cannot lie"),
        ("[2]", "[4611686018427387904,4]", "cannot lie"),
        ("[2]", "[-2]", "has no shape"),
        ("[2]", "[2.0]", "has no shape"),
        ("[0,8]", "[8,0]", "cannot lie"),
        ("[0,8]", "[8,16]", "begin at 8 and not at 0"),
        ("[0,8]", "[0]", "has no data_offsets"),
        (
            r#""a":"#,
            r#""__metadata__":{"x":1},"a":"#,
            "the note `x` is no text",
        ),
        (
            "}}",
            r#"},"a":{"dtype":"F32","shape":[0],"data_offsets":[8,8]}}"#,
            "stands in the header twice",
        ),
        ("{\"a\"", "[\"a\"", "no JSON"),
    ];
    for (word, lie, want) in lies {
        let header = good.replacen(word, lie, 1);
        let e = parse(&by_hand(&header, &[0; 8])).unwrap_err();
        assert!(e.message().contains(want), "{header}: {e}");
    }
    assert!(parse(&by_hand(good, &[0; 9])).is_err());
    let mut long = by_hand(good, &[0; 8]);
    long[..8].copy_from_slice(&u64::MAX.to_le_bytes());
    let e = parse(&long).unwrap_err();
    assert!(
        e.message()
            .contains("the header would have 18446744073709551615 bytes"),
        "{e}"
    );
}
