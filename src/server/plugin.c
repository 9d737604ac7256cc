/* SPDX-License-Identifier: MIT */
#include "server/plugin.h"

#include "base/alloc.h"
#include "base/problem.h"
#include "net/listener.h"
#include "server/session.h"

/* How long stopping waits for the store before clients are sent away: at most this, and this part of the timeout. */
#define MAX_STORE_WAIT_MS 1000
#define STORE_PART 4

enum stage {
    RUNNING,
    SAVING,   /* waits a little for the store, so that clients hear of what is saved before they are sent away */
    CLOSING,  /* waits for peers to say goodbye */
    FLUSHING, /* waits for the store to have everything */
    STOPPED,
};

struct ys_plugin {
    struct ys_connection_config connections;
    struct ys_session_context context;
    struct ys_listener **listeners;
    size_t listener_count;
    size_t listener_cap;
    struct ys_loop_hook hook;
    struct ys_timer tick; /* when the hub has something to do */
    enum stage stage;
    uint64_t stop_at_ms;        /* when waiting for peers and the store ends */
    struct ys_timer stop_timer; /* when the stage ends, in whatever way */
    void (*stopped)(void *user);
    void *stopped_user;
};

static void on_stop_timer(struct ys_timer *timer, uint64_t now_ms);

static void on_tick(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_plugin *plugin = YS_CONTAINER_OF(timer, struct ys_plugin, tick);

    ys_hub_tick(plugin->context.hub, now_ms);
}

/* Whatever the turn did to the rooms, this is when the hub must be called next. */
static void before_wait(struct ys_loop_hook *hook, uint64_t now_ms)
{
    struct ys_plugin *plugin = YS_CONTAINER_OF(hook, struct ys_plugin, hook);
    uint64_t due_ms;

    ys_hub_deliver(plugin->context.hub, now_ms);
    ys_snapshots_sweep(plugin->context.snapshots);
    if ((plugin->stage == SAVING || plugin->stage == FLUSHING) && ys_hub_is_stored(plugin->context.hub))
        ys_loop_arm(plugin->context.loop, &plugin->stop_timer, now_ms);
    due_ms = ys_hub_next_tick(plugin->context.hub);
    if (due_ms == YS_TIMER_NEVER)
        ys_loop_disarm(plugin->context.loop, &plugin->tick);
    else if (!ys_timer_is_armed(&plugin->tick) || plugin->tick.due_ms != due_ms)
        ys_loop_arm(plugin->context.loop, &plugin->tick, due_ms);
}

static enum ysync_err make_parts(struct ys_plugin *plugin)
{
    const struct ysync_plugin_config *config = plugin->context.config;
    struct ys_hub_config hub = {
        .alloc = config->alloc,
        .log = &config->log,
        .events = config->events,
        .evict_after_ms = config->evict_after_ms,
        .echoes = config->echoes,
        .gc = config->gc,
        .store = ys_crew_store(plugin->context.crew) ? &plugin->context.store_link.face : NULL,
        .rooms = ys_crew_rooms(plugin->context.crew),
        .memory = ys_crew_memory(plugin->context.crew),
        .seed = ys_crew_seed(plugin->context.crew),
        .max_room_bytes = config->max_room_bytes,
        .max_pending_bytes = config->max_pending_bytes,
        .max_presence_bytes = config->max_presence_bytes,
        .max_outbox_bytes = config->send_buffer_bytes,
    };
    enum ysync_err err;

    err = ys_snapshots_new(config->alloc, YS_SNAPSHOTS_MAX_BYTES, &plugin->context.snapshots);
    if (!err)
        err = ys_hub_new(&hub, &plugin->context.hub);
    return err;
}

static void free_parts(struct ys_plugin *plugin)
{
    const struct ysync_alloc *alloc = plugin->context.config->alloc;

    ys_hub_free(plugin->context.hub);
    ys_snapshots_free(plugin->context.snapshots);
    ys_free(alloc, plugin->listeners);
    ys_free(alloc, plugin);
}

enum ysync_err ys_plugin_new(struct ys_loop *loop, const struct ys_plugin_config *config, struct ys_plugin **out)
{
    const struct ysync_plugin_config *options = config->options;
    struct ys_plugin *plugin = ys_alloc_zeroed(options->alloc, 1, sizeof(*plugin));
    enum ysync_err err;

    if (!plugin)
        return YSYNC_ERR_NOMEM;
    plugin->context.config = options;
    plugin->context.routes = config->routes;
    plugin->context.auth = config->auth;
    plugin->context.crew = config->crew;
    plugin->context.place = config->place;
    plugin->context.connections = &plugin->connections;
    plugin->context.loop = loop;
    err = make_parts(plugin);
    if (!err)
        err = ys_crew_join(config->crew, config->place, loop->uv, &plugin->context);
    if (err) {
        free_parts(plugin);
        return err;
    }
    if (ys_crew_store(config->crew))
        ys_store_link_init(&plugin->context.store_link, ys_crew_store(config->crew),
                           ys_crew_mailbox(config->crew, config->place), ys_crew_store_health(config->crew),
                           &options->log);
    ys_connection_config_init(&plugin->connections, &ys_session_events);
    plugin->connections.max_message_bytes = options->max_message_bytes;
    plugin->connections.ping_every_ms = options->ping_every_ms;
    plugin->connections.compresses = options->compress != 0;
    plugin->connections.tls = config->tls;
    ys_list_init(&plugin->context.sessions);
    ys_timer_init(&plugin->tick, on_tick);
    ys_timer_init(&plugin->stop_timer, on_stop_timer);
    plugin->hook.before_wait = before_wait;
    ys_loop_add_hook(loop, &plugin->hook);
    *out = plugin;
    return YSYNC_OK;
}

static void close_listeners(struct ys_plugin *plugin)
{
    for (size_t i = 0; i < plugin->listener_count; i++)
        ys_listener_close(plugin->listeners[i]);
    plugin->listener_count = 0;
}

void ys_plugin_free(struct ys_plugin *plugin)
{
    if (!plugin)
        return;
    close_listeners(plugin);
    ys_crew_leave(plugin->context.crew, plugin->context.place);
    ys_loop_remove_hook(plugin->context.loop, &plugin->hook);
    ys_loop_disarm(plugin->context.loop, &plugin->tick);
    ys_loop_disarm(plugin->context.loop, &plugin->stop_timer);
    free_parts(plugin);
}

static void on_accepted(void *user, struct ys_connection *connection)
{
    struct ys_plugin *plugin = user;

    ys_session_begin(&plugin->context, connection);
}

/* Room for one more in the list. */
static enum ysync_err reserve_listener(struct ys_plugin *plugin, struct ysync_problem *problem)
{
    if (ys_grow_array(plugin->context.config->alloc, &plugin->listeners, &plugin->listener_cap,
                      plugin->listener_count + 1, sizeof(struct ys_listener *)))
        return YSYNC_OK;
    ys_problem_set(problem, "out of memory");
    return YSYNC_ERR_NOMEM;
}

static struct ys_listener_config listener_config(struct ys_plugin *plugin, const struct ys_address *address)
{
    return (struct ys_listener_config){
        .address = *address,
        .connections = &plugin->connections,
        .accepted = on_accepted,
        .user = plugin,
    };
}

enum ysync_err ys_plugin_listen(struct ys_plugin *plugin, const struct ys_address *address,
                                struct ysync_problem *problem)
{
    const struct ys_listener_config config = listener_config(plugin, address);
    enum ysync_err err = reserve_listener(plugin, problem);

    if (!err)
        err = ys_listener_open(plugin->context.loop, &config, &plugin->listeners[plugin->listener_count], problem);
    if (!err)
        plugin->listener_count++;
    return err;
}

static enum ysync_err listen_beside(struct ys_plugin *plugin, const struct ys_listener *first,
                                    struct ysync_problem *problem)
{
    const struct ys_listener_config config = listener_config(plugin, ys_listener_address(first));
    enum ysync_err err = reserve_listener(plugin, problem);

    if (!err)
        err = ys_listener_open_beside(plugin->context.loop, first, &config, &plugin->listeners[plugin->listener_count],
                                      problem);
    if (!err)
        plugin->listener_count++;
    return err;
}

enum ysync_err ys_plugin_listen_beside(struct ys_plugin *plugin, const struct ys_plugin *first,
                                       struct ysync_problem *problem)
{
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < first->listener_count; i++)
        err = listen_beside(plugin, first->listeners[i], problem);
    return err;
}

const struct ys_address *ys_plugin_address(const struct ys_plugin *plugin, size_t i)
{
    return i < plugin->listener_count ? ys_listener_address(plugin->listeners[i]) : NULL;
}

enum ysync_err ys_plugin_take(struct ys_plugin *plugin, int fd, struct ysync_bytes read)
{
    struct ys_connection *connection;
    enum ysync_err err;

    if (plugin->stopped)
        return YSYNC_ERR_CLOSED;
    if (read.len > YS_PLUGIN_MAX_READ_BYTES)
        return YSYNC_ERR_LIMIT;
    err = ys_connection_adopt(plugin->context.loop, fd, &plugin->connections, &connection);
    if (err)
        return err;
    ys_session_begin(&plugin->context, connection);
    ys_connection_feed(connection, read);
    return YSYNC_OK;
}

void ys_plugin_set_auth(struct ys_plugin *plugin, struct ys_auth *auth)
{
    plugin->context.auth = auth;
}

void ys_plugin_set_tls(struct ys_plugin *plugin, struct ys_tls_context *tls)
{
    plugin->connections.tls = tls;
}

struct ys_hub *ys_plugin_hub(const struct ys_plugin *plugin)
{
    return plugin->context.hub;
}

/* Stopping */

static void end_stopping(struct ys_plugin *plugin)
{
    struct ys_hub_store_totals store = ys_hub_store_totals(plugin->context.hub);

    if (!ys_hub_is_stored(plugin->context.hub))
        ys_log(&plugin->context.config->log, YSYNC_LOG_ERROR, "stopped_unsaved",
               YS_LOG_NUM("rooms", store.unsaved_rooms), YS_LOG_NUM("writes", store.writes),
               YS_LOG_STR("effect", "changes are lost, of which no client was told that they are saved"));
    plugin->stage = STOPPED;
    ys_loop_disarm(plugin->context.loop, &plugin->stop_timer);
    if (ys_crew_store(plugin->context.crew))
        ys_mailbox_let_loop_end(plugin->context.store_link.mailbox);
    plugin->stopped(plugin->stopped_user);
}

static void on_empty(void *user)
{
    struct ys_plugin *plugin = user;
    struct ys_loop *loop = plugin->context.loop;

    plugin->stage = FLUSHING;
    ys_hub_hurry(plugin->context.hub, ys_loop_now(loop));
    if (ys_hub_is_stored(plugin->context.hub) || ys_loop_now(loop) >= plugin->stop_at_ms)
        end_stopping(plugin);
    else
        ys_loop_arm(loop, &plugin->stop_timer, plugin->stop_at_ms);
}

static void close_connections(struct ys_plugin *plugin)
{
    plugin->stage = CLOSING;
    ys_session_close_all(&plugin->context, YS_WS_CLOSE_GOING_AWAY, "server is shutting down");
    ys_loop_arm(plugin->context.loop, &plugin->stop_timer, plugin->stop_at_ms);
    ys_loop_when_empty(plugin->context.loop, on_empty, plugin);
}

static void on_stop_timer(struct ys_timer *timer, uint64_t now_ms)
{
    struct ys_plugin *plugin = YS_CONTAINER_OF(timer, struct ys_plugin, stop_timer);

    (void)now_ms;
    switch (plugin->stage) {
    case SAVING:
        close_connections(plugin);
        break;
    case CLOSING:
        ys_loop_drop_connections(plugin->context.loop);
        break;
    case FLUSHING:
        end_stopping(plugin);
        break;
    case RUNNING:
    case STOPPED:
        break;
    }
}

void ys_plugin_stop(struct ys_plugin *plugin, uint64_t timeout_ms, void (*stopped)(void *user), void *user)
{
    struct ys_loop *loop = plugin->context.loop;
    uint64_t now_ms = ys_loop_now(loop);
    uint64_t patience_ms = timeout_ms / STORE_PART < MAX_STORE_WAIT_MS ? timeout_ms / STORE_PART : MAX_STORE_WAIT_MS;

    plugin->stopped = stopped;
    plugin->stopped_user = user;
    plugin->context.is_stopping = true;
    plugin->stop_at_ms = now_ms + timeout_ms;
    close_listeners(plugin);
    if (ys_crew_store(plugin->context.crew))
        ys_mailbox_keep_loop_alive(plugin->context.store_link.mailbox);
    ys_hub_hurry(plugin->context.hub, now_ms);
    if (ys_hub_is_stored(plugin->context.hub)) {
        close_connections(plugin);
        return;
    }
    plugin->stage = SAVING;
    ys_loop_arm(loop, &plugin->stop_timer, now_ms + patience_ms);
}
