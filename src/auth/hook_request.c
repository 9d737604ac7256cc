/* SPDX-License-Identifier: MIT */
#include "auth/hook_request.h"

#include <stdio.h>
#include <string.h>

#include "auth/max_age.h"
#include "base/alloc.h"
#include "base/json.h"
#include "base/json_reader.h"
#include "base/log.h"
#include "base/problem.h"
#include "ysync/version.h"

/* An answer whose status says all needs no body. */
static size_t on_body(char *data, size_t one, size_t len, void *user)
{
    struct ys_hook_request *request = user;
    long status = 0;

    (void)one;
    ys_curl.easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (status != 200)
        return len;
    ys_buf_put(&request->answer, (struct ysync_bytes){ (const uint8_t *)data, len });
    return ys_buf_err(&request->answer) ? 0 : len;
}

static size_t on_head_line(char *data, size_t one, size_t len, void *user)
{
    struct ys_hook_request *request = user;

    (void)data;
    (void)one;
    request->head_bytes += len;
    return request->head_bytes > YS_HOOK_MAX_ANSWER_BYTES ? 0 : len;
}

/* An empty field is left out; libcurl would wait for "100 Continue" before a long body. */
static struct curl_slist *make_fields(void)
{
    static const char *const lines[] = { "Content-Type: application/json", "Accept: application/json", "Expect:" };
    struct curl_slist *fields = NULL;

    for (size_t i = 0; i < ARRAY_LEN(lines); i++) {
        struct curl_slist *longer = ys_curl.slist_append(fields, lines[i]);

        if (!longer) {
            ys_curl.slist_free_all(fields);
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
    return ys_curl.easy_setopt(easy, CURLOPT_URL, url) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_PROTOCOLS_STR, "http,https") == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_POST, 1L) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_HTTPHEADER, fields) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_USERAGENT, "ysync/" YSYNC_VERSION) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_1_1) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_FOLLOWLOCATION, 0L) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_PROXY, "") == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_NOSIGNAL, 1L) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_QUICK_EXIT, 1L) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_WRITEFUNCTION, on_body) == CURLE_OK &&
           ys_curl.easy_setopt(easy, CURLOPT_HEADERFUNCTION, on_head_line) == CURLE_OK;
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

/* One object with one "access": where there are two, another reader might take the other one. */
static void read_body(struct ysync_bytes body, struct ys_hook_answer *answer)
{
    struct ys_json_field access = { .name = "access" };

    if (ys_json_read_object(body, &access, 1))
        answer->problem = "an answer that is no JSON object";
    else if (ys_json_is_string(access.value, "write"))
        answer->access = YS_ACCESS_WRITE;
    else if (ys_json_is_string(access.value, "read"))
        answer->access = YS_ACCESS_READ;
    else
        answer->problem = "access is neither read nor write";
}

static uint64_t read_max_age(CURL *easy)
{
    struct ys_max_age age = { 0 };
    struct curl_header *field;

    for (size_t i = 0; ys_curl.easy_header(easy, "Cache-Control", i, CURLH_HEADER, -1, &field) == CURLHE_OK; i++)
        ys_max_age_read(&age, ys_log_str(field->value));
    return ys_max_age_seconds(&age);
}

static void tell_status(struct ys_hook_answer *answer, long status)
{
    snprintf(answer->text, sizeof(answer->text), "HTTP status %ld", status);
    answer->problem = answer->text;
}

enum ysync_err ys_hook_check_url(const char *url, struct ysync_problem *problem)
{
    CURLU *parts = ys_curl.url();
    char *scheme = NULL;
    bool is_good;

    if (!parts) {
        ys_problem_set(problem, "out of memory");
        return YSYNC_ERR_NOMEM;
    }
    is_good = ys_curl.url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK &&
              ys_curl.url_get(parts, CURLUPART_SCHEME, &scheme, 0) == CURLUE_OK &&
              (strcmp(scheme, "http") == 0 || strcmp(scheme, "https") == 0);
    ys_curl.free_text(scheme);
    ys_curl.url_cleanup(parts);
    if (is_good)
        return YSYNC_OK;
    ys_problem_set(problem, "verify_url is not a URL such as http://127.0.0.1:8080/verify");
    return YSYNC_ERR_INVALID_ARG;
}

enum ysync_err ys_hook_prototype_init(struct ys_hook_prototype *prototype, const char *url)
{
    prototype->fields = make_fields();
    prototype->easy = ys_curl.easy_init();
    if (!prototype->fields || !prototype->easy)
        return YSYNC_ERR_NOMEM;
    return set_up(prototype->easy, prototype->fields, url) ? YSYNC_OK : YSYNC_ERR_IO;
}

void ys_hook_prototype_deinit(struct ys_hook_prototype *prototype)
{
    ys_curl.easy_cleanup(prototype->easy);
    ys_curl.slist_free_all(prototype->fields);
}

enum ysync_err ys_hook_request_init(struct ys_hook_request *request, const struct ysync_alloc *alloc,
                                    const struct ys_auth_request *question, size_t max_bytes)
{
    request->easy = NULL;
    request->head_bytes = 0;
    ys_buf_init(&request->body, alloc, max_bytes);
    ys_buf_init(&request->answer, alloc, YS_HOOK_MAX_ANSWER_BYTES);
    return write_body(&request->body, question);
}

void ys_hook_request_deinit(struct ys_hook_request *request)
{
    ys_curl.easy_cleanup(request->easy);
    ys_buf_deinit(&request->answer);
    ys_buf_deinit(&request->body);
}

enum ysync_err ys_hook_request_open(struct ys_hook_request *request, const struct ys_hook_prototype *prototype)
{
    CURL *easy = ys_curl.easy_duphandle(prototype->easy);

    request->easy = easy;
    if (easy && ys_curl.easy_setopt(easy, CURLOPT_POSTFIELDSIZE_LARGE, (curl_off_t)request->body.len) == CURLE_OK &&
        ys_curl.easy_setopt(easy, CURLOPT_POSTFIELDS, request->body.data) == CURLE_OK &&
        ys_curl.easy_setopt(easy, CURLOPT_PRIVATE, request) == CURLE_OK &&
        ys_curl.easy_setopt(easy, CURLOPT_WRITEDATA, request) == CURLE_OK &&
        ys_curl.easy_setopt(easy, CURLOPT_HEADERDATA, request) == CURLE_OK)
        return YSYNC_OK;
    return YSYNC_ERR_NOMEM;
}

void ys_hook_request_read(const struct ys_hook_request *request, CURLcode result, struct ys_hook_answer *answer)
{
    long status = 0;

    *answer = (struct ys_hook_answer){ .access = YS_ACCESS_UNKNOWN };
    ys_curl.easy_getinfo(request->easy, CURLINFO_RESPONSE_CODE, &status);
    if (result != CURLE_OK)
        answer->problem = ys_curl.easy_strerror(result);
    else if (status == 401 || status == 403)
        answer->access = YS_ACCESS_NONE;
    else if (status != 200)
        tell_status(answer, status);
    else
        read_body(ys_buf_bytes(&request->answer), answer);
    if (answer->access != YS_ACCESS_UNKNOWN)
        answer->max_age_s = read_max_age(request->easy);
}
