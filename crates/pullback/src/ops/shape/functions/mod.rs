//! Functions of shapes by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod copies;
pub(in crate::ops) mod join;
pub(in crate::ops) mod parts;
pub(in crate::ops) mod repeat;
pub(in crate::ops) mod shape;
pub(in crate::ops) mod strided;
