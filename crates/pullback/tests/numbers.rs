//! Numbers that a dtype may not hold, in Rust: what holds them is decided here by integers of 128 bits, and never by a wrapped one.

use pullback::{DType, Error, ErrorKind, Number, Operand, PadMode, Result, Tensor};

const DTYPES: [DType; 3] = [DType::U8, DType::I32, DType::I64];

fn range(dtype: DType) -> (i128, i128) {
    match dtype {
        DType::U8 => (0, 255),
        DType::I32 => (i32::MIN.into(), i32::MAX.into()),
        _ => (i64::MIN.into(), i64::MAX.into()),
    }
}

/// Every number around the ends of every range, as an integer and as Rust passes it.
fn numbers() -> Vec<(i128, Number)> {
    let mut all = Vec::new();
    for dtype in DTYPES {
        let (low, high) = range(dtype);
        for end in [low, high, -high] {
            for by in [-2, -1, 0, 1, 2] {
                let n: i128 = end + by;
                match (i64::try_from(n), u64::try_from(n)) {
                    (Ok(i), _) => all.push((n, Number::Int(i))),
                    (_, Ok(u)) => all.push((n, Number::UInt(u))),
                    _ => (),
                }
            }
        }
    }
    all.push((u64::MAX.into(), Number::UInt(u64::MAX)));
    all
}

/// What an element becomes: itself, what a byte makes of a small negative number, or nothing.
fn held(n: i128, dtype: DType) -> Option<i128> {
    let (low, high) = range(dtype);
    match n {
        n if low <= n && n <= high => Some(n),
        n if dtype == DType::U8 && (-255..0).contains(&n) => Some(n + 256),
        _ => None,
    }
}

fn ones(dtype: DType) -> Tensor {
    Tensor::ones([3], dtype).unwrap()
}

fn list(t: &Tensor) -> Vec<i128> {
    let list = t.to(DType::I64).unwrap().to_vec::<i64>().unwrap();
    list.into_iter().map(i128::from).collect()
}

fn refused(e: &Error, name: &str) -> bool {
    e.kind() == ErrorKind::Argument
        && e.message() == format!("value cannot be converted to type {name} without overflow")
}

#[test]
fn what_makes_and_fills_tensors_holds_the_number_or_is_an_error() {
    type Call = fn(Number, DType) -> Result<Tensor>;
    let calls: [(&str, Call, usize); 9] = [
        ("full", |n, d| Tensor::full([1], n, d), 0),
        (
            "fill_",
            |n, d| {
                ones(d)
                    .fill_(n)
                    .map(|()| Tensor::full([1], 0i64, d).unwrap())
                    .and_then(|t| t.fill_(n).map(|()| t))
            },
            0,
        ),
        (
            "masked_fill",
            |n, d| ones(d).masked_fill(&Tensor::ones([3], DType::Bool)?, n),
            0,
        ),
        (
            "masked_fill_",
            |n, d| {
                let t = ones(d);
                t.masked_fill_(&Tensor::ones([3], DType::Bool)?, n)
                    .map(|()| t)
            },
            2,
        ),
        (
            "where_",
            |n, d| ones(d).where_(&Tensor::zeros([3], DType::Bool)?, n),
            1,
        ),
        (
            "index_fill",
            |n, d| ones(d).index_fill(0, &Tensor::arange(3)?, n),
            1,
        ),
        (
            "set",
            |n, d| {
                let t = ones(d);
                t.set(.., n).map(|()| t)
            },
            0,
        ),
        (
            "set by an index",
            |n, d| {
                let t = ones(d);
                t.set(&Tensor::arange(3)?, n).map(|()| t)
            },
            2,
        ),
        (
            "pad",
            |n, d| ones(d).pad(&[2, 0], PadMode::Constant, Some(n)),
            1,
        ),
    ];
    for (name, call, at) in calls {
        for dtype in DTYPES {
            let c = ["uint8_t", "int", "int64_t"][DTYPES.iter().position(|&d| d == dtype).unwrap()];
            for (n, number) in numbers() {
                // PyTorch pads with no number that wraps.
                let want = held(n, dtype).filter(|_| name != "pad" || n >= 0 || dtype != DType::U8);
                match (call(number, dtype), want) {
                    (Ok(t), Some(want)) => assert_eq!(list(&t)[at], want, "{name} {dtype} {n}"),
                    (Err(e), None) => assert!(refused(&e, c), "{name} {dtype} {n}: {e}"),
                    (got, want) => panic!("{name} {dtype} {n}: {got:?} where {want:?} is right"),
                }
            }
            for n in [f64::NAN, f64::INFINITY, f64::NEG_INFINITY, 1e300, -1e300] {
                let e = match name {
                    // Floats make it a tensor of floats there.
                    "where_" => continue,
                    _ => call(n.into(), dtype).unwrap_err(),
                };
                assert!(refused(&e, c), "{name} {dtype} {n}: {e}");
            }
        }
        assert!(
            refused(&call(1e300.into(), DType::F32).unwrap_err(), "float"),
            "{name}"
        );
        assert!(call(f64::INFINITY.into(), DType::F32).is_ok(), "{name}");
        assert!(call(1e300.into(), DType::F64).is_ok(), "{name}");
    }
}

#[test]
fn a_bound_that_no_element_reaches_does_nothing_and_one_that_all_are_beyond_is_an_error()
-> Result<()> {
    for dtype in DTYPES {
        let (low, high) = range(dtype);
        let ends = [low, high, 0, 1, 100];
        let x = Tensor::from_slice(&ends.map(|n| n as i64), [5])?.to(dtype)?;
        for (n, number) in numbers() {
            let bound = || Some(Operand::Number(number));
            for lower in [true, false] {
                let (got, harmless, want): (_, _, Vec<i128>) = match lower {
                    true => (
                        x.clamp(bound(), None),
                        n < low,
                        ends.iter().map(|&e| e.max(n)).collect(),
                    ),
                    false => (
                        x.clamp(None, bound()),
                        n > high,
                        ends.iter().map(|&e| e.min(n)).collect(),
                    ),
                };
                let inside = low <= n && n <= high;
                match got {
                    Ok(y) => {
                        assert!(inside || harmless, "{dtype} {n} {lower}");
                        assert_eq!(list(&y), want, "{dtype} {n} {lower}");
                        let z = x.copy()?;
                        match lower {
                            true => z.clamp_min_(number)?,
                            false => z.clamp_max_(number)?,
                        }
                        assert_eq!(list(&z), want);
                    }
                    Err(e) => {
                        assert!(!inside && !harmless, "{dtype} {n} {lower}: {e}");
                        assert!(e.message().starts_with("Clamp m"), "{e}");
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn integers_are_compared_as_integers() -> Result<()> {
    for dtype in DTYPES {
        let (low, high) = range(dtype);
        let ends = [low, low + 1, 0, 1, high - 1, high];
        let x = Tensor::from_slice(&ends.map(|n| n as i64), [6])?.to(dtype)?;
        for (n, number) in numbers() {
            let found = [
                x.lt(number)?,
                x.le(number)?,
                x.gt(number)?,
                x.ge(number)?,
                x.eq(number)?,
                x.ne(number)?,
            ];
            let truth: [fn(i128, i128) -> bool; 6] = [
                |a, b| a < b,
                |a, b| a <= b,
                |a, b| a > b,
                |a, b| a >= b,
                |a, b| a == b,
                |a, b| a != b,
            ];
            for (got, holds) in found.iter().zip(truth) {
                let want: Vec<bool> = ends.iter().map(|&e| holds(e, n)).collect();
                assert_eq!(got.to_vec::<bool>()?, want, "{dtype} {n}");
            }
        }
    }
    Ok(())
}

#[test]
fn factors_and_exponents_hold_every_digit() -> Result<()> {
    let x = Tensor::from_slice(&[3i64, -1, 1, 2], [4])?;
    for e in [2i64, 63, (1 << 53) + 1, (1 << 53) + 2, i64::MAX] {
        let want: Vec<i64> = [3i64, -1, 1, 2].map(|b| power(b, e as u64)).to_vec();
        assert_eq!(x.pow(e)?.to_vec::<i64>()?, want);
        let y = x.copy()?;
        y.pow_(e)?;
        assert_eq!(y.to_vec::<i64>()?, want);
    }
    let byte = Tensor::full([2], 5i64, DType::U8)?;
    assert_eq!(byte.pow(255i64)?.to_vec::<u8>()?, [power(5, 255) as u8; 2]);
    assert!(refused(&byte.pow(256i64).unwrap_err(), "uint8_t"));
    assert!(refused(&byte.pow_(256i64).unwrap_err(), "uint8_t"));
    for alpha in [300.0, -300.0] {
        assert!(refused(
            &byte.add_scaled(&byte, alpha).unwrap_err(),
            "uint8_t"
        ));
        assert!(refused(
            &byte.add_scaled_(&byte, alpha).unwrap_err(),
            "uint8_t"
        ));
        assert!(refused(
            &byte.addcmul(&byte, &byte, alpha as i64).unwrap_err(),
            "uint8_t"
        ));
    }
    assert_eq!(byte.add_scaled(&byte, -1.0)?.to_vec::<u8>()?, [0, 0]);
    // Beside a float a long integer is its value, beside an integer its low bits.
    let half = Tensor::full([1], 0.5, DType::F64)?;
    assert_eq!(
        half.mul(Number::UInt(1 << 63))?.to_vec::<f64>()?,
        [2f64.powi(62)]
    );
    assert_eq!(
        byte.add(Number::UInt((1 << 63) + 7))?.to_vec::<u8>()?,
        [12, 12]
    );
    Ok(())
}

fn power(base: i64, e: u64) -> i64 {
    let (mut base, mut e, mut y) = (base, e, 1i64);
    while e > 0 {
        if e & 1 == 1 {
            y = y.wrapping_mul(base);
        }
        base = base.wrapping_mul(base);
        e >>= 1;
    }
    y
}

/// Beside integers a number takes part in a quotient as itself, whatever the integers' dtype holds.
#[test]
fn quotients_of_integers_do_not_wrap() -> Result<()> {
    for dtype in DTYPES {
        let x = Tensor::from_slice(&[1i64, 7, 100], [3])?.to(dtype)?;
        for (n, number) in numbers() {
            if n == 0 {
                continue;
            }
            for (k, q) in x.div(number)?.to_vec::<f32>()?.into_iter().enumerate() {
                assert_eq!(q, [1.0, 7.0, 100.0][k] / (n as f32), "{dtype} / {n}");
            }
            let angle = x.atan2(&Tensor::scalar(n as f64))?.to_f64_vec()?;
            assert!(
                (angle[1] - 7f64.atan2(n as f64)).abs() < 1e-6,
                "{dtype} {n}"
            );
        }
        let far = x.atan2(&Tensor::scalar(300i64))?;
        assert!((far.to_f64_vec()?[1] - 7f64.atan2(300.0)).abs() < 1e-6);
    }
    Ok(())
}
