//! Random numbers of half precision are PyTorch's, bit for bit, and leave the generator where PyTorch's does. The golden file is written by
//! `golden/make_half_draws.py`.

use pullback::random::manual_seed;
use pullback::{DType, Result, Tensor, rand, randn};
use serde_json::Value;

fn draw(case: &Value) -> Result<Vec<f64>> {
    let dtype: DType = case["dtype"].as_str().unwrap().parse()?;
    let n = case["n"].as_u64().unwrap() as usize;
    let p: Vec<f64> = (case["numbers"].as_array().unwrap().iter())
        .map(|x| x.as_f64().unwrap())
        .collect();
    let law = case["law"].as_str().unwrap();
    manual_seed(match law {
        "zeros of rand" => 0,
        "rrelu" => 3,
        _ => n as u64,
    });
    let x = Tensor::zeros([n], dtype)?;
    let x = match law {
        "rand" => rand([n], dtype)?,
        "randn" => randn([n], dtype)?,
        "zeros of rand" => rand([n], dtype)?.eq(0.0)?.nonzero()?.flatten()?,
        "rrelu" => {
            let x = Tensor::arange(20)?.sub(10i64)?.to(dtype)?;
            x.rrelu(p[0], p[1], true)?
        }
        _ => {
            match law {
                "uniform_" => x.uniform_(p[0], p[1])?,
                "normal_" => x.normal_(p[0], p[1])?,
                "exponential_" => x.exponential_(p[0])?,
                "log_normal_" => x.log_normal_(p[0], p[1])?,
                "cauchy_" => x.cauchy_(p[0], p[1])?,
                "bernoulli_" => x.bernoulli_(p[0])?,
                other => panic!("no law {other}"),
            }
            x
        }
    };
    x.to(DType::F64)?.to_vec()
}

#[test]
fn draws_of_halves_are_those_of_pytorch() {
    let golden: Value = serde_json::from_str(include_str!("golden/half_draws.json")).unwrap();
    let cases = golden["cases"].as_array().unwrap();
    assert!(cases.len() > 60);
    for case in cases {
        let want: Vec<f64> = (case["drawn"].as_array().unwrap().iter())
            .map(|x| x.as_f64().unwrap())
            .collect();
        let what = format!("{} {} {}", case["law"], case["dtype"], case["n"]);
        assert_eq!(draw(case).unwrap(), want, "{what}");
        let next = rand([], DType::F32).unwrap().item::<f32>().unwrap();
        assert_eq!(next, case["next"].as_f64().unwrap() as f32, "after {what}");
    }
}
