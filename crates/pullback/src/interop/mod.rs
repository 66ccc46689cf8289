//! What other crates hold, as tensors and back, each behind a feature of its crate's name: `ndarray` (arrays and views of any layout), `serde` (tensors, and
//! options of optimisers). Not for: files, which are in `io`.

#[cfg(feature = "ndarray")]
mod arrays;
#[cfg(feature = "serde")]
mod serial;
