/* SPDX-License-Identifier: MIT */
/*
 * Snapshots: a document as it is kept somewhere, to be taken up again without reading its structs.
 *
 *     update     the base's bytes: a whole v1 update, as any Yjs program reads it
 *     pending    an update of what waits for others; mostly nothing
 *     index      for each client of the base: client (8 bytes), where its section is (4), clock (4)
 *     end        lengths of update and pending, where the update's delete set begins, clients, ranges of the delete
 * set, flags (4 each), checksum of all before it (8), magic (8)
 *
 * Numbers are little-endian. The end stands at the end, so that the update stands at the beginning.
 */
#ifndef YS_DOC_SNAPSHOT_H
#define YS_DOC_SNAPSHOT_H

#define YS_SNAPSHOT_MAGIC "ysyncdoc"
#define YS_SNAPSHOT_END_BYTES 40
#define YS_SNAPSHOT_INDEX_BYTES 16

/* Flags */
#define YS_SNAPSHOT_HAS_STRUCTURE 1u /* there may be types or GCs */
#define YS_SNAPSHOT_IS_PLAIN 2u      /* the update could not be a base: there is no index, it is to be applied */

#endif
