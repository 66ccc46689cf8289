//! Recurrent layers and directions put together, over packed rows: PyTorch's `lstm`, `gru`, `rnn_tanh` and `rnn_relu`, and their cells.
//!
//! Not here: sequences that are padded, states in another order, modules.

use super::layer::RecurrentLayer;
use crate::core::Site;
use crate::core::apply::apply_many;
use crate::core::fail::ensure;
use crate::core::mode;
use crate::core::tensor::Tensor;
use crate::ops::common::halves::{is_half, wide, wide_if};
use crate::{Result, cat, stack};
use pullback_array::kernels::Cell;
use std::sync::Arc;

/// Which recurrence.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Long short-term memory.
    Lstm,
    /// Gated recurrent units.
    Gru,
    /// Elman's network with tanh.
    Tanh,
    /// Elman's network with relu.
    Relu,
}

impl Kind {
    /// How many states there are: h, or h and c.
    pub(crate) fn states(self) -> usize {
        if self == Kind::Lstm { 2 } else { 1 }
    }

    /// The recurrence that is one operation; none for relu, which is composed so that its choices are seen.
    fn cell(self) -> Option<Cell> {
        match self {
            Kind::Lstm => Some(Cell::Lstm),
            Kind::Gru => Some(Cell::Gru),
            Kind::Tanh => Some(Cell::Tanh),
            Kind::Relu => None,
        }
    }
}

/// The weights of one direction of one layer.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Weights<'a> {
    pub(crate) ih: &'a Tensor,
    pub(crate) hh: &'a Tensor,
    pub(crate) bias_ih: Option<&'a Tensor>,
    pub(crate) bias_hh: Option<&'a Tensor>,
    /// The projection of long short-term memory.
    pub(crate) hr: Option<&'a Tensor>,
}

/// How layers are put together.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Layers {
    pub(crate) kind: Kind,
    pub(crate) bidirectional: bool,
    /// The probability of being dropped, of what all layers but the last give.
    pub(crate) dropout: f64,
    /// Whether anything is dropped.
    pub(crate) train: bool,
}

/// One direction of one layer over rows packed by `sizes`: the results in order, and the last states.
pub(crate) fn direction(
    kind: Kind,
    rows: &Tensor,
    sizes: &Arc<[usize]>,
    states: &[Tensor],
    w: Weights<'_>,
    reverse: bool,
    site: Site,
) -> Result<(Tensor, Vec<Tensor>)> {
    for state in states {
        ensure!(
            state.dtype() == w.hh.dtype(),
            DType,
            "expected m1 and m2 to have the same dtype, but got: {} != {}",
            state.dtype().cpp_name(),
            w.hh.dtype().cpp_name()
        );
    }
    if is_half(rows) {
        return in_single(kind, rows, sizes, states, w, reverse, site);
    }
    let gates = rows.linear(w.ih, w.bias_ih)?;
    let Some(cell) = kind.cell() else {
        return rectified(&gates, sizes, &states[0], w, reverse);
    };
    let mut inputs = vec![&gates, w.hh];
    inputs.extend(states);
    inputs.extend(w.bias_hh);
    inputs.extend(w.hr);
    let recorded =
        mode::watched() || mode::is_grad_enabled() && inputs.iter().any(|t| t.requires_grad());
    let op = RecurrentLayer {
        cell,
        reverse,
        bias: w.bias_hh.is_some(),
        projects: w.hr.is_some(),
        sizes: sizes.clone(),
        keep: recorded,
    };
    let mut made: Vec<Tensor> = apply_many(&op, &inputs, site)?.into_iter().collect();
    made.truncate(1 + kind.states());
    let lasts = made.split_off(1);
    Ok((made.swap_remove(0), lasts))
}

/// A direction of halves: computed in single precision, the results rounded once.
fn in_single(
    kind: Kind,
    rows: &Tensor,
    sizes: &Arc<[usize]>,
    states: &[Tensor],
    w: Weights<'_>,
    reverse: bool,
    site: Site,
) -> Result<(Tensor, Vec<Tensor>)> {
    let dtype = rows.dtype();
    let [bias_ih, bias_hh, hr] = [wide_if(w.bias_ih)?, wide_if(w.bias_hh)?, wide_if(w.hr)?];
    let wider = Weights {
        ih: &wide(w.ih)?,
        hh: &wide(w.hh)?,
        bias_ih: bias_ih.as_ref(),
        bias_hh: bias_hh.as_ref(),
        hr: hr.as_ref(),
    };
    let states = states.iter().map(wide).collect::<Result<Vec<_>>>()?;
    let (all, lasts) = direction(kind, &wide(rows)?, sizes, &states, wider, reverse, site)?;
    let lasts = lasts.iter().map(|t| t.to(dtype)).collect::<Result<_>>()?;
    Ok((all.to(dtype)?, lasts))
}

/// Elman's network with relu, step by step.
fn rectified(
    gates: &Tensor,
    sizes: &[usize],
    state: &Tensor,
    w: Weights<'_>,
    reverse: bool,
) -> Result<(Tensor, Vec<Tensor>)> {
    let lengths: Vec<i64> = sizes.iter().map(|&n| n as i64).collect();
    let gates = gates.split_with_sizes(&lengths, 0)?;
    let mut all = pullback_array::filled(sizes.len(), None)?;
    let mut state = state.clone();
    for k in 0..sizes.len() {
        let t = if reverse { sizes.len() - 1 - k } else { k };
        let (n, whole) = (sizes[t], state.shape()[0]);
        let now = if n == whole {
            state.clone()
        } else {
            state.narrow(0, 0, n)?
        };
        let made = gates[t].add(&now.linear(w.hh, w.bias_hh)?)?.relu()?;
        state = match whole - n {
            0 => made.clone(),
            rest => cat(&[&made, &state.narrow(0, n, rest)?], 0)?,
        };
        all[t] = Some(made);
    }
    let all: Vec<&Tensor> = all.iter().flatten().collect();
    Ok((cat(&all, 0)?, vec![state]))
}

/// All layers over rows packed by `sizes`: the last layer's results, and the last states of all.
pub(crate) fn layers(
    how: Layers,
    rows: &Tensor,
    sizes: &[usize],
    states: &[Tensor],
    weights: &[Weights<'_>],
    site: Site,
) -> Result<(Tensor, Vec<Tensor>)> {
    let sizes: Arc<[usize]> = sizes.into();
    let both = if how.bidirectional { 2 } else { 1 };
    let count = weights.len() / both;
    let mut rows = rows.clone();
    let mut lasts: Vec<Vec<Tensor>> = Vec::new();
    for layer in 0..count {
        let mut made = Vec::new();
        for k in 0..both {
            let at = layer * both + k;
            let own: Vec<Tensor> =
                (states.iter().map(|s| s.select(0, at as i64))).collect::<Result<_>>()?;
            let (out, last) = direction(how.kind, &rows, &sizes, &own, weights[at], k == 1, site)?;
            made.push(out);
            lasts.push(last);
        }
        rows = match &made[..] {
            [one] => one.clone(),
            more => cat(&more.iter().collect::<Vec<_>>(), -1)?,
        };
        if how.dropout > 0.0 && layer + 1 < count {
            rows = rows.dropout(how.dropout, how.train)?;
        }
    }
    let state = |k: usize| stack(&lasts.iter().map(|last| &last[k]).collect::<Vec<_>>(), 0);
    Ok((
        rows,
        (0..how.kind.states()).map(state).collect::<Result<_>>()?,
    ))
}

/// The states after one step of (samples, features).
pub(crate) fn cell(
    kind: Kind,
    x: &Tensor,
    states: &[Tensor],
    w: Weights<'_>,
    site: Site,
) -> Result<Vec<Tensor>> {
    let sizes: Arc<[usize]> = [x.shape()[0]].into();
    Ok(direction(kind, x, &sizes, states, w, false, site)?.1)
}
