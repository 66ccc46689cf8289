//! Images in other sizes.

use crate::call::Args;
use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::core::fail::error;
use crate::{Error, Interpolate, Result};

/// A size as PyTorch takes it: one number for all dimensions, or one for each.
fn sizes(v: &Value, dims: usize) -> Result<Option<Vec<i64>>> {
    let wrong = || -> Error {
        error!(
            Type,
            "expected size to be one of int or Tuple[int] or Tuple[int, int] or Tuple[int, int, int], but got {v:?}"
        )
    };
    let one = |v: &Value| match v {
        Value::Int(n) => Ok(*n),
        Value::Tensor(t) if t.ndim() == 0 && !t.dtype().is_float() => Ok(t.item_f64()? as i64),
        _ => Err(wrong()),
    };
    Ok(match v {
        Value::None => None,
        Value::List(list) => Some(list.iter().map(one).collect::<Result<_>>()?),
        v => Some(vec![one(v)?; dims]),
    })
}

/// Factors, likewise.
fn factors(v: &Value, dims: usize) -> Result<Option<Vec<f64>>> {
    let one = |v: &Value| match (v, v.number()) {
        (Value::Bool(_), _) | (_, None) => Err(error!(
            Type,
            "expected scale_factor to be one of float or Tuple[float] or Tuple[float, float] or Tuple[float, float, float], but got {v:?}"
        )),
        (_, Some(n)) => Ok(n.to_f64()),
    };
    Ok(match v {
        Value::None => None,
        Value::List(list) => Some(list.iter().map(one).collect::<Result<_>>()?),
        v => Some(vec![one(v)?; dims]),
    })
}

/// Size and factor, and what else is said.
fn resized(a: &Args<'_>, options: Interpolate<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let dims = x.ndim().saturating_sub(2);
    let size = sizes(a.value("size")?, dims)?;
    let factor = factors(a.value("scale_factor")?, dims)?;
    x.interpolate(Interpolate {
        size: size.as_deref(),
        scale_factor: factor.as_deref(),
        ..options
    })?
    .into_value()
}

/// Means are those of adaptive pooling; the others have names of their own.
fn node(a: &Args<'_>) -> Result<&'static str> {
    Ok(match (a.str("mode")?, a.tensor("input")?.ndim()) {
        ("area", 3) => "SqueezeBackward1",
        ("area", 4) => "AdaptiveAvgPool2DBackward0",
        ("area", 5) => "AdaptiveAvgPool3DBackward0",
        _ => "",
    })
}

fn old(name: &str) -> Result<Vec<String>> {
    Ok(vec![format!(
        "`nn.functional.{name}` is deprecated. Use `nn.functional.interpolate` instead."
    )])
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "interpolate(Tensor input, any? size=None, any? scale_factor=None, str mode='nearest', bool? align_corners=None, bool? recompute_scale_factor=None, bool antialias=False) -> Tensor",
        "nn.functional",
        |a| {
            let options = Interpolate {
                align_corners: a.bool_opt("align_corners")?,
                recompute_scale_factor: a.bool_opt("recompute_scale_factor")?,
                antialias: a.bool("antialias")?,
                ..Interpolate::size(&[]).mode(a.str("mode")?)
            };
            resized(a, options)
        },
    )
    .about("Images in another size.", "y[i] = Σ w(i, k) x[k]")
    .node_by(node)
    .units(16.0, 64.0)
    .samples(&[
        "T(1,2,4), 3",
        "T(2,1,3,2), None, 2.0",
        "T(1,1,3,4), (5, 3), mode='nearest-exact'",
        "T(1,1,2,3,2), None, [1.5, 2.0, 2.5]",
        "T(1,2,3), 5, mode='linear'",
        "T(1,2,4), 3, mode='linear', align_corners=True",
        "T(1,2,3,4), (5, 6), mode='bilinear'",
        "T(2,1,4,3), None, (0.6, 1.7), 'bilinear', False",
        "T(1,1,4,3), None, 1.7, 'bilinear', True, True",
        "T(1,1,3,4), (7, 2), mode='bicubic'",
        "T(1,1,4,4), (3, 6), mode='bicubic', align_corners=True",
        "T(1,1,2,3,2), 3, mode='trilinear'",
        "T(1,1,3,2,2), (2, 4, 3), mode='trilinear', align_corners=True",
        "T(1,2,5,4), (2, 3), mode='area'",
        "T(1,2,5), 2, mode='area'",
        "T(1,1,4,2,3), None, 0.5, mode='area'",
        "T(1,1,6,5), (3, 2), mode='bilinear', antialias=True",
        "T(1,1,3,6), (4, 2), mode='bicubic', antialias=True",
        "T(1,1,7,4), (3, 6), mode='lanczos', antialias=True",
        "T(0,1,3,2), 4, mode='bilinear'",
    ])
    .edges(&[
        "T[[[[1.0, inf], [nan, 2.0]]]], 3",
        "T(1,1,1,1), 4, mode='bicubic'",
        "T(1,1,3,3), 1, mode='bilinear', align_corners=True",
        "T(1,1,3,3), 3, mode='bilinear'",
        "T(1,1,3,4), None, [2.4, 1.4]",
        "T(1,3,6,4).t, (3, 2), mode='bilinear'",
    ])
    .errors(&[
        "T(1,1,4), 0",
        "T(1,1,4,4), (2, 0)",
        "T(1,1,2,2,2), -1",
        "T(1,0,4,4), 2",
        "T(1,1,0), 2",
        "T(1,1,4,4), [2]",
        "T(1,1,4,4), [2.5, 2]",
        "T(1,1,4,4), None, [2.5]",
        "T(1,1,4,4), 2, 2.0",
        "T(1,1,4,4)",
        "T(4,4), 2",
        "T(1,1,4,4), 2, mode='linear'",
        "T(1,1,4), 2, mode='trilinear'",
        "T(1,1,4), 2, mode='bicubic'",
        "T(1,1,4,4), 2, mode='foo'",
        "T(1,1,4,4), 2, align_corners=False",
        "T(1,1,4,4), 2, mode='bilinear', recompute_scale_factor=True",
        "T(1,1,4), 2, mode='linear', antialias=True",
        "T(1,1,4,4), 2, mode='lanczos'",
        "T(1,1,4,4), -2, mode='area'",
        "I(1,3,4,4, 9), 2",
    ]),
    Function::new(
        "upsample(Tensor input, any? size=None, any? scale_factor=None, str mode='nearest', bool? align_corners=None) -> Tensor",
        "nn.functional",
        |a| {
            let options = Interpolate {
                align_corners: a.bool_opt("align_corners")?,
                ..Interpolate::size(&[]).mode(a.str("mode")?)
            };
            resized(a, options)
        },
    )
    .about("Images in another size, by the old name of `interpolate`.", "y[i] = Σ w(i, k) x[k]")
    .node_by(node)
    .warns(|_| old("upsample"))
    .units(16.0, 64.0)
    .samples(&[
        "T(1,2,4), 3",
        "T(1,1,3,2), None, 2.0",
        "T(1,1,3,4), 5, mode='bilinear'",
        "T(1,1,3,4), None, 1.5, 'bicubic', True",
        "T(0,1,3,2), 4",
    ])
    .errors(&["T(1,1,4,4)", "T(1,1,4,4), 2, 2.0"]),
    Function::new(
        "upsample_nearest(Tensor input, any? size=None, any? scale_factor=None) -> Tensor",
        "nn.functional",
        |a| resized(a, Interpolate::size(&[])),
    )
    .about("The nearest elements, in another size.", "y[i] = x[⌊i·n/m⌋]")
    .warns(|_| old("upsample_nearest"))
    .exact()
    .samples(&[
        "T(1,2,4), 3",
        "T(1,1,3,2), None, 2.0",
        "T(1,1,2,3,2), (3, 2, 4)",
        "T(0,1,3,2), 4",
    ])
    .errors(&["T(4,4), 2"]),
    Function::new(
        "upsample_bilinear(Tensor input, any? size=None, any? scale_factor=None) -> Tensor",
        "nn.functional",
        |a| {
            let options = Interpolate {
                align_corners: Some(true),
                ..Interpolate::size(&[]).mode("bilinear")
            };
            resized(a, options)
        },
    )
    .about("Straight lines between elements, in another size whose corners are the image's.", "y[i] = Σ w(i, k) x[k]")
    .warns(|_| old("upsample_bilinear"))
    .units(16.0, 64.0)
    .samples(&[
        "T(1,2,3,4), (5, 6)",
        "T(2,1,3,2), None, 2.0",
        "T(1,1,4,3), None, (0.5, 1.5)",
        "T(0,1,3,2), 4",
    ])
    .errors(&["T(1,1,4), 2"]),
];
