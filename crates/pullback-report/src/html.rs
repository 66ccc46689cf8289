//! The page: conclusion first, then the evidence, then what moves with step and precision.

use crate::data::Page;
use crate::table::{mark, table, verdict};
use crate::text::{class, digits, escape, prose, script_safe, whole};
use crate::{graph, heat};
use std::fmt::Write;

const STYLE: &str = include_str!("../assets/style.css");
const SCRIPT: [&str; 5] = [
    include_str!("../assets/base.js"),
    include_str!("../assets/ledger.js"),
    include_str!("../assets/curves.js"),
    include_str!("../assets/stencil.js"),
    include_str!("../assets/control.js"),
];

/// The page as one HTML file.
pub fn render(page: &Page) -> String {
    let mut out = String::with_capacity(1 << 18);
    // The policy forbids what the page does not need: anything from anywhere.
    let _ = write!(
        out,
        "<!doctype html>\n<html lang=\"en\">\n<head>\n<meta charset=\"utf-8\">\n\
         <meta name=\"viewport\" content=\"width=device-width, initial-scale=1\">\n\
         <meta http-equiv=\"Content-Security-Policy\" content=\"default-src 'none'; style-src 'unsafe-inline'; \
         script-src 'unsafe-inline'; img-src data:\">\n\
         <meta name=\"color-scheme\" content=\"light dark\">\n<link rel=\"icon\" href=\"data:,\">\n\
         <title>{} · {}</title>\n<style>\n{STYLE}</style>\n</head>\n<body>\n",
        escape(answer(&page.status).1),
        escape(&page.title)
    );
    out.push_str(&head(page));
    out.push_str("<main>\n");
    out.push_str(&section("ways", "Three ways, and the oracle",
        "The gradient as claimed, by central differences, and by the oracle: the exact derivative of the recorded program, from its \
         forward code alone, in 32 digits. The gap is gradient minus differences; the budget is what rounding alone may put between \
         gradient and oracle; the MDE is the smallest relative error that would have been noticed.", &table(page)));
    if page.precisions.is_empty() {
        out.push_str("<p class=\"note\">Nothing could be measured at other steps.</p>\n");
    } else {
        out.push_str(&bench(page));
    }
    out.push_str(&section("heat", "Error over budget",
        "Each number of each input: how far its derivative is from the oracle, in units of what rounding allows. Patterns in red \
         (a row, a triangle, a transpose) show a bug at sight.", &heat::maps(page)));
    out.push_str(&section("graph", "The computation, operation by operation",
        "The recorded run, inputs above, the function's value below, each with its numbers and the derivative by them (∂). \
         ✓: for random u and v, ⟨Jᵀu, v⟩ by the operation's own rule is ⟨u, Jv⟩ by differences of that operation alone.",
        &graph::graph(page)));
    out.push_str("</main>\n");
    out.push_str(&foot(page));
    let json = serde_json::to_string(&Script::of(page)).unwrap_or_else(|_| "{}".into());
    let _ = write!(
        out,
        "<script type=\"application/json\" id=\"data\">{}</script>\n<script>\n\"use strict\";\n(() => {{\n{}}})();\n</script>\n",
        script_safe(&json),
        SCRIPT.concat()
    );
    out.push_str("</body>\n</html>\n");
    out
}

/// What the script reads: the rest is in the page already.
#[derive(serde::Serialize)]
struct Script<'a> {
    dtype: &'a str,
    step: f64,
    precisions: &'a [crate::Precision],
    presets: &'a [crate::Preset],
}

impl<'a> Script<'a> {
    fn of(page: &'a Page) -> Script<'a> {
        Script {
            dtype: &page.dtype,
            step: page.step,
            precisions: &page.precisions,
            presets: &page.presets,
        }
    }
}

fn answer(status: &str) -> (&'static str, &'static str) {
    match status {
        "pass" => ("✓", "PASS"),
        "fail" => ("✗", "FAIL"),
        _ => ("?", "UNKNOWN"),
    }
}

fn head(page: &Page) -> String {
    let (sign, word) = answer(&page.status);
    let mut out = format!(
        "<header>\n<div class=\"bar\"><span class=\"status {}\"><i aria-hidden=\"true\">{sign}</i>{word}</span>\
         <span class=\"title\">{}</span><button type=\"button\" id=\"theme\" aria-label=\"light or dark\" \
         title=\"light or dark\">◐</button></div>\n",
        class(&page.status),
        escape(&page.title)
    );
    if !page.subtitle.is_empty() {
        let _ = writeln!(out, "<p class=\"subtitle\">{}</p>", escape(&page.subtitle));
    }
    let mut sentences = page.conclusion.iter();
    if let Some(first) = sentences.next() {
        let _ = writeln!(out, "<h1>{}</h1>", prose(first));
    }
    for sentence in sentences {
        let _ = writeln!(out, "<p class=\"lead\">{}</p>", prose(sentence));
    }
    if let Some(hand) = &page.hand {
        let _ = writeln!(
            out,
            "<p class=\"lead\">The gradient by hand, checked the same way: <b class=\"{}\">{}</b>. {}</p>",
            class(&hand.status),
            escape(&hand.status),
            if hand.status == page.status {
                String::new()
            } else {
                escape(&hand.conclusion)
            }
        );
    }
    out.push_str("<ul class=\"census\">");
    for (v, n) in &page.census {
        let _ = write!(out, "<li><b>{n}</b>{}</li>", verdict(v));
    }
    out.push_str("</ul>\n<dl class=\"facts\">");
    let mut fact = |name: &str, value: String, unit: &str| {
        let _ = write!(
            out,
            "<div><dt>{name}</dt><dd>{}<small>{}</small></dd></div>",
            escape(&value),
            escape(unit)
        );
    };
    fact("parameters", page.parameters.to_string(), "");
    fact("precision", page.dtype.clone(), "");
    fact("step h", whole(page.step), "");
    fact("value", digits(page.value, 5), "");
    if let Some((name, steps)) = &page.nearest_kink {
        fact(
            "nearest kink",
            digits(*steps, 3),
            &format!(" steps of {name}"),
        );
    }
    let weakest = page.rows.iter().map(|r| r.mde).fold(0.0, f64::max);
    fact("noticed from", format!("{weakest:.0e}"), " relative error");
    fact("evaluations", page.evaluations.to_string(), "");
    if let Some([forward, reverse, _, budget]) = page.adjoint {
        let same = (forward - reverse).abs() <= budget;
        fact(
            "forward mode meets reverse",
            if same { "yes" } else { "no" }.into(),
            &match (forward - reverse).abs() {
                0.0 => " in all 16 digits".into(),
                apart => format!(" to {apart:.0e}"),
            },
        );
    }
    out.push_str("</dl>\n</header>\n");
    out
}

fn section(id: &str, title: &str, text: &str, body: &str) -> String {
    format!(
        "<section id=\"{id}\">\n<h2>{title}</h2>\n<p class=\"what\">{text}</p>\n{body}</section>\n"
    )
}

/// The part that moves: one control, three pictures.
fn bench(page: &Page) -> String {
    let mut out = String::from(
        "<section id=\"bench\">\n<h2>Move the step, change the precision</h2>\n\
         <p class=\"what\">Everything below was measured in advance at every step, in both precisions. The six terms of the ledger sum \
         to the gap: watch them trade places.</p>\n<div id=\"control\" class=\"card\">\n<div class=\"row\">\
         <div class=\"segments\" role=\"group\" aria-label=\"precision\">",
    );
    for (k, p) in page.precisions.iter().enumerate() {
        let _ = write!(
            out,
            "<button type=\"button\" data-precision=\"{k}\">{}</button>",
            escape(&p.dtype)
        );
    }
    out.push_str(
        "</div><label class=\"slider\"><span>step h = <output id=\"steptext\"></output></span>\
         <input id=\"step\" type=\"range\" min=\"0\" step=\"1\" aria-label=\"step\"></label></div>\n<div class=\"presets\">",
    );
    for (k, p) in page.presets.iter().enumerate() {
        let _ = write!(
            out,
            "<button type=\"button\" data-preset=\"{k}\">{}</button>",
            escape(&p.label)
        );
    }
    out.push_str("</div>\n<p id=\"reading\" aria-live=\"polite\"></p>\n</div>\n");
    for (id, title, text) in [
        (
            "ledger",
            "The ledger: where each gap comes from",
            "A bar's length is the size of all terms together, on a logarithmic scale; its colours are their shares. The dots are the \
             single terms on the same scale.",
        ),
        (
            "curves",
            "The V-curve: error against step",
            "Short steps divide rounding by almost nothing, long steps meet curvature and kinks. Choose a coordinate; click into the \
             picture to move the step.",
        ),
        (
            "stencil",
            "Decisions over the stencil",
            "What each gate decides where the quotient is taken: the left half of a cell at x − h, the right half at x + h. Framed: not \
             what it decides at the point itself.",
        ),
    ] {
        let _ = writeln!(
            out,
            "<div id=\"{id}\" class=\"part\"><h3>{title}</h3><p class=\"what\">{text}</p><div class=\"card draw\">\
             <noscript>This picture needs JavaScript. The tables do not.</noscript></div></div>"
        );
    }
    out.push_str("</section>\n");
    out
}

fn foot(page: &Page) -> String {
    let mut out = String::from("<footer>\n");
    for note in &page.notes {
        let _ = writeln!(out, "<p>{}</p>", escape(note));
    }
    let words = [
        (
            "agree",
            "gradient and differences are the same to the power asked for",
        ),
        (
            "round-off limited",
            "rounding of the function's values, divided by the step",
        ),
        (
            "hidden by rounding",
            "rounding of the gradient itself leaves open whether it is right",
        ),
        (
            "truncation limited",
            "the step is too long for the function's curvature, or leaves its domain",
        ),
        ("kink crossed", "the step crosses a kink or a jump"),
        (
            "subgradient choice at a kink",
            "the point lies on a kink, where the derivative is a choice",
        ),
        ("gradient bug", "the gradient is wrong"),
        ("inconclusive", "nothing could be decided"),
        (
            "no dependence",
            "the function has nothing to do with its inputs, so nothing was tested",
        ),
    ];
    out.push_str("<details><summary>What the verdicts mean</summary><dl class=\"words\">");
    for (word, text) in words {
        let _ = write!(
            out,
            "<div><dt><span class=\"verdict {}\"><i aria-hidden=\"true\">{}</i>{word}</span></dt><dd>{text}</dd></div>",
            class(word),
            mark(word)
        );
    }
    let _ = write!(
        out,
        "</dl></details>\n<p>A pass rules out relative errors of {} and more in any single coordinate, at this point. \
         Written by pullback {}.</p>\n</footer>\n",
        whole(page.power),
        env!("CARGO_PKG_VERSION")
    );
    out
}
