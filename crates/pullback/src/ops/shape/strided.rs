//! The memory of a tensor under other sizes, strides or another dtype: `as_strided`, `as_strided_scatter`, `view_dtype`.
//!
//! Two layouts over one memory say which elements coincide, so gradients are those of an in-place write turned round:
//! see `core/structural/overlay.rs`.

use crate::core::apply::apply;
use crate::core::batch::{Batch, Batched};
use crate::core::define::{common, define};
use crate::core::fail::{bail, ensure, error};
use crate::core::op::{Ctx, Op};
use crate::core::rules;
use crate::core::structural::{Overlay, Uncover};
use crate::core::tensor::Tensor;
use crate::ops::Sizes;
use crate::{Array, DType, Error, Layout, Result, Shape};
use pullback_array::kernels;
use std::panic::Location;

#[cfg(feature = "proof")]
use crate::core::samples::Sample;

/// The elements of a tensor's memory at other places.
#[derive(Clone, Debug)]
pub struct AsStrided {
    /// Where the tensor's elements lie.
    pub old: Layout,
    /// Where the result's do.
    pub new: Layout,
}
define! { AsStrided: Linear "as_strided", "torch.as_strided", view: true;
    summary: "The memory of a tensor under other sizes, strides and another first place.";
    formula: "the element at offset + Σ iₖ strideₖ";
    derivative: "g added up at the places it was read from";
    proof: { samples: || {
        let at = |a: (&[usize], &[f64]), old: (&[isize], usize), new: (&[usize], &[isize], usize)| {
            let layout = |shape: &[usize], strides: &[isize], offset: usize| Layout::new(Shape::new(shape), strides, offset);
            Sample::new(AsStrided { old: layout(a.0, old.0, old.1), new: layout(new.0, new.1, new.2) }, &[a])
        };
        vec![
            at((&[4], &[1.0, 2.0, 3.0, 4.0]), (&[1], 0), (&[2], &[1], 1)),
            at((&[4], &[1.0, 2.0, 3.0, 4.0]), (&[1], 0), (&[2, 3], &[1, 1], 0)),
            at((&[2, 2], &[1.0, 2.0, 3.0, 4.0]), (&[1, 2], 0), (&[2], &[2], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[1], 0), (&[2, 2], &[0, 1], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[1], 0), (&[], &[], 1)),
            at((&[3], &[1.0, 2.0, 3.0]), (&[1], 0), (&[0], &[1], 0)),
            at((&[0], &[]), (&[1], 0), (&[0, 2], &[2, 1], 0)),
        ]
    } }
}

impl Op for AsStrided {
    common!();
    fn batched(&self, batch: &Batch<'_>) -> Batched {
        let [old, new] = batch.layouts([&self.old, &self.new])?;
        batch.apply(&AsStrided { old, new }, &[batch.get(0)])
    }
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        if *x[0].layout() == self.old
            && let Ok(view) = x[0].view(self.new.clone())
        {
            return Ok(view);
        }
        // Numbers that lie elsewhere than those that were seen: in a replay, or a tangent.
        let places = Overlay {
            old: self.new.clone(),
            new: self.old.clone(),
        };
        let index = places.map()?;
        if index.contains(&-1) {
            return Err(error!(Unsupported, "as_strided read memory that is not the tensor's own, which only the tensor itself has")
            .help("apply it to the tensor whose memory it is, and not to a view of a part of it"));
        }
        kernels::take(x[0], &Array::from_slice(&index, self.new.shape())?)
    }
}

impl rules::Linear for AsStrided {
    fn vjp(&self, cx: &Ctx<'_>, _: usize, g: &Tensor) -> Result<Tensor> {
        let (new, site) = (&self.new, cx.site());
        // Elements that stand for one many times are added up before places are looked for: they may be any number.
        let dims: Vec<i64> = (new.shape().iter().zip(new.strides().iter()).enumerate())
            .filter(|(_, (n, s))| **n > 1 && **s == 0)
            .map(|(k, _)| k as i64)
            .collect();
        let g = match dims.is_empty() {
            true => g.clone(),
            false => g.sum_dims(&dims, true)?,
        };
        let (old, new) = (new.once(), self.old.clone());
        apply(Uncover { old, new }, &[&g], site)
    }
}

/// The same bytes as elements of another dtype.
#[derive(Clone, Debug)]
pub struct ViewDtype {
    /// The dtype.
    pub dtype: DType,
}
define! { ViewDtype: Cut "view_dtype", "torch.Tensor.view";
    summary: "The same memory as elements of another dtype.";
    formula: "the bytes of x";
    derivative: "none: bytes are no numbers";
    proof: { samples: || {
        // Integers: in another width a floating element has other bytes.
        let at = |from, dtype, shape: &[usize], x: &[f64]| Sample::mixed(ViewDtype { dtype }, vec![(shape.to_vec(), x.to_vec(), from)]);
        vec![
            at(DType::U8, DType::Bool, &[3], &[1.0, 0.0, 1.0]),
            at(DType::I64, DType::I64, &[], &[7.0]),
            at(DType::I32, DType::I32, &[2, 2], &[0.0, -1.0, 5.0, 9.0]),
            at(DType::Bool, DType::U8, &[0, 3], &[]),
        ]
    } }
}

impl Op for ViewDtype {
    common!(native, stacked);
    fn eval(&self, x: &[&Array]) -> Result<Array> {
        let (from, to) = (x[0].dtype(), self.dtype);
        let (size, wanted, layout) = (from.size(), to.size(), x[0].layout());
        if size == wanted {
            return x[0].reinterpret(to, layout.clone());
        }
        let different = |what: String| {
            let (from, to) = (from.scalar_type_name(), to.scalar_type_name());
            Err(error!(
                Shape,
                "self.{what} to view {from} as {to} (different element sizes)"
            ))
        };
        let mut strides = layout.strides();
        let (Some(&last), Some(&n)) = (strides.last(), x[0].shape().last()) else {
            return different("dim() cannot be 0".into());
        };
        ensure!(
            last == 1,
            Shape,
            "self.stride(-1) must be 1 to view {} as {} (different element sizes), but got {last}",
            from.scalar_type_name(),
            to.scalar_type_name()
        );
        let (mut sizes, rank) = (x[0].shape().to_vec(), strides.len());
        let offset = if size > wanted {
            let times = size / wanted;
            let more = |n: usize| n.checked_mul(times).ok_or_else(too_large);
            sizes[rank - 1] = more(n)?;
            for s in &mut strides[..rank - 1] {
                *s = s.saturating_mul(times as isize);
            }
            more(layout.offset())?
        } else {
            let parts = wanted / size;
            let whole = |value: i64, what: &str| match value.rem_euclid(parts as i64) {
                0 => Ok(()),
                _ => Err(error!(
                    Shape,
                    "self.{what} must be divisible by {parts} to view {} as {} (different element sizes), but got {value}",
                    from.scalar_type_name(),
                    to.scalar_type_name()
                )),
            };
            whole(n as i64, "size(-1)")?;
            whole(layout.offset() as i64, "storage_offset()")?;
            for (k, s) in strides[..rank - 1].iter_mut().enumerate() {
                whole(*s as i64, &format!("stride({k})"))?;
                *s /= parts as isize;
            }
            sizes[rank - 1] = n / parts;
            layout.offset() / parts
        };
        let layout = Layout::new(sizes.into(), &strides, offset);
        x[0].reinterpret(to, layout)
    }
}

fn too_large() -> Error {
    error!(Shape, "the view has more elements than can be counted")
}

/// The layout that was asked for, in PyTorch's sentences where there is none.
fn layout_of(x: &Tensor, sizes: &[i64], strides: &[i64], offset: Option<i64>) -> Result<Layout> {
    ensure!(
        sizes.len() == strides.len(),
        Shape,
        "mismatch in length of strides and shape"
    );
    if strides.iter().any(|&s| s < 0) {
        bail!(
            Shape,
            "as_strided: Negative strides are not supported at the moment, got strides: {strides:?}"
        );
    }
    if sizes.iter().any(|&n| n < 0) {
        bail!(
            Shape,
            "Storage size calculation overflowed with sizes={sizes:?} and strides={strides:?}"
        );
    }
    let array = x.array();
    let start = match offset {
        None => array.layout().offset(),
        Some(n) => match usize::try_from(n) {
            Ok(n) => n,
            Err(_) => bail!(Shape, "Tensor: invalid storage offset {n}"),
        },
    };
    let shape: Shape = sizes.iter().map(|&n| n as usize).collect();
    shape.checked_numel()?;
    let steps: Vec<isize> = strides.iter().map(|&s| s as isize).collect();
    let layout = Layout::new(shape, &steps, start);
    let item = array.dtype().size();
    if let Some((_, high)) = layout.extent() {
        let bytes = (high as u128 + 1) * item as u128;
        if bytes > array.storage().bytes() as u128 {
            bail!(
                Shape,
                "setStorage: sizes {sizes:?}, strides {strides:?}, storage offset {start}, and itemsize {item} requiring a storage size of {bytes} are out of bounds for storage of size {}",
                array.storage().bytes()
            );
        }
    }
    Ok(layout)
}

#[pullback_macros::called]
impl Tensor {
    /// The memory of this tensor under other sizes and strides (in elements), from another first place, which is this tensor's where none
    /// is given. A view: writes go both ways, and places that are read several times gather their gradients. PyTorch's `as_strided`.
    ///
    /// # Errors
    /// Where sizes and strides are not equally many, one is negative, or the memory ends before the view.
    ///
    /// ```
    /// # use pullback::Tensor;
    /// let x = Tensor::arange(5)?;
    /// let windows = x.as_strided(&[3, 2], &[1, 1], None)?;
    /// assert_eq!(windows.to_vec::<i64>()?, [0, 1, 1, 2, 2, 3]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn as_strided(
        &self,
        sizes: impl Into<Sizes>,
        strides: impl Into<Sizes>,
        offset: Option<i64>,
    ) -> Result<Tensor> {
        let sizes = sizes.into();
        let sizes = &sizes.0[..];
        let strides = strides.into();
        let strides = &strides.0[..];
        let site = Location::caller();
        let new = layout_of(self, sizes, strides, offset)?;
        let old = self.array().layout().clone();
        apply(AsStrided { old, new }, &[self], site)
    }

    /// A copy of this tensor with the elements that [`as_strided`](Tensor::as_strided) would show replaced by those of `src`. PyTorch's
    /// `as_strided_scatter`.
    ///
    /// # Errors
    /// As [`Tensor::as_strided`]; where `src` has another shape.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let x = Tensor::zeros([4], DType::F32)?;
    /// let y = x.as_strided_scatter(&Tensor::ones([2], DType::F32)?, &[2], &[2], Some(1))?;
    /// assert_eq!(y.to_vec::<f32>()?, [0.0, 1.0, 0.0, 1.0]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn as_strided_scatter(
        &self,
        src: &Tensor,
        sizes: impl Into<Sizes>,
        strides: impl Into<Sizes>,
        offset: Option<i64>,
    ) -> Result<Tensor> {
        let sizes = sizes.into();
        let sizes = &sizes.0[..];
        let strides = strides.into();
        let strides = &strides.0[..];
        let site = Location::caller();
        let new = layout_of(self, sizes, strides, offset)?;
        ensure!(
            src.shape() == new.shape(),
            Shape,
            "expected src to have a size equal to the slice of self. src size = {:?}, slice size = {sizes:?}",
            &src.shape()[..]
        );
        let old = self.array().layout().clone();
        let src = src.to(self.dtype())?;
        apply(Overlay { old, new }, &[self, &src], site)
    }

    /// The same memory as elements of another dtype, without history: a float32 is one int32, or four uint8 in the last dimension.
    /// PyTorch's `view(dtype)`.
    ///
    /// # Errors
    /// Where the elements' sizes differ and the last dimension cannot be divided, or its elements are no neighbours.
    ///
    /// ```
    /// # use pullback::{DType, Tensor};
    /// let bits = Tensor::ones([1], DType::F32)?.view_dtype(DType::I32)?;
    /// assert_eq!(bits.to_vec::<i32>()?, [0x3f80_0000]);
    /// # Ok::<(), pullback::Error>(())
    /// ```
    #[track_caller]
    pub fn view_dtype(&self, dtype: DType) -> Result<Tensor> {
        apply(ViewDtype { dtype }, &[self], Location::caller())
    }
}
