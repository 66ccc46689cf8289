//! What L-BFGS knows of its last steps, as tensors by name: vectors of all parameters, in their order.

use super::lbfgs::{LBFGS, Memory};
use super::state::{Reading, put_options};
use crate::core::fail::ensure;
use crate::nn::NamedTensors;
use crate::{Result, Tensor};

impl LBFGS {
    /// The state.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    pub(super) fn taken(&self) -> Result<NamedTensors> {
        let m = &self.memory;
        let mut all = Vec::new();
        let mut put = |name: String, t: Tensor| all.push((format!("state.{name}"), t));
        for (name, x) in [
            ("func_evals", m.func_evals as f64),
            ("n_iter", m.n_iter as f64),
            ("H_diag", m.h_diag),
            ("prev_loss", m.prev_loss),
            ("history", m.pairs.len() as f64),
        ] {
            put(name.into(), Tensor::scalar(x));
        }
        if let Some((d, t, before)) = &m.last {
            put("d".into(), d.copy()?);
            put("t".into(), Tensor::scalar(*t));
            put("prev_flat_grad".into(), before.copy()?);
        }
        for (i, (y, s, ro)) in m.pairs.iter().enumerate() {
            put(format!("old_dirs.{i}"), y.copy()?);
            put(format!("old_stps.{i}"), s.copy()?);
            put(format!("ro.{i}"), Tensor::scalar(*ro));
        }
        put_options(0, &self.options, self.initial_lr, &mut all)?;
        Ok(all.into_iter().collect())
    }

    /// Takes a state back.
    ///
    /// # Errors
    /// What does not fit, by name; nothing changed then.
    pub(super) fn put(&mut self, state: &NamedTensors) -> Result<()> {
        let mut reading = Reading::new(state)?;
        let mut options = self.options.clone();
        let initial_lr = reading.options(0, &mut options)?;
        super::algorithm::not_negative("learning rate", options.lr)?;
        let (n, dtype) = (self.params.numel(), self.dtype);
        let vector = |reading: &mut Reading<'_>, name: &str| -> Result<Tensor> {
            let t = reading.need(&format!("state.{name}"))?;
            ensure!(
                t.shape()[..] == [n],
                Shape,
                "size mismatch for state.{name}: copying a param with shape {} from checkpoint, the shape in current model is [{n}].",
                t.shape()
            );
            let _guard = crate::no_grad();
            t.detach().to(dtype)?.copy()
        };
        let mut memory = Memory::new();
        memory.func_evals = reading.number("state.func_evals")? as usize;
        memory.n_iter = reading.number("state.n_iter")? as usize;
        memory.h_diag = reading.number("state.H_diag")?;
        memory.prev_loss = reading.number("state.prev_loss")?;
        let pairs = reading.number("state.history")? as usize;
        if reading.get("state.d").is_some() {
            let d = vector(&mut reading, "d")?;
            let t = reading.number("state.t")?;
            memory.last = Some((d, t, vector(&mut reading, "prev_flat_grad")?));
        }
        for i in 0..pairs {
            let y = vector(&mut reading, &format!("old_dirs.{i}"))?;
            let s = vector(&mut reading, &format!("old_stps.{i}"))?;
            let ro = reading.number(&format!("state.ro.{i}"))?;
            memory.pairs.push_back((y, s, ro));
        }
        reading.end()?;
        (self.options, self.initial_lr, self.memory) = (options, initial_lr, memory);
        Ok(())
    }
}
