//! The one table of dtypes: everything that can be said of a dtype in a word stands in its row, and `dtypes!` makes the enum and
//! its constant functions of it. What needs code (conversion of an element, an arm of `dispatch!`) the compiler asks for.

/// How PyTorch names a kind of number, and NumPy and DLPack a dtype: `b` for bool, `i` for integers, `u` for unsigned ones, `f` for floats, `B` for brain floats, and
/// `-` for what they do not have.
macro_rules! dtypes {
    ($(
        $(#[$doc:meta])*
        $variant:ident($rust:ty) computes in $wide:ident, $category:ident, $size:literal bytes, kind $kind:literal,
        digits $digits:literal, $name:literal, $scalar_type:literal, $c_name:literal, $cpp:literal, aliases [$($alias:literal),*];
    )*) => {
        /// The type of an array's elements.
        ///
        /// `f32` and `f64` compute, `Dd` is double-double (32 decimal digits: the oracle's arithmetic, and usable by anyone),
        /// integers index and count. Half precisions and narrow integers are stored as they are and [compute](DType::computing) in
        /// a wider dtype; results are rounded or wrapped once. The list is open: complex numbers join it.
        #[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
        #[non_exhaustive]
        // A word, since arrays pad it to one anyway: a copied word of which one byte was just written makes the processor wait.
        #[repr(u64)]
        pub enum DType {
            $($(#[$doc])* $variant,)*
        }

        /// See [`DType::closed`].
        #[doc(hidden)]
        #[derive(Clone, Copy)]
        #[allow(missing_docs)]
        #[repr(u64)]
        pub enum Closed {
            $($variant,)*
        }

        impl DType {
            /// Every dtype there is, in promotion order.
            pub const ALL: &'static [DType] = &[$(DType::$variant),*];

            /// The same list as an enum that is closed: what [`dispatch!`](crate::dispatch) matches on, so that a dtype without an
            /// arm there does not compile, in no crate.
            #[doc(hidden)]
            #[inline(always)]
            pub const fn closed(self) -> Closed {
                match self {
                    $(DType::$variant => Closed::$variant,)*
                }
            }

            /// The dtype that arithmetic is done in: float32 for half precisions, int32 or int64 for narrow integers, itself for
            /// all others.
            #[inline]
            pub const fn computing(self) -> DType {
                match self {
                    $(DType::$variant => DType::$wide,)*
                }
            }

            /// Bytes per element, at most `WIDEST`.
            #[inline]
            pub const fn size(self) -> usize {
                match self {
                    $(DType::$variant => $size,)*
                }
            }

            /// Name as PyTorch prints it (`float32`); double-double, which PyTorch lacks, is `float64x2`.
            pub const fn name(self) -> &'static str {
                match self {
                    $(DType::$variant => $name,)*
                }
            }

            /// Other names: PyTorch's (`double`), and Rust's (`f64`).
            pub const fn aliases(self) -> &'static [&'static str] {
                match self {
                    $(DType::$variant => &[$($alias),*],)*
                }
            }

            /// The name PyTorch's C++ error sentences use (`Float`, `Long`).
            pub const fn scalar_type_name(self) -> &'static str {
                match self {
                    $(DType::$variant => $scalar_type,)*
                }
            }

            /// The dtype as PyTorch's errors of conversion call it: its name in C++.
            pub const fn c_name(self) -> &'static str {
                match self {
                    $(DType::$variant => $c_name,)*
                }
            }

            /// The dtype as PyTorch's errors about operands call it: what a C++ compiler calls its type.
            pub const fn cpp_name(self) -> &'static str {
                match self {
                    $(DType::$variant => $cpp,)*
                }
            }

            /// What kind of number NumPy and DLPack say it is: `b` for bool, `i` for integers, `u` for unsigned ones, `f` for floats, `B` for brain floats; `-` for what
            /// they do not have.
            pub const fn kind(self) -> char {
                match self {
                    $(DType::$variant => $kind,)*
                }
            }

            /// Bool, integer or float.
            #[inline]
            pub const fn category(self) -> Category {
                match self {
                    $(DType::$variant => Category::$category,)*
                }
            }

            /// What addresses of elements are multiples of.
            pub(crate) const fn alignment(self) -> usize {
                match self {
                    $(DType::$variant => align_of::<$rust>(),)*
                }
            }

            /// Unit roundoff u (half the distance from 1 to the next number); 0 for exact types.
            pub const fn unit_roundoff(self) -> f64 {
                match self {
                    $(DType::$variant => roundoff($digits),)*
                }
            }
        }

        const _: () = {
            $(assert!($size == size_of::<$rust>() && $size <= WIDEST);)*
        };
    };
}
pub(super) use dtypes;
