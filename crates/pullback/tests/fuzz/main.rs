//! Every reader of files against files that are broken in ways nobody thought of: no panic, no end of the process, no memory that the file does not pay for, no
//! two seconds.
//!
//! As a test, up to 3000 changed files each, from a fixed seed. `cargo xtask fuzz --seconds N` goes on for so long each, from a seed of the clock
//! (`PULLBACK_FUZZ_SECONDS`, `PULLBACK_FUZZ_SEED`). What breaks a reader is put under `target/tmp/fuzz`; mended, it goes to `tests/golden/fuzz/READER`.

mod mutate;
#[path = "../io/pickles.rs"]
mod pickles;
mod readers;

use mutate::{Stream, changed};
use readers::{Reader, readers};
use std::collections::BTreeSet;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant};

/// How many changed files each reader gets in a test, at most.
const ROUNDS: u64 = 3000;
/// After this it may be fewer.
const LONG: Duration = Duration::from_secs(3);
const LONGEST: Duration = Duration::from_secs(2);
/// What reading a file of at most 64 KiB may take of memory at once.
const MOST: u64 = 256 << 20;

/// The most bytes in memory at once so far; none where the system does not say.
fn peak() -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find(|l| l.starts_with("VmHWM:"))?;
    let kilobytes = line.split_whitespace().nth(1)?.parse::<u64>().ok()?;
    Some(kilobytes << 10)
}

fn found_in() -> PathBuf {
    Path::new(env!("CARGO_TARGET_TMPDIR")).join("fuzz")
}

/// Keeps a file that broke a reader, and ends the test with it.
fn broken(reader: &Reader, file: &[u8], seed: u64, what: &str) -> ! {
    let folder = found_in();
    let path = folder.join(format!("{}-{seed:016x}", reader.name));
    let _ = std::fs::create_dir_all(&folder);
    let _ = std::fs::write(&path, file);
    panic!(
        "{} (seed {seed}): {what}; the file is {}",
        reader.name,
        path.display()
    );
}

/// What is read now, for who watches: since when, in milliseconds, and what.
static SINCE: AtomicU64 = AtomicU64::new(0);
static NOW: Mutex<(String, Vec<u8>)> = Mutex::new((String::new(), Vec::new()));

/// Ends the process where a file is read for ever, since nothing else would.
fn watch(begun: Instant) {
    std::thread::spawn(move || {
        loop {
            std::thread::sleep(Duration::from_secs(1));
            let since = SINCE.load(Ordering::Relaxed);
            let now = begun.elapsed().as_millis() as u64;
            if since > 0 && now.saturating_sub(since) > 20_000 {
                let (name, file) = &*NOW.lock().unwrap();
                let path = found_in().join(format!("{name}-for-ever"));
                let _ = std::fs::create_dir_all(found_in());
                let _ = std::fs::write(&path, file);
                eprintln!("{name} reads {} for ever", path.display());
                std::process::abort();
            }
        }
    });
}

/// Reads a file, and gives what the reader said of it.
fn tried(reader: &Reader, file: &[u8], seed: u64, begun: Instant, most: Option<u64>) -> String {
    *NOW.lock().unwrap() = (reader.name.to_string(), file.to_vec());
    SINCE.store(1 + begun.elapsed().as_millis() as u64, Ordering::Relaxed);
    let start = Instant::now();
    let done = catch_unwind(AssertUnwindSafe(|| (reader.read)(file)));
    let took = start.elapsed();
    SINCE.store(0, Ordering::Relaxed);
    let said = match done {
        Err(_) => broken(reader, file, seed, "a panic"),
        Ok(Err(what)) => broken(reader, file, seed, &what),
        Ok(Ok(said)) => said,
    };
    if took > LONGEST {
        broken(reader, file, seed, &format!("{took:?}"));
    }
    if let (Some(most), Some(peak)) = (most, peak())
        && peak > most
    {
        broken(reader, file, seed, &format!("{} MiB of memory", peak >> 20));
    }
    said
}

#[test]
fn no_file_breaks_a_reader() {
    let number = |name: &str| std::env::var(name).ok().and_then(|n| n.parse::<u64>().ok());
    let seconds = number("PULLBACK_FUZZ_SECONDS").map(Duration::from_secs);
    let seed = number("PULLBACK_FUZZ_SEED").unwrap_or(1);
    let only = std::env::var("PULLBACK_FUZZ_READER").ok();
    let folder = std::env::temp_dir().join(format!("pullback-fuzz-{}", std::process::id()));
    std::fs::create_dir_all(&folder).unwrap();
    let begun = Instant::now();
    watch(begun);
    let mut done = 0;
    for (k, reader) in readers(&folder).iter().enumerate() {
        if only.as_ref().is_some_and(|name| name != reader.name) {
            continue;
        }
        done += 1;
        let most = peak().map(|now| now + MOST);
        let start = Instant::now();
        // Ends of all kinds are what says that the changes reach all of the reader.
        let mut ends = BTreeSet::new();
        for file in &reader.corpus {
            ends.insert(tried(reader, file, 0, begun, most));
        }
        assert!(
            ends.contains("read"),
            "{} reads no whole file: {ends:?}",
            reader.name
        );
        let mut count = 0;
        let goes_on = |count: u64| match seconds {
            Some(limit) => start.elapsed() < limit,
            None => count < ROUNDS && (count < 300 || start.elapsed() < LONG),
        };
        while goes_on(count) {
            // Each file has a seed of its own, by which it is made again.
            let seed = seed.wrapping_add(count).wrapping_add((k as u64) << 48);
            let file = changed(&reader.corpus, &mut Stream::new(seed));
            ends.insert(tried(reader, &file, seed, begun, most));
            count += 1;
        }
        let took = start.elapsed();
        println!(
            "{:12} {count:9} files in {took:.1?}, which ended in {} ways",
            reader.name,
            ends.len()
        );
        assert!(ends.len() >= 4, "{}: {ends:?}", reader.name);
    }
    let _ = std::fs::remove_dir_all(&folder);
    assert!(done > 0, "no reader is called {only:?}");
}
