//! Every function of the list: complete entries, PyTorch's values, gradients and errors, proven gradients.

mod golden;
mod list;
