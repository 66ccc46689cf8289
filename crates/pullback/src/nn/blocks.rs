//! Blocks of images as columns, and back.

use super::each::Each;
use super::macros::{builder, layer};
use super::repr::Repr;
use crate::{Blocks, Result, module};

/// What both ways have in common: how blocks lie.
macro_rules! blocks {
    ($(#[$doc:meta])* $name:ident $(#[$builder_doc:meta])* $builder:ident; ($($need:ident),*) |$m:ident, $x:ident, $how:ident| $body:expr) => {
        $(#[$doc])*
        #[derive(Clone, Copy, Debug)]
        pub struct $name {
            $($need: Each<2>,)*
            dilation: Each<2>,
            padding: Each<2>,
            stride: Each<2>,
        }

        builder! {
            $(#[$builder_doc])*
            $builder for $name;
            ($(; $need: Each<2>)*);
            {} into {
                /// How far apart a block's elements are.
                dilation: Each<2> = 1.into(),
                /// Zeros on both sides.
                padding: Each<2> = 0.into(),
                /// How far apart blocks begin.
                stride: Each<2> = 1.into(),
            }
        }

        impl $builder {
            /// Makes the layer.
            ///
            /// # Errors
            /// None: what does not fit is told by `forward`.
            pub fn build(self) -> Result<$name> {
                Ok($name {
                    $($need: self.$need,)*
                    dilation: self.dilation,
                    padding: self.padding,
                    stride: self.stride,
                })
            }
        }

        module!($name {} => |m| {
            let mut text = String::new();
            $(text += &format!("{}={}, ", stringify!($need), m.$need);)*
            text += &format!("dilation={}, padding={}, stride={}", m.dilation, m.padding, m.stride);
            Repr::new(stringify!($name)).extra(text)
        });

        layer!($name, |$m, $x| {
            let [kernel, dilation, padding, stride] =
                [&$m.kernel_size, &$m.dilation, &$m.padding, &$m.stride].map(Each::get);
            let mut $how = Blocks::of(&kernel);
            $how.dilation = &dilation;
            $how.padding = &padding;
            $how.stride = &stride;
            $body
        });
    };
}

blocks! {
    /// The blocks of an image (samples, channels, height, width) as columns (samples, channels · block, blocks). PyTorch's `nn.Unfold`.
    ///
    /// ```
    /// use pullback::nn::{Fold, Layer, Unfold};
    /// use pullback::{DType, Tensor};
    /// let x = Tensor::ones([1, 2, 3, 4], DType::F32)?;
    /// let columns = Unfold::builder(2).padding([1, 0]).build()?.forward(&x)?;
    /// assert_eq!(columns.shape()[..], [1, 8, 12]);
    /// assert_eq!(Fold::builder([3, 4], 2).padding([1, 0]).build()?.forward(&columns)?.shape(), x.shape());
    /// # Ok::<(), pullback::Error>(())
    /// ```
    Unfold
    /// How an [`Unfold`] is made.
    UnfoldBuilder;
    (kernel_size) |m, x, how| x.image_blocks(how)
}

blocks! {
    /// Blocks in columns (samples, channels · block, blocks) added up to an image (samples, channels, height, width). PyTorch's `nn.Fold`.
    Fold
    /// How a [`Fold`] is made.
    FoldBuilder;
    (output_size, kernel_size) |m, x, how| x.fold(m.output_size.get(), how)
}
