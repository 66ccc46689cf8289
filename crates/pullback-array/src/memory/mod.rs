//! Memory: blocks that arrays share (`storage`), where small and large blocks come from (`pool`, `large`, `pages`), and vectors
//! of a length that a user gives (`room`).

pub(crate) mod fork;
pub(crate) mod large;
pub(crate) mod once;
pub(crate) mod pages;
pub(crate) mod pool;
pub(crate) mod ptr;
pub(crate) mod room;
pub(crate) mod storage;
