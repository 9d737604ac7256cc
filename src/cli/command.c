/* SPDX-License-Identifier: MIT */
#include "cli/command.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/exit_status.h"
#include "cli/serve.h"
#include "cli/store_command.h"
#include "ysync/version.h"

struct command {
    const char *name;
    const char *synopsis;
    const char *help;
    int (*run)(int argc, char **argv); /* what follows the command's name */
    void (*print_help)(FILE *to);
};

static int run_serve(int argc, char **argv);
static void print_serve_help(FILE *to);
static int run_help(int argc, char **argv);
static void print_help(FILE *to);

static const struct command commands[] = {
    { "serve", "serve [options]", "run a server", run_serve, print_serve_help },
    { "store", "store COMMAND PATH ...", "list, check, export, import, compact: work on what is stored",
      ys_store_command_run, ys_store_command_print_help },
    { "help", "help [COMMAND]", "say how to use ysync, or one of its commands", run_help, print_help },
};

static const struct command *find_command(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(commands); i++) {
        if (strcmp(commands[i].name, name) == 0)
            return &commands[i];
    }
    return NULL;
}

static int complain_unknown_command(const char *name)
{
    const char *names[ARRAY_LEN(commands)];
    const char *nearest;

    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        names[i] = commands[i].name;
    nearest = ys_nearest_name(name, names, ARRAY_LEN(names));
    if (nearest)
        fprintf(stderr, "ysync: unknown command \"%.60s\", did you mean %s?\n", name, nearest);
    else
        fprintf(stderr, "ysync: unknown command \"%.60s\" (ysync --help lists them)\n", name);
    return YS_EXIT_WRONG_CALL;
}

static void print_help(FILE *to)
{
    fprintf(to, "ysync: a sync server for Yjs documents\n\n");
    for (size_t i = 0; i < ARRAY_LEN(commands); i++)
        fprintf(to, "  ysync %-26s %s\n", commands[i].synopsis, commands[i].help);
    fprintf(to, "  ysync %-26s %s\n", "--version", "print the version");
    fprintf(to, "\n`ysync help serve` lists the options of the server, `ysync help store` the commands for stores.\n");
}

static void print_serve_help(FILE *to)
{
    fprintf(to, "usage: ysync serve [options]\n\n"
                "Runs a sync server: every URL path is a room, and everybody in it shares one Yjs document.\n\n");
    ys_options_print(ys_serve_options_table, to);
    fprintf(to, "\nDurations take a unit (250ms, 60s, 5m, 1h), sizes too (64k, 16m, 1g).\n"
                "Every option can be given by an environment variable instead: YSYNC_EVICT_AFTER for --evict-after,\n"
                "several values parted by commas. The command line wins.\n"
                "SIGTERM and SIGINT stop the server; a second one ends it at once.\n");
}

static int run_help(int argc, char **argv)
{
    const struct command *command = find_command(argc > 0 ? argv[0] : "help");

    if (!command)
        return complain_unknown_command(argv[0]);
    command->print_help(stdout);
    return YS_EXIT_OK;
}

static int run_serve(int argc, char **argv)
{
    struct ys_serve_options options;
    struct ys_complaint complaint;
    bool wants_help = false;
    enum ysync_err err;
    int status;

    err = ys_options_read(ys_serve_options_table, &options, argc, argv, getenv, &wants_help, &complaint);
    if (err) {
        fprintf(stderr, "ysync: %s\n", complaint.text);
        status = err == YSYNC_ERR_INVALID_ARG ? YS_EXIT_WRONG_CALL : YS_EXIT_FAILED;
    } else if (wants_help) {
        print_serve_help(stdout);
        status = YS_EXIT_OK;
    } else {
        status = ys_serve(&options);
    }
    ys_options_deinit(ys_serve_options_table, &options);
    return status;
}

int ys_command_run(int argc, char **argv)
{
    const struct command *command;

    if (argc < 2) {
        fprintf(stderr, "usage: ysync serve [options] (ysync --help says more)\n");
        return YS_EXIT_WRONG_CALL;
    }
    if (strcmp(argv[1], "--version") == 0) {
        printf("ysync %s\n", ysync_version());
        return YS_EXIT_OK;
    }
    if (strcmp(argv[1], "--help") == 0 || strcmp(argv[1], "-h") == 0)
        return run_help(0, NULL);
    command = find_command(argv[1]);
    if (!command)
        return complain_unknown_command(argv[1]);
    return command->run(argc - 2, argv + 2);
}
