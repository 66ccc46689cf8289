//! What must hold of PyTorch's streams whatever the seed: ranges, states, the rule of sixteen, orthogonality.

use proptest::prelude::*;
use pullback_random::torch::{
    Generator, loader_base_seed, manual_seed, orthogonal, shuffled_epoch, shuffled_epoch_started,
};

proptest! {
    #[test]
    fn only_half_of_the_seed_counts(seed: u64, high: u32) {
        let other = (seed & 0xffff_ffff) | (u64::from(high) << 32);
        prop_assert_eq!(manual_seed(seed).rand(5), manual_seed(other).rand(5));
        prop_assert_eq!(manual_seed(other).initial_seed(), other);
    }

    #[test]
    fn states_come_back(seed: u64, words in 0usize..1500, normals in 0usize..4) {
        let mut a = manual_seed(seed);
        a.rand(words);
        a.randn(normals);
        let mut b = Generator::new();
        b.set_state(&a.get_state()).unwrap();
        prop_assert_eq!(a.get_state(), b.get_state());
        prop_assert_eq!(a.randn(3), b.randn(3));
        prop_assert_eq!(a.rand(700), b.rand(700));
    }

    #[test]
    fn any_restored_counters_are_survived(left in 1u32..=624, next in 0u64..=624) {
        let mut blob = manual_seed(1).get_state();
        blob[8..12].copy_from_slice(&left.to_le_bytes());
        blob[16..24].copy_from_slice(&next.to_le_bytes());
        let mut g = Generator::new();
        g.set_state(&blob).unwrap();
        g.rand(2000);
    }

    #[test]
    fn draws_in_one_go_or_in_two(seed: u64, n in 0usize..1500, m in 0usize..1500) {
        let (mut a, mut b) = (manual_seed(seed), manual_seed(seed));
        prop_assert_eq!(a.rand(n + m), [b.rand(n), b.rand(m)].concat());
        prop_assert_eq!(a.random64(), (u64::from(b.random()) << 32) | u64::from(b.random()));
    }

    #[test]
    fn uniform_stays_below_its_end(seed: u64, from in -1e3f64..1e3, width in 1e-3f64..1e3) {
        let mut out = [0.0f32; 200];
        manual_seed(seed).fill_uniform_f32(from, from + width, &mut out).unwrap();
        let (low, high) = (from as f32, (from + width) as f32);
        prop_assert!(out.iter().all(|&x| x >= low && (x < high || low == high)));
    }

    #[test]
    fn the_last_sixteen_are_drawn_again(seed: u64, n in 17usize..100) {
        let mut g = manual_seed(seed);
        let all = g.randn(n);
        let mut whole = manual_seed(seed);
        let kept = whole.randn(n / 16 * 16);
        prop_assert_eq!(&all[..n - 16], &kept[..n - 16]);
        if n % 16 != 0 {
            let mut again = manual_seed(seed);
            again.rand(n);
            prop_assert_eq!(&all[n - 16..], &again.randn(16)[..]);
        }
    }

    #[test]
    fn integers_stay_inside(seed: u64, low: i32, width in 1i64..1 << 40) {
        let (low, high) = (i64::from(low), i64::from(low) + width);
        let values = manual_seed(seed).randint::<i64>(low, high, 50).unwrap();
        prop_assert!(values.iter().all(|v| (low..high).contains(v)));
    }

    #[test]
    fn small_ranges_are_remainders(seed: u64, range in 1i64..1 << 28) {
        let values = manual_seed(seed).randint::<i64>(0, range, 50).unwrap();
        let mut words = manual_seed(seed);
        prop_assert!(values.iter().all(|&v| v == i64::from(words.random()) % range));
    }

    #[test]
    fn permutations_permute(seed: u64, n in 0usize..1500) {
        let mut p = manual_seed(seed).randperm(n);
        p.sort_unstable();
        prop_assert_eq!(p, (0..n as i64).collect::<Vec<_>>());
    }

    #[test]
    fn distinct_samples_are_distinct(seed: u64, n in 1usize..300) {
        // Many equal ratios: all the zeros.
        let p: Vec<f32> = (0..n).map(|i| if i % 3 == 0 { 0.0 } else { i as f32 }).chain([1.0]).collect();
        let mut picks = manual_seed(seed).multinomial(&p, &[n + 1], n as i64 + 1, false).unwrap();
        picks.sort_unstable();
        prop_assert_eq!(picks, (0..=n as i64).collect::<Vec<_>>());
    }

    #[test]
    fn rows_are_orthonormal(seed: u64, rows in 1usize..12, cols in 1usize..12) {
        let q: Vec<f64> = orthogonal(&mut manual_seed(seed), &[rows, cols], 1.0).unwrap();
        let short = rows.min(cols);
        let at = |v: usize, i: usize| if rows <= cols { q[v * cols + i] } else { q[i * cols + v] };
        for a in 0..short {
            for b in 0..short {
                let dot: f64 = (0..rows.max(cols)).map(|i| at(a, i) * at(b, i)).sum();
                prop_assert!((dot - f64::from(u8::from(a == b))).abs() < 1e-12);
            }
        }
    }

    #[test]
    fn an_epoch_left_early_lacks_one_permutation(seed: u64, n in 1usize..50) {
        let (mut a, mut b) = (manual_seed(seed), manual_seed(seed));
        let order = shuffled_epoch(&mut a, n).unwrap();
        prop_assert_eq!(order, shuffled_epoch_started(&mut b, n));
        b.randperm(n);
        prop_assert_eq!(loader_base_seed(&mut a), loader_base_seed(&mut b));
    }
}

#[test]
fn long_fills_do_not_depend_on_threads() {
    // Long enough to be shared among threads; short draws of the same stream are not.
    let n = 1 << 18;
    let mut parts = manual_seed(5);
    let mut whole = vec![0.0f64; n];
    manual_seed(5).fill_exponential(1.0, &mut whole).unwrap();
    for piece in whole.chunks(1000) {
        let mut out = vec![0.0f64; piece.len()];
        parts.fill_exponential(1.0, &mut out).unwrap();
        assert_eq!(out, piece);
    }
    let mut parts = manual_seed(5);
    for piece in manual_seed(5).randn_f64(n).chunks(1600) {
        if piece.len() == 1600 {
            assert_eq!(parts.randn_f64(1600), piece);
        }
    }
}

#[test]
fn seed_takes_entropy() {
    let mut g = Generator::new();
    let (a, b) = (g.seed(), g.clone().seed());
    assert_ne!(a, b);
    assert_eq!(g.initial_seed(), a);
}
