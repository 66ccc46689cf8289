"""torch.autograd.gradcheck, default and fast mode, on the functions of tests/check_speed.rs: verdict and time.

    python docs/measure_gradcheck.py
    cargo test --release -p pullback --test check_speed -- --nocapture
"""

import time
import warnings

import torch

warnings.filterwarnings("ignore")
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


def network(dtype):
    g = torch.Generator().manual_seed(0)
    w1 = (torch.randn(4, 2, generator=g, dtype=torch.float64) * 0.5).to(dtype).requires_grad_()
    b1 = torch.full((4,), 0.1, dtype=dtype, requires_grad=True)
    w2 = (torch.randn(1, 4, generator=g, dtype=torch.float64) * 0.5).to(dtype).requires_grad_()
    b2 = torch.zeros(1, dtype=dtype, requires_grad=True)
    x = torch.tensor([0.55, -0.12], dtype=dtype)

    def loss(w1, b1, w2, b2):
        return (w2 @ torch.relu(w1 @ x + b1) + b2 - 1.0).pow(2).mul(0.5).sum()

    return loss, (w1, b1, w2, b2)


def sines(factor, n=1000):
    x = torch.linspace(0.1, 1.3, n, dtype=torch.float64).requires_grad_()
    return (lambda x: WrongSin.apply(x, factor).sum()), (x,)


def scalar(f, at, dtype=torch.float64):
    return f, (torch.tensor([at], dtype=dtype, requires_grad=True),)


CASES = [
    ("network, 17 parameters, float64", *network(torch.float64), "right"),
    ("network, 17 parameters, float32", *network(torch.float32), "right"),
    ("1,000 sines", *sines(1.0), "right"),
    ("1,000 sines, one gradient off by 1e-4", *sines(1 + 1e-4), "wrong"),
    ("1,000 sines, one gradient off by 1 %", *sines(1.01), "wrong"),
    ("1,000 sines, one gradient off by half", *sines(1.5), "wrong"),
    ("relu at 0", *scalar(lambda x: x.relu().sum(), 0.0), "right"),
    ("x·detach(x)", *scalar(lambda x: (x * x.detach()).sum(), 0.7), "wrong"),
    ("sin(10⁴ x)", *scalar(lambda x: (1e4 * x).sin().sum(), 0.3), "right"),
    ("tanh(10⁸ x)", *scalar(lambda x: (1e8 * x).tanh().sum(), 1e-8), "right"),
    ("x² + 10¹⁵", *scalar(lambda x: (x * x + 1e15).sum(), 0.7), "right"),
]

if __name__ == "__main__":
    print("| function | truth | default | ms | fast | ms |\n|---|---|---|---|---|---|")
    for name, f, inputs, truth in CASES:
        row = [name, truth]
        for fast in (False, True):
            torch.manual_seed(0)
            torch.autograd.gradcheck(f, inputs, fast_mode=fast, raise_exception=False)
            start = time.perf_counter()
            ok = torch.autograd.gradcheck(f, inputs, fast_mode=fast, raise_exception=False)
            row += ["passes" if ok else "fails", f"{1e3 * (time.perf_counter() - start):.1f}"]
        print("| " + " | ".join(row) + " |")
