//! What a page shows, as plain data: what is serialised is what its script reads.
//!
//! Numbers that are not finite become `null` there. Not for: where the data come from (`gather.rs`).

use serde::{Serialize, Serializer};

/// A number of which six digits are kept: enough to draw.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Short(pub f64);

impl Serialize for Short {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let short = format!("{:.5e}", self.0).parse().unwrap_or(self.0);
        serializer.serialize_f64(short)
    }
}

/// A whole page.
#[derive(Clone, Debug, Serialize)]
pub struct Page {
    /// Its title.
    pub title: String,
    /// A line below it.
    pub subtitle: String,
    /// `pass`, `unknown` or `fail`.
    pub status: String,
    /// The conclusion, sentence by sentence.
    pub conclusion: Vec<String>,
    /// How many coordinates have each verdict.
    pub census: Vec<(String, usize)>,
    /// The working precision.
    pub dtype: String,
    /// The step of the difference quotient.
    pub step: f64,
    /// The relative error that a pass rules out.
    pub power: f64,
    /// The function's value.
    pub value: f64,
    /// How many numbers the gradient has.
    pub parameters: usize,
    /// How often the function was evaluated for the report.
    pub evaluations: usize,
    /// The coordinate whose step meets a kink first, and after how many steps.
    pub nearest_kink: Option<(String, f64)>,
    /// The derivative along one direction by forward mode, reverse mode and differences, and how far they may be apart.
    pub adjoint: Option<[f64; 4]>,
    /// The coordinates, those with the largest gaps first.
    pub rows: Vec<Row>,
    /// The gradient by hand, where there is one.
    pub hand: Option<Hand>,
    /// The inputs, with each number's error over its budget.
    pub tensors: Vec<Tensor>,
    /// The recorded run.
    pub nodes: Vec<Node>,
    /// Operations of the recorded run that are not shown.
    pub omitted: usize,
    /// The same point with other steps, in each precision.
    pub precisions: Vec<Precision>,
    /// Settings worth a button.
    pub presets: Vec<Preset>,
    /// What could not be drawn, and why.
    pub notes: Vec<String>,
}

/// One coordinate of the report.
#[derive(Clone, Debug, Serialize)]
pub struct Row {
    /// `W1[3,1]`.
    pub name: String,
    /// The gradient under test.
    pub claimed: f64,
    /// By hand, where there is one.
    pub hand: Option<f64>,
    /// The difference quotient.
    pub numeric: f64,
    /// The exact derivative.
    pub oracle: f64,
    /// `claimed - numeric`.
    pub gap: f64,
    /// How far the claim may be from the exact derivative by rounding alone.
    pub budget: f64,
    /// The smallest relative error that would have been noticed.
    pub mde: f64,
    /// Why gradient and quotient differ.
    pub verdict: String,
    /// `pass`, `unknown` or `fail`.
    pub status: String,
    /// What the verdict leaves open.
    pub remark: Option<String>,
}

/// A gradient by hand, checked the same way.
#[derive(Clone, Debug, Serialize)]
pub struct Hand {
    /// `pass`, `unknown` or `fail`.
    pub status: String,
    /// Its first sentence.
    pub conclusion: String,
}

/// One input.
#[derive(Clone, Debug, Serialize)]
pub struct Tensor {
    /// Its name.
    pub name: String,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its numbers that were examined.
    pub cells: Vec<Cell>,
}

/// One number of an input.
#[derive(Clone, Debug, Serialize)]
pub struct Cell {
    /// Its place, row by row.
    pub flat: usize,
    /// The error of its derivative over what rounding allows.
    pub ratio: f64,
    /// Its name, error and budget.
    pub label: String,
}

/// One value of the recorded run.
#[derive(Clone, Debug, Serialize)]
pub struct Node {
    /// `input`, `constant` or `operation`.
    pub role: &'static str,
    /// The operation, or the input's name.
    pub name: String,
    /// Its number among the operations.
    pub number: Option<usize>,
    /// Its formula.
    pub formula: String,
    /// The line that ran it.
    pub site: String,
    /// What it was made from.
    pub inputs: Vec<usize>,
    /// Its shape.
    pub shape: Vec<usize>,
    /// Its dtype.
    pub dtype: String,
    /// Its first numbers.
    pub values: Vec<f64>,
    /// The derivatives of the function by them.
    pub gradient: Option<Vec<f64>>,
    /// Its rule, tested alone for each input.
    pub rules: Vec<Rule>,
    /// Why there is no test.
    pub untested: &'static str,
}

/// An operation's rule for one input beside differences of the operation alone.
#[derive(Clone, Debug, Serialize)]
pub struct Rule {
    /// Which input.
    pub input: usize,
    /// ⟨Jᵀu, v⟩ by the rule.
    pub rule: f64,
    /// ⟨u, Jv⟩ by the forward rule.
    pub forward: f64,
    /// ⟨u, Jv⟩ by differences.
    pub differences: f64,
    /// Whether they meet.
    pub passed: bool,
}

/// One precision: every coordinate at every step.
#[derive(Clone, Debug, Serialize)]
pub struct Precision {
    /// `float32` or `float64`.
    pub dtype: String,
    /// The steps, ascending.
    pub steps: Vec<f64>,
    /// The coordinates.
    pub curves: Vec<Curve>,
    /// The gates and what they decided.
    pub gates: Vec<Gate>,
    /// By step: (coordinate, 1 above and 0 below the point, gate, element) that decided otherwise.
    pub crossings: Vec<Vec<(usize, u8, usize, usize)>>,
}

/// One coordinate at every step.
#[derive(Clone, Debug, Serialize)]
pub struct Curve {
    /// Its name.
    pub name: String,
    /// The gradient under test.
    pub claimed: f64,
    /// The exact derivative.
    pub oracle: f64,
    /// How far rounding can put the claimed gradient.
    pub floor: Short,
    /// How far the nearest kink is.
    pub kink: Option<Short>,
    /// By step.
    pub points: Vec<Point>,
}

/// One coordinate with one step.
#[derive(Clone, Debug, Serialize)]
pub struct Point {
    /// `claimed - numeric`.
    pub gap: Short,
    /// The ledger's six terms in their order: back, formula, truncation, kink, step, forward.
    pub terms: [Short; 6],
    /// How far rounding can put the quotient.
    pub budget: Short,
    /// Why they differ.
    pub verdict: &'static str,
}

/// A gate.
#[derive(Clone, Debug, Serialize)]
pub struct Gate {
    /// Its operation and line.
    pub label: String,
    /// Its elements.
    pub units: Vec<Unit>,
}

/// One element of a gate.
#[derive(Clone, Debug, Serialize)]
pub struct Unit {
    /// Which element.
    pub index: usize,
    /// What was decided.
    pub decision: f64,
    /// How far its input is from another decision.
    pub margin: Short,
    /// The coordinate that gets there first.
    pub by: Option<String>,
    /// And after what move.
    pub distance: Option<Short>,
}

/// A setting of the control.
#[derive(Clone, Debug, Serialize)]
pub struct Preset {
    /// What its button says.
    pub label: String,
    /// Which of the precisions.
    pub precision: usize,
    /// Which of its steps.
    pub step: usize,
}
