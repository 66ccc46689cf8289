//! In-place writes that are refused, in PyTorch 2.15's words.

mod made;

use made::{leaf, plain};
use pullback::{DType, ErrorKind, Result, Tensor, no_grad};

#[test]
fn leaves_and_their_views_are_protected() -> Result<()> {
    let p = leaf(&[1.0, 2.0]);
    let own = "a leaf Variable that requires grad is being used in an in-place operation.";
    let view =
        "a view of a leaf Variable that requires grad is being used in an in-place operation.";
    for e in [
        p.add_(1.0).unwrap_err(),
        p.mul_(&p).unwrap_err(),
        p.copy_(&plain(&[0.0, 0.0])).unwrap_err(),
        p.zero_().unwrap_err(),
        p.sub_scaled_(&plain(&[0.0, 0.0]), 1.0).unwrap_err(),
    ] {
        assert_eq!((e.message(), e.kind()), (own, ErrorKind::Autograd));
    }
    // A view taken before the tensor became a leaf that requires a gradient is a view of it all the same.
    let q = plain(&[1.0, 2.0]);
    let before = q.narrow(0, 0, 1)?;
    let q = q.requires_grad_(true)?;
    for e in [
        p.set(0, 1.0).unwrap_err(),
        p.reshape([2, 1])?.t()?.add_(1.0).unwrap_err(),
        before.mul_(2.0).unwrap_err(),
        before.mul_(&leaf(&[2.0])).unwrap_err(),
    ] {
        assert_eq!(e.message(), view);
    }
    assert!(q.is_leaf() && q.version() == 0 && p.version() == 0);
    Ok(())
}

#[test]
fn views_taken_under_no_grad_are_not_written_with_recording_on() -> Result<()> {
    let w = leaf(&[5.0]);
    for x in [leaf(&[1.0, 2.0]), leaf(&[1.0, 2.0]).mul(1.0)?] {
        let v = {
            let _off = no_grad();
            let v = x.narrow(0, 0, 1)?;
            v.mul_(2.0)?;
            v
        };
        // It was written since: what would be recorded of it is unknown.
        let e = v.reshape([1, 1]).unwrap_err();
        assert!(
            e.message().starts_with(
                "A view was created in no_grad mode and its base or another view of its base has been modified inplace"
            ),
            "{e}"
        );
        for e in [v.mul_(&w).unwrap_err(), v.mul_(2.0).unwrap_err()] {
            assert!(
                e.message().starts_with(
                    "A view was created in no_grad mode and is being modified inplace"
                ),
                "{e}"
            );
        }
        assert_eq!((x.to_f64_vec()?, x.version()), (vec![2.0, 2.0], 1));
    }
    let plain = plain(&[1.0, 2.0]);
    let v = {
        let _off = no_grad();
        plain.narrow(0, 0, 1)?
    };
    v.mul_(2.0)?; // nothing is tracked here, so nothing is ambiguous
    assert!(v.mul_(&w).is_err());
    Ok(())
}

const OVERLAP: &str = "unsupported operation: some elements of the input tensor and the written-to tensor refer to a single memory location. Please clone() the tensor before performing the operation.";

/// Which operands that share memory with the written tensor are refused: PyTorch's test, which gives up on layouts with
/// gaps. There the old numbers are read, as out of place.
#[test]
fn operands_that_share_some_of_the_written_memory() -> Result<()> {
    let square = || Tensor::arange(16)?.to(DType::F64)?.reshape([4, 4]);
    let row = || Tensor::arange(4)?.to(DType::F64);
    let (a, b) = (row()?, square()?);
    let refused = [
        b.mul_(&b.t()?),
        b.copy_(&b.t()?),
        a.narrow(0, 1, 3)?.add_(&a.narrow(0, 0, 3)?),
        a.narrow(0, 1, 3)?.copy_(&a.narrow(0, 0, 3)?),
        b.narrow(0, 0, 2)?.add_(&b.narrow(0, 1, 2)?),
        a.add_(&a.select(0, 0)?),
        a.add_(&a.narrow(0, 1, 1)?),
        b.add_(&b.select(0, 0)?),
    ];
    for (k, r) in refused.into_iter().enumerate() {
        let e = r.unwrap_err();
        assert_eq!(
            (e.message(), e.kind()),
            (OVERLAP, ErrorKind::Argument),
            "case {k}"
        );
    }
    assert_eq!((a.version(), b.version()), (0, 0));
    let part = |t: &Tensor, at: usize| t.narrow(0, at, 3)?.narrow(1, at, 3);
    for tracked in [false, true] {
        let make = |t: Tensor| match tracked {
            true => t.requires_grad_(true)?.mul(1.0),
            false => Ok(t),
        };
        let (x, y) = (make(square()?)?, square()?);
        part(&x, 1)?.add_(&part(&x, 0)?)?;
        assert_eq!(
            part(&x, 1)?.to_f64_vec()?,
            part(&y, 1)?.add(&part(&y, 0)?)?.to_f64_vec()?
        );
        let x = make(square()?)?;
        x.mul_(&x.narrow(1, 0, 1)?)?;
        assert_eq!(x.to_f64_vec()?, y.mul(&y.narrow(1, 0, 1)?)?.to_f64_vec()?);
        let x = make(square()?)?;
        x.narrow(0, 0, 2)?.add_(&x.narrow(0, 2, 2)?)?;
        x.add_(&x)?;
        x.add_(&x.detach())?;
    }
    let e = a.expand([3, 4])?.add_(1.0).unwrap_err();
    assert!(
        e.message()
            .starts_with("unsupported operation: more than one element of the written-to tensor")
    );
    Ok(())
}

#[test]
fn views_that_came_together_are_not_written() -> Result<()> {
    let w = leaf(&[1.0, 2.0, 3.0, 4.0]);
    let b = w.mul(1.0)?.reshape([2, 2])?;
    let text = |who: &str| {
        format!(
            "{who} is a view and is being modified inplace. This view is the output of a function that returns multiple views. Such functions do not allow the output views to be modified inplace. You should replace the inplace operation by an out-of-place one."
        )
    };
    let cases = [
        (b.unbind(0)?[1].mul_(2.0), "Output 1 of Unbind"),
        (b.split(1, 0)?[0].mul_(2.0), "Output 0 of Split"),
        (b.chunk(2, 0)?[1].mul_(2.0), "Output 1 of Split"),
        (
            b.split_with_sizes([1, 1], 0)?[0].mul_(2.0),
            "Output 0 of SplitWithSizes",
        ),
        (
            b.unbind(0)?[0].narrow(0, 0, 1)?.mul_(2.0),
            "Output 0 of Slice",
        ),
        (w.unbind(0)?[2].mul_(2.0), "Output 2 of Unbind"),
    ];
    for (result, who) in cases {
        assert_eq!(result.unwrap_err().message(), text(who));
    }
    b.tensor_split(2, 0)?[0].mul_(2.0)?;
    let c = plain(&[1.0, 2.0]);
    let parts = c.unbind(0)?;
    parts[0].mul_(2.0)?; // nothing is tracked
    let e = parts[0].mul_(&w.select(0, 0)?).unwrap_err();
    assert!(e.message().starts_with("A view was created in no_grad mode and is being modified inplace with grad mode enabled. This view is the output of a function"), "{e}");
    let _off = no_grad();
    w.unbind(0)?[0].mul_(2.0)?;
    b.unbind(0)?[0].mul_(2.0)?;
    assert_eq!(w.to_f64_vec()?[0], 2.0);
    Ok(())
}
