"""Adam and its kin with first and second moments: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adam.html"""

from .. import Tensor, maximum, tensor, zeros_like
from .optimizer import Optimizer, check_betas, check_lr, not_negative, one_pass


def new_step():
    """The count of steps, a float32 number as in PyTorch's states."""
    return tensor(0.0)


def number(x):
    """An option that may be given as a tensor of one element."""
    return x.item() if isinstance(x, Tensor) else x


def _checked_tensors(lr, betas, foreach, capturable):
    """What options given as tensors have to be; the betas as numbers."""
    if isinstance(lr, Tensor) and foreach and not capturable:
        raise ValueError("lr as a Tensor is not supported for capturable=False and foreach=True")
    check_lr(lr)
    check_betas(betas)
    if isinstance(betas[0], Tensor) != isinstance(betas[1], Tensor) or not all(isinstance(b, (float, Tensor)) for b in betas):
        raise ValueError("betas must be either both floats or both Tensors")
    for i, beta in enumerate(betas):
        if isinstance(beta, Tensor) and foreach and not capturable:
            raise ValueError(f"betas[{i}] as a Tensor is not supported for capturable=False and foreach=True")
        if isinstance(beta, Tensor) and beta.numel() != 1:
            raise ValueError(f"Tensor betas[{i}] must be 1-element")
    return number(betas[0]), number(betas[1])


class Adam(Optimizer):
    """Steps of size `lr` along the mean gradient over the root of the mean squared gradient, both without their bias."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, amsgrad=False, *, foreach=None, maximize=False, capturable=False,
                 differentiable=False, fused=None, decoupled_weight_decay=False):  # fmt: skip
        not_negative("epsilon value", eps)
        not_negative("weight_decay value", weight_decay)
        betas = _checked_tensors(lr, betas, foreach, capturable)
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, amsgrad=amsgrad, maximize=maximize, foreach=foreach, capturable=capturable,
                        differentiable=differentiable, fused=fused, decoupled_weight_decay=decoupled_weight_decay)  # fmt: skip
        super().__init__(params, defaults)
        if fused and differentiable:
            raise RuntimeError("`fused` does not support `differentiable`")
        if fused and foreach:
            raise RuntimeError("`fused` and `foreach` cannot be `True` together.")

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            for name, value in (("amsgrad", False), ("maximize", False), ("foreach", None), ("capturable", False), ("differentiable", False),
                                ("decoupled_weight_decay", False), ("fused", None)):  # fmt: skip
                group.setdefault(name, value)
            for p in group["params"]:
                kept = self.state.get(p, {})
                if kept and not isinstance(kept["step"], Tensor):
                    kept["step"] = tensor(float(kept["step"]))

    def _step(self, group):
        if one_pass("Adam", group, self.state):
            return
        lr, (beta1, beta2), eps, decay = number(group["lr"]), map(number, group["betas"]), group["eps"], group["weight_decay"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"] = new_step()
                state["exp_avg"], state["exp_avg_sq"] = zeros_like(p), zeros_like(p)
                if group["amsgrad"]:
                    state["max_exp_avg_sq"] = zeros_like(p)
            mean, square = state["exp_avg"], state["exp_avg_sq"]
            state["step"] += 1
            step = state["step"].item()
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    p.mul_(1 - lr * decay)
                else:
                    grad = grad.add(p, alpha=decay)
            mean.lerp_(grad, 1 - beta1)
            square.mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            size = lr / (1 - beta1**step)
            root = (1 - beta2**step) ** 0.5
            if group["amsgrad"]:
                largest = state["max_exp_avg_sq"]
                largest.copy_(maximum(self._read(group, largest), self._read(group, square)))
                square = largest
            p.addcdiv_(self._read(group, mean), (square.sqrt() / root).add_(eps), value=-size)


class AdamW(Adam):
    """Adam whose weight decay does not pass through the moments."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=1e-2, amsgrad=False, *, maximize=False, foreach=None, capturable=False,
                 differentiable=False, fused=None):  # fmt: skip
        super().__init__(params, lr, betas, eps, weight_decay, amsgrad, foreach=foreach, maximize=maximize, capturable=capturable, differentiable=differentiable,
                         fused=fused, decoupled_weight_decay=True)  # fmt: skip

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group["decoupled_weight_decay"] = True


class Adamax(Optimizer):
    """Adam with the largest recent gradient in the place of the mean square."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, foreach=None, *, maximize=False, differentiable=False, capturable=False):
        check_lr(lr)
        not_negative("epsilon value", eps)
        check_betas(betas)
        not_negative("weight_decay value", weight_decay)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, foreach=foreach, maximize=maximize, differentiable=differentiable, capturable=capturable))

    def _step(self, group):
        if one_pass("Adamax", group, self.state):
            return
        lr, (beta1, beta2), eps, decay = number(group["lr"]), group["betas"], group["eps"], group["weight_decay"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["exp_avg"], state["exp_inf"] = new_step(), zeros_like(p), zeros_like(p)
            state["step"] += 1
            step = state["step"].item()
            if decay != 0:
                grad = grad.add(p, alpha=decay)
            state["exp_avg"].lerp_(grad, 1 - beta1)
            largest = state["exp_inf"]
            largest.copy_(maximum(self._read(group, largest.mul_(beta2)), grad.abs().add(eps)))
            p.addcdiv_(self._read(group, state["exp_avg"]), self._read(group, largest), value=-lr / (1 - beta1**step))


class NAdam(Optimizer):
    """Adam with Nesterov's momentum."""

    def __init__(self, params, lr=2e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, momentum_decay=4e-3, decoupled_weight_decay=False, *, foreach=None,
                 maximize=False, capturable=False, differentiable=False):  # fmt: skip
        check_lr(lr)
        not_negative("epsilon value", eps)
        check_betas(betas)
        not_negative("weight_decay value", weight_decay)
        not_negative("momentum_decay value", momentum_decay)
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, momentum_decay=momentum_decay, decoupled_weight_decay=decoupled_weight_decay,
                        maximize=maximize, foreach=foreach, capturable=capturable, differentiable=differentiable)  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group):
        if one_pass("NAdam", group, self.state):
            return
        lr, (beta1, beta2), eps, decay = number(group["lr"]), group["betas"], group["eps"], group["weight_decay"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["mu_product"] = new_step(), tensor(1.0)
                state["exp_avg"], state["exp_avg_sq"] = zeros_like(p), zeros_like(p)
            state["step"] += 1
            step = state["step"].item()
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    p.mul_(1 - lr * decay)
                else:
                    grad = grad.add(p, alpha=decay)
            mu = beta1 * (1.0 - 0.5 * 0.96 ** (step * group["momentum_decay"]))
            mu_next = beta1 * (1.0 - 0.5 * 0.96 ** ((step + 1) * group["momentum_decay"]))
            state["mu_product"] *= mu
            product = state["mu_product"].item()
            state["exp_avg"].lerp_(grad, 1 - beta1)
            state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            denom = state["exp_avg_sq"].div(1 - beta2**step).sqrt().add(eps)
            p.addcdiv_(grad, denom, value=-lr * (1.0 - mu) / (1.0 - product))
            p.addcdiv_(self._read(group, state["exp_avg"]), denom, value=(-lr * mu_next) / (1.0 - product * mu_next))


class RAdam(Optimizer):
    """Adam that waits until the variance of its step is known."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, weight_decay=0, decoupled_weight_decay=False, *, foreach=None, maximize=False,
                 capturable=False, differentiable=False):  # fmt: skip
        check_lr(lr)
        not_negative("epsilon value", eps)
        check_betas(betas)
        not_negative("weight_decay value", weight_decay)
        defaults = dict(lr=lr, betas=betas, eps=eps, weight_decay=weight_decay, maximize=maximize, foreach=foreach, capturable=capturable,
                        decoupled_weight_decay=decoupled_weight_decay, differentiable=differentiable)  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group):
        if one_pass("RAdam", group, self.state):
            return
        lr, (beta1, beta2), eps, decay = number(group["lr"]), group["betas"], group["eps"], group["weight_decay"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["exp_avg"], state["exp_avg_sq"] = new_step(), zeros_like(p), zeros_like(p)
            state["step"] += 1
            step = state["step"].item()
            if decay != 0:
                if group["decoupled_weight_decay"]:
                    p.mul_(1 - lr * decay)
                else:
                    grad = grad.add(p, alpha=decay)
            state["exp_avg"].lerp_(grad, 1 - beta1)
            state["exp_avg_sq"].mul_(beta2).addcmul_(grad, grad, value=1 - beta2)
            correction2 = 1 - beta2**step
            mean = state["exp_avg"] / (1 - beta1**step)
            longest = 2 / (1 - beta2) - 1
            length = longest - 2 * step * (beta2**step) / correction2
            if length > 5.0:
                rect = ((length - 4) * (length - 2) * longest / ((longest - 4) * (longest - 2) * length)) ** 0.5
                adaptive = (correction2**0.5) / state["exp_avg_sq"].sqrt().add(eps)
                p.add_(mean * lr * adaptive * rect, alpha=-1.0)
            else:
                p.add_(mean * lr, alpha=-1.0)
