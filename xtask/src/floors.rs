//! `cargo xtask floors`: imports run only down.
//!
//! [`CRATES`] lists the folders of each crate from the lowest to the highest, each with those it may import; an import that is not
//! in the list is an arrow up, and the check fails and names the line. What is re-exported at a crate's root counts as imported
//! from the folder that it comes from.
//!
//! Not for: methods, which have no path. `Tensor` has methods that are defined in every folder.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// One folder (or file) at the root of a crate, and what it may import.
type Floor = (&'static str, &'static [&'static str]);

/// The floors of each crate, lowest first; a folder may only be allowed what stands above its own line.
const CRATES: &[(&str, &[Floor])] = &[
    (
        "crates/pullback-array/src",
        &[
            ("error", &[]),
            ("dd", &[]),
            ("interrupt", &["error"]),
            ("dispatch", &[]),
            ("memory", &["error"]),
            ("dtype", &["dd", "dispatch", "error"]),
            ("scalar", &["dd", "dtype"]),
            ("layout", &["error", "memory"]),
            ("array", &["dtype", "error", "layout", "memory"]),
            (
                "device",
                &[
                    "array",
                    "dd",
                    "dispatch",
                    "dtype",
                    "error",
                    "interrupt",
                    "layout",
                    "memory",
                    "scalar",
                ],
            ),
        ],
    ),
    (
        "crates/pullback/src",
        &[
            ("core", &[]),
            ("random", &[]),
            ("engine", &["core"]),
            ("forward_ad", &["core"]),
            ("program", &["core"]),
            ("call", &["core"]),
            ("ops", &["call", "core", "random"]),
            (
                "transform",
                &["core", "engine", "forward_ad", "ops", "program", "random"],
            ),
            ("registry", &["call", "core", "ops"]),
            ("display", &["core", "forward_ad"]),
            ("check", &["core", "engine", "ops", "program", "transform"]),
            ("nn", &["check", "core", "ops", "random", "transform"]),
            ("interop", &["core", "nn"]),
            ("io", &["core", "nn", "ops", "program"]),
            ("data", &["core", "nn", "ops", "random"]),
            ("optim", &["core", "nn", "ops"]),
            (
                "checkpoint",
                &["core", "data", "io", "nn", "optim", "random"],
            ),
            (
                "proof",
                &[
                    "core",
                    "engine",
                    "forward_ad",
                    "ops",
                    "program",
                    "registry",
                    "transform",
                ],
            ),
        ],
    ),
];

/// An import.
#[derive(Debug, PartialEq, Eq)]
struct Import {
    /// The line it stands in, counted from 1.
    line: usize,
    /// The first name after the crate's root.
    name: String,
}

/// `cargo xtask floors`.
pub(crate) fn run(root: &Path) -> Result<ExitCode, String> {
    let mut arrows = Vec::new();
    let mut files = 0;
    for (source, floors) in CRATES {
        let (found, n) = arrows_up(&root.join(source), floors)?;
        arrows.extend(found);
        files += n;
    }
    arrows.extend(crate::places::strays(root)?);
    arrows.extend(crate::places::unbounded(root)?);
    for arrow in &arrows {
        eprintln!("{arrow}");
    }
    if arrows.is_empty() {
        println!(
            "{files} files import only what stands below them, and use pointers only where they belong"
        );
        return Ok(ExitCode::SUCCESS);
    }
    eprintln!(
        "\nThe floors are listed in xtask/src/floors.rs, words that belong to some folders in xtask/src/places.rs; ARCHITECTURE.md says what each is for."
    );
    Ok(ExitCode::FAILURE)
}

/// Every import that its file's floor does not allow, and how many files were read.
fn arrows_up(source: &Path, floors: &[Floor]) -> Result<(Vec<String>, usize), String> {
    let lib = read(&source.join("lib.rs"))?;
    let exports = exports(&lib);
    let mut arrows = Vec::new();
    let files = rust_files(source)?;
    for path in &files {
        let Ok(inside) = path.strip_prefix(source) else {
            continue;
        };
        let module = module_path(inside);
        let Some(own) = module.first() else {
            continue; // lib.rs
        };
        let Some((_, allowed)) = floors.iter().find(|(name, _)| name == own) else {
            arrows.push(format!("{}: `{own}` has no floor", path.display()));
            continue;
        };
        for import in imports(&read(path)?, &module) {
            let to = exports.get(&import.name).unwrap_or(&import.name);
            let known = floors.iter().any(|(name, _)| name == to);
            if known && to != own && !allowed.contains(&to.as_str()) {
                arrows.push(format!(
                    "{}:{}: `{own}` may not import `{}` of `{to}`",
                    path.display(),
                    import.line,
                    import.name
                ));
            }
        }
    }
    Ok((arrows, files.len()))
}

pub(crate) fn read(path: &Path) -> Result<String, String> {
    std::fs::read_to_string(path).map_err(|e| format!("{}: {e}", path.display()))
}

/// All Rust files below a folder, in order of their names.
pub(crate) fn rust_files(folder: &Path) -> Result<Vec<PathBuf>, String> {
    let entries = std::fs::read_dir(folder).map_err(|e| format!("{}: {e}", folder.display()))?;
    let mut paths: Vec<PathBuf> = entries.filter_map(|e| e.ok().map(|e| e.path())).collect();
    paths.sort();
    let mut files = Vec::new();
    for path in paths {
        if path.is_dir() {
            files.extend(rust_files(&path)?);
        } else if path.extension().is_some_and(|e| e == "rs") {
            files.push(path);
        }
    }
    Ok(files)
}

/// The module that a file holds: `core/graph.rs` is `["core", "graph"]`, `core/mod.rs` is `["core"]`, `lib.rs` is empty.
fn module_path(file: &Path) -> Vec<String> {
    let text = file.with_extension("");
    let mut parts: Vec<String> = (text.components())
        .map(|c| c.as_os_str().to_string_lossy().into_owned())
        .collect();
    if matches!(parts.last().map(String::as_str), Some("mod" | "lib")) {
        parts.pop();
    }
    parts
}

/// What the root re-exports, by name, and the folder it comes from.
fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut all = BTreeMap::new();
    for path in use_paths(&without_comments(lib)) {
        let mut path = path.1;
        if path.first().is_some_and(|p| p == "crate") {
            path.remove(0);
        }
        if let [from, .., name] = &path[..]
            && from != "pullback_array"
        {
            all.insert(name.clone(), from.clone());
        }
    }
    all
}

/// The names at the crate's root that a file imports, by `use` or in passing.
fn imports(text: &str, module: &[String]) -> Vec<Import> {
    let text = without_comments(text);
    let mut all = Vec::new();
    for (line, path) in use_paths(&text).into_iter().chain(paths_in_passing(&text)) {
        let supers = path.iter().take_while(|p| *p == "super").count();
        let name = match path.first().map(String::as_str) {
            Some("crate") => path.get(1),
            Some("super") if supers >= module.len() => path.get(supers),
            _ => None,
        };
        if let Some(name) = name {
            let name = name.clone();
            let import = Import { line, name };
            if !all.contains(&import) {
                all.push(import);
            }
        }
    }
    all
}

/// The text with `//` comments blanked, up to the tests, which may import anything; lines keep their numbers.
pub(crate) fn without_comments(text: &str) -> String {
    let code = text.split("\n#[cfg(test)]\nmod ").next().unwrap_or("");
    let lines = code
        .lines()
        .map(|line| line.split("//").next().unwrap_or(""));
    lines.collect::<Vec<_>>().join("\n")
}

/// Every path that a `use` names, its braces written out, with its line.
fn use_paths(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut all = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("use ") {
        let word = rest[..at]
            .chars()
            .next_back()
            .is_none_or(|c| !c.is_alphanumeric() && c != '_');
        let line = 1 + text[..text.len() - rest.len() + at].matches('\n').count();
        rest = &rest[at + 4..];
        if word && let Some(end) = rest.find(';') {
            let mut found = Vec::new();
            spread(&rest[..end], &[], &mut found);
            all.extend(found.into_iter().map(|path| (line, path)));
        }
    }
    all
}

/// Writes out a tree of imports: `a::{b, c::d}` is `a::b` and `a::c::d`.
fn spread(tree: &str, before: &[String], all: &mut Vec<Vec<String>>) {
    let tree = tree.trim();
    let (head, braces) = match tree.split_once('{') {
        Some((head, rest)) => (head, rest.rsplit_once('}').map(|(inside, _)| inside)),
        None => (tree, None),
    };
    let words = head.split(" as ").next().unwrap_or("").split("::");
    let mut path = before.to_vec();
    path.extend(
        words
            .map(str::trim)
            .filter(|w| !w.is_empty())
            .map(String::from),
    );
    let Some(inside) = braces else {
        if !path.is_empty() {
            all.push(path);
        }
        return;
    };
    let (mut depth, mut start) = (0, 0);
    for (at, c) in inside.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                spread(&inside[start..at], &path, all);
                start = at + 1;
            }
            _ => {}
        }
    }
    if !inside[start..].trim().is_empty() {
        spread(&inside[start..], &path, all);
    }
}

/// Paths from the root or a parent that stand in code, outside of a `use`.
fn paths_in_passing(text: &str) -> Vec<(usize, Vec<String>)> {
    let mut all = Vec::new();
    for (number, line) in text.lines().enumerate() {
        for start in ["crate::", "super::"] {
            for (at, _) in line.match_indices(start) {
                let inside = line[..at]
                    .ends_with(|c: char| c.is_alphanumeric() || c == '_' || c == ':' || c == '$');
                if inside {
                    continue;
                }
                let end = line[at..]
                    .find(|c: char| !(c.is_alphanumeric() || c == '_' || c == ':'))
                    .map_or(line.len(), |n| at + n);
                let path = line[at..end].split("::").filter(|w| !w.is_empty());
                all.push((number + 1, path.map(String::from).collect()));
            }
        }
    }
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn names(text: &str, module: &[&str]) -> Vec<String> {
        let module: Vec<String> = module.iter().map(|m| m.to_string()).collect();
        let mut all: Vec<String> = imports(text, &module).into_iter().map(|i| i.name).collect();
        all.sort();
        all.dedup();
        all
    }

    #[test]
    fn imports_are_found_in_every_form() {
        let text = "use crate::{Error, core::{graph::Node, mode}};\npub(crate) use crate::ops;\nfn f() { crate::check::run(); }\n// use crate::proof;\n";
        assert_eq!(names(text, &["engine"]), ["Error", "check", "core", "ops"]);
        assert_eq!(names("use super::core::op;", &["engine"]), ["core"]);
        assert!(names("use super::queue::Queue;", &["engine", "run"]).is_empty());
        assert_eq!(
            names("use super::super::proof::prove;", &["engine", "run"]),
            ["proof"]
        );
    }

    #[test]
    fn lines_are_those_of_the_file() {
        let found = imports("\n\nuse crate::ops::Add;\n", &["core".into()]);
        assert_eq!(found[0].line, 3);
    }

    #[test]
    fn names_at_the_root_come_from_their_folder() {
        let all = exports(
            "pub use engine::{backward, grad};\npub use pullback_array::Array;\npub use transform::func;\n",
        );
        assert_eq!(all["grad"], "engine");
        assert_eq!(all["func"], "transform");
        assert!(!all.contains_key("Array"));
    }

    #[test]
    fn a_floor_is_allowed_only_what_is_below_it() {
        for (source, floors) in CRATES {
            for (at, (name, allowed)) in floors.iter().enumerate() {
                for to in *allowed {
                    assert!(
                        floors[..at].iter().any(|(below, _)| below == to),
                        "{source}: {name} -> {to}"
                    );
                }
            }
        }
    }

    #[test]
    fn an_arrow_up_is_found() {
        let folder = std::env::temp_dir().join(format!("floors-{}", std::process::id()));
        std::fs::create_dir_all(folder.join("core")).unwrap();
        std::fs::write(
            folder.join("lib.rs"),
            "mod core; mod ops; pub use ops::Add;\n",
        )
        .unwrap();
        std::fs::write(folder.join("core/mod.rs"), "use crate::Add;\n").unwrap();
        std::fs::write(folder.join("ops.rs"), "use crate::core::Tensor;\n").unwrap();
        let floors: &[Floor] = &[("core", &[]), ("ops", &["core"])];
        let (arrows, files) = arrows_up(&folder, floors).unwrap();
        std::fs::remove_dir_all(&folder).unwrap();
        assert_eq!(files, 3);
        assert_eq!(arrows.len(), 1, "{arrows:?}");
        assert!(
            arrows[0].contains("core/mod.rs:1: `core` may not import `Add` of `ops`"),
            "{arrows:?}"
        );
    }
}
