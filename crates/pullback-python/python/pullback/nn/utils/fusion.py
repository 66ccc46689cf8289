"""A layer and the batch norm behind it as one layer, for evaluation."""

import copy

from ... import zeros_like
from ..parameter import Parameter


def _parameters(weight, bias, rm, eps, rv, bn_w, bn_b, shape):
    bias = zeros_like(rm) if bias is None else bias
    factor = (1 if bn_w is None else bn_w) * (rv + eps).rsqrt()
    new_weight = (weight * factor.reshape(shape)).to(weight.dtype)
    new_bias = ((bias - rm) * factor + (0 if bn_b is None else bn_b)).to(bias.dtype)
    return Parameter(new_weight, weight.requires_grad), Parameter(new_bias, bias.requires_grad)


def fuse_conv_bn_weights(conv_w, conv_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b, transpose=False):
    """Weight and bias of a convolution that does a batch norm's work too."""
    shape = [1, -1] + [1] * (conv_w.dim() - 2) if transpose else [-1] + [1] * (conv_w.dim() - 1)
    return _parameters(conv_w, conv_b, bn_rm, bn_eps, bn_rv, bn_w, bn_b, shape)


def fuse_conv_bn_eval(conv, bn, transpose=False):
    """A convolution that does a batch norm's work too; both are in evaluation."""
    if conv.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    fused = copy.deepcopy(conv)
    fused.weight, fused.bias = fuse_conv_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias, transpose)
    return fused


def fuse_linear_bn_weights(linear_w, linear_b, bn_rm, bn_rv, bn_eps, bn_w, bn_b):
    """Weight and bias of a fully connected layer that does a batch norm's work too."""
    return _parameters(linear_w, linear_b, bn_rm, bn_eps, bn_rv, bn_w, bn_b, [-1, 1])


def fuse_linear_bn_eval(linear, bn):
    """A fully connected layer that does a batch norm's work too; both are in evaluation."""
    if linear.training or bn.training:
        raise AssertionError("Fusion only for eval!")
    if linear.out_features != bn.num_features and bn.num_features != 1:
        raise AssertionError("To fuse, linear.out_features == bn.num_features or bn.num_features == 1")
    fused = copy.deepcopy(linear)
    fused.weight, fused.bias = fuse_linear_bn_weights(fused.weight, fused.bias, bn.running_mean, bn.running_var, bn.eps, bn.weight, bn.bias)
    return fused
