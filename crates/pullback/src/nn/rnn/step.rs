//! One step of each kind of recurrence: the states after it, of the states before it and what the input contributes.

use crate::{Result, Tensor};
use sealed::Weights;

/// A kind of recurrence. Sealed: [`Elman`], [`Lstm`] and [`Gru`] are all there are.
pub trait Step: Clone + Default + Send + Sync + sealed::Step + 'static {
    /// PyTorch's name of the layer.
    const NAME: &'static str;
}

pub(super) mod sealed {
    use super::{Result, Tensor};

    /// What a step is made of.
    pub struct Weights<'a> {
        /// Of the state.
        pub hh: &'a Tensor,
        /// Beside it.
        pub bias_hh: Option<&'a Tensor>,
        /// The projection.
        pub hr: Option<&'a Tensor>,
    }

    /// How a step goes.
    pub trait Step {
        /// Rows of the weights for each hidden unit.
        const GATES: usize;
        /// How many states there are: h, or h and c.
        const STATES: usize;
        /// The states after a step; `gates` is what the input contributes.
        fn step(&self, gates: &Tensor, states: &[Tensor], w: &Weights<'_>) -> Result<Vec<Tensor>>;
        /// What is printed besides.
        fn extra(&self) -> Option<&'static str> {
            None
        }
    }
}

/// Elman's: h = tanh(W x + b + U h + c), or with relu.
#[derive(Clone, Copy, Debug, Default)]
pub struct Elman {
    pub(super) relu: bool,
}

/// Long short-term memory.
#[derive(Clone, Copy, Debug, Default)]
pub struct Lstm;

/// Gated recurrent units.
#[derive(Clone, Copy, Debug, Default)]
pub struct Gru;

impl Step for Elman {
    const NAME: &'static str = "RNN";
}

impl Step for Lstm {
    const NAME: &'static str = "LSTM";
}

impl Step for Gru {
    const NAME: &'static str = "GRU";
}

impl sealed::Step for Elman {
    const GATES: usize = 1;
    const STATES: usize = 1;
    fn step(&self, gates: &Tensor, states: &[Tensor], w: &Weights<'_>) -> Result<Vec<Tensor>> {
        let sum = gates.add(&states[0].linear(w.hh, w.bias_hh)?)?;
        Ok(vec![if self.relu { sum.relu()? } else { sum.tanh()? }])
    }
    fn extra(&self) -> Option<&'static str> {
        self.relu.then_some("nonlinearity=relu")
    }
}

impl sealed::Step for Lstm {
    const GATES: usize = 4;
    const STATES: usize = 2;
    fn step(&self, gates: &Tensor, states: &[Tensor], w: &Weights<'_>) -> Result<Vec<Tensor>> {
        let all = gates
            .add(&states[0].linear(w.hh, w.bias_hh)?)?
            .chunk(4, -1)?;
        let kept = all[1].sigmoid()?.mul(&states[1])?;
        let c = kept.add(&all[0].sigmoid()?.mul(&all[2].tanh()?)?)?;
        let h = all[3].sigmoid()?.mul(&c.tanh()?)?;
        let h = match w.hr {
            Some(hr) => h.linear(hr, None)?,
            None => h,
        };
        Ok(vec![h, c])
    }
}

impl sealed::Step for Gru {
    const GATES: usize = 3;
    const STATES: usize = 1;
    fn step(&self, gates: &Tensor, states: &[Tensor], w: &Weights<'_>) -> Result<Vec<Tensor>> {
        let x = gates.chunk(3, -1)?;
        let h = states[0].linear(w.hh, w.bias_hh)?.chunk(3, -1)?;
        let reset = h[0].add(&x[0])?.sigmoid()?;
        let update = h[1].add(&x[1])?.sigmoid()?;
        let new = x[2].add(&h[2].mul(&reset)?)?.tanh()?;
        Ok(vec![states[0].sub(&new)?.mul(&update)?.add(&new)?])
    }
}
