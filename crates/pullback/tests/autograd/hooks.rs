//! Hooks: order, replacement, removal, what in-place writes do to them, and what they may do themselves.

use super::*;
use pullback::{Result, backward, grad, no_grad};
use std::sync::{Arc, Mutex};

type Log = Arc<Mutex<Vec<String>>>;

fn say(log: &Log, what: &str, g: &Tensor) {
    log.lock().unwrap().push(format!("{what} {:?}", numbers(g)));
}

fn taken(log: &Log) -> Vec<String> {
    std::mem::take(&mut *log.lock().unwrap())
}

/// x = [1, 2], h = 2x with every kind of hook, y = Σ h².
fn hooked() -> Result<(Tensor, Tensor, Tensor, Log)> {
    let log = Log::default();
    let x = leaf(&[1.0, 2.0]);
    let h = x.mul(2.0)?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "h1", g);
        g.mul(10.0).map(Some)
    })?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "h2", g);
        Ok(None)
    })?;
    h.retain_grad()?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "h3", g);
        g.add(1.0).map(Some)
    })?;
    let l = log.clone();
    let node = h.grad_fn().unwrap();
    node.register_prehook(move |g| {
        say(&l, "pre", g[0].as_ref().unwrap());
        Ok(Some(vec![Some(g[0].as_ref().unwrap().mul(3.0)?)]))
    });
    let l = log.clone();
    node.register_hook(move |inputs, came| {
        let text = |g: &Option<Tensor>| g.as_ref().map(numbers);
        let all: Vec<_> = inputs.iter().map(text).collect();
        l.lock()
            .unwrap()
            .push(format!("post {all:?} {:?}", text(&came[0])));
        Ok(None)
    });
    let l = log.clone();
    x.register_hook(move |g| {
        say(&l, "x", g);
        g.mul(2.0).map(Some)
    })?;
    let l = log.clone();
    x.register_post_accumulate_grad_hook(move |p| {
        say(&l, "acc", &p.grad().unwrap());
        Ok(())
    })?;
    let y = h.mul(&h)?.sum()?;
    Ok((x, h, y, log))
}

const ALL: [&str; 7] = [
    "h1 [4.0, 8.0]",
    "h2 [40.0, 80.0]",
    "h3 [40.0, 80.0]",
    "pre [41.0, 81.0]",
    "post [Some([246.0, 486.0]), None] Some([123.0, 243.0])",
    "x [246.0, 486.0]",
    "acc [492.0, 972.0]",
];

#[test]
fn everything_runs_in_pytorchs_order() -> Result<()> {
    let (x, h, y, log) = hooked()?;
    y.backward_with(None, RETAIN)?;
    assert_eq!(taken(&log), ALL);
    assert_eq!(
        (grad_of(&h), grad_of(&x)),
        (vec![41.0, 81.0], vec![492.0, 972.0])
    );
    Ok(())
}

#[test]
fn gradients_asked_for_pass_their_hooks() -> Result<()> {
    let (x, h, y, log) = hooked()?;
    // A result whose node runs is seen before its hooks; a leaf after them. Nothing is accumulated.
    let g = grad(&[(&y, None)], &[&h, &x], RETAIN)?;
    assert_eq!(numbers(g[0].as_ref().unwrap()), [4.0, 8.0]);
    assert_eq!(numbers(g[1].as_ref().unwrap()), [492.0, 972.0]);
    assert_eq!(taken(&log), ALL[..6]);
    assert!(x.grad().is_none());
    // Alone, after its hooks; its node does not run.
    let g = grad(&[(&y, None)], &[&h], RETAIN)?;
    assert_eq!(numbers(g[0].as_ref().unwrap()), [41.0, 81.0]);
    assert_eq!(taken(&log), ALL[..3]);
    // Into `.grad` of chosen inputs: the node runs, for its hooks' sake.
    h.zero_grad();
    backward(&[(&y, None)], Some(&[&h]), RETAIN)?;
    assert_eq!(grad_of(&h), [41.0, 81.0]);
    assert_eq!(
        taken(&log)[3..],
        ["pre [41.0, 81.0]", "post [None, None] Some([123.0, 243.0])"]
    );
    assert!(x.grad().is_none());
    Ok(())
}

#[test]
fn backward_into_chosen_inputs() -> Result<()> {
    let (x, w) = (leaf(&[3.0]), leaf(&[2.0]));
    let h = x.mul(&w)?;
    let y = h.square()?.sum()?;
    backward(&[(&y, None)], Some(&[&w]), RETAIN)?;
    assert!(x.grad().is_none() && h.grad().is_none());
    assert_eq!(grad_of(&w), [36.0]);
    backward(&[(&y, None)], Some(&[&h]), RETAIN)?;
    assert_eq!((grad_of(&h), grad_of(&w)), (vec![12.0], vec![36.0]));
    assert!(h.retains_grad() && !w.retains_grad());
    // Unused inputs are no mistake here.
    backward(&[(&y, None)], Some(&[&leaf(&[1.0])]), RETAIN)?;
    let e = backward(&[(&y, None)], Some(&[]), RETAIN).unwrap_err();
    assert_eq!(
        e.message(),
        "`inputs` argument to `backward()` cannot be empty."
    );
    let e = backward(&[(&y, None)], Some(&[&plain(&[1.0])]), RETAIN).unwrap_err();
    assert_eq!(
        e.message(),
        "One of the differentiated Tensors does not require grad"
    );
    Ok(())
}

#[test]
fn what_cannot_be_hooked_says_so() -> Result<()> {
    let none = "cannot register a hook on a tensor that doesn't require gradient";
    let p = plain(&[1.0]);
    let e = p.register_hook(|_| Ok(None)).unwrap_err();
    assert_eq!(e.message(), none);
    assert!(e.site().is_some_and(|s| s.file().ends_with("hooks.rs")));
    let e = p
        .register_post_accumulate_grad_hook(|_| Ok(()))
        .unwrap_err();
    assert_eq!(e.message(), none);
    let h = leaf(&[1.0]).mul(2.0)?;
    let e = h
        .register_post_accumulate_grad_hook(|_| Ok(()))
        .unwrap_err();
    assert_eq!(
        e.message(),
        "post accumulate grad hooks cannot be registered on non-leaf tensors"
    );
    assert_eq!(
        p.retain_grad().unwrap_err().message(),
        "can't retain_grad on Tensor that has requires_grad=False"
    );
    leaf(&[1.0]).retain_grad()
}

#[test]
fn what_hooks_return_is_checked() -> Result<()> {
    let text = |k: &Tensor| {
        let e = k.sum().unwrap().backward().unwrap_err();
        let (start, end) = e.message().split_once("hook '").unwrap();
        assert!(start.is_empty());
        end.split_once("' ").unwrap().1.to_string()
    };
    let make = || leaf(&[1.0, 2.0]).mul(2.0);
    let k = make()?;
    k.register_hook(|g| g.sum().map(Some))?;
    assert_eq!(text(&k), "has changed the size of value");
    let k = make()?;
    k.register_hook(|g| g.to(pullback::DType::F32).map(Some))?;
    assert_eq!(
        text(&k),
        "has changed the type of value (was torch.DoubleTensor got torch.FloatTensor)"
    );
    let k = make()?;
    let node = k.grad_fn().unwrap();
    node.register_prehook(|g| Ok(Some(vec![g[0].clone(), g[0].clone()])));
    assert_eq!(
        text(&k),
        "has returned an incorrect number of values (got 2, but expected 1)"
    );
    let k = make()?;
    let node = k.grad_fn().unwrap();
    node.register_hook(|g, _| Ok(Some(vec![g[0].clone()])));
    assert_eq!(
        text(&k),
        "has returned an incorrect number of values (got 1, but expected 2)"
    );
    // A leaf's hook that fails leaves `.grad` alone; an error of the hook's own arrives whole.
    let w = leaf(&[1.0, 2.0]);
    w.register_hook(|_| Err(pullback::Error::new(pullback::ErrorKind::Io, "mine")))?;
    let e = w.mul(2.0)?.sum()?.backward().unwrap_err();
    assert_eq!((e.message(), e.kind()), ("mine", pullback::ErrorKind::Io));
    assert!(w.grad().is_none());
    // None from a posthook: no gradient goes on.
    let w = leaf(&[1.0, 2.0]);
    let k = w.mul(2.0)?;
    k.grad_fn()
        .unwrap()
        .register_hook(|g, _| Ok(Some(vec![None, g[1].clone()])));
    k.sum()?.backward()?;
    assert!(w.grad().is_none());
    Ok(())
}

#[test]
fn writes_in_place_leave_hooks_with_the_old_value_and_retain_grad_with_the_new() -> Result<()> {
    let log = Log::default();
    let x = leaf(&[1.0, 2.0]);
    let h = x.mul(2.0)?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "before", g);
        Ok(None)
    })?;
    h.retain_grad()?;
    h.mul_(3.0)?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "after", g);
        Ok(None)
    })?;
    h.mul(&plain(&[1.0, 10.0]))?.sum()?.backward()?;
    assert_eq!(taken(&log), ["after [1.0, 10.0]", "before [3.0, 30.0]"]);
    assert_eq!(
        (grad_of(&h), grad_of(&x)),
        (vec![1.0, 10.0], vec![6.0, 60.0])
    );

    // Written through a view: the base keeps its own, the view gets none, for nobody used it afterwards.
    let x = leaf(&[1.0, 2.0]);
    let h = x.mul(2.0)?;
    h.retain_grad()?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "h", g);
        Ok(None)
    })?;
    let v = h.narrow(0, 0, 1)?;
    v.retain_grad()?;
    v.mul_(5.0)?;
    let l = log.clone();
    v.register_hook(move |g| {
        say(&l, "v", g);
        Ok(None)
    })?;
    h.mul(&plain(&[1.0, 10.0]))?.sum()?.backward()?;
    assert_eq!(taken(&log), ["h [5.0, 10.0]"]);
    assert_eq!(
        (grad_of(&h), grad_of(&x)),
        (vec![1.0, 10.0], vec![10.0, 20.0])
    );
    assert!(v.grad().is_none());
    Ok(())
}

#[test]
fn handles_remove_hooks_even_while_they_run() -> Result<()> {
    let log = Log::default();
    let x = leaf(&[1.0]);
    let h = x.mul(2.0)?;
    let own: Arc<Mutex<Option<pullback::HookHandle>>> = Arc::default();
    let (l, mine) = (log.clone(), own.clone());
    let handle = h.register_hook(move |_| {
        l.lock().unwrap().push("a".into());
        if let Some(handle) = mine.lock().unwrap().take() {
            handle.remove();
        }
        Ok(None)
    })?;
    *own.lock().unwrap() = Some(handle);
    let l = log.clone();
    let second = h.register_hook(move |_| {
        l.lock().unwrap().push("b".into());
        Ok(None)
    })?;
    h.add(&h)?.sum()?.backward_with(None, RETAIN)?;
    h.sum()?.backward_with(None, RETAIN)?;
    assert_eq!(taken(&log), ["a", "b", "b"]);
    second.remove();
    second.remove();
    h.sum()?.backward_with(None, RETAIN)?;
    assert!(taken(&log).is_empty());
    drop(h);
    second.remove(); // what it was registered on is gone
    Ok(())
}

/// Leaves with hooks are delivered as soon as their last use was visited, which is what an optimiser inside backward needs.
#[test]
fn hooks_of_a_leaf_run_before_backward_goes_on() -> Result<()> {
    let log = Log::default();
    let (early, late) = (leaf(&[1.0]), leaf(&[2.0]));
    let h = late.exp()?;
    let y = h.mul(&early)?.mul(&early)?.sum()?;
    let l = log.clone();
    h.register_hook(move |g| {
        say(&l, "h", g);
        Ok(None)
    })?;
    for (name, p) in [("early", &early), ("late", &late)] {
        let l = log.clone();
        p.register_post_accumulate_grad_hook(move |p| {
            say(&l, name, &p.grad().unwrap());
            let _off = no_grad();
            p.sub_scaled_(&p.grad().unwrap(), 0.5)?;
            p.zero_grad();
            Ok(())
        })?;
    }
    y.backward()?;
    let e = 2f64.exp();
    let lines = taken(&log);
    assert_eq!(lines[0], format!("early [{:?}]", 2.0 * e));
    assert_eq!(lines[1], "h [1.0]");
    assert!(lines[2].starts_with("late"));
    assert_eq!(numbers(&early), [1.0 - e]);
    assert!(early.grad().is_none());
    Ok(())
}

#[test]
fn a_hook_may_run_backward_itself() -> Result<()> {
    let (x, w) = (leaf(&[3.0]), leaf(&[5.0]));
    let h = x.mul(2.0)?;
    let inner = w.clone();
    h.register_hook(move |g| {
        // Without create_graph a hook runs with recording off, as the rules do.
        assert!(!pullback::is_grad_enabled());
        let _on = pullback::enable_grad();
        inner.square()?.sum()?.backward()?; // 10
        let again = inner.mul(1.0)?;
        let deep = inner.clone();
        again.register_hook(move |_| {
            let _on = pullback::enable_grad();
            let third = deep.mul(100.0)?;
            let t = deep.clone();
            third.register_hook(move |_| {
                let _on = pullback::enable_grad();
                t.mul(1000.0)?.sum()?.backward().map(|()| None)
            })?;
            third.sum()?.backward()?;
            Ok(None)
        })?;
        again.sum()?.backward()?; // 1 + 100 + 1000
        g.mul(2.0).map(Some)
    })?;
    h.sum()?.backward()?;
    assert_eq!((grad_of(&x), grad_of(&w)), (vec![4.0], vec![1111.0]));
    assert!(pullback::is_grad_enabled());
    Ok(())
}

#[test]
fn gradients_of_hooks_with_create_graph() -> Result<()> {
    let x = leaf(&[3.0]);
    let h = x.square()?;
    h.register_hook(|g| g.mul(g).map(Some))?;
    h.retain_grad()?;
    let y = h.square()?.sum()?; // dy/dh = 2h, hooked: 4h² = 4x⁴; dy/dx = 8x⁵
    y.backward_with(None, CREATE)?;
    let g = x.grad().unwrap();
    assert_eq!(numbers(&g), [1944.0]);
    assert!(h.grad().unwrap().requires_grad());
    // The gradient's own graph goes through h, so the hook runs on the way back too.
    let second = grad(&[(&g.sum()?, None)], &[&x], pullback::BackwardOptions::NEW)?;
    assert_eq!(numbers(second[0].as_ref().unwrap()), [1120392.0]);
    assert_eq!(
        (grad_of(&h), h.grad().unwrap().requires_grad()),
        (vec![186948.0], false)
    );
    x.zero_grad();
    h.zero_grad();
    Ok(())
}

#[test]
fn nodes_can_be_looked_at() -> Result<()> {
    let (x, z) = (leaf(&[1.0]), leaf(&[1.0]));
    let y = x.mul(2.0)?.add(&z)?.sum()?;
    let sum = y.grad_fn().unwrap();
    assert_eq!((sum.name(), sum.op()), ("SumBackward0", Some("sum")));
    assert!(sum.site().is_some_and(|s| s.file().ends_with("hooks.rs")));
    let (add, nr) = sum.next_functions()[0].clone().unwrap();
    assert_eq!((add.name(), nr), ("AddBackward0", 0));
    assert!(add.sequence_nr() < sum.sequence_nr());
    let next = add.next_functions();
    assert_eq!(next[0].as_ref().unwrap().0.name(), "MulBackward0");
    let leaf = &next[1].as_ref().unwrap().0;
    assert_eq!(leaf.name(), "torch::autograd::AccumulateGrad");
    assert!(leaf.accumulates_into(&z) && !leaf.accumulates_into(&x));
    assert!(leaf.next_functions().is_empty());
    sum.set_metadata("a", Arc::new(1i32));
    let kept = y.grad_fn().unwrap().metadata("a").unwrap();
    assert_eq!(kept.downcast_ref::<i32>(), Some(&1));
    assert!(y.grad_fn() == Some(sum) && x.grad_fn().is_none());
    Ok(())
}

#[test]
fn hooks_die_with_what_they_hang_on() -> Result<()> {
    let canary = Arc::new(());
    let x = leaf(&[1.0]);
    let (h, c) = (x.mul(2.0)?, canary.clone());
    h.register_hook(move |_| {
        let _kept = &c;
        Ok(None)
    })?;
    drop(h);
    assert_eq!(Arc::strong_count(&canary), 1);
    // One that captures its own tensor keeps both, until its handle removes it.
    let (h, c) = (x.mul(2.0)?, canary.clone());
    let own = h.clone();
    let handle = h.register_hook(move |g| {
        let _kept = &c;
        g.mul(&own.detach()).map(Some)
    })?;
    h.sum()?.backward()?;
    assert_eq!(grad_of(&x), [4.0]);
    drop(h);
    assert_eq!(Arc::strong_count(&canary), 2);
    handle.remove();
    assert_eq!(Arc::strong_count(&canary), 1);
    Ok(())
}
