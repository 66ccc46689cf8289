//! Where recorders are told of what runs: operations, writes, functions of the user, saved values that backward takes out.

use super::{Known, Latest, Made, each};
use crate::core::graph::{Edge, Node, OUTPUT};
use crate::core::mode;
use crate::core::op::Op;
use crate::core::projection::Projection;
use crate::core::tensor::Tensor;
use crate::core::watch::{Draw, Watch, Writing};
use crate::program::{Instruction, ValueId};
use crate::{Array, Result, Shape, Shared};
use smallvec::SmallVec;
use std::panic::Location;

/// What the core tells the recorders of a thread.
pub(crate) struct Recorders;

impl Watch for Recorders {
    fn applied(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        outputs: &[Tensor],
        site: &'static Location<'static>,
    ) -> Result<()> {
        match outputs {
            [out] if op.outputs() == 1 => record(op, inputs, out, site),
            _ => record_many(op, inputs, outputs, site),
        }
    }

    fn writing(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        value: &Array,
        site: &'static Location<'static>,
    ) -> Result<Box<dyn Writing>> {
        each(|r| r.rows_written(op, inputs))?;
        each(|r| r.hold_constants(inputs[0]))?;
        record_write(op, inputs, inputs[0], value, site)?;
        Ok(Box::new(Logged))
    }

    /// `x` holds the value of `by` now.
    fn replaced(
        &self,
        x: &Tensor,
        by: &Tensor,
        history: bool,
        site: &'static Location<'static>,
    ) -> Result<()> {
        each(|r| {
            // The version advanced after `by` was made.
            let value = match r.known.get(&by.id()).filter(|_| history) {
                Some(known) => known.value,
                None => r.read(by)?,
            };
            if history {
                // So that other handles of this memory know what the step of its version was.
                r.log_write(x, (x.version(), 1), value, site);
            }
            r.knows(x, value);
            Ok(())
        })
    }

    fn looked(&self, x: &Tensor) {
        super::looked(x);
    }

    fn varies(&self, x: &Tensor) -> bool {
        super::depends(x)
    }

    fn drawn(&self, shape: &Shape, draw: Draw<'_>) -> Result<Array> {
        super::drawn(shape, draw)
    }

    /// `value` is what the recorders knew by another handle.
    fn unpacked(&self, node: &Shared<Node>, which: u32, value: &Tensor) {
        adopt(node, which, value);
    }
}

/// The write that was recorded last.
struct Logged;

impl Writing for Logged {
    fn recorded(&mut self, node: &Shared<Node>) {
        record_node(node);
    }

    fn done(self: Box<Self>, _: &Tensor) -> Result<()> {
        Ok(())
    }

    fn failed(self: Box<Self>, x: &Tensor) {
        forget_write(x);
    }
}

/// An operation of one result is one instruction.
#[cold]
fn record(
    op: &dyn Op,
    inputs: &[&Tensor],
    out: &Tensor,
    site: &'static Location<'static>,
) -> Result<()> {
    each(|r| {
        let value = r.push(op, inputs, &out.array(), site)?;
        let outputs = [value].into_iter().collect();
        r.made(&out.0.edge, outputs);
        r.knows(out, value);
        Ok(())
    })
}

/// Each of several results is an instruction of its own.
#[cold]
fn record_many(
    op: &dyn Op,
    inputs: &[&Tensor],
    out: &[Tensor],
    site: &'static Location<'static>,
) -> Result<()> {
    each(|r| {
        let mut values = SmallVec::new();
        for (which, t) in out.iter().enumerate() {
            let projection = Projection {
                op: op.boxed(),
                which,
            };
            values.push(r.push(&projection, inputs, &t.array(), site)?);
        }
        let node = out
            .iter()
            .find(|t| matches!(t.0.edge, Some(Edge::Node(..))));
        if let Some(t) = node {
            r.made(&t.0.edge, values.clone());
        }
        for (t, value) in out.iter().zip(values) {
            r.knows(t, value);
        }
        Ok(())
    })
}

/// What each active recorder calls the inputs of a function that is about to run.
pub(crate) struct Read {
    ids: Vec<SmallVec<[ValueId; 2]>>,
    versions: Vec<u32>,
}

/// Called before a function of the user runs, which may write its inputs.
#[cold]
pub(crate) fn read_all(inputs: &[&Tensor]) -> Result<Read> {
    let mut all = Vec::new();
    each(|r| {
        let ids = inputs.iter().map(|t| r.read(t)).collect::<Result<_>>()?;
        all.push(ids);
        inputs.iter().try_for_each(|t| r.hold_constants(t))
    })?;
    let versions = inputs.iter().map(|t| t.version()).collect();
    Ok(Read { ids: all, versions })
}

/// Called after it ran; `written` are the inputs that are among its results.
#[cold]
pub(crate) fn record_function(
    op: &dyn Op,
    read: Read,
    out: &[Tensor],
    written: &[(usize, &Tensor)],
    site: &'static Location<'static>,
) -> Result<()> {
    let mut ids = read.ids.into_iter();
    each(|r| {
        let ids = ids.next().unwrap_or_default();
        let mut values: SmallVec<[ValueId; 1]> = SmallVec::new();
        for (which, t) in out.iter().enumerate() {
            let output = r.fresh();
            let op = match out.len() {
                1 => op.boxed(),
                _ => Box::new(Projection {
                    op: op.boxed(),
                    which,
                }),
            };
            r.program.instructions.push(Instruction {
                op,
                inputs: ids.clone(),
                output,
                site,
                place: crate::program::place::now(),
                decision: None,
                shape: t.shape().clone(),
                dtype: t.dtype(),
                grad: mode::records(mode::flags()),
            });
            values.push(output);
            if let Some((i, _)) = written.iter().find(|(_, w)| w.is(t)) {
                let now = t.version();
                let steps = now.wrapping_sub(read.versions[*i]);
                r.log_write(t, (now, steps), output, site);
            }
        }
        if let Some(t) = out
            .iter()
            .find(|t| matches!(t.edge(), Some(Edge::Node(..))))
        {
            r.made(&t.edge(), values.clone());
        }
        for (t, value) in out.iter().zip(values) {
            r.knows(t, value);
        }
        Ok(())
    })
}

/// Called where `new` holds what another tensor held: `id` is its number and `version` its memory's then.
#[cold]
pub(crate) fn same_value(id: u64, version: u32, new: &Tensor) {
    let _ = each(|r| {
        if let Some(known) = r.known.get(&id).filter(|k| k.version == version).copied() {
            r.knows(new, known.value);
        }
        Ok(())
    });
}

/// Just before `result` (of `op`) is written over `x`.
#[cold]
fn record_write(
    op: &dyn Op,
    inputs: &[&Tensor],
    x: &Tensor,
    result: &Array,
    site: &'static Location<'static>,
) -> Result<()> {
    each(|r| {
        let mut value = r.push(op, inputs, result, site)?;
        let read = r.program.instructions.last().map(|i| i.inputs.clone());
        let before = r.known.get(&x.id()).copied();
        if result.dtype() != x.dtype() {
            let output = r.fresh();
            r.program.instructions.push(Instruction {
                op: Box::new(crate::core::structural::To { dtype: x.dtype() }),
                inputs: [value].into_iter().collect(),
                output,
                site,
                place: crate::program::place::now(),
                decision: None,
                shape: x.shape().clone(),
                dtype: x.dtype(),
                grad: mode::records(mode::flags()),
            });
            value = output;
        }
        let version = x.version() + 1;
        r.log_write(x, (version, 1), value, site);
        r.known.insert(x.id(), Known { value, version });
        r.latest = read.zip(before).map(|(inputs, before)| Latest {
            inputs,
            output: value,
            before,
        });
        Ok(())
    })
}

/// The write that was recorded last could not be carried out.
#[cold]
fn forget_write(x: &Tensor) {
    let _ = each(|r| {
        if let Some(list) = r.writes.get_mut(&x.array().storage().id()) {
            list.pop();
        }
        if let Some(latest) = r.latest.take() {
            r.known.insert(x.id(), latest.before);
        }
        Ok(())
    });
}

/// The node of the write that was recorded last.
#[cold]
fn record_node(node: &Shared<Node>) {
    let _ = each(|r| {
        if let Some(Latest { inputs, output, .. }) = r.latest.take() {
            let node = node.clone();
            let outputs = [output].into_iter().collect();
            r.made.insert(
                Shared::address(&node),
                Made {
                    node,
                    inputs,
                    outputs,
                },
            );
        }
        Ok(())
    });
}

/// Backward took `value` out of `node`, which had saved it as `which`.
#[cold]
fn adopt(node: &Shared<Node>, which: u32, value: &Tensor) {
    let _ = each(|r| {
        let known = r
            .made
            .get(&Shared::address(node))
            .filter(|made| Shared::ptr_eq(&made.node, node))
            .and_then(|made| match which {
                k if k >= OUTPUT => made.outputs.get((k - OUTPUT) as usize).copied(),
                i => made.inputs.get(i as usize).copied(),
            });
        if let Some(known) = known {
            r.knows(value, known);
        }
        Ok(())
    });
}
