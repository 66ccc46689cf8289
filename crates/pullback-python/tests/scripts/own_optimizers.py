"""Optimisers and a schedule of the user's own, as papers' repositories have them."""

import torch, math
from torch.optim import Optimizer
from torch.optim.optimizer import required
from torch.optim.lr_scheduler import LRScheduler, _LRScheduler


class Lion(Optimizer):
    def __init__(self, params, lr=1e-3, betas=(0.9, 0.99), weight_decay=0.0):
        if not 0.0 <= lr:
            raise ValueError("Invalid learning rate: {}".format(lr))
        defaults = dict(lr=lr, betas=betas, weight_decay=weight_decay)
        super().__init__(params, defaults)

    @torch.no_grad()
    def step(self, closure=None):
        loss = None
        if closure is not None:
            with torch.enable_grad():
                loss = closure()
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                p.data.mul_(1 - group["lr"] * group["weight_decay"])
                grad = p.grad
                state = self.state[p]
                if len(state) == 0:
                    state["exp_avg"] = torch.zeros_like(p)
                exp_avg = state["exp_avg"]
                beta1, beta2 = group["betas"]
                update = exp_avg * beta1 + grad * (1 - beta1)
                p.add_(update.sign_(), alpha=-group["lr"])
                exp_avg.mul_(beta2).add_(grad, alpha=1 - beta2)
        return loss


class OldAdam(Optimizer):
    def __init__(self, params, lr=1e-3):
        super(OldAdam, self).__init__(params, {"lr": lr})

    def step(self, closure=None):
        for group in self.param_groups:
            for p in group["params"]:
                if p.grad is None:
                    continue
                g = p.grad.data
                st = self.state[p]
                if not st:
                    st["step"] = 0
                    st["m"] = torch.zeros_like(p.data)
                    st["v"] = torch.zeros_like(p.data)
                st["step"] += 1
                st["m"].mul_(0.9).add_(g, alpha=0.1)
                st["v"].mul_(0.999).addcmul_(g, g, value=0.001)
                p.data.addcdiv_(st["m"], st["v"].sqrt().add_(1e-8), value=-group["lr"] * math.sqrt(1 - 0.999 ** st["step"]) / (1 - 0.9 ** st["step"]))


class Warm(LRScheduler):
    def __init__(self, o, w, last_epoch=-1):
        self.w = w
        super().__init__(o, last_epoch)

    def get_lr(self):
        return [b * min(1.0, (self.last_epoch + 1) / self.w) for b in self.base_lrs]


torch.manual_seed(0)
net = torch.nn.Linear(3, 1)
for cls in (Lion, OldAdam):
    o = cls(net.parameters(), lr=0.01)
    s = Warm(o, 4)
    for i in range(6):
        o.zero_grad()
        l = net(torch.ones(2, 3)).pow(2).sum()
        l.backward()
        o.step()
        s.step()
        print(f"{l.item():.6f} {o.param_groups[0]['lr']:.4f} {s.get_last_lr()}")
    print(o)
    sd = o.state_dict()
    print(sd.keys(), sd["state"][0].keys())
    o.load_state_dict(sd)
print(issubclass(_LRScheduler, object), s.state_dict().keys())
