//! Tensors made of zeros and ones: `eye` and `one_hot`. Numbers in a row are in `ranges`, random ones in `ops/random/tensors`. Nothing here
//! has a gradient.

use crate::core::device::HostRead;
use crate::core::fail::{bail, ensure, error};
use crate::core::tensor::Tensor;
use crate::core::watch;
use crate::ops::Count;
use crate::ops::common::operand::{inferred, unnumbered};
use crate::{Array, DType, Result};

/// Ones on the diagonal of an `n` by `m` matrix (square without `m`), zeros elsewhere. PyTorch's `torch.eye`.
///
/// # Errors
/// Where a size is negative.
#[pullback_macros::called]
#[track_caller]
pub fn eye(n: impl Into<Count>, m: Option<Count>, dtype: DType) -> Result<Tensor> {
    let n = n.into().0;
    let size = |what: &str, n: i64| {
        usize::try_from(n)
            .map_err(|_| error!(Shape, "{what} must be greater or equal to 0, got {n}"))
    };
    let rows = size("n", n)?;
    let columns = m.map_or(Ok(rows), |m| size("m", m.0))?;
    let out = Array::zeros([rows, columns], dtype)?;
    let diagonal: Vec<i64> = (0..rows.min(columns) as i64)
        .map(|i| i * (columns as i64 + 1))
        .collect();
    let index = Array::from_slice(&diagonal, [diagonal.len()])?;
    let ones = Array::full([diagonal.len()], 1i64, dtype)?;
    pullback_array::kernels::index_put(&out, 0, 2, &index, &ones, false)?;
    Ok(Tensor::from_array(out))
}

/// A class number as a row of zeros with a one in its place; `num_classes` of -1 counts them. PyTorch's
/// `torch.nn.functional.one_hot`.
///
/// # Errors
/// Where a number is negative or not below `num_classes`, or the tensor is not int64.
///
/// ```
/// use pullback::{Tensor, one_hot};
/// let x = one_hot(&Tensor::from_slice(&[2i64, 0], [2])?, 3)?;
/// assert_eq!(x.to_vec::<i64>()?, [0, 0, 1, 1, 0, 0]);
/// # Ok::<(), pullback::Error>(())
/// ```
#[pullback_macros::called]
#[track_caller]
pub fn one_hot(x: &Tensor, num_classes: impl Into<Count>) -> Result<Tensor> {
    let num_classes = num_classes.into().0;
    ensure!(
        x.dtype() == DType::I64,
        Shape,
        "one_hot is only applicable to index tensor of type LongTensor."
    );
    if num_classes > 0 && unnumbered(&[&x.array()]) {
        let shape = [&x.shape()[..], &[num_classes as usize]].concat();
        return inferred(&shape[..], DType::I64).map(Tensor::from_array);
    }
    if num_classes > 0 && watch::varies(x) {
        let classes = Tensor::arange(num_classes as usize)?;
        return x.unsqueeze(-1)?.eq(&classes)?.to(DType::I64);
    }
    let classes = x.numbers::<i64>()?;
    if classes.is_empty() && num_classes <= 0 {
        bail!(
            Shape,
            "Can not infer total number of classes from empty tensor."
        );
    }
    if classes.iter().any(|&c| c < 0) {
        bail!(Shape, "Class values must be non-negative.");
    }
    let largest = classes.iter().max().copied().unwrap_or(-1);
    let n = match num_classes {
        -1 => largest.saturating_add(1),
        n if n < 1 => bail!(Shape, "num_classes should be positive"),
        n if n <= largest => {
            return Err(
                error!(Shape, "Class values must be smaller than num_classes.")
                    .note(format!("class {largest}, and num_classes is {n}")),
            );
        }
        n => n,
    };
    let mut shape = x.shape().clone();
    shape.push(n as usize);
    Tensor::zeros(shape, DType::I64)?.scatter(-1, &x.unsqueeze(-1)?, 1i64)
}
