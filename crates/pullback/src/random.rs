//! NumPy's and PyTorch's random streams, bit for bit, and the default generator that random operations draw from.
//!
//! [`numpy`] and [`torch`] are generators one holds oneself. What has no generator of its own (`rand`, `randn`, `dropout`)
//! draws from one default generator for the whole process, as PyTorch's does: [`manual_seed`] starts it.
//!
//! ```
//! use pullback::random;
//!
//! // >>> torch.manual_seed(42); torch.rand(2)
//! // tensor([0.8823, 0.9150])
//! random::manual_seed(42);
//! assert_eq!(random::draw(|g| g.rand(2)), [0.88226926, 0.91500396]);
//! ```

pub use pullback_random::{Error, ErrorKind, Result, numpy, torch};

use std::sync::{LazyLock, Mutex, PoisonError};
use torch::Generator;

static DEFAULT: LazyLock<Mutex<Generator>> = LazyLock::new(|| Mutex::new(Generator::new()));

/// Draws from the default generator, which no other thread uses meanwhile.
///
/// `f` must not draw from it by another way: it would wait for itself.
pub fn draw<T>(f: impl FnOnce(&mut Generator) -> T) -> T {
    // A panic in a draw leaves a generator that is somewhere in its stream, which is as good as any place.
    f(&mut DEFAULT.lock().unwrap_or_else(PoisonError::into_inner))
}

/// Starts the default generator's stream. PyTorch's `torch.manual_seed(seed)`; [`torch::seed_from_i128`] turns a Python
/// integer into a seed.
///
/// PyTorch starts from [`torch::DEFAULT_SEED`] where nobody seeds, and so does this.
pub fn manual_seed(seed: u64) {
    draw(|g| {
        g.manual_seed(seed);
    });
}

/// Seeds the default generator from the system's entropy and returns the seed. PyTorch's `torch.seed()`.
pub fn seed() -> u64 {
    draw(Generator::seed)
}

/// The seed that the default generator's stream started from. PyTorch's `torch.initial_seed()`.
pub fn initial_seed() -> u64 {
    draw(|g| g.initial_seed())
}

/// The default generator's state in PyTorch's 5056 bytes. PyTorch's `torch.get_rng_state()`.
///
/// ```
/// use pullback::random;
/// let state = random::get_rng_state();
/// let first = random::draw(|g| g.randn(3));
/// random::set_rng_state(&state)?;
/// assert_eq!(random::draw(|g| g.randn(3)), first);
/// # Ok::<(), random::Error>(())
/// ```
pub fn get_rng_state() -> Vec<u8> {
    draw(|g| g.get_state())
}

/// Puts the default generator where it was when the state was taken. PyTorch's `torch.set_rng_state(state)`.
///
/// # Errors
/// PyTorch's sentences for bytes that are no state; the generator stays as it was.
pub fn set_rng_state(state: &[u8]) -> Result<()> {
    draw(|g| g.set_state(state))
}
