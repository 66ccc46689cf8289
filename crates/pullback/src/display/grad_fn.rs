//! The name PyTorch's autograd node has where this library has a node of its own.
//!
//! By default the operation's name in camel case and `Backward0`. The exceptions stand in [`exception`]: operations of
//! which PyTorch has variants (numbered) and those that it composes of others, in which case its node is the last
//! one's. What was asked for is not always known here: `reshape`, `squeeze` and `unsqueeze` are one operation, and so
//! are `t`, `transpose` and `permute`; the commonest spelling is named. Functions called by name (`functions/`) say what
//! PyTorch calls them, and give their nodes that name.

use crate::core::graph::{Edge, Input, Node};
use crate::{Shape, Tensor};
use std::borrow::Cow;
use std::sync::atomic::Ordering;
use std::sync::{PoisonError, RwLock};

/// Names given to nodes, so that a node holds two bytes of one: number `n` is at `n - 1`.
static ALIASES: RwLock<Vec<Cow<'static, str>>> = RwLock::new(Vec::new());

/// The number of a name, its own from now on.
fn number(name: Cow<'static, str>) -> u16 {
    let find = |list: &[Cow<'static, str>]| list.iter().position(|n| *n == name);
    let known = find(&ALIASES.read().unwrap_or_else(PoisonError::into_inner));
    let at = known.unwrap_or_else(|| {
        let mut list = ALIASES.write().unwrap_or_else(PoisonError::into_inner);
        find(&list).unwrap_or_else(|| {
            list.push(name.clone());
            list.len() - 1
        })
    });
    // Names are written in the source; there are some hundred.
    u16::try_from(at + 1).unwrap_or(0)
}

#[cfg_attr(not(feature = "functions"), allow(dead_code))]
impl Tensor {
    /// Calls the node that made this tensor `name`, unless it made one of `others` too: a composition bears the name that it has
    /// in PyTorch, where it is one operation.
    pub(crate) fn name_node(&self, name: &'static str, others: &[&Tensor]) {
        let node_of = |t: &Tensor| match t.edge() {
            Some(Edge::Node(node, _)) => Some(node),
            _ => None,
        };
        if let Some(node) = node_of(self) {
            let is_here =
                |t: &&Tensor| node_of(t).is_some_and(|n| crate::Shared::ptr_eq(&n, &node));
            if !others.iter().any(is_here) {
                node.alias.store(number(name.into()), Ordering::Relaxed);
            }
        }
    }

    /// Calls the node that an in-place write makes, if it makes one, by a name, which is one of a function's; no name changes nothing.
    pub(crate) fn named_write(
        &self,
        name: &str,
        write: impl FnOnce() -> crate::Result<()>,
    ) -> crate::Result<()> {
        let key = || self.edge().map(|e| e.key());
        if name.is_empty() || !crate::core::mode::records(crate::core::mode::flags()) {
            return write();
        }
        let before = key();
        write()?;
        if key() != before
            && let Some(Edge::Node(node, _)) = self.edge()
        {
            (node.alias).store(number(name.to_owned().into()), Ordering::Relaxed);
        }
        Ok(())
    }
}

impl Node {
    /// PyTorch's name of this node; `out` is the shape of its result, where it has one.
    pub(crate) fn name(&self, out: &Shape) -> Cow<'static, str> {
        let alias = usize::from(self.alias.load(Ordering::Relaxed));
        if alias > 0 {
            let list = ALIASES.read().unwrap_or_else(PoisonError::into_inner);
            return list[alias - 1].clone();
        }
        if let Some(name) = self.op.backward_name() {
            return name;
        }
        let name = self.op.def().name;
        exception(name, self, out, self.view).map_or_else(|| default(name), Cow::from)
    }
}

/// `log_softmax` is `LogSoftmaxBackward0`: each letter that follows none is a capital.
fn default(name: &str) -> Cow<'static, str> {
    let mut out = String::with_capacity(name.len() + 9);
    let mut starts = true;
    for c in name.chars() {
        if c.is_ascii_alphanumeric() {
            out.push(if starts { c.to_ascii_uppercase() } else { c });
        }
        starts = !c.is_ascii_alphabetic();
    }
    out.push_str("Backward0");
    out.into()
}

/// Names that are not the default; `out` is the result's shape, `is_view` whether it shares memory.
fn exception(name: &str, node: &Node, out: &Shape, is_view: bool) -> Option<&'static str> {
    let inputs = &node.inputs[..];
    let whole = out.is_empty();
    let choose = |first: bool, a: &'static str, b: &'static str| Some(if first { a } else { b });
    match name {
        // Sugar, and products that are composed of others.
        "add_scaled" => Some("AddBackward0"),
        "sub" if number_first(inputs) => Some("RsubBackward1"),
        "div" if number_first(inputs) => Some("MulBackward0"), // x.reciprocal() · number
        "outer" => Some("MulBackward0"),
        "matmul" => Some(matmul(inputs, out)),
        "linear" => Some(linear(inputs)),
        // One node for all elements, another for some dimensions.
        "sum" => choose(whole, "SumBackward0", "SumBackward1"),
        "mean" => choose(whole, "MeanBackward0", "MeanBackward1"),
        "prod" => choose(whole, "ProdBackward0", "ProdBackward1"),
        "max" => choose(whole, "MaxBackward1", "MaxBackward0"),
        "min" => choose(whole, "MinBackward1", "MinBackward0"),
        "median" => choose(whole, "MedianBackward0", "MedianBackward1"),
        // One node for numbers as arguments, another for tensors.
        "pow" if number_first(inputs) => Some("PowBackward2"),
        "pow" if inputs.len() > 1 => Some("PowBackward1"),
        "pow_tensor" if number_first(inputs) => Some("PowBackward2"),
        "pow_tensor" => Some("PowBackward1"),
        "clamp" => Some("ClampBackward1"),
        "clamp_tensor" => Some("ClampBackward0"),
        "lerp" => Some("LerpBackward1"),
        "lerp_scalar" => Some("LerpBackward0"),
        "div_rounded" => Some("DivBackward1"),
        "round_decimals" => Some("RoundBackward1"),
        "scale" => Some("MulBackward0"),
        "special_i1" => Some("SpecialI1Backward0"),
        "remainder" if inputs.len() == 2 => Some("RemainderBackward1"),
        // Shapes and copies.
        "reshape" if !is_view => Some("UnsafeViewBackward0"),
        "reshape" => Some(reshape(&inputs.first()?.shape, out)),
        "permute" => Some(permute(&format!("{:?}", node.op))),
        "narrow" => Some("SliceBackward0"),
        "to" => Some("ToCopyBackward0"),
        // In-place writes of a number, of a tensor, and of a part.
        "copy_" if number_after(inputs) => Some("FillBackward2"),
        "copy_" => Some("CopyBackwards"),
        "overlay" => Some("CopySlices"),
        // Functions whose work is done by another one.
        "conv1d" | "conv2d" | "conv3d" => Some("ConvolutionBackward0"),
        "max_pool2d" => Some("MaxPool2DWithIndicesBackward0"),
        "batch_norm" => Some("NativeBatchNormBackward0"),
        "layer_norm" => Some("NativeLayerNormBackward0"),
        "cross_entropy" => Some("NllLossBackward0"),
        "norm" => Some("LinalgVectorNormBackward0"),
        "det" => Some("LinalgDetBackward0"),
        "inv" | "inverse" => Some("LinalgInvExBackward0"),
        _ => None,
    }
}

/// Whether the first operand is a constant without dimensions: a number, most likely (`1 - x`).
fn number_first(inputs: &[Input]) -> bool {
    matches!(inputs, [a, _] if a.target().is_none() && a.shape.is_empty())
}

/// Whether the second operand is such a number and the first one is not as small.
fn number_after(inputs: &[Input]) -> bool {
    matches!(inputs, [a, b] if b.target().is_none() && b.shape.is_empty() && !a.shape.is_empty())
}

/// By the ranks: PyTorch folds larger operands into one product of matrices and shapes the result.
fn matmul(inputs: &[Input], out: &Shape) -> &'static str {
    let [a, b] = inputs else {
        return "MatmulBackward0";
    };
    match (a.shape.len(), b.shape.len()) {
        (1, 1) => "DotBackward0",
        (2, 1) => "MvBackward0",
        (1, 2) => "SqueezeBackward4",
        (2, 2) => "MmBackward0",
        // A matrix times a stack is computed transposed where the matrix's gradient is wanted.
        (2, _) if a.target().is_some() => match out[out.len() - 2..].contains(&1) {
            true => "TransposeBackward0",
            false => "CloneBackward0",
        },
        _ => "UnsafeViewBackward0",
    }
}

/// By the rank and the bias: PyTorch folds larger operands into matrices.
fn linear(inputs: &[Input]) -> &'static str {
    match (inputs.len(), inputs.first().map(|x| x.shape.len())) {
        (3, Some(2)) => "AddmmBackward0",
        (_, Some(2)) => "MmBackward0",
        _ => "UnsafeViewBackward0",
    }
}

/// A reshape that drops all sizes of 1 or adds one is called squeeze or unsqueeze.
fn reshape(from: &Shape, to: &Shape) -> &'static str {
    let squeezed = from.iter().filter(|&&n| n != 1);
    if from.contains(&1) && squeezed.eq(to.iter()) {
        return "SqueezeBackward0";
    }
    let without = |at: usize| to.iter().enumerate().filter(move |&(k, _)| k != at);
    let added = (0..to.len()).any(|at| to[at] == 1 && without(at).map(|(_, n)| n).eq(from.iter()));
    if added {
        "UnsqueezeBackward0"
    } else {
        "ViewBackward0"
    }
}

/// By how many dimensions move; `op` is the operation as `Debug` prints it, with its order in brackets.
fn permute(op: &str) -> &'static str {
    let order: Vec<usize> = op
        .split(|c: char| !c.is_ascii_digit())
        .filter_map(|digits| digits.parse().ok())
        .collect();
    let moved = order.iter().enumerate().filter(|&(k, &o)| k != o).count();
    match (order.len(), moved) {
        (2, 2) => "TBackward0",
        (_, 2) => "TransposeBackward0",
        _ => "PermuteBackward0",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_as_pytorch_writes_them() {
        for (op, node) in [
            ("relu", "ReluBackward0"),
            ("log_softmax", "LogSoftmaxBackward0"),
            ("log1p", "Log1PBackward0"),
            ("expm1", "Expm1Backward0"),
            ("atan2", "Atan2Backward0"),
            ("avg_pool2d", "AvgPool2DBackward0"),
            ("slice_backward", "SliceBackwardBackward0"),
        ] {
            assert_eq!(default(op), node);
        }
    }
}
