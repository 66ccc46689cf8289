"""What is asked of PyTorch and of this package alike: modules, optimisers, schedules, samplers. `make_training.py` writes down what PyTorch answers
(`training.json`), `test_training.py` compares.

Everything is a function of the package `M` and returns plain data. Not for: what only one of the two can do.
"""

import copy
import random as python_random

MODULES = [
    ("Identity(3, x=1)", "r(2, 3)"), ("Linear(3, 2)", "r(4, 3)"), ("Linear(3, 2, bias=False)", "r(3)"), ("Linear(1, 1)", "r(2, 5, 1)"),
    ("Bilinear(2, 3, 4)", "r(5, 2), r(5, 3)"), ("Bilinear(2, 3, 1, bias=False)", "r(2), r(3)"),
    ("Threshold(0.1, -2)", "r(4)"), ("ReLU()", "r(4)"), ("ReLU(inplace=True)", "r(4)"), ("RReLU()", "r(6)"), ("RReLU(0.1, 0.2)", "r(6)"), ("Hardtanh()", "r(6)"), ("Hardtanh(-0.2, 0.3)", "r(6)"),
    ("ReLU6()", "4 * r(6)"), ("Sigmoid()", "r(3)"), ("Tanh()", "r(3)"), ("SiLU()", "r(3)"), ("SiLU(inplace=True)", "r(3)"), ("Mish()", "r(3)"), ("Hardswish()", "4 * r(5)"), ("Hardsigmoid()", "4 * r(5)"), ("SELU()", "r(4)"),
    ("ELU()", "r(4)"), ("ELU(0.3)", "r(4)"), ("CELU(0.75)", "r(4)"), ("GLU()", "r(2, 4)"), ("GLU(0)", "r(4, 3)"), ("GELU()", "r(4)"), ("GELU('tanh')", "r(4)"), ("Hardshrink()", "r(6)"), ("Softshrink(0.3)", "r(6)"),
    ("LeakyReLU()", "r(5)"), ("LeakyReLU(0.2, inplace=True)", "r(5)"), ("LogSigmoid()", "r(4)"), ("Softplus()", "r(4)"), ("Softplus(2, 1)", "r(4)"), ("PReLU()", "r(2, 3)"), ("PReLU(3, 0.1)", "r(2, 3, 2)"),
    ("Softsign()", "r(4)"), ("Tanhshrink()", "r(4)"), ("Softmin(dim=1)", "r(2, 3)"), ("Softmax(dim=-1)", "r(2, 3)"), ("LogSoftmax(dim=0)", "r(2, 3)"), ("Softmax2d()", "r(2, 3, 2, 2)"),
    ("L1Loss()", "r(3, 2), r(3, 2)"), ("L1Loss(reduction='none')", "r(3, 2), r(3, 2)"), ("MSELoss()", "r(3, 2), r(3, 2)"), ("MSELoss(reduction='sum')", "r(3), r(3)"), ("SmoothL1Loss()", "r(4), r(4)"), ("SmoothL1Loss(beta=0.3)", "r(4), r(4)"),
    ("HuberLoss(delta=0.5)", "r(4), r(4)"), ("CrossEntropyLoss()", "r(3, 4), ints(3, 4)"), ("CrossEntropyLoss(label_smoothing=0.1, ignore_index=1)", "r(3, 4), ints(3, 4)"), ("CrossEntropyLoss(weight=M.arange(1., 5.).double())", "r(3, 4), ints(3, 4)"),
    ("CrossEntropyLoss()", "r(3, 4), r(3, 4).softmax(1).detach()"), ("NLLLoss()", "r(3, 4).log_softmax(1), ints(3, 4)"), ("NLLLoss(reduction='sum')", "r(3, 4).log_softmax(1), ints(3, 4)"), ("PoissonNLLLoss()", "r(4), ints(4, 5).double()"),
    ("PoissonNLLLoss(log_input=False, full=True)", "r(4).exp(), ints(4, 5).double()"), ("GaussianNLLLoss()", "r(4), r(4), r(4).exp()"), ("KLDivLoss(reduction='batchmean')", "r(3, 4).log_softmax(1), r(3, 4).softmax(1)"),
    ("KLDivLoss(reduction='sum', log_target=True)", "r(3, 4).log_softmax(1), r(3, 4).log_softmax(1)"), ("BCELoss()", "r(4).sigmoid(), r(4).sigmoid()"), ("BCEWithLogitsLoss()", "r(4), r(4).sigmoid()"), ("BCEWithLogitsLoss(pos_weight=M.arange(1., 4.).double())", "r(2, 3), r(2, 3).sigmoid()"),
    ("HingeEmbeddingLoss(0.5)", "r(4), signs(4)"), ("SoftMarginLoss()", "r(4), signs(4)"), ("MultiLabelSoftMarginLoss()", "r(3, 4), r(3, 4).sigmoid().round().detach()"), ("CosineEmbeddingLoss(0.1)", "r(3, 4), r(3, 4), signs(3)"),
    ("MarginRankingLoss(0.2)", "r(4), r(4), signs(4)"), ("MultiMarginLoss()", "r(3, 4), ints(3, 4)"), ("MultiMarginLoss(p=2, margin=0.5)", "r(3, 4), ints(3, 4)"), ("TripletMarginLoss()", "r(3, 4), r(3, 4), r(3, 4)"), ("TripletMarginLoss(0.5, p=1.0, swap=True)", "r(3, 4), r(3, 4), r(3, 4)"),
    ("Dropout()", "r(8)"), ("Dropout(0.2)", "r(8)"), ("Dropout1d(0.3)", "r(3, 4, 2)"), ("Dropout2d()", "r(2, 4, 2, 2)"), ("Dropout3d()", "r(2, 4, 1, 2, 2)"), ("AlphaDropout(0.3)", "r(8)"), ("FeatureAlphaDropout(0.3)", "r(2, 4, 3)"),
    ("Embedding(6, 3)", "ints(5, 6)"), ("Embedding(6, 3, padding_idx=-1)", "ints(5, 6)"), ("Embedding(6, 3, max_norm=1.0)", "ints(5, 6)"), ("Embedding(6, 3, scale_grad_by_freq=True)", "ints(2, 4, high=6)"), ("Embedding.from_pretrained(M.arange(6.).double().reshape(3, 2))", "ints(4, 3)"),
    ("LayerNorm(4)", "r(3, 4)"), ("LayerNorm((2, 3), eps=1e-3)", "r(4, 2, 3)"), ("LayerNorm(4, bias=False)", "r(2, 4)"), ("LayerNorm(4, elementwise_affine=False)", "r(2, 4)"), ("RMSNorm(4)", "r(3, 4)"), ("RMSNorm((2, 3), eps=1e-2, elementwise_affine=False)", "r(4, 2, 3)"),
    ("RNN(2, 3)", "r(4, 2, 2)"), ("RNN(2, 3, 2, 'relu', bias=False, batch_first=True)", "r(2, 4, 2), r(2, 2, 3)"), ("RNN(2, 3, bidirectional=True)", "r(4, 2)"), ("LSTM(2, 3)", "r(4, 2, 2)"), ("LSTM(2, 3, 2, dropout=0.4, bidirectional=True)", "r(4, 2, 2)"),
    ("LSTM(3, 4, proj_size=2, batch_first=True)", "r(2, 3, 3), (r(1, 2, 2), r(1, 2, 4))"), ("LSTM(2, 3)", "nn.utils.rnn.pack_padded_sequence(r(4, 3, 2), [4, 2, 1])"), ("GRU(2, 3, bidirectional=True)", "nn.utils.rnn.pack_sequence([r(2, 2), r(4, 2), r(1, 2)], enforce_sorted=False)"),
    ("GRU(2, 3)", "r(4, 2, 2)"), ("GRU(2, 3, 2, bias=False)", "r(4, 2), r(2, 3)"), ("RNNCell(2, 3)", "r(4, 2)"), ("RNNCell(2, 3, nonlinearity='relu', bias=False)", "r(2), r(3)"), ("LSTMCell(2, 3)", "r(4, 2), (r(4, 3), r(4, 3))"), ("GRUCell(2, 3)", "r(4, 2), r(4, 3)"),
    ("MultiheadAttention(4, 2)", "r(3, 2, 4), r(5, 2, 4), r(5, 2, 4)"), ("MultiheadAttention(4, 2, dropout=0.3, batch_first=True, bias=False)", "*[r(2, 3, 4)] * 3, M.tensor([[False, True, False], [False, False, False]])"), ("MultiheadAttention(4, 2, add_bias_kv=True, add_zero_attn=True)", "*[r(3, 2, 4)] * 3, None, True, M.ones(3, 3, dtype=M.bool).triu(1)"),
    ("MultiheadAttention(4, 1, kdim=3, vdim=5)", "r(3, 4), r(2, 3), r(2, 5), None, False"), ("TransformerEncoderLayer(4, 2, 8)", "r(3, 2, 4)"), ("TransformerEncoderLayer(4, 2, 8, 0.0, 'gelu', batch_first=True, norm_first=True)", "r(2, 3, 4), nn.Transformer.generate_square_subsequent_mask(3, dtype=M.float64)"),
    ("TransformerEncoder(nn.TransformerEncoderLayer(4, 2, 8, 0.0), 2, nn.LayerNorm(4))", "r(3, 2, 4)"), ("TransformerDecoderLayer(4, 2, 8, 0.0)", "r(3, 2, 4), r(5, 2, 4)"), ("Transformer(4, 2, 1, 2, 8, 0.0)", "r(3, 2, 4), r(5, 2, 4), None, nn.Transformer.generate_square_subsequent_mask(5, dtype=M.float64)"),
    ("Conv1d(2, 3, 2)", "r(2, 2, 5)"), ("Conv1d(4, 4, 3, stride=2, padding=1, groups=2, bias=False)", "r(1, 4, 6)"), ("Conv1d(2, 2, 3, padding='same', padding_mode='circular')", "r(1, 2, 5)"), ("Conv2d(2, 3, 3, padding=1)", "r(2, 2, 4, 5)"),
    ("Conv2d(2, 4, (3, 2), stride=(2, 1), dilation=(1, 2), padding='valid')", "r(1, 2, 6, 5)"), ("Conv2d(2, 2, 3, padding=(1, 2), padding_mode='reflect')", "r(2, 4, 4)"), ("Conv2d(1, 1, 2, padding=1, padding_mode='replicate')", "r(1, 1, 3, 3)"), ("Conv3d(1, 2, 2, stride=2)", "r(1, 1, 4, 4, 4)"),
    ("ConvTranspose1d(2, 3, 3, stride=2, padding=1, output_padding=1)", "r(2, 2, 4)"), ("ConvTranspose2d(2, 4, 3, stride=2, groups=2)", "r(1, 2, 3, 3)"), ("ConvTranspose3d(1, 1, 2, dilation=2, bias=False)", "r(1, 1, 2, 2, 2)"),
    ("MaxPool1d(2)", "r(1, 2, 5)"), ("MaxPool2d(3, stride=2, padding=1)", "r(1, 2, 6, 5)"), ("MaxPool2d((2, 1), ceil_mode=True)", "r(2, 5, 3)"), ("MaxPool3d(2)", "r(1, 1, 4, 4, 4)"), ("AvgPool1d(3, 1, 1)", "r(1, 2, 5)"), ("AvgPool2d(2, ceil_mode=True, count_include_pad=False)", "r(1, 2, 5, 5)"), ("AvgPool2d((2, 3), divisor_override=2)", "r(1, 1, 4, 6)"),
    ("AvgPool3d(2)", "r(1, 1, 4, 4, 4)"), ("AdaptiveAvgPool1d(3)", "r(1, 2, 7)"), ("AdaptiveAvgPool2d((None, 2))", "r(1, 2, 3, 5)"), ("AdaptiveAvgPool3d(2)", "r(1, 1, 3, 4, 5)"), ("AdaptiveMaxPool1d(2)", "r(1, 2, 5)"), ("AdaptiveMaxPool2d((2, 3))", "r(1, 2, 5, 4)"), ("AdaptiveMaxPool3d((1, 2, 2))", "r(1, 1, 3, 3, 3)"),
    ("LPPool1d(2, 2)", "r(1, 2, 6)"), ("LPPool2d(3.0, 2, stride=1)", "r(1, 1, 4, 4).exp()"), ("BatchNorm1d(3)", "r(4, 3)"), ("BatchNorm1d(3, momentum=None)", "r(4, 3, 2)"), ("BatchNorm1d(2, affine=False, track_running_stats=False)", "r(4, 2)"), ("BatchNorm2d(2, eps=1e-3, momentum=0.3)", "r(2, 2, 3, 3)"), ("BatchNorm3d(2)", "r(2, 2, 2, 2, 2)"),
    ("InstanceNorm1d(3)", "r(2, 3, 4)"), ("InstanceNorm1d(3, affine=True)", "r(3, 4)"), ("InstanceNorm2d(2, affine=True, track_running_stats=True)", "r(2, 2, 3, 3)"), ("InstanceNorm3d(2)", "r(1, 2, 2, 2, 2)"), ("GroupNorm(2, 4)", "r(2, 4, 3)"), ("GroupNorm(1, 2, affine=False)", "r(2, 2, 2, 2)"), ("LocalResponseNorm(2)", "r(1, 3, 2, 2)"),
    ("TripletMarginWithDistanceLoss()", "r(3, 4), r(3, 4), r(3, 4)"), ("TripletMarginWithDistanceLoss(distance_function=nn.CosineSimilarity(), swap=True, margin=0.5, reduction='none')", "r(3, 4), r(3, 4), r(3, 4)"), ("AdaptiveLogSoftmaxWithLoss(8, 10, [3, 6], div_value=2.0)", "r(5, 8), M.tensor([0, 2, 4, 9, 7])"), ("AdaptiveLogSoftmaxWithLoss(4, 6, [2], head_bias=True)", "r(4), M.tensor(1)"),
    ("Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.ReLU(), nn.MaxPool2d(2), nn.Flatten(), nn.Linear(8, 3))", "r(2, 1, 6, 6)"), ("Flatten()", "r(2, 3, 2)"), ("Flatten(0, 1)", "r(2, 3, 2)"), ("Unflatten(1, (2, 3))", "r(2, 6)"), ("ConstantPad1d(2, 3.5)", "r(1, 2, 3)"), ("ConstantPad2d((1, 0, 2, 1), -1)", "r(1, 2, 3)"), ("ConstantPad3d(1, 0.5)", "r(1, 1, 2, 2, 2)"), ("ZeroPad1d(1)", "r(1, 2, 3)"), ("ZeroPad2d((1, -1, 2, 0))", "r(1, 1, 3, 3)"),
    ("ZeroPad3d(1)", "r(1, 1, 2, 2, 2)"), ("ReflectionPad1d(2)", "r(1, 2, 4)"), ("ReflectionPad2d(1)", "r(1, 1, 3, 3)"), ("ReflectionPad3d(1)", "r(1, 1, 2, 2, 3)"), ("ReplicationPad1d((2, 1))", "r(1, 2, 3)"), ("ReplicationPad2d(2)", "r(1, 1, 2, 3)"), ("ReplicationPad3d(1)", "r(1, 1, 2, 2, 2)"),
    ("CircularPad1d(2)", "r(1, 2, 4)"), ("CircularPad2d(1)", "r(1, 1, 3, 3)"), ("CircularPad3d(1)", "r(1, 1, 2, 2, 3)"), ("PixelShuffle(2)", "r(1, 8, 2, 3)"), ("PixelUnshuffle(2)", "r(1, 2, 4, 4)"), ("ChannelShuffle(2)", "r(1, 4, 2, 2)"), ("CosineSimilarity()", "r(3, 4), r(3, 4)"),
    ("Fold((4, 5), (2, 3), padding=1)", "r(1, 12, 25)"), ("Fold(4, 2, 2, 0, 2)", "r(8, 1)"), ("Unfold((2, 3), stride=2)", "r(2, 2, 4, 5)"), ("Unfold(2, 2, 1)", "r(2, 4, 4)"), ("Upsample(5)", "r(1, 2, 3)"), ("Upsample(scale_factor=2, mode='bilinear')", "r(1, 2, 3, 4)"),
    ("Upsample((3, 5), None, 'bicubic', True)", "r(1, 1, 4, 4)"), ("Upsample(scale_factor=(1.5, 2, 2.5), mode='trilinear', recompute_scale_factor=True)", "r(1, 1, 2, 3, 2)"), ("UpsamplingNearest2d(scale_factor=2)", "r(1, 1, 2, 3)"), ("UpsamplingBilinear2d((4, 3))", "r(1, 2, 3, 2)"),
    ("MaxUnpool1d(2)", "r(1, 1, 3), M.tensor([[[0, 3, 4]]])"), ("MaxUnpool2d(2, stride=(2, 1))", "r(1, 2, 2), M.tensor([[[0, 3], [7, 8]]])"), ("MaxUnpool2d(3, 2, 1)", "r(1, 1, 2, 2), M.tensor([[[[0, 3], [7, 11]]]]), (1, 1, 4, 3)"), ("MaxUnpool3d((2, 1, 1))", "r(1, 1, 1, 2, 1), M.tensor([[[[[1], [2]]]]])"),
    ("FractionalMaxPool2d(2, output_ratio=(0.5, 0.6))", "r(1, 2, 6, 5)"), ("FractionalMaxPool2d((2, 3), 2, _random_samples=M.tensor([[[0.25, 0.75]]], dtype=M.float64))", "r(1, 1, 5, 6)"), ("FractionalMaxPool3d(2, (2, 3, 2))", "r(1, 1, 5, 6, 5)"), ("LPPool3d(2, (2, 1, 2))", "r(1, 1, 2, 3, 4)"),
    ("CosineSimilarity(dim=0, eps=1e-3)", "r(4), r(4)"), ("PairwiseDistance()", "r(3, 4), r(3, 4)"), ("PairwiseDistance(p=1.5, keepdim=True)", "r(3, 4), r(3, 4)"),
    ("Sequential(nn.Linear(2, 3), nn.Sequential(nn.Tanh(), nn.Dropout(0.4)), nn.Linear(3, 1))", "r(4, 2)"), ("Sequential(OrderedDict(a=nn.Linear(2, 2), b=nn.ReLU()))", "r(3, 2)"),
]  # fmt: skip

OPTIMIZERS = [
    ("SGD", dict(lr=0.1)), ("SGD", dict(lr=0.1, momentum=0.9, weight_decay=0.01, nesterov=True)), ("SGD", dict(lr=0.1, momentum=0.9, dampening=0.1, maximize=True)),
    ("Adam", dict(lr=0.01)), ("Adam", dict(lr=0.01, amsgrad=True, weight_decay=0.1, betas=(0.8, 0.99))), ("Adam", dict(lr=0.01, decoupled_weight_decay=True, weight_decay=0.1)), ("AdamW", dict(lr=0.01)), ("AdamW", dict(lr=0.01, amsgrad=True, maximize=True, eps=1e-4)),
    ("Adamax", dict()), ("Adamax", dict(weight_decay=0.1, maximize=True)), ("NAdam", dict(weight_decay=0.1)), ("NAdam", dict(weight_decay=0.1, decoupled_weight_decay=True, momentum_decay=0.01)), ("RAdam", dict(weight_decay=0.1)), ("RAdam", dict(lr=0.05, decoupled_weight_decay=True, weight_decay=0.1)),
    ("Adagrad", dict()), ("Adagrad", dict(lr_decay=0.1, weight_decay=0.1, initial_accumulator_value=0.1, maximize=True)), ("Adadelta", dict()), ("Adadelta", dict(weight_decay=0.1, rho=0.8, maximize=True)), ("RMSprop", dict()), ("RMSprop", dict(momentum=0.9, centered=True, weight_decay=0.1, maximize=True)),
    ("Rprop", dict()), ("Rprop", dict(maximize=True, etas=(0.4, 1.3), step_sizes=(1e-3, 0.5))), ("ASGD", dict()), ("ASGD", dict(t0=3, weight_decay=0.1, lambd=0.01, maximize=True)), ("ASGD", dict(foreach=True)), ("ASGD", dict(foreach=True, lr=0.05, alpha=0.5)),
    ("Adafactor", dict()), ("Adafactor", dict(lr=0.1, weight_decay=0.1, d=1.5, beta2_decay=-0.5, eps=(1e-3, 1e-2), maximize=True)),
]  # fmt: skip

SCHEDULERS = [
    ("LambdaLR", (lambda e: 0.9**e,)), ("LambdaLR", ([lambda e: 0.9**e, lambda e: 1 / (e + 1)],)), ("MultiplicativeLR", (lambda e: 0.95,)), ("StepLR", (3,)), ("StepLR", (2, 0.5)), ("MultiStepLR", ([2, 5, 5],)), ("ConstantLR", ()), ("ConstantLR", (0.5, 3)), ("LinearLR", ()), ("LinearLR", (0.1, 0.7, 6)),
    ("ExponentialLR", (0.9,)), ("PolynomialLR", ()), ("PolynomialLR", (8, 2.0)), ("CosineAnnealingLR", (5,)), ("CosineAnnealingLR", (7, 0.01)), ("CosineAnnealingWarmRestarts", (3,)), ("CosineAnnealingWarmRestarts", (2, 2, 0.001)), ("CyclicLR", (0.01, 0.1, 3)), ("CyclicLR", (0.01, 0.1, 2, 4, "triangular2")),
    ("CyclicLR", (0.01, 0.1, 2, 4, "exp_range", 0.9)), ("OneCycleLR", (0.1, 20)), ("OneCycleLR", (0.1, 20, None, None, 0.4, "linear")), ("OneCycleLR", (0.1, None, 4, 5, 0.3, "cos", True, 0.85, 0.95, 25.0, 1e4, True)),
]  # fmt: skip


def plain(x):
    """Tensors and containers as lists of numbers."""
    if hasattr(x, "tolist") and hasattr(x, "dtype"):
        return {"dtype": str(x.dtype), "value": x.tolist()}
    if isinstance(x, dict):
        return {str(k): plain(v) for k, v in x.items()}
    if isinstance(x, (list, tuple)):
        return [plain(v) for v in x]
    return x


def tensors(x):
    """The floating tensors of nested tuples."""
    if isinstance(x, (tuple, list)):
        return [t for part in x for t in tensors(part)]
    return [x] if hasattr(x, "is_floating_point") and x.is_floating_point() else []


def each(f, x):
    """With `f` of every floating tensor of nested tuples; packed sequences stay such."""
    if hasattr(x, "batch_sizes"):
        return type(x)(f(x.data), x.batch_sizes, x.sorted_indices, x.unsorted_indices)
    if isinstance(x, tuple):
        return tuple(each(f, part) for part in x)
    return f(x) if tensors(x) else x


def module(M, text, inputs):
    """What one module is and does: initial bits in float32, then values and gradients in float64, in training and evaluation."""
    from collections import OrderedDict

    nn = M.nn
    M.manual_seed(3)
    made = eval("nn." + text, {"M": M, "nn": nn, "OrderedDict": OrderedDict})
    state = plain(made.state_dict())
    made.double()
    r = lambda *shape: M.randn(*shape, dtype=M.float64).requires_grad_()
    ints = lambda *shape, high=None: M.randint(0, high or shape[-1], shape if high else shape[:-1])
    signs = lambda n: 2.0 * M.randint(0, 2, (n,)).double() - 1
    M.manual_seed(5)
    x = eval(f"({inputs},)", {"r": r, "ints": ints, "signs": signs, "M": M, "nn": nn})
    flat = lambda out: M.cat([t.reshape(-1) for t in tensors(out)]) if isinstance(out, tuple) else out
    out = flat(made(*each(lambda t: t * 1 if t.requires_grad else t, x)))
    leaves = [t for t in (*tensors(x), *made.parameters()) if t.requires_grad and t.is_leaf]
    weights = M.linspace(0.5, 1.5, out.numel(), dtype=M.float64).reshape(out.shape)
    grads = M.autograd.grad((out * weights).sum(), leaves, allow_unused=True) if out.requires_grad and leaves else []
    after = M.rand(1).item()
    made.eval()
    return {"repr": repr(made), "state": state, "out": plain(out.detach()), "grads": plain(grads), "after": after, "eval": plain(flat(made(*each(lambda t: t.detach(), x))).detach())}


def optimizer(M, name, options):
    """A trajectory of twenty steps with two groups, a parameter without gradient, and a resumption in the middle."""
    M.manual_seed(1)
    w, b, unused = (M.nn.Parameter(M.randn(*shape, dtype=M.float64)) for shape in ((3, 4), (3,), (2,)))
    x = M.randn(5, 4, dtype=M.float64)
    make = lambda: getattr(M.optim, name)([{"params": [w]}, {"params": [b, unused], "lr": 0.02}], **options)
    o, track = make(), []
    for i in range(20):
        o.zero_grad()
        ((M.nn.functional.linear(x, w, b) - 1) ** 2).mean().sin().backward()
        o.step()
        if i == 9:
            kept = copy.deepcopy(o.state_dict())
            o = make()
            o.load_state_dict(kept)
        if i % 6 == 1:
            track.append([w.detach().tolist(), b.detach().tolist()])
    state = o.state_dict()
    return {"repr": repr(o), "track": track, "state": {str(k): {n: plain(t) for n, t in sorted(v.items())} for k, v in state["state"].items()}, "groups": plain(state["param_groups"])}


def muon(M, options):
    """A matrix by Muon, whose directions are computed in bfloat16."""
    M.manual_seed(1)
    found = []
    for shape in ((3, 4), (5, 2)):
        w = M.nn.Parameter(M.randn(*shape))
        o = M.optim.Muon([w], **options)
        for _ in range(4):
            o.zero_grad()
            (w.sin() * M.arange(w.numel()).reshape(shape)).sum().backward()
            o.step()
        found.append([w.tolist(), o.state_dict()["state"][0]["momentum_buffer"].tolist(), repr(o)])
    return found


MUON = [dict(), dict(lr=0.1, nesterov=False), dict(lr=0.1, adjust_lr_fn="match_rms_adamw", weight_decay=0), dict(lr=0.1, adjust_lr_fn="spectral_unclamped", ns_steps=3)]


def scheduler(M, at, adam):
    """The rates and momenta of two groups over fifteen steps."""
    name, arguments = SCHEDULERS[at]
    p = [M.nn.Parameter(M.ones(2)), M.nn.Parameter(M.ones(1))]
    groups = [{"params": [p[0]]}, {"params": [p[1]], "lr": 0.3}]
    o = M.optim.Adam(groups, lr=0.2) if adam else M.optim.SGD(groups, lr=0.1, momentum=0.9)
    s = getattr(M.optim.lr_scheduler, name)(o, *arguments)
    out = [s.get_last_lr()]
    for i in range(15):
        o.step()
        s.step()
        out.append([*s.get_last_lr(), *(g.get("momentum", g.get("betas")) for g in o.param_groups)])
        if i == 7:
            s.load_state_dict(copy.deepcopy(s.state_dict()))
    return {"rates": plain(out), "keys": sorted(s.state_dict())}


def schedules(M):
    """Schedules made of others, and the one that follows a number."""
    L = M.optim.lr_scheduler
    p = [M.nn.Parameter(M.ones(2))]
    new = lambda: M.optim.SGD(p, lr=0.1)
    out = []
    o = new()
    s = L.SequentialLR(o, [L.ConstantLR(o, 0.1, 3), L.ExponentialLR(o, 0.9), L.CosineAnnealingLR(o, 4)], [4, 8])
    out.append(o.param_groups[0]["lr"])
    for _ in range(15):
        o.step(), s.step()
        out.append(s.get_last_lr())
    o = new()
    s = L.ChainedScheduler([L.ConstantLR(o, 0.1, 3), L.ExponentialLR(o, 0.9)])
    for _ in range(8):
        o.step(), s.step()
        out.append(s.get_last_lr())
    for options in (dict(patience=1, cooldown=1), dict(mode="max", factor=0.5, patience=0, threshold_mode="abs", threshold=0.5, min_lr=0.01)):
        o = new()
        s = L.ReduceLROnPlateau(o, **options)
        for v in [3, 2, 2, 2, 2, 1, 1, 1, 1, 1, 1, 1.0]:
            o.step(), s.step(v)
            out.append(s.get_last_lr())
    return out


LBFGS = [
    dict(), dict(lr=1, line_search_fn="strong_wolfe"), dict(max_iter=1), dict(max_iter=1, line_search_fn="strong_wolfe"), dict(lr=1, line_search_fn="strong_wolfe", max_eval=4), dict(lr=1, line_search_fn="strong_wolfe", max_eval=3, max_iter=20),
    dict(tolerance_grad=1e3), dict(tolerance_change=1e-1), dict(lr=0.001, history_size=2),
]  # fmt: skip


def lbfgs(M, options, rate=float):
    """Rosenbrock's function by L-BFGS, and what is kept after each step in the order in which it is kept."""
    x = M.nn.Parameter(M.tensor([-1.2, 1.0], dtype=M.float64))
    options = {"lr": 0.5, "max_iter": 6, "history_size": 4, **options}
    o = M.optim.LBFGS([x], **{**options, "lr": rate(options["lr"])})
    calls, out = [0], []

    def closure():
        calls[0] += 1
        o.zero_grad()
        loss = (1 - x[0]) ** 2 + 100 * (x[1] - x[0] ** 2) ** 2
        loss.backward()
        return loss

    for _ in range(5):
        out.append([o.step(closure).item(), x.tolist(), calls[0], plain(o.state_dict()["state"][0])])
    return out


def inits(M):
    """Every way to begin, from one seed."""
    I = M.nn.init
    M.manual_seed(11)
    ways = [
        lambda t: I.uniform_(t, -1, 2), lambda t: I.normal_(t, 1, 2), lambda t: I.trunc_normal_(t, 0.5, 1, -1, 1.5), lambda t: I.constant_(t, 0.3), I.ones_, I.zeros_, I.eye_, I.xavier_uniform_, lambda t: I.xavier_normal_(t, 2.0),
        I.kaiming_uniform_, lambda t: I.kaiming_normal_(t, mode="fan_out", nonlinearity="relu"), lambda t: I.sparse_(t, 0.3),
    ]  # fmt: skip
    out = [way(M.empty(4, 3)).tolist() for way in ways]
    out += [I.dirac_(M.empty(4, 2, 3)).tolist(), I.dirac_(M.empty(4, 2, 3, 3), 2).tolist(), I.xavier_uniform_(M.empty(2, 3, 2, 2)).tolist()]
    return out + [I.calculate_gain(n) for n in ("linear", "relu", "tanh", "sigmoid", "selu", "leaky_relu", "conv2d")] + [I.calculate_gain("leaky_relu", 0.2)]


def loading(M):
    """Batches in order, and the numbers that drawing them uses up."""
    import numpy as np

    D = M.utils.data
    M.manual_seed(5)
    python_random.seed(0)
    data = D.TensorDataset(M.arange(20.0).reshape(10, 2), M.arange(10))
    weights = [0.1, 0.2, 0.7]
    out = []
    for options in [
        dict(batch_size=3, shuffle=True), dict(batch_size=3, shuffle=True, drop_last=True), dict(), dict(batch_size=None), dict(batch_size=4, sampler=D.RandomSampler(data, replacement=True, num_samples=37)),
        dict(batch_size=4, sampler=D.RandomSampler(data, num_samples=23)), dict(batch_size=2, sampler=D.SubsetRandomSampler([1, 3, 5])), dict(batch_size=2, sampler=D.WeightedRandomSampler(weights, 5)), dict(batch_size=2, sampler=D.WeightedRandomSampler(weights, 2, replacement=False)),
        dict(batch_sampler=D.BatchSampler(D.SequentialSampler(data), 4, False)), dict(batch_size=3, shuffle=True, generator=M.Generator().manual_seed(7)),
    ]:  # fmt: skip
        loader = D.DataLoader(data, **options)
        out.append([len(loader), *([plain(b) for b in loader] for _ in range(2)), M.rand(2).tolist()])
    out.append([s.indices for s in D.random_split(data, [5, 3, 2])])
    out.append([s.indices for s in D.random_split(data, [0.5, 0.25, 0.25], generator=M.Generator().manual_seed(3))])
    out.append(plain(D.default_collate([{"a": 1, "b": [1.0, 2]}, {"a": 2, "b": [3.0, 4]}])))
    out.append(plain(D.default_collate([(np.float32(1), "x", np.ones(2)), (np.float32(2), "y", np.zeros(2))])))
    out.append(plain(D.default_convert([np.ones(2), "s", {"k": np.int64(3)}])))
    both = D.ConcatDataset([data, data])
    out.append([plain(both[13]), plain((data + data)[-1]), plain(D.StackDataset(a=data, b=data)[2]), len(both)])

    class Stream(D.IterableDataset):
        def __iter__(self):
            info = D.get_worker_info()
            return iter(range(7) if info is None else range(info.id, 9, info.num_workers))

    class Draws(D.Dataset):
        def __len__(self):
            return 6

        def __getitem__(self, i):
            return M.rand(1), np.random.rand(), python_random.random()

    class Fails(Draws):
        def __getitem__(self, i):
            return {i: 0}[2 - i]

    for options in [dict(batch_size=3), dict(batch_size=3, drop_last=True), dict(batch_size=None), dict(batch_size=2, num_workers=2)]:
        out.append([plain(b) for b in D.DataLoader(Stream(), **options)])
    for options in [dict(batch_size=3, shuffle=True, num_workers=2), dict(batch_size=2, num_workers=2, persistent_workers=True)]:
        loader = D.DataLoader(data, **options)
        out.append([[plain(b) for b in loader] for _ in range(2)])
    out.append([plain(b) for b in D.DataLoader(Draws(), batch_size=2, num_workers=2)])
    for workers in (0, 1):
        try:
            out.append(list(D.DataLoader(Fails(), num_workers=workers)))
        except KeyError as e:
            out.append([type(e).__name__, str(e).splitlines()[0]])
    return out


def utilities(M):
    """Clipping, vectors, hooks, states."""
    nn = M.nn
    M.manual_seed(2)
    net = nn.Sequential(nn.Linear(3, 4), nn.Tanh(), nn.Linear(4, 2)).double()
    x = M.randn(5, 3, dtype=M.float64)
    out, seen = [], []
    net(x).square().sum().backward()
    for norm, kind in ((1.0, 2.0), (0.5, float("inf")), (0.3, 1.0)):
        out.append(nn.utils.clip_grad_norm_(net.parameters(), norm, kind).item())
        out.append([p.grad.tolist() for p in net.parameters()])
    nn.utils.clip_grad_value_(net.parameters(), 0.01)
    out.append([p.grad.tolist() for p in net.parameters()])
    vector = nn.utils.parameters_to_vector(net.parameters())
    nn.utils.vector_to_parameters(vector * 2, net.parameters())
    out.append([vector.tolist(), [p.tolist() for p in net.parameters()]])
    layer = net[0]
    handles = [
        layer.register_forward_pre_hook(lambda m, a: (a[0] * 2,)), layer.register_forward_hook(lambda m, a, y: y + 1), layer.register_full_backward_pre_hook(lambda m, g: (g[0] * 3,)),
        layer.register_full_backward_hook(lambda m, gi, go: seen.append([[None if g is None else g.tolist() for g in v] for v in (gi, go)])),
    ]  # fmt: skip
    net.zero_grad()
    leaf = x.clone().requires_grad_()
    net(leaf).sum().backward()
    out.append([leaf.grad.tolist(), [p.grad.tolist() for p in net.parameters()]])
    for h in handles:
        h.remove()
    net.zero_grad()
    net(x).sum().backward()
    out.append([[p.grad.tolist() for p in net.parameters()], seen])
    other = copy.deepcopy(net)
    out.append(repr(other.load_state_dict(net.state_dict())))
    for state in ({}, {"0.weight": M.ones(4, 2), "x.y": M.ones(1)}):
        try:
            net.load_state_dict(state)
        except RuntimeError as e:
            out.append(str(e))
    out.append(repr(net.load_state_dict({"0.bias": M.ones(4), "z": 1}, strict=False)))
    out.append([n for n, _ in net.named_modules()] + [n for n, _ in net.named_parameters()] + [n for n, _ in net.named_children()])
    tree = nn.ModuleDict({"a": nn.ModuleList([nn.Linear(1, 1), nn.Linear(1, 1), nn.ReLU()]), "b": nn.ParameterList([M.ones(2), M.ones(1, 3)]), "c": nn.ParameterDict({"u": nn.Parameter(M.ones(2))})})
    out.append([repr(tree), list(tree.state_dict())])
    return out


def functional(M):
    """Modules called with other tensors, their derivatives, and several of them at once."""
    nn, func = M.nn, M.func
    M.manual_seed(4)
    nets = [nn.Sequential(nn.Linear(2, 3), nn.Tanh(), nn.Linear(3, 1)).double() for _ in range(2)]
    x, y = M.randn(4, 2, dtype=M.float64), M.randn(4, 1, dtype=M.float64)
    params = {k: v.detach() for k, v in nets[0].named_parameters()}
    loss = lambda p, x, y: ((func.functional_call(nets[1], p, (x,)) - y) ** 2).mean()
    out = [loss(params, x, y).item(), plain(func.grad(loss)(params, x, y)), plain(func.vmap(func.grad(loss), in_dims=(None, 0, 0))(params, x, y)), nets[1](x).tolist()]
    stacked, buffers = func.stack_module_state(nets)
    out += [{k: [*v.shape, v.requires_grad] for k, v in stacked.items()}, list(buffers), func.vmap(lambda p: func.functional_call(nets[0], p, (x,)))({k: v.detach() for k, v in stacked.items()}).tolist()]
    shared = nn.Linear(2, 2).double()
    tied = nn.ModuleDict({"a": shared, "b": shared})
    tied.forward = lambda x: tied.a(x) + tied.b(x)
    for tie in (True, False):
        out.append(func.functional_call(tied, {"a.weight": M.zeros(2, 2, dtype=M.float64)}, x, tie_weights=tie).tolist())
    for names, strict in ((["nothing"], False), (["0.weight", "nothing"], True)):
        try:
            func.functional_call(nets[0], {n: M.ones(1) for n in names}, x, strict=strict)
        except (KeyError, RuntimeError) as e:
            out.append([type(e).__name__, str(e).splitlines()[0]])
    return out


def everything(M):
    """All of it."""
    return {
        "modules": {f"{t} <- {x}": module(M, t, x) for t, x in MODULES},
        "optimizers": {f"{n} {o}": optimizer(M, n, o) for n, o in OPTIMIZERS},
        "schedulers": {f"{at} {SCHEDULERS[at][0]} {adam}": scheduler(M, at, adam) for at in range(len(SCHEDULERS)) for adam in (False, True)},
        "schedules": schedules(M),
        "lbfgs": {str(o): [lbfgs(M, o), lbfgs(M, o, M.tensor)] for o in LBFGS},
        "muon": [muon(M, options) for options in MUON],
        "inits": inits(M),
        "loading": loading(M),
        "utilities": utilities(M),
        "functional": functional(M),
    }
