//! A suite of planted bugs, and of functions that are hard but right. Prints what was detected, missed and alarmed.

use pullback::check::{BugKind, Check, Report, Status, Verdict};
use pullback::ops::OPS;
use pullback::{Array, Ctx, DType, Family, Op, OpDef, Reads, Result, Tensor, apply_op};

/// What is wrong with an operation's reverse rule.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    Sign,
    MissingFactor,
    Twice,
    Missing,
    Transposed,
    RowOnly,
    NoMask,
    Slightly(f64),
}
use Fault as F;

/// An operation whose reverse rule is wrong.
#[derive(Debug)]
struct Broken(Box<dyn Op>, Fault);

impl Op for Broken {
    fn def(&self) -> &'static OpDef {
        self.0.def()
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(Broken(self.0.boxed(), self.1))
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        Box::new(Broken(self.0.in_dtype(dtype), self.1))
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        self.0.eval(x)
    }
    fn reads(&self, i: usize) -> Reads {
        self.0.reads(i)
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let right = self.0.vjp(cx, i, g)?;
        match self.1 {
            F::Sign => right.neg(),
            F::MissingFactor => right.mul(0.5),
            F::Twice => right.mul(2.0),
            F::Missing => right.zeros_like(),
            F::Slightly(r) => right.mul(1.0 + r),
            F::NoMask if g.shape() == cx.shape(i) => Ok(g.clone()),
            F::NoMask => Ok(right),
            F::Transposed => {
                let shape = right.shape().clone();
                right.transpose(-1, -2)?.copy()?.reshape(shape)
            }
            F::RowOnly => {
                let (mut row, shape) = (right, cx.shape(i));
                while row.ndim() > shape.len() {
                    row = row.select(0, 0)?;
                }
                for (k, &n) in shape.iter().enumerate() {
                    row = row.narrow(k as i64, 0, n.min(row.shape()[k]))?;
                }
                Ok(row)
            }
        }
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        self.0.jvp(cx, t)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        self.0.decide(x)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        self.0.frozen(x, decision)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        self.0.margin(x)
    }
}

const BOTH: [DType; 2] = [DType::F32, DType::F64];

fn t(data: &[f64], shape: &[usize], dtype: DType) -> Tensor {
    (Tensor::from_slice(data, shape).and_then(|t| t.to(dtype))).unwrap_or_else(|e| panic!("{e}"))
}

#[derive(Default)]
struct Table {
    right: usize,
    wrong: Vec<String>,
    rows: Vec<(String, usize, usize)>,
}

impl Table {
    fn add(&mut self, kind: &str, ok: bool, text: impl FnOnce() -> String) {
        match self.rows.iter_mut().find(|r| r.0 == kind) {
            Some(row) => (row.1, row.2) = (row.1 + usize::from(ok), row.2 + 1),
            None => self.rows.push((kind.into(), usize::from(ok), 1)),
        }
        self.right += usize::from(ok);
        if !ok {
            self.wrong.push(format!("{kind}: {}", text()));
        }
    }

    fn finish(&self, least: usize, word: &str) {
        for (kind, ok, all) in &self.rows {
            println!("| {kind} | {all} | {ok} {word} | {} |", all - ok);
        }
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.right >= least, "{} cases", self.right);
    }
}

/// Every operation with a gradient, each of its samples, wrong in one way: flagged where that has an effect, by name.
#[test]
fn wrong_rules_are_flagged_and_named() {
    let mut table = Table::default();
    let faults = [
        F::Sign,
        F::MissingFactor,
        F::Twice,
        F::Missing,
        F::Transposed,
        F::RowOnly,
        F::NoMask,
        F::Slightly(1e-8),
    ];
    for def in OPS
        .iter()
        .filter(|d| !matches!(d.family, Family::Cut | Family::Zero))
    {
        let samples = (def.proof.samples)();
        for (n, fault) in faults.iter().enumerate() {
            for dtype in BOTH {
                // Different samples for different faults; all of them would take minutes.
                let turn = samples.iter().cycle().skip(2 * n).take(2);
                for sample in turn {
                    let Ok(inputs) = sample.inputs(dtype) else {
                        continue;
                    };
                    let inputs: Vec<Tensor> = inputs.into_iter().map(Tensor::from_array).collect();
                    let refs: Vec<&Tensor> = inputs.iter().collect();
                    if !inputs.iter().any(|x| x.dtype().is_float()) {
                        continue;
                    }
                    let run = |fault: Option<Fault>| {
                        let op = |x: &[Tensor]| {
                            let x: Vec<Tensor> = (x.iter())
                                .map(|x| {
                                    if x.dtype().is_float() {
                                        x.mul(1.0)
                                    } else {
                                        Ok(x.clone())
                                    }
                                })
                                .collect::<Result<_>>()?;
                            let refs = x.iter().collect::<Vec<_>>();
                            let y = match fault {
                                Some(f) => apply_op(Broken(sample.op.boxed(), f), &refs)?,
                                None => {
                                    apply_op(Broken(sample.op.boxed(), F::Slightly(0.0)), &refs)?
                                }
                            };
                            y.to(dtype)
                        };
                        Check::new(op, &refs).run()
                    };
                    let (Ok(right), Ok(wrong)) = (run(None), run(Some(*fault))) else {
                        continue;
                    };
                    let name = || format!("{} {fault:?} {dtype} {:?}", def.name, sample);
                    assert!(right.status != Status::Fail, "{}\n{right}", name());
                    // An effect: the claimed numbers differ by more than the precision can hide.
                    let effect =
                        (right.coordinates.iter().zip(&wrong.coordinates)).any(|(a, b)| {
                            (a.claimed - b.claimed).abs() > a.mde * a.oracle.abs()
                                && a.claimed != b.claimed
                        });
                    if effect {
                        let kind = format!("{fault:?}");
                        let named = wrong.guilty.as_ref().is_some_and(|g| g.op == def.name);
                        let ok = wrong.status == Status::Fail && named;
                        table.add(&kind, ok, || {
                            format!("{} {:?}\n{wrong}", name(), wrong.guilty)
                        });
                    }
                }
            }
        }
    }
    table.finish(60, "flagged and named");
}

/// Broadcast sums that are missing are called so; a path that overwrites another is called so and no operation is blamed.
#[test]
fn kinds_that_need_the_graph_are_named() -> Result<()> {
    for dtype in BOTH {
        let a = t(&[0.3, -1.2, 0.8, 2.0, 0.5, -0.7], &[3, 2], dtype);
        let b = t(&[0.4, -0.9], &[2], dtype);
        let broken = |x: &[Tensor]| {
            apply_op(
                Broken(
                    pullback::ops::find("mul")
                        .map(|_| Box::new(pullback::ops::Mul) as Box<dyn Op>)
                        .unwrap_or_else(|| unreachable!()),
                    F::RowOnly,
                ),
                &[&x[0], &x[1]],
            )?
            .sin()?
            .sum()
        };
        let r = Check::new(broken, &[&a, &b]).run()?;
        assert_eq!(r.guilty.as_ref().map(|g| g.op.as_str()), Some("mul"), "{r}");
        assert_eq!(r.bug, Some(BugKind::MissingReduction), "{r}");

        let f = |x: &[Tensor]| x[0].add(&x[1])?.sin()?.sum();
        let row = |x: &[Tensor]| {
            let full = x[0].add(&x[1])?.cos()?;
            Ok(vec![full.clone(), full.select(0, 0)?])
        };
        let r = Check::new(f, &[&a, &b]).formula(row).run()?;
        assert_eq!(r.bug, Some(BugKind::MissingReduction), "{r}");

        // x·sin x, where the gradient through the product overwrites that through the sine.
        let f = |x: &[Tensor]| x[0].mul(&x[0].sin()?)?.sum();
        let one = |x: &[Tensor]| Ok(vec![x[0].sin()?]);
        let r = Check::new(f, &[&b]).formula(one).run()?;
        assert_eq!(
            (r.bug.as_ref(), r.guilty.is_none()),
            (Some(&BugKind::OverwrittenFanOut), true),
            "{r}"
        );
    }
    Ok(())
}

type Function = fn(&[Tensor]) -> Result<Tensor>;

/// One wrong number among many, at scales from tiny to huge.
#[test]
fn one_wrong_number_of_many_is_found_at_every_scale() -> Result<()> {
    let mut table = Table::default();
    let functions: [(&str, Function); 3] = [
        ("product", |x| x[0].mul(&x[1])?.sum()),
        ("matmul", |x| {
            x[0].reshape([4, 5])?.matmul(&x[1].reshape([5, 4])?)?.sum()
        }),
        ("quotient", |x| x[0].div(&x[1].abs()?)?.sum()),
    ];
    let base: Vec<f64> = (0..20).map(|i| f64::from(i * 7 % 20 + 1) / 8.0).collect();
    for dtype in BOTH {
        let least = if dtype == DType::F32 { 1e-4 } else { 1e-10 };
        for (name, f) in functions {
            for exponent in [-30, -10, 0, 10, 30] {
                let scaled: Vec<f64> = base.iter().map(|x| x * 10f64.powi(exponent)).collect();
                let (a, b) = (t(&scaled, &[20], dtype), t(&base, &[20], dtype));
                let right = Check::new(f, &[&a, &b]).run()?;
                assert!(
                    right.status == Status::Pass,
                    "{name} 1e{exponent} {dtype}: {right}"
                );
                for (k, r) in [(3usize, 1.0), (17, -1e-3), (25, least), (38, 1e-2)] {
                    let mut g: Vec<f64> = right.coordinates.iter().map(|c| c.claimed).collect();
                    g[k] *= 1.0 + r;
                    let (ga, gb) = (t(&g[..20], &[20], dtype), t(&g[20..], &[20], dtype));
                    let wrong = Check::new(f, &[&a, &b]).gradients(&[&ga, &gb]).run()?;
                    let bugs: Vec<usize> = (0..40)
                        .filter(|&i| wrong.coordinates[i].verdict == Verdict::Bug)
                        .collect();
                    table.add(&format!("{name} {dtype}"), bugs == [k], || {
                        format!("1e{exponent} {r}: {wrong}")
                    });
                }
            }
        }
    }
    table.finish(60, "found");
    Ok(())
}

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
