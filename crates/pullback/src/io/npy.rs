//! NumPy's `.npy`: a header that is a Python dictionary, and the elements.

use super::atomic::{put, replace};
use super::{bytes, of_file, read};
use crate::core::fail::{bail, ensure, error};
use crate::{DType, Result, Shape, Tensor};
use std::path::Path;

const MAGIC: &[u8] = b"\x93NUMPY";

/// NumPy's letter of a dtype; all are little-endian here.
fn code(dtype: DType) -> Result<&'static str> {
    Ok(match dtype {
        DType::Bool => "|b1",
        DType::U8 => "|u1",
        DType::I8 => "|i1",
        DType::I16 => "<i2",
        DType::U16 => "<u2",
        DType::I32 => "<i4",
        DType::U32 => "<u4",
        DType::I64 => "<i8",
        DType::U64 => "<u8",
        DType::F16 => "<f2",
        DType::F32 => "<f4",
        DType::F64 => "<f8",
        other => bail!(DType, "NumPy has no {other}: convert the tensor first"),
    })
}

/// The bytes of a `.npy` file of a tensor.
///
/// # Errors
/// For a dtype that NumPy does not have.
pub fn npy_bytes(tensor: &Tensor) -> Result<Vec<u8>> {
    let dims: Vec<String> = tensor.shape().iter().map(|n| format!("{n},")).collect();
    // One size has a comma behind it, several have them between.
    let dims = match &dims[..] {
        [one] => one.clone(),
        more => more.join(" ").trim_end_matches(',').to_string(),
    };
    let code = code(tensor.dtype())?;
    let mut header = format!("{{'descr': '{code}', 'fortran_order': False, 'shape': ({dims}), }}");
    // Elements begin at a multiple of 64 bytes; the header ends with a line's end.
    let long = header.len() + 1 + 10 > 65_535;
    let front = if long { 12 } else { 10 };
    let length = (front + header.len() + 1).next_multiple_of(64) - front;
    header.extend(std::iter::repeat_n(' ', length - header.len() - 1));
    header.push('\n');
    let mut out = MAGIC.to_vec();
    if long {
        out.extend([2, 0]);
        out.extend((length as u32).to_le_bytes());
    } else {
        out.extend([1, 0]);
        out.extend((length as u16).to_le_bytes());
    }
    out.extend(header.as_bytes());
    out.extend(bytes::of(tensor)?);
    Ok(out)
}

/// Writes a tensor to a `.npy` file. NumPy's `np.save(path, array)`.
///
/// # Errors
/// Those of the file system, with the path; a dtype that NumPy does not have.
///
/// ```
/// use pullback::{Tensor, io};
/// # let path = std::env::temp_dir().join(format!("pullback-npy-{}", std::process::id()));
/// let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3])?;
/// io::save_npy(&path, &x)?;
/// assert!(io::load_npy(&path)?.equal(&x)?);
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn save_npy(path: impl AsRef<Path>, tensor: &Tensor) -> Result<()> {
    let bytes = npy_bytes(tensor)?;
    replace(path.as_ref(), |file| put(file, &bytes))
}

/// Reads a `.npy` file. NumPy's `np.load(path)`; never runs anything.
///
/// # Errors
/// Those of the file system and of files that are none, with the path.
pub fn load_npy(path: impl AsRef<Path>) -> Result<Tensor> {
    let path = path.as_ref();
    of_file(path, parse_npy(&read(path)?))
}

/// What a header says.
struct Header<'a> {
    descr: &'a str,
    fortran_order: bool,
    shape: Vec<usize>,
}

/// The text of a value in a Python dictionary, from behind its name's colon.
fn value<'a>(header: &'a str, name: &str) -> Result<&'a str> {
    for quote in ['\'', '"'] {
        let key = format!("{quote}{name}{quote}");
        if let Some(at) = header.find(&key) {
            let rest = header[at + key.len()..].trim_start();
            if let Some(rest) = rest.strip_prefix(':') {
                return Ok(rest.trim_start());
            }
        }
    }
    Err(error!(Io, "the header has no `{name}`"))
}

fn header(text: &str) -> Result<Header<'_>> {
    let descr = value(text, "descr")?;
    let quote = descr.chars().next().filter(|c| matches!(c, '\'' | '"'));
    let end = quote.and_then(|q| descr[1..].find(q));
    let Some(end) = end else {
        bail!(
            DType,
            "arrays of records have no tensor: descr is {}",
            short(descr)
        );
    };
    let order = value(text, "fortran_order")?;
    let fortran_order = match order {
        _ if order.starts_with("False") => false,
        _ if order.starts_with("True") => true,
        _ => bail!(Io, "fortran_order is {}", short(order)),
    };
    let shape = value(text, "shape")?;
    let inside = shape.strip_prefix('(').and_then(|s| s.split_once(')'));
    let Some((inside, _)) = inside else {
        bail!(Io, "the shape is {}", short(shape));
    };
    let sizes = inside.split(',').map(str::trim).filter(|s| !s.is_empty());
    let size = |s: &str| {
        let digits = s.trim_end_matches('L');
        digits
            .parse()
            .map_err(|_| error!(Io, "a size of the shape is {}", short(s)))
    };
    Ok(Header {
        descr: &descr[1..=end],
        fortran_order,
        shape: sizes.map(size).collect::<Result<_>>()?,
    })
}

/// The beginning of a text that is wrong.
fn short(text: &str) -> String {
    format!("{:?}", text.chars().take(40).collect::<String>())
}

/// The dtype of a description, and whether its bytes are the other way round.
fn dtype(descr: &str) -> Result<(DType, bool)> {
    let (order, kind) = descr.split_at_checked(1).unwrap_or(("", ""));
    let found = [
        ("b1", DType::Bool),
        ("u1", DType::U8),
        ("i1", DType::I8),
        ("i2", DType::I16),
        ("u2", DType::U16),
        ("i4", DType::I32),
        ("u4", DType::U32),
        ("i8", DType::I64),
        ("u8", DType::U64),
        ("f2", DType::F16),
        ("f4", DType::F32),
        ("f8", DType::F64),
    ]
    .into_iter()
    .find(|(name, _)| *name == kind);
    match (order, found) {
        ("<" | "|", Some((_, dtype))) => Ok((dtype, false)),
        (">", Some((_, dtype))) => Ok((dtype, true)),
        ("=", Some((_, dtype))) => Ok((dtype, cfg!(target_endian = "big"))),
        _ => Err(error!(
            DType,
            "elements of NumPy's dtype {} have no tensor",
            short(descr)
        )),
    }
}

/// Reads the bytes of a `.npy` file.
///
/// # Errors
/// For bytes that are no such file, and for elements that no dtype holds (objects, records, texts).
pub fn parse_npy(file: &[u8]) -> Result<Tensor> {
    let Some(rest) = file.strip_prefix(MAGIC) else {
        bail!(Io, "the file does not begin as one of NumPy does");
    };
    let (length, rest) = match rest {
        [1, _, a, b, rest @ ..] => (u32::from(u16::from_le_bytes([*a, *b])), rest),
        [2 | 3, _, a, b, c, d, rest @ ..] => (u32::from_le_bytes([*a, *b, *c, *d]), rest),
        _ => bail!(
            Io,
            "the file has a version of NumPy's format that is not known"
        ),
    };
    let Some((text, data)) = rest.split_at_checked(length as usize) else {
        bail!(
            Io,
            "the header would have {length} bytes, but the file ends before"
        );
    };
    let Ok(text) = std::str::from_utf8(text) else {
        bail!(Io, "the header is no text");
    };
    let Header {
        descr,
        fortran_order,
        shape,
    } = header(text)?;
    let (dtype, turned) = dtype(descr)?;
    let shape = Shape::from(shape);
    let want = (shape.checked_numel().ok()).and_then(|n| n.checked_mul(dtype.size()));
    ensure!(
        want == Some(data.len()),
        Io,
        "an array of shape {shape} and dtype {dtype} is not made of {} bytes",
        data.len()
    );
    let mut own;
    let data = match turned {
        true => {
            own = data.to_vec();
            own.chunks_exact_mut(dtype.size()).for_each(<[u8]>::reverse);
            &own[..]
        }
        false => data,
    };
    if !fortran_order || shape.len() < 2 {
        return bytes::tensor(data, shape, dtype);
    }
    let backwards: Shape = shape.iter().rev().copied().collect();
    let order: Vec<i64> = (0..shape.len() as i64).rev().collect();
    bytes::tensor(data, backwards, dtype)?.permute(&order)
}
