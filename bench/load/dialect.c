/* SPDX-License-Identifier: MIT */
#include "dialect.h"

#include <string.h>

#include "base/alloc.h"
#include "base/reader.h"
#include "check.h"

enum {
    TYPE_SYNC = 0,
    TYPE_PRESENCE = 1,
    TYPE_AUTH = 2,
    TYPE_SYNC_REPLY = 4, /* Hocuspocus */
    TYPE_STATUS = 102,
};

enum {
    AUTH_TOKEN = 0, /* from the server, in y-protocols: denied */
    AUTH_DENIED = 1,
    AUTH_ADMITTED = 2,
};

static void put_var_str(struct ys_buf *out, const char *str)
{
    ys_buf_put_var_bytes(out, (struct ysync_bytes){ (const uint8_t *)str, strlen(str) });
}

void ys_dialect_put(struct ys_buf *out, enum ys_dialect dialect, const char *room, enum ys_heard what,
                    struct ysync_bytes payload)
{
    static const struct {
        uint8_t type;
        int step; /* behind the type; -1: nothing */
    } heads[] = {
        [YS_HEARD_STEP1] = { TYPE_SYNC, 0 },
        [YS_HEARD_STEP2] = { TYPE_SYNC, 1 },
        [YS_HEARD_UPDATE] = { TYPE_SYNC, 2 },
        [YS_HEARD_PRESENCE] = { TYPE_PRESENCE, -1 },
        [YS_HEARD_ADMITTED] = { TYPE_AUTH, AUTH_TOKEN },
        [YS_HEARD_STATUS] = { TYPE_STATUS, -1 },
    };

    if (dialect == YS_DIALECT_HOCUSPOCUS)
        put_var_str(out, room);
    ys_buf_put_u8(out, heads[what].type);
    if (heads[what].step >= 0)
        ys_buf_put_u8(out, (uint8_t)heads[what].step);
    ys_buf_put_var_bytes(out, payload);
}

static enum ysync_err read_sync(struct ys_reader *in, enum ys_heard *what, struct ysync_bytes *payload)
{
    static const enum ys_heard steps[] = { YS_HEARD_STEP1, YS_HEARD_STEP2, YS_HEARD_UPDATE };
    uint64_t step;
    enum ysync_err err = ys_reader_varuint(in, &step);

    if (err)
        return err;
    if (step >= ARRAY_LEN(steps))
        return YSYNC_ERR_MALFORMED;
    *what = steps[step];
    return ys_reader_var_bytes(in, payload);
}

static enum ysync_err read_auth(struct ys_reader *in, enum ys_heard *what)
{
    uint64_t verdict;
    enum ysync_err err = ys_reader_varuint(in, &verdict);

    if (!err)
        *what = verdict == AUTH_ADMITTED ? YS_HEARD_ADMITTED : YS_HEARD_DENIED;
    return err;
}

static enum ysync_err read_message(struct ys_reader *in, enum ys_dialect dialect, enum ys_heard *what,
                                   struct ysync_bytes *payload)
{
    enum ysync_err err = YSYNC_OK;
    uint64_t type;

    if (dialect == YS_DIALECT_HOCUSPOCUS)
        err = ys_reader_var_bytes(in, payload); /* the room's name */
    if (!err)
        err = ys_reader_varuint(in, &type);
    if (err)
        return err;
    switch (type) {
    case TYPE_SYNC:
    case TYPE_SYNC_REPLY:
        return read_sync(in, what, payload);
    case TYPE_PRESENCE:
        *what = YS_HEARD_PRESENCE;
        return ys_reader_var_bytes(in, payload);
    case TYPE_STATUS:
        *what = YS_HEARD_STATUS;
        return ys_reader_var_bytes(in, payload);
    case TYPE_AUTH:
        return read_auth(in, what);
    default:
        *what = YS_HEARD_OTHER;
        return YSYNC_OK;
    }
}

enum ys_heard ys_dialect_read(struct ysync_bytes message, enum ys_dialect dialect, struct ysync_bytes *payload)
{
    struct ys_reader in = ys_reader_init(message);
    enum ys_heard what = YS_HEARD_OTHER;

    *payload = (struct ysync_bytes){ NULL, 0 };
    ys_must(read_message(&in, dialect, &what, payload), "a malformed message came");
    return what;
}
