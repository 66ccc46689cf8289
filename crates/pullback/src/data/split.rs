//! Parts of a data set: chosen, or drawn.

use super::collate::Collate;
use super::dataset::Dataset;
use crate::Result;
use crate::core::fail::{bail, ensure};
use crate::random::torch::Generator;
use crate::random::try_draw;

/// Some samples of a data set. PyTorch's `Subset`.
#[derive(Clone, Debug)]
pub struct Subset<D> {
    of: D,
    indices: Vec<usize>,
}

impl<D: Dataset> Subset<D> {
    /// The samples of these numbers, in this order.
    ///
    /// # Errors
    /// For a number that there is not.
    pub fn new(of: D, indices: impl Into<Vec<usize>>) -> Result<Subset<D>> {
        let indices = indices.into();
        if let Some(i) = indices.iter().find(|&&i| i >= of.len()) {
            bail!(
                Index,
                "index {i} is out of range for a data set of {} samples",
                of.len()
            );
        }
        Ok(Subset { of, indices })
    }

    /// The numbers.
    pub fn indices(&self) -> &[usize] {
        &self.indices
    }
}

impl<D: Dataset> Dataset for Subset<D> {
    type Item = D::Item;
    fn len(&self) -> usize {
        self.indices.len()
    }
    fn get(&self, index: usize) -> Result<D::Item> {
        match self.indices.get(index) {
            Some(&i) => self.of.get(i),
            None => bail!(
                Index,
                "index {index} is out of range for a data set of {} samples",
                self.indices.len()
            ),
        }
    }
    fn batch(&self, indices: &[usize]) -> Result<<D::Item as Collate>::Batch> {
        let own = indices.iter().map(|&i| match self.indices.get(i) {
            Some(&at) => Ok(at),
            None => bail!(
                Index,
                "index {i} is out of range for a data set of {} samples",
                self.indices.len()
            ),
        });
        self.of.batch(&own.collect::<Result<Vec<_>>>()?)
    }
}

/// A permutation of the generator, or of the default one.
pub(super) fn permutation(generator: Option<&mut Generator>, n: usize) -> Result<Vec<i64>> {
    match generator {
        Some(g) => Ok(g.randperm(n)),
        None => try_draw(|g| g.randperm(n)),
    }
}

/// Parts of these lengths, of samples drawn without replacement. PyTorch's `random_split(dataset, lengths, generator)`.
///
/// ```
/// use pullback::data::{Dataset, TensorDataset, random_split};
/// use pullback::{Tensor, random};
/// // Python: random_split(range(5), [3, 2], generator=torch.Generator().manual_seed(42))    -> [2, 4, 3] and [0, 1]
/// let data = TensorDataset::new([&Tensor::arange(5)?])?;
/// let mut g = random::torch::manual_seed(42);
/// let parts = random_split(&data, &[3, 2], Some(&mut g))?;
/// assert_eq!((parts[0].indices(), parts[1].indices()), (&[2, 4, 3][..], &[0, 1][..]));
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// # Errors
/// PyTorch's sentence where the lengths are not all samples.
pub fn random_split<D: Dataset + Clone>(
    dataset: D,
    lengths: &[usize],
    generator: Option<&mut Generator>,
) -> Result<Vec<Subset<D>>> {
    let all: usize = lengths.iter().fold(0, |n, &k| n.saturating_add(k));
    ensure!(
        all == dataset.len(),
        Value,
        "Sum of input lengths does not equal the length of the input dataset!"
    );
    let order = permutation(generator, all)?;
    let order: Vec<usize> = order.iter().map(|&i| i as usize).collect();
    let mut start = 0;
    lengths
        .iter()
        .map(|&n| {
            let part = &order[start..start + n];
            start += n;
            Subset::new(dataset.clone(), part)
        })
        .collect()
}

/// Parts of these shares, what is left over by rounding going to the first ones. PyTorch's `random_split` of fractions.
///
/// # Errors
/// PyTorch's sentences for shares that are none, or are not all.
pub fn random_split_fractions<D: Dataset + Clone>(
    dataset: D,
    fractions: &[f64],
    generator: Option<&mut Generator>,
) -> Result<Vec<Subset<D>>> {
    for (i, f) in fractions.iter().enumerate() {
        ensure!(
            (0.0..=1.0).contains(f),
            Value,
            "Fraction at index {i} is not between 0 and 1"
        );
    }
    let sum: f64 = fractions.iter().sum();
    if (sum - 1.0).abs() > 1e-9 {
        bail!(
            Value,
            "Sum of input lengths does not equal the length of the input dataset!"
        );
    }
    let n = dataset.len();
    let mut lengths: Vec<usize> = fractions
        .iter()
        .map(|f| (n as f64 * f).floor() as usize)
        .collect();
    let left = n.saturating_sub(lengths.iter().sum());
    let parts = lengths.len().max(1);
    for i in 0..left {
        lengths[i % parts] += 1;
    }
    random_split(dataset, &lengths, generator)
}
