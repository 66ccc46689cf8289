//! Archives read: the directory at the end, the files it names, stored or deflated.
//!
//! Files must lie apart from each other, so that what is read of an archive is no more than a constant times its length.

use super::{CENTRAL, END, END64, LOCAL, LOCATOR64, crc32, inflate};
use crate::core::fail::{bail, ensure, error};
use crate::{Error, Result};
use std::borrow::Cow;

/// A file in an archive.
#[derive(Debug)]
pub(in crate::io) struct Entry {
    pub(in crate::io) name: String,
    method: u16,
    crc: u32,
    stored: u64,
    size: u64,
    at: u64,
}

/// An archive that is read.
pub(in crate::io) struct Archive<'a> {
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

/// How many files there are, and how long the directory is and where: from the end of an archive, of either size.
fn ended(file: &[u8], end: usize) -> Result<(u64, u64, u64)> {
    let small = (
        number::<2>(file, end + 10)?,
        number::<4>(file, end + 12)?,
        number::<4>(file, end + 16)?,
    );
    let locator = end.checked_sub(20);
    let locator = locator.filter(|&at| file[at..at + 4] == LOCATOR64.to_le_bytes());
    let (count, size, place, before) = match locator {
        None => (small.0, small.1, small.2, end),
        Some(at) => {
            let wide = number::<8>(file, at + 8)?;
            let wide = usize::try_from(wide).map_err(|_| cut())?;
            ensure!(
                number::<4>(file, wide)? == u64::from(END64),
                Io,
                "the archive's end is broken"
            );
            let field = |k: usize| number::<8>(file, wide.checked_add(k).ok_or_else(cut)?);
            (field(32)?, field(40)?, field(48)?, wide)
        }
    };
    let inside = place.checked_add(size).is_some_and(|n| n <= before as u64);
    ensure!(
        inside && count.checked_mul(46).is_some_and(|n| n <= size),
        Io,
        "the archive's directory contradicts itself"
    );
    Ok((count, size, place))
}

/// Errors where two files share bytes, or one reaches into the directory.
fn apart(entries: &[Entry], directory: u64) -> Result<()> {
    let mut places: Vec<(u64, u64)> = entries.iter().map(|e| (e.at, e.stored)).collect();
    places.sort_unstable();
    let ends = places.iter().skip(1).map(|p| p.0).chain([directory]);
    for (&(at, stored), next) in places.iter().zip(ends) {
        let end = at.checked_add(30).and_then(|n| n.checked_add(stored));
        ensure!(
            end.is_some_and(|end| end <= next),
            Io,
            "files of the archive overlap, or lie outside of it"
        );
    }
    Ok(())
}

impl Entry {
    /// Whether its bytes stand in the archive as they are.
    #[cfg(feature = "pt")]
    pub(in crate::io) fn is_stored(&self) -> bool {
        self.method == 0
    }
}

impl<'a> Archive<'a> {
    /// Reads an archive's directory.
    ///
    /// # Errors
    /// For bytes that are no archive.
    pub(in crate::io) fn open(file: &'a [u8]) -> Result<Archive<'a>> {
        // The end stands before a comment of at most 65535 bytes.
        let earliest = file.len().saturating_sub(22 + 65_535);
        let end = (earliest..file.len().saturating_sub(21))
            .rev()
            .find(|&at| file[at..at + 4] == END.to_le_bytes());
        let Some(end) = end else {
            bail!(Io, "the file is no zip archive");
        };
        let (count, size, place) = ended(file, end)?;
        let directory = place as usize;
        let mut at = directory;
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
        ensure!(
            (at - directory) as u64 <= size,
            Io,
            "the archive's directory is longer than the archive says"
        );
        apart(&entries, place)?;
        Ok(Archive { file, entries })
    }

    /// The files, in the directory's order.
    pub(in crate::io) fn entries(&self) -> &[Entry] {
        &self.entries
    }

    /// A file's bytes.
    ///
    /// # Errors
    /// Where the archive is broken there, or compressed in a way that is not known.
    pub(in crate::io) fn read(&self, entry: &Entry) -> Result<Cow<'a, [u8]>> {
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
        ensure!(
            (self.file.get(at + 30..at + 30 + name as usize))
                .is_some_and(|own| String::from_utf8_lossy(own) == *entry.name),
            Io,
            "a file of the archive is not where its directory says"
        );
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
