/* SPDX-License-Identifier: MIT */
/*
 * Any bytes as the state vector of somebody who asks a fixed document for what they lack: one that has text with
 * surrogate pairs, values, deletions, clients with large ids, and structs that wait for others. The document does not
 * change by being asked; the answer is an update, and ends where the document ends.
 */
#include "documents.h"

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size);

static const uint8_t fixed[] = {
    0x04, /* sections */
    0x01, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0x0f, 0x00, 0x04, 0x01, 0x01, 0x74, 0x03, 0x66, 0x61, 0x72,
    0x02, 0x09, 0x00, 0x08, 0x01, 0x01, 0x61, 0x04, 0x7d, 0x01, 0x77, 0x02, 0xc3, 0xa9, 0x7f, 0x76, 0x00, 0x88,
    0x09, 0x03, 0x01, 0x7e, 0x03, 0x07, 0x00, 0x04, 0x01, 0x01, 0x74, 0x0a, 0x61, 0xf0, 0x9f, 0x98, 0x80, 0xf0,
    0x9f, 0x98, 0x81, 0x62, 0x00, 0x05, 0x81, 0x07, 0x05, 0x03, 0x02, 0x03, 0x05, 0x84, 0x03, 0x04, 0x05, 0x68,
    0x65, 0x6c, 0x6c, 0x6f, 0x84, 0x0b, 0x00, 0x01, 0x21, 0x01, 0x09, 0x01, 0x01, 0x02, /* deletes */
};

static struct ysync_doc *fixed_doc(void)
{
    static struct ysync_doc *doc;

    if (!doc) {
        doc = load((struct ysync_bytes){ fixed, sizeof(fixed) });
        require(has_pending(doc), "something waits");
    }
    return doc;
}

int LLVMFuzzerTestOneInput(const uint8_t *data, size_t size)
{
    struct ysync_doc *doc = fixed_doc();
    struct ysync_bytes before = whole_of(doc);
    struct ysync_bytes after;
    struct ysync_bytes answer;
    enum ysync_err err = ysync_doc_diff(doc, (struct ysync_bytes){ data, size }, &answer);

    if (!err) {
        struct ysync_doc *reader = load(answer);
        int lacks = 0;

        require(answer.len <= before.len + 64, "no answer is longer than the document, but for a cut");
        require(!ysync_doc_lacks(doc, answer, &lacks), "the answer can be compared");
        require(!ysync_doc_apply(reader, before, 0, NULL, NULL), "the rest can be applied to the answer");
        ys_doc_check(reader);
        ysync_doc_free(reader);
        ysync_bytes_free(NULL, answer);
    } else {
        require(err == YSYNC_ERR_MALFORMED && *ysync_doc_problem(doc), "a refusal has its reason");
    }
    after = whole_of(doc);
    require(is_same(before, after), "asking changes nothing");
    ysync_bytes_free(NULL, before);
    ysync_bytes_free(NULL, after);
    return 0;
}
