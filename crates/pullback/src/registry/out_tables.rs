//! Which functions say what about the dtype of `out=`: the lists that `out_rules` looks names up in.

use super::out_rules::{Rule, Takes};

/// Functions that say what PyTorch's elementwise kernels say.
pub(super) const ELEMENTWISE: &[&str] = &[
    "abs",
    "absolute",
    "bitwise_not",
    "ceil",
    "clamp",
    "clamp_max",
    "clamp_min",
    "clip",
    "conj_physical",
    "fix",
    "floor",
    "frac",
    "gelu",
    "hardshrink",
    "neg",
    "negative",
    "round",
    "sgn",
    "sign",
    "softplus",
    "softshrink",
    "trunc",
];

/// Functions that say [`SAME`].
pub(super) const EXACT: &[&str] = &[
    "addmm",
    "addmv",
    "alias_copy",
    "aminmax",
    "as_strided_copy",
    "argmax",
    "argmin",
    "argsort",
    "avg_pool2d",
    "avg_pool3d",
    "baddbmm",
    "bmm",
    "cross",
    "detach_copy",
    "diag",
    "diagonal_copy",
    "expand_copy",
    "gather",
    "index_add",
    "index_copy",
    "index_reduce",
    "isin",
    "linear",
    "log_softmax",
    "matmul",
    "matrix_power",
    "mm",
    "msort",
    "norm",
    "permute_copy",
    "renorm",
    "scatter",
    "scatter_add",
    "scatter_reduce",
    "select_copy",
    "slice_copy",
    "slice_scatter",
    "softmax",
    "sort",
    "split_with_sizes_copy",
    "squeeze_copy",
    "t_copy",
    "take_along_dim",
    "topk",
    "transpose_copy",
    "tril",
    "triu",
    "unbind_copy",
    "unfold_copy",
    "unsqueeze_copy",
    "vector_norm",
    "view_copy",
];

/// Functions with rules or sentences of their own.
pub(super) const OWN: &[(&[&str], Rule)] = &[
    (
        &[
            "eq",
            "ne",
            "lt",
            "le",
            "gt",
            "ge",
            "not_equal",
            "less",
            "less_equal",
            "greater",
            "greater_equal",
            "logical_not",
            "logical_and",
            "logical_or",
            "logical_xor",
            "split_copy",
            "bernoulli",
        ],
        (Takes::Any, ""),
    ),
    (
        &["all", "any"],
        (
            Takes::Truth,
            "{name} only supports bool tensor for result, got: {out}",
        ),
    ),
    (
        &["isposinf", "isneginf", "signbit"],
        (Takes::Same, "{name} does not support non-boolean outputs."),
    ),
    (
        &[
            "cat",
            "concat",
            "concatenate",
            "stack",
            "hstack",
            "vstack",
            "row_stack",
            "dstack",
            "column_stack",
        ],
        (
            Takes::Castable,
            "torch.cat(): input types can't be cast to the desired output type {out}",
        ),
    ),
    (
        &["max", "min"],
        (
            Takes::Castable,
            "Expected canCast( typeMetaToScalarType(self.dtype()), typeMetaToScalarType(out.dtype())) to be true, but got false.",
        ),
    ),
    (
        &["normal"],
        (
            Takes::Floating,
            "\"normal_kernel_cpu\" not implemented for '{out}'",
        ),
    ),
    (
        &["ldexp"],
        (
            Takes::Castable,
            "ldexp can't be cast to the desired output type {out}",
        ),
    ),
    (
        &["mvlgamma", "multigammaln"],
        (
            Takes::Castable,
            "mvlgamma: result type {input} can't be cast to the desired output type {result}",
        ),
    ),
    (
        &["logsumexp"],
        (
            Takes::Floating,
            "logsumexp(): Expected floating point type for result tensor, but got: {out}",
        ),
    ),
    (
        &["amax", "amin"],
        (
            Takes::Same,
            "Expected the dtype for input and out to match, but got {result} for input's dtype and {out} for out's dtype.",
        ),
    ),
    (
        &["logsigmoid"],
        (Takes::Same, "expected scalar type {result} but found {out}"),
    ),
    (
        &["cummax", "cummin", "logcumsumexp"],
        (Takes::Same, "expected scalar_type {result} but found {out}"),
    ),
    (
        &["histc"],
        (
            Takes::Same,
            "torch.histogram: input tensor and hist tensor should have the same dtype, but got input {r} and hist {o}",
        ),
    ),
    (
        &["vecdot"],
        (
            Takes::Same,
            "linalg.vecdot: Expected out of dtype{result} but found {out}",
        ),
    ),
    (
        &["narrow_copy"],
        (
            Takes::Same,
            "Expected self.dtype() == output.dtype() to be true, but got false.",
        ),
    ),
    (
        &["multinomial"],
        (
            Takes::Same,
            "multinomial expects {result} tensor out, got: {out}",
        ),
    ),
    (
        &["index_select", "masked_select"],
        (
            Takes::Same,
            "{name}(): self and result must have the same scalar type",
        ),
    ),
    (
        &["take"],
        (
            Takes::Same,
            "take(): self and out expected to have the same dtype, but got self.dtype = {result} and out.dtype = {out}",
        ),
    ),
    (
        &["nonzero", "nonzero_static"],
        (
            Takes::Same,
            "{name}: Expected out tensor to have scalar type Long but got scalar type{out}",
        ),
    ),
    (
        &["matrix_norm"],
        (
            Takes::Same,
            "linalg.matrix_norm expected out tensor dtype {result} but got: {out}",
        ),
    ),
    (
        &["quantile", "nanquantile"],
        (
            Takes::Same,
            "quantile() out tensor must be same dtype as the input tensor",
        ),
    ),
    (
        &["float_power"],
        (
            Takes::Same,
            "the output given to float_power has dtype {out} but the operation's result requires dtype {result}",
        ),
    ),
    (
        &["hash_tensor"],
        (
            Takes::Same,
            "Expected result to be of dtype uint64, but got {out}",
        ),
    ),
    (
        &["heaviside"],
        (
            Takes::Same,
            "heaviside is not yet implemented for tensors with different dtypes.",
        ),
    ),
    (
        &["where"],
        (
            Takes::Same,
            "Expected out type to be {result} but got {out}",
        ),
    ),
    (
        &["mv"],
        (
            Takes::Same,
            "addmv input tensors must have the same dtype, but got {out}, {result}, and {result}",
        ),
    ),
    (
        &["dot", "vdot"],
        (
            Takes::Same,
            "result dtype {out} does not match input dtype {result}",
        ),
    ),
    (
        &["addbmm"],
        (
            Takes::Same,
            "self and mat2 must have the same dtype, but got {out} and {result}",
        ),
    ),
    (
        &["tensordot", "inner"],
        (
            Takes::Same,
            "tensordot: Expected the output tensor to have dtype {result}, but got an output tensor with dtype {out}",
        ),
    ),
    (
        &["multi_dot", "chain_matmul"],
        (
            Takes::Same,
            "multi_dot(): expected out tensor to have dtype {r} but got {o}",
        ),
    ),
    (
        &["nan_to_num"],
        (
            Takes::Same,
            "nan_to_num: dtype of out: {out} should be same as input: {result}",
        ),
    ),
    (
        &["searchsorted", "bucketize"],
        (
            Takes::Same,
            "torch.searchsorted(): output tensor's dtype is wrong, it can only be Int(int32) or Long(int64) depending on whether out_int32 flag is True, but we got output tensor's dtype {out} and out_int32 flag is {int32}",
        ),
    ),
];
