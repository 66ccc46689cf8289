"""Python's `multiprocessing` under PyTorch's name. Tensors are copied on their way between processes; memory is not shared."""

from multiprocessing import *  # noqa: F403
from multiprocessing import get_context


def get_all_sharing_strategies():
    """None: memory is not shared."""
    return set()


def get_sharing_strategy():
    """How tensors go between processes: as copies."""
    return "copy"


def set_sharing_strategy(new_strategy):
    """Nothing to do: tensors are copied."""


def spawn(fn, args=(), nprocs=1, join=True, daemon=False, start_method="spawn"):
    """Runs `fn(i, *args)` in `nprocs` processes; an error where one of them fails."""
    made = [get_context(start_method).Process(target=fn, args=(i, *args), daemon=daemon) for i in range(nprocs)]
    for process in made:
        process.start()
    if not join:
        return made
    for process in made:
        process.join()
    failed = [i for i, process in enumerate(made) if process.exitcode]
    if failed:
        raise RuntimeError(f"process {failed[0]} terminated with exit code {made[failed[0]].exitcode}")
    return None

