//! A recorded run: which operations, on what, with which attributes, constants and decisions.
//!
//! One recorder, many readers: the checker replays a program in other arithmetic and with its decisions frozen, forward
//! mode pushes tangents through it, pictures draw it. The recorder sits in `apply` and `in_place` and sees every
//! operation, tracked or not. Values get numbers of their own; an in-place write becomes a new value (and, for other
//! tensors over the same memory, an overlay of old and new), so a program has no aliasing at all. Tensors that come from
//! elsewhere are constants, copied when first read.

use crate::graph::{Edge, Node, OUTPUT};
use crate::op::{Ctx, Family, Op};
use crate::ops::Overlay;
use crate::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Layout, Result, Shape, Shared, apply, mode};
use pullback_array::Storage;
use smallvec::SmallVec;
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;

/// The number of a value in a [`Program`].
pub type ValueId = u32;

/// One operation of a recorded run.
#[derive(Debug)]
pub struct Instruction {
    /// The operation with its attributes.
    pub op: Box<dyn Op>,
    /// What it read.
    pub inputs: SmallVec<[ValueId; 2]>,
    /// What it made.
    pub output: ValueId,
    /// The user's line.
    pub site: &'static Location<'static>,
    /// What was decided: a gate's choice; the value itself for operations that are locally constant or cut.
    pub decision: Option<Array>,
    /// Shape of the result.
    pub shape: Shape,
    /// Dtype of the result.
    pub dtype: DType,
}

/// A recorded run of a function of tensors.
///
/// ```
/// use pullback::{DType, Program, Replay, Tensor};
/// let x = Tensor::from_slice(&[0.1f32, -2.0], [2])?;
/// let (program, out) = Program::trace(&[&x], |x| Ok(vec![x[0].relu()?.mul(3.0)?.sum()?]))?;
///
/// // The same run in double precision, on the same (exactly converted) input:
/// let wide = program.replay(&[&x.to(DType::F64)?], Replay { float: Some(DType::F64), frozen: false })?;
/// assert_eq!(out[0].dtype(), DType::F32);
/// assert_eq!(wide[0].dtype(), DType::F64);
///
/// // At another point, but with the recorded decisions: unit 1 stays off although its input is now positive.
/// let other = Tensor::from_slice(&[1.0f32, 5.0], [2])?;
/// let frozen = program.replay(&[&other], Replay { float: None, frozen: true })?;
/// assert_eq!(frozen[0].item_f64()?, 3.0);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Debug, Default)]
pub struct Program {
    instructions: Vec<Instruction>,
    inputs: Vec<ValueId>,
    /// The inputs' shapes: operations were recorded for these, and on others would compute something else.
    shapes: Vec<Shape>,
    constants: Vec<(ValueId, Array)>,
    outputs: Vec<ValueId>,
    values: u32,
}

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

/// How a program is replayed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replay {
    /// The dtype that floats take, constants and conversions included; `None` leaves them.
    pub float: Option<DType>,
    /// Force the recorded decisions instead of deciding again.
    pub frozen: bool,
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
            Family::Gate => op.decide(&inputs.iter().map(|t| t.array()).collect::<Vec<_>>())?,
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
struct Recording(mode::ModeGuard);

impl Recording {
    fn start() -> Recording {
        RECORDERS.with(|r| r.borrow_mut().push(Recorder::default()));
        Recording(mode::set(mode::RECORD, true))
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
        let _ = &self.0;
        RECORDERS.with(|r| r.borrow_mut().pop());
    }
}

impl Program {
    /// Runs `f` and writes down what it did. `f` gets handles of its own to the inputs' memory, without history.
    ///
    /// # Errors
    /// Whatever `f` reports.
    pub fn trace(
        inputs: &[&Tensor],
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<(Program, Vec<Tensor>)> {
        Program::trace_live(inputs, f).map(|(program, outputs, _)| (program, outputs))
    }

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

    /// The operations, in the order they ran.
    pub fn instructions(&self) -> &[Instruction] {
        &self.instructions
    }

    /// The inputs' values.
    pub fn inputs(&self) -> &[ValueId] {
        &self.inputs
    }

    /// The outputs' values.
    pub fn outputs(&self) -> &[ValueId] {
        &self.outputs
    }

    /// Values that came from outside the recorded function.
    pub fn constants(&self) -> &[(ValueId, Array)] {
        &self.constants
    }

    /// How many values there are.
    pub fn values(&self) -> usize {
        self.values as usize
    }

    /// Runs the program again on other inputs.
    ///
    /// # Errors
    /// Where the number of inputs differs, or an operation fails on them.
    pub fn replay(&self, inputs: &[&Tensor], how: Replay) -> Result<Vec<Tensor>> {
        self.replay_all(inputs, how)
            .map(|values| self.outputs.iter().map(|&o| values.get(o)).collect())
    }

    /// As [`Program::replay`], with every value on the way.
    ///
    /// # Errors
    /// As [`Program::replay`].
    pub fn replay_all(&self, inputs: &[&Tensor], how: Replay) -> Result<Values> {
        let mut values = self.start(inputs, how)?;
        for inst in &self.instructions {
            let x: SmallVec<[&Tensor; 4]> = inst.inputs.iter().map(|&i| values.at(i)).collect();
            let out = inst.run(&x, how)?;
            drop(x);
            values.0[inst.output as usize] = Some(out);
        }
        Ok(values)
    }

    /// Pushes tangents through a replay: the outputs, and for each its derivative along `tangents` (`None`: no input with
    /// a tangent reaches it). Tangents are made of tensor operations, so the whole may be differentiated again.
    ///
    /// # Errors
    /// As [`Program::replay`]; where a tangent has another shape or dtype than its input.
    pub fn jvp(
        &self,
        inputs: &[&Tensor],
        tangents: &[Option<&Tensor>],
        how: Replay,
    ) -> Result<Vec<(Tensor, Option<Tensor>)>> {
        self.jvp_live(inputs, tangents, how, &[])
    }

    /// As [`Program::jvp`], with some constants given as tensors.
    pub(crate) fn jvp_live(
        &self,
        inputs: &[&Tensor],
        tangents: &[Option<&Tensor>],
        how: Replay,
        live: &[(ValueId, Tensor)],
    ) -> Result<Vec<(Tensor, Option<Tensor>)>> {
        if how.frozen {
            let given: Vec<Tensor> = inputs.iter().map(|t| (*t).clone()).collect();
            return self.freeze(&given.iter().collect::<Vec<_>>())?.jvp(
                inputs,
                tangents,
                Replay {
                    frozen: false,
                    ..how
                },
            );
        }
        let mut values = self.start(inputs, how)?;
        for (id, constant) in live {
            values.0[*id as usize] = Some(constant.clone());
        }
        if tangents.len() != inputs.len() {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "jvp: {} inputs but {} tangents",
                    inputs.len(),
                    tangents.len()
                ),
            ));
        }
        let mut dots: Vec<Option<Tensor>> = vec![None; self.values()];
        for ((&id, x), t) in self.inputs.iter().zip(inputs).zip(tangents) {
            if let Some(t) = t {
                if t.shape() != x.shape() || t.dtype() != x.dtype() {
                    return Err(Error::new(
                        ErrorKind::Shape,
                        format!(
                            "a tangent must have its input's shape and dtype: {} {} for {} {}",
                            t.dtype(),
                            t.shape(),
                            x.dtype(),
                            x.shape()
                        ),
                    ));
                }
                dots[id as usize] = Some((*t).clone());
            }
        }
        for inst in &self.instructions {
            let x: Vec<Tensor> = inst.inputs.iter().map(|&i| values.get(i)).collect();
            let out = inst.run(&x.iter().collect::<Vec<_>>(), how)?;
            let t: Vec<Option<Tensor>> = inst
                .inputs
                .iter()
                .map(|&i| dots[i as usize].clone())
                .collect();
            if inst.op.def().family != Family::Cut
                && out.dtype().is_float()
                && t.iter().any(Option::is_some)
            {
                let op = how
                    .float
                    .map_or_else(|| inst.op.boxed(), |d| inst.op.in_dtype(d));
                let dot = op
                    .jvp(&Ctx::live(op.def().name, &x, &out, inst.site), &t)
                    .and_then(|dot| dot.expand(out.shape()))
                    .map_err(|e| e.op(op.def().name).at(inst.site))?;
                dots[inst.output as usize] = Some(dot);
            }
            values.0[inst.output as usize] = Some(out);
        }
        Ok(self
            .outputs
            .iter()
            .map(|&o| (values.get(o), dots[o as usize].clone()))
            .collect())
    }

    /// The smooth program that stands once every decision is fixed: what reverse mode differentiates, by definition.
    ///
    /// # Errors
    /// As [`Program::replay`].
    pub fn freeze(&self, inputs: &[&Tensor]) -> Result<Program> {
        let how = Replay {
            float: None,
            frozen: true,
        };
        Program::trace(inputs, |x| self.replay(&x.iter().collect::<Vec<_>>(), how))
            .map(|(program, _)| program)
    }

    fn start(&self, inputs: &[&Tensor], how: Replay) -> Result<Values> {
        if inputs.len() != self.inputs.len() {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "the program takes {} inputs, {} were given",
                    self.inputs.len(),
                    inputs.len()
                ),
            ));
        }
        for (i, (x, shape)) in inputs.iter().zip(&self.shapes).enumerate() {
            if x.shape() != shape {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!(
                        "the program was recorded for shape {shape} of input {i}, not {}",
                        x.shape()
                    ),
                )
                .help("record it again with inputs of these shapes"));
            }
        }
        let mut values = Values(vec![None; self.values()]);
        for (&id, x) in self.inputs.iter().zip(inputs) {
            values.0[id as usize] = Some(widen(x, how.float)?);
        }
        for (id, array) in &self.constants {
            values.0[*id as usize] = Some(widen(&Tensor::from_array(array.clone()), how.float)?);
        }
        Ok(values)
    }
}

impl Instruction {
    fn run(&self, x: &[&Tensor], how: Replay) -> Result<Tensor> {
        if let (true, Some(decision)) = (how.frozen, &self.decision) {
            let decision = Tensor::from_array(decision.clone());
            return match self.op.def().family {
                Family::Gate => {
                    let x: Vec<Tensor> = x.iter().map(|t| (*t).clone()).collect();
                    self.op
                        .frozen(&x, &decision)
                        .map_err(|e| e.op(self.op.def().name).at(self.site))
                }
                _ => widen(&decision, how.float),
            };
        }
        match how.float {
            Some(dtype) => apply::boxed(&*self.op.in_dtype(dtype), x, self.site),
            None => apply::boxed(&*self.op, x, self.site),
        }
    }
}

fn widen(t: &Tensor, float: Option<DType>) -> Result<Tensor> {
    match float {
        Some(dtype) if t.dtype().is_float() => t.to(dtype),
        _ => Ok(t.clone()),
    }
}

/// The values of a replay.
#[derive(Debug)]
pub struct Values(Vec<Option<Tensor>>);

impl Values {
    fn at(&self, id: ValueId) -> &Tensor {
        // Instructions are in the order they ran, so what they read is there.
        self.0[id as usize]
            .as_ref()
            .expect("a program reads values after it makes them")
    }

    /// One value.
    pub fn get(&self, id: ValueId) -> Tensor {
        self.at(id).clone()
    }
}
