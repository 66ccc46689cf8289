"""einops: functions on tensors, and its layers."""

import torch
from einops import einsum, pack, rearrange, reduce, repeat
from einops.layers.torch import Rearrange, Reduce

torch.manual_seed(0)
x = torch.arange(24.0).reshape(2, 3, 4)
print(rearrange(x, "a b c -> (a b) c").shape, reduce(x, "a b c -> a c", "mean"), repeat(x, "a b c -> a b c d", d=2).shape, einsum(x, x, "a b c, a d c -> a b d").sum())
model = torch.nn.Sequential(Rearrange("a b c -> a (b c)"), torch.nn.Linear(12, 2))
print(model, model(x).shape, pack([x, x], "* c")[0].shape, Reduce("a b c -> a", "max")(x))
