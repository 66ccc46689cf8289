"""Newton's method with the Hessian from autograd."""
import torch
from torch.autograd.functional import hessian, jacobian


def f(x):
    return (x**4).sum() + (x[0] * x[1]) ** 2 + torch.exp(-x.sum()) + 0.5 * (x * x).sum()


x = torch.tensor([1.0, -2.0, 0.5], dtype=torch.float64)
for i in range(8):
    g = jacobian(f, x)
    H = hessian(f, x)
    if i == 0:
        print("H", H.shape, "symmetric", torch.equal(H, H.T))
        print(H)
    # 3 by 3, by Cramer's rule.
    minors = torch.stack([torch.linalg.cross(H[1], H[2]), torch.linalg.cross(H[2], H[0]), torch.linalg.cross(H[0], H[1])], 1)
    step = minors @ g / (H[0] @ minors[:, 0])
    x = x - step
    print(i, f"{f(x).item():.6f}", f"{g.norm().item():.2e}" if i < 4 else "")
print("minimum at", [round(v, 5) for v in x.tolist()])
