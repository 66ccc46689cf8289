//! From a dtype, known when the program runs, to a type, known when it is compiled: the macro that every kernel's caller uses.

/// See [`DType::closed`].
#[doc(hidden)]
#[derive(Clone, Copy)]
#[allow(missing_docs)]
#[repr(u64)]
pub enum Closed {
    Bool,
    U8,
    I32,
    I64,
    F32,
    F64,
    Dd,
}

/// Runs `$body` with the type alias `$T` standing for the element type of `$dtype`.
///
/// The one place where a dtype becomes a type: kernels are generic, callers dispatch with this. The first form takes
/// every dtype; `float` only the floating ones, with `else` for the rest.
#[macro_export]
macro_rules! dispatch {
    ($dtype:expr, $T:ident => $body:expr) => {
        match $crate::DType::closed($dtype) {
            $crate::Closed::Bool => {
                type $T = bool;
                $body
            }
            $crate::Closed::U8 => {
                type $T = u8;
                $body
            }
            $crate::Closed::I32 => {
                type $T = i32;
                $body
            }
            $crate::Closed::I64 => {
                type $T = i64;
                $body
            }
            $crate::Closed::F32 => {
                type $T = f32;
                $body
            }
            $crate::Closed::F64 => {
                type $T = f64;
                $body
            }
            $crate::Closed::Dd => {
                type $T = $crate::dd::Dd;
                $body
            }
        }
    };
    (float $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $crate::DType::closed($dtype) {
            $crate::Closed::F32 => {
                type $T = f32;
                $body
            }
            $crate::Closed::F64 => {
                type $T = f64;
                $body
            }
            $crate::Closed::Dd => {
                type $T = $crate::dd::Dd;
                $body
            }
            $crate::Closed::Bool
            | $crate::Closed::U8
            | $crate::Closed::I32
            | $crate::Closed::I64 => $other,
        }
    };
    (number $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $crate::DType::closed($dtype) {
            $crate::Closed::U8 => {
                type $T = u8;
                $body
            }
            $crate::Closed::I32 => {
                type $T = i32;
                $body
            }
            $crate::Closed::I64 => {
                type $T = i64;
                $body
            }
            $crate::Closed::F32 => {
                type $T = f32;
                $body
            }
            $crate::Closed::F64 => {
                type $T = f64;
                $body
            }
            $crate::Closed::Dd => {
                type $T = $crate::dd::Dd;
                $body
            }
            $crate::Closed::Bool => $other,
        }
    };
}
