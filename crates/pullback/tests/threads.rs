//! Tensors shared between threads: gradients are complete, races are errors and never wrong numbers, nothing stays locked.

mod made;

use made::{RETAIN, grad_of, leaf};
use pullback::{DType, ErrorKind, Result, Tensor};
use std::sync::Barrier;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread::scope;

const fn shareable<T: Send + Sync>() {}
const _: () = shareable::<Tensor>();
const _: () = shareable::<pullback::Error>();
const _: () = shareable::<pullback::Program>();

#[test]
fn two_backwards_over_one_retained_graph_at_once() -> Result<()> {
    for _ in 0..300 {
        let (x, w) = (leaf(&[1.0, 2.0]), leaf(&[3.0, -4.0]));
        let h = x.mul(&w)?;
        let y = h.tanh()?.add(&h.mul(&h)?)?.add(&w.exp()?)?.sum()?;
        y.backward_with(None, RETAIN)?;
        let (gx, gw) = (grad_of(&x), grad_of(&w));
        x.zero_grad();
        w.zero_grad();
        let start = Barrier::new(2);
        scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    start.wait();
                    for _ in 0..4 {
                        y.backward_with(None, RETAIN).unwrap();
                    }
                });
            }
        });
        for (g, one) in [(grad_of(&x), gx), (grad_of(&w), gw)] {
            for (g, one) in g.iter().zip(one) {
                assert!((g - 8.0 * one).abs() <= 1e-12 * g.abs(), "{g} {one}");
            }
        }
    }
    Ok(())
}

#[test]
fn eight_threads_build_on_shared_leaves() -> Result<()> {
    let (x, w) = (leaf(&[1.0, 2.0, 3.0]), leaf(&[1.0]));
    scope(|s| {
        for t in 0..8 {
            let (x, w) = (&x, &w);
            s.spawn(move || {
                for k in 0..50 {
                    let y = x.mul(w).unwrap().mul(f64::from(t * 50 + k)).unwrap();
                    y.sum().unwrap().backward().unwrap();
                }
            });
        }
    });
    let sum: f64 = (0..400).map(f64::from).sum();
    assert_eq!(grad_of(&x), [sum; 3]);
    assert_eq!(grad_of(&w), [6.0 * sum]);
    Ok(())
}

/// Sequence numbers are per thread; a graph begun on one thread and finished on others is still walked in order.
#[test]
fn a_graph_built_by_several_threads() -> Result<()> {
    let x = leaf(&[1.1]);
    let mut y = x.mul(1.0)?;
    for _ in 0..5 {
        let halves: Vec<Tensor> = scope(|s| {
            let jobs: Vec<_> = (0..4)
                .map(|k| {
                    let y = &y;
                    s.spawn(move || {
                        let mut z = y.clone();
                        for _ in 0..k {
                            z = z.add(y).unwrap();
                        }
                        z.mul(0.1).unwrap()
                    })
                })
                .collect();
            jobs.into_iter().map(|j| j.join().unwrap()).collect()
        });
        y = halves[0]
            .add(&halves[1])?
            .add(&halves[2])?
            .add(&halves[3])?;
    }
    y.sum()?.backward()?; // (0.1·(1 + 2 + 3 + 4))⁵ = 1
    assert!((grad_of(&x)[0] - 1.0).abs() < 1e-12);
    Ok(())
}

/// The reader's value and its gradient must come from one state of `x`, whatever the writer does meanwhile.
#[test]
fn a_writer_races_readers() -> Result<()> {
    let n = 3000;
    let (ones, twos) = (
        Tensor::full([n], 1.0, DType::F64)?,
        Tensor::full([n], 2.0, DType::F64)?,
    );
    let x = ones.copy()?;
    let (stop, right, refused) = (
        AtomicBool::new(false),
        AtomicUsize::new(0),
        AtomicUsize::new(0),
    );
    scope(|s| {
        s.spawn(|| {
            let mut k = 0;
            while !stop.load(Ordering::Relaxed) {
                k += 1;
                // A refused write is no harm either; the next one follows.
                let _ = x.copy_(if k % 2 == 0 { &ones } else { &twos });
                if k % 8 == 0 {
                    std::thread::yield_now();
                }
            }
        });
        let readers: Vec<_> = (0..2)
            .map(|_| {
                s.spawn(|| {
                    for _ in 0..3000 {
                        let w = Tensor::scalar(1.0f64).requires_grad_(true).unwrap();
                        let run = || -> Result<(f64, f64, f64)> {
                            let y = x.mul(&w)?.sum()?;
                            y.backward()?;
                            let soft = x.softmax(0)?.sum()?.item_f64()?;
                            Ok((y.item_f64()?, w.grad().unwrap().item_f64()?, soft))
                        };
                        match run() {
                            Ok((y, g, soft)) => {
                                assert!(y == n as f64 || y == 2.0 * n as f64, "a mixed state: {y}");
                                assert_eq!(g, y, "value and gradient of different states");
                                assert!(
                                    (soft - 1.0).abs() < 1e-9,
                                    "softmax of mixed states: {soft}"
                                );
                                right.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(e) => {
                                assert!(
                                    matches!(
                                        e.kind(),
                                        ErrorKind::Concurrent | ErrorKind::StaleSave
                                    ),
                                    "{e}"
                                );
                                refused.fetch_add(1, Ordering::Relaxed);
                            }
                        }
                    }
                })
            })
            .collect();
        let results: Vec<_> = readers.into_iter().map(|r| r.join()).collect();
        stop.store(true, Ordering::Relaxed);
        results.into_iter().for_each(|r| r.unwrap());
    });
    assert_eq!(
        right.load(Ordering::Relaxed) + refused.load(Ordering::Relaxed),
        6000
    );
    // Nothing is left locked.
    x.mul_(3.0)?;
    x.sum()?;
    Ok(())
}

#[test]
fn errors_leave_nothing_locked() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0, 3.0]));
    assert!(x.add(&y).is_err());
    assert!(x.add_(&y).is_err());
    let b = x.mul(1.0)?;
    assert!(b.add_(&y).is_err() && b.copy_(&y).is_err());
    assert!(b.narrow(0, 0, 1)?.expand([4])?.add_(1.0).is_err());
    let z = b.mul(&b)?.sum()?;
    b.add_(1.0)?;
    assert!(z.backward().is_err());
    assert!(x.grad().is_none());
    b.mul(&b)?.sum()?.backward()?;
    assert_eq!(grad_of(&x), [4.0, 6.0]);
    x.grad().unwrap().zero_()?;
    Ok(())
}

#[test]
fn a_panicking_thread_poisons_nothing() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let y = x.mul(&x)?.sum()?;
    let panicked = scope(|s| {
        s.spawn(|| {
            y.backward_with(None, RETAIN).unwrap();
            let _short = &x + &leaf(&[1.0, 2.0, 3.0]);
        })
        .join()
        .is_err()
    });
    assert!(panicked);
    y.backward()?;
    assert_eq!(grad_of(&x), [4.0, 8.0]);
    Ok(())
}
