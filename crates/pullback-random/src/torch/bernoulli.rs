//! `bernoulli` and dropout masks.
//!
//! Source: `bernoulli_kernel` in `ATen/native/cpu/DistributionTemplates.h`, `_dropout_impl` in `ATen/native/Dropout.cpp`.
//! PyTorch built with MKL and running on an Intel processor draws `bernoulli_(p)` from another stream (`vslNewStream` of
//! MCG31 in `ATen/native/cpu/DistributionKernels.cpp`), so PyTorch's own masks differ between vendors. The rule here is the
//! other one, that of AMD processors and of builds without MKL.

use super::generator::Generator;
use super::kernels::unit_f64;
use super::number::{Float, Number};
use crate::error::{Error, Result, ostream, py_repr};
use crate::room::torch_filled;

impl Generator {
    /// `out.bernoulli_(p)`: 53 bits an element, whatever its type. See [the module](crate::torch) about
    /// Intel processors.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// let mut out = [0.0f32; 6];
    /// // Python: torch.manual_seed(42); torch.empty(6).bernoulli_(0.5)    -> tensor([1., 1., 1., 1., 0., 1.])
    /// manual_seed(42).fill_bernoulli(0.5, &mut out)?;
    /// assert_eq!(out, [1.0, 1.0, 1.0, 1.0, 0.0, 1.0]);
    /// // Python: torch.empty(4).bernoulli_(1.5)
    /// assert_eq!(
    ///     manual_seed(42).fill_bernoulli(1.5, &mut out).unwrap_err().message(),
    ///     "bernoulli_ expects p to be in [0, 1], but got p=1.5"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn fill_bernoulli<T: Number>(&mut self, p: f64, out: &mut [T]) -> Result<()> {
        if !(0.0..=1.0).contains(&p) {
            return Err(Error::runtime(format!(
                "bernoulli_ expects p to be in [0, 1], but got p={}",
                ostream(p)
            )));
        }
        self.choose_between(p, T::from_i64(1), T::from_i64(0), out);
        Ok(())
    }

    /// `torch.bernoulli(p)` with a tensor of probabilities: as many bits an element as the type of `p` has.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// // Python: torch.manual_seed(42); torch.bernoulli(torch.full((4,), 0.5))    -> tensor([0., 0., 1., 0.])
    /// assert_eq!(manual_seed(42).bernoulli(&[0.5f32; 4])?, [0.0, 0.0, 1.0, 0.0]);
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn bernoulli<T: Float>(&mut self, p: &[T]) -> Result<Vec<T>> {
        let mut out = torch_filled(p.len(), T::default())?;
        self.fill_bernoulli_each(p, &mut out)?;
        Ok(out)
    }

    /// `out.bernoulli_(p)` with a tensor `p`. Where the lengths differ, the shorter one counts.
    pub fn fill_bernoulli_each<P: Float, T: Number>(
        &mut self,
        p: &[P],
        out: &mut [T],
    ) -> Result<()> {
        if p.iter().any(|&p| !(0.0..=1.0).contains(&p.into())) {
            return Err(Error::runtime(
                "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If \
                 so, please report an enhancement request to PyTorch.)",
            ));
        }
        for (v, &p) in out.iter_mut().zip(p) {
            *v = T::from_i64(i64::from(P::unit(self) < p));
        }
        Ok(())
    }

    /// What `F.dropout(x, p)` multiplies `x` with: 0 where it drops, 1/(1−p) where it keeps. At `p` 0 and 1 nothing is
    /// drawn.
    ///
    /// ```
    /// use pullback_random::torch::manual_seed;
    ///
    /// // Python: torch.manual_seed(42); F.dropout(torch.ones(8), 0.4)[5:]    -> tensor([1.6667, 0.0000, 0.0000])
    /// assert_eq!(manual_seed(42).dropout_mask::<f32>(0.4, 8)?[5..], [1.6666666, 0.0, 0.0]);
    /// // Python: F.dropout(torch.ones(4), 1.5)
    /// assert_eq!(
    ///     manual_seed(42).dropout_mask::<f32>(1.5, 4).unwrap_err().message(),
    ///     "dropout probability has to be between 0 and 1, but got 1.5"
    /// );
    /// # Ok::<(), pullback_random::Error>(())
    /// ```
    pub fn dropout_mask<T: Float>(&mut self, p: f64, n: usize) -> Result<Vec<T>> {
        check_dropout(p)?;
        let mut out = torch_filled(n, T::default())?;
        self.fill_dropout_mask(p, &mut out)?;
        Ok(out)
    }

    /// [`dropout_mask`](Self::dropout_mask) into a slice.
    pub fn fill_dropout_mask<T: Float>(&mut self, p: f64, out: &mut [T]) -> Result<()> {
        check_dropout(p)?;
        let one = T::from_i64(1);
        if p == 0.0 {
            out.fill(one);
        } else if p == 1.0 {
            out.fill(T::default());
        } else {
            self.choose_between(1.0 - p, one.div(T::from_f64(1.0 - p)), T::default(), out);
        }
        Ok(())
    }

    fn choose_between<T: Copy>(&mut self, p: f64, hit: T, miss: T, out: &mut [T]) {
        self.in_pieces::<_, 2>(out, |draws, piece| {
            for (slot, pair) in piece.iter_mut().zip(draws.chunks_exact(2)) {
                *slot = if unit_f64(pair[0], pair[1]) < p {
                    hit
                } else {
                    miss
                };
            }
        });
    }
}

fn check_dropout(p: f64) -> Result<()> {
    if (0.0..=1.0).contains(&p) {
        return Ok(());
    }
    let message = format!(
        "dropout probability has to be between 0 and 1, but got {}",
        py_repr(p)
    );
    // NaN passes the check in Python and stops at the one in C++.
    Err(if p.is_nan() {
        Error::runtime(message)
    } else {
        Error::value(message)
    })
}
