//! Zip archives, also of more than 4 GiB: written stored, read stored or deflated.

mod inflate;
mod read;
mod write;

pub(super) use read::Archive;
pub(super) use write::Writer;

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

/// What stands before a file.
const LOCAL: u32 = 0x0403_4b50;
/// What stands before a file's line in the directory.
const CENTRAL: u32 = 0x0201_4b50;
/// What stands before the end.
const END: u32 = 0x0605_4b50;
/// As the end, for numbers of 64 bits.
const END64: u32 = 0x0606_4b50;
/// What says where that is.
const LOCATOR64: u32 = 0x0706_4b50;
