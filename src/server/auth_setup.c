/* SPDX-License-Identifier: MIT */
#include "server/auth_setup.h"

#include <string.h>

#include "auth/callback.h"
#include "auth/jwt.h"
#include "auth/secret_file.h"
#include "auth/token.h"
#include "auth/web_hook.h"
#include "base/alloc.h"
#include "base/log.h"
#include "base/problem.h"
#include "base/texts.h"

struct ys_auth_setup {
    const struct ysync_alloc *alloc;
    const char *const *tokens; /* copies, in one block */
    size_t token_count;
    char *token_file;
    char *jwt_key_file;
    char *jwt_issuer;
    char *jwt_audience;
    char *verify_url;
    uint64_t verify_timeout_ms;
    bool asks_program;
    struct ys_auth_setting setting;
};

/* A secret may open the door in one way only: who gives two of them is mistaken about one. */
static enum ysync_err check_ways(const struct ysync_plugin_config *config, struct ysync_problem *problem)
{
    const struct {
        const char *name;
        bool is_given;
    } ways[] = {
        { "tokens", config->token_count > 0 },
        { "token_file", config->token_file },
        { "jwt_key_file", config->jwt_key_file },
        { "verify_url", config->verify_url },
        { "verify", config->verify },
    };
    const char *first = NULL;

    for (size_t i = 0; i < ARRAY_LEN(ways); i++) {
        if (!ways[i].is_given)
            continue;
        if (first) {
            ys_problem_set(problem, "two ways to authorize at once, %s and %s: give one", first, ways[i].name);
            return YSYNC_ERR_INVALID_ARG;
        }
        first = ways[i].name;
    }
    return YSYNC_OK;
}

/* Without the key nothing would be held against them. */
static enum ysync_err check_jwt(const struct ysync_plugin_config *config, struct ysync_problem *problem)
{
    if (config->jwt_key_file || (!config->jwt_issuer && !config->jwt_audience))
        return YSYNC_OK;
    ys_problem_set(problem, "%s without jwt_key_file", config->jwt_issuer ? "jwt_issuer" : "jwt_audience");
    return YSYNC_ERR_INVALID_ARG;
}

static enum ysync_err check_tokens(const struct ysync_plugin_config *config, struct ysync_problem *problem)
{
    for (size_t i = 0; i < config->token_count; i++) {
        if (config->tokens[i][0] == '\0') {
            ys_problem_set(problem, "a token must not be empty");
            return YSYNC_ERR_INVALID_ARG;
        }
    }
    return YSYNC_OK;
}

static enum ysync_err copy_texts(struct ys_auth_setup *setup, const struct ysync_plugin_config *config)
{
    const struct ysync_alloc *alloc = setup->alloc;
    bool is_copied = ys_copy_text(alloc, config->token_file, &setup->token_file) &&
                     ys_copy_text(alloc, config->jwt_key_file, &setup->jwt_key_file) &&
                     ys_copy_text(alloc, config->jwt_issuer, &setup->jwt_issuer) &&
                     ys_copy_text(alloc, config->jwt_audience, &setup->jwt_audience) &&
                     ys_copy_text(alloc, config->verify_url, &setup->verify_url);

    return is_copied ? YSYNC_OK : YSYNC_ERR_NOMEM;
}

enum ysync_err ys_auth_setup_new(const struct ysync_alloc *alloc, const struct ysync_plugin_config *config,
                                 const struct ys_auth_setting *setting, struct ys_auth_setup **out,
                                 struct ysync_problem *problem)
{
    struct ys_auth_setup *setup;
    enum ysync_err err = check_ways(config, problem);

    if (!err)
        err = check_tokens(config, problem);
    if (!err)
        err = check_jwt(config, problem);
    if (err)
        return err;
    ys_problem_set(problem, "out of memory");
    setup = ys_alloc_zeroed(alloc, 1, sizeof(*setup));
    if (!setup)
        return YSYNC_ERR_NOMEM;
    setup->alloc = alloc;
    setup->asks_program = config->verify;
    setup->verify_timeout_ms = config->verify_timeout_ms;
    setup->setting = *setting;
    setup->token_count = config->token_count;
    err = ys_texts_copy(alloc, config->tokens, config->token_count, &setup->tokens);
    if (!err)
        err = copy_texts(setup, config);
    if (err) {
        ys_auth_setup_free(setup);
        return err;
    }
    *out = setup;
    return YSYNC_OK;
}

void ys_auth_setup_free(struct ys_auth_setup *setup)
{
    if (!setup)
        return;
    ys_free(setup->alloc, (void *)(uintptr_t)setup->tokens);
    ys_free(setup->alloc, setup->token_file);
    ys_free(setup->alloc, setup->jwt_key_file);
    ys_free(setup->alloc, setup->jwt_issuer);
    ys_free(setup->alloc, setup->jwt_audience);
    ys_free(setup->alloc, setup->verify_url);
    ys_free(setup->alloc, setup);
}

static enum ysync_err make_tokens(const struct ys_auth_setup *setup, struct ys_auth **out)
{
    struct ysync_bytes *tokens = ys_alloc_array(setup->alloc, setup->token_count, sizeof(*tokens));
    enum ysync_err err;

    if (!tokens)
        return YSYNC_ERR_NOMEM;
    for (size_t i = 0; i < setup->token_count; i++)
        tokens[i] = ys_log_str(setup->tokens[i]);
    err = ys_auth_new_tokens(setup->alloc, tokens, setup->token_count, out);
    ys_free(setup->alloc, tokens);
    return err;
}

static enum ysync_err make_web_hook(const struct ys_auth_setup *setup, struct ys_auth **out,
                                    struct ysync_problem *problem)
{
    const struct ys_web_hook_config config = {
        .loop = setup->setting.loop,
        .url = setup->verify_url,
        .timeout_ms = setup->verify_timeout_ms,
        .log = setup->setting.log,
    };

    return ys_auth_new_web_hook(setup->alloc, &config, out, problem);
}

/* What is wrong with a key is said by its file's name too. */
static enum ysync_err make_jwt(const struct ys_auth_setup *setup, struct ys_auth **out, struct ysync_problem *problem)
{
    struct ys_jwt_config config = { .issuer = setup->jwt_issuer, .audience = setup->jwt_audience };
    struct ysync_problem why = { "" };
    struct ys_buf key;
    enum ysync_err err;

    ys_buf_init(&key, setup->alloc, SIZE_MAX);
    err = ys_secret_file_read(setup->jwt_key_file, &key, problem);
    if (!err) {
        config.key = ys_buf_bytes(&key);
        err = ys_auth_new_jwt(setup->alloc, &config, out, &why);
        if (err)
            ys_problem_set(problem, "%s: %s", setup->jwt_key_file, why.text);
    }
    ys_secret_wipe(&key);
    return err;
}

enum ysync_err ys_auth_setup_make(const struct ys_auth_setup *setup, struct ys_auth **out,
                                  struct ysync_problem *problem)
{
    ys_problem_set(problem, "out of memory");
    if (setup->asks_program)
        return ys_auth_new_callback(setup->alloc, setup->setting.verify, setup->setting.verify_user, out);
    if (setup->verify_url)
        return make_web_hook(setup, out, problem);
    if (setup->token_file)
        return ys_auth_new_token_file(setup->alloc, setup->token_file, out, problem);
    if (setup->jwt_key_file)
        return make_jwt(setup, out, problem);
    if (setup->token_count > 0)
        return make_tokens(setup, out);
    return ys_auth_new_open(setup->alloc, out);
}

bool ys_auth_setup_has_files(const struct ys_auth_setup *setup)
{
    return setup->token_file || setup->jwt_key_file;
}
