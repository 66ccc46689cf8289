//! Recurrent layers: weights by layer and direction, and how steps follow each other.

use super::packed::PackedSequence;
use super::step::{Elman, Gru, Lstm, Step};
use crate::core::fail::{bail, ensure};
use crate::nn::macros::builder;
use crate::nn::repr::{Repr, float, python};
use crate::nn::{Module, Visit, VisitMut, init, is_training};
use crate::ops::sequence::stack::{Layers, Weights, layers};
use crate::{DType, Result, Tensor, on_device};
use std::panic::Location;

/// One direction of one layer.
#[derive(Clone, Debug)]
struct Direction {
    /// `_l0`, `_l0_reverse`, …
    suffix: String,
    ih: Tensor,
    hh: Tensor,
    bias: Option<[Tensor; 2]>,
    hr: Option<Tensor>,
}

impl Direction {
    fn weights(&self) -> Weights<'_> {
        let [bias_ih, bias_hh] = match &self.bias {
            Some([ih, hh]) => [Some(ih), Some(hh)],
            None => [None, None],
        };
        Weights {
            ih: &self.ih,
            hh: &self.hh,
            bias_ih,
            bias_hh,
            hr: self.hr.as_ref(),
        }
    }
}

/// A recurrent layer, or several, in one direction or two. [`RNN`], [`LSTM`] and [`GRU`] are the kinds there are.
///
/// The input is (steps, samples, features), with `batch_first` (samples, steps, features), or (steps, features); the results are the last layer's at every step, and
/// the states after the last step, (layers · directions, samples, hidden).
///
/// ```
/// use pullback::nn::LSTM;
/// use pullback::{DType, randn};
/// let lstm = LSTM::builder(4, 8).num_layers(2).batch_first(true).build()?;
/// let (y, (h, c)) = lstm.forward(&randn([3, 5, 4], DType::F32)?, None)?;
/// assert_eq!((&y.shape()[..], &h.shape()[..], &c.shape()[..]), (&[3, 5, 8][..], &[2, 3, 8][..], &[2, 3, 8][..]));
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Recurrent<S: Step> {
    directions: Vec<Direction>,
    step: S,
    input_size: usize,
    hidden_size: usize,
    num_layers: usize,
    batch_first: bool,
    dropout: f64,
    bidirectional: bool,
    proj_size: usize,
}

/// Elman's network. PyTorch's `nn.RNN`.
pub type RNN = Recurrent<Elman>;
/// Long short-term memory. PyTorch's `nn.LSTM`.
pub type LSTM = Recurrent<Lstm>;
/// Gated recurrent units. PyTorch's `nn.GRU`.
pub type GRU = Recurrent<Gru>;

builder! {
    /// How a [`Recurrent`] is made.
    RecurrentBuilder [S: Step] [S] for Recurrent<S>;
    (input_size: usize, hidden_size: usize);
    {
        /// How many layers there are, each given what the one before it gives.
        num_layers: usize = 1,
        /// Whether there are biases.
        bias: bool = true,
        /// Whether samples are the first dimension of input and result, and not the second.
        batch_first: bool = false,
        /// The probability of being dropped, of what all layers but the last give.
        dropout: f64 = 0.0,
        /// Whether there are layers going from the end too, whose results are beside the others.
        bidirectional: bool = false,
        /// Of LSTM: the size to which h is projected; none with 0.
        proj_size: usize = 0,
        /// Of all weights; float32 without it.
        dtype: DType = DType::F32,
    } into {}
    hidden { step: S = S::default() }
}

impl RecurrentBuilder<Elman> {
    /// With relu in tanh's place. PyTorch's `nonlinearity="relu"`.
    pub fn relu(mut self, relu: bool) -> Self {
        self.step.relu = relu;
        self
    }
}

impl<S: Step> RecurrentBuilder<S> {
    fn checked(&self) -> Result<()> {
        ensure!(
            (0.0..=1.0).contains(&self.dropout),
            Value,
            "dropout should be a number in range [0, 1] representing the probability of an element being zeroed"
        );
        ensure!(
            self.hidden_size > 0,
            Value,
            "hidden_size must be greater than zero"
        );
        ensure!(
            self.num_layers > 0,
            Value,
            "num_layers must be greater than zero"
        );
        ensure!(
            self.proj_size == 0 || S::STATES == 2,
            Value,
            "proj_size argument is only supported for LSTM, not RNN or GRU"
        );
        ensure!(
            self.proj_size < self.hidden_size,
            Value,
            "proj_size has to be smaller than hidden_size"
        );
        Ok(())
    }

    /// Makes the layers: draws all weights between ±1/√hidden.
    ///
    /// # Errors
    /// PyTorch's sentences for sizes that make no layer.
    #[track_caller]
    pub fn build(self) -> Result<Recurrent<S>> {
        self.checked()?;
        let (hidden, proj, dtype) = (self.hidden_size, self.proj_size, self.dtype);
        let Some(gates) = hidden.checked_mul(S::GATES) else {
            bail!(Alloc, "hidden_size {hidden} is too large");
        };
        let real = if proj > 0 { proj } else { hidden };
        let both = if self.bidirectional { 2 } else { 1 };
        let bound = 1.0 / (hidden as f64).sqrt();
        let drawn = |shape: &[usize]| -> Result<Tensor> {
            let made = init::parameter(shape, dtype)?;
            init::uniform_(&made, -bound, bound)?;
            Ok(made)
        };
        let mut directions = Vec::new();
        for layer in 0..self.num_layers {
            for suffix in &["", "_reverse"][..both] {
                let size = if layer == 0 {
                    self.input_size
                } else {
                    real * both
                };
                directions.push(Direction {
                    suffix: format!("_l{layer}{suffix}"),
                    ih: drawn(&[gates, size])?,
                    hh: drawn(&[gates, real])?,
                    bias: match self.bias {
                        true => Some([drawn(&[gates])?, drawn(&[gates])?]),
                        false => None,
                    },
                    hr: (proj > 0).then(|| drawn(&[proj, hidden])).transpose()?,
                });
            }
        }
        Ok(Recurrent {
            directions,
            step: self.step,
            input_size: self.input_size,
            hidden_size: hidden,
            num_layers: self.num_layers,
            batch_first: self.batch_first,
            dropout: self.dropout,
            bidirectional: self.bidirectional,
            proj_size: proj,
        })
    }
}

impl<S: Step> Module for Recurrent<S> {
    fn visit(&self, v: &mut Visit<'_>) {
        for d in &self.directions {
            let s = &d.suffix;
            v.field(format_args!("weight_ih{s}"), &d.ih);
            v.field(format_args!("weight_hh{s}"), &d.hh);
            if let Some([ih, hh]) = &d.bias {
                v.field(format_args!("bias_ih{s}"), ih);
                v.field(format_args!("bias_hh{s}"), hh);
            }
            v.field(format_args!("weight_hr{s}"), &d.hr);
        }
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        for d in &mut self.directions {
            let s = &d.suffix;
            v.field(format_args!("weight_ih{s}"), &mut d.ih)?;
            v.field(format_args!("weight_hh{s}"), &mut d.hh)?;
            if let Some([ih, hh]) = &mut d.bias {
                v.field(format_args!("bias_ih{s}"), ih)?;
                v.field(format_args!("bias_hh{s}"), hh)?;
            }
            v.field(format_args!("weight_hr{s}"), &mut d.hr)?;
        }
        Ok(())
    }
    fn repr(&self) -> Option<Repr> {
        let mut s = format!("{}, {}", self.input_size, self.hidden_size);
        if self.proj_size != 0 {
            s += &format!(", proj_size={}", self.proj_size);
        }
        if self.num_layers != 1 {
            s += &format!(", num_layers={}", self.num_layers);
        }
        if self.directions.first().is_some_and(|d| d.bias.is_none()) {
            s += ", bias=False";
        }
        if self.batch_first {
            s += &format!(", batch_first={}", python(true));
        }
        if self.dropout != 0.0 {
            s += &format!(", dropout={}", float(self.dropout));
        }
        if self.bidirectional {
            s += &format!(", bidirectional={}", python(true));
        }
        Some(Repr::new(S::NAME).extra(s))
    }
}

impl<S: Step> std::fmt::Display for Recurrent<S> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        crate::nn::print(self, f)
    }
}

impl<S: Step> Recurrent<S> {
    fn both(&self) -> usize {
        if self.bidirectional { 2 } else { 1 }
    }

    /// The shapes of the states.
    fn sizes(&self, samples: usize) -> Vec<[usize; 3]> {
        let layers = self.num_layers * self.both();
        let real = if self.proj_size > 0 {
            self.proj_size
        } else {
            self.hidden_size
        };
        let all = [[layers, samples, real], [layers, samples, self.hidden_size]];
        all[..S::STATES].to_vec()
    }

    /// States that are given, or zeros.
    fn begun(
        &self,
        given: Option<Vec<Tensor>>,
        data: &Tensor,
        samples: usize,
    ) -> Result<Vec<Tensor>> {
        let sizes = self.sizes(samples);
        let Some(states) = given else {
            let device = data.array().device();
            let zeros =
                |size: &[usize; 3]| on_device(device, || Tensor::zeros(*size, data.dtype()));
            return sizes.iter().map(zeros).collect();
        };
        for (k, (state, size)) in states.iter().zip(&sizes).enumerate() {
            let name = if S::STATES > 1 {
                format!("hidden[{k}]")
            } else {
                "hidden".into()
            };
            ensure!(
                state.shape()[..] == size[..],
                Shape,
                "Expected {name} size {}, got {}",
                crate::nn::repr::tuple(size),
                state.shape()
            );
        }
        Ok(states)
    }

    /// All layers over rows that are packed by `sizes`.
    #[track_caller]
    fn run(
        &self,
        rows: &Tensor,
        sizes: &[usize],
        states: &[Tensor],
    ) -> Result<(Tensor, Vec<Tensor>)> {
        let how = Layers {
            kind: self.step.kind(),
            bidirectional: self.bidirectional,
            dropout: self.dropout,
            train: is_training(),
        };
        let weights: Vec<Weights<'_>> = self.directions.iter().map(Direction::weights).collect();
        layers(how, rows, sizes, states, &weights, Location::caller())
    }

    fn fits(&self, data: &Tensor) -> Result<()> {
        let size = data.shape().last().copied().unwrap_or(0);
        ensure!(
            size == self.input_size,
            Argument,
            "input.size(-1) must be equal to input_size. Expected {}, got {size}",
            self.input_size
        );
        Ok(())
    }

    /// States with a dimension of samples where the input lacks one.
    fn batched(&self, given: Option<Vec<Tensor>>, alone: bool) -> Result<Option<Vec<Tensor>>> {
        let Some(states) = given else {
            return Ok(None);
        };
        let (input, ranks) = if alone {
            ("unbatched 2-D", 2)
        } else {
            ("batched 3-D", 3)
        };
        for s in &states {
            ensure!(
                s.ndim() == ranks,
                Argument,
                "For {input} input, hx should also be {ranks}-D but got {}-D tensor",
                s.ndim()
            );
        }
        match alone {
            true => states
                .iter()
                .map(|s| s.unsqueeze(1))
                .collect::<Result<_>>()
                .map(Some),
            false => Ok(Some(states)),
        }
    }

    #[track_caller]
    fn forward_dense(
        &self,
        x: &Tensor,
        given: Option<Vec<Tensor>>,
    ) -> Result<(Tensor, Vec<Tensor>)> {
        ensure!(
            x.ndim() == 2 || x.ndim() == 3,
            Value,
            "{}: Expected input to be 2D or 3D, got {}D instead",
            S::NAME,
            x.ndim()
        );
        let alone = x.ndim() == 2;
        let place = if self.batch_first { 0 } else { 1 };
        let states = self.batched(given, alone)?;
        self.fits(x)?;
        let x = if alone {
            x.unsqueeze(place)?
        } else {
            x.clone()
        };
        let x = if self.batch_first {
            x.transpose(0, 1)?
        } else {
            x
        };
        let [length, samples, width] = [x.shape()[0], x.shape()[1], x.shape()[2]];
        ensure!(
            length > 0,
            Argument,
            "Expected sequence length to be larger than 0 in RNN"
        );
        let data = x.reshape([length * samples, width])?;
        let states = self.begun(states, &data, samples)?;
        let sizes = pullback_array::filled(length, samples)?;
        let (rows, lasts) = self.run(&data, &sizes, &states)?;
        let wide = rows.shape()[1];
        let mut out = rows.reshape([length, samples, wide])?;
        if self.batch_first {
            out = out.transpose(0, 1)?;
        }
        if !alone {
            return Ok((out, lasts));
        }
        let lasts = lasts
            .iter()
            .map(|s| s.squeeze_dims(&[1]))
            .collect::<Result<_>>()?;
        Ok((out.squeeze_dims(&[place])?, lasts))
    }

    #[track_caller]
    fn forward_sequences(
        &self,
        x: &PackedSequence,
        given: Option<Vec<Tensor>>,
    ) -> Result<(PackedSequence, Vec<Tensor>)> {
        self.fits(x.data())?;
        let ordered = |states: Vec<Tensor>, order: Option<&Tensor>| -> Result<Vec<Tensor>> {
            match order {
                Some(order) => states.iter().map(|s| s.index_select(1, order)).collect(),
                None => Ok(states),
            }
        };
        let given = given.map(|s| ordered(s, x.sorted_indices())).transpose()?;
        let samples = x.sizes().first().copied().unwrap_or(0);
        let states = self.begun(given, x.data(), samples)?;
        let (rows, lasts) = self.run(x.data(), x.sizes(), &states)?;
        Ok((x.with_data(rows), ordered(lasts, x.unsorted_indices())?))
    }
}

/// Layers of one state.
macro_rules! one_state {
    ($step:ident) => {
        impl Recurrent<$step> {
            /// The result at every step, and the state after the last; it begins with `hx`, or zeros.
            ///
            /// # Errors
            /// PyTorch's sentences for inputs and states that do not fit.
            #[track_caller]
            pub fn forward(&self, x: &Tensor, hx: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
                let (y, mut states) = self.forward_dense(x, hx.map(|h| vec![h.clone()]))?;
                Ok((y, states.remove(0)))
            }

            /// The same for sequences of several lengths.
            ///
            /// # Errors
            /// As there.
            #[track_caller]
            pub fn forward_packed(
                &self,
                x: &PackedSequence,
                hx: Option<&Tensor>,
            ) -> Result<(PackedSequence, Tensor)> {
                let (y, mut states) = self.forward_sequences(x, hx.map(|h| vec![h.clone()]))?;
                Ok((y, states.remove(0)))
            }
        }
    };
}

one_state!(Elman);
one_state!(Gru);

/// Two states.
fn pair(mut states: Vec<Tensor>) -> (Tensor, Tensor) {
    let h = states.remove(0);
    (h, states.remove(0))
}

impl Recurrent<Lstm> {
    /// The result at every step, and the states h and c after the last; it begins with `hx`, or zeros.
    ///
    /// # Errors
    /// PyTorch's sentences for inputs and states that do not fit.
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor,
        hx: Option<(&Tensor, &Tensor)>,
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let states = hx.map(|(h, c)| vec![h.clone(), c.clone()]);
        let (y, states) = self.forward_dense(x, states)?;
        Ok((y, pair(states)))
    }

    /// The same for sequences of several lengths.
    ///
    /// # Errors
    /// As there.
    #[track_caller]
    pub fn forward_packed(
        &self,
        x: &PackedSequence,
        hx: Option<(&Tensor, &Tensor)>,
    ) -> Result<(PackedSequence, (Tensor, Tensor))> {
        let states = hx.map(|(h, c)| vec![h.clone(), c.clone()]);
        let (y, states) = self.forward_sequences(x, states)?;
        Ok((y, pair(states)))
    }
}
