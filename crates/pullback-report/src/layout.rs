//! Where the nodes of a graph go: layers from the inputs down to the result, few crossings, every box centred.
//!
//! A node's layer is its longest way to the result, so that inputs stand just above what uses them. Edges over several
//! layers pass through places of their own, and the order within a layer is that of the places below. `paths` are the edges' lines; boxes are drawn
//! by who knows what is in them.

use std::fmt::Write;

/// An edge by its node and operand, and the points it passes between its ends, as middle and layer.
pub(crate) type Way = ((usize, usize), Vec<(f64, usize)>);

/// What is laid out.
pub(crate) struct Layout {
    /// Of each node: left edge and layer from the top.
    pub(crate) at: Vec<(f64, usize)>,
    /// Every edge's way.
    pub(crate) via: Vec<Way>,
    /// Width of everything.
    pub(crate) width: f64,
    /// Number of layers.
    pub(crate) layers: usize,
}

/// A place in a layer: a node, or an edge on its way.
#[derive(Clone, Copy, PartialEq)]
enum Place {
    Node(usize),
    Edge(usize),
}

/// Nodes and edges in layers.
struct Layered {
    /// The layer of each node, counted from the result.
    up: Vec<usize>,
    /// What lies in each layer.
    rows: Vec<Vec<Place>>,
    /// Edges: from, to, operand.
    edges: Vec<(usize, usize, usize)>,
}

/// Puts each node above all that use it; an edge has a place in every layer that it passes.
fn layered(inputs: &[Vec<usize>]) -> Layered {
    let n = inputs.len();
    let mut up = vec![0usize; n];
    for node in (0..n).rev() {
        for &i in &inputs[node] {
            up[i] = up[i].max(up[node] + 1);
        }
    }
    let layers = up.iter().max().map_or(0, |m| m + 1);
    let mut rows: Vec<Vec<Place>> = vec![Vec::new(); layers];
    for node in 0..n {
        rows[up[node]].push(Place::Node(node));
    }
    let mut edges = Vec::new();
    for (to, list) in inputs.iter().enumerate() {
        for (operand, &from) in list.iter().enumerate() {
            for row in &mut rows[up[to] + 1..up[from]] {
                row.push(Place::Edge(edges.len()));
            }
            edges.push((from, to, operand));
        }
    }
    Layered { up, rows, edges }
}

/// Lays out nodes given by their inputs, each after what it is made from.
pub(crate) fn layout(inputs: &[Vec<usize>], box_width: f64, gap: f64) -> Layout {
    let n = inputs.len();
    let Layered {
        up,
        mut rows,
        edges,
    } = layered(inputs);
    let layers = rows.len();
    // From the result upwards: each place stands above the middle of what it leads to.
    let lane = gap + 10.0;
    let width_of = |p: &Place| match p {
        Place::Node(_) => box_width,
        Place::Edge(_) => lane,
    };
    let mut node_x = vec![0.0; n];
    let mut edge_x: Vec<Vec<(f64, usize)>> = vec![Vec::new(); edges.len()];
    let mut width = 0.0f64;
    for (layer, row) in rows.iter_mut().enumerate() {
        let wish = |p: &Place| -> f64 {
            let below = |e: usize| match edge_x[e].last() {
                Some(at) => at.0,
                None => {
                    let (_, to, operand) = edges[e];
                    // Operands keep their order.
                    let share = (operand as f64 + 0.5) / inputs[to].len() as f64 - 0.5;
                    node_x[to] + share * box_width
                }
            };
            match *p {
                Place::Edge(e) => below(e),
                Place::Node(node) => {
                    let leaving: Vec<f64> = (0..edges.len())
                        .filter(|&e| edges[e].0 == node)
                        .map(below)
                        .collect();
                    leaving.iter().sum::<f64>() / leaving.len().max(1) as f64
                }
            }
        };
        let mut order: Vec<(f64, Place)> = row.iter().map(|p| (wish(p), *p)).collect();
        order.sort_by(|a, b| a.0.total_cmp(&b.0));
        let total = order.iter().map(|(_, p)| width_of(p) + gap).sum::<f64>() - gap;
        let mut x = -total / 2.0;
        for (_, place) in order {
            let middle = x + width_of(&place) / 2.0;
            match place {
                Place::Node(node) => node_x[node] = middle,
                Place::Edge(e) => edge_x[e].push((middle, layer)),
            }
            x += width_of(&place) + gap;
        }
        width = width.max(total);
    }
    let top = |layer: usize| layers - 1 - layer;
    Layout {
        at: (0..n)
            .map(|k| (node_x[k] - box_width / 2.0 + width / 2.0, top(up[k])))
            .collect(),
        via: (edges.iter().zip(edge_x))
            .map(|(&(_, to, operand), mut points)| {
                points.reverse();
                let points = points.iter().map(|p| (p.0 + width / 2.0, top(p.1)));
                ((to, operand), points.collect())
            })
            .collect(),
        width,
        layers,
    }
}

/// The edges as paths of an SVG: the node it goes to, the node it comes from, the path. `top` is the upper edge of a layer.
pub(crate) fn paths(
    inputs: &[Vec<usize>],
    l: &Layout,
    width: f64,
    height: f64,
    top: &dyn Fn(usize) -> f64,
) -> Vec<(usize, usize, String)> {
    let path = |((to, operand), via): &Way| {
        let from = inputs[*to][*operand];
        let share = (*operand as f64 + 0.5) / inputs[*to].len() as f64 - 0.5;
        let mut points = vec![(l.at[from].0 + width / 2.0, top(l.at[from].1) + height)];
        for (x, layer) in via {
            points.push((*x, top(*layer)));
            points.push((*x, top(*layer) + height));
        }
        points.push((
            l.at[*to].0 + width / 2.0 + share * width * 0.6,
            top(l.at[*to].1),
        ));
        let mut path = String::new();
        for (k, (x, y)) in points.iter().enumerate() {
            let (x, y) = (x + 1.0, *y);
            let _ = if k == 0 {
                write!(path, "M{x:.1} {y:.1}")
            } else {
                let before = (points[k - 1].0 + 1.0, points[k - 1].1);
                let middle = (before.1 + y) / 2.0;
                write!(
                    path,
                    "C{:.1} {middle:.1} {x:.1} {middle:.1} {x:.1} {y:.1}",
                    before.0
                )
            };
        }
        (*to, from, path)
    };
    l.via.iter().map(path).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn inputs_stand_just_above_what_uses_them_and_nothing_overlaps() {
        // x, w, b; w·x; + b; a use of x at the very end.
        let inputs = [vec![], vec![], vec![], vec![1, 0], vec![3, 2], vec![4, 0]];
        let l = layout(&inputs, 100.0, 10.0);
        let layers: Vec<usize> = l.at.iter().map(|a| a.1).collect();
        assert_eq!(layers, [0, 0, 1, 1, 2, 3]);
        assert_eq!(l.layers, 4);
        for a in 0..inputs.len() {
            assert!(l.at[a].0 >= 0.0 && l.at[a].0 + 100.0 <= l.width + 1e-9);
            for b in 0..a {
                let apart = (l.at[a].0 - l.at[b].0).abs() >= 110.0 - 1e-9;
                assert!(l.at[a].1 != l.at[b].1 || apart, "{a} {b}");
            }
        }
        // The long edge passes two layers from above to below.
        let long = l.via.iter().find(|v| v.0 == (5, 1)).unwrap();
        assert_eq!(long.1.iter().map(|p| p.1).collect::<Vec<_>>(), [1, 2]);
    }

    #[test]
    fn nothing_and_one_node() {
        assert_eq!(layout(&[], 10.0, 1.0).layers, 0);
        let one = layout(&[vec![]], 10.0, 1.0);
        assert_eq!((one.at[0], one.width), ((0.0, 0), 10.0));
    }
}
