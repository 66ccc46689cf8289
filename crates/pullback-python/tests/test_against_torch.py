"""The package against PyTorch, by PyTorch's own operator database: values, dtypes and gradients on its samples.

Skipped where PyTorch is not installed. An operator that differs must stand in KNOWN with the reason; one that stands there and does
not differ any more is a failure too, so that the list stays true.
"""

import math
import warnings

import numpy as np
import pytest

pytorch = pytest.importorskip("torch")

import pullback as pb  # noqa: E402

DTYPES = (pytorch.float64, pytorch.float32, pytorch.int64, pytorch.bool)
SAMPLES = 30
# What the database does not call as a function of that name: properties, another order of arguments, writes into a leaf, a seed of its own.
WRAPPED = {"T", "H", "mT", "mH", "zero_", "einsum", "polygamma", "special.polygamma", "where", "normal", "rand_like", "randn_like", "randint_like", "randint", "randn", "uniform", "bernoulli", "multinomial",
           "nn.functional.dropout", "nn.functional.dropout2d", "nn.functional.dropout3d", "nn.functional.alpha_dropout", "nn.functional.feature_alpha_dropout", "nn.functional.rrelu", "empty", "empty_like", "new_empty", "empty_permuted", "empty_strided", "new_empty_strided", "exponential", "geometric", "cauchy", "log_normal", "randperm"}  # fmt: skip
KNOWN = {
    "mode": "which of several equal elements is named, where there are more than sixteen: PyTorch's sort is not stable there",
    "linalg.matrix_power": "negative powers need an inverse, which is not there",
    "special.airy_ai": "PyTorch's is off by up to 2e-5 of the value between -2.1 and -6",
    "special.bessel_j0": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_j1": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_y0": "PyTorch's is good to 1e-8 just beyond 5",
    "special.bessel_y1": "PyTorch's is good to 1e-8 just beyond 5",
    "special.hermite_polynomial_he": "float32 cancels in another order",
    "nn.functional.layer_norm": "a gradient that is zero but for rounding, of float32",
    "nn.functional.scaled_dot_product_attention": "samples with dropout, whose random numbers PyTorch draws in another order there",
    "nn.functional.hardsigmoid": "PyTorch's slope of float64 is 1/6 rounded to single precision",
    "logcumsumexp": "float32 gradients through differences of exponentials, equal to three digits",
    "sort": "the order of equal elements, which only stable=True promises",
    "argsort": "the order of equal elements, which only stable=True promises",
    "nn.functional.embedding": "weights of one dimension are not taken",
    "norm:nuc": "the nuclear norm needs a singular value decomposition, which is not there",
    "linalg.matrix_norm": "the nuclear norm needs a singular value decomposition, which is not there",
}


def database():
    from torch.testing._internal.common_methods_invocations import op_db

    for op in op_db:
        name = op.name + (f":{op.variant_test_name}" if op.variant_test_name else "")
        if op.name not in WRAPPED and find(op.name) is not None:
            yield pytest.param(op, name, id=name)


def find(name):
    place = pb
    for part in name.split("."):
        place = getattr(place, part, None)
    return place if callable(place) else None if "." in name else pb.Tensor.__dict__.get(name)


class Untold(Exception):
    """A sample with something that is not there: complex numbers, half floats."""


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
    if isinstance(x, (complex, pytorch.memory_format, pytorch.layout)):
        raise Untold
    return "cpu" if isinstance(x, pytorch.device) else x


def flat(x):
    return [t for v in x for t in flat(v)] if isinstance(x, (list, tuple)) else [x]


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
        if found := far(a.detach().numpy(), b.detach().resolve_conj().resolve_neg().numpy(force=True), b.dtype == pytorch.float32):
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


@pytest.mark.parametrize(("op", "name"), database())
def test_operator(op, name):
    f, found, tried = find(op.name), [], 0
    warnings.simplefilter("ignore")
    for dtype in DTYPES:
        if not op.supports_dtype(dtype, "cpu"):
            continue
        differentiable = dtype.is_floating_point and op.supports_autograd
        pytorch.manual_seed(0)
        for sample, _ in zip(op.sample_inputs("cpu", dtype, requires_grad=differentiable), range(SAMPLES)):
            try:
                difference = compare(op, f, sample, dtype, differentiable)
            except Untold:
                continue
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
