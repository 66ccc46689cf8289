//! Tensors in files: safetensors, NumPy's `.npy` and `.npz`, and, with the feature `pt`, PyTorch's `.pt`; all of them both ways. With the
//! feature `onnx` models are written as ONNX files.
//!
//! ```
//! use pullback::nn::{Linear, Module};
//! use pullback::{Result, io};
//! # let folder = std::env::temp_dir().join(format!("pullback-io-{}", std::process::id()));
//! # std::fs::create_dir_all(&folder).unwrap();
//! # let path = folder.join("model.safetensors");
//! let model = Linear::new(2, 3)?;
//! io::save(&path, &model.state())?;
//! let again = Linear::new(2, 3)?;
//! again.load(&io::load(&path)?)?;
//! assert!(again.weight.equal(&model.weight)?);
//! # std::fs::remove_dir_all(&folder).unwrap();
//! # Ok::<(), pullback::Error>(())
//! ```
//!
//! Files are written whole or not at all: beside their place, synced, then renamed. What a file says of itself is believed only as far as its bytes go: nothing is allocated
//! for a size that it merely claims. No dependencies: the formats are small.

mod atomic;
mod bytes;
mod json;
mod npy;
mod npz;
#[cfg(feature = "onnx")]
pub mod onnx;
#[cfg(feature = "pt")]
pub mod pt;
pub mod safetensors;
mod zip;

pub use atomic::write_atomically;
pub use npy::{load_npy, npy_bytes, parse_npy, save_npy};
pub use npz::{load_npz, npz_bytes, parse_npz, save_npz};

use crate::nn::NamedTensors;
use crate::{Error, ErrorKind, Result};
use std::path::Path;

/// Writes tensors to a `.safetensors` file; [`safetensors::save`] takes notes for the file besides.
///
/// # Errors
/// Those of the file system, with the path; a dtype that the format does not have.
pub fn save(path: impl AsRef<Path>, tensors: &NamedTensors) -> Result<()> {
    safetensors::save(path, tensors, &[])
}

/// Reads tensors from a `.safetensors` file.
///
/// # Errors
/// Those of the file system and of files that are none, with the path.
pub fn load(path: impl AsRef<Path>) -> Result<NamedTensors> {
    Ok(safetensors::load(path)?.tensors)
}

/// An error of the file system.
fn failed(what: &str, path: &Path, e: std::io::Error) -> Error {
    let text = format!("cannot {what} {}: {e}", path.display());
    Error::new(ErrorKind::Io, text).caused_by(e)
}

/// The bytes of a file.
///
/// # Errors
/// Where it cannot be read or its bytes have no room.
fn read(path: &Path) -> Result<Vec<u8>> {
    std::fs::read(path).map_err(|e| failed("read", path, e))
}

/// Says which file an error is about.
fn of_file<T>(path: &Path, result: Result<T>) -> Result<T> {
    result.map_err(|e| e.note(format!("in {}", path.display())))
}
