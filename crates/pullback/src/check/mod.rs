//! The gradient checker: says whether a gradient is right, and why it differs from a difference quotient.
//!
//! Nothing is compared with a tolerance. The gap between a gradient and a central difference is split, by running the
//! *same recorded program* in other arithmetic and with its decisions frozen, into six terms that sum to it exactly
//! ([`Ledger`]); rounding budgets come from a reader of the recorded forward and backward (`rounding`); and every verdict
//! carries the smallest error it would have noticed. The files: `oracle` evaluates and differentiates in double-double,
//! `kinks` finds decisions, ties and distances, `rounding` bounds what the working precision can do, `verdict` decides,
//! `explain` names the kind of a bug and `guilty` the operation, `report` and `text` say it; `examine` goes through the coordinates, `many`
//! picks them where there are very many, and `blame` puts together what a wrong gradient is put down to. `study` and `graph` answer
//! further questions of one check: other steps, other precisions, what every operation did.
//!
//! ```
//! use pullback::{Tensor, check};
//! let w = Tensor::from_slice(&[0.3f32, -1.2, 0.8], [3])?;
//! let report = check::Check::new(|x| x[0].tanh()?.square()?.sum(), &[&w]).names(&["w"]).run()?;
//! assert_eq!(report.status, check::Status::Pass);
//! assert!(report.coordinates.iter().all(|c| c.mde < 1e-4));
//! # Ok::<(), pullback::Error>(())
//! ```

mod blackbox;
mod blame;
mod claims;
mod custom;
mod examine;
mod explain;
mod fast;
mod graph;
mod guilty;
mod host;
mod kinks;
mod many;
mod measure;
mod numbers;
mod opaque;
mod oracle;
mod paths;
mod point;
mod report;
mod rounding;
mod run;
mod study;
mod text;
mod verdict;

pub use blackbox::{Argument, BlackBox, BlackBoxOptions, Claimed, Float, black_box};
pub use explain::BugKind;
pub use graph::{Graph, GraphNode, Role};
pub use guilty::{Guilty, Mode, RuleTest};
pub use kinks::NearestKink;
pub use report::{Adjoint, Coordinate, Ledger, Report, Status, Verdict};
pub use study::{Crossing, Gate, RoundOff, Study, Unit};

use crate::{Result, Tensor};
use std::cell::OnceCell;

/// A function of tensors whose gradient is checked.
pub(crate) type Function<'a> = Box<dyn Fn(&[Tensor]) -> Result<Tensor> + 'a>;

/// A formula for the gradients of a function: one tensor for each floating input.
pub(crate) struct Formula<'a> {
    /// Takes the inputs, and what the numbers of the function's result are weighed by.
    run: Run<'a>,
    /// It says that it is a backward, so it must be linear in what they are weighed by.
    backward: bool,
}

/// See [`Formula::run`].
type Run<'a> = Box<dyn Fn(&[Tensor], &Tensor) -> Result<Vec<Tensor>> + 'a>;

/// Where the gradient under test comes from.
pub(crate) enum Claim<'a> {
    /// Reverse mode, through the engine.
    Autograd,
    /// A hand-written formula; it is run in higher precision too.
    Formula(Formula<'a>),
    /// Numbers from anywhere.
    Numbers(Vec<Tensor>),
}

/// A check, being set up.
pub struct Check<'a> {
    f: Function<'a>,
    inputs: Vec<Tensor>,
    names: Vec<String>,
    claim: Claim<'a>,
    step: Option<f64>,
    power: Option<f64>,
    seed: u64,
    limit: Option<usize>,
    /// What is called without leaves.
    plain: point::Plain,
    /// What the numbers of the result are weighed by, if that was said.
    cotangent: Option<Tensor>,
    /// The same in the result's dtype, ones for one number, once the function was called.
    incoming: OnceCell<Tensor>,
    /// The function may be constant: it is the gradient of another, which may be linear.
    linear: bool,
}

impl<'a> Check<'a> {
    /// Checks the gradient of `f` at `inputs`. Inputs that are not floating are passed on and not differentiated.
    ///
    /// `f` is run several times, on leaves (`requires_grad` is true) and with gradients recorded, and must do the same each time;
    /// it may differentiate inside. A result of several numbers is checked through a random weighted sum of them, unless the claimed
    /// gradient is that of their sum: see [`Check::gradients`], [`Check::formula`], [`Check::backward`].
    pub fn new(f: impl Fn(&[Tensor]) -> Result<Tensor> + 'a, inputs: &[&Tensor]) -> Check<'a> {
        let inputs: Vec<Tensor> = inputs
            .iter()
            .map(|t| Tensor::from_array(t.array().clone()))
            .collect();
        let names = (0..inputs.len()).map(|i| format!("x{i}")).collect();
        Check {
            f: Box::new(f),
            inputs,
            names,
            claim: Claim::Autograd,
            step: None,
            power: None,
            seed: 0,
            limit: None,
            plain: point::Plain::default(),
            cotangent: None,
            incoming: OnceCell::new(),
            linear: false,
        }
    }

    /// Names of the inputs, for the report (`W1[3,1]`).
    #[must_use]
    pub fn names(mut self, names: &[&str]) -> Self {
        for (own, name) in self.names.iter_mut().zip(names) {
            *own = (*name).to_string();
        }
        self
    }

    /// Checks these numbers instead of what the engine computes: one tensor for each floating input. Of a function with several
    /// numbers they are the gradient of their sum, or of the sum weighed by a [`Check::cotangent`].
    #[must_use]
    pub fn gradients(mut self, gradients: &[&Tensor]) -> Self {
        self.claim = Claim::Numbers(
            gradients
                .iter()
                .map(|g| Tensor::from_array(g.array().clone()))
                .collect(),
        );
        self
    }

    /// Checks a hand-written formula instead of the engine: a function of the inputs that returns one gradient for each
    /// floating input. Written in tensor operations it is run in higher precision too, so that its rounding can be told
    /// from a mistake. It is called on leaves, as the function is, and may ask the engine itself. Of a function with several numbers it
    /// is the gradient of their sum, or of the sum weighed by a [`Check::cotangent`].
    #[must_use]
    pub fn formula(mut self, formula: impl Fn(&[Tensor]) -> Result<Vec<Tensor>> + 'a) -> Self {
        self.claim = Claim::Formula(Formula {
            run: Box::new(move |x, _| formula(x)),
            backward: false,
        });
        self
    }

    /// Checks a hand-written backward instead of the engine: a function of the inputs and of the gradient that comes in, which has
    /// the result's shape and dtype, that returns one gradient for each floating input. Everything else is as for
    /// [`Check::formula`]; what comes in is uneven and random, so a backward that sums, permutes or forgets it is found.
    ///
    /// ```
    /// use pullback::{Tensor, check::{Check, Status}};
    /// let x = Tensor::from_slice(&[0.5f64, -1.2, 2.0], [3])?;
    /// let softmax = |x: &[Tensor]| x[0].softmax(0);
    /// let right = Check::new(softmax, &[&x])
    ///     .backward(|x, g| {
    ///         let y = x[0].softmax(0)?;
    ///         Ok(vec![y.mul(&g.sub(&g.mul(&y)?.sum()?)?)?])
    ///     })
    ///     .run()?;
    /// assert_eq!(right.status, Status::Pass);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[must_use]
    pub fn backward(
        mut self,
        backward: impl Fn(&[Tensor], &Tensor) -> Result<Vec<Tensor>> + 'a,
    ) -> Self {
        self.claim = Claim::Formula(Formula {
            run: Box::new(backward),
            backward: true,
        });
        self
    }

    /// What the numbers of the function's result are weighed by before they are added up; of the result's shape. Without it, ones
    /// where the gradient was given as numbers or as a formula, and uneven random ones else.
    #[must_use]
    pub fn cotangent(mut self, cotangent: &Tensor) -> Self {
        self.cotangent = Some(Tensor::from_array(cotangent.array().clone()));
        self
    }

    /// The step of the difference quotient to explain. Without one, a step near the best for the dtype.
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.step = Some(step);
        self
    }

    /// The relative error that a pass must rule out (default 1e-6 in float64, 1e-3 in float32). Not a tolerance: a gradient
    /// that is known to be right but cannot be certified to this power is *unknown*.
    #[must_use]
    pub fn power(mut self, power: f64) -> Self {
        self.power = Some(power);
        self
    }

    /// Seed of the random weights and probes.
    #[must_use]
    pub fn seed(mut self, seed: u64) -> Self {
        self.seed = seed;
        self
    }

    /// How many coordinates are examined one by one. With more parameters the gradient is certified by random projections,
    /// and only coordinates that look wrong, and a few others, are examined. Each costs a dozen runs of the function in
    /// double-double, so without a number as many are taken as seconds allow: thousands where the function is small, and at
    /// least 24.
    #[must_use]
    pub fn examine_at_most(mut self, coordinates: usize) -> Self {
        self.limit = Some(coordinates);
        self
    }

    /// Checks the second derivatives: the same check on x ↦ u·∇f(x), for a random u.
    ///
    /// # Errors
    /// As [`Check::run`].
    #[track_caller]
    pub fn run_second_order(self) -> Result<Report> {
        let Check {
            f,
            inputs,
            names,
            step,
            power,
            seed,
            limit,
            ..
        } = self;
        let reached = std::cell::Cell::new(false);
        let second = |x: &[Tensor]| directional_gradient(&f, x, seed, &reached);
        let mut report = Check {
            f: Box::new(second),
            inputs,
            names,
            claim: Claim::Autograd,
            step,
            power,
            seed,
            limit,
            plain: point::Plain::default(),
            cotangent: None,
            incoming: OnceCell::new(),
            linear: true,
        }
        .run()?;
        if !reached.get() {
            examine::independent(0, &mut report);
        }
        Ok(report)
    }

    /// The size of the inputs: the largest root mean square of a floating one, 1 where all are zero.
    pub fn scale(&self) -> f64 {
        let floats = self.inputs.iter().filter(|t| t.dtype().is_float());
        let sizes = floats.filter_map(|t| measure::rms(&t.to_f64_vec().ok()?));
        match sizes.filter(|s| s.is_finite()).fold(0.0, f64::max) {
            0.0 => 1.0,
            size => size,
        }
    }

    /// What a comparison with a tolerance would go by: claimed gradient minus difference quotient at every coordinate, and
    /// nothing else. Costs two evaluations each.
    ///
    /// # Errors
    /// As [`Check::run`].
    #[track_caller]
    pub fn gaps(&self) -> Result<Vec<f64>> {
        let site = std::panic::Location::caller();
        run::gaps(self).map_err(|e| e.at(site))
    }

    /// Runs the check and keeps it open, for questions about other steps, other precisions and single operations.
    ///
    /// # Errors
    /// As [`Check::run`].
    #[track_caller]
    pub fn study(&self) -> Result<Study<'_>> {
        let site = std::panic::Location::caller();
        Study::new(self).map_err(|e| e.at(site))
    }

    /// The report on a function that returned no tensor at all, for bindings of languages where a function may: *unknown*,
    /// with the reason.
    ///
    /// # Errors
    /// Where no input is floating.
    pub fn nothing(&self, why: &str) -> Result<Report> {
        run::undetermined(self, why)
    }

    /// Runs the check. A function whose result has nothing to do with its inputs, or is no floating number, is *unknown*.
    ///
    /// # Errors
    /// Where the function itself fails, returns a number that is not finite, or another shape than at first; where no input is floating, or a claimed gradient has another shape or dtype than its input. The error says
    /// at which point.
    #[track_caller]
    pub fn run(&self) -> Result<Report> {
        // Not inside the closure, where the caller would be this line.
        let site = std::panic::Location::caller();
        run::run(self).map_err(|e| e.at(site))
    }
}

/// u·∇f(x), with a graph of its own. Says whether f depends on an input.
fn directional_gradient(
    f: &Function<'_>,
    x: &[Tensor],
    seed: u64,
    reached: &std::cell::Cell<bool>,
) -> Result<Tensor> {
    let _grad = crate::enable_grad();
    let own: Vec<Tensor> = (x.iter())
        .map(|t| {
            if t.dtype().is_differentiable() && !t.requires_grad() {
                t.clone().requires_grad_(true)
            } else {
                Ok(t.clone())
            }
        })
        .collect::<Result<_>>()?;
    let y = f(&own)?;
    let weights = if y.numel() == 1 {
        None
    } else {
        Some(numbers::probe(y.shape(), seed.wrapping_add(78))?)
    };
    let y = numbers::reduced(&y, weights.as_ref())?;
    let floats: Vec<&Tensor> = own
        .iter()
        .filter(|t| t.dtype().is_differentiable())
        .collect();
    let mut total = Tensor::zeros(crate::Shape::scalar(), y.dtype())?;
    if !y.requires_grad() {
        return Ok(total);
    }
    let options = crate::BackwardOptions {
        create_graph: true,
        retain_graph: true,
        allow_unused: true,
        ..crate::BackwardOptions::NEW
    };
    for (k, g) in crate::grad(&[(&y, None)], &floats, options)?
        .into_iter()
        .enumerate()
    {
        if let Some(g) = g {
            reached.set(true);
            let u = numbers::probe(g.shape(), seed.wrapping_add(200 + k as u64))?.to(g.dtype())?;
            total = total.add(&g.mul(&u)?.sum()?)?;
        }
    }
    Ok(total)
}

/// Checks the gradient the engine computes and panics with the report unless it passes; for tests.
///
/// # Panics
/// Where the check fails, is undecided, or cannot run.
///
/// ```
/// use pullback::{Tensor, check};
/// let x = Tensor::from_slice(&[0.5f64, 2.0], [2])?;
/// check::assert(|x| x[0].exp()?.sum(), &[&x]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[track_caller]
pub fn assert(f: impl Fn(&[Tensor]) -> Result<Tensor>, inputs: &[&Tensor]) {
    match Check::new(f, inputs).run() {
        Ok(report) if report.status == Status::Pass => {}
        Ok(report) => panic!("{report}"),
        Err(e) => panic!("the gradient could not be checked: {e}"),
    }
}
