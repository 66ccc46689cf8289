"""Functions of small matrices in tensor operations, so that gradients pass: exponential, Householder's vectors, Cayley's quotient."""

import math

from ... import eye, stack


def matrix_exp(a):
    """e to a matrix, by its series of a 2ˢ-th part, squared s times. Shape (…, n, n)."""
    size = a.detach().abs().sum(-1).max().item() if a.numel() else 0.0
    if not size < math.inf:
        return a * math.nan
    squarings = max(0, math.ceil(math.log2(size / 0.25))) if size > 0.25 else 0
    x = a / 2.0**squarings
    one = eye(a.shape[-1], dtype=a.dtype).expand(a.shape)
    result, k = one, 14
    for i in range(k, 0, -1):
        result = one + x @ result / i
    for _ in range(squarings):
        result = result @ result
    return result


def cayley(a):
    """(I − A/2)⁻¹·(I + A/2) of a skew-symmetric matrix. No pivots are needed: the symmetric part of I − A/2 is I."""
    one = eye(a.shape[-1], dtype=a.dtype)
    return _solve(one - 0.5 * a, one + 0.5 * a)


def _solve(a, b):
    rows, n = [], a.shape[-1]
    lefts, rights = [a[..., i, :] for i in range(n)], [b[..., i, :] for i in range(n)]
    for i in range(n):
        for j in range(i + 1, n):
            factor = (lefts[j][..., i] / lefts[i][..., i]).unsqueeze(-1)
            lefts[j], rights[j] = lefts[j] - factor * lefts[i], rights[j] - factor * rights[i]
    for i in range(n - 1, -1, -1):
        row = rights[i]
        for j, known in zip(range(i + 1, n), reversed(rows)):
            row = row - lefts[i][..., j].unsqueeze(-1) * known
        rows.append(row / lefts[i][..., i].unsqueeze(-1))
    return stack(rows[::-1], -2)


def householder_product(a, tau):
    """The first k columns of H₁·H₂·…·Hₖ, where Hᵢ = I − τᵢ·v·vᵀ and v is 1 at its i-th place and below it a's column. Shape (…, n, k)."""
    n, k = a.shape[-2:]
    lower = a.tril(-1) + eye(n, k, dtype=a.dtype)
    q = eye(n, k, dtype=a.dtype).expand(a.shape)
    for i in range(k - 1, -1, -1):
        v = lower[..., :, i].unsqueeze(-1)
        q = q - tau[..., i, None, None] * v @ (v.mT @ q)
    return q


def geqrf(a):
    """R above and Householder's vectors below the diagonal, and their factors, as LAPACK has them. Shape (…, n, k); no gradients."""
    a = a.detach().clone()
    n, k = a.shape[-2:]
    taus = []
    for i in range(min(n, k)):
        x = a[..., i:, i]
        alpha, rest = x[..., 0], x[..., 1:]
        norm = x.square().sum(-1).sqrt()
        beta = -norm * (2.0 * (alpha >= 0).to(a.dtype) - 1)
        flat = rest.square().sum(-1) == 0
        tau = ((beta - alpha) / beta).where(~flat, 0.0)
        v = (rest / (alpha - beta).unsqueeze(-1)).where(~flat.unsqueeze(-1), 0.0)
        taus.append(tau)
        block = a[..., i:, i + 1 :]
        if block.numel():
            top = block[..., :1, :] + v.unsqueeze(-2) @ block[..., 1:, :]
            a[..., i, i + 1 :] = block[..., 0, :] - tau.unsqueeze(-1) * top[..., 0, :]
            a[..., i + 1 :, i + 1 :] = block[..., 1:, :] - tau[..., None, None] * v.unsqueeze(-1) * top
        a[..., i, i] = beta.where(~flat, alpha)
        a[..., i + 1 :, i] = v
    return a, stack(taus, -1)


def orthogonal_part(a):
    """Q of a = Q·R with a diagonal of R that is not negative."""
    factors, tau = geqrf(a)
    return householder_product(factors, tau) * factors.diagonal(dim1=-2, dim2=-1).sgn().unsqueeze(-2)


__all__ = ["cayley", "geqrf", "householder_product", "matrix_exp", "orthogonal_part"]
