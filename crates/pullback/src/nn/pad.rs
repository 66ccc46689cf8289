//! Borders around the last dimensions of an input.

use super::macros::layer;
use super::repr::{Repr, float, tuple};
use crate::core::fail::ensure;
use crate::{PadMode, Result, module};

/// A border: one number for all sides, or two for each dimension, the last dimension first, as PyTorch writes it. Negative numbers cut.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Border(Vec<i64>);

impl From<i64> for Border {
    fn from(n: i64) -> Self {
        Border(vec![n])
    }
}

impl<const N: usize> From<[i64; N]> for Border {
    fn from(sides: [i64; N]) -> Self {
        Border(sides.to_vec())
    }
}

impl Border {
    /// Two numbers for each of `dims` dimensions.
    ///
    /// # Errors
    /// Where another count was given.
    fn of(self, dims: usize) -> Result<Vec<i64>> {
        if let [one] = self.0[..] {
            return Ok(vec![one; 2 * dims]);
        }
        ensure!(
            self.0.len() == 2 * dims,
            Value,
            "padding should be a number or a list of length {}, but got {:?}",
            2 * dims,
            self.0
        );
        Ok(self.0)
    }
}

macro_rules! pads {
    ($($(#[$doc:meta])* $name:ident $mode:ident $one:ident $two:ident $three:ident;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug)]
        pub struct $name<const D: usize> {
            padding: Vec<i64>,
        }

        impl<const D: usize> $name<D> {
            /// With this border.
            ///
            /// # Errors
            /// For other than one or two numbers for each dimension.
            pub fn new(padding: impl Into<Border>) -> Result<Self> {
                Ok($name { padding: padding.into().of(D)? })
            }
        }

        #[doc = concat!("[`", stringify!($name), "`] of the last dimension.")]
        pub type $one = $name<1>;
        #[doc = concat!("[`", stringify!($name), "`] of the last two dimensions.")]
        pub type $two = $name<2>;
        #[doc = concat!("[`", stringify!($name), "`] of the last three dimensions.")]
        pub type $three = $name<3>;

        layer!([const D: usize] $name<D>, |m, x| x.pad(&m.padding, PadMode::$mode, None));
        module!([const D: usize] $name<D> {} => |m| {
            Repr::new(format!("{}{D}d", stringify!($name))).extra(tuple(&m.padding))
        });
    )*};
}

pads! {
    /// Zeros around. PyTorch's `nn.ZeroPad1d` to `nn.ZeroPad3d`.
    ZeroPad Constant ZeroPad1d ZeroPad2d ZeroPad3d;
    /// The input mirrored at its first and last elements. PyTorch's `nn.ReflectionPad1d` to `nn.ReflectionPad3d`.
    ReflectionPad Reflect ReflectionPad1d ReflectionPad2d ReflectionPad3d;
    /// The nearest element. PyTorch's `nn.ReplicationPad1d` to `nn.ReplicationPad3d`.
    ReplicationPad Replicate ReplicationPad1d ReplicationPad2d ReplicationPad3d;
    /// Elements from the other end. PyTorch's `nn.CircularPad1d` to `nn.CircularPad3d`.
    CircularPad Circular CircularPad1d CircularPad2d CircularPad3d;
}

/// One number around. PyTorch's `nn.ConstantPad1d` to `nn.ConstantPad3d`.
#[derive(Clone, Debug)]
pub struct ConstantPad<const D: usize> {
    padding: Vec<i64>,
    value: f64,
}

impl<const D: usize> ConstantPad<D> {
    /// With this border of this number.
    ///
    /// # Errors
    /// For other than one or two numbers for each dimension.
    pub fn new(padding: impl Into<Border>, value: f64) -> Result<Self> {
        let padding = padding.into().of(D)?;
        Ok(ConstantPad { padding, value })
    }
}

/// [`ConstantPad`] of the last dimension.
pub type ConstantPad1d = ConstantPad<1>;
/// [`ConstantPad`] of the last two dimensions.
pub type ConstantPad2d = ConstantPad<2>;
/// [`ConstantPad`] of the last three dimensions.
pub type ConstantPad3d = ConstantPad<3>;

layer!([const D: usize] ConstantPad<D>, |m, x| x.pad(&m.padding, PadMode::Constant, Some(m.value.into())));
module!([const D: usize] ConstantPad<D> {} => |m| {
    Repr::new(format!("ConstantPad{D}d")).extra(format!("padding={}, value={}", tuple(&m.padding), float(m.value)))
});
