//! The counterpart of a recurrent layer: one direction over a sequence. Its product of the input is recorded before it; ONNX's node has both, with the
//! gates in another order.

use super::call::{Call, Written};
use super::graph::Attribute::{Int, Text};
use super::graph::{Dim, Graph, Product, Told};
use crate::core::fail::ensure;
use crate::{Result, Tensor, ops};
use pullback_array::kernels::Cell;

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.of::<ops::RecurrentLayer>().is_none() {
        return Ok(None);
    }
    let (cell, reverse, bias, projects, steps) = c.fixed(|op: &ops::RecurrentLayer| {
        (op.cell, op.reverse, op.bias, op.projects, op.sizes.len())
    })?;
    let even = c.fixed(|op: &ops::RecurrentLayer| op.sizes.iter().all(|n| *n == op.sizes[0]))?;
    ensure!(
        even && !projects && steps > 0,
        Unsupported,
        "sequences of several lengths, empty ones, and projected states have no counterpart in ONNX"
    );
    let (which, two) = (c.whole().1, usize::from(cell == Cell::Lstm));
    if which == 2 + two {
        // What is kept for gradients: nobody reads it.
        return Ok(Some(String::new()));
    }
    let hidden = c.sizes(&[c.inputs[2].shape[1]])?[0];
    let key = format!("{} {reverse}", c.names().join("\n"));
    let gates = Gates::of(cell, hidden);
    let operands = gates.operands(g, c, steps, bias)?;
    let mut told: Told = vec![
        ("hidden_size", Int(hidden)),
        (
            "direction",
            Text(if reverse { "reverse" } else { "forward" }),
        ),
    ];
    let kind = match cell {
        Cell::Lstm => "LSTM",
        Cell::Gru => {
            told.push(("linear_before_reset", Int(1)));
            "GRU"
        }
        Cell::Tanh => "RNN",
    };
    let operands: Vec<&str> = operands.iter().map(String::as_str).collect();
    let made = g.once(kind, &operands, told, 2 + two, &key);
    if which == 0 {
        let to = g.ints(&[-1, hidden])?;
        return Ok(Some(g.plain("Reshape", &[&made[0], &to])));
    }
    let front = g.ints(&[0])?;
    Ok(Some(g.plain("Squeeze", &[&made[which], &front])))
}

/// The gates of a cell in ONNX's order.
struct Gates {
    cell: Cell,
    /// How many rows a weight has.
    wide: i64,
    /// Which rows of PyTorch's weight they are.
    rows: Vec<i64>,
}

impl Gates {
    fn of(cell: Cell, hidden: i64) -> Gates {
        let order: &[i64] = match cell {
            Cell::Lstm => &[0, 3, 1, 2],
            Cell::Gru => &[1, 0, 2],
            Cell::Tanh => &[0],
        };
        let rows = (order.iter())
            .flat_map(|gate| (0..hidden).map(move |k| gate * hidden + k))
            .collect();
        Gates {
            cell,
            wide: order.len() as i64 * hidden,
            rows,
        }
    }

    /// Rows in ONNX's order, of one direction.
    fn placed(&self, g: &mut Graph, weight: &str) -> Result<String> {
        let front = g.ints(&[0])?;
        let mut name = weight.to_string();
        if self.cell != Cell::Tanh {
            let rows = g.ints(&self.rows)?;
            name = g.node("Gather", &[&name, &rows], vec![("axis", Int(0))]);
        }
        Ok(g.plain("Unsqueeze", &[&name, &front]))
    }

    /// The input, both weights, biases, no lengths, and the states.
    fn operands(
        &self,
        g: &mut Graph,
        c: &Call<'_>,
        steps: usize,
        bias: bool,
    ) -> Result<Vec<String>> {
        let two = usize::from(self.cell == Cell::Lstm);
        let (dtype, wide) = (c.dtype(), self.wide as usize);
        let of = match g.product(c.x(0)) {
            Some(product) => product,
            // The product is another program's: a weight of one in its place.
            None => Product {
                x: c.x(0).to_string(),
                weight: g.constant(None, crate::eye(wide, None, dtype)?),
                bias: None,
                width: Dim::of(self.wide),
            },
        };
        let samples = c.inputs[2].shape[0];
        ensure!(
            of.width != Dim::of(0) && samples != Dim::of(0),
            Unsupported,
            "sequences without samples or numbers have no counterpart in ONNX"
        );
        let weight = self.placed(g, &of.weight)?;
        let hidden = self.placed(g, c.x(1))?;
        let mut biases = Vec::new();
        for own in [of.bias.as_deref(), bias.then(|| c.x(3 + two))] {
            let own = match own {
                Some(own) => own.to_string(),
                None => g.constant(None, Tensor::zeros([wide], dtype)?),
            };
            biases.push(self.placed(g, &own)?);
        }
        let biases = g.node("Concat", &[&biases[0], &biases[1]], vec![("axis", Int(1))]);
        let front = g.ints(&[0])?;
        let apart = [Dim::of(steps as i64), samples, of.width];
        let x = g.reshape(&of.x, &apart)?;
        let mut operands = vec![x, weight, hidden, biases, String::new()];
        for state in 2..3 + two {
            operands.push(g.plain("Unsqueeze", &[c.x(state), &front]));
        }
        Ok(operands)
    }
}
