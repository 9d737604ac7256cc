/* SPDX-License-Identifier: MIT */
/*
 * The server runs on threads of its own; the main thread only waits for a signal. SIGHUP, SIGTERM and SIGINT are
 * blocked before those threads start, so that none of them can be interrupted by one, and sigwait() takes them.
 * After the first that stops the server, the next one ends the program on the spot, in case stopping takes longer than
 * somebody likes.
 */
#include "cli/serve.h"

#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>
#include <unistd.h>

#include "base/log.h"
#include "cli/give_back.h"
#include "cli/trimmer.h"

/* The longest room name takes 3 KiB when every byte of it is escaped. */
#define MAX_LOG_LINE 8192

/* How long after an eviction memory goes back to the system, at the earliest. */
#define TRIM_AFTER_MS 1000

/* "2026-01-31T23:59:59.123Z" (RFC 3339) */
static void format_time(char *to, size_t size)
{
    struct timespec now;
    struct tm utc;
    char seconds[32];

    clock_gettime(CLOCK_REALTIME, &now);
    gmtime_r(&now.tv_sec, &utc);
    strftime(seconds, sizeof(seconds), "%Y-%m-%dT%H:%M:%S", &utc);
    snprintf(to, size, "%s.%03dZ", seconds, (int)(now.tv_nsec / 1000000));
}

/* Each line leaves in one call, so that lines of several threads do not mix. */
static void log_text(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    char line[MAX_LOG_LINE];
    char now[40];

    (void)user;
    format_time(now, sizeof(now));
    ysync_log_format_text(line, sizeof(line), level, event, fields);
    fprintf(stderr, "%s %s\n", now, line);
}

static void log_json(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    char line[MAX_LOG_LINE];
    char now[40];

    (void)user;
    format_time(now, sizeof(now));
    ysync_log_format_json(line, sizeof(line), level, event, fields);
    fprintf(stderr, "{\"time\":\"%s\",%s\n", now, line + 1); /* the object goes on behind its brace */
}

/* A handler and not the default action, which process 1 of a container does not have. */
static void end_at_once(int signal_number)
{
    _exit(128 + signal_number);
}

static void block_signals(sigset_t *awaited)
{
    struct sigaction action;

    memset(&action, 0, sizeof(action));
    action.sa_handler = end_at_once;
    sigemptyset(awaited);
    sigaddset(awaited, SIGHUP);
    sigaddset(awaited, SIGTERM);
    sigaddset(awaited, SIGINT);
    pthread_sigmask(SIG_BLOCK, awaited, NULL);
    sigaction(SIGTERM, &action, NULL);
    sigaction(SIGINT, &action, NULL);
}

static void reload(struct ysync_server *server, const struct ysync_log *log)
{
    struct ysync_problem problem = { "" };

    if (ysync_server_reload(server, &problem))
        ys_log(log, YSYNC_LOG_ERROR, "reload_failed", YS_LOG_STR("problem", problem.text),
               YS_LOG_STR("effect", "what was read before stays in use"));
}

/* SIGHUP reads files again. The first other signal stops the server; SIGHUP stays blocked, as it must not end what is
 * stopping in good order. */
static void wait_for_stop(struct ysync_server *server, const struct ysync_log *log, sigset_t *awaited)
{
    int signal_number = 0;

    while (sigwait(awaited, &signal_number) == 0 && signal_number == SIGHUP)
        reload(server, log);
    sigdelset(awaited, SIGHUP);
    pthread_sigmask(SIG_UNBLOCK, awaited, NULL);
}

/* Whoever started the program may wait for these lines: they must not sit in a buffer. */
static void announce(const struct ysync_server *server)
{
    const char *address;

    for (size_t i = 0; (address = ysync_server_address(server, i)) != NULL; i++)
        printf("ysync: listening on %s\n", address);
    fflush(stdout);
}

static void on_evicted(void *user, struct ysync_room *room)
{
    (void)room;
    ys_trimmer_note(user);
}

static int complain(enum ysync_err err, const struct ysync_problem *problem)
{
    fprintf(stderr, "ysync: %s\n", problem->text[0] ? problem->text : ysync_strerror(err));
    return err == YSYNC_ERR_INVALID_ARG ? 2 : 1;
}

int ys_serve(const struct ys_serve_options *options)
{
    struct ysync_server_config config;
    struct ysync_problem problem = { "" };
    struct ysync_server *server = NULL;
    struct ys_trimmer *trimmer = NULL;
    sigset_t awaited;
    enum ysync_err err;
    int status = 0;

    ys_serve_options_apply(options, &config);
    config.plugin.log.write = options->log_format == YS_LOG_FORMAT_JSON ? log_json : log_text;
    block_signals(&awaited);
    ys_give_back_large_blocks();

    err = ys_trimmer_start(ys_give_back_memory, TRIM_AFTER_MS, &trimmer);
    config.plugin.events.user = trimmer;
    config.plugin.events.evicted = on_evicted;
    if (!err)
        err = ysync_server_new(&config, &server, &problem);
    if (!err)
        err = ysync_server_start(server, &problem);
    if (err) {
        status = complain(err, &problem);
        goto done;
    }
    announce(server);
    wait_for_stop(server, &config.plugin.log, &awaited);
    ysync_server_stop(server);
done:
    ysync_server_free(server);
    ys_trimmer_stop(trimmer);
    return status;
}
