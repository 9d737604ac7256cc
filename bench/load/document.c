/* SPDX-License-Identifier: MIT */
#include "document.h"

#include <stdio.h>
#include <string.h>

#include "check.h"
#include "edit.h"

#define GENERATED_BYTES 311000
#define QUICK_BYTES 31100

/* Who wrote the generated one: nobody who visits. */
#define AUTHOR UINT64_C(0x30000000)

static void read_file(struct ys_buf *out, const char *path)
{
    FILE *file = fopen(path, "rb");
    uint8_t piece[16384];
    size_t n;

    ys_expect(file != NULL, path);
    while ((n = fread(piece, 1, sizeof(piece), file)) > 0)
        ys_buf_put(out, (struct ysync_bytes){ piece, n });
    ys_expect(!ferror(file), path);
    fclose(file);
}

void ys_document_init(struct ys_document *document, const struct ys_load *load)
{
    *document = (struct ys_document){ .clocks = 0 };
    ys_buf_init(&document->update, ysync_alloc_default(), SIZE_MAX);
    ys_buf_init(&document->state_vector, ysync_alloc_default(), SIZE_MAX);
    for (size_t i = 0; i < YS_DOCUMENT_KNOWN; i++)
        ys_buf_init(&document->known[i], ysync_alloc_default(), SIZE_MAX);
    if (load->document_path)
        read_file(&document->update, load->document_path);
    else
        ys_edit_put_document(&document->update, AUTHOR, load->is_quick ? QUICK_BYTES : GENERATED_BYTES);
    ys_must(ys_buf_err(&document->update), "document");
    document->clocks = ys_edit_count(ys_buf_bytes(&document->update));
    ys_edit_put_state_vector(&document->state_vector, ys_buf_bytes(&document->update));
    ys_must(ys_buf_err(&document->state_vector), "document");
}

void ys_document_deinit(struct ys_document *document)
{
    ys_buf_deinit(&document->update);
    ys_buf_deinit(&document->state_vector);
    for (size_t i = 0; i < YS_DOCUMENT_KNOWN; i++)
        ys_buf_deinit(&document->known[i]);
}

/* Reading 300 kB takes longer than a good server takes to send them, so what came before is only compared. */
uint64_t ys_document_count(struct ys_document *document, struct ysync_bytes update)
{
    struct ys_buf *place = &document->known[document->next_known];

    for (size_t i = 0; i < YS_DOCUMENT_KNOWN; i++) {
        if (document->known[i].len == update.len && memcmp(document->known[i].data, update.data, update.len) == 0)
            return document->known_clocks[i];
    }
    ys_buf_clear(place);
    ys_buf_put(place, update);
    ys_must(ys_buf_err(place), "answer");
    document->known_clocks[document->next_known] = ys_edit_count(update);
    document->next_known = (document->next_known + 1) % YS_DOCUMENT_KNOWN;
    return ys_edit_count(update);
}

static void count_answer(void *user, struct ys_visitor *visitor)
{
    size_t *answers = user;

    (void)visitor;
    ++*answers;
}

/* Behind the document each asks what it lacks, which is little: servers answer in the order in which they are told. */
void ys_document_bring(const struct ys_document *document, struct ys_crowd *crowd, size_t from, size_t to)
{
    uint64_t until = ys_now_ns() + YS_CROWD_PATIENCE_NS;
    size_t answers = 0;

    crowd->calls = (struct ys_crowd_calls){ .answered = count_answer };
    crowd->user = &answers;
    for (size_t i = from; i < to; i++) {
        ys_visitor_say(&crowd->visitors[i], YS_HEARD_UPDATE, ys_buf_bytes(&document->update));
        ys_visitor_say(&crowd->visitors[i], YS_HEARD_STEP1, ys_buf_bytes(&document->state_vector));
    }
    while (answers < to - from) {
        ys_crowd_turn(crowd, until);
        ys_expect(ys_now_ns() < until, "the server does not take the document");
    }
    crowd->calls = (struct ys_crowd_calls){ .present = NULL };
}
