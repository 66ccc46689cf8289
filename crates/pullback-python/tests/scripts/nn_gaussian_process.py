"""Gaussian process regression: hyperparameters learned by the marginal likelihood of a multivariate normal law, whose Cholesky factor does the work."""

import torch
from torch.distributions import MultivariateNormal

torch.manual_seed(0)
torch.set_default_dtype(torch.float64)
x = torch.linspace(-2, 2, 12)
y = torch.sin(2 * x) + 0.1 * torch.randn(12)
log_length, log_scale, log_noise = (torch.zeros((), requires_grad=True) for _ in range(3))


def kernel(a, b):
    return (2 * log_scale).exp() * torch.exp(-0.5 * (a.unsqueeze(-1) - b).square() / (2 * log_length).exp())


def prior():
    return MultivariateNormal(torch.zeros(12), kernel(x, x) + (2 * log_noise).exp() * torch.eye(12))


optimizer = torch.optim.Adam([log_length, log_scale, log_noise], lr=0.1)
for step in range(41):
    nll = -prior().log_prob(y)
    optimizer.zero_grad()
    nll.backward()
    optimizer.step()
    if step % 10 == 0:
        print(f"step {step}: nll {nll.item():.4f} length {log_length.exp().item():.3f} noise {log_noise.exp().item():.3f}")
with torch.no_grad():
    at, law = torch.tensor([0.0, 0.5, 3.0]), prior()
    cross = kernel(at, x)
    mean = cross @ law.precision_matrix @ y
    covariance = kernel(at, at) - cross @ law.precision_matrix @ cross.T
    print(mean.numpy().round(3), covariance.diagonal().numpy().round(3), law.scale_tril.diagonal().min().item() > 0)
    print([round(v, 3) for v in MultivariateNormal(mean, covariance + 1e-6 * torch.eye(3)).entropy().reshape(1).tolist()])
