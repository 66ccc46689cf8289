import torch, torch.nn.functional as F
torch.manual_seed(42)
N, C, H = (20, 3, 8)
X = torch.randn(N, 5)
y = torch.randint(0, C, (N,))
W1 = (torch.randn(5, H) / 5 ** 0.5).requires_grad_()
W2 = (torch.randn(H, C) / H ** 0.5).requires_grad_()
params = [W1, W2]
vel = [torch.zeros_like(p) for p in params]
for epoch in range(60):
    perm = torch.randperm(N)
    for i in range(0, N, 5):
        idx = perm[i:i + 5]
        logits = F.gelu(X[idx] @ W1) @ W2
        loss = F.cross_entropy(logits, y[idx], label_smoothing=0.1)
        loss.backward()
        with torch.no_grad():
            for p, v in zip(params, vel):
                v *= 0.9
                v += p.grad
                p -= 0.05 * v
                p.grad.zero_()
with torch.no_grad():
    out = F.gelu(X @ W1) @ W2
    print((out.argmax(1) == y).float().mean(), F.log_softmax(out, 1).shape)
    v, i = out.topk(2, dim=1)
    print(i[:3])
    print(torch.bincount(y, minlength=C))
print(F.one_hot(y[:3], C))
print(F.softmax(torch.tensor([1.0, 2.0, 3.0]), dim=0))
print(F.mse_loss(torch.ones(2), torch.zeros(2), reduction='none'))
print(F.normalize(torch.tensor([[3.0, 4.0]]), dim=1))
print(F.pad(torch.ones(1, 2), (1, 1)))
print(F.layer_norm(torch.arange(4.0).reshape(1, 4), (4,)))
print(F.dropout(torch.ones(5), 0.5, training=False))
print(F.binary_cross_entropy_with_logits(torch.tensor([0.5]), torch.tensor([1.0])))
print(F.cosine_similarity(torch.ones(1, 3), torch.ones(1, 3)))
