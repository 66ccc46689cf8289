"""Optimisers whose steps know a parameter's rows and columns: Adafactor and Muon; and SparseAdam, which needs gradients that there are none of here.

https://docs.pytorch.org/docs/stable/optim.html
"""

import math

from .. import Tensor, addmm, bfloat16, finfo, linalg, tensor, zeros_like
from .adam import new_step, number
from .optimizer import Optimizer, check_betas


def _at_least(name, value, bound=0.0):
    if not bound <= value:
        raise ValueError(f"{name} should be >= {bound:g} but is: {value}")


def _check_lr(lr):
    if isinstance(lr, Tensor) and lr.numel() != 1:
        raise ValueError("Tensor lr must be 1-element")
    _at_least("Learning rate", lr)


class Adafactor(Optimizer):
    """Steps relative to a parameter's size along the gradient over the root of its mean square, which is kept for rows and columns alone."""

    def __init__(self, params, lr=1e-2, beta2_decay=-0.8, eps=(None, 1e-3), d=1.0, weight_decay=0.0, *, foreach=None, maximize=False):
        _check_lr(lr)
        if not 0.0 >= beta2_decay:
            raise ValueError(f"beta2_decay should be <= 0 but is: {beta2_decay}")
        if eps[0] is not None:
            _at_least("epsilon1", eps[0])
        _at_least("epsilon2", eps[1])
        _at_least("Clipping threshold d", d, 1.0)
        _at_least("weight_decay", weight_decay)
        super().__init__(params, dict(lr=lr, beta2_decay=beta2_decay, eps=eps, d=d, weight_decay=weight_decay, foreach=foreach, maximize=maximize))

    def __setstate__(self, state):
        super().__setstate__(state)
        for group in self.param_groups:
            group.setdefault("foreach", None)
            for p in group["params"]:
                kept = self.state.get(p, {})
                if kept and not isinstance(kept["step"], Tensor):
                    kept["step"] = tensor(float(kept["step"]))

    def _step(self, group):
        lr, least_size = number(group["lr"]), group["eps"][1]
        for p, grad in self._ready(group):
            least = finfo(p.dtype).eps if group["eps"][0] is None else group["eps"][0]
            state = self.state[p]
            if not state:
                state["step"] = new_step()
                if grad.dim() > 1:
                    state["row_var"] = grad.new_zeros((*grad.shape[:-1], 1))
                    state["col_var"] = grad.new_zeros((*grad.shape[:-2], 1, grad.shape[-1]))
                else:
                    state["variance"] = zeros_like(grad)
            state["step"] += 1
            step = state["step"].item()
            weight = step ** group["beta2_decay"]
            size = max(least_size, p.norm(2).item() / p.numel() ** 0.5) * min(lr, 1 / step**0.5)
            if group["weight_decay"] != 0:
                p.mul_(1 - lr * group["weight_decay"])
            if grad.dim() > 1:
                rows, columns = state["row_var"], state["col_var"]
                for kept, dim in ((rows, -1), (columns, -2)):
                    kept.lerp_(linalg.vector_norm(grad, dim=dim, keepdim=True).square_().div_(grad.size(dim)), weight)
                square = (rows @ columns).div_(rows.mean(dim=-2, keepdim=True).clamp_(min=least))
            else:
                square = state["variance"].lerp_(grad * grad, weight).clone()
            update = square.clamp_(min=least * least).rsqrt_().mul_(grad)
            too_large = max(1.0, update.norm(2).item() / (update.numel() ** 0.5 * group["d"]))
            p.add_(update, alpha=-size / too_large)


def _orthogonal(matrix, coefficients, steps, eps):
    """Newton and Schulz's iteration, in bfloat16: the singular values go near to 1, the directions stay."""
    if steps >= 100:
        raise ValueError("Number of steps must be less than 100 for computational efficiency")
    if len(coefficients) != 3:
        raise ValueError("Coefficients must be a tuple of exactly 3 values")
    a, b, c = coefficients
    tall = matrix.size(0) > matrix.size(1)
    x = matrix.to(bfloat16, copy=True)
    x = x.T if tall else x
    x.div_(x.norm().clamp(min=eps))
    for _ in range(steps):
        gram = x @ x.T
        x = addmm(x, addmm(gram, gram, gram, beta=b, alpha=c), x, beta=a)
    return x.T if tall else x


class Muon(Optimizer):
    """Steps of a matrix along its momentum made orthogonal."""

    def __init__(self, params, lr=1e-3, weight_decay=0.1, momentum=0.95, nesterov=True, ns_coefficients=(3.4445, -4.7750, 2.0315), eps=1e-7, ns_steps=5, adjust_lr_fn=None):
        _check_lr(lr)
        _at_least("momentum", momentum)
        _at_least("weight decay", weight_decay)
        if adjust_lr_fn not in (None, "original", "match_rms_adamw", "spectral_unclamped"):
            raise ValueError(f"Adjust learning rate function {adjust_lr_fn} is not supported")
        defaults = dict(lr=lr, weight_decay=weight_decay, momentum=momentum, nesterov=nesterov, ns_coefficients=ns_coefficients, eps=eps, ns_steps=ns_steps, adjust_lr_fn=adjust_lr_fn)
        super().__init__(params, defaults)
        for p in (p for group in self.param_groups for p in group["params"]):
            if p.ndim != 2:
                raise ValueError(f"Muon only supports 2D parameters whereas we found a parameter with size: {p.size()}")

    def _step(self, group):
        lr, momentum = number(group["lr"]), group["momentum"]
        for p, grad in self._ready(group):
            state = self.state[p]
            if "momentum_buffer" not in state:
                state["momentum_buffer"] = zeros_like(grad)
            kept = state["momentum_buffer"].lerp_(grad, 1 - momentum)
            update = grad.lerp(kept, momentum) if group["nesterov"] else kept
            update = _orthogonal(update, group["ns_coefficients"], group["ns_steps"], group["eps"])
            rows, columns = p.shape
            ratios = {"match_rms_adamw": 0.2 * math.sqrt(max(rows, columns)), "spectral_unclamped": math.sqrt(rows / columns)}
            p.mul_(1 - lr * group["weight_decay"])
            p.add_(update, alpha=-lr * ratios.get(group["adjust_lr_fn"], math.sqrt(max(1, rows / columns))))


class SparseAdam(Optimizer):
    """Adam for sparse gradients. There are none here, and dense ones are an error, as in PyTorch."""

    def __init__(self, params, lr=1e-3, betas=(0.9, 0.999), eps=1e-8, maximize=False):
        if isinstance(lr, Tensor) and lr.numel() != 1:
            raise ValueError("Tensor lr must be 1-element")
        if not 0.0 < lr:
            raise ValueError(f"Invalid learning rate: {lr}")
        if not 0.0 < eps:
            raise ValueError(f"Invalid epsilon value: {eps}")
        check_betas(betas)
        super().__init__(params, dict(lr=lr, betas=betas, eps=eps, maximize=maximize))

    def _step(self, group):
        if self._ready(group):
            raise RuntimeError("SparseAdam does not support dense gradients, please consider Adam instead")
