//! Every rule of reverse mode broken in every way there is: a mutant that changes a gradient on some sample is noticed; one that
//! changes none is equivalent, and is counted with the reason.

use pullback::ops::OPS;
use pullback::proof::{CHECKS, Case, Sample};
use pullback::{
    Array, BackwardOptions, Ctx, DType, Family, Op, OpDef, Reads, Result, Tensor, apply_op, grad,
};
use std::collections::BTreeMap;

/// What is wrong with a gradient.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Mutation {
    /// Nothing.
    None,
    /// Another sign.
    Sign,
    /// A factor that is not quite one.
    Factor,
    /// Elements as those of the transposed tensor.
    Transposed,
    /// Elements in the opposite order.
    Reversed,
    /// Elements one place further: a mask or a row that is off by one.
    Rolled,
    /// Of what reaches an element from several of the result's, the first alone: a forgotten reduction.
    Unsummed,
    /// The last alone: written over instead of added.
    Overwritten,
    /// Where nothing flows, one; where something does, nothing: the opposite mask.
    Inverted,
    /// Where nothing flows, one: no mask.
    Unmasked,
    /// Nothing in the last element: a mask that is too small.
    Cut,
    /// Nothing at all.
    Missing,
    /// The gradient as it came.
    Through,
}
use Mutation as M;

const ALL: [Mutation; 12] = [
    M::Sign,
    M::Factor,
    M::Transposed,
    M::Reversed,
    M::Rolled,
    M::Unsummed,
    M::Overwritten,
    M::Inverted,
    M::Unmasked,
    M::Cut,
    M::Missing,
    M::Through,
];

#[derive(Debug)]
struct Mutant {
    inner: Box<dyn Op>,
    mutation: Mutation,
}

fn remade(like: &Tensor, list: &[f64]) -> Result<Tensor> {
    Tensor::from_slice(list, &like.shape()[..])?.to(like.dtype())
}

impl Mutant {
    /// What each element of the result sends to input `i`, one after the other, until `f` has enough.
    fn terms(&self, cx: &Ctx<'_>, i: usize, g: &Tensor, mut f: impl FnMut(Vec<f64>)) -> Result<()> {
        let seed = g.to_f64_vec()?;
        for j in 0..seed.len() {
            let mut alone = vec![0.0; seed.len()];
            alone[j] = seed[j];
            let pulled = self.inner.vjp(cx, i, &remade(g, &alone)?)?;
            f(pulled.to_f64_vec()?);
        }
        Ok(())
    }

    /// The first or the last of what reaches each element.
    fn one_of(
        &self,
        cx: &Ctx<'_>,
        i: usize,
        g: &Tensor,
        pulled: &Tensor,
        first: bool,
    ) -> Result<Tensor> {
        let mut kept = vec![0.0; pulled.numel()];
        self.terms(cx, i, g, |term| {
            for (k, t) in kept.iter_mut().zip(term) {
                if t != 0.0 && (!first || *k == 0.0) {
                    *k = t;
                }
            }
        })?;
        remade(pulled, &kept)
    }

    fn spoil(&self, cx: &Ctx<'_>, i: usize, g: &Tensor, pulled: Tensor) -> Result<Tensor> {
        let list = || pulled.to_f64_vec();
        match self.mutation {
            M::None => Ok(pulled),
            M::Sign => pulled.neg(),
            M::Factor => pulled.mul(1.0 + 1e-6),
            M::Missing => pulled.zeros_like(),
            M::Through if g.shape() == cx.shape(i) => g.to(cx.dtype(i)),
            M::Transposed if pulled.ndim() >= 2 => {
                let dims: Vec<i64> = (0..pulled.ndim() as i64).rev().collect();
                pulled.permute(&dims)?.reshape(pulled.shape().clone())
            }
            M::Reversed => {
                let mut list = list()?;
                list.reverse();
                remade(&pulled, &list)
            }
            M::Rolled => {
                let mut list = list()?;
                if !list.is_empty() {
                    list.rotate_right(1);
                }
                remade(&pulled, &list)
            }
            M::Cut => {
                let mut list = list()?;
                if let Some(last) = list.last_mut() {
                    *last = 0.0;
                }
                remade(&pulled, &list)
            }
            M::Inverted => {
                let list: Vec<f64> = (list()?.iter())
                    .map(|&v| f64::from(u8::from(v == 0.0)))
                    .collect();
                remade(&pulled, &list)
            }
            M::Unmasked => {
                let list: Vec<f64> = (list()?.iter())
                    .map(|&v| if v == 0.0 { 1.0 } else { v })
                    .collect();
                remade(&pulled, &list)
            }
            M::Unsummed => self.one_of(cx, i, g, &pulled, true),
            M::Overwritten => self.one_of(cx, i, g, &pulled, false),
            _ => Ok(pulled),
        }
    }
}

impl Op for Mutant {
    fn def(&self) -> &'static OpDef {
        self.inner.def()
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(Mutant {
            inner: self.inner.boxed(),
            mutation: self.mutation,
        })
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        Box::new(Mutant {
            inner: self.inner.in_dtype(dtype),
            mutation: self.mutation,
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        self.inner.eval(x)
    }
    fn reads(&self, i: usize) -> Reads {
        self.inner.reads(i)
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let pulled = self.inner.vjp(cx, i, g)?;
        self.spoil(cx, i, g, pulled)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        self.inner.jvp(cx, t)
    }
}

/// The gradients that an operation sends on a sample, as bits; `None` where it has none.
fn gradients(sample: &Sample, mutation: Mutation) -> Option<Vec<Vec<u64>>> {
    let case = Case::of(sample, DType::F64).ok()?;
    let x: Vec<Tensor> = (case.inputs.iter())
        .map(|t| t.detach().requires_grad_(t.dtype().is_float()))
        .collect::<Result<_>>()
        .ok()?;
    let op = Mutant {
        inner: sample.op.boxed(),
        mutation,
    };
    let y = apply_op(op, &x.iter().collect::<Vec<_>>()).ok()?;
    if !y.requires_grad() {
        return None;
    }
    let seed: Vec<f64> = (0..y.numel())
        .map(|k| 0.75 + 0.5 * (k as f64 * 1.7).sin())
        .collect();
    let g = remade(&y.detach(), &seed).ok()?;
    let leaves: Vec<&Tensor> = x.iter().filter(|t| t.requires_grad()).collect();
    let options = BackwardOptions::NEW.allow_unused(true);
    // A rule that fails where it is broken has been noticed.
    let Ok(found) = grad(&[(&y, Some(&g))], &leaves, options) else {
        return Some(Vec::new());
    };
    (found.iter())
        .map(|t| {
            let list = t.as_ref().map_or(Ok(Vec::new()), Tensor::to_f64_vec).ok()?;
            // Zeros of either sign are the same number.
            Some(list.into_iter().map(|v| (v + 0.0).to_bits()).collect())
        })
        .collect()
}

/// Why a mutation that changes no sample's gradient changes none.
fn reason(def: &OpDef, mutation: Mutation, plain: &[Option<Vec<Vec<u64>>>]) -> &'static str {
    if def.family == Family::Cut || plain.iter().all(Option::is_none) {
        return "it has no gradient";
    }
    let lists = || plain.iter().flatten().flatten();
    let zero = |v: &u64| *v == 0;
    if lists().all(|l| l.iter().all(zero)) {
        return match mutation {
            M::Inverted | M::Unmasked => "",
            _ => "its gradient is zero everywhere",
        };
    }
    match mutation {
        M::Transposed => "no sample's gradient has two dimensions to exchange",
        M::Reversed | M::Rolled => "every sample's gradient has elements that are all alike",
        M::Unsummed | M::Overwritten => {
            "no element of an input reaches more than one of the result's"
        }
        // A result without elements sends zeros to what was broadcast: the engine's, not the rule's.
        M::Inverted | M::Unmasked
            if lists().all(|l| l.iter().all(zero) || l.iter().all(|v| !zero(v))) =>
        {
            "no element of a gradient is zero: there is no mask"
        }
        M::Through => "it passes its gradient through, or has a result of another shape",
        _ => "",
    }
}

#[test]
fn mutants_are_noticed_or_equivalent_for_a_reason() {
    let check = CHECKS
        .iter()
        .find(|c| c.name == "reverse")
        .expect("a check of that name");
    let (mut noticed, mut missed) = (0, Vec::new());
    let mut equivalent: BTreeMap<(&str, Mutation), Vec<&str>> = BTreeMap::new();
    for def in OPS {
        let samples = (def.proof.samples)();
        let plain: Vec<_> = samples.iter().map(|s| gradients(s, M::None)).collect();
        for mutation in ALL {
            let changed: Vec<&Sample> = (samples.iter().zip(&plain))
                .filter(|(s, plain)| plain.is_some() && gradients(s, mutation) != **plain)
                .map(|(s, _)| s)
                .collect();
            if changed.is_empty() {
                match reason(def, mutation, &plain) {
                    "" => missed.push(format!(
                        "{}, {mutation:?}: equivalent without a reason",
                        def.name
                    )),
                    why => equivalent
                        .entry((why, mutation))
                        .or_default()
                        .push(def.name),
                }
                continue;
            }
            let seen = changed.iter().any(|sample| {
                let broken = Mutant {
                    inner: sample.op.boxed(),
                    mutation,
                };
                Case::of(sample, DType::F64)
                    .is_ok_and(|case| (check.run)(&Case::new(&broken, case.inputs)).is_err())
            });
            match seen {
                true => noticed += 1,
                false => missed.push(format!(
                    "{}, {mutation:?}: changes {} samples and passes",
                    def.name,
                    changed.len()
                )),
            }
        }
    }
    let count: usize = equivalent.values().map(Vec::len).sum();
    println!("{noticed} mutants noticed, {count} equivalent:");
    for ((why, mutation), names) in &equivalent {
        println!(
            "  {mutation:?}, {why}: {} ({})",
            names.len(),
            names.join(" ")
        );
    }
    assert!(
        missed.is_empty(),
        "{} mutants:\n{}",
        missed.len(),
        missed.join("\n")
    );
    assert!(noticed > 1000, "only {noticed} mutants change anything");
}
