//! Layers of networks: normalisation, embeddings, attention.

use crate::call::Function;
use crate::call::IntoValue;
use crate::core::fail::bail;
use crate::{Attention, EmbeddingBag, EmbeddingOptions, ops};

pub(in crate::ops) static LIST: &[Function] = &[
    Function::new(
        "layer_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, Tensor? bias=None, float eps=1e-05) -> Tensor",
        "nn.functional",
        |a| {
            let (weight, bias) = (a.tensor_opt("weight")?, a.tensor_opt("bias")?);
            a.tensor("input")?
                .layer_norm(&a.sizes("normalized_shape")?, weight, bias, a.float("eps")?)
                .into_value()
        },
    )
    .node("NativeLayerNormBackward0")
    .of(ops::LayerNorm::DEF)
    // Gradients are differences of numbers of the size of g.
    .units(8.0, 64.0)
    .samples(&[
        "T(2,3), [3]",
        "T(2,3,2).t, [3, 2], T(3,2), T(3,2)",
        "T(3,4), (4,), T(4), T(4), 0.25",
        "T(3,4), [4], weight=T(4)",
        "T(3,4), [4], bias=T(4)",
        "T(5), [5], T(5), T(5)",
        "T(0,3), [3], T(3), T(3)",
    ])
    .edges(&["T[[1.0, 1.0], [inf, 1.0], [nan, 1.0], [1e30, -1e30]], [2]", "T(2,3,0), [0]"])
    .errors(&["T(2,3), [4]", "T(2,3), [3], T(2)", "T(2,3), [3], bias=T(2)", "T(2,3), []", "I(2,3, 5), [3]", "T(2,3).f32, [3], T(3).f64"]),
    Function::new(
        "rms_norm(Tensor input, int[] normalized_shape, Tensor? weight=None, float? eps=None) -> Tensor",
        "nn.functional torch",
        |a| {
            a.tensor("input")?
                .rms_norm(&a.sizes("normalized_shape")?, a.tensor_opt("weight")?, a.float_opt("eps")?)
                .into_value()
        },
    )
    .of(ops::RmsNorm::DEF)
    .units(8.0, 64.0)
    .samples(&[
        "T(2,3), [3], eps=0.001",
        "T(2,3,2).t, [3, 2], T(3,2), 1e-05",
        "T(3,4), (4,), T(4), 0.25",
        "T(5), [5], T(5), 1e-06",
        "T(0,3), [3], T(3), 0.5",
    ])
    .edges(&["T(3,4), [4]", "T(3,4), [4], T(4)", "T[[1.0, 1.0], [inf, 1.0], [nan, 1.0]], [2]"])
    .errors(&["T(2,3), [4]", "T(2,3), [3], T(2)", "T(2,3), []", "I(2,3, 5), [3]"]),
    Function::new(
        "embedding(Tensor input, Tensor weight, int? padding_idx=None, float? max_norm=None, float norm_type=2.0, bool scale_grad_by_freq=False, bool sparse=False) -> Tensor",
        "nn.functional",
        |a| {
            if a.bool("sparse")? {
                bail!(Unsupported, "embedding: sparse gradients are not supported");
            }
            let how = EmbeddingOptions {
                padding_idx: a.int_opt("padding_idx")?,
                max_norm: a.float_opt("max_norm")?,
                norm_type: a.float("norm_type")?,
                scale_grad_by_freq: a.bool("scale_grad_by_freq")?,
            };
            a.tensor("input")?.embedding(a.tensor("weight")?, how).into_value()
        },
    )
    .of(ops::Embedding::DEF)
    .samples(&[
        "I[1, 0, 1], T(3,2)",
        "I[[1, 0], [2, 2]], T(3,2).t",
        "I(4, 5).i32, T(5,3)",
        "I(0, 5), T(5,3)",
    ])
    .edges(&[
        "I[1, 0, 1, 2], T(3,2), padding_idx=1",
        "I[1, 0, 1, 2], T(3,2), padding_idx=-1",
        "I[1, 0, 1, 2, 1], T(3,2), scale_grad_by_freq=True",
        "I[1, 0, 1, 2, 1], T(3,2), 0, None, 2.0, True",
        "I[1, 0, 1], T(3,2).fixed, max_norm=1.5",
    ])
    .errors(&["I[1, 7], T(3,2)", "I[1, -1], T(3,2)", "T(2), T(3,2)", "I[1], T(3)", "I(2, 3).u8, T(3,2)"]),
    Function::new(
        "embedding_bag(Tensor input, Tensor weight, Tensor? offsets=None, float? max_norm=None, float norm_type=2, bool scale_grad_by_freq=False, str mode='mean', bool sparse=False, Tensor? per_sample_weights=None, bool include_last_offset=False, int? padding_idx=None) -> Tensor",
        "nn.functional",
        |a| {
            let how = EmbeddingBag {
                offsets: a.tensor_opt("offsets")?,
                max_norm: a.float_opt("max_norm")?,
                norm_type: a.float("norm_type")?,
                scale_grad_by_freq: a.bool("scale_grad_by_freq")?,
                mode: a.str("mode")?.parse()?,
                per_sample_weights: a.tensor_opt("per_sample_weights")?,
                include_last_offset: a.bool("include_last_offset")?,
                padding_idx: a.int_opt("padding_idx")?,
            };
            if a.bool("sparse")? {
                bail!(Unsupported, "embedding_bag: sparse gradients are not supported");
            }
            a.tensor("input")?.embedding_bag(a.tensor("weight")?, how).into_value()
        },
    )
    .node("EmbeddingBagBackward0")
    .about("Rows of a table, a bag of them at a time: their sum, their mean, or the largest.", "Σ w[i], Σ w[i]/n or max w[i] over i in a bag")
    .samples(&[
        "I[[1, 0], [2, 2]], T(3,2).t",
        "I[1, 0, 1, 2], T(3,2), I[0, 3], mode='sum'",
        "I[1, 0, 1, 2], T(3,2), I[0, 2, 2], mode='max'",
        "I[1, 0, 1, 2], T(3,2), I[0, 2], mode='sum', per_sample_weights=T(4)",
        "I[1, 0, 1, 2].i32, T(3,2), I[0, 2, 4].i32, include_last_offset=True",
        "I(0, 3), T(3,2), I[0, 0]",
    ])
    .edges(&[
        "I[1, 0, 1, 2], T(3,2), I[0, 2], padding_idx=1",
        "I[1, 0, 1, 2], T(3,2), I[0, 3], padding_idx=-3, mode='max'",
        "I[1, 0, 1, 2, 1], T(3,2), I[0, 3], None, 2.0, True, 'mean'",
        "I[1, 0, 1], T(3,2).fixed, I[0], max_norm=1.5",
        "I[0, 1, 1], T[[1.0, 2.0], [1.0, 3.0]], I[0], mode='max'",
        "I(0, 3), T(3,2), I[0, 0], mode='max'",
    ])
    .errors(&[
        "~I[1, 7], T(3,2), I[0]",
        "~I[1, -1], T(3,2), I[0]",
        "T(2), T(3,2), I[0]",
        "I[1], T(3), I[0]",
        "I[1, 2], T(3,2), I[1]",
        "I[1, 2], T(3,2), I[0, 3]",
        "I[1, 2], T(3,2)",
        "I[[1, 2]], T(3,2), I[0]",
        "I(1,1,1, 2), T(3,2)",
        "I[1, 2], T(3,2), I[0], mode='mean', per_sample_weights=T(2)",
        "I[1, 2], T(3,2), I[0], mode='sum', per_sample_weights=T(3)",
        "I[1, 2], T(3,2), I[0], mode='prod'",
        "I[1, 2], T(3,2), I[0], padding_idx=3",
        "I[1, 2], T(3,2), I[0], None, 2.0, True, 'max'",
    ]),
    Function::new(
        "scaled_dot_product_attention(Tensor query, Tensor key, Tensor value, Tensor? attn_mask=None, float dropout_p=0.0, bool is_causal=False, *, float? scale=None, bool enable_gqa=False) -> Tensor",
        "nn.functional",
        |a| {
            let how = Attention {
                attn_mask: a.tensor_opt("attn_mask")?,
                dropout_p: a.float("dropout_p")?,
                is_causal: a.bool("is_causal")?,
                scale: a.float_opt("scale")?,
                enable_gqa: a.bool("enable_gqa")?,
            };
            a.tensor("query")?
                .scaled_dot_product_attention(a.tensor("key")?, a.tensor("value")?, how)
                .into_value()
        },
    )
    .about("Values weighed by the softmax of queries times keys.", "softmax(scale·q·kᵀ + mask)·v")
    // Products, a softmax and a product, in PyTorch in another order.
    .units(16.0, 64.0)
    .samples(&[
        "T(2,4,3), T(2,5,3), T(2,5,6)",
        "T(4,3), T(5,3), T(5,2), B(4,5)",
        "T(2,4,3), T(2,4,3), T(2,4,3), is_causal=True",
        "T(1,2,3,2).t, T(1,2,4,2), T(1,2,4,2), T(3,4)",
        "T(1,4,3,2), T(1,2,4,2), T(1,2,4,2), scale=0.5, enable_gqa=True",
        "T(1,2,3), T(1,3,3), T(1,3,2), None, 0.0, True",
    ])
    .edges(&["T(3,2), T(2,2), T(2,2), B[[True, False], [False, False], [True, True]]", "T(5,2), T(2,2), T(2,2), is_causal=True"])
    .errors(&[
        "T(2,4,3), T(2,5,3), T(2,5,6), B(4,5), 0.0, True",
        "~T(2,4,3), T(2,5,2), T(2,5,6)",
        "T(3), T(3), T(3)",
        "T(2,4,3), T(2,5,3), T(2,5,6), I(4,5, 2)",
        "T(2,4,3).f32, T(2,5,3).f64, T(2,5,6).f32",
    ]),
];
