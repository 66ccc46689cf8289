//! A short list of numbers: sizes or strides.
//!
//! Up to four lie in the struct and are copied as one block of fixed size (a general small vector copies a variable
//! number of bytes, which costs a call); more go to the heap. Making and dropping layouts is a good part of what a small
//! operation costs.
#![allow(unsafe_code)]

use std::mem::ManuallyDrop;
use std::ops::{Deref, DerefMut};

const INLINE: usize = 4;

/// A list of up to four numbers in place, or more on the heap.
///
/// The order of the fields is that of the stores that make one and of the loads that move it: a load of sixteen bytes over two stores
/// of eight waits until both have reached memory, a dozen cycles for a list that was just written.
#[repr(C)]
pub struct Dims<T: Copy> {
    items: Items<T>,
    /// Up to [`INLINE`], `items.inline` holds them; above, `items.heap`.
    len: usize,
}

/// Where the elements are, which the length says: a word less than an enum.
union Items<T: Copy> {
    inline: [T; INLINE],
    /// Holds `len` elements.
    #[allow(clippy::box_collection)] // a word instead of three
    heap: ManuallyDrop<Box<Vec<T>>>,
}

impl<T: Copy + Default> Dims<T> {
    /// The empty list.
    #[inline]
    pub fn new() -> Self {
        Dims::in_place(0, [T::default(); INLINE])
    }

    /// The first `len` of four numbers, which the compiler writes where the list will be.
    #[inline(always)]
    pub(crate) fn in_place(len: usize, inline: [T; INLINE]) -> Self {
        debug_assert!(len <= INLINE);
        let items = Items { inline };
        Dims { len, items }
    }

    /// A list of more than [`INLINE`] elements.
    #[cold]
    fn on_heap(items: Vec<T>) -> Self {
        assert!(items.len() > INLINE, "short lists lie in place");
        Dims {
            len: items.len(),
            items: Items {
                heap: ManuallyDrop::new(Box::new(items)),
            },
        }
    }

    /// A copy of a slice.
    #[inline]
    pub fn from_slice(items: &[T]) -> Self {
        if items.len() > INLINE {
            return Dims::on_heap(items.to_vec());
        }
        let mut inline = [T::default(); INLINE];
        for (to, from) in inline.iter_mut().zip(items) {
            *to = *from;
        }
        Dims::in_place(items.len(), inline)
    }

    /// `n` times the same number.
    #[inline]
    pub fn from_elem(item: T, n: usize) -> Self {
        if n > INLINE {
            return Dims::on_heap(vec![item; n]);
        }
        Dims::in_place(n, [item; INLINE])
    }

    /// Appends a number.
    #[inline]
    pub fn push(&mut self, item: T) {
        if self.len < INLINE {
            self.len += 1;
            let last = self.len - 1;
            self[last] = item;
        } else {
            self.change(|items| items.push(item));
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
        let last = self[self.len - 1];
        if self.len <= INLINE {
            self.len -= 1;
        } else {
            self.change(|items| {
                items.pop();
            });
        }
        last
    }

    /// Changes the number of elements of a long list, or of one that becomes long.
    #[cold]
    fn change(&mut self, f: impl FnOnce(&mut Vec<T>)) {
        let mut items = self.to_vec();
        f(&mut items);
        *self = Dims::from_slice(&items);
    }
}

impl<T: Copy> Dims<T> {
    /// Whether the list lies in place, and so owns nothing.
    #[inline(always)]
    pub(crate) fn is_in_place(&self) -> bool {
        self.len <= INLINE
    }
}

impl<T: Copy> Drop for Dims<T> {
    #[inline(always)]
    fn drop(&mut self) {
        if self.len > INLINE {
            // SAFETY: nothing uses the list after this.
            unsafe { self.free() };
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
        if self.len > INLINE {
            return self.long_copy();
        }
        // SAFETY: a list of this length lies in place and owns nothing, so its bytes are a list of their own.
        unsafe { std::ptr::read(self) }
    }
}

impl<T: Copy> Deref for Dims<T> {
    type Target = [T];
    #[inline(always)]
    fn deref(&self) -> &[T] {
        match self.len > INLINE {
            true => self.long(),
            // SAFETY: a list of this length lies in place.
            false => unsafe { self.items.inline.get_unchecked(..self.len) },
        }
    }
}

impl<T: Copy> DerefMut for Dims<T> {
    #[inline(always)]
    fn deref_mut(&mut self) -> &mut [T] {
        match self.len > INLINE {
            true => self.long_mut(),
            // SAFETY: a list of this length lies in place.
            false => unsafe { self.items.inline.get_unchecked_mut(..self.len) },
        }
    }
}

/// What is done to lists on the heap. None of it is compiled into its callers: where one reads the pointer, the compiler takes every list
/// in a variable apart at that word, and moves it in pieces that are not those it was written in.
impl<T: Copy> Dims<T> {
    #[cold]
    #[inline(never)]
    fn long(&self) -> &[T] {
        debug_assert!(self.len > INLINE);
        // SAFETY: asked of long lists only, which lie on the heap.
        unsafe { &self.items.heap }
    }

    #[cold]
    #[inline(never)]
    fn long_mut(&mut self) -> &mut [T] {
        debug_assert!(self.len > INLINE);
        // SAFETY: as for `long`.
        unsafe { &mut self.items.heap }
    }

    #[cold]
    #[inline(never)]
    fn long_copy(&self) -> Self {
        Dims {
            len: self.len,
            items: Items {
                heap: ManuallyDrop::new(Box::new(self.long().to_vec())),
            },
        }
    }

    /// Gives the memory of a long list back.
    ///
    /// # Safety
    /// The list is not used any more.
    #[cold]
    #[inline(never)]
    unsafe fn free(&mut self) {
        debug_assert!(self.len > INLINE);
        // SAFETY: a list of this length lies on the heap; the caller's promise for the rest.
        unsafe { ManuallyDrop::drop(&mut self.items.heap) };
    }
}

impl<T: Copy + PartialEq> PartialEq for Dims<T> {
    #[inline]
    fn eq(&self, other: &Self) -> bool {
        // Element by element: a call to compare a handful of words costs more than the words.
        self.len() == other.len() && self.iter().zip(other.iter()).all(|(a, b)| a == b)
    }
}

impl<T: Copy + Eq> Eq for Dims<T> {}

impl<T: Copy + std::hash::Hash> std::hash::Hash for Dims<T> {
    fn hash<H: std::hash::Hasher>(&self, state: &mut H) {
        (**self).hash(state);
    }
}

impl<T: Copy + std::fmt::Debug> std::fmt::Debug for Dims<T> {
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

impl<'a, T: Copy> IntoIterator for &'a Dims<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;
    fn into_iter(self) -> Self::IntoIter {
        self.iter()
    }
}

#[cfg(test)]
mod tests {
    use super::Dims;

    /// Every operation, across the border between in place and on the heap, against `Vec`.
    #[test]
    fn lists_are_as_vectors() {
        for n in 0..8usize {
            let mut vector: Vec<usize> = (10..10 + n).collect();
            let mut list = Dims::from_slice(&vector);
            assert_eq!(*list, *vector);
            assert_eq!(*Dims::from_elem(7, n), *vec![7; n]);
            assert_eq!(vector.iter().copied().collect::<Dims<usize>>(), list);
            let before = list.clone();
            for at in 0..=n {
                vector.insert(at, 100 + at);
                list.insert(at, 100 + at);
                assert_eq!(*list, *vector);
            }
            for at in (0..=n).rev() {
                assert_eq!(list.remove(at), vector.remove(at));
                assert_eq!(*list, *vector);
            }
            assert_eq!(list, before);
            list.iter_mut().for_each(|x| *x += 1);
            assert!(n == 0 || list != before);
        }
    }
}
