//! How an operation's definition is written: the macros [`define!`] and [`common!`], which every operation uses.

/// Writes an operation's definition: `define! { Relu: Gate "relu", "torch.relu"; summary: …; … }`.
macro_rules! define {
    (
        $op:ident: $family:ident $name:literal, $torch:literal $(, view: $view:literal)?;
        summary: $summary:literal;
        formula: $formula:literal;
        derivative: $derivative:literal;
        $(convention: $convention:literal;)?
        $(node: $node:literal;)?
        $(node by $node_by:expr;)?
        proof: { samples: $samples:expr $(, points: $points:expr)? $(, errors: $errors:expr)? $(, spread: $spread:expr)? $(,)? }
    ) => {
        impl $op {
            /// What is known about the operation.
            pub const DEF: &'static crate::core::op::OpDef = &crate::core::op::OpDef {
                name: $name,
                family: crate::core::op::Family::$family,
                summary: $summary,
                formula: $formula,
                derivative: $derivative,
                convention: crate::core::define::or!($($convention)?, ""),
                torch: $torch,
                view: crate::core::define::or!($($view)?, false),
                node: crate::core::define::node!($($node)? $(by $node_by)?),
                #[cfg(feature = "proof")]
                proof: crate::core::samples::Proof {
                    samples: $samples,
                    points: crate::core::define::or!($($points)?, crate::core::samples::no_points),
                    errors: crate::core::define::or!($($errors)?, crate::core::samples::no_errors),
                    spread: crate::core::define::or!($($spread)?, false),
                },
            };
        }

        impl crate::core::rules::Defined for $op {
            type Family = crate::core::rules::family::$family;
        }
    };
}

/// The name of a node: one, a choice by inputs and result, or that of PyTorch's rule.
macro_rules! node {
    () => {
        crate::core::made::NodeName::Rule
    };
    ($name:literal) => {
        crate::core::made::NodeName::Is($name)
    };
    (by $choice:expr) => {
        crate::core::made::NodeName::By($choice)
    };
}

/// The first argument if there is one, else the second.
macro_rules! or {
    ($value:expr, $default:expr) => {
        $value
    };
    (, $default:expr) => {
        $default
    };
}

/// The methods of [`crate::Op`] that follow from the definition: who it is, a copy of it, and the rules of its family ([`crate::rules`]).
/// Words say what many operations share, and are separated by commas:
/// - `native`: it takes narrow dtypes as they are (views, moves of bytes, elementwise kernels, which convert piece by piece);
/// - `pieces`: it takes them as they are and walks them piece by piece; its results are rounded to their dtype, but for int64 ([`crate::Narrow`]);
/// - `counts`: its results are int64 whatever it is given ([`crate::Narrow`]);
/// - `stacked`: what it works on (matrices, images, planes) may have any dimensions before it, so rows of a batch are one more of them;
/// - `over_dims`: it reduces over `dims`, which stay if `keepdim`, and has no other attributes;
/// - `results 2`: it has as many results, and stands for the first one where it is asked for one.
macro_rules! common {
    () => {
        crate::rules!(@ <Self as crate::core::rules::Defined>::Family);
        fn def(&self) -> &'static crate::core::op::OpDef {
            Self::DEF
        }
        fn boxed(&self) -> Box<dyn crate::core::op::Op> {
            Box::new(<Self as std::clone::Clone>::clone(self))
        }
    };
    (@ native) => {
        fn narrow(&self) -> crate::core::op::Narrow {
            crate::core::op::Narrow::Native
        }
    };
    (@ pieces) => {
        fn narrow(&self) -> crate::core::op::Narrow {
            crate::core::op::Narrow::Pieces
        }
    };
    (@ counts) => {
        fn narrow(&self) -> crate::core::op::Narrow {
            crate::core::op::Narrow::Counts
        }
    };
    (@ stacked) => {
        fn batched(&self, batch: &crate::core::batch::Batch<'_>) -> crate::core::batch::Batched {
            batch.stacked(self)
        }
    };
    (@ over_dims) => {
        fn batched(&self, batch: &crate::core::batch::Batch<'_>) -> crate::core::batch::Batched {
            batch.reduced(&self.dims, self.keepdim, |dims, keepdim| {
                Box::new(Self { dims, keepdim })
            })
        }
    };
    (@ results $count:literal) => {
        fn eval(&self, x: &[&crate::Array]) -> crate::Result<crate::Array> {
            Ok(self.eval_many(x)?.swap_remove(0))
        }
        fn outputs(&self) -> usize {
            $count
        }
    };
    ($($word:ident $($count:literal)?),+) => {
        crate::core::define::common!();
        $(crate::core::define::common!(@ $word $($count)?);)+
    };
}

pub(crate) use {common, define, node, or};
