//! Inputs changed as files get broken and as attackers break them: bits, lengths, cuts, pieces of others.

/// Numbers of a stream that a seed begins.
pub(crate) struct Stream(u64);

impl Stream {
    pub(crate) fn new(seed: u64) -> Stream {
        Stream(seed ^ 0x9e37_79b9_7f4a_7c15)
    }

    pub(crate) fn next(&mut self) -> u64 {
        // SplitMix64.
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let x = (self.0 ^ self.0 >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        let x = (x ^ x >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        x ^ x >> 31
    }

    /// One below `n`, or 0.
    pub(crate) fn below(&mut self, n: usize) -> usize {
        (self.next() % n.max(1) as u64) as usize
    }
}

/// Numbers at which readers go wrong.
const EDGES: [u64; 16] = [
    0,
    1,
    2,
    7,
    0x7f,
    0x80,
    0xff,
    0x100,
    0x7fff,
    0xffff,
    0x7fff_ffff,
    0xffff_ffff,
    1 << 32,
    1 << 40,
    i64::MAX as u64,
    u64::MAX,
];

/// Words that mean something to one of the readers.
const WORDS: [&[u8]; 22] = [
    b"[",
    b"]",
    b"{",
    b"}",
    b"\"",
    b"\\u",
    b",",
    b"(",
    b")",
    b"PK\x01\x02",
    b"PK\x03\x04",
    b"PK\x05\x06",
    b"PK\x06\x06",
    b"data_offsets",
    b"dtype",
    b"-1",
    b"18446744073709551615",
    b"1e999",
    b"q\0",
    b"h\0",
    b"R",
    b"\r\n",
];

/// Changes bytes in one way.
fn once(bytes: &mut Vec<u8>, others: &[Vec<u8>], s: &mut Stream) {
    let n = bytes.len();
    let at = s.below(n);
    match s.below(11) {
        0 if n > 0 => bytes[at] ^= 1 << s.below(8),
        1 if n > 0 => bytes[at] = s.next() as u8,
        2 => bytes.truncate(at),
        3 => {
            let end = (at + 1 + s.below(16)).min(n);
            bytes.drain(at..end);
        }
        4 | 5 if n > 0 => {
            // A number, of either order of bytes.
            let (width, x) = (1 << s.below(4), EDGES[s.below(EDGES.len())]);
            let mut x = x.to_le_bytes()[..width].to_vec();
            if s.below(4) == 0 {
                x.reverse();
            }
            let end = (at + width).min(n);
            bytes[at..end].copy_from_slice(&x[..end - at]);
        }
        6 => {
            let word = WORDS[s.below(WORDS.len())];
            bytes.splice(at..at, word.iter().copied());
        }
        7 if n > 0 => {
            // A piece once more.
            let end = (at + 1 + s.below(64)).min(n);
            let piece = bytes[at..end].to_vec();
            let to = s.below(n);
            let times = 1 + s.below(8);
            bytes.splice(to..to, piece.repeat(times));
        }
        8 => {
            // A piece of another.
            let other = &others[s.below(others.len())];
            let from = s.below(other.len());
            let end = (from + 1 + s.below(64)).min(other.len());
            bytes.splice(at..at, other[from..end].iter().copied());
        }
        9 if n > 0 && bytes[at].is_ascii_digit() => bytes[at] = b'0' + s.below(10) as u8,
        _ if n > 0 => {
            let to = s.below(n);
            bytes.swap(at, to);
        }
        _ => bytes.push(s.next() as u8),
    }
}

/// One of the inputs, changed a few times.
pub(crate) fn changed(corpus: &[Vec<u8>], s: &mut Stream) -> Vec<u8> {
    let mut bytes = corpus[s.below(corpus.len())].clone();
    for _ in 0..=s.below(6) {
        once(&mut bytes, corpus, s);
    }
    // Inputs that only grow would only be slow.
    bytes.truncate(1 << 16);
    bytes
}
