//! What must hold of NumPy's streams whatever the seed: ranges, jumps, states, permutations.

use proptest::prelude::*;
use pullback_random::numpy::{Choice, Pcg64, Seed, SeedSequence, default_rng};

proptest! {
    #[test]
    fn advancing_is_drawing(seed: u64, n in 0usize..300) {
        let (mut a, mut b) = (Pcg64::new(seed), Pcg64::new(seed));
        a.advance(n as u128);
        b.random_raw(n);
        prop_assert_eq!(a.state(), b.state());
        a.advance((n as u128).wrapping_neg());
        prop_assert_eq!(a.state(), Pcg64::new(seed).state());
    }

    #[test]
    fn a_fill_is_its_draws_one_by_one(seed: u64, n in 0usize..50) {
        let (mut a, mut b) = (default_rng(seed), default_rng(seed));
        prop_assert_eq!(a.random(n), (0..n).map(|_| b.next_random()).collect::<Vec<_>>());
        prop_assert_eq!(a.standard_normal(n), (0..n).map(|_| b.next_standard_normal()).collect::<Vec<_>>());
        prop_assert_eq!(a.random_f32(n), (0..n).map(|_| b.next_random_f32()).collect::<Vec<_>>());
        prop_assert_eq!(a.bit_generator().state(), b.bit_generator().state());
    }

    #[test]
    fn states_come_back(seed: u64, n in 0usize..9) {
        let mut a = default_rng(seed);
        a.random_f32(n);
        let state = a.bit_generator().state();
        let mut b = default_rng(1);
        b.bit_generator_mut().set_state(state);
        prop_assert_eq!(a.random_f32(5), b.random_f32(5));
    }

    #[test]
    fn uniform_stays_inside(seed: u64, low in -1e6f64..1e6, width in 0f64..1e6) {
        let high = low + width;
        // NumPy allows `high` itself by rounding.
        prop_assert!(default_rng(seed).uniform(low, high, 100).unwrap().iter().all(|x| (low..=high).contains(x)));
    }

    #[test]
    fn integers_stay_inside(seed: u64, low: i32, width in 1i64..1 << 33) {
        let (low, high) = (i128::from(low), i128::from(low) + i128::from(width));
        let values = default_rng(seed).integers::<i64>(low, high, 50).unwrap();
        prop_assert!(values.iter().all(|&v| (low..high).contains(&i128::from(v))));
    }

    #[test]
    fn f32_has_24_bits(seed: u64) {
        prop_assert!(default_rng(seed).random_f32(100).iter().all(|&x| (x * 16777216.0).fract() == 0.0 && x < 1.0));
    }

    #[test]
    fn permutations_permute(seed: u64, n in 0i64..200) {
        let mut p = default_rng(seed).permutation(n);
        p.sort_unstable();
        prop_assert_eq!(p, (0..n).collect::<Vec<_>>());
    }

    #[test]
    fn distinct_choices_are_distinct(seed: u64, n in 1i64..20_000, part in 0f64..1.0, shuffle: bool) {
        let size = (n as f64 * part) as usize;
        let options = Choice { replace: false, shuffle, ..Choice::default() };
        let mut picks = default_rng(seed).choice_with(n, size, &options).unwrap();
        prop_assert!(picks.iter().all(|i| (0..n).contains(i)));
        picks.sort_unstable();
        picks.dedup();
        prop_assert_eq!(picks.len(), size);
    }

    #[test]
    fn seeds_are_read_alike(value: u128) {
        let decimal: Seed = value.to_string().parse().unwrap();
        let hexadecimal: Seed = format!("0x{value:x}").parse().unwrap();
        let words: Vec<u32> = (0..4).map(|i| (value >> (32 * i)) as u32).collect();
        prop_assert_eq!(&decimal, &Seed::from_u128(value));
        prop_assert_eq!(&decimal, &hexadecimal);
        prop_assert_eq!(&decimal, &Seed::from_le_words(&words));
    }

    #[test]
    fn children_are_named_by_their_key(seed: u64, a in 0usize..4, b in 0usize..4) {
        let child = SeedSequence::new(seed).spawn(4).swap_remove(a).spawn(4).swap_remove(b);
        let named = SeedSequence::with_spawn_key(seed, &[a as u64, b as u64]);
        prop_assert_eq!(child.generate_state_u64(4), named.generate_state_u64(4));
        let mut parent = SeedSequence::new(seed);
        parent.spawn(a);
        let next = parent.spawn(1);
        prop_assert_eq!(next[0].spawn_key(), &[a as u64]);
    }
}

#[test]
fn entropy_differs_each_time() {
    assert_ne!(
        default_rng(None).random_raw(2),
        default_rng(None).random_raw(2)
    );
    assert_eq!(
        default_rng(Some(7)).random_raw(2),
        default_rng(7).random_raw(2)
    );
}
