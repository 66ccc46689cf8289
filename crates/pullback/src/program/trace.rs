//! Running a function under a recorder.

use super::recorder::{Known, OfRows, RECORDERS, Randomness, Recorder, Recorders, told};
use crate::core::tensor::Tensor;
use crate::program::{Program, ValueId};
use crate::{Result, core::mode, core::watch};

/// A program, the outputs of the run that was recorded, and its constants with their histories.
pub(crate) type Traced = (Program, Vec<Tensor>, Vec<(ValueId, Tensor)>);

/// Ends the innermost recorder even when the traced function panics.
struct Recording {
    _mode: mode::ModeGuard,
    _batch: Option<mode::ModeGuard>,
}

impl Recording {
    fn start(recorder: Recorder) -> Recording {
        let rows = recorder.rows.is_some();
        watch::install(mode::RECORD, &Recorders);
        RECORDERS.with(|r| {
            r.borrow_mut().push(recorder);
        });
        Recording {
            _mode: mode::set(mode::RECORD, true),
            _batch: rows.then(|| mode::set(mode::BATCH, true)),
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
    /// gradient, or be a value of a function that is traced around this one. With `keeps` as [`Program::snapshot`].
    pub(crate) fn trace_live(
        inputs: &[&Tensor],
        keeps: bool,
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Traced> {
        let (recorder, outputs, _) = run(inputs, Recorder::new(keeps), f)?;
        Ok((recorder.program, outputs, recorder.live))
    }

    /// As [`Program::trace_live`], of one row that stands for `count`.
    pub(crate) fn trace_row(
        inputs: &[&Tensor],
        (count, randomness): (usize, Randomness),
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<RowTraced> {
        let mut recorder = Recorder::new(false);
        recorder.rows = Some(OfRows::new(count, randomness));
        let (recorder, _, after) = run(inputs, recorder, f)?;
        let rows = recorder.rows.unwrap_or_default();
        Ok(RowTraced {
            program: recorder.program,
            live: recorder.live,
            after,
            drawn: rows.drawn,
            looked: rows.looked,
        })
    }
}

/// A recorded run of one row that stands for several.
pub(crate) struct RowTraced {
    pub(crate) program: Program,
    /// The constants with their histories.
    pub(crate) live: Vec<(ValueId, Tensor)>,
    /// What each input holds in the end: another value than in the beginning where it was written.
    pub(crate) after: Vec<ValueId>,
    /// Values that were drawn for all rows.
    pub(crate) drawn: Vec<(ValueId, Tensor)>,
    /// Whether something looked at numbers that differ from row to row.
    pub(crate) looked: bool,
}

/// Runs `f` under a recorder on handles of its own; gives the recorder, what `f` gave, and what the inputs hold in the end.
fn run(
    inputs: &[&Tensor],
    recorder: Recorder,
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
) -> Result<(Recorder, Vec<Tensor>, Vec<ValueId>)> {
    let own: Vec<Tensor> = inputs
        .iter()
        .map(|t| Tensor::with_edge(t.array().clone(), t.end()))
        .collect();
    let rows = recorder.rows.is_some();
    let recording = Recording::start(recorder);
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
    let mut after = Vec::new();
    if rows {
        RECORDERS.with(|r| {
            let _quiet = mode::set(mode::RECORD, false);
            r.borrow_mut().last_mut().map_or(Ok(()), |r| {
                (own.iter()).try_for_each(|t| r.read(t).map(|value| after.push(value)))
            })
        })?;
    }
    // Constants that only the outputs are made of are what recorders around this one know them as.
    told()?;
    let mut recorder = recording.finish();
    recorder.program.outputs = ids;
    Ok((recorder, outputs, after))
}
