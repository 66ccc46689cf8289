"""A variational autoencoder on digits, with torch.distributions."""

import csv
from pathlib import Path

import torch
from torch import nn
from torch.distributions import Bernoulli, Independent, Normal, kl_divergence

rows = [[float(v) for v in row] for row in csv.reader(open(Path(__file__).parent / "digits.csv"))]
x = torch.tensor(rows)[:, :64] / 16


class VAE(nn.Module):
    def __init__(self, latent=2):
        super().__init__()
        self.encoder = nn.Sequential(nn.Linear(64, 32), nn.Tanh(), nn.Linear(32, 2 * latent))
        self.decoder = nn.Sequential(nn.Linear(latent, 32), nn.Tanh(), nn.Linear(32, 64))

    def forward(self, x):
        mean, log_std = self.encoder(x).chunk(2, dim=-1)
        q = Independent(Normal(mean, log_std.exp()), 1)
        p = Independent(Normal(torch.zeros_like(mean), torch.ones_like(mean)), 1)
        z = q.rsample()
        likelihood = Independent(Bernoulli(logits=self.decoder(z), validate_args=False), 1)
        return likelihood.log_prob(x), kl_divergence(q, p)


torch.manual_seed(0)
model = VAE()
optimizer = torch.optim.Adam(model.parameters(), lr=5e-3)
for step in range(101):
    log_likelihood, kl = model(x)
    loss = (kl - log_likelihood).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 25 == 0:
        print(f"step {step}: elbo {-loss.item():.2f} kl {kl.mean().item():.2f}")
with torch.no_grad():
    picture = model.decoder(torch.zeros(1, 2)).sigmoid().reshape(8, 8)
print((picture * 4).round().int())
