//! Norms, distances and covariances.

use crate::Result;
use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::error;
use crate::ops::reduce::functions::reduce::dims;
use crate::ops::{self, NormOrder};

/// The order of a norm: a number, a text, or none.
fn order<'a>(a: &'a Args<'_>, name: &str) -> Result<Option<NormOrder<'a>>> {
    match a.value(name)? {
        Value::None => Ok(None),
        Value::Str(s) => Ok(Some(NormOrder::Name(s))),
        Value::Tensor(t) => Ok(Some(NormOrder::Number(t.item_f64()?))),
        other => match other.number() {
            Some(n) => Ok(Some(NormOrder::Number(n.to_f64()))),
            None => Err(error!(
                Type,
                "linalg_norm(): argument '{name}' must be Number or str, not {}",
                other.type_name()
            )),
        },
    }
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "norm(Tensor input, any p='fro', int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "torch Tensor",
        |a| {
            let p = order(a, "p")?.unwrap_or(NormOrder::Number(2.0));
            a.tensor("input")?.norm(p, &dims(a)?, a.bool("keepdim")?, a.dtype("dtype")?).into_value()
        },
    )
    .about("Norm of all elements, or over dimensions, as of one vector.", "(Σ |x|ᵖ)^{1/p}")
    .samples(&[
        "T(2,3)",
        "T(2,3), 2, 1, True",
        "T(3,4).t, p=1, dim=0",
        "T(2,3), 'fro', [0, 1]",
        "T(2,3), p=inf",
        "T(2,3), p=-inf, dim=1",
        "T(2,3), 3, (0,1)",
        "T(5), p=2.5",
        "T(4), 0.5",
        "T()",
        "T(0,3), dim=0",
        "T(3), 'fro', dtype=float64",
        "T(2,3), None",
        "T(2,3), 0, 1",
    ])
    .edges(&[
        "T[0.0, 0.0]",
        "T[0.0, 0.0], 1",
        "T[0.0, 0.0], 3",
        "T[0.0, 0.0], 1.5",
        "T[0.0, 0.0], inf",
        "T[1.0, -1.0, 0.5], inf",
        "T[1.0, -1.0, 2.0], -inf",
        "T[nan, -1.0, 0.5], inf",
        "T[inf, 1.0]",
        "T[nan, 0.0]",
        "T[0.0, nan, 1.0], 1",
        "T[1.0, 0.0, 2.0], 0.5",
        "T[0.0, 1.0], -2",
        "T[1.0, -1.0, 0.0], 0",
        "T[[0.0, 0.0], [3.0, 4.0]], 2, 1",
    ])
    .errors(&["I(3, 5)", "T(2,3), 2, 5", "T(2,3), 2, (0, 0)", "T(2,3), 'x'", "T(2,2,2), 'fro', (0, 1, 2)", "T(2,3), 2, dtype=int64"]),
    Function::new(
        "vector_norm(Tensor x, number ord=2, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "linalg",
        |a| {
            let ord = a.float("ord")?;
            a.tensor("x")?.vector_norm(ord, &dims(a)?, a.bool("keepdim")?, a.dtype("dtype")?).into_value()
        },
    )
    .of(ops::VectorNorm::DEF)
    .samples(&["T(2,3)", "T(2,3), 3, 1, True", "T(3,2).t, 1", "T(2,3,2), inf, (0, -1)", "T()", "T(0,3)", "T(3), dtype=float64", "T(0,3), inf, 1", "T(2,3), 0.5, 1"])
    .edges(&["T[0.0, 0.0]", "T[[0.0, 0.0], [1.0, 0.0]], 2, 1", "T[2.0, -2.0], -inf", "T[1e30, 1e30]"])
    .errors(&["I(3, 5)", "T(0), inf", "T(0,3), inf, 0", "T(0,3), -1", "T(2,3), 2, (0, 0)", "T(3), dtype=int64", "T(3).f64, dtype=float32"]),
    Function::new(
        "matrix_norm(Tensor A, any ord='fro', int[] dim=(-2, -1), bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "linalg",
        |a| {
            let ord = order(a, "ord")?.unwrap_or(NormOrder::Name("fro"));
            a.tensor("A")?.matrix_norm(ord, &a.ints("dim")?, a.bool("keepdim")?, a.dtype("dtype")?).into_value()
        },
    )
    .about("Norm of matrices: Frobenius', or the largest or smallest sum of magnitudes of a row or a column.", "√(Σ x²), maxⱼ Σᵢ |xᵢⱼ|, maxᵢ Σⱼ |xᵢⱼ|")
    .samples(&[
        "T(2,3)",
        "T(2,3), 1",
        "T(3,2).t, inf",
        "T(2,2,3), -1, (0, 1)",
        "T(2,2,3), 1, (0, 1), True",
        "T(2,3), -inf",
        "T(2,3,2), inf, (2, 0)",
        "T(2,3), 1, dtype=float64",
        "T(0,3), 1",
        "T(0,3), inf",
        "T(3,0), 1",
        "T(2,3), 'fro', (0, 1), True",
    ])
    .edges(&["T[[1.0, -1.0], [1.0, 1.0]], 1", "T[[0.0, 0.0]]", "T[[nan, 1.0]], 1"])
    .errors(&["T(3)", "T(2,3), 5", "T(2,2,3), 1, (0, 0)", "I(2,3, 5)", "T(2,3), 'abc'", "T(2,3), 1, (0, 5)", "T(2,3), 1, dtype=int64", "T(3,0), -1", "T(2,3), 1, (0,)"]),
    Function::new(
        "norm(Tensor A, any ord=None, int[]? dim=None, bool keepdim=False, *, dtype? dtype=None) -> Tensor",
        "linalg",
        |a| {
            let dims = a.ints_opt("dim")?;
            a.tensor("A")?.linalg_norm(order(a, "ord")?, dims.as_deref(), a.bool("keepdim")?, a.dtype("dtype")?).into_value()
        },
    )
    .about("Norm of vectors or of matrices, as order and dimensions say.", "‖x‖")
    .samples(&["T(2,2)", "T(3), 3", "T(3,2), 1", "T(3,2).t, -inf", "T(2,2,3), 2, 1", "T(2,2,3), inf, (0, 1)", "T(2,3), None, (0, 1), True", "T(2,2,2)", "T(1,3), 'fro'"])
    .edges(&["T[0.0]", "T[[0.0, 0.0]]"])
    .errors(&["T(2,3), 0", "T(2,3), 3", "T(4), 'fro'", "T(2,2,3), 2", "T(2,2,3), 'fro', 1", "T(2,2,3), 1, (0, 1, 2)", "T(), 2", "I(4, 5)"]),
    Function::new("dist(Tensor input, Tensor other, number p=2) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.dist(a.tensor("other")?, a.float("p")?).into_value()
    })
    .node("DistBackward0")
    .about("The norm of a difference.", "‖a - b‖")
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3), 3", "T(2,3).t, T(2,3), 1", "T(), T()", "T(2,1), T(1,3), inf", "T(3).f64, T(3).f32"])
    .edges(&["T[1.0, 2.0], T[1.0, 2.0]", "T[1.0, 2.0], T[0.0, 1.0], inf", "T[1.0, 2.0], T[1.0, 1.0], 0"])
    .errors(&["T(3), T(2)", "I(3, 5), I(3, 5)"]),
    Function::new("cdist(Tensor x1, Tensor x2, float p=2.0, str? compute_mode='use_mm_for_euclid_dist_if_necessary') -> Tensor", "torch", |a| {
        let known = ["use_mm_for_euclid_dist_if_necessary", "use_mm_for_euclid_dist", "donot_use_mm_for_euclid_dist"];
        match a.str_opt("compute_mode")? {
            Some(mode) if !known.contains(&mode) => Err(error!(Value, "{mode} is not a valid value for compute_mode")),
            _ => a.tensor("x1")?.cdist(a.tensor("x2")?, a.float("p")?).into_value(),
        }
    })
    .node("CdistBackward0")
    .about("Distances between all pairs of rows of two matrices.", "yᵢⱼ = ‖aᵢ - bⱼ‖")
    .samples(&["T(2,3), T(4,3)", "T(2,3).t, T(4,3), 1.0", "T(2,2,3), T(4,3), 3.0", "T(2,3), T(0,3)", "T(2,0), T(3,0)", "T(2,3), T(2,3), inf", "T(2,3), T(4,3), 0.5"])
    .edges(&["T[[1.0, 2.0]], T[[1.0, 2.0]]", "T[[1.0, 2.0]], T[[0.0, 1.0]], inf", "T[[1.0, 2.0]], T[[1.0, 1.0]], 1.0", "T[[1.0, 2.0]], T[[1.0, 1.0]], 0.0", "T[[1.0, 2.0]], T[[1.0, 0.0]], 1.5", "T[[1.0, 2.0], [0.5, -1.0]], T[[1.0, 2.0], [0.5, 3.0]], 1.5", "T[[1.0, 2.0], [0.5, -1.0]], T[[1.0, 2.0], [0.5, 3.0]], 2.5", "T[[1.0, 2.0], [0.5, -1.0]], T[[1.0, 2.0], [0.5, 3.0]], 0.5"])
    .errors(&["T(3), T(3)", "T(2,3), T(2,2)", "T(2,3), I(2,3, 5)", "T(2,3), T(2,3), -1.0", "T(2,2,3), T(3,2,3)", "T(2,3), T(2,3), 2.0, 'x'"]),
    Function::new("pdist(Tensor input, float p=2) -> Tensor", "nn.functional torch", |a| a.tensor("input")?.pdist(a.float("p")?).into_value())
        .node("PdistBackward0")
        .about("Distances between the rows of a matrix, each pair once.", "‖xᵢ - xⱼ‖ for i < j")
        .samples(&["T(4,3)", "T(3,4).t, 1.0", "T(4,2), 3.0", "T(0,3).fixed", "T(1,3).fixed", "T(3,0).fixed", "T(4,3), inf", "T(4,3), 0.5", "T(3,2), 0.0"])
        .edges(&["T[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [3.0, -1.0]]", "T[[0.0, 0.0], [1.0, 1.0], [3.0, -1.0]], inf", "T[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [3.0, -1.0]], 1.0", "T[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [3.0, 1.0]], 1.5", "T[[0.0, 0.0], [1.0, 1.0], [1.0, 1.0], [3.0, 1.0]], 0.0"])
        .errors(&["T(3)", "T(2,2,3)", "I(3,2, 5)", "T(3,2), -1.0"]),
    Function::new("cov(Tensor input, *, int correction=1, Tensor? fweights=None, Tensor? aweights=None) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.cov(a.int("correction")?, a.tensor_opt("fweights")?, a.tensor_opt("aweights")?).into_value()
    })
    .node("SqueezeBackward0")
    .about("Covariances of variables (rows) over observations (columns).", "Σₖ (xᵢₖ - mᵢ)(xⱼₖ - mⱼ) / (n - correction)")
    .samples(&["T(2,4)", "T(5)", "T(4,3).t", "T(2,4), correction=0", "T(2,4), fweights=I[1, 2, 1, 3]", "T(2,3), aweights=T(3, pos)", "T(2,3), fweights=I[1, 2, 1], aweights=T(3, pos)", "I(2,4, 9)", "T(2,3), aweights=T(3, pos), correction=0"])
    .edges(&["T()", "T(2,0)", "T(2,3), correction=5", "T[[nan, 1.0, 2.0], [1.0, 2.0, 4.0]]"])
    .errors(&["T(2,2,2)", "B(2,3)", "T(2,3), fweights=T(3)", "T(2,3), fweights=I(2, 5)", "T(2,3), aweights=I(3, 5)", "T(2,3), fweights=I[-1, 1, 1]"]),
    Function::new("corrcoef(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.corrcoef().into_value())
        .about("Correlation coefficients of variables (rows) over observations (columns).", "covᵢⱼ / √(covᵢᵢ covⱼⱼ)")
        // The diagonal is 1 for every input: its derivative, 0, has rounding but no size to measure it by.
        .no_check()
        .samples(&["T(2,4)", "T(4,3).t", "T(3,5)", "I(2,4, 9)"])
        .edges(&["T()", "T(2)", "T[[1.0, 1.0], [1.0, 2.0]]"])
        .errors(&["T(2,2,2)"]),
];
