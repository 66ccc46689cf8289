"""What is asked of PyTorch and of this package alike about `nn.utils` and modules that learn their sizes. `make_tools.py` writes down what PyTorch
answers (`tools.json`), `test_tools.py` compares. Everything is a function of the package `M` and returns plain data.
"""

import copy
import warnings

ORTHOGONAL = [((3, 3), "matrix_exp", True), ((3, 3), "cayley", True), ((4, 2), "householder", False), ((2, 4), "householder", False), ((3, 3), "matrix_exp", False), ((2, 3), "cayley", False), ((4, 4), "householder", True)]
NORMS = [("Linear(3, 4)", {}, (2, 3)), ("Linear(3, 4)", {"dim": 1}, (2, 3)), ("Conv2d(2, 3, 2)", {}, (1, 2, 3, 3)), ("ConvTranspose1d(2, 3, 2)", {}, (1, 2, 3))]
LAZY = [
    ("LazyLinear(3)", (2, 4)), ("LazyLinear(3, bias=False)", (4,)), ("LazyConv1d(3, 2)", (1, 2, 4)), ("LazyConv2d(4, 2, groups=2)", (1, 2, 3, 3)), ("LazyConv2d(4, 2, 1, 0, bias=False)", (2, 3, 3)), ("LazyConv3d(2, 1)", (1, 2, 2, 2, 2)), ("LazyConvTranspose1d(3, 2)", (1, 2, 4)),
    ("LazyConvTranspose2d(3, 2, stride=2)", (1, 2, 3, 3)), ("LazyConvTranspose3d(3, 1)", (1, 2, 2, 2, 2)), ("LazyBatchNorm1d()", (3, 4)), ("LazyBatchNorm2d(affine=False)", (2, 3, 2, 2)), ("LazyBatchNorm3d(track_running_stats=False)", (2, 3, 2, 2, 2)), ("LazyInstanceNorm1d()", (2, 3, 4)), ("LazyInstanceNorm2d()", (2, 3, 4, 2)), ("LazyInstanceNorm3d()", (2, 3, 2, 2, 2)),
]  # fmt: skip


def plain(x):
    if hasattr(x, "tolist"):
        return x.tolist()
    if isinstance(x, dict):
        return {k: plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def double(M, text, seed=3):
    M.manual_seed(seed)
    return eval("nn." + text, {"nn": M.nn}).double()


def slopes(M, module, x):
    """Result and gradients of a call."""
    module.zero_grad()
    out = module(x)
    (out * M.linspace(0.5, 1.5, out.numel(), dtype=out.dtype).reshape(out.shape)).sum().backward()
    return [plain(out), {n: plain(p.grad) for n, p in module.named_parameters()}]


def orthogonal(M):
    P, out = M.nn.utils.parametrizations, []
    for (rows, columns), kind, trivial in ORTHOGONAL:
        layer = double(M, f"Linear({columns}, {rows})")
        if not trivial and kind != "householder":
            M.nn.utils.parametrize.register_parametrization(layer, "weight", P._Orthogonal(layer.weight, getattr(P._OrthMaps, kind), use_trivialization=False), unsafe=True)
        else:
            P.orthogonal(layer, orthogonal_map=kind, use_trivialization=trivial)
        out.append([repr(layer), list(layer.state_dict()), plain(layer.weight), *slopes(M, layer, M.ones(2, columns, dtype=M.float64))])
    return out


def norms(M):
    warnings.simplefilter("ignore")
    U, out = M.nn.utils, []
    for text, options, shape in NORMS:
        x = M.linspace(-1, 1, 2 * 3 * 3 * 4, dtype=M.float64)[: M.Size(shape).numel()].reshape(shape)
        for use, undo in ((U.parametrizations.weight_norm, None), (U.weight_norm, U.remove_weight_norm), (U.parametrizations.spectral_norm, None), (U.spectral_norm, U.remove_spectral_norm)):
            layer = use(double(M, text), **options)
            first = slopes(M, layer, x)
            again = slopes(M, layer, x)
            layer.eval()
            last = plain(layer(x))
            state = plain(layer.state_dict())
            if undo is None:
                U.parametrize.remove_parametrizations(layer, "weight")
            else:
                undo(layer)
            out.append([text, repr(layer), state, first, again, last, plain(layer(x)), sorted(layer.state_dict())])
    return out


def parametrized(M):
    """Parametrizations of the user's own, one after the other, cached, copied, removed."""
    nn, P = M.nn, M.nn.utils.parametrize

    class Symmetric(nn.Module):
        def forward(self, x):
            return x.triu() + x.triu(1).mT

        def right_inverse(self, x):
            return x.triu()

    class Doubled(nn.Module):
        calls = 0

        def forward(self, x):
            Doubled.calls += 1
            return 2 * x

        def right_inverse(self, x):
            return x / 2

    class Sum(nn.Module):
        def forward(self, a, b):
            return a + b

        def right_inverse(self, x):
            return x / 4, 3 * x / 4

    layer = double(M, "Linear(3, 3)")
    P.register_parametrization(layer, "weight", Symmetric())
    P.register_parametrization(layer, "weight", Doubled())
    out = [repr(layer), plain(layer.weight), P.is_parametrized(layer), P.is_parametrized(layer, "bias"), P.type_before_parametrizations(layer).__name__, [n for n, _ in layer.named_parameters()]]
    layer.weight = M.ones(3, 3, dtype=M.float64)
    out += [plain(layer.weight), plain(layer.parametrizations.weight.original)]
    Doubled.calls = 0
    with P.cached():
        out += [plain(layer.weight), plain(layer.weight), Doubled.calls]
    twin = copy.deepcopy(layer)
    out += [plain(twin.weight), twin.parametrizations.weight.original is layer.parametrizations.weight.original, isinstance(twin, nn.Linear)]
    fresh = double(M, "Linear(3, 3)")
    P.transfer_parametrizations_and_params(layer, fresh)
    out.append(plain(fresh.weight))
    P.remove_parametrizations(layer, "weight")
    twin = P.register_parametrization(double(M, "Linear(3, 3)"), "weight", Doubled())
    P.remove_parametrizations(twin, "weight", leave_parametrized=False)
    out += [plain(layer.weight), plain(twin.weight), type(layer).__name__, [n for n, _ in layer.named_parameters()]]
    P.register_parametrization(layer, "weight", Sum())
    out += [repr(layer), plain(layer.state_dict()), plain(layer.weight)]
    for f in (lambda: P.remove_parametrizations(layer, "weight", leave_parametrized=False), lambda: P.remove_parametrizations(layer, "bias"), lambda: P.register_parametrization(layer, "nothing", Doubled()), lambda: P.ParametrizationList([], M.ones(1)),
              lambda: P.register_parametrization(layer, "bias", nn.Flatten(0, -1)) and P.register_parametrization(double(M, "Linear(2, 2)"), "weight", nn.Flatten(0, -1)), lambda: copy.copy(layer).__getstate__()):  # fmt: skip
        try:
            f()
            out.append(None)
        except (ValueError, RuntimeError) as e:
            out.append([type(e).__name__, str(e).splitlines()[0]])
    return out


def pruned(M):
    nn, prune = M.nn, M.nn.utils.prune
    out = []

    def say(m, name="weight"):
        out.append([plain(getattr(m, name)), plain(getattr(m, name + "_mask")), sorted(m.state_dict()), prune.is_pruned(m)])

    M.manual_seed(5)
    for f in (lambda m: prune.l1_unstructured(m, "weight", 0.3), lambda m: prune.random_unstructured(m, "weight", 4), lambda m: prune.random_structured(m, "weight", 0.5, 1), lambda m: prune.ln_structured(m, "weight", 2, 2, 0),
              lambda m: prune.custom_from_mask(m, "weight", M.eye(4, 3, dtype=M.float64)), lambda m: prune.identity(m, "weight"), lambda m: prune.l1_unstructured(m, "weight", 2, importance_scores=-m.weight.abs())):  # fmt: skip
        m = double(M, "Linear(3, 4)")
        M.manual_seed(8)
        f(m)
        say(m)
        prune.l1_unstructured(m, "weight", 2)
        prune.l1_unstructured(m, "bias", 1)
        say(m), say(m, "bias")
        out.append(slopes(M, m, M.ones(1, 3, dtype=M.float64)))
        prune.remove(m, "weight")
        out.append([plain(m.weight), sorted(m.state_dict())])
    net = double(M, "Sequential(nn.Linear(3, 2), nn.ReLU(), nn.Linear(2, 2))")
    prune.global_unstructured([(net[0], "weight"), (net[2], "weight")], prune.L1Unstructured, amount=0.4)
    say(net[0]), say(net[2])
    for f in (lambda: prune.l1_unstructured(double(M, "Linear(1, 2)"), "weight", 5), lambda: prune.l1_unstructured(double(M, "Linear(1, 2)"), "weight", 1.5), lambda: prune.l1_unstructured(double(M, "Linear(1, 2)"), "weight", "x"), lambda: prune.remove(net[0], "bias"), lambda: prune.ln_structured(double(M, "Linear(1, 2)"), "bias", 1, 2, 0)):
        try:
            f()
        except (ValueError, TypeError) as e:
            out.append([type(e).__name__, str(e).splitlines()[0]])
    return out


def fused(M):
    nn, U, out = M.nn, M.nn.utils, []
    for conv, bn, x in (("Conv2d(2, 3, 2)", "BatchNorm2d(3)", (2, 2, 3, 3)), ("Conv1d(2, 3, 2, bias=False)", "BatchNorm1d(3, affine=False)", (2, 2, 3)), ("ConvTranspose2d(2, 3, 2)", "BatchNorm2d(3)", (2, 2, 3, 3))):
        a, b, x = double(M, conv), double(M, bn), M.linspace(-1, 1, M.Size(x).numel(), dtype=M.float64).reshape(x)
        b(a(x))
        f = U.fuse_conv_bn_eval(a.eval(), b.eval(), "Transpose" in conv)
        out += [plain(f(x)), (f(x) - b(a(x))).abs().max().item() < 1e-12]
    a, b, x = double(M, "Linear(2, 3)"), double(M, "BatchNorm1d(3)"), M.linspace(-1, 1, 8, dtype=M.float64).reshape(4, 2)
    b(a(x))
    f = U.fuse_linear_bn_eval(a.eval(), b.eval())
    return [*out, plain(f(x)), type(f.weight).__name__]


def lazy(M):
    warnings.simplefilter("ignore")
    out = []
    for text, shape in LAZY:
        M.manual_seed(3)
        made = eval("nn." + text, {"nn": M.nn})
        before = [repr(made), made.has_uninitialized_params(), sorted(made.state_dict())]
        twin = eval("nn." + text, {"nn": M.nn})
        y = made(M.linspace(-1, 1, M.Size(shape).numel()).reshape(shape))
        twin.load_state_dict(made.state_dict())
        out.append([text, before, repr(made), type(made).__name__, plain(made.state_dict()), plain(y), plain(twin.state_dict()), twin.has_uninitialized_params()])
    p = M.nn.UninitializedParameter()
    out.append([repr(p), p.requires_grad])
    try:
        p.shape
    except RuntimeError as e:
        out.append(str(e)[:60])
    p.materialize((2, 3))
    return [*out, type(p).__name__, list(p.shape)]


def averages(M):
    """Averaged models, their batch norms, and the schedule."""
    nn, S, out = M.nn, M.optim.swa_utils, []
    for options in ({}, {"avg_fn": lambda a, b, n: 0.9 * a + 0.1 * b}, {"multi_avg_fn": S.get_ema_multi_avg_fn(0.9)}, {"use_buffers": True}, {"avg_fn": S.get_swa_avg_fn()}, {"avg_fn": S.get_ema_avg_fn(0.5), "use_buffers": True}):
        net = double(M, "Sequential(nn.Linear(2, 3), nn.BatchNorm1d(3), nn.ReLU(), nn.Linear(3, 1))")
        mean, o = S.AveragedModel(net, **options), M.optim.SGD(net.parameters(), lr=0.1)
        schedule = S.SWALR(o, 0.02, anneal_epochs=3, anneal_strategy="linear" if options else "cos")
        x, rates = M.linspace(-1, 1, 8, dtype=M.float64).reshape(4, 2), []
        for _ in range(5):
            o.zero_grad()
            (net(x).sum() ** 2).backward()
            o.step()
            mean.update_parameters(net)
            schedule.step()
            rates.append(schedule.get_last_lr())
        S.update_bn([(x,), (2 * x,)], mean)
        out += [plain(mean.state_dict()), plain(mean.eval()(x)), rates, net[1].momentum, sorted(k for k in schedule.state_dict() if k != "_anneal_func")]
    for f in (lambda: S.SWALR(o, 0.1, anneal_strategy="x"), lambda: S.SWALR(o, 0.1, anneal_epochs=-1), lambda: S.SWALR(o, [0.1, 0.2]), lambda: S.get_ema_avg_fn(2)):
        try:
            f()
        except ValueError as e:
            out.append(str(e))
    return out


def shares(M):
    """Samplers of several runs, and modules on several devices, of which there is one."""
    D, out = M.utils.data, []
    for n in (10, 11, 3):
        for options in ({}, {"shuffle": False}, {"drop_last": True}, {"seed": 3}):
            for rank in (0, 3):
                s = D.DistributedSampler(range(n), num_replicas=4, rank=rank, **options)
                s.set_epoch(2)
                out.append([len(s), list(s)])
    net = M.nn.DataParallel(double(M, "Linear(2, 1)"))
    return [*out, plain(net(M.ones(3, 2, dtype=M.float64))), sorted(net.state_dict()), repr(net)]


def everything(M):
    return {f.__name__: f(M) for f in (orthogonal, norms, parametrized, pruned, fused, lazy, averages, shares)}
