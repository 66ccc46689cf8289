//! Times the eager hot path: the seed model's gradient on one sample, and a training step on 32.

use pullback::{Result, Tensor, no_grad};
use std::time::Instant;

fn median(mut step: impl FnMut() -> Result<()>) -> Result<f64> {
    for _ in 0..2000 {
        step()?;
    }
    let mut times = Vec::new();
    for _ in 0..200 {
        let t = Instant::now();
        for _ in 0..200 {
            step()?;
        }
        times.push(t.elapsed().as_secs_f64() / 200.0);
    }
    times.sort_by(f64::total_cmp);
    Ok(times[100] * 1e9)
}

fn main() -> Result<()> {
    let f = |n: usize, k: f32| {
        (0..n)
            .map(|i| ((i as f32 * 0.7 + k).sin()) * 0.3)
            .collect::<Vec<f32>>()
    };
    let w1 = Tensor::from_slice(&f(8, 0.1), [4, 2])?.requires_grad_(true)?;
    let b1 = Tensor::zeros([4], pullback::DType::F32)?.requires_grad_(true)?;
    let w2 = Tensor::from_slice(&f(4, 0.9), [1, 4])?.requires_grad_(true)?;
    let b2 = Tensor::zeros([1], pullback::DType::F32)?.requires_grad_(true)?;
    let params = [&w1, &b1, &w2, &b2];
    let x = Tensor::from_slice(&f(1000, 0.3), [500, 2])?;
    let y = Tensor::from_slice(&f(500, 0.5), [500])?;
    let (x0, y0) = (x.select(0, 0)?, y.select(0, 0)?);
    println!(
        "sample_grad {:.0} ns",
        median(|| {
            for p in params {
                if let Some(g) = p.grad() {
                    g.zero_()?;
                }
            }
            let h = w1.matmul(&x0)?.add(&b1)?.relu()?;
            let out = w2.matmul(&h)?.add(&b2)?.squeeze()?;
            out.sub(&y0)?.pow(2.0)?.mul(0.5)?.backward()
        })?
    );
    let (xb, yb) = (x.narrow(0, 0, 32)?, y.narrow(0, 0, 32)?);
    println!(
        "batch32_step {:.0} ns",
        median(|| {
            for p in params {
                p.zero_grad();
            }
            let h = xb.matmul(&w1.t()?)?.add(&b1)?.relu()?;
            let out = h.matmul(&w2.t()?)?.add(&b2)?.squeeze()?;
            out.sub(&yb)?.pow(2.0)?.mean()?.backward()?;
            let _guard = no_grad();
            for p in params {
                if let Some(g) = p.grad() {
                    p.sub_scaled_(&g, 1e-9)?;
                }
            }
            Ok(())
        })?
    );
    let a = Tensor::from_slice(&f(4, 0.1), [4])?;
    println!("untracked add {:.1} ns", median(|| a.add(&b2).map(drop))?);
    let c = a.copy()?;
    println!(
        "untracked add same shape {:.1} ns",
        median(|| a.add(&c).map(drop))?
    );
    println!("tracked add {:.1} ns", median(|| a.add(&b1).map(drop))?);
    println!("tracked mul {:.1} ns", median(|| a.mul(&b1).map(drop))?);
    println!(
        "tracked mul + backward {:.1} ns",
        median(|| b2.mul(&b2)?.backward())?
    );
    println!("mul scalar {:.1} ns", median(|| a.mul(0.5).map(drop))?);
    println!(
        "matmul 4x2 {:.1} ns",
        median(|| {
            let _g = no_grad();
            w1.matmul(&x0).map(drop)
        })?
    );
    println!("squeeze {:.1} ns", median(|| b2.squeeze().map(drop))?);
    println!("zero_ {:.1} ns", median(|| a.zero_())?);
    println!(
        "clone handle {:.1} ns",
        median(|| {
            std::hint::black_box(a.clone());
            Ok(())
        })?
    );
    println!(
        "array clone {:.1} ns",
        median(|| {
            std::hint::black_box(a.array().clone());
            Ok(())
        })?
    );
    println!(
        "kernel zip {:.1} ns",
        median(|| {
            std::hint::black_box(pullback::kernels::zip(
                a.array(),
                c.array(),
                |x: f32, y: f32| x + y,
            )?);
            Ok(())
        })?
    );
    Ok(())
}
