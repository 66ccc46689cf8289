"""A GRU and an LSTM that learn the next character of a text."""

import torch
from torch import nn

text = "the quick brown fox jumps over the lazy dog. " * 4
chars = sorted(set(text))
index = {c: i for i, c in enumerate(chars)}
data = torch.tensor([index[c] for c in text])


class CharRNN(nn.Module):
    def __init__(self, kind, vocabulary, hidden=32):
        super().__init__()
        self.embed = nn.Embedding(vocabulary, 16)
        self.rnn = getattr(nn, kind)(16, hidden, batch_first=True)
        self.head = nn.Linear(hidden, vocabulary)

    def forward(self, x, state=None):
        out, state = self.rnn(self.embed(x), state)
        return self.head(out), state


def sample(model, start, length):
    model.eval()
    x, state, out = torch.tensor([[index[start]]]), None, start
    with torch.no_grad():
        for _ in range(length):
            logits, state = model(x, state)
            x = logits[:, -1].argmax(-1, keepdim=True)
            out += chars[x.item()]
    return out


for kind in ("GRU", "LSTM"):
    torch.manual_seed(0)
    model = CharRNN(kind, len(chars))
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for step in range(61):
        starts = torch.randint(0, len(data) - 21, (8,))
        x = torch.stack([data[s : s + 20] for s in starts])
        y = torch.stack([data[s + 1 : s + 21] for s in starts])
        logits, _ = model(x)
        loss = nn.functional.cross_entropy(logits.reshape(-1, len(chars)), y.reshape(-1))
        optimizer.zero_grad()
        loss.backward()
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        if step % 20 == 0:
            print(f"{kind} step {step}: {loss.item():.2f}")
    print(sample(model, "t", 20))
