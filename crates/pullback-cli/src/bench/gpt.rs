//! The transformer of the workloads, as users write models: `bench/torch_cpu.py` has the same in PyTorch.

use super::workloads::Step;
use pullback::nn::{Embedding, GELU, Layer, LayerNorm, Linear, Module};
use pullback::optim::AdamW;
use pullback::{Attention, CrossEntropy, DType::I64, Result, Tensor, module, random};

/// Pre-norm block: causal attention, then a network four times as wide with GELU.
#[derive(Clone)]
struct Block {
    n1: LayerNorm,
    n2: LayerNorm,
    heads: usize,
    qkv: Linear,
    out: Linear,
    up: Linear,
    down: Linear,
}
module!(Block {
    n1,
    n2,
    qkv,
    out,
    up,
    down
});

impl Block {
    fn new(width: usize, heads: usize) -> Result<Block> {
        Ok(Block {
            n1: LayerNorm::new(width)?,
            n2: LayerNorm::new(width)?,
            heads,
            qkv: Linear::new(width, 3 * width)?,
            out: Linear::new(width, width)?,
            up: Linear::new(width, 4 * width)?,
            down: Linear::new(4 * width, width)?,
        })
    }

    fn forward(&self, x: &Tensor) -> Result<Tensor> {
        let (b, t, c) = (x.size(0)?, x.size(1)?, x.size(2)?);
        let qkv = (self.qkv.forward(&self.n1.forward(x)?)?)
            .reshape([b, t, 3, self.heads, c / self.heads])?
            .permute(&[2, 0, 3, 1, 4])?;
        let (q, k, v) = (qkv.select(0, 0)?, qkv.select(0, 1)?, qkv.select(0, 2)?);
        let causal = Attention::default().is_causal(true);
        let a = q.scaled_dot_product_attention(&k, &v, causal)?;
        let a = a.transpose(1, 2)?.reshape([b, t, c])?;
        let x = x + self.out.forward(&a)?;
        let h = GELU::default().forward(&self.up.forward(&self.n2.forward(&x)?)?)?;
        Ok(x + self.down.forward(&h)?)
    }
}

/// Token and position embeddings, blocks, final norm, head without bias.
#[derive(Clone)]
struct Gpt {
    tok: Embedding,
    pos: Embedding,
    blocks: Vec<Block>,
    norm: LayerNorm,
    head: Linear,
}
module!(Gpt {
    tok,
    pos,
    blocks,
    norm,
    head
});

impl Gpt {
    fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let places = Tensor::arange(ids.size(1)?)?;
        let mut h = self.tok.forward(ids)? + self.pos.forward(&places)?;
        for block in &self.blocks {
            h = block.forward(&h)?;
        }
        self.head.forward(&self.norm.forward(&h)?)
    }
}

/// Random tokens, cross-entropy, AdamW with rate 3e-4.
pub(super) fn gpt(
    [vocabulary, time, width, heads, depth, batch]: [usize; 6],
) -> anyhow::Result<Step> {
    random::manual_seed(0);
    let model = Gpt {
        tok: Embedding::new(vocabulary, width)?,
        pos: Embedding::new(time, width)?,
        blocks: (0..depth)
            .map(|_| Block::new(width, heads))
            .collect::<Result<_>>()?,
        norm: LayerNorm::new(width)?,
        head: Linear::builder(width, vocabulary).bias(false).build()?,
    };
    let mut optim = AdamW::new(model.named_parameters(), 3e-4)?;
    let x = Tensor::randint(0..vocabulary as i64, [batch, time], I64)?;
    let y = Tensor::randint(0..vocabulary as i64, [batch, time], I64)?;
    Ok(Box::new(move || {
        model.zero_grad();
        let logits = model.forward(&x)?.reshape([batch * time, vocabulary])?;
        let loss = logits.cross_entropy(&y.flatten()?, CrossEntropy::default())?;
        loss.backward()?;
        optim.step()?;
        Ok(())
    }))
}
