//! A suite of planted bugs. Prints what was detected and what was missed, as a table.

mod check_table;

use check_table::{BOTH, Table, t};
use pullback::check::{BugKind, Check, Status, Verdict};
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

impl Broken {
    /// The gradient for input `i`, made wrong.
    fn spoil(&self, cx: &Ctx<'_>, i: usize, g: &Tensor, right: Tensor) -> Result<Tensor> {
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
}

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
    fn vjp_all(&self, cx: &Ctx<'_>, g: &Tensor, out: &mut [Option<Tensor>]) -> Result<()> {
        self.0.vjp_all(cx, g, out)?;
        for (i, slot) in out.iter_mut().enumerate() {
            if let Some(right) = slot.take() {
                *slot = Some(self.spoil(cx, i, g, right)?);
            }
        }
        Ok(())
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        self.spoil(cx, i, g, self.0.vjp(cx, i, g)?)
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
                    let run = |fault: Fault| {
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
                            apply_op(Broken(sample.op.boxed(), fault), &refs)?.to(dtype)
                        };
                        Check::new(op, &refs).run()
                    };
                    let (Ok(right), Ok(wrong)) = (run(F::Slightly(0.0)), run(*fault)) else {
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
                Broken(Box::new(pullback::ops::Mul), F::RowOnly),
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
