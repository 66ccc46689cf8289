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

pub use pullback_random::{Error, ErrorKind, Result, filled, numpy, room, torch};

use pullback_array::around_fork;
use std::cell::{Cell, RefCell};
use std::sync::{Arc, LazyLock, Mutex, MutexGuard, OnceLock, PoisonError};
use torch::Generator;

static DEFAULT: LazyLock<Mutex<Generator>> = LazyLock::new(|| {
    around_fork(hold, let_go);
    Mutex::new(Generator::new())
});

/// Who is asked before an operation draws.
static ASKED: OnceLock<fn() -> crate::Result<()>> = OnceLock::new();

/// Has `asked` called before each draw of an operation, which its error refuses.
pub(crate) fn ask_before(asked: fn() -> crate::Result<()>) {
    ASKED.get_or_init(|| asked);
}

thread_local! {
    /// Whether this thread draws.
    static DRAWING: Cell<bool> = const { Cell::new(false) };
    /// The generator, while this thread forks: a child whose parent was drawing on another thread would wait forever.
    static HELD: Cell<Option<MutexGuard<'static, Generator>>> = const { Cell::new(None) };
    /// What this thread draws from instead of the default generator.
    static USED: RefCell<Option<Shared>> = const { RefCell::new(None) };
}

/// A generator that several may draw from, one after the other.
pub type Shared = Arc<Mutex<Generator>>;

/// A generator, for this thread alone.
fn held(generator: &Mutex<Generator>) -> MutexGuard<'_, Generator> {
    // A panic in a draw leaves a generator that is somewhere in its stream, which is as good as any place.
    generator.lock().unwrap_or_else(PoisonError::into_inner)
}

/// The default generator, for this thread alone.
fn lock() -> MutexGuard<'static, Generator> {
    held(&DEFAULT)
}

/// Runs `f`, in which whatever draws on this thread draws from `generator` instead of the default one. PyTorch's `generator=`.
///
/// ```
/// use pullback::random::{self, torch::Generator};
/// use pullback::{DType, Tensor};
/// use std::sync::{Arc, Mutex};
/// let own = Arc::new(Mutex::new(Generator::with_seed(42)));
/// let x = random::using(&own, || Tensor::rand([2], DType::F32))?;
/// assert_eq!(x.to_vec::<f32>()?, [0.88226926, 0.91500396]); // torch.rand(2, generator=torch.Generator().manual_seed(42))
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn using<T>(generator: &Shared, f: impl FnOnce() -> T) -> T {
    /// Puts back what was drawn from before, however `f` ends.
    struct Before(Option<Shared>);
    impl Drop for Before {
        fn drop(&mut self) {
            USED.set(self.0.take());
        }
    }
    let _before = Before(USED.replace(Some(generator.clone())));
    f()
}

extern "C" fn hold() {
    if !DRAWING.try_with(Cell::get).unwrap_or(true) {
        let _ = HELD.try_with(|held| held.set(Some(lock())));
    }
}

extern "C" fn let_go() {
    let _ = HELD.try_with(Cell::take);
}

/// Draws from the default generator, or the one that is [used](using) instead of it; no other thread uses it meanwhile.
///
/// Inside of `f` the generator it is given is the only way to it: `randn` and whatever else draws from it is an error there.
///
/// # Panics
/// Where `f` draws by `draw` itself, seeds or asks for the state: it would wait for itself.
pub fn draw<T>(f: impl FnOnce(&mut Generator) -> T) -> T {
    match alone(f) {
        Ok(drawn) => drawn,
        Err(e) => panic!("{e}"),
    }
}

/// As [`draw`], for operations.
///
/// # Errors
/// Inside of another draw of the same thread.
pub(crate) fn try_draw<T>(f: impl FnOnce(&mut Generator) -> T) -> crate::Result<T> {
    if let Some(asked) = ASKED.get() {
        asked()?;
    }
    alone(f)
}

/// As [`draw`], without asking.
fn alone<T>(f: impl FnOnce(&mut Generator) -> T) -> crate::Result<T> {
    /// Notes the end of a draw, however it ends.
    struct Drawing;
    impl Drop for Drawing {
        fn drop(&mut self) {
            DRAWING.set(false);
        }
    }
    if DRAWING.replace(true) {
        return Err(within_a_draw());
    }
    let _drawing = Drawing;
    let used = USED.with_borrow(Clone::clone);
    let mut generator = match &used {
        Some(generator) => held(generator),
        None => lock(),
    };
    Ok(f(&mut generator))
}

#[cold]
fn within_a_draw() -> crate::Error {
    crate::Error::new(
        crate::ErrorKind::Concurrent,
        "the default generator is drawn from inside of random::draw, which has it already",
    )
    .help("use the generator that the closure is given, or draw before random::draw")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{DType, ErrorKind, Tensor};

    /// Everything that draws is an error inside of a draw, and fine after it.
    #[test]
    fn a_draw_inside_of_a_draw_is_an_error() {
        let x = Tensor::ones([3], DType::F32).unwrap();
        let p = Tensor::full([3], 0.5, DType::F32).unwrap();
        type Draw<'a> = (&'a str, Box<dyn Fn() -> crate::Result<Tensor> + 'a>);
        let draws: [Draw<'_>; 8] = [
            ("rand", Box::new(|| crate::rand([2], DType::F32))),
            ("rand, double", Box::new(|| crate::rand([2], DType::F64))),
            ("randn", Box::new(|| crate::randn([2], DType::F32))),
            ("randn, double", Box::new(|| crate::randn([2], DType::F64))),
            (
                "randint",
                Box::new(|| crate::randint(0, 9, [2], DType::I64)),
            ),
            ("randperm", Box::new(|| crate::randperm(5, DType::I64))),
            ("dropout", Box::new(|| x.dropout(0.5, true))),
            (
                "bernoulli",
                Box::new(|| p.bernoulli_(0.5).map(|()| p.clone())),
            ),
        ];
        for (name, make) in &draws {
            let inner = draw(|_| make().map(drop));
            let e = inner.expect_err(name);
            assert_eq!(e.kind(), ErrorKind::Concurrent, "{name}");
            assert!(
                e.to_string().contains("inside of random::draw"),
                "{name}: {e}"
            );
            make().unwrap_or_else(|e| panic!("{name} after the draw: {e}"));
        }
    }

    /// What returns no result panics with the same words, and the generator goes on.
    #[test]
    fn what_cannot_be_an_error_panics_and_does_not_wait() {
        for inner in [
            || drop(draw(|g| g.rand(1))),
            || manual_seed(1),
            || drop(get_rng_state()),
            || assert_ne!(initial_seed(), 0),
        ] {
            let outer = std::panic::catch_unwind(|| draw(|_| inner()));
            let said = outer.expect_err("a panic");
            let said = said.downcast_ref::<String>().expect("a text");
            assert!(said.contains("inside of random::draw"), "{said}");
            draw(|g| g.rand(1));
        }
    }
}
