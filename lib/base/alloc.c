/* SPDX-License-Identifier: MIT */
#include "base/env.h"

#include <inttypes.h>
#include <string.h>

#include "base/checked.h"

/* Every block starts on a cache line, so that tiles of neighbouring threads do
 * not share one and vector loads are aligned. In front of it stand the address
 * that the allocator returned and the size that is accounted for. */
enum { ALIGNMENT = 64 };

typedef struct block_header {
    void *origin;
    size_t size;
} block_header;

static bool reserve(wsic_host *host, uint64_t size)
{
    const uint64_t limit = atomic_load(&host->memory_limit);
    const uint64_t used = atomic_fetch_add(&host->memory_used, size) + size;

    if (limit != 0 && used > limit) {
        atomic_fetch_sub(&host->memory_used, size);
        return false;
    }
    return true;
}

/* Only what the allocator gave counts. */
static void note_peak(wsic_host *host)
{
    const uint64_t used = atomic_load(&host->memory_used);
    uint64_t peak = atomic_load(&host->memory_peak);

    while (used > peak && !atomic_compare_exchange_weak(&host->memory_peak, &peak, used)) {
    }
}

static void *take(wsic_host *host, size_t size)
{
    char *const origin = host->allocator.allocate(host->allocator.user, size);
    if (!origin)
        return NULL;

    const uintptr_t first = (uintptr_t)origin + sizeof(block_header);
    const size_t skip = (size_t)((ALIGNMENT - first % ALIGNMENT) % ALIGNMENT);
    char *const block = origin + sizeof(block_header) + skip;
    const block_header header = {origin, size};
    memcpy(block - sizeof header, &header, sizeof header);
    return block;
}

void *wsic_alloc(const wsic_env *env, size_t count, size_t size, wsic_status *status)
{
    wsic_host *const host = env->host;
    size_t bytes;

    if (!wsic_mul_size(count, size, &bytes) ||
        !wsic_add_size(bytes, sizeof(block_header) + ALIGNMENT, &bytes)) {
        *status = wsic_fail(env, WSIC_ERROR_TOO_LARGE,
                            "%zu elements of %zu bytes do not fit the address space", count, size);
        return NULL;
    }
    if (!reserve(host, bytes)) {
        *status = wsic_fail(env, WSIC_ERROR_MEMORY_LIMIT,
                            "%zu bytes more, beside %" PRIu64 " in use, pass the limit of %" PRIu64,
                            bytes, (uint64_t)atomic_load(&host->memory_used),
                            (uint64_t)atomic_load(&host->memory_limit));
        return NULL;
    }
    void *const block = take(host, bytes);
    if (!block) {
        atomic_fetch_sub(&host->memory_used, bytes);
        *status = wsic_fail(env, WSIC_ERROR_MEMORY, "the allocator refused %zu bytes", bytes);
        return NULL;
    }
    note_peak(host);
    return block;
}

void *wsic_alloc_zero(const wsic_env *env, size_t count, size_t size, wsic_status *status)
{
    void *const block = wsic_alloc(env, count, size, status);
    if (block)
        memset(block, 0, count * size);
    return block;
}

void wsic_free(const wsic_env *env, void *pointer)
{
    block_header header;

    if (!pointer)
        return;
    memcpy(&header, (char *)pointer - sizeof header, sizeof header);
    atomic_fetch_sub(&env->host->memory_used, header.size);
    env->host->allocator.release(env->host->allocator.user, header.origin);
}
