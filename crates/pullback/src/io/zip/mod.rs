//! Zip archives: written stored, read stored or deflated, up to 4 GiB.

mod inflate;

use crate::core::fail::{bail, ensure, error};
use crate::{Error, Result};
use std::borrow::Cow;

/// The check sum of zip: CRC-32.
fn crc32(bytes: &[u8]) -> u32 {
    const TABLE: [u32; 256] = {
        let mut table = [0; 256];
        let mut i = 0;
        while i < 256 {
            let (mut c, mut k) = (i as u32, 0);
            while k < 8 {
                c = if c & 1 == 1 {
                    0xedb8_8320 ^ c >> 1
                } else {
                    c >> 1
                };
                k += 1;
            }
            table[i] = c;
            i += 1;
        }
        table
    };
    !(bytes.iter()).fold(!0, |c, &b| {
        TABLE[((c ^ u32::from(b)) & 0xff) as usize] ^ c >> 8
    })
}

const LOCAL: u32 = 0x0403_4b50;
const CENTRAL: u32 = 0x0201_4b50;
const END: u32 = 0x0605_4b50;

/// An archive while it is written.
#[derive(Default)]
pub(super) struct Writer {
    out: Vec<u8>,
    /// The directory, which stands at the end.
    central: Vec<u8>,
    count: u16,
}

fn small<T: TryFrom<usize>>(n: usize) -> Result<T> {
    T::try_from(n).map_err(|_| {
        error!(
            Unsupported,
            "an archive of more than 4 GiB or 65535 files is not written: use safetensors"
        )
    })
}

impl Writer {
    /// Adds a file.
    ///
    /// # Errors
    /// Beyond 4 GiB.
    pub(super) fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        let (at, size): (u32, u32) = (small(self.out.len())?, small(bytes.len())?);
        let length: u16 = small(name.len())?;
        self.count = small(usize::from(self.count) + 1)?;
        // The first of January 1980, which is the earliest there is: the same tensors are the same bytes.
        let mut shared = Vec::new();
        for half in [20u16, 1 << 11, 0, 0, 1 << 5 | 1] {
            shared.extend(half.to_le_bytes());
        }
        for word in [crc32(bytes), size, size] {
            shared.extend(word.to_le_bytes());
        }
        shared.extend(length.to_le_bytes());
        shared.extend(0u16.to_le_bytes());
        self.out.extend(LOCAL.to_le_bytes());
        self.out.extend(&shared);
        self.out.extend(name.as_bytes());
        self.out.extend(bytes);
        self.central.extend(CENTRAL.to_le_bytes());
        self.central.extend(20u16.to_le_bytes());
        self.central.extend(&shared);
        self.central.extend([0; 10]);
        self.central.extend(at.to_le_bytes());
        self.central.extend(name.as_bytes());
        Ok(())
    }

    /// The archive's bytes.
    ///
    /// # Errors
    /// Beyond 4 GiB.
    pub(super) fn finish(mut self) -> Result<Vec<u8>> {
        let (at, size): (u32, u32) = (small(self.out.len())?, small(self.central.len())?);
        self.out.append(&mut self.central);
        self.out.extend(END.to_le_bytes());
        self.out.extend([0; 4]);
        for half in [self.count; 2] {
            self.out.extend(half.to_le_bytes());
        }
        for word in [size, at] {
            self.out.extend(word.to_le_bytes());
        }
        self.out.extend([0; 2]);
        Ok(self.out)
    }
}

/// A file in an archive.
#[derive(Debug)]
pub(super) struct Entry {
    pub(super) name: String,
    method: u16,
    crc: u32,
    stored: u64,
    size: u64,
    at: u64,
}

/// An archive that is read.
pub(super) struct Archive<'a> {
    file: &'a [u8],
    entries: Vec<Entry>,
}

fn cut() -> Error {
    error!(Io, "the archive ends in the middle")
}

/// Little-endian numbers at a place.
fn number<const N: usize>(file: &[u8], at: usize) -> Result<u64> {
    let bytes = at
        .checked_add(N)
        .and_then(|end| file.get(at..end))
        .ok_or_else(cut)?;
    Ok(bytes.iter().rev().fold(0, |n, &b| n << 8 | u64::from(b)))
}

/// Sizes that have no room in 32 bits stand in an extra field; they are given here in its order.
fn widened(extra: &[u8], values: [&mut u64; 3]) -> Result<()> {
    let mut at = 0;
    while at + 4 <= extra.len() {
        let (id, length) = (
            number::<2>(extra, at)?,
            number::<2>(extra, at + 2)? as usize,
        );
        if id == 1 {
            let mut from = at + 4;
            for value in values {
                if *value == u64::from(u32::MAX) {
                    *value = number::<8>(extra, from)?;
                    from += 8;
                }
            }
            return Ok(());
        }
        at += 4 + length;
    }
    Ok(())
}

impl<'a> Archive<'a> {
    /// Reads an archive's directory.
    ///
    /// # Errors
    /// For bytes that are no archive.
    pub(super) fn open(file: &'a [u8]) -> Result<Archive<'a>> {
        // The end stands before a comment of at most 65535 bytes.
        let earliest = file.len().saturating_sub(22 + 65_535);
        let end = (earliest..file.len().saturating_sub(21))
            .rev()
            .find(|&at| file[at..at + 4] == END.to_le_bytes());
        let Some(end) = end else {
            bail!(Io, "the file is no zip archive");
        };
        let (count, mut at) = (
            number::<2>(file, end + 10)?,
            number::<4>(file, end + 16)? as usize,
        );
        ensure!(
            count != 0xffff && at != u32::MAX as usize,
            Unsupported,
            "archives of more than 65535 files or 4 GiB are not read"
        );
        let mut entries = Vec::new();
        for _ in 0..count {
            ensure!(
                number::<4>(file, at)? == u64::from(CENTRAL),
                Io,
                "the archive's directory is broken at byte {at}"
            );
            let field = |k: usize| number::<2>(file, at + k).map(|n| n as usize);
            let [name, extra, comment] = [field(28)?, field(30)?, field(32)?];
            let part = |from: usize, n: usize| file.get(from..from + n).ok_or_else(cut);
            let mut entry = Entry {
                name: String::from_utf8_lossy(part(at + 46, name)?).into_owned(),
                method: number::<2>(file, at + 10)? as u16,
                crc: number::<4>(file, at + 16)? as u32,
                stored: number::<4>(file, at + 20)?,
                size: number::<4>(file, at + 24)?,
                at: number::<4>(file, at + 42)?,
            };
            let encrypted = field(8)? & 1 == 1;
            ensure!(!encrypted, Unsupported, "`{}` is encrypted", entry.name);
            let Entry {
                stored,
                size,
                at: place,
                ..
            } = &mut entry;
            widened(part(at + 46 + name, extra)?, [size, stored, place])?;
            entries.push(entry);
            at += 46 + name + extra + comment;
        }
        Ok(Archive { file, entries })
    }

    /// The files, in the directory's order.
    pub(super) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// Where the archive is broken there, or compressed in a way that is not known.
    pub(super) fn read(&self, entry: &Entry) -> Result<Cow<'a, [u8]>> {
        let at = usize::try_from(entry.at).map_err(|_| cut())?;
        ensure!(
            number::<4>(self.file, at)? == u64::from(LOCAL),
            Io,
            "there is no file at byte {at} of the archive"
        );
        let [name, extra] = [
            number::<2>(self.file, at + 26)?,
            number::<2>(self.file, at + 28)?,
        ];
        let start = at + 30 + (name + extra) as usize;
        let stored = usize::try_from(entry.stored)
            .ok()
            .and_then(|n| n.checked_add(start));
        let bytes = stored
            .and_then(|end| self.file.get(start..end))
            .ok_or_else(cut)?;
        let bytes = match entry.method {
            0 => Cow::Borrowed(bytes),
            8 => Cow::Owned(inflate::inflate(bytes, entry.size)?),
            other => bail!(Unsupported, "a file is compressed by method {other} of zip"),
        };
        ensure!(
            bytes.len() as u64 == entry.size && crc32(&bytes) == entry.crc,
            Io,
            "the check sum of a file in the archive is wrong"
        );
        Ok(bytes)
    }
}
