//! Higher orders: gradients of gradients, through `create_graph`, against differences of the order below; and gradients
//! recorded in a program, which must follow when it is replayed elsewhere.

use super::case::{Case, Finding, Verdict, leaf, numbers, probe, run, same_bits};
use super::difference::differences;
use super::rules::transposed;
use crate::core::op::Op;
use crate::{
    BackwardOptions, DType, Error, ErrorKind, Program, Replay, Result, Tensor, forward_ad, grad,
};

/// Gradients of gradients: at order 0 the operation; at order n, the reverse mode of order n - 1, a function of that one's
/// inputs and of a cotangent for each of its outputs.
fn nested(
    op: &dyn Op,
    order: usize,
    counts: &[usize],
    z: &[Tensor],
) -> Result<Vec<Tensor>, Finding> {
    if order == 0 {
        return Ok(vec![run(op, z)?]);
    }
    let (x, g) = z.split_at(counts[order - 1]);
    let x: Vec<Tensor> = (x.iter())
        .map(|t| {
            if t.requires_grad() {
                Ok(t.clone())
            } else {
                leaf(&t.array())
            }
        })
        .collect::<Result<_>>()?;
    let outputs = nested(op, order - 1, counts, &x)?;
    let rooted: Vec<(&Tensor, Option<&Tensor>)> = (outputs.iter().zip(g))
        .filter(|(y, _)| y.requires_grad())
        .map(|(y, g)| (y, Some(g)))
        .collect();
    let wanted: Vec<&Tensor> = x.iter().filter(|t| t.requires_grad()).collect();
    let options = BackwardOptions {
        create_graph: true,
        allow_unused: true,
        ..Default::default()
    };
    let found = grad(&rooted, &wanted, options)?;
    let zeros = |(g, x): (Option<Tensor>, &Tensor)| g.map_or_else(|| x.zeros_like(), Ok);
    Ok(found
        .into_iter()
        .zip(wanted)
        .map(zeros)
        .collect::<Result<_>>()?)
}

/// How many inputs each order has: those of the one below and a cotangent for each of its outputs, which are the gradients
/// of the floating inputs of the one below that.
fn inputs_of_orders(inputs: &[Tensor]) -> [usize; 4] {
    let (a, f) = (
        inputs.len(),
        inputs.iter().filter(|t| t.dtype().is_float()).count(),
    );
    [a, a + 1, a + 1 + f, a + 1 + f + (f + 1)]
}

/// Reverse mode of order `n` against differences of order n - 1 in double-double.
fn of_order(case: &Case, order: usize) -> Verdict {
    let y = case.run(&case.inputs)?;
    let counts = inputs_of_orders(&case.inputs);
    let mut z = case.inputs.clone();
    z.push(probe(y.shape(), y.dtype(), 11)?);
    for level in 1..order {
        let outputs = nested(&*case.op, level, &counts, &z)?;
        for (k, t) in outputs.iter().enumerate() {
            z.push(probe(t.shape(), t.dtype(), 20 * level as u64 + k as u64)?);
        }
    }
    let below = counts[order - 1];
    let got = nested(&*case.op, order, &counts, &z)?;
    let wide = case.op.in_dtype(DType::Dd);
    let reference = differences(&z[..below], &|z| nested(&*wide, order - 1, &counts, z))?;
    let mut cotangent = Vec::new();
    for t in &z[below..] {
        cotangent.extend(numbers(t)?);
    }
    let mut got = got.into_iter();
    let slots: Vec<Option<Tensor>> = (z[..below].iter())
        .map(|t| {
            if t.dtype().is_float() {
                got.next()
            } else {
                None
            }
        })
        .collect();
    let what = format!("the gradient of order {order}");
    let how = (case.unit(y.dtype()), case.spread());
    transposed(&what, &slots, &reference, &cotangent, how)
}

/// Gradients of ⟨u, gradient⟩, by the inputs and by the first cotangent, through `create_graph`.
pub(super) fn second_order(case: &Case) -> Verdict {
    if case.differentiable() {
        of_order(case, 2)
    } else {
        Ok(())
    }
}

/// Once more, where inputs are small enough to make it cheap.
pub(super) fn third_order(case: &Case) -> Verdict {
    let elements: usize = case.inputs.iter().map(Tensor::numel).sum();
    if case.differentiable() && elements <= 8 && case.inputs.iter().all(|t| t.dtype() != DType::F32)
    {
        of_order(case, 3)
    } else {
        Ok(())
    }
}

/// The gradient's own computation, recorded and replayed at another point and in double-double, is the gradient there:
/// no rule computes past the recorder, which would keep numbers of the first point.
pub(super) fn recorded(case: &Case) -> Verdict {
    if !case.differentiable() {
        return Ok(());
    }
    let y = case.run(&case.inputs)?;
    let counts = inputs_of_orders(&case.inputs);
    let mut z: Vec<Tensor> = (case.inputs.iter())
        .map(|t| leaf(&t.array()))
        .collect::<Result<_>>()?;
    z.push(probe(y.shape(), y.dtype(), 31)?);
    let (program, _) = Program::snapshot(&z.iter().collect::<Vec<_>>(), |z| {
        nested(&*case.op, 1, &counts, z).map_err(|e| Error::new(ErrorKind::Unsupported, e.0))
    })?;
    let there: Vec<Tensor> = (z.iter())
        .map(|t| match t.dtype().is_float() {
            true => t.detach().to(DType::Dd)?.mul(1.375),
            false => Ok(t.clone()),
        })
        .collect::<Result<_>>()?;
    let how = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let got = program.replay(&there.iter().collect::<Vec<_>>(), how)?;
    let want = nested(&*case.op.in_dtype(DType::Dd), 1, &counts, &there)?;
    for (k, (got, want)) in got.iter().zip(&want).enumerate() {
        same_bits(
            &format!("gradient {k} of a recorded program, elsewhere"),
            got,
            want,
        )?;
    }
    Ok(())
}

/// Forward over reverse: inside a level of forward mode, the gradient's tangent along `d`, made with a graph of its own and
/// without, is `H d`; tried by ⟨w, H d⟩ = ⟨Hᵀw, d⟩ with reverse over reverse. A rule that computes past the tangents is found.
pub(super) fn pushed(case: &Case) -> Verdict {
    let y = case.run(&case.inputs)?;
    if !case.differentiable() || y.dtype() == DType::F32 {
        return Ok(());
    }
    let counts = inputs_of_orders(&case.inputs);
    let mut z = case.inputs.clone();
    z.push(probe(y.shape(), y.dtype(), 41)?);
    let below = z.len();
    let directions = (z.iter().enumerate())
        .map(|(k, t)| match t.dtype().is_float() {
            true => probe(t.shape(), t.dtype(), 50 + k as u64).map(Some),
            false => Ok(None),
        })
        .collect::<Result<Vec<_>>>()?;
    let gradients = nested(&*case.op, 1, &counts, &z)?;
    for (k, t) in gradients.iter().enumerate() {
        z.push(probe(t.shape(), t.dtype(), 60 + k as u64)?);
    }
    let product = |a: &Tensor, b: &Tensor| -> Result<(f64, f64)> {
        let terms = numbers(&a.detach().mul(&b.detach())?)?;
        Ok((
            terms.iter().map(|t| t.to_f64()).sum(),
            terms.iter().map(|t| t.to_f64().abs()).sum(),
        ))
    };
    let (mut want, mut size) = (0.0, 0.0);
    let mut back = nested(&*case.op, 2, &counts, &z)?.into_iter();
    for d in directions.iter().flatten() {
        let Some(b) = back.next() else { break };
        let (sum, scale) = product(&b, d)?;
        (want, size) = (want + sum, size + scale);
    }
    for create_graph in [true, false] {
        let _level = forward_ad::dual_level()?;
        let duals = (z[..below].iter().zip(&directions))
            .map(|(t, d)| match d {
                Some(d) => forward_ad::make_dual(&leaf(&t.array())?, d),
                None => Ok(t.clone()),
            })
            .collect::<Result<Vec<_>>>()?;
        let (x, g) = duals.split_at(below - 1);
        let y = run(&*case.op, x)?;
        let wanted: Vec<&Tensor> = x.iter().filter(|t| t.requires_grad()).collect();
        let options = BackwardOptions {
            create_graph,
            materialize_grads: true,
            ..Default::default()
        };
        let (mut got, mut extent) = (0.0, size);
        for (k, t) in grad(&[(&y, Some(&g[0]))], &wanted, options)?
            .iter()
            .flatten()
            .enumerate()
        {
            if let (_, Some(dot)) = forward_ad::unpack_dual(t) {
                let (sum, scale) = product(&dot, &z[below + k])?;
                (got, extent) = (got + sum, extent + scale);
            }
        }
        if (got - want).abs() > 1e-9 * extent.max(1e-6) {
            return Err(format!(
                "the gradient's tangent gives {got:e}, reverse over reverse {want:e} (create_graph: {create_graph})"
            )
            .into());
        }
    }
    Ok(())
}
