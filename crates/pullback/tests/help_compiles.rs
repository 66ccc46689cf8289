//! What help texts show as code compiles: every snippet between backticks in a help for Rust stands in this file, where the
//! compiler reads it, and the test finds it here.
//!
//! A new help with code makes the test fail until its code is written below.

use pullback::nn::{Layer, Linear, Module};
use pullback::optim::{Optimizer, SGD};
use pullback::{
    BackwardOptions, DType, Device, Program, Result, Tensor, broadcast_tensors, func, no_grad,
};
use std::path::{Path, PathBuf};

/// The snippets in the order of the sources. Compiled; what of it runs is run below.
#[allow(unused_variables, clippy::redundant_clone)]
fn snippets(loss: &Tensor, w: Tensor, x: Tensor, y: Tensor, g: Tensor, step: Tensor) -> Result<()> {
    x.to(DType::F32)?;
    x.copy()?;
    w.copy()?;
    let copied = x.clone();
    {
        let source = &x;
        source.detach();
    }
    x.round()?;
    y.sum()?;
    y.mean()?;
    {
        let _guard = no_grad();
        w.sub_(&step)?;
    }
    y.backward_with(Some(&g), BackwardOptions::default())?;
    loss.backward_with(None, BackwardOptions::NEW.retain_graph(true))?;
    y.reshape(x.shape())?;
    y.to(DType::I64)?;
    let i = x.copy()?;
    i.to(DType::I64)?;
    x.to(DType::I64)?;
    x.narrow(0, 0, 1)?.item_f64()?;
    x.to_f64_vec()?;
    let options = BackwardOptions::NEW.allow_unused(true);
    {
        let x = x.narrow(0, 0, 1)?;
        x.item_f64()?;
    }
    let xy = broadcast_tensors(&[&x, &y])?;
    let (a, b) = (&xy[0], &xy[1]);
    let literals = (0.5, 0.5f32, 1.0, 1);
    func::jvp(
        |x| {
            x[0].copy()?;
            x[0].sum()
        },
        &[&y],
        &[&g],
    )?;
    x.to_device(y.device())?;
    x.to_device(Device::Cpu)?;
    Program::snapshot(&[&x], |x| Ok(vec![x[0].relu()?]))?;
    {
        let x = x.requires_grad_(true)?;
    }
    {
        let w = w.requires_grad_(true)?;
    }
    Ok(())
}

/// What is said of optimisers.
#[test]
fn steps_run() -> Result<()> {
    let model = Linear::new(2, 1)?;
    let mut optim = SGD::new(model.named_parameters(), 0.1)?;
    optim.zero_grad();
    model
        .forward(&Tensor::ones([1, 2], DType::F32)?)?
        .sum()?
        .backward()?;
    optim.step()
}

#[test]
fn they_run() -> Result<()> {
    let t = || Tensor::from_slice(&[1.0f32, 2.0], [2]);
    let w = t()?.requires_grad_(true)?;
    let loss = w.mul(&w)?.sum()?;
    let y = w.mul(3.0)?;
    snippets(&loss, t()?, t()?, y, t()?, t()?)
}

fn sources(folder: &Path, list: &mut Vec<PathBuf>) {
    for entry in std::fs::read_dir(folder).unwrap().flatten() {
        let path = entry.path();
        if path.is_dir() {
            sources(&path, list);
        } else if path.extension().is_some_and(|e| e == "rs") {
            list.push(path);
        }
    }
}

/// Spaces do not count, nor the commas that rustfmt puts at ends of lines.
fn squeezed(text: &str) -> String {
    let text: String = text.split_whitespace().collect();
    text.replace(",)", ")").replace(",}", "}")
}

/// The string literals of the table of advice, which are Rust's in every second place and Python's in every third.
fn table(source: &str) -> Vec<String> {
    let Some(at) = source.find("const ADVICE") else {
        return Vec::new();
    };
    let end = source[at..].find("];").unwrap_or(0);
    (source[at..at + end].split('"').skip(1).step_by(2))
        .filter(|text| text.contains("DType") || text.contains('?') || text.contains("Options"))
        .map(String::from)
        .collect()
}

/// The first string literal after each call that gives help: the one for Rust.
fn helps(source: &str) -> Vec<String> {
    let mut found = Vec::new();
    for call in [".help(", ".help_in(", "help("] {
        for (at, _) in source.match_indices(call) {
            let rest = source[at + call.len()..].trim_start();
            let rest = rest.strip_prefix("format!(").unwrap_or(rest).trim_start();
            let Some(rest) = rest.strip_prefix('"') else {
                continue;
            };
            let mut text = String::new();
            let mut chars = rest.chars();
            while let Some(c) = chars.next() {
                match c {
                    '\\' => text.extend(chars.next()),
                    '"' => break,
                    c => text.push(c),
                }
            }
            found.push(text);
        }
    }
    found
}

#[test]
fn every_snippet_is_compiled() {
    let own = squeezed(include_str!("help_compiles.rs"));
    let crates = Path::new(env!("CARGO_MANIFEST_DIR")).join("..");
    let mut files = Vec::new();
    for name in ["pullback", "pullback-array"] {
        sources(&crates.join(name).join("src"), &mut files);
    }
    let (mut texts, mut snippets, mut missing) = (0, 0, Vec::new());
    for file in files {
        let source = std::fs::read_to_string(&file).unwrap();
        for text in helps(&source).into_iter().chain(table(&source)) {
            texts += 1;
            for code in text.split('`').skip(1).step_by(2) {
                snippets += 1;
                if !own.contains(&squeezed(code)) {
                    missing.push(format!("`{code}` of {}", file.display()));
                }
            }
            // Rust's clone shares: what is to be copied is copied by `copy`.
            let copies = text.contains("clone") && !text.contains("`x.copy()?`");
            assert!(!copies, "{text:?} of {}", file.display());
        }
    }
    assert!(
        missing.is_empty(),
        "not compiled by this test:\n{}",
        missing.join("\n")
    );
    assert!(
        texts >= 20 && snippets >= 15,
        "{texts} texts, {snippets} snippets"
    );
}
