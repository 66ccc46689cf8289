"""Knowledge distillation: a small network learns a large one's soft answers."""

import torch
import torch.nn as nn
import torch.nn.functional as F

torch.manual_seed(0)
x = torch.randn(200, 6)
y = ((x[:, 0] * x[:, 1] > 0).long() + (x[:, 2] > 0.5).long())


def train(model, loss_of, steps, lr):
    optimizer = torch.optim.SGD(model.parameters(), lr=lr, momentum=0.9, nesterov=True)
    for _ in range(steps):
        optimizer.zero_grad()
        loss = loss_of(model(x))
        loss.backward()
        optimizer.step()
    return loss.item(), (model(x).argmax(1) == y).float().mean().item()


teacher = nn.Sequential(nn.Linear(6, 64), nn.ReLU(), nn.Linear(64, 64), nn.ReLU(), nn.Linear(64, 3))
loss, accuracy = train(teacher, lambda logits: nn.CrossEntropyLoss(label_smoothing=0.05)(logits, y), 60, 0.05)
print(f"teacher: loss {loss:.2f} accuracy {accuracy:.2f}")
teacher.eval().requires_grad_(False)
soft = F.softmax(teacher(x) / 3.0, dim=1)


def distilled(logits):
    hard = F.cross_entropy(logits, y)
    return 0.3 * hard + 0.7 * 9.0 * F.kl_div(F.log_softmax(logits / 3.0, dim=1), soft, reduction="batchmean")


for name, criterion in (("alone", lambda logits: F.cross_entropy(logits, y)), ("distilled", distilled)):
    torch.manual_seed(1)
    student = nn.Sequential(nn.Linear(6, 8), nn.ReLU(), nn.Linear(8, 3))
    loss, accuracy = train(student, criterion, 40, 0.05)
    print(f"student {name}: loss {loss:.2f} accuracy {accuracy:.2f}")
print(all(p.grad is None or not p.requires_grad for p in teacher.parameters()))
