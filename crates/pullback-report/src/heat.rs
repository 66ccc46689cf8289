//! The map of errors: every number of every input, coloured by its derivative's error over what rounding allows.

use crate::data::{Cell, Page, Tensor};
use crate::text::{escape, shape};
use std::fmt::Write;

/// Rows and columns of a tensor that are drawn.
const MOST: usize = 64;

/// Columns up to which a cell has room for its number.
const ROOMY: usize = 8;

pub(crate) fn maps(page: &Page) -> String {
    let mut out = String::from("<div class=\"card\"><div class=\"heats\">\n");
    for t in &page.tensors {
        out.push_str(&map(t));
    }
    out.push_str("</div>\n<div class=\"legend heatlegend\" aria-label=\"colours\">");
    for (class, text) in [
        ("h0", "0"),
        ("h1", "≤ 0.001"),
        ("h2", "≤ 0.01"),
        ("h3", "≤ 0.1"),
        ("h4", "≤ 1"),
        ("h5", "> 1: more than rounding allows"),
        ("h9", "not examined"),
    ] {
        let _ = write!(out, "<span><i class=\"swatch {class}\"></i>{text}</span>");
    }
    out.push_str("</div></div>\n");
    out
}

/// The colour of an error over its budget.
fn class(ratio: f64) -> &'static str {
    match ratio {
        0.0 => "h0",
        r if r <= 1e-3 => "h1",
        r if r <= 1e-2 => "h2",
        r if r <= 0.1 => "h3",
        r if r <= 1.0 => "h4",
        // More than allowed, or not a number at all.
        _ => "h5",
    }
}

fn map(t: &Tensor) -> String {
    // A matrix: the last dimension across, all others down.
    let columns = t.shape.last().copied().unwrap_or(1).max(1);
    let rows = t.shape.iter().product::<usize>().div_ceil(columns);
    let (shown, wide) = (rows.min(MOST), columns.min(MOST));
    let mut cells: Vec<Option<&Cell>> = vec![None; shown * wide];
    for cell in &t.cells {
        let (r, c) = (cell.flat / columns, cell.flat % columns);
        if r < shown && c < wide {
            cells[r * wide + c] = Some(cell);
        }
    }
    let size = if wide > ROOMY { " small" } else { "" };
    let mut out = format!(
        "<figure class=\"heat{size}\"><figcaption>{} <span>{}</span></figcaption><div class=\"grid\" role=\"img\" \
         aria-label=\"errors over budgets of {}\" style=\"--columns:{wide}\">",
        escape(&t.name),
        shape(&t.shape),
        escape(&t.name)
    );
    for cell in cells {
        let Some(cell) = cell else {
            out.push_str("<b class=\"h9\"></b>");
            continue;
        };
        let text = if wide <= ROOMY {
            short(cell.ratio)
        } else {
            String::new()
        };
        let _ = write!(
            out,
            "<b class=\"{}\" title=\"{}\">{text}</b>",
            class(cell.ratio),
            escape(&cell.label)
        );
    }
    out.push_str("</div>");
    if shown < rows || wide < columns {
        let _ = write!(out, "<small>the first {shown} × {wide}</small>");
    }
    out.push_str("</figure>\n");
    out
}

fn short(ratio: f64) -> String {
    match ratio {
        0.0 => "0".into(),
        r if !r.is_finite() => "∞".into(),
        r if r >= 1e3 => format!("{r:.0e}"),
        r if r >= 10.0 => format!("{r:.0}"),
        r if r >= 1.0 => format!("{r:.1}"),
        r if r >= 0.001 => format!("{r:.3}"),
        _ => "&lt;.001".into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn more_than_the_budget_is_red_and_so_is_what_is_no_number() {
        assert_eq!([0.0, 1e-4, 0.5, 1.0].map(class), ["h0", "h1", "h4", "h4"]);
        assert_eq!([1.01, f64::INFINITY, f64::NAN].map(class), ["h5"; 3]);
    }

    #[test]
    fn large_tensors_are_cut_and_say_so() {
        let t = Tensor {
            name: "W".into(),
            shape: vec![100, 200],
            cells: vec![Cell {
                flat: 199,
                ratio: 0.5,
                label: "W[0,199]".into(),
            }],
        };
        let text = map(&t);
        assert!(text.contains("the first 64 × 64") && !text.contains("W[0,199]"));
        assert_eq!(text.matches("<b ").count(), 64 * 64);
    }
}
