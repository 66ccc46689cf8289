//! Sums, means and largest elements of bags of a table's rows: PyTorch's `embedding_bag`, a lookup and a reduction by bag.

use crate::core::Site;
use crate::core::apply::apply_dyn;
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::setters::setters;
use crate::core::tensor::Tensor;
use crate::ops::common::halves::wide;
use crate::ops::index::embedding::{Embedding, shorten};
use crate::{DType, Reduce, Result};
use std::panic::Location;

/// What becomes of the rows of a bag.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum BagMode {
    /// Their sum.
    Sum,
    /// Their mean.
    #[default]
    Mean,
    /// The largest of them, number by number.
    Max,
}

impl std::str::FromStr for BagMode {
    type Err = crate::Error;
    fn from_str(name: &str) -> Result<Self> {
        match name {
            "sum" => Ok(BagMode::Sum),
            "mean" => Ok(BagMode::Mean),
            "max" => Ok(BagMode::Max),
            _ => Err(error!(Value, "mode has to be one of sum, mean or max")),
        }
    }
}

/// How [`Tensor::embedding_bag`] goes about it; the default is PyTorch's.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct EmbeddingBag<'a> {
    /// Where each bag begins in a vector of row numbers; a matrix of them has a bag in each row, and no offsets.
    pub offsets: Option<&'a Tensor>,
    /// Rows that are longer are shortened in the table first, in place.
    pub max_norm: Option<f64>,
    /// The order of that length.
    pub norm_type: f64,
    /// Whether a row's gradient is divided by how often it was looked up.
    pub scale_grad_by_freq: bool,
    /// What becomes of the rows of a bag.
    pub mode: BagMode,
    /// A factor for each row number, for sums.
    pub per_sample_weights: Option<&'a Tensor>,
    /// Whether the last offset is the end of the last bag and begins none.
    pub include_last_offset: bool,
    /// A row that is in no bag and gets no gradient; negative ones count from the end.
    pub padding_idx: Option<i64>,
}

setters!(['a] EmbeddingBag<'a> {
    offsets: Option<&'a Tensor>,
    max_norm: Option<f64>,
    norm_type: f64,
    scale_grad_by_freq: bool,
    mode: BagMode,
    per_sample_weights: Option<&'a Tensor>,
    include_last_offset: bool,
    padding_idx: Option<i64>,
});

impl Default for EmbeddingBag<'_> {
    fn default() -> Self {
        EmbeddingBag {
            offsets: None,
            max_norm: None,
            norm_type: 2.0,
            scale_grad_by_freq: false,
            mode: BagMode::Mean,
            per_sample_weights: None,
            include_last_offset: false,
            padding_idx: None,
        }
    }
}

/// Row numbers as a vector, the bag of each, its factor, and how many bags there are.
struct Bags {
    ids: Tensor,
    bag: Tensor,
    weights: Option<Tensor>,
    count: usize,
}

/// PyTorch's check of the dtype of row numbers and offsets.
fn integral(t: &Tensor) -> Result<()> {
    ensure!(
        matches!(t.dtype(), DType::I64 | DType::I32),
        DType,
        "Expected tensor for argument #1 'indices' to have one of the following scalar types: Long, Int; but got torch.{}Tensor instead (while checking arguments for embedding_bag)",
        t.dtype().scalar_type_name()
    );
    Ok(())
}

impl Bags {
    /// Bags of a vector, by where each begins.
    fn by_offsets(ids: &Tensor, how: EmbeddingBag<'_>) -> Result<Bags> {
        let Some(offsets) = how.offsets else {
            bail!(Value, "offsets has to be a 1D Tensor but got None");
        };
        ensure!(offsets.ndim() == 1, Value, "offsets has to be a 1D Tensor");
        integral(ids)?;
        integral(offsets)?;
        let n = ids.numel();
        let offsets = offsets.to(DType::I64)?;
        ensure!(
            !how.include_last_offset || offsets.numel() > 0,
            Shape,
            "include_last_offset: number of offset should be at least 1"
        );
        if !offsets.array().is_meta() && offsets.numel() > 0 {
            let list = offsets.array().numbers::<i64>()?;
            ensure!(
                list[0] == 0,
                Shape,
                "offsets[0] has to be 0, i.e., the first sequence in the mini-batch has to start from position 0. However, got {}",
                list[0]
            );
            let last = list[list.len() - 1];
            ensure!(
                last <= n as i64,
                Shape,
                "offsets[-1] can not be greater than input's length {n} but got offsets[-1] of {last}"
            );
            if let Some(bad) = list.iter().find(|&&at| at < 0 || at > n as i64) {
                bail!(Index, "offset {bad} is out of range");
            }
        }
        let count = offsets.numel() - usize::from(how.include_last_offset);
        ensure!(
            count > 0 || n == 0,
            Shape,
            "embedding_bag: there are row numbers and no bag to put them in"
        );
        let begins = offsets.narrow(0, 0, count)?;
        let place = Tensor::arange(n)?.to_device(ids.device())?;
        let bag = match count {
            0 => place,
            _ => (begins.sort(0, false)?.0)
                .searchsorted(&place, true)?
                .sub(1i64)?,
        };
        Ok(Bags {
            ids: ids.clone(),
            bag,
            weights: how.per_sample_weights.cloned(),
            count,
        })
    }

    /// Bags that are the rows of a matrix.
    fn by_rows(ids: &Tensor, how: EmbeddingBag<'_>) -> Result<Bags> {
        if how.offsets.is_some() {
            bail!(
                Value,
                "if input is 2D, then offsets has to be None, as input is treated is a mini-batch of fixed length sequences. However, found offsets of type <class 'torch.Tensor'>"
            );
        }
        let (rows, width) = (ids.shape()[0], ids.shape()[1]);
        ensure!(width > 0, Argument, "step must be nonzero");
        integral(ids)?;
        let n = rows * width;
        let bag = Tensor::arange(rows)?
            .to_device(ids.device())?
            .reshape([rows, 1])?
            .expand([rows, width])?
            .reshape([n])?;
        let flat = |t: &Tensor| t.reshape([n]);
        Ok(Bags {
            ids: flat(ids)?,
            bag,
            weights: how.per_sample_weights.map(flat).transpose()?,
            count: rows,
        })
    }

    /// Without the row that is in no bag.
    fn without(self, padding: usize) -> Result<Bags> {
        if self.ids.array().is_meta() {
            return Ok(self);
        }
        let kept = self.ids.ne(padding as i64)?.nonzero()?.reshape([-1i64])?;
        let of = |t: &Tensor| t.index_select(0, &kept);
        Ok(Bags {
            ids: of(&self.ids)?,
            bag: of(&self.bag)?,
            weights: self.weights.as_ref().map(of).transpose()?,
            count: self.count,
        })
    }

    /// The rows of each bag added up.
    fn sum(&self, rows: &Tensor) -> Result<Tensor> {
        let rows = match &self.weights {
            Some(w) => rows.mul(&w.unsqueeze(1)?)?,
            None => rows.clone(),
        };
        self.nothing(&rows)?.index_add(0, &self.bag, &rows, 1.0)
    }

    fn nothing(&self, rows: &Tensor) -> Result<Tensor> {
        Tensor::zeros([self.count, rows.shape()[1]], rows.dtype())?.to_device(rows.device())
    }

    /// The rows of each bag added up, divided by how many they are.
    fn mean(&self, rows: &Tensor) -> Result<Tensor> {
        let ones = Tensor::ones([rows.shape()[0], 1], rows.dtype())?.to_device(rows.device())?;
        let many = Tensor::zeros([self.count, 1], rows.dtype())?
            .to_device(rows.device())?
            .index_add(0, &self.bag, &ones, 1.0)?
            .clamp_min(1.0)?;
        self.sum(rows)?.div(&many)
    }

    /// The largest of the rows of each bag, number by number; of several that are largest the first gets the gradient.
    fn max(&self, rows: &Tensor) -> Result<Tensor> {
        let (n, width) = (rows.shape()[0], rows.shape()[1]);
        if n == 0 || rows.array().is_meta() {
            return self.sum(rows);
        }
        let bag = self.bag.unsqueeze(1)?.expand([n, width])?;
        let values = rows.detach();
        let top = self
            .nothing(&values)?
            .scatter_reduce(0, &bag, &values, Reduce::Amax, false)?;
        let won = values
            .eq(&top.gather(0, &bag)?)?
            .logical_or(&values.isnan()?)?;
        let place = Tensor::arange(n)?.reshape([n, 1])?.expand([n, width])?;
        let first = Tensor::full([self.count, width], n as i64, DType::I64)?.scatter_reduce(
            0,
            &bag,
            &place.where_(&won, n as i64)?,
            Reduce::Amin,
            true,
        )?;
        let found = first.lt(n as i64)?;
        rows.gather(0, &first.clamp_max(n as i64 - 1)?)?
            .where_(&found, 0.0)
    }
}

/// The number of a row that PyTorch counts from either end.
fn row(padding: i64, n: usize) -> Result<usize> {
    let n = n as i64;
    if padding < -n || padding >= n {
        bail!(
            Argument,
            "padding_idx must be within the number of embeddings, -{n} through {}, but got {padding}",
            n - 1
        );
    }
    Ok((if padding < 0 { padding + n } else { padding }) as usize)
}

#[pullback_macros::called]
impl Tensor {
    /// Rows of `weight` by the numbers in this tensor, a bag of them at a time: their sum, their mean, or the largest. This tensor is a
    /// matrix with a bag in each row, or a vector that `offsets` cuts into bags. The result has a row for each bag; empty bags give 0.
    ///
    /// ```
    /// # use pullback::{EmbeddingBag, Tensor};
    /// let table = Tensor::from_slice(&[0.0f32, 1.0, 10.0, 11.0], [2, 2])?;
    /// let ids = Tensor::from_slice(&[1i64, 0], [1, 2])?;
    /// let means = ids.embedding_bag(&table, EmbeddingBag::default())?;
    /// assert_eq!(means.to_vec::<f32>()?, [5.0, 6.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    ///
    /// # Errors
    /// PyTorch's sentences: numbers out of range, offsets that do not begin at 0, weights beside means or largest elements.
    #[track_caller]
    pub fn embedding_bag(&self, weight: &Tensor, how: EmbeddingBag<'_>) -> Result<Tensor> {
        let site = Location::caller();
        if let Some(w) = how.per_sample_weights.filter(|w| w.shape() != self.shape()) {
            bail!(
                Value,
                "embedding_bag: If per_sample_weights (torch.Size({})) is not None, then it must have the same shape as the input (torch.Size({}))",
                w.shape(),
                self.shape()
            );
        }
        ensure!(
            weight.ndim() == 2,
            Value,
            "weight has to be a 2D Tensor, but got Tensor of dimension {}",
            weight.ndim()
        );
        let bags = match self.ndim() {
            1 => Bags::by_offsets(self, how)?,
            2 => Bags::by_rows(self, how)?,
            n => bail!(
                Value,
                "input has to be 1D or 2D Tensor, but got Tensor of dimension {n}"
            ),
        };
        if how.mode == BagMode::Max && how.scale_grad_by_freq {
            bail!(
                Value,
                "max mode does not support scaling the gradient by the frequency"
            );
        }
        if let Some(most) = how.max_norm {
            known(&bags.ids, weight)?;
            shorten(&bags.ids, weight, most, how.norm_type)?;
        }
        bags.of(weight, how, site)
    }
}

/// Errors for numbers of rows that are not there.
fn known(ids: &Tensor, weight: &Tensor) -> Result<()> {
    if ids.array().is_meta() {
        return Ok(()); // there is nothing to check
    }
    let n = weight.shape()[0] as f64;
    if let Some(bad) = (ids.numbers_f64()?.into_iter()).find(|i| !(0.0..n).contains(i)) {
        bail!(
            Argument,
            "embedding_bag: Expected idx >= 0 && idx < num_embeddings but found idx to be {bad}"
        );
    }
    Ok(())
}

impl Bags {
    fn of(self, weight: &Tensor, how: EmbeddingBag<'_>, site: Site) -> Result<Tensor> {
        let mode = match how.mode {
            BagMode::Sum => None,
            BagMode::Mean => Some("mean"),
            BagMode::Max => Some("max"),
        };
        if let (Some(mode), true) = (mode, how.per_sample_weights.is_some()) {
            bail!(
                Unsupported,
                "embedding_bag: per_sample_weights was not None. per_sample_weights is only supported for mode='sum' (got mode='{mode}'). Please open a feature request on GitHub."
            );
        }
        if let Some(w) = how
            .per_sample_weights
            .filter(|w| w.dtype() != weight.dtype())
        {
            bail!(
                DType,
                "Expected tensor for argument #1 'weight' to have the same type as tensor for argument #1 'per_sample_weights'; but type torch.{}Tensor does not equal torch.{}Tensor (while checking arguments for embedding_bag)",
                weight.dtype().scalar_type_name(),
                w.dtype().scalar_type_name()
            );
        }
        known(&self.ids, weight)?;
        let bags = match how.padding_idx {
            Some(p) => self.without(row(p, weight.shape()[0])?)?,
            None => self,
        };
        let lookup = Embedding {
            padding: None,
            by_frequency: how.scale_grad_by_freq,
        };
        let rows = wide(&apply_dyn(&lookup, &[weight, &bags.ids], site)?)?;
        match how.mode {
            BagMode::Sum => bags.sum(&rows),
            BagMode::Mean => bags.mean(&rows),
            BagMode::Max => bags.max(&rows),
        }?
        .to(weight.dtype())
    }
}
