//! Archives written, front to back: every file as it is, with its check sum; the directory last.

use super::{CENTRAL, END, END64, LOCAL, LOCATOR64, crc32};
use crate::Result;
use crate::core::fail::error;
use crate::io::atomic::put;
use std::io::Write;

/// An archive while it is written.
pub(in crate::io) struct Writer<'w> {
    out: &'w mut dyn Write,
    /// How many bytes were written.
    at: u64,
    /// The directory, which stands at the end.
    central: Vec<u8>,
    count: u64,
    align: u64,
}

/// A number in the place of one that has no room there.
const WIDE: u64 = u32::MAX as u64;

/// As much of a number as 32 bits hold, or the sign that it stands elsewhere.
fn narrow(n: u64) -> [u8; 4] {
    (n.min(WIDE) as u32).to_le_bytes()
}

/// The extra field of numbers of 64 bits.
fn wide(numbers: &[u64]) -> Vec<u8> {
    if numbers.is_empty() {
        return Vec::new();
    }
    let mut out = vec![1, 0];
    out.extend((8 * numbers.len() as u16).to_le_bytes());
    numbers.iter().for_each(|n| out.extend(n.to_le_bytes()));
    out
}

/// What the line of a file says in both of its places.
struct Head<'n> {
    name: &'n str,
    crc: u32,
    size: u64,
    at: u64,
}

impl Head<'_> {
    /// From the version that is needed to the length of the extra field.
    fn shared(&self, version: u16, extra: usize) -> Vec<u8> {
        let mut out = Vec::new();
        // The first of January 1980, which is the earliest there is: the same tensors are the same bytes.
        for half in [version, 1 << 11, 0, 0, 1 << 5 | 1] {
            out.extend(half.to_le_bytes());
        }
        out.extend(self.crc.to_le_bytes());
        out.extend(narrow(self.size));
        out.extend(narrow(self.size));
        out.extend((self.name.len() as u16).to_le_bytes());
        out.extend((extra as u16).to_le_bytes());
        out
    }

    /// What stands before the file, whose bytes begin at a multiple of `align`.
    fn local(&self, align: u64) -> Vec<u8> {
        let big = self.size >= WIDE;
        let mut extra = if big {
            wide(&[self.size; 2])
        } else {
            Vec::new()
        };
        if align > 1 {
            // PyTorch's own field of nothing.
            let start = self.at + 30 + self.name.len() as u64 + extra.len() as u64 + 4;
            let fill = (start.next_multiple_of(align) - start) as u16;
            extra.extend(*b"FB");
            extra.extend(fill.to_le_bytes());
            extra.extend(std::iter::repeat_n(b'Z', usize::from(fill)));
        }
        let mut out = LOCAL.to_le_bytes().to_vec();
        out.extend(self.shared(if big { 45 } else { 20 }, extra.len()));
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }

    /// The file's line in the directory.
    fn central(&self) -> Vec<u8> {
        let mut numbers = Vec::new();
        if self.size >= WIDE {
            numbers.extend([self.size; 2]);
        }
        if self.at >= WIDE {
            numbers.push(self.at);
        }
        let extra = wide(&numbers);
        let version = if extra.is_empty() { 20u16 } else { 45 };
        let mut out = CENTRAL.to_le_bytes().to_vec();
        out.extend(version.to_le_bytes());
        out.extend(self.shared(version, extra.len()));
        out.extend([0; 10]);
        out.extend(narrow(self.at));
        out.extend(self.name.as_bytes());
        out.extend(extra);
        out
    }
}

/// What ends an archive: its directory has `size` bytes from `at` on.
fn end(count: u64, size: u64, at: u64) -> Vec<u8> {
    let mut out = Vec::new();
    if count >= 0xffff || size >= WIDE || at >= WIDE {
        out.extend(END64.to_le_bytes());
        out.extend(44u64.to_le_bytes());
        out.extend([45, 0, 45, 0]);
        out.extend([0; 8]);
        for n in [count, count, size, at] {
            out.extend(n.to_le_bytes());
        }
        out.extend(LOCATOR64.to_le_bytes());
        out.extend([0; 4]);
        out.extend((at + size).to_le_bytes());
        out.extend(1u32.to_le_bytes());
    }
    out.extend(END.to_le_bytes());
    out.extend([0; 4]);
    for _ in 0..2 {
        out.extend((count.min(0xffff) as u16).to_le_bytes());
    }
    out.extend(narrow(size));
    out.extend(narrow(at));
    out.extend([0; 2]);
    out
}

impl<'w> Writer<'w> {
    pub(in crate::io) fn new(out: &'w mut dyn Write) -> Writer<'w> {
        Writer::aligned(out, 1)
    }

    /// With files that begin at multiples of so many bytes.
    pub(in crate::io) fn aligned(out: &'w mut dyn Write, align: u64) -> Writer<'w> {
        Writer {
            out,
            at: 0,
            central: Vec::new(),
            count: 0,
            align,
        }
    }

    fn put(&mut self, bytes: &[u8]) -> Result<()> {
        self.at += bytes.len() as u64;
        put(self.out, bytes)
    }

    /// Adds a file.
    ///
    /// # Errors
    /// Those of writing; for a name of more than 65535 bytes.
    pub(in crate::io) fn add(&mut self, name: &str, bytes: &[u8]) -> Result<()> {
        if u16::try_from(name.len()).is_err() {
            return Err(error!(
                Value,
                "a name of {} bytes has no place in an archive",
                name.len()
            ));
        }
        let head = Head {
            name,
            crc: crc32(bytes),
            size: bytes.len() as u64,
            at: self.at,
        };
        self.central.extend(head.central());
        self.count += 1;
        let local = head.local(self.align);
        self.put(&local)?;
        self.put(bytes)
    }

    /// Writes the directory.
    ///
    /// # Errors
    /// Those of writing.
    pub(in crate::io) fn finish(mut self) -> Result<()> {
        let (at, central) = (self.at, std::mem::take(&mut self.central));
        self.put(&central)?;
        let end = end(self.count, central.len() as u64, at);
        self.put(&end)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::io::zip::Archive;

    /// Numbers beyond 32 bits, as Python's `zipfile` writes them.
    #[test]
    fn large_archives_have_wide_numbers() {
        let head = Head {
            name: "a",
            crc: 7,
            size: 5 << 32,
            at: 6 << 32,
        };
        let local = head.local(1);
        assert_eq!(&local[18..26], [0xff; 8]);
        assert_eq!(&local[26..30], [1, 0, 20, 0]);
        assert_eq!(&local[31..35], [1, 0, 16, 0]);
        assert_eq!(local[35..43], (5u64 << 32).to_le_bytes());
        assert_eq!(local[43..51], (5u64 << 32).to_le_bytes());
        let central = head.central();
        assert_eq!(&central[20..28], [0xff; 8]);
        assert_eq!(&central[42..46], [0xff; 4]);
        assert_eq!(&central[47..51], [1, 0, 24, 0]);
        assert_eq!(central[67..75], (6u64 << 32).to_le_bytes());
        assert_eq!(central.len(), 75);
        let end = end(70_000, 3 << 32, 9 << 32);
        assert_eq!(end.len(), 56 + 20 + 22);
        assert_eq!(end[24..32], 70_000u64.to_le_bytes());
        assert_eq!(end[48..56], (9u64 << 32).to_le_bytes());
        assert_eq!(end[64..72], (12u64 << 32).to_le_bytes());
    }

    /// As many files as need a directory of the wide kind, both ways.
    #[test]
    fn many_files_go_both_ways() -> Result<()> {
        let mut bytes = Vec::new();
        let mut archive = Writer::new(&mut bytes);
        for i in 0..66_000u32 {
            archive.add(&i.to_string(), &i.to_le_bytes()[..1])?;
        }
        archive.finish()?;
        let archive = Archive::open(&bytes)?;
        assert_eq!(archive.entries().len(), 66_000);
        let last = archive.entries().last().unwrap();
        assert_eq!((&*last.name, &*archive.read(last)?), ("65999", &[207][..]));
        // The same with a place that says nothing.
        let at = bytes.len() - 22 - 20 + 8;
        bytes[at..at + 8].copy_from_slice(&u64::MAX.to_le_bytes());
        assert!(Archive::open(&bytes).is_err());
        Ok(())
    }

    #[test]
    fn files_begin_where_they_are_asked_to() -> Result<()> {
        let mut bytes = Vec::new();
        let mut archive = Writer::aligned(&mut bytes, 64);
        for (i, name) in ["a", "bc", "def/g"].into_iter().enumerate() {
            archive.add(name, &[b'0' + i as u8; 37])?;
        }
        archive.finish()?;
        for byte in *b"012" {
            let at = bytes.windows(37).position(|w| w == [byte; 37]).unwrap();
            assert_eq!(at % 64, 0);
        }
        assert_eq!(Archive::open(&bytes)?.entries().len(), 3);
        Ok(())
    }
}
