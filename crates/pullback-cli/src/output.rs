//! Where output goes: stdout that strips colour in a pipe, errors on stderr, files that appear whole or not at all.
//!
//! Not for: what is said. No command writes to stdout or to a file but through this.

use anstyle::{AnsiColor, Style};
use anyhow::Context;
use std::io::{self, Write};
use std::path::Path;

/// Headings.
pub(crate) const HEAD: Style = AnsiColor::Cyan.on_default().bold();
/// What matters in a line.
pub(crate) const STRONG: Style = Style::new().bold();
/// What can be skipped.
pub(crate) const DIM: Style = Style::new().dimmed();
/// What holds.
pub(crate) const GOOD: Style = AnsiColor::Green.on_default().bold();
/// What needs a look.
pub(crate) const WARN: Style = AnsiColor::Yellow.on_default().bold();
/// What is wrong.
pub(crate) const BAD: Style = AnsiColor::Red.on_default().bold();

/// Prints text for people: its styles are kept on a terminal and stripped elsewhere; NO_COLOR and CLICOLOR_FORCE are
/// honoured.
pub(crate) fn print(text: &str) -> anyhow::Result<()> {
    let mut out = anstream::stdout().lock();
    (out.write_all(text.as_bytes()).and_then(|()| out.flush())).context("cannot write to stdout")
}

/// Says on stderr what went wrong. Never fails: there is nobody left to tell.
pub(crate) fn error(e: &anyhow::Error) {
    let _ = writeln!(anstream::stderr(), "{BAD}error:{BAD:#} {e:#}");
}

/// Says on stderr what a reader of the results should know. Never fails.
pub(crate) fn note(text: &str) {
    let _ = writeln!(anstream::stderr(), "{WARN}note:{WARN:#} {text}");
}

/// Whether the reader of stdout went away, as in `pullback lab | head`. That is no failure.
pub(crate) fn is_closed_pipe(e: &anyhow::Error) -> bool {
    e.chain()
        .filter_map(|cause| cause.downcast_ref::<io::Error>())
        .any(|e| e.kind() == io::ErrorKind::BrokenPipe)
}

/// Writes `text` to stdout (`-`) or to a file.
///
/// A regular file is replaced in one step by a finished one from the same folder, so nobody ever sees half of it and an
/// error leaves what was there. Devices and pipes (`/dev/stdout`) are written to.
///
/// # Errors
/// With the path and the system's reason.
pub(crate) fn write(path: &Path, text: &str) -> anyhow::Result<()> {
    if path == Path::new("-") {
        let mut out = io::stdout().lock();
        return (out.write_all(text.as_bytes()).and_then(|()| out.flush()))
            .context("cannot write to stdout");
    }
    replace(path, text).with_context(|| format!("cannot write {}", path.display()))
}

fn replace(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link: what it points to is replaced.
    let real = path.canonicalize();
    let path = real.as_deref().unwrap_or(path);
    match path.metadata() {
        Ok(meta) if meta.is_dir() => return Err(io::ErrorKind::IsADirectory.into()),
        Ok(meta) if !meta.is_file() => return std::fs::write(path, text),
        _ => {}
    }
    let folder = match path.parent() {
        Some(folder) if folder != Path::new("") => folder,
        _ => Path::new("."),
    };
    let mut builder = tempfile::Builder::new();
    builder.prefix(".pullback-").suffix(".tmp");
    #[cfg(unix)]
    let permissions = match path.metadata() {
        Ok(meta) => meta.permissions(),
        Err(_) => std::os::unix::fs::PermissionsExt::from_mode(0o666), // less the umask
    };
    #[cfg(unix)]
    builder.permissions(permissions);
    let mut file = builder.tempfile_in(folder).map_err(reason)?;
    file.write_all(text.as_bytes())?;
    file.as_file().sync_all()?;
    file.persist(path).map_err(|e| e.error)?;
    Ok(())
}

/// The system's reason without the temporary file's name, which says nothing to the user.
fn reason(e: io::Error) -> io::Error {
    let inner = e.get_ref().and_then(|e| e.source());
    let code = inner
        .and_then(|e| e.downcast_ref::<io::Error>())
        .and_then(io::Error::raw_os_error);
    code.map_or(e, io::Error::from_raw_os_error)
}
