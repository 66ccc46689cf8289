"""Files of NumPy's, for `pullback::io`: their bytes, and what is in them.

    python crates/pullback/tests/golden/make_files.py

Writes files.json beside this file.
"""

import io
import json
import pathlib

import numpy as np

npy = []
for dtype in "?", "u1", "i1", "i2", "u2", "i4", "u4", "i8", "u8", "f2", "f4", "f8":
    for order in "<", ">":
        if order == ">" and np.dtype(dtype).itemsize == 1:
            continue
        a = np.array([[0, 1, 2], [3, 100, 7]]).astype(np.dtype(dtype).newbyteorder(order))
        npy.append((f"{order}{dtype}", a))
npy.append(("fortran", np.asfortranarray(np.arange(24, dtype="<i4").reshape(2, 3, 4))))
npy.append(("scalar", np.array(2.5)))
npy.append(("vector", np.arange(3, dtype="<f4")))
npy.append(("empty", np.zeros((0, 3), dtype="<f8")))


def written(a):
    file = io.BytesIO()
    np.save(file, a)
    return file.getvalue()


def entry(name, a):
    dtype = "bool" if a.dtype == bool else str(a.dtype.newbyteorder("="))
    return {"name": name, "dtype": dtype, "shape": list(a.shape), "values": a.astype("f8").flatten().tolist(), "hex": written(a).hex()}


arrays = {"w": np.arange(6, dtype="<f4").reshape(2, 3), "steps": np.array(12), "text": np.tile(np.arange(50, dtype="<i8"), 40)}
plain, compressed = io.BytesIO(), io.BytesIO()
np.savez(plain, **arrays)
np.savez_compressed(compressed, **arrays)
noise = io.BytesIO()
np.savez_compressed(noise, noise=np.random.default_rng(0).integers(0, 256, 300, dtype="u1"))
out = {
    "npy": [entry(name, a) for name, a in npy],
    "npz": {"plain": plain.getvalue().hex(), "compressed": compressed.getvalue().hex(), "noise": noise.getvalue().hex()},
    "arrays": {name: a.astype("f8").flatten().tolist() for name, a in arrays.items()},
    "noise": np.random.default_rng(0).integers(0, 256, 300, dtype="u1").tolist(),
    "refused": {
        "objects": b"".join([b"\x93NUMPY\x01\x00v\x00", b"{'descr': '|O', 'fortran_order': False, 'shape': (1,), }".ljust(117) + b"\n", b"x" * 8]).hex(),
        "records": written(np.zeros(2, dtype=[("a", "<i4"), ("b", "<f4")])).hex(),
        "texts": written(np.array(["a", "bc"])).hex(),
        "complex": written(np.array([1j])).hex(),
    },
}
pathlib.Path(__file__).with_name("files.json").write_text(json.dumps(out) + "\n")
