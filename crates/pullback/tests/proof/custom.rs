//! An operation defined outside the library, by its public interface alone, passes through the same proof: to add an
//! operation, one place is written.

use pullback::proof::{Proof, Sample, points1, prove, signed, unary};
use pullback::rules::{Gate, Pointwise};
use pullback::{
    Array, Ctx, DType, Error, ErrorKind, Family, Op, OpDef, Reads, Real, Result, Tensor, apply_op,
    dispatch, kernels, rules,
};

/// `x` where positive, else `slope·x`.
#[derive(Clone, Debug)]
struct Leaky {
    slope: f64,
}

static LEAKY: OpDef = OpDef {
    summary: "Relu that lets a part of the negative side through.",
    formula: "x where x > 0, else slope·x",
    derivative: "g where x > 0, else slope·g",
    convention: "the derivative at 0 is the slope of the negative side, as in PyTorch",
    torch: "torch.nn.functional.leaky_relu",
    proof: Proof {
        samples: || unary(Leaky { slope: 0.25 }, signed()),
        points: || {
            points1(
                Leaky { slope: 0.25 },
                &[(0.0, 0.25), (1e-30, 1.0), (-2.0, 0.25)],
            )
        },
        ..Proof::NONE
    },
    ..OpDef::new("leaky_relu", Family::Gate)
};

fn floats(x: &Array) -> Error {
    Error::new(
        ErrorKind::DType,
        format!(
            "\"leaky_relu\" not implemented for '{}'",
            x.dtype().scalar_type_name()
        ),
    )
}

impl Leaky {
    /// The piece chosen, of a value, a gradient or a tangent alike.
    fn piece(&self, mask: &Tensor, x: &Tensor) -> Result<Tensor> {
        x.where_(mask, &x.mul(self.slope)?)
    }
}

impl Op for Leaky {
    rules!(Gate);
    fn def(&self) -> &'static OpDef {
        &LEAKY
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => {
            let slope = T::lit(self.slope);
            kernels::map(x[0], |a: T| if a > T::ZERO { a } else { a * slope })
        }, else Err(floats(x[0])))
    }
}

impl Gate for Leaky {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        self.piece(&cx.input(0)?.gt(0.0)?, g)
    }
    fn decide(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a > T::ZERO), else Err(floats(x[0]))).map(Some)
    }
    fn frozen(&self, x: &[Tensor], decision: &Tensor) -> Result<Tensor> {
        self.piece(decision, &x[0])
    }
    fn margin(&self, x: &[&Array]) -> Result<Option<Array>> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| a.abs()), else Err(floats(x[0]))).map(Some)
    }
}

/// `1/(1 + x²)`, pointwise: value and slope are all there is to write.
#[derive(Clone, Debug)]
struct Bell;

static BELL: OpDef = OpDef {
    summary: "A bell.",
    formula: "1/(1 + x²)",
    derivative: "-2x y²",
    proof: Proof {
        samples: || {
            let mut samples = unary(Bell, signed());
            samples.push(Sample::new(Bell, &[(&[2, 2], &[0.0, 0.5, -3.0, 1.0])]));
            samples
        },
        ..Proof::NONE
    },
    ..OpDef::new("bell", Family::Pointwise)
};

impl Op for Bell {
    rules!(Pointwise);
    fn def(&self) -> &'static OpDef {
        &BELL
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |a: T| T::ONE / (T::ONE + a * a)), else Err(floats(x[0])))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0).and(Reads::OUTPUT)
    }
}

impl Pointwise for Bell {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        cx.output()?.square()?.mul(&cx.input(0)?)?.mul(-2.0)
    }
}

#[test]
fn operations_from_outside_pass_the_same_proof() {
    for def in [&LEAKY, &BELL] {
        let report = prove(def);
        assert!(report.checks > 100, "{} checks", report.checks);
        assert!(report.findings.is_empty(), "{}", report.findings.join("\n"));
    }
}

#[test]
fn they_are_applied_by_the_public_door() -> Result<()> {
    let x = Tensor::from_slice(&[-4.0f32, 0.0, 3.0], [3])?.requires_grad_(true)?;
    let y = apply_op(Leaky { slope: 0.5 }, &[&x])?;
    y.sum()?.backward()?;
    assert_eq!(y.to_vec::<f32>()?, [-2.0, 0.0, 3.0]);
    assert_eq!(x.grad().unwrap().to_vec::<f32>()?, [0.5, 0.5, 1.0]);
    let e = apply_op(Bell, &[&Tensor::zeros([1], DType::I64)?]).unwrap_err();
    assert_eq!(
        (
            e.op_name(),
            e.site().map(|s| s.file().ends_with("custom.rs"))
        ),
        (Some("bell"), Some(true))
    );
    Ok(())
}
