"""PyTorch's answers to x[index] and x[index] = value: writes indexing.json beside this file.

    python crates/pullback/tests/golden/make_indexing.py

Each case has a shape and an index as text: items separated by ";", each an integer, a slice, None, ..., True, False, i[...] (int64),
b[...] (a mask) or u[...] (a uint8 mask). x holds 1, 2, 3, …; for reading: shape and numbers of x[index], and the gradient
of sum(x[index] * (1, 2, 3, …)); for writing -1, -2, … and the number 0.5: the tensor afterwards, and the gradients of
sum(y * (1, 2, 3, …)) by x and the value; or the error's type and first line.
"""
import json, os, random, sys
import torch

random.seed(1)


def parse(text):
    def one(t):
        if t in ("None", "...", "True", "False"):
            return eval(t)
        if t[0] in "ibu" and t[1] == "[":
            kind = {"i": torch.int64, "b": torch.bool, "u": torch.uint8}[t[0]]
            return torch.tensor(json.loads(t[1:]), dtype=kind)
        if ":" in t:
            return slice(*[int(p) if p else None for p in t.split(":")])
        return int(t)

    items = tuple(one(t.strip()) for t in text.split(";") if t.strip())
    return items[0] if len(items) == 1 else items


def ones(shape):
    n = 1
    for s in shape:
        n *= s
    return torch.arange(1, n + 1, dtype=torch.float64).reshape(shape)


def flat(t):
    return [list(t.shape), t.detach().flatten().tolist()]


def failing(f):
    try:
        return f()
    except Exception as e:
        return {"error": [type(e).__name__, str(e).split("\n")[0]]}


def read(shape, index):
    x = ones(shape).requires_grad_()
    y = x[index]
    (g,) = torch.autograd.grad((y * ones(y.shape)).sum(), x, allow_unused=True, materialize_grads=True)
    return {"out": flat(y), "view": y._base is not None, "grad": flat(g)}


def write(shape, index):
    x = ones(shape).requires_grad_()
    v = (-ones(x[index].shape)).requires_grad_()
    y = x * 1
    y[index] = v
    gx, gv = torch.autograd.grad((y * ones(y.shape)).sum(), [x, v], allow_unused=True, materialize_grads=True)
    z = ones(shape)
    z[index] = 0.5
    return {"after": flat(y), "gx": flat(gx), "gv": flat(gv), "number": flat(z)}


CASES = {
    (): ["", "...", "None", "True", "False", "0", "i[0]", "b[]", ":", "None; ...; None", "b[[true]]"],
    (4,): ["0", "-1", "4", "-5", ":", "1:3", "::2", "1::2", "-3:", ":-1", "3:1", "10:", "-10:2", "::-1", "::0", "None", "0; 0", "...; 1", "1; ...",
           "i[0, 2, 2]", "i[-1, -4]", "i[4]", "i[-5]", "i[]", "i[[0, 1], [2, 3]]", "b[true, false, true, true]", "b[true]", "b[false, false, false, false]",
           "u[1, 0, 0, 1]", "True", "False", "True; i[1]", "None; i[1, 3]", "i[1, 3]; None", "True; True", "b[[true]]", "...; ...", "1:3; ..."],
    (2, 3): ["1", "1; 2", "1; -1", "0; 3", "2", "0; 0; 0", ":; 1", "1:; ::2", "...; 0", "0; ...", "None; 0; None; 1:", "i[1, 0]", "i[0]; i[2]", "i[0, 1]; i[1, 2]",
             "i[[0], [1]]; i[0, 2]", "i[0, 1]; i[0, 1, 2]", "i[0, 1]; 2", "0; i[0, 1]", ":; i[2, 0]", "i[1, 1]; :", "...; i[0, 0]", "b[true, false]", "b[true, false, true]",
             ":; b[true, false, true]", "b[[true, false, true], [false, false, true]]", "b[[true, false], [true, false]]", "b[true, true]; i[0, 2]", "b[true, true]; i[0, 1, 2]",
             "i[1]; b[true, true, false]", "i[0, 1]; None; i[0, 1]", "None; i[0, 1]; i[0, 1]", "True; 0", "0; True", "False; 0", "i[]", "i[2]", ":; i[3]", "i[0]; i[-4]",
             "::2; ::2", "1:1", ":; 5:", "u[[1, 0, 0], [0, 1, 1]]", "i[[[1, 0]]]", "True; i[1]; True", "::1; i[1]"],
    (2, 3, 4): ["1; :; 2", "i[0, 1]; :; i[1, 3]", ":; i[0, 2]; i[1, 3]", "i[0, 1]; i[0, 2]", ":; i[2, 0]; :", "0; i[0, 1]; i[2, 3]", "0; :; i[1, 1]", "i[0, 1]; 1; i[2, 3]",
                "i[0, 1]; 1:; i[2, 3]", "b[[true, false, true], [false, true, false]]", "b[[true, false, true], [false, true, false]]; 0", "b[[true, false, true], [false, true, false]]; 1:3",
                ":; b[[true, false, true, false], [false, true, false, false], [false, false, false, true]]", "0; b[true, false, true]", "b[true, false]; :; b[true, true, false, false]",
                "b[true, false]; :; i[0, 1, 3]", "...; i[3, 0]", "i[1]; ...; i[3, 0]", "i[[0, 1], [1, 0]]; :; i[0, 3]", "None; i[1]; None; i[0]; :", "1; ...; 1", ":; :; ::3", ":; i[[0, 1], [1, 2]]; None; 1:3",
                "i[0, 1]; None; :; i[0, 1]", "True; i[0, 1]; :; i[0, 1]", "0; 0; 0", "0; 0; 4", "0; 3", ":; 1; i[5]", "i[0, 0]; i[1, 1]; i[2, 2]", ":; None; i[2]; 1", "b[[true, false], [true, false]]"],
    (0, 3): ["0", ":", "i[]", "i[0]", ":; 1", ":; i[0, 2]", "b[]", ":; b[true, false, true]", "None", "...; ::2", "i[]; i[]"],
    (3, 0): ["0", "i[1, 1]", ":; i[]", "b[true, false, true]", "i[3]", ":; 0"],
}

out = []
for shape, texts in CASES.items():
    for text in dict.fromkeys(texts):
        index = parse(text)
        out.append({"shape": list(shape), "index": text, "read": failing(lambda: read(shape, index)), "write": failing(lambda: write(shape, index))})
path = os.path.join(os.path.dirname(os.path.abspath(__file__)), "indexing.json")
with open(path, "w") as f:
    f.write('{"torch": "%s", "cases": [\n%s\n]}\n' % (torch.__version__, ",\n".join(json.dumps(c) for c in out)))
print(path, len(out), "cases", os.path.getsize(path) // 1024, "KiB")
