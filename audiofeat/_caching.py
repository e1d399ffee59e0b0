"""What is made once and kept."""

from collections.abc import Callable
from functools import lru_cache, wraps
from typing import ParamSpec, TypeVar

P = ParamSpec("P")
R = TypeVar("R")


def remembered(make: Callable[P, R]) -> Callable[P, R]:
    """Keep what `make` returned for the last arguments: tables cost more than the frames of a short clip.

    The results are shared: nobody may write into them.
    """
    cached = lru_cache(maxsize=16, typed=True)(make)

    @wraps(make)
    def call(*args: P.args, **kwargs: P.kwargs) -> R:
        try:
            return cached(*args, **kwargs)  # type: ignore[arg-type]
        except TypeError:  # an array, which is used once, or something that `make` has an error for
            return make(*args, **kwargs)

    return call
