//! Histograms, the commonest element, numbers taken apart, slices shortened, powers of matrices and of numbers.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::apply::apply;
use crate::core::fail::{bail, ensure, error};
use crate::{DType, Number, Result, Tensor, ops};
use pullback_random::digits::Streamed;
use std::panic::Location;

/// The list of numbers, or of tensors, that an argument of any type is.
pub(in crate::ops) fn list(v: &Value) -> Option<&[Value]> {
    match v {
        Value::List(list) => Some(list),
        _ => None,
    }
}

/// All but the last and all but the first along a dimension.
pub(in crate::ops) fn neighbours(x: &Tensor, dim: usize) -> Result<(Tensor, Tensor)> {
    let (n, dim) = (x.shape()[dim], dim as i64);
    let pairs = n.saturating_sub(1);
    Ok((x.narrow(dim, 0, pairs)?, x.narrow(dim, n.min(1), pairs)?))
}

/// Slices along a dimension whose norm is too large, made shorter.
fn renorm(a: &Args<'_>) -> Result<Value> {
    let (x, p) = (a.tensor("input")?, a.float("p")?);
    let most = a.float("maxnorm")?;
    ensure!(
        x.dtype().is_float(),
        Shape,
        "renorm: expected a floating or complex dtype"
    );
    let dim = x.shape().dim(a.int("dim")?)?;
    if p <= 0.0 {
        bail!(Shape, "renorm: non-positive-norm not supported");
    }
    if most < 0.0 || most.is_nan() {
        bail!(
            Shape,
            "renorm: expected maxnorm to be >= 0 but got {}",
            Streamed(most)
        );
    }
    if x.ndim() < 2 {
        bail!(
            Shape,
            "renorm: input needs at least 2 dimensions, got {} dimensions",
            x.ndim()
        );
    }
    let others: Vec<i64> = (0..x.ndim())
        .filter(|&d| d != dim)
        .map(|d| d as i64)
        .collect();
    let x = &x.contiguous()?; // PyTorch's result is row-major
    let long = (x.detach().vector_norm(p, &others, true, None)?).gt(most)?;
    // Slices that stay as they are have no part in the factor: one with NaN would send NaN back.
    let norm = x.where_(&long, 1.0)?.vector_norm(p, &others, true, None)?;
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
    Ok((counted(x, &edges, weight, false)?, edges))
}

fn counted(x: &Tensor, edges: &Tensor, weight: Option<&Tensor>, by_width: bool) -> Result<Tensor> {
    let site = Location::caller();
    if let Some(w) = weight.filter(|w| w.numel() != x.numel()) {
        bail!(
            Shape,
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with shape [{}, 1] and weight with shape {}",
            x.numel(),
            w.shape()
        );
    }
    match weight {
        Some(w) if w.numel() != x.numel() => Err(error!(
            Shape,
            "torch.histogramdd: if weight tensor is provided it should have the same shape as the input tensor excluding its innermost dimension, but got input with shape [{}, 1] and weight with shape [{}]",
            x.numel(),
            w.numel()
        )),
        Some(w) => apply(ops::BinCounts { by_width }, &[x, edges, w], site),
        None => apply(ops::BinCounts { by_width }, &[x, edges], site),
    }
}

fn needs_float(name: &str, x: &Tensor) -> Result<()> {
    match x.dtype().is_float() {
        true => Ok(()),
        false => Err(error!(
            Unsupported,
            "\"{name}\" not implemented for '{}'",
            x.dtype().scalar_type_name()
        )),
    }
}

fn some_bins(bins: i64) -> Result<()> {
    match bins > 0 {
        true => Ok(()),
        false => Err(error!(
            Shape,
            "torch.histogram(): bins must be > 0, but got {bins} for dimension 0"
        )),
    }
}

fn histc(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?.detach();
    needs_float("histogram_cpu", &x)?;
    let bins = a.int("bins")?;
    let (low, high) = (a.float("min")?, a.float("max")?);
    some_bins(bins)?;
    ensure!(
        low.is_finite() && high.is_finite(),
        Shape,
        "torch.histc: range of [{}, {}] is not finite",
        Streamed(low),
        Streamed(high)
    );
    if low > high {
        bail!(Shape, "torch.histc: max must be larger than min");
    }
    let edges = ops::BinEdges {
        bins: bins as usize,
        range: (low, high),
        apart: 1.0,
        name: "torch.histc: range of",
    };
    let edges = apply(edges, &[&x], Location::caller())?;
    counted(&x, &edges, None, true)?.into_value()
}

fn histogram(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?.detach();
    let weight = a.tensor_opt("weight")?.map(Tensor::detach);
    let (mut found, edges) = match a.value("bins")? {
        Value::Tensor(t) => {
            ensure!(
                t.dtype() == x.dtype(),
                Shape,
                "torch.histogram: input tensor and bins tensors should have the same dtype, but got input with dtype {} and bins with dtype {}",
                x.dtype().scalar_type_name(),
                t.dtype().scalar_type_name()
            );
            (
                counted(&x, &t.detach(), weight.as_ref(), false)?,
                t.detach(),
            )
        }
        v => {
            needs_float("histogramdd", &x)?;
            let Some(bins) = v.number().map(Number::cast::<i64>) else {
                return Err(crate::call::wrong_type("histogram", "bins", "int", v, None));
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
                    _ => {
                        bail!(Shape, "torch.histogram: range should have 2 elements");
                    }
                },
            };
            if range.0 > range.1 {
                bail!(
                    Shape,
                    "torch.histogramdd: min should not exceed max, but got min {} max {} for dimension 0",
                    range.0,
                    range.1
                );
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
        bail!(
            Shape,
            "linalg.matrix_power: The input tensor A must have at least 2 dimensions."
        );
    }
    let (rows, columns) = (x.shape()[r - 2], x.shape()[r - 1]);
    ensure!(
        rows == columns,
        Shape,
        "linalg.matrix_power: A must be batches of square matrices, but they are {rows} by {columns} matrices"
    );
    let inverse = if n < 0 { Some(x.inv()?) } else { None };
    let (x, n) = (inverse.as_ref().unwrap_or(x), n.unsigned_abs());
    if n == 0 {
        let eye = crate::eye(rows as i64, None, x.dtype())?;
        return crate::ops::random::functions::draw::without_slope(eye.expand_as(x)?.copy()?, &[x]);
    }
    if n == 1 {
        return x.copy_in(crate::MemoryFormat::Contiguous).into_value();
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

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("renorm(Tensor input, number p, int dim, number maxnorm) -> Tensor", "torch Tensor", renorm)
        .node("RenormBackward0")
    .about("Slices along a dimension whose norm exceeds a bound, shortened to it.", "x·min(1, maxnorm/(‖x‖ₚ + 10⁻⁷))")
        .in_place()
        .units(8.0, 64.0)
        .samples(&["T(2,3), 2, 0, 1.0", "T(2,3), 1, 1, 0.5", "T(3,2).t, 3.0, -1, 1", "T(2,2,3), 2, 1, 2.0", "T(2,3), 2, 0, 100.0"])
        .edges(&["T[[nan, 1.0], [3.0, 4.0], [0.0, 0.0]], 2, 0, 1.0", "T[[nan, 1.0], [3.0, 4.0]], 3.0, 1, 100.0"])
        .errors(&["T(3), 2, 0, 1.0", "T(2,3), -1, 0, 1.0", "T(2,3), 2, 0, -1.0", "T(2,3), 2, 5, 1.0"]),
    Function::new("histc(Tensor input, int bins=100, number min=0, number max=0) -> Tensor", "torch Tensor", histc)
        .about("How many elements fall into each of several bins of one width.", "#{i : xᵢ in bin k}")
        .exact()
        .samples(&["T(2,3), 4", "T(6), 5, -1, 1", "T(3,2).t, 3, min=-2, max=2", "T(0), 3, 0, 1", "T(), 2"])
        .edges(&["T[1.0, 1.0], 4", "T[0.0, 1.0, 2.0, 3.0], 3, 0, 3", "T[0.0, nan, 1.0], 2, 0, 1", "T[0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7], 6, 0.1, 0.7", "T[-1.0, -0.9, -0.8, -0.7, -0.6, -0.5, -0.4, -0.3, -0.2, -0.1, 0.0], 10, -1.0, 0.0", "T[0.041, 1.256, 2.471], 2, 0.041, 2.471", "T[0.1, 0.3, 0.7], 7"])
        .errors(&["T(3), 0", "T(3), 2, 1, 0", "T[1.0, inf], 3", "I(3, 5), 3"]),
    Function::new("histogram(Tensor input, any bins=100, *, any range=None, Tensor? weight=None, bool density=False) -> (Tensor hist, Tensor bin_edges)", "torch Tensor", histogram)
        .about("How many elements, or how much weight, fall into each bin, and the bins' edges.", "#{i : xᵢ in bin k}")
        .units(2.0, 16.0)
        .samples(&["T(2,3), 4", "T(6), 5, range=(-1.0, 1.0)", "T(3,2).t, T[-2.0, 0.0, 0.5, 2.0]", "T(6), 3, weight=T(6)", "T(6), 3, density=True", "T(0), 3"])
        .errors(&["T(3), 0", "T(3), 2, range=(1.0, 0.0)", "I(3, 5), 3"]),
    Function::new("mode(Tensor input, int dim=-1, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.mode(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("ModeBackward0")
        .about("The commonest element along a dimension, the smallest of several, and where it stands last.", "xₖ with #{j : xⱼ = xₖ} largest")
        .exact()
        .samples(&["T(4)", "T(2,3), 0", "T(2,3).t, 1, True", "T()", "T(2,3,2), -2", "I[[3, 1, 3], [2, 2, 1]], -1", "B[True, False, False]"])
        .edges(&["T[1.0, 2.0, 2.0, 3.0]", "T[[1.0, 1.0, 2.0], [3.0, 4.0, 4.0]], 1", "T[[1.0, 1.0, 2.0], [1.0, 4.0, 4.0]].t, 0, True", "T[inf, inf, -inf]"])
        .errors(&["T(2,3), 5", "T(0,3), 0"]),
    Function::new("frexp(Tensor input) -> (Tensor mantissa, Tensor exponent)", "torch Tensor", |a| a.tensor("input")?.frexp().into_value())
    .node("FrexpBackward0")
        .about("A number as a mantissa in [½, 1) and a power of two.", "x = m·2ᵉ")
        .exact()
        .samples(&["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "T[1000.0, -0.001, 0.6, 1.7]"])
        .edges(&["T[0.0, -0.0, inf, -inf, nan, 1e-40, 1e38, 0.5, 1.0]"])
        .errors(&["I(3, 5)"]),
    Function::new("matrix_power(Tensor input, int n) -> Tensor", "torch Tensor linalg", matrix_power)
        .about("A matrix multiplied with itself; of its inverse for powers below 0.", "Aⁿ")
        .units(8.0, 32.0)
        .samples(&["T(2,2), 2", "T(3,3), 5", "T(2,2,2), 3", "T(2,2).t, 1", "T(2,2), 0", "T(0,0), 2", "T(2,2), 4", "T[[2.0, 0.5], [-1.0, 1.5]], -2"])
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
            Ok(n) if n > 1 => crate::ops::shape::functions::parts::vander(&x.atleast_1d()?, n, true).into_value(),
            _ => Err(error!(Shape, "N must be greater than 1.")),
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
