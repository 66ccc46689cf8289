//! What a model is made of, layer by layer, with the shapes of what the layers give: by inference, without a number computed.

use super::layer::Layer;
use super::module::Module;
use super::named::NamedTensors;
use super::observe::{self, Key};
use super::repr::Repr;
use super::visit::Visit;
use crate::{Result, Shape, Tensor};
use std::collections::HashMap;
use std::fmt;

/// A module of a model.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct SummaryRow {
    /// The names of the fields on the way to it; empty for the model itself.
    pub name: String,
    /// What it is: `Linear`.
    pub kind: String,
    /// The shape of what it gave last, if it was called and tells.
    pub output: Option<Shape>,
    /// Numbers that are trained in it and in what it holds.
    pub parameters: usize,
}

/// What [`summary`] gives; it prints as a table.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct Summary {
    /// The model, and every module in it, in order of declaration.
    pub rows: Vec<SummaryRow>,
    /// The shape of the model's result.
    pub output: Shape,
    /// Numbers that are trained, each once.
    pub parameters: usize,
    /// Numbers that are not: buffers and what is frozen.
    pub others: usize,
}

/// Adds a row for a module, and rows for those in it. The last thing each row is known by stands beside it.
fn walk(name: &str, module: &dyn Module, rows: &mut Vec<(Key, SummaryRow)>) {
    let Some(repr) = module.repr() else {
        return;
    };
    rows.push((
        observe::key(module),
        SummaryRow {
            name: name.to_string(),
            kind: Repr::name(&repr).to_string(),
            output: None,
            parameters: module.num_parameters(),
        },
    ));
    module.visit(&mut Visit::fields(&mut |field, inner| {
        let dot = if name.is_empty() { "" } else { "." };
        walk(&format!("{name}{dot}{field}"), inner, rows);
    }));
}

/// Runs a model without numbers, and gives what it is made of.
///
/// `forward` is given a model on [`Device::Meta`](crate::Device::Meta) and calls it with inputs from there ([`meta`](super::meta)).
///
/// ```
/// use pullback::nn::{self, Conv2d, Flatten, Layer, Linear, ReLU, summary};
/// use pullback::{DType, sequential};
/// let model = sequential![Conv2d::new(1, 4, 3)?, ReLU, Flatten::default(), Linear::new(144, 10)?];
/// let x = nn::meta([1, 1, 8, 8], DType::F32)?;
/// let table = summary(&model, |m| m.forward(&x))?;
/// assert_eq!(table.parameters, 1490);
/// assert_eq!(table.rows[1].output.as_ref().unwrap()[..], [1, 4, 6, 6]);
/// println!("{table}");
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// Those of `forward`: shapes that do not fit, with the layer.
pub fn summary<M: Module + Clone>(
    model: &M,
    forward: impl FnOnce(&M) -> Result<Tensor>,
) -> Result<Summary> {
    let model = model.to_meta()?;
    let mut rows = Vec::new();
    walk("", &model, &mut rows);
    let (output, seen) = observe::watch(|| {
        let _guard = crate::no_grad();
        forward(&model)
    })?;
    // Layers without fields lie in one place: what such gave goes to them in turn, and more than that to the last.
    let mut places: HashMap<Key, Vec<usize>> = HashMap::new();
    for (at, (key, _)) in rows.iter().enumerate() {
        places.entry(key.clone()).or_default().push(at);
    }
    let mut turns: HashMap<Key, usize> = HashMap::new();
    for (key, shape) in seen {
        let Some(of) = places.get(&key) else {
            continue;
        };
        let turn = turns.entry(key).or_default();
        rows[of[(*turn).min(of.len() - 1)]].1.output = Some(shape);
        *turn += 1;
    }
    let parameters = model.num_parameters();
    Ok(Summary {
        rows: rows.into_iter().map(|(_, row)| row).collect(),
        output: output.shape().clone(),
        parameters,
        others: NamedTensors::numel(&model.named_buffers()),
    })
}

/// `1234567` as `1,234,567`.
fn thousands(n: usize) -> String {
    let digits = n.to_string();
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            text.push(',');
        }
        text.push(c);
    }
    text
}

impl fmt::Display for Summary {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut lines = vec![["name", "layer", "output", "parameters"].map(String::from)];
        lines.extend(self.rows.iter().map(|row| {
            let output = row.output.as_ref().map_or(String::new(), Shape::to_string);
            let parameters = match row.parameters {
                0 => String::new(),
                n => thousands(n),
            };
            [row.name.clone(), row.kind.clone(), output, parameters]
        }));
        let width = |k: usize| lines.iter().map(|l| l[k].len()).max().unwrap_or(0);
        let widths: [usize; 4] = std::array::from_fn(width);
        for [name, kind, output, parameters] in &lines {
            writeln!(
                f,
                "{name:<w0$}  {kind:<w1$}  {output:<w2$}  {parameters:>w3$}",
                w0 = widths[0],
                w1 = widths[1],
                w2 = widths[2],
                w3 = widths[3]
            )?;
        }
        write!(
            f,
            "{} parameters, {} other numbers",
            thousands(self.parameters),
            thousands(self.others)
        )
    }
}

/// [`summary`] of a layer that is given an input of this shape and dtype.
///
/// # Errors
/// As there.
pub(super) fn of_layer<L: Layer + Clone>(layer: &L, input: &Tensor) -> Result<Summary> {
    let x = super::meta(input.shape(), input.dtype())?;
    summary(layer, |m| m.forward(&x))
}
