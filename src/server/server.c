/* SPDX-License-Identifier: MIT */
/*
 * The whole server: threads of which each runs a loop with a plugin on it.
 *
 *     caller's thread      new: loops, plugins  start: listens; then the threads begin       stop: asyncs, joins
 *     workers' threads                                  uv_run ............................ stop, free them
 *
 * All workers listen at the same sockets. Which of them takes a connection is the kernel's choice; where it ends up is
 * its room's (crew.h).
 *
 * Everything that can fail is done before the thread begins, so a start that succeeded listens, and one that failed
 * leaves nothing behind. Afterwards the two threads share two uv_async_t and nothing else. All the rest is the
 * plugin's, which this uses as any program with a loop would.
 *
 * libuv writes to sockets without MSG_NOSIGNAL, so a peer that has gone would send this process a SIGPIPE. The worker's
 * thread blocks that signal for itself and leaves the rest of the program alone.
 */
#include "ysync/server.h"

#include <pthread.h>
#include <signal.h>
#include <string.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/log.h"
#include "base/problem.h"
#include "server/mount.h"

enum state {
    CREATED,
    RUNNING,
    STOPPED,
};

struct worker {
    struct ysync_server *server;
    bool has_thread; /* to be joined */
    uv_loop_t loop;
    struct ysync_plugin *plugin; /* NULL: there is no loop either */
    uv_async_t stop;
    uv_async_t reload;
    struct reloading *reloading; /* while somebody waits for it */
    uv_thread_t thread;
};

struct reloading {
    enum ysync_err err;
    struct ysync_problem problem;
    uv_sem_t done;
};

struct ysync_server {
    const struct ysync_alloc *alloc;
    struct ysync_log log;
    struct ys_address *addresses;
    size_t address_count;
    char (*urls)[YS_ADDRESS_TEXT_BYTES]; /* as many, once it listens */
    uint64_t shutdown_timeout_ms;
    uv_mutex_t mutex; /* guards `state`, and is held while it changes */
    enum state state;
    struct ys_crew *crew;
    size_t worker_count;
    struct worker *workers;
};

void ysync_server_config_init(struct ysync_server_config *config)
{
    static const char *const hosts[] = { "127.0.0.1" };

    *config = (struct ysync_server_config){
        .hosts = hosts,
        .host_count = ARRAY_LEN(hosts),
        .port = 3913,
        .shutdown_timeout_ms = 10000,
    };
    ysync_plugin_config_init(&config->plugin);
}

static enum ysync_err copy_hosts(struct ysync_server *server, const struct ysync_server_config *config,
                                 struct ysync_problem *problem)
{
    size_t count = config->host_count;

    if (count == 0) {
        ys_problem_set(problem, "no host to listen on is given");
        return YSYNC_ERR_INVALID_ARG;
    }
    server->addresses = ys_alloc_zeroed(server->alloc, count, sizeof(*server->addresses));
    server->urls = ys_alloc_zeroed(server->alloc, count, sizeof(*server->urls));
    if (!server->addresses || !server->urls)
        return YSYNC_ERR_NOMEM;
    server->address_count = count;
    for (size_t i = 0; i < count; i++) {
        if (ys_address_parse(config->hosts[i], config->port, &server->addresses[i])) {
            ys_problem_set(problem, "host \"%s\" is neither an IP address nor unix:/path", config->hosts[i]);
            return YSYNC_ERR_INVALID_ARG;
        }
    }
    return YSYNC_OK;
}

static void close_worker(struct worker *worker)
{
    ysync_plugin_free(worker->plugin);
    worker->plugin = NULL;
    uv_run(&worker->loop, UV_RUN_DEFAULT); /* until libuv has let go of everything */
    uv_loop_close(&worker->loop);
}

static enum ysync_err make_worker(struct worker *worker, const struct ysync_server_config *config,
                                  struct ysync_problem *problem)
{
    struct ysync_server *server = worker->server;
    enum ysync_err err;

    if (uv_loop_init(&worker->loop) < 0) {
        ys_problem_set(problem, "cannot make an event loop");
        return YSYNC_ERR_IO;
    }
    err = ys_mount_new(&worker->loop, &config->plugin, server->crew, (size_t)(worker - server->workers),
                       &worker->plugin, problem);
    if (err)
        close_worker(worker);
    return err;
}

static enum ysync_err make_workers(struct ysync_server *server, const struct ysync_server_config *config,
                                   struct ysync_problem *problem)
{
    size_t count = config->threads > 0 ? config->threads : uv_available_parallelism();
    enum ysync_err err = ys_mount_new_crew(server->alloc, &config->plugin, count, &server->crew, problem);

    if (err)
        return err;
    server->workers = ys_alloc_zeroed(server->alloc, count, sizeof(*server->workers));
    if (!server->workers)
        return YSYNC_ERR_NOMEM;
    server->worker_count = count;
    for (size_t i = 0; !err && i < count; i++) {
        server->workers[i].server = server;
        err = make_worker(&server->workers[i], config, problem);
    }
    return err;
}

static void close_workers(struct ysync_server *server)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        if (server->workers[i].plugin)
            close_worker(&server->workers[i]);
    }
}

static void free_parts(struct ysync_server *server)
{
    close_workers(server);
    ys_crew_free(server->crew);
    ys_free(server->alloc, server->workers);
    ys_free(server->alloc, server->urls);
    ys_free(server->alloc, server->addresses);
    ys_free(server->alloc, server);
}

static enum ysync_err make_parts(struct ysync_server *server, const struct ysync_server_config *config,
                                 struct ysync_problem *problem)
{
    enum ysync_err err = copy_hosts(server, config, problem);

    if (!err)
        err = make_workers(server, config, problem);
    if (!err && uv_mutex_init(&server->mutex) != 0)
        err = YSYNC_ERR_NOMEM;
    return err;
}

enum ysync_err ysync_server_new(const struct ysync_server_config *config, struct ysync_server **out,
                                struct ysync_problem *problem)
{
    const struct ysync_alloc *alloc = config->plugin.alloc ? config->plugin.alloc : ysync_alloc_default();
    struct ysync_server *server = ys_alloc_zeroed(alloc, 1, sizeof(*server));
    enum ysync_err err;

    ys_problem_set(problem, "out of memory"); /* until something else is */
    if (!server)
        return YSYNC_ERR_NOMEM;
    server->alloc = alloc;
    server->log = config->plugin.log;
    server->shutdown_timeout_ms = config->shutdown_timeout_ms;
    err = make_parts(server, config, problem);
    if (err) {
        free_parts(server);
        return err;
    }
    *out = server;
    return YSYNC_OK;
}

static void close_asyncs(struct worker *worker)
{
    uv_close((uv_handle_t *)&worker->stop, NULL);
    uv_close((uv_handle_t *)&worker->reload, NULL);
}

static void on_stopped(void *user)
{
    struct worker *worker = user;

    close_asyncs(worker);
}

static void on_stop(uv_async_t *async)
{
    struct worker *worker = async->data;
    struct ysync_server *server = worker->server;

    ysync_plugin_stop(worker->plugin, server->shutdown_timeout_ms, on_stopped, worker);
}

static void on_reload(uv_async_t *async)
{
    struct worker *worker = async->data;
    struct reloading *reloading = worker->reloading;

    worker->reloading = NULL;
    reloading->err = ysync_plugin_reload(worker->plugin, &reloading->problem);
    uv_sem_post(&reloading->done);
}

static void run_worker(void *arg)
{
    struct worker *worker = arg;
    sigset_t pipe_signal;

    sigemptyset(&pipe_signal);
    sigaddset(&pipe_signal, SIGPIPE);
    pthread_sigmask(SIG_BLOCK, &pipe_signal, NULL);
    uv_run(&worker->loop, UV_RUN_DEFAULT);
    close_worker(worker);
}

/* Where port 0 was asked for, all addresses get the port that the first one got. */
static enum ysync_err listen_on_all(struct ysync_server *server, struct ysync_plugin *plugin,
                                    struct ysync_problem *problem)
{
    for (size_t i = 0; i < server->address_count; i++) {
        struct ys_address address = server->addresses[i];
        enum ysync_err err;

        if (ys_address_port(&address) == 0)
            ys_address_set_port(&address, ys_mount_port(plugin));
        err = ys_mount_listen(plugin, &address, problem);
        if (err)
            return err;
    }
    return YSYNC_OK;
}

static enum ysync_err listen_with_all(struct ysync_server *server, struct ysync_problem *problem)
{
    struct ysync_plugin *first = server->workers[0].plugin;
    enum ysync_err err = listen_on_all(server, first, problem);

    for (size_t i = 1; !err && i < server->worker_count; i++)
        err = ys_mount_listen_beside(server->workers[i].plugin, first, problem);
    return err;
}

static void note_addresses(struct ysync_server *server)
{
    for (size_t i = 0; i < server->address_count; i++)
        memcpy(server->urls[i], ysync_plugin_address(server->workers[0].plugin, i), YS_ADDRESS_TEXT_BYTES);
}

static enum ysync_err start_worker(struct worker *worker, struct ysync_problem *problem)
{
    ys_problem_set(problem, "cannot make a thread");
    if (uv_async_init(&worker->loop, &worker->stop, on_stop) != 0)
        return YSYNC_ERR_IO;
    uv_async_init(&worker->loop, &worker->reload, on_reload); /* only the first one on a loop can fail */
    worker->stop.data = worker->reload.data = worker;
    worker->has_thread = uv_thread_create(&worker->thread, run_worker, worker) == 0;
    if (worker->has_thread)
        return YSYNC_OK;
    close_asyncs(worker);
    return YSYNC_ERR_IO;
}

static void join_workers(struct ysync_server *server)
{
    for (size_t i = 0; i < server->worker_count; i++) {
        if (server->workers[i].has_thread)
            uv_async_send(&server->workers[i].stop);
    }
    for (size_t i = 0; i < server->worker_count; i++) {
        if (server->workers[i].has_thread)
            uv_thread_join(&server->workers[i].thread);
        server->workers[i].has_thread = false;
    }
}

static enum ysync_err start_workers(struct ysync_server *server, struct ysync_problem *problem)
{
    enum ysync_err err = listen_with_all(server, problem);

    if (!err)
        note_addresses(server);
    for (size_t i = 0; !err && i < server->worker_count; i++)
        err = start_worker(&server->workers[i], problem);
    if (!err)
        return YSYNC_OK;
    join_workers(server);
    close_workers(server);
    memset(server->urls, 0, server->address_count * sizeof(*server->urls));
    return err;
}

enum ysync_err ysync_server_start(struct ysync_server *server, struct ysync_problem *problem)
{
    enum ysync_err err = YSYNC_ERR_CONFLICT;

    uv_mutex_lock(&server->mutex);
    ys_problem_set(problem, "the server has been started before");
    if (server->state == CREATED) {
        err = start_workers(server, problem);
        server->state = err ? STOPPED : RUNNING;
    }
    uv_mutex_unlock(&server->mutex);
    for (size_t i = 0; !err && i < server->address_count; i++)
        ys_log(&server->log, YSYNC_LOG_INFO, "listening", YS_LOG_STR("address", server->urls[i]));
    return err;
}

const char *ysync_server_address(const struct ysync_server *server, size_t i)
{
    return i < server->address_count && server->urls[i][0] ? server->urls[i] : NULL;
}

/* The worker does it between two turns, and says so. */
static enum ysync_err reload_worker(struct worker *worker, struct ysync_problem *problem)
{
    struct reloading reloading = { .problem = { "" } };

    if (uv_sem_init(&reloading.done, 0) != 0)
        return YSYNC_ERR_NOMEM;
    worker->reloading = &reloading;
    uv_async_send(&worker->reload);
    uv_sem_wait(&reloading.done);
    uv_sem_destroy(&reloading.done);
    ys_problem_set(problem, "%s", reloading.problem.text);
    return reloading.err;
}

/* One after the other: what one could read the others can. */
static enum ysync_err reload_workers(struct ysync_server *server, struct ysync_problem *problem)
{
    enum ysync_err err = YSYNC_OK;

    for (size_t i = 0; !err && i < server->worker_count; i++)
        err = reload_worker(&server->workers[i], problem);
    return err;
}

enum ysync_err ysync_server_reload(struct ysync_server *server, struct ysync_problem *problem)
{
    enum ysync_err err = YSYNC_ERR_CLOSED;

    uv_mutex_lock(&server->mutex);
    ys_problem_set(problem, "the server does not run");
    if (server->state == RUNNING)
        err = reload_workers(server, problem);
    uv_mutex_unlock(&server->mutex);
    if (err)
        return err;
    ys_log(&server->log, YSYNC_LOG_INFO, "reloaded", YS_LOG_STR("address", server->urls[0]));
    return YSYNC_OK;
}

void ysync_server_stop(struct ysync_server *server)
{
    uv_mutex_lock(&server->mutex);
    if (server->state == RUNNING) {
        ys_log(&server->log, YSYNC_LOG_INFO, "stopping", YS_LOG_NUM("timeout_ms", server->shutdown_timeout_ms));
        join_workers(server);
        server->state = STOPPED;
        ys_log(&server->log, YSYNC_LOG_INFO, "stopped", YS_LOG_STR("address", server->urls[0]));
    }
    uv_mutex_unlock(&server->mutex);
}

void ysync_server_free(struct ysync_server *server)
{
    if (!server)
        return;
    ysync_server_stop(server);
    uv_mutex_destroy(&server->mutex);
    free_parts(server);
}
