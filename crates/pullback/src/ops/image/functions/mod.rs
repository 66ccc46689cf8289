//! Operations on images by PyTorch's names: signatures, calls, and what each is tried on. A list a file, named in `ops::functions`.

pub(in crate::ops) mod grid;
pub(in crate::ops) mod image;
