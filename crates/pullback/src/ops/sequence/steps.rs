//! The rules of a recurrence, step by step in tensor operations: for whoever watches, and for every order of derivatives.

use crate::core::tensor::Tensor;
use crate::{Result, cat};
use pullback_array::kernels::Cell;

/// Operands of a recurrence, or their tangents; `layer.rs` says what they are.
pub(super) struct Operands<'a> {
    pub(super) cell: Cell,
    pub(super) sizes: &'a [usize],
    pub(super) reverse: bool,
    pub(super) gates: &'a Tensor,
    pub(super) weight: &'a Tensor,
    pub(super) h: &'a Tensor,
    pub(super) c: Option<&'a Tensor>,
    pub(super) bias: Option<&'a Tensor>,
    pub(super) projection: Option<&'a Tensor>,
}

/// One step: which one, where its rows begin and how many they are, and its values.
struct Step {
    t: usize,
    start: usize,
    n: usize,
    /// h and c before it.
    h: Tensor,
    c: Option<Tensor>,
    /// The gates after their functions; of GRU also what n is given by the state.
    gates: Vec<Tensor>,
    /// tanh of c after it, and what is projected.
    turned: Option<Tensor>,
    made: Tensor,
    /// h and c after it.
    next: [Option<Tensor>; 2],
}

/// The first rows of a state replaced by those after a step.
fn replaced(state: &Tensor, first: &Tensor) -> Result<Tensor> {
    let (n, all) = (first.shape()[0], state.shape()[0]);
    match all - n {
        0 => Ok(first.clone()),
        rest => cat(&[first, &state.narrow(0, n, rest)?], 0),
    }
}

fn first(state: &Tensor, n: usize) -> Result<Tensor> {
    match state.shape()[0] == n {
        true => Ok(state.clone()),
        false => state.narrow(0, 0, n),
    }
}

/// 1 - y.
fn rest(y: &Tensor) -> Result<Tensor> {
    y.neg()?.add(1.0)
}

/// y(1 - y), the slope of the logistic function by its value.
fn slope(y: &Tensor) -> Result<Tensor> {
    y.mul(&rest(y)?)
}

/// 1 - y², the slope of tanh by its value.
fn turn(y: &Tensor) -> Result<Tensor> {
    rest(&y.mul(y)?)
}

impl Operands<'_> {
    /// Steps in the order in which they are taken: number, first row, rows.
    fn order(&self) -> Vec<(usize, usize, usize)> {
        let mut start = 0;
        let step = |(t, &n): (usize, &usize)| {
            start += n;
            (t, start - n, n)
        };
        let mut all: Vec<_> = self.sizes.iter().enumerate().map(step).collect();
        if self.reverse {
            all.reverse();
        }
        all
    }

    /// All steps, and the states after them.
    fn walk(&self) -> Result<(Vec<Step>, Tensor, Option<Tensor>)> {
        let (mut h, mut c) = (self.h.clone(), self.c.cloned());
        let mut steps = Vec::new();
        for (t, start, n) in self.order() {
            let x = self.gates.narrow(0, start, n)?;
            let before = c.as_ref().map(|c| first(c, n)).transpose()?;
            let step = self.step((t, start, n), &x, first(&h, n)?, before)?;
            if let Some(next) = &step.next[0] {
                h = replaced(&h, next)?;
            }
            if let (Some(all), Some(next)) = (&c, &step.next[1]) {
                c = Some(replaced(all, next)?);
            }
            steps.push(step);
        }
        Ok((steps, h, c))
    }

    fn step(
        &self,
        (t, start, n): (usize, usize, usize),
        x: &Tensor,
        h: Tensor,
        c: Option<Tensor>,
    ) -> Result<Step> {
        let s = h.linear(self.weight, self.bias)?;
        let parts = |t: &Tensor| t.chunk(self.cell.gates() as i64, 1);
        let (gates, turned, made, after) = match (self.cell, &c) {
            (Cell::Lstm, Some(c)) => {
                let sums = parts(&x.add(&s)?)?;
                let (i, f, o) = (sums[0].sigmoid()?, sums[1].sigmoid()?, sums[3].sigmoid()?);
                let g = sums[2].tanh()?;
                let after = f.mul(c)?.add(&i.mul(&g)?)?;
                let turned = after.tanh()?;
                let made = o.mul(&turned)?;
                (vec![i, f, g, o], Some(turned), made, Some(after))
            }
            (Cell::Gru, _) => {
                let (x, s) = (parts(x)?, parts(&s)?);
                let (r, z) = (s[0].add(&x[0])?.sigmoid()?, s[1].add(&x[1])?.sigmoid()?);
                let new = x[2].add(&s[2].mul(&r)?)?.tanh()?;
                let made = h.sub(&new)?.mul(&z)?.add(&new)?;
                (vec![r, z, new, s[2].clone()], None, made, None)
            }
            _ => (Vec::new(), None, x.add(&s)?.tanh()?, None),
        };
        let next = match self.projection {
            Some(p) => made.linear(p, None)?,
            None => made.clone(),
        };
        Ok(Step {
            t,
            start,
            n,
            h,
            c,
            gates,
            turned,
            made,
            next: [Some(next), after],
        })
    }
}

/// Rows of all steps in the order of time.
fn in_order(mut all: Vec<(usize, Tensor)>, none: impl Fn() -> Result<Tensor>) -> Result<Tensor> {
    if all.is_empty() {
        return none();
    }
    all.sort_by_key(|(t, _)| *t);
    cat(&all.iter().map(|(_, x)| x).collect::<Vec<_>>(), 0)
}

/// The gradients of the gates by the input and by the state, of the part of h before the step that goes past them, and of c before it; `g` and `gc` are those of what a
/// step makes and of c after it.
fn pulled_step(
    cell: Cell,
    s: &Step,
    g: &Tensor,
    gc: Option<&Tensor>,
) -> Result<(Tensor, Tensor, Option<Tensor>, Option<Tensor>)> {
    match (cell, &s.gates[..]) {
        (Cell::Lstm, [i, f, new, o]) => {
            let (Some(turned), Some(c), Some(gc)) = (&s.turned, &s.c, gc) else {
                unreachable!("this recurrence has a second state")
            };
            let of_o = g.mul(turned)?.mul(&slope(o)?)?;
            let gc = gc.add(&g.mul(o)?.mul(&turn(turned)?)?)?;
            let of_i = gc.mul(new)?.mul(&slope(i)?)?;
            let of_f = gc.mul(c)?.mul(&slope(f)?)?;
            let of_new = gc.mul(i)?.mul(&turn(new)?)?;
            let d = cat(&[&of_i, &of_f, &of_new, &of_o], 1)?;
            Ok((d.clone(), d, None, Some(gc.mul(f)?)))
        }
        (Cell::Gru, [r, z, new, sum]) => {
            let of_z = g.mul(&s.h.sub(new)?)?.mul(&slope(z)?)?;
            let of_new = g.mul(&rest(z)?)?.mul(&turn(new)?)?;
            let of_r = of_new.mul(sum)?.mul(&slope(r)?)?;
            let by_state = cat(&[&of_r, &of_z, &of_new.mul(r)?], 1)?;
            let by_input = cat(&[&of_r, &of_z, &of_new], 1)?;
            Ok((by_input, by_state, Some(g.mul(z)?), None))
        }
        _ => {
            let d = g.mul(&turn(&s.made)?)?;
            Ok((d.clone(), d, None, None))
        }
    }
}

/// The gradients of gates, weight, h, c, bias and projection, given those of the results.
pub(super) fn pulled(x: &Operands<'_>, g: [Option<&Tensor>; 3]) -> Result<[Option<Tensor>; 6]> {
    let (steps, _, _) = x.walk()?;
    let or_zero =
        |g: Option<&Tensor>, like: &Tensor| g.map_or_else(|| like.zeros_like(), |g| Ok(g.clone()));
    let mut gh = or_zero(g[1], x.h)?;
    let mut gc = x.c.map(|c| or_zero(g[2], c)).transpose()?;
    let (mut by_input, mut by_state, mut sent, mut before, mut made) =
        (Vec::new(), Vec::new(), Vec::new(), Vec::new(), Vec::new());
    for s in steps.iter().rev() {
        let mut here = first(&gh, s.n)?;
        if let Some(g) = g[0] {
            here = here.add(&g.narrow(0, s.start, s.n)?)?;
        }
        if let Some(p) = x.projection {
            let inner = here.matmul(p)?;
            sent.push((s.t, here));
            made.push((s.t, s.made.clone()));
            here = inner;
        }
        let c_here = gc.as_ref().map(|c| first(c, s.n)).transpose()?;
        let (d, d_state, past, c) = pulled_step(x.cell, s, &here, c_here.as_ref())?;
        let mut back = d_state.matmul(x.weight)?;
        if let Some(past) = past {
            back = back.add(&past)?;
        }
        gh = replaced(&gh, &back)?;
        if let (Some(all), Some(c)) = (&gc, c) {
            gc = Some(replaced(all, &c)?);
        }
        by_input.push((s.t, d));
        by_state.push((s.t, d_state));
        before.push((s.t, s.h.clone()));
    }
    let by_state = in_order(by_state, || x.gates.zeros_like())?;
    let before = in_order(before, || x.h.narrow(0, 0, 0))?;
    let of_projection = match x.projection {
        Some(p) => {
            let sent = in_order(sent, || x.h.narrow(0, 0, 0))?;
            let made = in_order(made, || p.narrow(0, 0, 0))?;
            Some(sent.t()?.matmul(&made)?)
        }
        None => None,
    };
    Ok([
        Some(in_order(by_input, || x.gates.zeros_like())?),
        Some(by_state.t()?.matmul(&before)?),
        Some(gh),
        gc,
        x.bias.map(|_| by_state.sum_dims(&[0], false)).transpose()?,
        of_projection,
    ])
}

/// The tangents of what a step makes and of c after it: `dx` is that of the gates' sums by the input, `ds` of those by the state, `dh` and `dc` of the states before it.
fn pushed_step(
    cell: Cell,
    s: &Step,
    (dx, ds): (&Tensor, &Tensor),
    dh: &Tensor,
    dc: Option<&Tensor>,
) -> Result<(Tensor, Option<Tensor>)> {
    let parts = |t: &Tensor| t.chunk(cell.gates() as i64, 1);
    match (cell, &s.gates[..]) {
        (Cell::Lstm, [i, f, new, o]) => {
            let (Some(turned), Some(c), Some(dc)) = (&s.turned, &s.c, dc) else {
                unreachable!("this recurrence has a second state")
            };
            let d = parts(&dx.add(ds)?)?;
            let (di, df) = (d[0].mul(&slope(i)?)?, d[1].mul(&slope(f)?)?);
            let (dg, d_o) = (d[2].mul(&turn(new)?)?, d[3].mul(&slope(o)?)?);
            let dc = (f.mul(dc)?.add(&df.mul(c)?)?)
                .add(&di.mul(new)?)?
                .add(&i.mul(&dg)?)?;
            let made = d_o.mul(turned)?.add(&o.mul(&turn(turned)?)?.mul(&dc)?)?;
            Ok((made, Some(dc)))
        }
        (Cell::Gru, [r, z, new, sum]) => {
            let (dx, ds) = (parts(dx)?, parts(ds)?);
            let dr = dx[0].add(&ds[0])?.mul(&slope(r)?)?;
            let dz = dx[1].add(&ds[1])?.mul(&slope(z)?)?;
            let d = dx[2].add(&ds[2].mul(r)?)?.add(&sum.mul(&dr)?)?;
            let dn = d.mul(&turn(new)?)?;
            let made = dn.mul(&rest(z)?)?.add(&dh.mul(z)?)?;
            Ok((made.add(&s.h.sub(new)?.mul(&dz)?)?, None))
        }
        _ => Ok((dx.add(ds)?.mul(&turn(&s.made)?)?, None)),
    }
}

/// The tangents of h at every step, of h after the last, and of c after it where there is one; `t` has the operands' tangents.
pub(super) fn pushed(x: &Operands<'_>, t: &Operands<'_>) -> Result<Vec<Tensor>> {
    let (steps, _, _) = x.walk()?;
    let (mut dh, mut dc) = (t.h.clone(), t.c.cloned());
    let mut rows = Vec::new();
    for s in &steps {
        let before = first(&dh, s.n)?;
        let dx = t.gates.narrow(0, s.start, s.n)?;
        let ds = before
            .linear(x.weight, None)?
            .add(&s.h.linear(t.weight, t.bias)?)?;
        let c = dc.as_ref().map(|c| first(c, s.n)).transpose()?;
        let (mut made, after) = pushed_step(x.cell, s, (&dx, &ds), &before, c.as_ref())?;
        if let (Some(p), Some(dp)) = (x.projection, t.projection) {
            made = made.linear(p, None)?.add(&s.made.linear(dp, None)?)?;
        }
        dh = replaced(&dh, &made)?;
        if let (Some(all), Some(after)) = (&dc, after) {
            dc = Some(replaced(all, &after)?);
        }
        rows.push((s.t, made));
    }
    let rows = in_order(rows, || t.h.narrow(0, 0, 0))?;
    Ok([Some(rows), Some(dh), dc].into_iter().flatten().collect())
}
