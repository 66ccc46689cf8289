//! Signatures as text, parsed: `softmax(Tensor input, int dim, *, dtype? dtype=None) -> Tensor`.
//!
//! One line says the names, types, defaults and order of the parameters. Calls are bound by it, Python's functions and
//! stubs are written from it, the documentation prints it. Not for: computing (see [`super::Function`]).

use super::Arguments;
use super::kind::{KINDS, Kind, not_an_int};
use super::mistake::{Mistake, Stood, Written, say};
use super::value::Value;
use crate::{DType, Error, ErrorKind, Result};
use std::fmt;

/// One parameter.
#[derive(Clone, Debug)]
pub struct Param {
    /// Its name.
    pub name: &'static str,
    /// Its type.
    pub kind: Kind,
    /// Whether `None` is allowed.
    pub optional: bool,
    /// Whether it gathers the remaining positional arguments (`*int[] size`).
    pub variadic: bool,
    /// Whether it can be given by name only.
    pub keyword_only: bool,
    /// The default, and how it is written.
    pub default: Option<(Value, &'static str)>,
}

impl Param {
    /// Whether a value is of its type as it is (an integer for a float, or for a list of integers, counts).
    fn fits(&self, v: &Value) -> bool {
        match (self.kind, v) {
            (Kind::Any, _) => true,
            (Kind::Ints | Kind::Tensors, Value::List(list)) => list.iter().all(|v| self.lists(v)),
            (Kind::Tensor | Kind::Operand, Value::Tensor(_))
            | (
                Kind::Operand | Kind::Number,
                Value::Bool(_) | Value::Int(_) | Value::UInt(_) | Value::Float(_),
            )
            | (Kind::Int | Kind::Ints, Value::Int(_))
            | (Kind::Float, Value::Float(_) | Value::Int(_) | Value::UInt(_))
            | (Kind::Bool, Value::Bool(_))
            | (Kind::Str, Value::Str(_))
            | (Kind::DType, Value::DType(_)) => true,
            (_, Value::None) => self.optional,
            _ => false,
        }
    }

    /// Whether a value is an element of the lists it takes, as it is.
    fn lists(&self, v: &Value) -> bool {
        matches!(
            (self.kind, v),
            (Kind::Ints, Value::Int(_)) | (Kind::Tensors, Value::Tensor(_))
        )
    }

    /// The value as one of its type, if it can be one.
    fn accept(&self, v: &Value) -> Option<Value> {
        match (v, self.optional) {
            (Value::None, true) => Some(Value::None),
            _ => self.kind.accept(v),
        }
    }

    /// What is wrong with arguments that it gathers from number `at` on: the first that is.
    #[cold]
    fn wrong_among(&self, given: &[Value], at: usize) -> Mistake {
        let list = || Value::List(given.to_vec());
        if self.kind == Kind::Ints {
            return match not_an_int(given) {
                // An integer would have begun the list; without one the others are too many.
                Some(0) if given.len() > 1 => Mistake::TooMany(at + given.len()),
                Some(0) => Mistake::Type(at, given[0].clone(), Stood::At(at, at)),
                _ => Mistake::Type(at, list(), Stood::At(usize::MAX, at)),
            };
        }
        let alone = |v: &Value| self.kind.accept(&Value::List(vec![v.clone()]));
        match given.iter().position(|v| alone(v).is_none()) {
            Some(i) => Mistake::Type(at, given[i].clone(), Stood::At(at + i, at)),
            None => Mistake::Type(at, list(), Stood::At(usize::MAX, at)),
        }
    }
}

/// Names, types and defaults of a function's parameters.
#[derive(Clone, Debug)]
pub struct Signature {
    /// The function's name.
    pub name: &'static str,
    /// Its parameters, in order.
    pub params: Vec<Param>,
    /// What it returns, as written.
    pub returns: &'static str,
}

impl Signature {
    /// Parses the text of a signature.
    ///
    /// # Errors
    /// Says what is malformed: a mistake of ours, found by the first test that walks the list.
    pub fn parse(text: &'static str) -> Result<Signature> {
        let bad = |why: &str| {
            Error::new(
                ErrorKind::Value,
                format!("the signature {text:?} is malformed: {why}"),
            )
        };
        let (name, rest) = text.split_once('(').ok_or_else(|| bad("no parenthesis"))?;
        let (inside, returns) = (rest.rsplit_once(") -> ")).ok_or_else(|| bad("no result"))?;
        let mut params = Vec::new();
        let mut keyword_only = false;
        for part in split(inside) {
            let part = part.trim();
            if part == "*" {
                keyword_only = true;
                continue;
            }
            let (variadic, part) = match part.strip_prefix('*') {
                Some(part) => (true, part),
                None => (false, part),
            };
            let (declared, default) = match part.split_once('=') {
                Some((declared, default)) => (declared, Some(default)),
                None => (part, None),
            };
            let (kind, name) = declared.split_once(' ').ok_or_else(|| bad(part))?;
            let (kind, optional) = match kind.strip_suffix('?') {
                Some(kind) => (kind, true),
                None => (kind, false),
            };
            let kind = (KINDS.iter().find(|k| k.0 == kind)).ok_or_else(|| bad(kind))?;
            let default = match default {
                Some(text) => Some((plain(text).ok_or_else(|| bad(text))?, text)),
                None => None,
            };
            params.push(Param {
                name,
                kind: kind.1,
                optional,
                variadic,
                keyword_only,
                default,
            });
        }
        Ok(Signature {
            name,
            params,
            returns,
        })
    }

    /// The quick way for calls without names whose arguments are of the right types: `args` itself becomes the values. `false` and
    /// `args` untouched where that cannot be: then [`Signature::bind`] knows why.
    pub(crate) fn bind_plain(&self, args: &mut Arguments) -> bool {
        let variadic = self.params.iter().position(|p| p.variadic);
        let gathered = variadic
            .filter(|&at| !matches!(args.get(at), None | Some(Value::List(_) | Value::None)));
        let alone = gathered.unwrap_or(args.len());
        let taken = alone + usize::from(gathered.is_some());
        if taken > self.params.len() {
            return false;
        }
        let (given, rest) = self.params.split_at(taken);
        let fit = |(p, v): (&Param, &Value)| !p.keyword_only && p.fits(v);
        if !given[..alone].iter().zip(args.iter()).all(fit)
            || !given[alone..]
                .iter()
                .all(|p| args[alone..].iter().all(|v| p.lists(v)))
            || rest.iter().any(|p| p.default.is_none())
        {
            return false;
        }
        if gathered.is_some() {
            let list = args.drain(alone..).collect();
            args.push(Value::List(list));
        }
        for (v, p) in args.iter_mut().zip(given) {
            match (p.kind, &*v) {
                (Kind::Float, Value::Int(i)) => *v = Value::Float(*i as f64),
                (Kind::Float, Value::UInt(u)) => *v = Value::Float(*u as f64),
                (Kind::Ints, Value::Int(i)) => *v = Value::List(vec![Value::Int(*i)]),
                _ => {}
            }
        }
        for (default, _) in rest.iter().flat_map(|p| &p.default) {
            args.push(default.clone());
        }
        true
    }

    /// One value for each parameter, defaults filled in.
    ///
    /// # Errors
    /// PyTorch's sentences: a missing argument, too many, an unknown name, a wrong type.
    pub fn bind(&self, args: &[Value], kwargs: &[(&str, Value)]) -> Result<Vec<Value>> {
        (self.take(args, kwargs)).map_err(|mistake| say(self, &mistake, &Written::default()))
    }

    /// [`Signature::bind`], with what is wrong as data.
    pub(crate) fn take(
        &self,
        args: &[Value],
        kwargs: &[(&str, Value)],
    ) -> std::result::Result<Vec<Value>, Mistake> {
        let mut bound: Vec<Option<Value>> = vec![None; self.params.len()];
        let mut rest = args;
        for (at, (slot, param)) in bound.iter_mut().zip(&self.params).enumerate() {
            if rest.is_empty() || param.keyword_only {
                break;
            }
            let taken = if param.variadic && !matches!(rest[0], Value::List(_) | Value::None) {
                let all = Value::List(rest.to_vec());
                let taken = (param.accept(&all)).ok_or_else(|| param.wrong_among(rest, at))?;
                rest = &[];
                taken
            } else {
                let wrong = || Mistake::Type(at, rest[0].clone(), Stood::At(at, at));
                let taken = param.accept(&rest[0]).ok_or_else(wrong)?;
                rest = &rest[1..];
                taken
            };
            *slot = Some(taken);
        }
        if !rest.is_empty() {
            return Err(Mistake::TooMany(args.len()));
        }
        for (name, value) in kwargs {
            // PyTorch calls the first argument `input` in functions and takes NumPy's names for some others.
            let renamed = match *name {
                "self" => "input",
                "axis" => "dim",
                "keepdims" => "keepdim",
                "x" => "input",
                "from" => "from_",
                other => other,
            };
            let at = (self.params.iter().position(|p| p.name == *name))
                .or_else(|| self.params.iter().position(|p| p.name == renamed));
            let key = || (*name).to_string();
            let at = at.ok_or_else(|| Mistake::Unknown(key()))?;
            if bound[at].is_some() {
                return Err(Mistake::Twice(key()));
            }
            let wrong = || Mistake::Type(at, value.clone(), Stood::Named(key()));
            bound[at] = Some(self.params[at].accept(value).ok_or_else(wrong)?);
        }
        let mut missing = Vec::new();
        let values = (bound.into_iter().zip(&self.params))
            .map(|(value, param)| {
                value
                    .or_else(|| param.default.clone().map(|d| d.0))
                    .unwrap_or_else(|| {
                        missing.push(param.name);
                        Value::None
                    })
            })
            .collect();
        match missing.is_empty() {
            true => Ok(values),
            false => Err(Mistake::Missing(missing)),
        }
    }
}

impl fmt::Display for Signature {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}(", self.name)?;
        let mut keyword_only = false;
        for (i, p) in self.params.iter().enumerate() {
            if i > 0 {
                f.write_str(", ")?;
            }
            if p.keyword_only && !keyword_only {
                keyword_only = true;
                f.write_str("*, ")?;
            }
            let star = if p.variadic { "*" } else { "" };
            write!(f, "{star}{}", p.name)?;
            if let Some((_, text)) = &p.default {
                write!(f, "={text}")?;
            }
        }
        write!(f, ") -> {}", self.returns)
    }
}

/// Splits at commas outside brackets.
fn split(text: &'static str) -> Vec<&'static str> {
    let (mut parts, mut depth, mut start) = (Vec::new(), 0, 0);
    for (i, c) in text.char_indices() {
        match c {
            '(' | '[' => depth += 1,
            ')' | ']' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&text[start..i]);
                start = i + 1;
            }
            _ => {}
        }
    }
    if !text[start..].trim().is_empty() {
        parts.push(&text[start..]);
    }
    parts
}

/// A default: a plain Python value.
fn plain(text: &str) -> Option<Value> {
    Some(match text {
        "None" => Value::None,
        "True" => Value::Bool(true),
        "False" => Value::Bool(false),
        "inf" => Value::Float(f64::INFINITY),
        "-inf" => Value::Float(f64::NEG_INFINITY),
        _ => {
            if let Some(inside) = text.strip_prefix('\'') {
                Value::Str(inside.strip_suffix('\'')?.to_string())
            } else if let Some(inside) = text.strip_prefix(['[', '(']) {
                let inside = inside.strip_suffix([']', ')'])?;
                let parts = inside.split(',').map(str::trim).filter(|p| !p.is_empty());
                Value::List(parts.map(plain).collect::<Option<_>>()?)
            } else if let Ok(i) = text.parse() {
                Value::Int(i)
            } else if let Ok(x) = text.parse() {
                Value::Float(x)
            } else {
                Value::DType(DType::from_name(text)?)
            }
        }
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{Result, Tensor};

    /// What is bound where it lies is what is bound by the long way; what is not is left as it was.
    #[test]
    fn plain_calls_bind_as_others() -> Result<()> {
        let t = || Value::Tensor(Tensor::scalar(1.0f32));
        let ints = |all: &[i64]| Value::List(all.iter().map(|&i| Value::Int(i)).collect());
        let lists: Vec<Vec<Value>> = vec![
            vec![],
            vec![t()],
            vec![t(), Value::Int(2)],
            vec![t(), Value::Int(2), Value::Int(3)],
            vec![t(), ints(&[2, 3])],
            vec![t(), ints(&[]), Value::Bool(true)],
            vec![t(), Value::None],
            vec![t(), Value::Float(0.5)],
            vec![t(), Value::List(vec![t(), t()])],
            vec![Value::List(vec![t(), t()]), Value::Int(1)],
            vec![Value::List(vec![t(), Value::Int(1)])],
            vec![t(), t()],
            vec![Value::Int(4)],
            vec![Value::Int(4), Value::Bool(true)],
        ];
        let texts = [
            "f(Tensor input) -> Tensor",
            "f(Tensor input, *int[] size) -> Tensor",
            "f(*int[] size, *, dtype? dtype=None) -> Tensor",
            "f(*Tensor[] tensors) -> Tensor",
            "f(Tensor[] tensors, int dim=0) -> Tensor",
            "f(Tensor input, int[]? dim=None, bool keepdim=False) -> Tensor",
            "f(Tensor input, float p=2.0) -> Tensor",
            "f(Tensor input, any other) -> Tensor",
            "f(Tensor input, Tensor|number other, *, number alpha=1) -> Tensor",
        ];
        let mut plain = 0;
        for text in texts {
            let signature = Signature::parse(text)?;
            for list in &lists {
                let mut args: Arguments = list.iter().cloned().collect();
                let said = |values: &[Value]| format!("{values:?}");
                if signature.bind_plain(&mut args) {
                    plain += 1;
                    assert_eq!(said(&args), said(&signature.bind(list, &[])?), "{text}");
                } else {
                    assert_eq!(said(&args), said(list), "{text}");
                }
            }
        }
        assert!(plain > 20, "only {plain} calls were bound where they lie");
        Ok(())
    }
}
