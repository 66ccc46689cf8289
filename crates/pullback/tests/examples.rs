//! The examples do what they say: each is run, shorter than by itself where it takes long, and its result is looked at.

use pullback::Result;
use std::sync::{Mutex, PoisonError};

#[path = "../examples/char_gpt.rs"]
#[allow(dead_code)]
mod char_gpt;
#[path = "../examples/digits.rs"]
#[allow(dead_code)]
mod digits;
#[path = "../examples/linear_regression.rs"]
#[allow(dead_code)]
mod linear_regression;
#[path = "../examples/lstm.rs"]
#[allow(dead_code)]
mod lstm;
#[path = "../examples/moons.rs"]
#[allow(dead_code)]
mod moons;
#[path = "../examples/physics.rs"]
#[allow(dead_code)]
mod physics;
#[path = "../examples/threads.rs"]
#[allow(dead_code)]
mod threads;
#[path = "../examples/vae.rs"]
#[allow(dead_code)]
mod vae;
#[path = "../examples/xor_batches.rs"]
#[allow(dead_code)]
mod xor_batches;

/// One at a time: they seed the generator that all share.
static ALONE: Mutex<()> = Mutex::new(());

macro_rules! examples {
    ($($name:ident: |$result:ident| $run:expr => $holds:expr;)*) => {$(
        #[test]
        fn $name() -> Result<()> {
            let _alone = ALONE.lock().unwrap_or_else(PoisonError::into_inner);
            let $result = $run?;
            assert!($holds, "{:?}", $result);
            Ok(())
        }
    )*};
}

examples! {
    points_are_told_by_the_sign_of_their_product: |right| xor_batches::run() => right > 0.97;
    coefficients_are_found: |off| linear_regression::run() => off < 0.01;
    moons_are_told_apart: |right| moons::run() => right > 0.95;
    digits_are_read: |right| digits::run(3) => right > 0.85;
    letters_are_learnt: |loss| char_gpt::run(30) => loss < 2.6;
    waves_go_on: |error| lstm::run(200) => error < 0.4;
    digits_are_drawn: |losses| vae::run(6) => losses.1 < 0.7 * losses.0;
    the_equation_is_obeyed: |error| physics::run(1000) => error < 0.3;
    threads_train_together: |r| threads::run(100) =>
        r.0.iter().chain([&r.2]).all(|&loss| loss < 0.1) && r.1 < 1e-6;
}
