//! What an operation's definition says about how to prove it: samples, exact points, inputs that must fail.
//!
//! Plain data, behind the `proof` feature, which users of the library do not compile. Everything is given in double precision and
//! converted to the dtype under test. What runs on it is in `proof`.

use crate::core::apply;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, DType, Result, Shape};
use pullback_array::kernels;
use std::fmt::Debug;

/// How an operation is proven.
#[derive(Debug)]
pub struct Proof {
    /// Inputs away from kinks: at least four, with broadcasts, empty and 0-d ones among them. Layouts are the tests'
    /// business: each sample also runs on non-contiguous copies.
    pub samples: fn() -> Vec<Sample>,
    /// Exact inputs with the exact gradients expected there: the convention at kinks and edges, as data.
    pub points: fn() -> Vec<Point>,
    /// Inputs that must fail, and the first line of the message.
    pub errors: fn() -> Vec<Failure>,
    /// Whether each element of results and derivatives is a difference of terms as large as the largest of them, and rounded as that one:
    /// factorisations of matrices. An element that is zero in exact arithmetic need not be zero then.
    pub spread: bool,
}

impl Proof {
    /// Nothing to prove with.
    pub const NONE: Proof = Proof {
        samples: Vec::new,
        points: no_points,
        errors: no_errors,
        spread: false,
    };
}

/// An operation with attributes, and inputs.
#[derive(Debug)]
pub struct Sample {
    /// The operation.
    pub op: Box<dyn Op>,
    inputs: Vec<Array>,
}

impl Clone for Sample {
    fn clone(&self) -> Self {
        Sample {
            op: self.op.boxed(),
            inputs: self.inputs.clone(),
        }
    }
}

fn array(shape: &[usize], data: &[f64]) -> Array {
    Array::from_slice(data, Shape::new(shape))
        .unwrap_or_else(|e| panic!("a sample's data must fit its shape: {e}"))
}

impl Sample {
    /// A sample of floating inputs, each a shape and its elements.
    pub fn new(op: impl Op, inputs: &[(&[usize], &[f64])]) -> Sample {
        Sample {
            op: Box::new(op),
            inputs: inputs.iter().map(|(s, d)| array(s, d)).collect(),
        }
    }

    /// One result of an operation of several, with floating inputs.
    pub fn result(op: impl Op, which: usize, inputs: &[(&[usize], &[f64])]) -> Sample {
        Sample {
            op: Box::new(crate::core::projection::Projection {
                op: Box::new(op),
                which,
            }),
            inputs: inputs.iter().map(|(s, d)| array(s, d)).collect(),
        }
    }

    /// The same operation on its first input plus that one's transpose: for those that read one triangle, and whose derivatives are
    /// those along symmetric matrices.
    #[must_use]
    pub fn of_symmetric(self) -> Sample {
        Sample {
            op: Box::new(crate::core::symmetric::OfSymmetric(self.op)),
            inputs: self.inputs,
        }
    }

    /// A sample whose inputs have the dtypes given; `F64` stands for the dtype under test.
    pub fn mixed(op: impl Op, inputs: Vec<(Vec<usize>, Vec<f64>, DType)>) -> Sample {
        let convert = |(s, d, t): (Vec<usize>, Vec<f64>, DType)| kernels::cast(&array(&s, &d), t);
        let inputs = inputs.into_iter().map(convert).collect::<Result<_>>();
        Sample {
            op: Box::new(op),
            inputs: inputs.unwrap_or_else(|e| panic!("{e}")),
        }
    }

    /// The inputs with floats in `dtype`.
    pub fn inputs(&self, dtype: DType) -> Result<Vec<Array>> {
        self.inputs
            .iter()
            .map(|a| {
                if a.dtype().is_float() {
                    kernels::cast(a, dtype)
                } else {
                    Ok(a.clone())
                }
            })
            .collect()
    }

    /// Applies the operation, whatever it is, to other inputs, as every operation is applied.
    ///
    /// # Errors
    /// Whatever it reports.
    #[track_caller]
    pub fn run(&self, inputs: &[Tensor]) -> Result<Tensor> {
        let refs: Vec<&Tensor> = inputs.iter().collect();
        apply::boxed(&*self.op, &refs, std::panic::Location::caller())
    }

    /// Changes every element of an input.
    pub fn map_input(&mut self, i: usize, f: impl Fn(f64) -> f64 + Sync) {
        self.inputs[i] = kernels::map(&self.inputs[i], f).unwrap_or_else(|e| panic!("{e}"));
    }
}

/// Exact inputs and the exact gradients expected when the incoming gradient is one everywhere.
#[derive(Debug)]
pub struct Point {
    /// The operation.
    pub op: Box<dyn Op>,
    /// One-dimensional inputs.
    pub inputs: Vec<Vec<f64>>,
    /// The gradient of each input.
    pub gradients: Vec<Vec<f64>>,
}

impl Clone for Point {
    fn clone(&self) -> Self {
        Point {
            op: self.op.boxed(),
            inputs: self.inputs.clone(),
            gradients: self.gradients.clone(),
        }
    }
}

/// Shapes of zeros that must fail.
#[derive(Debug)]
pub struct Failure {
    /// The operation.
    pub op: Box<dyn Op>,
    /// Shapes of the inputs.
    pub shapes: Vec<Vec<usize>>,
    /// First line of the message.
    pub message: &'static str,
}

/// No exact points: the operation is smooth everywhere.
pub fn no_points() -> Vec<Point> {
    Vec::new()
}

/// No inputs of one dtype fail.
pub fn no_errors() -> Vec<Failure> {
    Vec::new()
}

/// A point of several inputs.
pub fn point(op: impl Op, inputs: &[&[f64]], gradients: &[&[f64]]) -> Point {
    let own = |v: &[&[f64]]| v.iter().map(|x| x.to_vec()).collect();
    Point {
        op: Box::new(op),
        inputs: own(inputs),
        gradients: own(gradients),
    }
}

/// Points of a function of one number: `(x, derivative)`.
pub fn points1(op: impl Op + Clone, table: &[(f64, f64)]) -> Vec<Point> {
    table
        .iter()
        .map(|&(x, d)| point(op.clone(), &[&[x]], &[&[d]]))
        .collect()
}

/// An input that must fail.
pub fn error(op: impl Op, shapes: &[&[usize]], message: &'static str) -> Failure {
    Failure {
        op: Box::new(op),
        shapes: shapes.iter().map(|s| s.to_vec()).collect(),
        message,
    }
}

/// The failure every operation of two broadcast operands has.
pub fn broken_shapes(op: impl Op) -> Vec<Failure> {
    vec![error(
        op,
        &[&[2, 3], &[4]],
        "The size of tensor a (3) must match the size of tensor b (4) at non-singleton dimension 1",
    )]
}

/// Numbers of both signs, away from 0, from each other and from integers.
pub fn signed() -> Vec<f64> {
    vec![0.6, -1.3, 2.2, -0.4, 1.7, -2.6]
}

/// Samples of a function of one number.
pub fn unary(op: impl Op + Clone, x: Vec<f64>) -> Vec<Sample> {
    let n = x.len();
    let mut samples = vec![
        Sample::new(op.clone(), &[(&[n], &x)]),
        Sample::new(op.clone(), &[(&[], &x[..1])]),
        Sample::new(op.clone(), &[(&[0, 2], &[])]),
        Sample::new(op.clone(), &[(&[1, n, 1], &x)]),
    ];
    if n.is_multiple_of(2) {
        samples.push(Sample::new(op, &[(&[2, n / 2], &x)]));
    }
    samples
}

/// Samples of a function of two broadcast numbers.
pub fn pairs(op: impl Op + Clone) -> Vec<Sample> {
    let a = [0.6, -1.3, 2.2, -0.4, 1.7, -2.6];
    let b = [1.1, 0.7, -1.9, 2.4, -0.8, 0.3];
    let of = |sa: &[usize], sb: &[usize]| {
        let (na, nb): (usize, usize) = (sa.iter().product(), sb.iter().product());
        Sample::new(op.clone(), &[(sa, &a[..na]), (sb, &b[..nb])])
    };
    vec![
        of(&[6], &[6]),
        of(&[2, 3], &[3]),
        of(&[2, 1], &[1, 3]),
        of(&[], &[4]),
        of(&[3], &[]),
        of(&[], &[]),
        of(&[0, 3], &[3]),
        of(&[2, 1, 3], &[1, 2, 1]),
    ]
}
