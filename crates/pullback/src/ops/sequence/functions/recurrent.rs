//! PyTorch's `lstm`, `gru`, `rnn_tanh`, `rnn_relu`, each of padded and of packed sequences, and their cells.

use crate::Result;
use crate::call::{Args, Function, Value};
use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure};
use crate::core::tensor::Tensor;
use crate::ops::sequence::stack::{Kind, Layers, Weights, cell, layers};
use pullback_array::Called;
use std::panic::Location;

/// The weights of all layers and directions, which are given one after the other.
fn weights<'a>(
    params: &[&'a Tensor],
    kind: Kind,
    biases: bool,
    both: bool,
    count: i64,
) -> Result<Vec<Weights<'a>>> {
    let (plain, more) = if biases { (4, 2) } else { (2, 0) };
    let directions = count.saturating_mul(if both { 2 } else { 1 });
    // A projection has a weight of its own.
    let hidden = params.get(1).map(|w| w.shape()[..].get(1).copied());
    let projects = kind == Kind::Lstm
        && match (params.get(1), hidden) {
            (Some(w), Some(Some(width))) => w.shape()[0] != 4 * width,
            _ => false,
        };
    let each = plain + usize::from(projects);
    ensure!(
        !params.is_empty() && params.len().is_multiple_of(each),
        Argument,
        "got an incorrect number of RNN parameters"
    );
    ensure!(
        i64::try_from(params.len() / each).is_ok_and(|n| n == directions),
        Argument,
        "Expected more hidden states in stacked_rnn"
    );
    let of = |p: &[&'a Tensor]| Weights {
        ih: p[0],
        hh: p[1],
        bias_ih: biases.then(|| p[2]),
        bias_hh: biases.then(|| p[3]),
        hr: projects.then(|| p[2 + more]),
    };
    Ok(params.chunks(each).map(of).collect())
}

/// The states that are given, of which long short-term memory has two.
fn given<'a>(a: &'a Args<'a>, kind: Kind) -> Result<Vec<&'a Tensor>> {
    let given = match kind {
        Kind::Lstm => a.tensors("hx")?,
        _ => vec![a.tensor("hx")?],
    };
    ensure!(
        given.len() == kind.states(),
        Argument,
        "{} expects two hidden states",
        a.name()
    );
    Ok(given)
}

/// The states of all layers.
fn states(a: &Args<'_>, kind: Kind, layers: usize) -> Result<Vec<Tensor>> {
    let given = given(a, kind)?;
    for h in &given {
        ensure!(
            h.ndim() == 3,
            Shape,
            "hx should be 3-D but got {}-D tensor",
            h.ndim()
        );
        ensure!(
            h.shape()[0] == layers,
            Argument,
            "Expected more hidden states in stacked_rnn"
        );
    }
    Ok(given.into_iter().cloned().collect())
}

/// How many rows each step has. Where that is not known, some way to have so many rows of so many samples: results have the same sizes for any.
fn sizes(batch_sizes: &Tensor, rows: usize, samples: usize) -> Result<Vec<usize>> {
    if batch_sizes.array().is_meta() && samples > 0 {
        let full = std::iter::repeat_n(samples, rows / samples);
        return pullback_array::gathered(full.chain([rows % samples]));
    }
    let numbers = batch_sizes.numbers_f64()?;
    let mut all = pullback_array::room(numbers.len())?;
    for n in numbers {
        if n < 0.0 {
            bail!(Argument, "batch_sizes should not be negative, but got {n}");
        }
        all.push(n as usize);
    }
    Ok(all)
}

/// Layers over padded or packed sequences.
fn run(a: &Args<'_>, kind: Kind) -> Result<Value> {
    let _called = Called::enter(a.name(), Some(Location::caller()));
    let (both, count) = (a.bool("bidirectional")?, a.int("num_layers")?);
    let params = a.tensors("params")?;
    let how = Layers {
        kind,
        bidirectional: both,
        dropout: a.float("dropout")?,
        train: a.bool("train")?,
    };
    let packed = a.value("batch_sizes").is_ok();
    let (x, first) = match packed {
        true => (a.tensor("data")?.clone(), false),
        false => (a.tensor("input")?.clone(), a.bool("batch_first")?),
    };
    let weights = weights(&params, kind, a.bool("has_biases")?, both, count)?;
    let states = states(a, kind, weights.len())?;
    let site = Location::caller();
    if packed {
        let sizes = sizes(
            a.tensor("batch_sizes")?,
            x.shape().first().copied().unwrap_or(0),
            states[0].shape()[1],
        )?;
        let (rows, lasts) = layers(how, &x, &sizes, &states, &weights, site)?;
        return Value::tuple([rows].into_iter().chain(lasts));
    }
    ensure!(
        x.ndim() == 3,
        Shape,
        "{}: Expected input to be 3D, got {}D instead",
        a.name(),
        x.ndim()
    );
    let x = if first { x.transpose(0, 1)? } else { x };
    let [length, samples, width] = [x.shape()[0], x.shape()[1], x.shape()[2]];
    ensure!(
        length > 0,
        Argument,
        "Expected sequence length to be larger than 0 in RNN"
    );
    let sizes = pullback_array::filled(length, samples)?;
    let rows = x.reshape([length * samples, width])?;
    let (rows, lasts) = layers(how, &rows, &sizes, &states, &weights, site)?;
    let wide = rows.shape()[1];
    let out = rows.reshape([length, samples, wide])?;
    let out = if first { out.transpose(0, 1)? } else { out };
    Value::tuple([out].into_iter().chain(lasts))
}

/// One step.
fn step(a: &Args<'_>, kind: Kind) -> Result<Value> {
    let _called = Called::enter(a.name(), Some(Location::caller()));
    let x = a.tensor("input")?;
    let given = given(a, kind)?;
    let w = Weights {
        ih: a.tensor("w_ih")?,
        hh: a.tensor("w_hh")?,
        bias_ih: a.tensor_opt("b_ih")?,
        bias_hh: a.tensor_opt("b_hh")?,
        hr: None,
    };
    for t in [x, w.ih, w.hh].into_iter().chain(given.iter().copied()) {
        ensure!(
            t.ndim() == 2,
            Shape,
            "{}: matrices are needed, but there is a tensor of {} dimensions",
            a.name(),
            t.ndim()
        );
    }
    fits(kind, x, &given, &w)?;
    let states: Vec<Tensor> = given.into_iter().cloned().collect();
    let made = cell(kind, x, &states, w, Location::caller())?;
    match (kind, &made[..]) {
        (Kind::Lstm, _) => Value::tuple(made),
        (_, [h]) => Ok(Value::Tensor(h.clone())),
        _ => bail!(Shape, "one state was expected"),
    }
}

/// PyTorch's checks of a cell's operands.
fn fits(kind: Kind, x: &Tensor, states: &[&Tensor], w: &Weights<'_>) -> Result<()> {
    let (samples, width) = (x.shape()[0], x.shape()[1]);
    ensure!(
        width == w.ih.shape()[1],
        Argument,
        "input has inconsistent input_size: got {width} expected {}",
        w.ih.shape()[1]
    );
    let hidden = w.hh.shape()[1];
    for (k, h) in states.iter().enumerate() {
        ensure!(
            h.shape()[0] == samples,
            Argument,
            "Input batch size {samples} doesn't match hidden{k} batch size {}",
            h.shape()[0]
        );
        ensure!(
            h.shape()[1] == hidden,
            Argument,
            "hidden{k} has inconsistent hidden_size: got {}, expected {hidden}",
            h.shape()[1]
        );
    }
    let gates = match kind {
        Kind::Lstm => 4,
        Kind::Gru => 3,
        Kind::Tanh | Kind::Relu => 1,
    };
    for (name, w) in [("weight_ih", w.ih), ("weight_hh", w.hh)] {
        ensure!(
            w.shape()[0] == gates * hidden,
            Argument,
            "{name} first dim must be {gates} * hidden_size = {}, but got {}",
            gates * hidden,
            w.shape()[0]
        );
    }
    Ok(())
}

const LSTM: (&str, &str) = (
    "Long short-term memory in layers and directions: h at every step, and the last h and c.",
    "c = σ(f)·c + σ(i)·tanh(g), h = σ(o)·tanh(c), of gates W x + b + U h + d",
);
const GRU: (&str, &str) = (
    "Gated recurrent units in layers and directions: h at every step, and the last h.",
    "n = tanh(xₙ + σ(r)·hₙ), h = (1 - σ(z))·n + σ(z)·h, of gates W x + b and U h + d",
);
const TANH: (&str, &str) = (
    "Elman's network in layers and directions: h at every step, and the last h.",
    "h = tanh(W x + b + U h + d)",
);
const RELU: (&str, &str) = (
    "Elman's network with relu, in layers and directions: h at every step, and the last h.",
    "h = max(0, W x + b + U h + d)",
);

macro_rules! padded {
    ($signature:literal, $kind:ident, $about:ident, $samples:expr, $errors:expr) => {
        Function::new($signature, "torch", |a| run(a, Kind::$kind))
            .about($about.0, $about.1)
            .units(8.0, 32.0)
            .samples($samples)
            .errors($errors)
    };
}

macro_rules! one_step {
    ($signature:literal, $kind:ident, $about:ident, $samples:expr, $errors:expr) => {
        Function::new($signature, "torch", |a| step(a, Kind::$kind))
            .about("One step of the layer of this name: its states.", $about.1)
            .units(8.0, 32.0)
            .samples($samples)
            .errors($errors)
    };
}

pub(in crate::ops) static LIST: &[Function] = &[
    padded!(
        "lstm(Tensor data, Tensor batch_sizes, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor, Tensor)",
        Lstm,
        LSTM,
        &[
            "T(5,3,small), I[2, 2, 1], [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small), T(8,2,small), T(8,small), T(8,small)], True, 1, 0.0, False, False",
            "T(4,2,small), I[2, 1, 1], (T(2,2,2,small), T(2,2,2,small)), [T(8,2,small), T(8,2,small), T(8,2,small), T(8,2,small)], False, 1, 0.0, False, True",
            "T(3,2,small), I[1, 1, 1], [T(1,1,1,small), T(1,1,2,small)], [T(8,2,small), T(8,1,small), T(1,2,small)], False, 1, 0.0, False, False",
            "T(3,3,small).t, I[2, 1], [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small), T(8,2,small)], False, 1, 0.0, True, False",
        ],
        &[]
    ),
    padded!(
        "lstm(Tensor input, Tensor[] hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor, Tensor)",
        Lstm,
        LSTM,
        &[
            "T(3,2,3,small), [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small), T(8,2,small), T(8,small), T(8,small)], True, 1, 0.0, False, False, False",
            "T(2,3,2,small), (T(4,2,2,small), T(4,2,2,small)), [T(8,2,small), T(8,2,small), T(8,2,small), T(8,2,small), T(8,4,small), T(8,2,small), T(8,4,small), T(8,2,small)], False, 2, 0.0, False, True, True",
            "T(3,2,2,small).t, [T(1,2,2,small), T(1,2,2,small)], [T(8,2,small), T(8,2,small)], False, 1, 0.0, False, False, False",
            "T(2,1,2,small), [T(1,1,1,small), T(1,1,2,small)], [T(8,2,small), T(8,1,small), T(8,small), T(8,small), T(1,2,small)], True, 1, 0.0, False, False, False",
        ],
        &[
            "T(3,2,3,small), [T(1,2,2,small)], [T(8,3,small), T(8,2,small)], False, 1, 0.0, False, False, False",
            "~T(3,2,3,small), [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small)], False, 1, 0.0, False, False, False",
            "~T(3,2,3,small), [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small), T(8,2,small)], False, 2, 0.0, False, False, False",
            "T(0,2,3,small), [T(1,2,2,small), T(1,2,2,small)], [T(8,3,small), T(8,2,small)], False, 1, 0.0, False, False, False",
        ]
    ),
    padded!(
        "gru(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
        Gru,
        GRU,
        &[
            "T(5,3,small), I[2, 2, 1], T(1,2,2,small), [T(6,3,small), T(6,2,small), T(6,small), T(6,small)], True, 1, 0.0, False, False",
            "T(4,2,small), I[2, 1, 1], T(2,2,2,small), [T(6,2,small), T(6,2,small), T(6,2,small), T(6,2,small)], False, 1, 0.0, False, True",
            "T(3,2,small), I[1, 1, 1], T(1,1,1,small), [T(3,2,small), T(3,1,small)], False, 1, 0.0, False, False",
            "T(3,3,small).t, I[2, 1], T(1,2,2,small), [T(6,3,small), T(6,2,small)], False, 1, 0.0, True, False",
        ],
        &[]
    ),
    padded!(
        "gru(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
        Gru,
        GRU,
        &[
            "T(3,2,3,small), T(1,2,2,small), [T(6,3,small), T(6,2,small), T(6,small), T(6,small)], True, 1, 0.0, False, False, False",
            "T(2,3,2,small), T(4,2,2,small), [T(6,2,small), T(6,2,small), T(6,2,small), T(6,2,small), T(6,4,small), T(6,2,small), T(6,4,small), T(6,2,small)], False, 2, 0.0, False, True, True",
            "T(3,2,2,small).t, T(1,2,2,small), [T(6,2,small), T(6,2,small)], False, 1, 0.0, False, False, False",
            "T(2,1,2,small), T(1,1,1,small), [T(3,2,small), T(3,1,small)], False, 1, 0.0, False, False, False",
        ],
        &[
            "T(3,2,3,small), T(1,2,2,small), [T(6,3,small)], False, 1, 0.0, False, False, False",
            "T(3,2,3,small), T(2,2,2,small), [T(6,3,small), T(6,2,small)], False, 1, 0.0, False, False, False",
            "T(0,2,3,small), T(1,2,2,small), [T(6,3,small), T(6,2,small)], False, 1, 0.0, False, False, False",
        ]
    ),
    padded!(
        "rnn_tanh(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
        Tanh,
        TANH,
        &[
            "T(5,3,small), I[2, 2, 1], T(1,2,2,small), [T(2,3,small), T(2,2,small), T(2,small), T(2,small)], True, 1, 0.0, False, False",
            "T(4,2,small), I[2, 1, 1], T(2,2,2,small), [T(2,2,small), T(2,2,small), T(2,2,small), T(2,2,small)], False, 1, 0.0, False, True",
            "T(3,2,small), I[1, 1, 1], T(1,1,1,small), [T(1,2,small), T(1,1,small)], False, 1, 0.0, False, False",
            "T(3,3,small).t, I[2, 1], T(1,2,2,small), [T(2,3,small), T(2,2,small)], False, 1, 0.0, True, False",
        ],
        &[]
    ),
    padded!(
        "rnn_tanh(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
        Tanh,
        TANH,
        &[
            "T(3,2,3,small), T(1,2,2,small), [T(2,3,small), T(2,2,small), T(2,small), T(2,small)], True, 1, 0.0, False, False, False",
            "T(2,3,2,small), T(4,2,2,small), [T(2,2,small), T(2,2,small), T(2,2,small), T(2,2,small), T(2,4,small), T(2,2,small), T(2,4,small), T(2,2,small)], False, 2, 0.0, False, True, True",
            "T(3,2,2,small).t, T(1,2,2,small), [T(2,2,small), T(2,2,small)], False, 1, 0.0, False, False, False",
            "T(2,1,2,small), T(1,1,1,small), [T(1,2,small), T(1,1,small)], False, 1, 0.0, False, False, False",
        ],
        &[
            "T(0,2,3,small), T(1,2,2,small), [T(2,3,small), T(2,2,small)], False, 1, 0.0, False, False, False"
        ]
    ),
    padded!(
        "rnn_relu(Tensor data, Tensor batch_sizes, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional) -> (Tensor, Tensor)",
        Relu,
        RELU,
        &[
            "T(5,3,small), I[2, 2, 1], T(1,2,2,small), [T(2,3,small), T(2,2,small), T(2,small), T(2,small)], True, 1, 0.0, False, False",
            "T(4,2,small), I[2, 1, 1], T(2,2,2,small), [T(2,2,small), T(2,2,small), T(2,2,small), T(2,2,small)], False, 1, 0.0, False, True",
            "T(3,2,small), I[1, 1, 1], T(1,1,1,small), [T(1,2,small), T(1,1,small)], False, 1, 0.0, False, False",
            "T(3,3,small).t, I[2, 1], T(1,2,2,small), [T(2,3,small), T(2,2,small)], False, 1, 0.0, True, False",
        ],
        &[]
    ),
    padded!(
        "rnn_relu(Tensor input, Tensor hx, Tensor[] params, bool has_biases, int num_layers, float dropout, bool train, bool bidirectional, bool batch_first) -> (Tensor, Tensor)",
        Relu,
        RELU,
        &[
            "T(3,2,3,small), T(1,2,2,small), [T(2,3,small), T(2,2,small), T(2,small), T(2,small)], True, 1, 0.0, False, False, False",
            "T(2,3,2,small), T(4,2,2,small), [T(2,2,small), T(2,2,small), T(2,2,small), T(2,2,small), T(2,4,small), T(2,2,small), T(2,4,small), T(2,2,small)], False, 2, 0.0, False, True, True",
            "T(3,2,2,small).t, T(1,2,2,small), [T(2,2,small), T(2,2,small)], False, 1, 0.0, False, False, False",
            "T(2,1,2,small), T(1,1,1,small), [T(1,2,small), T(1,1,small)], False, 1, 0.0, False, False, False",
        ],
        &[
            "T(0,2,3,small), T(1,2,2,small), [T(2,3,small), T(2,2,small)], False, 1, 0.0, False, False, False"
        ]
    ),
    one_step!(
        "lstm_cell(Tensor input, Tensor[] hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> (Tensor, Tensor)",
        Lstm,
        LSTM,
        &[
            "T(2,3,small), [T(2,2,small), T(2,2,small)], T(8,3,small), T(8,2,small), T(8,small), T(8,small)",
            "T(2,3,small), (T(2,2,small), T(2,2,small)), T(8,3,small), T(8,2,small)",
            "T(1,2,small), [T(1,1,small), T(1,1,small)], T(4,2,small), T(4,1,small)",
            "T(2,3,small).t, [T(2,2,small), T(2,2,small)], T(8,3,small), T(8,2,small)",
            "T(0,3,small), [T(0,2,small), T(0,2,small)], T(8,3,small), T(8,2,small)",
        ],
        &[
            "T(2,3,small), [T(2,2,small)], T(8,3,small), T(8,2,small)",
            "T(2,4,small), [T(2,2,small), T(2,2,small)], T(8,3,small), T(8,2,small)",
            "T(2,3,small), [T(1,2,small), T(2,2,small)], T(8,3,small), T(8,2,small)",
            "T(2,3,small), [T(2,2,small), T(1,2,small)], T(8,3,small), T(8,2,small)",
            "T(2,3,small), [T(2,1,small), T(2,2,small)], T(8,3,small), T(8,2,small)",
        ]
    ),
    one_step!(
        "gru_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
        Gru,
        GRU,
        &[
            "T(2,3,small), T(2,2,small), T(6,3,small), T(6,2,small), T(6,small), T(6,small)",
            "T(2,3,small), T(2,2,small), T(6,3,small), T(6,2,small)",
            "T(1,3,small), T(1,2,small), T(6,3,small), T(6,2,small)",
            "T(2,3,small).t, T(2,2,small), T(6,3,small), T(6,2,small)",
        ],
        &[
            "T(2,4,small), T(2,2,small), T(6,3,small), T(6,2,small)",
            "T(2,3,small), T(1,2,small), T(6,3,small), T(6,2,small)",
            "T(2,3,small), T(2,2,small), T(8,3,small), T(6,2,small)"
        ]
    ),
    one_step!(
        "rnn_tanh_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
        Tanh,
        TANH,
        &[
            "T(2,3,small), T(2,2,small), T(2,3,small), T(2,2,small), T(2,small), T(2,small)",
            "T(2,3,small), T(2,2,small), T(2,3,small), T(2,2,small)",
            "T(1,2,small), T(1,1,small), T(1,2,small), T(1,1,small)",
            "T(2,3,small).t, T(2,2,small), T(2,3,small), T(2,2,small)",
        ],
        &[
            "T(2,4,small), T(2,2,small), T(2,3,small), T(2,2,small)",
            "T(2,3,small), T(1,2,small), T(2,3,small), T(2,2,small)"
        ]
    ),
    one_step!(
        "rnn_relu_cell(Tensor input, Tensor hx, Tensor w_ih, Tensor w_hh, Tensor? b_ih=None, Tensor? b_hh=None) -> Tensor",
        Relu,
        RELU,
        &[
            "T(2,3,small), T(2,2,small), T(2,3,small), T(2,2,small), T(2,small), T(2,small)",
            "T(2,3,small), T(2,2,small), T(2,3,small), T(2,2,small)",
            "T(1,2,small), T(1,1,small), T(1,2,small), T(1,1,small)",
            "T(2,3,small).t, T(2,2,small), T(2,3,small), T(2,2,small)",
        ],
        &[
            "T(2,4,small), T(2,2,small), T(2,3,small), T(2,2,small)",
            "T(2,3,small), T(1,2,small), T(2,3,small), T(2,2,small)"
        ]
    ),
];
