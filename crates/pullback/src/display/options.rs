//! What can be chosen about printing, and the choice the whole process shares.

use crate::core::setters::setters;
use std::sync::{PoisonError, RwLock};

/// How tensors are printed: `torch.set_printoptions`' arguments.
///
/// ```
/// use pullback::{PrintOptions, Tensor};
/// let x = Tensor::from_slice(&[0.5f32, 2e6], [2])?;
/// let plain = PrintOptions::default().precision(2).sci_mode(Some(false));
/// assert_eq!(x.display_with(plain).to_string(), "tensor([      0.50, 2000000.00])");
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
#[non_exhaustive]
pub struct PrintOptions {
    /// Digits after the point.
    pub precision: usize,
    /// Tensors of more elements are shown by the edges of each dimension.
    pub threshold: usize,
    /// How many elements an edge has.
    pub edgeitems: usize,
    /// Characters in a line, after which it is broken.
    pub linewidth: usize,
    /// Whether powers of ten are written; `None` decides by the numbers.
    pub sci_mode: Option<bool>,
}

setters!([] PrintOptions {
    precision: usize,
    threshold: usize,
    edgeitems: usize,
    linewidth: usize,
    sci_mode: Option<bool>,
});

const DEFAULT: PrintOptions = PrintOptions {
    precision: 4,
    threshold: 1000,
    edgeitems: 3,
    linewidth: 80,
    sci_mode: None,
};

impl Default for PrintOptions {
    /// PyTorch's `profile="default"`: 4 digits, 80 columns, 3 items at each edge of tensors above 1000 elements.
    fn default() -> Self {
        DEFAULT
    }
}

impl PrintOptions {
    /// PyTorch's `profile="short"`: 2 digits and 2 items at an edge.
    ///
    /// ```
    /// use pullback::{PrintOptions, Tensor};
    /// let x = Tensor::scalar(0.12345f32);
    /// assert_eq!(x.display_with(PrintOptions::short()).to_string(), "tensor(0.12)");
    /// ```
    pub const fn short() -> Self {
        PrintOptions {
            precision: 2,
            edgeitems: 2,
            ..DEFAULT
        }
    }

    /// PyTorch's `profile="full"`: every element, however many there are.
    ///
    /// ```
    /// use pullback::{PrintOptions, Tensor};
    /// let x = Tensor::arange(2000)?;
    /// assert!(x.to_string().contains("..."));
    /// assert!(!x.display_with(PrintOptions::full()).to_string().contains("..."));
    /// # Ok::<(), pullback::Error>(())
    /// ```
    pub const fn full() -> Self {
        PrintOptions {
            threshold: usize::MAX,
            ..DEFAULT
        }
    }
}

static SHARED: RwLock<PrintOptions> = RwLock::new(DEFAULT);

/// Sets how all tensors of the process are printed from now on, and returns how they were: PyTorch's
/// `torch.set_printoptions`.
///
/// ```
/// use pullback::{PrintOptions, Tensor, get_printoptions, set_printoptions};
/// let before = set_printoptions(get_printoptions().precision(2));
/// assert_eq!(Tensor::scalar(1.12345f32).to_string(), "tensor(1.12)");
/// set_printoptions(before);
/// assert_eq!(Tensor::scalar(1.12345f32).to_string(), "tensor(1.1235)");
/// ```
pub fn set_printoptions(options: PrintOptions) -> PrintOptions {
    let mut shared = SHARED.write().unwrap_or_else(PoisonError::into_inner);
    std::mem::replace(&mut *shared, options)
}

/// How tensors are printed now: PyTorch's `torch.get_printoptions`.
///
/// ```
/// use pullback::{PrintOptions, get_printoptions};
/// assert_eq!(get_printoptions(), PrintOptions::default());
/// ```
pub fn get_printoptions() -> PrintOptions {
    SHARED
        .read()
        .unwrap_or_else(PoisonError::into_inner)
        .clone()
}
