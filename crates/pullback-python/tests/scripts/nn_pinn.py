"""A physics-informed network: u'' = -sin x with u(0) = u(π) = 0, second derivatives by autograd, fitted by L-BFGS."""

import math

import torch
from torch import nn

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.layers = nn.ModuleList([nn.Linear(1, 12), nn.Linear(12, 12), nn.Linear(12, 1)])

    def forward(self, x):
        for layer in self.layers[:-1]:
            x = torch.tanh(layer(x))
        return self.layers[-1](x)


model = Net()
x = torch.linspace(0, math.pi, 30).reshape(-1, 1).requires_grad_()
ends = torch.tensor([[0.0], [math.pi]])
optimizer = torch.optim.LBFGS(model.parameters(), max_iter=15, line_search_fn="strong_wolfe")


def closure():
    optimizer.zero_grad()
    u = model(x)
    (du,) = torch.autograd.grad(u.sum(), x, create_graph=True)
    (ddu,) = torch.autograd.grad(du.sum(), x, create_graph=True)
    loss = (ddu + torch.sin(x)).square().mean() + model(ends).square().sum()
    loss.backward()
    return loss


for step in range(4):
    loss = optimizer.step(closure)
    error = (model(x) - torch.sin(x)).abs().max().item()
    print(f"step {step}: loss below {10 ** math.ceil(math.log10(loss.item())):g}, error below {10 ** math.ceil(math.log10(error)):g}")
