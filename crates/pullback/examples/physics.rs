//! A network that obeys a differential equation: u″ + u = 0 with u(0) = 0 and u′(0) = 1 has the solution sin, of which no value is ever shown.
//!
//! The second derivative is that of a gradient by the input, and the loss is differentiated a third time, by the parameters.

use pullback::nn::{Layer, Linear, Module, Sequential, Tanh};
use pullback::optim::Adam;
use pullback::optim::lr_scheduler::{CosineAnnealingLR, Law, Scheduler};
use pullback::{
    BackwardOptions, DType::F64, Result, Tensor, linspace, no_grad, random, sequential,
};

const CREATE: BackwardOptions = BackwardOptions::NEW.create_graph(true);

/// u and its first two derivatives at every point.
fn derivatives(u: &Sequential, x: &Tensor) -> Result<[Tensor; 3]> {
    let y = u.forward(x)?;
    // Points do not see each other, so the gradient of the sum has the derivative at each.
    let [first] = y.sum()?.grads([x], CREATE)?;
    let [second] = first.sum()?.grads([x], CREATE)?;
    Ok([y, first, second])
}

fn main() -> Result<()> {
    run(2000).map(|error| println!("largest error on [0, 2π]: {error:.4}"))
}

/// Fits for so many steps; gives the largest distance from the solution.
pub(crate) fn run(steps: usize) -> Result<f64> {
    random::manual_seed(0);
    let linear = |of, out| Linear::builder(of, out).dtype(F64).build();
    let u = sequential![linear(1, 24)?, Tanh, linear(24, 24)?, Tanh, linear(24, 1)?];
    let x = linspace(0.0, std::f64::consts::TAU, 48, Some(F64))?
        .unsqueeze(1)?
        .requires_grad_(true)?;
    let mut adam = Adam::new(u.named_parameters(), 0.01)?;
    let mut schedule = CosineAnnealingLR::new(steps as i64).over(&mut adam)?;
    for step in 1..=steps {
        u.zero_grad();
        let [y, first, second] = derivatives(&u, &x)?;
        let equation = (second + &y).square()?.mean()?;
        let start = y.select(0, 0)?.square()?.sum()? + (first.select(0, 0)? - 1).square()?.sum()?;
        let loss = equation + start;
        loss.backward()?;
        adam.step()?;
        schedule.step(&mut adam)?;
        if step % 500 == 0 {
            println!("step {step}: loss {:.2e}", loss.item::<f64>()?);
        }
    }
    let _guard = no_grad();
    u.forward(&x)?.sub(&x.sin()?)?.abs()?.max()?.item()
}
