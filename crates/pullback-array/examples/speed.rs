//! How fast kernels are on one core, in processor time, which other programs on the machine disturb little:
//! `cargo run --release -p pullback-array --example speed [FILTER]`. Linux only; elsewhere it prints nothing.

use pullback_array::kernels::{Update, UpdateRule};
use pullback_array::{Arith, Array, DType, Number, Scalar, kernels, set_num_threads};

/// Adam without options, as `pullback::optim` has it.
#[derive(Clone, Copy)]
struct Adam;

impl UpdateRule<3> for Adam {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v]: [T; 3], g: T) -> [T; 3] {
        let m = m + T::lit(0.1) * (g - m);
        let v = v * T::lit(0.999) + T::lit(0.001) * g * g;
        let below = v.sqrt() / T::lit(0.3) + T::lit(1e-8);
        [p + T::lit(-0.01) * m / below, m, v]
    }
}

/// With the largest mean of squares.
#[derive(Clone, Copy)]
struct AmsGrad;

impl UpdateRule<4> for AmsGrad {
    #[inline(always)]
    fn at<T: Scalar + Arith, const FUSED: bool>(&self, [p, m, v, most]: [T; 4], g: T) -> [T; 4] {
        let [_, m, v] = Adam.at::<T, FUSED>([p, m, v], g);
        let most = T::choose(v.at_most(most) | most.is_nan(), || most, || v);
        let below = most.sqrt() / T::lit(0.3) + T::lit(1e-8);
        [p + T::lit(-0.01) * m / below, m, v, most]
    }
}

/// Nanoseconds this thread has spent on a processor.
fn cpu_ns() -> Option<f64> {
    let text = std::fs::read_to_string("/proc/thread-self/schedstat").ok()?;
    text.split(' ').next()?.parse().ok()
}

/// The shortest of several runs, per call.
fn best(mut f: impl FnMut()) -> Option<f64> {
    f();
    let (mut shortest, mut total, mut calls) = (f64::INFINITY, 0.0, 1.0);
    while total < 2e8 {
        let begin = cpu_ns()?;
        (0..calls as usize).for_each(|_| f());
        let took = cpu_ns()? - begin;
        total += took;
        // Reading the counter takes microseconds, so that short calls go several to a run.
        if took < 5e6 {
            calls *= 2.0;
        } else {
            shortest = shortest.min(took / calls);
        }
    }
    Some(shortest)
}

/// Numbers between -2 and 2.
fn random(shape: &[usize], dtype: DType) -> Array {
    let mut state = 1u64;
    let values: Vec<f64> = (0..shape.iter().product())
        .map(|_| {
            state = state
                .wrapping_mul(6364136223846793005)
                .wrapping_add(1442695040888963407);
            (state >> 33) as f64 / (1u64 << 29) as f64 - 2.0
        })
        .collect();
    kernels::cast(&Array::from_slice(&values, shape).expect("memory"), dtype).expect("memory")
}

fn main() {
    set_num_threads(1);
    let filter = std::env::args().nth(1).unwrap_or_default();
    let report = |name: &str, count: f64, unit: &str, f: &mut dyn FnMut()| {
        if name.contains(&filter)
            && let Some(ns) = best(f)
        {
            println!(
                "{name:<32} {:>12.1} µs {:>8.2} {unit}",
                ns / 1e3,
                count / ns
            );
        }
    };
    for (m, k, n) in [
        (2048, 2048, 2048),
        (256, 1024, 4096),
        (1024, 256, 4096),
        (64, 784, 256),
        (64, 128, 10),
        (512, 128, 384),
        (128, 64, 192),
        (32, 32, 32),
        (1, 1024, 1024),
        (1024, 1024, 1),
    ] {
        for dtype in [DType::F32, DType::F64] {
            let flop = 2.0 * (m * k * n) as f64;
            let (a, b) = (random(&[m, k], dtype), random(&[k, n], dtype));
            let (at, bt) = (random(&[k, m], dtype), random(&[n, k], dtype));
            let (at, bt) = (at.transpose(0, 1).unwrap(), bt.transpose(0, 1).unwrap());
            for (form, a, b) in [("nn", &a, &b), ("nt", &a, &bt), ("tn", &at, &b)] {
                let name = format!("matmul {m}x{k}x{n} {form} {dtype}");
                report(&name, flop, "GFLOP/s", &mut || {
                    std::hint::black_box(kernels::matmul(a, b).unwrap());
                });
            }
        }
    }
    for n in [1 << 10, 1 << 22] {
        let (a, b) = (random(&[n], DType::F32), random(&[n], DType::F32));
        let count = n as f64;
        report(&format!("add {n}"), count, "G/s", &mut || {
            std::hint::black_box(kernels::zip(&a, &b, |x: f32, y: f32| x + y).unwrap());
        });
        report(&format!("add in place {n}"), count, "G/s", &mut || {
            kernels::zip_assign(&a, &b, |x: f32, y: f32| x + y).unwrap();
        });
        report(&format!("fill {n}"), count, "G/s", &mut || {
            kernels::fill(&a, Number::Float(0.5)).unwrap();
        });
        report(&format!("sum {n}"), count, "G/s", &mut || {
            std::hint::black_box(kernels::sum(&a, &[0], false).unwrap());
        });
    }
    let a = random(&[2048, 2048], DType::F32);
    let t = a.transpose(0, 1).unwrap();
    let count = a.numel() as f64;
    report("copy transposed 2048", count, "G/s", &mut || {
        std::hint::black_box(t.copy().unwrap());
    });
    for dim in [0, 1] {
        report(
            &format!("sum of 2048x2048 over {dim}"),
            count,
            "G/s",
            &mut || {
                std::hint::black_box(kernels::sum(&a, &[dim], false).unwrap());
            },
        );
    }
    // What steps of optimisers move (three arrays read and written, one read), beside what copies do (one read, one written).
    for n in [1 << 15, 10_000_000] {
        let all: Vec<Array> = (0..5).map(|_| random(&[n], DType::F32)).collect();
        let [p, m, v, most, grad] = &all[..] else {
            return;
        };
        let bytes = 4.0 * n as f64;
        report(
            &format!("update copy {n}"),
            2.0 * bytes,
            "GB/s",
            &mut || {
                kernels::assign(p, grad).unwrap();
            },
        );
        report(
            &format!("update adam {n}"),
            7.0 * bytes,
            "GB/s",
            &mut || {
                let (rule, kept) = (Adam, [p, m, v]);
                kernels::update(&[Update { rule, kept, grad }]).unwrap();
            },
        );
        report(
            &format!("update amsgrad {n}"),
            9.0 * bytes,
            "GB/s",
            &mut || {
                let (rule, kept) = (AmsGrad, [p, m, v, most]);
                kernels::update(&[Update { rule, kept, grad }]).unwrap();
            },
        );
    }
}
