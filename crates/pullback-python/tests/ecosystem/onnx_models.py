"""Models written as ONNX files: checked by ONNX's own checker, and run by onnxruntime, whose numbers are compared with the model's. Sizes that may vary are tried with another size."""

import io
import warnings

import numpy as np
import onnx
import onnxruntime
import torch
from torch import nn
from torch.nn import functional as F

warnings.simplefilter("ignore")
torch.manual_seed(0)
ran = 0


def tensors(tree):
    if isinstance(tree, torch.Tensor):
        return [tree.detach()]
    parts = tree.values() if isinstance(tree, dict) else tree if isinstance(tree, (list, tuple)) else ()
    return [t for part in parts for t in tensors(part)]


def check(name, model, args, varying=None, other=None):
    global ran
    if isinstance(model, nn.Module):
        model.eval()
    args = args if isinstance(args, tuple) else (args,)
    file = io.BytesIO()
    torch.onnx.export(model, args, file, dynamic_axes=varying)
    onnx.checker.check_model(onnx.load_model_from_string(file.getvalue()), full_check=True)
    session = onnxruntime.InferenceSession(file.getvalue(), providers=["CPUExecutionProvider"])
    for given in (args, *([other if isinstance(other, tuple) else (other,)] if other is not None else [])):
        want = tensors(model(*given))
        got = session.run(None, dict(zip([i.name for i in session.get_inputs()], [t.numpy() for t in tensors(given)])))
        same = len(want) == len(got) and all(w.numpy().dtype == g.dtype and w.shape == g.shape and np.allclose(w.numpy(), g, rtol=1e-4, atol=1e-4) for w, g in zip(want, got))
        if not same:
            print("differs:", name)
            return
    ran += 1


class Lambda(nn.Module):
    def __init__(self, f):
        super().__init__()
        self.f = f

    def forward(self, *a):
        return self.f(*a)


x = torch.randn(2, 3)
img = torch.randn(2, 3, 8, 8)
seq = torch.randn(2, 5, 16)
check("linear", nn.Linear(3, 4), x, {"input": {0: "b"}}, torch.randn(7, 3))
check("mlp", nn.Sequential(nn.Linear(3, 8), nn.ReLU(), nn.Dropout(), nn.Linear(8, 2), nn.Softmax(1)), x)
check("linear3d", nn.Linear(16, 4), seq)


class CNN(nn.Module):
    def __init__(s):
        super().__init__()
        s.c1 = nn.Conv2d(3, 6, 3, padding=1)
        s.b = nn.BatchNorm2d(6)
        s.c2 = nn.Conv2d(6, 8, 3, stride=2, bias=False)
        s.fc = nn.Linear(8 * 1 * 1, 10)

    def forward(s, x):
        x = F.max_pool2d(F.relu(s.b(s.c1(x))), 2)
        x = F.relu(s.c2(x))
        x = x.view(x.size(0), -1)
        return F.log_softmax(s.fc(x), dim=1)


check("cnn", CNN(), img, {"x": [0]}, torch.randn(5, 3, 8, 8))
for n, m, a in [
    ("conv1d", nn.Conv1d(3, 4, 3, padding="same"), torch.randn(2, 3, 9)),
    ("conv3d", nn.Conv3d(2, 4, 2, groups=2), torch.randn(1, 2, 4, 4, 4)),
    ("convT", nn.ConvTranspose2d(3, 4, 3, stride=2, padding=1, output_padding=1), img),
    ("conv unb", nn.Conv2d(3, 4, 3), img[0]),
    ("avgpool", nn.AvgPool2d(3, 2, 1), img),
    ("avgpool nc", nn.AvgPool2d(3, 2, 1, count_include_pad=False), img),
    ("ceil", nn.MaxPool2d(3, 2, ceil_mode=True), img),
    ("adapt1", nn.AdaptiveAvgPool2d(1), img),
    ("adapt", nn.AdaptiveAvgPool2d((4, 2)), img),
    ("adaptmax", nn.AdaptiveMaxPool2d(2), img),
    ("ln", nn.LayerNorm(16), seq),
    ("ln na", nn.LayerNorm(16, elementwise_affine=False), seq),
    ("gn", nn.GroupNorm(3, 3), img),
    ("in", nn.InstanceNorm2d(3, affine=True), img),
    ("rms", nn.RMSNorm(16), seq),
    ("bn1", nn.BatchNorm1d(3), x),
    ("emb", nn.Embedding(10, 4), torch.tensor([[1, 2], [3, 4]])),
    ("lrelu", nn.LeakyReLU(0.2), x),
    ("elu", nn.ELU(), x),
    ("celu", nn.CELU(0.5), x),
    ("selu", nn.SELU(), x),
    ("gelu", nn.GELU(), x),
    ("gelut", nn.GELU("tanh"), x),
    ("silu", nn.SiLU(), x),
    ("mish", nn.Mish(), x),
    ("hardt", nn.Hardtanh(), x),
    ("relu6", nn.ReLU6(), x),
    ("hsig", nn.Hardsigmoid(), x),
    ("hsw", nn.Hardswish(), x),
    ("softplus", nn.Softplus(2.0), x),
    ("softsign", nn.Softsign(), x),
    ("tanhshr", nn.Tanhshrink(), x),
    ("logsig", nn.LogSigmoid(), x),
    ("prelu", nn.PReLU(3), img),
    ("glu", nn.GLU(1), torch.randn(2, 4)),
    ("threshold", nn.Threshold(0.1, 3.0), x),
    ("pad", nn.ReflectionPad2d(1), img),
    ("padc", nn.ConstantPad2d((1, 2, 0, 1), 3.0), img),
    ("padr", nn.ReplicationPad2d(1), img),
    ("shuf", nn.PixelShuffle(2), torch.randn(1, 4, 3, 3)),
    ("unshuf", nn.PixelUnshuffle(2), img),
    ("softmin", nn.Softmin(1), x),
    ("flat", nn.Flatten(), img),
    ("unflat", nn.Unflatten(1, (3, 1)), img),
    ("lstm", nn.LSTM(16, 4, 2, batch_first=True, bidirectional=True), seq),
    ("gru", nn.GRU(16, 4), seq),
    ("rnn", nn.RNN(16, 4), seq),
    ("mha", nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 2), seq),
    ("tr", nn.Transformer(16, 2, 1, 1, 32, batch_first=True), (seq, seq)),
    ("bil", nn.Bilinear(3, 3, 2), (x, x)),
    ("cos", nn.CosineSimilarity(), (x, x + 1)),
    ("pd", nn.PairwiseDistance(), (x, x + 1)),
]:
    check(n, m, a)
i3 = torch.arange(24).reshape(2, 3, 4)
y = torch.randn(2, 3)
fs = {
    "add": lambda a: a + 1,
    "rsub": lambda a: 1 - a,
    "rdiv": lambda a: 1 / (a.abs() + 1),
    "pow": lambda a: a**2,
    "rpow": lambda a: 2**a,
    "sqrt": lambda a: (a * a + 1).sqrt(),
    "rsqrt": lambda a: (a * a + 1).rsqrt(),
    "neg": lambda a: -a,
    "abs": lambda a: abs(a),
    "cmp": lambda a: (a > 0) & (a < 1) | ~(a != a),
    "where": lambda a: torch.where(a > 0, a, 0.0),
    "where2": lambda a: a.where(a > 0, torch.zeros(())),
    "mf": lambda a: a.masked_fill(a > 0, -1e9),
    "sum": lambda a: a.sum(),
    "sumd": lambda a: a.sum(1, keepdim=True),
    "mean": lambda a: a.mean((0, 1)),
    "max": lambda a: a.max(1),
    "maxa": lambda a: a.max(),
    "min": lambda a: a.min(0).values,
    "argmax": lambda a: a.argmax(1),
    "argmaxa": lambda a: a.argmax(),
    "amax": lambda a: a.amax(1),
    "var": lambda a: a.var(1),
    "std": lambda a: a.std(),
    "norm": lambda a: a.norm(dim=1),
    "lse": lambda a: a.logsumexp(1),
    "prod": lambda a: a.prod(1),
    "cumsum": lambda a: a.cumsum(1),
    "clamp": lambda a: a.clamp(0, 1),
    "clampmin": lambda a: a.clamp(min=0),
    "T": lambda a: a.T @ a,
    "mT": lambda a: a.mT,
    "perm": lambda a: a.unsqueeze(0).permute(2, 0, 1),
    "squeeze": lambda a: a[None].squeeze(0),
    "sq": lambda a: a[:, None].squeeze(),
    "idx": lambda a: a[:, 1:],
    "idx2": lambda a: a[0],
    "idx3": lambda a: a[..., -1],
    "idx4": lambda a: a[:, ::2],
    "idx5": lambda a: a[:, None, :],
    "idx6": lambda a: a[:, torch.tensor([0, 2])],
    "idx7": lambda a: a[:-1, -2:],
    "cat": lambda a: torch.cat([a, a * 2, torch.ones(2, 1)], 1),
    "stack": lambda a: torch.stack([a, a], 1),
    "chunk": lambda a: torch.chunk(a, 3, 1),
    "split": lambda a: a.split([1, 2], 1),
    "unbind": lambda a: a.unbind(1),
    "iter": lambda a: [r * 2 for r in a],
    "expand": lambda a: a[:, None].expand(-1, 4, -1) + 0,
    "repeat": lambda a: a.repeat(2, 1, 2),
    "tril": lambda a: a.tril(),
    "triu": lambda a: torch.triu(a, 1),
    "flip": lambda a: a.flip(1),
    "einsum": lambda a: torch.einsum("ij,kj->ik", a, a),
    "int": lambda a: a.long() + 1,
    "cast": lambda a: a.to(torch.float64) * 2,
    "floordiv": lambda a: a // 0.3,
    "rem": lambda a: a % 0.3,
    "roll": lambda a: torch.cat([a[:, 1:], a[:, :1]], 1),
    "topk": lambda a: a.topk(2),
    "gather": lambda a: a.gather(1, torch.tensor([[0, 2], [1, 1]])),
    "sdpa": lambda a: F.scaled_dot_product_attention(a[None], a[None], a[None], is_causal=True),
    "normalize": lambda a: F.normalize(a),
    "inpl": lambda a: (a + 1).add_(2).relu_(),
    "iadd": lambda a: [b := a * 1, b.__iadd__(3)][1],
    "minimum": lambda a: torch.minimum(a, a * 2),
    "erf": lambda a: a.erf(),
    "log1p": lambda a: a.abs().log1p(),
    "sigmoid": lambda a: torch.sigmoid(a),
    "zeros_like": lambda a: a + torch.zeros_like(a),
    "any": lambda a: (a > 0).any(1),
    "all": lambda a: (a > -9).all(),
    "dict": lambda a: {"p": a + 1, "q": a * 2},
    "same": lambda a: a,
    "clone": lambda a: a.clone(),
    "softplus": lambda a: F.softplus(a),
    "matmulv": lambda a: a @ torch.ones(3),
    "addmm": lambda a: torch.addmm(torch.ones(2), a, torch.ones(3, 2)),
    "linalgnorm": lambda a: torch.linalg.vector_norm(a, dim=1),
    "isnan": lambda a: torch.isnan(a),
    "view": lambda a: a.view(3, 2),
    "viewm1": lambda a: a.reshape(-1),
    "size": lambda a: a / a.size(1),
    "const": lambda a: (a + 1, torch.ones(2)),
}
for n, f in fs.items():
    check(n, Lambda(f), x)
check("ints", Lambda(lambda a: (a // 2, a % 3, a.float().mean(-1), a.sum(0))), i3)


class GPT(nn.Module):
    def __init__(s):
        super().__init__()
        s.wte = nn.Embedding(20, 16)
        s.wpe = nn.Embedding(8, 16)
        s.l = nn.Linear(16, 48)
        s.h = nn.Linear(16, 20, bias=False)
        s.register_buffer("bias", torch.tril(torch.ones(8, 8)).view(1, 1, 8, 8))
        s.ln = nn.LayerNorm(16)

    def forward(s, idx):
        B, T = idx.size()
        pos = torch.arange(0, T)
        x = s.wte(idx) + s.wpe(pos)
        q, k, v = s.l(s.ln(x)).split(16, dim=2)
        q, k, v = (t.view(B, T, 2, 8).transpose(1, 2) for t in (q, k, v))
        att = (q @ k.transpose(-2, -1)) * (1 / 8**0.5)
        att = att.masked_fill(s.bias[:, :, :T, :T] == 0, float("-inf"))
        y = (att.softmax(-1) @ v).transpose(1, 2).contiguous().view(B, T, 16)
        return s.h(x + y)


check("gpt", GPT(), torch.randint(0, 20, (2, 6)), {"idx": {0: "b"}}, torch.randint(0, 20, (5, 6)))
check("gpt T", GPT(), torch.randint(0, 20, (2, 6)), {"idx": {0: "b", 1: "t"}}, torch.randint(0, 20, (5, 3)))
for name, model, given, varying in (
    ("size", Lambda(lambda a: a * len(a)), x, {"a": {0: "t"}}),
    ("item", Lambda(lambda a: a * a.sum().item()), x, None),
    ("sort", Lambda(lambda a: torch.sort(a)), x, None),
):
    try:
        torch.onnx.export(model, (given,), io.BytesIO(), dynamic_axes=varying)
        print("accepted:", name)
    except torch.onnx.errors.OnnxExporterError as e:
        print(type(e).__name__, str(e).split("\n")[0])
check("gn dyn", nn.GroupNorm(3, 3), img, {"input": {0: "b"}}, torch.randn(5, 3, 8, 8))
check("enc dyn", nn.TransformerEncoder(nn.TransformerEncoderLayer(16, 2, 32, batch_first=True), 1), seq, {"src": {0: "b"}}, torch.randn(3, 5, 16))
check("lstm dyn", nn.LSTM(16, 4, batch_first=True), seq, {"input": {0: "b"}}, torch.randn(3, 5, 16))
check(
    "gpt dyn T",
    type(
        "G2",
        (nn.Module,),
        {
            "__init__": lambda s: (nn.Module.__init__(s), setattr(s, "e", nn.Embedding(20, 16)), setattr(s, "p", nn.Embedding(8, 16)), setattr(s, "h", nn.Linear(16, 20)))[0],
            "forward": lambda s, i: s.h(F.scaled_dot_product_attention(*[(s.e(i) + s.p(torch.arange(i.size(1))))] * 3)),
        },
    )(),
    torch.randint(0, 20, (2, 6)),
    {"i": {0: "b", 1: "t"}},
    torch.randint(0, 20, (5, 4)),
)
check(
    "tr dyn",
    nn.Transformer(16, 2, 1, 1, 32, batch_first=True),
    (torch.randn(2, 5, 16), torch.randn(2, 4, 16)),
    {"src": {0: "b", 1: "s"}, "tgt": {0: "b", 1: "t"}},
    (torch.randn(3, 6, 16), torch.randn(3, 7, 16)),
)
check("gru dyn", nn.GRU(16, 4, batch_first=True), seq, {"input": {0: "b"}}, torch.randn(7, 5, 16))
check(
    "two b",
    Lambda(lambda a, b: (a.view(a.size(0), -1) + b, a.new_zeros(a.size(0), 3) + 1)),
    (torch.randn(2, 3, 1), torch.randn(2, 3)),
    {"a": {0: "b"}, "a_1": {0: "b"}},
    (torch.randn(5, 3, 1), torch.randn(5, 3)),
)

print(ran, "models and functions run as they do here")
