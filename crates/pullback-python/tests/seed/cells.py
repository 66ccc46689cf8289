import numpy as np
import torch

# ------------------------------
# Deterministic seeds (match 01/02)
# ------------------------------
SEED = 42
torch.manual_seed(SEED)
rng = np.random.default_rng(SEED)

def set_seed(seed=42):
    global rng
    torch.manual_seed(seed)
    rng = np.random.default_rng(seed)

set_seed(SEED)
print("Seeds set to", SEED)

def generate_toy_data(n_samples=500):
    X = rng.uniform(-1, 1, size=(n_samples, 2)).astype(np.float32)
    y = (X[:, 0] * X[:, 1] < 0).astype(np.float32)
    return X, y

X_np, y_np = generate_toy_data()
X = torch.tensor(X_np, dtype=torch.float32)
y = torch.tensor(y_np, dtype=torch.float32)

print("X shape:", X.shape, "y shape:", y.shape, "dtype:", X.dtype)

d, h, out = 2, 4, 1

W1 = torch.tensor(rng.normal(0.0, 0.1, size=(h, d)), dtype=torch.float32, requires_grad=True)
b1 = torch.zeros(h, dtype=torch.float32, requires_grad=True)
W2 = torch.tensor(rng.normal(0.0, 0.1, size=(out, h)), dtype=torch.float32, requires_grad=True)
b2 = torch.zeros(out, dtype=torch.float32, requires_grad=True)

params = [W1, b1, W2, b2]
print("W1", W1.shape, "b1", b1.shape, "W2", W2.shape, "b2", b2.shape)

def relu(u: torch.Tensor) -> torch.Tensor:
    return torch.relu(u)


def forward_single(x: torch.Tensor, W1, b1, W2, b2):
    a1 = W1 @ x + b1          # (h,)
    h  = relu(a1)             # (h,)
    f  = W2 @ h + b2          # (1,)
    return a1, h, f.squeeze() # scalar tensor


# quick sanity on one sample
a1_, h_, f_ = forward_single(X[0], W1, b1, W2, b2)
print("a1 shape:", a1_.shape, "h shape:", h_.shape, "f shape:", f_.shape)

def loss_fn(f_scalar: torch.Tensor, y_scalar: torch.Tensor) -> torch.Tensor:
    return 0.5 * (f_scalar - y_scalar) ** 2

# pick first sample
x0, y0 = X[0], y[0]

# zero grads, forward, loss, backward
for p in params:
    if p.grad is not None:
        p.grad.zero_()

a1, h, f = forward_single(x0, W1, b1, W2, b2)
L = loss_fn(f, y0)
L.backward()

print("f =", f.item(), " | y =", y0.item(), " | loss =", L.item())

for name, p in zip(["W1", "b1", "W2", "b2"], params):
    print(name, "grad shape", None if p.grad is None else tuple(p.grad.shape))
    if p.grad is not None:
        print("  grad sample:", p.grad.flatten()[:5])

def backward_manual(x, y, a1, h, f, W1, W2):
    # output layer
    df = f - y                       # scalar
    dW2 = df * h[None, :]            # (1, h)
    db2 = torch.tensor([df])         # (1,)

    # hidden layer
    dh  = W2[0] * df                 # (h,)
    da1 = dh * (a1 > 0).float()      # ReLU'

    # input layer
    dW1 = da1[:, None] @ x[None, :]  # (h, d)
    db1 = da1                        # (h,)
    return dW1, db1, dW2, db2


def flatten_params(W1, b1, W2, b2):
    return torch.cat([W1.reshape(-1), b1.reshape(-1), W2.reshape(-1), b2.reshape(-1)])


# recompute forward/backward to refresh grads
for p in params:
    if p.grad is not None:
        p.grad.zero_()
a1, h, f = forward_single(x0, W1, b1, W2, b2)
L = loss_fn(f, y0)
L.backward()

# autograd grads (flattened)
g_auto = flatten_params(W1.grad, b1.grad, W2.grad, b2.grad)

# manual grads
with torch.no_grad():
    dW1_m, db1_m, dW2_m, db2_m = backward_manual(x0, y0, a1, h, f, W1, W2)
    g_manual = flatten_params(dW1_m, db1_m, dW2_m, db2_m)

abs_diff = (g_auto - g_manual).abs()
print("max |grad_auto - grad_manual| =", float(abs_diff.max()))
print("first 5 diffs:", abs_diff[:5])

def unflatten_params(theta, W1_shape, b1_shape, W2_shape, b2_shape):
    sW1 = W1_shape.numel()
    sb1 = b1_shape.numel()
    sW2 = W2_shape.numel()
    sb2 = b2_shape.numel()
    i0, i1, i2, i3 = 0, sW1, sW1 + sb1, sW1 + sb1 + sW2
    W1 = theta[i0:i1].reshape(W1_shape)
    b1 = theta[i1:i2].reshape(b1_shape)
    W2 = theta[i2:i3].reshape(W2_shape)
    b2 = theta[i3:i3 + sb2].reshape(b2_shape)
    return W1, b1, W2, b2


def loss_from_theta(theta, x, y, shapes):
    W1_shape, b1_shape, W2_shape, b2_shape = shapes
    W1t, b1t, W2t, b2t = unflatten_params(theta, W1_shape, b1_shape, W2_shape, b2_shape)
    a1 = W1t @ x + b1t
    h = torch.relu(a1)
    f = W2t @ h + b2t
    return 0.5 * (f.squeeze() - y) ** 2


def numeric_grad(theta, x, y, shapes, eps=1e-5):
    num = torch.zeros_like(theta)
    for i in range(len(theta)):
        orig = theta[i].item()
        theta[i] = orig + eps
        lp = loss_from_theta(theta, x, y, shapes)
        theta[i] = orig - eps
        lm = loss_from_theta(theta, x, y, shapes)
        num[i] = (lp - lm) / (2 * eps)
        theta[i] = orig
    return num


# snapshot params (detach so we don't mutate requires_grad tensors)
theta0 = flatten_params(W1.detach(), b1.detach(), W2.detach(), b2.detach()).clone()
shapes = (W1.shape, b1.shape, W2.shape, b2.shape)

# autograd grads at theta0
for p in params:
    if p.grad is not None:
        p.grad.zero_()
a1, h, f = forward_single(x0, W1, b1, W2, b2)
loss_fn(f, y0).backward()
g_auto = flatten_params(W1.grad, b1.grad, W2.grad, b2.grad).detach().clone()

with torch.no_grad():
    g_num = numeric_grad(theta0.clone(), x0, y0, shapes)

abs_diff_fd = (g_auto - g_num).abs()
print("finite-diff max abs diff:", float(abs_diff_fd.max()))
print("finite-diff top-5 diffs:")
top_idx = torch.argsort(abs_diff_fd)[-5:]
for idx in top_idx:
    print(int(idx), "auto=", float(g_auto[idx]), "num=", float(g_num[idx]), "|diff|=", float(abs_diff_fd[idx]))
