"""Recurrent layers and cells as functions, as PyTorch's C++ has them: `lstm`, `gru`, `rnn_tanh`, `rnn_relu`, and `…_cell`. The steps are those of the
modules (`nn/modules/rnn.py`), with weights that are given."""

from . import nn
from .nn.modules import rnn

F = nn.functional


def _given(kind, gates, input, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, **options):
    """A module of this kind over the weights given, which come layer by layer and direction by direction."""
    directions = 2 if bidirectional else 1
    count, rest = divmod(len(params), num_layers * directions)
    projects = count == (5 if has_biases else 3)
    if rest or not projects and count != (4 if has_biases else 2):
        raise RuntimeError(f"got an incorrect number of RNN parameters: {len(params)} for {num_layers * directions} layers and directions")

    given = [list(params[k : k + count]) for k in range(0, len(params), count)]
    hidden = params[0].size(0) // gates
    if projects:
        options["proj_size"] = params[1].size(1)
    shown = type(kind.__name__, (kind,), {"all_weights": given})
    made = shown(input.size(-1), hidden, num_layers, bias=has_biases, batch_first=batch_first, dropout=dropout, bidirectional=bidirectional, device="meta", **options)
    return made.train(train)


def _called(kind, gates, states, args, **options):
    """A call in one of two forms: of rows and states, or of packed rows, their sizes and states."""
    if len(args) == 9 and isinstance(args[3], (list, tuple)):
        data, sizes, hx, params, has_biases, num_layers, dropout, train, bidirectional = args
        module = _given(kind, gates, data, params, has_biases, num_layers, dropout, train, bidirectional, False, **options)
        packed, hidden = module(nn.utils.rnn.PackedSequence(data, sizes), hx if states == 1 else tuple(hx))
        return packed.data, hidden
    input, hx, params, has_biases, num_layers, dropout, train, bidirectional, batch_first = args
    module = _given(kind, gates, input, params, has_biases, num_layers, dropout, train, bidirectional, batch_first, **options)
    return module(input, hx if states == 1 else tuple(hx))


def lstm(*args):
    """`nn.LSTM` with weights that are given: the results, and the last two states."""
    output, (h, c) = _called(rnn.LSTM, 4, 2, args)
    return output, h, c


def gru(*args):
    """`nn.GRU` with weights that are given: the results, and the last state."""
    return _called(rnn.GRU, 3, 1, args)


def rnn_tanh(*args):
    """`nn.RNN` with weights that are given: the results, and the last state."""
    return _called(rnn.RNN, 1, 1, args, nonlinearity="tanh")


def rnn_relu(*args):
    """As `rnn_tanh`, with relu."""
    return _called(rnn.RNN, 1, 1, args, nonlinearity="relu")


def lstm_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a long short-term memory: both states."""
    return rnn._lstm_step(F.linear(input, w_ih, b_ih), tuple(hx), w_hh, b_hh)[1]


def gru_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of gated recurrent units: the state."""
    return rnn._gru_step(F.linear(input, w_ih, b_ih), (hx,), w_hh, b_hh)[0]


def rnn_tanh_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """One step of a recurrent layer: the state."""
    return rnn._rnn_step(F.linear(input, w_ih, b_ih), (hx,), w_hh, b_hh, lambda x: x.tanh())[0]


def rnn_relu_cell(input, hx, w_ih, w_hh, b_ih=None, b_hh=None):
    """As `rnn_tanh_cell`, with relu."""
    return rnn._rnn_step(F.linear(input, w_ih, b_ih), (hx,), w_hh, b_hh, F.relu)[0]


for _function in (lstm, gru, rnn_tanh, rnn_relu, lstm_cell, gru_cell, rnn_tanh_cell, rnn_relu_cell):
    _function.__module__ = "pullback"
