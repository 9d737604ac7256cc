/* SPDX-License-Identifier: MIT */
#include "net/loop.h"

#include <assert.h>
#include <time.h>

#include "base/alloc.h"
#include "net/connection_impl.h"
#include "ws/deflate.h"

/* A connection that is flushed may wake others (its end is news to its room), so until the list stays empty; or until so
 * much has been sent that it is somebody else's turn: then the rest follows in the next one. */
static void flush(struct ys_loop *loop)
{
    size_t bytes = 0;

    while (!ys_list_is_empty(&loop->to_flush) && bytes < YS_LOOP_FLUSH_BYTES) {
        struct ys_list *node = loop->to_flush.next;

        ys_list_remove(node);
        bytes += ys_connection_flush(YS_CONTAINER_OF(node, struct ys_connection, flush_node));
    }
}

/* Timers of one turn. When many are due at once, as the pings of connections that came back together, the others have
 * theirs in the next turns, and what comes from sockets is taken in between. */
#define MAX_TIMERS_PER_TURN 256

static void on_timer(uv_timer_t *timer)
{
    struct ys_loop *loop = timer->data;
    unsigned fired = 0;

    loop->timer_due_ms = YS_TIMER_NEVER;
    ys_loop_begin_turn(loop);
    while (fired < MAX_TIMERS_PER_TURN && ys_timers_run_one(&loop->timers, uv_now(loop->uv)))
        fired++;
}

/* Once a turn, however often timers were armed in it. With something left to flush the next turn comes at once. */
static void set_timer(struct ys_loop *loop)
{
    uint64_t now_ms = uv_now(loop->uv);
    uint64_t due_ms = ys_list_is_empty(&loop->to_flush) ? ys_timers_next(&loop->timers) : now_ms;

    if (due_ms == loop->timer_due_ms)
        return;
    loop->timer_due_ms = due_ms;
    if (due_ms == YS_TIMER_NEVER)
        uv_timer_stop(&loop->timer);
    else
        uv_timer_start(&loop->timer, on_timer, due_ms > now_ms ? due_ms - now_ms : 0, 0);
}

static void end_turn(struct ys_loop *loop)
{
    if (loop->turn_began_ns > 0)
        ys_histogram_observe(&loop->counters.turns, uv_hrtime() - loop->turn_began_ns);
    loop->turn_began_ns = 0;
}

static void on_prepare(uv_prepare_t *prepare)
{
    struct ys_loop *loop = prepare->data;

    loop->compressed_bytes = 0;
    flush(loop);
    YS_LIST_FOREACH (node, &loop->hooks) {
        struct ys_loop_hook *hook = YS_CONTAINER_OF(node, struct ys_loop_hook, node);

        hook->before_wait(hook, uv_now(loop->uv));
    }
    set_timer(loop);
    end_turn(loop);
}

static void on_check(uv_check_t *check)
{
    ys_loop_begin_turn(check->data);
    flush(check->data);
}

/* None of these can fail on a loop that runs. */
static void start_handles(struct ys_loop *loop)
{
    uv_prepare_init(loop->uv, &loop->prepare);
    uv_check_init(loop->uv, &loop->check);
    uv_timer_init(loop->uv, &loop->timer);
    loop->prepare.data = loop->check.data = loop->timer.data = loop;
    loop->open_handles = 3;
    uv_prepare_start(&loop->prepare, on_prepare);
    uv_check_start(&loop->check, on_check);
    uv_unref((uv_handle_t *)&loop->prepare);
    uv_unref((uv_handle_t *)&loop->check);
    uv_unref((uv_handle_t *)&loop->timer);
}

enum ysync_err ys_loop_open(const struct ysync_alloc *alloc, uv_loop_t *uv, struct ys_loop **out)
{
    struct ys_loop *loop = ys_alloc_array(alloc, 1, sizeof(*loop));
    int status;

    if (!loop)
        return YSYNC_ERR_NOMEM;
    /* Not zeroed as a whole: the buffers' pages are touched when they are used. */
    loop->alloc = alloc;
    loop->uv = uv ? uv : &loop->own;
    loop->timers = (struct ys_timers){ .root = NULL };
    loop->timer_due_ms = YS_TIMER_NEVER;
    loop->emptied = NULL;
    loop->counters = (struct ys_loop_counters){ 0 };
    loop->turn_began_ns = 0;
    loop->date_s = UINT64_MAX;
    loop->deflate = NULL;
    loop->compressed_bytes = 0;
    ys_list_init(&loop->hooks);
    ys_list_init(&loop->connections);
    ys_list_init(&loop->to_flush);
    status = uv ? 0 : uv_loop_init(&loop->own);
    if (status < 0) {
        ys_free(alloc, loop);
        return status == UV_ENOMEM ? YSYNC_ERR_NOMEM : YSYNC_ERR_IO;
    }
    start_handles(loop);
    *out = loop;
    return YSYNC_OK;
}

static void on_handle_closed(uv_handle_t *handle)
{
    struct ys_loop *loop = handle->data;

    loop->open_handles--;
    if (loop->open_handles == 0 && loop->uv != &loop->own)
        ys_free(loop->alloc, loop);
}

void ys_loop_close(struct ys_loop *loop)
{
    bool is_own;

    if (!loop)
        return;
    is_own = loop->uv == &loop->own;
    ys_ws_deflate_free(loop->deflate);
    loop->deflate = NULL;
    assert(is_own || ys_list_is_empty(&loop->connections));
    uv_close((uv_handle_t *)&loop->prepare, on_handle_closed);
    uv_close((uv_handle_t *)&loop->check, on_handle_closed);
    uv_close((uv_handle_t *)&loop->timer, on_handle_closed);
    if (!is_own)
        return;
    uv_run(&loop->own, UV_RUN_DEFAULT);
    uv_loop_close(&loop->own);
    ys_free(loop->alloc, loop);
}

void ys_loop_run(struct ys_loop *loop)
{
    uv_run(loop->uv, UV_RUN_DEFAULT);
}

uint64_t ys_loop_now(const struct ys_loop *loop)
{
    return uv_now(loop->uv);
}

const char *ys_loop_date(struct ys_loop *loop)
{
    uint64_t now_s = (uint64_t)time(NULL);

    if (loop->date_s != now_s)
        ys_date_format(now_s, loop->date);
    loop->date_s = now_s;
    return loop->date;
}

void ys_loop_arm(struct ys_loop *loop, struct ys_timer *timer, uint64_t due_ms)
{
    ys_timer_arm(&loop->timers, timer, due_ms);
}

void ys_loop_disarm(struct ys_loop *loop, struct ys_timer *timer)
{
    ys_timer_disarm(&loop->timers, timer);
}

const struct ys_loop_counters *ys_loop_counters(const struct ys_loop *loop)
{
    return &loop->counters;
}

void ys_loop_add_hook(struct ys_loop *loop, struct ys_loop_hook *hook)
{
    ys_list_append(&loop->hooks, &hook->node);
}

void ys_loop_remove_hook(struct ys_loop *loop, struct ys_loop_hook *hook)
{
    (void)loop;
    ys_list_remove(&hook->node);
}

void ys_loop_when_empty(struct ys_loop *loop, void (*emptied)(void *user), void *user)
{
    if (ys_list_is_empty(&loop->connections)) {
        emptied(user);
        return;
    }
    loop->emptied = emptied;
    loop->emptied_user = user;
}

void ys_loop_drop_connections(struct ys_loop *loop)
{
    YS_LIST_FOREACH (node, &loop->connections)
        ys_connection_drop(YS_CONTAINER_OF(node, struct ys_connection, node));
}
