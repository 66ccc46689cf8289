//! Where the largest element of each window lies: window by window, or, where windows lie side by side, many at once.
//!
//! Not here: the operation, which is in `pool`.

use crate::ops::conv::pool::{Span, Windows, places};
use pullback_array::Element;
use pullback_array::kernels::{self, PeakWindows, Sizes};
use smallvec::SmallVec;
use std::ops::Range;
use std::sync::Arc;

/// Whether `x` is taken for the largest where `best` was; without a branch.
#[inline(always)]
fn is_larger<T: PartialOrd>(x: T, best: T) -> bool {
    #[allow(clippy::eq_op)] // NaN alone differs from itself
    let nan = x != x;
    (x > best) | nan
}

/// Where the largest element of a window lies.
#[inline(always)]
pub(super) fn largest<T: Element + PartialOrd>(spans: &[Span], size: &[usize], plane: &[T]) -> i64 {
    let mut best: Option<(usize, T)> = None;
    places(spans, size, |i| {
        if best.is_none_or(|(_, b)| is_larger(plane[i], b)) {
            best = Some((i, plane[i]));
        }
    });
    best.map_or(0, |(i, _)| i as i64)
}

/// Neighbouring windows along the last dimension that are equally long and equally far apart.
pub(super) struct Even {
    windows: Range<usize>,
    /// How far apart they begin.
    stride: usize,
    /// The windows of the dimensions before, in which rows are elements.
    rows: Windows,
}

impl Windows {
    /// The elements of a span.
    fn elements(s: &Span) -> usize {
        s.end.saturating_sub(s.start).div_ceil(s.step.max(1))
    }

    /// The windows along the last dimension that may be looked at together, if they are worth it and 32 bits number a plane.
    pub(super) fn even(&self) -> Option<Even> {
        let spans = self.spans.last()?;
        let most = spans.iter().map(Self::elements).max()?;
        let first = (spans.iter()).position(|s| Self::elements(s) == most)?;
        let stride = (spans.get(first + 1)?.start).checked_sub(spans[first].start)?;
        let goes_on = |w: &[Span]| {
            w[1].start == w[0].start + stride
                && Self::elements(&w[1]) == most
                && w[1].step == w[0].step
        };
        let more = spans[first..].windows(2).take_while(|w| goes_on(w)).count();
        let small = u32::try_from(self.plane()).is_ok();
        let dims = self.spans.len() - 1;
        (small && stride > 0 && most > 0 && more >= 3).then_some(Even {
            windows: first..first + more + 1,
            stride,
            rows: Windows {
                size: Sizes::from_slice(&self.size[..dims]),
                spans: Arc::new(self.spans[..dims].to_vec()),
            },
        })
    }

    /// Where the largest element of each window lies. Windows side by side are compared element by element in step, so that no branch
    /// depends on what is larger.
    pub(super) fn largest_in_rows<T: Element + PartialOrd>(
        &self,
        even: &Even,
        plane: &[T],
        out: &mut [i64],
    ) {
        let (Some(last), Some(&width)) = (self.spans.last(), self.size.last()) else {
            return;
        };
        let row = &even.rows;
        row.each_or_one(|number, spans| {
            let out = &mut out[number * last.len()..][..last.len()];
            let mut lines: SmallVec<[usize; 16]> = SmallVec::new();
            places_or_one(spans, &row.size, |i| lines.push(i * width));
            if lines.is_empty() {
                return;
            }
            for (k, o) in out.iter_mut().enumerate() {
                if !even.windows.contains(&k) {
                    let all: SmallVec<[Span; 3]> = spans.iter().copied().chain([last[k]]).collect();
                    *o = largest(&all, &self.size, plane);
                }
            }
            let span = &last[even.windows.start];
            lines.iter_mut().for_each(|line| *line += span.start);
            let windows = PeakWindows {
                runs: &lines,
                run: (Self::elements(span), span.step),
                stride: even.stride,
            };
            kernels::peaks(plane, windows, &mut out[even.windows.clone()]);
        });
    }

    /// As [`Windows::each`], and once with no spans where there are no dimensions.
    #[inline(always)]
    fn each_or_one(&self, mut f: impl FnMut(usize, &[Span])) {
        if self.spans.is_empty() {
            return f(0, &[]);
        }
        self.each(f);
    }
}

/// As [`places`], and the first one where there are no dimensions.
#[inline(always)]
fn places_or_one(spans: &[Span], size: &[usize], mut f: impl FnMut(usize)) {
    if spans.is_empty() {
        return f(0);
    }
    places(spans, size, f);
}
