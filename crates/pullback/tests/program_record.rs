//! The recorder: writes, views, aliases, constants, nesting, and derivatives of functions that differentiate.

mod made;

use made::{CREATE, plain};
use pullback::{
    BackwardOptions, DType, ErrorKind, Program, Replay, Result, Tensor, grad, jvp, no_grad,
};

/// Traces `f` at one point and replays it at another, beside `f` itself.
fn replayed(f: impl Fn(&Tensor) -> Result<Tensor>, at: &[f64], other: &[f64]) -> Result<()> {
    let (program, out) = Program::snapshot(&[&plain(at)], |x| Ok(vec![f(&x[0])?]))?;
    assert_eq!(out[0].to_f64_vec()?, f(&plain(at))?.to_f64_vec()?);
    let again = program.replay(&[&plain(other)], Replay::default())?;
    assert_eq!(again[0].to_f64_vec()?, f(&plain(other))?.to_f64_vec()?);
    let wide = Replay {
        float: Some(DType::Dd),
        frozen: false,
    };
    let wide = program.replay(&[&plain(other)], wide)?;
    for (a, b) in wide[0].to_f64_vec()?.iter().zip(again[0].to_f64_vec()?) {
        assert!((a - b).abs() <= 1e-12 * (1.0 + b.abs()), "{a} {b}");
    }
    Ok(())
}

#[test]
fn writes_become_values() -> Result<()> {
    let f = |x: &Tensor| {
        let b = x.copy()?;
        let handle = b.clone();
        let (row, all) = (b.reshape([2, 2])?, b.narrow(0, 1, 3)?);
        row.select(0, 1)?.mul_(&x.narrow(0, 0, 2)?)?;
        handle.add_(x)?;
        row.t()?.select(0, 0)?.fill_(7.0)?;
        b.set(3, &all.select(0, 0)?.copy()?)?;
        b.detach().narrow(0, 2, 1)?.mul_(2.0)?; // an alias with a history of its own, over the same memory
        b.add(&row.reshape([4])?)?.mul(&handle)?.add(&all.sum()?)
    };
    replayed(f, &[1.0, 2.0, 3.0, 4.0], &[0.5, -1.5, 2.5, 8.0])?;
    let (program, _) =
        Program::snapshot(&[&plain(&[1.0, 2.0, 3.0, 4.0])], |x| Ok(vec![f(&x[0])?]))?;
    let mut made = vec![false; program.values()];
    program
        .inputs()
        .iter()
        .for_each(|&v| made[v as usize] = true);
    program
        .constants()
        .iter()
        .for_each(|(v, _)| made[*v as usize] = true);
    for i in program.instructions() {
        assert!(
            i.inputs.iter().all(|&v| made[v as usize]),
            "read before it is made"
        );
        assert!(
            !std::mem::replace(&mut made[i.output as usize], true),
            "made twice"
        );
    }
    Ok(())
}

#[test]
fn a_write_to_the_input_itself_is_a_write() -> Result<()> {
    let x = plain(&[1.0, 2.0]);
    let (program, out) = Program::snapshot(&[&x], |x| {
        let y = x[0].exp()?;
        x[0].mul_(3.0)?;
        Ok(vec![x[0].add(&y)?, x[0].clone()])
    })?;
    assert_eq!(x.to_f64_vec()?, [3.0, 6.0], "the memory is the caller's");
    assert_eq!(out[1].to_f64_vec()?, [3.0, 6.0]);
    let again = program.replay(&[&plain(&[0.0, 1.0])], Replay::default())?;
    assert_eq!(again[1].to_f64_vec()?, [0.0, 3.0]);
    assert_eq!(again[0].to_f64_vec()?, [1.0, 1.0f64.exp() + 3.0]);
    Ok(())
}

#[test]
fn inputs_that_share_memory() -> Result<()> {
    let x = plain(&[1.0, 2.0, 3.0]);
    let tail = x.narrow(0, 1, 2)?;
    let (program, out) = Program::snapshot(&[&x, &tail], |x| {
        x[0].mul_(2.0)?;
        Ok(vec![x[1].mul(1.0)?])
    })?;
    assert_eq!(out[0].to_f64_vec()?, [4.0, 6.0]);
    let again = program.replay(
        &[&plain(&[5.0, 6.0, 7.0]), &plain(&[6.0, 7.0])],
        Replay::default(),
    )?;
    assert_eq!(again[0].to_f64_vec()?, [12.0, 14.0]);
    Ok(())
}

#[test]
fn constants_are_what_they_were() -> Result<()> {
    let (outside, x) = (plain(&[10.0, 20.0]), plain(&[1.0, 2.0]));
    let (program, out) = Program::snapshot(&[&x], |x| {
        let noise = Tensor::from_slice(&[0.125f64, 0.25], [2])?; // what a random draw is to the recorder
        Ok(vec![x[0].mul(&outside)?.add(&noise)?])
    })?;
    let expected = out[0].to_f64_vec()?;
    outside.zero_()?;
    drop((outside, out, x));
    let again = program.replay(&[&plain(&[1.0, 2.0])], Replay::default())?;
    assert_eq!(again[0].to_f64_vec()?, expected);
    // A constant that the traced function itself overwrites, and reads before and after.
    let state = plain(&[1.0, 1.0]);
    let step = |x: &Tensor| -> Result<Tensor> {
        let before = state.mul(x)?;
        state.narrow(0, 0, 1)?.add_(&x.narrow(0, 1, 1)?)?;
        before.add(&state)
    };
    let (program, _) = Program::snapshot(&[&plain(&[5.0, 7.0])], |x| Ok(vec![step(&x[0])?]))?;
    let again = program.replay(&[&plain(&[2.0, 3.0])], Replay::default())?;
    assert_eq!(again[0].to_f64_vec()?, [2.0 + 4.0, 3.0 + 1.0]);
    Ok(())
}

#[test]
fn inside_no_grad_and_nested() -> Result<()> {
    let _off = no_grad();
    replayed(|x| x.mul(x)?.sum(), &[1.0, 2.0], &[3.0, 4.0])?;
    // Both recorders see what the inner function does; the outer one knows whose values its inputs are.
    let f = |x: &Tensor| {
        let h = x.mul(2.0)?;
        let (inner, out) = Program::snapshot(&[&h, x], |v| Ok(vec![v[0].exp()?.mul(&v[1])?]))?;
        assert_eq!(inner.instructions().len(), 2);
        out[0].add(&inner.replay(&[&h, &h], Replay::default())?[0])
    };
    replayed(f, &[0.1, 0.2], &[0.3, 0.4])
}

#[test]
fn positions_and_winners_are_found_again() -> Result<()> {
    let (at, other) = ([1.0, 5.0, 2.0], [9.0, 0.5, 4.0]);
    replayed(|x| x.take(&x.argmax(0, true)?), &at, &other)?;
    replayed(|x| x.take(&x.argmax(0, true)?.sub(3i64)?), &at, &other)?;
    // Gradients of gates, taken inside the recorded function.
    let of = |f: fn(&Tensor) -> Result<Tensor>| {
        move |x: &Tensor| {
            let x = x.mul(1.0)?.requires_grad_(true)?;
            Ok(grad(&[(&f(&x)?, None)], &[&x], BackwardOptions::default())?
                .remove(0)
                .unwrap())
        }
    };
    replayed(of(|x| x.amax(&[0], false)?.mul(3.0)), &at, &other)?;
    replayed(
        of(|x| x.maximum(&plain(&[2.0, 2.0, 2.0]))?.mul(x)?.sum()),
        &at,
        &other,
    )?;
    replayed(of(|x| x.sub(3.0)?.relu()?.mul(x)?.sum()), &at, &other)?;
    replayed(of(|x| x.sub(3.0)?.abs()?.mul(x)?.sum()), &at, &other)
}

#[test]
fn other_shapes_are_refused() -> Result<()> {
    let (program, _) = Program::snapshot(&[&plain(&[1.0, 2.0])], |x| Ok(vec![x[0].sum()?]))?;
    for x in [
        plain(&[1.0]),
        plain(&[1.0, 2.0]).reshape([1, 2])?,
        plain(&[1.0, 2.0, 3.0]),
    ] {
        let e = program.replay(&[&x], Replay::default()).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Shape, "{e}");
    }
    let x = plain(&[1.0, 2.0]);
    assert!(program.replay(&[], Replay::default()).is_err());
    assert!(program.replay(&[&x, &x], Replay::default()).is_err());
    assert!(program.jvp(&[&x], &[], Replay::default()).is_err());
    Ok(())
}

#[test]
fn a_write_that_failed_is_not_recorded() -> Result<()> {
    let x = plain(&[1.0]);
    let (program, out) = Program::snapshot(&[&x], |x| {
        let wide = x[0].expand([3])?;
        assert!(wide.add_(1.0).is_err());
        assert!(x[0].add_(&plain(&[1.0, 2.0])).is_err());
        Ok(vec![wide.mul(2.0)?, x[0].exp()?])
    })?;
    assert_eq!(out[0].to_f64_vec()?, [2.0, 2.0, 2.0]);
    let again = program.replay(&[&plain(&[3.0])], Replay::default())?;
    assert_eq!(again[0].to_f64_vec()?, [6.0, 6.0, 6.0]);
    assert_eq!(again[1].to_f64_vec()?, [3.0f64.exp()]);
    Ok(())
}

#[test]
fn an_output_twice_has_its_tangent_twice() -> Result<()> {
    let x = plain(&[3.0]);
    let (program, _) = Program::snapshot(&[&x], |x| {
        let y = x[0].mul(&x[0])?;
        Ok(vec![y.clone(), y, x[0].clone()])
    })?;
    let out = program.jvp(&[&x], &[Some(&plain(&[1.0]))], Replay::default())?;
    let dots: Vec<f64> = out
        .iter()
        .map(|(_, t)| t.as_ref().unwrap().item_f64().unwrap())
        .collect();
    assert_eq!(dots, [6.0, 6.0, 1.0]);
    Ok(())
}

#[test]
fn jvp_of_jvp() -> Result<()> {
    let (x, one) = (plain(&[0.5]), plain(&[1.0]));
    let first = |x: &Tensor| jvp(|x| x.sin()?.mul(x), x, &one).map(|(_, dy)| dy);
    let (dy, d2y) = jvp(first, &x, &one)?;
    let (s, c) = 0.5f64.sin_cos();
    assert!((dy.item_f64()? - (c * 0.5 + s)).abs() < 1e-15);
    assert!((d2y.item_f64()? - (2.0 * c - 0.5 * s)).abs() < 1e-15);
    Ok(())
}

/// Σ sin(x)·eˣ + x₀·x₁·x₂, with a fan-out, so that gradients are added up on the way.
fn f(x: &Tensor) -> Result<Tensor> {
    let at = |i| x.select(0, i);
    x.sin()?
        .mul(&x.exp()?)?
        .sum()?
        .add(&at(0)?.mul(&at(1)?)?.mul(&at(2)?)?)
}

/// Hessian times vector: forward over reverse (with and without a graph of the gradient), and reverse over reverse.
#[test]
fn hessian_vector_products_agree() -> Result<()> {
    let (x, v) = (plain(&[0.3, 0.7, -0.2]), plain(&[1.0, -2.0, 0.5]));
    let leaf = x.copy()?.requires_grad_(true)?;
    let g = grad(&[(&f(&leaf)?, None)], &[&leaf], CREATE)?
        .remove(0)
        .unwrap();
    let expected = grad(&[(&g.mul(&v)?.sum()?, None)], &[&leaf], CREATE)?
        .remove(0)
        .unwrap();
    for (a, b) in expected.to_f64_vec()?.iter().zip([3.3291, -6.2108, 0.9024]) {
        assert!((a - b).abs() < 1e-4, "{a} {b}");
    }
    let same = |hv: &Tensor| {
        let (hv, e) = (hv.to_f64_vec().unwrap(), expected.to_f64_vec().unwrap());
        assert!(
            hv.iter().zip(&e).all(|(a, b)| (a - b).abs() < 1e-13),
            "{hv:?} {e:?}"
        );
    };
    for options in [BackwardOptions::default(), CREATE] {
        let gradient = |x: &Tensor| {
            let x = x.clone().requires_grad_(true)?;
            Ok(grad(&[(&f(&x)?, None)], &[&x], options)?.remove(0).unwrap())
        };
        let (g2, hv) = jvp(gradient, &x, &v)?;
        assert_eq!(g2.to_f64_vec()?, g.to_f64_vec()?);
        same(&hv);
    }
    // By `.grad`, gathered over two backwards and in place on the way.
    let gathered = |x: &Tensor| {
        let x = x.mul(1.0)?.requires_grad_(true)?;
        let half = |k: f64| f(&x)?.mul(k)?.backward();
        half(0.25)?;
        half(0.75)?;
        Ok(x.grad().unwrap())
    };
    same(&jvp(gathered, &x, &v)?.1);
    // Reverse over forward.
    let leaf = x.copy()?.requires_grad_(true)?;
    let (_, dy) = jvp(|x| f(&x[0]), &[&leaf], &[&v])?;
    dy.backward()?;
    same(&leaf.grad().unwrap());
    Ok(())
}

/// What a function captures keeps its history, and is a value to a function traced around it.
#[test]
fn jvp_and_what_the_function_captures() -> Result<()> {
    let (w, x, one) = (
        plain(&[2.0]).requires_grad_(true)?,
        plain(&[3.0]),
        plain(&[1.0]),
    );
    let (_, dy) = jvp(|x| w.mul(&x[0])?.mul(&x[0]), &[&x], &[&one])?; // 2wx
    dy.sum()?.backward()?;
    assert_eq!(w.grad().unwrap().to_f64_vec()?, [6.0]);
    // d/dx (x · d/dy (x·y)) = d/dx x² = 2x, and not x.
    let inner = |x: &Tensor| {
        let (_, d) = jvp(|y| x.mul(y), x, &one)?;
        x.mul(&d)
    };
    assert_eq!(jvp(inner, &x, &one)?.1.to_f64_vec()?, [6.0]);
    // Captured, and overwritten before the function returns.
    let state = w.mul(1.0)?;
    let (y, dy) = jvp(
        |x| {
            let y = state.mul(&x[0])?;
            state.mul_(&x[0])?;
            y.add(&state)
        },
        &[&x],
        &[&one],
    )?;
    assert_eq!((y.to_f64_vec()?, dy.to_f64_vec()?), (vec![12.0], vec![4.0]));
    assert!(jvp(|x| x[0].mul_(2.0).and_then(|()| x[0].exp()), &[&x], &[&one]).is_err());
    Ok(())
}

/// The most memory that this process ever had, in bytes.
fn most_memory() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    Some(1024 * line.split_whitespace().nth(1)?.parse::<usize>().ok()?)
}

/// A replay, with tangents or without, keeps a value until its last use and no longer.
#[test]
fn values_end_with_their_last_use() -> Result<()> {
    const N: usize = 1 << 19; // 4 MB of f64, 400 in a chain
    let chain = |x: &Tensor| -> Result<Tensor> {
        let first = x.mul(1.5)?;
        let mut y = first.clone();
        for _ in 0..100 {
            y = y.add(1.0)?.relu()?;
        }
        y.add(&first)
    };
    let small = plain(&[1.0, -300.0]);
    let x = Tensor::full([N], 1.0f64, pullback::DType::F64)?;
    let (program, out) = Program::snapshot(&[&small], |x| Ok(vec![chain(&x[0])?, x[0].clone()]))?;
    let again = program.replay(&[&small], Replay::default())?;
    assert_eq!(again[0].to_f64_vec()?, out[0].to_f64_vec()?);
    assert_eq!(again[1].to_f64_vec()?, small.to_f64_vec()?);
    let before = most_memory();
    let (y, dot) = pullback::jvp(|x| chain(&x[0]), &[&x], &[&x])?;
    assert_eq!((y.item_at(0)?, dot.item_at(0)?), (103.0, 3.0));
    if let (Some(before), Some(after)) = (before, most_memory()) {
        // Values and tangents of all 201 instructions would be 1.6 GB.
        assert!(after - before < 150 << 20, "{} MB", (after - before) >> 20);
    }
    Ok(())
}

trait ItemAt {
    fn item_at(&self, i: i64) -> Result<f64>;
}

impl ItemAt for Tensor {
    fn item_at(&self, i: i64) -> Result<f64> {
        self.select(0, i)?.item_f64()
    }
}
