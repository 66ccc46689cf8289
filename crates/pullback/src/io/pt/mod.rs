//! PyTorch's files, `.pt` and `.pth`: read without running anything, and written so that `torch.load(weights_only=True)` takes them.
//!
//! ```
//! use pullback::io::pt::{self, Value};
//! use pullback::nn::{Linear, Module};
//! use pullback::Tensor;
//! # let path = std::env::temp_dir().join(format!("pullback-pt-{}", std::process::id()));
//! let model = Linear::new(2, 3)?;
//! pt::save(&path, &model.state())?; // torch.load(path) is a dict: {'weight': tensor(…), 'bias': tensor(…)}
//! let again = Linear::new(2, 3)?;
//! again.load(&pt::load_state(&path)?)?;
//! assert!(again.weight.equal(&model.weight)?);
//!
//! // {'model': {…}, 'epoch': 3}
//! let all = Value::Dict(vec![("model".into(), Value::from(&model.state())), ("epoch".into(), 3i64.into())]);
//! pt::save_value(&path, &all)?;
//! let file = pt::load(&path)?;
//! assert_eq!(file.get("epoch").and_then(Value::number), Some(3.0));
//! assert_eq!(pt::load_state(&path)?.under("model").names().collect::<Vec<_>>(), ["weight", "bias"]);
//! # std::fs::remove_file(&path).unwrap();
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! A file of PyTorch's is a pickle, which is a program. The reader here knows a closed list of its instructions and of what they may call (`torch._utils._rebuild_tensor_v2`
//! and its kin); an object of any other class is its class and its state. So a module that was saved whole gives its `state_dict`, though its class is nowhere.
//! Both formats are read, that of today (a zip archive) and that from before PyTorch 1.6. Memory that tensors share is one memory again, views stay views.
//! Nothing is allocated for a size that a file merely claims, check sums are looked at, and files of big-endian machines are refused.

mod called;
mod node;
mod read;
mod tree;
mod unpickle;
mod value;
mod write;

pub use value::{Object, Value};

use super::atomic::replace;
use super::{of_file, read as bytes_of};
use crate::Result;
use crate::nn::NamedTensors;
use std::path::Path;

/// Reads a file. PyTorch's `torch.load(path, weights_only=True)`, but for classes that are not known, which are objects without behaviour.
///
/// # Errors
/// Those of the file system and of files that are none, with the path; values that contain themselves.
pub fn load(path: impl AsRef<Path>) -> Result<Value> {
    let path = path.as_ref();
    of_file(path, parse(&bytes_of(path)?))
}

/// All tensors of a file by name: of a state dict, its keys; of what nests, the keys and places on the way with dots between them; of a module that was saved whole, its
/// `state_dict()`.
///
/// # Errors
/// As [`load`]; two tensors of one name.
pub fn load_state(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let path = path.as_ref();
    of_file(path, parse_state(&bytes_of(path)?))
}

/// As [`load`], of a file's bytes.
///
/// # Errors
/// As [`load`], without a file.
pub fn parse(file: &[u8]) -> Result<Value> {
    read::opened(file, |mut maker, graph| maker.value(graph.root))
}

/// As [`load_state`], of a file's bytes.
///
/// # Errors
/// As [`load_state`], without a file.
pub fn parse_state(file: &[u8]) -> Result<NamedTensors> {
    read::opened(file, |mut maker, _| maker.state())
}

/// Writes tensors as a state dict, which require no gradients. PyTorch's `torch.save(model.state_dict(), path)`.
///
/// # Errors
/// As [`save_value`].
pub fn save(path: impl AsRef<Path>, tensors: &NamedTensors) -> Result<()> {
    tensors.by_name()?;
    let detached: NamedTensors = write::detached(tensors);
    save_value(path, &Value::from(&detached))
}

/// Writes a value. PyTorch's `torch.save(value, path)`, in today's format.
///
/// Memory that tensors share is written once.
///
/// # Errors
/// Those of the file system, with the path; dtypes that PyTorch does not have; objects.
pub fn save_value(path: impl AsRef<Path>, value: &Value) -> Result<()> {
    replace(path.as_ref(), |file| write::write(file, value))
}

/// The bytes of a file of this value.
///
/// # Errors
/// As [`save_value`], without a file.
pub fn to_bytes(value: &Value) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write::write(&mut out, value)?;
    Ok(out)
}
