//! What writes the repetitive parts: `module!` and `sequential!` for users, `layer!` and `builder!` for the layers here.

/// Makes a struct a [`Module`](crate::nn::Module), and prints it as PyTorch does: `module!(Mlp { layers, head })`.
///
/// The fields are those that hold tensors or modules, in the order in which they are to be named; other fields are left out. A field may have another name outside,
/// a struct may be generic, and may say how it is printed:
///
/// ```
/// use pullback::nn::{Linear, Module, Repr};
///
/// #[derive(Clone)]
/// struct Residual<M> { inner: M, scale: f64 }
/// pullback::module!([M: Module] Residual<M> { inner as "block" } => |m: &Self| Repr::new("Residual").extra(format!("scale={}", m.scale)));
///
/// let block = Residual { inner: Linear::new(1, 1)?, scale: 0.5 };
/// assert_eq!(block.state().names().collect::<Vec<_>>(), ["block.weight", "block.bias"]);
/// assert!(block.to_string().starts_with("Residual(\n  scale=0.5\n  (block): Linear("));
/// # Ok::<(), pullback::Error>(())
/// ```
///
/// A field that is no module is an error of the compiler at its name.
#[macro_export]
macro_rules! module {
    (@write [$($generics:tt)*] $type:ty { $($field:tt $(as $name:literal)?),* $(,)? } $(=> $repr:expr)?) => {
        impl<$($generics)*> $crate::nn::Module for $type {
            fn visit(&self, v: &mut $crate::nn::Visit<'_>) {
                let _ = &v;
                $(v.field($crate::module!(@name $field $($name)?), &self.$field);)*
            }
            fn visit_mut(&mut self, v: &mut $crate::nn::VisitMut<'_>) -> $crate::Result<()> {
                let _ = &v;
                $(v.field($crate::module!(@name $field $($name)?), &mut self.$field)?;)*
                ::core::result::Result::Ok(())
            }
            $(fn repr(&self) -> ::core::option::Option<$crate::nn::Repr> {
                let describe: fn(&Self) -> $crate::nn::Repr = $repr;
                ::core::option::Option::Some(describe(self))
            })?
        }
        impl<$($generics)*> ::core::fmt::Display for $type {
            fn fmt(&self, f: &mut ::core::fmt::Formatter<'_>) -> ::core::fmt::Result {
                $crate::nn::print(self, f)
            }
        }
    };
    (@name $field:tt $name:literal) => { $name };
    (@name $field:tt) => { stringify!($field) };
    ([$($generics:tt)*] $type:ty { $($fields:tt)* } $(=> $repr:expr)?) => {
        $crate::module!(@write [$($generics)*] $type { $($fields)* } $(=> $repr)?);
    };
    ($type:ty { $($fields:tt)* } $(=> $repr:expr)?) => {
        $crate::module!(@write [] $type { $($fields)* } $(=> $repr)?);
    };
}

/// A [`Sequential`](crate::nn::Sequential) of these layers: `sequential![Linear::new(2, 4)?, ReLU]`.
#[macro_export]
macro_rules! sequential {
    ($($layer:expr),* $(,)?) => { $crate::nn::Sequential::new()$(.then($layer))* };
}

/// A module's `forward` of one input, which tells who watches.
macro_rules! layer {
    ([$($generics:tt)*] $type:ty, |$m:ident, $x:ident| $body:expr) => {
        impl<$($generics)*> $crate::nn::Layer for $type {
            #[track_caller]
            fn forward(&self, $x: &$crate::Tensor) -> $crate::Result<$crate::Tensor> {
                let $m = self;
                $crate::nn::observe::of(self, || $body)
            }
        }
    };
    ($type:ty, |$m:ident, $x:ident| $body:expr) => {
        $crate::nn::macros::layer!([] $type, |$m, $x| $body);
    };
}

/// What a layer may be asked for: `new` with what it needs, `builder` for the rest. Arguments after `|`, and options after `into`, are made of whatever becomes
/// their type; what is `hidden` has setters of its own, or none.
macro_rules! builder {
    (
        $(#[$meta:meta])*
        $builder:ident $([$($generics:tt)*] [$($args:tt)*])? for $layer:ty;
        ($($need:ident: $needed:ty),* $(; $of:ident: $from:ty)*);
        { $($(#[$doc:meta])* $option:ident: $type:ty = $default:expr),* $(,)? }
        into { $($(#[$into_doc:meta])* $into_option:ident: $into_type:ty = $into_default:expr),* $(,)? }
        $(hidden { $($hidden:ident: $hidden_type:ty = $hidden_default:expr),* })?
    ) => {
        $(#[$meta])*
        #[derive(Clone, Debug)]
        #[must_use = "`build()` makes the layer"]
        pub struct $builder $(<$($generics)*>)? {
            $($need: $needed,)*
            $($of: $from,)*
            $($option: $type,)*
            $($into_option: $into_type,)*
            $($($hidden: $hidden_type,)*)?
        }

        impl $(<$($generics)*>)? $layer {
            /// With PyTorch's defaults.
            ///
            /// # Errors
            /// As those of the builder's `build`.
            #[track_caller]
            #[allow(clippy::new_ret_no_self)]
            pub fn new($($need: $needed,)* $($of: impl Into<$from>,)*) -> $crate::Result<Self> {
                Self::builder($($need,)* $($of,)*).build()
            }

            /// With more options than the defaults.
            pub fn builder($($need: $needed,)* $($of: impl Into<$from>,)*) -> $builder $(<$($args)*>)? {
                $builder {
                    $($need,)*
                    $($of: $of.into(),)*
                    $($option: $default,)*
                    $($into_option: $into_default,)*
                    $($($hidden: $hidden_default,)*)?
                }
            }
        }

        impl $(<$($generics)*>)? $builder $(<$($args)*>)? {
            $($(#[$doc])*
            pub fn $option(mut self, $option: $type) -> Self {
                self.$option = $option;
                self
            })*
            $($(#[$into_doc])*
            pub fn $into_option(mut self, $into_option: impl Into<$into_type>) -> Self {
                self.$into_option = $into_option.into();
                self
            })*
        }
    };
}

pub(super) use {builder, layer};
