//! Models as ONNX files, which other programs run.
//!
//! A model is run and recorded (`runs`), and the operations of the recorded program become nodes (`writer`): counterparts are in `numbers`, `activations`,
//! `reductions`, `shapes`, `places`, `scatters`, `windows`, `images`, `products` and `recurrent`. Further runs with other numbers, and with batches of other sizes where
//! the batch may vary, must give the same program, and every size in it must follow the batch by one rule (`call`); so what a program computes from sizes
//! or takes out of its inputs is right in the file, or an error. The file is made of a `graph` and written by `proto`. Reading such files is not here.

mod activations;
mod call;
mod graph;
mod images;
mod messages;
mod numbers;
mod places;
mod products;
mod proto;
mod recurrent;
mod reductions;
mod runs;
mod scatters;
mod shapes;
mod windows;
mod writer;

use super::atomic::write_atomically;
use crate::nn::{Layer, Module, eval, observe};
use crate::{Error, Result, Tensor, no_grad};
use call::Batches;
use graph::Graph;
use runs::{Input, Run};
use std::collections::HashMap;
use std::path::Path;
use writer::Writer;

/// The version of ONNX's operators that files use.
pub const OPSET: i64 = 18;

/// How a model is written.
///
/// ```
/// use pullback::io::onnx::Options;
/// let how = Options::default().batch(true).outputs(vec!["logits".into()]);
/// assert!(how.batch);
/// ```
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct Options {
    /// Whether the inputs' first size is the batch's, which may vary; without it all sizes are the example's.
    pub batch: bool,
    /// Which size of each input is the batch's, where it is not the first one; none for an input that has no batch, as a mask.
    pub dims: Vec<Option<usize>>,
    /// Names of the results; without them `output`, or `output_0` and so on.
    pub outputs: Vec<String>,
}

impl Options {
    /// With another `batch`.
    #[must_use]
    pub fn batch(self, batch: bool) -> Self {
        Options { batch, ..self }
    }

    /// With other `dims`.
    #[must_use]
    pub fn dims(self, dims: Vec<Option<usize>>) -> Self {
        Options { dims, ..self }
    }

    /// With other `outputs`.
    #[must_use]
    pub fn outputs(self, outputs: Vec<String>) -> Self {
        Options { outputs, ..self }
    }
}

/// Writes a layer as an ONNX file, by an example of its input. The file is there whole or not at all.
///
/// Layers are written as they are in evaluation: dropout drops nothing, batch norms use their running statistics. Parameters have their names in the
/// model; the input is `input`, the result `output`. Operators are those of version [`OPSET`].
///
/// ```
/// use pullback::io::onnx;
/// use pullback::nn::{Linear, ReLU};
/// use pullback::{DType, Tensor, sequential};
/// # let folder = std::env::temp_dir().join(format!("pullback-onnx-{}", std::process::id()));
/// # std::fs::create_dir_all(&folder).unwrap();
/// # let path = folder.join("model.onnx");
/// let model = sequential![Linear::new(4, 8)?, ReLU, Linear::new(8, 2)?];
/// let x = Tensor::zeros([1, 4], DType::F32)?;
/// onnx::save(&path, &model, &x, onnx::Options::default().batch(true))?;
/// # std::fs::remove_dir_all(&folder).unwrap();
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// Those of the model and of the file system; an operation that has no counterpart, with its name and that of the layer; sizes that follow the batch
/// where ONNX has none; numbers that the program takes out of its inputs or draws.
pub fn save<L: Layer>(path: impl AsRef<Path>, model: &L, x: &Tensor, how: Options) -> Result<()> {
    let content = export(model, &[("input", x)], how, |m, x| {
        Ok(vec![m.forward(&x[0])?])
    })?;
    write_atomically(path, &content)
}

/// The bytes of an ONNX file of a model of any number of inputs and results; `forward` calls it, twice or more, with inputs like the examples.
///
/// ```
/// use pullback::io::onnx;
/// use pullback::nn::Bilinear;
/// use pullback::{DType, Tensor};
/// let model = Bilinear::new(2, 3, 4)?;
/// let (a, b) = (Tensor::zeros([5, 2], DType::F32)?, Tensor::zeros([5, 3], DType::F32)?);
/// let file = onnx::export(&model, &[("a", &a), ("b", &b)], onnx::Options::default(), |m, x| {
///     Ok(vec![m.forward(&x[0], &x[1])?])
/// })?;
/// let path = std::env::temp_dir().join(format!("pullback-bilinear-{}.onnx", std::process::id()));
/// pullback::io::write_atomically(&path, &file)?;
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// As [`save`], but those of the file system; inputs of one name, or without a batch where it is to vary; names of results that are other values'.
pub fn export<M: Module>(
    model: &M,
    inputs: &[(&str, &Tensor)],
    how: Options,
    forward: impl Fn(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<Vec<u8>> {
    let inputs = Input::all(inputs, how.batch, &how.dims)?;
    let batches = runs::batches(&inputs)?;
    let (_quiet, _mode) = (no_grad(), eval());
    let mut runs = Vec::new();
    for run in batches.iter().copied().enumerate() {
        let again = |e: Error| {
            match run.0 {
            0 => e,
            _ => e.note("the model ran with the example, but not with other numbers in the same places, by which it is seen what it makes of them"),
        }
        };
        runs.push(Run::of(model, &inputs, run, &forward).map_err(again)?);
    }
    let names = names(model);
    let paths = observe::paths(model);
    let mut writer = Writer {
        graph: Graph::default(),
        batches: Batches(&batches),
        runs: &runs,
        values: HashMap::new(),
        paths: &paths,
    };
    writer.inputs(&inputs)?;
    writer.constants(&names)?;
    writer.instructions()?;
    writer.file(&how)
}

/// The names of a model's tensors, by their numbers.
fn names<M: Module>(model: &M) -> HashMap<u64, String> {
    let mut names = HashMap::new();
    for (name, t) in model.state() {
        names.entry(t.id()).or_insert(name);
    }
    names
}
