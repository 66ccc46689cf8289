//! The flow report: reached, unused, or cut, and where.

use super::*;
use pullback::{CutReason, DType, Flow, Result, no_grad, track_flow};

fn cut(flow: Flow) -> (&'static str, CutReason, u32) {
    match flow {
        Flow::Cut(at) => {
            assert!(at.site.file().ends_with("flow.rs"));
            (at.op, at.reason, at.site.line())
        }
        other => panic!("{other}"),
    }
}

#[test]
fn reached_unused_and_cut_at_once() -> Result<()> {
    let (w, b, other) = (leaf(&[2.0]), leaf(&[1.0]), leaf(&[1.0]));
    let loss = w.detach().mul(&b)?.sum()?;
    let line = line!() - 1;
    for _ in 0..2 {
        let flow = loss.flow(&[&w, &b, &other, &plain(&[1.0])]);
        assert_eq!(cut(flow[0]), ("detach", CutReason::NoDerivative, line));
        assert_eq!(flow[1..], [Flow::Reached, Flow::Unused, Flow::NotRequired]);
        let _ = loss.backward(); // the report is the same before and after
    }
    assert_eq!(
        loss.flow(&[&w])[0].to_string().split(':').next(),
        Some("cut by `detach` at crates/pullback/tests/autograd/flow.rs")
    );
    Ok(())
}

#[test]
fn every_way_to_be_cut() -> Result<()> {
    let (w, b) = (leaf(&[2.0, 3.0]), leaf(&[1.0]));
    let quiet = {
        let _off = no_grad();
        w.exp()?.mul(2.0)?
    };
    let cases = [
        (w.gt(2.5)?.to(DType::F64)?, "gt", CutReason::NoDerivative),
        (
            w.to(DType::I64)?.to(DType::F64)?,
            "to",
            CutReason::NotFloating,
        ),
        (quiet, "exp", CutReason::NoGrad),
    ];
    for (x, op, reason) in cases {
        let loss = x.mul(&b)?.sum()?;
        let (name, why, _) = cut(loss.flow(&[&w])[0]);
        assert_eq!((name, why), (op, reason));
        assert_eq!(x.cut().map(|c| c.op), Some(op));
        let e = x.sum()?.backward().unwrap_err();
        assert!(e.to_string().contains(&format!("cut by `{op}` at ")), "{e}");
    }
    assert!(w.cut().is_none() && w.exp()?.cut().is_none());
    Ok(())
}

#[test]
fn far_from_the_cut_under_track_flow() -> Result<()> {
    let (w, b) = (leaf(&[2.0]), leaf(&[1.0]));
    let far = |w: &Tensor| w.exp()?.mul(3.0)?.neg()?.detach().mul(2.0);
    let loss = far(&w)?.mul(&b)?.sum()?;
    assert_eq!(loss.flow(&[&w, &b]), [Flow::Unused, Flow::Reached]);
    let _track = track_flow();
    let loss = far(&w)?.detach().mul(&b)?.sum()?;
    let flow = loss.flow(&[&w, &b]);
    assert_eq!(cut(flow[0]).0, "detach");
    assert_eq!(flow[1], Flow::Reached);
    // A parameter with two ways, one of them cut, is reached.
    let loss = far(&w)?.mul(&w)?.sum()?;
    assert_eq!(loss.flow(&[&w]), [Flow::Reached]);
    Ok(())
}

#[test]
fn histories_behind_cuts_die_with_the_result_and_need_no_stack() {
    std::thread::Builder::new()
        .stack_size(256 << 10)
        .spawn(|| {
            let _track = track_flow();
            let w = leaf(&[1.0]);
            let mut y = w.mul(1.0).unwrap();
            for _ in 0..20_000 {
                y = y.detach().requires_grad_(true).unwrap().mul(&w).unwrap();
                y = y.detach().mul(&w).unwrap();
            }
            drop(y);
        })
        .unwrap()
        .join()
        .unwrap();
}

/// Each step of such a loop is a cut; only the last one lives.
#[test]
fn a_loop_without_recording_keeps_nothing() -> Result<()> {
    let (w, b) = (leaf(&[1.0]), leaf(&[1.0]));
    let mut h = plain(&[1.0]);
    {
        let _off = no_grad();
        for _ in 0..20_000 {
            h = h.mul(&w)?;
        }
    }
    let flow = h.mul(&b)?.flow(&[&w, &b]);
    assert!(matches!(flow[..], [Flow::Cut(at), Flow::Reached] if at.reason == CutReason::NoGrad));
    Ok(())
}

#[test]
fn a_gradient_asked_for_says_where_its_way_was_cut() -> Result<()> {
    let (w, b) = (leaf(&[2.0]), leaf(&[1.0]));
    let loss = w.detach().mul(&b)?.sum()?;
    let e = pullback::grad(&[(&loss, None)], &[&w], RETAIN).unwrap_err();
    assert!(
        e.to_string().contains("its way was cut by `detach` at "),
        "{e}"
    );
    Ok(())
}
