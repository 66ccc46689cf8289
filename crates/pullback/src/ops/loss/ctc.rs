//! Connectionist temporal classification: how likely a sequence of labels is, summed over all its alignments with a longer sequence of
//! class probabilities (Graves and others, 2006). The recursions over time are loops here; `ctc_steps` has them in tensor operations, which
//! derivatives of the gradient go through.

use crate::core::define::{common, define};
use crate::core::device::HostRead;
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::methods::not_implemented;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::ops::loss::ctc_steps;
use crate::{Array, Real, Result};
use pullback_array::{dispatch, filled};

#[cfg(feature = "proof")]
use crate::DType;
#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The negative log-likelihood of a sequence of labels, for each sample.
///
/// Inputs: log-probabilities of shape (time, batch, classes), and int64 labels of shape (batch, longest).
#[derive(Clone, Debug)]
pub struct CtcLoss {
    /// The class that stands between labels.
    pub blank: usize,
    /// How many steps each sample has.
    pub input_lengths: Vec<usize>,
    /// How many labels each sample has.
    pub target_lengths: Vec<usize>,
    /// Whether a sample that cannot be aligned sends back zeros.
    pub zero_infinity: bool,
}
define! { CtcLoss: General "ctc_loss", "torch.nn.functional.ctc_loss";
    summary: "The negative log-likelihood of a sequence of labels, over all its alignments with a longer one.";
    formula: "-ln Σ Π p(t, label at t) over alignments";
    derivative: "-Σ posterior of the alignments that are at the class at t";
    proof: { samples: samples }
}

#[cfg(feature = "proof")]
fn samples() -> Vec<Sample> {
    let x = |n: usize| {
        (0..n)
            .map(|k| -0.4 - ((37 * k + 11) % 23) as f64 / 11.0)
            .collect()
    };
    let of = |t: usize, inputs: &[usize], labels: &[f64], targets: &[usize]| {
        let n = inputs.len();
        let op = CtcLoss {
            blank: 0,
            input_lengths: inputs.to_vec(),
            target_lengths: targets.to_vec(),
            zero_infinity: false,
        };
        let longest = labels.len().checked_div(n).unwrap_or(0);
        Sample::mixed(
            op,
            vec![
                (vec![t, n, 3], x(t * n * 3), DType::F64),
                (vec![n, longest], labels.to_vec(), DType::I64),
            ],
        )
    };
    vec![
        of(4, &[4], &[1.0, 2.0], &[2]),
        of(5, &[5, 4], &[1.0, 1.0, 2.0, 0.0], &[2, 1]),
        of(3, &[3, 2], &[2.0, 1.0, 1.0, 2.0], &[1, 2]),
        of(2, &[2], &[1.0], &[0]),
        of(
            6,
            &[6, 6, 3],
            &[1.0, 2.0, 1.0, 2.0, 2.0, 0.0, 1.0, 0.0, 0.0],
            &[3, 2, 1],
        ),
    ]
}

/// One sample as the recursions see it: states are a blank, a label, a blank, a label, …, a blank.
struct Lattice<'a, T> {
    /// Log-probabilities of all samples, time first.
    x: &'a [T],
    /// How far a step of time is in `x`, and where the sample stands in it.
    step: usize,
    start: usize,
    steps: usize,
    labels: &'a [i64],
    blank: usize,
}

/// ln Σ eˣ of three.
fn sum_of<T: Real>(a: [T; 3]) -> T {
    let lowest = T::lit(f64::NEG_INFINITY);
    let most = a.into_iter().fold(lowest, |m, x| if x > m { x } else { m });
    if most == lowest {
        return most;
    }
    (a.into_iter())
        .fold(T::ZERO, |s, x| s + (x - most).exp())
        .ln()
        + most
}

impl<T: Real> Lattice<'_, T> {
    fn states(&self) -> usize {
        2 * self.labels.len() + 1
    }

    /// The class of a state.
    fn class(&self, s: usize) -> usize {
        match s % 2 {
            0 => self.blank,
            _ => self.labels[s / 2] as usize,
        }
    }

    fn log_probability(&self, t: usize, s: usize) -> T {
        self.x[t * self.step + self.start + self.class(s)]
    }

    /// Whether a state may follow the one two before it: both are labels, and not the same one.
    fn skips(&self, s: usize) -> bool {
        s % 2 == 1 && s >= 2 && self.class(s) != self.class(s - 2)
    }

    /// The log-likelihoods of what leads to each state at each step.
    fn forward(&self) -> Result<Vec<T>> {
        let (n, none) = (self.states(), T::lit(f64::NEG_INFINITY));
        let mut a = filled(n * self.steps, none)?;
        for (s, a) in a.iter_mut().enumerate().take(n.min(2)) {
            *a = self.log_probability(0, s);
        }
        for t in 1..self.steps {
            let (before, now) = a[(t - 1) * n..(t + 1) * n].split_at_mut(n);
            for s in 0..n {
                let one = if s > 0 { before[s - 1] } else { none };
                let two = if self.skips(s) { before[s - 2] } else { none };
                now[s] = sum_of([before[s], one, two]) + self.log_probability(t, s);
            }
        }
        Ok(a)
    }

    /// The log-likelihood of the labels, of what `forward` gave.
    fn total(&self, a: &[T]) -> T {
        let (n, none) = (self.states(), T::lit(f64::NEG_INFINITY));
        let Some(last) = self.steps.checked_sub(1) else {
            return if n == 1 { T::ZERO } else { none };
        };
        let end = &a[last * n..];
        let label = if n > 1 { end[n - 2] } else { none };
        sum_of([end[n - 1], label, none])
    }

    /// Adds the gradient of the negative log-likelihood, times `g`, into `out`, which lies as `x` does.
    fn backward(&self, g: T, zero_infinity: bool, classes: usize, out: &mut [T]) -> Result<()> {
        let (n, none) = (self.states(), T::lit(f64::NEG_INFINITY));
        let a = self.forward()?;
        let total = self.total(&a);
        if self.steps == 0 || zero_infinity && total == none {
            return Ok(());
        }
        let (mut b, mut next) = (filled(n, none)?, filled(n, none)?);
        let mut through = filled(classes, none)?;
        for t in (0..self.steps).rev() {
            through.fill(none);
            for s in 0..n {
                let after = if t + 1 == self.steps {
                    if s + 2 >= n { T::ZERO } else { none }
                } else {
                    let one = if s + 1 < n { next[s + 1] } else { none };
                    let two = if s + 2 < n && self.skips(s + 2) {
                        next[s + 2]
                    } else {
                        none
                    };
                    sum_of([next[s], one, two])
                };
                // What follows, this step's probability in it; `a` has it too.
                b[s] = after + self.log_probability(t, s);
                let way = &mut through[self.class(s)];
                *way = sum_of([*way, a[t * n + s] + after, none]);
            }
            std::mem::swap(&mut b, &mut next);
            let row = t * self.step + self.start;
            for (c, way) in through.iter().enumerate() {
                out[row + c] = -((*way - total).exp() * g);
            }
        }
        Ok(())
    }
}

impl CtcLoss {
    /// Sample `n` of (time, batch, classes) numbers.
    fn lattice<'a, T>(
        &self,
        x: &'a [T],
        labels: &'a [i64],
        shape: &[usize],
        n: usize,
    ) -> Lattice<'a, T> {
        let longest = labels.len() / shape[1].max(1);
        Lattice {
            x,
            step: shape[1] * shape[2],
            start: n * shape[2],
            steps: self.input_lengths[n],
            labels: &labels[n * longest..][..self.target_lengths[n]],
            blank: self.blank,
        }
    }

    /// The gradient by the log-probabilities, in one pass.
    fn pulled(&self, g: &Array, x: &Array, labels: &Array) -> Result<Array> {
        let shape = x.shape().clone();
        dispatch!(float x.dtype(), T => {
            let (g, numbers) = (g.numbers::<T>()?, x.numbers::<T>()?);
            let labels = labels.numbers::<i64>()?;
            let mut out = filled(numbers.len(), <T as Real>::ZERO)?;
            for (n, &g) in g.iter().enumerate() {
                self.lattice(&numbers, &labels, &shape, n)
                    .backward(g, self.zero_infinity, shape[2], &mut out)?;
            }
            Array::from_slice(&out, shape)
        }, else Err(not_implemented("ctc_loss_cpu", x.dtype())))
    }
}

impl Op for CtcLoss {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let shape = x[0].shape().clone();
        if unnumbered(x) {
            return inferred([shape[1]], x[0].dtype());
        }
        dispatch!(float x[0].dtype(), T => {
            let (numbers, labels) = (x[0].numbers::<T>()?, x[1].numbers::<i64>()?);
            let mut out = filled(shape[1], <T as Real>::ZERO)?;
            for (n, loss) in out.iter_mut().enumerate() {
                let lattice = self.lattice(&numbers, &labels, &shape, n);
                *loss = -lattice.total(&lattice.forward()?);
            }
            Array::from_slice(&out, [shape[1]])
        }, else Err(not_implemented("ctc_loss_cpu", x[0].dtype())))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
}

impl rules::General for CtcLoss {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (x, labels) = (cx.input(0)?, cx.input(1)?);
        if cx.unobserved() {
            return Ok(Tensor::from_array(self.pulled(
                &g.array(),
                &x.array(),
                &labels.array(),
            )?));
        }
        let slope = ctc_steps::slope(self, &x, &labels)?;
        slope.mul(&g.reshape([1, g.numel(), 1])?)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(&t[..1], |_, t| {
            let slope = ctc_steps::slope(self, &cx.input(0)?, &cx.input(1)?)?;
            slope.mul(t)?.sum_dims(&[0, 2], false)
        })
    }
}
