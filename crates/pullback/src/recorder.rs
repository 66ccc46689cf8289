//! The recorder: what writes a [`Program`] down while it runs.
//!
//! It is called by `apply` for every operation and by `in_place` for every write, tracked or not, and keeps what it must know
//! of the run: which tensor holds which value as of which version of its memory. Not here: what runs a function under
//! a recorder (`trace`), and reading programs (`program`).

use crate::backward::address::ByAddress;
use crate::graph::{Edge, Node, OUTPUT};
use crate::op::{Family, Op};
use crate::ops::Overlay;
use crate::part::Part;
use crate::program::{Constant, Instruction, Program, ValueId};
use crate::tensor::Tensor;
use crate::{Array, Layout, Result, Shared, mode};
use pullback_array::Storage;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;

/// What the values that a node saved are called in the program.
struct Made {
    node: Shared<Node>,
    inputs: SmallVec<[ValueId; 2]>,
    outputs: SmallVec<[ValueId; 1]>,
}

/// The write being recorded: what it read and made, and what its destination was before.
struct Latest {
    inputs: SmallVec<[ValueId; 2]>,
    output: ValueId,
    before: Known,
}

/// What a recorder knows of a tensor: its value as of a version of its memory.
#[derive(Clone, Copy)]
pub(crate) struct Known {
    pub(crate) value: ValueId,
    pub(crate) version: u32,
}

/// A write in place that was recorded.
struct Write {
    version: u32,
    /// By how much it advanced the version.
    steps: u32,
    layout: Layout,
    value: ValueId,
    site: &'static Location<'static>,
}

#[derive(Default)]
pub(crate) struct Recorder {
    pub(crate) program: Program,
    pub(crate) known: HashMap<u64, Known>,
    /// For each memory that was written, by address (which it keeps while it is here).
    writes: ByAddress<(Storage, Vec<Write>)>,
    /// By the node's address; backward inside the recorded function reads saved values, which are new handles.
    made: HashMap<usize, Made>,
    /// What the write being recorded read and made, until its node exists.
    latest: Option<Latest>,
    /// The constants with their histories, for transforms that run the program at once.
    pub(crate) live: Vec<(ValueId, Tensor)>,
    /// Constants made just now, and the tensors they are copies of.
    copied: Vec<(Known, u64, Tensor)>,
}

thread_local! {
    /// Innermost last. A function that records, called from one that is being recorded, is seen by both.
    pub(crate) static RECORDERS: RefCell<Vec<Recorder>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    pub(crate) fn fresh(&mut self) -> ValueId {
        self.program.values += 1;
        self.program.values - 1
    }

    fn constant(&mut self, t: &Tensor) -> Result<ValueId> {
        let (value, version) = (self.fresh(), t.version());
        let array = t.array().copy()?;
        let copy = Tensor::with_edge(array.clone(), t.end());
        self.copied
            .push((Known { value, version }, t.id(), copy.clone()));
        self.live.push((value, copy));
        self.program.constants.push((value, array));
        self.program.origins.push(Constant {
            tensor: t.id(),
            version,
        });
        Ok(value)
    }

    /// The value a tensor holds now.
    pub(crate) fn read(&mut self, t: &Tensor) -> Result<ValueId> {
        let (array, now) = (t.array(), t.version());
        let seen = match self.known.get(&t.id()) {
            Some(known) if known.version == now => return Ok(known.value),
            Some(known) => Some(*known),
            None => None,
        };
        let writes = self.writes.get(&array.storage().address());
        let writes = writes.map_or(&[][..], |(_, list)| list);
        let start = seen.map_or(0, |k| writes.partition_point(|w| w.version <= k.version));
        let steps: u32 = writes[start..].iter().map(|w| w.steps).sum();
        let logged: Vec<(Layout, ValueId, &'static Location<'static>)> = (writes[start..].iter())
            .map(|w| (w.layout.clone(), w.value, w.site))
            .collect();
        // Writes that went past the recorder (another library, another thread) leave only a new constant.
        let base = match seen {
            Some(known) if steps == now.wrapping_sub(known.version) => known.value,
            _ => self.constant(t)?,
        };
        let mut value = base;
        for (layout, written, site) in logged {
            if layout == *array.layout() {
                value = written;
                continue;
            }
            let overlay = Overlay {
                old: array.layout().clone(),
                new: layout,
            };
            if overlay.covers().0 {
                let output = self.fresh();
                self.program.instructions.push(Instruction {
                    op: Box::new(overlay),
                    inputs: [value, written].into_iter().collect(),
                    output,
                    site,
                    decision: None,
                    shape: t.shape().clone(),
                    dtype: t.dtype(),
                });
                value = output;
            }
        }
        self.known.insert(
            t.id(),
            Known {
                value,
                version: now,
            },
        );
        Ok(value)
    }

    fn log_write(
        &mut self,
        x: &Tensor,
        (version, steps): (u32, u32),
        value: ValueId,
        site: &'static Location<'static>,
    ) {
        let storage = x.array().storage();
        let entry = self.writes.entry(storage.address());
        let (_, list) = entry.or_insert_with(|| (storage.clone(), Vec::new()));
        list.push(Write {
            version,
            steps,
            layout: x.array().layout().clone(),
            value,
            site,
        });
    }

    /// Notes that a tensor holds a value now.
    pub(crate) fn knows(&mut self, t: &Tensor, value: ValueId) {
        let version = t.version();
        self.known.insert(t.id(), Known { value, version });
    }

    /// Notes the node of the instruction pushed last: what it saved are these values.
    fn made(&mut self, edge: &Option<Edge>, outputs: SmallVec<[ValueId; 1]>) {
        if let (Some(Edge::Node(node, _)), Some(last)) = (edge, self.program.instructions.last()) {
            let made = Made {
                node: node.clone(),
                inputs: last.inputs.clone(),
                outputs,
            };
            self.made.insert(Shared::address(node), made);
        }
    }

    fn push(
        &mut self,
        op: &dyn Op,
        inputs: &[&Tensor],
        result: &Array,
        site: &'static Location<'static>,
    ) -> Result<ValueId> {
        let ids = inputs
            .iter()
            .map(|t| self.read(t))
            .collect::<Result<SmallVec<[ValueId; 2]>>>()?;
        let decision = match op.def().family {
            // Integers have no derivative, and so no kinks.
            Family::Gate if result.dtype().is_float() => {
                op.decide(&inputs.iter().map(|t| t.array()).collect::<Vec<_>>())?
            }
            Family::Zero | Family::Cut => Some(result.copy()?),
            _ => None,
        };
        let output = self.fresh();
        self.program.instructions.push(Instruction {
            op: op.boxed(),
            inputs: ids,
            output,
            site,
            decision,
            shape: result.shape().clone(),
            dtype: result.dtype(),
        });
        Ok(output)
    }
}

/// Runs `f` on each active recorder; recorders must not see what recording itself computes.
fn each(mut f: impl FnMut(&mut Recorder) -> Result<()>) -> Result<()> {
    let _quiet = mode::set(mode::RECORD, false);
    RECORDERS.with(|r| {
        let mut all = r.borrow_mut();
        all.iter_mut().try_for_each(&mut f)?;
        let copied: Vec<_> = all.iter_mut().flat_map(|r| r.copied.drain(..)).collect();
        // What is a constant to an inner recorder may be a value to an outer one, and then its copy is the same value.
        for (of, id, copy) in copied {
            for r in all.iter_mut() {
                if let Some(known) = r.known.get(&id).filter(|k| k.version == of.version) {
                    let (value, version) = (known.value, copy.version());
                    r.known.entry(copy.id()).or_insert(Known { value, version });
                }
            }
        }
        Ok(())
    })
}

/// Called by `apply` for every operation while a recorder is active.
#[cold]
pub(crate) fn record(
    op: &dyn Op,
    inputs: &[&Tensor],
    out: &Tensor,
    site: &'static Location<'static>,
) -> Result<()> {
    each(|r| {
        let value = r.push(op, inputs, out.array(), site)?;
        let outputs = [value].into_iter().collect();
        r.made(&out.0.edge, outputs);
        r.knows(out, value);
        Ok(())
    })
}

/// Called by `apply_many` while a recorder is active: each result is an instruction of its own.
#[cold]
pub(crate) fn record_many(
    op: &dyn Op,
    inputs: &[&Tensor],
    out: &[Tensor],
    site: &'static Location<'static>,
) -> Result<()> {
    each(|r| {
        let mut values = SmallVec::new();
        for (which, t) in out.iter().enumerate() {
            let part = Part {
                op: op.boxed(),
                which,
            };
            values.push(r.push(&part, inputs, t.array(), site)?);
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
        Ok(())
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
                _ => Box::new(Part {
                    op: op.boxed(),
                    which,
                }),
            };
            r.program.instructions.push(Instruction {
                op,
                inputs: ids.clone(),
                output,
                site,
                decision: None,
                shape: t.shape().clone(),
                dtype: t.dtype(),
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

/// Called just before `value` (the result of `op`) is written over `x`.
#[cold]
pub(crate) fn record_write(
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
                op: Box::new(crate::ops::To { dtype: x.dtype() }),
                inputs: [value].into_iter().collect(),
                output,
                site,
                decision: None,
                shape: x.shape().clone(),
                dtype: x.dtype(),
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

/// Called when the write that was recorded last could not be carried out.
#[cold]
pub(crate) fn forget_write(x: &Tensor) {
    let _ = each(|r| {
        if let Some((_, list)) = r.writes.get_mut(&x.array().storage().address()) {
            list.pop();
        }
        if let Some(latest) = r.latest.take() {
            r.known.insert(x.id(), latest.before);
        }
        Ok(())
    });
}

/// Called with the node of the write that was recorded last.
#[cold]
pub(crate) fn record_node(node: &Shared<Node>) {
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

/// Called when backward takes out a value that `node` saved: `value` is what the recorder knew by another handle.
#[cold]
pub(crate) fn adopt(node: &Shared<Node>, which: u32, value: &Tensor) {
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
