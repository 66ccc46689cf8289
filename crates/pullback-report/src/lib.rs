//! A gradient check as one HTML page that needs nothing else: no network, no library, no second file. And the graph of operations
//! that a tensor came from, as a picture ([`draw`]).
//!
//! | file | holds |
//! |---|---|
//! | `data.rs` | what a page shows, as plain data |
//! | `gather.rs` | that data from a check: its report, and replays at other steps and in the other precision |
//! | `html.rs` | the page: conclusion, facts, sections |
//! | `table.rs`, `heat.rs`, `graph.rs` | its parts that are drawn here |
//! | `history.rs` | a tensor's graph as a picture |
//! | `layout.rs` | where the nodes of both graphs stand, and the lines between them |
//! | `text.rs` | escaping, numbers in words |
//! | `assets/` | its style, and the script that draws what moves with step and precision |
//!
//! Nothing is measured here and nothing is invented: every number is one that `pullback::check` gave.
//!
//! ```
//! use pullback::{Tensor, check::Check};
//! let w = Tensor::from_slice(&[0.3f32, -1.2, 0.8], [3])?;
//! let check = Check::new(|x| x[0].relu()?.square()?.sum(), &[&w]).names(&["w"]).step(1e-5);
//! let page = pullback_report::gather(&check)?.titled("squares", "of what is positive");
//! let html = pullback_report::render(&page);
//! assert!(html.starts_with("<!doctype html>") && html.contains("w[2]"));
//! # Ok::<(), pullback::Error>(())
//! ```
#![forbid(unsafe_code)]
#![warn(missing_docs)]

mod data;
mod gather;
mod graph;
mod heat;
mod history;
mod html;
mod layout;
mod table;
mod text;

pub use data::{
    Cell, Curve, Gate, Hand, Node, Page, Point, Precision, Preset, Row, Rule, Short, Tensor, Unit,
};
pub use gather::gather;
pub use history::{Kind, Step, draw};
pub use html::render;
