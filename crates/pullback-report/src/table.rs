//! The table of coordinates: the gradient three ways, and the exact derivative beside them.

use crate::data::{Page, Row};
use crate::text::{class, digits, escape};
use std::fmt::Write;

/// Rows that are in the page; beyond, a count.
const ROWS: usize = 500;

/// The mark of a verdict, for those who do not see its colour.
pub(crate) fn mark(verdict: &str) -> &'static str {
    match verdict {
        "agree" => "✓",
        "round-off limited" => "≈",
        "truncation limited" => "⌒",
        "kink crossed" => "∧",
        "subgradient choice at a kink" => "∨",
        "gradient bug" => "✗",
        _ => "?",
    }
}

/// A verdict with its mark and colour.
pub(crate) fn verdict(word: &str) -> String {
    format!(
        "<span class=\"verdict {}\"><i aria-hidden=\"true\">{}</i>{}</span>",
        class(word),
        mark(word),
        escape(word)
    )
}

pub(crate) fn table(page: &Page) -> String {
    let hand = page.hand.is_some();
    let mut out = String::from(
        "<div class=\"card flush\"><table class=\"coordinates\"><thead><tr><th scope=\"col\">coordinate</th>\
         <th scope=\"col\" class=\"n\">gradient</th>",
    );
    if hand {
        out.push_str("<th scope=\"col\" class=\"n\">by hand</th>");
    }
    out.push_str(
        "<th scope=\"col\" class=\"n\">differences</th><th scope=\"col\" class=\"n\">oracle</th>\
         <th scope=\"col\" class=\"n\">gap</th><th scope=\"col\" class=\"n\">budget</th>\
         <th scope=\"col\" class=\"n\">MDE</th><th scope=\"col\">verdict</th></tr></thead><tbody>\n",
    );
    for r in page.rows.iter().take(ROWS) {
        out.push_str(&row(r, hand));
    }
    out.push_str("</tbody></table></div>\n");
    if page.rows.len() > ROWS {
        let _ = writeln!(
            out,
            "<p class=\"note\">… and {} more with smaller gaps.</p>",
            page.rows.len() - ROWS
        );
    }
    out
}

fn row(r: &Row, hand: bool) -> String {
    let mut out = format!(
        "<tr class=\"{}\"><th scope=\"row\">{}</th>",
        escape(&r.status),
        escape(&r.name)
    );
    let mut cell = |label: &str, x: f64, n: usize| {
        let _ = write!(
            out,
            "<td class=\"n\" data-label=\"{label}\">{}</td>",
            scientific(x, n)
        );
    };
    cell("gradient", r.claimed, 7);
    if hand {
        cell("by hand", r.hand.unwrap_or(f64::NAN), 7);
    }
    cell("differences", r.numeric, 7);
    cell("oracle", r.oracle, 7);
    cell("gap", r.gap, 3);
    cell("budget", r.budget, 2);
    cell("MDE", r.mde, 1);
    let remark = r.remark.as_ref().map_or(String::new(), |text| {
        format!("<small>{}</small>", escape(text))
    });
    let _ = writeln!(
        out,
        "<td class=\"v\">{}{remark}</td></tr>",
        verdict(&r.verdict)
    );
    out
}

/// One form for all numbers of a column, so that they can be compared at sight.
fn scientific(x: f64, n: usize) -> String {
    if x == 0.0 || !x.is_finite() {
        return digits(x, n);
    }
    format!("{x:.*e}", n - 1)
}
