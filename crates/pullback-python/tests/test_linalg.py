"""Factorisations from Python: names of results, the exception, functions that PyTorch has removed, low ranks, out=, pickles of results."""

import pickle

import numpy as np
import pytest

import pullback as torch


def matrix(*sizes):
    rng = np.random.default_rng(sum(sizes))
    return torch.from_numpy(rng.normal(size=sizes)) + 2 * torch.eye(sizes[-2], sizes[-1], dtype=torch.float64)


def test_results_have_pytorchs_names():
    a = matrix(3, 3)
    named = {
        torch.linalg.qr: ("linalg_qr", ["Q", "R"]),
        torch.linalg.svd: ("linalg_svd", ["U", "S", "Vh"]),
        torch.svd: ("svd", ["U", "S", "V"]),
        torch.linalg.eigh: ("linalg_eigh", ["eigenvalues", "eigenvectors"]),
        torch.linalg.slogdet: ("linalg_slogdet", ["sign", "logabsdet"]),
        torch.slogdet: ("slogdet", ["sign", "logabsdet"]),
        torch.linalg.lu: ("linalg_lu", ["P", "L", "U"]),
        torch.linalg.inv_ex: ("linalg_inv_ex", ["inverse", "info"]),
        torch.geqrf: ("geqrf", ["a", "tau"]),
    }
    for function, (name, fields) in named.items():
        result = function(a)
        assert type(result).__name__ == name and list(result._fields) == fields
        assert repr(result).startswith(f"torch.return_types.{name}(\n{fields[0]}=tensor(")
        again = pickle.loads(pickle.dumps(result))
        assert type(again) is type(result) and torch.equal(again[0], result[0])
    lu, pivots = torch.lu(a)
    assert torch.allclose(torch.linalg.lu_factor(a).LU, lu) and pivots.dtype == torch.int32
    assert len(torch.lu(a, get_infos=True)) == 3


def test_a_matrix_without_factors_is_a_linalg_error():
    error = torch.linalg.LinAlgError
    assert error is torch._C._LinAlgError and issubclass(error, RuntimeError) and error.__name__ == "_LinAlgError"
    singular = torch.ones(2, 2, dtype=torch.float64)
    for call, text in [
        (lambda: torch.linalg.inv(singular), "linalg.inv: The diagonal element 2 is zero, the inversion could not be completed because the input matrix is singular."),
        (lambda: torch.linalg.solve(torch.stack([torch.eye(2, dtype=torch.float64), singular]), torch.ones(2, 2, 1, dtype=torch.float64)), "torch.linalg.solve: (Batch element 1): The solver failed because the input matrix is singular."),
        (lambda: torch.linalg.cholesky(-singular), "linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order 1 is not positive-definite)."),
        (lambda: torch.linalg.svd(singular * float("nan")), "linalg.svd: The algorithm failed to converge because the input matrix contained non-finite values."),
    ]:
        with pytest.raises(error) as caught:
            call()
        assert str(caught.value).split("\n")[0] == text
    inverse, info = torch.linalg.inv_ex(singular)
    assert info.item() == 2 and inverse.isnan().all()


def test_removed_functions_say_what_took_their_place():
    a = matrix(3, 3)
    for name, instead in {"cholesky": "torch.linalg.cholesky", "qr": "torch.linalg.qr", "solve": "torch.linalg.solve", "lstsq": "torch.linalg.lstsq", "symeig": "torch.linalg.eigh", "matrix_rank": "torch.linalg.matrix_rank"}.items():
        arguments = (a, a) if name in ("solve", "lstsq") else (a,)
        with pytest.raises(RuntimeError, match="deprecated since version 1.9 and is now removed") as caught:
            getattr(torch, name)(*arguments)
        assert instead in str(caught.value)
        if name != "matrix_rank":
            with pytest.raises(RuntimeError, match="is now removed"):
                getattr(arguments[0], name)(*arguments[1:])
    assert torch.Tensor.svd and torch.Tensor.inverse and not hasattr(torch.Tensor, "pinv")


def test_low_ranks():
    torch.manual_seed(0)
    left, right = matrix(12, 3), matrix(3, 9)
    a = left @ right
    for x in (a, a.mT, torch.stack([a, 2 * a])):
        u, s, v = torch.svd_lowrank(x, q=3)
        assert torch.allclose(u * s.unsqueeze(-2) @ v.mT, x) and torch.allclose(s, torch.linalg.svdvals(x)[..., :3])
    u, s, v = torch.pca_lowrank(a, q=3)
    centred = a - a.mean(0)
    assert torch.allclose(u * s @ v.mT, centred)
    with pytest.raises(ValueError, match="must be non-negative integer and not greater than"):
        torch.pca_lowrank(a, q=10)


def test_out_writes_all_results():
    a = matrix(3, 3)
    q, r = torch.empty(0, dtype=torch.float64), torch.empty(0, dtype=torch.float64)
    result = torch.linalg.qr(a, out=(q, r))
    assert result[0] is q and torch.allclose(q @ r, a)
    with pytest.raises(RuntimeError, match="Expected out tensor to have dtype double, but got float instead"):
        torch.linalg.inv(a, out=torch.empty(3, 3))


def test_gradients_do_not_depend_on_signs():
    a = matrix(4, 3).requires_grad_()
    u, s, vh = torch.linalg.svd(a, full_matrices=False)
    (g,) = torch.autograd.grad((u @ vh).sum() + s.log().sum(), a)
    polar = torch.linalg.polar(a).U.sum() + 0.5 * (a.mT @ a).logdet()
    (h,) = torch.autograd.grad(polar, a)
    assert torch.allclose(g, h)
    assert torch.autograd.gradcheck(lambda x: torch.linalg.qr(x), a) and torch.autograd.gradgradcheck(lambda x: torch.linalg.qr(x), a)
