//! Where numbers lie and are computed. One device computes here, the CPU; the memory of others is a handle
//! ([`Array::elsewhere`](crate::Array::elsewhere)), and who knows it computes.

pub(crate) mod cpu;
