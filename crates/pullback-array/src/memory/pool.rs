//! Memory for the small and the many: thread-local free lists by size class, and a reference-counted box on them.
//!
//! A step of a small model makes and drops a few dozen blocks of a few hundred bytes; taking them from a list costs a
//! few nanoseconds where the system allocator takes twenty. Blocks above [`LARGEST`] go to the system, which
//! `large.rs` keeps some from. Build with
//! `--cfg pullback_no_pool` to send everything there, which is how sanitizers and valgrind see each block.
//!
//! A block may be freed on another thread than the one that made it: it then joins that thread's list.
#![allow(unsafe_code)]

use crate::{memory::large, memory::pages};
use std::alloc::{self, Layout};
use std::cell::UnsafeCell;
use std::ops::Deref;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicUsize, Ordering, fence};

/// Alignment of every block: a cache line, and enough for any vector load.
pub(crate) const ALIGN: usize = 64;
/// Largest block kept on a list, in bytes.
pub(crate) const LARGEST: usize = 2048;
/// Alignment that the system gives for nothing.
const GRAIN: usize = 16;
const CLASSES: usize = LARGEST / ALIGN;
/// Blocks kept per class and thread; more go back to the system, so that a burst does not hold memory forever.
const KEPT: u32 = 512;

struct Lists {
    heads: [*mut u8; CLASSES],
    counts: [u32; CLASSES],
}

struct Pool(UnsafeCell<Lists>);

impl Drop for Pool {
    fn drop(&mut self) {
        let lists = self.0.get_mut();
        for class in 0..CLASSES {
            let mut block = lists.heads[class];
            while !block.is_null() {
                // SAFETY: blocks on a list were allocated with this class's layout, and hold the next pointer in
                // their first word while they are there.
                unsafe {
                    let next = *block.cast::<*mut u8>();
                    alloc::dealloc(block, class_layout(class));
                    block = next;
                }
            }
        }
    }
}

thread_local! {
    static POOL: Pool = const { Pool(UnsafeCell::new(Lists { heads: [ptr::null_mut(); CLASSES], counts: [0; CLASSES] })) };
}

fn class_layout(class: usize) -> Layout {
    // SAFETY: ALIGN is a power of two and sizes are at most LARGEST.
    unsafe { Layout::from_size_align_unchecked((class + 1) * ALIGN, ALIGN) }
}

#[inline]
fn class_of(bytes: usize) -> usize {
    bytes.div_ceil(ALIGN).max(1) - 1
}

/// A block of at least `bytes` bytes aligned to [`ALIGN`], uninitialised; null when memory is out.
///
/// `extern "C"`, since it never unwinds and that says so: what waits for its block needs no way of being dropped.
#[inline]
pub(crate) extern "C" fn take(bytes: usize) -> *mut u8 {
    if bytes > LARGEST || cfg!(pullback_no_pool) {
        let kept = large::take(bytes);
        return match kept.is_null() {
            true => large::ask(bytes, false),
            false => kept,
        };
    }
    let class = class_of(bytes);
    let reused = POOL.try_with(|pool| {
        // SAFETY: the cell is thread-local and nothing below calls back into this module.
        let lists = unsafe { &mut *pool.0.get() };
        let block = lists.heads[class];
        if !block.is_null() {
            // SAFETY: a listed block holds the next pointer in its first word.
            lists.heads[class] = unsafe { *block.cast::<*mut u8>() };
            lists.counts[class] -= 1;
        }
        block
    });
    match reused {
        Ok(block) if !block.is_null() => block,
        // SAFETY: the layout's size is not zero.
        _ => unsafe { alloc::alloc(class_layout(class)) },
    }
}

/// Returns a block that [`take`] (or [`take_zeroed`]) gave for the same `bytes`.
///
/// # Safety
/// `block` came from `take(bytes)` or `take_zeroed(bytes)` and is not used again.
#[inline]
pub(crate) unsafe fn give(block: *mut u8, bytes: usize) {
    if bytes > LARGEST || cfg!(pullback_no_pool) {
        // SAFETY: large blocks come from `system`, and the caller gives this one up.
        unsafe {
            if !large::give(block, bytes) {
                system_give(block, bytes);
            }
        }
        return;
    }
    let class = class_of(bytes);
    let kept = POOL.try_with(|pool| {
        // SAFETY: as in `take`.
        let lists = unsafe { &mut *pool.0.get() };
        if lists.counts[class] >= KEPT {
            return false;
        }
        // SAFETY: the block is ours, at least a word long and aligned.
        unsafe { *block.cast::<*mut u8>() = lists.heads[class] };
        lists.heads[class] = block;
        lists.counts[class] += 1;
        true
    });
    if kept != Ok(true) {
        // SAFETY: pooled blocks come from `alloc` with their class's layout.
        unsafe { alloc::dealloc(block, class_layout(class)) };
    }
}

/// As [`take`], filled with zero bytes (large blocks straight from zeroed pages).
#[inline]
pub(crate) fn take_zeroed(bytes: usize) -> *mut u8 {
    if bytes > LARGEST || cfg!(pullback_no_pool) {
        // Never a kept block: zeroed pages cost nothing until they are touched.
        large::count(bytes);
        return large::ask(bytes, true);
    }
    let block = take(bytes);
    if !block.is_null() {
        // SAFETY: the block has at least `bytes` bytes.
        unsafe { ptr::write_bytes(block, 0, bytes) };
    }
    block
}

fn system_layout(bytes: usize) -> Layout {
    // SAFETY: callers pass sizes that `system` accepted.
    unsafe { Layout::from_size_align_unchecked(bytes.max(1), ALIGN) }
}

/// How a large block is asked for: with room to align its start here. Asked for the alignment itself, the system could
/// not answer with pages that are zero already, and would write them all.
fn large_layout(bytes: usize) -> Option<Layout> {
    Layout::from_size_align(bytes.checked_add(ALIGN)?, GRAIN).ok()
}

/// A block straight from the system; null when memory is out.
pub(crate) fn system(bytes: usize, zeroed: bool) -> *mut u8 {
    if bytes <= LARGEST {
        // SAFETY: the layout's size is not zero.
        return unsafe {
            match zeroed {
                true => alloc::alloc_zeroed(system_layout(bytes)),
                false => alloc::alloc(system_layout(bytes)),
            }
        };
    }
    let Some(layout) = large_layout(bytes) else {
        return ptr::null_mut();
    };
    // SAFETY: the layout's size is not zero. The block's start is a multiple of GRAIN, so that the next multiple of
    // ALIGN above it is GRAIN to ALIGN bytes on, with `bytes` bytes behind it and the distance in the byte before it.
    unsafe {
        let start = match zeroed {
            true => alloc::alloc_zeroed(layout),
            false => alloc::alloc(layout),
        };
        if start.is_null() {
            return start;
        }
        let skip = ALIGN - start as usize % ALIGN;
        let block = start.add(skip);
        block.sub(1).write(skip as u8);
        pages::prefer_large(block, bytes);
        block
    }
}

/// Returns a block of [`system`].
///
/// # Safety
/// `block` came from `system` for the same `bytes` and is not used again.
pub(crate) unsafe fn system_give(block: *mut u8, bytes: usize) {
    // SAFETY: as `system` made it.
    unsafe {
        match large_layout(bytes) {
            Some(layout) if bytes > LARGEST => {
                let skip = *block.sub(1);
                alloc::dealloc(block.sub(skip as usize), layout);
            }
            _ => alloc::dealloc(block, system_layout(bytes)),
        }
    }
}

/// A reference-counted box like `std::sync::Arc`, on the free lists and without weak references.
///
/// What tensors and graph nodes are held by: making and dropping one is what an operation costs most.
///
/// ```
/// use pullback_array::Shared;
/// let a = Shared::new(5);
/// let b = a.clone();
/// assert!(Shared::ptr_eq(&a, &b));
/// drop(a);
/// assert_eq!(Shared::into_inner(b), Some(5)); // the last holder takes the value out
/// ```
pub struct Shared<T>(NonNull<SharedBox<T>>);

struct SharedBox<T> {
    count: AtomicUsize,
    value: T,
}

// SAFETY: as for Arc: the value is reached by `&T` from any holder's thread and dropped on the last one's.
unsafe impl<T: Send + Sync> Send for Shared<T> {}
// SAFETY: as above.
unsafe impl<T: Send + Sync> Sync for Shared<T> {}

#[cold]
extern "C" fn no_memory(bytes: usize) -> ! {
    alloc::handle_alloc_error(system_layout(bytes))
}

impl<T> Shared<T> {
    const BYTES: usize = {
        assert!(align_of::<SharedBox<T>>() <= ALIGN);
        size_of::<SharedBox<T>>()
    };

    /// Puts `value` behind a count of one. Aborts when memory is out, as `Arc` does: boxes are small.
    ///
    /// Always inlined and without a way to unwind, so that the compiler makes the value where it will be. Made on the stack and
    /// moved there, it costs three times as much: long reads of bytes that were just written by shorter writes make the
    /// processor wait.
    #[inline(always)]
    pub fn new(value: T) -> Self {
        let block = take(Self::BYTES).cast::<SharedBox<T>>();
        let Some(block) = NonNull::new(block) else {
            no_memory(Self::BYTES)
        };
        // SAFETY: the block is fresh, large enough and aligned.
        unsafe {
            let place = block.as_ptr();
            (&raw mut (*place).count).write(AtomicUsize::new(1));
            (&raw mut (*place).value).write(value);
        };
        Shared(block)
    }

    #[inline]
    fn inner(&self) -> &SharedBox<T> {
        // SAFETY: the block lives while a holder does.
        unsafe { self.0.as_ref() }
    }

    /// Whether two handles hold the same box.
    #[inline]
    pub fn ptr_eq(a: &Self, b: &Self) -> bool {
        a.0 == b.0
    }

    /// An address that is this box's own while it lives; for maps that do not outlive it.
    #[inline]
    pub fn address(this: &Self) -> usize {
        this.0.as_ptr() as usize
    }

    /// Whether this is the only holder, so that nobody else can see a change.
    #[inline]
    pub fn is_unique(this: &Self) -> bool {
        this.inner().count.load(Ordering::Acquire) == 1
    }

    /// How many holders there are: a number that others may change while it is read.
    #[inline]
    pub fn count(this: &Self) -> usize {
        this.inner().count.load(Ordering::Acquire)
    }

    /// The value, to change, if this is the only holder.
    #[inline]
    pub fn get_mut(this: &mut Self) -> Option<&mut T> {
        if Self::is_unique(this) {
            // SAFETY: the only holder is `this`, which is borrowed mutably.
            Some(unsafe { &mut this.0.as_mut().value })
        } else {
            None
        }
    }

    /// Takes the value out if this is the last holder; otherwise gives the hold back.
    #[inline]
    pub fn into_inner(this: Self) -> Option<T> {
        let block = this.0;
        std::mem::forget(this);
        // SAFETY: `block` was held by `this`.
        unsafe {
            if !release(block) {
                return None;
            }
            let value = ptr::read(&raw const (*block.as_ptr()).value);
            give(block.as_ptr().cast(), Self::BYTES);
            Some(value)
        }
    }
}

/// Gives one hold back; true if it was the last.
///
/// # Safety
/// The caller owns a hold on `block` and does not use it after a false return.
#[inline]
unsafe fn release<T>(block: NonNull<SharedBox<T>>) -> bool {
    // SAFETY: alive, since the caller owns a hold.
    let count = unsafe { &block.as_ref().count };
    // The only holder need not write the count back: nobody else can be racing for it.
    if count.load(Ordering::Acquire) == 1 {
        return true;
    }
    if count.fetch_sub(1, Ordering::Release) != 1 {
        return false;
    }
    fence(Ordering::Acquire);
    true
}

impl<T> Clone for Shared<T> {
    #[inline]
    fn clone(&self) -> Self {
        let old = self.inner().count.fetch_add(1, Ordering::Relaxed);
        if old > isize::MAX as usize {
            std::process::abort(); // 2^63 leaked handles; as Arc
        }
        Shared(self.0)
    }
}

impl<T> Drop for Shared<T> {
    #[inline]
    fn drop(&mut self) {
        /// Gives the block back also where the value's drop panics.
        struct Block<T>(NonNull<SharedBox<T>>);
        impl<T> Drop for Block<T> {
            #[inline]
            fn drop(&mut self) {
                // SAFETY: the block was taken with this size, and its last holder is gone.
                unsafe { give(self.0.as_ptr().cast(), Shared::<T>::BYTES) };
            }
        }
        // SAFETY: this handle owns a hold; after the last, value and block are ours alone.
        unsafe {
            if release(self.0) {
                let block = Block(self.0);
                ptr::drop_in_place(&raw mut (*block.0.as_ptr()).value);
            }
        }
    }
}

impl<T> Deref for Shared<T> {
    type Target = T;
    #[inline]
    fn deref(&self) -> &T {
        &self.inner().value
    }
}

impl<T: std::fmt::Debug> std::fmt::Debug for Shared<T> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        T::fmt(self, f)
    }
}

impl<T: PartialEq> PartialEq for Shared<T> {
    fn eq(&self, other: &Self) -> bool {
        **self == **other
    }
}

impl<T: Eq> Eq for Shared<T> {}
