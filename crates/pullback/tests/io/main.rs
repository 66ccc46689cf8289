//! `pullback::io`: files both ways, files of others, files that are broken.

mod atomic;
#[cfg(unix)]
mod full;
mod hostile;
mod npy;
mod pickles;
mod pt;
mod safetensors;

use std::path::PathBuf;

/// A folder that is gone when the test is.
pub(crate) struct Folder(pub PathBuf);

impl Folder {
    pub(crate) fn new(name: &str) -> Folder {
        let path = std::env::temp_dir().join(format!("pullback-io-{name}-{}", std::process::id()));
        let _ = std::fs::remove_dir_all(&path);
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    /// The names of the files in it.
    pub(crate) fn names(&self) -> Vec<String> {
        let all = std::fs::read_dir(&self.0).unwrap();
        let mut names: Vec<String> = all
            .map(|e| e.unwrap().file_name().to_string_lossy().into_owned())
            .collect();
        names.sort();
        names
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        let _ = std::fs::remove_dir_all(&self.0);
    }
}

/// Bytes of a text of hexadecimal digits.
pub(crate) fn bytes(hex: &str) -> Vec<u8> {
    let digit = |i: usize| u8::from_str_radix(&hex[i..i + 2], 16).unwrap();
    (0..hex.len()).step_by(2).map(digit).collect()
}

/// Files of NumPy's, by `golden/make_files.py`.
pub(crate) fn golden() -> serde_json::Value {
    serde_json::from_str(include_str!("../golden/files.json")).unwrap()
}
