/* SPDX-License-Identifier: MIT */
/* The options of `ysync serve`: the table that parsing, --help and the manual share, and its values. */
#ifndef YS_CLI_SERVE_OPTIONS_H
#define YS_CLI_SERVE_OPTIONS_H

#include "cli/options.h"
#include "ysync/server.h"

enum ys_log_format {
    YS_LOG_FORMAT_TEXT,
    YS_LOG_FORMAT_JSON,
};

struct ys_serve_options {
    struct ys_option_list hosts;
    uint64_t port;
    uint64_t threads;
    struct ys_option_list routes;
    struct ys_option_list tokens;
    char *token_file;
    char *jwt_key_file;
    char *jwt_issuer;
    char *jwt_audience;
    char *verify_url;
    uint64_t verify_timeout_ms;
    uint64_t reject; /* enum ysync_reject */
    struct ys_option_list allowed_origins;
    uint64_t trusted_proxies;
    uint64_t max_connections;
    uint64_t max_connections_per_ip;
    char *tls_cert_file;
    char *tls_key_file;
    uint64_t evict_after_ms;
    char *store_url;
    uint64_t max_rooms;
    uint64_t max_memory_bytes;
    uint64_t max_room_bytes;
    uint64_t max_pending_bytes;
    uint64_t max_presence_bytes;
    uint64_t compresses;
    uint64_t echoes;
    uint64_t keeps_deleted;
    uint64_t ping_every_ms;
    uint64_t max_message_bytes;
    uint64_t send_buffer_bytes;
    uint64_t messages_per_second;
    uint64_t log_level;  /* enum ysync_log_level */
    uint64_t log_format; /* enum ys_log_format */
    uint64_t shutdown_timeout_ms;
};

extern const struct ys_option ys_serve_options_table[];

/* The server's configuration, but for `log.write`. Borrows the lists: it is good as long as `options` is. */
void ys_serve_options_apply(const struct ys_serve_options *options, struct ysync_server_config *config);

#endif
