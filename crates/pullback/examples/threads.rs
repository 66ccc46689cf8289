//! Two ways to train on several threads: models of their own side by side, and one model whose batch is shared among threads.
//!
//! Tensors go to other threads as they are, and a thread's modes (`no_grad`, `nn::eval`) are its own. The sum of the parts' gradients is that of
//! the whole batch, up to the order in which numbers are added.

use pullback::nn::{Layer, Linear, Module, NamedTensors, Sequential, Tanh};
use pullback::optim::Adam;
use pullback::{DType::F32, Error, ErrorKind, Reduction, Result, Tensor, random, sequential};
use std::thread;

fn model() -> Result<Sequential> {
    Ok(sequential![Linear::new(4, 32)?, Tanh, Linear::new(32, 1)?])
}

fn loss(model: &Sequential, x: &Tensor, y: &Tensor) -> Result<Tensor> {
    model.forward(x)?.mse_loss(y, Reduction::Mean, None)
}

fn train(model: &Sequential, x: &Tensor, y: &Tensor, steps: usize) -> Result<f64> {
    let mut adam = Adam::new(model.named_parameters(), 0.03)?;
    for _ in 0..steps {
        model.zero_grad();
        loss(model, x, y)?.backward()?;
        adam.step()?;
    }
    loss(model, x, y)?.item()
}

/// What a thread gave; a panic there is an error here.
fn joined<T>(worker: thread::ScopedJoinHandle<'_, Result<T>>) -> Result<T> {
    worker
        .join()
        .unwrap_or_else(|_| Err(Error::new(ErrorKind::Value, "a thread panicked")))
}

/// The gradient of the mean over a batch, by threads that see a part each.
fn shared(model: &Sequential, x: &Tensor, y: &Tensor, parts: usize) -> Result<NamedTensors> {
    let rows = x.size(0)?.div_ceil(parts);
    let grads = thread::scope(|scope| {
        let workers: Vec<_> = (x.split(rows, 0)?.into_iter())
            .zip(y.split(rows, 0)?)
            .map(|(x, y)| scope.spawn(move || model.value_and_grad(|m| loss(m, &x, &y))))
            .collect();
        (workers.into_iter().map(joined)).collect::<Result<Vec<_>>>()
    })?;
    let mut sums = NamedTensors::new();
    for name in model.named_parameters().names() {
        let parts_of = grads.iter().map(|(_, grads)| &grads[name]);
        sums.insert(name, parts_of.sum::<Tensor>() / grads.len());
    }
    Ok(sums)
}

fn main() -> Result<()> {
    let (losses, off, last) = run(300)?;
    println!("four models side by side: losses {losses:.4?}");
    println!("one model, two threads: gradients off by {off:.1e}, loss {last:.4}");
    Ok(())
}

/// Trains for so many steps; gives the losses of four models trained at once, the distance of a shared gradient from the whole batch's, and the
/// loss of the model that was trained with shared gradients.
pub(crate) fn run(steps: usize) -> Result<(Vec<f64>, f64, f64)> {
    random::manual_seed(0);
    let x = Tensor::randn([256, 4], F32)?;
    let y = x.square()?.sum_dims(&[1], true)?.sqrt()?;

    // Drawn before the threads begin: the default generator is one for all.
    let models = (0..4).map(|_| model()).collect::<Result<Vec<_>>>()?;
    let losses = thread::scope(|scope| {
        let workers: Vec<_> = (models.iter())
            .map(|model| scope.spawn(|| train(model, &x, &y, steps)))
            .collect();
        (workers.into_iter().map(joined)).collect::<Result<Vec<_>>>()
    })?;

    let model = model()?;
    let whole = model.value_and_grad(|m| loss(m, &x, &y))?.1;
    let mut off: f64 = 0.0;
    for (name, grad) in shared(&model, &x, &y, 2)?.iter() {
        off = off.max(grad.sub(&whole[name])?.abs()?.max()?.item()?);
    }
    let mut adam = Adam::new(model.named_parameters(), 0.03)?;
    for _ in 0..steps {
        let grads = shared(&model, &x, &y, 2)?;
        for (name, parameter) in model.named_parameters().iter() {
            parameter.set_grad(Some(grads[name].clone()))?;
        }
        adam.step()?;
    }
    Ok((losses, off, loss(&model, &x, &y)?.item()?))
}
