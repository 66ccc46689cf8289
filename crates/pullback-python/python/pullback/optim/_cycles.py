"""Schedules of rate and momentum together: cycles, and one cycle for a whole training."""

import math

from .lr_scheduler import LRScheduler, _per_group, _rate


def _momentum_name(optimizer):
    """Which option of the optimiser cycles against the rate."""
    if "momentum" not in optimizer.defaults and "betas" not in optimizer.defaults:
        raise ValueError("optimizer must support momentum or beta1 with `cycle_momentum` option enabled")
    return "betas" if "betas" in optimizer.defaults else "momentum"


def _put_momentum(group, name, value):
    group[name] = (value, *group["betas"][1:]) if name == "betas" else value



class CyclicLR(LRScheduler):
    """Up and down between two rates, and momentum against it."""

    def __init__(self, optimizer, base_lr, max_lr, step_size_up=2000, step_size_down=None, mode="triangular", gamma=1.0, scale_fn=None, scale_mode="cycle",
                 cycle_momentum=True, base_momentum=0.8, max_momentum=0.9, last_epoch=-1):  # fmt: skip
        self.optimizer = optimizer
        if last_epoch == -1:
            for rate, group in zip(_per_group(optimizer, base_lr, "base_lr"), optimizer.param_groups):
                group["lr"] = _rate(rate)
        self.max_lrs = _per_group(optimizer, max_lr, "max_lr")
        up = float(step_size_up)
        down = up if step_size_down is None else float(step_size_down)
        self.total_size, self.step_ratio = up + down, up / (up + down)
        if mode not in ("triangular", "triangular2", "exp_range") and scale_fn is None:
            raise ValueError("mode is invalid and scale_fn is None")
        self.mode, self.gamma = mode, gamma
        self._scale_fn_custom, self.scale_mode = scale_fn, scale_mode
        if scale_fn is None:
            self.scale_mode = "iterations" if mode == "exp_range" else "cycle"
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _momentum_name(optimizer) == "betas"
            self.base_momentums = _per_group(optimizer, base_momentum, "base_momentum")
            self.max_momentums = _per_group(optimizer, max_momentum, "max_momentum")
            if last_epoch == -1:
                for top, base, group in zip(self.max_momentums, self.base_momentums, optimizer.param_groups):
                    _put_momentum(group, "betas" if self.use_beta1 else "momentum", top)
                    group["max_momentum"], group["base_momentum"] = top, base
        super().__init__(optimizer, last_epoch)
        self.base_lrs = _per_group(optimizer, base_lr, "base_lr")

    def scale_fn(self, x):
        """How high the cycle (or the step) numbered `x` goes."""
        if self._scale_fn_custom is not None:
            return self._scale_fn_custom(x)
        return {"triangular": lambda: 1.0, "triangular2": lambda: 1 / (2.0 ** (x - 1)), "exp_range": lambda: self.gamma**x}[self.mode]()

    def get_lr(self):
        self._warn()
        cycle = math.floor(1 + self.last_epoch / self.total_size)
        x = 1.0 + self.last_epoch / self.total_size - cycle
        factor = x / self.step_ratio if x <= self.step_ratio else (x - 1) / (self.step_ratio - 1)
        scale = self.scale_fn(cycle if self.scale_mode == "cycle" else self.last_epoch)
        rates = [base + (top - base) * factor * scale for base, top in zip(self.base_lrs, self.max_lrs)]
        if self.cycle_momentum:
            for base, top, group in zip(self.base_momentums, self.max_momentums, self.optimizer.param_groups):
                _put_momentum(group, "betas" if self.use_beta1 else "momentum", top - (top - base) * factor * scale)
        return rates

    def state_dict(self):
        """As the base's; a function of the user is left out."""
        state = super().state_dict()
        own = state.pop("_scale_fn_custom")
        state["_scale_fn_custom"] = None if own is None or not hasattr(own, "__dict__") or callable(getattr(own, "__code__", None)) else own.__dict__.copy() or None
        return state

    def load_state_dict(self, state_dict):
        """Takes back what `state_dict` gave."""
        own = self._scale_fn_custom
        given = dict(state_dict)
        attributes = given.pop("_scale_fn_custom", None)
        self.__dict__.update(given)
        self._scale_fn_custom = own
        if own is not None and attributes:
            own.__dict__.update(attributes)


class OneCycleLR(LRScheduler):
    """One cycle: up to `max_lr`, then down far below the beginning."""

    def __init__(self, optimizer, max_lr, total_steps=None, epochs=None, steps_per_epoch=None, pct_start=0.3, anneal_strategy="cos", cycle_momentum=True,
                 base_momentum=0.85, max_momentum=0.95, div_factor=25.0, final_div_factor=1e4, three_phase=False, last_epoch=-1):  # fmt: skip
        self.optimizer = optimizer
        self.total_steps = self._steps(total_steps, epochs, steps_per_epoch)
        if three_phase:
            ends = [("initial_lr", "max_lr", float(pct_start * self.total_steps) - 1), ("max_lr", "initial_lr", float(2 * pct_start * self.total_steps) - 2), ("initial_lr", "min_lr", self.total_steps - 1)]
            momenta = [("max_momentum", "base_momentum"), ("base_momentum", "max_momentum"), ("max_momentum", "max_momentum")]
        else:
            ends = [("initial_lr", "max_lr", float(pct_start * self.total_steps) - 1), ("max_lr", "min_lr", self.total_steps - 1)]
            momenta = [("max_momentum", "base_momentum"), ("base_momentum", "max_momentum")]
        self._schedule_phases = [
            {"end_step": end, "start_lr": a, "end_lr": b, "start_momentum": c, "end_momentum": d} for (a, b, end), (c, d) in zip(ends, momenta)
        ]
        if pct_start < 0 or pct_start > 1 or not isinstance(pct_start, float):
            raise ValueError(f"Expected float between 0 and 1 pct_start, but got {pct_start}")
        if anneal_strategy not in ("cos", "linear"):
            raise ValueError(f"anneal_strategy must be one of 'cos' or 'linear', instead got {anneal_strategy}")
        self._anneal_func_type = anneal_strategy
        if last_epoch == -1:
            for top, group in zip(_per_group(optimizer, max_lr, "max_lr"), optimizer.param_groups):
                group["initial_lr"] = top / div_factor
                group["max_lr"] = top
                group["min_lr"] = group["initial_lr"] / final_div_factor
        self.cycle_momentum = cycle_momentum
        if cycle_momentum:
            self.use_beta1 = _momentum_name(optimizer) == "betas"
            if last_epoch == -1:
                low, high = _per_group(optimizer, base_momentum, "base_momentum"), _per_group(optimizer, max_momentum, "max_momentum")
                for b, m, group in zip(low, high, optimizer.param_groups):
                    _put_momentum(group, "betas" if self.use_beta1 else "momentum", m)
                    group["max_momentum"], group["base_momentum"] = m, b
        super().__init__(optimizer, last_epoch)

    @staticmethod
    def _steps(total_steps, epochs, steps_per_epoch):
        if total_steps is not None:
            if total_steps <= 0 or not isinstance(total_steps, int):
                raise ValueError(f"Expected positive integer total_steps, but got {total_steps}")
            return total_steps
        if epochs is None or steps_per_epoch is None:
            raise ValueError("You must define either total_steps OR (epochs AND steps_per_epoch)")
        if not isinstance(epochs, int) or epochs <= 0:
            raise ValueError(f"Expected positive integer epochs, but got {epochs}")
        if not isinstance(steps_per_epoch, int) or steps_per_epoch <= 0:
            raise ValueError(f"Expected positive integer steps_per_epoch, but got {steps_per_epoch}")
        return epochs * steps_per_epoch

    def _between(self, start, end, part):
        if self._anneal_func_type == "cos":
            return end + (start - end) / 2.0 * (math.cos(math.pi * part) + 1)
        return (end - start) * part + start

    def get_lr(self):
        self._warn()
        step = self.last_epoch
        if step > self.total_steps:
            raise ValueError(f"Tried to step {step} times. The total number of steps is {self.total_steps}")
        rates = []
        for group in self.optimizer.param_groups:
            start = 0.0
            for i, phase in enumerate(self._schedule_phases):
                end = phase["end_step"]
                if step <= end or i == len(self._schedule_phases) - 1:
                    part = (step - start) / (end - start)
                    rate = self._between(group[phase["start_lr"]], group[phase["end_lr"]], part)
                    if self.cycle_momentum:
                        momentum = self._between(group[phase["start_momentum"]], group[phase["end_momentum"]], part)
                    break
                start = end
            rates.append(rate)
            if self.cycle_momentum:
                _put_momentum(group, "betas" if self.use_beta1 else "momentum", momentum)
        return rates
