//! The graph of operations that a tensor came from, as one picture: leaves above, the tensor below. Light and dark.
//!
//! A leaf that is used in places far apart is drawn at each of them, so that a weight of a recurrent network does not send a
//! hundred lines through the picture. Not for: choosing what is drawn, or collecting it; that is the caller's.

use crate::layout::{layout, paths};
use crate::text::{clip, escape};
use std::fmt::Write;

/// What a box stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A tensor that gradients are gathered for.
    Leaf,
    /// An operation.
    Operation,
    /// Operations that are left out.
    Omitted,
}

/// One box.
#[derive(Clone, Debug)]
pub struct Step {
    /// What it stands for.
    pub kind: Kind,
    /// The first line: the operation, or the leaf's name.
    pub head: String,
    /// The second line: shape and dtype.
    pub what: String,
    /// The third line: where the program ran it; may be empty.
    pub place: String,
    /// What is said when the pointer rests on it.
    pub title: String,
    /// The boxes it is made from; each stands before it.
    pub inputs: Vec<usize>,
}

/// Layers that two uses of a leaf may be apart and still share a box.
const NEAR: usize = 2;
const GAP: f64 = 14.0;
const BETWEEN: f64 = 26.0;

/// Light, then what a dark page changes; a notebook says that it is dark by an attribute.
const STYLE: &str = ".pullback-graph{--g-card:#fdfdfc;--g-ink:#12110f;--g-soft:#55534e;--g-line:#b9b7ae;--g-edge:#75726b;--g-accent:#1f66c1;--g-leaf:#eaf2fc;--g-end:#e2f3e0;--g-good:#0b7a0b;\
font-family:ui-monospace,\"SF Mono\",Menlo,Consolas,\"Liberation Mono\",\"DejaVu Sans Mono\",monospace}\
DARK@media(prefers-color-scheme:dark){.pullback-graph{VALUES}}\
.pullback-graph rect{fill:var(--g-card);stroke:var(--g-line)}\
.pullback-graph .leaf rect{fill:var(--g-leaf);stroke:var(--g-accent)}\
.pullback-graph .end rect{fill:var(--g-end);stroke:var(--g-good);stroke-width:1.5}\
.pullback-graph .omitted rect{stroke-dasharray:4 3}\
.pullback-graph path{fill:none;stroke:var(--g-edge);stroke-width:1.2}\
.pullback-graph .tip{fill:var(--g-edge)}\
.pullback-graph text{text-anchor:middle;fill:var(--g-soft);font-size:11px}\
.pullback-graph .head{fill:var(--g-ink);font-size:13px;font-weight:600}";
const DARK: &str = "--g-card:#1a1a18;--g-ink:#f5f4f0;--g-soft:#c4c2b9;--g-line:#55534c;--g-edge:#98958c;--g-accent:#78aef2;--g-leaf:#152437;--g-end:#16331a;--g-good:#58c858";

/// The picture as SVG. The last box is the tensor itself; an empty list is an empty picture.
///
/// ```
/// use pullback_report::{Kind, Step, draw};
/// let step = |kind, head: &str, inputs: &[usize]| Step {
///     kind, head: head.into(), what: "float32 [2]".into(), place: String::new(), title: String::new(), inputs: inputs.to_vec(),
/// };
/// let svg = draw(&[step(Kind::Leaf, "w", &[]), step(Kind::Operation, "relu", &[0])]);
/// assert!(svg.starts_with("<svg") && svg.contains(">relu</text>"));
/// ```
pub fn draw(steps: &[Step]) -> String {
    let steps = &repeated(steps);
    let inputs: Vec<Vec<usize>> = steps.iter().map(|s| s.inputs.clone()).collect();
    // Letters of 13 and 11 pixels are 7.9 and 6.7 wide.
    let wide = |s: &Step| {
        let small = s.what.chars().count().max(s.place.chars().count());
        (s.head.chars().count() as f64 * 7.9).max(small as f64 * 6.7)
    };
    let width = (steps.iter().map(wide).fold(0.0, f64::max) + 22.0)
        .clamp(84.0, 236.0)
        .ceil();
    let placed = steps.iter().any(|s| !s.place.is_empty());
    let height = if placed { 60.0 } else { 44.0 };
    let l = layout(&inputs, width, GAP);
    let top = |layer: usize| 1.0 + layer as f64 * (height + BETWEEN);
    let (w, h) = (l.width + 2.0, top(l.layers.max(1)) - BETWEEN + 1.0);
    let mut out = format!(
        "<svg xmlns=\"http://www.w3.org/2000/svg\" class=\"pullback-graph\" role=\"img\" \
         aria-label=\"graph of operations, leaves above, the result below\" width=\"{w:.0}\" height=\"{h:.0}\" viewBox=\"0 0 {w:.0} {h:.0}\">\n\
         <style>{}</style>\n",
        STYLE
            .replace("DARK@", "[data-jp-theme-light=\"false\"] .pullback-graph,[data-theme=\"dark\"] .pullback-graph{VALUES}@")
            .replace("VALUES", DARK)
    );
    for (to, _, path) in paths(&inputs, &l, width, height, &top) {
        let _ = writeln!(out, "<path d=\"{path}\"/>");
        let _ = to;
        if let Some((x, y)) = end(&path) {
            let _ = writeln!(
                out,
                "<path class=\"tip\" d=\"M{:.1} {:.1}L{x:.1} {y:.1}L{:.1} {:.1}Z\"/>",
                x - 3.5,
                y - 6.0,
                x + 3.5,
                y - 6.0
            );
        }
    }
    for (k, (s, (x, layer))) in steps.iter().zip(&l.at).enumerate() {
        let class = match s.kind {
            Kind::Leaf => "leaf",
            Kind::Omitted => "omitted",
            Kind::Operation if k + 1 == steps.len() => "end",
            Kind::Operation => "op",
        };
        let _ = writeln!(
            out,
            "<g class=\"{class}\" transform=\"translate({:.1} {:.1})\"><title>{}</title><rect width=\"{width}\" height=\"{height}\" rx=\"7\"/>{}</g>",
            x + 1.0,
            top(*layer),
            escape(&s.title),
            lines(s, width, height)
        );
    }
    out.push_str("</svg>");
    out
}

/// The lines of a box, one below the other, in its middle.
fn lines(s: &Step, width: f64, height: f64) -> String {
    let list = [
        ("head", &s.head, 7.9),
        ("what", &s.what, 6.7),
        ("place", &s.place, 6.7),
    ];
    let list: Vec<_> = list
        .iter()
        .filter(|(_, text, _)| !text.is_empty())
        .collect();
    let first = height / 2.0 - 8.0 * (list.len() as f64 - 1.0) + 4.0;
    (list.iter().enumerate())
        .map(|(k, (class, text, letter))| {
            let y = first + 16.0 * k as f64;
            let most = ((width - 12.0) / letter) as usize;
            let text = escape(&clip(text, most));
            format!(
                "<text class=\"{class}\" x=\"{:.1}\" y=\"{y:.1}\">{text}</text>",
                width / 2.0
            )
        })
        .collect()
}

/// Where a path ends.
fn end(path: &str) -> Option<(f64, f64)> {
    let mut numbers = path.rsplit([' ', 'C', 'M']);
    let y = numbers.next()?.parse().ok()?;
    Some((numbers.next()?.parse().ok()?, y))
}

/// Leaves whose uses are far apart, once for each group of uses that are near each other.
fn repeated(steps: &[Step]) -> Vec<Step> {
    let mut up = vec![0usize; steps.len()];
    for (k, s) in steps.iter().enumerate().rev() {
        for &i in &s.inputs {
            up[i] = up[i].max(up[k] + 1);
        }
    }
    // For each leaf, its uses from the result upwards.
    let mut uses: Vec<Vec<(usize, usize, usize)>> = vec![Vec::new(); steps.len()];
    for (k, s) in steps.iter().enumerate() {
        for (operand, &i) in s.inputs.iter().enumerate() {
            if steps[i].kind == Kind::Leaf {
                uses[i].push((up[k], k, operand));
            }
        }
    }
    let mut copies: Vec<Step> = Vec::new();
    let mut moved: Vec<(usize, usize, usize)> = Vec::new(); // (step, operand, copy)
    for (leaf, uses) in uses.iter_mut().enumerate() {
        uses.sort_unstable();
        let Some(&(mut from, ..)) = uses.first() else {
            continue;
        };
        let mut own = None;
        for &(layer, k, operand) in uses.iter() {
            if layer > from + NEAR {
                (from, own) = (layer, Some(copies.len()));
                copies.push(steps[leaf].clone());
            }
            if let Some(copy) = own {
                moved.push((k, operand, copy));
            }
        }
    }
    // Copies first: every box stands after what it is made from.
    let shift = copies.len();
    let mut out = copies;
    out.extend(steps.iter().cloned().map(|mut s| {
        s.inputs.iter_mut().for_each(|i| *i += shift);
        s
    }));
    for (k, operand, copy) in moved {
        out[shift + k].inputs[operand] = copy;
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    fn step(kind: Kind, head: &str, inputs: &[usize]) -> Step {
        Step {
            kind,
            head: head.into(),
            what: "float32 [2, 3]".into(),
            place: String::new(),
            title: format!("{head} <&>"),
            inputs: inputs.to_vec(),
        }
    }

    #[test]
    fn a_leaf_used_far_apart_is_drawn_again() {
        let mut steps = vec![step(Kind::Leaf, "w", &[]), step(Kind::Leaf, "x", &[])];
        for k in 0..20 {
            steps.push(step(
                Kind::Operation,
                "mul",
                &[if k == 0 { 1 } else { k + 1 }, 0],
            ));
        }
        let svg = draw(&steps);
        assert_eq!(svg.matches(">w</text>").count(), 7);
        assert_eq!(svg.matches(">x</text>").count(), 1);
        assert_eq!(svg.matches("class=\"end\"").count(), 1);
        assert_eq!(svg.matches("class=\"tip\"").count(), 40);
        assert!(svg.contains("w &lt;&amp;&gt;") && !svg.contains("NaN"));
    }

    #[test]
    fn labels_are_clipped_to_their_box() {
        let svg = draw(&[step(Kind::Leaf, &"very_long_name".repeat(9), &[])]);
        let text = svg
            .split("class=\"head\"")
            .nth(1)
            .and_then(|t| t.split(['>', '<']).nth(1));
        assert!(text.is_some_and(|t| t.ends_with('…') && t.chars().count() as f64 * 7.9 < 236.0));
        assert!(draw(&[]).ends_with("</svg>"));
    }
}
