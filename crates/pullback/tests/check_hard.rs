//! Functions that are hard to check but right, dependences that leave the graph, functions that cannot be checked.

mod check_table;

use check_table::{BOTH, Table, t};
use pullback::check::{Check, Report, Status, Verdict};
use pullback::{DType, Result, Tensor};

type Function = fn(&[Tensor]) -> Result<Tensor>;

/// A non-finite claim, dependences that leave the graph, and functions that cannot be checked.
#[test]
fn escapes_and_errors_say_so() -> Result<()> {
    for dtype in BOTH {
        let x = t(&[0.7, -1.1], &[2], dtype);
        let f = |x: &[Tensor]| x[0].exp()?.sum();
        let r = Check::new(f, &[&x])
            .gradients(&[&t(&[f64::NAN, 0.33287], &[2], dtype)])
            .run()?;
        assert_eq!(r.coordinates[0].verdict, Verdict::Bug, "{r}");
        // A number taken out of the graph.
        let item = |x: &[Tensor]| x[0].mul(x[0].sum()?.item_f64()?)?.sum();
        let r = Check::new(item, &[&x]).run()?;
        assert_eq!(r.status, Status::Fail, "{r}");
        // A branch of the host program, far from its switching point: nothing is wrong.
        let branch = |x: &[Tensor]| {
            if x[0].sum()?.item_f64()? > 5.0 {
                x[0].sum()
            } else {
                x[0].sin()?.sum()
            }
        };
        let r = Check::new(branch, &[&x]).run()?;
        assert_eq!(r.status, Status::Pass, "{r}");
    }
    let x = t(&[0.7, -1.1], &[2], DType::F64);
    let calls = std::cell::Cell::new(0);
    let shrinking = |x: &[Tensor]| {
        calls.set(calls.get() + 1);
        if calls.get() > 3 {
            x[0].sum()
        } else {
            x[0].mul(2.0)
        }
    };
    let e = Check::new(shrinking, &[&x]).run().unwrap_err();
    assert!(
        e.to_string().contains("shape") && e.to_string().contains("at the point given"),
        "{e}"
    );
    Ok(())
}

/// Functions that trip difference quotients; their gradients are right.
#[test]
fn hard_but_right_gradients_raise_no_alarm() -> Result<()> {
    let mut table = Table::default();
    let functions: Vec<(&str, Function, Vec<f64>)> = vec![
        ("at a kink", |x| x[0].relu()?.sum(), vec![0.0, 1.0]),
        ("at a kink", |x| x[0].abs()?.sum(), vec![0.0, -1.0]),
        ("at a kink", |x| x[0].max(), vec![1.0, 1.0, 0.5]),
        (
            "at a kink",
            |x| x[0].maximum(&x[0].neg()?)?.sum(),
            vec![0.0, 2.0],
        ),
        (
            "at a kink",
            |x| x[0].relu()?.sub(&x[0].neg()?.relu()?)?.sum(),
            vec![0.0],
        ),
        (
            "1e-7 beside a kink",
            |x| x[0].relu()?.sum(),
            vec![1e-7, -1e-7],
        ),
        (
            "1e-7 beside a kink",
            |x| x[0].sub(1.0)?.abs()?.sum(),
            vec![1.0 + 1.2e-7, 1.0 - 1.2e-7],
        ),
        (
            "1e-7 beside a kink",
            |x| x[0].max(),
            vec![1.0, 1.0 + 1.2e-7],
        ),
        (
            "near-cancelling sum",
            |x| x[0].sum()?.square(),
            vec![1e6, -1e6 + 1.0, 0.25],
        ),
        (
            "near-cancelling sum",
            |x| x[0].cos()?.neg()?.add(1.0)?.div(&x[0].square()?)?.sum(),
            vec![1e-4, 0.5],
        ),
        (
            "near-cancelling sum",
            |x| x[0].sub(1.0)?.log()?.sum(),
            vec![1.000001, 2.0],
        ),
        (
            "near-cancelling sum",
            |x| x[0].square()?.sub(1.0)?.sqrt()?.sum(),
            vec![1.0000005, 3.0],
        ),
        (
            "scale 1e-30",
            |x| x[0].mul(1e30)?.sin()?.sum(),
            vec![1e-30, 2e-30],
        ),
        ("scale 1e-30", |x| x[0].square()?.sum(), vec![1e-30, 2e-15]),
        (
            "scale 1e30",
            |x| x[0].mul(1e-30)?.tanh()?.sum(),
            vec![1e30, -2e30],
        ),
        ("scale 1e30", |x| x[0].sum()?.mul(1e5), vec![1e30, 1.0]),
        ("flat", |x| x[0].mul(0.0)?.sum(), vec![1.0, 2.0]),
        ("flat", |x| x[0].tanh()?.sum(), vec![40.0, -35.0]),
        ("flat", |x| x[0].pow(4.0)?.sum(), vec![0.0, 1e-8]),
        ("steep", |x| x[0].mul(1e8)?.tanh()?.sum(), vec![1e-8, -3e-9]),
        ("steep", |x| x[0].mul(80.0)?.exp()?.sum(), vec![1.0, 0.5]),
        ("steep", |x| x[0].log()?.sum(), vec![1e-20, 1e-3]),
        ("steep", |x| x[0].mul(1e4)?.sin()?.sum(), vec![0.3, 1.7]),
        (
            "a discontinuity nearby",
            |x| x[0].floor()?.add(&x[0].square()?)?.sum(),
            vec![2.0000002, 1.9999998],
        ),
        (
            "a discontinuity nearby",
            |x| x[0].sign()?.mul(&x[0])?.sum(),
            vec![1e-7, -1e-7],
        ),
        (
            "at a discontinuity",
            |x| x[0].floor()?.add(&x[0].square()?)?.sum(),
            vec![2.0],
        ),
        (
            "noisy",
            |x| x[0].mul(1e7)?.sin()?.mul(1e-9)?.add(&x[0])?.sum(),
            vec![0.4, 2.0],
        ),
        (
            "noisy",
            |x| x[0].add(1e6)?.sub(1e6)?.square()?.sum(),
            vec![0.37, 1.3],
        ),
        (
            "rounding that all goes one way",
            |x| x[0].mul(0.1)?.sum(),
            vec![1.0; 3000],
        ),
    ];
    for dtype in BOTH {
        for (kind, f, x) in &functions {
            let x = t(x, &[x.len()], dtype);
            let r = Check::new(f, &[&x]).run()?;
            let ok = r.status != Status::Fail;
            table.add(kind, ok, || format!("{dtype}: {r}"));
            summary(kind, dtype, &r);
        }
        let x: Vec<f64> = (0..100_000)
            .map(|i| f64::from(i % 977) / 977.0 - 0.5)
            .collect();
        let x = t(&x, &[100_000], dtype);
        let r = Check::new(|x| x[0].tanh()?.square()?.sum(), &[&x]).run()?;
        table.add("100,000 parameters", r.status != Status::Fail, || {
            format!("{dtype}: {r}")
        });
        summary("100,000 parameters", dtype, &r);
    }
    table.finish(40, "without alarm");
    Ok(())
}

fn summary(kind: &str, dtype: DType, r: &Report) {
    let census: Vec<String> = r
        .census()
        .iter()
        .map(|(v, n)| format!("{n} {}", v.name()))
        .collect();
    println!(
        "{dtype} {kind}: {} ({})",
        r.status.name(),
        census.join(", ")
    );
}
