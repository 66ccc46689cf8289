"""What make_nn.py asks PyTorch about; not run by itself."""

# ruff: noqa: F821
ints = lambda *shape, high: torch.randint(0, high, shape, generator=torch.Generator().manual_seed(5))
signs = lambda *shape: ints(*shape, high=2).double() * 2 - 1
spread = lambda *shape: torch.linspace(-3.1, 3.3, torch.Size(shape).numel(), dtype=torch.float64).reshape(shape)
positive = lambda *shape: torch.rand(shape, dtype=torch.float64, generator=torch.Generator().manual_seed(6)) * 0.8 + 0.1

case("linear", lambda: nn.Linear(3, 2), (4, 3))
case("linear_no_bias", lambda: nn.Linear(3, 2, bias=False), (3,))
case("bilinear", lambda: nn.Bilinear(2, 3, 4), (5, 2), (5, 3))
case("identity", lambda: nn.Identity(), (2, 3))
case("sequential", lambda: nn.Sequential(nn.Linear(2, 3), nn.ReLU(), nn.Sequential(nn.Linear(3, 3), nn.Tanh()), nn.Linear(3, 1)), (4, 2))

for name in "ReLU ReLU6 SELU Sigmoid Tanh SiLU Mish Hardsigmoid Hardswish LogSigmoid Softsign Tanhshrink LeakyReLU ELU CELU Hardtanh Softplus Hardshrink Softshrink GELU".split():
    case(name, getattr(nn, name), spread(2, 8))
case("RReLU", nn.RReLU, spread(2, 8), training=False)
case("LeakyReLU_02", lambda: nn.LeakyReLU(0.2), spread(2, 8))
case("Hardtanh_2", lambda: nn.Hardtanh(-2.0, 0.5), spread(2, 8))
case("GELU_tanh", lambda: nn.GELU("tanh"), spread(2, 8))
case("Threshold", lambda: nn.Threshold(0.1, 20.0), spread(2, 8))
case("Softmax", lambda: nn.Softmax(1), (3, 4))
case("Softmin", lambda: nn.Softmin(0), (3, 4))
case("LogSoftmax", lambda: nn.LogSoftmax(-1), (3, 4))
case("Softmax2d", nn.Softmax2d, (2, 3, 2, 2))
case("GLU", nn.GLU, (3, 4))
case("PReLU", nn.PReLU, spread(2, 8))
case("PReLU_3", lambda: nn.PReLU(3, 0.5), spread(2, 3, 4))
for name in "Dropout Dropout1d Dropout2d Dropout3d AlphaDropout FeatureAlphaDropout".split():
    case(name, getattr(nn, name), (2, 3, 2, 2) if name != "Dropout1d" else (2, 3, 4), training=False)

case("Conv1d", lambda: nn.Conv1d(2, 3, 2), (2, 2, 5))
case("Conv2d", lambda: nn.Conv2d(2, 4, (3, 2), stride=2, padding=1, dilation=(1, 2), groups=2, bias=False), (1, 2, 6, 7))
case("Conv3d", lambda: nn.Conv3d(1, 2, 2), (1, 3, 3, 3))
case("Conv2d_same", lambda: nn.Conv2d(1, 2, (2, 3), padding="same", dilation=2), (1, 1, 5, 6))
case("Conv2d_valid", lambda: nn.Conv2d(1, 2, 2, padding="valid"), (1, 1, 3, 3))
case("Conv2d_reflect", lambda: nn.Conv2d(1, 2, 3, padding=(1, 2), padding_mode="reflect"), (1, 1, 5, 5))
case("Conv1d_circular_same", lambda: nn.Conv1d(1, 2, 4, padding="same", padding_mode="circular"), (1, 1, 6))
case("Conv2d_replicate", lambda: nn.Conv2d(1, 1, 2, padding=1, padding_mode="replicate"), (1, 1, 3, 3))
case("ConvTranspose1d", lambda: nn.ConvTranspose1d(2, 3, 2, stride=2), (1, 2, 4))
case("ConvTranspose2d", lambda: nn.ConvTranspose2d(2, 4, 3, stride=2, padding=1, output_padding=1, groups=2, dilation=2, bias=False), (1, 2, 3, 4))
case("ConvTranspose3d", lambda: nn.ConvTranspose3d(1, 2, 2), (1, 1, 2, 2, 2))
case("ConvTranspose2d_sized", lambda: nn.ConvTranspose2d(1, 1, 3, stride=2), (1, 1, 3, 3), call=lambda m, x: m(x, output_size=[8, 7]))

case("MaxPool1d", lambda: nn.MaxPool1d(2), (1, 2, 7))
case("MaxPool2d", lambda: nn.MaxPool2d((3, 2), stride=2, padding=1, ceil_mode=True), (1, 2, 6, 7))
case("MaxPool2d_indices", lambda: nn.MaxPool2d(2, dilation=2, return_indices=True), (1, 2, 6, 7))
case("MaxPool3d", lambda: nn.MaxPool3d(2), (1, 1, 4, 4, 4))
case("AvgPool1d", lambda: nn.AvgPool1d(2), (1, 2, 7))
case("AvgPool2d", lambda: nn.AvgPool2d((3, 2), stride=2, padding=1, count_include_pad=False), (1, 2, 6, 7))
case("AvgPool2d_divisor", lambda: nn.AvgPool2d(2, divisor_override=3, ceil_mode=True), (1, 2, 5, 5))
case("AvgPool3d", lambda: nn.AvgPool3d(2), (1, 1, 4, 4, 4))
case("AdaptiveAvgPool1d", lambda: nn.AdaptiveAvgPool1d(3), (1, 2, 7))
case("AdaptiveAvgPool2d", lambda: nn.AdaptiveAvgPool2d((3, None)), (1, 2, 5, 4))
case("AdaptiveAvgPool3d", lambda: nn.AdaptiveAvgPool3d((1, 2, 2)), (1, 2, 3, 3, 3))
case("AdaptiveMaxPool1d", lambda: nn.AdaptiveMaxPool1d(3), (1, 2, 7))
case("AdaptiveMaxPool2d", lambda: nn.AdaptiveMaxPool2d(2), (1, 2, 5, 4))
case("AdaptiveMaxPool3d", lambda: nn.AdaptiveMaxPool3d(2), (1, 2, 3, 3, 3))
case("LPPool1d", lambda: nn.LPPool1d(2.0, 3), positive(1, 2, 7))
case("LPPool2d", lambda: nn.LPPool2d(3.0, (2, 3), stride=1), positive(1, 2, 4, 5))
case("LPPool3d", lambda: nn.LPPool3d(2.0, 2), positive(1, 1, 4, 4, 4))

for d in (1, 2, 3):
    for name in "ZeroPad ReflectionPad ReplicationPad CircularPad".split():
        case(f"{name}{d}d", lambda name=name, d=d: getattr(nn, f"{name}{d}d")(1), (1, 1) + (3, 4, 2)[:d])
    case(f"ConstantPad{d}d", lambda d=d: getattr(nn, f"ConstantPad{d}d")(tuple(range(1, 2 * d + 1)), 2.5), (1, 1) + (3, 4, 2)[:d])
case("Flatten", nn.Flatten, (2, 3, 4))
case("Flatten_0", lambda: nn.Flatten(0, 1), (2, 3, 4))
case("Unflatten", lambda: nn.Unflatten(1, (2, -1)), (2, 6))

for d, shape in ((1, (4, 3)), (2, (2, 3, 2, 2)), (3, (2, 3, 2, 1, 2))):
    case(f"BatchNorm{d}d", lambda d=d: getattr(nn, f"BatchNorm{d}d")(3), shape)
    case(f"BatchNorm{d}d_eval", lambda d=d: getattr(nn, f"BatchNorm{d}d")(3, eps=1e-3, momentum=0.3), shape, training=False)
    case(f"InstanceNorm{d}d", lambda d=d: getattr(nn, f"InstanceNorm{d}d")(3), shape if d > 1 else (2, 3, 4))
case("BatchNorm1d_length", lambda: nn.BatchNorm1d(3, momentum=None), (4, 3, 2), call=lambda m, x: (m(x), m(x + 1)))
case("BatchNorm2d_plain", lambda: nn.BatchNorm2d(3, affine=False, track_running_stats=False), (2, 3, 2, 2), training=False)
case("BatchNorm2d_no_bias", lambda: nn.BatchNorm2d(3, bias=False), (2, 3, 2, 2))
case("InstanceNorm2d_tracked", lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), (2, 3, 2, 2))
case("InstanceNorm2d_eval", lambda: nn.InstanceNorm2d(3, affine=True, track_running_stats=True), (2, 3, 2, 2), training=False)
case("InstanceNorm1d_alone", lambda: nn.InstanceNorm1d(3), (3, 4))
case("LayerNorm", lambda: nn.LayerNorm(4), (3, 4))
case("LayerNorm_2", lambda: nn.LayerNorm((2, 3), eps=1e-3, bias=False), (4, 2, 3))
case("LayerNorm_plain", lambda: nn.LayerNorm(4, elementwise_affine=False), (3, 4))
case("RMSNorm", lambda: nn.RMSNorm(4), (3, 4))
case("RMSNorm_eps", lambda: nn.RMSNorm((2, 3), eps=1e-3, elementwise_affine=False), (4, 2, 3))
case("GroupNorm", lambda: nn.GroupNorm(2, 4), (2, 4, 3))
case("LocalResponseNorm", lambda: nn.LocalResponseNorm(2, alpha=0.1), (2, 4, 3))

case("Embedding", lambda: nn.Embedding(5, 3), ints(2, 4, high=5))
case("Embedding_padding", lambda: nn.Embedding(5, 3, padding_idx=-2, scale_grad_by_freq=True), ints(2, 4, high=5))
case("Embedding_norm", lambda: nn.Embedding(5, 3, max_norm=1.0, norm_type=1.0), ints(2, 4, high=5))

case("PixelShuffle", lambda: nn.PixelShuffle(2), (1, 8, 2, 3))
case("PixelUnshuffle", lambda: nn.PixelUnshuffle(2), (1, 2, 4, 2))
case("ChannelShuffle", lambda: nn.ChannelShuffle(2), (1, 4, 2))
case("CosineSimilarity", nn.CosineSimilarity, (3, 4), (3, 4))
case("PairwiseDistance", nn.PairwiseDistance, (3, 4), (3, 4))

for name in "RNN GRU LSTM".split():
    case(name, lambda name=name: getattr(nn, name)(3, 4), (5, 2, 3))
    case(f"{name}_all", lambda name=name: getattr(nn, name)(3, 4, num_layers=2, bidirectional=True, batch_first=True, bias=False), (2, 5, 3))
    case(f"{name}Cell", lambda name=name: getattr(nn, f"{name}Cell")(3, 4), (2, 3))
    case(f"{name}_packed", lambda name=name: getattr(nn, name)(3, 4, bidirectional=True), (5, 3, 3),
         call=lambda m, x: [(lambda y, h: (nn.utils.rnn.pad_packed_sequence(y)[0], h))(*m(nn.utils.rnn.pack_padded_sequence(x, [3, 5, 2], enforce_sorted=False)))])  # fmt: skip
case("RNN_relu", lambda: nn.RNN(3, 4, nonlinearity="relu"), (5, 3), (1, 4))
case("LSTM_proj", lambda: nn.LSTM(3, 4, proj_size=2, num_layers=2), (5, 2, 3), (2, 2, 2), (2, 2, 4), call=lambda m, x, h, c: m(x, (h, c)))
case("LSTM_dropout", lambda: nn.LSTM(3, 4, num_layers=2, dropout=0.5), (5, 2, 3), training=False)
case("RNNCell_relu", lambda: nn.RNNCell(3, 4, bias=False, nonlinearity="relu"), (3,), (4,))
case("LSTMCell_state", lambda: nn.LSTMCell(3, 4), (2, 3), (2, 4), (2, 4), call=lambda m, x, h, c: m(x, (h, c)))

later = lambda n: torch.triu(torch.full((n, n), float("-inf"), dtype=torch.float64), 1)
hidden = torch.tensor([[False, False, True, True], [False, False, False, True]])
case("MHA", lambda: nn.MultiheadAttention(6, 2), (3, 2, 6), (4, 2, 6), (4, 2, 6))
case("MHA_heads", lambda: nn.MultiheadAttention(6, 2, bias=False, batch_first=True), (2, 3, 6), call=lambda m, x: m(x, x, x, average_attn_weights=False))
case("MHA_widths", lambda: nn.MultiheadAttention(6, 3, kdim=4, vdim=5, add_bias_kv=True, add_zero_attn=True), (3, 2, 6), (4, 2, 4), (4, 2, 5), hidden,
     call=lambda m, q, k, v, h: m(q, k, v, key_padding_mask=h))  # fmt: skip
case("MHA_masks", lambda: nn.MultiheadAttention(6, 2), (4, 2, 6), later(4), hidden,
     call=lambda m, x, a, h: m(x, x, x, attn_mask=a, key_padding_mask=h.double().masked_fill(h, float("-inf")), need_weights=False))  # fmt: skip
case("MHA_causal", lambda: nn.MultiheadAttention(6, 2), (4, 2, 6), later(4), call=lambda m, x, a: m(x, x, x, attn_mask=a.detach(), is_causal=True, need_weights=False))
case("MHA_alone", lambda: nn.MultiheadAttention(6, 2), (4, 6), call=lambda m, x: m(x, x, x))

small = dict(dim_feedforward=5, dropout=0.0)
case("EncoderLayer", lambda: nn.TransformerEncoderLayer(4, 2, **small), (3, 2, 4))
case("EncoderLayer_first", lambda: nn.TransformerEncoderLayer(4, 2, norm_first=True, activation="gelu", batch_first=True, bias=False, **small), (2, 3, 4))
case("Encoder", lambda: nn.TransformerEncoder(nn.TransformerEncoderLayer(4, 2, **small), 2, nn.LayerNorm(4), enable_nested_tensor=False), (4, 2, 4), later(4),
     call=lambda m, x, a: m(x, a.detach(), hidden.double().masked_fill(hidden, float("-inf"))))  # fmt: skip
case("DecoderLayer", lambda: nn.TransformerDecoderLayer(4, 2, **small), (3, 2, 4), (4, 2, 4))
case("DecoderLayer_first", lambda: nn.TransformerDecoderLayer(4, 2, norm_first=True, **small), (3, 2, 4), (4, 2, 4))
case("Decoder", lambda: nn.TransformerDecoder(nn.TransformerDecoderLayer(4, 2, **small), 2), (3, 2, 4), (4, 2, 4))
case("Transformer", lambda: nn.Transformer(4, 2, 1, 2, **small), (4, 2, 4), (3, 2, 4), call=lambda m, s, t: m(s, t, tgt_mask=later(3)))

for name in "L1Loss MSELoss SmoothL1Loss HuberLoss".split():
    case(name, getattr(nn, name), (3, 4), (3, 4))
case("SmoothL1Loss_beta", lambda: nn.SmoothL1Loss(beta=0.3, reduction="sum"), (3, 4), (3, 4))
case("HuberLoss_delta", lambda: nn.HuberLoss(delta=0.3, reduction="none"), (3, 4), (3, 4))
case("CrossEntropyLoss", lambda: nn.CrossEntropyLoss(weight=torch.tensor([1.0, 2.0, 0.5]), label_smoothing=0.1, ignore_index=1), (4, 3), ints(4, high=3))
case("NLLLoss", nn.NLLLoss, (4, 3), ints(4, high=3))
case("PoissonNLLLoss", lambda: nn.PoissonNLLLoss(full=True), (3, 4), positive(3, 4), call=lambda m, x, y: m(x, y.detach() * 5))
case("GaussianNLLLoss", nn.GaussianNLLLoss, (3, 4), (3, 4), positive(3, 4))
case("KLDivLoss", lambda: nn.KLDivLoss(reduction="batchmean"), (3, 4), positive(3, 4))
case("BCELoss", nn.BCELoss, positive(3, 4), positive(3, 4).flip(0))
case("BCEWithLogitsLoss", lambda: nn.BCEWithLogitsLoss(pos_weight=torch.tensor([1.0, 2.0, 0.5, 1.0])), (3, 4), positive(3, 4))
case("HingeEmbeddingLoss", nn.HingeEmbeddingLoss, (3, 4), signs(3, 4), call=lambda m, x, y: m(x, y.detach()))
case("SoftMarginLoss", nn.SoftMarginLoss, (3, 4), signs(3, 4), call=lambda m, x, y: m(x, y.detach()))
case("MultiLabelSoftMarginLoss", nn.MultiLabelSoftMarginLoss, (3, 4), positive(3, 4), call=lambda m, x, y: m(x, y.detach()))
case("CosineEmbeddingLoss", nn.CosineEmbeddingLoss, (3, 4), (3, 4), signs(3), call=lambda m, a, b, y: m(a, b, y.detach()))
case("MarginRankingLoss", lambda: nn.MarginRankingLoss(0.1), (3,), (3,), signs(3), call=lambda m, a, b, y: m(a, b, y.detach()))
case("MultiMarginLoss", nn.MultiMarginLoss, (4, 3), ints(4, high=3))
case("TripletMarginLoss", lambda: nn.TripletMarginLoss(swap=True), (3, 4), (3, 4), (3, 4))

case("weight_norm", lambda: nn.utils.parametrizations.weight_norm(nn.Linear(3, 2)), (4, 3))
case("weight_norm_all", lambda: nn.utils.parametrizations.weight_norm(nn.Conv1d(2, 3, 2), dim=None), (1, 2, 4))
case("spectral_norm", lambda: nn.utils.parametrizations.spectral_norm(nn.Linear(3, 2)), (4, 3))
case("spectral_norm_transposed", lambda: nn.utils.parametrizations.spectral_norm(nn.ConvTranspose1d(2, 3, 2)), (1, 2, 4))

case("EmbeddingBag", lambda: nn.EmbeddingBag(5, 3), ints(2, 4, high=5))
case("EmbeddingBag_sum", lambda: nn.EmbeddingBag(5, 3, mode="sum", padding_idx=-1, max_norm=1.0), ints(6, high=5), torch.tensor([0, 2]), positive(6))
case("EmbeddingBag_max", lambda: nn.EmbeddingBag(5, 3, mode="max"), ints(2, 4, high=5))
case("MultiLabelMarginLoss", nn.MultiLabelMarginLoss, (2, 4), torch.tensor([[3, 0, -1, 1], [1, -1, 2, 0]]))
case("CTCLoss", nn.CTCLoss, (6, 2, 4), torch.tensor([[1, 2, 3], [2, 2, 0]]), call=lambda m, x, y: m(x.log_softmax(-1), y, (6, 5), (3, 2)))

case("Upsample", lambda: nn.Upsample(scale_factor=2), (1, 2, 3, 4))
case("Upsample_bilinear", lambda: nn.Upsample(size=(5, 3), mode="bilinear", align_corners=True), (1, 2, 3, 4))
case("Upsample_bicubic", lambda: nn.Upsample(scale_factor=(1.5, 2.0), mode="bicubic"), (1, 2, 4, 3))
case("Upsample_linear", lambda: nn.Upsample(size=7, mode="linear"), (1, 2, 4))
case("Upsample_trilinear", lambda: nn.Upsample(scale_factor=1.7, mode="trilinear", recompute_scale_factor=True), (1, 1, 3, 2, 4))
case("Upsample_exact", lambda: nn.Upsample(scale_factor=2.0, mode="nearest-exact"), (1, 2, 3))
case("UpsamplingNearest2d", lambda: nn.UpsamplingNearest2d(size=4), (1, 2, 3, 2))
case("UpsamplingBilinear2d", lambda: nn.UpsamplingBilinear2d(scale_factor=2), (1, 2, 3, 2))
case("Unfold", lambda: nn.Unfold((2, 3), dilation=2, padding=1, stride=(1, 2)), (2, 2, 5, 6))
case("Fold", lambda: nn.Fold((4, 5), 2, padding=(1, 0), stride=2), (2, 8, 6))
for d, shape in ((1, (1, 2, 7)), (2, (1, 2, 6, 4)), (3, (1, 1, 4, 4, 4))):
    case(f"MaxUnpool{d}d", lambda d=d: getattr(nn, f"MaxUnpool{d}d")(2), shape,
         call=lambda m, x, d=d: m(*getattr(nn.functional, f"max_pool{d}d")(x, 2, return_indices=True)))  # fmt: skip
case("MaxUnpool2d_sized", lambda: nn.MaxUnpool2d((3, 2), stride=2, padding=(1, 0)), (1, 2, 5, 5),
     call=lambda m, x: m(*nn.functional.max_pool2d(x, (3, 2), 2, (1, 0), return_indices=True), output_size=(5, 5)))  # fmt: skip
begins = lambda d: (torch.arange(2 * d) / 8 + 0.125).reshape(1, 2, d)
case("FractionalMaxPool2d", lambda: nn.FractionalMaxPool2d((2, 3), output_size=(3, 2), return_indices=True, _random_samples=begins(2)), (1, 2, 6, 7))
case("FractionalMaxPool2d_ratio", lambda: nn.FractionalMaxPool2d(2, output_ratio=0.5, _random_samples=begins(2)), (1, 2, 6, 7))
case("FractionalMaxPool3d", lambda: nn.FractionalMaxPool3d(2, output_size=2, _random_samples=begins(3)), (1, 2, 4, 5, 4))
case("AdaptiveLogSoftmax", lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 12, [4, 8], div_value=2.0), (5, 8), torch.tensor([0, 5, 11, 3, 9]),
     call=lambda m, x, y: (*m(x, y), m.log_prob(x)))  # fmt: skip
case("AdaptiveLogSoftmax_one", lambda: nn.AdaptiveLogSoftmaxWithLoss(8, 12, [4], div_value=2.0, head_bias=True), (8,), torch.tensor(7))
case("TripletMarginWithDistanceLoss", lambda: nn.TripletMarginWithDistanceLoss(swap=True, margin=2.0, reduction="sum"), (3, 4), (3, 4), (3, 4))
case("TripletMarginWithDistanceLoss_own", lambda: nn.TripletMarginWithDistanceLoss(distance_function=lambda x, y: (x - y).abs().sum(1)), (3, 4), (3, 4), (3, 4))
case("LinearCrossEntropyLoss", lambda: nn.LinearCrossEntropyLoss(4, 3), (5, 4), ints(5, high=3))
case("LinearCrossEntropyLoss_all", lambda: nn.LinearCrossEntropyLoss(4, 3, out_features=(2,), bias=True, weight=torch.tensor([1.0, 2.0, 0.5]), ignore_index=1, label_smoothing=0.25, reduction="sum"),
     (5, 4), ints(5, 2, high=3))  # fmt: skip
orthogonal = nn.utils.parametrizations.orthogonal
case("orthogonal_norm", lambda: orthogonal(nn.Linear(3, 3)), (4, 3))
case("orthogonal_norm_wide", lambda: orthogonal(nn.Linear(4, 2)), (4, 4))
case("orthogonal_norm_cayley", lambda: orthogonal(nn.Linear(2, 4), orthogonal_map="cayley"), (4, 2))
