"""Vectors by name: what a loop over arrays cannot say, each with a twin in NumPy.

In compiled code every function here is one or a few instructions; in plain Python (``NUMBA_DISABLE_JIT=1``, a debugger,
`homespun.step`) the function body below is what runs. That body is the definition.

    prefetch(a, i)              ask for a[i] before it is needed
    count_trailing_zeros(m)     index of the lowest set bit
    float32_from_bits(i)        reinterpret 32 bits
    exp32(x)                    exp for float32, branch-free, vectorises
    Tile                        see the second half: register tiles for products and distances

`BOUNDSCHECK` (``NUMBA_BOUNDSCHECK=1``) makes loads and stores of tiles check their indices.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template

BOUNDSCHECK = bool(config.BOUNDSCHECK)

_i1, _i8, _i32, _i64 = ir.IntType(1), ir.IntType(8), ir.IntType(32), ir.IntType(64)
_f32 = ir.FloatType()


def compiled(python_function):
    """`@compiled(f)` over ``(typing_context, *argument_types) -> (signature, generate)``: what a kernel emits for ``f(…)``.

    It is Numba's `@intrinsic`, except that the name in the source is `f` itself, whose Python body stays its definition.
    """

    def register(definition):
        template = make_intrinsic_template(
            python_function, definition, python_function.__name__, prefer_literal=False, kwargs={})
        infer(template)
        infer_global(python_function, types.Function(template))
        return definition

    return register


# ---------------------------------------------------------------------------------------------------------------------
# Scalars

def prefetch(array, index):
    """Ask the memory system for ``array.flat[index]``; changes nothing else. Out of range is allowed."""


@compiled(prefetch)
def _prefetch(typing_context, array, index):
    def generate(context, builder, signature, args):
        fields = cgutils.create_struct_proxy(signature.args[0])(context, builder, value=args[0])
        address = builder.bitcast(builder.gep(fields.data, [args[1]]), _i8.as_pointer())
        kind = ir.FunctionType(ir.VoidType(), [_i8.as_pointer(), _i32, _i32, _i32])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.prefetch.p0")
        builder.call(function, [address, _i32(0), _i32(3), _i32(1)])  # read, keep in all levels, data
        return context.get_dummy_value()

    return types.void(array, types.intp), generate


def count_trailing_zeros(mask):
    """Index of the lowest set bit of a non-zero 64-bit mask."""
    mask = int(mask)
    return (mask & -mask).bit_length() - 1


@compiled(count_trailing_zeros)
def _count_trailing_zeros(typing_context, mask):
    def generate(context, builder, signature, args):
        return builder.cttz(args[0], _i1(1))

    return types.int64(types.uint64), generate


def float32_from_bits(bits):
    """The float32 whose bit pattern is the int32 `bits`."""
    return np.int32(bits).view(np.float32)


@compiled(float32_from_bits)
def _float32_from_bits(typing_context, bits):
    def generate(context, builder, signature, args):
        return builder.bitcast(args[0], _f32)

    return types.float32(types.int32), generate
