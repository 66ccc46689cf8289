//! Packing of rows whose elements are neighbours, for AVX-512 and `f32`: sixteen rows by sixteen columns are read line by
//! line and turned in registers. `pack.rs` says what a panel is, and packs everything else.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use super::pack::{pack, some};
use std::arch::x86_64::*;

/// Rows and columns that are turned together: a cache line of each row.
const SIDE: usize = 16;

/// As [`pack`], on a machine with AVX-512.
///
/// # Safety
/// As [`pack`]; the instructions are there.
pub(super) unsafe fn pack_avx512<const W: usize>(m: Mat<*const f32>, mut to: *mut f32) {
    if m.cs != 1 || m.rs == 1 {
        // SAFETY: the caller's promise.
        return unsafe { pack::<f32, W>(m, to) };
    }
    for top in (0..m.rows).step_by(W) {
        let m = m.rows(top, W);
        let mut done = 0;
        // SAFETY: the caller's promise: the panel has room for W numbers of each column, and rows that are there can be
        // read at all columns.
        unsafe {
            if m.rows == W {
                while done + SIDE <= m.cols {
                    for first in (0..W).step_by(SIDE) {
                        let from = m.ptr.offset(first as isize * m.rs).add(done);
                        let rows = SIDE.min(W - first);
                        turn(from, m.rs, rows, to.add(done * W + first), W);
                    }
                    done += SIDE;
                }
            }
            some::<f32, W>(m, done, to);
            to = to.add(W * m.cols);
        }
    }
}

/// Writes sixteen columns of at most sixteen `rows`, `rs` apart, one after the other and `step` apart.
///
/// # Safety
/// The rows can be read at sixteen places, the columns can be written, the machine has AVX-512.
#[target_feature(enable = "avx512f")]
pub(in super::super) unsafe fn turn(
    from: *const f32,
    rs: isize,
    rows: usize,
    to: *mut f32,
    step: usize,
) {
    let mut r = [_mm512_setzero_ps(); SIDE];
    for (i, r) in r.iter_mut().enumerate() {
        if i < rows {
            // SAFETY: the caller's promise.
            *r = unsafe { _mm512_loadu_ps(from.offset(i as isize * rs)) };
        }
    }
    let mut t = [_mm512_setzero_ps(); SIDE];
    // Pairs of rows, then fours, within each quarter of the registers; then the quarters.
    for i in (0..SIDE).step_by(2) {
        t[i] = _mm512_unpacklo_ps(r[i], r[i + 1]);
        t[i + 1] = _mm512_unpackhi_ps(r[i], r[i + 1]);
    }
    for i in (0..SIDE).step_by(4) {
        let [a, b, c, d] = [t[i], t[i + 1], t[i + 2], t[i + 3]].map(|x| _mm512_castps_pd(x));
        r[i] = _mm512_castpd_ps(_mm512_unpacklo_pd(a, c));
        r[i + 1] = _mm512_castpd_ps(_mm512_unpackhi_pd(a, c));
        r[i + 2] = _mm512_castpd_ps(_mm512_unpacklo_pd(b, d));
        r[i + 3] = _mm512_castpd_ps(_mm512_unpackhi_pd(b, d));
    }
    // r[4·q + j] holds columns j, 4 + j, 8 + j, 12 + j of rows 4·q..4·q + 4, a quarter each.
    let mask = ((1u32 << rows) - 1) as u16;
    for j in 0..4 {
        let low = _mm512_shuffle_f32x4::<0x44>(r[j], r[4 + j]);
        let high = _mm512_shuffle_f32x4::<0xee>(r[j], r[4 + j]);
        let low2 = _mm512_shuffle_f32x4::<0x44>(r[8 + j], r[12 + j]);
        let high2 = _mm512_shuffle_f32x4::<0xee>(r[8 + j], r[12 + j]);
        let columns = [
            _mm512_shuffle_f32x4::<0x88>(low, low2),
            _mm512_shuffle_f32x4::<0xdd>(low, low2),
            _mm512_shuffle_f32x4::<0x88>(high, high2),
            _mm512_shuffle_f32x4::<0xdd>(high, high2),
        ];
        for (q, column) in columns.into_iter().enumerate() {
            // SAFETY: the caller's promise; no more than `rows` numbers are written.
            unsafe { _mm512_mask_storeu_ps(to.add((4 * q + j) * step), mask, column) };
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn turned_panels_are_those_of_the_plain_loop() {
        if !is_x86_feature_detected!("avx512f") {
            return;
        }
        for (rows, cols) in [(32, 48), (12, 16), (65, 37), (31, 300), (24, 15), (40, 256)] {
            let gap = 3;
            let data: Vec<f32> = (0..rows * (cols + gap)).map(|i| i as f32).collect();
            let m = Mat {
                ptr: data.as_ptr(),
                rows,
                cols,
                rs: (cols + gap) as isize,
                cs: 1,
            };
            for wide in [true, false] {
                let room = rows.next_multiple_of(if wide { 32 } else { 12 }) * cols;
                let (mut got, mut want) = (vec![-1.0f32; room], vec![-2.0f32; room]);
                // SAFETY: the matrix lies inside its vector, and there is room for whole panels.
                unsafe {
                    if wide {
                        pack_avx512::<32>(m, got.as_mut_ptr());
                        pack::<f32, 32>(m, want.as_mut_ptr());
                    } else {
                        pack_avx512::<12>(m, got.as_mut_ptr());
                        pack::<f32, 12>(m, want.as_mut_ptr());
                    }
                }
                assert_eq!(got, want, "{rows} x {cols}");
            }
        }
    }
}
