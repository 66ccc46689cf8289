//! Counterparts of convolutions and poolings. Windows are recorded one by one; ONNX has their size and distance, which are looked for here.

use super::call::{Call, Written, ints};
use super::graph::Attribute::{Int, Ints};
use super::graph::{Found, Graph, Told};
use super::images::along;
use crate::DType;
use crate::core::apply::apply_dyn;
use crate::core::fail::{bail, ensure};
use crate::ops::{self, Span};
use pullback_array::kernels::Window;
use std::panic::Location;
use std::sync::Arc;

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    for table in [convolutions, largest, means] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// What both ways of a convolution are told.
fn told(window: &Window, kernel: Vec<i64>) -> Told {
    let padding = ints(&window.padding);
    vec![
        ("kernel_shape", Ints(kernel)),
        ("strides", Ints(ints(&window.stride))),
        ("pads", Ints([&padding[..], &padding[..]].concat())),
        ("dilations", Ints(ints(&window.dilation))),
        ("group", Int(window.groups as i64)),
    ]
}

fn convolutions(g: &mut Graph, c: &Call<'_>) -> Written {
    if !c.dtype().is_float() {
        return Ok(None);
    }
    if let Some(op) = c.of::<ops::Convolution>() {
        let kernel = c.sizes(&c.inputs[1].shape[2..])?;
        return Ok(Some(g.node("Conv", &c.names(), told(&op.how, kernel))));
    }
    let Some(op) = c.of::<ops::ConvolutionInput>() else {
        return Ok(None);
    };
    let kernel = c.sizes(&c.inputs[1].shape[2..])?;
    let (have, want) = (c.sizes(&c.inputs[0].shape[2..])?, c.sizes(&c.shape[2..])?);
    let mut told = told(&op.how, kernel.clone());
    let more: Vec<i64> = (0..kernel.len())
        .map(|d| {
            let [stride, padding, dilation] =
                [&op.how.stride, &op.how.padding, &op.how.dilation].map(|s| s[d] as i64);
            want[d] - ((have[d] - 1) * stride - 2 * padding + dilation * (kernel[d] - 1) + 1)
        })
        .collect();
    let fits = (more.iter().zip(op.how.stride.iter())).all(|(&n, &s)| (0..s as i64).contains(&n));
    ensure!(
        fits,
        Unsupported,
        "a padding of a transposed convolution's result by its stride or more has no counterpart in ONNX"
    );
    told.push(("output_padding", Ints(more)));
    Ok(Some(g.node("ConvTranspose", &c.names(), told)))
}

fn largest(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::MaxPoolAt>().is_none() {
        return Ok(None);
    }
    let (spans, size) =
        c.fixed(|op: &ops::MaxPoolAt| (op.windows.spans.clone(), op.windows.size.clone()))?;
    let Some(steps) = regular(&spans, &size) else {
        bail!(
            Unsupported,
            "a pooling whose windows are not all of one size has no counterpart in ONNX"
        );
    };
    // Without a dimension of samples there is one sample.
    let (single, dims) = (c.rank(0) == size.len() + 1, size.len());
    let front = g.ints(&[0])?;
    let x = match single {
        true => g.plain("Unsqueeze", &[c.x(0), &front]),
        false => c.x(0).to_string(),
    };
    let mut made = g.nodes("MaxPool", &[&x], steps.told(), 2);
    if single {
        made = (made.iter())
            .map(|name| g.plain("Squeeze", &[name, &front]))
            .collect();
    }
    // ONNX counts places through all samples and channels.
    let plane = size.iter().product::<usize>() as i64;
    let many = g.number(plane, DType::I64)?;
    let at = g.plain("Mod", &[&made[1], &many]);
    let found = Found {
        values: made.swap_remove(0),
        source: g.root(c.x(0)).to_string(),
        dim: c.rank(0) - dims,
        plane: Some(plane),
    };
    g.found_at(&at, found);
    Ok(Some(at))
}

fn means(g: &mut Graph, c: &Call<'_>) -> Written {
    let Some(op) = c.of::<ops::AvgPool>() else {
        return Ok(None);
    };
    let (spans, size) =
        c.fixed(|op: &ops::AvgPool| (op.windows.spans.clone(), op.windows.size.clone()))?;
    let steps = regular(&spans, &size).filter(|steps| {
        let whole =
            (spans.iter().zip(&steps.kernel)).all(|(all, &k)| all.iter().all(|s| s.full == k));
        let plain = steps.dilation.iter().all(|&d| d == 1);
        let float = c.dtype() != DType::F64 && c.rank(0) == size.len() + 2;
        plain && float && !op.transposed && op.divisor.is_none() && (whole || !op.outside)
    });
    if let Some(steps) = steps {
        let mut told = steps.told();
        told.retain(|(name, _)| *name != "dilations");
        told.push(("count_include_pad", Int(i64::from(op.outside))));
        return Ok(Some(g.node("AveragePool", &[c.x(0)], told)));
    }
    // Windows of several sizes: each dimension is a product with a matrix of shares.
    let mut name = c.x(0).to_string();
    for (k, (spans, &n)) in spans.iter().zip(size.iter()).enumerate() {
        let one = ops::AvgPool {
            windows: ops::Windows {
                size: std::iter::once(n).collect(),
                spans: Arc::new(vec![spans.clone()]),
            },
            divisor: op.divisor.map(|_| 1),
            ..op.clone()
        };
        let rows = if op.transposed { spans.len() } else { n };
        let matrix = crate::eye(rows, None, c.dtype())?;
        let matrix = apply_dyn(&one, &[&matrix], Location::caller())?;
        let dim = c.rank(0) - size.len() + k;
        name = along(g, &name, c.rank(0), dim, matrix)?;
    }
    if let Some(divisor) = op.divisor {
        let divisor = g.number(divisor, c.dtype())?;
        name = g.plain("Div", &[&name, &divisor]);
    }
    Ok(Some(name))
}

/// Windows of one size, at even distances.
struct Steps {
    kernel: Vec<usize>,
    stride: Vec<usize>,
    before: Vec<usize>,
    after: Vec<usize>,
    dilation: Vec<usize>,
}

impl Steps {
    fn told(&self) -> Told {
        let pads = [&self.before[..], &self.after[..]].concat();
        vec![
            ("kernel_shape", Ints(ints(&self.kernel))),
            ("strides", Ints(ints(&self.stride))),
            ("pads", Ints(ints(&pads))),
            ("dilations", Ints(ints(&self.dilation))),
        ]
    }
}

/// The sizes and distances of windows, if they have such.
fn regular(spans: &[Vec<Span>], size: &[usize]) -> Option<Steps> {
    let all = (spans.iter().zip(size))
        .map(|(all, &n)| fit(all, n))
        .collect::<Option<Vec<[usize; 5]>>>()?;
    let of = |k: usize| all.iter().map(|one| one[k]).collect();
    Some(Steps {
        kernel: of(0),
        stride: of(1),
        before: of(2),
        after: of(3),
        dilation: of(4),
    })
}

/// Kernel, stride, padding before and after, and dilation of windows along a dimension of `n` elements: guessed from some windows, then held to all.
fn fit(all: &[Span], n: usize) -> Option<[usize; 5]> {
    let first = all.first()?;
    let d = first.step.max(1);
    let many = |s: &Span| s.end.saturating_sub(s.start).div_ceil(d);
    let most = all.iter().map(many).max()?;
    for kernel in [most, first.full.max(most)] {
        let reach = (kernel.checked_sub(1)?) * d + 1;
        // The first window ends where its last element is, unless the dimension ends before.
        let before = match first.end < n {
            true => reach.saturating_sub(first.start + (many(first) - 1) * d + 1),
            false => (kernel - many(first)) * d,
        };
        for before in [before, 0] {
            for stride in strides(all, n, reach, before) {
                let held = (all.iter().enumerate())
                    .all(|(i, s)| inside(i * stride, before, kernel, d, n) == ends(s, many(s), d));
                let end = (all.len() - 1) * stride + reach;
                let after = end.saturating_sub(n + before);
                let room = (n + before + after).checked_sub(reach);
                // Not more than ONNX allows, and as many windows as there are.
                let fits = before < reach && after < reach;
                if held && fits && room? / stride + 1 == all.len() {
                    return Some([kernel, stride, before, after, d]);
                }
            }
        }
    }
    None
}

/// How far apart windows may be: by their beginnings, or by their ends.
fn strides(all: &[Span], n: usize, reach: usize, before: usize) -> Vec<usize> {
    let [first, .., last] = all else {
        return vec![1];
    };
    let steps = all.len() - 1;
    let mut found = Vec::new();
    if last.start > 0 {
        found.push((last.start + before) / steps);
        found.push((last.start + before).div_ceil(steps));
    }
    found.push(all[1].end.saturating_sub(first.end));
    found.push((n + before).saturating_sub(reach) / steps);
    found.retain(|&s| s > 0);
    found
}

/// The first and last element of a window that are inside.
fn inside(
    start: usize,
    before: usize,
    kernel: usize,
    d: usize,
    n: usize,
) -> Option<(usize, usize)> {
    let mut places = (0..kernel)
        .filter_map(|k| (start + k * d).checked_sub(before))
        .filter(|&at| at < n);
    let low = places.next()?;
    Some((low, places.next_back().unwrap_or(low)))
}

fn ends(s: &Span, many: usize, d: usize) -> Option<(usize, usize)> {
    (s.start < s.end).then(|| (s.start, s.start + (many - 1) * d))
}
