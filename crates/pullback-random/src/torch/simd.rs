//! Chooses, while the program runs, between the kernels compiled for AVX2 with fma and the portable ones. The bits are
//! the same; only the time differs. No arithmetic here.
//!
//! The only `unsafe` of the crate: a function compiled for more instructions than the whole program may be called only
//! after asking the processor, which the compiler cannot see.
#![allow(unsafe_code)]

use super::fma::{Hardware, Portable};
use super::kernels::{self, N};

macro_rules! dispatch {
    ($($(#[$doc:meta])* $name:ident($($arg:ident: $ty:ty),*), $hardware:expr, $portable:expr;)*) => {$(
        $(#[$doc])*
        pub(super) fn $name($($arg: $ty),*) {
            #[cfg(target_arch = "x86_64")]
            {
                #[target_feature(enable = "avx2,fma")]
                fn wide($($arg: $ty),*) {
                    $hardware($($arg),*);
                }
                if is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma") {
                    // SAFETY: `wide` is safe code whose only requirement is the two features just detected.
                    return unsafe { wide($($arg),*) };
                }
            }
            $portable($($arg),*);
        }
    )*};
}

dispatch! {
    /// See [`kernels::twist`].
    twist(state: &mut [u32; N]), kernels::twist, kernels::twist;
    /// See [`kernels::temper`].
    temper(words: &[u32], out: &mut [u32]), kernels::temper, kernels::temper;
    /// See [`kernels::uniform_f32`].
    uniform_f32(draws: &[u32], out: &mut [f32], from: f32, to: f32),
        kernels::uniform_f32::<Hardware>, kernels::uniform_f32::<Portable>;
    /// See [`kernels::uniform_f64`].
    uniform_f64(draws: &[u32], out: &mut [f64], from: f64, to: f64),
        kernels::uniform_f64::<Hardware>, kernels::uniform_f64::<Portable>;
    /// See [`kernels::box_muller_f32`].
    box_muller_f32(data: &mut [f32], mean: f32, std: f32),
        kernels::box_muller_f32::<Hardware>, kernels::box_muller_f32::<Portable>;
    /// See [`kernels::box_muller_f64`].
    box_muller_f64(data: &mut [f64], mean: f64, std: f64),
        kernels::box_muller_f64::<Hardware>, kernels::box_muller_f64::<Portable>;
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::numpy::default_rng;

    #[test]
    fn both_ways_give_the_same_bits() {
        let mut rng = default_rng(3);
        let uniform: Vec<f32> = rng.random_f32(160_000);
        for (mean, std) in [(0.0, 1.0), (1.0, 2.0), (-3.25, 1e-3), (0.1, 123.456)] {
            let (mut a, mut b) = (uniform.clone(), uniform.clone());
            box_muller_f32(&mut a, mean, std);
            kernels::box_muller_f32::<Portable>(&mut b, mean, std);
            assert!(a.iter().zip(&b).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
        let draws: Vec<u32> = rng.integers(0, 1 << 32, 100_001).unwrap();
        for (from, to) in [(0.0, 1.0), (-2.0, 3.0), (0.1, 0.3), (-1e-3, 1e5)] {
            let (mut a, mut b) = (vec![0.0; draws.len()], vec![0.0; draws.len()]);
            uniform_f32(&draws, &mut a, from, to);
            kernels::uniform_f32::<Portable>(&draws, &mut b, from, to);
            assert!(a.iter().zip(&b).all(|(x, y)| x.to_bits() == y.to_bits()));
            let (mut a, mut b) = (vec![0.0; draws.len() / 2], vec![0.0; draws.len() / 2]);
            uniform_f64(&draws, &mut a, from.into(), to.into());
            kernels::uniform_f64::<Portable>(&draws, &mut b, from.into(), to.into());
            assert!(a.iter().zip(&b).all(|(x, y)| x.to_bits() == y.to_bits()));
        }
    }
}
