//! Formulas, recorded: an expression that can be computed in any number type, differentiated, and printed.
//!
//! [`Expression::of`] runs a formula once with symbols for its numbers. A symbol is an index into a list that belongs to the thread, so
//! that it is `Copy` as numbers are; equal parts are recorded once. Derivatives are in `derivative`, text in `text`.

mod derivative;
mod text;

use crate::dd::Dd;
use crate::scalar::formula::{Formula, Function, Scalar, Truth};
use std::cell::RefCell;
use std::ops::{Add, BitAnd, BitOr, Div, Mul, Neg, Not, Sub};

/// One step of an expression; indices are those of earlier steps.
#[derive(Clone, Copy, Debug, PartialEq)]
#[non_exhaustive]
pub enum Step {
    /// Number `k` of those that the formula is of.
    Input(usize),
    /// A constant.
    Number(Dd),
    /// Sum, difference, product or quotient.
    Arithmetic(Arithmetic, usize, usize),
    /// Negative.
    Neg(usize),
    /// A function by name; the second index counts where it takes two.
    Call(Function, usize, usize),
    /// A comparison of two numbers.
    Compare(Comparison, usize, usize),
    /// Whether a number is not one.
    IsNan(usize),
    /// Whether a number is neither infinite nor NaN.
    IsFinite(usize),
    /// Both conditions.
    And(usize, usize),
    /// One of two conditions.
    Or(usize, usize),
    /// Not the condition.
    Not(usize),
    /// The second where the first holds, else the third.
    Choose(usize, usize, usize),
}

/// The four operations.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Arithmetic {
    Add,
    Sub,
    Mul,
    Div,
}

/// How two numbers are compared.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[allow(missing_docs)]
pub enum Comparison {
    Above,
    AtLeast,
    Below,
    AtMost,
    Equal,
}

/// A recorded formula: steps, each of which reads earlier ones; the last step that it needs is its value.
///
/// ```
/// use pullback_array::{Expression, Formula, Scalar};
/// struct Cube;
/// impl Formula<1> for Cube {
///     fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
///         x * x * x
///     }
/// }
/// let cube = Expression::of(&Cube);
/// assert_eq!(cube.at(&[2.0f64]), 8.0);
/// assert_eq!(cube.derivative(0).at(&[2.0f64]), 12.0);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Expression {
    steps: Vec<Step>,
    value: usize,
}

/// A number or a condition that is only named: what formulas record with.
#[derive(Clone, Copy, Debug)]
pub struct Symbol(What);

#[derive(Clone, Copy, Debug)]
enum What {
    /// A constant that is not recorded yet.
    Number(Dd),
    Step(usize),
}

thread_local! {
    /// The steps of the recordings that this thread is in, innermost last.
    static STEPS: RefCell<Vec<Vec<Step>>> = const { RefCell::new(Vec::new()) };
}

impl Symbol {
    /// A step of the innermost recording; the one that is there already, if there is an equal one.
    fn step(step: Step) -> Symbol {
        STEPS.with_borrow_mut(|all| {
            // A symbol that outlives its recording starts one that nobody reads.
            if all.is_empty() {
                all.push(Vec::new());
            }
            let last = all.len() - 1;
            let steps = &mut all[last];
            let at = (steps.iter().position(|s| same(s, &step))).unwrap_or_else(|| {
                steps.push(step);
                steps.len() - 1
            });
            Symbol(What::Step(at))
        })
    }

    /// Its index; constants are recorded when they are used.
    fn index(self) -> usize {
        match self.0 {
            What::Step(at) => at,
            What::Number(x) => match Symbol::step(Step::Number(x)).0 {
                What::Step(at) => at,
                What::Number(_) => unreachable!("a step has an index"),
            },
        }
    }

    pub(crate) const fn number(x: Dd) -> Symbol {
        Symbol(What::Number(x))
    }

    /// The constant that it is, if it is one.
    fn as_number(self) -> Option<Dd> {
        match self.0 {
            What::Number(x) => Some(x),
            What::Step(_) => None,
        }
    }

    pub(crate) fn compare(self, how: Comparison, other: Symbol) -> Symbol {
        self.two(other, |a, b| Step::Compare(how, a, b))
    }

    pub(crate) fn ask_nan(self) -> Symbol {
        Symbol::step(Step::IsNan(self.index()))
    }

    pub(crate) fn ask_finite(self) -> Symbol {
        Symbol::step(Step::IsFinite(self.index()))
    }

    pub(crate) fn call(self, function: Function, other: Symbol) -> Symbol {
        self.two(other, |a, b| Step::Call(function, a, b))
    }

    pub(crate) fn choice(self, then: Symbol, otherwise: Symbol) -> Symbol {
        let (c, a, b) = (self.index(), then.index(), otherwise.index());
        Symbol::step(Step::Choose(c, a, b))
    }

    fn two(self, other: Symbol, step: impl Fn(usize, usize) -> Step) -> Symbol {
        let (a, b) = (self.index(), other.index());
        Symbol::step(step(a, b))
    }
}

/// Equal, and so the same bits: NaN is itself, and -0 is not 0.
fn same(a: &Step, b: &Step) -> bool {
    match (a, b) {
        (Step::Number(a), Step::Number(b)) => {
            a.to_f64().to_bits() == b.to_f64().to_bits()
                && (*a - Dd::from(a.to_f64())) == (*b - Dd::from(b.to_f64()))
        }
        _ => a == b,
    }
}

impl Expression {
    /// What a formula is.
    pub fn of<const N: usize>(formula: &impl Formula<N>) -> Expression {
        Expression::record(|| formula.at(std::array::from_fn(|k| Symbol::step(Step::Input(k)))))
    }

    /// What a function of symbols makes.
    fn record(f: impl FnOnce() -> Symbol) -> Expression {
        /// Ends the recording, after a panic too.
        struct Recording;
        impl Drop for Recording {
            fn drop(&mut self) {
                STEPS.with_borrow_mut(|all| all.pop());
            }
        }
        STEPS.with_borrow_mut(|all| all.push(Vec::new()));
        let recording = Recording;
        let value = f().index();
        let steps =
            STEPS.with_borrow_mut(|all| all.last_mut().map(std::mem::take).unwrap_or_default());
        drop(recording);
        Expression { steps, value }.pruned()
    }

    /// Without the steps that the value does not need.
    fn pruned(self) -> Expression {
        let mut needed = vec![false; self.steps.len()];
        needed[self.value] = true;
        for at in (0..self.steps.len()).rev() {
            if needed[at] {
                self.steps[at].reads(|k| needed[k] = true);
            }
        }
        let mut place = vec![0; self.steps.len()];
        let mut steps = Vec::new();
        for (at, step) in self.steps.iter().enumerate() {
            if needed[at] {
                place[at] = steps.len();
                steps.push(step.renumbered(&place));
            }
        }
        Expression {
            steps,
            value: place[self.value],
        }
    }

    /// The steps, in the order in which they may be computed.
    pub fn steps(&self) -> &[Step] {
        &self.steps
    }

    /// The step whose result is the value.
    pub fn value(&self) -> usize {
        self.value
    }

    /// The value for numbers `x`, by the same operations as the formula's: the same bits, but that both sides of a choice are
    /// computed. Panics where a number is missing.
    pub fn at<T: Scalar>(&self, x: &[T]) -> T {
        let mut numbers: Vec<T> = Vec::with_capacity(self.steps.len());
        let mut truths: Vec<Option<T::Truth>> = Vec::with_capacity(self.steps.len());
        for step in &self.steps {
            let n = |k: usize| numbers[k];
            let t = |k: usize| truths[k].expect("a condition was recorded as one");
            let (number, truth) = match *step {
                Step::Input(k) => (x[k], None),
                Step::Number(c) => (T::constant(c), None),
                Step::Arithmetic(Arithmetic::Add, a, b) => (n(a) + n(b), None),
                Step::Arithmetic(Arithmetic::Sub, a, b) => (n(a) - n(b), None),
                Step::Arithmetic(Arithmetic::Mul, a, b) => (n(a) * n(b), None),
                Step::Arithmetic(Arithmetic::Div, a, b) => (n(a) / n(b), None),
                Step::Neg(a) => (-n(a), None),
                Step::Call(f, a, b) => (f.call(n(a), n(b)), None),
                Step::Compare(how, a, b) => (T::ZERO, Some(how.of(n(a), n(b)))),
                Step::IsNan(a) => (T::ZERO, Some(n(a).is_nan())),
                Step::IsFinite(a) => (T::ZERO, Some(n(a).is_finite())),
                Step::And(a, b) => (T::ZERO, Some(t(a) & t(b))),
                Step::Or(a, b) => (T::ZERO, Some(t(a) | t(b))),
                Step::Not(a) => (T::ZERO, Some(!t(a))),
                Step::Choose(c, a, b) => (T::choose(t(c), || n(a), || n(b)), None),
            };
            numbers.push(number);
            truths.push(truth);
        }
        numbers[self.value]
    }
}

impl Comparison {
    fn of<T: Scalar>(self, a: T, b: T) -> T::Truth {
        match self {
            Comparison::Above => a.above(b),
            Comparison::AtLeast => a.at_least(b),
            Comparison::Below => a.below(b),
            Comparison::AtMost => a.at_most(b),
            Comparison::Equal => a.equals(b),
        }
    }
}

impl Step {
    /// Calls `f` with each step that this one reads.
    pub fn reads(&self, mut f: impl FnMut(usize)) {
        let _ = self.mapped(&mut |k| {
            f(k);
            k
        });
    }

    fn renumbered(&self, place: &[usize]) -> Step {
        self.mapped(&mut |k| place[k])
    }

    fn mapped(&self, f: &mut dyn FnMut(usize) -> usize) -> Step {
        match *self {
            Step::Input(_) | Step::Number(_) => *self,
            Step::Arithmetic(op, a, b) => Step::Arithmetic(op, f(a), f(b)),
            Step::Neg(a) => Step::Neg(f(a)),
            Step::Call(function, a, b) => Step::Call(function, f(a), f(b)),
            Step::Compare(how, a, b) => Step::Compare(how, f(a), f(b)),
            Step::IsNan(a) => Step::IsNan(f(a)),
            Step::IsFinite(a) => Step::IsFinite(f(a)),
            Step::And(a, b) => Step::And(f(a), f(b)),
            Step::Or(a, b) => Step::Or(f(a), f(b)),
            Step::Not(a) => Step::Not(f(a)),
            Step::Choose(c, a, b) => Step::Choose(f(c), f(a), f(b)),
        }
    }
}

impl Truth for Symbol {}

macro_rules! operators {
    ($($trait:ident $method:ident |$a:ident, $b:ident| $step:expr;)*) => {$(
        impl $trait for Symbol {
            type Output = Symbol;
            fn $method(self, other: Symbol) -> Symbol {
                self.two(other, |$a, $b| $step)
            }
        }
    )*};
}

operators! {
    Add add |a, b| Step::Arithmetic(Arithmetic::Add, a, b);
    Sub sub |a, b| Step::Arithmetic(Arithmetic::Sub, a, b);
    Mul mul |a, b| Step::Arithmetic(Arithmetic::Mul, a, b);
    Div div |a, b| Step::Arithmetic(Arithmetic::Div, a, b);
    BitAnd bitand |a, b| Step::And(a, b);
    BitOr bitor |a, b| Step::Or(a, b);
}

impl Neg for Symbol {
    type Output = Symbol;
    fn neg(self) -> Symbol {
        match self.0 {
            What::Number(x) => Symbol(What::Number(-x)),
            What::Step(_) => Symbol::step(Step::Neg(self.index())),
        }
    }
}

impl Not for Symbol {
    type Output = Symbol;
    fn not(self) -> Symbol {
        Symbol::step(Step::Not(self.index()))
    }
}
