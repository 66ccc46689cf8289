"""Asks ONNX's checker and onnxruntime about the files that `cargo test -p pullback --test onnx` leaves: pip install onnx onnxruntime numpy.

    python check_onnx.py target/tmp/onnx

What onnxruntime has no kernel for (it has few for double precision) runs in ONNX's own reference implementation, whose error function has single precision.
What a runtime makes of NaN, of infinities and of nothing is its own affair: where inputs have such, other numbers are counted and no fault.
"""

import pathlib
import sys
import warnings

import numpy
import onnx
import onnx.reference
import onnxruntime

SLACK = {"float16": 5e-3, "float32": 1e-5, "float64": 1e-11}
warnings.simplefilter("ignore")


def by_onnxruntime(path, values):
    options = onnxruntime.SessionOptions()
    options.log_severity_level = 4
    options.intra_op_num_threads = options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(path, options, providers=["CPUExecutionProvider"])
    return session.run(None, {i.name: values[i.name] for i in session.get_inputs()})


def by_reference(path, values):
    model = onnx.reference.ReferenceEvaluator(str(path))
    return model.run(None, {name: values[name] for name in model.input_names})


def apart(found, want):
    """How far two tensors are apart, by the largest element."""
    if not numpy.issubdtype(want.dtype, numpy.floating):
        return 0.0 if numpy.array_equal(found, want) else numpy.inf
    found, want = found.astype(numpy.float64), want.astype(numpy.float64)
    same = (found == want) | numpy.isnan(found) & numpy.isnan(want)
    off = numpy.where(same, 0.0, numpy.abs(found - want))
    finite = numpy.abs(want[numpy.isfinite(want)])
    return float(off.max(initial=0.0) / max(finite.max(initial=0.0), 1e-3))


def hold(run, path, values, slack):
    found = run(path, values)
    for k, y in enumerate(found):
        want, y = values[f"y{k}"], numpy.asarray(y)
        if path.name.startswith("sort_topk"):
            # Which of equal elements come, and in which order those that have none, is nobody's promise.
            want, y = (numpy.sort(v, axis=None).reshape(v.shape) if k == 0 else v * 0 for v in (want, y))
        assert y.shape == want.shape and y.dtype == want.dtype, f"{y.shape} {y.dtype}, not {want.shape} {want.dtype}"
        off = apart(y, want)
        assert off <= max(slack, SLACK.get(str(want.dtype), 0.0)), f"result {k} is {off:.1e} off"


def is_edge(values):
    """Whether an input is empty or has elements that are not finite."""
    inputs = [values[n] for n in values.files if n.startswith("x")]
    return any(x.size == 0 or numpy.issubdtype(x.dtype, numpy.floating) and not numpy.isfinite(x).all() for x in inputs)


def main():
    folder = pathlib.Path(sys.argv[1])
    files = sorted(folder.glob("**/*.onnx"))
    assert len(files) >= 1000, f"{len(files)} files in {folder}: run the test first"
    bad, count = [], dict.fromkeys(("onnxruntime", "reference", "checked alone", "edges of another opinion"), 0)
    for path in files:
        values = None
        try:
            onnx.checker.check_model(onnx.load(path), full_check=True)
            if not path.with_suffix(".npz").exists():
                count["checked alone"] += 1
                continue
            values = numpy.load(path.with_suffix(".npz"))
            try:
                hold(by_onnxruntime, path, values, 0.0)
                count["onnxruntime"] += 1
            except onnxruntime.capi.onnxruntime_pybind11_state.NotImplemented:
                hold(by_reference, path, values, 1e-7)
                count["reference"] += 1
        except Exception as e:  # every file is named, whatever is wrong with it
            if values is not None and is_edge(values):
                count["edges of another opinion"] += 1
            else:
                bad.append(f"{path.name}: {type(e).__name__}: {str(e)[:300]}")
    print("\n".join(bad))
    print(f"{len(files)} files, {len(bad)} bad;", ", ".join(f"{n} {k}" for k, n in count.items()))
    sys.exit(bool(bad))


main()
