//! Samples as one batch: PyTorch's `default_collate`.

use crate::{Result, Tensor, stack};

/// What batches can be made of.
pub trait Collate: Sized {
    /// What many of them are together.
    type Batch;

    /// Makes one batch of samples.
    ///
    /// # Errors
    /// For samples of different shapes, and none.
    fn collate(samples: Vec<Self>) -> Result<Self::Batch>;
}

/// Tensors become one of a dimension more.
impl Collate for Tensor {
    type Batch = Tensor;
    fn collate(samples: Vec<Tensor>) -> Result<Tensor> {
        stack(&samples.iter().collect::<Vec<_>>(), 0)
    }
}

macro_rules! numbers {
    ($($type:ty)*) => {$(
        /// Numbers become a tensor of one dimension.
        impl Collate for $type {
            type Batch = Tensor;
            fn collate(samples: Vec<$type>) -> Result<Tensor> {
                Tensor::from_slice(&samples, [samples.len()])
            }
        }
    )*};
}

numbers! { bool u8 i8 i16 i32 i64 f32 f64 }

/// Counts become a tensor of int64.
impl Collate for usize {
    type Batch = Tensor;
    fn collate(samples: Vec<usize>) -> Result<Tensor> {
        let all: Vec<i64> = samples.iter().map(|&n| n as i64).collect();
        Tensor::from_slice(&all, [all.len()])
    }
}

/// Texts stay a list.
impl Collate for String {
    type Batch = Vec<String>;
    fn collate(samples: Vec<String>) -> Result<Vec<String>> {
        Ok(samples)
    }
}

/// Each place by itself.
impl<T: Collate, const N: usize> Collate for [T; N] {
    type Batch = [T::Batch; N];
    fn collate(samples: Vec<[T; N]>) -> Result<[T::Batch; N]> {
        let mut columns: [Vec<T>; N] = std::array::from_fn(|_| Vec::with_capacity(samples.len()));
        for sample in samples {
            for (column, value) in columns.iter_mut().zip(sample) {
                column.push(value);
            }
        }
        let mut made = Vec::with_capacity(N);
        for column in columns {
            made.push(T::collate(column)?);
        }
        Ok(made
            .try_into()
            .unwrap_or_else(|_| unreachable!("as many as columns")))
    }
}

macro_rules! tuples {
    ($($($name:ident $column:ident)*;)*) => {$(
        /// Each place by itself.
        impl<$($name: Collate),*> Collate for ($($name,)*) {
            type Batch = ($($name::Batch,)*);
            fn collate(samples: Vec<Self>) -> Result<Self::Batch> {
                $(let mut $column = Vec::with_capacity(samples.len());)*
                #[allow(non_snake_case)]
                for ($($name,)*) in samples {
                    $($column.push($name);)*
                }
                Ok(($($name::collate($column)?,)*))
            }
        }
    )*};
}

tuples! {
    A a;
    A a B b;
    A a B b C c;
    A a B b C c D d;
}
