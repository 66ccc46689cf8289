//! Exact points and failing inputs: the parts of a definition that are data.

use super::case::{Case, Finding, Verdict, leaf, run, same_bits};
use super::{Failure, Point};
use crate::{Array, BackwardOptions, DType, Result, Tensor, grad};
use pullback_array::kernels;

impl Point {
    /// The inputs as a case of their own.
    ///
    /// # Errors
    /// Where a conversion fails.
    pub fn case(&self, dtype: DType) -> Result<Case> {
        let inputs = (self.inputs.iter())
            .map(|x| {
                kernels::cast(&Array::from_slice(x, [x.len()])?, dtype).map(Tensor::from_array)
            })
            .collect::<Result<Vec<_>>>()?;
        Ok(Case::new(&*self.op, inputs))
    }
}

/// The gradients at a point are the ones given, bit for bit: signs of zeros too.
pub(super) fn point(point: &Point, dtype: DType) -> Verdict {
    let case = point.case(dtype)?;
    let x: Vec<Tensor> = (case.inputs.iter())
        .map(|t| leaf(&t.array()))
        .collect::<Result<_>>()?;
    let y = run(&*case.op, &x)?;
    let found = grad(
        &[(&y, Some(&y.ones_like()?))],
        &x.iter().collect::<Vec<_>>(),
        BackwardOptions {
            allow_unused: true,
            ..BackwardOptions::NEW
        },
    )?;
    for (k, (got, want)) in found.iter().zip(&point.gradients).enumerate() {
        let Some(got) = got else {
            return Err(Finding(format!("input {k} got no gradient")));
        };
        let want = kernels::cast(&Array::from_slice(want, [want.len()])?, dtype)?;
        let what = format!("the gradient of input {k} at {:?}", point.inputs);
        same_bits(&what, got, &Tensor::from_array(want))?;
    }
    Ok(())
}

/// Inputs that must fail do, with this first line, the operation's name and the caller's source line.
#[track_caller]
pub(super) fn failure(failure: &Failure, dtype: DType) -> Verdict {
    let x = (failure.shapes.iter())
        .map(|s| Tensor::zeros(s.as_slice(), dtype))
        .collect::<Result<Vec<_>>>()?;
    let Err(e) = run(&*failure.op, &x) else {
        return Err(Finding(format!("shapes {:?} do not fail", failure.shapes)));
    };
    if e.message() != failure.message {
        return Err(Finding(format!(
            "fails with {:?}, not {:?}",
            e.message(),
            failure.message
        )));
    }
    if e.op_name() != Some(failure.op.def().name) || e.site().is_none() {
        return Err(Finding(format!(
            "the error names {:?} at {:?}",
            e.op_name(),
            e.site()
        )));
    }
    Ok(())
}
