//! Where numbers lie and are computed. There is one device, the CPU.

pub(crate) mod cpu;
