//! Pages without a browser: complete, self-contained, escaped, and true to the report.

mod support;

use pullback::check::{Check, Status};
use pullback::{DType, Result, Tensor};
use pullback_report::{gather, render};
use support::{lab, problems};

#[test]
fn the_page_of_the_experiment_has_everything() -> Result<()> {
    let (f, inputs) = lab(DType::F32)?;
    let inputs: Vec<&Tensor> = inputs.iter().collect();
    let check = Check::new(f, &inputs)
        .names(&["W1", "b1", "W2", "b2"])
        .step(1e-5);
    let report = check.study()?.report().clone();
    let page = gather(&check)?
        .titled("the experiment", "sample 0")
        .by_hand(&report);
    let html = render(&page);
    assert_eq!(problems(&html), Vec::<String>::new());
    // All 17 coordinates, with the report's own numbers.
    assert_eq!(page.rows.len(), 17);
    for c in &report.coordinates {
        let row = page.rows.iter().find(|r| r.name == c.name).expect("a row");
        assert_eq!(
            (row.claimed, row.numeric, row.gap),
            (c.claimed, c.numeric, c.gap)
        );
        assert!(html.contains(&format!("<th scope=\"row\">{}</th>", c.name)));
    }
    let text = html
        .replace("<span class=\"nb\">", "")
        .replace("</span>", "");
    for sentence in report.sentences() {
        assert!(text.contains(&sentence), "{sentence}");
    }
    for id in [
        "ways", "bench", "control", "ledger", "curves", "stencil", "heat", "graph",
    ] {
        assert!(html.contains(&format!("id=\"{id}\"")), "{id}");
    }
    // The curves at the check's own step are the report.
    let own = &page.precisions[0];
    assert_eq!((own.dtype.as_str(), own.curves.len()), ("float32", 17));
    let at = own
        .steps
        .iter()
        .position(|h| *h == 1e-5)
        .expect("the step is among them");
    for curve in &own.curves {
        let c = report
            .coordinates
            .iter()
            .find(|c| c.name == curve.name)
            .expect("there");
        let p = &curve.points[at];
        assert_eq!((p.gap.0, p.verdict), (c.gap, c.verdict.name()));
        for (a, (_, b)) in p.terms.iter().zip(c.ledger.terms()) {
            assert_eq!(a.0, b);
        }
    }
    // In every point the terms sum to the gap, in both precisions.
    assert_eq!(page.precisions.len(), 2);
    for p in &page.precisions {
        for c in &p.curves {
            for q in c.points.iter().filter(|q| q.gap.0.is_finite()) {
                let (sum, size) = q
                    .terms
                    .iter()
                    .fold((0.0, 0.0f64), |a, t| (a.0 + t.0, a.1 + t.0.abs()));
                assert!((sum - q.gap.0).abs() <= 1e-12 * size, "{} {q:?}", c.name);
            }
        }
    }
    // Every operation's rule was tested and is right.
    let ops: Vec<_> = page
        .nodes
        .iter()
        .filter(|n| n.role == "operation")
        .collect();
    assert!(ops.len() >= 8 && ops.iter().all(|n| !n.rules.is_empty()));
    assert!(ops.iter().flat_map(|n| &n.rules).all(|r| r.passed));
    // The map: with a long step some unit decides otherwise, with the own one none.
    assert_eq!(own.gates[0].units.len(), 4);
    assert!(own.crossings[at].is_empty());
    assert!(own.crossings.last().is_some_and(|c| !c.is_empty()));
    Ok(())
}

#[test]
fn names_are_escaped_wherever_they_stand() -> Result<()> {
    let x = Tensor::from_slice(&[0.5f64, -2.0], [2])?;
    let name = "w</script><b onload=\"x\">&'";
    let check = Check::new(|x| x[0].relu()?.square()?.sum(), &[&x]).names(&[name]);
    let html = render(&gather(&check)?.titled("<i>&\"", "a < b"));
    assert_eq!(problems(&html), Vec::<String>::new());
    assert!(
        !html.contains("<b onload") && !html.contains("<i>&"),
        "nothing gets through"
    );
    assert!(html.contains("w&lt;/script&gt;&lt;b onload=&quot;x&quot;&gt;&amp;&#39;[1]"));
    assert!(html.contains("w\\u003c/script>"));
    Ok(())
}

#[test]
fn what_is_not_finite_is_shown_as_such() -> Result<()> {
    // The stencil leaves the domain at long steps; then a function that is not finite at all.
    let x = Tensor::from_slice(&[1e-3f64, 2.0], [2])?;
    let page = gather(&Check::new(|x| x[0].log()?.sum(), &[&x]).step(1e-2))?;
    assert!(page.rows.iter().any(|r| !r.numeric.is_finite()));
    let html = render(&page);
    assert_eq!(problems(&html), Vec::<String>::new());
    assert!(html.contains(">NaN</td>") && html.contains("null"));

    // A function that does not do the same twice: nothing can be measured, and the page says so.
    let calls = std::cell::Cell::new(0.0);
    let noisy = |x: &[Tensor]| {
        calls.set(calls.get() + 1e-3);
        x[0].sum()?.add(calls.get())
    };
    let page = gather(&Check::new(noisy, &[&x]))?;
    assert_eq!(
        (page.status.as_str(), page.precisions.len()),
        ("unknown", 0)
    );
    let html = render(&page);
    assert_eq!(problems(&html), Vec::<String>::new());
    assert!(html.contains("Nothing could be measured at other steps."));
    Ok(())
}

#[test]
fn a_wrong_gradient_is_red_and_the_page_says_where() -> Result<()> {
    let x = Tensor::from_slice(&[0.5f32, 1.5, -0.25], [3])?;
    let wrong = x.cos()?.mul(-1.0)?;
    let check = Check::new(|x| x[0].sin()?.sum(), &[&x]).gradients(&[&wrong]);
    let page = gather(&check)?;
    assert_eq!(page.status, Status::Fail.name());
    let html = render(&page);
    assert!(
        html.contains("FAIL")
            && html.contains("the sign is wrong")
            && html.contains("class=\"h5\"")
    );
    assert_eq!(problems(&html), Vec::<String>::new());
    Ok(())
}

#[test]
fn integers_no_gates_many_parameters_and_no_parameters_shown() -> Result<()> {
    // No gate at all, an integer input beside, and so many coordinates that few are examined.
    let x: Vec<f64> = (0..2100).map(|i| 0.1 + f64::from(i) * 1e-3).collect();
    let (x, n) = (
        Tensor::from_slice(&x, [2100])?,
        Tensor::from_slice(&[1i64, 2], [2])?,
    );
    let page = gather(&Check::new(|x| x[0].sin()?.sum(), &[&x, &n]))?;
    assert_eq!(page.parameters, 2100);
    assert!(
        page.precisions
            .iter()
            .all(|p| p.curves.len() <= 64 && p.gates.is_empty())
    );
    let html = render(&page);
    assert_eq!(problems(&html), Vec::<String>::new());
    assert!(html.len() < 2_000_000, "{}", html.len());
    Ok(())
}
