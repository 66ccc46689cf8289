//! One recorded run of a function of one row, run for all rows of a batch at once.
//!
//! The function runs once, on the first row, under a recorder (`program/recorder/rows`), and leaves a program without aliasing or writes. Each of its
//! operations then runs once on whole stacks of rows, by the rule that stands with the operation ([`crate::Op::batched`]); what depends on no
//! row runs as it was recorded, and what no result needs does not run at all. All of it is made of ordinary operations, so derivatives,
//! recorders and other batches around this one see through, and derivatives taken inside were recorded as operations. An operation without a
//! rule runs row by row, and is named in what is returned. Not here: what users call (`vmap`).

use crate::core::apply;
use crate::core::batch::{Batch, Operand};
use crate::core::mode;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::program::recorder::{Randomness, drawing};
use crate::program::{Instruction, Program, RowTraced, ValueId};
use crate::{Result, random, stack};
use smallvec::SmallVec;

/// What became of a function over a batch.
#[derive(Debug)]
pub struct Mapping {
    /// The results; where the second is set with the rows as their first dimension, else one for all rows.
    pub outputs: Vec<(Tensor, bool)>,
    /// PyTorch's names of operations that ran row by row.
    pub slow: Vec<&'static str>,
    /// Whether the function, or an operation in it, looked at numbers that differ from row to row: then the results hold for the first row alone.
    pub looked: bool,
}

/// Runs `f` once for all rows of `inputs`, whose first dimensions count them. An input that `f` writes in place is written.
///
/// # Errors
/// Whatever `f` or the operations report.
pub fn mapped(
    inputs: &[Tensor],
    count: usize,
    randomness: Randomness,
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<Mapping> {
    let first = (inputs.iter())
        .map(|t| match count {
            0 => Tensor::zeros(&t.shape()[1..], t.dtype()),
            _ => t.select(0, 0)?.copy(),
        })
        .collect::<Result<Vec<_>>>()?;
    random::ask_before(drawing);
    let lent: Vec<&Tensor> = first.iter().collect();
    let traced = Program::trace_row(&lent, (count, randomness), f)?;
    if traced.looked {
        return Ok(Mapping {
            outputs: Vec::new(),
            slow: Vec::new(),
            looked: true,
        });
    }
    let mut run = Run::new(&traced, inputs, count)?;
    run.all()?;
    for ((t, &now), &before) in inputs.iter().zip(&traced.after).zip(&traced.program.inputs) {
        if now != before {
            t.copy_(&run.value(now)?.tensor)?;
        }
    }
    let outputs = (traced.program.outputs.iter())
        .map(|&id| run.value(id).map(|v| (v.tensor.clone(), v.batched)))
        .collect::<Result<_>>()?;
    Ok(Mapping {
        outputs,
        slow: run.slow,
        looked: false,
    })
}

/// A run over all rows.
struct Run<'a> {
    program: &'a Program,
    count: usize,
    values: Vec<Option<Operand>>,
    /// Which values the results need.
    needed: Vec<bool>,
    /// For each value the instruction that reads it last.
    last: Vec<usize>,
    /// The results of an operation of several, and the place of the first among the instructions.
    several: Option<(usize, SmallVec<[Operand; 2]>)>,
    slow: Vec<&'static str>,
}

impl<'a> Run<'a> {
    fn new(traced: &'a RowTraced, inputs: &[Tensor], count: usize) -> Result<Run<'a>> {
        let program = &traced.program;
        let mut values = vec![None; program.values()];
        let constant = |tensor: &Tensor, batched| {
            let tensor = tensor.clone();
            Some(Operand { tensor, batched })
        };
        for (&id, t) in program.inputs.iter().zip(inputs) {
            values[id as usize] = constant(t, true);
        }
        for (id, t) in &traced.live {
            values[*id as usize] = constant(t, false);
        }
        for (id, t) in &traced.drawn {
            values[*id as usize] = constant(t, true);
        }
        let mut needed = vec![false; program.values()];
        let mut last = program.last_uses();
        for &id in program.outputs.iter().chain(&traced.after) {
            needed[id as usize] = true;
            last[id as usize] = usize::MAX;
        }
        for inst in program.instructions.iter().rev() {
            if needed[inst.output as usize] {
                inst.inputs.iter().for_each(|&i| needed[i as usize] = true);
            }
        }
        Ok(Run {
            program,
            count,
            values,
            needed,
            last,
            several: None,
            slow: Vec::new(),
        })
    }

    fn value(&self, id: ValueId) -> Result<&Operand> {
        self.values[id as usize].as_ref().ok_or_else(|| {
            crate::core::fail::error!(Value, "vmap: a value was read before it was made")
        })
    }

    fn all(&mut self) -> Result<()> {
        for (k, inst) in self.program.instructions.iter().enumerate() {
            if self.needed[inst.output as usize] {
                let _mode = (mode::records(mode::flags()) != inst.grad)
                    .then(|| mode::set(mode::GRAD, inst.grad));
                let found = self.run(k, inst)?;
                self.values[inst.output as usize] = Some(found);
            }
            inst.ended(k, &self.last, |id| self.values[id] = None);
        }
        Ok(())
    }

    /// One instruction. Those of one operation of several results follow each other, and it runs once.
    fn run(&mut self, k: usize, inst: &Instruction) -> Result<Operand> {
        let (op, which) = match inst.op.projected() {
            Some((op, which)) => (op, Some(which)),
            None => (&*inst.op, None),
        };
        let start = which.map(|which| k.wrapping_sub(which));
        if let (Some(which), Some((first, results))) = (which, &self.several)
            && Some(*first) == start
            && let Some(result) = results.get(which)
        {
            return Ok(result.clone());
        }
        let operands = (inst.inputs.iter())
            .map(|&id| self.value(id).cloned())
            .collect::<Result<SmallVec<[Operand; 4]>>>()?;
        let results = self.results(inst, op, which.is_some(), &operands)?;
        let result = results.get(which.unwrap_or(0)).cloned();
        self.several = start.map(|start| (start, results));
        result.ok_or_else(|| {
            crate::core::fail::error!(Value, "vmap: an operation gave fewer results than before")
        })
    }

    fn results(
        &mut self,
        inst: &Instruction,
        op: &dyn Op,
        several: bool,
        operands: &[Operand],
    ) -> Result<SmallVec<[Operand; 2]>> {
        let batched = operands.iter().any(|o| o.batched);
        let found = if !batched {
            let x: SmallVec<[&Tensor; 4]> = operands.iter().map(|o| &o.tensor).collect();
            plain(inst, op, several, &x)?
        } else {
            let batch = Batch::new(operands, self.count, inst.site);
            let known = op.batched(&batch);
            match known.map_err(|e| e.op(op.def().name).at(inst.site))? {
                Some(found) => found,
                None => self.row_by_row(inst, op, several, operands)?,
            }
        };
        Ok((found.into_iter())
            .map(|tensor| Operand { tensor, batched })
            .collect())
    }

    /// An operation without a rule.
    fn row_by_row(
        &mut self,
        inst: &Instruction,
        op: &dyn Op,
        several: bool,
        operands: &[Operand],
    ) -> Result<SmallVec<[Tensor; 2]>> {
        let name = op.def().known_as();
        if !self.slow.contains(&name) {
            self.slow.push(name);
        }
        let mut columns: SmallVec<[Vec<Tensor>; 2]> = SmallVec::new();
        for row in 0..self.count.max(1) {
            let own = (operands.iter())
                .map(|o| match (o.batched, self.count) {
                    (false, _) => Ok(o.tensor.clone()),
                    (true, 0) => Tensor::zeros(&o.tensor.shape()[1..], o.tensor.dtype()),
                    (true, _) => o.tensor.select(0, row as i64),
                })
                .collect::<Result<SmallVec<[Tensor; 4]>>>()?;
            let found = plain(inst, op, several, &own.iter().collect::<SmallVec<[_; 4]>>())?;
            columns.resize(found.len().max(columns.len()), Vec::new());
            for (column, t) in columns.iter_mut().zip(found) {
                column.push(t);
            }
        }
        let joined = |column: Vec<Tensor>| {
            let whole = stack(&column.iter().collect::<Vec<_>>(), 0)?;
            match self.count {
                0 => whole.narrow(0, 0, 0),
                _ => Ok(whole),
            }
        };
        columns.into_iter().map(joined).collect()
    }
}

/// An operation on operands that are no stacks of rows.
fn plain(
    inst: &Instruction,
    op: &dyn Op,
    several: bool,
    x: &[&Tensor],
) -> Result<SmallVec<[Tensor; 2]>> {
    if !several {
        let one = apply::boxed(op, x, inst.site)?;
        return Ok([one].into_iter().collect());
    }
    match op.applied_many(x, inst.site) {
        Some(all) => all,
        None => apply::apply_many(op, x, inst.site),
    }
}
