//! Functions of places by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod index;
pub(in crate::ops) mod lookup;
pub(in crate::ops) mod sort;
