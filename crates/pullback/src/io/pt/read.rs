//! The two formats of PyTorch's files, taken apart: where the pickle is, and where the memory.

use super::node::{Graph, Node};
use super::tree::{Maker, Memory};
use super::unpickle::unpickle;
use crate::Result;
use crate::core::fail::{bail, ensure, error};
use crate::io::zip::Archive;
use std::borrow::Cow;
use std::collections::HashMap;

/// What stands at the beginning of a file from before PyTorch 1.6, as a number in a pickle.
const MAGIC: [u8; 10] = [0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19];
/// What stands behind it.
const PROTOCOL: i128 = 1001;

/// Makes something of a file's values and memory.
///
/// # Errors
/// For bytes that are no file of PyTorch's, and those of `make`.
pub(super) fn opened<T>(
    file: &[u8],
    make: impl FnOnce(Maker<'_>, &Graph<'_>) -> Result<T>,
) -> Result<T> {
    if file.starts_with(b"PK\x03\x04") {
        return archive(file, make);
    }
    let legacy =
        file.len() > 14 && file[0] == 0x80 && file[2..4] == [0x8a, 10] && file[4..14] == MAGIC;
    if legacy {
        return old(file, make);
    }
    let tar = file.get(257..262) == Some(b"ustar");
    ensure!(
        !tar,
        Unsupported,
        "the file is a tar archive, as PyTorch wrote them before 0.1.10: save it anew"
    );
    bail!(
        Io,
        "the file is none of torch.save's: it begins neither as a zip archive nor as the older format does"
    );
}

/// Memories in a zip archive.
struct Records<'a> {
    archive: Archive<'a>,
    /// Entries by their names within the one folder there is.
    by_name: HashMap<String, usize>,
}

impl<'a> Records<'a> {
    fn find(&self, name: &str) -> Result<Cow<'a, [u8]>> {
        let Some(&i) = self.by_name.get(name) else {
            let name: String = name.chars().take(60).collect();
            bail!(Io, "the archive has no record `{name}`");
        };
        let entry = &self.archive.entries()[i];
        ensure!(
            entry.is_stored(),
            Unsupported,
            "the record `{name}` is compressed, which those of torch.save never are"
        );
        self.archive.read(entry)
    }
}

impl Memory for Records<'_> {
    fn bytes(&self, key: &str) -> Result<Cow<'_, [u8]>> {
        self.find(&format!("data/{key}"))
    }
}

fn archive<T>(file: &[u8], make: impl FnOnce(Maker<'_>, &Graph<'_>) -> Result<T>) -> Result<T> {
    let archive = Archive::open(file)?;
    let first = archive
        .entries()
        .first()
        .map(|e| e.name.clone())
        .unwrap_or_default();
    let (folder, _) = first
        .split_once('/')
        .ok_or_else(|| error!(Io, "the archive's records are in no folder"))?;
    let mut by_name = HashMap::new();
    for (i, entry) in archive.entries().iter().enumerate() {
        let inside = entry
            .name
            .strip_prefix(folder)
            .and_then(|n| n.strip_prefix('/'));
        let Some(inside) = inside else {
            bail!(Io, "the archive's records are not in one folder");
        };
        let twice = by_name.insert(inside.to_string(), i).is_some();
        ensure!(!twice, Io, "two records of the archive have one name");
    }
    let records = Records { archive, by_name };
    ensure!(
        !records.by_name.contains_key("constants.pkl"),
        Unsupported,
        "the file is a program of TorchScript: save its state_dict with PyTorch"
    );
    if records.by_name.contains_key("byteorder") {
        let order = records.find("byteorder")?;
        ensure!(
            &*order == b"little",
            Unsupported,
            "the file's numbers are big-endian: save it anew on another machine"
        );
    }
    let pickle = records.find("data.pkl")?;
    let (graph, _) = unpickle(&pickle, 0)?;
    make(Maker::new(&graph, &records), &graph)
}

/// The one value of a small pickle.
fn number(graph: &Graph<'_>) -> Option<i128> {
    match graph.node(graph.root) {
        Node::Int(x) => Some(*x),
        _ => None,
    }
}

fn old<T>(file: &[u8], make: impl FnOnce(Maker<'_>, &Graph<'_>) -> Result<T>) -> Result<T> {
    let (_, at) = unpickle(file, 0)?;
    let (protocol, at) = unpickle(file, at)?;
    ensure!(
        number(&protocol) == Some(PROTOCOL),
        Unsupported,
        "the file is of a protocol that is not known"
    );
    let (system, at) = unpickle(file, at)?;
    let little = system.get(system.root, "little_endian");
    let little = little.map(|id| system.node(id));
    ensure!(
        !matches!(little, Some(Node::Bool(false))),
        Unsupported,
        "the file's numbers are big-endian: save it anew on another machine"
    );
    let (graph, at) = unpickle(file, at)?;
    let (keys, mut at) = unpickle(file, at)?;
    let Node::List(ids) = keys.node(keys.root) else {
        bail!(Io, "the file does not list its memories");
    };
    // How large an element is, the values say; the list of memories does not.
    let mut sizes = HashMap::new();
    for node in &graph.nodes {
        if let Node::Stored(stored) = node {
            sizes.insert(stored.key, stored.dtype.map_or(1, crate::DType::size));
        }
    }
    let mut memory: HashMap<&str, &[u8]> = HashMap::new();
    for &id in ids {
        let Node::Text(key) = keys.node(id) else {
            bail!(Io, "the file names a memory by what is no text");
        };
        let cut = || error!(Io, "the file ends in the middle of its memories");
        let (count, rest) = file[at..].split_first_chunk::<8>().ok_or_else(cut)?;
        let Some(&size) = sizes.get(key) else {
            bail!(Io, "the file has a memory that no tensor lies in");
        };
        let n = u64::from_le_bytes(*count);
        let n = usize::try_from(n).ok().and_then(|n| n.checked_mul(size));
        let bytes = n.and_then(|n| rest.get(..n)).ok_or_else(cut)?;
        let twice = memory.insert(key, bytes).is_some();
        ensure!(!twice, Io, "the file has a memory twice");
        at += 8 + bytes.len();
    }
    make(Maker::new(&graph, &memory), &graph)
}
