"""PyTorch's own databases of modules and optimisers, walked where PyTorch is installed: the same arguments and inputs, the same results, gradients, texts and
errors. What needs kinds of tensors or modules that there are none of here is left out, and counted.
"""

import warnings

import numpy as np
import pytest

import pullback

theirs = pytest.importorskip("torch")
modules = pytest.importorskip("torch.testing._internal.common_modules")
optimizers = pytest.importorskip("torch.testing._internal.common_optimizers")
DTYPES = {getattr(theirs, n): getattr(pullback, n) for n in ("float32", "float64", "int64", "int32", "bool", "float16", "bfloat16", "uint8")}
# What there are no operations for yet.
NOT_HERE = {"FractionalMaxPool2d", "FractionalMaxPool3d"}


class LeftOut(Exception):
    pass


def ours(x, memo=None):
    """An argument of theirs as one of ours."""
    memo = {} if memo is None else memo
    if isinstance(x, (theirs.nn.utils.rnn.PackedSequence, theirs.nn.Module)):
        raise LeftOut
    if isinstance(x, theirs.Tensor):
        if id(x) not in memo:
            if x.is_sparse or x.is_complex():
                raise LeftOut
            t = pullback.tensor(x.detach().numpy())
            memo[id(x)] = pullback.nn.Parameter(t, x.requires_grad) if isinstance(x, theirs.nn.Parameter) else t.requires_grad_(x.requires_grad)
        return memo[id(x)]
    if isinstance(x, theirs.dtype):
        return DTYPES[x]
    if isinstance(x, theirs.device):
        return pullback.device(str(x))
    if isinstance(x, (tuple, list)):
        return type(x)(ours(v, memo) for v in x)
    if isinstance(x, dict):
        return {k: ours(v, memo) for k, v in x.items()}
    if callable(x) and getattr(theirs.nn.functional, getattr(x, "__name__", "?"), None) is x:
        return getattr(pullback.nn.functional, x.__name__)
    return x


def tensors(x):
    if isinstance(x, (tuple, list)):
        return [t for part in x for t in tensors(part)]
    return [x] if hasattr(x, "detach") else []


def compare_module(info, given, training):
    """One entry of the database of modules."""
    made, inputs = given.constructor_input, given.forward_input

    def build():
        return info.module_cls(*made.args, **made.kwargs).double().train(training)

    try:
        build()(*inputs.args, **inputs.kwargs)
    except Exception as e:
        raise LeftOut from e  # what PyTorch itself refuses
    want = build()
    if any(theirs.nn.parameter.is_lazy(p) for p in want.parameters()):
        raise LeftOut  # `golden/tools.py` asks about these
    got = getattr(pullback.nn, info.module_cls.__name__)(*ours(made.args), **ours(made.kwargs)).double().train(training)
    got.load_state_dict({k: ours(v) for k, v in want.state_dict().items()})
    assert repr(got) == repr(want)
    theirs.manual_seed(0), pullback.manual_seed(0)
    args, kwargs = ours(inputs.args), ours(inputs.kwargs)
    a, b = tensors(want(*inputs.args, **inputs.kwargs)), tensors(got(*args, **kwargs))
    assert len(a) == len(b) and all(np.allclose(x.detach().numpy(), y.detach().numpy(), rtol=1e-7, atol=1e-9, equal_nan=True) for x, y in zip(a, b))
    a, b = ([t for t in side if t.requires_grad] for side in (a, b))
    if a and list(want.parameters()):
        slopes = [M.autograd.grad(sum(t.sum() for t in out), list(m.parameters()), allow_unused=True) for M, out, m in ((theirs, a, want), (pullback, b, got))]
        assert all((x is None) == (y is None) and (x is None or np.allclose(x.numpy(), y.numpy(), rtol=1e-6, atol=1e-8)) for x, y in zip(*slopes))


@pytest.mark.parametrize("info", [i for i in modules.module_db if i.module_cls.__module__.startswith("torch.nn.modules")], ids=lambda i: i.module_cls.__name__)
def test_modules(info):
    if info.module_cls.__name__ in NOT_HERE and not hasattr(pullback.nn, info.module_cls.__name__):
        pytest.skip("there are no operations for it yet")
    seen = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for training in (True, False):
            for given in info.module_inputs_func(info, "cpu", theirs.float64, True, training):
                try:
                    compare_module(info, given, training)
                    seen += 1
                except LeftOut:
                    pass
    if not seen:
        pytest.skip("nothing that both have")


def run_optimizer(M, name, options, base):
    params = [M.nn.Parameter(M.tensor(b.numpy())) for b in base]
    o = getattr(M.optim, name)(params, **options)
    for i in range(5):

        def closure():
            o.zero_grad()
            loss = sum((p.sin() * (i + 1)).sum() ** 2 for p in params)
            loss.backward()
            return loss

        o.step(closure)
    return [p.detach().numpy() for p in params]


@pytest.mark.parametrize("info", optimizers.optim_db, ids=lambda i: i.optim_cls.__name__)
def test_optimizers(info):
    name = info.optim_cls.__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in [] if name == "SparseAdam" else info.optim_inputs_func(device="cpu"):
            options = dict(given.kwargs)
            if name == "LBFGS" and options.get("maximize"):
                continue  # without a bound above it runs away
            theirs.manual_seed(0)
            base = [theirs.randn(3, 4), theirs.randn(5)][: 1 if name == "Muon" else 2]
            for a, b in zip(run_optimizer(theirs, name, options, base), run_optimizer(pullback, name, ours(options), base)):
                # Muon's directions are computed in bfloat16.
                assert np.allclose(a, b, rtol=1e-3, atol=1e-4 if name != "Muon" else 5e-2), options
        for given in info.optim_error_inputs_func("cpu", theirs.float32) if info.optim_error_inputs_func else []:
            inputs = given.optimizer_error_input
            try:
                params, options = ours(inputs.params), ours(inputs.kwargs)
            except LeftOut:
                continue
            try:
                info.optim_cls(inputs.params, **inputs.kwargs)
                continue
            except Exception as e:
                want = type(e).__name__, str(e)
            with pytest.raises(Exception) as got:
                getattr(pullback.optim, name)(params, **options)
            assert (type(got.value).__name__, str(got.value)) == want
