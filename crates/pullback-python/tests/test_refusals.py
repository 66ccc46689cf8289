"""What is said of arguments of wrong types, over all functions: the name that was called, positions that leave a method's own tensor out,
and Python's and NumPy's names of types. The sentences are PyTorch's; `test_against_torch.py` asks it where it is installed."""

import numpy as np
import pytest

import pullback as torch
from pullback import _native

LISTED = [(place, name, overloads[0][0]) for place, name, overloads in _native.signatures() if len(overloads) == 1]
# Python writes these over the list's, with arguments of their own.
OTHERWISE = {"norm", "unique", "unique_consecutive", "stft", "istft"}


def seconds():
    """Functions whose second argument is a tensor and nothing else."""
    for place, name, parameters in LISTED:
        if place in ("torch", "Tensor") and len(parameters) > 1 and name not in OTHERWISE:
            _, kind, optional, variadic, keyword_only, _ = parameters[1]
            builtin = getattr(torch if place == "torch" else torch.Tensor, name)
            if kind == "Tensor" and parameters[0][1] == "Tensor" and not (optional or variadic or keyword_only) and type(builtin).__name__ == "builtin_function":
                yield place, name, parameters[1][0]


FOUND = list(seconds())


def test_there_are_many():
    assert len(FOUND) > 120 and sum(name.endswith("_") for _, name, _ in FOUND) > 30


@pytest.mark.parametrize(("place", "name", "parameter"), FOUND, ids=[f"{p}.{n}" for p, n, _ in FOUND])
def test_a_wrong_second_argument(place, name, parameter):
    x = torch.ones(2)
    for wrong, said in ((np.float64(2.5), "numpy.float64"), (np.int64(2), "numpy.int64"), (np.bool_(True), type(np.bool_(True)).__name__), ("a", "str"), ({}, "dict"), ((1, 2), "tuple")):
        said = f"numpy.{said}" if isinstance(wrong, np.bool_) else said
        with pytest.raises(TypeError) as caught:
            getattr(x, name)(wrong) if place == "Tensor" else getattr(torch, name)(x, wrong)
        position = 1 if place == "Tensor" else 2
        wanted = f"{name}(): argument '{parameter}' (position {position}) must be Tensor, not {said}"
        assert str(caught.value).split("\n")[0] == wanted


@pytest.mark.parametrize(
    ("call", "said"),
    [
        (lambda x: x.cumsum((0,)), "cumsum(): argument 'dim' (position 1) must be int, not tuple"),
        (lambda x: torch.cumsum(x, [0]), "cumsum(): argument 'dim' (position 2) must be int, not list"),
        (lambda x: x.cumsum(dim=2.5), "cumsum(): argument 'dim' must be int, not float"),
        (lambda x: x.cumsum(dim=np.float32(2)), "cumsum(): argument 'dim' must be int, not numpy.float32"),
        (lambda x: x.median((0,)), "median(): argument 'dim' (position 1) must be int, not tuple"),
        (lambda x: x.median(None), "median(): argument 'dim' (position 1) must be int, not NoneType"),
        (lambda x: x.renorm(2, 0, 1.0, 5), "renorm() takes 3 positional arguments but 4 were given"),
        (lambda x: x.aminmax(0), "aminmax() takes 0 positional arguments but 1 was given"),
        (lambda x: torch.sin(x, x), "sin() takes 1 positional argument but 2 were given"),
        (lambda x: x.polygamma_(), 'polygamma_() missing 1 required positional arguments: "n"'),
        (lambda x: torch.sin(nn=x), "sin() got an unexpected keyword argument 'nn'"),
        (lambda x: torch.greater(2, x), "greater(): argument 'input' (position 1) must be Tensor, not int"),
        (lambda x: torch.sin(torch.Size([2])), "sin(): argument 'input' (position 1) must be Tensor, not torch.Size"),
        (lambda x: torch.sin(torch.float32), "sin(): argument 'input' (position 1) must be Tensor, not torch.dtype"),
        (lambda x: torch.sin(object()), "sin(): argument 'input' (position 1) must be Tensor, not object"),
    ],
)
def test_sentences(call, said):
    with pytest.raises(TypeError) as caught:
        call(torch.ones(2))
    assert str(caught.value).split("\n")[0] == said


def test_what_a_function_says_itself_stays():
    with pytest.raises(TypeError, match="expected Tensor as element 1 in argument 0, but got int"):
        torch.cat([torch.ones(1), 2])
    with pytest.raises(RuntimeError, match="The size of tensor a"):
        torch.ones(2).add_(torch.ones(3))


def test_truth_values_are_not_subtracted_from():
    for call in (lambda x: True - x, lambda x: torch.sub(True, x), lambda x: torch.subtract(False, x)):
        for dtype in (torch.float32, torch.int64, torch.uint8):
            with pytest.raises(NotImplementedError, match="with a bool tensor is not supported"):
                call(torch.ones(2, dtype=dtype))
    assert (torch.ones(2) - True).tolist() == [0.0, 0.0]


def test_one_element_alone_is_a_number():
    for kind in (float, int):
        for t in (torch.ones(3), torch.ones(0), torch.ones(2, 1, dtype=torch.int64)):
            with pytest.raises(ValueError, match="only one element tensors can be converted to Python scalars"):
                kind(t)
