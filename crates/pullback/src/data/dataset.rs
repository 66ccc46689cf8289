//! Samples by number: of tensors, of several data sets one after the other, mapped.

use super::collate::Collate;
use crate::core::fail::{bail, ensure};
use crate::{Result, Tensor};
use std::sync::Arc;

/// Samples by number.
pub trait Dataset {
    /// A sample.
    type Item: Collate;

    /// How many there are.
    fn len(&self) -> usize;

    /// One of them.
    ///
    /// # Errors
    /// For a number that there is not, and where it cannot be had.
    fn get(&self, index: usize) -> Result<Self::Item>;

    /// Some of them as one batch; a data set that has them at once does better than one by one.
    ///
    /// # Errors
    /// As [`Dataset::get`] and [`Collate::collate`].
    fn batch(&self, indices: &[usize]) -> Result<<Self::Item as Collate>::Batch> {
        let samples = indices
            .iter()
            .map(|&i| self.get(i).map_err(|e| e.note(format!("of sample {i}"))));
        Self::Item::collate(samples.collect::<Result<_>>()?)
    }

    /// Whether there are none.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Each sample as a function makes it.
    fn map<T: Collate, F: Fn(Self::Item) -> Result<T>>(self, f: F) -> Map<Self, F>
    where
        Self: Sized,
    {
        Map { of: self, f }
    }
}

macro_rules! through {
    ($($pointer:ty),*) => {$(
        impl<D: Dataset + ?Sized> Dataset for $pointer {
            type Item = D::Item;
            fn len(&self) -> usize {
                (**self).len()
            }
            fn get(&self, index: usize) -> Result<D::Item> {
                (**self).get(index)
            }
            fn batch(&self, indices: &[usize]) -> Result<<D::Item as Collate>::Batch> {
                (**self).batch(indices)
            }
        }
    )*};
}

through!(&D, Arc<D>, Box<D>);

/// Rows of several tensors, one of each a sample. PyTorch's `TensorDataset`.
#[derive(Clone, Debug)]
pub struct TensorDataset<const N: usize> {
    tensors: [Tensor; N],
    rows: usize,
}

impl<const N: usize> TensorDataset<N> {
    /// Of these tensors, which have as many rows each.
    ///
    /// # Errors
    /// PyTorch's sentence where they do not; for tensors without dimensions.
    pub fn new(tensors: [&Tensor; N]) -> Result<TensorDataset<N>> {
        let mut rows = None;
        for t in tensors {
            let own = t.size(0)?;
            ensure!(
                rows.is_none_or(|n| n == own),
                Shape,
                "Size mismatch between tensors: {} rows and {own}",
                rows.unwrap_or(0)
            );
            rows = Some(own);
        }
        Ok(TensorDataset {
            tensors: tensors.map(Tensor::clone),
            rows: rows.unwrap_or(0),
        })
    }

    /// The tensors.
    pub fn tensors(&self) -> &[Tensor; N] {
        &self.tensors
    }
}

/// A number that must be below another.
fn inside(index: usize, len: usize) -> Result<()> {
    ensure!(
        index < len,
        Index,
        "index {index} is out of range for a data set of {len} samples"
    );
    Ok(())
}

/// As many results as there are tensors.
fn each<const N: usize>(
    tensors: &[Tensor; N],
    f: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<[Tensor; N]> {
    let all: Vec<Tensor> = tensors.iter().map(f).collect::<Result<_>>()?;
    Ok(all
        .try_into()
        .unwrap_or_else(|_| unreachable!("as many as tensors")))
}

impl<const N: usize> Dataset for TensorDataset<N> {
    type Item = [Tensor; N];
    fn len(&self) -> usize {
        self.rows
    }
    fn get(&self, index: usize) -> Result<[Tensor; N]> {
        inside(index, self.rows)?;
        each(&self.tensors, |t| t.select(0, index as i64))
    }
    fn batch(&self, indices: &[usize]) -> Result<[Tensor; N]> {
        for &i in indices {
            inside(i, self.rows)?;
        }
        let rows: Vec<i64> = indices.iter().map(|&i| i as i64).collect();
        let rows = Tensor::from_slice(&rows, [rows.len()])?;
        each(&self.tensors, |t| t.index_select(0, &rows))
    }
}

/// Each sample of a data set as a function makes it; see [`Dataset::map`].
#[derive(Clone, Debug)]
pub struct Map<D, F> {
    of: D,
    f: F,
}

impl<D: Dataset, T: Collate, F: Fn(D::Item) -> Result<T>> Dataset for Map<D, F> {
    type Item = T;
    fn len(&self) -> usize {
        self.of.len()
    }
    fn get(&self, index: usize) -> Result<T> {
        (self.f)(self.of.get(index)?)
    }
}

/// Data sets one after the other. PyTorch's `ConcatDataset`.
#[derive(Clone, Debug)]
pub struct Concat<D> {
    parts: Vec<D>,
}

impl<D: Dataset> Concat<D> {
    /// Of these.
    pub fn new(parts: impl Into<Vec<D>>) -> Concat<D> {
        Concat {
            parts: parts.into(),
        }
    }
}

impl<D: Dataset> Dataset for Concat<D> {
    type Item = D::Item;
    fn len(&self) -> usize {
        self.parts.iter().map(D::len).sum()
    }
    fn get(&self, index: usize) -> Result<D::Item> {
        let mut left = index;
        for part in &self.parts {
            match left.checked_sub(part.len()) {
                None => return part.get(left),
                Some(rest) => left = rest,
            }
        }
        bail!(
            Index,
            "index {index} is out of range for a data set of {} samples",
            self.len()
        )
    }
}
