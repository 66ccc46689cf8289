"""L-BFGS with an optional line search: https://docs.pytorch.org/docs/stable/generated/torch.optim.LBFGS.html

The line search is that of Nocedal and Wright, Numerical Optimization, chapter 3 (strong Wolfe conditions, cubic interpolation).
"""

from functools import partial

from .. import Tensor, cat, enable_grad, no_grad, zeros
from .optimizer import Optimizer, check_lr


def _cubic(x1, f1, g1, x2, f2, g2, bounds=None):
    """The minimum of the cubic through two points with their slopes, kept in the bounds."""
    low, high = bounds if bounds is not None else ((x1, x2) if x1 <= x2 else (x2, x1))
    d1 = g1 + g2 - 3 * (f1 - f2) / (x1 - x2)
    square = d1**2 - g1 * g2
    if square >= 0:
        d2 = square**0.5
        if x1 <= x2:
            at = x2 - (x2 - x1) * ((g2 + d2 - d1) / (g2 - g1 + 2 * d2))
        else:
            at = x1 - (x1 - x2) * ((g1 + d2 - d1) / (g1 - g2 + 2 * d2))
        return min(max(at, low), high)
    return (low + high) / 2.0


def _strong_wolfe(evaluate, t, d, f, g, gtd, c1=1e-4, c2=0.9, tolerance_change=1e-9, max_ls=25):
    """A step along `d` that lowers the loss enough and the slope too; `evaluate(t)` gives the loss and the gradient there."""
    d_norm = d.abs().max()
    g = g.clone()
    f_new, g_new = evaluate(t)
    evals = 1
    gtd_new = g_new.dot(d)
    t_prev, f_prev, g_prev, gtd_prev = 0, f, g, gtd
    done = False
    step = 0
    while step < max_ls:
        if f_new > (f + c1 * t * gtd) or (step > 1 and f_new >= f_prev):
            bracket, bracket_f, bracket_g, bracket_gtd = [t_prev, t], [f_prev, f_new], [g_prev, g_new.clone()], [gtd_prev, gtd_new]
            break
        if abs(gtd_new) <= -c2 * gtd:
            bracket, bracket_f, bracket_g = [t], [f_new], [g_new]
            done = True
            break
        if gtd_new >= 0:
            bracket, bracket_f, bracket_g, bracket_gtd = [t_prev, t], [f_prev, f_new], [g_prev, g_new.clone()], [gtd_prev, gtd_new]
            break
        low, high = t + 0.01 * (t - t_prev), t * 10
        last = t
        t = _cubic(t_prev, f_prev, gtd_prev, t, f_new, gtd_new, bounds=(low, high))
        t_prev, f_prev, g_prev, gtd_prev = last, f_new, g_new.clone(), gtd_new
        f_new, g_new = evaluate(t)
        evals += 1
        gtd_new = g_new.dot(d)
        step += 1
    if step == max_ls:
        bracket, bracket_f, bracket_g = [0, t], [f, f_new], [g, g_new]
    stuck = False
    low_at, high_at = (0, 1) if bracket_f[0] <= bracket_f[-1] else (1, 0)
    while not done and step < max_ls:
        if abs(bracket[1] - bracket[0]) * d_norm < tolerance_change:
            break
        t = _cubic(bracket[0], bracket_f[0], bracket_gtd[0], bracket[1], bracket_f[1], bracket_gtd[1])
        # Steps too near to an end of the bracket are moved away from it, at the latest the second time.
        eps = 0.1 * (max(bracket) - min(bracket))
        if min(max(bracket) - t, t - min(bracket)) < eps:
            if stuck or t >= max(bracket) or t <= min(bracket):
                t = max(bracket) - eps if abs(t - max(bracket)) < abs(t - min(bracket)) else min(bracket) + eps
                stuck = False
            else:
                stuck = True
        else:
            stuck = False
        f_new, g_new = evaluate(t)
        evals += 1
        gtd_new = g_new.dot(d)
        step += 1
        if f_new > (f + c1 * t * gtd) or f_new >= bracket_f[low_at]:
            bracket[high_at], bracket_f[high_at], bracket_g[high_at], bracket_gtd[high_at] = t, f_new, g_new.clone(), gtd_new
            low_at, high_at = (0, 1) if bracket_f[0] <= bracket_f[1] else (1, 0)
        else:
            if abs(gtd_new) <= -c2 * gtd:
                done = True
            elif gtd_new * (bracket[high_at] - bracket[low_at]) >= 0:
                for kept in (bracket, bracket_f, bracket_g, bracket_gtd):
                    kept[high_at] = kept[low_at]
            bracket[low_at], bracket_f[low_at], bracket_g[low_at], bracket_gtd[low_at] = t, f_new, g_new.clone(), gtd_new
    t, f_new, g_new = bracket[low_at], bracket_f[low_at], bracket_g[low_at]
    return f_new, g_new, t, evals


# What is kept from one step to the next, in the order in which PyTorch's states have it.
_KEPT = ("d", "t", "old_dirs", "old_stps", "ro", "H_diag", "prev_flat_grad", "prev_loss")


class LBFGS(Optimizer):
    """Newton's method with an inverse Hessian that is made of the last `history_size` steps. `step` needs a closure."""

    def __init__(self, params, lr=1, max_iter=20, max_eval=None, tolerance_grad=1e-7, tolerance_change=1e-9, history_size=100, line_search_fn=None, *, maximize=False):
        check_lr(lr)
        max_eval = max_iter * 5 // 4 if max_eval is None else max_eval
        defaults = dict(lr=lr, max_iter=max_iter, max_eval=max_eval, tolerance_grad=tolerance_grad, tolerance_change=tolerance_change, history_size=history_size,
                        line_search_fn=line_search_fn, maximize=maximize)  # fmt: skip
        super().__init__(params, defaults)
        if len(self.param_groups) != 1:
            raise ValueError("LBFGS doesn't support per-parameter options (parameter groups)")
        self._params = self.param_groups[0]["params"]

    def _gradient(self):
        parts = [zeros(p.numel(), dtype=p.dtype) if p.grad is None else p.grad.reshape(-1) for p in self._params]
        return cat(parts, 0).neg() if self._sign() < 0 else cat(parts, 0)

    def _sign(self):
        return -1 if self.param_groups[0].get("maximize", False) else 1

    def _move(self, t, d):
        at = 0
        for p in self._params:
            p.add_(d[at : at + p.numel()].view_as(p), alpha=t)
            at += p.numel()

    def _evaluate(self, closure, start, d, t):
        """Loss and gradient at `start + t d`; the parameters are as before afterwards."""
        self._move(t, d)
        loss, gradient = self._sign() * float(closure()), self._gradient()
        for p, x in zip(self._params, start):
            p.copy_(x)
        return loss, gradient

    def step(self, closure):
        """Several iterations, each with at least one call of the closure, which computes the loss and its gradients."""

        def run():
            with enable_grad():
                return closure()

        with no_grad():
            return self._iterate(run)

    def _direction(self, state, now, gradient, history_size):
        """Where to go: the gradient times the inverse Hessian that the history says."""
        y, s = gradient.sub(now["prev_flat_grad"]), now["d"].mul(now["t"])
        ys = y.dot(s)
        dirs, steps, ro = now["old_dirs"], now["old_stps"], now["ro"]
        if ys > 1e-10:
            if len(dirs) == history_size:
                dirs.pop(0), steps.pop(0), ro.pop(0)
            dirs.append(y), steps.append(s), ro.append(1.0 / ys)
            now["H_diag"] = ys / y.dot(y)
        n = len(dirs)
        al, q = state.setdefault("al", [None] * history_size), gradient.neg()
        for i in range(n - 1, -1, -1):
            al[i] = steps[i].dot(q) * ro[i]
            q.add_(dirs[i], alpha=-al[i].item())
        d = q.mul(now["H_diag"])
        for i in range(n):
            d.add_(steps[i], alpha=(al[i] - dirs[i].dot(d) * ro[i]).item())
        return d

    def _iterate(self, closure):
        if len(self.param_groups) != 1:
            raise AssertionError(f"Expected exactly one param_group, but got {len(self.param_groups)}")
        if not self._params:
            return closure()
        state = self.state[self._params[0]]
        state.setdefault("func_evals", 0)
        state.setdefault("n_iter", 0)
        first = closure()
        loss = self._sign() * float(first)
        state["func_evals"] += 1
        gradient = self._gradient()
        if not gradient.abs().max() <= self.param_groups[0]["tolerance_grad"]:
            # What goes on between steps is written down at their end, so that a closure that fails leaves what was.
            now = {key: state.get(key) for key in _KEPT}
            self._iterations(closure, state, now, loss, gradient)
            state.update(now)
        return first

    def _iterations(self, closure, state, now, loss, gradient):
        group = self.param_groups[0]
        lr, change, search = group["lr"], group["tolerance_change"], group["line_search_fn"]
        lr = lr.squeeze() if isinstance(lr, Tensor) and lr.dim() else lr
        evals, n_iter, optimal = 1, 0, False
        while n_iter < group["max_iter"]:
            n_iter += 1
            state["n_iter"] += 1
            if state["n_iter"] == 1:
                now.update(d=gradient.neg(), old_dirs=[], old_stps=[], ro=[], H_diag=1)
                # A tensor where the gradient is large, as everything that follows from it in the search.
                t = min(1.0, 1.0 / gradient.abs().sum()) * lr
            else:
                now["d"], t = self._direction(state, now, gradient, group["history_size"]), lr
            d, now["t"] = now["d"], t
            if now["prev_flat_grad"] is None:
                now["prev_flat_grad"] = gradient.clone()
            else:
                now["prev_flat_grad"].copy_(gradient)
            before = now["prev_loss"] = loss
            gtd = gradient.dot(d)
            if gtd > -change:
                break
            used = 0
            if search is not None:
                if search != "strong_wolfe":
                    raise RuntimeError("only 'strong_wolfe' is supported")
                start = [p.clone() for p in self._params]
                evaluate = partial(self._evaluate, closure, start, d)
                loss, gradient, t, used = _strong_wolfe(evaluate, t, d, loss, gradient, gtd, max_ls=group["max_eval"] - evals)
                now["t"] = t
                self._move(t, d)
                optimal = gradient.abs().max() <= group["tolerance_grad"]
            else:
                self._move(t, d)
                if n_iter != group["max_iter"]:
                    loss = self._sign() * float(closure())
                    gradient = self._gradient()
                    optimal = gradient.abs().max() <= group["tolerance_grad"]
                    used = 1
            evals += used
            state["func_evals"] += used
            if n_iter == group["max_iter"] or evals >= group["max_eval"] or optimal:
                break
            if d.mul(t).abs().max() <= change or abs(loss - before) < change:
                break
