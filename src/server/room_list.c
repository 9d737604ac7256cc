/* SPDX-License-Identifier: MIT */
/*
 * A part is a row of rooms, each a varuint and a name with its length in front:
 *
 *     [ 2 | 4 b l o g ][ 0 | 5 n o t e s ]
 */
#include "server/room_list.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#include "base/alloc.h"
#include "base/json.h"
#include "base/reader.h"
#include "http/target.h"

struct entry {
    struct ysync_bytes name;
    uint64_t connections;
};

struct entries {
    const struct ysync_alloc *alloc;
    struct entry *all;
    size_t count;
    size_t cap;
};

void ys_room_list_put(struct ys_buf *part, struct ysync_bytes name, size_t connections)
{
    ys_buf_put_varuint(part, connections);
    ys_buf_put_var_bytes(part, name);
}

static enum ysync_err add_part(struct entries *entries, const struct ys_buf *part)
{
    struct ys_reader in = ys_reader_init(ys_buf_bytes(part));
    enum ysync_err err = ys_buf_err(part);

    while (!err && ys_reader_left(&in) > 0) {
        struct entry entry;

        if (!ys_grow_array(entries->alloc, &entries->all, &entries->cap, entries->count + 1, sizeof(entry)))
            return YSYNC_ERR_NOMEM;
        err = ys_reader_varuint(&in, &entry.connections);
        if (!err)
            err = ys_reader_var_bytes(&in, &entry.name);
        if (!err)
            entries->all[entries->count++] = entry;
    }
    return err;
}

static int compare(const void *left, const void *right)
{
    struct ysync_bytes a = ((const struct entry *)left)->name;
    struct ysync_bytes b = ((const struct entry *)right)->name;
    int order = memcmp(a.data, b.data, a.len < b.len ? a.len : b.len);

    return order != 0 ? order : (a.len > b.len) - (a.len < b.len);
}

static void put_entries(struct ys_buf *out, const struct entries *entries)
{
    ys_buf_put_str(out, "{\"rooms\":[");
    for (size_t i = 0; i < entries->count; i++) {
        char members[64];

        ys_buf_put_str(out, i > 0 ? ",{\"id\":" : "{\"id\":");
        ys_json_put_string(out, entries->all[i].name);
        snprintf(members, sizeof(members), ",\"connections\":%llu}", (unsigned long long)entries->all[i].connections);
        ys_buf_put_str(out, members);
    }
    ys_buf_put_str(out, "]}");
}

enum ysync_err ys_room_list_put_json(struct ys_buf *out, const struct ys_buf *parts, size_t count)
{
    struct entries entries = { .alloc = out->alloc };
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < count; i++)
        err = add_part(&entries, &parts[i]);
    if (!err && entries.count > 0)
        qsort(entries.all, entries.count, sizeof(entries.all[0]), compare);
    if (!err) {
        put_entries(out, &entries);
        err = ys_buf_err(out);
    }
    ys_free(entries.alloc, entries.all);
    return err;
}

bool ys_room_list_is_of_stored(struct ysync_bytes query)
{
    struct ysync_bytes value;

    return ys_query_find(query, "stored", &value) && !(value.len == 1 && value.data[0] == '0');
}

void ys_room_list_page_init(struct ys_room_list_page *page, const struct ysync_alloc *alloc)
{
    ys_buf_init(&page->after, alloc, SIZE_MAX);
    page->limit = YS_ROOM_LIST_LIMIT;
}

void ys_room_list_page_deinit(struct ys_room_list_page *page)
{
    ys_buf_deinit(&page->after);
}

static bool read_limit(struct ysync_bytes text, size_t *out)
{
    size_t limit = 0;

    for (size_t i = 0; i < text.len; i++) {
        if (text.data[i] < '0' || text.data[i] > '9' || limit > YS_ROOM_LIST_MAX_LIMIT)
            return false;
        limit = 10 * limit + (size_t)(text.data[i] - '0');
    }
    *out = limit;
    return limit > 0 && limit <= YS_ROOM_LIST_MAX_LIMIT;
}

enum ysync_err ys_room_list_page_read(struct ys_room_list_page *page, struct ysync_bytes query, const char **problem)
{
    struct ysync_bytes value;
    enum ysync_err err = YSYNC_OK;

    if (ys_query_find(query, "limit", &value) && !read_limit(value, &page->limit)) {
        *problem = "Malformed limit: a number from 1 to 1000 is wanted";
        return YSYNC_ERR_MALFORMED;
    }
    if (ys_query_find(query, "after", &value))
        err = ys_percent_decode(value, &page->after);
    if (err == YSYNC_ERR_MALFORMED)
        *problem = "Malformed after: a percent-encoded name is wanted";
    return err;
}

void ys_room_list_put_stored(struct ys_buf *out, const struct ysync_store_request *request)
{
    struct ysync_bytes last = { NULL, 0 };
    struct ysync_bytes name;
    size_t position = 0;
    size_t count = 0;
    uint64_t bytes;

    ys_buf_put_str(out, "{\"rooms\":[");
    for (; ys_store_request_next_room(request, &position, &name, &bytes); count++) {
        char text[64];

        ys_buf_put_str(out, count > 0 ? ",{\"id\":" : "{\"id\":");
        ys_json_put_string(out, name);
        snprintf(text, sizeof(text), ",\"bytes\":%llu}", (unsigned long long)bytes);
        ys_buf_put_str(out, text);
        last = name;
    }
    ys_buf_put_str(out, "],\"next\":");
    if (count >= request->limit)
        ys_json_put_string(out, last);
    else
        ys_buf_put_str(out, "null");
    ys_buf_put_str(out, "}");
}
