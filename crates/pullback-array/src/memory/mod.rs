//! Memory: blocks that arrays share (`storage`), who reads and writes them (`guards`), where small and large blocks come from (`pool`, `large`, `pages`), vectors of a
//! length that a user gives (`room`), and the devices' names (`place`). Pointers are known here and in `device::cpu`, and nowhere else.

pub(crate) mod fork;
pub(crate) mod guards;
pub(crate) mod large;
pub(crate) mod once;
pub(crate) mod pages;
pub(crate) mod place;
pub(crate) mod pool;
pub(crate) mod ptr;
pub(crate) mod room;
pub(crate) mod storage;
