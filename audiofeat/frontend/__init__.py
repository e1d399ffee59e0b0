"""`FrontEnd`: everything a feature depends on, in one frozen, callable object."""

from audiofeat.frontend.computing import FrontEnd

__all__ = ["FrontEnd"]
