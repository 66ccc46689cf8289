"""Averages of a model over its training: by equal weights, by exponential ones, and the schedule that goes with them."""

import itertools
import math
from copy import deepcopy

from .. import int64, no_grad, tensor
from ..nn import Module
from ..nn.modules.batchnorm import _BatchNorm
from .lr_scheduler import LRScheduler

__all__ = ["AveragedModel", "SWALR", "get_ema_avg_fn", "get_ema_multi_avg_fn", "get_swa_avg_fn", "get_swa_multi_avg_fn", "update_bn"]


def _checked(decay):
    if decay < 0.0 or decay > 1.0:
        raise ValueError(f"Invalid decay value {decay} provided. Please provide a value in [0,1] range.")


def get_ema_multi_avg_fn(decay=0.999):
    """Exponential averages of lists of tensors, in place."""
    _checked(decay)

    def update(ema_param_list, current_param_list, _):
        with no_grad():
            for mean, now in zip(ema_param_list, current_param_list):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 - decay)
                else:
                    mean.copy_(mean * decay + now * (1 - decay))

    return update


def get_swa_multi_avg_fn():
    """Equal averages of lists of tensors, in place."""

    def update(averaged_param_list, current_param_list, num_averaged):
        with no_grad():
            for mean, now in zip(averaged_param_list, current_param_list):
                if mean.is_floating_point():
                    mean.lerp_(now, 1 / (float(num_averaged) + 1))
                else:
                    mean.add_(((now - mean) / (num_averaged + 1)).to(mean.dtype))

    return update


def get_ema_avg_fn(decay=0.999):
    """The next exponential average of a tensor."""
    _checked(decay)

    def update(ema_param, current_param, num_averaged):
        with no_grad():
            return decay * ema_param + (1 - decay) * current_param

    return update


def get_swa_avg_fn():
    """The next equal average of a tensor."""

    def update(averaged_param, current_param, num_averaged):
        with no_grad():
            return averaged_param + (current_param - averaged_param) / (num_averaged + 1)

    return update


class AveragedModel(Module):
    """A copy of a model that holds the average of its parameters; `update_parameters(model)` takes the present ones in."""

    def __init__(self, model, device=None, avg_fn=None, multi_avg_fn=None, use_buffers=False):
        super().__init__()
        if avg_fn is not None and multi_avg_fn is not None:
            raise AssertionError("Only one of avg_fn and multi_avg_fn should be provided")
        self.module = deepcopy(model)
        self.register_buffer("n_averaged", tensor(0, dtype=int64))
        self.avg_fn, self.multi_avg_fn, self.use_buffers = avg_fn, multi_avg_fn, use_buffers

    def forward(self, *args, **kwargs):
        return self.module(*args, **kwargs)

    def update_parameters(self, model):
        """Takes a model's present parameters into the average."""
        own, given = (list(itertools.chain(m.parameters(), m.buffers()) if self.use_buffers else m.parameters()) for m in (self.module, model))
        own, given, n = [p.detach() for p in own], [p.detach() for p in given], self.n_averaged
        if n == 0:
            for mean, now in zip(own, given):
                mean.copy_(now)
        elif self.avg_fn is not None:
            for mean, now in zip(own, given):
                mean.copy_(self.avg_fn(mean, now, n))
        else:
            (self.multi_avg_fn or get_swa_multi_avg_fn())(own, given, n)
        if not self.use_buffers:
            for mean, now in zip(self.module.buffers(), model.buffers()):
                mean.detach().copy_(now.detach())
        self.n_averaged += 1


def update_bn(loader, model, device=None):
    """Has the statistics of batch norms be those of a loader's batches, all of equal weight."""
    with no_grad():
        momenta = {}
        for module in model.modules():
            if isinstance(module, _BatchNorm):
                module.reset_running_stats()
                momenta[module] = module.momentum
        if not momenta:
            return
        was = model.training
        model.train()
        for module in momenta:
            module.momentum = None
        for batch in loader:
            model(batch[0] if isinstance(batch, (list, tuple)) else batch)
        for module, momentum in momenta.items():
            module.momentum = momentum
        model.train(was)


class SWALR(LRScheduler):
    """Goes to the rate `swa_lr` in `anneal_epochs` steps, along a cosine or a line, and stays there."""

    def __init__(self, optimizer, swa_lr, anneal_epochs=10, anneal_strategy="cos", last_epoch=-1):
        rates = swa_lr if isinstance(swa_lr, (list, tuple)) else [swa_lr] * len(optimizer.param_groups)
        if len(rates) != len(optimizer.param_groups):
            raise ValueError(f"swa_lr must have the same length as optimizer.param_groups. swa_lr has {len(rates)} values, param_groups has {len(optimizer.param_groups)}.")
        for rate, group in zip(rates, optimizer.param_groups):
            group["swa_lr"] = rate
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        if not isinstance(anneal_epochs, int) or anneal_epochs < 0:
            raise ValueError(f"anneal_epochs must be equal or greater than 0, got {anneal_epochs}")
        self._anneal_strategy, self.anneal_epochs = anneal_strategy, anneal_epochs
        super().__init__(optimizer, last_epoch)

    def _share(self, step):
        t = max(0, min(1, step / max(1, self.anneal_epochs)))
        return (1 - math.cos(math.pi * t)) / 2 if self._anneal_strategy == "cos" else t

    def get_lr(self):
        """The rates of this step."""
        self._warn()
        step = self._step_count - 1
        if self.anneal_epochs == 0:
            step = max(1, step)
        before, now, rates = self._share(step - 1), self._share(step), []
        for group in self.optimizer.param_groups:
            start = group["swa_lr"] if before == 1 else (group["lr"] - before * group["swa_lr"]) / (1 - before)
            rates.append(group["swa_lr"] * now + start * (1 - now))
        return rates
