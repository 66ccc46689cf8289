"""Softmax regression on small images of digits."""
import os

import numpy as np
import torch
import torch.nn.functional as F

path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "digits.csv")
table = np.loadtxt(path, delimiter=",", dtype=np.int64)
X = torch.tensor(table[:, :-1], dtype=torch.float32) / 16.0
y = torch.tensor(table[:, -1])
print(X.shape, X.dtype, y.shape, y.dtype, torch.bincount(y).tolist())

train, test = X[:240], X[240:]
train_y, test_y = y[:240], y[240:]
W = torch.zeros(64, 10, requires_grad=True)
b = torch.zeros(10, requires_grad=True)
for epoch in range(61):
    logits = torch.addmm(b, train, W)
    loss = F.cross_entropy(logits, train_y)
    loss.backward()
    with torch.no_grad():
        for p in (W, b):
            p -= 0.5 * p.grad
            p.grad.zero_()
    if epoch % 20 == 0:
        with torch.no_grad():
            hits = (test @ W + b).argmax(dim=1).eq(test_y).sum().item()
        print(f"{epoch} loss {loss:.4f} right {hits} of {len(test_y)}")

log_p = F.log_softmax(test @ W + b, dim=-1)
by_hand = -log_p[torch.arange(len(test_y)), test_y].mean()
print(f"{F.nll_loss(log_p, test_y).item():.4f} {by_hand.item():.4f}")
values, indices = torch.softmax(test[0] @ W + b, 0).topk(3)
print(indices.tolist(), [round(v, 3) for v in values.tolist()], int(test_y[0]))
