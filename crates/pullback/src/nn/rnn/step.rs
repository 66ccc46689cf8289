//! The kinds of recurrence. How their steps go is in `ops/sequence`.

use crate::ops::sequence::stack::Kind;

/// A kind of recurrence. Sealed: [`Elman`], [`Lstm`] and [`Gru`] are all there are.
pub trait Step: Clone + Default + Send + Sync + sealed::Step + 'static {
    /// PyTorch's name of the layer.
    const NAME: &'static str;
}

pub(super) mod sealed {
    use super::Kind;

    /// What a step is made of.
    pub trait Step {
        /// Rows of the weights for each hidden unit.
        const GATES: usize;
        /// How many states there are: h, or h and c.
        const STATES: usize;
        /// Which function of PyTorch's it is.
        fn kind(&self) -> Kind;
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
    fn kind(&self) -> Kind {
        if self.relu { Kind::Relu } else { Kind::Tanh }
    }
    fn extra(&self) -> Option<&'static str> {
        self.relu.then_some("nonlinearity=relu")
    }
}

impl sealed::Step for Lstm {
    const GATES: usize = 4;
    const STATES: usize = 2;
    fn kind(&self) -> Kind {
        Kind::Lstm
    }
}

impl sealed::Step for Gru {
    const GATES: usize = 3;
    const STATES: usize = 1;
    fn kind(&self) -> Kind {
        Kind::Gru
    }
}
