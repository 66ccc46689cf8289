"""Logistic regression on two clouds of points."""
import numpy as np
import torch
import torch.nn.functional as F

rng = np.random.default_rng(3)
n = 200
X = np.concatenate([rng.normal(-1.0, 1.0, (n, 2)), rng.normal(1.0, 1.0, (n, 2))]).astype(np.float32)
y = np.concatenate([np.zeros(n), np.ones(n)]).astype(np.float32)

X, y = torch.from_numpy(X), torch.from_numpy(y)
w = torch.zeros(2, requires_grad=True)
b = torch.zeros(1, requires_grad=True)

for epoch in range(100):
    logits = X @ w + b
    loss = F.binary_cross_entropy_with_logits(logits, y)
    grad_w, grad_b = torch.autograd.grad(loss, [w, b])
    with torch.no_grad():
        w.sub_(0.5 * grad_w)
        b.sub_(0.5 * grad_b)
    if epoch % 20 == 0:
        accuracy = ((logits > 0) == y.bool()).float().mean()
        print(f"epoch {epoch:3d}  loss {loss.item():.4f}  accuracy {accuracy:.3f}")

print("shapes", X.shape, y.shape, w.shape)
print("w", [round(v, 3) for v in w.tolist()], "b", round(b.item(), 3))
