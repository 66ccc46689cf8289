//! Times fills of a million numbers, to be held against NumPy's and PyTorch's in the same minutes. The best of many runs,
//! allocation included, as in Python. Run: cargo run --release --example speed

use std::hint::black_box;
use std::time::Instant;

use pullback_random::{numpy::default_rng, torch::manual_seed};

fn best<T>(name: &str, mut run: impl FnMut() -> T) {
    let mut best = f64::INFINITY;
    for _ in 0..40 {
        let start = Instant::now();
        black_box(run());
        best = best.min(start.elapsed().as_secs_f64());
    }
    println!("{name:<44}{:8.3} ms", best * 1e3);
}

fn main() {
    const N: usize = 1_000_000;
    let mut rng = default_rng(0);
    best("numpy default_rng(0).standard_normal", || {
        default_rng(0).standard_normal(N)
    });
    best("numpy standard_normal f32", || rng.standard_normal_f32(N));
    best("numpy random", || rng.random(N));
    best("numpy random f32", || rng.random_f32(N));
    best("numpy standard_exponential", || rng.standard_exponential(N));
    best("numpy integers(0, 10)", || rng.integers::<i64>(0, 10, N));
    best("numpy permutation", || rng.permutation(N as i64));
    let mut g = manual_seed(0);
    best("torch randn", || g.randn(N));
    best("torch rand", || g.rand(N));
    best("torch randn f64", || g.randn_f64(N));
}
