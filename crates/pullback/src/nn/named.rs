//! Tensors by name: what modules, optimisers and files hand to each other.

use crate::core::fail::bail;
use crate::{Result, Tensor};
use std::collections::HashMap;
use std::ops::Index;

/// Handles of tensors by name, in an order: that in which a module names them.
///
/// ```
/// use pullback::nn::{Linear, Module, NamedTensors};
/// let layer = Linear::new(2, 3)?;
/// let all: NamedTensors = layer.named_parameters();
/// assert_eq!(all.names().collect::<Vec<_>>(), ["weight", "bias"]);
/// assert!(all["bias"].is(&layer.bias.clone().unwrap()));
/// # Ok::<(), pullback::Error>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct NamedTensors {
    list: Vec<(String, Tensor)>,
}

impl NamedTensors {
    /// None yet.
    pub fn new() -> NamedTensors {
        NamedTensors::default()
    }

    /// Names and handles, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&str, &Tensor)> + DoubleEndedIterator {
        self.list.iter().map(|(name, tensor)| (&**name, tensor))
    }

    /// The names, in order.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &str> {
        self.list.iter().map(|(name, _)| &**name)
    }

    /// The handles, in order.
    pub fn tensors(&self) -> Vec<&Tensor> {
        self.list.iter().map(|(_, tensor)| tensor).collect()
    }

    /// How many there are.
    pub fn len(&self) -> usize {
        self.list.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.list.is_empty()
    }

    /// The tensor of a name, if there is one.
    pub fn get(&self, name: &str) -> Option<&Tensor> {
        self.list.iter().find(|(n, _)| n == name).map(|(_, t)| t)
    }

    /// Adds a tensor, or takes the place of the one that has the name.
    pub fn insert(&mut self, name: impl Into<String>, tensor: Tensor) {
        let name = name.into();
        match self.list.iter_mut().find(|(n, _)| *n == name) {
            Some((_, old)) => *old = tensor,
            None => self.list.push((name, tensor)),
        }
    }

    /// Takes a tensor out.
    pub fn remove(&mut self, name: &str) -> Option<Tensor> {
        let at = self.list.iter().position(|(n, _)| n == name)?;
        Some(self.list.remove(at).1)
    }

    /// Those for which `keep` says yes: some layers for an optimiser, say.
    #[must_use]
    pub fn filter(mut self, mut keep: impl FnMut(&str, &Tensor) -> bool) -> NamedTensors {
        self.list.retain(|(name, tensor)| keep(name, tensor));
        self
    }

    /// Those below a name, which they lose: `encoder.weight` is `weight` under `encoder`.
    #[must_use]
    pub fn under(&self, prefix: &str) -> NamedTensors {
        let below = |name: &str| {
            let rest = name.strip_prefix(prefix)?.strip_prefix('.')?;
            Some(rest.to_string())
        };
        let of = self
            .list
            .iter()
            .filter_map(|(name, t)| Some((below(name)?, t.clone())));
        of.collect()
    }

    /// All of them below a name: `weight` becomes `encoder.weight`.
    #[must_use]
    pub fn with_prefix(mut self, prefix: &str) -> NamedTensors {
        for (name, _) in &mut self.list {
            *name = format!("{prefix}.{name}");
        }
        self
    }

    /// These, and those.
    #[must_use]
    pub fn and(mut self, others: NamedTensors) -> NamedTensors {
        self.list.extend(others.list);
        self
    }

    /// Forgets all gradients.
    pub fn zero_grad(&self) {
        self.list.iter().for_each(|(_, t)| t.zero_grad());
    }

    /// Has all of them require gradients, or none: what is frozen is no parameter until then.
    ///
    /// # Errors
    /// For a tensor that cannot require gradients, with its name; those before it changed.
    pub fn requires_grad_(&self, on: bool) -> Result<()> {
        self.list.iter().try_for_each(|(name, t)| {
            t.clone()
                .requires_grad_(on)
                .map_err(|e| e.note(format!("of `{name}`")))?;
            Ok(())
        })
    }

    /// How many numbers there are in all of them.
    pub fn numel(&self) -> usize {
        self.list.iter().map(|(_, t)| t.numel()).sum()
    }

    /// Places by name, for many questions.
    ///
    /// # Errors
    /// Where two tensors have one name.
    pub(crate) fn by_name(&self) -> Result<HashMap<&str, &Tensor>> {
        let mut all = HashMap::with_capacity(self.len());
        for (name, tensor) in self.iter() {
            if all.insert(name, tensor).is_some() {
                bail!(Value, "two tensors are called `{name}`");
            }
        }
        Ok(all)
    }

    /// Adds without a look at the names that are there.
    pub(crate) fn push(&mut self, name: &str, tensor: Tensor) {
        self.list.push((name.to_string(), tensor));
    }
}

/// # Panics
/// Where there is no tensor of the name; [`NamedTensors::get`] does not.
impl Index<&str> for NamedTensors {
    type Output = Tensor;
    #[track_caller]
    fn index(&self, name: &str) -> &Tensor {
        match self.get(name) {
            Some(tensor) => tensor,
            None => panic!(
                "no tensor is called `{name}`: {:?}",
                self.names().collect::<Vec<_>>()
            ),
        }
    }
}

impl FromIterator<(String, Tensor)> for NamedTensors {
    fn from_iter<I: IntoIterator<Item = (String, Tensor)>>(all: I) -> Self {
        NamedTensors {
            list: all.into_iter().collect(),
        }
    }
}

impl<'a> FromIterator<(&'a str, Tensor)> for NamedTensors {
    fn from_iter<I: IntoIterator<Item = (&'a str, Tensor)>>(all: I) -> Self {
        all.into_iter().map(|(n, t)| (n.to_string(), t)).collect()
    }
}

impl Extend<(String, Tensor)> for NamedTensors {
    fn extend<I: IntoIterator<Item = (String, Tensor)>>(&mut self, all: I) {
        self.list.extend(all);
    }
}

impl IntoIterator for NamedTensors {
    type Item = (String, Tensor);
    type IntoIter = std::vec::IntoIter<(String, Tensor)>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.into_iter()
    }
}

impl<'a> IntoIterator for &'a NamedTensors {
    type Item = &'a (String, Tensor);
    type IntoIter = std::slice::Iter<'a, (String, Tensor)>;
    fn into_iter(self) -> Self::IntoIter {
        self.list.iter()
    }
}
