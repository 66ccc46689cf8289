"""The benchmark workloads in PyTorch and NumPy: this file is their definition. Run: python torch_cpu.py [THREADS] [NAMES...]

What is timed is the body of `step` alone, warm, median of many runs. Prints `name value unit`, and behind that the step's peak
of memory where the system (Linux) tells: the most the process held during a step, less what it held before the workload was set
up. Name one workload for that number: earlier ones leave memory behind.
"""
import gc, sys, time

started = time.perf_counter()
import numpy as np, torch, torch.nn as nn, torch.nn.functional as F

IMPORT_S = time.perf_counter() - started


def median_s(step, at_least=1.0, warm=5):
    for _ in range(warm): step()
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < at_least or len(times) < 5:
        t = time.perf_counter(); step(); times.append(time.perf_counter() - t)
    return sorted(times)[len(times) // 2]


def status(key):
    """A line of /proc/self/status in bytes; None elsewhere."""
    try:
        with open("/proc/self/status") as lines: return next(int(l.split()[1]) << 10 for l in lines if l.startswith(key + ":"))
    except (OSError, StopIteration): return None


def peak_bytes(step):
    """The most memory of the process during one step; None where the system does not say."""
    try:
        with open("/proc/self/clear_refs", "w") as f: f.write("5")
    except OSError: return None
    step()
    return status("VmHWM")


def seed_model():
    """500 XOR samples and the 2-4-1 network of the seed experiment (NumPy's default_rng(42), f32)."""
    rng = np.random.default_rng(42)
    X = torch.tensor(rng.uniform(-1, 1, (500, 2)).astype(np.float32)); y = (X[:, 0] * X[:, 1] < 0).float()
    param = lambda a: torch.tensor(a, dtype=torch.float32, requires_grad=True)
    return X, y, [param(rng.normal(0, .1, (4, 2))), param(np.zeros(4)), param(rng.normal(0, .1, (1, 4))), param(np.zeros(1))]


def sample_grad():
    """One sample: zero the four gradients in place, forward, loss 0.5 (f - y)^2, backward."""
    X, y, params = seed_model(); W1, b1, W2, b2 = params; x0, y0 = X[0], y[0]
    def step():
        for p in params:
            if p.grad is not None: p.grad.zero_()
        h = torch.relu(W1 @ x0 + b1); f = (W2 @ h + b2).squeeze()
        (0.5 * (f - y0) ** 2).backward()
    return step


def batch32_step():
    """32 samples: gradients set to None, mean squared error, backward, p -= 0.1 grad under no_grad."""
    X, y, params = seed_model(); W1, b1, W2, b2 = params
    def step():
        for p in params: p.grad = None
        f = (torch.relu(X[:32] @ W1.T + b1) @ W2.T + b2).squeeze(-1)
        F.mse_loss(f, y[:32]).backward()
        with torch.no_grad():
            for p in params: p.sub_(p.grad, alpha=0.1)
    return step


def per_sample_grads500():
    """The gradients of 0.5 (f - y)^2 by all 17 parameters for each of 500 samples (vmap of grad)."""
    X, y, params = seed_model(); params = tuple(p.detach() for p in params)
    def loss(params, x, t):
        W1, b1, W2, b2 = params
        return 0.5 * ((W2 @ torch.relu(W1 @ x + b1) + b2).squeeze() - t) ** 2
    f = torch.func.vmap(torch.func.grad(loss), (None, 0, 0))
    return lambda: f(params, X, y)


def hessian_512x32():
    """The 512 x 512 second derivatives of sum(tanh(W x)^2) with W of 32 x 512."""
    W, x = torch.randn(32, 512) / 512 ** .5, torch.randn(512)
    f = torch.func.hessian(lambda x: (W @ x).tanh().pow(2).sum())
    return lambda: f(x)


def mlp(sizes, batch):
    """Linear layers with ReLU between, random data, cross-entropy, SGD lr 0.01: zero_grad, forward, backward, step."""
    layers = []
    for i, (a, b) in enumerate(zip(sizes, sizes[1:])):
        layers += [nn.Linear(a, b)] + ([nn.ReLU()] if i < len(sizes) - 2 else [])
    model = nn.Sequential(*layers); opt = torch.optim.SGD(model.parameters(), lr=.01)
    x, y = torch.randn(batch, sizes[0]), torch.randint(0, sizes[-1], (batch,))
    def step():
        opt.zero_grad(); F.cross_entropy(model(x), y).backward(); opt.step()
    return step


def gemm(n, dtype=torch.float32):
    a, b = torch.randn(n, n, dtype=dtype), torch.randn(n, n, dtype=dtype)
    return lambda: a @ b


def inv(n, dtype=torch.float32):
    a = torch.randn(n, n, dtype=dtype)
    return lambda: torch.linalg.inv(a)


def svd(n, dtype=torch.float32):
    a = torch.randn(n, n, dtype=dtype)
    return lambda: torch.linalg.svd(a, full_matrices=False)


def elementwise8M():
    """sum(tanh(sin(a) b + exp(a))) over 8,000,000 f32, forward and backward to a and b."""
    a, b = (torch.randn(8_000_000, requires_grad=True) for _ in range(2))
    def step():
        a.grad = b.grad = None
        (a.sin() * b + a.exp()).tanh().sum().backward()
    return step


class LeNet(nn.Module):
    def __init__(self):
        super().__init__()
        self.c1, self.c2 = nn.Conv2d(1, 16, 5, padding=2), nn.Conv2d(16, 32, 5)
        self.f1, self.f2 = nn.Linear(32 * 25, 120), nn.Linear(120, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.c1(x)), 2); x = F.max_pool2d(F.relu(self.c2(x)), 2)
        return self.f2(F.relu(self.f1(x.flatten(1))))


def lenet64():
    """Batch of 64 28x28 images, cross-entropy, SGD lr 0.01."""
    model = LeNet(); opt = torch.optim.SGD(model.parameters(), lr=.01)
    x, y = torch.randn(64, 1, 28, 28), torch.randint(0, 10, (64,))
    def step():
        opt.zero_grad(); F.cross_entropy(model(x), y).backward(); opt.step()
    return step


def conv2d_3x3():
    """The sum of a convolution's results: 32 samples, 64 channels of 56x56, 64 filters of 3x3; backward to filters, biases and input."""
    layer = nn.Conv2d(64, 64, 3, padding=1); x = torch.randn(32, 64, 56, 56, requires_grad=True)
    def step():
        layer.zero_grad(); x.grad = None
        layer(x).sum().backward()
    return step


def attention_512():
    """The sum of what 8 heads of width 64 see in 4 samples of 512 tokens; backward to queries, keys and values."""
    parts = [torch.randn(4, 8, 512, 64, requires_grad=True) for _ in range(3)]
    def step():
        for p in parts: p.grad = None
        F.scaled_dot_product_attention(*parts).sum().backward()
    return step


def lstm_128():
    """The sum of an LSTM's results, 128 features to 128, over 128 steps of 32 samples; backward to its weights."""
    layer = nn.LSTM(128, 128); x = torch.randn(128, 32, 128)
    def step():
        layer.zero_grad(); layer(x)[0].sum().backward()
    return step


class Block(nn.Module):
    """Pre-norm transformer block: causal attention, then a 4C GELU network."""

    def __init__(self, C, H):
        super().__init__()
        self.n1, self.n2, self.H = nn.LayerNorm(C), nn.LayerNorm(C), H
        self.qkv, self.out, self.up, self.down = nn.Linear(C, 3 * C), nn.Linear(C, C), nn.Linear(C, 4 * C), nn.Linear(4 * C, C)

    def forward(self, x):
        B, T, C = x.shape
        q, k, v = self.qkv(self.n1(x)).view(B, T, 3, self.H, C // self.H).permute(2, 0, 3, 1, 4)
        a = F.scaled_dot_product_attention(q, k, v, is_causal=True).transpose(1, 2).reshape(B, T, C)
        x = x + self.out(a)
        return x + self.down(F.gelu(self.up(self.n2(x))))


class GPT(nn.Module):
    """Token and position embeddings, blocks, final norm, head without bias."""

    def __init__(self, V, T, C, H, L):
        super().__init__()
        self.tok, self.pos = nn.Embedding(V, C), nn.Embedding(T, C)
        self.blocks, self.norm, self.head = nn.Sequential(*[Block(C, H) for _ in range(L)]), nn.LayerNorm(C), nn.Linear(C, V, bias=False)

    def forward(self, ids):
        return self.head(self.norm(self.blocks(self.tok(ids) + self.pos(torch.arange(ids.shape[1])))))


def gpt(V, T, C, H, L, B):
    """Random tokens, cross-entropy, AdamW lr 3e-4."""
    model = GPT(V, T, C, H, L); opt = torch.optim.AdamW(model.parameters(), lr=3e-4)
    x, y = torch.randint(0, V, (B, T)), torch.randint(0, V, (B, T))
    def step():
        opt.zero_grad(); F.cross_entropy(model(x).view(-1, V), y.view(-1)).backward(); opt.step()
    return step


def adam_10M():
    """Adam's step, lr 1e-3, of 10 matrices of a million numbers whose gradients are there; all of them in one call (foreach)."""
    params = [torch.randn(1000, 1000, requires_grad=True) for _ in range(10)]
    for p in params: p.grad = torch.randn(1000, 1000)
    return torch.optim.Adam(params, lr=1e-3, foreach=True).step


def copy_10M():
    """10,000,000 f32 written over others."""
    source, target = torch.randn(10_000_000), torch.randn(10_000_000)
    return lambda: target.copy_(source)


WORKLOADS = {
    "sample_grad": sample_grad, "batch32_step": batch32_step, "per_sample_grads500": per_sample_grads500, "hessian_512x32": hessian_512x32,
    "mlp_small": lambda: mlp([784, 256, 128, 10], 64), "mlp_large": lambda: mlp([1024, 4096, 4096, 1024], 256),
    "gemm2048": lambda: gemm(2048), "gemm2048_f64": lambda: gemm(2048, torch.float64), "elementwise8M": elementwise8M,
    "inv_512": lambda: inv(512), "inv_512_f64": lambda: inv(512, torch.float64), "svd_256": lambda: svd(256), "svd_256_f64": lambda: svd(256, torch.float64),
    "lenet64": lenet64, "conv2d_3x3": conv2d_3x3, "attention_512": attention_512, "lstm_128": lstm_128,
    "gpt_tiny": lambda: gpt(20, 4, 64, 4, 4, 32), "gpt_small": lambda: gpt(65, 64, 128, 4, 4, 8),
    "adam_10M": adam_10M, "copy_10M": copy_10M,
    "torch_randn_1M": lambda: (lambda: torch.randn(1_000_000)), "numpy_normal_1M": lambda: (lambda g=np.random.default_rng(0): g.standard_normal(1_000_000)),
}

if __name__ == "__main__":
    args = sys.argv[1:]; torch.set_num_threads(int(args.pop(0)) if args and args[0].isdigit() else 2); torch.manual_seed(0)
    print("import", round(IMPORT_S, 3), "s")
    for name in args or WORKLOADS:
        gc.collect(); before = status("VmRSS"); step = WORKLOADS[name](); seconds = median_s(step); peak = peak_bytes(step)
        memory = [] if before is None or peak is None else ["peak", round(max(peak - before, 0) / 1e6, 1), "MB"]
        print(name, round(seconds * 1e6, 2), "us", *memory, flush=True)
        del step
