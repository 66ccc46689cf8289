//! Tells how golden files are made. They hold what NumPy and PyTorch computed, so that tests need neither of them; the
//! scripts that wrote them lie beside them, in folders called `golden`. Scripts that wrote tables in the source lie in
//! folders called `tools`.
//!
//! Not for: making them. That needs Python with PyTorch, which no other chore needs.

use std::fs;
use std::path::{Path, PathBuf};

/// What the scripts need; each writes the versions it found into its files.
const REQUIREMENTS: &str = "numpy==2.4.6 torch==2.15.0";

/// Folders whose Python scripts write files that are committed.
const FOLDERS: [&str; 2] = ["golden", "tools"];

/// The steps, and the scripts that are there now.
pub(crate) fn instructions(root: &Path) -> String {
    let scripts = scripts(root);
    let mut text = format!(
        "\
Golden files are written by Python and committed; the tests read them and need no Python.
Floats are written as hexadecimal bit patterns, so that nothing is lost on the way.

1. An environment outside the repository:
     python3 -m venv ~/pullback-golden
     ~/pullback-golden/bin/pip install {REQUIREMENTS}
2. A script, from the root of the repository; its first lines say what it reads and writes:
"
    );
    for script in &scripts {
        let path = script.strip_prefix(root).unwrap_or(script);
        text += &format!("     ~/pullback-golden/bin/python {}\n", path.display());
    }
    if scripts.is_empty() {
        text += "     (there is none yet: put it into a folder `golden` beside the tests that read it)\n";
    }
    text + "\
3. `git diff`: a value that changed is either a mistake or a reason to say which version changed it.
"
}

/// The Python scripts in all those folders, sorted.
fn scripts(root: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut folders = vec![root.to_owned()];
    while let Some(folder) = folders.pop() {
        let here = folder
            .file_name()
            .is_some_and(|name| FOLDERS.iter().any(|folder| name == *folder));
        for entry in fs::read_dir(&folder).into_iter().flatten().flatten() {
            let (path, name) = (entry.path(), entry.file_name());
            let hidden = name.to_string_lossy().starts_with('.');
            if entry.file_type().is_ok_and(|kind| kind.is_dir()) {
                if !hidden && name != "target" {
                    folders.push(path);
                }
            } else if here && path.extension().is_some_and(|extension| extension == "py") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn scripts_are_found_in_their_folders_only() {
        let root =
            std::env::temp_dir().join(format!("pullback-xtask-golden-{}", std::process::id()));
        for path in [
            "a/tests/golden/make.py",
            "a/golden/one.json",
            "b/tools/table.py",
            "b/make.py",
            "target/golden/old.py",
        ] {
            let path = root.join(path);
            fs::create_dir_all(path.parent().expect("a folder")).expect("the folder is made");
            fs::write(path, "").expect("the file is written");
        }
        let text = instructions(&root);
        let found = scripts(&root);
        fs::remove_dir_all(&root).expect("the folder is removed");
        assert_eq!(
            found,
            [
                root.join("a/tests/golden/make.py"),
                root.join("b/tools/table.py")
            ]
        );
        assert!(text.contains("python a/tests/golden/make.py"), "{text}");
    }

    #[test]
    fn without_a_script_it_says_where_to_put_one() {
        assert!(instructions(Path::new("/no/such/folder")).contains("there is none yet"));
    }
}
