//! Element types: PyTorch's promotions and conversions to the bit, names, categories, and what is ours where PyTorch has
//! no answer.

mod support;

use pullback_array::dd::Dd;
use pullback_array::{Array, Category, DType, Element, Number, bf16, dispatch, f16, kernels};
use support::golden;

fn dtype(name: &serde_json::Value) -> DType {
    DType::from_name(name.as_str().unwrap()).unwrap()
}

#[test]
fn promotion_is_pytorchs() {
    for row in golden("promote") {
        let (a, b) = (dtype(&row[0]), dtype(&row[1]));
        match row[2].as_str().unwrap().strip_prefix("error: ") {
            Some(sentence) => {
                assert_eq!(a.common(b).unwrap_err().message(), sentence);
                assert!(!a.promotes(b) && a.promote(b) == DType::I64, "{row}");
            }
            None => {
                assert_eq!(a.promote(b), dtype(&row[2]), "{row}");
                assert_eq!(a.common(b).unwrap(), dtype(&row[2]), "{row}");
            }
        }
    }
    for &a in DType::ALL {
        assert_eq!(a.promote(DType::Dd), DType::Dd);
        assert_eq!(DType::Dd.promote(a), DType::Dd);
    }
}

/// An element from the hexadecimal digits of its bits.
fn parse(dtype: DType, digits: &str) -> Array {
    let bits = u64::from_str_radix(digits, 16).unwrap();
    match dtype {
        DType::Bool => Array::scalar(bits != 0),
        DType::U8 => Array::scalar(bits as u8),
        DType::I8 => Array::scalar(bits as u8 as i8),
        DType::I16 => Array::scalar(bits as u16 as i16),
        DType::U16 => Array::scalar(bits as u16),
        DType::I32 => Array::scalar(bits as u32 as i32),
        DType::U32 => Array::scalar(bits as u32),
        DType::I64 => Array::scalar(bits as i64),
        DType::U64 => Array::scalar(bits),
        DType::F16 => Array::scalar(f16::from_bits(bits as u16)),
        DType::BF16 => Array::scalar(bf16::from_bits(bits as u16)),
        DType::F32 => Array::scalar(f32::from_bits(bits as u32)),
        _ => Array::scalar(f64::from_bits(bits)),
    }
    .unwrap()
}

/// FNV-1a, as in the golden file.
fn digest(patterns: impl Iterator<Item = String>) -> String {
    let mut h = 0xcbf2_9ce4_8422_2325u64;
    for byte in patterns.flat_map(String::into_bytes) {
        h = (h ^ u64::from(byte)).wrapping_mul(0x100_0000_01b3);
    }
    format!("{h:016x}")
}

/// All 65536 halves of both kinds widen as PyTorch's do, and as many floats of all exponents round as there; as single numbers and
/// through whole arrays, whose loops are compiled for vectors.
#[test]
fn halves_are_pytorchs() {
    let rows = golden("halves");
    assert_eq!(rows.len(), 64);
    for row in rows {
        let (to, widen) = (dtype(&row[0]), row[1] == "widen");
        let block = row[2].as_u64().unwrap();
        let numbers = block..block + 4096;
        let array = if widen {
            let bits = numbers.map(|i| (i as u16) ^ 0x8000);
            let halves = match to {
                DType::F16 => {
                    Array::from_slice(&bits.map(f16::from_bits).collect::<Vec<_>>(), [4096])
                }
                _ => Array::from_slice(&bits.map(bf16::from_bits).collect::<Vec<_>>(), [4096]),
            };
            kernels::cast(&halves.unwrap(), DType::F32).unwrap()
        } else {
            let floats = numbers.map(|i| {
                let x = f32::from_bits((i as u32).wrapping_mul(2_654_435_761).wrapping_add(97));
                if x.is_nan() { 0.0 } else { x }
            });
            let floats: Vec<f32> = floats.collect();
            let all = Array::from_slice(&floats, [4096]).unwrap();
            let halves = kernels::cast(&all, to).unwrap();
            for (i, &x) in floats.iter().enumerate().step_by(7) {
                let one = Array::number(x.into(), to).unwrap();
                let at = halves.select(0, i).unwrap();
                assert!(one.bits_equal(&at).unwrap(), "{x} as {to}");
            }
            halves
        };
        let found = digest(match array.dtype() {
            DType::F32 => {
                let nan = |x: f32| if x.is_nan() { f32::NAN } else { x };
                let all = array.to_vec::<f32>().unwrap().into_iter();
                Box::new(all.map(move |x| format!("{:08x}", nan(x).to_bits())))
                    as Box<dyn Iterator<Item = String>>
            }
            _ => {
                let mut bytes = vec![0; 8192];
                array.copy_bytes(&mut bytes).unwrap();
                let words: Vec<String> = (bytes.chunks(2))
                    .map(|b| format!("{:04x}", u16::from_ne_bytes([b[0], b[1]])))
                    .collect();
                Box::new(words.into_iter())
            }
        });
        assert_eq!(found, row[3], "{row}");
    }
}

#[test]
fn conversions_are_pytorchs() {
    // Valgrind takes `i64` to `f32` through `f64`, and rounds twice.
    let once =
        std::hint::black_box((1i64 << 60) + (1 << 36) + 1) as f32 == f32::from_bits(0x5d80_0001);
    let mut compared = 0;
    for row in golden("cast") {
        let (from, to) = (dtype(&row["from"]), dtype(&row["to"]));
        if (from, to, once) == (DType::I64, DType::F32, false) {
            continue;
        }
        for pair in row["values"].as_array().unwrap() {
            let x = parse(from, pair[0].as_str().unwrap());
            let expected = parse(to, pair[1].as_str().unwrap());
            let got = kernels::cast(&x, to).unwrap();
            if x.item().unwrap().to_f64().is_nan()
                && [from, to].contains(&DType::F16)
                && to.is_float()
            {
                assert!(got.item().unwrap().to_f64().is_nan()); // with which bits is left open
                continue;
            }
            assert!(
                got.bits_equal(&expected).unwrap(),
                "{from} {pair} to {to}: {got:?}"
            );
            // Through double-double, which holds every dtype's numbers, nothing changes; but integers keep their low
            // bits, and numbers that come from floats end at the ends.
            let value = x.item().unwrap().to_f64();
            // What was float32 is, as a number, a double: it rounds to a half from there all the same.
            let fits = value.abs() < 2f64.powi(31) || to != DType::I32;
            let wide = kernels::cast(&kernels::cast(&x, DType::Dd).unwrap(), to).unwrap();
            assert!(
                !fits || wide.bits_equal(&expected).unwrap(),
                "{from} {pair} to {to} through Dd: {wide:?}"
            );
            // A scalar of the same value converts alike.
            let scalar = Array::number(x.item().unwrap(), to).unwrap();
            assert!(
                scalar.bits_equal(&expected).unwrap(),
                "{from} {pair} to {to} as a number: {scalar:?}"
            );
            compared += 1;
        }
    }
    assert!(compared > 700, "{compared}");
}

/// NaN, infinity and what is beyond the range: C leaves them open, and we do as PyTorch on x86, one element or many, from floats,
/// from numbers and through 32 digits.
#[test]
fn conversions_beyond_the_range_are_pytorchs() {
    for row in golden("cast_beyond") {
        let (from, to) = (dtype(&row["from"]), dtype(&row["to"]));
        let values: Vec<f64> = (row["values"].as_array().unwrap().iter())
            .map(|bits| f64::from_bits(bits.as_u64().unwrap()))
            .collect();
        assert!(values.iter().any(|x| x.is_nan()) && values.contains(&2f64.powi(63)));
        for list in ["one", "many"] {
            for (&x, expected) in values.iter().zip(row[list].as_array().unwrap()) {
                let expected = Number::Int(expected.as_i64().unwrap());
                let many = Array::full([67], x, from).unwrap();
                let cast = kernels::cast(&many, to).unwrap();
                let wide = kernels::cast(&kernels::cast(&many, DType::Dd).unwrap(), to).unwrap();
                for made in [cast, wide] {
                    for i in [0, 31, 66] {
                        let got = made.select(0, i).unwrap().item().unwrap();
                        assert_eq!(got, expected, "{from} {x} to {to}");
                    }
                }
                let number = Array::number(many.select(0, 0).unwrap().item().unwrap(), to);
                assert_eq!(
                    number.unwrap().item().unwrap(),
                    expected,
                    "{from} {x} to {to}"
                );
            }
        }
    }
    assert!(bool::from_f64(f64::NAN) && bool::from_dd(f64::NAN.into()));
}

/// Numbers of 54 bits and more: nothing goes through `f64`.
#[test]
fn double_double_converts_exactly() {
    for i in [
        (1 << 53) + 1,
        -(1 << 53) - 1,
        i64::MAX,
        i64::MIN,
        i64::MAX - 1,
        (1 << 60) + 1,
    ] {
        let x = Dd::from(i);
        assert_eq!((i64::from_dd(x), x.to_i64(), Element::to_i64(x)), (i, i, i));
        let array = Array::scalar(x).unwrap();
        assert_eq!(
            kernels::cast(&array, DType::I64).unwrap().item().unwrap(),
            Number::Int(i)
        );
        let back = kernels::cast(&Array::scalar(i).unwrap(), DType::Dd).unwrap();
        assert_eq!(back.item().unwrap(), Number::Dd(x));
    }
    // Just below 3: the high part is 3, the number is not.
    let below = Dd::from_parts(3.0, -1e-20);
    assert_eq!(
        (i64::from_dd(below), i32::from_dd(below), u8::from_dd(below)),
        (2, 2, 2)
    );
}

#[test]
fn names_sizes_and_categories() {
    for &d in DType::ALL {
        assert_eq!(DType::from_name(d.name()), Some(d));
        assert_eq!(DType::from_name(&format!("torch.{d}")), Some(d));
        dispatch!(stored d, T => {
            assert_eq!((d.size(), T::DTYPE), (size_of::<T>(), d));
            let eps = d.unit_roundoff();
            if d.is_float() {
                let one = T::from_dd(Dd::ONE + Dd::from(eps) + Dd::from(eps * 1e-3));
                assert!(one.to_dd() > Dd::ONE);
                assert!(T::from_dd(Dd::ONE + Dd::from(eps * 0.9)).to_dd() == Dd::ONE || d == DType::Dd);
            } else {
                assert_eq!(eps, 0.0);
            }
        });
        dispatch!(d, T => assert_eq!((T::DTYPE, d.is_narrow()), (d.computing(), T::DTYPE != d)));
        assert_eq!(d.computing().category(), d.category());
        assert!(d.computing().size() >= d.size() && !d.computing().is_narrow());
        for alias in d.aliases() {
            assert_eq!(DType::from_name(alias), Some(d));
        }
        assert_eq!(d.is_float(), d.category() == Category::Float);
    }
    assert_eq!(DType::from_name("complex64"), None);
    assert_eq!(DType::from_name("double"), Some(DType::F64));
    assert_eq!(Number::Int(3).default_dtype(), DType::I64);
    assert_eq!(Number::from(2.5f32).default_dtype(), DType::F32);
    assert_eq!(Number::from(true).to_string(), "True");
}
