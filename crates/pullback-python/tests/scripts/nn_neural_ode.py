"""A neural ordinary differential equation fitted to a spiral, by Runge and Kutta's method and its own backward."""

import torch
from torch import nn


class Field(nn.Module):
    def __init__(self):
        super().__init__()
        self.net = nn.Sequential(nn.Linear(2, 16), nn.Tanh(), nn.Linear(16, 2))

    def forward(self, t, y):
        return self.net(y**3)


def odeint(f, y, t):
    out = [y]
    for a, b in zip(t[:-1], t[1:]):
        h = b - a
        k1 = f(a, y)
        k2 = f(a + h / 2, y + h / 2 * k1)
        k3 = f(a + h / 2, y + h / 2 * k2)
        k4 = f(b, y + h * k3)
        y = y + h / 6 * (k1 + 2 * k2 + 2 * k3 + k4)
        out.append(y)
    return torch.stack(out)


torch.manual_seed(0)
a = torch.tensor([[-0.1, 2.0], [-2.0, -0.1]])
t = torch.linspace(0.0, 2.0, 15)
with torch.no_grad():
    truth = odeint(lambda t, y: (y**3) @ a, torch.tensor([[2.0, 0.0]]), t)
f = Field()
for p in f.parameters():
    nn.init.normal_(p, std=0.1)
optimizer = torch.optim.RMSprop(f.parameters(), lr=5e-3)
for step in range(41):
    optimizer.zero_grad()
    loss = (odeint(f, truth[0], t) - truth).abs().mean()
    loss.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"{step:3d} {loss.item():.3f}")
