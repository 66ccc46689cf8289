//! What an operation is: a small struct whose fields are its attributes, and this trait.
//!
//! Everything that is known about an operation stands in its one definition: how it is computed (`eval`), how gradients
//! go through it (one of seven [`Family`]s), what it decides at kinks, how it is documented, and (behind the `proof`
//! feature) the inputs it is proven on. The engine, the recorder, the tests, the documentation and the bindings walk
//! [`crate::ops::OPS`]. Rules are written in differentiable tensor operations, so every order and forward mode follow.
//!
//! Rules never mention broadcasting (the engine sums a gradient to its input's shape), dtype promotion (operands are
//! converted before they get here) or their own name in errors (the engine adds it).

use crate::core::batch::{Batch, Batched};
pub(crate) use crate::core::ctx::Ctx;
use crate::core::made::{Made, NodeName};
pub use crate::core::narrow::Narrow;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result};
use pullback_array::Expression;
use smallvec::SmallVec;
use std::borrow::Cow;
use std::fmt::Debug;
use std::panic::Location;

/// How gradients go through an operation: what its definition writes down, and what follows from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Family {
    /// Element by element and smooth: writes `slope`, dy/dxᵢ. vjp: g·dᵢ, jvp: Σ dᵢ·tᵢ.
    Pointwise,
    /// Chooses between smooth pieces: writes `decide`, `frozen` (the piece chosen), `vjp` and `jvp` given the decision.
    Gate,
    /// Linear in all inputs together: writes `vjp`, its transpose. jvp: the operation itself.
    Linear,
    /// Linear in each input: writes `vjp`, the transpose in each. jvp: Σ the operation with one input replaced.
    Multilinear,
    /// Anything smooth: writes `vjp` and `jvp`, which tests tie by ⟨u, Jv⟩ = ⟨Jᵀu, v⟩.
    General,
    /// Locally constant where PyTorch gives a gradient of exactly zero (floor, sign).
    Zero,
    /// No gradient exists (comparisons, argmax, detach): the result does not require one.
    Cut,
}

impl Family {
    /// Lower-case name.
    pub const fn name(self) -> &'static str {
        match self {
            Family::Pointwise => "pointwise",
            Family::Gate => "gate",
            Family::Linear => "linear",
            Family::Multilinear => "multilinear",
            Family::General => "general",
            Family::Zero => "zero",
            Family::Cut => "cut",
        }
    }
}

/// What is known about an operation besides how to compute it; one static per operation.
#[derive(Debug)]
pub struct OpDef {
    /// PyTorch's name, the key of the list.
    pub name: &'static str,
    /// How gradients go through it.
    pub family: Family,
    /// One sentence.
    pub summary: &'static str,
    /// The value, as a formula.
    pub formula: &'static str,
    /// The derivative, as a formula.
    pub derivative: &'static str,
    /// What is done at kinks and edges, and that PyTorch does the same; empty for smooth operations.
    pub convention: &'static str,
    /// PyTorch's function, linked in the documentation.
    pub torch: &'static str,
    /// Whether the result may share its first input's memory.
    pub view: bool,
    /// What PyTorch calls its node.
    pub node: NodeName,
    /// Inputs it is proven on.
    #[cfg(feature = "proof")]
    pub proof: crate::core::samples::Proof,
}

/// The function that a user calls and that leads to an operation. The names of primitives that nobody calls mean nothing to
/// who reads them.
pub(crate) fn known_as(name: &'static str) -> &'static str {
    match name {
        "alias" => "view",
        "along_dim" => "take_along_dim",
        "anchored_input" => "view",
        "argmedian" => "median",
        "argmode" => "mode",
        "avg_pool" => "avg_pool2d",
        "max_pool_at" => "max_pool2d",
        "argnanmedian" => "nanmedian",
        "bin_counts" | "bin_edges" => "histogram",
        "block_attention" | "causal_softmax" => "scaled_dot_product_attention",
        "clamp_tensor" => "clamp",
        "class_positions" => "nll_loss",
        "columns" => "unfold",
        "constant_on_piece" => "leaky_relu",
        "conv_nd" | "conv_nd_weight" => "conv2d",
        "conv_nd_input" => "conv_transpose2d",
        "cummax_indices" => "cummax",
        "embedding_backward" => "embedding",
        "erfcx_derivative" => "erfcx",
        "fractional_pool_at" => "fractional_max_pool2d",
        "frexp_exponent" => "frexp",
        "gelu_tanh" => "gelu",
        "grid_slopes" | "grid_spread" => "grid_sample",
        "index_backward" => "index",
        "lerp_scalar" => "lerp",
        "linalg_cholesky_ex" => "cholesky",
        "linalg_cross" => "cross",
        "linalg_det" => "det",
        "linalg_eigh" => "eigh",
        "linalg_inv_ex" => "inv",
        "linalg_ldl_factor_ex" => "ldl_factor",
        "linalg_ldl_solve" => "ldl_solve",
        "linalg_lu_factor_ex" => "lu_factor",
        "linalg_matrix_exp" => "matrix_exp",
        "linalg_matrix_sqrth" => "matrix_sqrth",
        "linalg_pinv" => "pinv",
        "linalg_polar" => "polar",
        "linalg_qr" => "qr",
        "linalg_slogdet" => "slogdet",
        "linalg_solve_ex" => "solve",
        "linalg_solve_triangular" => "solve_triangular",
        "linalg_svd" => "svd",
        "linalg_vector_norm" | "linalg_vector_norm_inf" => "vector_norm",
        "normal_density" => "gelu",
        "overlay" => "copy_",
        "pow_tensor" => "pow",
        "ravel_multi_index" => "index",
        "recurrence" => "cumprod",
        "atan2_slope" => "atan2",
        "sinc_derivative" => "sinc",
        "recurrent_layer" => "lstm",
        "resize" => "interpolate",
        "slice_backward" => "slice",
        "special_zeta" => "zeta",
        "threshold_backward" => "relu",
        "uncover" => "copy_",
        "unfold_backward" => "unfold",
        "unshared" => "unsafe_split",
        known => known,
    }
}

impl OpDef {
    /// The public function that leads to it: what errors in backward and reports of cuts say.
    pub fn known_as(&self) -> &'static str {
        known_as(self.name)
    }

    /// A definition with the rest empty, for operations of one's own:
    /// `OpDef { summary: "…", ..OpDef::new("cube", Family::Pointwise) }`. See [`crate::apply_op`].
    pub const fn new(name: &'static str, family: Family) -> OpDef {
        OpDef {
            name,
            family,
            summary: "",
            formula: "",
            derivative: "",
            convention: "",
            torch: "",
            view: false,
            node: NodeName::Rule,
            #[cfg(feature = "proof")]
            proof: crate::core::samples::Proof::NONE,
        }
    }
}

/// Which values the gradient of an input reads: bit k for input k, [`Reads::OUTPUT`] for the result.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reads(pub u32);

impl Reads {
    /// Nothing but the incoming gradient.
    pub const NOTHING: Reads = Reads(0);
    /// The result.
    pub const OUTPUT: Reads = Reads(1 << 31);
    /// Every input.
    pub const INPUTS: Reads = Reads((1 << 31) - 1);

    /// Input `i`.
    pub const fn input(i: usize) -> Reads {
        Reads(1 << i)
    }

    /// Both.
    #[must_use]
    pub const fn and(self, other: Reads) -> Reads {
        Reads(self.0 | other.0)
    }
}

/// An operation, as everybody sees it who runs one. What its author writes about gradients stands in the trait of its family
/// ([`mod@crate::rules`]), of which the line `rules!` makes the methods here. `ops/` is full of examples.
pub trait Op: std::any::Any + Debug + Send + Sync + 'static {
    /// What is known about it.
    fn def(&self) -> &'static OpDef;

    /// The value: the only code that is not differentiable. Every shape and dtype error is born here.
    ///
    /// # Errors
    /// PyTorch's sentence where PyTorch has one, with the shapes; name and source line are added by the caller.
    fn eval(&self, x: &[&Array]) -> Result<Array>;

    /// What it does with operands that are stored narrower than they compute. Elementwise kernels convert piece by piece, and views
    /// move nothing, so those families take them as they are.
    fn narrow(&self) -> Narrow {
        match self.def() {
            def if def.view || def.family == Family::Pointwise => Narrow::Native,
            _ => Narrow::Widened,
        }
    }

    /// What the operation alone holds for somebody outside: functions of the user.
    fn held(&self) -> Option<&(dyn std::any::Any + Send + Sync)> {
        None
    }

    /// A copy of the operation with its attributes; what recorded programs hold.
    fn boxed(&self) -> Box<dyn Op>;

    /// Which values the gradient of input `i` reads.
    fn reads(&self, i: usize) -> Reads {
        let _ = i;
        match self.def().family {
            Family::Pointwise => Reads::INPUTS,
            Family::Multilinear => Reads(Reads::INPUTS.0 & !(1 << i)),
            Family::Gate | Family::General => Reads::INPUTS.and(Reads::OUTPUT),
            Family::Linear | Family::Zero | Family::Cut => Reads::NOTHING,
        }
    }

    /// Whether it works element by element, with broadcasting where it has several operands, and has no attribute that speaks of
    /// dimensions.
    fn elementwise(&self) -> bool {
        matches!(self.def().family, Family::Pointwise | Family::Zero) || self.expression().is_some()
    }

    /// Its results for a batch: operands some of which are stacks of rows, and what it gives for each row, stacked. `None` where it has
    /// no rule; then it is run row by row.
    ///
    /// # Errors
    /// Those of the operations that the rule is written in.
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        match self.elementwise() {
            true => batch.elements(&*self.boxed()),
            false => Ok(None),
        }
    }

    /// For one result of an operation of several: that operation, and which one.
    #[doc(hidden)]
    fn projected(&self) -> Option<(&dyn Op, usize)> {
        None
    }

    /// The formula of an elementwise operation, recorded: of its inputs, in floating dtypes.
    fn expression(&self) -> Option<Expression> {
        None
    }

    /// The gradient for input 0 of an elementwise operation of one input, recorded: of the incoming gradient and of the one value that
    /// it reads.
    fn gradient_expression(&self) -> Option<Expression> {
        None
    }

    /// The gradient for input `i`, given the gradient `g` of the result.
    ///
    /// # Errors
    /// Those of the operations that it is written in; so for the other rules.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor>;

    /// The gradients of all inputs that need one; operations whose gradients share work override this.
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        for (i, slot) in out.iter_mut().enumerate() {
            if cx.needs(i) {
                *slot = Some(self.vjp(cx, i, g)?);
            }
        }
        Ok(())
    }

    /// The result's tangent, given the inputs' (`None` is zero, and not all are).
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor>;

    /// Gates: what is decided at these inputs (a mask, a winner), as an array that `frozen` understands.
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        let _ = x;
        Ok(None)
    }

    /// Gates: the smooth operation that stands once the decision is fixed, written in tensor operations.
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        let _ = (x, decision);
        Err(Error::new(
            ErrorKind::Unsupported,
            "this operation takes no decisions",
        ))
    }

    /// Gates: how far each element is from deciding otherwise (0 at a tie), in the units of the inputs.
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let _ = x;
        Ok(None)
    }

    /// How many results it has. Operations with several also write `eval_many`, `vjp_many` and `jvp_many`, and are applied by
    /// [`crate::apply_many`]; a recorded program sees each of their results as an operation of its own.
    fn outputs(&self) -> usize {
        1
    }

    /// The values of all results.
    ///
    /// # Errors
    /// As [`Op::eval`].
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        Ok([self.eval(x)?].into_iter().collect())
    }

    /// Several results: the gradients of the inputs that need one, given those of the results (`None` is zero, and not all
    /// are).
    fn vjp_many(
        &self,
        cx: &Ctx<'_>,
        g: &[Option<Tensor>],
        out: &mut [Option<Tensor>],
    ) -> Result<()> {
        match g {
            [Some(g)] => self.vjp_all(cx, g, out),
            _ => Err(cx.missing("vjp_many")),
        }
    }

    /// Several results: their tangents (`None` is zero), given the inputs'.
    fn jvp_many(
        &self,
        cx: &Ctx<'_>,
        t: &[Option<Tensor>],
    ) -> Result<SmallVec<[Option<Tensor>; 2]>> {
        Ok([Some(self.jvp(cx, t)?)].into_iter().collect())
    }

    /// Whether result `k` has a gradient; results that are not floating never have one.
    fn differentiable(&self, k: usize) -> bool {
        let _ = k;
        true
    }

    /// Operations that are not run by `apply` (projections of operations with several results, functions of the
    /// user): the result, made their own way.
    #[doc(hidden)]
    fn applied(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<Tensor>> {
        let _ = (inputs, site);
        None
    }

    /// As [`Op::applied`], all results.
    #[doc(hidden)]
    fn applied_many(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<SmallVec<[Tensor; 2]>>> {
        let _ = (inputs, site);
        None
    }

    /// The name of its node, where it depends on the operation's attributes; all others say it in [`OpDef::node`].
    fn node_name(&self, made: &Made<'_>) -> Option<Cow<'static, str>> {
        let _ = made;
        None
    }

    /// Whether it is a function of the user: its rule may send back any gradient that sums to the input's shape, and need not
    /// have a forward rule.
    #[doc(hidden)]
    fn lenient(&self) -> bool {
        false
    }

    /// This operation for a replay in which float dtypes become `dtype`: conversions follow, others stay.
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        let _ = dtype;
        self.boxed()
    }
}

/// The gradients of an operation's results; `None` is zero, and not all are.
pub(crate) type Sent<'a> = &'a [Option<Tensor>];

/// Where the gradients of an operation's inputs go.
pub(crate) type Gradients<'a> = &'a mut [Option<Tensor>];

/// The tangents of an operation's results; `None` is zero.
pub(crate) type Tangents = SmallVec<[Option<Tensor>; 2]>;

/// The tangent of an operation whose derivative works element by element: what reverse mode does to a gradient is done to each
/// tangent, so that both modes select and multiply alike (+0 behind a gate, for an infinite tangent too).
pub(crate) fn pulled<O: Op + ?Sized>(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
    sum_terms(t, |i, t| match cx.result(0) {
        Some((shape, _)) if shape != t.shape() => op.vjp(cx, i, &t.expand(shape)?),
        _ => op.vjp(cx, i, t),
    })
}

/// Σ over the inputs that have a tangent.
pub(crate) fn sum_terms(
    t: &[Option<Tensor>],
    term: impl Fn(usize, &Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let mut sum: Option<Tensor> = None;
    for (i, t) in t.iter().enumerate() {
        if let Some(t) = t {
            let term = term(i, t)?;
            sum = Some(match sum {
                Some(s) => s.add(&term)?,
                None => term,
            });
        }
    }
    sum.ok_or_else(|| {
        Error::new(
            ErrorKind::Autograd,
            "a tangent was asked for where no input has one",
        )
    })
}
