//! Tensors in which one element stands for many, written once: what fills and writes of one number do to an expanded tensor.

use crate::core::tensor::Tensor;
use crate::{DType, Result};

impl Tensor {
    /// A view of each element once: dimensions that stand for one element many times keep one place.
    pub(crate) fn once(&self) -> Result<Tensor> {
        let array = self.array();
        let layout = array.layout();
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
        let array = self.array();
        let layout = array.layout();
        let strides = layout.strides();
        let stretched = |d: &usize| self.shape()[*d] > 1 && strides[*d] == 0;
        let (front, rest): (Vec<usize>, Vec<usize>) = (0..self.ndim()).partition(stretched);
        let order: Vec<i64> = front.iter().chain(&rest).map(|&d| d as i64).collect();
        let many: usize = front.iter().map(|&d| self.shape()[d]).product();
        let mut shape = vec![many];
        shape.extend(rest.iter().map(|&d| self.shape()[d]));
        let rows = |t: &Tensor| t.permute(&order)?.reshape(&shape[..]);
        let changed = rows(&result.detach().ne(&self.detach())?)?.to(DType::I64)?;
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
    use crate::Tensor;

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
