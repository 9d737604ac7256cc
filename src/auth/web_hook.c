/* SPDX-License-Identifier: MIT */
/*
 * A question's way:
 *
 *     check() --> cache -- hit --> verdict
 *                   '----> waiting --> asked --> verdict         no more of each than web_hook.h says
 *                             '----------'---> UNKNOWN           its time is over, or the hook is freed
 *
 * Both lists are in the order in which the questions came, and all have the same time: so the oldest question is the
 * first that is due, and one timer watches it.
 *
 * What all requests have in common is set once, in a handle that is copied for each.
 */
#include "auth/web_hook.h"

#include <stdio.h>
#include <string.h>

#include "auth/max_age.h"
#include "auth/transfers.h"
#include "auth/verdict_cache.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/json_reader.h"
#include "base/list.h"
#include "base/problem.h"
#include "base/utf8.h"
#include "ysync/version.h"

/* An endpoint that is down fails every question; the log tells of it now and then. */
#define LOG_EVERY_MS 10000

struct web_hook {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
    const struct ysync_log *log;
    struct ys_transfers *transfers;
    CURL *prototype;
    struct curl_slist *fields; /* of the prototype, and of its copies */
    struct ys_verdict_cache *cache;
    uint64_t timeout_ms;
    uv_timer_t timer; /* until the oldest question is due */
    struct ys_list waiting;
    struct ys_list asked;
    size_t waiting_count;
    size_t asked_count;
    size_t question_bytes;
    uint64_t failures; /* that the log has not told of */
    uint64_t next_log_ms;
    bool is_closing;
};

struct question {
    struct ys_list node; /* in hook->waiting or hook->asked */
    struct web_hook *hook;
    CURL *easy; /* NULL: it waits */
    uint64_t due_ms;
    struct ys_verdict_key key;
    ys_auth_verdict_fn *verdict;
    void *user;
    struct ys_buf body; /* of the request */
    struct ys_buf answer;
    size_t head_bytes; /* of the answer */
};

static uint64_t now_ms(const struct web_hook *hook)
{
    return uv_now(hook->timer.loop);
}

static void give(ys_auth_verdict_fn *verdict, void *user, enum ys_access access)
{
    verdict(user, (struct ys_verdict){ access, YS_VERDICT_FOREVER });
}

/* Nobody could tell. The problem says nothing of the request: there is a token in it. */
static void note_failure(struct web_hook *hook, const char *problem)
{
    hook->failures++;
    if (now_ms(hook) < hook->next_log_ms)
        return;
    ys_log(hook->log, YSYNC_LOG_WARN, "verify_failed", YS_LOG_STR("problem", problem),
           YS_LOG_NUM("questions", hook->failures));
    hook->failures = 0;
    hook->next_log_ms = now_ms(hook) + LOG_EVERY_MS;
}

/* Questions */

static void question_free(struct question *question)
{
    ys_buf_deinit(&question->answer);
    ys_buf_deinit(&question->body);
    ys_free(question->hook->alloc, question);
}

static enum ysync_err write_body(struct ys_buf *body, const struct ys_auth_request *request)
{
    ys_buf_put_str(body, "{\"token\":");
    ys_json_put_string(body, request->token);
    ys_buf_put_str(body, ",\"room\":");
    if (request->room.len > 0)
        ys_json_put_string(body, request->room);
    else
        ys_buf_put_str(body, "null");
    ys_buf_put_str(body, ",\"peer\":");
    ys_json_put_string(body, request->peer);
    ys_buf_put_str(body, request->is_websocket ? ",\"transport\":\"websocket\"}" : ",\"transport\":\"http\"}");
    return ys_buf_err(body);
}

static enum ysync_err question_new(struct web_hook *hook, const struct ys_auth_request *request, struct question **out)
{
    struct question *question = ys_alloc_zeroed(hook->alloc, 1, sizeof(*question));
    enum ysync_err err;

    if (!question)
        return YSYNC_ERR_NOMEM;
    ys_list_init(&question->node);
    question->hook = hook;
    question->due_ms = now_ms(hook) + hook->timeout_ms;
    ys_buf_init(&question->body, hook->alloc, YS_WEB_HOOK_MAX_QUESTION_BYTES - hook->question_bytes);
    ys_buf_init(&question->answer, hook->alloc, YS_WEB_HOOK_MAX_ANSWER_BYTES);
    err = write_body(&question->body, request);
    if (err) {
        question_free(question);
        return err;
    }
    *out = question;
    return YSYNC_OK;
}

static struct question *question_at(const struct ys_list *node)
{
    return YS_CONTAINER_OF(node, struct question, node);
}

static struct question *oldest(const struct web_hook *hook)
{
    if (!ys_list_is_empty(&hook->asked))
        return question_at(hook->asked.next);
    return ys_list_is_empty(&hook->waiting) ? NULL : question_at(hook->waiting.next);
}

/* The question is gone when its asker hears of it. */
static void end(struct question *question, enum ys_access access)
{
    struct web_hook *hook = question->hook;
    ys_auth_verdict_fn *verdict = question->verdict;
    void *user = question->user;

    ys_list_remove(&question->node);
    hook->question_bytes -= question->body.len;
    if (question->easy) {
        hook->asked_count--;
        ys_transfers_remove(hook->transfers, question->easy);
        curl_easy_cleanup(question->easy);
    } else {
        hook->waiting_count--;
    }
    question_free(question);
    give(verdict, user, access);
}

/* What libcurl calls */

/* An answer whose status says all needs no body. */
static size_t on_body(char *data, size_t one, size_t len, void *user)
{
    struct question *question = user;
    long status = 0;

    (void)one;
    curl_easy_getinfo(question->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return len;
    ys_buf_put(&question->answer, (struct ysync_bytes){ (const uint8_t *)data, len });
    return ys_buf_err(&question->answer) ? 0 : len;
}

static size_t on_head_line(char *data, size_t one, size_t len, void *user)
{
    struct question *question = user;

    (void)data;
    (void)one;
    question->head_bytes += len;
    return question->head_bytes > YS_WEB_HOOK_MAX_ANSWER_BYTES ? 0 : len;
}

/* Answers */

/* One object with one "access": where there are two, another reader might take the other one. */
static enum ys_access read_access(struct ysync_bytes answer)
{
    struct ys_json_field access = { .name = "access" };

    if (ys_json_read_object(answer, &access, 1))
        return YS_ACCESS_UNKNOWN;
    if (ys_json_is_string(access.value, "write"))
        return YS_ACCESS_WRITE;
    return ys_json_is_string(access.value, "read") ? YS_ACCESS_READ : YS_ACCESS_UNKNOWN;
}

static enum ys_access read_answer(struct question *question)
{
    enum ys_access access;
    char problem[32];
    long status = 0;

    curl_easy_getinfo(question->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status == 401 || status == 403)
        return YS_ACCESS_NONE;
    if (status != 200) {
        snprintf(problem, sizeof(problem), "HTTP status %ld", status);
        note_failure(question->hook, problem);
        return YS_ACCESS_UNKNOWN;
    }
    access = read_access(ys_buf_bytes(&question->answer));
    if (access == YS_ACCESS_UNKNOWN)
        note_failure(question->hook, "neither read nor write");
    return access;
}

static uint64_t read_max_age(CURL *easy)
{
    struct ys_max_age age = { 0 };
    struct curl_header *field;

    for (size_t i = 0; curl_easy_header(easy, "Cache-Control", i, CURLH_HEADER, -1, &field) == CURLHE_OK; i++)
        ys_max_age_read(&age, ys_log_str(field->value));
    return ys_max_age_seconds(&age);
}

static void remember(struct question *question, enum ys_access access)
{
    struct web_hook *hook = question->hook;
    uint64_t age_s = read_max_age(question->easy);

    if (age_s > YS_WEB_HOOK_MAX_AGE_S)
        age_s = YS_WEB_HOOK_MAX_AGE_S;
    if (age_s > 0)
        ys_verdict_cache_put(hook->cache, &question->key, access, now_ms(hook) + age_s * 1000);
}

/* Asking */

static CURL *request_for(struct question *question)
{
    CURL *easy = curl_easy_duphandle(question->hook->prototype);

    if (easy && curl_easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)question->body.len) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_POSTFIELDS, question->body.data) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_PRIVATE, question) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_WRITEDATA, question) == CURLE_OK &&
        curl_easy_setopt(easy, CURLOPT_HEADERDATA, question) == CURLE_OK)
        return easy;
    curl_easy_cleanup(easy);
    return NULL;
}

static enum ysync_err begin(struct question *question)
{
    struct web_hook *hook = question->hook;
    CURL *easy = request_for(question);

    if (!easy)
        return YSYNC_ERR_NOMEM;
    if (ys_transfers_add(hook->transfers, easy)) {
        curl_easy_cleanup(easy);
        return YSYNC_ERR_NOMEM;
    }
    question->easy = easy;
    ys_list_remove(&question->node);
    ys_list_append(&hook->asked, &question->node);
    hook->waiting_count--;
    hook->asked_count++;
    return YSYNC_OK;
}

static void begin_waiting(struct web_hook *hook)
{
    while (hook->asked_count < YS_WEB_HOOK_MAX_ASKED && !ys_list_is_empty(&hook->waiting)) {
        struct question *question = question_at(hook->waiting.next);

        if (begin(question)) {
            note_failure(hook, "out of memory");
            end(question, YS_ACCESS_UNKNOWN);
        }
    }
}

static void on_timer(uv_timer_t *timer);

/* When the oldest question has its verdict before it is due, the timer stays: it fires too early, and is set again. */
static void set_timer(struct web_hook *hook)
{
    const struct question *next = oldest(hook);

    if (!next)
        uv_timer_stop(&hook->timer);
    else if (!uv_is_active((uv_handle_t *)&hook->timer))
        uv_timer_start(&hook->timer, on_timer, next->due_ms > now_ms(hook) ? next->due_ms - now_ms(hook) : 0, 0);
}

static void on_timer(uv_timer_t *timer)
{
    struct web_hook *hook = timer->data;
    struct question *next;

    while ((next = oldest(hook)) != NULL && next->due_ms <= now_ms(hook)) {
        note_failure(hook, "no answer in time");
        end(next, YS_ACCESS_UNKNOWN);
    }
    begin_waiting(hook);
    set_timer(hook);
}

static void on_ended(void *user, CURL *easy, CURLcode result)
{
    struct web_hook *hook = user;
    enum ys_access access = YS_ACCESS_UNKNOWN;
    struct question *question;
    void *private = NULL;

    curl_easy_getinfo(easy, CURLINFO_PRIVATE, &private);
    question = private;
    if (result == CURLE_OK)
        access = read_answer(question);
    else
        note_failure(hook, curl_easy_strerror(result));
    if (access != YS_ACCESS_UNKNOWN)
        remember(question, access);
    end(question, access);
    begin_waiting(hook);
    set_timer(hook);
}

static enum ysync_err ask(struct web_hook *hook, const struct ys_auth_request *request,
                          const struct ys_verdict_key *key, ys_auth_verdict_fn *verdict, void *user)
{
    struct question *question;
    enum ysync_err err;

    if (hook->waiting_count == YS_WEB_HOOK_MAX_WAITING)
        return YSYNC_ERR_LIMIT;
    err = question_new(hook, request, &question);
    if (err)
        return err;
    question->key = *key;
    question->verdict = verdict;
    question->user = user;
    hook->question_bytes += question->body.len;
    hook->waiting_count++;
    ys_list_append(&hook->waiting, &question->node);
    begin_waiting(hook);
    set_timer(hook);
    return YSYNC_OK;
}

static void check(struct ys_auth *auth, const struct ys_auth_request *request, ys_auth_verdict_fn *verdict, void *user)
{
    struct web_hook *hook = (struct web_hook *)auth;
    struct ys_verdict_key key;
    enum ys_access access;
    enum ysync_err err;

    if (hook->is_closing) {
        give(verdict, user, YS_ACCESS_UNKNOWN);
        return;
    }
    if (!ys_utf8_is_valid(request->token)) {
        give(verdict, user, YS_ACCESS_NONE);
        return;
    }
    err = ys_verdict_key_of(request, &key);
    if (!err && ys_verdict_cache_find(hook->cache, &key, now_ms(hook), &access)) {
        give(verdict, user, access);
        return;
    }
    if (!err)
        err = ask(hook, request, &key, verdict, user);
    if (err) {
        note_failure(hook, err == YSYNC_ERR_LIMIT ? "too many questions at once" : ysync_strerror(err));
        give(verdict, user, YS_ACCESS_UNKNOWN);
    }
}

/* Life */

static void on_timer_closed(uv_handle_t *handle)
{
    struct web_hook *hook = handle->data;

    ys_free(hook->alloc, hook);
}

static void free_parts(struct web_hook *hook)
{
    ys_transfers_free(hook->transfers);
    curl_easy_cleanup(hook->prototype);
    curl_slist_free_all(hook->fields);
    ys_verdict_cache_free(hook->cache);
}

static void free_hook(struct ys_auth *auth)
{
    struct web_hook *hook = (struct web_hook *)auth;
    struct question *question;

    hook->is_closing = true;
    while ((question = oldest(hook)) != NULL)
        end(question, YS_ACCESS_UNKNOWN);
    free_parts(hook);
    uv_close((uv_handle_t *)&hook->timer, on_timer_closed);
}

/* The URL itself is not told: there may be a password in it. */
static enum ysync_err check_url(const char *url, struct ysync_problem *problem)
{
    CURLU *parts = curl_url();
    char *scheme = NULL;
    bool is_good;

    if (!parts) {
        ys_problem_set(problem, "out of memory");
        return YSYNC_ERR_NOMEM;
    }
    is_good = curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              curl_url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    curl_free(scheme);
    curl_url_cleanup(parts);
    if (is_good)
        return YSYNC_OK;
    ys_problem_set(problem, "verify_url is not a URL such as http://127.0.0.1:8080/verify");
    return YSYNC_ERR_INVALID_ARG;
}

/* An empty field is left out; libcurl would wait for "100 Continue" before a long body. */
static struct curl_slist *make_fields(void)
{
    static const char *const lines[] = { "Content-Type: application/json", "Accept: application/json", "Expect:" };
    struct curl_slist *fields = NULL;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct curl_slist *longer = curl_slist_append(fields, lines[i]);

        if (!longer) {
            curl_slist_free_all(fields);
            return NULL;
        }
        fields = longer;
    }
    return fields;
}

/* With HTTP/1.1 as many questions as there are connections are on their way. NOSIGNAL: signals are the program's.
 * QUICK_EXIT: a question may end while the endpoint's name is still looked up; then libcurl must not wait for that. */
static bool set_up(CURL *easy, struct curl_slist *fields, const char *url)
{
    return curl_easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTPHEADER, fields) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_USERAGENT, "ysync/" YSYNC_VERSION) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           curl_easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head_line) == CURLE_OK;
}

static enum ysync_err make_parts(struct web_hook *hook, const struct ys_web_hook_config *config)
{
    enum ysync_err err;

    err = ys_transfers_new(hook->alloc, config->loop, YS_WEB_HOOK_MAX_ASKED, on_ended, hook, &hook->transfers);
    if (err)
        return err;
    hook->fields = make_fields();
    hook->prototype = curl_easy_init();
    if (!hook->fields || !hook->prototype || !set_up(hook->prototype, hook->fields, config->url))
        return YSYNC_ERR_NOMEM;
    return ys_verdict_cache_new(hook->alloc, YS_WEB_HOOK_MAX_REMEMBERED, &hook->cache);
}

static enum ysync_err check_config(const struct ys_web_hook_config *config, struct ysync_problem *problem)
{
    if (config->timeout_ms == 0 || config->timeout_ms > YS_WEB_HOOK_MAX_TIMEOUT_MS) {
        ys_problem_set(problem, "verify_timeout_ms is not from 1 to 3600000");
        return YSYNC_ERR_INVALID_ARG;
    }
    return check_url(config->url, problem);
}

enum ysync_err ys_auth_new_web_hook(const struct ysync_alloc *alloc, const struct ys_web_hook_config *config,
                                    struct ys_auth **out, struct ysync_problem *problem)
{
    enum ysync_err err = check_config(config, problem);
    struct web_hook *hook;

    if (err)
        return err;
    ys_problem_set(problem, "out of memory");
    hook = ys_alloc_zeroed(alloc, 1, sizeof(*hook));
    if (!hook)
        return YSYNC_ERR_NOMEM;
    hook->auth = (struct ys_auth){ .check = check, .free = free_hook };
    hook->alloc = alloc;
    hook->log = config->log;
    hook->timeout_ms = config->timeout_ms;
    ys_list_init(&hook->waiting);
    ys_list_init(&hook->asked);
    err = make_parts(hook, config);
    if (err) {
        if (err == YSYNC_ERR_IO)
            ys_problem_set(problem, "libcurl does not work");
        free_parts(hook);
        ys_free(alloc, hook);
        return err;
    }
    uv_timer_init(config->loop, &hook->timer);
    uv_unref((uv_handle_t *)&hook->timer);
    hook->timer.data = hook;
    *out = &hook->auth;
    return YSYNC_OK;
}
