//! Formulas as values: what an operation records of itself computes what its loops compute, and its derivative is its rule.

use pullback::formula::{Expression, Scalar};
use pullback::ops::OPS;
use pullback::proof::Sample;
use pullback::{Array, DType, Dd, Tensor};

/// Every sample of every operation that has a formula, in a dtype.
fn with_formulas(mut each: impl FnMut(&Sample, Expression)) -> usize {
    let mut operations = 0;
    for def in OPS {
        let mut any = false;
        for sample in (def.proof.samples)() {
            if let Some(e) = sample.op.expression() {
                any = true;
                each(&sample, e);
            }
        }
        operations += usize::from(any);
    }
    operations
}

/// The inputs, all in the result's shape, as numbers.
fn columns<T: pullback::Element>(inputs: &[Array], like: &Array) -> Vec<Vec<T>> {
    let expand = |a: &Array| {
        let t = Tensor::from_array(a.clone()).expand(like.shape()).unwrap();
        t.to_vec::<T>().unwrap()
    };
    inputs.iter().map(expand).collect()
}

/// The recorded formula of each element, in a number type.
fn computed<T: Scalar + pullback::Element>(e: &Expression, columns: &[Vec<T>], n: usize) -> Vec<T> {
    let row = |i: usize| columns.iter().map(|c| c[i]).collect::<Vec<T>>();
    (0..n).map(|i| e.at(&row(i))).collect()
}

fn same_bits<T: Scalar + pullback::Element>(dtype: DType, bits: impl Fn(T) -> [u64; 2]) {
    let operations = with_formulas(|sample, e| {
        let inputs = sample.inputs(dtype).unwrap();
        let refs: Vec<&Array> = inputs.iter().collect();
        let value = sample.op.eval(&refs).unwrap();
        let want = value.to_vec::<T>().unwrap();
        let got = computed(&e, &columns::<T>(&inputs, &value), want.len());
        for (k, (g, w)) in got.iter().zip(&want).enumerate() {
            let nan = g.to_f64().is_nan() && w.to_f64().is_nan();
            assert!(
                nan || bits(*g) == bits(*w),
                "{}, element {k} in {dtype}: {e} gives {g:?}, the loop {w:?}",
                sample.op.def().name
            );
        }
    });
    assert!(
        operations >= 80,
        "only {operations} operations have a formula"
    );
}

#[test]
fn recorded_formulas_compute_what_loops_compute() {
    same_bits::<f64>(DType::F64, |x| [x.to_bits(), 0]);
    same_bits::<f32>(DType::F32, |x| [u64::from(x.to_bits()), 0]);
    same_bits::<Dd>(DType::Dd, |x| {
        let high = x.to_f64();
        [high.to_bits(), (x - Dd::from(high)).to_f64().to_bits()]
    });
}

/// The gradients of the result's sum, by the operation's rule.
fn ruled(sample: &Sample, inputs: &[Array]) -> Option<Vec<Tensor>> {
    let leaf = |a: &Array| Tensor::from_array(a.clone()).requires_grad_(true).unwrap();
    let leaves: Vec<Tensor> = inputs.iter().map(leaf).collect();
    let y = sample.run(&leaves).ok()?;
    y.sum().unwrap().backward().ok()?;
    leaves.iter().map(Tensor::grad).collect()
}

/// Of inputs that all have the result's shape: others are summed, which says nothing of a formula.
#[test]
fn derivatives_of_formulas_are_the_rules() {
    let mut compared = 0;
    with_formulas(|sample, e| {
        let inputs = sample.inputs(DType::Dd).unwrap();
        if inputs.iter().any(|a| a.shape() != inputs[0].shape()) {
            return;
        }
        let Some(gradients) = ruled(sample, &inputs) else {
            return;
        };
        for (k, gradient) in gradients.iter().enumerate() {
            let slope = e.derivative(k);
            let want = gradient.to_vec::<Dd>().unwrap();
            let got = computed(&slope, &columns::<Dd>(&inputs, &inputs[0]), want.len());
            for (i, (g, w)) in got.iter().zip(&want).enumerate() {
                compared += 1;
                let off = (*g - *w).abs().to_f64();
                assert!(
                    off <= 1e-26 * (1.0 + w.abs().to_f64()),
                    "{} by input {k}, element {i}: {slope} gives {g}, the rule {w}",
                    sample.op.def().name
                );
            }
        }
    });
    assert!(compared > 500, "only {compared} numbers compared");
}

#[test]
fn gradient_formulas_are_slope_times_gradient() {
    let mut operations = 0;
    with_formulas(|sample, e| {
        let Some(pull) = sample.op.gradient_expression() else {
            return;
        };
        operations += 1;
        let inputs = sample.inputs(DType::Dd).unwrap();
        let value = sample.op.eval(&[&inputs[0]]).unwrap();
        let (x, y) = (
            inputs[0].to_vec::<Dd>().unwrap(),
            value.to_vec::<Dd>().unwrap(),
        );
        let (slope, g) = (e.derivative(0), Dd::from(0.75));
        for (x, y) in x.iter().zip(&y) {
            let want = slope.at(&[*x]) * g;
            // It reads the input or the result; which, the operation's `reads` says.
            let read = if sample.op.reads(0) == pullback::Reads::OUTPUT {
                *y
            } else {
                *x
            };
            let got = pull.at(&[g, read]);
            let off = (got - want).abs().to_f64();
            assert!(
                off <= 1e-26 * (1.0 + want.abs().to_f64()),
                "{} at {x}: {pull} gives {got}, the slope times {g} is {want}",
                sample.op.def().name
            );
        }
    });
    assert!(operations > 60, "only {operations} samples have one");
}

#[test]
fn formulas_have_a_text() {
    let text = |name: &str| {
        let def = pullback::ops::find(name).unwrap();
        (def.proof.samples)()[0]
            .op
            .expression()
            .unwrap()
            .to_string()
    };
    assert_eq!(text("sigmoid"), "1/(1 + exp(-x))");
    assert_eq!(text("relu"), "0 where x < 0 else x");
    assert_eq!(text("hypot"), "hypot(x, y)");
    with_formulas(|_, e| assert!(!e.to_string().is_empty()));
}
