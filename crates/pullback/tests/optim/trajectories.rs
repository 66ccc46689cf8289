//! Twenty steps of every optimiser and option, as PyTorch's; and the same bits after a change of hands in the middle.

use crate::support::{GOLDEN, Problem, differs, optimizer};
use pullback::DType;
use serde_json::Value;

fn floats(v: &Value) -> Vec<f64> {
    serde_json::from_value(v.clone()).unwrap()
}

/// How near the numbers of a step are to PyTorch's. Muon's directions are computed in bfloat16, where what is rounded is made larger by each round:
/// about a tenth of a step, each time.
fn tolerance(name: &str, dtype: DType, case: &Value, step: usize) -> f64 {
    match (name, dtype) {
        ("Muon", _) => {
            let lr = case["options"]["lr"][0].as_f64().unwrap_or(1e-3);
            0.15 * lr * step as f64
        }
        (_, DType::F64) => 1e-12,
        _ => 2e-5,
    }
}

fn for_every_case(f: impl Fn(&str, DType, &Value)) {
    for case in GOLDEN["optimizers"].as_array().unwrap() {
        for dtype in [DType::F64, DType::F32] {
            f(case["name"].as_str().unwrap(), dtype, case);
        }
    }
}

#[test]
fn steps_are_those_of_pytorch() {
    for_every_case(|name, dtype, case| {
        let problem = Problem::new(name, dtype);
        let mut optim = optimizer(problem.params.clone(), case);
        let want = &case[dtype.name()];
        let mut seen = want["seen"].as_array().unwrap().iter();
        for step in 0..20 {
            problem.give(step);
            optim.step().unwrap();
            if [1, 2, 7, 20].contains(&(step + 1)) {
                let want = seen.next().unwrap();
                let tolerance = tolerance(name, dtype, case, step + 1);
                for (param, got) in problem.values() {
                    let found = differs(&got, &floats(&want[&param]), tolerance);
                    let of = &case["options"];
                    assert_eq!(found, None, "{name} {of} {dtype} step {step} {param}");
                }
            }
        }
        // What is kept has PyTorch's names and numbers.
        let state = optim.state().unwrap();
        for (param, kept) in want["kept"].as_object().unwrap() {
            for (key, numbers) in kept.as_object().unwrap() {
                let place = format!("state.{param}.{key}");
                let got = state.get(&place).expect(&place).to_f64_vec().unwrap();
                let tolerance = tolerance(name, dtype, case, 20);
                let found = differs(&got, &floats(numbers), tolerance);
                assert_eq!(found, None, "{name} {} {place}", case["options"]);
            }
        }
    });
}

#[test]
fn a_state_taken_in_the_middle_goes_on_with_the_same_bits() {
    for_every_case(|name, dtype, case| {
        let whole = Problem::new(name, dtype);
        let mut optim = optimizer(whole.params.clone(), case);
        let (mut halfway, mut state) = (Vec::new(), None);
        for step in 0..20 {
            if step == 8 {
                halfway = whole
                    .params
                    .tensors()
                    .iter()
                    .map(|p| p.detach().copy().unwrap())
                    .collect();
                state = Some(optim.state().unwrap());
            }
            whole.give(step);
            optim.step().unwrap();
        }
        let again = Problem::new(name, dtype);
        let mut plain = case.clone();
        plain["options"] = serde_json::json!({});
        // Options come with the state.
        let mut optim = optimizer(again.params.clone(), &plain);
        for (p, value) in again.params.tensors().iter().zip(&halfway) {
            let _guard = pullback::no_grad();
            p.copy_(value).unwrap();
        }
        optim.load(&state.unwrap()).unwrap();
        for step in 8..20 {
            again.give(step);
            optim.step().unwrap();
        }
        let bits = |p: &Problem| -> Vec<u64> {
            let all = p.values().into_iter().flat_map(|(_, v)| v);
            all.map(f64::to_bits).collect()
        };
        assert_eq!(bits(&whole), bits(&again), "{name} {}", case["options"]);
    });
}
