"""An attention layer by hand: heads, a causal mask, gradients of everything."""
import math

import torch

torch.manual_seed(5)
B, T, C, heads = 2, 5, 8, 2
x = torch.randn(B, T, C, requires_grad=True)
Wq, Wk, Wv, Wo = (torch.randn(C, C).mul_(C**-0.5).requires_grad_() for _ in range(4))


def split(t):
    return t.view(B, T, heads, C // heads).transpose(1, 2)


q, k, v = (split(x @ W) for W in (Wq, Wk, Wv))
scores = q @ k.transpose(-2, -1) / math.sqrt(C // heads)
mask = torch.tril(torch.ones(T, T)).bool()
scores = scores.masked_fill(~mask, float("-inf"))
weights = torch.softmax(scores, dim=-1)
out = (weights @ v).transpose(1, 2).contiguous().view(B, T, C) @ Wo
print(q.shape, scores.shape, out.shape, out.stride())
print(weights[0, 0])
print("rows sum to one:", torch.allclose(weights.sum(-1), torch.ones(B, heads, T)))

out.square().mean().backward()
for name, t in (("x", x), ("Wq", Wq), ("Wk", Wk), ("Wv", Wv), ("Wo", Wo)):
    print(f"{name:3s} {tuple(t.grad.shape)} {t.grad.norm().item():.4f}")

# The future is not seen: the first rows' outputs do not depend on the last position.
(g,) = torch.autograd.grad((torch.softmax((split(x @ Wq) @ split(x @ Wk).mT / 2).masked_fill(~mask, -torch.inf), -1) @ split(x @ Wv))[:, :, 0].sum(), x)
print([round(v, 4) for v in g.abs().sum((0, 2)).tolist()[1:]])
print(torch.einsum("bhqd,bhkd->bhqk", q, k).sub(q @ k.mT).abs().max().item() < 1e-5)
