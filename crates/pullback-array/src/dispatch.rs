//! From a dtype, known when the program runs, to a type, known when it is compiled: the macro that every kernel's caller uses.

/// Runs `$body` with the type alias `$T` standing for the type that `$dtype` [computes in](crate::DType::computing): for half
/// precisions `f32`, for narrow integers `i32` or `i64`, for all others their own. Kernels convert operands that are stored narrower.
///
/// The one place where a dtype becomes a type: kernels are generic, callers dispatch with this. The first form takes
/// every dtype; `float` only the floating ones, `number` all but bool, with `else` for the rest.
/// `stored` gives the type that elements are stored as: for what loads, stores and converts them.
#[macro_export]
macro_rules! dispatch {
    (stored $dtype:expr, $T:ident => $body:expr) => {
        $crate::dispatch!(@ $dtype, $T, $body, Bool bool, U8 u8, I8 i8, I16 i16, U16 u16, I32 i32, U32 u32, I64 i64, U64 u64,
            F16 $crate::f16, BF16 $crate::bf16, F32 f32, F64 f64, Dd $crate::dd::Dd)
    };
    (@ $dtype:expr, $T:ident, $body:expr, $($variant:ident $type:ty),*) => {
        $crate::dispatch!(@@ $dtype, $T, $body, $(($variant, $type, $body))*)
    };
    (@@ $dtype:expr, $T:ident, $body:expr, $(($variant:ident, $type:ty, $again:expr))*) => {
        match $crate::DType::closed($dtype) {
            $($crate::Closed::$variant => {
                type $T = $type;
                $body
            })*
        }
    };
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
            $crate::Closed::I8 | $crate::Closed::I16 | $crate::Closed::U16 | $crate::Closed::I32 => {
                type $T = i32;
                $body
            }
            $crate::Closed::U32 | $crate::Closed::U64 | $crate::Closed::I64 => {
                type $T = i64;
                $body
            }
            $crate::Closed::F16 | $crate::Closed::BF16 | $crate::Closed::F32 => {
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
            $crate::Closed::F16 | $crate::Closed::BF16 | $crate::Closed::F32 => {
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
            | $crate::Closed::I8
            | $crate::Closed::I16
            | $crate::Closed::U16
            | $crate::Closed::I32
            | $crate::Closed::U32
            | $crate::Closed::I64
            | $crate::Closed::U64 => $other,
        }
    };
    (number $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        match $crate::DType::closed($dtype) {
            $crate::Closed::U8 => {
                type $T = u8;
                $body
            }
            $crate::Closed::I8 | $crate::Closed::I16 | $crate::Closed::U16 | $crate::Closed::I32 => {
                type $T = i32;
                $body
            }
            $crate::Closed::U32 | $crate::Closed::U64 | $crate::Closed::I64 => {
                type $T = i64;
                $body
            }
            $crate::Closed::F16 | $crate::Closed::BF16 | $crate::Closed::F32 => {
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
