//! Convolutions, pools, pads and shapes, normalisations.

use crate::{plain, with};
use pullback::PadMode;
use pullback::nn::*;

pub(crate) fn convolutions() {
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

pub(crate) fn pools() {
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

pub(crate) fn shapes() {
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

pub(crate) fn norms() {
    macro_rules! each {
        ($($name:ident)*) => { $(plain(stringify!($name), || $name::new(3));)* };
    }
    each! { BatchNorm1d BatchNorm2d BatchNorm3d InstanceNorm1d InstanceNorm2d InstanceNorm3d }
    plain("BatchNorm1d_eval", || {
        BatchNorm1d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    plain("BatchNorm2d_eval", || {
        BatchNorm2d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    plain("BatchNorm3d_eval", || {
        BatchNorm3d::builder(3).eps(1e-3).momentum(0.3).build()
    });
    with(
        "BatchNorm1d_length",
        || BatchNorm1d::builder(3).momentum(None).build(),
        |m, x| Ok(vec![m.forward(&x[0])?, m.forward(&x[0].add(1.0)?)?]),
    );
    plain("BatchNorm2d_plain", || {
        BatchNorm2d::builder(3)
            .affine(false)
            .track_running_stats(false)
            .build()
    });
    plain("BatchNorm2d_no_bias", || {
        BatchNorm2d::builder(3).bias(false).build()
    });
    for name in ["InstanceNorm2d_tracked", "InstanceNorm2d_eval"] {
        plain(name, || {
            InstanceNorm2d::builder(3)
                .affine(true)
                .track_running_stats(true)
                .build()
        });
    }
    plain("InstanceNorm1d_alone", || InstanceNorm1d::new(3));
    plain("LayerNorm", || LayerNorm::new(4));
    plain("LayerNorm_2", || {
        LayerNorm::builder([2, 3]).eps(1e-3).bias(false).build()
    });
    plain("LayerNorm_plain", || {
        LayerNorm::builder(4).elementwise_affine(false).build()
    });
    plain("RMSNorm", || RMSNorm::new(4));
    plain("RMSNorm_eps", || {
        RMSNorm::builder([2, 3])
            .eps(1e-3)
            .elementwise_affine(false)
            .build()
    });
    plain("GroupNorm", || GroupNorm::new(2, 4));
    plain("LocalResponseNorm", || {
        LocalResponseNorm::builder(2).alpha(0.1).build()
    });
}
