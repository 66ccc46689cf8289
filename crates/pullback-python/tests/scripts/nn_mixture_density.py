"""A mixture density network for a relation with several answers: MixtureSameFamily."""

import math

import torch
from torch import nn
from torch.distributions import Categorical, MixtureSameFamily, Normal


class MDN(nn.Module):
    def __init__(self, k=3):
        super().__init__()
        self.body = nn.Sequential(nn.Linear(1, 20), nn.Tanh())
        self.weights, self.means, self.scales = (nn.Linear(20, k) for _ in range(3))

    def forward(self, x):
        h = self.body(x)
        return MixtureSameFamily(Categorical(logits=self.weights(h)), Normal(self.means(h), nn.functional.softplus(self.scales(h)) + 1e-3))


torch.manual_seed(0)
y = torch.rand(200) * 2 - 1
x = (y + 0.3 * torch.sin(2 * math.pi * y) + 0.05 * torch.randn(200)).unsqueeze(1)
model = MDN()
optimizer = torch.optim.NAdam(model.parameters(), lr=5e-3)
for step in range(61):
    loss = -model(x).log_prob(y).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step}: nll {loss.item():.3f}")
law = model(torch.tensor([[0.0]]))
print("sample shape", tuple(law.sample((5,)).shape))
