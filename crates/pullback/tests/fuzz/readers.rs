//! The readers, each with files that it takes, and with what packs a changed inside so that the reader gets to see it.

use super::pickles;
use pullback::checkpoint::{Checkpoint, Keep};
use pullback::data::csv::Table;
use pullback::data::{DataLoader, TensorDataset, parse_idx};
use pullback::io::{self, pt, safetensors};
use pullback::nn::{Linear, Module, NamedTensors};
use pullback::optim::{Adam, Optimizer};
use pullback::{DType, Result, Tensor, random};
use std::cell::RefCell;
use std::path::{Path, PathBuf};

/// What a reader said of a file, without the numbers in it.
pub(crate) type Said = std::result::Result<String, String>;

fn said<T>(result: Result<T>) -> Said {
    let text = result.map_or_else(|e| e.message().to_string(), |_| "read".to_string());
    let words = text.split(|c: char| !c.is_alphabetic());
    Ok(words
        .filter(|w| w.len() > 2)
        .take(6)
        .collect::<Vec<_>>()
        .join(" "))
}

type Read = Box<dyn Fn(&[u8]) -> Said>;

/// A reader.
pub(crate) struct Reader {
    pub(crate) name: &'static str,
    /// What is changed.
    pub(crate) corpus: Vec<Vec<u8>>,
    /// Reads what became of it, and says what the reader said; an error here is a promise that was broken.
    pub(crate) read: Read,
}

fn golden(name: &str) -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("tests/golden")
        .join(name)
}

fn reader(
    name: &'static str,
    corpus: Vec<Vec<u8>>,
    read: impl Fn(&[u8]) -> Said + 'static,
) -> Reader {
    // Files that once broke a reader are tried for ever.
    let mut corpus = corpus;
    let kept = golden("fuzz").join(name);
    for entry in std::fs::read_dir(kept).into_iter().flatten().flatten() {
        corpus.push(std::fs::read(entry.path()).unwrap());
    }
    Reader {
        name,
        corpus,
        read: Box::new(read),
    }
}

fn tensors() -> NamedTensors {
    let x = Tensor::from_slice(&[1.0f32, 2.0, 3.0], [3]).unwrap();
    let y = Tensor::zeros([2, 0, 3], DType::I64).unwrap();
    [("a", x.clone()), ("tied", x), ("b.c", y)]
        .into_iter()
        .collect()
}

/// Files of NumPy's, as texts of hexadecimal digits.
fn numpy(kind: &str) -> Vec<Vec<u8>> {
    let all: serde_json::Value =
        serde_json::from_slice(&std::fs::read(golden("files.json")).unwrap()).unwrap();
    let bytes = |hex: &serde_json::Value| -> Vec<u8> {
        let hex = hex.as_str().unwrap();
        (0..hex.len() / 2)
            .map(|i| u8::from_str_radix(&hex[2 * i..2 * i + 2], 16).unwrap())
            .collect()
    };
    match &all[kind] {
        serde_json::Value::Array(all) => all.iter().map(|e| bytes(&e["hex"])).collect(),
        serde_json::Value::Object(all) => all.values().map(bytes).collect(),
        _ => panic!("{kind}"),
    }
}

fn files_of_pytorch() -> Vec<Vec<u8>> {
    let all = std::fs::read_dir(golden("pt")).unwrap();
    let all = all.map(|e| e.unwrap().path());
    let mut all: Vec<PathBuf> = all
        .filter(|p| p.extension().is_some_and(|e| e == "pt"))
        .collect();
    all.sort();
    let own = all.iter().map(|p| std::fs::read(p).unwrap());
    own.chain(pickles::hostile().into_iter().map(|h| h.1))
        .filter(|file| file.len() < 1 << 16)
        .collect()
}

/// What lies between a file's local headers: pickles, without their archives.
fn pickles_of_pytorch() -> Vec<Vec<u8>> {
    let inside = |file: Vec<u8>| {
        let at = file.windows(8).position(|w| w == b"data.pkl")?;
        let start = file[at..].iter().position(|&b| b == 0x80).map(|k| at + k)?;
        let end = file[start..]
            .windows(4)
            .position(|w| w == b"PK\x03\x04" || w == b"PK\x01\x02")?;
        Some(file[start..start + end].to_vec())
    };
    files_of_pytorch().into_iter().filter_map(inside).collect()
}

fn read_pt(file: &[u8]) -> Said {
    let _ = pt::parse_state(file);
    let value = pt::parse(file);
    // What was read can be written, but for objects and sets, and is read again.
    if let Ok(again) = value.as_ref().map_err(Clone::clone).and_then(pt::to_bytes) {
        pt::parse(&again).map_err(|e| format!("what was written is not read: {e}"))?;
    }
    said(value)
}

fn read_csv(file: &[u8]) -> Said {
    let all = || {
        let table = Table::parse(file)?;
        let names = table.names();
        let mut numeric = Vec::new();
        for name in &names {
            table.categories(name)?;
            if table.is_numeric(name)? {
                numeric.push(*name);
            }
        }
        table.tensor(&numeric, DType::F64)
    };
    said(all())
}

fn header_packed(header: &[u8]) -> Vec<u8> {
    [&(header.len() as u64).to_le_bytes()[..], header, &[0; 12]].concat()
}

/// A small run.
struct Run {
    layer: Linear,
    optim: Adam,
    count: u64,
    loader: DataLoader<TensorDataset<1>>,
}

impl Run {
    fn new() -> Result<Run> {
        let layer = Linear::new(2, 3)?;
        let data = TensorDataset::new([&Tensor::arange(5)?])?;
        Ok(Run {
            optim: Adam::new(layer.named_parameters(), 0.1)?,
            layer,
            count: 7,
            loader: DataLoader::builder(data).shuffle(true).build()?,
        })
    }

    fn parts(&mut self) -> Checkpoint<'_> {
        Checkpoint::new()
            .module("model", &self.layer)
            .optimizer("optimizer", &mut self.optim)
            .loader("loader", &self.loader)
            .keep("count", &mut self.count)
    }

    /// Some steps, so that there is something in the states.
    fn step(&mut self) -> Result<()> {
        self.layer.zero_grad();
        self.layer.weight.square()?.sum()?.backward()?;
        self.optim.step()
    }

    /// All of it.
    fn bits(&self) -> Result<Vec<u8>> {
        let parts = [
            self.layer.state(),
            self.optim.state()?.with_prefix("optimizer"),
            self.loader.state()?.with_prefix("loader"),
            self.count.state()?.with_prefix("count"),
        ];
        let all = parts.into_iter().reduce(NamedTensors::and);
        let mut bytes = safetensors::to_bytes(&all.unwrap_or_default(), &[])?;
        bytes.extend(random::get_rng_state());
        Ok(bytes)
    }
}

/// Files that do not fit leave the run as it was.
fn checkpoint(folder: &Path) -> Reader {
    let path = folder.join("run.safetensors");
    let mut run = Run::new().unwrap();
    run.step().unwrap();
    let saved = run.loader.iter().map(|mut epoch| {
        epoch.next();
        run.loader.state()
    });
    run.loader.load(&saved.unwrap().unwrap()).unwrap();
    run.parts().save(&path).unwrap();
    let file = std::fs::read(&path).unwrap();
    let run = RefCell::new(run);
    reader("checkpoint", vec![file], move |changed| {
        let mut run = run.borrow_mut();
        std::fs::write(&path, changed).map_err(|e| e.to_string())?;
        let before = run.bits().map_err(|e| e.to_string())?;
        let done = run.parts().load(&path);
        if let Err(e) = &done {
            if run.bits().map_err(|e| e.to_string())? != before {
                return Err(format!("the run changed, and yet: {e}"));
            }
            if !e.to_string().contains("run.safetensors") {
                return Err(format!("the error does not name the file: {e}"));
            }
        }
        said(done)
    })
}

/// All of them; files lie in the folder.
pub(crate) fn readers(folder: &Path) -> Vec<Reader> {
    let whole = safetensors::to_bytes(&tensors(), &[("x", "y")]).unwrap();
    let end = 8 + u64::from_le_bytes(whole[..8].try_into().unwrap()) as usize;
    let header = whole[8..end].to_vec();
    let nest = [b"{\"a\":".repeat(40), b"[".repeat(40)].concat();
    let mut idx = vec![0, 0, 13, 2, 0, 0, 0, 2, 0, 0, 0, 1];
    idx.extend([1; 8]);
    let table = b"size,colour,\"a,\"\"b\"\n1,red,2.5\n2,blue,\n-4e5,,NaN\n".to_vec();
    vec![
        reader("safetensors", vec![whole], move |b| {
            said(safetensors::parse(b))
        }),
        reader("json", vec![header, nest], move |b| {
            said(safetensors::parse(&header_packed(b)))
        }),
        reader("npy", numpy("npy"), move |b| said(io::parse_npy(b))),
        reader("npz", numpy("npz"), move |b| said(io::parse_npz(b))),
        reader("zip", numpy("npy"), move |b| {
            // The inside is changed, and the archive around it is whole.
            said(io::parse_npz(&pickles::archive(b, &[b])))
        }),
        reader("pt", files_of_pytorch(), read_pt),
        reader("pickle", pickles_of_pytorch(), |b| {
            read_pt(&pickles::archive(b, &[&[0; 16], &[0; 48], &[1; 24]]))
        }),
        reader("csv", vec![table], read_csv),
        reader("idx", vec![idx], move |b| said(parse_idx(b))),
        checkpoint(folder),
    ]
}
