"""What the laws of vectors and matrices ask of linear algebra."""

from .. import eye, linalg


def solve_lower(l, b):
    """x with l·x = b for a lower triangular l of shape (…, n, n) and b of shape (…, n, m)."""
    return linalg.solve_triangular(l, b, upper=False)


def precision_to_scale_tril(p):
    """The Cholesky factor of the inverse of a precision matrix."""
    # The factor of p turned round both ways gives an upper factor U of p = U·Uᵀ reversed, so that (U⁻¹)ᵀ is lower triangular.
    turned = linalg.cholesky(p.flip(-2, -1)).flip(-2, -1).mT
    return solve_lower(turned, eye(p.shape[-1], dtype=p.dtype))
