"""A normalising flow: affine couplings over two dimensions, and the same by TransformedDistribution."""

import torch
from torch import nn
from torch.distributions import AffineTransform, Independent, Normal, SigmoidTransform, TransformedDistribution


class Coupling(nn.Module):
    def __init__(self, flip):
        super().__init__()
        self.flip = flip
        self.net = nn.Sequential(nn.Linear(1, 16), nn.ReLU(), nn.Linear(16, 2))

    def forward(self, x):
        a, b = x.unbind(-1) if not self.flip else x.flip(-1).unbind(-1)
        scale, shift = self.net(a.unsqueeze(-1)).unbind(-1)
        scale = torch.tanh(scale)
        b = b * scale.exp() + shift
        y = torch.stack([a, b], -1)
        return (y.flip(-1) if self.flip else y), scale


torch.manual_seed(0)
flow = nn.ModuleList([Coupling(i % 2 == 1) for i in range(4)])
base = Independent(Normal(torch.zeros(2), torch.ones(2)), 1)
x1 = torch.randn(256)
data = torch.stack([x1, 0.5 * x1**2 + 0.3 * torch.randn(256)], -1)
optimizer = torch.optim.Adamax(flow.parameters(), lr=1e-2)
for step in range(81):
    z, log_det = data, 0.0
    for layer in flow:
        z, d = layer(z)
        log_det = log_det + d
    loss = -(base.log_prob(z) + log_det).mean()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if step % 20 == 0:
        print(f"step {step}: nll {loss.item():.3f}")
law = TransformedDistribution(Normal(torch.zeros(2), 1.0), [AffineTransform(torch.tensor([0.5, -1.0]), 2.0), SigmoidTransform()])
sample = law.rsample((3,))
print(sample)
print(law.log_prob(sample), law.batch_shape, law.event_shape)
