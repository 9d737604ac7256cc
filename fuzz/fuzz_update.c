/* SPDX-License-Identifier: MIT */
/*
 * One update, applied to an empty document: accepted, it is all there, and what the document hands out is the same
 * document; refused, nothing of it is there.
 */
#include "documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static void check_empty(struct ysync_doc *doc)
{
    static const uint8_t nothing[] = { 0, 0 };
    struct ysync_bytes whole = whole_of(doc);

    require(is_same(whole, (struct ysync_bytes){ nothing, sizeof(nothing) }), "a refused update changes nothing");
    ysync_bytes_free(NULL, whole);
}

static void refuse_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    (void)user;
    (void)origin;
    (void)update;
    require(false, "an update that was applied before is no news");
}

/* News of an empty document are the document, unless something waits. */
static void keep_news(void *user, uint64_t origin, struct ysync_bytes update)
{
    (void)origin;
    require(!ysync_doc_apply(user, update, 0, NULL, NULL), "news are an update");
    ys_doc_check(user);
}

/* What waits may say something else about an id than what is there already, and then be handed out in part. So as long
 * as something waits, only that it can be handed out is certain. */
static void check_accepted(struct ysync_doc *doc, struct ysync_doc *told, struct ysync_bytes update)
{
    struct ysync_bytes whole = whole_of(doc);
    struct ysync_doc *again = load(whole);
    bool is_settled = !has_pending(doc);
    int lacks;

    require(!ysync_doc_lacks(again, update, &lacks), "the update can be compared");
    require(!ysync_doc_apply(doc, update, 0, is_settled ? refuse_news : NULL, NULL), "an update can be applied twice");
    ys_doc_check(doc);
    if (is_settled) {
        require(!lacks, "an update that was applied is not lacking");
        require_equal(doc, again, "what is handed out is the same document, also after applying again");
        require_equal(doc, told, "the news are all that is new");
    }
    ysync_doc_free(again);
    ysync_bytes_free(NULL, whole);
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_bytes update = { data, size };
    struct ysync_doc *doc = new_doc();
    struct ysync_doc *told = new_doc();
    enum ysync_err err = ysync_doc_apply(doc, update, 0, keep_news, told);

    ys_doc_check(doc);
    if (!err) {
        check_accepted(doc, told, update);
    } else {
        require(err == YSYNC_ERR_MALFORMED && *ysync_doc_problem(doc), "a refusal has its reason");
        check_empty(doc);
        check_empty(told);
    }
    ysync_doc_free(doc);
    ysync_doc_free(told);
    return 0;
}
