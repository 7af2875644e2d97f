/* SPDX-License-Identifier: MIT */
/* RTLD_DEFAULT is an extension. */
#define _GNU_SOURCE

#include "common/blas_threads.h"

#include <dlfcn.h>
#include <stdbool.h>
#include <string.h>

/* Which BLAS there is, is only known when the program has been loaded: on many systems the
 * administrator chooses it. So its functions are looked for by name. */
static const struct control {
    const char *get;
    const char *set;
} controls[] = {
    {"flexiblas_get_num_threads", "flexiblas_set_num_threads"},
    {"openblas_get_num_threads", "openblas_set_num_threads"},
    {"MKL_Get_Max_Threads", "MKL_Set_Num_Threads"},
};

enum { CONTROLS = sizeof controls / sizeof controls[0] };

typedef int get_function(void);
typedef void set_function(int threads);

struct functions {
    get_function *get;
    set_function *set;
};

/* ISO C has no conversion from a pointer to data into one to a function; POSIX has. */
static bool find(struct functions *functions, const struct control *control)
{
    void *const get = dlsym(RTLD_DEFAULT, control->get);
    void *const set = dlsym(RTLD_DEFAULT, control->set);

    memcpy(&functions->get, &get, sizeof get);
    memcpy(&functions->set, &set, sizeof set);
    return get && set;
}

static bool find_any(struct functions *functions)
{
    for (size_t i = 0; i < CONTROLS; i++)
        if (find(functions, &controls[i]))
            return true;
    return false;
}

int blas_threads(void)
{
    struct functions functions;

    return find_any(&functions) ? functions.get() : 0;
}

int blas_hold(void)
{
    struct functions functions;

    if (!find_any(&functions))
        return 0;
    const int threads = functions.get();
    functions.set(1);
    return threads;
}

void blas_release(int held)
{
    struct functions functions;

    if (held > 0 && find_any(&functions))
        functions.set(held);
}

void blas_workers_run(size_t workers, size_t count, worker_task *task, void *data)
{
    const int held = blas_hold();

    workers_run(workers, count, task, data);
    blas_release(held);
}
