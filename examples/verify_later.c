/* SPDX-License-Identifier: MIT */
/*
 * Who may come in is decided by the program, which takes its time: `verify_later [PORT]`. Token "write" may write,
 * "read" may read, and nobody else comes in; the answer comes from a timer, as it would from a database.
 *
 *     verify ---> a question with a timer ...... on_time ---> ysync_verify_answer()
 *
 * The client may have gone by then, and even the plugin: answering is safe all the same, and still owed.
 */
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <uv.h>

#include <ysync/ysync.h>

#define THINKING_MS 100

struct question {
    uv_timer_t timer;
    struct ysync_verification *verification;
    enum ysync_access access;
};

static uv_loop_t loop;
static uv_pipe_t input;
static struct ysync_plugin *plugin;

static void on_question_closed(uv_handle_t *handle)
{
    free(handle->data);
}

static void on_time(uv_timer_t *timer)
{
    struct question *question = timer->data;

    ysync_verify_answer(question->verification, question->access);
    uv_close((uv_handle_t *)timer, on_question_closed);
}

static enum ysync_access look_up(struct ysync_bytes token)
{
    if (token.len == 5 && memcmp(token.data, "write", 5) == 0)
        return YSYNC_ACCESS_WRITE;
    if (token.len == 4 && memcmp(token.data, "read", 4) == 0)
        return YSYNC_ACCESS_READ;
    return YSYNC_ACCESS_NONE;
}

/* What the request points to ends with this call: whatever is needed later is copied here. */
static void verify(void *user, struct ysync_verification *verification, const struct ysync_verify_request *request)
{
    struct question *question = malloc(sizeof(*question));

    (void)user;
    if (!question) {
        ysync_verify_answer(verification, YSYNC_ACCESS_UNAVAILABLE);
        return;
    }
    question->verification = verification;
    question->access = look_up(request->token);
    uv_timer_init(&loop, &question->timer);
    question->timer.data = question;
    uv_timer_start(&question->timer, on_time, THINKING_MS, 0);
}

static void on_stopped(void *user)
{
    (void)user;
    ysync_plugin_free(plugin);
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
    (void)buf;
    if (count >= 0)
        return;
    uv_close((uv_handle_t *)stream, NULL);
    ysync_plugin_stop(plugin, 5000, on_stopped, NULL);
}

int main(int argc, char **argv)
{
    struct ysync_plugin_config config;
    struct ysync_problem problem;

    signal(SIGPIPE, SIG_IGN);
    uv_loop_init(&loop);
    ysync_plugin_config_init(&config);
    config.verify = verify;
    if (ysync_plugin_new(&loop, &config, &plugin, &problem) ||
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
