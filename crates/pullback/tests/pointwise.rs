//! In-place forms of the pointwise methods, through Rust: the same numbers and gradients as the plain forms, old values kept where a
//! rule reads them, and PyTorch's refusals. Operators for what has one.

use pullback::{DType, Operand, Result, Rounding, Tensor, no_grad};

type Plain = fn(&Tensor, &Tensor) -> Result<Tensor>;
type InPlace = fn(&Tensor, &Tensor) -> Result<()>;

macro_rules! unary {
    ($($name:ident $name_:ident)*) => {
        &[$((stringify!($name), (|x, _| x.$name()) as Plain, (|x, _| x.$name_()) as InPlace)),*]
    };
}

macro_rules! binary {
    ($($name:ident $name_:ident)*) => {
        &[$((stringify!($name), (|x, y| x.$name(y)) as Plain, (|x, y| x.$name_(y)) as InPlace)),*]
    };
}

static FLOATS_ONLY: &[(&str, Plain, InPlace)] = unary! {
    exp exp_ exp2 exp2_ expm1 expm1_ log log_ log2 log2_ log10 log10_ log1p log1p_ sqrt sqrt_ rsqrt rsqrt_ reciprocal reciprocal_
    sigmoid sigmoid_ sin sin_ cos cos_ tan tan_ asin asin_ acos acos_ atan atan_ sinh sinh_ cosh cosh_ tanh tanh_ asinh asinh_
    acosh acosh_ atanh atanh_ sinc sinc_ erf erf_ erfc erfc_ erfinv erfinv_ lgamma lgamma_ digamma digamma_ i0 i0_
    deg2rad deg2rad_ rad2deg rad2deg_ frac frac_
};

static ANY_DTYPE: &[(&str, Plain, InPlace)] = unary! {
    abs abs_ neg neg_ sign sign_ floor floor_ ceil ceil_ trunc trunc_ round round_ square square_ logical_not logical_not_
};

static OF_TWO: &[(&str, Plain, InPlace)] = binary! {
    add add_ sub sub_ mul mul_ div div_ floor_divide floor_divide_ remainder remainder_ fmod fmod_ pow pow_ maximum maximum_
    minimum minimum_ fmax fmax_ fmin fmin_ atan2 atan2_ hypot hypot_ xlogy xlogy_ copysign copysign_ nextafter nextafter_
    clamp_min clamp_min_ clamp_max clamp_max_ eq eq_ ne ne_ lt lt_ le le_ gt gt_ ge ge_ logical_and logical_and_
    logical_or logical_or_ logical_xor logical_xor_ ldexp ldexp_ heaviside heaviside_
};

fn others() -> Vec<(&'static str, Plain, InPlace)> {
    fn some(n: f64) -> Option<Operand<'static>> {
        Some(n.into())
    }
    vec![
        (
            "clamp",
            |x, _| x.clamp(some(0.4), some(0.8)),
            |x, _| x.clamp_(some(0.4), some(0.8)),
        ),
        (
            "clamp by tensors",
            |x, y| x.clamp(Some(y.into()), some(0.8)),
            |x, y| x.clamp_(Some(y.into()), some(0.8)),
        ),
        ("lerp", |x, y| x.lerp(y, 0.25), |x, y| x.lerp_(y, 0.25)),
        (
            "lerp by a tensor",
            |x, y| x.lerp(y, y),
            |x, y| x.lerp_(y, y),
        ),
        (
            "addcmul",
            |x, y| x.addcmul(y, y, 0.5),
            |x, y| x.addcmul_(y, y, 0.5),
        ),
        (
            "addcdiv",
            |x, y| x.addcdiv(y, x, 0.5),
            |x, y| x.addcdiv_(y, x, 0.5),
        ),
        (
            "masked_fill",
            |x, y| x.masked_fill(&y.gt(0.5)?, 2.0),
            |x, y| x.masked_fill_(&y.gt(0.5)?, 2.0),
        ),
        (
            "nan_to_num",
            |x, _| x.nan_to_num(None, None, None),
            |x, _| x.nan_to_num_(None, None, None),
        ),
        (
            "logit",
            |x, _| x.logit(Some(0.25)),
            |x, _| x.logit_(Some(0.25)),
        ),
        ("polygamma", |x, _| x.polygamma(2), |x, _| x.polygamma_(2)),
        (
            "mvlgamma",
            |x, _| x.mul(9.0)?.mvlgamma(2),
            |x, _| {
                x.mul_(9.0)?;
                x.mvlgamma_(2)
            },
        ),
        (
            "div_rounded",
            |x, y| x.div_rounded(y, Some(Rounding::Trunc)),
            |x, y| x.div_rounded_(y, Some(Rounding::Trunc)),
        ),
        (
            "round_decimals",
            |x, _| x.round_decimals(1),
            |x, _| x.round_decimals_(1),
        ),
        (
            "float_power",
            |x, y| x.float_power(y),
            |x, y| x.float_power_(y),
        ),
        ("pow a number", |x, _| x.pow(2.5), |x, _| x.pow_(2.5)),
        ("mul a number", |x, _| x.mul(2.5), |x, _| x.mul_(2.5)),
    ]
}

fn every() -> impl Iterator<Item = (&'static str, Plain, InPlace)> {
    let lists = FLOATS_ONLY.iter().chain(ANY_DTYPE).chain(OF_TWO).copied();
    lists.chain(others())
}

fn tensor(x: &[f64]) -> Tensor {
    Tensor::from_slice(x, [x.len()]).unwrap()
}

fn bits(t: &Tensor) -> Vec<u64> {
    let list = t.detach().to_f64_vec().unwrap();
    list.into_iter()
        .map(|x| if x.is_nan() { 1 } else { x.to_bits() })
        .collect()
}

const X: [f64; 4] = [0.375, 0.625, 0.75, 0.125];
const Y: [f64; 3] = [0.3, 1.5, 0.875];

/// A written result has the plain one's numbers and gradients: as a whole and through a view, where the second operand is
/// another tensor and where it is the tensor itself.
#[test]
fn in_place_equals_out_of_place() -> Result<()> {
    for (name, plain, in_place) in every() {
        for alias in [false, true] {
            let run = |write: bool| -> Result<_> {
                let x = tensor(&X[..3]).requires_grad_(true)?;
                let y = tensor(&Y).requires_grad_(true)?;
                let target = x.mul(1.0)?;
                let other = if alias { target.clone() } else { y.clone() };
                let result = if write {
                    in_place(&target, &other)?;
                    target
                } else {
                    plain(&target, &other)?.to(DType::F64)?
                };
                let value = bits(&result);
                if result.requires_grad() {
                    result.mul(&tensor(&[1.0, -2.0, 0.5]))?.sum()?.backward()?;
                }
                let grad = |t: &Tensor| t.grad().map_or(vec![0; 3], |g| bits(&g));
                // Zeros of either sign: comparisons write zeros over a history, others leave none.
                let grads: Vec<u64> = [grad(&x), grad(&y)].concat();
                Ok((
                    value,
                    grads
                        .into_iter()
                        .map(|g| if g << 1 == 0 { 0 } else { g })
                        .collect::<Vec<_>>(),
                ))
            };
            assert_eq!(
                run(true)?,
                run(false)?,
                "{name}_, operand {}",
                if alias { "itself" } else { "another" }
            );
        }
    }
    Ok(())
}

#[test]
fn views_and_untracked_tensors_are_written_too() -> Result<()> {
    for (name, plain, in_place) in every() {
        let whole = tensor(&[X[0], 9.0, X[1], 9.0, X[2], 9.0]);
        let every_other = whole.reshape([3, 2])?.select(1, 0)?;
        let want = plain(&tensor(&X[..3]), &tensor(&Y))?.to(DType::F64)?;
        in_place(&every_other, &tensor(&Y))?;
        assert_eq!(bits(&every_other), bits(&want), "{name}_ through a view");
        let all = whole.to_f64_vec()?;
        assert_eq!(
            [all[1], all[3], all[5]],
            [9.0; 3],
            "{name}_ writes beside its view"
        );
        assert!(
            whole.version() > 0 || name == "positive",
            "{name}_ does not count as a write"
        );
        // A leaf is written under `no_grad` only.
        let leaf = tensor(&X[..3]).requires_grad_(true)?;
        assert!(
            in_place(&leaf, &tensor(&Y)).is_err(),
            "{name}_ writes a leaf"
        );
        let _quiet = no_grad();
        in_place(&leaf, &tensor(&Y))?;
        assert_eq!(bits(&leaf), bits(&want), "{name}_ of a leaf under no_grad");
    }
    Ok(())
}

#[test]
fn integers_hold_no_fractions() -> Result<()> {
    let count = Tensor::from_slice(&[3i64, 4], [2])?;
    for (name, _, in_place) in FLOATS_ONLY.iter().filter(|f| f.0 != "frac") {
        let e = in_place(&count, &count).unwrap_err();
        assert_eq!(
            e.message(),
            "result type Float can't be cast to the desired output type Long",
            "{name}_"
        );
    }
    for (name, _, in_place) in ANY_DTYPE {
        in_place(&count.copy()?, &count).unwrap_or_else(|e| panic!("{name}_: {e}"));
    }
    let half = tensor(&[0.5, 0.5]);
    for result in [count.div_(&half), count.atan2_(&half), count.xlogy_(&half)] {
        let e = result.unwrap_err();
        assert_eq!(
            e.message(),
            "result type Double can't be cast to the desired output type Long"
        );
    }
    // A wider operand is computed with and rounded once.
    let single = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
    single.hypot_(&tensor(&[1e-3, 1e-3]))?;
    assert_eq!(
        single.to_vec::<f32>()?,
        [1f64.hypot(1e-3) as f32, 2f64.hypot(1e-3) as f32]
    );
    // A result of another shape is refused.
    let e = single
        .maximum_(&tensor(&[1.0; 4]).reshape([2, 2])?)
        .unwrap_err();
    assert_eq!(
        e.message(),
        "output with shape [2] doesn't match the broadcast shape [2, 2]"
    );
    Ok(())
}

#[test]
fn operators_are_the_methods() -> Result<()> {
    let (a, b) = (
        Tensor::from_slice(&[12i64, -7], [2])?,
        Tensor::from_slice(&[10i64, 3], [2])?,
    );
    let list = |t: Tensor| t.to_vec::<i64>().unwrap();
    assert_eq!(list(&a & &b), [8, 1]);
    assert_eq!(list(&a | 1), [13, -7]);
    assert_eq!(list(3 ^ &b), [9, 0]);
    assert_eq!(list(&a % &b), [2, 2]);
    assert_eq!(list(7 % &b), [7, 1]);
    assert_eq!(list((&a << 1) >> 2), [6, -4]);
    assert_eq!(list(!&a), [-13, 6]);
    let mask = a.gt(0)?;
    assert_eq!((!mask.clone() | false).to_vec::<bool>()?, [false, true]);
    assert_eq!((mask & true).to_vec::<bool>()?, [true, false]);
    assert_eq!((tensor(&[5.5, -5.5]) % 2.0).to_vec::<f64>()?, [1.5, 0.5]);
    Ok(())
}
