"""What lies beneath PyTorch's layers and beside its list: statistics of norms, gradients as functions, bins and segments, `range`, shifts of halves.

Numbers are PyTorch's (`test_against_torch.py` compares more of them where PyTorch is installed), or follow from functions of the list.
"""

import warnings

import pytest

import pullback as torch

F = torch.nn.functional


def close(a, b, tolerance=1e-6):
    return tuple(a.shape) == tuple(b.shape) and bool(((a - b).abs() <= tolerance).all())


def test_statistics_of_norms():
    x = torch.arange(24.0).reshape(2, 3, 4).sin().requires_grad_()
    w, b = torch.arange(1.0, 5.0), torch.ones(4)
    out, mean, factor = torch.native_layer_norm(x, (4,), w, b, 1e-5)
    assert close(out, F.layer_norm(x, (4,), w, b)) and close(mean, x.mean(-1, keepdim=True))
    assert close(factor, (x.var(-1, correction=0, keepdim=True) + 1e-5).rsqrt()) and not mean.requires_grad and not factor.requires_grad
    out, mean, factor = torch.native_group_norm(x, None, None, 2, 3, 4, 3, 1e-5)
    assert close(out, F.group_norm(x, 3)) and mean.shape == (2, 3) and mean.requires_grad and close(mean, x.mean(-1))
    running = torch.zeros(3), torch.ones(3)
    out, mean, factor = torch.native_batch_norm(x, None, None, *running, True, 0.5, 1e-5)
    assert close(mean, x.mean((0, 2))) and close(running[0], 0.5 * x.mean((0, 2))) and not mean.requires_grad
    assert [t.numel() for t in torch.native_batch_norm(x, None, None, *running, False, 0.5, 1e-5)[1:]] == [0, 0]
    again = torch._native_batch_norm_legit(x, None, None, True, 0.5, 1e-5)
    assert close(again[0], out) and len(torch._batch_norm_with_update(x, None, None, *running, 0.5, 1e-5)) == 4


def test_gradients_as_functions():
    x = torch.arange(6.0).reshape(2, 3).cos().requires_grad_()
    g = torch.arange(6.0).reshape(2, 3)
    y = x.softmax(1)
    assert close(torch._softmax_backward_data(g, y.detach(), 1, torch.float32), torch.autograd.grad(y, x, g)[0])
    z = x.log_softmax(1)
    assert close(torch._log_softmax_backward_data(g, z.detach(), 1, torch.float32), torch.autograd.grad(z, x, g)[0])
    x = torch.arange(16.0).reshape(1, 1, 4, 4).sin().requires_grad_()
    y, at = F.max_pool2d(x, 2, 1, return_indices=True)
    seed = torch.ones_like(y).cumsum(-1)
    assert close(torch.max_pool2d_with_indices_backward(seed, x, 2, 1, 0, 1, False, at), torch.autograd.grad(y, x, seed)[0])
    torch.manual_seed(3)
    y, stayed = torch.native_dropout(x, 0.5, True)
    assert close(y, x * stayed * 2) and close(torch.native_dropout_backward(x, stayed, 2.0), y)
    assert bool(torch.native_dropout(x, 0.5, False)[1].all())


def test_indices_behind_a_mask():
    x, at = torch.arange(4.0).requires_grad_(), torch.tensor([0, 9, 3])
    mask = torch.tensor([True, False, True])
    got = torch._unsafe_masked_index(x, mask, [at], -1)
    assert got.tolist() == [0.0, -1.0, 3.0]
    got.sum().backward()
    assert x.grad.tolist() == [1.0, 0.0, 0.0, 1.0]
    table = torch.arange(6.0).reshape(2, 3)
    assert torch._unsafe_masked_index(table, torch.tensor([True, False]), [None, torch.tensor([2, 7])], 9).tolist() == [[2.0, 9.0], [5.0, 9.0]]
    put = torch._unsafe_masked_index_put_accumulate(x.detach(), mask, [at], torch.tensor([1.0, 5.0, 2.0]))
    assert put.tolist() == [1.0, 1.0, 2.0, 5.0]


def test_chunks_side_by_side():
    a, b = torch.arange(3.0).reshape(3, 1), torch.arange(4.0).reshape(2, 2)
    assert torch._chunk_cat([a, b], 0, 2).tolist() == [[0.0, 1.0, 0.0, 1.0], [2.0, 0.0, 2.0, 3.0]]
    with pytest.raises(RuntimeError, match="positive num_chunks"):
        torch._chunk_cat([a], 0, 0)


def test_histograms_of_points():
    points = torch.tensor([[0.0, 0.0], [0.25, 1.0], [1.0, 1.0], [0.5, 0.75], [2.0, 0.5], [float("nan"), 0.5]])
    edges = (torch.tensor([0.0, 0.5, 1.0]), torch.tensor([0.0, 0.5, 1.0]))
    hist, found = torch.histogramdd(points, edges)
    assert hist.tolist() == [[1.0, 1.0], [0.0, 2.0]] and [e.tolist() for e in found] == [e.tolist() for e in edges]
    weight = torch.tensor([1.0, 2.0, 4.0, 8.0, 16.0, 32.0])
    assert torch.histogramdd(points, [2, 2], range=[0, 1, 0, 1], weight=weight).hist.tolist() == [[1.0, 2.0], [0.0, 12.0]]
    assert torch.histogramdd(points[:5], 2, density=True).hist.sum().item() == pytest.approx(1 / (1.0 * 0.5))
    for args, text in [
        ((points[0], [2, 2]), "at least 2 dimensions"),
        ((points, [2]), "size of bins must be equal"),
        ((points, [2, 0]), "bins must be > 0, but got 0 for dimension 1"),
        ((points, [2, 2], [1.0, 0.0, 0.0, 1.0]), "min should not exceed max, but got min 1 max 0 for dimension 0"),
        ((points, [2, 2], None, torch.ones(2)), "same shape as the input tensor excluding its innermost dimension"),
        ((points, edges[:1]), "expected 2 sequences of bin edges for a 2-dimensional histogram but got 1"),
    ]:
        with pytest.raises(RuntimeError, match=text):
            torch.histogramdd(*args)
    with pytest.raises(NotImplementedError, match="\"histogramdd\" not implemented for 'Long'"):
        torch.histogramdd(points.nan_to_num().long(), 2)


def test_segments():
    x = torch.tensor([1.0, 5.0, 2.0, 4.0]).requires_grad_()
    lengths = torch.tensor([2, 0, 2])
    inf = float("inf")
    for reduce, want in {"sum": [6.0, 0.0, 6.0], "max": [5.0, -inf, 4.0], "min": [1.0, inf, 2.0], "prod": [5.0, 1.0, 8.0]}.items():
        assert torch.segment_reduce(x, reduce, lengths=lengths).tolist() == want
    assert torch.segment_reduce(x, "mean", lengths=lengths, initial=4).tolist() == [5.0, 4.0, 5.0]
    assert torch.segment_reduce(x, "mean", lengths=lengths)[1].isnan()
    made = torch.segment_reduce(x, "max", offsets=torch.tensor([0, 2, 4]), initial=4.5)
    assert made.tolist() == [5.0, 4.5]
    made.sum().backward()
    assert x.grad.tolist() == [0.0, 1.0, 0.0, 0.0]
    table = torch.arange(8.0).reshape(2, 4)
    assert torch.segment_reduce(table, "sum", lengths=torch.tensor([[1, 3], [2, 2]]), axis=1).tolist() == [[0.0, 6.0], [9.0, 13.0]]
    with pytest.raises(RuntimeError, match="Either lengths or offsets must be defined"):
        torch.segment_reduce(x, "sum")


def test_range():
    with pytest.warns(UserWarning, match="torch.range is deprecated and will be removed"):
        assert torch.range(1, 4).tolist() == [1.0, 2.0, 3.0, 4.0]
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        assert torch.range(1, 4, 0.5).numel() == 7 and torch.range(5, 1, -2).tolist() == [5.0, 3.0, 1.0]
        assert torch.range(0, 3, dtype=torch.int64).dtype is torch.int64
        with pytest.raises(RuntimeError, match="upper bound and lower bound inconsistent with step sign"):
            torch.range(3, 1)


def test_shifts_of_halves():
    x = torch.arange(10).reshape(2, 5)
    assert torch.fft.fftshift(x, 1).tolist() == [[3, 4, 0, 1, 2], [8, 9, 5, 6, 7]]
    assert torch.fft.ifftshift(torch.fft.fftshift(x)).tolist() == x.tolist()
    assert torch.fft.fftfreq(5, 0.5).tolist() == pytest.approx([0.0, 0.4, 0.8, -0.8, -0.4])
    assert torch.fft.rfftfreq(4).tolist() == [0.0, 0.25, 0.5]
    with pytest.raises(AttributeError, match="there are no complex numbers"):
        torch.fft.rfft


def test_bags_with_what_they_are_made_of():
    w = torch.arange(12.0).reshape(6, 2)
    i, o = torch.tensor([1, 2, 4, 5, 4, 3]), torch.tensor([0, 2, 2, 4])
    out, bag, sizes, kept = torch.embedding_bag(w, i, o, mode=1)
    assert bag.tolist() == [0, 0, 2, 2, 3, 3] and sizes.tolist() == kept.tolist() == [2, 0, 2, 2]
    assert out.tolist() == [[3.0, 4.0], [0.0, 0.0], [9.0, 10.0], [7.0, 8.0]]
    out, bag, sizes, most = torch.embedding_bag(w, i, o, mode=2, padding_idx=4)
    assert most.tolist() == [[2, 2], [0, 0], [5, 5], [3, 3]] and sizes.tolist() == [2, 0, 1, 1]
    bags = torch.nn.EmbeddingBag.from_pretrained(w, mode="sum", padding_idx=0)
    assert repr(bags) == "EmbeddingBag(6, 2, mode='sum', padding_idx=0)" and not bags.weight.requires_grad
    assert bags(torch.tensor([[0, 1]])).tolist() == [[2.0, 3.0]]
    with pytest.raises(NotImplementedError, match="sparse gradients"):
        F.embedding_bag(i, w, o, sparse=True)


def test_a_linear_layer_and_its_loss():
    torch.manual_seed(0)
    layer = torch.nn.LinearCrossEntropyLoss(3, 4, bias=True, options=torch.nn.LinearCrossEntropyOptions())
    x, target = torch.randn(5, 3), torch.tensor([0, 1, 2, 3, -100])
    want = F.cross_entropy(layer.linear(x), target)
    assert close(layer(x, target), want)
    with pytest.raises(ValueError, match="invalid acc_policy: 'fast'"):
        torch.nn.LinearCrossEntropyOptions(acc_policy="fast")
    with pytest.raises(RuntimeError, match="expected equal input and linear_weight last dimensions"):
        F.linear_cross_entropy(x, torch.ones(4, 2), target)


def test_functions_written_over_their_argument():
    x = torch.tensor([-1.0, 2.0])
    assert torch.celu_(x) is x and x[1] == 2 and close(x[:1], torch.tensor([-1.0]).exp() - 1)
    assert torch.adjoint(torch.ones(2, 3)).shape == (3, 2) and torch.is_same_size(x, x) and not torch.is_conj(x)
    assert torch.norm_except_dim(torch.tensor([[3.0, 4.0], [0.0, 1.0]])).tolist() == [[5.0], [1.0]]


@pytest.mark.parametrize("kind", ["LSTM", "GRU", "RNN"])
def test_recurrent_layers_as_functions(kind):
    torch.manual_seed(1)
    layer = getattr(torch.nn, kind)(3, 4, 2, bidirectional=True)
    x, h = torch.randn(5, 2, 3), torch.randn(4, 2, 4)
    states = (h, torch.randn(4, 2, 4)) if kind == "LSTM" else h
    function = {"LSTM": torch.lstm, "GRU": torch.gru, "RNN": torch.rnn_tanh}[kind]
    want, last = layer(x, states)
    got, *lasts = function(x, states, list(layer.parameters()), True, 2, 0.0, True, True, False)
    assert torch.equal(got, want) and torch.equal(lasts[0], last[0] if kind == "LSTM" else last)
    packed = torch.nn.utils.rnn.pack_padded_sequence(x, [5, 3])
    got = function(packed.data, packed.batch_sizes, states, list(layer.parameters()), True, 2, 0.0, True, True)[0]
    assert torch.equal(got, layer(packed, states)[0].data)
    cell = getattr(torch.nn, kind + "Cell")(3, 4)
    function = {"LSTM": torch.lstm_cell, "GRU": torch.gru_cell, "RNN": torch.rnn_tanh_cell}[kind]
    states = (h[0], h[1]) if kind == "LSTM" else h[0]
    want, got = cell(x[0], states), function(x[0], states, *cell.parameters())
    assert torch.equal(got[0], want[0]) if kind == "LSTM" else torch.equal(got, want)
