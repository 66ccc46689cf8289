//! How every operation is run: evaluate, then record what gradients, or those who watch, will need.

use crate::core::flow::{Cut, CutReason};
use crate::core::graph::{Edge, Input, Node, OUTPUT, push_in_place};
use crate::core::op::{Family, Op, OpDef, Reads};
use crate::core::tensor::{
    INFERENCE, INFERENCE_VIEW, INHERITED, Inner, Tensor, UNTRACKED_VIEW, UNWRITABLE, VERSIONED,
};
use crate::core::{anomaly, in_place, mode, narrow, watch};
use crate::{Array, Error, ErrorKind, Result, Shared};
use pullback_array::OnceBox;
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::{AtomicPtr, AtomicU32, Ordering};

/// Applies `op` to `inputs`; `site` is the user's line.
///
/// # Errors
/// Whatever `eval` finds wrong, with the operation's name and the line added.
#[inline]
pub(crate) fn apply<O: Op>(
    op: O,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    let before = stamp(inputs);
    let value = match inputs {
        [a] => match a.ready() {
            Some(a) => op.eval(&[a]),
            None => value(&op, inputs),
        },
        [a, b] => match (a.ready(), b.ready()) {
            (Some(a), Some(b)) => op.eval(&[a, b]),
            _ => value(&op, inputs),
        },
        _ => value(&op, inputs),
    };
    conclude(&op, inputs, value, before, site)
}

/// As [`apply`], compiled once for all operations: for those that are not worth machine code of their own.
///
/// # Errors
/// As [`apply`].
pub(crate) fn apply_dyn(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    let before = stamp(inputs);
    let value = match inputs {
        [a] => match a.ready() {
            Some(a) => op.eval(&[a]),
            None => value(op, inputs),
        },
        [a, b] => match (a.ready(), b.ready()) {
            (Some(a), Some(b)) => op.eval(&[a, b]),
            _ => value(op, inputs),
        },
        _ => value(op, inputs),
    };
    conclude(op, inputs, value, before, site)
}

/// The value of an operation, whatever its inputs are.
///
/// # Errors
/// What [`Op::eval`] says.
pub(crate) fn value(op: &dyn Op, inputs: &[&Tensor]) -> Result<Array> {
    let lent: Option<SmallVec<[&Array; 4]>> = inputs.iter().map(|t| t.lent()).collect();
    match lent {
        Some(arrays) => narrow::eval(op, &arrays),
        None => eval_held(op, inputs),
    }
}

/// The value of an operation some of whose inputs had their arrays replaced.
#[cold]
#[inline(never)]
fn eval_held(op: &dyn Op, inputs: &[&Tensor]) -> Result<Array> {
    Tensor::with_arrays(inputs, &mut |arrays| narrow::eval(op, arrays))
}

/// Makes a tensor of the value that an operation gave; `before` is the inputs' stamp from before it was computed. Compiled once.
#[inline(never)]
fn conclude(
    op: &dyn Op,
    inputs: &[&Tensor],
    result: Result<Array>,
    before: u32,
    site: &'static Location<'static>,
) -> Result<Tensor> {
    let def = op.def();
    // Looked at where it lies, and moved once, into its tensor.
    let value = match &result {
        Ok(value) => {
            value.storage().renew();
            value
        }
        Err(_) => {
            return result
                .map(Tensor::from_array)
                .map_err(|e| e.op(def.name).at(site));
        }
    };
    let flags = mode::flags();
    if flags & mode::FINITE != 0 {
        anomaly::value(def.name, 0, value, site)?;
    }
    let kin = Kin::of(def.view, inputs, value, flags);
    // `tensor` stands here once for each kind of edge: the compiler then writes each where it belongs.
    let out = if inputs.iter().all(|t| t.is_plain()) {
        kin.tensor(result?, None)
    } else if mode::records(flags)
        && def.family != Family::Cut
        && value.dtype().is_differentiable()
        && inputs.iter().any(|t| t.is_tracked())
    {
        let values = std::slice::from_ref(value);
        match record(op.boxed(), inputs, values, kin.base.is_some(), site) {
            Ok(node) => kin.tensor(result?, Some(Edge::Node(node, 0))),
            Err(e) => return Err(e.op(def.name).at(site)),
        }
    } else {
        let cut = Cut::of(inputs, def.name, site, || reason(def, flags));
        kin.tensor(result?, cut)
    };
    if stamp(inputs) != before {
        return Err(torn(def.name, site));
    }
    if flags & watch::WATCHED != 0 {
        watch::applied(flags, op, inputs, std::slice::from_ref(&out), site)?;
    }
    Ok(out)
}

/// Applies an operation of several results.
///
/// # Errors
/// As [`apply`].
pub(crate) fn apply_many(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<SmallVec<[Tensor; 2]>> {
    let def = op.def();
    let context = |e: Error| e.op(def.name).at(site);
    let before = stamp(inputs);
    let lent: Option<SmallVec<[&Array; 4]>> = inputs.iter().map(|t| t.lent()).collect();
    let values = match lent {
        Some(arrays) => narrow::eval_many(op, &arrays),
        None => Tensor::with_arrays(inputs, &mut |arrays| narrow::eval_many(op, arrays)),
    }
    .map_err(context)?;
    values.iter().for_each(|v| v.storage().renew());
    let flags = mode::flags();
    if flags & mode::FINITE != 0 {
        for (k, value) in values.iter().enumerate() {
            anomaly::value(def.name, k, value, site)?;
        }
    }
    let has_gradient =
        |(k, v): (usize, &Array)| v.dtype().is_differentiable() && op.differentiable(k);
    let node = if mode::records(flags)
        && def.family != Family::Cut
        && values.iter().enumerate().any(has_gradient)
        && inputs.iter().any(|t| t.is_tracked())
    {
        let mut node = record(op.boxed(), inputs, &values, false, site).map_err(context)?;
        if let Some(node) = Shared::get_mut(&mut node) {
            let results = values.iter().map(|v| (v.shape().clone(), v.dtype()));
            node.results = Some(results.collect());
        }
        Some(node)
    } else {
        None
    };
    if stamp(inputs) != before {
        return Err(torn(def.name, site));
    }
    let out: SmallVec<[Tensor; 2]> = (values.into_iter().enumerate())
        .map(|(k, value)| {
            let edge = match &node {
                Some(node) if has_gradient((k, &value)) => Some(Edge::Node(node.clone(), k as u32)),
                _ => Cut::of(inputs, def.name, site, || reason(def, flags)),
            };
            finish(def.view, inputs, value, edge, flags)
        })
        .collect();
    if flags & watch::WATCHED != 0 {
        watch::applied(flags, op, inputs, &out, site)?;
    }
    Ok(out)
}

/// Why an operation with a tracked input gave a result without history.
#[cold]
pub(crate) fn reason(def: &OpDef, flags: u32) -> CutReason {
    match def.family {
        Family::Cut => CutReason::NoDerivative,
        _ if flags & mode::INFERENCE != 0 => CutReason::Inference,
        _ if flags & mode::GRAD == 0 => CutReason::NoGrad,
        _ => CutReason::NotFloating,
    }
}

/// Changes when an input is written in place: an operation that reads twice, or that saves what it read, must not see
/// two states of a tensor that another thread writes between its guarded kernels.
#[inline]
fn stamp(inputs: &[&Tensor]) -> u32 {
    inputs.iter().fold(0, |sum, t| sum.wrapping_add(t.stamp()))
}

/// The error for values that another thread wrote while they were in use.
#[cold]
pub(crate) fn torn(op: &'static str, site: &'static Location<'static>) -> Error {
    Error::new(
        ErrorKind::Concurrent,
        "a tensor was written by another thread while an operation used it",
    )
    .op(op)
    .at(site)
    .help("give each thread its own copy, or let the threads take turns")
}

/// As [`apply`], for an operation behind a pointer (replays, forward mode).
pub(crate) fn boxed(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    match op.applied(inputs, site) {
        Some(result) => result,
        None => apply_dyn(op, inputs, site),
    }
}

/// Makes the node: edges of the inputs, and the values that their gradients will read.
fn record(
    op: Box<dyn Op>,
    inputs: &[&Tensor],
    values: &[Array],
    view: bool,
    site: &'static Location<'static>,
) -> Result<Shared<Node>> {
    // Filled where it stays: a node is large, and moving it costs as much as making it.
    let mut shared = Shared::new(Node::empty(op, site));
    if let Some(node) = Shared::get_mut(&mut shared) {
        node.view = view;
        let mut reads = 0u32;
        for (i, t) in inputs.iter().enumerate() {
            if t.has_edge() {
                reads |= node.op.reads(i).0;
            }
            if t.0.flags.load(Ordering::Relaxed) & UNWRITABLE != 0 {
                in_place::refuse_overwritten(t)?;
            }
            // Once for each kind of tensor, so that a shape is copied straight to where it stays.
            match t.lent() {
                Some(a) => push_in_place!(
                    node.inputs,
                    Input {
                        edge: t.end(),
                        shape: a.shape().clone(),
                        dtype: a.dtype(),
                    }
                ),
                None => node.inputs.push(Input {
                    edge: t.end(),
                    shape: t.shape().clone(),
                    dtype: t.dtype(),
                }),
            }
        }
        node.order();
        if reads != 0 {
            for (i, t) in inputs.iter().enumerate() {
                if reads & Reads::input(i.min(30)).0 != 0 {
                    forbid_inference(t)?;
                    t.look(|a| node.save(i as u32, a));
                }
            }
            if reads & Reads::OUTPUT.0 != 0 {
                for (k, value) in values.iter().enumerate() {
                    node.save(OUTPUT + k as u32, value);
                }
            }
            if mode::flags() & mode::PACK != 0 {
                node.pack()?;
            }
        }
    }
    Ok(shared)
}

/// Tensors made in inference mode have no version that a backward could rely on.
#[inline]
pub(crate) fn forbid_inference(t: &Tensor) -> Result<()> {
    if t.is_inference() {
        return Err(Error::new(
            ErrorKind::Autograd,
            "Inference tensors cannot be saved for backward. Please do not use Tensors created in inference mode in computation tracked by autograd. To work around this, you can make a clone to get a normal tensor and use it in autograd, or use `torch.no_grad()` instead of `torch.inference_mode()`.",
        ));
    }
    Ok(())
}

/// What a tensor is besides its array and its edge.
struct Kin {
    base: Option<Tensor>,
    epoch: u32,
    flags: u32,
}

impl Kin {
    /// Of a result with these numbers; a view remembers whose memory it shows.
    #[inline(always)]
    fn of(view: bool, inputs: &[&Tensor], array: &Array, mode: u32) -> Kin {
        let (mut base, mut epoch, mut flags) = (None, 0, 0);
        if view && inputs[0].look(|a| array.storage().same(a.storage())) {
            base = Some(inputs[0].root().clone());
            epoch = inputs[0].family_epoch();
            flags = inputs[0].0.flags.load(Ordering::Relaxed) & INHERITED;
            if mode & mode::INFERENCE != 0 {
                flags |= match flags & INFERENCE {
                    0 => INFERENCE_VIEW,
                    _ => 0,
                };
            } else if mode & mode::GRAD == 0 {
                flags |= UNTRACKED_VIEW;
            }
            if flags & VERSIONED != 0 {
                epoch = array.version();
            }
        } else if mode & mode::INFERENCE != 0 {
            // A detached tensor is what the tensor is whose memory it shows.
            let source = inputs
                .first()
                .filter(|t| t.look(|a| a.storage().same(array.storage())));
            flags = source.map_or(INFERENCE, |t| t.0.flags.load(Ordering::Relaxed) & INFERENCE);
        }
        Kin { base, epoch, flags }
    }

    /// The result's handle. All that can be known of it is known by now, so that the array is moved once, to where it stays.
    #[inline(always)]
    fn tensor(self, array: Array, edge: Option<Edge>) -> Tensor {
        Tensor(Shared::new(Inner {
            first: array,
            edge,
            base: self.base,
            flags: AtomicU32::new(self.flags),
            epoch: self.epoch,
            meta: OnceBox::new(),
            object: AtomicPtr::new(std::ptr::null_mut()),
        }))
    }
}

/// The result's handle; a view remembers whose memory it shows.
#[inline(always)]
pub(crate) fn finish(
    view: bool,
    inputs: &[&Tensor],
    array: Array,
    edge: Option<Edge>,
    mode: u32,
) -> Tensor {
    Kin::of(view, inputs, &array, mode).tensor(array, edge)
}
