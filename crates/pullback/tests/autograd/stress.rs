//! Much of everything: small graphs without end, thousands of writes and inputs, threads that share what they should not.

use super::*;
use pullback::{DType, ErrorKind, Result, grad, no_grad};
use std::sync::Barrier;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::thread::scope;
use std::time::Instant;

/// Pages that the process holds, if the system says.
fn resident() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

#[test]
fn half_a_million_small_graphs_leave_nothing_behind() -> Result<()> {
    let (w, x) = (leaf(&[0.5, -0.25]), plain(&[1.0, 2.0]));
    let step = |k: usize| -> Result<()> {
        let h = w.mul(&x)?;
        if k.is_multiple_of(16) {
            h.register_hook(|g| g.mul(1.0).map(Some))?;
            h.retain_grad()?;
        }
        if k.is_multiple_of(32) {
            h.narrow(0, 0, 1)?.mul_(2.0)?;
        }
        if k.is_multiple_of(8) {
            h.sum()?.backward()?;
        }
        if k.is_multiple_of(64) {
            w.detach().mul(&x)?.sum()?;
            grad(&[(&w.square()?.sum()?, None)], &[&w], CREATE)?;
        }
        if k.is_multiple_of(128) {
            w.zero_grad();
        }
        Ok(())
    };
    let warm = 50_000;
    (0..warm).try_for_each(step)?;
    let before = resident();
    (warm..500_000).try_for_each(step)?;
    if let (Some(before), Some(after)) = (before, resident()) {
        // Other tests run beside this one; half a million leaked nodes would be ten times as much.
        let grown = after.saturating_sub(before) * 4096;
        assert!(grown < 64 << 20, "grew by {} KiB", grown >> 10);
    }
    Ok(())
}

#[test]
fn ten_thousand_writes_of_one_element() -> Result<()> {
    let n = 10_000;
    let x = leaf(&[1.0]);
    let start = Instant::now();
    let b = Tensor::zeros([n], DType::F64)?;
    let early = b.narrow(0, 0, 3)?;
    for k in 0..n as i64 {
        b.set(k, &x.select(0, 0)?)?;
    }
    let pages = resident();
    b.mul(&b)?.sum()?.add(&early.sum()?)?.backward()?;
    assert_eq!(grad_of(&x), [2.0 * n as f64 + 3.0]);
    assert!(start.elapsed().as_secs() < 30, "took {:?}", start.elapsed());
    if let Some(pages) = pages {
        assert!(pages * 4096 < 600 << 20, "{} MiB", (pages * 4096) >> 20);
    }
    // One element over and over keeps one entry.
    let c = leaf(&[1.0, 1.0]).mul(1.0)?;
    for _ in 0..n {
        c.narrow(0, 1, 1)?.mul_(1.0)?;
    }
    c.sum()?.backward()
}

#[test]
fn gradients_by_thousands_of_inputs() -> Result<()> {
    let leaves: Vec<Tensor> = (0..20_000).map(|k| leaf(&[f64::from(k)])).collect();
    let refs: Vec<&Tensor> = leaves.iter().collect();
    let squares = refs
        .iter()
        .map(|x| x.square())
        .collect::<Result<Vec<_>>>()?;
    let y = pullback::cat(&squares.iter().collect::<Vec<_>>(), 0)?.sum()?;
    let start = Instant::now();
    let all: Vec<&Tensor> = refs.iter().copied().chain(&squares).collect();
    let g = grad(&[(&y, None)], &all, RETAIN)?;
    assert!(start.elapsed().as_secs() < 10, "took {:?}", start.elapsed());
    for (k, g) in g[..leaves.len()].iter().enumerate() {
        assert_eq!(numbers(g.as_ref().unwrap()), [2.0 * k as f64]);
    }
    assert!(
        g[leaves.len()..]
            .iter()
            .all(|g| numbers(g.as_ref().unwrap()) == [1.0])
    );
    Ok(())
}

/// Two threads write one tensor with a history: each write happens in full, or is refused; none is lost.
#[test]
fn tracked_writes_from_two_threads() -> Result<()> {
    for _ in 0..200 {
        let (x, w) = (leaf(&[1.0; 64]), leaf(&[2.0]));
        let b = x.mul(1.0)?;
        let done = AtomicUsize::new(0);
        let start = Barrier::new(2);
        scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    start.wait();
                    for _ in 0..8 {
                        match b.mul_(&w) {
                            Ok(()) => {
                                done.fetch_add(1, Ordering::Relaxed);
                            }
                            Err(e) => assert_eq!(e.kind(), ErrorKind::Concurrent, "{e}"),
                        }
                    }
                });
            }
        });
        let n = done.load(Ordering::Relaxed) as i32;
        assert!(n > 0);
        assert_eq!(numbers(&b), vec![2f64.powi(n); 64]);
        assert_eq!(b.version(), n as u32);
        b.sum()?.backward()?;
        assert_eq!(grad_of(&x), vec![2f64.powi(n); 64]);
        assert_eq!(grad_of(&w), [64.0 * f64::from(n) * 2f64.powi(n - 1)]);
    }
    Ok(())
}

#[test]
fn threads_share_a_graph_with_hooks_and_leaves() -> Result<()> {
    let (x, w) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let calls = std::sync::Arc::new(AtomicUsize::new(0));
    let h = x.mul(&w)?;
    let count = calls.clone();
    h.register_hook(move |_| {
        count.fetch_add(1, Ordering::Relaxed);
        Ok(None)
    })?;
    h.retain_grad()?;
    let y = h.square()?.sum()?;
    scope(|s| {
        for t in 0..4 {
            let (x, w, y) = (&x, &w, &y);
            s.spawn(move || {
                for k in 0..100 {
                    y.backward_with(None, RETAIN).unwrap();
                    grad(&[(y, None)], &[x], RETAIN).unwrap();
                    if (t + k) % 7 == 0 {
                        let handle = w.register_hook(|_| Ok(None)).unwrap();
                        w.square()
                            .unwrap()
                            .sum()
                            .unwrap()
                            .mul(0.0)
                            .unwrap()
                            .backward()
                            .unwrap();
                        handle.remove();
                    }
                    let _off = no_grad();
                    assert!(!x.mul(w).unwrap().requires_grad());
                }
            });
        }
    });
    assert_eq!(calls.load(Ordering::Relaxed), 800);
    assert_eq!(grad_of(&x), [400.0 * 2.0 * 9.0, 400.0 * 4.0 * 16.0]);
    Ok(())
}
