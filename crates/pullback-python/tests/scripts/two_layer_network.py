"""A two-layer network with matrices of one's own, `mm` and `clamp`."""
import torch

torch.manual_seed(0)
N, D_in, H, D_out = 64, 100, 50, 10
x = torch.randn(N, D_in)
y = torch.randn(N, D_out)
w1 = torch.randn(D_in, H, requires_grad=True)
w2 = torch.randn(H, D_out, requires_grad=True)
print(x.size(), w1.size(0), w2.shape[1], w1.is_leaf, (w1 * 2).is_leaf)

learning_rate = 1e-5
for t in range(100):
    y_pred = x.mm(w1).clamp(min=0).mm(w2)
    loss = (y_pred - y).pow(2).sum()
    if t % 25 == 0:
        print(t, f"{loss.item():.3g}")
    loss.backward()
    with torch.no_grad():
        w1 -= learning_rate * w1.grad
        w2 -= learning_rate * w2.grad
        w1.grad.zero_()
        w2.grad.zero_()
print(t, f"{loss.item():.2g}", type(loss).__name__, loss.dtype)
