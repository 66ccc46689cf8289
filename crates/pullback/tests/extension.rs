//! An operation of a program's own in one file: struct, formula, rule, name, signature, samples. From there it is found by name, listed,
//! proven, recorded, differentiated in every mode and compared with differences like those of the library.

use pullback::formula::{Expression, Formula, Scalar};
use pullback::proof::{DTYPES, Proof, points1, prove, prove_function, signed, unary};
use pullback::registry::{self, Function, Value};
use pullback::rules::Pointwise;
use pullback::{
    Array, Ctx, Error, ErrorKind, Family, Op, OpDef, Program, Reads, Result, Tensor, apply_op,
    dispatch, kernels, rules,
};

/// x/(1 + x²), element by element.
#[derive(Clone, Debug)]
struct Witch;

static WITCH: OpDef = OpDef {
    summary: "A bump on each side of 0, element by element.",
    formula: "x/(1 + x²)",
    derivative: "(1 - x²)/(1 + x²)²",
    torch: "torch.witch",
    proof: Proof {
        samples: || unary(Witch, signed()),
        points: || points1(Witch, &[(0.0, 1.0), (1.0, 0.0)]),
        ..Proof::NONE
    },
    ..OpDef::new("witch", Family::Pointwise)
};

impl Formula<1> for Witch {
    fn at<T: Scalar>(&self, [x]: [T; 1]) -> T {
        x / (T::ONE + x * x)
    }
}

impl Op for Witch {
    rules!(Pointwise);
    fn def(&self) -> &'static OpDef {
        &WITCH
    }
    fn boxed(&self) -> Box<dyn Op> {
        Box::new(self.clone())
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        dispatch!(float x[0].dtype(), T => kernels::map(x[0], |x: T| self.at([x])), else
            Err(Error::new(ErrorKind::Unsupported, "\"witch\" takes floats")))
    }
    fn expression(&self) -> Option<Expression> {
        Some(Expression::of(self))
    }
    fn reads(&self, _: usize) -> Reads {
        Reads::input(0)
    }
}

impl Pointwise for Witch {
    fn slope(&self, cx: &Ctx<'_>, _: usize) -> Result<Tensor> {
        let square = cx.input(0)?.square()?;
        let below = square.add(1.0)?;
        square.neg()?.add(1.0)?.div(&below.mul(&below)?)
    }
}

static LIST: [Function; 1] =
    [
        Function::new("witch(Tensor input) -> Tensor", "torch Tensor", |a| {
            Ok(apply_op(Witch, &[a.tensor("input")?])?.into())
        })
        .of(&WITCH)
        .samples(&["T(2,3)", "T()", "T(0,2)"]),
    ];

#[test]
fn one_file_is_an_operation() {
    registry::add("mine", &LIST).unwrap();

    // By name, as Python calls.
    let x = Tensor::from_slice(&[0.5f64, -2.0], [2]).unwrap();
    let y = registry::call("witch", &[], &[("input", Value::from(x.clone()))]).unwrap();
    assert_eq!(y.tensors()[0].to_vec::<f64>().unwrap(), [0.4, -0.4]);
    let wrong = registry::call("witch", &[], &[]).unwrap_err();
    assert!(wrong.to_string().contains("input"), "{wrong}");

    // In the list, with its texts.
    let entry = registry::entries().last().unwrap();
    assert_eq!(
        (entry.group, entry.function.formula),
        ("mine", "x/(1 + x²)")
    );
    assert!(registry::primitives().iter().any(|d| d.name == "witch"));
    assert_eq!(registry::overloads("Tensor", "witch").len(), 1);

    // Proven like the library's.
    let report = prove(&WITCH);
    assert!(
        report.checks > 50 && report.findings.is_empty(),
        "{:?}",
        report.findings
    );
    let report = prove_function(entry, &DTYPES);
    assert!(
        report.checks > 10 && report.findings.is_empty(),
        "{:?}",
        report.findings
    );
    let slope = Expression::of(&Witch).derivative(0);
    assert_eq!((slope.at(&[0.0f64]), slope.at(&[1.0f64])), (1.0, 0.0));

    // In programs, by its own name.
    let (program, _) = Program::snapshot(&[&x], |x| Ok(vec![apply_op(Witch, &[&x[0]])?])).unwrap();
    assert!(
        program
            .instructions()
            .iter()
            .any(|i| i.op.def().name == "witch")
    );

    // Not twice, and not under a name that is taken.
    let again = registry::add("mine", &LIST).unwrap_err();
    assert!(again.to_string().contains("already"), "{again}");
}
