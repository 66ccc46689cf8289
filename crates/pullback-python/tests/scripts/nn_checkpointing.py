"""Gradient checkpointing: the same gradients with fewer kept values, and gradient accumulation."""

import torch
from torch import nn
from torch.utils.checkpoint import checkpoint, checkpoint_sequential

torch.manual_seed(0)
calls = 0


class Block(nn.Module):
    def __init__(self, width):
        super().__init__()
        self.net = nn.Sequential(nn.LayerNorm(width), nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width))

    def forward(self, x):
        global calls
        calls += 1
        return x + self.net(x)


class Deep(nn.Module):
    def __init__(self, again):
        super().__init__()
        self.blocks = nn.ModuleList(Block(8) for _ in range(4))
        self.head = nn.Linear(8, 1)
        self.again = again

    def forward(self, x):
        for block in self.blocks:
            x = checkpoint(block, x, use_reentrant=False) if self.again else block(x)
        return self.head(x)


x, y = torch.randn(6, 8), torch.randn(6, 1)
plain, saving = Deep(False), Deep(True)
saving.load_state_dict(plain.state_dict())
for model in (plain, saving):
    calls = 0
    for part in range(3):
        loss = nn.functional.mse_loss(model(x[2 * part : 2 * part + 2]), y[2 * part : 2 * part + 2]) / 3
        loss.backward()
    print(f"{calls} calls, loss {loss.item():.4f}, gradient {model.blocks[0].net[1].weight.grad.norm().item():.4f}")
print(all(torch.allclose(a.grad, b.grad) for a, b in zip(plain.parameters(), saving.parameters())))
stack = nn.Sequential(*[nn.Sequential(nn.Linear(8, 8), nn.Tanh()) for _ in range(4)])
out = checkpoint_sequential(stack, 2, x.requires_grad_(), use_reentrant=False)
out.sum().backward()
print(f"{out.sum().item():.4f} {x.grad.sum().item():.4f}")
