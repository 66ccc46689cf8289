//! Functions of numbers by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

mod arithmetic;
pub(in crate::ops) mod calculus;
pub(in crate::ops) mod logic;
pub(in crate::ops) mod pointwise;
pub(in crate::ops) mod slopes;
pub(in crate::ops) mod smooth;
pub(in crate::ops) mod special;
