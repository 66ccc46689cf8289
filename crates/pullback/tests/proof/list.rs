//! What must hold of the list itself.

use pullback::ops::{OPS, find};
use pullback::{DType, Family};
use std::collections::BTreeSet;
use std::path::Path;

#[test]
fn definitions_are_complete() {
    let mut names = BTreeSet::new();
    for def in OPS {
        let name = def.name;
        assert!(names.insert(name), "two operations are called {name:?}");
        assert_eq!(find(name).map(|d| d.name), Some(name));
        for (what, text) in [
            ("name", name),
            ("summary", def.summary),
            ("formula", def.formula),
            ("derivative", def.derivative),
            ("PyTorch name", def.torch),
        ] {
            assert!(!text.trim().is_empty(), "{name} has no {what}");
        }
        assert!(
            def.summary.ends_with('.'),
            "{name}: the summary is a sentence"
        );
        assert!(def.torch.starts_with("torch."), "{name}: {}", def.torch);
        if matches!(def.family, Family::Gate | Family::Zero) {
            assert!(
                !def.convention.is_empty(),
                "{name} has kinks but no convention"
            );
            assert!(
                !(def.proof.points)().is_empty(),
                "{name} has kinks but no points"
            );
        }
    }
}

#[test]
fn samples_cover_the_corners() {
    let mut plain = Vec::new();
    for def in OPS {
        let name = def.name;
        let samples = (def.proof.samples)();
        assert!(samples.len() >= 4, "{name} has {} samples", samples.len());
        let shapes: Vec<Vec<Vec<usize>>> = (samples.iter())
            .map(|s| {
                assert_eq!(s.op.def().name, name, "a sample of another operation");
                let inputs = s.inputs(DType::F64).unwrap();
                inputs.iter().map(|a| a.shape().to_vec()).collect()
            })
            .collect();
        let any = |f: &dyn Fn(&[usize]) -> bool| shapes.iter().flatten().any(|s| f(s));
        let empty = any(&|s| s.contains(&0));
        let number = any(&<[usize]>::is_empty);
        let broadcast = shapes.iter().any(|s| s.windows(2).any(|w| w[0] != w[1]));
        if !(empty || number || broadcast) {
            plain.push(name);
        }
    }
    assert!(
        plain.is_empty(),
        "no sample is empty, 0-d or broadcast: {plain:?}"
    );
}

/// The files in which operations are defined.
fn definitions() -> Vec<String> {
    let source = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut folders = vec![source.join("ops"), source.join("core/structural")];
    let mut texts = Vec::new();
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                texts.push(std::fs::read_to_string(&path).unwrap());
            }
        }
    }
    texts
}

/// Every `define!` in the sources is in the list: what is forgotten there is neither proven nor documented.
#[test]
fn nothing_defined_is_missing() {
    let mut names: BTreeSet<String> = BTreeSet::new();
    let mut sources = String::new();
    for text in definitions() {
        for rest in text.split("define! {").skip(1) {
            // `define! { Op: Family "name", …`, unless the names are a macro's.
            if let Some(name) = rest
                .split('"')
                .nth(1)
                .filter(|_| !rest.trim_start().starts_with('$'))
            {
                names.insert(name.to_string());
            }
        }
        sources += &text;
    }
    assert!(
        names.len() > 20,
        "the sources are written differently now: {names:?}"
    );
    for name in &names {
        assert!(find(name).is_some(), "`{name}` is defined but not in OPS");
    }
    // And all structs that are operations, those made by macros included, are written down with their `DEF`.
    let listed = include_str!("../../src/ops/mod.rs");
    let (_, listed) = listed.split_once("pub static OPS").unwrap();
    let (listed, _) = listed.split_once("];").unwrap();
    assert_eq!(listed.matches("::DEF").count(), OPS.len());
    for line in sources.lines().filter(|l| l.starts_with("impl Op for ")) {
        let op = line["impl Op for ".len()..].trim_end_matches(" {");
        assert!(
            listed.contains(&format!(" {op}::DEF")),
            "`{op}` is not in OPS"
        );
    }
}
