//! A pickle read by a closed list of instructions. Nothing is imported, called or made but what stands in `called`; what a file calls besides is noted as an object
//! without behaviour.
//!
//! An instruction makes one node at most, texts and bytes are borrowed, so what is made is no more than a constant times the file.

use super::called;
use super::node::{Graph, Id, Made, Node, Stored};
use crate::core::fail::{bail, ensure, error};
use crate::{DType, Error, Result};
use std::collections::HashMap;

/// A pickle while it is read.
pub(super) struct Unpickler<'a> {
    data: &'a [u8],
    pub(super) at: usize,
    pub(super) nodes: Vec<Node<'a>>,
    stack: Vec<Id>,
    /// How high the stack was at each mark.
    marks: Vec<usize>,
    memo: HashMap<u32, Id>,
    /// What may still be copied, in entries.
    left: usize,
}

fn cut() -> Error {
    error!(Io, "the pickle ends in the middle")
}

/// Reads the pickle at a place of the bytes; gives where it ends, too.
///
/// # Errors
/// For what is no pickle, and for what is longer than what it is read from could make.
pub(super) fn unpickle(data: &[u8], at: usize) -> Result<(Graph<'_>, usize)> {
    ensure!(
        u32::try_from(data.len()).is_ok(),
        Unsupported,
        "a pickle of more than 4 GiB is not read"
    );
    let mut reader = Unpickler {
        data,
        at,
        nodes: Vec::new(),
        stack: Vec::new(),
        marks: Vec::new(),
        memo: HashMap::new(),
        left: data.len().saturating_mul(16).saturating_add(1_000_000),
    };
    let root = reader
        .run()
        .map_err(|e| e.note(format!("at byte {} of the pickle", reader.at)))?;
    let graph = Graph {
        nodes: reader.nodes,
        root,
        length: reader.at - at,
    };
    Ok((graph, reader.at))
}

impl<'a> Unpickler<'a> {
    fn take(&mut self, n: u64) -> Result<&'a [u8]> {
        let n = usize::try_from(n).map_err(|_| cut())?;
        let end = self.at.checked_add(n).ok_or_else(cut)?;
        let bytes = self.data.get(self.at..end).ok_or_else(cut)?;
        self.at = end;
        Ok(bytes)
    }

    fn fixed<const N: usize>(&mut self) -> Result<[u8; N]> {
        let bytes = self.take(N as u64)?;
        Ok(std::array::from_fn(|i| bytes[i]))
    }

    /// A length of so many bytes.
    fn length<const N: usize>(&mut self) -> Result<u64> {
        let bytes = self.fixed::<N>()?;
        Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
    }

    fn text_of(&mut self, n: u64) -> Result<&'a str> {
        let bytes = self.take(n)?;
        std::str::from_utf8(bytes).map_err(|_| error!(Io, "a text is no UTF-8"))
    }

    fn line(&mut self) -> Result<&'a str> {
        let rest = &self.data[self.at..];
        let end = rest
            .iter()
            .take(1000)
            .position(|&b| b == b'\n')
            .ok_or_else(cut)?;
        let text = self.text_of(end as u64)?;
        self.at += 1;
        Ok(text)
    }

    pub(super) fn make(&mut self, node: Node<'a>) -> Id {
        self.nodes.push(node);
        (self.nodes.len() - 1) as Id
    }

    fn push(&mut self, node: Node<'a>) {
        let id = self.make(node);
        self.stack.push(id);
    }

    fn floor(&self) -> usize {
        self.marks.last().copied().unwrap_or(0)
    }

    fn pop(&mut self) -> Result<Id> {
        ensure!(
            self.stack.len() > self.floor(),
            Io,
            "the pickle takes a value where there is none"
        );
        self.stack.pop().ok_or_else(cut)
    }

    fn top(&self) -> Result<Id> {
        let top = self
            .stack
            .last()
            .filter(|_| self.stack.len() > self.floor());
        (top.copied()).ok_or_else(|| error!(Io, "the pickle names a value where there is none"))
    }

    fn above_mark(&mut self) -> Result<Vec<Id>> {
        let at = (self.marks.pop())
            .ok_or_else(|| error!(Io, "the pickle ends a list that did not begin"))?;
        Ok(self.stack.split_off(at))
    }

    fn tuple(&mut self, n: usize) -> Result<()> {
        let mut all = Vec::new();
        for _ in 0..n {
            all.push(self.pop()?);
        }
        all.reverse();
        self.push(Node::Tuple(all));
        Ok(())
    }

    /// Counts what is copied.
    pub(super) fn charge(&mut self, n: usize) -> Result<()> {
        let left = self.left.checked_sub(n);
        self.left =
            left.ok_or_else(|| error!(Io, "the pickle stands for much more than its length"))?;
        Ok(())
    }

    fn append(&mut self, items: Vec<Id>) -> Result<()> {
        let top = self.top()? as usize;
        match &mut self.nodes[top] {
            Node::List(all) | Node::Set(all) => all.extend(items),
            // A list of some class: its items are nobody's.
            Node::Made(_) => {}
            _ => bail!(Io, "the pickle adds items to what is no list"),
        }
        Ok(())
    }

    fn set_items(&mut self, items: Vec<Id>) -> Result<()> {
        ensure!(
            items.len().is_multiple_of(2),
            Io,
            "the pickle has a key without a value"
        );
        let top = self.top()? as usize;
        let pairs = items.chunks_exact(2).map(|pair| (pair[0], pair[1]));
        match &mut self.nodes[top] {
            Node::Dict(all) => all.extend(pairs),
            Node::Made(made) => made.items.extend(pairs),
            _ => bail!(Io, "the pickle adds entries to what is no dict"),
        }
        Ok(())
    }

    fn build(&mut self) -> Result<()> {
        let state = self.pop()?;
        let top = self.top()? as usize;
        // Attributes of tensors and of dicts are of no use here.
        if let Node::Made(made) = &mut self.nodes[top] {
            made.state = Some(state);
        }
        Ok(())
    }

    fn integer(&mut self, n: u64) -> Result<()> {
        let bytes = self.take(n)?;
        if bytes.len() > 16 {
            self.push(Node::Opaque("a number of more than 128 bits"));
            return Ok(());
        }
        let negative = bytes.last().is_some_and(|b| b & 0x80 != 0);
        let mut all = [if negative { 0xff } else { 0 }; 16];
        all[..bytes.len()].copy_from_slice(bytes);
        self.push(Node::Int(i128::from_le_bytes(all)));
        Ok(())
    }

    fn recall(&mut self, at: u32) -> Result<()> {
        let id = self.memo.get(&at).copied();
        self.stack
            .push(id.ok_or_else(|| error!(Io, "the pickle names value {at}, which is not there"))?);
        Ok(())
    }

    fn reduce(&mut self) -> Result<()> {
        let (args, function) = (self.pop()?, self.pop()?);
        let made = called::call(self, function, args)?;
        self.push(made);
        Ok(())
    }

    /// An object of a class, whatever it is made with.
    fn object(&mut self, class: Id) -> Result<()> {
        let class = match &self.nodes[class as usize] {
            &Node::Global(module, name) => (module, name),
            _ => bail!(Io, "the pickle makes an object of what is no class"),
        };
        let made = Made {
            class,
            ..Made::default()
        };
        self.push(Node::Made(Box::new(made)));
        Ok(())
    }

    /// What is stored outside of the pickle.
    fn stored(&mut self) -> Result<()> {
        let id = self.pop()?;
        let Node::Tuple(all) = &self.nodes[id as usize] else {
            bail!(
                Unsupported,
                "the pickle names something outside of it that is no storage"
            );
        };
        let part = |i: usize| all.get(i).map(|&id| &self.nodes[id as usize]);
        let node = match (part(0), part(1), part(2), part(4), part(5)) {
            // Source beside a class, as the oldest files have it.
            (Some(Node::Text("module")), Some(class @ Node::Global(..)), ..) => class.clone(),
            (
                Some(Node::Text("storage")),
                Some(&Node::Global(module, name)),
                Some(Node::Text(key)),
                Some(&Node::Int(count)),
                None | Some(Node::None),
            ) => {
                let dtype = called::storage_dtype(module, name)?;
                let count = u64::try_from(count)
                    .map_err(|_| error!(Io, "a storage of {count} elements"))?;
                Node::Stored(Box::new(Stored { key, dtype, count }))
            }
            (Some(Node::Text("storage")), .., Some(_)) => bail!(
                Unsupported,
                "the file has storages that are parts of others, as PyTorch wrote them before 0.4: save it anew"
            ),
            _ => bail!(Io, "the pickle names a storage in a way that is not known"),
        };
        self.push(node);
        Ok(())
    }

    fn global(&mut self, module: &'a str, name: &'a str) {
        let dtype = (module == "torch").then(|| DTYPES.iter().find(|(n, _)| *n == name));
        match dtype.flatten() {
            Some((_, dtype)) => self.push(Node::Dtype(*dtype)),
            None => self.push(Node::Global(module, name)),
        }
    }

    /// Reads to the end of the pickle.
    fn run(&mut self) -> Result<Id> {
        loop {
            let code = self.fixed::<1>()?[0];
            match code {
                b'.' => return self.pop(),
                0x80 => {
                    let version = self.fixed::<1>()?[0];
                    ensure!(
                        version <= 5,
                        Unsupported,
                        "pickle protocol {version} is not known"
                    );
                }
                0x95 => drop(self.fixed::<8>()?),
                b'(' => self.marks.push(self.stack.len()),
                b'0' => match self.stack.len() > self.floor() {
                    true => drop(self.stack.pop()),
                    false => drop(self.above_mark()?),
                },
                b'1' => drop(self.above_mark()?),
                b'2' => {
                    let top = self.top()?;
                    self.stack.push(top);
                }
                b'c' => {
                    let (module, name) = (self.line()?, self.line()?);
                    self.global(module, name);
                }
                0x93 => {
                    let (name, module) = (self.pop()?, self.pop()?);
                    let text = |id: Id| match self.nodes[id as usize] {
                        Node::Text(text) => Some(text),
                        _ => None,
                    };
                    let (Some(module), Some(name)) = (text(module), text(name)) else {
                        bail!(Io, "the pickle names a class by what is no text");
                    };
                    self.global(module, name);
                }
                b'q' => self.memoize_at::<1>()?,
                b'r' => self.memoize_at::<4>()?,
                0x94 => {
                    let (at, top) = (self.memo.len() as u32, self.top()?);
                    self.memo.insert(at, top);
                }
                b'h' => {
                    let at = self.length::<1>()? as u32;
                    self.recall(at)?;
                }
                b'j' => {
                    let at = self.length::<4>()? as u32;
                    self.recall(at)?;
                }
                b'R' => self.reduce()?,
                0x81 => {
                    let (_, class) = (self.pop()?, self.pop()?);
                    self.object(class)?;
                }
                0x92 => {
                    let (_, _, class) = (self.pop()?, self.pop()?, self.pop()?);
                    self.object(class)?;
                }
                b'b' => self.build()?,
                b'Q' => self.stored()?,
                _ => self.value(code)?,
            }
        }
    }

    fn memoize_at<const N: usize>(&mut self) -> Result<()> {
        let (at, top) = (self.length::<N>()? as u32, self.top()?);
        self.memo.insert(at, top);
        Ok(())
    }

    /// Instructions that make values and fill them.
    fn value(&mut self, code: u8) -> Result<()> {
        match code {
            b'N' => self.push(Node::None),
            0x88 => self.push(Node::Bool(true)),
            0x89 => self.push(Node::Bool(false)),
            b'J' => {
                let x = i32::from_le_bytes(self.fixed()?);
                self.push(Node::Int(x.into()));
            }
            b'K' => {
                let x = self.length::<1>()?;
                self.push(Node::Int(x.into()));
            }
            b'M' => {
                let x = self.length::<2>()?;
                self.push(Node::Int(x.into()));
            }
            0x8a => {
                let n = self.length::<1>()?;
                self.integer(n)?;
            }
            0x8b => {
                let n = self.length::<4>()?;
                self.integer(n)?;
            }
            b'G' => {
                let x = f64::from_be_bytes(self.fixed()?);
                self.push(Node::Float(x));
            }
            0x8c => self.text::<1>()?,
            b'X' => self.text::<4>()?,
            0x8d => self.text::<8>()?,
            b'U' => self.bytes::<1>(true)?,
            b'T' => self.bytes::<4>(true)?,
            b'C' => self.bytes::<1>(false)?,
            b'B' => self.bytes::<4>(false)?,
            0x8e | 0x96 => self.bytes::<8>(false)?,
            b']' => self.push(Node::List(Vec::new())),
            b')' => self.push(Node::Tuple(Vec::new())),
            b'}' => self.push(Node::Dict(Vec::new())),
            0x8f => self.push(Node::Set(Vec::new())),
            b'a' => {
                let item = self.pop()?;
                self.append(vec![item])?;
            }
            b'e' | 0x90 => {
                let items = self.above_mark()?;
                self.append(items)?;
            }
            b's' => {
                let (value, key) = (self.pop()?, self.pop()?);
                self.set_items(vec![key, value])?;
            }
            b'u' => {
                let items = self.above_mark()?;
                self.set_items(items)?;
            }
            0x91 => {
                let items = self.above_mark()?;
                self.push(Node::Set(items));
            }
            b't' => {
                let items = self.above_mark()?;
                self.push(Node::Tuple(items));
            }
            0x85..=0x87 => self.tuple(usize::from(code - 0x84))?,
            _ => bail!(
                Unsupported,
                "the pickle has an instruction {code:#04x} that no file of PyTorch's has"
            ),
        }
        Ok(())
    }

    fn text<const N: usize>(&mut self) -> Result<()> {
        let n = self.length::<N>()?;
        let text = self.text_of(n)?;
        self.push(Node::Text(text));
        Ok(())
    }

    /// Bytes, or a text of Python 2, which was both.
    fn bytes<const N: usize>(&mut self, old: bool) -> Result<()> {
        let n = self.length::<N>()?;
        let bytes = self.take(n)?;
        let text = std::str::from_utf8(bytes).ok().filter(|_| old);
        self.push(text.map_or(Node::Bytes(bytes), Node::Text));
        Ok(())
    }
}

/// Dtypes by PyTorch's names.
pub(super) const DTYPES: &[(&str, DType)] = &[
    ("bool", DType::Bool),
    ("uint8", DType::U8),
    ("int8", DType::I8),
    ("int16", DType::I16),
    ("uint16", DType::U16),
    ("int32", DType::I32),
    ("uint32", DType::U32),
    ("int64", DType::I64),
    ("uint64", DType::U64),
    ("float16", DType::F16),
    ("bfloat16", DType::BF16),
    ("float32", DType::F32),
    ("float64", DType::F64),
];
