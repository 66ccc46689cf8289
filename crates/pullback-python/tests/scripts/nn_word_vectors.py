"""Word vectors by skip-grams with negative samples."""

from collections import Counter

import torch
import torch.nn as nn
import torch.nn.functional as F

corpus = ("king rules land . queen rules land . man works field . woman works field . king loves queen . man loves woman . " * 3).split()
count = Counter(corpus)
words = sorted(count)
index = {w: i for i, w in enumerate(words)}
pairs = [(index[corpus[i]], index[corpus[j]]) for i in range(len(corpus)) for j in range(max(0, i - 2), min(len(corpus), i + 3)) if i != j]
weights = torch.tensor([count[w] ** 0.75 for w in words])


class SkipGram(nn.Module):
    def __init__(self, n, width):
        super().__init__()
        self.center, self.context = nn.Embedding(n, width), nn.Embedding(n, width)
        nn.init.uniform_(self.center.weight, -0.5 / width, 0.5 / width)
        nn.init.zeros_(self.context.weight)

    def forward(self, c, o, negative):
        v = self.center(c)
        good = F.logsigmoid((v * self.context(o)).sum(-1))
        bad = F.logsigmoid(-torch.bmm(self.context(negative), v.unsqueeze(2)).squeeze(2)).sum(1)
        return -(good + bad).mean()


torch.manual_seed(0)
model = SkipGram(len(words), 8)
optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
c, o = (torch.tensor(side) for side in zip(*pairs))
for epoch in range(31):
    negative = torch.multinomial(weights, len(c) * 3, replacement=True).view(-1, 3)
    loss = model(c, o, negative)
    optimizer.zero_grad()
    loss.backward()
    optimizer.step()
    if epoch % 10 == 0:
        print(f"epoch {epoch} loss {loss.item():.3f}")
vectors = F.normalize(model.center.weight.detach(), dim=1)
for word in ("king", "field"):
    near = (vectors @ vectors[index[word]]).topk(3).indices.tolist()
    print(word, [words[i] for i in near][:2])
