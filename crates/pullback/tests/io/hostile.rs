//! Files that are cut, changed at random, or claim what they have not: errors, quickly, and never a panic.

use super::{bytes, golden};
use pullback::data::parse_idx;
use pullback::nn::NamedTensors;
use pullback::{DType, Result, Tensor, io};
use std::time::{Duration, Instant};

type Read = fn(&[u8]) -> Result<()>;

/// Every reader with files that it takes.
fn readers() -> Vec<(&'static str, Read, Vec<u8>)> {
    let golden = golden();
    let of = |kind: &str| bytes(golden["npz"][kind].as_str().unwrap());
    let all: NamedTensors = [
        ("a", Tensor::from_slice(&[1.0f32, 2.0], [2]).unwrap()),
        ("b", Tensor::zeros([2, 3], DType::I64).unwrap()),
    ]
    .into_iter()
    .collect();
    let npz: Read = |b| io::parse_npz(b).map(drop);
    let mut idx = vec![0, 0, 8, 3];
    for n in [2u32, 3, 4] {
        idx.extend(n.to_be_bytes());
    }
    idx.extend([7; 24]);
    vec![
        (
            "safetensors",
            |b| io::safetensors::parse(b).map(drop),
            io::safetensors::to_bytes(&all, &[("x", "y")]).unwrap(),
        ),
        (
            "npy",
            |b| io::parse_npy(b).map(drop),
            bytes(golden["npy"][2]["hex"].as_str().unwrap()),
        ),
        ("npz", npz, of("plain")),
        ("npz, compressed", npz, of("compressed")),
        ("npz, own codes", npz, of("noise")),
        ("idx", |b| parse_idx(b).map(drop), idx),
    ]
}

#[test]
fn every_beginning_is_an_error() {
    for (name, read, file) in readers() {
        read(&file).unwrap_or_else(|e| panic!("{name}: {e}"));
        // All of a small file, and some two thousand of a large one.
        for end in (0..file.len()).step_by(1 + file.len() / 2000) {
            assert!(
                read(&file[..end]).is_err(),
                "{name}: {end} of {} bytes",
                file.len()
            );
        }
    }
}

#[test]
fn bytes_changed_at_random_are_never_a_panic() {
    // Numbers of a fixed stream, so that what fails once fails again.
    let mut state = 0x9e37_79b9_7f4a_7c15u64;
    let mut next = move |below: usize| {
        state = state
            .wrapping_mul(6_364_136_223_846_793_005)
            .wrapping_add(1_442_695_040_888_963_407);
        (state >> 33) as usize % below
    };
    for (name, read, file) in readers() {
        let start = Instant::now();
        for _ in 0..4000 {
            let mut changed = file.clone();
            for _ in 0..=next(4) {
                let at = next(changed.len());
                changed[at] = match next(4) {
                    0 => 0xff,
                    1 => 0,
                    2 => changed[at] ^ 1 << next(8),
                    _ => next(256) as u8,
                };
            }
            let _ = read(&changed);
        }
        assert!(
            start.elapsed() < Duration::from_secs(60),
            "{name}: {:?}",
            start.elapsed()
        );
    }
}

/// Sizes that nobody has are compared with the bytes that are there, and nothing is allocated for them.
#[test]
fn claims_are_not_believed() {
    let npy = |shape: &str| {
        let header = format!("{{'descr': '<f8', 'fortran_order': True, 'shape': ({shape}), }}\n");
        [
            b"\x93NUMPY\x01\x00",
            &(header.len() as u16).to_le_bytes()[..],
            header.as_bytes(),
        ]
        .concat()
    };
    for shape in [
        "1000000000000,",
        "18446744073709551615, 2",
        "4294967296, 4294967296",
        "99999999999999999999,",
        "-1,",
    ] {
        let e = io::parse_npy(&npy(shape)).unwrap_err();
        assert!(
            e.message().contains("not made of 0 bytes")
                || e.message().contains("a size of the shape"),
            "{e}"
        );
    }
    // A header of four gigabytes.
    assert!(io::parse_npy(b"\x93NUMPY\x02\x00\xff\xff\xff\xff{}").is_err());
    let idx = [
        0, 0, 0x0e, 4, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255, 255,
        255,
    ];
    assert!(parse_idx(&idx).is_err());
    // What an archive says of the size of a compressed file is the most that comes out of it.
    let mut archive = bytes(golden()["npz"]["compressed"].as_str().unwrap());
    let at = archive.windows(4).position(|w| w == b"PK\x01\x02").unwrap();
    archive[at + 24..at + 28].copy_from_slice(&0xffff_fff0u32.to_le_bytes());
    assert!(io::parse_npz(&archive).is_err());
}
