//! The operation behind a function of the user: what it keeps, its rules, its node. `apply` runs it.

use super::apply::apply;
use super::{Backward, Forward, Function};
use crate::core::apply::forbid_inference;
use crate::core::batch::{Batch, Batched};
use crate::core::ctx::Ctx;
use crate::core::graph::{EXTRA, Edge, Input, Node, OUTPUT, drop_edges, lock};
use crate::core::hooks::Grads;
use crate::core::made::Made;
use crate::core::op::{Family, Gradients, Op, OpDef, Sent, Tangents};
use crate::core::tensor::Tensor;
use crate::program::{Program, Replay};
use crate::{Array, Error, ErrorKind, Result, core::mode};
use smallvec::SmallVec;
use std::any::Any;
use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::panic::Location;
use std::sync::{Arc, Mutex};

/// A function of the user, with what its `forward` kept where it has run.
#[derive(Clone)]
pub(super) struct FunctionOp {
    pub(super) function: Arc<dyn Function>,
    pub(super) def: &'static OpDef,
    pub(super) kept: Option<Arc<Kept>>,
    /// Whether it writes inputs in place: replays then give it copies.
    pub(super) writes: bool,
}

/// What `forward` kept, but for the arrays, which the node holds.
#[derive(Default)]
pub(super) struct Kept {
    /// For each saved tensor, which value it is (see `graph::Saved`).
    which: Vec<u32>,
    pub(super) state: Option<Arc<dyn Any + Send + Sync>>,
    /// Values of its own, where no node holds them.
    extras: Vec<Array>,
    /// Where the gradients of values of its own go, which are no inputs.
    edges: Vec<Option<Edge>>,
}

impl Drop for Kept {
    fn drop(&mut self) {
        drop_edges(self.edges.drain(..).flatten());
    }
}

impl Kept {
    pub(super) fn saved(&self, cx: &Ctx<'_>, k: usize) -> Result<Tensor> {
        match self.which.get(k) {
            None => Err(Error::new(
                ErrorKind::Index,
                format!(
                    "{} tensors were saved; there is no number {k}",
                    self.which.len()
                ),
            )),
            Some(&w) if w >= OUTPUT => cx.with_history(w),
            Some(&w) if w >= EXTRA => match self.extras.get((w - EXTRA) as usize) {
                Some(array) => Ok(Tensor::from_array(array.clone())),
                None => {
                    let k = (w - EXTRA) as usize;
                    let value = cx.extra(k)?;
                    Ok(match self.edges.get(k) {
                        Some(Some(edge)) => {
                            Tensor::with_edge(value.array().clone(), Some(edge.clone()))
                        }
                        _ => value,
                    })
                }
            },
            Some(&i) => cx.with_history(i),
        }
    }
}

impl fmt::Debug for FunctionOp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.def.name)
    }
}

/// A definition for each name there is: programs have few functions, and definitions live for ever.
fn definition(name: &str) -> &'static OpDef {
    static ALL: Mutex<Option<HashMap<String, &'static OpDef>>> = Mutex::new(None);
    let mut all = lock(&ALL);
    let all = all.get_or_insert_default();
    if let Some(def) = all.get(name) {
        return def;
    }
    let leaked: &'static str = Box::leak(name.to_owned().into_boxed_str());
    let def: &'static OpDef = Box::leak(Box::new(OpDef {
        summary: "A function of the user.",
        ..OpDef::new(leaked, Family::General)
    }));
    all.insert(name.to_owned(), def);
    def
}

/// One run of `forward`: results, and what it said.
pub(super) struct Ran {
    pub(super) cx: Forward,
    pub(super) results: Vec<Tensor>,
}

impl FunctionOp {
    pub(super) fn new(function: Arc<dyn Function>) -> FunctionOp {
        FunctionOp {
            def: definition(&function.name()),
            function,
            kept: None,
            writes: false,
        }
    }

    pub(super) fn run(&self, inputs: &[Tensor]) -> Result<Ran> {
        let mut cx = Forward {
            needs: inputs.iter().map(|t| t.is_tracked()).collect(),
            ..Forward::default()
        };
        let _off = mode::set(mode::GRAD, false);
        let _quiet = mode::set(mode::RECORD, false);
        let _plain = mode::set(mode::DUAL, false);
        let _alone = mode::set(mode::BATCH, false);
        let results = self.function.forward(&mut cx, inputs)?;
        Ok(Ran { cx, results })
    }

    /// Gradients by the user's rule.
    fn pull(
        &self,
        cx: &Ctx<'_>,
        grads: &[Option<Tensor>],
        out: &mut [Option<Tensor>],
    ) -> Result<()> {
        let Some(kept) = &self.kept else {
            return Err(cx.missing("values of a run of `forward`"));
        };
        let own = Backward { cx, kept, grads };
        let mut found = self.function.backward(&own)?;
        let surplus = found.iter().skip(out.len()).any(Option::is_some);
        if found.len() < out.len() || surplus {
            return Err(Error::new(
                ErrorKind::Autograd,
                format!(
                    "function {}Backward returned an incorrect number of gradients (expected {}, got {})",
                    self.def.name,
                    out.len(),
                    found.len()
                ),
            ));
        }
        found.truncate(out.len());
        for (slot, g) in out.iter_mut().zip(found) {
            *slot = g;
        }
        Ok(())
    }

    /// Tangents by the user's rule, or by forward mode through `forward`.
    fn push(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Grads> {
        let inputs = cx.inputs()?;
        let lent: Vec<&Tensor> = inputs.iter().collect();
        if self.function.differentiable_forward() {
            let run = |x: &[Tensor]| self.function.forward(&mut Forward::default(), x);
            let (program, _, live) = Program::trace_live(&lent, false, run)?;
            let t: Vec<Option<&Tensor>> = t.iter().map(Option::as_ref).collect();
            let all = program.jvp_live(&lent, &t, Replay::default(), &live)?;
            return Ok(all.into_iter().map(|(_, dot)| dot).collect());
        }
        let again;
        let kept = match &self.kept {
            Some(kept) => kept,
            None => {
                let ran = self.run(&inputs)?;
                again = Arc::new(self.kept_by(&ran, &lent, true));
                &again
            }
        };
        let own = Backward {
            cx,
            kept,
            grads: &[],
        };
        self.function.jvp(&own, t)
    }

    /// What a run kept; with the arrays of its own values where no node will hold them.
    pub(super) fn kept_by(&self, ran: &Ran, inputs: &[&Tensor], arrays: bool) -> Kept {
        let mut kept = Kept::default();
        kept.state = ran.cx.state.clone();
        let mut extras = 0;
        for t in &ran.cx.saved {
            let result = ran.results.iter().position(|r| r.is(t));
            let input = inputs.iter().position(|x| x.is(t));
            kept.which.push(match (result, input) {
                (Some(k), _) => OUTPUT + k as u32,
                (None, Some(i)) => i as u32,
                (None, None) => {
                    match arrays {
                        true => kept.extras.push(t.array().clone()),
                        false => kept.edges.push(t.edge()),
                    }
                    extras += 1;
                    EXTRA + extras - 1
                }
            });
        }
        kept
    }

    pub(super) fn node(
        &self,
        ran: &Ran,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Result<Node> {
        let slots = (inputs.iter()).map(|t| Input {
            edge: t.end(),
            shape: t.shape().clone(),
            dtype: t.dtype(),
        });
        let kept = Arc::new(self.kept_by(ran, inputs, false));
        let op = FunctionOp {
            kept: Some(kept.clone()),
            ..self.clone()
        };
        let mut node = Node::new(Box::new(op), slots, site);
        for (t, &which) in ran.cx.saved.iter().zip(&kept.which) {
            forbid_inference(t)?;
            node.save(which, &t.array());
        }
        if mode::flags() & mode::PACK != 0 {
            node.pack()?;
        }
        node.results = match &ran.results[..] {
            [_] => None,
            all => Some(all.iter().map(|r| (r.shape().clone(), r.dtype())).collect()),
        };
        Ok(node)
    }
}

impl Op for FunctionOp {
    fn def(&self) -> &'static OpDef {
        self.def
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn held(&self) -> Option<&(dyn Any + Send + Sync)> {
        match Arc::strong_count(&self.function) {
            1 => self.function.held(),
            _ => None,
        }
    }
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let found = self.function.batched(batch);
        let found = found.map_err(|e| e.op(self.def.name).at(batch.site()))?;
        Ok(found.map(|all| all.into_iter().collect()))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let mut all = self.eval_many(x)?;
        match all.len() {
            1 => Ok(all.remove(0)),
            n => Err(Error::new(
                ErrorKind::Value,
                format!("a function of one result was expected, but it gave {n}"),
            )),
        }
    }
    fn eval_many(&self, x: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
        let own = (x.iter().map(|&a| match self.writes {
            true => a.copy(),
            false => Ok(a.clone()),
        }))
        .map(|a| a.map(Tensor::from_array))
        .collect::<Result<Vec<_>>>()?;
        let ran = self.run(&own)?;
        Ok(ran.results.iter().map(|r| r.array().clone()).collect())
    }
    fn applied(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<Tensor>> {
        let one = |mut all: SmallVec<[Tensor; 2]>| match all.len() {
            1 => Ok(all.remove(0)),
            n => Err(Error::new(
                ErrorKind::Value,
                format!("a function of one result was expected, but it gave {n}"),
            )),
        };
        self.applied_many(inputs, site).map(|all| all.and_then(one))
    }
    fn applied_many(
        &self,
        inputs: &[&Tensor],
        site: &'static Location<'static>,
    ) -> Option<Result<SmallVec<[Tensor; 2]>>> {
        let fresh = FunctionOp {
            kept: None,
            ..self.clone()
        };
        if !self.writes {
            return Some(apply(&fresh, inputs, site));
        }
        let copies = inputs.iter().map(|t| t.copy()).collect::<Result<Vec<_>>>();
        Some(copies.and_then(|own| apply(&fresh, &own.iter().collect::<Vec<_>>(), site)))
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        // Outside of any graph (proofs): what a run would keep is made again.
        let inputs = cx.inputs()?;
        let lent: Vec<&Tensor> = inputs.iter().collect();
        let kept = self.kept_by(&self.run(&inputs)?, &lent, true);
        let own = FunctionOp {
            kept: Some(Arc::new(kept)),
            ..self.clone()
        };
        let mut out = vec![None; inputs.len()];
        own.pull(cx, &[Some(g.clone())], &mut out)?;
        match out.swap_remove(i) {
            Some(g) => Ok(g),
            None => Tensor::zeros_of(cx.shape(i), cx.dtype(i)),
        }
    }
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        self.pull(cx, &[Some(g.clone())], out)
    }
    fn vjp_many(&self, cx: &Ctx<'_>, g: Sent<'_>, out: Gradients<'_>) -> Result<()> {
        self.pull(cx, g, out)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        match self.push(cx, t)?.into_iter().next().flatten() {
            Some(dot) => Ok(dot),
            None => cx.output()?.zeros_like(),
        }
    }
    fn jvp_many(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tangents> {
        Ok(self.push(cx, t)?.into_iter().collect())
    }
    fn node_name(&self, _: &Made<'_>) -> Option<Cow<'static, str>> {
        Some(Cow::Owned(format!("{}Backward", self.def.name)))
    }
    fn lenient(&self) -> bool {
        true
    }
}
