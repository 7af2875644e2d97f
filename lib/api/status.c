/* SPDX-License-Identifier: MIT */
#include "watersic/base.h"
#include "watersic/version.h"

typedef struct status_entry {
    wsic_status status;
    const char *name;
    const char *text;
} status_entry;

#define STATUS(code, text)                                                                         \
    {                                                                                              \
        code, #code, text                                                                          \
    }

static const status_entry entries[] = {
    STATUS(WSIC_OK, "success"),
    STATUS(WSIC_NOTICE_RATE, "the target rate cannot be met; the nearest was taken"),
    STATUS(WSIC_ERROR_ARGUMENT, "an argument is out of its range"),
    STATUS(WSIC_ERROR_STATE, "the call needs another one before it"),
    STATUS(WSIC_ERROR_SHAPE, "the shapes of two arguments do not fit each other"),
    STATUS(WSIC_ERROR_DTYPE, "the number type is unknown or not accepted here"),
    STATUS(WSIC_ERROR_STRUCT_SIZE, "the size field of a struct is wrong"),
    STATUS(WSIC_ERROR_STRUCT_NEWER, "a struct uses members of a later version of the library"),
    STATUS(WSIC_ERROR_MEMORY, "out of memory"),
    STATUS(WSIC_ERROR_MEMORY_LIMIT, "the memory limit of the context would be exceeded"),
    STATUS(WSIC_ERROR_TOO_LARGE, "a size is too large for this machine"),
    STATUS(WSIC_ERROR_CANCELLED, "cancelled by the host"),
    STATUS(WSIC_ERROR_IO, "the operating system refused a file operation"),
    STATUS(WSIC_ERROR_NOT_FINITE, "an input is NaN or infinite"),
    STATUS(WSIC_ERROR_NOT_POSITIVE_DEFINITE, "a covariance is not positive definite"),
    STATUS(WSIC_ERROR_RANGE, "a number leaves the range of the format or of the type asked for"),
    STATUS(WSIC_ERROR_NO_SAMPLES, "the statistics hold no sample"),
    STATUS(WSIC_ERROR_FORMAT, "the bytes are not what they should be"),
    STATUS(WSIC_ERROR_CHECKSUM, "the bytes were damaged: a checksum does not match"),
    STATUS(WSIC_ERROR_TRUNCATED, "the bytes end too early"),
    STATUS(WSIC_ERROR_VERSION, "the bytes were written by another version"),
    STATUS(WSIC_ERROR_NOT_FOUND, "there is nothing of that name"),
    STATUS(WSIC_ERROR_EXISTS, "there is something of that name already"),
    STATUS(WSIC_ERROR_BUFFER, "the buffer is too small"),
};

static const status_entry *find(wsic_status status)
{
    for (size_t i = 0; i < sizeof entries / sizeof *entries; i++) {
        if (entries[i].status == status)
            return &entries[i];
    }
    return NULL;
}

const char *wsic_status_name(wsic_status status)
{
    const status_entry *const entry = find(status);
    return entry ? entry->name : "WSIC_UNKNOWN";
}

const char *wsic_status_text(wsic_status status)
{
    const status_entry *const entry = find(status);
    return entry ? entry->text : "unknown status";
}

const char *wsic_version(void)
{
    return WSIC_VERSION;
}

uint32_t wsic_version_number(void)
{
    return WSIC_VERSION_NUMBER;
}

uint32_t wsic_api_version(void)
{
    return WSIC_API_VERSION_MAJOR * 65536U + WSIC_API_VERSION_MINOR;
}
