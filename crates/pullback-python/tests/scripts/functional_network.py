import torch
from torch.func import grad, vmap, jacrev, jacfwd, hessian, vjp, jvp
torch.manual_seed(0)

def mlp(p, x):
    h = torch.tanh(x @ p['w1'] + p['b1'])
    return (h @ p['w2'] + p['b2']).squeeze(-1)
p = {'w1': torch.randn(3, 5) * 0.5, 'b1': torch.zeros(5), 'w2': torch.randn(5, 1) * 0.5, 'b2': torch.zeros(1)}
X = torch.randn(6, 3)
Y = X.sum(1)

def loss(p, x, y):
    return ((mlp(p, x) - y) ** 2).mean()
g = grad(loss)(p, X, Y)
print({k: tuple(v.shape) for k, v in g.items()}, round(g['w1'].norm().item(), 4))
ps = vmap(grad(loss), in_dims=(None, 0, 0))(p, X, Y)
print(ps['w1'].shape, torch.allclose(ps['w1'].mean(0), g['w1'], atol=1e-06))
J = jacrev(mlp)(p, X)
print(J['w1'].shape)
print(torch.allclose(jacfwd(lambda x: mlp(p, x))(X), jacrev(lambda x: mlp(p, x))(X), atol=1e-05))
H = hessian(lambda x: mlp(p, x).sum())(X[0])
print(H.shape, torch.allclose(H, H.T, atol=1e-06))
o, f = vjp(lambda x: mlp(p, x), X)
print(o.shape, f(torch.ones(6))[0].shape)
o, d = jvp(lambda x: mlp(p, x), (X,), (torch.ones_like(X),))
print(d.shape, f'{d.sum():.4f}')
for i in range(30):
    g = grad(loss)(p, X, Y)
    p = {k: p[k] - 0.1 * g[k] for k in p}
print(f'{loss(p, X, Y):.4f}')
x = torch.tensor(1.5, requires_grad=True)
print(grad(torch.sin)(x))
print(grad(grad(torch.sin))(torch.tensor(1.0)))
