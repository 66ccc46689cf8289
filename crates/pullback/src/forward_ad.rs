//! Forward mode as the program runs: dual tensors, a value with a tangent. PyTorch's `torch.autograd.forward_ad`.
//!
//! Inside a [`dual_level`] every operation on this thread pushes the tangents of its inputs to its result, by the rule that
//! [`crate::func::jvp`] uses. Tangents are kept beside the tensors, in a table that ends with the level. Not for: functions
//! as a whole (`func`), which nest; levels do not, as in PyTorch.

use crate::core::ctx::Ctx;
use crate::core::graph::{EXTRA, Edge, Node, OUTPUT};
use crate::core::mode::{self, ModeGuard};
use crate::core::op::{Family, Op};
use crate::core::tensor::Tensor;
use crate::core::watch::{self, Draw, Watch, Writing};
use crate::{Array, Error, ErrorKind, Result, Shape, Shared};
use std::cell::RefCell;
use std::collections::HashMap;
use std::panic::Location;

thread_local! {
    /// By the tensors' own numbers.
    static TANGENTS: RefCell<HashMap<u64, Tensor>> = RefCell::default();
    /// By the nodes' addresses: the values that a node saved are no tensors, and get their tangents back when backward takes
    /// them out. Forward over reverse needs them.
    static KEPT: RefCell<HashMap<usize, Kept>> = RefCell::default();
}

/// Tangents of a node's inputs and results.
struct Kept {
    /// Held, so that its address stays its own.
    node: Shared<Node>,
    inputs: Vec<Option<Tensor>>,
    outputs: Vec<Option<Tensor>>,
}

/// Ends the level when dropped: tensors lose their tangents.
#[must_use = "the level ends when the guard is dropped"]
#[derive(Debug)]
pub struct DualLevel {
    _mode: ModeGuard,
}

impl Drop for DualLevel {
    fn drop(&mut self) {
        let _ = TANGENTS.try_with(|t| {
            let old = std::mem::take(&mut *t.borrow_mut());
            drop(old);
        });
        let _ = KEPT.try_with(|k| {
            let old = std::mem::take(&mut *k.borrow_mut());
            drop(old);
        });
    }
}

/// Opens a level of forward mode on this thread.
///
/// # Errors
/// PyTorch's sentence where there is one already.
///
/// ```
/// use pullback::Tensor;
/// use pullback::forward_ad::{dual_level, make_dual, unpack_dual};
/// let _level = dual_level()?;
/// let x = make_dual(&Tensor::scalar(3.0f64), &Tensor::scalar(1.0f64))?;
/// let (y, dy) = unpack_dual(&x.square()?);
/// assert_eq!((y.item_f64()?, dy.unwrap().item_f64()?), (9.0, 6.0));
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn dual_level() -> Result<DualLevel> {
    if mode::flags() & mode::DUAL != 0 {
        return Err(Error::new(
            ErrorKind::Autograd,
            "Nested forward mode AD is not supported at the moment",
        )
        .help_in(
            "use `func::jvp`, which nests",
            "use `func.jvp`, which nests",
        ));
    }
    watch::install(mode::DUAL, &Tangents);
    Ok(DualLevel {
        _mode: mode::set(mode::DUAL, true),
    })
}

/// A tensor over the memory of `primal` whose tangent is `tangent`, in the primal's dtype.
///
/// # Errors
/// PyTorch's sentences: no level, a primal or a tangent that is not floating, another shape, a primal or a tangent that is dual
/// itself.
#[track_caller]
pub fn make_dual(primal: &Tensor, tangent: &Tensor) -> Result<Tensor> {
    let site = Location::caller();
    let fail = |kind, text: String| Err(Error::new(kind, text).op("make_dual").at(site));
    if mode::flags() & mode::DUAL == 0 {
        return fail(
            ErrorKind::Autograd,
            "Trying to create a dual Tensor for forward AD but no level exists, make sure to enter_dual_level() first.".into(),
        );
    }
    for (name, t) in [("primal", primal), ("tangent", tangent)] {
        if !t.dtype().is_differentiable() {
            return fail(
                ErrorKind::Value,
                format!(
                    "Expected {name} to be floating point or complex, but got: torch.{}",
                    t.dtype()
                ),
            );
        }
    }
    if primal.shape() != tangent.shape() {
        return fail(
            ErrorKind::Shape,
            format!(
                "Trying to set a forward gradient that has a different size than that of the original Tensor, this is not supported. Tensor is of size {} while the given forward gradient is of size {}.",
                primal.shape(),
                tangent.shape()
            ),
        );
    }
    if get(primal).is_some() {
        return fail(
            ErrorKind::Autograd,
            "Making a dual Tensor based on a Tensor that already has a forward gradient at the same level 0 is not supported.".into(),
        );
    }
    if get(tangent).is_some() {
        return fail(
            ErrorKind::Autograd,
            "Setting a forward grad that itself has a forward gradient at the same level0 is not supported.".into(),
        );
    }
    let tangent = tangent.to(primal.dtype())?;
    let dual = crate::core::apply::apply(crate::core::structural::Alias, &[primal], site)?;
    set(&dual, tangent);
    Ok(dual)
}

/// The tensor without its tangent, and the tangent if it has one in the level that is open.
#[track_caller]
pub fn unpack_dual(dual: &Tensor) -> (Tensor, Option<Tensor>) {
    let Some(tangent) = get(dual) else {
        return (dual.clone(), None);
    };
    let _quiet = mode::set(mode::DUAL, false);
    let primal =
        crate::core::apply::apply(crate::core::structural::Alias, &[dual], Location::caller());
    (primal.unwrap_or_else(|_| dual.clone()), Some(tangent))
}

/// The tangent alone: what printing asks for.
pub(crate) fn tangent_of(t: &Tensor) -> Option<Tensor> {
    get(t)
}

fn get(t: &Tensor) -> Option<Tensor> {
    TANGENTS.with(|all| all.borrow().get(&t.id()).cloned())
}

fn set(t: &Tensor, tangent: Tensor) {
    let old = TANGENTS.with(|all| all.borrow_mut().insert(t.id(), tangent));
    drop(old);
}

fn unset(t: &Tensor) {
    let old = TANGENTS.with(|all| all.borrow_mut().remove(&t.id()));
    drop(old);
}

/// What the core tells forward mode, inside a level.
struct Tangents;

impl Watch for Tangents {
    fn applied(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        outputs: &[Tensor],
        site: &'static Location<'static>,
    ) -> Result<()> {
        push(op, inputs, outputs, site)
    }

    fn writing(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        value: &Array,
        site: &'static Location<'static>,
    ) -> Result<Box<dyn Writing>> {
        Ok(Box::new(Written::before(op, inputs, value, site)?))
    }

    /// The tangent goes with the history; without one it stays, where it still fits.
    fn replaced(
        &self,
        x: &Tensor,
        by: &Tensor,
        history: bool,
        _: &'static Location<'static>,
    ) -> Result<()> {
        let fits = |dot: &Tensor| dot.shape() == x.shape() && dot.dtype() == x.dtype();
        match history {
            true => get(by),
            false => get(x).filter(fits),
        }
        .map_or_else(|| unset(x), |dot| set(x, dot));
        Ok(())
    }

    /// `value` has the tangent that the saved tensor had.
    fn looked(&self, _: &Tensor) {}

    fn varies(&self, _: &Tensor) -> bool {
        false
    }

    fn drawn(&self, shape: &Shape, draw: Draw<'_>) -> Result<Array> {
        draw(shape)
    }

    fn unpacked(&self, node: &Shared<Node>, which: u32, value: &Tensor) {
        adopt(node, which, value);
    }
}

/// The results' tangents.
#[cold]
pub(crate) fn push(
    op: &dyn Op,
    inputs: &[&Tensor],
    outputs: &[Tensor],
    site: &'static Location<'static>,
) -> Result<()> {
    let dots = tangents(op, inputs, outputs, site)?;
    if let Some(Edge::Node(node, _)) = outputs.iter().find_map(Tensor::edge) {
        keep(&node, || inputs.iter().map(|x| get(x)).collect(), &dots);
    }
    for (out, dot) in outputs.iter().zip(dots) {
        if let Some(dot) = dot {
            set(out, dot);
        }
    }
    Ok(())
}

/// Notes the tangents of what a new node has saved, if there are any.
fn keep(
    node: &Shared<Node>,
    inputs: impl FnOnce() -> Vec<Option<Tensor>>,
    outputs: &[Option<Tensor>],
) {
    let inputs = inputs();
    if inputs.iter().chain(outputs).all(Option::is_none) {
        return;
    }
    let kept = Kept {
        node: node.clone(),
        inputs,
        outputs: outputs.to_vec(),
    };
    let old = KEPT.with(|k| k.borrow_mut().insert(Shared::address(node), kept));
    drop(old);
}

/// Gives `value`, which backward took out of `node`, the tangent that the saved tensor had.
#[cold]
fn adopt(node: &Shared<Node>, which: u32, value: &Tensor) {
    let dot = KEPT.with(|k| {
        let kept = k.borrow();
        let known = (kept.get(&Shared::address(node))).filter(|k| Shared::ptr_eq(&k.node, node))?;
        match which {
            k if k >= OUTPUT => known.outputs.get((k - OUTPUT) as usize)?.clone(),
            k if k >= EXTRA => None,
            i => known.inputs.get(i as usize)?.clone(),
        }
    });
    if let Some(dot) = dot {
        set(value, dot);
    }
}

/// The tangents that `op` gives its results. What they are computed with pushes none itself.
fn tangents(
    op: &dyn Op,
    inputs: &[&Tensor],
    outputs: &[Tensor],
    site: &'static Location<'static>,
) -> Result<Vec<Option<Tensor>>> {
    let none = vec![None; outputs.len()];
    let t: Vec<Option<Tensor>> = inputs.iter().map(|x| get(x)).collect();
    // In inference mode nothing is differentiated, tangents neither.
    if mode::flags() & mode::INFERENCE != 0
        || op.def().family == Family::Cut
        || t.iter().all(Option::is_none)
    {
        return Ok(none);
    }
    let _quiet = mode::set(mode::DUAL, false);
    let x: Vec<Tensor> = inputs.iter().map(|&x| x.clone()).collect();
    let cx = Ctx::live_many(op.def().name, &x, outputs, site);
    let dots = op
        .jvp_many(&cx, &t)
        .map_err(|e| e.op(op.def().name).at(site))?;
    // A rule may hand an input's tangent on; only views may share it, since writes in place change it in place.
    let shares = |dot: &Tensor| {
        let same = |t: &Tensor| t.array().storage().same(dot.array().storage());
        !op.def().view && t.iter().flatten().any(same)
    };
    (dots.into_iter().zip(outputs))
        .map(|(dot, out)| match dot {
            Some(dot) if out.dtype().is_differentiable() => {
                let dot = dot.expand(out.shape())?;
                match shares(&dot) {
                    true => dot.copy().map(Some),
                    false => Ok(Some(dot)),
                }
            }
            _ => Ok(None),
        })
        .collect()
}

/// What an in-place write does to the tangent of the tensor written: found before the write, put in place after it.
struct Written {
    dot: Option<Tensor>,
    /// The inputs' tangents before the write.
    inputs: Vec<Option<Tensor>>,
}

impl Written {
    /// The tangent of `op(inputs…)`, whose value is `value`.
    #[cold]
    fn before(
        op: &dyn Op,
        inputs: &[&Tensor],
        value: &Array,
        site: &'static Location<'static>,
    ) -> Result<Written> {
        let out = [Tensor::from_array(value.clone())];
        let dot = tangents(op, inputs, &out, site)?.pop().flatten();
        // The rule may hand on an input's own tangent, or nothing where a tangent was.
        let dot = match (dot, get(inputs[0])) {
            (Some(dot), _) => Some(dot.copy()?),
            (None, Some(old)) => Some(old.zeros_like()?),
            (None, None) => None,
        };
        let mut before: Vec<Option<Tensor>> = inputs.iter().map(|x| get(x)).collect();
        if let Some(own) = &mut before[0] {
            let _quiet = mode::set(mode::DUAL, false);
            *own = own.copy()?;
        }
        Ok(Written {
            dot,
            inputs: before,
        })
    }
}

impl Writing for Written {
    /// Notes the tangents for the write's node.
    fn recorded(&mut self, node: &Shared<Node>) {
        keep(
            node,
            || self.inputs.clone(),
            std::slice::from_ref(&self.dot),
        );
    }

    /// `x` has been written: its tangent, and that of its base if it is a view, follow.
    fn done(self: Box<Self>, x: &Tensor) -> Result<()> {
        let Some(dot) = self.dot else { return Ok(()) };
        let _quiet = mode::set(mode::DUAL, false);
        if let Some(old) = get(x) {
            // Views made of a dual tensor have views of its tangent: written in place, all of them see it.
            let _off = crate::no_grad();
            return old.copy_(&dot);
        }
        let root = x.root();
        if root.is(x) {
            set(x, dot);
            return Ok(());
        }
        // A view of a tensor that had no tangent: the base gets zeros, and the view a view of them.
        let (own, base) = (x.array(), root.array());
        let apart = !own.storage().same(base.storage());
        let (own, base) = (own.layout(), base.layout());
        if apart || !base.is_contiguous() || own.offset() < base.offset() {
            let what = match apart {
                true => "a view whose base was given another array",
                false => "a view of a tensor with gaps",
            };
            return Err(Error::new(
                ErrorKind::Unsupported,
                format!("{what} was written with a dual tensor in place"),
            )
            .help("make the tensor contiguous, or dual, first"));
        }
        let all = root.zeros_like()?;
        let at = own.offset() - base.offset();
        let strides = own.strides();
        let layout = crate::Layout::new(own.shape().clone(), &strides, at);
        let part = Tensor::from_array(all.array().view(layout)?);
        part.copy_(&dot)?;
        set(root, all);
        set(x, part);
        Ok(())
    }

    fn failed(self: Box<Self>, _: &Tensor) {}
}
