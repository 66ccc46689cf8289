//! A sequence told on: an LSTM sees waves of different lengths and goes on with one by itself.

use pullback::nn::{LSTM, Layer, Linear, Module, utils::clip_grad_norm_};
use pullback::optim::Adam;
use pullback::{DType::F32, Reduction, Result, Tensor, module, no_grad, random};

#[derive(Clone)]
struct Model {
    lstm: LSTM,
    head: Linear,
}
module!(Model { lstm, head });

impl Model {
    /// (samples, steps, 1) to the next value after each step, and the state at the end.
    fn forward(
        &self,
        x: &Tensor,
        state: Option<(&Tensor, &Tensor)>,
    ) -> Result<(Tensor, (Tensor, Tensor))> {
        let (h, state) = self.lstm.forward(x, state)?;
        Ok((self.head.forward(&h)?, state))
    }
}

/// Waves (samples, steps, 1) of lengths between 16 and 32 steps, each begun somewhere.
fn waves(samples: usize, steps: usize) -> Result<Tensor> {
    let speed = Tensor::rand([samples, 1], F32)?.mul(0.2)?.add(0.2)?;
    let start = Tensor::rand([samples, 1], F32)?.mul(std::f64::consts::TAU)?;
    let at = Tensor::arange(steps)?.to(F32)?.mul(&speed)?.add(&start)?;
    at.sin()?.unsqueeze(-1)
}

fn main() -> Result<()> {
    run(300).map(|error| println!("mean error of 20 values told by itself: {error:.3}"))
}

/// Trains for so many steps; gives the mean error of twenty values that the model goes on with.
pub(crate) fn run(steps: usize) -> Result<f64> {
    random::manual_seed(0);
    let model = Model {
        lstm: LSTM::builder(1, 32).batch_first(true).build()?,
        head: Linear::new(32, 1)?,
    };
    let mut adam = Adam::new(model.named_parameters(), 0.01)?;
    for step in 1..=steps {
        let x = waves(32, 41)?;
        let (seen, next) = (x.narrow(1, 0, 40)?, x.narrow(1, 1, 40)?);
        model.zero_grad();
        let loss = (model.forward(&seen, None)?.0).mse_loss(&next, Reduction::Mean, None)?;
        loss.backward()?;
        clip_grad_norm_(&model.parameters(), 1.0)?;
        adam.step()?;
        if step % 100 == 0 {
            println!("step {step}: loss {:.5}", loss.item::<f32>()?);
        }
    }
    let _guard = no_grad();
    let x = waves(64, 60)?;
    let (told, mut state) = model.forward(&x.narrow(1, 0, 40)?, None)?;
    let mut next = told.narrow(1, 39, 1)?;
    let mut error = 0.0;
    for at in 40..60 {
        let off = next.sub(&x.narrow(1, at, 1)?)?;
        error += off.abs()?.mean()?.item::<f64>()? / 20.0;
        let (told, new) = model.forward(&next, Some((&state.0, &state.1)))?;
        (next, state) = (told, new);
    }
    Ok(error)
}
