//! The recorded program as a graph: every value with its gradient, every operation with its rule tested alone.

use super::numbers;
use super::oracle::Oracle;
use super::{Check, RuleTest, guilty};
use crate::core::op::Family;
use crate::program::Replay;
use crate::{DType, Result, Shape, Tensor};

/// A recorded program, drawn.
#[derive(Clone, Debug)]
pub struct Graph {
    /// Every value: inputs, constants, results, each after what it was made from.
    pub nodes: Vec<GraphNode>,
    /// The node that is the function's value.
    pub output: usize,
}

/// Where a value of a [`Graph`] comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An input of the function, by its place.
    Input(usize),
    /// A tensor from outside the function.
    Constant,
    /// The result of the recorded run's operation with this number.
    Operation(usize),
}

/// One value of a [`Graph`].
#[derive(Clone, Debug)]
pub struct GraphNode {
    /// Where it comes from.
    pub role: Role,
    /// The operation's name, the input's, or `constant`.
    pub name: String,
    /// The operation's formula.
    pub formula: &'static str,
    /// The operation's family.
    pub family: Option<Family>,
    /// The line that ran the operation.
    pub site: String,
    /// Nodes it was made from.
    pub inputs: Vec<usize>,
    /// Its shape.
    pub shape: Shape,
    /// Its dtype.
    pub dtype: DType,
    /// Its numbers in the working precision, row by row.
    pub values: Vec<f64>,
    /// The derivative of the function's value by each, by reverse mode; none where no gradient reaches it.
    pub gradient: Option<Vec<f64>>,
    /// The operation's rule beside differences of the operation alone; empty where there is nothing to test.
    pub tests: Vec<RuleTest>,
}

pub(super) fn of(check: &Check<'_>, oracle: &Oracle<'_>) -> Result<Graph> {
    let program = &oracle.program;
    let leaves: Vec<Tensor> = check
        .inputs
        .iter()
        .map(numbers::leaf)
        .collect::<Result<_>>()?;
    let values = {
        let _grad = crate::enable_grad();
        program.replay_all(&leaves.iter().collect::<Vec<_>>(), Replay::default())?
    };
    let wide = guilty::values(oracle)?;
    let mut at = vec![usize::MAX; program.values()];
    let mut nodes = Vec::new();
    let mut ids = Vec::new();
    let mut push = |id: u32, mut node: GraphNode, at: &mut Vec<usize>| -> Result<()> {
        let t = values.get(id);
        node.shape = t.shape().clone();
        node.dtype = t.dtype();
        node.values = t.to_f64_vec()?;
        at[id as usize] = nodes.len();
        nodes.push(node);
        ids.push(id);
        Ok(())
    };
    let blank = |role: Role, name: &str| GraphNode {
        role,
        name: name.to_string(),
        formula: "",
        family: None,
        site: String::new(),
        inputs: Vec::new(),
        shape: Shape::scalar(),
        dtype: DType::F64,
        values: Vec::new(),
        gradient: None,
        tests: Vec::new(),
    };
    for (i, &id) in program.inputs().iter().enumerate() {
        push(id, blank(Role::Input(i), &check.names[i]), &mut at)?;
    }
    for (id, _) in program.constants() {
        push(*id, blank(Role::Constant, "constant"), &mut at)?;
    }
    for (position, inst) in program.instructions().iter().enumerate() {
        let def = inst.op.def();
        let node = GraphNode {
            formula: def.formula,
            family: Some(def.family),
            site: format!("{}:{}", inst.site.file(), inst.site.line()),
            inputs: inst.inputs.iter().map(|&i| at[i as usize]).collect(),
            tests: guilty::test(inst, &wide, position)?,
            ..blank(Role::Operation(position), def.name)
        };
        push(inst.output, node, &mut at)?;
    }
    let out = program.outputs()[0];
    let y = values.get(out);
    if y.requires_grad() {
        let reached: Vec<usize> = (0..ids.len())
            .filter(|&k| values.get(ids[k]).requires_grad())
            .collect();
        let tensors: Vec<Tensor> = reached.iter().map(|&k| values.get(ids[k])).collect();
        let found = crate::grad(
            &[(&y, None)],
            &tensors.iter().collect::<Vec<_>>(),
            crate::BackwardOptions::default(),
        )?;
        for (&k, g) in reached.iter().zip(found) {
            nodes[k].gradient = g.map(|g| g.to_f64_vec()).transpose()?;
        }
    }
    Ok(Graph {
        output: at[out as usize],
        nodes,
    })
}
