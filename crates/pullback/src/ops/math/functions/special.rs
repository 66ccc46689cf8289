//! PyTorch's `torch.special` beyond what `pointwise` and `smooth` have: Bessel and Airy functions, the scaled error function, the normal
//! distribution's inverse, orthogonal polynomials, the zeta function.

use crate::call::Function;
use crate::call::IntoValue;
use crate::{Curve, Operand, Orthogonal, Result, Tensor, ops};

const WIDE: &[&str] = &["T(2,3)", "T()", "T(0,2)", "T(2,3).t", "I(3, 5)"];
const POSITIVE: &[&str] = &[
    "T(2,3, pos)",
    "T(pos)",
    "T(0,2)",
    "T(2,3, pos).t",
    "I[1, 2, 3]",
];
const EDGES: &[&str] = &["T[0.0, -0.0, inf, -inf, nan, -1.5]", "T[1.0, 17.5, 31.0]"];

/// PyTorch's Bessel functions are rational approximations good to 1e-11, and to 1e-8 just beyond 5; these series are good to the last
/// place, which the proof compares with double-double.
const CEPHES: (f64, f64) = (32768.0, 32768.0);

/// A function of one number that has a gradient.
macro_rules! smooth {
    ($signature:literal, $places:literal, $method:ident, $op:ident, $samples:expr, $units:expr) => {
        Function::new($signature, $places, |a| {
            a.tensor("input")?.$method().into_value()
        })
        .of(ops::$op::DEF)
        .units($units.0, $units.1)
        .samples($samples)
        .edges(EDGES)
    };
}

/// A function of one number without a gradient.
macro_rules! curve {
    ($signature:literal, $curve:ident, $about:literal, $formula:literal, $samples:expr) => {
        Function::new($signature, "special", |a| {
            a.tensor("input")?.special_curve(Curve::$curve).into_value()
        })
        .about($about, $formula)
        .units(64.0, 64.0)
        .samples($samples)
        .edges(EDGES)
    };
}

// Orders that a gradient may be asked by are edges: it is an error. Of integers PyTorch takes ln Γ in single precision, which 1 and 2 do not show.
const SHARES: &[&str] = &[
    "I[[1, 2, 1], [2, 1, 2]], T(2,3, pos)",
    "I[1, 2, 2], T(2,3, pos).t",
    "I[2], T(4, pos)",
    "I(0,3, 5), T(3, pos)",
    "I[[1], [2]], T(pos)",
];

const POLYNOMIALS: &[&str] = &[
    "T(2,3), 3",
    "T(2,3), I[0, 1, 2]",
    "T(3), T[2.0, 3.0, 4.0]",
    "0.5, I[0, 1, 5]",
    "T(0,2), 2",
    "I(3, 3), 2",
    "T(2,1), I[[1, 2, 3]]",
    "T(2,3).t, 4",
];
const DEGREES: &[&str] = &[
    "T[1.0, -1.0, 0.0, nan, 2.0], 3",
    "T[0.3, -0.8], I[-1, 0]",
    "T[0.3, -0.8, 0.9], 9",
    "T[0.5], 1.9",
];

/// Orthogonal polynomials.
macro_rules! polynomial {
    ($signature:literal, $kind:ident, $shifted:literal, $about:literal, $formula:literal) => {
        Function::new($signature, "special", |a| {
            polynomial(
                a.operand("input")?,
                a.operand("n")?,
                Orthogonal::$kind,
                $shifted,
                a.name(),
            )
            .into_value()
        })
        .about($about, $formula)
        // PyTorch takes cosines for high degrees inside the interval.
        .units(64.0, 64.0)
        .samples(POLYNOMIALS)
        .edges(DEGREES)
        .errors(&["T(2), I(3, 5)", "1, 2"])
    };
}

fn polynomial(
    x: Operand<'_>,
    n: Operand<'_>,
    kind: Orthogonal,
    shifted: bool,
    name: &str,
) -> Result<Tensor> {
    match (x, n) {
        (Operand::Number(_), Operand::Number(_)) => {
            Err(crate::ops::math::functions::logic::two_numbers(name))
        }
        (x, n) => Tensor::orthogonal_polynomial(kind, shifted, x, n),
    }
}

/// Finite where `x` is: PyTorch's `modified_bessel_…` have no value at infinity.
fn finite(x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let nan = Tensor::full([], f64::NAN, y.dtype())?;
    nan.where_(&x.isinf()?, y)
}

pub(in crate::ops) static LIST: &[Function] = &[
    smooth!(
        "bessel_j0(Tensor input) -> Tensor",
        "special",
        bessel_j0,
        BesselJ0,
        WIDE,
        CEPHES
    ),
    smooth!(
        "bessel_j1(Tensor input) -> Tensor",
        "special",
        bessel_j1,
        BesselJ1,
        WIDE,
        CEPHES
    ),
    smooth!(
        "bessel_y0(Tensor input) -> Tensor",
        "special",
        bessel_y0,
        BesselY0,
        POSITIVE,
        CEPHES
    ),
    smooth!(
        "bessel_y1(Tensor input) -> Tensor",
        "special",
        bessel_y1,
        BesselY1,
        POSITIVE,
        CEPHES
    ),
    smooth!(
        "modified_bessel_k0(Tensor input) -> Tensor",
        "special",
        modified_bessel_k0,
        BesselK0,
        POSITIVE,
        (16.0, 32.0)
    ),
    smooth!(
        "modified_bessel_k1(Tensor input) -> Tensor",
        "special",
        modified_bessel_k1,
        BesselK1,
        POSITIVE,
        (16.0, 32.0)
    ),
    Function::new(
        "modified_bessel_i0(Tensor input) -> Tensor",
        "special",
        |a| {
            let x = a.tensor("input")?;
            finite(x, &x.i0()?).into_value()
        },
    )
    .node("SpecialModifiedBesselI0Backward0")
    .about(
        "The modified Bessel function of the first kind and order 0.",
        "I₀(x)",
    )
    .units(16.0, 32.0)
    .samples(WIDE)
    .edges(EDGES),
    Function::new(
        "modified_bessel_i1(Tensor input) -> Tensor",
        "special",
        |a| {
            let x = a.tensor("input")?;
            finite(x, &x.i1()?).into_value()
        },
    )
    .node("SpecialModifiedBesselI1Backward0")
    .about(
        "The modified Bessel function of the first kind and order 1.",
        "I₁(x)",
    )
    .units(16.0, 64.0)
    .samples(WIDE)
    .edges(EDGES),
    curve!(
        "scaled_modified_bessel_k0(Tensor input) -> Tensor",
        ScaledK0,
        "The modified Bessel function of the second kind and order 0, scaled.",
        "eˣ K₀(x)",
        POSITIVE
    ),
    curve!(
        "scaled_modified_bessel_k1(Tensor input) -> Tensor",
        ScaledK1,
        "The modified Bessel function of the second kind and order 1, scaled.",
        "eˣ K₁(x)",
        POSITIVE
    ),
    curve!(
        "spherical_bessel_j0(Tensor input) -> Tensor",
        SphericalJ0,
        "The spherical Bessel function of the first kind and order 0.",
        "sin(x)/x",
        WIDE
    ),
    curve!(
        "airy_ai(Tensor input) -> Tensor",
        AiryAi,
        "Airy's function Ai.",
        "Ai(x)",
        // PyTorch's is off by up to 2e-5 of the value between -2.1 and -6.
        &[
            "T(2,3, pos)",
            "T()",
            "T(0,2)",
            "T(2,3, pos).t",
            "I(3, 5)",
            "T[-20.0, 9.5, 1.5, -1.0]"
        ]
    ),
    smooth!(
        "erfcx(Tensor input) -> Tensor",
        "special",
        erfcx,
        Erfcx,
        &[
            "T(2,3)",
            "T()",
            "T(0,2)",
            "T(2,3).t",
            "I(3, 5)",
            "T[1.3, 4.0, -3.0]"
        ],
        (16.0, 64.0)
    ),
    smooth!(
        "log_ndtr(Tensor input) -> Tensor",
        "special",
        log_ndtr,
        LogNdtr,
        &[
            "T(2,3)",
            "T()",
            "T(0,2)",
            "T(2,3).t",
            "I(3, 5)",
            "T[-1.3, 4.0, -3.0]"
        ],
        (16.0, 256.0)
    ),
    smooth!(
        "ndtri(Tensor input) -> Tensor",
        "special",
        ndtri,
        Ndtri,
        &[
            "T(2,3, unit)",
            "T(unit)",
            "T(0,2)",
            "T(2,3, unit).t",
            "T[0.01, 0.99, 0.4]"
        ],
        (16.0, 128.0)
    ),
    Function::new(
        "zeta(Tensor|number input, Tensor|number other) -> Tensor",
        "special",
        |a| match (a.operand("input")?, a.operand("other")?) {
            (Operand::Number(_), Operand::Number(_)) => Err(
                crate::ops::math::functions::logic::two_numbers("special_zeta"),
            ),
            (x, q) => Tensor::zeta(x, q).into_value(),
        },
    )
    .of(ops::Zeta::DEF)
    .node_by(|a| {
        Ok(match (a.is_tensor("input"), a.is_tensor("other")) {
            (true, true) => "SpecialZetaBackward0",
            (false, _) => "SpecialZetaBackward1",
            _ => "SpecialZetaBackward2",
        })
    })
    .units(16.0, 16.0)
    .samples(&[
        "2.5, T(2,3, pos)",
        "I[[5, 2], [3, 4]], 2",
        "2, I[1, 2, 3]",
        "I[2, 3], I[[1], [2]]",
        "I(0, 3), I[1]",
        "I[2, 5], 0.5",
    ])
    .edges(&[
        "I[1, 0, 2, 3, 2], I[1, 1, 0, -2, 1]",
        "I[2, 3], -1.5",
        "T[[1.5, 2.0, 3.5], [4.0, 6.0, 1.25]].fixed, T(3, pos)",
    ])
    .errors(&["I[1, 2], I(3, 5)", "1, 2"]),
    Function::new(
        "igamma(Tensor input, Tensor other) -> Tensor",
        "torch Tensor special:gammainc",
        |a| a.tensor("input")?.igamma(a.tensor("other")?).into_value(),
    )
    .of(ops::Igamma::DEF)
    // PyTorch's single precision is that of its steps.
    .units(64.0, 64.0)
    .in_place()
    .samples(SHARES)
    .edges(&[
        "T[0.0, 0.0, 1.0, -1.0, inf, 2.0, inf, nan].fixed, T[0.0, 1.0, 0.0, 1.0, 1.0, inf, inf, 1.0]",
        "T[1.0, 0.5, 2.0].fixed, T[0.0, 1.0, 0.0]",
        "T(2,3, pos).fixed, T(3, pos)",
        "T(3, pos).f64.fixed, T(3, pos).f32",
        "T[0.001, 12.0, 25.0, 300.0].fixed, T[0.5, 9.0, 60.0, 30.0]",
    ])
    .errors(&["I[1, 2], I[1, 2]", "T(2,3), T(4)"]),
    Function::new(
        "igammac(Tensor input, Tensor other) -> Tensor",
        "torch Tensor special:gammaincc",
        |a| a.tensor("input")?.igammac(a.tensor("other")?).into_value(),
    )
    .of(ops::Igammac::DEF)
    // PyTorch's single precision is that of its steps.
    .units(64.0, 64.0)
    .in_place()
    .samples(SHARES)
    .edges(&[
        "T[0.0, 0.0, 1.0, -1.0, inf, 2.0, inf, nan].fixed, T[0.0, 1.0, 0.0, 1.0, 1.0, inf, inf, 1.0]",
        "T[1.0, 0.5, 2.0].fixed, T[0.0, 1.0, 0.0]",
        "T(2,3, pos).fixed, T(3, pos)",
        "T(3, pos).f64.fixed, T(3, pos).f32",
        "T[0.001, 12.0, 25.0, 300.0].fixed, T[0.5, 9.0, 60.0, 30.0]",
    ])
    .errors(&["I[1, 2], I[1, 2]", "T(2,3), T(4)"]),
    polynomial!(
        "chebyshev_polynomial_t(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevT,
        false,
        "Chebyshev polynomials of the first kind.",
        "Tₙ(x)"
    ),
    polynomial!(
        "chebyshev_polynomial_u(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevU,
        false,
        "Chebyshev polynomials of the second kind.",
        "Uₙ(x)"
    ),
    polynomial!(
        "chebyshev_polynomial_v(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevV,
        false,
        "Chebyshev polynomials of the third kind.",
        "Vₙ(x)"
    ),
    polynomial!(
        "chebyshev_polynomial_w(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevW,
        false,
        "Chebyshev polynomials of the fourth kind.",
        "Wₙ(x)"
    ),
    polynomial!(
        "shifted_chebyshev_polynomial_t(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevT,
        true,
        "Chebyshev polynomials of the first kind, on [0, 1].",
        "Tₙ(2x - 1)"
    ),
    polynomial!(
        "shifted_chebyshev_polynomial_u(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevU,
        true,
        "Chebyshev polynomials of the second kind, on [0, 1].",
        "Uₙ(2x - 1)"
    ),
    polynomial!(
        "shifted_chebyshev_polynomial_v(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevV,
        true,
        "Chebyshev polynomials of the third kind, on [0, 1].",
        "Vₙ(2x - 1)"
    ),
    polynomial!(
        "shifted_chebyshev_polynomial_w(Tensor|number input, Tensor|number n) -> Tensor",
        ChebyshevW,
        true,
        "Chebyshev polynomials of the fourth kind, on [0, 1].",
        "Wₙ(2x - 1)"
    ),
    polynomial!(
        "hermite_polynomial_h(Tensor|number input, Tensor|number n) -> Tensor",
        HermiteH,
        false,
        "Hermite polynomials, as physics has them.",
        "Hₙ(x)"
    ),
    polynomial!(
        "hermite_polynomial_he(Tensor|number input, Tensor|number n) -> Tensor",
        HermiteHe,
        false,
        "Hermite polynomials, as statistics has them.",
        "Heₙ(x)"
    ),
    polynomial!(
        "laguerre_polynomial_l(Tensor|number input, Tensor|number n) -> Tensor",
        LaguerreL,
        false,
        "Laguerre polynomials.",
        "Lₙ(x)"
    ),
    polynomial!(
        "legendre_polynomial_p(Tensor|number input, Tensor|number n) -> Tensor",
        LegendreP,
        false,
        "Legendre polynomials.",
        "Pₙ(x)"
    ),
];
