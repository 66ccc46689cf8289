"""The benchmark workloads in JAX, after `torch_cpu.py`. Run: python jax_cpu.py [THREADS] [NAMES...]

Steps are compiled with `jax.jit` and return what they computed; parameters are passed in, not updated in place, as one writes it in JAX.
Prints `name value unit`, for the workloads that are here.
"""
import os, sys, time

threads = sys.argv[1] if sys.argv[1:] and sys.argv[1].isdigit() else "2"
os.environ.setdefault("XLA_FLAGS", "--xla_cpu_multi_thread_eigen=" + ("false" if threads == "1" else "true"))
started = time.perf_counter()
import jax, jax.numpy as jnp, numpy as np

IMPORT_S = time.perf_counter() - started


def median_s(step, at_least=1.0, warm=5):
    for _ in range(warm): jax.block_until_ready(step())
    times, begin = [], time.perf_counter()
    while time.perf_counter() - begin < at_least or len(times) < 5:
        t = time.perf_counter(); jax.block_until_ready(step()); times.append(time.perf_counter() - t)
    return sorted(times)[len(times) // 2]


def seed_model():
    rng = np.random.default_rng(42)
    X = rng.uniform(-1, 1, (500, 2)).astype(np.float32); y = (X[:, 0] * X[:, 1] < 0).astype(np.float32)
    params = [jnp.asarray(p, jnp.float32) for p in (rng.normal(0, .1, (4, 2)), np.zeros(4), rng.normal(0, .1, (1, 4)), np.zeros(1))]
    return jnp.asarray(X), jnp.asarray(y), params


def sample_loss(params, x, y):
    W1, b1, W2, b2 = params
    return 0.5 * ((W2 @ jax.nn.relu(W1 @ x + b1) + b2)[0] - y) ** 2


def sample_grad():
    X, y, params = seed_model(); f = jax.jit(jax.value_and_grad(sample_loss)); x0, y0 = X[0], y[0]
    return lambda: f(params, x0, y0)


def batch32_step():
    X, y, params = seed_model(); x, y = X[:32], y[:32]
    def loss(params):
        W1, b1, W2, b2 = params
        return jnp.mean(((jax.nn.relu(x @ W1.T + b1) @ W2.T + b2)[:, 0] - y) ** 2)
    f = jax.jit(lambda params: jax.tree.map(lambda p, g: p - 0.1 * g, params, jax.grad(loss)(params)))
    return lambda: f(params)


def per_sample_grads500():
    X, y, params = seed_model(); f = jax.jit(jax.vmap(jax.grad(sample_loss), (None, 0, 0)))
    return lambda: f(params, X, y)


def hessian_512x32():
    W, x = (jax.random.normal(jax.random.PRNGKey(i), s) for i, s in enumerate([(32, 512), (512,)])); W = W / 512 ** .5
    f = jax.jit(jax.hessian(lambda x: (jnp.tanh(W @ x) ** 2).sum()))
    return lambda: f(x)


def mlp(sizes, batch):
    keys = jax.random.split(jax.random.PRNGKey(0), len(sizes))
    params = [(jax.random.normal(k, (a, b)) * a ** -.5, jnp.zeros(b)) for k, a, b in zip(keys, sizes, sizes[1:])]
    x = jax.random.normal(keys[0], (batch, sizes[0])); y = jax.random.randint(keys[1], (batch,), 0, sizes[-1])
    def loss(params, x, y):
        for i, (w, b) in enumerate(params):
            x = x @ w + b
            if i < len(params) - 1: x = jax.nn.relu(x)
        return -jnp.mean(jnp.take_along_axis(jax.nn.log_softmax(x), y[:, None], 1))
    step = jax.jit(lambda params, x, y: jax.tree.map(lambda p, g: p - .01 * g, params, jax.grad(loss)(params, x, y)))
    return lambda: step(params, x, y)


def gemm(n, dtype=jnp.float32):
    a, b = (jax.random.normal(jax.random.PRNGKey(i), (n, n), dtype) for i in range(2)); f = jax.jit(lambda a, b: a @ b)
    return lambda: f(a, b)


def gemm2048_f64():
    jax.config.update("jax_enable_x64", True)
    return gemm(2048, jnp.float64)


def elementwise8M():
    a, b = (jax.random.normal(jax.random.PRNGKey(i), (8_000_000,)) for i in range(2))
    f = jax.jit(jax.grad(lambda a, b: jnp.tanh(jnp.sin(a) * b + jnp.exp(a)).sum(), (0, 1)))
    return lambda: f(a, b)


WORKLOADS = {
    "sample_grad": sample_grad, "batch32_step": batch32_step, "per_sample_grads500": per_sample_grads500, "hessian_512x32": hessian_512x32,
    "mlp_small": lambda: mlp([784, 256, 128, 10], 64), "mlp_large": lambda: mlp([1024, 4096, 4096, 1024], 256),
    "gemm2048": lambda: gemm(2048), "elementwise8M": elementwise8M, "gemm2048_f64": gemm2048_f64,
}

if __name__ == "__main__":
    names = sys.argv[2:] if sys.argv[1:] and sys.argv[1].isdigit() else sys.argv[1:]
    print("import", round(IMPORT_S, 3), "s")
    for name in names or WORKLOADS:
        if name in WORKLOADS:
            print(name, round(median_s(WORKLOADS[name]()) * 1e6, 2), "us", flush=True)
