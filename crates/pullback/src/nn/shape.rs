//! Layers that change shapes.

use super::macros::layer;
use super::repr::{Repr, tuple};
use crate::{Result, Tensor, module};

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

/// A size as operations take it.
fn signed(n: usize) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

macro_rules! rearrangements {
    ($($(#[$doc:meta])* $name:ident($of:ident) $method:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $of: usize,
        }

        impl $name {
            /// With this factor, or so many groups.
            pub fn new($of: usize) -> $name {
                $name { $of }
            }
        }

        module!($name {} => |m| Repr::new(stringify!($name)).extra(format!("{}={}", stringify!($of), m.$of)));
        layer!($name, |m, x| x.$method(signed(m.$of)));
    )*};
}

rearrangements! {
    /// Channels become places: an image `upscale_factor` times larger. PyTorch's `nn.PixelShuffle`.
    PixelShuffle(upscale_factor) pixel_shuffle;
    /// Places become channels: an image `downscale_factor` times smaller. PyTorch's `nn.PixelUnshuffle`.
    PixelUnshuffle(downscale_factor) pixel_unshuffle;
    /// Channels of several groups, interleaved. PyTorch's `nn.ChannelShuffle`.
    ChannelShuffle(groups) channel_shuffle;
}

/// The cosine of the angle between vectors along a dimension. PyTorch's `nn.CosineSimilarity`.
#[derive(Clone, Copy, Debug)]
pub struct CosineSimilarity {
    /// The dimension.
    pub dim: i64,
    /// The least that lengths count as.
    pub eps: f64,
}

/// PyTorch's defaults: dimension 1 and 1e-8.
impl Default for CosineSimilarity {
    fn default() -> CosineSimilarity {
        CosineSimilarity { dim: 1, eps: 1e-8 }
    }
}

module!(CosineSimilarity {});

impl CosineSimilarity {
    /// The cosines.
    ///
    /// # Errors
    /// As [`Tensor::cosine_similarity`].
    #[track_caller]
    pub fn forward(&self, x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
        x1.cosine_similarity(x2, self.dim, self.eps)
    }
}

/// The p-norm of the difference between vectors. PyTorch's `nn.PairwiseDistance`.
#[derive(Clone, Copy, Debug)]
pub struct PairwiseDistance {
    /// The norm.
    pub p: f64,
    /// What is added to differences.
    pub eps: f64,
    /// Whether the last dimension stays, with size 1.
    pub keepdim: bool,
}

/// PyTorch's defaults: the Euclidean norm and 1e-6.
impl Default for PairwiseDistance {
    fn default() -> PairwiseDistance {
        PairwiseDistance {
            p: 2.0,
            eps: 1e-6,
            keepdim: false,
        }
    }
}

module!(PairwiseDistance {});

impl PairwiseDistance {
    /// The distances.
    ///
    /// # Errors
    /// As [`Tensor::pairwise_distance`].
    #[track_caller]
    pub fn forward(&self, x1: &Tensor, x2: &Tensor) -> Result<Tensor> {
        x1.pairwise_distance(x2, self.p, self.eps, self.keepdim)
    }
}
