//! Numbers in a row: `arange`, `linspace` and `logspace`, with the bits of PyTorch's loops. Nothing here has a gradient.

use crate::core::fail::{bail, error};
use crate::core::tensor::Tensor;
use crate::ops::Count;
use crate::{Array, Category, DType, Dd, Element, Number, Result, Shape};
use pullback_array::{dispatch, gathered, kernels};
use pullback_random::digits::Streamed;

/// The dtype of a result of numbers: double-double or PyTorch's default float if one is a float, else int64.
fn common_dtype(numbers: &[Number]) -> DType {
    if numbers.iter().any(|n| matches!(n, Number::Dd(_))) {
        DType::Dd
    } else if numbers.iter().any(|n| n.category() == Category::Float) {
        DType::default_float()
    } else {
        DType::I64
    }
}

/// How many numbers there are from `start` to `end`, in steps.
fn length(start: Number, end: Number, step: Number) -> Result<usize> {
    // Bounds of integers are taken as they were given: a step of 0.7 is none of 0 until it is added.
    let [a, b, s] = [start, end, step].map(Number::to_f64);
    if s == 0.0 || s.is_nan() {
        bail!(Shape, "step must be nonzero");
    }
    if !(a.is_finite() && b.is_finite()) {
        bail!(
            Shape,
            "unsupported range: {} -> {}",
            Streamed(a),
            Streamed(b)
        );
    }
    let exact = [start, end].map(Number::to_i128);
    let (above, equal) = match exact {
        [Some(a), Some(b)] => (b >= a, a == b),
        _ => (b >= a, a == b),
    };
    if (s > 0.0) != above && !equal {
        bail!(
            Shape,
            "upper bound and lower bound inconsistent with step sign"
        );
    }
    let n = match [start, end, step].map(Number::to_i128) {
        // Integers are counted as such: above 2^53 their difference is not a float's.
        [Some(a), Some(b), Some(s)] => {
            let (span, s) = ((b - a).unsigned_abs(), s.unsigned_abs());
            usize::try_from(span.div_ceil(s)).ok()
        }
        _ => {
            let n = ((b - a) / s).ceil();
            (0.0..=i64::MAX as f64).contains(&n).then_some(n as usize)
        }
    };
    n.filter(|&n| n <= i64::MAX as usize)
        .ok_or_else(|| error!(Shape, "invalid size, possible overflow?"))
}

/// `start, start + step, …` up to but without `end`. Without a dtype: integers if all three are, else PyTorch's default
/// float. PyTorch's `torch.arange(start, end, step)`.
///
/// Long float32 and float64 ranges have the bits of PyTorch's vectorised loop, which rounds the first number of every eight
/// (four).
///
/// # Errors
/// Where the step is 0 or leads away from `end`, or a bound is not finite.
///
/// ```
/// use pullback::arange;
/// assert_eq!(arange(1, 6, 2, None)?.to_vec::<i64>()?, [1, 3, 5]);
/// assert_eq!(arange(0.0, 1.0, 0.25, None)?.to_vec::<f32>()?, [0.0, 0.25, 0.5, 0.75]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn arange(
    start: impl Into<Number>,
    end: impl Into<Number>,
    step: impl Into<Number>,
    dtype: Option<DType>,
) -> Result<Tensor> {
    let (start, end, step) = (start.into(), end.into(), step.into());
    let dtype = dtype.unwrap_or_else(|| common_dtype(&[start, end, step]));
    let n = length(start, end, step)?;
    let (a, s) = (start.to_f64(), step.to_f64());
    // As vector registers are filled: two of `width` at a time, each from its own first number.
    let lanes = |width: usize, i: usize| {
        let first = if i < n - n % (2 * width) {
            i / width * width
        } else {
            i
        };
        (first as f64, (i - first) as f64)
    };
    let array = match dtype.computing() {
        DType::F32 => {
            let at = |i| {
                let (first, rest) = lanes(8, i);
                s.mul_add(rest, f64::from(s.mul_add(first, a) as f32)) as f32
            };
            from_fn(n, at)
        }
        DType::F64 => from_fn(n, |i| {
            let (first, rest) = lanes(4, i);
            s.mul_add(rest, s.mul_add(first, a))
        }),
        DType::Dd => {
            let (a, s) = (start.cast::<Dd>(), step.cast::<Dd>());
            from_fn(n, |i| a + s * Dd::from(i as f64))
        }
        _ => {
            let (a, s) = (start.cast::<i64>(), step.cast::<i64>());
            let at = |i: usize| a.wrapping_add(s.wrapping_mul(i as i64));
            dispatch!(dtype, T => from_fn(n, |i| T::from_i64(at(i))))
        }
    };
    array
        .and_then(|x| kernels::rounded(&x, dtype))
        .map(Tensor::from_array)
}

/// An error where there is no room for the numbers and for the array of them: collecting them would abort the program.
pub(in crate::ops) fn afford(n: usize, dtype: DType) -> Result<()> {
    let bytes = n.saturating_mul(dtype.size());
    let mut room: Vec<u8> = Vec::new();
    room.try_reserve_exact(bytes.saturating_mul(2))
        .map_err(|_| {
            error!(
                Alloc,
                "DefaultCPUAllocator: can't allocate memory: you tried to allocate {bytes} bytes."
            )
        })
}

fn from_fn<T: Element>(n: usize, f: impl Fn(usize) -> T) -> Result<Array> {
    Shape::new(&[n]).checked_numel()?;
    afford(n, T::DTYPE)?;
    Array::from_slice(&gathered((0..n).map(f))?, [n])
}

/// `steps` numbers from `start` to `end`, both included, at equal distances; counted from the nearer end, as PyTorch does.
/// PyTorch's `torch.linspace`.
///
/// # Errors
/// Where `steps` is negative.
///
/// ```
/// use pullback::linspace;
/// assert_eq!(linspace(0.0, 1.0, 5, None)?.to_vec::<f32>()?, [0.0, 0.25, 0.5, 0.75, 1.0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn linspace(
    start: impl Into<Number>,
    end: impl Into<Number>,
    steps: impl Into<Count>,
    dtype: Option<DType>,
) -> Result<Tensor> {
    let steps = steps.into().0;
    let (start, end) = (start.into(), end.into());
    let dtype = dtype.unwrap_or_else(DType::default_float);
    let n = count(steps)?;
    let array = match dtype.computing() {
        DType::F32 => {
            for bound in [start, end] {
                bound.fit(dtype)?;
            }
            let (a, b) = (start.cast::<f32>(), end.cast::<f32>());
            let step = (b - a) / (n as f32 - 1.0);
            from_fn(n, |i| match i < n / 2 {
                true => step.mul_add(i as f32, a),
                false => (-step).mul_add((n - i - 1) as f32, b),
            })
        }
        DType::F64 => {
            let (a, b) = (start.to_f64(), end.to_f64());
            let step = (b - a) / (n as f64 - 1.0);
            from_fn(n, |i| match i < n / 2 {
                true => step.mul_add(i as f64, a),
                false => (-step).mul_add((n - i - 1) as f64, b),
            })
        }
        DType::Dd => {
            let (a, b) = (start.cast::<Dd>(), end.cast::<Dd>());
            let step = (b - a) / Dd::from(n as f64 - 1.0);
            from_fn(n, |i| match i < n / 2 {
                true => a + step * Dd::from(i as f64),
                false => b - step * Dd::from((n - i - 1) as f64),
            })
        }
        _ => {
            for bound in [start, end] {
                bound.fit(dtype)?;
            }
            let (a, b) = (start.cast::<i64>() as f64, end.cast::<i64>() as f64);
            let step = (b - a) / (n as f64 - 1.0);
            let at = |i: usize| match i < n / 2 {
                true => step.mul_add(i as f64, a),
                false => (-step).mul_add((n - i - 1) as f64, b),
            };
            dispatch!(dtype, T => from_fn(n, |i| T::from_f64(at(i))))
        }
    };
    let tensor = Tensor::from_array(kernels::rounded(&array?, dtype)?);
    if n == 1 {
        // The step of one number is 0/0.
        tensor.fill_(start)?;
    }
    Ok(tensor)
}

fn count(steps: i64) -> Result<usize> {
    usize::try_from(steps).map_err(|_| error!(Shape, "number of steps must be non-negative"))
}

/// Powers of `base` with the exponents of [`linspace`]. PyTorch's `torch.logspace`.
///
/// # Errors
/// Where `steps` is negative.
#[pullback_macros::called]
#[track_caller]
pub fn logspace(
    start: impl Into<Number>,
    end: impl Into<Number>,
    steps: impl Into<Count>,
    base: f64,
    dtype: Option<DType>,
) -> Result<Tensor> {
    let steps = steps.into().0;
    let (start, end) = (start.into(), end.into());
    let dtype = dtype.unwrap_or_else(DType::default_float);
    let n = count(steps)?;
    let exponent = |a: f64, b: f64, step: f64, i: usize| match i < n / 2 {
        true => a + step * i as f64,
        false => b - step * (n - i - 1) as f64,
    };
    let array = match dtype.computing() {
        DType::F32 => {
            let (a, b) = (start.cast::<f32>(), end.cast::<f32>());
            let (a, b) = (f64::from(a), f64::from(b));
            let step = (b - a) / (n as f64 - 1.0);
            from_fn(n, |i| base.powf(exponent(a, b, step, i)) as f32)
        }
        DType::Dd => {
            let (a, b) = (start.cast::<Dd>(), end.cast::<Dd>());
            let (step, base) = ((b - a) / Dd::from(n as f64 - 1.0), Dd::from(base));
            let at = |i: usize| match i < n / 2 {
                true => a + step * Dd::from(i as f64),
                false => b - step * Dd::from((n - i - 1) as f64),
            };
            from_fn(n, |i| crate::Real::powf(base, at(i)))
        }
        _ => {
            let of = |x: Number| match dtype.is_float() {
                true => x.to_f64(),
                false => x.cast::<i64>() as f64,
            };
            let (a, b) = (of(start), of(end));
            let step = (b - a) / (n as f64 - 1.0);
            dispatch!(dtype, T => from_fn(n, |i| T::from_f64(base.powf(exponent(a, b, step, i)))))
        }
    };
    let tensor = Tensor::from_array(kernels::rounded(&array?, dtype)?);
    if n == 1 {
        tensor.fill_(base.powf(start.to_f64()))?;
    }
    Ok(tensor)
}
