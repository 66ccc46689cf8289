//! `linear` of a vector, of a batch of one row and of a larger batch: what code gets that is written for one sample and mapped over many.

use pullback::{DType, Result, Tensor};

/// Numbers of both signs that no dtype holds exactly.
fn numbers(shape: &[usize], seed: f64, dtype: DType) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    let data: Vec<f64> = (0..n)
        .map(|k| (seed + 1.7 * k as f64).sin() + 0.1)
        .collect();
    Tensor::from_slice(&data, shape)?.to(dtype)
}

const SIZES: [usize; 9] = [1, 2, 3, 4, 7, 16, 33, 100, 300];

/// Calls `f` with a row of 7, all rows, weight and bias, for sizes around every kernel's blocks and weights in both orders.
fn each(f: impl Fn(&str, &Tensor, &Tensor, Option<&Tensor>) -> Result<()>) -> Result<()> {
    for dtype in [DType::F32, DType::F64, DType::Dd] {
        for k in SIZES {
            for n in SIZES
                .into_iter()
                .filter(|n| dtype != DType::Dd || n * k < 1000)
            {
                let x = numbers(&[7, k], 0.3, dtype)?;
                let b = numbers(&[n], 2.9, dtype)?;
                let plain = numbers(&[n, k], 1.1, dtype)?;
                let turned = numbers(&[k, n], 1.1, dtype)?.t()?;
                for (order, w) in [("", &plain), (" transposed", &turned)] {
                    for bias in [None, Some(&b)] {
                        let what = format!("{dtype}, {k} to {n}{order}, bias: {}", bias.is_some());
                        f(&what, &x, w, bias)?;
                    }
                }
            }
        }
    }
    Ok(())
}

#[test]
fn a_vector_and_a_batch_of_one_row_agree_to_the_bit() -> Result<()> {
    each(|what, x, w, bias| {
        for i in 0..2 {
            let row = x.select(0, i)?;
            let alone = row.linear(w, bias)?;
            let batch = row.unsqueeze(0)?.linear(w, bias)?;
            let deep = row.reshape([1, 1, row.numel()])?.linear(w, bias)?;
            let cut = x.narrow(0, i as usize, 1)?.linear(w, bias)?;
            for (form, y) in [("[1, k]", batch), ("[1, 1, k]", deep), ("a slice", cut)] {
                let off = y.flatten()?.sub(&alone)?.abs()?.max()?.item_f64()?;
                assert!(off == 0.0, "{what}: {form} is off by {off:e}");
            }
        }
        Ok(())
    })
}

#[test]
fn a_row_of_a_batch_is_within_the_stated_bound() -> Result<()> {
    each(|what, x, w, bias| {
        let all = x.linear(w, bias)?;
        let absolute = bias.map(Tensor::abs).transpose()?;
        let bound = x.abs()?.linear(&w.abs()?, absolute.as_ref())?;
        // 2(k + 1) roundings, each of at most the sum of magnitudes; what is computed in double-double has its own unit.
        let unit = match x.dtype() {
            DType::Dd => 2f64.powi(-98),
            other => other.unit_roundoff(),
        };
        let roundings = 2.0 * (x.shape()[1] + 1) as f64 * unit;
        for i in 0..7 {
            let alone = x.select(0, i)?.linear(w, bias)?;
            let off = all.select(0, i)?.sub(&alone)?.abs()?.to_f64_vec()?;
            let allowed = bound.select(0, i)?.to_f64_vec()?;
            for (off, allowed) in off.iter().zip(allowed) {
                assert!(*off <= roundings * allowed, "{what}, row {i}: {off:e}");
            }
        }
        Ok(())
    })
}
