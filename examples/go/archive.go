// SPDX-License-Identifier: MIT

package watersic

// #include "bridge.h"
import "C"

import "unsafe"

// Archive is an archive that is open for reading (watersic/archive.h). Any number of goroutines may
// use it at the same time.
type Archive struct {
	*shared[*C.wsic_archive]
}

// OpenArchive opens a file.
func OpenArchive(path string) (*Archive, error) {
	var raw *C.wsic_archive
	err := withText("the path", path, func(path *C.char) error {
		return onContext(func(context *C.wsic_context) C.wsic_status {
			return C.wsic_archive_open(context, path, &raw)
		})
	})
	if err != nil {
		return nil, err
	}
	return &Archive{newShared("the archive", raw, func(raw *C.wsic_archive) {
		C.wsic_archive_close(raw)
	})}, nil
}

// call calls the library. A call that fails is repeated alone, so that the message is its own.
func (a *Archive) call(function func() C.wsic_status) error {
	var status C.wsic_status
	err := a.use(func(*C.wsic_archive) error {
		status = function()
		return nil
	})
	if err != nil || status >= 0 {
		return err
	}
	return a.useAlone(func(raw *C.wsic_archive) error {
		if status := function(); status < 0 {
			return described(Status(status), C.GoString(C.wsic_archive_message(raw)))
		}
		return nil
	})
}

// Names returns the names of all layers, in the order of writing.
func (a *Archive) Names() ([]string, error) {
	var names []string
	err := a.call(func() C.wsic_status {
		for i := C.size_t(0); i < C.wsic_archive_count(a.raw); i++ {
			names = append(names, C.GoString(C.wsic_archive_name(a.raw, i)))
		}
		return C.WSIC_OK
	})
	return names, err
}

// Find returns the number of the layer of that name.
func (a *Archive) Find(name string) (int, error) {
	var index C.size_t
	err := withText("the name", name, func(name *C.char) error {
		return a.call(func() C.wsic_status { return C.wsic_archive_find(a.raw, name, &index) })
	})
	return int(index), err
}

// Layer reads a layer. It does not depend on the archive any more.
func (a *Archive) Layer(index int) (*Layer, error) {
	return a.take(index, func(i C.size_t, out **C.wsic_layer) C.wsic_status {
		return C.wsic_archive_load_layer(a.raw, i, out)
	})
}

// MapLayer returns a layer that decodes from the mapping of the file. Nobody may write to the file
// while the layer is open. If the file gets shorter, the system ends the process when a lost byte
// is read; Layer has no such danger. To replace the file by renaming another one over it is safe.
func (a *Archive) MapLayer(index int) (*Layer, error) {
	return a.take(index, func(i C.size_t, out **C.wsic_layer) C.wsic_status {
		return C.wsic_archive_view_layer(a.raw, i, out)
	})
}

func (a *Archive) take(index int, load func(C.size_t, **C.wsic_layer) C.wsic_status) (*Layer, error) {
	i, err := size("index", index)
	if err != nil {
		return nil, err
	}
	var raw *C.wsic_layer
	if err := a.call(func() C.wsic_status { return load(i, &raw) }); err != nil {
		return nil, err
	}
	return newLayer(raw), nil
}

// Extent returns where in the file the bytes of a layer lie.
func (a *Archive) Extent(index int) (offset, length uint64, err error) {
	i, err := size("index", index)
	if err != nil {
		return 0, 0, err
	}
	var begin, count C.uint64_t
	err = a.call(func() C.wsic_status {
		return C.wsic_archive_get_extent(a.raw, i, &begin, &count)
	})
	return uint64(begin), uint64(count), err
}

// Metadata returns all metadata.
func (a *Archive) Metadata() (map[string]string, error) {
	metadata := map[string]string{}
	err := a.call(func() C.wsic_status {
		for i := C.size_t(0); i < C.wsic_archive_metadata_count(a.raw); i++ {
			key := C.wsic_archive_metadata_key(a.raw, i)
			metadata[C.GoString(key)] = C.GoString(C.wsic_archive_metadata(a.raw, key))
		}
		return C.WSIC_OK
	})
	return metadata, err
}

// ArchiveWriter writes an archive. The file appears under its name when Finish has succeeded.
type ArchiveWriter struct{ *handle }

// CreateArchive begins an archive. If the writer is closed before Finish, there is no file.
func (s *Session) CreateArchive(path string) (*ArchiveWriter, error) {
	return s.newWriter(path, func(path *C.char, out **C.wsic_archive_writer) C.wsic_status {
		return C.wsic_archive_writer_create(s.raw, path, out)
	})
}

// ResumeArchive begins an archive, or continues one that was not finished. An unfinished archive
// stays on the disk with ".part" at the end of its name.
func (s *Session) ResumeArchive(path string) (*ArchiveWriter, error) {
	return s.newWriter(path, func(path *C.char, out **C.wsic_archive_writer) C.wsic_status {
		return C.wsic_archive_writer_resume(s.raw, path, out)
	})
}

func (s *Session) newWriter(path string,
	begin func(*C.char, **C.wsic_archive_writer) C.wsic_status) (*ArchiveWriter, error) {
	var raw *C.wsic_archive_writer
	err := withText("the path", path, func(path *C.char) error {
		return s.call(func() C.wsic_status { return begin(path, &raw) })
	})
	if err != nil {
		return nil, err
	}
	return &ArchiveWriter{s.newHandle("the writer", unsafe.Pointer(raw), func(raw unsafe.Pointer) {
		C.wsic_archive_writer_destroy((*C.wsic_archive_writer)(raw))
	})}, nil
}

func (w *ArchiveWriter) get() *C.wsic_archive_writer {
	return (*C.wsic_archive_writer)(w.raw)
}

// SetAlignment lets layers begin at multiples of this number of bytes.
func (w *ArchiveWriter) SetAlignment(bytes uint64) error {
	return w.session.call(func() C.wsic_status {
		return C.wsic_archive_writer_set_alignment(w.get(), C.uint64_t(bytes))
	}, w.handle)
}

// SetMetadata attaches a text, such as provenance or a license.
func (w *ArchiveWriter) SetMetadata(key, value string) error {
	return withText("the key", key, func(key *C.char) error {
		return withText("the value", value, func(value *C.char) error {
			return w.session.call(func() C.wsic_status {
				return C.wsic_archive_writer_set_metadata(w.get(), key, value)
			}, w.handle)
		})
	})
}

// Add appends a layer.
func (w *ArchiveWriter) Add(name string, layer *Layer) error {
	if layer == nil {
		return failure(ErrArgument, "layer is nil")
	}
	return layer.use(func(added *C.wsic_layer) error {
		return withText("the name", name, func(name *C.char) error {
			return w.session.call(func() C.wsic_status {
				return C.wsic_archive_writer_add(w.get(), name, added)
			}, w.handle)
		})
	})
}

// Names returns the names of the layers that were added, in their order.
func (w *ArchiveWriter) Names() ([]string, error) {
	var names []string
	err := w.session.call(func() C.wsic_status {
		for i := C.size_t(0); i < C.wsic_archive_writer_count(w.get()); i++ {
			names = append(names, C.GoString(C.wsic_archive_writer_name(w.get(), i)))
		}
		return C.WSIC_OK
	}, w.handle)
	return names, err
}

// Finish completes the archive, gives the file its name, and closes the writer.
func (w *ArchiveWriter) Finish() error {
	err := w.session.call(func() C.wsic_status {
		return C.wsic_archive_writer_finish(w.get())
	}, w.handle)
	if err != nil {
		return err
	}
	return w.Close()
}
