//! Every in-place method with an operand, its operand lying in every way to what is written: PyTorch's errors, or the numbers of a copy.

use pullback::{DType, ErrorKind, Result, Tensor};

type Write = fn(&Tensor, &Tensor) -> Result<()>;

/// `x.name_(y)` for tensors of one shape.
const WRITES: [(&str, Write); 22] = [
    ("add_", |x, y| x.add_(y)),
    ("sub_", |x, y| x.sub_(y)),
    ("mul_", |x, y| x.mul_(y)),
    ("div_", |x, y| x.div_(y)),
    ("pow_", |x, y| x.pow_(y)),
    ("add_scaled_", |x, y| x.add_scaled_(y, 2.0)),
    ("sub_scaled_", |x, y| x.sub_scaled_(y, 2.0)),
    ("addcmul_", |x, y| {
        x.addcmul_(&Tensor::ones(x.shape().clone(), x.dtype())?, y, 2.0)
    }),
    ("addcdiv_", |x, y| {
        x.addcdiv_(y, &Tensor::ones(x.shape().clone(), x.dtype())?, 2.0)
    }),
    ("lerp_", |x, y| x.lerp_(y, 0.25)),
    ("clamp_", |x, y| x.clamp_(Some(y.into()), Some(y.into()))),
    ("clamp_min_", |x, y| x.clamp_min_(y)),
    ("clamp_max_", |x, y| x.clamp_max_(y)),
    ("atan2_", |x, y| x.atan2_(y)),
    ("copysign_", |x, y| x.copysign_(y)),
    ("hypot_", |x, y| x.hypot_(y)),
    ("xlogy_", |x, y| x.xlogy_(y)),
    ("eq_", |x, y| x.eq_(y)),
    ("lt_", |x, y| x.lt_(y)),
    ("logical_and_", |x, y| x.logical_and_(y)),
    ("logical_xor_", |x, y| x.logical_xor_(y)),
    ("copy_", |x, y| x.copy_(y)),
];

fn base(tracked: bool) -> Result<Tensor> {
    let b = Tensor::arange(36)?
        .to(DType::F64)?
        .div(7.0)?
        .add(0.5)?
        .reshape([6, 6])?;
    match tracked {
        true => b.requires_grad_(true)?.mul(1.0),
        false => Ok(b),
    }
}

/// Ways to lie: what is written, what is read, and whether PyTorch refuses.
fn lie(way: &str, b: &Tensor) -> Result<(Tensor, Tensor, bool)> {
    let flat = b.view([36])?;
    Ok(match way {
        "the same" => (b.clone(), b.clone(), false),
        "another handle" => (b.clone(), b.view([6, 6])?, false),
        "without history" => (b.clone(), b.detach(), false),
        "shifted" => (flat.narrow(0, 1, 30)?, flat.narrow(0, 0, 30)?, true),
        "transposed" => (b.clone(), b.t()?, true),
        "a part" => (b.clone(), b.narrow(0, 2, 1)?, true),
        "halves" => (b.narrow(0, 0, 3)?, b.narrow(0, 3, 3)?, false),
        "gaps" => (b.narrow(1, 0, 3)?, b.narrow(1, 1, 3)?, false),
        _ => (b.narrow(1, 0, 1)?, b.narrow(0, 0, 1)?.t()?, false),
    })
}

#[test]
fn every_write_in_every_position() -> Result<()> {
    let ways = [
        "the same",
        "another handle",
        "without history",
        "shifted",
        "transposed",
        "a part",
        "halves",
        "gaps",
        "a row and a column",
    ];
    for (name, write) in WRITES {
        for way in ways {
            for tracked in [false, true] {
                let b = base(tracked)?;
                let before = b.to_f64_vec()?;
                let (x, y, refused) = lie(way, &b)?;
                let want = x.detach().copy()?;
                write(&want, &y.detach().copy()?)?;
                let got = write(&x, &y);
                if refused {
                    let e = got.unwrap_err();
                    assert_eq!(e.kind(), ErrorKind::Argument, "{name} {way}: {e}");
                    assert!(
                        e.message().starts_with(
                            "unsupported operation: some elements of the input tensor"
                        ),
                        "{name} {way}: {e}"
                    );
                    assert_eq!(b.to_f64_vec()?, before, "{name} {way}");
                } else {
                    got.map_err(|e| e.note(format!("{name} {way}")))?;
                    assert_eq!(
                        x.to_f64_vec()?,
                        want.to_f64_vec()?,
                        "{name} {way} {tracked}"
                    );
                }
            }
        }
    }
    Ok(())
}

#[test]
fn where_an_element_stands_for_many_only_one_number_is_written() -> Result<()> {
    let stretched = || Tensor::from_slice(&[1.0f64, 2.0], [2, 1])?.expand([2, 3]);
    for (name, write) in WRITES {
        let x = stretched()?;
        let e = write(&x, &Tensor::ones([2, 3], DType::F64)?).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Argument, "{name}: {e}");
        assert!(
            e.message()
                .starts_with("unsupported operation: more than one element"),
            "{name}: {e}"
        );
        assert_eq!(x.to_f64_vec()?, stretched()?.to_f64_vec()?, "{name}");
    }
    let mask = Tensor::from_slice(&[false, true, false, false, false, false], [2, 3])?;
    let x = stretched()?;
    x.masked_fill_(&mask, 5.0)?;
    assert_eq!(x.to_f64_vec()?, [5.0, 5.0, 5.0, 2.0, 2.0, 2.0]);
    x.set((1, 2), 7.0)?;
    assert_eq!(x.to_f64_vec()?, [5.0, 5.0, 5.0, 7.0, 7.0, 7.0]);
    x.set(&mask, 4.0)?;
    assert_eq!(x.to_f64_vec()?, [4.0, 4.0, 4.0, 7.0, 7.0, 7.0]);
    x.fill_(3.0)?;
    x.zero_()?;
    assert_eq!(x.to_f64_vec()?, [0.0; 6]);
    // Windows that overlap, and a large one that no thread may share.
    let row = Tensor::arange(5)?.to(DType::F64)?;
    row.unfold(0, 3, 1)?.fill_(2.0)?;
    assert_eq!(row.to_f64_vec()?, [2.0; 5]);
    let wide = Tensor::zeros([1 << 10], DType::F32)?;
    wide.expand([1 << 10, 1 << 10])?.fill_(1.0)?;
    assert_eq!(wide.sum()?.item_f64()?, 1024.0);
    // History: what was overwritten sends no gradient.
    let leaf = Tensor::ones([1], DType::F64)?.requires_grad_(true)?;
    let base = leaf.mul(2.0)?;
    base.expand([3])?.fill_(3.0)?;
    assert_eq!(base.item_f64()?, 3.0);
    base.sum()?.backward()?;
    let grad = leaf.grad().map(|g| g.to_f64_vec()).transpose()?;
    assert!(grad.is_none_or(|g| g == [0.0]));
    Ok(())
}
