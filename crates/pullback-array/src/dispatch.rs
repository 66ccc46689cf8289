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
        $crate::dispatch!(@ $dtype, $T, $body,
            Bool => bool, U8 => u8, I8 => i8, I16 => i16, U16 => u16, I32 => i32, U32 => u32, I64 => i64, U64 => u64,
            F16 => $crate::f16, BF16 => $crate::bf16, F32 => f32, F64 => f64, Dd => $crate::dd::Dd;)
    };
    ($dtype:expr, $T:ident => $body:expr) => {
        $crate::dispatch!(@ $dtype, $T, $body,
            Bool => bool, U8 => u8, I8 | I16 | U16 | I32 => i32, U32 | U64 | I64 => i64,
            F16 | BF16 | F32 => f32, F64 => f64, Dd => $crate::dd::Dd;)
    };
    (float $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $T, $body,
            F16 | BF16 | F32 => f32, F64 => f64, Dd => $crate::dd::Dd;
            Bool | U8 | I8 | I16 | U16 | I32 | U32 | I64 | U64 => $other)
    };
    (number $dtype:expr, $T:ident => $body:expr, else $other:expr) => {
        $crate::dispatch!(@ $dtype, $T, $body,
            U8 => u8, I8 | I16 | U16 | I32 => i32, U32 | U64 | I64 => i64,
            F16 | BF16 | F32 => f32, F64 => f64, Dd => $crate::dd::Dd;
            Bool => $other)
    };
    // Dtypes and the type that stands for them, then those that are the rest.
    (@ $dtype:expr, $T:ident, $body:expr,
        $($($variant:ident)|+ => $type:ty),+; $($($rest:ident)|+ => $other:expr)?) => {
        match $crate::DType::closed($dtype) {
            $($($crate::Closed::$variant)|+ => {
                type $T = $type;
                $body
            })+
            $($($crate::Closed::$rest)|+ => $other,)?
        }
    };
}
