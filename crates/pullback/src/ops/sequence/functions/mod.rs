//! Recurrent networks by PyTorch's names.

pub(in crate::ops) mod recurrent;
