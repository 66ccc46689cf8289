//! An operation on a matrix plus its transpose: as what functions of symmetric matrices are proven.
//!
//! They read one triangle, and their rules give PyTorch's derivatives, which are those along symmetric matrices. Moving one element of
//! one triangle, as differences do, would compare them with another function.

use crate::core::apply;
use crate::core::ctx::Ctx;
use crate::core::op::{Op, OpDef, Reads};
use crate::core::tensor::Tensor;
use crate::{Array, DType, Result};
use pullback_array::{dispatch, kernels};
use smallvec::SmallVec;
use std::panic::Location;

/// `op` of X + Xᵀ and of its other inputs as they are.
#[derive(Debug)]
pub(crate) struct OfSymmetric(pub(crate) Box<dyn Op>);

fn both(x: &Tensor) -> Result<Tensor> {
    x.add(&x.mt()?)
}

impl OfSymmetric {
    /// The inputs of the operation inside, and its result.
    fn inside(&self, cx: &Ctx<'_>) -> Result<(SmallVec<[Tensor; 2]>, Tensor)> {
        let mut x = cx.inputs()?;
        x[0] = both(&x[0])?;
        let y = apply::boxed(&*self.0, &x.iter().collect::<Vec<_>>(), cx.site())?;
        Ok((x, y))
    }
}

impl Op for OfSymmetric {
    fn def(&self) -> &'static OpDef {
        self.0.def()
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(OfSymmetric(self.0.boxed()))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let turned = x[0].transpose(-2, -1)?;
        let first = dispatch!(float x[0].dtype(), T => kernels::zip(x[0], &turned, |a: T, b: T| a + b), else Ok(x[0].clone()))?;
        let mut all = x.to_vec();
        all[0] = &first;
        self.0.eval(&all)
    }
    fn applied(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<Tensor>> {
        Some(both(inputs[0]).and_then(|first| {
            let mut all = inputs.to_vec();
            all[0] = &first;
            apply::boxed(&*self.0, &all, site)
        }))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (x, y) = self.inside(cx)?;
        let pulled = (self.0).vjp(&Ctx::live(self.def().name, &x, &y, cx.site()), i, g)?;
        if i == 0 { both(&pulled) } else { Ok(pulled) }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let (x, y) = self.inside(cx)?;
        let mut t = t.to_vec();
        t[0] = t[0].as_ref().map(both).transpose()?;
        (self.0).jvp(&Ctx::live(self.def().name, &x, &y, cx.site()), &t)
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        Box::new(OfSymmetric(self.0.in_dtype(dtype)))
    }
}
