//! Element types: PyTorch's promotions and conversions to the bit, names, categories, and what is ours where PyTorch has
//! no answer.

mod support;

use pullback_array::dd::Dd;
use pullback_array::{Array, Category, DType, Element, Number, dispatch, kernels};
use support::golden;

fn dtype(name: &serde_json::Value) -> DType {
    DType::from_name(name.as_str().unwrap()).unwrap()
}

#[test]
fn promotion_is_pytorchs() {
    for row in golden("promote") {
        assert_eq!(
            dtype(&row[0]).promote(dtype(&row[1])),
            dtype(&row[2]),
            "{row}"
        );
    }
    for &a in DType::ALL {
        assert_eq!(a.promote(DType::Dd), DType::Dd);
        assert_eq!(DType::Dd.promote(a), DType::Dd);
    }
}

/// An element from the hexadecimal digits of its bits, and back.
fn parse(dtype: DType, digits: &str) -> Array {
    let bits = u64::from_str_radix(digits, 16).unwrap();
    match dtype {
        DType::Bool => Array::scalar(bits != 0),
        DType::U8 => Array::scalar(bits as u8),
        DType::I32 => Array::scalar(bits as u32 as i32),
        DType::I64 => Array::scalar(bits as i64),
        DType::F32 => Array::scalar(f32::from_bits(bits as u32)),
        _ => Array::scalar(f64::from_bits(bits)),
    }
    .unwrap()
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
            assert!(
                got.bits_equal(&expected).unwrap(),
                "{from} {pair} to {to}: {got:?}"
            );
            // Through double-double, which holds every dtype's numbers, nothing changes; but integers keep their low
            // bits, and numbers that come from floats end at the ends.
            let value = x.item().unwrap().to_f64();
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
        dispatch!(d, T => {
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
        assert_eq!(d.is_float(), d.category() == Category::Float);
    }
    assert_eq!(DType::from_name("complex64"), None);
    assert_eq!(DType::from_name("double"), Some(DType::F64));
    assert_eq!(Number::Int(3).default_dtype(), DType::I64);
    assert_eq!(Number::from(2.5f32).default_dtype(), DType::F32);
    assert_eq!(Number::from(true).to_string(), "True");
}
