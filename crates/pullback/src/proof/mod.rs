//! What an operation's definition says about how to prove it: samples, exact points, inputs that must fail.
//!
//! Behind the `proof` feature: tests, `pullback check --all` and the documentation compile it, users of the library do
//! not. Everything is given in double precision and converted to the dtype under test. [`prove`] runs [`CHECKS`] on it.

mod case;
mod decisions;
mod difference;
mod exact;
mod functions;
mod layouts;
mod literal;
mod orders;
mod replay;
mod rules;
mod subject;
mod suite;
mod values;

pub use case::{Case, Finding, Verdict};
pub use functions::prove_function;
pub use literal::Call;
pub use suite::{CHECKS, Check, DTYPES, Report, prove, prove_in};

pub use crate::core::samples::*;
