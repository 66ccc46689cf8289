//! What backward does to `.grad`, in which order, how often, and with which dtypes. Expected numbers are PyTorch 2.15's.

mod made;

use made::{CREATE, RETAIN, grad_of, leaf, leaf32, plain};
use pullback::{BackwardOptions, DType, ErrorKind, Result, Tensor, grad};

const ONCE: BackwardOptions = BackwardOptions::NEW.retain_graph(false).create_graph(false);

#[test]
fn gradients_add_up_over_backwards() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    for k in 1..=4 {
        x.mul(&x)?.sum()?.backward()?;
        assert_eq!(grad_of(&x), [2.0 * f64::from(k), 4.0 * f64::from(k)]);
    }
    x.zero_grad();
    assert!(x.grad().is_none());
    x.mul(&x)?.sum()?.backward()?;
    assert_eq!(grad_of(&x), [2.0, 4.0]);
    Ok(())
}

#[test]
fn a_handle_to_grad_sees_later_backwards_and_writes() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    x.mul(3.0)?.sum()?.backward()?;
    let handle = x.grad().unwrap();
    x.mul(3.0)?.sum()?.backward()?;
    assert_eq!(handle.to_f64_vec()?, [6.0, 6.0]);
    handle.zero_()?;
    assert_eq!(grad_of(&x), [0.0, 0.0]);
    assert!(handle.is(&x.grad().unwrap()));
    x.mul(3.0)?.sum()?.backward()?;
    assert_eq!(handle.to_f64_vec()?, [3.0, 3.0]);
    assert!(handle.is(&x.grad().unwrap()));
    Ok(())
}

#[test]
fn grad_can_be_assigned_and_taken_away() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let g = plain(&[10.0, 20.0]);
    x.set_grad(Some(g.clone()))?;
    assert!(x.grad().unwrap().is(&g));
    x.sum()?.backward()?;
    assert_eq!(
        g.to_f64_vec()?,
        [11.0, 21.0],
        "added in place, as in PyTorch"
    );
    x.set_grad(None)?;
    assert!(x.grad().is_none());
    assert_eq!(
        x.set_grad(Some(plain(&[1.0]))).unwrap_err().kind(),
        ErrorKind::Shape
    );
    let wrong = Tensor::zeros([2], DType::F32)?;
    assert_eq!(
        x.set_grad(Some(wrong)).unwrap_err().kind(),
        ErrorKind::DType
    );
    // As in PyTorch, a tensor that requires none may have one put in place.
    let other = plain(&[1.0, 2.0]);
    other.set_grad(Some(plain(&[3.0, 4.0])))?;
    assert_eq!(other.grad().unwrap().to_f64_vec()?, [3.0, 4.0]);
    Ok(())
}

#[test]
fn a_result_may_be_given_a_gradient() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let y = x.mul(3.0)?;
    y.set_grad(Some(plain(&[10.0, 20.0])))?;
    y.mul(2.0)?
        .sum()?
        .backward_with(None, BackwardOptions::NEW.retain_graph(true))?;
    assert_eq!(grad_of(&y), [10.0, 20.0], "backward adds to leaves alone");
    assert_eq!(grad_of(&x), [6.0, 6.0]);
    // A write in place leaves it, and `retain_grad` makes backward add to it.
    y.mul_(2.0)?;
    assert_eq!(grad_of(&y), [10.0, 20.0]);
    y.retain_grad()?;
    y.sum()?.backward()?;
    assert_eq!(grad_of(&y), [11.0, 21.0]);
    y.set_grad(Some(plain(&[5.0, 6.0])))?;
    assert_eq!(grad_of(&y), [5.0, 6.0]);
    y.zero_grad();
    assert!(y.grad().is_none());
    let z = x.mul(3.0)?;
    z.set_grad(Some(plain(&[1.0, 1.0])))?;
    z.set_grad(None)?;
    assert!(z.grad().is_none());
    assert_eq!(
        z.set_grad(Some(plain(&[1.0]))).unwrap_err().kind(),
        ErrorKind::Shape
    );
    Ok(())
}

#[test]
fn two_leaves_never_share_one_gradient() -> Result<()> {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    a.add(&b)?
        .backward_with(Some(&plain(&[5.0, 6.0])), Default::default())?;
    a.grad().unwrap().mul_(100.0)?;
    assert_eq!(grad_of(&a), [500.0, 600.0]);
    assert_eq!(grad_of(&b), [5.0, 6.0]);
    // Three leaves behind views and copies of one gradient.
    let (a, b, c) = (leaf(&[1.0]), leaf(&[2.0]), leaf(&[3.0]));
    a.reshape([1, 1])?
        .add(&b)?
        .add(&c.copy()?)?
        .sum()?
        .backward()?;
    a.grad().unwrap().fill_(9.0)?;
    assert_eq!((grad_of(&b), grad_of(&c)), (vec![1.0], vec![1.0]));
    Ok(())
}

#[test]
fn the_callers_seed_stays_the_callers() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let seed = plain(&[5.0, 6.0]);
    x.backward_with(Some(&seed), ONCE)?; // straight into the leaf
    x.grad().unwrap().zero_()?;
    assert_eq!(seed.to_f64_vec()?, [5.0, 6.0]);
    let y = leaf(&[1.0, 2.0]);
    y.reshape([2, 1])?
        .reshape([2])?
        .backward_with(Some(&seed), ONCE)?;
    y.grad().unwrap().zero_()?;
    seed.mul_(10.0)?;
    assert_eq!(seed.to_f64_vec()?, [50.0, 60.0]);
    assert_eq!(grad_of(&y), [0.0, 0.0]);
    // Summed into an entry that started as the seed.
    let z = leaf(&[1.0, 2.0]);
    let h = z.mul(1.0)?;
    grad(
        &[
            (&h, Some(&seed)),
            (&h, Some(&seed)),
            (&h.exp()?, Some(&seed)),
        ],
        &[&z],
        ONCE,
    )?;
    assert_eq!(seed.to_f64_vec()?, [50.0, 60.0]);
    Ok(())
}

/// Which graphs may be walked twice without `retain_graph`: those that saved nothing, as PyTorch 2.15 has it.
#[test]
fn walking_twice() -> Result<()> {
    let (a, b) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let saves_nothing = [
        a.add(&b)?.sum()?,
        a.sub(&b)?.sum()?,
        a.neg()?.sum()?,
        a.mean()?,
        a.reshape([1, 2])?.t()?.sum()?,
        a.select(0, 0)?.add(&a.select(0, 1)?)?,
        a.expand([3, 2])?.sum()?,
        pullback::cat(&[&a, &b], 0)?.sum()?,
        a.copy()?.sum()?,
        a.to(DType::F32)?.sum()?,
        a.add_scaled(&b, 2.0)?.sum()?,
        a.floor()?.sum()?,
    ];
    for y in &saves_nothing {
        y.backward()?;
        y.backward()?;
    }
    let saves = [
        a.mul(&b)?.sum()?,
        a.mul(2.0)?.sum()?,
        a.div(2.0)?.sum()?,
        a.exp()?.sum()?,
        a.relu()?.sum()?,
        a.pow(1.0)?.sum()?,
        a.abs()?.sum()?,
        a.where_(&a.gt(1.0)?, &b)?.sum()?,
        a.matmul(&b)?,
    ];
    for y in &saves {
        y.backward()?;
        let e = y.backward().unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Autograd);
        assert_eq!(
            e.message(),
            "Trying to backward through the graph a second time (or directly access saved tensors after they have already been freed). Saved intermediate values of the graph are freed when you call .backward() or autograd.grad(). Specify retain_graph=True if you need to backward through the graph a second time or if you need to access saved tensors after calling backward."
        );
    }
    Ok(())
}

#[test]
fn retained_graphs_are_walked_again_and_then_freed() -> Result<()> {
    let x = leaf(&[3.0]);
    let y = x.mul(&x)?.mul(&x)?.sum()?;
    y.backward_with(None, RETAIN)?;
    y.backward_with(None, RETAIN)?;
    y.backward()?;
    assert_eq!(grad_of(&x), [81.0]);
    assert!(y.backward().is_err());
    assert_eq!(grad_of(&x), [81.0], "a failed backward adds nothing");
    // A graph that shares a freed part with another.
    let h = x.exp()?;
    let (p, q) = (h.mul(2.0)?.sum()?, h.mul(3.0)?.sum()?);
    p.backward()?;
    let e = q.backward().unwrap_err();
    assert_eq!(e.op_name(), Some("exp"));
    Ok(())
}

#[test]
fn order_three() -> Result<()> {
    let x = leaf(&[2.0]);
    let mut y = x.pow(3.0)?;
    for expected in [12.0, 12.0, 6.0] {
        y = grad(&[(&y, None)], &[&x], CREATE)?.remove(0).unwrap();
        assert_eq!(y.to_f64_vec()?, [expected]);
    }
    // g ← ∂/∂x Σ g², three times, through tanh and exp.
    let x = leaf(&[0.7, -0.3]);
    let mut y = x.tanh()?.mul(&x.exp()?)?.sum()?;
    for expected in [
        [2.495255815343478, 0.46214044452194614],
        [11.12109686760426, 1.4188464294032672],
        [294.33302422589236, 18.59938674767277],
    ] {
        let g = grad(&[(&y, None)], &[&x], CREATE)?.remove(0).unwrap();
        for (a, b) in g.to_f64_vec()?.iter().zip(expected) {
            assert!((a - b).abs() <= 1e-13 * b.abs(), "{a} {b}");
        }
        y = g.mul(&g)?.sum()?;
    }
    Ok(())
}

#[test]
fn create_graph_puts_differentiable_gradients_into_grad() -> Result<()> {
    let x = leaf(&[2.0]);
    x.mul(&x)?.sum()?.backward_with(None, CREATE)?;
    let g = x.grad().unwrap();
    assert!(g.requires_grad());
    g.mul(&g)?.sum()?.backward()?; // adds d(4x²)/dx = 16 to the 4 that is there
    assert_eq!(grad_of(&x), [20.0]);
    // Adding with create_graph replaces the tensor: an old handle keeps its numbers.
    let x = leaf(&[2.0]);
    x.mul(&x)?.sum()?.backward()?;
    let old = x.grad().unwrap();
    x.mul(&x)?.sum()?.backward_with(None, CREATE)?;
    assert_eq!((old.to_f64_vec()?, grad_of(&x)), (vec![4.0], vec![8.0]));
    x.zero_grad();
    Ok(())
}

#[test]
fn grad_by_intermediate_unused_repeated_and_own_inputs() -> Result<()> {
    let (x, unused) = (leaf(&[2.0, 3.0]), leaf(&[1.0]));
    let h = x.mul(&x)?;
    let k = h.exp()?;
    let y = k.mul(&h)?.sum()?;
    let inputs = [&h, &k, &x, &unused, &x];
    let e = grad(&[(&y, None)], &inputs, RETAIN).unwrap_err();
    assert_eq!(
        e.message(),
        "The differentiated Tensor at index 3 appears to not have been used in the graph. Set allow_unused=True if this is the desired behavior."
    );
    let allowed = RETAIN.allow_unused(true);
    let g = grad(&[(&y, None)], &inputs, allowed)?;
    let value = |i: usize| g[i].as_ref().unwrap().to_f64_vec().unwrap();
    assert!((value(0)[0] - 272.9907501657212).abs() < 1e-12);
    assert_eq!(value(1), [4.0, 9.0]);
    assert!((value(2)[1] - 486185.03565452306).abs() < 1e-9);
    assert!(g[3].is_none());
    let zeros = RETAIN.materialize_grads(true);
    let filled = grad(&[(&y, None)], &[&unused], zeros)?.remove(0).unwrap();
    assert_eq!(filled.to_f64_vec()?, [0.0]);
    let e = grad(&[(&y, None)], &[], RETAIN).unwrap_err();
    assert_eq!(
        e.message(),
        "`inputs` argument to `grad()` cannot be empty."
    );
    assert_eq!(value(2), value(4));
    assert!(
        x.grad().is_none() && unused.grad().is_none(),
        "grad() leaves `.grad` alone"
    );
    // The output itself, as a result and as a leaf.
    let own = grad(&[(&y, None)], &[&y], RETAIN)?.remove(0).unwrap();
    assert_eq!(own.item_f64()?, 1.0);
    let own = grad(&[(&x, Some(&plain(&[5.0, 7.0])))], &[&x], ONCE)?
        .remove(0)
        .unwrap();
    assert_eq!(own.to_f64_vec()?, [5.0, 7.0]);
    Ok(())
}

#[test]
fn grad_of_several_outputs() -> Result<()> {
    let x = leaf(&[2.0, 3.0]);
    let y = x.mul(&x)?.sum()?;
    let z = x.mul(&plain(&[10.0, 20.0]))?;
    let g = grad(
        &[(&y, None), (&z, Some(&plain(&[1.0, 100.0])))],
        &[&x],
        ONCE,
    )?;
    assert_eq!(g[0].as_ref().unwrap().to_f64_vec()?, [14.0, 2006.0]);
    Ok(())
}

#[test]
fn grad_visits_and_frees_only_what_leads_to_the_inputs() -> Result<()> {
    let (x, w) = (leaf(&[2.0]), leaf(&[3.0]));
    let (a, b) = (x.exp()?, w.exp()?);
    let y = a.mul(&b)?.sum()?;
    grad(&[(&y, None)], &[&a], RETAIN)?;
    grad(&[(&y, None)], &[&x], ONCE)?;
    // exp(w) was not on the way, so what it saved is still there; the product's is not.
    assert!(b.sum()?.backward().is_ok());
    assert!(y.backward().is_err());
    Ok(())
}

#[test]
fn leaves_as_roots() -> Result<()> {
    let x = Tensor::scalar(3.0f64).requires_grad_(true)?;
    x.backward()?;
    x.backward()?;
    assert_eq!(grad_of(&x), [2.0]);
    let one = leaf(&[3.0]).reshape([1, 1])?;
    one.backward()?; // one element, whatever the shape
    Ok(())
}

#[test]
fn fan_out_is_the_sum() -> Result<()> {
    for uses in [1u32, 2, 16, 17, 20, 1000] {
        let x = leaf(&[1.5, -2.0]);
        let h = x.mul(1.0)?;
        let mut y = h.mul(1.0)?;
        for k in 2..=uses {
            y = y.add(&h.mul(f64::from(k))?)?;
        }
        y.sum()?.backward()?;
        let sum = f64::from(uses) * f64::from(uses + 1) / 2.0;
        assert_eq!(grad_of(&x), [sum, sum], "{uses} uses");
    }
    // All waiting at once: a thousand branches side by side below one cat.
    let x = leaf(&[1.0]);
    let h = x.mul(1.0)?;
    let branches = (0..1000)
        .map(|k| h.mul(f64::from(k)))
        .collect::<Result<Vec<_>>>()?;
    let all = pullback::cat(&branches.iter().collect::<Vec<_>>(), 0)?;
    all.sum()?.backward()?;
    assert_eq!(grad_of(&x), [499_500.0]);
    Ok(())
}

/// 1 arrives first, then -1e8, then 1e8: (1 - 1e8) + 1e8 is 0 in float32, any other order gives 1.
#[test]
fn three_contributions_add_in_pytorchs_order() -> Result<()> {
    let through = |deep: bool| -> Result<Vec<f64>> {
        let x = leaf32(&[0.5]);
        let h = if deep { x.mul(1.0)? } else { x.clone() };
        let y = (h.mul(1e8)?.add(&h.mul(-1e8)?)?).add(&h.mul(1.0)?)?;
        y.sum()?.backward()?;
        Ok(grad_of(&x))
    };
    assert_eq!(through(false)?, [0.0]);
    assert_eq!(through(true)?, [0.0]);
    Ok(())
}

#[test]
fn broadcasting_sums_back() -> Result<()> {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let y = Tensor::from_slice(&[1.0f64, 2.0], [2, 1])?.requires_grad_(true)?;
    let z = Tensor::scalar(2.0f64).requires_grad_(true)?;
    x.mul(&y)?.mul(&z)?.sum()?.backward()?;
    assert_eq!(grad_of(&x), [6.0, 6.0, 6.0]);
    assert_eq!(grad_of(&y), [12.0, 12.0]);
    assert_eq!(grad_of(&z), [18.0]);
    assert_eq!(y.grad().unwrap().shape()[..], [2, 1]);
    assert!(z.grad().unwrap().shape().is_empty());
    // A gradient of stride 0 is gathered into memory of its own, and may be added to.
    let w = leaf(&[1.0, 2.0]);
    w.exp()?.sum()?.mul(0.0)?.add(&w.sum()?)?.backward()?;
    w.sum()?.backward()?;
    w.grad().unwrap().mul_(2.0)?;
    assert_eq!(grad_of(&w), [4.0, 4.0]);
    Ok(())
}
