//! A value as `torch.save` writes it: a pickle of protocol 2 and the memories, in a zip archive whose records begin at multiples of 64 bytes.

use super::called::STORAGES;
use super::unpickle::DTYPES;
use super::value::Value;
use crate::core::fail::{bail, ensure};
use crate::io::bytes;
use crate::io::zip::Writer;
use crate::nn::NamedTensors;
use crate::{DType, Layout, Result, Shape, Tensor};
use std::collections::HashMap;
use std::io::Write;

/// How deep values may nest.
const DEPTH: usize = 200;

/// The same tensors, of which one is still one, without gradients.
pub(super) fn detached(tensors: &NamedTensors) -> NamedTensors {
    let mut seen: HashMap<usize, Tensor> = HashMap::new();
    let all = tensors.iter().map(|(name, t)| {
        let own = seen.entry(t.address()).or_insert_with(|| t.detach());
        (name, own.clone())
    });
    all.collect()
}

/// A memory that is written: what it was met as, and all of it as bytes.
struct Row {
    dtype: DType,
    whole: Tensor,
}

/// A pickle while it is written.
#[derive(Default)]
struct Pickler {
    out: Vec<u8>,
    rows: Vec<Row>,
    /// Places of memories by their numbers, and tensors by their addresses with their places in the memo.
    by_id: HashMap<u64, usize>,
    memo: HashMap<usize, u32>,
}

fn class_of(dtype: DType) -> Option<&'static str> {
    STORAGES
        .iter()
        .find(|(_, d)| *d == dtype)
        .map(|(name, _)| *name)
}

impl Pickler {
    fn global(&mut self, module: &str, name: &str) {
        self.out.extend(format!("c{module}\n{name}\n").as_bytes());
    }

    fn text(&mut self, text: &str) -> Result<()> {
        let Ok(n) = u32::try_from(text.len()) else {
            bail!(Unsupported, "a text of more than 4 GiB is not written");
        };
        self.out.push(b'X');
        self.out.extend(n.to_le_bytes());
        self.out.extend(text.as_bytes());
        Ok(())
    }

    fn int(&mut self, x: i128) {
        match i32::try_from(x) {
            Ok(x) => {
                self.out.push(b'J');
                self.out.extend(x.to_le_bytes());
            }
            Err(_) => {
                self.out.extend([0x8a, 16]);
                self.out.extend(x.to_le_bytes());
            }
        }
    }

    fn ints(&mut self, all: impl IntoIterator<Item = i128>) {
        self.out.push(b'(');
        all.into_iter().for_each(|x| self.int(x));
        self.out.push(b't');
    }

    /// The number of a tensor's memory.
    fn row(&mut self, t: &Tensor) -> Result<usize> {
        let array = t.array();
        let id = array.storage().id();
        if let Some(&known) = self.by_id.get(&id) {
            return Ok(known);
        }
        let size = array.storage().bytes();
        let layout = Layout::row_major(Shape::new(&[size]));
        let whole = Tensor::from_array(array.reinterpret(DType::U8, layout)?);
        self.by_id.insert(id, self.rows.len());
        self.rows.push(Row {
            dtype: t.dtype(),
            whole,
        });
        Ok(self.rows.len() - 1)
    }

    fn tensor(&mut self, t: &Tensor) -> Result<()> {
        if let Some(&at) = self.memo.get(&t.address()) {
            self.out.push(b'j');
            self.out.extend(at.to_le_bytes());
            return Ok(());
        }
        let Some((dtype_name, _)) = DTYPES.iter().find(|(_, d)| *d == t.dtype()) else {
            bail!(
                DType,
                "PyTorch has no {}: convert the tensor first",
                t.dtype()
            );
        };
        ensure!(
            !t.array().is_meta(),
            Unsupported,
            "a tensor without numbers is not written"
        );
        let backwards = t.array().layout().strides().iter().any(|&s| s < 0);
        // Kept until the file is written, so that no other memory has its number.
        let own = if backwards {
            t.detach().copy()?
        } else {
            t.clone()
        };
        let key = self.row(&own)?;
        let first = self.rows[key].dtype;
        let size = own.array().storage().bytes();
        let class = class_of(first);
        // Memory that is seen as several dtypes, or as one without a class, is one of bytes or of the first, and the tensor says its own.
        let plain = class.is_some() && first == t.dtype();
        self.global(
            "torch._utils",
            if plain {
                "_rebuild_tensor_v2"
            } else {
                "_rebuild_tensor_v3"
            },
        );
        self.out.extend(b"((");
        self.text("storage")?;
        let count = match class {
            Some(class) => {
                self.global("torch", class);
                size / first.size()
            }
            None => {
                self.global("torch.storage", "UntypedStorage");
                size
            }
        };
        self.text(&key.to_string())?;
        self.text("cpu")?;
        self.int(count as i128);
        self.out.extend(b"tQ");
        let layout = own.array().layout().clone();
        self.int(layout.offset() as i128);
        self.ints(layout.shape().iter().map(|&n| n as i128));
        self.ints(layout.strides().iter().map(|&n| n as i128));
        self.out.push(if t.requires_grad() && t.is_leaf() {
            0x88
        } else {
            0x89
        });
        self.global("collections", "OrderedDict");
        self.out.extend(b")R");
        if !plain {
            self.global("torch", dtype_name);
        }
        self.out.extend(b"tR");
        let at = self.memo.len() as u32;
        self.memo.insert(t.address(), at);
        self.out.push(b'r');
        self.out.extend(at.to_le_bytes());
        Ok(())
    }

    fn value(&mut self, value: &Value, depth: usize) -> Result<()> {
        ensure!(
            depth < DEPTH,
            Unsupported,
            "values nest more than {DEPTH} deep"
        );
        match value {
            Value::None => self.out.push(b'N'),
            Value::Bool(x) => self.out.push(if *x { 0x88 } else { 0x89 }),
            Value::Int(x) => self.int(*x),
            Value::Float(x) => {
                self.out.push(b'G');
                self.out.extend(x.to_be_bytes());
            }
            Value::Text(text) => self.text(text)?,
            Value::Bytes(all) => {
                // As Python writes bytes in this protocol.
                self.global("_codecs", "encode");
                self.out.push(b'(');
                let text: String = all.iter().map(|&b| char::from(b)).collect();
                self.text(&text)?;
                self.text("latin1")?;
                self.out.extend(b"tR");
            }
            Value::Tensor(t) => self.tensor(t)?,
            Value::DType(dtype) => match DTYPES.iter().find(|(_, d)| d == dtype) {
                Some((name, _)) => self.global("torch", name),
                None => bail!(DType, "PyTorch has no {dtype}"),
            },
            Value::List(all) => {
                self.out.extend(b"](");
                all.iter().try_for_each(|x| self.value(x, depth + 1))?;
                self.out.push(b'e');
            }
            Value::Tuple(all) => {
                self.out.push(b'(');
                all.iter().try_for_each(|x| self.value(x, depth + 1))?;
                self.out.push(b't');
            }
            Value::Dict(all) => {
                self.out.extend(b"}(");
                for (key, x) in all {
                    self.value(key, depth + 1)?;
                    self.value(x, depth + 1)?;
                }
                self.out.push(b'u');
            }
            Value::Set(_) => bail!(Unsupported, "a set is not written: make it a list"),
            Value::Object(object) => bail!(
                Unsupported,
                "an object of class {} is not written",
                object.class
            ),
        }
        Ok(())
    }
}

/// Writes a file.
///
/// # Errors
/// For what has no place in one; those of writing.
pub(super) fn write(to: &mut dyn Write, value: &Value) -> Result<()> {
    ensure!(
        cfg!(target_endian = "little"),
        Unsupported,
        "files of PyTorch's are written on little-endian machines only"
    );
    let mut pickler = Pickler::default();
    pickler.out.extend([0x80, 2]);
    pickler.value(value, 0)?;
    pickler.out.push(b'.');
    let mut archive = Writer::aligned(to, 64);
    archive.add("archive/data.pkl", &pickler.out)?;
    archive.add("archive/.format_version", b"1")?;
    archive.add("archive/.storage_alignment", b"64")?;
    archive.add("archive/byteorder", b"little")?;
    for (key, row) in pickler.rows.iter().enumerate() {
        let own = bytes::of(&row.whole)?;
        archive.add(&format!("archive/data/{key}"), &own)?;
    }
    archive.add("archive/version", b"3\n")?;
    archive.finish()
}
