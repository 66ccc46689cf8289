//! Convolutions and pooling by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod blocks;
pub(in crate::ops) mod convolve;
pub(in crate::ops) mod pool;
