//! What pooling refuses, in PyTorch's words, which differ from function to function: lists of another length, numbers that make no windows, inputs of
//! other dimensions or without elements.

use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::{Error, Result, Shape};

/// `3x4`.
fn times(sizes: impl Iterator<Item = i128>) -> String {
    sizes.map(|n| n.to_string()).collect::<Vec<_>>().join("x")
}

/// One number for each dimension.
pub(super) fn each(name: &str, what: &str, given: &[i64], dims: usize) -> Result<Vec<i128>> {
    let words = ["", "", "two ints", "three ints"];
    let n = given.len();
    match n {
        1 => return Ok(vec![i128::from(given[0]); dims]),
        _ if n == dims => return Ok(given.iter().map(|&n| i128::from(n)).collect()),
        _ => {}
    }
    // PyTorch's functions have each their own words.
    let must = match (name, what) {
        ("avg_pool3d", "stride") => "must be omitted,",
        ("avg_pool3d", _) => "must be",
        (_, "stride") => "must either be omitted,",
        (_, "dilation") => "must be either",
        _ => "must either be",
    };
    Err(error!(
        Shape,
        "{}",
        match (dims, name) {
            (1, "max_pool1d") if what == "stride" => format!(
                "{name}() {what} must be None, an int, list of ints, or tuple of ints of size 1 but got size {n}"
            ),
            (1, "max_pool1d") => format!(
                "{name}() {what} must be an int, list of ints or tuple of ints of size 1 but got size {n}"
            ),
            (1, _) => format!("{name}() argument '{what}' should contain one int (got {n})"),
            _ => format!(
                "{name}: {what} {must} a single int, or a tuple of {}",
                words[dims]
            ),
        }
    ))
}

/// The numbers of one dimension: the window's size, how far apart windows begin, what lies around, how far apart elements are.
#[derive(Clone, Copy)]
pub(super) struct Steps {
    pub(super) kernel: i128,
    pub(super) stride: i128,
    pub(super) padding: i128,
    pub(super) dilation: i128,
}

/// Errors for more around than half of a window.
fn half_around(s: &Steps) -> Result<()> {
    let Steps {
        kernel: k,
        padding: p,
        dilation: l,
        ..
    } = *s;
    ensure!(
        p <= ((k - 1) * l + 1) / 2,
        Shape,
        "pad should be at most half of effective kernel size, but got pad={p}, kernel_size={k} and dilation={l}"
    );
    Ok(())
}

/// Errors unless the numbers of `max_pool1d`, which has words of its own, make windows.
pub(super) fn alone(s: &Steps) -> Result<()> {
    for (what, n) in [("kernel_size", s.kernel), ("stride", s.stride)] {
        ensure!(
            n > 0,
            Shape,
            "max_pool1d() {what} must be greater than zero, but got {n}"
        );
    }
    let (p, l) = (s.padding, s.dilation);
    ensure!(
        p >= 0,
        Shape,
        "max_pool1d() padding must be non-negative, but got {p}"
    );
    ensure!(
        l > 0,
        Shape,
        "max_pool1d() dilation must be greater than zero, but got {l}"
    );
    let reach = (s.kernel - 1) * l + 1;
    ensure!(
        reach <= i128::from(i64::MAX),
        Shape,
        "effective kernel size overflows, but got kernel_size={} and dilation={l}",
        s.kernel
    );
    ensure!(
        p <= reach / 2,
        Shape,
        "max_pool1d() padding should be at most half of kernel size, but got padding={p} and kernel_size={}",
        s.kernel
    );
    Ok(())
}

/// Errors unless the numbers of all dimensions make windows.
pub(super) fn together(steps: &[Steps]) -> Result<()> {
    for s in steps {
        ensure!(s.stride != 0, Shape, "stride should not be zero");
        let p = s.padding;
        ensure!(p >= 0, Shape, "pad must be non-negative, but got pad: {p}");
        half_around(s)?;
    }
    type Of = fn(&Steps) -> i128;
    let kinds: [(&str, &str, Of); 3] = [
        ("kernel size", "k", |s| s.kernel),
        ("stride", "d", |s| s.stride),
        ("dilation", "dilation", |s| s.dilation),
    ];
    for (what, letter, of) in kinds {
        if steps.iter().all(|s| of(s) > 0) {
            continue;
        }
        // To PyTorch's means, one dimension is the second of two.
        let all = (steps.len() == 1).then_some(1).into_iter();
        let all: Vec<i128> = all.chain(steps.iter().map(of)).collect();
        let said: Vec<String> = (["T", "H", "W"][3 - all.len()..].iter().zip(&all))
            .map(|(axis, n)| format!("{letter}{axis}: {n}"))
            .collect();
        bail!(
            Shape,
            "{what} should be greater than zero, but got {}",
            said.join(" ")
        );
    }
    Ok(())
}

/// The error for windows that do not fit, in the words of the function that was called.
pub(super) fn too_small(
    name: &str,
    shape: &Shape,
    (size, counts): (&[i128], &[i128]),
    kernel: &[i128],
) -> Error {
    let planes = shape[shape.len() - size.len() - 1] as i128;
    // To PyTorch's means, one dimension is the second of two.
    let front: &[i128] = if size.len() == 1 {
        &[planes, 1]
    } else {
        &[planes]
    };
    let all = |last: &[i128]| times(front.iter().chain(last).copied());
    error!(
        Shape,
        "{}",
        match (name, size, kernel) {
            ("max_pool1d", ..) =>
                format!("max_pool1d() Invalid computed output size: {}", counts[0]),
            ("avg_pool3d", [t, h, w], [kt, kh, kw]) => format!(
                "input image (T: {t} H: {h} W: {w}) smaller than kernel size (kT: {kt} kH: {kh} kW: {kw})"
            ),
            _ => format!(
                "Given input size: ({}). Calculated output size: ({}). Output size is too small",
                all(size),
                all(counts)
            ),
        }
    )
}

/// Which dimension other than the samples' is empty.
fn empty(x: &Tensor, dims: usize) -> Option<usize> {
    let first = usize::from(x.ndim() == dims + 2);
    (first..x.ndim()).find(|&d| x.shape()[d] == 0)
}

/// Errors where the input has not so many dimensions, or an empty one that is not the samples'.
pub(super) fn ranked(name: &str, x: &Tensor, dims: usize) -> Result<()> {
    let (low, high, shape) = (dims + 1, dims + 2, x.shape());
    let rank = x.ndim() == low || x.ndim() == high;
    let empty = rank.then(|| empty(x, dims)).flatten();
    if rank && empty.is_none() {
        return Ok(());
    }
    Err(error!(
        Shape,
        "{}",
        match (name, empty) {
            ("max_pool1d", _) => format!(
                "{name}: Expected 2D or 3D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
            ),
            ("avg_pool1d", None) => format!(
                "Expected {low} to {high} dimensions, but got {}-dimensional tensor for argument #1 'self' (while checking arguments for {name})",
                x.ndim()
            ),
            // To PyTorch's means, one dimension is the second of two.
            ("avg_pool1d", Some(_)) => {
                let mut of_two = shape.to_vec();
                of_two.insert(x.ndim() - 1, 1);
                let of_two = Shape::from(of_two);
                format!(
                    "Expected 3D or 4D (batch mode) tensor with optional 0 dim batch size for input, but got:{of_two}"
                )
            }
            ("avg_pool2d", None) if x.ndim() > low => format!(
                "Expected {low}D or {high}D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
            ),
            (_, None) =>
                format!("non-empty {low}D or {high}D (batch mode) tensor expected for input"),
            ("max_pool3d" | "avg_pool3d", Some(d)) => {
                let name = match name {
                    "max_pool3d" => "max_pool3d_with_indices_out_cpu_template",
                    other => other,
                };
                format!(
                    "{name}(): Expected input to have non-zero size for non-batch dimensions, but input has sizes {shape} with dimension {d} being empty"
                )
            }
            _ => format!(
                "Expected {low}D or {high}D (batch mode) tensor with optional 0 dim batch size for input, but got:{shape}"
            ),
        }
    ))
}

/// How many windows each dimension is asked for.
pub(super) fn asked_for(name: &str, asked: &[i64], dims: usize) -> Result<Vec<i64>> {
    let n = asked.len();
    match n {
        1 => return Ok(vec![asked[0]; dims]),
        _ if n == dims => return Ok(asked.to_vec()),
        _ => {}
    }
    Err(error!(
        Shape,
        "{}",
        match (dims, name.starts_with("adaptive_max")) {
            (1, _) => format!("{name}() argument 'output_size' should contain one int (got {n})"),
            (_, true) => format!("{name}(): internal error: output_size.size() must be {dims}"),
            (_, false) => format!("{name}: output_size must be {dims}"),
        }
    ))
}
