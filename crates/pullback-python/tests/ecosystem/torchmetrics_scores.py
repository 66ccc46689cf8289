"""torchmetrics: a metric that gathers over batches, and functions."""

import torch
import torchmetrics
from torchmetrics.classification import MulticlassAccuracy, MulticlassF1Score

torch.manual_seed(0)
accuracy, f1, error = MulticlassAccuracy(num_classes=3), MulticlassF1Score(num_classes=3), torchmetrics.MeanSquaredError()
for _ in range(3):
    logits, y = torch.randn(8, 3), torch.randint(0, 3, (8,))
    accuracy.update(logits, y)
    f1.update(logits, y)
    error.update(logits[:, 0], y.float())
print(accuracy.compute(), f1.compute(), error.compute())
print(torchmetrics.functional.mean_absolute_error(torch.ones(3), torch.zeros(3)), torchmetrics.functional.r2_score(torch.tensor([1.0, 2.0, 3.5]), torch.tensor([1.0, 2.0, 3.0])))
