//! What the golden tests share: reading golden files and comparing bytes with what Python wrote. No draws.
#![allow(dead_code)] // Each test program uses a part of it.

use std::fmt::Debug;
use std::str::FromStr;

use pullback_random::Error;
use serde_json::Value;

pub(crate) fn load(name: &str) -> Value {
    let path = format!("{}/tests/golden/{name}.json", env!("CARGO_MANIFEST_DIR"));
    serde_json::from_str(&std::fs::read_to_string(&path).unwrap()).unwrap()
}

/// A result as little-endian bytes.
pub(crate) trait Bytes {
    fn bytes(&self) -> Vec<u8>;
}

macro_rules! bytes {
    ($($ty:ty)*) => {$(
        impl Bytes for Vec<$ty> {
            fn bytes(&self) -> Vec<u8> {
                self.iter().flat_map(|v| v.to_le_bytes()).collect()
            }
        }
    )*};
}

bytes!(i8 u8 i16 u16 i32 u32 i64 u64 f32 f64);

impl Bytes for Vec<bool> {
    fn bytes(&self) -> Vec<u8> {
        self.iter().map(|&b| u8::from(b)).collect()
    }
}

/// zlib's CRC-32.
pub(crate) fn crc32(bytes: &[u8]) -> u32 {
    !bytes.iter().fold(u32::MAX, |crc, &byte| {
        (0..8).fold(crc ^ u32::from(byte), |c, _| {
            (c >> 1) ^ (0xedb8_8320 & (c & 1).wrapping_neg())
        })
    })
}

pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|b| format!("{b:02x}")).collect()
}

pub(crate) fn unhex(text: &str) -> Vec<u8> {
    (0..text.len() / 2)
        .map(|i| u8::from_str_radix(&text[2 * i..2 * i + 2], 16).unwrap())
        .collect()
}

/// Compares with a golden value of checksum or bytes.
pub(crate) fn same_bytes(golden: &Value, bytes: &[u8]) -> bool {
    match golden["crc"].as_u64() {
        Some(crc) => u64::from(crc32(bytes)) == crc,
        None => golden["hex"].as_str() == Some(&hex(bytes)),
    }
}

/// Checks one call against its golden value or its golden error.
pub(crate) fn check(call: &Value, place: &str, got: Result<Vec<u8>, Error>) {
    match (call["error"].as_str(), got) {
        (None, Ok(bytes)) => assert!(
            same_bytes(&call["value"], &bytes),
            "{place}: {call}\n got {}",
            hex(&bytes)
        ),
        (Some(expected), Err(error)) => assert_eq!(error.message(), expected, "{place}: {call}"),
        (_, got) => panic!("{place}: {call}\n got {got:?}"),
    }
}

pub(crate) fn text<'a>(call: &'a Value, key: &str) -> &'a str {
    call[key]
        .as_str()
        .unwrap_or_else(|| panic!("no text {key} in {call}"))
}

/// A number written as a number or as text.
pub(crate) fn number<T: FromStr>(call: &Value, key: &str) -> T
where
    T::Err: Debug,
{
    let value = &call[key];
    value
        .as_str()
        .map_or_else(|| value.to_string(), str::to_string)
        .parse()
        .unwrap_or_else(|e| panic!("{key} in {call}: {e:?}"))
}

pub(crate) fn flag(call: &Value, key: &str) -> bool {
    call[key]
        .as_bool()
        .unwrap_or_else(|| panic!("no flag {key} in {call}"))
}

pub(crate) fn list<T: FromStr>(call: &Value, key: &str) -> Vec<T>
where
    T::Err: Debug,
{
    call[key]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.to_string().parse().unwrap())
        .collect()
}

/// A double as Python's `float.hex` writes it.
pub(crate) fn float_hex(text: &str) -> f64 {
    let (mantissa, exponent) = text.split_once('p').unwrap();
    let digits = mantissa.trim_start_matches("0x").replace('.', "");
    let fraction = digits.len() - 1;
    u64::from_str_radix(&digits, 16).unwrap() as f64
        * 2f64.powi(exponent.parse::<i32>().unwrap() - 4 * fraction as i32)
}

/// A golden array of the older files: a list of bit patterns or of decimal integers.
pub(crate) fn array_bytes(value: &Value) -> Vec<u8> {
    let data = value["data"]
        .as_array()
        .unwrap()
        .iter()
        .map(|v| v.as_str().unwrap());
    match value["dtype"].as_str().unwrap() {
        "float32" => data
            .flat_map(|v| u32::from_str_radix(v, 16).unwrap().to_le_bytes())
            .collect(),
        "float64" => data
            .flat_map(|v| u64::from_str_radix(v, 16).unwrap().to_le_bytes())
            .collect(),
        "int64" => data
            .flat_map(|v| v.parse::<i64>().unwrap().to_le_bytes())
            .collect(),
        "uint64" => data
            .flat_map(|v| v.parse::<u64>().unwrap().to_le_bytes())
            .collect(),
        other => panic!("dtype {other}"),
    }
}
