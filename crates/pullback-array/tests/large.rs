//! Large blocks are kept and given out again, never more than were in use at once; threads share them; memory that is not to
//! be had is an error and changes nothing.

use pullback_array::{Array, DType, ErrorKind, release_memory};

/// One test, because the blocks belong to the whole process.
#[test]
fn freed_blocks_serve_the_next_array_of_their_size() {
    let kept = !cfg!(pullback_no_pool);
    let ones = |n: usize| Array::full([n], 1.0, DType::F32).unwrap();
    let address = |a: &Array| a.host_address().unwrap();
    let first = ones(100_000);
    let place = address(&first);
    drop(first);
    // Zeros are zeros, wherever they come from.
    let zeros = Array::zeros([100_000], DType::F32).unwrap();
    assert_eq!(zeros.to_vec::<f32>().unwrap(), vec![0.0; 100_000]);
    drop(zeros);
    let again = ones(100_000);
    if kept {
        // In use at once were 400 000 bytes, so that the zeros or this array got the first one's block.
        let third = ones(100_000);
        let fourth = ones(100_000);
        drop((third, fourth));
        let places = || {
            let mut places = [ones(100_000), ones(100_000)].each_ref().map(address);
            places.sort_unstable();
            places
        };
        assert_eq!(places(), places());
    }
    assert_eq!(again.to_vec::<f32>().unwrap(), vec![1.0; 100_000]);
    drop(again);
    // Another size: what is kept makes room, since less was in use before.
    let larger = ones(200_000);
    assert_eq!(larger.to_vec::<f32>().unwrap(), vec![1.0; 200_000]);
    release_memory();
    drop(larger);
    release_memory();
    assert!(place != 0);
    // Memory that nobody has.
    for _ in 0..3 {
        let e = Array::full([1usize << 58], 1.0, DType::F32).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Alloc);
        let e = Array::zeros([1usize << 58], DType::F32).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Alloc);
    }
    let a = ones(300_000);
    assert_eq!(a.to_vec::<f32>().unwrap(), vec![1.0; 300_000]);
    // Blocks made on one thread and freed on others.
    let handles: Vec<_> = (0..4)
        .map(|t| {
            let a = a.clone();
            std::thread::spawn(move || {
                for i in 0..50 {
                    let n = 30_000 + 1000 * ((i + t) % 5);
                    let b = Array::full([n], i as f64, DType::F32).unwrap();
                    assert_eq!(b.to_vec::<f32>().unwrap(), vec![i as f32; n]);
                }
                drop(a);
            })
        })
        .collect();
    handles.into_iter().for_each(|h| h.join().unwrap());
}
