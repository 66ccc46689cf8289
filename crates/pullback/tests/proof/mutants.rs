//! A check that cannot fail proves nothing: every operation is broken in several ways, and the checks must see it.

use pullback::ops::OPS;
use pullback::proof::{CHECKS, Case};
use pullback::{Array, Ctx, DType, Family, Op, OpDef, Reads, Result, Tensor, kernels};

/// What is wrong with an operation.
#[derive(Clone, Copy, Debug, PartialEq)]
enum Fault {
    None,
    /// Reverse mode: another sign.
    Sign,
    /// Reverse mode: a factor that is not quite one.
    Factor(f64),
    /// Reverse mode: elements in the opposite order.
    Reversed,
    /// Reverse mode: one row of a gradient that had to be summed.
    Unsummed,
    /// Reverse mode: the gradient as it came, or zeros instead of it.
    Through,
    Missing,
    /// Reverse mode: what it reads is not kept.
    Unread,
    /// Reverse mode: numbers that have lost their history.
    Detached,
    /// Forward mode: a factor.
    Tangent(f64),
    /// The value in single precision only: a factor.
    Value(f64),
    /// Frozen: decides again.
    Redecides,
    /// Margins: one unit too large.
    Margin,
}
use Fault as F;

#[derive(Debug)]
struct Broken {
    inner: Box<dyn Op>,
    fault: Fault,
}

impl Broken {
    fn spoil(&self, cx: &Ctx<'_>, i: usize, g: &Tensor, pulled: Tensor) -> Result<Tensor> {
        Ok(match self.fault {
            F::Sign => pulled.neg()?,
            F::Factor(f) => pulled.mul(f)?,
            F::Detached => Tensor::from_array(pulled.array().copy()?),
            F::Missing => pulled.zeros_like()?,
            F::Through if g.shape() == cx.shape(i) => g.to(cx.dtype(i))?,
            F::Reversed => {
                let n = pulled.numel() as i64;
                let back = Tensor::from_slice(&(0..n).rev().collect::<Vec<_>>(), [n as usize])?;
                pulled
                    .flatten()?
                    .take(&back)?
                    .reshape(pulled.shape().clone())?
            }
            F::Unsummed => {
                let (mut row, shape) = (pulled, cx.shape(i));
                while row.ndim() > shape.len() {
                    row = row.select(0, 0)?;
                }
                for (k, &n) in shape.iter().enumerate() {
                    row = row.narrow(k as i64, 0, n.min(row.shape()[k]))?;
                }
                row
            }
            _ => pulled,
        })
    }
}

impl Op for Broken {
    fn def(&self) -> &'static OpDef {
        self.inner.def()
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(Broken {
            inner: self.inner.boxed(),
            fault: self.fault,
        })
    }
    fn in_dtype(&self, dtype: DType) -> Box<dyn Op> {
        Box::new(Broken {
            inner: self.inner.in_dtype(dtype),
            fault: self.fault,
        })
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let y = self.inner.eval(x)?;
        match self.fault {
            F::Value(f) if y.dtype() == DType::F32 => kernels::map(&y, |a: f32| a * f as f32),
            _ => Ok(y),
        }
    }
    fn reads(&self, i: usize) -> Reads {
        if self.fault == F::Unread {
            Reads::NOTHING
        } else {
            self.inner.reads(i)
        }
    }
    fn vjp(&self, cx: &Ctx<'_>, i: usize, g: &Tensor) -> Result<Tensor> {
        let pulled = self.inner.vjp(cx, i, g)?;
        self.spoil(cx, i, g, pulled)
    }
    fn jvp(&self, cx: &Ctx<'_>, t: &[Option<Tensor>]) -> Result<Tensor> {
        let dot = self.inner.jvp(cx, t)?;
        if let F::Tangent(f) = self.fault {
            dot.mul(f)
        } else {
            Ok(dot)
        }
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        self.inner.decide(x)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        if self.fault == F::Redecides {
            let held: Vec<_> = x.iter().map(Tensor::array).collect();
            let lent: Vec<&Array> = held.iter().map(|a| &**a).collect();
            if let Some(again) = self.inner.decide(&lent)? {
                return self.inner.frozen(x, &Tensor::from_array(again));
            }
        }
        self.inner.frozen(x, decision)
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        let margin = self.inner.margin(x)?;
        match (self.fault, margin) {
            (F::Margin, Some(m)) => {
                kernels::map(&m, |a: pullback::Dd| a + pullback::Dd::ONE).map(Some)
            }
            (_, margin) => Ok(margin),
        }
    }
}

/// How many samples of an operation a check objects to.
fn flagged(def: &OpDef, fault: Fault, check: &str, dtype: DType) -> usize {
    let check = CHECKS
        .iter()
        .find(|c| c.name == check)
        .expect("a check of that name");
    (def.proof.samples)()
        .iter()
        .filter(|sample| {
            let inputs = Case::of(sample, dtype).unwrap().inputs;
            let broken = Broken {
                inner: sample.op.boxed(),
                fault,
            };
            (check.run)(&Case::new(&broken, inputs)).is_err()
        })
        .count()
}

/// Faults that the check must find in every operation it applies to.
fn must_find(check: &str, dtype: DType, faults: &[Fault], applies: impl Fn(&OpDef) -> bool) {
    for def in OPS.iter().filter(|d| applies(d)) {
        assert_eq!(
            flagged(def, F::None, check, dtype),
            0,
            "{}: {check} flags what is right",
            def.name
        );
        for &fault in faults {
            assert!(
                flagged(def, fault, check, dtype) > 0,
                "{} with the fault {fault:?} in {dtype} passes the check {check:?}",
                def.name
            );
        }
    }
}

fn smooth(def: &OpDef) -> bool {
    !matches!(def.family, Family::Cut | Family::Zero)
}

/// Operations whose result is as precise as their inputs; the samples of `to` make doubles.
fn rounds(def: &OpDef) -> bool {
    smooth(def) && def.name != "to"
}

#[test]
fn wrong_gradients_are_seen() {
    // 64 roundings are allowed: 3.8e-6 in single precision, 7.1e-15 in double.
    let single = [
        F::Sign,
        F::Missing,
        F::Reversed,
        F::Factor(1.0 + 1e-3),
        F::Factor(1.0 + 1e-5),
    ];
    let double = [F::Factor(1.0 + 1e-6), F::Factor(1.0 - 1e-13)];
    for check in ["reverse", "rule"] {
        must_find(check, DType::F32, &single, smooth);
        must_find(check, DType::F64, &double, smooth);
        must_find(check, DType::Dd, &[F::Factor(1.0 + f64::EPSILON)], rounds);
    }
    // A rule that computes past the graph, or past a recorder, is right at first order.
    must_find("second order", DType::F64, &[F::Detached], smooth);
    must_find("recorded gradient", DType::F64, &[F::Detached], smooth);
}

#[test]
fn missing_masks_sums_and_values_are_seen() {
    // What passes a gradient of the input's shape: reductions cannot.
    let reduction = |d: &OpDef| {
        [
            "amax",
            "amin",
            "max",
            "min",
            "median",
            "nanmedian",
            "linalg_vector_norm_inf",
        ]
        .contains(&d.name)
    };
    let gate = |d: &OpDef| d.family == Family::Gate && !reduction(d) || d.name == "where";
    must_find("reverse", DType::F64, &[F::Through], gate);
    // Operations of several broadcast operands, whose vjp leaves the sum to the engine.
    let broadcast =
        |d: &OpDef| ["add", "sub", "mul", "div", "maximum", "where", "expand"].contains(&d.name);
    must_find("reverse", DType::F64, &[F::Unsummed], broadcast);
    // A mean of windows reads its input where a graph of its gradient is made, and only there.
    let reading = |d: &OpDef| {
        let op = &(d.proof.samples)()[0].op;
        smooth(d) && op.reads(0) != Reads::NOTHING && d.name != "avg_pool"
    };
    must_find("reverse", DType::F64, &[F::Unread], reading);
}

#[test]
fn wrong_tangents_values_and_decisions_are_seen() {
    must_find(
        "forward",
        DType::F64,
        &[F::Tangent(1.0 + 1e-6), F::Tangent(-1.0), F::Sign],
        smooth,
    );
    must_find(
        "frozen forward",
        DType::F64,
        &[F::Sign, F::Factor(1.0 + 1e-6)],
        smooth,
    );
    must_find("value", DType::F32, &[F::Value(1.0 + 1e-5)], rounds);
    // The check moves to the other side of the origin, where ratios of the operands are the same.
    must_find("frozen", DType::F64, &[F::Redecides], |d| {
        d.family == Family::Gate && !["copysign", "remainder", "fmod"].contains(&d.name)
    });
    for def in OPS
        .iter()
        .filter(|d| matches!(d.family, Family::Gate | Family::Zero))
    {
        // Of the samples none lies at a tie; the points do.
        let seen = (def.proof.points)().iter().any(|p| {
            let broken = Broken {
                inner: p.op.boxed(),
                fault: F::Margin,
            };
            let inputs = p.case(DType::F64).unwrap().inputs;
            let check = CHECKS.iter().find(|c| c.name == "margin").unwrap();
            (check.run)(&Case::new(&broken, inputs)).is_err()
        });
        assert!(seen, "{}: a margin that is never 0 passes", def.name);
    }
}
