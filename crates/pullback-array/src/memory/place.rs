//! Where arrays lie, and where those that are made of nothing are to lie.
//!
//! Not for: what a device computes; it is a name here.

/// Where arrays lie.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// In memory.
    #[default]
    Cpu,
    /// Nowhere: shapes, dtypes and layouts alone ([`Array::meta`](crate::Array::meta)).
    Meta,
    /// Memory that the CPU does not reach, of a device with this name ([`Array::elsewhere`](crate::Array::elsewhere)).
    Other(&'static str),
}

impl std::fmt::Display for Device {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(match self {
            Device::Cpu => "cpu",
            Device::Meta => "meta",
            Device::Other(name) => name,
        })
    }
}

thread_local! {
    static CREATING: std::cell::Cell<Option<Device>> = const { std::cell::Cell::new(None) };
}

/// Runs `f`, in which [`Array::zeros`](crate::Array::zeros) and [`Array::full`](crate::Array::full) make arrays on a device: for what makes arrays of nothing, and not for
/// operations, which follow their inputs.
pub fn on_device<R>(device: Device, f: impl FnOnce() -> R) -> R {
    struct Back(Option<Device>);
    impl Drop for Back {
        fn drop(&mut self) {
            CREATING.set(self.0);
        }
    }
    let _back = Back(CREATING.replace(Some(device)));
    f()
}

/// Where [`on_device`] says that arrays are made, if it does.
pub fn creating_on() -> Option<Device> {
    CREATING.get()
}
