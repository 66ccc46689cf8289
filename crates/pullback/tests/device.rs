//! A device that the CPU does not reach: a mock whose memory is behind a handle. Operations, their gradients, writes, views and
//! programs work on it, and nothing in the library reads its numbers past it.

use pullback::formula::{Expression, Scalar};
use pullback::ops::OPS;
use pullback::proof::Sample;
use pullback::{
    Array, Backend, BackwardOptions, DType, Device, Element, Error, ErrorKind, Layout, Op, Program,
    Replay, Result, Shape, Tensor, grad, install_device, kernels, no_grad, on_device,
};
use std::cell::Cell;
use std::sync::Once;

const MOCK: Device = Device::Other("mock");

thread_local! {
    /// How often numbers came to the host.
    static DOWNLOADS: Cell<usize> = const { Cell::new(0) };
    /// How many elements were computed by a formula.
    static FORMULAS: Cell<usize> = const { Cell::new(0) };
}

/// The mock's memory: only it knows what is in the handle.
struct Memory(Array);

/// Computes by formulas where operations have one, else by the CPU's kernels in its own memory.
struct Mock;

impl Mock {
    /// The memory of an array of the device, as the CPU sees it.
    fn lent(a: &Array) -> Result<Array> {
        let memory = a.handle().and_then(|h| h.downcast_ref::<Memory>());
        let Some(Memory(memory)) = memory else {
            return Err(Error::new(ErrorKind::Argument, "no memory of the mock"));
        };
        memory.reinterpret(a.dtype(), a.layout().clone())
    }

    /// An array of the device whose memory is that of an array of the CPU.
    fn taken(a: &Array) -> Result<Array> {
        let (memory, bytes) = (Box::new(Memory(a.clone())), a.storage().bytes());
        Array::elsewhere(MOCK, memory, bytes, a.layout().clone(), a.dtype())
    }

    /// The operation's formula for each element.
    fn formula<T: Scalar + Element>(e: &Expression, inputs: &[Array]) -> Result<Array> {
        let mut shape = Shape::scalar();
        for a in inputs {
            shape = shape.broadcast(a.shape())?;
        }
        let columns: Vec<Vec<T>> = (inputs.iter())
            .map(|a| a.expand(&shape)?.to_vec::<T>())
            .collect::<Result<_>>()?;
        let element = |i: usize| e.at(&columns.iter().map(|c| c[i]).collect::<Vec<T>>());
        let all: Vec<T> = (0..shape.numel()).map(element).collect();
        FORMULAS.set(FORMULAS.get() + all.len());
        Array::from_slice(&all, shape)
    }
}

impl Backend for Mock {
    fn device(&self) -> Device {
        MOCK
    }
    fn upload(&self, from: &Array) -> Result<Array> {
        Mock::taken(&from.copy_as_it_lies()?)
    }
    fn download(&self, from: &Array) -> Result<Array> {
        DOWNLOADS.set(DOWNLOADS.get() + 1);
        Mock::lent(from)?.copy_as_it_lies()
    }
    fn eval(&self, op: &dyn Op, inputs: &[&Array]) -> Result<smallvec::SmallVec<[Array; 2]>> {
        let lent: Vec<Array> = (inputs.iter().map(|a| Mock::lent(a))).collect::<Result<_>>()?;
        let dtype = lent.first().map(Array::dtype);
        let all = match (op.expression(), dtype) {
            (Some(e), Some(DType::F32)) => [Mock::formula::<f32>(&e, &lent)?].into_iter().collect(),
            (Some(e), Some(DType::F64)) => [Mock::formula::<f64>(&e, &lent)?].into_iter().collect(),
            _ => op.eval_many(&lent.iter().collect::<Vec<_>>())?,
        };
        (all.iter())
            .map(|value| {
                // What is a view stays one.
                let seen = lent.iter().position(|a| a.storage().same(value.storage()));
                match seen {
                    Some(k) if value.dtype() == inputs[k].dtype() => {
                        inputs[k].view(value.layout().clone())
                    }
                    _ => Mock::taken(value),
                }
            })
            .collect()
    }
    fn write(&self, to: &Array, from: &Array) -> Result<()> {
        kernels::assign(&Mock::lent(to)?, &Mock::lent(from)?)
    }
}

fn mock() {
    static ONCE: Once = Once::new();
    ONCE.call_once(|| install_device(Mock).unwrap());
}

fn on_mock(t: &Tensor) -> Tensor {
    mock();
    t.to_device(MOCK).unwrap()
}

/// The result of a sample and the gradients of its sum, on the device of its inputs.
fn ran(sample: &Sample, inputs: &[Array], device: Device) -> Result<(Tensor, Vec<Option<Tensor>>)> {
    let leaf = |a: &Array| {
        let t = Tensor::from_array(a.clone()).to_device(device)?;
        let floating = t.dtype().is_differentiable();
        t.requires_grad_(floating)
    };
    let leaves: Vec<Tensor> = inputs.iter().map(leaf).collect::<Result<_>>()?;
    let y = sample.run(&leaves)?;
    if y.requires_grad() && y.dtype().is_differentiable() {
        y.sum()?.backward()?;
    }
    Ok((y, leaves.iter().map(Tensor::grad).collect()))
}

fn same(got: &Tensor, want: &Tensor, device: Device) -> std::result::Result<(), String> {
    if got.device() != device {
        return Err(format!("lies on {}", got.device()));
    }
    if got.shape() != want.shape() || got.dtype() != want.dtype() {
        return Err(format!("{} instead of {}", got.shape(), want.shape()));
    }
    let (g, w) = (got.to_f64_vec().unwrap(), want.to_f64_vec().unwrap());
    let close = |(a, b): (&f64, &f64)| {
        a.to_bits() == b.to_bits() || a.is_nan() && b.is_nan() || (a - b).abs() <= 1e-12 * b.abs()
    };
    match g.iter().zip(&w).all(close) {
        true => Ok(()),
        false => Err(format!("{g:?} instead of {w:?}")),
    }
}

/// Operations whose rules look at numbers: how often a row was looked up, and whether there are zeros.
const READ_ON_HOST: &[&str] = &[
    "embedding_backward",
    "prod",
    "cumprod",
    "linalg_det",
    "linalg_lu_factor_ex",
];

#[test]
fn operations_and_their_gradients_run_on_a_device() {
    mock();
    let (mut tried, mut wrong, mut read) = (0, Vec::new(), Vec::new());
    for def in OPS {
        for (number, sample) in (def.proof.samples)().iter().enumerate() {
            let inputs = sample.inputs(DType::F64).unwrap();
            let Ok((want, slopes)) = ran(sample, &inputs, Device::Cpu) else {
                continue;
            };
            if inputs.is_empty() {
                continue;
            }
            let what = format!("{} {number}", def.name);
            tried += 1;
            let before = DOWNLOADS.get();
            let got = ran(sample, &inputs, MOCK);
            if DOWNLOADS.get() != before && !read.contains(&def.name) {
                read.push(def.name);
            }
            let (got, found) = match got {
                Ok(all) => all,
                Err(e) => {
                    wrong.push(format!("{what}: {e}"));
                    continue;
                }
            };
            if let Err(e) = same(&got, &want, MOCK) {
                wrong.push(format!("{what}: {e}"));
            }
            for (k, (got, want)) in found.iter().zip(&slopes).enumerate() {
                match (got, want) {
                    (Some(got), Some(want)) => {
                        if let Err(e) = same(got, want, MOCK) {
                            wrong.push(format!("{what}, gradient {k}: {e}"));
                        }
                    }
                    (None, None) => {}
                    _ => wrong.push(format!("{what}, gradient {k}: is there once")),
                }
            }
        }
    }
    assert!(tried > 500, "{tried}");
    assert!(
        wrong.is_empty(),
        "{} of {tried}:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    assert!(FORMULAS.get() > 500);
    assert_eq!(read, READ_ON_HOST, "operations that read on the host");
}

#[test]
fn kernels_of_the_cpu_are_refused() {
    let x = on_mock(&Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [2, 2]).unwrap());
    let own = Tensor::zeros([2, 2], DType::F64).unwrap();
    let refused = [
        kernels::map(&x.array(), |v: f64| v).map(|_| ()),
        kernels::sum(&x.array(), &[0], false).map(|_| ()),
        kernels::matmul(&x.array(), &x.array()).map(|_| ()),
        kernels::fill(&x.array(), 1.0.into()),
        kernels::assign(&own.array(), &x.array()),
        x.array().copy().map(|_| ()),
        x.array().to_vec::<f64>().map(|_| ()),
        x.array().host_address().map(|_| ()),
    ];
    for (k, result) in refused.into_iter().enumerate() {
        let e = result.unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Unsupported, "{k}: {e}");
    }
    assert_eq!(x.to_vec::<f64>().unwrap(), [1.0, 2.0, 3.0, 4.0]);
    let twice = install_device(Mock).unwrap_err();
    assert_eq!(twice.message(), "a device called mock is there already");
    let mixed = x.add(&own).unwrap_err();
    assert!(
        mixed
            .message()
            .starts_with("Expected all tensors to be on the same device")
    );
    assert_eq!(mixed.op_name(), Some("add"));
    let unknown = own.to_device(Device::Other("moon")).unwrap_err();
    assert_eq!(unknown.message(), "there is no device called moon here");
    assert!(format!("{x}").contains("device='mock'"));
}

#[test]
fn writes_views_and_versions() -> Result<()> {
    let x = on_mock(&Tensor::from_slice(&[1.0f64, 2.0, 3.0, 4.0], [2, 2])?);
    let (row, version) = (x.select(0, 1)?, x.version());
    x.add_(&on_mock(&Tensor::scalar(1.0f64)))?;
    assert_eq!(row.to_vec::<f64>()?, [4.0, 5.0]);
    assert_eq!(row.version(), version + 1);
    row.fill_(7.0)?;
    row.select(0, 0)?.mul_(2.0)?;
    x.t()?
        .select(0, 0)?
        .copy_(&on_mock(&Tensor::from_slice(&[0.5f64, 0.25], [2])?))?;
    assert_eq!(x.to_vec::<f64>()?, [0.5, 3.0, 0.25, 7.0]);
    // Through a view, with a gradient.
    let w = on_mock(&Tensor::from_slice(&[1.0f64, 2.0, 3.0], [3])?).requires_grad_(true)?;
    let y = w.mul(3.0)?;
    y.narrow(0, 0, 2)?.mul_(&w.narrow(0, 1, 2)?)?;
    y.sum()?.backward()?;
    assert_eq!(w.grad().unwrap().to_vec::<f64>()?, [6.0, 12.0, 9.0]);
    // A saved value that is overwritten is an error there too.
    let z = w.exp()?;
    z.detach().zero_()?;
    assert!(z.sum()?.backward().is_err());
    Ok(())
}

/// Two layers, three steps: the loss and the weights.
fn trained(device: Device) -> Result<Vec<f64>> {
    let numbers = |n: usize, by: f64| (0..n).map(|i| (i as f64 * by).sin()).collect::<Vec<_>>();
    let tensor = |n: usize, by: f64, shape: [usize; 2]| {
        Tensor::from_slice(&numbers(n, by), shape)?.to_device(device)
    };
    let (x, y) = (tensor(32, 0.7, [8, 4])?, tensor(8, 1.3, [8, 1])?);
    let weights = [
        tensor(24, 0.9, [4, 6])?.requires_grad_(true)?,
        tensor(6, 0.3, [1, 6])?.requires_grad_(true)?,
        tensor(6, 1.1, [6, 1])?.requires_grad_(true)?,
    ];
    let mut seen = Vec::new();
    for _ in 0..3 {
        let hidden = x.matmul(&weights[0])?.add(&weights[1])?.tanh()?.relu()?;
        let loss = hidden.matmul(&weights[2])?.sub(&y)?.square()?.mean()?;
        loss.backward()?;
        loss.backward_again_is_refused();
        seen.push(loss.item_f64()?);
        let _off = no_grad();
        for w in &weights {
            w.sub_(&w.grad().unwrap().mul(0.1)?)?;
            w.grad().unwrap().zero_()?;
        }
    }
    for w in &weights {
        assert_eq!(w.device(), device);
        seen.extend(w.to_vec::<f64>()?);
    }
    Ok(seen)
}

trait Again {
    fn backward_again_is_refused(&self);
}

impl Again for Tensor {
    fn backward_again_is_refused(&self) {
        assert!(self.backward().is_err());
    }
}

#[test]
fn a_model_is_trained_on_a_device() -> Result<()> {
    mock();
    let (here, there) = (trained(Device::Cpu)?, trained(MOCK)?);
    for (a, b) in here.iter().zip(&there) {
        assert!((a - b).abs() < 1e-12, "{here:?}\n{there:?}");
    }
    Ok(())
}

#[test]
fn programs_orders_and_constants() -> Result<()> {
    let x = on_mock(&Tensor::from_slice(&[0.5f64, -1.5], [2])?).requires_grad_(true)?;
    let f = |x: &Tensor| x.exp()?.mul(x)?.sum();
    let once = grad(
        &[(&f(&x)?, None)],
        &[&x],
        BackwardOptions::NEW.create_graph(true),
    )?
    .remove(0)
    .unwrap();
    let twice = grad(&[(&once.sum()?, None)], &[&x], BackwardOptions::default())?
        .remove(0)
        .unwrap();
    for (slope, at) in twice.to_vec::<f64>()?.iter().zip([0.5f64, -1.5]) {
        assert!((slope - (at + 2.0) * at.exp()).abs() < 1e-12);
    }
    let own = x.detach();
    let (program, out) = Program::trace(&[&own], |x| Ok(vec![f(&x[0])?]))?;
    let again = program.replay(&[&own], Replay::default())?;
    assert_eq!(again[0].device(), MOCK);
    assert_eq!(again[0].item_f64()?, out[0].item_f64()?);
    let zeros = on_device(MOCK, || Tensor::zeros([2, 3], DType::F32))?;
    assert_eq!(zeros.device(), MOCK);
    assert_eq!(x.zeros_like()?.device(), MOCK);
    assert_eq!(x.ones_like()?.to_vec::<f64>()?, [1.0, 1.0]);
    assert_eq!(
        zeros
            .array()
            .view(Layout::row_major(Shape::new(&[6])))?
            .device(),
        MOCK
    );
    Ok(())
}
