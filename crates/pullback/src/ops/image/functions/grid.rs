//! Images sampled by grids, and the grids of affine maps.

use crate::call::Args;
use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, error};
use crate::ops::image::grid::sampled;
use crate::{Between, Outside, Result};
use std::panic::Location;

const CHANGED: &str = "Default grid_sample and affine_grid behavior has changed to align_corners=False since 1.3.0. Please specify align_corners=True if the old behavior is desired. See the documentation of grid_sample for details.";

/// A way between elements by PyTorch's name.
fn between(name: &str) -> Result<Between> {
    Ok(match name {
        "bilinear" => Between::Bilinear,
        "nearest" => Between::Nearest,
        "bicubic" => Between::Bicubic,
        _ => bail!(
            Value,
            "nn.functional.grid_sample(): expected mode to be 'bilinear', 'nearest' or 'bicubic', but got: '{name}'"
        ),
    })
}

/// What lies outside, by PyTorch's name.
fn outside(name: &str) -> Result<Outside> {
    Ok(match name {
        "zeros" => Outside::Zeros,
        "border" => Outside::Border,
        "reflection" => Outside::Reflection,
        _ => bail!(
            Value,
            "nn.functional.grid_sample(): expected padding_mode to be 'zeros', 'border', or 'reflection', but got: '{name}'"
        ),
    })
}

/// One of three, by PyTorch's number.
fn third<T: Copy>(what: &str, n: i64, all: [T; 3]) -> Result<T> {
    usize::try_from(n)
        .ok()
        .and_then(|i| all.get(i).copied())
        .ok_or_else(|| error!(Value, "{what} must be 0, 1 or 2, but got {n}"))
}

/// A way of reading grids by PyTorch's numbers.
fn numbered(a: &Args<'_>, dims: Option<usize>) -> Result<Value> {
    let how = (
        third(
            "interpolation_mode",
            a.int("interpolation_mode")?,
            [Between::Bilinear, Between::Nearest, Between::Bicubic],
        )?,
        third(
            "padding_mode",
            a.int("padding_mode")?,
            [Outside::Zeros, Outside::Border, Outside::Reflection],
        )?,
        a.bool("align_corners")?,
    );
    let (x, grid) = (a.tensor("input")?, a.tensor("grid")?);
    sampled(x, grid, how, dims, Location::caller()).into_value()
}

/// What PyTorch's Python asks of maps and sizes before it makes a grid.
fn asked(a: &Args<'_>, size: &[i64], align: bool) -> Result<()> {
    let theta = a.tensor("theta")?;
    if !theta.dtype().is_float() {
        bail!(
            Value,
            "Expected theta to have floating point type, but got torch.{}",
            theta.dtype().name()
        );
    }
    let dims = match size.len() {
        4 => 2,
        5 => 3,
        _ => bail!(
            Unsupported,
            "affine_grid only supports 4D and 5D sizes, for 2D and 3D affine transforms, respectively. Got size {size:?}."
        ),
    };
    if theta.ndim() != 3 || theta.shape()[1..] != [dims, dims + 1] {
        bail!(
            Value,
            "Expected a batch of {dims}D affine matrices of shape Nx{dims}x{} for size {size:?}. Got torch.Size({}).",
            dims + 1,
            theta.shape()
        );
    }
    let flat = align && size[2..].iter().min() == Some(&1);
    match !flat && size.iter().any(|&n| n <= 0) {
        true => Err(error!(
            Value,
            "Expected non-zero, positive output size. Got {size:?}"
        )),
        false => Ok(()),
    }
}

fn warned(a: &Args<'_>) -> Result<Vec<String>> {
    let size = a.ints("size")?;
    Ok(match a.bool_opt("align_corners")? {
        None => vec![CHANGED.to_string()],
        Some(true) if size.len() > 2 && size[2..].iter().min() == Some(&1) => vec![
            "Since version 1.3.0, affine_grid behavior has changed for unit-size grids when align_corners=True. This is not an intended use case of affine_grid. See the documentation of affine_grid for details.".to_string(),
        ],
        Some(_) => Vec::new(),
    })
}

const ABOUT: &str = "An image at the places that a grid names.";
const FORMULA: &str = "y[n, c, p] = Σ w(grid[n, p], i) x[n, c, i]";

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "grid_sample(Tensor input, Tensor grid, str mode='bilinear', str padding_mode='zeros', bool? align_corners=None) -> Tensor",
        "nn.functional",
        |a| {
            let how = (
                between(a.str("mode")?)?,
                outside(a.str("padding_mode")?)?,
                a.bool_opt("align_corners")?.unwrap_or(false),
            );
            let (x, grid) = (a.tensor("input")?, a.tensor("grid")?);
            sampled(x, grid, how, None, Location::caller()).into_value()
        },
    )
    .about(ABOUT, FORMULA)
    .warns(|a| Ok(a.bool_opt("align_corners")?.is_none().then(|| CHANGED.to_string()).into_iter().collect()))
    .units(64.0, 256.0)
    .samples(&[
        "T(1,2,3,4), T(1,2,3,2, unit), align_corners=False",
        "T(2,1,3,2), T(2,1,2,2), 'bilinear', 'border', True",
        "T(1,2,4,3), T(1,2,2,2), padding_mode='reflection', align_corners=False",
        "T(1,1,4,5), T(1,2,2,2, unit), 'bicubic', align_corners=False",
        "T(1,1,4,3), T(1,2,1,2), 'bicubic', 'border', True",
        "T(1,2,3,3), T(1,1,2,2), 'bicubic', 'reflection', False",
        "T(1,2,3,4), T(1,2,3,2), 'nearest', 'border', False",
        "T(1,1,2,3,2), T(1,1,2,2,3, unit), align_corners=False",
        "T(1,2,3,2,2), T(1,1,1,2,3), padding_mode='border', align_corners=True",
        "T(1,1,2,2,3), T(1,2,1,1,3), 'bicubic', 'reflection', False",
        "T(0,2,3,2), T(0,1,2,2), align_corners=False",
        "T(1,2,3,4).t, T(1,2,3,2).t, align_corners=True",
    ])
    .edges(&[
        "T(1,1,3,3), T[[[[0.25, 0.5], [1.0, -1.0], [-3.7, 2.0]]]], align_corners=False",
        "T(1,1,3,3), T[[[[1.0, 1.0], [-1.0, -1.0], [3.0, -2.5]]]], 'bilinear', 'border', True",
        "T(1,1,3,3), T[[[[1.0, 1.0], [-1.0, -1.0], [3.25, -2.5]]]], 'nearest', 'zeros', True",
        "T(1,1,1,1), T[[[[0.5, 0.25], [1.5, -2.0]]]], 'bilinear', 'reflection', True",
    ])
    .errors(&[
        "T(1,1,4,4), T(2,2,2,2), align_corners=False",
        "T(1,1,4,4), T(1,2,2,3), align_corners=False",
        "T(1,1,0,4), T(1,2,2,2), align_corners=False",
        "T(1,4,4), T(1,2,2), align_corners=False",
        "T(1,1,4,4), T(1,2,2,2,2), align_corners=False",
        "T(1,1,4,4).f32, T(1,2,2,2).f64, align_corners=False",
        "I(1,1,4,4, 9), T(1,2,2,2), align_corners=False",
        "T(1,1,4,4), T(1,2,2,2), mode='foo'",
        "T(1,1,4,4), T(1,2,2,2), padding_mode='foo'",
    ]),
    Function::new(
        "grid_sampler(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor",
        "torch",
        |a| numbered(a, None),
    )
    .about(ABOUT, FORMULA)
    .units(64.0, 256.0)
    .samples(&[
        "T(1,2,3,4), T(1,2,3,2, unit), 0, 0, False",
        "T(1,1,4,3), T(1,2,1,2), 2, 1, True",
        "T(1,1,2,3,2), T(1,1,2,2,3, unit), 0, 2, False",
        "T(0,2,3,2), T(0,1,2,2), 1, 0, False",
    ])
    .errors(&["T(1,4,4), T(1,2,2), 0, 0, False"]),
    Function::new(
        "grid_sampler_2d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor",
        "torch",
        |a| numbered(a, Some(2)),
    )
    .about(ABOUT, FORMULA)
    .units(64.0, 256.0)
    .samples(&[
        "T(1,2,3,4), T(1,2,3,2, unit), 0, 0, False",
        "T(1,1,4,3), T(1,2,1,2), 2, 1, True",
        "T(1,1,3,3), T(1,1,2,2), 0, 2, True",
        "T(0,2,3,2), T(0,1,2,2), 1, 0, False",
    ])
    .errors(&["T(1,1,4,4,4), T(1,2,2,2,3), 0, 0, False"]),
    Function::new(
        "grid_sampler_3d(Tensor input, Tensor grid, int interpolation_mode, int padding_mode, bool align_corners) -> Tensor",
        "torch",
        |a| numbered(a, Some(3)),
    )
    .about(ABOUT, FORMULA)
    .units(64.0, 256.0)
    .samples(&[
        "T(1,1,2,3,2), T(1,1,2,2,3, unit), 0, 0, False",
        "T(1,2,3,2,2), T(1,1,1,2,3), 0, 1, True",
        "T(1,1,2,2,3), T(1,2,1,1,3), 0, 2, False",
        "T(0,1,2,2,3), T(0,2,1,1,3), 1, 0, False",
    ])
    .errors(&["T(1,1,4,4), T(1,2,2,2), 0, 0, False"]),
    Function::new(
        "affine_grid(Tensor theta, int[] size, bool? align_corners=None) -> Tensor",
        "nn.functional",
        |a| {
            let (size, align) = (a.ints("size")?, a.bool_opt("align_corners")?.unwrap_or(false));
            asked(a, &size, align)?;
            a.tensor("theta")?.affine_grid_generator(&size, align).into_value()
        },
    )
    .about("The places that affine maps give the elements of an image.", "θ[n]·(x, y, 1)")
    .node("AffineGridGeneratorBackward0")
    .warns(warned)
    .units(16.0, 64.0)
    .samples(&[
        "T(2,2,3), [2, 1, 2, 1], align_corners=False",
        "T(1,2,3), [1, 2, 3, 2], align_corners=True",
        "T(1,3,4), [1, 1, 2, 1, 2], align_corners=False",
        "T(2,3,4), [2, 1, 1, 2, 2], True",
        "T(1,2,3).t, [1, 1, 1, 2], align_corners=False",
    ])
    .edges(&["T(2,2,3), [2, 1, 4, 3], align_corners=False", "T(1,3,4), [1, 1, 2, 3, 5], align_corners=False"])
    .errors(&[
        "I(1,2,3), (1, 1, 2, 2)",
        "T(1,2,4), (1, 1, 2, 2), align_corners=False",
        "T(1,2,3), (1, 1, 2, 2, 2), align_corners=False",
        "T(1,2,3), (1, 1, 2), align_corners=False",
        "T(1,2,3), (1, 1, 0, 2), align_corners=False",
        "T(2,2,3), (1, 1, 2, 2), align_corners=False",
    ]),
    Function::new(
        "affine_grid_generator(Tensor theta, int[] size, bool align_corners) -> Tensor",
        "torch",
        |a| {
            let (size, align) = (a.ints("size")?, a.bool("align_corners")?);
            a.tensor("theta")?.affine_grid_generator(&size, align).into_value()
        },
    )
    .about("The places that affine maps give the elements of an image.", "θ[n]·(x, y, 1)")
    .node("AffineGridGeneratorBackward0")
    .units(16.0, 64.0)
    .samples(&[
        "T(2,2,3), [2, 1, 2, 1], False",
        "T(1,2,3), [1, 2, 3, 2], True",
        "T(1,3,4), [1, 1, 2, 1, 2], False",
        "T(1,3,4), [1, 1, 1, 2, 2], True",
    ])
    .edges(&["T(2,2,3), [2, 1, 4, 3], False"])
    .errors(&["T(1,2,3), (1, 1, 2), False",
        "T(2,2,3), (1, 1, 2, 2), False"]),
];
