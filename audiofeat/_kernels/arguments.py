"""What kernels are given: named tuples and numbers, made where no kernel runs and numba is not loaded."""

from typing import Any, NamedTuple

from numpy.typing import NDArray

Array = NDArray[Any]

REGISTER = 64  # bytes: one register of AVX-512, two of AVX, four of SSE or NEON, which all measured best
NONE, LOG, LOG_1P = 0, 1, 2  # compressions
COMPLEX, MAGNITUDE, POWER = 0, 1, 2  # what the kernel `join` writes


class Bank(NamedTuple):
    """A matrix whose row i is zero but for the columns from ``starts[i]`` to ``ends[i]``."""

    starts: Array
    ends: Array
    weights: Array  # of these columns, row by row


class Finish(NamedTuple):
    """What becomes of the levels of a frame: bands, compressed, and their coefficients."""

    bank: Bank
    compression: int
    factor: float  # LOG_1P: what levels are multiplied by
    scale: float  # of the natural logarithm
    octave: float  # ``scale * ln(2)`` to 12 bits, so that its product with an exponent is exact,
    rest: float  # and what is missing
    least: float  # LOG: what levels are taken to be at least,
    offset: float  # what is subtracted from the logarithm,
    floor: float  # and what the result is at least
    cosines: Bank  # without a row, the compressed bands are the result


class Conditioning(NamedTuple):
    """What becomes of the samples ``first`` to ``stop`` of a frame; those around them become 0."""

    first: int
    stop: int  # 0: nothing becomes of any
    centering: float  # 1 to subtract their mean, else 0
    preemphasis: float  # what is subtracted of a sample's predecessor


PLAIN = Conditioning(0, 0, 0.0, 0.0)


class Plan(NamedTuple):
    """What the transforms of one size and hop have in common."""

    n_fft: int
    n_bins: int
    hop_length: int
    n_chunk: int  # frames whose hops are gathered at a time
    n_rows: int  # samples of a hop that are gathered, filled up to whole lane vectors
    n_cols: int  # hops that are gathered for a chunk of frames, filled up likewise
    split: int  # number of shorter transforms, 4 or 1
    n_points: int  # complex points of each
    leaf: int  # points that are worked on depth first
    conditioning: Conditioning
    places: Array  # where a sample of a frame is among the gathered hops, or in a conditioned frame, as they are loaded
    radices: Array  # of the stages of a shorter transform, from the first
    twiddles: Array  # of the stages, one after the other
    joins: Array  # factors of `join`


class Scratch(NamedTuple):
    """The work arrays of one thread."""

    hops: Array  # (n_rows, n_cols): sample s of hop h
    edge: Array  # (n lanes, n_rows): hops that reach beyond the signal
    edge_seen: Array  # the same memory, read-only as a signal is: one type, one compilation
    frames: Array  # (n_fft, n lanes), if they are conditioned
    work: Array  # (split, n_points, 2 parts, n lanes)
    levels: Array  # (n_bins, n lanes), and one more for the energies of conditioned frames
    bands: Array  # (n_bands, n lanes)
    last: Array  # (n_rows of the output, n lanes), for a group that is not full
    alarm: Array  # (n lanes): the first is NaN, no longer 0, once a frame held, or led to, NaN or Inf
