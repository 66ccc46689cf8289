//! Models as text.

use pullback::nn::*;
use pullback::{Result, Tensor};

#[derive(Clone)]
struct Net {
    layers: Vec<Linear>,
    act: ReLU,
    gain: Tensor,
    extra: Option<Linear>,
}
pullback::module!(Net { layers, act, gain, extra as "more" });

/// Equal neighbours of a list are counted, tensors and what is not there are not printed, as with PyTorch.
#[test]
fn lists_count_and_tensors_are_silent() -> Result<()> {
    let layer = |of, out| Linear::new(of, out);
    let net = Net {
        layers: vec![layer(2, 3)?, layer(3, 3)?, layer(3, 3)?, layer(3, 1)?],
        act: ReLU,
        gain: Tensor::scalar(1.0f32),
        extra: None,
    };
    // Python: the same as nn.ModuleList in a module.
    let want = "Net(
  (layers): ModuleList(
    (0): Linear(in_features=2, out_features=3, bias=True)
    (1-2): 2 x Linear(in_features=3, out_features=3, bias=True)
    (3): Linear(in_features=3, out_features=1, bias=True)
  )
  (act): ReLU()
)";
    assert_eq!(net.to_string(), want);
    let net = Net {
        layers: vec![],
        extra: Some(layer(1, 1)?),
        ..net
    };
    assert_eq!(
        net.to_string(),
        "Net(\n  (act): ReLU()\n  (more): Linear(in_features=1, out_features=1, bias=True)\n)"
    );
    Ok(())
}
