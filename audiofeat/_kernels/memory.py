"""Lane vectors from and to arrays.

Positions count the values of a C-ordered array as if it had one axis. Compiled, nothing checks that a vector
ends within its array; with JIT off it is an error, so the tests that run so are the check of the bounds.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from typing import Any

import numba
import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin

from audiofeat._kernels.arguments import REGISTER
from audiofeat._kernels.lanes import PARTS, Lanes, declare

ARRAY = 128  # values of the arrays that stand for lane vectors: operations cost alike up to about that size
WHOLE = {part: whole for whole, part in PARTS.items()}


def width(array: Any) -> int:
    """Return the number of lanes of a vector from a real array."""
    return REGISTER // array.itemsize if not numba.config.DISABLE_JIT else ARRAY  # type: ignore[attr-defined]


def zeros(array: Any) -> Any:
    """Return zeros, as many and of the dtype as `load` would give."""
    return np.zeros(width(array), array.dtype)


def load(array: Any, at: int) -> Any:
    """Return the values of a real array from position `at` on."""
    lanes = array.reshape(-1)[at : at + width(array)].copy()
    if at < 0 or len(lanes) != width(array):
        msg = f"lanes from {at} on are not within the {array.size} values of the array"
        raise IndexError(msg)
    return lanes


def store(array: Any, at: int, lanes: Any) -> None:
    """Put a real lane vector into a real array."""
    if at < 0:
        msg = f"lanes from {at} on are not within the array"
        raise IndexError(msg)
    array.reshape(-1)[at : at + width(array)] = lanes


def load_complex(array: Any, at: int) -> Any:
    """Return the complex lane vector whose imaginary parts follow its real parts in a real array."""
    return load(array, at) + 1j * load(array, at + width(array))


def store_complex(array: Any, at: int, lanes: Any) -> None:
    """Put a complex lane vector into a real array: its real parts, then its imaginary parts."""
    store(array, at, lanes.real)
    store(array, at + width(array), lanes.imag)


def store_interleaved(array: Any, at: int, lanes: Any) -> None:
    """Put a complex lane vector into a real array: each real part before its imaginary part."""
    both = np.stack((lanes.real, lanes.imag), axis=1).reshape(2, -1)
    store(array, at, both[0])
    store(array, at + width(array), both[1])


def transpose_tile(source: Any, at: int, stride: int, target: Any, to: int, across: int) -> None:
    """Transpose a square of lanes: row i is `stride` values after row i - 1, and column i `across` values."""
    tile = np.array([load(source, at + stride * i) for i in range(width(source))])
    for i, column in enumerate(tile.T):
        store(target, to + across * i, column)


declare(width, lambda _: types.intp)
declare(zeros, lambda array: Lanes(array.dtype))
declare(load, lambda array, _: Lanes(array.dtype))
declare(load_complex, lambda array, _: Lanes(WHOLE[array.dtype]))
for _function in (store, store_complex, store_interleaved, transpose_tile):
    declare(_function, lambda *_: types.none)


class _Memory:
    """An array in LLVM's terms."""

    def __init__(self, context: Any, builder: Any, kind: Any, array: Any) -> None:
        self.builder, self.lanes = builder, Lanes(kind.dtype)
        self.data = context.make_array(kind)(context, builder, array).data

    def address(self, at: Any) -> Any:
        return self.builder.bitcast(self.builder.gep(self.data, [at]), self.lanes.vector.as_pointer())

    def load(self, at: Any) -> Any:
        return self.builder.load(self.address(at), align=self.lanes.itemsize)

    def store(self, at: Any, *vectors: Any) -> None:
        """Store vectors one after the other."""
        for vector in vectors:
            self.builder.store(vector, self.address(at), align=self.lanes.itemsize)
            at = self.builder.add(at, at.type(self.lanes.n))


@lower_builtin(width, types.Array)
def _width(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ARG001
    return context.get_constant(types.intp, Lanes(sig.args[0].dtype).n)


@lower_builtin(zeros, types.Array)
def _zeros(context: Any, builder: Any, sig: Any, args: Any) -> Any:  # noqa: ARG001
    return sig.return_type.constant(0.0)


@lower_builtin(load, types.Array, types.Integer)
def _load(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    return _Memory(context, builder, sig.args[0], args[0]).load(args[1])


@lower_builtin(load_complex, types.Array, types.Integer)
def _load_complex(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    memory, at, lanes = _Memory(context, builder, sig.args[0], args[0]), args[1], sig.return_type
    imag = memory.load(builder.add(at, at.type(lanes.n)))
    both = builder.insert_value(ir.Constant(lanes.llvm, ir.Undefined), memory.load(at), 0)
    return builder.insert_value(both, imag, 1)


@lower_builtin(store, types.Array, types.Integer, Lanes)
def _store(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    _Memory(context, builder, sig.args[0], args[0]).store(*args[1:])
    return context.get_dummy_value()


@lower_builtin(store_complex, types.Array, types.Integer, Lanes)
def _store_complex(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    parts = [builder.extract_value(args[2], i) for i in (0, 1)]
    _Memory(context, builder, sig.args[0], args[0]).store(args[1], *parts)
    return context.get_dummy_value()


@lower_builtin(store_interleaved, types.Array, types.Integer, Lanes)
def _store_interleaved(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    n = sig.args[2].n
    real, imag = (builder.extract_value(args[2], i) for i in (0, 1))
    order = [i // 2 + n * (i % 2) for i in range(2 * n)]
    halves = [_shuffle(builder, real, imag, half) for half in (order[:n], order[n:])]
    _Memory(context, builder, sig.args[0], args[0]).store(args[1], *halves)
    return context.get_dummy_value()


@lower_builtin(transpose_tile, *(types.Array, types.Integer, types.Integer) * 2)
def _transpose_tile(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    """Exchange, bit by bit, the number of a value's row with that of its column."""
    _, at, stride, _, to, across = args
    memory, into = (_Memory(context, builder, sig.args[i], args[i]) for i in (0, 3))
    n = memory.lanes.n

    def step(start: Any, stride: Any, i: int) -> Any:
        return builder.add(start, builder.mul(stride, stride.type(i)))

    rows = [memory.load(step(at, stride, i)) for i in range(n)]
    bit = n // 2
    while bit:
        low = [n + j - bit if j & bit else j for j in range(n)]
        high = [n + j if j & bit else j + bit for j in range(n)]
        for i in range(n):
            if not i & bit:
                a, b = rows[i], rows[i + bit]
                rows[i], rows[i + bit] = _shuffle(builder, a, b, low), _shuffle(builder, a, b, high)
        bit //= 2
    for i, row in enumerate(rows):
        into.store(step(to, across, i), row)
    return context.get_dummy_value()


def _shuffle(builder: Any, a: Any, b: Any, order: list[int]) -> Any:
    return builder.shuffle_vector(a, b, ir.Constant(ir.VectorType(ir.IntType(32), len(order)), order))
