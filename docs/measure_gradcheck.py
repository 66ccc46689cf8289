"""Other gradient checkers on the functions of tests/check_speed.rs: verdict, and the median time of 21 runs.

torch.autograd.gradcheck in its default and its fast mode where PyTorch is installed, jax.test_util.check_grads where JAX
is. Each with its own default steps and tolerances; a wrong gradient is planted in the rule of the function itself.

    python docs/measure_gradcheck.py
    cargo test --release -p pullback --test check_speed -- --nocapture
"""

import statistics
import time
import warnings

warnings.filterwarnings("ignore")

RUNS = 21
# name: (truth, what the frameworks below build it from)
CASES = {
    "network, 17 parameters, float64": ("right", ("network", "float64")),
    "network, 17 parameters, float32": ("right", ("network", "float32")),
    "1,000 sines": ("right", ("sines", 1.0)),
    "1,000 sines, one gradient off by 1e-4": ("wrong", ("sines", 1 + 1e-4)),
    "1,000 sines, one gradient off by 1 %": ("wrong", ("sines", 1.01)),
    "1,000 sines, one gradient off by half": ("wrong", ("sines", 1.5)),
    "relu at 0": ("right", ("relu", 0.0)),
    "x·detach(x)": ("wrong", ("detach", 0.7)),
    "sin(10⁴ x)": ("right", ("fast", 0.3)),
    "tanh(10⁸ x)": ("right", ("steep", 1e-8)),
    "x² + 10¹⁵": ("right", ("offset", 0.7)),
}
W1 = [[0.3, -0.7], [0.2, 0.5], [-0.4, 0.1], [0.6, -0.2]]
B1 = [0.1, 0.1, 0.1, 0.1]
W2 = [[0.4, -0.3, 0.2, 0.7]]
B2 = [0.0]
X = [0.55, -0.12]
SINES = [0.1 + 1.2 * i / 999 for i in range(1000)]


def timed(check):
    """Whether `check` passes, and the median of its milliseconds."""
    passes = check()
    times = []
    for _ in range(RUNS):
        start = time.perf_counter()
        check()
        times.append(1e3 * (time.perf_counter() - start))
    return "passes" if passes else "fails", f"{statistics.median(times):.1f}"


def with_torch():
    import torch

    torch.set_num_threads(1)

    class WrongSin(torch.autograd.Function):
        """sin, whose gradient is off by a factor at element 17."""

        @staticmethod
        def forward(ctx, x, factor):
            ctx.save_for_backward(x)
            ctx.factor = factor
            return x.sin()

        @staticmethod
        def backward(ctx, g):
            (x,) = ctx.saved_tensors
            back = g * x.cos()
            back[17] *= ctx.factor
            return back, None

    def build(kind, value):
        if kind == "network":
            dtype = getattr(torch, value)
            w1, b1, w2, b2 = (torch.tensor(t, dtype=dtype, requires_grad=True) for t in (W1, B1, W2, B2))
            x = torch.tensor(X, dtype=dtype)
            return lambda w1, b1, w2, b2: (w2 @ torch.relu(w1 @ x + b1) + b2 - 1.0).pow(2).mul(0.5).sum(), (w1, b1, w2, b2)
        if kind == "sines":
            x = torch.tensor(SINES, dtype=torch.float64, requires_grad=True)
            return lambda x: WrongSin.apply(x, value).sum(), (x,)
        f = {
            "relu": lambda x: x.relu().sum(),
            "detach": lambda x: (x * x.detach()).sum(),
            "fast": lambda x: (1e4 * x).sin().sum(),
            "steep": lambda x: (1e8 * x).tanh().sum(),
            "offset": lambda x: (x * x + 1e15).sum(),
        }[kind]
        return f, (torch.tensor([value], dtype=torch.float64, requires_grad=True),)

    def checker(fast):
        def check(kind, value):
            f, inputs = build(kind, value)

            def run():
                torch.manual_seed(0)
                return torch.autograd.gradcheck(f, inputs, fast_mode=fast, raise_exception=False)

            return run

        return check

    return {"gradcheck": checker(False), "fast mode": checker(True)}


def with_jax():
    import jax
    import jax.numpy as jnp
    from jax.test_util import check_grads

    jax.config.update("jax_enable_x64", True)

    @jax.custom_vjp
    def wrong_sin(x, factor):
        return jnp.sin(x)

    def forward(x, factor):
        return jnp.sin(x), (x, factor)

    def backward(saved, g):
        x, factor = saved
        return (g * jnp.cos(x)).at[17].multiply(factor), None

    wrong_sin.defvjp(forward, backward)

    def build(kind, value):
        if kind == "network":
            w1, b1, w2, b2, x = (jnp.array(t, dtype=value) for t in (W1, B1, W2, B2, X))
            return lambda w1, b1, w2, b2: (0.5 * (w2 @ jax.nn.relu(w1 @ x + b1) + b2 - 1.0) ** 2).sum(), (w1, b1, w2, b2)
        if kind == "sines":
            return lambda x: wrong_sin(x, value).sum(), (jnp.array(SINES),)
        f = {
            "relu": lambda x: jax.nn.relu(x).sum(),
            "detach": lambda x: (x * jax.lax.stop_gradient(x)).sum(),
            "fast": lambda x: jnp.sin(1e4 * x).sum(),
            "steep": lambda x: jnp.tanh(1e8 * x).sum(),
            "offset": lambda x: (x * x + 1e15).sum(),
        }[kind]
        return f, (jnp.array([value]),)

    def check(kind, value):
        f, inputs = build(kind, value)

        def run():
            try:
                check_grads(f, inputs, order=1, modes=["rev"])
                return True
            except AssertionError:
                return False

        return run

    return {"check_grads": check}


if __name__ == "__main__":
    checkers = {}
    for framework in (with_torch, with_jax):
        try:
            checkers.update(framework())
        except ImportError as e:
            print(f"({e.name} is not installed)")
    print("| function | truth | " + " | ".join(f"{name} | ms" for name in checkers) + " |")
    print("|---" * (2 + 2 * len(checkers)) + "|")
    for name, (truth, what) in CASES.items():
        row = [name, truth]
        for check in checkers.values():
            row += timed(check(*what))
        print("| " + " | ".join(row) + " |")
