//! Devices that the CPU does not reach: how their backends become known, and how operations come to them.
//!
//! A tensor on such a device is a handle ([`Array::elsewhere`]) that no kernel of the CPU can read. `apply` gives its operations to
//! the device's [`Backend`], one by one; views move no element and are taken here. Rules are tensor operations, so gradients need
//! nothing more: fused rules, which call kernels, are for the CPU alone. Numbers come to the host where somebody asks for
//! them ([`Tensor::to_device`], [`Tensor::item`]) and where an operation must look at values itself ([`HostRead`]).
//!
//! Not for: how a device computes.

use crate::core::op::Op;
use crate::core::tensor::Tensor;
use crate::core::{narrow, structural, watch};
use crate::{Array, Device, Element, Error, ErrorKind, Result};
use pullback_array::{creating_on, kernels};
use smallvec::SmallVec;
use std::borrow::Cow;
use std::sync::RwLock;
use std::sync::atomic::{AtomicBool, Ordering};

/// What computes on a device that the CPU does not reach.
pub trait Backend: Send + Sync + 'static {
    /// The device, which is [`Device::Other`].
    fn device(&self) -> Device;

    /// A copy of an array of the CPU on the device; strides stay where the array has no gaps.
    ///
    /// # Errors
    /// Where the device has no memory for it.
    fn upload(&self, from: &Array) -> Result<Array>;

    /// A copy of an array of the device in the CPU's memory.
    ///
    /// # Errors
    /// Where there is no memory for it.
    fn download(&self, from: &Array) -> Result<Array>;

    /// The results of an operation whose inputs all lie on the device: as [`Op::eval_many`] gives them, on the device. The operation
    /// says what it is by its type (`Debug` shows its attributes), its name and, where it is elementwise, by its formula
    /// ([`Op::expression`]).
    ///
    /// # Errors
    /// Those of [`Op::eval`]; [`ErrorKind::Unsupported`] for what the device does not have.
    fn eval(&self, op: &dyn Op, inputs: &[&Array]) -> Result<SmallVec<[Array; 2]>>;

    /// Writes `from`, stretched and converted, over `to`; both lie on the device.
    ///
    /// # Errors
    /// As [`kernels::assign`].
    fn write(&self, to: &Array, from: &Array) -> Result<()>;
}

static BACKENDS: RwLock<Vec<&'static dyn Backend>> = RwLock::new(Vec::new());
static KNOWN: AtomicBool = AtomicBool::new(false);

/// Makes a device known, for as long as the process runs.
///
/// # Errors
/// [`ErrorKind::Argument`] where a device of this name is known already, or it is the CPU or `meta`.
pub fn install(backend: impl Backend) -> Result<()> {
    let device = backend.device();
    let mut all = BACKENDS.write().unwrap_or_else(|e| e.into_inner());
    if !matches!(device, Device::Other(_)) || all.iter().any(|b| b.device() == device) {
        return Err(Error::new(
            ErrorKind::Argument,
            format!("a device called {device} is there already"),
        ));
    }
    all.push(Box::leak(Box::new(backend)));
    KNOWN.store(true, Ordering::Release);
    Ok(())
}

/// Whether there is any device but the CPU: everybody else pays one look at this.
#[inline]
pub(crate) fn known() -> bool {
    KNOWN.load(Ordering::Relaxed)
}

/// Whether an array lies where no kernel of the CPU reads it.
#[inline]
pub(crate) fn is_elsewhere(a: &Array) -> bool {
    known() && matches!(a.device(), Device::Other(_))
}

/// Whether one of them does.
#[inline]
pub(crate) fn concerns(arrays: &[&Array]) -> bool {
    known() && arrays.iter().any(|a| is_elsewhere(a))
}

fn backend(device: Device) -> Result<&'static dyn Backend> {
    let all = BACKENDS.read().unwrap_or_else(|e| e.into_inner());
    let found = all.iter().find(|b| b.device() == device).copied();
    found.ok_or_else(|| {
        Error::new(
            ErrorKind::Unsupported,
            format!("there is no device called {device} here"),
        )
    })
}

/// An array on another device; this very array where it lies there.
///
/// # Errors
/// Where the device is not known, or there are no numbers or no memory.
pub(crate) fn moved(a: &Array, to: Device) -> Result<Array> {
    match (a.device(), to) {
        (from, to) if from == to => Ok(a.clone()),
        (Device::Other(_), Device::Cpu) => backend(a.device())?.download(a),
        (Device::Cpu, Device::Other(_)) => backend(to)?.upload(a),
        (Device::Other(_), Device::Other(_)) => moved(&moved(a, Device::Cpu)?, to),
        (Device::Meta, Device::Other(_)) => a.to_device(Device::Cpu),
        (_, Device::Cpu | Device::Meta) => a.to_device(to),
    }
}

/// An array made of nothing, where arrays are made now ([`crate::on_device`]).
///
/// # Errors
/// As [`moved`].
#[inline]
pub(crate) fn created(a: Array) -> Result<Array> {
    match known() {
        false => Ok(a),
        true => match creating_on() {
            Some(device @ Device::Other(_)) => moved(&a, device),
            _ => Ok(a),
        },
    }
}

/// An array made of nothing beside another, where that one lies.
///
/// # Errors
/// As [`moved`].
#[inline]
pub(crate) fn beside(other: &Array, a: Array) -> Result<Array> {
    match is_elsewhere(other) && creating_on().is_none() {
        true => moved(&a, other.device()),
        false => created(a),
    }
}

/// The array for who reads its numbers on the host: itself, or a copy of what lies on another device.
///
/// # Errors
/// Where there is no memory for the copy.
#[inline]
pub(crate) fn on_host(a: &Array) -> Result<Cow<'_, Array>> {
    match is_elsewhere(a) {
        false => Ok(Cow::Borrowed(a)),
        true => moved(a, Device::Cpu).map(Cow::Owned),
    }
}

/// Writes `from`, stretched and converted, over `to`, wherever they lie.
///
/// # Errors
/// As [`kernels::assign`]; where both lie on different devices and `from` has dimensions.
pub(crate) fn assign(to: &Array, from: &Array) -> Result<()> {
    if !concerns(&[to, from]) {
        return kernels::assign(to, from);
    }
    let (device, all) = gathered(&[to, from])?;
    device.write(to, &all[1])?;
    to.storage().note_write();
    Ok(())
}

/// A copy in memory of its own without gaps, in which dimensions lie as they do here, wherever that is.
///
/// # Errors
/// Where there is no memory.
pub(crate) fn copied(a: &Array) -> Result<Array> {
    match is_elsewhere(a) {
        false => a.copy_as_it_lies(),
        true => narrow::eval(&structural::Clone::default(), &[a]),
    }
}

/// The results of an operation some of whose inputs lie on another device.
///
/// # Errors
/// Those of [`Backend::eval`]; where the inputs lie on several devices.
#[cold]
pub(crate) fn eval(op: &dyn Op, arrays: &[&Array]) -> Result<SmallVec<[Array; 2]>> {
    // Most views only say where elements lie; one that cannot copies, which is the device's.
    if op.def().view
        && let Ok(all) = op.eval_many(arrays)
    {
        return Ok(all);
    }
    let (device, all) = gathered(arrays)?;
    let all: SmallVec<[&Array; 4]> = all.iter().map(AsRef::as_ref).collect();
    device.eval(op, &all)
}

type Gathered<'a> = (&'static dyn Backend, SmallVec<[Cow<'a, Array>; 4]>);

/// The device on which the arrays lie, numbers of the CPU copied to it: what PyTorch lets pass.
fn gathered<'a>(arrays: &[&'a Array]) -> Result<Gathered<'a>> {
    let of = |a: &&&Array| matches!(a.device(), Device::Other(_));
    let device = match arrays.iter().find(of) {
        Some(a) => a.device(),
        None => Device::Cpu,
    };
    let backend = backend(device)?;
    let mut all = SmallVec::new();
    for a in arrays {
        all.push(match a.device() {
            own if own == device => Cow::Borrowed(*a),
            Device::Cpu if a.rank() == 0 => Cow::Owned(backend.upload(a)?),
            other => {
                return Err(Error::new(
                    ErrorKind::Argument,
                    format!(
                        "Expected all tensors to be on the same device, but found at least two devices, {device} and {other}!"
                    ),
                )
                .help_in(
                    "copy one to the other's: `x.to_device(y.device())?`",
                    "copy one to the other's: `x.to(y.device)`",
                ));
            }
        });
    }
    Ok((backend, all))
}

/// Numbers read on the host: the mark of every place in which an operation looks at values itself and not by a kernel.
pub(crate) trait HostRead {
    /// All elements in row-major order.
    ///
    /// # Errors
    /// As [`Array::to_vec`]; where there is no memory for a copy of what lies on another device.
    fn numbers<T: Element>(&self) -> Result<Vec<T>>;

    /// The same as `f64`, whatever the dtype.
    ///
    /// # Errors
    /// As [`HostRead::numbers`].
    fn numbers_f64(&self) -> Result<Vec<f64>>;
}

impl HostRead for Array {
    fn numbers<T: Element>(&self) -> Result<Vec<T>> {
        on_host(self)?.to_vec()
    }
    fn numbers_f64(&self) -> Result<Vec<f64>> {
        on_host(self)?.to_f64_vec()
    }
}

impl HostRead for Tensor {
    fn numbers<T: Element>(&self) -> Result<Vec<T>> {
        watch::looked(self);
        self.array().numbers()
    }
    fn numbers_f64(&self) -> Result<Vec<f64>> {
        watch::looked(self);
        self.array().numbers_f64()
    }
}

impl Tensor {
    /// Whether it lies where no kernel of the CPU reads it.
    #[inline]
    pub(crate) fn is_elsewhere(&self) -> bool {
        known() && is_elsewhere(&self.array())
    }
}
