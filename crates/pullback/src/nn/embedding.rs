//! Tables whose rows are looked up by number.

use super::macros::{builder, layer};
use super::repr::{Repr, float};
use super::{init, observe};
use crate::core::fail::{bail, ensure};
use crate::{
    BagMode, DType, EmbeddingBag as Bag, EmbeddingOptions, Result, Tensor, module, no_grad,
};

/// A table of vectors: a tensor of numbers becomes one of the rows with these numbers. PyTorch's `nn.Embedding`.
///
/// ```
/// use pullback::nn::{Embedding, Layer};
/// use pullback::{Tensor, random};
/// // Python: torch.manual_seed(42); nn.Embedding(2, 2)(torch.tensor([0]))    -> [[0.3367, 0.1288]]
/// random::manual_seed(42);
/// let table = Embedding::new(2, 2)?;
/// let rows = table.forward(&Tensor::from_slice(&[0i64], [1])?)?;
/// assert_eq!(rows.to_vec::<f32>()?, [0.33669037, 0.1288094]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct Embedding {
    /// (rows, length of each).
    pub weight: Tensor,
    padding_idx: Option<i64>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
}

module!(Embedding { weight } => |m| {
    let size = |d: usize| m.weight.shape().get(d).copied().unwrap_or(0);
    let mut s = format!("{}, {}", size(0), size(1));
    if let Some(at) = m.padding_idx {
        s += &format!(", padding_idx={at}");
    }
    if let Some(most) = m.max_norm {
        s += &format!(", max_norm={}", float(most));
    }
    if m.norm_type != 2.0 {
        s += &format!(", norm_type={}", float(m.norm_type));
    }
    if m.scale_grad_by_freq {
        s += ", scale_grad_by_freq=True";
    }
    Repr::new("Embedding").extra(s)
});

layer!(Embedding, |m, x| x.embedding(
    &m.weight,
    EmbeddingOptions {
        padding_idx: m.padding_idx,
        max_norm: m.max_norm,
        norm_type: m.norm_type,
        scale_grad_by_freq: m.scale_grad_by_freq,
    }
));

builder! {
    /// How an [`Embedding`] is made.
    EmbeddingBuilder for Embedding;
    (num_embeddings: usize, embedding_dim: usize);
    {
        /// The norm of `max_norm`.
        norm_type: f64 = 2.0,
        /// Whether gradients are divided by how often a row was looked up.
        scale_grad_by_freq: bool = false,
        /// Of the table; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// A row of zeros that gets no gradient; negative numbers count from the end.
        padding_idx: Option<i64> = None,
        /// Rows that are looked up are scaled down to this length first, in the table.
        max_norm: Option<f64> = None,
    }
}

/// A row's number from the start.
fn row(padding_idx: Option<i64>, rows: usize) -> Result<Option<i64>> {
    let Some(at) = padding_idx else {
        return Ok(None);
    };
    let n = i64::try_from(rows).unwrap_or(i64::MAX);
    if at >= n || at < -n {
        bail!(Value, "Padding_idx must be within num_embeddings");
    }
    Ok(Some(if at < 0 { at + n } else { at }))
}

/// A table of normal numbers, whose padding row is 0, and which row that is.
fn drawn(
    padding_idx: Option<i64>,
    shape: [usize; 2],
    dtype: DType,
) -> Result<(Option<i64>, Tensor)> {
    let padding_idx = row(padding_idx, shape[0])?;
    let weight = init::parameter(&shape, dtype)?;
    init::normal_(&weight, 0.0, 1.0)?;
    if let Some(at) = padding_idx {
        let _guard = no_grad();
        weight.select(0, at)?.fill_(0)?;
    }
    Ok((padding_idx, weight))
}

impl EmbeddingBuilder {
    /// Makes the layer: draws normal numbers.
    ///
    /// # Errors
    /// PyTorch's sentence for a padding row that there is not.
    #[track_caller]
    pub fn build(self) -> Result<Embedding> {
        let shape = [self.num_embeddings, self.embedding_dim];
        let (padding_idx, weight) = drawn(self.padding_idx, shape, self.dtype)?;
        Ok(Embedding {
            weight,
            padding_idx,
            max_norm: self.max_norm,
            norm_type: self.norm_type,
            scale_grad_by_freq: self.scale_grad_by_freq,
        })
    }
}

impl Embedding {
    /// A table that is given, which is not trained where `freeze` says so.
    ///
    /// # Errors
    /// PyTorch's sentence for what is no matrix.
    pub fn from_pretrained(embeddings: &Tensor, freeze: bool) -> Result<Embedding> {
        ensure!(
            embeddings.ndim() == 2,
            Value,
            "Embeddings parameter is expected to be 2-dimensional"
        );
        Ok(Embedding {
            weight: embeddings.detach().requires_grad_(!freeze)?,
            padding_idx: None,
            max_norm: None,
            norm_type: 2.0,
            scale_grad_by_freq: false,
        })
    }
}

/// Bags of a table's rows: their sum, their mean, or the largest. PyTorch's `nn.EmbeddingBag`.
///
/// ```
/// use pullback::nn::EmbeddingBag;
/// use pullback::Tensor;
/// let table = EmbeddingBag::new(10, 3)?;
/// let ids = Tensor::from_slice(&[1i64, 2, 4, 5, 4, 3, 2, 9], [2, 4])?;
/// assert_eq!(table.forward(&ids, None, None)?.shape()[..], [2, 3]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug)]
pub struct EmbeddingBag {
    /// (rows, length of each).
    pub weight: Tensor,
    mode: BagMode,
    padding_idx: Option<i64>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
    include_last_offset: bool,
}

module!(EmbeddingBag { weight } => |m| {
    let size = |d: usize| m.weight.shape().get(d).copied().unwrap_or(0);
    let mut s = format!("{}, {}", size(0), size(1));
    if let Some(most) = m.max_norm {
        s += &format!(", max_norm={}", float(most));
    }
    if m.norm_type != 2.0 {
        s += &format!(", norm_type={}", float(m.norm_type));
    }
    if m.scale_grad_by_freq {
        s += ", scale_grad_by_freq=True";
    }
    s += match m.mode {
        BagMode::Sum => ", mode='sum'",
        BagMode::Mean => ", mode='mean'",
        BagMode::Max => ", mode='max'",
    };
    if let Some(at) = m.padding_idx {
        s += &format!(", padding_idx={at}");
    }
    Repr::new("EmbeddingBag").extra(s)
});

builder! {
    /// How an [`EmbeddingBag`] is made.
    EmbeddingBagBuilder for EmbeddingBag;
    (num_embeddings: usize, embedding_dim: usize);
    {
        /// What becomes of the rows of a bag.
        mode: BagMode = BagMode::Mean,
        /// The norm of `max_norm`.
        norm_type: f64 = 2.0,
        /// Whether gradients are divided by how often a row was looked up.
        scale_grad_by_freq: bool = false,
        /// Whether the last offset is the end of the last bag and begins none.
        include_last_offset: bool = false,
        /// Of the table; float32 without it.
        dtype: DType = DType::F32,
    } into {
        /// A row of zeros that is in no bag; negative numbers count from the end.
        padding_idx: Option<i64> = None,
        /// Rows that are looked up are scaled down to this length first, in the table.
        max_norm: Option<f64> = None,
    }
}

impl EmbeddingBagBuilder {
    /// Makes the layer: draws normal numbers.
    ///
    /// # Errors
    /// PyTorch's sentence for a padding row that there is not.
    #[track_caller]
    pub fn build(self) -> Result<EmbeddingBag> {
        let (rows, width) = (self.num_embeddings, self.embedding_dim);
        let (padding_idx, weight) = drawn(self.padding_idx, [rows, width], self.dtype)?;
        Ok(EmbeddingBag {
            weight,
            mode: self.mode,
            padding_idx,
            max_norm: self.max_norm,
            norm_type: self.norm_type,
            scale_grad_by_freq: self.scale_grad_by_freq,
            include_last_offset: self.include_last_offset,
        })
    }
}

impl EmbeddingBag {
    /// A row for each bag of a matrix's rows, or of a vector that `offsets` cuts; with a factor for each number, if asked for.
    ///
    /// # Errors
    /// As [`Tensor::embedding_bag`].
    #[track_caller]
    pub fn forward(
        &self,
        x: &Tensor,
        offsets: Option<&Tensor>,
        per_sample_weights: Option<&Tensor>,
    ) -> Result<Tensor> {
        let how = Bag {
            offsets,
            max_norm: self.max_norm,
            norm_type: self.norm_type,
            scale_grad_by_freq: self.scale_grad_by_freq,
            mode: self.mode,
            per_sample_weights,
            include_last_offset: self.include_last_offset,
            padding_idx: self.padding_idx,
        };
        observe::of(self, || x.embedding_bag(&self.weight, how))
    }
}
