"""vmap that runs its function once: transforms in nested orders, writes, errors, random numbers, functions with gradients of their own."""

import warnings

import torch
from torch.func import functional_call, grad, hessian, jacfwd, jacrev, jvp, stack_module_state, vjp, vmap

warnings.simplefilter("ignore")


def mk(*shape):
    n = 1
    for k in shape:
        n *= k
    return torch.tensor([(i * 0.7) % 3 - 1.3 for i in range(n)], dtype=torch.float64).reshape(shape)


def told(x):
    if isinstance(x, torch.Tensor):
        return [list(x.shape), [float(f"{v:.6g}") + 0.0 for v in x.detach().reshape(-1).tolist()]]
    if isinstance(x, dict):
        return {k: told(v) for k, v in x.items()}
    return [told(v) for v in x] if isinstance(x, (tuple, list)) else x


def t(name, f):
    try:
        print(name, told(f()))
    except Exception as e:
        print(name, "!!", type(e).__name__, str(e)[:160])


def f(x):
    return (torch.tanh(x @ mk(4, 3)) ** 2).sum() + x.sin().prod()


def g(x):
    return torch.tanh(x @ mk(4, 3)) * x[0]


x, xs, many = mk(4), mk(3, 4), mk(2, 3, 4)
t("jacrev", lambda: jacrev(g)(x))
t("jacfwd", lambda: jacfwd(g)(x))
t("hessian", lambda: hessian(f)(x))
for a in (jacrev, jacfwd):
    for b in (jacrev, jacfwd):
        t(f"{a.__name__} {b.__name__}", lambda: a(b(f))(x))
    t(f"vmap {a.__name__}", lambda: vmap(a(g))(xs))
    t(f"{a.__name__} vmap", lambda: a(vmap(g))(xs))
    t(f"{a.__name__} of two", lambda: a(lambda p, q: {"a": (p * q).sin(), "b": p.sum()}, argnums=(0, 1))(mk(3), mk(3)))
    t(f"{a.__name__} aux", lambda: a(lambda p: (p.sin(), p * 2), has_aux=True)(mk(3)))
t("vmap hessian", lambda: vmap(hessian(f))(xs))
t("hessian vmap", lambda: hessian(lambda x: vmap(f)(x).sum())(mk(2, 4)))
t("grad vmap grad", lambda: grad(lambda x: vmap(grad(f))(x).pow(2).sum())(xs))
t("vmap vmap jacrev", lambda: vmap(vmap(jacrev(g)))(many))
t("vmap jvp", lambda: vmap(lambda x, d: jvp(g, (x,), (d,)))(xs, xs))
t("vmap vjp", lambda: vmap(lambda x, d: vjp(g, x)[1](d)[0])(xs, mk(3, 3)))
t("jacrev hessian", lambda: jacrev(hessian(f))(x))
t("jvp vmap hessian", lambda: jvp(vmap(hessian(f)), (xs,), (xs,)))
t("chunks", lambda: (jacrev(g, chunk_size=2)(x), vmap(f, chunk_size=2)(mk(5, 4))))
t("for all", lambda: vmap(lambda x: (x, mk(2)))(xs))
t("in place", lambda: vmap(lambda x: x.clone().mul_(2).add_(x[0]))(xs))


def written():
    x = mk(3, 4)
    return vmap(lambda r: r.mul_(2))(x), x


def parts(r):
    y = r * 1
    y[0] = y[1] * 2
    y[1:3] += 1
    return y


t("argument written", written)
t("parts written", lambda: vmap(parts)(xs))
t("item", lambda: vmap(lambda x: x.sum().item())(xs))
t("int", lambda: vmap(lambda x: int(x.sum()))(xs))
t("if", lambda: vmap(lambda x: x if x.sum() > 0 else -x)(xs))
t("item of what is shared", lambda: vmap(lambda x: x * mk(1).item())(xs))
t("shared written", lambda: vmap(lambda x, c=mk(4): c.mul_(x))(xs))
t("shared part written", lambda: vmap(lambda x, c=mk(4): c.__setitem__(0, x[0]))(xs))
t("shared filled", lambda: vmap(lambda x, c=mk(4): c.normal_(), randomness="different")(xs))
t("index", lambda: vmap(lambda x, i: x[i])(xs, torch.tensor([0, 2, 1])))
t("mask", lambda: vmap(lambda x: x[x > 0])(xs))
t("masked_select", lambda: vmap(lambda x: torch.masked_select(x, x > 0))(xs))
t("nonzero", lambda: vmap(lambda x: x.nonzero())(xs))
t("numpy", lambda: vmap(lambda x: x.numpy())(xs))
t("where", lambda: vmap(lambda x: torch.where(x > 0, x, 0.0))(xs))
t("dropout", lambda: vmap(lambda x: torch.nn.functional.dropout(x, 0.5))(xs))
for how in ("same", "different"):
    torch.manual_seed(3)
    t(
        f"random {how}",
        lambda: vmap(
            lambda x: (
                torch.rand(3),
                torch.randn(20),
                torch.nn.functional.dropout(x, 0.5),
                torch.bernoulli(torch.full((5,), 0.3)),
                torch.randint(0, 9, (4,)),
                torch.rand_like(x),
                x.clone().normal_(),
            ),
            randomness=how,
        )(xs),
    )


def power(generated, own):
    class Power(torch.autograd.Function):
        generate_vmap_rule = generated

        @staticmethod
        def forward(x, n):
            return x**n

        @staticmethod
        def setup_context(ctx, inputs, output):
            ctx.save_for_backward(inputs[0])
            ctx.n = inputs[1]

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            return g * ctx.n * x ** (ctx.n - 1), None

    if own:
        Power.vmap = staticmethod(lambda info, in_dims, x, n: (Power.apply(x, n), in_dims[0]))
    return Power


for generated in (False, True):
    for own in (False, True):
        P = power(generated, own)
        t(f"Function {generated} {own}", lambda: vmap(lambda x: P.apply(x, 3))(xs))
        t(f"Function {generated} {own} inside", lambda: vmap(grad(lambda x: P.apply(x, 3).sum()))(xs))
        t(f"Function {generated} {own} around", lambda: grad(lambda y: vmap(lambda x: P.apply(x, 3))(y).sum())(xs))


def batched():
    x = mk(3).requires_grad_()
    y = x**2
    return torch.autograd.grad(y, x, torch.eye(3, dtype=torch.float64), is_grads_batched=True)


def filled(net):
    for p in net.parameters():
        p.data.copy_(mk(*p.shape))
    return net


def samples():
    net = filled(torch.nn.Sequential(torch.nn.Conv2d(1, 2, 3), torch.nn.ReLU(), torch.nn.Flatten(), torch.nn.Linear(32, 3)).double())
    own = {k: v.detach() for k, v in net.named_parameters()}

    def loss(p, x, y):
        return torch.nn.functional.cross_entropy(functional_call(net, p, (x[None],)), y[None])

    return vmap(grad(loss), in_dims=(None, 0, 0))(own, mk(5, 1, 6, 6), torch.tensor([0, 1, 2, 1, 0]))


def ensemble():
    nets = [filled(torch.nn.Linear(3, 2).double()) for _ in range(3)]
    own, buffers = stack_module_state(nets)
    return vmap(lambda p, b, x: functional_call(nets[0], (p, b), (x,)), in_dims=(0, 0, None))(own, buffers, mk(4, 3))


t("is_grads_batched", batched)
t("jacobian", lambda: torch.autograd.functional.jacobian(g, x, vectorize=True))
t("functional hessian", lambda: torch.autograd.functional.hessian(f, x, vectorize=True))
t("samples", samples)
t("ensemble", ensemble)
