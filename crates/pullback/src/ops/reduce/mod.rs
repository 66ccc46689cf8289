//! Reductions over dimensions, and running totals.

/// The struct of an operation that reduces over dimensions and has no other attributes; `common!(over_dims)` is what follows from that.
macro_rules! reduction {
    ($(#[$doc:meta])* $op:ident) => {
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $op {
            /// Dimensions, resolved and in order.
            pub dims: Vec<usize>,
            /// Whether they stay, with size 1.
            pub keepdim: bool,
        }
    };
}

pub(super) mod any_all;
pub(super) mod arg_extreme;
pub(super) mod extreme;
#[cfg(feature = "functions")]
pub(super) mod functions;
pub(super) mod hash;
pub(super) mod histogram;
pub(super) mod moments;
pub(super) mod quantile;
pub(super) mod scan;
pub(super) mod sum;
