//! Rates and momenta of every schedule, as PyTorch's, and resumed in the middle.

use crate::support::{GOLDEN, differs};
use pullback::nn::NamedTensors;
use pullback::optim::lr_scheduler::*;
use pullback::optim::*;
use pullback::{DType, Result, Tensor};

/// An optimiser of two groups, of which the second has a rate of its own.
fn optimizer(kind: &str) -> Box<dyn Optimizer> {
    let params = |name: &str| -> NamedTensors {
        let p = Tensor::zeros([1], DType::F32)
            .unwrap()
            .requires_grad_(true)
            .unwrap();
        [(name, p)].into_iter().collect()
    };
    match kind {
        "SGD" => {
            let options = SGDOptions::default().momentum(0.9);
            let mut optim = SGD::with(params("a"), options.clone().lr(0.05)).unwrap();
            optim.add_group(params("b"), options.lr(0.4)).unwrap();
            Box::new(optim)
        }
        _ => {
            let mut optim = Adam::new(params("a"), 0.05).unwrap();
            optim
                .add_group(params("b"), AdamOptions::default().lr(0.4))
                .unwrap();
            Box::new(optim)
        }
    }
}

/// The schedules of the script, by its names.
fn schedule(name: &str, o: &mut dyn Optimizer) -> Result<Box<dyn Scheduler>> {
    Ok(match name {
        "lambda" => {
            let all: [fn(i64) -> f64; 2] = [|k| 0.95f64.powf(k as f64), |k| 1.0 / (1.0 + k as f64)];
            let all = all
                .into_iter()
                .map(|f| Box::new(f) as Box<dyn Fn(i64) -> f64>);
            LambdaLR::per_group(all.collect()).over(o)?.boxed()
        }
        "multiplicative" => MultiplicativeLR::new(|k| 0.9 + 0.01 * (k % 3) as f64)
            .over(o)?
            .boxed(),
        "step" => StepLR::new(7).gamma(0.3).over(o)?.boxed(),
        "multistep" => MultiStepLR::new(vec![3, 8, 8, 20])
            .gamma(0.5)
            .over(o)?
            .boxed(),
        "constant" => ConstantLR::new()
            .factor(0.25)
            .total_iters(6)
            .over(o)?
            .boxed(),
        "linear" => {
            let law = LinearLR::new()
                .start_factor(0.2)
                .end_factor(0.9)
                .total_iters(8);
            law.over(o)?.boxed()
        }
        "exponential" => ExponentialLR::new(0.93).over(o)?.boxed(),
        "polynomial" => PolynomialLR::new()
            .total_iters(12)
            .power(2.0)
            .over(o)?
            .boxed(),
        "cosine" => CosineAnnealingLR::new(9).eta_min(0.001).over(o)?.boxed(),
        "restarts" => CosineAnnealingWarmRestarts::new(4)
            .t_mult(2)
            .eta_min(0.002)
            .over(o)?
            .boxed(),
        "sequential" => {
            let warm = LinearLR::new()
                .start_factor(0.1)
                .total_iters(5)
                .over(o)?
                .boxed();
            let parts = vec![
                warm,
                ExponentialLR::new(0.9).over(o)?.boxed(),
                CosineAnnealingLR::new(10).over(o)?.boxed(),
            ];
            SequentialLR::new(o, parts, &[5, 12])?.boxed()
        }
        "sequential of restarts" => {
            let first = ConstantLR::new()
                .factor(0.5)
                .total_iters(3)
                .over(o)?
                .boxed();
            let second = CosineAnnealingWarmRestarts::new(3)
                .t_mult(2)
                .over(o)?
                .boxed();
            SequentialLR::new(o, vec![first, second], &[4])?.boxed()
        }
        "nested" => {
            let first = ConstantLR::new()
                .factor(0.5)
                .total_iters(9)
                .over(o)?
                .boxed();
            let second = ExponentialLR::new(0.9).over(o)?.boxed();
            let inner = SequentialLR::new(o, vec![first, second], &[3])?.boxed();
            let last = StepLR::new(4).gamma(0.5).over(o)?.boxed();
            SequentialLR::new(o, vec![inner, last], &[8])?.boxed()
        }
        "chained" => {
            let first = ConstantLR::new()
                .factor(0.1)
                .total_iters(4)
                .over(o)?
                .boxed();
            let second = ExponentialLR::new(0.9).over(o)?.boxed();
            ChainedScheduler::new(o, vec![first, second])?.boxed()
        }
        "cyclic" => CyclicLR::new(0.01, 0.1).step_size_up(4.0).over(o)?.boxed(),
        "cyclic2" => {
            let law = CyclicLR::new([0.01, 0.02], [0.1, 0.3])
                .step_size_up(3.0)
                .step_size_down(5.0);
            let law = law
                .mode(CycleMode::Triangular2)
                .base_momentum(0.7)
                .max_momentum(0.95);
            law.over(o)?.boxed()
        }
        "cyclic3" => {
            let law = CyclicLR::new(0.01, 0.1)
                .step_size_up(4.0)
                .mode(CycleMode::ExpRange);
            law.gamma(0.95).cycle_momentum(false).over(o)?.boxed()
        }
        "onecycle" => OneCycleLR::new(0.1, 30).over(o)?.boxed(),
        "onecycle3" => {
            let law = OneCycleLR::new([0.1, 0.2], 36)
                .anneal_strategy(Anneal::Linear)
                .three_phase(true);
            law.pct_start(0.2)
                .div_factor(10.0)
                .final_div_factor(50.0)
                .over(o)?
                .boxed()
        }
        other => panic!("{other}"),
    })
}

fn row(optim: &dyn Optimizer) -> Vec<f64> {
    let momenta = (0..2).map(|i| optim.momentum(i).unwrap());
    (0..2).map(|i| optim.lr(i)).chain(momenta).collect()
}

#[test]
fn rates_are_those_of_pytorch() {
    let mut count = 0;
    for (name, rows) in GOLDEN["schedules"]["rates"].as_object().unwrap() {
        let (law, kind) = name.rsplit_once(' ').unwrap();
        if law.starts_with("plateau") {
            continue;
        }
        let mut optim = optimizer(kind);
        let mut schedule = schedule(law, &mut *optim).unwrap();
        for (k, want) in rows.as_array().unwrap().iter().enumerate() {
            let want: Vec<f64> = serde_json::from_value(want.clone()).unwrap();
            assert_eq!(differs(&row(&*optim), &want, 1e-14), None, "{name} {k}");
            assert_eq!(schedule.last_lr(), &row(&*optim)[..2], "{name} {k}");
            schedule.step(&mut *optim).unwrap();
        }
        count += 1;
    }
    assert_eq!(count, 38);
}

#[test]
fn a_schedule_taken_in_the_middle_goes_on_with_the_same_bits() {
    for name in GOLDEN["schedules"]["rates"].as_object().unwrap().keys() {
        let (law, kind) = name.rsplit_once(' ').unwrap();
        if law.starts_with("plateau") {
            continue;
        }
        let mut optim = optimizer(kind);
        let mut whole = schedule(law, &mut *optim).unwrap();
        (0..11).for_each(|_| whole.step(&mut *optim).unwrap());
        let mut other = optimizer(kind);
        let mut again = schedule(law, &mut *other).unwrap();
        other.load(&optim.state().unwrap()).unwrap();
        again.load(&whole.state().unwrap()).unwrap();
        for k in 11..30 {
            assert_eq!(row(&*optim), row(&*other), "{name} {k}");
            whole.step(&mut *optim).unwrap();
            again.step(&mut *other).unwrap();
        }
    }
}

#[test]
fn plateaus_are_those_of_pytorch() {
    let losses: Vec<f64> = serde_json::from_value(GOLDEN["schedules"]["losses"].clone()).unwrap();
    for kind in ["SGD", "Adam"] {
        for name in ["plateau", "plateau max"] {
            let made = |optim: &dyn Optimizer| {
                let law = ReduceLROnPlateau::new().factor(0.5);
                match name {
                    "plateau" => law.patience(2).cooldown(1).min_lr([0.001, 0.1]),
                    _ => {
                        let law = law.mode(Better::Max).patience(1);
                        law.threshold(0.05).threshold_mode(Threshold::Abs)
                    }
                }
                .over(optim)
                .unwrap()
            };
            let mut optim = optimizer(kind);
            let mut schedule = made(&*optim);
            let rows = &GOLDEN["schedules"]["rates"][format!("{name} {kind}")];
            for (k, want) in rows.as_array().unwrap().iter().enumerate() {
                let want: Vec<f64> = serde_json::from_value(want.clone()).unwrap();
                assert_eq!(row(&*optim), want, "{name} {k}");
                if k == 13 {
                    let state = schedule.state().unwrap();
                    schedule = made(&*optim);
                    schedule.load(&state).unwrap();
                }
                schedule.step(&mut *optim, losses[k]).unwrap();
            }
        }
    }
}

#[test]
fn what_schedules_refuse() {
    let mut optim = optimizer("SGD");
    let o = &mut *optim;
    macro_rules! refused {
        ($($made:expr => $text:literal;)*) => {$(
            assert_eq!($made.map(|_| ()).unwrap_err().message(), $text);
        )*};
    }
    refused! {
        ConstantLR::new().factor(1.5).over(o) => "Constant multiplicative factor expected to be between 0 and 1.";
        LinearLR::new().start_factor(0.0).over(o) => "Starting multiplicative factor expected to be greater than 0 and less or equal to 1.";
        LinearLR::new().end_factor(2.0).over(o) => "Ending multiplicative factor expected to be between 0 and 1.";
        CosineAnnealingWarmRestarts::new(0).over(o) => "Expected positive integer T_0, but got 0";
        CosineAnnealingWarmRestarts::new(1).t_mult(0).over(o) => "Expected integer T_mult >= 1, but got 0";
        CyclicLR::new([0.1, 0.2, 0.3], 1.0).over(o) => "Expected 2 base_lr, but got 3";
        OneCycleLR::new(0.1, 0).over(o) => "Expected positive integer total_steps, but got 0";
        OneCycleLR::new(0.1, 5).pct_start(1.5).over(o) => "Expected float between 0 and 1 pct_start, but got 1.5";
        ReduceLROnPlateau::new().factor(1.0).over(o) => "Factor should be < 1.0.";
        ReduceLROnPlateau::new().min_lr([0.1; 3]).over(o) => "Expected 2 min_lrs, but got 3";
        SequentialLR::new(o, vec![], &[]) => "SequentialLR expects at least one scheduler, but got no scheduler.";
        ChainedScheduler::new(o, vec![]) => "ChainedScheduler expects at least one scheduler to be chained, but got no scheduler.";
    }
    let mut short = OneCycleLR::new(0.1, 2).over(o).unwrap();
    (0..2).for_each(|_| short.step(o).unwrap());
    let before = row(o);
    let e = short.step(o).unwrap_err();
    assert_eq!(
        e.message(),
        "Tried to step 3 times. The total number of steps is 2"
    );
    assert_eq!(row(o), before);
    let p = Tensor::zeros([1], DType::F32).unwrap();
    let mut plain = Adagrad::new([("p", p)].into_iter().collect(), 0.1).unwrap();
    let e = CyclicLR::new(0.1, 0.2).over(&mut plain).unwrap_err();
    assert_eq!(
        e.message(),
        "optimizer must support momentum or beta1 with `cycle_momentum` option enabled"
    );
    let e = short.step(&mut plain).unwrap_err();
    assert!(e.message().contains("began over 2 groups"), "{e}");
}
