"""PyTorch's own databases of modules and optimisers, walked where PyTorch is installed: the same arguments and inputs, the same results, gradients, texts and
errors. What needs kinds of tensors or modules that there are none of here is left out, and counted.
"""

import copy
import io
import pickle
import warnings

import numpy as np
import pytest

import pullback

theirs = pytest.importorskip("torch")
modules = pytest.importorskip("torch.testing._internal.common_modules")
optimizers = pytest.importorskip("torch.testing._internal.common_optimizers")
DTYPES = {getattr(theirs, n): getattr(pullback, n) for n in ("float32", "float64", "int64", "int32", "bool", "float16", "bfloat16", "uint8")}


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


def spread(x):
    """Arguments whose tensors have gaps between their elements."""
    if isinstance(x, (tuple, list)):
        return type(x)(spread(v) for v in x)
    if isinstance(x, dict):
        return {k: spread(v) for k, v in x.items()}
    if isinstance(x, pullback.Tensor) and x.dim():
        return pullback.stack([x.detach(), x.detach()], -1)[..., 0].requires_grad_(x.requires_grad)
    return x


def slopes(M, module, out, args, order):
    """Gradients of the results by the parameters and the inputs; of the second order, those of the sum of their squares."""
    leaves = [t for t in (*module.parameters(), *tensors(args)) if t.requires_grad]
    out = [t for t in out if t.requires_grad]
    if not out or not leaves:
        return []
    first = M.autograd.grad(sum((t * t).sum() for t in out), leaves, allow_unused=True, create_graph=order == 2)
    if order == 1:
        return first
    second = [g for g in first if g is not None and g.requires_grad]
    return M.autograd.grad(sum((g * g).sum() for g in second), leaves, allow_unused=True) if second else []


def same(a, b, within=1e-7):
    def one(x, y):
        return x is None and y is None or x is not None and y is not None and np.allclose(x.detach().numpy(), y.detach().numpy(), rtol=within, atol=within, equal_nan=True)

    return len(a) == len(b) and all(one(x, y) for x, y in zip(a, b))


def compare_module(info, given, training):
    """One entry of the database of modules, at every level: text, results, gradients of two orders, inputs with gaps, copies, files."""
    made, inputs = given.constructor_input, given.forward_input

    def build():
        return info.module_cls(*made.args, **made.kwargs).double().train(training)

    try:
        build()(*copy.deepcopy(inputs.args), **copy.deepcopy(inputs.kwargs))
    except Exception as e:
        raise LeftOut from e  # what PyTorch itself refuses
    want = build()
    if any(theirs.nn.parameter.is_lazy(p) for p in want.parameters()):
        raise LeftOut  # `golden/tools.py` asks about these
    got = getattr(pullback.nn, info.module_cls.__name__)(*ours(made.args), **ours(made.kwargs)).double().train(training)
    state = io.BytesIO()
    theirs.save(want.state_dict(), state)
    state.seek(0)
    got.load_state_dict(pullback.load(state))
    assert repr(got) == repr(want) == repr(copy.deepcopy(got)) == repr(pickle.loads(pickle.dumps(got)))
    back = io.BytesIO()
    pullback.save(got.state_dict(), back)
    back.seek(0)
    build().load_state_dict(theirs.load(back))
    # The gradients of `LinearCrossEntropyLoss` are computed in PyTorch's forward, chunk by chunk, and have none of their own that are true.
    for order in (1,) if info.module_cls.__name__ == "LinearCrossEntropyLoss" else (1, 2):
        theirs.manual_seed(0), pullback.manual_seed(0)
        their_args = copy.deepcopy(inputs.args)
        args, kwargs = ours(their_args), ours(inputs.kwargs)
        a, b = tensors(want(*their_args, **copy.deepcopy(inputs.kwargs))), tensors(got(*args, **kwargs))
        assert same(a, b)
        try:
            expected = slopes(theirs, want, a, their_args, order)
        except (RuntimeError, NotImplementedError):
            continue  # PyTorch has none
        assert same(expected, slopes(pullback, got, b, args, order), 1e-6)
    pullback.manual_seed(0), theirs.manual_seed(0)
    assert same(tensors(want(*copy.deepcopy(inputs.args), **copy.deepcopy(inputs.kwargs))), tensors(got(*spread(ours(inputs.args)), **ours(inputs.kwargs))))


@pytest.mark.parametrize("info", [i for i in modules.module_db if i.module_cls.__module__.startswith("torch.nn.modules")], ids=lambda i: i.module_cls.__name__)
def test_modules(info):
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


def refusal(module):
    with pytest.raises(RuntimeError) as refused:
        module.load_state_dict({"elsewhere": 1})
    return str(refused.value)


@pytest.mark.parametrize("info", [i for i in modules.module_db if i.module_cls.__module__.startswith("torch.nn.modules")], ids=lambda i: i.module_cls.__name__)
def test_modules_begin_alike(info):
    """From one seed the same bits in the same order, in both dtypes, and the generator where it is there; what a state lacks is said in the same words."""
    seen = set()
    for dtype in (theirs.float32, theirs.float64):
        for given in info.module_inputs_func(info, "cpu", dtype, False, True):
            made = given.constructor_input
            try:
                args, kwargs = ours(made.args), ours(made.kwargs)
            except LeftOut:
                continue
            theirs.manual_seed(3), pullback.manual_seed(3)
            want, got = info.module_cls(*made.args, **made.kwargs), getattr(pullback.nn, info.module_cls.__name__)(*args, **kwargs)
            assert theirs.rand(1).item() == pullback.rand(1).item(), want
            text = f"{dtype} {want}"
            if text in seen or any(theirs.nn.parameter.is_lazy(p) for p in want.parameters()):
                continue
            seen.add(text)
            a, b = want.state_dict(), got.state_dict()
            assert [(k, str(v.dtype), tuple(v.shape)) for k, v in a.items() if hasattr(v, "dtype")] == [(k, str(v.dtype), tuple(v.shape)) for k, v in b.items() if hasattr(v, "dtype")], text
            assert all(np.array_equal(v.numpy(), b[k].numpy(), equal_nan=True) for k, v in a.items() if hasattr(v, "dtype")), text
            assert list(a) == list(b) and refusal(want) == refusal(got), text


def module_error(cls, args, kwargs, given):
    """The kind and the first line of what a module says about wrong arguments, when it is made or called; 1.0 and 1 are one number."""
    try:
        module = cls(*args, **kwargs)
        if given is not None:
            module.double()(*given[0], **given[1])
    except Exception as e:
        return type(e).__name__, str(e).split("\n")[0].replace(".0", "")
    return None


@pytest.mark.parametrize("info", [i for i in modules.module_db if i.module_error_inputs_func and hasattr(pullback.nn, i.module_cls.__name__)], ids=lambda i: i.module_cls.__name__)
def test_module_errors(info):
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for training in (True, False):
            for wrong in info.module_error_inputs_func(info, "cpu", theirs.float64, False, training):
                made, inputs = wrong.module_error_input.constructor_input, wrong.module_error_input.forward_input
                want = module_error(info.module_cls, made.args, made.kwargs, inputs and (inputs.args, inputs.kwargs))
                given = inputs and (ours(inputs.args), ours(inputs.kwargs))
                assert module_error(getattr(pullback.nn, info.module_cls.__name__), ours(made.args), ours(made.kwargs), given) == want


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


def step_of_results(M, name, options, base):
    """Steps of parameters that are results of others: their gradients are put in place, and the way to the others has slopes."""
    leaves = [M.tensor(b.numpy()).requires_grad_() for b in base]
    params = [p.clone() for p in leaves]
    optimizer = getattr(M.optim, name)(params, **options)
    for i in range(4):
        for k, p in enumerate(params):
            p.grad = M.sin(leaves[k].detach() + i)
        optimizer.step()
    return [p.detach().numpy() for p in params], [g.numpy() for g in M.autograd.grad(sum((p * p).sum() for p in params), leaves)]


@pytest.mark.parametrize("info", [i for i in optimizers.optim_db if "differentiable" in i.supported_impls], ids=lambda i: i.optim_cls.__name__)
def test_optimizers_of_results(info):
    name = info.optim_cls.__name__
    tried = 0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in info.optim_inputs_func(device="cpu"):
            options = {**given.kwargs, "differentiable": True}
            theirs.manual_seed(0)
            base = [theirs.randn(3, 4, dtype=theirs.float64), theirs.randn(5, dtype=theirs.float64)]
            try:
                want = step_of_results(theirs, name, options, base)
            except RuntimeError:
                continue  # options that PyTorch does not differentiate
            for a, b in zip(want, step_of_results(pullback, name, ours(options), base)):
                assert all(np.allclose(x, y, rtol=1e-5, atol=1e-6) for x, y in zip(a, b)), options
            tried += 1
    if not tried:
        pytest.skip("PyTorch differentiates none of them")


def stepped(M, optimizer, params, first, count):
    for i in range(first, first + count):

        def closure():
            optimizer.zero_grad()
            loss = sum((p.sin() * (i + 1)).sum() ** 2 for p in params)  # noqa: B023
            loss.backward()
            return loss

        optimizer.step(closure)


def resumed(before, after, name, options, base):
    """Three steps with one package, its file read by the other, three steps more with both: the parameters of both."""
    params = [before.nn.Parameter(before.tensor(b.numpy())) for b in base]
    optimizer = getattr(before.optim, name)(params, **options[before])
    stepped(before, optimizer, params, 0, 3)
    file = io.BytesIO()
    before.save({"params": params, "optimizer": optimizer.state_dict()}, file)
    file.seek(0)
    found = after.load(file)
    others = [after.nn.Parameter(p.detach().clone()) for p in found["params"]]
    second = getattr(after.optim, name)(others, **options[after])
    second.load_state_dict(found["optimizer"])
    for M, o, ps in ((before, optimizer, params), (after, second, others)):
        stepped(M, o, ps, 3, 3)
    return params, others


@pytest.mark.parametrize("info", optimizers.optim_db, ids=lambda i: i.optim_cls.__name__)
def test_optimizers_go_on_from_each_others_files(info):
    name = info.optim_cls.__name__
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for given in [] if name == "SparseAdam" else info.optim_inputs_func(device="cpu"):
            if name == "LBFGS" and given.kwargs.get("maximize"):
                continue
            theirs.manual_seed(0)
            base = [theirs.randn(3, 4), theirs.randn(5)][: 1 if name == "Muon" else 2]
            options = {theirs: dict(given.kwargs), pullback: ours(dict(given.kwargs))}
            for before, after in ((theirs, pullback), (pullback, theirs)):
                a, b = resumed(before, after, name, options, base)
                assert same(a, b, 1e-3 if name != "Muon" else 5e-2), given.kwargs
