//! How the core tells others what runs: every operation, every write in place, every saved value that backward takes out.
//!
//! A recorder and forward mode implement [`Watch`]; the core knows neither of them. A watcher is listened to while its flag in
//! `mode` is set on the thread, so that a program without watchers pays for one test of a word. Not here: hooks of the user
//! (`hooks`), which belong to a node and not to a thread.

use crate::core::graph::Node;
use crate::core::mode;
use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::{Array, Result, Shape, Shared};
use smallvec::SmallVec;
use std::panic::Location;
use std::sync::OnceLock;

/// How numbers of a shape are drawn.
pub(crate) type Draw<'a> = &'a dyn Fn(&Shape) -> Result<Array>;

/// One that is told what this thread runs.
pub(crate) trait Watch: Sync {
    /// `op` was applied to `inputs` and gave `outputs`.
    fn applied(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        outputs: &[Tensor],
        site: &'static Location<'static>,
    ) -> Result<()>;

    /// `value`, the result of `op(inputs…)`, is about to be written over the first input.
    fn writing(
        &self,
        op: &dyn Op,
        inputs: &[&Tensor],
        value: &Array,
        site: &'static Location<'static>,
    ) -> Result<Box<dyn Writing>>;

    /// `x` was given the array of `by`: with its history (`by` is a view of the same numbers, and the memory's version has advanced
    /// by one), or without one.
    fn replaced(
        &self,
        x: &Tensor,
        by: &Tensor,
        history: bool,
        site: &'static Location<'static>,
    ) -> Result<()>;

    /// Somebody looks at the numbers of `x`, to decide by them.
    fn looked(&self, x: &Tensor);

    /// Whether a tensor's numbers differ from row to row of a batch that one row stands for.
    fn varies(&self, x: &Tensor) -> bool;

    /// Random numbers of a shape by `draw`; for a run of one row that stands for several, the first row of those of all rows.
    fn drawn(&self, shape: &Shape, draw: Draw<'_>) -> Result<Array>;

    /// Backward took `value` out of `node`, which had saved it as `which`.
    fn unpacked(&self, node: &Shared<Node>, which: u32, value: &Tensor);
}

/// A write in place that a watcher was told of, until it is known how it ended. All calls are for the tensor written.
pub(crate) trait Writing {
    /// The write has a gradient, and this is its node.
    fn recorded(&mut self, node: &Shared<Node>);
    /// The numbers are in place.
    fn done(self: Box<Self>, x: &Tensor) -> Result<()>;
    /// The write could not be carried out.
    fn failed(self: Box<Self>, x: &Tensor);
}

/// The flags of those who watch, in the order in which they are told.
const FLAGS: [u32; 2] = [mode::RECORD, mode::DUAL];
/// Set in the thread's mode where anybody watches.
pub(crate) const WATCHED: u32 = FLAGS[0] | FLAGS[1];

/// Who is told while the flag of the same place is set.
static WATCHERS: [OnceLock<&'static dyn Watch>; FLAGS.len()] =
    [const { OnceLock::new() }; FLAGS.len()];

/// Has `watcher` told of what runs on threads on which `flag` is set. To be called before the flag is set first.
pub(crate) fn install(flag: u32, watcher: &'static dyn Watch) {
    if let Some(place) = FLAGS.iter().position(|&f| f == flag) {
        WATCHERS[place].get_or_init(|| watcher);
    }
}

/// Those to be told under these flags.
fn watchers(flags: u32) -> impl Iterator<Item = &'static dyn Watch> {
    FLAGS
        .iter()
        .zip(&WATCHERS)
        .filter(move |(flag, _)| flags & **flag != 0)
        .filter_map(|(_, watcher)| watcher.get().copied())
}

/// Tells of an operation.
#[cold]
pub(crate) fn applied(
    flags: u32,
    op: &dyn Op,
    inputs: &[&Tensor],
    outputs: &[Tensor],
    site: &'static Location<'static>,
) -> Result<()> {
    watchers(flags).try_for_each(|w| w.applied(op, inputs, outputs, site))
}

/// Tells of a tensor that was given another array.
#[cold]
pub(crate) fn replaced(
    flags: u32,
    x: &Tensor,
    by: &Tensor,
    history: bool,
    site: &'static Location<'static>,
) -> Result<()> {
    watchers(flags).try_for_each(|w| w.replaced(x, by, history, site))
}

/// Tells that numbers are looked at, and not by an operation: while one row of a batch stands for all, who decides by them decides for
/// one row.
#[inline]
pub(crate) fn looked(x: &Tensor) {
    let flags = mode::flags();
    if flags & mode::BATCH != 0 {
        watchers(flags | mode::RECORD).for_each(|w| w.looked(x));
    }
}

/// Whether a tensor's numbers differ from row to row of a batch that one row stands for now: then they must not be checked, or chosen by.
#[inline]
pub(crate) fn varies(x: &Tensor) -> bool {
    mode::batching() && watchers(mode::flags() | mode::RECORD).any(|w| w.varies(x))
}

/// Random numbers of a shape by `draw`. While one row of a batch stands for all, they may be drawn for all rows at once; what is given are
/// the row's.
///
/// # Errors
/// Those of `draw`; where drawing is an error.
pub(crate) fn drawn(shape: &Shape, draw: impl Fn(&Shape) -> Result<Array>) -> Result<Array> {
    match watchers(mode::flags() & mode::BATCH | mode::RECORD).next() {
        Some(recorder) if mode::batching() => recorder.drawn(shape, &draw),
        _ => draw(shape),
    }
}

/// Tells of a saved value.
#[cold]
pub(crate) fn unpacked(flags: u32, node: &Shared<Node>, which: u32, value: &Tensor) {
    watchers(flags).for_each(|w| w.unpacked(node, which, value));
}

/// Tells of a write that is about to happen; what is returned must be told how it ended.
pub(crate) fn writing(
    flags: u32,
    op: &dyn Op,
    inputs: &[&Tensor],
    value: &Array,
    site: &'static Location<'static>,
) -> Result<SmallVec<[Box<dyn Writing>; 1]>> {
    let mut told = SmallVec::new();
    for w in watchers(flags) {
        match w.writing(op, inputs, value, site) {
            Ok(writing) => told.push(writing),
            Err(e) => {
                told.into_iter()
                    .for_each(|w: Box<dyn Writing>| w.failed(inputs[0]));
                return Err(e);
            }
        }
    }
    Ok(told)
}
