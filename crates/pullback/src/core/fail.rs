//! How an operation or a method refuses: [`error!`] makes an error, [`bail!`] returns it, [`ensure!`] returns it unless something
//! holds. The first word is the [`ErrorKind`](crate::ErrorKind), what follows is PyTorch's sentence as `format!` takes it.
//!
//! Nobody says who failed and on which line: that is known. What goes wrong in `Op::eval` is named by `apply`; what goes wrong in a
//! public function is named by that function, which `#[pullback_macros::called]` wrote down when it was entered.

/// An error of a kind, with its sentence.
macro_rules! error {
    ($kind:ident, $($text:tt)+) => {
        $crate::Error::new($crate::ErrorKind::$kind, format!($($text)+))
    };
}

/// Returns an error of a kind, with its sentence.
macro_rules! bail {
    ($kind:ident, $($text:tt)+) => {
        return Err($crate::core::fail::error!($kind, $($text)+))
    };
}

/// Returns an error of a kind, with its sentence, unless a condition holds.
macro_rules! ensure {
    ($held:expr, $kind:ident, $($text:tt)+) => {
        if !$held {
            $crate::core::fail::bail!($kind, $($text)+);
        }
    };
}

pub(crate) use {bail, ensure, error};
