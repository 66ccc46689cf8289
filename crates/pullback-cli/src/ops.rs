//! `pullback ops`: the functions and the primitives there are, with formulas, conventions and what is proven of them.
//!
//! Also writes `docs/ops.md`, which a test holds equal to this list. Not for: running anything (`pullback check --all`).

use crate::output::{self, DIM, HEAD, STRONG};
use pullback::ops::OPS;
use pullback::registry::{Entry, entries, find};
use pullback::{Family, OpDef, Reads};
use serde_json::{Value, json};
use std::fmt::Write;
use std::path::PathBuf;
use std::process::ExitCode;

/// Lists the operations, or tells all about one.
#[derive(clap::Args, Debug)]
#[command(after_help = "\
Examples:
  pullback ops                  every function, a line each
  pullback ops softmax          one of them: arguments, formula, conventions, proofs
  pullback ops --json - | jq '.functions[].name'")]
pub(crate) struct Args {
    /// One function or primitive
    #[arg(value_name = "NAME")]
    name: Option<String>,

    /// Write the list as JSON to FILE, or with `-` to stdout
    #[arg(long, value_name = "FILE", num_args = 0..=1, default_missing_value = "-")]
    json: Option<PathBuf>,

    /// Write the list as a page of documentation to FILE, or with `-` to stdout
    #[arg(long, value_name = "FILE")]
    markdown: Option<PathBuf>,
}

/// Runs the command.
pub(crate) fn run(args: &Args) -> anyhow::Result<ExitCode> {
    let functions: Vec<&Entry> = match &args.name {
        None => entries().iter().collect(),
        Some(name) => find(name),
    };
    let primitives: Vec<&OpDef> = (OPS.iter().copied())
        .filter(|d| args.name.as_deref().is_none_or(|n| n == d.name))
        .collect();
    if let Some(name) = &args.name
        && functions.is_empty()
        && primitives.is_empty()
    {
        let names: Vec<&str> = (entries().iter().map(|e| e.function.name()))
            .chain(OPS.iter().map(|d| d.name))
            .collect();
        output::error(&anyhow::anyhow!(
            "there is no operation {name:?}{}; `pullback ops` lists them",
            nearest(name, &names)
        ));
        return Ok(ExitCode::from(2));
    }
    if let Some(path) = &args.json {
        let list = json!({
            "functions": functions.iter().map(|e| function_json(e)).collect::<Vec<_>>(),
            "primitives": primitives.iter().map(|d| primitive_json(d)).collect::<Vec<_>>(),
        });
        output::write(path, &(serde_json::to_string_pretty(&list)? + "\n"))?;
        return Ok(ExitCode::SUCCESS);
    }
    if let Some(path) = &args.markdown {
        output::write(path, &page())?;
        return Ok(ExitCode::SUCCESS);
    }
    let text = match &args.name {
        Some(_) => details(&functions, &primitives),
        None => listing(),
    };
    output::print(&text)?;
    Ok(ExitCode::SUCCESS)
}

/// `; did you mean "…"?` where a name is close.
pub(crate) fn nearest(name: &str, names: &[&str]) -> String {
    let best = names.iter().map(|n| (distance(name, n), n)).min();
    match best {
        Some((d, n)) if d <= 1 + name.len() / 3 => format!("; did you mean {n:?}?"),
        _ => String::new(),
    }
}

/// Levenshtein's distance.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, x) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, &y) in b.iter().enumerate() {
            let cost = diagonal + usize::from(x != y);
            diagonal = row[j + 1];
            row[j + 1] = cost.min(row[j] + 1).min(diagonal + 1);
        }
    }
    row[b.len()]
}

fn kind(entry: &Entry) -> &'static str {
    entry.function.op.map_or("composition", |d| d.family.name())
}

fn places(entry: &Entry) -> String {
    let names = entry.function.found_at().map(|(place, name)| match place {
        "torch" => format!("torch.{name}"),
        "Tensor" => format!("Tensor.{name}"),
        place => format!("torch.{place}.{name}"),
    });
    names.collect::<Vec<_>>().join(", ")
}

/// What stands behind a function, in words.
fn proven(entry: &Entry) -> String {
    let f = entry.function;
    let mut words = vec![format!(
        "against PyTorch: samples {}, edge cases {}{}",
        f.samples.len(),
        f.edges.len(),
        if f.units == (0.0, 0.0) {
            ", bit for bit"
        } else {
            ""
        }
    )];
    if f.checkable {
        words.push("value, both modes and second order against 32 digits".into());
    }
    if !f.errors.is_empty() {
        words.push(format!("errors as PyTorch's: {}", f.errors.len()));
    }
    if f.in_place {
        words.push(format!("`{}_` equals it", f.name()));
    }
    words.join("; ")
}

fn function_json(entry: &Entry) -> Value {
    let f = entry.function;
    json!({
        "name": f.name(),
        "signature": entry.signature.to_string(),
        "typed_signature": f.signature,
        "group": entry.group,
        "summary": f.summary,
        "formula": f.formula,
        "family": kind(entry),
        "pytorch": places(entry).split(", ").collect::<Vec<_>>(),
        "in_place": f.in_place,
        "random": f.random,
        "proven": {
            "samples": f.samples.len(),
            "edges": f.edges.len(),
            "errors": f.errors.len(),
            "bits": f.units == (0.0, 0.0),
            "derivatives": f.checkable,
        },
    })
}

fn primitive_json(def: &OpDef) -> Value {
    json!({
        "name": def.name,
        "family": def.family.name(),
        "summary": def.summary,
        "formula": def.formula,
        "derivative": def.derivative,
        "convention": def.convention,
        "computed_as": recorded(def).0,
        "gradient_computed_as": recorded(def).1,
        "pytorch": def.torch,
        "view": def.view,
        "samples": (def.proof.samples)().len(),
        "points": (def.proof.points)().len(),
        "errors": (def.proof.errors)().len(),
    })
}

/// The groups, in the order of the list.
fn groups() -> Vec<&'static str> {
    let mut groups: Vec<&str> = Vec::new();
    for entry in entries() {
        if groups.last() != Some(&entry.group) {
            groups.push(entry.group);
        }
    }
    groups
}

fn listing() -> String {
    let mut text = String::new();
    for group in groups() {
        let _ = writeln!(text, "{HEAD}{group}{HEAD:#}");
        for entry in entries().iter().filter(|e| e.group == group) {
            let f = entry.function;
            let _ = writeln!(
                text,
                "  {STRONG}{:<24}{STRONG:#} {DIM}{:<12}{DIM:#} {}",
                f.name(),
                kind(entry),
                f.formula
            );
        }
    }
    let _ = writeln!(
        text,
        "{} functions on {} primitives; `pullback ops NAME` tells all about one",
        entries().len(),
        OPS.len()
    );
    text
}

/// The formula that an elementwise operation's loops are compiled from, as it records itself in its first sample, and that of its
/// gradient, of the incoming gradient g and of what it reads; empty where there is none.
fn recorded(def: &OpDef) -> (String, String) {
    let samples = (def.proof.samples)();
    let Some(sample) = samples.first() else {
        return Default::default();
    };
    let read = match sample.op.reads(0) {
        Reads::OUTPUT => "y",
        _ => "x",
    };
    let value = sample.op.expression().map(|e| e.to_string());
    let gradient = (sample.op.gradient_expression()).map(|e| e.text_of(&["g", read]));
    (value.unwrap_or_default(), gradient.unwrap_or_default())
}

fn details(functions: &[&Entry], primitives: &[&OpDef]) -> String {
    let mut text = String::new();
    for entry in functions {
        let f = entry.function;
        let _ = writeln!(
            text,
            "{STRONG}{}{STRONG:#}\n  {}",
            entry.signature, f.summary
        );
        let mut line = |what: &str, value: &str| {
            if !value.is_empty() {
                let _ = writeln!(text, "  {DIM}{what:<12}{DIM:#} {value}");
            }
        };
        line("formula", f.formula);
        if let Some(def) = f.op {
            line("derivative", def.derivative);
            line("convention", def.convention);
            let (value, gradient) = recorded(def);
            line("computed as", &value);
            line("its gradient", &gradient);
        }
        line("family", kind(entry));
        line("PyTorch", &places(entry));
        line("proven", &proven(entry));
        for sample in f.samples.iter().take(3) {
            line("for example", &format!("{}({sample})", f.name()));
        }
    }
    for def in primitives {
        let _ = writeln!(
            text,
            "{STRONG}primitive {}{STRONG:#}\n  {}",
            def.name, def.summary
        );
        let (value, gradient) = recorded(def);
        for (what, value) in [
            ("formula", def.formula),
            ("derivative", def.derivative),
            ("convention", def.convention),
            ("computed as", value.as_str()),
            ("its gradient", gradient.as_str()),
            ("family", def.family.name()),
            ("PyTorch", def.torch),
        ] {
            if !value.is_empty() {
                let _ = writeln!(text, "  {DIM}{what:<12}{DIM:#} {value}");
            }
        }
        let _ = writeln!(
            text,
            "  {DIM}{:<12}{DIM:#} samples in three widths and all layouts: {}, exact points: {}, errors: {}",
            "proven",
            (def.proof.samples)().len(),
            (def.proof.points)().len(),
            (def.proof.errors)().len()
        );
    }
    text
}

/// `docs/ops.md`.
fn page() -> String {
    let cell = |s: &str| s.replace('|', "\\|").replace('\n', " ");
    let mut text = String::from(
        "# The operations\n\n\
        Written by `cargo run --release -- ops --markdown docs/ops.md`; a test holds it equal to the list in the program.\n\n\
        Functions have PyTorch's names, arguments, defaults and errors. A function is one primitive of a family, or a composition \
        of primitives, which needs no rule of its own. Every function is compared with PyTorch 2.15 on its samples and edge cases \
        (values and gradients, in float32 and float64; *bits* where they agree to the bit), and, unless a dash says that it has no \
        derivative to check, its value and its derivatives in reverse and forward mode and of second order are compared with \
        32-digit arithmetic. A trailing underscore means that the in-place form exists.\n",
    );
    for group in groups() {
        let mut title = group.to_string();
        title[..1].make_ascii_uppercase();
        let _ = write!(
            text,
            "\n## {title}\n\n| function | formula | gradient | PyTorch | derivatives |\n|---|---|---|---|---|\n"
        );
        for entry in entries().iter().filter(|e| e.group == group) {
            let f = entry.function;
            let _ = writeln!(
                text,
                "| `{}`{} | {} | {} | {} cases{} | {} |",
                cell(&entry.signature.to_string()),
                if f.in_place { " `_`" } else { "" },
                cell(f.formula),
                kind(entry),
                f.samples.len() + f.edges.len() + f.errors.len(),
                if f.units == (0.0, 0.0) { ", bits" } else { "" },
                if f.checkable { "checked" } else { "–" },
            );
        }
    }
    text += "\n## Primitives\n\n\
        What the engine knows. The family says which rules are written and which follow; ARCHITECTURE.md tells how.\n\n\
        | primitive | family | formula | derivative | at kinks and edges |\n|---|---|---|---|---|\n";
    for def in OPS {
        let view = if def.view { " (a view)" } else { "" };
        let _ = writeln!(
            text,
            "| `{}` | {}{view} | {} | {} | {} |",
            def.name,
            def.family.name(),
            cell(def.formula),
            cell(def.derivative),
            cell(def.convention)
        );
    }
    let families = [
        Family::Pointwise,
        Family::Gate,
        Family::Linear,
        Family::Multilinear,
        Family::General,
        Family::Zero,
        Family::Cut,
    ];
    let counts: Vec<String> = (families.iter())
        .map(|&f| {
            let n = OPS.iter().filter(|d| d.family == f).count();
            format!("{n} {}", f.name())
        })
        .collect();
    let _ = write!(
        text,
        "\n{} functions, {} primitives: {}.\n",
        entries().len(),
        OPS.len(),
        counts.join(", ")
    );
    text
}
