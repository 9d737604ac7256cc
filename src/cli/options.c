/* SPDX-License-Identifier: MIT */
/*
 * Everything goes through the table: a value from the environment and one from the command line take the same
 * way into the target, so that they are checked alike. A value that is there replaces the default, and a list
 * is emptied by the first item that a stronger source gives: `--route` on the command line replaces
 * YSYNC_ROUTE, which replaces the built-in routes.
 */
#include "cli/options.h"

#include <errno.h>
#include <stdarg.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"

/* Names further apart than this are not the same word mistyped. */
#define MAX_TYPOS 2
#define MAX_NAME_LEN 48

struct unit {
    const char *suffix;
    uint64_t factor;
};

/* Largest first, as values are printed in the largest unit that divides them. */
static const struct unit durations[] = { { "h", 3600000 }, { "m", 60000 }, { "s", 1000 }, { "ms", 1 } };
static const struct unit sizes[] = { { "g", 1 << 30 }, { "m", 1 << 20 }, { "k", 1 << 10 }, { "", 1 } };
static const struct unit plain[] = { { "", 1 } };

/* Where a value came from: the complaint says so, and a list from a weaker source gives way. */
struct source {
    const struct ys_option *option;
    const char *env_name; /* NULL: the command line */
};

__attribute__((format(printf, 2, 3))) static enum ysync_err complain(struct ys_complaint *complaint, const char *format,
                                                                     ...)
{
    va_list args;

    va_start(args, format);
    vsnprintf(complaint->text, sizeof(complaint->text), format, args);
    va_end(args);
    return YSYNC_ERR_INVALID_ARG;
}

static enum ysync_err complain_about(struct ys_complaint *complaint, const struct source *from, const char *value,
                                     const char *expects)
{
    const char *open = from->env_name ? " (from " : "";
    const char *name = from->env_name ? from->env_name : "";
    const char *close = from->env_name ? ")" : "";

    return complain(complaint, "--%s%s%s%s: \"%.60s\" is not %s", from->option->name, open, name, close, value,
                    expects);
}

static void units_of(enum ys_option_kind kind, const struct unit **units, size_t *count)
{
    switch (kind) {
    case YS_OPTION_DURATION:
        *units = durations;
        *count = ARRAY_LEN(durations);
        return;
    case YS_OPTION_SIZE:
        *units = sizes;
        *count = ARRAY_LEN(sizes);
        return;
    default:
        *units = plain;
        *count = ARRAY_LEN(plain);
    }
}

/* Digits and a unit. Only 0 means the same in every unit, so only it may stand alone where units are needed. */
static bool parse_amount(enum ys_option_kind kind, const char *text, uint64_t *out)
{
    const struct unit *units;
    size_t count;
    char *rest;
    unsigned long long n;

    if (text[0] < '0' || text[0] > '9')
        return false;
    errno = 0;
    n = strtoull(text, &rest, 10);
    if (errno)
        return false;
    if (n == 0 && *rest == '\0') {
        *out = 0;
        return true;
    }

    units_of(kind, &units, &count);
    for (size_t i = 0; i < count; i++) {
        if (strcmp(rest, units[i].suffix) == 0) {
            *out = (uint64_t)n * units[i].factor;
            return n <= UINT64_MAX / units[i].factor;
        }
    }
    return false;
}

/* "5m" for 300000 milliseconds: the way people write it. */
static void format_amount(enum ys_option_kind kind, uint64_t n, char *to, size_t size)
{
    const struct unit *units;
    size_t count;
    size_t i = 0;

    units_of(kind, &units, &count);
    while (i + 1 < count && (n == 0 || n % units[i].factor != 0))
        i++;
    snprintf(to, size, "%llu%s", (unsigned long long)(n / units[i].factor), units[i].suffix);
}

static enum ysync_err read_amount(const struct source *from, const char *value, uint64_t *to,
                                  struct ys_complaint *complaint)
{
    static const char *const nouns[] = { [YS_OPTION_NUMBER] = "a number",
                                         [YS_OPTION_DURATION] = "a duration with its unit, such as 250ms, 60s or 5m,",
                                         [YS_OPTION_SIZE] = "a size, such as 512, 64k, 16m or 1g," };
    const struct ys_option *option = from->option;
    char min[24], max[24], expects[128];
    uint64_t n;

    if (parse_amount(option->kind, value, &n) && n >= option->min && n <= option->max) {
        *to = n;
        return YSYNC_OK;
    }
    format_amount(option->kind, option->min, min, sizeof(min));
    format_amount(option->kind, option->max, max, sizeof(max));
    snprintf(expects, sizeof(expects), "%s from %s to %s", nouns[option->kind], min, max);
    return complain_about(complaint, from, value, expects);
}

static enum ysync_err read_choice(const struct source *from, const char *value, uint64_t *to,
                                  struct ys_complaint *complaint)
{
    const char *choice = from->option->value_name;
    size_t len = strlen(value);
    char expects[128];

    for (uint64_t i = 0; choice; i++) {
        const char *end = strchr(choice, '|');
        size_t choice_len = end ? (size_t)(end - choice) : strlen(choice);

        if (choice_len == len && memcmp(choice, value, len) == 0) {
            *to = i;
            return YSYNC_OK;
        }
        choice = end ? end + 1 : NULL;
    }
    snprintf(expects, sizeof(expects), "one of %s", from->option->value_name);
    return complain_about(complaint, from, value, expects);
}

static void clear_list(struct ys_option_list *list)
{
    for (size_t i = 0; i < list->count; i++)
        free((void *)(uintptr_t)list->items[i]);
    free(list->items);
    *list = (struct ys_option_list){ NULL, 0, 0, false };
}

static bool is_acceptable(const struct ys_option *option, const char *text)
{
    return option->accepts ? option->accepts(text) : text[0] != '\0';
}

/* A copy of a text that the option accepts. */
static enum ysync_err copy_text(const struct source *from, const char *text, size_t len, char **out,
                                struct ys_complaint *complaint)
{
    const struct ys_option *option = from->option;
    char *copy = strndup(text, len);
    enum ysync_err err;

    if (!copy) {
        snprintf(complaint->text, sizeof(complaint->text), "--%s: %s", option->name, ysync_strerror(YSYNC_ERR_NOMEM));
        return YSYNC_ERR_NOMEM;
    }
    if (is_acceptable(option, copy)) {
        *out = copy;
        return YSYNC_OK;
    }
    err = complain_about(complaint, from, copy, option->expects ? option->expects : "a value: it is empty");
    free(copy);
    return err;
}

static enum ysync_err read_text(const struct source *from, const char *value, char **to, struct ys_complaint *complaint)
{
    char *copy = NULL;
    enum ysync_err err = copy_text(from, value, strlen(value), &copy, complaint);

    if (err)
        return err;
    free(*to);
    *to = copy;
    return YSYNC_OK;
}

static enum ysync_err append_item(const struct source *from, const char *item, size_t len, struct ys_option_list *list,
                                  struct ys_complaint *complaint)
{
    char *copy = NULL;
    enum ysync_err err = copy_text(from, item, len, &copy, complaint);

    if (err)
        return err;
    if (!ys_grow_array(ysync_alloc_default(), &list->items, &list->cap, list->count + 1, sizeof(char *))) {
        free(copy);
        snprintf(complaint->text, sizeof(complaint->text), "--%s: %s", from->option->name,
                 ysync_strerror(YSYNC_ERR_NOMEM));
        return YSYNC_ERR_NOMEM;
    }
    list->items[list->count++] = copy;
    return YSYNC_OK;
}

/* Items parted by commas: the environment and the defaults write lists so. */
static enum ysync_err append_items(const struct source *from, const char *items, struct ys_option_list *list,
                                   struct ys_complaint *complaint)
{
    for (;;) {
        size_t len = strcspn(items, ",");
        enum ysync_err err = append_item(from, items, len, list, complaint);

        if (err || items[len] == '\0')
            return err;
        items += len + 1;
    }
}

/* One more item from the command line; its first one takes the place of what the weaker sources gave. */
static enum ysync_err read_item(const struct source *from, const char *value, struct ys_option_list *list,
                                struct ys_complaint *complaint)
{
    if (!list->is_given) {
        clear_list(list);
        list->is_given = true;
    }
    return append_item(from, value, strlen(value), list, complaint);
}

static void *member(const struct ys_option *option, void *target)
{
    return (char *)target + option->offset;
}

static enum ysync_err read_one(const struct source *from, const char *value, void *target,
                               struct ys_complaint *complaint)
{
    void *to = member(from->option, target);

    switch (from->option->kind) {
    case YS_OPTION_CHOICE:
    case YS_OPTION_SWITCH:
        return read_choice(from, value, to, complaint);
    case YS_OPTION_TEXT:
        return read_text(from, value, to, complaint);
    case YS_OPTION_LIST:
        return read_item(from, value, to, complaint);
    default:
        return read_amount(from, value, to, complaint);
    }
}

/* A whole value at once, replacing what was there. */
static enum ysync_err read_whole(const struct source *from, const char *value, void *target,
                                 struct ys_complaint *complaint)
{
    if (from->option->kind != YS_OPTION_LIST)
        return read_one(from, value, target, complaint);
    clear_list(member(from->option, target));
    return append_items(from, value, member(from->option, target), complaint);
}

static enum ysync_err read_defaults(const struct ys_option *table, void *target, struct ys_complaint *complaint)
{
    for (const struct ys_option *option = table; option->name; option++) {
        struct source from = { option, NULL };
        enum ysync_err err;

        if (!option->default_text)
            continue;
        err = read_whole(&from, option->default_text, target, complaint);
        if (err)
            return err;
    }
    return YSYNC_OK;
}

static enum ysync_err read_environment(const struct ys_option *table, void *target, ys_getenv_fn *env,
                                       struct ys_complaint *complaint)
{
    for (const struct ys_option *option = table; option->name; option++) {
        char name[64];
        const char *value;
        struct source from = { option, name };
        enum ysync_err err;

        ys_option_env_name(option, name, sizeof(name));
        value = env(name);
        if (!value)
            continue;
        err = read_whole(&from, value, target, complaint);
        if (err)
            return err;
    }
    return YSYNC_OK;
}

static const struct ys_option *find_option(const struct ys_option *table, const char *name, size_t len)
{
    for (const struct ys_option *option = table; option->name; option++) {
        if (strlen(option->name) == len && memcmp(option->name, name, len) == 0)
            return option;
    }
    return NULL;
}

static enum ysync_err complain_unknown(const struct ys_option *table, const char *word, size_t len,
                                       struct ys_complaint *complaint)
{
    const char *names[64];
    const char *nearest;
    char name[MAX_NAME_LEN];
    size_t count = 0;

    for (const struct ys_option *option = table; option->name && count < ARRAY_LEN(names); option++)
        names[count++] = option->name;
    snprintf(name, sizeof(name), "%.*s", (int)(len < sizeof(name) ? len : sizeof(name) - 1), word);
    nearest = ys_nearest_name(name, names, count);
    if (nearest)
        return complain(complaint, "unknown option --%s, did you mean --%s?", name, nearest);
    return complain(complaint, "unknown option --%s (--help lists them)", name);
}

/* One option of the command line, `--name value`, `--name=value`, or a switch alone; *used says how many words it
 * took. */
static enum ysync_err read_argument(const struct ys_option *table, void *target, int argc, char **argv,
                                    const struct ys_option **out, int *used, struct ys_complaint *complaint)
{
    const char *word = argv[0] + 2;
    size_t len = strcspn(word, "=");
    struct source from = { find_option(table, word, len), NULL };

    if (!from.option)
        return complain_unknown(table, word, len, complaint);
    *out = from.option;
    *used = 1;
    if (word[len] == '=')
        return read_one(&from, word + len + 1, target, complaint);
    if (from.option->kind == YS_OPTION_SWITCH)
        return read_one(&from, "on", target, complaint);
    if (argc < 2)
        return complain(complaint, "--%s needs a value: %s", from.option->name, from.option->value_name);
    *used = 2;
    return read_one(&from, argv[1], target, complaint);
}

static enum ysync_err read_arguments(const struct ys_option *table, void *target, int argc, char **argv,
                                     struct ys_complaint *complaint)
{
    int used = 1;

    for (int i = 0; i < argc; i += used) {
        const struct ys_option *option;
        enum ysync_err err;

        if (strncmp(argv[i], "--", 2) != 0 || argv[i][2] == '\0')
            return complain(complaint, "unexpected argument \"%.60s\" (--help lists the options)", argv[i]);
        err = read_argument(table, target, argc - i, argv + i, &option, &used, complaint);
        if (err)
            return err;
    }
    return YSYNC_OK;
}

static bool asks_for_help(int argc, char **argv)
{
    for (int i = 0; i < argc; i++) {
        if (strcmp(argv[i], "--help") == 0 || strcmp(argv[i], "-h") == 0)
            return true;
    }
    return false;
}

static void init_members(const struct ys_option *table, void *target)
{
    for (const struct ys_option *option = table; option->name; option++) {
        if (option->kind == YS_OPTION_LIST)
            *(struct ys_option_list *)member(option, target) = (struct ys_option_list){ NULL, 0, 0, false };
        else if (option->kind == YS_OPTION_TEXT)
            *(char **)member(option, target) = NULL;
    }
}

enum ysync_err ys_options_read(const struct ys_option *table, void *target, int argc, char **argv, ys_getenv_fn *env,
                               bool *wants_help, struct ys_complaint *complaint)
{
    enum ysync_err err;

    init_members(table, target);
    *wants_help = asks_for_help(argc, argv);
    if (*wants_help)
        return YSYNC_OK;
    err = read_defaults(table, target, complaint);
    if (!err)
        err = read_environment(table, target, env, complaint);
    return err ? err : read_arguments(table, target, argc, argv, complaint);
}

void ys_options_deinit(const struct ys_option *table, void *target)
{
    for (const struct ys_option *option = table; option->name; option++) {
        if (option->kind == YS_OPTION_LIST)
            clear_list(member(option, target));
        else if (option->kind == YS_OPTION_TEXT)
            free(*(char **)member(option, target));
    }
}

void ys_options_print(const struct ys_option *table, FILE *to)
{
    for (const struct ys_option *option = table; option->name; option++) {
        bool is_switch = option->kind == YS_OPTION_SWITCH;
        char left[MAX_NAME_LEN];

        snprintf(left, sizeof(left), "--%s %s", option->name, is_switch ? "" : option->value_name);
        fprintf(to, "  %-36s  %s", left, option->help);
        if (option->default_text)
            fprintf(to, " [%s]", option->default_text);
        fputc('\n', to);
    }
}

void ys_option_env_name(const struct ys_option *option, char *to, size_t size)
{
    int len = snprintf(to, size, "YSYNC_%s", option->name);

    for (int i = 0; i < len && (size_t)i + 1 < size; i++) {
        if (to[i] == '-')
            to[i] = '_';
        else if (to[i] >= 'a' && to[i] <= 'z')
            to[i] = (char)(to[i] - 'a' + 'A');
    }
}

static size_t smaller(size_t a, size_t b)
{
    return a < b ? a : b;
}

/* Levenshtein's distance, by the row of the table that is needed next. */
static size_t typos_between(const char *a, const char *b)
{
    size_t row[MAX_NAME_LEN + 1];
    size_t b_len = strlen(b);

    for (size_t j = 0; j <= b_len; j++)
        row[j] = j;
    for (size_t i = 0; a[i]; i++) {
        size_t diagonal = row[0];

        row[0] = i + 1;
        for (size_t j = 0; j < b_len; j++) {
            size_t changed = diagonal + (a[i] != b[j]);

            diagonal = row[j + 1];
            row[j + 1] = smaller(changed, smaller(row[j], diagonal) + 1);
        }
    }
    return row[b_len];
}

const char *ys_nearest_name(const char *name, const char *const *names, size_t count)
{
    const char *nearest = NULL;
    size_t fewest = MAX_TYPOS + 1;

    for (size_t i = 0; i < count; i++) {
        size_t typos;

        if (strlen(names[i]) > MAX_NAME_LEN)
            continue;
        typos = typos_between(name, names[i]);
        if (typos < fewest && typos < strlen(names[i])) {
            fewest = typos;
            nearest = names[i];
        }
    }
    return nearest;
}
