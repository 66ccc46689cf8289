//! Tensors of random numbers, drawn from the default generator as PyTorch does: `rand`, `randn`, `randint`, `randperm`. Nothing here has a
//! gradient; numbers drawn over a tensor that is there are in `fill`.

use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::core::watch;
use crate::ops::Count;
use crate::ops::create::ranges::afford;
use crate::random::{self, torch::Generator};
use crate::{Array, DType, Device, Result, Shape};

/// An error of the random streams, in the library's type.
fn drawn<T>(result: random::Result<T>) -> Result<T> {
    result.map_err(|e| error!(Shape, "{}", e.message()))
}

/// How numbers of one law are drawn.
struct Law {
    /// What PyTorch calls its kernel.
    kernel: &'static str,
    /// Over numbers that are there: halves.
    over: fn(&Tensor) -> Result<()>,
    single: fn(&mut Generator, usize) -> Vec<f32>,
    double: fn(&mut Generator, usize) -> Vec<f64>,
}

impl Law {
    /// A tensor of floats drawn by it.
    fn numbers(&self, shape: &Shape, dtype: DType) -> Result<Tensor> {
        ensure!(
            dtype.is_float(),
            Unsupported,
            "\"{}\" not implemented for '{}'",
            self.kernel,
            dtype.scalar_type_name()
        );
        let n = shape.checked_numel()?;
        if pullback_array::creating_on() == Some(Device::Meta) {
            return Tensor::zeros(shape.clone(), dtype); // nothing is drawn
        }
        afford(n, dtype)?;
        if dtype.is_narrow() {
            let x = Tensor::zeros(shape.clone(), dtype)?;
            (self.over)(&x)?;
            return Ok(x);
        }
        let array = watch::drawn(shape, |shape| {
            let n = shape.checked_numel()?;
            match dtype.computing() {
                DType::F32 => Array::from_slice(&random::try_draw(|g| (self.single)(g, n))?, shape),
                _ => Array::from_slice(&random::try_draw(|g| (self.double)(g, n))?, shape),
            }
        })?;
        Tensor::from_array(array).to(dtype)
    }
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
    let law = Law {
        kernel: "check_uniform_bounds",
        over: |x| x.uniform_(0.0, 1.0),
        single: |g, n| g.rand(n),
        double: |g, n| g.rand_f64(n),
    };
    law.numbers(&shape.into(), dtype)
}

/// As [`Tensor::randn`], under PyTorch's name of a function.
///
/// # Errors
/// Where the dtype is no float.
#[pullback_macros::called]
#[track_caller]
pub fn randn(shape: impl Into<Shape>, dtype: DType) -> Result<Tensor> {
    let law = Law {
        kernel: "normal_kernel_cpu",
        over: |x| x.normal_(0.0, 1.0),
        single: |g, n| g.randn(n),
        double: |g, n| g.randn_f64(n),
    };
    law.numbers(&shape.into(), dtype)
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
