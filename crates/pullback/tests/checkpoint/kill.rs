//! Runs that are killed, at moments nobody chose, and end with the bits of one that was not.

use super::Folder;
use super::run::{Kind, Run, loader};
use pullback::Result;
use std::path::Path;
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

const FILE: &str = "PULLBACK_TEST_CHECKPOINT";
const KIND: &str = "PULLBACK_TEST_KIND";
const EPOCHS: u64 = 4;
const WIDTH: usize = 300;
const SAMPLES: usize = 53;

fn kind(name: &str) -> Kind {
    match name {
        "default" => Kind::Default,
        "own" => Kind::Own,
        _ => Kind::Sampler,
    }
}

/// What the tests below start as a process of its own: a program that trains, and goes on where its file says.
#[test]
fn child() -> Result<()> {
    let Ok(path) = std::env::var(FILE) else {
        return Ok(());
    };
    let data = loader(kind(&std::env::var(KIND).unwrap_or_default()), SAMPLES)?;
    let mut run = Run::new(WIDTH)?;
    run.parts(&data).resume(&path)?;
    run.train(&data, EPOCHS, Some(Path::new(&path)))
}

fn start(path: &Path, kind: &str) -> std::process::Child {
    let program = std::env::current_exe().unwrap();
    Command::new(program)
        .args(["--exact", "kill::child"])
        .env(FILE, path)
        .env(KIND, kind)
        .stdout(Stdio::null())
        .stderr(Stdio::inherit())
        .spawn()
        .unwrap()
}

/// Kills the program again and again until it ends by itself; how often, and the file's bytes.
fn killed(folder: &Folder, name: &str, mut wait: impl FnMut() -> Duration) -> (u32, Vec<u8>) {
    let path = folder.0.join("killed.safetensors");
    let begun = Instant::now();
    let mut kills = 0;
    loop {
        let mut child = start(&path, name);
        let end = Instant::now() + wait();
        let status = loop {
            if let Some(status) = child.try_wait().unwrap() {
                break Some(status);
            }
            if Instant::now() >= end {
                break None;
            }
            std::thread::sleep(Duration::from_millis(1));
        };
        match status {
            Some(status) => {
                assert!(status.success(), "{name}: {status}");
                return (kills, std::fs::read(&path).unwrap());
            }
            None => {
                // SIGKILL, where there are signals.
                child.kill().unwrap();
                child.wait().unwrap();
                kills += 1;
            }
        }
        assert!(
            begun.elapsed() < Duration::from_secs(200),
            "{name}: never ends"
        );
    }
}

/// Whatever moment it is killed at (most lie within a step or while the file is written), a run ends with the bits of one that was left alone.
#[test]
fn a_killed_run_ends_with_the_same_bits() {
    for name in ["default", "own", "sampler"] {
        let folder = Folder::new(name);
        let whole = folder.0.join("whole.safetensors");
        let begun = Instant::now();
        assert!(start(&whole, name).wait().unwrap().success());
        let alone = begun.elapsed();
        let want = std::fs::read(&whole).unwrap();
        // Moments that differ from run to run; a process that was killed before its first step is given more time, so that it ends.
        let mut seed = std::time::SystemTime::now()
            .duration_since(std::time::UNIX_EPOCH)
            .unwrap()
            .subsec_nanos() as u64;
        let mut least = 1.0f64;
        let mut kills = 0;
        // A machine that is faster than it was a moment ago lets a run end early: then there is another.
        for _ in 0..20 {
            let (more, got) = killed(&folder, name, || {
                seed = seed.wrapping_mul(6_364_136_223_846_793_005).wrapping_add(1);
                least *= 1.15;
                let part = (seed >> 40) as f64 / f64::from(1 << 24);
                alone.mul_f64((0.02 * least + 0.25 * part).min(3.0))
            });
            assert!(got == want, "{name}: other bits after {more} kills");
            kills += more;
            if kills >= 3 {
                break;
            }
            least = 1.0;
            std::fs::remove_file(folder.0.join("killed.safetensors")).unwrap();
        }
        assert!(kills >= 3, "{name}: killed {kills} times in {alone:?}");
        // What killed processes had begun to write is gone.
        assert_eq!(folder.names(), ["killed.safetensors", "whole.safetensors"]);
    }
}

/// Of every step of a run: whoever goes on from there ends the same.
#[test]
fn every_step_is_a_place_to_go_on_from() -> Result<()> {
    let _alone = super::alone();
    let folder = Folder::new("every");
    let path = folder.0.join("step.safetensors");
    for kind in [Kind::Default, Kind::Own, Kind::Sampler] {
        let bits = |run: &mut Run, data: &super::run::Data| -> Result<Vec<u8>> {
            run.parts(data).save(&path)?;
            Ok(std::fs::read(&path).unwrap())
        };
        let data = loader(kind, 23)?;
        let mut run = Run::new(4)?;
        run.train(&data, 3, None)?;
        let want = bits(&mut run, &data)?;
        // An epoch has 5 batches, the last of 3 samples; the end of an epoch is a place too.
        for stop in 0..=15 {
            let data = loader(kind, 23)?;
            let mut run = Run::new(4)?;
            let saved = run.stopped(&data, stop, &path);
            assert!(saved?, "{kind:?}, {stop}");
            let data = loader(kind, 23)?;
            let mut again = Run::new(4)?;
            assert!(again.parts(&data).resume(&path)?);
            assert_eq!(again.losses.len(), stop, "{kind:?}");
            again.train(&data, 3, None)?;
            assert!(
                bits(&mut again, &data)? == want,
                "{kind:?}, from step {stop}"
            );
        }
    }
    Ok(())
}
