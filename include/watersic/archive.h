/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/archive.h
 * \brief The archive: many named layers and their provenance in one file.
 *
 * A file is written front to back and appears under its name only when it is
 * complete. Everything in it is covered by checksums. docs/format.md describes
 * every byte.
 *
 * A writer comes from wsic_archive_writer_create(), which leaves nothing behind unless
 * it finishes, or from wsic_archive_writer_resume(), which goes on where a process that
 * was killed had stopped.
 *
 * Each layer lies in one piece at a multiple of 64 bytes, or of more if the writer was told so:
 * wsic_archive_get_extent() says where, so that an engine can map the file or read the bytes itself
 * and hand them to wsic_layer_create_view(). wsic_archive_view_layer() does the former on its own.
 *
 * Threads: any number of threads may call functions of one open archive at the same time, among
 * them wsic_archive_load_layer() and wsic_archive_view_layer(), also while others decode layers
 * that came from it. This needs an allocator that several threads may call at once (that of
 * wsic_context_create() without one is), and no thread that changes the context meanwhile. Two
 * things are not protected: wsic_archive_close() needs all other calls on this handle to have
 * returned, and the message is that of the call that failed last, whichever thread made it; read
 * it when no other thread is in a call that may fail. A writer is used by one thread at a time.
 */
#ifndef WATERSIC_ARCHIVE_H
#define WATERSIC_ARCHIVE_H

#include <watersic/layer.h>

#ifdef __cplusplus
extern "C" {
#endif

/** \brief An archive that is being written. */
typedef struct wsic_archive_writer wsic_archive_writer;

/** \brief An archive that is open for reading. */
typedef struct wsic_archive wsic_archive;

/**
 * \brief Begin an archive.
 *
 * Writes to a temporary file beside path. The metadata key "library" is set to the
 * library's version.
 *
 * \param context  not NULL; kept alive by the writer
 * \param path     name of the file to be, not empty; copied
 * \param out      receives the handle, or NULL on failure
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_IO, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_create(wsic_context *context, const char *path,
                                                wsic_archive_writer **out);

/**
 * \brief Begin an archive, or go on with one that was not finished.
 *
 * The unfinished file is called path with ".part" behind it. It outlives the writer and
 * the process: if there is one, the writer begins with the layers and the metadata that
 * are in it, and the caller adds what is missing. What was interrupted and gone on with
 * any number of times becomes the same bytes as what was not. They may differ from those
 * of wsic_archive_writer_create(): metadata stand before the layers that were added after
 * them.
 *
 *   - wsic_archive_writer_add() returns when the layer is on the disk, and with it all
 *     metadata that were set before. These cannot be given another value any more.
 *     Metadata set after the last layer are in memory until
 *     wsic_archive_writer_finish(), and must be set again after a resumption.
 *   - Only whole layers are taken over. The file is cut off behind the last layer that
 *     is whole and has nothing but whole records before it. Where the file was damaged,
 *     this is before the damage: a layer that fails its checksum is dropped, and so are
 *     all layers behind it.
 *   - A file that does not begin as an archive does is refused and left alone.
 *   - Only one writer at a time can have the file: a second one, in this process or
 *     another, is refused. (The lock is that of flock(); a file system without locks
 *     has nothing to tell, and there the caller must take care.) After fork() the lock
 *     is released when both processes have closed the file.
 *   - "library", set by whoever began the archive, tells the version of the library that
 *     made the first layers. Another version may encode other bytes: compare it with
 *     wsic_version() where that matters.
 *
 * To throw an unfinished file away, remove it before this call.
 *
 * \param context  not NULL; kept alive by the writer
 * \param path     name of the file to be, not empty; copied
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO: the message holds the system's reason, or tells that another
 *     writer is at work
 *   - #WSIC_ERROR_FORMAT: the file of that name is no unfinished archive
 *   - #WSIC_ERROR_VERSION: it was begun by a later version of the library
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_resume(wsic_context *context, const char *path,
                                                wsic_archive_writer **out);

/**
 * \brief Choose where layers may begin.
 *
 * Layers begin at multiples of 64 bytes of the file, so that they begin on cache lines of a
 * mapping. Whoever reads them with O_DIRECT, or maps them one by one, takes the sector size
 * or the page size: 4096 serves nearly everywhere. Each layer costs half of the alignment on
 * average. The alignment is kept in the archive.
 *
 * \param writer     not NULL, not finished
 * \param alignment  bytes, a power of two from 64 to 65536
 * \return
 *   - #WSIC_OK: also if it is the alignment that the archive has
 *   - #WSIC_ERROR_ARGUMENT
 *   - #WSIC_ERROR_STATE: the archive is finished, or holds layers of another alignment (from
 *     before a resumption, too)
 *   - #WSIC_ERROR_IO: as it was before
 */
WSIC_API wsic_status wsic_archive_writer_set_alignment(wsic_archive_writer *writer,
                                                       uint64_t alignment);

/** \brief Alignment of the layers: 64, what was set, or that of the archive that was resumed.
 *  \param writer not NULL
 *  \return bytes */
WSIC_API uint64_t wsic_archive_writer_alignment(const wsic_archive_writer *writer);

/**
 * \brief Release a writer.
 *
 * An archive that was not finished is removed; but one of wsic_archive_writer_resume()
 * stays under its ".part" name if it holds a layer.
 *
 * \param writer  may be NULL
 */
WSIC_API void wsic_archive_writer_destroy(wsic_archive_writer *writer);

/** \brief Message of the last failing call on this writer.
 *  \param writer not NULL
 *  \return text, empty if nothing failed; valid until the next call on the handle */
WSIC_API const char *wsic_archive_writer_message(const wsic_archive_writer *writer);

/**
 * \brief Attach a text to the archive: provenance, parameters, a license.
 *
 * \param writer  not NULL, not finished
 * \param key     1 to 255 bytes of UTF-8
 * \param value   any text in UTF-8, at most 16 MiB; replaces an earlier value
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (finished, or another value is
 *         on the disk already: wsic_archive_writer_resume()),
 *         #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_set_metadata(wsic_archive_writer *writer, const char *key,
                                                      const char *value);

/**
 * \brief Append a layer.
 *
 * \param writer  not NULL, not finished
 * \param name    1 to 65535 bytes of UTF-8, unique in the archive; by custom the
 *                tensor's name in the checkpoint
 * \param layer   not NULL; not kept
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_EXISTS: there is a layer of that name
 *   - #WSIC_ERROR_IO: the message holds the system's reason; the layer is not in the
 *     archive, and the call can be repeated. After wsic_archive_writer_resume() it is
 *     the system that may refuse a repetition, where it has lost data that it could not
 *     bring to the disk; destroy the writer and resume then.
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE, #WSIC_ERROR_MEMORY,
 *     #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_add(wsic_archive_writer *writer, const char *name,
                                             const wsic_layer *layer);

/**
 * \brief Size that the finished file would have now.
 *
 * With a name it is the size after a layer of this name and of layer_bytes bytes: exactly that,
 * if nothing is added or set before. What the archive adds to a layer (#WSIC_CONTAINER_BYTES) is
 * the difference to the size without a name, less layer_bytes. It depends on layer_bytes by a
 * few bytes, and on what is in the file already by the zeros that bring the layer to its
 * alignment; docs/format.md, "Archive", has the formula.
 *
 * \param writer       not NULL
 * \param name         of the layer that might be added, or NULL for none
 * \param layer_bytes  its size (info.bytes); without a name it does not matter
 * \return bytes
 */
WSIC_API uint64_t wsic_archive_writer_size(const wsic_archive_writer *writer, const char *name,
                                           uint64_t layer_bytes);

/** \brief Number of layers that were added, those before a resumption included.
 *  \param writer not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_writer_count(const wsic_archive_writer *writer);

/**
 * \brief Name of a layer that was added.
 *
 * \param writer  not NULL
 * \param index   below wsic_archive_writer_count(); layers keep the order of writing
 * \return the name, owned by the writer; NULL if index is too large
 */
WSIC_API const char *wsic_archive_writer_name(const wsic_archive_writer *writer, size_t index);

/**
 * \brief Read a layer that was added back from the file.
 *
 * \param writer  not NULL, not finished
 * \param index   below wsic_archive_writer_count()
 * \param out     receives the layer, or NULL on failure; it does not depend on the
 *                writer any more
 * \return as wsic_archive_load_layer(), and #WSIC_ERROR_STATE
 */
WSIC_API wsic_status wsic_archive_writer_load_layer(wsic_archive_writer *writer, size_t index,
                                                    wsic_layer **out);

/**
 * \brief Value of a metadata entry as it stands.
 *
 * \param writer  not NULL
 * \param key     of the entry
 * \return the value, owned by the writer until the key is set again; NULL if there is no
 *         such key
 */
WSIC_API const char *wsic_archive_writer_metadata(const wsic_archive_writer *writer,
                                                  const char *key);

/**
 * \brief Complete the archive.
 *
 * Writes the index, brings everything to the disk and gives the file its name,
 * replacing an older one in one step.
 *
 * \param writer  not NULL; only wsic_archive_writer_destroy() and the message may
 *                follow after success
 * \return #WSIC_OK, #WSIC_ERROR_STATE (finished before), #WSIC_ERROR_IO (the call can be
 *         repeated, except where the system has lost data that it could not bring to
 *         the disk: what was resumed can be resumed once more, another archive has to
 *         be written anew), #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_writer_finish(wsic_archive_writer *writer);

/**
 * \brief Open an archive.
 *
 * Reads and checks the header, the index and the metadata; layers are read and checked when
 * they are asked for. The time grows with the index and the metadata, not with the layers. The
 * file is mapped where the system can do that, for wsic_archive_view_layer() alone: all other
 * functions read the file, and what is mapped does not count as memory of the context.
 *
 * \param context  not NULL; kept alive by the archive
 * \param path     file name
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO, #WSIC_ERROR_FORMAT, #WSIC_ERROR_TRUNCATED, #WSIC_ERROR_CHECKSUM
 *   - #WSIC_ERROR_VERSION: of another version, later or earlier than the library's
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_open(wsic_context *context, const char *path, wsic_archive **out);

/**
 * \brief Open an archive that is in memory, for example mapped by the caller.
 *
 * \param context  not NULL; kept alive by the archive
 * \param bytes    the whole archive, at any address; borrowed, unchanged, until the handle and all
 *                 layers of wsic_archive_view_layer() are destroyed
 * \param size     their number
 * \param out      receives the handle, or NULL on failure
 * \return as wsic_archive_open()
 */
WSIC_API wsic_status wsic_archive_open_memory(wsic_context *context, const void *bytes, size_t size,
                                              wsic_archive **out);

/** \brief Close an archive. Layers that came from it live on; the mapping and the file are
 *  closed with the last layer that borrows from them.
 *  \param archive may be NULL */
WSIC_API void wsic_archive_close(wsic_archive *archive);

/** \brief Message of the last failing call on this archive.
 *  \param archive not NULL
 *  \return text, empty if nothing failed; valid until the next call on the handle */
WSIC_API const char *wsic_archive_message(const wsic_archive *archive);

/** \brief Size of the whole archive.
 *  \param archive not NULL
 *  \return bytes */
WSIC_API uint64_t wsic_archive_size(const wsic_archive *archive);

/** \brief Number of layers.
 *  \param archive not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_count(const wsic_archive *archive);

/**
 * \brief Name of a layer.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count(); layers keep the order of writing
 * \return the name, owned by the archive; NULL if index is too large
 */
WSIC_API const char *wsic_archive_name(const wsic_archive *archive, size_t index);

/**
 * \brief Find a layer by name.
 *
 * \param archive  not NULL
 * \param name     of the layer
 * \param index    receives its index
 * \return #WSIC_OK, #WSIC_ERROR_NOT_FOUND, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_find(wsic_archive *archive, const char *name, size_t *index);

/**
 * \brief Read a layer.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param out      receives the layer, which has a copy of its bytes and does not depend on
 *                 the archive any more, or NULL on failure
 * \return as wsic_layer_create(), and #WSIC_ERROR_IO. A file that shrank is
 *         #WSIC_ERROR_TRUNCATED.
 *
 * Any number of threads may call this on one archive at the same time.
 */
WSIC_API wsic_status wsic_archive_load_layer(wsic_archive *archive, size_t index, wsic_layer **out);

/**
 * \brief A layer that borrows its bytes from the archive.
 *
 * The bytes stay where they are, in the mapping of the file or in the memory of
 * wsic_archive_open_memory(), and are checked there as wsic_layer_create() checks them. The layer
 * holds what it needs of the archive: wsic_archive_close() may come first. Where the system
 * could not map the file the layer has a copy, as with wsic_archive_load_layer().
 *
 * What is in the file must not change while the layer lives: the codes would be wrong, or
 * refused, or different from call to call. *A mapped file that shrinks ends the process* with
 * SIGBUS as soon as a byte is touched that is gone, in this call or while the layer is decoded;
 * so does a disk that fails. Replacing a file by renaming another one over it, as writers of
 * this library do, is safe. Where files may be cut, take wsic_archive_load_layer().
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param out      receives the layer, or NULL on failure
 * \return as wsic_archive_load_layer()
 *
 * Any number of threads may call this on one archive at the same time.
 */
WSIC_API wsic_status wsic_archive_view_layer(wsic_archive *archive, size_t index, wsic_layer **out);

/**
 * \brief Where in the file the bytes of a layer lie.
 *
 * They are what wsic_layer_create() and wsic_layer_create_view() take, so that an engine can read
 * them itself. With O_DIRECT, from an archive whose alignment is a multiple of the sector size:
 * read from offset the size rounded up to sectors, into a buffer of that size; use the first size
 * bytes and ignore the rest, which belongs to what follows in the file. A read that ends at the
 * end of the file comes back short; it always holds size bytes and more, since the index and the
 * footer stand behind the last layer. (This is of the offset in the file. Memory that was
 * handed to wsic_archive_open_memory() is as aligned as its first byte.)
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param offset   receives the offset of the first byte, a multiple of wsic_archive_alignment()
 * \param size     receives the number of bytes
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT; on failure offset and size are untouched
 */
WSIC_API wsic_status wsic_archive_get_extent(wsic_archive *archive, size_t index, uint64_t *offset,
                                             uint64_t *size);

/** \brief Bytes that the offset of every layer is a multiple of.
 *  \param archive not NULL
 *  \return a power of two from 64 to 65536 */
WSIC_API uint64_t wsic_archive_alignment(const wsic_archive *archive);

/** \brief Number of metadata entries.
 *  \param archive not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_metadata_count(const wsic_archive *archive);

/**
 * \brief Key of a metadata entry.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_metadata_count()
 * \return the key, owned by the archive; NULL if index is too large
 */
WSIC_API const char *wsic_archive_metadata_key(const wsic_archive *archive, size_t index);

/**
 * \brief Value of a metadata entry.
 *
 * \param archive  not NULL
 * \param key      of the entry
 * \return the value, owned by the archive; NULL if there is no such key
 */
WSIC_API const char *wsic_archive_metadata(const wsic_archive *archive, const char *key);

#ifdef __cplusplus
}
#endif

#endif
