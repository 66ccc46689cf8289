//! Extremes and medians, and where they are.

use crate::call::Function;
use crate::call::IntoValue;
use crate::ops;
use crate::ops::reduce::functions::reduce::dims;

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new("max(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.max().into_value())
        .of(ops::Max::DEF)
        .exact()
        .samples(&["T(2,3)", "T(4)", "T()", "T(3,2).t", "I(2,3, 9)", "B(3)", "I(4, 9).u8"])
        .edges(&["T[3.0, 1.0, 3.0]", "T[nan, 1.0, nan]", "T[inf, inf]", "T[-inf, -inf]"])
        .errors(&["T(0,3)"]),
    Function::new("max(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.maximum(a.tensor("other")?).into_value()
    })
    .of(ops::Maximum::DEF)
    .exact()
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), other=T(1,3)", "T(), T(4)"])
    .edges(&["T[1.0, nan, 2.0], T[1.0, 2.0, nan]"])
    .errors(&["T(2,3), T(4)"]),
    Function::new("max(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.max_dim(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("MaxBackward0")
    .about("The largest elements along a dimension, the first of equals, and where they are; NaN wins.", "max over dim of x, arg max over dim of x")
    .exact()
    .samples(&["T(2,3), 1", "T(3,4).t, 0, True", "T(2,3,2), -2", "T(), 0", "T(0,3), 1", "I(2,4, 3), dim=1", "B(2,3), 0", "T(2,3), dim=-1, keepdim=True"])
    .edges(&["T[3.0, 1.0, 3.0], 0", "T[1.0, nan, 2.0, nan], 0", "T[[inf, inf], [-inf, nan]], 1", "T[0.0, -0.0], 0"])
    .errors(&["T(0,3), 0", "T(2,3), 5"]),
    Function::new("min(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.min().into_value())
        .of(ops::Min::DEF)
        .exact()
        .samples(&["T(2,3)", "T(4)", "T()", "T(3,2).t", "I(2,3, 9)", "B(3)", "I(4, 9).u8"])
        .edges(&["T[3.0, 1.0, 1.0]", "T[nan, 1.0, nan]", "T[inf, inf]", "T[-inf, -inf]"])
        .errors(&["T(0,3)"]),
    Function::new("min(Tensor input, Tensor other) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.minimum(a.tensor("other")?).into_value()
    })
    .of(ops::Minimum::DEF)
    .exact()
    .samples(&["T(2,3), T(2,3)", "T(2,3), T(3)", "T(2,1), other=T(1,3)", "T(), T(4)"])
    .edges(&["T[1.0, nan, 2.0], T[1.0, 2.0, nan]"])
    .errors(&["T(2,3), T(4)"]),
    Function::new("min(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.min_dim(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("MinBackward0")
    .about("The smallest elements along a dimension, the first of equals, and where they are; NaN wins.", "min over dim of x, arg min over dim of x")
    .exact()
    .samples(&["T(2,3), 1", "T(3,4).t, 0, True", "T(2,3,2), -2", "T(), 0", "T(0,3), 1", "I(2,4, 3), dim=1", "B(2,3), 0"])
    .edges(&["T[3.0, 1.0, 1.0], 0", "T[1.0, nan, 2.0, nan], 0", "T[[inf, inf], [-inf, nan]], 1"])
    .errors(&["T(0,3), 0", "T(2,3), 5"]),
    Function::new("amax(Tensor input, int[]? dim=(), bool keepdim=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.amax(&dims(a)?, a.bool("keepdim")?).into_value()
    })
    .of(ops::Amax::DEF)
    .exact()
    .samples(&["T(2,3)", "T(2,3), 1", "T(2,3,2).t, (0,-1), True", "T()", "T(), 0", "T(0,3), 1", "I(2,3, 9), 0", "B(2,3), 1", "I(4, 9).u8"])
    .edges(&["T[3.0, 1.0, 3.0]", "T[nan, 1.0]", "T[[inf, inf], [1.0, -inf]], 1", "T[[2.0, 2.0], [2.0, 1.0]], (0, 1)"])
    .errors(&["T(0,3)", "T(0,3), 0", "T(0,3), (0, 1)", "T(2,3), (0, 0)", "T(2,3), 5"]),
    Function::new("amin(Tensor input, int[]? dim=(), bool keepdim=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.amin(&dims(a)?, a.bool("keepdim")?).into_value()
    })
    .of(ops::Amin::DEF)
    .exact()
    .samples(&["T(2,3)", "T(2,3), 1", "T(2,3,2).t, (0,-1), True", "T()", "T(), 0", "T(0,3), 1", "I(2,3, 9), 0", "B(2,3), 1", "I(4, 9).u8"])
    .edges(&["T[3.0, 1.0, 1.0]", "T[nan, 1.0]", "T[[inf, inf], [1.0, -inf]], 1"])
    .errors(&["T(0,3)", "T(0,3), 0", "T(2,3), (0, 0)", "T(2,3), 5"]),
    Function::new("aminmax(Tensor input, *, int? dim=None, bool keepdim=False) -> (Tensor min, Tensor max)", "torch Tensor", |a| {
        a.tensor("input")?.aminmax(a.int_opt("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("AminmaxBackward0")
    .about("The smallest and the largest element along a dimension, or of all; tied ones share the gradient.", "min of x, max of x")
    .exact()
    .samples(&["T(2,3)", "T(2,3), dim=1", "T(3,2).t, dim=0, keepdim=True", "T()", "T(0,3), dim=1", "I(2,3, 9)", "B(3)"])
    .edges(&["T[3.0, 1.0, 3.0, 1.0]", "T[nan, 1.0]", "T[[2.0, 2.0]], dim=1"])
    .errors(&["T(0,3)", "T(0,3), dim=0", "T(2,3), dim=5"]),
    Function::new("argmax(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.argmax(a.int_opt("dim")?, a.bool("keepdim")?).into_value()
    })
    .of(ops::Argmax::DEF)
    .samples(&["T(2,3)", "T(2,3), 1", "T(3,4).t", "T(3,4).t, 0, True", "T(2,3), keepdim=True", "T()", "T(), 0", "T(0,3), 1", "I(9, 3)"])
    .edges(&["T[3.0, 1.0, 3.0]", "T[1.0, nan, 2.0, nan]", "T[-inf, -inf]"])
    .errors(&["T(0,3)", "T(0,3), 0", "T(2,3), 5", "B(3)"]),
    Function::new("argmin(Tensor input, int? dim=None, bool keepdim=False) -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.argmin(a.int_opt("dim")?, a.bool("keepdim")?).into_value()
    })
    .of(ops::Argmin::DEF)
    .samples(&["T(2,3)", "T(2,3), 1", "T(3,4).t", "T(3,4).t, 0, True", "T(2,3), keepdim=True", "T()", "T(), 0", "T(0,3), 1", "I(9, 3)"])
    .edges(&["T[3.0, 1.0, 1.0]", "T[1.0, nan, 2.0, nan]", "T[inf, inf]"])
    .errors(&["T(0,3)", "T(0,3), 0", "T(2,3), 5", "B(3)"]),
    Function::new("median(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.median().into_value())
        .of(ops::Median::DEF)
        .exact()
        .samples(&["T(2,3)", "T(5)", "T()", "T(3,2).t", "I(6, 9)", "I(7, 9).i32"])
        .edges(&["T[1.0, 1.0, 2.0]", "T[nan, 1.0, 2.0]", "T(0)", "T[nan, nan, 1.0]", "T[inf, -inf, 0.0]", "I(0, 3)"])
        .errors(&["B(3)"]),
    Function::new("median(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.median_dim(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("MedianBackward1")
    .about("The medians along a dimension, the lower of an even count, and where they are; NaN wins.", "median over dim of x, its position")
    .exact()
    .samples(&["T(2,3), 1", "T(4,3).t, 1, True", "T(2,6), -1", "T(), 0", "T(0,3), 1", "I(3,8, 3), 1", "I(9,2, 4), dim=0"])
    .edges(&["T[1.0, 2.0, 2.0, 1.0, 1.0], 0", "T[1.0, nan, 2.0, nan], 0", "T[2.0, 2.0, 2.0, 2.0], 0", "T[inf, -inf], 0"])
    .errors(&["T(0,3), 0", "T(2,3), 5", "B(3), 0"]),
    Function::new("nanmedian(Tensor input) -> Tensor", "torch Tensor", |a| a.tensor("input")?.nanmedian().into_value())
        .of(ops::NanMedian::DEF)
        .exact()
        .samples(&["T(2,3)", "T(5)", "T()", "T(3,2).t", "I(6, 9)"])
        .edges(&["T[1.0, 1.0, nan]", "T[nan, nan]", "T(0)", "T[nan, 3.0, 1.0, 2.0, 4.0]"])
        .errors(&["B(3)"]),
    Function::new("nanmedian(Tensor input, int dim, bool keepdim=False) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.nanmedian_dim(a.int("dim")?, a.bool("keepdim")?).into_value()
    })
    .node("NanmedianBackward1")
    .about("The medians along a dimension of the elements that are no NaN, and where they are.", "median over dim of x without NaN, its position")
    .exact()
    .samples(&["T(2,3), 1", "T(4,3).t, 1, True", "T(2,6), -1", "T(), 0", "I(3,8, 3), 1"])
    .edges(&["T[1.0, nan, 2.0, nan, 3.0], 0", "T[nan, nan], 0", "T[2.0, nan, 2.0, nan, 2.0], 0"])
    .errors(&["T(0,3), 0", "T(2,3), 5", "B(3), 0"]),
    Function::new("cummax(Tensor input, int dim) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.cummax(a.int("dim")?).into_value()
    })
    .node("CummaxBackward0")
    .about("The largest element up to each position along a dimension, and where it is; the last of equals, NaN wins.", "yᵢ = max over j ≤ i of xⱼ, and j")
    .exact()
    .samples(&["T(6), 0", "T(2,3), 1", "T(3,4).t, 0", "T(), 0", "T(0,3), 0", "T(3,0), 1", "I(3,5, 4), -1", "B(4), 0"])
    .edges(&["T[1.0, 1.0, 0.0, 1.0], 0", "T[1.0, nan, 2.0, nan], 0", "T[nan, 1.0, 2.0], 0", "T[-inf, inf, inf], 0"])
    .errors(&["T(2,3), 5"]),
    Function::new("cummin(Tensor input, int dim) -> (Tensor values, Tensor indices)", "torch Tensor", |a| {
        a.tensor("input")?.cummin(a.int("dim")?).into_value()
    })
    .node("CumminBackward0")
    .about("The smallest element up to each position along a dimension, and where it is; the last of equals, NaN wins.", "yᵢ = min over j ≤ i of xⱼ, and j")
    .exact()
    .samples(&["T(6), 0", "T(2,3), 1", "T(3,4).t, 0", "T(), 0", "T(0,3), 0", "T(3,0), 1", "I(3,5, 4), -1", "B(4), 0"])
    .edges(&["T[1.0, 1.0, 0.0, 1.0, 0.0], 0", "T[1.0, nan, 2.0, nan], 0", "T[nan, 1.0, 2.0], 0", "T[inf, -inf, -inf], 0"])
    .errors(&["T(2,3), 5"]),
    Function::new("quantile(Tensor input, Tensor|number q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.quantile(a.operand("q")?, a.int_opt("dim")?, a.bool("keepdim")?, a.str("interpolation")?).into_value()
    })
    .node("SqueezeBackward4")
    .about("Quantiles along a dimension, interpolated between two elements.", "the element at place q·(n - 1) of the sorted ones")
    .samples(&["T(5), 0.375", "T(2,5), 0.5, 1", "T(2,5).t, 0.375, 0, True", "T(3,4), T[0.1, 0.65, 0.9]", "T(3,4), T[0.1, 0.65, 0.9], 1", "T(3,4), T[0.15], 0, True", "T(), 0.5", "T(), 0.5, 0, True", "T(5), 0.375, interpolation='lower'", "T(5), 0.375, interpolation='higher'", "T(5), 0.375, interpolation='midpoint'", "T(5), 0.375, interpolation='nearest'", "T(2,3,2), 0.625, -2"])
    .edges(&["T[3.0, nan, 2.0, 4.0], 0.5", "T[3.0, 1.0, 2.0, 4.0], 0.0", "T[3.0, 1.0, 2.0, 4.0], 1.0", "T[1.0, inf], 0.5", "T[2.0, 2.0, 1.0], 0.5", "T[[nan, 1.0], [2.0, 3.0]], 0.5, 1"])
    .errors(&["I(3, 5), 0.5", "T(3), 1.5", "T(2,3), T[[0.5]]", "T(3), T[2.0]", "T(3), 0.5, interpolation='x'", "T(3).f32, T[0.5].f64", "T(0), 0.5", "T(3), 0.5, 2"]),
    Function::new("nanquantile(Tensor input, Tensor|number q, int? dim=None, bool keepdim=False, *, str interpolation='linear') -> Tensor", "torch Tensor", |a| {
        a.tensor("input")?.nanquantile(a.operand("q")?, a.int_opt("dim")?, a.bool("keepdim")?, a.str("interpolation")?).into_value()
    })
    .node("SqueezeBackward4")
    .about("Quantiles along a dimension of the elements that are no NaN.", "the element at place q·(n - 1) of the sorted ones without NaN")
    .samples(&["T(5), 0.375", "T(2,5), 0.5, 1", "T(2,5).t, 0.375, 0, True", "T(3,4), T[0.1, 0.65, 0.9], 1", "T(), 0.5", "T(5), 0.375, interpolation='midpoint'"])
    .edges(&["T[3.0, nan, 2.0, 4.0], 0.5", "T[nan, nan], 0.5", "T[[nan, 1.0], [2.0, 3.0]], 0.5, 1", "T[[nan, 1.0, 5.0], [2.0, 3.0, nan]], T[0.25, 0.5], 1"])
    .errors(&["I(3, 5), 0.5", "T(3), 1.5", "T(0), 0.5"]),
];
