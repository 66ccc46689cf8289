//! What a checkpoint keeps beside models and optimisers: numbers, texts, lists of them, tensors, generators.

use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::optim::lr_scheduler::ReduceLROnPlateau;
use crate::random::{numpy, torch};
use crate::{DType, Result, Shape, Tensor, no_grad};

/// A value that can be written as tensors by name, and taken back. For a struct of one's own:
///
/// ```
/// use pullback::checkpoint::Keep;
/// use pullback::nn::NamedTensors;
/// use pullback::{Result, Tensor};
///
/// /// The best loss so far, and when that was.
/// struct Best {
///     loss: f64,
///     step: u64,
/// }
///
/// impl Keep for Best {
///     fn state(&self) -> Result<NamedTensors> {
///         Ok(self.loss.state()?.with_prefix("loss").and(self.step.state()?.with_prefix("step")))
///     }
///     fn load(&mut self, state: &NamedTensors) -> Result<()> {
///         let mut new = Best { ..*self };
///         new.loss.load(&state.under("loss"))?;
///         new.step.load(&state.under("step"))?;
///         *self = new;
///         Ok(())
///     }
/// }
///
/// let best = Best { loss: 0.25, step: 300 };
/// let mut again = Best { loss: f64::INFINITY, step: 0 };
/// again.load(&best.state()?)?;
/// assert_eq!((again.loss, again.step), (0.25, 300));
/// # Ok::<(), pullback::Error>(())
/// ```
pub trait Keep {
    /// The value as tensors by name.
    ///
    /// # Errors
    /// Where the memory is not to be had.
    fn state(&self) -> Result<NamedTensors>;

    /// Takes back what [`Keep::state`] gave.
    ///
    /// # Errors
    /// For a state that is none of this value; the value is what it was then.
    fn load(&mut self, state: &NamedTensors) -> Result<()>;
}

/// The name of what is one tensor.
const VALUE: &str = "value";

fn one(t: Tensor) -> Result<NamedTensors> {
    Ok([(VALUE, t)].into_iter().collect())
}

/// The one tensor of a state, with its dtype.
fn only(state: &NamedTensors, dtype: DType) -> Result<&Tensor> {
    let t = state.get(VALUE).filter(|_| state.len() == 1);
    let Some(t) = t else {
        let names: Vec<&str> = state.names().collect();
        bail!(
            Argument,
            "one `{VALUE}` was to be kept, and there is {names:?}"
        );
    };
    ensure!(
        t.dtype() == dtype,
        DType,
        "`{VALUE}` is {} in the checkpoint, and {dtype} here",
        t.dtype()
    );
    Ok(t)
}

macro_rules! numbers {
    ($($T:ty, $dtype:ident;)*) => {$(
        impl Keep for $T {
            fn state(&self) -> Result<NamedTensors> {
                one(Tensor::scalar(*self))
            }
            fn load(&mut self, state: &NamedTensors) -> Result<()> {
                let t = only(state, DType::$dtype)?;
                match t.to_vec::<$T>()?[..] {
                    [x] => *self = x,
                    _ => bail!(Shape, "one number was to be kept, and there is a tensor of shape {}", t.shape()),
                }
                Ok(())
            }
        }

        impl Keep for Vec<$T> {
            fn state(&self) -> Result<NamedTensors> {
                one(Tensor::from_slice(self, [self.len()])?)
            }
            fn load(&mut self, state: &NamedTensors) -> Result<()> {
                *self = only(state, DType::$dtype)?.to_vec()?;
                Ok(())
            }
        }
    )*};
}

numbers! {
    bool, Bool;
    u8, U8;
    i32, I32;
    u32, U32;
    i64, I64;
    u64, U64;
    f32, F32;
    f64, F64;
}

/// As 64 bits, whatever the machine.
impl Keep for usize {
    fn state(&self) -> Result<NamedTensors> {
        (*self as u64).state()
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut wide = 0u64;
        wide.load(state)?;
        *self = wide
            .try_into()
            .map_err(|_| error!(Value, "{wide} is too large for this machine"))?;
        Ok(())
    }
}

impl Keep for String {
    fn state(&self) -> Result<NamedTensors> {
        one(Tensor::from_slice(self.as_bytes(), [self.len()])?)
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let bytes = only(state, DType::U8)?.to_vec::<u8>()?;
        *self = String::from_utf8(bytes).map_err(|_| error!(Value, "the text is no UTF-8"))?;
        Ok(())
    }
}

/// Whether a tensor's numbers can be written over one's own.
fn same(from: &Tensor, own: &Tensor) -> Result<()> {
    let (was, own): (&Shape, &Shape) = (from.shape(), own.shape());
    ensure!(
        was == own,
        Shape,
        "the tensor has shape {was} in the checkpoint, and {own} here"
    );
    Ok(())
}

/// Its numbers are written over: whoever holds the tensor sees them.
impl Keep for Tensor {
    fn state(&self) -> Result<NamedTensors> {
        one(self.detach())
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let from = only(state, self.dtype())?;
        same(from, self)?;
        let _guard = no_grad();
        self.copy_(from)
    }
}

/// Tensors by name, written over as one is.
impl Keep for NamedTensors {
    fn state(&self) -> Result<NamedTensors> {
        Ok(self.iter().map(|(name, t)| (name, t.detach())).collect())
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        ensure!(
            self.len() == state.len() && self.names().all(|name| state.get(name).is_some()),
            Argument,
            "the tensors {:?} are in the checkpoint, and {:?} here",
            state.names().collect::<Vec<_>>(),
            self.names().collect::<Vec<_>>()
        );
        for (name, t) in self.iter() {
            let from = [(VALUE, state[name].clone())].into_iter().collect();
            only(&from, t.dtype())
                .and_then(|from| same(from, t))
                .map_err(|e| e.note(format!("of `{name}`")))?;
        }
        let _guard = no_grad();
        self.iter().try_for_each(|(name, t)| {
            t.copy_(&state[name])
                .map_err(|e| e.note(format!("of `{name}`")))
        })
    }
}

/// PyTorch's 5056 bytes.
impl Keep for torch::Generator {
    fn state(&self) -> Result<NamedTensors> {
        self.get_state().state()
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut bytes = Vec::<u8>::new();
        Keep::load(&mut bytes, state)?;
        Ok(self.set_state(&bytes)?)
    }
}

/// NumPy's `bit_generator.state`: `state` and `inc` (the upper 64 bits first), `has_uint32`, `uinteger`. How many children it spawned is not in it, as it is
/// not in NumPy's.
impl Keep for numpy::Generator {
    fn state(&self) -> Result<NamedTensors> {
        let s = self.bit_generator().state();
        let words = [
            (s.state >> 64) as u64,
            s.state as u64,
            (s.inc >> 64) as u64,
            s.inc as u64,
            u64::from(s.has_uint32),
            u64::from(s.uinteger),
        ];
        words.to_vec().state()
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        let mut words = Vec::<u64>::new();
        Keep::load(&mut words, state)?;
        let wide = |high: u64, low: u64| u128::from(high) << 64 | u128::from(low);
        let &[a, b, c, d, has @ (0 | 1), half] = &words[..] else {
            bail!(Value, "these are no 6 numbers of a generator's state");
        };
        let uinteger = u32::try_from(half)
            .map_err(|_| error!(Value, "{half} is no half of a generator's draw"))?;
        ensure!(d & 1 == 1, Value, "a generator's increment is odd");
        (self.bit_generator_mut()).set_state(numpy::Pcg64State {
            state: wide(a, b),
            inc: wide(c, d),
            has_uint32: has == 1,
            uinteger,
        });
        Ok(())
    }
}

impl Keep for ReduceLROnPlateau {
    fn state(&self) -> Result<NamedTensors> {
        ReduceLROnPlateau::state(self)
    }
    fn load(&mut self, state: &NamedTensors) -> Result<()> {
        ReduceLROnPlateau::load(self, state)
    }
}
