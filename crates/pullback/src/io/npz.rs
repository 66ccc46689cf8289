//! NumPy's `.npz`: a zip archive of `.npy` files.

use super::atomic::replace;
use super::npy::{npy_bytes, parse_npy};
use super::zip::{Archive, Writer};
use super::{of_file, read};
use crate::Result;
use crate::nn::NamedTensors;
use std::io::Write;
use std::path::Path;

/// Writes an archive, a tensor at a time.
fn write(to: &mut dyn Write, tensors: &NamedTensors) -> Result<()> {
    tensors.by_name()?;
    let mut archive = Writer::new(to);
    for (name, t) in tensors.iter() {
        let added = npy_bytes(t).and_then(|bytes| archive.add(&format!("{name}.npy"), &bytes));
        added.map_err(|e| e.note(format!("of `{name}`")))?;
    }
    archive.finish()
}

/// The bytes of a `.npz` file of these tensors, stored as they are.
///
/// # Errors
/// For a dtype that NumPy does not have, and two tensors of one name.
pub fn npz_bytes(tensors: &NamedTensors) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(&mut out, tensors)?;
    Ok(out)
}

/// Writes tensors to a `.npz` file. NumPy's `np.savez(path, **arrays)`.
///
/// # Errors
/// Those of the file system, with the path; a dtype that NumPy does not have; two tensors of one name.
pub fn save_npz(path: impl AsRef<Path>, tensors: &NamedTensors) -> Result<()> {
    replace(path.as_ref(), |file| write(file, tensors))
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
