//! What the checker promises besides verdicts: errors that say the point, inputs it passes over, dependences it finds,
//! powers that were asked for, second order and forward mode.

use pullback::check::{self, BlackBoxOptions, Check, Mode, Status, Verdict};
use pullback::{
    Array, Ctx, DType, Error, ErrorKind, Family, Op, OpDef, Reads, Result, Tensor, apply_op,
};
use std::cell::Cell;

fn at(x: &[f64]) -> Tensor {
    Tensor::from_slice(x, [x.len()]).expect("a line of numbers")
}

#[test]
fn values_that_are_not_finite_are_errors_that_say_where() {
    type Function = fn(&[Tensor]) -> Result<Tensor>;
    let cases: [(Function, &[f64], &str); 4] = [
        (|x| x[0].log()?.sum(), &[-1.5], "value is NaN"),
        (|x| x[0].log()?.sum(), &[0.0], "value is -inf"),
        (
            |x| x[0].log(),
            &[1.0, 0.0, 2.0],
            "number 1 of the function's 3 is -inf",
        ),
        (|x| x[0].exp()?.sum(), &[1e4], "value is inf"),
    ];
    for (f, point, words) in cases {
        let e = Check::new(f, &[&at(point)])
            .names(&["w"])
            .run()
            .unwrap_err();
        assert_eq!(e.kind(), ErrorKind::NonFinite);
        let text = e.to_string();
        assert!(
            text.contains(words) && text.contains(&format!("w = {point:?}")),
            "{text}"
        );
    }
    let f = |x: &[f64]| x[0].ln();
    let e = check::black_box(f, &[-2.0], &[1.0], BlackBoxOptions::default()).unwrap_err();
    assert!(
        e.to_string().contains("NaN") && e.to_string().contains("[-2.0]"),
        "{e}"
    );
}

#[test]
fn a_function_that_fails_or_changes_its_shape_is_an_error_with_the_point() {
    let fails = |x: &[Tensor]| match x[0].select(0, 0)?.item_f64()? {
        v if v > 0.7 => Err(Error::new(ErrorKind::Value, "too large for me")),
        _ => x[0].sum(),
    };
    let text = Check::new(fails, &[&at(&[0.9, 2.0])])
        .run()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("too large for me") && text.contains("x0 = [0.9, 2.0]"),
        "{text}"
    );
    // Only beside the point.
    let text = Check::new(fails, &[&at(&[0.7, 2.0])])
        .run()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("too large for me") && text.contains("instead of 7e-1"),
        "{text}"
    );

    let moods = |x: &[Tensor]| match x[0].select(0, 0)?.item_f64()? {
        0.7 => Ok(x[0].clone()),
        _ => x[0].sum(),
    };
    let text = Check::new(moods, &[&at(&[0.7, 2.0])])
        .run()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("returned shape [2] at first and [] now"),
        "{text}"
    );
    assert!(text.contains("instead of"), "{text}");
    let calls = Cell::new(0);
    let fickle = |x: &[Tensor]| {
        calls.set(calls.get() + 1);
        if calls.get() == 1 {
            Ok(x[0].clone())
        } else {
            x[0].narrow(0, 0, 1)
        }
    };
    let text = Check::new(fickle, &[&at(&[0.7, 2.0])])
        .run()
        .unwrap_err()
        .to_string();
    assert!(
        text.contains("returned shape [2] at first and [1] now"),
        "{text}"
    );
    let whole = Check::new(|x| x[0].gt(0.0)?.sum(), &[&at(&[1.0])]);
    let e = whole.study().err().expect("there is nothing to study");
    assert!(e.to_string().contains("not a floating number"), "{e}");
}

#[test]
fn claims_that_do_not_fit_and_nothing_to_differentiate() -> Result<()> {
    let x = at(&[0.5, 1.0]);
    let e = Check::new(|x| x[0].sum(), &[&x])
        .names(&["w"])
        .gradients(&[&x.to(DType::F32)?])
        .run()
        .unwrap_err();
    assert!(
        e.message()
            .contains("the gradient of w is float32, but w is float64"),
        "{e}"
    );
    let e = Check::new(|x| x[0].sum(), &[&x])
        .gradients(&[])
        .run()
        .unwrap_err();
    assert!(
        e.message()
            .contains("1 floating inputs need 1 gradients, 0 were given"),
        "{e}"
    );
    let e = Check::new(|_| Tensor::zeros([1], DType::F64), &[])
        .run()
        .unwrap_err();
    assert!(e.message().contains("no input is floating"), "{e}");
    // A claim that is no number is a bug at its coordinate, since there is a derivative.
    let r = Check::new(|x| x[0].sum(), &[&x])
        .gradients(&[&at(&[1.0, f64::NAN])])
        .run()?;
    let verdicts: Vec<Verdict> = r.coordinates.iter().map(|c| c.verdict).collect();
    assert_eq!(verdicts, [Verdict::Agree, Verdict::Bug]);
    Ok(())
}

#[test]
fn integers_are_passed_on_and_results_may_have_many_numbers() -> Result<()> {
    let (x, which) = (at(&[0.5, -1.0, 2.0]), Tensor::from_slice(&[2i64, 0], [2])?);
    let r = Check::new(|x| x[0].take(&x[1])?.sin(), &[&x, &which]).run()?;
    assert_eq!((r.status, r.parameters), (Status::Pass, 3), "{r}");
    assert_eq!(r.coordinates[1].oracle, 0.0);
    assert!(r.coordinates[0].oracle != 0.0 && r.coordinates[2].oracle != 0.0);
    // A wrong number of a function with several results is seen too.
    let wrong = at(&[1.0, 1.0, 1.0]);
    let r = Check::new(|x| x[0].square(), &[&x])
        .gradients(&[&wrong])
        .run()?;
    assert_eq!(r.status, Status::Fail, "{r}");
    Ok(())
}

#[test]
fn functions_that_do_not_do_the_same_twice_are_called_so() -> Result<()> {
    let calls = Cell::new(0.0);
    let noisy = |x: &[Tensor]| {
        calls.set(calls.get() + 1e-9);
        x[0].sin()?.sum()?.add(calls.get())
    };
    let r = Check::new(noisy, &[&at(&[0.3, 0.4])]).run()?;
    assert_eq!(r.status, Status::Unknown);
    assert!(
        r.coordinates
            .iter()
            .all(|c| c.verdict == Verdict::NonDeterministic),
        "{r}"
    );
    assert!(
        r.to_string()
            .contains("three runs at one point gave different values"),
        "{r}"
    );
    Ok(())
}

#[test]
fn the_power_asked_for_decides_between_pass_and_unknown() -> Result<()> {
    let x = at(&[0.3, -1.1]).to(DType::F32)?;
    let of = |power: Option<f64>| {
        let check = Check::new(|x| x[0].exp()?.sum(), &[&x]);
        match power {
            Some(p) => check.power(p).run(),
            None => check.run(),
        }
    };
    assert_eq!((of(None)?.status, of(None)?.power), (Status::Pass, 1e-3));
    assert_eq!(of(Some(1e-5))?.status, Status::Pass);
    let strict = of(Some(1e-12))?;
    assert_eq!(strict.status, Status::Unknown, "{strict}");
    assert!(
        strict
            .coordinates
            .iter()
            .all(|c| c.verdict == Verdict::Hidden),
        "{strict}"
    );
    Ok(())
}

#[test]
fn numbers_that_leave_through_the_host_are_found() -> Result<()> {
    for dtype in [DType::F32, DType::F64] {
        let x = at(&[0.7, 1.3]).to(dtype)?;
        // The slope of x·item(x) is 2x and not x.
        let leaks = |x: &[Tensor]| x[0].mul(x[0].select(0, 0)?.item_f64()?)?.sum();
        let r = Check::new(leaks, &[&x]).run()?;
        assert_eq!(r.status, Status::Fail, "{dtype}: {r}");
        assert_eq!(r.coordinates[0].verdict, Verdict::Bug, "{dtype}: {r}");
        assert_eq!(r.coordinates[1].status, Status::Pass, "{dtype}: {r}");
        // Where the function cannot be called in double-double, in its own precision.
        let narrow = |x: &[Tensor]| match x[0].dtype() {
            DType::Dd => Err(Error::new(ErrorKind::DType, "not in this precision")),
            _ => leaks(x),
        };
        let r = Check::new(narrow, &[&x]).run()?;
        assert_eq!(r.coordinates[0].verdict, Verdict::Bug, "{dtype}: {r}");
        assert_eq!(r.coordinates[1].status, Status::Pass, "{dtype}: {r}");
    }
    // A branch beside the point, on either side of it: a note, and the derivative here is right.
    let branch = |x: &[Tensor]| match x[0].item_f64()? > 1.0 {
        true => x[0].mul(2.0)?.sum(),
        false => x[0].sum(),
    };
    let mut noted = 0;
    for point in [1.0 + 1e-5, 1.0 - 1e-5] {
        let r = Check::new(branch, &[&at(&[point])]).step(1e-7).run()?;
        assert_eq!(r.status, Status::Pass, "{r}");
        noted += r.notes.len();
    }
    assert_eq!(noted, 1);
    Ok(())
}

#[test]
fn spurious_kinks_are_pointed_out() -> Result<()> {
    // The function is x; autograd says 0 at 0, since relu's slope there is 0 on both sides of the difference.
    let f = |x: &[Tensor]| x[0].relu()?.sub(&x[0].neg()?.relu()?)?.sum();
    let r = Check::new(f, &[&at(&[0.0, 1.0])]).run()?;
    let c = &r.coordinates[0];
    assert_eq!(
        (c.claimed, c.verdict),
        (0.0, Verdict::SubgradientChoice),
        "{r}"
    );
    assert!(
        c.remark.as_ref().is_some_and(|t| t.contains("spurious")),
        "{r}"
    );
    assert_eq!(r.coordinates[1].verdict, Verdict::Agree);
    Ok(())
}

/// x³, with a mistake: its slope as a constant (so that its own derivative is lost), or its forward rule.
#[derive(Clone, Debug)]
struct Cube {
    constant_slope: bool,
    forward: f64,
}

static CUBE: OpDef = OpDef::new("cube", Family::General);

impl Op for Cube {
    fn def(&self) -> &'static OpDef {
        &CUBE
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let x = Tensor::from_array(x[0].clone());
        Ok(x.mul(&x)?.mul(&x)?.array().clone())
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let slope = cx.input(i)?.square()?.mul(3.0)?;
        g.mul(&if self.constant_slope {
            slope.detach()
        } else {
            slope
        })
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let slope = cx.input(0)?.square()?.mul(3.0 * self.forward)?;
        let t = t[0].clone().map_or_else(|| cx.input(0)?.zeros_like(), Ok)?;
        slope.mul(&t)
    }
}

#[test]
fn a_rule_that_is_right_once_and_wrong_twice() -> Result<()> {
    let x = at(&[0.5, -1.25, 2.0]);
    for (constant_slope, second) in [(false, Status::Pass), (true, Status::Fail)] {
        let op = Cube {
            constant_slope,
            forward: 1.0,
        };
        let f = |x: &[Tensor]| apply_op(op.clone(), &[&x[0]])?.sum();
        let r = Check::new(f, &[&x]).run()?;
        assert_eq!(r.status, Status::Pass, "{r}");
        let r = Check::new(f, &[&x]).run_second_order()?;
        assert_eq!(r.status, second, "{r}");
    }
    Ok(())
}

#[test]
fn a_forward_rule_that_is_wrong_alone_fails_and_is_named() -> Result<()> {
    let x = at(&[0.5, -1.25, 2.0]);
    let op = Cube {
        constant_slope: false,
        forward: 1.0 + 1e-6,
    };
    let r = Check::new(|x| apply_op(op.clone(), &[&x[0]])?.sum(), &[&x]).run()?;
    assert_eq!(r.status, Status::Fail, "{r}");
    let guilty = r.guilty.as_ref().expect("an operation is named");
    assert_eq!((guilty.op.as_str(), guilty.mode), ("cube", Mode::Forward));
    assert!(
        r.coordinates.iter().all(|c| c.status == Status::Pass),
        "{r}"
    );
    assert!(r.to_string().contains("forward mode is wrong"), "{r}");
    Ok(())
}

#[test]
fn a_study_asks_further_of_the_same_check() -> Result<()> {
    let x = at(&[0.25, -2.0, 1e-3]);
    let check = Check::new(|x| x[0].relu()?.square()?.add(&x[0].sin()?)?.sum(), &[&x])
        .names(&["w"])
        .step(1e-4);
    let study = check.study()?;
    // At its own step, the report itself.
    for (a, b) in study.at_step(1e-4)?.iter().zip(&study.report().coordinates) {
        assert_eq!((a.gap, a.verdict, &a.ledger), (b.gap, b.verdict, &b.ledger));
    }
    // Truncation of sin falls with the square of the step; the terms sum to the gap at each.
    let t = |h: f64| -> Result<f64> { Ok(study.coordinate_at(1, h)?.ledger.truncation) };
    assert!((t(1e-2)? / t(1e-3)? - 100.0).abs() < 0.1);
    let far = study.coordinate_at(2, 0.5)?;
    assert_eq!(far.verdict, Verdict::KinkCrossed);
    assert!((far.ledger.sum() - far.gap).abs() < 1e-15);
    assert!(study.coordinate_at(3, 1e-3).is_err() && study.coordinate_at(0, 0.0).is_err());
    // The kink is 1e-3 away along w[2], and only a step beyond it switches the gate, below the point.
    let gates = study.gates()?;
    let (by, distance) = gates[0].units[2].nearest.clone().expect("w[2] moves it");
    assert_eq!((gates.len(), gates[0].op, by.as_str()), (1, "relu", "w[2]"));
    assert!((distance - 1e-3).abs() < 1e-12 && gates[0].units[2].margin == 1e-3);
    assert_eq!(study.kink(2).map(|d| (d * 1e6).round()), Some(1000.0));
    assert!(study.crossings(9e-4)?.is_empty());
    let crossed = study.crossings(2e-3)?;
    assert_eq!(crossed.len(), 1);
    assert_eq!(
        (crossed[0].coordinate, crossed[0].up, crossed[0].unit),
        (2, false, 2)
    );
    // What rounding must be expected to do bounds what it does.
    for (k, c) in study.report().coordinates.iter().enumerate() {
        let expected = study.round_off(k, 1e-4)?;
        assert!(c.ledger.forward.abs() <= expected.worst && expected.typical <= expected.worst);
        assert!(c.ledger.forward.abs() <= study.budget(k, 1e-4));
    }
    // The same program in single precision; a comparison with a tolerance would see only the gaps.
    let single = study.in_dtype(DType::F32)?;
    let r = single.run()?;
    assert_eq!((r.dtype, r.status), (DType::F32, Status::Pass), "{r}");
    let gaps = study.in_dtype(DType::F32)?.gaps()?;
    assert_eq!(
        gaps,
        r.coordinates.iter().map(|c| c.gap).collect::<Vec<_>>()
    );
    // The graph: every rule tested, and each value's gradient.
    let graph = study.graph()?;
    assert!(
        graph
            .nodes
            .iter()
            .flat_map(|n| &n.tests)
            .all(|t| t.passed())
    );
    let input = &graph.nodes[0];
    let claimed: Vec<f64> = study
        .report()
        .coordinates
        .iter()
        .map(|c| c.claimed)
        .collect();
    assert_eq!(
        (input.name.as_str(), input.gradient.as_ref()),
        ("w", Some(&claimed))
    );
    assert_eq!(graph.nodes[graph.output].gradient, Some(vec![1.0]));
    Ok(())
}
