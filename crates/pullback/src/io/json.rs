//! JSON as headers of files need it: objects, lists, texts and whole numbers, of bounded depth.
//!
//! What is read is a tree that is no larger than a constant times the text. Other numbers, `true`, `false` and `null` are understood and thrown away.

use crate::core::fail::{bail, error};
use crate::{Error, Result};

/// A value.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Json {
    /// Names and values in order; a name may stand twice.
    Object(Vec<(String, Json)>),
    /// Values in order.
    List(Vec<Json>),
    /// A text.
    Text(String),
    /// A whole number that is not negative.
    Number(u64),
    /// Anything else.
    Other,
}

impl Json {
    /// The value of a name.
    pub(super) fn get(&self, name: &str) -> Option<&Json> {
        match self {
            Json::Object(all) => all.iter().find(|(n, _)| n == name).map(|(_, v)| v),
            _ => None,
        }
    }

    /// Whole numbers, if this is a list of such.
    pub(super) fn numbers(&self) -> Option<Vec<u64>> {
        match self {
            Json::List(all) => all.iter().map(Json::number).collect(),
            _ => None,
        }
    }

    /// A whole number.
    pub(super) fn number(&self) -> Option<u64> {
        match self {
            Json::Number(n) => Some(*n),
            _ => None,
        }
    }

    /// A text.
    pub(super) fn text(&self) -> Option<&str> {
        match self {
            Json::Text(text) => Some(text),
            _ => None,
        }
    }
}

/// How deep values nest.
const DEPTH: usize = 16;

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

/// Reads one value, with nothing but white space behind.
///
/// # Errors
/// Where the text is none, with the place.
pub(super) fn parse(text: &str) -> Result<Json> {
    let mut reader = Reader { text, at: 0 };
    let value = reader.value(0)?;
    match reader.peek() {
        None => Ok(value),
        Some(_) => Err(reader.wrong("more text")),
    }
}

impl Reader<'_> {
    fn wrong(&self, what: &str) -> Error {
        error!(Io, "the header is no JSON: {what} at byte {}", self.at)
    }

    /// The next byte that is no white space.
    fn peek(&mut self) -> Option<u8> {
        let bytes = self.text.as_bytes();
        while let Some(b' ' | b'\t' | b'\n' | b'\r') = bytes.get(self.at) {
            self.at += 1;
        }
        bytes.get(self.at).copied()
    }

    fn expect(&mut self, byte: u8) -> Result<()> {
        match self.peek() == Some(byte) {
            true => {
                self.at += 1;
                Ok(())
            }
            false => Err(self.wrong(&format!("no `{}`", byte as char))),
        }
    }

    fn value(&mut self, depth: usize) -> Result<Json> {
        if depth > DEPTH {
            return Err(self.wrong("too deep a nest"));
        }
        match self.peek() {
            Some(b'{') => {
                let mut all = Vec::new();
                self.items(b'{', b'}', |reader| {
                    reader.peek();
                    let name = reader.text()?;
                    reader.expect(b':')?;
                    all.push((name, reader.value(depth + 1)?));
                    Ok(())
                })?;
                Ok(Json::Object(all))
            }
            Some(b'[') => {
                let mut all = Vec::new();
                self.items(b'[', b']', |reader| {
                    all.push(reader.value(depth + 1)?);
                    Ok(())
                })?;
                Ok(Json::List(all))
            }
            Some(b'"') => self.text().map(Json::Text),
            Some(b'-' | b'0'..=b'9') => Ok(self.number()),
            _ => self.word(),
        }
    }

    /// What stands between brackets, with commas.
    fn items(
        &mut self,
        open: u8,
        close: u8,
        mut item: impl FnMut(&mut Self) -> Result<()>,
    ) -> Result<()> {
        self.expect(open)?;
        if self.peek() == Some(close) {
            self.at += 1;
            return Ok(());
        }
        loop {
            item(self)?;
            match self.peek() {
                Some(b',') => self.at += 1,
                _ => return self.expect(close),
            }
        }
    }

    fn word(&mut self) -> Result<Json> {
        let rest = &self.text[self.at..];
        match ["true", "false", "null"]
            .into_iter()
            .find(|w| rest.starts_with(w))
        {
            Some(word) => {
                self.at += word.len();
                Ok(Json::Other)
            }
            None => Err(self.wrong("no value")),
        }
    }

    fn number(&mut self) -> Json {
        let rest = &self.text[self.at..];
        let inside = |c: char| c.is_ascii_digit() || matches!(c, '-' | '+' | '.' | 'e' | 'E');
        let length = rest.find(|c| !inside(c)).unwrap_or(rest.len());
        self.at += length;
        rest[..length].parse().map_or(Json::Other, Json::Number)
    }

    fn text(&mut self) -> Result<String> {
        self.expect(b'"')?;
        let mut out = String::new();
        loop {
            let rest = &self.text[self.at..];
            let Some(c) = rest.chars().next() else {
                return Err(self.wrong("no end of a text"));
            };
            self.at += c.len_utf8();
            match c {
                '"' => return Ok(out),
                '\\' => out.push(self.escaped()?),
                c if c < ' ' => return Err(self.wrong("a control character")),
                c => out.push(c),
            }
        }
    }

    fn escaped(&mut self) -> Result<char> {
        let code = self.text.as_bytes().get(self.at).copied();
        self.at += 1;
        Ok(match code {
            Some(c @ (b'"' | b'\\' | b'/')) => c as char,
            Some(b'n') => '\n',
            Some(b't') => '\t',
            Some(b'r') => '\r',
            Some(b'b') => '\u{8}',
            Some(b'f') => '\u{c}',
            Some(b'u') => {
                let first = self.four()?;
                if !(0xd800..0xdc00).contains(&first) {
                    return char::from_u32(first).ok_or_else(|| self.wrong("no character"));
                }
                if !self.text[self.at..].starts_with("\\u") {
                    return Err(self.wrong("half a character"));
                }
                self.at += 2;
                let second = self.four()?;
                let low = second.wrapping_sub(0xdc00);
                if low >= 0x400 {
                    return Err(self.wrong("half a character"));
                }
                let code = 0x1_0000 + ((first - 0xd800) << 10) + low;
                char::from_u32(code).ok_or_else(|| self.wrong("no character"))?
            }
            _ => return Err(self.wrong("an unknown escape")),
        })
    }

    fn four(&mut self) -> Result<u32> {
        let digits = self.text.get(self.at..self.at + 4);
        let code = digits.filter(|d| d.bytes().all(|b| b.is_ascii_hexdigit()));
        let Some(code) = code.and_then(|d| u32::from_str_radix(d, 16).ok()) else {
            bail!(Io, "the header is no JSON: no code at byte {}", self.at);
        };
        self.at += 4;
        Ok(code)
    }
}

/// A text as JSON has it.
pub(super) fn quoted(text: &str) -> String {
    let mut out = String::from('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            c if c < ' ' => out.push_str(&format!("\\u{:04x}", c as u32)),
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_are_read() {
        let text = r#" {"a": [1, 2, []], "b\u00e9\ud83d\ude00\n": "x", "c": -1.5e3, "d": true, "a": null} "#;
        let value = parse(text).unwrap();
        assert_eq!(
            value.get("a").unwrap(),
            &Json::List(vec![Json::Number(1), Json::Number(2), Json::List(vec![])])
        );
        assert_eq!(value.get("bé😀\n").unwrap().text(), Some("x"));
        assert_eq!(value.get("c"), Some(&Json::Other));
        assert_eq!(
            parse(&quoted("a\"\\\n\u{1}é")).unwrap().text(),
            Some("a\"\\\n\u{1}é")
        );
    }

    #[test]
    fn what_is_none_is_an_error_and_never_a_panic() {
        let whole = r#"{"a": [1, "b\u00e9\\", {"c": true}], "d": "\ud83d\ude00"}"#;
        assert!(parse(whole).is_ok());
        for end in 0..whole.len() {
            assert!(parse(&whole[..end]).is_err(), "{end}");
        }
        let deep = "[".repeat(100_000);
        for text in [
            "",
            "{",
            "[1,]",
            "{\"a\"}",
            "{1: 2}",
            "\"\\x\"",
            "\"\\ud800\"",
            "\"\\u12\u{e9}4\"",
            "nul",
            "1 2",
            &deep,
        ] {
            assert!(parse(text).is_err(), "{}", &text[..text.len().min(20)]);
        }
    }
}
