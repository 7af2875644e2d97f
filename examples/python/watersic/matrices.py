# SPDX-License-Identifier: MIT
"""Arrays of NumPy as matrices of C. Nothing is copied: what cannot be passed as it is, is refused."""

import ctypes
import operator

import numpy

from .constants import Dtype
from .declarations import wsic_matrix

_NUMPY = {
    numpy.dtype(numpy.float64): Dtype.F64,
    numpy.dtype(numpy.float32): Dtype.F32,
    numpy.dtype(numpy.float16): Dtype.F16,
    numpy.dtype(numpy.int8): Dtype.I8,
    numpy.dtype(numpy.int16): Dtype.I16,
    numpy.dtype(numpy.int32): Dtype.I32,
}
_ELEMENT = {number: dtype for dtype, number in _NUMPY.items()}
_ELEMENT[Dtype.BF16] = numpy.dtype(numpy.uint16)

#: What the library reads as weights and activations
REALS = (Dtype.F64, Dtype.F32, Dtype.F16, Dtype.BF16)
INTEGERS = (Dtype.I8, Dtype.I16, Dtype.I32, Dtype.I4)


class BF16:
    """A matrix of bfloat16: an array of uint16, which holds the upper halves of binary32.

    NumPy has no such type. Arrays of the type bfloat16 of ml_dtypes need no wrapper.
    """

    def __init__(self, bits):
        if not isinstance(bits, numpy.ndarray) or bits.dtype != numpy.uint16:
            raise TypeError("BF16: bits must be an array of uint16")
        self.bits = bits

    @property
    def shape(self):
        return self.bits.shape


class I4:
    """A matrix of four-bit codes to be filled: an array of uint8, two codes in each byte.

    columns is the number of codes of a row; a row takes half of it in bytes, rounded up.
    """

    def __init__(self, packed, columns):
        if not isinstance(packed, numpy.ndarray) or packed.dtype != numpy.uint8:
            raise TypeError("I4: packed must be an array of uint8")
        if packed.ndim != 2 or packed.shape[1] != (columns + 1) // 2:
            raise ValueError(
                f"I4: packed has the shape {packed.shape}; {columns} codes of a row take "
                f"{(columns + 1) // 2} bytes")
        self.packed = packed
        self.columns = columns

    @property
    def shape(self):
        return (self.packed.shape[0], self.columns)


def array_of(matrix):
    """The array that holds the numbers of a matrix."""
    return getattr(matrix, "bits", getattr(matrix, "packed", matrix))


def _number_type(name, matrix):
    if isinstance(matrix, BF16):
        return Dtype.BF16
    if isinstance(matrix, I4):
        return Dtype.I4
    if not isinstance(matrix, numpy.ndarray) or isinstance(matrix, numpy.ma.MaskedArray):
        raise TypeError(f"{name} must be an array of NumPy, not {type(matrix).__name__}")
    if matrix.dtype.name == "bfloat16":
        return Dtype.BF16
    if matrix.dtype not in _NUMPY or not matrix.dtype.isnative:
        raise TypeError(f"{name}: the library has no numbers of type {matrix.dtype}")
    return _NUMPY[matrix.dtype]


def _row_stride(name, array):
    """Elements from one row to the next; 0 where there is no next row."""
    size = array.itemsize
    if array.shape[1] > 1 and array.strides[1] != size:
        raise ValueError(
            f"{name}: the elements of a row are {array.strides[1]} bytes apart, not {size}: pass "
            "numpy.ascontiguousarray() of it")
    if array.shape[0] <= 1:
        return 0
    stride, rest = divmod(array.strides[0], size)
    if rest or stride < array.shape[1]:
        raise ValueError(
            f"{name}: rows are {array.strides[0]} bytes apart, and have {array.shape[1] * size} "
            "bytes: pass numpy.ascontiguousarray() of it")
    return stride


def describe(name, matrix, types, shape=None, fill=False):
    """The wsic_matrix of an array, which the caller keeps alive. shape: what it must be, None where
    any number will do."""
    number_type = _number_type(name, matrix)
    if number_type not in types:
        known = ", ".join(t.name for t in types)
        raise TypeError(f"{name} has the type {number_type.name}; known here are {known}")
    array = array_of(matrix)
    if array.ndim != 2:
        raise ValueError(f"{name} must have 2 dimensions, not {array.ndim}")
    if 0 in array.shape:
        raise ValueError(f"{name} is empty: its shape is {array.shape}")
    for wanted, found in zip(shape or (), matrix.shape):
        if wanted is not None and wanted != found:
            raise ValueError(f"{name} has the shape {matrix.shape}, not {shape}")
    if fill and not array.flags.writeable:
        raise ValueError(f"{name} is to be filled, but is read-only")
    stride = _row_stride(name, array)
    if number_type == Dtype.I4:
        stride *= 2
    return wsic_matrix(
        ctypes.sizeof(wsic_matrix), array.ctypes.data, matrix.shape[0], matrix.shape[1], stride,
        number_type, 0)


def empty(rows, columns, number_type):
    """A new matrix of a Dtype."""
    if number_type == Dtype.I4:
        return I4(numpy.empty((rows, (columns + 1) // 2), numpy.uint8), columns)
    array = numpy.empty((rows, columns), _ELEMENT[number_type])
    return BF16(array) if number_type == Dtype.BF16 else array


def dtype(value, types):
    """A Dtype from a Dtype, its name, or a type of NumPy."""
    if isinstance(value, str) and value.upper() in Dtype.__members__:
        value = Dtype[value.upper()]
    if not isinstance(value, Dtype):
        value = _NUMPY.get(numpy.dtype(value))
    if value not in types:
        raise TypeError("dtype: known here are " + ", ".join(t.name for t in types))
    return value


def vector(name, values, number_type, length=None):
    """A pointer to the numbers of a one-dimensional array, which the caller keeps alive."""
    element = numpy.dtype(number_type)
    if not isinstance(values, numpy.ndarray) or isinstance(values, numpy.ma.MaskedArray):
        raise TypeError(f"{name} must be an array of NumPy, not {type(values).__name__}")
    if values.dtype != element or not values.dtype.isnative:
        raise TypeError(f"{name} must have the type {element}, not {values.dtype}")
    if values.ndim != 1 or (length is not None and len(values) != length):
        wanted = "one dimension" if length is None else f"the shape ({length},)"
        raise ValueError(f"{name} must have {wanted}; its shape is {values.shape}")
    if not values.flags.c_contiguous or not values.flags.aligned:
        raise ValueError(f"{name} must be contiguous and aligned")
    return values.ctypes.data_as(ctypes.POINTER(numpy.ctypeslib.as_ctypes_type(element)))


def size(name, value):
    """A number that C takes as size_t or uint64_t; ctypes would drop bits without a word."""
    value = operator.index(value)
    if not 0 <= value < 1 << 64:
        raise ValueError(f"{name} must be from 0 to 2^64 - 1, not {value}")
    return value


def text(name, value):
    """Text for C: UTF-8 without NUL."""
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, not {type(value).__name__}")
    encoded = value.encode()
    if b"\0" in encoded:
        raise ValueError(f"{name} has a NUL character")
    return encoded
