//! Images of another size, made of the elements between which the new ones lie.

use super::macros::layer;
use super::repr::{Repr, float, tuple};
use crate::{Interpolate, Result, Tensor, module};

/// One number for all dimensions of places, or one for each, as it was given.
#[derive(Clone, Debug, PartialEq)]
enum Given<T> {
    One(T),
    Each(Vec<T>),
}

impl<T: Copy> Given<T> {
    fn of(numbers: Vec<T>, one: bool) -> Given<T> {
        match (one, numbers.first()) {
            (true, Some(&n)) => Given::One(n),
            _ => Given::Each(numbers),
        }
    }

    fn get(&self, dims: usize) -> Vec<T> {
        match self {
            Given::One(n) => vec![*n; dims],
            Given::Each(all) => all.clone(),
        }
    }

    fn text(&self, of: impl Fn(&T) -> String) -> String {
        match self {
            Given::One(n) => of(n),
            Given::Each(all) => tuple(&all.iter().map(of).collect::<Vec<_>>()),
        }
    }
}

/// What becomes a size or factors: one number, or one for each dimension of places.
macro_rules! numbers {
    ($($(#[$doc:meta])* $name:ident of $as:ty: $($from:ty),*;)*) => {$(
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        pub struct $name(Given<$as>);

        $(impl From<$from> for $name {
            fn from(n: $from) -> Self {
                $name(Given::of(vec![n as $as], true))
            }
        }

        impl<const D: usize> From<[$from; D]> for $name {
            fn from(all: [$from; D]) -> Self {
                $name(Given::of(all.map(|n| n as $as).to_vec(), false))
            }
        })*
    )*};
}

numbers! {
    /// The size of an image: one number for all dimensions of places, or one for each.
    ImageSize of i64: usize, i32;
    /// How many times larger an image becomes: one number for all dimensions of places, or one for each.
    ScaleFactor of f64: f64, i32;
}

/// An input (samples, channels, size…) of another size. PyTorch's `nn.Upsample`.
///
/// ```
/// use pullback::nn::{Layer, Module, Upsample};
/// use pullback::{DType, Tensor};
/// let twice = Upsample::scale(2.0).mode("bilinear");
/// assert_eq!(twice.forward(&Tensor::ones([1, 3, 4, 5], DType::F32)?)?.shape()[..], [1, 3, 8, 10]);
/// assert_eq!(twice.to_string(), "Upsample(scale_factor=2.0, mode='bilinear')");
/// let to = Upsample::size([6, 7]);
/// assert_eq!(to.forward(&Tensor::ones([1, 3, 4, 5], DType::F32)?)?.shape()[..], [1, 3, 6, 7]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Upsample {
    name: &'static str,
    size: Option<ImageSize>,
    scale_factor: Option<ScaleFactor>,
    mode: String,
    align_corners: Option<bool>,
    recompute_scale_factor: Option<bool>,
}

impl Upsample {
    fn made(size: Option<ImageSize>, scale_factor: Option<ScaleFactor>) -> Upsample {
        Upsample {
            name: "Upsample",
            size,
            scale_factor,
            mode: "nearest".to_string(),
            align_corners: None,
            recompute_scale_factor: None,
        }
    }

    /// To a size, by nearest elements.
    pub fn size(size: impl Into<ImageSize>) -> Upsample {
        Upsample::made(Some(size.into()), None)
    }

    /// Some times larger, by nearest elements.
    pub fn scale(scale_factor: impl Into<ScaleFactor>) -> Upsample {
        Upsample::made(None, Some(scale_factor.into()))
    }

    /// Another way: `nearest`, `nearest-exact`, `linear`, `bilinear`, `bicubic`, `trilinear`.
    #[must_use]
    pub fn mode(mut self, mode: impl Into<String>) -> Upsample {
        self.mode = mode.into();
        self
    }

    /// Whether first and last elements stay where they are, and not edges.
    #[must_use]
    pub fn align_corners(mut self, on: bool) -> Upsample {
        self.align_corners = Some(on);
        self
    }

    /// Whether the factor is that of the sizes, and not the one given.
    #[must_use]
    pub fn recompute_scale_factor(mut self, on: bool) -> Upsample {
        self.recompute_scale_factor = Some(on);
        self
    }

    fn run(&self, x: &Tensor) -> Result<Tensor> {
        let dims = x.ndim().saturating_sub(2);
        let size = self.size.as_ref().map(|s| s.0.get(dims));
        let scale = self.scale_factor.as_ref().map(|s| s.0.get(dims));
        let mut how = Interpolate::size(&[]).mode(&self.mode);
        how.size = size.as_deref();
        how.scale_factor = scale.as_deref();
        how.align_corners = self.align_corners;
        how.recompute_scale_factor = self.recompute_scale_factor;
        x.interpolate(how)
    }
}

module!(Upsample {} => |m| {
    let by = match (&m.scale_factor, &m.size) {
        (Some(scale), _) => format!("scale_factor={}", scale.0.text(|x| float(*x))),
        (None, Some(size)) => format!("size={}", size.0.text(i64::to_string)),
        (None, None) => "size=None".to_string(),
    };
    Repr::new(m.name).extra(format!("{by}, mode='{}'", m.mode))
});
layer!(Upsample, |m, x| m.run(x));

/// An image (samples, channels, height, width) of another size, by nearest elements. PyTorch's `nn.UpsamplingNearest2d`.
#[derive(Clone, Copy, Debug)]
pub struct UpsamplingNearest2d;

/// An image (samples, channels, height, width) of another size, by the four elements around, where corners stay corners. PyTorch's
/// `nn.UpsamplingBilinear2d`.
#[derive(Clone, Copy, Debug)]
pub struct UpsamplingBilinear2d;

/// Both are an [`Upsample`] of another name.
macro_rules! upsampling {
    ($name:ident, |$m:ident| $made:expr) => {
        impl $name {
            /// To a size.
            pub fn size(size: impl Into<ImageSize>) -> Upsample {
                let $m = Upsample::size(size);
                $made
            }

            /// Some times larger.
            pub fn scale(scale_factor: impl Into<ScaleFactor>) -> Upsample {
                let $m = Upsample::scale(scale_factor);
                $made
            }
        }
    };
}

upsampling!(UpsamplingNearest2d, |m| Upsample {
    name: "UpsamplingNearest2d",
    ..m
});
upsampling!(UpsamplingBilinear2d, |m| Upsample {
    name: "UpsamplingBilinear2d",
    ..m.mode("bilinear").align_corners(true)
});
