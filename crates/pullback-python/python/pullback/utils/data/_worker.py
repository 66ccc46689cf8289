"""Worker processes of a `DataLoader`: what one does, and who hands out the work and puts the batches in order."""

import itertools
import time

from ..._native import rows_together
from .collate import default_collate
from .dataset import IterableDataset, Subset, TensorDataset

_INFO = None


class WorkerInfo:
    """What a worker knows of itself: `id`, `num_workers`, `seed`, and its copy of the `dataset`."""

    def __init__(self, **values):
        self.__dict__.update(values)

    def __repr__(self):
        return f"WorkerInfo({', '.join(f'{k}={v}' for k, v in self.__dict__.items())})"


def get_worker_info():
    """In a worker, what it knows of itself; elsewhere None."""
    return _INFO


def _batch_of_rows(dataset, indices):
    """The batch that `default_collate` makes of the items of tensors, by one index for each tensor; None where that is not sure to be the same."""
    while type(dataset) is Subset:
        dataset, indices = dataset.dataset, [dataset.indices[i] for i in indices]
    return rows_together(dataset.tensors, indices) if type(dataset) is TensorDataset else None


def fetcher(dataset, batched, collate, drop_last):
    """A function from an index, or a list of them, to a batch."""
    if isinstance(dataset, IterableDataset):
        items = iter(dataset)
        ended = False

        def of_stream(indices):
            nonlocal ended
            if ended:
                raise StopIteration
            if not batched:
                return collate(next(items))
            found = list(itertools.islice(items, len(indices)))
            ended = len(found) < len(indices)
            if not found or (drop_last and ended):
                raise StopIteration
            return collate(found)

        return of_stream

    def of_map(indices):
        if not batched:
            return collate(dataset[indices])
        if collate is default_collate and (rows := _batch_of_rows(dataset, indices)) is not None:
            return rows
        if callable(getattr(dataset, "__getitems__", None)):
            return collate(dataset.__getitems__(indices))
        return collate([dataset[i] for i in indices])

    return of_map


class Failure:
    """An exception of a worker, to be raised where the batch is asked for."""

    def __init__(self, error, worker):
        self.kind, self.worker = type(error), worker
        import traceback

        self.text = "".join(traceback.format_exception(error))

    def reraise(self):
        """Raises it with its own type where that takes a message."""
        message = f"Caught {self.kind.__name__} in DataLoader worker process {self.worker}.\nOriginal {self.text}"
        if self.kind is KeyError:
            raise KeyError(_Lines(message))
        try:
            error = self.kind(message)
        except Exception:
            raise RuntimeError(message) from None
        raise error


class _Lines(str):
    """A message that KeyError prints with its lines."""

    def __repr__(self):
        return str(self)


class _Ended:
    """An iterable dataset has no more."""


def work(loader, worker, base, indices, results):
    """What a worker process does until it is told None."""
    global _INFO
    from ... import manual_seed, set_num_threads

    seed = base + worker
    set_num_threads(1)
    import random

    random.seed(seed)
    manual_seed(seed)
    try:
        import numpy

        numpy.random.seed(numpy.random.SeedSequence([worker, base % 2**32, base >> 32, 0]).generate_state(4))
    except ImportError:
        pass
    dataset = loader["dataset"]
    _INFO = WorkerInfo(id=worker, num_workers=loader["num_workers"], seed=seed, dataset=dataset)
    failed, fetch = None, None
    try:
        if loader["worker_init_fn"] is not None:
            loader["worker_init_fn"](worker)
    except Exception as e:
        failed = Failure(e, worker)
    while (task := indices.get()) is not None:
        round_, number, index = task
        if index is _RESTART:
            fetch = None
            continue
        try:
            if failed is not None:
                out, failed = failed, None
            else:
                fetch = fetch or fetcher(dataset, loader["batched"], loader["collate_fn"], loader["drop_last"])
                out = fetch(index)
        except StopIteration:
            out = _Ended()
        except Exception as e:
            out = Failure(e, worker)
        results.put((round_, number, worker, out))


_RESTART = "restart"


class Parallel:
    """One round over worker processes, with batches in the order of the sampler."""

    def __init__(self, loader):
        from .dataloader import base_seed

        self._loader = loader
        context = loader.multiprocessing_context
        if context is None or isinstance(context, str):
            import multiprocessing

            context = multiprocessing.get_context(context or "fork")
        self._results = context.Queue()
        given = {
            "dataset": loader.dataset, "num_workers": loader.num_workers, "worker_init_fn": loader.worker_init_fn, "batched": loader._auto_collation,
            "collate_fn": loader.collate_fn, "drop_last": loader.drop_last,
        }  # fmt: skip
        self._round = 0
        self._begin()
        self._base_seed = base_seed(loader)
        self._queues, self._workers = [], []
        for i in range(loader.num_workers):
            own = context.Queue()
            own.cancel_join_thread()
            process = context.Process(target=work, args=(given, i, self._base_seed, own, self._results), daemon=True)
            process.start()
            self._queues.append(own)
            self._workers.append(process)
        self._fill()

    def _begin(self):
        self._indices = iter(self._loader._index_sampler)
        self._sent = self._next = 0
        self._ready, self._owner = {}, {}
        self._alive = [True] * self._loader.num_workers
        self._turn = itertools.cycle(range(self._loader.num_workers))

    def restart(self):
        """Begins another round with the same workers."""
        self._round += 1
        self._begin()
        for own in self._queues:
            own.put((self._round, None, _RESTART))
        self._fill()

    def _fill(self):
        for _ in range(self._loader.prefetch_factor * self._loader.num_workers):
            self._send()

    def _send(self):
        worker = next((w for w in itertools.islice(self._turn, len(self._alive)) if self._alive[w]), None)
        if worker is None:
            return
        try:
            index = next(self._indices)
        except StopIteration:
            return
        self._owner[self._sent] = worker
        self._queues[worker].put((self._round, self._sent, index))
        self._sent += 1

    def __iter__(self):
        return self

    def __len__(self):
        return len(self._loader)

    def __next__(self):
        while True:
            while self._next < self._sent and self._next not in self._ready and not self._alive[self._owner[self._next]]:
                self._next += 1  # asked of a worker whose dataset had ended
            if self._next >= self._sent:
                if not self._loader.persistent_workers:
                    self.close()
                raise StopIteration
            if self._next not in self._ready:
                self._receive()
                continue
            out = self._ready.pop(self._next)
            self._next += 1
            if isinstance(out, _Ended):
                continue
            self._send()
            if isinstance(out, Failure):
                out.reraise()
            return out

    def _receive(self):
        from queue import Empty

        waited = time.monotonic()
        while True:
            try:
                round_, number, worker, out = self._results.get(timeout=0.5)
            except Empty:
                dead = [w.pid for w in self._workers if not w.is_alive()]
                if dead:
                    self.close()
                    raise RuntimeError(f"DataLoader worker (pid(s) {', '.join(map(str, dead))}) exited unexpectedly") from None
                if self._loader.timeout and time.monotonic() - waited > self._loader.timeout:
                    self.close()
                    raise RuntimeError(f"DataLoader timed out after {self._loader.timeout} seconds") from None
                continue
            if round_ != self._round:
                continue
            if isinstance(out, _Ended):
                self._alive[worker] = False
                self._send()
            self._ready[number] = out
            return

    def close(self):
        """Ends the workers."""
        for own in self._queues:
            own.put(None)
        for process in self._workers:
            process.join(timeout=2)
            if process.is_alive():
                process.kill()
                process.join()
        self._alive = [False] * len(self._workers)
        self._workers, self._queues = [], []

    def __del__(self):
        try:
            for process in self._workers:
                process.kill()
        except Exception:
            pass
