//! The one door every operation goes through: evaluate, then record what gradients, or a recorder, will need.

use crate::graph::{Edge, Input, Kept, Node, OUTPUT, Saved, SavedList, next_seq};
use crate::op::{Family, Op, OpDef, Reads};
use crate::tensor::{Inner, Tensor, UNTRACKED_VIEW};
use crate::{Array, Error, ErrorKind, Result, Shared, mode, recorder};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Mutex, OnceLock};

/// Applies `op` to `inputs`; `site` is the user's line.
///
/// # Errors
/// Whatever `eval` finds wrong, with the operation's name and the line added.
#[inline]
pub(crate) fn apply<O: Op>(
    op: O,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    through(&op, |op| op, inputs, site)
}

/// As [`apply`], compiled once for all operations: for those that are not worth machine code of their own.
///
/// # Errors
/// As [`apply`].
pub(crate) fn apply_dyn(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    through(op, |op| op, inputs, site)
}

#[inline]
fn through<O: Op + ?Sized>(
    op: &O,
    as_dyn: impl Fn(&O) -> &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    let before = stamp(inputs);
    let value = match inputs {
        [a] => op.eval(&[&a.0.array]),
        [a, b] => op.eval(&[&a.0.array, &b.0.array]),
        _ => op.eval(
            &inputs
                .iter()
                .map(|t| &t.0.array)
                .collect::<SmallVec<[&Array; 4]>>(),
        ),
    };
    let value = match value {
        Ok(value) => value,
        Err(e) => return Err(e.op(op.def().name).at(site)),
    };
    let flags = mode::flags();
    let edge = if flags & mode::GRAD != 0
        && inputs.iter().any(|t| t.has_edge())
        && op.def().family != Family::Cut
        && value.dtype().is_float()
    {
        Some(Edge::Node(record(op.boxed(), inputs, &value, site)))
    } else {
        None
    };
    if stamp(inputs) != before {
        return Err(torn(op.def().name, site));
    }
    let out = finish(op.def(), inputs, value, edge, flags);
    if flags & mode::RECORD != 0 {
        recorder::record(as_dyn(op), inputs, &out, site)?;
    }
    Ok(out)
}

/// Changes when an input is written in place: an operation that reads twice, or that saves what it read, must not see
/// two states of a tensor that another thread writes between its guarded kernels.
#[inline]
fn stamp(inputs: &[&Tensor]) -> u32 {
    inputs
        .iter()
        .fold(0, |sum, t| sum.wrapping_add(t.0.array.version()))
}

/// The error for values that another thread wrote while they were in use.
#[cold]
pub(crate) fn torn(op: &'static str, site: &'static Location<'static>) -> Error {
    Error::new(
        ErrorKind::Concurrent,
        "a tensor was written by another thread while an operation used it",
    )
    .op(op)
    .at(site)
    .help("give each thread its own copy, or let the threads take turns")
}

/// As [`apply`], for an operation behind a pointer (replays, forward mode).
pub(crate) fn boxed(
    op: &dyn Op,
    inputs: &[&Tensor],
    site: &'static Location<'static>,
) -> Result<Tensor> {
    apply(Dyn(op.boxed()), inputs, site)
}

/// Lets a boxed operation through the generic door.
#[derive(Debug)]
struct Dyn(Box<dyn Op>);

macro_rules! forward {
    ($($name:ident($($arg:ident: $ty:ty),*) -> $ret:ty;)*) => {
        impl Op for Dyn {
            $(fn $name(&self, $($arg: $ty),*) -> $ret { self.0.$name($($arg),*) })*
        }
    };
}
forward! {
    def() -> &'static OpDef;
    eval(x: &[&Array]) -> Result<Array>;
    boxed() -> Box<dyn Op>;
    reads(i: usize) -> Reads;
    decide(x: &[&Array]) -> Result<Option<Array>>;
    frozen(x: &[Tensor], decision: &Tensor) -> Result<Tensor>;
}

/// Makes the node: edges of the inputs, and the values that their gradients will read.
fn record(
    op: Box<dyn Op>,
    inputs: &[&Tensor],
    value: &Array,
    site: &'static Location<'static>,
) -> Shared<Node> {
    let mut reads = 0u32;
    let mut after = 0;
    let mut slots: SmallVec<[Input; 2]> = SmallVec::new();
    for (i, t) in inputs.iter().enumerate() {
        let edge = t.edge();
        if let Some(edge) = &edge {
            reads |= op.reads(i).0;
            after = after.max(edge.seq());
        }
        slots.push(Input {
            edge,
            shape: t.shape().clone(),
            dtype: t.dtype(),
        });
    }
    let mut saved = SavedList::new();
    if reads != 0 {
        for (i, t) in inputs
            .iter()
            .enumerate()
            .filter(|(i, _)| reads & Reads::input((*i).min(30)).0 != 0)
        {
            saved.push(Saved {
                which: i as u8,
                version: t.0.array.version(),
                array: t.0.array.clone(),
            });
        }
        if reads & Reads::OUTPUT.0 != 0 {
            saved.push(Saved {
                which: OUTPUT,
                version: value.version(),
                array: value.clone(),
            });
        }
    }
    let keeps = !saved.is_empty();
    Shared::new(Node {
        op,
        seq: next_seq(after),
        site,
        inputs: slots,
        kept: Mutex::new(Kept::Values(saved)),
        keeps,
    })
}

/// The result's handle; a view remembers whose memory it shows.
#[inline]
fn finish(def: &OpDef, inputs: &[&Tensor], array: Array, edge: Option<Edge>, mode: u32) -> Tensor {
    let (mut base, mut epoch, mut flags) = (None, 0, 0);
    if def.view && array.storage().same(inputs[0].0.array.storage()) {
        base = Some(inputs[0].root().clone());
        epoch = inputs[0].family_epoch();
        flags = match mode & mode::GRAD {
            0 => UNTRACKED_VIEW,
            _ => inputs[0].0.flags.load(Ordering::Relaxed) & UNTRACKED_VIEW,
        };
    }
    Tensor(Shared::new(Inner {
        array,
        edge,
        base,
        flags: AtomicU32::new(flags),
        epoch,
        id: AtomicU64::new(0),
        slow: OnceLock::new(),
    }))
}
