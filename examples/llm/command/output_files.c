/* SPDX-License-Identifier: MIT */
#include "llm/command/output_files.h"

#include <limits.h>
#include <stdio.h>

#include "common/same_file.h"
#include "llm/watersic/sensitivity_file.h"

struct output {
    const char *path;
    bool on_archive; /* it may be the archive that is read */
};

/* Input may be NULL: there is none. */
static bool check_pair(const struct output *output, const char *input, struct failure *failure)
{
    return !input || !same_file(output->path, input) ||
           refuse(failure, "%s: is not written, as it is %s, which is read", output->path, input);
}

static bool check_output(const struct output *output, const struct options *options,
                         const struct model *model, struct failure *failure)
{
    char config[PATH_MAX];
    const char *input;

    if ((size_t)snprintf(config, sizeof config, "%s/config.json", options->model) >= sizeof config)
        return refuse(failure, "%s: the name is too long", options->model);
    for (size_t i = 0; (input = checkpoint_file(model->checkpoint, i)); i++)
        if (!check_pair(output, input, failure))
            return false;
    return check_pair(output, config, failure) && check_pair(output, options->tokens, failure) &&
           check_pair(output, options->text, failure) &&
           check_pair(output, options->eval, failure) &&
           check_pair(output, options->eval_text, failure) &&
           (output->on_archive || check_pair(output, options->archive, failure));
}

/* A name that is made of that of an option. */
static bool make_name(char path[PATH_MAX], const char *option, const char *rest,
                      struct failure *failure)
{
    return (size_t)snprintf(path, PATH_MAX, "%s%s", option, rest) < PATH_MAX ||
           refuse(failure, "%s: the name is too long", option);
}

static bool check_archive(const struct options *options, const struct model *model,
                          struct failure *failure)
{
    char part[PATH_MAX];
    const struct output finished = {.path = options->output, .on_archive = true};
    const struct output unfinished = {.path = part};

    return make_name(part, options->output, ".part", failure) &&
           check_output(&finished, options, model, failure) &&
           check_output(&unfinished, options, model, failure);
}

static bool check_run(const struct options *options, const struct model *model,
                      struct failure *failure)
{
    char path[PATH_MAX];
    const struct output kept = {.path = path};

    return make_name(path, options->run, "/" SENSITIVITY_FILE_NAME, failure) &&
           check_output(&kept, options, model, failure) &&
           (!options->output || !same_file(path, options->output) ||
            refuse(failure, "%s: is to be the archive and, as %s, to keep sensitivities",
                   options->output, path));
}

bool output_files_check(const struct options *options, const struct model *model,
                        struct failure *failure)
{
    return (!options->output || check_archive(options, model, failure)) &&
           (!options->run || check_run(options, model, failure));
}
