//! A function of the list, ready to be called: its signature parsed, its node named, its in-place form.

use super::overlaps::check_overlap;
use crate::call::{Args, Function, NodeName, Signature, Value};
use crate::{Error, ErrorKind, Result, Tensor};
use std::panic::Location;

/// A function with its signature parsed: what calls go through.
pub struct Entry {
    /// The entry of the list.
    pub function: &'static Function,
    /// Its signature.
    pub signature: Signature,
    /// The file of the list it stands in.
    pub group: &'static str,
}

impl Entry {
    /// Calls it.
    ///
    /// # Errors
    /// Arguments that do not fit the signature; whatever the function reports.
    pub fn call(&self, args: &[Value], kwargs: &[(&str, Value)]) -> Result<Value> {
        let _called = pullback_array::Called::enter(self.signature.name, None);
        let values = self.signature.bind(args, kwargs)?;
        self.run(&Args::new(&self.signature, &values))
    }

    /// What PyTorch warns of for these arguments; `None` for arguments that do not fit.
    pub fn warnings(&self, args: &[Value], kwargs: &[(&str, Value)]) -> Option<Vec<String>> {
        let values = self.signature.bind(args, kwargs).ok()?;
        let Some(warns) = self.function.warns else {
            return Some(Vec::new());
        };
        Some(warns(&Args::new(&self.signature, &values)).unwrap_or_default())
    }

    /// Computes it from arguments that are bound, and calls the results' nodes as PyTorch does.
    #[inline]
    pub(super) fn run(&self, args: &Args<'_>) -> Result<Value> {
        let _called = pullback_array::Called::enter(self.signature.name, None);
        let value = (self.function.call)(args)?;
        if let Some(node) = self.function.node {
            name_nodes(node, args, &value)?;
        }
        Ok(value)
    }
}

/// Names the nodes that a call made; an argument that was handed through keeps its own.
fn name_nodes(node: NodeName, args: &Args<'_>, value: &Value) -> Result<()> {
    if let Value::Tensor(t) = value
        && !t.requires_grad()
    {
        return Ok(());
    }
    let results = value.tensors();
    if !results.iter().any(|t| t.requires_grad()) {
        return Ok(());
    }
    let name = match node {
        NodeName::Is(name) => name,
        NodeName::By(name) => name(args)?,
    };
    if !name.is_empty() {
        for t in results {
            t.name_node(name, &args.all_tensors());
        }
    }
    Ok(())
}

/// Calls `Tensor.name_`: computes the function and writes the result over its first argument, which is returned.
///
/// # Errors
/// PyTorch's sentences: no such in-place form, a result of another shape, a dtype that cannot hold the result; and
/// whatever the function reports.
#[track_caller]
pub fn in_place(entry: &Entry, args: &[Value], kwargs: &[(&str, Value)]) -> Result<Value> {
    let (site, name) = (Location::caller(), entry.function.name());
    let Some(Value::Tensor(target)) = args.first().filter(|_| entry.function.in_place) else {
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!("'Tensor' object has no attribute '{name}_'"),
        ));
    };
    if let Some(text) = (entry.function.refuses)(target.dtype()) {
        return Err(Error::new(ErrorKind::DType, text).op(name).at(site));
    }
    let context = |e: Error| e.op(name).at(site);
    check_overlap(name, target, args, kwargs, 1).map_err(context)?;
    let mut all = (args.iter().chain(kwargs.iter().map(|(_, v)| v))).flat_map(Value::tensors);
    let tracked = all.any(Tensor::requires_grad);
    let compute = |x: &Tensor| {
        let mut args = args.to_vec();
        args[0] = Value::Tensor(x.clone());
        match entry.call(&args, kwargs)? {
            Value::Tensor(result) => Ok(result),
            _ => Err(Error::new(
                ErrorKind::Unsupported,
                format!("{name}_ has no single result to write"),
            )),
        }
    };
    let adds = |v: &Value| matches!(v, Value::Bool(true)); // `accumulate`
    match name {
        "index_put"
            if target.array().layout().is_stretched()
                && !args.iter().chain(kwargs.iter().map(|(_, v)| v)).any(adds) =>
        {
            target.rewrite_once(name, site, compute)?;
        }
        _ => {
            let number = !matches!(args.get(1), Some(Value::Tensor(_)));
            let write = || target.rewrite(tracked, name, site, compute);
            target.named_write(written_name(name, number), write)?;
        }
    }
    Ok(Value::Tensor(target.clone()))
}

/// PyTorch's name of the node of an in-place form, where it is not the function's own; the number of a node says whether there is
/// a form for numbers and one for tensors.
fn written_name(function: &str, number: bool) -> &'static str {
    let choose = |a: &'static str, b: &'static str| if number { a } else { b };
    match function {
        "acosh" | "arccosh" => "AcoshBackward1",
        "asinh" | "arcsinh" => "AsinhBackward1",
        "atanh" | "arctanh" => "AtanhBackward1",
        "conj_physical" => "ConjPhysicalBackward1",
        "polygamma" => "PolygammaBackward1",
        "eq" => choose("EqBackward0", "EqBackward1"),
        "ne" | "not_equal" => choose("NeBackward0", "NeBackward1"),
        "lt" | "less" => choose("LtBackward0", "LtBackward1"),
        "le" | "less_equal" => choose("LeBackward0", "LeBackward1"),
        "gt" | "greater" => choose("GtBackward0", "GtBackward1"),
        "ge" | "greater_equal" => choose("GeBackward0", "GeBackward1"),
        _ => "",
    }
}
