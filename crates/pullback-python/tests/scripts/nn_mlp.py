"""A multilayer perceptron on two spirals: Sequential, Adam, a loader, accuracy."""

import math

import torch
from torch import nn
from torch.utils.data import DataLoader, TensorDataset

torch.manual_seed(0)
n = 100
t = torch.linspace(0.25, 1, n) * 3 * math.pi
rows = [torch.stack([t * torch.cos(t + k * math.pi), t * torch.sin(t + k * math.pi)], 1) / 10 for k in range(2)]
x = torch.cat(rows) + 0.02 * torch.randn(2 * n, 2)
y = torch.arange(2).repeat_interleave(n)
model = nn.Sequential(nn.Linear(2, 32), nn.ReLU(), nn.Linear(32, 32), nn.ReLU(), nn.Linear(32, 2))
print(model)
print(sum(p.numel() for p in model.parameters()), "parameters")
optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
loss_fn = nn.CrossEntropyLoss()
loader = DataLoader(TensorDataset(x, y), batch_size=25, shuffle=True)
for epoch in range(6):
    total = 0.0
    for xb, yb in loader:
        optimizer.zero_grad()
        loss = loss_fn(model(xb), yb)
        loss.backward()
        optimizer.step()
        total += loss.item() * len(xb)
    with torch.no_grad():
        accuracy = (model(x).argmax(1) == y).float().mean().item()
    print(f"epoch {epoch}: loss {total / len(x):.3f}, accuracy {accuracy:.2f}")
