//! What an optimiser keeps, as tensors by name: `state.NAME.exp_avg` beside the parameter's name, and `param_groups.0.lr` for options.
//!
//! Numbers of a parameter are float32, as in PyTorch's states; options are float64, none, one or several.

use super::algorithm::Algorithm;
use super::optimizer::{Group, Kept, Slot};
use super::options::Settings;
use crate::core::fail::{bail, ensure, error};
use crate::nn::NamedTensors;
use crate::{DType, Error, ErrorKind, Result, Tensor};
use pullback_array::kernels;
use std::collections::{HashMap, HashSet};

/// The state of these groups.
///
/// # Errors
/// Where the memory is not to be had.
pub(super) fn of<A: Algorithm>(groups: &[Group<A>]) -> Result<NamedTensors> {
    let mut all = Vec::new();
    for slot in groups.iter().flat_map(|g| &g.slots) {
        let Some(kept) = &slot.kept else { continue };
        let options = &groups[0].options;
        for (name, &x) in options.numbers().iter().zip(&kept.numbers) {
            all.push((place(slot, name), Tensor::scalar(x as f32)));
        }
        for (name, array) in kept.names.iter().zip(&kept.arrays) {
            all.push((
                place(slot, name),
                Tensor::from_array(array.copy_as_it_lies()?),
            ));
        }
    }
    for (i, group) in groups.iter().enumerate() {
        put_options(i, &group.options, group.initial_lr, &mut all)?;
    }
    Ok(all.into_iter().collect())
}

/// The name of what is kept of a parameter.
fn place(slot: &Slot, name: &str) -> String {
    format!("state.{}.{name}", slot.name)
}

/// The options of a group, and the rate its first schedule began with, behind the rest.
///
/// # Errors
/// Where the memory is not to be had.
pub(super) fn put_options(
    i: usize,
    options: &impl Settings,
    initial_lr: Option<f64>,
    all: &mut Vec<(String, Tensor)>,
) -> Result<()> {
    let initial = initial_lr.map(|lr| ("initial_lr", vec![lr]));
    for (name, numbers) in options.settings().into_iter().chain(initial) {
        let value = Tensor::from_slice(&numbers, [numbers.len()])?;
        all.push((format!("param_groups.{i}.{name}"), value));
    }
    Ok(())
}

/// A state while it is read: which of its tensors had a use.
pub(super) struct Reading<'a> {
    all: HashMap<&'a str, &'a Tensor>,
    used: HashSet<String>,
}

impl<'a> Reading<'a> {
    /// # Errors
    /// Where two tensors have one name.
    pub(super) fn new(state: &'a NamedTensors) -> Result<Reading<'a>> {
        Ok(Reading {
            all: state.by_name()?,
            used: HashSet::new(),
        })
    }

    /// The tensor of a name, if it is there.
    pub(super) fn get(&mut self, name: &str) -> Option<&'a Tensor> {
        let found = self.all.get(name).copied();
        if found.is_some() {
            self.used.insert(name.into());
        }
        found
    }

    /// The tensor of a name.
    ///
    /// # Errors
    /// Where it is missing.
    pub(super) fn need(&mut self, name: &str) -> Result<&'a Tensor> {
        self.get(name)
            .ok_or_else(|| error!(Argument, "Missing key(s) in state_dict: \"{name}\". "))
    }

    /// One number.
    ///
    /// # Errors
    /// Where it is missing, or several.
    pub(super) fn number(&mut self, name: &str) -> Result<f64> {
        let t = self.need(name)?;
        t.item_f64().map_err(|e| e.note(format!("of `{name}`")))
    }

    /// Takes a group's options; gives the rate its first schedule began with.
    ///
    /// # Errors
    /// Where one is missing, or no value of it.
    pub(super) fn options(&mut self, i: usize, options: &mut impl Settings) -> Result<Option<f64>> {
        for (name, _) in options.settings() {
            let key = format!("param_groups.{i}.{name}");
            let numbers = self.need(&key)?.to_f64_vec()?;
            if options.set(name, &numbers).is_none() {
                bail!(
                    Value,
                    "`{key}` holds {numbers:?}, which is no value of {name}"
                );
            }
        }
        let key = format!("param_groups.{i}.initial_lr");
        self.get(&key).map(Tensor::item_f64).transpose()
    }

    /// Errors where something had no use.
    ///
    /// # Errors
    /// With the names.
    pub(super) fn end(self) -> Result<()> {
        let groups = self
            .all
            .keys()
            .filter(|k| k.starts_with("param_groups.") && !self.used.contains(**k));
        ensure!(
            groups.count() == 0,
            Value,
            "loaded state dict has a different number of parameter groups"
        );
        let mut extra: Vec<String> = (self.all.keys())
            .filter(|k| !self.used.contains(**k))
            .map(|k| format!("\"{k}\""))
            .collect();
        extra.sort();
        ensure!(
            extra.is_empty(),
            Argument,
            "Unexpected key(s) in state_dict: {}. ",
            extra.join(", ")
        );
        Ok(())
    }
}

/// Takes a state back.
///
/// # Errors
/// What does not fit, by name; nothing changed then.
pub(super) fn load<A: Algorithm>(groups: &mut [Group<A>], state: &NamedTensors) -> Result<()> {
    let mut reading = Reading::new(state)?;
    let mut new = Vec::new();
    for (i, group) in groups.iter().enumerate() {
        let mut options = group.options.clone();
        let initial = reading.options(i, &mut options)?;
        options.check()?;
        let kept = (group.slots.iter())
            .map(|slot| kept_of(slot, &options, &mut reading))
            .collect::<Result<Vec<_>>>()?;
        new.push((options, initial, kept));
    }
    reading.end()?;
    for (group, (options, initial, kept)) in groups.iter_mut().zip(new) {
        (group.options, group.initial_lr) = (options, initial);
        for (slot, kept) in group.slots.iter_mut().zip(kept) {
            slot.kept = kept;
        }
    }
    Ok(())
}

/// What a state says of a parameter; none where it says nothing.
fn kept_of<A: Algorithm>(
    slot: &Slot,
    options: &A,
    reading: &mut Reading<'_>,
) -> Result<Option<Kept>> {
    let param = slot.param.array();
    let arrays = options.arrays(param.rank());
    let mut names = options.numbers().iter().chain(arrays);
    if !names.any(|name| reading.get(&place(slot, name)).is_some()) {
        return Ok(None);
    }
    let mut kept = Kept::new(options, &param)?;
    for (x, name) in kept.numbers.iter_mut().zip(options.numbers()) {
        *x = reading.number(&place(slot, name))?;
    }
    for (array, name) in kept.arrays.iter().zip(arrays) {
        let key = place(slot, name);
        let from = reading.need(&key)?;
        if from.shape() != array.shape() {
            return Err(Error::new(
                ErrorKind::Shape,
                format!(
                    "size mismatch for {key}: copying a param with shape {} from checkpoint, the shape in current model is {}.",
                    from.shape(),
                    array.shape()
                ),
            ));
        }
        let of = |e: Error| e.note(format!("of `{key}`"));
        ensure!(
            from.dtype() != DType::Bool,
            DType,
            "`{key}` holds truths and no numbers"
        );
        kernels::assign(array, &from.array()).map_err(of)?;
    }
    Ok(Some(kept))
}
