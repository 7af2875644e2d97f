/* SPDX-License-Identifier: MIT */
/* The commands of the program watersic, a file each. */
#ifndef CLI_COMMANDS_H
#define CLI_COMMANDS_H

#include "options.h"

int run_dequantize(const cli_command *self, int argc, char **argv);
int run_info(const cli_command *self, int argc, char **argv);
int run_limit(const cli_command *self, int argc, char **argv);
int run_parameters(const cli_command *self, int argc, char **argv);
int run_plan(const cli_command *self, int argc, char **argv);
int run_quantize(const cli_command *self, int argc, char **argv);
int run_report(const cli_command *self, int argc, char **argv);
int run_stats(const cli_command *self, int argc, char **argv);
int run_verify(const cli_command *self, int argc, char **argv);

#endif
