//! Tensors made of numbers: arange, linspace, logspace, eye, full, one_hot and the random ones, which draw from the default
//! generator as PyTorch does. Nothing here has a gradient.

use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::core::watch;
use crate::ops::Count;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::random;
use crate::{Array, Category, DType, Dd, Device, Element, Number, Result, Shape};
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
    // Bounds of integers are taken as they were given: a step of 0.7 is none of 0 until it is added.
    let given = [start, end, step].map(Number::to_f64);
    let [a, b, s] = given;
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
    let Some(n) = n.filter(|&n| n <= i64::MAX as usize) else {
        bail!(Shape, "invalid size, possible overflow?");
    };
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
fn afford(n: usize, dtype: DType) -> Result<()> {
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
    steps: i64,
    dtype: Option<DType>,
) -> Result<Tensor> {
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
    steps: i64,
    base: f64,
    dtype: Option<DType>,
) -> Result<Tensor> {
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

/// Ones on the diagonal of an `n` by `m` matrix (square without `m`), zeros elsewhere. PyTorch's `torch.eye`.
///
/// # Errors
/// Where a size is negative.
#[pullback_macros::called]
#[track_caller]
pub fn eye(n: impl Into<Count>, m: Option<Count>, dtype: DType) -> Result<Tensor> {
    let n = n.into().0;
    let size = |what: &str, n: i64| {
        usize::try_from(n)
            .map_err(|_| error!(Shape, "{what} must be greater or equal to 0, got {n}"))
    };
    let rows = size("n", n)?;
    let columns = m.map_or(Ok(rows), |m| size("m", m.0))?;
    let out = Array::zeros([rows, columns], dtype)?;
    let diagonal: Vec<i64> = (0..rows.min(columns) as i64)
        .map(|i| i * (columns as i64 + 1))
        .collect();
    let index = Array::from_slice(&diagonal, [diagonal.len()])?;
    let ones = Array::full([diagonal.len()], 1i64, dtype)?;
    pullback_array::kernels::index_put(&out, 0, 2, &index, &ones, false)?;
    Ok(Tensor::from_array(out))
}

/// A class number as a row of zeros with a one in its place; `num_classes` of -1 counts them. PyTorch's
/// `torch.nn.functional.one_hot`.
///
/// # Errors
/// Where a number is negative or not below `num_classes`, or the tensor is not int64.
///
/// ```
/// use pullback::{Tensor, one_hot};
/// let x = one_hot(&Tensor::from_slice(&[2i64, 0], [2])?, 3)?;
/// assert_eq!(x.to_vec::<i64>()?, [0, 0, 1, 1, 0, 0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn one_hot(x: &Tensor, num_classes: impl Into<Count>) -> Result<Tensor> {
    let num_classes = num_classes.into().0;
    ensure!(
        x.dtype() == DType::I64,
        Shape,
        "one_hot is only applicable to index tensor of type LongTensor."
    );
    if num_classes > 0 && unnumbered(&[&x.array()]) {
        let shape = [&x.shape()[..], &[num_classes as usize]].concat();
        return inferred(&shape[..], DType::I64).map(Tensor::from_array);
    }
    if num_classes > 0 && watch::varies(x) {
        let classes = Tensor::arange(num_classes as usize)?;
        return x.unsqueeze(-1)?.eq(&classes)?.to(DType::I64);
    }
    let classes = x.numbers::<i64>()?;
    if classes.is_empty() && num_classes <= 0 {
        bail!(
            Shape,
            "Can not infer total number of classes from empty tensor."
        );
    }
    if classes.iter().any(|&c| c < 0) {
        bail!(Shape, "Class values must be non-negative.");
    }
    let largest = classes.iter().max().copied().unwrap_or(-1);
    let n = match num_classes {
        -1 => largest.saturating_add(1),
        n if n < 1 => bail!(Shape, "num_classes should be positive"),
        n if n <= largest => {
            return Err(
                error!(Shape, "Class values must be smaller than num_classes.")
                    .note(format!("class {largest}, and num_classes is {n}")),
            );
        }
        n => n,
    };
    let mut shape = x.shape().clone();
    shape.push(n as usize);
    Tensor::zeros(shape, DType::I64)?.scatter(-1, &x.unsqueeze(-1)?, 1i64)
}

/// An error of the random streams, in the library's type.
fn drawn<T>(result: random::Result<T>) -> Result<T> {
    result.map_err(|e| error!(Shape, "{}", e.message()))
}

fn floats(name: &'static str, dtype: DType) -> Result<()> {
    if dtype.is_float() {
        return Ok(());
    }
    Err(error!(
        Unsupported,
        "\"{name}\" not implemented for '{}'",
        dtype.scalar_type_name()
    ))
}

/// Tensors of random numbers, which come from the default generator ([`crate::random::manual_seed`]), or from one's own inside of
/// [`crate::random::using`].
impl Tensor {
    /// Numbers drawn evenly from [0, 1). PyTorch's `torch.rand`.
    ///
    /// # Errors
    /// Where the dtype is no float.
    ///
    /// ```
    /// use pullback::{DType, Tensor, random};
    /// random::manual_seed(42);
    /// assert_eq!(Tensor::rand([2], DType::F32)?.to_vec::<f32>()?, [0.88226926, 0.91500396]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn rand(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        rand(shape, dtype)
    }

    /// Numbers drawn from the standard normal distribution. PyTorch's `torch.randn`.
    ///
    /// # Errors
    /// Where the dtype is no float.
    #[track_caller]
    pub fn randn(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
        randn(shape, dtype)
    }

    /// Integers drawn evenly from a range. PyTorch's `torch.randint(low, high, size)`.
    ///
    /// # Errors
    /// Where the range is empty or reaches beyond the dtype.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let dice = Tensor::randint(1..7, [100], DType::I64)?;
    /// assert!(dice.min()?.item::<i64>()? >= 1 && dice.max()?.item::<i64>()? <= 6);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn randint(
        range: std::ops::Range<i64>,
        shape: impl Into<Shape>,
        dtype: DType,
    ) -> Result<Tensor> {
        randint(range.start, range.end, shape, dtype)
    }

    /// The numbers `0..n` in an order drawn at random, as int64. PyTorch's `torch.randperm`.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    #[track_caller]
    pub fn randperm(n: usize) -> Result<Tensor> {
        randperm(n, DType::I64)
    }
}

/// As [`Tensor::rand`], under PyTorch's name of a function.
///
/// # Errors
/// Where the dtype is no float.
///
/// ```
/// use pullback::{DType, rand, random};
/// random::manual_seed(42);
/// assert_eq!(rand([2], DType::F32)?.to_vec::<f32>()?, [0.88226926, 0.91500396]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn rand(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
    floats("check_uniform_bounds", dtype)?;
    let shape = shape.into();
    let n = shape.checked_numel()?;
    if pullback_array::creating_on() == Some(Device::Meta) {
        return Tensor::zeros(shape, dtype); // nothing is drawn
    }
    afford(n, dtype)?;
    if dtype.is_narrow() {
        let x = Tensor::zeros(shape, dtype)?;
        x.uniform_(0.0, 1.0)?;
        return Ok(x);
    }
    let array = watch::drawn(&shape, |shape| {
        let n = shape.checked_numel()?;
        match dtype.computing() {
            DType::F32 => Array::from_slice(&random::try_draw(|g| g.rand(n))?, shape),
            _ => Array::from_slice(&random::try_draw(|g| g.rand_f64(n))?, shape),
        }
    })?;
    Tensor::from_array(array).to(dtype)
}

/// As [`Tensor::randn`], under PyTorch's name of a function.
///
/// # Errors
/// Where the dtype is no float.
#[pullback_macros::called]
#[track_caller]
pub fn randn(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
    floats("normal_kernel_cpu", dtype)?;
    let shape = shape.into();
    let n = shape.checked_numel()?;
    if pullback_array::creating_on() == Some(Device::Meta) {
        return Tensor::zeros(shape, dtype); // nothing is drawn
    }
    afford(n, dtype)?;
    if dtype.is_narrow() {
        let x = Tensor::zeros(shape, dtype)?;
        x.normal_(0.0, 1.0)?;
        return Ok(x);
    }
    let array = watch::drawn(&shape, |shape| {
        let n = shape.checked_numel()?;
        match dtype.computing() {
            DType::F32 => Array::from_slice(&random::try_draw(|g| g.randn(n))?, shape),
            _ => Array::from_slice(&random::try_draw(|g| g.randn_f64(n))?, shape),
        }
    })?;
    Tensor::from_array(array).to(dtype)
}

/// As [`Tensor::randint`], under PyTorch's name of a function.
///
/// # Errors
/// Where the range is empty or reaches beyond the dtype.
#[pullback_macros::called]
#[track_caller]
pub fn randint(low: i64, high: i64, shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
    let shape = shape.into();
    let n = shape.checked_numel()?;
    if pullback_array::creating_on() == Some(Device::Meta) {
        return Tensor::zeros(shape, dtype); // nothing is drawn
    }
    afford(n, dtype)?;
    macro_rules! draw {
        ($t:ty) => {
            watch::drawn(&shape, |shape| {
                let n = shape.checked_numel()?;
                drawn(random::try_draw(|g| g.randint::<$t>(low, high, n))?)
                    .and_then(|x| Array::from_slice(&x, shape))
            })
            .map(Tensor::from_array)
        };
    }
    match dtype {
        DType::Bool => draw!(bool),
        DType::U8 => draw!(u8),
        DType::I32 => draw!(i32),
        DType::I64 => draw!(i64),
        DType::F32 => draw!(f32),
        DType::F64 => draw!(f64),
        _ if dtype.is_narrow() && !dtype.is_float() => draw!(i64).and_then(|x| x.to(dtype)),
        _ if dtype.is_narrow() => draw!(f32).and_then(|x| x.to(dtype)),
        _ => draw!(f64).and_then(|x| x.to(dtype)),
    }
}

/// As [`Tensor::randperm`], under PyTorch's name of a function and of any dtype.
///
/// # Errors
/// Where `n` is negative or more than the dtype can count.
#[pullback_macros::called]
#[track_caller]
pub fn randperm(n: impl Into<Count>, dtype: DType) -> Result<Tensor> {
    let n = n.into().0;
    let Ok(n) = usize::try_from(n) else {
        bail!(
            Shape,
            "Trying to create tensor with negative dimension {n}: [{n}]"
        );
    };
    Shape::new(&[n]).checked_numel()?;
    afford(n, DType::I64)?;
    let array = watch::drawn(&Shape::new(&[n]), |shape| {
        let mut all = pullback_array::room(shape.checked_numel()?)?;
        for _ in 0..shape[..shape.len() - 1].iter().product() {
            all.extend(random::try_draw(|g| g.randperm(n))?);
        }
        Array::from_slice(&all, shape)
    })?;
    Tensor::from_array(array).to(dtype)
}
