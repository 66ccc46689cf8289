//! Graphs die with their results: no stack is used up, nothing leaks, no cycle stays.

mod made;

use made::{CREATE, grad_of, leaf};
use pullback::{Array, DType, Program, Replay, Result, Tensor, grad};

/// Everything that may be taken away before it runs: a million operations, backward, and the drop.
fn long_chain(n: usize) -> Result<()> {
    let x = leaf(&[1.0]);
    let mut y = x.mul(1.0)?;
    for _ in 0..n {
        y = y.neg()?;
    }
    let asked = grad(&[(&y, None)], &[&x], Default::default())?;
    assert_eq!(asked[0].as_ref().unwrap().to_f64_vec()?, [1.0]);
    drop(y);
    let mut y = x.exp()?;
    for k in 0..n {
        y = y.mul(if k % 2 == 0 { 2.0 } else { 0.5 })?;
    }
    y.backward()?;
    assert_eq!(grad_of(&x), [1.0f64.exp()]);
    Ok(())
}

#[test]
fn a_million_operations_in_a_chain() -> Result<()> {
    long_chain(500_000)
}

#[test]
fn a_long_chain_on_a_small_stack() {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(|| long_chain(200_000).unwrap())
        .unwrap()
        .join()
        .unwrap();
}

#[test]
fn a_long_chain_of_writes_and_one_dropped_elsewhere() -> Result<()> {
    let x = leaf(&[1.0]);
    let y = x.mul(1.0)?;
    for _ in 0..100_000 {
        y.add_(&x)?;
    }
    y.backward()?;
    assert_eq!(grad_of(&x), [100_001.0]);
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(move || drop(y))
        .unwrap()
        .join()
        .unwrap();
    Ok(())
}

#[test]
fn a_wide_fan_out() -> Result<()> {
    let x = leaf(&[1.0]);
    let h = x.mul(1.0)?;
    let branches = (0..100_000).map(|_| h.neg()).collect::<Result<Vec<_>>>()?;
    let y = pullback::cat(&branches.iter().collect::<Vec<_>>(), 0)?;
    y.sum()?.backward()?;
    assert_eq!(grad_of(&x), [-100_000.0]);
    Ok(())
}

#[test]
fn many_leaves() -> Result<()> {
    let leaves: Vec<Tensor> = (0..100_000).map(|_| leaf(&[1.0])).collect();
    let y = pullback::cat(&leaves.iter().collect::<Vec<_>>(), 0)?;
    let start = std::time::Instant::now();
    y.mul(&y)?.sum()?.backward()?;
    assert!(leaves.iter().all(|x| grad_of(x) == [2.0]));
    assert!(
        start.elapsed().as_secs() < 5,
        "gathering for {} leaves took {:?}",
        leaves.len(),
        start.elapsed()
    );
    Ok(())
}

/// An array that is unique again once every node that saved it is gone.
struct Canary(Array);

impl Canary {
    /// `x` times a factor that the node saves.
    fn under(x: &Tensor) -> (Tensor, Canary) {
        let factor = Tensor::from_slice(&[2.0f64], [1]).unwrap();
        (x.mul(&factor).unwrap(), Canary(factor.array().clone()))
    }

    fn gone(&self) -> bool {
        self.0.is_unique()
    }
}

#[test]
fn graphs_die_with_their_results() -> Result<()> {
    let x = leaf(&[1.0]);
    let (h, canary) = Canary::under(&x);
    let y = h.neg()?.add(&x)?.reshape([1, 1])?.sum()?;
    drop(h);
    assert!(!canary.gone());
    drop(y);
    assert!(canary.gone(), "without a backward");

    let (h, canary) = Canary::under(&x);
    let y = h.exp()?.sum()?;
    y.backward()?;
    assert!(canary.gone(), "backward frees what was saved");
    drop((h, y));

    let (h, canary) = Canary::under(&x);
    let y = h.exp()?;
    let z = y.add(&h)?;
    drop((h, y));
    assert!(!canary.gone());
    std::thread::spawn(move || drop(z)).join().unwrap();
    assert!(canary.gone(), "dropped on another thread");
    Ok(())
}

#[test]
fn saved_outputs_and_writes_make_no_cycles() -> Result<()> {
    let x = leaf(&[1.0]);
    for op in [Tensor::exp, Tensor::relu, Tensor::tanh, Tensor::sqrt] {
        let (h, canary) = Canary::under(&x);
        let y = op(&h)?;
        let own = Canary(y.array().clone());
        drop((h, y));
        assert!(canary.gone() && own.gone());
    }
    // c = x·x, x += c, and the other way round; views of each other's memory.
    let (h, canary) = Canary::under(&x);
    let c = h.mul(&h)?;
    h.add_(&c)?;
    c.mul_(&h)?;
    h.narrow(0, 0, 1)?.add_(&c)?;
    let view = h.reshape([1, 1])?;
    view.mul_(&c)?;
    assert!(view.requires_grad() && h.requires_grad());
    drop((h, c));
    assert!(!canary.gone());
    drop(view);
    assert!(canary.gone());
    Ok(())
}

#[test]
fn a_write_that_covers_everything_lets_the_old_history_go() -> Result<()> {
    let x = leaf(&[1.0]);
    let buffer = Tensor::zeros([1], DType::F64)?;
    let (h, canary) = Canary::under(&x);
    buffer.set(0, &h.sum()?)?;
    let view = buffer.reshape([1, 1])?;
    assert!(view.requires_grad());
    drop(h);
    assert!(!canary.gone());
    buffer.copy_(&x)?;
    assert!(
        view.requires_grad() && !canary.gone(),
        "copy_ keeps an edge to the old numbers, as in PyTorch"
    );
    buffer.sum()?.backward()?;
    assert_eq!(grad_of(&x), [1.0]);
    drop((buffer, view));
    assert!(canary.gone());
    Ok(())
}

/// The one cycle there is: a leaf whose gradient has a graph that leads to the leaf. PyTorch warns of it.
#[test]
fn create_graph_on_a_leaf_is_freed_by_zero_grad() -> Result<()> {
    let x = leaf(&[1.0]);
    let (h, canary) = Canary::under(&x);
    h.mul(&h)?.sum()?.backward_with(None, CREATE)?;
    drop(h);
    assert!(!canary.gone());
    x.zero_grad();
    assert!(canary.gone());
    let (h, canary) = Canary::under(&x);
    h.mul(&h)?.sum()?.backward_with(None, CREATE)?;
    drop(h);
    x.set_grad(None)?;
    assert!(canary.gone());
    Ok(())
}

#[test]
fn a_failed_backward_keeps_nothing() -> Result<()> {
    let x = leaf(&[1.0]);
    let (h, canary) = Canary::under(&x);
    let k = h.mul(&h)?;
    let y = k.mul(&k)?.sum()?;
    k.add_(1.0)?;
    assert!(y.backward().is_err());
    drop((h, k, y));
    assert!(canary.gone());
    Ok(())
}

#[test]
fn programs_keep_copies_and_let_the_graph_go() -> Result<()> {
    let x = leaf(&[1.0]);
    let (h, canary) = Canary::under(&x);
    let (program, out) = Program::snapshot(&[&x], |x| Ok(vec![x[0].mul(&h)?.exp()?]))?;
    drop((h, out));
    assert!(canary.gone());
    drop(x);
    let y = program.replay(&[&Tensor::from_slice(&[2.0f64], [1])?], Replay::default())?;
    assert_eq!(y[0].to_f64_vec()?, [4.0f64.exp()]);
    Ok(())
}
