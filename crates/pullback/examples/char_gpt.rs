//! A small transformer that writes letters: trained on three sonnets, then asked to go on with a line.

use pullback::nn::{
    self, Embedding, FeedForward, Layer, LayerNorm, Linear, Masks, Module, Transformer,
    TransformerEncoderLayer,
};
use pullback::optim::AdamW;
use pullback::{DType::F32, Result, Tensor, module, no_grad, random, stack};

const TEXT: &str = include_str!("data/sonnets.txt");
const CONTEXT: usize = 48;
const WIDTH: usize = 64;

#[derive(Clone)]
struct Gpt {
    letters: Embedding,
    places: Embedding,
    blocks: Vec<TransformerEncoderLayer>,
    norm: LayerNorm,
    head: Linear,
}
module!(Gpt {
    letters,
    places,
    blocks,
    norm,
    head
});

impl Gpt {
    fn new(vocabulary: usize) -> Result<Gpt> {
        let block = || {
            TransformerEncoderLayer::builder(WIDTH, 4)
                .dim_feedforward(4 * WIDTH)
                .dropout(0.0)
                .activation(FeedForward::Gelu)
                .batch_first(true)
                .norm_first(true)
                .build()
        };
        Ok(Gpt {
            letters: Embedding::new(vocabulary, WIDTH)?,
            places: Embedding::new(CONTEXT, WIDTH)?,
            blocks: vec![block()?, block()?],
            norm: LayerNorm::new(WIDTH)?,
            head: Linear::builder(WIDTH, vocabulary).bias(false).build()?,
        })
    }

    /// (samples, letters) to (samples, letters, vocabulary): what comes next after each letter.
    fn forward(&self, ids: &Tensor) -> Result<Tensor> {
        let n = ids.size(-1)?;
        let mut x = self.letters.forward(ids)? + self.places.forward(&Tensor::arange(n)?)?;
        let mask = Transformer::generate_square_subsequent_mask(n, F32)?;
        let masks = Masks::default().mask(Some(&mask)).is_causal(true);
        for block in &self.blocks {
            x = block.forward(&x, masks)?;
        }
        self.head.forward(&self.norm.forward(&x)?)
    }

    /// Goes on with a text: draws each letter from the probabilities of those that may follow.
    fn write(&self, alphabet: &[char], begin: &str, count: usize) -> Result<String> {
        let (_eval, _no_grad) = (nn::eval(), no_grad());
        let mut text: Vec<char> = begin.chars().collect();
        for _ in 0..count {
            let last = &text[text.len().saturating_sub(CONTEXT)..];
            let logits = self.forward(&ids(alphabet, last)?.unsqueeze(0)?)?;
            let next = logits.select(0, 0)?.select(0, -1)? / 0.5;
            let drawn: i64 = next.softmax(0)?.multinomial(1, false)?.item()?;
            text.push(alphabet[drawn as usize]);
        }
        Ok(text.into_iter().collect())
    }
}

/// Letters as numbers.
fn ids(alphabet: &[char], text: &[char]) -> Result<Tensor> {
    let numbers: Vec<i64> = (text.iter())
        .map(|c| alphabet.binary_search(c).unwrap_or(0) as i64)
        .collect();
    Tensor::from_slice(&numbers, [numbers.len()])
}

fn main() -> Result<()> {
    run(400).map(|loss| println!("\nloss {loss:.2}"))
}

/// Trains for so many steps, prints what is written, and gives the last loss.
pub(crate) fn run(steps: usize) -> Result<f64> {
    random::manual_seed(0);
    let text: Vec<char> = TEXT.chars().collect();
    let mut alphabet = text.clone();
    alphabet.sort_unstable();
    alphabet.dedup();
    let all = ids(&alphabet, &text)?;
    let model = Gpt::new(alphabet.len())?;
    println!(
        "{} letters, {} parameters",
        text.len(),
        model.num_parameters()
    );
    let mut optim = AdamW::new(model.named_parameters(), 3e-3)?;
    let mut last = f64::INFINITY;
    for step in 1..=steps {
        let starts = Tensor::randint(0..(text.len() - CONTEXT) as i64, [16], pullback::DType::I64)?;
        let windows = (starts.to_vec::<i64>()?.into_iter())
            .map(|at| all.narrow(0, at as usize, CONTEXT + 1))
            .collect::<Result<Vec<_>>>()?;
        let windows = stack(&windows, 0)?;
        let (x, y) = (
            windows.narrow(1, 0, CONTEXT)?,
            windows.narrow(1, 1, CONTEXT)?,
        );
        model.zero_grad();
        let logits = model.forward(&x)?.flatten_dims(0, 1)?;
        let loss = logits.cross_entropy(&y.flatten()?, Default::default())?;
        loss.backward()?;
        nn::utils::clip_grad_norm_(&model.parameters(), 1.0)?;
        optim.step()?;
        last = loss.item()?;
        if step % 50 == 0 {
            println!("step {step}: loss {last:.3}");
        }
    }
    println!("\n{}", model.write(&alphabet, "Shall I ", 200)?);
    Ok(last)
}
