"""Mistakes in gradients of NumPy functions, as people make them: each is found, and named, in the input where it is and in no other."""

import collections

import numpy as np

import pullback as torch

rng = np.random.default_rng(5)


def softmax(a):
    e = np.exp(a - a.max(-1, keepdims=True))
    return e / e.sum(-1, keepdims=True)


def network():
    x, y = rng.normal(size=(6, 4)), rng.normal(size=(6, 3))

    def grad(W, b):
        h = np.tanh(x @ W + b)
        d = 2 * (h - y) * (1 - h**2)
        return [x.T @ d, d.sum(0)]

    return lambda W, b: ((np.tanh(x @ W + b) - y) ** 2).sum(), grad, {"W": rng.normal(size=(4, 3)), "b": rng.normal(size=3)}


def quadratic():
    A = rng.normal(size=(5, 5))
    return lambda X: (A * X * X).sum() + np.trace(X @ X), lambda X: [2 * A * X + 2 * X.T], {"X": rng.normal(size=(5, 5))}


def bilinear():
    A = rng.normal(size=(4, 4))
    return (
        lambda u, v: u @ A @ v + (u**3).sum() / 3 + np.sin(v).sum(),
        lambda u, v: [A @ v + u * u, A.T @ u + np.cos(v)],
        {"u": rng.normal(size=4), "v": rng.normal(size=4)},
    )


def cross_entropy():
    t = np.eye(4)[rng.integers(0, 4, 6)]
    return lambda Z: -(t * np.log(softmax(Z))).sum() / 6, lambda Z: [(softmax(Z) - t) / 6], {"Z": rng.normal(size=(6, 4))}


def normed():
    c = rng.normal(size=(5, 6))

    def parts(X):
        s = X.std(-1, keepdims=True)
        return (X - X.mean(-1, keepdims=True)) / s, s

    def grad(X):
        n, s = parts(X)
        return [(c - c.mean(-1, keepdims=True) - n * (c * n).mean(-1, keepdims=True)) / s]

    return lambda X: (c * parts(X)[0]).sum(), grad, {"X": rng.normal(size=(5, 6))}


def rectified():
    w = rng.normal(size=(6, 7))
    return (
        lambda X: (w * np.maximum(X, 0) + np.maximum(X, 0) ** 2).sum(),
        lambda X: [(w + 2 * np.maximum(X, 0)) * (X > 0)],
        {"X": rng.normal(size=(6, 7))},
    )


def correlated():
    x, c = rng.normal(size=12), rng.normal(size=9)
    return lambda k: (np.convolve(x, k, "valid") * c).sum(), lambda k: [np.correlate(x, c, "valid")[::-1]], {"k": rng.normal(size=4)}


def running():
    c = rng.normal(size=(4, 5))
    return (
        lambda X: (c * np.cumsum(X, 1)).sum() + 0.5 * (X**2).sum(),
        lambda X: [c[:, ::-1].cumsum(1)[:, ::-1] + X],
        {"X": rng.normal(size=(4, 5))},
    )


def of_matrices(change):
    return lambda g, x: change(g, x) if g.ndim == 2 else None


# How a gradient is changed, and a word of what must be said of it.
MISTAKES = {
    "sign": (lambda g, x: -g, "sign"),
    "factor 2": (lambda g, x: 2 * g, "twice"),
    "factor 1/2": (lambda g, x: g / 2, "0.5 times"),
    "a sum for a mean": (lambda g, x: g * g.size, "times the right one"),
    "a mean for a sum": (lambda g, x: g / len(g), "times the right one"),
    "zero": (lambda g, x: 0 * g, "path is missing"),
    "transposed": (of_matrices(lambda g, x: g.T.reshape(g.shape)), "transposed"),
    "off by one": (lambda g, x: np.roll(g, 1, 0), ("one place off", "another order")),
    "off by one, last axis": (of_matrices(lambda g, x: np.roll(g, -1, -1)), "one place off"),
    "shifted": (lambda g, x: np.concatenate([np.zeros_like(g[:1]), g[:-1]]), "one place off"),
    "a constant": (lambda g, x: g - 0.7, "differs from the right one by"),
    "a term of the input": (lambda g, x: g - 1.3 * x, ("differs from the right one by", "times")),
    "one row for all": (of_matrices(lambda g, x: np.broadcast_to(g[:1], g.shape).copy()), "first row"),
    "reversed": (lambda g, x: g[::-1].copy(), ("another order", "one place off")),
    "last row missing": (lambda g, x: np.concatenate([g[:-1], 0 * g[-1:]]), "path is missing"),
    "times the input": (lambda g, x: g * x, "factor"),
    "divided by the input": (lambda g, x: g / x, "factor"),
    "summed over an axis": (of_matrices(lambda g, x: np.broadcast_to(g.sum(0), g.shape).copy()), "summed"),
    "without its mean": (lambda g, x: g - g.mean(0), ("axis", "everywhere the same")),
    "running total": (lambda g, x: np.cumsum(g, 0), "running totals"),
    "tanh's slope": (lambda g, x: g * (1 - x * x), "factor"),
    "signs of the input": (lambda g, x: g * np.sign(x), "sign"),
}


def test_sixty_mistakes_and_more_are_named(capsys):
    counts, trouble = collections.Counter(), []
    for made in (network, quadratic, bilinear, cross_entropy, normed, rectified, correlated, running):
        f, grad, inputs = made()
        names, values = list(inputs), list(inputs.values())
        right = grad(*values)
        report = torch.check(f, values, grad=right, names=names)
        assert report.ok, report
        for mistake, (change, words) in MISTAKES.items():
            words = (words,) if isinstance(words, str) else words
            for place, name in enumerate(names):
                wrong = change(right[place], values[place])
                if wrong is None or np.allclose(wrong, right[place]):
                    continue
                claim = [wrong if k == place else g for k, g in enumerate(right)]
                report = torch.check(f, values, grad=claim, names=names)
                counts["planted"] += 1
                counts["found"] += report.status == "fail"
                said = report.bugs.get(name)
                named = said is not None and any(w in said for w in words) and set(report.bugs) == {name}
                counts["named"] += named
                if not named:
                    trouble.append((made.__name__, mistake, name, report.bugs))
    with capsys.disabled():
        print(f"\nmistakes in NumPy functions: planted {counts['planted']}, found {counts['found']}, named {counts['named']}")
    assert counts["planted"] >= 180 and counts["found"] == counts["planted"]
    assert not trouble, trouble
