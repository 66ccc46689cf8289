//! The recursions of `ctc` in tensor operations, for derivatives of its gradient: all samples at once, a handful of operations a step.
//! States that nothing leads to have a log-likelihood of -1e30 and not of -∞, whose differences would be NaN.

use crate::core::tensor::Tensor;
use crate::ops::loss::ctc::CtcLoss;
use crate::{DType, Result, cat, stack};

/// A log-likelihood below all others.
const NONE: f64 = -1e30;

/// Which states there are, which skip one, and of which classes they are; all samples padded to the longest.
struct States {
    /// (1, batch, states): the class of a state.
    class: Tensor,
    /// (batch, states): 0 where a state may follow the one two before, else [`NONE`].
    skip: Tensor,
    /// (batch, states): 0 in the two last states of a sample, else [`NONE`].
    end: Tensor,
    /// (batch, states): 0 in the two first states, else [`NONE`].
    begin: Tensor,
}

/// 0 where a condition holds, else [`NONE`].
fn barrier(holds: &Tensor, dtype: DType) -> Result<Tensor> {
    Tensor::zeros(holds.shape().clone(), dtype)?
        .to_device(holds.device())?
        .where_(holds, NONE)
}

/// A vector of a sample's numbers, as a column.
fn column(list: &[usize], beside: &Tensor) -> Result<Tensor> {
    let list: Vec<i64> = list.iter().map(|&n| n as i64).collect();
    Tensor::from_slice(&list, [list.len(), 1])?.to_device(beside.device())
}

/// 0, 1, 2, …, on the device of a tensor.
fn counted(n: usize, beside: &Tensor) -> Result<Tensor> {
    Tensor::arange(n)?.to_device(beside.device())
}

impl States {
    fn of(op: &CtcLoss, labels: &Tensor, dtype: DType) -> Result<States> {
        let (n, longest) = (labels.shape()[0], labels.shape()[1]);
        let states = 2 * longest + 1;
        let blank = |shape: [usize; 2]| {
            Tensor::full(shape, op.blank as i64, DType::I64)?.to_device(labels.device())
        };
        let blanks = blank([n, longest])?;
        let pairs = stack(&[&blanks, labels], 2)?.reshape([n, 2 * longest])?;
        let last = blank([n, 1])?;
        let class = cat(&[&pairs, &last], 1)?;
        let place = counted(states, labels)?.reshape([1, states])?;
        let odd = place.remainder(2i64)?.eq(1i64)?;
        let two_before = class.roll(&[2], &[1])?;
        let skip = (class.ne(&two_before)?)
            .logical_and(&odd)?
            .logical_and(&place.ge(2i64)?)?;
        let ends = column(&op.target_lengths, labels)?.mul(2i64)?;
        let inside = place.le(&ends)?;
        let end = inside.logical_and(&place.ge(&ends.sub(1i64)?)?)?;
        let begin = inside.logical_and(&place.le(1i64)?)?;
        Ok(States {
            // A padded label may be any number: it is looked up and not used.
            class: class.where_(&inside, op.blank as i64)?.unsqueeze(0)?,
            skip: barrier(&skip, dtype)?,
            end: barrier(&end, dtype)?,
            begin: barrier(&begin, dtype)?,
        })
    }
}

/// States moved by `by` places, up or down, with nothing in those that become free.
fn moved(x: &Tensor, by: i64) -> Result<Tensor> {
    let (n, width) = (x.shape()[0], x.shape()[1]);
    let free = (by.unsigned_abs() as usize).min(width);
    let nothing = Tensor::full([n, free], NONE, x.dtype())?.to_device(x.device())?;
    let kept = x.narrow(1, if by < 0 { free } else { 0 }, width - free)?;
    match by > 0 {
        true => cat(&[&nothing, &kept], 1),
        false => cat(&[&kept, &nothing], 1),
    }
}

/// ln Σ eˣ over a state and the two that it may come from, or go to.
fn meet(own: &Tensor, one: &Tensor, two: &Tensor) -> Result<Tensor> {
    stack(&[own, one, two], 0)?.logsumexp(&[0], false)
}

/// The derivative of every sample's loss by its log-probabilities, (time, batch, classes); 0 beyond a sample's end.
pub(super) fn slope(op: &CtcLoss, x: &Tensor, labels: &Tensor) -> Result<Tensor> {
    let (steps, n) = (x.shape()[0], x.shape()[1]);
    let states = States::of(op, labels, x.dtype())?;
    let width = states.class.shape()[2];
    let places = states.class.expand([steps, n, width])?;
    let own = x.gather(2, &places)?;
    let at = |t: usize| own.select(0, t as i64);
    let lengths = column(&op.input_lengths, labels)?;
    let mut forward = vec![at(0)?.add(&states.begin)?];
    for t in 1..steps {
        let a = &forward[t - 1];
        let two = moved(a, 2)?.add(&states.skip)?;
        forward.push(meet(a, &moved(a, 1)?, &two)?.add(&at(t)?)?);
    }
    // What follows a state, its own probability not in it.
    let mut after = states.end.clone();
    let mut backward = vec![after.clone(); steps];
    for t in (0..steps).rev() {
        if t + 1 < steps {
            let b = after.add(&at(t + 1)?)?;
            let two = moved(&b.add(&states.skip)?, -2)?;
            after = meet(&b, &moved(&b, -1)?, &two)?;
        }
        let last = lengths.eq(t as i64 + 1)?;
        after = states.end.where_(&last, &after)?;
        backward[t] = after.clone();
    }
    let all = |list: &[Tensor]| stack(&list.iter().collect::<Vec<_>>(), 0);
    let through = all(&forward)?.add(&all(&backward)?)?;
    // Any step has the whole likelihood: the first one is inside of every sample.
    let total = through.select(0, 0)?.logsumexp(&[1], true)?.unsqueeze(0)?;
    let inside = counted(steps, labels)?
        .reshape([steps, 1, 1])?
        .lt(&lengths.unsqueeze(0)?)?;
    let posterior = through.sub(&total)?.exp()?.where_(&inside, 0.0)?;
    let zeros = Tensor::zeros(x.shape().clone(), x.dtype())?.to_device(x.device())?;
    zeros.scatter_add(2, &places, &posterior)?.neg()
}
