//! Tensors as serde writes and reads them: `dtype` (a name), `shape`, and `values`, row by row.
//!
//! Numbers are written as they are, so that a format that people read shows them as short as they can be to give the same bits again; there, what is no
//! number (NaN, infinities) is a string. Nothing is allocated from what a shape claims: values are taken as they come, and counted then.

use crate::nn::NamedTensors;
use crate::{Category, DType, Result, Tensor};
use serde::de::{self, Deserialize, Deserializer, MapAccess, SeqAccess, Visitor};
use serde::ser::{self, Serialize, SerializeSeq, SerializeStruct, Serializer};
use std::collections::HashSet;
use std::fmt;
use std::str::FromStr;

const FIELDS: [&str; 3] = ["dtype", "shape", "values"];

/// A map of the dtype's name, the sizes and the values, row by row; in formats that people read, values that are no numbers are `"nan"`, `"inf"` and
/// `"-inf"`. Gradients and history are left out. serde_json reads float64 to the last bit with its feature `float_roundtrip` only.
impl Serialize for Tensor {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        let mut map = to.serialize_struct("Tensor", 3)?;
        map.serialize_field("dtype", &self.dtype().to_string())?;
        map.serialize_field("shape", &self.shape()[..])?;
        map.serialize_field("values", &Values(self))?;
        map.end()
    }
}

/// The elements of a tensor, row by row.
struct Values<'a>(&'a Tensor);

impl Serialize for Values<'_> {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        fn numbers<T: pullback_array::Element>(t: &Tensor) -> Result<Vec<T>> {
            t.detach().to(T::DTYPE)?.to_vec()
        }
        let (t, failed) = (self.0, |e: crate::Error| ser::Error::custom(e));
        let readable = to.is_human_readable();
        match t.dtype() {
            DType::Bool => to.collect_seq(numbers::<bool>(t).map_err(failed)?),
            DType::U64 => to.collect_seq(numbers::<u64>(t).map_err(failed)?),
            DType::F64 => floats(to, &numbers::<f64>(t).map_err(failed)?, readable),
            DType::Dd => Err(ser::Error::custom(
                "numbers of 32 digits have no form in other programs: convert to float64 first",
            )),
            of if of.category() == Category::Float => {
                floats(to, &numbers::<f32>(t).map_err(failed)?, readable)
            }
            _ => to.collect_seq(numbers::<i64>(t).map_err(failed)?),
        }
    }
}

/// Numbers, of which those that are none are strings where people read.
fn floats<S: Serializer, T: Serialize + Copy + Into<f64>>(
    to: S,
    all: &[T],
    readable: bool,
) -> std::result::Result<S::Ok, S::Error> {
    let mut list = to.serialize_seq(Some(all.len()))?;
    for x in all {
        let wide: f64 = (*x).into();
        match wide {
            x if x.is_nan() && readable => list.serialize_element("nan")?,
            f64::INFINITY if readable => list.serialize_element("inf")?,
            f64::NEG_INFINITY if readable => list.serialize_element("-inf")?,
            _ => list.serialize_element(x)?,
        }
    }
    list.end()
}

/// What [`Tensor`]'s `Serialize` wrote. The result requires no gradient.
///
/// # Errors
/// An unknown dtype, a size below zero, another number of values than the shape says, a value that the dtype does not hold; memory that is not to be had.
impl<'de> Deserialize<'de> for Tensor {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<Tensor, D::Error> {
        let readable = from.is_human_readable();
        from.deserialize_struct("Tensor", &FIELDS, Whole { readable })
    }
}

/// A map from names to tensors, in order.
impl Serialize for NamedTensors {
    fn serialize<S: Serializer>(&self, to: S) -> std::result::Result<S::Ok, S::Error> {
        to.collect_map(self.iter())
    }
}

/// A map from names to tensors.
///
/// # Errors
/// As for a tensor; a name that is there twice.
impl<'de> Deserialize<'de> for NamedTensors {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<NamedTensors, D::Error> {
        from.deserialize_map(Names)
    }
}

struct Names;

impl<'de> Visitor<'de> for Names {
    type Value = NamedTensors;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a map from names to tensors")
    }

    fn visit_map<A: MapAccess<'de>>(
        self,
        mut map: A,
    ) -> std::result::Result<NamedTensors, A::Error> {
        let mut all = NamedTensors::new();
        let mut names = HashSet::new();
        while let Some(name) = map.next_key::<String>()? {
            let tensor: Tensor = map
                .next_value()
                .map_err(|e| de::Error::custom(format!("`{name}`: {e}")))?;
            if !names.insert(name.clone()) {
                return Err(de::Error::custom(format!("`{name}` is there twice")));
            }
            all.insert(name, tensor);
        }
        Ok(all)
    }
}

/// A tensor's fields, in any order where they have names.
struct Whole {
    readable: bool,
}

impl<'de> Visitor<'de> for Whole {
    type Value = Tensor;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a tensor: `dtype`, `shape` and `values`")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> std::result::Result<Tensor, A::Error> {
        let (mut dtype, mut shape, mut values) = (None, None, None);
        while let Some(key) = map.next_key::<String>()? {
            let twice = match &*key {
                "dtype" => dtype.replace(map.next_value::<String>()?).is_some(),
                "shape" => shape.replace(map.next_value::<Vec<usize>>()?).is_some(),
                // Which they are is told by each where people read, and by the dtype elsewhere, where it stands before them.
                "values" if self.readable => values.replace(map.next_value()?).is_some(),
                "values" => match &dtype {
                    Some(name) => values
                        .replace(map.next_value_seed(Typed(named(name)?))?)
                        .is_some(),
                    None => return Err(de::Error::custom("`values` before `dtype`")),
                },
                _ => return Err(de::Error::unknown_field(&key, &FIELDS)),
            };
            if twice {
                return Err(de::Error::custom(format!("`{key}` is there twice")));
            }
        }
        let dtype = dtype.ok_or_else(|| de::Error::missing_field("dtype"))?;
        let shape = shape.ok_or_else(|| de::Error::missing_field("shape"))?;
        let values = values.ok_or_else(|| de::Error::missing_field("values"))?;
        tensor(named(&dtype)?, &shape, values).map_err(de::Error::custom)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<Tensor, A::Error> {
        let missing = |at| move || de::Error::invalid_length(at, &"a tensor of three fields");
        let dtype: String = list.next_element()?.ok_or_else(missing(0))?;
        let shape: Vec<usize> = list.next_element()?.ok_or_else(missing(1))?;
        let dtype = named(&dtype)?;
        let values = match self.readable {
            true => list.next_element::<List>()?,
            false => list.next_element_seed(Typed(dtype))?,
        };
        tensor(dtype, &shape, values.ok_or_else(missing(2))?).map_err(de::Error::custom)
    }
}

fn named<E: de::Error>(name: &str) -> std::result::Result<DType, E> {
    match DType::from_str(name).map_err(E::custom)? {
        DType::Dd => Err(E::custom(
            "numbers of 32 digits have no form in other programs",
        )),
        dtype => Ok(dtype),
    }
}

/// One value.
#[derive(Clone, Copy, Debug)]
enum One {
    Bool(bool),
    Int(i64),
    Unsigned(u64),
    Float(f64),
}

/// Values as they came.
struct List(Vec<One>);

impl<'de> Deserialize<'de> for List {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<List, D::Error> {
        from.deserialize_seq(AnyList)
    }
}

struct AnyList;

impl<'de> Visitor<'de> for AnyList {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list of numbers")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<List, A::Error> {
        let mut all = Vec::new();
        while let Some(one) = list.next_element::<One>()? {
            pushed(&mut all, one)?;
        }
        Ok(List(all))
    }
}

/// Adds a value, or says that there is no memory.
fn pushed<E: de::Error>(all: &mut Vec<One>, one: One) -> std::result::Result<(), E> {
    if all.len() == all.capacity() {
        all.try_reserve(1).map_err(E::custom)?;
    }
    all.push(one);
    Ok(())
}

impl<'de> Deserialize<'de> for One {
    fn deserialize<D: Deserializer<'de>>(from: D) -> std::result::Result<One, D::Error> {
        from.deserialize_any(AnyOne)
    }
}

struct AnyOne;

impl Visitor<'_> for AnyOne {
    type Value = One;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a number, a boolean, \"nan\", \"inf\" or \"-inf\"")
    }
    fn visit_bool<E>(self, x: bool) -> std::result::Result<One, E> {
        Ok(One::Bool(x))
    }
    fn visit_i64<E>(self, x: i64) -> std::result::Result<One, E> {
        Ok(One::Int(x))
    }
    fn visit_u64<E>(self, x: u64) -> std::result::Result<One, E> {
        Ok(One::Unsigned(x))
    }
    fn visit_f64<E>(self, x: f64) -> std::result::Result<One, E> {
        Ok(One::Float(x))
    }
    fn visit_str<E: de::Error>(self, x: &str) -> std::result::Result<One, E> {
        match x {
            "nan" => Ok(One::Float(f64::NAN)),
            "inf" => Ok(One::Float(f64::INFINITY)),
            "-inf" => Ok(One::Float(f64::NEG_INFINITY)),
            _ => Err(E::invalid_value(de::Unexpected::Str(x), &self)),
        }
    }
}

/// Values of a dtype, for formats that do not say what they hold.
struct Typed(DType);

impl<'de> de::DeserializeSeed<'de> for Typed {
    type Value = List;
    fn deserialize<D: Deserializer<'de>>(self, from: D) -> std::result::Result<List, D::Error> {
        from.deserialize_seq(self)
    }
}

impl<'de> Visitor<'de> for Typed {
    type Value = List;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a list of {}", self.0)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> std::result::Result<List, A::Error> {
        let mut all = Vec::new();
        loop {
            let one = match self.0 {
                DType::Bool => list.next_element()?.map(One::Bool),
                DType::U64 => list.next_element()?.map(One::Unsigned),
                DType::F64 => list.next_element()?.map(One::Float),
                of if of.category() == Category::Float => {
                    (list.next_element::<f32>()?).map(|x| One::Float(f64::from(x)))
                }
                _ => list.next_element()?.map(One::Int),
            };
            match one {
                Some(one) => pushed(&mut all, one)?,
                None => return Ok(List(all)),
            }
        }
    }
}

/// The tensor, where everything fits.
fn tensor(dtype: DType, shape: &[usize], List(values): List) -> Result<Tensor> {
    use crate::core::fail::bail;
    let numel = (shape.iter()).try_fold(1usize, |n, &size| n.checked_mul(size));
    if numel != Some(values.len()) {
        bail!(
            Shape,
            "{} values for a tensor of shape {shape:?}",
            values.len()
        );
    }
    let mut bad = None;
    let mut refused = |at: usize, one: One| {
        bad.get_or_insert((at, one));
    };
    let found = match dtype.category() {
        Category::Bool => collected(
            &values,
            |at, one| match one {
                One::Bool(x) => x,
                _ => {
                    refused(at, one);
                    false
                }
            },
            shape,
        ),
        Category::Float => collected(
            &values,
            |at, one| {
                let x = match one {
                    One::Float(x) => Some(x),
                    One::Int(x) => Some(x as f64),
                    One::Unsigned(x) => Some(x as f64),
                    One::Bool(_) => None,
                };
                let fits = |x: &f64| match dtype {
                    // The shortest digits of the largest one are above it, and round to it.
                    DType::F32 => !x.is_finite() || (*x as f32).is_finite(),
                    _ => !x.is_finite() || crate::Number::from(*x).fit(dtype).is_ok(),
                };
                match x.filter(fits) {
                    Some(x) => x,
                    None => {
                        refused(at, one);
                        0.0
                    }
                }
            },
            shape,
        ),
        _ if dtype == DType::U64 => collected(
            &values,
            |at, one| match one {
                One::Unsigned(x) => x,
                One::Int(x) if x >= 0 => x as u64,
                _ => {
                    refused(at, one);
                    0
                }
            },
            shape,
        ),
        _ => collected(
            &values,
            |at, one| {
                let x = match one {
                    One::Int(x) => Some(x),
                    One::Unsigned(x) => i64::try_from(x).ok(),
                    _ => None,
                };
                match x.filter(|&x| crate::Number::from(x).fit(dtype).is_ok()) {
                    Some(x) => x,
                    None => {
                        refused(at, one);
                        0
                    }
                }
            },
            shape,
        ),
    }?;
    if let Some((at, one)) = bad {
        bail!(Value, "value {at} is no {dtype}: {one:?}");
    }
    found.to(dtype)
}

fn collected<T: pullback_array::Element>(
    values: &[One],
    mut f: impl FnMut(usize, One) -> T,
    shape: &[usize],
) -> Result<Tensor> {
    let mut all = crate::room(values.len())?;
    all.extend(values.iter().enumerate().map(|(at, &one)| f(at, one)));
    Tensor::from_slice(&all, shape)
}
