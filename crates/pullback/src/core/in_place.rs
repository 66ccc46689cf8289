//! In-place writes: the one function that carries all of them out, and what it refuses.
//!
//! A write that is tracked or watched (by a history, a recorder) evaluates the operation, writes the result and logs it, all
//! under one hold on the memory ([`pullback_array::Storage::update`]): two threads that write one tensor at once get an error and
//! never half of each other's numbers. Other writes go straight to a kernel, which is one hold by itself. Who learns of a write,
//! and how, is in `history`.

use crate::core::graph::{Edge, Input, Node, OUTPUT};
use crate::core::op::{Family, Op, Reads};
use crate::core::structural::Overlay;
use crate::core::tensor::{INFERENCE, INFERENCE_VIEW, MANY_VIEWS, Tensor, UNWRITABLE, VERSIONED};
use crate::core::{device, overlap, watch};
use crate::{Array, Error, ErrorKind, Number, Result, Shared, core::mode};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::Ordering;

/// Runs `op(x, others…)` and writes the result over `x`: `x.add_(y)`.
///
/// `fast` may write `x` directly (and says whether it did) where nothing needs the old values.
///
/// # Errors
/// PyTorch's sentences: a leaf that requires a gradient, a result of another shape or an incompatible dtype, operands that
/// partly share memory with `x`.
pub(crate) fn in_place(
    op: impl Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
    fast: impl FnOnce(&Array) -> Result<bool>,
) -> Result<()> {
    let mut fast = Some(fast);
    in_place_dyn(&op, x, others, site, &mut |x| {
        fast.take().map_or(Ok(false), |fast| fast(x))
    })
}

/// As [`in_place`], compiled once for all operations.
///
/// # Errors
/// As [`in_place`].
pub(crate) fn in_place_dyn(
    op: &dyn Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
    fast: &mut dyn FnMut(&Array) -> Result<bool>,
) -> Result<()> {
    match allowed(op, x, others, site)? {
        Reach::Plain if straight(op, x, site, fast)? => Ok(()),
        reach => logged(op, x, others, site, matches!(reach, Reach::Tracked)),
    }
}

/// As [`in_place`], for a number that is made a tensor only where the write is tracked or watched.
///
/// # Errors
/// As [`in_place`].
pub(crate) fn in_place_number(
    op: &dyn Op,
    x: &Tensor,
    number: Number,
    site: &'static Location<'static>,
    fast: &mut dyn FnMut(&Array) -> Result<bool>,
) -> Result<()> {
    let reach = allowed(op, x, &[], site)?;
    if matches!(reach, Reach::Plain) && straight(op, x, site, fast)? {
        return Ok(());
    }
    let number = Tensor::from_array(Array::number(number, x.dtype())?);
    logged(op, x, &[&number], site, matches!(reach, Reach::Tracked))
}

/// What a write must do.
enum Reach {
    /// It is neither tracked nor watched.
    Plain,
    /// A recorder or forward mode does.
    Watched,
    /// It has a gradient.
    Tracked,
}

/// Writes by a kernel of the operation's own, if there is one for this.
#[inline]
fn straight(
    op: &dyn Op,
    x: &Tensor,
    site: &'static Location<'static>,
    fast: &mut dyn FnMut(&Array) -> Result<bool>,
) -> Result<bool> {
    x.look(|array| {
        if device::is_elsewhere(array) {
            return Ok(false);
        }
        let done = fast(array)?;
        if done {
            array.storage().set_writer(site);
        }
        Ok(done)
    })
    .map_err(|e: Error| e.op(op.def().name).at(site))
}

/// Refuses what PyTorch refuses.
fn allowed(
    op: &dyn Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Reach> {
    let name = op.def().name;
    let context = |e: Error| e.op(name).at(site);
    let flags = mode::flags();
    let grad = mode::records(flags);
    let tracked = grad
        && x.dtype().is_differentiable()
        && (x.is_tracked() || others.iter().any(|t| t.is_tracked()))
        && op.def().family != Family::Cut;
    writable(x, tracked, flags).map_err(context)?;
    for other in others {
        overlap::same_or_apart(&x.array(), &other.array()).map_err(context)?;
    }
    Ok(match flags & watch::WATCHED {
        _ if tracked => Reach::Tracked,
        0 => Reach::Plain,
        _ => Reach::Watched,
    })
}

/// Refuses what PyTorch refuses of every change of a tensor.
pub(crate) fn writable(x: &Tensor, tracked: bool, flags: u32) -> Result<()> {
    if mode::records(flags) && (x.0.base.is_some() || x.has_edge()) {
        forbid_leaves(x, x.edge().as_ref(), tracked)?;
    }
    let own = x.0.flags.load(Ordering::Relaxed);
    if own & INFERENCE != 0 && flags & mode::INFERENCE == 0 {
        return Err(Error::new(
            ErrorKind::Autograd,
            "Inplace update to inference tensor outside InferenceMode is not allowed.You can make a clone to get a normal tensor before doing inplace update.See https://github.com/pytorch/rfcs/pull/17 for more details.",
        ));
    }
    Ok(())
}

/// Evaluates, writes, and tells everybody.
fn logged(
    op: &dyn Op,
    x: &Tensor,
    others: &[&Tensor],
    site: &'static Location<'static>,
    tracked: bool,
) -> Result<()> {
    let name = op.def().name;
    let context = |e: Error| e.op(name).at(site);
    let flags = mode::flags();
    let array = x.array();
    let _turn = array.storage().update().map_err(context)?;
    let inputs: SmallVec<[&Tensor; 4]> = std::iter::once(x).chain(others.iter().copied()).collect();
    let value = crate::core::apply::value(op, &inputs).map_err(context)?;
    fits(x, &value).map_err(context)?;
    // What is saved of `x` itself must be its old numbers.
    let mut node = match tracked {
        true => Some(node_with_inputs(op, &inputs, site)?),
        false => None,
    };
    let mut told = watch::writing(flags, op, &inputs, &value, site)?;
    if let Err(e) = device::assign(&array, &value) {
        told.into_iter().for_each(|w| w.failed(x));
        return Err(context(e));
    }
    x.array().storage().set_writer(site);
    if let Some((mut node, reads)) = node.take() {
        if reads & Reads::OUTPUT.0 != 0 {
            node.save(OUTPUT, &array);
        }
        if flags & mode::PACK != 0 {
            node.pack().map_err(context)?;
        }
        // Nothing of the old numbers is left in a part that was overwritten: the base keeps the rest of its gradient, and only
        // the part itself sends zeros back. A loop over a buffer's elements costs as much as the elements.
        let replaced = match name == "copy_" && x.0.base.is_some() {
            true => node.inputs[0].edge.take(),
            false => None,
        };
        let node = Shared::new(node);
        told.iter_mut().for_each(|w| w.recorded(&node));
        let edge = Some(Edge::Node(node, 0));
        let own = match replaced.filter(Edge::flows) {
            Some(old) => Overlay::all(old, &array, edge.clone(), site),
            None => edge.clone(),
        };
        x.rebase_as(edge, own, site);
    }
    told.into_iter().try_for_each(|w| w.done(x))
}

/// Whether a result may be written over `x`.
fn fits(x: &Tensor, value: &Array) -> Result<()> {
    if value.shape() != x.shape() {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "output with shape {} doesn't match the broadcast shape {}",
                x.shape(),
                value.shape()
            ),
        ));
    }
    if value.dtype().category() > x.dtype().category() {
        return Err(Error::new(
            ErrorKind::DType,
            format!(
                "result type {} can't be cast to the desired output type {}",
                value.dtype().scalar_type_name(),
                x.dtype().scalar_type_name()
            ),
        ));
    }
    Ok(())
}

/// A node for `op` that has saved what its gradients read of the inputs, and all that they read.
fn node_with_inputs(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<(Node, u32)> {
    let mut reads = 0;
    let slots = (inputs.iter().enumerate()).map(|(i, t)| {
        let edge = t.end();
        if edge.as_ref().is_some_and(Edge::flows) {
            reads |= op.reads(i).0;
        }
        Input {
            edge,
            shape: t.shape().clone(),
            dtype: t.dtype(),
        }
    });
    let mut node = Node::new(op.boxed(), slots, site);
    for (i, t) in inputs.iter().enumerate() {
        if reads & Reads::input(i.min(30)).0 == 0 {
            continue;
        }
        crate::core::apply::forbid_inference(t)?;
        let shares = t.array().storage().same(inputs[0].array().storage());
        let array = match shares {
            true if t.is_elsewhere() => device::copied(&t.array())?,
            true => t.array().copy()?,
            false => t.array().clone(),
        };
        node.save(i as u32, &array);
    }
    Ok((node, reads))
}

/// PyTorch's sentences about leaves and about views that must not be written.
fn forbid_leaves(x: &Tensor, edge: Option<&Edge>, tracked: bool) -> Result<()> {
    let flags = x.0.flags.load(Ordering::Relaxed);
    if flags & UNWRITABLE != 0 && (tracked || x.root().has_edge()) {
        return Err(unwritable(x, edge, "is being"));
    }
    let message = if matches!(edge, Some(Edge::Leaf(_))) {
        "a leaf Variable that requires grad is being used in an in-place operation."
    } else if x.0.base.is_some() && matches!(x.root().edge(), Some(Edge::Leaf(_))) {
        "a view of a leaf Variable that requires grad is being used in an in-place operation."
    } else {
        return Ok(());
    };
    Err(Error::new(ErrorKind::Autograd, message).help_in(
        "wrap the update in `no_grad()` (`{ let _guard = no_grad(); w.sub_(&step)?; }`), or write to a copy: `w.copy()?`",
        "wrap the update in `with torch.no_grad():`, or write to a clone: `w.clone()`",
    ))
}

/// Refuses to record what is computed from a view whose history cannot be told any more: one that must not be written, and whose memory was.
///
/// # Errors
/// PyTorch's sentence.
#[cold]
pub(crate) fn refuse_overwritten(x: &Tensor) -> Result<()> {
    let unwritable_view = x.0.base.is_some() && x.0.flags.load(Ordering::Relaxed) & UNWRITABLE != 0;
    if !unwritable_view || !x.was_overwritten() {
        return Ok(());
    }
    let edge = x.edge();
    match &edge {
        Some(Edge::Node(..)) => {}
        _ if x.root().has_edge() => {}
        _ => return Ok(()),
    }
    Err(unwritable(
        x,
        edge.as_ref(),
        "its base or another view of its base has been",
    ))
}

/// The error for a view that must not be written; `modified` says what was.
#[cold]
fn unwritable(x: &Tensor, edge: Option<&Edge>, modified: &str) -> Error {
    let flags = x.0.flags.load(Ordering::Relaxed);
    let (made, mode, block) = match flags & INFERENCE_VIEW {
        0 => ("no_grad mode", "with grad mode enabled", "no_grad"),
        _ => ("inference mode", "in normal mode", "inference_mode"),
    };
    let node = edge.filter(|e| matches!(e, Edge::Node(..)));
    let what = match node {
        None => format!("A view was created in {made} and {modified} modified inplace {mode}."),
        Some(_) if flags & VERSIONED != 0 => format!(
            "{} is a view of a view which was created in {made} and {modified} modified inplace {mode}.",
            x.view_name()
        ),
        Some(_) => format!(
            "{} is a view and {modified} modified inplace.",
            x.view_name()
        ),
    };
    let why = if flags & VERSIONED != 0 {
        format!(
            "Given that this use case is ambiguous and error-prone, it is forbidden. You can clarify your code by moving both the view and the inplace either both inside the {block} block (if you don't want the inplace to be tracked) or both outside (if you want the inplace to be tracked)."
        )
    } else if flags & MANY_VIEWS != 0 {
        "This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one.".to_string()
    } else {
        "This view was created inside a custom Function (or because an input was returned as-is) and the autograd logic to handle view+inplace would override the custom backward associated with the custom Function, leading to incorrect gradients. This behavior is forbidden. You can fix this by cloning the output of the custom Function.".to_string()
    };
    Error::new(ErrorKind::Autograd, format!("{what} {why}")).help_in(
        "write to a copy: `x.copy()?` (Rust's `clone` shares the numbers)",
        "write to a clone: `x.clone()`",
    )
}
