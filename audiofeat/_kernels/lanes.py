"""Lane vectors: neighbouring values that compiled loops work on at once, one to a lane of a SIMD register.

The loops hold them in variables, as if they were numbers: functions of `memory.py` move them, functions
decorated with `lanewise` compute with them. Outside compiled code, and with JIT off, a lane vector is a NumPy
array, and all of this is plain NumPy. In compiled code no loop is left to the compiler to vectorise, so one
compilation serves every size; that was 3.8 times faster than loops over lanes.
"""

# mypy: allow-untyped-calls, allow-untyped-decorators

from collections.abc import Callable
from inspect import signature
from typing import Any, Self

import numpy as np
from llvmlite import ir
from numba import types
from numba.extending import lower_builtin, models, register_model, type_callable
from numpy.lib.mixins import NDArrayOperatorsMixin

from audiofeat._kernels.arguments import REGISTER

PARTS = {types.complex64: types.float32, types.complex128: types.float64}


class Lanes(types.Type):  # type: ignore[misc, unused-ignore]
    """The type of a lane vector of real or complex numbers."""

    def __init__(self, dtype: Any) -> None:
        self.dtype = dtype
        real: Any = PARTS.get(dtype, dtype)
        self.real, self.itemsize = real, real.bitwidth // 8
        self.n = REGISTER // self.itemsize
        self.scalar = ir.FloatType() if self.itemsize == 4 else ir.DoubleType()
        self.vector = ir.VectorType(self.scalar, self.n)
        self.llvm = ir.LiteralStructType([self.vector] * 2) if dtype in PARTS else self.vector
        super().__init__(f"Lanes({dtype})")

    def constant(self, value: float) -> ir.Constant:
        """Return the same real number in all lanes."""
        return ir.Constant(self.vector, [float(value)] * self.n)


@register_model(Lanes)
class _LanesModel(models.PrimitiveModel):  # type: ignore[misc, unused-ignore]
    def __init__(self, manager: Any, lanes: Lanes) -> None:
        super().__init__(manager, lanes, lanes.llvm)


class Traced(NDArrayOperatorsMixin):
    """A real lane vector whose NumPy operations are written down as LLVM's."""

    OPERATIONS = {  # noqa: RUF012
        np.add: "fadd",
        np.subtract: "fsub",
        np.multiply: "fmul",
        np.divide: "fdiv",
        np.negative: "fneg",
    }

    def __init__(self, builder: ir.IRBuilder, lanes: Lanes, value: ir.Value) -> None:
        self.builder, self.lanes, self.value = builder, lanes, value
        self.itemsize = lanes.itemsize

    def new(self, value: ir.Value) -> Self:
        """Return another vector of this kind."""
        return type(self)(self.builder, self.lanes, value)

    def call(self, name: str, *args: Any) -> Self:
        """Call one of LLVM's functions with vectors and numbers."""
        module, vector = self.builder.module, self.lanes.vector
        name = f"llvm.{name}.v{self.lanes.n}f{8 * self.itemsize}"
        kind = ir.FunctionType(vector, [vector] * len(args))
        function = module.globals.get(name) or ir.Function(module, kind, name)
        return self.new(self.builder.call(function, [self._value(x) for x in args]))

    def select(self, relation: str, a: Any, b: Any, yes: Any, no: Any) -> Self:
        """Choose lane by lane: `yes` where a and b are in the relation, `no` elsewhere and beside NaN."""
        condition = self.builder.fcmp_ordered(relation, self._value(a), self._value(b))
        return self.new(self.builder.select(condition, self._value(yes), self._value(no)))

    def __array_ufunc__(self, ufunc: np.ufunc, method: str, *inputs: Any, **kwargs: Any) -> Any:
        if ufunc is np.sqrt:
            return self.call("sqrt", *inputs)
        if ufunc in (np.maximum, np.minimum):  # NaN in the first stays NaN
            x, bound = inputs
            return self.select("<" if ufunc is np.maximum else ">", x, bound, bound, x)
        return self.new(getattr(self.builder, self.OPERATIONS[ufunc])(*(self._value(x) for x in inputs)))

    def _value(self, x: Any) -> ir.Value:
        return x.value if isinstance(x, Traced) else self.lanes.constant(x)


class TracedComplex:
    """A complex lane vector, or number, as `Traced`."""

    def __init__(self, real: Any, imag: Any) -> None:
        self.real, self.imag = real, imag

    def __add__(self, other: Any) -> "TracedComplex":
        return TracedComplex(self.real + other.real, self.imag + other.imag)

    def __sub__(self, other: Any) -> "TracedComplex":
        return TracedComplex(self.real - other.real, self.imag - other.imag)

    def __mul__(self, other: Any) -> "TracedComplex":
        return TracedComplex(
            multiply_add(self.real, other.real, -(self.imag * other.imag)),
            multiply_add(self.real, other.imag, self.imag * other.real),
        )


def lanewise(function: Callable[..., Any]) -> Callable[..., Any]:
    """Give `function`, which computes with NumPy arrays, a meaning for lane vectors in compiled code.

    There its operations are written down as they happen, so it takes lane vectors and numbers, and neither
    branches nor loops on them. Numbers are rounded to the precision of the vectors. Numba's own way, operators
    that are compiled one by one, took several times as long to compile.
    """

    def resolve(*args: Any) -> Any:
        real = next(arg.real for arg in args if isinstance(arg, Lanes))
        results = function(*(_example(arg) for arg in args))
        kinds = {np.dtype(str(kind)): kind for kind in (real, *PARTS) if PARTS.get(kind, real) == real}
        if isinstance(results, tuple):
            return types.UniTuple(Lanes(kinds[results[0].dtype]), len(results))
        return Lanes(kinds[results.dtype])

    def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        lanes = Lanes(next(arg.real for arg in sig.args if isinstance(arg, Lanes)))
        results = function(*(_traced(builder, lanes, *typed) for typed in zip(sig.args, args, strict=True)))
        if isinstance(results, tuple):
            return context.make_tuple(builder, sig.return_type, [_untraced(builder, x) for x in results])
        return _untraced(builder, results)

    declare(function, resolve)
    lower_builtin(function, types.VarArg(types.Any))(lower)
    return function


def declare(function: Callable[..., Any], resolve: Callable[..., Any]) -> None:
    """Tell numba that it can call `function`: `resolve` returns the type of the result from those of the arguments."""

    @type_callable(function)
    def typer(context: Any) -> Callable[..., Any]:  # noqa: ARG001
        def typed(*args: Any) -> Any:
            return resolve(*args)

        typed.__signature__ = signature(function)  # type: ignore[attr-defined]
        return typed


def multiply_add(a: Any, b: Any, c: Any) -> Any:
    """Return ``a * b + c``, rounded once where the machine can, in a lane-wise function."""
    traced = next((x for x in (a, b, c) if isinstance(x, Traced)), None)
    return a * b + c if traced is None else traced.call("fmuladd", a, b, c)


def pair(real: Any, imag: Any) -> Any:
    """Return ``real + 1j * imag``, in a lane-wise function."""
    return TracedComplex(real, imag) if isinstance(real, Traced) else real + 1j * imag


def split(x: Any) -> tuple[Any, Any]:
    """Return m and e with ``x == m * 2 ** e`` and m in [sqrt(1/2), sqrt(2)), of finite normal x > 0."""
    fraction, root = (23, 0x3F3504F3) if x.itemsize == 4 else (52, 0x3FE6A09E667F3BCD)  # bits; those of sqrt(1/2)
    if not isinstance(x, Traced):
        bits = x.view(f"i{x.itemsize}")
        e = (bits - root) >> fraction
        return (bits - (e << fraction)).view(x.dtype), e.astype(x.dtype)
    build, n = x.builder, x.lanes.n
    integers = ir.VectorType(ir.IntType(8 * x.itemsize), n)
    bits, shift = build.bitcast(x.value, integers), ir.Constant(integers, [fraction] * n)
    e = build.ashr(build.sub(bits, ir.Constant(integers, [root] * n)), shift)
    m = build.bitcast(build.sub(bits, build.shl(e, shift)), x.lanes.vector)
    return x.new(m), x.new(build.sitofp(e, x.lanes.vector))


def where_less(x: Any, bound: Any, yes: Any, no: Any) -> Any:
    """Return `yes` where the vector x is less than `bound`, and `no` elsewhere, in a lane-wise function."""
    return x.select("<", x, bound, yes, no) if isinstance(x, Traced) else np.where(x < bound, yes, no).astype(x.dtype)


def where_finite(x: Any, result: Any) -> Any:
    """Return `result` where x is finite or -inf, and x where it is infinite or NaN, in a lane-wise function."""
    return where_less(x, np.inf, result, x)


def _example(arg: Any) -> Any:
    """Return a value of a numba type that the NumPy meaning of a function can be tried with."""
    if isinstance(arg, Lanes):
        return np.ones(1, str(arg.dtype))
    return 1.0 + 0.0j if arg in PARTS else 1.0


def _traced(builder: Any, lanes: Lanes, kind: Any, value: Any) -> Any:
    """Return an argument, a vector or a number, as what is traced."""
    if isinstance(kind, Lanes) and kind.dtype not in PARTS:
        return Traced(builder, lanes, value)
    if isinstance(kind, Lanes):
        return TracedComplex(*(Traced(builder, lanes, builder.extract_value(value, i)) for i in (0, 1)))
    if kind in PARTS:
        parts = [builder.extract_value(value, i) for i in (0, 1)]
        return TracedComplex(*(_traced(builder, lanes, PARTS[kind], part) for part in parts))
    if kind != lanes.real:
        value = (builder.fptrunc if lanes.itemsize == 4 else builder.fpext)(value, lanes.scalar)
    undefined = ir.Constant(lanes.vector, ir.Undefined)
    one = builder.insert_element(undefined, value, ir.IntType(32)(0))
    zeros = ir.Constant(ir.VectorType(ir.IntType(32), lanes.n), [0] * lanes.n)
    return Traced(builder, lanes, builder.shuffle_vector(one, undefined, zeros))


def _untraced(builder: Any, result: Any) -> ir.Value:
    """Return what was traced as numba holds it."""
    if isinstance(result, Traced):
        return result.value
    both = ir.Constant(ir.LiteralStructType([result.real.lanes.vector] * 2), ir.Undefined)
    return builder.insert_value(builder.insert_value(both, result.real.value, 0), result.imag.value, 1)
