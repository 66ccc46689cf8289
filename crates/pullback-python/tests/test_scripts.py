"""Programs written for PyTorch print what they print with PyTorch.

The expected texts are PyTorch's own (`python script.py > script.txt`), with as few digits as agree on every machine; the seed page is
compared with all the digits it prints.
"""

from pathlib import Path

import pytest

HERE = Path(__file__).parent
SCRIPTS = sorted((HERE / "scripts").glob("*.py"))


def test_the_seed_page_with_its_import_line_changed(python, tmp_path):
    text = (HERE / "seed" / "cells.py").read_text()
    assert "\nimport torch\n" in text
    changed = tmp_path / "cells.py"
    changed.write_text(text.replace("\nimport torch\n", "\nimport pullback as torch\n"))
    assert python(changed) == (HERE / "seed" / "expected.txt").read_text()


def test_the_seed_page_as_it_is(python):
    assert python("-m", "pullback", HERE / "seed" / "cells.py") == (HERE / "seed" / "expected.txt").read_text()


@pytest.mark.parametrize("script", SCRIPTS, ids=lambda p: p.stem)
def test_a_script(python, script):
    assert python("-m", "pullback", script) == script.with_suffix(".txt").read_text()


def test_there_are_ten_at_least():
    assert len(SCRIPTS) >= 10


def test_arguments_reach_the_script(python, tmp_path):
    script = tmp_path / "args.py"
    script.write_text("import sys, torch, torch.nn.functional as F\nprint(sys.argv[1:], __name__, torch.__name__, F.relu(torch.tensor(-1.0)))\n")
    assert python("-m", "pullback", script, "a", "--b=1") == "['a', '--b=1'] __main__ pullback tensor(0.)\n"


def test_a_missing_script_and_a_failing_one(python, tmp_path):
    assert python("-m", "pullback", check=False).returncode == 2
    assert "usage" in python("-m", "pullback", "--help")
    for wrong, words in (("--foo", "there is no option '--foo'"), (tmp_path / "none.py", "there is no file")):
        done = python("-m", "pullback", wrong, check=False)
        assert done.returncode == 2 and words in done.stderr and "usage" in done.stderr and "Traceback" not in done.stderr
    script = tmp_path / "bad.py"
    script.write_text("import torch\ntorch.zeros(2) @ torch.zeros(3)\n")
    done = python("-m", "pullback", script, check=False)
    assert done.returncode == 1
    assert "bad.py" in done.stderr and "RuntimeError" in done.stderr


def test_install_as_torch_serves_submodules(python):
    program = """
import pullback
pullback.install_as_torch()
import torch, torch.nn.functional as F, torch.autograd.functional
from torch.autograd import Function, grad
from torch.func import jacrev
from torch import Tensor
assert torch is pullback and F is pullback.nn.functional and isinstance(torch.zeros(1), Tensor)
print(torch.autograd.functional.jacobian(torch.sin, torch.zeros(2)))
"""
    assert python("-c", program) == "tensor([[1., 0.],\n        [0., 1.]])\n"


def test_imports_that_find_nothing_name_what_is_nearest_and_the_line(python, tmp_path):
    script = tmp_path / "program.py"
    for text, words in (
        ("import torch\nimport torch.optimizer\n", ["No module named 'torch.optimizer'", "'torch.optim'", "program.py, line 2"]),
        ("import torch\n\nfrom torch.nn import Liner\n", ["has no attribute 'Liner'", "'Linear'", "program.py, line 3"]),
        ("from torch.nn.functional import gelo\n", ["'gelo'", "'gelu'", "program.py, line 1"]),
        ("import torch.fx.proxy\n", ["No module named 'torch.fx'", "program.py, line 1"]),
        ("import torch\ntorch.zeros(1).sofmax(0)\n", ["sofmax"]),
    ):
        script.write_text(text)
        done = python("-m", "pullback", script, check=False)
        assert done.returncode == 1 and all(w in done.stderr.splitlines()[-1] for w in words), done.stderr


def test_submodules_are_the_same_whichever_way_they_are_imported(python):
    program = """
import pullback
pullback.install_as_torch()
import torch.distributions as d, torch.utils.tensorboard, torch.nn.utils.prune as prune, torch.optim.lr_scheduler, torch.serialization, torch.cuda.amp
from torch.utils.data import DataLoader
from torch.distributions.normal import Normal
from torch.nn.parameter import UninitializedParameter
import pullback.distributions, pullback.nn.utils.prune, pullback.serialization
assert d is pullback.distributions and prune is pullback.nn.utils.prune and Normal is d.Normal and torch.serialization.load is torch.load
assert d.__name__ == "pullback.distributions" and d.__spec__.name == "pullback.distributions"
"""
    python("-c", program)


def test_a_script_imports_its_neighbours(python, tmp_path):
    (tmp_path / "neighbour.py").write_text("import torch\nx = torch.ones(2)\n")
    (tmp_path / "program.py").write_text("from neighbour import x\nprint(x)\n")
    assert python("-m", "pullback", tmp_path / "program.py", cwd="/") == "tensor([1., 1.])\n"
    assert python("-m", "pullback", "-m", "program", cwd=tmp_path) == "tensor([1., 1.])\n"


def test_classes_print_as_pytorchs_do(python):
    """Under `python -m pullback`, `print(type(x))` says what it says there; the names are PyTorch's own."""
    program = f"""
import json, sys
sys.path.insert(0, {str(HERE / "golden")!r})
import pullback
pullback.install_as_torch()
from class_names import names
want, found = json.load(open({str(HERE / "golden" / "class_names.json")!r})), names("torch")
shared = want.keys() & found.keys()
assert len(shared) > 350, len(shared)
print({{name: (found[name], want[name]) for name in sorted(shared) if found[name] != want[name]}})
import torch, pickle, copy
net = torch.nn.Sequential(torch.nn.Linear(2, 2), torch.nn.Fold(2, 1))
print(pickle.loads(pickle.dumps(net)), type(copy.deepcopy(net)[0]), torch.distributions.Normal(torch.zeros(2), 1.0).expand((3, 2)))
print(type((torch.ones(1, requires_grad=True) * 2).grad_fn), torch.utils.data.Subset([1], [0]).__class__)
"""
    assert python("-c", program).splitlines() == [
        "{}",
        "Sequential(",
        "  (0): Linear(in_features=2, out_features=2, bias=True)",
        "  (1): Fold(output_size=2, kernel_size=1, dilation=1, padding=0, stride=1)",
        ") <class 'torch.nn.modules.linear.Linear'> Normal(loc: torch.Size([3, 2]), scale: torch.Size([3, 2]))",
        "<class 'MulBackward0'> <class 'torch.utils.data.dataset.Subset'>",
    ]
