/* SPDX-License-Identifier: MIT */
/**
 * \file watersic/archive.h
 * \brief The archive: many named layers and their provenance in one file.
 *
 * A file is written from front to back, and appears under its name only when it is
 * complete. Checksums cover everything in it. docs/format.md describes
 * every byte.
 *
 * wsic_archive_writer_create() makes a writer that leaves no file behind unless
 * it finishes. wsic_archive_writer_resume() makes a writer that continues the unfinished archive of
 * a process that was killed.
 *
 * Each layer lies in one piece, at a multiple of 64 bytes or of the alignment that the writer was
 * given. wsic_archive_get_extent() says where. An engine can thus map the file, or read the bytes
 * itself, and hand them to wsic_layer_create_view(). wsic_archive_view_layer() does the mapping for
 * it.
 *
 * Threads: any number of threads may call functions of one open archive at the same time, among
 * them wsic_archive_load_layer() and wsic_archive_view_layer(), also while others decode layers
 * that came from it. The allocator must allow calls from several threads (the default one does),
 * and no thread may change the context meanwhile. Two things are not protected. Before
 * wsic_archive_close(), all other calls on the handle must have returned. The message is that of
 * the last call that failed in any thread; read it when no other thread is in a call that may
 * fail. A writer may be used by one thread at a time.
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
 * The writer writes to a temporary file in the directory of path. The call sets the metadata key
 * "library" to the library's version.
 *
 * \param context  not NULL; kept alive by the writer
 * \param path     name of the file to be, not empty; copied
 * \param out      receives the handle, or NULL on failure
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_IO, #WSIC_ERROR_MEMORY,
 *         #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_create(wsic_context *context, const char *path,
                                                wsic_archive_writer **out) WSIC_NODISCARD;

/**
 * \brief Begin an archive, or continue one that was not finished.
 *
 * The name of the unfinished file is path with ".part" appended. The file outlives the writer and
 * the process. If it exists, the writer begins with the layers and the metadata that
 * are in it, and the caller adds what is missing. The finished archive has the same bytes however
 * often the work was interrupted. They may differ from those of wsic_archive_writer_create(), since
 * metadata are stored before the layers that were added after them.
 *
 *   - wsic_archive_writer_add() returns when the layer is on the disk, and with it all
 *     metadata that were set before. The values of these metadata can no longer change.
 *     Metadata set after the last layer are in memory until
 *     wsic_archive_writer_finish(), and must be set again after a resumption.
 *   - Only whole layers are taken over. The file is cut off behind the last layer before the first
 *     record that is incomplete or damaged. A layer that fails its checksum is therefore dropped,
 *     and so are all layers behind it.
 *   - A file that does not begin like an archive is refused and not changed.
 *   - Only one writer at a time can have the file. A second one, in this process or
 *     another, is refused. The lock is that of flock(). On a file system without locks
 *     the caller must make sure that there is only one writer. After fork() the lock
 *     is released when both processes have closed the file.
 *   - The metadata "library" hold the version of the library that began the archive. Another
 *     version may encode other bytes: compare it with wsic_version() if that matters.
 *
 * To begin anew, remove the unfinished file before this call.
 *
 * \param context  not NULL; kept alive by the writer
 * \param path     name of the file to be, not empty; copied
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO: the message holds the system's reason, or says that another
 *     writer has the file
 *   - #WSIC_ERROR_FORMAT: the file of that name is no unfinished archive
 *   - #WSIC_ERROR_VERSION: a later version of the library began the file
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_resume(wsic_context *context, const char *path,
                                                wsic_archive_writer **out) WSIC_NODISCARD;

/**
 * \brief Choose where layers may begin.
 *
 * By default layers begin at multiples of 64 bytes of the file, so that they begin on cache lines
 * of a mapping. To read them with O_DIRECT, or to map them one by one, choose the sector size
 * or the page size: 4096 serves nearly everywhere. On average each layer costs half of the
 * alignment in bytes. The alignment is stored in the archive.
 *
 * \param writer     not NULL, not finished
 * \param alignment  bytes, a power of two from 64 to 65536
 * \return
 *   - #WSIC_OK: also if the archive has this alignment already
 *   - #WSIC_ERROR_ARGUMENT
 *   - #WSIC_ERROR_STATE: the archive is finished, or holds layers of another alignment (layers
 *     from before a resumption count, too)
 *   - #WSIC_ERROR_IO: the alignment stays what it was
 */
WSIC_API wsic_status wsic_archive_writer_set_alignment(wsic_archive_writer *writer,
                                                       uint64_t alignment) WSIC_NODISCARD;

/** \brief Alignment of the layers: 64, or the one that was set, or that of a resumed archive.
 *  \param writer not NULL
 *  \return bytes */
WSIC_API uint64_t wsic_archive_writer_alignment(const wsic_archive_writer *writer) WSIC_NONNULL(1);

/**
 * \brief Release a writer.
 *
 * The file of an archive that was not finished is removed. There is one exception: a file of
 * wsic_archive_writer_resume() stays under its ".part" name if it holds a layer.
 *
 * \param writer  may be NULL
 */
WSIC_API void wsic_archive_writer_destroy(wsic_archive_writer *writer);

/** \brief Message of the last failing call on this writer.
 *  \param writer may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
WSIC_API const char *wsic_archive_writer_message(const wsic_archive_writer *writer);

/**
 * \brief Attach a text to the archive, for example provenance, parameters or a license.
 *
 * \param writer  not NULL, not finished
 * \param key     1 to 255 bytes of UTF-8
 * \param value   any text in UTF-8, at most 16 MiB; replaces an earlier value
 * \return #WSIC_OK, #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE (the archive is finished, or another
 *         value is on the disk already, see wsic_archive_writer_resume()),
 *         #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_set_metadata(wsic_archive_writer *writer, const char *key,
                                                      const char *value) WSIC_NODISCARD;

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
 *   - #WSIC_ERROR_IO: the message holds the system's reason. The layer is not in the
 *     archive, and the call can be repeated. With a writer of wsic_archive_writer_resume() it may
 *     fail again, if the system has lost data that it could not bring to the disk. Then destroy
 *     the writer, and resume with a new one.
 *   - #WSIC_ERROR_ARGUMENT, #WSIC_ERROR_STATE, #WSIC_ERROR_MEMORY,
 *     #WSIC_ERROR_MEMORY_LIMIT
 */
WSIC_API wsic_status wsic_archive_writer_add(wsic_archive_writer *writer, const char *name,
                                             const wsic_layer *layer) WSIC_NODISCARD;

/**
 * \brief Size that the file would have if the archive were finished now.
 *
 * With a name it is the size after one more layer of this name and of layer_bytes bytes. The size
 * is exact if nothing else is added or set before. The bytes that the archive adds to a layer
 * (#WSIC_CONTAINER_BYTES) are the size with the name, minus the size without a name, minus
 * layer_bytes. They vary by a few bytes with layer_bytes. They also vary with the position in the
 * file, because zeros fill the space before an aligned layer. docs/format.md, "Archive", has the
 * formula.
 *
 * \param writer       not NULL
 * \param name         of the layer that might be added, or NULL for none
 * \param layer_bytes  size of that layer (info.bytes); without effect if name is NULL
 * \return bytes
 */
WSIC_API uint64_t wsic_archive_writer_size(const wsic_archive_writer *writer, const char *name,
                                           uint64_t layer_bytes) WSIC_NONNULL(1);

/** \brief Number of layers that were added, including those from before a resumption.
 *  \param writer not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_writer_count(const wsic_archive_writer *writer) WSIC_NONNULL(1);

/**
 * \brief Name of a layer that was added.
 *
 * \param writer  not NULL
 * \param index   below wsic_archive_writer_count(); layers keep the order of writing
 * \return the name, owned by the writer; NULL if index is too large
 */
WSIC_API const char *wsic_archive_writer_name(const wsic_archive_writer *writer, size_t index)
    WSIC_NONNULL(1);

/**
 * \brief Read a layer back from the file after it was added.
 *
 * \param writer  not NULL, not finished
 * \param index   below wsic_archive_writer_count()
 * \param out     receives the layer, or NULL on failure; it does not depend on the
 *                writer any more
 * \return as wsic_archive_load_layer(), and #WSIC_ERROR_STATE
 */
WSIC_API wsic_status wsic_archive_writer_load_layer(const wsic_archive_writer *writer, size_t index,
                                                    wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief Present value of a metadata entry.
 *
 * \param writer  not NULL
 * \param key     of the entry
 * \return the value, owned by the writer until the key is set again; NULL if there is no
 *         such key
 */
WSIC_API const char *wsic_archive_writer_metadata(const wsic_archive_writer *writer,
                                                  const char *key) WSIC_NONNULL(1);

/**
 * \brief Complete the archive.
 *
 * The call writes the index, brings everything to the disk and gives the file its name. An older
 * file of that name is replaced in one step.
 *
 * \param writer  not NULL; after success, only wsic_archive_writer_destroy() and
 *                wsic_archive_writer_message() may be called on it
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_STATE: the archive was finished before
 *   - #WSIC_ERROR_IO: the call can be repeated. It fails again if the system has lost data that it
 *     could not bring to the disk. Then resume an archive of wsic_archive_writer_resume() with a
 *     new writer; write any other archive anew.
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_writer_finish(wsic_archive_writer *writer) WSIC_NODISCARD;

/**
 * \brief Open an archive.
 *
 * The call reads and checks the header, the index and the metadata. Layers are read and checked
 * when they are loaded. The time of the call grows with the index and the metadata, not with the
 * layers. The file is mapped if the system can do that. Only wsic_archive_view_layer() uses the
 * mapping; all other functions read the file. The mapping does not count as memory of the context.
 *
 * \param context  not NULL; kept alive by the archive
 * \param path     file name
 * \param out      receives the handle, or NULL on failure
 * \return
 *   - #WSIC_OK
 *   - #WSIC_ERROR_IO, #WSIC_ERROR_FORMAT, #WSIC_ERROR_TRUNCATED, #WSIC_ERROR_CHECKSUM
 *   - #WSIC_ERROR_VERSION: the archive has another version of the format, later or earlier than the
 *     library's
 *   - #WSIC_ERROR_MEMORY, #WSIC_ERROR_MEMORY_LIMIT, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_open(wsic_context *context, const char *path,
                                       wsic_archive **out) WSIC_NODISCARD;

/**
 * \brief Open an archive that is in memory, for example mapped by the caller.
 *
 * \param context  not NULL; kept alive by the archive
 * \param bytes    the whole archive, at any address. The bytes are borrowed, and must not change,
 *                 until the handle and all layers of wsic_archive_view_layer() are destroyed.
 * \param size     their number
 * \param out      receives the handle, or NULL on failure
 * \return as wsic_archive_open()
 */
WSIC_API wsic_status wsic_archive_open_memory(wsic_context *context, const void *bytes, size_t size,
                                              wsic_archive **out) WSIC_NODISCARD;

/** \brief Close an archive. Layers that came from it live on; the mapping and the file are
 *  closed with the last layer that borrows from them.
 *  \param archive may be NULL */
WSIC_API void wsic_archive_close(wsic_archive *archive);

/** \brief Message of the last failing call on this archive.
 *  \param archive may be NULL
 *  \return text, empty if nothing failed, or of NULL; valid until the next call on the handle */
WSIC_API const char *wsic_archive_message(const wsic_archive *archive);

/** \brief Size of the whole archive.
 *  \param archive not NULL
 *  \return bytes */
WSIC_API uint64_t wsic_archive_size(const wsic_archive *archive) WSIC_NONNULL(1);

/** \brief Number of layers.
 *  \param archive not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_count(const wsic_archive *archive) WSIC_NONNULL(1);

/**
 * \brief Name of a layer.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count(); layers keep the order of writing
 * \return the name, owned by the archive; NULL if index is too large
 */
WSIC_API const char *wsic_archive_name(const wsic_archive *archive, size_t index) WSIC_NONNULL(1);

/**
 * \brief Find a layer by name.
 *
 * \param archive  not NULL
 * \param name     of the layer
 * \param index    receives its index
 * \return #WSIC_OK, #WSIC_ERROR_NOT_FOUND, #WSIC_ERROR_ARGUMENT
 */
WSIC_API wsic_status wsic_archive_find(const wsic_archive *archive, const char *name,
                                       size_t *index) WSIC_NODISCARD;

/**
 * \brief Read a layer.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param out      receives the layer, or NULL on failure. The layer has a copy of its bytes, and
 *                 does not depend on the archive any more.
 * \return as wsic_layer_create(), and #WSIC_ERROR_IO. A file that shrank is
 *         #WSIC_ERROR_TRUNCATED.
 *
 * Any number of threads may call this on one archive at the same time.
 */
WSIC_API wsic_status wsic_archive_load_layer(const wsic_archive *archive, size_t index,
                                             wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief Make a layer that borrows its bytes from the archive.
 *
 * The bytes stay where they are, in the mapping of the file or in the memory of
 * wsic_archive_open_memory(), and are checked there as wsic_layer_create() checks them. The layer
 * keeps the parts of the archive that it needs: wsic_archive_close() may come first. If the system
 * could not map the file, the layer has a copy, as with wsic_archive_load_layer().
 *
 * The bytes in the file must not change while the layer lives. If they do, codes are wrong, or
 * refused, or different from call to call. *A mapped file that shrinks ends the process*: the
 * system raises SIGBUS when a lost byte is read, in this call or while the layer is decoded. A disk
 * that fails has the same effect. It is safe to replace a file by renaming another one over it, as
 * the writers of this library do. If a file may shrink, use wsic_archive_load_layer().
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param out      receives the layer, or NULL on failure
 * \return as wsic_archive_load_layer()
 *
 * Any number of threads may call this on one archive at the same time.
 */
WSIC_API wsic_status wsic_archive_view_layer(wsic_archive *archive, size_t index,
                                             wsic_layer **out) WSIC_NODISCARD;

/**
 * \brief Where in the file the bytes of a layer lie.
 *
 * wsic_layer_create() and wsic_layer_create_view() take these bytes, so that an engine can read
 * them itself. With O_DIRECT the alignment of the archive must be a multiple of the sector size.
 * Round the size up to sectors, and read that many bytes at the offset into a buffer of that size.
 * Use the first size bytes; the others belong to the next records of the file. A read that reaches
 * the end of the file returns fewer bytes than requested, but always the whole layer, since the
 * index and the footer follow the last layer. (The offset counts from the first byte of the
 * archive. In wsic_archive_open_memory(), the address of a layer is only as aligned as the address
 * of that byte.)
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_count()
 * \param offset   receives the offset of the first byte, a multiple of wsic_archive_alignment()
 * \param size     receives the number of bytes
 * \return #WSIC_OK, or #WSIC_ERROR_ARGUMENT; on failure offset and size are untouched
 */
WSIC_API wsic_status wsic_archive_get_extent(const wsic_archive *archive, size_t index,
                                             uint64_t *offset, uint64_t *size);

/** \brief Bytes that the offset of every layer is a multiple of.
 *  \param archive not NULL
 *  \return a power of two from 64 to 65536 */
WSIC_API uint64_t wsic_archive_alignment(const wsic_archive *archive) WSIC_NONNULL(1);

/** \brief Number of metadata entries.
 *  \param archive not NULL
 *  \return their number */
WSIC_API size_t wsic_archive_metadata_count(const wsic_archive *archive) WSIC_NONNULL(1);

/**
 * \brief Key of a metadata entry.
 *
 * \param archive  not NULL
 * \param index    below wsic_archive_metadata_count()
 * \return the key, owned by the archive; NULL if index is too large
 */
WSIC_API const char *wsic_archive_metadata_key(const wsic_archive *archive, size_t index)
    WSIC_NONNULL(1);

/**
 * \brief Value of a metadata entry.
 *
 * \param archive  not NULL
 * \param key      of the entry
 * \return the value, owned by the archive; NULL if there is no such key
 */
WSIC_API const char *wsic_archive_metadata(const wsic_archive *archive, const char *key)
    WSIC_NONNULL(1);

#ifdef __cplusplus
}
#endif

#endif
