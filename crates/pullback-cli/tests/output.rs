//! Where output goes: files that appear whole or not at all, devices, closed pipes, full disks, and colour.

use serde_json::Value;
use std::io::Read;
use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};

fn lab(arguments: &str) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_pullback"));
    command.arg("lab").args(arguments.split_whitespace());
    command.env_remove("CLICOLOR_FORCE").env_remove("NO_COLOR");
    command
}

fn run(arguments: &str) -> Output {
    lab(arguments).output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8(bytes.to_vec()).unwrap()
}

/// What a run that must succeed prints.
fn story(arguments: &str) -> String {
    let output = run(arguments);
    assert_eq!(output.status.code(), Some(0), "{}", text(&output.stderr));
    assert_eq!(text(&output.stderr), "");
    text(&output.stdout)
}

fn parse(path: &Path) -> Value {
    serde_json::from_str(&std::fs::read_to_string(path).unwrap()).unwrap()
}

#[test]
fn files_are_written_whole_or_not_at_all() {
    let folder = tempfile::tempdir().unwrap();
    let path = folder.path().join("lab.json");
    let shown = path.display().to_string();
    assert_eq!(story(&format!("--quiet --json {shown}")), "");
    let first = parse(&path);
    assert_eq!(
        first,
        serde_json::from_str::<Value>(&story("--json -")).unwrap()
    );
    // Over what is there; and nothing else is left in the folder.
    story(&format!("--sample 3 -q --json {shown}"));
    let second = parse(&path);
    assert_eq!(second["config"]["sample"], 3);
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);

    let nowhere: PathBuf = folder.path().join("no/such/folder/lab.json");
    for bad in [nowhere.as_path(), folder.path()] {
        let output = run(&format!("--json {}", bad.display()));
        assert_eq!(output.status.code(), Some(1));
        let stderr = text(&output.stderr);
        assert!(
            stderr.starts_with(&format!("error: cannot write {}: ", bad.display())),
            "{stderr}"
        );
        assert!(
            stderr.to_lowercase().contains("director"),
            "the system's reason: {stderr}"
        );
        assert!(output.stdout.is_empty());
    }
    assert_eq!(folder.path().read_dir().unwrap().count(), 1);
}

#[cfg(unix)]
#[test]
fn devices_and_links_stay_what_they_are() {
    let folder = tempfile::tempdir().unwrap();
    story("-q --json /dev/null");
    assert!(!Path::new("/dev/null").metadata().unwrap().is_file());
    let (file, link) = (folder.path().join("file"), folder.path().join("link"));
    std::fs::write(&file, "old").unwrap();
    std::os::unix::fs::symlink(&file, &link).unwrap();
    story(&format!("-q --json {}", link.display()));
    assert!(link.is_symlink());
    assert!(std::fs::read_to_string(&file).unwrap().starts_with('{'));
}

#[test]
fn a_closed_pipe_is_no_error() {
    for arguments in ["", "--json -"] {
        let mut child = lab(arguments)
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        drop(child.stdout.take());
        let mut stderr = String::new();
        child
            .stderr
            .take()
            .unwrap()
            .read_to_string(&mut stderr)
            .unwrap();
        assert_eq!(child.wait().unwrap().code(), Some(0));
        assert_eq!(stderr, "");
    }
}

#[cfg(target_os = "linux")]
#[test]
fn a_full_disk_is_an_error() {
    let full = std::fs::File::options()
        .write(true)
        .open("/dev/full")
        .unwrap();
    let output = lab("")
        .stdout(full)
        .stderr(Stdio::piped())
        .output()
        .unwrap();
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).starts_with("error: cannot write to stdout: "));
}

#[test]
fn colour() {
    let forced = lab("").env("CLICOLOR_FORCE", "1").output().unwrap();
    assert!(text(&forced.stdout).contains("\x1b["));
    let refused = lab("")
        .env("CLICOLOR_FORCE", "1")
        .env("NO_COLOR", "1")
        .output()
        .unwrap();
    assert!(!text(&refused.stdout).contains("\x1b["));
    let story = story("");
    assert_eq!(text(&refused.stdout), story, "colour changes nothing else");
}
