//! The one error type of the project: what was wrong, with which shapes and dtypes, where, and what to do next.
//!
//! It lives in the lowest room so that a shape mismatch found here and a freed graph found in the engine read
//! alike. The first line of the text is PyTorch's own sentence where PyTorch has one (scripts match on it); the op,
//! the source line and `help:` lines follow. Not for panics: operators that panic print this same text.

use std::fmt;
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
    /// A file could not be read or written.
    Io,
}

/// An error value; eight bytes, so that `Result<Tensor>` stays small on the hot path.
#[derive(Debug, Clone)]
pub struct Error(Box<Repr>);

#[derive(Debug, Clone)]
struct Repr {
    kind: ErrorKind,
    message: String,
    op: Option<&'static str>,
    site: Option<&'static Location<'static>>,
    notes: Vec<String>,
    help: Vec<String>,
    cause: Option<Arc<dyn std::error::Error + Send + Sync>>,
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
        Error(Box::new(Repr {
            kind,
            message: message.into(),
            op: None,
            site: None,
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
    pub fn note(mut self, text: impl Into<String>) -> Self {
        self.0.notes.push(text.into());
        self
    }

    /// Adds a line that says what to do next.
    #[must_use]
    pub fn help(mut self, text: impl Into<String>) -> Self {
        self.0.help.push(text.into());
        self
    }

    /// Keeps another error (of a hook, say) that this one stands for, whole; see [`std::error::Error::source`].
    #[must_use]
    pub fn caused_by(mut self, cause: impl std::error::Error + Send + Sync + 'static) -> Self {
        self.0.cause = Some(Arc::new(cause));
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

    /// The operation's name, if one was running.
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
            write!(f, "\n  note: {note}")?;
        }
        for help in &self.0.help {
            write!(f, "\n  help: {help}")?;
        }
        Ok(())
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        self.0.cause.as_deref().map(|e| e as _)
    }
}
