//! Images of other sizes, what pooling took apart, many classes, losses with a distance or a layer inside, orthogonal weights.

use crate::{plain, with};
use pullback::nn::utils::{Orthogonal, OrthogonalMap};
use pullback::nn::*;
use pullback::{Pool, Reduction, Result, Tensor, tensor};

pub(crate) fn sizes_of_images() {
    plain("Upsample", || Ok(Upsample::scale(2)));
    plain("Upsample_bilinear", || {
        Ok(Upsample::size([5, 3]).mode("bilinear").align_corners(true))
    });
    plain("Upsample_bicubic", || {
        Ok(Upsample::scale([1.5, 2.0]).mode("bicubic"))
    });
    plain("Upsample_linear", || Ok(Upsample::size(7).mode("linear")));
    plain("Upsample_trilinear", || {
        let made = Upsample::scale(1.7).mode("trilinear");
        Ok(made.recompute_scale_factor(true))
    });
    plain("Upsample_exact", || {
        Ok(Upsample::scale(2.0).mode("nearest-exact"))
    });
    plain("UpsamplingNearest2d", || Ok(UpsamplingNearest2d::size(4)));
    plain("UpsamplingBilinear2d", || {
        Ok(UpsamplingBilinear2d::scale(2))
    });
    plain("Unfold", || {
        let made = Unfold::builder([2, 3]).dilation(2).padding(1);
        made.stride([1, 2]).build()
    });
    plain("Fold", || {
        Fold::builder([4, 5], 2).padding([1, 0]).stride(2).build()
    });
}

/// Where windows begin in the script.
fn begins(d: usize) -> Result<Tensor> {
    let all = Tensor::arange(2 * d)?.to(pullback::DType::F32)?.div(8)?;
    all.add(0.125)?.reshape([1, 2, d])
}

pub(crate) fn put_back() {
    macro_rules! unpool {
        ($($name:ident $pool:ident)*) => {$(
            with(stringify!($name), || $name::new(2), |m, x| {
                let (y, at) = $pool::new(2)?.forward_with_indices(&x[0])?;
                Ok(vec![m.forward(&y, &at)?])
            });
        )*};
    }
    unpool! { MaxUnpool1d MaxPool1d MaxUnpool2d MaxPool2d MaxUnpool3d MaxPool3d }
    with(
        "MaxUnpool2d_sized",
        || {
            let made = MaxUnpool2d::builder([3, 2]).padding([1, 0]);
            made.stride(Each::from(2)).build()
        },
        |m, x| {
            let pool = Pool::of(&[3, 2]).stride(Some(&[2])).padding(&[1, 0]);
            let (y, at) = x[0].max_pool2d(pool)?;
            Ok(vec![m.forward_sized(&y, &at, [5, 5])?])
        },
    );
    with(
        "FractionalMaxPool2d",
        || Ok(FractionalMaxPool2d::new([2, 3], [3, 2])?.random_samples(begins(2)?)),
        |m, x| {
            let (y, at) = m.forward_with_indices(&x[0])?;
            Ok(vec![y, at])
        },
    );
    plain("FractionalMaxPool2d_ratio", || {
        Ok(FractionalMaxPool2d::ratio(2, 0.5)?.random_samples(begins(2)?))
    });
    plain("FractionalMaxPool3d", || {
        Ok(FractionalMaxPool3d::new(2, 2)?.random_samples(begins(3)?))
    });
}

pub(crate) fn many_classes() {
    with(
        "AdaptiveLogSoftmax",
        || {
            let made = AdaptiveLogSoftmaxWithLoss::builder(8, 12, [4, 8]);
            made.div_value(2.0).build()
        },
        |m, x| {
            let told = m.forward(&x[0], &x[1])?;
            assert!(
                m.predict(&x[0])?
                    .equal(&m.log_prob(&x[0])?.argmax(1, false)?)?
            );
            Ok(vec![told.output, told.loss, m.log_prob(&x[0])?])
        },
    );
    with(
        "AdaptiveLogSoftmax_one",
        || {
            let made = AdaptiveLogSoftmaxWithLoss::builder(8, 12, [4]);
            made.div_value(2.0).head_bias(true).build()
        },
        |m, x| {
            let told = m.forward(&x[0], &x[1])?;
            Ok(vec![told.output, told.loss])
        },
    );
    let small = AdaptiveLogSoftmaxWithLoss::new(8, 12, [4]).unwrap();
    let x = Tensor::zeros([1, 8], pullback::DType::F32).unwrap();
    let e = small.forward(&x, &tensor![12]).unwrap_err();
    assert!(
        e.message()
            .starts_with("Target values should be in [0, 11]"),
        "{e}"
    );
    assert!(AdaptiveLogSoftmaxWithLoss::new(8, 12, [4, 4]).is_err());
}

pub(crate) fn distances() {
    with(
        "TripletMarginWithDistanceLoss",
        || {
            let made = TripletMarginWithDistanceLoss::default().margin(2.0);
            Ok(made.swap(true).reduction(Reduction::Sum))
        },
        |m, x| Ok(vec![m.forward(&x[0], &x[1], &x[2])?]),
    );
    fn far(x: &Tensor, y: &Tensor) -> Result<Tensor> {
        x.sub(y)?.abs()?.sum_dims(&[1], false)
    }
    with(
        "TripletMarginWithDistanceLoss_own",
        || Ok(TripletMarginWithDistanceLoss::new(far)),
        |m, x| Ok(vec![m.forward(&x[0], &x[1], &x[2])?]),
    );
    with(
        "LinearCrossEntropyLoss",
        || LinearCrossEntropyLoss::new(4, 3),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    with(
        "LinearCrossEntropyLoss_all",
        || {
            let made = LinearCrossEntropyLoss::builder(4, 3).out_features([2]);
            let made = made.bias(true).weight(tensor![1.0, 2.0, 0.5]);
            let made = made.ignore_index(1).label_smoothing(0.25);
            made.reduction(Reduction::Sum).build()
        },
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
}

pub(crate) fn orthogonal() {
    plain("orthogonal_norm", || {
        Orthogonal::new(&Linear::new(3, 3)?, "weight", None)
    });
    plain("orthogonal_norm_wide", || {
        Orthogonal::new(&Linear::new(4, 2)?, "weight", None)
    });
    plain("orthogonal_norm_cayley", || {
        Orthogonal::new(&Linear::new(2, 4)?, "weight", Some(OrthogonalMap::Cayley))
    });
}
