"""Optimisers that divide by what gradients were: Adagrad, Adadelta, RMSprop, and two that do not, Rprop and ASGD."""

from .. import as_tensor, full_like, ones_like, tensor, where, zeros_like
from .adam import new_step, number
from .optimizer import Optimizer, check_lr, not_negative, one_pass


class Adagrad(Optimizer):
    """Divides by the root of the sum of all squared gradients: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adagrad.html"""

    def __init__(self, params, lr=1e-2, lr_decay=0, weight_decay=0, initial_accumulator_value=0, eps=1e-10, foreach=None, *, maximize=False, differentiable=False, fused=None):
        check_lr(lr)
        not_negative("lr_decay value", lr_decay)
        not_negative("weight_decay value", weight_decay)
        not_negative("initial_accumulator_value value", initial_accumulator_value)
        not_negative("epsilon value", eps)
        defaults = dict(lr=lr, lr_decay=lr_decay, eps=eps, weight_decay=weight_decay, initial_accumulator_value=initial_accumulator_value, foreach=foreach,
                        maximize=maximize, differentiable=differentiable, fused=fused)  # fmt: skip
        super().__init__(params, defaults)
        for group in self.param_groups:
            for p in group["params"]:
                self.state[p] = {"step": new_step(), "sum": full_like(p.detach(), initial_accumulator_value)}

    def share_memory(self):
        """Nothing to do: memory is shared between threads, not between processes."""

    def _step(self, group):
        if one_pass("Adagrad", group, self.state):
            return
        for p, grad in self._ready(group):
            state = self.state[p]
            state["step"] += 1
            step = state["step"].item()
            if group["weight_decay"] != 0:
                grad = grad.add(p, alpha=group["weight_decay"])
            rate = number(group["lr"]) / (1 + (step - 1) * group["lr_decay"])
            state["sum"].addcmul_(grad, grad, value=1)
            p.addcdiv_(grad, state["sum"].sqrt().add(group["eps"]), value=-rate)


class Adadelta(Optimizer):
    """Steps whose size follows recent steps over recent gradients: https://docs.pytorch.org/docs/stable/generated/torch.optim.Adadelta.html"""

    def __init__(self, params, lr=1.0, rho=0.9, eps=1e-6, weight_decay=0, foreach=None, *, capturable=False, maximize=False, differentiable=False):
        check_lr(lr)
        if not 0.0 <= rho <= 1.0:
            raise ValueError(f"Invalid rho value: {rho}")
        not_negative("epsilon value", eps)
        not_negative("weight_decay value", weight_decay)
        super().__init__(params, dict(lr=lr, rho=rho, eps=eps, weight_decay=weight_decay, maximize=maximize, capturable=capturable, foreach=foreach, differentiable=differentiable))

    def _step(self, group):
        if one_pass("Adadelta", group, self.state):
            return
        rho, eps = group["rho"], group["eps"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["square_avg"], state["acc_delta"] = new_step(), zeros_like(p), zeros_like(p)
            state["step"] += 1
            if group["weight_decay"] != 0:
                grad = grad.add(p, alpha=group["weight_decay"])
            state["square_avg"].mul_(rho).addcmul_(grad, grad, value=1 - rho)
            std = state["square_avg"].add(eps).sqrt_()
            delta = state["acc_delta"].add(eps).sqrt_().div_(std).mul_(grad)
            state["acc_delta"].mul_(rho).addcmul_(delta, delta, value=1 - rho)
            p.add_(delta, alpha=-number(group["lr"]))


class RMSprop(Optimizer):
    """Divides by the root of the mean squared gradient: https://docs.pytorch.org/docs/stable/generated/torch.optim.RMSprop.html"""

    def __init__(self, params, lr=1e-2, alpha=0.99, eps=1e-8, weight_decay=0, momentum=0, centered=False, capturable=False, foreach=None, maximize=False, differentiable=False):
        check_lr(lr)
        not_negative("epsilon value", eps)
        not_negative("momentum value", momentum)
        not_negative("weight_decay value", weight_decay)
        not_negative("alpha value", alpha)
        defaults = dict(lr=lr, momentum=momentum, alpha=alpha, eps=eps, centered=centered, weight_decay=weight_decay, capturable=capturable, foreach=foreach,
                        maximize=maximize, differentiable=differentiable)  # fmt: skip
        super().__init__(params, defaults)

    def _step(self, group):
        if one_pass("RMSprop", group, self.state):
            return
        alpha, lr = group["alpha"], number(group["lr"])
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["square_avg"] = new_step(), zeros_like(p)
                if group["momentum"] > 0:
                    state["momentum_buffer"] = zeros_like(p)
                if group["centered"]:
                    state["grad_avg"] = zeros_like(p)
            state["step"] += 1
            if group["weight_decay"] != 0:
                grad = grad.add(p, alpha=group["weight_decay"])
            square = state["square_avg"]
            square.mul_(alpha).addcmul_(grad, grad, value=1 - alpha)
            if group["centered"]:
                mean = state["grad_avg"]
                mean.lerp_(grad, 1 - alpha)
                mean = self._read(group, mean)
                root = square.addcmul(mean, mean, value=-1).sqrt()
            else:
                root = square.sqrt()
            root = root.add(group["eps"])
            if group["momentum"] > 0:
                buffer = state["momentum_buffer"]
                buffer.mul_(group["momentum"]).addcdiv_(grad, root)
                p.add_(buffer, alpha=-lr)
            else:
                p.addcdiv_(grad, root, value=-lr)


class Rprop(Optimizer):
    """Steps that grow while signs stay and shrink where they turn: https://docs.pytorch.org/docs/stable/generated/torch.optim.Rprop.html"""

    def __init__(self, params, lr=1e-2, etas=(0.5, 1.2), step_sizes=(1e-6, 50), *, capturable=False, foreach=None, maximize=False, differentiable=False):
        check_lr(lr)
        if not 0.0 < etas[0] < 1.0 < etas[1]:
            raise ValueError(f"Invalid eta values: {etas[0]}, {etas[1]}")
        super().__init__(params, dict(lr=lr, etas=etas, step_sizes=step_sizes, foreach=foreach, maximize=maximize, differentiable=differentiable, capturable=capturable))

    def _step(self, group):
        if one_pass("Rprop", group, self.state):
            return
        (down, up), (least, most) = group["etas"], group["step_sizes"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["prev"], state["step_size"] = new_step(), zeros_like(p), full_like(grad, number(group["lr"]))
            state["step"] += 1
            signs = grad.mul(state["prev"]).sign()
            factor = where(signs > 0, up, where(signs < 0, down, ones_like(signs)))
            state["step_size"].mul_(factor).clamp_(least, most)
            grad = where(signs < 0, zeros_like(grad), grad)
            p.addcmul_(grad.sign(), state["step_size"], value=-1)
            state["prev"].copy_(grad)


class ASGD(Optimizer):
    """Gradient descent that also keeps the mean of where it was: https://docs.pytorch.org/docs/stable/generated/torch.optim.ASGD.html"""

    def __init__(self, params, lr=1e-2, lambd=1e-4, alpha=0.75, t0=1e6, weight_decay=0, foreach=None, maximize=False, differentiable=False, capturable=False):
        check_lr(lr)
        not_negative("weight_decay value", weight_decay)
        not_negative("lambd value", lambd)
        not_negative("alpha value", alpha)
        defaults = dict(lr=lr, lambd=lambd, alpha=alpha, t0=t0, weight_decay=weight_decay, foreach=foreach, maximize=maximize, differentiable=differentiable, capturable=capturable)
        super().__init__(params, defaults)

    def _step(self, group):
        if one_pass("ASGD", group, self.state):
            self._next_eta(group)
            return
        lr, lambd = number(group["lr"]), group["lambd"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if not state:
                state["step"], state["eta"], state["mu"] = new_step(), tensor(float(lr)), tensor(1.0)
                state["ax"] = zeros_like(p)
            state["step"] += 1
            step = state["step"].item()
            if group["weight_decay"] != 0:
                grad = grad.add(p, alpha=group["weight_decay"])
            eta = state["eta"].item()
            p.mul_(1 - lambd * eta)
            p.add_(grad, alpha=-eta)
            mean = state["ax"]
            if state["mu"].item() != 1:
                mean.add_(p.sub(mean).mul_(state["mu"].item()))
            else:
                mean.copy_(p)
            # Rounded to the default dtype on the way, as in PyTorch.
            state["eta"].copy_(tensor(lr / ((1 + lambd * lr * step) ** group["alpha"])))
            state["mu"].copy_(tensor(1 / max(1, step - group["t0"])))
        self._next_eta(group)

    def _next_eta(self, group):
        """PyTorch's step of many tensors at once has the next rate from the count as it is kept, so in single precision."""
        if not group["foreach"] or group["capturable"]:
            return
        for p in group["params"]:
            state = self.state[p] if p in self.state else None
            if state:
                state["eta"].copy_(as_tensor(group["lr"] / ((1 + group["lambd"] * group["lr"] * state["step"]) ** group["alpha"])))
