//! The experiment: an XOR problem, a 2-h-1 ReLU network, and its gradients by autograd, by the chain rule and by finite
//! differences.
//!
//! It follows the page it comes from section by section, function by function. Returns values; prints nothing and
//! explains nothing (`explanation.rs` does).

use pullback::{DType, Result, Tensor, cat, no_grad};
use pullback_random::numpy::{Seed, default_rng};

/// Inputs of the network.
const D: usize = 2;
/// Outputs of the network.
const OUT: usize = 1;

/// What the experiment starts from.
#[derive(Clone, Debug)]
pub(crate) struct Config {
    pub(crate) seed: Seed,
    pub(crate) samples: usize,
    pub(crate) hidden: usize,
    pub(crate) eps: f64,
    pub(crate) dtype: DType,
}

/// Sections 1 to 3: what every sample shares.
pub(crate) struct Setup {
    pub(crate) config: Config,
    /// Inputs, `(samples, 2)`.
    pub(crate) x: Tensor,
    /// Targets, 0 or 1.
    pub(crate) y: Tensor,
    pub(crate) params: Params,
}

/// The network's parameters, or something of the same shapes.
#[derive(Clone)]
pub(crate) struct Params {
    pub(crate) w1: Tensor,
    pub(crate) b1: Tensor,
    pub(crate) w2: Tensor,
    pub(crate) b2: Tensor,
}

/// Sections 4 to 9 on one sample.
pub(crate) struct Comparison {
    pub(crate) sample: usize,
    pub(crate) x: Tensor,
    pub(crate) y: Tensor,
    pub(crate) a1: Tensor,
    pub(crate) h: Tensor,
    pub(crate) f: Tensor,
    pub(crate) loss: Tensor,
    /// Gradients by autograd and by the chain rule.
    pub(crate) autograd: Params,
    pub(crate) manual: Params,
    /// All parameters in one vector, in the order of [`Params::names`], as are the following.
    pub(crate) theta: Tensor,
    pub(crate) g_auto: Tensor,
    pub(crate) g_num: Tensor,
    /// `|g_auto - g_manual|`
    pub(crate) manual_diff: Tensor,
    /// `|g_auto - g_num|`
    pub(crate) numeric_diff: Tensor,
    /// Positions of the five largest numeric differences, the largest last.
    pub(crate) top: Vec<usize>,
}

impl Params {
    /// W1, b1, W2, b2.
    pub(crate) fn each(&self) -> [(&'static str, &Tensor); 4] {
        [
            ("W1", &self.w1),
            ("b1", &self.b1),
            ("W2", &self.w2),
            ("b2", &self.b2),
        ]
    }

    fn map(&self, f: impl Fn(&Tensor) -> Result<Tensor>) -> Result<Params> {
        Ok(Params {
            w1: f(&self.w1)?,
            b1: f(&self.b1)?,
            w2: f(&self.w2)?,
            b2: f(&self.b2)?,
        })
    }

    /// All of them in one vector, in the order of [`Params::names`].
    pub(crate) fn flatten(&self) -> Result<Tensor> {
        let flat = self.map(Tensor::flatten)?;
        cat(&[&flat.w1, &flat.b1, &flat.w2, &flat.b2], 0)
    }

    fn unflatten(&self, theta: &Tensor) -> Result<Params> {
        let (n1, n2, n3) = (self.w1.numel(), self.b1.numel(), self.w2.numel());
        let part =
            |from: usize, like: &Tensor| theta.narrow(0, from, like.numel())?.reshape(like.shape());
        Ok(Params {
            w1: part(0, &self.w1)?,
            b1: part(n1, &self.b1)?,
            w2: part(n1 + n2, &self.w2)?,
            b2: part(n1 + n2 + n3, &self.b2)?,
        })
    }

    /// A name for every coordinate: `W1[3,1]`, `b2[0]`.
    pub(crate) fn names(&self) -> Vec<String> {
        let mut names = Vec::new();
        for (name, t) in self.each() {
            let columns = *t.shape().last().unwrap_or(&1);
            for i in 0..t.numel() {
                names.push(match t.ndim() {
                    2 => format!("{name}[{},{}]", i / columns, i % columns),
                    _ => format!("{name}[{i}]"),
                });
            }
        }
        names
    }
}

impl Setup {
    /// Draws data and parameters, in the page's order.
    pub(crate) fn new(config: Config) -> anyhow::Result<Setup> {
        let mut rng = default_rng(config.seed.clone());
        let (n, h) = (config.samples, config.hidden);
        let (x, y) = generate_toy_data(&rng.uniform(-1.0, 1.0, n * D)?, n)?;

        let weight = |draws: Vec<f64>, rows: usize| {
            Tensor::from_slice(&draws, [rows, draws.len() / rows])?
                .to(config.dtype)?
                .requires_grad_(true)
        };
        let bias = |n: usize| Tensor::zeros([n], config.dtype)?.requires_grad_(true);
        let params = Params {
            w1: weight(rng.normal(0.0, 0.1, h * D)?, h)?,
            b1: bias(h)?,
            w2: weight(rng.normal(0.0, 0.1, OUT * h)?, OUT)?,
            b2: bias(OUT)?,
        };
        Ok(Setup {
            x: x.to(config.dtype)?,
            y: y.to(config.dtype)?,
            params,
            config,
        })
    }

    /// Forward, backward, the chain rule by hand and finite differences, on one sample.
    pub(crate) fn compare(&self, sample: usize) -> Result<Comparison> {
        let x0 = self.x.select(0, sample as i64)?;
        let y0 = self.y.select(0, sample as i64)?;
        let p = &self.params;

        p.each().into_iter().for_each(|(_, t)| t.zero_grad());
        let (a1, h, f) = forward_single(&x0, p)?;
        let loss = loss_fn(&f, &y0)?;
        loss.backward()?;

        let _guard = no_grad();
        let autograd = p.map(|t| t.grad().map_or_else(|| t.zeros_like(), Ok))?;
        let manual = backward_manual(&x0, &y0, &a1, &h, &f, p)?;
        let theta = p.map(|t| Ok(t.detach()))?.flatten()?;
        let (g_auto, g_manual) = (autograd.flatten()?, manual.flatten()?);
        let g_num = numeric_grad(&theta.copy()?, self.config.eps, |theta| {
            self.loss_from_theta(theta, &x0, &y0)
        })?;

        let manual_diff = g_auto.sub(&g_manual)?.abs()?;
        let numeric_diff = g_auto.sub(&g_num)?.abs()?;
        let top: Vec<usize> = (numeric_diff.argsort(0, false)?.to_vec::<i64>()?.iter())
            .map(|&i| i as usize)
            .collect();
        Ok(Comparison {
            sample,
            x: x0,
            y: y0,
            a1,
            h,
            f,
            loss,
            autograd,
            manual,
            theta,
            g_auto,
            g_num,
            manual_diff,
            numeric_diff,
            top: top[top.len().saturating_sub(5)..].to_vec(),
        })
    }

    /// The loss of one sample as a function of all parameters in one vector.
    pub(crate) fn loss_from_theta(&self, theta: &Tensor, x: &Tensor, y: &Tensor) -> Result<Tensor> {
        let (_, _, f) = forward_single(x, &self.params.unflatten(theta)?)?;
        loss_fn(&f, y)
    }
}

/// The parameters as the page names them, from a list in that order.
fn params_of(p: &[Tensor]) -> Params {
    Params {
        w1: p[0].clone(),
        b1: p[1].clone(),
        w2: p[2].clone(),
        b2: p[3].clone(),
    }
}

/// The loss of one sample as a function of W1, b1, W2, b2.
pub(crate) fn loss_of(p: &[Tensor], x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let (_, _, f) = forward_single(x, &params_of(p))?;
    loss_fn(&f, y)
}

/// The page's chain rule by hand as a function of W1, b1, W2, b2: their four gradients.
pub(crate) fn manual_of(p: &[Tensor], x: &Tensor, y: &Tensor) -> Result<Vec<Tensor>> {
    let p = params_of(p);
    let (a1, h, f) = forward_single(x, &p)?;
    let g = backward_manual(x, y, &a1, &h, &f, &p)?;
    Ok(vec![g.w1, g.b1, g.w2, g.b2])
}

/// XOR of signs: y is 1 where x₁·x₂ < 0. Data are f32 whatever the experiment computes in, as on the page.
fn generate_toy_data(draws: &[f64], n: usize) -> Result<(Tensor, Tensor)> {
    let x = Tensor::from_slice(draws, [n, D])?.to(DType::F32)?;
    let y = x.select(1, 0)?.mul(&x.select(1, 1)?)?.lt(0.0)?;
    Ok((x, y.to(DType::F32)?))
}

/// a₁ = W₁ x + b₁, h = ReLU(a₁), f = W₂ h + b₂.
fn forward_single(x: &Tensor, p: &Params) -> Result<(Tensor, Tensor, Tensor)> {
    let a1 = p.w1.matmul(x)?.add(&p.b1)?; // (h,)
    let h = a1.relu()?; // (h,)
    let f = p.w2.matmul(&h)?.add(&p.b2)?; // (1,)
    Ok((a1, h, f.squeeze()?))
}

/// L = ½ (f − y)².
fn loss_fn(f: &Tensor, y: &Tensor) -> Result<Tensor> {
    f.sub(y)?.pow(2.0)?.mul(0.5)
}

/// The chain rule, written out.
fn backward_manual(
    x: &Tensor,
    y: &Tensor,
    a1: &Tensor,
    h: &Tensor,
    f: &Tensor,
    p: &Params,
) -> Result<Params> {
    // output layer
    let df = f.sub(y)?; // a number
    let dw2 = df.mul(&h.unsqueeze(0)?)?; // (1, h)
    let db2 = df.reshape([1])?; // (1,)

    // hidden layer
    let dh = p.w2.select(0, 0)?.mul(&df)?; // (h,)
    let da1 = dh.mul(&a1.gt(0.0)?.to(a1.dtype())?)?; // ReLU'

    // input layer
    let dw1 = da1.unsqueeze(1)?.matmul(&x.unsqueeze(0)?)?; // (h, d)
    Ok(Params {
        w1: dw1,
        b1: da1,
        w2: dw2,
        b2: db2,
    })
}

/// Central differences, one coordinate after the other. Writes to `theta` and puts every value back.
fn numeric_grad(
    theta: &Tensor,
    eps: f64,
    loss: impl Fn(&Tensor) -> Result<Tensor>,
) -> Result<Tensor> {
    let num = theta.zeros_like()?;
    for i in 0..theta.numel() as i64 {
        let orig: f64 = theta.get(i)?;
        theta.set(i, orig + eps)?;
        let lp = loss(theta)?;
        theta.set(i, orig - eps)?;
        let lm = loss(theta)?;
        num.set(i, &lp.sub(&lm)?.div(2.0 * eps)?)?;
        theta.set(i, orig)?;
    }
    Ok(num)
}
