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
