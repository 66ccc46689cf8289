//! The convolution and its two transposes, in any number of dimensions. Each is linear in each of its operands and the gradients of each are
//! the other two, so every order follows.

use crate::core::apply::apply_dyn;
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::math::arith::needs_float;
use crate::{Array, Result};
use pullback_array::kernels::{self, Sizes, Window};

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Windows of `x` (samples, in, size…) times the kernels `w` (out, in / groups, kernel…).
#[derive(Clone, Debug)]
pub struct Convolution {
    /// How the kernel goes over its input.
    pub how: Window,
}
define! { Convolution: Multilinear "conv_nd", "torch.nn.functional.conv2d";
    summary: "Windows of the first operand times the kernels of the second, over any number of dimensions.";
    formula: "y[n, o, i] = Σ x[n, c, i·stride - padding + k·dilation] w[o, c, k]";
    derivative: "the transposes: g times the kernels to x, windows of x times g to w";
    node: "ConvolutionBackward0";
    proof: { samples: || cases(|how, _, _| Convolution { how }, |x, w, _| (x, w)) }
}

/// The transpose of [`Convolution`] in its first operand.
#[derive(Clone, Debug)]
pub struct ConvolutionInput {
    /// How the kernel goes over the result.
    pub how: Window,
    /// The result's size.
    pub size: Sizes,
}
define! { ConvolutionInput: Multilinear "conv_nd_input", "torch.nn.functional.conv_transpose2d";
    summary: "Each number of the first operand times the kernels of the second, added up where windows overlap.";
    formula: "x[n, c, i·stride - padding + k·dilation] += g[n, o, i] w[o, c, k]";
    derivative: "windows of the gradient times the kernels to g, times g to w";
    node: "ConvolutionBackward0";
    proof: { samples: || cases(|how, size, _| ConvolutionInput { how, size }, |_, w, g| (g, w)) }
}

/// The transpose of [`Convolution`] in its second operand.
#[derive(Clone, Debug)]
pub struct ConvolutionWeight {
    /// How the kernel goes over the first operand.
    pub how: Window,
    /// The kernel's size.
    pub kernel: Sizes,
}
define! { ConvolutionWeight: Multilinear "conv_nd_weight", "torch.nn.grad.conv2d_weight";
    summary: "Windows of the first operand times the second, added up over samples and windows.";
    formula: "w[o, c, k] = Σ x[n, c, i·stride - padding + k·dilation] g[n, o, i]";
    derivative: "g times the gradient as kernels to x, windows of x times them to g";
    proof: { samples: || cases(|how, _, kernel| ConvolutionWeight { how, kernel }, |x, _, g| (x, g)) }
}

impl Op for Convolution {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        floats(x)?;
        kernels::convolve(x[0], x[1], &self.how)
    }
}

impl rules::Multilinear for Convolution {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let (how, size) = (self.how.clone(), Sizes::from_slice(&cx.shape(i)[2..]));
        match i {
            0 => apply_dyn(
                &ConvolutionInput { how, size },
                &[g, &cx.input(1)?],
                cx.site(),
            ),
            _ => apply_dyn(
                &ConvolutionWeight { how, kernel: size },
                &[&cx.input(0)?, g],
                cx.site(),
            ),
        }
    }
}

impl Op for ConvolutionInput {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        floats(x)?;
        kernels::convolve_input(x[0], x[1], &self.how, &self.size)
    }
}

impl rules::Multilinear for ConvolutionInput {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let how = self.how.clone();
        match i {
            0 => apply_dyn(&Convolution { how }, &[g, &cx.input(1)?], cx.site()),
            _ => {
                let kernel = Sizes::from_slice(&cx.shape(1)[2..]);
                apply_dyn(
                    &ConvolutionWeight { how, kernel },
                    &[g, &cx.input(0)?],
                    cx.site(),
                )
            }
        }
    }
}

impl Op for ConvolutionWeight {
    common!();
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        floats(x)?;
        kernels::convolve_weight(x[0], x[1], &self.how, &self.kernel)
    }
}

impl rules::Multilinear for ConvolutionWeight {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let how = self.how.clone();
        match i {
            0 => {
                let size = Sizes::from_slice(&cx.shape(0)[2..]);
                apply_dyn(
                    &ConvolutionInput { how, size },
                    &[&cx.input(1)?, g],
                    cx.site(),
                )
            }
            _ => apply_dyn(&Convolution { how }, &[&cx.input(0)?, g], cx.site()),
        }
    }
}

/// Errors where an operand is no float.
fn floats(x: &[&Array]) -> Result<()> {
    for a in x {
        if !a.dtype().is_float() {
            return Err(needs_float(a));
        }
    }
    Ok(())
}

/// Samples in one, two and three dimensions: which two of input, weight and result an operation reads is `pick`'s.
#[cfg(feature = "proof")]
fn cases<O: Op>(
    make: impl Fn(Window, Sizes, Sizes) -> O,
    pick: impl for<'a> Fn(&'a [usize], &'a [usize], &'a [usize]) -> (&'a [usize], &'a [usize]),
) -> Vec<Sample> {
    let of = |x: &[usize], w: &[usize], [stride, padding, dilation, groups]: [usize; 4]| {
        let dims = x.len() - 2;
        let each = |n: usize| Sizes::from_elem(n, dims);
        let how = Window {
            stride: each(stride),
            padding: each(padding),
            dilation: each(dilation),
            groups,
        };
        let mut g = vec![x[0], w[0]];
        g.extend((0..dims).map(|d| how.count(d, x[2 + d], w[2 + d]).unwrap_or(0)));
        let numbers = |s: &[usize], from: usize| -> Vec<f64> {
            let n: usize = s.iter().product();
            (0..n)
                .map(|i| f64::from(((i * 7 + from) % 11) as u8) / 4.0 - 1.25)
                .collect()
        };
        let (a, b) = pick(x, w, &g);
        let (size, kernel) = (Sizes::from_slice(&x[2..]), Sizes::from_slice(&w[2..]));
        let op = make(how, size, kernel);
        Sample::new(op, &[(a, &numbers(a, 0)), (b, &numbers(b, 5))])
    };
    vec![
        of(&[2, 2, 5], &[3, 2, 3], [1, 0, 1, 1]),
        of(&[1, 2, 6], &[2, 1, 2], [2, 1, 2, 2]),
        of(&[1, 1, 4, 3], &[2, 1, 2, 2], [1, 1, 1, 1]),
        of(&[2, 1, 5, 4], &[1, 1, 3, 1], [2, 1, 1, 1]),
        of(&[1, 1, 3, 2, 3], &[1, 1, 2, 2, 2], [1, 0, 1, 1]),
        of(&[0, 2, 4], &[2, 2, 3], [1, 0, 1, 1]),
        of(&[1, 2, 3], &[1, 2, 1], [1, 0, 1, 1]),
    ]
}
