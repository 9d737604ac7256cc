/* SPDX-License-Identifier: MIT */
#include <netdb.h>
#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>
#include <stdlib.h>
#include <unistd.h>

#include <cmocka.h>

#include "auth/asking.h"
#include "auth/hook_request.h"
#include "auth/web_hook.h"
#include "base/alloc.h"
#include "support/endpoint.h"
#include "support/failing_alloc.h"

#define WRITE_ANSWER "HTTP/1.1 200 OK\r\nContent-Length: 18\r\n\r\n{\"access\":\"write\"}"
#define LONG_MS 10000 /* no answer takes that long */
#define SHORT_MS 50

struct fixture {
    uv_loop_t loop;
    struct ys_endpoint endpoint;
    struct ys_test_alloc memory;
    struct ysync_log log;
    char last_line[256];
    unsigned lines;
    struct ys_auth *auth;
};

static struct fixture at;

static void note_line(void *user, enum ysync_log_level level, const char *event, const struct ysync_log_field *fields)
{
    struct fixture *fixture = user;

    fixture->lines++;
    ysync_log_format_text(fixture->last_line, sizeof(fixture->last_line), level, event, fields);
}

static int set_up(void **state)
{
    (void)state;
    memset(&at, 0, sizeof(at));
    ys_test_alloc_init(&at.memory, YS_TEST_NEVER_FAIL);
    at.log = (struct ysync_log){ .write = note_line, .user = &at, .level = YSYNC_LOG_WARN };
    assert_int_equal(uv_loop_init(&at.loop), 0);
    ys_endpoint_open(&at.endpoint, &at.loop);
    at.endpoint.answer = WRITE_ANSWER;
    return 0;
}

/* Nothing is left on the loop, and nothing of the memory. */
static int tear_down(void **state)
{
    (void)state;
    ys_auth_free(at.auth);
    ys_endpoint_close(&at.endpoint);
    uv_run(&at.loop, UV_RUN_DEFAULT);
    assert_int_equal(uv_loop_close(&at.loop), 0);
    assert_int_equal(at.memory.live_blocks, 0);
    return 0;
}

static enum ysync_err try_hook(const char *url, uint64_t timeout_ms, struct ysync_problem *problem)
{
    const struct ys_web_hook_config config = {
        .loop = &at.loop,
        .url = url,
        .timeout_ms = timeout_ms,
        .log = &at.log,
    };

    return ys_auth_new_web_hook(&at.memory.alloc, &config, &at.auth, problem);
}

static void open_hook(const char *url, uint64_t timeout_ms)
{
    struct ysync_problem problem = { "" };

    if (try_hook(url, timeout_ms, &problem))
        fail_msg("%s: %s", url, problem.text);
}

static void begin_asking(struct asking *asking, const char *room, const char *token)
{
    const struct ys_auth_request request = {
        .room = bytes_of(room),
        .token = bytes_of(token),
        .peer = bytes_of("127.0.0.1:50312"),
        .is_websocket = true,
    };

    *asking = (struct asking){ 0 };
    ys_auth_check(at.auth, &request, note_verdict, asking);
}

static enum ys_access verdict_of(struct asking *asking)
{
    while (asking->verdicts == 0)
        uv_run(&at.loop, UV_RUN_ONCE);
    assert_int_equal(asking->verdicts, 1);
    assert_true(asking->verdict.holds_ms == YS_VERDICT_FOREVER);
    return asking->verdict.access;
}

static enum ys_access verdict_on(const char *room, const char *token)
{
    struct asking asking;

    begin_asking(&asking, room, token);
    return verdict_of(&asking);
}

static void test_web_hook_reads_answers(void **state)
{
    static const struct {
        const char *name;
        const char *status;
        const char *body;
        enum ys_access want;
    } cases[] = {
        { "write", "200 OK", "{\"access\":\"write\"}", YS_ACCESS_WRITE },
        { "read", "200 OK", "{\"access\":\"read\"}", YS_ACCESS_READ },
        { "others beside it", "200 OK", " {\"user\":{\"access\":1}, \"access\" : \"read\"}\n", YS_ACCESS_READ },
        { "escapes", "200 OK", "{\"acc\\u0065ss\":\"\\u0072ead\"}", YS_ACCESS_READ },
        { "401", "401 Unauthorized", "", YS_ACCESS_NONE },
        { "403", "403 Forbidden", "", YS_ACCESS_NONE },
        { "403 whatever it says", "403 Forbidden", "{\"access\":\"write\"}", YS_ACCESS_NONE },
        { "another access", "200 OK", "{\"access\":\"admin\"}", YS_ACCESS_UNKNOWN },
        { "none", "200 OK", "{\"access\":\"none\"}", YS_ACCESS_UNKNOWN },
        { "another case", "200 OK", "{\"access\":\"Write\"}", YS_ACCESS_UNKNOWN },
        { "no string", "200 OK", "{\"access\":true}", YS_ACCESS_UNKNOWN },
        { "no access", "200 OK", "{}", YS_ACCESS_UNKNOWN },
        { "two of them", "200 OK", "{\"access\":\"read\",\"access\":\"write\"}", YS_ACCESS_UNKNOWN },
        { "no object", "200 OK", "\"write\"", YS_ACCESS_UNKNOWN },
        { "something behind it", "200 OK", "{\"access\":\"write\"}x", YS_ACCESS_UNKNOWN },
        { "half of it", "200 OK", "{\"access\":\"write\"", YS_ACCESS_UNKNOWN },
        { "not UTF-8", "200 OK", "{\"access\":\"write\",\"a\":\"\xff\"}", YS_ACCESS_UNKNOWN },
        { "nothing", "200 OK", "", YS_ACCESS_UNKNOWN },
        { "a page", "200 OK", "<h1>It works!</h1>", YS_ACCESS_UNKNOWN },
        { "201", "201 Created", "{\"access\":\"write\"}", YS_ACCESS_UNKNOWN },
        { "404", "404 Not Found", "{\"access\":\"write\"}", YS_ACCESS_UNKNOWN },
        { "407", "407 Proxy Authentication Required", "", YS_ACCESS_UNKNOWN },
        { "429", "429 Too Many Requests", "", YS_ACCESS_UNKNOWN },
        { "500", "500 Internal Server Error", "{\"access\":\"write\"}", YS_ACCESS_UNKNOWN },
    };
    char answer[256];

    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got;

        snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\n\r\n%s", cases[i].status,
                 strlen(cases[i].body), cases[i].body);
        at.endpoint.answer = answer;
        got = verdict_on("blog", "s3cret");
        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
    }
}

static void test_web_hook_takes_no_answer_for_an_admission(void **state)
{
    static const struct {
        const char *name;
        const char *answer;
    } cases[] = {
        { "no HTTP", "hello\r\n\r\n" },
        { "without a head", "{\"access\":\"write\"}" },
        { "cut off in the head", "HTTP/1.1 200 OK\r\nContent-" },
        { "cut off in the body", "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"access\":\"write\"}" },
        { "cut off in a chunk",
          "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n12\r\n{\"access\":\"write\"}\r\n" },
        { "only a 100", "HTTP/1.1 100 Continue\r\n\r\n" },
    };

    (void)state;
    at.endpoint.hangs_up = true;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got;

        at.endpoint.answer = cases[i].answer;
        got = verdict_on("blog", "s3cret");
        if (got != YS_ACCESS_UNKNOWN)
            fail_msg("%s: got %d", cases[i].name, got);
    }
}

static void test_web_hook_asks_in_json(void **state)
{
    char token[2000];

    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    assert_int_equal(verdict_on("team/\"notes\" \xc3\xa9", "s3\"cret\x01"), YS_ACCESS_WRITE);
    assert_string_equal(ys_endpoint_body(&at.endpoint),
                        "{\"token\":\"s3\\\"cret\\u0001\",\"room\":\"team/\\\"notes\\\" \xc3\xa9\","
                        "\"peer\":\"127.0.0.1:50312\",\"transport\":\"websocket\"}");
    assert_ptr_equal(strstr(at.endpoint.last, "POST /verify HTTP/1.1\r\n"), at.endpoint.last);
    assert_non_null(strstr(at.endpoint.last, "\r\nContent-Type: application/json\r\n"));

    memset(token, 'x', sizeof(token) - 1);
    token[sizeof(token) - 1] = '\0';
    assert_int_equal(verdict_on("blog", token), YS_ACCESS_WRITE);
    assert_non_null(strstr(ys_endpoint_body(&at.endpoint), token));
    assert_null(strstr(at.endpoint.last, "Expect:"));
}

static void test_web_hook_asks_about_every_room(void **state)
{
    const struct ys_auth_request request = { .peer = bytes_of("unix") };
    struct asking asking = { 0 };

    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    ys_auth_check(at.auth, &request, note_verdict, &asking);
    assert_int_equal(verdict_of(&asking), YS_ACCESS_WRITE);
    assert_string_equal(ys_endpoint_body(&at.endpoint),
                        "{\"token\":\"\",\"room\":null,\"peer\":\"unix\",\"transport\":\"http\"}");
}

static void test_web_hook_refuses_what_is_not_utf8(void **state)
{
    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    assert_int_equal(verdict_on("blog", "s3cret\xff"), YS_ACCESS_NONE);
    assert_int_equal(at.endpoint.requests, 0);
}

static void test_web_hook_keeps_connections(void **state)
{
    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_WRITE);
        assert_int_equal(at.endpoint.requests, i);
    }
    assert_int_equal(at.endpoint.accepted, 1);
}

static void test_web_hook_comes_back_after_the_endpoint_hung_up(void **state)
{
    (void)state;
    at.endpoint.hangs_up = true;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (unsigned i = 1; i <= 10; i++) {
        assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_WRITE);
        assert_int_equal(at.endpoint.requests, i);
    }
    assert_int_equal(at.endpoint.accepted, 10);
}

static void test_web_hook_does_not_wait_for_ever(void **state)
{
    (void)state;
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), SHORT_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
    assert_int_equal(at.endpoint.requests, 1);
    assert_string_equal(at.last_line, "warn verify_failed problem=\"no answer in time\" questions=1");

    at.endpoint.answer = WRITE_ANSWER;
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_WRITE);
}

static void test_web_hook_does_not_wait_for_the_rest(void **state)
{
    (void)state;
    at.endpoint.answer = "HTTP/1.1 200 OK\r\nContent-Length: 19\r\n\r\n{\"access\":\"write\"}";
    open_hook(ys_endpoint_url(&at.endpoint), SHORT_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
}

static void test_web_hook_admits_nobody_where_nobody_answers(void **state)
{
    struct ys_endpoint gone;

    (void)state;
    ys_endpoint_open(&gone, &at.loop);
    ys_endpoint_close(&gone);
    uv_run(&at.loop, UV_RUN_NOWAIT);
    open_hook(ys_endpoint_url(&gone), LONG_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
    if (!strstr(at.last_line, "onnect"))
        fail_msg("got \"%s\"", at.last_line);
}

static void test_web_hook_goes_nowhere_else(void **state)
{
    struct ys_endpoint other;
    char answer[256];

    (void)state;
    ys_endpoint_open(&other, &at.loop);
    other.answer = WRITE_ANSWER;
    setenv("http_proxy", ys_endpoint_url(&other), 1);
    setenv("ALL_PROXY", ys_endpoint_url(&other), 1);
    snprintf(answer, sizeof(answer), "HTTP/1.1 307 Temporary Redirect\r\nLocation: %s\r\nContent-Length: 0\r\n\r\n",
             ys_endpoint_url(&other));
    at.endpoint.answer = answer;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
    assert_int_equal(at.endpoint.requests, 1);
    assert_int_equal(other.accepted, 0);
    unsetenv("http_proxy");
    unsetenv("ALL_PROXY");
    ys_endpoint_close(&other);
}

/* Of a status that says all the body does not matter. */
static void test_web_hook_bounds_answers(void **state)
{
    static const struct {
        const char *name;
        const char *status;
        size_t head_bytes;
        size_t body_bytes;
        enum ys_access want;
    } cases[] = {
        { "a body as large as may be", "200 OK", 0, YS_HOOK_MAX_ANSWER_BYTES, YS_ACCESS_WRITE },
        { "one byte more", "200 OK", 0, YS_HOOK_MAX_ANSWER_BYTES + 1, YS_ACCESS_UNKNOWN },
        { "a large head", "200 OK", 15000, 100, YS_ACCESS_WRITE },
        { "one that is too large", "200 OK", YS_HOOK_MAX_ANSWER_BYTES, 100, YS_ACCESS_UNKNOWN },
        { "a large page with a denial", "403 Forbidden", 0, 2 * YS_HOOK_MAX_ANSWER_BYTES, YS_ACCESS_NONE },
    };
    static char padding[2 * YS_HOOK_MAX_ANSWER_BYTES + 1];
    static char answer[3 * YS_HOOK_MAX_ANSWER_BYTES];

    (void)state;
    memset(padding, ' ', sizeof(padding) - 1);
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        enum ys_access got;

        snprintf(answer, sizeof(answer), "HTTP/1.1 %s\r\nContent-Length: %zu\r\nPadding:%.*s.\r\n\r\n%s%.*s",
                 cases[i].status, cases[i].body_bytes, (int)cases[i].head_bytes, padding, "{\"access\":\"write\"}",
                 (int)cases[i].body_bytes - 18, padding);
        at.endpoint.answer = answer;
        got = verdict_on("blog", "s3cret");
        if (got != cases[i].want)
            fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
    }
}

#define MANY 300

static void wait_for_all(struct asking *askings, size_t count, enum ys_access want)
{
    for (size_t i = 0; i < count; i++) {
        enum ys_access got = verdict_of(&askings[i]);

        if (got != want)
            fail_msg("question %zu: got %d, want %d", i, got, want);
    }
}

static void test_web_hook_asks_many_questions_at_once(void **state)
{
    static struct asking askings[MANY];

    (void)state;
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (size_t i = 0; i < MANY; i++)
        begin_asking(&askings[i], "blog", "s3cret");
    while (at.endpoint.requests < YS_WEB_HOOK_MAX_ASKED)
        uv_run(&at.loop, UV_RUN_ONCE);
    assert_int_equal(at.endpoint.open, YS_WEB_HOOK_MAX_ASKED);

    ys_endpoint_speak(&at.endpoint, WRITE_ANSWER);
    wait_for_all(askings, MANY, YS_ACCESS_WRITE);
    assert_int_equal(at.endpoint.requests, MANY);
    if (at.endpoint.accepted > YS_WEB_HOOK_MAX_ASKED)
        fail_msg("got %u connections, want at most %d", at.endpoint.accepted, YS_WEB_HOOK_MAX_ASKED);
}

/* Also those that could not even be asked. */
static void test_web_hook_times_questions_that_wait(void **state)
{
    static struct asking askings[MANY];

    (void)state;
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), SHORT_MS);
    for (size_t i = 0; i < MANY; i++)
        begin_asking(&askings[i], "blog", "s3cret");
    wait_for_all(askings, MANY, YS_ACCESS_UNKNOWN);
    assert_int_equal(at.lines, 1);
}

static void test_web_hook_bounds_questions(void **state)
{
    static const size_t most = YS_WEB_HOOK_MAX_ASKED + YS_WEB_HOOK_MAX_WAITING;
    struct asking *askings = calloc(most, sizeof(*askings));
    struct asking one_more;

    (void)state;
    assert_non_null(askings);
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    for (size_t i = 0; i < most; i++) {
        begin_asking(&askings[i], "blog", "s3cret");
        assert_int_equal(askings[i].verdicts, 0);
    }
    begin_asking(&one_more, "blog", "s3cret");
    assert_int_equal(one_more.verdicts, 1);
    assert_int_equal(one_more.verdict.access, YS_ACCESS_UNKNOWN);
    assert_string_equal(at.last_line, "warn verify_failed problem=\"too many questions at once\" questions=1");

    ys_auth_free(at.auth);
    at.auth = NULL;
    wait_for_all(askings, most, YS_ACCESS_UNKNOWN);
    free(askings);
}

static void test_web_hook_bounds_the_bytes_of_questions(void **state)
{
    static struct asking askings[2000];
    static char token[16 * 1024];
    size_t open = 0;

    (void)state;
    memset(token, 'x', sizeof(token) - 1);
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    do
        begin_asking(&askings[open], "blog", token);
    while (askings[open].verdicts == 0 && ++open < ARRAY_LEN(askings));
    if (open * sizeof(token) > YS_WEB_HOOK_MAX_QUESTION_BYTES)
        fail_msg("got %zu open questions of %zu bytes", open, sizeof(token));
    assert_true(open * sizeof(token) > YS_WEB_HOOK_MAX_QUESTION_BYTES * 9 / 10);
    assert_int_equal(askings[open].verdict.access, YS_ACCESS_UNKNOWN);
    ys_auth_free(at.auth);
    at.auth = NULL;
    wait_for_all(askings, open, YS_ACCESS_UNKNOWN);
}

/* A verdict that leads to the next question, as on a connection with several requests. */
struct insisting {
    struct asking asking;
    unsigned left;
};

static void ask_again(void *user, struct ys_verdict verdict)
{
    const struct ys_auth_request request = { .room = bytes_of("blog"), .is_websocket = true };
    struct insisting *insisting = user;

    note_verdict(&insisting->asking, verdict);
    if (insisting->left-- > 0)
        ys_auth_check(at.auth, &request, ask_again, insisting);
}

static void test_web_hook_can_be_asked_from_inside_a_verdict(void **state)
{
    struct insisting insisting = { .left = 5 };

    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    ask_again(&insisting, (struct ys_verdict){ YS_ACCESS_NONE, 0 });
    while (insisting.asking.verdicts < 6)
        uv_run(&at.loop, UV_RUN_ONCE);
    assert_int_equal(insisting.asking.verdict.access, YS_ACCESS_WRITE);
    assert_int_equal(at.endpoint.requests, 5);
    assert_int_equal(at.endpoint.accepted, 1);
}

static void test_web_hook_answers_what_is_open_when_it_is_freed(void **state)
{
    struct insisting insisting = { .left = 3 };
    struct asking asking;

    (void)state;
    at.endpoint.answer = NULL;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    begin_asking(&asking, "blog", "s3cret");
    ask_again(&insisting, (struct ys_verdict){ YS_ACCESS_NONE, 0 });
    while (at.endpoint.requests < 2)
        uv_run(&at.loop, UV_RUN_ONCE);

    ys_auth_free(at.auth);
    at.auth = NULL;
    assert_int_equal(asking.verdicts, 1);
    assert_int_equal(asking.verdict.access, YS_ACCESS_UNKNOWN);
    assert_int_equal(insisting.asking.verdicts, 4);
    assert_int_equal(insisting.asking.verdict.access, YS_ACCESS_UNKNOWN);
}

static void test_web_hook_remembers_what_it_may(void **state)
{
    static const struct {
        const char *name;
        const char *answer;
        enum ys_access want;
        unsigned requests; /* for the question asked twice, and for another one */
    } cases[] = {
        { "an admission",
          "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 17\r\n\r\n{\"access\":\"read\"}",
          YS_ACCESS_READ, 2 },
        { "a denial", "HTTP/1.1 403 Forbidden\r\ncache-control: max-age=60\r\nContent-Length: 0\r\n\r\n",
          YS_ACCESS_NONE, 2 },
        { "not allowed", "HTTP/1.1 200 OK\r\nContent-Length: 17\r\n\r\n{\"access\":\"read\"}", YS_ACCESS_READ, 3 },
        { "forbidden in a second field",
          "HTTP/1.1 403 Forbidden\r\nCache-Control: max-age=60\r\nCache-Control: no-store\r\nContent-Length: 0\r\n\r\n",
          YS_ACCESS_NONE, 3 },
        { "allowed in the trailer alone",
          "HTTP/1.1 403 Forbidden\r\nTransfer-Encoding: chunked\r\n\r\n0\r\nCache-Control: max-age=60\r\n\r\n",
          YS_ACCESS_NONE, 3 },
        { "no verdict", "HTTP/1.1 500 Oh\r\nCache-Control: max-age=60\r\nContent-Length: 0\r\n\r\n", YS_ACCESS_UNKNOWN,
          3 },
        { "nonsense", "HTTP/1.1 200 OK\r\nCache-Control: max-age=60\r\nContent-Length: 2\r\n\r\n{}", YS_ACCESS_UNKNOWN,
          3 },
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(cases); i++) {
        at.endpoint.answer = cases[i].answer;
        at.endpoint.requests = 0;
        open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
        for (unsigned n = 0; n < 2; n++) {
            enum ys_access got = verdict_on("blog", "s3cret");

            if (got != cases[i].want)
                fail_msg("%s: got %d, want %d", cases[i].name, got, cases[i].want);
        }
        verdict_on("log", "s3cret");
        if (at.endpoint.requests != cases[i].requests)
            fail_msg("%s: got %u requests, want %u", cases[i].name, at.endpoint.requests, cases[i].requests);
        ys_auth_free(at.auth);
        at.auth = NULL;
    }
}

static void test_web_hook_says_what_went_wrong_and_no_token(void **state)
{
    (void)state;
    at.endpoint.answer = "HTTP/1.1 502 s3cret\r\nContent-Length: 6\r\n\r\ns3cret";
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
    assert_string_equal(at.last_line, "warn verify_failed problem=\"HTTP status 502\" questions=1");
}

static void test_web_hook_does_not_keep_the_loop_alive(void **state)
{
    struct asking asking;

    (void)state;
    open_hook(ys_endpoint_url(&at.endpoint), LONG_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_WRITE);
    begin_asking(&asking, "blog", "s3cret");
    ys_endpoint_close(&at.endpoint);
    uv_run(&at.loop, UV_RUN_DEFAULT); /* returns */
    ys_auth_free(at.auth);
    at.auth = NULL;
    assert_int_equal(asking.verdicts, 1);
    uv_run(&at.loop, UV_RUN_DEFAULT);
    ys_endpoint_open(&at.endpoint, &at.loop);
}

static void test_web_hook_refuses_what_is_no_endpoint(void **state)
{
    static const char *const urls[] = {
        "",
        "s3cret",
        "127.0.0.1:8080/s3cret",
        "/s3cret",
        "ftp://127.0.0.1/s3cret",
        "file:///etc/s3cret",
        "http://",

        "http://a b/s3cret",
        "http://127.0.0.1:99999/s3cret",
    };

    (void)state;
    for (size_t i = 0; i < ARRAY_LEN(urls); i++) {
        struct ysync_problem problem = { "" };
        enum ysync_err err = try_hook(urls[i], LONG_MS, &problem);

        if (err != YSYNC_ERR_INVALID_ARG || !problem.text[0] || strstr(problem.text, "s3cret"))
            fail_msg("\"%s\": got %d, \"%s\"", urls[i], err, problem.text);
    }
    assert_int_equal(try_hook("http://127.0.0.1/", 0, NULL), YSYNC_ERR_INVALID_ARG);
    assert_int_equal(try_hook("http://127.0.0.1/", YS_WEB_HOOK_MAX_TIMEOUT_MS + 1, NULL), YSYNC_ERR_INVALID_ARG);
    assert_null(at.auth);
}

static void test_web_hook_survives_failed_allocations(void **state)
{
    (void)state;
    at.endpoint.answer =
        "HTTP/1.1 200 OK\r\nCache-Control: max-age=9\r\nContent-Length: 18\r\n\r\n{\"access\":\"write\"}";
    for (size_t n = 0;; n++) {
        enum ys_access access = YS_ACCESS_UNKNOWN;
        enum ysync_err err;

        ys_test_alloc_init(&at.memory, n);
        err = try_hook(ys_endpoint_url(&at.endpoint), SHORT_MS, NULL);
        if (!err)
            access = verdict_on("blog", "s3cret");
        ys_auth_free(at.auth);
        at.auth = NULL;
        while (at.memory.live_blocks > 0)
            uv_run(&at.loop, UV_RUN_NOWAIT);
        if (err && err != YSYNC_ERR_NOMEM)
            fail_msg("allocation %zu: got error %d", n, err);
        if (access != YS_ACCESS_WRITE && access != YS_ACCESS_UNKNOWN)
            fail_msg("allocation %zu: got %d", n, access);
        if (!at.memory.failed)
            break;
    }
}

/* While this name is looked up, in a thread of libcurl's, nothing else must wait. */
static const char slow_host[] = "slow.invalid";
static uv_sem_t looked_up;
static uv_sem_t may_go_on;

__attribute__((visibility("default"))) int getaddrinfo(const char *host, const char *service,
                                                       const struct addrinfo *hints, struct addrinfo **out);

int getaddrinfo(const char *host, const char *service, const struct addrinfo *hints, struct addrinfo **out)
{
    (void)service;
    (void)hints;
    *out = NULL;
    if (strcmp(host, slow_host) == 0) {
        uv_sem_wait(&may_go_on);
        uv_sem_post(&looked_up);
    }
    return EAI_NONAME;
}

static void test_web_hook_does_not_hang_on_a_slow_name_service(void **state)
{
    (void)state;
    uv_sem_init(&looked_up, 0);
    uv_sem_init(&may_go_on, 0);
    open_hook("http://slow.invalid/verify", SHORT_MS);
    assert_int_equal(verdict_on("blog", "s3cret"), YS_ACCESS_UNKNOWN);
    ys_auth_free(at.auth);
    at.auth = NULL;
    uv_sem_post(&may_go_on);
    uv_sem_wait(&looked_up);
    uv_sem_destroy(&looked_up);
    uv_sem_destroy(&may_go_on);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, set_up, tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_web_hook_reads_answers),
        TEST(test_web_hook_takes_no_answer_for_an_admission),
        TEST(test_web_hook_asks_in_json),
        TEST(test_web_hook_asks_about_every_room),
        TEST(test_web_hook_refuses_what_is_not_utf8),
        TEST(test_web_hook_keeps_connections),
        TEST(test_web_hook_comes_back_after_the_endpoint_hung_up),
        TEST(test_web_hook_does_not_wait_for_ever),
        TEST(test_web_hook_does_not_wait_for_the_rest),
        TEST(test_web_hook_admits_nobody_where_nobody_answers),
        TEST(test_web_hook_goes_nowhere_else),
        TEST(test_web_hook_bounds_answers),
        TEST(test_web_hook_asks_many_questions_at_once),
        TEST(test_web_hook_times_questions_that_wait),
        TEST(test_web_hook_bounds_questions),
        TEST(test_web_hook_bounds_the_bytes_of_questions),
        TEST(test_web_hook_can_be_asked_from_inside_a_verdict),
        TEST(test_web_hook_answers_what_is_open_when_it_is_freed),
        TEST(test_web_hook_remembers_what_it_may),
        TEST(test_web_hook_says_what_went_wrong_and_no_token),
        TEST(test_web_hook_does_not_keep_the_loop_alive),
        TEST(test_web_hook_refuses_what_is_no_endpoint),
        TEST(test_web_hook_survives_failed_allocations),
        TEST(test_web_hook_does_not_hang_on_a_slow_name_service),
    };

    alarm(60); /* what waits for something that never comes ends here */
    return cmocka_run_group_tests(tests, NULL, NULL);
}
