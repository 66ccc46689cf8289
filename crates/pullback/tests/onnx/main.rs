//! Models as ONNX files: read back, every graph is in order, and parameters have their names. The files stay in the tests' folder with examples of
//! inputs and results beside them, for `tests/golden/check_onnx.py`, which asks ONNX's checker and runs them elsewhere.

mod every;
mod functions;
mod models;
#[path = "../layers/more.rs"]
mod more;
#[path = "../layers/ordered.rs"]
mod ordered;
mod reader;
mod refused;
#[path = "../layers/spatial.rs"]
mod spatial;

pub(crate) use every::{plain, with};
use pullback::io::onnx::{self, Options};
use pullback::nn::{self, Module, NamedTensors};
use pullback::{DType, Result, Tensor, io, no_grad};
use reader::File;
use std::collections::HashSet;
use std::path::PathBuf;

/// Where the files are.
fn folder() -> PathBuf {
    let folder = PathBuf::from(env!("CARGO_TARGET_TMPDIR")).join("onnx");
    std::fs::create_dir_all(folder.join("functions")).expect("the tests' folder can be written");
    folder
}

/// Writes a model, and holds the file to what every file must be. With a batch that varies, the example beside it has another size.
fn held<M: Module>(
    name: &str,
    model: &M,
    inputs: &[&Tensor],
    how: Options,
    forward: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<File> {
    let names: Vec<String> = (0..inputs.len()).map(|k| format!("x{k}")).collect();
    let named: Vec<(&str, &Tensor)> = (names.iter().map(String::as_str))
        .zip(inputs.iter().copied())
        .collect();
    let bytes = onnx::export(model, &named, how.clone(), &forward)?;
    let path = folder().join(format!("{name}.onnx"));
    std::fs::write(&path, &bytes).expect("the tests' folder can be written");
    let x: Vec<Tensor> = (inputs.iter().enumerate())
        .map(|(k, x)| match how.dims.get(k).copied().unwrap_or(Some(0)) {
            Some(dim) if how.batch => pullback::cat(&[*x, *x, *x], dim as i64),
            _ => Ok((*x).clone()),
        })
        .collect::<Result<_>>()?;
    let (_quiet, _mode) = (no_grad(), nn::eval());
    let y = forward(model, &x)?;
    let mut values = NamedTensors::default();
    for (side, all) in [("x", &x), ("y", &y)] {
        for (k, t) in all.iter().enumerate() {
            values.insert(format!("{side}{k}"), t.clone());
        }
    }
    // NumPy has no bfloat16: such files are checked, and not run.
    if !values.iter().any(|(_, t)| t.dtype() == DType::BF16) {
        let values = io::npz_bytes(&values)?;
        std::fs::write(path.with_extension("npz"), values)
            .expect("the tests' folder can be written");
    }
    let file = reader::read(&bytes);
    sound(name, &file, model);
    assert_eq!(file.outputs.len(), y.len(), "{name}: results");
    for (end, t) in (file.inputs.iter().zip(&x)).chain(file.outputs.iter().zip(&y)) {
        assert_eq!(
            end.dtype,
            reader::number_of(t.dtype()),
            "{name}: {}",
            end.name
        );
        assert_eq!(end.sizes.len(), t.ndim(), "{name}: {}", end.name);
        for (said, n) in end.sizes.iter().zip(t.shape().iter()) {
            let fixed = said.parse::<usize>();
            assert!(
                fixed.is_ok_and(|said| said == *n) || said.contains("batch"),
                "{name}: {said}, not {n}"
            );
        }
    }
    Ok(file)
}

/// Every value is made before it is read, once; constants of a parameter's name have its shape.
fn sound(model: &str, file: &File, module: &impl Module) {
    assert_eq!(file.opset, 18);
    let mut made: HashSet<&str> = HashSet::from([""]);
    let constants = file.constants.iter().map(|(name, _)| name);
    for name in file.inputs.iter().map(|i| &i.name).chain(constants) {
        assert!(made.insert(name), "{model}: {name} is there twice");
    }
    for node in &file.nodes {
        for input in &node.inputs {
            let known = made.contains(input.as_str());
            assert!(
                known,
                "{model}: {} reads {input} before it is made",
                node.kind
            );
        }
        for output in &node.outputs {
            assert!(made.insert(output), "{model}: {output} is made twice");
        }
    }
    for end in &file.outputs {
        assert!(
            made.contains(end.name.as_str()),
            "{model}: nobody makes {}",
            end.name
        );
    }
    for (name, t) in module.state() {
        let own = file.constants.iter().find(|(known, _)| *known == name);
        if let Some((_, shape)) = own {
            let same = (shape.iter().map(|&n| n as usize)).eq(t.shape().iter().copied());
            assert!(same, "{model}: {name} has another shape");
        }
    }
}
