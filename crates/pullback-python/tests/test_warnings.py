"""What PyTorch warns of is warned of, by category and text, and nothing else is: the calls are in `golden/warned.py`."""

import importlib.util
import json
from pathlib import Path
from types import SimpleNamespace

import pytest

import pullback as torch
import pullback.optim.swa_utils
import pullback.utils.checkpoint  # noqa: F401
import pullback.utils.data  # noqa: F401

HERE = Path(__file__).parent / "golden"
_spec = importlib.util.spec_from_file_location("warned", HERE / "warned.py")
warned = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(warned)
EXPECTED = json.loads((HERE / "warnings.json").read_text())


@pytest.mark.parametrize("call", warned.CALLS)
def test_a_call_says_what_it_says_in_pytorch(call):
    assert warned.heard(torch, call) == EXPECTED[call]


def test_the_length_of_a_stream_counts_once_somebody_asked():
    class Stream(torch.utils.data.IterableDataset):
        def __iter__(self):
            return iter(range(3))

        def __len__(self):
            return 2

    def told(then):
        return warned.heard(SimpleNamespace(nn=torch.nn, set_warn_always=torch.set_warn_always, loader=torch.utils.data.DataLoader(Stream(), batch_size=1)), "loader = torch.loader; " + then)

    assert told("[b for b in loader]") == []
    (said,) = told("len(loader); [b for b in loader]")
    assert "was reported to be 2(when accessing len(dataloader)), but 3 samples have been fetched." in said[1]


def test_more_workers_than_processors():
    (said,) = warned.heard(torch, "torch.utils.data.DataLoader([1, 2, 3], num_workers=4096)")
    assert said[1].startswith("This DataLoader will create 4096 worker processes in total. Our suggested max number of worker in current system is ")


def test_states_of_schedules_have_pytorchs_order():
    made = torch.optim.SGD([torch.ones(1, requires_grad=True)], 0.1, momentum=0.9)
    plateau = torch.optim.lr_scheduler.ReduceLROnPlateau(made)
    assert list(plateau.state_dict()) == (
        "factor default_min_lr min_lrs patience cooldown eps last_epoch _last_lr mode_worse mode threshold threshold_mode best cooldown_counter num_bad_epochs".split()
    )
    torch.optim.lr_scheduler.CyclicLR(made, 0.1, 0.2)
    assert made.param_groups[0]["max_momentum"] == 0.9 and made.param_groups[0]["base_momentum"] == 0.8
    one = torch.optim.lr_scheduler.OneCycleLR(made, 0.5, total_steps=9)
    assert [type(p["end_step"]) for p in one.state_dict()["_schedule_phases"]] == [float, int]


def test_classes_that_programs_print():
    assert str(torch.Size) == "<class 'torch.Size'>" and str(torch.device) == "<class 'torch.device'>"
    assert str(torch.nn.Parameter) == "<class 'torch.nn.parameter.Parameter'>"

    class Mine(torch.nn.Parameter):
        pass

    assert "Mine" in str(Mine)


def test_products_by_the_name_for_sparse_matrices():
    a, b = torch.arange(4.0).view(2, 2), torch.ones(2, 2)
    assert torch.equal(torch.spmm(a, b), a @ b)
