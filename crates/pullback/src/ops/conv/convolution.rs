//! The convolution and its two transposes, in any number of dimensions. Each is linear in each of its operands and the gradients of each are
//! the other two, so every order follows. The first two take a bias: the channels' numbers, added to the result.

use crate::core::apply::apply_dyn;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::op::{Ctx, Op, Reads, sum_terms};
use crate::core::rules;
use crate::core::tensor::Tensor;
use crate::ops::common::anchor::anchored;
use crate::ops::common::methods::not_implemented;
use crate::ops::math::arith::needs_float;
use crate::{Array, DType, Result, Shape};
use pullback_array::kernels::{self, Sizes, Window};
use pullback_array::{Arith, dispatch};
use smallvec::SmallVec;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// Windows of `x` (samples, in, size…) times the kernels `w` (out, in / groups, kernel…), plus a bias (out) if there is a third operand.
#[derive(Clone, Debug)]
pub struct Convolution {
    /// How the kernel goes over its input.
    pub how: Window,
}
define! { Convolution: General "conv_nd", "torch.nn.functional.conv2d";
    summary: "Windows of the first operand times the kernels of the second, over any number of dimensions, plus a bias.";
    formula: "y[n, o, i] = Σ x[n, c, i·stride - padding + k·dilation] w[o, c, k] + b[o]";
    derivative: "the transposes: g times the kernels to x, windows of x times g to w, g to b";
    node: "ConvolutionBackward0";
    proof: { samples: || [
        cases(|how, _, _| Convolution { how }, |x, w, _| (x, w), false),
        cases(|how, _, _| Convolution { how }, |x, w, _| (x, w), true),
    ].concat() }
}

/// The transpose of [`Convolution`] in its first operand, plus a bias if there is a third one.
#[derive(Clone, Debug)]
pub struct ConvolutionInput {
    /// How the kernel goes over the result.
    pub how: Window,
    /// The result's size.
    pub size: Sizes,
}
define! { ConvolutionInput: General "conv_nd_input", "torch.nn.functional.conv_transpose2d";
    summary: "Each number of the first operand times the kernels of the second, added up where windows overlap, plus a bias.";
    formula: "x[n, c, i·stride - padding + k·dilation] += g[n, o, i] w[o, c, k], plus b[c]";
    derivative: "windows of the gradient times the kernels to g, times g to w, the gradient to b";
    node: "ConvolutionBackward0";
    proof: { samples: || [
        cases(|how, size, _| ConvolutionInput { how, size }, |_, w, g| (g, w), false),
        cases(|how, size, _| ConvolutionInput { how, size }, |_, w, g| (g, w), true),
    ].concat() }
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
    proof: { samples: || cases(|how, _, kernel| ConvolutionWeight { how, kernel }, |x, _, g| (x, g), false) }
}

/// The window for rows that are groups beside each other.
fn grouped(how: &Window, rows: usize) -> Window {
    Window {
        groups: how.groups * rows,
        ..how.clone()
    }
}

/// A convolution, or its transpose in the first operand, over rows: they are more samples where they share the kernels, else groups of
/// channels.
fn over_batch(batch: &Batch<'_>, how: &Window, op: impl FnOnce(Window) -> Box<dyn Op>) -> Batched {
    if batch.only(0) {
        let (x, samples) = (batch.get(0).flatten_dims(0, 1)?, batch.shape(0)[0]);
        let mut all: SmallVec<[&Tensor; 3]> = [&x].into_iter().collect();
        (1..batch.arity()).for_each(|i| all.push(batch.get(i)));
        let y = apply_dyn(&*op(how.clone()), &all, batch.site())?;
        let shape = batch.over(&[&[samples], &y.shape()[1..]].concat());
        return batch.one(y.reshape(shape));
    }
    let own = (0..batch.arity())
        .map(|i| batch.merged(i, usize::from(i == 0)))
        .collect::<Result<SmallVec<[Tensor; 3]>>>()?;
    let all: SmallVec<[&Tensor; 3]> = own.iter().collect();
    let y = apply_dyn(&*op(grouped(how, batch.count())), &all, batch.site())?;
    batch.one(batch.split(&y, 1))
}

impl Op for Convolution {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        over_batch(batch, &self.how, |how| Box::new(Convolution { how }))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        numbers(x, false)?;
        biased(kernels::convolve(x[0], x[1], &self.how)?, x.get(2))
    }
    fn reads(&self, i: usize) -> Reads {
        reads(i)
    }
}

impl rules::General for Convolution {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        if i == 2 {
            return bias_gradient(cx, g);
        }
        let (how, size) = (self.how.clone(), Sizes::from_slice(&cx.shape(i)[2..]));
        match i {
            0 => apply_dyn(
                &ConvolutionInput { how, size },
                &[g, &cx.factor(1)?],
                cx.site(),
            ),
            _ => apply_dyn(
                &ConvolutionWeight { how, kernel: size },
                &[&cx.factor(0)?, g],
                cx.site(),
            ),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        push(self, cx, t)
    }
}

impl Op for ConvolutionInput {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let size = self.size.clone();
        over_batch(batch, &self.how, |how| {
            Box::new(ConvolutionInput { how, size })
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        numbers(x, true)?;
        let y = kernels::convolve_input(x[0], x[1], &self.how, &self.size)?;
        biased(y, x.get(2))
    }
    fn reads(&self, i: usize) -> Reads {
        reads(i)
    }
}

impl rules::General for ConvolutionInput {
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let how = self.how.clone();
        match i {
            0 => within(
                apply_dyn(&Convolution { how }, &[g, &cx.factor(1)?], cx.site())?,
                cx.shape(0),
            ),
            1 => {
                let kernel = Sizes::from_slice(&cx.shape(1)[2..]);
                apply_dyn(
                    &ConvolutionWeight { how, kernel },
                    &[g, &cx.factor(0)?],
                    cx.site(),
                )
            }
            _ => bias_gradient(cx, g),
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        push(self, cx, t)
    }
}

impl Op for ConvolutionWeight {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        // A weight for each row: rows are groups.
        let (x, g) = (batch.merged(0, 1)?, batch.merged(1, 1)?);
        let op = ConvolutionWeight {
            how: grouped(&self.how, batch.count()),
            kernel: self.kernel.clone(),
        };
        let found = apply_dyn(&op, &[&x, &g], batch.site())?;
        batch.one(batch.split(&found, 0))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        numbers(x, false)?;
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
                    &[&cx.factor(1)?, g],
                    cx.site(),
                )
            }
            _ => within(
                apply_dyn(&Convolution { how }, &[&cx.factor(0)?, g], cx.site())?,
                cx.shape(1),
            ),
        }
    }
}

/// `y` with the number of each channel added, in place: nobody else holds it.
fn biased(y: Array, bias: Option<&&Array>) -> Result<Array> {
    let Some(bias) = bias else { return Ok(y) };
    let bias = bias.reshape(&Shape::new(&channels(&y)))?;
    dispatch!(number y.dtype(), T => kernels::zip_assign(&y, &bias, |y: T, b: T| y.plus(b)), else Err(needs_float(&y)))?;
    Ok(y)
}

/// The shape of a bias beside `y`: its channels, and ones.
fn channels(y: &Array) -> Sizes {
    let mut shape = Sizes::from_elem(1, y.shape().len());
    shape[1] = y.shape()[1];
    shape
}

/// The weight's gradient reads the input and the input's the weight; the bias's is, as in PyTorch, a function of both.
fn reads(i: usize) -> Reads {
    match i {
        0 => Reads::input(1),
        1 => Reads::input(0),
        _ => Reads::input(0).and(Reads::input(1)),
    }
}

/// `g`, summed over all but the channels.
fn bias_gradient(cx: &Ctx<'_>, g: &Tensor) -> Result<Tensor> {
    let others: Vec<i64> = (0..g.ndim() as i64).filter(|&d| d != 1).collect();
    let g = g.sum_dims(&others, false)?;
    if !cx.create_graph() {
        return Ok(g);
    }
    let g = anchored(cx, "convolution", g, &cx.input(0)?)?;
    anchored(cx, "convolution", g, &cx.input(1)?)
}

/// The tangent: linear in each operand, and the bias is added.
fn push<O: Op>(op: &O, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
    sum_terms(t, |i, t| match i {
        0 => apply_dyn(op, &[t, &cx.input(1)?], cx.site()),
        1 => apply_dyn(op, &[&cx.input(0)?, t], cx.site()),
        _ => {
            let y = cx.output()?;
            t.reshape(&channels(&y.array())[..])?.expand(y.shape())
        }
    })
}

/// Errors for truth values; the transpose is, as in PyTorch, one of floats and of int64 alone.
fn numbers(x: &[&Array], transposed: bool) -> Result<()> {
    let refused = |d: DType| match transposed {
        true => !d.is_float() && d != DType::I64,
        false => d == DType::Bool,
    };
    match x.iter().find(|a| refused(a.dtype())) {
        Some(a) if transposed => Err(not_implemented("slow_conv_transpose2d_out_cpu", a.dtype())),
        Some(a) => Err(not_implemented("slow_conv2d_cpu", a.dtype())),
        None => Ok(()),
    }
}

/// The first places of every dimension, as many as `shape` has: the last windows may reach beyond what a stride came from.
fn within(y: Tensor, shape: &Shape) -> Result<Tensor> {
    let mut y = y;
    for d in 2..shape.len() {
        if y.shape()[d] > shape[d] {
            y = y.narrow(d as i64, 0, shape[d])?;
        }
    }
    Ok(y)
}

/// Samples in one, two and three dimensions, with or without a bias: which two of input, weight and result an operation reads is `pick`'s.
#[cfg(feature = "proof")]
fn cases<O: Op>(
    make: impl Fn(Window, Sizes, Sizes) -> O,
    pick: impl for<'a> Fn(&'a [usize], &'a [usize], &'a [usize]) -> (&'a [usize], &'a [usize]),
    bias: bool,
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
        // The result's channels: those of the one of input and result that is not read.
        let out = [if a == x { w[0] } else { x[1] }];
        let op = make(how, size, kernel);
        let all = [
            (a, &numbers(a, 0)[..]),
            (b, &numbers(b, 5)[..]),
            (&out[..], &numbers(&out, 3)[..]),
        ];
        Sample::new(op, &all[..2 + usize::from(bias)])
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
