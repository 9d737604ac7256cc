/* SPDX-License-Identifier: MIT */
/* Which store a URL asks for. Each kind is a file of its own; here is the table of them. */
#include "ysync/store.h"

#include <string.h>

#include "base/alloc.h"
#include "base/problem.h"
#include "store/sqlite.h"

typedef enum ysync_err open_fn(const char *place, const struct ysync_store_options *options, struct ysync_store **out,
                               struct ysync_problem *problem);

static const struct {
    const char *scheme;
    open_fn *open;
} kinds[] = {
    { "sqlite:", ys_sqlite_open },
};

enum ysync_err ysync_store_open(const char *url, const struct ysync_store_options *options, struct ysync_store **out,
                                struct ysync_problem *problem)
{
    struct ysync_store_options chosen = { NULL, 0, 0 };

    if (options)
        chosen = *options;
    if (!chosen.alloc)
        chosen.alloc = ysync_alloc_default();
    for (size_t i = 0; i < ARRAY_LEN(kinds); i++) {
        size_t len = strlen(kinds[i].scheme);

        if (strncmp(url, kinds[i].scheme, len) == 0 && url[len] != '\0')
            return kinds[i].open(url + len, &chosen, out, problem);
    }
    ys_problem_set(problem, "there is no store \"%s\": sqlite:PATH is possible, such as sqlite:/var/lib/ysync/rooms.db",
                   url);
    return YSYNC_ERR_INVALID_ARG;
}

void ysync_store_close(struct ysync_store *store)
{
    if (store && store->close)
        store->close(store->user);
}
