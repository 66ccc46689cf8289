"""Recurrent layers, and their cells: RNN, LSTM, GRU. They call the functions `lstm`, `gru`, `rnn_tanh`, `rnn_relu`; where somebody must see the operations of each step
(an export to ONNX, autocast), those are called one after the other."""

import math
import numbers
import sys
import warnings

from ... import cat, empty, stack, zeros
from .. import functional as F
from .. import init
from ..parameter import Parameter
from ..utils.rnn import PackedSequence
from .module import Module


def _exporting():
    """Whether an export to ONNX wants to see the operations of each step."""
    onnx = sys.modules.get("pullback.onnx")
    return onnx is not None and onnx.is_in_onnx_export()


def _autocast():
    return sys.modules["pullback"].is_autocast_enabled("cpu")


def _rnn_step(gates, state, weight_hh, bias_hh, activation):
    (h,) = state
    h = activation(gates + F.linear(h, weight_hh, bias_hh))
    return h, (h,)


def _lstm_step(gates, state, weight_hh, bias_hh, weight_hr=None):
    h, c = state
    i, f, g, o = (gates + F.linear(h, weight_hh, bias_hh)).chunk(4, -1)
    c = f.sigmoid() * c + i.sigmoid() * g.tanh()
    h = o.sigmoid() * c.tanh()
    if weight_hr is not None:
        h = F.linear(h, weight_hr)
    return h, (h, c)


def _gru_step(gates, state, weight_hh, bias_hh):
    (h,) = state
    reset_x, update_x, new_x = gates.chunk(3, -1)
    reset_h, update_h, new_h = F.linear(h, weight_hh, bias_hh).chunk(3, -1)
    reset, update = (reset_h + reset_x).sigmoid(), (update_h + update_x).sigmoid()
    new = (new_x + new_h * reset).tanh()
    h = (h - new) * update + new
    return h, (h,)


class RNNBase(Module):
    """What recurrent layers have in common: weights by layer and direction, and how steps follow each other."""

    __constants__ = ["mode", "input_size", "hidden_size", "num_layers", "bias", "batch_first", "dropout", "bidirectional", "proj_size"]

    def __init__(
        self,
        mode,
        input_size,
        hidden_size,
        num_layers=1,
        bias=True,
        batch_first=False,
        dropout=0.0,
        bidirectional=False,
        proj_size=0,
        device=None,
        dtype=None,
    ):
        super().__init__()
        self.mode, self.input_size, self.hidden_size, self.num_layers = mode, input_size, hidden_size, num_layers
        self.bias, self.batch_first, self.dropout = bias, batch_first, float(dropout)
        self.bidirectional, self.proj_size = bidirectional, proj_size
        if not isinstance(dropout, numbers.Number) or not 0 <= dropout <= 1 or isinstance(dropout, bool):
            raise ValueError("dropout should be a number in range [0, 1] representing the probability of an element being zeroed")
        if dropout > 0 and num_layers == 1:
            warnings.warn(
                "dropout option adds dropout after all but last recurrent layer, so non-zero dropout expects num_layers greater than 1, "
                f"but got dropout={dropout} and num_layers={num_layers}",
                stacklevel=2,
            )
        for what, value in (("bias", bias), ("batch_first", batch_first)):
            if not isinstance(value, bool):
                raise TypeError(f"{what} should be of type bool, got: {type(value).__name__}")
        if not isinstance(input_size, int):
            raise TypeError(f"input_size should be of type int, got: {type(input_size).__name__}")
        if input_size <= 0:
            raise ValueError("input_size must be greater than zero")
        if not isinstance(hidden_size, int):
            raise TypeError(f"hidden_size should be of type int, got: {type(hidden_size).__name__}")
        if hidden_size <= 0:
            raise ValueError("hidden_size must be greater than zero")
        if num_layers <= 0:
            raise ValueError("num_layers must be greater than zero")
        if proj_size < 0:
            raise ValueError("proj_size should be a positive integer or zero to disable projections")
        if proj_size >= hidden_size:
            raise ValueError("proj_size has to be smaller than hidden_size")
        gates = {"LSTM": 4, "GRU": 3, "RNN_TANH": 1, "RNN_RELU": 1}[mode] * hidden_size
        real = proj_size if proj_size > 0 else hidden_size
        self._flat_weights_names, self._all_weights = [], []
        for layer in range(num_layers):
            for suffix in ("", "_reverse") if bidirectional else ("",):
                size = input_size if layer == 0 else real * (2 if bidirectional else 1)
                shapes = {f"weight_ih_l{layer}{suffix}": (gates, size), f"weight_hh_l{layer}{suffix}": (gates, real)}
                if bias:
                    shapes |= {f"bias_ih_l{layer}{suffix}": (gates,), f"bias_hh_l{layer}{suffix}": (gates,)}
                if proj_size > 0:
                    shapes[f"weight_hr_l{layer}{suffix}"] = (proj_size, hidden_size)
                for name, shape in shapes.items():
                    setattr(self, name, Parameter(empty(shape, device=device, dtype=dtype)))
                self._flat_weights_names.extend(shapes)
                self._all_weights.append(list(shapes))
        self.reset_parameters()

    def reset_parameters(self):
        """Draws all weights anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def flatten_parameters(self):
        """Nothing: weights lie where they are."""

    @property
    def all_weights(self):
        """The weights of each layer and direction."""
        return [[getattr(self, name) for name in names] for names in self._all_weights]

    def __getstate__(self):
        # PyTorch's recurrent layers keep their weights in a list too.
        return {**self.__dict__, "_flat_weights": self._flat_weights}

    def __setstate__(self, state):
        super().__setstate__({k: v for k, v in state.items() if k not in ("_flat_weights", "_flat_weight_refs")})

    @property
    def _flat_weights(self):
        return [getattr(self, name) for name in self._flat_weights_names]

    def extra_repr(self):
        s = f"{self.input_size}, {self.hidden_size}"
        if self.proj_size != 0:
            s += f", proj_size={self.proj_size}"
        if self.num_layers != 1:
            s += f", num_layers={self.num_layers}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if self.batch_first is not False:
            s += f", batch_first={self.batch_first}"
        if self.dropout != 0:
            s += f", dropout={self.dropout}"
        if self.bidirectional is not False:
            s += f", bidirectional={self.bidirectional}"
        return s

    # How one step goes; LSTM has two states, the others one.
    _states = 1

    def _step(self):
        if self.mode == "LSTM":
            return _lstm_step
        if self.mode == "GRU":
            return _gru_step
        activation = (lambda x: x.tanh()) if self.mode == "RNN_TANH" else F.relu
        return lambda gates, state, w, b: _rnn_step(gates, state, w, b, activation)

    def _sizes(self, samples):
        layers = self.num_layers * (2 if self.bidirectional else 1)
        real = self.proj_size if self.proj_size > 0 else self.hidden_size
        return [(layers, samples, real), (layers, samples, self.hidden_size)][: self._states]

    def check_input(self, input, batch_sizes):
        """Errors where the input does not fit."""
        own = self._flat_weights[0].dtype
        if input.dtype is not own:
            from ... import is_autocast_enabled

            if not is_autocast_enabled("cpu"):
                raise ValueError(f"RNN input dtype ({input.dtype}) does not match weight dtype ({own}). Convert input: input.to({own}), or convert model: model.to({input.dtype})")
        if batch_sizes is not None and input.dim() != 2:
            raise RuntimeError(f"input must have 2 dimensions, got {input.dim()}")
        if self.input_size != input.size(-1):
            raise RuntimeError(f"input.size(-1) must be equal to input_size. Expected {self.input_size}, got {input.size(-1)}")

    def _check_states(self, states, samples):
        for k, (state, size) in enumerate(zip(states, self._sizes(samples))):
            if tuple(state.size()) != size:
                name = f"hidden[{k}]" if self._states > 1 else "hidden"
                raise RuntimeError(f"Expected {name} size {size}, got {list(state.size())}")

    def _direction(self, rows, sizes, state, weights, reverse):
        """All steps of one layer in one direction: the results in order, and the last states. `rows` is data packed by `sizes`."""
        step = self._step()
        weight_ih, weight_hh, *more = weights
        bias_ih, bias_hh = more[:2] if self.bias else (None, None)
        extra = [more[-1]] if self.proj_size > 0 else []
        gates = F.linear(rows, weight_ih, bias_ih).split(sizes)
        outputs, ended = [None] * len(sizes), []
        now = tuple(s[: sizes[-1 if reverse else 0]] for s in state)
        for t in reversed(range(len(sizes))) if reverse else range(len(sizes)):
            have, want = now[0].size(0), sizes[t]
            if want > have:
                now = tuple(cat([s, first[have:want]]) for s, first in zip(now, state))
            elif want < have:
                ended.append(tuple(s[want:] for s in now))
                now = tuple(s[:want] for s in now)
            outputs[t], now = step(gates[t], now, weight_hh, bias_hh, *extra)
        for rest in reversed(ended):
            now = tuple(cat([s, r]) for s, r in zip(now, rest))
        return outputs, now

    def _whole(self, rows, sizes, states):
        """All layers by one function: over packed rows, or, with `sizes` None, over (steps, samples, features)."""
        function = getattr(sys.modules["pullback"], self.mode.lower())
        hx = states if self._states > 1 else states[0]
        given = (rows, hx) if sizes is None else (rows, sizes, hx)
        how = (self.bias, self.num_layers, self.dropout, self.training, self.bidirectional)
        rows, *lasts = function(*given, self._flat_weights, *how, *([False] if sizes is None else []))
        return rows, lasts

    def _run(self, rows, sizes, states):
        lasts = []
        weights = self.all_weights
        directions = 2 if self.bidirectional else 1
        for layer in range(self.num_layers):
            made = []
            for direction in range(directions):
                at = layer * directions + direction
                outputs, last = self._direction(rows, sizes, [s[at] for s in states], weights[at], direction == 1)
                made.append(cat(outputs))
                lasts.append(last)
            rows = made[0] if directions == 1 else cat(made, -1)
            if self.dropout and layer + 1 < self.num_layers:
                rows = F.dropout(rows, self.dropout, self.training)
        return rows, [stack([last[k] for last in lasts]) for k in range(self._states)]

    def _forward(self, input, states):
        packed = isinstance(input, PackedSequence)
        if packed:
            data, batch_sizes, sorted_indices, unsorted_indices = input
            sizes, order = batch_sizes.tolist(), lambda s, i: s if i is None else s.index_select(1, i)
            samples = sizes[0]
            self.check_input(data, batch_sizes)
            if states is not None:
                states = [order(s, sorted_indices) for s in states]
        else:
            name = type(self).__name__
            if input.dim() not in (2, 3):
                raise ValueError(f"{name}: Expected input to be 2D or 3D, got {input.dim()}D instead")
            alone = input.dim() == 2
            if alone:
                input = input.unsqueeze(0 if self.batch_first else 1)
                if states is not None:
                    for s in states:
                        if s.dim() != 2:
                            raise RuntimeError(f"For unbatched 2-D input, hx should also be 2-D but got {s.dim()}-D tensor")
                    states = [s.unsqueeze(1) for s in states]
            elif states is not None:
                for s in states:
                    if s.dim() != 3:
                        raise RuntimeError(f"For batched 3-D input, hx should also be 3-D but got {s.dim()}-D tensor")
            self.check_input(input, None)
            if self.batch_first:
                input = input.transpose(0, 1)
            length, samples = input.size(0), input.size(1)
            if length == 0:
                raise RuntimeError("Expected sequence length to be larger than 0 in RNN")
            data = input
        if states is None:
            states = [zeros(size, dtype=data.dtype) for size in self._sizes(samples)]
        self._check_states(states, samples)
        # Under autocast `lstm` and `rnn_tanh` compute in fewer digits as a whole; of a GRU only the products do, as in PyTorch.
        if not _exporting() and not (_autocast() and self.mode == "GRU"):
            rows, lasts = self._whole(data, batch_sizes if packed else None, states)
        elif packed:
            rows, lasts = self._run(data, sizes, states)
        else:
            rows, lasts = self._run(data.reshape(length * samples, data.size(2)), [samples] * length, states)
        if packed:
            lasts = [order(s, unsorted_indices) for s in lasts]
            return PackedSequence(rows, batch_sizes, sorted_indices, unsorted_indices), lasts
        output = rows.reshape(length, samples, rows.size(-1))
        if self.batch_first:
            output = output.transpose(0, 1)
        if alone:
            output, lasts = output.squeeze(0 if self.batch_first else 1), [s.squeeze(1) for s in lasts]
        return output, lasts


class RNN(RNNBase):
    """Elman's network: h = tanh(W x + b + U h + c), or with relu; in layers and directions."""

    def __init__(self, input_size, hidden_size, num_layers=1, nonlinearity="tanh", *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        if nonlinearity not in ("tanh", "relu"):
            raise ValueError(f"Unknown nonlinearity '{nonlinearity}'. Select from 'tanh' or 'relu'.")
        super().__init__("RNN_TANH" if nonlinearity == "tanh" else "RNN_RELU", input_size, hidden_size, num_layers, *args, **kwargs)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        output, (h,) = self._forward(input, None if hx is None else [hx])
        return output, h


class LSTM(RNNBase):
    """Long short-term memory in layers and directions, with projections if asked for."""

    _states = 2

    def __init__(self, *args, **kwargs):
        super().__init__("LSTM", *args, **kwargs)

    def forward(self, input, hx=None):
        output, states = self._forward(input, None if hx is None else list(hx))
        return output, tuple(states)


class GRU(RNNBase):
    """Gated recurrent units in layers and directions."""

    def __init__(self, *args, **kwargs):
        if "proj_size" in kwargs:
            raise ValueError("proj_size argument is only supported for LSTM, not RNN or GRU")
        super().__init__("GRU", *args, **kwargs)

    def forward(self, input, hx=None):
        output, (h,) = self._forward(input, None if hx is None else [hx])
        return output, h


class RNNCellBase(Module):
    """What cells have in common: two weights and two biases."""

    __constants__ = ["input_size", "hidden_size", "bias"]

    def __init__(self, input_size, hidden_size, bias, num_chunks, device=None, dtype=None):
        super().__init__()
        self.input_size, self.hidden_size, self.bias = input_size, hidden_size, bias
        self.weight_ih = Parameter(empty((num_chunks * hidden_size, input_size), device=device, dtype=dtype))
        self.weight_hh = Parameter(empty((num_chunks * hidden_size, hidden_size), device=device, dtype=dtype))
        for name in ("bias_ih", "bias_hh"):
            self.register_parameter(name, Parameter(empty(num_chunks * hidden_size, device=device, dtype=dtype)) if bias else None)
        self.reset_parameters()

    def extra_repr(self):
        s = f"{self.input_size}, {self.hidden_size}"
        if self.bias is not True:
            s += f", bias={self.bias}"
        if getattr(self, "nonlinearity", "tanh") != "tanh":
            s += f", nonlinearity={self.nonlinearity}"
        return s

    def reset_parameters(self):
        """Draws all weights anew."""
        bound = 1.0 / math.sqrt(self.hidden_size) if self.hidden_size > 0 else 0
        for weight in self.parameters():
            init.uniform_(weight, -bound, bound)

    def _function(self):
        """The function of one step."""
        kind = {"LSTMCell": "lstm", "GRUCell": "gru", "RNNCell": f"rnn_{getattr(self, 'nonlinearity', 'tanh')}"}
        return next(kind[c.__name__] for c in type(self).__mro__ if c.__name__ in kind) + "_cell"

    def _cell(self, input, states, step):
        name = type(self).__name__
        if input.dim() not in (1, 2):
            raise ValueError(f"{name}: Expected input to be 1D or 2D, got {input.dim()}D instead")
        for k, state in enumerate(states or ()):
            if state.dim() not in (1, 2):
                what = f"hx[{k}]" if step is _lstm_step else "hidden"
                raise ValueError(f"{name}: Expected {what} to be 1D or 2D, got {state.dim()}D instead")
        if input.size(-1) != self.input_size:
            raise RuntimeError(f"input has inconsistent input_size: got {input.size(-1)} expected {self.input_size}")
        alone = input.dim() == 1
        if alone:
            input = input.unsqueeze(0)
        if states is None:
            states = [zeros(input.size(0), self.hidden_size, dtype=input.dtype)] * (2 if step is _lstm_step else 1)
        elif alone:
            states = [s.unsqueeze(0) for s in states]
        for state in states:
            if state.size(0) != input.size(0):
                raise RuntimeError(f"Input batch size {input.size(0)} doesn't match hidden0 batch size {state.size(0)}")
            if state.size(1) != self.hidden_size:
                raise RuntimeError(f"hidden0 has inconsistent hidden_size: got {state.size(1)}, expected {self.hidden_size}")
        if _exporting() or _autocast():
            _, made = step(F.linear(input, self.weight_ih, self.bias_ih), tuple(states), self.weight_hh, self.bias_hh)
        else:
            function = getattr(sys.modules["pullback"], self._function())
            made = function(input, states if step is _lstm_step else states[0], self.weight_ih, self.weight_hh, self.bias_ih, self.bias_hh)
            made = made if step is _lstm_step else (made,)
        return tuple(s.squeeze(0) for s in made) if alone else made


class RNNCell(RNNCellBase):
    """One step of an Elman network."""

    __constants__ = ["input_size", "hidden_size", "bias", "nonlinearity"]

    def __init__(self, input_size, hidden_size, bias=True, nonlinearity="tanh", device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 1, device, dtype)
        self.nonlinearity = nonlinearity

    def forward(self, input, hx=None):
        if self.nonlinearity not in ("tanh", "relu"):
            raise RuntimeError(f"Unknown nonlinearity: {self.nonlinearity}")
        activation = (lambda x: x.tanh()) if self.nonlinearity == "tanh" else F.relu
        step = lambda gates, state, w, b: _rnn_step(gates, state, w, b, activation)
        return self._cell(input, None if hx is None else [hx], step)[0]


class LSTMCell(RNNCellBase):
    """One step of long short-term memory."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 4, device, dtype)

    def forward(self, input, hx=None):
        return self._cell(input, None if hx is None else list(hx), _lstm_step)


class GRUCell(RNNCellBase):
    """One step of gated recurrent units."""

    def __init__(self, input_size, hidden_size, bias=True, device=None, dtype=None):
        super().__init__(input_size, hidden_size, bias, 3, device, dtype)

    def forward(self, input, hx=None):
        return self._cell(input, None if hx is None else [hx], _gru_step)[0]
