//! What the suites of the checker share: a table of what was found.

use pullback::{DType, Tensor};

/// The dtypes that are checked.
pub(crate) const BOTH: [DType; 2] = [DType::F32, DType::F64];

/// A tensor of these numbers.
pub(crate) fn t(data: &[f64], shape: &[usize], dtype: DType) -> Tensor {
    (Tensor::from_slice(data, shape).and_then(|t| t.to(dtype))).unwrap_or_else(|e| panic!("{e}"))
}

/// Cases by kind, and what went wrong.
#[derive(Default)]
pub(crate) struct Table {
    right: usize,
    wrong: Vec<String>,
    rows: Vec<(String, usize, usize)>,
}

impl Table {
    pub(crate) fn add(&mut self, kind: &str, ok: bool, text: impl FnOnce() -> String) {
        match self.rows.iter_mut().find(|r| r.0 == kind) {
            Some(row) => (row.1, row.2) = (row.1 + usize::from(ok), row.2 + 1),
            None => self.rows.push((kind.into(), usize::from(ok), 1)),
        }
        self.right += usize::from(ok);
        if !ok {
            self.wrong.push(format!("{kind}: {}", text()));
        }
    }

    /// Prints the table; everything must be right, and there must be so many cases.
    pub(crate) fn finish(&self, least: usize, word: &str) {
        for (kind, ok, all) in &self.rows {
            println!("| {kind} | {all} | {ok} {word} | {} |", all - ok);
        }
        assert!(self.wrong.is_empty(), "{}", self.wrong.join("\n"));
        assert!(self.right >= least, "{} cases", self.right);
    }
}
