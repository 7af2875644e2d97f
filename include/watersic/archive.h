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
 * \param writer  not NULL
 * \param name    if not NULL: as if a layer of that name and of 0 bytes were added,
 *                which tells what the archive adds to a layer
 *                (#WSIC_CONTAINER_BYTES)
 * \return bytes
 */
WSIC_API uint64_t wsic_archive_writer_size(const wsic_archive_writer *writer, const char *name);

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
 * \return as wsic_archive_layer(), and #WSIC_ERROR_STATE
 */
WSIC_API wsic_status wsic_archive_writer_layer(wsic_archive_writer *writer, size_t index,
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
 * Reads and checks the header and the index; layers are read and checked when
 * they are asked for.
 *
 * \param context  not NULL; kept alive by the archive
 * \param path     file name
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO, #WSIC_ERROR_FORMAT, #WSIC_ERROR_TRUNCATED,
 *     #WSIC_ERROR_CHECKSUM, #WSIC_ERROR_VERSION
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_open(wsic_context *context, const char *path,
                                       wsic_archive **out);

/**
 * \brief Open an archive that is in memory, for example mapped by the caller.
 *
 * \param context  not NULL; kept alive by the archive
 * \param bytes    the whole archive; borrowed until the handle is destroyed
 * \param size     their number
 * \param out      receives the handle, or NULL on failure
 * \return as wsic_archive_open()
 */
WSIC_API wsic_status wsic_archive_open_memory(wsic_context *context, const void *bytes, size_t size,
                                              wsic_archive **out);

/** \brief Close an archive. Layers that were read from it live on.
 *  \param archive may be NULL */
WSIC_API void wsic_archive_destroy(wsic_archive *archive);

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
 * \param out      receives the layer, or NULL on failure; it does not depend on
 *                 the archive any more
 * \return as wsic_layer_read(), and #WSIC_ERROR_IO
 */
WSIC_API wsic_status wsic_archive_layer(wsic_archive *archive, size_t index, wsic_layer **out);

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
