//! Storages between threads: guards that error instead of waiting, versions that count writes, data freed once.

use pullback_array::{Array, DType, ErrorKind, Number, kernels};
use std::panic::Location;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::thread;

/// Writers fill with one value, readers must never see two: an error is allowed, a torn state is not.
#[test]
fn readers_see_whole_writes() {
    for n in [64usize, 5000, 70_000] {
        let rounds = if n > 10_000 { 60 } else { 400 };
        let a = Array::zeros([n], DType::I64).unwrap();
        let (writes, conflicts, reads) = (
            AtomicUsize::new(0),
            AtomicUsize::new(0),
            AtomicUsize::new(0),
        );
        let done = AtomicBool::new(false);
        thread::scope(|scope| {
            for _ in 0..2 {
                scope.spawn(|| {
                    let whole = |values: Vec<i64>| assert!(values.iter().all(|&x| x == values[0]));
                    while !done.load(Ordering::Relaxed) {
                        let seen = [
                            a.to_vec::<i64>(),
                            kernels::map(&a, |x: i64| x).and_then(|b| b.to_vec()),
                        ];
                        for values in seen {
                            match values {
                                Ok(values) => whole(values),
                                Err(e) => assert_eq!(e.kind(), ErrorKind::Concurrent),
                            }
                        }
                        reads.fetch_add(1, Ordering::Relaxed);
                        thread::yield_now();
                    }
                });
            }
            let writers = [1i64, 2].map(|writer| {
                let (a, writes, conflicts) = (&a, &writes, &conflicts);
                scope.spawn(move || {
                    for round in 0..rounds {
                        match kernels::fill(a, Number::Int(10 * round + writer)) {
                            Ok(()) => writes.fetch_add(1, Ordering::Relaxed),
                            Err(e) => {
                                assert_eq!(e.kind(), ErrorKind::Concurrent);
                                conflicts.fetch_add(1, Ordering::Relaxed)
                            }
                        };
                        thread::yield_now();
                    }
                })
            });
            writers
                .into_iter()
                .for_each(|writer| writer.join().unwrap());
            done.store(true, Ordering::Relaxed);
        });
        // Every write that succeeded is counted, every other left no trace.
        assert_eq!(a.version() as usize, writes.load(Ordering::Relaxed));
        assert_eq!(
            writes.into_inner() + conflicts.into_inner(),
            2 * rounds as usize
        );
        // Nobody holds it any more.
        kernels::fill(&a, Number::Int(0)).unwrap();
    }
}

/// Readers do not exclude each other.
#[test]
fn many_readers() {
    let a = Array::full([1000], 1.0, DType::F64).unwrap();
    thread::scope(|scope| {
        for _ in 0..4 {
            scope.spawn(|| {
                for _ in 0..200 {
                    let sum = kernels::sum(&a, &[0], false).unwrap();
                    assert_eq!(sum.item().unwrap(), Number::Float(1000.0));
                }
            });
        }
    });
    assert_eq!(a.version(), 0);
}

#[test]
fn versions_count_writes() {
    let a = Array::zeros([2, 2], DType::F32).unwrap();
    let view = a.transpose(0, 1).unwrap();
    assert_eq!(a.version(), 0);
    kernels::fill(&view, Number::Int(1)).unwrap();
    kernels::map_assign(&a, |x: f32| x + 1.0).unwrap();
    kernels::assign(&a, &view).unwrap();
    assert_eq!((a.version(), view.version()), (3, 3));
    // Reading and failing writes do not count.
    kernels::zip(&a, &view, |x: f32, y: f32| x + y).unwrap();
    let wrong = Array::zeros([3], DType::F32).unwrap();
    assert!(kernels::assign(&a, &wrong).is_err());
    assert!(kernels::map_assign(&a, |x: f64| x).is_err());
    assert_eq!(a.version(), 3);
    // A copy starts anew.
    assert_eq!(a.copy().unwrap().version(), 0);
}

#[test]
fn the_last_writer_is_remembered() {
    let a = Array::zeros([1], DType::F32).unwrap();
    assert!(a.storage().writer().is_none());
    let here = Location::caller();
    a.storage().set_writer(here);
    assert_eq!(a.clone().storage().writer(), Some(here));
}

/// A fresh value per thread and operation; blocks are made on one thread and freed on another.
#[test]
fn arrays_travel_between_threads() {
    let (send, receive) = std::sync::mpsc::channel::<Array>();
    let sizes = [
        1usize, 7, 16, 60, 200, 248, 249, 250, 255, 256, 257, 300, 1000, 5000,
    ];
    thread::scope(|scope| {
        for t in 0..3i64 {
            let send = send.clone();
            scope.spawn(move || {
                for round in 0..60 {
                    for n in sizes {
                        let a = Array::full([n], t * 1000 + round, DType::I64).unwrap();
                        let b = kernels::map(&a, |x: i64| x + 1).unwrap();
                        send.send(b).unwrap();
                    }
                }
            });
        }
        drop(send);
        let mut received = 0;
        for a in receive {
            let values = a.to_vec::<i64>().unwrap();
            assert!(values.iter().all(|&x| x == values[0]));
            received += 1;
        }
        assert_eq!(received, 3 * 60 * sizes.len());
    });
}

/// Sizes around the classes of blocks and the border of data that lies beside its header: no neighbour is touched.
#[test]
fn every_size_has_memory_of_its_own() {
    let sizes: Vec<usize> = (0..20).chain(1900..2120).chain([4096, 70_000]).collect();
    let arrays: Vec<Array> = sizes
        .iter()
        .map(|&n| Array::full([n], (n % 251) as i64, DType::U8).unwrap())
        .collect();
    for (a, &n) in arrays.iter().zip(&sizes) {
        kernels::map_assign(a, |x: u8| x).unwrap();
        assert_eq!(a.to_vec::<u8>().unwrap(), vec![(n % 251) as u8; n]);
        assert_eq!(a.storage().bytes(), n);
        assert!(n == 0 || a.host_address().unwrap() % 64 == 0);
    }
    for (i, a) in arrays.iter().enumerate() {
        for b in &arrays[i + 1..] {
            assert!(!a.storage().shares_memory(b.storage()));
        }
    }
}

/// What is closed gives its data back at once, is an error to every guard, and is not given back twice.
#[test]
fn closed_storages_are_errors() {
    for n in [0usize, 1, 1000, 100_000] {
        let a = Array::full([n], 1.0, DType::F64).unwrap();
        let shared = a.clone();
        assert!(!a.storage().close() && shared.storage().is_open());
        drop(shared);
        let alias = a.uncounted().unwrap();
        assert!(!a.storage().close() && !alias.storage().close());
        drop(alias);
        assert_eq!(a.to_vec::<f64>().unwrap().len(), n);
        // Small data lies with its header, and stays.
        let closed = a.storage().close();
        assert_eq!(closed, n * 8 > 4096 || closed && n > 0);
        assert_eq!(a.storage().is_open(), !closed);
        assert_eq!(a.storage().close(), closed);
        let late = a.clone();
        for e in [
            late.to_vec::<f64>().err(),
            kernels::fill(&a, Number::Int(0)).err(),
        ] {
            assert_eq!(e.map(|e| e.kind()), closed.then_some(ErrorKind::Concurrent));
        }
        assert_eq!(late.storage().update().is_err(), closed);
    }
}

/// One thread closes what others read and clone: they get the numbers or an error, and who asked whether it is open keeps it.
#[test]
fn closing_races_with_readers() {
    for _ in 0..300 {
        let a = Array::full([5000], 1.0, DType::F32).unwrap();
        thread::scope(|s| {
            s.spawn(|| a.storage().close());
            s.spawn(|| match kernels::sum(&a, &[0], false) {
                Ok(sum) => assert_eq!(sum.item().unwrap(), Number::Float(5000.0)),
                Err(e) => assert_eq!(e.kind(), ErrorKind::Concurrent),
            });
            s.spawn(|| {
                let own = a.clone();
                if own.storage().is_open() {
                    thread::yield_now();
                    assert_eq!(own.to_vec::<f32>().unwrap(), [1.0; 5000]);
                }
            });
        });
    }
}

/// An alias of an alias holds the data and not the alias; a version goes on where it is told to.
#[test]
fn aliases_make_no_chains() {
    let a = Array::full([3000], 1.0, DType::F64).unwrap();
    let mut alias = a.clone();
    for i in 0..100_000 {
        alias = alias.uncounted_from(i).unwrap();
        assert_eq!(alias.version(), i);
    }
    assert_eq!(alias.storage().id(), a.storage().id());
    kernels::fill(&alias, Number::Int(2)).unwrap();
    assert_eq!((a.version(), alias.version()), (0, 100_000));
    assert_eq!(a.to_vec::<f64>().unwrap(), [2.0; 3000]);
    drop(a);
    assert_eq!(alias.to_vec::<f64>().unwrap(), [2.0; 3000]);
}
