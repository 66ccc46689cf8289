//! Where the largest element of each of several neighbouring windows is.
//!
//! Windows are looked at in step, element by element, so that each comparison is one of vectors. Not here: which windows there are, and those that are
//! unlike their neighbours.

use super::wide::wide;
use crate::dtype::Element;

/// Windows of a plane that are equally long and equally far apart.
#[derive(Clone, Copy, Debug)]
pub struct Windows<'a> {
    /// Where the first window's runs begin.
    pub runs: &'a [usize],
    /// Elements of a run, and how far apart they are.
    pub run: (usize, usize),
    /// How far apart windows are.
    pub stride: usize,
}

/// Whether `x` is taken for the largest where `best` was; without a branch.
#[inline(always)]
fn is_larger<T: PartialOrd>(x: T, best: T) -> bool {
    #[allow(clippy::eq_op)] // NaN alone differs from itself
    let nan = x != x;
    (x > best) | nan
}

/// For each of `out.len()` windows, where its largest element is: of NaN the last one, else the first of equals. Places have 32 bits.
///
/// ```
/// use pullback_array::kernels::{self, PeakWindows};
/// let plane = [1.0f32, 5.0, 2.0, 2.0, 0.0, 3.0, 7.0, 1.0]; // two rows of four
/// let mut at = [0; 2];
/// kernels::peaks(&plane, PeakWindows { runs: &[0, 4], run: (2, 1), stride: 2 }, &mut at);
/// assert_eq!(at, [1, 6]);
/// ```
///
/// # Panics
/// Where a window reaches beyond the plane.
pub fn peaks<T: Element + PartialOrd>(plane: &[T], windows: Windows<'_>, out: &mut [i64]) {
    match out.len() {
        16.. => peaks_by::<T, 16>(plane, windows, out),
        8.. => peaks_by::<T, 8>(plane, windows, out),
        4.. => peaks_by::<T, 4>(plane, windows, out),
        _ => peaks_by::<T, 1>(plane, windows, out),
    }
}

/// N windows at a time, the last of which may have been looked at before.
#[inline(always)]
fn peaks_by<T: Element + PartialOrd, const N: usize>(
    plane: &[T],
    windows: Windows<'_>,
    out: &mut [i64],
) {
    wide(
        #[inline(always)]
        move || {
            let last = out.len().saturating_sub(N);
            for first in (0..out.len()).step_by(N) {
                let first = first.min(last);
                let found = together::<T, N>(plane, windows, first * windows.stride);
                for (out, at) in out[first..].iter_mut().zip(found) {
                    *out = i64::from(at);
                }
            }
        },
    );
}

/// N windows, the first of which begins `shift` behind the runs' beginnings.
#[inline(always)]
fn together<T: Element + PartialOrd, const N: usize>(
    plane: &[T],
    windows: Windows<'_>,
    shift: usize,
) -> [u32; N] {
    let Windows { runs, run, stride } = windows;
    let steps: [u32; N] = std::array::from_fn(|k| (k as u32).wrapping_mul(stride as u32));
    let (mut at, mut best, mut begun) = ([0u32; N], [T::default(); N], false);
    for start in runs {
        for k in 0..run.0 {
            let from = start + shift + k * run.1;
            let mut x = [T::default(); N];
            match stride {
                1 => x.copy_from_slice(&plane[from..][..N]),
                2 => {
                    let pairs = &plane[from..][..2 * N - 1];
                    (0..N).for_each(|k| x[k] = pairs[2 * k]);
                }
                _ => {
                    let apart = &plane[from..][..(N - 1) * stride + 1];
                    (0..N).for_each(|k| x[k] = apart[k * stride]);
                }
            }
            let (mut next, mut places) = ([T::default(); N], [0u32; N]);
            for k in 0..N {
                let larger = !begun | is_larger(x[k], best[k]);
                next[k] = if larger { x[k] } else { best[k] };
                places[k] = match larger {
                    true => (from as u32).wrapping_add(steps[k]),
                    false => at[k],
                };
            }
            (best, at, begun) = (next, places, true);
        }
    }
    at
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_number_of_windows_at_every_distance() {
        let plane: Vec<f32> = (0..400)
            .map(|i| match i * 37 % 101 {
                50 => f32::NAN,
                x => (x % 17) as f32,
            })
            .collect();
        for stride in 1..5 {
            for n in 1..40 {
                for run in [(1, 1), (2, 1), (3, 2), (5, 1)] {
                    let windows = Windows {
                        runs: &[3, 103, 200],
                        run,
                        stride,
                    };
                    let mut got = vec![0; n];
                    peaks(&plane, windows, &mut got);
                    for (window, &got) in got.iter().enumerate() {
                        let mut best = None;
                        for place in (windows.runs.iter())
                            .flat_map(|r| (0..run.0).map(move |k| r + k * run.1))
                            .map(|p| p + window * stride)
                        {
                            if best.is_none_or(|b: usize| is_larger(plane[place], plane[b])) {
                                best = Some(place);
                            }
                        }
                        assert_eq!(got, best.unwrap() as i64, "{stride} {n} {run:?} {window}");
                    }
                }
            }
        }
    }
}
