"""Ratings as products of embeddings: users, films, biases."""

import torch
from torch import nn


class Factors(nn.Module):
    def __init__(self, users, films, k=4):
        super().__init__()
        self.user, self.film = nn.Embedding(users, k), nn.Embedding(films, k)
        self.user_bias, self.film_bias = nn.Embedding(users, 1), nn.Embedding(films, 1)
        self.mean = nn.Parameter(torch.tensor(3.0))
        for table in (self.user, self.film):
            nn.init.normal_(table.weight, std=0.1)
        for table in (self.user_bias, self.film_bias):
            nn.init.zeros_(table.weight)

    def forward(self, u, f):
        product = (self.user(u) * self.film(f)).sum(-1)
        return self.mean + product + self.user_bias(u).squeeze(-1) + self.film_bias(f).squeeze(-1)


torch.manual_seed(0)
users, films = 30, 20
truth = 3 + torch.randn(users, 2) @ torch.randn(2, films)
u, f = torch.meshgrid(torch.arange(users), torch.arange(films), indexing="ij")
seen = torch.rand(users, films) < 0.6
u, f, r = u[seen], f[seen], truth[seen]
model = Factors(users, films)
optimizer = torch.optim.Adagrad(model.parameters(), lr=0.2)
for epoch in range(40):
    order = torch.randperm(len(r))
    for batch in order.split(64):
        loss = nn.functional.mse_loss(model(u[batch], f[batch]), r[batch]) + 1e-4 * sum(p.square().sum() for p in model.parameters())
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()
    if epoch % 10 == 0:
        with torch.no_grad():
            print(f"epoch {epoch}: rmse {nn.functional.mse_loss(model(u, f), r).sqrt().item():.3f}")
