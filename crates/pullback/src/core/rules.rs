//! What a definition writes about its gradient: one trait for each [`Family`](crate::Family), so that a rule that is missing is an error of
//! the compiler.
//!
//! [`Op`] is what the engine, programs and forward mode see of any operation; these traits are what its author fills in. The line
//! [`rules!`](crate::rules!) in the implementation of [`Op`] (`common!` has it for the library's own) makes the one of the other. All of it is
//! resolved when the operation is compiled: a backward makes one call through a pointer for a node, as it would without.

use crate::core::ctx::{Ctx, conjugate};
use crate::core::fail::bail;
use crate::core::op::{Op, pulled, sum_terms};
use crate::core::tensor::Tensor;
use crate::{Array, Result, core::apply};

/// Smooth, element by element. Reverse mode multiplies the incoming gradient by the slope, forward mode the tangent.
pub trait Pointwise: Op {
    /// dy/dxᵢ as a tensor expression of inputs and output.
    ///
    /// # Errors
    /// Those of the operations that it is written in; so for all rules here.
    fn slope(&self, cx: &Ctx<'_>, i: usize) -> Result<Tensor>;

    /// The gradient for input `i` in one loop over `g` and what the slope is made of, where there is such a loop; it rounds as `slope` times
    /// `g` does. Used where nobody looks at how a gradient is computed.
    fn fused(&self, cx: &Ctx<'_>, i: usize, g: &Array) -> Option<Result<Array>> {
        let _ = (cx, i, g);
        None
    }

    /// The gradient for input `i`, where PyTorch rounds otherwise than slope times gradient.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if cx.unobserved()
            && let Some(gradient) = self.fused(cx, i, &g.array())
        {
            return gradient.map(Tensor::from_array);
        }
        conjugate(self.slope(cx, i)?)?.mul(g)
    }

    /// The result's tangent, where it is not what reverse mode does to a gradient.
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        pulled(self, cx, t)
    }
}

/// Chooses between smooth pieces.
pub trait Gate: Op {
    /// The gradient for input `i`, which selects where PyTorch selects.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// The result's tangent.
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        pulled(self, cx, t)
    }

    /// What is decided at these inputs (a mask, a winner), as an array that `frozen` understands.
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>>;

    /// The smooth operation that stands once the decision is fixed, written in tensor operations.
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor>;

    /// How far each element is from deciding otherwise (0 at a tie), in the units of the inputs.
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>>;
}

/// Linear in all inputs together; forward mode is the operation itself.
pub trait Linear: Op {
    /// The transpose in input `i`.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// The gradients of all inputs that need one, where they share work.
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        each(cx, out, |i| Linear::vjp(self, cx, i, g))
    }

    /// The operation on the tangents.
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let filled: Vec<Tensor> = (t.iter().enumerate())
            .map(|(i, t)| t.clone().map_or_else(|| cx.input(i)?.zeros_like(), Ok))
            .collect::<Result<_>>()?;
        apply::boxed(
            &*self.boxed(),
            &filled.iter().collect::<Vec<_>>(),
            cx.site(),
        )
    }
}

/// Linear in each input; forward mode replaces one input after the other by its tangent.
pub trait Multilinear: Op {
    /// The transpose in input `i`.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// The sum of the operation with one input replaced.
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        sum_terms(t, |i, t| {
            let inputs = cx.inputs()?;
            let replaced: Vec<&Tensor> = (inputs.iter().enumerate())
                .map(|(k, x)| if k == i { t } else { x })
                .collect();
            apply::boxed(&*self.boxed(), &replaced, cx.site())
        })
    }
}

/// Anything smooth: both rules are written, and tests tie them by ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
pub trait General: Op {
    /// The gradient for input `i`.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// The gradients of all inputs that need one, where they share work.
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        each(cx, out, |i| General::vjp(self, cx, i, g))
    }

    /// The result's tangent, given the inputs' (`None` is zero, and not all are).
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor>;
}

/// Locally constant, with PyTorch's gradient of exactly zero.
pub trait Zero: Op {
    /// How far each element is from a jump, in the units of the inputs; `None` where nobody can tell.
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let _ = x;
        Ok(None)
    }
}

/// [`General::vjp`] of an operation of several results, which stands for its first one where it is asked for one.
pub(crate) fn vjp_of_first(op: &dyn Op, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
    let mut sent = vec![None; op.outputs()];
    sent[0] = Some(g.clone());
    let mut out = vec![None; cx.arity()];
    op.vjp_many(cx, &sent, &mut out)?;
    match out.get_mut(i).and_then(Option::take) {
        Some(gradient) => Ok(gradient),
        None => Tensor::zeros_of(cx.shape(i), cx.dtype(i)),
    }
}

/// [`General::jvp`] of an operation of several results, as [`vjp_of_first`].
pub(crate) fn jvp_of_first(op: &dyn Op, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
    match op.jvp_many(cx, t)?.into_iter().next().flatten() {
        Some(tangent) => Ok(tangent),
        None => cx.output()?.zeros_like(),
    }
}

/// [`General`] for an operation of several results, whose rules are those for all of them: asked for one, it stands for the first.
macro_rules! by_first {
    ($op:ty) => {
        impl $crate::core::rules::General for $op {
            fn vjp(
                &self,
                cx: &$crate::core::op::Ctx<'_>,
                i: usize,
                g: &$crate::Tensor,
            ) -> $crate::Result<$crate::Tensor> {
                $crate::core::rules::vjp_of_first(self, cx, i, g)
            }
            fn jvp(
                &self,
                cx: &$crate::core::op::Ctx<'_>,
                t: &[Option<$crate::Tensor>],
            ) -> $crate::Result<$crate::Tensor> {
                $crate::core::rules::jvp_of_first(self, cx, t)
            }
        }
    };
}
pub(crate) use by_first;

fn each(
    cx: &Ctx<'_>,
    out: &mut [Option<Tensor>],
    rule: impl Fn(usize) -> Result<Tensor>,
) -> Result<()> {
    for (i, slot) in out.iter_mut().enumerate() {
        if cx.needs(i) {
            *slot = Some(rule(i)?);
        }
    }
    Ok(())
}

/// The families as types: which trait an operation must have, and what [`Op`] becomes of it.
#[doc(hidden)]
pub mod family {
    /// As [`super::Pointwise`].
    #[derive(Debug)]
    pub struct Pointwise;
    /// As [`super::Gate`].
    #[derive(Debug)]
    pub struct Gate;
    /// As [`super::Linear`].
    #[derive(Debug)]
    pub struct Linear;
    /// As [`super::Multilinear`].
    #[derive(Debug)]
    pub struct Multilinear;
    /// As [`super::General`].
    #[derive(Debug)]
    pub struct General;
    /// As [`super::Zero`].
    #[derive(Debug)]
    pub struct Zero;
    /// No rule: there is no gradient.
    #[derive(Debug)]
    pub struct Cut;
}

/// The family that a definition names.
#[doc(hidden)]
pub trait Defined {
    /// Its type.
    type Family: Rules<Self>;
}

/// The methods of [`Op`] that follow from a family.
#[doc(hidden)]
pub trait Rules<O: ?Sized> {
    /// [`Op::vjp`].
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// [`Op::vjp_all`].
    fn vjp_all(op: &O, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        each(cx, out, |i| Self::vjp(op, cx, i, g))
    }

    /// [`Op::jvp`].
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor>;

    /// [`Op::decide`].
    fn decide(op: &O, x: &[&Array]) -> Result<Option<Array>> {
        let _ = (op, x);
        Ok(None)
    }

    /// [`Op::frozen`].
    fn frozen(op: &O, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let _ = (op, x, decision);
        bail!(Unsupported, "this operation takes no decisions")
    }

    /// [`Op::margin`].
    fn margin(op: &O, x: &[&Array]) -> Result<Option<Array>> {
        let _ = (op, x);
        Ok(None)
    }
}

impl<O: Pointwise + ?Sized> Rules<O> for family::Pointwise {
    #[inline]
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        Pointwise::vjp(op, cx, i, g)
    }
    #[inline]
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        Pointwise::jvp(op, cx, t)
    }
}

impl<O: Gate + ?Sized> Rules<O> for family::Gate {
    #[inline]
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        Gate::vjp(op, cx, i, g)
    }
    #[inline]
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        Gate::jvp(op, cx, t)
    }
    fn decide(op: &O, x: &[&Array]) -> Result<Option<Array>> {
        Gate::decide(op, x)
    }
    fn frozen(op: &O, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        Gate::frozen(op, x, decision)
    }
    fn margin(op: &O, x: &[&Array]) -> Result<Option<Array>> {
        Gate::margin(op, x)
    }
}

impl<O: Linear + ?Sized> Rules<O> for family::Linear {
    #[inline]
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        Linear::vjp(op, cx, i, g)
    }
    #[inline]
    fn vjp_all(op: &O, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        Linear::vjp_all(op, cx, g, out)
    }
    #[inline]
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        Linear::jvp(op, cx, t)
    }
}

impl<O: Multilinear + ?Sized> Rules<O> for family::Multilinear {
    #[inline]
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        Multilinear::vjp(op, cx, i, g)
    }
    #[inline]
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        Multilinear::jvp(op, cx, t)
    }
}

impl<O: General + ?Sized> Rules<O> for family::General {
    #[inline]
    fn vjp(op: &O, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        General::vjp(op, cx, i, g)
    }
    #[inline]
    fn vjp_all(op: &O, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        General::vjp_all(op, cx, g, out)
    }
    #[inline]
    fn jvp(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        General::jvp(op, cx, t)
    }
}

impl<O: Zero + ?Sized> Rules<O> for family::Zero {
    fn vjp(_: &O, cx: &Ctx<'_>, i: usize, _: &Tensor) -> Result<Tensor> {
        Tensor::zeros_of(cx.shape(i), cx.dtype(i))
    }
    fn jvp(_: &O, cx: &Ctx<'_>, _: &[Option<Tensor>]) -> Result<Tensor> {
        cx.output()?.zeros_like()
    }
    fn margin(op: &O, x: &[&Array]) -> Result<Option<Array>> {
        Zero::margin(op, x)
    }
}

/// Nobody asks a cut: its results have no edge.
impl<O: ?Sized> Rules<O> for family::Cut {
    #[cold]
    fn vjp(_: &O, cx: &Ctx<'_>, _: usize, _: &Tensor) -> Result<Tensor> {
        Err(cx.missing("gradient: it is a cut"))
    }
    #[cold]
    fn jvp(_: &O, cx: &Ctx<'_>, _: &[Option<Tensor>]) -> Result<Tensor> {
        Err(cx.missing("tangent: it is a cut"))
    }
}

/// In an implementation of [`Op`](crate::Op): the methods that follow from its family, whose trait (of the module
/// [`rules`](mod@crate::rules)) the operation must have. See [`apply_op`](crate::apply_op) for an example.
#[macro_export]
macro_rules! rules {
    ($family:ident) => {
        $crate::rules!(@ $crate::rules::family::$family);
    };
    (@ $family:ty) => {
        #[inline]
        fn vjp(
            &self,
            cx: &$crate::Ctx<'_>,
            i: usize,
            g: &$crate::Tensor,
        ) -> $crate::Result<$crate::Tensor> {
            <$family as $crate::rules::Rules<Self>>::vjp(self, cx, i, g)
        }
        #[inline]
        fn vjp_all(
            &self,
            cx: &$crate::Ctx<'_>,
            g: &$crate::Tensor,
            out: &mut [Option<$crate::Tensor>],
        ) -> $crate::Result<()> {
            <$family as $crate::rules::Rules<Self>>::vjp_all(self, cx, g, out)
        }
        #[inline]
        fn jvp(
            &self,
            cx: &$crate::Ctx<'_>,
            t: &[Option<$crate::Tensor>],
        ) -> $crate::Result<$crate::Tensor> {
            <$family as $crate::rules::Rules<Self>>::jvp(self, cx, t)
        }
        fn decide(&self, x: &[&$crate::Array]) -> $crate::Result<Option<$crate::Array>> {
            <$family as $crate::rules::Rules<Self>>::decide(self, x)
        }
        fn frozen(
            &self,
            x: &[$crate::Tensor],
            decision: &$crate::Tensor,
        ) -> $crate::Result<$crate::Tensor> {
            <$family as $crate::rules::Rules<Self>>::frozen(self, x, decision)
        }
        fn margin(&self, x: &[&$crate::Array]) -> $crate::Result<Option<$crate::Array>> {
            <$family as $crate::rules::Rules<Self>>::margin(self, x)
        }
    };
}
