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

/// The methods of [`crate::Op`] that follow from the definition: who it is, a copy of it, and the rules of its family ([`crate::rules`]); `native` for operations that take narrow dtypes as they are (views, moves of
/// bytes, elementwise kernels, which convert piece by piece), `counts` for those whose results are int64 whatever they are given ([`crate::Narrow`]).
macro_rules! common {
    (native) => {
        crate::core::define::common!();
        fn narrow(&self) -> crate::core::op::Narrow {
            crate::core::op::Narrow::Native
        }
    };
    (counts) => {
        crate::core::define::common!();
        fn narrow(&self) -> crate::core::op::Narrow {
            crate::core::op::Narrow::Counts
        }
    };
    () => {
        crate::rules!(@ <Self as crate::core::rules::Defined>::Family);
        fn def(&self) -> &'static crate::core::op::OpDef {
            Self::DEF
        }
        fn boxed(&self) -> Box<dyn crate::core::op::Op> {
            Box::new(<Self as std::clone::Clone>::clone(self))
        }
    };
}

pub(crate) use {common, define, node, or};
