# tiny diffusion model on 2d points
import math
import torch
from torch import nn
import numpy as np
torch.manual_seed(42); np.random.seed(42)

def make_moons(n):
    t = torch.rand(n) * math.pi
    a = torch.stack([torch.cos(t), torch.sin(t)], -1)
    b = torch.stack([1 - torch.cos(t), .5 - torch.sin(t)], -1)
    which = (torch.rand(n) < .5).unsqueeze(-1)
    return torch.where(which, a, b) + .05 * torch.randn(n, 2)

class SinusoidalEmbedding(nn.Module):
    def __init__(self, size: int, scale: float = 1.0):
        super().__init__()
        self.size, self.scale = size, scale
    def forward(self, x: torch.Tensor):
        x = x * self.scale
        half = self.size // 2
        emb = torch.log(torch.Tensor([10000.0])) / (half - 1)
        emb = torch.exp(-emb * torch.arange(half))
        emb = x.unsqueeze(-1) * emb.unsqueeze(0)
        return torch.cat((torch.sin(emb), torch.cos(emb)), dim=-1)
    def __len__(self): return self.size

class Block(nn.Module):
    def __init__(self, size):
        super().__init__()
        self.ff = nn.Linear(size, size)
        self.act = nn.GELU()
    def forward(self, x): return x + self.act(self.ff(x))

class MLP(nn.Module):
    def __init__(self, hidden_size=32, hidden_layers=2, emb_size=16):
        super().__init__()
        self.time_mlp = SinusoidalEmbedding(emb_size)
        self.input_mlp1 = SinusoidalEmbedding(emb_size, scale=25.0)
        self.input_mlp2 = SinusoidalEmbedding(emb_size, scale=25.0)
        concat = len(self.time_mlp) + len(self.input_mlp1) + len(self.input_mlp2)
        layers = [nn.Linear(concat, hidden_size), nn.GELU()]
        for _ in range(hidden_layers): layers.append(Block(hidden_size))
        layers.append(nn.Linear(hidden_size, 2))
        self.joint_mlp = nn.Sequential(*layers)
    def forward(self, x, t):
        return self.joint_mlp(torch.cat((self.input_mlp1(x[:, 0]), self.input_mlp2(x[:, 1]), self.time_mlp(t)), dim=-1))

class NoiseScheduler():
    def __init__(self, num_timesteps=50, beta_start=0.0001, beta_end=0.02, beta_schedule="linear"):
        self.num_timesteps = num_timesteps
        self.betas = torch.linspace(beta_start, beta_end, num_timesteps, dtype=torch.float32) if beta_schedule == "linear" else torch.linspace(beta_start ** .5, beta_end ** .5, num_timesteps) ** 2
        self.alphas = 1.0 - self.betas
        self.alphas_cumprod = torch.cumprod(self.alphas, axis=0)
        self.alphas_cumprod_prev = nn.functional.pad(self.alphas_cumprod[:-1], (1, 0), value=1.)
        self.sqrt_alphas_cumprod = self.alphas_cumprod ** 0.5
        self.sqrt_one_minus = (1 - self.alphas_cumprod) ** 0.5
        self.sqrt_inv = torch.sqrt(1 / self.alphas_cumprod)
        self.sqrt_inv_minus = torch.sqrt(1 / self.alphas_cumprod - 1)
        self.coef1 = self.betas * torch.sqrt(self.alphas_cumprod_prev) / (1. - self.alphas_cumprod)
        self.coef2 = (1. - self.alphas_cumprod_prev) * torch.sqrt(self.alphas) / (1. - self.alphas_cumprod)
    def reconstruct_x0(self, x_t, t, noise):
        s1 = self.sqrt_inv[t].reshape(-1, 1); s2 = self.sqrt_inv_minus[t].reshape(-1, 1)
        return s1 * x_t - s2 * noise
    def get_variance(self, t):
        if t == 0: return 0
        variance = self.betas[t] * (1. - self.alphas_cumprod_prev[t]) / (1. - self.alphas_cumprod[t])
        return variance.clip(1e-20)
    def step(self, model_output, timestep, sample):
        t = timestep
        x0 = self.reconstruct_x0(sample, t, model_output)
        prev = self.coef1[t].reshape(-1, 1) * x0 + self.coef2[t].reshape(-1, 1) * sample
        variance = 0
        if t > 0:
            variance = (self.get_variance(t) ** 0.5) * torch.randn_like(model_output)
        return prev + variance
    def add_noise(self, x, noise, t):
        return self.sqrt_alphas_cumprod[t].reshape(-1, 1) * x + self.sqrt_one_minus[t].reshape(-1, 1) * noise
    def __len__(self): return self.num_timesteps

dataset = torch.utils.data.TensorDataset(make_moons(256))
loader = torch.utils.data.DataLoader(dataset, batch_size=32, shuffle=True, drop_last=True)
model = MLP(); noise_scheduler = NoiseScheduler(50)
print(model)
print(sum(p.numel() for p in model.parameters()))
optimizer = torch.optim.AdamW(model.parameters(), lr=1e-3)
for epoch in range(10):
    model.train(); losses = []
    for step, batch in enumerate(loader):
        batch = batch[0]
        noise = torch.randn(batch.shape)
        timesteps = torch.randint(0, noise_scheduler.num_timesteps, (batch.shape[0],)).long()
        noisy = noise_scheduler.add_noise(batch, noise, timesteps)
        pred = model(noisy, timesteps)
        loss = nn.functional.mse_loss(pred, noise)
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step(); optimizer.zero_grad()
        losses.append(loss.detach().item())
    print(f"epoch {epoch}: {np.mean(losses):.5f}")
model.eval()
sample = torch.randn(8, 2)
for t in reversed(range(len(noise_scheduler))):
    tt = torch.from_numpy(np.repeat(t, 8)).long()
    with torch.no_grad(): residual = model(sample, tt)
    sample = noise_scheduler.step(residual, tt[0], sample)
print(sample)
