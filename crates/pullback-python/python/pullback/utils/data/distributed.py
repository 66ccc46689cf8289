"""A share of a dataset's places for each of several runs."""

import math

from ... import Generator, randperm
from .sampler import Sampler


class DistributedSampler(Sampler):
    """Every `num_replicas`-th place from `rank` on, of all places or of a permutation that `seed` and `set_epoch` decide."""

    def __init__(self, dataset, num_replicas=None, rank=None, shuffle=True, seed=0, drop_last=False):
        if num_replicas is None or rank is None:
            raise RuntimeError("Requires distributed package to be available")
        if rank >= num_replicas or rank < 0:
            raise ValueError(f"Invalid rank {rank}, rank should be in the interval [0, {num_replicas - 1}]")
        self.dataset, self.num_replicas, self.rank, self.epoch, self.drop_last, self.shuffle, self.seed = dataset, num_replicas, rank, 0, drop_last, shuffle, seed
        n = len(dataset)
        self.num_samples = math.ceil((n - num_replicas) / num_replicas) if drop_last and n % num_replicas else math.ceil(n / num_replicas)
        self.total_size = self.num_samples * num_replicas

    def __iter__(self):
        n = len(self.dataset)
        places = randperm(n, generator=Generator().manual_seed(self.seed + self.epoch)).tolist() if self.shuffle else list(range(n))
        if not self.drop_last:
            more = self.total_size - len(places)
            places += (places * math.ceil(more / len(places)))[:more] if places else []
        return iter(places[: self.total_size][self.rank : self.total_size : self.num_replicas])

    def __len__(self):
        return self.num_samples

    def set_epoch(self, epoch):
        """The permutation of another epoch."""
        self.epoch = epoch
