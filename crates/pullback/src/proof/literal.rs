//! Argument lists as text, for samples: Python literals, and tensors by shape.
//!
//! `T(2,3)` are floats of the dtype under test: both signs, well apart, sizes 0.2…2.6, others for each argument; with `pos`,
//! `unit`, `small`, `wide` as last word: positive, inside (0, 1), up to ±0.6 (where tanh is not flat), up to ±20. `T[…]` are the numbers given. `I(3, 5)` are integers
//! in [0, 5), `I[…]` given ones; `B(3)`, `B[…]` truth values. A suffix `.t` lays them out transposed in memory, `.f32 .f64
//! .i32 .u8` says another dtype, `.fixed` that PyTorch has no gradient for it. Everything else is Python's: numbers, `None`, `'text'`, lists, tuples, dtype names, `name=value`.

use crate::registry::Value;
use crate::{Array, DType, Error, ErrorKind, Result, Shape, Tensor};
use pullback_array::kernels;

/// Positional and named arguments.
#[derive(Clone, Debug, Default)]
pub struct Call {
    /// In order.
    pub args: Vec<Value>,
    /// By name.
    pub kwargs: Vec<(String, Value)>,
    /// Which of the tensors, counted in order, PyTorch refuses to differentiate by.
    pub fixed: Vec<usize>,
}

impl Call {
    /// Reads an argument list; floats of `T` get `dtype`.
    ///
    /// # Errors
    /// Says where the text cannot be read.
    pub fn parse(text: &str, dtype: DType) -> Result<Call> {
        Call::enlarged(text, dtype, 1)
    }

    /// As [`Call::parse`], with every size above 1 of tensors given by shape multiplied: the same call on more data.
    ///
    /// # Errors
    /// As [`Call::parse`].
    pub fn enlarged(text: &str, dtype: DType, scale: usize) -> Result<Call> {
        let mut p = Parser {
            text,
            rest: text,
            dtype,
            scale,
            tensors: 0,
            fixed: Vec::new(),
        };
        let mut call = Call::default();
        while !p.skip().is_empty() {
            match p.keyword() {
                Some(name) => {
                    let value = p.value()?;
                    call.kwargs.push((name, value));
                }
                None => {
                    let value = p.value()?;
                    call.args.push(value);
                }
            }
            if !p.eat(',') && !p.skip().is_empty() {
                return Err(p.error("a comma was expected"));
            }
        }
        call.fixed = p.fixed;
        Ok(call)
    }

    /// The call in single and in double precision; once where the dtype under test plays no part.
    ///
    /// # Errors
    /// As [`Call::parse`].
    pub fn in_dtypes(text: &str) -> Result<Vec<(DType, Call)>> {
        let single = Call::parse(text, DType::F32)?;
        let double = Call::parse(text, DType::F64)?;
        let dtypes = |c: &Call| c.tensors().iter().map(Tensor::dtype).collect::<Vec<_>>();
        if dtypes(&single) == dtypes(&double) {
            return Ok(vec![(DType::F32, single)]);
        }
        Ok(vec![(DType::F32, single), (DType::F64, double)])
    }

    /// Named arguments as a call takes them.
    pub fn named(&self) -> Vec<(&str, Value)> {
        (self.kwargs.iter())
            .map(|(k, v)| (k.as_str(), v.clone()))
            .collect()
    }

    /// Every tensor in it, in order.
    pub fn tensors(&self) -> Vec<Tensor> {
        let all = (self.args.iter()).chain(self.kwargs.iter().map(|(_, v)| v));
        all.flat_map(|v| v.tensors().into_iter().cloned().collect::<Vec<_>>())
            .collect()
    }

    /// The same call with other tensors, in that order.
    pub fn with(&self, tensors: &[Tensor]) -> Call {
        let mut next = tensors.iter();
        let mut put = |v: &Value| {
            let mut take = |t: &Tensor| Ok(next.next().unwrap_or(t).clone());
            v.map_tensors(&mut take).unwrap_or_else(|_| v.clone())
        };
        Call {
            args: self.args.iter().map(&mut put).collect(),
            kwargs: (self.kwargs.iter())
                .map(|(k, v)| (k.clone(), put(v)))
                .collect(),
            fixed: self.fixed.clone(),
        }
    }
}

struct Parser<'a> {
    text: &'a str,
    rest: &'a str,
    dtype: DType,
    scale: usize,
    tensors: u64,
    fixed: Vec<usize>,
}

impl<'a> Parser<'a> {
    fn skip(&mut self) -> &'a str {
        self.rest = self.rest.trim_start();
        self.rest
    }

    fn eat(&mut self, c: char) -> bool {
        self.skip();
        match self.rest.strip_prefix(c) {
            Some(rest) => {
                self.rest = rest;
                true
            }
            None => false,
        }
    }

    fn error(&self, why: &str) -> Error {
        Error::new(
            ErrorKind::Value,
            format!("sample {:?}: {why} at {:?}", self.text, self.rest),
        )
    }

    fn word(&mut self) -> &'a str {
        self.skip();
        let end = (self.rest.find(|c: char| !(c.is_alphanumeric() || c == '_')))
            .unwrap_or(self.rest.len());
        let (word, rest) = self.rest.split_at(end);
        self.rest = rest;
        word
    }

    /// `name=`, if that comes next.
    fn keyword(&mut self) -> Option<String> {
        let before = self.skip();
        let word = self.word();
        if !word.is_empty() && self.rest.starts_with('=') {
            self.rest = &self.rest[1..];
            return Some(word.to_string());
        }
        self.rest = before;
        None
    }

    fn value(&mut self) -> Result<Value> {
        let rest = self.skip();
        match rest.chars().next() {
            Some('[') => self.list('[', ']'),
            Some('(') => self.list('(', ')'),
            Some('\'') => {
                let end = (rest[1..].find('\'')).ok_or_else(|| self.error("an open text"))?;
                self.rest = &rest[end + 2..];
                Ok(Value::Str(rest[1..end + 1].to_string()))
            }
            Some(c) if c.is_ascii_digit() || c == '-' || c == '.' => self.number(),
            Some('T' | 'I' | 'B') if rest[1..].starts_with(['(', '[']) => {
                self.tensor().map(Value::Tensor)
            }
            _ => match self.word() {
                "None" => Ok(Value::None),
                "True" => Ok(Value::Bool(true)),
                "False" => Ok(Value::Bool(false)),
                "inf" => Ok(Value::Float(f64::INFINITY)),
                "nan" => Ok(Value::Float(f64::NAN)),
                word => (DType::from_name(word).map(Value::DType))
                    .ok_or_else(|| self.error(&format!("{word:?} means nothing"))),
            },
        }
    }

    fn number(&mut self) -> Result<Value> {
        let end = (self.rest)
            .find(|c: char| !(c.is_alphanumeric() || "+-.".contains(c)))
            .unwrap_or(self.rest.len());
        let (text, rest) = self.rest.split_at(end);
        self.rest = rest;
        if let Ok(i) = text.parse() {
            return Ok(Value::Int(i));
        }
        (text.parse().map(Value::Float)).map_err(|_| self.error(&format!("{text:?} is no number")))
    }

    fn list(&mut self, open: char, close: char) -> Result<Value> {
        let mut list = Vec::new();
        if !self.eat(open) {
            return Err(self.error("a list was expected"));
        }
        while !self.eat(close) {
            list.push(self.value()?);
            if !self.eat(',') && !self.skip().starts_with(close) {
                return Err(self.error("a comma was expected"));
            }
        }
        Ok(Value::List(list))
    }

    fn tensor(&mut self) -> Result<Tensor> {
        let letter = self.word();
        self.tensors += 1;
        let given = self.rest.starts_with('[');
        let mut dtype = match letter {
            "T" => self.dtype,
            "I" => DType::I64,
            _ => DType::Bool,
        };
        let (shape, data) = if given {
            let list = self.list('[', ']')?;
            let (mut shape, mut data) = (Vec::new(), Vec::new());
            flatten(&list, 0, &mut shape, &mut data).map_err(|why| self.error(why))?;
            (shape, data)
        } else {
            self.by_shape(letter)?
        };
        let mut transposed = false;
        while self.rest.starts_with('.') {
            self.rest = &self.rest[1..];
            match self.word() {
                "t" => transposed = true,
                "fixed" => self.fixed.push(self.tensors as usize - 1),
                word => {
                    dtype = DType::from_name(word).ok_or_else(|| self.error("an odd suffix"))?;
                }
            }
        }
        let array = kernels::cast(
            &Array::from_slice(&data, Shape::new(shape.as_slice()))?,
            dtype,
        )?;
        if !transposed {
            return Ok(Tensor::from_array(array));
        }
        let back: Vec<usize> = (0..array.rank()).rev().collect();
        let turned = array.view(array.layout().permute(&back))?.copy()?;
        let turned = turned.view(turned.layout().permute(&back))?;
        Ok(Tensor::from_array(turned))
    }

    fn by_shape(&mut self, letter: &str) -> Result<(Vec<usize>, Vec<f64>)> {
        let (mut sizes, mut kind) = (Vec::new(), "");
        self.eat('(');
        while !self.eat(')') {
            match self.word() {
                "" => return Err(self.error("a size was expected")),
                word => match word.parse::<usize>() {
                    Ok(n) => sizes.push(n),
                    Err(_) => kind = word,
                },
            }
            self.eat(',');
        }
        let bound = match letter {
            "I" => (sizes.pop()).ok_or_else(|| self.error("a bound was expected"))?,
            _ => 2,
        };
        for n in sizes.iter_mut().filter(|n| **n > 1) {
            *n *= self.scale;
        }
        let n: usize = sizes.iter().product();
        let data = match letter {
            "T" => floats(n, self.tensors, kind).ok_or_else(|| self.error("an unknown kind"))?,
            _ => (0..n as u64)
                .map(|i| (hash(i, self.tensors + 77) % bound.max(1) as u64) as f64)
                .collect(),
        };
        Ok((sizes, data))
    }
}

fn flatten(
    v: &Value,
    depth: usize,
    shape: &mut Vec<usize>,
    data: &mut Vec<f64>,
) -> Result<(), &'static str> {
    match v {
        Value::List(list) => {
            if shape.len() == depth {
                shape.push(list.len());
            }
            if shape[depth] != list.len() {
                return Err("a ragged list");
            }
            list.iter()
                .try_for_each(|v| flatten(v, depth + 1, shape, data))
        }
        other => {
            data.push(other.number().ok_or("a number was expected")?.to_f64());
            Ok(())
        }
    }
}

fn hash(i: u64, seed: u64) -> u64 {
    let mut z = (i + 1)
        .wrapping_mul(0x9e37_79b9_7f4a_7c15)
        .wrapping_add(seed.wrapping_mul(0xd1b5_4a32_d192_ed03));
    z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    (z ^ (z >> 31)) >> 5
}

/// Distinct sizes on a grid, shuffled; odd multiples of 2⁻¹⁰, so that they are exact in every dtype and no integers.
fn floats(n: usize, seed: u64, kind: &str) -> Option<Vec<f64>> {
    let (low, high, signs) = match kind {
        "" => (0.2, 2.6, true),
        "pos" => (0.2, 3.0, false),
        "unit" => (0.06, 0.94, false),
        "small" => (0.03, 0.6, true),
        "wide" => (0.5, 20.0, true),
        _ => return None,
    };
    let mut order: Vec<usize> = (0..n).collect();
    order.sort_by_key(|&i| hash(i as u64, seed));
    let mut data = vec![0.0; n];
    for (rank, &place) in order.iter().enumerate() {
        // Each argument has its own offset inside the grid's cells, so that two arguments do not share numbers.
        let shift = 0.2 + 0.6 * ((seed * 5 % 7) as f64 / 7.0);
        let size = low + (high - low) * (rank as f64 + shift) / n as f64;
        let odd = 2.0 * (size * 512.0).floor() + 1.0;
        let sign = if signs && hash(place as u64, seed + 31) & 1 == 1 {
            -1.0
        } else {
            1.0
        };
        data[place] = sign * odd / 1024.0;
    }
    Some(data)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn literals_are_read() {
        let call = Call::parse(
            "T(2,3), I(4, 5).i32, [T[[1.0, nan], [-0.0, inf]], B(2)], dim=-1, eps=1e-5, mode='a b', d=float64, s=(1, 2)",
            DType::F32,
        )
        .unwrap();
        assert_eq!(call.args.len(), 3);
        let t = call.tensors();
        assert_eq!(t[0].dtype(), DType::F32);
        assert_eq!(t[1].dtype(), DType::I32);
        assert_eq!(&t[2].shape()[..], [2, 2]);
        assert_eq!(t[3].dtype(), DType::Bool);
        assert!(matches!(call.kwargs[0], (ref k, Value::Int(-1)) if k == "dim"));
        assert!(matches!(call.kwargs[1].1, Value::Float(x) if x == 1e-5));
        assert!(matches!(call.kwargs[2].1, Value::Str(ref s) if s == "a b"));
        assert!(matches!(call.kwargs[3].1, Value::DType(DType::F64)));
        assert!(Call::parse("T(2", DType::F32).is_err());
        assert!(Call::parse("T[[1], [2, 3]]", DType::F32).is_err());
    }

    #[test]
    fn numbers_are_distinct_and_far_from_zero() {
        for kind in ["", "pos", "unit", "wide"] {
            let x = floats(30, 3, kind).unwrap();
            let mut sizes: Vec<f64> = x.iter().map(|x| x.abs()).collect();
            sizes.sort_by(f64::total_cmp);
            assert!(sizes.windows(2).all(|w| w[0] < w[1]), "{kind}: {sizes:?}");
            assert!(sizes[0] > 0.05 && x.iter().all(|x| x.fract() != 0.0));
        }
    }
}
