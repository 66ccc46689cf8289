//! Counterparts of activations, softmax and element-wise losses. ONNX has some as nodes of their own, whose attributes are single numbers: in double
//! precision these are written out.

use super::call::{Call, Written};
use super::graph::Attribute::{Float, Int};
use super::graph::Graph;
use crate::{DType, Result, ops};

pub(super) fn written(g: &mut Graph, c: &Call<'_>) -> Written {
    if c.inputs.is_empty() {
        return Ok(None);
    }
    for table in [smooth, rectified, shrunk, softmax, losses] {
        if let Some(name) = table(g, c)? {
            return Ok(Some(name));
        }
    }
    Ok(None)
}

/// `half·x·(inner + 1)`, which both kinds of gelu end with.
fn halved(g: &mut Graph, x: &str, inner: &str, dtype: DType) -> Result<String> {
    let (half, one) = (g.number(0.5, dtype)?, g.number(1.0, dtype)?);
    let left = g.plain("Mul", &[x, &half]);
    let right = g.plain("Add", &[inner, &one]);
    Ok(g.plain("Mul", &[&left, &right]))
}

fn smooth(g: &mut Graph, c: &Call<'_>) -> Written {
    let (x, dtype) = (c.x(0), c.dtype());
    let erf = |g: &mut Graph| -> Result<String> {
        let root = g.number(std::f64::consts::FRAC_1_SQRT_2, dtype)?;
        let scaled = g.plain("Mul", &[x, &root]);
        Ok(g.plain("Erf", &[&scaled]))
    };
    Ok(Some(match c.name() {
        "gelu" => {
            let inner = erf(g)?;
            halved(g, x, &inner, dtype)?
        }
        "ndtr" => {
            let inner = erf(g)?;
            let half = g.number(0.5, dtype)?;
            let inner = g.plain("Mul", &[&inner, &half]);
            g.plain("Add", &[&inner, &half])
        }
        "gelu_tanh" => {
            let (by, factor) = (
                g.number(0.044_715, dtype)?,
                g.number((2.0 / std::f64::consts::PI).sqrt(), dtype)?,
            );
            let square = g.plain("Mul", &[x, x]);
            let cube = g.plain("Mul", &[&square, x]);
            let cube = g.plain("Mul", &[&cube, &by]);
            let sum = g.plain("Add", &[x, &cube]);
            let scaled = g.plain("Mul", &[&sum, &factor]);
            let inner = g.plain("Tanh", &[&scaled]);
            halved(g, x, &inner, dtype)?
        }
        "silu" => {
            let gate = g.plain("Sigmoid", &[x]);
            g.plain("Mul", &[x, &gate])
        }
        "mish" => {
            let soft = g.plain("Softplus", &[x]);
            let gate = g.plain("Tanh", &[&soft]);
            g.plain("Mul", &[x, &gate])
        }
        "logsigmoid" => {
            let other = g.plain("Neg", &[x]);
            let soft = g.plain("Softplus", &[&other]);
            g.plain("Neg", &[&soft])
        }
        "softplus" => {
            let (beta, threshold) = c.fixed(|op: &ops::Softplus| (op.beta, op.threshold))?;
            // From 20 on both are one number.
            if beta == 1.0 && threshold >= 20.0 {
                return Ok(Some(g.plain("Softplus", &[x])));
            }
            let (beta, threshold) = (g.number(beta, dtype)?, g.number(threshold, dtype)?);
            let scaled = g.plain("Mul", &[x, &beta]);
            let soft = g.plain("Softplus", &[&scaled]);
            let soft = g.plain("Div", &[&soft, &beta]);
            let above = g.plain("Greater", &[&scaled, &threshold]);
            g.plain("Where", &[&above, x, &soft])
        }
        _ => return Ok(None),
    }))
}

/// Activations that are exponentials or lines on pieces.
fn rectified(g: &mut Graph, c: &Call<'_>) -> Written {
    let (x, dtype) = (c.x(0), c.dtype());
    let double = dtype == DType::F64;
    if c.of::<ops::LeakyRelu>().is_some() {
        let slope = c.fixed(|op: &ops::LeakyRelu| op.negative_slope)?;
        if !double {
            return Ok(Some(g.node(
                "LeakyRelu",
                &[x],
                vec![("alpha", Float(slope))],
            )));
        }
        let (zero, slope) = (g.number(0.0, dtype)?, g.number(slope, dtype)?);
        let (above, line) = (
            g.plain("Greater", &[x, &zero]),
            g.plain("Mul", &[x, &slope]),
        );
        return Ok(Some(g.plain("Where", &[&above, x, &line])));
    }
    if c.of::<ops::Elu>().is_some() {
        let (alpha, scale, inner) =
            c.fixed(|op: &ops::Elu| (op.alpha, op.scale, op.input_scale))?;
        if !double && scale == 1.0 && inner == 1.0 {
            return Ok(Some(g.node("Elu", &[x], vec![("alpha", Float(alpha))])));
        }
        let (zero, one) = (g.number(0.0, dtype)?, g.number(1.0, dtype)?);
        let (inner, outer) = (g.number(inner, dtype)?, g.number(alpha, dtype)?);
        let below = g.plain("Min", &[x, &zero]);
        let below = g.plain("Mul", &[&below, &inner]);
        let power = g.plain("Exp", &[&below]);
        let power = g.plain("Sub", &[&power, &one]);
        let power = g.plain("Mul", &[&power, &outer]);
        let above = g.plain("Max", &[x, &zero]);
        let sum = g.plain("Add", &[&above, &power]);
        let scale = g.number(scale, dtype)?;
        return Ok(Some(g.plain("Mul", &[&sum, &scale])));
    }
    if c.of::<ops::Hardtanh>().is_some() {
        let (low, high) = c.fixed(|op: &ops::Hardtanh| (op.min_val, op.max_val))?;
        return between(g, x, low, high, dtype).map(Some);
    }
    if let "hardsigmoid" | "hardswish" = c.name() {
        let (three, six) = (g.number(3.0, dtype)?, g.number(6.0, dtype)?);
        let moved = g.plain("Add", &[x, &three]);
        let gate = between(g, &moved, 0.0, 6.0, dtype)?;
        let gate = g.plain("Div", &[&gate, &six]);
        return Ok(Some(match c.name() {
            "hardswish" => g.plain("Mul", &[x, &gate]),
            _ => gate,
        }));
    }
    if c.of::<ops::Prelu>().is_some() {
        let ones = vec![1; c.rank(0).saturating_sub(2)];
        let to = match c.rank(0) {
            0 => vec![],
            _ => [&[-1][..], &ones[..]].concat(),
        };
        let to = g.ints(&to)?;
        let slope = g.plain("Reshape", &[c.x(1), &to]);
        return Ok(Some(g.plain("PRelu", &[x, &slope])));
    }
    Ok(None)
}

fn between(g: &mut Graph, x: &str, low: f64, high: f64, dtype: DType) -> Result<String> {
    let (low, high) = (g.number(low, dtype)?, g.number(high, dtype)?);
    let above = g.plain("Max", &[x, &low]);
    Ok(g.plain("Min", &[&above, &high]))
}

/// Activations that put a number in the place of small ones.
fn shrunk(g: &mut Graph, c: &Call<'_>) -> Written {
    let (x, dtype) = (c.x(0), c.dtype());
    if c.of::<ops::Threshold>().is_some() {
        let (at, value) = c.fixed(|op: &ops::Threshold| (op.threshold, op.value))?;
        let (at, value) = (g.number(at, dtype)?, g.number(value, dtype)?);
        // Not "above", which NaN is not.
        let low = g.plain("LessOrEqual", &[x, &at]);
        return Ok(Some(g.plain("Where", &[&low, &value, x])));
    }
    let (soft, lambd) = match (c.of::<ops::Hardshrink>(), c.of::<ops::Softshrink>()) {
        (Some(_), _) => (false, c.fixed(|op: &ops::Hardshrink| op.lambd)?),
        (_, Some(_)) => (true, c.fixed(|op: &ops::Softshrink| op.lambd)?),
        _ => return Ok(None),
    };
    let (bound, zero) = (g.number(lambd, dtype)?, g.number(0.0, dtype)?);
    let size = g.plain("Abs", &[x]);
    let near = g.plain("LessOrEqual", &[&size, &bound]);
    let kept = match soft {
        false => x.to_string(),
        true => {
            let sign = g.plain("Sign", &[x]);
            let less = g.plain("Mul", &[&sign, &bound]);
            g.plain("Sub", &[x, &less])
        }
    };
    Ok(Some(g.plain("Where", &[&near, &zero, &kept])))
}

fn softmax(g: &mut Graph, c: &Call<'_>) -> Written {
    let (kind, dim) = match (c.of::<ops::Softmax>(), c.of::<ops::LogSoftmax>()) {
        (Some(op), _) => ("Softmax", op.dim),
        (_, Some(op)) => ("LogSoftmax", op.dim),
        _ => return Ok(None),
    };
    if c.rank(0) == 0 {
        let one = g.ints(&[1])?;
        let row = g.plain("Reshape", &[c.x(0), &one]);
        let row = g.node(kind, &[&row], vec![("axis", Int(0))]);
        return g.reshape(&row, &c.shape).map(Some);
    }
    Ok(Some(g.node(
        kind,
        &[c.x(0)],
        vec![("axis", Int(dim as i64))],
    )))
}

/// Losses, element by element.
fn losses(g: &mut Graph, c: &Call<'_>) -> Written {
    let (x, dtype) = (c.x(0), c.dtype());
    let (beta, huber) = match (c.of::<ops::SmoothL1>(), c.of::<ops::Huber>()) {
        (Some(_), _) => (c.fixed(|op: &ops::SmoothL1| op.beta)?, false),
        (_, Some(_)) => (c.fixed(|op: &ops::Huber| op.delta)?, true),
        _ => return entropies(g, c),
    };
    // Both are δ·(|x| - δ/2) and x²/2, the first one divided by δ.
    let (bound, half) = (g.number(beta, dtype)?, g.number(0.5, dtype)?);
    let size = g.plain("Abs", &[x]);
    let near = g.plain("Less", &[&size, &bound]);
    let square = g.plain("Mul", &[x, x]);
    let mut square = g.plain("Mul", &[&square, &half]);
    let off = g.number(0.5 * beta, dtype)?;
    let mut line = g.plain("Sub", &[&size, &off]);
    match huber {
        true => line = g.plain("Mul", &[&line, &bound]),
        false => square = g.plain("Div", &[&square, &bound]),
    }
    Ok(Some(g.plain("Where", &[&near, &square, &line])))
}

fn entropies(g: &mut Graph, c: &Call<'_>) -> Written {
    let dtype = c.dtype();
    if c.of::<ops::BceWithLogits>().is_some() {
        let (x, t) = (c.x(0), c.x(1));
        let one = g.number(1.0, dtype)?;
        let rest = g.plain("Sub", &[&one, t]);
        let left = g.plain("Mul", &[&rest, x]);
        let other = g.plain("Neg", &[x]);
        let soft = g.plain("Softplus", &[&other]);
        let right = match c.inputs.get(2) {
            Some(w) => g.plain("Mul", &[&w.name, &soft]),
            None => soft,
        };
        return Ok(Some(g.plain("Add", &[&left, &right])));
    }
    if c.of::<ops::Bce>().is_none() {
        return Ok(None);
    }
    let (x, t) = (c.x(0), c.x(1));
    let (one, least) = (g.number(1.0, dtype)?, g.number(-100.0, dtype)?);
    let rest = g.plain("Sub", &[&one, x]);
    let logs = [x, &rest].map(|x| {
        let log = g.plain("Log", &[x]);
        g.plain("Max", &[&log, &least])
    });
    let missing = g.plain("Sub", &[t, &one]);
    let left = g.plain("Mul", &[&missing, &logs[1]]);
    let right = g.plain("Mul", &[t, &logs[0]]);
    Ok(Some(g.plain("Sub", &[&left, &right])))
}
