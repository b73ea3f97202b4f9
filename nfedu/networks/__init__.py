"""Conditioners: ordinary networks with backpropagation by hand, which say what a flow layer does."""

from nfedu.networks.convolution import ConvNet, Convolution
from nfedu.networks.counting import counting
from nfedu.networks.made import MADE
from nfedu.networks.mlp import MLP

__all__ = ["MADE", "MLP", "ConvNet", "Convolution", "counting"]
