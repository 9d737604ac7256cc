/* SPDX-License-Identifier: MIT */
#include "base/log.h"

#include <stdbool.h>
#include <stdio.h>
#include <string.h>

/* A line under construction: what does not fit is cut off. */
struct line {
    char *to;
    size_t size;
    size_t len;
};

static const char *const level_names[] = { "error", "warn", "info", "debug" };

void ys_log_write(const struct ysync_log *log, enum ysync_log_level level, const char *event,
                  const struct ysync_log_field *fields)
{
    if (log && log->write && level <= log->level)
        log->write(log->user, level, event, fields);
}

struct ysync_bytes ys_log_str(const char *str)
{
    return (struct ysync_bytes){ (const uint8_t *)str, str ? strlen(str) : 0 };
}

static void put_char(struct line *line, char c)
{
    if (line->len + 1 < line->size)
        line->to[line->len++] = c;
}

static void put_str(struct line *line, const char *str)
{
    while (*str)
        put_char(line, *str++);
}

static void put_number(struct line *line, uint64_t n)
{
    char digits[24];

    snprintf(digits, sizeof(digits), "%llu", (unsigned long long)n);
    put_str(line, digits);
}

/* In JSON's own escapes, which a person reads as well. */
static void put_quoted(struct line *line, struct ysync_bytes text)
{
    char escaped[8];

    put_char(line, '"');
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c == '"' || c == '\\') {
            put_char(line, '\\');
            put_char(line, (char)c);
        } else if (c < 0x20 || c == 0x7f) {
            snprintf(escaped, sizeof(escaped), "\\u%04x", c);
            put_str(line, escaped);
        } else {
            put_char(line, (char)c);
        }
    }
    put_char(line, '"');
}

static bool is_plain(struct ysync_bytes text)
{
    for (size_t i = 0; i < text.len; i++) {
        uint8_t c = text.data[i];

        if (c <= ' ' || c == '"' || c == '=' || c == '\\' || c == 0x7f)
            return false;
    }
    return text.len > 0;
}

static void put_text_value(struct line *line, const struct ysync_log_field *field)
{
    if (field->is_number) {
        put_number(line, field->number);
    } else if (is_plain(field->text)) {
        for (size_t i = 0; i < field->text.len; i++)
            put_char(line, (char)field->text.data[i]);
    } else {
        put_quoted(line, field->text);
    }
}

void ysync_log_format_text(char *to, size_t size, enum ysync_log_level level, const char *event,
                           const struct ysync_log_field *fields)
{
    struct line line = { to, size, 0 };

    put_str(&line, level_names[level]);
    put_char(&line, ' ');
    put_str(&line, event);
    for (; fields->key; fields++) {
        put_char(&line, ' ');
        put_str(&line, fields->key);
        put_char(&line, '=');
        put_text_value(&line, fields);
    }
    if (size > 0)
        to[line.len] = '\0';
}

void ysync_log_format_json(char *to, size_t size, enum ysync_log_level level, const char *event,
                           const struct ysync_log_field *fields)
{
    struct line line = { to, size, 0 };

    put_str(&line, "{\"level\":");
    put_quoted(&line, ys_log_str(level_names[level]));
    put_str(&line, ",\"event\":");
    put_quoted(&line, ys_log_str(event));
    for (; fields->key; fields++) {
        put_char(&line, ',');
        put_quoted(&line, ys_log_str(fields->key));
        put_char(&line, ':');
        if (fields->is_number)
            put_number(&line, fields->number);
        else
            put_quoted(&line, fields->text);
    }
    put_char(&line, '}');
    if (size > 0)
        to[line.len] = '\0';
}
