//! Checked functions see leaves and may differentiate inside; a function that leaves nothing to check is unknown.

use pullback::check::{Check, Status, Verdict};
use pullback::{BackwardOptions, DType, Result, Tensor, func, grad};

type Inside = fn(&[Tensor]) -> Result<Tensor>;

fn point(dtype: DType) -> Result<Tensor> {
    Tensor::from_slice(&[1.3f64, -0.7, 0.4], [3])?.to(dtype)
}

fn cubed(x: &Tensor) -> Result<Tensor> {
    cubes(std::slice::from_ref(x))
}

fn cubes(x: &[Tensor]) -> Result<Tensor> {
    x[0].pow(3)?.sum()
}

fn by_engine(x: &[Tensor], create_graph: bool) -> Result<Tensor> {
    let options = BackwardOptions::NEW
        .create_graph(create_graph)
        .retain_graph(true);
    let y = cubes(x)?;
    Ok(grad(&[(&y, None)], &[&x[0]], options)?.remove(0).unwrap())
}

fn ones(x: &Tensor) -> Result<Tensor> {
    Tensor::ones([3], x.dtype())
}

const RIGHT: [(&str, Inside); 9] = [
    ("leaf", |x| {
        assert!(x[0].requires_grad() && x[0].is_leaf());
        x[0].square()
    }),
    ("grad", |x| by_engine(x, true)),
    ("func::grad", |x| func::grad(cubed, &x[0])),
    ("twice", |x| {
        let first = |x: &Tensor| func::grad(cubed, x)?.sin()?.sum();
        func::grad(first, &x[0])
    }),
    ("vjp", |x| {
        let (_, pull) = func::vjp(|x| x.pow(3), &x[0])?;
        pull.call(&ones(&x[0])?)
    }),
    ("jvp", |x| {
        Ok(func::jvp(|x| x.pow(3), &x[0], &ones(&x[0])?)?.1)
    }),
    ("jacrev", |x| {
        func::jacrev(|x| x.exp()?.mul(&x.sum()?), &x[0])
    }),
    ("jacfwd", |x| {
        func::jacfwd(|x| x.exp()?.mul(&x.sum()?), &x[0])
    }),
    ("hvp", |x| Ok(func::hvp(cubed, &x[0], &ones(&x[0])?)?.1)),
];

const WRONG: [(&str, Inside); 3] = [
    ("no graph", |x| x[0].mul(&by_engine(x, false)?)),
    ("no_grad", |x| {
        let factor = {
            let _off = pullback::no_grad();
            x[0].exp()?
        };
        x[0].mul(&factor)
    }),
    ("hook", |x| {
        let y = x[0].mul(2.0)?;
        y.register_hook(|g| Ok(Some(g.mul(2.0)?)))?;
        y.square()
    }),
];

#[test]
fn derivatives_taken_inside_are_checked_in_every_mode() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let x = point(dtype)?;
        for (cases, wanted) in [(&RIGHT[..], Status::Pass), (&WRONG[..], Status::Fail)] {
            for &(name, f) in cases {
                let full = Check::new(f, &[&x]).run()?;
                assert_eq!(full.status, wanted, "{name}, {dtype}\n{full}");
                let fast = Check::new(f, &[&x]).examine_at_most(0).run()?;
                assert_eq!(fast.status, wanted, "{name}, {dtype}, fast\n{fast}");
                // The gradient of the inner derivative has one of its own.
                if wanted == Status::Pass {
                    let second = Check::new(f, &[&x]).run_second_order()?;
                    assert_eq!(second.status, wanted, "{name}, {dtype}, second\n{second}");
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_formula_may_ask_the_engine() -> Result<()> {
    let x = point(DType::F64)?;
    let own = |x: &[Tensor]| Ok(vec![by_engine(x, false)?]);
    let report = Check::new(cubes, &[&x]).formula(own).run()?;
    assert_eq!(report.status, Status::Pass, "{report}");
    let off = |x: &[Tensor]| Ok(vec![by_engine(x, false)?.mul(1.0 + 1e-5)?]);
    let report = Check::new(cubes, &[&x]).formula(off).run()?;
    assert_eq!(report.status, Status::Fail, "{report}");
    // Neither the function nor a formula that leaves cannot be given to is refused for it.
    let written = |x: &[Tensor]| {
        let y = x[0].copy()?;
        y.add_(1.0)?;
        x[0].add_(0.0)?;
        y.square()?.sum()
    };
    let by_hand = |x: &[Tensor]| Ok(vec![x[0].add(1.0)?.mul(2.0)?]);
    let report = Check::new(written, &[&x]).formula(by_hand).run()?;
    assert_eq!(report.status, Status::Pass, "{report}");
    Ok(())
}

#[test]
fn what_leaves_nothing_to_check_is_unknown() -> Result<()> {
    let w = point(DType::F64)?.requires_grad_(true)?;
    let loss = || w.square()?.sum();
    for limit in [0, 100] {
        let report = Check::new(|_| loss(), &[&w]).examine_at_most(limit).run()?;
        assert_eq!(report.status, Status::Unknown, "{report}");
        assert!(
            report
                .coordinates
                .iter()
                .all(|c| c.verdict == Verdict::Independent)
        );
        assert!(
            report.to_string().contains("give that one as an input"),
            "{report}"
        );
        let constant = Check::new(|_| Tensor::ones([2], DType::F64), &[&w]);
        let report = constant.examine_at_most(limit).run()?;
        assert_eq!(report.status, Status::Unknown, "{report}");
    }
    let whole = Check::new(|x| x[0].gt(0.0), &[&w]).run()?;
    assert_eq!(whole.status, Status::Unknown);
    assert!(
        whole.to_string().contains("not a floating number"),
        "{whole}"
    );
    let none = Check::new(|x| x[0].narrow(0, 0, 0), &[&w]).run()?;
    assert_eq!(none.status, Status::Unknown);
    assert!(none.to_string().contains("no numbers"), "{none}");
    // Constant here is not the same as independent; an input that is not used beside one that is has the gradient 0.
    let flat = Check::new(|x| x[0].round()?.sum(), &[&w]).run()?;
    assert_eq!(flat.status, Status::Pass, "{flat}");
    let one = Check::new(|x| x[0].square()?.sum(), &[&w, &point(DType::F64)?]).run()?;
    assert_eq!(one.status, Status::Pass, "{one}");
    let cut = Check::new(|x| x[0].detach().sum(), &[&w]).run()?;
    assert_eq!(cut.status, Status::Fail, "{cut}");
    // A linear function has second derivatives: zeros; a function of nothing has none.
    let linear = Check::new(|x| x[0].mul(3.0)?.sum(), &[&w]).run_second_order()?;
    assert_eq!(linear.status, Status::Pass, "{linear}");
    let second = Check::new(|_| loss(), &[&w]).run_second_order()?;
    assert_eq!(second.status, Status::Unknown, "{second}");
    // A wrong claim about a function of nothing is wrong.
    let claimed = Check::new(|_| loss(), &[&w]).gradients(&[&w]).run()?;
    assert_eq!(claimed.status, Status::Fail, "{claimed}");
    Ok(())
}
