"""PyTorch's orders of samples, as constants for tests/data.

    python crates/pullback/tests/golden/make_loader.py
"""

import pathlib

import torch
from torch.utils.data import DataLoader, RandomSampler, SubsetRandomSampler, WeightedRandomSampler, random_split

torch.manual_seed(3)
loader = DataLoader(range(7), batch_size=3, shuffle=True)
first, second = ([b.tolist() for b in loader] for _ in range(2))
after = torch.randint(1000, (1,)).item()
torch.manual_seed(3)
list(DataLoader(range(5), batch_size=2, drop_last=True))
sequential = torch.randint(1000, (1,)).item()
own = []
for n, batch in (7, 3), (6, 3), (4, 1):
    g = torch.Generator().manual_seed(3)
    loader = DataLoader(range(n), batch_size=batch, shuffle=True, generator=g)
    epochs = [[i for b in loader for i in b.tolist()] for _ in range(2)]
    own.append((n, batch, *epochs))
g = lambda: torch.Generator().manual_seed(3)
rows = lambda batches: "[" + ", ".join(f"&{b}" for b in batches) + "]"
out = ["// Written by make_loader.py.", ""]
out.append(f"const GLOBAL_FIRST: [&[i64]; {len(first)}] = {rows(first)};")
out.append(f"const GLOBAL_SECOND: [&[i64]; {len(second)}] = {rows(second)};")
out.append(f"const GLOBAL_AFTER: i64 = {after};")
out.append(f"const SEQUENTIAL_AFTER: i64 = {sequential};")
out.append(f"const OWN: [(usize, usize, &[i64], &[i64]); {len(own)}] = [" + ", ".join(f"({n}, {b}, &{x}, &{y})" for n, b, x, y in own) + "];")
for name, sampler in (
    ("RANDOM_MORE", RandomSampler(range(4), num_samples=6, generator=g())),
    ("RANDOM_AGAIN", RandomSampler(range(4), replacement=True, num_samples=6, generator=g())),
    ("SUBSET", SubsetRandomSampler([5, 7, 9, 11], generator=g())),
    ("WEIGHTED", WeightedRandomSampler([0.1, 0.7, 0.2], 6, generator=g())),
):
    order = list(sampler)
    out.append(f"const {name}: [usize; {len(order)}] = {order};")
split = [list(p.indices) for p in random_split(range(7), [0.5, 0.3, 0.2], generator=g())]
out.append(f"const SPLIT: [&[usize]; {len(split)}] = {rows(split)};")
pathlib.Path(__file__).with_name("loader.rs").write_text("\n".join(out) + "\n")
