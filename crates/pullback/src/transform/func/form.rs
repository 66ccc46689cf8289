//! What functions are given and give: one tensor, several, or tensors by name. Derivatives have the form of what they are by, so nobody takes them out of a
//! list.

use crate::core::tensor::Tensor;
use crate::{Error, ErrorKind, Result};

/// A form in which tensors go in and out: one `Tensor`, an array, a `Vec`, or [`NamedTensors`](crate::nn::NamedTensors).
pub trait Tensors: Sized {
    /// A tensor for every two of them, which is what second derivatives are: a `Tensor` of a `Tensor`, an array of arrays, a `Vec` of `Vec`s, a
    /// [`Hessian`](crate::nn::Hessian) by names.
    type Pairs;

    /// All of them, in order.
    fn tensors(&self) -> Vec<&Tensor>;

    /// Others in the same form.
    ///
    /// # Errors
    /// Where there are not as many.
    fn with(&self, others: Vec<Tensor>) -> Result<Self>;

    /// A tensor for every two of them.
    ///
    /// # Errors
    /// Where there are not as many.
    fn pairs(&self, rows: Vec<Vec<Tensor>>) -> Result<Self::Pairs>;
}

/// What a function of [`func`](crate::func) is given: `&x`, `[&a, &b]`, `&[&a, &b][..]`, or what another such function was given. The closure gets its own handles in the
/// same form, so that `|[a, b]|` takes an array apart.
pub trait Inputs {
    /// The form: of what the closure gets, and of the derivatives.
    type Own: Tensors;

    /// The tensors, in order.
    fn tensors(&self) -> Vec<&Tensor>;

    /// Others in the same form.
    ///
    /// # Errors
    /// Where there are not as many.
    fn own(&self, others: Vec<Tensor>) -> Result<Self::Own>;
}

/// An array of exactly `N`.
fn exactly<T, const N: usize>(all: Vec<T>) -> Result<[T; N]> {
    all.try_into().map_err(|all: Vec<T>| count(all.len(), N))
}

fn count(found: usize, wanted: usize) -> Error {
    let text = format!("{found} tensors in the place of {wanted}");
    Error::new(ErrorKind::Value, text)
}

impl Tensors for Tensor {
    type Pairs = Tensor;
    fn tensors(&self) -> Vec<&Tensor> {
        vec![self]
    }
    fn with(&self, others: Vec<Tensor>) -> Result<Tensor> {
        exactly(others).map(|[one]| one)
    }
    fn pairs(&self, rows: Vec<Vec<Tensor>>) -> Result<Tensor> {
        exactly(rows).and_then(|[row]| self.with(row))
    }
}

impl<const N: usize> Tensors for [Tensor; N] {
    type Pairs = [[Tensor; N]; N];
    fn tensors(&self) -> Vec<&Tensor> {
        self.iter().collect()
    }
    fn with(&self, others: Vec<Tensor>) -> Result<[Tensor; N]> {
        exactly(others)
    }
    fn pairs(&self, rows: Vec<Vec<Tensor>>) -> Result<[[Tensor; N]; N]> {
        exactly(rows.into_iter().map(exactly).collect::<Result<Vec<_>>>()?)
    }
}

impl Tensors for Vec<Tensor> {
    type Pairs = Vec<Vec<Tensor>>;
    fn tensors(&self) -> Vec<&Tensor> {
        self.iter().collect()
    }
    fn with(&self, others: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(others)
    }
    fn pairs(&self, rows: Vec<Vec<Tensor>>) -> Result<Vec<Vec<Tensor>>> {
        Ok(rows)
    }
}

impl<T: Tensors> Inputs for &T {
    type Own = T;
    fn tensors(&self) -> Vec<&Tensor> {
        T::tensors(self)
    }
    fn own(&self, others: Vec<Tensor>) -> Result<T> {
        self.with(others)
    }
}

impl<const N: usize> Inputs for [&Tensor; N] {
    type Own = [Tensor; N];
    fn tensors(&self) -> Vec<&Tensor> {
        self.to_vec()
    }
    fn own(&self, others: Vec<Tensor>) -> Result<[Tensor; N]> {
        exactly(others)
    }
}

impl<const N: usize> Inputs for &[&Tensor; N] {
    type Own = [Tensor; N];
    fn tensors(&self) -> Vec<&Tensor> {
        self.to_vec()
    }
    fn own(&self, others: Vec<Tensor>) -> Result<[Tensor; N]> {
        exactly(others)
    }
}

impl Inputs for &[&Tensor] {
    type Own = Vec<Tensor>;
    fn tensors(&self) -> Vec<&Tensor> {
        self.to_vec()
    }
    fn own(&self, others: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(others)
    }
}

impl Inputs for &Vec<&Tensor> {
    type Own = Vec<Tensor>;
    fn tensors(&self) -> Vec<&Tensor> {
        self.to_vec()
    }
    fn own(&self, others: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(others)
    }
}

impl Inputs for &[Tensor] {
    type Own = Vec<Tensor>;
    fn tensors(&self) -> Vec<&Tensor> {
        self.iter().collect()
    }
    fn own(&self, others: Vec<Tensor>) -> Result<Vec<Tensor>> {
        Ok(others)
    }
}
