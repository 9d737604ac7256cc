/* SPDX-License-Identifier: MIT */
/*
 * Words come in any order of options and others: options are moved to the front, and go through the table that says
 * what they are; the others are PATH, ROOM and FILE. Behind `--` no word is an option.
 */
#include "cli/store_command.h"

#include <stdbool.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "cli/exit_status.h"
#include "cli/options.h"
#include "cli/store_tasks.h"

struct subcommand {
    const char *name;
    const char *synopsis; /* what follows the name */
    const char *help;
    const char *example;
    int min_words;
    int max_words;
    const struct ys_option *options;
    int (*run)(const struct ys_store_call *call);
};

static const struct ys_option no_options[] = { { .name = NULL } };

/* clang-format off */
static const struct ys_option compact_options[] = {
    { .name = "no-gc", .kind = YS_OPTION_SWITCH, .value_name = "off|on", .default_text = "off",
      .offset = offsetof(struct ys_store_call, keeps_deleted),
      .help = "compact: keep deleted content, as ysync serve --no-gc does" },
    { .name = NULL },
};

static const struct subcommand subcommands[] = {
    { .name = "list", .synopsis = "PATH", .min_words = 1, .max_words = 1,
      .help = "print each room: its name, a tab, and how many bytes are kept of it",
      .example = "ysync store list docs.db",
      .options = no_options, .run = ys_store_list },
    { .name = "check", .synopsis = "PATH", .min_words = 1, .max_words = 1,
      .help = "see whether the file is in order and every document loads; print each room that is damaged",
      .example = "ysync store check docs.db",
      .options = no_options, .run = ys_store_check },
    { .name = "export", .synopsis = "PATH ROOM [FILE]", .min_words = 2, .max_words = 3,
      .help = "write a document as one Yjs update (version 1) to FILE or standard output",
      .example = "ysync store export docs.db blog blog.bin",
      .options = no_options, .run = ys_store_export },
    { .name = "import", .synopsis = "PATH ROOM [FILE]", .min_words = 2, .max_words = 3,
      .help = "apply an update from FILE or standard input to a room; room and file are made on demand",
      .example = "ysync store import docs.db blog < blog.bin",
      .options = no_options, .run = ys_store_import },
    { .name = "compact", .synopsis = "[--no-gc] PATH [ROOM]", .min_words = 1, .max_words = 2,
      .help = "drop what is deleted, in every room or that one, and give unused space back",
      .example = "ysync store compact docs.db",
      .options = compact_options, .run = ys_store_compact },
};
/* clang-format on */

void ys_store_command_print_help(FILE *to)
{
    fprintf(to,
            "usage: ysync store COMMAND PATH [ROOM [FILE]]\n\n"
            "Works on what a server has stored. PATH is the file: docs.db for ysync serve --store sqlite:docs.db.\n\n");
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
        fprintf(to, "  %s %s\n      %s\n      $ %s\n", subcommands[i].name, subcommands[i].synopsis,
                subcommands[i].help, subcommands[i].example);
    fputc('\n', to);
    ys_options_print(compact_options, to);
    fprintf(to,
            "\nlist, check and export only read, also while a server runs. import and compact need the file for\n"
            "themselves: stop the server before. PATH may have sqlite: in front, FILE be - for standard input or\n"
            "output, and a -- stand before names that begin with --. A name that is no line of text is printed with\n"
            "\\x0a for what is not ASCII.\n");
}

static const struct subcommand *find_subcommand(const char *name)
{
    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++) {
        if (strcmp(subcommands[i].name, name) == 0)
            return &subcommands[i];
    }
    return NULL;
}

static int complain_unknown(const char *name)
{
    const char *names[ARRAY_LEN(subcommands)];
    const char *nearest;

    for (size_t i = 0; i < ARRAY_LEN(subcommands); i++)
        names[i] = subcommands[i].name;
    nearest = ys_nearest_name(name, names, ARRAY_LEN(names));
    if (nearest)
        fprintf(stderr, "ysync: unknown command \"store %.60s\", did you mean store %s?\n", name, nearest);
    else
        fprintf(stderr, "ysync: unknown command \"store %.60s\" (ysync store --help lists them)\n", name);
    return YS_EXIT_WRONG_CALL;
}

static bool is_option(const char *word)
{
    return strcmp(word, "-h") == 0 || (strncmp(word, "--", 2) == 0 && word[2] != '\0');
}

/* Moves options to the front, each kind of words in its order, and takes a `--` out. Returns how many options there
 * are. */
static int part_words(int *argc, char **argv)
{
    int options = 0;

    for (int i = 0; i < *argc; i++) {
        char *word = argv[i];

        if (strcmp(word, "--") == 0) {
            (*argc)--;
            memmove(argv + i, argv + i + 1, (size_t)(*argc - i) * sizeof(*argv));
            break;
        }
        if (!is_option(word))
            continue;
        memmove(argv + options + 1, argv + options, (size_t)(i - options) * sizeof(*argv));
        argv[options++] = word;
    }
    return options;
}

static int check_words(const struct subcommand *command, int argc, char **argv)
{
    if (argc < command->min_words) {
        fprintf(stderr, "usage: ysync store %s %s (ysync store --help says more)\n", command->name, command->synopsis);
        return YS_EXIT_WRONG_CALL;
    }
    if (argc > command->max_words) {
        fprintf(stderr, "ysync: unexpected argument \"%.60s\" (usage: ysync store %s %s)\n", argv[command->max_words],
                command->name, command->synopsis);
        return YS_EXIT_WRONG_CALL;
    }
    return YS_EXIT_OK;
}

static int run_subcommand(const struct subcommand *command, int argc, char **argv)
{
    struct ys_store_call call = { .path = NULL };
    struct ys_complaint complaint;
    bool wants_help = false;
    int options = part_words(&argc, argv);
    enum ysync_err err;
    int status;

    err = ys_options_read(command->options, &call, options, argv, getenv, &wants_help, &complaint);
    if (err) {
        fprintf(stderr, "ysync: %s\n", complaint.text);
        return err == YSYNC_ERR_INVALID_ARG ? YS_EXIT_WRONG_CALL : YS_EXIT_FAILED;
    }
    if (wants_help) {
        ys_store_command_print_help(stdout);
        return YS_EXIT_OK;
    }
    argc -= options;
    argv += options;
    status = check_words(command, argc, argv);
    if (status)
        return status;
    call.path = argv[0];
    call.room = argc > 1 ? argv[1] : NULL;
    call.file = argc > 2 ? argv[2] : NULL;
    return command->run(&call);
}

int ys_store_command_run(int argc, char **argv)
{
    const struct subcommand *command;

    if (argc < 1) {
        fprintf(stderr, "usage: ysync store COMMAND PATH [ROOM [FILE]] (ysync store --help says more)\n");
        return YS_EXIT_WRONG_CALL;
    }
    if (strcmp(argv[0], "--help") == 0 || strcmp(argv[0], "-h") == 0) {
        ys_store_command_print_help(stdout);
        return YS_EXIT_OK;
    }
    command = find_subcommand(argv[0]);
    return command ? run_subcommand(command, argc - 1, argv + 1) : complain_unknown(argv[0]);
}
