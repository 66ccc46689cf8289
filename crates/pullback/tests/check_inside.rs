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

/// Gradients that the user wrote for a function of several numbers: by what comes in, or of their sum.
#[test]
fn gradients_of_vectors_are_judged_by_what_they_say_they_are() -> Result<()> {
    type Backward = fn(&[Tensor], &Tensor) -> Result<Vec<Tensor>>;
    let right: [(&str, Backward); 2] = [
        ("product", |x, g| Ok(vec![x[0].mul(2.0)?.mul(g)?])),
        ("powers", |x, g| Ok(vec![g.mul(2.0)?.mul(&x[0])?])),
    ];
    let wrong: [(&str, Backward); 4] = [
        ("forgets what comes in", |x, _| Ok(vec![x[0].mul(2.0)?])),
        ("adds it up", |x, g| {
            Ok(vec![x[0].mul(2.0)?.mul(&g.sum()?)?])
        }),
        ("turns it round", |x, g| {
            Ok(vec![x[0].mul(2.0)?.mul(&g.flip(&[0])?)?])
        }),
        ("a factor", |x, g| Ok(vec![x[0].mul(g)?])),
    ];
    let square = |x: &[Tensor]| x[0].square();
    let number = |x: &[Tensor]| x[0].square()?.sum();
    for dtype in [DType::F32, DType::F64] {
        let x = point(dtype)?;
        for limit in [0, 100] {
            let of = |f: Backward| {
                let check = Check::new(square, &[&x]).examine_at_most(limit);
                check.backward(f).run()
            };
            for (name, f) in right {
                let report = of(f)?;
                assert_eq!(report.status, Status::Pass, "{name}\n{report}");
            }
            for (name, f) in wrong {
                let report = of(f)?;
                assert_eq!(report.status, Status::Fail, "{name}\n{report}");
            }
            let check = Check::new(number, &[&x]).examine_at_most(limit);
            let report = check.backward(wrong[0].1).run()?;
            assert_eq!(report.status, Status::Fail, "{report}");

            // Without what comes in, they are those of the sum, or of the sum weighed as the user says.
            let twice = x.mul(2.0)?;
            let weights = Tensor::from_slice(&[-1.0f64, 0.5, 2.0], [3])?.to(dtype)?;
            let weighed = twice.mul(&weights)?;
            let check = || Check::new(square, &[&x]).examine_at_most(limit);
            let sum = check().gradients(&[&twice]).run()?;
            assert_eq!(sum.status, Status::Pass, "{sum}");
            assert!(sum.to_string().contains("that of their sum"), "{sum}");
            let formula = |x: &[Tensor]| Ok(vec![x[0].mul(2.0)?]);
            let sum = check().formula(formula).run()?;
            assert_eq!(sum.status, Status::Pass, "{sum}");
            let own = check().cotangent(&weights).gradients(&[&weighed]).run()?;
            assert_eq!(own.status, Status::Pass, "{own}");
            let other = check().cotangent(&weights).gradients(&[&twice]).run()?;
            assert_eq!(other.status, Status::Fail, "{other}");
        }
        let short = Tensor::zeros(1, dtype)?;
        let refused = Check::new(square, &[&x]).cotangent(&short).run();
        assert!(refused.is_err_and(|e| e.message().contains("the cotangent has shape")));
    }
    Ok(())
}
