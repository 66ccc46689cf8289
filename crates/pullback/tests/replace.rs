//! Tensors whose array is replaced: every handle sees it, views and saved values keep the old numbers, memory stays bounded,
//! threads never see half of it.

use pullback::{
    DType, Error, ErrorKind, Program, Replay, Result, Tensor, forward_ad, func, no_grad,
};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

type Change = fn(&Tensor) -> Result<()>;
type Make = fn(&Tensor) -> Result<Tensor, Error>;

/// What changes a shape in place, what makes the same as a new tensor, and PyTorch's name of the node.
const CHANGES: &[(Change, Make, &str)] = &[
    (
        |x| x.unsqueeze_(0),
        |x| x.unsqueeze(0),
        "UnsqueezeBackward1",
    ),
    (
        |x| x.unsqueeze_(-1),
        |x| x.unsqueeze(-1),
        "UnsqueezeBackward1",
    ),
    (|x| x.squeeze_(), |x| x.squeeze(), "SqueezeBackward3"),
    (
        |x| x.squeeze_dims_(&[0]),
        |x| x.squeeze_dims(&[0]),
        "SqueezeBackward4",
    ),
    (
        |x| x.squeeze_dims_(&[0, 1]),
        |x| x.squeeze_dims(&[0, 1]),
        "SqueezeBackward5",
    ),
    (
        |x| x.transpose_(0, 1),
        |x| x.transpose(0, 1),
        "TransposeBackward1",
    ),
    (
        |x| x.swapaxes_(-1, 0),
        |x| x.swapaxes(-1, 0),
        "TransposeBackward1",
    ),
    (
        |x| x.swapdims_(0, -1),
        |x| x.swapdims(0, -1),
        "TransposeBackward1",
    ),
    (|x| x.t_(), |x| x.t(), "TBackward1"),
];

fn base() -> Tensor {
    Tensor::from_slice(&[1.0f64, -2.0, 3.0, 0.5, 7.0, 11.0], [3, 2]).unwrap()
}

/// Matrices of several layouts made of the one above.
const FORMS: &[Make] = &[
    |w| w.mul(1.0),
    |w| w.mul(1.0)?.t(),
    |w| w.mul(1.0)?.narrow(0, 1, 1),
    |w| w.mul(1.0)?.narrow(1, 1, 1)?.t(),
    |w| w.mul(1.0)?.select(1, 0)?.unsqueeze(0)?.expand([4, 3]),
];

#[test]
fn a_change_of_shape_is_what_the_function_makes() {
    for (n, form) in FORMS.iter().enumerate() {
        for (k, (change, make, node)) in CHANGES.iter().enumerate() {
            let case = format!("form {n}, change {k}");
            let grad = |f: &dyn Fn(&Tensor) -> Tensor| {
                let w = base().requires_grad_(true).unwrap();
                let y = f(&form(&w).unwrap());
                let out = y.mul(&y).unwrap().sum().unwrap();
                out.backward().unwrap();
                (y, w.grad().unwrap().to_vec::<f64>().unwrap())
            };
            let (want, want_grad) = grad(&|x| make(x).unwrap());
            let (got, got_grad) = grad(&|x| {
                let (handle, before) = (x.clone(), x.version());
                change(&handle).unwrap();
                assert_eq!(x.version(), before + 1, "{case}");
                assert!(x.is(&handle) && x.shape() == handle.shape());
                handle
            });
            assert_eq!(got.shape(), want.shape(), "{case}");
            assert_eq!(got.strides(), want.strides(), "{case}");
            assert_eq!(got.to_vec::<f64>().unwrap(), want.to_vec::<f64>().unwrap());
            assert_eq!(got_grad, want_grad, "{case}");
            assert_eq!(got.grad_fn().unwrap().name(), *node, "{case}");
        }
    }
}

/// Views of what changed, and what changed after its views, still share elements and gradients.
#[test]
fn writes_reach_what_changed_its_shape() {
    for (k, (change, ..)) in CHANGES.iter().enumerate() {
        for whole in [true, false] {
            let run = |change: &dyn Fn(&Tensor)| {
                let w = base().requires_grad_(true).unwrap();
                let x = w.mul(2.0).unwrap();
                let view = x.narrow(0, 0, 2).unwrap();
                change(if whole { &x } else { &view });
                // The other handle of the memory is written; both go into the loss.
                match whole {
                    true => view.mul_(&view.detach().add(1.0).unwrap()).unwrap(),
                    false => x.mul_(&x.detach().add(1.0).unwrap()).unwrap(),
                };
                let loss = |t: &Tensor| t.mul(t).unwrap().sum().unwrap();
                let total = loss(&x).add(&loss(&view).mul(3.0).unwrap()).unwrap();
                total.backward().unwrap();
                (
                    total.item_f64().unwrap(),
                    w.grad().unwrap().to_vec::<f64>().unwrap(),
                )
            };
            let changed = run(&|t| change(t).unwrap());
            assert_eq!(changed, run(&|_| ()), "change {k}, of the whole: {whole}");
        }
    }
}

#[test]
fn refusals_are_pytorchs() {
    for (change, ..) in CHANGES {
        let leaf = base().requires_grad_(true).unwrap();
        let e = change(&leaf).unwrap_err();
        assert_eq!(
            e.message(),
            "a leaf Variable that requires grad is being used in an in-place operation."
        );
        assert_eq!(leaf.shape()[..], [3, 2]);
        // What a gradient reads is the tensor as it was, which PyTorch counts as modified too.
        let x = base().requires_grad_(true).unwrap().mul(1.0).unwrap();
        let y = x.mul(&x).unwrap().sum().unwrap();
        change(&x).unwrap();
        assert!(
            y.backward()
                .unwrap_err()
                .message()
                .contains("has been modified by an inplace operation")
        );
        let _off = no_grad();
        change(&leaf).unwrap();
        assert!(leaf.is_leaf() && leaf.requires_grad() && leaf.version() == 1);
    }
    let w = base().requires_grad_(true).unwrap();
    for x in [w.clone(), w.mul(1.0).unwrap()] {
        let e = x.resize_([6]).unwrap_err();
        assert_eq!(e.message(), "cannot resize variables that require grad");
    }
    let e = w.set_data(&Tensor::arange(3).unwrap()).unwrap_err();
    assert_eq!(
        e.message(),
        "data set to a tensor that requires gradients must be floating point or complex dtype"
    );
    let e = base().set_(&Tensor::arange(3).unwrap(), None).unwrap_err();
    assert_eq!(
        e.message(),
        "Could not set tensor of type long int to a tensor of type double"
    );
    let e = base().unsqueeze_(5).unwrap_err();
    assert_eq!(
        e.message(),
        "Dimension out of range (expected to be in range of [-3, 2], but got 5)"
    );
}

/// A leaf takes gradients of the shape and dtype that it has now.
#[test]
fn leaves_train_on_with_other_data() {
    for dtype in [DType::F32, DType::F64] {
        for shape in [&[3usize, 2][..], &[2], &[1, 4], &[]] {
            let w = base().requires_grad_(true).unwrap();
            let handle = w.clone();
            w.set_data(&Tensor::full(shape, 2.0, dtype).unwrap())
                .unwrap();
            let y = handle.mul(&handle).unwrap().sum().unwrap();
            y.backward().unwrap();
            let g = w.grad().unwrap();
            assert_eq!((g.dtype(), &g.shape()[..]), (dtype, shape));
            assert!(g.to_f64_vec().unwrap().iter().all(|&g| g == 4.0));
            // A gradient of the old shape is refused, one of the new is taken.
            w.set_grad(Some(Tensor::zeros(shape, dtype).unwrap()))
                .unwrap();
            assert!(
                w.set_grad(Some(Tensor::zeros([9], dtype).unwrap()))
                    .is_err()
            );
        }
    }
}

#[test]
fn what_was_made_before_keeps_the_old_numbers() {
    let w = Tensor::from_slice(&[1.0f64, 2.0, 3.0], [3]).unwrap();
    let w = w.requires_grad_(true).unwrap();
    let (view, detached) = (w.narrow(0, 0, 2).unwrap(), w.detach());
    let y = w.mul(&w).unwrap().sum().unwrap();
    let new = Tensor::full([3], 100.0, DType::F64).unwrap();
    w.set_data(&new).unwrap();
    y.backward().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f64>().unwrap(), [2.0, 4.0, 6.0]);
    assert_eq!(view.to_vec::<f64>().unwrap(), [1.0, 2.0]);
    assert_eq!(detached.to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0]);
    // The new memory is shared, under a version for each.
    new.fill_(7.0).unwrap();
    assert_eq!(w.to_vec::<f64>().unwrap(), [7.0; 3]);
    assert_eq!((w.version(), new.version()), (0, 1));
    {
        let _off = no_grad();
        w.add_(1.0).unwrap();
    }
    assert_eq!((w.version(), new.version(), new.item_at(0)), (1, 1, 8.0));
    assert_eq!(view.version(), 0);
}

trait ItemAt {
    fn item_at(&self, i: i64) -> f64;
}

impl ItemAt for Tensor {
    fn item_at(&self, i: i64) -> f64 {
        self.select(0, i).unwrap().item_f64().unwrap()
    }
}

/// A tensor with other memory has left its family: a write to the one changes no history of the other.
#[test]
fn histories_do_not_cross_from_one_memory_to_another() {
    let one = |n: f64| Tensor::full([3], n, DType::F64).unwrap();
    let w = one(2.0).requires_grad_(true).unwrap();
    let x = w.mul(3.0).unwrap();
    let view = x.narrow(0, 0, 3).unwrap();
    x.set_data(&one(5.0)).unwrap();
    let v = one(7.0).requires_grad_(true).unwrap();
    x.mul_(&v).unwrap();
    assert_eq!(view.to_vec::<f64>().unwrap(), [6.0; 3]);
    view.sum().unwrap().backward_retaining().unwrap();
    assert_eq!(w.grad().unwrap().to_vec::<f64>().unwrap(), [3.0; 3]);
    assert!(v.grad().is_none());
    x.sum().unwrap().backward_retaining().unwrap();
    assert_eq!(v.grad().unwrap().to_vec::<f64>().unwrap(), [5.0; 3]);
    // And a write to the view is not the tensor's.
    let u = one(1.0).requires_grad_(true).unwrap();
    view.mul_(&u).unwrap();
    x.sum().unwrap().backward().unwrap();
    assert!(u.grad().is_none());
}

trait Retaining {
    fn backward_retaining(&self) -> Result<()>;
}

impl Retaining for Tensor {
    fn backward_retaining(&self) -> Result<()> {
        self.backward_with(None, pullback::BackwardOptions::NEW.retain_graph(true))
    }
}

#[test]
fn sizes_grow_and_shrink() {
    for shape in [
        &[2usize, 3][..],
        &[0],
        &[],
        &[7],
        &[2, 2],
        &[50, 50],
        &[0, 5],
    ] {
        for start in [
            base(),
            base().t().unwrap(),
            base().narrow(0, 1, 2).unwrap(),
            base().select(1, 1).unwrap(),
        ] {
            let (same, offset) = (start.shape()[..] == *shape, start.array().layout().offset());
            let memory = Tensor::from_array(
                start
                    .array()
                    .view(pullback::Layout::row_major(6.into()))
                    .unwrap(),
            );
            let memory = memory.to_vec::<f64>().unwrap();
            let before = start.version();
            let x = start.clone();
            start.resize_(shape).unwrap();
            assert_eq!(x.shape()[..], *shape);
            assert_eq!(x.version(), before + u32::from(!same));
            if !same {
                assert!(x.is_contiguous());
                let got = x.to_vec::<f64>().unwrap();
                for (i, &n) in got.iter().enumerate() {
                    assert_eq!(n, memory.get(offset + i).copied().unwrap_or(0.0));
                }
            }
        }
    }
    assert_eq!(
        base().resize_([1 << 40, 1 << 40]).unwrap_err().kind(),
        ErrorKind::Alloc
    );
    let e = base().resize_([1 << 45]).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Alloc);
}

#[test]
fn set_shows_other_memory() {
    let x = Tensor::zeros([2], DType::F64).unwrap();
    let source = base();
    x.set_(&source, None).unwrap();
    assert_eq!((&x.shape()[..], x.version()), (&[3, 2][..], 1));
    source.fill_(4.0).unwrap();
    assert_eq!(x.to_vec::<f64>().unwrap(), [4.0; 6]);
    x.set_(&base(), Some(([2, 2].into(), vec![1, 1], 1)))
        .unwrap();
    assert_eq!(x.to_vec::<f64>().unwrap(), [-2.0, 3.0, 3.0, 0.5]);
    assert!(x.set_(&base(), Some(([2].into(), vec![-1], 0))).is_err());
    x.set_(&base(), Some(([2].into(), vec![1], 5))).unwrap();
    assert_eq!(x.to_vec::<f64>().unwrap(), [11.0, 0.0]);
}

fn resident_pages() -> Option<usize> {
    let text = std::fs::read_to_string("/proc/self/statm").ok()?;
    text.split_whitespace().nth(1)?.parse().ok()
}

/// Any number of replacements holds one array, and the first array's memory goes too.
#[test]
fn memory_stays_bounded() {
    const N: usize = 5 << 20; // 40 MB of f64: blocks that the system takes back
    let fresh = || Tensor::full([N], 1.0, DType::F64).unwrap();
    let w = fresh().requires_grad_(true).unwrap();
    let graph = w.mul(&w).unwrap();
    w.set_data(&fresh()).unwrap();
    drop(graph);
    pullback::release_memory();
    let before = resident_pages();
    for i in 0..10 {
        let next = fresh();
        let held = next.array().clone();
        w.set_data(&next).unwrap();
        drop(next);
        assert_eq!(w.item_at(i), 1.0);
        w.set_data(&Tensor::zeros([3 + i as usize], DType::F64).unwrap())
            .unwrap();
        assert!(
            held.is_unique(),
            "an array that was replaced is held by nobody"
        );
        w.set_data(&w.data().to(DType::F32).unwrap()).unwrap();
        w.set_data(&fresh()).unwrap();
    }
    w.set_data(&Tensor::zeros([1], DType::F64).unwrap())
        .unwrap();
    pullback::release_memory();
    if let (Some(before), Some(after)) = (before, resident_pages()) {
        // Two arrays of 10240 pages were held, the first and its successor; now none is.
        assert!(after + 10240 < before, "{before} pages became {after}");
    }
}

/// Readers get an array that was whole at one time: never a mixture, never memory that is gone.
#[test]
fn threads_see_whole_arrays() {
    for n in [10usize, 3000, 200_000] {
        let a = Tensor::full([n], 1.0, DType::F32).unwrap();
        let rounds = if n > 10_000 { 100 } else { 500 };
        let done = AtomicBool::new(false);
        thread::scope(|s| {
            for _ in 0..2 {
                s.spawn(|| {
                    while !done.load(Ordering::Relaxed) {
                        let read = || -> Result<(f64, f64), Error> {
                            let array = a.array();
                            let values = array.to_f64_vec()?;
                            let twice = a.mul(2.0)?;
                            assert!(values.iter().all(|&v| v == values[0]));
                            Ok((values[0] * values.len() as f64, twice.item_at(0)))
                        };
                        match read() {
                            Ok((sum, twice)) => {
                                assert!(sum == n as f64 || sum == 6.0, "{sum}");
                                assert!(twice == 2.0 || twice == 6.0, "{twice}");
                            }
                            // The tensor was replaced between two looks of one operation.
                            Err(e) => assert!(matches!(
                                e.kind(),
                                ErrorKind::Concurrent | ErrorKind::DType | ErrorKind::Shape
                            )),
                        }
                    }
                });
            }
            for i in 0..rounds {
                let next = match i % 2 {
                    0 => Tensor::full([2], 3.0, DType::F64).unwrap(),
                    _ => Tensor::full([n], 1.0, DType::F32).unwrap(),
                };
                a.set_data(&next).unwrap();
            }
            done.store(true, Ordering::Relaxed);
        });
        assert_eq!(a.numel(), n);
    }
}

/// Recorded, pushed and transformed functions see changes of shape and other data, or say that they do not.
#[test]
fn observers_see_what_changed() {
    for (k, (change, make, _)) in CHANGES.iter().enumerate() {
        let f = |x: &Tensor| {
            let y = x.mul(2.0)?;
            let part = y.narrow(0, 0, 2)?;
            change(&y)?;
            part.mul_(3.0)?;
            y.mul(&y)?.sum()?.add(&part.sum()?)
        };
        let plain = |x: &Tensor| {
            let y = x.mul(2.0)?;
            y.narrow(0, 0, 2)?.mul_(3.0)?;
            let part = y.narrow(0, 0, 2)?;
            let y = make(&y)?;
            y.mul(&y)?.sum()?.add(&part.sum()?)
        };
        let (program, _) = Program::snapshot(&[&base()], |x| Ok(vec![f(&x[0])?])).unwrap();
        let other = base().add(1.0).unwrap();
        let replayed = program.replay(&[&other], Replay::default()).unwrap();
        let want = plain(&other).unwrap().item_f64().unwrap();
        assert_eq!(replayed[0].item_f64().unwrap(), want, "change {k}");
        let dot = base().mul(0.5).unwrap();
        let (_, want) = func::jvp(|x| plain(&x[0]), &[&base()], &[&dot]).unwrap();
        let (_, got) = func::jvp(|x| f(&x[0]), &[&base()], &[&dot]).unwrap();
        assert_eq!(
            got.to_f64_vec().unwrap(),
            want.to_f64_vec().unwrap(),
            "change {k}"
        );
        let _level = forward_ad::dual_level().unwrap();
        let x = forward_ad::make_dual(&base(), &dot).unwrap();
        let (_, got) = forward_ad::unpack_dual(&f(&x).unwrap());
        assert_eq!(
            got.unwrap().to_f64_vec().unwrap(),
            want.to_f64_vec().unwrap(),
            "change {k}"
        );
    }
    // `.data = ` of what the function computed.
    let f = |x: &Tensor| -> Result<Tensor, Error> {
        let y = Tensor::zeros([1], DType::F32)?;
        y.set_data(&x.mul(2.0)?)?;
        y.add(1.0)?.sum()
    };
    let (program, _) = Program::snapshot(&[&base()], |x| Ok(vec![f(&x[0])?])).unwrap();
    let other = base().add(1.0).unwrap();
    let replayed = program.replay(&[&other], Replay::default()).unwrap();
    assert_eq!(
        replayed[0].item_f64().unwrap(),
        f(&other).unwrap().item_f64().unwrap()
    );
    let grown = |x: &Tensor| -> Result<Tensor, Error> {
        let y = x.detach().copy()?;
        y.resize_([8])?;
        y.sum()
    };
    let e = Program::snapshot(&[&base()], |x| Ok(vec![grown(&x[0])?])).unwrap_err();
    assert_eq!(e.kind(), ErrorKind::Unsupported);
}

/// What makes a tensor, and what changes its shape in place.
type Made = (&'static str, fn(&Tensor) -> Result<Tensor>);
type Turned = (&'static str, fn(&Tensor) -> Result<()>);

#[test]
fn results_keep_their_history_in_another_shape_where_nothing_is_recorded() -> Result<()> {
    let made: [Made; 9] = [
        ("a slice", |x| x.narrow(0, 0, 1)),
        ("one of several", |x| Ok(x.split(1, 0)?.remove(0))),
        ("a slice of a result", |x| x.mul(2.0)?.narrow(0, 1, 1)),
        ("a sum", |x| x.sum_dims(&[0], true)),
        ("a row", |x| x.select(0, 1)),
        ("one element", |x| x.select(0, 0)?.narrow(0, 1, 1)),
        ("joined", |x| pullback::cat(&[x, x], 0)?.narrow(0, 2, 1)),
        ("expanded", |x| x.select(0, 1)?.expand([1, 3])),
        ("a matrix", |x| x.mul(3.0)),
    ];
    let turned: [Turned; 6] = [
        ("squeeze_", |y| y.squeeze_()),
        ("t_", |y| y.t_()),
        ("unsqueeze_", |y| y.unsqueeze_(0)),
        ("transpose_", |y| y.transpose_(0, -1)),
        ("as_strided_", |y| {
            let (n, step) = (y.size(-1)? as i64, y.array().layout().strides());
            y.as_strided_([n], [step.last().copied().unwrap_or(1) as i64], None)
        }),
        ("squeeze_dims_", |y| y.squeeze_dims_(&[0])),
    ];
    for (what, make) in made {
        for (how, turn) in turned {
            let gradient = |turns: bool| -> Result<Vec<f64>> {
                let x = Tensor::from([[1.0, 2.0, 3.0], [4.0, 5.0, 7.0]]).requires_grad_(true)?;
                let y = make(&x)?;
                if turns {
                    let _quiet = no_grad();
                    turn(&y)?;
                    assert!(y.requires_grad(), "{what} {how}");
                }
                let y = match how == "as_strided_" && !turns && y.ndim() == 2 {
                    true => y.select(0, 0)?,
                    false => y,
                };
                y.mul(&y)?.sum()?.backward()?;
                x.grad().unwrap().to_vec()
            };
            assert_eq!(gradient(true)?, gradient(false)?, "{what} {how}");
        }
    }
    Ok(())
}
