//! `Shared` and the free lists under it: counts, the last holder, threads that free what others made, threads that end
//! first.

use proptest::prelude::*;
use pullback_array::Shared;
use std::sync::Arc;
use std::sync::mpsc;
use std::thread;

/// A value that tells when it is dropped, of a size to choose a class of blocks by.
struct Tracked<const N: usize> {
    content: [u8; N],
    _alive: Arc<()>,
}

impl<const N: usize> Tracked<N> {
    fn new(x: u8, alive: &Arc<()>) -> Self {
        Tracked {
            content: [x; N],
            _alive: alive.clone(),
        }
    }

    fn whole(&self, x: u8) -> bool {
        self.content == [x; N]
    }
}

#[test]
fn counts_holders() {
    let alive = Arc::new(());
    let mut a = Shared::new(Tracked::<10>::new(1, &alive));
    assert!(Shared::is_unique(&a) && Shared::get_mut(&mut a).is_some());
    let mut b = a.clone();
    assert!(Shared::ptr_eq(&a, &b) && Shared::address(&a) == Shared::address(&b));
    assert!(!Shared::is_unique(&a) && Shared::get_mut(&mut b).is_none());
    assert!(Shared::into_inner(a).is_none());
    assert_eq!(Arc::strong_count(&alive), 2);
    Shared::get_mut(&mut b).unwrap().content[3] = 9;
    assert_eq!(b.content[3], 9);
    let value = Shared::into_inner(b).unwrap();
    assert_eq!(Arc::strong_count(&alive), 2);
    drop(value);
    assert_eq!(Arc::strong_count(&alive), 1);
}

#[test]
fn values_of_every_size_and_alignment() {
    #[repr(align(64))]
    #[derive(Debug, PartialEq)]
    struct Wide([u64; 8]);
    let alive = Arc::new(());
    let wide: Vec<_> = (0..10).map(|i| Shared::new(Wide([i; 8]))).collect();
    for (i, w) in wide.iter().enumerate() {
        assert_eq!((&w.0, Shared::address(w) % 64), (&[i as u64; 8], 0));
    }
    let nothing = Shared::new(());
    assert_eq!(Shared::into_inner(nothing), Some(()));
    let large = Shared::new(Tracked::<5000>::new(7, &alive));
    let edge = Shared::new(Tracked::<2024>::new(8, &alive));
    assert!(large.whole(7) && edge.whole(8));
    drop((large, edge));
    assert_eq!(Arc::strong_count(&alive), 1);
    assert_eq!(format!("{:?}", Shared::new(5)), "5");
}

/// The value may hold the next: dropping runs inside a drop.
#[test]
fn chains_drop() {
    struct Link(
        #[allow(dead_code)] Option<Shared<Link>>,
        #[allow(dead_code)] Arc<()>,
    );
    let alive = Arc::new(());
    let chain = (0..500).fold(None, |next, _| Some(Shared::new(Link(next, alive.clone()))));
    assert_eq!(Arc::strong_count(&alive), 501);
    drop(chain);
    assert_eq!(Arc::strong_count(&alive), 1);
}

/// A value whose drop panics is gone all the same, and the lists stay whole.
#[test]
fn a_drop_may_panic() {
    struct Bomb;
    impl Drop for Bomb {
        fn drop(&mut self) {
            panic!("boom");
        }
    }
    let result = std::panic::catch_unwind(|| drop(Shared::new((Bomb, [0u8; 100]))));
    assert!(result.is_err());
    let alive = Arc::new(());
    let again: Vec<_> = (0..50)
        .map(|i| Shared::new(Tracked::<100>::new(i, &alive)))
        .collect();
    assert!(again.iter().enumerate().all(|(i, x)| x.whole(i as u8)));
}

/// Clones made, read and dropped on many threads at once: dropped exactly once, by the last.
#[test]
fn threads_share_and_drop() {
    let alive = Arc::new(());
    for round in 0..50 {
        let a = Shared::new(Tracked::<40>::new(round, &alive));
        thread::scope(|scope| {
            for _ in 0..4 {
                let a = a.clone();
                scope.spawn(move || {
                    for _ in 0..200 {
                        let b = a.clone();
                        assert!(b.whole(round));
                        drop(b);
                    }
                    // Whoever is last takes the value out; nobody else does.
                    Shared::into_inner(a).is_some()
                });
            }
            drop(a);
        });
        assert_eq!(Arc::strong_count(&alive), 1);
    }
}

/// Exactly one of several threads that let go at once gets the value.
#[test]
fn one_thread_takes_the_value_out() {
    for round in 0..200u64 {
        let a = Shared::new(round);
        let holders: Vec<_> = (0..3).map(|_| a.clone()).collect();
        drop(a);
        let taken: usize = thread::scope(|scope| {
            let threads: Vec<_> = holders
                .into_iter()
                .map(|a| scope.spawn(move || usize::from(Shared::into_inner(a) == Some(round))))
                .collect();
            threads.into_iter().map(|t| t.join().unwrap()).sum()
        });
        assert_eq!(taken, 1);
    }
}

/// More blocks than a list keeps, made here and freed there, by threads that end before and after.
#[test]
fn blocks_outlive_their_thread() {
    let alive = Arc::new(());
    let (send, receive) = mpsc::channel();
    let maker = {
        let alive = alive.clone();
        thread::spawn(move || {
            for i in 0..2000u32 {
                send.send(Shared::new(Tracked::<100>::new(i as u8, &alive)))
                    .unwrap();
            }
        })
    };
    maker.join().unwrap();
    let blocks: Vec<_> = receive.iter().collect();
    assert!(blocks.iter().enumerate().all(|(i, x)| x.whole(i as u8)));
    let freer = thread::spawn(move || {
        drop(blocks);
        // This thread's list now holds what another made; it is reused, and given back when the thread ends.
        let reused: Vec<_> = (0..600u32).map(|i| Shared::new([i; 25])).collect();
        assert!(
            reused
                .iter()
                .enumerate()
                .all(|(i, x)| **x == [i as u32; 25])
        );
    });
    freer.join().unwrap();
    assert_eq!(Arc::strong_count(&alive), 1);
}

thread_local! {
    static LAST: std::cell::RefCell<Vec<Shared<[u64; 20]>>> = const { std::cell::RefCell::new(Vec::new()) };
}

/// Values in thread-locals are dropped while the thread's lists are, or after them.
#[test]
fn dropped_among_the_last_things_of_a_thread() {
    for first in [true, false] {
        thread::spawn(move || {
            if first {
                drop(Shared::new(0));
            }
            LAST.with(|last| {
                last.borrow_mut()
                    .extend((0..10).map(|i| Shared::new([i; 20])))
            });
        })
        .join()
        .unwrap();
    }
}

proptest! {
    /// Any order of making and dropping: no two live values overlap, all keep their content.
    #[test]
    fn live_values_keep_their_content(steps in proptest::collection::vec((0..5u8, any::<u8>()), 1..200)) {
        enum Any { A(Shared<[u8; 8]>, u8), B(Shared<[u8; 60]>, u8), C(Shared<[u8; 500]>, u8), D(Shared<[u8; 3000]>, u8) }
        let mut live: Vec<Any> = vec![];
        for (kind, x) in steps {
            match kind {
                0 => live.push(Any::A(Shared::new([x; 8]), x)),
                1 => live.push(Any::B(Shared::new([x; 60]), x)),
                2 => live.push(Any::C(Shared::new([x; 500]), x)),
                3 => live.push(Any::D(Shared::new([x; 3000]), x)),
                _ if !live.is_empty() => {
                    live.swap_remove(x as usize % live.len());
                }
                _ => {}
            }
            for value in &live {
                let whole = match value {
                    Any::A(v, x) => **v == [*x; 8],
                    Any::B(v, x) => **v == [*x; 60],
                    Any::C(v, x) => **v == [*x; 500],
                    Any::D(v, x) => **v == [*x; 3000],
                };
                prop_assert!(whole);
            }
        }
    }
}
