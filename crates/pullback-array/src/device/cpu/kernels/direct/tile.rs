//! The kernels of direct convolutions: which there are, and what they compute.
#![allow(unsafe_code)]

use super::super::matmul::Mat;
use crate::scalar::arith::Arith;
use crate::scalar::real::Real;

/// Sums of products: for each of some rows, over all terms, the element at the row's place and the term's, times the term's numbers in a panel.
pub(super) struct Sum<'a, T> {
    /// How far each term is from a row's place.
    pub(super) terms: &'a [usize],
    pub(super) x: *const T,
    /// A panel: for each term, as many numbers as the tile is wide.
    pub(super) b: *const T,
    /// Where sums go: rows are `step` apart.
    pub(super) c: *mut T,
    pub(super) step: usize,
    /// Whether sums are added to what is there.
    pub(super) add: bool,
}

/// A kernel for one kind of machine.
pub(in super::super) struct Kernel<T> {
    /// The most rows of a tile.
    pub(super) rows: usize,
    /// Elements of a vector; a tile is one or two wide.
    pub(super) lanes: usize,
    /// `(sum, rows, wide)`: the sums of so many rows, one or two vectors of each.
    ///
    /// Safety: the elements can be read and the sums written; there are at most `rows` rows; the machine has the instructions.
    pub(super) run: unsafe fn(&Sum<'_, T>, &[usize], bool),
    /// `(from, to, step)`: element (i, j) of a matrix with neighbours in its rows, at j · step + i.
    ///
    /// Safety: the matrix can be read and the places written; the machine has the instructions.
    pub(super) turn: unsafe fn(Mat<*const T>, *mut T, usize),
}

/// A type that may have such kernels.
pub(in super::super) trait Direct: Real + Arith {
    /// Those that this machine can run, the fastest first.
    fn kernels() -> [Option<Kernel<Self>>; 2];
    /// The fastest.
    fn kernel() -> Option<Kernel<Self>> {
        let [first, second] = Self::kernels();
        first.or(second)
    }
}

macro_rules! direct {
    ($($t:ident)*) => {$(
        impl Direct for $t {
            fn kernels() -> [Option<Kernel<Self>>; 2] {
                #[cfg(target_arch = "x86_64")]
                {
                    use super::tile_x86::$t::{avx2, avx512};
                    let has_avx2 = is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
                    [is_x86_feature_detected!("avx512f").then(avx512), has_avx2.then(avx2)]
                }
                #[cfg(not(target_arch = "x86_64"))]
                [None, None]
            }
        }
    )*};
}
direct!(f32 f64);

impl Direct for crate::dd::Dd {
    fn kernels() -> [Option<Kernel<Self>>; 2] {
        [None, None]
    }
}

/// Rows and columns that are turned together, so that both sides are read and written by the line.
#[cfg(target_arch = "x86_64")]
const SIDE: usize = 8;

/// The plain form of [`Kernel::turn`].
///
/// # Safety
/// As there.
#[cfg(target_arch = "x86_64")]
pub(super) unsafe fn turned<T: Real>(from: Mat<*const T>, to: *mut T, step: usize) {
    for top in (0..from.rows).step_by(SIDE) {
        let from = from.rows(top, SIDE);
        for left in (0..from.cols).step_by(SIDE) {
            let from = from.cols(left, SIDE);
            for j in 0..from.cols {
                for i in 0..from.rows {
                    // SAFETY: the caller's promise.
                    unsafe {
                        let x = *from.ptr.offset(i as isize * from.rs).add(j);
                        to.add((left + j) * step + top + i).write(x);
                    }
                }
            }
        }
    }
}
