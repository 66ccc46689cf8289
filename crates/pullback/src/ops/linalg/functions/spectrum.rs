//! Eigenvalues of symmetric matrices, singular values, and what is made of them.

use crate::call::IntoValue;
use crate::call::{Args, Function, Value};
use crate::core::fail::{bail, ensure};
use crate::ops;
use crate::ops::NormOrder;
use crate::ops::linalg::{inverse, pseudo};
use crate::{DType, Number, Result, Tensor};
use std::panic::Location;

/// Whether the upper triangle is meant.
fn is_upper(a: &Args<'_>) -> Result<bool> {
    match a.str("UPLO")? {
        "L" | "l" => Ok(false),
        "U" | "u" => Ok(true),
        other => bail!(
            Argument,
            "Expected UPLO argument to be 'L' or 'U', but got {other}"
        ),
    }
}

/// PyTorch's drivers of singular values are those of a GPU.
fn no_driver(a: &Args<'_>) -> Result<()> {
    ensure!(
        a.str_opt("driver")?.is_none(),
        Argument,
        "torch.linalg.svd: keyword argument `driver=` is only supported on CUDA inputs with cuSOLVER backend."
    );
    Ok(())
}

fn svd(a: &Args<'_>) -> Result<Value> {
    no_driver(a)?;
    let (u, s, vh) = a.tensor("A")?.svd(a.bool("full_matrices")?)?;
    Value::tuple([u, s, vh])
}

/// `torch.svd`: V and not its transpose, and zeros where vectors are not asked for.
fn older_svd(a: &Args<'_>) -> Result<Value> {
    let (x, some) = (a.tensor("input")?, a.bool("some")?);
    ensure!(
        x.ndim() >= 2,
        Shape,
        "linalg.svd: input should have at least 2 dimensions, but has {} dimensions instead",
        x.ndim()
    );
    if a.bool("compute_uv")? {
        let (u, s, vh) = x.svd(!some)?;
        return Value::tuple([u, s, vh.transpose(-2, -1)?]);
    }
    let square = |side: usize| {
        let sizes = [&x.shape()[..x.ndim() - 2], &[side, side]].concat();
        Tensor::zeros(sizes.as_slice(), x.dtype())
    };
    let (m, n) = (x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1]);
    Value::tuple([square(m)?, x.svdvals()?, square(n)?])
}

/// A bound that is a number or one for each matrix.
fn bound(a: &Args<'_>, name: &str) -> Result<Option<Tensor>> {
    match a.value(name)? {
        Value::None => Ok(None),
        Value::Tensor(t) => Ok(Some(t.clone())),
        _ => Tensor::full([], a.number(name)?, DType::F64).map(Some),
    }
}

/// `atol` and `rtol`; PyTorch's usual `rtol` where neither is given.
fn bounds(a: &Args<'_>, x: &Tensor) -> Result<(Tensor, Tensor)> {
    let zero = || Tensor::full([], 0.0, DType::F64);
    Ok(match (bound(a, "atol")?, bound(a, "rtol")?) {
        (atol, Some(rtol)) => (atol.map_or_else(zero, Ok)?, rtol),
        (Some(atol), None) => {
            let unbounded = atol.le(0.0)?.to(DType::F64)?;
            let usual = unbounded.mul(pseudo::usual_tolerance(x, 0.0))?;
            (atol, usual)
        }
        (None, None) => (
            zero()?,
            Tensor::full([], pseudo::usual_tolerance(x, 0.0), DType::F64)?,
        ),
    })
}

fn pinv(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let (atol, rtol) = bounds(a, x)?;
    (x.pinv_within(&atol, &rtol, a.bool("hermitian")?, Location::caller())).into_value()
}

fn pinv_rcond(a: &Args<'_>) -> Result<Value> {
    let (x, zero) = (a.tensor("input")?, Tensor::full([], 0.0, DType::F64)?);
    let rcond = bound(a, "rcond")?.unwrap_or_else(|| zero.clone());
    (x.pinv_within(&zero, &rcond, a.bool("hermitian")?, Location::caller())).into_value()
}

fn matrix_rank(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let (atol, rtol) = bounds(a, x)?;
    (x.rank_within(&atol, &rtol, a.bool("hermitian")?, Location::caller())).into_value()
}

fn matrix_rank_tol(a: &Args<'_>) -> Result<Value> {
    let (x, zero) = (a.tensor("input")?, Tensor::full([], 0.0, DType::F64)?);
    let tol = bound(a, "tol")?.unwrap_or_else(|| zero.clone());
    (x.rank_within(&tol, &zero, a.bool("hermitian")?, Location::caller())).into_value()
}

fn lstsq(a: &Args<'_>) -> Result<Value> {
    let driver = a.str_opt("driver")?.unwrap_or("gelsy");
    let x = a.tensor("input")?;
    let found = x.lstsq(a.tensor("b")?, a.float_opt("rcond")?)?;
    ensure!(
        ["gels", "gelsy", "gelsd", "gelss"].contains(&driver),
        Argument,
        "torch.linalg.lstsq: parameter `driver` should be one of (gels, gelsy, gelsd, gelss)"
    );
    let rank = match driver {
        "gels" => Tensor::zeros([0], DType::I64)?,
        _ => found.rank,
    };
    let values = match driver {
        "gelsd" | "gelss" => found.singular_values,
        _ => Tensor::zeros([0], x.dtype())?,
    };
    let residuals = match driver {
        "gelsy" => found.residuals.flatten()?.narrow(0, 0, 0)?,
        _ => found.residuals,
    };
    Value::tuple([found.solution, residuals, rank, values])
}

/// ‖A‖ ‖A⁻¹‖ of square matrices; infinite of singular ones.
fn cond_by_inverse(x: &Tensor, p: NormOrder<'_>) -> Result<Value> {
    let (m, n) = (x.shape()[x.ndim() - 2], x.shape()[x.ndim() - 1]);
    ensure!(
        m == n,
        Shape,
        "linalg.cond(ord={p}): A must be batches of square matrices, but they are {m} by {n} matrices"
    );
    if x.numel() == 0 {
        return Tensor::zeros(&x.shape()[..x.ndim() - 2], x.dtype()).into_value();
    }
    let inverse = x.inverted(None, Location::caller())?;
    let singular = inverse::singularity(x)?.ne(0.0)?;
    let inverse = inverse.masked_fill(&singular.unsqueeze(-1)?.unsqueeze(-1)?, f64::INFINITY)?;
    let norm = |t: &Tensor| t.matrix_norm(p, &[-2, -1], false, None);
    (norm(x)?.mul(&norm(&inverse)?)?)
        .nan_to_num(
            Some(f64::INFINITY),
            Some(f64::INFINITY),
            Some(f64::NEG_INFINITY),
        )
        .into_value()
}

fn cond(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    let p = a.number_opt("p")?;
    let order = p.map_or(2.0, Number::to_f64);
    two_dimensions(x)?;
    if order == 2.0 {
        return x.cond().into_value();
    }
    if order == -2.0 {
        return x.cond_smallest().into_value();
    }
    ensure!(
        order.abs() == 1.0 || order.is_infinite(),
        Value,
        "linalg.cond got an invalid norm type: {order}"
    );
    cond_by_inverse(x, NormOrder::Number(order))
}

fn cond_node(a: &Args<'_>) -> Result<&'static str> {
    let order = a.number_opt("p")?.map_or(2.0, Number::to_f64);
    Ok(if order.abs() == 2.0 {
        "SqueezeBackward1"
    } else {
        ""
    })
}

fn two_dimensions(x: &Tensor) -> Result<()> {
    ensure!(
        x.ndim() >= 2,
        Shape,
        "linalg.cond: The input tensor must have at least 2 dimensions."
    );
    Ok(())
}

fn cond_named(a: &Args<'_>) -> Result<Value> {
    let x = a.tensor("input")?;
    two_dimensions(x)?;
    match a.str("p")? {
        "fro" => cond_by_inverse(x, NormOrder::Name("fro")),
        "nuc" => {
            let s = x.svdvals()?;
            let sum = |t: &Tensor| t.sum_dims(&[-1], false);
            sum(&s)?.mul(&sum(&s.reciprocal()?)?).into_value()
        }
        other => bail!(Value, "linalg.cond got an invalid norm type: {other}"),
    }
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("eigh(Tensor input, str UPLO='L') -> (Tensor eigenvalues, Tensor eigenvectors)", "linalg", |a| {
        let (w, v) = a.tensor("input")?.eigh(is_upper(a)?)?;
        Value::tuple([w, v])
    })
    .of(ops::Eigh::DEF)
    .symmetric()
    .up_to_signs()
    .units(16.0, 256.0)
    .samples(&["T[[2.0, 0.5], [0.5, -1.5]]", "T[[2.0, 0.5], [0.5, -1.5]], 'U'", "T[[[2.0, 0.5], [0.5, -1.5]], [[1.0, 0.25], [0.25, 2.5]]]", "T[[2.0, 0.25, -0.5], [0.25, -1.5, 0.25], [-0.5, 0.25, 4.0]]", "T[[-4.0]]", "T(0,0)"])
    .errors(&["T(2,3)", "T(3)", "I(2,2, 5)", "T(2,2), 'Q'"]),
    Function::new("eigvalsh(Tensor input, str UPLO='L') -> Tensor", "linalg", |a| {
        let (w, _) = a.tensor("input")?.eigh(is_upper(a)?)?;
        w.into_value()
    })
    .node("LinalgEighBackward0")
    .about("The eigenvalues of a symmetric matrix, in rising order.", "w with V diag(w) Vᵀ = A")
    .symmetric()
    .units(16.0, 64.0)
    .samples(&["T[[2.0, 0.5], [0.5, -1.5]]", "T[[2.0, 0.5], [0.5, -1.5]], 'U'", "T[[[2.0, 0.5], [0.5, -1.5]], [[1.0, 0.25], [0.25, 2.5]]]", "T[[-4.0]]"])
    .errors(&["T(2,3)", "T(3)"]),
    Function::new("svd(Tensor A, bool full_matrices=True, *, str? driver=None) -> (Tensor U, Tensor S, Tensor Vh)", "linalg", svd)
        .of(ops::Svd::DEF)
        .up_to_signs()
        .units(16.0, 256.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], False", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]], full_matrices=False", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.75, -2.0]]]", "T(0,2,2), False"])
        .edges(&["T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T(0,2)", "T(2,0), False"])
        .errors(&["T(3)", "T[[1.0, nan], [nan, 2.0]]", "I(2,2, 5)", "T(2,2), driver='gesvd'"]),
    Function::new("svd(Tensor input, bool some=True, bool compute_uv=True) -> (Tensor U, Tensor S, Tensor V)", "torch Tensor", older_svd)
        .about("Singular values in falling order, and orthonormal columns U and V.", "U diag(s) Vᵀ = A")
        .up_to_signs()
        .units(16.0, 256.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], True", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], some=True", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]], True, True", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.75, -2.0]]], some=True"])
        .edges(&["T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], some=False"])
        .errors(&["T(3), True"]),
    Function::new("svdvals(Tensor A, *, str? driver=None) -> Tensor", "linalg", |a| {
        no_driver(a)?;
        a.tensor("A")?.svdvals().into_value()
    })
    .node("LinalgSvdBackward0")
    .about("The singular values of a matrix, in falling order.", "s with U diag(s) Vᵀ = A")
    .units(16.0, 64.0)
    .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)"])
    .errors(&["T(3)", "T[[1.0, nan], [nan, 2.0]]"]),
    Function::new("pinv(Tensor input, *, Tensor|number? atol=None, Tensor|number? rtol=None, bool hermitian=False) -> Tensor", "linalg", pinv)
        .of(ops::Pinv::DEF)
        .units(64.0, 512.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)", "T[[2.0, 0.5], [-1.0, 1.5]], atol=0.5, rtol=0.125"])
        .edges(&["T[[1.0, 2.0], [2.0, 4.0]]", "T[[2.0, 0.5], [-1.0, 1.5]], atol=2.0", "T[[2.0, 0.5], [0.5, -1.5]], hermitian=True"])
        .errors(&["T(3)", "I(2,2, 5)", "T(2,3), hermitian=True"]),
    Function::new("pinv(Tensor input, Tensor|number rcond, bool hermitian=False) -> Tensor", "linalg", pinv_rcond)
        .node("LinalgPinvBackward0")
        .about("The Moore-Penrose inverse; singular values up to a part of the largest count as zero.", "V diag(1/s) Uᵀ")
        .units(64.0, 512.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], 0.125", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], 1e-5", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]], 1e-5, False", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], 0.0"]),
    Function::new("pinverse(Tensor input, float rcond=1e-15) -> Tensor", "torch Tensor", |a| a.tensor("input")?.pinv(0.0, Some(a.float("rcond")?)).into_value())
        .node("LinalgPinvBackward0")
        .about("The Moore-Penrose inverse.", "V diag(1/s) Uᵀ")
        .units(64.0, 512.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]"]),
    Function::new("lstsq(Tensor input, Tensor b, float? rcond=None, *, str? driver=None) -> (Tensor solution, Tensor residuals, Tensor rank, Tensor singular_values)", "linalg", lstsq)
        .node("LinalgLstsqBackward0")
        .about("What solves A X = B best in the sense of squares.", "argmin ‖A X - B‖²")
        .units(64.0, 1024.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], T(3,2)", "T[[2.0, 0.5, 0.25], [-1.0, 1.5, 1.0]], T(2,1)", "T[[2.0, 0.5], [-1.0, 1.5]], T(2,2)", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], T(3,2), driver='gelsd'", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]], T(3,2), driver='gels'"])
        .errors(&["T(3), T(3)", "T(3,2), T(2,2)", "T(3,2), T(2)", "T(2,2), T(2), driver='none'", "I(2,2, 5), I(2,2, 5)"]),
    Function::new("matrix_rank(Tensor input, *, Tensor|number? atol=None, Tensor|number? rtol=None, bool hermitian=False) -> Tensor", "linalg", matrix_rank)
        .about("How many singular values are not negligible.", "#{s > max(atol, rtol max s)}")
        .exact()
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[1.0, 2.0], [2.0, 4.0]]", "T(3,2)", "T[[2.0, 0.5], [-1.0, 1.5]], atol=2.0", "T(2,3,3)", "T[[2.0, 0.5], [0.5, -1.5]], hermitian=True", "T(0,2)"])
        .errors(&["T(3)", "I(2,2, 5)", "T(2,3), hermitian=True"]),
    Function::new("matrix_rank(Tensor input, Tensor|number tol, bool hermitian=False) -> Tensor", "linalg", matrix_rank_tol)
        .about("How many singular values are larger than a bound.", "#{s > tol}")
        .exact()
        .samples(&["T[[2.0, 0.5], [-1.0, 1.5]], 0.5", "T[[1.0, 2.0], [2.0, 4.0]], 0.125", "T(3,2), 0.5", "T[[2.0, 0.5], [0.5, -1.5]], 1.75, True"]),
    Function::new("cond(Tensor input, number? p=None) -> Tensor", "linalg", cond)
        .about("The condition of a matrix: how much larger a relative error may become.", "‖A‖ ‖A⁻¹‖")
        .node_by(cond_node)
        .units(64.0, 512.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.0]]", "T[[2.0, 0.5], [-1.0, 1.0]], 1", "T[[2.0, 0.5], [-1.0, 1.0]], -2", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[2.0, 0.5], [-1.0, 1.0]], -inf"])
        .edges(&["T[[1.0, 2.0], [2.0, 4.0]], 1", "T(0,0), 1", "T(0,0)"])
        .errors(&["T(3)", "T(2,3), 1", "T(2,2), 3", "I(2,2, 5)"]),
    Function::new("cond(Tensor input, str p) -> Tensor", "linalg", cond_named)
        .about("The condition of a matrix in a norm that has a name.", "‖A‖ ‖A⁻¹‖")
        .units(64.0, 512.0)
        .samples(&["T[[2.0, 0.5], [-1.0, 1.0]], 'fro'", "T[[2.0, 0.5], [-1.0, 1.0]], 'nuc'", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]], 'fro'", "T[[-4.0]], 'fro'"])
        .edges(&["T[[1.0, 2.0], [2.0, 4.0]], 'fro'"])
        .errors(&["T(2,3), 'fro'", "T(2,2), 'other'"]),
    Function::new("polar(Tensor A) -> (Tensor U, Tensor H)", "linalg", |a| {
        let (u, h) = a.tensor("A")?.linalg_polar()?;
        Value::tuple([u, h])
    })
    .of(ops::Polar::DEF)
    .units(32.0, 256.0)
    .samples(&["T[[2.0, 0.5], [-1.0, 1.5]]", "T[[2.0, 0.5], [-1.0, 1.5], [0.25, 1.0]]", "T[[[2.0, 0.5], [-1.0, 1.5]], [[1.0, 0.5], [0.25, -2.0]]]", "T(0,2,2)"])
    .edges(&["T[[1.0, 0.0], [0.0, 1.0]]"])
    .errors(&["T(3)", "T(2,3)", "I(2,2, 5)", "T[[1.0, nan], [nan, 2.0]]"]),
    Function::new("matrix_sqrth(Tensor input) -> Tensor", "linalg", |a| a.tensor("input")?.matrix_sqrth().into_value())
        .of(ops::MatrixSqrt::DEF)
        .symmetric()
        .units(32.0, 256.0)
        .samples(&["T[[2.0, 0.5], [0.5, 1.5]]", "T[[2.0, 0.25, -0.5], [0.25, 1.5, 0.25], [-0.5, 0.25, 3.0]]", "T[[[2.0, 0.5], [0.5, 1.5]], [[1.0, 0.25], [0.25, 2.0]]]", "T(0,2,2)"])
        .edges(&["T[[1.0, 0.0], [0.0, 1.0]]"])
        .errors(&["T(3)", "T(2,3)", "I(2,2, 5)"]),
];
