//! Pooling: largest elements and means of windows.

use crate::call::Args;
use crate::call::Function;
use crate::call::{IntoValue, Value};
use crate::{Pool, Result, Tensor};

/// The arguments that poolings share.
struct Given {
    kernel: Vec<i64>,
    stride: Option<Vec<i64>>,
    padding: Vec<i64>,
    dilation: Vec<i64>,
    ceil: bool,
}

impl Given {
    fn of(a: &Args<'_>, padding: &str, dilation: &str) -> Result<Given> {
        let or = |name: &str, default: i64| match name {
            "" => Ok(vec![default]),
            name => a.ints(name),
        };
        Ok(Given {
            kernel: a.ints("kernel_size")?,
            stride: a.ints_opt("stride")?.filter(|s| !s.is_empty()),
            padding: or(padding, 0)?,
            dilation: or(dilation, 1)?,
            ceil: a.bool("ceil_mode")?,
        })
    }

    fn pool(&self) -> Pool<'_> {
        Pool {
            stride: self.stride.as_deref(),
            padding: &self.padding,
            dilation: &self.dilation,
            ceil_mode: self.ceil,
            ..Pool::of(&self.kernel)
        }
    }
}

fn largest(a: &Args<'_>, run: fn(&Tensor, Pool<'_>) -> Result<(Tensor, Tensor)>) -> Result<Value> {
    let given = Given::of(a, "padding", "dilation")?;
    let (y, at) = run(a.tensor("input")?, given.pool())?;
    match a.bool("return_indices")? {
        true => vec![y, at].into_value(),
        false => y.into_value(),
    }
}

macro_rules! max_pool {
    ($name:literal, $run:ident, $dims:literal, $node:literal, $samples:expr, $edges:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, int[] dilation=1, bool ceil_mode=False, bool return_indices=False) -> Tensor"),
            "nn.functional",
            |a| largest(a, |x, p| x.$run(p)),
        )
        .about(concat!("The largest element of windows over ", $dims, "."), "max over the window of x")
        .node($node)
        .exact()
        .samples($samples)
        .edges($edges)
        .errors($errors)
    };
}

macro_rules! avg_pool {
    ($name:literal, $run:ident, $places:literal, $more:literal, $dims:literal, $node:literal, $samples:expr, $errors:expr) => {
        Function::new(
            concat!($name, "(Tensor input, int[] kernel_size, int[]? stride=None, int[] padding=0, bool ceil_mode=False, bool count_include_pad=True", $more, ") -> Tensor"),
            $places,
            |a| {
                let given = Given::of(a, "padding", "")?;
                let divisor = if $more.is_empty() { None } else { a.int_opt("divisor_override")? };
                let pool = Pool {
                    count_include_pad: a.bool("count_include_pad")?,
                    divisor_override: divisor,
                    ..given.pool()
                };
                a.tensor("input")?.$run(pool)?.into_value()
            },
        )
        .about(concat!("Means of windows over ", $dims, "."), "Σ over the window of x / n")
        .node($node)
        .samples($samples)
        .errors($errors)
    };
}

macro_rules! adaptive {
    ($avg:literal, $avg_run:ident, $avg_node:literal, $max:literal, $max_run:ident, $max_node:literal, $dims:literal, $samples:expr, $errors:expr) => {
        [
            Function::new(
                concat!($avg, "(Tensor input, int[] output_size) -> Tensor"),
                "nn.functional",
                |a| {
                    a.tensor("input")?
                        .$avg_run(&a.ints("output_size")?)?
                        .into_value()
                },
            )
            .about(
                concat!(
                    "Means of as many windows over ",
                    $dims,
                    " as are asked for."
                ),
                "Σ over the window of x / n",
            )
            .node($avg_node)
            .samples($samples)
            .errors($errors),
            Function::new(
                concat!(
                    $max,
                    "(Tensor input, int[] output_size, bool return_indices=False) -> Tensor"
                ),
                "nn.functional",
                |a| {
                    let (y, at) = a.tensor("input")?.$max_run(&a.ints("output_size")?)?;
                    match a.bool("return_indices")? {
                        true => vec![y, at].into_value(),
                        false => y.into_value(),
                    }
                },
            )
            .about(
                concat!(
                    "The largest element of as many windows over ",
                    $dims,
                    " as are asked for."
                ),
                "max over the window of x",
            )
            .node($max_node)
            .exact()
            .samples($samples)
            .errors($errors),
        ]
    };
}

pub(in crate::ops) static LIST: &[Function] = &{
    let [a1, m1] = adaptive!(
        "adaptive_avg_pool1d",
        adaptive_avg_pool1d,
        "SqueezeBackward1",
        "adaptive_max_pool1d",
        adaptive_max_pool1d,
        "SqueezeBackward1",
        "one dimension",
        &["T(2,2,5), 3", "T(2,4), 2", "T(1,2,3), [5]", "T(1,2,6), 1"],
        &["T(4), 2"]
    );
    let [a2, m2] = adaptive!(
        "adaptive_avg_pool2d",
        adaptive_avg_pool2d,
        "AdaptiveAvgPool2DBackward0",
        "adaptive_max_pool2d",
        adaptive_max_pool2d,
        "AdaptiveMaxPool2DBackward0",
        "two dimensions",
        &[
            "T(2,2,5,4), [3, 2]",
            "T(2,4,3), 2",
            "T(1,2,3,2), [4, 3]",
            "T(1,3,4,4), 2"
        ],
        &["T(4,4), 2"]
    );
    let [a3, m3] = adaptive!(
        "adaptive_avg_pool3d",
        adaptive_avg_pool3d,
        "AdaptiveAvgPool3DBackward0",
        "adaptive_max_pool3d",
        adaptive_max_pool3d,
        "AdaptiveMaxPool3DBackward0",
        "three dimensions",
        &[
            "T(1,2,3,4,3), [2, 3, 2]",
            "T(2,3,3,2), 2",
            "T(1,1,2,3,2), [1, 2, 3]",
            "T(1,2,4,2,2), 2"
        ],
        &["T(4,4,4), 2"]
    );
    [
        max_pool!(
            "max_pool1d",
            max_pool1d,
            "one dimension",
            "SqueezeBackward1",
            &[
                "T(2,2,5), 2",
                "T(2,6), 3, 2, 1",
                "T(1,2,7), 2, 1, 0, 2",
                "T(1,2,6), 3, 2, 0, 1, True",
                "T(1,2,6), 2, return_indices=True"
            ],
            &[
                "T[[[1.0, nan, 3.0, 2.0, 5.0]]], 2",
                "T[[[2.0, 2.0, 2.0, 2.0]]], 2, 1"
            ],
            &[
                "T(5), 2",
                "T(1,1,5), 2, padding=2",
                "T(1,1,5), 0",
                "T(1,1,1), 2"
            ]
        ),
        max_pool!(
            "max_pool2d",
            max_pool2d,
            "two dimensions",
            "MaxPool2DWithIndicesBackward0",
            &[
                "T(2,2,4,5), 2",
                "T(2,6,5), [3, 2], [2, 1], [1, 0]",
                "T(1,2,7,6), 2, 1, 0, [2, 1]",
                "T(1,2,5,5), 2, None, 0, 1, True",
                "T(1,2,4,4), 2, return_indices=True"
            ],
            &["T[[[1.0, nan], [3.0, 2.0]]], 2, 1"],
            &[
                "T(5,5), 2",
                "T(1,1,5,5), 2, padding=2",
                "T(1,1,5,5), 2, 0",
                "T(1,1,1,1), 2",
                "T(1,1,5,5), [1, 2, 3]"
            ]
        ),
        max_pool!(
            "max_pool3d",
            max_pool3d,
            "three dimensions",
            "MaxPool3DWithIndicesBackward0",
            &[
                "T(1,2,4,3,4), 2",
                "T(2,3,3,4), [2, 1, 2], 1, [1, 0, 1]",
                "T(1,1,3,3,3), 2, 2, 0, 1, True",
                "T(1,2,4,4,2), [2, 2, 1], [1, 2, 1], return_indices=True"
            ],
            &[],
            &["T(5,5), 2", "T(1,1,1,1,1), 2"]
        ),
        avg_pool!(
            "avg_pool1d",
            avg_pool1d,
            "nn.functional torch",
            "",
            "one dimension",
            "SqueezeBackward1",
            &[
                "T(2,2,5), 2",
                "T(2,6), 3, 2, 1",
                "T(1,2,6), 3, 2, 1, True, False",
                "T(1,1,7), 4, 1"
            ],
            &["T(1,1,5), 2, padding=2", "T(1,1,1), 2"]
        ),
        avg_pool!(
            "avg_pool2d",
            avg_pool2d,
            "nn.functional",
            ", int? divisor_override=None",
            "two dimensions",
            "AvgPool2DBackward0",
            &[
                "T(2,2,4,5), 2",
                "T(2,6,5), [3, 2], [2, 1], [1, 0]",
                "T(1,2,5,5), 2, None, 1, True",
                "T(1,2,5,5), 2, None, 1, True, False",
                "T(1,2,4,4), 2, divisor_override=3"
            ],
            &[
                "T(1,1,5,5), 2, padding=2",
                "T(1,1,1,1), 2",
                "T(1,1,5,5), 2, divisor_override=0"
            ]
        ),
        avg_pool!(
            "avg_pool3d",
            avg_pool3d,
            "nn.functional",
            ", int? divisor_override=None",
            "three dimensions",
            "AvgPool3DBackward0",
            &[
                "T(1,2,4,3,4), 2",
                "T(2,3,3,4), [2, 1, 2], 1, [1, 0, 1]",
                "T(1,1,3,3,3), 2, 1, 1, False, False",
                "T(1,1,3,4,3), 2, divisor_override=5"
            ],
            &["T(1,1,1,1,1), 2"]
        ),
        a1,
        m1,
        a2,
        m2,
        a3,
        m3,
    ]
};
