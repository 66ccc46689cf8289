//! Times fills of a million numbers, to be held against NumPy's and PyTorch's in the same minutes. The best of many runs,
//! allocation included, as in Python. Run: cargo run --release --example speed

use std::hint::black_box;
use std::time::Instant;

use pullback_random::Result;
use pullback_random::numpy::{Choice, default_rng};
use pullback_random::torch::manual_seed;

const N: usize = 1_000_000;

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
    best("numpy uniform(-1, 1)", || rng.uniform(-1.0, 1.0, N));
    best("numpy normal(1, 2)", || rng.normal(1.0, 2.0, N));
    best("numpy standard_exponential f32", || {
        rng.standard_exponential_f32(N)
    });
    best("numpy shuffle", {
        let mut values: Vec<i64> = (0..N as i64).collect();
        let mut rng = default_rng(0);
        move || rng.shuffle(&mut values)
    });
    best("numpy choice(10**6, 10**4, replace=False)", {
        let options = Choice {
            replace: false,
            ..Choice::default()
        };
        let mut rng = default_rng(0);
        move || rng.choice_with(1_000_000, 10_000, &options)
    });
    let mut g = manual_seed(0);
    best("torch randn", || g.randn(N));
    best("torch rand", || g.rand(N));
    best("torch uniform_(-1, 2)", || {
        filled::<f32>(|out| g.fill_uniform_f32(-1.0, 2.0, out))
    });
    best("torch rand f64", || g.rand_f64(N));
    best("torch randn f64", || g.randn_f64(N));
    best("torch randint(0, 10)", || g.randint::<i64>(0, 10, N));
    best("torch randint(0, 2**40)", || {
        g.randint::<i64>(0, 1 << 40, N)
    });
    best("torch random_ int64", || {
        filled::<i64>(|out| {
            g.fill_random(out);
            Ok(())
        })
    });
    best("torch randperm", || g.randperm(N));
    best("torch bernoulli_(0.3)", || {
        filled::<f32>(|out| g.fill_bernoulli(0.3, out))
    });
    best("torch exponential_", || {
        filled::<f32>(|out| g.fill_exponential(1.0, out))
    });
    best("torch dropout mask 0.5", || g.dropout_mask::<f32>(0.5, N));
    best("torch manual_seed(0).randn(1)", || manual_seed(0).randn(1));
}

fn filled<T: Copy + Default>(fill: impl FnOnce(&mut [T]) -> Result<()>) -> Result<Vec<T>> {
    let mut out = vec![T::default(); N];
    fill(&mut out)?;
    Ok(out)
}
