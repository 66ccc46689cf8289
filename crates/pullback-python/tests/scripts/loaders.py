"""Datasets, samplers, loaders with workers, collation, and what wrong arguments are told."""

import torch
from torch.utils.data import *  # noqa: F403

torch.manual_seed(0)
ds = TensorDataset(torch.arange(10).float().unsqueeze(1), torch.arange(10))
dl = DataLoader(ds, batch_size=4, shuffle=True, drop_last=True)
for ep in range(2):
    for x, y in dl:
        print(ep, x.squeeze(1).tolist(), y)
tr, va = random_split(ds, [7, 3], generator=torch.Generator().manual_seed(1))
print(len(tr), va.indices, tr[0])
tr, va, te = random_split(ds, [0.5, 0.3, 0.2])
print(len(tr), len(va), len(te))


def collate(b):
    xs, ys = zip(*b)
    return {"x": torch.nn.utils.rnn.pad_sequence(xs, batch_first=True), "n": torch.tensor([len(x) for x in xs]), "y": ys}


var = [(torch.ones(n), str(n)) for n in (3, 1, 2)]
for b in DataLoader(var, batch_size=2, collate_fn=collate):
    print(b)


class It(IterableDataset):
    def __iter__(self):
        yield from range(5)


print(list(DataLoader(It(), batch_size=2)))
w = WeightedRandomSampler([0.1, 0.9, 0.4], 5, replacement=True)
print(list(w))
print(list(BatchSampler(SequentialSampler(range(7)), 3, False)), list(RandomSampler(range(4))))
print(list(DataLoader([{"a": 1, "b": [1.0, 2.0]}, {"a": 2, "b": [3.0, 4.0]}], batch_size=2)))
print(len(ConcatDataset([ds, ds])), ConcatDataset([ds, ds])[12], Subset(ds, [1, 3])[1], len(dl), dl.dataset is ds)
import numpy as np

print(default_collate([np.array([1, 2]), np.array([3, 4])]), default_collate([1.5, 2.5]), default_collate(["a", "b"]), default_collate([(1, torch.zeros(2)), (2, torch.ones(2))]))


class Sq(Dataset):
    def __init__(s, n):
        s.n = n

    def __len__(s):
        return s.n

    def __getitem__(s, i):
        info = get_worker_info()
        return i * i, -1 if info is None else info.id


if __name__ == "__main__":
    for b in DataLoader(Sq(6), batch_size=2, num_workers=2):
        print(b)
try:
    DataLoader(ds, batch_size=0)
except ValueError as e:
    print(e)
try:
    DataLoader(ds, shuffle=True, sampler=SequentialSampler(ds))
except ValueError as e:
    print(e)
try:
    next(iter(DataLoader([torch.zeros(2), torch.zeros(3)], batch_size=2)))
except RuntimeError as e:
    print(e)
