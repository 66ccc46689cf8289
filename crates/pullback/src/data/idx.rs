//! The IDX format, in which images and labels of MNIST and its kin come.

use crate::core::fail::{bail, ensure, error};
use crate::{Array, DType, Error, ErrorKind, Result, Shape, Tensor};
use std::path::Path;

/// Reads an IDX file that is not compressed.
///
/// # Errors
/// Those of the file system and of files that are none, with the path.
pub fn load_idx(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    let file = std::fs::read(path).map_err(|e| {
        Error::new(
            ErrorKind::Io,
            format!("cannot read {}: {e}", path.display()),
        )
        .caused_by(e)
    })?;
    parse_idx(&file).map_err(|e| e.note(format!("in {}", path.display())))
}

/// Reads the bytes of an IDX file.
///
/// ```
/// use pullback::data::parse_idx;
/// let file = [0, 0, 0x0b, 2, 0, 0, 0, 1, 0, 0, 0, 2, 1, 0, 255, 255];
/// let x = parse_idx(&file)?;
/// assert_eq!((&x.shape()[..], x.to_vec::<i16>()?), (&[1, 2][..], vec![256, -1]));
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// For bytes that are no such file, and for more or fewer of them than the sizes say.
pub fn parse_idx(file: &[u8]) -> Result<Tensor> {
    let [0, 0, code, rank, rest @ ..] = file else {
        match file {
            [0x1f, 0x8b, ..] => bail!(Io, "the file is compressed by gzip: unpack it first"),
            _ => bail!(Io, "the file does not begin as one of IDX does"),
        }
    };
    let dtype = match code {
        0x08 => DType::U8,
        0x09 => DType::I8,
        0x0b => DType::I16,
        0x0c => DType::I32,
        0x0d => DType::F32,
        0x0e => DType::F64,
        _ => bail!(DType, "IDX has no elements of type {code:#04x}"),
    };
    let Some((sizes, data)) = rest.split_at_checked(4 * usize::from(*rank)) else {
        bail!(Io, "the file ends among its sizes");
    };
    let sizes = sizes.chunks_exact(4);
    let shape: Shape = sizes
        .map(|b| b.iter().fold(0usize, |n, &b| n << 8 | usize::from(b)))
        .collect();
    let want = shape
        .checked_numel()
        .ok()
        .and_then(|n| n.checked_mul(dtype.size()));
    ensure!(
        want == Some(data.len()),
        Io,
        "an array of shape {shape} and dtype {dtype} is not made of {} bytes",
        data.len()
    );
    let mut own = pullback_array::filled(data.len(), 0u8)?;
    own.copy_from_slice(data);
    if cfg!(target_endian = "little") {
        own.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
    }
    let array = Array::from_bytes(&own, shape, dtype);
    array
        .map(Tensor::from_array)
        .map_err(|e| error!(Io, "{}", e.message()))
}
