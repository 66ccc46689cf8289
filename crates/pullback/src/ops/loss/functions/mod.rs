//! Losses by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod loss;
pub(in crate::ops) mod margin;
pub(in crate::ops) mod sequence;
