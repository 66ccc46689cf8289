//! Reverse mode: gradients and pullbacks of functions.
//!
//! The function runs on handles of its own, leaves or (inside another derivative) aliases in the outer graph. Afterwards the
//! result's graph says whether anything else hangs on it: only then is the gradient's own computation recorded.

use super::form::{Inputs, Tensors};
use crate::core::address::ByAddress;
use crate::core::apply::apply;
use crate::core::graph::Edge;
use crate::core::mode;
use crate::core::structural::Alias;
use crate::core::tensor::Tensor;
use crate::engine::{self, BackwardOptions, Seed};
use crate::{Error, ErrorKind, Result, Shared};
use std::marker::PhantomData;
use std::panic::Location;

/// The gradient of a function with one number as its result, in the form of its inputs ([`Inputs`]). PyTorch's `torch.func.grad`.
///
/// Inputs without a part in the result get zeros.
///
/// # Errors
/// Whatever `f` reports; PyTorch's sentence where its result has dimensions; integer inputs.
///
/// ```
/// use pullback::{Tensor, func};
/// let (x, y) = (Tensor::scalar(2.0f64), Tensor::scalar(5.0f64));
/// let cube = |x: &Tensor| x.pow(3);
/// assert_eq!(func::grad(cube, &x)?.item_f64()?, 12.0);
/// let [dx, dy] = func::grad(|[x, y]| x.mul(y), [&x, &y])?;
/// assert_eq!((dx.item_f64()?, dy.item_f64()?), (5.0, 2.0));
/// // Gradients nest:
/// let second = func::grad(|x| func::grad(cube, x), &x)?;
/// assert_eq!(second.item_f64()?, 12.0);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn grad<I: Inputs>(f: impl FnOnce(&I::Own) -> Result<Tensor>, inputs: I) -> Result<I::Own> {
    value_and_grad(f, inputs).map(|(_, g)| g)
}

/// The value and the gradient. PyTorch's `torch.func.grad_and_value`.
///
/// # Errors
/// As [`grad`].
#[track_caller]
pub fn value_and_grad<I: Inputs>(
    f: impl FnOnce(&I::Own) -> Result<Tensor>,
    inputs: I,
) -> Result<(Tensor, I::Own)> {
    value_and_grad_aux(|x| f(x).map(|y| (y, ())), inputs).map(|((y, ()), g)| (y, g))
}

/// As [`grad`], for a function that gives something else besides. PyTorch's `has_aux=True`.
///
/// # Errors
/// As [`grad`].
#[track_caller]
pub fn grad_aux<I: Inputs, A>(
    f: impl FnOnce(&I::Own) -> Result<(Tensor, A)>,
    inputs: I,
) -> Result<(I::Own, A)> {
    value_and_grad_aux(f, inputs).map(|((_, aux), g)| (g, aux))
}

/// As [`value_and_grad`], for a function that gives something else besides.
///
/// # Errors
/// As [`grad`].
#[track_caller]
pub fn value_and_grad_aux<I: Inputs, A>(
    f: impl FnOnce(&I::Own) -> Result<(Tensor, A)>,
    inputs: I,
) -> Result<((Tensor, A), I::Own)> {
    let site = Location::caller();
    let (found, gradients) = gradients(|x| f(&inputs.own(x.to_vec())?), &inputs.tensors(), site)?;
    Ok((found, inputs.own(gradients)?))
}

/// As [`value_and_grad_aux`], of lists.
pub(super) fn gradients<A>(
    f: impl FnOnce(&[Tensor]) -> Result<(Tensor, A)>,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<((Tensor, A), Vec<Tensor>)> {
    let mut aux = None;
    let run = |x: &[Tensor]| {
        let (y, a) = f(x)?;
        aux = Some(a);
        Ok(vec![y])
    };
    let (mut values, pulled) = pull(run, inputs, site)?;
    let y = values.remove(0);
    if y.ndim() != 0 {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "grad_and_value(f)(*args): Expected f(*args) to return a scalar Tensor, got tensor with {} dims. Maybe you wanted to use the vjp or jacrev APIs instead?",
                y.ndim()
            ),
        )
        .op("grad")
        .at(site));
    }
    let gradients = pulled.run(&[Some(&y.ones_like()?)], false, site)?;
    match aux {
        Some(aux) => Ok(((y, aux), gradients)),
        None => unreachable!("the function ran"),
    }
}

/// The value of `f`, one tensor or several, and its pullback, which maps gradients of the results to those of the inputs, any number of times.
/// PyTorch's `torch.func.vjp`.
///
/// # Errors
/// Whatever `f` reports; integer inputs, or a result that is not floating.
///
/// ```
/// use pullback::{Tensor, func};
/// let x = Tensor::from_slice(&[1.0f64, 2.0], [2])?;
/// let (y, pullback) = func::vjp(|x| x.square(), &x)?;
/// assert_eq!(y.to_vec::<f64>()?, [1.0, 4.0]);
/// let g = pullback.call(&Tensor::from_slice(&[1.0f64, 10.0], [2])?)?;
/// assert_eq!(g.to_vec::<f64>()?, [2.0, 40.0]);
/// // Two results: a gradient of each.
/// let ([a, b], pullback) = func::vjp(|x| Ok([x.sin()?, x.cos()?]), &x)?;
/// let g = pullback.call([&a, &b])?;
/// assert!(g.abs()?.max()?.item_f64()? < 1e-15); // sin x cos x - cos x sin x
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn vjp<I: Inputs, R: Tensors>(
    f: impl FnOnce(&I::Own) -> Result<R>,
    inputs: I,
) -> Result<(R, Vjp<I::Own, R>)> {
    let mut form = None;
    let (values, pulled) = pull(
        formed(&inputs, f, &mut form),
        &inputs.tensors(),
        Location::caller(),
    )?;
    let own = inputs.own(pulled.inputs.clone())?;
    let pullback = Vjp {
        pulled,
        own,
        of: PhantomData,
    };
    Ok((given(form, values)?, pullback))
}

/// A function of lists, which leaves the form of its results.
pub(super) fn formed<'a, I: Inputs, R: Tensors>(
    inputs: &'a I,
    f: impl FnOnce(&I::Own) -> Result<R> + 'a,
    form: &'a mut Option<R>,
) -> impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>> + 'a {
    |x| {
        let y = f(&inputs.own(x.to_vec())?)?;
        let list = y.tensors().into_iter().cloned().collect();
        *form = Some(y);
        Ok(list)
    }
}

/// Results in the form that [`formed`] left.
pub(super) fn given<R: Tensors>(form: Option<R>, values: Vec<Tensor>) -> Result<R> {
    match form {
        Some(form) => form.with(values),
        None => unreachable!("the function ran"),
    }
}

/// A function's pullback at a point: what [`vjp`] gives. `X` is the form of its inputs, `Y` that of its results.
pub struct Vjp<X, Y> {
    pulled: Pulled,
    own: X,
    of: PhantomData<fn(Y)>,
}

impl<X: Tensors, Y: Tensors> std::fmt::Debug for Vjp<X, Y> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let of = &self.pulled;
        write!(f, "Vjp({} → {})", of.inputs.len(), of.outputs.len())
    }
}

impl<X: Tensors, Y: Tensors> Vjp<X, Y> {
    /// The gradients of the inputs, given those of the results in their form: `&g`, or `[&g, &h]` for two.
    ///
    /// # Errors
    /// PyTorch's sentence where a shape differs from its result's; where the number of a list does.
    #[track_caller]
    pub fn call(&self, g: impl Inputs<Own = Y>) -> Result<X> {
        let g: Vec<Option<&Tensor>> = g.tensors().into_iter().map(Some).collect();
        self.own
            .with(self.pulled.run(&g, true, Location::caller())?)
    }
}

/// A pullback of lists.
pub(super) struct Pulled {
    outputs: Vec<Tensor>,
    inputs: Vec<Tensor>,
    /// Whether something else than the inputs hangs on the outputs.
    outer: bool,
}

impl Pulled {
    /// `None` stands for a zero that is not even sent: zero times an infinite slope would not be zero.
    pub(super) fn run(
        &self,
        g: &[Option<&Tensor>],
        retain_graph: bool,
        site: &'static Location<'static>,
    ) -> Result<Vec<Tensor>> {
        if g.len() != self.outputs.len() {
            return Err(Error::new(
                ErrorKind::Value,
                format!(
                    "Expected {} gradients, one for each output, got {}",
                    self.outputs.len(),
                    g.len()
                ),
            )
            .op("vjp")
            .at(site));
        }
        let seeds: Vec<Seed<'_>> = (self.outputs.iter().zip(g))
            .filter(|(y, g)| y.has_edge() && g.is_some())
            .map(|(y, g)| (y, *g))
            .collect();
        if seeds.is_empty() {
            return self.inputs.iter().map(Tensor::zeros_like).collect();
        }
        let outer = self.outer || g.iter().flatten().any(|g| g.has_edge());
        let options = BackwardOptions {
            retain_graph,
            create_graph: outer && mode::records(mode::flags()),
            materialize_grads: true,
            ..BackwardOptions::NEW
        };
        let lent: Vec<&Tensor> = self.inputs.iter().collect();
        let found = engine::grad(&seeds, &lent, options).map_err(|e| e.at(site))?;
        Ok(found.into_iter().flatten().collect())
    }
}

/// Runs `f` on handles of its own; gives its results as seen from outside, and the pullback.
pub(super) fn pull(
    f: impl FnOnce(&[Tensor]) -> Result<Vec<Tensor>>,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<(Vec<Tensor>, Pulled)> {
    let records = mode::records(mode::flags());
    let inference = mode::flags() & mode::INFERENCE != 0;
    let _normal = inference.then(|| mode::set(mode::INFERENCE, false));
    let own = (inputs.iter())
        .map(|t| handle(t, site).map_err(|e| e.op("vjp").at(site)))
        .collect::<Result<Vec<_>>>()?;
    let outputs = {
        let _on = mode::set(mode::GRAD, true);
        f(&own)?
    };
    for y in &outputs {
        if !y.dtype().is_differentiable() {
            return Err(Error::new(
                ErrorKind::DType,
                format!(
                    "vjp(f, ...): All outputs of f must be floating-point or complex Tensors, got Tensor with dtype torch.{}",
                    y.dtype()
                ),
            )
            .op("vjp")
            .at(site));
        }
    }
    let outer = records && hangs_on_others(&outputs, &own);
    let seen = (outputs.iter())
        .map(|y| {
            if outer {
                return Ok(y.clone());
            }
            if mode::flags() & (mode::RECORD | mode::DUAL) == 0 {
                return Ok(Tensor::from_array(y.array().clone()));
            }
            // A recorder around us sees an alias as what it is; a `detach` would stop its tangents.
            let _off = mode::set(mode::GRAD, false);
            apply(Alias, &[y], site)
        })
        .collect::<Result<Vec<_>>>()?;
    let pullback = Pulled {
        outputs,
        inputs: own,
        outer,
    };
    Ok((seen, pullback))
}

/// A handle to differentiate by: in the outer graph where there is one, else a leaf.
fn handle(t: &Tensor, site: &'static Location<'static>) -> Result<Tensor> {
    let own = match t.is_inference() {
        true => t.copy()?,
        false => apply(Alias, &[t], site)?,
    };
    match own.has_edge() {
        true => Ok(own),
        false => own.requires_grad_(true),
    }
}

/// Whether backward from `outputs` would get to a leaf that is not one of `own`.
fn hangs_on_others(outputs: &[Tensor], own: &[Tensor]) -> bool {
    let mine: Vec<(usize, u32)> = (own.iter())
        .filter_map(|t| t.edge())
        .filter(|e| matches!(e, Edge::Leaf(_)))
        .map(|e| e.key())
        .collect();
    let mut seen: ByAddress<()> = ByAddress::default();
    let mut stack: Vec<Edge> = outputs.iter().filter_map(|y| y.edge()).collect();
    while let Some(edge) = stack.pop() {
        match &edge {
            Edge::Leaf(_) if !mine.contains(&edge.key()) => return true,
            Edge::Node(node, _) if seen.insert(Shared::address(node), ()).is_none() => {
                stack.extend(node.inputs.iter().filter_map(|i| i.target().cloned()));
            }
            _ => {}
        }
    }
    false
}
