//! Slopes and areas of sampled functions.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, ensure};
use crate::ops::math::functions::calculus::{list, neighbours};
use crate::{DType, Result, Tensor, cat};

/// Two heights for each interval, and its width as a tensor or a number.
enum Width {
    Even(f64),
    Each(Tensor),
}

fn widths(a: &Args<'_>, y: &Tensor, dim: usize) -> Result<Width> {
    let Ok(Some(x)) = a.tensor_opt("x") else {
        return Ok(Width::Even(a.float("dx")?));
    };
    ensure!(
        x.ndim() != 0,
        Index,
        "{}: x must be at least one-dimensional",
        a.name()
    );
    ensure!(
        y.ndim() != 0,
        Index,
        "Dimension specified as 0 but tensor has no dimensions"
    );
    let name = a.name().replace("trapz", "trapezoid");
    let mut shape = vec![1i64; y.ndim()];
    let x = if x.ndim() == 1 {
        ensure!(
            x.numel() == y.shape()[dim],
            Shape,
            "{name}: There must be one `x` value for each sample point"
        );
        shape[dim] = x.numel() as i64;
        x.reshape(shape)?
    } else if x.ndim() < y.ndim() {
        let lead = y.ndim() - x.ndim();
        for (s, &n) in shape[lead..].iter_mut().zip(x.shape().iter()) {
            *s = n as i64;
        }
        x.reshape(shape)?
    } else {
        x.clone()
    };
    if dim >= x.ndim() || x.shape()[dim] == 0 {
        return Ok(Width::Each(x));
    }
    let (left, right) = neighbours(&x, dim)?;
    Ok(Width::Each(right.sub(&left)?))
}

/// Twice the areas of the trapezoids between samples.
fn trapezoids(a: &Args<'_>) -> Result<(Tensor, usize, f64)> {
    let y = a.tensor("y")?;
    let dim = y.shape().dim(a.int("dim")?)?;
    let x = a.tensor_opt("x").ok().flatten();
    if [Some(y), x]
        .into_iter()
        .flatten()
        .any(|t| t.dtype() == DType::Bool)
    {
        bail!(
            Unsupported,
            "{}: received a bool input for {}, but bool is not supported",
            a.name().replace("trapz", "trapezoid"),
            if x.is_some() { "`x` or `y`" } else { "`y`" }
        );
    }
    let widths = widths(a, y, dim)?;
    ensure!(
        y.ndim() != 0,
        Index,
        "Dimension specified as 0 but tensor has no dimensions"
    );
    let (left, right) = neighbours(y, dim)?;
    let heights = left.add(&right)?;
    match widths {
        Width::Even(dx) => Ok((heights, dim, dx / 2.0)),
        Width::Each(dx) => Ok((heights.mul(&dx)?, dim, 0.5)),
    }
}

fn trapezoid(a: &Args<'_>) -> Result<Value> {
    let y = a.tensor("y")?;
    let dim = y.shape().dim(a.int("dim")?)?;
    if y.shape().get(dim) == Some(&0) {
        // No interval: an area of 0, in the dtype asked of sums.
        return y.sum_dims(&[dim as i64], false)?.to(y.dtype()).into_value();
    }
    let (areas, dim, half) = trapezoids(a)?;
    areas.sum_dims(&[dim as i64], false)?.mul(half).into_value()
}

fn cumulative(a: &Args<'_>) -> Result<Value> {
    let (areas, dim, half) = trapezoids(a)?;
    areas.mul(half)?.cumsum(dim as i64).into_value()
}

/// How far apart samples lie along one dimension.
enum Spacing {
    Even(f64),
    At(Tensor),
}

fn spacings(a: &Args<'_>, rank: usize) -> Result<(Vec<usize>, Vec<Spacing>)> {
    let x = a.tensor("input")?;
    let dims: Vec<usize> = match a.ints_opt("dim")? {
        Some(dims) => (dims.iter())
            .map(|&d| x.shape().dim(d))
            .collect::<Result<_>>()?,
        None => (0..rank).collect(),
    };
    let one = |v: &Value| -> Result<Spacing> {
        match v {
            Value::Tensor(t) => Ok(Spacing::At(t.clone())),
            v => match v.number() {
                Some(n) => Ok(Spacing::Even(n.to_f64())),
                None => Err(crate::call::wrong_type(
                    "gradient", "spacing", "Number", v, None,
                )),
            },
        }
    };
    let given = match a.value("spacing")? {
        Value::None => vec![],
        v => match list(v) {
            Some(list) => list.iter().map(one).collect::<Result<Vec<_>>>()?,
            None => {
                let n = one(v)?;
                let n = match n {
                    Spacing::Even(n) => n,
                    Spacing::At(t) if t.ndim() == 0 => t.item_f64()?,
                    Spacing::At(_) => {
                        return Err(crate::call::wrong_type(
                            "gradient",
                            "spacing",
                            "tuple of Tensors",
                            v,
                            None,
                        ));
                    }
                };
                dims.iter().map(|_| Spacing::Even(n)).collect()
            }
        },
    };
    if given.is_empty() {
        return Ok((
            dims.clone(),
            dims.iter().map(|_| Spacing::Even(1.0)).collect(),
        ));
    }
    ensure!(
        given.len() == dims.len(),
        Shape,
        "{}",
        match a.ints_opt("dim")? {
            None => format!(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = {rank}', since dim argument was not given, but got a list of length {}",
                given.len()
            ),
            Some(dims) => format!(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but got a spacing argument of length {} and a dim argument of length {}.",
                given.len(),
                dims.len()
            ),
        }
    );
    Ok((dims, given))
}

/// Differences along one dimension: central inside, one-sided at both ends.
fn slope(x: &Tensor, dim: usize, spacing: &Spacing, edge: i64) -> Result<Tensor> {
    let (n, d) = (x.shape()[dim], dim as i64);
    let part = |from: usize, len: usize| x.narrow(d, from, len);
    let at = |i: usize| part(i, 1);
    let mut shape = vec![1i64; x.ndim()];
    shape[dim] = -1;
    match spacing {
        Spacing::Even(h) => {
            let inside = part(2, n - 2)?.sub(&part(0, n - 2)?)?.div(2.0 * h)?;
            let (first, last) = if edge == 1 {
                (
                    at(1)?.sub(&at(0)?)?.div(*h)?,
                    at(n - 1)?.sub(&at(n - 2)?)?.div(*h)?,
                )
            } else {
                let three = |a: Tensor, b: Tensor, c: Tensor| -> Result<Tensor> {
                    a.mul(-1.5)?.add(&b.mul(2.0)?)?.sub(&c.mul(0.5)?)?.div(*h)
                };
                (
                    three(at(0)?, at(1)?, at(2)?)?,
                    three(at(n - 1)?, at(n - 2)?, at(n - 3)?)?.neg()?,
                )
            };
            cat(&[&first, &inside, &last], d)
        }
        Spacing::At(t) => {
            let t = t.reshape(shape)?;
            let (left, right) = neighbours(&t, dim)?;
            let gap = right.sub(&left)?;
            let gaps = |from: usize, len: usize| gap.narrow(d, from, len);
            let (h1, h2) = (gaps(0, n - 2)?, gaps(1, n - 2)?);
            let both = h1.add(&h2)?;
            let a = h2.neg()?.div(&h1.mul(&both)?)?;
            let b = h2.sub(&h1)?.div(&h1.mul(&h2)?)?;
            let c = h1.div(&h2.mul(&both)?)?;
            let inside = (a.mul(&part(0, n - 2)?)?)
                .add(&b.mul(&part(1, n - 2)?)?)?
                .add(&c.mul(&part(2, n - 2)?)?)?;
            let (first, last) = if edge == 1 {
                (
                    at(1)?.sub(&at(0)?)?.div(&gaps(0, 1)?)?,
                    at(n - 1)?.sub(&at(n - 2)?)?.div(&gaps(n - 2, 1)?)?,
                )
            } else {
                let (h1, h2) = (gaps(0, 1)?, gaps(1, 1)?);
                let both = h1.add(&h2)?;
                let first = (h1
                    .mul(2.0)?
                    .add(&h2)?
                    .neg()?
                    .div(&h1.mul(&both)?)?
                    .mul(&at(0)?)?)
                .add(&both.div(&h1.mul(&h2)?)?.mul(&at(1)?)?)?
                .sub(&h1.div(&h2.mul(&both)?)?.mul(&at(2)?)?)?;
                let (h1, h2) = (gaps(n - 3, 1)?, gaps(n - 2, 1)?);
                let both = h1.add(&h2)?;
                let last = (h2.div(&h1.mul(&both)?)?.mul(&at(n - 3)?)?)
                    .sub(&both.div(&h1.mul(&h2)?)?.mul(&at(n - 2)?)?)?
                    .add(
                        &h2.mul(2.0)?
                            .add(&h1)?
                            .div(&h2.mul(&both)?)?
                            .mul(&at(n - 1)?)?,
                    )?;
                (first, last)
            };
            cat(&[&first, &inside, &last], d)
        }
    }
}

fn gradient(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let edge = a.int("edge_order")?;
    let (dims, spacings) = spacings(a, x.ndim())?;
    if edge != 1 && edge != 2 {
        bail!(
            Shape,
            "torch.gradient only supports edge_order=1 and edge_order=2."
        );
    }
    let mut seen = Vec::new();
    for &d in &dims {
        if seen.contains(&d) {
            bail!(Shape, "dim {d} appears multiple times in the list of dims");
        }
        seen.push(d);
    }
    for (&d, spacing) in dims.iter().zip(&spacings) {
        let n = x.shape().get(d).copied().unwrap_or(1);
        if n <= edge as usize {
            bail!(
                Shape,
                "torch.gradient expected each dimension size to be at least edge_order+1"
            );
        }
        if let Spacing::At(t) = spacing
            && (t.ndim() != 1 || t.numel() != n)
        {
            bail!(
                Shape,
                "{}",
                match t.ndim() {
                    1 => format!(
                        "torch.gradient expected spacing and input to have the same length along dimension {d}, but got {} and {n}",
                        t.numel()
                    ),
                    r => format!(
                        "torch.gradient expected each element of spacing to have one dimension, but got an element with {r} dimensions!"
                    ),
                }
            );
        }
    }
    let parts = (dims.iter().zip(&spacings))
        .map(|(&d, s)| slope(x, d, s, edge))
        .collect::<Result<Vec<_>>>()?;
    Value::tuple(parts)
}

const TRAPEZOIDS: &[&str] = &[
    "T(4)",
    "T(2,3), dx=0.5",
    "T(2,3), dim=0",
    "T(3,4).t, dx=2, dim=-1",
    "I(3, 5)",
    "T(2,3), dim=-2",
];
const TRAPEZOIDS_AT: &[&str] = &[
    "T(4), T(4)",
    "T(2,3), T(3)",
    "T(2,3), T(2), dim=0",
    "T(2,3), T(2,3)",
    "T(2,2,3), T(2,3), dim=-1",
    "T(2,3), T(2,1), dim=0",
];

macro_rules! trapezoid {
    ($with:literal, $without:literal, $f:ident, $about:literal, $formula:literal) => {
        [
            Function::new($with, "torch", $f)
                .about($about, $formula)
                .samples(TRAPEZOIDS_AT)
                .errors(&["T(3), T(2)", "T(2,3), T(3), dim=5"]),
            Function::new($without, "torch", $f)
                .about($about, $formula)
                .samples(TRAPEZOIDS)
                .errors(&["T(2,3), dim=2", "B(3)"]),
        ]
    };
}
const AREA: [Function; 2] = trapezoid!(
    "trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
    "trapezoid(Tensor y, *, number dx=1, int dim=-1) -> Tensor",
    trapezoid,
    "The area under samples of a function, by trapezoids.",
    "Σ (yᵢ + yᵢ₊₁)(xᵢ₊₁ - xᵢ)/2"
);
const AREA_SHORT: [Function; 2] = trapezoid!(
    "trapz(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
    "trapz(Tensor y, *, number dx=1, int dim=-1) -> Tensor",
    trapezoid,
    "As `trapezoid`.",
    "Σ (yᵢ + yᵢ₊₁)(xᵢ₊₁ - xᵢ)/2"
);
const AREAS: [Function; 2] = trapezoid!(
    "cumulative_trapezoid(Tensor y, Tensor x, *, int dim=-1) -> Tensor",
    "cumulative_trapezoid(Tensor y, *, number dx=1, int dim=-1) -> Tensor",
    cumulative,
    "The areas up to each sample of a function, by trapezoids.",
    "Σ over k ≤ i of (yₖ + yₖ₊₁)(xₖ₊₁ - xₖ)/2"
);

pub(in crate::ops) static LIST: &[Function] = &[
    AREA[0],
    AREA[1],
    AREA_SHORT[0],
    AREA_SHORT[1],
    AREAS[0],
    AREAS[1],
    Function::new("gradient(Tensor input, *, any spacing=None, int[]? dim=None, int edge_order=1) -> Tensor[]", "torch", gradient)
        .about("The slopes of a sampled function along each dimension, by differences.", "(xᵢ₊₁ - xᵢ₋₁)/(tᵢ₊₁ - tᵢ₋₁)")
        .samples(&["T(4)", "T(3,4)", "T(3,4), dim=1", "T(5), spacing=0.5", "T(3,4), spacing=[0.5, 2.0]", "T(4), spacing=[T[0.0, 1.0, 3.0, 3.5]]", "T(3,3), spacing=[T[0.0, 1.0, 3.0], T[0.0, 0.5, 2.0]]", "T(5), edge_order=2", "T(5), spacing=[T[0.0, 1.0, 3.0, 3.5, 5.0]], edge_order=2", "T(4,3).t, dim=(0, -1)", "T(3,4), dim=(1,), spacing=[2.0]"])
        .errors(&["T(1)", "T(3,4), dim=(0, 0)", "T(4), edge_order=3", "T(4), spacing=[1.0, 2.0]"]),
];
