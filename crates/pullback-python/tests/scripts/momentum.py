"""Gradient descent with momentum on Rosenbrock's valley."""
import torch

torch.set_default_dtype(torch.float64)


def rosenbrock(p):
    x, y = p
    return (1 - x) ** 2 + 100 * (y - x**2) ** 2


p = torch.tensor([-1.5, 2.0], requires_grad=True)
velocity = torch.zeros_like(p)
print(p, rosenbrock(p))
for i in range(4000):
    if p.grad is not None:
        p.grad.zero_()
    loss = rosenbrock(p)
    loss.backward()
    velocity.mul_(0.9).add_(p.grad, alpha=-2e-4)
    p.data.add_(velocity)
    if i % 1000 == 0:
        print(i, f"{loss.item():.6f}", f"|g| = {p.grad.norm():.4f}")
print([f"{v:.4f}" for v in p.detach().numpy()])
torch.set_default_dtype(torch.float32)
