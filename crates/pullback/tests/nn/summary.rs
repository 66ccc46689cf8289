//! What a model is made of.

use pullback::nn::*;
use pullback::{DType, Result, Tensor, no_grad, sequential};

#[test]
fn shapes_and_counts_without_numbers() -> Result<()> {
    let model = sequential![
        Conv2d::new(1, 4, 3)?,
        ReLU,
        sequential![Flatten::default(), Linear::new(144, 10)?],
        ReLU
    ];
    let x = Tensor::ones([2, 1, 8, 8], DType::F32)?;
    let table = model.summary(&x)?;
    let rows: Vec<(&str, &str, String, usize)> = (table.rows.iter())
        .map(|r| {
            (
                &*r.name,
                &*r.kind,
                r.output.as_ref().unwrap().to_string(),
                r.parameters,
            )
        })
        .collect();
    let row = |name, kind, output: &str, n| (name, kind, output.to_string(), n);
    let want = [
        row("", "Sequential", "[2, 10]", 1490),
        row("0", "Conv2d", "[2, 4, 6, 6]", 40),
        // Layers without fields lie in one place, and are told apart by their turn.
        row("1", "ReLU", "[2, 4, 6, 6]", 0),
        row("2", "Sequential", "[2, 10]", 1450),
        row("2.0", "Flatten", "[2, 144]", 0),
        row("2.1", "Linear", "[2, 10]", 1450),
        row("3", "ReLU", "[2, 10]", 0),
    ];
    assert_eq!(rows, want);
    assert_eq!((table.parameters, table.others), (1490, 0));
    assert_eq!(table.output[..], [2, 10]);
    let text = table.to_string();
    assert!(
        text.starts_with("name  layer       output        parameters\n"),
        "{text}"
    );
    assert!(
        text.ends_with("1,490 parameters, 0 other numbers"),
        "{text}"
    );
    // The model itself still has its numbers.
    let _guard = no_grad();
    assert_eq!(model.forward(&x)?.to_vec::<f32>()?.len(), 20);
    Ok(())
}

#[test]
fn what_does_not_fit_is_told_with_the_layer() -> Result<()> {
    let model = sequential![Linear::new(2, 3)?, Linear::new(4, 1)?];
    let e = model.summary(&meta([5, 2], DType::F32)?).unwrap_err();
    assert!(
        e.to_string()
            .contains("in layer `1` (Linear), given [5, 3]"),
        "{e}"
    );
    // And whoever asks next is told of nothing from before.
    let model = sequential![Linear::new(2, 3)?];
    assert_eq!(model.summary(&meta([5, 2], DType::F32)?)?.rows.len(), 2);
    Ok(())
}

/// A shape that no memory holds.
#[test]
fn nothing_is_allocated() -> Result<()> {
    let huge = Linear::new(1, 1)?.to_meta()?;
    let wide = Linear {
        weight: meta([1 << 30, 1], DType::F32)?,
        ..huge.clone()
    };
    let wide = Linear { bias: None, ..wide };
    let table = wide.summary(&meta([1 << 20, 1], DType::F32)?)?;
    assert_eq!(table.output[..], [1 << 20, 1 << 30]);
    Ok(())
}
