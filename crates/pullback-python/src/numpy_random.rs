//! NumPy's `Generator` over PCG64 as Python's object: draws as bytes, which `_numpy_random.py` makes arrays of.
//!
//! Shapes, dtypes and broadcasting are there; here are numbers in a row.

use pullback::random::numpy::{
    Choice, ExponentialMethod, Generator, Pcg64, Pcg64State, Seed, SeedSequence,
};
use pullback::random::{Error, ErrorKind, filled, room};
use pyo3::exceptions::{
    PyMemoryError, PyOverflowError, PyRuntimeError, PyTypeError, PyValueError, PyZeroDivisionError,
};
use pyo3::prelude::*;
use pyo3::types::PyByteArray;
use std::sync::{Mutex, MutexGuard, PoisonError};

fn raise(e: Error) -> PyErr {
    let text = e.message().to_string();
    match e.kind() {
        ErrorKind::Overflow => PyOverflowError::new_err(text),
        ErrorKind::Type => PyTypeError::new_err(text),
        ErrorKind::Runtime => PyRuntimeError::new_err(text),
        ErrorKind::ZeroDivision => PyZeroDivisionError::new_err(text),
        ErrorKind::Memory => PyMemoryError::new_err(text),
        _ => PyValueError::new_err(text),
    }
}

/// The stream beneath `pullback.random.NumPyGenerator`.
#[pyclass(module = "pullback", frozen)]
pub(crate) struct Stream(Mutex<Generator>);

/// A seed, as little-endian words of 32 bits: for one integer, or for each of several.
fn seed(parts: Vec<Vec<u32>>, single: bool) -> Seed {
    match (single, parts.as_slice()) {
        (true, [one]) => Seed::from_le_words(one),
        _ => Seed::sequence(parts.iter().map(|p| Seed::from_le_words(p))),
    }
}

/// An error where the memory for `n` elements is not to be had, for what is about to ask for it without a way to fail.
fn afford<T>(n: usize) -> Result<(), Error> {
    room::<T>(n).map(drop)
}

/// Numbers as bytes that Python owns.
trait Bytes {
    fn bytes<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>>;
}

macro_rules! bytes {
    ($($t:ty),*) => {$(
        impl Bytes for Vec<$t> {
            fn bytes<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
                const SIZE: usize = size_of::<$t>();
                PyByteArray::new_with(py, SIZE * self.len(), |out| {
                    for (slot, x) in out.chunks_exact_mut(SIZE).zip(&self) {
                        slot.copy_from_slice(&x.to_ne_bytes());
                    }
                    Ok(())
                })
            }
        }
    )*};
}
bytes!(f32, f64, i8, i16, i32, i64, u8, u16, u32, u64);

impl Bytes for Vec<bool> {
    fn bytes<'py>(self, py: Python<'py>) -> PyResult<Bound<'py, PyByteArray>> {
        self.into_iter()
            .map(u8::from)
            .collect::<Vec<u8>>()
            .bytes(py)
    }
}

impl Stream {
    fn lock(&self) -> MutexGuard<'_, Generator> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Draws with the interpreter released: another thread may be drawing from the same stream.
    fn draw<'py, T: Bytes + Send>(
        &self,
        py: Python<'py>,
        run: impl FnOnce(&mut Generator) -> Result<T, Error> + Send,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        py.detach(|| run(&mut self.lock()))
            .map_err(raise)?
            .bytes(py)
    }
}

#[pymethods]
impl Stream {
    #[new]
    fn new(parts: Option<Vec<Vec<u32>>>, single: bool, spawn_key: Vec<u64>) -> Self {
        let entropy = match parts {
            Some(parts) => seed(parts, single),
            None => Seed::from_entropy(),
        };
        let sequence = SeedSequence::with_spawn_key(entropy, &spawn_key);
        Stream(Mutex::new(Generator::new(Pcg64::from_seed_sequence(
            sequence,
        ))))
    }

    /// Words of the seed, spawn key, and how many children there are.
    fn seed_sequence(&self) -> (Vec<u32>, Vec<u64>, u64) {
        let g = self.lock();
        let s = g.seed_sequence();
        (
            s.entropy().words().to_vec(),
            s.spawn_key().to_vec(),
            s.n_children_spawned(),
        )
    }

    fn spawn(&self, n: usize) -> PyResult<Vec<Stream>> {
        // Generators, their lists, and Python's objects of them.
        afford::<[Generator; 4]>(n).map_err(raise)?;
        Ok((self.lock().spawn(n).into_iter())
            .map(|g| Stream(Mutex::new(g)))
            .collect())
    }

    fn state(&self) -> (u128, u128, bool, u32) {
        let s = self.lock().bit_generator().state();
        (s.state, s.inc, s.has_uint32, s.uinteger)
    }

    fn set_state(&self, state: u128, inc: u128, has_uint32: bool, uinteger: u32) {
        self.lock().bit_generator_mut().set_state(Pcg64State {
            state,
            inc,
            has_uint32,
            uinteger,
        });
    }

    fn advance(&self, delta: u128) {
        self.lock().advance(delta);
    }

    fn jumped(&self, jumps: u128) -> Stream {
        Stream(Mutex::new(self.lock().jumped(jumps)))
    }

    fn random_raw<'py>(&self, py: Python<'py>, n: usize) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| {
            let mut out = room(n)?;
            out.extend((0..n).map(|_| g.bit_generator_mut().next_u64()));
            Ok(out)
        })
    }

    fn random<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        single: bool,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        match single {
            true => self.draw(py, |g| {
                let mut out = filled(n, 0f32)?;
                g.fill_random_f32(&mut out);
                Ok(out)
            }),
            false => self.draw(py, |g| {
                let mut out = filled(n, 0f64)?;
                g.fill_random_f64(&mut out);
                Ok(out)
            }),
        }
    }

    fn standard_normal<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        single: bool,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        match single {
            true => self.draw(py, |g| {
                let mut out = filled(n, 0f32)?;
                g.fill_standard_normal_f32(&mut out);
                Ok(out)
            }),
            false => self.draw(py, |g| {
                let mut out = filled(n, 0f64)?;
                g.fill_standard_normal_f64(&mut out);
                Ok(out)
            }),
        }
    }

    fn standard_exponential<'py>(
        &self,
        py: Python<'py>,
        n: usize,
        single: bool,
        inverse: bool,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        let method = match inverse {
            true => ExponentialMethod::Inverse,
            false => ExponentialMethod::Ziggurat,
        };
        if single {
            return self.draw(py, |g| {
                let mut out = filled(n, 0f32)?;
                g.fill_standard_exponential_f32(method, &mut out);
                Ok(out)
            });
        }
        self.draw(py, |g| {
            let mut out = filled(n, 0f64)?;
            g.fill_standard_exponential_f64(method, &mut out);
            Ok(out)
        })
    }

    fn uniform<'py>(
        &self,
        py: Python<'py>,
        low: f64,
        high: f64,
        n: usize,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| g.uniform(low, high, n))
    }

    fn normal<'py>(
        &self,
        py: Python<'py>,
        loc: f64,
        scale: f64,
        n: usize,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| g.normal(loc, scale, n))
    }

    fn exponential<'py>(
        &self,
        py: Python<'py>,
        scale: f64,
        n: usize,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| g.exponential(scale, n))
    }

    fn integers<'py>(
        &self,
        py: Python<'py>,
        low: i128,
        high: i128,
        endpoint: bool,
        n: usize,
        dtype: &str,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        macro_rules! of {
            ($t:ty) => {
                self.draw(py, |g| match endpoint {
                    true => g.integers_endpoint::<$t>(low, high, n),
                    false => g.integers::<$t>(low, high, n),
                })
            };
        }
        match dtype {
            "int64" => of!(i64),
            "int32" => of!(i32),
            "int16" => of!(i16),
            "int8" => of!(i8),
            "uint64" => of!(u64),
            "uint32" => of!(u32),
            "uint16" => of!(u16),
            "uint8" => of!(u8),
            "bool" => of!(bool),
            other => Err(PyTypeError::new_err(format!(
                "Unsupported dtype dtype('{other}') for integers"
            ))),
        }
    }

    fn bytes<'py>(&self, py: Python<'py>, n: usize) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| {
            afford::<u8>(n.saturating_mul(2))?;
            Ok(g.bytes(n))
        })
    }

    /// `rows` random orders of `n`, one after the other.
    fn orders<'py>(
        &self,
        py: Python<'py>,
        n: i64,
        rows: usize,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| {
            let each = usize::try_from(n).unwrap_or(0);
            let mut out = room(rows.saturating_mul(each))?;
            for _ in 0..rows {
                afford::<i64>(each)?;
                out.extend(g.permutation(n));
            }
            Ok(out)
        })
    }

    #[allow(clippy::too_many_arguments)]
    fn choice<'py>(
        &self,
        py: Python<'py>,
        n: i64,
        size: usize,
        replace: bool,
        p: Option<Vec<f64>>,
        shuffle: bool,
        p_was_f32: bool,
    ) -> PyResult<Bound<'py, PyByteArray>> {
        self.draw(py, |g| {
            let options = Choice {
                replace,
                p: p.as_deref(),
                shuffle,
                p_was_f32,
            };
            g.choice_with(n, size, &options)
        })
    }
}
