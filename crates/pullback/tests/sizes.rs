//! Sizes that no memory has room for, from Rust: errors, at once, and neither an abort nor a panic. Numbers of elements are chosen
//! so that no system grants the memory, however it answers to requests; what Python asks is in `tests/test_sizes.py`.

use pullback::{
    DType, ErrorKind, PadMode, Result, Tensor, arange, linspace, logspace, one_hot, rand, randint,
    randn, randperm,
};

/// More bytes than there are addresses.
const HUGE: usize = 1 << 60;

fn wide() -> Tensor {
    Tensor::scalar(1.0f32).expand([HUGE]).unwrap()
}

#[test]
fn more_elements_than_memory_are_errors() {
    let ones = Tensor::ones([3], DType::F32).unwrap();
    let square = Tensor::scalar(1.0f32).expand([1 << 30, 1 << 30]).unwrap();
    let repeats = Tensor::from_slice(&[1i64 << 60, 1 << 62, i64::MAX], [3]).unwrap();
    type Call<'a> = (&'a str, Box<dyn Fn() -> Result<Tensor> + 'a>);
    let calls: Vec<Call<'_>> = vec![
        ("arange(n)", Box::new(|| Tensor::arange(HUGE))),
        ("arange", Box::new(|| arange(0i64, 1i64 << 60, 1i64, None))),
        (
            "linspace",
            Box::new(|| linspace(0.0, 1.0, HUGE as i64, None)),
        ),
        (
            "logspace",
            Box::new(|| logspace(0.0, 1.0, HUGE as i64, 10.0, None)),
        ),
        ("rand", Box::new(|| rand([HUGE], DType::F32))),
        ("randn", Box::new(|| randn([HUGE], DType::F64))),
        ("randint", Box::new(|| randint(0, 9, [HUGE], DType::I64))),
        (
            "randperm",
            Box::new(|| randperm(HUGE as i64 * 4, DType::I64)),
        ),
        ("one_hot", Box::new(|| one_hot(&repeats, -1))),
        ("copy", Box::new(|| wide().copy())),
        ("exp", Box::new(|| wide().exp())),
        ("softmax", Box::new(|| square.softmax(0))),
        ("tril", Box::new(|| square.tril(0))),
        ("triu", Box::new(|| square.triu(-1))),
        (
            "pad",
            Box::new(|| ones.pad(&[i64::MAX, 2], PadMode::Constant, None)),
        ),
        (
            "pad, negative",
            Box::new(|| ones.pad(&[i64::MIN, i64::MIN], PadMode::Constant, None)),
        ),
        ("narrow", Box::new(|| ones.narrow(0, usize::MAX, 1))),
        ("narrow, length", Box::new(|| ones.narrow(0, 1, usize::MAX))),
        (
            "unbind",
            Box::new(|| {
                Tensor::zeros([HUGE, 0], DType::F32)?
                    .unbind(0)
                    .map(|all| all[0].clone())
            }),
        ),
        (
            "chunk",
            Box::new(|| {
                Tensor::zeros([0], DType::F32)?
                    .chunk(HUGE as i64, 0)
                    .map(|all| all[0].clone())
            }),
        ),
        (
            "tensor_split",
            Box::new(|| ones.tensor_split(HUGE as i64, 0).map(|all| all[0].clone())),
        ),
        (
            "bernoulli_",
            Box::new(|| wide().bernoulli_(0.5).map(|()| wide())),
        ),
    ];
    for (name, call) in calls {
        let e = call().map(|t| t.shape().to_string()).expect_err(name);
        assert!(
            matches!(
                e.kind(),
                ErrorKind::Alloc
                    | ErrorKind::Shape
                    | ErrorKind::Index
                    | ErrorKind::Argument
                    | ErrorKind::Value
            ),
            "{name}: {e}"
        );
    }
}

/// What needs only the elements that exist comes at once.
#[test]
fn expanded_tensors_are_asked_about_the_elements_that_exist() {
    let x = wide();
    assert!(x.all_finite().unwrap());
    assert_eq!(x.max().unwrap().item_f64().unwrap(), 1.0);
    assert_eq!(x.min().unwrap().item_f64().unwrap(), 1.0);
}

/// A tensor without dimensions has no size to ask for: every function that asks says so.
#[test]
fn a_dimension_of_a_number_is_an_error() {
    let x = Tensor::scalar(3.0f32);
    for dim in [0, -1, 1, i64::MAX, i64::MIN] {
        let e = x.size(dim).unwrap_err();
        assert_eq!(e.kind(), ErrorKind::Index);
        assert!(e.message().contains("tensor has no dimensions"), "{e}");
    }
    assert!(x.baddbmm(&x, &x, 1i64, 1i64).is_err());
    let all = [0, 5, 64, 4095];
    let n = Tensor::from_slice(&all, [4]).unwrap();
    assert_eq!(n.size(-1).unwrap(), 4);
}
