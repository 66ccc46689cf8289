"""The package against PyTorch, by PyTorch's own operator database: values, dtypes and gradients on its samples.

Skipped where PyTorch is not installed. An operator that differs must stand in KNOWN with the reason; one that stands there and does
not differ any more is a failure too, so that the list stays true.
"""

import math
import re
import warnings

import numpy as np
import pytest

pytorch = pytest.importorskip("torch")

import torch_orders  # noqa: E402
import torch_wrappers  # noqa: E402

import pullback as pb  # noqa: E402

DTYPES = (pytorch.float64, pytorch.float32, pytorch.int64, pytorch.bool)
SAMPLES = 30
# What is drawn by chance, or not at all: what memory held before.
LEFT_OUT = {"empty", "empty_like", "new_empty", "empty_permuted", "empty_strided", "new_empty_strided"}
# Views of a part of a tensor that read beyond it: the arguments here are copies, which have no such memory. A dtype that NumPy does not have.
PLACED = {"as_strided:partial_views", "bfloat16"}
KNOWN = {
    "mode": "which of several equal elements is named, where there are more than sixteen: PyTorch's sort is not stable there",
    "special.airy_ai": "PyTorch's is off by up to 2e-5 of the value between -2.1 and -6",
    "special.bessel_j0": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_j1": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_y0": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_y1": "PyTorch's is good to 1e-8 just beyond 5",
    "special.hermite_polynomial_he": "float32 cancels in another order",
    "nn.functional.layer_norm": "a gradient that is zero but for rounding, of float32",
    "native_layer_norm": "a gradient that is zero but for rounding, of float32",
    "nn.functional.ctc_loss": "float32 gradients, of likelihoods of some hundreds",
    "nn.functional.hardsigmoid": "PyTorch's slope of float64 is 1/6 rounded to single precision",
    "logcumsumexp": "float32 gradients through differences of exponentials, equal to three digits; tangents of float64 to six",
    "sort": "the order of equal elements, which only stable=True promises",
    "argsort": "the order of equal elements, which only stable=True promises",
    "nn.functional.linear_cross_entropy:chunked": "PyTorch's own form in pieces has zeros as second derivatives",
    "as_strided_scatter": "PyTorch's gradient is that of the places that are replaced, which its own gradcheck refuses",
    "matrix_exp": "PyTorch's float32 squares in single precision: three digits of the small elements of a large result",
    "cholesky_inverse": "tangents of the triangle that is not read, which count in PyTorch's rule",
    "triangular_solve": "tangents of the triangle that is not read, which count in PyTorch's rule, and transpose=True, which does not",
    "linalg.eigh": "the sign of eigenvectors",
    "pca_lowrank": "the sign of singular vectors",
    "grid_sampler_3d": "float32 gradients, of sums that cancel",
    "linalg.householder_product": "float32 gradients to three digits, of values of some thousands",
    "cov": "second derivatives by integer weights go through single precision in PyTorch",
    "native_group_norm": "statistics of nothing, which PyTorch gives a history where only the weight has one",
    "torch.ops.aten._scaled_dot_product_flash_attention_for_cpu": "PyTorch's exponentials of float32 are good to four digits there",
}


def database():
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        name = op.name + (f":{op.variant_test_name}" if op.variant_test_name else "")
        if op.name not in LEFT_OUT and name not in PLACED and torch_wrappers.find(op) is not None:
            yield pytest.param(op, name, id=name)


class Untold(Exception):
    """A sample with something that is not there: complex numbers, half floats, modules of theirs."""


def ours(x):
    """An argument for Pullback: same values, same order in memory."""
    if isinstance(x, pytorch.Tensor):
        if x.dtype not in (*DTYPES, pytorch.int32, pytorch.uint8) or x.layout != pytorch.strided:
            raise Untold
        d = x.detach()
        order = sorted(range(d.ndim), key=lambda i: -d.stride(i))
        back = [order.index(i) for i in range(d.ndim)]
        t = pb.tensor(np.ascontiguousarray(d.numpy().transpose(order)))
        t = t.permute(*back) if d.ndim else t.reshape(())
        return t.detach().requires_grad_() if x.requires_grad else t
    if isinstance(x, pytorch.dtype):
        made = getattr(pb, str(x).split(".")[1], None)
        if made is None:
            raise Untold
        return made
    if isinstance(x, (list, tuple)):
        return tuple(map(ours, x)) if isinstance(x, tuple) else list(map(ours, x))
    if isinstance(x, dict):
        return {k: ours(v) for k, v in x.items()}
    if isinstance(x, (complex, pytorch.memory_format, pytorch.layout, pytorch.nn.Module)):
        raise Untold
    if callable(x):
        return torch_wrappers.swapped(x)
    return "cpu" if isinstance(x, pytorch.device) else x


def flat(x):
    return [t for v in x for t in flat(v)] if isinstance(x, (list, tuple)) else [x]


def wide(t):
    """Without history, and in a dtype that NumPy has."""
    return t.detach().float() if str(t.dtype) == "torch.bfloat16" else t.detach()


def leaves(x, kind):
    if isinstance(x, kind):
        return [x] if x.requires_grad else []
    values = x.values() if isinstance(x, dict) else x if isinstance(x, (list, tuple)) else ()
    return [t for v in values for t in leaves(v, kind)]


def far(a, b, single):
    a, b = np.asarray(a, dtype=np.float64), np.asarray(b, dtype=np.float64)
    if a.shape != b.shape:
        return f"shape {a.shape} where PyTorch has {b.shape}"
    tolerance = 2e-5 if single else 1e-9
    with np.errstate(all="ignore"):
        good = (a == b) | (np.isnan(a) & np.isnan(b)) | (np.abs(a - b) <= tolerance + tolerance * np.abs(b))
    return None if good.all() else f"{a[~good][0]} where PyTorch has {b[~good][0]}"


def compare(op, f, sample, dtype, differentiable):
    args, kwargs = (sample.input, *sample.args), dict(sample.kwargs)
    try:
        theirs = flat(op.op(*args, **kwargs))
    except Exception:
        return None
    our_args, our_kwargs = ours(args), ours(kwargs)
    mine = flat(f(*our_args, **our_kwargs))
    if len(mine) != len(theirs):
        return f"{len(mine)} results where PyTorch has {len(theirs)}"
    single = dtype == pytorch.float32
    for a, b in zip(mine, theirs):
        if not isinstance(b, pytorch.Tensor):
            if a != b and not (isinstance(b, float) and math.isclose(a, b, rel_tol=1e-6)):
                return f"{a} where PyTorch has {b}"
            continue
        if str(a.dtype) != str(b.dtype):
            return f"dtype {a.dtype} where PyTorch has {b.dtype}"
        if found := far(wide(a).numpy(), wide(b.resolve_conj().resolve_neg()).numpy(force=True), b.dtype == pytorch.float32):
            return found
    b_out = [t for t in theirs if isinstance(t, pytorch.Tensor) and t.requires_grad]
    a_out = [t for t in mine if isinstance(t, pb.Tensor) and t.requires_grad]
    if not differentiable:
        return None
    if bool(a_out) != bool(b_out):
        return f"requires_grad {bool(a_out)} where PyTorch has {bool(b_out)}"
    if not b_out:
        return None
    seeds = [np.cos(np.arange(t.numel())).reshape(t.shape).astype(t.detach().numpy().dtype) for t in b_out]
    b_in, a_in = leaves([args, kwargs], pytorch.Tensor), leaves([our_args, our_kwargs], pb.Tensor)
    try:
        b_grads = pytorch.autograd.grad(b_out, b_in, [pytorch.tensor(s) for s in seeds], allow_unused=True)
    except Exception:
        return None
    a_grads = pb.autograd.grad(a_out, a_in, [pb.tensor(s) for s in seeds], allow_unused=True)
    for k, (a, b) in enumerate(zip(a_grads, b_grads)):
        if a is not None or b is not None:
            shape = (a if a is not None else b).shape
            a, b = (np.zeros(tuple(shape)) if g is None else g.detach().numpy(force=True) for g in (a, b))
            if found := far(a, b, single):
                return f"gradient {k}: {found}"
    return None


def orders(op, f, sample):
    """Second order and forward mode, of one sample of float64."""
    try:
        theirs = flat(op.op(sample.input, *sample.args, **sample.kwargs))
        args, kwargs = ours((sample.input, *sample.args)), ours(dict(sample.kwargs))
    except Exception:
        return None
    mine = flat(f(*args, **kwargs))
    return torch_orders.second(
        torch_orders.Side(pytorch, theirs, leaves([sample.input, sample.args, sample.kwargs], pytorch.Tensor)),
        torch_orders.Side(pb, mine, leaves([args, kwargs], pb.Tensor)),
        far,
    ) or torch_orders.forward(op.op, f, sample, ours, flat, far)


@pytest.mark.parametrize(("op", "name"), database())
def test_operator(op, name):
    f, found, tried = torch_wrappers.find(op), [], 0
    warnings.simplefilter("ignore")
    for dtype in DTYPES:
        if not op.supports_dtype(dtype, "cpu"):
            continue
        differentiable = dtype.is_floating_point and op.supports_autograd
        pytorch.manual_seed(0)
        for sample, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=differentiable), range(SAMPLES)):
            try:
                difference = compare(op, f, sample, dtype, differentiable)
                if not difference and differentiable and dtype == pytorch.float64:
                    difference = orders(op, f, sample)
            except Untold:
                continue
            except NotImplementedError as e:
                if "does not exist here yet" in str(e) or "sparse gradients" in str(e):
                    continue  # what the message says is missing
                difference = f"NotImplementedError: {str(e).splitlines()[0]}"
            except Exception as e:
                difference = f"{type(e).__name__}: {str(e).splitlines()[0] if str(e) else ''}"
            tried += 1
            if difference:
                found.append(f"{str(dtype)[6:]}: {difference[:200]}")
    if not tried:
        pytest.skip("no sample without complex numbers")
    if name in KNOWN:
        assert found, f"{name} does not differ any more: take it off the list"
        pytest.xfail(KNOWN[name])
    assert not found, "\n".join(dict.fromkeys(found))


# Wrong arguments of PyTorch's database whose error is another here, with the reason.
OTHER_ERRORS = {
    "linspace": "bounds that are tensors with dimensions: the argument is named, and that a number is wanted",
    "linspace:tensor_overload": "as linspace",
    "logspace": "as linspace",
    "logspace:tensor_overload": "as linspace",
    "nn.functional.conv2d": "steps given as a list of one number are as one number, so that the sentence speaks of the stride",
    "nn.functional.conv3d": "as conv2d",
    "nn.functional.max_pool1d": "the words of the form without indices, where PyTorch has others with them",
    "narrow": "a start that is a tensor of truth values, or of one dimension: the argument is named",
    "narrow_copy": "a dimension out of range is the IndexError of all other functions; a negative length is named",
    "_chunk_cat": "cut and joined by functions that have words of their own",
}


def wrongs(op):
    """What its samples of wrong arguments raise: theirs and ours, those left out that write into memory that the copies here do not share."""
    for wrong in op.error_inputs("cpu"):
        sample = wrong.sample_input
        if "out" in sample.kwargs:
            continue
        try:
            op.op(sample.input, *sample.args, **sample.kwargs)
        except Exception as e:
            theirs = e
        else:
            continue
        try:
            args, kwargs = ours((sample.input, *sample.args)), ours(dict(sample.kwargs))
        except Exception:
            continue
        try:
            torch_wrappers.find(op)(*args, **kwargs)
        except Exception as e:
            yield wrong, theirs, e
        else:
            yield wrong, theirs, None


@pytest.mark.parametrize(("op", "name"), [p for p in database() if p.values[0].error_inputs_func is not None])
def test_wrong_arguments(op, name):
    """Of the same type as PyTorch's, with the sentence that PyTorch's own tests look for."""
    found = []
    warnings.simplefilter("ignore")
    for wrong, theirs, mine in wrongs(op):
        said = f"{type(mine).__name__}: {str(mine).splitlines()[0] if str(mine) else ''}"
        wanted = f"{type(theirs).__name__}: {str(theirs).splitlines()[0] if str(theirs) else ''}"
        if mine is None:
            found.append(f"no error, where PyTorch has {wanted}")
        elif type(mine).__name__ != type(theirs).__name__ or not re.search(wrong.error_regex, str(mine)):
            found.append(f"{said}\n  where PyTorch has {wanted}")
    if name in OTHER_ERRORS:
        assert found, f"{name} has PyTorch's errors: take it off the list"
        pytest.xfail(OTHER_ERRORS[name])
    assert not found, "\n".join(dict.fromkeys(found))
