//! Differences and areas of sampled functions, histograms, the commonest element, numbers taken apart, powers of matrices.

use super::value::{IntoValue, Value};
use super::{Args, Function};
use crate::apply::apply;
use crate::{DType, Error, ErrorKind, Number, Result, Tensor, cat, ops};
use std::panic::Location;

fn wrong(text: impl Into<String>) -> Error {
    Error::new(ErrorKind::Shape, text.into())
}

/// The list of numbers, or of tensors, that an argument of any type is.
fn list(v: &Value) -> Option<&[Value]> {
    match v {
        Value::List(list) => Some(list),
        _ => None,
    }
}

/// All but the last and all but the first along a dimension.
fn neighbours(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor)> {
    let (n, dim) = (x.shape()[dim], dim as i64);
    Ok((x.narrow(dim, 0, n - 1)?, x.narrow(dim, 1, n - 1)?))
}

/// Two heights for each interval, and its width as a tensor or a number.
enum Width {
    Even(f64),
    Each(Tensor),
}

fn widths(a: &Args<'_>, y: &Tensor, dim: usize) -> Result<Width> {
    let Ok(Some(x)) = a.tensor_opt("x") else {
        return Ok(Width::Even(a.float("dx")?));
    };
    if x.ndim() == 0 {
        return Err(Error::new(
            ErrorKind::Index,
            format!("{}: x must be at least one-dimensional", a.name()),
        ));
    }
    let name = a.name().replace("trapz", "trapezoid");
    let mut shape = vec![1i64; y.ndim()];
    let x = if x.ndim() == 1 {
        if x.numel() != y.shape()[dim] {
            return Err(wrong(format!(
                "{name}: There must be one `x` value for each sample point"
            )));
        }
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
        return Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "{}: received a bool input for {}, but bool is not supported",
                a.name().replace("trapz", "trapezoid"),
                if x.is_some() { "`x` or `y`" } else { "`y`" }
            ),
        ));
    }
    let widths = widths(a, y, dim)?;
    if y.ndim() == 0 {
        return Err(Error::new(
            ErrorKind::Index,
            "Dimension specified as 0 but tensor has no dimensions",
        ));
    }
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
                None => Err(super::value::wrong_type(
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
                        return Err(super::value::wrong_type(
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
    if given.len() != dims.len() {
        return Err(wrong(match a.ints_opt("dim")? {
            None => format!(
                "torch.gradient expected spacing to be unspecified, a scalar, or a list of length equal to 'self.dim() = {rank}', since dim argument was not given, but got a list of length {}",
                given.len()
            ),
            Some(dims) => format!(
                "torch.gradient expected spacing to be unspecified, a scalar or it's spacing and dim arguments to have the same length, but got a spacing argument of length {} and a dim argument of length {}.",
                given.len(),
                dims.len()
            ),
        }));
    }
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
        return Err(wrong(
            "torch.gradient only supports edge_order=1 and edge_order=2.",
        ));
    }
    let mut seen = Vec::new();
    for &d in &dims {
        if seen.contains(&d) {
            return Err(wrong(format!(
                "dim {d} appears multiple times in the list of dims"
            )));
        }
        seen.push(d);
    }
    for (&d, spacing) in dims.iter().zip(&spacings) {
        let n = x.shape().get(d).copied().unwrap_or(1);
        if n <= edge as usize {
            return Err(wrong(format!(
                "torch.gradient expected each dimension size to be at least edge_order+1",
            )));
        }
        if let Spacing::At(t) = spacing
            && (t.ndim() != 1 || t.numel() != n)
        {
            return Err(wrong(match t.ndim() {
                1 => format!(
                    "torch.gradient expected spacing and input to have the same length along dimension {d}, but got {} and {n}",
                    t.numel()
                ),
                r => format!(
                    "torch.gradient expected each element of spacing to have one dimension, but got an element with {r} dimensions!"
                ),
            }));
        }
    }
    let parts = (dims.iter().zip(&spacings))
        .map(|(&d, s)| slope(x, d, s, edge))
        .collect::<Result<Vec<_>>>()?;
    Value::tuple(parts)
}

/// Slices along a dimension whose norm is too large, made shorter.
fn renorm(a: &Args<'_>) -> Result<Value> {
    let (x, p) = (a.tensor("input")?, a.float("p")?);
    let most = a.float("maxnorm")?;
    if !x.dtype().is_float() {
        return Err(wrong("renorm: expected a floating or complex dtype"));
    }
    let dim = x.shape().dim(a.int("dim")?)?;
    if p <= 0.0 {
        return Err(wrong("renorm: non-positive-norm not supported"));
    }
    if most < 0.0 {
        return Err(wrong(format!(
            "renorm: expected maxnorm to be >= 0 but got {most}"
        )));
    }
    if x.ndim() < 2 {
        return Err(wrong(format!(
            "renorm: input needs at least 2 dimensions, got {} dimensions",
            x.ndim()
        )));
    }
    let others: Vec<i64> = (0..x.ndim())
        .filter(|&d| d != dim)
        .map(|d| d as i64)
        .collect();
    let norm = x.vector_norm(p, &others, true, None)?;
    let long = norm.detach().gt(most)?;
    // Rounded where it is used: a replay in another dtype has its own.
    let number = |n: f64| Tensor::full([], n, DType::Dd)?.to(x.dtype());
    let factor = norm
        .add(&number(1e-7)?)?
        .reciprocal()?
        .mul(&number(most)?)?;
    let factor = factor.where_(&long, 1.0)?;
    x.mul(&factor).into_value()
}

/// Edges of bins of one width, and what is in them.
fn binned(x: &Tensor, edges: ops::BinEdges, weight: Option<&Tensor>) -> Result<(Tensor, Tensor)> {
    let site = Location::caller();
    let edges = apply(edges, &[x], site)?;
    Ok((counted(x, &edges, weight)?, edges))
}

fn counted(x: &Tensor, edges: &Tensor, weight: Option<&Tensor>) -> Result<Tensor> {
    let site = Location::caller();
    match weight {
        Some(w) => apply(ops::BinCounts, &[x, edges, w], site),
        None => apply(ops::BinCounts, &[x, edges], site),
    }
}

fn needs_float(name: &str, x: &Tensor) -> Result<()> {
    match x.dtype().is_float() {
        true => Ok(()),
        false => Err(Error::new(
            ErrorKind::Unsupported,
            format!(
                "\"{name}\" not implemented for '{}'",
                x.dtype().scalar_type_name()
            ),
        )),
    }
}

fn some_bins(bins: i64) -> Result<()> {
    match bins > 0 {
        true => Ok(()),
        false => Err(wrong(format!(
            "torch.histogram(): bins must be > 0, but got {bins} for dimension 0"
        ))),
    }
}

fn histc(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?.detach();
    needs_float("histogram_cpu", &x)?;
    let bins = a.int("bins")?;
    let (low, high) = (a.float("min")?, a.float("max")?);
    some_bins(bins)?;
    if low > high {
        return Err(wrong("torch.histc: max must be larger than min"));
    }
    let edges = ops::BinEdges {
        bins: bins as usize,
        range: (low, high),
        apart: 1.0,
        name: "torch.histc: range of",
    };
    binned(&x, edges, None)?.0.into_value()
}

fn histogram(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?.detach();
    let weight = a.tensor_opt("weight")?.map(Tensor::detach);
    let (mut found, edges) = match a.value("bins")? {
        Value::Tensor(t) => {
            if t.dtype() != x.dtype() {
                return Err(wrong(format!(
                    "torch.histogram: input tensor and bins tensors should have the same dtype, but got input with dtype {} and bins with dtype {}",
                    x.dtype().scalar_type_name(),
                    t.dtype().scalar_type_name()
                )));
            }
            (counted(&x, &t.detach(), weight.as_ref())?, t.detach())
        }
        v => {
            needs_float("histogramdd", &x)?;
            let Some(bins) = v.number().map(Number::cast::<i64>) else {
                return Err(super::value::wrong_type(
                    "histogram",
                    "bins",
                    "int",
                    v,
                    None,
                ));
            };
            some_bins(bins)?;
            let range = match a.value("range")? {
                Value::None => (0.0, 0.0),
                v => match list(v).map(|l| {
                    l.iter()
                        .filter_map(Value::number)
                        .map(Number::to_f64)
                        .collect::<Vec<_>>()
                }) {
                    Some(l) if l.len() == 2 => (l[0], l[1]),
                    _ => return Err(wrong("torch.histogram: range should have 2 elements")),
                },
            };
            if range.0 > range.1 {
                return Err(wrong(format!(
                    "torch.histogramdd: min should not exceed max, but got min {} max {} for dimension 0",
                    range.0, range.1
                )));
            }
            let (low, high) = match x.numel() == 0 && range.0 == range.1 {
                true => (0.0, 1.0),
                false => range,
            };
            let edges = ops::BinEdges {
                bins: bins as usize,
                range: (low, high),
                apart: 0.5,
                name: "torch.histogramdd: dimension 0's range",
            };
            binned(&x, edges, weight.as_ref())?
        }
    };
    if a.bool("density")? {
        let (left, right) = neighbours(&edges, 0)?;
        found = found.div(&found.sum()?)?.div(&right.sub(&left)?)?;
    }
    Value::tuple([found, edges])
}

fn matrix_power(a: &Args<'_>) -> Result<Value> {
    let (x, n) = (a.tensor("input")?, a.int("n")?);
    let r = x.ndim();
    if r < 2 {
        return Err(wrong(
            "linalg.matrix_power: The input tensor A must have at least 2 dimensions.",
        ));
    }
    let (rows, columns) = (x.shape()[r - 2], x.shape()[r - 1]);
    if rows != columns {
        return Err(wrong(format!(
            "linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices"
        )));
    }
    if n < 0 {
        return Err(Error::new(
            ErrorKind::Unsupported,
            "linalg.matrix_power: a negative power needs an inverse, which does not exist here yet",
        ));
    }
    if n == 0 {
        let eye = crate::eye(rows as i64, None, x.dtype())?;
        return super::draw::without_slope(eye.expand_as(x)?.copy()?, &[x]);
    }
    if n == 1 {
        return x.copy().into_value();
    }
    if n == 3 {
        return x.matmul(x)?.matmul(x).into_value();
    }
    let (mut square, mut product, mut left) = (x.clone(), None, n);
    loop {
        if left & 1 == 1 {
            product = Some(match product {
                None => square.clone(),
                Some(p) => square.matmul(&p)?,
            });
        }
        left >>= 1;
        match (left, product) {
            (0, Some(p)) => return p.into_value(),
            (_, p) => product = p,
        }
        square = square.matmul(&square)?;
    }
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

pub(super) static LIST: &[Function] = &[
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
    Function::new("renorm(Tensor input, number p, int dim, number maxnorm) -> Tensor", "torch Tensor", renorm)
        .node("RenormBackward0")
    .about("Slices along a dimension whose norm exceeds a bound, shortened to it.", "x·min(1, maxnorm/(‖x‖ₚ + 10⁻⁷))")
        .in_place()
        .units(8.0, 64.0)
        .samples(&["T(2,3), 2, 0, 1.0", "T(2,3), 1, 1, 0.5", "T(3,2).t, 3.0, -1, 1", "T(2,2,3), 2, 1, 2.0", "T(2,3), 2, 0, 100.0"])
        .errors(&["T(3), 2, 0, 1.0", "T(2,3), -1, 0, 1.0", "T(2,3), 2, 0, -1.0", "T(2,3), 2, 5, 1.0"]),
    Function::new("histc(Tensor input, int bins=100, number min=0, number max=0) -> Tensor", "torch Tensor", histc)
        .about("How many elements fall into each of several bins of one width.", "#{i : xᵢ in bin k}")
        .exact()
        .samples(&["T(2,3), 4", "T(6), 5, -1, 1", "T(3,2).t, 3, min=-2, max=2", "T(0), 3, 0, 1", "T(), 2"])
        .edges(&["T[1.0, 1.0], 4", "T[0.0, 1.0, 2.0, 3.0], 3, 0, 3", "T[0.0, nan, 1.0], 2, 0, 1"])
        .errors(&["T(3), 0", "T(3), 2, 1, 0", "T[1.0, inf], 3", "I(3, 5), 3"]),
    Function::new("histogram(Tensor input, any bins=100, *, any range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)", "torch Tensor", histogram)
        .about("How many elements, or how much weight, fall into each bin, and the bins' edges.", "#{i : xᵢ in bin k}")
        .units(2.0, 16.0)
        .samples(&["T(2,3), 4", "T(6), 5, range=(-1.0, 1.0)", "T(3,2).t, T[-2.0, 0.0, 0.5, 2.0]", "T(6), 3, weight=T(6)", "T(6), 3, density=True", "T(0), 3"])
        .errors(&["T(3), 0", "T(3), 2, range=(1.0, 0.0)", "I(3, 5), 3"]),
    Function::new("mode(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.mode(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
        .about("The commonest element along a dimension, the smallest of several, and where it stands last.", "xₖ with #{j : xⱼ = xₖ} largest")
        .exact()
        .samples(&["T(4)", "T(2,3), 0", "T(2,3).t, 1, True", "T()", "T(2,3,2), -2", "I[[3, 1, 3], [2, 2, 1]], -1", "B[True, False, False]"])
        .edges(&["T[1.0, 2.0, 2.0, 3.0]", "T[[1.0, 1.0, 2.0], [3.0, 4.0, 4.0]], 1", "T[[1.0, 1.0, 2.0], [1.0, 4.0, 4.0]].t, 0, True", "T[inf, inf, -inf]"])
        .errors(&["T(2,3), 5", "T(0,3), 0"]),
    Function::new("frexp(Tensor input) -> (Tensor mantissa, Tensor exponent)", "torch Tensor", |a| a.tensor("input")?.frexp().into_value())
        .about("A number as a mantissa in [½, 1) and a power of two.", "x = m·2ᵉ")
        .exact()
        .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "T[1000.0, -0.001, 0.6, 1.7]"])
        .edges(&["T[0.0, -0.0, inf, -inf, nan, 1e-40, 1e38, 0.5, 1.0]"])
        .errors(&["I(3, 5)"]),
    Function::new("matrix_power(Tensor input, int n) -> Tensor", "torch Tensor linalg", matrix_power)
        .about("A matrix multiplied with itself; powers below 0 need an inverse and are not there.", "Aⁿ")
        .units(8.0, 32.0)
        .samples(&["T(2,2), 2", "T(3,3), 5", "T(2,2,2), 3", "T(2,2).t, 1", "T(2,2), 0", "T(0,0), 2", "T(2,2), 4"])
        .errors(&["T(2,3), 2", "T(3), 2"]),
    Function::new("vecdot(Tensor x, Tensor y, *, int dim=-1) -> Tensor", "linalg", |a| {
        let (x, y, dim) = (a.tensor("x")?, a.tensor("y")?, a.int("dim")?);
        if x.ndim() == 1 && y.ndim() == 1 && x.dtype() == y.dtype() && (dim == 0 || dim == -1) && x.numel() != y.numel() {
            return x.dot(y).into_value();
        }
        x.mul(y)?.sum_dims(&[dim], false)?.to(crate::result_type(x, y)).into_value()
    })
    .about("The dot products of vectors along a dimension.", "Σ xᵢyᵢ")
    .samples(&["T(3), T(3)", "T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,3), T(2,3), dim=0", "T(2,3).t, T(2,3)", "T(0,2), T(0,2)"])
    .errors(&["T(3), T(2)", "T(2,3), T(2,3), dim=5"]),
    Function::new("vander(Tensor x, *, int? N=None) -> Tensor", "linalg", |a| {
        let x = a.tensor("x")?;
        let n = a.int_opt("N")?.unwrap_or(x.shape().last().map_or(1, |&n| n as i64));
        match usize::try_from(n) {
            Ok(n) if n > 1 => super::parts::vander(&x.atleast_1d()?, n, true).into_value(),
            _ => Err(wrong("N must be greater than 1.")),
        }
    })
    .node("CatBackward0")
    .about("Powers of the elements, from 0 on, in a last dimension.", "xᵢ^j")
    .samples(&["T(3)", "T(2,3)", "T(2), N=4",
        "T(), N=3", "T(2,3).t", "I(3, 5)"])
    .errors(&["T(2), N=1", "T()"]),
    Function::new("scalar_tensor(number s, *, dtype? dtype=None, bool requires_grad=False) -> Tensor", "torch", |a| {
        let dtype = a.dtype("dtype")?.unwrap_or_else(DType::default_float);
        Tensor::full([], a.number("s")?, dtype)?.requires_grad_(a.bool("requires_grad")?).into_value()
    })
    .about("A number as a tensor without dimensions.", "s")
    .exact()
    .samples(&["2.5", "3", "True, dtype=bool", "2.7, dtype=int64", "1, dtype=float64"]),
];
