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
