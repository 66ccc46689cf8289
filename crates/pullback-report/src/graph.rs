//! The recorded run as a picture, and as a table with every test of a rule.

use crate::data::{Node, Page};
use crate::layout::{layout, paths};
use crate::text::{clip, digits, escape, list, shape};
use std::fmt::Write;

const WIDTH: f64 = 148.0;
const HEIGHT: f64 = 66.0;
const GAP: f64 = 12.0;
const BETWEEN: f64 = 30.0;

/// Nodes that are drawn; a larger run is a table only.
const DRAWN: usize = 80;

pub(crate) fn graph(page: &Page) -> String {
    let mut out = String::from("<div class=\"graph\">");
    if page.nodes.len() <= DRAWN {
        out.push_str("<div class=\"card scroll\">");
        out.push_str(&picture(&page.nodes));
        out.push_str("</div>\n");
    }
    out.push_str(&operations(page));
    out.push_str("</div>\n");
    out
}

/// Whether every rule of an operation agrees with its differences; none where none was tested.
fn passed(n: &Node) -> Option<bool> {
    (!n.rules.is_empty()).then(|| n.rules.iter().all(|r| r.passed))
}

fn badge(n: &Node) -> (&'static str, &'static str, &'static str) {
    match (passed(n), n.role) {
        (Some(true), _) => ("ok", "✓", "rule and differences agree"),
        (Some(false), _) => ("bad", "✗", "rule and differences disagree"),
        (None, "operation") => ("none", "–", "not tested"),
        _ => ("none", "", ""),
    }
}

fn picture(nodes: &[Node]) -> String {
    let inputs: Vec<Vec<usize>> = nodes.iter().map(|n| n.inputs.clone()).collect();
    let l = layout(&inputs, WIDTH, GAP);
    let top = |layer: usize| 1.0 + layer as f64 * (HEIGHT + BETWEEN);
    let (width, height) = (l.width + 2.0, top(l.layers.max(1)) - BETWEEN + 1.0);
    let mut out = format!(
        "<svg class=\"graphsvg\" role=\"img\" aria-label=\"the computation graph, inputs above, the result below\" \
         width=\"{width:.0}\" height=\"{height:.0}\" viewBox=\"0 0 {width:.0} {height:.0}\">\n"
    );
    for (to, from, path) in paths(&inputs, &l, WIDTH, HEIGHT, &top) {
        let dead = if nodes[to].gradient.is_some() && nodes[from].gradient.is_some() {
            "edge"
        } else {
            "edge dead"
        };
        let _ = writeln!(out, "<path class=\"{dead}\" d=\"{path}\"/>");
    }
    for (n, (x, layer)) in nodes.iter().zip(&l.at) {
        out.push_str(&one(n, x + 1.0, top(*layer)));
    }
    out.push_str("</svg>");
    out
}

fn one(n: &Node, x: f64, y: f64) -> String {
    let (class, sign, meaning) = badge(n);
    let total: usize = n.shape.iter().product();
    let head = match n.number {
        Some(k) => format!("#{k} {}", n.name),
        None => n.name.clone(),
    };
    let values = if n.shape.is_empty() || total <= 2 {
        list(&n.values, total, 2, 3)
    } else {
        format!("{}: {}", shape(&n.shape), list(&n.values, total, 1, 2))
    };
    let gradient = match &n.gradient {
        Some(g) => format!("∂ {}", list(g, total, 2, 2)),
        None => "no gradient".into(),
    };
    let mut out = format!(
        "<g class=\"node {} {class}\" transform=\"translate({x:.1} {y:.1})\"><title>{}</title>\
         <rect width=\"{WIDTH}\" height=\"{HEIGHT}\" rx=\"7\"/>",
        n.role,
        escape(&title(n, meaning))
    );
    let _ = write!(
        out,
        "<text x=\"10\" y=\"19\" class=\"name\">{}</text><text x=\"10\" y=\"38\" class=\"value\">{}</text>\
         <text x=\"10\" y=\"55\" class=\"gradient\">{}</text>",
        escape(&clip(&head, 17)),
        escape(&clip(&values, 20)),
        escape(&clip(&gradient, 20))
    );
    if !sign.is_empty() {
        let _ = write!(
            out,
            "<circle class=\"badge\" cx=\"{}\" cy=\"15\" r=\"8\"/><text class=\"sign\" x=\"{}\" y=\"19\">{sign}</text>",
            WIDTH - 15.0,
            WIDTH - 15.0
        );
    }
    out.push_str("</g>\n");
    out
}

fn title(n: &Node, meaning: &str) -> String {
    let total: usize = n.shape.iter().product();
    let mut text = format!("{} · {} {}", n.name, n.dtype, shape(&n.shape));
    if !n.formula.is_empty() {
        let _ = write!(text, "\n{}", n.formula);
    }
    let _ = write!(text, "\nvalue {}", list(&n.values, total, 8, 6));
    if let Some(g) = &n.gradient {
        let _ = write!(text, "\ngradient {}", list(g, total, 8, 6));
    }
    if !meaning.is_empty() {
        let _ = write!(text, "\n{meaning}");
    }
    if !n.site.is_empty() {
        let _ = write!(text, "\n{}", n.site);
    }
    text
}

/// Every operation in the order it ran, with its tests.
fn operations(page: &Page) -> String {
    let mut out = String::from(
        "<div class=\"card flush ops\"><table class=\"operations\"><thead><tr><th scope=\"col\">operation</th>\
         <th scope=\"col\">value</th><th scope=\"col\">gradient</th><th scope=\"col\">its rule | differences of it alone</th>\
         </tr></thead><tbody>\n",
    );
    for n in page.nodes.iter().filter(|n| n.role == "operation") {
        let total: usize = n.shape.iter().product();
        let name = |&i: &usize| match page.nodes.get(i) {
            Some(m) => m.number.map_or(m.name.clone(), |k| format!("#{k}")),
            None => "…".into(),
        };
        let from: Vec<String> = n.inputs.iter().map(name).collect();
        let _ = write!(
            out,
            "<tr><th scope=\"row\"><code>#{} {}</code><small>of {}</small><small class=\"site\" title=\"{}\">{}</small></th>\
             <td data-label=\"value\"><span class=\"num\">{}</span><small>{} · {}</small></td>",
            n.number.unwrap_or(0),
            escape(&n.name),
            escape(&from.join(", ")),
            escape(&n.site),
            escape(n.site.rsplit(['/', '\\']).next().unwrap_or_default()),
            escape(&list(&n.values, total, 4, 4)),
            escape(&n.dtype),
            shape(&n.shape)
        );
        let gradient = (n.gradient.as_ref()).map_or("none".into(), |g| list(g, total, 4, 4));
        let _ = write!(
            out,
            "<td data-label=\"gradient\"><span class=\"num\">{}</span></td><td data-label=\"its rule | differences of it alone\">",
            escape(&gradient)
        );
        if n.rules.is_empty() {
            let _ = write!(out, "<span class=\"untested\">{}</span>", n.untested);
        }
        for r in n.rules.iter().filter(|r| !r.passed) {
            let _ = write!(
                out,
                "<div class=\"rule bad\">its forward rule gives <span class=\"num\">{}</span></div>",
                digits(r.forward, 6)
            );
        }
        for r in &n.rules {
            let (class, sign) = if r.passed {
                ("ok", "✓")
            } else {
                ("bad", "✗")
            };
            let _ = write!(
                out,
                "<div class=\"rule {class}\"><i>{sign}</i> input {}: <span class=\"num\">{} | {}</span></div>",
                r.input,
                digits(r.rule, 6),
                digits(r.differences, 6)
            );
        }
        out.push_str("</td></tr>\n");
    }
    out.push_str("</tbody></table></div>");
    if page.omitted > 0 {
        let _ = write!(
            out,
            "<p class=\"note\">The first {} values of the run are not shown.</p>",
            page.omitted
        );
    }
    out
}
