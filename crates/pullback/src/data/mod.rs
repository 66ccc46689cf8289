//! Data sets and batches: PyTorch's `torch.utils.data`, in PyTorch's order from the same seed.
//!
//! ```
//! use pullback::data::{DataLoader, TensorDataset};
//! use pullback::{DType, Tensor, random};
//! let x = Tensor::arange(10)?.to(DType::F32)?.reshape([5, 2])?;
//! let y = Tensor::arange(5)?;
//! let data = TensorDataset::new([&x, &y])?;
//! random::manual_seed(42);
//! // Python: torch.manual_seed(42); [int(b) for b in DataLoader(range(5), shuffle=True)]    -> [3, 2, 1, 4, 0]
//! let loader = DataLoader::builder(data).batch_size(2).shuffle(true).build()?;
//! let mut seen = Vec::new();
//! for batch in loader.iter()? {
//!     let [x, y] = batch?;
//!     assert_eq!(x.shape()[0], y.shape()[0]);
//!     seen.extend(y.to_vec::<i64>()?);
//! }
//! assert_eq!(seen, [3, 2, 1, 4, 0]);
//! # Ok::<(), pullback::Error>(())
//! ```

mod collate;
#[cfg(feature = "csv")]
pub mod csv;
mod dataset;
mod epoch;
mod idx;
mod loader;
mod prefetch;
mod sampler;
mod scale;
mod split;

pub use collate::Collate;
pub use dataset::{Concat, Dataset, Map, TensorDataset};
pub use idx::{load_idx, parse_idx};
pub use loader::{Batches, DataLoader, DataLoaderBuilder};
pub use sampler::{
    BatchSampler, RandomSampler, Sampler, SequentialSampler, SubsetRandomSampler,
    WeightedRandomSampler,
};
pub use scale::Standardize;
pub use split::{Subset, random_split, random_split_fractions};
