/* SPDX-License-Identifier: MIT */
/*
 * A plugin with all that it stands on: what a program's configuration says, in parts that the plugin knows.
 *
 *     ysync_plugin --- routes, auth, TLS      made from the configuration
 *          '---------- ys_loop                on the program's uv_loop_t
 *          '---------- ys_plugin              uses both
 *          '---------- ys_crew                its own, or the server's, where several plugins share one
 *
 * Which thread runs the loop shows in its first turn; from then on debug builds hold every call against it.
 */
#include "server/mount.h"

#include <assert.h>
#include <unistd.h>
#include <uv.h>

#include "base/alloc.h"
#include "base/problem.h"
#include "base/texts.h"
#include "net/descriptor.h"
#include "room/context.h"
#include "server/auth_setup.h"
#include "server/plugin.h"
#include "server/rate.h"

struct ysync_plugin {
    const struct ysync_alloc *alloc;
    struct ysync_plugin_config options; /* of its texts only the origins are used: copies */
    struct ys_loop *loop;
    struct ys_routes *routes;
    struct ys_auth_setup *auth_setup;
    struct ys_auth *auth;
    struct ys_tls_context *tls; /* NULL: what it listens at is plain */
    struct ys_crew *crew;
    bool owns_crew; /* of one */
    size_t place;
    const struct ysync_plugin *first; /* of the crew, where this one listens beside it */
    struct ys_plugin *inside;
    char (*urls)[YS_ADDRESS_TEXT_BYTES];
    size_t url_count;
    size_t url_cap;
    bool is_verifying; /* `verify` is running */
    struct ys_loop_hook hook;
    bool has_thread;
    uv_thread_t thread; /* that runs the loop */
};

void ysync_plugin_config_init(struct ysync_plugin_config *config)
{
    static const char *const routes[] = { "/rooms/:room", "/:room" };

    *config = (struct ysync_plugin_config){
        .routes = routes,
        .route_count = ARRAY_LEN(routes),
        .verify_timeout_ms = 5000,
        .evict_after_ms = 60000,
        .max_pending_bytes = (size_t)16 * 1024 * 1024,
        .max_presence_bytes = YS_HUB_MAX_PRESENCE_BYTES,
        .ping_every_ms = 30000,
        .max_message_bytes = (size_t)64 * 1024 * 1024,
        .send_buffer_bytes = (size_t)1024 * 1024,
    };
}

static enum ysync_err reject(struct ysync_problem *problem, const char *text)
{
    ys_problem_set(problem, "%s", text);
    return YSYNC_ERR_INVALID_ARG;
}

static enum ysync_err check_config(const struct ysync_plugin_config *config, struct ysync_problem *problem)
{
    if (config->max_message_bytes == 0)
        return reject(problem, "the largest message must have at least 1 byte");
    if (config->send_buffer_bytes == 0)
        return reject(problem, "the send buffer must have at least 1 byte");
    if (config->messages_per_second > YS_RATE_MAX_PER_SECOND)
        return reject(problem, "a connection may be given at most 1000000 messages a second");
    if (config->tls_cert_file && !config->tls_key_file)
        return reject(problem, "TLS needs a key beside the certificate: tls_key_file (--tls-key) is missing");
    if (config->tls_key_file && !config->tls_cert_file)
        return reject(problem, "TLS needs a certificate beside the key: tls_cert_file (--tls-cert) is missing");
    if (config->store && config->store_url)
        return reject(problem, "a store is given and the URL of another one, too");
    if ((config->store || config->store_url) && config->events.resolve)
        return reject(problem, "documents are the program's (resolve), so no store can keep them");
    return YSYNC_OK;
}

/* Called by the program's thread, and from inside no callback of its own? */
static void check_caller(const struct ysync_plugin *plugin)
{
#ifndef NDEBUG
    uv_thread_t self = uv_thread_self();

    assert(!plugin->has_thread || uv_thread_equal(&plugin->thread, &self));
    assert(!plugin->is_verifying);
    assert(!plugin->inside || !ys_hub_context(ys_plugin_hub(plugin->inside))->is_in_callback);
#else
    (void)plugin;
#endif
}

static void note_thread(struct ys_loop_hook *hook, uint64_t now_ms)
{
    struct ysync_plugin *plugin = YS_CONTAINER_OF(hook, struct ysync_plugin, hook);

    (void)now_ms;
    plugin->thread = uv_thread_self();
    plugin->has_thread = true;
}

static void on_verify(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    struct ysync_plugin *plugin = user;

    plugin->is_verifying = true;
    plugin->options.verify(plugin->options.verify_user, verification, request);
    plugin->is_verifying = false;
}

/* Errors: as ys_auth_setup_make(). */
static enum ysync_err make_auth(struct ysync_plugin *plugin, uv_loop_t *loop, const struct ysync_plugin_config *config,
                                struct ysync_problem *problem)
{
    const struct ys_auth_setting setting = {
        .loop = loop,
        .log = &plugin->options.log,
        .verify = on_verify,
        .verify_user = plugin,
    };
    enum ysync_err err = ys_auth_setup_new(plugin->alloc, config, &setting, &plugin->auth_setup, problem);

    return err ? err : ys_auth_setup_make(plugin->auth_setup, &plugin->auth, problem);
}

/* Clients will refuse to talk to us, which is theirs to decide; whoever runs this should know. */
static void warn_if_expired(const struct ysync_plugin *plugin, const struct ys_tls_context *tls)
{
    if (ys_tls_context_has_expired(tls))
        ys_log(&plugin->options.log, YSYNC_LOG_WARN, "certificate_expired",
               YS_LOG_STR("file", ys_tls_context_cert_file(tls)));
}

static enum ysync_err make_tls(struct ysync_plugin *plugin, const struct ysync_plugin_config *config,
                               struct ysync_problem *problem)
{
    enum ysync_err err;

    if (!config->tls_cert_file || plugin->place > 0) /* the first one's will be shared */
        return YSYNC_OK;
    err = ys_tls_context_new(plugin->alloc, config->tls_cert_file, config->tls_key_file, &plugin->tls, problem);
    if (!err)
        warn_if_expired(plugin, plugin->tls);
    return err;
}

enum ysync_err ys_mount_new_crew(const struct ysync_alloc *alloc, const struct ysync_plugin_config *config, size_t size,
                                 struct ys_crew **out, struct ysync_problem *problem)
{
    const struct ysync_store_options options = { .alloc = alloc };
    struct ysync_store *own_store = NULL;
    struct ys_crew_config crew = {
        .alloc = alloc,
        .size = size,
        .max_connections = config->max_connections,
        .max_connections_per_ip = config->max_connections_per_ip,
        .max_rooms = config->max_rooms,
        .max_memory_bytes = config->max_memory_bytes,
    };
    enum ysync_err err = check_config(config, problem);

    if (!err && config->store_url)
        err = ysync_store_open(config->store_url, &options, &own_store, problem);
    if (err)
        return err;
    crew.store = own_store ? own_store : config->store;
    crew.own_store = own_store;
    err = ys_crew_new(&crew, out);
    if (err) {
        ysync_store_close(own_store);
        ys_problem_set(problem, "%s", ysync_strerror(err));
    }
    return err;
}

static enum ysync_err make_crew_of_one(struct ysync_plugin *plugin, const struct ysync_plugin_config *config,
                                       struct ysync_problem *problem)
{
    enum ysync_err err = ys_mount_new_crew(plugin->alloc, config, 1, &plugin->crew, problem);

    plugin->owns_crew = !err;
    return err;
}

static enum ysync_err make_inside(struct ysync_plugin *plugin)
{
    const struct ys_plugin_config inside = {
        .options = &plugin->options,
        .routes = plugin->routes,
        .auth = plugin->auth,
        .tls = plugin->tls,
        .crew = plugin->crew,
        .place = plugin->place,
    };

    return ys_plugin_new(plugin->loop, &inside, &plugin->inside);
}

static void free_parts(struct ysync_plugin *plugin)
{
    ys_plugin_free(plugin->inside);
    if (plugin->loop)
        ys_loop_remove_hook(plugin->loop, &plugin->hook);
    ys_loop_close(plugin->loop);
    ys_auth_free(plugin->auth);
    ys_tls_context_unref(plugin->tls);
    ys_auth_setup_free(plugin->auth_setup);
    ys_routes_free(plugin->routes);
    if (plugin->owns_crew)
        ys_crew_free(plugin->crew);
    ys_free(plugin->alloc, (void *)(uintptr_t)plugin->options.allowed_origins);
    ys_free(plugin->alloc, plugin->urls);
    ys_free(plugin->alloc, plugin);
}

static enum ysync_err make_parts(struct ysync_plugin *plugin, uv_loop_t *loop, const struct ysync_plugin_config *config,
                                 struct ysync_problem *problem)
{
    enum ysync_err err = ys_routes_new(plugin->alloc, config->routes, config->route_count, &plugin->routes, problem);

    if (!err)
        err = make_auth(plugin, loop, config, problem);
    if (!err)
        err = make_tls(plugin, config, problem);
    if (!err && !plugin->crew)
        err = make_crew_of_one(plugin, config, problem);
    if (err)
        return err;
    err = ys_texts_copy(plugin->alloc, config->allowed_origins, config->allowed_origin_count,
                        &plugin->options.allowed_origins);
    if (!err)
        err = ys_loop_open(plugin->alloc, loop, &plugin->loop);
    if (err) {
        ys_problem_set(problem, "%s", ysync_strerror(err));
        return err;
    }
    plugin->hook.before_wait = note_thread;
    ys_loop_add_hook(plugin->loop, &plugin->hook);
    err = make_inside(plugin);
    if (err)
        ys_problem_set(problem, "%s", ysync_strerror(err));
    return err;
}

enum ysync_err ys_mount_new(uv_loop_t *loop, const struct ysync_plugin_config *config, struct ys_crew *crew,
                            size_t place, struct ysync_plugin **out, struct ysync_problem *problem)
{
    const struct ysync_alloc *alloc = config->alloc ? config->alloc : ysync_alloc_default();
    struct ysync_plugin *plugin;
    enum ysync_err err = check_config(config, problem);

    if (err)
        return err;
    plugin = ys_alloc_zeroed(alloc, 1, sizeof(*plugin));
    if (!plugin) {
        ys_problem_set(problem, "out of memory");
        return YSYNC_ERR_NOMEM;
    }
    plugin->alloc = alloc;
    plugin->options = *config;
    plugin->options.alloc = alloc;
    plugin->crew = crew;
    plugin->place = place;
    plugin->options.allowed_origins = NULL;
    err = make_parts(plugin, loop, config, problem);
    if (err) {
        free_parts(plugin);
        return err;
    }
    *out = plugin;
    return YSYNC_OK;
}

enum ysync_err ysync_plugin_new(uv_loop_t *loop, const struct ysync_plugin_config *config, struct ysync_plugin **out,
                                struct ysync_problem *problem)
{
    return ys_mount_new(loop, config, NULL, 0, out, problem);
}

void ysync_plugin_free(struct ysync_plugin *plugin)
{
    if (!plugin)
        return;
    check_caller(plugin);
    free_parts(plugin);
}

enum ysync_err ys_mount_listen(struct ysync_plugin *plugin, const struct ys_address *address,
                               struct ysync_problem *problem)
{
    enum ysync_err err;

    check_caller(plugin);
    if (!ys_grow_array(plugin->alloc, &plugin->urls, &plugin->url_cap, plugin->url_count + 1, sizeof(*plugin->urls))) {
        ys_problem_set(problem, "out of memory");
        return YSYNC_ERR_NOMEM;
    }
    err = ys_plugin_listen(plugin->inside, address, problem);
    if (err)
        return err;
    ys_address_format_url(ys_plugin_address(plugin->inside, plugin->url_count), plugin->tls ? "https" : "http",
                          plugin->urls[plugin->url_count]);
    plugin->url_count++;
    return YSYNC_OK;
}

static void use_tls(struct ysync_plugin *plugin, struct ys_tls_context *tls)
{
    ys_plugin_set_tls(plugin->inside, tls);
    ys_tls_context_unref(plugin->tls);
    plugin->tls = tls;
}

/* Sessions are resumed with whichever loop takes the connection, so all of a crew have one context. */
enum ysync_err ys_mount_listen_beside(struct ysync_plugin *plugin, const struct ysync_plugin *first,
                                      struct ysync_problem *problem)
{
    plugin->first = first;
    use_tls(plugin, ys_tls_context_ref(first->tls));
    return ys_plugin_listen_beside(plugin->inside, first->inside, problem);
}

uint16_t ys_mount_port(const struct ysync_plugin *plugin)
{
    return plugin->url_count > 0 ? ys_address_port(ys_plugin_address(plugin->inside, 0)) : 0;
}

enum ysync_err ysync_plugin_listen(struct ysync_plugin *plugin, const char *host, uint16_t port,
                                   struct ysync_problem *problem)
{
    struct ys_address address;

    if (ys_address_parse(host, port, &address)) {
        ys_problem_set(problem, "host \"%s\" is neither an IP address nor unix:/path", host);
        return YSYNC_ERR_INVALID_ARG;
    }
    return ys_mount_listen(plugin, &address, problem);
}

const char *ysync_plugin_address(const struct ysync_plugin *plugin, size_t i)
{
    return i < plugin->url_count ? plugin->urls[i] : NULL;
}

enum ysync_err ysync_plugin_take(struct ysync_plugin *plugin, int fd, struct ysync_bytes read)
{
    check_caller(plugin);
    return ys_plugin_take(plugin->inside, fd, read);
}

enum ysync_err ysync_plugin_take_stream(struct ysync_plugin *plugin, uv_stream_t *stream, struct ysync_bytes read)
{
    enum ysync_err err;
    int copy;

    if (ys_descriptor_copy((uv_handle_t *)stream, &copy) < 0)
        return YSYNC_ERR_IO;
    err = ysync_plugin_take(plugin, copy, read);
    if (err)
        close(copy);
    return err;
}

static void use_auth(struct ysync_plugin *plugin, struct ys_auth *auth)
{
    ys_plugin_set_auth(plugin->inside, auth);
    ys_auth_free(plugin->auth);
    plugin->auth = auth;
}

static enum ysync_err renew_tls(const struct ysync_plugin *plugin, struct ys_tls_context **out,
                                struct ysync_problem *problem)
{
    enum ysync_err err;

    if (plugin->first) {
        *out = ys_tls_context_ref(plugin->first->tls);
        return YSYNC_OK;
    }
    err = ys_tls_context_renew(plugin->tls, out, problem);
    if (!err)
        warn_if_expired(plugin, *out);
    return err;
}

enum ysync_err ysync_plugin_reload(struct ysync_plugin *plugin, struct ysync_problem *problem)
{
    struct ys_auth *auth = NULL;
    struct ys_tls_context *tls = NULL;
    enum ysync_err err = YSYNC_OK;

    check_caller(plugin);
    if (ys_auth_setup_has_files(plugin->auth_setup))
        err = ys_auth_setup_make(plugin->auth_setup, &auth, problem);
    if (!err && plugin->tls)
        err = renew_tls(plugin, &tls, problem);
    if (err) {
        ys_auth_free(auth);
        return err;
    }
    if (auth)
        use_auth(plugin, auth);
    if (tls)
        use_tls(plugin, tls);
    return YSYNC_OK;
}

struct ysync_hub *ysync_plugin_hub(const struct ysync_plugin *plugin)
{
    return ys_hub_public(ys_plugin_hub(plugin->inside));
}

void ysync_plugin_stop(struct ysync_plugin *plugin, uint64_t timeout_ms, void (*stopped)(void *user), void *user)
{
    check_caller(plugin);
    plugin->url_count = 0;
    ys_plugin_stop(plugin->inside, timeout_ms, stopped, user);
}
