//! NumPy's `.npz`: a zip archive of `.npy` files.

use super::atomic::{put, replace};
use super::npy::{npy_bytes, parse_npy};
use super::zip::{Archive, Writer};
use super::{of_file, read};
use crate::Result;
use crate::nn::NamedTensors;
use std::path::Path;

/// The bytes of a `.npz` file of these tensors, stored as they are.
///
/// # Errors
/// For a dtype that NumPy does not have, two tensors of one name, and more than 4 GiB.
pub fn npz_bytes(tensors: &NamedTensors) -> Result<Vec<u8>> {
    tensors.by_name()?;
    let mut archive = Writer::default();
    for (name, t) in tensors.iter() {
        let added = npy_bytes(t).and_then(|bytes| archive.add(&format!("{name}.npy"), &bytes));
        added.map_err(|e| e.note(format!("of `{name}`")))?;
    }
    archive.finish()
}

/// Writes tensors to a `.npz` file. NumPy's `np.savez(path, **arrays)`.
///
/// # Errors
/// Those of the file system, with the path; a dtype that NumPy does not have; more than 4 GiB.
pub fn save_npz(path: impl AsRef<Path>, tensors: &NamedTensors) -> Result<()> {
    let bytes = npz_bytes(tensors)?;
    replace(path.as_ref(), |file| put(file, &bytes))
}

/// Reads a `.npz` file, compressed or not. NumPy's `np.load(path)`; never runs anything.
///
/// # Errors
/// Those of the file system and of files that are none, with the path.
pub fn load_npz(path: impl AsRef<Path>) -> Result<NamedTensors> {
    let path = path.as_ref();
    of_file(path, parse_npz(&read(path)?))
}

/// Reads the bytes of a `.npz` file.
///
/// # Errors
/// For bytes that are no such file; for arrays as [`parse_npy`].
pub fn parse_npz(file: &[u8]) -> Result<NamedTensors> {
    let archive = Archive::open(file)?;
    let mut all = NamedTensors::new();
    for entry in archive.entries() {
        let name = entry.name.strip_suffix(".npy").unwrap_or(&entry.name);
        let t = (archive.read(entry)).and_then(|bytes| parse_npy(&bytes));
        all.push(name, t.map_err(|e| e.note(format!("of `{name}`")))?);
    }
    all.by_name()?;
    Ok(all)
}
