//! What may be a field of a module: a tensor, an option, a box, a list, an array, a tuple, a map, nested as one likes.

use super::module::Module;
use super::repr::Repr;
use super::visit::{Visit, VisitMut};
use crate::{Result, Tensor};
use std::collections::{BTreeMap, HashMap};
use std::fmt::Display;

impl Module for Tensor {
    fn visit(&self, v: &mut Visit<'_>) {
        v.tensor(self);
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        v.tensor(self)
    }
    fn repr(&self) -> Option<Repr> {
        None
    }
}

/// Nothing, or what is in it.
impl<M: Module> Module for Option<M> {
    fn visit(&self, v: &mut Visit<'_>) {
        if let Some(module) = self {
            module.visit(v);
        }
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        self.as_mut().map_or(Ok(()), |module| module.visit_mut(v))
    }
    fn repr(&self) -> Option<Repr> {
        self.as_ref().and_then(M::repr)
    }
    fn place(&self) -> usize {
        self.as_ref().map_or(0, M::place)
    }
}

impl<M: Module + ?Sized> Module for Box<M> {
    fn visit(&self, v: &mut Visit<'_>) {
        (**self).visit(v);
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        (**self).visit_mut(v)
    }
    fn repr(&self) -> Option<Repr> {
        (**self).repr()
    }
    fn place(&self) -> usize {
        (**self).place()
    }
}

/// How a list is printed: not at all where it is one of tensors.
fn listed<M: Module>(items: &[M]) -> Option<Repr> {
    match items.iter().any(|m| m.repr().is_some()) {
        true => Some(Repr::list("ModuleList")),
        false => None,
    }
}

/// Named by place: `0`, `1`, …
macro_rules! list {
    ($([$($generics:tt)*] $type:ty;)*) => {$(
        impl<$($generics)*> Module for $type {
            fn visit(&self, v: &mut Visit<'_>) {
                for (i, module) in self.iter().enumerate() {
                    v.field(i, module);
                }
            }
            fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
                (self.iter_mut().enumerate()).try_for_each(|(i, module)| v.field(i, module))
            }
            fn repr(&self) -> Option<Repr> {
                listed(self)
            }
        }
    )*};
}

list! {
    [M: Module] Vec<M>;
    [M: Module, const N: usize] [M; N];
}

/// Named by key, in the order of the keys.
impl<K: Display + Ord, M: Module> Module for BTreeMap<K, M> {
    fn visit(&self, v: &mut Visit<'_>) {
        for (key, module) in self {
            v.field(key, module);
        }
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        (self.iter_mut()).try_for_each(|(key, module)| v.field(key, module))
    }
    fn repr(&self) -> Option<Repr> {
        (self.values().any(|m| m.repr().is_some())).then(|| Repr::new("ModuleDict"))
    }
}

/// Named by key, in the order of the keys: that of the map itself is another in every run.
impl<K: Display, M: Module, S> Module for HashMap<K, M, S> {
    fn visit(&self, v: &mut Visit<'_>) {
        let mut all: Vec<(String, &M)> = self.iter().map(|(k, m)| (k.to_string(), m)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        for (key, module) in all {
            v.field(key, module);
        }
    }
    fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
        let mut all: Vec<(String, &mut M)> =
            self.iter_mut().map(|(k, m)| (k.to_string(), m)).collect();
        all.sort_by(|a, b| a.0.cmp(&b.0));
        all.into_iter()
            .try_for_each(|(key, module)| v.field(key, module))
    }
    fn repr(&self) -> Option<Repr> {
        (self.values().any(|m| m.repr().is_some())).then(|| Repr::new("ModuleDict"))
    }
}

/// Named by place.
macro_rules! tuple {
    ($($($name:ident $at:tt)*;)*) => {$(
        impl<$($name: Module),*> Module for ($($name,)*) {
            fn visit(&self, v: &mut Visit<'_>) {
                $(v.field($at, &self.$at);)*
            }
            fn visit_mut(&mut self, v: &mut VisitMut<'_>) -> Result<()> {
                $(v.field($at, &mut self.$at)?;)*
                Ok(())
            }
            fn repr(&self) -> Option<Repr> {
                [$(self.$at.repr().is_some()),*].contains(&true).then(|| Repr::list("ModuleList"))
            }
        }
    )*};
}

tuple! {
    A 0;
    A 0 B 1;
    A 0 B 1 C 2;
    A 0 B 1 C 2 D 3;
    A 0 B 1 C 2 D 3 E 4;
    A 0 B 1 C 2 D 3 E 4 F 5;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6;
    A 0 B 1 C 2 D 3 E 4 F 5 G 6 H 7;
}

/// Nothing: a place that another module of the same type fills.
impl Module for () {
    fn visit(&self, _: &mut Visit<'_>) {}
    fn visit_mut(&mut self, _: &mut VisitMut<'_>) -> Result<()> {
        Ok(())
    }
    fn repr(&self) -> Option<Repr> {
        None
    }
}
