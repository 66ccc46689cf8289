//! What an optimiser is made of: options that know what is kept of a parameter and how all of a group step at once.

use super::options::Settings;
use crate::core::fail::ensure;
use crate::{Array, DType, MemoryFormat, Result, room};
use pullback_array::kernels::{Update, UpdateRule, update};
use smallvec::SmallVec;

/// A parameter that steps: its numbers, its gradient, and what the optimiser keeps of it.
#[derive(Clone, Debug)]
pub struct Job {
    /// The parameter.
    pub param: Array,
    /// Its gradient.
    pub grad: Array,
    /// What [`Algorithm::arrays`] names.
    pub arrays: SmallVec<[Array; 3]>,
    /// What [`Algorithm::numbers`] names.
    pub numbers: SmallVec<[f64; 3]>,
    /// Whether the arrays are new.
    pub fresh: bool,
    /// What the numbers are rounded to.
    pub rounds: DType,
}

impl Job {
    /// A number as it is kept.
    pub(super) fn rounded(&self, x: f64) -> f64 {
        match self.rounds {
            DType::F64 => x,
            _ => f64::from(x as f32),
        }
    }

    /// Counts a step, and says how many there were with it.
    pub(super) fn count(&mut self) -> f64 {
        self.numbers[0] = self.rounded(self.numbers[0] + 1.0);
        self.numbers[0]
    }

    /// How many steps there were.
    pub(super) fn step(&self) -> f64 {
        self.numbers[0]
    }
}

/// The options of an optimiser, and with them the optimiser itself: everything but the list of parameters.
///
/// Those of the library are `AdamOptions` and its like. One more is a struct with this trait, and [`Optim`](super::Optim) of it.
pub trait Algorithm: Settings + Clone + std::fmt::Debug + Send + Sync + 'static {
    /// PyTorch's name.
    const NAME: &'static str;

    /// Refuses values out of range.
    ///
    /// # Errors
    /// PyTorch's sentences.
    fn check(&self) -> Result<()>;

    /// Refuses parameters that it cannot move.
    ///
    /// # Errors
    /// PyTorch's sentences.
    fn check_param(&self, param: &Array) -> Result<()> {
        let _ = param;
        Ok(())
    }

    /// The numbers that are kept of a parameter, by PyTorch's names.
    fn numbers(&self) -> &'static [&'static str] {
        &["step"]
    }

    /// What such a number begins with.
    fn first_number(&self, name: &str) -> f64 {
        let _ = name;
        0.0
    }

    /// The arrays that are kept of a parameter of so many dimensions, by PyTorch's names.
    fn arrays(&self, ndim: usize) -> &'static [&'static str];

    /// What such an array begins as: zeros that lie as the parameter does.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    fn first_array(&self, name: &str, param: &Array) -> Result<Array> {
        let _ = name;
        let layout = MemoryFormat::Preserve.of(param.layout())?;
        param.new_zeros(layout, param.dtype())
    }

    /// One step of all parameters of a group.
    ///
    /// # Errors
    /// Where somebody else reads or writes an array, or dtypes do not go together.
    fn advance(&self, jobs: &mut [Job]) -> Result<()>;
}

/// One pass of a rule over all parameters: the parameter and the arrays kept of it change, in this order.
///
/// # Errors
/// As [`update`].
pub(super) fn pass<const N: usize, R: UpdateRule<N>>(
    jobs: &[Job],
    rule: impl Fn(&Job) -> R,
) -> Result<()> {
    let mut all = room(jobs.len())?;
    all.extend(jobs.iter().map(|job| Update {
        rule: rule(job),
        kept: std::array::from_fn(|k| match k {
            0 => &job.param,
            k => &job.arrays[k - 1],
        }),
        grad: &job.grad,
    }));
    update(&all)
}

/// PyTorch's sentence for an option that must not be negative.
///
/// # Errors
/// Where it is, or is NaN.
pub(super) fn not_negative(name: &str, x: f64) -> Result<()> {
    ensure!((0.0..).contains(&x), Value, "Invalid {name}: {x:?}");
    Ok(())
}

/// Both betas lie in [0, 1).
///
/// # Errors
/// PyTorch's sentence.
pub(super) fn check_betas(betas: (f64, f64)) -> Result<()> {
    for (i, beta) in [betas.0, betas.1].into_iter().enumerate() {
        let held = (0.0..1.0).contains(&beta);
        ensure!(held, Value, "Invalid beta parameter at index {i}: {beta:?}");
    }
    Ok(())
}
