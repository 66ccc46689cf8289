//! Options that can grow: structs that only this library can write out, with a method for each field to everybody else.

/// A method for each of these fields, which gives the options with that field changed.
macro_rules! setters {
    ([$($lifetime:lifetime)?] $type:ty { $($field:ident: $of:ty),* $(,)? }) => {
        impl$(<$lifetime>)? $type {
            $(
                #[doc = concat!("With another `", stringify!($field), "`.")]
                #[must_use]
                pub const fn $field(self, $field: $of) -> Self {
                    Self { $field, ..self }
                }
            )*
        }
    };
}

pub(crate) use setters;
