/* SPDX-License-Identifier: MIT */
/* As many messages a second are as many thousandths of a message a millisecond, so nothing is ever rounded. */
#include "server/rate.h"

#define MESSAGE UINT64_C(1000)

void ys_rate_init(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms)
{
    *rate = (struct ys_rate){ .thousandths = per_second * YS_RATE_AVERAGED_OVER_MS, .filled_ms = now_ms };
}

static void fill(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms)
{
    uint64_t elapsed_ms = now_ms - rate->filled_ms;
    uint64_t lacking = per_second * YS_RATE_AVERAGED_OVER_MS - rate->thousandths;

    rate->filled_ms = now_ms;
    if (elapsed_ms >= YS_RATE_AVERAGED_OVER_MS || elapsed_ms * per_second >= lacking)
        rate->thousandths += lacking;
    else
        rate->thousandths += elapsed_ms * per_second;
}

uint64_t ys_rate_take(struct ys_rate *rate, uint64_t per_second, uint64_t now_ms)
{
    uint64_t wait_ms;

    fill(rate, per_second, now_ms);
    rate->thousandths -= rate->thousandths < MESSAGE ? rate->thousandths : MESSAGE;
    if (rate->thousandths >= MESSAGE)
        return 0;
    wait_ms = (MESSAGE - rate->thousandths + per_second - 1) / per_second;
    return wait_ms < YS_RATE_LOT_MS ? YS_RATE_LOT_MS : wait_ms;
}
