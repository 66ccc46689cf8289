//! One result of an operation of several, as an operation of its own (a projection): how recorded programs hold those.
//!
//! A program has one value per instruction, and all that read programs rely on it. A projection computes all results and gives one;
//! replays go through the whole operation, so gradients and tangents are those of its definition.

use crate::core::batch::{Batch, Batched};
use crate::core::ctx::Ctx;
use crate::core::op::{Op, OpDef, Reads};
use crate::core::tensor::Tensor;
use crate::{Array, DType, Error, ErrorKind, Result, core::apply};
use smallvec::SmallVec;
use std::panic::Location;

/// Result `which` of `op`.
#[derive(Debug)]
pub(crate) struct Projection {
    pub(crate) op: Box<dyn Op>,
    pub(crate) which: usize,
}

impl Projection {
    fn all(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Result<SmallVec<[Tensor; 2]>> {
        match self.op.applied_many(inputs, site) {
            Some(results) => results,
            None => apply::apply_many(&*self.op, inputs, site),
        }
    }
}

#[cold]
fn missing(which: usize) -> Error {
    Error::new(
        ErrorKind::Value,
        format!("the operation gave no result {which} when it was run again"),
    )
}

impl Op for Projection {
    fn def(&self) -> &'static OpDef {
        self.op.def()
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(Projection {
            op: self.op.boxed(),
            which: self.which,
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut all = self.op.eval_many(x)?;
        match self.which < all.len() {
            true => Ok(all.swap_remove(self.which)),
            false => Err(missing(self.which)),
        }
    }
    fn applied(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<Tensor>> {
        let pick = |mut all: SmallVec<[Tensor; 2]>| match self.which < all.len() {
            true => Ok(all.swap_remove(self.which)),
            false => Err(missing(self.which)),
        };
        Some(self.all(inputs, site).and_then(pick))
    }
    fn projected(&self) -> Option<(&dyn Op, usize)> {
        Some((&*self.op, self.which))
    }
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let Some(mut all) = self.op.batched(batch)? else {
            return Ok(None);
        };
        match self.which < all.len() {
            true => batch.one(Ok(all.swap_remove(self.which))),
            false => Err(missing(self.which)),
        }
    }
    /// What [`Op::vjp`] below runs the whole operation on.
    fn reads(&self, _: usize) -> Reads {
        Reads::INPUTS
    }
    fn lenient(&self) -> bool {
        self.op.lenient()
    }
    /// No node asks: `applied` runs the whole operation, whose node has the rule.
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let inputs = cx.inputs()?;
        let outputs = self.all(&inputs.iter().collect::<Vec<_>>(), cx.site())?;
        let whole = Ctx::live_many(self.def().name, &inputs, &outputs, cx.site());
        let mut sent = vec![None; outputs.len()];
        let mut out = vec![None; inputs.len()];
        *sent
            .get_mut(self.which)
            .ok_or_else(|| missing(self.which))? = Some(g.clone());
        self.op.vjp_many(&whole, &sent, &mut out)?;
        match out.get_mut(i).and_then(Option::take) {
            Some(gradient) => Ok(gradient),
            None => Tensor::zeros_of(cx.shape(i), cx.dtype(i)),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let inputs = cx.inputs()?;
        let outputs = self.all(&inputs.iter().collect::<Vec<_>>(), cx.site())?;
        let whole = Ctx::live_many(self.def().name, &inputs, &outputs, cx.site());
        let mut dots = self.op.jvp_many(&whole, t)?;
        if self.which >= dots.len() {
            return Err(missing(self.which));
        }
        match dots.swap_remove(self.which) {
            Some(dot) => Ok(dot),
            None => cx.output()?.zeros_like(),
        }
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        Box::new(Projection {
            op: self.op.in_dtype(dtype),
            which: self.which,
        })
    }
}
