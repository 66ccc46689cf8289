//! Layers that change shapes.

use super::macros::layer;
use super::repr::{Repr, tuple};
use crate::module;

/// Several dimensions as one. PyTorch's `nn.Flatten`.
#[derive(Clone, Copy, Debug)]
pub struct Flatten {
    start_dim: i64,
    end_dim: i64,
}

impl Flatten {
    /// From one dimension to another, which is meant too.
    pub fn new(start_dim: i64, end_dim: i64) -> Flatten {
        Flatten { start_dim, end_dim }
    }
}

/// All but the first: PyTorch's defaults.
impl Default for Flatten {
    fn default() -> Flatten {
        Flatten::new(1, -1)
    }
}

module!(Flatten {} => |m| Repr::new("Flatten").extra(format!("start_dim={}, end_dim={}", m.start_dim, m.end_dim)));
layer!(Flatten, |m, x| x.flatten_dims(m.start_dim, m.end_dim));

/// One dimension as several. PyTorch's `nn.Unflatten`.
#[derive(Clone, Debug)]
pub struct Unflatten {
    dim: i64,
    sizes: Vec<i64>,
}

impl Unflatten {
    /// This dimension as those of these sizes, one of which may be -1.
    pub fn new(dim: i64, unflattened_size: impl Into<Vec<i64>>) -> Unflatten {
        Unflatten {
            dim,
            sizes: unflattened_size.into(),
        }
    }
}

module!(Unflatten {} => |m| {
    Repr::new("Unflatten").extra(format!("dim={}, unflattened_size={}", m.dim, tuple(&m.sizes)))
});
layer!(Unflatten, |m, x| x.unflatten(m.dim, &m.sizes[..]));
