/* SPDX-License-Identifier: MIT */
/* What a client offers in Sec-WebSocket-Extensions (RFC 6455, 9.1), and what of it is accepted: permessage-deflate (RFC
 * 7692), so that no side keeps anything from one message to the next. */
#ifndef YS_WS_EXTENSIONS_H
#define YS_WS_EXTENSIONS_H

#include "ysync/bytes.h"

/* The first offer of compression that can be met, as the value of the answer's Sec-WebSocket-Extensions; NULL if there
 * is none. `offers` is the list of all such fields of the request. */
const char *ys_ws_accept_deflate(struct ysync_bytes offers);

#endif
