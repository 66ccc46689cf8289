//! For packages that keep an optimiser's state themselves: what they must ask before they call [`Algorithm::advance`](super::Algorithm::advance).

use crate::Tensor;
use crate::core::{in_place, mode, watch};

/// Whether a step may write this parameter past its history: nobody records or pushes tangents, and it is no inference tensor.
pub fn may_step(param: &Tensor) -> bool {
    let flags = mode::flags();
    flags & watch::WATCHED == 0 && in_place::writable(param, false, flags).is_ok()
}
