"""The XOR network, trained with gradients written by hand and compared with autograd's."""
import torch

torch.manual_seed(1)
X = torch.tensor([[0.0, 0.0], [0.0, 1.0], [1.0, 0.0], [1.0, 1.0]])
Y = torch.tensor([[0.0], [1.0], [1.0], [0.0]])
W1, b1 = torch.randn(2, 8), torch.zeros(8)
W2, b2 = torch.randn(8, 1), torch.zeros(1)
lr = 0.5


def forward(W1, b1, W2, b2):
    h = torch.tanh(X @ W1 + b1)
    return h, torch.sigmoid(h @ W2 + b2)


for step in range(2001):
    h, p = forward(W1, b1, W2, b2)
    loss = -(Y * torch.log(p) + (1 - Y) * torch.log(1 - p)).mean()
    dz2 = (p - Y) / len(X)
    dW2, db2 = h.t() @ dz2, dz2.sum(dim=0)
    dz1 = (dz2 @ W2.T) * (1 - h**2)
    dW1, db1 = X.t() @ dz1, dz1.sum(0)
    if step == 0:
        leaves = [t.clone().requires_grad_() for t in (W1, b1, W2, b2)]
        q = forward(*leaves)[1]
        (-(Y * q.log() + (1 - Y) * (1 - q).log()).mean()).backward()
        for name, t, g in zip(["W1", "b1", "W2", "b2"], leaves, [dW1, db1, dW2, db2]):
            print(name, "by hand as by autograd:", torch.allclose(t.grad, g, atol=1e-6))
    for t, g in ((W1, dW1), (b1, db1), (W2, dW2), (b2, db2)):
        t -= lr * g
    if step % 500 == 0:
        print(f"{step:5d} {loss.item():.3f}")

print((forward(W1, b1, W2, b2)[1] > 0.5).int().flatten().tolist())
