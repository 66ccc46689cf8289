"""vmap over rows, its errors, and what it nests with."""

import warnings
import torch
warnings.simplefilter('ignore')


def t(name, f):
    try:
        r = f()
        print(name, '->', type(r).__name__, r)
    except Exception as e:
        print(name, '!!', type(e).__name__, str(e).split('\n')[0][:100])

from functools import partial
vmap = torch.func.vmap
x = torch.arange(12.0).reshape(3, 4)
w = torch.arange(4.0)
t('a', lambda: vmap(lambda r: r.sum())(x))
t('b', lambda: vmap(lambda r, w: r @ w, in_dims=(0, None))(x, w))
t('c', lambda: vmap(lambda r: r * 2, in_dims=1, out_dims=1)(x))
t('c2', lambda: vmap(lambda r: r * 2, in_dims=-1, out_dims=-1)(x))
t('d', lambda: vmap(lambda d: {'s': d['a'] + 1, 't': (d['b'],)}, in_dims=({'a': 0, 'b': 1},))({'a': x, 'b': x.T}))
t('e', lambda: vmap(lambda a, b: (a + b, a - b), out_dims=(0, 1))(x, x))
t('nest', lambda: vmap(vmap(lambda a, b: a * b, in_dims=(0, None)), in_dims=(None, 0))(w, w))
t('size', lambda: vmap(lambda a, b: a + b)(x, w[:2]))
t('noin', lambda: vmap(lambda: 1)())
t('none', lambda: vmap(lambda a: a, in_dims=None)(x))
t('none2', lambda: vmap(lambda a: a, in_dims=(None,))(x))
t('nt', lambda: vmap(lambda a, b: a)(x, 3))
t('dim', lambda: vmap(lambda a: a, in_dims=5)(x))
t('str', lambda: vmap(lambda a: a, in_dims=('a',))(x))
t('struct', lambda: vmap(lambda a, b: a, in_dims=(0,))(x, x))
t('ret', lambda: vmap(lambda a: 3)(x))
t('out', lambda: vmap(lambda a: a, out_dims='a')(x))
t('outs', lambda: vmap(lambda a: a, out_dims=(0, 1))(x))
t('outs2', lambda: vmap(lambda a: (a, a), out_dims=(0,))(x))
t('outnone', lambda: vmap(lambda a: a, out_dims=None)(x))
t('outnone ok', lambda: vmap(lambda a: 3, out_dims=None)(x))
t('outbig', lambda: vmap(lambda a: a, out_dims=3)(x))
t('chunk', lambda: vmap(lambda a: a, chunk_size=0)(x))
t('chunk2', lambda: vmap(lambda a: a + 1, chunk_size=2)(x))
t('rand?', lambda: vmap(lambda a: a, randomness='x')(x))
t('r err', lambda: vmap(lambda a: a + torch.rand(4))(x))
torch.manual_seed(0)
t('r same', lambda: vmap(lambda a: a * 0 + torch.rand(4), randomness='same')(x))
t('r diff', lambda: (lambda r: (r[0] == r[1]).any())(vmap(lambda a: a * 0 + torch.rand(4), randomness='different')(x)))
t('empty', lambda: vmap(lambda a: (a.sum(), a))(torch.zeros(0, 3)))
t('grad', lambda: vmap(torch.func.grad(lambda r: (r ** 2).sum()))(x))
t('gw', lambda: torch.func.grad(lambda w: vmap(lambda r: (r @ w) ** 2)(x).sum())(w))
t('jac', lambda: vmap(torch.func.jacrev(lambda r: r ** 2))(x)[1])
t('hess', lambda: torch.func.hessian(lambda w: vmap(lambda r: (r @ w) ** 3)(x).sum())(w))
y = x.clone().requires_grad_()
vmap(lambda r: r.exp().sum())(y * 0.1).sum().backward()
print(y.grad)
t('tv', lambda: torch.vmap(torch.dot)(x, x))
t('partial', lambda: vmap(partial(torch.mul, w))(x))
t('kw', lambda: vmap(lambda a, k=1: a * k)(x, k=3))
t('bool', lambda: vmap(lambda a: a > 3)(x))
print(vmap(lambda a: a).__name__)
o, f = torch.func.linearize(lambda a, b: (a * b).sin(), w, w + 1)
t('lin', lambda: (o, f(w, w), f(w * 0 + 1, w * 0)))
o, f = torch.func.linearize(lambda a: (a * 2, a.sum()), w)
t('lin2', lambda: f(w))
