"""Calls of all functions that write in place: `name(module)` for each gives what the results' `grad_fn` is called, or how the call fails."""

PLAIN = """abs_ absolute_ acos_ acosh_ arccos_ arccosh_ arcsin_ arcsinh_ arctan_ arctanh_ asin_ asinh_ atan_ atanh_ ceil_ conj_physical_ cos_ cosh_
deg2rad_ digamma_ erf_ erfc_ erfinv_ exp2_ exp_ expm1_ fix_ floor_ frac_ i0_ lgamma_ log10_ log1p_ log2_ log_ logit_ nan_to_num_ neg_ negative_
rad2deg_ reciprocal_ relu_ round_ rsqrt_ sgn_ sigmoid_ sign_ sin_ sinc_ sinh_ sqrt_ square_ tan_ tanh_ tril_ triu_ trunc_ zero_""".split()
NUMBER_OR_TENSOR = """add_ sub_ subtract_ mul_ multiply_ div_ divide_ true_divide_ pow_ float_power_ fmod_ remainder_ floor_divide_ copysign_ xlogy_ clamp_
clamp_min_ clamp_max_ clip_ eq_ ne_ lt_ le_ gt_ ge_ greater_ greater_equal_ less_ less_equal_ not_equal_ ldexp_ fill_""".split()
TENSOR = "arctan2_ atan2_ hypot_ heaviside_ igamma_ igammac_ nextafter_ copy_ logical_and_ logical_or_ logical_xor_".split()
OTHER = {
    "addbmm_": ["M.ones(2, 3, 3), M.ones(2, 3, 3)"],
    "addcdiv_": ["o, o", "o, o, value=2"],
    "addcmul_": ["o, o", "o, o, value=2"],
    "addmm_": ["o, o"],
    "addmv_": [],
    "addr_": ["o[0], o[0]"],
    "cumprod_": ["0"],
    "cumsum_": ["0"],
    "div_": ["2, rounding_mode='floor'", "o, rounding_mode='trunc'"],
    "fill_": ["M.tensor(2.0)"],
    "index_add_": ["0, i, o"],
    "index_copy_": ["0, i, o"],
    "index_fill_": ["0, i, 2.0", "0, i, M.tensor(2.0)"],
    "index_put_": ["(i,), o", "(i,), o, accumulate=True"],
    "index_reduce_": ["0, i, o, 'prod'", "0, i, o, 'amax'"],
    "lerp_": ["o, 0.5", "o, o"],
    "masked_fill_": ["m, 2.0", "m, M.tensor(2.0)"],
    "masked_scatter_": ["m, o"],
    "mvlgamma_": ["1"],
    "polygamma_": ["1"],
    "put_": ["i, o[0]"],
    "renorm_": ["2, 0, 1.0"],
    "round_": ["decimals=1"],
    "scatter_": ["0, s, o", "0, s, 2.0", "0, s, o, reduce='add'"],
    "scatter_add_": ["0, s, o"],
    "scatter_reduce_": ["0, s, o, 'sum'", "0, s, o, 'amax'"],
    "sub_": ["o, alpha=2"],
    "uniform_": [""],
    "normal_": [""],
    "bernoulli_": [""],
    "exponential_": [""],
    "cauchy_": [""],
    "geometric_": ["0.5"],
    "log_normal_": [""],
    "random_": [""],
}


def calls():
    """Every function with its arguments as texts."""
    made = {name: [""] for name in PLAIN}
    made |= {name: ["2", "o"] for name in NUMBER_OR_TENSOR}
    made |= {name: ["o"] for name in TENSOR}
    for name, lists in OTHER.items():
        made.setdefault(name, []).extend(lists)
    return [(name, args) for name, lists in sorted(made.items()) for args in lists]


def name(M, function, args):
    """What the node of the written tensor is called."""
    low = 1.5 if function in ("acosh_", "arccosh_", "mvlgamma_") else 0.5
    y = M.full((3, 3), low, requires_grad=True) * 1
    given = {"M": M, "o": M.ones(3, 3), "i": M.tensor([0, 1, 2]), "m": M.ones(3, 3, dtype=M.bool), "s": M.zeros(3, 3, dtype=M.int64)}
    try:
        eval(f"y.{function}({args})", {**given, "y": y})
    except Exception as e:
        return f"{type(e).__name__}"
    return y.grad_fn.name()
