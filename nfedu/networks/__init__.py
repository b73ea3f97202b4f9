"""Conditioners: ordinary networks with backpropagation by hand, which say what a flow layer does."""

from nfedu.networks.convolution import ConvNet, Convolution
from nfedu.networks.mlp import MLP

__all__ = ["MLP", "ConvNet", "Convolution"]
