/* SPDX-License-Identifier: MIT */
/*
 * Options of a command, from the environment and the command line, by one table.
 *
 *     { "evict-after", YS_OPTION_DURATION, "D", "60s", 0, YS_YEAR_MS, ... "how long an empty room is kept" }
 *          |                                     |     |       |                     |
 *          |                                  default  '-range-'                   help
 *          '-- --evict-after 5m, --evict-after=5m, YSYNC_EVICT_AFTER=5m
 *
 * A row also says where in the command's own struct its value goes, so a command reads its options as plain
 * members. The environment is read first and the command line wins; whatever is wrong comes back as one line
 * that names the option and says what it accepts.
 */
#ifndef YS_CLI_OPTIONS_H
#define YS_CLI_OPTIONS_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "ysync/err.h"

enum ys_option_kind {
    YS_OPTION_NUMBER,   /* uint64_t: "3913" */
    YS_OPTION_DURATION, /* uint64_t, milliseconds: "250ms", "60s", "5m", "1h" */
    YS_OPTION_SIZE,     /* uint64_t, bytes: "512", "64k", "16m", "1g" */
    YS_OPTION_CHOICE,   /* uint64_t, the place in the list of choices: "text" of "text|json" */
    YS_OPTION_SWITCH,   /* uint64_t, 0 or 1: "on", which is what it means to stand alone, or "off" */
    YS_OPTION_TEXT,     /* char *, NULL if it is not given */
    YS_OPTION_LIST,     /* struct ys_option_list: may be given several times; split at commas in the environment */
};

struct ys_option_list {
    const char **items; /* the list owns them */
    size_t count;
    size_t cap;
    bool is_given; /* on the command line */
};

struct ys_option {
    const char *name; /* "evict-after"; NULL ends the table */
    enum ys_option_kind kind;
    const char *value_name;   /* "D", for the help; the choices themselves, "text|json"; of a switch "off|on" */
    const char *default_text; /* as one would write it, several parted by commas; NULL: none */
    uint64_t min;             /* of numbers, durations and sizes */
    uint64_t max;
    bool (*accepts)(const char *item); /* for texts, and the items of a list; NULL: whatever is not empty */
    const char *expects;               /* "a path that holds :room", for the complaint when it does not */
    size_t offset;                     /* of the member in the command's struct */
    const char *help;
};

/* What was wrong, for a person: one line. */
struct ys_complaint {
    char text[256];
};

/* Looks an environment variable up; NULL if it is not set. getenv() is one. */
typedef char *ys_getenv_fn(const char *name);

/* Fills `target`, which the table describes, in with defaults, then the environment, then argv, which holds what
 * follows the command's name. *wants_help is set when --help stands among them, and then the rest is not looked at.
 * Release it with ys_options_deinit(), also after an error. Errors: INVALID_ARG, NOMEM; complaint is written on both.
 */
YSYNC_CHECKED enum ysync_err ys_options_read(const struct ys_option *table, void *target, int argc, char **argv,
                                             ys_getenv_fn *env, bool *wants_help, struct ys_complaint *complaint);

/* Frees texts and lists; the target may have been read in part. */
void ys_options_deinit(const struct ys_option *table, void *target);

/* The options with their help and defaults, in columns. */
void ys_options_print(const struct ys_option *table, FILE *to);

/* Writes the environment variable's name, "YSYNC_EVICT_AFTER", cut off at size - 1 bytes. */
void ys_option_env_name(const struct ys_option *option, char *to, size_t size);

/* The one of `count` names that `name` was probably meant to be; NULL if none is near. */
const char *ys_nearest_name(const char *name, const char *const *names, size_t count);

#endif
