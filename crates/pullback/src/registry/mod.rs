//! PyTorch's functions by name, with arguments as Python gives them: the list that bindings, documentation and proofs walk.
//!
//! Three layers: primitives ([`crate::ops`]) have rules; methods of [`Tensor`](crate::Tensor) are what Rust programs call; entries
//! ([`Function`]) tie both to PyTorch's names, argument names and defaults and stand in the operations' folders. To add one, add an
//! entry to a list of `ops/…/functions`: calls, `pullback ops`, the documentation, the comparison with PyTorch and the proof of its gradients follow.
//!
//! Behind the feature `functions`; programs in Rust call methods and do not pay for it.
//!
//! ```
//! use pullback::{Tensor, registry::{Value, call}};
//! let x = Tensor::from_slice(&[1.0f64, 2.0, 4.0], [3])?;
//! let y = call("sum", &[x.into()], &[("dim", Value::Int(0))])?;
//! assert_eq!(y.tensors()[0].item_f64()?, 7.0);
//! # Ok::<(), pullback::Error>(())
//! ```

mod entry;
mod out_factors;
mod out_rules;
mod out_tables;
mod outs;
mod overlaps;

pub use crate::call::{
    Args, Arguments, Function, IntoValue, Kind, NodeName, Param, Reading, Signature, Value, Warns,
    Written,
};
pub use entry::{Entry, in_place};
pub use outs::Into;
pub use overlaps::check_overlap;

use crate::call::say_of_all;
use crate::core::op::OpDef;
use crate::ops::functions::LISTS;
use crate::{Device, Error, ErrorKind, Result};
use std::collections::HashMap;
use std::sync::{LazyLock, Mutex, PoisonError, RwLock};

struct Table {
    entries: Vec<Entry>,
    names: HashMap<(&'static str, &'static str), Vec<usize>>,
}

/// Lists that programs added to those above.
static ADDED: Mutex<Vec<(&str, &[Function])>> = Mutex::new(Vec::new());

/// The table of today: made anew, and kept for good, when a list is added.
static TABLE: LazyLock<RwLock<&'static Table>> = LazyLock::new(|| RwLock::new(build(&[])));

fn build(added: &[(&'static str, &'static [Function])]) -> &'static Table {
    let mut entries = Vec::new();
    let mut names: HashMap<_, Vec<usize>> = HashMap::new();
    for (group, list) in LISTS.iter().chain(added) {
        for function in *list {
            // A malformed signature is ours and is said to whoever calls the function.
            let signature = Signature::parse(function.signature).unwrap_or_else(|e| Signature {
                name: function.name(),
                params: Vec::new(),
                returns: Box::leak(e.to_string().into_boxed_str()),
            });
            for place in function.found_at() {
                names.entry(place).or_default().push(entries.len());
            }
            entries.push(Entry {
                function,
                signature,
                group,
            });
        }
    }
    Box::leak(Box::new(Table { entries, names }))
}

fn table() -> &'static Table {
    *TABLE.read().unwrap_or_else(PoisonError::into_inner)
}

/// Adds functions of a program's own, which from then on are called by name, documented and proven as all others are. Their memory is kept
/// for good, so that they are added once, when a program starts.
///
/// # Errors
/// [`ErrorKind::Argument`] where a signature is malformed, or a name is there already.
///
/// ```
/// use pullback::registry::{self, Function, Value};
/// static TWICE: [Function; 1] = [Function::new("twice(Tensor input) -> Tensor", "torch", |a| {
///     Ok(a.tensor("input")?.mul(2.0)?.into())
/// })
/// .about("Twice a tensor.", "2x")
/// .samples(&["T(2,3)", "T()"])];
/// registry::add("mine", &TWICE)?;
/// let y = registry::call("twice", &[pullback::Tensor::scalar(1.5f64).into()], &[])?;
/// assert_eq!(y.tensors()[0].item_f64()?, 3.0);
/// # Ok::<(), pullback::Error>(())
/// ```
pub fn add(group: &'static str, list: &'static [Function]) -> Result<()> {
    let mut added = ADDED.lock().unwrap_or_else(PoisonError::into_inner);
    for function in list {
        Signature::parse(function.signature)?;
        if let Some(there) = find(function.name()).first() {
            return Err(Error::new(
                ErrorKind::Argument,
                format!("there is a function {:?} already", function.name()),
            )
            .note(there.signature.to_string()));
        }
    }
    added.push((group, list));
    *TABLE.write().unwrap_or_else(PoisonError::into_inner) = build(&added);
    Ok(())
}

/// Every primitive: those of the library, and those that added functions are ([`Function::of`]).
pub fn primitives() -> Vec<&'static OpDef> {
    let mut all = crate::ops::OPS.to_vec();
    for (_, list) in (ADDED.lock().unwrap_or_else(PoisonError::into_inner)).iter() {
        let own = list.iter().filter_map(|f| f.op);
        all.extend(own.filter(|op| crate::ops::find(op.name).is_none()));
    }
    all
}

/// Every function there is, overloads one after the other.
pub fn entries() -> &'static [Entry] {
    &table().entries
}

/// The overloads of a name in one of PyTorch's namespaces (`torch`, `Tensor`, `nn.functional`, `linalg`, `special`).
pub fn overloads(place: &str, name: &str) -> Vec<&'static Entry> {
    let table = table();
    let names: &HashMap<(&str, &str), Vec<usize>> = &table.names;
    names.get(&(place, name)).map_or_else(Vec::new, |list| {
        list.iter().map(|&i| &table.entries[i]).collect()
    })
}

/// Every overload listed under a name, wherever PyTorch has it.
pub fn find(name: &str) -> Vec<&'static Entry> {
    let exact: Vec<_> = (entries().iter())
        .filter(|e| e.function.name() == name)
        .collect();
    if !exact.is_empty() {
        return exact;
    }
    (entries().iter())
        .filter(|e| e.function.found_at().any(|(_, n)| n == name))
        .collect()
}

/// Calls a function by name: the first overload that takes the arguments.
///
/// # Errors
/// An unknown name; arguments that no overload takes; whatever the function reports.
pub fn call(name: &str, args: &[Value], kwargs: &[(&str, Value)]) -> Result<Value> {
    dispatch(name, &find(name), args, kwargs)
}

/// [`dispatch`] for arguments that have no names: what bindings call most of the time. They are bound where they lie, and are not to
/// be used again.
///
/// # Errors
/// As [`call`].
pub fn dispatch_plain(name: &str, overloads: &[&Entry], args: &mut Arguments) -> Result<Value> {
    let device = one_device(args)?;
    for entry in overloads {
        if entry.signature.bind_plain(args) {
            let value = entry.run(&Args::new(&entry.signature, args))?;
            return placed(name, value, device);
        }
    }
    dispatch(name, overloads, args, &[])
}

/// Errors unless floating tensors lie on one device; tensors without dimensions in memory go with all.
fn one_device(args: &[Value]) -> Result<Option<Device>> {
    let mut expected = None;
    for value in args {
        let Value::Tensor(t) = value else { continue };
        let device = t.device();
        if device == Device::Cpu && (t.ndim() == 0 || !t.dtype().is_float()) {
            continue;
        }
        match expected {
            None => expected = Some(device),
            Some(wanted) if wanted != device => {
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!("Tensor on device {device} is not on the expected device {wanted}!"),
                ));
            }
            Some(_) => {}
        }
    }
    Ok(expected)
}

/// Results that a function made of nothing lie where its tensors do; those that are asked for elsewhere stay there.
#[inline]
fn placed(name: &str, value: Value, device: Option<Device>) -> Result<Value> {
    match device {
        None | Some(Device::Cpu) => Ok(value),
        Some(_) if name.starts_with("new_") || name.ends_with("_like") => Ok(value),
        Some(device) => value.map_tensors(&mut |t| t.to_device(device)),
    }
}

/// Calls the first of several overloads that takes the arguments.
///
/// # Errors
/// As [`call`].
pub fn dispatch(
    name: &str,
    overloads: &[&Entry],
    args: &[Value],
    kwargs: &[(&str, Value)],
) -> Result<Value> {
    let device = one_device(args)?;
    let known = overloads.first().map(|entry| entry.signature.name);
    let _called = known.map(|name| pullback_array::Called::enter(name, None));
    for entry in overloads {
        if let Ok(values) = entry.signature.take(args, kwargs) {
            let value = entry.run(&Args::new(&entry.signature, &values))?;
            return placed(name, value, device);
        }
    }
    let unknown = || {
        Error::new(
            ErrorKind::Unsupported,
            format!("there is no function {name:?}"),
        )
    };
    Err(refusal(name, overloads, args, kwargs, &Written::default()).unwrap_or_else(unknown))
}

/// What is said of arguments that no overload takes, in the words of how the call was written; `None` where one takes them, or where there is none.
///
/// ```
/// use pullback::registry::{Value, Written, find, refusal};
/// let wrong = [pullback::Tensor::scalar(1.0f64).into(), Value::Float(2.0)];
/// let types = ["Tensor", "numpy.float64"].map(String::from);
/// let written = Written { name: "atan2_", before: 1, types: &types, named: &[] };
/// let said = refusal("atan2", &find("atan2"), &wrong, &[], &written).map(|e| e.to_string());
/// let wanted = "atan2_(): argument 'other' (position 1) must be Tensor, not numpy.float64";
/// assert!(said.is_some_and(|s| s.starts_with(wanted)));
/// ```
#[cold]
pub fn refusal(
    name: &str,
    overloads: &[&Entry],
    args: &[Value],
    kwargs: &[(&str, Value)],
    written: &Written<'_>,
) -> Option<Error> {
    let signatures: Vec<&Signature> = overloads.iter().map(|e| &e.signature).collect();
    match signatures.is_empty() {
        true => None,
        false => say_of_all(name, &signatures, args, kwargs, written),
    }
}
