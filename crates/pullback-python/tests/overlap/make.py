"""PyTorch's answers to writes into memory that a call reads too: writes golden.json beside this file.

    python crates/pullback-python/tests/overlap/make.py

For every function of the golden files that PyTorch has in place or with `out=`, and every situation of calls.py: nothing where PyTorch writes, the
type and the first line of what it raises where it does not. Of the argument lists of a function the first that PyTorch takes is used.
"""

import json
import warnings
from pathlib import Path

import torch

import calls

warnings.simplefilter("ignore")
torch.set_num_threads(1)


def outcome(run):
    try:
        run()
    except Exception as e:
        return [type(e).__name__, str(e).split("\n")[0]]
    return None


def in_place(found):
    seen = set()
    for group, key, case in calls.cases():
        name = case["at"][1]
        if not hasattr(torch.Tensor, name + "_"):
            continue
        args = [calls.value(torch, v) for v in case["args"]]
        places = [None] + [k for k, a in enumerate(args) if k and hasattr(a, "dim")]
        for situation in calls.IN_PLACE:
            for place in places if situation != "expanded" else [None]:
                if (name, situation, place) in seen:
                    continue
                try:
                    plain = calls.call_in_place(torch, name, case, "halves", place)
                    run = calls.call_in_place(torch, name, case, situation, place)
                except Exception:
                    continue
                # What fails without an overlap too says nothing.
                if run is None or situation == "expanded" and outcome(lambda: getattr(args[0].clone(), name + "_")(*args[1:], **{k: calls.value(torch, v) for k, v in case.get("kwargs", {}).items()})):
                    continue
                if situation != "expanded" and (plain is None or outcome(plain)):
                    continue
                seen.add((name, situation, place))
                found.append([group, key, "in_place", situation, place, outcome(run)])


def out(found):
    seen = set()
    for group, key, case in calls.cases():
        at, name = case["at"]
        if at in ("Tensor",) or not case["args"] or name.endswith("_"):
            continue
        first = calls.value(torch, case["args"][0])
        flat = first if isinstance(first, list) else [calls.value(torch, v) for v in case["args"]]
        places = [k for k, a in enumerate(flat) if hasattr(a, "dim")]
        try:
            plain = calls.call_out(torch, case, "expanded", None)
            fresh = fresh_out(case)
        except Exception:
            continue
        if outcome(fresh):
            continue
        for situation in calls.OUT:
            for place in places if situation != "expanded" else [None]:
                if (at, name, situation, place) in seen:
                    continue
                try:
                    run = calls.call_out(torch, case, situation, place)
                except Exception:
                    continue
                if run is None:
                    continue
                seen.add((at, name, situation, place))
                found.append([group, key, "out", situation, place, outcome(run)])


def fresh_out(case):
    args = [calls.value(torch, v) for v in case["args"]]
    kwargs = {k: calls.value(torch, v) for k, v in case.get("kwargs", {}).items()}
    f = getattr(calls.space(torch, case["at"][0]), case["at"][1])
    y = f(*args, **kwargs)
    outs = [torch.empty_like(t) for t in calls.results(y)]
    return lambda: f(*args, **kwargs, out=outs[0] if hasattr(y, "dim") else tuple(outs))


found = []
in_place(found)
out(found)
path = Path(__file__).with_name("golden.json")
with open(path, "w") as file:
    file.write('{"torch": "%s", "cases": [\n%s\n]}\n' % (torch.__version__, ",\n".join(json.dumps(c) for c in found)))
print(f"{path}: {len(found)} cases")
