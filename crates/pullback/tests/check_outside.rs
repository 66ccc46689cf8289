//! Single coordinates that leave the graph, among 10, a thousand and a hundred thousand; and what leaves it harmlessly.

use pullback::check::{Check, Report, Status};
use pullback::{Backward, DType, Forward, Function, Grads, Result, Tensor, apply_function, cat};
use std::borrow::Cow;

/// A function with one coordinate, `k`, whose path leaves the graph.
type Leaky = fn(&Tensor, usize) -> Result<Tensor>;

/// Everything but `k`, what `k` is made into, and the rest.
fn with(x: &Tensor, k: usize, one: &Tensor) -> Result<Tensor> {
    let n = x.numel();
    let before = x.narrow(0, 0, k)?;
    let after = x.narrow(0, k + 1, n - k - 1)?;
    cat(&[&before, &one.reshape([1])?, &after], 0)
}

fn at(x: &Tensor, k: usize) -> Result<Tensor> {
    x.select(0, k as i64)
}

const LEAKY: [(&str, Leaky); 6] = [
    ("detached", |x, k| {
        with(x, k, &at(x, k)?.detach())?.square()?.sum()
    }),
    ("half of its path", |x, k| {
        let one = at(x, k)?;
        let rest = with(x, k, &one.mul(0.0)?)?.square()?.sum()?;
        rest.add(&one.mul(&one.detach())?)
    }),
    ("a mean", |x, k| {
        with(x, k, &at(x, k)?.detach())?.exp()?.mean()
    }),
    ("item", |x, k| {
        let one = Tensor::scalar(at(x, k)?.item_f64()?).to(x.dtype())?;
        with(x, k, &one)?.square()?.sum()
    }),
    ("a number", |x, k| {
        x.square()?.sum()?.mul(at(x, k)?.item_f64()? + 3.0)
    }),
    ("numbers from outside", |x, k| {
        let copy = Tensor::from_slice(&x.to_f64_vec()?, [x.numel()])?.to(x.dtype())?;
        let mut mask = vec![0.0; x.numel()];
        mask[k] = 1.0;
        let mask = Tensor::from_slice(&mask, [x.numel()])?.to(x.dtype())?;
        x.square()?.add(&copy.mul(&mask)?)?.sum()
    }),
];

/// Squares; the one at `at` times a number that the function holds, and does not get as an input.
struct Holds {
    held: Tensor,
    at: usize,
    /// With a forward rule of its own.
    forward_rule: bool,
    /// Its `forward` goes by way of plain numbers, and so not in 32 digits.
    numbers: bool,
}

impl Holds {
    fn factors(&self, x: &Tensor) -> Result<Tensor> {
        let mut factors = vec![1.0; x.numel()];
        factors[self.at] = self.held.to_f64_vec()?[self.at];
        Tensor::from_slice(&factors, [x.numel()])?.to(x.dtype())
    }

    fn slopes(&self, cx: &Backward<'_>) -> Result<Tensor> {
        let x = cx.saved(0)?;
        x.mul(2.0)?.mul(&self.factors(&x)?)
    }
}

impl Function for Holds {
    fn name(&self) -> Cow<'static, str> {
        Cow::Borrowed("Holds")
    }
    fn forward(&self, cx: &mut Forward, x: &[Tensor]) -> Result<Vec<Tensor>> {
        cx.save_for_backward(&[&x[0]]);
        let y = x[0].square()?.mul(&self.factors(&x[0])?)?;
        Ok(vec![match self.numbers {
            true => Tensor::from_slice(&y.to_f64_vec()?, [y.numel()])?.to(y.dtype())?,
            false => y,
        }])
    }
    fn backward(&self, cx: &Backward<'_>) -> Result<Grads> {
        Ok(vec![Some(cx.grad(0)?.mul(&self.slopes(cx)?)?)])
    }
    fn jvp(&self, cx: &Backward<'_>, tangents: &[Option<Tensor>]) -> Result<Grads> {
        match (&tangents[0], self.forward_rule) {
            (Some(t), true) => Ok(vec![Some(t.mul(&self.slopes(cx)?)?)]),
            (None, true) => Ok(vec![None]),
            _ => Err(pullback::Error::new(
                pullback::ErrorKind::Unsupported,
                "there is no forward rule",
            )),
        }
    }
}

fn holds(x: &Tensor, at: usize, forward_rule: bool, numbers: bool) -> Result<Tensor> {
    let f = Holds {
        held: x.detach(),
        at,
        forward_rule,
        numbers,
    };
    apply_function(f, &[x])?[0].sum()
}

/// Functions of the user with what they hold.
const HOLDING: [(&str, Leaky); 3] = [
    ("held, with a forward rule", |x, k| holds(x, k, true, false)),
    ("held, without one", |x, k| holds(x, k, false, false)),
    ("held, by way of numbers", |x, k| holds(x, k, false, true)),
];

/// What leaves the graph and changes no derivative.
const HARMLESS: [(&str, Leaky); 6] = [
    ("largest subtracted", |x, _| {
        let m = x.detach().max()?;
        x.sub(&m)?.exp()?.sum()?.log()?.add(&m)
    }),
    ("largest subtracted by item", |x, _| {
        let m = x.max()?.item_f64()?;
        x.sub(m)?.exp()?.sum()?.log()?.add(m)
    }),
    ("a mask", |x, k| {
        x.mul(&x.detach().gt(0.5)?.to(x.dtype())?)?
            .square()?
            .sum()?
            .add(&at(x, k)?)
    }),
    ("a branch", |x, k| match at(x, k)?.item_f64()? > 0.0 {
        true => x.square()?.sum(),
        false => x.sum(),
    }),
    ("a rounded number", |x, k| {
        let whole = at(x, k)?.item_f64()?.floor();
        x.square()?.sum()?.mul(whole + 1.0)
    }),
    ("detached and unused", |x, _| {
        let seen = x.detach().sum()?;
        assert!(seen.item_f64()?.is_finite());
        x.square()?.sum()
    }),
];

fn point(n: usize, dtype: DType) -> Result<Tensor> {
    // Irregular, and nowhere near a kink of the above.
    let x: Vec<f64> = (0..n)
        .map(|i| 0.1 + 0.8 * ((i as f64 * 0.618_034).fract()))
        .collect();
    Tensor::from_slice(&x, [n])?.to(dtype)
}

fn run(f: Leaky, x: &Tensor, k: usize, fast: bool) -> Result<Report> {
    let check = Check::new(move |x: &[Tensor]| f(&x[0], k), &[x]);
    match fast {
        true => check.examine_at_most(0).run(),
        false => check.run(),
    }
}

/// Sizes, whether only projections are allowed, dtypes. A hundred thousand numbers take their time, so only some kinds have them.
fn settings(many: bool) -> Vec<(usize, bool, DType)> {
    let mut all = Vec::new();
    for dtype in [DType::F64, DType::F32] {
        all.extend([(10, false, dtype), (10, true, dtype), (1_000, true, dtype)]);
    }
    if many {
        all.extend([(1_000, false, DType::F64), (100_000, false, DType::F64)]);
    }
    all
}

#[test]
fn one_coordinate_that_leaves_the_graph_is_seen_among_many() -> Result<()> {
    let (mut missed, mut named) = (Vec::new(), 0);
    println!("{:<24} {:>9} {:>7}", "kind", "detected", "missed");
    for (name, f) in LEAKY {
        let mut detected = 0;
        for (n, fast, dtype) in settings(["detached", "item"].contains(&name)) {
            let x = point(n, dtype)?;
            let k = n * 7 / 10 + 1;
            let report = run(f, &x, k, fast)?;
            let own = format!("x0[{k}]");
            named += usize::from(
                (report.coordinates.iter()).any(|c| c.name == own && c.status == Status::Fail),
            );
            match report.status {
                Status::Fail => detected += 1,
                Status::Unknown if dtype == DType::F32 => {}
                _ => missed.push(format!(
                    "{name}, {n} numbers, fast {fast}, {dtype}\n{report}"
                )),
            }
        }
        println!("{name:<24} {detected:>9} {:>7}", missed.len());
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    // Which one it is was said too, wherever it was seen.
    assert!(named >= 6 * settings(false).len() - 4, "{named}");
    Ok(())
}

#[test]
fn what_a_function_of_the_user_holds_is_seen_among_many() -> Result<()> {
    let mut missed = Vec::new();
    for (name, f) in HOLDING {
        let mut detected = 0;
        let mut settings = settings(false);
        if name == "held, without one" {
            settings.push((100_000, true, DType::F64));
        }
        for (n, fast, dtype) in settings {
            let x = point(n, dtype)?;
            let report = run(f, &x, n * 7 / 10 + 1, fast)?;
            match report.status {
                Status::Fail => detected += 1,
                Status::Unknown if dtype == DType::F32 => {}
                _ => missed.push(format!(
                    "{name}, {n} numbers, fast {fast}, {dtype}\n{report}"
                )),
            }
        }
        println!("{name:<24} {detected:>9} {:>7}", missed.len());
        assert!(detected >= 3, "{name}: {detected}");
    }
    assert!(missed.is_empty(), "{}", missed.join("\n"));
    Ok(())
}

#[test]
fn what_leaves_it_harmlessly_is_not_accused() -> Result<()> {
    let mut accused = Vec::new();
    for (name, f) in HARMLESS {
        for (n, fast, dtype) in settings(false) {
            let x = point(n, dtype)?;
            let report = run(f, &x, n * 7 / 10 + 1, fast)?;
            let right = report.status == Status::Pass
                || dtype == DType::F32 && report.status == Status::Unknown;
            if !right {
                accused.push(format!(
                    "{name}, {n} numbers, fast {fast}, {dtype}\n{report}"
                ));
            }
        }
    }
    println!("harmless: accused {}", accused.len());
    assert!(accused.is_empty(), "{}", accused.join("\n"));
    Ok(())
}

#[test]
fn the_report_says_what_was_tested() -> Result<()> {
    let x = point(1_000, DType::F64)?;
    let report = run(|x, _| x.square()?.sum(), &x, 0, true)?;
    let text = report.to_string();
    assert!(text.contains("in what is detached too"), "{text}");
    assert!(text.contains("the same numbers from outside"), "{text}");
    Ok(())
}
