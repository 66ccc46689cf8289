//! Running a function under a recorder.

use super::recorder::{Known, RECORDERS, Recorder, Recorders};
use crate::core::tensor::Tensor;
use crate::program::{Program, ValueId};
use crate::{Result, core::mode, core::watch};

/// A program, the outputs of the run that was recorded, and its constants with their histories.
pub(crate) type Traced = (Program, Vec<Tensor>, Vec<(ValueId, Tensor)>);

/// Ends the innermost recorder even when the traced function panics.
struct Recording {
    _mode: mode::ModeGuard,
}

impl Recording {
    fn start(keeps: bool) -> Recording {
        watch::install(mode::RECORD, &Recorders);
        RECORDERS.with(|r| {
            r.borrow_mut().push(Recorder::new(keeps));
        });
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
    /// gradient, or be a value of a function that is traced around this one. With `keeps` as [`Program::snapshot`].
    pub(crate) fn trace_live(
        inputs: &[&Tensor],
        keeps: bool,
        f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    ) -> Result<Traced> {
        let own: Vec<Tensor> = inputs
            .iter()
            .map(|t| Tensor::with_edge(t.array().clone(), t.end()))
            .collect();
        let recording = Recording::start(keeps);
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
