//! The format of safetensors: a header in JSON that says where each tensor's bytes lie, and the bytes.
//!
//! A tensor that stands under several names is written once; the other names are notes of the file, as the format's own tools write them, and become
//! handles of the one tensor again.

use super::atomic::{put, replace};
use super::json::{Json, parse as parse_json, quoted};
use super::{bytes, failed, of_file};
use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::{DType, Result, Shape, Tensor};
use pullback_array::filled;
use std::collections::{HashMap, HashSet};
use std::fs::File;
use std::io::{Read, Seek, SeekFrom, Write};
use std::ops::Range;
use std::path::Path;

/// What a file holds.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct SafeTensors {
    /// The tensors, in the order in which their bytes lie; names of one tensor stand beside each other.
    pub tensors: NamedTensors,
    /// Notes: names and texts.
    pub metadata: Vec<(String, String)>,
}

/// The format allows no longer header.
const LONGEST_HEADER: u64 = 100_000_000;

/// Dtypes by the format's names.
const DTYPES: &[(&str, DType)] = &[
    ("BOOL", DType::Bool),
    ("U8", DType::U8),
    ("I8", DType::I8),
    ("I16", DType::I16),
    ("U16", DType::U16),
    ("I32", DType::I32),
    ("U32", DType::U32),
    ("I64", DType::I64),
    ("U64", DType::U64),
    ("F16", DType::F16),
    ("BF16", DType::BF16),
    ("F32", DType::F32),
    ("F64", DType::F64),
];

/// What is written behind a header, in order.
type Written<'t> = Vec<(&'t str, &'t Tensor)>;

/// The header for these tensors, and those that are written, in order.
fn header<'t>(
    tensors: &'t NamedTensors,
    metadata: &[(&str, &str)],
) -> Result<(Vec<u8>, Written<'t>)> {
    tensors.by_name()?;
    let mut notes: Vec<String> = (metadata.iter())
        .map(|(name, text)| format!("{}:{}", quoted(name), quoted(text)))
        .collect();
    let mut first: HashMap<usize, &str> = HashMap::new();
    let (mut entries, mut written, mut at) = (Vec::new(), Vec::new(), 0usize);
    for (name, t) in tensors.iter() {
        ensure!(
            name != "__metadata__",
            Value,
            "no tensor may be called `__metadata__`"
        );
        if let Some(same) = first.get(&t.address()) {
            notes.push(format!("{}:{}", quoted(name), quoted(same)));
            continue;
        }
        first.insert(t.address(), name);
        let Some((dtype, _)) = DTYPES.iter().find(|(_, d)| *d == t.dtype()) else {
            bail!(
                DType,
                "`{name}` is {}, which safetensors does not have",
                t.dtype()
            );
        };
        let shape: Vec<String> = t.shape().iter().map(usize::to_string).collect();
        let end = at + t.numel() * t.dtype().size();
        entries.push(format!(
            "{}:{{\"dtype\":\"{dtype}\",\"shape\":[{}],\"data_offsets\":[{at},{end}]}}",
            quoted(name),
            shape.join(",")
        ));
        written.push((name, t));
        at = end;
    }
    if !notes.is_empty() {
        entries.insert(0, format!("\"__metadata__\":{{{}}}", notes.join(",")));
    }
    let mut text = format!("{{{}}}", entries.join(",")).into_bytes();
    // Numbers begin at a multiple of eight bytes, for who maps the file.
    text.resize(text.len().next_multiple_of(8), b' ');
    Ok((text, written))
}

fn write(to: &mut dyn Write, tensors: &NamedTensors, metadata: &[(&str, &str)]) -> Result<()> {
    let (header, written) = header(tensors, metadata)?;
    put(to, &(header.len() as u64).to_le_bytes())?;
    put(to, &header)?;
    written.iter().try_for_each(|(name, t)| {
        let own = bytes::of(t).map_err(|e| e.note(format!("of `{name}`")))?;
        put(to, &own)
    })
}

/// Writes tensors and notes to a file.
///
/// # Errors
/// Those of the file system, with the path; a dtype that the format does not have; two tensors of one name.
///
/// ```
/// use pullback::io::safetensors;
/// use pullback::nn::NamedTensors;
/// use pullback::Tensor;
/// # let path = std::env::temp_dir().join(format!("pullback-safetensors-{}", std::process::id()));
/// let w = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
/// let tied: NamedTensors = [("embedding", w.clone()), ("head", w)].into_iter().collect();
/// safetensors::save(&path, &tied, &[("step", "12")])?;
/// let file = safetensors::load(&path)?;
/// assert_eq!(file.metadata, [("step".to_string(), "12".to_string())]);
/// assert!(file.tensors["embedding"].is(&file.tensors["head"]));
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn save(
    path: impl AsRef<Path>,
    tensors: &NamedTensors,
    metadata: &[(&str, &str)],
) -> Result<()> {
    replace(path.as_ref(), |file| write(file, tensors, metadata))
}

/// The bytes of a file of these tensors and notes.
///
/// # Errors
/// As [`save`], without a file.
pub fn to_bytes(tensors: &NamedTensors, metadata: &[(&str, &str)]) -> Result<Vec<u8>> {
    let mut out = Vec::new();
    write(&mut out, tensors, metadata)?;
    Ok(out)
}

/// Where a tensor lies.
#[derive(Debug)]
struct Place {
    name: String,
    dtype: DType,
    shape: Shape,
    range: Range<u64>,
}

/// What a header says, checked against how many bytes there are.
struct Contents {
    places: Vec<Place>,
    metadata: Vec<(String, String)>,
}

fn place(name: &str, of: &Json) -> Result<Place> {
    let wrong = |what: &str| error!(Io, "the entry of `{name}` has no {what}");
    let dtype = of
        .get("dtype")
        .and_then(Json::text)
        .ok_or_else(|| wrong("dtype"))?;
    let Some((_, dtype)) = DTYPES.iter().find(|(n, _)| *n == dtype) else {
        bail!(
            DType,
            "`{name}` is of dtype {dtype:?}, which this library does not have"
        );
    };
    let shape = of
        .get("shape")
        .and_then(Json::numbers)
        .ok_or_else(|| wrong("shape"))?;
    let shape: Option<Vec<usize>> = shape.iter().map(|&n| usize::try_from(n).ok()).collect();
    let shape = Shape::from(shape.ok_or_else(|| wrong("shape"))?);
    let offsets = of.get("data_offsets").and_then(Json::numbers);
    let Some(&[start, end]) = offsets.as_deref() else {
        return Err(wrong("data_offsets"));
    };
    let bytes = (shape.checked_numel().ok()).and_then(|n| n.checked_mul(dtype.size()));
    ensure!(
        start <= end && bytes.is_some_and(|n| n as u64 == end - start),
        Io,
        "`{name}` of shape {shape} and dtype {dtype} cannot lie in bytes {start} to {end}"
    );
    Ok(Place {
        name: name.to_string(),
        dtype: *dtype,
        shape,
        range: start..end,
    })
}

/// Reads a header that has `data` bytes behind it.
fn contents(header: &[u8], data: u64) -> Result<Contents> {
    let Ok(text) = std::str::from_utf8(header) else {
        bail!(Io, "the header is no UTF-8");
    };
    let Json::Object(entries) = parse_json(text)? else {
        bail!(Io, "the header is no object");
    };
    let (mut places, mut metadata) = (Vec::new(), Vec::new());
    let mut seen = HashSet::new();
    for (name, value) in &entries {
        ensure!(seen.insert(name), Io, "`{name}` stands in the header twice");
        if name != "__metadata__" {
            places.push(place(name, value)?);
            continue;
        }
        let Json::Object(notes) = value else {
            bail!(Io, "the notes are no object");
        };
        for (name, text) in notes {
            let Some(text) = text.text() else {
                bail!(Io, "the note `{name}` is no text");
            };
            metadata.push((name.clone(), text.to_string()));
        }
    }
    places.sort_by_key(|p| (p.range.start, p.range.end));
    let mut at = 0;
    for p in &places {
        ensure!(
            p.range.start == at,
            Io,
            "the bytes of `{}` begin at {} and not at {at}, where those before end",
            p.name,
            p.range.start
        );
        at = p.range.end;
    }
    ensure!(
        at == data,
        Io,
        "the tensors have {at} bytes, but the file has {data} for them"
    );
    Ok(Contents { places, metadata })
}

/// Makes tensors of places, whose bytes `fetch` gives in order.
fn gathered(
    contents: Contents,
    mut fetch: impl FnMut(&Range<u64>) -> Result<Vec<u8>>,
) -> Result<SafeTensors> {
    let mut aliases: HashMap<&str, Vec<&str>> = HashMap::new();
    let names: HashSet<&str> = contents.places.iter().map(|p| &*p.name).collect();
    let is_alias = |name: &str, of: &str| !names.contains(name) && names.contains(of);
    for (name, of) in contents.metadata.iter().filter(|(n, of)| is_alias(n, of)) {
        aliases.entry(of).or_default().push(name);
    }
    let mut tensors = NamedTensors::new();
    for p in &contents.places {
        let own = fetch(&p.range).and_then(|b| bytes::tensor(&b, p.shape.clone(), p.dtype));
        let t = own.map_err(|e| e.note(format!("of `{}`", p.name)))?;
        for alias in aliases.get(&*p.name).into_iter().flatten() {
            tensors.push(alias, t.clone());
        }
        tensors.push(&p.name, t);
    }
    let notes = contents.metadata.iter().filter(|(n, of)| !is_alias(n, of));
    Ok(SafeTensors {
        metadata: notes.cloned().collect(),
        tensors,
    })
}

/// How long the header is, which begins with its length.
fn header_length(first: [u8; 8], file: u64) -> Result<u64> {
    let length = u64::from_le_bytes(first);
    ensure!(
        length <= LONGEST_HEADER && length <= file.saturating_sub(8),
        Io,
        "the header would have {length} bytes, but the file has {file}"
    );
    Ok(length)
}

/// Reads the bytes of a file.
///
/// # Errors
/// For bytes that are no such file, with what is wrong.
pub fn parse(file: &[u8]) -> Result<SafeTensors> {
    let Some((first, rest)) = file.split_first_chunk::<8>() else {
        bail!(Io, "{} bytes are no safetensors file", file.len());
    };
    let length = header_length(*first, file.len() as u64)? as usize;
    let (header, data) = rest.split_at(length);
    gathered(contents(header, data.len() as u64)?, |range| {
        Ok(data[range.start as usize..range.end as usize].to_vec())
    })
}

/// Reads a file. One tensor's bytes are held besides the tensors at a time.
///
/// # Errors
/// Those of the file system, and for files that are none, with the path.
pub fn load(path: impl AsRef<Path>) -> Result<SafeTensors> {
    let path = path.as_ref();
    let io = |e| failed("read", path, e);
    let mut file = File::open(path).map_err(io)?;
    let size = file.metadata().map_err(io)?.len();
    let read = |file: &mut File, n: u64| -> Result<Vec<u8>> {
        let n = usize::try_from(n).map_err(|_| error!(Alloc, "{n} bytes have no room"))?;
        let mut own = filled(n, 0u8)?;
        file.read_exact(&mut own).map_err(io)?;
        Ok(own)
    };
    let read_all = |file: &mut File| {
        ensure!(size >= 8, Io, "{size} bytes are no safetensors file");
        let mut first = [0; 8];
        file.read_exact(&mut first).map_err(io)?;
        let length = header_length(first, size)?;
        let header = read(file, length)?;
        let contents = contents(&header, size - 8 - length)?;
        gathered(contents, |range| {
            file.seek(SeekFrom::Start(8 + length + range.start))
                .map_err(io)?;
            read(file, range.end - range.start)
        })
    };
    of_file(path, read_all(&mut file))
}
