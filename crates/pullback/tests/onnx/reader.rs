//! As much of ONNX's files as the tests ask about, read back: nodes, constants, inputs, results. Not for files of others.

use pullback::DType;

/// A field of a message: its number, and an integer or bytes.
enum Field<'a> {
    Integer(u64),
    Bytes(&'a [u8]),
}

fn number(bytes: &mut &[u8]) -> u64 {
    let (mut n, mut shift) = (0, 0);
    loop {
        let (first, rest) = bytes.split_first().expect("an integer ends");
        *bytes = rest;
        n |= u64::from(first & 0x7f) << shift;
        shift += 7;
        if first & 0x80 == 0 {
            return n;
        }
    }
}

fn fields(mut bytes: &[u8]) -> Vec<(u64, Field<'_>)> {
    let mut all = Vec::new();
    while !bytes.is_empty() {
        let key = number(&mut bytes);
        let field = match key & 7 {
            0 => Field::Integer(number(&mut bytes)),
            kind => {
                let length = if kind == 5 {
                    4
                } else {
                    number(&mut bytes) as usize
                };
                let (content, rest) = bytes.split_at(length);
                bytes = rest;
                Field::Bytes(content)
            }
        };
        all.push((key >> 3, field));
    }
    all
}

fn parts(bytes: &[u8], field: u64) -> Vec<&[u8]> {
    (fields(bytes).into_iter())
        .filter_map(|(k, f)| match f {
            Field::Bytes(content) if k == field => Some(content),
            _ => None,
        })
        .collect()
}

fn texts(bytes: &[u8], field: u64) -> Vec<String> {
    (parts(bytes, field).into_iter())
        .map(|t| String::from_utf8(t.to_vec()).expect("names are texts"))
        .collect()
}

fn integers(bytes: &[u8], field: u64) -> Vec<u64> {
    (fields(bytes).into_iter())
        .filter_map(|(k, f)| match f {
            Field::Integer(n) if k == field => Some(n),
            _ => None,
        })
        .collect()
}

pub(crate) struct Node {
    pub kind: String,
    pub inputs: Vec<String>,
    pub outputs: Vec<String>,
}

/// What goes in or out: its name, and its sizes, which are numbers or names.
pub(crate) struct Ends {
    pub name: String,
    /// The number of its elements' type.
    pub dtype: u64,
    pub sizes: Vec<String>,
}

pub(crate) struct File {
    pub opset: u64,
    pub nodes: Vec<Node>,
    /// Names and sizes.
    pub constants: Vec<(String, Vec<u64>)>,
    pub inputs: Vec<Ends>,
    pub outputs: Vec<Ends>,
}

fn ends(bytes: &[u8]) -> Ends {
    let tensor = parts(parts(bytes, 2)[0], 1)[0];
    let sizes = parts(tensor, 2)
        .first()
        .map_or(vec![], |shape| parts(shape, 1));
    let said = |size: &[u8]| match &integers(size, 1)[..] {
        [n] => n.to_string(),
        _ => texts(size, 2).remove(0),
    };
    Ends {
        name: texts(bytes, 1).remove(0),
        dtype: integers(tensor, 1)[0],
        sizes: sizes.into_iter().map(said).collect(),
    }
}

/// The number of a dtype in ONNX.
pub(crate) fn number_of(dtype: DType) -> u64 {
    match dtype {
        DType::F32 => 1,
        DType::U8 => 2,
        DType::I8 => 3,
        DType::I16 => 5,
        DType::I32 => 6,
        DType::I64 => 7,
        DType::Bool => 9,
        DType::BF16 => 16,
        DType::F16 => 10,
        DType::F64 => 11,
        other => panic!("{other}"),
    }
}

pub(crate) fn read(bytes: &[u8]) -> File {
    let graph = parts(bytes, 7)[0];
    let node = |n: &[u8]| Node {
        kind: texts(n, 4).remove(0),
        inputs: texts(n, 1),
        outputs: texts(n, 2),
    };
    File {
        opset: integers(parts(bytes, 8)[0], 2)[0],
        nodes: parts(graph, 1).into_iter().map(node).collect(),
        constants: (parts(graph, 5).into_iter())
            .map(|t| (texts(t, 8).remove(0), integers(t, 1)))
            .collect(),
        inputs: parts(graph, 11).into_iter().map(ends).collect(),
        outputs: parts(graph, 12).into_iter().map(ends).collect(),
    }
}
