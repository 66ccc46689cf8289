//! Resizing as methods: PyTorch's `interpolate` with all of its options.

use crate::Result;
use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure, error};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::image::resize::Resize;
use crate::ops::image::taps::{Axis, Filter};
use std::panic::Location;

/// How an image is resized: PyTorch's options of `interpolate`. Built with [`Interpolate::size`] or [`Interpolate::scale`].
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct Interpolate<'a> {
    /// The result's size: a number for each dimension but the first two.
    pub size: Option<&'a [i64]>,
    /// How many times larger: a number for each dimension but the first two.
    pub scale_factor: Option<&'a [f64]>,
    /// `nearest`, `nearest-exact`, `linear`, `bilinear`, `bicubic`, `trilinear`, `area` or `lanczos`.
    pub mode: &'a str,
    /// Whether first and last elements stay where they are, and not edges.
    pub align_corners: Option<bool>,
    /// Whether the factor is that of the sizes, and not the one given.
    pub recompute_scale_factor: Option<bool>,
    /// Whether a smaller image is made of all elements of the larger one.
    pub antialias: bool,
}

setters!(['a] Interpolate<'a> {
    scale_factor: Option<&'a [f64]>,
    align_corners: Option<bool>,
    recompute_scale_factor: Option<bool>,
    antialias: bool,
});

impl<'a> Interpolate<'a> {
    /// Nearest elements, in another size.
    pub const fn size(size: &'a [i64]) -> Interpolate<'a> {
        Interpolate {
            size: Some(size),
            scale_factor: None,
            mode: "nearest",
            align_corners: None,
            recompute_scale_factor: None,
            antialias: false,
        }
    }

    /// Nearest elements, some times larger.
    pub const fn scale(scale_factor: &'a [f64]) -> Interpolate<'a> {
        Interpolate {
            size: None,
            scale_factor: Some(scale_factor),
            ..Interpolate::size(&[])
        }
    }

    /// The same, in another mode.
    #[must_use]
    pub const fn mode(self, mode: &'a str) -> Interpolate<'a> {
        Interpolate { mode, ..self }
    }
}

/// The numbers, where there is one for each of `dims` dimensions.
fn each<T: Copy>(given: &[T], dims: usize) -> Option<Vec<T>> {
    (given.len() == dims).then(|| given.to_vec())
}

/// Sizes as Python shows a list.
fn spatial(x: &Tensor) -> String {
    format!("{:?}", x.shape().get(2..).unwrap_or(&[]))
}

/// The size of a result and the factors that count in its formulas.
struct Target {
    size: Vec<i64>,
    scale: Option<Vec<f64>>,
}

fn target(x: &Tensor, how: &Interpolate<'_>) -> Result<Target> {
    let dims = x.ndim().saturating_sub(2);
    let (size, scale) = match (how.size, how.scale_factor) {
        (Some(_), Some(_)) => bail!(Value, "only one of size or scale_factor should be defined"),
        (None, None) => bail!(Value, "either size or scale_factor should be defined"),
        (Some(size), None) => {
            let all = each(size, dims).ok_or_else(|| {
                error!(
                    Value,
                    "Input and output must have the same number of spatial dimensions, but got input with spatial dimensions of {} and output size of {size:?}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and output size in (o1, o2, ...,oK) format.",
                    spatial(x)
                )
            })?;
            (Some(all), None)
        }
        (None, Some(scale)) => {
            let all = each(scale, dims).ok_or_else(|| {
                error!(
                    Value,
                    "Input and scale_factor must have the same number of spatial dimensions, but got input with spatial dimensions of {} and scale_factor of shape {scale:?}. Please provide input tensor in (N, C, d1, d2, ...,dK) format and scale_factor in (s1, s2, ...,sK) format.",
                    spatial(x)
                )
            })?;
            (None, Some(all))
        }
    };
    let recompute = how.recompute_scale_factor == Some(true);
    ensure!(
        !recompute || size.is_none(),
        Value,
        "recompute_scale_factor is not meaningful with an explicit size."
    );
    match (size, scale) {
        (Some(size), _) => Ok(Target { size, scale: None }),
        (None, scale) => {
            let scale = scale.unwrap_or_default();
            let size = (x.shape().iter().skip(2).zip(&scale))
                .map(|(&n, s)| (n as f64 * s) as i64)
                .collect();
            let kept = !recompute && how.mode != "area";
            Ok(Target {
                size,
                scale: kept.then_some(scale),
            })
        }
    }
}

/// The filter of a mode for an image of `rank` dimensions; `None` where PyTorch takes means.
fn filter(how: &Interpolate<'_>, rank: usize) -> Result<Option<Filter>> {
    if how.antialias && !(matches!(how.mode, "bilinear" | "bicubic" | "lanczos") && rank == 4) {
        bail!(
            Value,
            "Anti-alias option is restricted to bilinear, bicubic, and lanczos modes and requires a 4-D tensor as input"
        );
    }
    Ok(Some(match (how.mode, rank) {
        ("nearest", 3..=5) => Filter::Nearest,
        ("nearest-exact", 3..=5) => Filter::NearestExact,
        ("area", 3..=5) => return Ok(None),
        ("linear", 3) | ("trilinear", 5) => Filter::Linear,
        ("bilinear", 4) if how.antialias => Filter::LinearSmooth,
        ("bilinear", 4) => Filter::Linear,
        ("bicubic", 4) if how.antialias => Filter::CubicSmooth,
        ("bicubic", 4) => Filter::Cubic,
        ("lanczos", 4) => {
            if how.align_corners == Some(true) {
                bail!(Value, "Lanczos mode does not support align_corners=True");
            }
            ensure!(how.antialias, Value, "Lanczos mode requires antialias=True");
            Filter::Lanczos
        }
        (mode @ ("linear" | "bilinear" | "trilinear"), 3..=5) => {
            let needs = match mode {
                "linear" => 3,
                "bilinear" => 4,
                _ => 5,
            };
            bail!(
                Unsupported,
                "Got {rank}D input, but {mode} mode needs {needs}D input"
            );
        }
        (mode, _) => bail!(
            Unsupported,
            "Input Error: Only 3D, 4D and 5D input Tensors supported (got {rank}D) for the modes: nearest | linear | bilinear | bicubic | trilinear | lanczos | area | nearest-exact (got {mode})"
        ),
    }))
}

/// Errors for images and results without elements, in PyTorch's words.
fn sized(x: &Tensor, size: &[i64]) -> Result<()> {
    let shape = x.shape();
    let empty = shape.iter().skip(1).any(|&n| n == 0);
    if size.iter().any(|&n| n <= 0) || shape[2..].contains(&0) {
        let all = |list: &[i64]| {
            let words: Vec<String> = (["D", "H", "W"][3 - list.len()..].iter().zip(list))
                .map(|(d, n)| format!("{d}: {n}"))
                .collect();
            words.join(", ")
        };
        let from: Vec<i64> = shape[2..].iter().map(|&n| n as i64).collect();
        bail!(
            Shape,
            "Input and output sizes should be greater than 0, but got input ({}){} output ({})",
            all(&from),
            if from.len() == 1 { " and" } else { "" },
            all(size)
        );
    }
    ensure!(
        !empty,
        Shape,
        "Non-empty {}D data tensor expected but got a tensor with sizes {shape}",
        x.ndim()
    );
    Ok(())
}

/// An image in another size, by the options of PyTorch's function.
fn interpolated(x: &Tensor, how: &Interpolate<'_>, site: Site) -> Result<Tensor> {
    if matches!(how.mode, "nearest" | "area" | "nearest-exact") && how.align_corners.is_some() {
        bail!(
            Value,
            "align_corners option can only be set with the interpolating modes: linear | bilinear | bicubic | trilinear"
        );
    }
    let target = target(x, how)?;
    let Some(filter) = filter(how, x.ndim())? else {
        if target.size.iter().any(|&n| n < 0) {
            let words: Vec<String> = target.size.iter().map(i64::to_string).collect();
            bail!(
                Shape,
                "adaptive_avg_pool{}d: elements of output_size must be greater than or equal to 0 but received {{{}}}",
                x.ndim() - 2,
                words.join(", ")
            );
        }
        return match x.ndim() {
            3 => x.adaptive_avg_pool1d(&target.size),
            4 => x.adaptive_avg_pool2d(&target.size),
            _ => x.adaptive_avg_pool3d(&target.size),
        };
    };
    sized(x, &target.size)?;
    let dims = target.size.len();
    let axes = (0..dims)
        .map(|d| Axis {
            from: x.shape()[2 + d],
            to: usize::try_from(target.size[d]).unwrap_or(0),
            align: how.align_corners == Some(true),
            scale: target.scale.as_ref().map(|s| s[d]),
            fused: dims == 2,
        })
        .collect();
    let op = Resize {
        filter,
        axes,
        transposed: false,
    };
    apply_dyn(&op, &[x], site)
}

#[pullback_macros::called]
impl Tensor {
    /// An image (samples, channels, size…) in another size. PyTorch's `interpolate`.
    ///
    /// Floating dtypes in every mode; bytes in the nearest ones and, in two dimensions, in `bilinear`, `bicubic` and `lanczos`, where they
    /// are computed with weights of 16 bits.
    ///
    /// # Errors
    /// PyTorch's sentences for options that contradict each other, for modes of another number of dimensions, and for sizes without
    /// elements.
    ///
    /// ```
    /// # use pullback::{Interpolate, Tensor};
    /// let x = Tensor::from_slice(&[1.0f32, 3.0], [1, 1, 2])?;
    /// let twice = x.interpolate(Interpolate::scale(&[2.0]).mode("linear"))?;
    /// assert_eq!(twice.to_vec::<f32>()?, [1.0, 1.5, 2.5, 3.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn interpolate(&self, how: Interpolate<'_>) -> Result<Tensor> {
        interpolated(self, &how, Location::caller())
    }
}
