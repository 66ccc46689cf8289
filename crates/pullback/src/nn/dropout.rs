//! Dropout of elements and of channels: while the thread trains, see [`is_training`].

use super::is_training;
use super::macros::layer;
use super::repr::{Repr, float};
use crate::core::fail::ensure;
use crate::{Result, Tensor, module};

macro_rules! dropouts {
    ($($(#[$doc:meta])* $name:ident: |$m:ident, $x:ident| $body:expr;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name { p: f64 }

        impl $name {
            /// With this probability of being dropped.
            ///
            /// # Errors
            /// PyTorch's sentence for what is no probability.
            pub fn new(p: f64) -> Result<$name> {
                ensure!(
                    (0.0..=1.0).contains(&p), Value,
                    "dropout probability has to be between 0 and 1, but got {}", float(p)
                );
                Ok($name { p })
            }

            /// The probability.
            pub fn p(&self) -> f64 {
                self.p
            }
        }

        /// PyTorch's default: 0.5.
        impl Default for $name {
            fn default() -> $name {
                $name { p: 0.5 }
            }
        }

        module!($name {} => |m| Repr::new(stringify!($name)).extra(format!("p={}, inplace=False", float(m.p))));
        layer!($name, |$m, $x| $body);
    )*};
}

/// Channels dropped of an input that may lack the dimension of samples, which it has with `ranks` dimensions.
fn channels(x: &Tensor, p: f64, ranks: usize) -> Result<Tensor> {
    match x.ndim() == ranks {
        true => x.feature_dropout(p, is_training()),
        false => (x.unsqueeze(0)?)
            .feature_dropout(p, is_training())?
            .squeeze_dims(&[0]),
    }
}

dropouts! {
    /// Elements become 0, the others grow such that the mean stays. PyTorch's `nn.Dropout`.
    Dropout: |m, x| x.dropout(m.p, is_training());
    /// Whole channels of (samples, channels, length) become 0. PyTorch's `nn.Dropout1d`.
    Dropout1d: |m, x| match x.ndim() {
        2 | 3 => channels(x, m.p, 3),
        n => Err(crate::core::fail::error!(
            Argument, "dropout1d: Expected 2D or 3D input, but received a {n}D input. Note that dropout1d exists to provide channel-wise dropout on inputs with 1 spatial dimension, a channel dimension, and an optional batch dimension (i.e. 2D or 3D inputs)."
        )),
    };
    /// Whole channels of (samples, channels, height, width) become 0. PyTorch's `nn.Dropout2d`.
    Dropout2d: |m, x| x.feature_dropout(m.p, is_training());
    /// Whole channels of (samples, channels, depth, height, width) become 0. PyTorch's `nn.Dropout3d`.
    Dropout3d: |m, x| channels(x, m.p, 5);
    /// Elements become the limit of [`SELU`](super::SELU), and the rest is moved such that mean and variance stay. PyTorch's `nn.AlphaDropout`.
    AlphaDropout: |m, x| x.alpha_dropout(m.p, is_training());
    /// As [`AlphaDropout`], of whole channels. PyTorch's `nn.FeatureAlphaDropout`.
    FeatureAlphaDropout: |m, x| x.feature_alpha_dropout(m.p, is_training());
}
