//! Convolutions.

use crate::call::Args;
use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::core::fail::error;
use crate::{Result, Steps, Tensor};

/// The arguments that convolutions share.
struct Given {
    stride: Vec<i64>,
    padding: Vec<i64>,
    dilation: Vec<i64>,
    groups: i64,
}

impl Given {
    fn of(a: &Args<'_>, padding: Vec<i64>) -> Result<Given> {
        Ok(Given {
            stride: a.ints("stride")?,
            padding,
            dilation: a.ints("dilation")?,
            groups: a.int("groups")?,
        })
    }

    fn steps(&self) -> Steps<'_> {
        Steps {
            stride: &self.stride,
            padding: &self.padding,
            dilation: &self.dilation,
            groups: self.groups,
        }
    }
}

type Convolve = fn(&Tensor, &Tensor, Option<&Tensor>, Steps<'_>) -> Result<Tensor>;

/// Numbers as padding.
fn numbers(a: &Args<'_>, run: Convolve) -> Result<Value> {
    let given = Given::of(a, a.ints("padding")?)?;
    let (x, w, bias) = (
        a.tensor("input")?,
        a.tensor("weight")?,
        a.tensor_opt("bias")?,
    );
    run(x, w, bias, given.steps()).into_value()
}

/// A word as padding.
fn words(a: &Args<'_>, valid: Convolve, same: Convolve) -> Result<Value> {
    let given = Given::of(a, vec![0])?;
    let (x, w, bias) = (
        a.tensor("input")?,
        a.tensor("weight")?,
        a.tensor_opt("bias")?,
    );
    match a.str("padding")? {
        "valid" => valid(x, w, bias, given.steps()).into_value(),
        "same" => same(x, w, bias, given.steps()).into_value(),
        other => Err(error!(Argument, "Invalid padding string: '{other}'")),
    }
}

type Transpose = fn(&Tensor, &Tensor, Option<&Tensor>, Steps<'_>, &[i64]) -> Result<Tensor>;

fn transposed(a: &Args<'_>, run: Transpose) -> Result<Value> {
    let given = Given::of(a, a.ints("padding")?)?;
    let (x, w, bias) = (
        a.tensor("input")?,
        a.tensor("weight")?,
        a.tensor_opt("bias")?,
    );
    run(x, w, bias, given.steps(), &a.ints("output_padding")?).into_value()
}

macro_rules! numbered {
    ($name:literal, $run:ident, $dims:literal, $samples:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] dilation=1, int groups=1) -> Tensor"),
            "nn.functional torch",
            |a| numbers(a, |x, w, b, s| x.$run(w, b, s)),
        )
        .about(concat!("Kernels going over ", $dims, "."), "y[n, o, i] = b[o] + Σ x[n, c, i·stride - padding + k·dilation] w[o, c, k]")
        .node_by(alone)
        .units(64.0, 256.0)
        .samples($samples)
        .errors($errors)
    };
}

macro_rules! worded {
    ($name:literal, $run:ident, $same:ident, $dims:literal, $samples:expr) => {
        Function::new(
            concat!($name, "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, str padding='valid', int[] dilation=1, int groups=1) -> Tensor"),
            "nn.functional torch",
            |a| words(a, |x, w, b, s| x.$run(w, b, s), |x, w, b, s| x.$same(w, b, s)),
        )
        .about(concat!("Kernels going over ", $dims, "."), "y[n, o, i] = b[o] + Σ x[n, c, i·stride - padding + k·dilation] w[o, c, k]")
        .node_by(alone)
        .units(64.0, 256.0)
        .samples($samples)
    };
}

macro_rules! turned {
    ($name:literal, $run:ident, $dims:literal, $samples:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, Tensor weight, Tensor? bias=None, int[] stride=1, int[] padding=0, int[] output_padding=0, int groups=1, int[] dilation=1) -> Tensor"),
            "nn.functional torch",
            |a| transposed(a, |x, w, b, s, p| x.$run(w, b, s, p)),
        )
        .about(concat!("The transpose of a convolution over ", $dims, "."), "y[n, c, i·stride - padding + k·dilation] += x[n, o, i] w[o, c, k]")
        .node_by(alone)
        .units(64.0, 256.0)
        .samples($samples)
        .errors($errors)
    };
}

/// Without a dimension of samples PyTorch adds one, and its last node takes it away.
fn alone(a: &Args<'_>) -> Result<&'static str> {
    let (x, w) = (a.tensor("input")?, a.tensor("weight")?);
    Ok(match x.ndim() < w.ndim() {
        true => "SqueezeBackward1",
        false => "ConvolutionBackward0",
    })
}

pub(in crate::ops) static LIST: &[Function] = &[
    numbered!(
        "conv1d",
        conv1d,
        "one dimension",
        &[
            "T(2,2,5), T(3,2,2)",
            "T(1,4,6), T(4,2,3), T(4), 2, 1, 1, 2",
            "T(2,5), T(3,2,2), T(3)",
            "I(1,2,5, 5), I(3,2,2, 5), I(3, 5)",
            "T(1,2,7), T(2,2,2), None, [2], [3], [3]",
            "T(0,2,5), T(3,2,2)",
            "T(5,2,4).t, T(2,2,3)"
        ],
        &[
            "T(5), T(1,1,2)",
            "T(1,2,5), T(3,1,2)",
            "T(1,2,2), T(3,2,3)",
            "T(1,2,5), T(3,2,2), stride=0",
            "T(1,2,5), T(3,2,2), padding=-1",
            "T(1,2,5), T(3,2,2), dilation=0",
            "T(1,2,5), T(3,2,2), groups=0",
            "T(1,2,5), T(3,1,2), groups=2",
            "T(1,2,5), T(3,2,2), T(2)",
            "T(1,2,5), T(3,2,2), stride=[1, 2]"
        ]
    ),
    worded!(
        "conv1d",
        conv1d,
        conv1d_same,
        "one dimension",
        &[
            "T(2,2,5), T(3,2,2), padding='valid'",
            "T(2,2,5), T(3,2,4), None, 1, 'same'",
            "T(1,2,6), T(3,2,3), T(3), 1, 'same', 2",
            "T(2,5), T(3,2,2), T(3), 2, 'valid'"
        ]
    ),
    numbered!(
        "conv2d",
        conv2d,
        "two dimensions",
        &[
            "T(2,2,4,5), T(3,2,2,3)",
            "T(1,4,5,4), T(4,2,3,2), T(4), [2, 1], [1, 0], 1, 2",
            "T(2,4,4), T(3,2,2,2), T(3)",
            "T(1,2,6,5), T(2,2,2,2), None, 2, 1, [2, 1]",
            "T(1,2,3,3), T(2,2,1,1)",
            "T(1,3,4,4), T(3,1,3,3), groups=3, padding=1"
        ],
        &[
            "T(4,4), T(1,1,2,2)",
            "T(1,2,4,4), T(3,1,2,2)",
            "T(1,2,2,2), T(3,2,3,3)",
            "T(1,2,4,4), T(3,2,2,2), T(2)",
            "T(1,2,4,4), T(3,2,2,2), stride=[1, 2, 3]",
            "T(1,2,4,4).f32, T(3,2,2,2).f64"
        ]
    ),
    worded!(
        "conv2d",
        conv2d,
        conv2d_same,
        "two dimensions",
        &[
            "T(1,2,4,5), T(3,2,2,3), padding='same'",
            "T(2,4,4), T(1,2,2,2), None, 1, 'same'",
            "T(1,2,5,5), T(2,2,2,2), T(2), 1, 'same', [2, 1]",
            "T(1,2,4,4), T(3,2,3,3), T(3), 2, 'valid'"
        ]
    ),
    numbered!(
        "conv3d",
        conv3d,
        "three dimensions",
        &[
            "T(1,2,3,3,4), T(2,2,2,2,2)",
            "T(1,2,4,3,3), T(2,1,2,3,1), T(2), [2, 1, 1], [1, 0, 1], 1, 2",
            "T(2,3,3,3), T(1,2,2,2,2)",
            "T(1,1,4,3,5), T(1,1,2,1,2), None, 1, 0, [2, 1, 3]"
        ],
        &["T(3,3,3), T(1,1,2,2,2)", "T(1,2,2,2,2), T(3,2,3,3,3)"]
    ),
    worded!(
        "conv3d",
        conv3d,
        conv3d_same,
        "three dimensions",
        &[
            "T(1,1,3,3,3), T(2,1,2,2,2), padding='same'",
            "T(1,2,3,2,3), T(1,2,1,2,2), T(1), 1, 'same'",
            "T(1,3,3,3), T(1,1,2,2,2), None, 2, 'valid'",
            "T(1,1,2,3,2), T(1,1,3,3,3), T(1), padding='same'"
        ]
    ),
    turned!(
        "conv_transpose1d",
        conv_transpose1d,
        "one dimension",
        &[
            "T(2,3,4), T(3,2,2)",
            "T(1,4,4), T(4,2,3), T(4), 2, 1, 1, 2",
            "T(3,4), T(3,2,2), T(2)",
            "T(1,2,3), T(2,1,2), None, 3, 0, 2, 1, 2",
            "T(1,2,3), T(2,1,2), None, 1, 0, 1, 1, 2",
            "I(1,2,3, 5), I(2,1,2, 5), I(1, 5)"
        ],
        &[
            "T(4), T(1,1,2)",
            "T(1,3,4), T(2,2,2)",
            "T(1,3,4), T(3,2,2), T(3)",
            "T(1,3,4), T(3,2,2), stride=2, output_padding=2",
            "T(1,3,2), T(3,2,2), padding=3"
        ]
    ),
    turned!(
        "conv_transpose2d",
        conv_transpose2d,
        "two dimensions",
        &[
            "T(2,3,3,4), T(3,2,2,2)",
            "T(1,4,3,3), T(4,2,3,2), T(4), [2, 1], [1, 0], [1, 0], 2",
            "T(3,3,3), T(3,2,2,2)",
            "T(1,2,2,3), T(2,1,2,2), None, 2, 1, 1, 1, [1, 2]",
            "T(1,2,2,3), T(2,1,2,2), None, 1, 0, [0, 1], 1, 2"
        ],
        &[
            "T(3,3), T(1,1,2,2)",
            "T(1,3,3,3), T(2,2,2,2)",
            "T(1,3,5,5), T(3,2,3,3), stride=2, output_padding=2"
        ]
    ),
    turned!(
        "conv_transpose3d",
        conv_transpose3d,
        "three dimensions",
        &[
            "T(1,2,2,3,2), T(2,2,2,2,2)",
            "T(1,2,2,2,2), T(2,1,2,2,2), T(1), 2, 1",
            "T(2,2,2,2), T(2,1,2,1,2)",
            "T(1,2,1,2,2), T(2,2,1,2,1), T(4), [1, 2, 1], 0, [0, 1, 0], 2"
        ],
        &["T(1,3,2,2,2), T(2,2,2,2,2)"]
    ),
];
