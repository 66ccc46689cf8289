"""torchdiffeq: solvers with fixed and chosen steps, and gradients by the adjoint equation."""

import torch
from torchdiffeq import odeint, odeint_adjoint


class Field(torch.nn.Module):
    def __init__(self):
        super().__init__()
        self.linear = torch.nn.Linear(2, 2)

    def forward(self, t, y):
        return torch.tanh(self.linear(y))


torch.manual_seed(0)
field, t, start = Field(), torch.linspace(0, 1, 5), torch.tensor([[1.0, 0.0]])
for method in ("dopri5", "bosh3", "rk4", "euler", "midpoint"):
    print(method, odeint(field, start, t, method=method)[-1].detach().numpy().round(3))
odeint_adjoint(field, start, t).sum().backward()
print(field.linear.weight.grad.numpy().round(3))
