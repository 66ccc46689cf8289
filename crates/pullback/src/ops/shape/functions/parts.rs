//! Parts written into a copy, blocks and combinations, sums to a smaller shape, pixels and channels rearranged.

use crate::call::{Args, Function};
use crate::call::{IntoValue, Value};
use crate::core::fail::{bail, ensure};
use crate::core::mode;
use crate::ops::shape::pixels::{channel_shuffle, pixel_shuffle, pixel_unshuffle};
use crate::{DType, Number, PadMode, Result, Tensor, cat, stack};
use pullback_array::{gathered, room};

/// Sizes as PyTorch prints them in most sentences.
fn shown(sizes: &[usize]) -> String {
    let list: Vec<String> = sizes.iter().map(usize::to_string).collect();
    format!("[{}]", list.join(", "))
}

/// A copy of `x` with `src` written over the part that `part` shows.
fn laid(x: &Tensor, src: &Tensor, part: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Value> {
    let out = x.copy()?;
    let place = part(&out)?;
    ensure!(
        place.shape() == src.shape(),
        Shape,
        "expected src to have a size equal to the slice of self. src size = {}, slice size = {}",
        shown(src.shape()),
        shown(place.shape())
    );
    let _own = mode::set(mode::OWN, true);
    place.copy_(src)?;
    out.into_value()
}

/// `start`, `end` and `step` as parameters.
pub(in crate::ops) fn slice_of(x: &Tensor, a: &Args<'_>) -> Result<Tensor> {
    if a.int("step")? <= 0 {
        bail!(Shape, "slice step must be positive");
    }
    x.slice(
        a.int("dim")?,
        a.int_opt("start")?,
        a.int_opt("end")?,
        a.int("step")?,
    )
}

/// Matrices along a diagonal.
fn block_diag(tensors: &[&Tensor]) -> Result<Tensor> {
    let mut blocks = Vec::new();
    let (mut rows, mut columns) = (0, 0);
    for (i, t) in tensors.iter().enumerate() {
        if t.ndim() > 2 {
            bail!(
                Shape,
                "torch.block_diag: Input tensors must have 2 or fewer dimensions. Input {i} has {} dimensions",
                t.ndim()
            );
        }
        let block = t.atleast_2d()?;
        rows += block.shape()[0];
        columns += block.shape()[1];
        blocks.push(block);
    }
    if blocks.is_empty() {
        return Tensor::zeros([1, 0], DType::default_float());
    }
    let (mut before, mut padded) = (0, Vec::new());
    for block in &blocks {
        let width = block.shape()[1];
        let after = columns - before - width;
        padded.push(block.pad(&[before as i64, after as i64], PadMode::Constant, None)?);
        before += width;
    }
    let joined = cat(&padded.iter().collect::<Vec<_>>(), 0)?;
    debug_assert_eq!(joined.shape()[0], rows);
    Ok(joined)
}

/// Index lists of all combinations of `r` of `n`, in lexicographic order.
fn chosen(n: usize, r: usize, again: bool) -> Result<Vec<Vec<i64>>> {
    let count = ways(n, r, again);
    // All of it at once: whether there is so much memory is asked before anything is counted.
    room::<i64>(count.saturating_mul(r))?;
    let mut columns = room::<Vec<i64>>(r)?;
    for _ in 0..r {
        columns.push(room(count)?);
    }
    let mut at: Vec<usize> = gathered((0..r).map(|k| if again { 0 } else { k }))?;
    if count == 0 {
        return Ok(columns);
    }
    loop {
        (columns.iter_mut().zip(&at)).for_each(|(c, &i)| c.push(i as i64));
        // The last place that can still grow.
        let Some(k) = (0..r).rfind(|&k| at[k] + 1 < if again { n } else { n + k + 1 - r }) else {
            return Ok(columns);
        };
        at[k] += 1;
        for j in k + 1..r {
            at[j] = if again { at[k] } else { at[j - 1] + 1 };
        }
    }
}

/// How many combinations there are, or the largest number there is.
fn ways(n: usize, r: usize, again: bool) -> usize {
    let n = match again {
        true if n == 0 => return 0,
        true => n.saturating_add(r - 1),
        false if r > n => return 0,
        false => n,
    };
    let mut ways = 1u128;
    for k in 0..r.min(n - r) {
        // A product of so many neighbours is divisible by their number.
        ways = ways * (n - k) as u128 / (k as u128 + 1);
        if ways > usize::MAX as u128 {
            return usize::MAX;
        }
    }
    ways as usize
}

fn combinations(x: &Tensor, r: i64, again: bool) -> Result<Tensor> {
    ensure!(
        x.ndim() == 1,
        Shape,
        "Expect a 1D vector, but got shape {}",
        shown(x.shape())
    );
    let Ok(r) = usize::try_from(r) else {
        bail!(Shape, "Expect a non-negative number, but got {r}");
    };
    if r == 0 {
        return Tensor::zeros([0], x.dtype());
    }
    if ways(x.numel(), r, again) == 0 {
        // Of nothing, but made of the input: its result has a history where the input has one.
        return x.narrow(0, 0, 0)?.reshape([0, 1])?.expand([0, r]);
    }
    let columns = (chosen(x.numel(), r, again)?.iter())
        .map(|list| x.take(&Tensor::from_slice(list, [list.len()])?))
        .collect::<Result<Vec<_>>>()?;
    stack(&columns.iter().collect::<Vec<_>>(), 1)
}

fn sum_to_size(x: &Tensor, size: &[i64]) -> Result<Tensor> {
    let rank = x.ndim();
    let fits = size.len() <= rank
        && (size.iter().rev().zip(x.shape().iter().rev())).all(|(&s, &n)| s == 1 || s == n as i64);
    if !fits {
        let list: Vec<String> = size.iter().map(i64::to_string).collect();
        bail!(
            Shape,
            "size {{[{}]}} is not expandable to size {{{}}}.",
            list.join(", "),
            shown(x.shape())
        );
    }
    if size.is_empty() {
        return x.sum();
    }
    let lead = rank - size.len();
    let dims: Vec<i64> = (0..rank)
        .filter(|&d| d < lead || size[d - lead] == 1 && x.shape()[d] != 1)
        .map(|d| d as i64)
        .collect();
    match dims.is_empty() {
        true => Ok(x.clone()),
        false => x.sum_dims(&dims, true)?.reshape(size.to_vec()),
    }
}

/// Powers of each element, from 0 or down to 0.
pub(in crate::ops) fn vander(x: &Tensor, columns: usize, increasing: bool) -> Result<Tensor> {
    let x = match x.dtype().is_float() {
        true => x.clone(),
        false => x.to(DType::I64)?,
    };
    let mut shape: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    shape.push(1);
    let ones = Tensor::ones(
        shape.iter().map(|&n| n as usize).collect::<Vec<_>>(),
        x.dtype(),
    )?;
    if columns == 0 {
        return ones.narrow(-1, 0, 0);
    }
    let column = x.unsqueeze(-1)?;
    let mut wide = shape.clone();
    *wide.last_mut().unwrap_or(&mut 0) = columns as i64 - 1;
    let powers = cat(&[&ones, &column.expand(wide)?], -1)?.cumprod(-1)?;
    match increasing {
        true => Ok(powers),
        false => powers.flip(&[-1]),
    }
}

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("diagonal_scatter(Tensor input, Tensor src, int offset=0, int dim1=0, int dim2=1) -> Tensor", "torch Tensor", |a| {
        let (offset, dim1, dim2) = (a.int("offset")?, a.int("dim1")?, a.int("dim2")?);
        laid(a.tensor("input")?, a.tensor("src")?, |x| x.diagonal(offset, dim1, dim2))
    })
    .node("DiagonalScatterBackward0")
    .about("A copy with a source written over a diagonal.", "y = x; y[i, i + offset] = s[i]")
    .exact()
    .samples(&["T(3,3), T(3)", "T(2,3), T(2), 1", "T(3,2).t, T(2), -1", "T(2,3,2), T(3,2), 0, 0, 2", "T(2,3), T(2), offset=0"])
    .errors(&["T(3,3), T(2)", "T(3), T(3)"]),
    Function::new("select_scatter(Tensor input, Tensor src, int dim, int index) -> Tensor", "torch Tensor", |a| {
        let (dim, index) = (a.int("dim")?, a.int("index")?);
        laid(a.tensor("input")?, a.tensor("src")?, |x| x.select(dim, index))
    })
    .node("SelectScatterBackward0")
    .about("A copy with a source written over one index of a dimension.", "y = x; y[…, index, …] = s")
    .exact()
    .samples(&["T(2,3), T(3), 0, 1", "T(2,3), T(2), -1, -2", "T(2,3).t, T(2), 1, 0", "T(3), T(), 0, 2"])
    .errors(&["T(2,3), T(2), 0, 1", "T(2,3), T(3), 0, 5"]),
    Function::new("slice_scatter(Tensor input, Tensor src, int dim=0, int? start=None, int? end=None, int step=1) -> Tensor", "torch Tensor", |a| {
        laid(a.tensor("input")?, a.tensor("src")?, |x| slice_of(x, a))
    })
    .node("SliceScatterBackward0")
    .about("A copy with a source written over evenly spaced indices of a dimension.", "y = x; y[…, start : end : step, …] = s")
    .exact()
    .samples(&["T(5), T(3), 0, 1, 4", "T(2,3), T(2,2), 1, 0, 3, 2", "T(3,2).t, T(3,2), -1, -2", "T(4), T(4)", "T(4), T(0), 0, 3, 1"])
    .errors(&["T(5), T(2), 0, 1, 4", "T(5), T(5), 0, 0, 5, 0"]),
    Function::new("block_diag(*Tensor[] tensors) -> Tensor", "torch", |a| block_diag(&a.tensors("tensors")?).into_value())
        .node("BlockDiagBackward0")
    .about("Matrices along a diagonal, zeros elsewhere.", "diag(A, B, …)")
        .exact()
        .samples(&["T(2,2), T(1,3)", "T(2), T(), T(2,1).t", "T(2,3)", "T(0,2), T(2,1)", "I(2, 5), T(2)"])
        .errors(&["T(2,2,2)"]),
    Function::new("combinations(Tensor input, int r=2, bool with_replacement=False) -> Tensor", "torch Tensor", |a| {
        combinations(a.tensor("input")?, a.int("r")?, a.bool("with_replacement")?).into_value()
    })
    .node("IndexBackward0")
    .about("All combinations of a vector's elements, in lexicographic order.", "(xᵢ, xⱼ, …), i < j < …")
    .exact()
    .samples(&["T(4)", "T(4), 3", "T(3), 2, True", "T(3), r=1", "T(2), 3", "T(0)", "I(4, 9), 2"])
    .edges(&["T(3), 0"])
    .errors(&["T(2,3)", "T(3), -1"]),
    Function::new("sum_to_size(Tensor input, *int[] size) -> Tensor", "Tensor", |a| {
        sum_to_size(a.tensor("input")?, &a.ints("size")?).into_value()
    })
    .about("Summed over the dimensions in which a shape was broadcast.", "Σ over broadcast dimensions")
    .samples(&["T(2,3), (1, 3)", "T(2,3), 3", "T(2,3), ()", "T(2,3,2).t, 3, 1", "T(0,3), 1, 3", "T(2,3), 2, 3"])
    .errors(&["T(2,3), (2,)", "T(2), (1, 2)"]),
    Function::new("vander(Tensor x, int? N=None, bool increasing=False) -> Tensor", "torch", |a| {
        let x = a.tensor("x")?;
        ensure!(x.ndim() == 1, Shape, "x must be a one-dimensional tensor.");
        let n = a.int_opt("N")?.unwrap_or(x.numel() as i64);
        let Ok(n) = usize::try_from(n) else {
            bail!(Shape, "N must be non-negative.");
        };
        vander(x, n, a.bool("increasing")?).into_value()
    })
    .about("Powers of the elements of a vector, one row each.", "xᵢ^(N - 1 - j)")
    .samples(&["T(3)", "T(3), 2", "T(2), 4, True", "I(3, 5)", "T(0)", "T(2), 0", "B(2)"])
    .errors(&["T(2,3)", "T(2), -1"]),
    Function::new("constant_pad_nd(Tensor input, int[] pad, number value=0) -> Tensor", "torch", |a| {
        let (x, pad) = (a.tensor("input")?, a.ints("pad")?);
        ensure!(pad.len() % 2 == 0, Shape, "Length of pad must be even but instead it equals {}", pad.len());
        if pad.len() > 2 * x.ndim() {
            bail!(Shape, "Length of pad should be no more than twice the number of dimensions of the input. Pad length is {}while the input has {}dimensions.",
                pad.len(),
                x.ndim());
        }
        // Here, and not in `nn.functional.pad`, a byte takes the negative numbers that a fill takes.
        let value = match a.number("value")? {
            Number::Int(n @ -255..0) if x.dtype() == DType::U8 => Number::Int(n + 256),
            value => value,
        };
        x.pad(&pad, PadMode::Constant, Some(value)).into_value()
    })
    .node("ConstantPadNdBackward0")
    .about("Padded with one number; negative sizes cut off.", "x, or v outside of it")
    .exact()
    .samples(&["T(2,3), (1, 2)", "T(2,3), (1, 0, 0, 2), 1.5", "T(3,2).t, (-1, 1)", "T(0,2), (1, 1)", "I(3, 5), (1, 1), 7"])
    .errors(&["T(2,3), (1,)", "T(3), (1, 1, 1, 1)"]),
    Function::new("pixel_shuffle(Tensor input, int upscale_factor) -> Tensor", "torch nn.functional", |a| {
        pixel_shuffle(a.tensor("input")?, a.int("upscale_factor")?).into_value()
    })
    .node("PixelShuffleBackward0")
    .about("Channels spread over a finer image.", "(…, c·r², h, w) → (…, c, h·r, w·r)")
    .exact()
    .samples(&["T(4,2,1), 2", "T(1,4,1,2), 2", "T(2,1,3), 1", "T(0,4,1,2), 2"])
    .errors(&["T(3,2,2), 2", "T(2,2), 1", "T(4,1,1), 0"]),
    Function::new("pixel_unshuffle(Tensor input, int downscale_factor) -> Tensor", "torch nn.functional", |a| {
        pixel_unshuffle(a.tensor("input")?, a.int("downscale_factor")?).into_value()
    })
    .node("PixelUnshuffleBackward0")
    .about("A fine image folded into channels.", "(…, c, h·r, w·r) → (…, c·r², h, w)")
    .exact()
    .samples(&["T(1,2,4), 2", "T(1,1,2,2), 2", "T(2,1,3), 1", "T(0,1,2,2), 2"])
    .errors(&["T(1,3,2), 2", "T(1,2,3), 2", "T(2,2), 1", "T(1,2,2), 0"]),
    Function::new("channel_shuffle(Tensor input, int groups) -> Tensor", "torch nn.functional", |a| {
        channel_shuffle(a.tensor("input")?, a.int("groups")?).into_value()
    })
    .node("ChannelShuffleBackward0")
    .about("Channels of several groups interleaved.", "(n, g·k, …) → (n, k·g, …)")
    .exact()
    .samples(&["T(1,4,2), 2", "T(2,3,1,2), 3", "T(2,2,3), 1", "T(2,4,0), 2"])
    .errors(&["T(1,3,2), 2", "T(2,2), 1", "T(1,4,2), 0"]),
    Function::new("native_channel_shuffle(Tensor input, int groups) -> Tensor", "torch", |a| {
        channel_shuffle(a.tensor("input")?, a.int("groups")?).into_value()
    })
    .node("NativeChannelShuffleBackward0")
    .about("Channels of several groups interleaved.", "(n, g·k, …) → (n, k·g, …)")
    .exact()
    .samples(&["T(1,4,2), 2", "T(2,3,1,2), 3", "T(2,2,3), 1", "T(2,4,0), 2"])
    .errors(&["T(1,3,2), 2", "T(2,2), 1", "T(1,4,2), 0"]),
];
