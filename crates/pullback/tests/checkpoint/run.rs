//! A run that uses every stream there is: dropout and the order of samples draw from generators, noise from NumPy's, normalisation keeps buffers.

use pullback::checkpoint::Checkpoint;
use pullback::data::{DataLoader, RandomSampler, TensorDataset};
use pullback::nn::{BatchNorm1d, Dropout, Layer, Linear, Module};
use pullback::optim::lr_scheduler::{
    CosineAnnealingWarmRestarts, Law, ReduceLROnPlateau, Schedule, Scheduler,
};
use pullback::optim::{Adam, AdamOptions, SGD, SGDOptions};
use pullback::random::{self, numpy, torch};
use pullback::{CrossEntropy, DType, Result, Tensor, module};
use std::path::Path;

#[derive(Clone)]
pub(crate) struct Net {
    pub(crate) first: Linear,
    norm: BatchNorm1d,
    drop: Dropout,
    pub(crate) head: Linear,
}
module!(Net {
    first,
    norm,
    drop,
    head
});

impl Net {
    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let h = self.norm.forward(&self.first.forward(x)?.relu()?)?;
        self.head.forward(&self.drop.forward(&h)?)
    }
}

pub(crate) type Data = DataLoader<TensorDataset<2>>;

/// How samples are drawn.
#[derive(Clone, Copy, Debug)]
pub(crate) enum Kind {
    /// By the default generator.
    Default,
    /// By the loader's, with threads.
    Own,
    /// By a sampler's, with replacement.
    Sampler,
}

pub(crate) fn loader(kind: Kind, n: usize) -> Result<Data> {
    let mut g = numpy::default_rng(5);
    let x = Tensor::from_slice(&g.normal(0.0, 1.0, n * 6)?, [n, 6])?.to(DType::F32)?;
    let y = x.select(1, 0)?.gt(0.0)?.to(DType::I64)?;
    let loader = DataLoader::builder(TensorDataset::new([&x, &y])?).batch_size(5);
    match kind {
        Kind::Default => loader.shuffle(true).build(),
        Kind::Own => (loader.shuffle(true).num_workers(2))
            .generator(torch::manual_seed(3))
            .build(),
        Kind::Sampler => (RandomSampler::new(n).replacement(true))
            .generator(torch::manual_seed(4))
            .pipe(|s| loader.sampler(s).build()),
    }
}

trait Pipe: Sized {
    fn pipe<T>(self, f: impl FnOnce(Self) -> T) -> T {
        f(self)
    }
}
impl<T> Pipe for T {}

pub(crate) struct Run {
    pub(crate) model: Net,
    pub(crate) adam: Adam,
    pub(crate) sgd: SGD,
    pub(crate) schedule: Schedule<CosineAnnealingWarmRestarts>,
    pub(crate) plateau: ReduceLROnPlateau,
    pub(crate) noise: numpy::Generator,
    pub(crate) losses: Vec<f32>,
    pub(crate) epoch: u64,
}

impl Run {
    pub(crate) fn new(width: usize) -> Result<Run> {
        random::manual_seed(0);
        let model = Net {
            first: Linear::new(6, width)?,
            norm: BatchNorm1d::new(width)?,
            drop: Dropout::new(0.3)?,
            head: Linear::new(width, 2)?,
        };
        let all = model.named_parameters();
        let (head, body) = (all.under("head").with_prefix("head"), all);
        let body = body.filter(|name, _| !name.starts_with("head"));
        let mut adam = Adam::with(body, AdamOptions::default().lr(0.01).amsgrad(true))?;
        let sgd = SGD::with(head, SGDOptions::default().lr(0.02).momentum(0.9))?;
        let schedule = CosineAnnealingWarmRestarts::new(7)
            .t_mult(2)
            .over(&mut adam)?;
        let plateau = ReduceLROnPlateau::new()
            .factor(0.7)
            .patience(2)
            .over(&sgd)?;
        Ok(Run {
            model,
            adam,
            sgd,
            schedule,
            plateau,
            noise: numpy::default_rng(9),
            losses: Vec::new(),
            epoch: 0,
        })
    }

    /// All that it is made of.
    pub(crate) fn parts<'a>(&'a mut self, loader: &'a Data) -> Checkpoint<'a> {
        Checkpoint::new()
            .module("model", &self.model)
            .optimizer("adam", &mut self.adam)
            .optimizer("sgd", &mut self.sgd)
            .scheduler("schedule", &mut self.schedule)
            .keep("plateau", &mut self.plateau)
            .loader("loader", loader)
            .keep("noise", &mut self.noise)
            .keep("losses", &mut self.losses)
            .keep("epoch", &mut self.epoch)
    }

    fn step(&mut self, x: &Tensor, y: &Tensor) -> Result<()> {
        let noise = self.noise.normal(0.0, 0.1, x.numel())?;
        let noise = Tensor::from_slice(&noise, x.shape().clone())?.to(DType::F32)?;
        let loss = self.model.forward(&x.add(&noise)?)?;
        let loss = loss.cross_entropy(y, CrossEntropy::default())?;
        self.model.zero_grad();
        loss.backward()?;
        self.adam.step()?;
        self.sgd.step()?;
        self.schedule.step(&mut self.adam)?;
        self.losses.push(loss.item_f64()? as f32);
        Ok(())
    }

    /// Trains from wherever it is, writing `path` after every step.
    pub(crate) fn train(&mut self, data: &Data, epochs: u64, path: Option<&Path>) -> Result<()> {
        while self.epoch < epochs {
            for batch in data.iter()? {
                let [x, y] = batch?;
                self.step(&x, &y)?;
                if let Some(path) = path {
                    self.parts(data).save(path)?;
                }
            }
            let loss = f64::from(*self.losses.last().unwrap_or(&0.0));
            self.plateau.step(&mut self.sgd, loss)?;
            self.epoch += 1;
            if let Some(path) = path {
                self.parts(data).save(path)?;
            }
        }
        Ok(())
    }
}

impl Run {
    /// Trains for so many steps and writes the file there; says whether it came so far.
    pub(crate) fn stopped(&mut self, data: &Data, steps: usize, path: &Path) -> Result<bool> {
        while self.losses.len() < steps || steps == 0 {
            if steps == 0 {
                self.parts(data).save(path)?;
                return Ok(true);
            }
            for batch in data.iter()? {
                let [x, y] = batch?;
                self.step(&x, &y)?;
                if self.losses.len() == steps {
                    self.parts(data).save(path)?;
                    return Ok(true);
                }
            }
            let loss = f64::from(*self.losses.last().unwrap_or(&0.0));
            self.plateau.step(&mut self.sgd, loss)?;
            self.epoch += 1;
        }
        Ok(false)
    }
}
