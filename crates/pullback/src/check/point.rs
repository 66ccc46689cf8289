//! The function under test at one point: its value, and errors that say where the point is.
//!
//! Not for: runs in other arithmetic (`oracle.rs`), which replay what was recorded here.

use super::{Check, Claim, Formula, numbers};
use crate::{Error, ErrorKind, Result, Tensor, core::mode};
use std::cell::Cell;

/// What is called without leaves: a function whose gradient is given may be one that the engine cannot differentiate (it
/// writes its inputs, or asks for their numbers), and so may a formula.
#[derive(Debug, Default)]
pub(super) struct Plain {
    function: Cell<bool>,
    formula: Cell<bool>,
}

/// The function itself, on leaves and with gradients recorded, as PyTorch's checker calls it: it may ask for `requires_grad`,
/// set hooks and differentiate inside. A recorder's handles become leaves where they stand, since it knows them by their
/// numbers. Errors say at which point.
pub(super) fn call(
    check: &Check<'_>,
    x: &[Tensor],
    shape: Option<&crate::Shape>,
) -> Result<Tensor> {
    let _grad = mode::set(mode::GRAD, true);
    let y =
        (check.f)(&handed(x, check.plain.function.get())?).map_err(|e| e.note(place(check, x)))?;
    match shape {
        Some(shape) if y.shape() != shape => Err(Error::new(
            ErrorKind::Shape,
            format!(
                "the function returned shape {shape} at first and {} now",
                y.shape()
            ),
        )
        .note(place(check, x))),
        _ => Ok(y),
    }
}

/// The first call, which tells whether the function can be called with leaves, and what its result is weighed by.
pub(super) fn first(check: &Check<'_>) -> Result<Tensor> {
    let y = match call(check, &check.inputs, None) {
        Err(_) if !matches!(check.claim, Claim::Autograd) => {
            check.plain.function.set(true);
            call(check, &check.inputs, None)
        }
        done => done,
    }?;
    if y.dtype().is_float() {
        let incoming = match weights(check, &y)? {
            Some(weights) => weights.to(y.dtype())?,
            None => Tensor::ones(y.shape().clone(), y.dtype())?,
        };
        // A second run of the same check finds the same.
        let _ = check.incoming.set(incoming);
    }
    Ok(y)
}

/// What the numbers of the function's result are weighed by; `None` where there is one number, taken as it is.
pub(super) fn weights(check: &Check<'_>, y: &Tensor) -> Result<Option<Tensor>> {
    if let Some(own) = &check.cotangent {
        return match own.shape() == y.shape() {
            true => Ok(Some(own.clone())),
            false => Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "the cotangent has shape {} and the function's result {}",
                    own.shape(),
                    y.shape()
                ),
            )),
        };
    }
    Ok(match y.numel() {
        1 => None,
        _ if of_sum(check) => Some(Tensor::ones(y.shape().clone(), crate::DType::F64)?),
        _ => Some(numbers::probe(y.shape(), check.seed.wrapping_add(77))?),
    })
}

/// Whether the gradient under test is one that was given without regard to what comes in.
pub(super) fn of_sum(check: &Check<'_>) -> bool {
    match &check.claim {
        Claim::Autograd => false,
        Claim::Formula(formula) => !formula.backward,
        Claim::Numbers(_) => true,
    }
}

/// Why a result is nothing whose gradient could be checked, if it is not.
pub(super) fn nothing(first: &Tensor) -> Option<String> {
    if !first.dtype().is_float() {
        return Some(format!(
            "the function returns {}, not a floating number",
            first.dtype()
        ));
    }
    (first.numel() == 0).then(|| {
        format!(
            "the function returns no numbers (its result has shape {})",
            first.shape()
        )
    })
}

/// The formula under test, called as the function is.
pub(super) fn formula(
    check: &Check<'_>,
    formula: &Formula<'_>,
    x: &[Tensor],
) -> Result<Vec<Tensor>> {
    match check.incoming.get() {
        Some(incoming) => formula_of(check, formula, x, incoming),
        None => {
            first(check)?;
            let incoming = (check.incoming.get()).ok_or_else(|| {
                Error::new(ErrorKind::DType, "the function returns no floating number")
            })?;
            formula_of(check, formula, x, incoming)
        }
    }
}

/// The same for another incoming gradient.
pub(super) fn formula_of(
    check: &Check<'_>,
    formula: &Formula<'_>,
    x: &[Tensor],
    incoming: &Tensor,
) -> Result<Vec<Tensor>> {
    let _grad = mode::set(mode::GRAD, true);
    let run = |x: &[Tensor]| (formula.run)(x, incoming);
    match run(&handed(x, check.plain.formula.get())?) {
        Err(_) if !check.plain.formula.replace(true) => run(&handed(x, true)?),
        done => done,
    }
}

/// What a function gets of its inputs: leaves, each over memory of its own tensor where it is none of a recorder's handles.
pub(super) fn handed(x: &[Tensor], plain: bool) -> Result<Vec<Tensor>> {
    let recording = mode::flags() & mode::RECORD != 0;
    let one = |t: &Tensor| {
        if plain || t.requires_grad() || !t.dtype().is_float() {
            Ok(t.clone())
        } else if recording {
            t.clone().requires_grad_(true)
        } else {
            numbers::leaf(t)
        }
    };
    x.iter().map(one).collect()
}

/// Where a value is not finite there is no derivative to check.
pub(super) fn finite(check: &Check<'_>, y: &Tensor) -> Result<()> {
    let values = y.to_f64_vec()?;
    let Some(at) = values.iter().position(|v| !v.is_finite()) else {
        return Ok(());
    };
    let which = match y.numel() {
        1 => "the function's value".to_string(),
        n => format!("number {at} of the function's {n}"),
    };
    Err(Error::new(
        ErrorKind::NonFinite,
        format!("{which} is {} at this point", values[at]),
    )
    .note(place(check, &check.inputs)))
}

/// Numbers of an input that an error names.
const SHOWN: usize = 4;

/// Where a point is, in words: the inputs, or what is moved against them.
fn place(check: &Check<'_>, x: &[Tensor]) -> String {
    let mut moved = Vec::new();
    let mut own_values = Vec::new();
    for (input, (now, own)) in x.iter().zip(&check.inputs).enumerate() {
        let (Ok(now), Ok(own)) = (now.to_f64_vec(), own.to_f64_vec()) else {
            continue;
        };
        let shown: Vec<String> = own.iter().take(SHOWN).map(|v| format!("{v:?}")).collect();
        let rest = if own.len() > SHOWN { ", …" } else { "" };
        own_values.push(format!(
            "{} = [{}{rest}]",
            check.names[input],
            shown.join(", ")
        ));
        for (flat, (a, b)) in now.iter().zip(&own).enumerate() {
            if a != b {
                let name = super::run::name_of(check, input, flat).0;
                moved.push(format!("{name} = {a:e} instead of {b:e}"));
            }
        }
    }
    match moved.len() {
        0 => format!("at the point given: {}", own_values.join(", ")),
        1..=3 => format!("at the point given, with {}", moved.join(", ")),
        n => format!(
            "at the point given, with {n} numbers moved: {}, …",
            moved[0]
        ),
    }
}
