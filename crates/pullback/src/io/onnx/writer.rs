//! From recorded runs to a graph: what came from outside becomes constants, every operation its counterpart, what is known beforehand a number.

use super::call::{Batches, Call, Value};
use super::graph::{Dim, Graph};
use super::messages::described;
use super::proto::Message;
use super::runs::{Input, Run};
use super::{OPSET, Options};
use super::{
    activations, images, numbers, places, products, recurrent, reductions, scatters, shapes,
    windows,
};
use crate::core::apply::boxed;
use crate::core::fail::{bail, ensure, error};
use crate::io::bytes;
use crate::program::{Instruction, ValueId};
use crate::{Array, Error, ErrorKind, Result, Shape, Tensor};
use std::collections::HashMap;

const DIFFERS: &str =
    "the model computes something else for inputs with other numbers or batches of other sizes";
const DEPENDS: &str = "numbers that depend on the size of the batch, that the program takes out of its inputs, or that it draws, have no counterpart in ONNX";

fn differs() -> Error {
    error!(Unsupported, "{DIFFERS}")
}

/// The counterpart of an operation.
fn counterpart(g: &mut Graph, c: &Call<'_>) -> Result<Option<String>> {
    for table in [
        numbers::written,
        activations::written,
        reductions::written,
        shapes::written,
        places::written,
        scatters::written,
        windows::written,
        images::written,
        products::written,
        recurrent::written,
    ] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// The graph while it is written.
pub(super) struct Writer<'a> {
    pub(super) graph: Graph,
    pub(super) batches: Batches<'a>,
    pub(super) runs: &'a [Run],
    pub(super) values: HashMap<ValueId, Value>,
    /// What layers are called.
    pub(super) paths: &'a HashMap<String, String>,
}

impl<'a> Writer<'a> {
    pub(super) fn inputs(&mut self, inputs: &[Input<'_>]) -> Result<()> {
        for (k, input) in inputs.iter().enumerate() {
            let shapes: Vec<&Shape> = self.runs.iter().map(|r| &r.program.shapes[k]).collect();
            let value = Value {
                name: input.name.to_string(),
                shape: self.batches.shape(&shapes)?,
                dtype: input.example.dtype(),
                known: None,
                of_model: false,
            };
            self.values.insert(self.runs[0].program.inputs[k], value);
        }
        self.graph.sized = (inputs.iter()).find_map(|i| Some((i.name.to_string(), i.batch?)));
        Ok(())
    }

    /// What came from outside: parameters by their names, other tensors, and those that a program fills by the size of the batch.
    pub(super) fn constants(&mut self, names: &HashMap<u64, String>) -> Result<()> {
        let all = |k: usize| self.runs.iter().map(move |r| r.program.constants.get(k));
        for k in 0..self.runs[0].program.constants.len() {
            let found: Option<Vec<&(ValueId, Array)>> = all(k).collect();
            let found = found.ok_or_else(differs)?;
            let (id, array) = found[0];
            ensure!(
                found.iter().all(|(other, _)| other == id),
                Unsupported,
                "{DIFFERS}"
            );
            let own = names.get(&self.runs[0].program.origins[k].tensor);
            let shapes: Vec<&Shape> = found.iter().map(|(_, a)| a.shape()).collect();
            let shape = self.batches.shape(&shapes)?;
            let mut arrays: Vec<Tensor> = (found.iter())
                .map(|(_, a)| Tensor::from_array(a.clone()))
                .collect();
            let value = match own {
                Some(name) => Value {
                    name: self.graph.constant(Some(name.clone()), arrays[0].clone()),
                    shape,
                    dtype: array.dtype(),
                    known: Some(arrays.swap_remove(0)),
                    of_model: true,
                },
                None => self.made(arrays, shape)?,
            };
            self.values.insert(*id, value);
        }
        Ok(())
    }

    /// A tensor that no parameter is: the same in all runs, or of a shape that follows the batch.
    fn made(&mut self, mut found: Vec<Tensor>, shape: Vec<Dim>) -> Result<Value> {
        let dtype = found[0].dtype();
        let fixed = shape.iter().all(|d| d.per == 0);
        let name = match fixed {
            true => {
                ensure!(same(&found)?, Unsupported, "{DEPENDS}");
                self.graph.constant(None, found[0].clone())
            }
            false => self.filled(&found, &shape)?,
        };
        Ok(Value {
            name,
            shape,
            dtype,
            known: fixed.then(|| found.swap_remove(0)),
            of_model: false,
        })
    }

    /// A tensor of a shape that follows the batch: of one number, or of numbers at even distances.
    fn filled(&mut self, found: &[Tensor], shape: &[Dim]) -> Result<String> {
        let first = found[0].flatten()?.narrow(0, 0, 1)?;
        let (one, mut alike) = (bytes::of(&first)?, true);
        for t in found {
            alike &= bytes::of(t)?.chunks(one.len()).all(|c| *c == *one);
        }
        if alike {
            let (one, to) = (self.graph.constant(None, first), self.graph.dims(shape)?);
            return Ok(self.graph.plain("Expand", &[&one, &to]));
        }
        ensure!(
            shape.len() == 1 && first.dtype() == crate::DType::I64,
            Unsupported,
            "{DEPENDS}"
        );
        let rows = (found.iter())
            .map(|t| t.to_vec::<i64>())
            .collect::<Result<Vec<_>>>()?;
        let (start, step) = (rows[0][0], rows[0][1] - rows[0][0]);
        let even = |row: &Vec<i64>| (row.iter().zip(0..)).all(|(&n, k)| n == start + k * step);
        ensure!(rows.iter().all(even), Unsupported, "{DEPENDS}");
        let end = Dim {
            per: shape[0].per * step,
            plus: shape[0].plus * step + start,
        };
        let end = self.graph.size(end)?;
        let (start, step) = (
            self.graph.number(start, crate::DType::I64)?,
            self.graph.number(step, crate::DType::I64)?,
        );
        Ok(self.graph.plain("Range", &[&start, &end, &step]))
    }

    pub(super) fn instructions(&mut self) -> Result<()> {
        let counts = self.runs.iter().map(|r| r.program.instructions().len());
        let many = counts.max().unwrap_or(0);
        for k in 0..many {
            let runs: Option<Vec<&'a Instruction>> = (self.runs.iter())
                .map(|r| r.program.instructions().get(k))
                .collect();
            let runs = runs.ok_or_else(differs)?;
            let one = runs[0];
            let same = runs.iter().all(|i| {
                i.op.def().name == one.op.def().name
                    && i.inputs == one.inputs
                    && i.output == one.output
            });
            if !same {
                return Err(self.of(one, differs()));
            }
            let value = self.instruction(runs).map_err(|e| self.of(one, e))?;
            self.values.insert(one.output, value);
        }
        Ok(())
    }

    fn instruction(&mut self, runs: Vec<&'a Instruction>) -> Result<Value> {
        let one = runs[0];
        let inputs: Option<Vec<Value>> = (one.inputs.iter())
            .map(|i| self.values.get(i).cloned())
            .collect();
        let Some(inputs) = inputs else {
            bail!(Value, "a value is read before it is made");
        };
        let of_places = (inputs.iter()).any(|v| self.graph.is_only_places(&v.name));
        ensure!(
            !of_places || reads_places(one),
            Unsupported,
            "{} has no counterpart in ONNX",
            one.op.def().known_as()
        );
        let of_model = inputs.iter().any(|v| v.of_model);
        let known = known(&runs, &inputs)?;
        if let (Some(found), false) = (&known, of_model) {
            let shapes: Vec<&Shape> = found.iter().map(Tensor::shape).collect();
            let shape = self.batches.shape(&shapes)?;
            return self.made(found.clone(), shape);
        }
        let shapes: Vec<&Shape> = runs.iter().map(|i| &i.shape).collect();
        let call = Call {
            batches: self.batches,
            shape: self.batches.shape(&shapes)?,
            runs,
            inputs,
        };
        // What parameters become is computed beforehand where ONNX cannot.
        let known = known.filter(|found| same(found).unwrap_or(false));
        let name = match (counterpart(&mut self.graph, &call), &known) {
            (Ok(Some(name)), _) => name,
            (Ok(None), Some(found)) => self.graph.constant(None, found[0].clone()),
            (Err(e), Some(found)) if e.kind() == ErrorKind::Unsupported => {
                drop(e);
                self.graph.constant(None, found[0].clone())
            }
            (Err(e), _) => return Err(e),
            (Ok(None), None) => bail!(
                Unsupported,
                "{} has no counterpart in ONNX",
                one.op.def().known_as()
            ),
        };
        Ok(Value {
            name,
            shape: call.shape,
            dtype: one.dtype,
            known: known.map(|mut found| found.swap_remove(0)),
            of_model,
        })
    }

    /// An error about an operation, with its layer and its line.
    fn of(&self, one: &Instruction, e: Error) -> Error {
        let layer = one.place.as_deref().and_then(|key| self.paths.get(key));
        let e = e.op(one.op.def().known_as()).at(one.site);
        match layer {
            Some(path) => e.note(format!("in {path}")),
            None => e,
        }
    }

    /// The bytes of the file.
    pub(super) fn file(self, how: &Options) -> Result<Vec<u8>> {
        let ids = &self.runs[0].program.outputs;
        let many = ids.len();
        ensure!(
            how.outputs.is_empty() || how.outputs.len() == many,
            Argument,
            "{} names for {many} results",
            how.outputs.len()
        );
        let mut outputs: Vec<(String, String, Message)> = Vec::new();
        for (k, id) in ids.iter().enumerate() {
            let name = match (how.outputs.get(k), many) {
                (Some(name), _) => name.clone(),
                (None, 1) => "output".to_string(),
                _ => format!("output_{k}"),
            };
            let taken = self.values.values().any(|v| v.name == name)
                || outputs.iter().any(|(_, other, _)| *other == name);
            ensure!(
                !taken && !name.is_empty(),
                Argument,
                "a result cannot be called \"{name}\", as another value is"
            );
            let Some(value) = self.values.get(id) else {
                bail!(Value, "a result that was not made");
            };
            let dtype = self.runs[0].outputs[k].dtype();
            let described = described(&name, dtype, &value.shape)?;
            ensure!(
                !self.graph.is_only_places(&value.name),
                Unsupported,
                "places along a dimension are no result in ONNX"
            );
            outputs.push((value.name.clone(), name, described));
        }
        let inputs = (self.runs[0].program.inputs.iter())
            .map(|id| {
                let value = &self.values[id];
                described(&value.name, value.dtype, &value.shape)
            })
            .collect::<Result<Vec<_>>>()?;
        let graph = self.graph.message("model", &inputs, &outputs)?;
        let mut opset = Message::default();
        opset.integer(2, OPSET);
        let mut model = Message::default();
        model.integer(1, 8);
        model.bytes(2, "pullback");
        model.bytes(3, env!("CARGO_PKG_VERSION"));
        model.message(7, &graph);
        model.message(8, &opset);
        Ok(model.0)
    }
}

/// Whether an operation's counterpart takes an index along a dimension.
fn reads_places(one: &Instruction) -> bool {
    use crate::ops::{IndexAddUp, IndexPut, IndexTake, ScatterReduce};
    let known = [
        IndexTake::DEF,
        IndexPut::DEF,
        IndexAddUp::DEF,
        ScatterReduce::DEF,
    ];
    known.iter().any(|def| def.name == one.op.def().name)
}

/// Whether tensors have the same numbers.
fn same(all: &[Tensor]) -> Result<bool> {
    let first = bytes::of(&all[0])?;
    for other in &all[1..] {
        if other.shape() != all[0].shape() || bytes::of(other)? != first {
            return Ok(false);
        }
    }
    Ok(true)
}

/// What an operation gives in every run, where its operands are known.
fn known(runs: &[&Instruction], inputs: &[Value]) -> Result<Option<Vec<Tensor>>> {
    let operands: Option<Vec<&Tensor>> = inputs.iter().map(|v| v.known.as_ref()).collect();
    let Some(operands) = operands else {
        return Ok(None);
    };
    let found = runs.iter().map(|i| boxed(&*i.op, &operands, i.site));
    found.collect::<Result<Vec<_>>>().map(Some)
}
