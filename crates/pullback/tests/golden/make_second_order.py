"""What PyTorch says of gradients of gradients, for every argument list that functions are tried on: writes second_order.json beside this
file.

    cargo run -q -p pullback --features proof --example function_samples > /tmp/samples.json
    python crates/pullback/tests/golden/make_second_order.py /tmp/samples.json

For each case one word for each floating input, in order, or "-" where it gets no gradient: "raises" where the gradient has no history,
so that its gradient cannot be asked for, else one letter for each input: n for None, z for zeros, f for finite numbers, x for others. The
gradient is that of sum(result * g), and its gradient that of sum(gradient * g), g as in make_functions.py.
"""
import json, os, sys, warnings

import torch

sys.argv, argv = [sys.argv[0], os.devnull], sys.argv
HERE = os.path.dirname(os.path.abspath(__file__))
with open(os.path.join(HERE, "make_functions.py")) as text:
    exec(text.read().split("groups = {}")[0])
PATH = os.path.join(os.path.dirname(os.path.abspath(argv[0])), "second_order.json")


def letter(g):
    if g is None:
        return "n"
    if not bool(torch.isfinite(g).all()):
        return "x"
    return "f" if g.numel() and float(g.abs().max()) > 1e-9 else "z"


def words(case):
    leaves, fixed = [], [0, case["fixed"]]
    args = [value(v, leaves, fixed) for v in case["args"]]
    kwargs = {k: value(v, leaves, fixed) for k, v in case["kwargs"].items()}
    space, name = case["places"][0]
    outs = flat(getattr(SPACES[space], name)(*args, **kwargs))
    if case.get("signs"):
        outs = [t.abs() if t.dtype.is_floating_point else t for t in outs]
    rooted = [t for t in outs or [] if t.requires_grad]
    if not rooted or not leaves:
        return None
    found = []
    grads = torch.autograd.grad(rooted, leaves, [cotangent(t) for t in rooted], allow_unused=True, create_graph=True)
    for g in grads:
        if g is None:
            found.append("-")
            continue
        try:
            second = torch.autograd.grad([g], leaves, [cotangent(g)], allow_unused=True, retain_graph=True)
            found.append("".join(letter(s) for s in second))
        except Exception:
            found.append("raises")
    return found


cases = {}
for case in json.load(open(argv[1])):
    if case["random"] or case["kind"] == "error" or case["places"][0][1].endswith("_") or not case["key"].endswith("float64"):
        continue
    try:
        found = words(case)
    except Exception:
        continue
    if found and any(w not in ("-", "raises") for w in found):
        cases[case["key"]] = " ".join(found)
lines = ",\n".join(f"{json.dumps(k)}: {json.dumps(v)}" for k, v in cases.items())
with open(PATH, "w") as out:
    out.write('{"torch": "%s", "cases": {\n%s\n}}\n' % (torch.__version__, lines))
print(f"{PATH}: {len(cases)} cases, {os.path.getsize(PATH) // 1024} KiB")
