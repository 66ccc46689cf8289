//! `nn.init`: the first values of weights, from seed 3.

use pullback::nn::*;
use pullback::{DType, Result, Tensor, random};

fn drawn(shape: &[usize], f: &dyn Fn(&Tensor) -> Result<()>) -> Vec<f32> {
    random::manual_seed(3);
    let t = Tensor::zeros(shape, DType::F32).unwrap();
    f(&t).unwrap();
    t.to_vec::<f32>().unwrap()
}

pub(crate) fn first_values() {
    normal_and_uniform();
    of_a_form();
    in_double_precision();
}

fn normal_and_uniform() {
    let normal = [
        0.803_276_06,
        0.174_833_39,
        0.088_978_1,
        -0.613_718_03,
        0.046_182_45,
        -1.368_259_2,
    ];
    assert_eq!(
        drawn(&[3, 2], &|t| init::trunc_normal_(t, 0.0, 1.0, -2.0, 2.0)),
        normal
    );
    let kaiming = |t: &Tensor| {
        init::kaiming_normal_(t, 0.0, init::FanMode::FanIn, init::Nonlinearity::LeakyRelu)
    };
    assert_eq!(drawn(&[3, 2], &kaiming), normal);
    assert_eq!(
        drawn(&[3, 2], &|t| init::xavier_uniform_(t, 1.0)),
        [
            -1.0861043,
            -0.8641543,
            -0.46919563,
            -1.0363901,
            -0.06218982,
            -0.96373695
        ]
    );
    assert_eq!(
        drawn(&[3, 2], &|t| init::xavier_normal_(t, 1.0)),
        [
            0.5080364,
            0.11057435,
            0.05627469,
            -0.38814935,
            0.029208347,
            -0.86536306
        ]
    );
}

fn of_a_form() {
    let orthogonal = drawn(&[3, 2], &|t| init::orthogonal_(t, 1.0));
    let want = [
        0.9923022,
        0.097435415,
        0.10991634,
        -0.4086091,
        0.057050057,
        -0.9074937,
    ];
    assert!(
        orthogonal
            .iter()
            .zip(want)
            .all(|(a, b): (&f32, f32)| (a - b).abs() < 2e-6),
        "{orthogonal:?}"
    );
    assert_eq!(
        drawn(&[4, 3], &|t| init::sparse_(t, 0.5, 0.01)),
        [
            0.0,
            0.0,
            0.0,
            -0.006_137_18,
            0.000_461_824_53,
            -0.013_682_592,
            0.003_374_951,
            0.0,
            0.0,
            0.0,
            0.005_220_499_4,
            0.012_379_167
        ]
    );
    assert_eq!(drawn(&[3, 2], &init::eye_), [1.0, 0.0, 0.0, 1.0, 0.0, 0.0]);
    let ones: Vec<usize> = (drawn(&[4, 2, 3], &|t| init::dirac_(t, 2))
        .iter()
        .enumerate())
    .filter_map(|(i, &x)| (x == 1.0).then_some(i))
    .collect();
    assert_eq!(ones, [1, 10, 13, 22]);
}

fn in_double_precision() {
    random::manual_seed(3);
    let layer = Linear::builder(2, 2).dtype(DType::F64).build().unwrap();
    let want = [
        -0.6588705083095063,
        -0.301594863679339,
        0.3859600156437821,
        -0.459722603951305,
    ];
    assert_eq!(layer.weight.to_vec::<f64>().unwrap(), want);
    random::manual_seed(3);
    let t = Tensor::zeros([3, 2], DType::F64).unwrap();
    init::kaiming_uniform_(&t, 0.0, init::FanMode::FanOut, init::Nonlinearity::Relu).unwrap();
    assert_eq!(
        t.to_vec::<f64>().unwrap()[..2],
        [-1.3177410166190129, -0.6031897273586783]
    );
}
