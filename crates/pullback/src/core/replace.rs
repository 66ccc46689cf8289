//! A tensor's array can be replaced by another one, of another shape, dtype and memory: PyTorch's `.data = b`, `resize_`, `t_`.
//!
//! Every handle of the tensor sees the new array. Views, detached handles and what graphs have saved hold arrays of their own,
//! and keep the old memory.
//!
//! An array is what is read most, so a tensor that was never replaced pays one test of its flags: it holds its array in place
//! ([`Inner::first`]) and lends it. A replaced one holds its array in the cold metadata, behind a lock, and its readers get
//! a hold of their own ([`ArrayRef`]): an old array goes when its last reader does, and any number of replacements keeps one
//! array. Two things stay with the tensor until it goes: the shapes it had, each once, since [`Tensor::shape`] lends
//! them; and the first array's layout, since somebody may be reading it while another thread replaces it. Its memory does
//! not stay: it is closed ([`Storage::close`]) when nobody else holds it, now or at a later look.
//!
//! Not here: histories of tensors that change their shape (`structural/reshape`), and PyTorch's functions.

use crate::core::device;
use crate::core::graph::lock;
use crate::core::history::AutogradMeta;
use crate::core::tensor::{Inner, REPLACED, Tensor};
use crate::{Array, Result, Shape, Shared};
use pullback_array::OnceBox;
use std::collections::HashMap;
use std::ops::Deref;
use std::sync::Mutex;
use std::sync::atomic::{AtomicBool, AtomicU32, Ordering};

#[cfg(doc)]
use pullback_array::Storage;

/// A tensor's array, as it is when it is asked for: lent by the tensor, or held where the tensor was given another one.
///
/// ```
/// use pullback::Tensor;
/// let x = Tensor::from_slice(&[1.0f32, 2.0], [2])?;
/// assert_eq!(x.array().to_vec::<f32>()?, [1.0, 2.0]);
/// let own = x.array().clone(); // an `Array`, which stays what it is
/// # Ok::<(), pullback::Error>(())
/// ```
pub struct ArrayRef<'a>(Source<'a>);

enum Source<'a> {
    Tensor(&'a Array),
    Held(Shared<Array>),
}

impl Deref for ArrayRef<'_> {
    type Target = Array;
    #[inline(always)]
    fn deref(&self) -> &Array {
        match &self.0 {
            Source::Tensor(array) => array,
            Source::Held(array) => array,
        }
    }
}

impl AsRef<Array> for ArrayRef<'_> {
    fn as_ref(&self) -> &Array {
        self
    }
}

impl std::fmt::Debug for ArrayRef<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        Array::fmt(self, f)
    }
}

/// What a tensor has in the place of its first array.
pub(crate) struct Replaced {
    now: Mutex<Shared<Array>>,
    /// How often the array was replaced.
    times: AtomicU32,
    /// Which of `shapes` is the shape now.
    shape: AtomicU32,
    shapes: Shapes,
    /// Whether the first array's memory is still to be given back.
    first_waits: AtomicBool,
}

impl Replaced {
    fn new(array: Array) -> Box<Replaced> {
        let shapes = Shapes::default();
        let shape = shapes.place(array.shape());
        Box::new(Replaced {
            now: Mutex::new(Shared::new(array)),
            times: AtomicU32::new(0),
            shape: AtomicU32::new(shape),
            shapes,
            first_waits: AtomicBool::new(true),
        })
    }

    #[cold]
    fn array(&self, first: &Array) -> Shared<Array> {
        if self.first_waits.load(Ordering::Relaxed) {
            self.close(first);
        }
        lock(&self.now).clone()
    }

    /// Gives the first array's memory back if nobody else holds it; else a later look tries again.
    fn close(&self, first: &Array) {
        if first.storage().close() {
            self.first_waits.store(false, Ordering::Relaxed);
        }
    }

    #[cold]
    fn shape(&self) -> &Shape {
        let at = self.shape.load(Ordering::Acquire);
        // What was stored in `shape` is a place that was filled before.
        self.shapes.get(at).unwrap_or(&EMPTY)
    }
}

/// Stands for no shape at all.
static EMPTY: std::sync::LazyLock<Shape> = std::sync::LazyLock::new(Shape::scalar);

/// The shapes a tensor had since it was first replaced, each once. They are lent as long as the tensor lives, so none is
/// moved or dropped: they lie in blocks of which each has room for twice as many as the one before.
#[derive(Default)]
struct Shapes {
    blocks: [OnceBox<Vec<OnceBox<Shape>>>; 32],
    places: Mutex<HashMap<Shape, u32>>,
}

impl Shapes {
    /// Block and place in it.
    fn find(at: u32) -> (usize, usize) {
        let block = (at + 1).ilog2();
        (block as usize, (at + 1 - (1 << block)) as usize)
    }

    fn get(&self, at: u32) -> Option<&Shape> {
        let (block, place) = Shapes::find(at);
        self.blocks[block].get()?.get(place)?.get()
    }

    /// Where a shape is, from now on if it is new.
    fn place(&self, shape: &Shape) -> u32 {
        let mut places = lock(&self.places);
        if let Some(&at) = places.get(shape) {
            return at;
        }
        let at = places.len() as u32;
        let (block, place) = Shapes::find(at);
        let room = || Box::new((0..1usize << block).map(|_| OnceBox::new()).collect());
        let block = self.blocks[block].get_or_init(room);
        block[place].get_or_init(|| Box::new(shape.clone()));
        places.insert(shape.clone(), at);
        at
    }
}

impl Inner {
    /// What stands in the place of the first array, if anything does.
    #[inline(always)]
    pub(crate) fn replaced(&self) -> Option<&Replaced> {
        match self.flags.load(Ordering::Acquire) & REPLACED {
            0 => None,
            _ => self.meta.get().and_then(AutogradMeta::replaced),
        }
    }
}

impl Tensor {
    /// The numbers, without the history.
    #[inline(always)]
    pub fn array(&self) -> ArrayRef<'_> {
        match self.0.replaced() {
            None => ArrayRef(Source::Tensor(&self.0.first)),
            Some(replaced) => ArrayRef(Source::Held(replaced.array(&self.0.first))),
        }
    }

    /// The array where the tensor lends it: none where it was replaced.
    #[inline(always)]
    pub(crate) fn lent(&self) -> Option<&Array> {
        match self.0.flags.load(Ordering::Acquire) & REPLACED {
            0 => Some(&self.0.first),
            _ => None,
        }
    }

    /// As [`Tensor::lent`], where operations may read it as it is stored.
    #[inline(always)]
    pub(crate) fn ready(&self) -> Option<&Array> {
        (self.lent()).filter(|a| !a.dtype().is_narrow() && !device::is_elsewhere(a))
    }

    /// What `f` says of the array. As `f(&self.array())`, but nothing is kept over the call where the tensor lends it, which is what
    /// small questions cost.
    #[inline(always)]
    pub(crate) fn look<R>(&self, f: impl FnOnce(&Array) -> R) -> R {
        match self.lent() {
            Some(array) => f(array),
            None => f(&self.held()),
        }
    }

    #[cold]
    #[inline(never)]
    fn held(&self) -> Array {
        self.array().clone()
    }

    /// Sizes of the dimensions.
    #[inline]
    pub fn shape(&self) -> &Shape {
        match self.0.replaced() {
            None => self.0.first.shape(),
            Some(replaced) => replaced.shape(),
        }
    }

    /// How often the array was replaced: changes wherever [`Tensor::shape`] or the memory does.
    #[inline(always)]
    pub(crate) fn replacements(&self) -> u32 {
        (self.0.replaced()).map_or(0, |r| r.times.load(Ordering::Acquire))
    }

    /// Gives the tensor another array, for every handle of it. The history stays what it is, and so do views.
    pub(crate) fn replace_array(&self, array: Array) {
        let meta = self.0.meta();
        let replaced = meta.replaced_or(|| Replaced::new((*self.array()).clone()));
        let shape = replaced.shapes.place(array.shape());
        let array = Shared::new(array);
        let mut now = lock(&replaced.now);
        let old = std::mem::replace(&mut *now, array);
        replaced.shape.store(shape, Ordering::Release);
        replaced.times.fetch_add(1, Ordering::Release);
        self.0.flags.fetch_or(REPLACED, Ordering::Release);
        drop(now);
        // Memory of others is given back by code of others: when nothing is locked.
        drop(old);
        replaced.close(&self.0.first);
    }

    /// A number that changes when the numbers are written in place, or the array is replaced.
    #[inline(always)]
    pub(crate) fn stamp(&self) -> u32 {
        match self.lent() {
            Some(array) => array.version(),
            None => self.version().wrapping_add(self.replacements()),
        }
    }

    /// What an operation computes of replaced arrays: they are held meanwhile.
    ///
    /// # Errors
    /// What `eval` says.
    #[cold]
    #[inline(never)]
    pub(crate) fn with_arrays<R>(
        inputs: &[&Tensor],
        eval: &mut dyn FnMut(&[&Array]) -> Result<R>,
    ) -> Result<R> {
        let held: Vec<ArrayRef<'_>> = inputs.iter().map(|t| t.array()).collect();
        let arrays: Vec<&Array> = held.iter().map(|a| &**a).collect();
        eval(&arrays)
    }
}
