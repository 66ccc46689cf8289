//! The one error type of the project: what was wrong, with which shapes and dtypes, where, and what to do next.
//!
//! It lives in the lowest room so that a shape mismatch found here and a freed graph found in the engine read
//! alike. The first line of the text is PyTorch's own sentence where PyTorch has one (scripts match on it); the op,
//! the source line and `help:` lines follow. Not for panics: operators that panic print this same text.

use std::cell::Cell;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::sync::Arc;

/// Result with this project's [`Error`].
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What kind of mistake an [`Error`] reports; matched on by programs, mapped to exception types by Python.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub enum ErrorKind {
    /// Shapes that do not fit each other or the operation.
    Shape,
    /// A dtype the operation does not have, or two that do not go together.
    DType,
    /// An index or a dimension out of range.
    Index,
    /// An argument's value is not allowed, where PyTorch's Python code says so: its `ValueError` (an unknown reduction).
    Value,
    /// An argument's value is not allowed, where PyTorch's operations say so: its `RuntimeError` (a negative deviation).
    Argument,
    /// More memory was asked for than there is, or than can be addressed.
    Alloc,
    /// Another thread is writing this storage (or reading it, for a write) at this moment.
    Concurrent,
    /// Gradient bookkeeping: a freed graph, a root without history, a leaf written in place.
    Autograd,
    /// A value saved for backward was overwritten in place.
    StaleSave,
    /// A value or a gradient is not finite where anomaly detection forbids it.
    NonFinite,
    /// An argument of a type that is not taken, or arguments that fit no signature.
    Type,
    /// The operation exists but not in this form.
    Unsupported,
    /// A matrix that has no such factors (singular, not positive definite, not finite): PyTorch's `LinAlgError`.
    Factorisation,
    /// A file could not be read or written.
    Io,
}

/// An error value; eight bytes, so that `Result<Tensor>` stays small on the hot path.
///
/// `Debug` prints what `Display` prints, so that `fn main() -> Result<()>` and `unwrap` are readable.
#[derive(Clone)]
pub struct Error(Box<Repr>);

#[derive(Clone)]
struct Repr {
    kind: ErrorKind,
    message: String,
    op: Option<&'static str>,
    site: Option<&'static Location<'static>>,
    notes: Vec<Words>,
    help: Vec<Words>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
}

/// What PyTorch's sentences leave open, by words of theirs: the help in Rust, and in Python where it needs one. They stand in
/// many places each, and are the same everywhere.
const ADVICE: &[(&str, &str, &str)] = &[
    ("clone()", COPY, ""),
    ("make a clone", COPY, ""),
    ("cloning", COPY, ""),
    ("long int", TO_FLOAT, "`x.float()` converts integers"),
    ("but found Long", TO_FLOAT, "`x.float()` converts integers"),
    ("found Long and", TO_FLOAT, "`x.float()` converts integers"),
    (
        "a floating point or complex dtype",
        TO_FLOAT,
        "`x.float()` converts integers",
    ),
    (
        "only support floating point",
        TO_FLOAT,
        "`x.float()` converts integers",
    ),
    (
        "can't be cast to the desired output type",
        "in place a tensor keeps its dtype: convert it first (`x.to(DType::F32)?`), or use the form that makes a new tensor",
        "in place a tensor keeps its dtype: convert it first (`x.float()`), or use the form that makes a new tensor",
    ),
    (
        "indices must be long, int, byte or bool",
        "convert the index: `i.to(DType::I64)?`",
        "convert the index: `i.long()`",
    ),
    (
        "expected target dtype to be Long",
        "class numbers are integers: `y.to(DType::I64)?`",
        "class numbers are integers: `y.long()`",
    ),
    (
        "Use `tensor.item()` in Python",
        "a tensor without dimensions is one number: `x.item_f64()?`",
        "",
    ),
    (
        "elements cannot be converted to Scalar",
        "all of them: `x.to_f64_vec()?`",
        "all of them: `x.tolist()`",
    ),
    (
        "Set allow_unused=True",
        "`BackwardOptions::NEW.allow_unused(true)`",
        "",
    ),
];
const COPY: &str = "PyTorch's clone is `x.copy()?` here: Rust's `clone` shares the numbers";
const TO_FLOAT: &str = "`x.to(DType::F32)?` converts integers";

/// A line in the words of either language.
#[derive(Clone)]
struct Words {
    rust: String,
    python: String,
}

/// The public function that is running, which errors born inside of it name: the outermost, and its caller's line.
///
/// Held by a function while it runs; the attribute `called` of `pullback-macros` writes it.
#[must_use = "the name is forgotten when this is dropped"]
pub struct Called {
    outermost: bool,
    thread: PhantomData<*const ()>,
}

thread_local! {
    static CALLED: Cell<Option<(&'static str, Option<&'static Location<'static>>)>> = const { Cell::new(None) };
}

impl Called {
    /// Names the function, unless one that called it is named already.
    #[inline]
    pub fn enter(name: &'static str, site: Option<&'static Location<'static>>) -> Called {
        let outermost = CALLED.get().is_none();
        if outermost {
            CALLED.set(Some((name, site)));
        }
        Called {
            outermost,
            thread: PhantomData,
        }
    }
}

impl Drop for Called {
    #[inline]
    fn drop(&mut self) {
        if self.outermost {
            CALLED.set(None);
        }
    }
}

impl Error {
    /// An error of `kind` whose first line is `message`.
    ///
    /// ```
    /// use pullback_array::{Error, ErrorKind};
    /// let e = Error::new(ErrorKind::Index, "index 7 is out of range").op("select").help("valid indices are 0..5");
    /// assert_eq!(e.to_string(), "index 7 is out of range\n  op: select\n  help: valid indices are 0..5");
    /// ```
    #[cold]
    pub fn new(kind: ErrorKind, message: impl Into<String>) -> Self {
        let called = CALLED.get();
        Error(Box::new(Repr {
            kind,
            message: message.into(),
            op: called.map(|(name, _)| name),
            site: called.and_then(|(_, site)| site),
            notes: Vec::new(),
            help: Vec::new(),
            cause: None,
        }))
    }

    /// Names the operation, unless an inner layer already did.
    #[must_use]
    pub fn op(mut self, name: &'static str) -> Self {
        self.0.op.get_or_insert(name);
        self
    }

    /// Names the user's source line, unless an inner layer already did.
    #[must_use]
    pub fn at(mut self, site: &'static Location<'static>) -> Self {
        self.0.site.get_or_insert(site);
        self
    }

    /// Adds a line of evidence (both shapes, both versions).
    #[must_use]
    pub fn note(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.note_in(text.clone(), text)
    }

    /// As [`Error::note`], with other words for Python: lines of a program in Rust mean nothing there.
    #[must_use]
    pub fn note_in(mut self, rust: impl Into<String>, python: impl Into<String>) -> Self {
        self.0.notes.push(Words {
            rust: rust.into(),
            python: python.into(),
        });
        self
    }

    /// Adds a line that says what to do next. What is code in it is Rust and must compile (a test holds it to that); for
    /// code, see [`Error::help_in`].
    #[must_use]
    pub fn help(self, text: impl Into<String>) -> Self {
        let text = text.into();
        self.help_in(text.clone(), text)
    }

    /// As [`Error::help`], with the same advice for Python, whose code is another.
    #[must_use]
    pub fn help_in(mut self, rust: impl Into<String>, python: impl Into<String>) -> Self {
        self.0.help.push(Words {
            rust: rust.into(),
            python: python.into(),
        });
        self
    }

    /// Keeps another error (of a hook, say) that this one stands for, whole; see [`std::error::Error::source`].
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
        self
    }

    /// With a word of the first line exchanged: the name of a dtype that was computed in, for that of the one that was given.
    #[doc(hidden)]
    #[must_use]
    pub fn renamed(mut self, from: &str, to: &str) -> Self {
        self.0.message = self.0.message.replace(from, to);
        self
    }

    /// The kind, for programs.
    pub fn kind(&self) -> ErrorKind {
        self.0.kind
    }

    /// The first line alone: PyTorch's sentence where PyTorch has one.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The name of the function that was called, if it is known.
    pub fn op_name(&self) -> Option<&'static str> {
        self.0.op
    }

    /// The user's source line, if known.
    pub fn site(&self) -> Option<&'static Location<'static>> {
        self.0.site
    }
}

impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}", self.0.message)?;
        match (self.0.op, self.0.site) {
            (Some(op), Some(site)) => write!(
                f,
                "\n  op: {op} at {}:{}:{}",
                site.file(),
                site.line(),
                site.column()
            )?,
            (Some(op), None) => write!(f, "\n  op: {op}")?,
            (None, Some(site)) => write!(
                f,
                "\n  at {}:{}:{}",
                site.file(),
                site.line(),
                site.column()
            )?,
            (None, None) => {}
        }
        for note in &self.0.notes {
            write!(f, "\n  note: {}", note.rust)?;
        }
        for help in self.advice() {
            write!(f, "\n  help: {}", help.rust)?;
        }
        Ok(())
    }
}

impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl Error {
    /// The lines under the message for Python, which shows them under an exception and keeps them out of its text: `note: …` and
    /// `help: …` in Python's words, without operation and line, which its traceback shows.
    pub fn notes_in_python(&self) -> Vec<String> {
        let notes = self.0.notes.iter().map(|note| ("note", note));
        let advice = self.advice();
        let advice = advice.iter().filter(|help| !help.python.is_empty());
        (notes.chain(advice.map(|help| ("help", help))))
            .map(|(kind, words)| format!("{kind}: {}", words.python))
            .collect()
    }

    /// What was said to do next, and what PyTorch's own sentence calls for: see [`ADVICE`].
    fn advice(&self) -> Vec<Words> {
        let mut all = self.0.help.clone();
        let help = |rust: &str, python: &str| Words {
            rust: rust.into(),
            python: python.into(),
        };
        let message = &self.0.message;
        let mentions = |names: [&str; 3]| {
            let mut words = message.split(|c: char| !c.is_ascii_alphanumeric());
            words.any(|word| names.contains(&word))
        };
        for (sentence, rust, python) in ADVICE {
            if message.contains(sentence) && all.iter().all(|help| help.rust != *rust) {
                all.push(help(rust, python));
            }
        }
        if mentions(["float", "Float", "float32"]) && mentions(["double", "Double", "float64"]) {
            all.push(help(
                "a literal such as `0.5` is an f64, and so is a tensor made of such: write `0.5f32`, or convert one of them: `x.to(DType::F32)?`",
                "NumPy's floats are float64: `x.float()` converts to float32, `x.double()` to float64",
            ));
        }
        all
    }
}

#[cfg(feature = "random")]
impl From<pullback_random::Error> for Error {
    /// NumPy's and PyTorch's streams have errors of their own; `?` makes them this one, in the same words.
    #[track_caller]
    fn from(e: pullback_random::Error) -> Error {
        // The list may grow: what it will say of values is one of ours.
        let same = [
            (pullback_random::ErrorKind::Type, ErrorKind::Type),
            (pullback_random::ErrorKind::Runtime, ErrorKind::Argument),
            (pullback_random::ErrorKind::Memory, ErrorKind::Alloc),
        ];
        let known = same.iter().find(|(theirs, _)| *theirs == e.kind());
        let kind = known.map_or(ErrorKind::Value, |(_, ours)| *ours);
        Error::new(kind, e.message()).at(Location::caller())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|e| e as _)
    }
}
