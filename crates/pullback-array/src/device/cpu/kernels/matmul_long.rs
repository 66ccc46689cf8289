//! Matrix products over more elements than any memory has, which expanded arrays make.

use super::gemm::Gemm;
use super::matmul::{self, dot_shapes};
use crate::array::Array;
use crate::error::{Error, ErrorKind, Result};
use crate::interrupt::Watch;
use crate::scalar::arith::Arith;

/// The product of operands whose rows and columns are longer than memory: those of expanded arrays. They are cut into
/// stretches, whose products are added, and somebody may stop it between two.
pub(super) fn product<T: Arith + Gemm>(
    a: &Array,
    b: &Array,
    bias: Option<&Array>,
    k: usize,
) -> Result<Array> {
    let (last, down) = (a.rank() - 1, b.rank().saturating_sub(2));
    let outputs = dot_shapes(a.shape(), b.shape())?.numel();
    let stretch = ((1 << 24) / outputs.max(1)).max(256);
    let mut total = None;
    let watch = Watch::new();
    for start in (0..k).step_by(stretch) {
        if !watch.goes_on() {
            break;
        }
        let len = stretch.min(k - start);
        let (a, b) = (a.slice(last, start, len, 1)?, b.slice(down, start, len, 1)?);
        let shape = dot_shapes(a.shape(), b.shape())?;
        // The bias comes with the first.
        let part = matmul::product::<T>(&a, &b, bias.filter(|_| start == 0), shape)?;
        match &total {
            None => total = Some(part),
            Some(total) => super::zip_assign(total, &part, |x: T, y: T| x.plus(y))?,
        }
    }
    watch.end()?;
    total.ok_or_else(|| Error::new(ErrorKind::Shape, "a product of nothing"))
}
