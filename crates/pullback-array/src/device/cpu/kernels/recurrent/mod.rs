//! One layer of a recurrent network in one direction over a whole sequence: forward in time, and its gradient backward in time.
//!
//! What the input gives to the gates is made before, for all steps at once. A step is one product of the state with the recurrent weight and one pass over the gates
//! (`cells.rs`); what the gradient needs again is kept. Sequences of several lengths are packed: step t has the first `sizes[t]` rows of the states, and the others stay
//! as they are, so that a state beyond its sequence's end is its last one.
mod back;
mod cells;
mod forward;
mod held;

use crate::array::Array;
use crate::dispatch;
use crate::error::{Error, ErrorKind, Result};
use crate::memory::room::{out_of_memory, room};
pub use cells::Cell;

/// Elements of gates that pay for a second thread.
const PASS: usize = 1 << 12;

/// How a recurrence goes.
#[derive(Clone, Copy, Debug)]
pub struct Recurrence<'a> {
    /// Which.
    pub cell: Cell,
    /// How many rows each step has: none more than the step before it.
    pub sizes: &'a [usize],
    /// From the last step to the first.
    pub reverse: bool,
}

/// What a recurrence is of.
#[derive(Clone, Copy, Debug)]
pub struct RecurrenceInputs<'a> {
    /// What the input gives to the gates at every step: (rows of all steps, gates · hidden).
    pub gates: &'a Array,
    /// (gates · hidden, width): the recurrent weight.
    pub weight: &'a Array,
    /// (samples, width): the state before the first step.
    pub h: &'a Array,
    /// (samples, hidden): the second state of [`Cell::Lstm`].
    pub c: Option<&'a Array>,
    /// (gates · hidden): added to what the state gives.
    pub bias: Option<&'a Array>,
    /// (width, hidden): what h is multiplied by after each step of [`Cell::Lstm`].
    pub projection: Option<&'a Array>,
}

/// What a recurrence gives.
#[derive(Clone, Debug)]
pub struct RecurrenceResults {
    /// h at every step: (rows of all steps, width).
    pub rows: Array,
    /// (samples, width): h after each sequence's last step.
    pub h: Array,
    /// (samples, hidden): c after it.
    pub c: Option<Array>,
    /// What the gradient needs: (rows of all steps, [`Cell::kept`] · hidden), or (0) where it was not asked for.
    pub kept: Array,
}

/// What a recurrence sends back.
#[derive(Clone, Debug)]
pub struct RecurrenceGradients {
    /// Of what the input gives to the gates.
    pub gates: Array,
    /// Of what the state gives to them; the same numbers but for [`Cell::Gru`].
    pub of_state: Array,
    /// h before every step: with `of_state` it makes the weight's gradient.
    pub before: Array,
    /// Of h before the first step.
    pub h: Array,
    /// Of c before it.
    pub c: Option<Array>,
    /// With a projection: the gradients of its results, and what it is applied to.
    pub projected: Option<(Array, Array)>,
}

/// Sizes that go together.
#[derive(Clone, Copy)]
struct Dims {
    rows: usize,
    samples: usize,
    hidden: usize,
    width: usize,
}

fn misfit(text: &str) -> Error {
    Error::new(ErrorKind::Shape, text.to_string())
}

/// The sizes, where all operands agree about them.
fn dims(how: Recurrence<'_>, x: &RecurrenceInputs<'_>) -> Result<Dims> {
    let (g, w, h) = (x.gates.shape(), x.weight.shape(), x.h.shape());
    if g.len() != 2 || w.len() != 2 || h.len() != 2 {
        return Err(misfit("gates, weight and state are matrices"));
    }
    let d = Dims {
        rows: g[0],
        samples: h[0],
        hidden: g[1] / how.cell.gates(),
        width: h[1],
    };
    let wide = d.hidden * how.cell.gates();
    let is = |a: Option<&Array>, shape: &[usize]| a.is_none_or(|a| a.shape()[..] == *shape);
    let two = how.cell == Cell::Lstm;
    let fits = g[1] == wide
        && w[..] == [wide, d.width]
        && x.c.is_some() == two
        && is(x.c, &[d.samples, d.hidden])
        && is(x.bias, &[wide])
        && is(x.projection, &[d.width, d.hidden])
        && (two || x.projection.is_none())
        && (x.projection.is_some() || d.width == d.hidden);
    if !fits {
        return Err(misfit("the operands' sizes do not go together"));
    }
    let total = how.sizes.iter().try_fold(0usize, |n, &s| n.checked_add(s));
    let falls = how.sizes.is_sorted_by(|a, b| a >= b);
    if total != Some(d.rows) || !falls || how.sizes.first().is_some_and(|&n| n > d.samples) {
        return Err(misfit("the steps' sizes are not those of the rows"));
    }
    let others = [x.c, x.bias, x.projection].into_iter().flatten();
    let dtype = x.gates.dtype();
    if (others.chain([x.weight, x.h])).any(|a| a.dtype() != dtype) {
        return Err(Error::new(ErrorKind::DType, "the operands need one dtype"));
    }
    Ok(d)
}

/// Steps in the order in which they are taken: where the rows of each begin, and how many they are.
fn steps(how: Recurrence<'_>) -> Result<Vec<(usize, usize)>> {
    let mut all = room(how.sizes.len())?;
    let mut start = 0;
    for &n in how.sizes {
        all.push((start, n));
        start += n;
    }
    if how.reverse {
        all.reverse();
    }
    Ok(all)
}

/// Rows times columns, as room is asked for.
fn product(rows: usize, cols: usize) -> Result<usize> {
    rows.checked_mul(cols)
        .ok_or_else(|| out_of_memory(usize::MAX))
}

fn work(m: usize, k: usize, n: usize) -> usize {
    m.saturating_mul(k).saturating_mul(n)
}

/// The recurrence: h at every step, and the states after it. `keep` says whether a gradient will be asked for.
///
/// ```
/// use pullback_array::kernels::{self, Cell, Recurrence, RecurrenceInputs};
/// use pullback_array::Array;
/// let gates = Array::from_slice(&[0.5f64, 0.0], [2, 1])?; // two steps of one sample and one unit
/// let (weight, h) = (Array::from_slice(&[2.0f64], [1, 1])?, Array::from_slice(&[0.0f64], [1, 1])?);
/// let how = Recurrence { cell: Cell::Tanh, sizes: &[1, 1], reverse: false };
/// let x = RecurrenceInputs { gates: &gates, weight: &weight, h: &h, c: None, bias: None, projection: None };
/// let y = kernels::recurrence_over(how, &x, false)?.rows.to_vec::<f64>()?;
/// assert_eq!(y, [0.5f64.tanh(), (2.0 * 0.5f64.tanh()).tanh()]);
/// # Ok::<(), pullback_array::Error>(())
/// ```
///
/// # Errors
/// Where sizes or dtypes do not go together, or the dtype is no float.
pub fn recurrence_over(
    how: Recurrence<'_>,
    x: &RecurrenceInputs<'_>,
    keep: bool,
) -> Result<RecurrenceResults> {
    let d = dims(how, x)?;
    dispatch!(float x.gates.dtype(), T => forward::forward::<T>(how, x, d, keep), else Err(no_float()))
}

fn no_float() -> Error {
    Error::new(ErrorKind::DType, "a recurrence needs floats")
}

/// What [`recurrence_over`] sends back, given what it gave and the gradients of all of it: `g` has those of `rows`, `h` and `c`.
///
/// # Errors
/// As there; where nothing was kept.
pub fn recurrence_back(
    how: Recurrence<'_>,
    x: &RecurrenceInputs<'_>,
    rows: &Array,
    kept: &Array,
    g: [Option<&Array>; 3],
) -> Result<RecurrenceGradients> {
    let d = dims(how, x)?;
    let is = |a: Option<&Array>, shape: &[usize]| {
        a.is_none_or(|a| a.shape()[..] == *shape && a.dtype() == x.gates.dtype())
    };
    let fits = is(Some(rows), &[d.rows, d.width])
        && is(Some(kept), &[d.rows, d.hidden * how.cell.kept()])
        && is(g[0], &[d.rows, d.width])
        && is(g[1], &[d.samples, d.width])
        && is(g[2], &[d.samples, d.hidden]);
    if !fits {
        return Err(misfit("gradients or what was kept have other sizes"));
    }
    dispatch!(float x.gates.dtype(), T => back::backward::<T>(how, x, d, [rows, kept], g), else Err(no_float()))
}
