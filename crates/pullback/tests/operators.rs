//! Operators are the methods, with a panic at the caller's line instead of an error; and programs put together at random
//! have one gradient, whichever way it is computed.

mod made;

use made::plain;
use proptest::prelude::*;
use pullback::{DType, Program, Replay, Result, Tensor, jvp};
use std::panic::{AssertUnwindSafe, catch_unwind};

#[test]
fn all_forms() -> Result<()> {
    let (a, b) = (plain(&[6.0, 8.0]), plain(&[2.0, 4.0]));
    let both = [
        [&a + &b, &a - &b, &a * &b, &a / &b],
        [
            a.clone() + &b,
            a.clone() - &b,
            a.clone() * &b,
            a.clone() / &b,
        ],
        [
            &a + b.clone(),
            &a - b.clone(),
            &a * b.clone(),
            &a / b.clone(),
        ],
        [
            a.clone() + b.clone(),
            a.clone() - b.clone(),
            a.clone() * b.clone(),
            a.clone() / b.clone(),
        ],
    ];
    for row in both {
        let values: Vec<Vec<f64>> = row.iter().map(|t| t.to_f64_vec().unwrap()).collect();
        assert_eq!(
            values,
            [
                vec![8.0, 12.0],
                vec![4.0, 4.0],
                vec![12.0, 32.0],
                vec![3.0, 2.0]
            ]
        );
    }
    assert_eq!((24.0 / &a - 1.0).to_f64_vec()?, [3.0, 2.0]);
    assert_eq!((1 - a.clone() * 2).to_f64_vec()?, [-11.0, -15.0]);
    assert_eq!((-&a + 0.5).to_f64_vec()?, [-5.5, -7.5]);
    // Numbers take part in promotion as in PyTorch.
    let ints = Tensor::from_slice(&[1i32, 2], [2])?;
    assert_eq!((2i64 * &ints).dtype(), DType::I32);
    assert_eq!((2.0 * &ints).dtype(), DType::F32);
    assert_eq!((1 / &ints).to_f64_vec()?, [1.0, 0.5]);
    assert_eq!((2.0 * a.to(DType::F32)?).dtype(), DType::F32);
    Ok(())
}

#[test]
fn failures_panic_with_the_methods_text() {
    let (a, b) = (plain(&[1.0, 2.0]), plain(&[1.0, 2.0, 3.0]));
    let line = line!() + 1;
    let text = catch_unwind(AssertUnwindSafe(|| &a * &b)).unwrap_err();
    let text = text.downcast_ref::<String>().unwrap();
    let mut lines = text.lines();
    assert_eq!(
        lines.next(),
        Some(
            "The size of tensor a (2) must match the size of tensor b (3) at non-singleton dimension 0"
        )
    );
    let at = lines.next().unwrap();
    assert!(
        at.trim().starts_with("op: mul at ") && at.contains(&format!("operators.rs:{line}:")),
        "{text}"
    );
    let bools = Tensor::from_slice(&[true], [1]).unwrap();
    let text = catch_unwind(AssertUnwindSafe(|| -&bools)).unwrap_err();
    assert!(
        text.downcast_ref::<String>()
            .unwrap()
            .starts_with("Negation, the `-` operator, on a bool tensor is not supported.")
    );
}

/// One step of a random program: which operation, on which earlier values.
#[derive(Clone, Copy, Debug)]
struct Step {
    op: u8,
    a: usize,
    b: usize,
}

const OPS: u8 = 18;

/// Runs the steps on a pool of [2, 3] tensors that starts with the inputs; in place where asked (on a fresh copy).
fn run(steps: &[Step], inputs: &[Tensor], in_place: bool) -> Result<Tensor> {
    let mut pool = inputs.to_vec();
    for s in steps {
        let (a, b) = (&pool[s.a % pool.len()], &pool[s.b % pool.len()]);
        let written = |f: &dyn Fn(&Tensor) -> Result<()>, out: &dyn Fn() -> Result<Tensor>| {
            if !in_place {
                return out();
            }
            let c = a.copy()?;
            f(&c).map(|()| c)
        };
        let row = |t: &Tensor| t.select(0, 0);
        pool.push(match s.op {
            0 => written(&|c| c.add_(b), &|| a.add(b))?,
            1 => written(&|c| c.sub_(b), &|| a.sub(b))?,
            2 => written(&|c| c.mul_(b), &|| a.mul(b))?,
            3 => written(&|c| c.add_scaled_(b, 0.5), &|| a.add_scaled(b, 0.5))?,
            4 => written(&|c| c.set(0, &row(b)?), &|| {
                pullback::cat(&[&b.narrow(0, 0, 1)?, &a.narrow(0, 1, 1)?], 0)
            })?,
            5 => written(&|c| c.t()?.select(0, 1)?.fill_(0.25), &|| {
                let quarter = Tensor::full([2, 1], 0.25, DType::F64)?;
                pullback::cat(&[&a.narrow(1, 0, 1)?, &quarter, &a.narrow(1, 2, 1)?], 1)
            })?,
            6 => written(&|c| c.narrow(1, 1, 2)?.mul_(&b.narrow(1, 0, 2)?), &|| {
                let right = a.narrow(1, 1, 2)?.mul(&b.narrow(1, 0, 2)?)?;
                pullback::cat(&[&a.narrow(1, 0, 1)?, &right], 1)
            })?,
            7 => a.tanh()?,
            8 => a.sin()?.mul(b)?,
            9 => a.sigmoid()?,
            10 => a.relu()?,
            11 => a.maximum(b)?,
            12 => a.softmax(1)?,
            13 => a.matmul(&b.t()?)?.matmul(a)?.tanh()?,
            14 => a.sum_dims(&[1], true)?.mul(b)?.tanh()?,
            15 => a.reshape([3, 2])?.t()?.mul(0.5)?,
            16 => b.where_(&a.gt(0.0)?, a)?,
            _ => a.cos()?.div(&b.mul(b)?.add(1.0)?)?,
        });
    }
    let last = pool.last().unwrap();
    last.mul(&plain(&[1.0, -2.0, 0.5, 3.0, -0.25, 1.5]).reshape([2, 3])?)?
        .sum()
}

fn close(a: f64, b: f64) -> bool {
    (a - b).abs() <= 1e-9 * (1.0 + a.abs().max(b.abs()))
}

/// f(inputs) and the gradient by each, in reverse.
fn reverse(
    f: impl Fn(&[Tensor]) -> Result<Tensor>,
    inputs: &[Tensor],
) -> Result<(f64, Vec<Vec<f64>>)> {
    let leaves = inputs
        .iter()
        .map(|t| t.copy()?.requires_grad_(true))
        .collect::<Result<Vec<_>>>()?;
    let y = f(&leaves)?;
    if y.requires_grad() {
        y.backward()?;
    }
    let grads = leaves.iter().map(|x| match x.grad() {
        Some(g) => g.to_f64_vec(),
        None => Ok(vec![0.0; x.numel()]),
    });
    Ok((y.item_f64()?, grads.collect::<Result<_>>()?))
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn random_programs_have_one_gradient(
        steps in prop::collection::vec((0..OPS, 0usize..12, 0usize..12), 1..11),
        data in prop::collection::vec(-2.0f64..2.0, 24),
    ) {
        let steps: Vec<Step> = steps.into_iter().map(|(op, a, b)| Step { op, a, b }).collect();
        let tensor = |k: usize| plain(&data[6 * k..6 * k + 6]).reshape([2, 3]).unwrap();
        let (inputs, tangents) = ([tensor(0), tensor(1)], [tensor(2), tensor(3)]);
        let (value, grads) = reverse(|x| run(&steps, x, false), &inputs).unwrap();

        // In place: the same numbers, but that results may lie in another order, in which they are summed.
        let (written, written_grads) = reverse(|x| run(&steps, x, true), &inputs).unwrap();
        prop_assert!(close(value, written), "in place {written}, else {value}");
        for (a, b) in grads.iter().flatten().zip(written_grads.iter().flatten()) {
            prop_assert!(close(*a, *b), "in place {b}, else {a}");
        }

        for in_place in [false, true] {
            // Forward mode along a direction: the gradient's product with it.
            let (y, dy) = jvp(|x| run(&steps, x, in_place), &[&inputs[0], &inputs[1]], &[&tangents[0], &tangents[1]]).unwrap();
            let along: f64 = (0..2)
                .map(|k| tangents[k].to_f64_vec().unwrap().iter().zip(&grads[k]).map(|(t, g)| t * g).sum::<f64>())
                .sum();
            prop_assert!(y.item_f64().unwrap().to_bits() == value.to_bits());
            prop_assert!(close(dy.item_f64().unwrap(), along), "forward {dy}, reverse {along}");

            // A recording made elsewhere, replayed here: same value, same gradient, plain and with its decisions frozen.
            let elsewhere = [tensor(2), tensor(3)];
            let (program, _) = Program::snapshot(&[&elsewhere[0], &elsewhere[1]], |x| Ok(vec![run(&steps, x, in_place)?])).unwrap();
            let again = |how: Replay, p: &Program| reverse(|x| Ok(p.replay(&[&x[0], &x[1]], how)?.remove(0)), &inputs).unwrap();
            let (here, _) = Program::snapshot(&[&inputs[0], &inputs[1]], |x| Ok(vec![run(&steps, x, in_place)?])).unwrap();
            for (v, g) in [again(Replay::default(), &program), again(Replay { float: None, frozen: true }, &here)] {
                prop_assert!(close(v, value), "replayed {v}, else {value}");
                for (a, b) in grads.iter().flatten().zip(g.iter().flatten()) {
                    prop_assert!(close(*a, *b), "replayed {b}, else {a}");
                }
            }
        }
    }
}
