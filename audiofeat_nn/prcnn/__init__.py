"""PRCNN of Feng, Liu and Yao 2017, its convolutions alone, and its recurrent branch beside any CNN."""

from audiofeat_nn.prcnn.branches import PooledConvolutions, RecurrentBranch
from audiofeat_nn.prcnn.feng import PRCNN, FengCNN
from audiofeat_nn.prcnn.parallel import ParallelRecurrent

__all__ = ["PRCNN", "FengCNN", "ParallelRecurrent", "PooledConvolutions", "RecurrentBranch"]
