//! What `#[derive(Module)]` writes is made of. A field that is a module is told of; one that is not is told of by a method that does nothing, found
//! only where the other is not: so the walks compile, and the field's type is the only place of an error.

use super::module::Module;
use super::visit::{Visit, VisitMut};
use crate::Result;

/// That a field's type is a module.
pub fn field<M: Module + ?Sized>() {}

/// A field, lent.
pub struct Field<T>(pub T);

/// Of what is a module.
pub trait Told {
    /// As [`Visit::field`].
    fn tell(self, name: &str, v: &mut Visit<'_>)
    where
        Self: Sized,
    {
        let _ = (name, v);
    }

    /// As [`VisitMut::field`].
    ///
    /// # Errors
    /// Those of the walk.
    fn tell_mut(self, name: &str, v: &mut VisitMut<'_>) -> Result<()>
    where
        Self: Sized,
    {
        let _ = (name, v);
        Ok(())
    }
}

impl<M: Module> Told for Field<&M> {
    fn tell(self, name: &str, v: &mut Visit<'_>) {
        v.field(name, self.0);
    }
}

impl<M: Module> Told for Field<&mut M> {
    fn tell_mut(self, name: &str, v: &mut VisitMut<'_>) -> Result<()> {
        v.field(name, self.0)
    }
}

/// Of what is none: found one reference further off.
pub trait NotTold {
    /// Nothing.
    fn tell(&self, _: &str, _: &mut Visit<'_>) {}

    /// Nothing.
    ///
    /// # Errors
    /// None.
    fn tell_mut(&self, _: &str, _: &mut VisitMut<'_>) -> Result<()> {
        Ok(())
    }
}

impl<T> NotTold for Field<T> {}
