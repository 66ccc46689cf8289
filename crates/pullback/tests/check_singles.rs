//! Black boxes all in float32: a layer W, b, tanh under a squared loss. Right gradients pass, whatever their size; a wrong number is found,
//! and named, unless it is smaller than what the report says it would have seen.

use pullback::check::{Argument, BlackBox, Claimed, Report, Status};
use pullback::{DType, Result};

/// Uniform numbers, by a generator of a few lines.
struct Draw(u64);

impl Draw {
    fn unit(&mut self) -> f64 {
        self.0 = (self.0)
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        let x = (self.0 ^ (self.0 >> 29)).wrapping_mul(0x9E37_79B9_7F4A_7C15);
        ((x ^ (x >> 32)) >> 11) as f64 / (1u64 << 53) as f64
    }
    fn normal(&mut self) -> f32 {
        let angle = (std::f64::consts::TAU * self.unit()).cos();
        ((-2.0 * self.unit().max(1e-300).ln()).sqrt() * angle) as f32
    }
}

/// Σ (tanh(x W + b) − y)², or its mean: `rows` examples of `n` numbers, `k` units.
struct Layer {
    n: usize,
    k: usize,
    rows: usize,
    x: Vec<f32>,
    y: Vec<f32>,
    weight: f32,
    /// W, then b.
    at: Vec<f64>,
}

impl Layer {
    fn drawn(n: usize, k: usize, rows: usize, mean: bool, seed: u64) -> Layer {
        let mut r = Draw(seed);
        let mut numbers = |count: usize| (0..count).map(|_| r.normal()).collect::<Vec<f32>>();
        let (x, y) = (numbers(rows * n), numbers(rows * k));
        let at = (numbers(n * k + k).iter())
            .map(|p| f64::from(p / (n as f32).sqrt()))
            .collect();
        let weight = if mean { 1.0 / (rows * k) as f32 } else { 1.0 };
        Layer {
            n,
            k,
            rows,
            x,
            y,
            weight,
            at,
        }
    }

    fn units(&self, p: &[f64]) -> Vec<f32> {
        let (n, k) = (self.n, self.k);
        (0..self.rows * k)
            .map(|at| {
                let (i, j) = (at / k, at % k);
                let start = p[n * k + j] as f32;
                (0..n)
                    .fold(start, |s, l| s + self.x[i * n + l] * p[l * k + j] as f32)
                    .tanh()
            })
            .collect()
    }

    fn value(&self, p: &[f64]) -> f64 {
        let units = self.units(p);
        let squares = units.iter().zip(&self.y).map(|(t, y)| (t - y) * (t - y));
        f64::from(squares.sum::<f32>() * self.weight)
    }

    fn gradient(&self) -> Vec<f64> {
        let (n, k) = (self.n, self.k);
        let mut g = vec![0f32; n * k + k];
        for (at, t) in self.units(&self.at).iter().enumerate() {
            let (i, j) = (at / k, at % k);
            let d = 2.0 * self.weight * (t - self.y[at]) * (1.0 - t * t);
            (0..n).for_each(|l| g[l * k + j] += self.x[i * n + l] * d);
            g[n * k + j] += d;
        }
        g.into_iter().map(f64::from).collect()
    }

    fn check(&self, gradient: &[f64], fast: bool) -> Result<Report> {
        let w = self.n * self.k;
        let argument = |name: &str, shape: &[usize], values: &[f64]| Argument {
            name: name.into(),
            shape: shape.to_vec(),
            dtype: DType::F32,
            values: values.to_vec(),
        };
        let arguments = vec![
            argument("W", &[self.n, self.k], &self.at[..w]),
            argument("b", &[self.k], &self.at[w..]),
        ];
        let claims = [1.0, -2.0, 0.625].map(|w| Claimed {
            cotangent: vec![w],
            gradient: gradient.iter().map(|g| g * w).collect(),
        });
        let f = |p: &[f64]| Ok(vec![self.value(p)]);
        let check = BlackBox::new(f, arguments, claims.to_vec()).results(DType::F32);
        if fast { check.fast() } else { check }.run()
    }

    fn name(&self, at: usize) -> String {
        let (w, k) = (self.n * self.k, self.k);
        match at < w {
            true => format!("W[{},{}]", at / k, at % k),
            false => format!("b[{}]", at - w),
        }
    }
}

#[test]
fn a_layer_of_singles_passes_and_its_mistakes_are_found() -> Result<()> {
    let mut wrong = Vec::new();
    println!("parameters, fast: right, passed; planted, found, named, below what is seen");
    for (n, k, rows) in [(4, 3, 6), (9, 7, 6), (20, 15, 8)] {
        for fast in [false, true] {
            let (mut right, mut planted, mut found, mut named, mut below) = (0, 0, 0, 0, 0);
            for seed in 0..2 {
                let net = Layer::drawn(n, k, rows, seed == 1, seed);
                let g = net.gradient();
                let report = net.check(&g, fast)?;
                right += 1;
                if report.status != Status::Pass {
                    wrong.push(format!("right, {n} by {k}, fast {fast}\n{report}"));
                }
                for (q, by) in [2.0, -1.0, 0.0, 1.1].into_iter().enumerate() {
                    let at = (seed as usize * 7919 + q * 31) % g.len();
                    let mut claim = g.clone();
                    claim[at] *= by;
                    let found_now = net.check(&claim, fast)?;
                    planted += 1;
                    let place = net.name(at);
                    let is = |c: &pullback::check::Coordinate| {
                        c.name == place && c.status == Status::Fail
                    };
                    named += usize::from(found_now.coordinates.iter().any(is));
                    let own = if at < n * k { &g[..n * k] } else { &g[n * k..] };
                    let size = (own.iter().map(|g| g * g).sum::<f64>() / own.len() as f64).sqrt();
                    let seen = (claim[at] - g[at]).abs() > report.power * size.max(g[at].abs());
                    match found_now.status {
                        Status::Fail => found += 1,
                        _ if !seen => below += 1,
                        Status::Unknown => {}
                        Status::Pass => wrong.push(format!(
                            "{place} times {by}, {n} by {k}, fast {fast}\n{found_now}"
                        )),
                    }
                }
            }
            println!(
                "{}, {fast}: {right}; {planted}, {found}, {named}, {below}",
                n * k + k
            );
            assert!(found + below + 2 >= planted && named == found);
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    Ok(())
}
