//! Bad input: the kind and the sentence that NumPy 2.4 and PyTorch 2.15 answer with, and no draw lost over it.

use std::fmt::Debug;

use ErrorKind::{Overflow, Runtime, Type, Value, ZeroDivision};
use pullback_random::{ErrorKind, Result, numpy, torch};

#[track_caller]
fn fails<T: Debug>(result: Result<T>, kind: ErrorKind, message: &str) {
    let error = result.unwrap_err();
    assert_eq!((error.kind(), error.message()), (kind, message));
}

#[test]
fn numpy_sentences() {
    let mut rng = numpy::default_rng(0);
    let before = rng.bit_generator().state();
    let nan = f64::NAN;
    fails(rng.integers::<i64>(5, 5, 3), Value, "low >= high");
    fails(rng.integers_endpoint::<i64>(5, 4, 1), Value, "low > high");
    fails(
        rng.integers::<u8>(0, 300, 3),
        Value,
        "high is out of bounds for uint8",
    );
    fails(
        rng.integers::<u8>(-1, 3, 3),
        Value,
        "low is out of bounds for uint8",
    );
    fails(
        rng.integers::<bool>(0, 3, 3),
        Value,
        "high is out of bounds for bool",
    );
    fails(
        rng.integers::<u64>(0, (1 << 64) + 1, 3),
        Value,
        "high is out of bounds for uint64",
    );
    fails(rng.integers::<i64>(0, i128::MIN, 3), Value, "low >= high");
    assert_eq!(rng.integers::<i64>(5, 4, 0), Ok(vec![]));
    fails(rng.uniform(3.0, 1.0, 3), Value, "high - low < 0");
    for (low, high) in [(0.0, f64::INFINITY), (-1.7e308, 1.7e308), (nan, 1.0)] {
        fails(
            rng.uniform(low, high, 3),
            Overflow,
            "high - low range exceeds valid bounds",
        );
    }
    fails(rng.normal(0.0, -1.0, 2), Value, "scale < 0");
    fails(rng.normal(0.0, -0.0, 2), Value, "scale < 0");
    fails(rng.exponential(-1.0, 2), Value, "scale < 0");
    assert!(rng.clone().normal(0.0, nan, 1).unwrap()[0].is_nan());

    fn with_p(p: &[f64]) -> numpy::Choice<'_> {
        numpy::Choice {
            p: Some(p),
            ..Default::default()
        }
    }
    let distinct = numpy::Choice {
        replace: false,
        ..Default::default()
    };
    fails(
        rng.choice(0, 1),
        Value,
        "a must be a positive integer unless no samples are taken",
    );
    fails(
        rng.choice(-1, 1),
        Value,
        "a must be a positive integer unless no samples are taken",
    );
    assert_eq!(rng.choice(0, 0), Ok(vec![]));
    let larger = "Cannot take a larger sample than population when replace is False";
    fails(rng.choice_with(5, 6, &distinct), Value, larger);
    fails(rng.choice_with(5, usize::MAX, &distinct), Value, larger);
    fails(
        rng.choice_with(3, 2, &with_p(&[0.5, 0.5])),
        Value,
        "a and p must have same size",
    );
    let sum = "Probabilities do not sum to 1. See Notes section of docstring for more information.";
    fails(rng.choice_with(3, 2, &with_p(&[0.5; 3])), Value, sum);
    fails(rng.choice_with(0, 0, &with_p(&[])), Value, sum);
    fails(
        rng.choice_with(3, 2, &with_p(&[-0.5, 1.0, 0.5])),
        Value,
        "Probabilities are not non-negative",
    );
    fails(
        rng.choice_with(3, 2, &with_p(&[nan, 1.0, 0.5])),
        Value,
        "Probabilities contain NaN",
    );
    let few = numpy::Choice {
        replace: false,
        ..with_p(&[0.0, 0.0, 1.0])
    };
    fails(
        rng.choice_with(3, 2, &few),
        Value,
        "Fewer non-zero entries in p than size",
    );
    let empty: [u8; 0] = [];
    fails(
        rng.choice_from(&empty, 1, &distinct),
        Value,
        "a cannot be empty unless no samples are taken",
    );

    fails(
        numpy::Seed::from_i128(-1),
        Value,
        "expected non-negative integer",
    );
    fails(
        "-5".parse::<numpy::Seed>(),
        Value,
        "expected non-negative integer",
    );
    fails(
        "1.5".parse::<numpy::Seed>(),
        Type,
        "SeedSequence expects int or sequence of ints for entropy not 1.5",
    );
    fails(
        "".parse::<numpy::Seed>(),
        Type,
        "SeedSequence expects int or sequence of ints for entropy not ",
    );
    fails(
        numpy::numel(&[-1], 8),
        Value,
        "negative dimensions are not allowed",
    );
    let big = "array is too big; `arr.size * arr.dtype.itemsize` is larger than the maximum possible size.";
    fails(numpy::numel(&[1 << 62], 8), Value, big);
    fails(numpy::numel(&[1 << 40, 1 << 40], 8), Value, big);
    fails(numpy::numel(&[1 << 62, -1], 8), Value, big);
    fails(numpy::numel(&[0, 1 << 60], 8), Value, big);
    assert_eq!(numpy::numel(&[0, 1 << 59], 8), Ok(0));
    assert_eq!(numpy::numel(&[], 8), Ok(1));
    assert_eq!(rng.bit_generator().state(), before);
}

#[test]
fn torch_draws() {
    let mut g = torch::manual_seed(0);
    let before = g.clone();
    let (nan, inf) = (f64::NAN, f64::INFINITY);
    let (mut f, mut d, mut b) = ([0f32; 3], [0f64; 3], [0u8; 3]);
    let less = "random_ expects 'from' to be less than 'to', but got from=5 >= to=3";
    fails(g.randint::<i64>(5, 3, 3), Runtime, less);
    fails(g.randint::<i64>(5, 3, 0), Runtime, less);
    fails(
        g.fill_random_from_to(0, Some(300), &mut b),
        Runtime,
        "to - 1 is out of bounds for unsigned char",
    );
    fails(
        g.fill_random_from_to(-1, Some(3), &mut b),
        Runtime,
        "from is out of bounds for unsigned char",
    );
    let order = "uniform_ expects to return a [from, to) range, but found from=3 > to=1";
    fails(g.fill_uniform_f32(3.0, 1.0, &mut f), Runtime, order);
    fails(
        g.fill_uniform_f32(0.0, inf, &mut f),
        Runtime,
        "to is out of bounds for float",
    );
    fails(
        g.fill_uniform_f32(0.0, 1e39, &mut f),
        Runtime,
        "to is out of bounds for float",
    );
    fails(
        g.fill_uniform_f32(nan, 1.0, &mut f),
        Runtime,
        "from is out of bounds for float",
    );
    let wide = "uniform_ expects to-from <= std::numeric_limits<Double>::max(), but found to=1.5e+308 and from=-1.5e+308 \
                which result in to-from to exceed the limit";
    fails(g.fill_uniform_f64(-1.5e308, 1.5e308, &mut d), Runtime, wide);
    fails(
        g.fill_normal_f32(0.0, -1.0, &mut f),
        Runtime,
        "normal expects std >= 0.0, but found std -1",
    );
    fails(
        g.fill_normal_f64(0.0, nan, &mut d),
        Runtime,
        "normal expects std >= 0.0, but found std nan",
    );
    fails(
        g.fill_bernoulli(1.5, &mut f),
        Runtime,
        "bernoulli_ expects p to be in [0, 1], but got p=1.5",
    );
    fails(
        g.fill_bernoulli(nan, &mut f),
        Runtime,
        "bernoulli_ expects p to be in [0, 1], but got p=nan",
    );
    let p_in = "Expected p_in >= 0 && p_in <= 1 to be true, but got false.  (Could this error message be improved?  If so, \
                please report an enhancement request to PyTorch.)";
    fails(g.bernoulli(&[0.5f32, 1.5]), Runtime, p_in);
    fails(
        g.dropout_mask::<f32>(1.5, 3),
        Value,
        "dropout probability has to be between 0 and 1, but got 1.5",
    );
    fails(
        g.dropout_mask::<f32>(-1.0, 3),
        Value,
        "dropout probability has to be between 0 and 1, but got -1.0",
    );
    fails(
        g.dropout_mask::<f32>(nan, 3),
        Runtime,
        "dropout probability has to be between 0 and 1, but got nan",
    );
    fails(
        g.fill_exponential(0.0, &mut f),
        Runtime,
        "exponential_ expects lambda > 0.0, but found lambda=0",
    );
    fails(
        g.fill_geometric(1.0, &mut f),
        Runtime,
        "geometric_ expects p to be in (0, 1), but got p=1",
    );
    fails(
        g.fill_cauchy(0.0, -1.0, &mut f),
        Runtime,
        "cauchy_ expects sigma > 0.0, but found sigma=-1",
    );
    fails(
        g.fill_log_normal_f32(0.0, -1.0, &mut f),
        Runtime,
        "log_normal_ expects std > 0.0, but found std=-1",
    );
    fails(g.set_state(&[0; 5056]), Runtime, "Invalid mt19937 state");
    fails(
        torch::seed_from_i128(-(1 << 63) - 1),
        Value,
        "Overflow when unpacking long long",
    );
    fails(
        torch::numel(&[-1], 4),
        Runtime,
        "Trying to create tensor with negative dimension -1: [-1]",
    );
    let storage = "Storage size calculation overflowed with sizes=[1099511627776, 1099511627776]";
    fails(torch::numel(&[1 << 40, 1 << 40], 4), Runtime, storage);
    fails(
        torch::numel(&[0, 1 << 62, 4], 4),
        Runtime,
        "Stride calculation overflowed",
    );
    assert_eq!(torch::numel(&[1 << 62, 0], 4), Ok(0));
    assert_eq!(torch::numel(&[], 4), Ok(1));
    assert_eq!(g, before);
}

#[test]
fn torch_multinomial() {
    let mut g = torch::manual_seed(0);
    let before = g.clone();
    let entry = "invalid multinomial distribution (encountering probability entry < 0)";
    let contains = "probability tensor contains either `inf`, `nan` or element < 0";
    let sum = "invalid multinomial distribution (sum of probabilities <= 0)";
    fails(
        g.multinomial(&[0.5, -0.5], &[2], 1, false),
        Runtime,
        contains,
    );
    fails(
        g.multinomial(&[0.5, -0.5], &[2], 1, true),
        Runtime,
        contains,
    );
    fails(
        g.multinomial(&[1.0, f64::NAN], &[2], 1, true),
        Runtime,
        contains,
    );
    fails(
        g.multinomial(&[0.5, 0.5, 0.5, -0.5], &[2, 2], 3, true),
        Runtime,
        entry,
    );
    fails(
        g.multinomial(&[1.0, f64::NAN], &[2], 2, true),
        Runtime,
        entry,
    );
    let infinite =
        "invalid multinomial distribution (encountering probability entry = infinity or NaN)";
    fails(
        g.multinomial(&[1.0, f64::INFINITY], &[2], 2, true),
        Runtime,
        infinite,
    );
    fails(g.multinomial(&[0.0, 0.0], &[2], 1, false), Runtime, sum);
    fails(g.multinomial(&[0.0, 0.0], &[2], 2, true), Runtime, sum);
    fails(g.multinomial::<f32>(&[], &[3, 0], 2, true), Runtime, sum);
    let more = "cannot sample n_sample > prob_dist.size(-1) samples without replacement";
    fails(g.multinomial(&[1.0, 1.0], &[2], 3, false), Runtime, more);
    fails(
        g.multinomial(&[1.0, 1.0], &[2], 0, false),
        Runtime,
        "cannot sample n_sample <= 0 samples",
    );
    fails(
        g.multinomial(&[1.0], &[], 1, false),
        Runtime,
        "prob_dist must be 1 or 2 dim",
    );
    fails(
        g.multinomial(&[1.0; 8], &[2, 2, 2], 1, false),
        Runtime,
        "prob_dist must be 1 or 2 dim",
    );
    let aminmax = "aminmax(): cannot compute aminmax over an empty dimension as the operation has no identity.";
    fails(
        g.multinomial::<f32>(&[], &[3, 0], 1, true),
        Runtime,
        aminmax,
    );
    assert_eq!(g.multinomial::<f32>(&[], &[0, 3], 1, false), Ok(vec![]));
    assert!(g.multinomial(&[1.0], &[2], 1, false).is_err());
    assert_eq!(g, before);
}

#[test]
fn torch_initialisers() {
    let g = &mut torch::manual_seed(0);
    let fans = "Fan in and fan out can not be computed for tensor with fewer than 2 dimensions";
    fails(torch::xavier_uniform::<f32>(g, &[3], 1.0), Value, fans);
    let (mode, non) = (torch::FanMode::FanIn, torch::Nonlinearity::Relu);
    fails(
        torch::kaiming_normal::<f32>(g, &[3], 0.0, mode, non),
        Value,
        fans,
    );
    assert_eq!(
        torch::kaiming_normal::<f32>(g, &[0], 0.0, mode, non),
        Ok(vec![])
    );
    fails(
        torch::xavier_uniform::<f32>(g, &[0, 0], 1.0),
        ZeroDivision,
        "float division by zero",
    );
    fails(
        torch::xavier_normal::<f32>(g, &[3, 2], -1.0),
        Runtime,
        "normal expects std >= 0.0, but found std -0.632456",
    );
    let order =
        "uniform_ expects to return a [from, to) range, but found from=1.09545 > to=-1.09545";
    fails(
        torch::xavier_uniform::<f32>(g, &[3, 2], -1.0),
        Runtime,
        order,
    );
    fails(
        "x".parse::<torch::FanMode>(),
        Value,
        "Mode x not supported, please use one of ['fan_in', 'fan_out']",
    );
    fails(
        "x".parse::<torch::Nonlinearity>(),
        Value,
        "Unsupported nonlinearity x",
    );
    fails(
        torch::orthogonal::<f32>(g, &[3], 1.0),
        Value,
        "Only tensors with 2 or more dimensions are supported",
    );
    fails(
        torch::trunc_normal::<f32>(g, &[3], 0.0, 0.0, -2.0, 2.0),
        ZeroDivision,
        "float division by zero",
    );
    let order = "uniform_ expects to return a [from, to) range, but found from=2 > to=1";
    fails(
        torch::trunc_normal::<f32>(g, &[3], 0.0, 1.0, 2.0, 1.0),
        Runtime,
        order,
    );
    fails(
        torch::conv2d::<f32>(g, 4, 4, (3, 3), 0, true),
        Value,
        "groups must be a positive integer",
    );
    fails(
        torch::conv2d::<f32>(g, 4, 3, (3, 3), 2, true),
        Value,
        "out_channels must be divisible by groups",
    );
    fails(
        torch::embedding::<f32>(g, 3, 4, Some(5)),
        Value,
        "Padding_idx must be within num_embeddings",
    );
    fails(
        torch::embedding::<f32>(g, 3, 4, Some(i64::MIN)),
        Value,
        "Padding_idx must be within num_embeddings",
    );
    assert!(torch::linear::<f32>(g, usize::MAX, 2, true).is_err());
    let samples = "num_samples should be a positive integer value, but got num_samples=0";
    fails(torch::shuffled_epoch(g, 0), Value, samples);
    assert_eq!(*g, torch::manual_seed(0));
}
