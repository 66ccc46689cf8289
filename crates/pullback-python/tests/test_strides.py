"""How results lie in memory: PyTorch's strides, for every function in several layouts of its tensors and for random operands."""

import json
from pathlib import Path

import layouts
import pytest

import pullback as torch

GOLDEN = json.loads((Path(__file__).parent / "golden" / "strides.json").read_text())

# Where our results lie otherwise, and why that is left so. All hold the right numbers.
OTHERWISE = {
    "logsigmoid": "row-major in PyTorch, whose kernel is no iterator over its operands",
    "unravel_index": "views of one larger result in PyTorch",
    "norm": "the norm that counts has no gradient in PyTorch, and zeros here",
    "diagonal_scatter": "PyTorch copies an operand's gaps too",
    "select_scatter": "PyTorch copies an operand's gaps too",
    "slice_scatter": "PyTorch copies an operand's gaps too",
    "as_strided_scatter": "the part is written into a row-major copy here, and into one with the operand's gaps and order in PyTorch",
    "max_pool1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "avg_pool1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "adaptive_avg_pool1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "adaptive_max_pool1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "lp_pool1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "interpolate": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "conv1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "conv_transpose1d": "row-major here; PyTorch lays rows of samples as it lays images whose channels come last",
    "clamp": "one bound: Maximum takes the bound first, for the signs of zeros",
    "einsum": "the product is made in another order of its dimensions",
    "chain_matmul": "one matrix is itself here",
    "all": "an empty list of dimensions",
    "any": "an empty list of dimensions",
    "sort": "the sorted numbers are row-major here",
    "msort": "the sorted numbers are row-major here",
    "gru_cell": "row-major here; PyTorch's last sum lies as the given state does",
    "unique": "rows are compared in another order of memory",
    **dict.fromkeys(
        "cholesky cholesky_ex cholesky_inverse cholesky_solve eigh householder_product inv inv_ex inverse lstsq lu lu_factor lu_factor_ex lu_solve ormqr qr "
        "solve solve_ex solve_triangular svd tensorinv triangular_solve".split(),
        "column by column in PyTorch, as LAPACK has them",
    ),
}


def test_every_function_lays_its_results_as_pytorch_does():
    tried, wrong, unused, unknown = 0, [], set(OTHERWISE), 0
    for group, key, case in layouts.cases():
        known = GOLDEN["cases"].get(f"{group} {key}", [])
        unknown += not known
        for scheme, want in zip(layouts.SCHEMES, known):
            if want is None:
                continue
            tried += 1
            got = layouts.answer(torch, case, scheme)
            if got == want:
                continue
            if case["at"][1] in OTHERWISE:
                unused.discard(case["at"][1])
            else:
                wrong.append(f"{key}, {scheme}: {got} where PyTorch has {want}")
    assert tried > 20000 and unknown < 400, "golden/make_strides.py asks PyTorch about the new cases"
    assert not wrong, "\n".join([f"{len(wrong)} of {tried}", *wrong[:40]])
    assert not unused, f"as PyTorch by now: {unused}"


def test_random_operands_give_results_that_lie_as_pytorchs():
    found = layouts.random_results(torch)
    assert len(found) == len(GOLDEN["random"])
    wrong = [(k, name, got[name], want[name]) for k, (got, want) in enumerate(zip(found, GOLDEN["random"])) for name in want if got[name] != want[name]]
    assert not wrong, f"{len(wrong)}: {wrong[:20]}"
    assert sum(x["add"] is not None for x in found) > 300


@pytest.mark.parametrize("name", ["contiguous_format", "channels_last", "preserve_format"])
def test_a_memory_format_is_kept(name):
    format = getattr(torch, name)
    x = torch.arange(120.0).reshape(2, 3, 4, 5).requires_grad_()
    want = (60, 1, 15, 3) if name == "channels_last" else (60, 20, 5, 1)
    for y in (x.clone(memory_format=format), torch.empty_like(x, memory_format=format), x.to(torch.float64, memory_format=format)):
        assert y.stride() == want
    y = x.clone(memory_format=format)
    assert (y * 2 + y).relu().stride() == want and torch.equal(y, x)
    assert y.grad_fn.name() == "CloneBackward0"
    with pytest.raises(RuntimeError, match="required rank 4 tensor to use channels_last format"):
        torch.zeros(3).contiguous(memory_format=torch.channels_last)


def test_a_gradient_lies_as_its_leaf():
    for make in (lambda: torch.ones(2, 3).t(), lambda: torch.ones(2, 3), lambda: torch.ones(4, 3)[::2], lambda: torch.ones(2, 3, 4).permute(2, 0, 1)):
        for twice in (False, True):
            x = make().requires_grad_()
            (x.t() if x.dim() == 2 else x).mul(2).t().sum().backward() if x.dim() == 2 else (x * 2).transpose(0, 1).contiguous().sum().backward()
            if twice:
                (x * x).sum().backward()
            dense = x.stride() if x.stride() != (6, 1) else (3, 1)
            assert x.grad.stride() == dense, (x.stride(), x.grad.stride())
