//! What round-off a difference quotient must be expected to have, from the values alone, before it is taken.
//!
//! Every operation of the loss rounds its result by up to half the spacing of floating numbers there. The derivative of
//! the loss by that result says what this does to the loss, and division by twice the step what it does to the
//! quotient. The sum of all is a bound; their root mean square, if roundings are like chance, the size to expect.
//!
//! Not for: what the round-off was, which `explain.rs` measures.

use pullback::{
    DType, Family, Instruction, Program, Replay, Result, Tensor, Values, enable_grad, grad,
};
use serde::Serialize;

/// The round-off to expect in one coordinate's quotient.
#[derive(Clone, Debug, Serialize)]
pub(crate) struct Prediction {
    pub(crate) name: String,
    /// The larger of the two losses.
    pub(crate) loss: f64,
    /// From it to the next number that the dtype can hold.
    pub(crate) ulp: f64,
    /// What one such step does to the quotient.
    pub(crate) per_ulp: f64,
    /// The root mean square of the quotient's error.
    pub(crate) typical: f64,
    /// No error is larger (to first order).
    pub(crate) bound: f64,
}

/// Predicts the round-off of the quotient `(loss(ends[0]) − loss(ends[1])) / 2ε` computed in `dtype`.
///
/// # Errors
/// Where the program cannot be run in f64.
pub(crate) fn predict(
    program: &Program,
    ends: &[Tensor; 2],
    name: &str,
    eps: f64,
    dtype: DType,
) -> Result<Prediction> {
    let (up, down) = (
        of_loss(program, &ends[0], dtype)?,
        of_loss(program, &ends[1], dtype)?,
    );
    let loss = up.loss.abs().max(down.loss.abs());
    let ulp = spacing(loss, dtype);
    let difference = up.loss - down.loss;
    let quotient = difference / (2.0 * eps);
    // The subtraction, the division, and 2ε itself are rounded too.
    let own = spacing(difference, dtype) / 2.0 / (2.0 * eps) + spacing(quotient, dtype);
    Ok(Prediction {
        name: name.into(),
        loss,
        ulp,
        per_ulp: ulp / (2.0 * eps),
        typical: (up.squares + down.squares).sqrt() / (2.0 * eps),
        bound: (up.sum + down.sum) / (2.0 * eps) + own,
    })
}

/// The rounding of one loss: at most `sum`, and `squares` is its variance.
struct Error {
    loss: f64,
    sum: f64,
    squares: f64,
}

fn of_loss(program: &Program, theta: &Tensor, dtype: DType) -> Result<Error> {
    let _guard = enable_grad();
    let how = Replay {
        float: Some(DType::F64),
        frozen: false,
    };
    let point = theta.detach().to(DType::F64)?.requires_grad_(true)?;
    let values = program.replay_all(&[&point], how)?;
    let loss = values.get(program.outputs()[0]);

    let rounding: Vec<&Instruction> = (program.instructions().iter())
        .filter(|i| rounds(i) && values.get(i.output).requires_grad())
        .collect();
    let results: Vec<Tensor> = rounding.iter().map(|i| values.get(i.output)).collect();
    let slopes = grad(
        &[(&loss, None)],
        &results.iter().collect::<Vec<_>>(),
        Default::default(),
    )?;
    let (mut sum, mut squares) = (0.0, 0.0);
    for ((instruction, result), slope) in rounding.iter().zip(&results).zip(&slopes) {
        let Some(slope) = slope else { continue };
        let errors = errors(instruction, result, &values, dtype)?;
        for (s, (error, terms)) in slope.to_f64_vec()?.into_iter().zip(errors) {
            sum += (s * error).abs() * terms;
            squares += (s * error).powi(2) * terms / 3.0; // roundings are spread evenly up to `error`
        }
    }
    Ok(Error {
        loss: loss.item_f64()?,
        sum,
        squares,
    })
}

/// Whether an operation computes something that may need rounding, and does not only move or choose.
fn rounds(i: &Instruction) -> bool {
    let def = i.op.def();
    match def.family {
        Family::Pointwise | Family::Multilinear | Family::General => true,
        Family::Linear => ["add", "add_scaled", "sub", "sum", "mean"].contains(&def.name),
        Family::Gate | Family::Zero | Family::Cut => false,
    }
}

/// For every element of a result, the largest rounding error of one addition or product, and how many there are.
fn errors(
    i: &Instruction,
    result: &Tensor,
    values: &Values,
    dtype: DType,
) -> Result<Vec<(f64, f64)>> {
    let mut terms = 1.0;
    let sizes = if i.op.def().name == "matmul" {
        // A sum of products: none of its partial sums is larger than the sum of the products' sizes.
        let [a, b] = [0, 1].map(|k| values.get(i.inputs[k]).detach().abs());
        let (a, b) = (a?, b?);
        terms = 2.0 * a.shape().last().copied().unwrap_or(1) as f64 - 1.0;
        a.matmul(&b)?.to_f64_vec()?
    } else {
        result.to_f64_vec()?
    };
    Ok((sizes.into_iter())
        .map(|v| (spacing(v, dtype) / 2.0, terms))
        .collect())
}

/// The distance from a number to the next larger one of its dtype.
fn spacing(x: f64, dtype: DType) -> f64 {
    let x = x.abs();
    match dtype {
        DType::F32 => f64::from((x as f32).next_up()) - f64::from(x as f32),
        _ => x.next_up() - x,
    }
}
