//! Functions of one number, element by element: exponentials, logarithms, roots, trigonometry, special functions, rounding.

use crate::call::Function;
use crate::call::IntoValue;
use crate::ops;

/// An entry for a method without arguments: `name(Tensor input) -> Tensor`.
macro_rules! plain {
    ($name:ident, $places:literal, $kind:ident $(, $edges:literal)* $(; $($more:tt)*)?) => {
        plain!(@more Function::new(
            concat!(stringify!($name), "(Tensor input) -> Tensor"),
            $places,
            |a| a.tensor("input")?.$name().into_value(),
        ).samples($kind).edges(&[$($edges),*]) $(; $($more)*)?)
    };
    (@more $f:expr) => { $f };
    (@more $f:expr; $($more:tt)*) => { $f $($more)* };
}

/// Samples of functions of any number.
const ANY: &[&str] = &[
    "T(2,3)",
    "T()",
    "T(0,2)",
    "T(3,2).t",
    "I(3, 5)",
    "B[True, False]",
];
/// Samples of functions of positive numbers.
const POSITIVE: &[&str] = &[
    "T(2,3, pos)",
    "T(pos)",
    "T(0,2)",
    "T(3,2, pos).t",
    "I[1, 4, 9]",
];
/// Samples of functions on (0, 1).
const UNIT: &[&str] = &[
    "T(2,3, unit)",
    "T(unit)",
    "T(0,2)",
    "T(3,2, unit).t",
    "B[False]",
];
/// Samples of floats alone.
const FLOATS: &[&str] = &["T(2,3)", "T()", "T(0,2)", "T(3,2).t"];
/// Samples of functions of numbers greater than 1.
const ABOVE_ONE: &[&str] = &[
    "T[1.25, 2.5, 3.75]",
    "T[[1.5], [7.0]]",
    "T(0,2)",
    "T[[1.125, 2.0], [3.5, 4.25]].t",
    "I[2, 4]",
];
/// Samples away from the extremes of sinc, whose derivative cancels there.
const SINC: &[&str] = &[
    "T[[0.625, -1.25, 2.25], [-0.375, 1.75, -2.625]]",
    "T[0.5]",
    "T(0,2)",
    "T[[0.625, -1.25], [0.25, 1.75]].t",
];
/// Samples away from the zeros of the logarithm of the gamma function and its derivative.
const GAMMA: &[&str] = &[
    "T[3.25, 2.5, 3.75]",
    "T[[4.5], [7.0]]",
    "T(0,2)",
    "T[[3.125, 2.75], [3.5, 4.25]].t",
    "I[4, 5]",
];
/// Samples near 0.
const SMALL: &[&str] = &[
    "T[0.5, -0.75, 0.25]",
    "T[[0.375]]",
    "T(0,2)",
    "T[[0.5, -0.25], [-0.625, 0.75]].t",
    "B[True, False]",
];
/// Samples of functions that round.
const ROUNDED: &[&str] = &[
    "T(2,3)",
    "T()",
    "T(0,2)",
    "T(3,2).t",
    "I(3, 5)",
    "I[7, 0].u8",
];

pub(in crate::ops) static LIST: &[Function] = &[
    // exponentials, logarithms, roots
    plain!(exp, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[88.0, 100.0]", "T[-200.0, -800.0]"; .of(ops::Exp::DEF).in_place()),
    plain!(exp2, "torch Tensor special", ANY, "T[0.0, -0.0, inf, -inf, nan, 5.0]", "T[-2000.0, 0.5]"; .of(ops::Exp2::DEF).in_place()),
    plain!(expm1, "torch Tensor special", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[1e-8, -1e-8]"; .of(ops::Expm1::DEF).in_place()),
    plain!(log, "torch Tensor", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 1.0]"; .of(ops::Log::DEF).in_place()),
    plain!(log2, "torch Tensor", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 1.0, 8.0]"; .of(ops::Log2::DEF).in_place()),
    plain!(log10, "torch Tensor", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 1.0, 1000.0]"; .of(ops::Log10::DEF).in_place()),
    plain!(log1p, "torch Tensor special", POSITIVE, "T[0.0, -0.0, -1.0, -2.0, inf, -inf, nan]", "T[1e-8, -1e-8]"; .of(ops::Log1p::DEF).in_place()),
    plain!(sqrt, "torch Tensor", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 4.0]"; .of(ops::Sqrt::DEF).in_place()),
    plain!(rsqrt, "torch Tensor", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 4.0]"; .of(ops::Rsqrt::DEF).in_place()),
    plain!(square, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan]", "I[3, -3].i32"; .about("Product with itself, element by element.", "x²").in_place().exact()),
    plain!(reciprocal, "torch Tensor", FLOATS, "T[0.0, -0.0, inf, -inf, nan]", "I[1, 2, 0]"; .of(ops::Reciprocal::DEF).in_place()),
    plain!(sigmoid, "torch Tensor special:expit nn.functional", ANY, "T[0.0, -0.0, inf, -inf, nan, 100.0, -100.0]"; .of(ops::Sigmoid::DEF).in_place()),
    // trigonometry
    plain!(sin, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan, 1e6]"; .of(ops::Sin::DEF).in_place()),
    plain!(cos, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan, 1e6]"; .of(ops::Cos::DEF).in_place()),
    plain!(tan, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan]"; .of(ops::Tan::DEF).in_place()),
    plain!(asin, "torch Tensor torch:arcsin Tensor:arcsin", UNIT, "T[0.0, -0.0, 1.0, -1.0, 2.0, inf, nan]"; .of(ops::Asin::DEF).in_place()),
    plain!(acos, "torch Tensor torch:arccos Tensor:arccos", UNIT, "T[0.0, -0.0, 1.0, -1.0, 2.0, inf, nan]"; .of(ops::Acos::DEF).in_place()),
    plain!(atan, "torch Tensor torch:arctan Tensor:arctan", ANY, "T[0.0, -0.0, inf, -inf, nan]"; .of(ops::Atan::DEF).in_place()),
    plain!(sinh, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[100.0, 1e-8]"; .of(ops::Sinh::DEF).in_place()),
    plain!(cosh, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[100.0, 1e-8]"; .of(ops::Cosh::DEF).in_place()),
    plain!(tanh, "torch Tensor nn.functional", ANY, "T[0.0, -0.0, inf, -inf, nan, 40.0]", "T[1e-8, -1e-8]"; .of(ops::Tanh::DEF).in_place()),
    plain!(asinh, "torch Tensor torch:arcsinh Tensor:arcsinh", ANY, "T[0.0, -0.0, inf, -inf, nan, 1e10]", "T[1e-8, -1e-8]"; .of(ops::Asinh::DEF).in_place()),
    plain!(acosh, "torch Tensor torch:arccosh Tensor:arccosh", ABOVE_ONE, "T[0.0, -0.0, 1.0, 0.5, inf, -inf, nan]"; .of(ops::Acosh::DEF).in_place()),
    plain!(atanh, "torch Tensor torch:arctanh Tensor:arctanh", UNIT, "T[0.0, -0.0, 1.0, -1.0, 2.0, inf, nan]"; .of(ops::Atanh::DEF).in_place()),
    plain!(sinc, "torch Tensor special", SINC, "T[0.0, -0.0, inf, -inf, nan]", "I(3, 5)"; .of(ops::Sinc::DEF).in_place()),
    plain!(deg2rad, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan, 180.0]"; .about("Degrees to radians, element by element.", "πx/180").node("Deg2RadBackward0").in_place()),
    plain!(rad2deg, "torch Tensor", ANY, "T[0.0, -0.0, inf, -inf, nan, 3.0]"; .about("Radians to degrees, element by element.", "180x/π").node("Rad2DegBackward0").in_place()),
    // special functions
    plain!(erf, "torch Tensor special", ANY, "T[0.0, -0.0, inf, -inf, nan, 10.0]", "T[1e-8]"; .of(ops::Erf::DEF).in_place()),
    plain!(erfc, "torch Tensor special", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[5.0]", "T[9.0]"; .of(ops::Erfc::DEF).in_place()),
    // PyTorch's last steps cancel: a dozen units near ±1.
    plain!(erfinv, "torch Tensor special", UNIT, "T[0.0, -0.0, 1.0, -1.0, 2.0, nan, inf]", "T[0.25, -0.5]"; .of(ops::Erfinv::DEF).in_place().units(16.0, 64.0)),
    // PyTorch's logarithm of the gamma function is good to a few units of the larger terms it is made of.
    plain!(lgamma, "torch Tensor special:gammaln", GAMMA, "T[0.0, -0.0, -1.0, inf, -inf, nan]", "T[1.0, 2.0, 0.5, -1.5]", "I[1, 5]"; .of(ops::Lgamma::DEF).in_place().units(16.0, 64.0)),
    // PyTorch's trigamma function is good to ten digits, in double precision too.
    plain!(digamma, "torch Tensor special special:psi", POSITIVE, "T[0.0, -0.0, inf, nan, 1.0, 10.0]", "T[-1.5, -0.25]"; .of(ops::Digamma::DEF).in_place().units(16.0, 4e6)),
    Function::new("polygamma(Tensor input, int n) -> Tensor", "Tensor", |a| {
        a.tensor("input")?.polygamma(a.int("n")?).into_value()
    })
    .node("PolygammaBackward0")
    .in_place()
    .about("The derivative of order n of the digamma function, element by element.", "ψ⁽ⁿ⁾(x)")
    .in_place()
    .samples(&["T(2,3, pos), 1", "T(pos), 2", "T(0,2), 0", "T(3,2, pos).t, 3"])
    .units(4e6, 4e6),
    Function::new("polygamma(int n, Tensor input) -> Tensor", "torch special", |a| {
        a.tensor("input")?.polygamma(a.int("n")?).into_value()
    })
    .node("PolygammaBackward0")
    .about("The derivative of order n of the digamma function, element by element.", "ψ⁽ⁿ⁾(x)")
    .samples(&["1, T(2,3, pos)", "2, T(pos)", "0, T(0,2)", "3, T(3,2, pos).t", "2, I[1, 4]"])
    .edges(&["0, T[0.0, -0.0, inf, nan, 1.0]", "1, T[0.0, inf, nan, 1.0, 10.0]", "2, T[0.0, -1.0, inf, nan, -1.5]"])
    .errors(&["-1, T(2)"])
    .units(4e6, 4e6),
    // PyTorch's polynomials are rounded many times over in single precision, and the terms of gradients nearly cancel.
    plain!(i0, "torch Tensor special", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[20.0]", "T[8.0]", "T[-30.0]"; .of(ops::I0::DEF).in_place().units(16.0, 64.0)),
    plain!(i1, "special", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[20.0]", "T[8.0]", "T[-30.0]"; .of(ops::I1::DEF).units(16.0, 1024.0)),
    plain!(i0e, "special", ANY, "T[0.0, -0.0, inf, -inf, nan]", "T[20.0]", "T[8.0]", "T[-300.0]"; .of(ops::I0e::DEF).units(16.0, 1024.0)),
    plain!(i1e, "special", SMALL, "T[0.0, -0.0, inf, -inf, nan]", "T[20.0]", "T[8.0]", "T[-300.0]"; .of(ops::I1e::DEF).units(16.0, 1024.0)),
    plain!(entr, "special", POSITIVE, "T[0.0, -0.0, -1.0, inf, -inf, nan, 1.0]"; .of(ops::Entr::DEF)),
    plain!(ndtr, "special", ANY, "T[0.0, -0.0, inf, -inf, nan]"; .about("The normal distribution's cumulative distribution function, element by element.", "(1 + erf(x/√2))/2").node("MulBackward1")),
    Function::new("logit(Tensor input, float? eps=None) -> Tensor", "torch Tensor special", |a| {
        a.tensor("input")?.logit(a.float_opt("eps")?).into_value()
    })
    .about("Logarithm of the odds, element by element; with eps, of numbers kept inside [eps, 1 - eps].", "ln(x/(1 - x))")
    .in_place()
    .samples(&["T(2,3, unit)", "T(unit)", "T(0,2)", "T(3,2, unit).t", "T(2,3, unit), 0.015625", "T(3, unit), eps=1e-6"])
    .edges(&[
        "T[nan, -0.0, 0.0, inf, -inf, 1.0, 0.5]", "T[nan, -0.0, 0.0, inf, -inf, 1.0, 0.5], 0.1", "T[nan, 0.0, 0.5, 1.0, 2.0], 1e-6",
        "T[nan, 0.25, 0.5, 0.75, 1.0], 0.25", "T[nan, 0.0, 0.5, 1.0, 2.0], -1.0", "I[0, 1], 0.25",
    ]),
    Function::new("mvlgamma(Tensor input, int p) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.mvlgamma(a.int("p")?).into_value()
    })
    .node("MvlgammaBackward0")
    .about("The logarithm of the multivariate gamma function of dimension p, element by element.", "ln Γₚ(x)")
    .in_place_refusing(|d| (!d.is_float()).then(|| format!("mvlgamma: result type {} can't be cast to the desired output type Float", d.scalar_type_name())))
    .samples(&["T[[3.75, 4.5], [5.25, 4.0]], 2", "T[5.5], 3", "T(0,2), 2", "T[[3.5, 4.5], [2.75, 6.0]].t, 1", "I[3, 4], 2"])
    .errors(&["T(2), 0"])
    .units(16.0, 64.0),
    Function::new("multigammaln(Tensor input, int p) -> Tensor", "special", |a| {
        a.tensor("input")?.mvlgamma(a.int("p")?).into_value()
    })
    .node("MvlgammaBackward0")
    .about("The logarithm of the multivariate gamma function of dimension p, element by element.", "ln Γₚ(x)")
    .samples(&["T[[3.75, 4.5], [5.25, 4.0]], 2", "T[5.5], 3", "T(0,2), 2", "T[[3.5, 4.5], [2.75, 6.0]].t, 1"])
    .units(16.0, 64.0),
    // rounding and signs
    plain!(abs, "torch Tensor torch:absolute Tensor:absolute", FLOATS, "T[0.0, -0.0, inf, -inf, nan]", "I[3, -3, 0]", "I[3, -3].i32"; .of(ops::Abs::DEF).in_place().exact().errors(&["B[True]"])),
    plain!(neg, "torch Tensor torch:negative Tensor:negative", FLOATS, "T[0.0, -0.0, inf, -inf, nan]", "I[3, -3, 0]", "I[3, 0].u8"; .of(ops::Neg::DEF).in_place().exact().errors(&["B[True]"])),
    plain!(positive, "torch Tensor", ROUNDED, "T[0.0, -0.0, inf, nan]"; .about("The tensor itself.", "x").exact().errors(&["B[True]"])),
    plain!(sign, "torch Tensor", ROUNDED, "T[0.0, -0.0, inf, -inf, nan]", "I[3, -3, 0]", "B[True, False]"; .of(ops::Sign::DEF).in_place().exact()),
    Function::new("sgn(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.sign().into_value())
        .node("SgnBackward0")
    .about("The sign: -1, 0 or 1, element by element; 0 for NaN.", "x/|x|, 0 at 0")
        .in_place().exact()
        .samples(ROUNDED)
        .edges(&["T[0.0, -0.0, inf, -inf, nan]", "B[True, False]"]),
    plain!(floor, "torch Tensor", ROUNDED, "T[0.0, -0.0, inf, -inf, nan, 0.5, -0.5, 2.0, -1.5]"; .of(ops::Floor::DEF).in_place().exact().errors(&["B[True]"])),
    plain!(ceil, "torch Tensor", ROUNDED, "T[0.0, -0.0, inf, -inf, nan, 0.5, -0.5, 2.0, -1.5]"; .of(ops::Ceil::DEF).in_place().exact().errors(&["B[True]"])),
    plain!(trunc, "torch Tensor torch:fix Tensor:fix", ROUNDED, "T[0.0, -0.0, inf, -inf, nan, 0.5, -0.5, 2.0, -1.5]"; .of(ops::Trunc::DEF).in_place().exact().errors(&["B[True]"])),
    plain!(frac, "torch Tensor", FLOATS, "T[0.0, -0.0, inf, -inf, nan, 0.5, -0.5, 2.0, -1.5]"; .about("What truncation takes away, element by element.", "x - trunc(x)").node("FracBackward0").in_place().exact().errors(&["B[True]", "I[1, 2]"])),
    Function::new("round(Tensor input, *, int decimals=0) -> Tensor", "torch Tensor special", |a| {
        a.tensor("input")?.round_decimals(a.int("decimals")?).into_value()
    })
    .about("The nearest integer, or number with so many decimals, ties to even, element by element.", "round(x·10ᵈ)/10ᵈ")
    .in_place().exact()
    .samples(&["T(2,3)", "T()", "T(0,2), decimals=1", "T(3,2).t, decimals=-1", "T(2,3), decimals=2", "I(3, 5)"])
    .edges(&[
        "T[0.0, -0.0, inf, -inf, nan, 0.5, 1.5, 2.5, -0.5, -2.5]", "T[1.55, 2.55, -0.5, 1234.567], decimals=1",
        "T[1.55, 2.55, -0.5, 1234.567], decimals=-2", "T[1.5, nan, inf], decimals=3",
    ])
    .errors(&["B[True]", "I[1, 2], decimals=1"]),
    Function::new(
        "nan_to_num(Tensor input, float? nan=None, float? posinf=None, float? neginf=None) -> Tensor",
        "torch Tensor",
        |a| a.tensor("input")?.nan_to_num(a.float_opt("nan")?, a.float_opt("posinf")?, a.float_opt("neginf")?).into_value(),
    )
    .of(ops::NanToNum::DEF)
    .in_place().exact()
    .samples(&["T(2,3)", "T()", "T(0,2)", "T(3,2).t, 1.0, 2.0, 3.0", "T(3), nan=1.5", "I(3, 5)", "B[True, False], 2.0"])
    .edges(&["T[nan, inf, -inf, 1.0]", "T[nan, inf, -inf, 1.0], 1.0, 2.0, 3.0", "T[nan, inf, -inf], posinf=2.0", "T[nan, inf, -inf], neginf=2.0", "T[inf, nan], posinf=1e300"]),
];
