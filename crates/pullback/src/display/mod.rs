//! Printing tensors, to the character as PyTorch prints them.
//!
//! `options` holds what can be chosen, `column` turns numbers into text of one style and width, `brackets` lays the
//! text out, `grad_fn` knows PyTorch's names of operations that made a tensor; this file puts the parts together and adds what stands
//! behind the numbers (`dtype=…`, `grad_fn=<…>`, `tangent=…`).

mod brackets;
mod column;
mod grad_fn;
mod options;

pub use options::{PrintOptions, get_printoptions, set_printoptions};

use crate::core::tensor::Tensor;
use crate::{DType, Shape};
use std::fmt;

const PREFIX: &str = "tensor(";

/// PyTorch's `str(tensor)`, with the process-wide [`PrintOptions`]; a precision in the format overrides theirs.
///
/// ```
/// # use pullback::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, -0.5, 2.25, 1000.0], [2, 2])?;
/// assert_eq!(x.to_string(), "\
/// tensor([[ 1.0000e+00, -5.0000e-01],
///         [ 2.2500e+00,  1.0000e+03]])");
/// assert_eq!(format!("{:.1}", x.slice(0, None, Some(1), 1)?), "tensor([[ 1.0, -0.5]])");
///
/// let w = Tensor::from_slice(&[1.0f64, 2.0], [2])?.requires_grad_(true)?;
/// assert_eq!(w.to_string(), "tensor([1., 2.], dtype=torch.float64, requires_grad=True)");
/// assert_eq!(w.mul(0.3)?.to_string(), "tensor([0.3000, 0.6000], dtype=torch.float64, grad_fn=<MulBackward0>)");
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// Double-double tensors, which PyTorch has not, print as double precision ones do and say `dtype=float64x2`; ask for
/// their digits with a precision.
///
/// ```
/// # use pullback::{DType, Tensor};
/// let third = Tensor::scalar(1.0f64).to(DType::Dd)?.div(3.0)?;
/// assert_eq!(third.to_string(), "tensor(0.3333, dtype=float64x2)");
/// assert_eq!(format!("{third:.30}"), "tensor(0.333333333333333333333333333333, dtype=float64x2)");
/// # Ok::<(), pullback::Error>(())
/// ```
impl fmt::Display for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.display_with(get_printoptions()).fmt(f)
    }
}

/// The same as `Display`: PyTorch's `repr(tensor)`.
impl fmt::Debug for Tensor {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Tensor {
    /// The tensor as text under options of its own, whatever [`set_printoptions`] said.
    ///
    /// ```
    /// # use pullback::{PrintOptions, Tensor};
    /// let x = Tensor::arange(10)?;
    /// let brief = PrintOptions::default().threshold(5).edgeitems(2);
    /// assert_eq!(x.display_with(brief).to_string(), "tensor([0, 1,  ..., 8, 9])");
    /// assert_eq!(x.to_string(), "tensor([0, 1, 2, 3, 4, 5, 6, 7, 8, 9])");
    /// # Ok::<(), pullback::Error>(())
    /// ```
    pub fn display_with(&self, options: PrintOptions) -> impl fmt::Display {
        With {
            tensor: self,
            options,
        }
    }
}

struct With<'a> {
    tensor: &'a Tensor,
    options: PrintOptions,
}

impl fmt::Display for With<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut options = self.options.clone();
        if let Some(precision) = f.precision() {
            options.precision = precision;
        }
        f.write_str(&text(self.tensor, &options))
    }
}

fn text(tensor: &Tensor, options: &PrintOptions) -> String {
    let (shape, dtype) = (tensor.shape(), tensor.dtype());
    let mut text = String::from(PREFIX);
    let mut suffixes = Vec::new();
    let (show_size, show_dtype);
    if tensor.numel() == 0 {
        text += "[]";
        show_size = shape.len() != 1;
        // No element tells an int64 from a float32.
        show_dtype = dtype != DType::default_float();
    } else {
        let body = brackets::body(&tensor.array(), PREFIX.len(), options);
        show_size = options.edgeitems == 0 || body.is_err();
        show_dtype = !matches!(dtype, DType::I64 | DType::Bool) && dtype != DType::default_float();
        // Numbers that cannot be read (another thread writes them, no memory) leave the rest worth printing.
        text += body.as_deref().unwrap_or("...");
    }
    let (mut show_size, mut show_dtype) = (show_size, show_dtype);
    if tensor.device() == crate::Device::Meta {
        suffixes.push("device='meta'".to_owned());
        if tensor.numel() == 0 {
            text.truncate(PREFIX.len());
            text += "...";
        }
        (show_size, show_dtype) = (true, dtype != DType::default_float());
    }
    if let crate::Device::Other(name) = tensor.device() {
        suffixes.push(format!("device='{name}'"));
    }
    if show_size {
        suffixes.push(format!("size={}", tuple(shape)));
    }
    if show_dtype {
        let module = if dtype == DType::Dd { "" } else { "torch." };
        suffixes.push(format!("dtype={module}{dtype}"));
    }
    if let Some(node) = tensor.grad_fn() {
        suffixes.push(format!("grad_fn=<{}>", node.short_name()));
    } else if tensor.requires_grad() {
        suffixes.push("requires_grad=True".to_owned());
    }
    if let Some(tangent) = crate::forward_ad::tangent_of(tensor) {
        let text = match tangent.ndim() {
            0 => (tangent.item_f64()).map_or_else(|_| "...".to_owned(), column::python_float),
            _ => self::text(&tangent, options),
        };
        suffixes.push(format!("tangent={text}"));
    }
    append(&mut text, &suffixes, options.linewidth);
    text.push(')');
    text
}

/// A shape as Python writes a tuple.
fn tuple(shape: &Shape) -> String {
    match shape[..] {
        [n] => format!("({n},)"),
        _ => {
            let sizes: Vec<String> = shape.iter().map(usize::to_string).collect();
            format!("({})", sizes.join(", "))
        }
    }
}

/// Adds what stands behind the numbers, on new lines where the width is used up.
fn append(text: &mut String, suffixes: &[String], linewidth: usize) {
    // One more than what stands on the last line (two on the first line): PyTorch's count.
    let mut used = text
        .rfind('\n')
        .map_or(text.len() + 2, |at| text.len() - at + 1);
    for suffix in suffixes {
        if used + suffix.len() + 2 > linewidth {
            *text += ",\n";
            *text += &" ".repeat(PREFIX.len());
            used = PREFIX.len() + suffix.len();
        } else {
            *text += ", ";
            used += suffix.len() + 2;
        }
        *text += suffix;
    }
}
