"""Gradient descent, with momentum: https://docs.pytorch.org/docs/stable/generated/torch.optim.SGD.html"""

from .optimizer import Optimizer, check_lr, not_negative, one_pass


class SGD(Optimizer):
    """`p ← p - lr (g + weight_decay p)`, with momentum `b ← momentum b + (1 - dampening) g` in the gradient's place."""

    def __init__(self, params, lr=1e-3, momentum=0, dampening=0, weight_decay=0, nesterov=False, *, maximize=False, foreach=None, differentiable=False, fused=None):
        check_lr(lr)
        not_negative("momentum value", momentum)
        not_negative("weight_decay value", weight_decay)
        defaults = dict(lr=lr, momentum=momentum, dampening=dampening, weight_decay=weight_decay, nesterov=nesterov, maximize=maximize, foreach=foreach,
                        differentiable=differentiable, fused=fused)  # fmt: skip
        if nesterov and (momentum <= 0 or dampening != 0):
            raise ValueError("Nesterov momentum requires a momentum and zero dampening")
        super().__init__(params, defaults)

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in (("nesterov", False), ("maximize", False), ("foreach", None), ("differentiable", False), ("fused", False)):
                group.setdefault(name, value)

    def _step(self, group):
        if one_pass("SGD", group, self.state):
            return
        lr, momentum, damp, decay = group["lr"], group["momentum"], group["dampening"], group["weight_decay"]
        for p, grad in self._ready(group):
            if decay != 0:
                grad = grad.add(p, alpha=decay)
            if momentum != 0:
                buffer = self.state[p].get("momentum_buffer")
                if buffer is None:
                    buffer = self.state[p]["momentum_buffer"] = grad.detach().clone()
                else:
                    buffer.mul_(momentum).add_(grad, alpha=1 - damp)
                grad = grad.add(buffer, alpha=momentum) if group["nesterov"] else buffer
            p.add_(grad * -lr if hasattr(lr, "dtype") else grad, alpha=1 if hasattr(lr, "dtype") else -lr)
