//! Words that belong to some folders alone: pointers to elements, and numbers read past the device they lie on.
//!
//! [`KEPT`] lists them with the folders that may use them; `cargo xtask floors` reads the sources. What comments and tests say is
//! free.

use crate::floors::{read, rust_files, without_comments};
use std::path::Path;

/// Words, and who may use them.
struct Kept {
    /// The folder that is read.
    source: &'static str,
    /// What must not stand there.
    words: &'static [&'static str],
    /// Files and folders below it in which the words may stand.
    home: &'static [&'static str],
    /// What to do instead.
    instead: &'static str,
}

const KEPT: &[Kept] = &[
    Kept {
        source: "crates/pullback-array/src",
        words: &[
            "*const ",
            "*mut ",
            "NonNull",
            ".ptr::<",
            ".ptr()",
            ".start()",
            "as_mut_ptr",
        ],
        home: &["memory", "device/cpu", "dtype/element.rs"],
        instead: "only `memory` and `device/cpu` see pointers to elements",
    },
    Kept {
        source: "crates/pullback/src",
        words: &["host_address"],
        home: &[],
        instead: "identity is `Storage::id`; addresses are for who hands memory to others",
    },
    Kept {
        source: "crates/pullback/src/ops",
        words: &[".to_vec::<", ".to_f64_vec(", ".copy_bytes(", ".bits_equal("],
        home: &[],
        instead: "an operation that looks at numbers itself says so: `core::device::HostRead`",
    },
];

/// Folders in which sizes that a user gives are known.
const SIZED: &[&str] = &[
    "crates/pullback-array/src",
    "crates/pullback-random/src",
    "crates/pullback/src/call",
    "crates/pullback/src/ops",
    "crates/pullback/src/registry",
];

/// Files in which vectors are made whose memory is not asked for first (`vec![x; n]`, `Vec::with_capacity(n)`), how many, and why that cannot end the
/// process. `room`, `filled` and `gathered` give an error where there is no memory.
const BOUNDED: &[(&str, usize, &str)] = &[
    ("pullback-array/src/dd/format.rs", 2, "digits of a number"),
    (
        "pullback-array/src/device/cpu/kernels/lines.rs",
        2,
        "asked for before, as large as some lines",
    ),
    (
        "pullback-array/src/device/cpu/kernels/planes.rs",
        1,
        "asked for before",
    ),
    (
        "pullback-array/src/device/cpu/kernels/recurrent/forward.rs",
        1,
        "as large as a row of what is kept",
    ),
    (
        "pullback-array/src/device/cpu/kernels/recurrent/back.rs",
        1,
        "as large as a row of what is kept",
    ),
    (
        "pullback-array/src/device/cpu/factor/by_faer/mod.rs",
        2,
        "as large as a matrix that was given",
    ),
    (
        "pullback-array/src/device/cpu/factor/jacobi.rs",
        5,
        "as large as a matrix's factors, for which memory was asked before",
    ),
    (
        "pullback-array/src/layout/dims.rs",
        1,
        "a size for each dimension",
    ),
    (
        "pullback-array/src/scalar/expression/derivative.rs",
        1,
        "steps of a formula",
    ),
    (
        "pullback-array/src/scalar/expression/mod.rs",
        4,
        "steps of a formula",
    ),
    (
        "pullback-random/src/numpy/choice.rs",
        2,
        "as long as the probabilities that were given",
    ),
    (
        "pullback-random/src/numpy/generator.rs",
        1,
        "functions that return a vector and no result",
    ),
    (
        "pullback-random/src/torch/continuous.rs",
        1,
        "a piece of bounded length",
    ),
    (
        "pullback-random/src/torch/multinomial.rs",
        1,
        "as long as a row that was given",
    ),
    (
        "pullback-random/src/torch/normal.rs",
        2,
        "functions that return a vector and no result",
    ),
    (
        "pullback-random/src/torch/trunc_normal.rs",
        1,
        "as long as the candidates",
    ),
    (
        "pullback-random/src/torch/uniform.rs",
        2,
        "functions that return a vector and no result",
    ),
    ("pullback/src/call/signature.rs", 1, "arguments"),
    (
        "pullback/src/ops/common/formula.rs",
        1,
        "steps of a formula",
    ),
    ("pullback/src/ops/common/once.rs", 1, "dimensions"),
    (
        "pullback/src/ops/conv/fractional.rs",
        2,
        "dimensions; on helpers, after as much was asked for",
    ),
    ("pullback/src/ops/conv/geometry.rs", 1, "dimensions"),
    ("pullback/src/ops/conv/methods.rs", 1, "dimensions"),
    ("pullback/src/ops/conv/pool_checks.rs", 2, "dimensions"),
    ("pullback/src/ops/conv/unpool.rs", 1, "dimensions"),
    ("pullback/src/ops/image/functions/image.rs", 2, "dimensions"),
    ("pullback/src/ops/image/grid.rs", 2, "dimensions"),
    (
        "pullback/src/ops/image/resize.rs",
        2,
        "on helpers, after as much was asked for",
    ),
    ("pullback/src/ops/image/spots.rs", 2, "64 elements"),
    (
        "pullback/src/ops/index/functions/lookup.rs",
        1,
        "dimensions",
    ),
    ("pullback/src/ops/linalg/einsum.rs", 2, "dimensions"),
    ("pullback/src/ops/linalg/pseudo.rs", 1, "a sample"),
    (
        "pullback/src/ops/linalg/product.rs",
        3,
        "matrices that were given, and dimensions",
    ),
    (
        "pullback/src/ops/loss/ctc_steps.rs",
        1,
        "as many as a dimension that has elements",
    ),
    ("pullback/src/ops/math/functions/slopes.rs", 2, "dimensions"),
    ("pullback/src/ops/norm/batch_norm.rs", 1, "dimensions"),
    ("pullback/src/ops/reduce/quantile.rs", 1, "dimensions"),
    ("pullback/src/ops/reduce/sum.rs", 1, "dimensions"),
    (
        "pullback/src/ops/shape/join.rs",
        1,
        "tensors that were given",
    ),
    ("pullback/src/ops/shape/pad.rs", 1, "dimensions"),
    ("pullback/src/ops/shape/rearrange.rs", 1, "dimensions"),
    ("pullback/src/ops/shape/view.rs", 1, "dimensions"),
];

/// Whether a line makes a vector of a length that is known when the program runs.
fn makes_a_vector(line: &str) -> bool {
    let counted = |rest: &str| {
        let Some((_, length)) = rest.split_once("; ") else {
            return false;
        };
        let length = &length[..length.find(']').unwrap_or(length.len())];
        // A number, or a constant.
        length.chars().any(|c| c.is_ascii_lowercase())
    };
    line.contains("Vec::with_capacity(")
        || (line.match_indices("vec![")).any(|(at, open)| counted(&line[at + open.len()..]))
}

/// The source of a file without its tests, which stand at the end.
fn without_tests(text: &str) -> &str {
    &text[..text.find("#[cfg(test)]\nmod ").unwrap_or(text.len())]
}

/// Every file with another number of vectors without a bound than [`BOUNDED`] says.
pub(crate) fn unbounded(root: &Path) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for folder in SIZED {
        for path in rust_files(&root.join(folder))? {
            if path.file_name().is_some_and(|name| name == "tests.rs") {
                continue;
            }
            let text = without_comments(&read(&path)?);
            let found = (without_tests(&text).lines())
                .filter(|line| makes_a_vector(line))
                .count();
            let shown = path.display().to_string();
            let known = (BOUNDED.iter())
                .find(|(file, ..)| shown.ends_with(file))
                .map_or(0, |(_, count, _)| *count);
            if found != known {
                all.push(format!(
                    "{shown}: {found} vectors of a length that is known when the program runs, where xtask/src/places.rs knows {known}: `room`, `filled` and `gathered` give an error where memory is out, `vec![x; n]` ends the process"
                ));
            }
        }
    }
    Ok(all)
}

/// Every line in which a word stands outside of its home.
pub(crate) fn strays(root: &Path) -> Result<Vec<String>, String> {
    let mut all = Vec::new();
    for kept in KEPT {
        let source = root.join(kept.source);
        for path in rust_files(&source)? {
            let Ok(inside) = path.strip_prefix(&source) else {
                continue;
            };
            if kept.home.iter().any(|home| inside.starts_with(home)) {
                continue;
            }
            let text = without_comments(&read(&path)?);
            all.extend(stray_lines(&text, kept.words).map(|(line, word)| {
                format!("{}:{line}: `{word}`: {}", path.display(), kept.instead)
            }));
        }
    }
    Ok(all)
}

/// The lines of a text in which one of the words stands, counted from 1. A pointer to nothing marks types of one thread.
fn stray_lines<'a>(
    text: &'a str,
    words: &'a [&'a str],
) -> impl Iterator<Item = (usize, &'a str)> + 'a {
    text.lines().enumerate().filter_map(move |(at, line)| {
        let found = words.iter().find(|word| line.contains(**word))?;
        (!line.contains("PhantomData<*const ()>")).then_some((at + 1, *found))
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn words_are_found_in_their_lines() {
        let text = "fn f() {\n    let p = guard.ptr::<f32>();\n}\n";
        let found: Vec<_> = stray_lines(text, KEPT[0].words).collect();
        assert_eq!(found, [(2, ".ptr::<")]);
        let marker = "thread: PhantomData<*const ()>,";
        assert_eq!(stray_lines(marker, KEPT[0].words).count(), 0);
    }

    #[test]
    fn vectors_are_told_from_lists() {
        for line in [
            "vec![0.0; n]",
            "let v = vec![None; a.len()];",
            "Vec::with_capacity(n)",
        ] {
            assert!(makes_a_vector(line), "{line}");
        }
        for line in [
            "vec![1, 2]",
            "vec![0; 4]",
            "vec![0; SIZE]",
            "vec![a[0]; 2]",
            "vec![a, b];",
        ] {
            assert!(!makes_a_vector(line), "{line}");
        }
    }

    #[test]
    fn bounded_files_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for (file, _, why) in BOUNDED {
            assert!(root.join("crates").join(file).exists(), "{file}");
            assert!(!why.is_empty());
        }
    }

    #[test]
    fn homes_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for kept in KEPT {
            for home in kept.home {
                assert!(root.join(kept.source).join(home).exists(), "{home}");
            }
        }
    }
}
