# SPDX-License-Identifier: MIT
"""Archives: many named layers and their provenance in one file."""

import collections.abc
import ctypes
import operator
import os

import numpy

from .context import Context
from .handle import Handle, expect, path_bytes
from .layer import Layer
from .matrices import size, text


def _position(index, count):
    index = operator.index(index)
    if not -count <= index < count:
        raise IndexError(f"there is no layer {index}: the archive has {count}")
    return index % count


class Archive(Handle, collections.abc.Mapping):
    """An archive that is open for reading (archive.h): a mapping from names to layers.

    source is a path, or an object with a buffer that holds a whole archive, such as bytes or an
    mmap. Several threads may take layers from one archive. A layer is named by its name or number.
    """

    _type = "wsic_archive"
    _destroyer = "wsic_archive_close"
    _shareable = True

    def __init__(self, context, source):
        expect("context", context, Context)
        self._context = context
        self._buffer = None
        if isinstance(source, (str, os.PathLike)):
            pointer = context._new("wsic_archive_open", path_bytes(source))
        else:
            self._buffer = numpy.frombuffer(source, numpy.uint8)
            pointer = context._new(
                "wsic_archive_open_memory", self._buffer.ctypes.data, len(self._buffer))
        self._adopt(context._core, pointer, self._buffer)

    def __len__(self):
        return self._get("count")

    def __iter__(self):
        return iter([self._get_text("name", index) for index in range(len(self))])

    def __contains__(self, name):
        return isinstance(name, str) and name in list(self)

    def find(self, name):
        """The number of a layer."""
        index = ctypes.c_size_t()
        self._read("find", _name(name), ctypes.byref(index))
        return index.value

    def _index(self, key):
        return self.find(key) if isinstance(key, str) else _position(key, len(self))

    def __getitem__(self, key):
        return self.load_layer(key)

    def load_layer(self, key):
        """A layer with a copy of its bytes, which does not depend on the archive."""
        return Layer._wrap(self._core, self._make("load_layer", self._index(key), read=True))

    def view_layer(self, key):
        """A layer that borrows its bytes from the mapping of the file, or from the buffer. The
        file must not change or shrink meanwhile (archive.h)."""
        pointer = self._make("view_layer", self._index(key), read=True)
        return Layer._wrap(self._core, pointer, self._buffer)

    def extent(self, key):
        """Offset and number of the bytes of a layer."""
        offset, count = ctypes.c_uint64(), ctypes.c_uint64()
        self._read("get_extent", self._index(key), ctypes.byref(offset), ctypes.byref(count))
        return offset.value, count.value

    @property
    def size(self):
        """Bytes of the whole archive."""
        return self._get("size")

    @property
    def alignment(self):
        """What the offset of every layer is a multiple of."""
        return self._get("alignment")

    @property
    def metadata(self):
        """The texts of the archive: a dict."""
        count = self._get("metadata_count")
        keys = [self._get("metadata_key", index) for index in range(count)]
        return {key.decode(errors="surrogateescape"): self._get_text("metadata", key)
                for key in keys}

    # A mapping compares its items; archives are handles.
    __eq__ = object.__eq__
    __hash__ = object.__hash__


class ArchiveWriter(Handle):
    """An archive that is written (archive.h). The end of a with statement finishes it, unless the
    statement raises something.

    resume=True continues an unfinished archive; alignment is what offsets are multiples of.
    """

    _type = "wsic_archive_writer"

    def __init__(self, context, path, resume=False, alignment=None):
        expect("context", context, Context)
        function = "wsic_archive_writer_" + ("resume" if resume else "create")
        self._adopt(context._core, context._new(function, path_bytes(path)))
        self._finished = False
        if alignment is not None:
            self._call("set_alignment", size("alignment", alignment))

    def __exit__(self, kind, *_):
        try:
            if kind is None and not self.closed and not self._finished:
                self.finish()
        finally:
            self.close()

    def add(self, name, layer):
        """Append a layer."""
        self._call("add", _name(name), expect("layer", layer, Layer))

    def finish(self):
        """Complete the archive and give the file its name."""
        self._call("finish")
        self._finished = True

    def set_metadata(self, key, value):
        """Attach a text."""
        self._call("set_metadata", text("key", key), text("value", value))

    def metadata(self, key):
        """A text that was attached, or None."""
        return self._get_text("metadata", text("key", key))

    def __len__(self):
        return self._get("count")

    @property
    def names(self):
        """Names of the layers that were added, also before a resumption."""
        return [self._get_text("name", index) for index in range(len(self))]

    def load_layer(self, index):
        """Read a layer back."""
        return Layer._wrap(self._core, self._make("load_layer", _position(index, len(self))))

    @property
    def alignment(self):
        """What the offset of every layer is a multiple of."""
        return self._get("alignment")

    def size(self, name=None, layer_bytes=0):
        """Bytes of the file if it were finished now, or after one more layer of this name."""
        encoded = None if name is None else _name(name)
        return self._get("size", encoded, size("layer_bytes", layer_bytes))


def _name(name):
    return text("name", name)
