//! Pixels and channels rearranged: channels as pixels of a larger image, pixels as channels, channels of groups interleaved.

use crate::core::fail::{bail, ensure, error};
use crate::ops::Count;
use crate::{Result, Tensor};

fn positive(name: &str, what: &str, n: i64) -> Result<usize> {
    match usize::try_from(n) {
        Ok(n) if n > 0 => Ok(n),
        _ => Err(error!(
            Shape,
            "{name} expects a positive {what}, but got {n}"
        )),
    }
}

/// The sizes of all dimensions but the last `k`, and those.
fn last(name: &str, x: &Tensor, k: usize) -> Result<(Vec<i64>, Vec<i64>)> {
    if x.ndim() < k {
        bail!(
            Shape,
            "{name} expects input to have at least {k} dimensions, but got input with {} dimension(s)",
            x.ndim()
        );
    }
    let sizes: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    let (lead, rest) = sizes.split_at(x.ndim() - k);
    Ok((lead.to_vec(), rest.to_vec()))
}

pub(in crate::ops) fn pixel_shuffle(x: &Tensor, factor: i64) -> Result<Tensor> {
    let (lead, rest) = last("pixel_shuffle", x, 3)?;
    let r = positive("pixel_shuffle", "upscale_factor", factor)? as i64;
    let (c, h, w) = (rest[0], rest[1], rest[2]);
    let Some(square) = r.checked_mul(r) else {
        bail!(Shape, "pixel_shuffle: upscale_factor {r} is too large");
    };
    if h.checked_mul(r).is_none() || w.checked_mul(r).is_none() {
        bail!(
            Shape,
            "pixel_shuffle: an image of {h}x{w} cannot be {r} times larger"
        );
    }
    ensure!(
        c % square == 0,
        Shape,
        "pixel_shuffle expects its input's 'channel' dimension to be divisible by the square of upscale_factor, but input.size(-3)={c} is not divisible by {square}"
    );
    let n = lead.len() as i64;
    let sizes = |tail: &[i64]| [&lead[..], tail].concat();
    let order: Vec<i64> = (0..n).chain([n, n + 3, n + 1, n + 4, n + 2]).collect();
    x.reshape(sizes(&[c / square, r, r, h, w]))?
        .permute(&order)?
        .reshape(sizes(&[c / square, h * r, w * r]))?
        .contiguous()
}

pub(in crate::ops) fn pixel_unshuffle(x: &Tensor, factor: i64) -> Result<Tensor> {
    let (lead, rest) = last("pixel_unshuffle", x, 3)?;
    let r = positive("pixel_unshuffle", "downscale_factor", factor)? as i64;
    let (c, h, w) = (rest[0], rest[1], rest[2]);
    for (what, n) in [("height", h), ("width", w)] {
        if n % r != 0 {
            let at = if what == "height" { -2 } else { -1 };
            bail!(
                Shape,
                "pixel_unshuffle expects {what} to be divisible by downscale_factor, but input.size({at})={n} is not divisible by {r}"
            );
        }
    }
    if x.numel() == 0 {
        // PyTorch leaves what has no pixels as it is.
        return x.copy();
    }
    let n = lead.len() as i64;
    let sizes = |tail: &[i64]| [&lead[..], tail].concat();
    let order: Vec<i64> = (0..n).chain([n, n + 2, n + 4, n + 1, n + 3]).collect();
    x.reshape(sizes(&[c, h / r, r, w / r, r]))?
        .permute(&order)?
        .reshape(sizes(&[c * r * r, h / r, w / r]))?
        .contiguous()
}

pub(in crate::ops) fn channel_shuffle(x: &Tensor, groups: i64) -> Result<Tensor> {
    if x.ndim() < 3 {
        bail!(
            Shape,
            "channel_shuffle expects input with > 2 dims, but got input with sizes {}",
            x.shape()
        );
    }
    if groups <= 0 {
        bail!(
            Shape,
            "Number of groups to divide channels in must be positive. Value of groups:{groups}"
        );
    }
    let sizes: Vec<i64> = x.shape().iter().map(|&n| n as i64).collect();
    ensure!(
        sizes[1] % groups == 0,
        Shape,
        "Number of channels must be divisible by groups. Got {} channels and {groups} groups.",
        sizes[1]
    );
    let apart = [&[sizes[0], groups, sizes[1] / groups], &sizes[2..]].concat();
    x.reshape(apart)?
        .transpose(1, 2)?
        .reshape(sizes)?
        .contiguous()
}

#[pullback_macros::called]
impl Tensor {
    /// Channels as pixels: (…, c·r², h, w) becomes (…, c, h·r, w·r). PyTorch's `pixel_shuffle`.
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are no multiple of r².
    #[track_caller]
    pub fn pixel_shuffle(&self, upscale_factor: impl Into<Count>) -> Result<Tensor> {
        let upscale_factor = upscale_factor.into().0;
        pixel_shuffle(self, upscale_factor)
    }

    /// Pixels as channels: (…, c, h·r, w·r) becomes (…, c·r², h, w). PyTorch's `pixel_unshuffle`.
    ///
    /// # Errors
    /// PyTorch's sentences for sizes that are no multiples of r.
    #[track_caller]
    pub fn pixel_unshuffle(&self, downscale_factor: impl Into<Count>) -> Result<Tensor> {
        let downscale_factor = downscale_factor.into().0;
        pixel_unshuffle(self, downscale_factor)
    }

    /// Channels of several groups interleaved: (n, g·k, …) becomes (n, k·g, …). PyTorch's `channel_shuffle`.
    ///
    /// # Errors
    /// PyTorch's sentences for channels that are not so many groups.
    #[track_caller]
    pub fn channel_shuffle(&self, groups: impl Into<Count>) -> Result<Tensor> {
        let groups = groups.into().0;
        channel_shuffle(self, groups)
    }
}
