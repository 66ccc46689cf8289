"""A convolutional network on 8×8 digits: Dataset, Conv2d, BatchNorm2d, Dropout, evaluation."""

import csv
from pathlib import Path

import torch
import torch.nn as nn
import torch.nn.functional as F
from torch.utils.data import DataLoader, Dataset, random_split


class Digits(Dataset):
    def __init__(self, path):
        rows = [[float(v) for v in row] for row in csv.reader(open(path))]
        self.data = torch.tensor(rows)

    def __len__(self):
        return len(self.data)

    def __getitem__(self, i):
        return self.data[i, :-1].reshape(1, 8, 8) / 16, self.data[i, -1].long()


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.conv1 = nn.Conv2d(1, 8, 3, padding=1)
        self.bn = nn.BatchNorm2d(8)
        self.conv2 = nn.Conv2d(8, 16, 3)
        self.drop = nn.Dropout(0.1)
        self.fc = nn.Linear(16, 10)

    def forward(self, x):
        x = F.max_pool2d(F.relu(self.bn(self.conv1(x))), 2)
        x = F.relu(self.conv2(x))
        x = F.avg_pool2d(x, 2).flatten(1)
        return self.fc(self.drop(x))


torch.manual_seed(1)
train, test = random_split(Digits(Path(__file__).parent / "digits.csv"), [240, 60])
model = Net()
print(model)
optimizer = torch.optim.SGD(model.parameters(), lr=0.05, momentum=0.9, weight_decay=1e-4)
scheduler = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
for epoch in range(3):
    model.train()
    losses = []
    for x, y in DataLoader(train, batch_size=24, shuffle=True):
        optimizer.zero_grad()
        loss = F.cross_entropy(model(x), y)
        loss.backward()
        optimizer.step()
        losses.append(loss.item())
    scheduler.step()
    model.eval()
    with torch.no_grad():
        x, y = next(iter(DataLoader(test, batch_size=60)))
        logits = model(x)
        correct = (logits.argmax(1) == y).sum().item()
    print(f"epoch {epoch + 1}: train {sum(losses) / len(losses):.2f} test {F.cross_entropy(logits, y).item():.2f} lr {scheduler.get_last_lr()[0]:.4f}")
print({k: tuple(v.shape) for k, v in model.state_dict().items()})
