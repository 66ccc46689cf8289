//! Deflate undone (RFC 1951).
//!
//! What comes out grows as it is read and never beyond what the archive says that it is.

use crate::core::fail::{bail, error};
use crate::{Error, Result};

/// Bits of a stream, the lowest of each byte first.
struct Bits<'a> {
    bytes: &'a [u8],
    at: usize,
    held: u64,
    count: u32,
}

fn broken() -> Error {
    error!(Io, "compressed bytes are broken")
}

impl Bits<'_> {
    fn take(&mut self, n: u32) -> Result<u32> {
        while self.count < n {
            let byte = *self.bytes.get(self.at).ok_or_else(broken)?;
            self.at += 1;
            self.held |= u64::from(byte) << self.count;
            self.count += 8;
        }
        let value = self.held & ((1 << n) - 1);
        self.held >>= n;
        self.count -= n;
        Ok(value as u32)
    }

    /// Goes to the next whole byte.
    fn align(&mut self) {
        self.held >>= self.count % 8;
        self.count -= self.count % 8;
    }
}

/// A code by how many symbols there are of each length, and the symbols in order.
struct Code {
    counts: [u16; 16],
    symbols: Vec<u16>,
}

impl Code {
    fn new(lengths: &[u8]) -> Result<Code> {
        let mut counts = [0u16; 16];
        lengths.iter().for_each(|&n| counts[usize::from(n)] += 1);
        counts[0] = 0;
        let mut left = 1i32;
        for &n in &counts[1..] {
            left = 2 * left - i32::from(n);
            if left < 0 {
                return Err(broken());
            }
        }
        let mut symbols: Vec<u16> = (0..lengths.len() as u16).collect();
        symbols.retain(|&s| lengths[usize::from(s)] > 0);
        symbols.sort_by_key(|&s| lengths[usize::from(s)]);
        Ok(Code { counts, symbols })
    }

    fn read(&self, bits: &mut Bits<'_>) -> Result<usize> {
        let (mut code, mut first, mut index) = (0i32, 0i32, 0i32);
        for &count in &self.counts[1..] {
            code |= bits.take(1)? as i32;
            let count = i32::from(count);
            if code - count < first {
                let at = (index + code - first) as usize;
                return self
                    .symbols
                    .get(at)
                    .map(|&s| usize::from(s))
                    .ok_or_else(broken);
            }
            index += count;
            first = (first + count) << 1;
            code <<= 1;
        }
        Err(broken())
    }
}

const LENGTHS: [(u16, u8); 29] = {
    let mut all = [(0, 0); 29];
    let (mut k, mut base) = (0, 3);
    while k < 28 {
        let extra = if k < 8 { 0 } else { (k / 4 - 1) as u8 };
        all[k] = (base, extra);
        base += 1 << extra;
        k += 1;
    }
    all[28] = (258, 0);
    all
};

const DISTANCES: [(u16, u8); 30] = {
    let mut all = [(0, 0); 30];
    let (mut k, mut base) = (0, 1);
    while k < 30 {
        let extra = if k < 4 { 0 } else { (k / 2 - 1) as u8 };
        all[k] = (base, extra);
        base += 1u16 << extra;
        k += 1;
    }
    all
};

/// The codes of a block that brings its own.
fn own_codes(bits: &mut Bits<'_>) -> Result<(Code, Code)> {
    const ORDER: [usize; 19] = [
        16, 17, 18, 0, 8, 7, 9, 6, 10, 5, 11, 4, 12, 3, 13, 2, 14, 1, 15,
    ];
    let literals = bits.take(5)? as usize + 257;
    let distances = bits.take(5)? as usize + 1;
    let count = bits.take(4)? as usize + 4;
    if literals > 286 || distances > 30 {
        return Err(broken());
    }
    let mut lengths = [0u8; 19];
    for &place in &ORDER[..count] {
        lengths[place] = bits.take(3)? as u8;
    }
    let code = Code::new(&lengths)?;
    let mut all: Vec<u8> = Vec::new();
    while all.len() < literals + distances {
        let (value, times) = match code.read(bits)? {
            16 => (*all.last().ok_or_else(broken)?, 3 + bits.take(2)?),
            17 => (0, 3 + bits.take(3)?),
            18 => (0, 11 + bits.take(7)?),
            length => (length as u8, 1),
        };
        all.extend(std::iter::repeat_n(value, times as usize));
    }
    if all.len() > literals + distances {
        return Err(broken());
    }
    let (first, second) = all.split_at(literals);
    Ok((Code::new(first)?, Code::new(second)?))
}

/// The codes of a block that brings none.
fn fixed_codes() -> Result<(Code, Code)> {
    let length = |s: usize| match s {
        0..144 => 8,
        144..256 => 9,
        256..280 => 7,
        _ => 8,
    };
    let literals: Vec<u8> = (0..288).map(length).collect();
    Ok((Code::new(&literals)?, Code::new(&[5; 30])?))
}

/// Literals and repetitions up to the block's end.
fn block(
    bits: &mut Bits<'_>,
    (literals, distances): (Code, Code),
    out: &mut Vec<u8>,
    most: u64,
) -> Result<()> {
    loop {
        let symbol = literals.read(bits)?;
        if symbol == 256 {
            return Ok(());
        }
        if out.len() as u64 >= most {
            return Err(broken());
        }
        if symbol < 256 {
            out.push(symbol as u8);
            continue;
        }
        let &(base, extra) = LENGTHS.get(symbol - 257).ok_or_else(broken)?;
        let length = usize::from(base) + bits.take(u32::from(extra))? as usize;
        let &(base, extra) = DISTANCES.get(distances.read(bits)?).ok_or_else(broken)?;
        let distance = usize::from(base) + bits.take(u32::from(extra))? as usize;
        if distance > out.len() || (out.len() + length) as u64 > most {
            return Err(broken());
        }
        for _ in 0..length {
            out.push(out[out.len() - distance]);
        }
    }
}

/// The bytes that were deflated; at most `most`.
///
/// # Errors
/// For bytes that are none, or more than `most`.
pub(super) fn inflate(bytes: &[u8], most: u64) -> Result<Vec<u8>> {
    let mut bits = Bits {
        bytes,
        at: 0,
        held: 0,
        count: 0,
    };
    let mut out = Vec::new();
    loop {
        let last = bits.take(1)? == 1;
        match bits.take(2)? {
            0 => {
                bits.align();
                let (length, check) = (bits.take(16)?, bits.take(16)?);
                if length != !check & 0xffff || out.len() as u64 + u64::from(length) > most {
                    return Err(broken());
                }
                for _ in 0..length {
                    out.push(bits.take(8)? as u8);
                }
            }
            1 => block(&mut bits, fixed_codes()?, &mut out, most)?,
            2 => {
                let codes = own_codes(&mut bits)?;
                block(&mut bits, codes, &mut out, most)?;
            }
            _ => bail!(Io, "compressed bytes are broken"),
        }
        if last {
            return Ok(out);
        }
    }
}
