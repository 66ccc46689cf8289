//! Loops compiled for wide vectors beside the plain form, and chosen when the program runs.
//!
//! The functions a loop calls are the same in each form and are never fused or reordered by the compiler, so the bits are
//! the same too. Each use costs two more copies of the loop: for formulas that are hot and long, not for all.
#![allow(unsafe_code)]

/// Runs `work`, whose loops use the widest vectors this machine has. The closure and all it calls must be inlined for
/// that, and it must own the pointers of its loops (`move`): those behind a reference are read again for each element.
#[inline(always)]
pub(crate) fn wide<R>(work: impl FnOnce() -> R) -> R {
    #[cfg(target_arch = "x86_64")]
    {
        if is_x86_feature_detected!("avx512f")
            && is_x86_feature_detected!("avx512vl")
            && is_x86_feature_detected!("avx512dq")
        {
            // SAFETY: the instructions are there.
            return unsafe { avx512(work) };
        }
        if has_fma() {
            // SAFETY: the instructions are there.
            return unsafe { avx2(work) };
        }
    }
    work()
}

/// As [`wide`] where elements of four bytes are worked on; wider ones have no copies of the loop.
#[inline(always)]
pub(crate) fn wide_for<T, R>(work: impl FnOnce() -> R) -> R {
    if const { size_of::<T>() == 4 } {
        wide(work)
    } else {
        work()
    }
}

/// Whether [`wide`] runs loops in which `mul_add` is one instruction.
#[inline(always)]
pub(crate) fn has_fma() -> bool {
    #[cfg(target_arch = "x86_64")]
    return is_x86_feature_detected!("avx2") && is_x86_feature_detected!("fma");
    #[cfg(not(target_arch = "x86_64"))]
    return cfg!(target_arch = "aarch64");
}

/// # Safety
/// The machine has AVX-512 F, VL and DQ.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx512f,avx512vl,avx512dq,avx2,fma")]
unsafe fn avx512<R>(work: impl FnOnce() -> R) -> R {
    work()
}

/// # Safety
/// The machine has AVX2 and FMA.
#[cfg(target_arch = "x86_64")]
#[target_feature(enable = "avx2,fma")]
unsafe fn avx2<R>(work: impl FnOnce() -> R) -> R {
    work()
}
