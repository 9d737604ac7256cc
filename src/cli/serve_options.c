/* SPDX-License-Identifier: MIT */
#include "cli/serve_options.h"

#include <string.h>

#define MEMORY_STORE "memory:"

#define KIB UINT64_C(1024)
#define GIB (KIB * KIB * KIB)
#define HOUR_MS UINT64_C(3600000)
#define YEAR_MS (365 * 24 * HOUR_MS)

static bool is_host(const char *host)
{
    return host[0] != '\0' && strcmp(host, "unix:") != 0;
}

static bool is_route(const char *route)
{
    return route[0] == '/' && strstr(route, ":room") != NULL;
}

/* What a browser sends: scheme and host, perhaps a port. */
static bool is_origin(const char *origin)
{
    const char *host = strstr(origin, "://");

    return host && host != origin && host[3] != '\0' && !strchr(host + 3, '/');
}

static bool is_store(const char *url)
{
    return strcmp(url, MEMORY_STORE) == 0 || (strncmp(url, "sqlite:", 7) == 0 && url[7] != '\0');
}

#define TO(field) offsetof(struct ys_serve_options, field)

/* clang-format off */
const struct ys_option ys_serve_options_table[] = {
    { .name = "host", .kind = YS_OPTION_LIST, .value_name = "ADDR", .default_text = "127.0.0.1",
      .accepts = is_host, .expects = "an address, such as 127.0.0.1, ::1 or unix:/run/ysync.sock",
      .offset = TO(hosts), .help = "address to listen on (repeatable; IPv6 too; `unix:/path` for a Unix socket)" },
    { .name = "port", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "3913",
      .min = 0, .max = UINT16_MAX,
      .offset = TO(port), .help = "port to listen on; 0 picks a free one" },
    { .name = "threads", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = 256,
      .offset = TO(threads), .help = "event loops that share the rooms; 0: one for each core" },
    { .name = "route", .kind = YS_OPTION_LIST, .value_name = "PATTERN", .default_text = "/rooms/:room,/:room",
      .accepts = is_route, .expects = "a path with :room in it, such as /docs/:room",
      .offset = TO(routes), .help = "where rooms live (repeatable; giving one replaces both defaults)" },
    { .name = "token", .kind = YS_OPTION_LIST, .value_name = "SECRET",
      .expects = "a secret: it is empty",
      .offset = TO(tokens), .help = "clients must know this secret, or another one given (repeatable)" },
    { .name = "token-file", .kind = YS_OPTION_TEXT, .value_name = "FILE",
      .offset = TO(token_file), .help = "the same, one secret a line; SIGHUP reads it again" },
    { .name = "jwt-key", .kind = YS_OPTION_TEXT, .value_name = "FILE",
      .offset = TO(jwt_key_file), .help = "tokens must be signed: a public key or a secret; SIGHUP reads it again" },
    { .name = "jwt-issuer", .kind = YS_OPTION_TEXT, .value_name = "TEXT",
      .offset = TO(jwt_issuer), .help = "what `iss` must be in a signed token" },
    { .name = "jwt-audience", .kind = YS_OPTION_TEXT, .value_name = "TEXT",
      .offset = TO(jwt_audience), .help = "what `aud` must be, or hold, in a signed token" },
    { .name = "verify-url", .kind = YS_OPTION_TEXT, .value_name = "URL",
      .offset = TO(verify_url), .help = "ask this HTTP endpoint who may come in" },
    { .name = "verify-timeout", .kind = YS_OPTION_DURATION, .value_name = "D", .default_text = "5s",
      .min = 1, .max = HOUR_MS,
      .offset = TO(verify_timeout_ms), .help = "how long to wait for its answer; then the client is to try again" },
    { .name = "reject", .kind = YS_OPTION_CHOICE, .value_name = "4001|4401|http", .default_text = "4001",
      .offset = TO(reject), .help = "how an unauthorized WebSocket is turned away: by a close code, or HTTP 401" },
    { .name = "allow-origin", .kind = YS_OPTION_LIST, .value_name = "ORIGIN",
      .accepts = is_origin, .expects = "an origin, such as https://app.example.org, without a path",
      .offset = TO(allowed_origins), .help = "accept requests of browsers only from pages of this origin (repeatable)" },
    { .name = "trust-proxy", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = 16,
      .offset = TO(trusted_proxies), .help = "so many proxies stand in front and set X-Forwarded-For; 0: it is not believed" },
    { .name = "max-connections", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = UINT32_MAX,
      .offset = TO(max_connections), .help = "then new ones get HTTP 503; 0: no limit" },
    { .name = "max-connections-per-ip", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = UINT32_MAX,
      .offset = TO(max_connections_per_ip), .help = "then HTTP 429; 0: no limit" },
    { .name = "evict-after", .kind = YS_OPTION_DURATION, .value_name = "D", .default_text = "60s",
      .min = 0, .max = YEAR_MS,
      .offset = TO(evict_after_ms), .help = "how long an empty room is kept" },
    { .name = "ping-every", .kind = YS_OPTION_DURATION, .value_name = "D", .default_text = "30s",
      .min = 10, .max = HOUR_MS,
      .offset = TO(ping_every_ms), .help = "WebSocket ping; a peer that has not answered by the next one is dropped" },
    { .name = "store", .kind = YS_OPTION_TEXT, .value_name = "URL", .default_text = MEMORY_STORE,
      .accepts = is_store, .expects = "memory: or sqlite:PATH, such as sqlite:/var/lib/ysync/rooms.db",
      .offset = TO(store_url), .help = "where documents live: in memory alone, or in a SQLite file (sqlite:PATH)" },
    { .name = "max-rooms", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = UINT32_MAX,
      .offset = TO(max_rooms), .help = "then a new room is refused with HTTP 503; 0: no limit" },
    { .name = "max-memory", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "0",
      .min = 0, .max = 1024 * GIB,
      .offset = TO(max_memory_bytes), .help = "of all documents; then a new room is refused with HTTP 503; 0: no limit" },
    { .name = "max-room-size", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "0",
      .min = 0, .max = 4 * GIB,
      .offset = TO(max_room_bytes),
      .help = "an update that would grow a document past it closes its sender (4413); 0: no limit" },
    { .name = "max-pending", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "16m",
      .min = 0, .max = 4 * GIB,
      .offset = TO(max_pending_bytes), .help = "most bytes a room keeps of updates whose dependencies have not come" },
    { .name = "max-presence", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "64k",
      .min = 64, .max = 64 * KIB * KIB,
      .offset = TO(max_presence_bytes), .help = "largest presence state of one client id" },
    { .name = "compress", .kind = YS_OPTION_SWITCH, .value_name = "off|on", .default_text = "off",
      .offset = TO(compresses), .help = "compress messages for clients that offer it (permessage-deflate)" },
    { .name = "echo", .kind = YS_OPTION_SWITCH, .value_name = "off|on", .default_text = "off",
      .offset = TO(echoes), .help = "send an applied update back to its sender too" },
    { .name = "no-gc", .kind = YS_OPTION_SWITCH, .value_name = "off|on", .default_text = "off",
      .offset = TO(keeps_deleted), .help = "keep deleted content, which clients that show old snapshots need" },
    { .name = "max-message", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "64m",
      .min = KIB, .max = GIB,
      .offset = TO(max_message_bytes), .help = "largest WebSocket message" },
    { .name = "send-buffer", .kind = YS_OPTION_SIZE, .value_name = "SIZE", .default_text = "1m",
      .min = 4 * KIB, .max = GIB,
      .offset = TO(send_buffer_bytes), .help = "most bytes queued for one connection" },
    { .name = "rate", .kind = YS_OPTION_NUMBER, .value_name = "N", .default_text = "0",
      .min = 0, .max = 1000000,
      .offset = TO(messages_per_second),
      .help = "messages a second for one connection, over 10 s; then it is read more slowly; 0: no limit" },
    { .name = "tls-cert", .kind = YS_OPTION_TEXT, .value_name = "FILE",
      .offset = TO(tls_cert_file), .help = "serve https and wss with this certificate chain; SIGHUP reads it again" },
    { .name = "tls-key", .kind = YS_OPTION_TEXT, .value_name = "FILE",
      .offset = TO(tls_key_file), .help = "the key of that certificate" },
    { .name = "log-level", .kind = YS_OPTION_CHOICE, .value_name = "error|warn|info|debug", .default_text = "info",
      .offset = TO(log_level), .help = "the least important events that are logged" },
    { .name = "log-format", .kind = YS_OPTION_CHOICE, .value_name = "text|json", .default_text = "text",
      .offset = TO(log_format), .help = "how log lines on stderr look" },
    { .name = "shutdown-timeout", .kind = YS_OPTION_DURATION, .value_name = "D", .default_text = "10s",
      .min = 0, .max = HOUR_MS,
      .offset = TO(shutdown_timeout_ms), .help = "how long to wait for clients to say goodbye when stopping" },
    { .name = NULL },
};
/* clang-format on */

void ys_serve_options_apply(const struct ys_serve_options *options, struct ysync_server_config *config)
{
    struct ysync_plugin_config *plugin = &config->plugin;

    ysync_server_config_init(config);
    plugin->log.level = (enum ysync_log_level)options->log_level;
    config->hosts = options->hosts.items;
    config->host_count = options->hosts.count;
    config->port = (uint16_t)options->port;
    config->threads = (size_t)options->threads;
    plugin->routes = options->routes.items;
    plugin->route_count = options->routes.count;
    plugin->tokens = options->tokens.items;
    plugin->token_count = options->tokens.count;
    plugin->token_file = options->token_file;
    plugin->jwt_key_file = options->jwt_key_file;
    plugin->jwt_issuer = options->jwt_issuer;
    plugin->jwt_audience = options->jwt_audience;
    plugin->verify_url = options->verify_url;
    plugin->verify_timeout_ms = options->verify_timeout_ms;
    plugin->reject = (enum ysync_reject)options->reject;
    plugin->allowed_origins = options->allowed_origins.items;
    plugin->allowed_origin_count = options->allowed_origins.count;
    plugin->trusted_proxies = (unsigned)options->trusted_proxies;
    plugin->max_connections = (size_t)options->max_connections;
    plugin->max_connections_per_ip = (size_t)options->max_connections_per_ip;
    plugin->tls_cert_file = options->tls_cert_file;
    plugin->tls_key_file = options->tls_key_file;
    plugin->store_url = strcmp(options->store_url, MEMORY_STORE) == 0 ? NULL : options->store_url;
    plugin->max_memory_bytes = (size_t)options->max_memory_bytes;
    plugin->evict_after_ms = options->evict_after_ms;
    plugin->max_rooms = (size_t)options->max_rooms;
    plugin->max_room_bytes = (size_t)options->max_room_bytes;
    plugin->max_pending_bytes = (size_t)options->max_pending_bytes;
    plugin->max_presence_bytes = (size_t)options->max_presence_bytes;
    plugin->compress = options->compresses != 0;
    plugin->echoes = options->echoes != 0;
    plugin->gc = options->keeps_deleted ? YSYNC_GC_OFF : YSYNC_GC_COMPACT;
    plugin->ping_every_ms = options->ping_every_ms;
    plugin->max_message_bytes = (size_t)options->max_message_bytes;
    plugin->send_buffer_bytes = (size_t)options->send_buffer_bytes;
    plugin->messages_per_second = (size_t)options->messages_per_second;
    config->shutdown_timeout_ms = options->shutdown_timeout_ms;
}
