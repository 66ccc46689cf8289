//! A run of one row that stands for all rows of a batch: which values depend on the row, what looked at their numbers, and numbers that were
//! drawn for all rows.
//!
//! Not here: running the program over the rows (`transform/func/batch`).

use super::{RECORDERS, Recorder};
use crate::core::fail::bail;
use crate::core::mode;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::core::watch::Draw;
use crate::program::ValueId;
use crate::{Array, Error, ErrorKind, Result, Shape};
use std::collections::HashMap;

/// What `vmap` does with random numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Randomness {
    /// Drawing is an error.
    #[default]
    Error,
    /// Each row has numbers of its own.
    Different,
    /// All rows have the same.
    Same,
}

/// What a recorder of rows keeps besides the program.
#[derive(Debug, Default)]
pub(crate) struct OfRows {
    count: usize,
    randomness: Randomness,
    /// For each value whether it depends on the row, for the instructions up to `seen`.
    reached: Vec<bool>,
    seen: usize,
    /// Whether something looked at numbers that depend on the row.
    pub(crate) looked: bool,
    /// What was drawn for all rows, by the memory of what stands for it in the run.
    companions: HashMap<u64, Tensor>,
    /// The values that stand for these.
    pub(crate) drawn: Vec<(ValueId, Tensor)>,
}

impl OfRows {
    pub(crate) fn new(count: usize, randomness: Randomness) -> OfRows {
        OfRows {
            count,
            randomness,
            ..OfRows::default()
        }
    }
}

impl Recorder {
    /// Whether a value depends on the row.
    fn reached(&mut self, value: ValueId) -> bool {
        let Some(rows) = &mut self.rows else {
            return false;
        };
        rows.reached.resize(self.program.values as usize, false);
        if rows.seen == 0 {
            let first = self.program.inputs.iter();
            first.for_each(|&id| rows.reached[id as usize] = true);
        }
        (rows.drawn.iter()).for_each(|&(id, _)| rows.reached[id as usize] = true);
        for inst in &self.program.instructions[rows.seen..] {
            let any = inst.inputs.iter().any(|&i| rows.reached[i as usize]);
            rows.reached[inst.output as usize] |= any;
        }
        rows.seen = self.program.instructions.len();
        rows.reached[value as usize]
    }

    /// Whether what a tensor holds now depends on the row.
    fn depends(&mut self, t: &Tensor) -> Result<bool> {
        if self.rows.is_none() {
            return Ok(false);
        }
        let value = self.read(t)?;
        Ok(self.reached(value))
    }

    /// The value of a tensor that stands for numbers drawn for all rows.
    pub(super) fn drawn_value(&mut self, t: &Tensor) -> Option<ValueId> {
        let all = (self.rows.as_ref()?.companions).get(&t.array().storage().id())?;
        let all = all.clone();
        let value = self.fresh();
        self.rows.as_mut()?.drawn.push((value, all));
        Some(value)
    }

    /// Before `op(inputs…)` is written over the first input: what is one for all rows cannot take what differs from row to row.
    pub(super) fn rows_written(&mut self, op: &dyn Op, inputs: &[&Tensor]) -> Result<()> {
        if self.rows.is_none() || mode::flags() & mode::OWN != 0 || self.depends(inputs[0])? {
            return Ok(());
        }
        for t in &inputs[1..] {
            if !self.depends(t)? {
                continue;
            }
            let random = t.array().storage().id();
            if (self.rows.as_ref()).is_some_and(|r| r.companions.contains_key(&random)) {
                bail!(
                    Argument,
                    "vmap: Cannot ask for different inplace randomness on an unbatched tensor. This will appear like same randomness. If this is necessary for your usage, please file an issue with functorch."
                );
            }
            let (what, instead) = match op.def().name {
                "index_put" => ("index_put_", "index_put_"),
                _ => ("inplace arithmetic", "inplace arithmetic"),
            };
            bail!(
                Argument,
                "vmap: {what}(self, *extra_args) is not possible because there exists a Tensor `other` in extra_args that has more elements than `self`. This happened due to `other` being vmapped over but `self` not being vmapped over in a vmap. Please try to use out-of-place operators instead of {instead}. If said operator is being called inside the PyTorch framework, please file a bug report instead."
            );
        }
        Ok(())
    }
}

/// Whether a tensor differs from row to row of a batch that one row stands for now.
pub(crate) fn depends(t: &Tensor) -> bool {
    if !mode::batching() {
        return false;
    }
    let _quiet = mode::set(mode::RECORD, false);
    RECORDERS.with(|r| match r.try_borrow_mut() {
        Ok(mut all) => (all.iter_mut()).any(|r| r.depends(t).unwrap_or(true)),
        Err(_) => false,
    })
}

/// Notes that a decision may hang on a tensor's numbers: where these differ from row to row, the run stands for one row only.
#[cold]
pub(crate) fn looked(t: &Tensor) {
    let _quiet = mode::set(mode::RECORD, false);
    RECORDERS.with(|r| {
        if let Ok(mut all) = r.try_borrow_mut() {
            for r in all.iter_mut() {
                let depends = r.depends(t).unwrap_or(true);
                if let Some(rows) = r.rows.as_mut().filter(|_| depends) {
                    rows.looked = true;
                }
            }
        }
    });
}

/// Before numbers are drawn by what cannot draw them for all rows.
pub(crate) fn drawing() -> Result<()> {
    if !mode::batching() {
        return Ok(());
    }
    RECORDERS.with(|r| {
        for rows in r.borrow_mut().iter_mut().filter_map(|r| r.rows.as_mut()) {
            match rows.randomness {
                Randomness::Error => return Err(refused()),
                Randomness::Different => rows.looked = true,
                Randomness::Same => {}
            }
        }
        Ok(())
    })
}

#[cold]
fn refused() -> Error {
    Error::new(
        ErrorKind::Argument,
        "vmap: called random operation while in randomness error mode. Please either use the 'same' or 'different' randomness flags on vmap or perform the randomness operation out of vmap",
    )
}

/// Random numbers of a shape by `draw`; in a run that stands for rows which are to have different ones, the first row of what is drawn for
/// all.
///
/// # Errors
/// Those of `draw`; where drawing is an error.
pub(crate) fn drawn(shape: &Shape, draw: Draw<'_>) -> Result<Array> {
    // Outermost first: for each recorder of rows its place and how many rows have numbers of their own.
    let mut levels: Vec<(usize, usize)> = Vec::new();
    RECORDERS.with(|r| {
        for (k, rows) in r.borrow().iter().enumerate() {
            match rows.rows.as_ref().map(|rows| (rows.randomness, rows.count)) {
                Some((Randomness::Error, _)) => return Err(refused()),
                Some((Randomness::Different, count)) => levels.push((k, count)),
                Some((Randomness::Same, _)) | None => {}
            }
        }
        Ok(())
    })?;
    let counts = levels.iter().map(|&(_, n)| n);
    let whole: Shape = counts.chain(shape.iter().copied()).collect();
    let before: Vec<bool> = RECORDERS.with(|r| {
        let all = r.borrow();
        all.iter()
            .map(|r| r.rows.as_ref().is_some_and(|r| r.looked))
            .collect()
    });
    let mut array = draw(&whole)?;
    RECORDERS.with(|r| {
        let mut all = r.borrow_mut();
        // These were drawn for all rows.
        for (r, looked) in all.iter_mut().zip(before) {
            if let Some(rows) = &mut r.rows {
                rows.looked = looked;
            }
        }
        for &(k, count) in &levels {
            let row = match count {
                0 => Array::zeros(Shape::new(&array.shape()[1..]), array.dtype())?,
                _ => array.select(0, 0)?.copy()?,
            };
            if let Some(rows) = &mut all[k].rows {
                let whole = Tensor::from_array(array);
                rows.companions.insert(row.storage().id(), whole);
            }
            array = row;
        }
        Ok(array)
    })
}
