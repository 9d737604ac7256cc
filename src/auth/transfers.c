/* SPDX-License-Identifier: MIT */
/*
 * libcurl says what it waits for, libuv waits for it, and libcurl is called when it comes:
 *
 *     on_socket_wanted()    watch this socket        uv_poll_t, one for each    --.
 *     on_timeout_wanted()   call me in 200 ms        uv_timer_t                 --+--> ys_curl.multi_socket_action()
 *                                                                                              |
 *                                           ended() <--- ys_curl.multi_info_read() <--------------'
 *
 * libcurl must not be called from inside the first two, so they only set handles up.
 */
#include "auth/transfers.h"

#include <assert.h>
#include <stdbool.h>

#include "base/alloc.h"

struct ys_transfers {
    const struct ysync_alloc *alloc;
    CURLM *multi;
    uv_timer_t timer;
    ys_transfer_ended_fn *ended;
    void *user;
    bool is_in_ended;
    bool is_closing;
};

/* A socket that is watched. It may outlive the transfers by a turn of the loop. */
struct watch {
    uv_poll_t poll;
    const struct ysync_alloc *alloc;
    struct ys_transfers *transfers;
    curl_socket_t fd;
};

static void take_ended(struct ys_transfers *transfers)
{
    CURLMsg *message;
    int left;

    while ((message = ys_curl.multi_info_read(transfers->multi, &left)) != NULL) {
        if (message->msg != CURLMSG_DONE)
            continue;
        transfers->is_in_ended = true;
        transfers->ended(transfers->user, message->easy_handle, message->data.result);
        transfers->is_in_ended = false;
    }
}

static void act(struct ys_transfers *transfers, curl_socket_t fd, int events)
{
    int running;

    ys_curl.multi_socket_action(transfers->multi, fd, events, &running);
    take_ended(transfers);
}

static void on_timer(uv_timer_t *timer);

static void set_timer(struct ys_transfers *transfers, long timeout_ms)
{
    if (timeout_ms < 0)
        uv_timer_stop(&transfers->timer);
    else
        uv_timer_start(&transfers->timer, on_timer, (uint64_t)timeout_ms, 0);
}

/* The loop's clock stands still during a turn, so the timer may be a little early by libcurl's. Then libcurl has
 * nothing to do yet, and does not ask for the same timeout again by itself. */
static void on_timer(uv_timer_t *timer)
{
    struct ys_transfers *transfers = timer->data;
    long timeout_ms = -1;

    act(transfers, CURL_SOCKET_TIMEOUT, 0);
    if (uv_is_active((uv_handle_t *)timer))
        return;
    ys_curl.multi_timeout(transfers->multi, &timeout_ms);
    set_timer(transfers, timeout_ms);
}

static int on_timeout_wanted(CURLM *multi, long timeout_ms, void *user)
{
    struct ys_transfers *transfers = user;

    (void)multi;
    if (!transfers->is_closing)
        set_timer(transfers, timeout_ms);
    return 0;
}

static void on_poll(uv_poll_t *poll, int status, int events)
{
    struct watch *watch = poll->data;
    int flags = status < 0 ? CURL_CSELECT_ERR : 0;

    if (events & UV_READABLE)
        flags |= CURL_CSELECT_IN;
    if (events & UV_WRITABLE)
        flags |= CURL_CSELECT_OUT;
    act(watch->transfers, watch->fd, flags);
}

static void on_poll_closed(uv_handle_t *handle)
{
    struct watch *watch = handle->data;

    ys_free(watch->alloc, watch);
}

/* NULL if it cannot be watched. */
static struct watch *watch_new(struct ys_transfers *transfers, curl_socket_t fd)
{
    struct watch *watch = ys_alloc_zeroed(transfers->alloc, 1, sizeof(*watch));

    if (!watch)
        return NULL;
    watch->alloc = transfers->alloc;
    watch->transfers = transfers;
    watch->fd = fd;
    if (uv_poll_init_socket(transfers->timer.loop, &watch->poll, fd) < 0) {
        ys_free(watch->alloc, watch);
        return NULL;
    }
    watch->poll.data = watch;
    uv_unref((uv_handle_t *)&watch->poll);
    return watch;
}

/* A socket that cannot be watched stalls its own transfer, whose owner will not wait for ever. An error returned here
 * would end all of them. */
static int on_socket_wanted(CURL *easy, curl_socket_t fd, int what, void *user, void *socket_user)
{
    struct ys_transfers *transfers = user;
    struct watch *watch = socket_user;
    int events = 0;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        ys_curl.multi_assign(transfers->multi, fd, NULL);
        if (watch)
            uv_close((uv_handle_t *)&watch->poll, on_poll_closed);
        return 0;
    }
    if (!watch) {
        watch = watch_new(transfers, fd);
        if (!watch)
            return 0;
        ys_curl.multi_assign(transfers->multi, fd, watch);
    }
    if (what & CURL_POLL_IN)
        events |= UV_READABLE;
    if (what & CURL_POLL_OUT)
        events |= UV_WRITABLE;
    uv_poll_start(&watch->poll, events, on_poll);
    return 0;
}

static bool set_up_multi(struct ys_transfers *transfers, long max_connections)
{
    CURLM *multi = transfers->multi;

    return ys_curl.multi_setopt(multi, CURLMOPT_SOCKETFUNCTION, on_socket_wanted) == CURLM_OK &&
           ys_curl.multi_setopt(multi, CURLMOPT_SOCKETDATA, transfers) == CURLM_OK &&
           ys_curl.multi_setopt(multi, CURLMOPT_TIMERFUNCTION, on_timeout_wanted) == CURLM_OK &&
           ys_curl.multi_setopt(multi, CURLMOPT_TIMERDATA, transfers) == CURLM_OK &&
           ys_curl.multi_setopt(multi, CURLMOPT_MAX_TOTAL_CONNECTIONS, max_connections) == CURLM_OK &&
           ys_curl.multi_setopt(multi, CURLMOPT_MAXCONNECTS, max_connections) == CURLM_OK;
}

enum ysync_err ys_transfers_new(const struct ysync_alloc *alloc, uv_loop_t *loop, long max_connections,
                                ys_transfer_ended_fn *ended, void *user, struct ys_transfers **out)
{
    struct ys_transfers *transfers = ys_alloc_zeroed(alloc, 1, sizeof(*transfers));

    if (!transfers)
        return YSYNC_ERR_NOMEM;
    transfers->alloc = alloc;
    transfers->ended = ended;
    transfers->user = user;
    transfers->multi = ys_curl.multi_init();
    if (!transfers->multi || !set_up_multi(transfers, max_connections)) {
        ys_curl.multi_cleanup(transfers->multi);
        ys_free(alloc, transfers);
        return YSYNC_ERR_NOMEM;
    }
    uv_timer_init(loop, &transfers->timer);
    uv_unref((uv_handle_t *)&transfers->timer);
    transfers->timer.data = transfers;
    *out = transfers;
    return YSYNC_OK;
}

static void on_timer_closed(uv_handle_t *handle)
{
    struct ys_transfers *transfers = handle->data;

    ys_free(transfers->alloc, transfers);
}

void ys_transfers_free(struct ys_transfers *transfers)
{
    if (!transfers)
        return;
    assert(!transfers->is_in_ended);
    transfers->is_closing = true;
    ys_curl.multi_cleanup(transfers->multi);
    uv_close((uv_handle_t *)&transfers->timer, on_timer_closed);
}

enum ysync_err ys_transfers_add(struct ys_transfers *transfers, CURL *easy)
{
    return ys_curl.multi_add_handle(transfers->multi, easy) == CURLM_OK ? YSYNC_OK : YSYNC_ERR_NOMEM;
}

void ys_transfers_remove(struct ys_transfers *transfers, CURL *easy)
{
    ys_curl.multi_remove_handle(transfers->multi, easy);
}
