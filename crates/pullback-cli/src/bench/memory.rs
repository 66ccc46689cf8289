//! How much memory the process holds, whoever allocated it: as Linux counts it. Elsewhere nothing is known.

/// Bytes in memory now (`VmRSS`).
pub(crate) fn resident() -> Option<u64> {
    status("VmRSS:")
}

/// The most bytes in memory at once (`VmHWM`) while `work` runs; nothing where the system does not say.
pub(crate) fn peak_of<E>(work: impl FnOnce() -> Result<(), E>) -> Result<Option<u64>, E> {
    // Writing 5 sets the peak back to what is in memory now.
    let reset = std::fs::write("/proc/self/clear_refs", "5").is_ok();
    work()?;
    Ok(status("VmHWM:").filter(|_| reset))
}

/// A number of kilobytes in the process's status, in bytes.
fn status(key: &str) -> Option<u64> {
    let text = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = text.lines().find_map(|line| line.strip_prefix(key))?;
    let kilobytes: u64 = line.trim().strip_suffix("kB")?.trim().parse().ok()?;
    Some(kilobytes << 10)
}
