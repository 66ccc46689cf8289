//! The recorder: what writes a [`Program`] down while it runs.
//!
//! The core tells it of every operation and of every write, tracked or not, and it keeps what it must know
//! of the run: which tensor holds which value as of which version of its memory. What is told is in `events`. Not here:
//! what runs a function under a recorder (`trace`), and reading programs (`program`).

mod events;
mod rows;

pub(crate) use events::{Recorders, read_all, record_function, same_value};
pub use rows::Randomness;
pub(crate) use rows::{OfRows, depends, drawing, drawn, looked};

use crate::core::device;
use crate::core::graph::{Edge, Node};
use crate::core::op::{Family, Op};
use crate::core::structural::Overlay;
use crate::core::tensor::Tensor;
use crate::core::{mode, narrow};
use crate::program::{Constant, Instruction, Program, ValueId};
use crate::{Array, Layout, Result, Shared};
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
    /// For each memory that was written, by its number.
    writes: HashMap<u64, Vec<Write>>,
    /// By the node's address; backward inside the recorded function reads saved values, which are new handles.
    made: HashMap<usize, Made>,
    /// What the write being recorded read and made, until its node exists.
    latest: Option<Latest>,
    /// Whether the run is kept as it was: decisions, for frozen replays, and copies of constants.
    pub(crate) keeps: bool,
    /// The constants with their histories, for transforms that run the program at once.
    pub(crate) live: Vec<(ValueId, Tensor)>,
    /// Constants made just now, and the tensors they hold the numbers of.
    copied: Vec<(Known, u64, Tensor)>,
    /// Where the run stands for all rows of a batch.
    pub(crate) rows: Option<OfRows>,
}

thread_local! {
    /// Innermost last. A function that records, called from one that is being recorded, is seen by both.
    pub(crate) static RECORDERS: RefCell<Vec<Recorder>> = const { RefCell::new(Vec::new()) };
}

impl Recorder {
    pub(crate) fn new(keeps: bool) -> Recorder {
        let mut recorder = Recorder {
            keeps,
            ..Recorder::default()
        };
        recorder.program.kept = keeps;
        recorder
    }

    pub(crate) fn fresh(&mut self) -> ValueId {
        self.program.values += 1;
        self.program.values - 1
    }

    fn constant(&mut self, t: &Tensor) -> Result<ValueId> {
        if let Some(value) = self.drawn_value(t) {
            return Ok(value);
        }
        let (value, version) = (self.fresh(), t.version());
        let array = match self.keeps {
            true => device::copied(&t.array())?,
            false => t.array().clone(),
        };
        let handle = Tensor::with_edge(array.clone(), t.end());
        self.copied
            .push((Known { value, version }, t.id(), handle.clone()));
        self.live.push((value, handle));
        self.program.constants.push((value, array));
        self.program.origins.push(Constant {
            tensor: t.id(),
            version,
            copied: self.keeps,
        });
        Ok(value)
    }

    /// Copies the constants over a memory that is about to be written: what the recorded function read before must not change.
    fn hold_constants(&mut self, x: &Tensor) -> Result<()> {
        let memory = x.array();
        for (k, (value, array)) in self.program.constants.iter_mut().enumerate() {
            let origin = &mut self.program.origins[k];
            if origin.copied || !array.storage().same(memory.storage()) {
                continue;
            }
            *array = device::copied(array)?;
            origin.copied = true;
            if let Some((_, live)) = self.live.iter_mut().find(|(id, _)| id == value) {
                *live = Tensor::with_edge(array.clone(), live.end());
                let (value, version) = (*value, origin.version);
                self.copied
                    .push((Known { value, version }, origin.tensor, live.clone()));
            }
        }
        Ok(())
    }

    /// The value a tensor holds now.
    pub(crate) fn read(&mut self, t: &Tensor) -> Result<ValueId> {
        let (array, now) = (&t.array(), t.version());
        let seen = match self.known.get(&t.id()) {
            Some(known) if known.version == now => return Ok(known.value),
            Some(known) => Some(*known),
            None => None,
        };
        let writes = self.writes.get(&array.storage().id());
        let writes = writes.map_or(&[][..], Vec::as_slice);
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
                    place: crate::program::place::now(),
                    decision: None,
                    shape: t.shape().clone(),
                    dtype: t.dtype(),
                    grad: true,
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
        let array = x.array();
        let storage = array.storage();
        self.writes.entry(storage.id()).or_default().push(Write {
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
            _ if !self.keeps => None,
            // Integers have no derivative, and so no kinks.
            Family::Gate if result.dtype().is_differentiable() => {
                Tensor::with_arrays(inputs, &mut |arrays| narrow::decide(op, arrays))?
            }
            Family::Zero | Family::Cut => Some(result.copy_as_it_lies()?),
            _ => None,
        };
        let output = self.fresh();
        self.program.instructions.push(Instruction {
            op: op.boxed(),
            inputs: ids,
            output,
            site,
            place: crate::program::place::now(),
            decision,
            shape: result.shape().clone(),
            dtype: result.dtype(),
            grad: mode::records(mode::flags()),
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

/// Tells recorders around others of the constants that these have made.
pub(crate) fn told() -> Result<()> {
    each(|_| Ok(()))
}
