"""Model-agnostic meta-learning of sine waves: gradients through an inner step by functional_call."""

import math

import torch
from torch import nn
from torch.func import functional_call

torch.manual_seed(0)
model = nn.Sequential(nn.Linear(1, 20), nn.Tanh(), nn.Linear(20, 1))
meta = torch.optim.Adam(model.parameters(), lr=5e-3)


def task():
    amplitude, phase = torch.rand(1) * 4 + 1, torch.rand(1) * math.pi
    x = torch.rand(20, 1) * 6 - 3
    return x, amplitude * torch.sin(x + phase)


def adapted(params, x, y, lr=0.02):
    loss = nn.functional.mse_loss(functional_call(model, params, (x,)), y)
    grads = torch.autograd.grad(loss, list(params.values()), create_graph=True)
    return {name: p - lr * g for (name, p), g in zip(params.items(), grads)}


for iteration in range(61):
    losses = []
    for _ in range(4):
        x, y = task()
        fast = adapted(dict(model.named_parameters()), x[:10], y[:10])
        losses.append(nn.functional.mse_loss(functional_call(model, fast, (x[10:],)), y[10:]))
    loss = torch.stack(losses).mean()
    meta.zero_grad()
    loss.backward()
    meta.step()
    if iteration % 20 == 0:
        print(f"iteration {iteration}: {loss.item():.3f}, gradient {model[0].weight.grad.norm().item():.3f}")
