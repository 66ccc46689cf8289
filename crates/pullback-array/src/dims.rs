//! A short list of numbers: sizes or strides.
//!
//! Up to four lie in the struct and are copied as one block of fixed size (a general small vector copies a variable
//! number of bytes, which costs a call); more go to the heap. Making and dropping layouts is a good part of what a small
//! operation costs.

use std::ops::{Deref, DerefMut};

const INLINE: usize = 4;

/// A list of up to four numbers in place, or more on the heap.
pub struct Dims<T> {
    len: usize,
    inline: [T; INLINE],
    /// Holds all elements once there are more than four.
    #[allow(clippy::box_collection)] // eight bytes instead of twenty-four
    heap: Option<Box<Vec<T>>>,
}

impl<T: Copy + Default> Dims<T> {
    /// The empty list.
    #[inline]
    pub fn new() -> Self {
        Dims {
            len: 0,
            inline: [T::default(); INLINE],
            heap: None,
        }
    }

    /// A copy of a slice.
    #[inline]
    pub fn from_slice(items: &[T]) -> Self {
        let mut out = Dims::new();
        if items.len() <= INLINE {
            out.len = items.len();
            for (to, from) in out.inline.iter_mut().zip(items) {
                *to = *from;
            }
        } else {
            out.heap = Some(Box::new(items.to_vec()));
        }
        out
    }

    /// `n` times the same number.
    #[inline]
    pub fn from_elem(item: T, n: usize) -> Self {
        if n <= INLINE {
            return Dims {
                len: n,
                inline: [item; INLINE],
                heap: None,
            };
        }
        Dims {
            len: 0,
            inline: [T::default(); INLINE],
            heap: Some(Box::new(vec![item; n])),
        }
    }

    /// Appends a number.
    #[inline]
    pub fn push(&mut self, item: T) {
        match &mut self.heap {
            Some(heap) => heap.push(item),
            None if self.len < INLINE => {
                self.inline[self.len] = item;
                self.len += 1;
            }
            None => {
                let mut heap = self.inline.to_vec();
                heap.push(item);
                self.heap = Some(Box::new(heap));
            }
        }
    }

    /// Inserts a number before place `at`.
    pub fn insert(&mut self, at: usize, item: T) {
        self.push(item);
        self[at..].rotate_right(1);
    }

    /// Takes out the number at place `at`.
    pub fn remove(&mut self, at: usize) -> T {
        self[at..].rotate_left(1);
        match &mut self.heap {
            Some(heap) => heap.pop().unwrap_or_default(),
            None => {
                self.len -= 1;
                self.inline[self.len]
            }
        }
    }
}

impl<T: Copy + Default> Default for Dims<T> {
    fn default() -> Self {
        Dims::new()
    }
}

impl<T: Copy> Clone for Dims<T> {
    #[inline(always)]
    fn clone(&self) -> Self {
        Dims {
            len: self.len,
            inline: self.inline,
            heap: self.heap.clone(),
        }
    }
}

impl<T> Deref for Dims<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        match &self.heap {
            None => self.inline.get(..self.len).unwrap_or(&self.inline),
            Some(heap) => heap,
        }
    }
}

impl<T> DerefMut for Dims<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        match &mut self.heap {
            None => &mut self.inline[..self.len],
            Some(heap) => heap,
        }
    }
}

impl<T: PartialEq> PartialEq for Dims<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Element by element: a call to compare a handful of words costs more than the words.
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

impl<T: Eq> Eq for Dims<T> {}

impl<T: std::hash::Hash> std::hash::Hash for Dims<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Dims<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        (**self).fmt(f)
    }
}

impl<T: Copy + Default> FromIterator<T> for Dims<T> {
    #[inline]
    fn from_iter<I: IntoIterator<Item = T>>(iter: I) -> Self {
        let mut out = Dims::new();
        iter.into_iter().for_each(|x| out.push(x));
        out
    }
}

impl<'a, T> IntoIterator for &'a Dims<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}
