//! Options of optimisers: structs with builders, read and written by name so that states can hold them.

/// A value of an option as numbers, which is how a state holds it.
pub trait Setting: Sized {
    /// The numbers.
    fn numbers(&self) -> Vec<f64>;
    /// The value of such numbers, where they are some.
    fn of(numbers: &[f64]) -> Option<Self>;
}

impl Setting for f64 {
    fn numbers(&self) -> Vec<f64> {
        vec![*self]
    }
    fn of(numbers: &[f64]) -> Option<f64> {
        match numbers {
            [x] => Some(*x),
            _ => None,
        }
    }
}

impl Setting for bool {
    fn numbers(&self) -> Vec<f64> {
        vec![f64::from(u8::from(*self))]
    }
    fn of(numbers: &[f64]) -> Option<bool> {
        f64::of(numbers).map(|x| x != 0.0)
    }
}

impl Setting for usize {
    fn numbers(&self) -> Vec<f64> {
        vec![*self as f64]
    }
    fn of(numbers: &[f64]) -> Option<usize> {
        let x = f64::of(numbers)?;
        (x >= 0.0 && x.fract() == 0.0).then_some(x as usize)
    }
}

impl<T: Setting> Setting for Option<T> {
    fn numbers(&self) -> Vec<f64> {
        self.as_ref().map(T::numbers).unwrap_or_default()
    }
    fn of(numbers: &[f64]) -> Option<Option<T>> {
        match numbers {
            [] => Some(None),
            some => T::of(some).map(Some),
        }
    }
}

/// The first may be left out.
impl Setting for (Option<f64>, f64) {
    fn numbers(&self) -> Vec<f64> {
        self.0.into_iter().chain([self.1]).collect()
    }
    fn of(numbers: &[f64]) -> Option<Self> {
        match numbers {
            [b] => Some((None, *b)),
            [a, b] => Some((Some(*a), *b)),
            _ => None,
        }
    }
}

impl Setting for (f64, f64) {
    fn numbers(&self) -> Vec<f64> {
        vec![self.0, self.1]
    }
    fn of(numbers: &[f64]) -> Option<Self> {
        match numbers {
            [a, b] => Some((*a, *b)),
            _ => None,
        }
    }
}

impl Setting for (f64, f64, f64) {
    fn numbers(&self) -> Vec<f64> {
        vec![self.0, self.1, self.2]
    }
    fn of(numbers: &[f64]) -> Option<Self> {
        match numbers {
            [a, b, c] => Some((*a, *b, *c)),
            _ => None,
        }
    }
}

/// What options have in common.
pub trait Settings {
    /// All of them by name, as numbers.
    fn settings(&self) -> Vec<(&'static str, Vec<f64>)>;
    /// The names.
    fn setting_names() -> &'static [&'static str]
    where
        Self: Sized;
    /// Sets one; `None` where there is none of the name, or the numbers are no value of it.
    fn set(&mut self, name: &str, numbers: &[f64]) -> Option<()>;
    /// The learning rate.
    fn lr(&self) -> f64;
    /// Sets the learning rate.
    fn set_lr(&mut self, lr: f64);

    /// The momentum: `momentum`, or the first of `betas`.
    fn momentum(&self) -> Option<f64> {
        let all = self.settings();
        let of = |name| all.iter().find(|s| s.0 == name).map(|s| s.1[0]);
        of("betas").or_else(|| of("momentum"))
    }
    /// Sets the momentum; `None` where there is none.
    fn set_momentum(&mut self, momentum: f64) -> Option<()> {
        let betas = self.settings().into_iter().find(|s| s.0 == "betas");
        match betas {
            Some((name, mut numbers)) => {
                numbers[0] = momentum;
                self.set(name, &numbers)
            }
            None => self.set("momentum", &[momentum]),
        }
    }
}

/// A struct of options with their defaults, a builder's method for each, and [`Settings`].
macro_rules! options {
    ($(#[$doc:meta])* $Options:ident { $($(#[$of:meta])* $field:ident: $ty:ty = $default:expr,)* }) => {
        $(#[$doc])*
        #[derive(Clone, Debug, PartialEq)]
        #[cfg_attr(
            feature = "serde",
            derive(serde::Serialize, serde::Deserialize),
            serde(default, deny_unknown_fields)
        )]
        #[non_exhaustive]
        pub struct $Options {
            $($(#[$of])* pub $field: $ty,)*
        }

        impl Default for $Options {
            fn default() -> Self {
                $Options { $($field: $default,)* }
            }
        }

        impl $Options {
            $($(#[$of])*
            #[must_use]
            pub fn $field(mut self, $field: $ty) -> Self {
                self.$field = $field;
                self
            })*
        }

        impl $crate::optim::options::Settings for $Options {
            fn settings(&self) -> Vec<(&'static str, Vec<f64>)> {
                vec![$((stringify!($field), $crate::optim::options::Setting::numbers(&self.$field)),)*]
            }
            fn setting_names() -> &'static [&'static str] {
                &[$(stringify!($field),)*]
            }
            fn set(&mut self, name: &str, numbers: &[f64]) -> Option<()> {
                match name {
                    $(stringify!($field) => self.$field = $crate::optim::options::Setting::of(numbers)?,)*
                    _ => return None,
                }
                Some(())
            }
            fn lr(&self) -> f64 {
                self.lr
            }
            fn set_lr(&mut self, lr: f64) {
                self.lr = lr;
            }
        }
    };
}
pub(super) use options;
