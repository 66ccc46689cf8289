"""PyTorch's answers to `out=` of every dtype and of other shapes: writes golden.json beside this file.

    python crates/pullback-python/tests/out/make.py

dtypes  for each function, argument list, dtype of its tensors and result: for each dtype of `out` "=" where the ordinary result is written, converted;
        the number of an error; or the numbers written, where they are others
shapes  for each function: what happens with an `out` of another shape (number of an error), the warning (its number), and whether `out` then has the result
"""

import json
import warnings
from pathlib import Path

import torch

import out_calls as calls

warnings.simplefilter("ignore")
torch.set_num_threads(1)
errors, dtypes, shapes = [], {}, {}


def number(error):
    if error not in errors:
        errors.append(error)
    return errors.index(error)


def takes(call, results):
    return call.out([calls.empty(torch, t) for t in results]) is None


for name, at, case in calls.cases():
    for dtype in calls.INPUTS:
        try:
            call = calls.Call(torch, case, dtype)
            results = call.plain()
            if not all(isinstance(t, torch.Tensor) for t in results) or not takes(call, results):
                continue
        except Exception:
            continue
        for which in range(len(results)):
            row = []
            for _, error, out in calls.into_dtypes(torch, call, results, which):
                if error is not None:
                    row.append(number(error))
                elif calls.same(torch, out, results[which].to(out.dtype)):
                    row.append("=")
                else:
                    row.append(calls.numbers(torch, out))
            dtypes[f"{name}|{at}|{dtype}|{which}"] = row
            if dtype == calls.INPUTS[0] or f"{name}|{at}|{calls.INPUTS[0]}|{which}" not in dtypes and f"{name}|{at}|{which}" not in shapes:
                row = []
                for _, error, said, out in calls.into_shapes(torch, call, results, which):
                    row.append([None if error is None else number(error), *map(number, said)] if error or said or not calls.same(torch, out, results[which]) else "=")
                    if error is None and not calls.same(torch, out, results[which]):
                        row[-1].append(list(out.shape))
                shapes[f"{name}|{at}|{which}"] = [dtype, row]
        if not any(isinstance(v, (dict, list)) for v in case["args"]):
            break

path = Path(__file__).with_name("golden.json")
with open(path, "w") as file:
    file.write('{"torch": "%s",\n"errors": [\n%s\n]' % (torch.__version__, ",\n".join(map(json.dumps, errors))))
    for part, table in (("dtypes", dtypes), ("shapes", shapes)):
        file.write(',\n"%s": {\n%s\n}' % (part, ",\n".join(f"{json.dumps(k)}: {json.dumps(v, separators=(',', ':'))}" for k, v in table.items())))
    file.write("}\n")
print(f"{path}: {len(dtypes)} and {len(shapes)} rows, {len(errors)} errors, {path.stat().st_size // 1024} KiB")
