"""Vectors by name: what a loop over arrays cannot say, each with a twin in NumPy.

In compiled code every function here is one or a few instructions; in plain Python (``NUMBA_DISABLE_JIT=1``, a debugger,
`homespun.step`) the function body below is what runs. That body is the definition.

    prefetch(a, i)              ask for a[i] before it is needed
    count_trailing_zeros(m)     index of the lowest set bit
    float32_from_bits(i)        reinterpret 32 bits
    exp32(x)                    exp for float32, branch-free, so that a loop over it vectorises
    codes_of(x, at, …)          for 64 numbers: how many of up to 255 sorted thresholds lie below
    follow(codes, at, …)        for hundreds of rows: the leaf of a tree, from bytes
    tile_*                      register tiles, the second half of this file: products, distances, masks of comparisons

With ``NUMBA_BOUNDSCHECK=1`` loads and stores of tiles check their indices, as Numba does for plain arrays.
"""

from __future__ import annotations

import numpy as np
from llvmlite import ir
from numba import types
from numba.core import cgutils, config
from numba.core.datamodel import models, register_default
from numba.core.typing.templates import infer, infer_global, make_intrinsic_template

from homespun.kernels.cache import has_avx512, level
from homespun.kernels.kernel import kernel
from homespun.kernels.oracle import oracle

BOUNDSCHECK = bool(config.BOUNDSCHECK)

_i1, _i8, _i16, _i32, _i64 = (ir.IntType(bits) for bits in (1, 8, 16, 32, 64))
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


@kernel(inline=True)
def exp32(x):
    """exp(x) for float32 with a relative error below 3e-7; arguments are clamped to [-87, 88], which float32 can hold.

    Cody & Waite 1980: x = n ln 2 + r with |r| <= ln(2)/2, ln 2 in two parts; exp(r) by Cephes' polynomial of degree 5;
    2^n by writing the exponent bits. No branch and no table: LLVM turns a loop over it into vector instructions
    (Numba ships no vector library).
    """
    x = min(max(x, np.float32(-87.0)), np.float32(88.0))
    n = np.floor(x * np.float32(1.44269504088896341) + np.float32(0.5))
    r = x - n * np.float32(0.693359375)
    r = r - n * np.float32(-2.12194440e-4)
    p = np.float32(1.9875691500e-4)
    p = p * r + np.float32(1.3981999507e-3)
    p = p * r + np.float32(8.3334519073e-3)
    p = p * r + np.float32(4.1665795894e-2)
    p = p * r + np.float32(1.6666665459e-1)
    p = p * r + np.float32(5.0000001201e-1)
    p = p * r * r + r + np.float32(1.0)
    return p * float32_from_bits(np.int32((np.int32(n) + np.int32(127)) << np.int32(23)))


def exponentials(x):
    """`exp32` of each entry of a float32 array: what the definition below is compared with."""
    return np.array([exp32(value) for value in x], np.float32)


@oracle(exponentials, kernels=(exp32,), rtol=3e-7, atol=0.0, example=lambda rng: (
    np.r_[rng.normal(size=200) * 30, np.linspace(86, 90, 21), np.linspace(-89, -86, 21), 0, 1e30, -1e30].astype(np.float32),))
def exponentials_formula(x):
    """exp in float64, of arguments clamped to what float32 can hold the result of."""
    return np.exp(np.clip(x.astype(np.float64), -87.0, 88.0))


# ---------------------------------------------------------------------------------------------------------------------
# Decision trees on bytes: codes of 64 numbers at a time, and the leaves of hundreds of rows

BESIDE = 64  # numbers that get their codes together
LADDER = 256  # entries of a ladder
_STEPS = 8  # of a search in it


def ladders(edges) -> np.ndarray:
    """Sorted thresholds (d, 255) in the order in which a binary search meets them: (d, 256).

    Entry 1 is asked first, then 2 or 3, then one of 4 … 7: entry i leads to 2 i, or to 2 i + 1 where x is greater
    (Eytzinger's order: Khuong & Morin 2017, "Array layouts for comparison-based searching"). Entry 0 is not in use.

    >>> ladders(np.arange(255.0)[None])[0, 1:8]
    array([127.,  63., 191.,  31.,  95., 159., 223.])
    """
    place = np.arange(1, LADDER)
    step = np.floor(np.log2(place)).astype(np.int64)
    rank = ((2 * (place - (1 << step)) + 1) << (_STEPS - 1 - step)) - 1
    out = np.zeros((len(edges), LADDER), edges.dtype)
    out[:, 1:] = edges[:, rank]
    return out


def codes_of(x, at, ladder, first, codes, to):
    """``codes[to + i]`` = number of thresholds below ``x[at + i]``, 255 for NaN, for i < 64.

    x, ladder: float32 or float64, flat; the ladder (see `ladders`) starts at ``first``   codes: uint8, flat, written
    """
    _check_range(x, at, BESIDE)
    _check_range(ladder, first, LADDER)
    _check_range(codes, to, BESIDE)
    value, place = x[at : at + BESIDE], np.ones(BESIDE, np.int64)
    for _ in range(_STEPS):
        place = 2 * place + (value > ladder[first + place])
    codes[to : to + BESIDE] = np.where(value == value, place - LADDER, 255)


@compiled(codes_of)
def _codes_of(typing_context, x, at, ladder, first, codes, to):
    wide = x.dtype.bitwidth
    lanes = 8 * _VECTOR_BYTES // wide
    number, whole = {32: (ir.FloatType(), _i32), 64: (ir.DoubleType(), _i64)}[wide]
    numbers, wholes, octets = (ir.VectorType(one, lanes) for one in (number, whole, _i8))

    def constant(value, kind=wholes):
        return ir.Constant(kind, [value] * lanes)

    def generate(context, builder, signature, args):
        x_first, ladder_first, codes_first = (
            _flat_pointer(context, builder, signature.args[at], args[at], args[at + 1], _i64(count))
            for at, count in ((0, BESIDE), (2, LADDER), (4, BESIDE)))

        def load(first, index):
            return builder.load(_as_vector(builder, first, index, numbers), align=wide // 8)

        for i in range(0, BESIDE, lanes):
            value, place = load(x_first, i), constant(1)
            for step in range(_STEPS):
                threshold = _look_up(builder, ladder_first, place, step, load)
                above = builder.zext(builder.fcmp_ordered(">", value, threshold), wholes)
                place = builder.add(builder.add(place, place), above)
            code = builder.select(builder.fcmp_ordered("ord", value, value), builder.trunc(place, octets), constant(255, octets))
            builder.store(code, _as_vector(builder, codes_first, i, octets), align=1)
        return context.get_dummy_value()

    return types.void(x, types.intp, ladder, types.intp, codes, types.intp), generate


def _look_up(builder, first, place, step, load):
    """The entries ``place`` of a ladder, all of them from 2^step to 2^(step + 1) - 1.

    A few registers hold so many: permutations of registers, where 8 gathers from memory took 3.6 ns a code.
    """
    lanes, whole = place.type.count, place.type.element
    permute, permute_two = _PERMUTATIONS.get((lanes, whole.width), (None, None))
    if permute is None:
        return _gather(builder, first, place)
    tables = [load(first, i) for i in range((1 << step) // lanes * lanes, 2 << step, lanes)]
    bit = lanes  # the lower bits of a place are what a permutation looks at
    if len(tables) == 1 or permute_two is None:
        tables = [_call(builder, permute, table, place) for table in tables]
    else:
        tables = [_call(builder, permute_two, low, place, high) for low, high in zip(tables[::2], tables[1::2])]
        bit *= 2
    while len(tables) > 1:  # the next bit says which of two
        asked = builder.and_(place, ir.Constant(place.type, [bit] * lanes))
        is_high = builder.icmp_unsigned("!=", asked, ir.Constant(place.type, None))
        tables = [builder.select(is_high, high, low) for low, high in zip(tables[::2], tables[1::2])]
        bit *= 2
    return tables[0]


def _gather(builder, first, place):
    """The entries ``first[place]``, each lane from memory."""
    numbers = ir.VectorType(first.type.pointee, place.type.count)
    found = ir.Constant(numbers, ir.Undefined)
    if FAST_BYTES and place.type.count == 4:  # float64, AVX2
        zeros, all_lanes = ir.Constant(numbers, None), builder.bitcast(ir.Constant(place.type, [-1] * 4), numbers)
        address = builder.bitcast(first, _i8.as_pointer())
        return _call(builder, "llvm.x86.avx2.gather.q.pd.256", zeros, address, place, all_lanes, _i8(8))
    for lane in range(place.type.count):
        index = builder.zext(builder.extract_element(place, _i32(lane)), _i64)
        found = builder.insert_element(found, builder.load(builder.gep(first, [index])), _i32(lane))
    return found


def _call(builder, name, *args):
    kind = ir.FunctionType(args[0].type, [one.type for one in args])
    return builder.call(cgutils.get_or_insert_function(builder.module, kind, name), args)


def follow(codes, at, stride, splits, first, stop, found, rows):
    """Where rows end that go through the splits ``first`` … ``stop - 1`` in the order in which a tree grew: each divides the
    rows in one place, and those that go right are in a place of their own from then on.

        found = 0     for each split (column, turn, most, place, right):     found[found == place and code + turn > most] = right

    codes: uint8, flat, row i of a column at ``at + column * stride + i``   splits: (…, 5) int32   found: uint8, written
    Sums of bytes are modulo 256: with turn 1 the greatest byte becomes the least, and stays left. At most `FOLLOWED` rows;
    the arrays have room for so many, and what `found` holds beyond the `rows` that are asked for is left open.
    """
    _check_range(found, 0, FOLLOWED)
    _check_range(splits, 5 * first, 5 * (stop - first))
    place_of = np.zeros(FOLLOWED, np.uint8)
    for column, turn, most, place, right in splits[first:stop].tolist():
        _check_range(codes, at + column * stride, FOLLOWED)
        code = codes[at + column * stride : at + column * stride + FOLLOWED].astype(np.int64)
        place_of[(place_of == place) & ((code + turn) % 256 > most)] = right
    found[:rows] = place_of[:rows]


@compiled(follow)
def _follow(typing_context, codes, at, stride, splits, first, stop, found, rows):
    """The places stay in registers from the first split to the last; a split costs a register of rows 4 instructions."""
    lanes = _VECTOR_BYTES
    octets = ir.VectorType(_i8, lanes)

    def generate(context, builder, signature, args):
        zero, five = _i64(0), _i64(5)
        first_split, count = builder.mul(args[4], five), builder.sub(args[5], args[4])
        split_first = _flat_pointer(context, builder, signature.args[3], args[3], first_split, builder.mul(count, five))
        found_first = _flat_pointer(context, builder, signature.args[6], args[6], zero, _i64(FOLLOWED))

        def follow_in(registers):
            before = builder.block
            test, body, done = (builder.append_basic_block(f"follow.{name}") for name in ("test", "split", "done"))
            builder.branch(test)

            builder.position_at_end(test)
            split = builder.phi(_i64)
            split.add_incoming(zero, before)
            places = [builder.phi(octets) for _ in range(registers)]
            for place in places:
                place.add_incoming(ir.Constant(octets, None), before)
            builder.cbranch(builder.icmp_signed("<", split, count), body, done)

            builder.position_at_end(body)
            row = builder.mul(split, five)
            column, *bytes_ = (builder.load(builder.gep(split_first, [builder.add(row, _i64(field))])) for field in range(5))
            turn, most, asked, right = (_broadcast_to(builder, octets, builder.trunc(byte, _i8)) for byte in bytes_)
            code_at = builder.add(args[1], builder.mul(builder.sext(column, _i64), args[2]))
            code_first = _flat_pointer(context, builder, signature.args[0], args[0], code_at, _i64(FOLLOWED))
            after = []
            for i, place in enumerate(places):
                code = builder.load(_as_vector(builder, code_first, i * lanes, octets), align=1)
                beyond = builder.icmp_unsigned(">", builder.add(code, turn), most)
                moves = builder.and_(builder.icmp_unsigned("==", place, asked), beyond)
                after.append(builder.select(moves, right, place))
            for phi, value in zip([split, *places], [builder.add(split, _i64(1)), *after]):
                phi.add_incoming(value, builder.block)
            builder.branch(test)

            builder.position_at_end(done)
            for i, place in enumerate(places):
                builder.store(place, _as_vector(builder, found_first, i * lanes, octets), align=1)

        with builder.if_else(builder.icmp_signed("<=", args[7], _i64(2 * lanes))) as (few, many):
            with few:
                follow_in(2)
            with many:
                follow_in(FOLLOWED // lanes)
        return context.get_dummy_value()

    return types.void(codes, types.intp, types.intp, splits, types.intp, types.intp, found, types.intp), generate


def _as_vector(builder, first, index, kind):
    """Pointer to the vector that begins at ``first[index]``."""
    return builder.bitcast(builder.gep(first, [_i64(index)]), kind.as_pointer())


# ---------------------------------------------------------------------------------------------------------------------
# Register tiles
#
# A tile is a small matrix that lives in vector registers: rows x columns accumulators of a product. It is a value, as a
# number is: made by `tile_dot`, passed on, compared, stored. Its shape is chosen so that the accumulators, one row of B
# and one broadcast entry of A just fill the register file: 32 registers of 64 bytes (AVX-512), or 16 of 32 bytes (AVX2,
# where the AVX-512 shape spills and loses). In plain Python a tile is a NumPy array of that shape.
#
# Operands are packed so that the loop over the depth reads both in order: A by groups of `rows`, B by groups of `columns`.
#
# A tile of int16 sums products of bytes, two at a time and modulo 2^16 (`tile_dot_bytes`): 4 times as many products an
# instruction as float32. Its mask of a row has at most 64 bits.

if has_avx512():
    _VECTOR_BYTES, _SHAPE_IN_VECTORS = 64, (8, 3)  # 24 accumulators + 3 of B + 1 broadcast of A = 28 of 32
    BYTE_ROWS = 12  # by 2 vectors: 24 accumulators + 2 of B + 1 broadcast of A + 1 product = 28 of 32
else:
    _VECTOR_BYTES, _SHAPE_IN_VECTORS = 32, (6, 2)  # 12 accumulators + 2 of B + 1 broadcast of A = 15 of 16
    BYTE_ROWS = 6  # by 2 vectors: 12 accumulators + 2 of B + 1 broadcast of A + 1 product = 16 of 16

# Byte products are one instruction of AVX-512BW, which is part of x86-64-v4, and of AVX2, part of x86-64-v3 (VNNI is of neither
# and not needed). Elsewhere they are spelled out, and do not pay.
FAST_BYTES = level() in ("x86-64-v4", "x86-64-v3") or (has_avx512() and not config.CPU_FEATURES)

FOLLOWED = 8 * _VECTOR_BYTES  # rows that `follow` takes: 8 registers of places
# (lanes, bits): the permutation of one register by the low bits of each lane, and the one of two registers
_PERMUTATIONS: dict = {}
if has_avx512():
    _PERMUTATIONS = {(16, 32): ("llvm.x86.avx512.permvar.sf.512", "llvm.x86.avx512.vpermi2var.ps.512"),
                     (8, 64): ("llvm.x86.avx512.permvar.df.512", "llvm.x86.avx512.vpermi2var.pd.512")}
elif FAST_BYTES:
    _PERMUTATIONS = {(8, 32): ("llvm.x86.avx2.permps", None)}

ROWS = _SHAPE_IN_VECTORS[0]
BYTE_COLUMNS = 2 * _VECTOR_BYTES // 2
COLUMNS32 = _SHAPE_IN_VECTORS[1] * _VECTOR_BYTES // 4
COLUMNS64 = _SHAPE_IN_VECTORS[1] * _VECTOR_BYTES // 8


def tile_columns(dtype) -> int:
    """Columns of a tile of `dtype` (float32 or float64); every tile has `ROWS` rows."""
    return COLUMNS32 if np.dtype(dtype) == np.float32 else COLUMNS64


class TileType(types.Type):
    """The Numba type of a tile: `rows` x `columns` numbers as an LLVM array of vectors, which LLVM keeps in registers."""

    def __init__(self, element):
        self.element = element
        self.bytes = element.bitwidth // 8
        self.lanes = _VECTOR_BYTES // self.bytes
        self.rows, self.vectors = (BYTE_ROWS, 2) if element == types.int16 else _SHAPE_IN_VECTORS
        self.columns = self.lanes * self.vectors
        super().__init__(name=f"Tile({element}, {self.rows}x{self.columns})")

    @property
    def scalar(self):
        return {types.float32: ir.FloatType(), types.float64: ir.DoubleType(), types.int16: _i16}[self.element]

    @property
    def vector(self):
        return ir.VectorType(self.scalar, self.lanes)

    @property
    def suffix(self):
        return f"v{self.lanes}f{8 * self.bytes}"


@register_default(TileType)
class TileModel(models.PrimitiveModel):
    def __init__(self, manager, kind):
        super().__init__(manager, kind, ir.ArrayType(kind.vector, kind.rows * kind.vectors))


def tile_dot(A, a, B, b, depth):
    """The tile sum_k A[k, :]^T B[k, :], with A packed as (depth, ROWS) from index `a` and B as (depth, columns) from `b`.

    A, B: flat arrays of one dtype. This is the loop in which a matrix product spends its time.
    """
    columns = tile_columns(A.dtype)
    _check_range(A, a, depth * ROWS)
    _check_range(B, b, depth * columns)
    left = A[a : a + depth * ROWS].reshape(depth, ROWS)
    right = B[b : b + depth * columns].reshape(depth, columns)
    return left.T @ right


@compiled(tile_dot)
def _tile_dot(typing_context, A, a, B, b, depth):
    kind = TileType(A.dtype)

    def generate(context, builder, signature, args):
        a_first = _flat_pointer(context, builder, signature.args[0], args[0], args[1], builder.mul(args[4], _i64(ROWS)))
        b_first = _flat_pointer(context, builder, signature.args[2], args[2], args[3],
                                builder.mul(args[4], _i64(kind.columns)))
        fma = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(kind.vector, [kind.vector] * 3), f"llvm.fma.{kind.suffix}")
        zero = ir.Constant(kind.vector, None)
        before = builder.block
        test, body, done = (builder.function.append_basic_block(name) for name in ("tile.k", "tile.fma", "tile.done"))
        builder.branch(test)

        builder.position_at_end(test)
        k = builder.phi(_i64)
        k.add_incoming(_i64(0), before)
        sums = []
        for _ in range(ROWS * kind.vectors):
            phi = builder.phi(kind.vector)
            phi.add_incoming(zero, before)
            sums.append(phi)
        builder.cbranch(builder.icmp_signed("<", k, args[4]), body, done)

        builder.position_at_end(body)
        b_row = builder.gep(b_first, [builder.mul(k, _i64(kind.columns))])
        right = [_load_vector(builder, kind, builder.gep(b_row, [_i64(v * kind.lanes)])) for v in range(kind.vectors)]
        a_row = builder.gep(a_first, [builder.mul(k, _i64(ROWS))])
        for row in range(ROWS):
            left = _broadcast(builder, kind, builder.load(builder.gep(a_row, [_i64(row)])))
            for v in range(kind.vectors):
                at = row * kind.vectors + v
                sums[at].add_incoming(builder.call(fma, [left, right[v], sums[at]]), body)
        k.add_incoming(builder.add(k, _i64(1)), body)
        builder.branch(test)

        builder.position_at_end(done)
        return _pack(builder, kind, sums)

    return kind(A, types.intp, B, types.intp, types.intp), generate


def tile_add_row(tile, row, at):
    """Each row of the tile plus ``row[at : at + columns]``."""
    _check_range(row, at, tile.shape[1])
    return tile + row[at : at + tile.shape[1]]


@compiled(tile_add_row)
def _tile_add_row(typing_context, tile, row, at):
    def generate(context, builder, signature, args):
        kind = signature.args[0]
        first = _flat_pointer(context, builder, signature.args[1], args[1], args[2], _i64(kind.columns))
        added = [_load_vector(builder, kind, builder.gep(first, [_i64(v * kind.lanes)])) for v in range(kind.vectors)]
        return _pack(builder, kind, [
            builder.fadd(value, added[index % kind.vectors]) for index, value in enumerate(_unpack(builder, kind, args[0]))])

    return tile(tile, row, types.intp), generate


def tile_dot_bytes(A, a, B, b, pairs, start, at):
    """The int16 tile  start[at + j] + sum_k A[k, i, 0] B[k, j, 0] + A[k, i, 1] B[k, j, 1]  modulo 2^16.

    A: uint8, packed as (pairs, BYTE_ROWS, 2) from index `a`   B: int8, as (pairs, BYTE_COLUMNS, 2) from `b`   start: int16
    The sum of two products saturates at -2^15 and 2^15 - 1, as the instruction (PMADDUBSW) has it.
    """
    _check_range(A, a, pairs * BYTE_ROWS * 2)
    _check_range(B, b, pairs * BYTE_COLUMNS * 2)
    _check_range(start, at, BYTE_COLUMNS)
    left = A[a : a + pairs * BYTE_ROWS * 2].reshape(pairs, BYTE_ROWS, 1, 2).astype(np.int32)
    right = B[b : b + pairs * BYTE_COLUMNS * 2].reshape(pairs, 1, BYTE_COLUMNS, 2).astype(np.int32)
    sums = np.clip((left * right).sum(axis=3), -(2**15), 2**15 - 1).sum(axis=0)
    return (start[at : at + BYTE_COLUMNS] + sums).astype(np.int16)


@compiled(tile_dot_bytes)
def _tile_dot_bytes(typing_context, A, a, B, b, pairs, start, at):
    kind = TileType(types.int16)

    def generate(context, builder, signature, args):
        a_first = _flat_pointer(context, builder, signature.args[0], args[0], args[1],
                                builder.mul(args[4], _i64(2 * BYTE_ROWS)))
        b_first = _flat_pointer(context, builder, signature.args[2], args[2], args[3],
                                builder.mul(args[4], _i64(2 * BYTE_COLUMNS)))
        start_first = _flat_pointer(context, builder, signature.args[5], args[5], args[6], _i64(BYTE_COLUMNS))
        starts = [_load_vector(builder, kind, builder.gep(start_first, [_i64(v * kind.lanes)])) for v in range(kind.vectors)]
        before = builder.block
        test, body, done = (builder.function.append_basic_block(name) for name in ("bytes.k", "bytes.madd", "bytes.done"))
        builder.branch(test)

        builder.position_at_end(test)
        k = builder.phi(_i64)
        k.add_incoming(_i64(0), before)
        sums = []
        for index in range(kind.rows * kind.vectors):
            phi = builder.phi(kind.vector)
            phi.add_incoming(starts[index % kind.vectors], before)
            sums.append(phi)
        builder.cbranch(builder.icmp_signed("<", k, args[4]), body, done)

        builder.position_at_end(body)
        b_row = builder.gep(b_first, [builder.mul(k, _i64(2 * BYTE_COLUMNS))])
        right = [_load_vector(builder, kind, builder.gep(b_row, [_i64(2 * v * kind.lanes)])) for v in range(kind.vectors)]
        a_row = builder.gep(a_first, [builder.mul(k, _i64(2 * BYTE_ROWS))])
        for row in range(kind.rows):
            pair = builder.load(builder.bitcast(builder.gep(a_row, [_i64(2 * row)]), _i16.as_pointer()))
            pair.align = 1
            left = _broadcast(builder, kind, pair)
            for v in range(kind.vectors):
                at = row * kind.vectors + v
                sums[at].add_incoming(builder.add(sums[at], _byte_products(builder, kind, left, right[v])), body)
        k.add_incoming(builder.add(k, _i64(1)), body)
        builder.branch(test)

        builder.position_at_end(done)
        return _pack(builder, kind, sums)

    return kind(A, types.intp, B, types.intp, types.intp, start, types.intp), generate


def _byte_products(builder, kind, left, right):
    """Of pairs of bytes (left without, right with sign) the sum of both products, saturated to int16."""
    octets = ir.VectorType(_i8, 2 * kind.lanes)
    left, right = builder.bitcast(left, octets), builder.bitcast(right, octets)
    if FAST_BYTES:
        name = "llvm.x86.avx512.pmaddubs.w.512" if _VECTOR_BYTES == 64 else "llvm.x86.avx2.pmadd.ub.sw"
        function = cgutils.get_or_insert_function(builder.module, ir.FunctionType(kind.vector, [octets] * 2), name)
        return builder.call(function, [left, right])
    wide = ir.VectorType(_i32, kind.lanes)
    products = []
    for half in range(2):
        chosen = ir.Constant(wide, [2 * lane + half for lane in range(kind.lanes)])
        first, second = (builder.shuffle_vector(part, ir.Constant(octets, ir.Undefined), chosen) for part in (left, right))
        products.append(builder.mul(builder.zext(first, wide), builder.sext(second, wide)))
    total = builder.add(*products)
    for name, end in (("smin", 2**15 - 1), ("smax", -(2**15))):
        clamp = cgutils.get_or_insert_function(
            builder.module, ir.FunctionType(wide, [wide] * 2), f"llvm.{name}.v{kind.lanes}i32")
        total = builder.call(clamp, [total, ir.Constant(wide, [end] * kind.lanes)])
    return builder.trunc(total, kind.vector)


def tile_below(tile, limits, masks):
    """Compare each row of the tile with its limit: bit j of ``masks[i]`` tells whether ``tile[i, j] < limits[i]``.

    limits: (rows,) of the tile's dtype   masks: (rows,) int64 (uint64 for 64 columns), written.
    Returns whether any bit is set.
    """
    rows = tile.shape[0]
    _check_range(limits, 0, rows)
    _check_range(masks, 0, rows)
    below = tile < limits[:rows, None]
    for i in range(rows):
        masks[i] = sum(1 << j for j in range(tile.shape[1]) if below[i, j])
    return bool(below.any())


@compiled(tile_below)
def _tile_below(typing_context, tile, limits, masks):
    def generate(context, builder, signature, args):
        kind = signature.args[0]
        values = _unpack(builder, kind, args[0])
        limit_first = _flat_pointer(context, builder, signature.args[1], args[1], _i64(0), _i64(kind.rows))
        mask_first = _flat_pointer(context, builder, signature.args[2], args[2], _i64(0), _i64(kind.rows))
        any_bit = _i64(0)
        compare = builder.icmp_signed if kind.element == types.int16 else builder.fcmp_ordered
        for row in range(kind.rows):
            limit = _broadcast(builder, kind, builder.load(builder.gep(limit_first, [_i64(row)])))
            bits = _i64(0)
            for v in range(kind.vectors):
                less = compare("<", values[row * kind.vectors + v], limit)
                lanes = builder.zext(builder.bitcast(less, ir.IntType(kind.lanes)), _i64)
                bits = builder.or_(bits, builder.shl(lanes, _i64(v * kind.lanes)))
            builder.store(bits, builder.gep(mask_first, [_i64(row)]))
            any_bit = builder.or_(any_bit, bits)
        return builder.icmp_signed("!=", any_bit, _i64(0))

    return types.boolean(tile, limits, masks), generate


def tile_least_two(tile, plus, at, number, least, second, which):
    """Fold the rows of the tile, row i plus ``plus[at + i]``, into the two least values of each column.

    least, second: (columns,) of the tile's dtype; which: (columns,) int32, of the row that holds the least, whose number is
    ``number + i``; all three read and written. Of equal values the first one seen stays.
    """
    _check_range(plus, at, tile.shape[0])
    for array in (least, second, which):
        _check_range(array, 0, tile.shape[1])
    for i in range(tile.shape[0]):
        value = tile[i] + plus[at + i]
        below = value < least
        second[:] = np.minimum(second, np.where(below, least, value))
        which[:] = np.where(below, number + i, which)
        least[:] = np.where(below, value, least)


@compiled(tile_least_two)
def _tile_least_two(typing_context, tile, plus, at, number, least, second, which):
    def generate(context, builder, signature, args):
        kind = signature.args[0]
        values = _unpack(builder, kind, args[0])
        numbers = ir.VectorType(_i32, kind.lanes)
        plus_first = _flat_pointer(context, builder, signature.args[1], args[1], args[2], _i64(kind.rows))
        arrays = [_flat_pointer(context, builder, signature.args[place], args[place], _i64(0), _i64(kind.columns))
                  for place in (4, 5, 6)]
        added, own = [], []
        for row in range(kind.rows):
            added.append(_broadcast(builder, kind, builder.load(builder.gep(plus_first, [_i64(row)]))))
            number_of_row = builder.add(builder.trunc(args[3], _i32), _i32(row))
            alone = builder.insert_element(ir.Constant(numbers, ir.Undefined), number_of_row, _i32(0))
            own.append(builder.shuffle_vector(alone, ir.Constant(numbers, ir.Undefined), ir.Constant(numbers, [0] * kind.lanes)))
        for v in range(kind.vectors):
            low_at, next_at, which_at = (builder.gep(first, [_i64(v * kind.lanes)]) for first in arrays)
            which_at = builder.bitcast(which_at, numbers.as_pointer())
            low, next_ = _load_vector(builder, kind, low_at), _load_vector(builder, kind, next_at)
            found = builder.load(which_at, align=4)
            for row in range(kind.rows):
                value = builder.fadd(values[row * kind.vectors + v], added[row])
                below = builder.fcmp_ordered("<", value, low)
                other = builder.select(below, low, value)
                next_ = builder.select(builder.fcmp_ordered("<", other, next_), other, next_)
                found = builder.select(below, own[row], found)
                low = builder.select(below, value, low)
            _store_vector(builder, kind, low, low_at)
            _store_vector(builder, kind, next_, next_at)
            builder.store(found, which_at, align=4)
        return context.get_dummy_value()

    return types.void(tile, plus, types.intp, types.intp, least, second, which), generate


def tile_store(tile, out, at, stride):
    """Write the tile to the flat array `out`: entry (i, j) to ``out[at + i * stride + j]``."""
    for i in range(tile.shape[0]):
        _check_range(out, at + i * stride, tile.shape[1])
        out[at + i * stride : at + i * stride + tile.shape[1]] = tile[i]


@compiled(tile_store)
def _tile_store(typing_context, tile, out, at, stride):
    def generate(context, builder, signature, args):
        _each_vector(context, builder, signature, args, lambda address, value, kind: _store_vector(builder, kind, value, address))
        return context.get_dummy_value()

    return types.void(tile, out, types.intp, types.intp), generate


def tile_accumulate(tile, out, at, stride):
    """Add the tile to the flat array `out`: entry (i, j) to ``out[at + i * stride + j]``."""
    for i in range(tile.shape[0]):
        _check_range(out, at + i * stride, tile.shape[1])
        out[at + i * stride : at + i * stride + tile.shape[1]] += tile[i]


@compiled(tile_accumulate)
def _tile_accumulate(typing_context, tile, out, at, stride):
    def generate(context, builder, signature, args):
        def add(address, value, kind):
            _store_vector(builder, kind, builder.fadd(_load_vector(builder, kind, address), value), address)

        _each_vector(context, builder, signature, args, add)
        return context.get_dummy_value()

    return types.void(tile, out, types.intp, types.intp), generate


# -- what the tile functions are made of --------------------------------------------------------------------------------

def _check_range(array, first, count):
    """Slices of NumPy clip silently; a tile must not."""
    if first < 0 or first + count > array.size:
        raise IndexError(f"tile reaches {first} … {first + count - 1} of an array of {array.size}")


def _flat_pointer(context, builder, array_type, array, first, count):
    """Pointer to ``array.flat[first]``; with bounds checks on, an IndexError unless `count` entries follow."""
    fields = cgutils.create_struct_proxy(array_type)(context, builder, value=array)
    if BOUNDSCHECK:
        past = builder.icmp_signed(">", builder.add(first, count), fields.nitems)
        with builder.if_then(builder.or_(past, builder.icmp_signed("<", first, _i64(0))), likely=False):
            context.call_conv.return_user_exc(builder, IndexError, ("a tile reaches past the end of an array",))
    return builder.gep(fields.data, [first])


def _each_vector(context, builder, signature, args, act):
    """``act(address, vector, kind)`` for each vector of a tile that lies in ``out`` at ``at`` with ``stride``."""
    tile, out, at, stride = args
    kind = signature.args[0]
    for index, value in enumerate(_unpack(builder, kind, tile)):
        row, v = divmod(index, kind.vectors)
        first = builder.add(builder.add(at, builder.mul(stride, _i64(row))), _i64(v * kind.lanes))
        act(_flat_pointer(context, builder, signature.args[1], out, first, _i64(kind.lanes)), value, kind)


def _pack(builder, kind, vectors):
    tile = ir.Constant(ir.ArrayType(kind.vector, kind.rows * kind.vectors), ir.Undefined)
    for index, value in enumerate(vectors):
        tile = builder.insert_value(tile, value, index)
    return tile


def _unpack(builder, kind, tile):
    return [builder.extract_value(tile, index) for index in range(kind.rows * kind.vectors)]


def _load_vector(builder, kind, address):
    loaded = builder.load(builder.bitcast(address, kind.vector.as_pointer()))
    loaded.align = kind.bytes
    return loaded


def _store_vector(builder, kind, value, address):
    builder.store(value, builder.bitcast(address, kind.vector.as_pointer())).align = kind.bytes


def _broadcast(builder, kind, scalar):
    return _broadcast_to(builder, kind.vector, scalar)


def _broadcast_to(builder, vector, scalar):
    undefined = ir.Constant(vector, ir.Undefined)
    first = builder.insert_element(undefined, scalar, _i32(0))
    return builder.shuffle_vector(first, undefined, ir.Constant(ir.VectorType(_i32, vector.count), [0] * vector.count))
