//! What the library costs to compile: CPU time and elapsed time of a build from nothing, whole and without models.
//!
//! Not for: deciding whether a change is right. Times depend on the machine and on who else works there, so no check asks for them.

use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

/// Most seconds of CPU that `nn`, `optim`, `data`, `io` and `checkpoint` may add to the library, in a build without optimisation.
const MODELS: f64 = 10.0;
/// Most seconds until the library is there.
const WHOLE: f64 = 60.0;

/// What one build took.
struct Cost {
    cpu: f64,
    elapsed: Duration,
}

/// Builds the library from nothing, with models and without, and prints what it took.
///
/// # Errors
/// Where a build fails, or the system does not say what CPU time a process took.
pub(crate) fn run(root: &Path, release: bool) -> Result<bool, String> {
    let bare = build(root, release, true)?;
    let whole = build(root, release, false)?;
    let models = whole.cpu - bare.cpu;
    println!("`cargo build --package pullback` from nothing, with all that it depends on:");
    for (what, cost) in [("without models", &bare), ("whole", &whole)] {
        println!(
            "  {what:<16}{:>7.1} s of CPU, {:>6.1} s elapsed",
            cost.cpu,
            cost.elapsed.as_secs_f64()
        );
    }
    println!("  {:<16}{models:>7.1} s of CPU", "models");
    let held = models <= MODELS && whole.elapsed.as_secs_f64() <= WHOLE;
    if !held && !release {
        println!("more than {MODELS} s for models, or {WHOLE} s elapsed");
    }
    Ok(held || release)
}

/// One build in a folder of its own, which is removed before and after.
fn build(root: &Path, release: bool, bare: bool) -> Result<Cost, String> {
    let folder = root.join("target/weight");
    let clean = || match std::fs::remove_dir_all(&folder) {
        Err(e) if e.kind() != std::io::ErrorKind::NotFound => Err(format!("{folder:?}: {e}")),
        _ => Ok(()),
    };
    clean()?;
    let mut command = Command::new(env!("CARGO"));
    command
        .args(["build", "--quiet", "--locked", "--package", "pullback"])
        .arg("--target-dir")
        .arg(&folder)
        .env("CARGO_INCREMENTAL", "0")
        .current_dir(root)
        .stdout(Stdio::null())
        .stderr(Stdio::null());
    if release {
        command.arg("--release");
    }
    if bare {
        command.env("RUSTFLAGS", "--cfg pullback_bare");
    } else {
        command.env_remove("RUSTFLAGS");
    }
    let (before, begin) = (children()?, Instant::now());
    let status = command.status().map_err(|e| format!("cargo: {e}"))?;
    let cost = Cost {
        cpu: children()? - before,
        elapsed: begin.elapsed(),
    };
    clean()?;
    match status.success() {
        true => Ok(cost),
        false => Err("the library does not build".into()),
    }
}

/// Seconds of CPU of all processes that this one has started and waited for, as Linux counts them.
fn children() -> Result<f64, String> {
    let text =
        std::fs::read_to_string("/proc/self/stat").map_err(|e| format!("{e}: only Linux says"))?;
    ticks(&text)
        .map(|n| n as f64 / 100.0)
        .ok_or_else(|| "/proc/self/stat cannot be read".into())
}

/// `cutime` and `cstime` of a line of `/proc/PID/stat`, in hundredths of a second. The name before them may have spaces and brackets.
fn ticks(line: &str) -> Option<u64> {
    let (_, rest) = line.rsplit_once(')')?;
    let mut fields = rest.split_whitespace().skip(13);
    let user: u64 = fields.next()?.parse().ok()?;
    let system: u64 = fields.next()?.parse().ok()?;
    Some(user + system)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_of_children_are_read_behind_any_name() {
        let line = "7 (a b) c) S 1 2 3 4 5 6 7 8 9 10 11 12 130 24 20 0";
        assert_eq!(ticks(line), Some(154));
        assert_eq!(ticks("7 (a"), None);
    }

    #[test]
    fn time_of_a_child_is_counted() {
        let before = children().expect("Linux");
        let busy = Command::new("sh")
            .args(["-c", "i=0; while [ $i -lt 200000 ]; do i=$((i+1)); done"])
            .status();
        assert!(busy.expect("a shell").success());
        assert!(children().expect("Linux") > before);
    }
}
