# SPDX-License-Identifier: MIT
"""A quantized layer: codes and scales as bytes, and what can be decoded from them."""

import ctypes
import weakref

import numpy

from . import matrices
from .constants import Dtype, JobKind
from .context import Context
from .declarations import wsic_layer_info
from .handle import Handle, expect, record
from .job import Job
from .matrices import INTEGERS, REALS, array_of, describe, empty, vector

LayerInfo, _layer_info = record("LayerInfo", wsic_layer_info, "Facts about a layer (layer.h).")


class Layer(Handle):
    """A quantized layer (layer.h). Several threads may read one layer at the same time.

    Encoders and archives make layers, and so do Layer.load() and Layer.view(). rows and columns of
    the functions that decode are slices without a step; None means all.
    """

    _type = "wsic_layer"
    _shareable = True

    _closing = False
    _shape = None

    def __init__(self):
        raise TypeError("layers are made by Encoder.run(), Archive, Layer.load() or Layer.view()")

    def _adopt(self, owner, pointer, *borrowed):
        super()._adopt(owner, pointer, *borrowed)
        self._lent = []  # references to memory that arrays use

    @classmethod
    def load(cls, context, data):
        """A layer from its bytes, which are copied."""
        pointer, _ = _from_buffer(context, "wsic_layer_create", data)
        return cls._wrap(context._core, pointer)

    @classmethod
    def view(cls, context, data):
        """A layer on bytes that stay where they are: an object with a buffer, such as bytes, an
        mmap or an array of uint8. The layer keeps it; nobody may write to it."""
        pointer, held = _from_buffer(context, "wsic_layer_create_view", data)
        return cls._wrap(context._core, pointer, held)

    # --- facts --------------------------------------------------------------------

    @property
    def info(self):
        """Facts about the layer: a LayerInfo."""
        found = wsic_layer_info(ctypes.sizeof(wsic_layer_info))
        self._read("get_info", ctypes.byref(found))
        return _layer_info(found)._replace(code_dtype=Dtype(found.code_dtype))

    @property
    def shape(self):
        """Rows and columns."""
        if self._shape is None:
            info = self.info
            self._shape = info.rows, info.columns
        return self._shape

    @property
    def code_range(self):
        """The least and the greatest code. This decodes the layer."""
        least, greatest = ctypes.c_int32(), ctypes.c_int32()
        self._read("get_code_range", ctypes.byref(least), ctypes.byref(greatest))
        return least.value, greatest.value

    # --- memory of the layer ----------------------------------------------------------

    @property
    def row_scales(self):
        """Scales of the rows: an array in the memory of the layer."""
        return self._lend(self._get("row_scales"), ctypes.c_float, self.info.rows)

    @property
    def column_scales(self):
        """Scales of the columns: an array in the memory of the layer."""
        return self._lend(self._get("column_scales"), ctypes.c_float, self.info.columns)

    @property
    def column_order(self):
        """Columns in the order in which they are coded, in the memory of the layer."""
        return self._lend(self._get("column_order"), ctypes.c_uint32, self.info.live_columns)

    @property
    def data(self):
        """The bytes of the layer: an array of uint8 in its memory."""
        address, count = ctypes.c_void_p(), ctypes.c_size_t()
        self._read("get_bytes", ctypes.byref(address), ctypes.byref(count))
        return self._lend(address, ctypes.c_uint8, count.value)

    def _lend(self, address, element, count):
        """A read-only array in the memory of the layer, which cannot be closed meanwhile."""
        if count == 0:
            return numpy.empty(0, element)
        memory = (element * count).from_address(ctypes.cast(address, ctypes.c_void_p).value)
        memory.layer = self  # so that the array keeps the layer
        self._lent = [*self._loans(), weakref.ref(memory)]
        array = numpy.frombuffer(memory, element)
        array.flags.writeable = False
        return array

    @property
    def closed(self):
        return self._closing or super().closed

    def close(self):
        """Release the handle; where arrays in the memory of the layer are left, with the last one."""
        self._closing = True
        if not self._loans():
            super().close()

    def _loans(self):
        return [memory for memory in self._lent if memory() is not None]

    # --- decoding ---------------------------------------------------------------------

    def codes(self, rows=None, columns=None, dtype=None, out=None):
        """Integer codes, in a new matrix or in out. Without a type it is the narrowest of int8,
        int16 and int32 that holds all codes of the layer. "i4" packs two codes into each byte."""
        return self.codes_job(rows, columns, dtype, out).run()

    def coded_order(self, rows=None, columns=None, dtype=None, out=None):
        """Codes of the live columns in the order in which they are coded."""
        return self.coded_order_job(rows, columns, dtype, out).run()

    def dequantize(self, rows=None, columns=None, dtype=Dtype.F32, out=None):
        """Weights, in a new matrix or in out."""
        return self.dequantize_job(rows, columns, dtype, out).run()

    def matmul(self, x, rows=None, columns=None, out=None):
        """X times the transpose of the weights, for a batch of tokens x columns (float32 or
        bfloat16). A vector gives a vector."""
        if isinstance(x, numpy.ndarray) and x.ndim == 1:
            y = None if out is None else out.reshape(1, -1)
            return self.matmul_job(x.reshape(1, -1), rows, columns, y).run()[0]
        return self.matmul_job(x, rows, columns, out).run()

    def codes_job(self, rows=None, columns=None, dtype=None, out=None):
        """codes() as a Job for Context.run()."""
        return self._code_job(JobKind.CODES, rows, columns, self.shape[1], dtype, out)

    def coded_order_job(self, rows=None, columns=None, dtype=None, out=None):
        """coded_order() as a Job."""
        live = self.info.live_columns
        return self._code_job(JobKind.CODED_ORDER, rows, columns, live, dtype, out)

    def _code_job(self, kind, rows, columns, count, wanted, out):
        if wanted is None:
            wanted = self.info.code_dtype
        return self._job(kind, rows, columns, count, matrices.dtype(wanted, INTEGERS), INTEGERS, out)

    def dequantize_job(self, rows=None, columns=None, dtype=Dtype.F32, out=None):
        """dequantize() as a Job."""
        return self._job(JobKind.WEIGHTS, rows, columns, self.shape[1],
                         matrices.dtype(dtype, REALS), REALS, out)

    def _job(self, kind, rows, columns, count, wanted, types, out):
        rows = _range("rows", rows, self.shape[0])
        columns = _range("columns", columns, count)
        if out is None:
            out = empty(len(rows), len(columns), wanted)
        matrix = describe("out", out, types, (len(rows), len(columns)), fill=True)
        return Job(self, kind, rows.start, columns.start, None, None, out, matrix)

    def matmul_job(self, x, rows=None, columns=None, out=None):
        """matmul() as a Job."""
        rows = _range("rows", rows, self.shape[0])
        columns = _range("columns", columns, self.shape[1])
        given = describe("x", x, (Dtype.F32, Dtype.BF16), (None, len(columns)))
        if out is None:
            out = empty(given.rows, len(rows), Dtype.F32)
        matrix = describe("out", out, (Dtype.F32,), (given.rows, len(rows)), fill=True)
        if numpy.may_share_memory(array_of(x), out):
            raise ValueError("out shares memory with x")
        return Job(self, JobKind.PRODUCT, rows.start, columns.start, x, given, out, matrix)

    # --- other scales -------------------------------------------------------------------

    def with_scales(self, row_scales=None, column_scales=None):
        """A layer with the same codes and other scales, such as those of fine-tuning."""
        rows, columns = self.shape
        given = [None if scales is None else vector(name, scales, numpy.float32, count)
                 for name, scales, count in (("row_scales", row_scales, rows),
                                             ("column_scales", column_scales, columns))]
        return Layer._wrap(self._core, self._make("create_with_scales", *given))


def _from_buffer(context, function, data):
    """The pointer of a layer on the bytes of an object, and what keeps them where they are."""
    expect("context", context, Context)
    held = numpy.frombuffer(data, numpy.uint8)
    return context._new(function, held.ctypes.data, len(held), shared=True), held


def _range(name, wanted, count):
    """The numbers that a slice of so many stands for."""
    if wanted is None:
        return range(count)
    if not isinstance(wanted, slice) or wanted.step not in (None, 1):
        raise TypeError(f"{name} must be a slice without a step, or None")
    numbers = range(*wanted.indices(count))
    if not numbers:
        raise ValueError(f"{name}: {wanted} names none of {count}")
    return numbers
