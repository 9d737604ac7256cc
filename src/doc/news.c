/* SPDX-License-Identifier: MIT */
#include "doc/news.h"

#include <assert.h>
#include <stdlib.h>

#include "base/alloc.h"

/* The head of a section, and what cutting its first struct may add. */
#define PIECE_BYTES (3 * YS_VARUINT_MAX_BYTES + 2 * YS_STRUCT_CUT_BYTES)

/* A range, and as if each were the only one of its client. */
#define DELETE_BYTES (4 * YS_VARUINT_MAX_BYTES)

void ys_news_init(struct ys_news *news, const struct ysync_alloc *alloc)
{
    news->pieces = news->few;
    news->piece_count = 0;
    news->piece_cap = ARRAY_LEN(news->few);
    news->deletes_origin = 0;
    news->bound = 3 * YS_VARUINT_MAX_BYTES; /* the counts of sections and of clients with deletes */
    ys_ranges_init(&news->deletes);
    ys_buf_init(&news->out, alloc, SIZE_MAX);
}

void ys_news_deinit(struct ys_news *news)
{
    ys_free_grown(news->out.alloc, news->pieces, news->few);
    ys_ranges_deinit(&news->deletes, news->out.alloc);
    ys_buf_deinit(&news->out);
}

enum ysync_err ys_news_reserve(struct ys_news *news, size_t pieces, size_t bytes, size_t deletes)
{
    size_t bound = news->bound + pieces * PIECE_BYTES + bytes + deletes * DELETE_BYTES;
    enum ysync_err err = YSYNC_OK;

    if (!ys_grow_from(news->out.alloc, &news->pieces, news->few, &news->piece_cap, news->piece_count + pieces,
                      sizeof(*news->pieces)))
        return YSYNC_ERR_NOMEM;
    if (bound > news->out.cap) /* by half, as the blocks that are woken come one by one */
        err = ys_buf_reserve(&news->out, bound + bound / 2);
    if (!err)
        news->bound = bound;
    return err;
}

void ys_news_add(struct ys_news *news, struct ys_news_piece piece)
{
    struct ys_news_piece *last = news->piece_count ? &news->pieces[news->piece_count - 1] : NULL;

    if (last && last->origin == piece.origin && last->client == piece.client && last->to == piece.from) {
        last->to = piece.to;
        return;
    }
    assert(news->piece_count < news->piece_cap);
    news->pieces[news->piece_count++] = piece;
}

/* By origin, then as an update has them. */
static int compare_pieces(const void *left, const void *right)
{
    const struct ys_news_piece *a = left;
    const struct ys_news_piece *b = right;

    if (a->origin != b->origin)
        return a->origin < b->origin ? -1 : 1;
    if (a->client != b->client)
        return a->client > b->client ? -1 : 1;
    return a->from < b->from ? -1 : a->from > b->from;
}

/* Of each client one piece is written: an update has but one section for it. The others stay, at the front. */
static size_t write_sections(struct ys_news *news, struct ysync_doc *doc, struct ys_news_piece *pieces, size_t count)
{
    size_t left = 0;
    size_t sections = 0;

    for (size_t i = 0; i < count; i++)
        sections += i == 0 || pieces[i].client != pieces[i - 1].client;
    ys_buf_put_varuint(&news->out, sections);
    for (size_t i = 0; i < count; i++) {
        uint64_t client = pieces[i].client;

        ys_doc_put_section(doc, client, pieces[i].from, pieces[i].to, &news->out);
        for (; i + 1 < count && pieces[i + 1].client == client; i++)
            pieces[left++] = pieces[i + 1];
    }
    return left;
}

static void tell_origin(struct ys_news *news, struct ysync_doc *doc, struct ys_news_piece *pieces, size_t count,
                        uint64_t origin, ysync_doc_news_fn *tell, void *user)
{
    bool with_deletes = news->deletes.count > 0 && news->deletes_origin == origin;

    do {
        ys_buf_clear(&news->out);
        count = write_sections(news, doc, pieces, count);
        if (with_deletes)
            ys_ranges_put(&news->deletes, &news->out);
        else
            ys_buf_put_varuint(&news->out, 0);
        with_deletes = false;
        assert(!news->out.err);
        tell(user, origin, ys_buf_bytes(&news->out));
    } while (count > 0);
}

void ys_news_tell(struct ys_news *news, struct ysync_doc *doc, ysync_doc_news_fn *tell, void *user)
{
    bool has_told_deletes = news->deletes.count == 0;
    size_t count;

    if (news->piece_count > 1)
        qsort(news->pieces, news->piece_count, sizeof(*news->pieces), compare_pieces);
    for (size_t i = 0; i < news->piece_count; i += count) {
        uint64_t origin = news->pieces[i].origin;

        for (count = 1; i + count < news->piece_count && news->pieces[i + count].origin == origin;)
            count++;
        tell_origin(news, doc, news->pieces + i, count, origin, tell, user);
        has_told_deletes |= origin == news->deletes_origin;
    }
    if (!has_told_deletes)
        tell_origin(news, doc, NULL, 0, news->deletes_origin, tell, user);
}
