"""An image's style by L-BFGS: pixels are fitted so that features have given correlations."""

import torch
from torch import nn

torch.manual_seed(0)
features = nn.Sequential(nn.Conv2d(1, 4, 3, padding=1), nn.Tanh(), nn.AvgPool2d(2), nn.Conv2d(4, 6, 3, padding=1), nn.Tanh()).requires_grad_(False)


def gram(x):
    f = features(x).flatten(2)
    return f @ f.transpose(1, 2) / f.shape[-1]


style = (torch.arange(16.0).reshape(1, 1, 4, 4) % 3).repeat(1, 1, 3, 3)
want = gram(style)
image = nn.Parameter(0.1 * torch.randn(1, 1, 12, 12))
optimizer = torch.optim.LBFGS([image], lr=0.5, max_iter=5, history_size=5)
calls = 0


def closure():
    global calls
    calls += 1
    optimizer.zero_grad()
    loss = 100 * (gram(image) - want).square().sum()
    loss.backward()
    return loss


for step in range(3):
    loss = optimizer.step(closure)
    print(f"step {step}: loss {loss.item():.2f} after {calls} calls")
with torch.no_grad():
    image.clamp_(-3, 3)
print(image.shape, image.requires_grad)
