"""What PyTorch keeps for older programs: shells of compiled modules, versions of files, deprecated functions and their warnings."""

import copy
import io
import pickle
import warnings
import zipfile

import pytest

import pullback as torch
from pullback import nn


def test_a_compiled_module_is_a_shell_around_it():
    net = nn.Sequential(nn.Linear(2, 3), nn.Dropout(0.5))
    compiled = torch.compile(net, mode="max-autotune")
    assert type(compiled).__name__ == "OptimizedModule" and compiled._orig_mod is net
    assert list(compiled.state_dict()) == ["_orig_mod.0.weight", "_orig_mod.0.bias"]
    assert repr(compiled) == "OptimizedModule(\n  (_orig_mod): Sequential(\n    (0): Linear(in_features=2, out_features=3, bias=True)\n    (1): Dropout(p=0.5, inplace=False)\n  )\n)"
    compiled.eval()
    assert not net.training and not net[1].training and not compiled.training
    compiled.extra = 3
    assert net.extra == 3 and "extra" not in compiled.__dict__ and len(compiled) == 2
    del compiled.extra
    assert not hasattr(net, "extra")
    assert torch.equal(compiled(torch.ones(2)), net(torch.ones(2)))
    other = copy.deepcopy(compiled)
    assert other._orig_mod is not net and torch.equal(other(torch.ones(2)), net(torch.ones(2)))
    assert list(pickle.loads(pickle.dumps(compiled)).state_dict()) == list(compiled.state_dict())
    net.load_state_dict({k.removeprefix("_orig_mod."): v for k, v in compiled.state_dict().items()})
    assert [p is q for p, q in zip(compiled.parameters(), net.parameters())] == [True, True]
    seen = []
    compiled.register_forward_hook(lambda *_: seen.append(1))
    compiled(torch.ones(2))
    assert seen == [1] and torch.compile(net, disable=True) is net
    with pytest.raises(TypeError, match="Linear does not support len"):
        len(torch.compile(nn.Linear(1, 1)))


def test_what_compile_takes():
    f = lambda x: x + 1
    assert torch.compile(f) is f and torch.compile(mode="default")(f) is f
    for given, error, text in (
        (lambda: torch.compile(3), AssertionError, "A callable function is expected, but <class 'int'> is provided."),
        (lambda: torch.compile(f, mode="fast"), RuntimeError, "Unrecognized mode=fast, should be one of: default, lite, reduce-overhead"),
        (lambda: torch.compile(f, mode="default", options={}), RuntimeError, "Either mode or options can be specified"),
    ):
        with pytest.raises(error) as caught:
            given()
        assert str(caught.value).startswith(text)


def of_version(text):
    """A file whose record of its version is another one, or none."""
    saved = io.BytesIO()
    torch.save({"a": torch.ones(2)}, saved)
    source, made = zipfile.ZipFile(saved), io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name in source.namelist():
            if not name.endswith("/version"):
                archive.writestr(name, source.read(name))
            elif text is not None:
                archive.writestr(name, text)
    made.seek(0)
    return made


@pytest.mark.parametrize("text", [b"1\n", b"2", b"10\n", b"3x", b" 3", b"+3", b"3\0"])
def test_versions_that_are_read(text):
    assert torch.equal(torch.load(of_version(text))["a"], torch.ones(2))


@pytest.mark.parametrize(
    "text, says",
    [
        (None, 'Expected hasRecord("version") to be true, but got false.'),
        (b"0\n", "Attempted to read a PyTorch file with version 0, but the minimum supported version for reading is 1."),
        (b"-1", "Attempted to read a PyTorch file with version -1, but the minimum supported"),
        (b"11\n", "Attempted to read a PyTorch file with version 11, but the maximum supported version for reading is 10."),
        (b"x\n", "Couldn't parse the version x"),
        (b"", "Couldn't parse the version  as Long Long."),
        (b"\xff", "Couldn't parse the version"),
    ],
)
def test_versions_that_are_not(text, says):
    with pytest.raises(RuntimeError) as caught:
        torch.load(of_version(text))
    assert str(caught.value).startswith(says)


A = torch.eye(3) + 0.1
WARNED = {
    "lu": (lambda: torch.lu(A), "torch.lu is deprecated in favor of torch.linalg.lu_factor / torch.linalg.lu_factor_ex"),
    "lu_solve": (lambda: torch.lu_solve(A, *torch.linalg.lu_factor(A)), "torch.lu_solve is deprecated in favor of torch.linalg.lu_solve"),
    "triangular_solve": (lambda: torch.triangular_solve(A, A), "torch.triangular_solve is deprecated in favor of torch.linalg.solve_triangular"),
    "chain_matmul": (lambda: torch.chain_matmul(A, A), "torch.chain_matmul is deprecated and will be removed"),
    "meshgrid": (lambda: torch.meshgrid(A[0], A[1]), "torch.meshgrid: in an upcoming release, it will be required to pass the indexing argument."),
    "nuclear_norm": (lambda: torch.nuclear_norm(A), "at::nuclear_norm is deprecated"),
    "frobenius_norm": (lambda: torch.frobenius_norm(A, (0, 1)), "at::frobenius_norm is deprecated"),
    "default type": (lambda: torch.set_default_tensor_type("torch.FloatTensor"), "torch.set_default_tensor_type() is deprecated as of PyTorch 2.1"),
    "clip": (lambda: nn.utils.clip_grad_norm([nn.Parameter(A)], 1.0), "`torch.nn.utils.clip_grad_norm` is now deprecated"),
    "pin_memory": (lambda: list(torch.utils.data.DataLoader([1], pin_memory=True)), "'pin_memory' argument is set as true but no accelerator is found"),
    "encoder": (lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2), 1), "enable_nested_tensor is True, but self.use_nested_tensor is False because encoder_layer.self_attn.batch_first"),
    "cuda autocast": (lambda: torch.cuda.amp.autocast(enabled=False), "`torch.cuda.amp.autocast(args...)` is deprecated."),
}


@pytest.mark.parametrize("name", WARNED)
def test_warnings(name):
    call, text = WARNED[name]
    with warnings.catch_warnings(record=True) as caught:
        warnings.simplefilter("always")
        call()
    assert any(str(w.message).startswith(text) and w.filename == __file__ for w in caught), [str(w.message) for w in caught]


def test_what_says_how_it_is_meant_is_not_warned_of():
    with warnings.catch_warnings():
        warnings.simplefilter("error")
        torch.meshgrid(A[0], A[1], indexing="ij")
        nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, batch_first=True), 1)


@pytest.mark.filterwarnings("ignore")
def test_older_functions():
    assert torch.allclose(torch.nuclear_norm(A), torch.tensor(3.3)) and torch.nuclear_norm(A, True).shape == (1, 1)
    assert torch.allclose(torch.frobenius_norm(A, 0, True), torch.linalg.vector_norm(A, dim=0, keepdim=True))
    torch.set_default_tensor_type("torch.DoubleTensor")
    try:
        assert torch.ones(1).dtype == torch.float64
    finally:
        torch.set_default_tensor_type("torch.FloatTensor")
    with pytest.raises(TypeError, match="invalid type object"):
        torch.set_default_tensor_type("torch.Nothing")
    with pytest.raises(RuntimeError, match="`torch.linalg.eig` returns complex tensors"):
        torch.eig(A)


X, W = torch.ones(2, 2, dtype=torch.int64), torch.ones(3, 2)


@pytest.mark.parametrize(
    "call, says",
    [
        (lambda: nn.functional.linear(X, W, torch.ones(3)), "mat1 and mat2 must have the same dtype, but got Long and Float"),
        (lambda: nn.functional.linear(X[0], W, torch.ones(3)), "mat1 and mat2 must have the same dtype, but got Long and Float"),
        (lambda: nn.functional.linear(X.float(), W, torch.ones(3).double()), "self and mat2 must have the same dtype, but got Double and Float"),
        (lambda: nn.functional.linear(X, W), "expected m1 and m2 to have the same dtype, but got: long int != float"),
        (lambda: torch.addmm(torch.ones(3), X, W.T), "mat1 and mat2 must have the same dtype, but got Long and Float"),
        (lambda: nn.Conv2d(1, 1, 1)(torch.ones(1, 1, 2, 2, dtype=torch.int64)), "Input type (long int) and bias type (float) should be the same"),
        (lambda: nn.Conv2d(1, 1, 1, bias=False)(torch.ones(1, 1, 2, 2, dtype=torch.int64)), "expected scalar type Long but found Float"),
    ],
)
def test_layers_given_another_dtype(call, says):
    with pytest.raises(RuntimeError) as caught:
        call()
    assert str(caught.value).startswith(says)


def test_recurrent_functions_under_autocast():
    x, h = torch.randn(5, 2, 3), torch.zeros(1, 2, 4)
    with torch.autocast("cpu"):
        lstm, rnn, gru = (getattr(nn, kind)(3, 4)._flat_weights for kind in ("LSTM", "RNN", "GRU"))
        assert {t.dtype for t in torch.lstm(x, [h, h], lstm, True, 1, 0.0, False, False, False)} == {torch.bfloat16}
        assert {t.dtype for t in torch.rnn_tanh(x, h, rnn, True, 1, 0.0, False, False, False)} == {torch.bfloat16}
        # As in PyTorch, whose GRU stays in float32 there.
        assert {t.dtype for t in torch.gru(x, h, gru, True, 1, 0.0, False, False, False)} == {torch.float32}
        assert torch.rnn_tanh_cell(x[0], h[0], *rnn).dtype == torch.bfloat16
        assert nn.LSTM(3, 4)(x)[0].dtype == torch.bfloat16
