//! What recorded programs hold, and what a replay uses at most: one test of the whole process's memory, so it is alone in its file.

use pullback::{Program, Replay, Result, Tensor, memory_use, release_memory};

/// Bytes of one tensor.
const SIZE: usize = 1 << 20;

fn tensor(by: f32) -> Result<Tensor> {
    Tensor::full([SIZE / 4], by, pullback::DType::F32)
}

/// Most bytes in use while `f` runs beyond those before, in tensors, and what stays in use after it.
fn peak<R>(f: impl FnOnce() -> Result<R>) -> Result<(R, usize, usize)> {
    release_memory();
    let before = memory_use().now;
    let result = f()?;
    let used = memory_use();
    let beyond = |bytes: usize| bytes.saturating_sub(before).div_ceil(SIZE);
    Ok((result, beyond(used.peak), beyond(used.now)))
}

#[test]
fn programs_hold_no_copies_and_replays_free_what_is_read_no_more() -> Result<()> {
    if cfg!(pullback_no_pool) {
        return Ok(());
    }
    let (x, w) = (tensor(0.5)?, tensor(2.0)?);
    let depth = 12;
    let f = |x: &Tensor| {
        let mut y = x.clone();
        for _ in 0..depth {
            y = y.mul(&w)?.relu()?.sigmoid()?;
        }
        y.sum()
    };
    // Run alone: what a line of operations holds until its end.
    let (_, alone, _) = peak(|| f(&x))?;
    // Recorded: the weights are held and not copied, and nothing is kept of what gates decide.
    let ((program, _), most, left) = peak(|| Program::trace(&[&x], |x| Ok(vec![f(&x[0])?])))?;
    assert_eq!(most, alone, "tensors while it is recorded");
    assert_eq!(left, 0, "tensors that the program holds");
    assert_eq!(program.constants().len(), 1);
    assert!(program.instructions().iter().all(|i| i.decision.is_none()));
    // Replayed: a value goes after its last use.
    let (_, most, left) = peak(|| program.replay(&[&x], Replay::default()))?;
    assert!(most <= 2, "{most} tensors while it is replayed");
    assert_eq!(left, 0);
    // The same with tangents.
    let (_, most, _) = peak(|| program.jvp(&[&x], &[Some(&x)], Replay::default()))?;
    assert!(most <= 8, "{most} tensors while tangents are pushed");
    // A snapshot has both copies and decisions.
    let ((snapshot, _), _, left) = peak(|| Program::snapshot(&[&x], |x| Ok(vec![f(&x[0])?])))?;
    assert_eq!(left, 1 + depth / 4, "a copy, and masks of a byte each");
    drop(snapshot);
    // An operation that the function writes in place: one copy of what it read before, and no more.
    let state = tensor(1.0)?;
    let ((program, _), _, left) = peak(|| {
        Program::trace(&[&x], |x| {
            let before = state.mul(&x[0])?.sum()?;
            state.add_(&x[0])?;
            state.add_(&x[0])?;
            Ok(vec![before.add(&state.sum()?)?])
        })
    })?;
    assert_eq!(left, 1);
    let n = (SIZE / 4) as f64;
    let again = program.replay(&[&tensor(3.0)?], Replay::default())?;
    assert_eq!(again[0].item_f64()?, 3.0 * n + 7.0 * n);
    Ok(())
}

#[test]
fn constants_are_read_as_they_are() -> Result<()> {
    let (outside, x) = (
        Tensor::from_slice(&[10.0f64, 20.0], [2])?,
        Tensor::from_slice(&[1.0f64, 2.0], [2])?,
    );
    let (program, _) = Program::trace(&[&x], |x| Ok(vec![x[0].mul(&outside)?]))?;
    let now = |p: &Program| -> Result<Vec<f64>> {
        p.replay(&[&x], Replay::default())?[0].to_vec::<f64>()
    };
    assert_eq!(now(&program)?, [10.0, 40.0]);
    outside.mul_(2.0)?;
    assert_eq!(now(&program)?, [20.0, 80.0]);
    // To a recorder around the replay it is the same value, written or not.
    let (outer, _) = Program::trace(&[&outside], |w| {
        let inner = Program::trace(&[&x], |x| Ok(vec![x[0].mul(&w[0])?]))?.0;
        w[0].add_(1.0)?;
        inner.replay(&[&x], Replay::default())
    })?;
    let ones = Tensor::from_slice(&[1.0f64, 1.0], [2])?;
    assert_eq!(
        outer.replay(&[&ones], Replay::default())?[0].to_vec::<f64>()?,
        [2.0, 4.0]
    );
    // Decisions were not asked for.
    let frozen = Replay {
        float: None,
        frozen: true,
    };
    let e = program.replay(&[&x], frozen).unwrap_err();
    assert_eq!(
        e.message(),
        "a frozen replay of a program that was recorded without its decisions"
    );
    Ok(())
}
