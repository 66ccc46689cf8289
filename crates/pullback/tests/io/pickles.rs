//! Pickles and archives by hand: such as PyTorch would never write.

/// What CRC-32 gives, bit by bit.
fn crc32(bytes: &[u8]) -> u32 {
    let step = |c: u32| {
        if c & 1 == 1 {
            0xedb8_8320 ^ c >> 1
        } else {
            c >> 1
        }
    };
    !(bytes.iter()).fold(!0, |c, &b| (0..8).fold(c ^ u32::from(b), |c, _| step(c)))
}

/// One line of an archive's directory, and what stands before the file: the name, its bytes, and where the line says that they are.
fn archive_of(files: &[(&str, &[u8], Option<u32>)]) -> Vec<u8> {
    let (mut out, mut central) = (Vec::new(), Vec::new());
    for (name, bytes, place) in files {
        let mut shared = Vec::new();
        for half in [20u16, 0, 0, 0, 0] {
            shared.extend(half.to_le_bytes());
        }
        for word in [crc32(bytes), bytes.len() as u32, bytes.len() as u32] {
            shared.extend(word.to_le_bytes());
        }
        shared.extend((name.len() as u16).to_le_bytes());
        shared.extend([0; 2]);
        let at = place.unwrap_or(out.len() as u32);
        if place.is_none() {
            out.extend(*b"PK\x03\x04");
            out.extend(&shared);
            out.extend(name.as_bytes());
            out.extend(*bytes);
        }
        central.extend(*b"PK\x01\x02\x14\0");
        central.extend(&shared);
        central.extend([0; 10]);
        central.extend(at.to_le_bytes());
        central.extend(name.as_bytes());
    }
    let (at, size) = (out.len() as u32, central.len() as u32);
    out.extend(central);
    out.extend(*b"PK\x05\x06\0\0\0\0");
    for _ in 0..2 {
        out.extend((files.len() as u16).to_le_bytes());
    }
    out.extend(size.to_le_bytes());
    out.extend(at.to_le_bytes());
    out.extend([0; 2]);
    out
}

/// A file of PyTorch's with this pickle and these memories.
pub(crate) fn archive(pickle: &[u8], memories: &[&[u8]]) -> Vec<u8> {
    let names: Vec<String> = (0..memories.len()).map(|i| format!("a/data/{i}")).collect();
    let mut files = vec![("a/data.pkl", pickle, None)];
    files.extend(names.iter().zip(memories).map(|(n, m)| (&**n, *m, None)));
    archive_of(&files)
}

/// A tensor of the memory `0`: the storage's count, and what is between it and the hooks, as instructions.
fn tensor(class: &str, count: i32, rest: &[u8]) -> Vec<u8> {
    let mut out =
        b"\x80\x02ctorch._utils\n_rebuild_tensor_v2\n((X\x07\0\0\0storagectorch\n".to_vec();
    out.extend(class.as_bytes());
    out.extend(b"\nX\x01\0\0\x000X\x03\0\0\0cpuJ");
    out.extend(count.to_le_bytes());
    out.extend(b"tQ");
    out.extend(rest);
    out.extend(b"\x89NtR.");
    out
}

/// Name, file, and what its error says. `(values)` stands in the name of those that have no tensors and are an error as values alone.
pub(crate) fn hostile() -> Vec<(String, Vec<u8>, &'static str)> {
    let mut all: Vec<(String, Vec<u8>, &'static str)> = Vec::new();
    let mut put =
        |name: &str, file: Vec<u8>, want: &'static str| all.push((name.to_string(), file, want));
    let plain = |pickle: &[u8]| archive(pickle, &[]);
    // Nests.
    let mut deep = b"]".repeat(100_000);
    deep.extend(b"a".repeat(99_999));
    deep.push(b'.');
    put("a deep nest", plain(&deep), "nest more than 200 deep");
    put(
        "marks without end",
        plain(&b"(".repeat(1_000_000)),
        "ends in the middle",
    );
    put("a list in itself", plain(b"]q\0h\0a."), "contains itself");
    put(
        "a dict in itself",
        plain(b"}q\0X\x01\0\0\0ah\0s."),
        "contains itself",
    );
    put(
        "a tuple around a list in itself",
        plain(b"]q\0(h\0h\0te."),
        "ends a list that did not begin",
    );
    put(
        "an object in itself (values)",
        plain(b"ca\nB\n)\x81q\0}X\x01\0\0\0ah\0sb."),
        "contains itself",
    );
    // Twice the last, thirty times and more.
    let mut doubled = b"]q\0".to_vec();
    for i in 1..=60u8 {
        doubled.extend([b']', b'q', i, b'h', i - 1, b'a', b'h', i - 1, b'a']);
    }
    doubled.push(b'.');
    put(
        "a list doubled sixty times",
        plain(&doubled),
        "much more than its length",
    );
    let mut pairs = b"(".to_vec();
    pairs.extend(b"K\x01".repeat(100_000));
    pairs.extend(b"tq\0");
    for _ in 0..10_000 {
        pairs.extend(b"ccollections\nCounter\nh\0R0");
    }
    pairs.extend(b"N.");
    put(
        "arguments copied (values)",
        plain(&pairs),
        "much more than its length",
    );
    // Lengths.
    put(
        "a text of 4 GiB",
        plain(b"X\xff\xff\xff\xffabc."),
        "ends in the middle",
    );
    put(
        "bytes of 2**63",
        plain(b"\x8e\0\0\0\0\0\0\0\x80abc."),
        "ends in the middle",
    );
    put(
        "a number of 4 GiB",
        plain(b"\x8b\xff\xff\xff\xff."),
        "ends in the middle",
    );
    put(
        "nothing recalled",
        plain(b"h\x07."),
        "names value 7, which is not there",
    );
    put("nothing popped", plain(b"."), "where there is none");
    put(
        "popped through a mark",
        plain(b"N(b."),
        "where there is none",
    );
    put(
        "an unknown instruction",
        plain(b"\x80\x02\xff."),
        "instruction 0xff",
    );
    put("protocol 9", plain(b"\x80\x09N."), "protocol 9");
    put("a file outside", plain(b"X\x01\0\0\0aQ."), "no storage");
    put("an odd dict", plain(b"}(Nu."), "a key without a value");
    // Tensors.
    let memory = &[0u8; 16][..];
    let of = |pickle: Vec<u8>| archive(&pickle, &[memory]);
    let good = b"K\0K\x04\x85K\x01\x85";
    put(
        "a storage that is longer than it is",
        of(tensor("FloatStorage", i32::MAX, good)),
        "has 16 bytes",
    );
    put(
        "a storage that is shorter",
        of(tensor("FloatStorage", 3, good)),
        "has 16 bytes",
    );
    put(
        "a storage of less than nothing",
        of(tensor("FloatStorage", -1, good)),
        "a storage of -1 elements",
    );
    put(
        "a storage of complex numbers",
        of(tensor("ComplexFloatStorage", 2, good)),
        "torch.ComplexFloatStorage",
    );
    put(
        "a storage that is not there",
        archive(&tensor("FloatStorage", 4, good), &[]),
        "no record `data/0`",
    );
    put(
        "an offset outside",
        of(tensor("FloatStorage", 4, b"K\x01K\x04\x85K\x01\x85")),
        "",
    );
    put(
        "sizes beyond all",
        of(tensor(
            "FloatStorage",
            4,
            b"K\0\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fJ\xff\xff\xff\x7f\x86K\0K\0\x86",
        )),
        "",
    );
    put(
        "strides beyond all",
        of(tensor(
            "FloatStorage",
            4,
            b"K\0K\x04K\x02\x86\x8a\x08\xff\xff\xff\xff\xff\xff\xff\x7fK\x01\x86",
        )),
        "",
    );
    put(
        "negative strides",
        of(tensor(
            "FloatStorage",
            4,
            b"K\x03K\x04\x85J\xff\xff\xff\xff\x85",
        )),
        "first place of -1",
    );
    put(
        "more sizes than strides",
        of(tensor("FloatStorage", 4, b"K\0K\x02K\x02\x86K\x01\x85")),
        "2 sizes and 1 strides",
    );
    put(
        "a size that is a text",
        of(tensor("FloatStorage", 4, b"K\0X\x01\0\0\0a\x85K\x01\x85")),
        "is not what it has to be",
    );
    // Archives.
    let whole = of(tensor("FloatStorage", 4, good));
    let mut damaged = whole.clone();
    let at = whole.windows(16).position(|w| w == [0; 16]).unwrap();
    damaged[at] = 1;
    put("a damaged memory", damaged, "check sum");
    let (pickle, name) = (tensor("FloatStorage", 4, good), "a/data/0");
    put(
        "two records of one name",
        archive_of(&[
            ("a/data.pkl", &pickle, None),
            (name, memory, None),
            (name, memory, None),
        ]),
        "one name",
    );
    put(
        "records over each other",
        archive_of(&[
            ("a/data.pkl", &pickle, None),
            (name, memory, None),
            ("a/data/1", memory, Some(0)),
        ]),
        "overlap",
    );
    put(
        "a record beyond the file",
        archive_of(&[
            ("a/data.pkl", &pickle, None),
            (name, memory, Some(u32::MAX - 1)),
        ]),
        "",
    );
    put(
        "records of two folders",
        archive_of(&[("a/data.pkl", &pickle, None), ("b/data/0", memory, None)]),
        "not in one folder",
    );
    put(
        "no pickle",
        archive_of(&[("a/x", b"", None)]),
        "no record `data.pkl`",
    );
    // The older format.
    let mut old = vec![
        0x80, 2, 0x8a, 10, 0x6c, 0xfc, 0x9c, 0x46, 0xf9, 0x20, 0x6a, 0xa8, 0x50, 0x19, b'.',
    ];
    old.extend(b"\x80\x02M\xe9\x03.\x80\x02}.");
    let mut claims = old.clone();
    claims.extend(tensor("FloatStorage", 4, good));
    claims.extend(b"\x80\x02]X\x01\0\0\x000a.");
    claims.extend(u64::MAX.to_le_bytes());
    put(
        "an old memory of 2**64",
        claims,
        "in the middle of its memories",
    );
    let mut strange = old.clone();
    strange.extend(b"N.]X\x01\0\0\x000a.");
    strange.extend([0; 8]);
    put("an old memory of nobody", strange, "that no tensor lies in");
    old.extend(b"N.N.");
    put("no list of old memories", old, "does not list its memories");
    all
}
