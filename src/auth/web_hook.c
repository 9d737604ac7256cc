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
 */
#include "auth/web_hook.h"

#include "auth/hook_request.h"
#include "auth/transfers.h"
#include "auth/verdict_cache.h"
#include "base/alloc.h"
#include "base/list.h"
#include "base/problem.h"
#include "base/utf8.h"

/* An endpoint that is down fails every question; the log tells of it now and then. */
#define LOG_EVERY_MS 10000

struct web_hook {
    struct ys_auth auth;
    const struct ysync_alloc *alloc;
    const struct ysync_log *log;
    struct ys_transfers *transfers;
    struct ys_hook_prototype prototype;
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
    bool is_asked; /* else it waits */
    uint64_t due_ms;
    struct ys_verdict_key key;
    ys_auth_verdict_fn *verdict;
    void *user;
    struct ys_hook_request request;
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
    ys_hook_request_deinit(&question->request);
    ys_free(question->hook->alloc, question);
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
    err = ys_hook_request_init(&question->request, hook->alloc, request,
                               YS_WEB_HOOK_MAX_QUESTION_BYTES - hook->question_bytes);
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
    hook->question_bytes -= question->request.body.len;
    if (question->is_asked) {
        hook->asked_count--;
        ys_transfers_remove(hook->transfers, question->request.easy);
    } else {
        hook->waiting_count--;
    }
    question_free(question);
    give(verdict, user, access);
}

static void remember(const struct question *question, const struct ys_hook_answer *answer)
{
    struct web_hook *hook = question->hook;
    uint64_t age_s = answer->max_age_s < YS_WEB_HOOK_MAX_AGE_S ? answer->max_age_s : YS_WEB_HOOK_MAX_AGE_S;

    if (age_s > 0)
        ys_verdict_cache_put(hook->cache, &question->key, answer->access, now_ms(hook) + age_s * 1000);
}

/* Asking */

static enum ysync_err begin(struct question *question)
{
    struct web_hook *hook = question->hook;
    enum ysync_err err = ys_hook_request_open(&question->request, &hook->prototype);

    if (!err)
        err = ys_transfers_add(hook->transfers, question->request.easy);
    if (err)
        return err;
    question->is_asked = true;
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
    struct ys_hook_answer answer;
    struct question *question;
    void *request = NULL;

    ys_curl.easy_getinfo(easy, CURLINFO_PRIVATE, &request);
    question = YS_CONTAINER_OF(request, struct question, request);
    ys_hook_request_read(&question->request, result, &answer);
    if (answer.access == YS_ACCESS_UNKNOWN)
        note_failure(hook, answer.problem);
    else
        remember(question, &answer);
    end(question, answer.access);
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
    hook->question_bytes += question->request.body.len;
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
    ys_hook_prototype_deinit(&hook->prototype);
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

static enum ysync_err make_parts(struct web_hook *hook, const struct ys_web_hook_config *config)
{
    enum ysync_err err;

    err = ys_transfers_new(hook->alloc, config->loop, YS_WEB_HOOK_MAX_ASKED, on_ended, hook, &hook->transfers);
    if (!err)
        err = ys_hook_prototype_init(&hook->prototype, config->url);
    if (err)
        return err;
    return ys_verdict_cache_new(hook->alloc, YS_WEB_HOOK_MAX_REMEMBERED, &hook->cache);
}

static enum ysync_err check_config(const struct ys_web_hook_config *config, struct ysync_problem *problem)
{
    enum ysync_err err;

    if (config->timeout_ms == 0 || config->timeout_ms > YS_WEB_HOOK_MAX_TIMEOUT_MS) {
        ys_problem_set(problem, "verify_timeout_ms is not from 1 to 3600000");
        return YSYNC_ERR_INVALID_ARG;
    }
    err = ys_curl_load(problem);
    return err ? err : ys_hook_check_url(config->url, problem);
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
