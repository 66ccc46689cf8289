//! Files that are there whole or not at all: written beside their place, synced, then renamed to it.

use super::failed;
use crate::{Error, ErrorKind, Result};
use std::fs::{self, File, OpenOptions};
use std::io::{BufWriter, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, Ordering};

/// A file that is removed unless it got its place.
struct Draft {
    path: PathBuf,
    placed: bool,
}

impl Drop for Draft {
    fn drop(&mut self) {
        if !self.placed {
            let _ = fs::remove_file(&self.path);
        }
    }
}

/// What the names of all drafts of a file begin with.
fn draft_names(path: &Path) -> String {
    let name = path.file_name().unwrap_or_default().to_string_lossy();
    format!(".{name}.")
}

/// Whether a file is nobody's: who writes a draft holds its lock as long as it lives.
fn is_left(path: &Path) -> bool {
    File::open(path).is_ok_and(|file| file.try_lock().is_ok())
}

/// Removes drafts of processes that were killed while they wrote; where that cannot be known, they stay.
fn sweep(path: &Path) {
    let names = draft_names(path);
    let Ok(all) = fs::read_dir(folder_of(path)) else {
        return;
    };
    for entry in all.flatten() {
        let name = entry.file_name();
        let name = name.to_string_lossy();
        let is_draft = name.starts_with(&names) && name.ends_with(".part");
        if is_draft && is_left(&entry.path()) {
            let _ = fs::remove_file(entry.path());
        }
    }
}

/// A file of its own beside `path`, hidden, locked and open.
fn draft(path: &Path) -> std::io::Result<(Draft, File)> {
    static NEXT: AtomicU32 = AtomicU32::new(0);
    let names = draft_names(path);
    loop {
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let own = format!("{names}{}-{number}.part", std::process::id());
        let beside = path.with_file_name(own);
        match OpenOptions::new()
            .write(true)
            .create_new(true)
            .open(&beside)
        {
            // Left by another process of the same number that was killed.
            Err(e) if e.kind() == std::io::ErrorKind::AlreadyExists => {}
            Err(e) => return Err(e),
            Ok(file) => {
                let draft = Draft {
                    path: beside,
                    placed: false,
                };
                // Not every file system has locks; drafts that are left stay there then.
                let locked = file.lock().is_ok();
                // Between its making and its lock another process may have taken it for one that was left.
                if !locked || draft.path.exists() {
                    return Ok((draft, file));
                }
            }
        }
    }
}

fn folder_of(path: &Path) -> &Path {
    match path.parent() {
        Some(folder) if !folder.as_os_str().is_empty() => folder,
        _ => Path::new("."),
    }
}

/// Has the folder remember a new name, where the system has such a thing.
fn sync_folder(path: &Path) {
    if let Ok(folder) = File::open(folder_of(path)) {
        // Folders cannot be synced everywhere, and the file is whole whether they were or not.
        let _ = folder.sync_all();
    }
}

/// Writes a file such that whoever looks, at any moment and after a crash, finds what was there before or all that `write` wrote.
///
/// # Errors
/// Those of the file system, with the path, and those of `write`; what was there before is still there then.
pub(super) fn replace(path: &Path, write: impl FnOnce(&mut dyn Write) -> Result<()>) -> Result<()> {
    let io = |e| failed("write", path, e);
    sweep(path);
    let (mut draft, file) = draft(path).map_err(io)?;
    let mut file = BufWriter::new(file);
    write(&mut file).map_err(|e| e.note(format!("in {}", path.display())))?;
    let file = file.into_inner().map_err(|e| io(e.into_error()))?;
    file.sync_all().map_err(io)?;
    if let Ok(before) = fs::metadata(path) {
        // Who may read the file stays as it was.
        let _ = fs::set_permissions(&draft.path, before.permissions());
    }
    fs::rename(&draft.path, path).map_err(io)?;
    draft.placed = true;
    // The lock was held until the draft had its place, where nobody takes it for one that was left.
    drop(file);
    sync_folder(path);
    Ok(())
}

/// Writes bytes to a file such that whoever looks, at any moment and after a crash, finds what was there before or all of them.
///
/// # Errors
/// Those of the file system, with the path; what was there before is still there then.
///
/// ```
/// # let path = std::env::temp_dir().join(format!("pullback-atomic-{}", std::process::id()));
/// pullback::io::write_atomically(&path, b"abc")?;
/// assert_eq!(std::fs::read(&path).unwrap(), b"abc");
/// # std::fs::remove_file(&path).unwrap();
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn write_atomically(path: impl AsRef<Path>, bytes: &[u8]) -> Result<()> {
    replace(path.as_ref(), |file| put(file, bytes))
}

/// Writes bytes, where an error is one of ours.
///
/// # Errors
/// Those of the file system.
pub(super) fn put(to: &mut dyn Write, bytes: &[u8]) -> Result<()> {
    to.write_all(bytes)
        .map_err(|e| Error::new(ErrorKind::Io, format!("cannot write: {e}")).caused_by(e))
}
