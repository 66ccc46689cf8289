//! Activations that draw random numbers: dropout, and leaky relu with random slopes. What is drawn is a constant that the
//! input is multiplied by; the numbers and their order are PyTorch's.

use crate::core::apply::apply_dyn;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::history::in_place_dyn;
use crate::core::tensor::Tensor;
use crate::core::{mode, watch};
use crate::ops::LeakyRelu;
use crate::ops::common::gate::no_form;
use crate::ops::common::halves::wide;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::random::{self, try_draw};
use crate::{Array, DType, Element, Error, Real, Result, Shape};
use pullback_array::{dispatch, kernels};
use pullback_random::digits::{Shortest, Streamed};
use std::panic::Location;

/// 0 with probability `p`, else 1/(1 - p), of the shape of `x`.
fn mask(x: &Array, p: f64) -> Result<Array> {
    // Drawn in the order in which the elements of a tensor like `x` lie in memory.
    let drawn = watch::drawn(x.shape(), |shape| factors(shape, x.dtype(), p))?;
    match mode::batching() {
        true => Ok(drawn),
        false => drawn.view(x.layout().without_gaps()),
    }
}

/// What elements are multiplied by.
fn factors(shape: &Shape, dtype: DType, p: f64) -> Result<Array> {
    let n = shape.numel();
    let drawn = match dtype {
        DType::F32 => {
            try_draw(|g| g.dropout_mask::<f32>(p, n))?.map(|m| Array::from_slice(&m, shape))
        }
        DType::F64 => {
            try_draw(|g| g.dropout_mask::<f64>(p, n))?.map(|m| Array::from_slice(&m, shape))
        }
        _ => try_draw(|g| g.dropout_mask::<f64>(p, n))?.map(|m| {
            let kept: Vec<bool> = pullback_array::gathered(m.iter().map(|&m| m != 0.0))?;
            let kept = Array::from_slice(&kept, shape)?;
            dispatch!(float dtype, T => {
                let grown = T::ONE / T::lit(1.0 - p);
                kernels::map(&kept, move |kept: bool| if kept { grown } else { T::ZERO })
            }, else Err(not_floating(dtype)))
        }),
    };
    drawn.map_err(|e| error!(Argument, "{}", e.message()))?
}

fn not_floating(dtype: DType) -> Error {
    error!(
        DType,
        "result type Float can't be cast to the desired output type {}",
        dtype.scalar_type_name()
    )
}

fn check_dropout(p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    // What Python's check lets pass is refused by the function below it, in its own words.
    let text = "dropout probability has to be between 0 and 1, but got";
    Err(match p.is_nan() {
        true => error!(Shape, "{text} {}", Streamed(p)),
        false => error!(Argument, "{text} {}", Shortest(p)),
    })
}

/// What dropout multiplies `x` by; `None` where it leaves it alone.
fn dropout_factor(x: &Tensor, p: f64, training: bool) -> Result<Option<Tensor>> {
    check_dropout(p)?;
    if !training || p == 0.0 || x.numel() == 0 {
        return Ok(None);
    }
    if p == 1.0 {
        return Tensor::zeros([], x.dtype()).map(Some);
    }
    if !x.dtype().is_float() {
        return Err(not_floating(x.dtype()));
    }
    mask(&x.array(), p).map(Tensor::from_array).map(Some)
}

fn slopes(lower: f64, upper: f64) -> Result<LeakyRelu> {
    for (which, bound) in [("lower", lower), ("upper", upper)] {
        ensure!(
            bound.is_finite(),
            Shape,
            "rrelu: {which} bound must be finite, got {}",
            Streamed(bound)
        );
    }
    if lower > upper {
        bail!(
            Argument,
            "Lower bound should be less than or equal to the upper bound"
        );
    }
    Ok(LeakyRelu {
        negative_slope: (lower + upper) / 2.0,
    })
}

/// What rrelu multiplies `x` by in training: a slope for each number that is not positive, in row-major order, else 1.
fn random_slopes(x: &Array, lower: f64, upper: f64) -> Result<Array> {
    if unnumbered(&[x]) && x.dtype().is_float() {
        return inferred(x.shape(), x.dtype());
    }
    dispatch!(float x.dtype(), T => {
        let mut list = x.numbers::<T>()?;
        // The bounds as the dtype has them; two roundings, where filling a tensor has one.
        let (lower, upper) = (T::lit(lower).to_f64(), T::lit(upper).to_f64());
        try_draw(|g| {
            let mut r = [0.0];
            for x in &mut list {
                *x = if *x <= T::ZERO {
                    g.fill_uniform_f64(0.0, 1.0, &mut r)?;
                    T::lit(r[0] * (upper - lower) + lower)
                } else {
                    T::ONE
                };
            }
            Ok(())
        })?
        .map_err(|e: random::Error| error!(Argument, "{}", e.message()))?;
        Array::from_slice(&list, x.shape().clone())
    }, else Err(no_form("rrelu_with_noise_out_cpu", x)))
}

/// 0 or 1 for each element, 1 with probability 1 - `p`.
fn kept(like: &Tensor, p: f64) -> Result<Tensor> {
    crate::ops::random::fill::bernoulli_like(like, 1.0 - p)
}

/// One number for each channel: a tensor of the batch and channel sizes, the rest 1.
fn per_channel(x: &Tensor) -> Result<Tensor> {
    if x.ndim() < 2 {
        bail!(
            Shape,
            "Feature dropout requires at least 2 dimensions in the input"
        );
    }
    let shape: Shape = (x.shape().iter().enumerate())
        .map(|(d, &n)| if d < 2 { n } else { 1 })
        .collect();
    Tensor::zeros(shape, x.dtype())
}

/// Whether dropout changes anything.
fn drops(x: &Tensor, p: f64, training: bool) -> Result<bool> {
    check_dropout(p)?;
    if training && p > 0.0 && p < 1.0 && x.numel() > 0 && !x.dtype().is_float() {
        return Err(not_floating(x.dtype()));
    }
    Ok(training && p != 0.0 && x.numel() != 0)
}

/// The dropout of self-normalising networks, with the noise that `noise` has the shape of.
fn alpha(x: &Tensor, p: f64, noise: &Tensor) -> Result<Tensor> {
    const ALPHA: f64 = 1.758_099_340_847_376_6;
    let a = 1.0 / ((ALPHA * ALPHA * p + 1.0) * (1.0 - p)).sqrt();
    let kept = kept(noise, p)?;
    let shift = kept.add(-1.0)?.mul(ALPHA * a)?.add(ALPHA * a * p)?;
    x.mul(&kept.mul(a)?)?.add(&shift)
}

#[pullback_macros::called]
impl Tensor {
    /// [`Tensor::dropout`] of whole channels: the second dimension of the tensor, the first being the batch.
    ///
    /// # Errors
    /// As there; for fewer than two dimensions.
    #[track_caller]
    pub fn feature_dropout(&self, p: f64, training: bool) -> Result<Tensor> {
        if !drops(self, p, training)? {
            return Ok(self.clone());
        }
        if p == 1.0 {
            return self.mul(&Tensor::zeros([], self.dtype())?);
        }
        let shape = per_channel(self)?;
        self.mul(&kept(&shape, p)?.div(1.0 - p)?)
    }

    /// Dropout that keeps mean and variance of what [`Tensor::selu`] makes.
    ///
    /// # Errors
    /// As [`Tensor::dropout`].
    #[track_caller]
    pub fn alpha_dropout(&self, p: f64, training: bool) -> Result<Tensor> {
        match drops(self, p, training)? {
            false => Ok(self.clone()),
            true if p == 1.0 => self.mul(&Tensor::zeros([], self.dtype())?),
            true => alpha(self, p, self),
        }
    }

    /// [`Tensor::alpha_dropout`] of whole channels.
    ///
    /// # Errors
    /// As [`Tensor::feature_dropout`].
    #[track_caller]
    pub fn feature_alpha_dropout(&self, p: f64, training: bool) -> Result<Tensor> {
        match drops(self, p, training)? {
            false => Ok(self.clone()),
            true if p == 1.0 => self.mul(&Tensor::zeros([], self.dtype())?),
            true => alpha(self, p, &per_channel(self)?),
        }
    }

    /// Sets numbers to 0 with probability `p` and divides the others by 1 - p, where `training`; else this very tensor.
    /// Draws from the default generator ([`crate::random::manual_seed`]) what PyTorch draws.
    ///
    /// # Errors
    /// For a probability outside of [0, 1]; for integers in training.
    ///
    /// ```
    /// # use pullback::{DType, Tensor, random};
    /// // >>> torch.manual_seed(42); F.dropout(torch.ones(6), 0.5)
    /// // tensor([2., 2., 2., 2., 0., 2.])
    /// random::manual_seed(42);
    /// let y = Tensor::ones([6], DType::F32)?.dropout(0.5, true)?;
    /// assert_eq!(y.to_vec::<f32>()?, [2.0, 2.0, 2.0, 2.0, 0.0, 2.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn dropout(&self, p: f64, training: bool) -> Result<Tensor> {
        let site = Location::caller();
        let factor = dropout_factor(self, p, training)?;
        match factor {
            Some(factor) => apply_dyn(&crate::ops::Mul, &[self, &factor], site),
            None => Ok(self.clone()),
        }
    }

    /// [`Tensor::dropout`] in place.
    ///
    /// # Errors
    /// As there; for a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn dropout_(&self, p: f64, training: bool) -> Result<()> {
        let site = Location::caller();
        let factor = dropout_factor(self, p, training)?;
        match factor {
            Some(factor) => {
                in_place_dyn(&crate::ops::Mul, self, &[&factor], site, &mut |_| Ok(false))
            }
            None => Ok(()),
        }
    }

    /// Leaky relu: in `training` with a slope drawn uniformly between the bounds for each number that is not positive, else
    /// with their mean. Draws from the default generator what PyTorch draws; its defaults are 1/8, 1/3 and `false`.
    ///
    /// # Errors
    /// Where the bounds are the wrong way round; for integers.
    #[track_caller]
    pub fn rrelu(&self, lower: f64, upper: f64, training: bool) -> Result<Tensor> {
        let site = Location::caller();
        let plain = slopes(lower, upper)?;
        let x = &self.contiguous()?; // PyTorch's result is row-major
        if !training {
            return apply_dyn(&plain, &[x], site);
        }
        let wider = wide(x)?;
        let factor = random_slopes(&wider.array(), lower, upper)?;
        apply_dyn(
            &crate::ops::Mul,
            &[&wider, &Tensor::from_array(factor)],
            site,
        )?
        .to(x.dtype())
    }

    /// [`Tensor::rrelu`] in place.
    ///
    /// # Errors
    /// As there; for a leaf that requires a gradient outside `no_grad`.
    #[track_caller]
    pub fn rrelu_(&self, lower: f64, upper: f64, training: bool) -> Result<()> {
        let site = Location::caller();
        let plain = slopes(lower, upper)?;
        if !training {
            return in_place_dyn(&plain, self, &[], site, &mut |_| Ok(false));
        }
        let factor = random_slopes(&wide(self)?.array(), lower, upper)?;
        let factor = Tensor::from_array(factor).to(self.dtype())?;
        in_place_dyn(&crate::ops::Mul, self, &[&factor], site, &mut |_| Ok(false))
    }
}
