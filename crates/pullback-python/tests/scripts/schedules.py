"""Learning rates by every schedule, and groups with options of their own."""

import torch, math
from torch.optim.lr_scheduler import *

m = torch.nn.Linear(2, 1)


def mk():
    return torch.optim.SGD(m.parameters(), lr=0.1, momentum=0.9)


def run(s, o, n=8, metric=None):
    out = []
    for i in range(n):
        o.step()
        s.step(metric[i]) if metric else s.step()
        out.append(round(o.param_groups[0]["lr"], 6))
    print(type(s).__name__, out)


o = mk()
run(LambdaLR(o, lambda e: min(1.0, (e + 1) / 4)), o)
o = mk()
run(StepLR(o, 3, 0.5), o)
o = mk()
run(MultiStepLR(o, [2, 5]), o)
o = mk()
run(ExponentialLR(o, 0.9), o)
o = mk()
run(CosineAnnealingLR(o, 8), o)
o = mk()
run(CosineAnnealingWarmRestarts(o, 3, 2), o, 12)
o = mk()
run(OneCycleLR(o, max_lr=1.0, total_steps=10), o, 9)
o = mk()
run(ReduceLROnPlateau(o, patience=1), o, 8, [1, 1, 1, 1, 0.5, 0.5, 0.5, 0.5])
o = mk()
run(SequentialLR(o, [LinearLR(o, 0.1, 1, 3), CosineAnnealingLR(o, 5)], [3]), o)
o = mk()
run(ChainedScheduler([ConstantLR(o, 0.1, 2), ExponentialLR(o, 0.9)]), o)
o = mk()
run(PolynomialLR(o, 5, 2), o)
o = mk()
run(CyclicLR(o, 0.01, 0.1, 3), o)
o = mk()
s = StepLR(o, 2)
print(s.state_dict(), s.get_last_lr())
print(o)


def warm(step, warmup=3, total=8):
    if step < warmup:
        return step / warmup
    return 0.5 * (1 + math.cos(math.pi * (step - warmup) / (total - warmup)))


o = torch.optim.AdamW([{"params": [m.weight], "weight_decay": 0.1}, {"params": [m.bias], "weight_decay": 0.0}], lr=3e-4, betas=(0.9, 0.95))
run(LambdaLR(o, warm), o)
print(o)
s = StepLR(mk(), 1)
s.step()
