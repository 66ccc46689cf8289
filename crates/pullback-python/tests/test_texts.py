"""What is said: PyTorch's warnings about sizes of targets, and help in Python's words and not in Rust's."""

import re
import warnings

import numpy as np
import pytest

import pullback as torch
import pullback.nn.functional as F

LOSSES = [F.mse_loss, F.l1_loss, F.smooth_l1_loss, F.huber_loss]


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
@pytest.mark.parametrize("by_name", [False, True])
def test_a_target_of_another_size_is_broadcast_with_a_warning(loss, by_name):
    x, y = torch.arange(3.0).reshape(3, 1), torch.arange(3.0)
    with pytest.warns(UserWarning) as seen:
        found = loss(input=x, target=y, reduction="sum") if by_name else loss(x, y, reduction="sum")
    assert [str(w.message) for w in seen] == [
        "Using a target size (torch.Size([3])) that is different to the input size (torch.Size([3, 1])). "
        "This will likely lead to incorrect results due to broadcasting. Please ensure they have the same size."
    ]
    assert seen[0].filename == __file__  # the caller's line, as PyTorch's stacklevel=2
    same = loss(*(t.contiguous() for t in torch.broadcast_tensors(x, y)), reduction="sum")
    assert found.item() == same.item()


@pytest.mark.parametrize("loss", LOSSES, ids=lambda f: f.__name__)
def test_equal_sizes_are_quiet_and_warnings_may_be_errors(loss):
    x = torch.arange(3.0)
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        loss(x, x + 1)
        with pytest.raises(UserWarning):
            loss(x, x[:1])


def mistakes():
    w = torch.ones(2, requires_grad=True)
    ints = torch.arange(2)
    double = torch.from_numpy(np.ones((2, 2)))
    once = w.exp().sum()
    once.backward()
    stale = w.exp()
    used = stale * stale
    stale.add_(1.0)
    inference = torch.ones(2)
    return {
        "float64": lambda: torch.ones(2, 2) @ double,
        "ints": lambda: ints.mean(),
        "in place": lambda: ints.add_(0.5),
        "leaf": lambda: w.add_(1.0),
        "ints require none": lambda: ints.requires_grad_(),
        "twice": lambda: once.backward(),
        "no scalar": lambda: w.exp().backward(),
        "no history": lambda: torch.ones(1).backward(),
        "stale": lambda: used.sum().backward(),
        "expanded": lambda: torch.ones(1).expand(3).add_(1),
        "index": lambda: torch.ones(2)[torch.ones(1)],
        "many": lambda: torch.ones(2).item(),
        "shapes": lambda: torch.ones(2) + torch.ones(3),
        "classes": lambda: F.cross_entropy(torch.ones(2, 3), torch.tensor([0, 7])),
        "floats as classes": lambda: F.nll_loss(torch.ones(2, 3), torch.ones(2)),
        "binary": lambda: F.binary_cross_entropy(inference, torch.ones(2, 1)),
        "zero": lambda: ints // 0,
    }


@pytest.mark.parametrize("name", list(mistakes()))
def test_help_is_pythons(name):
    with pytest.raises(Exception) as caught:
        mistakes()[name]()
    text = str(caught.value)
    code = re.findall(r"`([^`]*)`", "\n".join(text.split("\n")[1:]))
    for rust in ["?", "::", "DType", "&", "true", "Some(", ".copy()", "Default"]:
        assert not any(rust in c for c in code), text
    assert "op: " not in text and ".rs:" not in text
