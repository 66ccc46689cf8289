//! Bytes that arrays share, and the rule that keeps sharing sound.
//!
//! A [`Storage`] is a counted block of bytes with a version (how often it was written in place) and a reader/writer
//! state. Kernels never make a `&[T]` over it, since another handle may write it: they take a [`ReadGuard`] or a
//! [`WriteGuard`] and work through raw pointers (`guards`).
//! Memory may belong to somebody else (NumPy): then the owner rides along and is dropped with the storage. It may also lie on
//! another device: then there is an opaque handle, no pointer, and no guard to be had ([`Storage::elsewhere`]).
//! Not for: what a device does ([`crate::Device`] is a name), and identity by address: [`Storage::id`] is a number.
#![allow(unsafe_code)]

use crate::error::Result;
use crate::memory::guards::{CLOSED, ELSEWHERE, META, WRITER};
use crate::memory::place::Device;
use crate::memory::pool;
use crate::memory::room::out_of_memory;
use std::any::Any;
use std::panic::Location;
use std::ptr::{self, NonNull};
use std::sync::atomic::{AtomicPtr, AtomicU32, AtomicU64, AtomicUsize, Ordering, fence};

/// Bytes up to which data lies in the header's own block.
const INLINE: usize = pool::LARGEST - HEADER;
const HEADER: usize = pool::ALIGN;

pub(super) struct Header {
    count: AtomicUsize,
    /// [`WRITER`] or the number of readers, and [`UPDATE`].
    state: AtomicU32,
    pub(super) version: AtomicU32,
    pub(super) data: *mut u8,
    bytes: usize,
    /// The source line of the latest in-place write, for error messages.
    writer: AtomicPtr<Location<'static>>,
    /// What few storages have.
    rare: Option<Box<Rare>>,
    /// [`Storage::id`], once somebody has asked; 0 before.
    id: AtomicU64,
}

/// What is known of memory that is not the storage's own.
struct Rare {
    /// Keeps foreign memory alive; the handle of memory on another device.
    owner: Box<dyn Any + Send + Sync>,
    /// The header whose reader and writer state counts, for a storage that shares another one's data under a version of its own;
    /// the owner keeps it alive. Null for all others.
    lender: *const Header,
    /// Where the data lies.
    device: Device,
}

impl Rare {
    fn owned(owner: Box<dyn Any + Send + Sync>) -> Option<Box<Rare>> {
        Rare::on(Device::Cpu, owner)
    }

    fn on(device: Device, owner: Box<dyn Any + Send + Sync>) -> Option<Box<Rare>> {
        Some(Box::new(Rare {
            owner,
            lender: ptr::null(),
            device,
        }))
    }
}

/// The number that the next storage gets whose [`Storage::id`] is asked for.
static NEXT: AtomicU64 = AtomicU64::new(1);

const _: () = assert!(size_of::<Header>() <= HEADER);

/// A shared, counted block of bytes.
pub struct Storage(NonNull<Header>);

// SAFETY: the data is only touched under a guard, whose state is atomic; everything else in the header is immutable or
// atomic.
unsafe impl Send for Storage {}
// SAFETY: as above.
unsafe impl Sync for Storage {}

impl Storage {
    /// The same bytes under a version of its own: writes through one handle are not counted by the other. Who may read and write at
    /// once is decided for both together.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`](crate::ErrorKind::Alloc) where the system has no block for the header.
    pub fn uncounted(&self) -> Result<Storage> {
        self.uncounted_from(0)
    }

    /// As [`Storage::uncounted`], counting from `version`.
    ///
    /// # Errors
    /// As [`Storage::uncounted`].
    pub fn uncounted_from(&self, version: u32) -> Result<Storage> {
        let block = pool::take(HEADER);
        if block.is_null() {
            return Err(out_of_memory(HEADER));
        }
        // Of an alias the lender is held, and not the alias: else a chain of aliases would keep every link of it.
        let rare = Box::new(Rare {
            owner: Box::new(self.lender().unwrap_or(self).clone()),
            lender: self.guarding(),
            device: self.device(),
        });
        let (data, bytes) = (self.header().data, self.bytes());
        let alias = Self::from_parts(block, data, bytes, Some(rare));
        (alias.header().version).store(version, Ordering::Release);
        Ok(alias)
    }

    /// The storage whose data this one shows under a version of its own.
    fn lender(&self) -> Option<&Storage> {
        let rare = self.header().rare.as_ref()?;
        match rare.lender.is_null() {
            true => None,
            false => rare.owner.downcast_ref(),
        }
    }

    /// A number that handles of one block share, be it under two versions, and that no other block ever has in this process.
    #[inline]
    pub fn id(&self) -> u64 {
        // SAFETY: a lender lives as long as the owner that this header holds.
        let id = unsafe { &(*self.guarding()).id };
        match id.load(Ordering::Relaxed) {
            0 => numbered(id),
            known => known,
        }
    }

    /// Gives the data back although this handle stays: for who keeps the handle only because somebody may be looking at it.
    /// Where others hold the storage, read or write it, where the memory is somebody else's, or lies in one block with the header,
    /// nothing happens. Says whether the data is gone; from then on every guard is an error.
    pub fn close(&self) -> bool {
        let header = self.header();
        if header.bytes <= INLINE || header.rare.is_some() || !self.is_unique() {
            return false;
        }
        let shut = WRITER | CLOSED;
        if (header.state)
            .compare_exchange(0, shut, Ordering::SeqCst, Ordering::Relaxed)
            .is_err()
        {
            return header.state.load(Ordering::Relaxed) & CLOSED != 0;
        }
        // Somebody may have cloned this very handle since the count was read. Either this sees the new holder, or `is_open` of
        // the new holder sees the state: each writes its own word before it reads the other's, with a fence between.
        fence(Ordering::SeqCst);
        if !self.is_unique() {
            header.state.fetch_sub(shut, Ordering::Release);
            return false;
        }
        // SAFETY: the block was taken with this size, and belongs to the header alone: memory of others was excluded above. Data is
        // only touched under a guard; none was held when the state changed from 0, and none can be had any more. `Drop` sees
        // CLOSED and does not give the block back again.
        unsafe { pool::give(header.data, header.bytes) };
        true
    }

    /// Makes every guard an error from now on, whoever still has a handle: for data that was lent and is wanted back. Waits for those who are
    /// reading or writing.
    pub(crate) fn shut(&self) {
        let state = &self.header().state;
        while !self.is_unique()
            && (state.compare_exchange_weak(
                0,
                WRITER | CLOSED,
                Ordering::SeqCst,
                Ordering::Relaxed,
            ))
            .is_err()
            && state.load(Ordering::Relaxed) & CLOSED == 0
        {
            std::thread::yield_now();
        }
    }

    /// Whether the data is there, and stays while this handle does. For who hands an address to others: ask a handle of your own.
    pub fn is_open(&self) -> bool {
        fence(Ordering::SeqCst);
        self.state().load(Ordering::SeqCst) & CLOSED == 0
    }

    /// The header whose state says who reads and writes.
    #[inline]
    pub(super) fn guarding(&self) -> *const Header {
        match &self.header().rare {
            Some(rare) if !rare.lender.is_null() => rare.lender,
            Some(_) | None => self.0.as_ptr(),
        }
    }

    /// Who reads and writes.
    #[inline]
    pub(super) fn state(&self) -> &AtomicU32 {
        // SAFETY: a lender lives as long as the owner that this header holds.
        unsafe { &(*self.guarding()).state }
    }

    /// `bytes` bytes whose content is arbitrary until written (zero if `zeroed`).
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where the system has no such block.
    #[inline]
    pub(crate) fn new(bytes: usize, zeroed: bool) -> Result<Storage> {
        let (block, data);
        if bytes <= INLINE {
            block = pool::take(HEADER + bytes);
            if block.is_null() {
                return Err(out_of_memory(bytes));
            }
            // SAFETY: the block has HEADER + bytes bytes.
            unsafe {
                data = block.add(HEADER);
                if zeroed {
                    ptr::write_bytes(data, 0, bytes);
                }
            }
        } else {
            data = if zeroed {
                pool::take_zeroed(bytes)
            } else {
                pool::take(bytes)
            };
            if data.is_null() {
                return Err(out_of_memory(bytes));
            }
            block = pool::take(HEADER);
            if block.is_null() {
                // SAFETY: just taken with the same size.
                unsafe { pool::give(data, bytes) };
                return Err(out_of_memory(HEADER));
            }
        }
        Ok(Self::from_parts(block, data, bytes, None))
    }

    /// No data, only the size that it would have: every guard is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where the system has no block for the header.
    pub(crate) fn meta(bytes: usize) -> Result<Storage> {
        let block = pool::take(HEADER);
        if block.is_null() {
            return Err(out_of_memory(HEADER));
        }
        // Somebody else owns it, who is nobody: it is not given back, and no array over it is written as one's own.
        let storage = Self::from_parts(
            block,
            ptr::without_provenance_mut(pool::ALIGN),
            bytes,
            Rare::on(Device::Meta, Box::new(())),
        );
        (storage.state()).store(WRITER | META, Ordering::Release);
        Ok(storage)
    }

    /// Memory on another device, behind a handle that only who made it understands: there is no pointer to it here, and every guard
    /// is an error.
    ///
    /// # Errors
    /// [`ErrorKind::Alloc`] where the system has no block for the header.
    pub(crate) fn elsewhere(
        device: Device,
        bytes: usize,
        handle: Box<dyn Any + Send + Sync>,
    ) -> Result<Storage> {
        let block = pool::take(HEADER);
        if block.is_null() {
            return Err(out_of_memory(HEADER));
        }
        let nowhere = ptr::without_provenance_mut(pool::ALIGN);
        let storage = Self::from_parts(block, nowhere, bytes, Rare::on(device, handle));
        (storage.state()).store(WRITER | ELSEWHERE, Ordering::Release);
        Ok(storage)
    }

    /// Where the data lies.
    #[inline]
    pub fn device(&self) -> Device {
        match &self.header().rare {
            None => Device::Cpu,
            Some(rare) => rare.device,
        }
    }

    /// The handle of memory on another device; `None` for memory of the CPU, and where there is none.
    pub fn handle(&self) -> Option<&(dyn Any + Send + Sync)> {
        let storage = self.lender().unwrap_or(self);
        let rare = storage.header().rare.as_ref()?;
        match rare.device {
            Device::Other(_) => Some(&*rare.owner),
            Device::Cpu | Device::Meta => None,
        }
    }

    /// Whether there is no data.
    pub fn is_meta(&self) -> bool {
        self.state().load(Ordering::Relaxed) & META != 0
    }

    /// Wraps memory that somebody else owns.
    ///
    /// # Safety
    /// `data` must be valid for reads and writes of `bytes` bytes, and stay so while `owner` lives; whoever else
    /// writes it while a kernel runs answers for the race.
    pub unsafe fn foreign(
        data: *mut u8,
        bytes: usize,
        owner: Box<dyn Any + Send + Sync>,
    ) -> Result<Storage> {
        let block = pool::take(HEADER);
        if block.is_null() {
            return Err(out_of_memory(HEADER));
        }
        Ok(Self::from_parts(block, data, bytes, Rare::owned(owner)))
    }

    #[inline]
    fn from_parts(block: *mut u8, data: *mut u8, bytes: usize, rare: Option<Box<Rare>>) -> Storage {
        let header = block.cast::<Header>();
        // SAFETY: the block is fresh, aligned to 64 and at least HEADER long.
        unsafe {
            header.write(Header {
                count: AtomicUsize::new(1),
                state: AtomicU32::new(0),
                version: AtomicU32::new(0),
                data,
                bytes,
                writer: AtomicPtr::new(ptr::null_mut()),
                rare,
                id: AtomicU64::new(0),
            });
            Storage(NonNull::new_unchecked(header))
        }
    }

    #[inline]
    pub(super) fn header(&self) -> &Header {
        // SAFETY: the header lives while a handle does.
        unsafe { self.0.as_ref() }
    }

    /// Size in bytes.
    #[inline]
    pub fn bytes(&self) -> usize {
        self.header().bytes
    }

    /// How often the data was written in place.
    #[inline]
    pub fn version(&self) -> u32 {
        self.header().version.load(Ordering::Acquire)
    }

    /// Says that somebody who goes around the guards has written the data: the version advances.
    pub fn note_write(&self) {
        self.header().version.fetch_add(1, Ordering::Release);
    }

    /// Lets the version go on from `version`: for memory that takes the place of other memory.
    pub fn count_from(&self, version: u32) {
        self.header().version.store(version, Ordering::Release);
    }

    /// Notes the source line of an in-place write.
    pub fn set_writer(&self, site: &'static Location<'static>) {
        self.header()
            .writer
            .store(ptr::from_ref(site).cast_mut(), Ordering::Release);
    }

    /// The source line of the latest in-place write that was noted.
    pub fn writer(&self) -> Option<&'static Location<'static>> {
        // SAFETY: only `set_writer` stores here, and what it stores lives forever.
        unsafe { self.header().writer.load(Ordering::Acquire).as_ref() }
    }

    /// Address of the data, for who checks its alignment or hands it out; `None` where the CPU does not reach it. No identity: see
    /// [`Storage::id`].
    #[inline]
    pub(crate) fn address(&self) -> Option<usize> {
        match self.device() {
            Device::Cpu => Some(self.header().data as usize),
            Device::Meta | Device::Other(_) => None,
        }
    }

    /// Whether the data starts at a multiple of `align` bytes, as far as the CPU can tell.
    pub(crate) fn is_aligned(&self, align: usize) -> bool {
        self.address().is_none_or(|a| a.is_multiple_of(align))
    }

    /// Where the data starts, to be written by who has just made the storage.
    #[inline]
    pub(crate) fn start(&self) -> *mut u8 {
        self.header().data
    }

    /// Whether two handles share one block, be it under two versions.
    #[inline]
    pub fn same(&self, other: &Storage) -> bool {
        self.guarding() == other.guarding()
    }

    /// Whether a byte of one may be a byte of the other: the same block, or foreign memory that was wrapped twice.
    #[inline]
    pub fn shares_memory(&self, other: &Storage) -> bool {
        match (self.address(), other.address()) {
            (Some(a), Some(b)) => {
                self.same(other) || (a < b + other.bytes() && b < a + self.bytes())
            }
            _ => self.same(other),
        }
    }

    /// Whether no other handle shares the data.
    #[inline]
    pub fn is_unique(&self) -> bool {
        self.header().count.load(Ordering::Acquire) == 1
    }

    /// Begins counting writes anew, where nobody else has the data: what made it may have taken several.
    #[inline]
    pub fn renew(&self) {
        if self.version() != 0 && self.is_unique() && !self.is_foreign() {
            self.header().version.store(0, Ordering::Release);
        }
    }

    /// Whether the memory belongs to somebody else.
    pub fn is_foreign(&self) -> bool {
        self.header().rare.is_some()
    }
}

/// Gives a storage its number.
#[cold]
fn numbered(id: &AtomicU64) -> u64 {
    let new = NEXT.fetch_add(1, Ordering::Relaxed);
    match id.compare_exchange(0, new, Ordering::Relaxed, Ordering::Relaxed) {
        Ok(_) => new,
        Err(known) => known,
    }
}

impl Clone for Storage {
    #[inline]
    fn clone(&self) -> Self {
        if self.header().count.fetch_add(1, Ordering::Relaxed) > isize::MAX as usize {
            std::process::abort(); // leaked handles without end; as Arc
        }
        Storage(self.0)
    }
}

impl Drop for Storage {
    #[inline]
    fn drop(&mut self) {
        let count = &self.header().count;
        if count.load(Ordering::Acquire) != 1 {
            if count.fetch_sub(1, Ordering::Release) != 1 {
                return;
            }
            fence(Ordering::Acquire);
        }
        // SAFETY: this was the last handle; sizes are those the blocks were taken with.
        unsafe {
            let header = self.0.as_ptr();
            let (data, bytes) = ((*header).data, (*header).bytes);
            let foreign = (*header).rare.take();
            // By size and not by address: another allocation may begin right behind the header.
            if bytes <= INLINE && foreign.is_none() {
                pool::give(header.cast(), HEADER + bytes);
            } else {
                if foreign.is_none() && *(*header).state.get_mut() & CLOSED == 0 {
                    pool::give(data, bytes);
                }
                pool::give(header.cast(), HEADER);
            }
            drop(foreign);
        }
    }
}

impl std::fmt::Debug for Storage {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Storage")
            .field("bytes", &self.bytes())
            .field("version", &self.version())
            .finish()
    }
}
