//! Modules printed as PyTorch prints them: the name, what the layer was made with, and the modules in it.

use super::module::Module;
use super::visit::Visit;
use pullback_random::digits::Shortest;
use std::fmt::{self, Display};

/// How a module is called where it is printed, and what stands in its brackets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repr {
    name: String,
    extra: String,
    /// Neighbours that print alike are written once, with their count: PyTorch's `ModuleList`.
    list: bool,
}

impl Repr {
    /// A module of this name. PyTorch's `_get_name()`.
    pub fn new(name: impl Into<String>) -> Repr {
        Repr {
            name: name.into(),
            extra: String::new(),
            list: false,
        }
    }

    /// A list, in which equal neighbours are counted.
    pub(super) fn list(name: &str) -> Repr {
        Repr {
            list: true,
            ..Repr::new(name)
        }
    }

    /// With this in the brackets. PyTorch's `extra_repr()`.
    #[must_use]
    pub fn extra(mut self, extra: impl Into<String>) -> Repr {
        self.extra = extra.into();
        self
    }

    /// The name alone.
    pub fn name(&self) -> &str {
        &self.name
    }
}

/// The last name of a type's path, without its parameters.
pub(super) fn short_name(path: &'static str) -> &'static str {
    let plain = path.split('<').next().unwrap_or(path);
    plain.rsplit("::").next().unwrap_or(plain)
}

/// A module's text: [`print`] gives it to a formatter.
fn text(module: &dyn Module) -> Option<String> {
    let Repr { name, extra, list } = module.repr()?;
    let mut children: Vec<(String, String)> = Vec::new();
    module.visit(&mut Visit::fields(&mut |name, field| {
        if let Some(text) = text(field) {
            children.push((name.to_string(), text.replace('\n', "\n  ")));
        }
    }));
    let mut lines: Vec<String> = match extra.is_empty() {
        true => Vec::new(),
        false => extra.split('\n').map(String::from).collect(),
    };
    if children.is_empty() && lines.len() < 2 {
        return Some(format!("{name}({extra})"));
    }
    let mut rest = &children[..];
    while let Some((first, text)) = rest.first() {
        let same = match list {
            true => rest.iter().take_while(|(_, t)| t == text).count(),
            false => 1,
        };
        lines.push(match same {
            1 => format!("({first}): {text}"),
            _ => format!("({first}-{}): {same} x {text}", rest[same - 1].0),
        });
        rest = &rest[same..];
    }
    Some(format!("{name}(\n  {}\n)", lines.join("\n  ")))
}

/// Prints a module as PyTorch's `repr` does. [`module!`](crate::module) makes a type's `Display` of it.
///
/// # Errors
/// Those of the formatter.
pub fn print(module: &dyn Module, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&text(module).unwrap_or_default())
}

impl Display for dyn Module + '_ {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        print(self, f)
    }
}

/// `True` or `False`, as PyTorch's texts have them.
pub(super) fn python(flag: bool) -> &'static str {
    if flag { "True" } else { "False" }
}

/// A number as Python prints a float: `0.1`, `1e-05`, `2.0`.
pub(super) fn float(x: f64) -> String {
    Shortest(x).to_string()
}

/// `(2, 3)`, and `(2,)` for one: sizes as Python prints a tuple.
pub(super) fn tuple<T: Display>(items: &[T]) -> String {
    match items {
        [one] => format!("({one},)"),
        _ => {
            let all: Vec<String> = items.iter().map(T::to_string).collect();
            format!("({})", all.join(", "))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_python_s() {
        let all = [0.1, 1e-5, 2.0, 1e-12, 0.5, 1e16, 1.5e-7, f64::NAN, -1.0];
        let texts: Vec<String> = all.iter().map(|&x| float(x)).collect();
        let want = [
            "0.1", "1e-05", "2.0", "1e-12", "0.5", "1e+16", "1.5e-07", "nan", "-1.0",
        ];
        assert_eq!(texts, want);
    }

    #[test]
    fn names_of_types_are_short() {
        assert_eq!(short_name("a::b::Conv<alloc::vec::Vec<u8>>"), "Conv");
        assert_eq!(short_name("Mlp"), "Mlp");
    }
}
