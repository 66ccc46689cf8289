//! The checker on the seed experiment: the figures of the study, by name.

use pullback::check::{Check, Report, Status, Verdict};
use pullback::random::numpy::default_rng;
use pullback::{DType, Result, Tensor};

/// The page's data and weights, and one sample.
fn seed(dtype: DType, sample: usize) -> Result<(Vec<Tensor>, Tensor, Tensor)> {
    let mut rng = default_rng(42u64);
    let x: Vec<f32> = rng
        .uniform(-1.0, 1.0, 1000)
        .unwrap()
        .iter()
        .map(|v| *v as f32)
        .collect();
    let mut normal = |shape: &[usize]| -> Result<Tensor> {
        let n = shape.iter().product();
        Tensor::from_slice(&rng.normal(0.0, 0.1, n).unwrap(), shape)?.to(dtype)
    };
    let w1 = normal(&[4, 2])?;
    let w2 = normal(&[1, 4])?;
    let params = vec![
        w1,
        Tensor::zeros([4], dtype)?,
        w2,
        Tensor::zeros([1], dtype)?,
    ];
    let x0 = Tensor::from_slice(&x[2 * sample..2 * sample + 2], [2])?.to(dtype)?;
    let y0 = Tensor::scalar(if x[2 * sample] * x[2 * sample + 1] < 0.0 {
        1.0f32
    } else {
        0.0
    })
    .to(dtype)?;
    Ok((params, x0, y0))
}

fn loss(p: &[Tensor], x: &Tensor, y: &Tensor) -> Result<Tensor> {
    let h = p[0].matmul(x)?.add(&p[1])?.relu()?;
    let f = p[2].matmul(&h)?.add(&p[3])?.squeeze()?;
    f.sub(y)?.pow(2.0)?.mul(0.5)
}

fn lab(dtype: DType, sample: usize, step: f64) -> Result<Report> {
    let (params, x, y) = seed(dtype, sample)?;
    let refs: Vec<&Tensor> = params.iter().collect();
    Check::new(|p| loss(p, &x, &y), &refs)
        .names(&["W1", "b1", "W2", "b2"])
        .step(step)
        .run()
}

fn count(r: &Report, v: Verdict) -> usize {
    r.coordinates.iter().filter(|c| c.verdict == v).count()
}

#[test]
fn in_f32_the_gap_is_forward_rounding_and_no_kink() -> Result<()> {
    let r = lab(DType::F32, 0, 1e-5)?;
    println!("{r}");
    assert_eq!(
        (count(&r, Verdict::Agree), count(&r, Verdict::RoundOff)),
        (8, 9),
        "{r}"
    );
    assert_eq!(r.status, Status::Pass, "{r}");
    let worst = r.largest_gap().unwrap();
    assert_eq!(worst.name, "W2[0,3]");
    assert!((worst.gap.abs() - 4.57e-3).abs() < 1e-5, "{}", worst.gap);
    assert!((worst.ledger.forward / worst.gap) > 0.99);
    assert!(r.coordinates.iter().all(|c| c.ledger.kink == 0.0));
    let kink = r.nearest_kink.unwrap();
    assert!((kink.steps - 535.0).abs() < 1.0, "{}", kink.steps);
    assert_eq!(kink.unit, 1);
    Ok(())
}

#[test]
fn in_f64_all_agree() -> Result<()> {
    let r = lab(DType::F64, 0, 1e-5)?;
    println!("{r}");
    assert_eq!(count(&r, Verdict::Agree), 17, "{r}");
    assert_eq!(r.status, Status::Pass);
    Ok(())
}

#[test]
fn a_step_over_a_kink_is_named() -> Result<()> {
    let r = lab(DType::F64, 415, 1e-4)?;
    println!("{r}");
    let crossed: Vec<&str> = r
        .coordinates
        .iter()
        .filter(|c| c.verdict == Verdict::KinkCrossed)
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(crossed, ["b1[2]"], "{r}");
    assert_eq!(count(&r, Verdict::Agree), 16, "{r}");
    let gap = r.largest_gap().unwrap();
    assert!((gap.gap.abs() - 5.4e-6).abs() < 1e-7, "{}", gap.gap);
    Ok(())
}

#[test]
fn the_ledger_sums_to_the_gap() -> Result<()> {
    for (dtype, tiny) in [(DType::F32, 1e-15), (DType::F64, 1e-17)] {
        for c in lab(dtype, 0, 1e-5)?.coordinates {
            assert!(
                (c.ledger.sum() - c.gap).abs() <= tiny,
                "{}: {} for {}",
                c.name,
                c.ledger.sum(),
                c.gap
            );
        }
    }
    Ok(())
}

#[test]
fn planted_errors_above_the_mde_are_found() -> Result<()> {
    for (dtype, relative) in [(DType::F32, 1e-3), (DType::F64, 1e-6), (DType::F64, 1e-9)] {
        let (params, x, y) = seed(dtype, 0)?;
        let refs: Vec<&Tensor> = params.iter().collect();
        let right = lab(dtype, 0, 1e-5)?;
        for (k, c) in right
            .coordinates
            .iter()
            .enumerate()
            .filter(|(_, c)| c.claimed != 0.0 && c.mde < relative)
        {
            let mut flat: Vec<f64> = right.coordinates.iter().map(|c| c.claimed).collect();
            flat[k] *= 1.0 + 2.0 * relative;
            let mut claims = Vec::new();
            let mut at = 0;
            for p in &params {
                claims.push(
                    Tensor::from_slice(&flat[at..at + p.numel()], p.shape().clone())?.to(dtype)?,
                );
                at += p.numel();
            }
            let r = Check::new(|p| loss(p, &x, &y), &refs)
                .gradients(&claims.iter().collect::<Vec<_>>())
                .run()?;
            let wrong: Vec<usize> = r
                .coordinates
                .iter()
                .enumerate()
                .filter(|(_, c)| c.verdict == Verdict::Bug)
                .map(|(i, _)| i)
                .collect();
            assert_eq!(wrong, [k], "{} {relative}: {r}", c.name);
        }
    }
    Ok(())
}

#[test]
fn ties_are_choices_and_spurious_ones_are_pointed_out() -> Result<()> {
    let zero = Tensor::scalar(0.0f64);
    let r = Check::new(|x| x[0].relu(), &[&zero]).run()?;
    assert_eq!(
        (r.coordinates[0].verdict, r.status),
        (Verdict::SubgradientChoice, Status::Pass),
        "{r}"
    );
    let r = Check::new(|x| x[0].relu()?.sub(&x[0].neg()?.relu()?), &[&zero]).run()?;
    assert_eq!(r.coordinates[0].verdict, Verdict::SubgradientChoice, "{r}");
    assert!(
        r.coordinates[0]
            .remark
            .as_ref()
            .unwrap()
            .contains("spurious"),
        "{r}"
    );
    Ok(())
}

#[test]
fn a_detached_path_is_a_bug() -> Result<()> {
    let x = Tensor::from_slice(&[0.7f64, -1.1], [2])?;
    let r = Check::new(|x| x[0].mul(&x[0].detach())?.sum(), &[&x]).run()?;
    assert_eq!(r.status, Status::Fail, "{r}");
    assert!(
        r.coordinates.iter().all(|c| c.verdict == Verdict::Bug),
        "{r}"
    );
    Ok(())
}

#[test]
fn bad_functions_are_errors_that_say_so() -> Result<()> {
    let x = Tensor::from_slice(&[0.7f64], [1])?;
    let ints = Tensor::arange(3)?;
    let e = Check::new(|x| x[0].sum(), &[&ints]).run().unwrap_err();
    assert!(e.message().contains("no input is floating"), "{e}");
    let short = Tensor::zeros([2], DType::F64)?;
    let e = Check::new(|x| x[0].sum(), &[&x])
        .gradients(&[&short])
        .run()
        .unwrap_err();
    assert!(e.message().contains("has shape [2]"), "{e}");
    Ok(())
}

#[test]
fn many_parameters_are_settled_by_projections() -> Result<()> {
    let mut rng = default_rng(1u64);
    let w = Tensor::from_slice(&rng.normal(0.0, 0.1, 20_000).unwrap(), [100, 200])?;
    let v = Tensor::from_slice(&rng.normal(0.0, 0.1, 100).unwrap(), [100])?;
    let x = Tensor::from_slice(&rng.normal(0.0, 1.0, 200).unwrap(), [200])?;
    let f = |p: &[Tensor]| p[0].matmul(&x)?.tanh()?.matmul(&p[1]);
    let r = Check::new(f, &[&w, &v]).names(&["w", "v"]).run()?;
    assert_eq!(r.status, Status::Pass, "{r}");
    assert!(r.evaluations < 500, "{} evaluations", r.evaluations);

    // One wrong number among twenty thousand.
    let leaf = |t: &Tensor| {
        Tensor::from_array(t.array().copy().unwrap())
            .requires_grad_(true)
            .unwrap()
    };
    let (wl, vl) = (leaf(&w), leaf(&v));
    f(&[wl.clone(), vl.clone()])?.backward()?;
    let (gw, gv) = (wl.grad().unwrap(), vl.grad().unwrap());
    let line = gw.flatten()?;
    line.set(12_345, line.get::<f64>(12_345)? * (1.0 + 1e-8))?;
    let r = Check::new(f, &[&w, &v])
        .names(&["w", "v"])
        .gradients(&[&gw, &gv])
        .run()?;
    let wrong: Vec<&str> = r
        .coordinates
        .iter()
        .filter(|c| c.verdict == Verdict::Bug)
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(wrong, ["w[61,145]"], "{r}");
    Ok(())
}

#[test]
fn second_derivatives_are_checked_the_same_way() -> Result<()> {
    let x = Tensor::from_slice(&[0.3f64, -0.8, 1.4], [3])?;
    let r = Check::new(|x| x[0].sin()?.mul(&x[0].exp()?)?.sum(), &[&x]).run_second_order()?;
    assert_eq!(r.status, Status::Pass, "{r}");
    assert!(
        r.coordinates.iter().all(|c| c.verdict == Verdict::Agree),
        "{r}"
    );
    Ok(())
}

#[test]
fn forward_reverse_and_differences_meet() -> Result<()> {
    let a = lab(DType::F32, 3, 1e-5)?.adjoint.unwrap();
    assert!(
        (a.forward - a.reverse).abs() <= a.budget && (a.forward - a.differences).abs() <= a.budget,
        "{a:?}"
    );
    Ok(())
}

#[test]
fn kinds_of_bugs_are_named() -> Result<()> {
    use pullback::check::BugKind;
    let a = Tensor::from_slice(&[0.3f64, -0.8, 1.4, 2.2], [2, 2])?;
    let f = |x: &[Tensor]| x[0].pow(3.0)?.sum();
    let right = a.pow(2.0)?.mul(3.0)?;
    let kind = |g: Tensor| {
        Check::new(f, &[&a])
            .gradients(&[&g])
            .run()
            .map(|r| (r.status, r.bug))
    };
    assert_eq!(kind(right.clone())?, (Status::Pass, None));
    assert_eq!(kind(right.neg()?)?, (Status::Fail, Some(BugKind::Sign)));
    assert_eq!(
        kind(right.mul(2.0)?)?,
        (Status::Fail, Some(BugKind::CountedTwice))
    );
    assert_eq!(
        kind(right.mul(0.5)?)?,
        (Status::Fail, Some(BugKind::Factor(0.5)))
    );
    assert_eq!(
        kind(right.t()?.copy()?)?,
        (Status::Fail, Some(BugKind::Transposed))
    );
    assert_eq!(
        kind(right.zeros_like()?)?,
        (Status::Fail, Some(BugKind::MissingPath))
    );
    Ok(())
}

#[test]
fn a_formula_by_hand_is_checked_in_higher_precision_with_all_it_captured() -> Result<()> {
    let (params, x, y) = seed(DType::F32, 0)?;
    let refs: Vec<&Tensor> = params.iter().collect();
    let by_hand = |p: &[Tensor], sign: f64| -> Result<Vec<Tensor>> {
        let a1 = p[0].matmul(&x)?.add(&p[1])?;
        let h = a1.relu()?;
        let df = p[2].matmul(&h)?.add(&p[3])?.squeeze()?.sub(&y)?;
        let da1 = p[2]
            .select(0, 0)?
            .mul(&df)?
            .mul(&a1.gt(0.0)?.to(a1.dtype())?)?;
        let dw1 = da1.unsqueeze(1)?.matmul(&x.unsqueeze(0)?)?;
        Ok(vec![
            dw1,
            da1,
            df.mul(&h.unsqueeze(0)?)?,
            df.mul(sign)?.reshape([1])?,
        ])
    };
    let check = |sign: f64| {
        Check::new(|p| loss(p, &x, &y), &refs)
            .names(&["W1", "b1", "W2", "b2"])
            .formula(move |p| by_hand(p, sign))
            .run()
    };
    assert_eq!(check(1.0)?.status, Status::Pass);
    let wrong = check(-1.0)?;
    let names: Vec<&str> = wrong
        .coordinates
        .iter()
        .filter(|c| c.verdict == Verdict::Bug)
        .map(|c| c.name.as_str())
        .collect();
    assert_eq!(names, ["b2[0]"], "{wrong}");
    Ok(())
}

#[test]
fn errors_name_the_line_that_ran_the_check() -> Result<()> {
    let ints = Tensor::arange(3)?;
    let check = Check::new(|x| x[0].sum(), &[&ints]);
    let line = line!() + 1;
    let error = check.run().unwrap_err();
    let site = error.site().unwrap();
    assert!(
        site.file().ends_with("check.rs") && site.line() == line,
        "{error}"
    );
    Ok(())
}

/// A report whose coordinates are all right and which is open as a whole does not count 0 coordinates as the open ones.
#[test]
fn a_gradient_that_is_open_as_a_whole_is_said_to_be() {
    let x = Tensor::from_slice(&[0.5f64, 2.0], [2]).unwrap();
    let mut report = Check::new(|x| x[0].exp()?.sum(), &[&x]).run().unwrap();
    assert_eq!(report.status, Status::Pass);
    report.status = Status::Unknown;
    let text = report.to_string();
    assert!(text.contains("as a whole cannot be certified"), "{text}");
    assert!(!text.contains("0 of 2"), "{text}");
}
