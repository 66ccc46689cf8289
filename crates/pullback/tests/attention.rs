//! Attention of long sequences is made a block of queries at a time: the numbers are those of all weights at once.

use pullback::{Attention, DType, Result, Tensor};

/// Numbers without a pattern that a block could hide.
fn numbers(shape: &[usize], by: usize, dtype: DType) -> Result<Tensor> {
    let n: usize = shape.iter().product();
    let list: Vec<f64> = (0..n)
        .map(|k| ((by * k + 5) % 101) as f64 / 50.0 - 1.0)
        .collect();
    Tensor::from_slice(&list, shape)?.to(dtype)
}

fn leaves(batch: &[usize], n: usize, dtype: DType) -> Result<[Tensor; 3]> {
    let of = |width: usize, by| {
        let shape: Vec<usize> = batch.iter().copied().chain([n, width]).collect();
        numbers(&shape, by, dtype)?.requires_grad_(true)
    };
    Ok([of(4, 37)?, of(4, 53)?, of(3, 71)?])
}

/// Attention with its weights in one matrix: a mask keeps it from being taken in blocks.
fn masked(x: &[Tensor; 3], causal: bool, n: usize) -> Result<Tensor> {
    let ones = Tensor::ones([n, n], DType::Bool)?;
    let mask = if causal { ones.tril(0)? } else { ones };
    let how = Attention::default().attn_mask(Some(&mask));
    x[0].scaled_dot_product_attention(&x[1], &x[2], how)
}

fn apart(a: &Tensor, b: &Tensor) -> Result<f64> {
    a.detach().sub(&b.detach())?.abs()?.max()?.item_f64()
}

#[test]
fn blocks_give_what_one_matrix_gives() -> Result<()> {
    let n = 1030; // beyond the length from which blocks are taken, and no multiple of theirs
    for causal in [true, false] {
        let (x, y) = (leaves(&[2], n, DType::F64)?, leaves(&[2], n, DType::F64)?);
        let how = Attention::default().is_causal(causal);
        let blocks = x[0].scaled_dot_product_attention(&x[1], &x[2], how)?;
        let whole = masked(&y, causal, n)?;
        assert!(apart(&blocks, &whole)? < 1e-14);
        let seed = numbers(&[2, n, 3], 29, DType::F64)?;
        blocks.mul(&seed)?.sum()?.backward()?;
        whole.mul(&seed)?.sum()?.backward()?;
        for (a, b) in x.iter().zip(&y) {
            let (a, b) = (a.grad().expect("a gradient"), b.grad().expect("a gradient"));
            assert!(apart(&a, &b)? < 1e-12);
        }
    }
    Ok(())
}
