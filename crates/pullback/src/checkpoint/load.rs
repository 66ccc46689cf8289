//! A file taken back: looked at whole, then given to part after part, and undone where a part refuses.

use super::part::Part;
use super::{FORMAT, RANDOM, VERSION, of_part};
use crate::core::fail::{bail, ensure, error};
use crate::core::{in_place, mode};
use crate::io::safetensors::SafeTensors;
use crate::nn::NamedTensors;
use crate::random::torch::Generator;
use crate::{Error, ErrorKind, Result, no_grad, random};
use std::collections::HashMap;

/// The text of a note.
fn note<'a>(file: &'a SafeTensors, name: &str) -> Option<&'a str> {
    let found = file.metadata.iter().find(|(n, _)| n == name);
    found.map(|(_, text)| &**text)
}

/// The tensors of each part of a file, in one walk.
fn by_part(file: &SafeTensors) -> Result<HashMap<&str, NamedTensors>> {
    let mut all: HashMap<&str, NamedTensors> = HashMap::new();
    for (name, t) in file.tensors.iter() {
        let Some((part, rest)) = name.split_once('.') else {
            bail!(Io, "the tensor `{name}` is of no part");
        };
        all.entry(part).or_default().push(rest, t.clone());
    }
    Ok(all)
}

/// Whether the file is a checkpoint of these parts, and what each finds in it.
fn checked(parts: &[(String, Part<'_>)], file: &SafeTensors) -> Result<Vec<NamedTensors>> {
    ensure!(
        note(file, "format") == Some(FORMAT),
        Io,
        "the file is no checkpoint: its notes do not say `format` `{FORMAT}`"
    );
    let version = note(file, "version").unwrap_or("none");
    ensure!(
        version == VERSION,
        Unsupported,
        "the checkpoint is of version {version}, and this library reads version {VERSION}"
    );
    let listed =
        note(file, "parts").ok_or_else(|| error!(Io, "the file does not list its parts"))?;
    let there: Vec<&str> = listed.split(',').filter(|n| !n.is_empty()).collect();
    let own: Vec<&str> = parts.iter().map(|(name, _)| &**name).collect();
    let other = |a: &[&str], b: &[&str]| -> Vec<String> {
        let only = a.iter().filter(|n| !b.contains(n));
        only.map(|n| format!("`{n}`")).collect()
    };
    let (missing, extra) = (other(&own, &there), other(&there, &own));
    ensure!(
        missing.is_empty(),
        Argument,
        "the checkpoint has no part {}: it has `{listed}`",
        missing.join(", ")
    );
    ensure!(
        extra.is_empty(),
        Argument,
        "the checkpoint has a part {} that is not asked for",
        extra.join(", ")
    );
    let mut found = by_part(file)?;
    let mut states = Vec::new();
    for (name, part) in parts {
        let state = found.remove(&**name).unwrap_or_default();
        if let Part::Module(_) = part {
            fits(&part.state()?, &state).map_err(|e| of_part(name, e))?;
        }
        states.push(state);
    }
    found.remove(RANDOM);
    if let Some(name) = found.keys().next() {
        bail!(
            Io,
            "the file has tensors of `{name}`, which is no part of it"
        );
    }
    Ok(states)
}

/// Whether a state has the names, shapes and dtypes of a model: all that does not fit is told at once.
fn fits(own: &NamedTensors, state: &NamedTensors) -> Result<()> {
    let _guard = no_grad();
    let flags = mode::flags();
    let (known, given) = (own.by_name()?, state.by_name()?);
    let mut wrong = Vec::new();
    for (name, t) in own.iter() {
        match given.get(name) {
            None => wrong.push(format!("Missing key \"{name}\"")),
            Some(from) if from.shape() != t.shape() => wrong.push(format!(
                "size mismatch for {name}: copying a param with shape {} from checkpoint, the shape in current model is {}.",
                from.shape(),
                t.shape()
            )),
            Some(from) if from.dtype() != t.dtype() => wrong.push(format!(
                "dtype mismatch for {name}: {} in the checkpoint, {} in current model",
                from.dtype(),
                t.dtype()
            )),
            Some(_) => {
                if let Err(e) = in_place::writable(t, false, flags) {
                    wrong.push(format!("{name} cannot be written: {}", e.message()));
                }
            }
        }
    }
    let extra = state.names().filter(|name| !known.contains_key(name));
    wrong.extend(extra.map(|name| format!("Unexpected key \"{name}\"")));
    match wrong.is_empty() {
        true => Ok(()),
        false => Err(Error::new(ErrorKind::Argument, wrong.join("\n\t"))),
    }
}

/// The default generator as the file has it.
fn default_of(file: &SafeTensors) -> Result<Generator> {
    let name = format!("{RANDOM}.torch");
    let state =
        (file.tensors.get(&name)).ok_or_else(|| error!(Io, "the checkpoint has no `{name}`"))?;
    let mut generator = Generator::new();
    (generator.set_state(&state.to_vec::<u8>()?))
        .map_err(|e| Error::from(e).note(format!("of `{name}`")))?;
    Ok(generator)
}

/// Has parts be what a file says.
pub(super) fn load(parts: &mut [(String, Part<'_>)], file: &SafeTensors) -> Result<()> {
    let states = checked(parts, file)?;
    let default = default_of(file)?;
    let mut order: Vec<usize> = (0..parts.len()).collect();
    // The last one is not copied, so it is a model, and an optimiser is next to last: one that has not stepped has nothing to copy.
    order.sort_by_key(|&i| match parts[i].1 {
        Part::Module(_) => 2,
        Part::Optimizer(_) => 1,
        _ => 0,
    });
    let default = random::try_draw(|g| std::mem::replace(g, default))?;
    let mut before: Vec<(usize, NamedTensors)> = Vec::new();
    for (k, &i) in order.iter().enumerate() {
        let (name, part) = &mut parts[i];
        // These are as they were where they refuse; parts of several parts, and those of the user, may not be.
        let whole = matches!(part, Part::Module(_) | Part::Optimizer(_) | Part::Loader(_));
        let done = match whole && k + 1 == order.len() {
            true => part.load(&states[i]),
            false => part.copied().and_then(|old| {
                before.push((i, old));
                part.load(&states[i])
            }),
        };
        if let Err(e) = done {
            let e = of_part(name, e);
            random::try_draw(|g| *g = default)?;
            return Err(undone(parts, before, e));
        }
    }
    Ok(())
}

/// Gives parts what they had; the error that was the reason says so where that fails.
fn undone(parts: &mut [(String, Part<'_>)], before: Vec<(usize, NamedTensors)>, e: Error) -> Error {
    before.into_iter().rev().fold(e, |e, (i, old)| {
        let (name, part) = &mut parts[i];
        match part.load(&old) {
            Ok(()) => e,
            Err(again) => e.note(format!(
                "and the part `{name}` could not be put back: {again}"
            )),
        }
    })
}
