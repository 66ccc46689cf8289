"""A schedule that follows a measured number: smaller rates when it stops improving."""

from .. import inf
from .lr_scheduler import LRScheduler, _per_group, _rate, warn_of_epoch
from .optimizer import Optimizer


class ReduceLROnPlateau(LRScheduler):
    """`factor` times less when a number has not improved for `patience` steps."""

    def __init__(self, optimizer, mode="min", factor=0.1, patience=10, threshold=1e-4, threshold_mode="rel", cooldown=0, min_lr=0, eps=1e-8):
        if factor >= 1.0:
            raise ValueError("Factor should be < 1.0.")
        if not isinstance(optimizer, Optimizer):
            raise TypeError(f"{type(optimizer).__name__} is not an Optimizer")
        if mode not in ("min", "max"):
            raise ValueError("mode " + mode + " is unknown!")
        if threshold_mode not in ("rel", "abs"):
            raise ValueError("threshold mode " + threshold_mode + " is unknown!")
        # The order of the attributes is that of the state, which programs print.
        self.factor, self.optimizer = factor, optimizer
        self.default_min_lr = None if isinstance(min_lr, (list, tuple)) else min_lr
        if isinstance(min_lr, (list, tuple)) and len(min_lr) != len(optimizer.param_groups):
            raise ValueError(f"expected {len(optimizer.param_groups)} min_lrs, got {len(min_lr)}")
        self.min_lrs = _per_group(optimizer, min_lr, "min_lrs")
        self.patience, self.cooldown, self.eps = patience, cooldown, eps
        self.last_epoch = 0
        self._last_lr = [_rate(group["lr"]) for group in optimizer.param_groups]
        self.mode_worse = inf if mode == "min" else -inf
        self.mode, self.threshold, self.threshold_mode = mode, threshold, threshold_mode
        self._reset()

    def _reset(self):
        self.best = self.mode_worse
        self.cooldown_counter = self.num_bad_epochs = 0

    def is_better(self, a, best):
        """Whether `a` improves on the best by more than the threshold."""
        lower = self.mode == "min"
        if self.threshold_mode == "rel":
            return a < best * (1.0 - self.threshold) if lower else a > best * (1.0 + self.threshold)
        return a < best - self.threshold if lower else a > best + self.threshold

    @property
    def in_cooldown(self):
        """Whether the rate was changed so lately that nothing is counted."""
        return self.cooldown_counter > 0

    def step(self, metrics, epoch=None):
        """Looks at the number, and takes the rates down where it is time."""
        now = float(metrics)
        if epoch is not None:
            warn_of_epoch()
        self.last_epoch = self.last_epoch + 1 if epoch is None else epoch
        if self.is_better(now, self.best):
            self.best, self.num_bad_epochs = now, 0
        else:
            self.num_bad_epochs += 1
        if self.in_cooldown:
            self.cooldown_counter -= 1
            self.num_bad_epochs = 0
        if self.num_bad_epochs > self.patience:
            for i, group in enumerate(self.optimizer.param_groups):
                old = float(group["lr"])
                new = max(old * self.factor, self.min_lrs[i])
                if old - new > self.eps:
                    group["lr"] = new
            self.cooldown_counter, self.num_bad_epochs = self.cooldown, 0
        self._last_lr = [_rate(group["lr"]) for group in self.optimizer.param_groups]

    def load_state_dict(self, state_dict):
        """Takes back what `state_dict` gave."""
        self.__dict__.update(state_dict)
