/* SPDX-License-Identifier: MIT */
#include "llm/command/output_files.h"

#include "common/atomic_file.h"
#include "common/path.h"
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

    if (!path_join(config, options->model, "config.json", failure))
        return false;
    for (size_t i = 0; (input = checkpoint_file(model->checkpoint, i)); i++)
        if (!check_pair(output, input, failure))
            return false;
    return check_pair(output, config, failure) && check_pair(output, options->tokens, failure) &&
           check_pair(output, options->text, failure) &&
           check_pair(output, options->eval, failure) &&
           check_pair(output, options->eval_text, failure) &&
           (output->on_archive || check_pair(output, options->archive, failure));
}

static bool check_archive(const struct options *options, const struct model *model,
                          struct failure *failure)
{
    char part[PATH_MAX];
    const struct output finished = {.path = options->output, .on_archive = true};
    const struct output unfinished = {.path = part};

    return path_format(part, failure, "%s.part", options->output) &&
           check_output(&finished, options, model, failure) &&
           check_output(&unfinished, options, model, failure);
}

static bool check_run(const struct options *options, const struct model *model,
                      struct failure *failure)
{
    char path[PATH_MAX];
    const struct output kept = {.path = path};

    return path_join(path, options->run, SENSITIVITY_FILE_NAME, failure) &&
           check_output(&kept, options, model, failure) &&
           (!options->output || !same_file(path, options->output) ||
            refuse(failure, "%s: is to be the archive and, as %s, to keep sensitivities",
                   options->output, path));
}

/* Drawing comes last: what is in its way is told before all the work. */
static bool check_plot(const struct options *options, const struct model *model,
                       struct failure *failure)
{
    const struct output drawing = {.path = options->plot};

    return check_output(&drawing, options, model, failure) &&
           atomic_file_is_possible(options->plot, failure);
}

bool output_files_check(const struct options *options, const struct model *model,
                        struct failure *failure)
{
    return (!options->output || check_archive(options, model, failure)) &&
           (!options->run || check_run(options, model, failure)) &&
           (!options->plot || check_plot(options, model, failure));
}
