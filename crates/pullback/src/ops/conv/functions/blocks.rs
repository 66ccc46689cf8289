//! Blocks of images as columns and back, and what pooling took apart.

use crate::call::Args;
use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::core::fail::bail;
use crate::{Blocks, Pool, Result, Tensor, Unpool};

/// The arguments that unfold and fold share.
struct Given([Vec<i64>; 4]);

impl Given {
    fn of(a: &Args<'_>) -> Result<Given> {
        Ok(Given([
            a.ints("kernel_size")?,
            a.ints("dilation")?,
            a.ints("padding")?,
            a.ints("stride")?,
        ]))
    }

    fn blocks(&self) -> Blocks<'_> {
        let Given([kernel, dilation, padding, stride]) = self;
        Blocks {
            dilation,
            padding,
            stride,
            ..Blocks::of(kernel)
        }
    }
}

type Put = fn(&Tensor, &Tensor, Unpool<'_>) -> Result<Tensor>;

fn unpooled(a: &Args<'_>, run: Put) -> Result<Value> {
    let (kernel, padding) = (a.ints("kernel_size")?, a.ints("padding")?);
    let (stride, size) = (a.ints_opt("stride")?, a.ints_opt("output_size")?);
    let how = Unpool {
        stride: stride.as_deref(),
        padding: &padding,
        output_size: size.as_deref(),
        ..Unpool::of(&kernel)
    };
    run(a.tensor("input")?, a.tensor("indices")?, how)?.into_value()
}

type Root = fn(&Tensor, f64, Pool<'_>) -> Result<Tensor>;

fn rooted(a: &Args<'_>, dims: usize, run: Root) -> Result<Value> {
    let (kernel, stride) = (a.ints("kernel_size")?, a.ints_opt("stride")?);
    let p = a.number("norm_type")?;
    if p.to_f64() == 0.0 {
        let shown = match p {
            crate::Number::Float(p) => format!("{p:?}"),
            p => p.to_string(),
        };
        bail!(Value, "norm_type must be a non-zero value, but got {shown}");
    }
    if kernel.len() != 1 && kernel.len() < dims {
        bail!(
            Value,
            "not enough values to unpack (expected {dims}, got {})",
            kernel.len()
        );
    }
    let pool = Pool {
        stride: stride.as_deref(),
        ceil_mode: a.bool("ceil_mode")?,
        ..Pool::of(&kernel)
    };
    run(a.tensor("input")?, p.to_f64(), pool)?.into_value()
}

/// A norm of infinite power is a pooling by largest elements.
fn largest_node(a: &Args<'_>, dims: usize) -> Result<&'static str> {
    Ok(
        match (a.number("norm_type")?.to_f64() == f64::INFINITY, dims) {
            (true, 1) => "SqueezeBackward1",
            (true, 2) => "MaxPool2DWithIndicesBackward0",
            (true, _) => "MaxPool3DWithIndicesBackward0",
            (false, _) => "",
        },
    )
}

type Fraction = fn(&Tensor, &[i64], &[i64], Option<&Tensor>) -> Result<(Tensor, Tensor)>;

fn fractional(a: &Args<'_>, dims: usize, run: Fraction) -> Result<Value> {
    let (x, name) = (a.tensor("input")?, a.name());
    let size = match (a.ints_opt("output_size")?, a.value("output_ratio")?) {
        (Some(size), _) => size,
        (None, Value::None) => bail!(
            Value,
            "{name} requires specifying either an output_size or an output_ratio"
        ),
        (None, ratio) => ratios(name, x, ratio, dims)?,
    };
    let kernel = a.ints("kernel_size")?;
    let (y, at) = run(x, &kernel, &size, a.tensor_opt("_random_samples")?)?;
    match a.bool("return_indices")? {
        true => vec![y, at].into_value(),
        false => y.into_value(),
    }
}

/// Sizes as parts of the input's.
fn ratios(name: &str, x: &Tensor, ratio: &Value, dims: usize) -> Result<Vec<i64>> {
    let Value::List(list) = ratio else {
        bail!(Type, "{name}: output_ratio must be a tuple of floats");
    };
    if dims == 2 && list.len() > 2 {
        bail!(
            Value,
            "{name} requires output_ratio to either be a single Int or tuple of Ints."
        );
    }
    let numbers: Vec<f64> = (list.iter().filter_map(Value::number))
        .map(crate::Number::to_f64)
        .collect();
    if numbers.len() < dims {
        bail!(Index, "tuple index out of range");
    }
    let size = |d: usize| match x.ndim().checked_sub(dims - d) {
        Some(at) => x.shape()[at] as f64,
        None => 0.0,
    };
    Ok((0..dims).map(|d| (size(d) * numbers[d]) as i64).collect())
}

macro_rules! unpool {
    ($name:literal, $run:ident, $dims:literal, $node:literal, $samples:expr, $edges:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, Tensor indices, int[] kernel_size, int[]? stride=None, int[] padding=0, int[]? output_size=None) -> Tensor"),
            "nn.functional",
            |a| unpooled(a, |x, i, how| x.$run(i, how)),
        )
        .about(concat!("Zeros with each element where its index says, over ", $dims, "."), "y[i[k]] = x[k]")
        .node($node)
        .exact()
        .samples($samples)
        .edges($edges)
        .errors($errors)
    };
}

macro_rules! root {
    ($name:literal, $run:ident, $count:literal, $dims:literal, $samples:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, number norm_type, int[] kernel_size, int[]? stride=None, bool ceil_mode=False) -> Tensor"),
            "nn.functional",
            |a| rooted(a, $count, |x, p, pool| x.$run(p, pool)),
        )
        .about(concat!("p-norms of windows over ", $dims, "."), "(Σ over the window of xᵖ)^(1/p)")
        .node_by(|a| largest_node(a, $count))
        .units(16.0, 64.0)
        .samples($samples)
        .errors($errors)
    };
}

macro_rules! fraction {
    ($name:literal, $run:ident, $count:literal, $dims:literal, $node:literal, $samples:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, int[] kernel_size, int[]? output_size=None, any? output_ratio=None, bool return_indices=False, Tensor? _random_samples=None) -> Tensor"),
            "nn.functional",
            |a| fractional(a, $count, |x, k, n, s| x.$run(k, n, s)),
        )
        .about(concat!("The largest element of windows at random distances over ", $dims, "."), "max over the window of x")
        .node($node)
        .random()
        .exact()
        .samples($samples)
        .errors($errors)
    };
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "unfold(Tensor input, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1) -> Tensor",
        "nn.functional",
        |a| a.tensor("input")?.image_blocks(Given::of(a)?.blocks())?.into_value(),
    )
    .about("Blocks of images as columns.", "y[n, c·k, i] = x[n, c, i·stride - padding + k·dilation]")
    .units(0.0, 16.0)
    .samples(&[
        "T(1,2,3,4), 2",
        "T(2,1,4,3), (2, 1), 2, (1, 0), (1, 2)",
        "T(2,3,3), (3, 2), 1, 1, 2",
        "T(1,1,4,4), 3, padding=2, stride=3",
        "T(0,2,3,3), 2",
        "T(3,4,2).t, 2",
    ])
    .errors(&[
        "T(1,1,4,4), 2, 0",
        "T(1,1,4,4), 0",
        "T(1,1,4,4), 2, 1, -1",
        "T(1,1,4,4), 2, 1, 0, 0",
        "T(4,4), 2",
        "T(1,1,4,4,4), 2",
        "T(1,1,4,4), 5",
        "T(1,1,4,4), (2, 2, 2)",
        "T(1,0,4,4), 2",
        "I(1,1,4,4, 9), 2",
    ]),
    Function::new(
        "fold(Tensor input, int[] output_size, int[] kernel_size, int[] dilation=1, int[] padding=0, int[] stride=1) -> Tensor",
        "nn.functional",
        |a| {
            let size = a.ints("output_size")?;
            a.tensor("input")?.fold(&size, Given::of(a)?.blocks())?.into_value()
        },
    )
    .about("Columns added up to the images of which they are blocks.", "x[n, c, i·stride - padding + k·dilation] += y[n, c·k, i]")
    .samples(&[
        "T(1,8,6), (3, 4), 2",
        "T(2,2,8), (4, 3), (2, 1), 2, (1, 0), (1, 2)",
        "T(12,4), (3, 3), (3, 2), 1, 1, 2",
        "T(1,4,9), 4, 2",
        "T(0,4,4), 3, 2",
        "T(1,6,6).t, (4, 2), (2, 1)",
    ])
    .errors(&[
        "T(1,1,4,9), (4, 4), 2",
        "T(1,3,9), (4, 4), 2",
        "T(1,4,8), (4, 4), 2",
        "T(1,4,9), (0, 4), 2",
        "T(1,4,9), (4, 4), 2, 0",
        "T(1,4,9), (4, 4), 0",
        "T(1,4,9), (4, 4), 2, 1, -1",
        "T(1,4,9), (4, 4), 2, 1, 0, 0",
        "T(1,0,9), (4, 4), 2",
        "T(1,4,9), (4, 4, 4), 2",
        "T(1,4,9), (1, 1), 2",
        "I(1,4,9, 9), (4, 4), 2",
    ]),
    unpool!(
        "max_unpool1d",
        max_unpool1d,
        "one dimension",
        "SqueezeBackward1",
        &[
            "T(1,1,3), I[[[1, 2, 5]]], 2",
            "T(2,2), I[[0, 3], [1, 2]], 2",
            "T(1,1,2), I[[[0, 4]]], 2, output_size=(5,)",
            "T(1,1,2), I[[[0, 1]]], 3, 1, 1, (2,)"
        ],
        &[],
        &["T(1,2), I[[0, 4]], 2", "T(2), I[0, 3], 2"]
    ),
    unpool!(
        "max_unpool2d",
        max_unpool2d,
        "two dimensions",
        "MaxUnpool2DBackward0",
        &[
            "T(1,1,2,2), I[[[[0, 3], [5, 15]]]], 2",
            "T(1,2,1), I[[[2], [3]]], (2, 1)",
            "T(1,1,2,2), I[[[[0, 3], [5, 24]]]], 2, output_size=(5, 5)",
            "T(1,1,2,2), I[[[[0, 1], [4, 8]]]], 3, 2, 1, (1, 1, 4, 3)"
        ],
        // Several elements in one place: the last one stays, and PyTorch sends its gradient to each.
        &["T(1,1,2,2), I[[[[1, 1], [1, 7]]]], 2"],
        &[
            "T(1,1,2,2), I[[[[0, 3], [5, 16]]]], 2",
            "T(1,1,2,2), I[[[[0, 3], [5, -1]]]], 2",
            "T(1,1,2,2), I[[[0, 3], [5, 15]]], 2",
            "T(2,2), I[[0, 3], [5, 15]], 2",
            "T(1,1,2,2), I[[[[0, 3], [5, 15]]]], 2, output_size=(8, 8)",
            "T(1,1,2,2), I[[[[0, 3], [5, 15]]]], 2, output_size=(5,)",
            "T(1,1,2,2), I[[[[0, 3], [5, 15]]]], 1, 1, 3",
            "I(1,1,2,2, 9), I[[[[0, 3], [5, 15]]]], 2"
        ]
    ),
    unpool!(
        "max_unpool3d",
        max_unpool3d,
        "three dimensions",
        "MaxUnpool3DBackward0",
        &[
            "T(1,1,1,2,2), I[[[[[0, 3], [5, 31]]]]], 2",
            "T(1,1,2,1), I[[[[2], [3]]]], (1, 2, 1), (1, 2, 1)",
            "T(1,1,1,1,2), I[[[[[0, 29]]]]], 2, output_size=(3, 2, 5)",
            "T(1,1,1,2,1), I[[[[[1], [6]]]]], 2"
        ],
        &[],
        &[
            "T(1,1,1,1,2), I[[[[[0, 64]]]]], 2",
            "T(1,1,1,1,2), I[[[[[0, 6]]]]], 2, (0, 1, 1)",
            "T(1,1,1,1,2), I[[[[[0]]]]], 2"
        ]
    ),
    root!(
        "lp_pool1d",
        lp_pool1d,
        1,
        "one dimension",
        &[
            "T(2,2,5, pos), 2, 2",
            "T(2,6, pos), 4, 3, 2",
            "T(1,2,6), 2.0, 4, ceil_mode=True",
            "T(1,2,5), inf, 2"
        ],
        &["T(1,1,5), 0, 2", "T(1,1,5), 2, 6"]
    ),
    root!(
        "lp_pool2d",
        lp_pool2d,
        2,
        "two dimensions",
        &[
            "T(2,2,4,5, pos), 2, 2",
            "T(2,6,5, pos), 4, (3, 2), (2, 1)",
            "T(1,2,5,5), 2, 2, ceil_mode=True",
            "T(1,2,4,4), -inf, 2",
            "T(1,1,4,4, pos), 0.5, 2"
        ],
        &["T(1,1,4,4), 0, 2", "T(1,1,4,4), 2, 5"]
    ),
    root!(
        "lp_pool3d",
        lp_pool3d,
        3,
        "three dimensions",
        &[
            "T(1,2,4,3,4, pos), 2, 2",
            "T(2,3,3,4, pos), 4, (2, 1, 2), 1",
            "T(1,1,3,3,3), 2, 2, ceil_mode=True",
            "T(1,1,3,2,3), inf, 2"
        ],
        &["T(1,1,4,4,4), 0.0, 2", "T(1,1,4,4,4), 2, (2, 2)"]
    ),
    fraction!(
        "fractional_max_pool2d",
        fractional_max_pool2d,
        2,
        "two dimensions",
        "FractionalMaxPool2DBackward0",
        &[
            "T(1,2,5,4), 2, 3",
            "T(2,6,5), (3, 2), (2, 3)",
            "T(1,2,5,5), 2, output_ratio=(0.5, 0.7)",
            "T(1,1,6,6), 2, (3, 4), return_indices=True",
            "T(1,1,5,6), (2, 3), 2, None, True, T[[[0.25, 0.75]]].fixed"
        ],
        &[
            "T(1,1,4,4), 2",
            "T(1,1,4,4), 2, (4, 4)",
            "T(1,1,4,4), 2, (3, 3, 3)",
            "T(1,1,4,4), 2, output_ratio=(0.5, 0.5, 0.5)",
            "T(4,4), 2, 2",
            "T(1,0,4,4), 2, 2",
            "T(1,1,4,4), 0, 2",
            "T(1,1,4,4), 2, 2, _random_samples=T(1,1,3).fixed",
            "T(1,1,4,4), 2, 2, _random_samples=T(1,2,2).fixed",
            "T(1,1,4,4), 2, 2, _random_samples=T(1,2).fixed"
        ]
    ),
    fraction!(
        "fractional_max_pool3d",
        fractional_max_pool3d,
        3,
        "three dimensions",
        "FractionalMaxPool3DBackward0",
        &[
            "T(1,2,4,4,5), 2, 2",
            "T(1,4,4,5), (2, 1, 3), (2, 3, 2)",
            "T(1,1,5,4,4), 2, output_ratio=(0.5, 0.7, 0.3)",
            "T(1,1,4,6,4), 2, (2, 3, 2), return_indices=True",
            "T(1,1,4,5,6), 2, 2, None, True, T[[[0.25, 0.75, 0.5]]].fixed"
        ],
        &[
            "T(1,1,4,4,4), 2",
            "T(1,1,4,4,4), 2, (4, 4, 4)",
            "T(1,1,4,4,4), 2, (2, 2)",
            "T(4,4,4), 2, 2",
            "T(1,1,4,4,4), 2, output_ratio=(0.5, 0.5)",
            "T(1,1,4,4,4), 2, 2, _random_samples=T(1,1,2).fixed"
        ]
    ),
];
