//! The name PyTorch's autograd node has where this library has a node of its own.
//!
//! By default the operation's name in camel case and `Backward0`; the exceptions stand in the operations' definitions. What was asked for
//! is not always known to them: `reshape`, `squeeze` and `unsqueeze` are one operation, and so are `t`, `transpose` and `permute`; the commonest
//! spelling is named. Functions called by name (`registry/`) say what PyTorch calls them, and give their nodes that name.

use crate::core::graph::{Edge, Node};
use crate::core::made::{Made, NodeName, camel};
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
        let made = Made {
            inputs: &self.inputs,
            out,
            view: self.view,
        };
        if let Some(name) = self.op.node_name(&made) {
            return name;
        }
        let def = self.op.def();
        match def.node {
            NodeName::Is(name) => name.into(),
            NodeName::By(choice) => choice(&made).into(),
            NodeName::Rule => default(def.name),
        }
    }
}

/// `log_softmax` is `LogSoftmaxBackward0`.
fn default(name: &str) -> Cow<'static, str> {
    let mut out = camel(name);
    out.push_str("Backward0");
    out.into()
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
