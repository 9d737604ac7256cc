/* SPDX-License-Identifier: MIT */
/*
 * Who a request comes from, behind proxies that say so.
 *
 *     X-Forwarded-For: 1.2.3.4, 203.0.113.9, 10.0.0.7        and the socket's other end is 10.0.0.1
 *                      '-----'  '---------'  '------'
 *         what the client wrote    seen by      seen by
 *                              the outer proxy  the inner one
 *
 * Each proxy puts what it saw behind what was there, so with two trusted proxies the second one from the right is the
 * client's. What stands further left anybody may have written.
 */
#ifndef YS_SERVER_FORWARDED_H
#define YS_SERVER_FORWARDED_H

#include "http/head.h"
#include "net/address.h"

/* Behind so many proxies who is the client? That is `peer`, the other end of the socket, if there are none, or if their
 * field is not there, too short, or no address. Its port is 0 where it is not known. */
struct ys_peer ys_forwarded_client(const struct ys_http_head *head, const struct ys_peer *peer,
                                   unsigned trusted_proxies);

#endif
