//! The recorder: what writes a [`Program`] down while it runs.
//!
//! It is called by `apply` for every operation and by `in_place` for every write, tracked or not, and keeps what it must know
//! of the run: which tensor holds which value as of which version of its memory. Not here: reading programs (`program`).

use crate::graph::{Edge, Node, OUTPUT};
use crate::op::{Family, Op};
use crate::ops::Overlay;
use crate::program::{Instruction, Program, ValueId};
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
    output: ValueId,
}

/// The write being recorded: what it read and made, and what its destination was before.
struct Latest {
    inputs: SmallVec<[ValueId; 2]>,
    output: ValueId,
    before: Known,
}

/// What a recorder knows of a tensor: its value as of a version of its memory.
#[derive(Clone, Copy)]
struct Known {
    value: ValueId,
    version: u32,
}

/// A write in place that was recorded.
struct Write {
    storage: Storage,
    version: u32,
    layout: Layout,
    value: ValueId,
    site: &'static Location<'static>,
}

#[derive(Default)]
struct Recorder {
    program: Program,
    known: HashMap<u64, Known>,
    writes: Vec<Write>,
    /// By the node's address; backward inside the recorded function reads saved values, which are new handles.
    made: HashMap<usize, Made>,
    /// What the write being recorded read and made, until its node exists.
    latest: Option<Latest>,
    /// The constants with their histories, for transforms that run the program at once.
    live: Vec<(ValueId, Tensor)>,
    /// Constants made just now, and the tensors they are copies of.
    copied: Vec<(Known, u64, Tensor)>,
}

thread_local! {
    /// Innermost last. A function that records, called from one that is being recorded, is seen by both.
    static RECORDERS: RefCell<Vec<Recorder>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    fn fresh(&mut self) -> ValueId {
        self.program.values += 1;
        self.program.values - 1
    }

    fn constant(&mut self, t: &Tensor) -> Result<ValueId> {
        let (value, version) = (self.fresh(), t.version());
        let array = t.array().copy()?;
        let copy = Tensor::with_edge(array.clone(), t.edge());
        self.copied
            .push((Known { value, version }, t.id(), copy.clone()));
        self.live.push((value, copy));
        self.program.constants.push((value, array));
        Ok(value)
    }

    /// The value a tensor holds now.
    fn read(&mut self, t: &Tensor) -> Result<ValueId> {
        let (array, now) = (t.array(), t.version());
        let seen = match self.known.get(&t.id()) {
            Some(known) if known.version == now => return Ok(known.value),
            Some(known) => Some(*known),
            None => None,
        };
        let logged: Vec<(Layout, ValueId, &'static Location<'static>)> = (self.writes.iter())
            .filter(|w| {
                w.storage.same(array.storage()) && seen.is_none_or(|k| w.version > k.version)
            })
            .map(|w| (w.layout.clone(), w.value, w.site))
            .collect();
        // Writes that went past the recorder (another library, another thread) leave only a new constant.
        let base = match seen {
            Some(known) if logged.len() as u32 == now - known.version => known.value,
            _ => self.constant(t)?,
        };
        let mut value = base;
        for (layout, written, site) in logged {
            if layout == *array.layout() {
                value = written;
                continue;
            }
            let overlay = Overlay::between(array.layout(), &layout);
            if overlay.map.iter().any(|&m| m >= 0) {
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
        if let (Some(Edge::Node(node)), Some(last)) = (&out.0.edge, r.program.instructions.last()) {
            let inputs = last.inputs.clone();
            r.made.insert(
                Shared::address(node),
                Made {
                    node: node.clone(),
                    inputs,
                    output: value,
                },
            );
        }
        r.known.insert(
            out.id(),
            Known {
                value,
                version: out.version(),
            },
        );
        Ok(())
    })
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
        let (storage, layout) = (x.array().storage().clone(), x.array().layout().clone());
        r.writes.push(Write {
            storage,
            version,
            layout,
            value,
            site,
        });
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
        r.writes.pop();
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
            r.made.insert(
                Shared::address(&node),
                Made {
                    node,
                    inputs,
                    output,
                },
            );
        }
        Ok(())
    });
}

/// Called when backward takes out a value that `node` saved: `value` is what the recorder knew by another handle.
#[cold]
pub(crate) fn adopt(node: &Shared<Node>, which: u8, value: &Tensor) {
    let _ = each(|r| {
        let known = r
            .made
            .get(&Shared::address(node))
            .filter(|made| Shared::ptr_eq(&made.node, node))
            .and_then(|made| match which {
                OUTPUT => Some(made.output),
                i => made.inputs.get(i as usize).copied(),
            });
        if let Some(known) = known {
            let version = value.version();
            r.known.insert(
                value.id(),
                Known {
                    value: known,
                    version,
                },
            );
        }
        Ok(())
    });
}

/// A program, the outputs of the run that was recorded, and its constants with their histories.
pub(crate) type Traced = (Program, Vec<Tensor>, Vec<(ValueId, Tensor)>);

/// Ends the innermost recorder even when the traced function panics.
struct Recording {
    _mode: mode::ModeGuard,
}

impl Recording {
    fn start() -> Recording {
        RECORDERS.with(|r| r.borrow_mut().push(Recorder::default()));
        Recording {
            _mode: mode::set(mode::RECORD, true),
        }
    }

    fn finish(self) -> Recorder {
        RECORDERS.with(|r| {
            r.borrow_mut()
                .last_mut()
                .map(std::mem::take)
                .unwrap_or_default()
        })
    }
}

impl Drop for Recording {
    fn drop(&mut self) {
        RECORDERS.with(|r| r.borrow_mut().pop());
    }
}

impl Program {
    /// As [`Program::trace`], with the constants as tensors that know their histories: what `f` captured may require a
    /// gradient, or be a value of a function that is traced around this one.
    pub(crate) fn trace_live(
        inputs: &[&Tensor],
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Traced> {
        let own: Vec<Tensor> = inputs
            .iter()
            .map(|t| Tensor::with_edge(t.array().clone(), t.edge()))
            .collect();
        let recording = Recording::start();
        // The innermost recorder learns that these handles are its inputs; outer ones, which tensors they stand for.
        RECORDERS.with(|r| {
            let mut all = r.borrow_mut();
            let known: Vec<Vec<Option<Known>>> = all
                .iter()
                .map(|r| {
                    inputs
                        .iter()
                        .map(|t| r.known.get(&t.id()).copied())
                        .collect()
                })
                .collect();
            for (r, known) in all.iter_mut().zip(known) {
                for (t, k) in own.iter().zip(known) {
                    k.map(|k| r.known.insert(t.id(), k));
                }
            }
            if let Some(r) = all.last_mut() {
                for t in &own {
                    let value = r.fresh();
                    r.program.inputs.push(value);
                    r.program.shapes.push(t.shape().clone());
                    r.known.insert(
                        t.id(),
                        Known {
                            value,
                            version: t.version(),
                        },
                    );
                }
            }
        });
        let outputs = f(&own)?;
        let mut ids = Vec::with_capacity(outputs.len());
        RECORDERS.with(|r| {
            let _quiet = mode::set(mode::RECORD, false);
            r.borrow_mut().last_mut().map_or(Ok(()), |r| {
                outputs
                    .iter()
                    .try_for_each(|t| r.read(t).map(|value| ids.push(value)))
            })
        })?;
        let Recorder {
            mut program, live, ..
        } = recording.finish();
        program.outputs = ids;
        Ok((program, outputs, live))
    }
}
