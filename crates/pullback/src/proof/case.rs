//! One operation on one set of inputs, and what every check needs of it: numbers in double-double, cotangents, words.

use super::Sample;
use super::difference::{Differences, differences};
use crate::core::op::{Family, Op, OpDef};
use crate::{Array, DType, Dd, Error, Result, Shape, Tensor, core::apply, no_grad};
use pullback_array::kernels;
use std::cell::OnceCell;
use std::fmt;
use std::panic::Location;

/// What a check found wrong, in one line with the numbers.
#[derive(Debug, Clone)]
pub struct Finding(pub String);

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl From<Error> for Finding {
    fn from(e: Error) -> Self {
        Finding(format!("it failed: {}", e.to_string().replace('\n', ";")))
    }
}

impl From<String> for Finding {
    fn from(text: String) -> Self {
        Finding(text)
    }
}

/// What a check returns.
pub type Verdict = Result<(), Finding>;

/// An operation with inputs of one dtype.
pub struct Case {
    /// The operation.
    pub op: Box<dyn Op>,
    /// Its inputs.
    pub inputs: Vec<Tensor>,
    reference: OnceCell<Differences>,
}

impl Case {
    /// Any operation on any inputs.
    pub fn new(op: &dyn Op, inputs: Vec<Tensor>) -> Case {
        Case {
            op: op.boxed(),
            inputs,
            reference: OnceCell::new(),
        }
    }

    /// A sample with floats in `dtype`; in double-double the inputs get digits that no `f64` has.
    ///
    /// # Errors
    /// Where a conversion fails.
    pub fn of(sample: &Sample, dtype: DType) -> Result<Case> {
        let mut inputs = sample.inputs(dtype)?;
        if dtype == DType::Dd {
            let fill = |x: Dd| x + x * Dd::from(1.2345e-19);
            for x in inputs.iter_mut().filter(|x| x.dtype() == DType::Dd) {
                *x = kernels::map(x, fill)?;
            }
        }
        Ok(Case::new(
            &*sample.op,
            inputs.into_iter().map(Tensor::from_array).collect(),
        ))
    }

    /// The definition.
    pub fn def(&self) -> &'static OpDef {
        self.op.def()
    }

    /// Whether gradients go through it at all.
    pub fn differentiable(&self) -> bool {
        self.def().family != Family::Cut
    }

    /// Whether every element is rounded as the largest is.
    pub(super) fn spread(&self) -> bool {
        self.def().proof.spread
    }

    /// The operation on these inputs, as every operation is applied.
    ///
    /// # Errors
    /// Whatever it reports.
    pub fn run(&self, x: &[Tensor]) -> Result<Tensor> {
        run(&*self.op, x)
    }

    /// Value and derivatives by differences in double-double, through `eval` alone.
    pub(super) fn reference(&self) -> Result<&Differences, Finding> {
        if let Some(reference) = self.reference.get() {
            return Ok(reference);
        }
        let _quiet = no_grad();
        let wide = self.op.in_dtype(DType::Dd);
        let found = differences(&self.inputs, &|x| Ok(vec![run(&*wide, x)?]))?;
        Ok(self.reference.get_or_init(|| found))
    }

    /// Unit roundoff of the coarsest dtype among inputs and output.
    pub(super) fn unit(&self, output: DType) -> f64 {
        self.inputs
            .iter()
            .map(|t| unit(t.dtype()))
            .fold(unit(output), f64::max)
    }
}

pub(super) fn run(op: &dyn Op, x: &[Tensor]) -> Result<Tensor> {
    apply::boxed(op, &x.iter().collect::<Vec<_>>(), Location::caller())
}

/// Unit roundoff. Double-double's is that of its elementary functions (2⁻⁹⁸ relative, by their own tests).
pub(super) fn unit(dtype: DType) -> f64 {
    match dtype {
        DType::Dd => 2f64.powi(-98),
        other => other.unit_roundoff(),
    }
}

/// Elements in double-double, exactly.
pub(super) fn numbers(t: &Tensor) -> Result<Vec<Dd>> {
    kernels::cast(&t.array(), DType::Dd)?.to_vec::<Dd>()
}

/// The same memory, as a leaf that gathers gradients.
pub(super) fn leaf(x: &Array) -> Result<Tensor> {
    let t = Tensor::from_array(x.clone());
    if t.dtype().is_float() {
        t.requires_grad_(true)
    } else {
        Ok(t)
    }
}

/// Numbers to probe with: both signs, magnitudes between ½ and 1½, multiples of 1/64 and so exact in every dtype.
pub(super) fn probe(shape: &Shape, dtype: DType, seed: u64) -> Result<Tensor> {
    let mut state = seed
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(0x2545_f491_4f6c_dd1d);
    let data: Vec<f64> = (0..shape.numel())
        .map(|_| {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            let size = (32 + (state >> 33) % 65) as f64 / 64.0;
            if state >> 17 & 1 == 0 { size } else { -size }
        })
        .collect();
    let t = Array::from_slice(&data, shape.clone())?;
    kernels::cast(&t, dtype).map(Tensor::from_array)
}

/// Whether two tensors hold the same bits; says where not. Every NaN equals every NaN.
pub(super) fn same_bits(what: &str, got: &Tensor, want: &Tensor) -> Verdict {
    if got.dtype() != want.dtype() || got.shape() != want.shape() {
        return Err(Finding(format!(
            "{what}: {} {} where {} {} was expected",
            got.dtype(),
            got.shape(),
            want.dtype(),
            want.shape()
        )));
    }
    for (i, (a, b)) in numbers(got)?.into_iter().zip(numbers(want)?).enumerate() {
        let same = a.hi().to_bits() == b.hi().to_bits() && a.lo().to_bits() == b.lo().to_bits();
        if !(same || a.is_nan() && b.is_nan()) {
            return Err(Finding(format!(
                "{what}: element {i} is {a} where {b} was expected, bit for bit"
            )));
        }
    }
    Ok(())
}

/// One number against its reference: `got` may differ by `units`·`u`·`scale` and what the reference itself does not know.
pub(super) struct Budget {
    /// Unit roundoff times the number of roundings allowed.
    pub(super) relative: f64,
    /// Size of the terms that were added up.
    pub(super) scale: f64,
    /// Uncertainty of the reference.
    pub(super) slack: f64,
}

impl Budget {
    /// Fails with the numbers, and with the simplest reading of their ratio.
    pub(super) fn check(&self, what: impl FnOnce() -> String, got: Dd, want: Dd) -> Verdict {
        if got.is_nan() && want.is_nan() || got == want {
            return Ok(());
        }
        let (off, budget) = (
            (got - want).abs().to_f64(),
            self.relative * self.scale + self.slack,
        );
        if off <= budget {
            return Ok(());
        }
        let ratio = (got / want).to_f64();
        let reading = match ratio {
            r if !r.is_finite() || (r.abs() > 1e3) => String::new(),
            r if (r + 1.0).abs() < 1e-4 => "; the sign is wrong".into(),
            0.0 => "; it is missing".into(),
            r => format!("; got/expected = {r:.9}"),
        };
        Err(Finding(format!(
            "{}: got {:.17e}, expected {:.17e}, off by {off:.3e} where {budget:.3e} is allowed{reading}",
            what(),
            got.to_f64(),
            want.to_f64(),
        )))
    }
}
