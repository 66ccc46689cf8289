//! Every layer of `pullback::nn` against PyTorch's: text, names, first values, results, gradients, running statistics.
//!
//! All in one test, which no other of this process draws beside.

mod golden;

use golden::{count, hold};
use pullback::nn::*;
use pullback::{Approximate, PadMode, Result, Tensor, sequential};
use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);

/// A layer of one input.
fn plain<L: Layer + Clone>(name: &str, make: impl FnOnce() -> Result<L>) {
    with(name, make, |m, x| Ok(vec![m.forward(&x[0])?]));
}

/// A module that is called in a way of its own.
fn with<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl FnOnce(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) {
    HELD.fetch_add(1, Ordering::Relaxed);
    hold(name, make, forward);
}

/// And every case of the file is one of them.
#[test]
fn every_case_is_held() {
    linear();
    activations();
    dropouts();
    convolutions();
    pools();
    shapes();
    assert_eq!(HELD.load(Ordering::Relaxed), count());
}

fn linear() {
    plain("linear", || Linear::new(3, 2));
    plain("linear_no_bias", || {
        Linear::builder(3, 2).bias(false).build()
    });
    with(
        "bilinear",
        || Bilinear::new(2, 3, 4),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    plain("identity", || Ok(Identity));
    plain("sequential", || {
        Ok(sequential![
            Linear::new(2, 3)?,
            ReLU,
            sequential![Linear::new(3, 3)?, Tanh],
            Linear::new(3, 1)?
        ])
    });
}

fn activations() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || Ok($name::default()));)* };
    }
    each! { ReLU ReLU6 SELU Sigmoid Tanh SiLU Mish Hardsigmoid Hardswish LogSigmoid Softsign Tanhshrink }
    each! { LeakyReLU ELU CELU Hardtanh Softplus Hardshrink Softshrink GELU RReLU Softmax2d GLU }
    plain("LeakyReLU_02", || Ok(LeakyReLU::new(0.2)));
    plain("Hardtanh_2", || Ok(Hardtanh::new(-2.0, 0.5)));
    plain("GELU_tanh", || Ok(GELU::new(Approximate::Tanh)));
    plain("Threshold", || Ok(Threshold::new(0.1, 20.0)));
    plain("Softmax", || Ok(Softmax::new(1)));
    plain("Softmin", || Ok(Softmin::new(0)));
    plain("LogSoftmax", || Ok(LogSoftmax::new(-1)));
    plain("PReLU", PReLU::new);
    plain("PReLU_3", || {
        PReLU::builder().num_parameters(3).init(0.5).build()
    });
}

fn dropouts() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || Ok($name::default()));)* };
    }
    each! { Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout }
}

fn convolutions() {
    plain("Conv1d", || Conv1d::new(2, 3, 2));
    plain("Conv2d", || {
        let conv = Conv2d::builder(2, 4, [3, 2]).stride(2).padding(1);
        conv.dilation([1, 2]).groups(2).bias(false).build()
    });
    plain("Conv3d", || Conv3d::new(1, 2, 2));
    plain("Conv2d_same", || {
        Conv2d::builder(1, 2, [2, 3])
            .padding(Padding::Same)
            .dilation(2)
            .build()
    });
    plain("Conv2d_valid", || {
        Conv2d::builder(1, 2, 2).padding(Padding::Valid).build()
    });
    plain("Conv2d_reflect", || {
        Conv2d::builder(1, 2, 3)
            .padding([1, 2])
            .padding_mode(PadMode::Reflect)
            .build()
    });
    plain("Conv1d_circular_same", || {
        Conv1d::builder(1, 2, 4)
            .padding(Padding::Same)
            .padding_mode(PadMode::Circular)
            .build()
    });
    plain("Conv2d_replicate", || {
        Conv2d::builder(1, 1, 2)
            .padding(1)
            .padding_mode(PadMode::Replicate)
            .build()
    });
    plain("ConvTranspose1d", || {
        ConvTranspose1d::builder(2, 3, 2).stride(2).build()
    });
    plain("ConvTranspose2d", || {
        let conv = ConvTranspose2d::builder(2, 4, 3).stride(2).padding(1);
        conv.output_padding(1)
            .groups(2)
            .dilation(2)
            .bias(false)
            .build()
    });
    plain("ConvTranspose3d", || ConvTranspose3d::new(1, 2, 2));
    with(
        "ConvTranspose2d_sized",
        || ConvTranspose2d::builder(1, 1, 3).stride(2).build(),
        |m, x| Ok(vec![m.forward_sized(&x[0], [8, 7])?]),
    );
}

fn pools() {
    plain("MaxPool1d", || MaxPool1d::new(2));
    plain("MaxPool2d", || {
        MaxPool2d::builder([3, 2])
            .stride(Each::from(2))
            .padding(1)
            .ceil_mode(true)
            .build()
    });
    with(
        "MaxPool2d_indices",
        || MaxPool2d::builder(2).dilation(2).build(),
        |m, x| {
            let (y, at) = m.forward_with_indices(&x[0])?;
            Ok(vec![y, at])
        },
    );
    plain("MaxPool3d", || MaxPool3d::new(2));
    plain("AvgPool1d", || AvgPool1d::new(2));
    plain("AvgPool2d", || {
        AvgPool2d::builder([3, 2])
            .stride(Each::from(2))
            .padding(1)
            .count_include_pad(false)
            .build()
    });
    plain("AvgPool2d_divisor", || {
        AvgPool2d::builder(2)
            .divisor_override(3)
            .ceil_mode(true)
            .build()
    });
    plain("AvgPool3d", || AvgPool3d::new(2));
    plain("AdaptiveAvgPool1d", || Ok(AdaptiveAvgPool1d::new(3)));
    plain("AdaptiveAvgPool2d", || {
        Ok(AdaptiveAvgPool2d::new([Some(3), None]))
    });
    plain("AdaptiveAvgPool3d", || {
        Ok(AdaptiveAvgPool3d::new([1, 2, 2]))
    });
    plain("AdaptiveMaxPool1d", || Ok(AdaptiveMaxPool1d::new(3)));
    plain("AdaptiveMaxPool2d", || Ok(AdaptiveMaxPool2d::new(2)));
    plain("AdaptiveMaxPool3d", || Ok(AdaptiveMaxPool3d::new(2)));
    plain("LPPool1d", || LPPool1d::new(2.0, 3));
    plain("LPPool2d", || {
        LPPool2d::builder(3.0, [2, 3]).stride(Each::from(1)).build()
    });
    plain("LPPool3d", || LPPool3d::new(2.0, 2));
}

fn shapes() {
    macro_rules! pads {
        ($($name:ident)*) => { $(plain(stringify!($name), || $name::new(1));)* };
    }
    pads! { ZeroPad1d ZeroPad2d ZeroPad3d ReflectionPad1d ReflectionPad2d ReflectionPad3d }
    pads! { ReplicationPad1d ReplicationPad2d ReplicationPad3d CircularPad1d CircularPad2d CircularPad3d }
    plain("ConstantPad1d", || ConstantPad1d::new([1, 2], 2.5));
    plain("ConstantPad2d", || ConstantPad2d::new([1, 2, 3, 4], 2.5));
    plain("ConstantPad3d", || {
        ConstantPad3d::new([1, 2, 3, 4, 5, 6], 2.5)
    });
    plain("Flatten", || Ok(Flatten::default()));
    plain("Flatten_0", || Ok(Flatten::new(0, 1)));
    plain("Unflatten", || Ok(Unflatten::new(1, [2, -1])));
}
