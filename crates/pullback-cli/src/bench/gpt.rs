//! The transformer of the workloads: `bench/torch_cpu.py` has the same in PyTorch.

use super::models::{Linear, classes, randn};
use super::workloads::Step;
use pullback::{Approximate, Attention, CrossEntropy, EmbeddingOptions, Tensor, no_grad};
use pullback_random::torch::{self, Generator};

/// Scale and shift after normalisation.
struct Norm {
    weight: Tensor,
    bias: Tensor,
}

impl Norm {
    fn new(size: usize) -> anyhow::Result<Norm> {
        Ok(Norm {
            weight: Tensor::from_slice(&vec![1.0f32; size], [size])?.requires_grad_(true)?,
            bias: Tensor::from_slice(&vec![0.0f32; size], [size])?.requires_grad_(true)?,
        })
    }

    fn forward(&self, x: &Tensor) -> anyhow::Result<Tensor> {
        let size = x.size(-1)?;
        Ok(x.layer_norm(&[size], Some(&self.weight), Some(&self.bias), 1e-5)?)
    }
}

/// Pre-norm block: causal attention, then a network four times as wide with GELU.
struct Block {
    norms: [Norm; 2],
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
    heads: usize,
}

impl Block {
    fn new(rng: &mut Generator, width: usize, heads: usize) -> anyhow::Result<Block> {
        Ok(Block {
            norms: [Norm::new(width)?, Norm::new(width)?],
            qkv: Linear::new(rng, width, 3 * width, true)?,
            out: Linear::new(rng, width, width, true)?,
            up: Linear::new(rng, width, 4 * width, true)?,
            down: Linear::new(rng, 4 * width, width, true)?,
            heads,
        })
    }

    fn forward(&self, x: &Tensor) -> anyhow::Result<Tensor> {
        let (b, t, c) = (x.size(0)?, x.size(1)?, x.size(2)?);
        let qkv = self.qkv.forward(&self.norms[0].forward(x)?)?;
        let qkv = qkv
            .reshape([b, t, 3, self.heads, c / self.heads])?
            .permute(&[2, 0, 3, 1, 4])?;
        let causal = Attention::default().is_causal(true);
        let a = qkv
            .select(0, 0)?
            .scaled_dot_product_attention(&qkv.select(0, 1)?, &qkv.select(0, 2)?, causal)?
            .transpose(1, 2)?
            .reshape([b, t, c])?;
        let x = x.add(&self.out.forward(&a)?)?;
        let h = self
            .up
            .forward(&self.norms[1].forward(&x)?)?
            .gelu(Approximate::None)?;
        Ok(x.add(&self.down.forward(&h)?)?)
    }

    fn params(&self) -> Vec<Tensor> {
        let norms = self
            .norms
            .iter()
            .flat_map(|n| [n.weight.clone(), n.bias.clone()]);
        let layers = [&self.qkv, &self.out, &self.up, &self.down];
        norms
            .chain(layers.into_iter().flat_map(Linear::params))
            .collect()
    }
}

/// A parameter with its running moments, as `torch.optim.AdamW` keeps them.
struct Moments {
    param: Tensor,
    first: Tensor,
    second: Tensor,
}

/// AdamW with its defaults: betas 0.9 and 0.999, eps 1e-8, weight decay 0.01.
struct AdamW {
    all: Vec<Moments>,
    rate: f64,
    steps: i32,
}

impl AdamW {
    fn new(params: &[Tensor], rate: f64) -> anyhow::Result<AdamW> {
        let all = params
            .iter()
            .map(|p| {
                Ok(Moments {
                    param: p.clone(),
                    first: p.detach().zeros_like()?,
                    second: p.detach().zeros_like()?,
                })
            })
            .collect::<anyhow::Result<_>>()?;
        Ok(AdamW {
            all,
            rate,
            steps: 0,
        })
    }

    fn step(&mut self) -> anyhow::Result<()> {
        let _guard = no_grad();
        self.steps += 1;
        let (fix1, fix2) = (
            1.0 - 0.9f64.powi(self.steps),
            1.0 - 0.999f64.powi(self.steps),
        );
        for Moments {
            param,
            first,
            second,
        } in &self.all
        {
            let Some(grad) = param.grad() else { continue };
            param.mul_(1.0 - self.rate * 0.01)?;
            first.mul_(0.9)?;
            first.add_scaled_(&grad, 0.1)?;
            second.mul_(0.999)?;
            second.addcmul_(&grad, &grad, 0.001)?;
            let size = second.sqrt()?.div(fix2.sqrt())?.add(1e-8)?;
            param.addcdiv_(first, &size, -self.rate / fix1)?;
        }
        Ok(())
    }
}

/// Token and position embeddings, blocks, a last norm, a head without bias; random tokens, cross-entropy, AdamW.
pub(super) fn gpt(
    [vocabulary, time, width, heads, depth, batch]: [usize; 6],
) -> anyhow::Result<Step> {
    let mut rng = torch::manual_seed(0);
    let token = randn(&mut rng, &[vocabulary, width])?.requires_grad_(true)?;
    let position = randn(&mut rng, &[time, width])?.requires_grad_(true)?;
    let blocks: Vec<Block> = (0..depth)
        .map(|_| Block::new(&mut rng, width, heads))
        .collect::<anyhow::Result<_>>()?;
    let norm = Norm::new(width)?;
    let head = Linear::new(&mut rng, width, vocabulary, false)?;
    let mut params = vec![token.clone(), position.clone()];
    params.extend(blocks.iter().flat_map(Block::params));
    params.extend([norm.weight.clone(), norm.bias.clone()]);
    params.extend(head.params());
    let x = classes(&mut rng, batch * time, vocabulary)?.reshape([batch, time])?;
    let y = classes(&mut rng, batch * time, vocabulary)?;
    let mut optimizer = AdamW::new(&params, 3e-4)?;
    Ok(Box::new(move || {
        params.iter().for_each(Tensor::zero_grad);
        let places = Tensor::arange(time)?;
        let look = |ids: &Tensor, table: &Tensor| ids.embedding(table, EmbeddingOptions::default());
        let mut h = look(&x, &token)?.add(&look(&places, &position)?)?;
        for block in &blocks {
            h = block.forward(&h)?;
        }
        let logits = head
            .forward(&norm.forward(&h)?)?
            .reshape([batch * time, vocabulary])?;
        logits
            .cross_entropy(&y, CrossEntropy::default())?
            .backward()?;
        optimizer.step()
    }))
}
