"""Assertions for tests: `assert_close`, with PyTorch's tolerances and words."""

from . import _native

_TOLERANCES = {"float16": (1e-3, 1e-5), "bfloat16": (1.6e-2, 1e-5), "float32": (1.3e-6, 1e-5), "float64": (1e-7, 1e-7)}


def assert_close(actual, expected, *, allow_subclasses=True, rtol=None, atol=None, equal_nan=False, check_device=True, check_dtype=True, check_layout=True, check_stride=False, msg=None):
    """Raises AssertionError unless all elements are within `atol + rtol·|expected|`."""
    import numpy as np

    if (rtol is None) != (atol is None):
        raise ValueError(f"Both 'rtol' and 'atol' must be either specified or unspecified, but got no {'rtol' if rtol is None else 'atol'}")
    if isinstance(actual, (list, tuple)) and isinstance(expected, (list, tuple)):
        if len(actual) != len(expected):
            raise AssertionError(f"The length of the sequences mismatch: {len(actual)} != {len(expected)}")
        for a, e in zip(actual, expected):
            assert_close(a, e, rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=check_dtype, msg=msg)
        return
    if isinstance(actual, dict) and isinstance(expected, dict):
        if actual.keys() != expected.keys():
            raise AssertionError("The keys of the mappings do not match")
        for key in actual:
            assert_close(actual[key], expected[key], rtol=rtol, atol=atol, equal_nan=equal_nan, check_dtype=check_dtype, msg=msg)
        return
    a, e = (_native.as_tensor(x) for x in (actual, expected))

    def fail(text):
        raise AssertionError(text if msg is None else msg(text) if callable(msg) else msg)

    if a.shape != e.shape:
        fail(f"The values for attribute 'shape' do not match: {a.shape} != {e.shape}.")
    if check_dtype and a.dtype != e.dtype:
        fail(f"The values for attribute 'dtype' do not match: {a.dtype} != {e.dtype}.")
    if rtol is None:
        pairs = [_TOLERANCES.get(t.dtype.name, (0.0, 0.0)) for t in (a, e)]
        rtol, atol = (max(p[k] for p in pairs) for k in (0, 1))
    x, y = (t.detach().to(_native.float64).numpy() for t in (a, e))
    with np.errstate(invalid="ignore"):
        off = np.abs(x - y)
        good = (x == y) | (np.isfinite(x) & np.isfinite(y) & (off <= atol + rtol * np.abs(y)))
    if equal_nan:
        good |= np.isnan(x) & np.isnan(y)
    if good.all():
        return
    bad = ~good
    if x.ndim == 0:
        fail(f"Scalars are not close!\n\nExpected {y.item()} but got {x.item()}.\nAbsolute difference: {off.item()} (up to {atol} allowed)")
    with np.errstate(invalid="ignore", divide="ignore"):
        relative = np.where(y != 0, off / np.abs(y), np.inf)
    worst = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(off, nan=np.inf), -1)), off.shape)
    worst_relative = np.unravel_index(np.argmax(np.where(bad, np.nan_to_num(relative, nan=np.inf), -1)), off.shape)
    fail(
        "Tensor-likes are not close!\n\n"
        f"Mismatched elements: {bad.sum()} / {bad.size} ({100 * bad.mean():.1f}%)\n"
        f"Greatest absolute difference: {off[worst]} at index {tuple(map(int, worst))} (up to {atol} allowed)\n"
        f"Greatest relative difference: {relative[worst_relative]} at index {tuple(map(int, worst_relative))} (up to {rtol} allowed)"
    )
