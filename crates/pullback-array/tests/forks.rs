//! A process that was copied by `fork` computes: it has helpers of its own and no lock that somebody else held. And numbers of
//! threads come from the environment.
//!
//! The copies are made and waited for here, with nothing but kernels in between.
#![cfg(unix)]
#![allow(unsafe_code)]

mod support;

use pullback_array::{Array, DType, kernels, num_threads};
use std::ffi::c_int;
use std::process::Command;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::{Duration, Instant};

unsafe extern "C" {
    fn fork() -> c_int;
    fn waitpid(process: c_int, status: *mut c_int, options: c_int) -> c_int;
    fn kill(process: c_int, signal: c_int) -> c_int;
    fn _exit(code: c_int) -> !;
}

/// Work above every threshold, and numbers that it comes to.
fn work() -> Vec<f64> {
    let n = 300_000;
    let x = Array::from_slice(&support::numbers(1, n), [n]).unwrap();
    let x = kernels::cast(&x, DType::F32).unwrap();
    let m = x
        .slice(0, 0, 90_000, 1)
        .unwrap()
        .reshape(&[300, 300].into())
        .unwrap();
    let parts = [
        kernels::map(&x, |x: f32| x.abs().sqrt()).unwrap(),
        kernels::sum(&x, &[0], false).unwrap(),
        kernels::matmul(&m, &m).unwrap(),
        kernels::lines(&m, [], 300, |_, run: &mut [f32], []| run.reverse()).unwrap(),
        m.transpose(0, 1).unwrap().copy().unwrap(),
        kernels::logsumexp(&m, &[1], false).unwrap(),
        kernels::cumulate(&m, 0, false, kernels::Running::Sum).unwrap(),
    ];
    let sums = parts.iter().map(|part| {
        let all: Vec<usize> = (0..part.rank()).collect();
        kernels::sum(part, &all, false)
            .unwrap()
            .item()
            .unwrap()
            .to_f64()
    });
    sums.collect()
}

/// Whether a copy of this process comes to the same numbers in time.
fn child_computes(expected: &[f64], grandchildren: usize) -> bool {
    // SAFETY: the copy only computes and ends, by `_exit`, whatever the test harness has open.
    let process = unsafe { fork() };
    assert!(process >= 0, "no process is to be had");
    if process == 0 {
        let bits = |list: &[f64]| list.iter().map(|x| x.to_bits()).collect::<Vec<_>>();
        let right = std::panic::catch_unwind(|| {
            bits(&work()) == bits(expected)
                && (grandchildren == 0 || child_computes(expected, grandchildren - 1))
        });
        // SAFETY: it does not return.
        unsafe { _exit(if matches!(right, Ok(true)) { 0 } else { 1 }) }
    }
    let started = Instant::now();
    let mut status = 0;
    while started.elapsed() < Duration::from_secs(60) {
        // SAFETY: the child is ours, and there is room for its status. 1 is WNOHANG.
        match unsafe { waitpid(process, &mut status, 1) } {
            0 => std::thread::sleep(Duration::from_millis(2)),
            ended => return ended == process && status == 0,
        }
    }
    // SAFETY: the child is ours and has not been waited for. 9 is SIGKILL.
    unsafe {
        kill(process, 9);
        waitpid(process, &mut status, 0);
    }
    false
}

#[test]
fn children_compute_after_their_parent_did() {
    let expected = work();
    for _ in 0..3 {
        assert!(child_computes(&expected, 1));
    }
    assert_eq!(work(), expected, "the parent goes on");
}

/// Other threads are in the middle of things when the copy is made: of kernels, and of taking and giving large blocks.
#[test]
fn children_compute_while_their_parent_does() {
    let expected = work();
    let done = AtomicBool::new(false);
    std::thread::scope(|scope| {
        for k in 0..2 {
            let (done, expected) = (&done, &expected);
            scope.spawn(move || {
                while !done.load(Ordering::Relaxed) {
                    match k {
                        0 => assert_eq!(work(), *expected),
                        _ => (0..100).for_each(|i| drop(Array::zeros([100_000 + i], DType::F64))),
                    }
                }
            });
        }
        let children = (0..20).all(|_| child_computes(&expected, 0));
        done.store(true, Ordering::Relaxed);
        assert!(children);
    });
}

/// Prints how many threads there are, for the test below, which runs this one in processes of their own.
#[test]
fn print_num_threads() {
    println!("threads: {}", num_threads());
}

#[test]
fn the_environment_says_how_many_threads() {
    let threads = |pullback: Option<&str>, openmp: Option<&str>| -> usize {
        let mut run = Command::new(std::env::current_exe().unwrap());
        run.args(["--exact", "print_num_threads", "--nocapture"]);
        for (name, value) in [
            ("PULLBACK_NUM_THREADS", pullback),
            ("OMP_NUM_THREADS", openmp),
        ] {
            match value {
                Some(value) => run.env(name, value),
                None => run.env_remove(name),
            };
        }
        let said = String::from_utf8(run.output().unwrap().stdout).unwrap();
        let (_, rest) = said.split_once("threads: ").expect("a number");
        rest.split_whitespace().next().unwrap().parse().unwrap()
    };
    let all = threads(None, None);
    let two = all.min(2);
    assert_eq!(threads(None, Some("1")), 1);
    assert_eq!(threads(Some("1"), None), 1);
    assert_eq!(threads(Some("1"), Some("2")), 1);
    assert_eq!(threads(Some("2"), Some("1")), two);
    assert_eq!(threads(None, Some("2,1")), two);
    assert_eq!(threads(None, Some(" 1 ")), 1);
    // Never more than cores; what is no number says nothing.
    assert_eq!(threads(None, Some("100000")), all);
    for nothing in ["", "0", "-3", "all", "1.5"] {
        assert_eq!(threads(None, Some(nothing)), all, "{nothing:?}");
        assert_eq!(threads(Some(nothing), Some("1")), 1, "{nothing:?}");
    }
}
