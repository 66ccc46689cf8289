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
    fn homes_exist() {
        let root = Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap();
        for kept in KEPT {
            for home in kept.home {
                assert!(root.join(kept.source).join(home).exists(), "{home}");
            }
        }
    }
}
