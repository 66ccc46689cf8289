"""The files that the library's own reader of `.pt` is tested on (`crates/pullback/tests/golden/pt`, `crates/pullback/tests/io`): this package has a reader
of its own, and both give the same tensors of what PyTorch wrote, and errors for the rest.

Two differences are meant, and held here: the library reads the tensors of a whole module without its classes, and no files of big-endian machines.
"""

import json
import pickle
import time
from pathlib import Path

import pytest

import pullback as torch

FILES = Path(__file__).resolve().parents[2] / "pullback" / "tests" / "golden" / "pt"
EXPECTED = json.loads((FILES / "expected.json").read_text())
STATES = [name for name in EXPECTED if not name.startswith("module")]
ERRORS = (pickle.UnpicklingError, EOFError, RuntimeError, ValueError, TypeError)


def flat(x, name=""):
    """Tensors by the names that the library gives them."""
    if isinstance(x, torch.Tensor):
        return {name: x}
    pairs = x.items() if isinstance(x, dict) else enumerate(x) if isinstance(x, (list, tuple)) else ()
    return {k: v for key, y in pairs for k, v in flat(y, f"{name}.{key}" if name else str(key)).items()}


@pytest.mark.parametrize("mapped", [False, True])
@pytest.mark.parametrize("name", STATES)
def test_tensors_are_those_of_the_other_reader(name, mapped):
    if mapped and name.endswith("legacy"):
        pytest.skip("only archives are mapped into memory")
    found, wanted = flat(torch.load(FILES / f"{name}.pt", mmap=mapped)), EXPECTED[name]
    assert list(found) == list(wanted)
    for key, t in found.items():
        want = wanted[key]
        assert str(t.dtype) == f"torch.{want['dtype']}" and list(t.shape) == want["shape"] and list(t.stride()) == want["strides"], key
        assert t.requires_grad == want["grad"] and [float(v) for v in t.flatten().tolist()] == [float(v) for v in want["values"]], key


def test_views_stay_views():
    for name in ("views", "views_legacy"):
        found = torch.load(FILES / f"{name}.pt")
        assert found["base"] is found["same"]
        found["row"].fill_(-1.0)
        assert found["turned"].flatten()[7] == -1.0


def test_what_the_library_wrote():
    found = torch.load(FILES / "written.pt")
    assert found["tensors"]["same"] is found["tensors"]["base"] and found["large"] == 2**70 and found["dtype"] is torch.float16


@pytest.mark.parametrize("name", ["refused_compressed.pt", "refused_script.pt", "expected.json", "module.pt", "module_legacy.pt"])
def test_what_is_refused(name):
    with pytest.raises(ERRORS):
        torch.load(FILES / name)


def test_files_of_other_machines_are_turned_round():
    assert torch.load(FILES / "refused_big.pt")[0].view(torch.uint8).tolist() == [0, 0, 0x80, 0x3F][::-1] * 2


@pytest.mark.parametrize("name", ["list", "nested_legacy", "views_legacy"])
def test_every_beginning_is_an_error(name, tmp_path):
    data, begin = (FILES / f"{name}.pt").read_bytes(), time.monotonic()
    for end in range(0, len(data), 7):
        (tmp_path / "cut.pt").write_bytes(data[:end])
        with pytest.raises(ERRORS):
            torch.load(tmp_path / "cut.pt")
    assert time.monotonic() - begin < 60
