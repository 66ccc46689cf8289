//! Cells: one step of a recurrence as a module.

use super::step::{Elman, Gru, Lstm, Step};
use crate::core::fail::{bail, ensure};
use crate::nn::macros::builder;
use crate::nn::repr::Repr;
use crate::nn::{Module, init};
use crate::ops::sequence::stack::{Weights, cell};
use crate::{DType, Result, Tensor, module, on_device};
use std::panic::Location;

/// One step of a recurrence. [`RNNCell`], [`LSTMCell`] and [`GRUCell`] are the kinds there are.
///
/// The input is (samples, features) or (features).
#[derive(Clone, Debug)]
pub struct RecurrentCell<S: Step> {
    /// (gates · hidden, in).
    pub weight_ih: Tensor,
    /// (gates · hidden, hidden).
    pub weight_hh: Tensor,
    /// (gates · hidden), if there is one.
    pub bias_ih: Option<Tensor>,
    /// (gates · hidden), if there is one.
    pub bias_hh: Option<Tensor>,
    step: S,
    input_size: usize,
    hidden_size: usize,
}

/// One step of Elman's network. PyTorch's `nn.RNNCell`.
pub type RNNCell = RecurrentCell<Elman>;
/// One step of long short-term memory. PyTorch's `nn.LSTMCell`.
pub type LSTMCell = RecurrentCell<Lstm>;
/// One step of gated recurrent units. PyTorch's `nn.GRUCell`.
pub type GRUCell = RecurrentCell<Gru>;

module!([S: Step] RecurrentCell<S> { weight_ih, weight_hh, bias_ih, bias_hh } => |m| {
    let mut s = format!("{}, {}", m.input_size, m.hidden_size);
    if m.bias_ih.is_none() {
        s += ", bias=False";
    }
    if let Some(more) = m.step.extra() {
        s += &format!(", {more}");
    }
    Repr::new(format!("{}Cell", S::NAME)).extra(s)
});

builder! {
    /// How a [`RecurrentCell`] is made.
    RecurrentCellBuilder [S: Step] [S] for RecurrentCell<S>;
    (input_size: usize, hidden_size: usize);
    {
        /// Whether there are biases.
        bias: bool = true,
        /// Of all weights; float32 without it.
        dtype: DType = DType::F32,
    } into {}
    hidden { step: S = S::default() }
}

impl RecurrentCellBuilder<Elman> {
    /// With relu in tanh's place. PyTorch's `nonlinearity="relu"`.
    pub fn relu(mut self, relu: bool) -> Self {
        self.step.relu = relu;
        self
    }
}

impl<S: Step> RecurrentCellBuilder<S> {
    /// Makes the cell: draws all weights between ±1/√hidden.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn build(self) -> Result<RecurrentCell<S>> {
        let (input_size, hidden_size, dtype) = (self.input_size, self.hidden_size, self.dtype);
        let Some(gates) = hidden_size.checked_mul(S::GATES) else {
            bail!(Alloc, "hidden_size {hidden_size} is too large");
        };
        let bound = match hidden_size {
            0 => 0.0,
            n => 1.0 / (n as f64).sqrt(),
        };
        let cell = RecurrentCell {
            weight_ih: init::parameter(&[gates, input_size], dtype)?,
            weight_hh: init::parameter(&[gates, hidden_size], dtype)?,
            bias_ih: init::optional(self.bias, &[gates], dtype)?,
            bias_hh: init::optional(self.bias, &[gates], dtype)?,
            step: self.step,
            input_size,
            hidden_size,
        };
        for weight in cell.parameters() {
            init::uniform_(&weight, -bound, bound)?;
        }
        Ok(cell)
    }
}

impl<S: Step> RecurrentCell<S> {
    /// The states after one step.
    #[track_caller]
    fn run(&self, x: &Tensor, given: Option<&[&Tensor]>) -> Result<Vec<Tensor>> {
        for (what, t) in [("input", x)]
            .into_iter()
            .chain(given.unwrap_or(&[]).iter().map(|&h| ("hidden", h)))
        {
            ensure!(
                t.ndim() == 1 || t.ndim() == 2,
                Value,
                "{}Cell: Expected {what} to be 1D or 2D, got {}D instead",
                S::NAME,
                t.ndim()
            );
        }
        let width = x.shape().last().copied().unwrap_or(0);
        ensure!(
            width == self.input_size,
            Argument,
            "input has inconsistent input_size: got {width} expected {}",
            self.input_size
        );
        let alone = x.ndim() == 1;
        let raised = |t: &Tensor| {
            if t.ndim() == 1 {
                t.unsqueeze(0)
            } else {
                Ok(t.clone())
            }
        };
        let x = raised(x)?;
        let samples = x.shape()[0];
        let states: Vec<Tensor> = match given {
            Some(given) => given.iter().map(|&h| raised(h)).collect::<Result<_>>()?,
            None => {
                let zeros = || Tensor::zeros([samples, self.hidden_size], x.dtype());
                let zeros = on_device(x.array().device(), zeros)?;
                vec![zeros; S::STATES]
            }
        };
        for h in &states {
            ensure!(
                h.shape()[0] == samples,
                Argument,
                "Input batch size {samples} doesn't match hidden0 batch size {}",
                h.shape()[0]
            );
            ensure!(
                h.shape()[1] == self.hidden_size,
                Argument,
                "hidden0 has inconsistent hidden_size: got {}, expected {}",
                h.shape()[1],
                self.hidden_size
            );
        }
        let w = Weights {
            ih: &self.weight_ih,
            hh: &self.weight_hh,
            bias_ih: self.bias_ih.as_ref(),
            bias_hh: self.bias_hh.as_ref(),
            hr: None,
        };
        let made = cell(self.step.kind(), &x, &states, w, Location::caller())?;
        match alone {
            true => made.iter().map(|h| h.squeeze_dims(&[0])).collect(),
            false => Ok(made),
        }
    }
}

macro_rules! one_state {
    ($step:ident) => {
        impl RecurrentCell<$step> {
            /// The state after one step from `hx`, or zeros.
            ///
            /// # Errors
            /// PyTorch's sentences for inputs and states that do not fit.
            #[track_caller]
            pub fn forward(&self, x: &Tensor, hx: Option<&Tensor>) -> Result<Tensor> {
                let given = hx.map(|h| [h]);
                let mut states = self.run(x, given.as_ref().map(|g| &g[..]))?;
                Ok(states.remove(0))
            }
        }
    };
}

one_state!(Elman);
one_state!(Gru);

impl RecurrentCell<Lstm> {
    /// The states h and c after one step from `hx`, or zeros.
    ///
    /// # Errors
    /// PyTorch's sentences for inputs and states that do not fit.
    #[track_caller]
    pub fn forward(&self, x: &Tensor, hx: Option<(&Tensor, &Tensor)>) -> Result<(Tensor, Tensor)> {
        let given = hx.map(|(h, c)| [h, c]);
        let mut states = self.run(x, given.as_ref().map(|g| &g[..]))?;
        let h = states.remove(0);
        Ok((h, states.remove(0)))
    }
}
