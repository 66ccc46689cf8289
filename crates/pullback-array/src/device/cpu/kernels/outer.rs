//! The outer product of two vectors.
//!
//! Not for: products of matrices (`matmul.rs`), and products of any shapes element by element (`map.rs`).
#![allow(unsafe_code)]

use super::narrow::computing;
use super::stored::{AT_ONCE, Room, Stored};
use crate::array::{Array, unread, wrong_dtype};
use crate::device::cpu::host::fresh_of;
use crate::dispatch;
use crate::error::{Error, ErrorKind, Result};
use crate::layout::{Layout, Shape};
use crate::scalar::arith::Arith;
use std::borrow::Cow;

/// The matrix of all products `a[i]·b[j]` of two vectors.
///
/// # Errors
/// Where one of them is no vector, or the dtypes differ or are `bool`.
pub fn outer(a: &Array, b: &Array) -> Result<Array> {
    if a.rank() != 1 || b.rank() != 1 {
        return Err(Error::new(
            ErrorKind::Shape,
            match a.rank() {
                1 => format!("outer: Expected 1-D argument vec2, but got {}-D", b.rank()),
                rank => format!("outer: Expected 1-D argument self, but got {rank}-D"),
            },
        ));
    }
    dispatch!(number a.dtype(), T => outer_of::<T>(a, b), else
        Err(Error::new(ErrorKind::Unsupported, "\"outer\" not implemented for 'Bool'")))
}

fn outer_of<T: Arith>(a: &Array, b: &Array) -> Result<Array> {
    let dtype = a.dtype();
    let stored = Stored::of(dtype, T::DTYPE)?;
    if b.dtype() != dtype {
        return Err(wrong_dtype(dtype, b.dtype()));
    }
    let (m, n) = (a.shape()[0], b.shape()[0]);
    let shape = Shape::new(&[m, n]);
    // A vector that is stretched may be longer than all memory, where the other has no element.
    let nothing = m == 0 || n == 0;
    let of = |x| match nothing {
        true => Ok(Cow::Borrowed(x)),
        false => computing(x),
    };
    // Vectors are little beside the matrix, which is stored piece by piece.
    let (a, b) = (of(a)?, of(b)?);
    let read = || Ok((a.read()?, b.read()?));
    let (ga, gb) = match read() {
        Ok(guards) => guards,
        Err(e) => return unread(&[&a, &b], || Ok(Layout::row_major(shape)), dtype, e),
    };
    let (storage, out) = fresh_of(&shape, dtype)?;
    if nothing {
        drop((ga, gb));
        return Ok(Array::from_fresh_of(storage, shape, dtype));
    }
    let (sa, sb) = (a.layout().stride(0), b.layout().stride(0));
    let mut room = stored.map(|_| Room::new());
    let most = if stored.is_some() { AT_ONCE } else { n };
    // SAFETY: the vectors' places lie inside their guarded storages, and `out` has room for m·n elements.
    unsafe {
        let (pa, pb) = (
            ga.ptr::<T>().add(a.layout().offset()),
            gb.ptr::<T>().add(b.layout().offset()),
        );
        for i in 0..m {
            let x = *pa.offset(i as isize * sa);
            let mut done = 0;
            while done < n {
                let len = (n - done).min(most);
                let at = i * n + done;
                let to = match room.as_deref_mut() {
                    Some(room) => room.wide().cast::<T>(),
                    None => out.cast::<T>().add(at),
                };
                for j in 0..len {
                    let y = *pb.offset((done + j) as isize * sb);
                    to.add(j).write(x.times(y));
                }
                if let (Some(stored), Some(room)) = (&stored, room.as_deref_mut()) {
                    stored.store(out.add(at * stored.size), 1, len, room);
                }
                done += len;
            }
        }
    }
    drop((ga, gb));
    Ok(Array::from_fresh_of(storage, shape, dtype))
}
