//! Every layer of `pullback::nn` against PyTorch's: text, names, first values, results, gradients, running statistics.
//!
//! All in one test, which no other of this process draws beside.

mod first_values;
mod golden;
mod losses;
mod more;
mod ordered;
mod spatial;

use first_values::first_values;
use golden::{count, hold};
use losses::losses;
use more::{distances, many_classes, orthogonal, put_back, sizes_of_images};
use ordered::{attention, packed, recurrent, sequences, transformers};
use pullback::nn::utils::{SpectralNorm, WeightNorm};
use pullback::nn::*;
use pullback::{Approximate, Result, Tensor, sequential};
use spatial::{convolutions, norms, pools, shapes};
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Mutex;
use std::sync::atomic::{AtomicUsize, Ordering};

static HELD: AtomicUsize = AtomicUsize::new(0);
/// All that fail are named, and not the first one alone.
static FAILED: Mutex<Vec<String>> = Mutex::new(Vec::new());

/// A layer of one input.
pub(crate) fn plain<L: Layer + Clone>(name: &str, make: impl FnOnce() -> Result<L>) {
    with(name, make, |m, x| Ok(vec![m.forward(&x[0])?]));
}

/// A module that is called in a way of its own.
pub(crate) fn with<M: Module + Clone>(
    name: &str,
    make: impl FnOnce() -> Result<M>,
    forward: impl FnOnce(&M, &[Tensor]) -> Result<Vec<Tensor>>,
) {
    HELD.fetch_add(1, Ordering::Relaxed);
    let held = catch_unwind(AssertUnwindSafe(|| hold(name, make, forward)));
    if held.is_err() {
        FAILED.lock().unwrap().push(name.to_string());
    }
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
    norms();
    tables();
    recurrent();
    packed();
    attention();
    transformers();
    losses();
    weights_of_other_numbers();
    sequences();
    sizes_of_images();
    put_back();
    many_classes();
    distances();
    orthogonal();
    first_values();
    assert_eq!(*FAILED.lock().unwrap(), [""; 0]);
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

fn tables() {
    plain("Embedding", || Embedding::new(5, 3));
    plain("Embedding_padding", || {
        Embedding::builder(5, 3)
            .padding_idx(-2)
            .scale_grad_by_freq(true)
            .build()
    });
    plain("Embedding_norm", || {
        Embedding::builder(5, 3)
            .max_norm(1.0)
            .norm_type(1.0)
            .build()
    });
    plain("PixelShuffle", || Ok(PixelShuffle::new(2)));
    plain("PixelUnshuffle", || Ok(PixelUnshuffle::new(2)));
    plain("ChannelShuffle", || Ok(ChannelShuffle::new(2)));
    with(
        "CosineSimilarity",
        || Ok(CosineSimilarity::default()),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
    with(
        "PairwiseDistance",
        || Ok(PairwiseDistance::default()),
        |m, x| Ok(vec![m.forward(&x[0], &x[1])?]),
    );
}

fn weights_of_other_numbers() {
    plain("weight_norm", || {
        WeightNorm::new(&Linear::new(3, 2)?, "weight", Some(0))
    });
    plain("weight_norm_all", || {
        WeightNorm::new(&Conv1d::new(2, 3, 2)?, "weight", None)
    });
    plain("spectral_norm", || {
        SpectralNorm::new(&Linear::new(3, 2)?, "weight", 1, 0, 1e-12)
    });
    plain("spectral_norm_transposed", || {
        SpectralNorm::new(&ConvTranspose1d::new(2, 3, 2)?, "weight", 1, 1, 1e-12)
    });
}
