"""A denoising autoencoder with hooks, initialisers of its own, and a saved state."""

import io

import torch
from torch import nn

torch.manual_seed(0)
basis = torch.randn(3, 12)
data = torch.randn(200, 3) @ basis


class Autoencoder(nn.Module):
    def __init__(self):
        super().__init__()
        self.encode = nn.Sequential(nn.Linear(12, 8), nn.SiLU(), nn.Linear(8, 3))
        self.decode = nn.Sequential(nn.Linear(3, 8), nn.SiLU(), nn.Linear(8, 12))
        for m in self.modules():
            if isinstance(m, nn.Linear):
                nn.init.xavier_uniform_(m.weight)
                nn.init.constant_(m.bias, 0.01)

    def forward(self, x):
        return self.decode(self.encode(x))


model = Autoencoder()
shapes = []
handle = model.encode.register_forward_hook(lambda m, args, out: shapes.append((tuple(args[0].shape), tuple(out.shape))))
model(data[:5])
handle.remove()
print(shapes)
optimizer = torch.optim.RMSprop(model.parameters(), lr=3e-3)
plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer, patience=3, factor=0.5)
criterion = nn.MSELoss()
for epoch in range(60):
    optimizer.zero_grad()
    loss = criterion(model(data + 0.05 * torch.randn_like(data)), data)
    loss.backward()
    optimizer.step()
    plateau.step(loss.item())
    if epoch % 15 == 0:
        print(f"{epoch:2d} {loss.item():.3f}")
buffer = io.BytesIO()
torch.save({"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}, buffer)
buffer.seek(0)
checkpoint = torch.load(buffer)
twin = Autoencoder()
print(twin.load_state_dict(checkpoint["model"]), checkpoint["epoch"], sorted(checkpoint["optimizer"]))
print(torch.equal(twin(data), model(data)))
