//! ONNX's messages as bytes: the few kinds of fields of protocol buffers that a model is made of.
//!
//! A message is a list of fields; a field begins with a number (its own times 8, plus how it is written) and is an integer of 7 bits a byte, four bytes, or a
//! length and so many bytes. Which numbers ONNX's messages use is in `messages`.

/// The fields of a message, joined.
#[derive(Default)]
pub(super) struct Message(pub(super) Vec<u8>);

impl Message {
    fn number(&mut self, mut n: u64) {
        while n > 0x7f {
            self.0.push(n as u8 | 0x80);
            n >>= 7;
        }
        self.0.push(n as u8);
    }

    /// An integer; one below 0 is written as the 64 bits of its complement.
    pub(super) fn integer(&mut self, field: u64, n: i64) {
        self.number(field << 3);
        self.number(n.cast_unsigned());
    }

    /// A number of single precision.
    pub(super) fn single(&mut self, field: u64, x: f32) {
        self.number(field << 3 | 5);
        self.0.extend(x.to_le_bytes());
    }

    /// Bytes, a text, or the fields of another message.
    pub(super) fn bytes(&mut self, field: u64, content: impl AsRef<[u8]>) {
        let content = content.as_ref();
        self.number(field << 3 | 2);
        self.number(content.len() as u64);
        self.0.extend(content);
    }

    /// Another message.
    pub(super) fn message(&mut self, field: u64, inner: &Message) {
        self.bytes(field, &inner.0);
    }
}
