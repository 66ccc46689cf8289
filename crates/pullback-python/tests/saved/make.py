"""Writes the small files of PyTorch's that `test_saved.py` reads: `python make.py`, with PyTorch installed.

`content(M)` builds the same objects with either package, so the test compares what was read with what it builds itself.
"""

import sys
from collections import OrderedDict
from pathlib import Path

HERE = Path(__file__).resolve().parent
DTYPES = ("float32", "float64", "float16", "bfloat16", "int64", "int32", "int16", "int8", "uint8", "uint16", "uint32", "uint64", "bool")


def network(M):
    """A network with what modules usually hold."""
    nn = M.nn
    M.manual_seed(0)
    net = nn.Sequential(
        nn.Conv2d(1, 2, 3, padding=1), nn.BatchNorm2d(2), nn.ReLU(inplace=True), nn.MaxPool2d(2), nn.Dropout(0.1), nn.Flatten(), nn.Linear(8, 6), nn.LayerNorm(6), nn.GELU(),
        nn.ModuleDict({"a": nn.Linear(6, 4)})["a"], nn.Softmax(dim=1),
    )  # fmt: skip
    net(M.randn(4, 1, 4, 4))
    return net.eval()


def hooked(M):
    """A module with a hook that can be pickled: the older weight norm."""
    import warnings

    M.manual_seed(2)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        return M.nn.utils.weight_norm(M.nn.Linear(2, 3)).eval()


def recurrent(M):
    """A recurrent network, an embedding, attention and lists of modules."""
    nn = M.nn
    M.manual_seed(1)
    return nn.ModuleDict({"lstm": nn.LSTM(3, 4, 2, bidirectional=True), "gru": nn.GRU(2, 3), "cell": nn.RNNCell(2, 3), "emb": nn.Embedding(5, 3, padding_idx=0), "att": nn.MultiheadAttention(4, 2), "list": nn.ModuleList([nn.Linear(1, 2), nn.PReLU()]),
                          "p": nn.ParameterList([nn.Parameter(M.ones(2))]), "layer": nn.TransformerEncoderLayer(4, 2, 8, 0.0)}).eval()  # fmt: skip


def optimizers(M):
    """Optimisers after three steps, each over the same two parameters; the parameters come with them."""
    made = {}
    for name, options in (("SGD", dict(lr=0.1, momentum=0.9)), ("Adam", dict(lr=0.1, amsgrad=True)), ("AdamW", dict(lr=0.1)), ("RMSprop", dict(lr=0.1, centered=True)), ("Adagrad", dict(lr=0.1)), ("NAdam", dict(lr=0.1)), ("LBFGS", dict(lr=0.1, max_iter=2))):
        params = parameters(M)
        o = getattr(M.optim, name)(params, **options)
        for _ in range(3):
            o.step(closure(o, params))
        made[name] = (params, o)
    return made


def parameters(M):
    return [M.nn.Parameter(M.arange(6.0).reshape(2, 3) / 5), M.nn.Parameter(M.tensor([0.5, -1.0]))]


def closure(o, params):
    def loss():
        o.zero_grad()
        found = (params[0].sin().sum(1) * params[1]).square().sum()
        found.backward()
        return found

    return loss


def plain(M):
    """Tensors of every kind that `weights_only` takes, and their containers."""
    a = M.arange(24.0).reshape(2, 3, 4)
    with_attribute = M.ones(2)
    with_attribute.note = "mine"
    noted = M.nn.Parameter(M.ones(1))
    noted.tag = 3
    state = OrderedDict(w=M.ones(1))
    state._metadata = OrderedDict(version=1)
    return {
        "dtypes": [M.tensor([0, 1, 2, 3]).to(getattr(M, d)) for d in DTYPES],
        "views": [a, a.transpose(0, 2), a[:, 1], a[1:, ::2, 1:3], a[1, 2, 3], a[0, :0], M.ones(1).expand(5), a.as_strided((2, 2), (1, 1), 3)],
        "shapes": [M.zeros(s) for s in ((), (0,), (2, 0, 3))],
        "leaf": M.ones(2, requires_grad=True),
        "parameters": [M.nn.Parameter(M.ones(2, 2)), M.nn.Parameter(M.zeros(2), requires_grad=False), noted],
        "attribute": with_attribute,
        "state": state,
        "kinds": [M.float32, M.uint16, M.device("cpu"), M.Size([2, 3]), M.Size([])],
        "plain": [None, True, 0, -1, 255, 256, 65536, 1 << 20, -(1 << 40), 1 << 200, 0.5, float("inf"), "", "ä", b"x\xff" * 3, bytearray(b"y"), 1j, (), (1,), (1, 2, 3, 4), {1, 2}, set()],
        (1, "key"): {"nested": [{"deep": ({"er": M.ones(1)},)}]},
        "long": list(range(1500)),
        "meta": M.ones(2, 3, device="meta"),
    }


def main():
    import torch

    torch.save(plain(torch), HERE / "plain.pt")
    torch.save({k: v for k, v in plain(torch).items() if k != "meta"}, HERE / "plain_legacy.pt", _use_new_zipfile_serialization=False)
    x = torch.linspace(-1, 1, 32).reshape(2, 1, 4, 4)
    torch.save({"net": network(torch), "x": x, "y": network(torch)(x).detach(), "rest": recurrent(torch)}, HERE / "modules.pt")
    torch.save(hooked(torch), HERE / "hooked.pt")
    torch.save(network(torch).state_dict(), HERE / "state_legacy.pt", _use_new_zipfile_serialization=False)
    made = optimizers(torch)
    torch.save({name: {"params": p, "state": o.state_dict()} for name, (p, o) in made.items()}, HERE / "optimizers.pt")
    for name, (p, o) in made.items():
        for _ in range(3):
            o.step(closure(o, p))
    torch.save({name: p for name, (p, _) in made.items()}, HERE / "optimizers_after.pt")
    for name, t in {"complex": torch.ones(1, dtype=torch.complex64), "float8": torch.ones(1).to(torch.float8_e5m2), "sparse": torch.eye(2).to_sparse()}.items():
        torch.save(t, HERE / f"not_here_{name}.pt")


if __name__ == "__main__":
    sys.exit(main())
