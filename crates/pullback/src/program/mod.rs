//! A recorded run: which operations, on what, with which attributes, constants and decisions.
//!
//! One recorder (`recorder`), many readers: the checker replays a program in other arithmetic and with its decisions frozen,
//! forward mode pushes tangents through it, pictures draw it. Values get numbers of their own; an in-place write becomes a new value (and, for other
//! tensors over the same memory, an overlay of old and new), so a program has no aliasing at all. Tensors that come from
//! elsewhere are constants, held and not copied, unless the recorded function writes them or a snapshot is taken.

mod place;
pub(crate) mod recorder;
mod tangents;
mod trace;

use crate::core::op::{Family, Op};
use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result, Shape, core::apply, core::mode};
pub use place::with_places;
use smallvec::SmallVec;
use std::panic::Location;
pub(crate) use trace::RowTraced;

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
    /// The same for a user of another language, where the binding says it (see [`with_places`]).
    pub place: Option<std::sync::Arc<str>>,
    /// What was decided: a gate's choice; the value itself for operations that are locally constant or cut.
    pub decision: Option<Array>,
    /// Shape of the result.
    pub shape: Shape,
    /// Dtype of the result.
    pub dtype: DType,
    /// Whether gradients were being recorded when it ran.
    pub grad: bool,
}

/// A recorded run of a function of tensors.
///
/// ```
/// use pullback::{DType, Program, Replay, Tensor};
/// let x = Tensor::from_slice(&[0.1f32, -2.0], [2])?;
/// let (program, out) = Program::snapshot(&[&x], |x| Ok(vec![x[0].relu()?.mul(3.0)?.sum()?]))?;
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
    pub(crate) instructions: Vec<Instruction>,
    pub(crate) inputs: Vec<ValueId>,
    /// The inputs' shapes: operations were recorded for these, and on others would compute something else.
    pub(crate) shapes: Vec<Shape>,
    pub(crate) constants: Vec<(ValueId, Array)>,
    /// Which tensors the constants are or are copies of: to a recorder around a replay they are the same values.
    pub(crate) origins: Vec<Constant>,
    pub(crate) outputs: Vec<ValueId>,
    pub(crate) values: u32,
    /// Whether decisions were kept.
    pub(crate) kept: bool,
}

/// The tensor that a constant was, by its number, and the version its memory had.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Constant {
    pub(crate) tensor: u64,
    pub(crate) version: u32,
    /// Whether the numbers are copies of what they were.
    pub(crate) copied: bool,
}

/// How a program is replayed.
#[derive(Clone, Copy, Debug, Default)]
pub struct Replay {
    /// The dtype that floats take, constants and conversions included; `None` leaves them.
    pub float: Option<DType>,
    /// Force the recorded decisions instead of deciding again; for programs that have them ([`Program::snapshot`]).
    pub frozen: bool,
}

impl Program {
    /// Runs `f` and writes down what it did. `f` gets handles of its own to the inputs' memory, with their histories; the
    /// program knows its inputs by their place alone. Tensors that `f` captured are held: a replay reads what they hold then, as
    /// a step of training should see the weights of its day. Where `f` itself writes one, what it read before is kept.
    ///
    /// ```
    /// use pullback::{Program, Replay, Tensor};
    /// let (w, x) = (Tensor::from_slice(&[2.0f32, 3.0], [2])?, Tensor::from_slice(&[1.0f32, 1.0], [2])?);
    /// let (program, _) = Program::trace(&[&x], |x| Ok(vec![x[0].mul(&w)?]))?;
    /// w.fill_(10.0)?;
    /// assert_eq!(program.replay(&[&x], Replay::default())?[0].to_vec::<f32>()?, [10.0, 10.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// Whatever `f` reports.
    pub fn trace(
        inputs: &[&Tensor],
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<(Program, Vec<Tensor>)> {
        Program::trace_live(inputs, false, f).map(|(program, outputs, _)| (program, outputs))
    }

    /// As [`Program::trace`], and keeps the run as it was, for who studies it: captured tensors are copied, and what every gate decided
    /// and what is locally constant is written down, for frozen replays.
    ///
    /// # Errors
    /// Whatever `f` reports.
    pub fn snapshot(
        inputs: &[&Tensor],
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<(Program, Vec<Tensor>)> {
        Program::trace_live(inputs, true, f).map(|(program, outputs, _)| (program, outputs))
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
        let mut values = self.start(inputs, how)?;
        let last = self.last_uses();
        for (k, inst) in self.instructions.iter().enumerate() {
            let x: SmallVec<[&Tensor; 4]> = inst.inputs.iter().map(|&i| values.at(i)).collect();
            let out = inst.run(&x, how)?;
            drop(x);
            values.0[inst.output as usize] = Some(out);
            inst.ended(k, &last, |id| values.0[id] = None);
        }
        Ok(self.outputs.iter().map(|&o| values.get(o)).collect())
    }

    /// For each value the instruction that reads it last, or makes it where none reads it; beyond all of them for outputs, which stay.
    pub(crate) fn last_uses(&self) -> Vec<usize> {
        let mut last = vec![0; self.values()];
        for (k, inst) in self.instructions.iter().enumerate() {
            for &id in inst.inputs.iter().chain([&inst.output]) {
                last[id as usize] = k;
            }
        }
        for &id in &self.outputs {
            last[id as usize] = usize::MAX;
        }
        last
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

    /// The smooth program that stands once every decision is fixed: what reverse mode differentiates, by definition.
    ///
    /// # Errors
    /// As [`Program::replay`].
    pub fn freeze(&self, inputs: &[&Tensor]) -> Result<Program> {
        let how = Replay {
            float: None,
            frozen: true,
        };
        Program::snapshot(inputs, |x| self.replay(&x.iter().collect::<Vec<_>>(), how))
            .map(|(program, _)| program)
    }

    /// The same program with what is cut off from gradients (`detach`) no longer among the decisions, so that a frozen replay
    /// computes it again; none where nothing floating is cut off.
    pub(crate) fn opened(&self) -> Option<Program> {
        let mut floats = vec![false; self.values()];
        for &id in &self.inputs {
            floats[id as usize] = true;
        }
        let mut cut = false;
        let instructions = (self.instructions.iter())
            .map(|inst| {
                let reached = inst.inputs.iter().any(|&i| floats[i as usize]);
                floats[inst.output as usize] = reached && inst.dtype.is_differentiable();
                let open = inst.op.def().family == Family::Cut && floats[inst.output as usize];
                cut |= open;
                Instruction {
                    op: inst.op.boxed(),
                    inputs: inst.inputs.clone(),
                    output: inst.output,
                    site: inst.site,
                    place: inst.place.clone(),
                    decision: if open { None } else { inst.decision.clone() },
                    shape: inst.shape.clone(),
                    dtype: inst.dtype,
                    grad: inst.grad,
                }
            })
            .collect();
        cut.then(|| Program {
            instructions,
            inputs: self.inputs.clone(),
            shapes: self.shapes.clone(),
            constants: self.constants.clone(),
            origins: self.origins.clone(),
            outputs: self.outputs.clone(),
            values: self.values,
            kept: self.kept,
        })
    }

    fn start(&self, inputs: &[&Tensor], how: Replay) -> Result<Values> {
        if how.frozen && !self.kept {
            return Err(Error::new(
                ErrorKind::Value,
                "a frozen replay of a program that was recorded without its decisions",
            )
            .help("record it with `Program::snapshot`"));
        }
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
        let recording = mode::flags() & mode::RECORD != 0;
        for ((id, array), origin) in self.constants.iter().zip(&self.origins) {
            let constant = Tensor::from_array(array.clone());
            if recording {
                let version = match origin.copied {
                    true => origin.version,
                    false => constant.version(),
                };
                recorder::same_value(origin.tensor, version, &constant);
            }
            values.0[*id as usize] = Some(widen(&constant, how.float)?);
        }
        Ok(values)
    }
}

impl Instruction {
    /// Where the user wrote it: `file:line`.
    pub fn written(&self) -> String {
        match &self.place {
            Some(place) => place.to_string(),
            None => format!("{}:{}", self.site.file(), self.site.line()),
        }
    }

    /// Calls `free` with the values that nobody reads after this instruction, the `k`th.
    pub(crate) fn ended(&self, k: usize, last: &[usize], mut free: impl FnMut(usize)) {
        for &id in self.inputs.iter().chain([&self.output]) {
            if last[id as usize] == k {
                free(id as usize);
            }
        }
    }

    /// What the operation decides on other inputs.
    ///
    /// # Errors
    /// What [`Op::decide`] says.
    pub(crate) fn decide(&self, x: &[Tensor]) -> Result<Option<Array>> {
        let x: SmallVec<[&Tensor; 4]> = x.iter().collect();
        Tensor::with_arrays(&x, &mut |arrays| self.op.decide(arrays))
    }

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
