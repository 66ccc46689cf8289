//! The data of a page from a check: its report, then replays of the recorded program at other steps, in float32 and float64.

use crate::data::*;
use pullback::check::{self, Check, Coordinate, Report, Role, Study};
use pullback::{DType, Family, Result};

/// Coordinates drawn as curves and bars: those with the largest gaps.
const CURVES: usize = 64;

/// Elements of gates on the map: those nearest to deciding otherwise.
const UNITS: usize = 64;

/// Nodes of the graph.
const NODES: usize = 240;

/// Numbers kept of a value of the graph.
const VALUES: usize = 8;

/// Runs a check and measures everything that its page shows.
///
/// # Errors
/// As [`Check::run`]. What only the other precision cannot do is a note on the page.
#[track_caller]
pub fn gather(check: &Check<'_>) -> Result<Page> {
    let study = check.study()?;
    let report = study.report();
    let mut order: Vec<usize> = (0..report.coordinates.len()).collect();
    let size = |c: &Coordinate| {
        if c.gap.is_nan() {
            f64::INFINITY
        } else {
            c.gap.abs()
        }
    };
    order.sort_by(|&a, &b| {
        let (a, b) = (&report.coordinates[a], &report.coordinates[b]);
        (b.status.cmp(&a.status)).then(size(b).total_cmp(&size(a)))
    });
    let (nodes, omitted) = nodes(&study)?;
    let mut page = Page {
        title: "gradient check".into(),
        subtitle: String::new(),
        status: report.status.name().into(),
        conclusion: report.sentences(),
        census: (report.census().iter())
            .map(|(v, n)| (v.name().to_string(), *n))
            .collect(),
        dtype: report.dtype.name().into(),
        step: report.step,
        power: report.power,
        value: report.value,
        parameters: report.parameters,
        evaluations: report.evaluations,
        nearest_kink: (report.nearest_kink.as_ref()).map(|k| (k.name.clone(), k.steps)),
        adjoint: (report.adjoint).map(|a| [a.forward, a.reverse, a.differences, a.budget]),
        rows: order.iter().map(|&k| row(&report.coordinates[k])).collect(),
        hand: None,
        tensors: tensors(&study),
        nodes,
        omitted,
        precisions: Vec::new(),
        presets: Vec::new(),
        notes: Vec::new(),
    };
    let drawn: Vec<&str> = (order.iter().take(CURVES))
        .map(|&k| report.coordinates[k].name.as_str())
        .collect();
    if report.coordinates.len() > CURVES {
        page.notes.push(format!(
            "of {} coordinates the {CURVES} with the largest gaps are drawn",
            report.coordinates.len()
        ));
    }
    if report.coordinates.is_empty() || study.floor(0).is_nan() {
        // A function that does not do the same twice; its recorded run would, and show what it is not.
        page.notes
            .push("nothing was measured at other steps".into());
        return Ok(page);
    }
    let steps = steps(check, report.step);
    for dtype in [DType::F32, DType::F64] {
        let found = if dtype == report.dtype {
            precision(&study, &steps, &drawn)
        } else {
            (study.in_dtype(dtype)).and_then(|other| precision(&other.study()?, &steps, &drawn))
        };
        match found {
            Ok(p) if p.curves.is_empty() => page.notes.push(format!(
                "nothing could be measured in {}: the function is not finite or not deterministic there",
                dtype.name()
            )),
            Ok(p) => page.precisions.push(p),
            Err(e) => page.notes.push(format!("no curves in {}: {e}", dtype.name())),
        }
    }
    page.presets = presets(&page);
    Ok(page)
}

impl Page {
    /// Sets the title and the line below it.
    #[must_use]
    pub fn titled(mut self, title: &str, subtitle: &str) -> Page {
        self.title = title.into();
        self.subtitle = subtitle.into();
        self
    }

    /// Adds the gradient by hand, checked on its own, as a column of the table.
    #[must_use]
    pub fn by_hand(mut self, report: &Report) -> Page {
        self.hand = Some(Hand {
            status: report.status.name().into(),
            conclusion: report.sentences().into_iter().next().unwrap_or_default(),
        });
        for row in &mut self.rows {
            let same = report.coordinates.iter().find(|c| c.name == row.name);
            row.hand = same.map(|c| c.claimed);
        }
        self
    }

    /// Names the setting of the check itself on its button.
    #[must_use]
    pub fn own_setting(mut self, label: &str) -> Page {
        if let Some(first) = self.presets.first_mut() {
            first.label = label.into();
        }
        self
    }
}

fn row(c: &Coordinate) -> Row {
    Row {
        name: c.name.clone(),
        claimed: c.claimed,
        hand: None,
        numeric: c.numeric,
        oracle: c.oracle,
        gap: c.gap,
        budget: c.budget,
        mde: c.mde,
        verdict: c.verdict.name().into(),
        status: c.status.name().into(),
        remark: c.remark.clone(),
    }
}

fn tensors(study: &Study<'_>) -> Vec<Tensor> {
    let mut tensors: Vec<Tensor> = (study.inputs().iter())
        .map(|(name, shape, _)| Tensor {
            name: (*name).to_string(),
            shape: shape.to_vec(),
            cells: Vec::new(),
        })
        .collect();
    for c in &study.report().coordinates {
        let t = &mut tensors[c.input];
        let flat = (c.index.iter().zip(&t.shape)).fold(0, |at, (i, n)| at * n + i);
        let error = (c.claimed - c.oracle).abs();
        let ratio = if error == 0.0 { 0.0 } else { error / c.budget };
        let label = format!("{}: error {error:.1e}, budget {:.1e}", c.name, c.budget);
        t.cells.push(Cell { flat, ratio, label });
    }
    tensors.retain(|t| !t.cells.is_empty());
    tensors
}

/// 1, 2, 5 in every decade from far below the inputs' size to it, and the check's own step.
fn steps(check: &Check<'_>, own: f64) -> Vec<f64> {
    let size = check.scale();
    let top = size.log10().ceil().clamp(-250.0, 250.0) as i32;
    let ours = own.log10().floor() as i32;
    let (low, high) = ((top - 12).min(ours - 1), top.max(ours + 1));
    // Not more than some fifty in all, whatever the user's step is.
    let digits: &[f64] = match high - low {
        ..=16 => &[1.0, 2.0, 5.0],
        17..=40 => &[1.0],
        _ => &[],
    };
    let mut steps: Vec<f64> = (low..=high)
        .flat_map(|e| digits.iter().map(move |d| format!("{d}e{e}")))
        .filter_map(|text| text.parse().ok())
        .collect();
    steps.push(own);
    steps.sort_by(f64::total_cmp);
    steps.dedup();
    steps
}

fn precision(study: &Study<'_>, steps: &[f64], drawn: &[&str]) -> Result<Precision> {
    let report = study.report();
    // By name: with very many parameters another precision may have examined other coordinates.
    let place = |name: &str| report.coordinates.iter().position(|c| c.name == name);
    let drawn: Vec<usize> = (drawn.iter())
        .filter_map(|name| place(name))
        .filter(|&k| study.floor(k).is_finite())
        .collect();
    let mut curves = Vec::new();
    for &k in &drawn {
        let c = &report.coordinates[k];
        let mut points = Vec::with_capacity(steps.len());
        for &h in steps {
            let at = study.coordinate_at(k, h)?;
            points.push(Point {
                gap: Short(at.gap),
                terms: at.ledger.terms().map(|t| Short(t.1)),
                budget: Short(study.budget(k, h)),
                verdict: at.verdict.name(),
            });
        }
        curves.push(Curve {
            name: c.name.clone(),
            claimed: c.claimed,
            oracle: c.oracle,
            floor: Short(study.floor(k)),
            kink: study.kink(k).map(Short),
            points,
        });
    }
    let all = study.gates()?;
    let gates = gates(&all);
    let shown: Vec<Vec<usize>> = (gates.iter())
        .map(|g| g.units.iter().map(|u| u.index).collect())
        .collect();
    let mut crossings = Vec::new();
    for &h in steps {
        let found = study.crossings(h)?;
        let place = |k: usize| drawn.iter().position(|&d| d == k);
        crossings.push(
            found
                .iter()
                .filter(|c| shown[c.gate].contains(&c.unit))
                .filter_map(|c| Some((place(c.coordinate)?, u8::from(c.up), c.gate, c.unit)))
                .collect(),
        );
    }
    Ok(Precision {
        dtype: report.dtype.name().into(),
        steps: steps.to_vec(),
        curves,
        gates,
        crossings,
    })
}

/// The gates with the elements that are nearest to deciding otherwise.
fn gates(all: &[check::Gate]) -> Vec<Gate> {
    let mut near: Vec<(f64, usize, usize)> = Vec::new();
    for (g, gate) in all.iter().enumerate() {
        for (u, unit) in gate.units.iter().enumerate() {
            let far = unit.nearest.as_ref().map_or(f64::INFINITY, |n| n.1);
            near.push((far, g, u));
        }
    }
    near.sort_by(|a, b| a.0.total_cmp(&b.0));
    near.truncate(UNITS);
    (all.iter().enumerate())
        .map(|(g, gate)| {
            let mut units: Vec<usize> = near.iter().filter(|n| n.1 == g).map(|n| n.2).collect();
            units.sort_unstable();
            let unit = |u: usize| {
                let unit = &gate.units[u];
                Unit {
                    index: u,
                    decision: gate.decisions.get(u).copied().unwrap_or(f64::NAN),
                    margin: Short(unit.margin),
                    by: unit.nearest.as_ref().map(|n| n.0.clone()),
                    distance: unit.nearest.as_ref().map(|n| Short(n.1)),
                }
            };
            Gate {
                label: format!("{} at {}", gate.op, gate.site),
                units: units.into_iter().map(unit).collect(),
            }
        })
        .collect()
}

fn nodes(study: &Study<'_>) -> Result<(Vec<Node>, usize)> {
    let graph = study.graph()?;
    // The last ones: whatever is made from what is shown is shown.
    let skip = graph.nodes.len().saturating_sub(NODES);
    let node = |n: &check::GraphNode| Node {
        role: match n.role {
            Role::Input(_) => "input",
            Role::Constant => "constant",
            Role::Operation(_) => "operation",
        },
        name: n.name.clone(),
        number: match n.role {
            Role::Operation(k) => Some(k),
            _ => None,
        },
        formula: n.formula.into(),
        site: n.site.clone(),
        inputs: (n.inputs.iter())
            .filter_map(|i| i.checked_sub(skip))
            .collect(),
        shape: n.shape.to_vec(),
        dtype: n.dtype.name().into(),
        values: n.values.iter().copied().take(VALUES).collect(),
        gradient: (n.gradient.as_ref()).map(|g| g.iter().copied().take(VALUES).collect()),
        rules: (n.tests.iter())
            .map(|t| Rule {
                input: t.input,
                rule: t.rule,
                forward: t.forward,
                differences: t.differences,
                passed: t.passed(),
            })
            .collect(),
        untested: match n.family {
            Some(Family::Cut) => "has no gradient",
            Some(_) if n.tests.is_empty() => "cannot be tested at this point",
            _ => "",
        },
    };
    Ok((graph.nodes.iter().skip(skip).map(node).collect(), skip))
}

/// The check's own setting, the same in the other precision, half the way to the nearest kink, the smallest gap.
fn presets(page: &Page) -> Vec<Preset> {
    let mut out = Vec::new();
    let Some(own) = page.precisions.iter().position(|p| p.dtype == page.dtype) else {
        return out;
    };
    let p = &page.precisions[own];
    let Some(at) = p.steps.iter().position(|h| *h == page.step) else {
        return out;
    };
    let mut add = |label: &str, precision: usize, step: usize| {
        if out
            .iter()
            .all(|o: &Preset| (o.precision, o.step) != (precision, step))
        {
            out.push(Preset {
                label: label.into(),
                precision,
                step,
            });
        }
    };
    add("your setting", own, at);
    if page.precisions.len() == 2 {
        let other = 1 - own;
        add(
            &format!("the same in {}", page.precisions[other].dtype),
            other,
            at,
        );
    }
    if let Some((_, steps)) = &page.nearest_kink
        && *steps > 0.0
    {
        let half = steps * page.step / 2.0;
        if let Some(k) = p.steps.iter().rposition(|h| *h <= half) {
            add("inside the kink-free radius", own, k);
        }
        if let Some(k) = p.steps.iter().position(|h| *h >= 4.0 * half) {
            add("across the nearest kink", own, k);
        }
    }
    let largest = |k: usize| {
        let gaps = p.curves.iter().map(|c| c.points[k].gap.0.abs());
        gaps.fold(
            0.0,
            |a: f64, b| if b.is_nan() { f64::INFINITY } else { a.max(b) },
        )
    };
    if let Some(k) = (0..p.steps.len()).min_by(|&a, &b| largest(a).total_cmp(&largest(b))) {
        add("the best step", own, k);
    }
    out
}
