//! Activation functions, softmax and its kin.

use super::Function;
use super::value::IntoValue;
use crate::ops;

pub(super) static LIST: &[Function] = &[Function::new(
    "softmax(Tensor input, int dim, *, dtype? dtype=None) -> Tensor",
    "torch Tensor nn.functional special",
    |a| {
        let x = a.tensor("input")?;
        let x = match a.dtype("dtype")? {
            Some(d) => x.to(d)?,
            None => x.clone(),
        };
        x.softmax(a.int("dim")?).into_value()
    },
)
.of(ops::Softmax::DEF)
.samples(&[
    "T(2,3), 1",
    "T(4), -1",
    "T(0,3), 0",
    "T(), 0",
    "T(3,2).t, dim=1, dtype=float64",
])
.edges(&["T[[1.0, inf, 0.0], [1.0, nan, 2.0], [-inf, 1.0, 2.0]], 1"])
.errors(&["T(2,3), 5"])];
