//! Writes into memory that is read too: what PyTorch refuses, and what it lets pass.
//!
//! Layouts are compared only where two tensors share a storage, and in PyTorch's way: known for tensors without gaps, and then
//! an error unless both are the same. With gaps it gives up, and so the old numbers are read here, whatever is shared. What may
//! be written at all (no element twice) is the kernels' business; a write of one number may go to a stretched tensor.

use crate::tensor::Tensor;
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

impl Tensor {
    /// A view of each element once: dimensions that stand for one element many times keep one place.
    pub(crate) fn once(&self) -> Result<Tensor> {
        let layout = self.array().layout();
        let mut once = self.clone();
        if layout.is_stretched() {
            for (dim, (&n, &stride)) in layout
                .shape()
                .iter()
                .zip(layout.strides().iter())
                .enumerate()
            {
                if n > 1 && stride == 0 {
                    once = once.narrow(dim as i64, 0, 1)?;
                }
            }
        }
        Ok(once)
    }

    /// Of what a function made of a stretched tensor: the elements to write to [`Tensor::once`]. Of those that share one, the
    /// last that was changed.
    pub(crate) fn gathered_once(&self, result: &Tensor) -> Result<Tensor> {
        let layout = self.array().layout();
        let strides = layout.strides();
        let stretched = |d: &usize| self.shape()[*d] > 1 && strides[*d] == 0;
        let (front, rest): (Vec<usize>, Vec<usize>) = (0..self.ndim()).partition(stretched);
        let order: Vec<i64> = front.iter().chain(&rest).map(|&d| d as i64).collect();
        let many: usize = front.iter().map(|&d| self.shape()[d]).product();
        let mut shape = vec![many];
        shape.extend(rest.iter().map(|&d| self.shape()[d]));
        let rows = |t: &Tensor| t.permute(&order)?.reshape(&shape[..]);
        let changed = rows(&result.detach().ne(&self.detach())?)?.to(crate::DType::I64)?;
        let mut column = vec![1; shape.len()];
        column[0] = many;
        let numbers = Tensor::arange(many)?.add(1i64)?.reshape(&column[..])?;
        let last = changed.mul(&numbers)?.amax(&[0], true)?;
        let at = last.sub(1i64)?.clamp_min(0i64)?;
        rows(result)?.gather(0, &at)?.reshape(self.once()?.shape())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::Tensor;

    fn between(a: &Tensor, b: &Tensor) -> Overlap {
        overlap(a.array(), b.array())
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

    #[test]
    fn of_stretched_elements_the_last_changed_is_kept() {
        let one = Tensor::from_slice(&[1.0f32, 2.0], [1, 2]).unwrap();
        let x = one.expand([3, 2]).unwrap();
        assert_eq!(x.once().unwrap().shape()[..], [1, 2]);
        let y = Tensor::from_slice(&[1.0f32, 5.0, 7.0, 2.0, 1.0, 2.0], [3, 2]).unwrap();
        assert_eq!(
            x.gathered_once(&y).unwrap().to_vec::<f32>().unwrap(),
            [7.0, 5.0]
        );
    }
}
