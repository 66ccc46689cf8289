"""What a training step of a small model costs from Python: Pullback and PyTorch side by side, in the same minutes.

    pip install pullback torch numpy
    python bench/python_steps.py                     one table, microseconds a step
    python bench/python_steps.py xor mlp             some of the models
    python bench/python_steps.py --threads 2

One text of every model runs with both libraries (`import pullback as torch`): module, loss, backward, the optimiser's step, and for `xor` a
`DataLoader` too. Each library has a process of its own; they take turns. A turn's time is the shortest of its steps' means, what is printed is
the median of the turns, and ratios are those of the medians. Not for: what one operation costs, which is `python_overhead.py`, and steps in
Rust, which `compare.py` has.
"""

import argparse
import importlib
import json
import statistics
import sys
import time

from python_overhead import Library


def training(torch, model, optimizer, loss, x, y):
    def step():
        optimizer.zero_grad()
        loss(model(x), y).backward()
        optimizer.step()

    return step


def xor(torch):
    """2-4-1, four points from a shuffling loader, Adam: one epoch of one batch."""
    nn = torch.nn
    x = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
    y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
    loader = torch.utils.data.DataLoader(torch.utils.data.TensorDataset(x, y), batch_size=4, shuffle=True)
    model = nn.Sequential(nn.Linear(2, 4), nn.ReLU(), nn.Linear(4, 1))
    optimizer, loss = torch.optim.Adam(model.parameters(), lr=0.05), nn.MSELoss()

    def step():
        for a, b in loader:
            optimizer.zero_grad()
            loss(model(a), b).backward()
            optimizer.step()

    return step


def mlp(torch):
    """784-256-10, batch of 64, cross entropy, Adam."""
    nn = torch.nn
    model = nn.Sequential(nn.Linear(784, 256), nn.ReLU(), nn.Linear(256, 10))
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return training(torch, model, optimizer, nn.CrossEntropyLoss(), torch.randn(64, 784), torch.randint(0, 10, (64,)))


def lenet(torch):
    """Two convolutions and two linear layers on 64 images of 28x28, cross entropy, SGD."""
    nn = torch.nn
    convolutions = [nn.Conv2d(1, 16, 5, padding=2), nn.ReLU(), nn.MaxPool2d(2), nn.Conv2d(16, 32, 5), nn.ReLU(), nn.MaxPool2d(2)]
    model = nn.Sequential(*convolutions, nn.Flatten(), nn.Linear(800, 120), nn.ReLU(), nn.Linear(120, 10))
    optimizer = torch.optim.SGD(model.parameters(), lr=0.01)
    return training(torch, model, optimizer, nn.CrossEntropyLoss(), torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,)))


def lstm(torch):
    """64 features, 128 hidden, 32 sequences of 64 steps, mean squared error, Adam."""
    nn = torch.nn

    class Last(nn.Module):
        def __init__(self):
            super().__init__()
            self.rnn, self.head = nn.LSTM(64, 128, batch_first=True), nn.Linear(128, 1)

        def forward(self, x):
            return self.head(self.rnn(x)[0][:, -1])

    model = Last()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3)
    return training(torch, model, optimizer, nn.MSELoss(), torch.randn(32, 64, 64), torch.randn(32, 1))


def gpt(V, T, C, H, L, B):
    """A transformer with causal attention as in `torch_cpu.py`: vocabulary V, T tokens, width C, H heads, L blocks, batch B; AdamW."""

    def made(torch):
        nn, F = torch.nn, torch.nn.functional

        class Block(nn.Module):
            def __init__(self):
                super().__init__()
                self.n1, self.n2 = nn.LayerNorm(C), nn.LayerNorm(C)
                self.qkv, self.out, self.up, self.down = nn.Linear(C, 3 * C), nn.Linear(C, C), nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

            def forward(self, x):
                b, t, c = x.shape
                q, k, v = self.qkv(self.n1(x)).view(b, t, 3, H, c // H).permute(2, 0, 3, 1, 4)
                a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(b, t, c)
                x = x + self.out(a)
                return x + self.down(F.gelu(self.up(self.n2(x))))

        class GPT(nn.Module):
            def __init__(self):
                super().__init__()
                self.tok, self.pos = nn.Embedding(V, C), nn.Embedding(T, C)
                self.blocks, self.norm, self.head = nn.Sequential(*[Block() for _ in range(L)]), nn.LayerNorm(C), nn.Linear(C, V, bias=False)

            def forward(self, ids):
                return self.head(self.norm(self.blocks(self.tok(ids) + self.pos(torch.arange(ids.shape[1])))))

        model = GPT()
        optimizer = torch.optim.AdamW(model.parameters(), lr=3e-4)
        x, y = torch.randint(0, V, (B, T)), torch.randint(0, V, (B, T))

        def step():
            optimizer.zero_grad()
            F.cross_entropy(model(x).view(-1, V), y.view(-1)).backward()
            optimizer.step()

        return step

    return made


MODELS = {
    "xor": xor,
    "mlp": mlp,
    "lenet": lenet,
    "lstm": lstm,
    "gpt_tiny": gpt(20, 4, 64, 4, 4, 32),
    "gpt_small": gpt(65, 64, 128, 4, 4, 8),
}


def serve(library, threads):
    """Times the models that come in, one a line; answers with microseconds a step, one a line."""
    torch = importlib.import_module(library)
    torch.set_num_threads(threads)
    torch.manual_seed(0)
    steps = {}
    print(getattr(torch, "__version__", "?"), flush=True)
    for line in sys.stdin:
        name, seconds = json.loads(line)
        if name not in steps:
            steps[name] = MODELS[name](torch)
            for _ in range(5):
                steps[name]()
        print(json.dumps(shortest(steps[name], seconds) * 1e6), flush=True)


def shortest(step, seconds):
    """Seconds a step, of the best run; runs are long enough for the clock."""
    begin = time.perf_counter()
    step()
    count = max(1, int(0.002 / max(1e-7, time.perf_counter() - begin)))
    best, end = float("inf"), time.perf_counter() + seconds
    while time.perf_counter() < end:
        begin = time.perf_counter()
        for _ in range(count):
            step()
        best = min(best, (time.perf_counter() - begin) / count)
    return best


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0], formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("models", nargs="*", metavar="model", help=f"which; all if none is given: {', '.join(MODELS)}")
    parser.add_argument("--pullback", metavar="PYTHON", default=sys.executable, help="the Python that has Pullback (default: this one)")
    parser.add_argument("--torch", metavar="PYTHON", default=sys.executable, help="the Python that has PyTorch (default: this one)")
    parser.add_argument("--threads", type=int, default=1, help="threads of each library (default: 1)")
    parser.add_argument("--rounds", type=int, default=5, help="turns of each library (default: 5)")
    parser.add_argument("--seconds", type=float, default=0.3, help="seconds a model and turn (default: 0.3)")
    parser.add_argument("--serve", metavar="LIBRARY", help=argparse.SUPPRESS)
    options = parser.parse_args()
    if options.serve:
        return serve(options.serve, options.threads)
    unknown = [name for name in options.models if name not in MODELS]
    if unknown:
        parser.error(f"no model {unknown[0]!r}; there are {', '.join(MODELS)}")
    more = ["--threads", str(options.threads)]
    libraries = [Library(name, getattr(options, name), __file__, more) for name in ("pullback", "torch")]
    missing = [library.name for library in libraries if library.version is None]
    if missing:
        raise SystemExit(f"{missing[0]} cannot be imported: pip install pullback torch numpy")
    print(f"{'microseconds a step':20}" + "".join(f"{library.name:>12}" for library in libraries) + "   times faster")
    for name in options.models or MODELS:
        for library in libraries:
            library.time(name, 0.05)
        rounds = [[library.time(name, options.seconds) for library in libraries] for _ in range(options.rounds)]
        ours, theirs = (statistics.median(column) for column in zip(*rounds))
        print(f"{name:20}{ours:12,.1f}{theirs:12,.1f}{theirs / ours:15.2f}", flush=True)
    for library in libraries:
        library.close()


if __name__ == "__main__":
    main()
