//! Functions that can only be called: the best that is possible without replaying them.
//!
//! A function of several numbers is weighed by several uneven cotangents at once: each call gives all its numbers, so that further
//! cotangents cost no calls. The files: `probe` calls the function and measures its noise, `slope` makes a derivative along a line and
//! says how far it may be off (`refine` where noise is large, `evidence` what else the steps show, `stairs` what longer ones do), `judge` goes coordinate by coordinate (`decide` one claim of one, `confirm` a second look at what seems wrong), `cause` says why a difference quotient is off, `project`
//! settles many parameters by random projections. A bug is claimed only where the gap exceeds ten times the uncertainty. A white box
//! ([`super::Check`]) sees far smaller errors.

mod cause;
mod confirm;
mod decide;
mod evidence;
mod judge;
mod probe;
mod project;
mod refine;
mod slope;
mod stairs;

use super::{Report, Status, explain};
use crate::core::setters::setters;
use crate::{DType, Error, ErrorKind, Result};

/// A floating type of black boxes.
pub trait Float: Copy + 'static {
    /// The dtype.
    const DTYPE: DType;
    /// To double precision.
    fn wide(self) -> f64;
    /// From double precision, rounded.
    fn narrow(x: f64) -> Self;
}

impl Float for f32 {
    const DTYPE: DType = DType::F32;
    fn wide(self) -> f64 {
        f64::from(self)
    }
    fn narrow(x: f64) -> f32 {
        x as f32
    }
}

impl Float for f64 {
    const DTYPE: DType = DType::F64;
    fn wide(self) -> f64 {
        self
    }
    fn narrow(x: f64) -> f64 {
        x
    }
}

/// Options of [`black_box`].
#[derive(Clone, Copy, Debug, Default)]
#[non_exhaustive]
pub struct BlackBoxOptions {
    /// The step of the difference quotient to explain.
    pub step: Option<f64>,
    /// The relative error a pass must rule out.
    pub power: Option<f64>,
}

setters!([] BlackBoxOptions {
    step: Option<f64>,
    power: Option<f64>,
});

/// Numbers that a black box takes and is differentiated by.
#[derive(Clone, Debug)]
pub struct Argument {
    /// Its name, for the report (`W`).
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// How it is stored: float32 or float64.
    pub dtype: DType,
    /// Its numbers, in row-major order.
    pub values: Vec<f64>,
}

/// A gradient that is claimed of a black box: of its results weighed by a cotangent.
#[derive(Clone, Debug)]
pub struct Claimed {
    /// What each of the function's numbers is weighed by.
    pub cotangent: Vec<f64>,
    /// The gradient by each number of each argument, one after the other.
    pub gradient: Vec<f64>,
}

/// A function of the numbers of all arguments, one after the other; what it returns is the same many numbers at each call.
pub(super) type Called<'a> = Box<dyn Fn(&[f64]) -> Result<Vec<f64>> + 'a>;

/// A check of a function that can only be called, being set up.
///
/// ```
/// use pullback::{DType, check::{Argument, BlackBox, Claimed, Status}};
/// // A function of two numbers with two results, and its backward for two cotangents.
/// let f = |x: &[f64]| Ok(vec![x[0] * x[1], x[0].sin()]);
/// let x = Argument { name: "x".into(), shape: vec![2], dtype: DType::F64, values: vec![0.5, 2.0] };
/// let back = |w: [f64; 2]| vec![w[0] * 2.0 + w[1] * 0.5f64.cos(), w[0] * 0.5];
/// let claim = |w: [f64; 2]| Claimed { cotangent: w.to_vec(), gradient: back(w) };
/// let report = BlackBox::new(f, vec![x], vec![claim([0.75, -1.25]), claim([-0.5, 0.625])]).run()?;
/// assert_eq!(report.status, Status::Pass);
/// # Ok::<(), pullback::Error>(())
/// ```
pub struct BlackBox<'a> {
    pub(super) f: Called<'a>,
    pub(super) arguments: Vec<Argument>,
    pub(super) claims: Vec<Claimed>,
    pub(super) results: DType,
    pub(super) step: Option<f64>,
    pub(super) power: Option<f64>,
    pub(super) fast: bool,
}

impl<'a> BlackBox<'a> {
    /// Checks the gradients claimed of `f` at the arguments' values. An error that `f` returns ends the check at once and is
    /// returned by [`BlackBox::run`].
    pub fn new(
        f: impl Fn(&[f64]) -> Result<Vec<f64>> + 'a,
        arguments: Vec<Argument>,
        claims: Vec<Claimed>,
    ) -> BlackBox<'a> {
        BlackBox {
            f: Box::new(f),
            arguments,
            claims,
            results: DType::F64,
            step: None,
            power: None,
            fast: false,
        }
    }

    /// The dtype that the function's numbers come in (float64 unless said otherwise).
    #[must_use]
    pub fn results(mut self, dtype: DType) -> Self {
        self.results = dtype;
        self
    }

    /// The step of the difference quotient to explain.
    #[must_use]
    pub fn step(mut self, step: f64) -> Self {
        self.step = Some(step);
        self
    }

    /// The relative error that a pass must rule out.
    #[must_use]
    pub fn power(mut self, power: f64) -> Self {
        self.power = Some(power);
        self
    }

    /// Settles the gradient by random projections whatever its size; only coordinates that look wrong are examined one by one.
    #[must_use]
    pub fn fast(mut self) -> Self {
        self.fast = true;
        self
    }

    /// Runs the check.
    ///
    /// # Errors
    /// Where the function fails, where its value at the point is not finite, where there is nothing to differentiate by, and where
    /// a claim's numbers are not as many as the arguments' or the function's.
    pub fn run(&self) -> Result<Report> {
        self.fits()?;
        let probe = probe::Probe::new(self)?;
        let mut report = self.blank(&probe);
        let choice = match self.fast || probe.x.len() > project::ONE_BY_ONE {
            true => project::choose(&probe, &mut report)?,
            false => project::Choice::all(probe.x.len()),
        };
        let found = judge::examine(&probe, &choice.chosen)?;
        let found = match found.iter().any(|j| j.wrong()) {
            true => judge::examine_more(&probe, found)?,
            false => found,
        };
        report.coordinates = judge::report(&probe, &found, &mut report.notes)?;
        choice.settle(&probe, &mut report.coordinates);
        report.nearest_kink = probe.kink.take();
        report.bugs = explain::of_black_box(self, &probe.y, &report.coordinates, probe.claim.get());
        report.bug = report.bugs.first().map(|b| b.1.clone());
        let worst = report.coordinates.iter().map(|c| c.status).max();
        report.status = report.status.max(worst.unwrap_or(Status::Pass));
        if let Some(why) = choice.unexplained(&judge::at_kinks(&found)) {
            report.status = report.status.max(Status::Unknown);
            // A coordinate that was found wrong explains what the projections say.
            report
                .notes
                .extend((worst != Some(Status::Fail)).then_some(why));
        }
        report.evaluations = probe.calls.get();
        Ok(report)
    }

    /// The coarsest dtype of the arguments.
    pub(super) fn dtype(&self) -> DType {
        match self.arguments.iter().any(|a| a.dtype == DType::F32) {
            true => DType::F32,
            false => DType::F64,
        }
    }

    fn blank(&self, probe: &probe::Probe<'_>) -> Report {
        Report {
            status: Status::Pass,
            coordinates: Vec::new(),
            nearest_kink: None,
            guilty: None,
            bug: None,
            bugs: Vec::new(),
            evaluations: 0,
            step: probe.step,
            power: probe.power(),
            dtype: self.dtype(),
            value: probe.values[0],
            notes: vec!["a black box: it is called and not replayed, so small errors stay hidden (see each MDE)".into()],
            parameters: probe.x.len(),
            adjoint: None,
            black_box: true,
        }
    }

    fn fits(&self) -> Result<()> {
        let wrong = |text: String| Err(Error::new(ErrorKind::Shape, text));
        let n: usize = self.arguments.iter().map(|a| a.values.len()).sum();
        for a in &self.arguments {
            if a.shape.iter().product::<usize>() != a.values.len() {
                return wrong(format!(
                    "{} has shape {:?} and {} numbers",
                    a.name,
                    a.shape,
                    a.values.len()
                ));
            }
            if !matches!(a.dtype, DType::F32 | DType::F64) {
                return Err(Error::new(
                    ErrorKind::DType,
                    format!("{} is {}; float32 and float64 are checked", a.name, a.dtype),
                ));
            }
        }
        for claim in &self.claims {
            if claim.gradient.len() != n {
                return wrong(format!(
                    "a point of {n} numbers needs as many derivatives, {} were given",
                    claim.gradient.len()
                ));
            }
        }
        if n == 0 {
            return Err(Error::new(
                ErrorKind::Value,
                "there is nothing to differentiate: the point is empty",
            ));
        }
        if self.claims.is_empty() {
            return Err(Error::new(ErrorKind::Value, "no gradient is claimed"));
        }
        Ok(())
    }
}

/// Checks a claimed gradient of any closure over a slice of numbers.
///
/// The ledger of a black box has two terms only: `formula` is the claimed gradient minus the best estimate, the rest of the gap
/// stands under the cause it is put down to.
///
/// # Errors
/// Where gradient and point have different lengths, the point is empty, or the value there is not finite.
///
/// ```
/// use pullback::check::{self, Status};
/// let f = |x: &[f64]| x.iter().map(|v| v.sin()).sum::<f64>();
/// let x = [0.3f64, 1.1];
/// let right: Vec<f64> = x.iter().map(|v| v.cos()).collect();
/// assert_eq!(check::black_box(f, &x, &right, Default::default())?.status, Status::Pass);
/// let wrong = [right[0], -right[1]];
/// assert_eq!(check::black_box(f, &x, &wrong, Default::default())?.status, Status::Fail);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn black_box<T: Float>(
    f: impl Fn(&[T]) -> T,
    x: &[T],
    gradient: &[T],
    options: BlackBoxOptions,
) -> Result<Report> {
    let wide = |v: &[T]| v.iter().map(|x| x.wide()).collect::<Vec<f64>>();
    let x = Argument {
        name: "x".into(),
        shape: vec![x.len()],
        dtype: T::DTYPE,
        values: wide(x),
    };
    let claim = Claimed {
        cotangent: vec![1.0],
        gradient: wide(gradient),
    };
    let call = move |x: &[f64]| {
        let x: Vec<T> = x.iter().map(|x| T::narrow(*x)).collect();
        Ok(vec![f(&x).wide()])
    };
    let mut check = BlackBox::new(call, vec![x], vec![claim]).results(T::DTYPE);
    (check.step, check.power) = (options.step, options.power);
    check.run()
}
