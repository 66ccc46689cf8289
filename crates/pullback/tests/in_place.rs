//! In-place writes: who sees the new history, what becomes stale, what is refused. Expected numbers are PyTorch 2.15's.

mod made;

use made::{grad_of, leaf, plain};
use pullback::{DType, ErrorKind, Result, Tensor, no_grad};

/// Σ x·weights.
fn weigh(x: &Tensor, weights: &[f64]) -> Result<Tensor> {
    x.mul(&Tensor::from_slice(weights, x.shape().clone())?)?
        .sum()
}

const W4: [f64; 4] = [1.0, 10.0, 100.0, 1000.0];

#[test]
fn every_handle_sees_a_write() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(2.0)?;
    let handle = b.clone();
    handle.mul_(&x)?;
    weigh(&b, &[1.0, 10.0])?.backward()?;
    assert_eq!(grad_of(&x), [4.0, 80.0]);
    assert!(b.is(&handle) && b.version() == 1);
    Ok(())
}

#[test]
fn a_base_written_through_a_view() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0, 3.0, 4.0]), leaf(&[5.0, 6.0]));
    let b = x.mul(2.0)?;
    b.narrow(0, 1, 2)?.mul_(&y)?;
    assert_eq!(b.to_f64_vec()?, [2.0, 20.0, 36.0, 8.0]);
    weigh(&b, &W4)?.backward()?;
    assert_eq!(grad_of(&x), [2.0, 100.0, 1200.0, 2000.0]);
    assert_eq!(grad_of(&y), [40.0, 600.0]);
    Ok(())
}

#[test]
fn a_view_read_after_its_base_was_written() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0, 3.0, 4.0]), leaf(&[5.0]));
    let b = x.mul(2.0)?;
    let v = b.narrow(0, 1, 2)?;
    b.mul_(&y)?;
    weigh(&v, &[1.0, 10.0])?.backward()?;
    assert_eq!(grad_of(&x), [0.0, 10.0, 100.0, 0.0]);
    assert_eq!(grad_of(&y), [64.0]);
    Ok(())
}

#[test]
fn a_view_of_a_view() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0, 3.0, 4.0]), leaf(&[5.0]));
    let b = x.mul(2.0)?;
    let m = b.narrow(0, 1, 3)?;
    m.narrow(0, 1, 2)?.mul_(&y)?;
    weigh(&b, &W4)?.add(&m.mul(&m)?.sum()?)?.backward()?;
    assert_eq!(grad_of(&x), [2.0, 36.0, 1600.0, 10800.0]);
    assert_eq!(grad_of(&y), [9600.0]);
    Ok(())
}

#[test]
fn overlapping_views() -> Result<()> {
    let (x, p, q) = (leaf(&[1.0, 2.0, 3.0, 4.0]), leaf(&[5.0]), leaf(&[7.0]));
    let b = x.mul(2.0)?;
    let (u, v) = (b.narrow(0, 0, 3)?, b.narrow(0, 1, 3)?);
    u.mul_(&p)?;
    v.mul_(&q)?;
    let y = weigh(&u, &[1.0, 2.0, 3.0])?.add(&weigh(&v, &[10.0, 20.0, 30.0])?)?;
    y.add(&weigh(&b, &W4)?)?.backward()?;
    assert_eq!(b.to_f64_vec()?, [10.0, 140.0, 210.0, 56.0]);
    assert_eq!(grad_of(&x), [20.0, 1540.0, 8610.0, 14420.0]);
    assert_eq!((grad_of(&p), grad_of(&q)), (vec![5786.0], vec![12370.0]));
    Ok(())
}

#[test]
fn an_expanded_and_a_transposed_view() -> Result<()> {
    let (x, p) = (leaf(&[1.0, 2.0]), leaf(&[5.0]));
    let b = x.mul(2.0)?;
    let e = b.expand([3, 2])?;
    b.mul_(&p)?;
    weigh(&e, &[1.0, 10.0, 100.0, 1000.0, 1e4, 1e5])?.backward()?;
    assert_eq!(grad_of(&x), [101010.0, 1010100.0]);
    assert_eq!(grad_of(&p), [424242.0]);

    let (x, p) = (leaf(&[1.0, 2.0, 3.0, 4.0]), leaf(&[5.0, 6.0]));
    let b = x.mul(2.0)?.reshape([2, 2])?;
    let t = b.t()?;
    t.select(0, 0)?.mul_(&p)?;
    weigh(&b, &W4)?.add(&t.mul(&t)?.sum()?)?.backward()?;
    assert_eq!(grad_of(&x), [210.0, 36.0, 2064.0, 2032.0]);
    assert_eq!(grad_of(&p), [42.0, 1032.0]);
    Ok(())
}

#[test]
fn views_of_a_plain_buffer_taken_before_it_had_a_history() -> Result<()> {
    let r = leaf(&[7.0, 8.0]);
    let b = plain(&[0.0; 3]);
    let (first, last) = (b.select(0, 0)?, b.select(0, 2)?);
    first.copy_(&r.select(0, 1)?)?;
    last.copy_(&r.select(0, 0)?.mul(&r.select(0, 1)?)?)?;
    b.set(0, &r.select(0, 0)?)?;
    assert!(b.requires_grad() && !b.is_leaf());
    weigh(&b, &[1.0, 10.0, 100.0])?.backward()?;
    assert_eq!(b.to_f64_vec()?, [7.0, 0.0, 56.0]);
    assert_eq!(grad_of(&r), [801.0, 700.0]);
    Ok(())
}

#[test]
fn set_in_two_dimensions() -> Result<()> {
    let x = leaf(&[1.0, 2.0, 3.0, 4.0, 5.0, 6.0]);
    let (r, s) = (leaf(&[7.0, 8.0, 9.0]), leaf(&[0.5]));
    let b = x.mul(2.0)?.reshape([2, 3])?;
    b.set(0, &r)?;
    b.select(0, 1)?.set(2, &s.select(0, 0)?)?;
    b.select(0, -1)?.set(0, 4.0)?;
    weigh(&b.mul(&b)?, &[1.0, 2.0, 3.0, 4.0, 5.0, 6.0])?.backward()?;
    assert_eq!(b.to_f64_vec()?, [7.0, 8.0, 9.0, 4.0, 10.0, 0.5]);
    assert_eq!(grad_of(&x), [0.0, 0.0, 0.0, 0.0, 200.0, 0.0]);
    assert_eq!(grad_of(&r), [14.0, 32.0, 54.0]);
    assert_eq!(grad_of(&s), [6.0]);
    Ok(())
}

#[test]
fn copy_and_fill() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0]), leaf(&[3.0, 4.0]));
    let b = x.mul(2.0)?;
    b.copy_(&y.mul(&y)?)?;
    weigh(&b, &[1.0, 10.0])?.backward()?;
    assert_eq!(grad_of(&x), [0.0, 0.0]);
    assert_eq!(grad_of(&y), [6.0, 80.0]);

    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(2.0)?;
    b.fill_(3.0)?;
    b.mul_(&x)?;
    b.sum()?.backward()?;
    assert_eq!(grad_of(&x), [3.0, 3.0]);

    // Broadcast and converted, forward and back.
    let y = Tensor::from_slice(&[3.0f32], [1])?.requires_grad_(true)?;
    let b = Tensor::zeros([2, 2], DType::F64)?;
    b.copy_(&y)?;
    weigh(&b, &W4)?.backward()?;
    let g = y.grad().unwrap();
    assert_eq!((g.dtype(), g.to_f64_vec()?), (DType::F32, vec![1111.0]));
    Ok(())
}

#[test]
fn operands_that_share_memory_read_the_old_values() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(1.0)?;
    b.add_(&b)?;
    b.sum()?.backward()?;
    assert_eq!(
        (b.to_f64_vec()?, grad_of(&x)),
        (vec![2.0, 4.0], vec![2.0, 2.0])
    );

    // PyTorch refuses the next one (a stale save); the numbers are those of the copy it asks for.
    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(1.0)?;
    b.mul_(&b)?;
    b.sum()?.backward()?;
    assert_eq!(
        (b.to_f64_vec()?, grad_of(&x)),
        (vec![1.0, 4.0], vec![2.0, 4.0])
    );

    // Operands that share some of the memory are refused.
    for product in [false, true] {
        let b = leaf(&[1.0, 2.0, 3.0, 4.0]).mul(1.0)?.reshape([2, 2])?;
        let e = match product {
            true => b.mul_(&b.t()?),
            false => b.add_(&b.t()?),
        };
        assert_eq!(
            e.unwrap_err().message(),
            "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation."
        );
        assert_eq!(b.version(), 0);
    }
    Ok(())
}

#[test]
fn elements_of_one_tensor_computed_from_each_other() -> Result<()> {
    let x = leaf(&[1.0, 2.0, 3.0]);
    let b = x.mul(1.0)?;
    let at = |i| b.select(0, i).and_then(|t| t.copy());
    b.set(1, &at(0)?.mul(&at(2)?)?)?;
    b.set(0, &at(1)?.mul(&at(1)?)?)?;
    b.sum()?.backward()?; // (x₀x₂)² + x₀x₂ + x₂
    assert_eq!(b.to_f64_vec()?, [9.0, 3.0, 3.0]);
    assert_eq!(grad_of(&x), [21.0, 0.0, 8.0]);
    Ok(())
}

#[test]
fn writes_through_detach_change_numbers_but_no_history() -> Result<()> {
    let (x, w) = (leaf(&[1.0, 2.0]), leaf(&[5.0, 6.0]));
    let z = x.mul(3.0)?;
    let d = z.detach();
    d.mul_(&w)?;
    assert!(d.requires_grad());
    assert_eq!(z.to_f64_vec()?, [15.0, 36.0]);
    z.sum()?.backward()?;
    assert_eq!(grad_of(&x), [3.0, 3.0]);
    assert!(w.grad().is_none());

    let z = x.exp()?;
    z.detach().add_(1.0)?;
    assert_eq!(
        z.sum()?.backward().unwrap_err().kind(),
        ErrorKind::StaleSave
    );
    Ok(())
}

#[test]
fn an_untracked_write_keeps_the_old_history() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(2.0)?;
    {
        let _off = no_grad();
        b.mul_(10.0)?;
    }
    weigh(&b, &[1.0, 10.0])?.backward()?;
    assert_eq!(
        (b.to_f64_vec()?, grad_of(&x)),
        (vec![20.0, 40.0], vec![2.0, 20.0])
    );
    Ok(())
}

#[test]
fn updates_under_no_grad() -> Result<()> {
    let p = leaf(&[1.0, 2.0]);
    p.mul(&p)?.sum()?.backward()?;
    let _off = no_grad();
    p.sub_scaled_(&p.grad().unwrap(), 0.25)?;
    assert_eq!((p.to_f64_vec()?, p.version()), (vec![0.5, 1.0], 1));
    p.set(0, 7.0)?;
    p.select(0, 1)?.add_(1.0)?;
    assert_eq!((p.to_f64_vec()?, p.version()), (vec![7.0, 2.0], 3));
    assert!(p.is_leaf() && p.requires_grad());
    Ok(())
}

#[test]
fn a_hundred_steps() -> Result<()> {
    let x = leaf(&[0.5, 0.25]);
    let run = |in_place: bool| -> Result<(Vec<f64>, Vec<f64>)> {
        x.zero_grad();
        let mut y = x.mul(1.0)?;
        for _ in 0..100 {
            if in_place {
                y.mul_(&x.cos()?)?;
                y.add_(&x)?;
            } else {
                y = y.mul(&x.cos()?)?.add(&x)?;
            }
        }
        y.sum()?.backward()?;
        Ok((y.to_f64_vec()?, grad_of(&x)))
    };
    let ((y, g), other) = (run(true)?, run(false)?);
    assert_eq!((&y, &g), (&other.0, &other.1));
    let close =
        |a: &[f64], b: [f64; 2]| (a.iter().zip(b)).all(|(a, b)| (a - b).abs() <= 1e-13 * b.abs());
    assert!(close(&y, [4.084377783048358, 7.710597440137032]), "{y:?}");
    assert!(
        close(&g, [-7.826542404238053, -21.979292259887593]),
        "{g:?}"
    );
    Ok(())
}

#[test]
fn many_small_writes_into_one_buffer() -> Result<()> {
    let x = leaf(&[2.0]);
    let n = 300;
    let b = Tensor::zeros([n], DType::F64)?;
    b.set(0, &x.select(0, 0)?)?;
    for k in 1..n as i64 {
        b.set(k, &b.select(0, k - 1)?.copy()?.mul(1.0)?)?;
    }
    b.sum()?.backward()?;
    assert_eq!(grad_of(&x), [n as f64]);
    Ok(())
}

/// Zeros go back to what a part held before, but through the part alone.
#[test]
fn an_overwritten_part() -> Result<()> {
    let (x, y) = (leaf(&[1.0, 2.0]), leaf(&[5.0]));
    let b = x.copy()?;
    let v = b.narrow(0, 0, 1)?;
    v.copy_(&y)?;
    v.sum()?.backward()?;
    assert_eq!((grad_of(&x), grad_of(&y)), (vec![0.0, 0.0], vec![1.0]));
    weigh(&b, &[3.0, 10.0])?.backward()?;
    assert_eq!((grad_of(&x), grad_of(&y)), (vec![0.0, 10.0], vec![4.0]));
    Ok(())
}

#[test]
fn detached_in_place() -> Result<()> {
    let x = leaf(&[1.0, 2.0]);
    let b = x.mul(1.0)?;
    let (handle, v, before) = (b.clone(), b.narrow(0, 0, 1)?, b.mul(3.0)?);
    assert!(
        v.detach_()
            .unwrap_err()
            .message()
            .starts_with("Can't detach views in-place.")
    );
    b.detach_()?;
    assert!(!b.requires_grad() && !handle.requires_grad() && b.is_leaf());
    assert!(v.requires_grad());
    assert!(!b.mul(2.0)?.requires_grad());
    before.sum()?.backward()?;
    assert_eq!(grad_of(&x), [3.0, 3.0]);
    Ok(())
}
