"""Cholesky factors and triangular systems, column by column in tensor operations, so that gradients pass to every order.

For the covariances of laws, whose matrices are small. A batch of matrices is worked on at once.
"""

from .. import Tensor, cat, no_grad, stack, zeros_like


def cholesky(a):
    """The lower triangular L with positive diagonal and a = L·Lᵀ; an error where a is not positive definite. Shape (…, n, n)."""
    # Both triangles share the gradient.
    a = (a + a.mT) / 2
    n, columns = a.shape[-1], []
    for j in range(n):
        column = a[..., j:, j]
        if j:
            done = stack([c[..., j:] for c in columns], -1)
            column = column - (done @ done[..., 0, :].unsqueeze(-1)).squeeze(-1)
        pivot = column[..., :1]
        if not (pivot > 0).all():
            raise RuntimeError(f"linalg.cholesky: The factorization could not be completed because the input is not positive-definite (the leading minor of order {j + 1} is not positive-definite).")
        column = column / pivot.sqrt()
        columns.append(column if j == 0 else cat([zeros_like(a[..., :j, j]), column], -1))
    return stack(columns, -1)


def solve_lower(l, b):
    """x with l·x = b for a lower triangular l of shape (…, n, n) and b of shape (…, n, m)."""
    rows = []
    for i in range(l.shape[-1]):
        row = b[..., i, :]
        if i:
            row = row - (l[..., i, :i].unsqueeze(-2) @ stack(rows, -2)).squeeze(-2)
        rows.append(row / l[..., i, i].unsqueeze(-1))
    return stack(rows, -2)


def solve_upper(u, b):
    """x with u·x = b for an upper triangular u."""
    return solve_lower(u.flip(-1, -2), b.flip(-2)).flip(-2)


def identity_like(a):
    """The identity matrix, as large as a."""
    from .. import eye

    return eye(a.shape[-1], dtype=a.dtype)


def cholesky_inverse(l):
    """The inverse of l·lᵀ."""
    inverse = solve_lower(l, identity_like(l).expand(l.shape))
    return inverse.mT @ inverse


def precision_to_scale_tril(p):
    """The Cholesky factor of the inverse of a precision matrix."""
    # The factor of p turned round both ways gives an upper factor U of p = U·Uᵀ reversed, so that (U⁻¹)ᵀ is lower triangular.
    turned = cholesky(p.flip(-2, -1)).flip(-2, -1).mT
    return solve_lower(turned, identity_like(p).expand(p.shape))


def leading_minor(a):
    """For each matrix the order of the first leading minor that is not positive, 0 where all are."""
    from .. import zeros, int32

    with no_grad():
        found, work = zeros(a.shape[:-2], dtype=int32), a.clone()
        for j in range(a.shape[-1]):
            pivot = work[..., 0, 0]
            found = found.where(~((found == 0) & ~(pivot > 0)), j + 1)
            safe = pivot.where(pivot > 0, 1.0)
            column = work[..., 1:, 0]
            work = work[..., 1:, 1:] - column.unsqueeze(-1) * work[..., :1, 1:] / safe.unsqueeze(-1).unsqueeze(-1)
        return found


def smallest_eigenvalues(a):
    """The smallest eigenvalue of each symmetric matrix, without gradient."""
    import numpy

    from .. import from_numpy

    numbers = a.detach().double() if isinstance(a, Tensor) else a
    return from_numpy(numpy.ascontiguousarray(numpy.linalg.eigvalsh(numbers.numpy())[..., 0]))
