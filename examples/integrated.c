/* SPDX-License-Identifier: MIT */
/*
 * A program with a document of its own that clients look at, and write into, live: `integrated [PORT]`. What is typed
 * at the program is appended to the Y.Text "log" of room "journal"; other rooms do not exist (4004, HTTP 404).
 *
 *     input ----> an update ----> ysync_room_apply() ----> the document, and every client in the room
 *     clients ----------------------------------------'--> on_updated()
 *
 * The program is a client like the others, with a client id and clocks. What it writes is encoded by hand: one string
 * for each line, behind the one before.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <ysync/ysync.h>

#define MY_CLIENT 7 /* a program that restarts needs another one each time */

static const struct ysync_bytes journal_name = { (const uint8_t *)"journal", 7 };

static uv_loop_t loop;
static uv_pipe_t input;
static struct ysync_plugin *plugin;
static struct ysync_doc *journal;
static uint64_t my_clock;
static char line[120];
static size_t line_len;

/* Any other room: there is none. */
static struct ysync_doc *resolve(void *user, struct ysync_bytes room)
{
    (void)user;
    return room.len == journal_name.len && memcmp(room.data, journal_name.data, room.len) == 0 ? journal : NULL;
}

static void on_updated(void *user, struct ysync_room *room, uint64_t origin, struct ysync_bytes update)
{
    (void)user;
    (void)room;
    printf("%s wrote %zu bytes\n", origin == 0 ? "the program" : "a client", update.len);
    fflush(stdout);
}

/* Nobody is in the room any more. The document stays ours. */
static void on_evicted(void *user, struct ysync_room *room)
{
    (void)user;
    (void)room;
    printf("evicted\n");
    fflush(stdout);
}

/* lib0's numbers: seven bits a byte, the lowest first. */
static uint8_t *put_number(uint8_t *to, uint64_t n)
{
    while (n > 127) {
        *to++ = (uint8_t)(n | 128);
        n >>= 7;
    }
    *to++ = (uint8_t)n;
    return to;
}

/* One update: 1 client with 1 struct, a string at my_clock; nothing deleted. Only ASCII, where a clock is a byte. */
static size_t encode_line(uint8_t *update, const char *text, size_t len)
{
    uint8_t *end = update;

    *end++ = 1;
    *end++ = 1;
    end = put_number(end, MY_CLIENT);
    end = put_number(end, my_clock);
    if (my_clock == 0) {
        memcpy(end, "\x04\x01\x03log", 6); /* a string in the root type "log" */
        end += 6;
    } else {
        *end++ = 0x84; /* a string behind this one: */
        end = put_number(end, MY_CLIENT);
        end = put_number(end, my_clock - 1);
    }
    end = put_number(end, len);
    memcpy(end, text, len);
    end += len;
    *end++ = 0;
    return (size_t)(end - update);
}

/* Opening finds the room that clients are in, or makes it, with our document, if they are all gone. */
static void append_line(void)
{
    uint8_t update[200];
    struct ysync_bytes bytes = { update, encode_line(update, line, line_len) };
    struct ysync_room *room;
    enum ysync_err err = ysync_hub_open(ysync_plugin_hub(plugin), journal_name, uv_now(&loop), &room);

    if (!err)
        err = ysync_room_apply(room, bytes, uv_now(&loop));
    if (err)
        fprintf(stderr, "%s\n", ysync_strerror(err));
    else
        my_clock += line_len;
    line_len = 0;
}

static void on_stopped(void *user)
{
    (void)user;
    ysync_plugin_free(plugin);
    ysync_doc_free(journal); /* ours, after the last room that used it */
}

static void lend_scratch(uv_handle_t *handle, size_t suggested, uv_buf_t *out)
{
    static char scratch[256];

    (void)handle;
    (void)suggested;
    *out = uv_buf_init(scratch, sizeof(scratch));
}

static void on_input(uv_stream_t *stream, ssize_t count, const uv_buf_t *buf)
{
    if (count < 0) {
        uv_close((uv_handle_t *)stream, NULL);
        ysync_plugin_stop(plugin, 5000, on_stopped, NULL);
        return;
    }
    for (ssize_t i = 0; i < count; i++) {
        line[line_len++] = buf->base[i];
        if (buf->base[i] == '\n' || line_len == sizeof(line))
            append_line();
    }
}

int main(int argc, char **argv)
{
    struct ysync_plugin_config config;
    struct ysync_problem problem = { "out of memory" };

    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    ysync_plugin_config_init(&config);
    config.evict_after_ms = 100;
    config.events = (struct ysync_room_events){ .resolve = resolve, .updated = on_updated, .evicted = on_evicted };
    if (ysync_doc_new(NULL, &journal) || ysync_plugin_new(&loop, &config, &plugin, &problem) ||
        ysync_plugin_listen(plugin, "127.0.0.1", argc > 1 ? (uint16_t)atoi(argv[1]) : 3913, &problem)) {
        fprintf(stderr, "%s\n", problem.text);
        return 1;
    }
    printf("serving at %s\n", ysync_plugin_address(plugin, 0));
    fflush(stdout);
    uv_pipe_init(&loop, &input, 0);
    uv_pipe_open(&input, 0);
    uv_read_start((uv_stream_t *)&input, lend_scratch, on_input);
    uv_run(&loop, UV_RUN_DEFAULT);
    return uv_loop_close(&loop) == 0 ? 0 : 1;
}
