/* SPDX-License-Identifier: MIT */
/*
 * The parser behind head.c: llhttp or http-parser, whichever the build found (engine_llhttp.c, engine_http_parser.c).
 * It takes a whole head apart; what the parts may be is checked in head.c, alike for both.
 */
#ifndef YS_HTTP_ENGINE_H
#define YS_HTTP_ENGINE_H

#include "http/head.h"

/* The parts of one head, from the request line to the empty line: target and field_count of *out, and the fields, of
 * which there may be max_fields. False if it is no head of HTTP/1, or has more. */
bool ys_http_engine_parse(struct ysync_bytes head, struct ys_http_field *fields, size_t max_fields,
                          struct ys_http_head *out);

#endif
