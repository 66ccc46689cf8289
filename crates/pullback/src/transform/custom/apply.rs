//! Running a function of the user: its results' histories, views and writes, and what recorders and forward mode learn.

use super::op::{FunctionOp, Ran};
use crate::core::apply::{finish, reason};
use crate::core::flow::Cut;
use crate::core::graph::Edge;
use crate::core::tensor::{FUNCTION_VIEW, MANY_VIEWS, Tensor};
use crate::{Error, ErrorKind, Result, Shared, core::mode, forward_ad, program::recorder};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::Ordering;

/// Runs a function and records it.
pub(super) fn apply(
    op: &FunctionOp,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<SmallVec<[Tensor; 2]>> {
    let context = |e: Error| e.op(op.def.name).at(site);
    let flags = mode::flags();
    let recording = match flags & mode::RECORD {
        0 => None,
        _ => Some(recorder::read_all(inputs)?),
    };
    let given: Vec<Tensor> = inputs.iter().map(|&t| t.clone()).collect();
    let ran = op.run(&given).map_err(context)?;
    let dirty: Vec<usize> = (ran.cx.dirty.iter())
        .filter_map(|d| inputs.iter().position(|x| x.is(d)))
        .collect();
    let tracked = mode::records(flags) && inputs.iter().any(|t| t.is_tracked());
    check_dirty(&ran, inputs, &dirty, tracked).map_err(context)?;
    let has_gradient =
        |r: &Tensor| r.dtype().is_differentiable() && !ran.cx.constant.iter().any(|c| c.is(r));
    let node = match tracked && ran.results.iter().any(has_gradient) {
        true => Some(Shared::new(op.node(&ran, inputs, site).map_err(context)?)),
        false => None,
    };
    let mut views = 0;
    let mut out: SmallVec<[Tensor; 2]> = SmallVec::new();
    for (k, r) in ran.results.iter().enumerate() {
        let edge = match &node {
            Some(node) if has_gradient(r) => Some(Edge::Node(node.clone(), k as u32)),
            _ => Cut::of(inputs, op.def.name, site, || reason(op.def, flags)),
        };
        if let Some(&i) = dirty.iter().find(|&&i| inputs[i].is(r)) {
            if edge.as_ref().is_some_and(Edge::flows) {
                inputs[i].rebase(edge, site);
            }
            out.push(inputs[i].clone());
            continue;
        }
        let shown = inputs
            .iter()
            .find(|x| x.array().storage().same(r.array().storage()));
        let array = r.array().clone();
        out.push(match shown {
            None => finish(false, &[], array, edge, flags),
            Some(x) => {
                views += 1;
                let t = finish(true, &[x], array, edge, flags);
                t.0.flags.fetch_or(FUNCTION_VIEW, Ordering::Relaxed);
                t
            }
        });
    }
    if views > 1 {
        for t in &out {
            if t.0.flags.load(Ordering::Relaxed) & FUNCTION_VIEW != 0 {
                t.0.flags.fetch_or(MANY_VIEWS, Ordering::Relaxed);
            }
        }
    }
    if let Some(read) = recording {
        let plain = FunctionOp {
            kept: None,
            writes: !dirty.is_empty(),
            ..op.clone()
        };
        let written: Vec<(usize, &Tensor)> = dirty.iter().map(|&i| (i, inputs[i])).collect();
        recorder::record_function(&plain, read, &out, &written, site)?;
    }
    if flags & mode::DUAL != 0 {
        let live = FunctionOp {
            kept: Some(Arc::new(op.kept_by(&ran, inputs, true))),
            ..op.clone()
        };
        forward_ad::push(&live, inputs, &out, site)?;
    }
    Ok(out)
}

/// PyTorch's sentences about inputs that were written.
fn check_dirty(ran: &Ran, inputs: &[&Tensor], dirty: &[usize], tracked: bool) -> Result<()> {
    let fail = |text: &str| Err(Error::new(ErrorKind::Autograd, text));
    let returned = |d: &Tensor| ran.results.iter().any(|r| r.is(d));
    if !ran.cx.dirty.iter().all(returned) || dirty.len() < ran.cx.dirty.len() {
        return fail(
            "Some elements marked as dirty during the forward method were not returned as output. The inputs that are modified inplace must all be outputs of the Function.",
        );
    }
    for &i in dirty.iter().filter(|_| tracked) {
        let x = inputs[i];
        if matches!(x.edge(), Some(Edge::Leaf(_))) {
            return fail(
                "a leaf Variable that requires grad has been used in an in-place operation.",
            );
        }
        if x.0.base.is_some() && matches!(x.root().edge(), Some(Edge::Leaf(_))) {
            return fail(
                "a view of a leaf Variable that requires grad is being used in an in-place operation.",
            );
        }
    }
    Ok(())
}
