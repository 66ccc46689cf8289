//! Norms and normalisation by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod channels;
pub(in crate::ops) mod network;
pub(in crate::ops) mod norm;
