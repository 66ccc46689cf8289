//! Adding gradients up: at leaves until backward ends, into `.grad` then, and down to an input's shape.

use crate::core::address::ByAddress;
use crate::core::graph::{Leaf, Node, lock, push_in_place};
use crate::core::tensor::{Tensor, owned};
use crate::{Error, ErrorKind, Layout, MemoryFormat, Result, Shape, Shared, core::mode};
use pullback_array::kernels;
use smallvec::SmallVec;

/// Gradients gathered for leaves, in order of first arrival; added to `.grad` once each, at the end, as PyTorch does.
#[derive(Default)]
pub(super) struct Leaves<'g> {
    list: SmallVec<[(&'g Shared<Leaf>, Option<Tensor>); 8]>,
    /// Where a leaf's sum is, once there are too many to scan.
    place: ByAddress<usize>,
}

/// Leaves up to which a scan finds the sum to add to.
const SCAN: usize = 32;

impl<'g> Leaves<'g> {
    /// Adds a gradient to what is there for a leaf; gives its place in the list.
    pub(super) fn add(
        &mut self,
        leaf: &'g Shared<Leaf>,
        g: Tensor,
        create_graph: bool,
    ) -> Result<usize> {
        let at = if self.list.len() <= SCAN {
            self.list.iter().rposition(|(l, _)| Shared::ptr_eq(l, leaf))
        } else {
            if self.place.is_empty() {
                let known = self.list.iter().enumerate();
                self.place = known.map(|(i, (l, _))| (Shared::address(l), i)).collect();
            }
            self.place.get(&Shared::address(leaf)).copied()
        };
        match at {
            Some(at) => {
                let sum = &mut self.list[at].1;
                *sum = Some(match sum.take() {
                    Some(old) => accumulate(old, &g, create_graph)?,
                    None => g,
                });
                Ok(at)
            }
            None => {
                if !self.place.is_empty() {
                    self.place.insert(Shared::address(leaf), self.list.len());
                }
                push_in_place!(self.list, (leaf, Some(g)));
                Ok(self.list.len() - 1)
            }
        }
    }

    /// Takes what is gathered at a place; what arrives later starts anew.
    pub(super) fn take(&mut self, at: usize) -> Option<(&'g Shared<Leaf>, Tensor)> {
        let (leaf, g) = &mut self.list[at];
        g.take().map(|g| (*leaf, g))
    }

    /// How many leaves there are.
    pub(super) fn len(&self) -> usize {
        self.list.len()
    }
}

/// Sum of two gradients; overwrites the first where nobody else holds it.
pub(super) fn accumulate(sum: Tensor, g: &Tensor, create_graph: bool) -> Result<Tensor> {
    let quiet = !create_graph && !mode::watched();
    if quiet && owned(&sum) && sum.shape() == g.shape() && sum.dtype() == g.dtype() {
        add_assign(&sum, g)?;
        return Ok(sum);
    }
    sum.add(g)
}

fn add_assign(sum: &Tensor, g: &Tensor) -> Result<()> {
    pullback_array::dispatch!(float sum.dtype(), T => {
        sum.look(|sum| g.look(|g| kernels::zip_assign(sum, g, |a: T, b: T| a + b)))
    }, else Err(Error::new(ErrorKind::DType, "gradients are floating")))
}

/// Adds a gradient to a leaf's `.grad`: in place where a gradient without history is there already, as PyTorch does.
pub(super) fn store(leaf: &Leaf, g: Tensor, create_graph: bool) -> Result<()> {
    let mut slot = lock(&leaf.grad);
    let new = match &*slot {
        // Moved only if nobody else can see it: `a + b` sends one gradient both ways, and a seed is the caller's.
        None => {
            // A tensor that was given an array of another shape has its gradients row by row.
            let layout = (leaf.layout.as_ref()).filter(|layout| layout.shape() == g.shape());
            match layout {
                _ if owned(&g) && lies_as(&g, layout) => g,
                _ if create_graph || mode::watched() || g.is_elsewhere() => laid(&g, layout)?,
                None => Tensor::from_array(g.array().copy()?),
                Some(layout) => Tensor::from_array(g.array().copy_like(layout)?),
            }
        }
        // A gradient that has a graph keeps it, whether or not this backward records.
        Some(old) if create_graph || old.has_edge() => {
            let _on = mode::set(mode::GRAD, true);
            old.add(&g)?
        }
        Some(old) if mode::watched() || old.is_elsewhere() => return old.add_(&g),
        Some(old) => return add_assign(old, &g),
    };
    let old = slot.replace(new);
    drop(slot); // before what it replaced, which may have a graph of its own
    drop(old);
    Ok(())
}

/// Whether a gradient lies in memory as its leaf asks: row by row without a layout.
#[inline]
fn lies_as(g: &Tensor, layout: Option<&Layout>) -> bool {
    match layout {
        None => g.is_contiguous(),
        Some(layout) => g.array().layout().strides() == layout.strides(),
    }
}

/// A copy with a history that lies so.
fn laid(g: &Tensor, layout: Option<&Layout>) -> Result<Tensor> {
    let Some(layout) = layout else {
        return g.copy_in(MemoryFormat::Contiguous);
    };
    // Row by row along the dimensions from the outermost to the innermost, which are then called by their old numbers.
    let strides = layout.strides();
    let mut order: Vec<i64> = (0..layout.rank() as i64).collect();
    order.sort_by_key(|&k| std::cmp::Reverse(strides[k as usize]));
    let mut back = vec![0; order.len()];
    (0i64..)
        .zip(&order)
        .for_each(|(at, &k)| back[k as usize] = at);
    let copy = g.permute(&order)?.copy_in(MemoryFormat::Contiguous)?;
    copy.permute(&back)
}

/// A rule's gradient in the shape and dtype of input `i` of `node`: summed over the dimensions along which the operation
/// stretched the input.
///
/// # Errors
/// PyTorch's sentence where the shapes do not go together. Where the result's shape is known, a rule may only send back
/// dimensions that the result has, and with a single input only the result's shape: one that forgot its own reduction must
/// not be saved by ours.
pub(super) fn fitted(node: &Node, i: usize, g: Tensor, result: Option<&Shape>) -> Result<Tensor> {
    let input = &node.inputs[i];
    let g = if *g.shape() == input.shape {
        g
    } else {
        let alone = node.inputs.len() == 1;
        let foreign = |k: usize, n: usize| {
            result.is_some_and(|r| r.get(k) != Some(&n) || alone && r != g.shape())
        };
        match stretched(g.shape(), &input.shape) {
            Some((_, dims)) if !dims.iter().any(|&k| foreign(k, g.shape()[k])) => {
                sum_to(&g, &input.shape)?
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::Shape,
                    format!(
                        "Function {} returned an invalid gradient at index {i} - got {} but expected shape compatible with {}",
                        node.name(result.unwrap_or(&input.shape)),
                        g.shape(),
                        input.shape
                    ),
                ));
            }
        }
    };
    g.to(input.dtype)
}

/// How many leading dimensions `from` has more than `to`, and along which dimensions it is stretched (those included).
fn stretched(from: &Shape, to: &Shape) -> Option<(usize, SmallVec<[usize; 4]>)> {
    let lead = from.len().checked_sub(to.len())?;
    if !(0..to.len()).all(|k| to[k] == 1 || to[k] == from[lead + k]) {
        return None;
    }
    let dims = (0..from.len())
        .filter(|&k| k < lead || to[k - lead] == 1 && from[k] != 1)
        .collect();
    Some((lead, dims))
}

/// Sums a gradient over the dimensions along which its input was stretched.
///
/// # Errors
/// Where `shape` does not stretch to the gradient's.
pub(crate) fn sum_to(g: &Tensor, shape: &Shape) -> Result<Tensor> {
    let Some((lead, dims)) = stretched(g.shape(), shape) else {
        return Err(Error::new(
            ErrorKind::Shape,
            format!(
                "a gradient of shape {} cannot be summed to shape {shape}",
                g.shape()
            ),
        ));
    };
    if dims.is_empty() {
        return Ok(g.clone()); // an empty list of dimensions would mean all of them
    }
    let dims: Vec<i64> = dims.iter().map(|&k| k as i64).collect();
    let sum = g.sum_dims(&dims, true)?;
    if lead == 0 {
        Ok(sum)
    } else {
        sum.reshape(shape)
    }
}
