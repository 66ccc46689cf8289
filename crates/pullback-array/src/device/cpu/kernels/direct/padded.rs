//! Channels with the zeros around them that windows reach.
//!
//! Not for: which of them a tile reads (`mod.rs`), and how weights lie (`panels.rs`).
#![allow(unsafe_code)]

use super::super::windows::Axis;
use super::tile::Direct;
use std::ops::Range;

/// Channels of one sample.
pub(super) struct Planes {
    pub(super) count: usize,
    /// How far apart they are.
    pub(super) area: usize,
    /// How far apart elements of the first two dimensions are.
    pub(super) steps: [usize; 2],
    /// Their sizes with zeros around.
    pub(super) need: [usize; 3],
}

impl Planes {
    /// Copies all channels with zeros around them.
    ///
    /// # Safety
    /// From `from` on there are the channels, as the axes say; `to` has room for as many with zeros around.
    pub(super) unsafe fn padded<T: Direct>(&self, from: *const T, axes: &[Axis; 3], to: *mut T) {
        let [na, nb, nc] = self.need;
        // Places of the copy that lie inside, and the element of the first one.
        let inside = |d: usize| -> (Range<usize>, usize) {
            let a: &Axis = &axes[d];
            let first = a.shift.min(0).unsigned_abs().min(self.need[d]);
            let skip = a.shift.max(0).unsigned_abs().min(a.size);
            let end = first.saturating_add(a.size - skip).min(self.need[d]);
            (first..end, skip)
        };
        let [(ra, sa), (rb, sb), (rc, sc)] = [inside(0), inside(1), inside(2)];
        for channel in 0..self.count {
            let from = from.wrapping_add(channel * self.area + sc);
            for i in 0..na {
                for j in 0..nb {
                    let to = to.wrapping_add(((channel * na + i) * nb + j) * nc);
                    let there = ra.contains(&i) && rb.contains(&j);
                    // SAFETY: the caller's promise.
                    unsafe {
                        if !there {
                            (0..nc).for_each(|k| to.add(k).write(T::ZERO));
                            continue;
                        }
                        let row = (i - ra.start + sa) * self.steps[0]
                            + (j - rb.start + sb) * self.steps[1];
                        (0..rc.start).for_each(|k| to.add(k).write(T::ZERO));
                        let from = from.add(row);
                        std::ptr::copy_nonoverlapping(from, to.add(rc.start), rc.len());
                        (rc.end..nc).for_each(|k| to.add(k).write(T::ZERO));
                    }
                }
            }
        }
    }
}
