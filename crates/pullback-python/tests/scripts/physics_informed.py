"""A physics-informed fit: u'' + u = 0, u(0) = 0, u'(0) = 1, by second derivatives of a small network."""
import math

import torch

torch.manual_seed(2)
H = 12
params = [
    (torch.randn(1, H, dtype=torch.float64)).requires_grad_(),
    torch.zeros(H, dtype=torch.float64, requires_grad=True),
    (torch.randn(H, 1, dtype=torch.float64) / math.sqrt(H)).requires_grad_(),
]


def network(t):
    W1, b1, W2 = params
    return torch.tanh(t @ W1 + b1) @ W2


def derivative(y, x):
    return torch.autograd.grad(y, x, grad_outputs=torch.ones_like(y), create_graph=True)[0]


t = torch.linspace(0, 2, 20, dtype=torch.float64).unsqueeze(1).requires_grad_(True)
zero = torch.zeros(1, 1, dtype=torch.float64, requires_grad=True)
for step in range(301):
    u = network(t)
    du = derivative(u, t)
    d2u = derivative(du, t)
    u0 = network(zero)
    du0 = derivative(u0, zero)
    loss = ((d2u + u) ** 2).mean() + (u0**2).sum() + ((du0 - 1) ** 2).sum()
    grads = torch.autograd.grad(loss, params)
    with torch.no_grad():
        for p, g in zip(params, grads):
            p -= 0.02 * g
    if step % 100 == 0:
        print(step, f"loss {loss.item():.5f}")

print(u.shape, d2u.shape, d2u.requires_grad, u.grad_fn is not None)
print(f"u(1) = {network(torch.ones(1, 1, dtype=torch.float64)).item():.4f}")
