//! Writes into memory that is read too: what PyTorch refuses, and what it lets pass.
//!
//! Layouts are compared only where two tensors share a storage, and in PyTorch's way: known for tensors without gaps, and then
//! an error unless both are the same. With gaps it gives up, and so the old numbers are read here, whatever is shared. What may
//! be written at all (no element twice) is the kernels' business; a write of one number may go to a stretched tensor.

use crate::{Array, Error, ErrorKind, Layout, Result};
use smallvec::SmallVec;

/// How two tensors lie to each other.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Overlap {
    /// They share nothing, or PyTorch cannot tell.
    None,
    /// The same elements in the same places.
    Same,
    /// Some elements, or all in other places.
    Partly,
}

/// How a written tensor lies to one that is read.
#[inline]
pub(crate) fn overlap(written: &Array, read: &Array) -> Overlap {
    match written.storage().same(read.storage()) {
        true => within_storage(written, read),
        false => Overlap::None,
    }
}

/// Errors where a tensor that is written shares some of its memory with one that is read, but is not the same.
#[inline]
pub(crate) fn same_or_apart(written: &Array, read: &Array) -> Result<()> {
    match overlap(written, read) {
        Overlap::Partly => Err(shared()),
        _ => Ok(()),
    }
}

/// As [`same_or_apart`], and where both are the same.
#[inline]
pub(crate) fn apart(written: &Array, read: &Array) -> Result<()> {
    match overlap(written, read) {
        Overlap::None => Ok(()),
        _ => Err(shared()),
    }
}

/// PyTorch's sentence.
#[cold]
fn shared() -> Error {
    Error::new(
        ErrorKind::Argument,
        "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation.",
    )
}

#[cold]
fn within_storage(written: &Array, read: &Array) -> Overlap {
    let (w, r) = (written.layout(), read.layout());
    if w.numel() == 0 || r.numel() == 0 || !dense(w) || !dense(r) {
        return Overlap::None;
    }
    let range = |a: &Array| {
        let (at, size) = (a.layout().offset(), a.dtype().size());
        (at * size, (at + a.layout().numel()) * size)
    };
    let (a, b) = (range(written), range(read));
    if a == b {
        return match w.strides() == r.strides() {
            true => Overlap::Same,
            false => Overlap::Partly,
        };
    }
    match a.0 < b.1 && b.0 < a.1 {
        true => Overlap::Partly,
        false => Overlap::None,
    }
}

/// Whether the elements fill a stretch of memory, each place once.
fn dense(layout: &Layout) -> bool {
    if layout.is_contiguous() {
        return true;
    }
    let strides = layout.strides();
    let mut dims: SmallVec<[(isize, usize); 6]> = (strides.iter().copied())
        .zip(layout.shape().iter().copied())
        .filter(|&(_, n)| n != 1)
        .collect();
    dims.sort_unstable();
    let mut expected = 1;
    dims.into_iter().all(|(stride, n)| {
        let fits = stride == expected;
        expected *= n as isize;
        fits
    })
}

/// What may write to a stretched tensor, since elements that share memory get the same number or keep it.
pub(crate) fn writes_one_number(name: &str) -> bool {
    matches!(
        name,
        "masked_fill" | "index_fill" | "fill_diagonal" | "tril" | "triu"
    )
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn between(a: &Tensor, b: &Tensor) -> Overlap {
        overlap(&a.array(), &b.array())
    }

    #[test]
    fn layouts_are_compared_as_pytorch_compares_them() {
        let x = Tensor::arange(9).unwrap();
        let m = x.view([3, 3]).unwrap();
        assert_eq!(between(&x, &x), Overlap::Same);
        assert_eq!(between(&x, &x.view([9]).unwrap()), Overlap::Same);
        assert_eq!(between(&x, &x.copy().unwrap()), Overlap::None);
        assert_eq!(between(&m, &m.t().unwrap()), Overlap::Partly);
        assert_eq!(between(&x, &m), Overlap::Partly);
        let (left, right) = (x.narrow(0, 0, 5).unwrap(), x.narrow(0, 4, 5).unwrap());
        assert_eq!(between(&left, &right), Overlap::Partly);
        assert_eq!(between(&left, &x.narrow(0, 5, 4).unwrap()), Overlap::None);
        // With gaps PyTorch does not know.
        assert_eq!(between(&m.select(1, 0).unwrap(), &x), Overlap::None);
        assert_eq!(between(&x.narrow(0, 3, 0).unwrap(), &x), Overlap::None);
    }
}
