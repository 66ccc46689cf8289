//! A disk on which there is no room: the error names the file, what was there before is there still, and nothing is left beside it.
//!
//! A process whose files may not grow beyond a few blocks stands for it: the write fails in the middle, as it does where a disk is full.

use super::Folder;
use pullback::checkpoint::Checkpoint;
use pullback::nn::{Linear, NamedTensors};
use pullback::{DType, ErrorKind, Result, Tensor, io};
use std::path::{Path, PathBuf};
use std::process::Command;

const PLACE: &str = "PULLBACK_FULL_DISK";

fn tensors(numbers: usize) -> Result<NamedTensors> {
    let all = [
        ("small", Tensor::ones([2], DType::F32)?),
        ("large", Tensor::zeros([numbers], DType::F32)?),
    ];
    Ok(all.into_iter().collect())
}

type Save = fn(&Path, usize) -> Result<()>;

/// Every way to write a file.
const WAYS: [(&str, Save); 6] = [
    ("x.safetensors", |path, n| io::save(path, &tensors(n)?)),
    ("x.npz", |path, n| io::save_npz(path, &tensors(n)?)),
    ("x.npy", |path, n| io::save_npy(path, &tensors(n)?["large"])),
    ("x.pt", |path, n| io::pt::save(path, &tensors(n)?)),
    ("x.bytes", |path, n| {
        io::write_atomically(path, &vec![7; 4 * n])
    }),
    ("x.run", |path, n| {
        let model = Linear::new(n, 1)?;
        let mut step = 3u64;
        Checkpoint::new()
            .module("model", &model)
            .keep("step", &mut step)
            .save(path)
    }),
];

/// What the process with little room does; without its place it is another test's.
#[test]
fn in_a_process_with_little_room() {
    let Ok(place) = std::env::var(PLACE) else {
        return;
    };
    for (name, save) in WAYS {
        let path = PathBuf::from(&place).join(name);
        let e = save(&path, 1 << 20).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Io, "{e}");
        assert!(e.to_string().contains(name), "{e}");
        assert!(e.to_string().contains("cannot write"), "{e}");
    }
}

#[test]
fn a_full_disk_damages_nothing() -> Result<()> {
    let folder = Folder::new("full");
    let mut before = Vec::new();
    for (name, save) in WAYS {
        let path = folder.0.join(name);
        save(&path, 16)?;
        before.push((std::fs::read(&path).unwrap(), path));
    }
    let names = folder.names();
    // Ignored, the signal becomes an error of the write.
    let script = "trap '' XFSZ; ulimit -f 16; exec \"$0\" --exact full::in_a_process_with_little_room --test-threads 1";
    let out = Command::new("sh")
        .arg("-c")
        .arg(script)
        .arg(std::env::current_exe().unwrap())
        .env(PLACE, &folder.0)
        .output()
        .unwrap();
    let said = String::from_utf8_lossy(&out.stdout);
    assert!(
        out.status.success() && said.contains("1 passed"),
        "{said}{}",
        String::from_utf8_lossy(&out.stderr)
    );
    assert_eq!(folder.names(), names);
    for (bytes, path) in before {
        assert_eq!(std::fs::read(&path).unwrap(), bytes, "{path:?}");
    }
    assert_eq!(
        io::load(folder.0.join("x.safetensors"))?["large"].numel(),
        16
    );
    Ok(())
}
