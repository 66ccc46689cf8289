//! A state written into a model: what is missing, what is too much, what does not fit, and only then the numbers.

use super::named::NamedTensors;
use crate::{Error, ErrorKind, Result, Shape, Tensor};

/// What [`Module::load_partial`](super::Module::load_partial) found.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
#[must_use = "it says what was not loaded"]
#[non_exhaustive]
pub struct LoadReport {
    /// Tensors of the model that the state does not have.
    pub missing: Vec<String>,
    /// Tensors of the state that the model does not have.
    pub unexpected: Vec<String>,
    /// Tensors whose shapes differ: the name, the shape in the state, the shape in the model.
    pub mismatched: Vec<(String, Shape, Shape)>,
}

impl LoadReport {
    /// Whether the whole state went into the whole model.
    pub fn is_complete(&self) -> bool {
        self.missing.is_empty() && self.unexpected.is_empty() && self.mismatched.is_empty()
    }
}

/// What is written where, and what is not.
pub(super) struct Plan {
    writes: Vec<(String, Tensor, Tensor)>,
    report: LoadReport,
}

/// Compares a state with what a model has.
///
/// # Errors
/// Where two tensors of the state have one name.
pub(super) fn plan(own: &NamedTensors, state: &NamedTensors) -> Result<Plan> {
    let given = state.by_name()?;
    let known = own.by_name()?;
    let mut report = LoadReport::default();
    let mut writes = Vec::with_capacity(own.len());
    for (name, to) in own.iter() {
        match given.get(name) {
            None => report.missing.push(name.into()),
            Some(from) if from.shape() != to.shape() => {
                let shapes = (name.into(), from.shape().clone(), to.shape().clone());
                report.mismatched.push(shapes);
            }
            Some(from) => writes.push((name.into(), to.clone(), (*from).clone())),
        }
    }
    let extra = state.names().filter(|name| !known.contains_key(name));
    report.unexpected.extend(extra.map(String::from));
    Ok(Plan { writes, report })
}

/// Names as PyTorch lists them.
fn quoted(names: &[String]) -> String {
    let all: Vec<String> = names.iter().map(|n| format!("\"{n}\"")).collect();
    all.join(", ")
}

impl Plan {
    /// An error unless everything has its place.
    ///
    /// # Errors
    /// PyTorch's text.
    pub(super) fn complete(&self, module: &str) -> Result<()> {
        let LoadReport {
            missing,
            unexpected,
            mismatched,
        } = &self.report;
        if self.report.is_complete() {
            return Ok(());
        }
        let mut lines = Vec::new();
        if !missing.is_empty() {
            lines.push(format!(
                "Missing key(s) in state_dict: {}. ",
                quoted(missing)
            ));
        }
        if !unexpected.is_empty() {
            lines.push(format!(
                "Unexpected key(s) in state_dict: {}. ",
                quoted(unexpected)
            ));
        }
        lines.extend(mismatched.iter().map(|(name, from, to)| {
            format!("size mismatch for {name}: copying a param with shape {from} from checkpoint, the shape in current model is {to}.")
        }));
        let kind = match missing.is_empty() && unexpected.is_empty() {
            true => ErrorKind::Shape,
            false => ErrorKind::Argument,
        };
        let text = format!(
            "Error(s) in loading state_dict for {module}:\n\t{}",
            lines.join("\n\t")
        );
        Err(Error::new(kind, text).op("load"))
    }

    /// Writes what fits.
    ///
    /// # Errors
    /// Where a tensor cannot be written (another thread does, a dtype that does not convert), with its name.
    pub(super) fn write(&self) -> Result<()> {
        let _guard = crate::no_grad();
        self.writes.iter().try_for_each(|(name, to, from)| {
            // Tensors that share memory are written once with the same numbers each: nothing to avoid.
            to.copy_(from)
                .map_err(|e| e.op("load").note(format!("of `{name}`")))
        })
    }

    /// What did not fit.
    pub(super) fn report(self) -> LoadReport {
        self.report
    }
}
