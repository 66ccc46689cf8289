//! Asks the linker to keep one copy of functions that are the same, which are many: each operation has the same few lines for what it does not say.
//!
//! Only where the linker is known to be LLD, which Rust uses on this target unless it is told otherwise.

fn main() {
    println!("cargo::rerun-if-changed=build.rs");
    let is = |name: &str, value: &str| std::env::var(name).is_ok_and(|v| v == value);
    let lld = is("TARGET", "x86_64-unknown-linux-gnu");
    if lld && is("PROFILE", "release") {
        println!("cargo::rustc-cdylib-link-arg=-Wl,--icf=all");
    }
}
