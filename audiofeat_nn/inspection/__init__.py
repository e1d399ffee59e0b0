"""Looking inside networks: their first filters, what layers give, what the input matters, what they respond to."""

from audiofeat_nn.inspection.filters import plot_filters
from audiofeat_nn.inspection.maps import activation_maps, saliency
from audiofeat_nn.inspection.probes import InvarianceProbe, LayerChange, invariance_probe

__all__ = ["InvarianceProbe", "LayerChange", "activation_maps", "invariance_probe", "plot_filters", "saliency"]
