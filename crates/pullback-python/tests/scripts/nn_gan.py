"""A generative adversarial network that learns points on a ring."""

import math

import torch
import torch.nn as nn
import torch.optim as optim

torch.manual_seed(3)


def real(n):
    angle = torch.rand(n) * 2 * math.pi
    return torch.stack([angle.cos(), angle.sin()], dim=1)


generator = nn.Sequential(nn.Linear(4, 24), nn.LeakyReLU(0.2), nn.Linear(24, 2))
critic = nn.Sequential(nn.Linear(2, 24), nn.LeakyReLU(0.2), nn.Linear(24, 1), nn.Sigmoid())
g_optimizer = optim.Adam(generator.parameters(), lr=2e-3, betas=(0.5, 0.999))
c_optimizer = optim.Adam(critic.parameters(), lr=2e-3, betas=(0.5, 0.999))
bce = nn.BCELoss()
for step in range(41):
    c_optimizer.zero_grad()
    fake = generator(torch.randn(32, 4))
    c_loss = bce(critic(real(32)), torch.ones(32, 1)) + bce(critic(fake.detach()), torch.zeros(32, 1))
    c_loss.backward()
    c_optimizer.step()
    g_optimizer.zero_grad()
    g_loss = bce(critic(fake), torch.ones(32, 1))
    g_loss.backward()
    g_optimizer.step()
    if step % 10 == 0:
        print(f"[{step}] critic {c_loss.item():.3f} generator {g_loss.item():.3f}")
with torch.no_grad():
    print("mean radius", round(generator(torch.randn(200, 4)).norm(dim=1).mean().item(), 2))
