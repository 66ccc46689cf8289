//! Attention of long sequences never holds all of its weights. One test of the whole process's memory, so it is alone in its file.

use pullback::{Attention, DType, Result, Tensor, memory_use, release_memory};

#[test]
fn the_matrix_of_all_weights_is_never_there() -> Result<()> {
    if cfg!(pullback_no_pool) {
        return Ok(());
    }
    let n = 2048;
    let leaf = |by: f64| {
        let list: Vec<f64> = (0..4 * n).map(|k| (k as f64 * by).sin()).collect();
        Tensor::from_slice(&list, [n, 4])?
            .to(DType::F32)?
            .requires_grad_(true)
    };
    let (q, k, v) = (leaf(0.37)?, leaf(0.53)?, leaf(0.71)?);
    let matrix = n * n * size_of::<f32>();
    for is_causal in [true, false] {
        let how = Attention::default().is_causal(is_causal);
        release_memory();
        let before = memory_use().now;
        q.scaled_dot_product_attention(&k, &v, how)?
            .sum()?
            .backward()?;
        let most = memory_use().peak.saturating_sub(before);
        assert!(
            most > 0 && most < matrix / 2,
            "{most} bytes beside a matrix of {matrix}"
        );
    }
    Ok(())
}
