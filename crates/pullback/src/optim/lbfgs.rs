//! L-BFGS: Newton's method with an inverse Hessian made of the last steps.

use super::line_search::{Point, strong_wolfe};
use super::optimizer::Optimizer;
use super::options::{Setting, options};
use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::ops::cat;
use crate::{DType, Result, Tensor};
use std::collections::VecDeque;
use std::panic::Location;

/// How far L-BFGS goes along its direction.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[non_exhaustive]
#[cfg_attr(feature = "serde", derive(serde::Serialize, serde::Deserialize))]
pub enum LineSearch {
    /// As far as the rate says.
    #[default]
    None,
    /// To a point that lowers the loss and the slope enough.
    StrongWolfe,
}

impl Setting for LineSearch {
    fn numbers(&self) -> Vec<f64> {
        vec![f64::from(*self as u8)]
    }
    fn of(numbers: &[f64]) -> Option<LineSearch> {
        let all = [LineSearch::None, LineSearch::StrongWolfe];
        all.into_iter().find(|a| a.numbers() == numbers)
    }
}

options! {
    /// Options of [`LBFGS`].
    LBFGSOptions {
        /// The learning rate.
        lr: f64 = 1.0,
        /// Iterations of a step.
        max_iter: usize = 20,
        /// How often a step asks for the loss at most; 5/4 of the iterations without it.
        max_eval: Option<usize> = None,
        /// The largest element of a gradient that counts as 0.
        tolerance_grad: f64 = 1e-7,
        /// The least change of loss or parameters.
        tolerance_change: f64 = 1e-9,
        /// How many steps the inverse Hessian is made of.
        history_size: usize = 100,
        /// How far to go along a direction.
        line_search_fn: LineSearch = LineSearch::None,
        /// Whether to go up.
        maximize: bool = false,
    }
}

/// Newton's method with an inverse Hessian that is made of the last `history_size` steps. PyTorch's `optim.LBFGS`.
///
/// A step asks for the loss several times, so it is given a closure that computes the loss and its gradients:
///
/// ```
/// use pullback::nn::NamedTensors;
/// use pullback::optim::{LBFGS, LBFGSOptions, LineSearch};
/// use pullback::Tensor;
/// let x = Tensor::from_slice(&[-1.2, 1.0], [2])?.requires_grad_(true)?;
/// let params: NamedTensors = [("x", x.clone())].into_iter().collect();
/// let options = LBFGSOptions::default().line_search_fn(LineSearch::StrongWolfe).max_iter(100);
/// let mut optim = LBFGS::with(params, options)?;
/// optim.step(|| {
///     x.zero_grad();
///     // Rosenbrock's valley, whose deepest point is (1, 1).
///     let (a, b) = (x.select(0, 0)?, x.select(0, 1)?);
///     let loss = (b - a.square()?).square()? * 100.0 + (a - 1.0).square()?;
///     loss.backward()?;
///     Ok(loss)
/// })?;
/// assert!((x.detach() - 1.0).abs()?.max()?.item_f64()? < 1e-4);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct LBFGS {
    pub(super) options: LBFGSOptions,
    pub(super) initial_lr: Option<f64>,
    pub(super) params: NamedTensors,
    pub(super) dtype: DType,
    pub(super) memory: Memory,
}

/// What is known of the last steps.
#[derive(Clone, Debug)]
pub(super) struct Memory {
    pub(super) func_evals: usize,
    pub(super) n_iter: usize,
    /// The last direction, how far it was gone, and the gradient before; empty before the first step.
    pub(super) last: Option<(Tensor, f64, Tensor)>,
    /// Changes of gradients, changes of parameters, and one over their product.
    pub(super) pairs: VecDeque<(Tensor, Tensor, f64)>,
    pub(super) h_diag: f64,
    pub(super) prev_loss: f64,
}

impl Memory {
    pub(super) fn new() -> Memory {
        Memory {
            func_evals: 0,
            n_iter: 0,
            last: None,
            pairs: VecDeque::new(),
            h_diag: 1.0,
            prev_loss: 0.0,
        }
    }
}

impl LBFGS {
    /// Of these parameters with a learning rate, and the other options as PyTorch has them.
    ///
    /// # Errors
    /// As [`LBFGS::with`].
    pub fn new(params: NamedTensors, lr: f64) -> Result<LBFGS> {
        LBFGS::with(params, LBFGSOptions::default().lr(lr))
    }

    /// Of these parameters with these options.
    ///
    /// # Errors
    /// PyTorch's sentences: an empty list, results of operations, a rate below zero; two parameters of one name or of several dtypes.
    pub fn with(params: NamedTensors, options: LBFGSOptions) -> Result<LBFGS> {
        super::algorithm::not_negative("learning rate", options.lr)?;
        let Some((_, first)) = params.iter().next() else {
            bail!(Value, "optimizer got an empty parameter list");
        };
        let dtype = first.dtype();
        params.by_name()?;
        for (name, p) in params.iter() {
            if !p.is_leaf() && !p.retains_grad() {
                return Err(
                    error!(Value, "can't optimize a non-leaf Tensor").note(format!("of `{name}`"))
                );
            }
            ensure!(
                p.dtype() == dtype,
                DType,
                "`{name}` is {}, and what stands before it is {dtype}: one vector is made of them",
                p.dtype()
            );
        }
        Ok(LBFGS {
            options,
            initial_lr: None,
            params,
            dtype,
            memory: Memory::new(),
        })
    }

    /// The options.
    pub fn options(&self) -> &LBFGSOptions {
        &self.options
    }

    /// The options, to be changed at any time.
    pub fn options_mut(&mut self) -> &mut LBFGSOptions {
        &mut self.options
    }

    /// Several iterations, each with at least one call of the closure, which computes the loss and its gradients. Gives the first loss.
    ///
    /// # Errors
    /// Those of the closure; where no parameter has a gradient after it.
    #[track_caller]
    pub fn step(&mut self, mut closure: impl FnMut() -> Result<Tensor>) -> Result<Tensor> {
        let site = Location::caller();
        super::algorithm::not_negative("learning rate", self.options.lr)?;
        let _guard = crate::no_grad();
        let mut ask = || {
            let _guard = crate::enable_grad();
            closure()
        };
        let first = ask()?;
        let any = self.params.iter().any(|(_, p)| p.grad().is_some());
        ensure!(any, Autograd, "no parameter has a gradient");
        self.iterate(&first, &mut ask).map_err(|e| e.at(site))?;
        Ok(first)
    }

    /// The sign of the loss: it is lowered.
    fn sign(&self) -> f64 {
        if self.options.maximize { -1.0 } else { 1.0 }
    }

    /// A number as a tensor of this dtype holds it.
    fn rounded(&self, x: f64) -> f64 {
        match self.dtype {
            DType::F32 => f64::from(x as f32),
            _ => x,
        }
    }

    /// All gradients in one vector.
    fn gradient(&self) -> Result<Tensor> {
        let parts = self.params.iter().map(|(_, p)| match p.grad() {
            Some(grad) => grad.reshape([p.numel()]),
            None => Tensor::zeros([p.numel()], p.dtype()),
        });
        let parts = parts.collect::<Result<Vec<_>>>()?;
        let all = cat(&parts.iter().collect::<Vec<_>>(), 0)?;
        if self.options.maximize {
            all.neg()
        } else {
            Ok(all)
        }
    }

    /// Adds `t` times a vector to the parameters.
    fn go(&self, t: f64, d: &Tensor) -> Result<()> {
        let mut at = 0;
        for (_, p) in self.params.iter() {
            let part = d.narrow(0, at, p.numel())?.reshape(p.shape().clone())?;
            p.add_scaled_(&part, t)?;
            at += p.numel();
        }
        Ok(())
    }

    /// Where to go: the gradient times the inverse Hessian that the history says.
    fn direction(&mut self, g: &Tensor) -> Result<Tensor> {
        let Some((d, t, before)) = &self.memory.last else {
            return g.neg();
        };
        let (y, s) = (g.sub(before)?, d.mul(*t)?);
        let ys = y.dot(&s)?.item_f64()?;
        if ys > 1e-10 {
            while self.memory.pairs.len() >= self.options.history_size.max(1) {
                self.memory.pairs.pop_front();
            }
            self.memory.h_diag = self.rounded(ys / y.dot(&y)?.item_f64()?);
            let ro = self.rounded(1.0 / ys);
            self.memory.pairs.push_back((y, s, ro));
        }
        let q = g.neg()?;
        let mut al = vec![0.0; self.memory.pairs.len()];
        for (al, (y, s, ro)) in al.iter_mut().zip(&self.memory.pairs).rev() {
            *al = self.rounded(s.dot(&q)?.item_f64()? * ro);
            q.add_scaled_(y, -*al)?;
        }
        let d = q.mul(self.memory.h_diag)?;
        for (al, (y, s, ro)) in al.iter().zip(&self.memory.pairs) {
            let be = self.rounded(y.dot(&d)?.item_f64()? * ro);
            d.add_scaled_(s, self.rounded(al - be))?;
        }
        Ok(d)
    }

    /// The points of a line through where the parameters are, to which they return after each.
    fn along(
        &self,
        start: &Point,
        t: f64,
        d: &Tensor,
        ask: &mut dyn FnMut() -> Result<Tensor>,
    ) -> Result<super::line_search::Found> {
        let here = (self.params.iter())
            .map(|(_, p)| p.copy())
            .collect::<Result<Vec<_>>>()?;
        let norm = d.abs()?.max()?.item_f64()?;
        let mut point = |t: f64| {
            self.go(t, d)?;
            let f = self.sign() * ask()?.item_f64()?;
            let g = self.gradient()?;
            for ((_, p), x) in self.params.iter().zip(&here) {
                p.copy_(x)?;
            }
            let slope = g.dot(d)?.item_f64()?;
            Ok(Point { t, f, g, slope })
        };
        strong_wolfe(start, t, norm, self.options.tolerance_change, &mut point)
    }

    fn iterate(&mut self, first: &Tensor, ask: &mut dyn FnMut() -> Result<Tensor>) -> Result<()> {
        let o = self.options.clone();
        let most = o.max_eval.unwrap_or(o.max_iter * 5 / 4);
        let (mut loss, mut evals) = (self.sign() * first.item_f64()?, 1);
        self.memory.func_evals += 1;
        let mut g = self.gradient()?;
        let largest = |t: &Tensor| t.abs()?.max()?.item_f64();
        let mut optimal = largest(&g)? <= o.tolerance_grad;
        let mut n = 0;
        while !optimal && n < o.max_iter {
            n += 1;
            self.memory.n_iter += 1;
            let d = self.direction(&g)?;
            let before = loss;
            let mut t = match self.memory.n_iter {
                1 => {
                    let whole = g.abs()?.sum()?.item_f64()?;
                    self.rounded(1.0 / whole).min(1.0) * o.lr
                }
                _ => o.lr,
            };
            let slope = g.dot(&d)?.item_f64()?;
            self.memory.last = Some((d.clone(), t, g.clone()));
            if slope > -o.tolerance_change {
                break;
            }
            let mut used = 0;
            if o.line_search_fn == LineSearch::StrongWolfe {
                let start = Point {
                    t: 0.0,
                    f: loss,
                    g,
                    slope,
                };
                let found = self.along(&start, t, &d, ask)?;
                (t, loss, g, used) = (found.point.t, found.point.f, found.point.g, found.evals);
                self.go(t, &d)?;
                optimal = largest(&g)? <= o.tolerance_grad;
            } else {
                self.go(t, &d)?;
                if n != o.max_iter {
                    loss = self.sign() * ask()?.item_f64()?;
                    g = self.gradient()?;
                    optimal = largest(&g)? <= o.tolerance_grad;
                    used = 1;
                }
            }
            if let Some((_, gone, _)) = &mut self.memory.last {
                *gone = t;
            }
            self.memory.prev_loss = before;
            evals += used;
            self.memory.func_evals += used;
            let still = largest(&d.mul(t)?)? <= o.tolerance_change
                || (loss - before).abs() < o.tolerance_change;
            if evals >= most || still {
                break;
            }
        }
        Ok(())
    }
}

impl Optimizer for LBFGS {
    fn name(&self) -> &'static str {
        "LBFGS"
    }
    /// # Errors
    /// Always: it needs a closure ([`LBFGS::step`]).
    fn step(&mut self) -> Result<()> {
        Err(error!(
            Unsupported,
            "LBFGS asks for the loss several times in a step"
        )
        .help("give `step` a closure that computes the loss and its gradients"))
    }
    fn zero_grad(&self) {
        self.params.zero_grad();
    }
    fn num_groups(&self) -> usize {
        1
    }
    fn lr(&self, _: usize) -> f64 {
        self.options.lr
    }
    fn set_lr(&mut self, _: usize, lr: f64) {
        self.options.lr = lr;
    }
    fn initial_lr(&self, _: usize) -> Option<f64> {
        self.initial_lr
    }
    fn set_initial_lr(&mut self, _: usize, lr: f64) {
        self.initial_lr = Some(lr);
    }
    fn momentum(&self, _: usize) -> Option<f64> {
        None
    }
    fn set_momentum(&mut self, _: usize, _: f64) -> Option<()> {
        None
    }
    fn state(&self) -> Result<NamedTensors> {
        self.taken()
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        self.put(state).map_err(|e| e.op("load"))
    }
}
