"""Deep Q learning on a tiny grid, with a replay memory and a target network."""

import copy
import random
from collections import deque

import torch
import torch.nn as nn
import torch.nn.functional as F

SIZE = 4


def move(state, action):
    y, x = divmod(state, SIZE)
    dy, dx = ((-1, 0), (1, 0), (0, -1), (0, 1))[action]
    y, x = min(max(y + dy, 0), SIZE - 1), min(max(x + dx, 0), SIZE - 1)
    state = y * SIZE + x
    return state, (1.0 if state == SIZE * SIZE - 1 else -0.04), state == SIZE * SIZE - 1


random.seed(0)
torch.manual_seed(0)
q = nn.Sequential(nn.Linear(SIZE * SIZE, 32), nn.ReLU(), nn.Linear(32, 4))
target = copy.deepcopy(q).requires_grad_(False)
optimizer = torch.optim.AdamW(q.parameters(), lr=5e-3)
memory, steps, history = deque(maxlen=500), 0, []
hot = torch.eye(SIZE * SIZE)
for episode in range(60):
    state, length = 0, 0
    while length < 30:
        if random.random() < max(0.05, 1 - episode / 30):
            action = random.randrange(4)
        else:
            with torch.no_grad():
                action = q(hot[state]).argmax().item()
        new, reward, done = move(state, action)
        memory.append((state, action, reward, new, float(done)))
        state, length, steps = new, length + 1, steps + 1
        if len(memory) >= 32:
            s, a, r, n, d = (torch.tensor(column) for column in zip(*random.sample(list(memory), 32)))
            with torch.no_grad():
                want = r + 0.95 * (1 - d) * target(hot[n]).max(1).values
            got = q(hot[s]).gather(1, a.unsqueeze(1)).squeeze(1)
            loss = F.smooth_l1_loss(got, want)
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        if steps % 50 == 0:
            target.load_state_dict(q.state_dict())
        if done:
            break
    history.append(length)
print("mean lengths", [round(sum(history[i : i + 20]) / 20, 1) for i in (0, 20, 40)])
state, path = 0, [0]
for _ in range(8):
    state, _, done = move(state, q(hot[state]).argmax().item())
    path.append(state)
    if done:
        break
print("steps of the best path", len(path) - 1)
