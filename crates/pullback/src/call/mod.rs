//! A function of PyTorch's as data: its signature, its arguments as Python gives them, how it is computed, what it is tried on.
//!
//! The operations' folders write such entries; [`crate::registry`] collects them and calls them by name.

mod args;
mod function;
mod kind;
mod mistake;
mod signature;
mod value;

pub use args::{Args, Arguments};
pub use function::{Function, NodeName, Reading, Warns};
pub use kind::Kind;
pub use mistake::Written;
pub use signature::{Param, Signature};
pub use value::{IntoValue, Value};

pub(crate) use mistake::{say_of_all, wrong_type};
