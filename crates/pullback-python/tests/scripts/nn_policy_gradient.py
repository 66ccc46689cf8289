"""REINFORCE with a baseline on a corridor: Categorical, returns, entropy."""

import torch
from torch import nn
from torch.distributions import Categorical

LENGTH = 6


def rollout(policy):
    place, log_probs, entropies, rewards = 0, [], [], []
    for _ in range(20):
        state = nn.functional.one_hot(torch.tensor(place), LENGTH).float()
        law = Categorical(logits=policy(state))
        action = law.sample()
        log_probs.append(law.log_prob(action))
        entropies.append(law.entropy())
        place = max(0, place - 1) if action.item() == 0 else place + 1
        done = place == LENGTH - 1
        rewards.append(10.0 if done else -1.0)
        if done:
            break
    return torch.stack(log_probs), torch.stack(entropies), rewards


torch.manual_seed(2)
policy = nn.Sequential(nn.Linear(LENGTH, 16), nn.ReLU(), nn.Linear(16, 2))
optimizer = torch.optim.Adam(policy.parameters(), lr=0.01)
baseline, lengths = 0.0, []
for episode in range(120):
    log_probs, entropies, rewards = rollout(policy)
    returns, total = [], 0.0
    for r in reversed(rewards):
        total = r + 0.95 * total
        returns.insert(0, total)
    returns = torch.tensor(returns)
    baseline = 0.9 * baseline + 0.1 * returns.mean().item()
    loss = -(log_probs * (returns - baseline)).sum() - 0.01 * entropies.sum()
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    lengths.append(len(rewards))
    if (episode + 1) % 30 == 0:
        print(f"episode {episode + 1}: mean length {sum(lengths[-30:]) / 30:.2f}, baseline {baseline:.2f}")
