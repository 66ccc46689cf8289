"""The largest singular values and vectors of matrices, and principal components, by random subspaces.

After N. Halko, P. G. Martinsson and J. A. Tropp, Finding structure with randomness, SIAM Review 53 (2011), algorithms 4.4 and 5.1. The
random numbers are PyTorch's.
"""

from . import linalg, randn


def _basis(a, q, niter):
    """Orthonormal columns that span most of what the columns of `a` span."""
    found = linalg.qr(a @ randn(a.shape[-1], q, dtype=a.dtype)).Q
    for _ in range(niter):
        found = linalg.qr(a.mT @ found).Q
        found = linalg.qr(a @ found).Q
    return found


def svd_lowrank(A, q=6, niter=2, M=None):
    """(U, S, V) with A - M ≈ U diag(S) Vᵀ, S the q largest singular values. PyTorch's `svd_lowrank`."""
    a = A if M is None else A - M.broadcast_to(A.size())
    wide = a.shape[-2] < a.shape[-1]
    a = a.mT if wide else a
    basis = _basis(a, 6 if q is None else q, 2 if niter is None else niter)
    u, s, vh = linalg.svd(basis.mT @ a, full_matrices=False)
    u, v = basis @ u, vh.mT
    return (v, s, u) if wide else (u, s, v)


def pca_lowrank(A, q=None, center=True, niter=2):
    """(U, S, V) of a matrix of samples, whose means are taken off if `center`: the columns of V are the principal directions. PyTorch's
    `pca_lowrank`."""
    least = min(A.shape[-2:])
    if q is None:
        q = min(6, least)
    elif not 0 <= q <= least:
        raise ValueError(f"q(={q}) must be non-negative integer and not greater than min(m, n)={least}")
    if niter < 0:
        raise ValueError(f"niter(={niter}) must be non-negative integer")
    return svd_lowrank(A - A.mean(dim=(-2,), keepdim=True) if center else A, q, niter)
